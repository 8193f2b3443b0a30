//! Head, subject and rules: validated as the CRDs do it, and closed where they are not understood.
//!
//! Source: docs/semantics/admin.md.

use super::super::rule::{
    Action, Condition, Direction, Entry, Namespaces, Peer, PeerKind, Peers, PodSet, PortFields,
    PortMatch, PortRule, Ports, Scope, Tier,
};
use super::super::selector::dns_subdomain_fault;
use super::super::{Cilium, Enforcer, Fault, NamePattern};
use super::written::{BASELINE_PRIORITY, Rule, Spec, Subject, WrittenPeer, is_v1alpha1};
use crate::cluster::{Protocol, Selector};
use crate::kinds::Kind;
use crate::lints::Lint;

/// What is found on the way through one object.
pub(super) struct Lowering<'a> {
    pub(super) kind: Kind,
    pub(super) cilium: Option<&'a Cilium>,
    /// Whom networks mean.
    pub(super) scope: Scope,
    /// It is stored in a cluster, so its API server took it.
    pub(super) live: bool,
    pub(super) faults: Vec<Fault>,
    pub(super) lints: Vec<Fault>,
    /// What is not known in the rule at hand, each with what it is.
    pub(super) unknown: Vec<Fault>,
    /// Of its peers, by their places, those that mean everyone by what Cilium sums pods up in, with the
    /// namespaces that they mean themselves.
    pub(super) summed_up: Vec<(usize, Selector)>,
    /// Cilium takes nothing of the object.
    pub(super) refused: bool,
}

impl<'a> Lowering<'a> {
    pub(super) fn new(kind: Kind, enforcer: &'a Enforcer, live: bool) -> Self {
        Self {
            kind,
            cilium: enforcer.cilium(),
            scope: enforcer.block_scope(),
            live,
            faults: Vec::new(),
            lints: Vec::new(),
            unknown: Vec::new(),
            summed_up: Vec::new(),
            refused: false,
        }
    }

    pub(super) fn fault(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.faults.push(Fault::new(path, message));
    }

    pub(super) fn lint(&mut self, lint: Lint, path: impl Into<String>, message: impl Into<String>) {
        self.lints.push(Fault::told(lint, path, message));
    }

    /// Marks something that a newer version of the API may know.
    pub(super) fn unknown(&mut self, path: impl Into<String>, what: impl Into<String>) {
        self.unknown.push(Fault::told(Lint::UnknownField, path, what));
    }

    /// Cilium refuses the whole object for this.
    pub(super) fn refuse(&mut self, path: impl Into<String>, why: &str) {
        self.refused = true;
        self.lint(
            Lint::RejectedByAgent,
            path,
            format!("Cilium refuses the policy, so nothing of it counts: {why}"),
        );
    }

    /// The most items of a list.
    pub(super) fn most(&self) -> usize {
        if is_v1alpha1(self.kind) { 100 } else { 25 }
    }

    pub(super) fn name(&mut self, name: &str) {
        if let Some(message) = dns_subdomain_fault(name) {
            self.fault("metadata.name", message);
        } else if self.kind == Kind::BaselineAdminNetworkPolicy && name != "default" {
            let message = "must be default: a cluster has one BaselineAdminNetworkPolicy";
            self.fault("metadata.name", message);
        }
    }

    pub(super) fn tier(&mut self, spec: &Spec) -> Option<Tier> {
        let foreign = "is a field of ClusterNetworkPolicy";
        if is_v1alpha1(self.kind) && spec.tier.is_some() {
            self.fault("spec.tier", foreign);
        }
        if self.kind == Kind::BaselineAdminNetworkPolicy {
            if spec.priority.is_some() {
                self.fault("spec.priority", foreign);
            }
            return Some(Tier::Baseline(BASELINE_PRIORITY));
        }
        let priority = match spec.priority.map(i32::try_from) {
            Some(Ok(priority)) if (0..=1000).contains(&priority) => Some(priority),
            Some(_) => {
                self.fault("spec.priority", "is not 0 to 1000");
                None
            }
            None => {
                self.fault("spec.priority", "is missing: give 0 to 1000; lower comes first");
                None
            }
        };
        let tier = match spec.tier.as_deref() {
            _ if is_v1alpha1(self.kind) => Tier::Admin,
            Some("Admin") => Tier::Admin,
            Some("Baseline") => Tier::Baseline,
            Some(other) => {
                self.fault("spec.tier", format!("{other:?} is not Admin or Baseline"));
                return None;
            }
            None => {
                self.fault("spec.tier", "is missing: give Admin or Baseline");
                return None;
            }
        };
        priority.map(tier)
    }

