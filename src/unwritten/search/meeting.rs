//! Whether anything passes between two kinds of ends, for a question that says of both what they are.
//!
//! In: two ends, of which at least one is any pod of a place, what is asked of their pods besides, and
//! ports. Out: a flow that passes, one of which that is not known, or the proof that there is neither.

use super::shown::ANYONE;
use super::{FoundEnd, Search, subject};
use crate::cluster::{Family, Pod, Port, PortRange, Protocol, Truth};
use crate::policy::Enforcement;
use crate::policy::rule::{Direction, PodSet};
use crate::reach::PortSet;
use crate::unwritten::flows::{Besides, Flows, Who};
use crate::unwritten::homes::Side;
use crate::unwritten::sat::{Answer, Lit};
use crate::verdict::{Endpoint, Flow, Passage, closed, judge};

/// What is asked of the ends, and of what passes.
#[derive(Clone, Copy, Debug)]
pub(in crate::unwritten) struct Wanted<'q> {
    /// By role: a pod that is not written is in one of these.
    pub(in crate::unwritten) of: [&'q [PodSet]; 2],
    /// It is in none of these.
    pub(in crate::unwritten) but: [&'q [PodSet]; 2],
    /// It is not like any of these: it lacks what selects them, or rules tell it from them.
    pub(in crate::unwritten) unlike: [&'q [Like<'q>]; 2],
    /// At one of these ports.
    pub(in crate::unwritten) ports: &'q PortSet,
    /// What passes on a condition counts.
    pub(in crate::unwritten) on_condition: bool,
}

/// A known pod for which others may stand.
#[derive(Clone, Debug)]
pub(in crate::unwritten) struct Like<'q> {
    pub(in crate::unwritten) pod: &'q Pod,
    /// What every pod has that is taken for it.
    pub(in crate::unwritten) set: PodSet,
}

/// A flow that was found.
#[derive(Clone, Debug)]
pub(in crate::unwritten) struct Met {
    pub(in crate::unwritten) ends: [FoundEnd; 2],
    pub(in crate::unwritten) port: Port,
    pub(in crate::unwritten) family: Family,
}

/// What became of a question.
#[derive(Clone, Debug)]
pub(in crate::unwritten) enum Meeting {
    /// Nothing passes, whatever is not known.
    Nowhere,
    /// This passes: it was judged.
    Passes(Box<Met>),
    /// This may pass.
    Perhaps(Box<Met>),
    /// It was not looked at to the end.
    GivenUp,
}

impl Wanted<'_> {
    /// Every set that a question names of a role.
    fn sets(&self, role: usize) -> Vec<PodSet> {
        let unlike = self.unlike[role].iter().map(|like| &like.set);
        self.of[role].iter().chain(self.but[role]).chain(unlike).cloned().collect()
    }
}

