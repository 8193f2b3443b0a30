//! Applications of Argo CD as they are written.
//!
//! In: the tree of one object. Out: an [`Application`], typed as far as it is followed.

use crate::tree::{Head, Named};
use netpol::yaml::{self, Node};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The group of Argo CD.
pub(super) const ARGO: &str = "argoproj.io";

/// An Application.
#[derive(Clone, Debug)]
pub(super) struct Application {
    pub(super) named: Named,
    /// The file that it is written in, from the top.
    pub(super) file: Option<String>,
    /// The same as answers call it.
    pub(super) place: Arc<Path>,
    pub(super) spec: Spec,
    /// What is written of it, for whoever compares it.
    pub(super) text: String,
}

/// `spec`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Spec {
    source: Option<Source>,
    sources: Vec<Source>,
    pub(super) source_hydrator: Option<Value>,
    pub(super) destination: Destination,
}

/// `spec.destination`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Destination {
    server: String,
    name: String,
    pub(super) namespace: String,
}

/// One source.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Source {
    #[serde(rename = "repoURL")]
    pub(super) repo_url: String,
    pub(super) target_revision: String,
    pub(super) path: String,
    pub(super) chart: String,
    pub(super) r#ref: String,
    pub(super) helm: Option<Helm>,
    pub(super) kustomize: Option<Kustomize>,
    pub(super) directory: Option<Directory>,
    pub(super) plugin: Option<Value>,
}

/// `source.helm`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Helm {
    pub(super) release_name: String,
    pub(super) namespace: String,
    pub(super) value_files: Vec<String>,
    pub(super) ignore_missing_value_files: bool,
    pub(super) values: String,
    pub(super) values_object: Option<Value>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) file_parameters: Vec<Value>,
}

/// One of `source.helm.parameters`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) force_string: bool,
}

/// `source.kustomize`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Kustomize {
    pub(super) name_prefix: Option<String>,
    pub(super) name_suffix: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) images: Vec<String>,
    pub(super) patches: Vec<Value>,
    pub(super) components: Vec<String>,
    pub(super) ignore_missing_components: bool,
    pub(super) common_labels: BTreeMap<String, String>,
    pub(super) label_without_selector: bool,
}

/// `source.directory`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Directory {
    pub(super) recurse: bool,
    pub(super) include: String,
    pub(super) exclude: String,
}

/// A JSON document with another one merged into it, as RFC 7386 has it: what is null goes.
fn patched(target: &mut Value, patch: Value) {
    let Value::Object(fields) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(map) = target.as_object_mut() else { return };
    for (field, value) in fields {
        if value.is_null() {
            map.remove(&field);
        } else {
            patched(map.entry(field).or_insert(Value::Null), value);
        }
    }
}

impl Application {
    /// One of its sources with what files in its directory say of it; what it is a source of stays.
    ///
    /// Source: docs/semantics/argocd.md#overrides.
    pub(super) fn overridden(
        &self,
        source: &Source,
        number: usize,
        patches: Vec<Value>,
    ) -> Result<Source, serde_json::Error> {
        let spec: Value = serde_json::from_str(&self.text)?;
        let several = self.spec.source.is_none() || !self.spec.sources.is_empty();
        let mut merged =
            if several { spec["sources"][number].clone() } else { spec["source"].clone() };
        for patch in patches {
            patched(&mut merged, patch);
        }
        let merged: Source = serde_json::from_value(merged)?;
        let Source { repo_url, target_revision, path, chart, r#ref, .. } = source.clone();
        Ok(Source { repo_url, target_revision, path, chart, r#ref, ..merged })
    }

    /// Files in the directory of a source that may say more of it, the later over the earlier.
    pub(super) fn overrides(&self) -> Vec<String> {
        let (namespace, name) = &self.named;
        let mut all = vec![".argocd-source.yaml".to_owned(), format!(".argocd-source-{name}.yaml")];
        // So one is called that is in a namespace of its own.
        if !namespace.is_empty() {
            all.push(format!(".argocd-source-{namespace}_{name}.yaml"));
        }
        all
    }

    /// Reads one that is written in a file.
    pub(super) fn read(
        node: &Node<'_>,
        file: Option<String>,
        place: Arc<Path>,
    ) -> Result<Self, yaml::Error> {
        let named = Head::of(node).map(|head| head.named()).unwrap_or_default();
        let spec = node.get("spec");
        let text = spec.and_then(|spec| yaml::from_node::<Value>(spec).ok()).unwrap_or_default();
        let spec = spec.map(yaml::from_node).transpose()?.unwrap_or_default();
        Ok(Self { named, file, place, spec, text: text.to_string() })
    }

    /// `Application NAMESPACE/NAME`, fit to be shown.
    pub(super) fn title(&self) -> String {
        super::super::object::title("Application", &self.named)
    }

    /// What it is made of.
    pub(super) fn sources(&self) -> Vec<&Source> {
        match &self.spec.source {
            Some(source) if self.spec.sources.is_empty() => vec![source],
            _ => self.spec.sources.iter().collect(),
        }
    }
}

impl Destination {
    /// The cluster, as it is written; empty for none.
    pub(super) fn cluster(&self) -> &str {
        if self.server.is_empty() { &self.name } else { &self.server }
    }
}

/// Addresses of one repository may be written in several ways.
pub(super) fn plain(address: &str) -> &str {
    let address = address.trim_end_matches('/');
    address.strip_suffix(".git").unwrap_or(address)
}
