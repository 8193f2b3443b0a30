//! Calico's policies, line by line: each test cites the rule of docs/semantics/calico.md that it holds
//! the answer to.

use super::{BASE, Cluster, enforced};
use netpol::policy::{Calico, Enforcer};
use netpol::verdict::Reason;

/// The base with these manifests after it, under Calico.
fn cluster(manifests: &str) -> Cluster {
    enforced(&format!("{BASE}{manifests}"), &Enforcer::Calico(Calico::default()))
}

/// Checks lines `SOURCE → DESTINATION is VERDICT` over the base with these manifests.
fn holds(manifests: &str, lines: &[&str]) {
    let cluster = cluster(manifests);
    assert_eq!(cluster.rejected(), [""; 0], "{manifests}");
    cluster.holds(lines);
}

/// An object of a cluster-wide kind, or of one in namespace shop.
fn object(kind: &str, name: &str, spec: &str) -> String {
    let global = kind.contains("Global") || kind == "Tier";
    let namespace = if global { "" } else { ", namespace: shop" };
    format!(
        "---\napiVersion: projectcalico.org/v3\nkind: {kind}\n\
         metadata: {{name: \"{name}\"{namespace}}}\nspec: {{{spec}}}\n"
    )
}

fn tier(name: &str, spec: &str) -> String {
    object("Tier", name, spec)
}

/// A NetworkPolicy of namespace shop.
fn policy(name: &str, spec: &str) -> String {
    object("NetworkPolicy", name, spec)
}

fn global(name: &str, spec: &str) -> String {
    object("GlobalNetworkPolicy", name, spec)
}

/// The NetworkPolicy `in` with these ingress rules for shop/api.
fn ingress(rules: &str) -> String {
    policy("in", &format!("selector: app == 'api', ingress: [{rules}]"))
}

/// The NetworkPolicy `out` with these egress rules for shop/web.
fn egress(rules: &str) -> String {
    policy("out", &format!("selector: app == 'web', egress: [{rules}]"))
}

/// docs/semantics/calico.md#one-direction: the first rule that matches, then the end of the tier;
/// docs/semantics/calico.md#profiles: what nobody says anything of passes.
#[test]
fn the_first_rule_that_matches_decides() {
    let rules = "{action: Log}, {action: Deny, protocol: TCP, destination: {ports: [22]}}, \
                 {action: Allow, source: {selector: app == 'web'}}";
    holds(
        &ingress(rules),
        &[
            "web → api:80 is Allowed",
            "web → api:22 is Denied",
            // The namespace of the rule is the policy's own.
            "other/client → api:80 is Denied",
            "api → web:80 is Allowed",
            "api → other/client:80 is Allowed",
        ],
    );
    let cluster = cluster(&ingress(rules));
    let answer = cluster.ask("other/client → api:80");
    assert_eq!(answer.ingress().reason, Reason::NoneAdmits);
    assert_eq!(answer.ingress().dropped_by().map(|tier| &*tier.name), Some("default"));
    assert!(answer.text().contains("dropped at the end of tier default"), "{}", answer.text());
}

/// docs/semantics/calico.md#tiers: by order, without one last; Pass leaves a tier; one whose default
/// action is Pass drops nothing.
#[test]
fn tiers_in_their_order() {
    let deny =
        "selector: app == 'api', ingress: [{action: Deny, source: {selector: app == 'web'}}]";
    let allow = "selector: app == 'api', ingress: [{action: Allow}]";
    let pass = "selector: app == 'api', ingress: [{action: Pass}]";
    for (manifests, verdict) in [
        // The lower order decides, whatever the names.
        (
            tier("a", "order: 20")
                + &tier("b", "order: 10")
                + &policy("x", &format!("tier: a, {deny}"))
                + &policy("y", &format!("tier: b, {allow}")),
            "Allowed",
        ),
        (
            tier("a", "")
                + &tier("b", "order: 10")
                + &policy("x", &format!("tier: b, {deny}"))
                + &policy("y", &format!("tier: a, {allow}")),
            "Denied",
        ),
        // Equal orders go by name.
        (
            tier("b", "order: 10")
                + &tier("a", "order: 10")
                + &policy("x", &format!("tier: b, {deny}"))
                + &policy("y", &format!("tier: a, {allow}")),
            "Allowed",
        ),
        // Pass goes on to the next tier, and behind the last one everything passes.
        (
            tier("a", "order: 10") + &policy("x", &format!("tier: a, {pass}")) + &policy("y", deny),
            "Denied",
        ),
        (tier("a", "order: 10") + &policy("x", &format!("tier: a, {pass}")), "Allowed"),
        (policy("x", pass), "Allowed"),
        // The end of a tier is Deny unless it is told otherwise.
        (tier("a", "order: 10") + &policy("x", "tier: a, selector: app == 'api'"), "Denied"),
        (
            tier("a", "order: 10, defaultAction: Pass")
                + &policy("x", "tier: a, selector: app == 'api'"),
            "Allowed",
        ),
        // A tier whose policies select others is passed over.
        (tier("a", "order: 10") + &policy("x", "tier: a, selector: app == 'nobody'"), "Allowed"),
    ] {
        holds(&manifests, &[&format!("web → api:80 is {verdict}")]);
    }
}

