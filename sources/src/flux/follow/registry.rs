//! Charts of registries.
//!
//! In: the spec of a HelmRelease, and what is written of sources. Out: where its chart is, as helm takes it.
//!
//! Source: docs/semantics/flux.md#charts-of-registries.

use super::object::Reference;
use crate::helm::InRegistry;
use crate::tree::Named;
use serde_json::Value;
use std::collections::BTreeMap;

/// How the address of a registry of containers begins.
const OCI: &str = "oci://";

/// What is written of sources, by kind, namespace and name.
type Specs = BTreeMap<(String, Named), String>;

/// Fields of a source with which Flux logs in.
const LOGINS: &[&str] = &["secretRef", "certSecretRef", "serviceAccountName"];

/// A source with its kind, and the namespace that it is in.
fn found(reference: &Value, namespace: &str, specs: &Specs) -> Option<(String, String, Value)> {
    let reference: Reference = serde_json::from_value(reference.clone()).ok()?;
    let named = reference.from(namespace);
    let text = specs.get(&(reference.kind.clone(), named.clone()))?;
    Some((reference.kind, named.0, serde_json::from_str(text).ok()?))
}

/// The chart of a release that is in a namespace; `None`: it is not in a registry, or no one knows which.
pub(super) fn chart(spec: &Value, namespace: &str, specs: &Specs) -> Option<InRegistry> {
    if spec["chartRef"].is_object() {
        let (kind, namespace, source) = found(&spec["chartRef"], namespace, specs)?;
        return match &*kind {
            "OCIRepository" => of_containers(&source),
            "HelmChart" => {
                let (_, _, repository) = found(&source["sourceRef"], &namespace, specs)?;
                of_repository(&source, repository["url"].as_str()?)
            }
            _ => None,
        };
    }
    let chart = &spec["chart"]["spec"];
    // Of Argo CD the address itself is written.
    if let Some(address) = chart["url"].as_str() {
        let whole = format!("{OCI}{address}");
        return of_repository(chart, if address.contains("://") { address } else { &whole });
    }
    let (kind, _, source) = found(&chart["sourceRef"], namespace, specs)?;
    (kind == "HelmRepository").then(|| of_repository(chart, source["url"].as_str()?))?
}

/// Whether Flux logs in where it has the chart from.
pub(super) fn has_login(spec: &Value, namespace: &str, specs: &Specs) -> bool {
    let mut next = match &spec["chartRef"] {
        Value::Null => spec["chart"]["spec"]["sourceRef"].clone(),
        reference => reference.clone(),
    };
    let mut namespace = namespace.to_owned();
    // A HelmChart is of a source in its turn.
    for _ in 0..2 {
        let Some((_, own, source)) = found(&next, &namespace, specs) else { return false };
        let other_provider = source["provider"].as_str().is_some_and(|it| it != "generic");
        if other_provider || LOGINS.iter().any(|field| !source[*field].is_null()) {
            return true;
        }
        (next, namespace) = (source["sourceRef"].clone(), own);
    }
    false
}

/// A chart of a repository of charts, which may be in a registry of containers.
fn of_repository(chart: &Value, address: &str) -> Option<InRegistry> {
    let name = chart["chart"].as_str()?;
    // A name that is a path is one of files.
    if name.starts_with('.') || name.contains("://") {
        return None;
    }
    let version = chart["version"].as_str().unwrap_or_default().to_owned();
    Some(if address.starts_with(OCI) {
        let name = format!("{}/{name}", address.trim_end_matches('/'));
        InRegistry { repository: None, name, version }
    } else {
        InRegistry { repository: Some(address.to_owned()), name: name.to_owned(), version }
    })
}

