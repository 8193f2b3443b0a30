//! Isolation of pods, and walks from pod to pod or from outside.
//!
//! In: what a test asks of these. Out: what became of it, with the pod that nothing isolates or the way that leads there.

use super::asks::Test;
use super::judged::{Holds, Judged, Witness, of_proof};
use super::prove::Tester;
use super::questions::{Set, Start};
use super::words::TestScope;
use crate::cluster::{PodId, Truth};
use crate::ends::{End, Endpoint};
use crate::onward::{From, Onward, onward_over};
use crate::policy::rule::Direction;
use crate::unwritten::{Within, WitnessEnd};
use crate::verdict::closed;

impl Tester<'_> {
    /// Whether every pod of a set is isolated.
    pub(super) fn closed(&mut self, test: &Test, set: &Set, direction: Direction) -> Judged {
        let known = self.classes.of(&set.parts, &set.except, false);
        let mut judged = Judged::proved();
        let mut hosted = false;
        for part in &set.parts {
            let ends = part.pods.iter().map(|id| End::Pod(*id));
            for end in self.classes.one_of_each(&known, ends) {
                let End::Pod(id) = end else { continue };
                if self.snapshot.pod(id).host_network {
                    hosted = true;
                    continue;
                }
                let witness = || Witness::Open(WitnessEnd::Known(Endpoint::Pod(id)), direction);
                let isolated = closed(self.snapshot, self.rules, id, direction).isolated;
                match isolated {
                    Truth::Yes => {}
                    Truth::No if known.is_sure(end) => {
                        return Judged::with(Holds::Broken, witness());
                    }
                    Truth::No | Truth::Unknown => {
                        judged = judged.and(Judged::with(Holds::NotKnown, witness()));
                    }
                }
            }
        }
        if hosted {
            judged.notes.push(
                "pods on their nodes' networks are left out: no policy isolates them".to_owned(),
            );
        }
        let within = match test.scope {
            TestScope::Known => return judged,
            TestScope::Any => Within::Any,
            TestScope::WrittenNamespaces => Within::Written,
        };
        let kinds = self.kinds(set, &known, false);
        let role = usize::from(direction == Direction::Ingress);
        let proof = self.prover.all_isolated(&kinds, direction, within);
        let found = of_proof(proof, |flow| {
            let [source, destination] = flow.ends;
            Witness::Open(if role == 0 { source } else { destination }, direction)
        });
        let notes = judged.notes.clone();
        let mut judged = judged.and(found);
        judged.notes = notes;
        judged
    }

    /// Whether a walk leads to one of some pods.
    pub(super) fn walk(&self, start: &Start, to: &[PodId], hops: usize) -> Judged {
        let from = match start {
            Start::Pods(pods) => From::Pods(pods.clone()),
            Start::Internet => From::Internet,
        };
        let both = (self.snapshot, self.rules);
        match onward_over(self.connectivity, both, &from, (hops, false), self.effort) {
            Ok(found) => reached(&found, |id| to.contains(&id)),
            Err(too_much) => Judged::not_known(too_much.to_string()),
        }
    }

    /// Whether what leads in from outside leads to others than some pods.
    pub(super) fn entered(&self, may: &[PodId]) -> Judged {
        let found = self.entered.get_or_init(|| {
            let both = (self.snapshot, self.rules);
            onward_over(self.connectivity, both, &From::Internet, (1, false), self.effort)
        });
        match found {
            Ok(found) => {
                reached(found, |id| !may.contains(&id) && !self.snapshot.pod(id).host_network)
            }
            Err(too_much) => Judged::not_known(too_much.to_string()),
        }
    }
}

/// The nearest of some pods that is reached.
fn reached(found: &Onward, counts: impl Fn(PodId) -> bool) -> Judged {
    let all = found
        .reached()
        .filter(|(_, reached, _)| reached.hops > 0 && reached.pods.iter().any(|id| counts(*id)));
    if let Some((place, _, certain)) = all.min_by_key(|(_, it, certain)| (!*certain, it.hops)) {
        let way = found.way(place).into_iter();
        let mut steps: Vec<_> =
            way.map(|step| (step.pods.clone(), step.ports.clone(), step.by.clone())).collect();
        if let Some((pods, ..)) = steps.last_mut() {
            pods.retain(|id| counts(*id));
        }
        let holds = if certain { Holds::Broken } else { Holds::NotKnown };
        return Judged::with(holds, Witness::Way(steps));
    }
    match found.not_known.first() {
        Some(why) => Judged::not_known(why.clone()),
        None => Judged::proved(),
    }
}