/// docs/semantics/calico.md#unknown-tiers.
#[test]
fn a_tier_that_is_not_there_makes_unknown() {
    let cluster = cluster(&policy("x", "tier: lost, selector: app == 'api', ingress: []"));
    cluster.holds(&["web → api:80 is Unknown", "web → other/client:80 is Unknown"]);
    let [lint] = &cluster.lints()[..] else { panic!("{:?}", cluster.lints()) };
    assert!(lint.contains("tier lost is not among what was read"), "{lint}");
}

/// docs/semantics/calico.md#order: lower first, without one last, and equal ones by the bytes of
/// `NAME/NAMESPACE/KIND`.
#[test]
fn policies_in_their_order() {
    let select = "selector: app == 'api'";
    let deny = format!("{select}, ingress: [{{action: Deny}}]");
    let allow = format!("{select}, ingress: [{{action: Allow}}]");
    let with = |order: &str, spec: &str| format!("order: {order}, {spec}");
    for (one, other, verdict) in [
        (policy("a", &with("10", &deny)), policy("b", &with("5", &allow)), "Allowed"),
        (policy("a", &with("-1", &deny)), policy("b", &with("0", &allow)), "Denied"),
        (policy("a", &with("1000.5", &allow)), policy("b", &with("1000.25", &deny)), "Denied"),
        (policy("a", &deny), policy("b", &with("1000000", &allow)), "Allowed"),
        (policy("b", &deny), policy("a", &allow), "Allowed"),
        // `-` comes before `/`.
        (policy("aa-b", &allow), policy("aa", &deny), "Allowed"),
        // The namespace of one for all is empty.
        (policy("a", &deny), global("a", &allow), "Allowed"),
    ] {
        holds(&(one + &other), &[&format!("web → api:80 is {verdict}")]);
    }
}

/// docs/semantics/calico.md#whom-a-policy-selects.
#[test]
fn whom_a_policy_selects() {
    for (spec, selected) in [
        ("", [true, true, true]),
        ("selector: all()", [true, true, true]),
        ("selector: app == 'web'", [false, true, true]),
        ("namespaceSelector: team == 'blue'", [false, false, true]),
        (
            "namespaceSelector: projectcalico.org/name == 'shop', selector: has(tier)",
            [true, false, false],
        ),
        ("selector: pcns.team == 'red'", [true, true, false]),
        ("selector: projectcalico.org/namespace != 'shop'", [false, false, true]),
        ("serviceAccountSelector: projectcalico.org/name == 'default'", [true, true, true]),
        ("serviceAccountSelector: projectcalico.org/name != 'default'", [false, false, false]),
    ] {
        let cluster = cluster(&global("g", &format!("types: [Ingress], {spec}")));
        for (pod, selected) in ["shop/api", "shop/web", "other/client"].iter().zip(selected) {
            let verdict = if selected { "Denied" } else { "Allowed" };
            cluster.holds(&[&format!("192.0.2.1 → {pod}:80 is {verdict}")]);
        }
    }
    holds(
        &policy("p", "types: [Ingress]"),
        &[
            "other/client → api:80 is Denied",
            "other/client → web:80 is Denied",
            "web → other/client:80 is Allowed",
        ],
    );
}

/// docs/semantics/calico.md#types.
#[test]
fn types_and_their_default() {
    let (rule, none) = ("[{action: Allow, source: {nets: [192.0.2.0/24]}}]", "[]");
    for (spec, into, out) in [
        ("", "Denied", "Allowed"),
        (&*format!("ingress: {rule}"), "Denied", "Allowed"),
        (&*format!("egress: {rule}"), "Allowed", "Denied"),
        (&*format!("egress: {none}"), "Denied", "Allowed"),
        (&*format!("ingress: {rule}, egress: {rule}"), "Denied", "Denied"),
        ("types: [Egress]", "Allowed", "Denied"),
        (&*format!("types: [Ingress], egress: {rule}"), "Denied", "Allowed"),
    ] {
        holds(
            &policy("p", &format!("selector: app == 'api', {spec}")),
            &[&format!("web → api:80 is {into}"), &format!("api → other/client:80 is {out}")],
        );
    }
    // Past the API nobody fills in types.
    let stored = policy("p", "selector: app == 'api'")
        .replace("projectcalico.org/v3", "crd.projectcalico.org/v1");
    holds(&stored, &["web → api:80 is Denied", "api → other/client:80 is Denied"]);
}

