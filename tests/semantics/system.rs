//! docs/semantics/system.md: what a cluster depends on, and which of it policies cut.

use super::{BASE, Cluster, cluster, enforced, policy};
use netpol::cluster::Protocol;
use netpol::system::{SystemFlow, SystemKind, changes, suppose_dns, system};
use netpol::verdict::Verdict;

/// A Service of shop/api that is called at 443, and the API server on n2.
const HOOK: &str = "
---
{apiVersion: v1, kind: Service, metadata: {name: guard, namespace: shop}, spec: {selector: {app: api}, ports: [{port: 443, targetPort: 8443}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kubernetes, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}
ports: [{name: https, port: 6443}]
endpoints: [{addresses: [192.168.0.2]}]
";

/// A configuration whose one webhook calls this.
fn webhook(client: &str, more: &str) -> String {
    format!(
        "---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\n\
         metadata: {{name: guard}}\n\
         webhooks: [{{name: a.example.org, clientConfig: {{{client}}}, \
         rules: [{{resources: [pods]}}]{more}}}]\n"
    )
}

const GUARD: &str = "service: {namespace: shop, name: guard}";

fn deny() -> String {
    policy("deny", "podSelector: {}, policyTypes: [Ingress, Egress]")
}

impl Cluster {
    fn flows(&self, kind: SystemKind) -> Vec<SystemFlow> {
        let all = system(&self.snapshot, &self.rules);
        all.flows.into_iter().filter(|flow| flow.kind == kind).collect()
    }

    /// `VERDICT BY: SOURCE → DESTINATION PORTS`, and why.
    fn told(&self, kind: SystemKind) -> Vec<String> {
        let line = |flow: SystemFlow| {
            let verdict = flow.verdict.map_or("Mixed", Verdict::as_str);
            let ports: Vec<String> = flow.ports.iter().map(ToString::to_string).collect();
            let why = flow.why.map_or(String::new(), |why| format!(": {why}"));
            let (by, from, to) = (flow.by, flow.source, flow.destination);
            format!("{verdict} {by}: {from} → {to} {}{why}", ports.join(" "))
        };
        self.flows(kind).into_iter().map(line).collect()
    }
}

/// docs/semantics/system.md#calls-of-the-api-server: each kind, and whom it calls.
#[test]
fn what_the_api_server_calls() {
    let aggregated = format!(
        "---\napiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {{name: v1.g.example.org}}\n\
         spec: {{group: g.example.org, version: v1, {GUARD}}}\n"
    );
    let converted = format!(
        "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
         metadata: {{name: xs.g.example.org}}\n\
         spec: {{conversion: {{strategy: Webhook, webhook: {{clientConfig: {{{GUARD}}}}}}}}}\n"
    );
    let to = "kube-apiserver → shop/pod/api 8443/TCP";
    let shut =
        ": shop/netpol/deny isolates ingress of shop/pod/api, and nothing admits kube-apiserver";
    for (kind, by, calls, then) in [
        (SystemKind::Webhook, "webhook/guard", webhook(GUARD, ""), "requests about pods then fail"),
        (
            SystemKind::AggregatedApi,
            "apiservice/v1.g.example.org",
            aggregated,
            "g.example.org/v1 is then not served",
        ),
        (
            SystemKind::Conversion,
            "crd/xs.g.example.org",
            converted,
            "xs.g.example.org can then be read and written in one of its versions only",
        ),
    ] {
        let open = cluster(&format!("{HOOK}{calls}"));
        assert_eq!(open.told(kind), [format!("Allowed {by}: {to}")]);
        assert_eq!(open.flows(kind)[0].then, None);
        let closed = cluster(&format!("{HOOK}{calls}{}", deny()));
        assert_eq!(closed.told(kind), [format!("Denied {by}: {to}{shut}")]);
        let told = closed.flows(kind)[0].then.clone().unwrap();
        assert!(told.contains(then), "{told}");
        // The same is asked for by its name.
        closed.holds(&[&format!("kube-apiserver → {by} is Denied")]);
        open.holds(&[&format!("kube-apiserver → {by} is Allowed")]);
    }
}

/// The same where it is not known where the API server is: on the pod's own node nothing cuts it.
#[test]
fn an_api_server_that_is_anywhere() {
    let hook = HOOK.split("---\napiVersion: discovery").next().unwrap();
    let closed = cluster(&format!("{hook}{}{}", webhook(GUARD, ""), deny()));
    let told = closed.told(SystemKind::Webhook);
    assert!(
        told[0].starts_with("Unknown webhook/guard: ")
            && told[0].ends_with("it passes only where kube-apiserver is on the pod's own node"),
        "{told:?}"
    );
    // Where a rule may have its address, that is what is not known.
    let block = policy(
        "in",
        "podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{ipBlock: {cidr: 192.168.0.0/16}}]}]",
    );
    let perhaps = cluster(&format!("{hook}{}{block}", webhook(GUARD, "")));
    let told = perhaps.told(SystemKind::Webhook);
    assert!(
        told[0].ends_with(
            "what is known of kube-apiserver does not tell whether shop/netpol/in admits it"
        ),
        "{told:?}"
    );
    let text = perhaps.ask("kube-apiserver → webhook/guard").text();
    assert!(text.contains("it depends on where kube-apiserver is"), "{text}");
    assert!(!text.contains("may be its own node"), "{text}");
}

/// Whoever is called need not be there, or in the cluster at all.
#[test]
fn callees_that_are_elsewhere() {
    let away = cluster(&webhook("service: {namespace: shop, name: gone}", ""));
    assert_eq!(
        away.told(SystemKind::Webhook),
        [
            "Unknown webhook/guard: kube-apiserver → shop/svc/gone port 443 : shop/svc/gone port 443 is \
          not here, so it is not known where it leads"
        ]
    );
    let url = cluster(&webhook("url: 'https://user:secret@guard.example.org:9443/x'", ""));
    assert_eq!(
        url.told(SystemKind::Webhook),
        ["Allowed webhook/guard: kube-apiserver → guard.example.org 9443/TCP"]
    );
    let inside =
        cluster(&format!("{HOOK}{}{}", webhook("url: 'https://guard.shop.svc:443/x'", ""), deny()));
    assert!(inside.told(SystemKind::Webhook)[0].starts_with("Denied webhook/guard: "));
    let ignored =
        cluster(&format!("{HOOK}{}{}", webhook(GUARD, ", failurePolicy: Ignore"), deny()));
    let then = ignored.flows(SystemKind::Webhook)[0].then.clone().unwrap();
    assert!(then == "requests about pods then pass unchecked (failurePolicy: Ignore)", "{then}");
    let error = away.refusal("kube-apiserver → webhook/gard");
    assert!(error.contains("webhook/gard") && error.ends_with("there is webhook/guard"), "{error}");
}

/// docs/semantics/system.md#konnectivity: the agents are seen in its place, or it is itself.
#[test]
fn tunnels() {
    let agent = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: agent, namespace: kube-system, labels: \
                 {k8s-app: konnectivity-agent}}\nspec: {nodeName: n2}\n";
    let from_agent = policy(
        "in",
        "podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: \
         {kubernetes.io/metadata.name: kube-system}}}]}]",
    );
    let with = |more: &str| cluster(&format!("{HOOK}{}{agent}{more}", webhook(GUARD, "")));
    assert!(with("").told(SystemKind::Webhook)[0].starts_with("Allowed"));
    assert!(with(&deny()).told(SystemKind::Webhook)[0].starts_with("Denied"));
    let either = with(&from_agent);
    assert!(either.told(SystemKind::Webhook)[0].starts_with("Unknown"));
    let notes = either.ask("kube-apiserver → webhook/guard").notes();
    assert!(notes.contains("may come through the pods of konnectivity-agent"), "{notes}");
}

fn probed(ports: &str, probe: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: probed, namespace: shop, labels: {{app: probed}}}}\n\
         spec: {{nodeName: n1, containers: [{{ports: {ports}, {probe}}}]}}\n"
    )
}

