//! Peers: pods, networks, nodes and names.
//!
//! Source: docs/semantics/admin.md#networks, docs/semantics/admin.md#nodes,
//! docs/semantics/admin.md#domain-names, docs/semantics/admin.md#fail-closed and
//! docs/semantics/admin.md#older-forms-of-v1alpha1.

use super::super::rule::{
    Direction, Entities, NameSet, Namespaces, NodeSet, Peer, PeerKind, PodSet, Scope,
};
use super::super::{LabelSelector, NamePattern};
use super::is_v1alpha1;
use super::lower::Lowering;
use super::written::{NamespaceSet, NamespacedPods, Unknown, WrittenPeer};
use crate::cluster::{AddressBlock, NAMESPACE_NAME_LABEL, Selector};
use crate::kinds::Kind;
use crate::lints::Lint;
use ipnet::IpNet;
use std::net::IpAddr;

/// The most networks or names of a peer, in both versions.
const MOST: usize = 25;

/// The first field with a value among those that are not known.
pub(super) fn first(unknown: &Unknown) -> Option<&str> {
    unknown.iter().find(|(_, value)| value.is_some()).map(|(field, _)| field.as_str())
}

impl NamespacedPods {
    pub(super) fn unknown_field(&self) -> Option<&str> {
        first(&self.unknown)
    }
}

