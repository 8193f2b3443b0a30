//! What each kind of test proves, and what breaks it.

use super::{is, tested};
use crate::run::{list, text};

/// A namespace that is closed, with an API that alone may reach the database.
const SHOP: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: a}}
---
apiVersion: v1
kind: Namespace
metadata: {name: web, labels: {team: b}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: c, image: i, ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: c, image: i, ports: [{name: sql, containerPort: 5432}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: {selector: {app: api}, ports: [{name: web, port: 80, targetPort: http}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: front, namespace: web}
spec:
  selector: {matchLabels: {app: front}}
  template:
    metadata: {labels: {app: front}}
    spec: {containers: [{name: c, image: i}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: api}}}], ports: [{port: 5432}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: api, namespace: shop}
spec:
  podSelector: {matchLabels: {app: api}}
  ingress: [{from: [{namespaceSelector: {matchLabels: {team: b}}}], ports: [{port: 8080}]}]
";

#[test]
fn allow() {
    let test = |body: &str| format!("- name: a\n  allow: {body}\n");
    is(SHOP, &test("{from: shop/deploy/api, to: shop/sts/db, ports: 5432}"), "Proved", &[]);
    is(SHOP, &test("{from: shop/deploy/api, to: shop/sts/db, ports: sql}"), "Proved", &[]);
    is(
        SHOP,
        &test("{from: shop/deploy/api, to: shop/sts/db}"),
        "Broken",
        &["shop/deploy/api does not reach shop/sts/db on 1/TCP"],
    );
    is(SHOP, &test("{from: web/deploy/front, to: shop/svc/api, ports: 80}"), "Proved", &[]);
    // Of a Service without a port its own are meant.
    is(SHOP, &test("{from: web/deploy/front, to: shop/svc/api}"), "Proved", &[]);
    is(
        SHOP,
        &test("{from: web/deploy/front, to: shop/sts/db, ports: 5432}"),
        "Broken",
        &["web/deploy/front does not reach shop/sts/db"],
    );
    // A pod with exactly these labels, and any other pod of a namespace, are meant too.
    is(
        SHOP,
        &test("{from: 'web/pods[app=later]', to: shop/svc/api}"),
        "Broken",
        &["matches no known"],
    );
    is(SHOP, &test("{from: ns/web, to: shop/svc/api}"), "Proved", &[]);
    is(SHOP, &test("{from: ns/shop, to: shop/sts/db, ports: 5432}"), "Broken", &["does not reach"]);
}

#[test]
fn deny_holds_of_pods_that_nobody_has_written() {
    let test = |body: &str| format!("- name: a\n  deny: {body}\n");
    is(SHOP, &test("{from: ns/web, to: shop/sts/db}"), "Proved", &[]);
    is(SHOP, &test("{from: internet, to: ns/shop}"), "Proved", &[]);
    is(SHOP, &test("{from: ns/web, to: ns/shop}"), "Broken", &["web/deploy/front reaches"]);
    is(SHOP, &test("{from: ns/web, to: ns/shop, ports: 5432}"), "Proved", &[]);
    // A pod of the namespace may come to have the label that is let in.
    let scope = |scope: &str| {
        format!(
            "{}  scope: {scope}\n",
            test("{from: 'namespaces[team=b]', to: ns/shop, ports: [8080]}")
        )
    };
    is(SHOP, &scope("any"), "Broken", &["reaches"]);
    let others = "- name: a\n  deny: {from: {ends: anyone, except: ns/web}, to: shop/deploy/api}\n";
    // Any other namespace may have the label, unless only those that are written count.
    is(SHOP, others, "Broken", &["team=b"]);
    is(SHOP, &format!("{others}  scope: written-namespaces\n"), "Proved", &[]);
    is(SHOP, &format!("{others}  scope: known\n"), "Proved", &[]);
}

/// Where both namespaces are closed, a flow needs a rule at each end, and one pod for what both ask of it.
#[test]
fn rules_at_both_ends_decide() {
    let policies = |subject: &str, port: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: closed, namespace: a}}\n\
             spec: {{podSelector: {{}}, policyTypes: [Ingress, Egress]}}\n---\n\
             apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: closed, namespace: b}}\n\
             spec: {{podSelector: {{}}, policyTypes: [Ingress, Egress]}}\n---\n\
             apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: out, namespace: a}}\n\
             spec: {{podSelector: {subject}, policyTypes: [Egress], egress: [{{to: [{{namespaceSelector: {{}}, \
             podSelector: {{matchLabels: {{app: db}}}}}}], ports: [{{port: {port}}}]}}]}}\n---\n\
             apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: in, namespace: b}}\n\
             spec: {{podSelector: {{matchLabels: {{app: db}}}}, ingress: [{{from: [{{namespaceSelector: {{}}, \
             podSelector: {{matchLabels: {{app: api}}}}}}], ports: [{{port: 5432}}]}}]}}\n"
        )
    };
    let test = "- name: a\n  deny: {from: ns/a, to: ns/b}\n";
    let of = |app: &str| format!("{{matchLabels: {{app: {app}}}}}");
    is(&policies(&of("api"), "5432"), test, "Broken", &["5432/TCP"]);
    is(&policies(&of("api"), "sql"), test, "Broken", &["5432/TCP"]);
    is(&policies("{}", "5432"), test, "Broken", &["5432/TCP"]);
    // Two values of one label, or two ports, are no flow.
    is(&policies(&of("web"), "5432"), test, "Proved", &[]);
    is(&policies(&of("api"), "5433"), test, "Proved", &[]);
    let except = "- name: a\n  deny: {from: {ends: ns/a, except: 'a/pods[app=api]'}, to: ns/b}\n";
    is(&policies(&of("api"), "5432"), except, "Proved", &[]);
    // The name of a port may be that of any number.
    let port = "- name: a\n  deny: {from: ns/a, to: ns/b, ports: 80}\n";
    is(&policies(&of("api"), "sql"), port, "Proved", &[]);
}

