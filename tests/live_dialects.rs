//! Policies of administrators and of Cilium in a live cluster: their kinds installed in a real API
//! server, the plugin run by the real kubectl.
//!
//! The schemas here keep whatever is written; what real ones refuse is for the tests of semantics.

use crate::harness::{Answer, HomeKube, Skip, control_plane_of_its_own, expect_success};
use serde_json::{Value, json};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Group, version, plural, kind, and whether its objects have a namespace.
pub(crate) const KINDS: [(&str, &str, &str, &str, bool); 6] = [
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
];

/// HomeKube with these kinds, to one test at a time, which takes away what it made.
pub(crate) struct Dialects {
    pub(crate) homekube: HomeKube,
    turn: Mutex<()>,
}

pub(crate) fn dialects() -> Result<(&'static Dialects, MutexGuard<'static, ()>), Skip> {
    static SHARED: OnceLock<Option<Dialects>> = OnceLock::new();
    let shared = SHARED.get_or_init(|| {
        let cluster = control_plane_of_its_own().ok()?;
        let definitions: Vec<Value> = KINDS.iter().map(definition).collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": definitions});
        cluster.apply_with(&[], &list.to_string());
        let established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"];
        expect_success(cluster.kubectl(cluster.admin()).args(established));
        Some(Dialects { homekube: HomeKube::on(cluster), turn: Mutex::new(()) })
    });
    let Some(dialects) = shared else {
        return Err(crate::harness::skip("there is no cluster for the other dialects"));
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
    fn with(&self, objects: &[Value], questions: &mut dyn FnMut(&HomeKube)) {
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
const PROMETHEUS_TO_KEYCLOAK: &str = "monitoring/sts/prometheus identity/keycloak:9000";

fn expect(answer: &Answer, code: i32, parts: &[&str]) {
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
        let row = &summary["namespaces"][0]["ingress"]["policies"];
        assert!(row.to_string().contains("health-checks"), "{row}");
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
