//! Calico: whom rules mean, by selectors, sets of addresses, hosts, Services and accounts.

use super::{cluster, egress, global, holds, ingress, object, policy};

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

/// docs/semantics/calico.md#labels: those of ServiceAccounts are known where these are written.
#[test]
fn labels_of_accounts() {
    let rule = ingress("{action: Allow, source: {serviceAccounts: {selector: team == 'red'}}}");
    holds(&rule, &["web → api:80 is Unknown", "other/client → api:80 is Denied"]);
    let account = |team: &str| {
        format!(
            "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: default, namespace: shop, labels: \
             {{team: {team}}}}}\n"
        )
    };
    holds(&(account("red") + &rule), &["web → api:80 is Allowed"]);
    holds(&(account("blue") + &rule), &["web → api:80 is Denied"]);
    // Nobody else's selectors see them.
    let own = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: red, namespace: shop}\n\
               spec: {podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {team: red}}}]}]}\n";
    holds(&(account("red") + own), &["web → api:80 is Denied"]);
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
