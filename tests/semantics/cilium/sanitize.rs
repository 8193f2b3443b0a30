//! docs/semantics/cilium-objects.md#who-refuses: for each of them nothing of the object is enforced.

use super::{API, WEB, ccnp, cluster, cnp, egress, holds, holds_with, ingress, object, rejected};
use super::{rejected_with, settings, with};
use netpol::policy::{Cilium, CiliumVersion};

/// docs/semantics/cilium-objects.md#selector-of-the-subject: neither or both of endpointSelector and
/// nodeSelector.
#[test]
fn exactly_one_selector() {
    rejected(&cnp("p", "ingress: [{}]"), "spec", "needs endpointSelector");
    let both = "endpointSelector: {}, nodeSelector: {}, ingress: [{}]";
    rejected(&ccnp("p", both), "spec", "has both endpointSelector and nodeSelector");
}

/// docs/semantics/cilium-objects.md#selector-of-the-subject: nodeSelector in a CiliumNetworkPolicy.
#[test]
fn a_namespaced_policy_has_no_node_selector() {
    let part = "write a CiliumClusterwideNetworkPolicy";
    rejected(&cnp("p", "nodeSelector: {}, ingress: [{}]"), "spec.nodeSelector", part);
}

/// docs/semantics/cilium-objects.md#a-section-is-there: none of ingress, ingressDeny, egress and
/// egressDeny. Without any of them the CRD refuses the rule (`anyOf` with `required`); an empty list
/// is a section to the CRD and none to the agent.
#[test]
fn a_rule_has_a_section() {
    for (sections, who) in [
        ("", "would be refused by the API server"),
        (", ingress: null", "would be refused by the API server"),
        (", ingress: []", "the agent rejects it"),
        (", egress: [], ingressDeny: []", "the agent rejects it"),
    ] {
        let policy = cnp("p", &format!("{API}{sections}"));
        rejected(&policy, "spec", "needs at least one of ingress");
        let text = cluster(&policy).ask("web → api:80").text();
        assert!(text.contains(who), "{sections}: {text}");
    }
}

/// docs/semantics/cilium-objects.md#one-kind-of-peer: more than one L3 member in an element, every
/// pair.
#[test]
fn one_list_of_peers_an_element() {
    let lists = |side: &str| {
        vec![
            (format!("{side}Endpoints"), "[{}]"),
            (format!("{side}Entities"), "[world]"),
            (format!("{side}CIDR"), "[10.0.0.0/8]"),
            (format!("{side}CIDRSet"), "[{cidr: 10.0.0.0/8}]"),
            (format!("{side}Nodes"), "[{}]"),
            (format!("{side}Groups"), "[{aws: {}}]"),
        ]
    };
    let mut egress_lists = lists("to");
    egress_lists.push(("toServices".to_owned(), "[{k8sService: {serviceName: a}}]"));
    egress_lists.push(("toFQDNs".to_owned(), "[{matchName: example.com}]"));
    let nodes = Cilium { node_selector_labels: true, ..settings() };
    for (all, section, policy) in [
        (lists("from"), "ingress", ingress as fn(&str) -> String),
        (egress_lists, "egress", egress),
    ] {
        for (i, (one, value)) in all.iter().enumerate() {
            for (other, other_value) in &all[..i] {
                let text = policy(&format!("[{{{one}: {value}, {other}: {other_value}}}]"));
                rejected_with(nodes.clone(), &text, &format!("spec.{section}[0]"), "combines");
            }
            // An empty list beside another is no second one.
            let (other, _) = &all[(i + 1) % all.len()];
            let text = policy(&format!("[{{{one}: {value}, {other}: []}}]"));
            assert_eq!(with(nodes.clone(), &text).rejected(), [""; 0], "{text}");
        }
    }
}

