//! One thing of which there is very much, and hardly anything else: what is worked out once for each
//! of them must not be worked out once for each two.
//!
//! In: a table of shapes. Out: nothing, or the commands that took too much.

use super::adversarial::{FULL, MOST, tried, tried_on};
use std::fmt::Write as _;

/// Two pods in a namespace, beside everything.
const BESIDE: &str = "\
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: c, image: x, ports: [{containerPort: 5432, name: pg}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c, image: x, ports: [{containerPort: 80}]}]}
";

/// The bytes of one shape in the everyday run.
const SMALL: usize = 5_000;

const COMMANDS: &[&[&str]] = &[
    &["list", "-f", "A", "-o", "csv"],
    &["list", "-f", "A", "--exposed"],
    &["summary", "-f", "A"],
    &["lint", "-f", "A"],
    &["diff", "B", "A"],
    &["explain", "-f", "A", "-n", "shop", "pod/web", "pod/db"],
    &["explain", "-f", "A", "-n", "shop", "shop/pods[app=x]", "10.1.2.3:80"],
    &["reach", "-f", "A", "-n", "shop", "pod/web"],
];

/// A shape: what stands before, what is there once for each number, what stands after.
type Shape = (&'static str, &'static str, fn(usize) -> String, &'static str);

const NP: &str = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
                  metadata: {name: a, namespace: shop}\nspec:\n";
const CNP: &str = "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n\
                   metadata: {name: a, namespace: shop}\nspec:\n  endpointSelector: {}\n";
const CALICO: &str = "---\napiVersion: projectcalico.org/v3\nkind: NetworkPolicy\n\
                      metadata: {name: a, namespace: shop}\nspec:\n";

/// A block that no other touches.
fn block(i: usize) -> String {
    format!("10.{}.{}.0/25", i >> 8 & 255, i & 255)
}

fn policy(i: usize, spec: &str) -> String {
    format!(
        "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
         metadata: {{name: p{i}, namespace: shop}}\nspec: {spec}\n"
    )
}

/// `@` and a word is the beginning of a policy.
const SHAPES: &[Shape] = &[
    (
        "labels of a pod",
        "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: many\n  namespace: shop\n  labels:\n",
        |i| format!("    k{i}: v\n"),
        "spec: {containers: [{name: c, image: x}]}\n",
    ),
    (
        "labels of a namespace",
        "---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: other\n  labels:\n",
        |i| format!("    k{i}: v\n"),
        "",
    ),
    (
        "labels of a selector",
        "@np  podSelector:\n    matchLabels:\n",
        |i| format!("      k{i}: v\n"),
        "",
    ),
    (
        "requirements",
        "@np  podSelector:\n    matchExpressions:\n",
        |i| format!("    - {{key: k{i}, operator: DoesNotExist}}\n"),
        "",
    ),
    (
        "values",
        "@np  podSelector:\n    matchExpressions:\n    - key: app\n      operator: In\n      values:\n",
        |i| format!("      - v{i}\n"),
        "",
    ),
    (
        "values that are not",
        "@np  podSelector: {}\n  ingress:\n  - from:\n    - podSelector:\n        matchExpressions:\n        \
         - key: app\n          operator: NotIn\n          values:\n",
        |i| format!("          - v{i}\n"),
        "",
    ),
    (
        "pods as peers",
        "@np  podSelector: {}\n  ingress:\n  - from:\n",
        |i| format!("    - podSelector: {{matchLabels: {{a: v{i}}}}}\n"),
        "",
    ),
    (
        "keys of peers",
        "@np  podSelector: {}\n  ingress:\n  - from:\n",
        |i| format!("    - podSelector: {{matchLabels: {{k{i}: v}}}}\n"),
        "",
    ),
    (
        "namespaces as peers",
        "@np  podSelector: {}\n  ingress:\n  - from:\n",
        |i| format!("    - namespaceSelector: {{matchLabels: {{a: v{i}}}}}\n"),
        "",
    ),
    (
        "blocks",
        "@np  podSelector: {}\n  policyTypes: [Egress]\n  egress:\n  - to:\n",
        |i| format!("    - ipBlock: {{cidr: {}}}\n", block(i)),
        "",
    ),
    (
        "exceptions of a block",
        "@np  podSelector: {}\n  policyTypes: [Egress]\n  egress:\n  - to:\n    - ipBlock:\n        \
         cidr: 10.0.0.0/8\n        except:\n",
        |i| format!("        - {}\n", block(i)),
        "",
    ),
    (
        "ports",
        "@np  podSelector: {}\n  ingress:\n  - ports:\n",
        |i| format!("    - port: {}\n", 2 * i % 65_000 + 1),
        "",
    ),
    (
        "names of ports",
        "@np  podSelector: {}\n  ingress:\n  - ports:\n",
        |i| format!("    - port: p{i}x\n"),
        "",
    ),
    (
        "rules",
        "@np  podSelector: {}\n  ingress:\n",
        |i| {
            let port = i % 65_000 + 1;
            format!(
                "  - {{from: [{{podSelector: {{matchLabels: {{a: v{i}}}}}}}], ports: [{{port: {port}}}]}}\n"
            )
        },
        "",
    ),
    (
        "policies that say the same",
        "",
        |i| {
            policy(
                i,
                "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {}}]}]}",
            )
        },
        "",
    ),
    (
        "subjects",
        "",
        |i| {
            let spec = format!(
                "{{podSelector: {{matchLabels: {{k{i}: v}}}}, ingress: [{{from: [{{podSelector: {{}}}}]}}]}}"
            );
            policy(i, &spec)
        },
        "",
    ),
    (
        "namespaces",
        "",
        |i| {
            format!(
                "---\n{{apiVersion: v1, kind: Namespace, metadata: {{name: n{i}, labels: {{t: x{i}}}}}}}\n"
            )
        },
        "@np  podSelector: {}\n  ingress: [{from: [{namespaceSelector: {matchLabels: {t: x5}}}]}]\n",
    ),
    (
        "ports of a Service",
        "---\napiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: shop}\nspec:\n  \
         type: LoadBalancer\n  selector: {app: db}\n  ports:\n",
        |i| format!("  - {{name: p{i}, port: {}}}\n", i % 65_000 + 1),
        "",
    ),
    (
        "Services with a pod each",
        "",
        |i| {
            format!(
                "---\n{{apiVersion: v1, kind: Service, metadata: {{name: s{i}, namespace: shop}}, spec: \
                 {{selector: {{a: v{i}}}, ports: [{{port: 80}}]}}}}\n---\n{{apiVersion: v1, kind: Pod, \
                 metadata: {{name: p{i}, namespace: shop, labels: {{a: v{i}}}}}}}\n"
            )
        },
        "",
    ),
    (
        "hosts of an Ingress",
        "---\napiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: shop}\nspec: {selector: {app: \
         db}, ports: [{port: 80}]}\n---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: \
         {name: i, namespace: shop}\nspec:\n  rules:\n",
        |i| {
            format!(
                "  - {{host: h{i}.example.com, http: {{paths: [{{path: /, pathType: Prefix, backend: \
                 {{service: {{name: s, port: {{number: 80}}}}}}}}]}}}}\n"
            )
        },
        "",
    ),
    (
        "endpoints",
        "---\napiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: shop}\nspec: {ports: [{port: \
         80}]}\n---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s, namespace: \
         shop, labels: {kubernetes.io/service-name: s}}\naddressType: IPv4\nports: [{port: 80}]\n\
         endpoints:\n",
        |i| format!("- {{addresses: [10.1.{}.{}]}}\n", i >> 8 & 255, i & 255),
        "",
    ),
    (
        "containers",
        "---\napiVersion: v1\nkind: Pod\nmetadata: {name: many, namespace: shop, labels: {app: many}}\n\
         spec:\n  containers:\n",
        |i| {
            let port = i % 65_000 + 1;
            format!(
                "  - {{name: c{i}, image: x, ports: [{{containerPort: {port}, name: p{i}}}]}}\n"
            )
        },
        "",
    ),
    (
        "names",
        "@cnp  egress:\n  - toFQDNs:\n",
        |i| format!("    - matchName: h{i}.example.com\n"),
        "",
    ),
    (
        "paths",
        "@cnp  ingress:\n  - toPorts:\n    - ports: [{port: \"80\", protocol: TCP}]\n      rules:\n        \
         http:\n",
        |i| format!("        - {{method: GET, path: /p{i}}}\n"),
        "",
    ),
    (
        "denials",
        "@cnp  ingress: [{fromEntities: [all]}]\n  ingressDeny:\n",
        |i| format!("  - fromEndpoints: [{{matchLabels: {{a: v{i}}}}}]\n"),
        "",
    ),
    (
        "denials at ports",
        "@cnp  ingress: [{fromEntities: [all]}]\n  ingressDeny:\n",
        |i| {
            let port = 2 * i % 65_000 + 1;
            format!(
                "  - {{fromEndpoints: [{{matchLabels: {{a: v{}}}}}], toPorts: [{{ports: [{{port: \
                 \"{port}\"}}]}}]}}\n",
                i % 200
            )
        },
        "",
    ),
    (
        "denials of blocks",
        "@cnp  egress: [{toEntities: [all]}]\n  egressDeny:\n  - toCIDR:\n",
        |i| format!("    - {}\n", block(i)),
        "",
    ),
    (
        "alternatives",
        "@calico  ingress: [{action: Allow}]\n  selector: a == 'x'",
        |i| format!(" || a == 'v{i}'"),
        "\n",
    ),
    (
        "parentheses",
        "@calico  ingress: [{action: Allow}]\n  selector: a == 'x' && ",
        |_| "(".into(),
        "\n",
    ),
    (
        "negations",
        "@calico  ingress: [{action: Allow}]\n  selector: \"",
        |_| "!".into(),
        "has(a)\"\n",
    ),
    (
        "rules of Calico",
        "@calico  selector: all()\n  ingress:\n",
        |i| {
            let action = if i % 2 == 0 { "Allow" } else { "Deny" };
            let port = i % 65_000 + 1;
            format!(
                "  - {{action: {action}, source: {{selector: \"a == 'v{i}'\"}}, protocol: TCP, destination: \
                 {{ports: [{port}]}}}}\n"
            )
        },
        "",
    ),
    (
        "networks that are not",
        "@calico  selector: all()\n  ingress:\n  - action: Allow\n    source:\n      notNets:\n",
        |i| format!("      - {}\n", block(i)),
        "",
    ),
    (
        "networks of a set",
        "@calico  selector: all()\n  ingress: [{action: Allow, source: {selector: s == 'a'}}]\n---\n\
         apiVersion: projectcalico.org/v3\nkind: GlobalNetworkSet\nmetadata: {name: s, labels: {s: a}}\n\
         spec:\n  nets:\n",
        |i| format!("  - {}\n", block(i)),
        "",
    ),
    (
        "tiers",
        "",
        |i| {
            format!(
                "---\napiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {{name: t{i}}}\nspec: {{order: \
                 {i}}}\n---\napiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {{name: \
                 t{i}.a}}\nspec: {{tier: t{i}, selector: all(), ingress: [{{action: Pass, source: {{selector: \
                 \"a == 'v{i}'\"}}}}]}}\n"
            )
        },
        "",
    ),
    (
        "policies for the cluster",
        "",
        |i| {
            format!(
                "---\napiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: \
                 {{name: t{i}}}\nspec: {{tier: Admin, priority: {}, subject: {{namespaces: {{}}}}, ingress: \
                 [{{action: Pass, from: [{{namespaces: {{matchLabels: {{a: v{i}}}}}}}]}}]}}\n",
                i % 1000
            )
        },
        "",
    ),
];

/// Manifests of a shape of so many bytes.
fn manifests((_, before, each, after): &Shape, bytes: usize) -> String {
    let kind = |text: &str| text.replace("@np", NP).replace("@cnp", CNP).replace("@calico", CALICO);
    let mut text = format!("{BESIDE}{}", kind(before));
    let mut i = 0;
    while text.len() < bytes {
        let _ = write!(text, "{}", each(i));
        i += 1;
    }
    text + &kind(after)
}

#[test]
fn much_of_one_thing_takes_no_more_than_much_of_all() {
    let (program, full) = tried();
    let bytes = if full { FULL } else { SMALL };
    let mut wrong = Vec::new();
    for shape in SHAPES {
        let text = manifests(shape, bytes);
        wrong.extend(tried_on((shape.0, [&text, BESIDE]), (COMMANDS, &[]), &program, MOST));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
