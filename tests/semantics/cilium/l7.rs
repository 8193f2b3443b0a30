//! docs/semantics/cilium-ports.md#layer-7: L7 rules, serverNames, listener and authentication, which
//! only show once the connection is open.

use super::{API, cluster, cnp, conditions, egress, holds, ingress, lint, live, with};
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

/// docs/semantics/cilium-ports.md#layer-7: http; one item that matches is enough, and all its fields
/// must; `[{}]` is every request.
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
    ] {
        assert_eq!(condition(&format!("rules: {{http: [{rules}]}}")), [words], "{rules}");
    }
    let many = "{path: /1}, {path: /2}, {path: /3}, {path: /4}, {path: /5}, {path: /6}";
    let words = "HTTP /1 or HTTP /2 or HTTP /3 or HTTP /4 and 2 more";
    assert_eq!(condition(&format!("rules: {{http: [{many}]}}")), [words]);
}

/// docs/semantics/cilium-ports.md#layer-7: dns, with names and patterns.
#[test]
fn dns() {
    let rule = "[{toPorts: [{ports: [{port: \"53\"}], rules: {dns: [{matchName: a.b}, \
                {matchPattern: \"*.example.com\"}]}}]}]";
    let cluster = cluster(&egress(rule));
    assert_eq!(conditions(&cluster, "web → api:53/UDP"), ["DNS names a.b, *.example.com"]);
}

/// docs/semantics/cilium-ports.md#layer-7: kafka up to 1.19.
#[test]
fn kafka() {
    let words = condition("rules: {kafka: [{role: produce, topic: orders}, {apiKey: fetch}]}");
    assert_eq!(words, ["Kafka produce on topic orders or Kafka fetch"]);
    assert_eq!(condition("rules: {kafka: [{}]}"), ["Kafka"]);
}

/// docs/semantics/cilium-ports.md#layer-7: kafka and l7proto are gone from 1.20 on. The API server
/// drops them before it looks, and takes no rules without http or dns; what is stored already is open
/// to every request.
#[test]
fn kafka_and_other_parsers_are_gone_from_1_20_on() {
    let settings = || Cilium::new(CiliumVersion::V1_20);
    for kind in ["kafka: [{}]", "l7proto: cassandra, l7: [{a: b}]"] {
        let policy = |rules: &str| {
            let ports = "ports: [{port: \"80\", protocol: TCP}]";
            egress(&format!("[{{toPorts: [{{{ports}, rules: {{{rules}}}}}]}}]"))
        };
        let newer = with(settings(), &policy(kind));
        let [fault] = newer.rejected().try_into().expect("one fault");
        assert!(fault.contains("was removed in Cilium 1.20"), "{fault}");
        let text = newer.ask("web → api:80").text();
        assert!(text.contains("would be refused by the API server"), "{text}");
        let with_http = with(settings(), &policy(&format!("{kind}, http: [{{method: GET}}]")));
        assert_eq!(with_http.rejected(), [""; 0]);
        lint(&with_http, "was removed in Cilium 1.20: the API server drops it");
        assert_eq!(conditions(&with_http, "web → api:80"), ["HTTP GET"]);
        let stored = live(settings(), &policy(kind));
        lint(&stored, "so the port is open to every request");
        stored.holds(&["web → api:80 is Allowed", "web → api:81 is Denied"]);
        assert_eq!(conditions(&stored, "web → api:80"), [""; 0]);
    }
}

/// docs/semantics/cilium-ports.md#layer-7: l7proto with l7.
#[test]
fn other_parsers() {
    let words = condition("rules: {l7proto: cassandra, l7: [{query_action: select}]}");
    assert_eq!(words, ["what the L7 parser cassandra takes"]);
}