/// docs/semantics/cilium-objects.md#icmp-beside-ports: icmps together with toPorts.
#[test]
fn icmps_or_ports() {
    let both = "[{icmps: [{fields: [{type: 8}]}], toPorts: [{ports: [{port: \"80\"}]}]}]";
    rejected(&ingress(both), "spec.ingress[0]", "has both toPorts and icmps");
}

fn ports(items: &str) -> String {
    ingress(&format!("[{{toPorts: [{{ports: [{items}]}}]}}]"))
}

/// docs/semantics/cilium-objects.md#ports-that-are-rejected: more than 40 ports an item of toPorts.
#[test]
fn forty_ports() {
    let list =
        |n: u16| (1..=n).map(|p| format!("{{port: \"{p}\"}}")).collect::<Vec<_>>().join(", ");
    rejected(&ports(&list(41)), "spec.ingress[0].toPorts[0].ports", "more than 40 ports");
    holds(&ports(&list(40)), &["web → api:40 is Allowed", "web → api:41 is Denied"]);
}

/// docs/semantics/cilium-objects.md#ports-that-are-rejected: bad protocol, unparsable port, port
/// missing.
#[test]
fn bad_ports() {
    let port = "spec.ingress[0].toPorts[0].ports[0].port";
    for text in ["\"65536\"", "\"-1\"", "\"8 0\"", "a--b", "\"080\"", "way-too-long-for-a-port"] {
        rejected(&ports(&format!("{{port: {text}}}")), port, "is neither a port nor the name");
    }
    rejected(&ports("{protocol: TCP}"), port, "is missing");
    rejected(&ports("{port: \"\"}"), port, "is missing");
    let protocol = "spec.ingress[0].toPorts[0].ports[0].protocol";
    for text in ["tcp", "HTTP", "GRE"] {
        let item = format!("{{port: \"80\", protocol: {text}}}");
        rejected(&ports(&item), protocol, "is not TCP, UDP, SCTP or ANY");
    }
}

/// docs/semantics/cilium-objects.md#ports-that-are-rejected: a port other than 0 with VRRP or IGMP.
#[test]
fn protocols_without_ports() {
    for protocol in ["VRRP", "IGMP"] {
        let item = format!("{{port: \"80\", protocol: {protocol}}}");
        rejected(&ports(&item), "spec.ingress[0].toPorts[0].ports[0].port", "has no ports");
        holds(
            &ports(&format!("{{port: \"0\", protocol: {protocol}}}")),
            &["web → api:80 is Denied"],
        );
    }
}

/// docs/semantics/cilium-objects.md#ports-that-are-rejected: endPort below port is not rejected and
/// matches the port alone.
#[test]
fn an_end_below_the_port_is_not_rejected() {
    let policy = ports("{port: \"80\", endPort: 70, protocol: TCP}");
    holds(
        &policy,
        &["web → api:80 is Allowed", "web → api:75 is Denied", "web → api:70 is Denied"],
    );
    super::lint(&cluster(&policy), "70 is below port 80, so only 80 matches");
}

fn rules(section: &str, item: &str) -> String {
    match section {
        "ingress" => ingress(&format!("[{{toPorts: [{{{item}}}]}}]")),
        _ => egress(&format!("[{{toPorts: [{{{item}}}]}}]")),
    }
}

const TCP: &str = "ports: [{port: \"80\", protocol: TCP}]";

/// docs/semantics/cilium-objects.md#layer-7-rules-that-are-rejected: more than one of http, kafka,
/// dns and l7.
#[test]
fn one_kind_of_l7_rules() {
    for (both, part) in [
        ("http: [{}], kafka: [{}]", "has http and kafka"),
        ("http: [{}], l7proto: x, l7: [{}]", "has http and l7proto"),
        ("kafka: [{}], l7proto: x", "has kafka and l7proto"),
    ] {
        let policy = rules("ingress", &format!("{TCP}, rules: {{{both}}}"));
        rejected(&policy, "spec.ingress[0].toPorts[0].rules", part);
    }
    let policy = rules("ingress", &format!("{TCP}, rules: {{http: [{{}}], l7: [{{}}]}}"));
    rejected(&policy, "spec.ingress[0].toPorts[0].rules.l7", "needs l7proto");
}

