//! The answer of `list --system` as a versioned type: traffic that the cluster itself depends on.
//!
//! In: what [`system`](crate::system) found, with the snapshot and rules that it speaks of. Out: a
//! [`SystemReport`], complete without any of them.

use super::list::FlowPorts;
use super::missing::{MissingReport, is_empty, missing};
use super::place::Locate;
use super::vocabulary::{ApiVersion, Outcome, SystemTrafficKind};
use super::warnings::{self, Warning};
use super::words;
use crate::cluster::{Port, Snapshot};
use crate::policy::Ruleset;
use crate::system::{SystemChange, SystemFlow, SystemKind, system};
use crate::verdict::Verdict;
use schemars::JsonSchema;
use serde::Serialize;

/// The answer of `list --system`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SystemReport {
    /// Always `netpol/v1alpha1`.
    pub api_version: ApiVersion,
    /// Always `SystemTraffic`.
    pub kind: SystemTrafficKind,
    /// Each flow, by what it is for.
    pub flows: Vec<SystemFlowReport>,
    /// Whether everything was looked at, so that what is not told is not there.
    pub complete: bool,
    /// What was not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingReport>,
    /// How to read it, and how it was understood.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What could make the answer wrong: policies that would be refused, input that was not read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// One flow that the cluster depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SystemFlowReport {
    /// What becomes of it.
    pub verdict: Outcome,
    /// What it is for.
    #[serde(rename = "for")]
    pub kind: SystemKind,
    /// What asks for it, such as `webhook/guard`.
    pub by: String,
    /// Who opens the connection.
    pub source: String,
    /// Who takes it.
    pub destination: String,
    /// The ports there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<FlowPorts>,
    /// Why it does not pass, why that is not known, or why it always does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What follows where it does not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
}

/// What becomes of something that the API server calls, and was otherwise before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SystemChangeReport {
    /// What became of it; `Allowed` of what was not there and nothing kept out.
    pub before: Outcome,
    /// The flow as it is now, with what becomes of it.
    pub after: SystemFlowReport,
    /// All of it in a sentence.
    pub message: String,
    /// Less gets through than before, or may.
    #[serde(skip)]
    pub closes: bool,
    /// Both sides have it, or it is cut for certain: for exit codes.
    #[serde(skip)]
    pub(super) counts: bool,
}

impl SystemFlowReport {
    fn of(flow: SystemFlow) -> Self {
        let port =
            |port: Port| FlowPorts { protocol: port.protocol, port: port.number, end_port: None };
        Self {
            verdict: flow.verdict.into(),
            kind: flow.kind,
            by: flow.by,
            source: flow.source,
            destination: flow.destination,
            ports: flow.ports.into_iter().map(port).collect(),
            message: flow.why,
            effect: flow.then,
        }
    }
}

impl SystemChangeReport {
    pub(super) fn of(change: SystemChange) -> Self {
        let (message, closes) = (change.sentence(), change.closes());
        let counts = !change.is_new || change.after.verdict == Some(Verdict::Denied);
        let before = change.before.into();
        Self { before, after: SystemFlowReport::of(change.after), message, closes, counts }
    }
}

/// Source: ours.
const NO_CALLS: &str = "No webhook, aggregated API or conversion is written here: what the API server calls in \
                        the cluster is not known";

impl SystemReport {
    /// Tells all traffic of the system, or that with an end in one namespace; of manifests that name
    /// nothing which the API server calls, that is said.
    pub fn new(
        snapshot: &Snapshot,
        rules: &Ruleset,
        namespace: Option<&str>,
        of_manifests: bool,
        locate: &Locate<'_>,
    ) -> Self {
        let found = system(snapshot, rules);
        let here = |of: Option<&str>| match (namespace, of) {
            (Some(only), Some(of)) => only == of,
            _ => true,
        };
        let wanted = |flow: &SystemFlow| {
            namespace.is_none() || flow.namespaces.iter().any(|of| here(Some(of)))
        };
        let flows = found.flows.into_iter().filter(wanted).map(SystemFlowReport::of).collect();
        let mut missing = missing(snapshot, rules, None, is_empty(snapshot, rules));
        missing.extend(found.missing.into_iter().map(MissingReport::given_up));
        let mut notes = words::enforcement(rules);
        notes.extend(found.notes);
        let calls = &snapshot.calls;
        if of_manifests && calls.all.is_empty() && calls.unread.is_empty() {
            notes.push(NO_CALLS.to_owned());
        }
        let remarks =
            warnings::remarks(rules, |remark| here(remark.object.namespace.as_deref()), locate);
        Self {
            api_version: ApiVersion,
            kind: SystemTrafficKind,
            flows,
            complete: missing.is_empty(),
            missing,
            notes,
            warnings: remarks.into_iter().chain(warnings::gaps(snapshot)).collect(),
        }
    }
}