impl<'a> Search<'a> {
    /// Looks for a flow between two ends, of which those that are known are of one family where they are
    /// addresses.
    pub(in crate::unwritten) fn meeting(
        &mut self,
        ends: [&Who<'a>; 2],
        twice: &'a [Side<'a>; 2],
        wanted: &Wanted<'_>,
    ) -> Meeting {
        let sets: [Vec<PodSet>; 2] = [0, 1].map(|role| wanted.sets(role));
        let besides = Besides { sets: [&sets[0], &sets[1]], ports: Some(wanted.ports) };
        let tcp = PortSet::of([(Protocol::Tcp, PortRange { first: 1, last: u16::MAX })]);
        let tcp = tcp.intersection(wanted.ports);
        let mut perhaps = None;
        for family in self.families_of(ends) {
            let mut flows = Flows::asked(self.sides, ends.map(Clone::clone), family, &besides);
            let asked = asked(&mut flows, ends, wanted);
            let [possible, certain, free] = flows.passage(0);
            let counts = if wanted.on_condition {
                possible
            } else {
                let bound = flows.circuit.all([certain, !free]);
                flows.circuit.all([possible, !bound])
            };
            match self.ask(&mut flows, &[asked.as_slice(), &[counts]].concat(), false) {
                Answer::No => continue,
                Answer::GivenUp => return Meeting::GivenUp,
                Answer::Yes => {}
            }
            // Of several ports one of TCP says most to people.
            let tcp = flows.within(&tcp);
            let usual = [asked.as_slice(), &[counts, tcp]].concat();
            let any = [asked.as_slice(), &[counts]].concat();
            if self.ask(&mut flows, &usual, false) != Answer::Yes
                && self.ask(&mut flows, &any, false) != Answer::Yes
            {
                return Meeting::GivenUp;
            }
            let Some(first) = self.met(&flows, ends) else { return Meeting::GivenUp };
            if self.passes(&first, wanted.on_condition) {
                return Meeting::Passes(Box::new(first));
            }
            perhaps.get_or_insert(first);
            // Others may pass for certain.
            let sure = if wanted.on_condition { certain } else { free };
            match self.sure(&mut flows, ends, &[asked.as_slice(), &[sure]].concat(), wanted) {
                Ok(Some(met)) => return Meeting::Passes(Box::new(met)),
                Ok(None) => {}
                Err(()) => return Meeting::GivenUp,
            }
            if flows.is_settled() {
                continue;
            }
            let mut flows = Flows::asked(twice, ends.map(Clone::clone), family, &besides);
            let asked = self::asked(&mut flows, ends, wanted);
            let level = if wanted.on_condition { 1 } else { 2 };
            let both = [0, 1].map(|side| flows.passage(side)[level]);
            for extreme in flows.extremes() {
                let all = [asked.as_slice(), &both, extreme.as_slice()].concat();
                match self.sure(&mut flows, ends, &all, wanted) {
                    Ok(Some(met)) => return Meeting::Passes(Box::new(met)),
                    Ok(None) => {}
                    Err(()) => return Meeting::GivenUp,
                }
            }
        }
        perhaps.map_or(Meeting::Nowhere, |met| Meeting::Perhaps(Box::new(met)))
    }