/// docs/semantics/kubernetes.md#own-node-to-pod: no policy keeps a node from the pods on it, so that a pod on its
/// network reaches those, whatever is written; where it is not known which node it is, neither is that.
#[test]
fn a_node_reaches_its_own_pods() {
    let pods = |node: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: agent, namespace: dev, labels: {{app: agent}}}}\n\
             spec: {{hostNetwork: true, nodeName: n1, containers: [{{image: i}}]}}\n---\n\
             apiVersion: v1\nkind: Pod\nmetadata: {{name: db, namespace: prod, labels: {{app: db}}}}\n\
             spec: {{{node}containers: [{{image: i}}]}}\n---\n\
             apiVersion: v1\nkind: Node\nmetadata: {{name: n1}}\n\
             status: {{addresses: [{{type: InternalIP, address: 192.0.2.1}}]}}\n---\n\
             apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: deny, namespace: prod}}\n\
             spec: {{podSelector: {{}}, policyTypes: [Ingress, Egress]}}\n"
        )
    };
    for (node, expected) in
        [("nodeName: n1, ", "Broken"), ("nodeName: n2, ", "Proved"), ("", "NotKnown")]
    {
        for from in ["ns/dev", "dev/pod/agent", "nodes"] {
            let test = format!("- name: x\n  deny: {{from: {from}, to: prod/pod/db}}\n");
            is(&pods(node), &test, expected, &[]);
        }
    }
    // Another node is let in by rules alone: that one reaches the pod does not show that all do.
    let two = format!(
        "{}---\napiVersion: v1\nkind: Node\nmetadata: {{name: n2}}\n\
         status: {{addresses: [{{type: InternalIP, address: 192.0.2.2}}]}}\n",
        pods("nodeName: n1, ")
    );
    let allow = |from: &str| format!("- name: x\n  allow: {{from: {from}, to: prod/pod/db}}\n");
    is(&two, &allow("nodes"), "Broken", &["node/n2 does not reach prod/pod/db"]);
    is(&two, &allow("node/n1"), "Proved", &[]);
    // docs/semantics/kubernetes.md#pod-to-own-node: whether a pod reaches its node is not defined.
    for (node, expected) in
        [("nodeName: n1, ", "NotKnown"), ("nodeName: n2, ", "Proved"), ("", "NotKnown")]
    {
        for to in ["nodes", "dev/pod/agent"] {
            let test = format!("- name: x\n  deny: {{from: prod/pod/db, to: {to}}}\n");
            is(&pods(node), &test, expected, &[]);
        }
    }
    // Of pods that nobody has written it is left out, whatever rules there are.
    let rule = format!(
        "{}---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: in, namespace: prod}}\n\
         spec: {{podSelector: {{}}, ingress: [{{from: [{{podSelector: {{}}}}]}}]}}\n",
        pods("nodeName: n1, ")
    );
    is(&rule, "- name: x\n  only: {from: ns/prod, to: ns/prod}\n", "Proved", &[]);
    is(&rule, "- name: x\n  only-to: {from: ns/prod, to: []}\n", "Proved", &[]);
    // Of anyone it is left out, and said.
    let only = "- name: x\n  only: {to: prod/pod/db, from: []}\n";
    let run = tested(&pods("nodeName: n1, "), only, &[]);
    assert!(run.code == 0 && run.stdout.contains("Left out is what no policy judges"), "{run:?}");
}

