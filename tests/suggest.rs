//! `explain --suggest`: in which dialect, what is written, and that it opens the flow and nothing else.

use crate::run::{Run, list, netpol, netpol_with, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// `shop` is closed by Cilium's policies, `other` by a NetworkPolicy, `mixed` by both. `agent` uses
/// its node's network.
const CLUSTER: &str = r#"
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: other}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: mixed}}
---
{apiVersion: v1, kind: Node, metadata: {name: n1}, status: {addresses: [{address: 192.168.0.1}]}}
---
{apiVersion: v1, kind: Node, metadata: {name: n2}, status: {addresses: [{address: 192.168.0.2}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kubernetes, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}
addressType: IPv4
ports: [{port: 6443}]
endpoints: [{addresses: [172.16.0.1]}]
---
apiVersion: v1
kind: Pod
metadata: {name: api, namespace: shop, labels: {app: api, pod-template-hash: "1"}}
spec: {nodeName: n1, containers: [{ports: [{containerPort: 8080}]}]}
status: {podIPs: [{ip: 10.0.1.10}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {nodeName: n2}
status: {podIPs: [{ip: 10.0.1.11}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: other, labels: {app: web}}
spec: {nodeName: n2}
status: {podIPs: [{ip: 10.0.2.20}]}
---
apiVersion: v1
kind: Pod
metadata: {name: both, namespace: mixed, labels: {app: both}}
spec: {nodeName: n2}
status: {podIPs: [{ip: 10.0.3.20}]}
---
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: other, labels: {app: agent}}
spec: {nodeName: n2, hostNetwork: true}
status: {podIPs: [{ip: 192.168.0.2}]}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: closed, namespace: shop}
spec: {endpointSelector: {}, ingress: [{}], egress: [{}]}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: closed, namespace: mixed}
spec: {endpointSelector: {}, ingress: [{}], egress: [{}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: also-closed, namespace: mixed}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: other}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
"#;

fn ask(cluster: &str, words: &str) -> Run {
    let words: Vec<&str> = ["explain", "-f", "-"].into_iter().chain(words.split(' ')).collect();
    netpol_with(&words, cluster.as_bytes())
}

/// The suggested policies; with them the same question is answered Allowed, and nothing is wrong with
/// them.
fn suggested(cluster: &str, question: &str, flag: &str) -> Vec<Value> {
    let answer = ask(cluster, &format!("{question} {flag}"));
    assert_eq!(answer.code, 1, "{question}: {answer:?}");
    let then = ask(&format!("{cluster}{}", answer.stdout), &format!("{question} -o json"));
    assert_eq!(then.code, 0, "{question}: {:#} {answer:?}", then.json()["warnings"]);
    assert!(
        list(&then.json(), "/warnings").is_empty(),
        "{question}: {:#} {answer:?}",
        then.json()["warnings"]
    );
    let report = ask(cluster, &format!("{question} {flag} -o json")).json();
    list(&report, "/suggestions").to_vec()
}

/// The spec of the only one, which is one of Cilium's.
fn of_cilium(question: &str) -> Value {
    let all = suggested(CLUSTER, question, "--suggest=cilium");
    let [policy] = all.as_slice() else { panic!("{question}: {all:#?}") };
    assert_eq!(text(policy, "/kind"), "CiliumNetworkPolicy", "{question}");
    policy["spec"].clone()
}

/// The sentence of an error.
fn refused(cluster: &str, words: &str) -> String {
    let answer = ask(cluster, words);
    assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{words}: {answer:?}");
    answer.stderr
}

#[test]
fn each_side_gets_the_dialect_that_isolates_it() {
    let kinds = |question: &str, flag: &str| -> Vec<String> {
        let all = suggested(CLUSTER, question, flag);
        all.iter()
            .map(|p| format!("{} {}", text(p, "/metadata/namespace"), text(p, "/kind")))
            .collect()
    };
    let question = "other/client shop/api:8080";
    assert_eq!(kinds(question, "--suggest"), ["other NetworkPolicy", "shop CiliumNetworkPolicy"]);
    assert_eq!(
        kinds(question, "--suggest=networkpolicy"),
        ["other NetworkPolicy", "shop NetworkPolicy"]
    );
    assert_eq!(
        kinds(question, "--suggest=cilium"),
        ["other CiliumNetworkPolicy", "shop CiliumNetworkPolicy"]
    );
    // Where both isolate, either would do.
    assert_eq!(
        kinds("mixed/both shop/api:8080", "--suggest"),
        ["mixed NetworkPolicy", "shop CiliumNetworkPolicy"]
    );
}

/// docs/semantics/cilium-labels.md#peer-of-a-ciliumnetworkpolicy: a peer without a namespace is of
/// the policy's own.
#[test]
fn pods_are_named_by_labels_and_namespace() {
    let [out, inn] = &suggested(CLUSTER, "shop/api shop/db:5432", "--suggest")[..] else {
        panic!()
    };
    assert_eq!(
        out["spec"],
        json!({
            "endpointSelector": {"matchLabels": {"app": "api"}},
            "egress": [{
                "toEndpoints": [{"matchLabels": {"app": "db"}}],
                "toPorts": [{"ports": [{"port": "5432", "protocol": "TCP"}]}],
            }],
        })
    );
    assert_eq!(inn["spec"]["ingress"][0]["fromEndpoints"][0]["matchLabels"], json!({"app": "api"}));
    let across = of_cilium(
        "other/client mixed/both:80 --without mixed/netpol/also-closed \
                            --without mixed/cnp/closed",
    );
    assert_eq!(
        across["egress"][0]["toEndpoints"],
        json!([{"matchLabels": {"app": "both", "k8s:io.kubernetes.pod.namespace": "mixed"}}])
    );
}

/// docs/semantics/cilium-rules.md#entities, docs/semantics/cilium-networkpolicy.md#ipblock-and-nodes
/// and docs/semantics/cilium-networkpolicy.md#host-network: nodes, what shares their network and the
/// API server are entities, not addresses.
#[test]
fn nodes_and_the_api_server_are_entities() {
    let entities = |question: &str| of_cilium(question)["egress"][0]["toEntities"].clone();
    assert_eq!(entities("shop/api node/n1:9100"), json!(["host"]));
    assert_eq!(entities("shop/api node/n2:9100"), json!(["remote-node"]));
    assert_eq!(entities("shop/db other/agent:9100"), json!(["host"]));
    assert_eq!(entities("shop/api 172.16.0.1:6443"), json!(["kube-apiserver"]));
    assert_eq!(
        of_cilium("node/n2 shop/api:8080")["ingress"][0]["fromEntities"],
        json!(["remote-node"])
    );
}

#[test]
fn addresses_outside_are_networks() {
    let egress = |question: &str| of_cilium(question)["egress"].clone();
    assert_eq!(egress("shop/api 203.0.113.7:5432")[0]["toCIDR"], json!(["203.0.113.7/32"]));
    let inn = of_cilium("203.0.113.7 shop/api:8080");
    assert_eq!(inn["ingress"][0]["fromCIDR"], json!(["203.0.113.7/32"]));
}

/// docs/semantics/cilium-rules.md#names: addresses of names are learned from answers that pass the
/// DNS proxy.
#[test]
fn a_name_comes_with_its_lookup() {
    let question = "shop/api https://login.example.com/";
    let egress = of_cilium(question)["egress"].clone();
    assert_eq!(egress[0]["toFQDNs"], json!([{"matchName": "login.example.com"}]));
    assert_eq!(
        egress[1],
        json!({
            "toEndpoints": [{"matchLabels": {
                "k8s-app": "kube-dns", "k8s:io.kubernetes.pod.namespace": "kube-system",
            }}],
            "toPorts": [{
                "ports": [{"port": "53", "protocol": "UDP"}, {"port": "53", "protocol": "TCP"}],
                "rules": {"dns": [{"matchName": "login.example.com"}]},
            }],
        })
    );
    let lookups = |pattern: &str| {
        format!(
            "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n\
             metadata: {{name: lookups, namespace: shop}}\nspec:\n  endpointSelector: {{}}\n  egress:\n\
             \x20 - toEndpoints: [{{matchLabels: {{'k8s:io.kubernetes.pod.namespace': kube-system}}}}]\n\
             \x20   toPorts: [{{ports: [{{port: \"53\"}}], rules: {{dns: [{{matchPattern: '{pattern}'}}]}}}}]\n\
             ---\n"
        )
    };
    let elements = |pattern: &str| {
        let all = suggested(&format!("{CLUSTER}{}", lookups(pattern)), question, "--suggest");
        list(&all[0], "/spec/egress").len()
    };
    assert_eq!((elements("*"), elements("*.example.com")), (1, 1));
    assert_eq!(elements("*.example.org"), 2, "another name may be asked for");
}

/// docs/semantics/cilium-networkpolicy.md#ipblock-and-nodes; and a NetworkPolicy has no names.
#[test]
fn where_only_cilium_has_words_it_is_said() {
    let needs = "a CiliumNetworkPolicy can let it pass: give --suggest=cilium";
    let node = refused(CLUSTER, "other/client node/n1:9100 --suggest");
    assert!(
        node.contains("Cilium matches no node by an ipBlock") && node.contains(needs),
        "{node}"
    );
    let agent = refused(CLUSTER, "shop/api other/agent:9100 --suggest=networkpolicy");
    assert!(
        agent.contains("other/pod/agent on its node's network") && agent.contains(needs),
        "{agent}"
    );
    let name = refused(CLUSTER, "other/client login.example.com:443 --suggest");
    assert!(name.contains("no NetworkPolicy can name login.example.com") && name.contains(needs));
    let source = refused(CLUSTER, "login.example.com shop/api:8080 --suggest=cilium");
    assert!(source.contains("no CiliumNetworkPolicy can name login.example.com as a source"));
    // Read by the letter a NetworkPolicy does it, and one of Cilium's does nothing.
    let letter = "other/client node/n1:9100 --enforcer kubernetes";
    let by_address = suggested(
        CLUSTER,
        letter,
        "--without shop/cnp/closed --without mixed/cnp/closed --suggest",
    );
    assert_eq!(by_address[0]["spec"]["egress"][0]["to"][0]["ipBlock"]["cidr"], "192.168.0.1/32");
    let not_read = refused(CLUSTER, &format!("{letter} --suggest=cilium"));
    assert!(not_read.contains("only Cilium enforces a CiliumNetworkPolicy"), "{not_read}");
}

/// docs/semantics/cilium-verdicts.md#deny-comes-first: a deny overrules any allow, whatever its kind.
#[test]
fn a_denial_is_named_with_its_place() {
    let deny = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n\
                metadata: {name: no-web, namespace: shop}\nspec:\n  endpointSelector: {}\n  \
                ingressDeny:\n  - fromEndpoints: [{matchLabels: {app: web, \
                'k8s:io.kubernetes.pod.namespace': other}}]\n";
    let cluster = format!("{CLUSTER}{deny}");
    let line = cluster.lines().position(|line| line.contains("fromEndpoints")).unwrap() + 1;
    for flag in ["--suggest", "--suggest=cilium", "--suggest=networkpolicy"] {
        // There is nothing to suggest, and the answer is the verdict.
        let answer = ask(&cluster, &format!("other/client shop/api:8080 {flag}"));
        assert_eq!((answer.code, answer.stdout.as_str()), (1, ""), "{answer:?}");
        let words = answer.stderr;
        let expected = format!(
            "shop/cnp/no-web spec.ingressDeny[0] denies it, and no policy that allows overrules \
             that: change it there (standard input:{line}:5)"
        );
        assert!(words.contains(&expected), "{expected}: {words}");
    }
}

#[test]
fn what_is_allowed_already_is_no_failure() {
    let answer = ask(CLUSTER, "shop/api shop/api:8080 --suggest");
    let said = answer
        .stderr
        .lines()
        .find(|line| line.contains("every flow that was asked about is allowed"));
    assert!(said.is_some_and(|line| line.starts_with("warning:")), "{answer:?}");
    assert_eq!((answer.code, answer.stdout.as_str()), (0, ""), "{answer:?}");
}

/// What is applied for one question replaces nothing that was printed for another: names have the ports in
/// them, and both ends however long these are.
#[test]
fn suggestions_for_one_destination_have_names_of_their_own() {
    let long = |which: &str| {
        let name = format!("{}-{which}", "a".repeat(230));
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, namespace: other, labels: {{app: \
             {which}}}}}, status: {{podIPs: [{{ip: 10.0.2.9}}]}}}}\n---\n"
        )
    };
    let cluster = [long("one"), long("two"), CLUSTER.to_owned()].concat();
    let ends = |which: &str| format!("other/{}-{which}", "a".repeat(230));
    let mut names = std::collections::BTreeSet::new();
    let mut count = 0;
    for question in [
        "other/client shop/api:8080",
        "other/client shop/api:8443",
        "other/client shop/api:8080/UDP",
        &format!("{} shop/api:8080", ends("one")),
        &format!("{} shop/api:8080", ends("two")),
        &format!("{} shop/api:53/UDP", ends("two")),
    ] {
        for policy in suggested(&cluster, question, "--suggest") {
            let [namespace, name] = ["/metadata/namespace", "/metadata/name"];
            let [namespace, name] = [text(&policy, namespace), text(&policy, name)];
            assert!(name.len() <= 253, "{name}");
            count += 1;
            names.insert(format!("{namespace}/{name}"));
        }
    }
    assert_eq!(names.len(), count, "{names:?}");
    assert!(names.contains("shop/allow-other-client-to-api-8080-udp"), "{names:?}");
}