    pub(super) fn subject(&mut self, written: Option<&Subject>) -> Option<PodSet> {
        let path = "spec.subject";
        match written {
            Some(Subject { namespaces: Some(selector), pods: None }) => {
                let namespaces = selector.lower(&format!("{path}.namespaces"), &mut self.faults);
                Some(PodSet::new(Namespaces::Matching(namespaces), Selector::default()))
            }
            Some(Subject { namespaces: None, pods: Some(pods) }) => {
                let path = format!("{path}.pods");
                // The subject has no rule that could fail closed.
                if let Some(field) = pods.unknown_field() {
                    self.fault(format!("{path}.{field}"), "is not known");
                }
                if pods.namespaces.is_some() {
                    self.fault(format!("{path}.namespaces"), "is not known");
                    return None;
                }
                self.pods(&path, pods)
            }
            Some(Subject { namespaces: Some(_), pods: Some(_) }) => {
                self.fault(path, "has both namespaces and pods: give one");
                None
            }
            Some(_) | None => {
                self.fault(path, "is missing: give namespaces or pods");
                None
            }
        }
    }

    /// The entries of one direction, in the order of the text, which is that of precedence.
    pub(super) fn rules(&mut self, direction: Direction, written: &[Rule]) -> Vec<Entry> {
        if written.len() > self.most() {
            let most = self.most();
            self.fault(format!("spec.{direction}"), format!("has more than {most} rules"));
        }
        let entries = written.iter().enumerate().map(|(i, rule)| self.rule(direction, i, rule));
        entries.collect::<Vec<_>>().into_iter().flatten().collect()
    }

    fn rule(&mut self, direction: Direction, place: usize, written: &Rule) -> Vec<Entry> {
        let path = format!("spec.{direction}[{place}]");
        self.unknown.clear();
        if written.name.as_ref().is_some_and(|name| name.chars().count() > 100) {
            self.fault(format!("{path}.name"), "is longer than 100 characters");
        }
        let action = self.action(&path, written.action.as_deref());
        let (side, wrong) = match direction {
            Direction::Ingress => (("from", &written.from), ("to", &written.to)),
            Direction::Egress => (("to", &written.to), ("from", &written.from)),
        };
        if wrong.1.is_some() {
            let message = format!("is not a field of {direction} rules: write {}", side.0);
            self.fault(format!("{path}.{}", wrong.0), message);
        }
        let written_peers = side.1.as_deref().unwrap_or_default();
        if written_peers.is_empty() || written_peers.len() > self.most() {
            let message = format!("needs 1 to {} items", self.most());
            self.fault(format!("{path}.{}", side.0), message);
        }
        let allows = action == Some(Action::Allow);
        self.summed_up.clear();
        let mut peers = Vec::new();
        for (i, peer) in written_peers.iter().enumerate() {
            self.peer(direction, allows, &format!("{path}.{}[{i}]", side.0), peer, &mut peers);
        }
        let ports = self.ports(&path, written);
        self.names_without_pods(&path, written_peers, &ports);
        let Some(action) = action else { return Vec::new() };
        let mut entries = self.dns(&path, place, action, written_peers);
        let entry = match (self.unknown.is_empty(), action) {
            (true, _) => (action, Peers::Of(peers), ports),
            // Source: docs/semantics/admin.md#fail-closed.
            (false, Action::Allow) => (action, Peers::Of(Vec::new()), ports),
            (false, Action::Deny | Action::Pass) => (Action::Deny, Peers::Any, Ports::Any),
        };
        self.tell_unknown(action);
        let (action, peers, ports) = entry;
        let path: Box<str> = path.into();
        let with = |peers, ports| {
            let path = path.clone();
            Entry { path, place, action, only: None, peers, ports, condition: None }
        };
        let Some(themselves) = self.themselves(direction, &peers, &ports) else {
            entries.push(with(peers, ports));
            return entries;
        };
        entries.push(with(themselves, ports.clone()));
        if let Ports::Of(mut items) = ports {
            items.retain(|item| !is_named(item));
            if !items.is_empty() {
                entries.push(with(peers, Ports::Of(items)));
            }
        }
        entries
    }