/// docs/semantics/calico.md#rules and docs/semantics/calico.md#own-namespace.
#[test]
fn whom_a_rule_means() {
    let allow = |source: &str| ingress(&format!("{{action: Allow, source: {{{source}}}}}"));
    for (source, web, client, outside) in [
        ("", true, true, true),
        ("selector: app == 'web'", true, false, false),
        ("selector: app == 'web', namespaceSelector: all()", true, true, false),
        ("namespaceSelector: team == 'blue'", false, true, false),
        ("notSelector: app == 'db'", true, false, false),
        ("notSelector: app == 'web'", false, false, false),
        ("notSelector: app == 'web', namespaceSelector: all()", false, false, false),
        ("serviceAccounts: {names: [default]}", true, false, false),
        ("serviceAccounts: {names: [other]}", false, false, false),
        ("nets: [10.0.2.0/24, 192.0.2.0/24]", false, true, true),
        ("notNets: [10.0.2.0/24]", true, false, true),
        ("nets: [10.0.0.0/8], notNets: [10.0.1.11/32]", false, true, false),
        ("nets: [10.0.0.0/8], selector: app == 'web'", true, false, false),
    ] {
        let verdict = |allowed| if allowed { "Allowed" } else { "Denied" };
        holds(
            &allow(source),
            &[
                &format!("web → api:80 is {}", verdict(web)),
                &format!("other/client → api:80 is {}", verdict(client)),
                &format!("192.0.2.1 → api:80 is {}", verdict(outside)),
            ],
        );
    }
    // For all namespaces, a notSelector alone means everyone but these.
    let rule = "{action: Allow, source: {notSelector: app == 'web'}}";
    holds(
        &global("g", &format!("selector: app == 'api', ingress: [{rule}]")),
        &["web → api:80 is Denied", "192.0.2.1 → api:80 is Allowed"],
    );
}

/// docs/semantics/calico.md#rules: what is asked of the pod itself.
#[test]
fn what_a_rule_asks_of_the_pod_itself() {
    for (destination, verdict) in [
        ("selector: tier == 'back'", "Allowed"),
        ("selector: tier == 'front'", "Denied"),
        ("nets: [10.0.1.10/32]", "Allowed"),
        ("nets: [10.0.1.11/32]", "Denied"),
        ("notNets: [10.0.1.10/32]", "Denied"),
        ("notSelector: has(tier)", "Denied"),
    ] {
        let rule = format!("{{action: Allow, destination: {{{destination}}}}}");
        holds(&ingress(&rule), &[&format!("web → api:80 is {verdict}")]);
    }
}

/// docs/semantics/calico.md#network-sets: by address, whoever has it, and by the labels that each kind
/// has.
#[test]
fn sets_of_addresses() {
    let set = |kind: &str, name: &str, nets: &str| {
        object(kind, name, &format!("nets: [{nets}]"))
            .replace("metadata: {", "metadata: {labels: {set: office}, ")
    };
    let sets = set("GlobalNetworkSet", "g", "192.0.2.0/24, 10.0.2.20/32")
        + &set("NetworkSet", "n", "198.51.100.0/24");
    let rule = |source: &str| ingress(&format!("{{action: Allow, source: {{{source}}}}}"));
    for (source, global, own, client) in [
        ("namespaceSelector: global(), selector: set == 'office'", true, false, true),
        ("selector: set == 'office'", false, true, false),
        ("namespaceSelector: all(), selector: set == 'office'", false, true, false),
        ("namespaceSelector: team == 'red', selector: set == 'office'", false, true, false),
        ("namespaceSelector: team == 'blue', selector: set == 'office'", false, false, false),
        (
            "selector: set == 'office' && projectcalico.org/orchestrator == 'k8s'",
            false,
            false,
            false,
        ),
    ] {
        let verdict = |allowed| if allowed { "Allowed" } else { "Denied" };
        holds(
            &format!("{sets}{}", rule(source)),
            &[
                &format!("192.0.2.1 → api:80 is {}", verdict(global)),
                &format!("198.51.100.1 → api:80 is {}", verdict(own)),
                &format!("other/client → api:80 is {}", verdict(client)),
            ],
        );
    }
}

/// docs/semantics/calico.md#network-sets: hosts count with the addresses that a HostEndpoint lists, and
/// their own labels; in the form in which objects are kept labels are not told.
#[test]
fn host_endpoints_as_peers() {
    let host = |spec: &str| {
        format!(
            "---\napiVersion: projectcalico.org/v3\nkind: HostEndpoint\nmetadata: {{name: n2, labels: \
             {{role: worker}}}}\nspec: {{node: n2, {spec}}}\n"
        )
    };
    let of_hosts = "namespaceSelector: global(), selector: role == 'worker'";
    let rule = ingress(&format!("{{action: Allow, source: {{{of_hosts}}}}}"));
    let listed = host("expectedIPs: [192.168.0.2]");
    holds(
        &format!("{listed}{rule}"),
        &["node/n2 → api:80 is Allowed", "web → api:80 is Denied", "192.0.2.1 → api:80 is Denied"],
    );
    // Without addresses it may be any host.
    holds(&format!("{}{rule}", host("interfaceName: \"*\"")), &["node/n2 → api:80 is Unknown"]);
    let stored = listed.replace("projectcalico.org/v3", "crd.projectcalico.org/v1");
    holds(&format!("{stored}{rule}"), &["node/n2 → api:80 is Unknown"]);
    // A policy of all hosts and pods: of the hosts nothing is said.
    holds(&global("g", "types: [Ingress]"), &["web → node/n2:80 is Allowed"]);
}

