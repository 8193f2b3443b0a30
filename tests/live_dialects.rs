//! Policies of administrators and of Cilium in a live cluster: their kinds installed in a real API
//! server, the plugin run by the real kubectl.
//!
//! CiliumNetworkPolicies have the schema of the Cilium that tests/tools/hubble pins, where it can be
//! had. The other schemas here keep whatever is written; what real ones refuse is for the tests of
//! semantics.

use crate::harness::{
    Answer, HomeKube, Outside, Skip, control_plane_of_its_own, expect_success, module, skip,
};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Group, version, plural, kind, and whether its objects have a namespace.
pub(crate) const KINDS: [(&str, &str, &str, &str, bool); 7] = [
    ("cilium.io", "v2", "ciliumnetworkpolicies", "CiliumNetworkPolicy", true),
    (
        "cilium.io",
        "v2",
        "ciliumclusterwidenetworkpolicies",
        "CiliumClusterwideNetworkPolicy",
        false,
    ),
    ("cilium.io", "v2", "ciliumcidrgroups", "CiliumCIDRGroup", false),
    (
        "policy.networking.k8s.io",
        "v1alpha2",
        "clusternetworkpolicies",
        "ClusterNetworkPolicy",
        false,
    ),
    ("policy.networking.k8s.io", "v1alpha1", "adminnetworkpolicies", "AdminNetworkPolicy", false),
    (
        "policy.networking.k8s.io",
        "v1alpha1",
        "baselineadminnetworkpolicies",
        "BaselineAdminNetworkPolicy",
        false,
    ),
    ("k8s.ovn.org", "v1", "egressfirewalls", "EgressFirewall", true),
];

/// HomeKube with these kinds, to one test at a time, which takes away what it made.
pub(crate) struct Dialects {
    pub(crate) homekube: HomeKube,
    /// Why CiliumNetworkPolicies have no schema of their own, where they do not.
    without_schema: Option<String>,
    turn: Mutex<()>,
}

/// The definition of CiliumNetworkPolicies as Cilium installs it.
fn real_definition() -> Result<PathBuf, String> {
    let module = module("hubble", "github.com/cilium/cilium")?;
    let file = "pkg/k8s/apis/cilium.io/client/crds/v2/ciliumnetworkpolicies.yaml";
    Ok(module.join(file))
}

pub(crate) fn dialects() -> Result<(&'static Dialects, MutexGuard<'static, ()>), Skip> {
    static SHARED: OnceLock<Option<Dialects>> = OnceLock::new();
    let shared = SHARED.get_or_init(|| {
        let cluster = control_plane_of_its_own().ok()?;
        let real = real_definition();
        let others = KINDS.iter().skip(usize::from(real.is_ok()));
        let definitions: Vec<Value> = others.map(definition).collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": definitions});
        cluster.apply_with(&[], &list.to_string());
        if let Ok(file) = &real {
            let mut command = cluster.kubectl(cluster.admin());
            expect_success(command.args(["apply", "--server-side", "-f"]).arg(file));
        }
        let established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"];
        expect_success(cluster.kubectl(cluster.admin()).args(established));
        let without_schema = real.err();
        Some(Dialects { homekube: HomeKube::on(cluster), without_schema, turn: Mutex::new(()) })
    });
    let Some(dialects) = shared else {
        return Err(skip(Outside::ControlPlane, "there is no cluster for the other dialects"));
    };
    Ok((dialects, dialects.turn.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// The definition of a kind.
pub(crate) fn definition(
    (group, version, plural, kind, namespaced): &(&str, &str, &str, &str, bool),
) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {
            "name": format!("{plural}.{group}"),
            // Without it the API server refuses kinds of this group.
            "annotations": {"api-approved.kubernetes.io": "unapproved, for tests"},
        },
        "spec": {
            "group": group, "scope": if *namespaced { "Namespaced" } else { "Cluster" },
            "names": {"plural": plural, "kind": kind},
            "versions": [{
                "name": version, "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {
                    "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                }},
            }],
        },
    })
}

impl Dialects {
    /// Asks with these objects in the cluster, and takes them away.
    pub(crate) fn with(&self, objects: &[Value], questions: &mut dyn FnMut(&HomeKube)) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
        let cluster = &self.homekube.cluster;
        cluster.apply_with(&["--server-side", "--field-manager=platform-team"], &list);
        questions(&self.homekube);
        let file = cluster.admin().with_file_name("dialects.json");
        std::fs::write(&file, &list).expect("a file in the cluster's directory");
        expect_success(cluster.kubectl(cluster.admin()).args(["delete", "-f"]).arg(&file));
    }
}

/// A port that no NetworkPolicy of HomeKube opens.
pub(crate) const PROMETHEUS_TO_KEYCLOAK: &str = "monitoring/sts/prometheus identity/keycloak:9000";

