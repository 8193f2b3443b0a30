//! The peers of an element: exactly one of its lists, and whom its items mean.
//!
//! Source: docs/semantics/cilium-rules.md#elements, docs/semantics/cilium-rules.md#entities and
//! docs/semantics/cilium-rules.md#groups-of-a-cloud.

use super::super::CiliumVersion;
use super::super::rule::{
    Direction, Entities, Namespaces, NodeSet, Peer, PeerKind, Peers, PodSet, Scope,
};
use super::super::variables::unknown_peer;
use super::labels::Terms;
use super::lower::{At, Lowering, at as at_path};
use super::services::{Lead, perhaps_anyone};
use super::written::{Element, Fqdn, WrittenSelector};
use crate::cluster::Selector;
use crate::lints::Lint;

impl Lowering<'_> {
    /// Whom an element means; `None` where it says nothing of that. An empty list means no one.
    pub(super) fn peers(
        &mut self,
        at: At<'_>,
        element: &Element,
        required: Option<&Terms>,
        for_init: bool,
    ) -> Option<Peers> {
        let fqdns = self.allowed_fqdns(at, element);
        // Of these an empty list means no one; an empty list of the others is as good as none.
        let closing = [
            (at.field("Endpoints"), element.endpoints.as_ref().map(Vec::len)),
            (at.field("CIDR"), element.cidr.as_ref().map(Vec::len)),
            (at.field("CIDRSet"), element.cidr_set.as_ref().map(Vec::len)),
            (at.field("Entities"), element.entities.as_ref().map(Vec::len)),
            (at.field("Nodes"), element.nodes.as_ref().map(Vec::len)),
        ];
        let others = [
            (at.field("Groups"), element.groups.as_ref().map(Vec::len)),
            (at.field("Services"), element.services.as_ref().map(Vec::len)),
            (at.field("FQDNs"), fqdns.map(<[_]>::len)),
        ];
        let given: Vec<&str> = closing
            .iter()
            .chain(&others)
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
        for (field, _) in others.iter().filter(|(_, len)| *len == Some(0)) {
            let message = "is an empty list, which is as good as none: Cilium does not close the \
                           element for it, so ports beside it mean anyone";
            self.lint(Lint::MeansAnyone, format!("{}.{field}", at.path), message);
        }
        let closed = closing.iter().find(|(_, len)| *len == Some(0));
        if let Some((field, _)) = closed {
            let message = format!("has an empty list of peers, {field}, so it means no one");
            self.lint(Lint::EmptyRule, at.path, message);
        }
        let mut peers = Vec::new();
        let named = at.direction == Direction::Egress && element.names_ports();
        for (i, selector) in element.endpoints.iter().flatten().enumerate() {
            let path = format!("{}.{}[{i}]", at.path, at.field("Endpoints"));
            let mut terms = self.terms(&path, selector);
            self.inject(&path, &mut terms, for_init);
            if let Some(required) = required {
                terms.and(required);
            }
            let kinds = self.endpoints(&path, &terms, named);
            peers.extend(at_path(&path, kinds));
        }
        self.cidrs(at, element, &mut peers);
        self.nodes(at, element.nodes.as_deref().unwrap_or_default(), &mut peers);
        let lead = self.element_services(at, element, &mut peers);
        self.fqdns(&format!("{}.toFQDNs", at.path), fqdns.unwrap_or_default(), &mut peers);
        for (i, _) in element.groups.iter().flatten().enumerate() {
            let path = format!("{}.{}[{i}]", at.path, at.field("Groups"));
            let why = "which addresses a group of the cloud has is not known";
            peers.push(unknown_peer(&path, why, self.scope));
        }
        let entities = element.entities.as_deref().unwrap_or_default();
        let everyone = self.entities(at, entities, &mut peers);
        match (closed, given.as_slice()) {
            (Some(_), _) => Some(Peers::Of(Vec::new())),
            (None, []) => None,
            (None, [_]) if lead == Some(Lead::Nowhere) => None,
            _ if everyone => Some(Peers::Any),
            _ => Some(Peers::Of(peers)),
        }
    }

    /// `toFQDNs` of an element that allows.
    ///
    /// Source: docs/semantics/cilium-objects.md#fields-that-are-not-there: deny rules have no such
    /// field, so the API server drops it.
    fn allowed_fqdns<'e>(&mut self, at: At<'_>, element: &'e Element) -> Option<&'e [Fqdn]> {
        let written = element.fqdns.as_deref()?;
        if at.denies() {
            let then = "so the element denies whom it would deny without: deny by CIDR, or do not \
                        allow the name";
            self.dropped(format!("{}.toFQDNs", at.path), then);
            return None;
        }
        Some(written)
    }

    /// Adds whoever is behind the Services of an element; `None` where it names none.
    ///
    /// Source: docs/semantics/cilium-rules.md#services: Cilium looks Services up for `egress` only,
    /// and an element whose Services lead to no one has no peers, so that ports beside them are open
    /// to anyone.
    fn element_services(
        &mut self,
        at: At<'_>,
        element: &Element,
        peers: &mut Vec<Peer>,
    ) -> Option<Lead> {
        let written = element.services.as_deref().filter(|written| !written.is_empty())?;
        let field = format!("{}.toServices", at.path);
        let ports = !element.ports.as_deref().unwrap_or_default().is_empty()
            || !element.icmps.as_deref().unwrap_or_default().is_empty();
        if at.denies() {
            let then =
                if ports { "it denies everyone on these ports" } else { "it denies nothing" };
            self.lint(
                Lint::IgnoredField,
                field,
                format!("has no effect: Cilium looks up no Services to deny, so {then}"),
            );
            return Some(Lead::Nowhere);
        }
        let lead = self.services(&field, written, peers);
        if ports && lead == Lead::Perhaps {
            peers.push(perhaps_anyone(&field));
        }
        Some(lead)
    }

    /// Entities are one peer together, since own and other nodes are all nodes; true: everyone.
    ///
    /// Source: docs/semantics/cilium-rules.md#entities.
    fn entities(&mut self, at: At<'_>, written: &[String], peers: &mut Vec<Peer>) -> bool {
        let path = format!("{}.{}", at.path, at.field("Entities"));
        let mut all = Entities::default();
        let mut everyone = false;
        for (i, word) in written.iter().enumerate() {
            if let Some(why) = self.unfilled(&format!("{path}[{i}]"), word) {
                peers.push(unknown_peer(&path, &why, Scope::EVERYONE));
                continue;
            }
            match word.as_str() {
                "all" => everyone = true,
                "world" => all.outside = true,
                "cluster" => {
                    all.pods = true;
                    all.own_node = true;
                    all.other_nodes = true;
                    all.api_server = true;
                    all.proxy = true;
                }
                "cluster-mesh" if self.settings.version >= CiliumVersion::V1_20 => {
                    all.pods = true;
                    all.own_node = true;
                    all.other_nodes = true;
                    all.api_server = true;
                    all.proxy = true;
                }
                "ingress" => all.proxy = true,
                "host" => all.own_node = true,
                "remote-node" => all.other_nodes = true,
                "kube-apiserver" => all.api_server = true,
                "none" | "health" | "init" | "unmanaged" => {}
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
        if all.written.is_empty() {
            return false;
        }
        if all.outside {
            peers.extend(self.perhaps_pods(&path));
        }
        peers.push(Peer::new(path, PeerKind::Entities(all)));
        everyone
    }

    /// Pods, where what means the world may mean them too.
    ///
    /// Source: docs/semantics/cilium-rules.md#world: with pods in `policy-cidr-match-mode`, `world`
    /// also matches pods that carry CIDR labels.
    pub(super) fn perhaps_pods(&self, path: &str) -> Option<Peer> {
        self.settings.cidr_matches_pods.then(|| {
            let why = "with policy-cidr-match-mode=pods the world may have pods in it";
            let every = Namespaces::Matching(Selector::default());
            let pods = PodSet::new(every, Selector::default());
            let admits = PeerKind::Pods(PodSet { doubt: Some(why.into()), ..pods });
            Peer::new(path, admits)
        })
    }

    /// Source: docs/semantics/cilium-objects.md#nodes-need-a-setting and
    /// docs/semantics/cilium-labels.md#nodes-as-peers.
    fn nodes(&mut self, at: At<'_>, written: &[WrittenSelector], peers: &mut Vec<Peer>) {
        let field = format!("{}.{}", at.path, at.field("Nodes"));
        if !written.is_empty() && !self.settings.node_selector_labels {
            self.fault(field.clone(), "needs the option enable-node-selector-labels");
        }
        for (i, selector) in written.iter().enumerate() {
            let path = format!("{field}[{i}]");
            let Some(labels) = self.plain_labels(&path, selector) else {
                let why = "a variable of its selector is not filled in";
                peers.push(unknown_peer(&path, why, Scope::NODES));
                continue;
            };
            let admits = PeerKind::Nodes(NodeSet { labels, own: false });
            peers.push(Peer::new(path, admits));
        }
    }
}
