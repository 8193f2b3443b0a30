//! docs/semantics/networkpolicy.md#validation: what is refused must be wrong for certain. A variable
//! such as `${DOMAIN}`, which Flux or envsubst fills in, may stand for anything, so it is a gap and
//! makes Unknown.

use super::{cluster, holds, ingress, policy};

const TOLD: &str = "the variable ${X} is not filled in";

/// Whom a policy selects: perhaps the pods that the rest of the selector fits.
#[test]
fn subjects() {
    let spec = |labels: &str| policy("p", &format!("podSelector: {{{labels}}}, ingress: []"));
    let only = spec("matchLabels: {app: \"${X}\"}");
    holds(&only, &["web → api:8080 is Unknown", "api → web:80 is Unknown"]);
    let text = cluster(&only).ask("web → api:8080").text();
    assert!(text.contains(TOLD), "{text}");
    let both = spec("matchLabels: {app: \"${X}\", tier: back}");
    holds(&both, &["web → api:8080 is Unknown", "api → web:80 is Allowed"]);
    let expression = "matchExpressions: [{key: app, operator: In, values: [\"${X}\"]}]";
    holds(&spec(expression), &["web → api:8080 is Unknown"]);
}

/// Whom a rule means, and who is not meant whatever the variable stands for.
#[test]
fn peers() {
    for peer in [
        "podSelector: {matchLabels: {app: \"${X}\"}}",
        "podSelector: {matchLabels: {\"${X}\": web}}",
        "namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: \"${X}\"}}",
        "ipBlock: {cidr: \"${X}\"}",
        "ipBlock: {cidr: 10.0.0.0/8, except: [\"${X}/32\"]}",
    ] {
        let written = ingress(&format!("[{{from: [{{{peer}}}]}}]"));
        holds(&written, &["web → api:8080 is Unknown"]);
        let cluster = cluster(&written);
        assert_eq!(cluster.rejected(), [""; 0], "{peer}");
        let text = cluster.ask("web → api:8080").text();
        assert!(text.contains(TOLD), "{peer}: {text}");
    }
    let own = ingress("[{from: [{podSelector: {matchLabels: {app: \"${X}\"}}}]}]");
    holds(&own, &["other/client → api:8080 is Denied"]);
    let rest = "podSelector: {matchLabels: {app: \"${X}\", tier: back}}";
    holds(&ingress(&format!("[{{from: [{{{rest}}}]}}]")), &["web → api:8080 is Denied"]);
    // What another rule admits is admitted.
    let two = "[{from: [{ipBlock: {cidr: \"${X}\"}}]}, {from: [{podSelector: {}}]}]";
    holds(&ingress(two), &["web → api:8080 is Allowed", "other/client → api:8080 is Unknown"]);
}

/// Which ports a rule means: one of the protocol, and those that are written all the same.
#[test]
fn ports() {
    let rule =
        |ports: &str| ingress(&format!("[{{from: [{{podSelector: {{}}}}], ports: [{ports}]}}]"));
    holds(
        &rule("{port: \"${X}\"}, {port: 80}"),
        &[
            "web → api:80 is Allowed",
            "web → api:8080 is Unknown",
            "web → api:8080/UDP is Denied",
            "other/client → api:8080 is Denied",
        ],
    );
    holds(&rule("{port: 53, protocol: \"${X}\"}"), &["web → api:53/UDP is Unknown"]);
}

/// Where nothing sensible is left, nothing of the policy is known; what is wrong besides is refused.
#[test]
fn whole_policies() {
    let types = policy("p", "podSelector: {}, policyTypes: [\"${X}\"]");
    let end = ingress("[{ports: [{port: 80, endPort: \"${X}\"}]}]");
    for written in [types, end] {
        let cluster = cluster(&written);
        assert_eq!(cluster.rejected(), [""; 0], "{written}");
        holds(&written, &["web → api:8080 is Unknown", "web → other/client:80 is Unknown"]);
        let text = cluster.ask("web → api:8080").text();
        assert!(text.contains("what this policy does is not known; render it"), "{text}");
    }
    for wrong in [
        "[{ports: [{port: 0}]}, {from: [{ipBlock: {cidr: \"${X}\"}}]}]",
        "[{ports: [{port: \"${X}\", protocol: http}]}]",
    ] {
        assert_ne!(cluster(&ingress(wrong)).rejected(), [""; 0], "{wrong}");
    }
}
