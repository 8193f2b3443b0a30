//! docs/semantics/cilium-objects.md#who-refuses: what is rejected must be wrong for certain. A
//! variable that nobody filled in may stand for anything, so it is a gap and makes Unknown.

use super::{API, ccnp, cluster, cnp, conditions, egress, group, holds, ingress, lint};

const TOLD: &str = "the variable ${X} is not filled in";

/// docs/semantics/cilium-rules.md#names: the addresses behind the name are not known; what is inside
/// has no name.
#[test]
fn names() {
    for item in ["matchName: \"idm.${X}\"", "matchPattern: \"*.${X}\""] {
        let policy = egress(&format!("[{{toFQDNs: [{{{item}}}]}}]"));
        holds(
            &policy,
            &[
                "web → https://idm.example.com is Unknown",
                "web → 203.0.113.7:443 is Unknown",
                "web → api:80 is Denied",
            ],
        );
        lint(&cluster(&policy), TOLD);
        let text = cluster(&policy).ask("web → https://idm.example.com").text();
        assert!(text.contains(TOLD), "{text}");
    }
    // Another name of the list counts all the same.
    let dns = |name: &str| {
        format!(
            "{{toPorts: [{{ports: [{{port: \"53\"}}], rules: {{dns: [{{matchPattern: \"{name}\"}}]}}}}]}}"
        )
    };
    let two = "{toFQDNs: [{matchName: \"idm.${X}\"}, {matchName: login.example.com}]}";
    let line = "web → https://login.example.com is";
    for (name, verdict) in [("*", "Allowed"), ("idm.${X}", "Allowed")] {
        holds(&egress(&format!("[{two}, {}]", dns(name))), &[&format!("{line} {verdict}")]);
    }
    // A rule for DNS that names others refuses it, whatever the variable is.
    let refused = egress(&format!("[{two}, {}]", dns("*.example.org")));
    holds(&refused, &[&format!("{line} Denied")]);
}

/// docs/semantics/cilium-ports.md#layer-7: a DNS rule is a condition, whatever names it has.
#[test]
fn dns_rules() {
    let rule =
        "[{toPorts: [{ports: [{port: \"53\"}], rules: {dns: [{matchName: \"idm.${X}\"}]}}]}]";
    let cluster = cluster(&egress(rule));
    assert_eq!(cluster.rejected(), [""; 0]);
    assert_eq!(conditions(&cluster, "web → api:53/UDP"), ["DNS names idm.${X}"]);
    lint(&cluster, TOLD);
}

/// docs/semantics/cilium-rules.md#services: the Service was not read.
#[test]
fn services() {
    for service in
        ["{serviceName: \"${X}\", namespace: shop}", "{serviceName: api, namespace: \"${X}\"}"]
    {
        let policy = egress(&format!("[{{toServices: [{{k8sService: {service}}}]}}]"));
        holds(&policy, &["web → api:80 is Unknown", "web → 203.0.113.7:443 is Unknown"]);
    }
    let by_labels =
        "[{toServices: [{k8sServiceSelector: {selector: {matchLabels: {app: \"${X}\"}}}}]}]";
    holds(&egress(by_labels), &["web → api:80 is Unknown", "web → node/n1:22 is Denied"]);
}

/// docs/semantics/cilium-rules.md#networks: what has an address outside, and nothing inside.
#[test]
fn networks() {
    for list in [
        "toCIDR: [\"${X}\"]",
        "toCIDR: [\"${X}/24\"]",
        "toCIDRSet: [{cidr: \"${X}\"}]",
        "toCIDRSet: [{cidr: 203.0.113.0/24, except: [\"${X}\"]}]",
        "toCIDRSet: [{cidrGroupRef: \"${X}\"}]",
        "toCIDRSet: [{cidrGroupSelector: {matchLabels: {kind: \"${X}\"}}}]",
    ] {
        let policy = egress(&format!("[{{{list}}}]"));
        let lines = ["web → 203.0.113.7:443 is Unknown", "web → api:80 is Denied"];
        holds(&policy, &lines);
        lint(&cluster(&policy), "${X}");
    }
    let partners = group("partners", "[203.0.113.0/24, \"${X}\"]");
    let policy = egress("[{toCIDRSet: [{cidrGroupRef: partners}]}]");
    let lines = ["web → 203.0.113.7:443 is Allowed", "web → 198.51.100.7:443 is Unknown"];
    holds(&format!("{partners}{policy}"), &lines);
}

