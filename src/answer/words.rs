//! The sentences of an answer. Everything that reads as English about a rule is written here.

use super::place::short;
use super::rule_words;
use super::standing::PlaceReport;
use super::vocabulary::OrderedTier;
use crate::cluster::{
    ANY_OTHER_NAMESPACE, Mismatch, ObjectRef, Operator, Port, PortRange, kind_word,
};
use crate::kinds::Kind;
use crate::policy::rule::{Action, Direction, Entry, Policy, PortMatch, Ports, Tier};
use crate::policy::{Enforcement, NamePattern, Ruleset};
use crate::prose::list;
use crate::verdict::{
    NearBy, NotKnown, PeerMiss, PolicyTrace, PortMiss, Reason, Trace, UnknownWhy,
};
use std::collections::BTreeSet;

/// What the other end is, as far as advice depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PeerEnd {
    Pod,
    Other,
}

/// The priority of a policy, where its author gave it one.
pub(super) fn priority(policy: &Policy) -> Option<i32> {
    policy
        .tier
        .priority()
        .filter(|_| Kind::named(&policy.object.kind) != Some(Kind::BaselineAdminNetworkPolicy))
}

/// A policy as [`label`] has it, with its tier.
pub(super) fn tiered(
    kind: &str,
    name: &str,
    (tier, priority): (Option<OrderedTier>, Option<i32>),
    place: Option<&PlaceReport>,
) -> String {
    let name = label(&ObjectRef::cluster(kind, name));
    if let Some(PlaceReport { tier, order, .. }) = place {
        return match order {
            Some(order) => format!("{name} (tier {tier}, order {order})"),
            None => format!("{name} (tier {tier})"),
        };
    }
    match (tier, priority) {
        (Some(tier), Some(priority)) => format!("{name} ({tier} tier, priority {priority})"),
        (Some(tier), None) => format!("{name} ({tier} tier)"),
        (None, _) => name,
    }
}

/// Why a peer item does not match `peer`.
pub(super) fn peer_miss(miss: &PeerMiss, peer: &str, kind: PeerEnd) -> String {
    match miss {
        PeerMiss::OtherNamespace { wanted, found } => {
            let found = if **found == *ANY_OTHER_NAMESPACE { "another" } else { found };
            format!("it names no namespace, so it means pods of {wanted}; {peer} is in {found}")
        }
        PeerMiss::NamespaceLabels { namespace, mismatch } => namespace_labels(namespace, mismatch),
        PeerMiss::PodLabels(mismatch) => pod_labels(mismatch),
        PeerMiss::NotAPod => format!("it selects pods, not {peer}"),
        PeerMiss::HostNetwork => {
            format!("it selects pods, and {peer} uses its node's network: it counts as the node")
        }
        PeerMiss::OutsideBlock { block, address } => format!("{address} is not in {block}"),
        PeerMiss::Excepted { block, address } => format!("{address} is in the except of {block}"),
        PeerMiss::OtherFamily(block) => format!("{} is of the other IP family", block.cidr),
        PeerMiss::AddressUnknown(block) => {
            let remedy = match kind {
                PeerEnd::Pod => "say where pods are with --pod-cidr",
                PeerEnd::Other => "give its address",
            };
            format!("whether {block} has the address of {peer} is not known: {remedy}")
        }
        PeerMiss::OutsidePodNetworks(block) => format!("{block} has no address of {peer}"),
        PeerMiss::NotOutside(block) => {
            format!("{block} means addresses outside the cluster, and {peer} is inside")
        }
        PeerMiss::Unseen(why) => format!("not known: {why}"),
        PeerMiss::NotANode => format!("it selects nodes, not {peer}"),
        PeerMiss::NodeLabels(mismatch) => match &mismatch.found {
            Some(found) => {
                format!("node label {} is {found}; wanted {}", mismatch.wanted.key, mismatch.wanted)
            }
            None => {
                format!("node has no label {}; wanted {}", mismatch.wanted.key, mismatch.wanted)
            }
        },
        PeerMiss::NodeUnknown => format!("on which node {peer} is, is not known"),
        PeerMiss::OwnNode => format!("it means other nodes, and {peer} is the pod's own"),
        PeerMiss::NotOfEntities(written) => format!("{peer} is not {}", written.join(" or ")),
        PeerMiss::PerhapsOfEntities(written) => {
            format!("whether {peer} is {} is not known", written.join(" or "))
        }
        PeerMiss::OtherName(patterns) => {
            format!("{peer} is no name that matches {}", patterns_text(patterns))
        }
        PeerMiss::OtherLevel(patterns) => format!(
            "{peer} is no name that matches {}, in which each * is at most one label, what stands \
             between two dots",
            patterns_text(patterns)
        ),
        PeerMiss::LookupRefused(patterns) => format!(
            "the name matches, and the pod cannot learn its address: its rules for DNS let it ask for {} \
             only",
            patterns_text(patterns)
        ),
        PeerMiss::PerhapsNamed(patterns) => format!(
            "whether {peer} is an address of {} only DNS tells: ask with the name",
            patterns_text(patterns)
        ),
        PeerMiss::NoOne => "the rule means no one".to_owned(),
        PeerMiss::LeftOut => format!("it leaves out {peer}"),
        PeerMiss::OtherSubject => "the rule speaks for other pods of the policy".to_owned(),
        PeerMiss::SubjectUnknown => "whether the rule speaks for this pod is not known".to_owned(),
    }
}

