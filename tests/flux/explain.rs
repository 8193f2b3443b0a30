//! `explain` says how far Flux is with what decides.

use super::{GRAFANA_TO_KEYCLOAK, json, says};
use crate::documents::documented;
use crate::harness::{FluxKube, fluxkube, homekube, root};
use serde_json::json;

const SECOND: &str = "main@sha1:2222222222222222222222222222222222222222";

type Change = fn(&FluxKube);

#[test]
fn how_far_flux_is() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    let cases: [(&str, Change, &str); 6] = [
        (
            "UpToDate",
            |_| {},
            "Flux: Kustomization flux-system/observability has applied main@sha1:11111111, all that \
             GitRepository flux-system/homekube has. ",
        ),
        (
            "Behind",
            |kube| kube.fetched(SECOND),
            "Flux: Kustomization flux-system/observability last applied main@sha1:11111111 and not \
             yet main@sha1:22222222 of GitRepository flux-system/homekube. Add --reconcile to have \
             Flux apply it now.",
        ),
        (
            "NotReady",
            |kube| {
                let message =
                    "monitoring/allow-dns-egress dry-run failed:\nspec.egress: \u{1b}[31mInvalid";
                kube.fails("kustomization", "observability", "ReconciliationFailed", message);
            },
            "Flux: Kustomization flux-system/observability last applied main@sha1:11111111 and not \
             yet main@sha1:22222222 of GitRepository flux-system/homekube, because it fails with \
             ReconciliationFailed: monitoring/allow-dns-egress dry-run failed: spec.egress: \
             \\u{1b}[31mInvalid.",
        ),
        (
            "Suspended",
            |kube| kube.suspend("kustomization", "observability"),
            "Flux: Kustomization flux-system/observability last applied main@sha1:11111111 and not \
             yet main@sha1:22222222 of GitRepository flux-system/homekube, because it is suspended. \
             `flux resume kustomization observability -n flux-system` lets it go on.",
        ),
        (
            "Missing",
            |kube| {
                _ = kube.kubectl(&[
                    "delete",
                    "kustomization",
                    "observability",
                    "-n",
                    "flux-system",
                ]);
            },
            "Flux: There is no Kustomization flux-system/observability any more.",
        ),
        ("Missing", |_| {}, "applied by kustomize-controller"),
    ];
    for (state, change, sentence) in cases {
        change(kube);
        let answer = kube.netpol(GRAFANA_TO_KEYCLOAK);
        assert!(says(&answer, sentence), "{state}: {}", answer.all());
        if state == "Suspended" {
            let shown = documented("docs/flux.md", "text live");
            assert!(answer.stdout.contains(&shown), "{shown}\nis not in {}", answer.all());
        }
        assert_eq!((answer.code, answer.stderr.as_str()), (1, ""), "{}", answer.all());
        for line in answer.stdout.lines().filter(|line| line.trim().contains(' ')) {
            assert!(line.chars().count() <= 80, "{line}");
        }
        let answer = json(&kube.netpol(&format!("{GRAFANA_TO_KEYCLOAK} -o json")));
        let delivery = &answer["deliveries"][0];
        assert_eq!(delivery["state"], state, "{answer:#}");
        assert_eq!(delivery["policies"], json!(["monitoring/netpol/allow-grafana-to-keycloak"]));
        assert_eq!(answer["deliveries"].as_array().unwrap().len(), 1);
    }
}

/// The Kustomization of the one deciding policy that has an owner, and its source.
#[test]
fn two_requests_more() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    let answer = kube.netpol(GRAFANA_TO_KEYCLOAK);
    let uris: Vec<&str> = answer.requests.iter().map(|request| request.uri.as_str()).collect();
    assert_eq!(uris.len(), 11, "{}", answer.all());
    assert_eq!(
        uris[9..],
        [
            "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/observability",
            "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories/homekube",
        ]
    );
    // Where no policy decides, or none that Flux made, nothing is asked.
    let answer = kube.netpol("explain default/whoami default/svc/whoami");
    assert!(!answer.requests.iter().any(|it| it.uri.contains("fluxcd")), "{}", answer.all());
}

#[test]
fn a_source_that_has_nothing_newer_to_give() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    kube.fails(
        "gitrepository",
        "homekube",
        "GitOperationFailed",
        "failed to checkout: no such host",
    );
    let answer = kube.netpol(GRAFANA_TO_KEYCLOAK);
    let sentence = "has applied main@sha1:11111111, all that GitRepository flux-system/homekube has; \
                    GitRepository flux-system/homekube fails with GitOperationFailed: failed to \
                    checkout: no such host.";
    assert!(says(&answer, sentence), "{}", answer.all());
    kube.suspend("gitrepository", "homekube");
    let answer = kube.netpol(GRAFANA_TO_KEYCLOAK);
    let next = "`flux resume source git homekube -n flux-system` lets its source go on.";
    assert!(says(&answer, next), "{}", answer.all());
    let answer = json(&kube.netpol(&format!("{GRAFANA_TO_KEYCLOAK} -o json")));
    assert_eq!(answer["deliveries"][0]["state"], "SourceNotReady");
}