/// docs/semantics/cilium-labels.md#identity-labels: whom a label selects is not known; other
/// requirements still decide.
#[test]
fn labels() {
    let from = |selector: &str| ingress(&format!("[{{fromEndpoints: [{{{selector}}}]}}]"));
    holds(
        &from("matchLabels: {app: \"${X}\"}"),
        &[
            "web → api:80 is Unknown",
            "other/client → api:80 is Denied",
            "203.0.113.7 → api:80 is Denied",
            "node/n2 → api:80 is Denied",
        ],
    );
    holds(&from("matchLabels: {app: \"${X}\", tier: back}"), &["web → api:80 is Denied"]);
    // Which namespace is not known, so none is added on its behalf.
    holds(
        &from("matchLabels: {io.kubernetes.pod.namespace: \"${X}\"}"),
        &["web → api:80 is Unknown", "other/client → api:80 is Unknown"],
    );
    holds(
        &from("matchExpressions: [{key: app, operator: NotIn, values: [\"${X}\"]}]"),
        &["web → api:80 is Unknown", "other/client → api:80 is Denied"],
    );
    // A key may be anything, a reserved label too.
    holds(
        &from("matchLabels: {\"${X}\": \"\"}"),
        &["web → api:80 is Unknown", "203.0.113.7 → api:80 is Unknown"],
    );
}

/// docs/semantics/cilium-verdicts.md#one-direction: whether the policy selects the pod, and so
/// isolates it, is not known.
#[test]
fn subjects() {
    let policy = cnp("p", "endpointSelector: {matchLabels: {app: \"${X}\"}}, ingress: [{}]");
    holds(&policy, &["web → api:80 is Unknown", "web → other/client:80 is Allowed"]);
}

/// docs/semantics/cilium-rules.md#entities and docs/semantics/cilium-ports.md#ports: whoever, and on
/// whichever port.
#[test]
fn entities_and_ports() {
    let entities = egress("[{toEntities: [\"${X}\", world]}]");
    holds(
        &entities,
        &[
            "web → api:80 is Unknown",
            "web → node/n1:22 is Unknown",
            "web → 203.0.113.7:443 is Allowed",
        ],
    );
    let ports = "toPorts: [{ports: [{port: \"${X}\", protocol: TCP}, {port: \"443\"}]}]";
    holds(
        &ingress(&format!("[{{fromEndpoints: [{{}}], {ports}}}]")),
        &[
            "web → api:80 is Unknown",
            "web → api:80/UDP is Denied",
            "web → api:443 is Allowed",
            "other/client → api:80 is Denied",
        ],
    );
    holds(
        &ingress(&format!("[{{{ports}}}]")),
        &["203.0.113.7 → api:80 is Unknown", "203.0.113.7 → api:443 is Allowed"],
    );
}

/// Where nothing better is known of it, the policy is one that could not be read: it may isolate,
/// admit and deny.
#[test]
fn a_policy_of_which_nothing_is_known() {
    let element = "[{fromEndpoints: [{}], authentication: {mode: \"${X}\"}}]";
    let policy = ingress(element);
    holds(&policy, &["web → api:80 is Unknown", "web → other/client:80 is Unknown"]);
    lint(&cluster(&policy), "its variable is not filled in");
    let clusterwide = ccnp("p", &format!("{API}, ingress: {element}"));
    holds(&clusterwide, &["other/client → other/client:80 is Allowed", "web → api:80 is Unknown"]);
    // A fault without any variable is one all the same.
    let both = "[{fromEndpoints: [{}], fromEntities: [\"${X}\"]}]";
    assert!(cluster(&ingress(both)).rejected()[0].contains("combines"));
}