fn patterns_text(patterns: &[NamePattern]) -> String {
    list(&patterns.iter().map(ToString::to_string).collect::<Vec<_>>(), "or")
}

fn namespace_labels(namespace: &str, mismatch: &Mismatch) -> String {
    let Mismatch { wanted, found, unknown } = mismatch;
    if *unknown {
        return format!("the labels of namespace {namespace} are not known; wanted {wanted}");
    }
    if *wanted.key == *"kubernetes.io/metadata.name"
        && let Operator::In(names) = &wanted.operator
    {
        return format!("namespace is {namespace}, not {}", names.join(" or "));
    }
    // What is not any namespace's name is not told as one.
    let it = if *namespace == *ANY_OTHER_NAMESPACE {
        "its namespace".to_owned()
    } else {
        format!("namespace {namespace}")
    };
    match found {
        Some(found) => format!("{it} has {}={found}; wanted {wanted}", wanted.key),
        None => format!("{it} has no label {}; wanted {wanted}", wanted.key),
    }
}

/// Why a pod's labels do not match, or may not.
pub(super) fn pod_labels(mismatch: &Mismatch) -> String {
    let Mismatch { wanted, found, unknown } = mismatch;
    let key = &wanted.key;
    match (found, &wanted.operator) {
        _ if *unknown => {
            format!("pod label {key} is known only once the pod is made; wanted {wanted}")
        }
        (Some(found), Operator::In(values)) if values.len() == 1 => {
            format!("pod label {key} is {found}, not {}", values[0])
        }
        (Some(found), _) => format!("pod label {key} is {found}; wanted {wanted}"),
        (None, _) => format!("pod has no label {key}; wanted {wanted}"),
    }
}

/// Why no port item matches, with a hint where the Service's port was written for the pod's.
pub(super) fn port_miss(
    miss: &PortMiss,
    entry: &Entry,
    port: Port,
    service_ports: &[(Port, String)],
    destination: &str,
) -> String {
    if let Some((written, service)) = service_port(entry, service_ports) {
        return service_port_mistake(written.number, service, port.number);
    }
    match miss {
        PortMiss::Protocol { wanted, found, number_matches: true } => {
            format!("port {} is {wanted} there; the flow is {found}", port.number)
        }
        PortMiss::NoSuchName(name) => {
            format!("no container of {destination} calls a {} port {name:?}", port.protocol)
        }
        PortMiss::NameUnknown(name) => format!(
            "whether {destination} calls {port} {name:?} is not known, since its ports are not written"
        ),
        PortMiss::NameIsOther { name, numbers } => {
            let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
            format!(
                "port {name:?} is {} on {destination}, not {}",
                numbers.join(" and "),
                port.number
            )
        }
        PortMiss::NameOfNoPod(name) => {
            format!(
                "port {name:?} is a name that only pods of the pod network can have, and \
                 {destination} is none"
            )
        }
        PortMiss::NoPort => "the rule means no port".to_owned(),
        PortMiss::LeftOut(number) => format!("the rule leaves out port {number}"),
        PortMiss::Number { .. } | PortMiss::Protocol { .. } => {
            let shown = rule_words::ports(&entry.ports);
            let verb = if shown.len() == 1 { "port is" } else { "ports are" };
            format!("{verb} {}, not {port}", list(&shown, "and"))
        }
    }
}

/// A rule names a Service's port where the pod's is meant.
pub(super) fn service_port_mistake(written: u16, service: &str, pod: u16) -> String {
    format!("port is {written}, that of {service}; policies judge the pod's: {pod}")
}

