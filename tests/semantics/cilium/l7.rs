//! Section 3: L7 rules, serverNames, listener and authentication, which only show once the
//! connection is open.

use super::{API, cluster, cnp, conditions, egress, holds, ingress, lint, with};
use netpol::policy::{Cilium, CiliumVersion};

/// The condition on web → api:80 of an item of toPorts.
fn condition(item: &str) -> Vec<String> {
    let ports = "ports: [{port: \"80\", protocol: TCP}]";
    let cluster = cluster(&egress(&format!("[{{toPorts: [{{{ports}, {item}}}]}}]")));
    assert_eq!(cluster.rejected(), [""; 0], "{item}");
    // The connection itself gets to the proxy, whatever the rules say.
    cluster.holds(&["web → api:80 is Allowed", "web → api:81 is Denied"]);
    conditions(&cluster, "web → api:80")
}

/// Row L7: http; one item that matches is enough, and all its fields must; `[{}]` is every request.
#[test]
fn http() {
    for (rules, words) in [
        ("{method: GET, path: /healthz}", "HTTP GET /healthz"),
        ("{method: GET}", "HTTP GET"),
        ("{path: /a}, {method: POST, path: /b}", "HTTP /a or HTTP POST /b"),
        ("{host: a.b, path: /}", "HTTP / at host a.b"),
        ("{headers: [\"X-A: true\"]}", "HTTP with header X-A: true"),
        ("{headerMatches: [{name: X-B, value: c}]}", "HTTP with header X-B"),
        ("{}", "HTTP"),
        ("", "HTTP"),
    ] {
        assert_eq!(condition(&format!("rules: {{http: [{rules}]}}")), [words], "{rules}");
    }
    let many = "{path: /1}, {path: /2}, {path: /3}, {path: /4}, {path: /5}, {path: /6}";
    let words = "HTTP /1 or HTTP /2 or HTTP /3 or HTTP /4 and 2 more";
    assert_eq!(condition(&format!("rules: {{http: [{many}]}}")), [words]);
}

/// Row L7: dns, with names and patterns.
#[test]
fn dns() {
    let rule = "[{toPorts: [{ports: [{port: \"53\"}], rules: {dns: [{matchName: a.b}, \
                {matchPattern: \"*.example.com\"}]}}]}]";
    let cluster = cluster(&egress(rule));
    assert_eq!(conditions(&cluster, "web → api:53/UDP"), ["DNS names a.b, *.example.com"]);
}

/// Row L7: kafka up to 1.19; from 1.20 on it is not there and the port is open.
#[test]
fn kafka() {
    let words = condition("rules: {kafka: [{role: produce, topic: orders}, {apiKey: fetch}]}");
    assert_eq!(words, ["Kafka produce on topic orders or Kafka fetch"]);
    assert_eq!(condition("rules: {kafka: [{}]}"), ["Kafka"]);
    let policy = "[{toPorts: [{ports: [{port: \"80\", protocol: TCP}], rules: {kafka: [{}]}}]}]";
    let newer = with(Cilium::new(CiliumVersion::V1_20), &egress(policy));
    lint(&newer, "was removed in Cilium 1.20");
    assert_eq!(conditions(&newer, "web → api:80"), [""; 0]);
}

/// Row L7: l7proto with l7.
#[test]
fn other_parsers() {
    let words = condition("rules: {l7proto: cassandra, l7: [{query_action: select}]}");
    assert_eq!(words, ["what the L7 parser cassandra takes"]);
}

/// Rules that say nothing are none.
#[test]
fn empty_rules() {
    for rules in ["rules: {}", "rules: null", "rules: {l7proto: \"\"}"] {
        assert_eq!(condition(rules), [""; 0], "{rules}");
    }
}

