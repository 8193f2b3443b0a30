//! Section 3: "CIDR", "toFQDNs" and "toServices".

use super::{cluster, egress, group, holds, holds_with, ingress, lint, settings};
use crate::semantics::{BASE, Cluster};
use netpol::cluster::Origin;
use netpol::policy::{Cilium, CiliumVersion, Enforcer, Ruleset};
use netpol::source::manifests::decode_text;
use std::path::Path;

fn set(item: &str) -> String {
    egress(&format!("[{{toCIDRSet: [{item}]}}]"))
}

/// fromCIDR and toCIDR: an address or a prefix.
#[test]
fn addresses_and_prefixes() {
    holds(
        &egress("[{toCIDR: [203.0.113.7, 198.51.100.0/24, \"2001:db8::/32\"]}]"),
        &[
            "web → 203.0.113.7:443 is Allowed",
            "web → 203.0.113.8:443 is Denied",
            "web → 198.51.100.9:443 is Allowed",
        ],
    );
    holds(
        &ingress("[{fromCIDR: [203.0.113.0/24]}]"),
        &["203.0.113.7 → api:80 is Allowed", "198.51.100.9 → api:80 is Denied"],
    );
    // Bits of the host are masked.
    let sloppy = egress("[{toCIDR: [203.0.113.7/24]}]");
    holds(&sloppy, &["web → 203.0.113.9:443 is Allowed"]);
    lint(&cluster(&sloppy), "203.0.113.7/24 is read as 203.0.113.0/24");
}

/// `toCIDRSet`: cidr with except, which narrows this item and is no deny.
#[test]
fn except_narrows_its_own_item() {
    let item = "{cidr: 203.0.113.0/24, except: [203.0.113.0/28]}";
    let lines = ["web → 203.0.113.77:443 is Allowed", "web → 203.0.113.7:443 is Denied"];
    holds(&set(item), &lines);
    let other = egress(&format!("[{{toCIDRSet: [{item}]}}, {{toCIDR: [203.0.113.7]}}]"));
    holds(&other, &["web → 203.0.113.7:443 is Allowed", "web → 203.0.113.8:443 is Denied"]);
}

/// A CIDR means what is outside the cluster: never pods or nodes, whatever their addresses.
#[test]
fn networks_mean_what_is_outside() {
    holds(
        &egress("[{toCIDR: [10.0.0.0/8, 192.168.0.0/16]}]"),
        &[
            "web → api:80 is Denied",
            "web → node/n1:22 is Denied",
            "web → node/n2:22 is Denied",
            "web → 10.9.9.9:80 is Allowed",
        ],
    );
}

/// policy-cidr-match-mode: `nodes` from 1.15 on, `pods` from 1.20 on.
#[test]
fn match_modes() {
    let policy = egress("[{toCIDR: [10.0.0.0/8, 192.168.0.0/16]}]");
    let nodes = Cilium { cidr_matches_nodes: true, ..settings() };
    holds_with(nodes.clone(), &policy, &["web → node/n1:22 is Allowed", "web → api:80 is Denied"]);
    let pods = Cilium { cidr_matches_pods: true, ..Cilium::new(CiliumVersion::V1_20) };
    holds_with(pods.clone(), &policy, &["web → api:80 is Allowed", "web → node/n1:22 is Denied"]);
    // Then the world may have pods in it; nodes it has none.
    for world in ["toEntities: [world]", "toCIDR: [0.0.0.0/0]"] {
        let world = egress(&format!("[{{{world}}}]"));
        holds_with(pods.clone(), &world, &["web → api:80 is Unknown"]);
        holds_with(nodes.clone(), &world, &["web → node/n1:22 is Denied"]);
    }
}

/// `0.0.0.0/0` and `::/0` are the world, and nothing in the cluster.
#[test]
fn whole_families() {
    holds(
        &egress("[{toCIDR: [0.0.0.0/0]}]"),
        &[
            "web → 203.0.113.7:443 is Allowed",
            "web → api:80 is Denied",
            "web → node/n1:22 is Denied",
            "web → node/n2:22 is Denied",
        ],
    );
    holds(
        &set("{cidr: 0.0.0.0/0, except: [203.0.113.0/24]}"),
        &["web → 198.51.100.7:443 is Allowed", "web → 203.0.113.7:443 is Denied"],
    );
    holds(&egress("[{toCIDR: [\"::/0\"]}]"), &["web → 203.0.113.7:443 is Denied"]);
}