/// A chart that is an artifact itself.
fn of_containers(source: &Value) -> Option<InRegistry> {
    let address = source["url"].as_str().filter(|it| it.starts_with(OCI))?;
    let word = |field: &str| source["ref"][field].as_str().filter(|word| !word.is_empty());
    let name = match word("digest") {
        Some(digest) => format!("{address}@{digest}"),
        None => address.to_owned(),
    };
    let version = word("semver").or_else(|| word("tag")).filter(|_| word("digest").is_none());
    Some(InRegistry { repository: None, name, version: version.unwrap_or_default().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn where_charts_are() {
        let specs: Specs = [
            ("HelmRepository", "http", json!({"url": "https://charts.example.org"})),
            ("HelmRepository", "oci", json!({"url": "oci://registry.example.org/charts/"})),
            (
                "OCIRepository",
                "tag",
                json!({"url": "oci://registry.example.org/web", "ref": {"tag": "1.0.0"}}),
            ),
            (
                "OCIRepository",
                "digest",
                json!({"url": "oci://registry.example.org/web", "ref": {"tag": "1", "digest": "sha256:00"}}),
            ),
            (
                "HelmChart",
                "chart",
                json!({"chart": "web", "version": "2", "sourceRef": {"kind": "HelmRepository", "name": "http"}}),
            ),
            ("GitRepository", "git", json!({"url": "https://git.example.org/x"})),
        ]
        .into_iter()
        .map(|(kind, name, spec)| {
            ((kind.to_owned(), ("ns".to_owned(), name.to_owned())), spec.to_string())
        })
        .collect();
        let of = |kind: &str, name: &str, chart: &str| {
            json!({"chart": {"spec": {"chart": chart, "version": "1.x",
                "sourceRef": {"kind": kind, "name": name}}}})
        };
        let by = |kind: &str, name: &str| json!({"chartRef": {"kind": kind, "name": name}});
        let whole = |repository: Option<&str>, name: &str, version: &str| {
            Some(InRegistry {
                repository: repository.map(str::to_owned),
                name: name.to_owned(),
                version: version.to_owned(),
            })
        };
        let charts = Some("https://charts.example.org");
        for (spec, expected) in [
            (of("HelmRepository", "http", "web"), whole(charts, "web", "1.x")),
            (
                of("HelmRepository", "oci", "web"),
                whole(None, "oci://registry.example.org/charts/web", "1.x"),
            ),
            (by("OCIRepository", "tag"), whole(None, "oci://registry.example.org/web", "1.0.0")),
            (
                by("OCIRepository", "digest"),
                whole(None, "oci://registry.example.org/web@sha256:00", ""),
            ),
            (by("HelmChart", "chart"), whole(charts, "web", "2")),
            (
                json!({"chart": {"spec": {"chart": "web", "url": "registry.example.org/charts"}}}),
                whole(None, "oci://registry.example.org/charts/web", ""),
            ),
            (of("GitRepository", "git", "./charts/web"), None),
            (of("HelmRepository", "http", "./web"), None),
            (of("HelmRepository", "gone", "web"), None),
            (by("OCIRepository", "gone"), None),
        ] {
            assert_eq!(chart(&spec, "ns", &specs), expected, "{spec}");
            assert!(!has_login(&spec, "ns", &specs), "{spec}");
        }
    }

    #[test]
    fn which_charts_need_a_login() {
        let with = |source: Value| -> Specs {
            let chart =
                json!({"chart": "web", "sourceRef": {"kind": "HelmRepository", "name": "it"}});
            [("HelmRepository", "it", source), ("HelmChart", "chart", chart)]
                .into_iter()
                .map(|(kind, name, spec)| {
                    ((kind.to_owned(), ("ns".to_owned(), name.to_owned())), spec.to_string())
                })
                .collect()
        };
        let source = json!({"kind": "HelmRepository", "name": "it"});
        let releases = [
            json!({"chart": {"spec": {"chart": "web", "sourceRef": source}}}),
            json!({"chartRef": {"kind": "HelmChart", "name": "chart"}}),
        ];
        for release in releases {
            for (more, expected) in [
                (json!({}), false),
                (json!({"provider": "generic"}), false),
                (json!({"provider": "aws"}), true),
                (json!({"secretRef": {"name": "login"}}), true),
                (json!({"certSecretRef": {"name": "own-ca"}}), true),
            ] {
                assert_eq!(has_login(&release, "ns", &with(more.clone())), expected, "{more}");
            }
        }
    }
}
