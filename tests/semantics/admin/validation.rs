//! docs/semantics/admin.md#clusternetworkpolicy: what the CRD refuses, each once.

use super::{EVERY_POD, admin, cluster, cluster_policy, from, linted, refused, to, to_ports};

const OBJECT: &str = "clusternetworkpolicy/p";

fn head_refused(spec: &str, path: &str, part: &str) {
    let rules = from("Deny", EVERY_POD);
    refused(&cluster_policy("p", &format!("{spec}, {rules}")), OBJECT, path, part);
}

fn rules_refused(rules: &str, path: &str, part: &str) {
    let object = "clusternetworkpolicy/admin-1";
    refused(&admin(1, rules), object, path, part);
}

#[test]
fn tier_priority_and_subject() {
    let subject = "subject: {namespaces: {}}";
    head_refused(&format!("priority: 1, {subject}"), "spec.tier", "give Admin or Baseline");
    head_refused(&format!("tier: Middle, priority: 1, {subject}"), "spec.tier", "\"Middle\"");
    head_refused(&format!("tier: Admin, {subject}"), "spec.priority", "is missing");
    for priority in ["-1", "1001", "99999999999"] {
        let spec = format!("tier: Admin, priority: {priority}, {subject}");
        head_refused(&spec, "spec.priority", "is not 0 to 1000");
    }
    let head = "tier: Admin, priority: 0";
    head_refused(head, "spec.subject", "give namespaces or pods");
    head_refused(&format!("{head}, subject: {{}}"), "spec.subject", "give namespaces or pods");
    let both = "subject: {namespaces: {}, pods: {podSelector: {}}}";
    head_refused(&format!("{head}, {both}"), "spec.subject", "give one");
    let pods = "subject: {pods: {namespaceSelector: {}}}";
    head_refused(&format!("{head}, {pods}"), "spec.subject.pods.podSelector", "is missing");
    let newer = "subject: {pods: {podSelector: {}, newer: 1}}";
    head_refused(&format!("{head}, {newer}"), "spec.subject.pods.newer", "is not known");
    let label = "subject: {namespaces: {matchLabels: {a b: c}}}";
    head_refused(
        &format!("{head}, {label}"),
        "spec.subject.namespaces.matchLabels[a b]",
        "label key",
    );
}

#[test]
fn names_of_objects() {
    let text = admin(1, &from("Deny", EVERY_POD)).replace("admin-1", "Not_A_Name");
    refused(&text, "clusternetworkpolicy/Not_A_Name", "metadata.name", "is not a DNS subdomain");
}

#[test]
fn rules() {
    let rule = |more: &str| format!("ingress: [{{{more}}}]");
    let at = |field: &str| format!("spec.ingress[0].{field}");
    let from_all = format!("from: [{EVERY_POD}]");
    rules_refused(&rule(&from_all), &at("action"), "give Accept, Deny or Pass");
    rules_refused(&rule(&format!("action: deny, {from_all}")), &at("action"), "\"deny\" is not");
    rules_refused(&rule("action: Deny"), &at("from"), "needs 1 to 25 items");
    rules_refused(&rule("action: Deny, from: []"), &at("from"), "needs 1 to 25 items");
    let wrong = format!("action: Deny, {from_all}, to: [{EVERY_POD}]");
    rules_refused(&rule(&wrong), &at("to"), "write from");
    let long = "x".repeat(101);
    rules_refused(&rule(&format!("name: {long}, action: Deny, {from_all}")), &at("name"), "100");
    let empty = format!("action: Deny, {from_all}, protocols: []");
    rules_refused(&rule(&empty), &at("protocols"), "leave it out for any port");
}

/// docs/semantics/admin.md#clusternetworkpolicy: at most 25 rules, peers and protocols.
#[test]
fn limits() {
    let many = |item: &str, count: usize| vec![item; count].join(", ");
    let rule = format!("{{action: Deny, from: [{EVERY_POD}]}}");
    rules_refused(&format!("ingress: [{}]", many(&rule, 26)), "spec.ingress", "more than 25 rules");
    let peers = many(EVERY_POD, 26);
    rules_refused(&from("Deny", &peers), "spec.ingress[0].from", "1 to 25");
    let port = "{tcp: {destinationPort: {number: 1}}}";
    rules_refused(&to_ports("Deny", &many(port, 26)), "spec.egress[0].protocols", "1 to 25");
    for (field, item) in [("networks", "10.0.X.0/24"), ("domainNames", "hX.example.com")] {
        let items: Vec<_> = (0..26).map(|i| item.replace('X', &i.to_string())).collect();
        let list = |count: usize| format!("{{{field}: [{}]}}", items[..count].join(", "));
        let path = format!("spec.egress[0].to[0].{field}");
        rules_refused(&to("Accept", &list(26)), &path, "1 to 25");
        rules_refused(&to("Accept", &list(0)), &path, "1 to 25");
        assert_eq!(cluster(&admin(1, &to("Accept", &list(25)))).rejected(), [""; 0]);
    }
    let full = format!("ingress: [{}]", many(&rule, 25));
    assert_eq!(cluster(&admin(1, &full)).rejected(), [""; 0]);
}