/// docs/semantics/system.md#probes: at a number or a name of the same container; a node always reaches its
/// pods, but for what Cilium denies or is told.
#[test]
fn probes() {
    let ports = "[{name: http, containerPort: 8080}]";
    for (probe, expected) in [
        ("livenessProbe: {httpGet: {port: http}}", Some("8080/TCP")),
        ("readinessProbe: {tcpSocket: {port: 9090}}", Some("9090/TCP")),
        ("startupProbe: {grpc: {port: 9000}}", Some("9000/TCP")),
        ("livenessProbe: {exec: {command: [x]}}", None),
        ("livenessProbe: {httpGet: {port: other}}", None),
        ("livenessProbe: {httpGet: {port: -1}}", None),
    ] {
        let pod = probed(ports, probe);
        let told = cluster(&format!("{pod}{}", deny())).told(SystemKind::Probe);
        let line = expected.map(|port| {
            format!(
                "Allowed kubelet: its own node → shop/pod/probed {port}: a node always reaches the pods \
                 on it"
            )
        });
        assert_eq!(told, line.into_iter().collect::<Vec<_>>(), "{probe}");
    }
    let pod = format!("{BASE}{}", probed(ports, "livenessProbe: {httpGet: {port: http}}"));
    let refused = "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n\
                   metadata: {name: shut, namespace: shop}\n\
                   spec: {endpointSelector: {}, ingressDeny: [{fromEntities: [host]}]}\n";
    let cilium = |more: &str| enforced(&format!("{pod}{more}"), &"cilium".parse().unwrap());
    assert!(cilium(&deny()).told(SystemKind::Probe)[0].starts_with("Allowed"));
    let told = cilium(refused).told(SystemKind::Probe);
    assert!(told[0].starts_with("Denied") && told[0].contains("shop/cnp/shut denies"), "{told:?}");
}

