//! The peers of an element: exactly one of its lists, and whom its items mean.
//!
//! Source: semantics/cilium.md section 3, "Element structure", "Entities" and "toGroups/fromGroups".

use super::super::CiliumVersion;
use super::super::rule::{Entities, Namespaces, NodeSet, Peer, PeerKind, Peers, PodSet};
use super::labels::Terms;
use super::lower::{At, Lowering, at as at_path};
use super::written::{Element, WrittenSelector};
use crate::cluster::Selector;

impl Lowering<'_> {
    /// Whom an element means; `None` where it says nothing of that. An empty list means no one.
    pub(super) fn peers(
        &mut self,
        at: At<'_>,
        element: &Element,
        required: Option<&Terms>,
        for_init: bool,
    ) -> Option<Peers> {
        let lists = [
            (at.field("Endpoints"), element.endpoints.as_ref().map(Vec::len)),
            (at.field("CIDR"), element.cidr.as_ref().map(Vec::len)),
            (at.field("CIDRSet"), element.cidr_set.as_ref().map(Vec::len)),
            (at.field("Entities"), element.entities.as_ref().map(Vec::len)),
            (at.field("Groups"), element.groups.as_ref().map(Vec::len)),
            (at.field("Nodes"), element.nodes.as_ref().map(Vec::len)),
            (at.field("Services"), element.services.as_ref().map(Vec::len)),
            (at.field("FQDNs"), element.fqdns.as_ref().map(Vec::len)),
        ];
        let given: Vec<&str> = lists
            .iter()
            .filter(|(_, len)| len.is_some_and(|len| len > 0))
            .map(|(field, _)| field.as_str())
            .collect();
        if given.len() > 1 {
            let message = format!(
                "combines {}, which Cilium does not support: write one element for each",
                given.join(" and ")
            );
            self.fault(at.path, message);
        }
        if lists.iter().all(|(_, len)| len.is_none()) {
            return None;
        }
        if given.is_empty() {
            self.lint(at.path, "has an empty list of peers, so it means no one");
        }
        let mut peers = Vec::new();
        for (i, selector) in element.endpoints.iter().flatten().enumerate() {
            let path = format!("{}.{}[{i}]", at.path, at.field("Endpoints"));
            let mut terms = self.terms(&path, selector);
            self.inject(&mut terms, for_init);
            if let Some(required) = required {
                terms.and(required);
            }
            let kinds = self.endpoints(&path, &terms);
            peers.extend(at_path(&path, kinds));
        }
        self.cidrs(at, element, &mut peers);
        self.nodes(at, element.nodes.as_deref().unwrap_or_default(), &mut peers);
        self.services(at, element.services.as_deref().unwrap_or_default(), &mut peers);
        self.fqdns(at, element.fqdns.as_deref().unwrap_or_default(), &mut peers);
        for (i, _) in element.groups.iter().flatten().enumerate() {
            let path = format!("{}.{}[{i}]", at.path, at.field("Groups"));
            let why = "which addresses a group of the cloud has is not known";
            peers.push(Peer { path: path.into(), admits: PeerKind::Unresolved(why.into()) });
        }
        let entities = element.entities.as_deref().unwrap_or_default();
        if self.entities(at, entities, &mut peers) {
            return Some(Peers::Any);
        }
        Some(Peers::Of(peers))
    }

    /// Entities are one peer together, since own and other nodes are all nodes; true: everyone.
    ///
    /// Source: section 3, "Entities".
    fn entities(&mut self, at: At<'_>, written: &[String], peers: &mut Vec<Peer>) -> bool {
        let path = format!("{}.{}", at.path, at.field("Entities"));
        let mut all = Entities::default();
        let mut everyone = false;
        for (i, word) in written.iter().enumerate() {
            match word.as_str() {
                "all" => everyone = true,
                "world" => all.outside = true,
                "cluster" => {
                    all.pods = true;
                    all.own_node = true;
                    all.other_nodes = true;
                }
                "cluster-mesh" if self.settings.version >= CiliumVersion::V1_20 => {
                    all.pods = true;
                    all.own_node = true;
                    all.other_nodes = true;
                }
                "host" => all.own_node = true,
                "remote-node" => all.other_nodes = true,
                "kube-apiserver" => all.api_server = true,
                "none" | "ingress" | "health" | "init" | "unmanaged" => {}
                other => {
                    let message = format!(
                        "{other:?} is not an entity of Cilium {}: all, cluster, health, host, \
                         ingress, init, kube-apiserver, none, remote-node, unmanaged or world",
                        self.settings.version
                    );
                    self.refuse(format!("{path}[{i}]"), message);
                }
            }
            all.written.push(word.as_str().into());
        }
        if written.is_empty() {
            return false;
        }
        if all.outside {
            peers.extend(self.perhaps_pods(&path));
        }
        peers.push(Peer { path: path.into(), admits: PeerKind::Entities(all) });
        everyone
    }

    /// Pods, where what means the world may mean them too.
    ///
    /// Source: section 3, "CIDR": with pods in `policy-cidr-match-mode`, `world` also matches pods
    /// that carry CIDR labels.
    pub(super) fn perhaps_pods(&self, path: &str) -> Option<Peer> {
        self.settings.cidr_matches_pods.then(|| {
            let why = "with policy-cidr-match-mode=pods the world may have pods in it";
            let every = Namespaces::Matching(Selector::default());
            let pods = PodSet::new(every, Selector::default());
            let admits = PeerKind::Pods(PodSet { doubt: Some(why.into()), ..pods });
            Peer { path: path.into(), admits }
        })
    }

    /// Source: section 1: nodes need `enable-node-selector-labels`; section 2, "fromNodes/toNodes".
    fn nodes(&mut self, at: At<'_>, written: &[WrittenSelector], peers: &mut Vec<Peer>) {
        let field = format!("{}.{}", at.path, at.field("Nodes"));
        if !written.is_empty() && !self.settings.node_selector_labels {
            self.fault(field.clone(), "needs the option enable-node-selector-labels");
        }
        for (i, selector) in written.iter().enumerate() {
            let path = format!("{field}[{i}]");
            let labels = self.plain_labels(&path, selector);
            let admits = PeerKind::Nodes(NodeSet { labels, own: false });
            peers.push(Peer { path: path.into(), admits });
        }
    }
}
