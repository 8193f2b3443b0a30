//! The table of kinds, held to itself and to what heads and words mean.

use super::*;

#[test]
fn rows_are_whole() {
    for (at, row) in ROWS.iter().enumerate() {
        assert_eq!(row.kind as usize, at, "{}", row.name);
        assert_eq!((&*row.kind.name(), Kind::named(row.name)), (row.name, Some(row.kind)));
        assert_eq!(row.kind.plural_words().to_ascii_lowercase(), row.plural);
        assert!(!row.versions.is_empty(), "{}", row.name);
        for version in row.versions {
            assert_eq!(lookup(version, row.kind.api_kind()), Known::Read(row.kind));
            assert_eq!(name_in_group(group(version), row.kind.api_kind()), row.kind.name());
        }
    }
}

/// No word means two kinds, and what answers say is taken back.
#[test]
fn words_mean_one_kind() {
    for kind in Kind::all() {
        let Some(word) = kind.word() else { continue };
        let lower = kind.as_str().to_ascii_lowercase();
        // Of a kind whose name others have, too, only with its group.
        let plural = match kind.as_str().split_once('.') {
            Some((_, group)) => format!("{}.{group}", kind.plural()),
            None => kind.plural().to_owned(),
        };
        for word in [word, &lower, &plural].into_iter().chain(kind.row().words.iter().copied()) {
            assert_eq!(Kind::of_word(word), Some(kind), "{word}");
        }
    }
    assert_eq!(Kind::of_word("Deployments.apps"), Some(Kind::Deployment));
    assert_eq!(Kind::of_word("netpol.v1.networking.k8s.io"), Some(Kind::NetworkPolicy));
    assert_eq!(Kind::of_word("endpointslices"), None);
    assert_eq!(Kind::of_word("rollout"), None);
}

fn not_judged(group: &str, kind: &str) -> Known {
    let found = others::other(group, kind).or_else(|| others::of_another_version(group, kind));
    let found = found.or_else(|| others::of_its_name(kind));
    Known::NotJudged(found.expect("there is a row"))
}

#[test]
fn the_group_decides() {
    for (api_version, kind, expected) in [
        ("extensions/v1beta1", "NetworkPolicy", Known::Outdated("networking.k8s.io/v1")),
        ("extensions/v1beta1", "Deployment", Known::Outdated("apps/v1")),
        ("apps/v1beta2", "Deployment", Known::Outdated("apps/v1")),
        ("batch/v1beta1", "CronJob", Known::Outdated("batch/v1")),
        ("projectcalico.org/v3", "NetworkPolicy", Known::Read(Kind::CalicoNetworkPolicy)),
        ("crd.projectcalico.org/v1", "NetworkPolicy", Known::Read(Kind::CalicoNetworkPolicy)),
        (
            "crd.projectcalico.org/v2",
            "GlobalNetworkPolicy",
            not_judged("projectcalico.org", "GlobalNetworkPolicy"),
        ),
        ("projectcalico.org/v4", "NetworkPolicy", not_judged("projectcalico.org", "NetworkPolicy")),
        ("cilium.io/v3", "CiliumNetworkPolicy", not_judged("cilium.io", "CiliumNetworkPolicy")),
        (
            "policy.networking.k8s.io/v1",
            "ClusterNetworkPolicy",
            not_judged("policy.networking.k8s.io", "ClusterNetworkPolicy"),
        ),
        (
            "policy.networking.k8s.io/v1alpha2",
            "AdminNetworkPolicy",
            not_judged("policy.networking.k8s.io", "AdminNetworkPolicy"),
        ),
        (
            "crd.antrea.io/v1beta1",
            "ClusterNetworkPolicy",
            not_judged("crd.antrea.io", "ClusterNetworkPolicy"),
        ),
        (
            "notcilium.io/v2",
            "CiliumNetworkPolicy",
            not_judged("notcilium.io", "CiliumNetworkPolicy"),
        ),
        ("cilium.io/v2", "CiliumEndpoint", Known::Custom),
        ("serving.knative.dev/v1", "Service", Known::Custom),
        ("argoproj.io/v1alpha1", "Rollout", Known::Custom),
        ("v1", "ConfigMap", Known::Irrelevant),
        ("apps/v1", "ControllerRevision", Known::Irrelevant),
        ("metrics.k8s.io/v1beta1", "PodMetrics", Known::Irrelevant),
    ] {
        assert_eq!(lookup(api_version, kind), expected, "{api_version} {kind}");
    }
    assert_eq!(&*name_in_group("serving.knative.dev", "Service"), "Service.serving.knative.dev");
    assert_eq!(&*name_in_group("argoproj.io", "Rollout"), "Rollout");
}