/// docs/semantics/system.md#dns: to the Service's pods, to those with its label, or to one that stands for
/// them; by the node's cache, too.
#[test]
fn dns() {
    let server = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: coredns, namespace: kube-system, labels: \
                  {k8s-app: kube-dns}}\nspec: {containers: [{ports: [{containerPort: 53}]}]}\n\
                  ---\n{apiVersion: v1, kind: Service, metadata: {name: kube-dns, namespace: kube-system}, \
                  spec: {selector: {k8s-app: kube-dns}, ports: [{name: dns, port: 53, protocol: UDP}, \
                  {name: dns-tcp, port: 53, protocol: TCP}]}}\n";
    let to_dns = |ports: &str| {
        policy(
            "dns",
            &format!(
                "podSelector: {{}}, policyTypes: [Egress], egress: [{{to: [{{namespaceSelector: {{}}, \
                 podSelector: {{matchLabels: {{k8s-app: kube-dns}}}}}}], ports: [{ports}]}}]"
            ),
        )
    };
    let lines = |cluster: &Cluster| {
        let line = |flow: SystemFlow| {
            let verdict = flow.verdict.map_or("Mixed", Verdict::as_str);
            let then =
                flow.then.map_or("", |then| if then.contains("long") { " long" } else { "" });
            format!("{verdict}{then} {} → {}", flow.source, flow.destination)
        };
        cluster.flows(SystemKind::Dns).into_iter().map(line).collect::<Vec<_>>()
    };
    let (udp, both) = ("{port: 53, protocol: UDP}", "{port: 53, protocol: UDP}, {port: 53}");
    let service = "kube-system/svc/kube-dns";
    for (policies, verdicts) in [
        (String::new(), &["Allowed"][..]),
        (deny(), &["Denied"]),
        (to_dns(both), &["Allowed"]),
        // What is lost is told of TCP alone.
        (to_dns(udp), &["Allowed", "Denied long"]),
    ] {
        let cluster = cluster(&format!("{server}{policies}"));
        let of = |pod: &'static str| {
            verdicts.iter().map(move |verdict| format!("{verdict} shop/pod/{pod} → {service}"))
        };
        let expected = [format!("Allowed other/pod/client → {service}")].into_iter();
        let expected: Vec<_> = expected.chain(of("api")).chain(of("web")).collect();
        assert_eq!(lines(&cluster), expected, "{policies}");
        for flow in cluster.flows(SystemKind::Dns) {
            let lost = flow.then.is_some_and(|then| then.contains("long"));
            let only = if lost { Protocol::Tcp } else { Protocol::Udp };
            let others = flow.ports.iter().filter(|port| port.protocol != only).count();
            assert!(verdicts.len() == 1 || flow.source.starts_with("other/") || others == 0);
        }
    }
    // What is written nowhere stands for it.
    let mut supposed = cluster(&to_dns(both));
    assert!(
        system(&supposed.snapshot, &supposed.rules).missing[0].contains("DNS is, is not known")
    );
    suppose_dns(&mut supposed.snapshot, &supposed.rules);
    assert_eq!(lines(&supposed)[1], "Allowed shop/pod/api → pods[k8s-app=kube-dns] in kube-system");
    // NodeLocal DNSCache answers too.
    let cache = "---\n{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: node-local-dns, namespace: \
                 kube-system}, spec: {template: {metadata: {labels: {k8s-app: node-local-dns}}, spec: \
                 {hostNetwork: true}}}}\n";
    let local = policy(
        "local",
        "podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 169.254.20.10/32}}]}]",
    );
    let through = cluster(&format!("{server}{cache}{local}"));
    assert_eq!(lines(&through)[1], format!("Allowed shop/pod/api → {service}"));
}