/// docs/semantics/cilium-objects.md#layer-7-rules-that-are-rejected: L7 with port 0; http and kafka
/// with another protocol than TCP, ANY included.
#[test]
fn l7_needs_a_port_of_tcp() {
    for kind in ["http", "kafka"] {
        let rule = format!("rules: {{{kind}: [{{}}]}}");
        let zero = format!("ports: [{{port: \"0\", protocol: TCP}}], {rule}");
        let path = "spec.ingress[0].toPorts[0].ports[0]";
        rejected(&rules("ingress", &zero), &format!("{path}.port"), "cannot stand with L7");
        for protocol in ["UDP", "SCTP", "ANY"] {
            let item = format!("ports: [{{port: \"80\", protocol: {protocol}}}], {rule}");
            rejected(&rules("ingress", &item), &format!("{path}.protocol"), "need TCP");
        }
        let item = format!("ports: [{{port: \"80\"}}], {rule}");
        rejected(&rules("ingress", &item), &format!("{path}.protocol"), "is ANY");
    }
}

/// docs/semantics/cilium-objects.md#layer-7-rules-that-are-rejected: dns on ingress.
#[test]
fn dns_is_for_egress() {
    let item = "ports: [{port: \"53\"}], rules: {dns: [{matchPattern: \"*\"}]}";
    rejected(&rules("ingress", item), "spec.ingress[0].toPorts[0].rules.dns", "not for ingress");
    holds(&rules("egress", item), &["web → api:53/UDP is Allowed"]);
    let no_port = "rules: {dns: [{matchPattern: \"*\"}]}";
    rejected(&rules("egress", no_port), "spec.egress[0].toPorts[0].ports", "need port 53");
}

/// docs/semantics/cilium-objects.md#layer-7-rules-that-are-rejected: L7 in rules for nodes: none on
/// ingress, neither http nor kafka on egress.
#[test]
fn l7_of_nodes() {
    let policy = |section: &str, item: &str| {
        ccnp("p", &format!("nodeSelector: {{}}, {section}: [{{toPorts: [{{{item}}}]}}]"))
    };
    for section in ["ingress", "egress"] {
        let http = policy(section, &format!("{TCP}, rules: {{http: [{{}}]}}"));
        let path = format!("spec.{section}[0].toPorts[0].rules");
        rejected(&http, &path, "cannot stand in a rule with nodeSelector");
    }
    let dns = "ports: [{port: \"53\"}], rules: {dns: [{matchPattern: \"*\"}]}";
    assert_eq!(cluster(&policy("egress", dns)).rejected(), [""; 0]);
}

/// docs/semantics/cilium-objects.md#layer-7-rules-that-are-rejected: listener on ingress; listener
/// together with rules.
#[test]
fn listeners() {
    let listener = "listener: {envoyConfig: {name: e}, name: l}";
    let path = "spec.ingress[0].toPorts[0].listener";
    rejected(&rules("ingress", &format!("{TCP}, {listener}")), path, "not for ingress");
    let both = format!("{TCP}, {listener}, rules: {{http: [{{}}]}}");
    rejected(&rules("egress", &both), "spec.egress[0].toPorts[0].listener", "cannot stand with L7");
    holds(&rules("egress", &format!("{TCP}, {listener}")), &["web → api:80 is Allowed"]);
}

/// docs/semantics/cilium-objects.md#layer-7-rules-that-are-rejected: serverNames together with L7
/// rules unless terminatingTLS is set; an empty serverName.
#[test]
fn server_names() {
    let path = "spec.egress[0].toPorts[0].serverNames";
    let names = "serverNames: [api.example.com]";
    let both = format!("{TCP}, {names}, rules: {{http: [{{}}]}}");
    rejected(&rules("egress", &both), path, "unless terminatingTLS");
    let terminated = format!("{both}, terminatingTLS: {{secret: {{name: s}}}}");
    holds(&rules("egress", &terminated), &["web → api:80 is Allowed"]);
    let first = format!("{path}[0]");
    rejected(
        &rules("egress", &format!("{TCP}, serverNames: [\"\"]")),
        &first,
        "is not at most 255",
    );
}

