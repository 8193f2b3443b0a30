//! Flows between two sets, as they are dialled and as an ambient mesh may carry them.
//!
//! In: [`Flows`]. Out: what became of them: proved only where both are. Whether the mesh runs is not in the input.
//! Source: docs/semantics/services.md#ambient-meshes.

use super::asks::Test;
use super::judged::{Holds, Judged};
use super::prove::Tester;
use super::questions::{Flows, Set};
use super::regions::Part;
use crate::cluster::{PodId, PortRange, Protocol};
use crate::reach::PortSet;
use crate::verdict::{MESH, in_mesh};
use std::rc::Rc;

impl Tester<'_> {
    /// What becomes of flows, as they are dialled and as an ambient mesh may carry them.
    pub(super) fn flows(&mut self, test: &Test, flows: &Flows) -> Judged {
        let judged = self.as_dialled(test, flows);
        match self.as_carried(flows).filter(|_| judged.holds == Holds::Proved) {
            Some(carried) if self.as_dialled(test, &carried).holds != Holds::Proved => {
                Judged::not_known(format!(
                    "an ambient mesh may carry such a flow on {MESH}, where it is otherwise or not known"
                ))
            }
            _ => judged,
        }
    }

    fn as_dialled(&mut self, test: &Test, flows: &Flows) -> Judged {
        if flows.pass { self.all_pass(test, flows) } else { self.none_passes(test, flows) }
    }

    /// The same as an ambient mesh carries it, where it may.
    ///
    /// Source: docs/semantics/services.md#ambient-meshes.
    fn as_carried(&self, flows: &Flows) -> Option<Flows> {
        let tcp = PortRange { first: 1, last: u16::MAX };
        let tcp = flows.ports.intersection(&PortSet::of([(Protocol::Tcp, tcp)]));
        if tcp.is_empty() || !self.mesh {
            return None;
        }
        let ports = PortSet::of([(MESH.protocol, MESH.number.into())]);
        let [from, to] = [&flows.from, &flows.to].map(|set| self.in_mesh(set, flows.pass));
        Some(Flows { from: from?, to: to?, ports, pass: flows.pass })
    }

    /// The pods of a set that an ambient mesh takes in, or may; only those that are known where all are to pass.
    fn in_mesh(&self, set: &Set, known: bool) -> Option<Set> {
        let taken = |ids: &[PodId]| -> Vec<PodId> {
            ids.iter().copied().filter(|id| in_mesh(self.snapshot, *id)).collect()
        };
        let part = |part: &Rc<Part>| {
            let (pods, exact) = (taken(&part.pods), taken(&part.exact));
            Rc::new(Part { pods, exact, others: Vec::new(), ..(**part).clone() })
        };
        let parts: Vec<Rc<Part>> = set.parts.iter().map(part).collect();
        let there = |part: &Rc<Part>| {
            let sets = if known { 0 } else { part.sets.len() + part.perhaps.len() };
            sets + part.pods.len() + part.exact.len() > 0
        };
        parts.iter().any(there).then(|| Set { parts, except: set.except.clone() })
    }
}
