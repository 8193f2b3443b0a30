//! The answer of `test` as a versioned type: of each test whether it is proved, broken or not known.
//!
//! In: tests with what [`intent`](crate::intent) judged of them, and the snapshot and rules that they speak
//! of. Out: an [`IntentReport`], complete without any of them, with the flow that breaks a test, the rules of
//! both its sides and the command that explains it (`reporter.rs`, with the sentences of `words.rs`); the same as
//! findings (`found.rs`); and of two sides what a change does to tests (`change.rs`).

mod change;
mod found;
mod reporter;
mod words;

pub use change::TestsOfChange;
pub use reporter::IntentAsked;

use super::end::EndReport;
use super::explanation::FlowReport;
use super::list::FlowPorts;
use super::missing::MissingReport;
use super::place::Location;
use super::vocabulary::{ApiVersion, TestOutcome, TestReportKind};
use super::warnings::Warning;
use crate::cluster::Protocol;
use crate::intent::TestScope;
use crate::policy::rule::Direction;
use schemars::JsonSchema;
use serde::Serialize;

/// The answer of `test`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntentReport {
    /// Always `netpol/v1alpha1`.
    pub api_version: ApiVersion,
    /// Always `TestReport`.
    pub kind: TestReportKind,
    /// How many tests came out how.
    pub summary: TestCounts,
    /// The tests, in order.
    pub tests: Vec<TestReport>,
    /// Whether everything was looked at that could decide a test.
    pub complete: bool,
    /// What was not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingReport>,
    /// How to read it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What could make the answer wrong: policies that would be refused, input that was not read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// How many tests came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestCounts {
    /// Those that hold.
    pub proved: usize,
    /// Those that do not.
    pub broken: usize,
    /// Those of which it is not known.
    pub not_known: usize,
}

/// What became of a test.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestReport {
    /// What it is called.
    pub name: String,
    /// What it asks: `allow`, `deny`, `only` and so on.
    pub asks: String,
    /// The same in words.
    pub says: String,
    /// What became of it.
    pub outcome: TestOutcome,
    /// For which pods it was asked.
    pub scope: TestScope,
    /// The same in words.
    pub scope_words: String,
    /// Why it is meant so, as its file has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What breaks it, or why it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The flow that breaks it, or of which it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness: Option<TestWitness>,
    /// The pod that nothing isolates, of `default-deny`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<TestOpen>,
    /// The way that leads there, of `unreachable` and `exposed`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub way: Vec<TestStep>,
    /// What would mend it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mend: Vec<String>,
    /// What else is to be known of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Where it is written.
    pub location: Location,
}

/// A flow that breaks a test, or of which it is not known.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestWitness {
    /// Its source.
    pub source: String,
    /// Its destination.
    pub destination: String,
    /// Both, as `list` has them: their workloads where they are known.
    pub ends: [EndReport; 2],
    /// Its port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Its protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// The command that explains it.
    pub explain: String,
    /// What becomes of it, and by which rules.
    pub flows: Vec<FlowReport>,
}

/// A pod that no policy isolates in a direction.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestOpen {
    /// The pod.
    pub pod: String,
    /// Its workload, as `list` has it.
    pub end: EndReport,
    /// The direction.
    pub direction: Direction,
}

/// One step of a way.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestStep {
    /// Who is reached by it.
    pub to: String,
    /// The first of these, as `list` has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<EndReport>,
    /// At which ports; none where the way begins.
    pub ports: Vec<FlowPorts>,
    /// Whether these are all ports of all protocols.
    pub any_port: bool,
    /// What leads in, of a step from outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}
