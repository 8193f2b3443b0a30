//! What the rules of a set look at. Ends that agree in all of it are told apart by no rule.
//!
//! In: a [`Ruleset`]. Out: a [`Sight`]: which labels, names of ports and addresses some rule asks for,
//! and what it sees of a pod. Whoever groups ends groups them by this.

use super::Ruleset;
use super::rule::{PeerKind, PodSet, Ports};
use crate::cluster::{
    ACCOUNT_NAME_LABEL, ANY_OTHER_LABEL, ContainerPort, Labels, Operator, Pod, PortNames, Protocol,
    SERVICE_ACCOUNT_LABEL, Selector, is_account_label,
};
use std::collections::{BTreeMap, BTreeSet};

/// Every end that some rule names: its peers, and those of its subject for whom it speaks.
pub fn peers(rules: &Ruleset) -> impl Iterator<Item = &PeerKind> {
    rules
        .policies()
        .iter()
        .flat_map(|policy| &policy.entries)
        .flat_map(|entry| entry.others().chain(entry.own()))
}

/// Every set of pods that a rule selects or names.
pub(crate) fn pod_sets(rules: &Ruleset) -> impl Iterator<Item = &PodSet> {
    let of_peers = peers(rules).filter_map(|peer| match peer {
        PeerKind::Pods(set) => Some(set),
        _ => None,
    });
    rules.policies().iter().map(|policy| &policy.subject).chain(of_peers)
}

/// The labels of a pod, the keys that are set at run time, and its ServiceAccount where rules ask
/// for it.
pub type Labelling<'a> = (&'a Labels, &'static [&'static str], Option<&'a str>);

/// What rules ask for.
pub struct Sight<'a> {
    /// Label keys that selectors mention, with the values they mention.
    labels: BTreeMap<&'a str, BTreeSet<&'a str>>,
    /// Those of them of whose values selectors ask what is in them, so that no two are alike.
    texts: BTreeSet<&'a str>,
    port_names: BTreeSet<(&'a str, Protocol)>,
    /// Which ports these stand for.
    names: PortNames,
    /// Some block decides by the addresses of pods.
    pod_addresses: bool,
    /// Some block decides by the addresses of nodes.
    pub node_addresses: bool,
    /// The selectors of nodes.
    pub node_selectors: Vec<&'a Selector>,
    /// Some rule asks for the API server.
    pub api_server: bool,
}

impl<'a> Sight<'a> {
    /// What the rules of a set look at.
    pub fn of(rules: &'a Ruleset) -> Self {
        let mut sight = Self {
            labels: BTreeMap::new(),
            texts: BTreeSet::new(),
            port_names: BTreeSet::new(),
            names: rules.enforcer().port_names(),
            pod_addresses: false,
            node_addresses: false,
            node_selectors: Vec::new(),
            api_server: false,
        };
        for set in pod_sets(rules) {
            for requirement in &set.pods.requirements {
                let values = sight.labels.entry(&requirement.key).or_default();
                match &requirement.operator {
                    Operator::In(some) | Operator::NotIn(some) => {
                        values.extend(some.iter().map(|value| &**value));
                    }
                    Operator::Has(..) | Operator::HasNot(..) => {
                        sight.texts.insert(&requirement.key);
                    }
                    Operator::Exists | Operator::DoesNotExist => {}
                }
            }
        }
        // Without it those of the ServiceAccount are not known.
        if sight.labels.keys().any(|key| is_account_label(key)) {
            sight.labels.entry(ACCOUNT_NAME_LABEL).or_default();
        }
        for entry in rules.policies().iter().flat_map(|policy| &policy.entries) {
            let Ports::Of(items) = &entry.ports else { continue };
            for item in items {
                let names = item.names().map(|name| (&**name, item.protocol));
                sight.port_names.extend(names);
            }
        }
        for peer in peers(rules) {
            match peer {
                PeerKind::Addresses(_, scope) => {
                    sight.pod_addresses |= scope.pods;
                    sight.node_addresses |= scope.nodes;
                }
                PeerKind::Nodes(set) if !sight.node_selectors.contains(&&set.labels) => {
                    sight.node_selectors.push(&set.labels);
                }
                PeerKind::Entities(entities) => sight.api_server |= entities.api_server,
                _ => {}
            }
        }
        sight
    }

    /// Whether some block decides by the address of a pod.
    pub fn asks_address_of(&self, pod: &Pod) -> bool {
        if pod.host_network { self.node_addresses } else { self.pod_addresses }
    }

    /// What labels a pod has, as selectors have them.
    pub fn labelling(&self, pod: &'a Pod) -> Labelling<'a> {
        let account = self.labels.contains_key(SERVICE_ACCOUNT_LABEL);
        (&pod.labels, pod.unknown_labels, account.then(|| &*pod.service_account))
    }

    /// The labels that selectors ask for; one without a value is there, but its controller sets it
    /// at run time.
    pub fn labels(
        &self,
        (labels, unknown, account): Labelling<'a>,
    ) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        let account = account.map(|account| (SERVICE_ACCOUNT_LABEL, account));
        let known = labels.iter().chain(account).map(|(key, value)| (key, Some(value)));
        let unknown = unknown.iter().filter(|key| labels.get(key).is_none());
        let all = known.chain(unknown.map(|key| (*key, None)));
        // That any other may be there is seen by whatever selector there is.
        all.filter(|(key, _)| self.labels.contains_key(key) || *key == ANY_OTHER_LABEL)
    }

    /// Whether some selector mentions the value of a label, or looks into it. Those that none does are
    /// all alike.
    pub fn mentions(&self, key: &str, value: &str) -> bool {
        self.texts.contains(key)
            || self.labels.get(key).is_some_and(|values| values.contains(value))
    }

    /// The numbers that the names which rules mention have on a pod, in order.
    pub fn numbers(&self, declared: &'a [ContainerPort]) -> Vec<(&'a str, Protocol, u16)> {
        let called = self.names.of(declared);
        let mut numbers: Vec<(&str, Protocol, u16)> = called
            .map(|(name, port)| (&**name, port.protocol, port.number))
            .filter(|(name, protocol, _)| self.port_names.contains(&(*name, *protocol)))
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}