/// docs/semantics/system.md#metrics-server.
#[test]
fn metrics_server() {
    let pod = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: ms, namespace: shop, labels: {k8s-app: \
               metrics-server}}\nspec: {nodeName: n1}\n";
    let told = |more: &str| cluster(&format!("{pod}{more}")).told(SystemKind::Metrics);
    let to = "metrics-server: shop/pod/ms → the kubelet of every node 10250/TCP";
    assert_eq!(told(""), [format!("Allowed {to}")]);
    // Of its own node it is not known, so parts differ.
    assert!(told(&deny())[0].contains("shop/netpol/deny isolates egress of shop/pod/ms"));
    assert!(!told(&deny())[0].starts_with("Allowed"));
}

/// What a change cuts of what the API server calls, before it does.
#[test]
fn changes_of_calls() {
    let open = cluster(&format!("{HOOK}{}", webhook(GUARD, "")));
    let closed = cluster(&format!("{HOOK}{}{}", webhook(GUARD, ""), deny()));
    let base = cluster(HOOK);
    let told = |old: &Cluster, new: &Cluster| -> Vec<String> {
        let (all, _) = changes((&old.snapshot, &old.rules), (&new.snapshot, &new.rules), &|_| true);
        all.iter().map(|change| format!("{} {}", change.closes(), change.sentence())).collect()
    };
    let cut = "true webhook/guard is cut: kube-apiserver → shop/pod/api on 8443/TCP, since \
               shop/netpol/deny isolates ingress of shop/pod/api, and nothing admits kube-apiserver; \
               requests about pods then fail";
    assert_eq!(told(&open, &closed), [cut]);
    assert_eq!(
        told(&closed, &open),
        ["false webhook/guard is let through: kube-apiserver → shop/pod/api on 8443/TCP"]
    );
    assert_eq!(told(&open, &open), [""; 0]);
    assert_eq!(told(&closed, &closed), [""; 0]);
    // One that comes with the policies that cut it is told; one that nothing cuts is not.
    assert_eq!(told(&base, &closed), [cut]);
    assert_eq!(told(&base, &open), [""; 0]);
    assert_eq!(told(&closed, &base), [""; 0]);
}

/// docs/semantics/system.md#calls-of-the-api-server: of several webhooks one leads nobody knows where.
#[test]
fn a_webhook_that_leads_nowhere_is_not_known_beside_one_that_passes() {
    let files = crate::harness::Files::new(&[(
        "all.yaml",
        "apiVersion: admissionregistration.k8s.io/v1\n\
         kind: ValidatingWebhookConfiguration\n\
         metadata: {name: wh}\n\
         webhooks:\n\
         - {name: a.example.com, clientConfig: {service: {name: gone, namespace: cm}}}\n\
         - {name: b.example.com, clientConfig: {url: \"https://ok.example.com/x\"}}\n",
    )]);
    let said = files.said(&["explain", "webhook/wh", "-f", "all.yaml"]);
    assert!(said.starts_with("UNKNOWN") && said.ends_with("(3)"), "{said}");
}

