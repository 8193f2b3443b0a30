//! docs/semantics/cilium-labels.md#identity-labels: identity labels, selectors and what Cilium adds
//! to them.

use super::{
    API, WEB, ccnp, cluster, cnp, egress, holds, holds_with, ingress, lint, settings, with,
};
use crate::semantics::pod;
use netpol::policy::{Cilium, CiliumVersion};

/// A rule for shop/api that admits endpoints with this selector.
fn from(selector: &str) -> String {
    ingress(&format!("[{{fromEndpoints: [{{{selector}}}]}}]"))
}

fn labels(label: &str) -> String {
    from(&format!("matchLabels: {{{label}}}"))
}

fn expression(key: &str, rest: &str) -> String {
    from(&format!("matchExpressions: [{{key: \"{key}\", operator: {rest}}}]"))
}

/// docs/semantics/cilium-labels.md#identity-labels: those of the pod.
#[test]
fn labels_of_the_pod() {
    holds(
        &labels("app: web"),
        &["web → api:80 is Allowed", "api → web:80 is Allowed", "other/client → api:80 is Denied"],
    );
    holds(&labels("app: other"), &["web → api:80 is Denied"]);
}

/// Identity labels: `k8s:io.kubernetes.pod.namespace`.
#[test]
fn the_namespace_of_the_pod() {
    for key in [
        "io.kubernetes.pod.namespace",
        "\"k8s:io.kubernetes.pod.namespace\"",
        "\"any:io.kubernetes.pod.namespace\"",
    ] {
        holds(
            &labels(&format!("{key}: other")),
            &["web → api:80 is Denied", "other/client → api:80 is Allowed"],
        );
    }
    holds(
        &labels("io.kubernetes.pod.namespace: other, app: api"),
        &["other/client → api:80 is Denied"],
    );
    holds(
        &expression("io.kubernetes.pod.namespace", "Exists"),
        &[
            "web → api:80 is Allowed",
            "other/client → api:80 is Allowed",
            "203.0.113.7 → api:80 is Denied",
        ],
    );
}

/// Identity labels: `k8s:io.cilium.k8s.namespace.labels.KEY`.
#[test]
fn labels_of_the_namespace() {
    for source in ["", "k8s:", "any:"] {
        holds(
            &labels(&format!("\"{source}io.cilium.k8s.namespace.labels.team\": blue")),
            &["web → api:80 is Denied", "other/client → api:80 is Allowed"],
        );
    }
    holds(
        &labels("io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name: other"),
        &["web → api:80 is Denied", "other/client → api:80 is Allowed"],
    );
}

/// Identity labels: `k8s:io.cilium.k8s.policy.cluster`.
#[test]
fn the_cluster() {
    let policy = labels("io.cilium.k8s.policy.cluster: home");
    holds(&policy, &["web → api:80 is Allowed", "other/client → api:80 is Denied"]);
    let other = labels("io.cilium.k8s.policy.cluster: away");
    holds(&other, &["web → api:80 is Denied"]);
    lint(&cluster(&other), "which no pod of this cluster has");
    // Where its name is not known, nothing is guessed.
    let unknown = Cilium::new(CiliumVersion::V1_19);
    holds_with(
        unknown.clone(),
        &policy,
        &["web → api:80 is Unknown", "other/client → api:80 is Denied"],
    );
    holds_with(
        unknown,
        &expression("io.cilium.k8s.policy.cluster", "Exists"),
        &["web → api:80 is Allowed"],
    );
    holds(&expression("io.cilium.k8s.policy.cluster", "DoesNotExist"), &["web → api:80 is Denied"]);
}

/// Identity labels: `k8s:io.cilium.k8s.policy.serviceaccount`.
#[test]
fn the_service_account() {
    let job = pod("shop", "job", "job", "10.0.1.12", "serviceAccountName: batch");
    let policy = labels("io.cilium.k8s.policy.serviceaccount: batch");
    holds(&format!("{job}{policy}"), &["job → api:80 is Allowed", "web → api:80 is Denied"]);
    let default = labels("\"k8s:io.cilium.k8s.policy.serviceaccount\": default");
    holds(&format!("{job}{default}"), &["job → api:80 is Denied", "web → api:80 is Allowed"]);
}