/// Row serverNames: names that TLS may ask for.
#[test]
fn server_names() {
    assert_eq!(condition("serverNames: [api.example.com]"), ["TLS to api.example.com"]);
    let terminated = "serverNames: [a.b], terminatingTLS: {secret: {name: s}}, \
                      rules: {http: [{method: GET}]}";
    assert_eq!(condition(terminated), ["TLS to a.b, HTTP GET"]);
}

/// Row listener.
#[test]
fn listener() {
    let words = condition("listener: {envoyConfig: {name: e}, name: custom}");
    assert_eq!(words, ["what the Envoy listener custom lets through"]);
}

/// Row authentication.mode.
#[test]
fn authentication() {
    let of = |mode: &str, more: &str| {
        let element =
            format!("[{{fromEndpoints: [{{}}], authentication: {{mode: {mode}}}{more}}}]");
        conditions(&cluster(&ingress(&element)), "web → api:80")
    };
    assert_eq!(of("required", ""), ["after mutual authentication"]);
    assert_eq!(of("disabled", ""), [""; 0]);
    assert_eq!(of("test-always-fail", ""), ["after an authentication that is made to fail"]);
    let http =
        ", toPorts: [{ports: [{port: \"80\", protocol: TCP}], rules: {http: [{method: GET}]}}]";
    assert_eq!(of("required", http), ["HTTP GET, after mutual authentication"]);
    let wrong = cluster(&ingress("[{fromEndpoints: [{}], authentication: {mode: maybe}}]"));
    assert!(wrong.rejected()[0].contains("\"maybe\" is not disabled"), "{:?}", wrong.rejected());
}

/// "An allow without L7 for the same peer and port wildcards the L7 rule for that peer"; for
/// disjoint peers they remain separate.
#[test]
fn a_plain_rule_makes_l7_rules_void() {
    let http =
        "toPorts: [{ports: [{port: \"80\", protocol: TCP}], rules: {http: [{method: GET}]}}]";
    let policy =
        |plain: &str| ingress(&format!("[{{fromEndpoints: [{{}}], {http}}}, {{{plain}}}]"));
    let void = cluster(&policy("fromEntities: [cluster]"));
    assert_eq!(conditions(&void, "web → api:80"), [""; 0]);
    for other in
        ["fromEntities: [world]", "fromEndpoints: [{}], toPorts: [{ports: [{port: \"81\"}]}]"]
    {
        let separate = cluster(&policy(other));
        assert_eq!(conditions(&separate, "web → api:80"), ["HTTP GET"], "{other}");
    }
    // Items of one list are alternatives too.
    let both = "toPorts: [{ports: [{port: \"80\", protocol: TCP}], rules: {http: [{method: GET}]}}, \
                {ports: [{port: \"81\"}]}]";
    let one = cluster(&ingress(&format!("[{{{both}}}]")));
    assert_eq!(conditions(&one, "web → api:80"), ["HTTP GET"]);
    assert_eq!(conditions(&one, "web → api:81"), [""; 0]);
}

/// Section 4: deny rules have no L7: what is written there is dropped and told.
#[test]
fn deny_rules_have_no_l7() {
    let ports = "ports: [{port: \"80\", protocol: TCP}], rules: {http: [{method: GET}]}";
    let deny = format!(
        "{API}, ingress: [{{fromEntities: [all]}}], ingressDeny: [{{toPorts: [{{{ports}}}]}}]"
    );
    holds(&cnp("p", &deny), &["web → api:80 is Denied", "web → api:81 is Allowed"]);
    lint(&cluster(&cnp("p", &deny)), "so the ports are denied as a whole");
}

/// The condition is said with the answer.
#[test]
fn conditions_are_told() {
    let rule = "[{fromEndpoints: [{}], toPorts: [{ports: [{port: \"80\", protocol: TCP}], \
                rules: {http: [{method: GET, path: /healthz}]}}]}]";
    let text = cluster(&ingress(rule)).ask("web → api:80").text();
    assert!(text.contains("only HTTP GET /healthz"), "{text}");
}