/// A broader rule matches what a narrower network also has.
#[test]
fn selection_is_by_containment() {
    holds(
        &egress("[{toCIDR: [203.0.113.0/25]}, {toCIDR: [203.0.0.0/16]}]"),
        &["web → 203.0.113.7:443 is Allowed", "web → 203.0.113.200:443 is Allowed"],
    );
}

/// cidrGroupRef: the networks of the group, with the item's own except.
#[test]
fn groups_by_name() {
    let groups = group("partners", "[203.0.113.0/24, 198.51.100.0/24]");
    holds(
        &format!("{groups}{}", set("{cidrGroupRef: partners, except: [203.0.113.0/28]}")),
        &[
            "web → 203.0.113.77:443 is Allowed",
            "web → 203.0.113.7:443 is Denied",
            "web → 198.51.100.7:443 is Allowed",
            "web → 192.0.2.7:443 is Denied",
        ],
    );
}

/// A group that was not read may have any address; one with faults is refused.
#[test]
fn groups_that_are_not_there() {
    let policy = set("{cidrGroupRef: partners}");
    let lines = ["web → 203.0.113.7:443 is Unknown", "web → api:80 is Denied"];
    holds(&policy, &lines);
    lint(&cluster(&policy), "the CiliumCIDRGroup partners is not among what was read");
    let faulty = cluster(&format!("{}{policy}", group("partners", "[203.0.113.0]")));
    assert!(faulty.rejected()[0].contains("ccg/partners: spec.externalCIDRs[0]"));
    faulty.holds(&lines);
}

/// cidrGroupSelector: groups by their labels.
#[test]
fn groups_by_labels() {
    let groups = format!(
        "{}{}",
        group("partners", "[203.0.113.0/24]"),
        group("suppliers", "[198.51.100.0/24]")
    );
    let lines = ["web → 203.0.113.7:443 is Allowed", "web → 198.51.100.7:443 is Denied"];
    let policy = set("{cidrGroupSelector: {matchLabels: {kind: partners}}}");
    holds(&format!("{groups}{policy}"), &lines);
    holds(&policy, &["web → 203.0.113.7:443 is Unknown"]);
    let all = set("{cidrGroupSelector: {}}");
    holds(&format!("{groups}{all}"), &["web → 198.51.100.7:443 is Allowed"]);
}

fn names(items: &str) -> String {
    egress(&format!("[{{toFQDNs: [{items}]}}]"))
}

/// toFQDNs: matchName is the name, matchPattern a pattern of one label for each `*`.
#[test]
fn names_and_patterns() {
    for (item, name, verdict) in [
        ("matchName: login.example.com", "login.example.com", "Allowed"),
        ("matchName: login.example.com", "www.example.com", "Denied"),
        ("matchPattern: \"*.example.com\"", "www.example.com", "Allowed"),
        ("matchPattern: \"*.example.com\"", "a.www.example.com", "Denied"),
        ("matchPattern: \"*.example.com\"", "example.com", "Denied"),
        ("matchPattern: \"**.example.com\"", "a.www.example.com", "Allowed"),
        ("matchPattern: \"**.example.com\"", "example.com", "Denied"),
        ("matchPattern: \"*\"", "a.www.example.com", "Allowed"),
        ("matchPattern: \"log*.example.com\"", "login.example.com", "Allowed"),
    ] {
        let line = format!("web → https://{name} is {verdict}");
        holds(&names(&format!("{{{item}}}")), &[&line]);
    }
}

/// toFQDNs: which address has which name only DNS tells; what is in the cluster has none.
#[test]
fn names_of_addresses() {
    holds(
        &names("{matchName: login.example.com}"),
        &[
            "web → 203.0.113.7:443 is Unknown",
            "web → api:80 is Denied",
            "web → node/n1:22 is Denied",
        ],
    );
}

/// toFQDNs: without a DNS rule Cilium learns no address.
#[test]
fn names_need_a_dns_rule() {
    let policy = names("{matchName: login.example.com}");
    lint(&cluster(&policy), "needs a rule that lets Cilium see the answers of DNS");
    let dns = "[{toFQDNs: [{matchName: login.example.com}]}, {toEndpoints: [{matchLabels: \
               {io.kubernetes.pod.namespace: kube-system}}], toPorts: [{ports: [{port: \"53\"}], \
               rules: {dns: [{matchPattern: \"*\"}]}}]}]";
    assert_eq!(cluster(&egress(dns)).lints(), [""; 0]);
}