/// The Service port that a rule names where the pod's is meant: the commonest mistake.
pub(super) fn service_port<'a>(
    entry: &Entry,
    service_ports: &'a [(Port, String)],
) -> Option<&'a (Port, String)> {
    let Ports::Of(items) = &entry.ports else { return None };
    service_ports.iter().find(|(port, _)| {
        items.iter().any(|item| {
            item.protocol == port.protocol
                && item.ports == PortMatch::Range(PortRange::from(port.number))
        })
    })
}

/// A policy that has no rule of its direction.
pub(super) fn without_rules(policy: &Policy) -> String {
    if policy.isolates {
        format!("has no {} rules: it only isolates", policy.direction)
    } else {
        format!("has no {} rules and does not isolate", policy.direction)
    }
}

/// What is said of a policy that has only rules that deny and isolates for lack of a word.
///
/// Source: docs/semantics/cilium-verdicts.md#rules-that-only-deny.
pub(super) const DENIES_AND_ISOLATES: &str = "only denies, yet isolates, so that nothing passes \
     that no other rule allows (enableDefaultDeny: false would leave the rest open)";

/// Whether a policy isolates although all of its rules deny.
pub(super) fn only_denies(policy: &Policy) -> bool {
    let denies = |entry: &Entry| entry.action == Action::Deny;
    policy.isolates && !policy.entries.is_empty() && policy.entries.iter().all(denies)
}

/// What a rule that matches does.
pub(super) fn does(tier: &Tier, action: Action) -> &'static str {
    match (action, tier) {
        (Action::Allow, Tier::Admin(_)) => "allows the flow before any other policy is asked",
        (Action::Allow, _) => "admits the flow",
        (Action::Deny, Tier::Named(_)) => "denies the flow",
        (Action::Pass, Tier::Named(_)) => "passes the flow on to the next tier",
        (Action::Deny, Tier::Normal) => "denies the flow, whatever others allow",
        (Action::Deny, Tier::Admin(_)) => "denies the flow before any other policy is asked",
        (Action::Deny, Tier::Baseline(_)) => "denies the flow, since no policy before it decides",
        (Action::Pass, Tier::Baseline(_)) => "leaves the flow open, past the rest of its tier",
        (Action::Pass, _) => "passes the flow on to NetworkPolicies",
    }
}

/// What would have to be otherwise for a policy to decide.
pub(super) fn near(by: &NearBy, policy: &Policy, subject: &str) -> String {
    let direction = policy.direction;
    match by {
        NearBy::Subject(miss) => {
            let why = peer_miss(miss, subject, PeerEnd::Pod);
            format!("would admit it, but does not select {subject}: {why}")
        }
        NearBy::Elsewhere(namespace) => format!(
            "would admit it in the namespace of {subject}; it is in {namespace}, where it selects no \
             pod that is known"
        ),
        NearBy::NotIsolating => format!(
            "has {direction} rules for {subject} and leaves everything else open \
             (enableDefaultDeny.{direction}: false)"
        ),
        NearBy::OtherDirection => {
            let left_out = match direction {
                Direction::Ingress => "Egress, which they have by default only beside egress rules",
                Direction::Egress => "Ingress, which they would have by default",
            };
            format!("selects {subject} for {direction} only: its policyTypes leave out {left_out}")
        }
    }
}

/// What a rule that may match may do.
pub(super) fn may_do(action: Action) -> &'static str {
    match action {
        Action::Allow => "may admit it",
        Action::Deny => "may deny it",
        Action::Pass => "may pass it on",
    }
}