/// docs/semantics/admin.md#subjects-and-peers: exactly one of the fields of a peer.
#[test]
fn a_peer_is_one_thing() {
    let two = "{namespaces: {}, networks: [10.0.0.0/8]}";
    rules_refused(&to("Deny", two), "spec.egress[0].to[0]", "has namespaces and networks");
    let pods = "{pods: {namespaceSelector: {}}}";
    rules_refused(&to("Deny", pods), "spec.egress[0].to[0].pods.podSelector", "is missing");
}

#[test]
fn networks() {
    let with = |network: &str| to("Deny", &format!("{{networks: [{network}]}}"));
    for network in ["10.0.0.0", "10.0.0.0/33", "010.0.0.0/8", "\"::ffff:10.0.0.0/104\"", "x"] {
        rules_refused(&with(network), "spec.egress[0].to[0].networks[0]", "is not a CIDR");
    }
    let twice = with("10.0.0.0/8, 10.0.0.0/8");
    rules_refused(&twice, "spec.egress[0].to[0].networks[1]", "is there twice");
    let cluster = cluster(&admin(1, &with("10.0.1.99/24")));
    cluster.holds(&["web → api:80 is Denied"]);
    linted(&cluster, "spec.egress[0].to[0].networks[0]", "is read as 10.0.1.0/24");
}

#[test]
fn domain_names() {
    for name in ["\"*\"", "io", "\"a.*.io\"", "\"*.io\""] {
        let rules = to("Accept", &format!("{{domainNames: [{name}]}}"));
        rules_refused(&rules, "spec.egress[0].to[0].domainNames[0]", "is not a domain name");
    }
}

#[test]
fn protocols() {
    let path = |at: &str| format!("spec.egress[0].protocols[0]{at}");
    let with = |item: &str| to_ports("Deny", item);
    let two = "{tcp: {destinationPort: {number: 1}}, udp: {destinationPort: {number: 1}}}";
    rules_refused(&with(two), &path(""), "has tcp and udp");
    for number in ["0", "-1", "65536"] {
        let item = format!("{{tcp: {{destinationPort: {{number: {number}}}}}}}");
        rules_refused(&with(&item), &path(".tcp.destinationPort.number"), "1 to 65535");
    }
    let port = |inner: &str| with(&format!("{{udp: {{destinationPort: {{{inner}}}}}}}"));
    let at = path(".udp.destinationPort");
    rules_refused(&port(""), &at, "give one of number and range");
    rules_refused(&port("number: 1, range: {start: 1, end: 2}"), &at, "give one of");
    let at = path(".udp.destinationPort.range");
    rules_refused(&port("range: {start: 1, end: 1}"), &at, "start must be below end");
    rules_refused(&port("range: {start: 2, end: 1}"), &at, "start must be below end");
    rules_refused(&port("range: {start: 2}"), &format!("{at}.end"), "is missing");
    rules_refused(
        &with("{destinationNamedPort: \"\"}"),
        &path(".destinationNamedPort"),
        "is empty",
    );
    rules_refused(&with("{portNumber: {port: 1}}"), &path(".portNumber"), "write one of tcp");
}

/// Unknown fields elsewhere are refused, as kubectl refuses them.
#[test]
fn unknown_fields() {
    for (from_text, to_text, path) in [
        ("priority: 1", "priority: 1, newer: 1", "spec.newer"),
        ("action:", "newer: 1, action:", "spec.ingress[0].newer"),
        (
            "{namespaces: {}}]",
            "{namespaces: {newer: 1}}]",
            "spec.ingress[0].from[0].namespaces.newer",
        ),
    ] {
        let text = admin(1, &from("Deny", EVERY_POD)).replace(from_text, to_text);
        refused(&text, "clusternetworkpolicy/admin-1", path, "unknown field");
    }
}

/// A policy that is refused is in force nowhere.
#[test]
fn what_is_refused_does_nothing() {
    let cluster = cluster(&admin(1, &from("Deny", &format!("{EVERY_POD}, {{}}"))));
    cluster.holds(&["web → api:80 is Allowed"]);
}

/// docs/semantics/admin.md#no-isolation: a policy without rules does not affect anything.
#[test]
fn a_policy_without_rules_is_told() {
    for rules in ["ingress: []", "egress: null"] {
        linted(&cluster(&admin(1, rules)), "spec", "so it does nothing");
    }
}