/// What was answered, with its exit code.
pub(crate) fn expect(answer: &Answer, code: i32, parts: &[&str]) {
    assert_eq!(answer.code, code, "{}", answer.all());
    // Whatever the width of the terminal.
    let words: Vec<&str> = answer.stdout.split_whitespace().collect();
    for part in parts {
        assert!(words.join(" ").contains(part), "{part}: {}", answer.all());
    }
}

/// Kinds that nobody uses cost one request each, none of them for a whole cluster's NetworkPolicies.
#[test]
fn kinds_without_objects_change_nothing() {
    let Ok((dialects, _turn)) = dialects() else { return };
    let answer = dialects.homekube.explain(PROMETHEUS_TO_KEYCLOAK);
    let asked = |uri: &str| answer.requests.iter().filter(|r| r.uri.starts_with(uri)).count();
    assert_eq!(asked("/apis/policy.networking.k8s.io/"), 3, "{}", answer.all());
    // Of its two namespaces, the cluster's, and groups of addresses.
    assert_eq!(asked("/apis/cilium.io/"), 4, "{}", answer.all());
    expect(&answer, answer.code, &["Judged as Cilium 1.19 enforces policies"]);
}

/// docs/semantics/other-kinds.md#out-of-the-cluster: what is not judged decides where it may.
#[test]
fn kinds_that_are_not_judged_count() {
    let Ok((dialects, _turn)) = dialects() else { return };
    let out = "identity/sts/keycloak 203.0.113.9:443";
    let firewall = json!({
        "apiVersion": "k8s.ovn.org/v1", "kind": "EgressFirewall",
        "metadata": {"name": "default", "namespace": "identity"},
        "spec": {"egress": [{"type": "Deny", "to": {"cidrSelector": "0.0.0.0/0"}}]},
    });
    let open = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "out", "namespace": "identity"},
        "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]},
    });
    dialects.with(std::slice::from_ref(&open), &mut |homekube| {
        expect(&homekube.explain(out), 0, &["ALLOWED"]);
    });
    dialects.with(&[firewall, open], &mut |homekube| {
        let answer = homekube.explain(out);
        expect(&answer, 3, &["UNKNOWN", "egressfirewall.k8s.ovn.org/default not judged"]);
        let inside = homekube.explain(PROMETHEUS_TO_KEYCLOAK);
        assert!(!inside.stdout.contains("egressfirewall"), "{}", inside.all());
    });
}

#[test]
fn an_admin_policy_decides_before_all_others() {
    let Ok((dialects, _turn)) = dialects() else { return };
    let accept = json!({
        "apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy",
        "metadata": {"name": "monitoring-sees-all"},
        "spec": {
            "tier": "Admin", "priority": 10,
            "subject": {"namespaces": {}},
            "ingress": [{"action": "Accept", "from": [
                {"namespaces": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]}],
        },
    });
    let deny = json!({
        "apiVersion": "policy.networking.k8s.io/v1alpha1", "kind": "AdminNetworkPolicy",
        "metadata": {"name": "no-keycloak"},
        "spec": {
            "priority": 5,
            "subject": {"namespaces": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}},
            "egress": [{"action": "Deny", "to": [
                {"namespaces": {"matchLabels": {"kubernetes.io/metadata.name": "identity"}}}]}],
        },
    });
    let words = format!("{PROMETHEUS_TO_KEYCLOAK} --enforcer kubernetes");
    dialects.with(&[accept, deny], &mut |homekube| {
        let answer = homekube.explain(&words);
        expect(
            &answer,
            1,
            &[
                "denied by anp/no-keycloak (Admin tier, priority 5) egress[0]",
                "applied by platform-team",
                "admitted by clusternetworkpolicy/monitoring-sees-all (Admin tier, priority 10)",
            ],
        );
        let answer = homekube.explain(&format!("{words} --without anp/no-keycloak"));
        assert!(!answer.stdout.contains("no-keycloak (Admin"), "{}", answer.all());
        // Cilium reads only ClusterNetworkPolicies, and only where it is told to.
        let answer = homekube.explain(PROMETHEUS_TO_KEYCLOAK);
        assert!(answer.stdout.contains("NOT ENFORCED"), "{}", answer.all());
    });
}

