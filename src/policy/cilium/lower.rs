//! Rules and their elements: whom they speak for, what they isolate, what they allow and deny.
//!
//! Source: docs/semantics/cilium-objects.md#who-refuses,
//! docs/semantics/cilium-rules.md#absent-and-empty and
//! docs/semantics/cilium-verdicts.md#one-direction.

use super::super::rule::{
    Action, Condition, Direction, Entry, PeerKind, Peers, PodSet, Policy, Ports, Reads, Scope, Tier,
};
use super::super::variables::{not_filled_in, perhaps, unfilled, variable};
use super::super::{Cilium, CiliumVersion, Fault};
use super::known::{CiliumPolicy, Known};
use super::labels::Terms;
use super::ports::Choice;
use super::written::{Authentication, Element, Rule, WrittenSelector};
use crate::cluster::{Name, ObjectRef, Origin};
use crate::lints::Lint;

/// What is found on the way through one object.
pub(super) struct Lowering<'a> {
    object: &'a ObjectRef,
    origin: &'a Origin,
    pub(super) known: &'a Known<'a>,
    pub(super) settings: &'a Cilium,
    pub(super) namespace: Option<&'a Name>,
    /// Whom networks mean.
    pub(super) scope: Scope,
    /// It was read from a live cluster.
    pub(super) live: bool,
    /// The rule in hand closes all pods and allows nothing, as it means to.
    closes: bool,
    /// It speaks for what has the label `reserved:ingress`.
    pub(super) of_proxy: bool,
    /// It was told that a selector means pods of other clusters: once says it of all.
    pub(super) told_of_clusters: bool,
    /// For what the agent rejects the object.
    pub(super) faults: Vec<Fault>,
    /// For what the API server refuses it.
    pub(super) refused: Vec<Fault>,
    pub(super) lints: Vec<Fault>,
    /// The pods of the rule whose answers of DNS Cilium does not see, in words.
    unseen_lookups: Option<String>,
}

/// An element with its place, and what its rule says of it.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) path: &'a str,
    pub(super) direction: Direction,
    pub(super) action: Action,
    /// The rule speaks for nodes.
    pub(super) of_nodes: bool,
}

impl At<'_> {
    pub(super) fn denies(self) -> bool {
        self.action == Action::Deny
    }

    /// The name of a field that is called after its direction, such as `fromCIDR`.
    pub(super) fn field(self, name: &str) -> String {
        match self.direction {
            Direction::Ingress => format!("from{name}"),
            Direction::Egress => format!("to{name}"),
        }
    }
}

/// What a rule says in one direction.
struct Section<'a> {
    direction: Direction,
    allow: Vec<&'a Element>,
    deny: Vec<&'a Element>,
    default_deny: Option<bool>,
}

impl<'a> Section<'a> {
    fn both(rule: &'a Rule) -> [Self; 2] {
        let default = rule.enable_default_deny.unwrap_or_default();
        [
            Self {
                direction: Direction::Ingress,
                allow: rule.ingress.iter().flatten().map(|element| &element.0).collect(),
                deny: rule.ingress_deny.iter().flatten().map(|element| &element.0).collect(),
                default_deny: default.ingress,
            },
            Self {
                direction: Direction::Egress,
                allow: rule.egress.iter().flatten().map(|element| &element.0).collect(),
                deny: rule.egress_deny.iter().flatten().map(|element| &element.0).collect(),
                default_deny: default.egress,
            },
        ]
    }

    fn is_empty(&self) -> bool {
        self.allow.is_empty() && self.deny.is_empty()
    }

    /// Whether the rule isolates: it has a section for the direction, and does not say otherwise.
    ///
    /// Source: docs/semantics/cilium-verdicts.md#rules-that-only-deny and
    /// docs/semantics/cilium-verdicts.md#enabledefaultdeny.
    fn isolates(&self, settings: &Cilium) -> bool {
        !self.is_empty() && (!settings.non_default_deny || self.default_deny.unwrap_or(true))
    }
}

impl<'a> Lowering<'a> {
    pub(super) fn new(
        policy: CiliumPolicy<'a>,
        known: &'a Known<'a>,
        settings: &'a Cilium,
    ) -> Self {
        Self {
            object: policy.object,
            origin: policy.origin,
            known,
            settings,
            namespace: policy.object.namespace.as_ref(),
            scope: known.enforcer.block_scope(),
            live: policy.is_live(),
            closes: false,
            of_proxy: false,
            told_of_clusters: false,
            faults: Vec::new(),
            refused: Vec::new(),
            lints: Vec::new(),
            unseen_lookups: None,
        }
    }

    pub(super) fn fault(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.faults.push(Fault::new(path, message));
    }

