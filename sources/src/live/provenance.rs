//! Who wrote a live object: its field managers, and the object of Flux that it is made from.
//!
//! In: the JSON of one object. Out: its [`Origin`].

use netpol::cluster::{Applied, Name, ObjectRef, Origin};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::HashMap;
use std::sync::Arc;

/// Label prefix and kind of what Flux makes objects from.
///
/// Source: cmd/flux/trace.go of Flux: `<prefix>/name` and `<prefix>/namespace`.
const FLUX: [(&str, &str); 2] =
    [("kustomize.toolkit.fluxcd.io", "Kustomization"), ("helm.toolkit.fluxcd.io", "HelmRelease")];

#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    metadata: Option<Metadata>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    labels: Option<HashMap<String, Option<Name>>>,
    managed_fields: Option<Vec<Entry>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Entry {
    manager: Option<Name>,
    time: Option<Name>,
    subresource: Option<Name>,
    #[serde(rename = "fieldsV1")]
    fields: Option<Fields>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    #[serde(rename = "f:spec")]
    spec: Option<IgnoredAny>,
}

/// Where an object comes from; what cannot be read of that is left out.
pub(super) fn of_json(text: &str) -> Origin {
    let head: Head = serde_json::from_str(text).unwrap_or_default();
    let Metadata { labels, managed_fields } = head.metadata.unwrap_or_default();
    let labels = labels.unwrap_or_default();
    let owner = FLUX.iter().find_map(|(prefix, kind)| {
        let label = |key: &str| labels.get(&format!("{prefix}/{key}")).cloned().flatten();
        Some(Arc::new(ObjectRef {
            kind: (*kind).into(),
            namespace: label("namespace"),
            name: label("name")?,
        }))
    });
    // Whoever only added an annotation did not write the rules. RFC 3339 sorts as text.
    let entries = managed_fields.unwrap_or_default().into_iter();
    let last = entries.filter(|entry| entry.subresource.is_none()).max_by_key(|entry| {
        let spec = entry.fields.as_ref().is_some_and(|fields| fields.spec.is_some());
        (spec, entry.time.clone())
    });
    let applied = last
        .and_then(|entry| Some(Arc::new(Applied { manager: entry.manager?, time: entry.time })));
    Origin::Live { applied, owner }
}

/// Of an object whose makers nobody asks for.
pub(super) fn unasked() -> Origin {
    Origin::Live { applied: None, owner: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_writer_of_the_rules_and_the_owner() {
        let text = r#"{"metadata":{
            "labels": {"kustomize.toolkit.fluxcd.io/name":"observability",
                       "kustomize.toolkit.fluxcd.io/namespace":"flux-system"},
            "managedFields":[
              {"manager":"kubectl","time":"2026-01-01T00:00:00Z","fieldsV1":{"f:spec":{}}},
              {"manager":"kustomize-controller","time":"2026-01-02T00:00:00Z","fieldsV1":{"f:spec":{"f:egress":{}}}},
              {"manager":"annotator","time":"2026-01-03T00:00:00Z","fieldsV1":{"f:metadata":{}}},
              {"manager":"status","time":"2026-01-04T00:00:00Z","subresource":"status","fieldsV1":{"f:spec":{}}}
            ]}}"#;
        let Origin::Live { applied: Some(applied), owner: Some(owner) } = of_json(text) else {
            panic!("{:?}", of_json(text));
        };
        assert_eq!(&*applied.manager, "kustomize-controller");
        assert_eq!(applied.time.as_deref(), Some("2026-01-02T00:00:00Z"));
        assert_eq!(owner.to_string(), "flux-system/kustomization/observability");
    }

    #[test]
    fn what_is_not_told() {
        for text in ["{}", r#"{"metadata":{"labels":null,"managedFields":null}}"#, "[]"] {
            assert_eq!(of_json(text), unasked(), "{text}");
        }
        let text = r#"{"metadata":{"labels":{"helm.toolkit.fluxcd.io/name":"x"}}}"#;
        let Origin::Live { owner: Some(owner), .. } = of_json(text) else { panic!() };
        assert_eq!(owner.to_string(), "helmrelease/x");
    }
}