#[test]
fn only() {
    let test = |body: &str| format!("- name: a\n  only: {body}\n");
    is(SHOP, &test("{to: shop/sts/db, from: shop/deploy/api}"), "Proved", &[]);
    is(
        SHOP,
        &test("{to: shop/sts/db, from: []}"),
        "Broken",
        &["shop/deploy/api reaches shop/sts/db"],
    );
    is(SHOP, &test("{to: shop/sts/db, from: 'shop/pods[app=api]'}"), "Proved", &[]);
    is(
        SHOP,
        &test("{to: shop/deploy/api, from: web/deploy/front}"),
        "Broken",
        &["reaches shop/deploy/api on 8080/TCP"],
    );
    // Half of the internet, twice, is all of it.
    let halves = format!(
        "{SHOP}---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: halves, namespace: shop}}\nspec:\n  podSelector: {{matchLabels: {{app: db}}}}\n  ingress: [{{from: [{{ipBlock: {{cidr: 0.0.0.0/1}}}}, {{ipBlock: {{cidr: 128.0.0.0/1}}}}]}}]\n"
    );
    is(
        &halves,
        &test("{to: shop/sts/db, from: shop/deploy/api}"),
        "Broken",
        &["reaches shop/sts/db"],
    );
    // A rule that asks for less than the workload has lets others in.
    let wide = SHOP.replace(
        "ingress: [{from: [{podSelector: {matchLabels: {app: api}}}], ports: [{port: 5432}]}]",
        "ingress: [{from: [{podSelector: {}}], ports: [{port: 5432}]}]",
    );
    is(
        &wide,
        &test("{to: shop/sts/db, from: shop/deploy/api}"),
        "Broken",
        &["shop/sts/db on 5432"],
    );
    // So it does where no other is known, and no rule looks at labels.
    let open = "{to: shop/sts/db, from: [shop/deploy/api, shop/sts/db]}";
    is(&wide, &test(open), "Broken", &["any other pod of shop reaches shop/sts/db"]);
}

#[test]
fn only_to() {
    let closed = format!(
        "{SHOP}---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: out, namespace: web}}\nspec:\n  podSelector: {{}}\n  policyTypes: [Egress]\n  egress: [{{to: [{{namespaceSelector: {{matchLabels: {{team: a}}}}, podSelector: {{matchLabels: {{app: api}}}}}}], ports: [{{port: 8080}}]}}]\n"
    );
    let test = |to: &str| {
        format!(
            "- name: a\n  only-to: {{from: web/deploy/front, to: {to}}}\n  scope: written-namespaces\n"
        )
    };
    is(&closed, &test("shop/deploy/api"), "Proved", &[]);
    is(&closed, &test("'shop/deploy/api:8080'"), "Proved", &[]);
    is(&closed, &test("'shop/deploy/api:9090'"), "Broken", &["on 8080/TCP"]);
    is(&closed, &test("['shop/deploy/api:9090', 'shop/deploy/api:8080']"), "Proved", &[]);
    is(&closed, &test("['shop/deploy/api:9090', 'shop/sts/db:8080']"), "Broken", &["on 8080/TCP"]);
    is(&closed, &test("shop/sts/db"), "Broken", &["reaches shop/deploy/api"]);
    is(SHOP, &test("shop/deploy/api"), "Broken", &["web/deploy/front reaches"]);
}

