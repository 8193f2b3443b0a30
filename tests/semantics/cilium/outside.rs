//! Section 3: "CIDR" and "toFQDNs".

use super::{cluster, egress, group, holds, holds_with, ingress, lint, settings};
use netpol::policy::{Cilium, CiliumVersion};

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
