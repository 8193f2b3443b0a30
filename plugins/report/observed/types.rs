//! The lines of `observe -o json` as versioned types.

use crate::report::explanation::DirectionReport;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// One line of the answer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ObservedLine {
    /// A flow.
    Flow(Box<ObservedFlow>),
    /// Events that Hubble could not keep.
    Lost(LostEvents),
    /// With `--summary`: the one line there is.
    Summary(super::summary::ObservedSummary),
}

/// A flow beside what is predicted of it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObservedFlow {
    /// Always `netpol/v1alpha1`.
    pub api_version: &'static str,
    /// Always `ObservedFlow`.
    pub kind: &'static str,
    /// When, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Hubble's identifier of the flow.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub uuid: Box<str>,
    /// The node that reports it.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub node: Box<str>,
    /// Who sent it.
    pub source: ObservedEnd,
    /// Who was to have it.
    pub destination: ObservedEnd,
    /// `TCP`, `UDP`, `SCTP`, `ICMPv4` or `ICMPv6`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<&'static str>,
    /// The destination's port, after any Service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Whose policies were asked: `egress` or `ingress`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<&'static str>,
    /// What became of it.
    pub observed: ObservedVerdict,
    /// What is predicted; absent where nothing is, and `message` says why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicted: Option<Arc<Prediction>>,
    /// `Yes`, `No`, `Unknown` where the prediction is, or `NotCompared`.
    pub as_predicted: &'static str,
    /// The same in words.
    pub message: String,
    /// Where it is not as predicted: what is likely, the likeliest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub likely: Vec<String>,
    /// Where it is as predicted, but Hubble names a policy for it that was not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One end of a flow.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObservedEnd {
    /// The pod's namespace.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub namespace: Box<str>,
    /// The pod.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub pod: Box<str>,
    /// The address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// DNS names that were resolved to the address.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Box<str>>,
    /// Cilium's identity.
    pub identity: u32,
}

/// What became of a flow.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObservedVerdict {
    /// Hubble's verdict, such as `FORWARDED` or `DROPPED`.
    pub verdict: &'static str,
    /// What that says of policies: `Allowed`, `Denied`, `Audited`, `DroppedOtherwise`, `Unclear` or
    /// `Seen`.
    pub meaning: &'static str,
    /// Why it was dropped, in Cilium's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drop_reason: Option<String>,
    /// The policies that Hubble names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<ObservedPolicy>,
}

/// A policy that Hubble names.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObservedPolicy {
    /// Its kind.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub kind: Box<str>,
    /// Its namespace.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub namespace: Box<str>,
    /// Its name.
    pub name: Box<str>,
}

/// What is predicted of a flow, and why.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Prediction {
    /// The source as it is in the cluster or the manifests.
    pub from: String,
    /// The destination.
    pub to: String,
    /// `Allowed`, `Denied` or `Unknown`: both directions.
    pub verdict: &'static str,
    /// Out of the source.
    pub egress: DirectionReport,
    /// Into the destination.
    pub ingress: DirectionReport,
}

/// Events that Hubble could not keep: a flow that is not shown may have happened.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LostEvents {
    /// Always `netpol/v1alpha1`.
    pub api_version: &'static str,
    /// Always `LostEvents`.
    pub kind: &'static str,
    /// How many.
    pub count: u64,
    /// Where they were lost, such as `HUBBLE_RING_BUFFER`.
    pub source: Box<str>,
    /// The node.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub node: Box<str>,
}
