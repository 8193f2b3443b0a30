//! Calico's policies in a live cluster, in both forms of its API: their kinds installed in a real API
//! server, the plugin run by the real kubectl.
//!
//! The schemas here keep whatever is written; what Calico refuses is for the tests of semantics.

use crate::harness::{Answer, HomeKube, control_plane_of_its_own, expect_success};
use crate::live_dialects::{PROMETHEUS_TO_KEYCLOAK, definition, expect};
use serde_json::{Value, json};

/// Plural, kind, and whether its objects have a namespace.
const KINDS: [(&str, &str, bool); 9] = [
    ("networkpolicies", "NetworkPolicy", true),
    ("globalnetworkpolicies", "GlobalNetworkPolicy", false),
    ("stagednetworkpolicies", "StagedNetworkPolicy", true),
    ("stagedglobalnetworkpolicies", "StagedGlobalNetworkPolicy", false),
    ("stagedkubernetesnetworkpolicies", "StagedKubernetesNetworkPolicy", true),
    ("tiers", "Tier", false),
    ("networksets", "NetworkSet", true),
    ("globalnetworksets", "GlobalNetworkSet", false),
    ("hostendpoints", "HostEndpoint", false),
];

/// A tier before all others that lets Prometheus reach everything, and what would close it again.
fn objects(api_version: &str) -> Vec<Value> {
    let of = |kind: &str, name: &str, spec: Value| {
        json!({
            "apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec,
        })
    };
    let prometheus = "app.kubernetes.io/name == 'prometheus'";
    let monitoring = "projectcalico.org/name == 'monitoring'";
    vec![
        of("Tier", "platform", json!({"order": 10, "defaultAction": "Pass"})),
        of(
            "GlobalNetworkPolicy",
            "platform.scrape",
            json!({
                "tier": "platform", "order": 1, "types": ["Ingress", "Egress"],
                "ingress": [{
                    "action": "Allow",
                    "source": {"namespaceSelector": monitoring, "selector": prometheus},
                }],
                "egress": [{"action": "Allow", "source": {"selector": prometheus}}],
            }),
        ),
        of(
            "StagedGlobalNetworkPolicy",
            "platform.scrape",
            json!({"tier": "platform", "stagedAction": "Delete"}),
        ),
    ]
}

#[test]
fn both_forms_of_calicos_policies() {
    let Ok(cluster) = control_plane_of_its_own() else { return };
    let homekube = HomeKube::on(cluster);
    let cluster = &homekube.cluster;
    let install = |group: &str, version: &str| {
        let all = KINDS.map(|(plural, kind, namespaced)| {
            definition(&(group, version, plural, kind, namespaced))
        });
        let list = json!({"apiVersion": "v1", "kind": "List", "items": all});
        cluster.apply_with(&[], &list.to_string());
        let established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"];
        expect_success(cluster.kubectl(cluster.admin()).args(established));
    };
    let put = |api_version: &str| {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects(api_version)});
        cluster.apply_with(&["--server-side", "--field-manager=platform-team"], &list.to_string());
    };

    // Without its kinds one question is asked of what there is.
    let answer = homekube.explain(PROMETHEUS_TO_KEYCLOAK);
    expect(&answer, 1, &["DENIED"]);
    let asked = |answer: &Answer, uri: &str| {
        answer.requests.iter().filter(|request| request.uri.contains(uri)).count()
    };
    assert_eq!(asked(&answer, "projectcalico"), 0, "{}", answer.all());
    let discovery = answer.requests.iter().filter(|request| request.uri == "/apis").count();
    assert!(discovery <= 1, "{}", answer.all());

    // In the form in which its objects are kept.
    install("crd.projectcalico.org", "v1");
    put("crd.projectcalico.org/v1");
    let allowed = |homekube: &HomeKube, group: &str| {
        let answer = homekube.explain(PROMETHEUS_TO_KEYCLOAK);
        expect(
            &answer,
            0,
            &[
                "Judged as Calico enforces policies.",
                "gnp/platform.scrape (tier platform, order 1) ingress[0]",
                "applied by platform-team",
            ],
        );
        assert!(asked(&answer, &format!("/apis/{group}/")) > 0, "{}", answer.all());
        let staged = homekube.explain(&format!("{PROMETHEUS_TO_KEYCLOAK} --with-staged"));
        expect(&staged, 1, &["staged ones as if they were in force"]);
        let diff = homekube.ask("diff", "--staged");
        expect(&diff, 1, &["monitoring"]);
        let without =
            homekube.explain(&format!("{PROMETHEUS_TO_KEYCLOAK} --without gnp/platform.scrape"));
        expect(&without, 1, &["DENIED"]);
    };
    allowed(&homekube, "crd.projectcalico.org");
    let doctor = homekube.ask("doctor", "");
    for told in
        ["crd.projectcalico.org v1: policies of Calico are read", "Calico enforces policies"]
    {
        assert!(doctor.stdout.contains(told), "{told}: {}", doctor.all());
    }

    // In that of its API, which counts where both are served.
    install("projectcalico.org", "v3");
    put("projectcalico.org/v3");
    allowed(&homekube, "projectcalico.org");
    let answer = homekube.explain(PROMETHEUS_TO_KEYCLOAK);
    assert_eq!(asked(&answer, "crd.projectcalico.org"), 0, "{}", answer.all());
    let run = |words: &str| homekube.ask("bootstrap", &format!("calico-new {words}"));
    let flags = "--dialect calico --dns namespace --deny all --allow-same-namespace";
    let first = run(flags);
    let written = "networkpolicy.projectcalico.org/default-deny-ingress serverside-applied";
    expect(&first, 0, &[written]);
    assert_eq!(run(flags).stdout.matches(" unchanged").count(), 5, "{}", run(flags).all());
    expect(&run("--remove"), 0, &["networkpolicy.projectcalico.org/default-deny-ingress"]);
    the_whole_cluster(&homekube);
}

