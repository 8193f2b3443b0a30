//! Defaulting, validation and lowering of NetworkPolicy. Each test cites the rule it holds.

use super::*;
use crate::cluster::Snapshot;
use crate::policy::rule::{PeerKind, Peers, PortMatch};

fn policy(spec: &str) -> WrittenObject {
    let spec: Spec = serde_json::from_str(spec).unwrap_or_else(|e| panic!("{spec}: {e}"));
    spec.named("ns", "p", Origin::Synthetic)
}

fn lower(policy: &WrittenObject) -> Lowered {
    policy.lower(&Snapshot::default(), &Enforcer::default())
}

fn lowered(spec: &str) -> Vec<Policy> {
    let lowered = lower(&policy(spec));
    assert_eq!(lowered.faults, [], "{spec}");
    lowered.policies
}

fn faults(spec: &str) -> Vec<String> {
    lower(&policy(spec)).faults.into_iter().map(|fault| fault.path).collect()
}

/// pkg/apis/networking/v1/defaults.go; docs/semantics/networkpolicy.md#defaulting.
#[test]
fn policy_types_default_by_egress_rules() {
    use Direction::{Egress, Ingress};
    for (spec, expected) in [
        ("{}", vec![Ingress]),
        (r#"{"policyTypes":[]}"#, vec![Ingress]),
        (r#"{"policyTypes":null,"egress":null}"#, vec![Ingress]),
        (r#"{"egress":[]}"#, vec![Ingress]),
        (r#"{"egress":[{}]}"#, vec![Ingress, Egress]),
        (r#"{"policyTypes":["Egress"]}"#, vec![Egress]),
        (r#"{"policyTypes":["Egress"],"ingress":[{}]}"#, vec![Egress]),
        (r#"{"policyTypes":["Ingress"],"egress":[{}]}"#, vec![Ingress]),
        (r#"{"policyTypes":["Egress","Ingress"]}"#, vec![Ingress, Egress]),
    ] {
        let directions: Vec<_> = lowered(spec).iter().map(|part| part.direction).collect();
        assert_eq!(directions, expected, "{spec}");
    }
}

/// docs/semantics/networkpolicy.md#absent-and-empty: the rows about rules, peers and ports.
#[test]
fn absent_and_empty() {
    let entries = |spec: &str| lowered(spec).remove(0).entries;
    for none in ["{}", r#"{"ingress":null}"#, r#"{"ingress":[]}"#] {
        assert!(entries(none).is_empty(), "{none}: isolated, nothing allowed");
    }
    for all in [
        r#"{"ingress":[{}]}"#,
        r#"{"ingress":[{"from":[],"ports":[]}]}"#,
        r#"{"ingress":[{"from":null,"ports":null}]}"#,
    ] {
        let entry = entries(all).remove(0);
        assert_eq!((entry.peers, entry.ports), (Peers::Any, Ports::Any), "{all}");
    }
    let ports = |spec: &str| match entries(spec).remove(0).ports {
        Ports::Of(rules) => rules,
        Ports::Any => panic!("{spec}"),
    };
    let rule = &ports(r#"{"ingress":[{"ports":[{}]}]}"#)[0];
    assert_eq!((rule.protocol, &rule.ports), (Protocol::Tcp, &PortMatch::All), "all TCP ports");
    let rule = &ports(r#"{"ingress":[{"ports":[{"protocol":"UDP"}]}]}"#)[0];
    assert_eq!((rule.protocol, &rule.ports), (Protocol::Udp, &PortMatch::All), "all UDP ports");
    let rule = &ports(r#"{"ingress":[{"ports":[{"protocol":"SCTP","port":5,"endPort":9}]}]}"#)[0];
    assert_eq!(rule.to_string(), "5-9/SCTP");
}

/// docs/semantics/networkpolicy.md#pods-as-peers: podSelector alone means the policy's namespace; {}
/// all of it; namespaceSelector {} all namespaces; both in one item are a conjunction.
#[test]
fn peers_by_selectors() {
    let spec = r#"{"ingress":[{"from":[
        {"podSelector":{}},
        {"namespaceSelector":{}},
        {"namespaceSelector":{"matchLabels":{"a":"b"}},"podSelector":{"matchLabels":{"c":"d"}}}]}]}"#;
    let Peers::Of(peers) = lowered(spec).remove(0).entries.remove(0).peers else { panic!() };
    let sets: Vec<_> = peers
        .iter()
        .map(|peer| match &peer.admits {
            PeerKind::Pods(set) => (&set.namespaces, set.pods.to_string()),
            _ => panic!(),
        })
        .collect();
    let everything = Namespaces::Matching(crate::cluster::Selector::default());
    assert_eq!(sets[0], (&Namespaces::Own("ns".into()), "<all>".into()));
    assert_eq!(sets[1], (&everything, "<all>".into()));
    let some = Namespaces::Matching(crate::cluster::Selector::labels([("a", "b")]));
    assert_eq!(sets[2], (&some, "c=d".into()));
    assert_eq!(&*peers[2].path, "spec.ingress[0].from[2]");
}

/// `ValidateNetworkPolicy`: each line is one refusal.
#[test]
fn refusals() {
    let port = |port: &str| format!(r#"{{"ingress":[{{"ports":[{port}]}}]}}"#);
    let peer = |peer: &str| format!(r#"{{"egress":[{{"to":[{peer}]}}]}}"#);
    for (spec, path) in [
        (r#"{"policyTypes":["ingress"]}"#.to_owned(), "spec.policyTypes[0]"),
        (r#"{"policyTypes":["Ingress","Egress","Ingress"]}"#.to_owned(), "spec.policyTypes"),
        (peer("{}"), "spec.egress[0].to[0]"),
        (peer(r#"{"ipBlock":{"cidr":"10.0.0.0/8"},"podSelector":{}}"#), "spec.egress[0].to[0]"),
        (peer(r#"{"ipBlock":{"cidr":"10.0.0.0"}}"#), "spec.egress[0].to[0].ipBlock.cidr"),
        (peer(r#"{"ipBlock":{}}"#), "spec.egress[0].to[0].ipBlock.cidr"),
        (peer(r#"{"ipBlock":{"cidr":"10.0.0.0/33"}}"#), "spec.egress[0].to[0].ipBlock.cidr"),
        (
            peer(r#"{"ipBlock":{"cidr":"10.0.0.0/8","except":["10.0.0.0/8"]}}"#),
            "spec.egress[0].to[0].ipBlock.except[0]",
        ),
        (
            peer(r#"{"ipBlock":{"cidr":"10.0.0.0/8","except":["10.1.0.0/16","11.0.0.0/16"]}}"#),
            "spec.egress[0].to[0].ipBlock.except[1]",
        ),
        (
            peer(r#"{"ipBlock":{"cidr":"0.0.0.0/0","except":["2001:db8::/32"]}}"#),
            "spec.egress[0].to[0].ipBlock.except[0]",
        ),
        (port(r#"{"protocol":"tcp"}"#), "spec.ingress[0].ports[0].protocol"),
        (port(r#"{"port":0}"#), "spec.ingress[0].ports[0].port"),
        (port(r#"{"port":65536}"#), "spec.ingress[0].ports[0].port"),
        (port(r#"{"port":"80"}"#), "spec.ingress[0].ports[0].port"),
        (port(r#"{"port":"a--b"}"#), "spec.ingress[0].ports[0].port"),
        (port(r#"{"port":"sixteen-letters-"}"#), "spec.ingress[0].ports[0].port"),
        (port(r#"{"endPort":90}"#), "spec.ingress[0].ports[0].endPort"),
        (port(r#"{"port":"http","endPort":90}"#), "spec.ingress[0].ports[0].endPort"),
        (port(r#"{"port":80,"endPort":79}"#), "spec.ingress[0].ports[0].endPort"),
        (port(r#"{"port":80,"endPort":70000}"#), "spec.ingress[0].ports[0].endPort"),
        (
            r#"{"podSelector":{"matchExpressions":[{"key":"a","operator":"In"}]}}"#.to_owned(),
            "spec.podSelector.matchExpressions[0].values",
        ),
    ] {
        assert_eq!(faults(&spec), [path], "{spec}");
    }
    let mut unnamed = policy("{}");
    unnamed.object.name = "Not_A_Name".into();
    assert_eq!(lower(&unnamed).faults[0].path, "metadata.name");
}

/// Fields that do not exist are refused by kubectl's and Flux's strict field validation, and are
/// mostly typing errors that open or close too much.
#[test]
fn unknown_fields_are_refused() {
    for spec in [
        r#"{"ingres":[]}"#,
        r#"{"egress":[{"from":[]}]}"#,
        r#"{"ingress":[{"from":[{"podselector":{}}]}]}"#,
        r#"{"ingress":[{"ports":[{"targetPort":80}]}]}"#,
    ] {
        assert!(serde_json::from_str::<Spec>(spec).is_err(), "{spec}");
    }
}

/// docs/semantics/networkpolicy.md#validation: old objects may have sloppy CIDRs.
#[test]
fn sloppy_blocks_are_masked_and_noted() {
    let spec =
        r#"{"egress":[{"to":[{"ipBlock":{"cidr":"010.1.2.3/8","except":["10.9.9.9/16"]}}]}]}"#;
    let Peers::Of(peers) = lowered(spec).remove(1).entries.remove(0).peers else { panic!() };
    let PeerKind::Addresses(block, _) = &peers[0].admits else { panic!() };
    assert_eq!(block.to_string(), "10.0.0.0/8 except 10.9.0.0/16");
    assert_eq!(lower(&policy(spec)).lints.len(), 2);
    let fine = r#"{"egress":[{"to":[{"ipBlock":{"cidr":"2001:db8::/32"}}]}]}"#;
    assert_eq!(lower(&policy(fine)).lints, []);
}

/// docs/semantics/networkpolicy.md#defaulting: explicit policyTypes make other rules inert.
#[test]
fn inert_rules_are_noted() {
    let lints = lower(&policy(r#"{"policyTypes":["Ingress"],"egress":[{}]}"#)).lints;
    assert_eq!(lints.len(), 1);
    assert_eq!(lints[0].path, "spec.egress");
    assert!(lower(&policy(r#"{"policyTypes":["Ingress"],"egress":[]}"#)).lints.is_empty());
}