/// Rules that say nothing are none (`L7Rules.IsEmpty` in Cilium's pkg/policy/api/l4.go): an empty list
/// does not send anything to the proxy. `rules: {}` is refused by the CRD.
#[test]
fn empty_rules() {
    for rules in
        ["rules: null", "rules: {l7proto: \"\"}", "rules: {http: []}", "rules: {kafka: []}"]
    {
        assert_eq!(condition(rules), [""; 0], "{rules}");
    }
    assert_eq!(condition("rules: {l7proto: cassandra}"), ["what the L7 parser cassandra takes"]);
    let ports = "ports: [{port: \"80\", protocol: TCP}], rules: {}";
    let empty = cluster(&egress(&format!("[{{toPorts: [{{{ports}}}]}}]")));
    assert!(empty.rejected()[0].contains("toPorts[0].rules is empty"), "{:?}", empty.rejected());
}

/// docs/semantics/cilium-ports.md#server-names: names that TLS may ask for.
#[test]
fn server_names() {
    assert_eq!(condition("serverNames: [api.example.com]"), ["TLS to api.example.com"]);
    let terminated = "serverNames: [a.b], terminatingTLS: {secret: {name: s}}, \
                      rules: {http: [{method: GET}]}";
    assert_eq!(condition(terminated), ["TLS to a.b, HTTP GET"]);
}

/// docs/semantics/cilium-ports.md#listeners.
#[test]
fn listener() {
    let words = condition("listener: {envoyConfig: {name: e}, name: custom}");
    assert_eq!(words, ["what the Envoy listener custom lets through"]);
}

/// docs/semantics/cilium-ports.md#authentication.
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

/// docs/semantics/cilium-ports.md#layer-7-beside-plain-rules: an allow without L7 of the same flow
/// lets every request of HTTP through, and the proxy stays in the way; for other flows the rules hold.
#[test]
fn a_plain_rule_lifts_l7_rules() {
    let http =
        "toPorts: [{ports: [{port: \"80\", protocol: TCP}], rules: {http: [{method: GET}]}}]";
    let policy =
        |plain: &str| ingress(&format!("[{{fromEndpoints: [{{}}], {http}}}, {{{plain}}}]"));
    for plain in [
        "fromEntities: [cluster]",
        "fromEndpoints: [{}]",
        "toPorts: [{ports: [{port: \"80\", protocol: TCP}]}]",
        "toPorts: [{ports: [{port: \"70\", endPort: 90, protocol: TCP}]}]",
    ] {
        let lifted = cluster(&policy(plain));
        assert_eq!(conditions(&lifted, "web → api:80"), ["HTTP"], "{plain}");
    }
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

/// docs/semantics/cilium-ports.md#layer-7-beside-plain-rules: the proxy of DNS asks only rules for just
/// the same port; names of TLS servers, listeners and authentication are never lifted.
#[test]
fn what_a_plain_rule_does_not_lift() {
    let dns =
        "toPorts: [{ports: [{port: \"53\", protocol: UDP}], rules: {dns: [{matchName: a.b}]}}]";
    let of = |plain: &str| {
        let policy = egress(&format!("[{{toEndpoints: [{{}}], {dns}}}, {{{plain}}}]"));
        conditions(&cluster(&policy), "web → api:53/UDP")
    };
    for (plain, words) in [
        ("toPorts: [{ports: [{port: \"53\", protocol: UDP}]}]", "DNS"),
        ("toPorts: [{ports: [{port: \"53\"}]}]", "DNS"),
        ("toEndpoints: [{}]", "DNS names a.b"),
        ("toPorts: [{ports: [{port: \"53\", endPort: 54, protocol: UDP}]}]", "DNS names a.b"),
        ("toPorts: [{ports: [{port: \"53\", protocol: TCP}]}]", "DNS names a.b"),
    ] {
        assert_eq!(of(plain), [words], "{plain}");
    }
    let tls = "toPorts: [{ports: [{port: \"443\", protocol: TCP}], serverNames: [a.b]}]";
    let policy = egress(&format!("[{{toEndpoints: [{{}}], {tls}}}, {{toEndpoints: [{{}}]}}]"));
    assert_eq!(conditions(&cluster(&policy), "web → api:443"), ["TLS to a.b"]);
}

/// docs/semantics/cilium-ports.md#layer-7: deny rules have no L7: what is written there is dropped
/// and told.
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
