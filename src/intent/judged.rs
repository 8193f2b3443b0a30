//! What became of a test, and what shows it.
//!
//! In: nothing. Out: a [`Judged`]: proved, broken or not known, with a [`Witness`].

use super::questions::Refusal;
use crate::cluster::{Family, PodId, Port};
use crate::ends::{End, Endpoint};
use crate::policy::rule::Direction;
use crate::reach::PortSet;
use crate::unwritten::{Proof, WitnessEnd, WitnessFlow};

/// Whether what a test asks holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holds {
    /// It was proved.
    Proved,
    /// It is not known.
    NotKnown,
    /// A flow breaks it.
    Broken,
}

/// What shows that something is so, or may be.
#[derive(Clone, Debug, PartialEq)]
pub enum Witness {
    /// A flow, and whether it was to pass.
    Flow(Box<WitnessFlow>, bool),
    /// A pod that policies do not isolate in a direction.
    Open(WitnessEnd, Direction),
    /// A way from pod to pod, or from outside: each step with its ports and what leads in.
    Way(Vec<(Vec<PodId>, PortSet, Option<String>)>),
    /// A flow to a name outside, or by a way in: the source, the destination as asked, and its port.
    Single(Endpoint, String, Option<Port>),
}

impl Witness {
    /// A flow between known ends.
    pub(super) fn flow(ends: [End; 2], port: Port, family: Family) -> WitnessFlow {
        let ends = ends.map(|end| WitnessEnd::Known(end.into()));
        WitnessFlow { ends, port, family }
    }
}

/// What became of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Whether it holds.
    pub holds: Holds,
    /// What shows that it does not, or may not.
    pub witness: Option<Witness>,
    /// Why it is not known, or holds of nothing, where no flow says so: a sentence without its end.
    pub why: Option<String>,
    /// What passes does so on a condition only.
    pub on_condition: bool,
    /// What else is to be said.
    pub notes: Vec<String>,
}

impl Judged {
    pub(super) fn proved() -> Self {
        Self {
            holds: Holds::Proved,
            witness: None,
            why: None,
            on_condition: false,
            notes: Vec::new(),
        }
    }

    pub(super) fn with(holds: Holds, witness: Witness) -> Self {
        Self { holds, witness: Some(witness), ..Self::proved() }
    }

    /// It is not known, and this is why.
    pub(super) fn not_known(why: String) -> Self {
        Self { holds: Holds::NotKnown, why: Some(why), ..Self::proved() }
    }

    /// Why nothing of it holds.
    pub(super) fn refused(refusal: Refusal) -> Self {
        let (Refusal::Nothing(why) | Refusal::Wrong(why)) = refusal;
        Self { holds: Holds::Broken, why: Some(why), ..Self::proved() }
    }

    /// Both: what is worse, and of two that are equal the first.
    pub(super) fn and(self, other: Self) -> Self {
        if other.holds > self.holds { other } else { self }
    }
}

pub(super) fn of_proof(proof: Proof, witness: impl FnOnce(WitnessFlow) -> Witness) -> Judged {
    match proof {
        Proof::Holds => Judged::proved(),
        Proof::Broken(flow) => Judged::with(Holds::Broken, witness(*flow)),
        Proof::NotKnown(flow) => Judged::with(Holds::NotKnown, witness(*flow)),
        Proof::GivenUp(why) => Judged::not_known(why),
    }
}