#[test]
fn ciliums_policies_are_judged_with_networkpolicies() {
    let Ok((dialects, _turn)) = dialects() else { return };
    let open = json!({
        "apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy",
        "metadata": {"name": "prometheus-anywhere", "namespace": "monitoring"},
        "spec": {
            "endpointSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
            "egress": [{"toEntities": ["cluster"]}],
        },
    });
    let health = json!({
        "apiVersion": "cilium.io/v2", "kind": "CiliumClusterwideNetworkPolicy",
        "metadata": {"name": "health-checks"},
        "spec": {
            "endpointSelector": {"matchLabels": {"app.kubernetes.io/name": "keycloak"}},
            "ingress": [{
                "fromEndpoints": [{"matchLabels": {"app.kubernetes.io/name": "prometheus"}}],
                "toPorts": [{
                    "ports": [{"port": "9000", "protocol": "TCP"}],
                    "rules": {"http": [{"method": "GET", "path": "/health"}]},
                }],
            }],
        },
    });
    let closed = json!({
        "apiVersion": "cilium.io/v2", "kind": "CiliumClusterwideNetworkPolicy",
        "metadata": {"name": "closed"},
        "spec": {
            "endpointSelector": {"matchLabels": {"app.kubernetes.io/name": "keycloak"}},
            "ingressDeny": [{"fromEndpoints": [{}]}],
        },
    });
    dialects.with(&[open.clone(), health.clone()], &mut |homekube| {
        let answer = homekube.explain(PROMETHEUS_TO_KEYCLOAK);
        expect(
            &answer,
            0,
            &[
                "conditional: only HTTP GET /health.",
                "admitted by cnp/prometheus-anywhere egress[0]",
                "admitted by ccnp/health-checks ingress[0]",
            ],
        );
        let json: Value =
            homekube.ask("explain", &format!("{PROMETHEUS_TO_KEYCLOAK} -o json")).json();
        assert_eq!(json["flows"][0]["ingress"]["conditions"], json!(["HTTP GET /health"]));
    });
    dialects.with(&[open, health, closed], &mut |homekube| {
        let answer = homekube.explain(PROMETHEUS_TO_KEYCLOAK);
        expect(
            &answer,
            1,
            &[
                "denied by ccnp/closed ingressDeny[0], which overrules ccnp/health-checks ingress[0]",
                "no policy that allows overrules that",
            ],
        );
        let list = homekube.ask("list", "--to identity/keycloak -n identity");
        assert!(!list.stdout.contains("prometheus"), "{}", list.all());
        let summary = homekube.ask("summary", "-n identity -o json").json();
        let row = &summary["namespaces"][0]["ingress"]["clusterwide"];
        assert!(row.to_string().contains("ccnp/health-checks"), "{row}");
        let told = &summary["clusterwide"]["ingress"];
        assert!(told.to_string().contains("health-checks"), "{told}");
    });
}

/// Who may not read policies that could deny gets no answer that would be a guess.
#[test]
fn policies_that_may_not_be_read_are_not_guessed() {
    let Ok((dialects, _turn)) = dialects() else { return };
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": "half-blind"},
        "rules": [{"apiGroups": ["", "apps", "networking.k8s.io", "discovery.k8s.io"],
                   "resources": ["*"], "verbs": ["get", "list"]}],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": "half-blind"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "half-blind"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "half-blind"}],
    });
    dialects.with(&[role, binding], &mut |homekube| {
        let words = format!("{PROMETHEUS_TO_KEYCLOAK} --as half-blind");
        let answer = homekube.explain(&words);
        expect(&answer, 3, &["UNKNOWN", "not read: the CiliumClusterwideNetworkPolicies"]);
    });
}

/// What is suggested in Cilium's words is what the API server takes, by Cilium's own schema.
#[test]
fn a_suggested_policy_of_cilium_is_valid() {
    let Ok((dialects, _turn)) = dialects() else { return };
    if let Some(why) = &dialects.without_schema {
        skip(Outside::GoModule, why);
        return;
    }
    let cluster = &dialects.homekube.cluster;
    let dry_run = |manifest: &str| {
        let file = cluster.admin().with_file_name("suggested.yaml");
        std::fs::write(&file, manifest).expect("a file in the cluster's directory");
        let mut command = cluster.kubectl(cluster.admin());
        let words = ["apply", "--dry-run=server", "--validate=strict", "-f"];
        command.args(words).arg(&file).output().expect("kubectl runs")
    };
    let grafana = "monitoring/deploy/grafana";
    for (to, field) in [
        ("identity/svc/keycloak", "fromEndpoints"),
        ("https://login.example.com/", "toFQDNs"),
        ("203.0.113.7:443", "toCIDR"),
    ] {
        let answer = dialects.homekube.ask("explain", &format!("{grafana} {to} --suggest=cilium"));
        assert_eq!(answer.code, 1, "{}", answer.all());
        assert!(answer.stdout.contains(field), "{}", answer.all());
        let taken = dry_run(&answer.stdout);
        let said = String::from_utf8_lossy(&taken.stdout);
        assert!(taken.status.success(), "{to}: {taken:?}\n{}", answer.stdout);
        assert_eq!(
            said.matches(" created (server dry run)").count(),
            answer.stdout.matches("kind: CiliumNetworkPolicy").count(),
            "{said}"
        );
        // The schema is one that refuses.
        let refused = dry_run(&answer.stdout.replace(field, "elsewhere"));
        assert!(!refused.status.success(), "{refused:?}");
    }
}