fn services(items: &str) -> String {
    egress(&format!("[{{toServices: [{items}]}}]"))
}

const SERVICES: &str = "---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop, labels: {tier: back}}
spec: {selector: {app: api}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: client, namespace: other}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: legacy, namespace: shop}
spec: {ports: [{port: 443}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: legacy-1, namespace: shop, labels: {kubernetes.io/service-name: legacy}}
addressType: IPv4
ports: [{port: 443}]
endpoints: [{addresses: [203.0.113.7]}, {addresses: [10.0.1.10]}]
";

/// toServices: with a selector its pods, in its namespace.
#[test]
fn services_with_a_selector() {
    let api = services("{k8sService: {serviceName: api, namespace: shop}}");
    holds(
        &format!("{SERVICES}{api}"),
        &[
            "web → api:8080 is Allowed",
            "web → other/client:80 is Denied",
            "web → svc/api:80 is Allowed",
        ],
    );
    let client = services("{k8sService: {serviceName: client, namespace: other}}");
    holds(
        &format!("{SERVICES}{client}"),
        &["web → other/client:80 is Allowed", "web → api:80 is Denied"],
    );
    let elsewhere = services("{k8sService: {serviceName: api, namespace: other}}");
    holds(&format!("{SERVICES}{elsewhere}"), &["web → api:8080 is Denied"]);
    // Without a namespace any.
    let any = services("{k8sService: {serviceName: client}}");
    holds(&format!("{SERVICES}{any}"), &["web → other/client:80 is Allowed"]);
}

/// toServices: without a selector the addresses of its EndpointSlices, as CIDRs.
#[test]
fn services_without_a_selector() {
    let legacy = services("{k8sService: {serviceName: legacy, namespace: shop}}");
    holds(
        &format!("{SERVICES}{legacy}"),
        &[
            "web → 203.0.113.7:443 is Allowed",
            "web → 203.0.113.8:443 is Denied",
            // A network means no pod.
            "web → api:443 is Denied",
        ],
    );
}

/// toServices: k8sServiceSelector selects Services by their own labels.
#[test]
fn services_by_labels() {
    let policy =
        services("{k8sServiceSelector: {selector: {matchLabels: {tier: back}}, namespace: shop}}");
    holds(
        &format!("{SERVICES}{policy}"),
        &["web → api:8080 is Allowed", "web → other/client:80 is Denied"],
    );
}

/// toServices: backend ports may be combined; a Service that is not there matches nothing.
#[test]
fn services_with_ports_and_without_services() {
    let ports = "[{toServices: [{k8sService: {serviceName: api, namespace: shop}}], \
                 toPorts: [{ports: [{port: \"8080\"}]}]}]";
    holds(
        &format!("{SERVICES}{}", egress(ports)),
        &["web → api:8080 is Allowed", "web → api:80 is Denied"],
    );
    let missing = services("{k8sService: {serviceName: nothing, namespace: shop}}");
    holds(&missing, &["web → api:80 is Denied", "web → 203.0.113.7:443 is Denied"]);
    lint(&cluster(&missing), "names no Service that is among what was read");
}

/// toServices: of a live cluster not every Service is read, so those that are not may match.
#[test]
fn services_of_a_live_cluster() {
    let of = |items: &str| {
        let text = format!("{BASE}{}", services(items));
        let (objects, _) = decode_text(text.into(), Path::new("in.yaml"), "shop");
        let (snapshot, mut written) = objects.assemble();
        written.cilium_policies[0].origin = Origin::Live { applied: None, owner: None };
        let rules = Ruleset::compile(&written, &snapshot, &Enforcer::Cilium(settings()));
        Cluster { snapshot, rules }
    };
    for items in [
        "{k8sService: {serviceName: api, namespace: shop}}",
        "{k8sServiceSelector: {selector: {}, namespace: shop}}",
    ] {
        of(items).holds(&[
            "web → api:80 is Unknown",
            "web → other/client:80 is Denied",
            "web → 203.0.113.7:443 is Unknown",
        ]);
    }
}