/// docs/semantics/cilium-objects.md#layer-7-rules-that-are-rejected: DNS rules with a range of ports.
#[test]
fn dns_rules_take_no_range() {
    let item = "ports: [{port: \"53\", endPort: 54}], rules: {dns: [{matchPattern: \"*\"}]}";
    rejected(&rules("egress", item), "spec.egress[0].toPorts[0].ports[0].endPort", "a range");
}

/// docs/semantics/cilium-objects.md#layer-7-rules-that-are-rejected: any L7 rule with enable-l7-proxy
/// off.
#[test]
fn l7_needs_the_proxy() {
    let off = Cilium { l7_proxy: false, ..settings() };
    let policy = rules("ingress", &format!("{TCP}, rules: {{http: [{{}}]}}"));
    rejected_with(off, &policy, "spec.ingress[0].toPorts[0].rules", "enable-l7-proxy");
}

/// docs/semantics/cilium-objects.md#networks-that-are-rejected: an item of `toCIDRSet` with not
/// exactly one of cidr, cidrGroupRef and cidrGroupSelector; except outside of cidr.
#[test]
fn cidr_rules() {
    let set = |item: &str| egress(&format!("[{{toCIDRSet: [{item}]}}]"));
    let path = "spec.egress[0].toCIDRSet[0]";
    for item in [
        "{}",
        "{except: []}",
        "{cidr: 10.0.0.0/8, cidrGroupRef: a}",
        "{cidr: 10.0.0.0/8, cidrGroupSelector: {}}",
        "{cidrGroupRef: a, cidrGroupSelector: {}}",
    ] {
        rejected(&set(item), path, "needs exactly one of cidr");
    }
    for except in ["192.168.0.0/16", "\"2001:db8::/32\""] {
        let item = format!("{{cidr: 10.0.0.0/8, except: [{except}]}}");
        rejected(&set(&item), &format!("{path}.except[0]"), "is not inside 10.0.0.0/8");
    }
    rejected(&set("{cidr: 10.0.0.1}"), &format!("{path}.cidr"), "is not a CIDR");
    rejected(&egress("[{toCIDR: [example.com]}]"), "spec.egress[0].toCIDR[0]", "is not a CIDR");
}

/// docs/semantics/cilium-objects.md#nodes-need-a-setting: fromNodes and toNodes with
/// enable-node-selector-labels off.
#[test]
fn nodes_need_their_labels() {
    for (policy, path) in [
        (ingress("[{fromNodes: [{}]}]"), "spec.ingress[0].fromNodes"),
        (egress("[{toNodes: [{}]}]"), "spec.egress[0].toNodes"),
    ] {
        rejected(&policy, path, "needs the option enable-node-selector-labels");
        let on = Cilium { node_selector_labels: true, ..settings() };
        assert_eq!(with(on, &policy).rejected(), [""; 0]);
    }
}

/// docs/semantics/cilium-objects.md#fields-that-are-not-there: toFQDNs in egressDeny: there is no
/// such field, so the API server drops it and the element is one without peers.
#[test]
fn names_are_not_denied() {
    let names = "toFQDNs: [{matchName: a.b}]";
    let open = "egress: [{toEntities: [all]}]";
    let policy = cnp("p", &format!("{WEB}, {open}, egressDeny: [{{{names}}}]"));
    holds(&policy, &["web → https://a.b is Allowed", "web → api:80 is Allowed"]);
    super::lint(
        &cluster(&policy),
        "spec.egressDeny[0].toFQDNs is not known here and the API server",
    );
    let ports = "toPorts: [{ports: [{port: \"80\"}]}]";
    let policy = cnp("p", &format!("{WEB}, {open}, egressDeny: [{{{names}, {ports}}}]"));
    holds(&policy, &["web → api:80 is Denied", "web → https://a.b is Allowed"]);
}

