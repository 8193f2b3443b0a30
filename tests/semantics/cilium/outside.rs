//! docs/semantics/cilium-rules.md#networks and docs/semantics/cilium-rules.md#names.

use super::{
    ccnp, cluster, cnp, conditions, egress, group, holds, holds_with, ingress, lint, live,
    settings, with,
};
use netpol::policy::{Cilium, CiliumVersion};

fn set(item: &str) -> String {
    egress(&format!("[{{toCIDRSet: [{item}]}}]"))
}

/// fromCIDR and toCIDR: a prefix. The agent takes an address too, the CRD does not, so there are only
/// old ones of those.
#[test]
fn addresses_and_prefixes() {
    holds(
        &egress("[{toCIDR: [203.0.113.7/32, 198.51.100.0/24, \"2001:db8::/32\"]}]"),
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
    let single = "[{toCIDR: [203.0.113.7, \"2001:db8::7\"]}]";
    let refused = cluster(&egress(single)).rejected();
    assert!(refused[0].contains("\"203.0.113.7\" is an address, not a CIDR: write 203.0.113.7/32"));
    live(settings(), &egress(single))
        .holds(&["web → 203.0.113.7:443 is Allowed", "web → 203.0.113.8:443 is Denied"]);
    // Bits of the host are masked.
    let sloppy = egress("[{toCIDR: [203.0.113.7/24]}]");
    holds(&sloppy, &["web → 203.0.113.9:443 is Allowed"]);
    lint(&cluster(&sloppy), "203.0.113.7/24 is read as 203.0.113.0/24");
}

/// docs/semantics/cilium-rules.md#except: `toCIDRSet`: cidr with except, which narrows this item and
/// is no deny.
#[test]
fn except_narrows_its_own_item() {
    let item = "{cidr: 203.0.113.0/24, except: [203.0.113.0/28]}";
    let lines = ["web → 203.0.113.77:443 is Allowed", "web → 203.0.113.7:443 is Denied"];
    holds(&set(item), &lines);
    let other = egress(&format!("[{{toCIDRSet: [{item}]}}, {{toCIDR: [203.0.113.7/32]}}]"));
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

/// docs/semantics/cilium-rules.md#all-addresses: `0.0.0.0/0` and `::/0` are the world, and nothing in
/// the cluster.
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

/// docs/semantics/cilium-rules.md#cidr-groups: the networks of the group, with the item's own except.
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

/// docs/semantics/cilium-rules.md#cidr-groups: groups by their labels.
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

/// A rule for names, and one that shows lookups of every name to Cilium.
fn names(items: &str) -> String {
    egress(&format!("[{{toFQDNs: [{items}]}}, {}]", asks("{matchPattern: \"*\"}")))
}

/// An element that lets pods ask the cluster's DNS for these names.
fn asks(names: &str) -> String {
    format!(
        "{{toEndpoints: [{{matchLabels: {{io.kubernetes.pod.namespace: kube-system}}}}], toPorts: \
         [{{ports: [{{port: \"53\"}}], rules: {{dns: [{names}]}}}}]}}"
    )
}

/// docs/semantics/cilium-rules.md#lookups: what no rule for DNS lets a pod ask for it does not reach by
/// name; a rule for port 53 without names makes the others void.
#[test]
fn lookups_that_are_refused() {
    let question = "web → https://login.example.com";
    let with = |dns: &str, more: &str| {
        let fqdns = "{toFQDNs: [{matchPattern: \"*.example.com\"}]}";
        cluster(&egress(&format!("[{fqdns}, {}{more}]", asks(dns))))
    };
    let plain = ", {toPorts: [{ports: [{port: \"53\", protocol: ANY}]}]}";
    for (dns, more, verdict) in [
        ("{matchPattern: \"*\"}", "", "Allowed"),
        ("{matchPattern: \"*.example.com\"}", "", "Allowed"),
        ("{matchName: login.example.com}", "", "Allowed"),
        ("{matchName: www.example.com}", "", "Denied"),
        ("{matchPattern: \"*.example.org\"}", "", "Denied"),
        ("{matchName: www.example.com}, {matchName: login.example.com}", "", "Allowed"),
        ("{matchName: www.example.com}", plain, "Allowed"),
    ] {
        let cluster = with(dns, more);
        cluster.holds(&[&format!("{question} is {verdict}")]);
    }
    let text = with("{matchName: www.example.com}", "").ask(question).text();
    let told = "the name matches, and the pod cannot learn its address: its rules for DNS let it ask for \
                www.example.com only";
    assert!(text.contains(told), "{text}");
    // By address which name it is is not known, as ever.
    with("{matchName: www.example.com}", "").holds(&["web → 203.0.113.7:443 is Unknown"]);
}

/// docs/semantics/cilium-rules.md#names: that `*` is one label is said where it decides.
#[test]
fn levels_of_names_are_told() {
    let one = cluster(&names("{matchPattern: \"*.example.com\"}"));
    let text = one.ask("web → https://a.b.example.com").text();
    assert!(text.contains("in which each * is at most one label"), "{text}");
    let text = one.ask("web → https://example.org").text();
    assert!(text.contains("is no name that matches *.example.com"), "{text}");
    assert!(!text.contains("one label"), "{text}");
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

/// docs/semantics/cilium-rules.md#names: `**.` is more than one level from 1.19 on; before it is
/// taken, as `*.`.
#[test]
fn patterns_of_several_levels() {
    let policy = names("{matchPattern: \"**.example.com\"}");
    for (version, several) in [
        (CiliumVersion::V1_18, "Denied"),
        (CiliumVersion::V1_19, "Allowed"),
        (CiliumVersion::V1_20, "Allowed"),
    ] {
        let line = format!("web → https://a.www.example.com is {several}");
        holds_with(
            Cilium::new(version),
            &policy,
            &[
                "web → https://www.example.com is Allowed",
                "web → https://example.com is Denied",
                &line,
            ],
        );
    }
}

/// docs/semantics/cilium-objects.md#networks-that-are-rejected: an except that is wider than its
/// network leaves nothing; 1.20 rejects it.
#[test]
fn an_except_that_is_wider_than_its_network() {
    let policy = set("{cidr: 203.0.113.0/24, except: [203.0.113.0/16]}");
    for version in [CiliumVersion::V1_18, CiliumVersion::V1_19] {
        holds_with(Cilium::new(version), &policy, &["web → 203.0.113.7:443 is Denied"]);
    }
    let newer = with(Cilium::new(CiliumVersion::V1_20), &policy);
    assert!(newer.rejected()[0].contains("toCIDRSet[0].except[0] 203.0.113.0/16 is not inside"));
    newer.holds(&["web → 203.0.113.7:443 is Allowed"]);
}

/// docs/semantics/cilium-rules.md#addresses-of-the-pod-network: an address of the pod network that no
/// pod is known to have may be a pod's, so it is neither outside for certain nor a pod for certain.
#[test]
fn addresses_of_the_pod_network() {
    let of = |policy: &str| cluster(policy).pod_cidrs(&["10.9.0.0/16"]);
    for list in ["toCIDR: [10.0.0.0/8]", "toCIDR: [0.0.0.0/0]", "toEntities: [world]"] {
        let cluster = of(&egress(&format!("[{{{list}}}]")));
        cluster.holds(&["web → 10.9.9.9:80 is Unknown", "web → 10.10.9.9:80 is Allowed"]);
        let text = cluster.ask("web → 10.9.9.9:80").text();
        let told = "10.9.9.9 is in the pod network, and no pod that was read has this address";
        assert!(text.contains(told), "{text}");
        // Without it nothing says so.
        super::cluster(&egress(&format!("[{{{list}}}]"))).holds(&["web → 10.9.9.9:80 is Allowed"]);
    }
    of(&egress("[{toEndpoints: [{}]}]")).holds(&["web → 10.9.9.9:80 is Unknown"]);
    of(&egress("[{toEntities: [world, cluster]}]")).holds(&["web → 10.9.9.9:80 is Allowed"]);
    of(&egress("[{toCIDR: [203.0.113.0/24]}]")).holds(&["web → 10.9.9.9:80 is Denied"]);
    let modes = Cilium { cidr_matches_pods: true, ..Cilium::new(CiliumVersion::V1_20) };
    let by_address = with(modes, &egress("[{toCIDR: [10.0.0.0/8]}]")).pod_cidrs(&["10.9.0.0/16"]);
    by_address.holds(&["web → 10.9.9.9:80 is Allowed"]);
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

/// docs/semantics/cilium-rules.md#lookups: without a DNS rule for the same pods Cilium learns addresses
/// from others' lookups at best, so that it is not known.
#[test]
fn names_need_a_dns_rule_for_the_same_pods() {
    let policy = egress("[{toFQDNs: [{matchName: login.example.com}]}]");
    let told = "shop/cnp/out: spec.egress[0].toFQDNs needs a rule with rules.dns toward the DNS \
                server for the same pods, by which Cilium learns the addresses: none was found for \
                shop/web";
    let question = "web → https://login.example.com";
    let unknown = "Cilium learns the addresses of names from answers of DNS, and no rule with rules.dns \
                   shows it those of this pod";
    let proxy = "toPorts: [{ports: [{port: \"53\"}], rules: {dns: [{matchPattern: \"*\"}]}}]";
    let of = |subject: &str, proxy: &str| {
        cnp("dns", &format!("endpointSelector: {subject}, egress: [{{{proxy}}}]"))
    };
    let empty = "toPorts: [{ports: [{port: \"53\"}], rules: {dns: []}}]";
    for other in [String::new(), of("{matchLabels: {app: api}}", proxy), of("{}", empty)] {
        let cluster = cluster(&format!("{policy}{other}"));
        assert_eq!(cluster.rejected(), [""; 0]);
        lint(&cluster, told);
        cluster.holds(&[
            "web → https://login.example.com is Unknown",
            "web → https://www.example.com is Denied",
        ]);
        let text = cluster.ask(question).text();
        assert!(text.contains(unknown), "{text}");
    }
    let everywhere = ccnp("dns", &format!("endpointSelector: {{}}, egress: [{{{proxy}}}]"));
    let same = "{matchExpressions: [{key: app, operator: Exists}]}";
    for other in
        [of("{}", proxy), of("{matchLabels: {app: web}}", proxy), of(same, proxy), everywhere]
    {
        let cluster = cluster(&format!("{policy}{other}"));
        cluster.holds(&["web → https://login.example.com is Allowed"]);
        assert_eq!(conditions(&cluster, question), [""; 0], "{other}");
        assert!(cluster.lints().iter().all(|lint| !lint.contains("rules.dns")), "{other}");
    }
    // Of pods of one rule, those that are seen are told from others.
    let either =
        cnp("out", "endpointSelector: {}, egress: [{toFQDNs: [{matchName: login.example.com}]}]");
    let seen = of("{matchLabels: {app: web}}", proxy);
    let both = cluster(&format!("{either}{seen}"));
    lint(&both, "none was found for shop/api");
    both.holds(&[
        "web → https://login.example.com is Allowed",
        "api → https://login.example.com is Unknown",
        "web → https://www.example.com is Denied",
        "api → https://www.example.com is Denied",
    ]);
    let dns = "[{toFQDNs: [{matchName: login.example.com}]}, {toEndpoints: [{matchLabels: \
               {io.kubernetes.pod.namespace: kube-system}}], toPorts: [{ports: [{port: \"53\"}], \
               rules: {dns: [{matchPattern: \"*\"}]}}]}]";
    assert_eq!(cluster(&egress(dns)).lints(), [""; 0]);
}