/// docs/semantics/cilium-labels.md#label-filter: a selector on an excluded label never matches, which
/// is told. Other dialects and options are in filter.rs.
#[test]
fn excluded_labels() {
    for label in [
        "pod-template-hash",
        "controller-revision-hash",
        "statefulset.kubernetes.io/pod-name",
        "kubernetes.io/arch",
        "beta.kubernetes.io/os",
        "annotation.x",
    ] {
        let web = pod("shop", "web-0", "web", "10.0.1.12", "");
        let web = web.replace("{app: web}", &format!("{{app: web, {label}: x}}"));
        let policy = labels(&format!("{label}: x"));
        holds(&format!("{web}{policy}"), &["web-0 → api:80 is Denied"]);
        lint(&cluster(&policy), "so this never matches");
        let absent = expression(label, "DoesNotExist");
        holds(&format!("{web}{absent}"), &["web-0 → api:80 is Allowed"]);
    }
    // The rest of app.kubernetes.io is looked at.
    let web = pod("shop", "web-0", "web", "10.0.1.12", "");
    let web = web.replace("{app: web}", "{app.kubernetes.io/name: web}");
    let policy = labels("app.kubernetes.io/name: web");
    holds(&format!("{web}{policy}"), &["web-0 → api:80 is Allowed"]);
    assert_eq!(cluster(&policy).lints(), [""; 0]);
}

/// docs/semantics/cilium-labels.md#keys: no source, `any:` and `k8s:` mean labels of pods.
#[test]
fn sources_of_pod_labels() {
    for key in ["app", "\"any:app\"", "\"k8s:app\""] {
        holds(
            &labels(&format!("{key}: web")),
            &["web → api:80 is Allowed", "other/client → api:80 is Denied"],
        );
        holds(&labels(&format!("{key}: api")), &["web → api:80 is Denied"]);
    }
}

/// docs/semantics/cilium-labels.md#reserved-labels: `reserved:` means entities, and no namespace is
/// added.
#[test]
fn reserved_labels() {
    holds(
        &labels("\"reserved:remote-node\": \"\""),
        &[
            "node/n2 → api:80 is Allowed",
            "web → api:80 is Denied",
            "203.0.113.7 → api:80 is Denied",
        ],
    );
    holds(
        &labels("\"reserved:world\": \"\""),
        &[
            "node/n2 → api:80 is Denied",
            "web → api:80 is Denied",
            "203.0.113.7 → api:80 is Allowed",
        ],
    );
    holds(
        &egress("[{toEndpoints: [{matchLabels: {\"reserved:host\": \"\"}}]}]"),
        &[
            "web → node/n2:10250 is Allowed",
            "web → node/n1:10250 is Denied",
            "web → api:80 is Denied",
        ],
    );
    holds(&labels("\"reserved:ingress\": \"\""), &["web → api:80 is Denied"]);
    // Whatever lacks the label, in any namespace or none.
    holds(
        &expression("reserved:health", "DoesNotExist"),
        &[
            "web → api:80 is Allowed",
            "other/client → api:80 is Allowed",
            "node/n2 → api:80 is Allowed",
            "203.0.113.7 → api:80 is Allowed",
        ],
    );
    holds(
        &expression("reserved:world", "DoesNotExist"),
        &["other/client → api:80 is Allowed", "203.0.113.7 → api:80 is Denied"],
    );
}