    pub(super) fn refuse(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.refused.push(Fault::new(path, message));
    }

    pub(super) fn lint(&mut self, lint: Lint, path: impl Into<String>, message: impl Into<String>) {
        self.lints.push(Fault::told(lint, path, message));
    }

    /// One policy for each direction of a rule.
    pub(super) fn rule(&mut self, path: &str, rule: &Rule) -> Vec<Policy> {
        let sections = Section::both(rule);
        let written = rule.ingress.is_some()
            || rule.ingress_deny.is_some()
            || rule.egress.is_some()
            || rule.egress_deny.is_some();
        if !written {
            let message = "needs at least one of ingress, ingressDeny, egress and egressDeny";
            self.refuse(path, message);
        } else if sections.iter().all(Section::is_empty) {
            let message = "needs at least one of ingress, ingressDeny, egress and egressDeny; an \
                           empty list is as good as none";
            self.fault(path, message);
        }
        self.log(path, rule);
        let subject = self.speaks_for(path, rule);
        self.unseen_lookups = match &subject {
            Some((_, Some(subject))) => self.known.lookups.unseen(subject, self.known.snapshot),
            _ => None,
        };
        self.closes = is_default_deny(rule);
        let of_nodes = rule.node_selector.is_some();
        let for_init = subject.as_ref().is_some_and(|(terms, _)| terms.has_init());
        let mut policies = Vec::new();
        for section in &sections {
            let entries = self.section(path, section, of_nodes, for_init);
            let Some((_, Some(subject))) = &subject else { continue };
            if section.is_empty() {
                if section.default_deny == Some(true) {
                    let direction = section.direction;
                    let message =
                        format!("has no effect: the rule has no {direction} section; add one");
                    let path = format!("{path}.enableDefaultDeny.{direction}");
                    self.lint(Lint::IgnoredField, path, message);
                }
                continue;
            }
            self.about_default_deny(path, section, &entries);
            policies.push(Policy {
                object: self.object.clone(),
                origin: self.origin.clone(),
                direction: section.direction,
                tier: Tier::Normal,
                subject: subject.clone(),
                isolates: section.isolates(self.settings),
                entries,
            });
        }
        policies
    }

    /// Whom a rule speaks for; `None` where that is no pod, or faulty.
    ///
    /// Source: docs/semantics/cilium-objects.md#selector-of-the-subject: neither or both of
    /// endpointSelector and nodeSelector; nodeSelector in a CiliumNetworkPolicy.
    /// docs/semantics/cilium-verdicts.md#host-firewall.
    pub(super) fn speaks_for(
        &mut self,
        path: &str,
        rule: &Rule,
    ) -> Option<(Terms, Option<PodSet>)> {
        match (&rule.endpoint_selector, &rule.node_selector) {
            (Some(_), Some(_)) => {
                self.refuse(path, "has both endpointSelector and nodeSelector: give one");
                None
            }
            (None, None) => {
                self.refuse(path, "needs endpointSelector; {} selects all pods");
                None
            }
            (Some(selector), None) => {
                Some(self.subject(&format!("{path}.endpointSelector"), selector))
            }
            (None, Some(selector)) => {
                let path = format!("{path}.nodeSelector");
                self.plain_labels(&path, selector);
                if self.namespace.is_some() {
                    let message = "is for nodes: write a CiliumClusterwideNetworkPolicy";
                    self.fault(path, message);
                } else if self.settings.host_firewall {
                    self.lint(Lint::NotJudged, path, "speaks for nodes, which are not judged here");
                } else {
                    let message = "speaks for nodes and has no effect: Cilium's host firewall is off \
                                   (option enable-host-firewall)";
                    self.lint(Lint::NotEnforced, path, message);
                }
                None
            }
        }
    }

    /// Source: docs/semantics/cilium-objects.md#log: `log.value` of at most 32 printable characters.
    fn log(&mut self, path: &str, rule: &Rule) {
        let Some(value) = rule.log.as_ref().and_then(|log| log.value.as_ref()) else { return };
        if value.chars().count() > 32 || value.chars().any(char::is_control) {
            self.refuse(
                format!("{path}.log.value"),
                "is longer than 32 characters, or not printable",
            );
        }
    }

    /// Source: docs/semantics/cilium-verdicts.md#enabledefaultdeny: `false` adds allows without
    /// isolating, and what an L7 rule then does to other requests depends on the version.
    fn about_default_deny(&mut self, path: &str, section: &Section<'_>, entries: &[Entry]) {
        if section.default_deny != Some(false) {
            return;
        }
        let direction = section.direction;
        let path = format!("{path}.enableDefaultDeny.{direction}");
        if !self.settings.non_default_deny {
            let message = "does not count: the option enable-non-default-deny-policies is off";
            self.lint(Lint::NotEnforced, path, message);
        } else if entries.iter().any(|entry| entry.condition.is_some()) {
            let message = "is false beside L7 rules: by Cilium's documentation requests that match \
                           none of them may still be refused, by its source from 1.18 on they pass";
            self.lint(Lint::VersionDependent, path, message);
        }
    }