/// Two namespaces under Calico: `shop` closed by Calico's policies, one of them in a tier of its own,
/// and `other` by a NetworkPolicy of Kubernetes.
const CALICO: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: other}}
---
{apiVersion: v1, kind: Pod, metadata: {name: api, namespace: shop, labels: {app: api}}, status: {podIPs: [{ip: 10.0.1.10}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: db, namespace: shop, labels: {app: db}}, status: {podIPs: [{ip: 10.0.1.11}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: client, namespace: other, labels: {app: web}}, status: {podIPs: [{ip: 10.0.2.20}]}}
---
{apiVersion: projectcalico.org/v3, kind: Tier, metadata: {name: platform}, spec: {order: 10}}
---
{apiVersion: projectcalico.org/v3, kind: NetworkPolicy, metadata: {name: platform.db, namespace: shop}, spec: {tier: platform, selector: app == 'db', types: [Ingress]}}
---
{apiVersion: projectcalico.org/v3, kind: NetworkPolicy, metadata: {name: closed, namespace: shop}, spec: {types: [Ingress, Egress]}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: closed, namespace: other}, spec: {podSelector: {}, policyTypes: [Ingress, Egress]}}
---
";

/// docs/semantics/calico.md#rules: one rule for each peer and protocol, in the words of what isolates.
#[test]
fn in_the_words_of_calico() {
    let kinds = |flag: &str| -> Vec<String> {
        let all = suggested(CALICO, "other/client shop/api:8080", flag);
        all.iter()
            .map(|it| format!("{} {}", text(it, "/metadata/namespace"), text(it, "/apiVersion")))
            .collect()
    };
    let (ours, theirs) = ("networking.k8s.io/v1", "projectcalico.org/v3");
    assert_eq!(kinds("--suggest"), [format!("other {ours}"), format!("shop {theirs}")]);
    assert_eq!(kinds("--suggest=calico"), [format!("other {theirs}"), format!("shop {theirs}")]);
    assert_eq!(kinds("--suggest=networkpolicy"), [format!("other {ours}"), format!("shop {ours}")]);
    let all = suggested(CALICO, "other/client shop/api:8080", "--suggest");
    assert_eq!(
        all[1]["spec"],
        json!({
            "selector": "app == 'api'",
            "types": ["Ingress"],
            "ingress": [{
                "action": "Allow",
                "protocol": "TCP",
                "source": {
                    "namespaceSelector": "projectcalico.org/name == 'other'",
                    "selector": "app == 'web'",
                },
                "destination": {"ports": [8080]},
            }],
        })
    );
    let out = suggested(CALICO, "shop/api 203.0.113.7:443", "--suggest");
    assert_eq!(out[0]["spec"]["egress"][0]["destination"]["nets"], json!(["203.0.113.7/32"]));
}

/// docs/semantics/calico.md#one-direction: what is dropped at the end of a tier only a policy of that tier
/// lets through.
#[test]
fn a_tier_is_opened_in_itself() {
    let all = suggested(CALICO, "shop/api shop/db:5432", "--suggest");
    let placed = |policy: &Value| {
        (
            text(policy, "/metadata/name").to_owned(),
            policy["spec"]["tier"].as_str().map(str::to_owned),
        )
    };
    let placed: Vec<_> = all.iter().map(placed).collect();
    assert_eq!(
        placed,
        [
            ("allow-api-to-db-5432".to_owned(), None),
            ("platform.allow-api-to-db-5432".to_owned(), Some("platform".to_owned())),
        ]
    );
    let words = refused(CALICO, "shop/api shop/db:5432 --suggest=networkpolicy");
    assert!(words.contains("no NetworkPolicy that only allows would let the flow pass"), "{words}");
    let words = refused(CLUSTER, "other/client shop/api:8080 --suggest=calico");
    assert!(words.contains("only Calico enforces"), "{words}");
}

/// docs/semantics/cilium-networkpolicy.md#sctp.
#[test]
fn sctp_is_remarked_upon() {
    let answer = ask(CLUSTER, "shop/api shop/db:132/SCTP --suggest");
    assert_eq!(answer.code, 1);
    assert!(answer.stdout.contains("protocol: SCTP"), "{answer:?}");
    assert!(answer.stderr.contains("Cilium knows SCTP only with enable-sctp"), "{answer:?}");
}

/// Of all flows of the example, the one that was asked about is opened and no other.
#[test]
fn ciliums_suggestion_opens_the_flow_and_nothing_else() {
    let files = ["-f", "examples/homekube", "--enforcer", "cilium"];
    let ends = ["-n", "monitoring", "deploy/grafana", "identity/svc/keycloak", "--suggest=cilium"];
    let policies = netpol(&[&["explain"], &files[..], &ends[..]].concat());
    assert_eq!((policies.code, policies.stderr.as_str()), (1, ""));
    let rows = |more: &[&str], stdin: &str| -> BTreeSet<String> {
        let words = [&["list", "-o", "csv"], &files[..], more].concat();
        let list = netpol_with(&words, stdin.as_bytes());
        assert_eq!(list.code, 0, "{list:?}");
        list.stdout.lines().map(ToOwned::to_owned).collect()
    };
    let (before, after) = (rows(&[], ""), rows(&["-f", "-"], &policies.stdout));
    assert!(before.is_subset(&after));
    let opened: Vec<_> = after.difference(&before).collect();
    let [row] = opened.as_slice() else { panic!("{opened:?}") };
    for part in ["grafana", "keycloak", "8080"] {
        assert!(row.contains(part), "{row}");
    }
}