/// docs/semantics/cilium-labels.md#reserved-labels: what 1.20 sums identities up in has no labels, so a
/// selector of what must not be there means all pods, and addresses that some policy has in a block.
#[test]
fn reserved_labels_that_must_not_be_there() {
    let policy = expression("reserved:world", "DoesNotExist").replace(
        "operator: DoesNotExist",
        "operator: DoesNotExist}, {key: app, operator: NotIn, values: [web]",
    );
    let [old, new] = [CiliumVersion::V1_19, CiliumVersion::V1_20].map(Cilium::new);
    let outside = |verdict: &str| format!("203.0.113.7 → api:80 is {verdict}");
    holds_with(old, &policy, &["web → api:80 is Denied", &outside("Denied")]);
    holds_with(new.clone(), &policy, &["web → api:80 is Allowed", &outside("Unknown")]);
    let server = policy.replace("reserved:world", "reserved:kube-apiserver");
    holds_with(Cilium::new(CiliumVersion::V1_19), &server, &["web → api:80 is Denied"]);
    holds_with(new.clone(), &server, &["web → api:80 is Allowed", &outside("Unknown")]);
    // What sums pods up has no ports, so a name of one is none of theirs.
    let selector = "{toEndpoints: [{matchExpressions: [{key: \"reserved:world\", operator: DoesNotExist}, \
                    {key: app, operator: NotIn, values: [api]}]}], toPorts: [{ports: [{port: http}]}]}";
    holds_with(new.clone(), &egress(&format!("[{selector}]")), &["web → api:8080 is Unknown"]);
    // Where it means all that is outside anyway, that is known.
    let health = expression("reserved:health", "DoesNotExist");
    holds_with(new.clone(), &health, &[&outside("Allowed")]);
    // Without such a key a namespace is added, which nothing but pods has.
    let plain = expression("app", "DoesNotExist");
    holds_with(new, &plain, &["web → api:80 is Denied", &outside("Denied")]);
}

/// docs/semantics/cilium-labels.md#keys: labels of addresses are not told, and no pod has them.
#[test]
fn labels_of_addresses() {
    for key in ["cidr:203.0.113.0", "cidrgroup:partners", "fqdn:example.com"] {
        let policy = expression(key, "Exists");
        // With the cluster added (1.19) nothing can match; without it some address may.
        let older = Cilium::new(CiliumVersion::V1_18);
        holds_with(older, &policy, &["web → api:80 is Denied", "203.0.113.7 → api:80 is Unknown"]);
    }
}

/// docs/semantics/cilium-labels.md#keys: other sources cannot be seen from here.
#[test]
fn other_sources() {
    for key in ["node:kubernetes.io/arch", "unspec:app", "container:app"] {
        holds(
            &expression(key, "Exists"),
            &["web → api:80 is Unknown", "other/client → api:80 is Denied"],
        );
    }
}

/// docs/semantics/cilium-labels.md#requirements: matchLabels and matchExpressions are all required;
/// NotIn and DoesNotExist hold for absent keys.
#[test]
fn expressions() {
    for (rest, expected) in [
        ("In, values: [web, x]", "Allowed"),
        ("NotIn, values: [web]", "Denied"),
        ("Exists", "Allowed"),
        ("DoesNotExist", "Denied"),
    ] {
        let answer = format!("web → api:80 is {expected}");
        holds(&expression("app", rest), &[&answer]);
    }
    holds(&expression("tier", "NotIn, values: [back]"), &["web → api:80 is Allowed"]);
    holds(&expression("tier", "DoesNotExist"), &["web → api:80 is Allowed"]);
    let both = "matchLabels: {app: web}, matchExpressions: [{key: tier, operator: Exists}]";
    holds(&from(both), &["web → api:80 is Denied"]);
    let cluster = cluster(&expression("app", "Like, values: [web]"));
    assert!(cluster.rejected()[0].contains("is not In, NotIn"), "{:?}", cluster.rejected());
}

/// docs/semantics/cilium-labels.md#subject-of-a-ciliumnetworkpolicy: its namespace is forced, and
/// another one is ignored and told.
#[test]
fn a_namespaced_policy_stays_in_its_namespace() {
    let policy =
        |selector: &str| cnp("p", &format!("endpointSelector: {selector}, ingress: [{{}}]"));
    let lines = ["api → web:80 is Denied", "api → other/client:80 is Allowed"];
    holds(&policy("{matchLabels: {app: web}}"), &lines);
    let forced = policy("{matchLabels: {app: web, \"k8s:io.kubernetes.pod.namespace\": other}}");
    holds(&forced, &lines);
    lint(&cluster(&forced), "\"other\" is ignored: a CiliumNetworkPolicy speaks for its own");
    // Under another source it must hold as well.
    let both = policy("{matchLabels: {app: web, io.kubernetes.pod.namespace: other}}");
    holds(&both, &["api → web:80 is Allowed", "api → other/client:80 is Allowed"]);
    lint(&cluster(&both), "selects no pod of namespace shop");
    let own = policy("{matchLabels: {app: web, io.kubernetes.pod.namespace: shop}}");
    holds(&own, &lines);
    let team = policy("{matchLabels: {io.cilium.k8s.namespace.labels.team: red}}");
    holds(&team, &lines);
    let other_team = policy("{matchLabels: {io.cilium.k8s.namespace.labels.team: blue}}");
    holds(&other_team, &["api → web:80 is Allowed", "api → other/client:80 is Allowed"]);
}