#[test]
fn isolated() {
    let test = |body: &str| format!("- name: a\n  isolated: {body}\n");
    is(SHOP, &test("{between: ns/web, and: shop/sts/db}"), "Broken", &["shop/sts/db reaches web"]);
    let closed = format!(
        "{SHOP}---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: in, namespace: web}}\nspec: {{podSelector: {{}}, policyTypes: [Ingress]}}\n"
    );
    is(&closed, &test("{between: ns/web, and: shop/sts/db}"), "Proved", &[]);
    is(&closed, &test("{between: ns/web, and: ns/shop}"), "Broken", &["reaches"]);
}

#[test]
fn default_deny() {
    let test = |body: &str| format!("- name: a\n  default-deny: {body}\n");
    is(SHOP, &test("{namespaces: shop, directions: ingress}"), "Proved", &[]);
    is(SHOP, &test("{namespaces: shop}"), "Broken", &["no policy isolates egress of"]);
    is(
        SHOP,
        &test("{namespaces: [shop, web], directions: ingress}"),
        "Broken",
        &["web/deploy/front"],
    );
    is(
        SHOP,
        &test("{namespaces: anyone, directions: ingress, except: ns/web}"),
        "Broken",
        &["any other"],
    );
    let scoped =
        "{namespaces: anyone, directions: ingress, except: ns/web}}\n  scope: written-namespaces";
    is(
        SHOP,
        &format!("- name: a\n  default-deny: {}\n", scoped.replacen("}}", "}", 1)),
        "Proved",
        &[],
    );
    // Each known workload is selected, and another would not be.
    let each = SHOP.replace("spec: {podSelector: {}, policyTypes: [Ingress]}",
        "spec: {podSelector: {matchExpressions: [{key: app, operator: In, values: [api, db]}]}, policyTypes: [Ingress]}");
    is(
        &each,
        &test("{namespaces: shop, directions: ingress}"),
        "Broken",
        &["any other pod of shop"],
    );
    let known = "{namespaces: shop, directions: ingress}\n  scope: known";
    is(&each, &test(known), "Proved", &[]);
}

#[test]
fn dns() {
    let test = "- name: a\n  dns: {from: ns/web}\n";
    is(SHOP, test, "Proved", &[]);
    let closed = format!(
        "{SHOP}---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: out, namespace: web}}\nspec:\n  podSelector: {{}}\n  policyTypes: [Egress]\n  egress: [{{to: [{{namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: kube-system}}}}}}], ports: [{{port: 53, protocol: UDP}}]}}]\n"
    );
    is(&closed, test, "Broken", &["on 53/TCP"]);
    is(&closed, "- name: a\n  dns: {from: ns/web, ports: 53/UDP}\n", "Proved", &[]);
}

#[test]
fn exposed() {
    let led = format!(
        "{SHOP}---\napiVersion: v1\nkind: Service\nmetadata: {{name: out, namespace: web}}\nspec: {{type: LoadBalancer, selector: {{app: front}}, ports: [{{port: 80}}]}}\n"
    );
    let test = |only: &str, scope: &str| {
        format!("- name: a\n  exposed: {{only: {only}}}\n  scope: {scope}\n")
    };
    is(&led, &test("web/deploy/front", "known"), "Proved", &[]);
    is(&led, &test("[]", "known"), "Broken", &["the internet gets to web/deploy/front"]);
    // No policy closes the others of the namespace.
    is(&led, &test("web/deploy/front", "written-namespaces"), "Broken", &["any other pod of web"]);
    is(&led, &test("ns/web", "written-namespaces"), "Proved", &[]);
    // Without a way in nothing is known of what leads there.
    is(SHOP, &test("ns/web", "known"), "NotKnown", &["no way in from outside"]);
}