/// What was said on stdout and stderr, with the exit code.
fn says(answer: &Answer, code: i32, parts: &[&str]) {
    assert_eq!(answer.code, code, "{}", answer.all());
    let all = format!("{} {}", answer.stdout, answer.stderr);
    let words = all.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in parts {
        assert!(words.contains(part), "{part}: {}", answer.all());
    }
}

/// One policy for all namespaces but those of the system: what each would lose is shown, and agreed to.
fn the_whole_cluster(homekube: &HomeKube) {
    let run = |words: &str| {
        let whole = "--whole-cluster --dialect calico --dns none --deny all";
        homekube.ask("bootstrap", &format!("{whole} {words}"))
    };
    let there = || {
        let mut kubectl = homekube.cluster.kubectl(homekube.cluster.admin());
        let list = ["get", "globalnetworkpolicies.projectcalico.org", "-o", "name"];
        expect_success(kubectl.args(list)).contains("/default-deny")
    };
    let written = "globalnetworkpolicy.projectcalico.org/default-deny serverside-applied";
    let shown = run("--dry-run=server");
    says(&shown, 0, &[written, "(server dry run)", "would be cut"]);
    let cuts = |answer: &Answer, namespace: &str| {
        answer.stderr.contains(&format!("{namespace}: connections that are possible now"))
    };
    assert!(cuts(&shown, "ingress-nginx") && !cuts(&shown, "kube-system"), "{}", shown.all());
    let less = run("--dry-run=server --leave-out ingress-nginx");
    assert!(!cuts(&less, "ingress-nginx"), "{}", less.all());
    says(&run(""), 2, &["give --yes to close the cluster", "nothing was written"]);
    assert!(!there(), "nothing is written before");
    says(&run("--yes --yes"), 0, &[written, "all namespaces but kube-system"]);
    says(&run("--yes --yes"), 0, &["default-deny unchanged"]);
    assert!(there());
    let remove = |words: &str| {
        homekube.ask("bootstrap", &format!("--whole-cluster --dialect calico --remove {words}"))
    };
    says(&remove("--dry-run=server"), 0, &["default-deny deleted (server dry run)"]);
    assert!(there(), "a dry run takes nothing away");
    says(&remove(""), 0, &["globalnetworkpolicy.projectcalico.org/default-deny deleted"]);
    assert!(!there());
    says(&remove(""), 0, &["no policy of ours is there to take back"]);
    // What another wrote is not ours.
    let other = json!({
        "apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkPolicy",
        "metadata": {"name": "default-deny"}, "spec": {"selector": "app == 'x'", "types": ["Ingress"]},
    });
    homekube.cluster.apply_with(&["--server-side", "--field-manager=somebody"], &other.to_string());
    says(&run("--yes --yes"), 2, &["another wrote it", "--force-conflicts", "nothing was written"]);
    says(&remove(""), 0, &["left: ", "it was not written here"]);
    assert!(there());
}