/// docs/semantics/cilium-labels.md#peer-of-a-ciliumnetworkpolicy: the own namespace is added unless
/// the selector has a key of namespaces.
#[test]
fn peers_of_a_namespaced_policy() {
    holds(&from(""), &["web → api:80 is Allowed", "other/client → api:80 is Denied"]);
    holds(
        &expression("io.cilium.k8s.namespace.labels.team", "Exists"),
        &["web → api:80 is Allowed", "other/client → api:80 is Allowed"],
    );
    holds(
        &expression("io.cilium.k8s.namespace.labels.team", "NotIn, values: [red]"),
        &["web → api:80 is Denied", "other/client → api:80 is Allowed"],
    );
}

/// docs/semantics/cilium-labels.md#subject-of-a-ciliumclusterwidenetworkpolicy: nothing is added, and
/// namespaces can be asked for.
#[test]
fn subjects_of_a_clusterwide_policy() {
    let policy =
        |selector: &str| ccnp("p", &format!("endpointSelector: {selector}, ingress: [{{}}]"));
    holds(
        &policy("{}"),
        &[
            "web → api:80 is Denied",
            "api → other/client:80 is Denied",
            "web → node/n1:22 is Allowed",
        ],
    );
    holds(
        &policy("{matchLabels: {\"k8s:io.kubernetes.pod.namespace\": other}}"),
        &["web → api:80 is Allowed", "api → other/client:80 is Denied"],
    );
    holds(
        &policy("{matchLabels: {io.cilium.k8s.namespace.labels.team: red}}"),
        &["web → api:80 is Denied", "api → other/client:80 is Allowed"],
    );
    let health = policy("{matchLabels: {\"reserved:health\": \"\"}}");
    holds(&health, &["web → api:80 is Allowed"]);
    lint(&cluster(&health), "selects no pod");
    let pods = "{matchExpressions: [{key: \"reserved:health\", operator: DoesNotExist}]}";
    holds(&policy(pods), &["web → api:80 is Denied"]);
}

/// docs/semantics/cilium-labels.md#peer-of-a-ciliumclusterwidenetworkpolicy: only pods, never host or
/// world, unless a namespace is asked for.
#[test]
fn peers_of_a_clusterwide_policy() {
    let policy =
        |selector: &str| ccnp("p", &format!("{API}, ingress: [{{fromEndpoints: [{selector}]}}]"));
    holds(
        &policy("{}"),
        &[
            "web → api:80 is Allowed",
            "other/client → api:80 is Allowed",
            "node/n2 → api:80 is Denied",
            "203.0.113.7 → api:80 is Denied",
        ],
    );
    holds(
        &policy("{matchLabels: {io.kubernetes.pod.namespace: other}}"),
        &["web → api:80 is Denied", "other/client → api:80 is Allowed"],
    );
}

/// docs/semantics/cilium-labels.md#cluster-of-a-peer: the own cluster is added by default from 1.19
/// on. Without it a selector that asks for no label that must be there matches nodes and the world
/// too.
#[test]
fn selectors_that_ask_for_nothing_that_must_be_there() {
    let policy = expression("io.kubernetes.pod.namespace", "NotIn, values: [other]");
    let pods = ["web → api:80 is Allowed", "other/client → api:80 is Denied"];
    let others = |verdict: &str| {
        [format!("node/n2 → api:80 is {verdict}"), format!("203.0.113.7 → api:80 is {verdict}")]
    };
    for (version, verdict) in [
        (CiliumVersion::V1_18, "Allowed"),
        (CiliumVersion::V1_19, "Denied"),
        (CiliumVersion::V1_20, "Denied"),
    ] {
        let cluster = with(Cilium::new(version), &policy);
        cluster.holds(&pods);
        cluster.holds(&others(verdict).each_ref().map(String::as_str));
    }
    let off = Cilium { default_local_cluster: false, ..settings() };
    lint(&with(off.clone(), &policy), "so it matches host, remote-node, world too");
    with(off, &policy).holds(&others("Allowed").each_ref().map(String::as_str));
}

