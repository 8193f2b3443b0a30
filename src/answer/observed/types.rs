//! The lines of `observe -o json` as versioned types.

use crate::answer::explanation::DirectionReport;
use crate::answer::vocabulary::{
    ApiVersion, AsPredicted, LostEventsKind, ObservedFlowKind, ObservedProtocol,
};
use crate::hubble;
use crate::observed::Observed;
use crate::policy::rule::Direction;
use crate::verdict::Verdict;
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
    Summary(super::count::ObservedSummary),
}

/// A flow beside what is predicted of it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObservedFlow {
    /// Always `netpol/v1alpha1`.
    pub api_version: ApiVersion,
    /// Always `ObservedFlow`.
    pub kind: ObservedFlowKind,
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
    /// The protocol, where Hubble names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<ObservedProtocol>,
    /// The destination's port, after any Service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The type of ICMP, which stands for the port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icmp_type: Option<u32>,
    /// Whose policies were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// What became of it.
    pub observed: ObservedVerdict,
    /// What is predicted; absent where nothing is, and `message` says why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicted: Option<Arc<Prediction>>,
    /// Whether it is as predicted.
    pub as_predicted: AsPredicted,
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
    /// Hubble's verdict.
    pub verdict: hubble::Verdict,
    /// What that says of policies.
    pub meaning: Observed,
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
    /// The verdict on both directions.
    pub verdict: Verdict,
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
    pub api_version: ApiVersion,
    /// Always `LostEvents`.
    pub kind: LostEventsKind,
    /// How many.
    pub count: u64,
    /// Where they were lost, such as `HUBBLE_RING_BUFFER`.
    pub source: Box<str>,
    /// The node.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub node: Box<str>,
}