/// What was changed by hand is taken back, and who may not read Flux's objects is told so.
#[test]
fn changes_by_hand_and_missing_rights() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    let policy = |from: &str, to: &str| {
        let patch = format!(
            r#"[{{"op":"test","path":"/spec/egress/0/ports/0/port","value":{from}}},
                {{"op":"replace","path":"/spec/egress/0/ports/0/port","value":{to}}}]"#
        );
        let name = ["patch", "netpol", "allow-grafana-to-keycloak", "-n", "monitoring"];
        kube.kubectl(&[&name[..], &["--type=json", "-p", &patch]].concat());
    };
    policy("80", "8080");
    let answer = kube.netpol(GRAFANA_TO_KEYCLOAK);
    policy("8080", "80");
    let drift = "monitoring/netpol/allow-grafana-to-keycloak was changed by kubectl-patch since, \
                 which reconciling takes back. Add --reconcile to have Flux put it back now.";
    assert!(says(&answer, drift), "{}", answer.all());
    // The writer is kubectl-patch from now on; as Flux would have it is written again.
    let cluster = &kube.homekube.cluster;
    let file = "examples/homekube/observability/network-policies.yaml";
    let words = ["apply", "--server-side", "--force-conflicts", "-f", file];
    let mut command = cluster.kubectl(cluster.admin());
    command.current_dir(root()).args(words);
    crate::harness::expect_success(command.arg("--field-manager=kustomize-controller"));

    let role = "netpol-reader-without-flux";
    let rules = "--resource=namespaces,pods,services,networkpolicies.networking.k8s.io,\
                 deployments.apps,replicasets.apps,statefulsets.apps";
    kube.kubectl(&["create", "clusterrole", role, "--verb=get,list", rules]);
    kube.kubectl(&["create", "clusterrolebinding", role, "--clusterrole", role, "--user=nobody"]);
    let answer = kube.netpol(&format!("{GRAFANA_TO_KEYCLOAK} --as nobody"));
    kube.kubectl(&["delete", "clusterrole,clusterrolebinding", role]);
    assert_eq!(answer.code, 1, "{}", answer.all());
    let unread = "Of Kustomization flux-system/observability: it could not be read: reading \
                  kustomizations/observability in flux-system: not allowed for \"nobody\"";
    assert!(says(&answer, unread), "{}", answer.all());
}

/// A HelmRelease is named with what hinders it; it has no source whose revision could be compared.
#[test]
fn what_helm_has_made() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    let label = |labels: &[&str]| {
        let policy = ["label", "--overwrite", "netpol", "allow-grafana-to-keycloak"];
        kube.kubectl(&[&policy[..], &["-n", "monitoring"], labels].concat());
    };
    let release = json!({
        "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
        "metadata": {"name": "grafana", "namespace": "flux-system"},
        "spec": {
            "interval": "10m", "suspend": false,
            "chartRef": {"kind": "OCIRepository", "name": "grafana"},
        },
    });
    kube.homekube.cluster.apply_with(&[], &release.to_string());
    let of = |tool: &str, name: &str| {
        ["name", "namespace"].map(|key| match (name, key) {
            ("", _) => format!("{tool}.toolkit.fluxcd.io/{key}-"),
            (_, "name") => format!("{tool}.toolkit.fluxcd.io/{key}={name}"),
            _ => format!("{tool}.toolkit.fluxcd.io/{key}=flux-system"),
        })
    };
    let [helm, helm_namespace] = of("helm", "grafana");
    let [kustomize, kustomize_namespace] = of("kustomize", "");
    label(&[&helm, &helm_namespace, &kustomize, &kustomize_namespace]);
    let ready = json!([{
        "type": "Ready", "status": "True", "reason": "UpgradeSucceeded", "message": "upgraded",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }]);
    kube.status("helmrelease", "grafana", json!({"conditions": ready}));
    let applied = kube.netpol(GRAFANA_TO_KEYCLOAK);
    kube.fails("helmrelease", "grafana", "UpgradeFailed", "timed out waiting");
    let failed = kube.netpol(GRAFANA_TO_KEYCLOAK);
    kube.suspend("helmrelease", "grafana");
    let suspended = kube.netpol(GRAFANA_TO_KEYCLOAK);
    let [helm, helm_namespace] = of("helm", "");
    let [kustomize, kustomize_namespace] = of("kustomize", "observability");
    label(&[&helm, &helm_namespace, &kustomize, &kustomize_namespace]);
    kube.kubectl(&["delete", "helmrelease", "grafana", "-n", "flux-system", "--wait=false"]);
    for (answer, sentence) in [
        (applied, "Flux: HelmRelease flux-system/grafana is ready."),
        (
            failed,
            "Of HelmRelease flux-system/grafana: it fails with UpgradeFailed: timed out waiting.",
        ),
        (suspended, "`flux resume helmrelease grafana -n flux-system` lets it go on."),
    ] {
        assert!(says(&answer, sentence), "{sentence}: {}", answer.all());
    }
}

#[test]
fn without_flux_in_the_cluster_there_is_nothing_to_tell() {
    let Ok(homekube) = homekube() else { return };
    let words = GRAFANA_TO_KEYCLOAK.trim_start_matches("explain ");
    let answer = homekube.explain(words);
    assert_eq!((answer.code, answer.stderr.as_str()), (1, ""), "{}", answer.all());
    assert!(!answer.stdout.contains("Flux:"), "{}", answer.all());
    let answer = homekube.explain(&format!("{words} --reconcile"));
    assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{}", answer.all());
    let sentence = "error: nothing to reconcile: no policy that decides here comes from Flux: listing \
                    kustomizations: ";
    assert!(answer.stderr.starts_with(sentence), "{}", answer.all());
    assert!(answer.stderr.contains("its CustomResourceDefinition is not installed"));
}