const ON_PATHS: &str = "\
{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: a}, spec: {containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: dns, namespace: kube-system, labels: {k8s-app: kube-dns}}}
---
";

/// docs/semantics/cilium-rules.md#networks: an address of a node is no address to Cilium, and whether the API
/// server runs on a node is not known where none was read.
#[test]
fn the_api_server_may_be_on_a_node_that_was_not_read() {
    let rule = "{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: x, namespace: a}, spec: \
                {endpointSelector: {}, egress: [{toCIDR: [10.0.0.1/32]}]}}\n";
    let node = "---\n{apiVersion: v1, kind: Node, metadata: {name: node-1}, status: {addresses: [{type: InternalIP, \
                address: 10.0.0.1}]}}\n";
    let ask = |more: &str, words: &[&str]| {
        let files =
            crate::harness::Files::new(&[("all.yaml", &*format!("{ON_PATHS}{rule}{more}"))]);
        files
            .said(&[&["explain", "-f", "all.yaml", "--api-server", "10.0.0.1"][..], words].concat())
    };
    let server = ["a/p", "https://kubernetes.default.svc"];
    let said = ask("", &server);
    assert!(said.starts_with("UNKNOWN") && said.ends_with("(3)"), "{said}");
    assert!(said.contains("no Node is here that tells whether it runs on one"), "{said}");
    assert!(ask(node, &server).starts_with("DENIED"), "{}", ask(node, &server));
    // An address that is given is that address.
    assert!(ask("", &["a/p", "10.0.0.1:6443"]).starts_with("ALLOWED"));
}

/// docs/semantics/cilium-rules.md#lookups: who cannot ask for a name has at best what others were answered.
#[test]
fn names_of_pods_that_cannot_ask_for_them() {
    let rules = |port: u16| {
        format!(
            "{{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {{name: c, namespace: a}}, spec: \
             {{endpointSelector: {{}}, egress: [{{toEndpoints: [{{matchLabels: \
             {{'k8s:io.kubernetes.pod.namespace': kube-system, k8s-app: kube-dns}}}}], toPorts: [{{ports: \
             [{{port: '{port}', protocol: ANY}}], rules: {{dns: [{{matchPattern: '*'}}]}}}}]}}, {{toFQDNs: \
             [{{matchName: api.example.com}}]}}]}}}}\n"
        )
    };
    let deny = "---\n{apiVersion: cilium.io/v2, kind: CiliumClusterwideNetworkPolicy, metadata: {name: deny}, spec: \
                {endpointSelector: {}, egressDeny: [{toPorts: [{ports: [{port: '53'}]}]}]}}\n";
    let closed = "---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: d, namespace: \
                  kube-system}, spec: {podSelector: {}, policyTypes: [Ingress]}}\n";
    let pod = ON_PATHS.split("---").next().unwrap();
    let ask = |text: String| {
        let files = crate::harness::Files::new(&[("all.yaml", &*text)]);
        files.said(&["explain", "-f", "all.yaml", "a/p", "https://api.example.com"])
    };
    for said in [
        ask(format!("{ON_PATHS}{}{deny}", rules(53))),
        ask(format!("{ON_PATHS}{}{closed}", rules(53))),
        ask(format!("{ON_PATHS}{}", rules(8053))),
        ask(format!("{pod}---\n{}{deny}", rules(53))),
    ] {
        assert!(said.starts_with("UNKNOWN") && said.ends_with("(3)"), "{said}");
        assert!(
            said.contains("for names, so Cilium has at best what others were answered"),
            "{said}"
        );
    }
    for text in [format!("{ON_PATHS}{}", rules(53)), format!("{pod}---\n{}", rules(53))] {
        let said = ask(text);
        assert!(said.starts_with("ALLOWED") && said.ends_with("(0)"), "{said}");
    }
}
