//! docs/semantics/cilium-verdicts.md#clusternetworkpolicy: what Cilium makes of the policies of
//! administrators.

use super::{EVERY_POD, admin, baseline, cluster_policy, from, linted, namespace, to, under};
use crate::semantics::{holds, policy};
use netpol::policy::{Cilium, CiliumVersion, Enforcer};

fn cilium(change: impl Fn(&mut Cilium)) -> Enforcer {
    let mut cilium = Cilium::new(CiliumVersion::V1_20);
    change(&mut cilium);
    Enforcer::Cilium(cilium)
}

/// docs/semantics/cilium-verdicts.md#clusternetworkpolicy: only with
/// enable-k8s-cluster-network-policy, from 1.20.
#[test]
fn cluster_network_policies_must_be_switched_on() {
    let deny = admin(1, &from("Deny", EVERY_POD));
    under(&deny, &cilium(|_| {})).holds(&["web → api:80 is Denied"]);
    let off = cilium(|cilium| cilium.cluster_network_policies = false);
    let older = Enforcer::Cilium(Cilium::new(CiliumVersion::V1_19));
    for enforcer in [off, older] {
        let cluster = under(&deny, &enforcer);
        cluster.holds(&["web → api:80 is Allowed"]);
        linted(&cluster, "kind", "NOT ENFORCED");
        assert!(cluster.lints()[0].contains("enable-k8s-cluster-network-policy"));
    }
}

/// docs/semantics/cilium-verdicts.md#clusternetworkpolicy: Cilium has never enforced v1alpha1.
#[test]
fn v1alpha1_is_not_enforced() {
    for (kind, name, head) in [
        ("AdminNetworkPolicy", "a", "priority: 1, "),
        ("BaselineAdminNetworkPolicy", "default", ""),
    ] {
        let text = format!(
            "---\napiVersion: policy.networking.k8s.io/v1alpha1\nkind: {kind}\n\
             metadata: {{name: {name}}}\n\
             spec: {{{head}subject: {{namespaces: {{}}}}, {}}}\n",
            from("Deny", EVERY_POD)
        );
        holds(&text, &["web → api:80 is Denied"]);
        let cluster = under(&text, &cilium(|_| {}));
        cluster.holds(&["web → api:80 is Allowed"]);
        linted(&cluster, "kind", "NOT ENFORCED");
    }
}

/// docs/semantics/cilium-verdicts.md#tiers: tiers come before "deny wins".
#[test]
fn tiers_under_cilium() {
    let policies = admin(1, &from("Accept", &namespace("shop")))
        + &policy("shut", "podSelector: {}, ingress: []");
    under(&policies, &cilium(|_| {}))
        .holds(&["web → api:80 is Allowed", "other/client → api:80 is Denied"]);
}

/// docs/semantics/cilium-verdicts.md#clusternetworkpolicy: networks are Cilium's CIDRs: outside,
/// unless policy-cidr-match-mode says more.
#[test]
fn networks_under_cilium() {
    let deny = admin(1, &to("Deny", "{networks: [0.0.0.0/0]}"));
    under(&deny, &cilium(|_| {})).holds(&[
        "web → 203.0.113.7:80 is Denied",
        "web → api:80 is Allowed",
        "web → node/n1:80 is Allowed",
    ]);
    let both = cilium(|cilium| {
        cilium.cidr_matches_pods = true;
        cilium.cidr_matches_nodes = true;
    });
    under(&deny, &both).holds(&["web → api:80 is Denied", "web → node/n1:80 is Denied"]);
}