impl Lowering<'_> {
    /// Adds whom one written peer means, which may be several of the one form.
    pub(super) fn peer(
        &mut self,
        direction: Direction,
        allows: bool,
        path: &str,
        written: &WrittenPeer,
        peers: &mut Vec<Peer>,
    ) {
        let WrittenPeer { namespaces, pods, networks, nodes, domain_names, unknown } = written;
        // Outside peers are for egress; names are not for BaselineAdminNetworkPolicy.
        let outside = direction == Direction::Egress;
        let fields = [
            ("namespaces", namespaces.is_some(), true),
            ("pods", pods.is_some(), true),
            ("networks", networks.is_some(), outside),
            ("nodes", nodes.is_some(), outside),
            (
                "domainNames",
                domain_names.is_some(),
                outside && self.kind != Kind::BaselineAdminNetworkPolicy,
            ),
        ];
        let foreign = fields.iter().find(|(_, present, known)| *present && !known);
        let present: Vec<&str> =
            fields.iter().filter(|(_, present, _)| *present).map(|(field, ..)| *field).collect();
        let known: Vec<&str> =
            fields.iter().filter(|(.., known)| *known).map(|(field, ..)| *field).collect();
        let known = known.join(", ");
        if let Some(field) = first(unknown).or(foreign.map(|(field, ..)| *field)) {
            let what =
                format!("is not known in {direction} rules of {} (known are {known})", self.kind);
            self.unknown(format!("{path}.{field}"), what);
            return;
        }
        match present.as_slice() {
            [] if self.live => self.unknown(path, "has no field that is known"),
            [] => self.fault(path, format!("is empty: give one of {known}")),
            [_] => self.one(allows, path, written, peers),
            several => self.fault(path, format!("has {}: give one a peer", several.join(" and "))),
        }
    }

    fn one(&mut self, allows: bool, path: &str, written: &WrittenPeer, peers: &mut Vec<Peer>) {
        if let Some(set) = &written.namespaces {
            let path_of = format!("{path}.namespaces");
            if let Some(mut namespaces) = self.namespaces(&path_of, set) {
                if self.is_everyone(&path_of, &namespaces) {
                    let others = PeerKind::Entities(Entities::without_labels());
                    peers.push(Peer::new(path, others));
                    self.summed_up.push((peers.len(), std::mem::take(&mut namespaces)));
                }
                let set = PodSet::new(Namespaces::Matching(namespaces), Selector::default());
                peers.push(Peer::new(path, PeerKind::Pods(set)));
            }
        }
        if let Some(pods) = &written.pods {
            if let Some(field) = pods.unknown_field() {
                self.unknown(format!("{path}.pods.{field}"), "is not known");
                return;
            }
            let set = self.pods(&format!("{path}.pods"), pods);
            peers.extend(set.map(|set| Peer::new(path, PeerKind::Pods(set))));
        }
        if let Some(networks) = &written.networks {
            self.list(&format!("{path}.networks"), networks);
            for (i, text) in networks.iter().enumerate() {
                let path = format!("{path}.networks[{i}]");
                let block = self.network(&path, text);
                let admits = |block| PeerKind::Addresses(block, self.scope);
                peers.extend(block.map(|block| Peer::new(path, admits(block))));
            }
        }
        if let Some(selector) = &written.nodes {
            let path = format!("{path}.nodes");
            if self.cilium.is_some_and(|cilium| !cilium.node_selector_labels) {
                self.refuse(path.clone(), "nodes needs enable-node-selector-labels");
            }
            let labels = selector.lower(&path, &mut self.faults);
            peers.push(Peer::new(path, PeerKind::Nodes(NodeSet { labels, own: true })));
        }
        if let Some(names) = &written.domain_names {
            self.names(allows, &format!("{path}.domainNames"), names, peers);
        }
    }

    /// Whether Cilium takes everyone for the pods of these namespaces, which is told.
    ///
    /// Source: docs/semantics/cilium-verdicts.md#negative-namespaces-of-clusternetworkpolicy.
    fn is_everyone(&mut self, path: &str, namespaces: &Selector) -> bool {
        let asked = &namespaces.requirements;
        let negative = !asked.is_empty() && asked.iter().all(|asked| asked.holds_for(None));
        if self.cilium.is_none() || !negative {
            return false;
        }
        let message = "asks for no label that must be there, so Cilium takes everyone for it: every pod, \
                       nodes and what is outside";
        self.lint(Lint::MatchesMore, path, message);
        true
    }

    /// A selector of namespaces, in today's form or the one before v0.1.2.
    fn namespaces(&mut self, path: &str, written: &NamespaceSet) -> Option<Selector> {
        let plain = written.plain();
        if let Some(field) = match written {
            NamespaceSet { same_labels: Some(_), .. } => Some("sameLabels"),
            NamespaceSet { not_same_labels: Some(_), .. } => Some("notSameLabels"),
            _ => None,
        } {
            let message = "was removed in v0.1.7 and cannot be read: select the namespaces by \
                           their labels";
            self.fault(format!("{path}.{field}"), message);
            return None;
        }
        let Some(older) = &written.namespace_selector else {
            return Some(plain.lower(path, &mut self.faults));
        };
        let path = format!("{path}.namespaceSelector");
        if !is_v1alpha1(self.kind) || plain != LabelSelector::default() {
            self.fault(path, "is not known here: write the label selector in its place");
            return None;
        }
        self.lint(Lint::OldForm, path.clone(), "is the form of v0.1.1 and before, which newer CRDs refuse: write the label selector in its place");
        Some(older.lower(&path, &mut self.faults))
    }

    /// Pods by both selectors.
    ///
    /// Source: docs/semantics/admin.md#subjects-and-peers: without a namespaceSelector all
    /// namespaces; docs/semantics/admin.md#admin-v1alpha1: both are required.
    pub(super) fn pods(&mut self, path: &str, written: &NamespacedPods) -> Option<PodSet> {
        let namespaces = match (&written.namespace_selector, &written.namespaces) {
            (Some(selector), None) => {
                let path = format!("{path}.namespaceSelector");
                Some(selector.lower(&path, &mut self.faults))
            }
            (None, Some(set)) if is_v1alpha1(self.kind) => {
                self.namespaces(&format!("{path}.namespaces"), set)
            }
            (_, Some(_)) => {
                self.fault(
                    format!("{path}.namespaces"),
                    "is not known here: write namespaceSelector",
                );
                None
            }
            (None, None) if is_v1alpha1(self.kind) => {
                let message = "is missing: {} means all namespaces";
                self.fault(format!("{path}.namespaceSelector"), message);
                None
            }
            (None, None) => Some(Selector::default()),
        };
        let path = format!("{path}.podSelector");
        let Some(selector) = &written.pod_selector else {
            self.fault(path, "is missing: {} means all pods");
            return None;
        };
        let pods = selector.lower(&path, &mut self.faults);
        Some(PodSet::new(Namespaces::Matching(namespaces?), pods))
    }

    /// A list that is a set.
    fn list(&mut self, path: &str, items: &[String]) {
        if items.is_empty() || items.len() > MOST {
            self.fault(path, format!("needs 1 to {MOST} items"));
            return;
        }
        for (i, item) in items.iter().enumerate() {
            if items.iter().take(i).any(|earlier| earlier == item) {
                self.fault(format!("{path}[{i}]"), format!("{item:?} is there twice"));
            }
        }
    }

    fn network(&mut self, path: &str, text: &str) -> Option<AddressBlock> {
        let Some(net) = cidr(text) else {
            self.fault(path, format!("{text:?} is not a CIDR such as 10.0.0.0/8 or 2001:db8::/32"));
            return None;
        };
        let cidr = net.trunc();
        if cidr != net {
            let message = format!("{text} is read as {cidr}; write it so: newer CRDs refuse it");
            self.lint(Lint::HostBits, path, message);
        }
        Some(AddressBlock { cidr, except: [].into() })
    }

    fn names(&mut self, allows: bool, path: &str, names: &[String], peers: &mut Vec<Peer>) {
        self.list(path, names);
        for (i, name) in names.iter().enumerate() {
            if !is_domain_name(name) {
                let message = format!(
                    "{name:?} is not a domain name of at least two labels, with or without a \
                     leading \"*.\""
                );
                self.fault(format!("{path}[{i}]"), message);
            }
        }
        let mut add = |admits| peers.push(Peer::new(path, admits));
        if !allows {
            let why = "domainNames is for rules that accept; what it does in others depends on who \
                       enforces it";
            add(PeerKind::Unresolved(why.into(), Scope::OUTSIDE));
            if self.cilium.is_some() {
                self.refuse(path, "domainNames is for Accept only");
            } else {
                self.lint(
                    Lint::VersionDependent,
                    path,
                    "is for rules that accept: here it depends on who enforces it",
                );
            }
            return;
        }
        let patterns = names.iter().map(|name| NamePattern::domain(name)).collect();
        add(PeerKind::Names(NameSet::of(patterns)));
        if let Some(cilium) = self.cilium {
            if !cilium.l7_proxy {
                self.refuse(path, "domainNames needs enable-l7-proxy");
            }
            return;
        }
        for name in names {
            if let Some(namespaces) = namespaces_of_records(name) {
                let why = format!("whether it was looked up under {name} only DNS tells");
                let pods = PodSet::new(namespaces, Selector::default());
                add(PeerKind::Pods(PodSet { doubt: Some(why.into()), ..pods }));
            }
        }
    }
}