    /// Whom peers of egress mean themselves, where names of ports are looked for there alone: what Cilium sums
    /// pods up in has no ports.
    ///
    /// Source: docs/semantics/cilium-verdicts.md#negative-namespaces-of-clusternetworkpolicy.
    fn themselves(&self, direction: Direction, peers: &Peers, ports: &Ports) -> Option<Peers> {
        let (Peers::Of(peers), Ports::Of(items)) = (peers, ports) else { return None };
        if direction == Direction::Ingress
            || self.summed_up.is_empty()
            || !items.iter().any(is_named)
        {
            return None;
        }
        let mut peers = peers.clone();
        for (at, namespaces) in &self.summed_up {
            let set = PodSet::new(Namespaces::Matching(namespaces.clone()), Selector::default());
            peers.get_mut(*at)?.admits = PeerKind::Pods(set);
        }
        Some(Peers::Of(peers))
    }

    fn action(&mut self, path: &str, written: Option<&str>) -> Option<Action> {
        let path = format!("{path}.action");
        let allow = if is_v1alpha1(self.kind) { "Allow" } else { "Accept" };
        let action = match written {
            Some(word) if word == allow => Some(Action::Allow),
            Some("Deny") => Some(Action::Deny),
            Some("Pass") if self.kind != Kind::BaselineAdminNetworkPolicy => Some(Action::Pass),
            _ => None,
        };
        if action.is_none() {
            let known = match self.kind {
                Kind::BaselineAdminNetworkPolicy => "Allow or Deny".to_owned(),
                _ => format!("{allow}, Deny or Pass"),
            };
            let message = match written {
                None => format!("is missing: give {known}"),
                Some(other) => format!("{other:?} is not {known}"),
            };
            self.fault(path, message);
        }
        action
    }

    /// What is not known closes the whole rule, and is told.
    fn tell_unknown(&mut self, action: Action) {
        let closed = match action {
            Action::Allow => "this rule then lets nothing through".to_owned(),
            Action::Deny | Action::Pass => {
                format!("this {} rule then denies everything", action.as_str())
            }
        };
        for Fault { path, message, lint } in std::mem::take(&mut self.unknown) {
            self.lint(lint, path, format!("{message}; {closed}"));
        }
    }

    /// Names of ports beside peers that have none.
    ///
    /// Source: docs/semantics/admin.md#named-ports: refused in the experimental channel only.
    fn names_without_pods(&mut self, path: &str, peers: &[WrittenPeer], ports: &Ports) {
        let Ports::Of(items) = ports else { return };
        if !items.iter().any(is_named) {
            return;
        }
        let has = |field: fn(&WrittenPeer) -> bool| peers.iter().any(field);
        for (present, field) in [
            (has(|peer| peer.networks.is_some()), "networks"),
            (has(|peer| peer.nodes.is_some()), "nodes"),
            (has(|peer| peer.domain_names.is_some()), "domainNames"),
        ] {
            if present {
                let message = format!(
                    "has {field} and the name of a port, which only pods have; CRDs of the \
                     experimental channel refuse it"
                );
                self.lint(Lint::OldForm, path, message);
            }
        }
    }

    /// The lookups of names, which Cilium lets through to the cluster's DNS with them.
    ///
    /// Source: `ParseClusterNetworkPolicy` of Cilium 1.20, which names the pods and ports so.
    fn dns(&self, path: &str, place: usize, action: Action, peers: &[WrittenPeer]) -> Vec<Entry> {
        let names: Vec<&str> = peers
            .iter()
            .filter_map(|peer| peer.domain_names.as_ref())
            .flatten()
            .map(|n| &**n)
            .collect();
        if self.cilium.is_none() || action != Action::Allow || names.is_empty() {
            return Vec::new();
        }
        let dns = PodSet::new(
            Namespaces::Matching(Selector::default()),
            Selector::labels([("k8s-app", "kube-dns")]),
        );
        let ports = ["dns", "dns-tcp"].into_iter().flat_map(|name| {
            Protocol::ALL.map(|protocol| PortRule {
                path: path.into(),
                fields: &PortFields::ITSELF,
                protocol,
                ports: PortMatch::Named(name.into()),
                except: Box::default(),
            })
        });
        let words = format!("DNS lookups of {}", names.join(", "));
        vec![Entry {
            path: path.into(),
            place,
            action: Action::Allow,
            only: None,
            peers: Peers::Of(vec![Peer::new(path, PeerKind::Pods(dns))]),
            ports: Ports::Of(ports.collect()),
            condition: Some(Condition {
                names: names.iter().map(|name| NamePattern::domain(name)).collect(),
                ..Condition::new(path, words)
            }),
        }]
    }
}

fn is_named(item: &PortRule) -> bool {
    matches!(item.ports, PortMatch::Named(_))
}
