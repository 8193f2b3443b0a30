//! Objects of Flux as they are written.
//!
//! In: the tree of one object. Out: a [`Kustomization`], or what else matters to whoever follows them,
//! typed as far as it is read. Of a field that is passed on to kustomize only the value is kept.

use crate::tree::{Head, Named};
use netpol::yaml::{self, Node};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The groups of Flux, and of its operator.
pub(super) const KUSTOMIZE: &str = "kustomize.toolkit.fluxcd.io";
pub(super) const HELM: &str = "helm.toolkit.fluxcd.io";
pub(super) const SOURCE: &str = "source.toolkit.fluxcd.io";
pub(super) const OPERATOR: &str = "fluxcd.controlplane.io";

/// Annotations and labels with which objects opt out.
///
/// Source: docs/semantics/flux.md#what-opts-out.
const RECONCILE: &str = "kustomize.toolkit.fluxcd.io/reconcile";
const APPLY: &str = "kustomize.toolkit.fluxcd.io/ssa";
const SUBSTITUTE: &str = "kustomize.toolkit.fluxcd.io/substitute";

/// Whether an annotation or label has a value.
fn says(node: &Node<'_>, key: &str, same: impl Fn(&str) -> bool) -> bool {
    let Some(metadata) = node.get("metadata") else { return false };
    ["annotations", "labels"].iter().any(|field| {
        let found = metadata.get(field).and_then(|map| map.get(key)).and_then(Node::as_str);
        found.is_some_and(&same)
    })
}

/// Whether Flux leaves it out of what it applies.
pub(super) fn is_left_out(node: &Node<'_>) -> bool {
    says(node, RECONCILE, |value| value.eq_ignore_ascii_case("disabled"))
        || says(node, APPLY, |value| value.eq_ignore_ascii_case("ignore"))
}

/// Whether variables are not filled in there.
pub(super) fn is_not_substituted(node: &Node<'_>) -> bool {
    says(node, SUBSTITUTE, |value| value == "disabled")
}

/// A Kustomization of Flux.
#[derive(Clone, Debug)]
pub(super) struct Kustomization {
    /// Its namespace and name.
    pub(super) named: Named,
    /// The file that it is written in, from the top; none where it is only supposed.
    pub(super) file: Option<String>,
    /// The same as answers call it.
    pub(super) place: Arc<Path>,
    /// What it says.
    pub(super) spec: Spec,
    /// It builds a directory of another repository.
    pub(super) foreign: bool,
}

/// `spec`, as far as it is followed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Spec {
    pub(super) path: String,
    pub(super) target_namespace: Option<String>,
    pub(super) name_prefix: Option<String>,
    pub(super) name_suffix: Option<String>,
    pub(super) common_metadata: Option<CommonMetadata>,
    pub(super) patches: Vec<Value>,
    pub(super) patches_strategic_merge: Vec<Value>,
    pub(super) patches_json6902: Vec<Json6902>,
    pub(super) images: Vec<Value>,
    pub(super) components: Vec<String>,
    pub(super) ignore_missing_components: bool,
    pub(super) post_build: Option<PostBuild>,
    pub(super) suspend: bool,
    pub(super) depends_on: Vec<Reference>,
    pub(super) source_ref: Reference,
    pub(super) kube_config: Option<Value>,
    /// Labels for objects and selectors, which only Argo CD has.
    #[serde(skip)]
    pub(super) common_labels: BTreeMap<String, String>,
    /// They are for objects only.
    #[serde(skip)]
    pub(super) label_without_selector: bool,
}

/// A patch of the older form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Json6902 {
    pub(super) patch: Value,
    pub(super) target: Value,
}

/// `spec.commonMetadata`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CommonMetadata {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
}

/// `spec.postBuild`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PostBuild {
    pub(super) substitute: BTreeMap<String, String>,
    pub(super) substitute_from: Vec<Reference>,
    pub(super) substitute_strategy: String,
}

/// The name of another object.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Reference {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    pub(super) optional: bool,
}

impl Reference {
    /// The object that it means from a namespace.
    pub(super) fn from(&self, namespace: &str) -> Named {
        let own = self.namespace.as_deref().filter(|own| !own.is_empty());
        (own.unwrap_or(namespace).to_owned(), self.name.clone())
    }
}

impl Kustomization {
    /// Reads one that is written in a file.
    pub(super) fn read(
        node: &Node<'_>,
        file: Option<String>,
        place: Arc<Path>,
    ) -> Result<Self, yaml::Error> {
        let named = Head::of(node).map(|head| head.named()).unwrap_or_default();
        let spec = node.get("spec").map(yaml::from_node).transpose()?.unwrap_or_default();
        Ok(Self { named, file, place, spec, foreign: false })
    }

    /// `Kustomization NAMESPACE/NAME`, fit to be shown.
    pub(super) fn title(&self) -> String {
        title("Kustomization", &self.named)
    }
}

/// `KIND NAMESPACE/NAME`, fit to be shown.
pub(super) fn title(kind: &str, (namespace, name): &Named) -> String {
    let slash = if namespace.is_empty() { "" } else { "/" };
    netpol::printable::printable(&format!("{kind} {namespace}{slash}{name}")).into_owned()
}
