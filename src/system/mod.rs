//! Traffic that a cluster itself depends on, and for which nobody writes a policy.
//!
//! In: a snapshot and its rules. Out: every [`SystemFlow`] with its verdict: what the API server calls
//! ([`calls`]), the kubelet's probes ([`probes`]), who asks DNS ([`dns`]), and what metrics-server asks of
//! the kubelets ([`metrics`]); and of two sides the calls of which less gets through ([`changes`]). Source:
//! docs/semantics/system.md.

mod call;
mod change;
mod dns;
mod metrics;
mod probe;
mod why;

pub use call::calls;
pub use change::{SystemChange, changes};
pub use dns::{dns, dns_server, doubt_names, suppose_dns};
pub use metrics::metrics;
pub use probe::probes;

use crate::cluster::{Name, Port, Snapshot};
use crate::ends::{EndName, Named, Resolved};
use crate::policy::Ruleset;
use crate::verdict::Verdict;
use schemars::JsonSchema;
use serde::Serialize;

/// What the traffic is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
pub enum SystemKind {
    /// The API server asks a webhook.
    Webhook,
    /// The API server has a group of the API served.
    #[serde(rename = "AggregatedAPI")]
    AggregatedApi,
    /// The API server has objects converted.
    Conversion,
    /// The kubelet probes a pod.
    Probe,
    /// A pod asks for names.
    #[serde(rename = "DNS")]
    Dns,
    /// Figures of pods are collected.
    Metrics,
}

impl SystemKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Webhook,
        Self::AggregatedApi,
        Self::Conversion,
        Self::Probe,
        Self::Dns,
        Self::Metrics,
    ];

    /// Its word in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "Webhook",
            Self::AggregatedApi => "AggregatedAPI",
            Self::Conversion => "Conversion",
            Self::Probe => "Probe",
            Self::Dns => "DNS",
            Self::Metrics => "Metrics",
        }
    }
}

/// One flow that the cluster depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemFlow {
    /// What it is for.
    pub kind: SystemKind,
    /// What asks for it, such as `webhook/guard`.
    pub by: String,
    /// Who opens the connection.
    pub source: String,
    /// Who takes it.
    pub destination: String,
    /// The namespaces of both, as far as they have one.
    pub namespaces: Vec<Name>,
    /// The ports, as they arrive at the destination.
    pub ports: Vec<Port>,
    /// What becomes of it; `None` where parts of it differ.
    pub verdict: Option<Verdict>,
    /// Why it does not pass, why that is not known, or why it always does; a sentence without its end.
    pub why: Option<String>,
    /// What follows where it does not pass, as a sentence without its end.
    pub then: Option<String>,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct System {
    /// Each flow, by what it is for.
    pub flows: Vec<SystemFlow>,
    /// What could not be looked at, as sentences without their end.
    pub missing: Vec<String>,
    /// How it was understood.
    pub notes: Vec<String>,
}

/// All that a cluster depends on; of DNS whose pods are not written, [`suppose_dns`] adds one before.
pub fn system(snapshot: &Snapshot, rules: &Ruleset) -> System {
    let mut all = System::default();
    calls(snapshot, rules, &mut all);
    probes(snapshot, rules, &mut all);
    dns(snapshot, rules, &mut all);
    metrics(snapshot, rules, &mut all);
    all
}

/// An end of a question that has been looked up.
fn found(end: Resolved) -> EndName {
    EndName { names: Named::Found(Box::new(end)), port: None, path: None }
}