#[test]
fn unreachable() {
    let test = |body: &str| format!("- name: a\n  unreachable: {body}\n");
    is(
        SHOP,
        &test("{from: web/deploy/front, to: shop/sts/db}"),
        "Broken",
        &["web/deploy/front gets to shop/sts/db by 2 hops"],
    );
    is(SHOP, &test("{from: web/deploy/front, to: shop/sts/db, max-hops: 1}"), "Proved", &[]);
    is(SHOP, &test("{from: shop/sts/db, to: web/deploy/front}"), "Broken", &["by 1 hop"]);
}

#[test]
fn conditions_count_on_the_strict_side() {
    let rule = "
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: path, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: db}}
  ingress:
  - fromEndpoints: [{matchLabels: {app: api}}]
    toPorts: [{ports: [{port: '9090', protocol: TCP}], rules: {http: [{method: GET, path: /metrics}]}}]
";
    let all = format!("{SHOP}---\n{rule}");
    let allow = "- name: a\n  allow: {from: shop/deploy/api, to: shop/sts/db, ports: 9090}\n";
    let deny = "- name: a\n  deny: {from: shop/deploy/api, to: shop/sts/db, ports: 9090}\n";
    is(&all, allow, "Broken", &["only on a condition"]);
    is(&all, &format!("{allow}  on-condition: counts\n"), "Proved", &[]);
    is(&all, deny, "Broken", &["reaches"]);
    is(&all, &format!("{deny}  on-condition: does-not-count\n"), "Proved", &[]);
}

/// What was not read may decide, so nothing is proved of it.
#[test]
fn what_was_not_read_is_not_known() {
    let gap = format!(
        "{SHOP}---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: odd, namespace: shop}}\nspec: {{podSelector: {{matchLabels: {{app: db}}}}, ingres: [{{}}]}}\n"
    );
    let deny = "- name: a\n  deny: {from: ns/web, to: shop/sts/db}\n";
    // What would be refused is not in force, and is told.
    let run = tested(&gap, deny, &["-o", "json"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(text(&run.json(), "/warnings/0/message").contains("would be refused"), "{run:?}");
    let run = tested(&format!("{SHOP}---\na: [\n"), deny, &["-o", "json"]);
    assert_eq!(run.code, 3, "{run:?}");
    let message = run.json();
    let message = text(&message, "/tests/0/message");
    assert!(message.contains("not all of the input was read"), "{message}");
    let nothing = "apiVersion: v1\nkind: Namespace\nmetadata: {name: web}\n";
    let test = "- name: a\n  deny: {from: ns/web, to: internet}\n";
    let none = tested(nothing, test, &["-o", "json"]);
    assert_ne!(none.code, 0, "{none:?}");
}

/// Both sides' rules have their lines, and the command that explains the flow is one that runs.
#[test]
fn a_failure_says_why_and_where() {
    let run = tested(
        SHOP,
        "- name: a\n  reason: so it is\n  deny: {from: ns/web, to: ns/shop}\n",
        &["-o", "json"],
    );
    assert_eq!(run.code, 1);
    let answer = run.json();
    let test = &answer["tests"][0];
    assert_eq!(text(test, "/reason"), "so it is");
    let ingress = &test["witness"]["flows"][0]["ingress"];
    assert_eq!(text(ingress, "/policies/0/name"), "api");
    assert!(ingress["policies"][0]["location"]["line"].as_u64().unwrap() > 50, "{ingress:#}");
    assert!(text(test, "/witness/explain").starts_with("kubectl netpol explain -f "), "{test:#}");
    assert!(
        list(test, "/mend").iter().any(|it| it.as_str().unwrap().contains("api ingress[0]")),
        "{test:#}"
    );
}

/// What an ambient mesh carries comes to port 15008 of the receiver, so both have to hold.
/// Source: docs/semantics/services.md#ambient-meshes.
#[test]
fn what_an_ambient_mesh_may_carry() {
    let cluster = |mode: &str, ports: &str| {
        let pod = |name: &str| {
            format!(
                "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: shop, labels: {{app: {name}}}}}\n\
                 spec: {{containers: [{{name: c, image: i}}]}}\n"
            )
        };
        format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, labels: {{istio.io/dataplane-mode: {mode}}}}}\n{}{}---\n\
             apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: a, namespace: shop}}\nspec:\n  \
             podSelector: {{matchLabels: {{app: a}}}}\n  ingress: [{{from: [{{podSelector: {{}}}}], ports: [{ports}]}}]\n",
            pod("a"),
            pod("b")
        )
    };
    let deny = "- name: a\n  deny: {from: shop/b, to: shop/a, ports: 8080}\n";
    let allow = "- name: a\n  allow: {from: shop/b, to: shop/a, ports: 8080}\n";
    let hbone = "{port: 15008}";
    is(&cluster("none", hbone), deny, "Proved", &[]);
    is(&cluster("ambient", hbone), deny, "NotKnown", &["ambient mesh", "15008"]);
    is(&cluster("ambient", "{port: 80}"), deny, "Proved", &[]);
    is(&cluster("ambient", "{port: 8080}"), allow, "NotKnown", &["ambient mesh"]);
    is(&cluster("ambient", "{port: 8080}, {port: 15008}"), allow, "Proved", &[]);
    is(&cluster("ambient", hbone), allow, "NotKnown", &[]);
    // Over UDP nothing is carried.
    let udp = "- name: a\n  deny: {from: shop/b, to: shop/a, ports: 53/UDP}\n";
    is(&cluster("ambient", hbone), udp, "Proved", &[]);
    // Who is outside of the mesh comes by the port that it dials.
    let outside = "- name: a\n  deny: {from: internet, to: shop/a, ports: 8080}\n";
    is(&cluster("ambient", hbone), outside, "Proved", &[]);
}