/// docs/semantics/cilium-verdicts.md#clusternetworkpolicy: nodes needs enable-node-selector-labels;
/// without it the policy is refused.
#[test]
fn nodes_under_cilium() {
    let deny = admin(1, &to("Deny", "{nodes: {}}, {namespaces: {}}"));
    let cluster = under(&deny, &cilium(|_| {}));
    cluster.holds(&["web → node/n1:80 is Allowed", "web → api:80 is Allowed"]);
    linted(&cluster, "spec.egress[0].to[0].nodes", "enable-node-selector-labels");
    under(&deny, &cilium(|cilium| cilium.node_selector_labels = true)).holds(&[
        "web → node/n1:80 is Denied",
        "web → node/n2:80 is Denied",
        "web → api:80 is Denied",
    ]);
}

/// docs/semantics/cilium-verdicts.md#domainnames-of-clusternetworkpolicy: domainNames only with
/// Accept, and only with the proxy for DNS.
#[test]
fn names_under_cilium() {
    let shut = admin(9, &to("Deny", "{networks: [0.0.0.0/0, \"::/0\"]}, {namespaces: {}}"));
    let name = "{domainNames: [\"*.example.com\"]}";
    let accept = admin(1, &to("Accept", name)) + &shut;
    let cluster = under(&accept, &cilium(|_| {}));
    cluster.holds(&[
        "web → https://a.b.example.com is Allowed",
        "web → https://example.com is Denied",
        "web → api:80 is Denied",
    ]);
    let off = under(&accept, &cilium(|cilium| cilium.l7_proxy = false));
    linted(&off, "spec.egress[0].to[0].domainNames", "enable-l7-proxy");
    off.holds(&["web → https://a.b.example.com is Denied"]);
    let deny = under(&admin(1, &to("Deny", name)), &cilium(|_| {}));
    linted(&deny, "spec.egress[0].to[0].domainNames", "for Accept only");
    deny.holds(&["web → https://a.b.example.com is Allowed"]);
}

/// With names Cilium lets their lookups through to the DNS of the cluster.
#[test]
fn lookups_under_cilium() {
    let dns = "---\napiVersion: v1\nkind: Pod\n\
               metadata: {name: dns, namespace: kube-system, labels: {k8s-app: kube-dns}}\n\
               spec: {containers: [{ports: [{name: dns, containerPort: 53, protocol: UDP}]}]}\n\
               status: {podIP: 10.0.3.1}\n";
    let policies = dns.to_owned()
        + &admin(1, &to("Accept", "{domainNames: [k8s.io]}"))
        + &admin(2, &to("Deny", EVERY_POD));
    let cluster = under(&policies, &cilium(|_| {}));
    cluster.holds(&[
        "web → kube-system/dns:53/UDP is Allowed",
        "web → kube-system/dns:80 is Denied",
        "web → api:5353/UDP is Denied",
    ]);
    let answer = cluster.ask("web → kube-system/dns:53/UDP");
    let conditions: Vec<&str> = answer.egress().conditions.iter().map(|c| &*c.words).collect();
    assert_eq!(conditions, ["DNS lookups of k8s.io"]);
    // The specification grants no such thing.
    holds(&policies, &["web → kube-system/dns:53/UDP is Denied"]);
}

/// docs/semantics/cilium-verdicts.md#baseline-behind-isolation: isolation comes last.
#[test]
fn baseline_before_isolation_under_cilium() {
    let shut = policy("shut", "podSelector: {}, ingress: []");
    let accept = shut.clone() + &baseline(1, &from("Accept", &namespace("shop")));
    holds(&accept, &["web → api:80 is Denied"]);
    let lines = ["web → api:80 is Allowed", "other/client → api:80 is Denied"];
    under(&accept, &cilium(|_| {})).holds(&lines);
    // What lets the own node in stands behind the tier too.
    let node = "node/n1 → api:80";
    under(&shut, &cilium(|_| {})).holds(&[&format!("{node} is Allowed")]);
    let everyone = "{namespaces: {matchExpressions: [{key: team, operator: DoesNotExist}]}}";
    let deny = shut + &baseline(1, &from("Deny", everyone));
    under(&deny, &cilium(|_| {})).holds(&[&format!("{node} is Denied")]);
}

