//! How far Flux has brought what decides, as a versioned type.

use schemars::JsonSchema;
use serde::Serialize;

/// An object of Flux that policies of the answer are made from, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryReport {
    /// `Kustomization` or `HelmRelease`.
    pub kind: String,
    /// Its namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// How far it is.
    pub state: DeliveryState,
    /// The revision that it last applied, as Flux writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Where a Kustomization has its manifests from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<DeliverySource>,
    /// The policies of the answer that it has made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// The policies of the answer that are in files and not, or not so, in the cluster, and that it
    /// should make.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// All of this in words.
    pub message: String,
    /// What to do, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The source of a Kustomization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliverySource {
    /// Its kind, such as `GitRepository`.
    pub kind: String,
    /// Its namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// The revision that it has fetched, as Flux writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}

/// How far an object of Flux is, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum DeliveryState {
    /// All that its source has is applied.
    UpToDate,
    /// Its source has what it has not applied.
    Behind,
    /// It is suspended.
    Suspended,
    /// It fails.
    NotReady,
    /// It is at work, or about to be.
    Reconciling,
    /// It has applied all that its source has, but that fails or is suspended.
    SourceNotReady,
    /// There is no such object, or not for long.
    Missing,
    /// What is known does not tell.
    Unknown,
}