    fn section(
        &mut self,
        rule: &str,
        section: &Section<'_>,
        of_nodes: bool,
        for_init: bool,
    ) -> Vec<Entry> {
        let direction = section.direction;
        let mut entries = Vec::new();
        for (action, field, elements) in
            [(Action::Allow, "", &section.allow), (Action::Deny, "Deny", &section.deny)]
        {
            let list = format!("{rule}.{direction}{field}");
            let required = self.requires((&list, direction, action), elements, for_init);
            for (i, element) in elements.iter().enumerate() {
                let path = format!("{list}[{i}]");
                let at = At { path: &path, direction, action, of_nodes };
                entries.extend(self.element(at, element, required.as_ref(), for_init));
            }
        }
        entries
    }

    /// What `fromRequires` or `toRequires` of a list of elements ask of every peer of the list.
    ///
    /// Source: docs/semantics/cilium-rules.md#requires: from 1.19 on the CRD refuses them; before,
    /// those of rules that allow must hold as well in all that allow, and those of denials in all that deny.
    fn requires(
        &mut self,
        (list, direction, action): (&str, Direction, Action),
        elements: &[&Element],
        for_init: bool,
    ) -> Option<Terms> {
        let mut all: Option<Terms> = None;
        for (i, element) in elements.iter().enumerate() {
            let path = format!("{list}[{i}]");
            let at = At { path: &path, direction, action, of_nodes: false };
            let path = format!("{path}.{}", at.field("Requires"));
            let written = element.requires.as_deref().unwrap_or_default();
            if written.is_empty() {
                continue;
            }
            if self.settings.version >= CiliumVersion::V1_19 {
                self.refuse(path, "was removed in Cilium 1.19: write the labels into the peers");
                continue;
            }
            for (j, selector) in written.iter().enumerate() {
                let path = format!("{path}[{j}]");
                let mut terms = self.terms(&path, selector);
                self.inject_always(&path, &mut terms, for_init);
                match &mut all {
                    Some(all) => all.and(&terms),
                    None => all = Some(terms),
                }
            }
            let message = "narrows the peers of every policy that selects the same pods: those of other \
                           policies are not known here. Cilium 1.19 removes it: write the labels into the \
                           peers";
            self.lint(Lint::OldForm, path, message);
        }
        all
    }

    /// What one element says: nothing, or one entry for each condition.
    fn element(
        &mut self,
        at: At<'_>,
        element: &Element,
        required: Option<&Terms>,
        for_init: bool,
    ) -> Vec<Entry> {
        let peers = self.peers(at, element, required, for_init);
        let choices = self.port_choices(at, element);
        let says_ports = choices.is_some();
        let authentication = self.authentication(at, element.authentication.as_ref());
        let unlearned = self.lookups(at, element);
        let besides = authentication;
        let (peers, choices) = match (peers, choices) {
            // Source: docs/semantics/cilium-rules.md#absent-and-empty: an element without peers and
            // ports allows nothing.
            (None, None) => {
                let message = match at.action {
                    Action::Allow => {
                        "has neither peers nor ports, so it allows nothing; in a NetworkPolicy it \
                         would allow everyone. Write the entity all for that"
                    }
                    _ => "has neither peers nor ports, so it denies nothing",
                };
                if !self.closes {
                    self.lint(Lint::EmptyRule, at.path, message);
                }
                (Peers::Of(Vec::new()), vec![Choice::of(Ports::Any, None)])
            }
            (None, Some(choices)) => (Peers::Any, choices),
            (Some(peers), None) => (peers, vec![Choice::of(Ports::Any, None)]),
            (Some(peers), Some(choices)) => (peers, choices),
        };
        if says_ports && choices.iter().all(|choice| choice.ports == Ports::Of(Vec::new())) {
            self.lint(Lint::EmptyRule, at.path, "has no port that can match, so it means nothing");
        }
        let entry = |Choice { ports, condition, doubt }: Choice| Entry {
            path: at.path.into(),
            place: 0,
            action: at.action,
            only: None,
            peers: match doubt {
                Some(why) => perhaps(at.path, peers.clone(), &why),
                None => peers.clone(),
            },
            ports,
            condition: both(condition, besides.clone()),
        };
        let entries: Vec<Entry> = choices.into_iter().map(entry).collect();
        match unlearned {
            Some(why) => self.only_perhaps_learned(entries, why),
            None => entries,
        }
    }

