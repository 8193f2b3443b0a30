//! docs/semantics/networkpolicy.md#label-selectors: label selectors and namespaces.

use super::{bare, cluster, holds, ingress, peer_miss, policy};
use netpol::verdict::PeerMiss;

fn from_pods(selector: &str) -> String {
    ingress(&format!("[{{from: [{{podSelector: {{{selector}}}}}]}}]"))
}

fn from_namespaces(selector: &str) -> String {
    ingress(&format!("[{{from: [{{namespaceSelector: {{{selector}}}}}]}}]"))
}

fn expression(key: &str, operator: &str) -> String {
    format!("matchExpressions: [{{key: {key}, operator: {operator}}}]")
}

/// docs/semantics/networkpolicy.md#label-selectors: matchLabels AND matchExpressions.
#[test]
fn labels_and_expressions_must_all_hold() {
    let both =
        "matchLabels: {app: api}, matchExpressions: [{key: tier, operator: In, values: [back]}]";
    let isolates = |selector: &str| policy("p", &format!("podSelector: {{{selector}}}"));
    holds(&isolates(both), &["web → api:80 is Denied"]);
    holds(&isolates(&both.replace("[back]", "[front]")), &["web → api:80 is Allowed"]);
    holds(&isolates(&both.replace("app: api", "app: web")), &["web → api:80 is Allowed"]);
}

/// docs/semantics/networkpolicy.md#label-selectors: In needs the key.
#[test]
fn in_needs_the_key() {
    holds(&from_pods(&expression("app", "In, values: [x, web]")), &["web → api:80 is Allowed"]);
    holds(&from_pods(&expression("absent", "In, values: [web]")), &["web → api:80 is Denied"]);
}

/// docs/semantics/networkpolicy.md#label-selectors: `NotIn` matches when the key is absent.
#[test]
fn not_in_matches_an_absent_key() {
    holds(&from_pods(&expression("absent", "NotIn, values: [x]")), &["web → api:80 is Allowed"]);
    holds(&from_pods(&expression("app", "NotIn, values: [x]")), &["web → api:80 is Allowed"]);
    holds(&from_pods(&expression("app", "NotIn, values: [x, web]")), &["web → api:80 is Denied"]);
}

/// docs/semantics/networkpolicy.md#label-selectors: `DoesNotExist` matches when the key is absent;
/// Exists is its opposite.
#[test]
fn existence() {
    holds(&from_pods(&expression("absent", "DoesNotExist")), &["web → api:80 is Allowed"]);
    holds(&from_pods(&expression("app", "DoesNotExist")), &["web → api:80 is Denied"]);
    holds(&from_pods(&expression("app", "Exists")), &["web → api:80 is Allowed"]);
    holds(&from_pods(&expression("absent", "Exists")), &["web → api:80 is Denied"]);
}

/// docs/semantics/networkpolicy.md#label-selectors: unknown operator = invalid object.
#[test]
fn an_unknown_operator_makes_the_policy_invalid() {
    let cluster = cluster(&from_pods(&expression("app", "Gt, values: [\"1\"]")));
    let [rejected] = cluster.rejected().try_into().unwrap();
    assert!(
        rejected.contains("spec.ingress[0].from[0].podSelector.matchExpressions[0].operator"),
        "{rejected}"
    );
    cluster.holds(&["web → api:80 is Allowed"]);
}

/// docs/semantics/networkpolicy.md#pods-as-peers: peer.podSelector without namespaceSelector: policy
/// namespace only.
#[test]
fn a_pod_selector_alone_stays_in_the_policys_namespace() {
    let policy = from_pods("matchLabels: {app: web}");
    holds(&policy, &["web → api:80 is Allowed", "other/client → api:80 is Denied"]);
    let cluster = cluster(&policy);
    let answer = cluster.ask("other/client → api:80");
    let PeerMiss::OtherNamespace { wanted, found } = peer_miss(answer.ingress()) else { panic!() };
    assert_eq!((&**wanted, &**found), ("shop", "other"));
}

/// docs/semantics/networkpolicy.md#pods-as-peers: peer with both selectors: pods in matching
/// namespaces.
#[test]
fn both_selectors_mean_pods_in_matching_namespaces() {
    let peer = |app| {
        ingress(&format!(
            "[{{from: [{{namespaceSelector: {{matchLabels: {{team: blue}}}}, podSelector: {{matchLabels: {{app: {app}}}}}}}]}}]"
        ))
    };
    holds(&peer("web"), &["other/client → api:80 is Allowed", "web → api:80 is Denied"]);
    let cluster = cluster(&peer("cron"));
    let answer = cluster.ask("other/client → api:80");
    let PeerMiss::PodLabels(mismatch) = peer_miss(answer.ingress()) else { panic!() };
    assert_eq!(
        (mismatch.wanted.to_string().as_str(), mismatch.found.as_deref()),
        ("app=cron", Some("web"))
    );
    let answer = cluster.ask("web → api:80");
    assert!(matches!(peer_miss(answer.ingress()), PeerMiss::NamespaceLabels { .. }));
}

