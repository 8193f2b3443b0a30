//! What a question asks of flows besides what rules do.
//!
//! In: sets of pods, known pods that others may be like, and ports. Out: literals that say of the ends and
//! the port whether they are meant.

use super::{Flows, Of, Who};
use crate::cluster::{Pod, Port, SERVICE_ACCOUNT_LABEL, real_namespace};
use crate::policy::rule::PodSet;
use crate::reach::PortSet;
use crate::unwritten::sat::Lit;

/// What a question names, so that there are variables for it.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::unwritten) struct Besides<'q> {
    /// By role, sets of pods.
    pub(in crate::unwritten) sets: [&'q [PodSet]; 2],
    /// The ports.
    pub(in crate::unwritten) ports: Option<&'q PortSet>,
}

impl Flows<'_> {
    /// That the end of a role is in one of these sets.
    pub(in crate::unwritten) fn in_one(&mut self, role: usize, sets: &[PodSet]) -> Lit {
        let all: Vec<Lit> = sets.iter().map(|set| self.in_set(0, role, set, "")).collect();
        self.circuit.any(all)
    }

    /// That no rule between these places tells the pod of a role, which is not written, from one that is
    /// known: each label that one of them looks at is alike.
    pub(in crate::unwritten) fn is_like(&mut self, role: usize, pod: &Pod) -> Lit {
        let Who::Unwritten(_, name) = &self.who[role] else {
            return self.circuit.constant(false);
        };
        if **name != *real_namespace(&pod.namespace) {
            return self.circuit.constant(false);
        }
        let mut all = Vec::new();
        for key in &self.seen[role] {
            let Some(values) = self.labels.get(&(Of::Pod(role), key.clone())) else { continue };
            let there = values.some.values().chain([&values.other]).filter_map(|lit| *lit);
            let same = match pod.label(key) {
                Some(value) => values.some.get(value).copied().flatten().or(values.other),
                // Every pod has a ServiceAccount, though which is not always known.
                None if **key == *SERVICE_ACCOUNT_LABEL => None,
                None => Some(!self.circuit.any(there.collect::<Vec<_>>())),
            };
            all.push(same.unwrap_or_else(|| self.circuit.constant(false)));
        }
        self.circuit.all(all)
    }

    /// That what no policy judges is left out: a node to a pod on it, and, where it is not defined, the pod to it.
    ///
    /// Source: docs/semantics/kubernetes.md#own-node-to-pod, docs/semantics/kubernetes.md#pod-to-own-node and
    /// docs/semantics/cilium-verdicts.md#allow-localhost.
    pub(in crate::unwritten) fn judged(&self) -> Lit {
        let rules = self.sides[0].rules;
        let (cilium, calico) = (rules.cilium(), rules.enforcer().calico().is_some());
        let left_out =
            [cilium.is_none_or(|cilium| cilium.node_reaches_own_pods), cilium.is_none() && !calico];
        let on_node = |role: usize| match &self.who[role] {
            Who::One(ends) => ends.iter().any(|both| self.is_on_node(0, &both[0])),
            Who::Unwritten(..) => false,
        };
        if (0..2).any(|role| left_out[role] && on_node(role)) {
            !self.own_node
        } else {
            self.circuit.constant(true)
        }
    }

    /// That the port is one of these.
    pub(in crate::unwritten) fn within(&mut self, ports: &PortSet) -> Lit {
        let all: Vec<Lit> = self
            .ports
            .iter()
            .filter(|(protocol, range, _)| {
                ports.contains(Port { protocol: *protocol, number: range.first })
            })
            .map(|(.., lit)| *lit)
            .collect();
        self.circuit.any(all)
    }
}