/// docs/semantics/cilium-labels.md#nodes-as-peers: other nodes, by their labels, with
/// enable-node-selector-labels.
#[test]
fn nodes_by_labels() {
    let on = Cilium { node_selector_labels: true, ..settings() };
    let node = "---\n{apiVersion: v1, kind: Node, metadata: {name: n3, labels: {zone: b}}, \
                status: {addresses: [{address: 192.168.0.3}]}}\n";
    let policy =
        |selector: &str| format!("{node}{}", egress(&format!("[{{toNodes: [{selector}]}}]")));
    holds_with(
        on.clone(),
        &policy("{}"),
        &[
            "web → node/n1:22 is Allowed",
            "web → node/n2:22 is Denied",
            "web → node/n3:22 is Allowed",
            "web → api:80 is Denied",
        ],
    );
    holds_with(
        on,
        &policy("{matchLabels: {zone: b}}"),
        &["web → node/n1:22 is Denied", "web → node/n3:22 is Allowed"],
    );
}

/// docs/semantics/cilium-rules.md#requires: up to 1.18 `fromRequires` narrows the peers of the rule,
/// and that it does so elsewhere too is told.
#[test]
fn requires_narrow_up_to_1_18() {
    let older = Cilium::new(CiliumVersion::V1_18);
    let rule = "[{fromEndpoints: [{}]}, {fromRequires: [{matchLabels: {tier: front}}]}]";
    holds_with(older.clone(), &ingress(rule), &["web → api:80 is Denied"]);
    let rule = rule.replace("tier: front", "app: web");
    holds_with(older.clone(), &ingress(&rule), &["web → api:80 is Allowed"]);
    lint(&with(older, &ingress(&rule)), "narrows the peers of every policy");
}

/// A rule may speak for endpoints by whatever a selector can ask.
#[test]
fn subjects_by_service_account() {
    let subject = "endpointSelector: {matchLabels: {io.cilium.k8s.policy.serviceaccount: default}}";
    holds(
        &format!(
            "{}{}",
            cnp("p", &format!("{subject}, ingress: [{{}}]")),
            cnp("q", &format!("{WEB}, egress: [{{}}]"))
        ),
        &["api → web:80 is Denied", "web → 203.0.113.7:80 is Denied"],
    );
}

/// Identity labels: whether a policy selects a pod may be unknown for its namespace's labels, or for
/// a source that nobody but the agent sees; the answer says which.
#[test]
fn why_a_subject_is_in_doubt() {
    let unlabelled = "{apiVersion: v1, kind: Pod, metadata: {name: lone, namespace: bare}}\n";
    let teams = "---\napiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\n\
                 metadata: {name: teams}\nspec:\n  \
                 endpointSelector: {matchLabels: {\"k8s:io.cilium.k8s.namespace.labels.team\": a}}\n  \
                 ingress: [{fromEndpoints: [{matchLabels: {app: none}}]}]\n";
    let by_namespace = cluster(&format!("---\n{unlabelled}{teams}"));
    let answer = by_namespace.ask("web → bare/lone:80");
    assert_eq!(answer.verdict(), "Unknown");
    let text = answer.text().split_whitespace().collect::<Vec<_>>().join(" ");
    let why =
        "may isolate bare/pod/lone (the labels of namespace bare are not known; wanted team=a)";
    assert!(text.contains(why), "{text}");

    let cni = teams.replace("k8s:io.cilium.k8s.namespace.labels.team", "cni:zone");
    let by_source = cluster(&cni);
    let answer = by_source.ask("web → api:80");
    let text = answer.text().split_whitespace().collect::<Vec<_>>().join(" ");
    let why = "may isolate shop/pod/api (not known: labels of the source cni cannot be seen";
    assert!(text.contains(why), "{text}");
}