/// docs/semantics/calico.md#ip-families: of a pod with addresses of both families each is judged.
#[test]
fn pods_with_addresses_of_both_families() {
    let both = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: both, namespace: shop, labels: {app: \
                both}}\nspec: {nodeName: n2}\nstatus: {podIPs: [{ip: 10.0.1.30}, {ip: \
                \"2001:db8::30\"}]}\n";
    let into = |rule: &str| {
        let rule = format!("{{action: Allow, {rule}}}");
        format!("{both}{}", policy("p", &format!("selector: app == 'both', ingress: [{rule}]")))
    };
    for (rule, v4, v6) in [
        ("ipVersion: 6", "Denied", "Allowed"),
        ("ipVersion: 4", "Allowed", "Denied"),
        ("source: {nets: [192.0.2.0/24]}", "Allowed", "Denied"),
        ("source: {notNets: [2001:db8:1::/48]}", "Denied", "Allowed"),
        ("destination: {nets: [\"2001:db8::30/128\"]}", "Denied", "Allowed"),
        ("destination: {notNets: [10.0.1.30/32]}", "Denied", "Denied"),
    ] {
        holds(
            &into(rule),
            &[&format!("192.0.2.1 → both:80 is {v4}"), &format!("2001:db8:2::1 → both:80 is {v6}")],
        );
    }
    // By its labels it is the source with either address.
    let rule = ingress("{action: Allow, source: {selector: app == 'both'}}");
    holds(&format!("{both}{rule}"), &["both → api:80 is Allowed"]);
}

/// docs/semantics/calico.md#order and docs/semantics/calico.md#network-sets: what is odd and no fault.
#[test]
fn odd_and_no_fault() {
    let deny = "selector: app == 'api', ingress: [{action: Deny}]";
    let allow = "selector: app == 'api', ingress: [{action: Allow}]";
    let in_tier = |spec: &str| format!("tier: platform, {spec}");
    let platform = tier("platform", "order: 10");
    let of_set =
        ingress("{action: Allow, source: {namespaceSelector: global(), selector: set == 'x'}}");
    for (manifests, verdict) in [
        // A name need not begin with that of the tier.
        (format!("{platform}{}", policy("p", &in_tier(deny))), "Denied"),
        (format!("{platform}{}", policy("platform.p", &in_tier(deny))), "Denied"),
        // Equal orders, the same name in a namespace and for all.
        (
            policy("p", &format!("order: 5, {deny}")) + &global("p", &format!("order: 5, {allow}")),
            "Allowed",
        ),
        // Which addresses a set has that was not read is not known; where sets were read, one that is not there
        // has none.
        (of_set.clone(), "Unknown"),
        (of_set + &object("GlobalNetworkSet", "none", "nets: []"), "Denied"),
    ] {
        holds(&manifests, &[&format!("web → api:80 is {verdict}")]);
    }
}

/// docs/semantics/calico.md#refusals: what is refused counts as if it were not there, and is told.
#[test]
fn what_is_refused_is_not_there() {
    let deny = "selector: app == 'api', ingress: [{action: Deny}";
    let text = policy("p", &format!("{deny}, {{action: Allow, destination: {{ports: [80]}}}}]"));
    let cluster = cluster(&text);
    cluster.holds(&["web → api:80 is Allowed"]);
    assert!(cluster.rejected()[0].contains("needs protocol"), "{:?}", cluster.rejected());
}

/// docs/semantics/calico.md#labels: those of ServiceAccounts are not read.
#[test]
fn labels_of_accounts_are_not_known() {
    let rule = "{action: Allow, source: {serviceAccounts: {selector: team == 'red'}}}";
    holds(&ingress(rule), &["web → api:80 is Unknown", "other/client → api:80 is Denied"]);
}

/// docs/semantics/calico.md#protocols-and-ports.
#[test]
fn ports_and_protocols() {
    let to = |fields: &str| ingress(&format!("{{action: Allow, {fields}}}"));
    for (fields, port, verdict) in [
        ("protocol: TCP", "80", "Allowed"),
        ("protocol: 6", "80", "Allowed"),
        ("protocol: UDP", "80", "Denied"),
        ("notProtocol: UDP", "80", "Allowed"),
        ("notProtocol: TCP", "80", "Denied"),
        ("protocol: ICMP", "80", "Denied"),
        ("protocol: TCP, destination: {ports: [80, \"8000:9000\"]}", "8080", "Allowed"),
        ("protocol: TCP, destination: {ports: [80, \"8000:9000\"]}", "9001", "Denied"),
        ("protocol: TCP, destination: {ports: [http]}", "8080", "Allowed"),
        ("destination: {ports: [http]}", "8080", "Allowed"),
        ("destination: {ports: [dns]}", "5353", "Denied"),
        ("destination: {ports: [dns]}", "5353/UDP", "Allowed"),
        ("protocol: TCP, destination: {notPorts: [22]}", "22", "Denied"),
        ("protocol: TCP, destination: {notPorts: [22]}", "23", "Allowed"),
        ("protocol: TCP, destination: {notPorts: [http]}", "8080", "Denied"),
        ("protocol: TCP, destination: {notPorts: [http]}", "8081", "Allowed"),
        ("protocol: TCP, destination: {ports: [\"1:9000\"], notPorts: [http]}", "8080", "Denied"),
        // A question has no source port.
        ("protocol: TCP, source: {ports: [53]}", "80", "Unknown"),
    ] {
        holds(&to(fields), &[&format!("web → api:{port} is {verdict}")]);
    }
}

/// docs/semantics/calico.md#protocols-and-ports: where the eBPF dataplane reads a rule otherwise that is
/// told.
#[test]
fn what_ebpf_reads_otherwise_is_told() {
    for (rule, told) in [
        ("protocol: ICMPv6", "ICMPv6 is protocol 0 to the eBPF dataplane"),
        ("protocol: UDPLite", "136 means the same to both"),
        ("notProtocol: ICMPv6", "ingress[0].notProtocol ICMPv6 is protocol 0"),
        ("protocol: SCTP, destination: {ports: [80, http]}", "ports[1] is a name of an SCTP port"),
    ] {
        let lints = cluster(&ingress(&format!("{{action: Allow, {rule}}}"))).lints();
        assert!(lints.len() == 1 && lints[0].contains(told), "{rule}: {lints:?}");
    }
    for rule in ["protocol: 58", "protocol: ICMP", "protocol: TCP, destination: {ports: [http]}"] {
        let lints = cluster(&ingress(&format!("{{action: Allow, {rule}}}"))).lints();
        assert!(lints.is_empty(), "{rule}: {lints:?}");
    }
}

/// docs/semantics/calico.md#ip-families.
#[test]
fn a_rule_of_one_family() {
    let six = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: six, namespace: shop, labels: {app: api}}\n\
               spec: {}\nstatus: {podIPs: [{ip: \"2001:db8::10\"}]}\n";
    for (fields, v4, v6) in [
        ("ipVersion: 4", "Allowed", "Denied"),
        ("ipVersion: 6", "Denied", "Allowed"),
        ("source: {notNets: [198.51.100.0/24]}", "Allowed", "Denied"),
        ("source: {nets: [2001:db8::/32]}", "Denied", "Allowed"),
    ] {
        let rule = ingress(&format!("{{action: Allow, {fields}}}"));
        holds(
            &format!("{six}{rule}"),
            &[&format!("192.0.2.1 → api:80 is {v4}"), &format!("2001:db8::1 → six:80 is {v6}")],
        );
    }
}

/// docs/semantics/calico.md#services: endpoints with their ports as a destination, addresses as a source.
#[test]
fn who_is_behind_a_service() {
    let service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: api, namespace: shop}\nspec: \
                   {selector: {app: api}, ports: [{port: 80, targetPort: http}, {port: 53, \
                   protocol: UDP, targetPort: 5353}]}\n";
    let slice = "---\napiVersion: v1\nkind: Service\nmetadata: {name: out, namespace: shop}\nspec: \
                 {ports: [{port: 443}]}\n---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
                 metadata: {name: out-1, namespace: shop, labels: {kubernetes.io/service-name: out}}\n\
                 addressType: IPv4\nports: [{port: 8443}]\nendpoints: [{addresses: [192.0.2.7]}]\n";
    let to = |fields: &str| {
        format!("{service}{slice}{}", egress(&format!("{{action: Allow, {fields}}}")))
    };
    for (fields, flow, verdict) in [
        ("destination: {services: {name: api, namespace: shop}}", "api:8080", "Allowed"),
        ("destination: {services: {name: api}}", "api:8080", "Allowed"),
        ("destination: {services: {name: api}}", "api:5353/UDP", "Allowed"),
        ("protocol: TCP, destination: {services: {name: api}}", "api:5353/UDP", "Denied"),
        // The Service's own port is not the pod's.
        ("destination: {services: {name: api}}", "api:80", "Denied"),
        ("destination: {services: {name: api}}", "other/client:8080", "Denied"),
        ("destination: {services: {name: out}}", "192.0.2.7:8443", "Allowed"),
        ("destination: {services: {name: out}}", "192.0.2.7:443", "Denied"),
        ("destination: {services: {name: out}}", "192.0.2.8:8443", "Denied"),
        ("destination: {services: {name: lost}}", "api:8080", "Unknown"),
        ("destination: {services: {name: api, namespace: other}}", "api:8080", "Unknown"),
    ] {
        holds(&to(fields), &[&format!("web → {flow} is {verdict}")]);
    }
    // As a source a Service is its addresses, whatever the port.
    let from = policy(
        "in",
        "selector: app == 'web', ingress: [{action: Allow, source: {services: {name: api}}}]",
    );
    holds(
        &format!("{service}{from}"),
        &["api → web:80 is Allowed", "other/client → web:80 is Denied"],
    );
    // Pods on their node's network have its address.
    let on_node = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: agent, namespace: shop, labels: \
                   {app: api}}\nspec: {nodeName: n1, hostNetwork: true}\nstatus: {podIPs: [{ip: \
                   192.168.0.1}]}\n";
    holds(
        &format!("{on_node}{}", to("destination: {services: {name: api}}")),
        &["web → agent:8080 is Unknown", "web → api:8080 is Unknown"],
    );
}

/// docs/semantics/calico.md#http.
#[test]
fn what_is_not_judged_is_told() {
    let http = ingress("{action: Allow, http: {methods: [GET], paths: [{prefix: /public}]}}");
    let cluster = cluster(&http);
    let answer = cluster.ask("web → api:80");
    assert_eq!(answer.verdict(), "Allowed");
    let words = &answer.ingress().conditions[0].words;
    assert!(words.starts_with("HTTP GET /public…"), "{words}");
}

/// docs/semantics/calico.md#policies-of-kubernetes and
/// docs/semantics/calico.md#policies-of-administrators: all in one order.
#[test]
fn policies_of_kubernetes_stand_among_them() {
    let kubernetes = super::ingress("[{from: [{podSelector: {matchLabels: {app: web}}}]}]");
    let rule = |order: &str, action: &str| {
        policy("c", &format!("selector: app == 'api', {order} ingress: [{{action: {action}}}]"))
    };
    let admin = |tier: &str, action: &str| {
        format!(
            "---\napiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\n\
             metadata: {{name: c}}\nspec: {{tier: {tier}, priority: 5, subject: {{namespaces: {{}}}}, \
             ingress: [{{action: {action}, from: [{{namespaces: {{}}}}]}}]}}\n"
        )
    };
    for (others, web, client) in [
        (String::new(), "Allowed", "Denied"),
        (rule("order: 999,", "Deny"), "Denied", "Denied"),
        (rule("order: 999,", "Allow"), "Allowed", "Allowed"),
        (rule("order: 1001,", "Deny"), "Allowed", "Denied"),
        (rule("order: 1001,", "Allow"), "Allowed", "Allowed"),
        (rule("", "Pass"), "Allowed", "Allowed"),
        (admin("Admin", "Deny"), "Denied", "Denied"),
        (admin("Admin", "Accept"), "Allowed", "Allowed"),
        (admin("Baseline", "Accept"), "Allowed", "Denied"),
        (rule("", "Pass") + &admin("Baseline", "Deny"), "Allowed", "Denied"),
    ] {
        holds(
            &format!("{kubernetes}{others}"),
            &[&format!("web → api:80 is {web}"), &format!("other/client → api:80 is {client}")],
        );
    }
}

/// docs/semantics/calico.md#staged-policies.
#[test]
fn staged_policies_change_nothing() {
    let staged = |kind: &str| object(kind, "s", "stagedAction: Set, ingress: [{action: Deny}]");
    let all = staged("StagedNetworkPolicy")
        + &staged("StagedGlobalNetworkPolicy")
        + &staged("StagedKubernetesNetworkPolicy");
    holds(&all, &["web → api:80 is Allowed"]);
}

/// The base with these manifests after it, under Calico, with what is staged in force.
fn with_staged(manifests: &str) -> Cluster {
    super::with_staged(&format!("{BASE}{manifests}"), &Enforcer::Calico(Calico::default()))
}

/// docs/semantics/calico.md#staged-policies: what is staged takes the place of what it stands for, or
/// takes it away.
#[test]
fn staged_policies_as_if_they_were_in_force() {
    let deny = "selector: app == 'api', ingress: [{action: Deny}]";
    let allow = "selector: app == 'api', ingress: [{action: Allow}]";
    let staged = |name: &str, spec: &str| object("StagedNetworkPolicy", name, spec);
    let kubernetes = |spec: &str| object("StagedKubernetesNetworkPolicy", "in", spec);
    let all = |name: &str, spec: &str| object("StagedGlobalNetworkPolicy", name, spec);
    let in_kubernetes = super::ingress("[{from: [{podSelector: {}}]}]");
    for (manifests, verdict) in [
        (staged("s", deny), "Denied"),
        (staged("s", &format!("stagedAction: Set, {deny}")), "Denied"),
        // It replaces the policy of its name, and stands by its order among the others.
        (policy("p", deny) + &staged("p", allow), "Allowed"),
        (policy("p", &format!("order: 5, {allow}")) + &staged("s", deny), "Allowed"),
        (policy("p", deny) + &staged("p", "stagedAction: Delete"), "Allowed"),
        (policy("p", deny) + &staged("other", "stagedAction: Delete"), "Denied"),
        (global("p", deny) + &staged("p", "stagedAction: Delete"), "Denied"),
        (global("p", deny) + &all("p", "stagedAction: Delete"), "Allowed"),
        (all("p", deny), "Denied"),
        (in_kubernetes.clone() + &kubernetes("stagedAction: Delete"), "Allowed"),
        (in_kubernetes + &kubernetes("podSelector: {}, policyTypes: [Ingress]"), "Denied"),
        // What is only recommended is not staged.
        (staged("s", &format!("stagedAction: Learn, {deny}")), "Allowed"),
        // It may do anything once it is in force.
        (staged("s", "ingress: [{action: Allow, newer: 1}]"), "Unknown"),
    ] {
        let cluster = with_staged(&manifests);
        cluster.holds(&[&format!("web → api:80 is {verdict}")]);
    }
    let stored =
        policy("default.p", deny).replace("projectcalico.org/v3", "crd.projectcalico.org/v1");
    with_staged(&(stored + &staged("p", "stagedAction: Delete")))
        .holds(&["web → api:80 is Allowed"]);
    for (spec, told) in [
        ("stagedAction: Delete", "removes shop/caliconetworkpolicy/s, which is not among"),
        ("stagedAction: Learn", "\"Learn\" puts nothing in force"),
    ] {
        let lints = with_staged(&staged("s", spec)).lints();
        assert!(lints.iter().any(|lint| lint.contains(told)), "{spec}: {lints:?}");
    }
}

/// docs/semantics/calico.md#hosts.
#[test]
fn nodes_and_their_pods() {
    holds(
        &policy("p", "types: [Ingress, Egress]"),
        &[
            "node/n1 → api:80 is Allowed",
            "node/n2 → api:80 is Denied",
            "api → node/n1:80 is Denied",
        ],
    );
    holds(&policy("p", "egress: [{action: Allow}]"), &["api → node/n1:80 is Allowed"]);
    let tracked = "doNotTrack: true, applyOnForward: true, ingress: [{action: Deny}]";
    holds(&global("g", tracked), &["web → api:80 is Allowed"]);
}

/// docs/semantics/calico.md#refusals: each line is one thing that Calico refuses, with its place.
#[test]
fn refusals() {
    for (spec, path, says) in [
        ("selector: app = 'a'", "spec.selector", "at character 5"),
        ("selector: global()", "spec.selector", "global()"),
        ("types: [Ingress, Ingress]", "spec.types[1]", "twice"),
        ("types: [Inward]", "spec.types[0]", "Inward"),
        ("ingress: [{action: Permit}]", "spec.ingress[0].action", "Permit"),
        ("ingress: [{}]", "spec.ingress[0].action", "missing"),
        (
            "ingress: [{action: Allow, destination: {ports: [80]}}]",
            "spec.ingress[0].destination.ports[0]",
            "needs protocol",
        ),
        (
            "ingress: [{action: Allow, source: {nets: [10.0.1.7/24]}}]",
            "spec.ingress[0].source.nets[0]",
            "10.0.1.0/24",
        ),
        (
            "ingress: [{action: Allow, source: {nets: [x]}}]",
            "spec.ingress[0].source.nets[0]",
            "no network",
        ),
        (
            "ingress: [{action: Allow, source: {nets: [10.0.0.0/8, 2001:db8::/32]}}]",
            "spec.ingress[0]",
            "both IP families",
        ),
        (
            "ingress: [{action: Allow, source: {notNets: [0.0.0.0/0]}}]",
            "spec.ingress[0].source.notNets",
            "leaves no one",
        ),
        ("ingress: [{action: Allow, icmp: {type: 8}}]", "spec.ingress[0].icmp", "needs protocol"),
        (
            "ingress: [{action: Allow, protocol: ICMP, icmp: {code: 8}}]",
            "spec.ingress[0].icmp.code",
            "needs a type",
        ),
        (
            "ingress: [{action: Allow, source: {namespaceSelector: \"global() && all()\"}}]",
            "spec.ingress[0].source.namespaceSelector",
            "cannot be combined",
        ),
        (
            "egress: [{action: Allow, http: {methods: [GET]}}]",
            "spec.egress[0].http",
            "ingress rules",
        ),
        ("doNotTrack: true", "spec.doNotTrack", "GlobalNetworkPolicy"),
        ("namespaceSelector: all()", "spec.namespaceSelector", "GlobalNetworkPolicy"),
    ] {
        let rejected = cluster(&policy("p", spec)).rejected();
        let found = rejected.iter().any(|fault| fault.contains(path) && fault.contains(says));
        assert!(found, "{spec}: {rejected:?}");
    }
}

/// docs/semantics/calico.md#objects: both forms of one object are one.
#[test]
fn both_forms_of_one_object() {
    let deny = "selector: app == 'api', ingress: [{action: Deny}], types: [Ingress]";
    let stored =
        policy("default.p", deny).replace("projectcalico.org/v3", "crd.projectcalico.org/v1");
    holds(&stored, &["web → api:80 is Denied"]);
    let allow = policy("p", "selector: app == 'api', ingress: [{action: Allow}]");
    let cluster = cluster(&(stored + &allow));
    cluster.holds(&["web → api:80 is Allowed"]);
    let [lint] = &cluster.lints()[..] else { panic!("{:?}", cluster.lints()) };
    assert!(lint.contains("it counts once"), "{lint}");
}

/// docs/semantics/calico.md#objects: an object with a field that nobody knows may do anything.
#[test]
fn what_cannot_be_read_makes_unknown() {
    let cluster = cluster(&policy("p", "ingress: [{action: Allow, newer: 1}]"));
    cluster.holds(&["web → api:80 is Unknown"]);
    assert_eq!(cluster.rejected().len(), 1);
}

/// Whoever enforces else never reads them, and says so.
#[test]
fn only_calico_reads_them() {
    let text = format!("{BASE}{}", policy("p", "types: [Ingress]"));
    let cluster = enforced(&text, &Enforcer::Kubernetes);
    cluster.holds(&["web → api:80 is Allowed"]);
    assert!(cluster.lints()[0].contains("NOT ENFORCED"), "{:?}", cluster.lints());
}

/// docs/semantics/calico.md#versions: which policies of administrators count, and how policies of a tier
/// are called.
#[test]
fn what_versions_read_otherwise() {
    let newer = "---\napiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\n\
        metadata: {name: c}\nspec: {tier: Admin, priority: 5, subject: {namespaces: {}}, \
        ingress: [{action: Deny, from: [{namespaces: {}}]}]}\n";
    let older = "---\napiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\n\
        metadata: {name: a}\nspec: {priority: 5, subject: {namespaces: {}}, \
        ingress: [{action: Deny, from: [{namespaces: {}}]}]}\n";
    let under = |version: &str, manifests: &str| {
        let enforcer: Enforcer = version.parse().unwrap();
        enforced(&format!("{BASE}{manifests}"), &enforcer)
    };
    for (version, manifests, verdict) in [
        ("calico", newer, "Denied"),
        ("calico", older, "Denied"),
        ("calico-3.31", newer, "Allowed"),
        ("calico-3.31", older, "Denied"),
        ("calico-3.32", newer, "Denied"),
        ("calico-3.32", older, "Allowed"),
    ] {
        let cluster = under(version, manifests);
        cluster.holds(&[&format!("web → api:80 is {verdict}")]);
        let told = cluster.lints().iter().any(|lint| lint.contains("NOT ENFORCED"));
        assert_eq!(told, verdict == "Allowed", "{version}: {:?}", cluster.lints());
    }
    let closed = "tier: platform, selector: app == 'api', ingress: [{action: Deny}]";
    let named = |name: &str| tier("platform", "order: 1") + &policy(name, closed);
    for (version, name, refused, told) in [
        ("calico", "close", false, true),
        ("calico-3.31", "close", true, false),
        ("calico-3.32", "close", false, false),
        ("calico", "platform.close", false, false),
        ("calico-3.31", "platform.close", false, false),
        ("calico-3.31", "platforms.close", true, false),
    ] {
        let cluster = under(version, &named(name));
        let says =
            |all: Vec<String>| all.iter().any(|it| it.contains("does not begin with platform."));
        assert_eq!(says(cluster.rejected()), refused, "{version} {name}");
        assert_eq!(says(cluster.lints()), told, "{version} {name}");
        let verdict = if refused { "Allowed" } else { "Denied" };
        cluster.holds(&[&format!("web → api:80 is {verdict}")]);
    }
}

/// docs/semantics/calico.md#order: where two policies that disagree have one order, names decide, and
/// that is told.
#[test]
fn equal_orders_are_told() {
    let of = |name: &str, spec: &str| policy(name, &format!("selector: app == 'api', {spec}"));
    let allow = "ingress: [{action: Allow}]";
    let deny = "ingress: [{action: Deny}]";
    let with = |order: &str, rules: &str| format!("order: {order}, {rules}");
    let elsewhere = of("b", &with("7", deny)).replace("namespace: shop", "namespace: other");
    for (one, other, told) in [
        (of("a", &with("7", allow)), of("b", &with("7", deny)), true),
        (of("a", allow), of("b", deny), true),
        (of("a", &with("7", allow)), global("b", &with("7", deny)), true),
        (of("a", &with("7", allow)), of("b", &with("8", deny)), false),
        (of("a", &with("7", allow)), of("b", &with("7", allow)), false),
        (of("a", &with("7", allow)), of("b", &with("7", "egress: [{action: Deny}]")), false),
        (of("a", &with("7", allow)), elsewhere, false),
    ] {
        let lints = cluster(&(one.clone() + &other)).lints();
        let found =
            lints.iter().any(|it| it.contains("spec.order") && it.contains("they disagree"));
        assert_eq!(found, told, "{one}{other}{lints:?}");
    }
}

/// docs/semantics/calico.md#network-sets: a rule for sets that are not there means no one, and that is told.
#[test]
fn sets_that_are_not_there_are_told() {
    let rule = "{action: Allow, protocol: TCP, destination: {namespaceSelector: global(), \
                selector: partner == 'payment'}}";
    let set = object("GlobalNetworkSet", "p", "nets: [203.0.113.0/28]")
        .replace("name: \"p\"", "name: p, labels: {partner: payment}");
    for (manifests, told) in [(egress(rule), true), (egress(rule) + &set, false)] {
        let lints = cluster(&manifests).lints();
        let found = lints.iter().any(|it| it.contains("none that was read has these labels"));
        assert_eq!(found, told, "{lints:?}");
    }
}