    /// Entries for names whose addresses Cilium learns of some pods only: those of whom it is known, and
    /// perhaps of all.
    fn only_perhaps_learned(&self, entries: Vec<Entry>, why: &str) -> Vec<Entry> {
        let seen = self.known.lookups.subjects();
        let of_seen = entries.iter().filter(|_| !seen.is_empty()).map(|entry| {
            let seen = seen.iter().cloned().map(PeerKind::Pods).collect();
            Entry { only: Some(Box::new(PeerKind::any(seen))), ..entry.clone() }
        });
        let mut all: Vec<Entry> = of_seen.collect();
        all.extend(entries.into_iter().map(|mut entry| {
            if let Peers::Of(peers) = &mut entry.peers {
                for peer in peers {
                    if let PeerKind::Names(names) = &mut peer.admits {
                        names.unlearned = Some(why.into());
                    }
                }
            }
            entry
        }));
        all
    }

    /// What `toFQDNs` needs of pods whose lookups Cilium does not see.
    ///
    /// Source: docs/semantics/cilium-rules.md#lookups: addresses are learned only from answers that pass
    /// the proxy, but once learned they count for every pod of the node.
    fn lookups(&mut self, at: At<'_>, element: &Element) -> Option<&'static str> {
        let names = element.fqdns.as_ref().is_some_and(|fqdns| !fqdns.is_empty());
        let unseen = self.unseen_lookups.clone().filter(|_| names && !at.denies())?;
        let path = format!("{}.toFQDNs", at.path);
        let message = format!(
            "needs a rule with rules.dns toward the DNS server for the same pods, by which Cilium \
             learns the addresses: none was found for {unseen}"
        );
        self.lint(Lint::NamesNotLearned, path, message);
        Some(
            "Cilium learns the addresses of names from answers of DNS, and no rule with rules.dns shows it \
             those of this pod",
        )
    }

    /// Source: docs/semantics/cilium-ports.md#authentication.
    fn authentication(
        &mut self,
        at: At<'_>,
        written: Option<&Authentication>,
    ) -> Option<Condition> {
        let written = written?;
        let path = format!("{}.authentication", at.path);
        if at.denies() {
            self.dropped(path, "so the rule denies without it");
            return None;
        }
        let words = match written.mode.as_deref() {
            Some("required") => "after mutual authentication",
            Some("test-always-fail") => "after an authentication that is made to fail",
            Some("disabled") => return None,
            other => {
                let given = other.unwrap_or_default();
                let message = format!("{given:?} is not disabled, required or test-always-fail");
                self.refuse(format!("{path}.mode"), message);
                return None;
            }
        };
        Some(Condition::new(path, words))
    }

    /// Tells that a text has a variable, and says why it is not known.
    pub(super) fn unfilled(&mut self, path: &str, text: &str) -> Option<String> {
        let why = not_filled_in(variable(text)?);
        self.lint(Lint::UnfilledVariable, path, unfilled(&why));
        Some(why)
    }

    /// A field that exists elsewhere and not here.
    pub(super) fn dropped(&mut self, path: impl Into<String>, then: &str) {
        let message = format!("is not known here and the API server drops it, {then}");
        self.lint(Lint::UnknownField, path, message);
    }
}

/// Whether a rule is how Cilium's documentation closes pods: every pod, and elements that allow
/// nothing. Narrower ones are more likely written by who knows NetworkPolicies.
fn is_default_deny(rule: &Rule) -> bool {
    let says_nothing = |elements: &[&Element]| elements.iter().all(|e| **e == Element::default());
    rule.endpoint_selector.as_ref().is_some_and(WrittenSelector::is_everything)
        && Section::both(rule).iter().all(|s| s.deny.is_empty() && says_nothing(&s.allow))
}

/// Both conditions must hold; the path is that of the first.
pub(super) fn both(one: Option<Condition>, other: Option<Condition>) -> Option<Condition> {
    match (one, other) {
        (Some(one), Some(other)) => {
            let words = format!("{}, {}", one.words, other.words).into();
            let names = if one.names.is_empty() { other.names } else { one.names };
            let asks = format!("{} and {}", one.asks, other.asks).into();
            Some(Condition { path: one.path, words, asks, names, reads: Reads::Else })
        }
        (one, other) => one.or(other),
    }
}

/// Peers of kinds, at one place.
pub(super) fn at(
    path: &str,
    kinds: Vec<PeerKind>,
) -> impl Iterator<Item = super::super::rule::Peer> {
    kinds.into_iter().map(move |admits| super::super::rule::Peer::new(path, admits))
}