/// docs/semantics/networkpolicy.md#pods-as-peers: namespaceSelector alone: all pods of the matching
/// namespaces.
#[test]
fn a_namespace_selector_alone_means_all_their_pods() {
    holds(
        &from_namespaces("matchLabels: {team: blue}"),
        &[
            "other/client → api:80 is Allowed",
            "web → api:80 is Denied",
            "203.0.113.7 → api:80 is Denied",
        ],
    );
    holds(
        &from_namespaces(&expression("team", "NotIn, values: [red]")),
        &["other/client → api:80 is Allowed"],
    );
}

/// docs/semantics/networkpolicy.md#name-of-a-namespace: `kubernetes.io/metadata.name` is always on a
/// live Namespace.
#[test]
fn every_namespace_has_the_label_of_its_name() {
    holds(
        &from_namespaces("matchLabels: {kubernetes.io/metadata.name: other}"),
        &["other/client → api:80 is Allowed", "web → api:80 is Denied"],
    );
}

/// docs/semantics/networkpolicy.md#name-of-a-namespace, … synthesised for namespaces known only by
/// name; docs/semantics/kubernetes.md#verdict-without-certainty: what other labels they have is not
/// known, and a guess would be wrong for every repository without its Namespace objects.
#[test]
fn of_a_namespace_that_is_not_written_only_the_name_is_known() {
    let far = pod_in_far();
    holds(
        &(far.clone() + &from_namespaces("matchLabels: {kubernetes.io/metadata.name: far}")),
        &["far/probe → api:80 is Allowed"],
    );
    holds(
        &(far.clone() + &from_namespaces("matchLabels: {team: blue}")),
        &["far/probe → api:80 is Unknown"],
    );
    holds(
        &(far + &from_namespaces(&expression("team", "DoesNotExist"))),
        &["far/probe → api:80 is Unknown"],
    );
}

fn pod_in_far() -> String {
    super::pod("far", "probe", "probe", "10.0.3.30", "nodeName: n2")
}

/// docs/semantics/networkpolicy.md#rules-and-policies: rules and policies are a union; order is
/// irrelevant.
#[test]
fn policies_and_rules_are_a_union_in_any_order() {
    let deny = policy("deny", "podSelector: {}");
    let allow =
        ingress("[{from: [{podSelector: {matchLabels: {app: x}}}]}, {ports: [{port: 8080}]}]");
    let swapped =
        ingress("[{ports: [{port: 8080}]}, {from: [{podSelector: {matchLabels: {app: x}}}]}]");
    for manifests in
        [format!("{deny}{allow}"), format!("{allow}{deny}"), format!("{swapped}{deny}")]
    {
        holds(&manifests, &["web → api:8080 is Allowed", "web → api:80 is Denied"]);
    }
}

/// docs/semantics/networkpolicy.md#rules-and-policies: rule = peer AND port; items within a list are
/// OR.
#[test]
fn a_rule_needs_peer_and_port_and_its_items_are_alternatives() {
    holds(
        &ingress(
            "[{from: [{podSelector: {matchLabels: {app: x}}}, {podSelector: {matchLabels: {app: web}}}], \
             ports: [{port: 80}, {port: 8080}]}]",
        ),
        &[
            "web → api:80 is Allowed",
            "web → api:8080 is Allowed",
            "web → api:81 is Denied",
            "other/client → api:80 is Denied",
        ],
    );
}

/// docs/semantics/networkpolicy.md#rules-and-policies: peer of one rule and port of another do not
/// add up.
#[test]
fn halves_of_two_rules_do_not_make_one() {
    holds(
        &ingress(
            "[{from: [{podSelector: {}}], ports: [{port: 80}]}, {from: [{namespaceSelector: {matchLabels: {team: blue}}}], ports: [{port: 8080}]}]",
        ),
        &["web → api:8080 is Denied", "other/client → api:80 is Denied", "web → api:80 is Allowed"],
    );
}

/// docs/semantics/networkpolicy.md#fields: a policy speaks for pods of its own namespace only.
#[test]
fn a_policy_does_not_isolate_other_namespaces() {
    holds(&policy("p", "podSelector: {}"), &["web → other/client:80 is Allowed"]);
}

/// A manifest without any Namespace object works the same.
#[test]
fn no_namespace_object_is_needed() {
    let text =
        super::pod("a", "one", "x", "10.0.0.1", "") + &super::pod("b", "two", "x", "10.0.0.2", "");
    let deny = "---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: b}, \
                spec: {ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: c}}}]}]}}\n";
    bare(&(text + deny)).holds(&["a/one → b/two:80 is Denied", "b/two → a/one:80 is Allowed"]);
}