/// `bootstrap --dialect cilium`: written, unchanged, a foreign rule, taken back.
#[test]
fn a_namespace_is_closed_in_the_words_of_cilium() {
    let Ok((dialects, _turn)) = dialects() else { return };
    if let Some(why) = &dialects.without_schema {
        skip(Outside::GoModule, why);
        return;
    }
    let cluster = &dialects.homekube.cluster;
    let run = |words: &str| dialects.homekube.ask("bootstrap", &format!("cilium-new {words}"));
    let get = || {
        let words = ["get", "ciliumnetworkpolicies", "-n", "cilium-new", "-o", "json"];
        let text = expect_success(cluster.kubectl(cluster.admin()).args(words));
        let list: Value = serde_json::from_str(&text).expect("JSON");
        list["items"].as_array().expect("items").clone()
    };
    let flags = "--dialect cilium --dns namespace --dns-proxy --deny all --allow-same-namespace \
                 --allow-egress https://login.example.com --allow-egress 203.0.113.7:5432 \
                 --allow-egress identity/svc/keycloak --allow-ingress-controller --ingress-port 8080 \
                 --allow-monitoring";
    let dry = run(&format!("{flags} --dry-run=server"));
    assert_eq!((dry.code, dry.stdout.contains("(server dry run)")), (0, true), "{}", dry.all());
    let first = run(&format!("{flags} --wait"));
    assert_eq!(first.code, 0, "{}", first.all());
    let applied = "ciliumnetworkpolicy.cilium.io/default-deny-ingress serverside-applied";
    assert!(first.stdout.contains(applied), "{}", first.all());
    let names = |items: &[Value]| -> Vec<String> {
        let name = |item: &Value| item["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        items.iter().map(name).collect()
    };
    let written = get();
    assert_eq!(
        names(&written),
        [
            "allow-dns-egress",
            "allow-egress-to-203.0.113.7-5432",
            "allow-egress-to-identity-keycloak",
            "allow-egress-to-login.example.com-443",
            "allow-ingress-nginx",
            "allow-monitoring-scrape",
            "allow-same-namespace",
            "default-deny-egress",
            "default-deny-ingress",
        ]
    );
    // The API server keeps the element that closes as it was written.
    let closed = json!({"endpointSelector": {}, "ingress": [{}]});
    assert_eq!(written.last().expect("one")["spec"], closed);

    let again = run(flags);
    assert_eq!(again.stdout.matches(" unchanged").count(), 10, "{}", again.all());
    assert_eq!(get(), written);

    // Nothing comes in, and the engine reads it so without a word against it.
    let pod = "cilium-new/pod/web";
    let manifest = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default}\n---\n\
                    apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {app: web}}\nspec:\n  \
                    automountServiceAccountToken: false\n  containers: [{name: c, image: x}]\n";
    cluster.apply("cilium-new", manifest);
    let answer = dialects.homekube.explain(&format!("monitoring/deploy/grafana {pod}:80"));
    assert_eq!(answer.code, 1, "{}", answer.all());
    assert!(!answer.stdout.contains("warning: cilium-new"), "{}", answer.all());

    // A rule that another wrote is no part of the baseline.
    let patch = |patch: &str| {
        let words =
            ["patch", "cnp", "default-deny-ingress", "-n", "cilium-new", "--type=merge", "-p"];
        expect_success(cluster.kubectl(cluster.admin()).args(words).arg(patch));
    };
    patch(r#"{"spec":{"egress":[{"toEntities":["world"]}]}}"#);
    patch(r#"{"specs":[{"endpointSelector":{},"ingress":[{"fromEntities":["world"]}]}]}"#);
    let conflict = run(&format!("{flags} --yes"));
    assert_eq!(conflict.code, 2, "{}", conflict.all());
    for field in ["spec.egress", "specs", "kubectl-patch"] {
        assert!(conflict.stderr.contains(field), "{field}: {}", conflict.all());
    }
    let forced = run(&format!("{flags} --yes --force-conflicts"));
    assert_eq!(forced.code, 0, "{}", forced.all());
    let last = get().pop().expect("one");
    assert_eq!((&last["spec"], &last["specs"]), (&closed, &Value::Null));

    // Only what is of the dialect, then everything.
    let other = run("--remove --dialect networkpolicy");
    assert!(other.stdout.contains("nothing of the baseline is there"), "{}", other.all());
    assert_eq!(get().len(), 9);
    let removed = run("--remove --wait");
    assert_eq!(
        removed.stdout.matches("ciliumnetworkpolicy.cilium.io/").count(),
        9,
        "{}",
        removed.all()
    );
    assert_eq!(get(), Vec::<Value>::new());
}