/// docs/semantics/cilium-verdicts.md#ties-of-clusternetworkpolicy: no tie is left open.
#[test]
fn ties_under_cilium() {
    let one = |name: &str, rules: &str| {
        let head = "tier: Admin, priority: 5, subject: {namespaces: {}}";
        cluster_policy(name, &format!("{head}, ingress: [{rules}]"))
    };
    let rule = |action: &str, from: &str| format!("{{action: {action}, from: [{from}]}}");
    let (shop, other) = (namespace("shop"), namespace("other"));
    let first = |action: &str| one("a", &rule(action, &shop));
    let second =
        |action: &str| one("b", &format!("{}, {}", rule("Deny", &other), rule(action, &shop)));
    for (one, two, verdict, letter) in [
        // Of one place Deny comes before Accept, and that before Pass.
        (first("Accept"), one("b", &rule("Deny", &shop)), "Denied", "Ambiguous"),
        (first("Pass"), one("b", &rule("Accept", &shop)), "Allowed", "Allowed"),
        // Else the earlier place does.
        (first("Accept"), second("Deny"), "Allowed", "Ambiguous"),
        (first("Deny"), second("Accept"), "Denied", "Ambiguous"),
    ] {
        for manifests in [one.clone() + &two, two.clone() + &one] {
            holds(&manifests, &[&format!("web → api:80 is {letter}")]);
            under(&manifests, &cilium(|_| {})).holds(&[&format!("web → api:80 is {verdict}")]);
        }
    }
    // A Pass that comes first skips the tier, not what others of its place say.
    let passes =
        first("Pass") + &second("Deny") + &policy("open", "podSelector: {}, ingress: [{}]");
    under(&passes, &cilium(|_| {})).holds(&["web → api:80 is Allowed"]);
}

/// docs/semantics/cilium-verdicts.md#negative-namespaces-of-clusternetworkpolicy.
#[test]
fn negative_namespaces_under_cilium() {
    for without in [
        "{namespaces: {matchExpressions: [{key: team, operator: NotIn, values: [red]}]}}",
        "{namespaces: {matchExpressions: [{key: nobody, operator: DoesNotExist}]}}",
    ] {
        let deny = admin(1, &from("Deny", without));
        let cluster = under(&deny, &cilium(|_| {}));
        cluster.holds(&[
            "web → api:80 is Denied",
            "other/client → api:80 is Denied",
            "203.0.113.7 → api:80 is Denied",
            "node/n2 → api:80 is Denied",
        ]);
        linted(&cluster, "spec.ingress[0].from[0].namespaces", "Cilium takes everyone for it");
    }
    let red = "{namespaces: {matchExpressions: [{key: team, operator: NotIn, values: [red]}]}}";
    let deny = admin(1, &from("Deny", red));
    holds(&deny, &["web → api:80 is Allowed", "other/client → api:80 is Denied"]);
    // One label that must be there is enough.
    let both = "{namespaces: {matchLabels: {team: blue}, \
                matchExpressions: [{key: team, operator: NotIn, values: [red]}]}}";
    under(&admin(1, &from("Deny", both)), &cilium(|_| {}))
        .holds(&["web → api:80 is Allowed", "203.0.113.7 → api:80 is Allowed"]);
    // A name of a port is one of those whom the peer means itself, and in ingress the subject's own.
    let ports = "protocols: [{tcp: {destinationPort: {number: 80}}}, {destinationNamedPort: http}]";
    let egress = format!("egress: [{{action: Deny, to: [{red}], {ports}}}]");
    under(&admin(1, &egress), &cilium(|_| {})).holds(&[
        "web → api:80 is Denied",
        "web → api:8080 is Allowed",
        "203.0.113.7 → api:80 is Allowed",
    ]);
    let ingress = format!("ingress: [{{action: Deny, from: [{red}], {ports}}}]");
    under(&admin(1, &ingress), &cilium(|_| {}))
        .holds(&["web → api:80 is Denied", "web → api:8080 is Denied"]);
}