/// A rule that denies nodes makes it known which node pods are on; of those on none that is known, who passes is
/// not known.
#[test]
fn a_pod_that_may_be_on_another_node_is_not_proved_to_pass() {
    let pods = |agent: &str, db: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: agent, namespace: dev}}\n\
             spec: {{hostNetwork: true, {agent}containers: [{{name: c, image: i}}]}}\n---\n\
             apiVersion: v1\nkind: Pod\nmetadata: {{name: db, namespace: prod}}\n\
             spec: {{{db}containers: [{{name: c, image: i}}]}}\n---\n\
             apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: p, namespace: prod}}\n\
             spec: {{endpointSelector: {{}}, ingressDeny: [{{fromEntities: [remote-node]}}]}}\n"
        )
    };
    let test = "- name: x\n  scope: known\n  allow: {from: dev/pod/agent, to: prod/pod/db}\n";
    let (one, other) = ("nodeName: n1, ", "nodeName: n2, ");
    for (agent, db, expected) in
        [("", "", "NotKnown"), (one, "", "NotKnown"), (one, one, "Proved"), (one, other, "Broken")]
    {
        is(&pods(agent, db), test, expected, &[]);
    }
}

/// A rule that perhaps matches breaks nothing by what it asks for; one that does breaks.
#[test]
fn what_perhaps_passes_on_a_condition_is_not_known() {
    let pods = |node: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: agent, namespace: dev}}\n\
             spec: {{hostNetwork: true, nodeName: n1, containers: [{{name: c, image: i}}]}}\n---\n\
             apiVersion: v1\nkind: Pod\nmetadata: {{name: db, namespace: prod}}\n\
             spec: {{{node}containers: [{{name: c, image: i}}]}}\n---\n\
             apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: p, namespace: prod}}\n\
             spec:\n  endpointSelector: {{}}\n  enableDefaultDeny: {{ingress: false}}\n  ingress:\n  \
             - fromEntities: [remote-node]\n    toPorts:\n    - ports: [{{port: \"80\", protocol: TCP}}]\n      \
             rules: {{http: [{{method: GET}}]}}\n"
        )
    };
    let test = "- name: x\n  scope: known\n  on-condition: does-not-count\n  \
                allow: {from: dev/pod/agent, to: prod/pod/db, ports: [80]}\n";
    for (node, expected) in
        [("", "NotKnown"), ("nodeName: n1, ", "Proved"), ("nodeName: n2, ", "Broken")]
    {
        is(&pods(node), test, expected, &[]);
    }
}