/// What decides a direction, in one line.
pub(super) fn direction(
    trace: &Trace,
    rules: &Ruleset,
    peer: &str,
    decided_by: Option<&str>,
) -> String {
    let count = trace.policies.iter().filter(|policy| policy.isolates).count();
    let policies = if count == 1 { "1 policy".to_owned() } else { format!("{count} policies") };
    match trace.reason {
        Reason::Outside => "outside the cluster, so no policy judges it".to_owned(),
        Reason::Node => "a node, which no NetworkPolicy selects".to_owned(),
        Reason::HostNetwork => {
            "on its node's network, where NetworkPolicy does not apply".to_owned()
        }
        Reason::SamePod => "a pod always reaches itself".to_owned(),
        Reason::OwnNode if rules.cilium().is_some() => {
            format!("{peer} is its own node, which Cilium lets in unless a policy denies it")
        }
        Reason::OwnNode => format!("{peer} is its own node, which always reaches it"),
        Reason::NotIsolated
            if !trace.policies.is_empty() && rules.enforcer().calico().is_some() =>
        {
            "open, since every tier leaves it open and the profile of its namespace allows it"
                .to_owned()
        }
        Reason::NotIsolated => {
            format!("open, since no policy isolates its {}", trace.direction)
        }
        Reason::Admitted if passes_on(trace, rules) => {
            let by = decided_by.unwrap_or("a policy");
            format!("passed on by {by}, and the profile of its namespace allows it")
        }
        Reason::Admitted => {
            let by = format!("admitted by {}", decided_by.unwrap_or("a policy"));
            match overruled(trace, rules) {
                Some(deny) => format!("{by}, so that {deny} does not count"),
                None => by,
            }
        }
        Reason::Refused => {
            let by = format!("denied by {}", decided_by.unwrap_or("a policy"));
            match overruled(trace, rules) {
                Some(allow) => format!("{by}, which overrules {allow}"),
                None => by,
            }
        }
        Reason::Tie => {
            let who = tied(trace, rules);
            format!("ambiguous: {who} have one tier and priority and disagree, and either may win")
        }
        Reason::NotEnforced => {
            "open, since Cilium is told to enforce no policy (enable-policy: never)".to_owned()
        }
        Reason::NoneAdmits if trace.dropped_by().is_some() => {
            let tier = trace.dropped_by().map_or("", |tier| &tier.name);
            format!("dropped at the end of tier {tier}: no rule of its policies matches")
        }
        Reason::NoneAdmits if count == 0 => {
            "isolated, since Cilium is told to isolate every pod (enable-policy: always), \
             and no policy admits it"
                .to_owned()
        }
        Reason::NoneAdmits if count == 1 => {
            "isolated by 1 policy, which does not admit it".to_owned()
        }
        Reason::NoneAdmits => format!("isolated by {policies}, none admits it"),
        Reason::Unknown(UnknownWhy::Rules) => {
            let objects = trace.policies.iter().map(|policy| &rules.policy(policy.policy).object);
            let all = objects.collect::<BTreeSet<_>>().len();
            let policies = if all == 1 { "1 policy".to_owned() } else { format!("{all} policies") };
            format!("not known: it depends on what {policies} would match")
        }
        Reason::Unknown(UnknownWhy::PoliciesUnread) if count == 0 => {
            "not known: not all policies of its namespace could be read".to_owned()
        }
        Reason::Unknown(UnknownWhy::PoliciesUnread)
            if trace.policies.iter().any(|policy| policy.admits.is_yes()) =>
        {
            "not known: it is admitted, but not all policies that may deny it could be read"
                .to_owned()
        }
        Reason::Unknown(UnknownWhy::PoliciesUnread) => format!(
            "not known: {policies} could be read and none admits it, but not all of its namespace \
             could be"
        ),
        Reason::Unknown(UnknownWhy::PerhapsOwnNode) => format!(
            "no policy admits it; it passes only if {peer} is on the pod's own node, \
             which is not known"
        ),
        Reason::Unknown(UnknownWhy::ToOwnNode) => format!(
            "no policy admits it; {peer} is or may be its own node, and whether that is \
             exempt depends on the network plugin"
        ),
        Reason::Unknown(UnknownWhy::SelfThroughService) => {
            "no policy admits it; a pod reaching itself through a Service depends on the \
             network plugin"
                .to_owned()
        }
    }
}

/// Whether what decides is a rule that leaves the flow to what comes behind its tier.
fn passes_on(trace: &Trace, rules: &Ruleset) -> bool {
    let entry = trace.decided_by.and_then(|(id, entry)| rules.policy(id).entries.get(entry));
    entry.is_some_and(|entry| entry.action == Action::Pass)
}

/// A rule that says the opposite and does not count: a deny where the flow is allowed, an allow
/// where it is denied.
fn overruled(trace: &Trace, rules: &Ruleset) -> Option<String> {
    let (decisive, _) = trace.decided_by?;
    let opposite = if trace.reason == Reason::Admitted { Action::Deny } else { Action::Allow };
    trace.policies.iter().filter(|policy| policy.selects.is_yes()).find_map(|policy| {
        let mut entries = policy.entries.iter().enumerate();
        let (index, _) = entries.find(|(_, e)| e.action == opposite && e.matches().is_yes())?;
        // What is ordered after the rule that decides in its own policy is no news.
        if policy.policy == decisive && policy.tier.is_ordered() {
            return None;
        }
        let written = rules.policy(policy.policy);
        let path = &written.entries.get(index)?.path;
        Some(format!("{} {}", label(&written.object), short(path)))
    })
}