/// docs/semantics/cilium-objects.md#fields-that-are-not-there: fromRequires and toRequires, which
/// must be empty from 1.19 on.
#[test]
fn requires_are_gone_from_1_19_on() {
    for (policy, path) in [
        (ingress("[{fromRequires: [{}]}]"), "spec.ingress[0].fromRequires"),
        (egress("[{toRequires: [{}]}]"), "spec.egress[0].toRequires"),
    ] {
        rejected(&policy, path, "was removed in Cilium 1.19");
        let older = Cilium::new(CiliumVersion::V1_18);
        assert_eq!(with(older, &policy).rejected(), [""; 0]);
    }
    holds(&ingress("[{fromRequires: [], fromEndpoints: [{}]}]"), &["web → api:80 is Allowed"]);
}

/// docs/semantics/cilium-objects.md#log: log.value of more than 32 characters, or not printable.
#[test]
fn log_values() {
    let policy =
        |value: &str| cnp("p", &format!("{API}, log: {{value: {value}}}, ingress: [{{}}]"));
    for value in ["a".repeat(33), "\"a\\tb\"".to_owned()] {
        rejected(&policy(&value), "spec.log.value", "longer than 32");
    }
    assert_eq!(cluster(&policy(&"a".repeat(32))).rejected(), [""; 0]);
}

/// docs/semantics/cilium-objects.md#who-refuses: exactly one of the two, of characters of DNS names.
/// The CRD has one schema for `toFQDNs` and `rules.dns`, so `dns: [{}]` never reaches the agent,
/// which would take it.
#[test]
fn names_are_checked() {
    let long = format!("{{matchName: {}}}", "a".repeat(256));
    for (name, path, part) in [
        ("{}", "", "needs exactly one of matchName"),
        ("{matchName: a.b, matchPattern: \"*.b\"}", "", "needs exactly one of matchName"),
        ("{matchName: \"*.b\"}", ".matchName", "letters, digits, -, _,"),
        ("{matchName: \"a..b\"}", ".matchName", "single dots"),
        ("{matchName: \"\"}", ".matchName", "letters"),
        ("{matchPattern: \"a/b\"}", ".matchPattern", "letters, digits, -, _ and *"),
        (&long, ".matchName", "at most 255"),
    ] {
        let policy = egress(&format!("[{{toFQDNs: [{name}]}}]"));
        rejected(&policy, &format!("spec.egress[0].toFQDNs[0]{path}"), part);
        let dns =
            format!("[{{toPorts: [{{ports: [{{port: \"53\"}}], rules: {{dns: [{name}]}}}}]}}]");
        let path = format!("spec.egress[0].toPorts[0].rules.dns[0]{path}");
        rejected(&egress(&dns), &path, part);
        let text = cluster(&egress(&dns)).ask("web → api:80").text();
        assert!(text.contains("would be refused by the API server"), "{text}");
    }
    for name in ["{matchName: a.b.}", "{matchPattern: \"*\"}", "{matchPattern: \"**.b_c-d\"}"] {
        let policy = egress(&format!("[{{toFQDNs: [{name}]}}]"));
        assert_eq!(cluster(&policy).rejected(), [""; 0], "{name}");
    }
}

/// docs/semantics/cilium-objects.md#who-refuses: a rule is checked as a whole, and every fault is
/// told.
#[test]
fn every_fault_is_told() {
    let body = "specs: [{ingress: [{}]}, {endpointSelector: {}}]";
    let cluster = cluster(&object("p", body));
    assert_eq!(cluster.rejected().len(), 2, "{:?}", cluster.rejected());
    holds_with(settings(), "", &["web → api:80 is Allowed"]);
}
