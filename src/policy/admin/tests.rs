//! What lowering makes of a policy, field by field. Verdicts are in tests/semantics/admin.

use super::written::BASELINE_PRIORITY;
use super::*;
use crate::cluster::{ObjectRef, Origin, Snapshot};
use crate::policy::WrittenObject;
use crate::policy::rule::{Action, PeerKind, Peers, Ports, Tier};

fn lowered(kind: Kind, origin: Origin, spec: &str) -> Lowered {
    let spec: Spec = serde_json::from_str(spec).unwrap_or_else(|e| panic!("{spec}: {e}"));
    let object = ObjectRef::cluster(kind.name(), "default");
    let policy = WrittenObject { object, origin, spec: spec.into() };
    policy.lower(&Snapshot::default(), &Enforcer::default())
}

const HEAD: &str = r#""tier":"Baseline","priority":7,"subject":{"namespaces":{}}"#;

fn cluster_policy(rules: &str) -> Lowered {
    let spec = format!("{{{HEAD},{rules}}}");
    lowered(Kind::ClusterNetworkPolicy, Origin::Synthetic, &spec)
}

/// docs/semantics/admin.md#no-isolation: one part for each direction with rules, in the tier that is
/// asked for, and no part isolates.
#[test]
fn one_part_for_each_direction_with_rules() {
    let (from, to) = (
        r#"{"action":"Deny","from":[{"namespaces":{}}]}"#,
        r#"{"action":"Pass","to":[{"namespaces":{}}]}"#,
    );
    for (rules, expected) in [
        (format!(r#""ingress":[{from}]"#), vec![Direction::Ingress]),
        (format!(r#""ingress":[],"egress":[{to}]"#), vec![Direction::Egress]),
        (
            format!(r#""egress":[{to}],"ingress":[{from}]"#),
            vec![Direction::Ingress, Direction::Egress],
        ),
        (r#""ingress":null,"egress":[]"#.to_owned(), vec![]),
    ] {
        let Lowered { policies, faults, .. } = cluster_policy(&rules);
        assert_eq!(faults, [], "{rules}");
        let directions: Vec<_> = policies.iter().map(|part| part.direction).collect();
        assert_eq!(directions, expected, "{rules}");
        assert!(policies.iter().all(|part| part.tier == Tier::Baseline(7) && !part.isolates));
    }
}

/// docs/semantics/admin.md#admin-v1alpha1: the tiers of v1alpha1.
#[test]
fn tiers_of_the_kinds() {
    let rules =
        r#""subject":{"namespaces":{}},"ingress":[{"action":"Deny","from":[{"namespaces":{}}]}]"#;
    let tier = |kind, more: &str| {
        let lowered = lowered(kind, Origin::Synthetic, &format!("{{{more}{rules}}}"));
        assert_eq!(lowered.faults, []);
        lowered.policies[0].tier.clone()
    };
    assert_eq!(tier(Kind::AdminNetworkPolicy, r#""priority":0,"#), Tier::Admin(0));
    let baseline = tier(Kind::BaselineAdminNetworkPolicy, "");
    assert_eq!(baseline, Tier::Baseline(BASELINE_PRIORITY));
}

/// Every item keeps the place where it is written; a network is a peer of its own.
#[test]
fn places() {
    let rules = r#""egress":[{"action":"Accept","to":[{"namespaces":{}},
        {"networks":["10.0.0.0/8","::/0"]},{"nodes":{}},{"domainNames":["a.b","c.d"]}],
        "protocols":[{"tcp":{"destinationPort":{"number":1}}},{"destinationNamedPort":"x"}]}]"#;
    let lowered = cluster_policy(rules);
    let [entry] = lowered.policies[0].entries.as_slice() else { panic!("{lowered:?}") };
    let (Peers::Of(peers), Ports::Of(ports)) = (&entry.peers, &entry.ports) else { panic!() };
    let paths: Vec<_> = peers.iter().map(|peer| &*peer.path).collect();
    let at = |part: &str| format!("spec.egress[0].{part}");
    let expected =
        ["to[0]", "to[1].networks[0]", "to[1].networks[1]", "to[2].nodes", "to[3].domainNames"];
    assert_eq!(paths, expected.map(at));
    let ports: Vec<_> = ports.iter().map(|port| format!("{} {port}", port.path)).collect();
    let expected = ["[0] 1/TCP", "[1] x/TCP", "[1] x/UDP", "[1] x/SCTP"];
    assert_eq!(ports, expected.map(|item| at(&format!("protocols{item}"))));
    assert_eq!((&*entry.path, entry.action), ("spec.egress[0]", Action::Allow));
}

/// Requirements of subject and peers keep the places where they are written.
#[test]
fn places_of_requirements() {
    let spec = r#"{"tier":"Admin","priority":1,
        "subject":{"pods":{"namespaceSelector":{"matchLabels":{"a":"1"}},
            "podSelector":{"matchExpressions":[{"key":"b","operator":"Exists"}]}}},
        "egress":[{"action":"Deny","to":[
            {"namespaces":{"matchLabels":{"c":"1"}}},
            {"pods":{"namespaceSelector":{"matchLabels":{"d":"1"}},
                "podSelector":{"matchLabels":{"e":"1"}}}},
            {"nodes":{"matchExpressions":[{"key":"f","operator":"Exists"}]}}]}]}"#;
    let lowered = lowered(Kind::ClusterNetworkPolicy, Origin::Synthetic, spec);
    let [policy] = lowered.policies.as_slice() else { panic!("{lowered:?}") };
    let Peers::Of(peers) = &policy.entries[0].peers else { panic!("{lowered:?}") };
    let sets = peers.iter().filter_map(|peer| match &peer.admits {
        PeerKind::Pods(set) => Some(set),
        _ => None,
    });
    let nodes = peers.iter().filter_map(|peer| match &peer.admits {
        PeerKind::Nodes(nodes) => Some(&nodes.labels),
        _ => None,
    });
    let selectors = std::iter::once(&policy.subject).chain(sets).flat_map(|set| {
        let super::super::rule::Namespaces::Matching(namespaces) = &set.namespaces else {
            panic!()
        };
        [namespaces, &set.pods]
    });
    let requirements = selectors.chain(nodes).flat_map(|selector| &selector.requirements);
    let paths: Vec<_> = requirements.filter_map(crate::cluster::Requirement::path).collect();
    let expected = [
        "subject.pods.namespaceSelector.matchLabels[a]",
        "subject.pods.podSelector.matchExpressions[0]",
        "egress[0].to[0].namespaces.matchLabels[c]",
        "egress[0].to[1].pods.namespaceSelector.matchLabels[d]",
        "egress[0].to[1].pods.podSelector.matchLabels[e]",
        "egress[0].to[2].nodes.matchExpressions[0]",
    ];
    assert_eq!(paths, expected.map(|path| format!("spec.{path}")));
}

/// docs/semantics/admin.md#protocols: absent is any port; docs/semantics/admin.md#subjects-and-peers:
/// without a namespaceSelector all namespaces.
#[test]
fn absent_is_any() {
    let lowered =
        cluster_policy(r#""ingress":[{"action":"Accept","from":[{"pods":{"podSelector":{}}}]}]"#);
    let entry = &lowered.policies[0].entries[0];
    assert_eq!(entry.ports, Ports::Any);
    let Peers::Of(peers) = &entry.peers else { panic!() };
    let PeerKind::Pods(set) = &peers[0].admits else { panic!() };
    let all = crate::cluster::Selector::default();
    let namespaces = super::super::rule::Namespaces::Matching(all);
    assert_eq!((&set.namespaces, set.pods.is_everything()), (&namespaces, true));
}

/// docs/semantics/admin.md#fail-closed: a cluster that stores a peer without any field knows a field
/// for it.
#[test]
fn an_empty_peer_in_a_cluster_is_not_known() {
    let live = || Origin::Live { applied: None, owner: None };
    for (rules, path) in [
        (r#""ingress":[{"action":"Pass","from":[{}]}]"#, "spec.ingress[0].from[0]"),
        (
            r#""ingress":[{"action":"Pass","from":[{"namespaces":{}}],"protocols":[{}]}]"#,
            "spec.ingress[0].protocols[0]",
        ),
    ] {
        let spec = format!("{{{HEAD},{rules}}}");
        let stored = lowered(Kind::ClusterNetworkPolicy, live(), &spec);
        assert_eq!(stored.faults, []);
        let entry = &stored.policies[0].entries[0];
        assert_eq!(
            (entry.action, &entry.peers, &entry.ports),
            (Action::Deny, &Peers::Any, &Ports::Any)
        );
        assert_eq!((stored.lints.len(), stored.lints[0].path.as_str()), (1, path));
        let written = lowered(Kind::ClusterNetworkPolicy, Origin::Synthetic, &spec);
        assert_eq!((written.policies.len(), written.faults[0].path.as_str()), (0, path));
    }
}