/// The policies of one priority that disagree, as far as they certainly match.
fn tied(trace: &Trace, rules: &Ruleset) -> String {
    let ordered: Vec<&PolicyTrace> =
        trace.policies.iter().filter(|policy| policy.tier.is_ordered()).collect();
    let says = |policy: &PolicyTrace| policy.decisive().map(|(_, entry)| entry.action);
    let group = ordered.chunk_by(|a, b| a.tier == b.tier).find(|group| {
        let mut actions: Vec<Action> = group.iter().filter_map(|policy| says(policy)).collect();
        actions.sort_unstable();
        actions.dedup();
        actions.len() > 1
    });
    let speak = group.into_iter().flatten().filter(|policy| says(policy).is_some());
    let names: Vec<String> =
        speak.map(|policy| label(&rules.policy(policy.policy).object)).collect();
    list(&names, "and")
}

/// A policy as people tell policies apart: with its kind, unless that is NetworkPolicy.
pub(super) fn label(object: &ObjectRef) -> String {
    if Kind::named(&object.kind) == Some(Kind::NetworkPolicy) {
        object.name.to_string()
    } else {
        format!("{}/{}", kind_word(&object.kind), object.name)
    }
}

/// What is not known, as the end of "it depends on".
pub(super) fn not_known(what: &NotKnown) -> String {
    let words = match what {
        NotKnown::PodAddresses => {
            "addresses of pods that the input does not tell (--pod-cidr says where pods are)"
        }
        NotKnown::NodeAddresses => "addresses of nodes that the input does not tell",
        NotKnown::PodNetwork => "who has an address of the pod network",
        NotKnown::PodLabels => "labels that pods are given when they are made",
        NotKnown::NamespaceLabels => "labels of namespaces that the input does not tell",
        NotKnown::Nodes => "nodes that the input does not tell",
        NotKnown::Entities => "who counts as one of Cilium's entities",
        NotKnown::Names => "which addresses DNS names have",
        NotKnown::Unseen(why) => return format!("what cannot be seen from here ({why})"),
        NotKnown::PoliciesUnread => "policies that could not be read",
        NotKnown::OwnNode => "whether a node is the pod's own",
        NotKnown::ToOwnNode => {
            "whether isolation keeps a pod from its own node, which network plugins see differently"
        }
        NotKnown::SelfThroughService => {
            "whether isolation keeps a pod from itself through a Service, which network plugins \
             see differently"
        }
    };
    words.to_owned()
}

/// Policies that disagree, as the end of "it depends on".
pub(super) fn tie(names: &[String]) -> String {
    format!(
        "which of {} is followed, which disagree and have one tier and priority",
        list(names, "and")
    )
}

/// By whose reading an answer was found, where that is not the letter of the specifications.
pub(super) fn enforcement(rules: &Ruleset) -> Vec<String> {
    if let Some(calico) = rules.enforcer().calico() {
        let staged =
            if rules.counts_staged() { ", staged ones as if they were in force" } else { "" };
        let version = calico.version.map_or(String::new(), |version| format!(" {version}"));
        return vec![format!("Judged as Calico{version} enforces policies{staged}")];
    }
    let Some(cilium) = rules.cilium() else { return Vec::new() };
    let mut notes = vec![format!("Judged as Cilium {} enforces policies", cilium.version)];
    if cilium.audit {
        let audit = "Cilium's policy-audit-mode is on: what is denied here passes all the same and \
                     is reported with the verdict AUDIT";
        notes.push(audit.to_owned());
    }
    notes.extend(match cilium.enforcement {
        Enforcement::Default => None,
        Enforcement::Always => Some(
            "Cilium isolates every pod, whether a policy selects it or not (enable-policy: always)"
                .to_owned(),
        ),
        Enforcement::Never => {
            Some("Cilium enforces no policy, so anything passes (enable-policy: never)".to_owned())
        }
    });
    notes
}

/// On which side something is missing.
pub(super) fn missing(egress: Option<&str>, ingress: Option<&str>) -> Option<String> {
    let side = |direction: Direction, namespace: &str| format!("{direction} in {namespace}");
    match (egress, ingress) {
        (None, None) => None,
        (Some(e), None) => Some(format!("Missing on one side: {}.", side(Direction::Egress, e))),
        (None, Some(i)) => Some(format!("Missing on one side: {}.", side(Direction::Ingress, i))),
        (Some(e), Some(i)) => Some(format!(
            "Missing on both sides: {} and {}.",
            side(Direction::Egress, e),
            side(Direction::Ingress, i)
        )),
    }
}