/// Reads a CIDR as the CRDs take it: without leading zeros, and no IPv4 in the clothes of IPv6.
fn cidr(text: &str) -> Option<IpNet> {
    let (address, length) = text.split_once('/')?;
    let digits = length.bytes().all(|b| b.is_ascii_digit());
    let plain = digits && (length == "0" || !length.starts_with('0'));
    let mixed = address.contains(':') && address.contains('.');
    let address = address.parse::<IpAddr>().ok().filter(|_| plain && !mixed)?;
    IpNet::new(address, length.parse().ok()?).ok()
}

/// The pattern of the CRDs: whole labels, at least two, and `*.` before them or not.
fn is_domain_name(name: &str) -> bool {
    let name = name.strip_prefix("*.").unwrap_or(name);
    let name = name.strip_suffix('.').unwrap_or(name);
    let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let label = |label: &str| {
        edge(label.bytes().next())
            && edge(label.bytes().last())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    name.contains('.') && name.split('.').all(label)
}

/// The zone that clusters have unless they are told otherwise.
const ZONE: &str = "cluster.local";

/// The namespaces whose pods have DNS records that a name may match.
///
/// Source: docs/semantics/admin.md#domain-names: records of headless Services and of pods work, those
/// of a `ClusterIP` do not.
fn namespaces_of_records(name: &str) -> Option<Namespaces> {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let (wild, name) = name.strip_prefix("*.").map_or((false, name.as_str()), |rest| (true, rest));
    let all = Some(Namespaces::Matching(Selector::default()));
    if name == ZONE {
        return all.filter(|_| wild);
    }
    let name = name.strip_suffix(ZONE)?.strip_suffix('.')?;
    let (before, kind) = name.rsplit_once('.').unwrap_or(("", name));
    if !matches!(kind, "svc" | "pod") {
        return None;
    }
    match before.rsplit_once('.') {
        None if before.is_empty() => all.filter(|_| wild),
        // The namespace alone has no record.
        None if !wild => None,
        None => Some(named(before)),
        Some((_, namespace)) => Some(named(namespace)),
    }
}

fn named(namespace: &str) -> Namespaces {
    Namespaces::Matching(Selector::labels([(NAMESPACE_NAME_LABEL, namespace)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// docs/semantics/admin.md#networks: what `isCIDR` of the CRD takes.
    #[test]
    fn cidrs_of_the_crd() {
        for text in ["0.0.0.0/0", "10.1.2.3/8", "::/0", "FD00::/8", "2001:db8::1/128"] {
            assert!(cidr(text).is_some(), "{text}");
        }
        for text in [
            "10.0.0.0",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0.0/08",
            "010.0.0.0/8",
            "::ffff:10.0.0.0/104",
            "fe80::1%eth0/64",
            "10.0.0.0/8 ",
        ] {
            assert!(cidr(text).is_none(), "{text}");
        }
    }

    /// docs/semantics/admin.md#domain-names: the pattern of the CRD.
    #[test]
    fn domain_names_of_the_crd() {
        for name in ["k8s.io", "*.k8s.io", "Login.Example.com.", "_x.a_b.c-d.io", "*.a.b.c"] {
            assert_eq!(is_domain_name(name), !name.starts_with('_'), "{name}");
        }
        for name in
            ["", "*", "*.io", "io", "a..b", "a.*.b", "*a.b.c", "-a.b", "a-.b", "a.b..", ".a.b"]
        {
            assert!(!is_domain_name(name), "{name}");
        }
    }

    /// docs/semantics/admin.md#domain-names: headless and pod records work.
    #[test]
    fn names_of_the_cluster_may_be_pods() {
        let of = |name: &str| {
            namespaces_of_records(name).map(|namespaces| match namespaces {
                Namespaces::Matching(selector) => selector.to_string(),
                Namespaces::Own(name) => name.to_string(),
            })
        };
        let shop = Some("kubernetes.io/metadata.name=shop".to_owned());
        for (name, expected) in [
            ("db-0.db.shop.svc.cluster.local", &shop),
            ("db.shop.svc.cluster.local.", &shop),
            ("*.SHOP.svc.cluster.local", &shop),
            ("*.db.shop.svc.cluster.local", &shop),
            ("10-0-0-1.shop.pod.cluster.local", &shop),
            ("*.svc.cluster.local", &Some("<all>".to_owned())),
            ("*.cluster.local", &Some("<all>".to_owned())),
            ("shop.svc.cluster.local", &None),
            ("svc.cluster.local", &None),
            ("cluster.local", &None),
            ("mycluster.local", &None),
            ("a.b.svc.mycluster.local", &None),
            ("login.example.com", &None),
        ] {
            assert_eq!(&of(name), expected, "{name}");
        }
    }
}