    /// The families in which two ends may differ: blocks may mean nodes where they mean no pods.
    fn families_of(&self, ends: [&Who<'a>; 2]) -> Vec<Family> {
        let on_node = |end: &Endpoint| match end {
            Endpoint::Node(_) | Endpoint::NodeAddress(..) => true,
            Endpoint::Pod(id) => self.sides[0].snapshot.pod(*id).host_network,
            _ => false,
        };
        let nodes = ends.into_iter().any(|who| match who {
            Who::One(all) => all.iter().any(|both| on_node(&both[0])),
            Who::Unwritten(..) => false,
        });
        if nodes { Family::ALL.to_vec() } else { self.families(ends) }
    }

    /// A flow of these that is judged to pass; an error where that was given up.
    fn sure(
        &mut self,
        flows: &mut Flows<'a>,
        ends: [&Who<'a>; 2],
        all: &[Lit],
        wanted: &Wanted<'_>,
    ) -> Result<Option<Met>, ()> {
        match self.ask(flows, all, false) {
            Answer::No => Ok(None),
            Answer::GivenUp => Err(()),
            Answer::Yes => {
                let met = self.met(flows, ends);
                Ok(met.filter(|met| self.passes(met, wanted.on_condition)))
            }
        }
    }

    /// The flow that was found last.
    fn met(&mut self, flows: &Flows<'a>, ends: [&Who<'a>; 2]) -> Option<Met> {
        let held = |(.., lit): &&(_, _, Lit)| flows.circuit.holds(*lit);
        let (protocol, range, _) = flows.ports.iter().find(held)?;
        let port = Port { protocol: *protocol, number: range.first };
        let mut found = Vec::with_capacity(2);
        for (role, who) in ends.into_iter().enumerate() {
            found.push(match who {
                Who::Unwritten(home, name) => {
                    let shape = self.shape(flows, role, home, name, port);
                    let place = self.homes.iter().position(|it| std::ptr::eq(it, *home));
                    FoundEnd::Shape(shape, place.unwrap_or(0))
                }
                Who::One(all) => {
                    let mut lits = flows.one_of[role].iter();
                    let chosen = lits.position(|lit| flows.circuit.holds(*lit));
                    FoundEnd::Known(all.get(chosen?)?[0].clone())
                }
            });
        }
        let ends = <[FoundEnd; 2]>::try_from(found).ok()?;
        Some(Met { ends, port, family: flows.family })
    }

    /// Whether a flow is judged to pass.
    fn passes(&mut self, met: &Met, on_condition: bool) -> bool {
        let [source, destination] = met.ends.each_ref().map(|end| match end {
            FoundEnd::Shape(shape, _) => self.scratched(shape, false)[0].clone(),
            FoundEnd::Known(end) => self.scratched_known(&[end.clone(), end.clone()])[0].clone(),
        });
        let flow = Flow {
            source,
            destination,
            port: met.port,
            family: met.family,
            through_service: false,
        };
        let passage = judge(&self.scratch[0].snapshot, self.sides[0].rules, &flow).passage();
        if on_condition { passage >= Passage::OnCondition } else { passage == Passage::Allowed }
    }

    /// A pod of a place that no policy isolates in a direction.
    ///
    /// Source: docs/semantics/kubernetes.md#isolation and
    /// docs/semantics/cilium-verdicts.md#enforcement-mode.
    pub(in crate::unwritten) fn not_isolated(
        &mut self,
        who: &Who<'a>,
        direction: Direction,
        wanted: &Wanted<'_>,
    ) -> Meeting {
        let rules = self.sides[0].rules;
        let enforcement = rules.cilium().map(|cilium| cilium.enforcement).unwrap_or_default();
        if enforcement == Enforcement::Always {
            return Meeting::Nowhere;
        }
        let role = subject(direction);
        let sets = wanted.sets(role);
        let mut besides = Besides::default();
        besides.sets[role] = &sets;
        let outside = Endpoint::Address(ANYONE);
        let other = Who::One([[outside.clone(), outside]].into());
        let ends = if role == 0 { [who, &other] } else { [&other, who] };
        let mut flows = Flows::asked(self.sides, ends.map(Clone::clone), Family::V4, &besides);
        let mut all = meant(&mut flows, role, wanted);
        if enforcement == Enforcement::Default {
            all.push(flows.unprotected(direction));
        }
        match self.ask(&mut flows, &all, false) {
            Answer::No => return Meeting::Nowhere,
            Answer::GivenUp => return Meeting::GivenUp,
            Answer::Yes => {}
        }
        let Some(met) = self.met(&flows, ends) else { return Meeting::GivenUp };
        let FoundEnd::Shape(shape, _) = &met.ends[role] else { return Meeting::GivenUp };
        let Endpoint::Pod(id) = self.scratched(shape, false)[0] else { return Meeting::GivenUp };
        match closed(&self.scratch[0].snapshot, rules, id, direction).isolated {
            Truth::No => Meeting::Passes(Box::new(met)),
            Truth::Unknown | Truth::Yes => Meeting::Perhaps(Box::new(met)),
        }
    }
}

/// That the ends and the port are those that are asked for.
fn asked(flows: &mut Flows<'_>, ends: [&Who<'_>; 2], wanted: &Wanted<'_>) -> Vec<Lit> {
    let mut all = vec![flows.within(wanted.ports), flows.judged()];
    for (role, who) in ends.into_iter().enumerate() {
        if matches!(who, Who::Unwritten(..)) {
            all.extend(meant(flows, role, wanted));
        }
    }
    all
}

/// That the pod of a role, which is not written, is asked for.
fn meant(flows: &mut Flows<'_>, role: usize, wanted: &Wanted<'_>) -> Vec<Lit> {
    let mut all = vec![flows.in_one(role, wanted.of[role])];
    if !wanted.but[role].is_empty() {
        all.push(!flows.in_one(role, wanted.but[role]));
    }
    for like in wanted.unlike[role] {
        let selected = flows.in_one(role, std::slice::from_ref(&like.set));
        let alike = flows.is_like(role, like.pod);
        all.push(!flows.circuit.all([selected, alike]));
    }
    all
}
