//! Which pods that are not written a question cannot do without.
//!
//! In: two ends, of which at least one is any pod of a place, and a port. Out: pods whose flows pass,
//! pass on a condition, perhaps pass, or do not, as far as there are any, and whose flows hang on what is
//! not known.

use super::Search;
use crate::cluster::{Family, Port};
use crate::unwritten::flows::{Flows, Who};
use crate::unwritten::homes::Side;
use crate::unwritten::sat::Answer;
use crate::unwritten::shape::Shape;
use crate::verdict::{Endpoint, Flow, Judgement, judge};

/// A pod at each end that is not known, and the port at which they show something.
pub(in crate::unwritten) struct Shown {
    /// By role, the source first.
    pub(in crate::unwritten) shapes: [Option<Shape>; 2],
    pub(in crate::unwritten) port: Port,
    family: Family,
}

impl<'a> Search<'a> {
    /// The pods that show what becomes of flows between two ends; `None` where it was given up.
    pub(in crate::unwritten) fn between(
        &mut self,
        ends: [&Who<'a>; 2],
        wanted: Option<Port>,
        twice: &'a [Side<'a>; 2],
    ) -> Option<Vec<Shown>> {
        let mut all = Vec::new();
        for family in self.families(ends) {
            let mut flows = Flows::new(self.sides, ends.map(Clone::clone), family);
            let at = wanted.map(|port| flows.at(port));
            for what in flows.outcomes(0) {
                let asked: Vec<_> = what.into_iter().chain(at).collect();
                match self.ask(&mut flows, &asked, false) {
                    Answer::No => {}
                    Answer::GivenUp => return None,
                    Answer::Yes => all.extend(self.shown(&flows, ends, wanted)),
                }
            }
            if flows.is_settled() {
                continue;
            }
            // Of whom it hangs on what is supposed, and of whom it does not, may be others than those.
            let mut flows = Flows::apart(twice, ends.map(Clone::clone), family);
            let at = wanted.map(|port| flows.at(port));
            let [one, other] = [0, 1].map(|side| flows.passage(side)[0]);
            let mut questions = vec![vec![one, !other]];
            let [ones, others] = [0, 1].map(|side| flows.outcomes(side));
            for extreme in flows.extremes() {
                questions.extend(ones.iter().zip(&others).map(|(one, other)| {
                    one.iter().chain(other).chain(&extreme).copied().collect()
                }));
            }
            for what in questions {
                let asked: Vec<_> = what.into_iter().chain(at).collect();
                match self.ask(&mut flows, &asked, false) {
                    Answer::No => {}
                    Answer::GivenUp => return None,
                    Answer::Yes => all.extend(self.shown(&flows, ends, wanted)),
                }
            }
        }
        Some(all)
    }

    /// What was found last.
    fn shown(
        &mut self,
        flows: &Flows<'a>,
        ends: [&Who<'a>; 2],
        wanted: Option<Port>,
    ) -> Option<Shown> {
        let (protocol, range, _) =
            flows.ports.iter().find(|(.., lit)| flows.circuit.holds(*lit))?;
        let port = wanted.unwrap_or(Port { protocol: *protocol, number: range.first });
        let mut shapes = [None, None];
        for (role, who) in ends.into_iter().enumerate() {
            if let Who::Unwritten(home, name) = who {
                shapes[role] = Some(self.shape(flows, role, home, name, port));
            }
        }
        Some(Shown { shapes, port, family: flows.family })
    }

    /// What becomes of a flow like one that was found, with these pods at the ends that are not known, of
    /// which may not be known what they call their ports.
    pub(in crate::unwritten) fn judged(
        &mut self,
        ends: [&Who<'a>; 2],
        shapes: &[Option<Shape>; 2],
        like: &Shown,
        any_port_names: bool,
    ) -> Option<Judgement> {
        let mut endpoints = Vec::with_capacity(2);
        for (who, shape) in ends.into_iter().zip(shapes) {
            let [endpoint, _] = match (who, shape) {
                (_, Some(shape)) => self.scratched(shape, any_port_names),
                (Who::One(all), None) => self.scratched_known(all.first()?),
                (Who::Unwritten(..), None) => return None,
            };
            endpoints.push(endpoint);
        }
        let [source, destination] = <[Endpoint; 2]>::try_from(endpoints).ok()?;
        let (port, family) = (like.port, like.family);
        let flow = Flow { source, destination, port, family, through_service: false };
        Some(judge(&self.scratch[0].snapshot, self.sides[0].rules, &flow))
    }

    /// The families in which two ends may differ.
    pub(super) fn families(&self, ends: [&Who<'a>; 2]) -> Vec<Family> {
        let of_address = ends.into_iter().find_map(|who| match who {
            Who::One(all) => all.iter().find_map(|both| match &both[0] {
                Endpoint::Address(ip) => Some(Family::of(*ip)),
                _ => None,
            }),
            Who::Unwritten(..) => None,
        });
        match of_address {
            Some(family) => vec![family],
            None if self.sides.iter().any(|side| side.rules.traits().pod_addresses) => {
                Family::ALL.to_vec()
            }
            None => vec![Family::V4],
        }
    }
}
