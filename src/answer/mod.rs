//! What the engines found, as typed, versioned answers.
//!
//! In: results of [`verdict`](crate::verdict), [`reach`](crate::reach) and
//! [`observed`](crate::observed), with the snapshot and rules that they speak of and a way to find the
//! place of a field ([`Locate`]). Out: plain types (`apiVersion: netpol/v1alpha1`) that serialise to
//! JSON and YAML, have a JSON Schema, and are complete by themselves. Sentences that belong to an
//! answer are made here; how one looks in text, Markdown or a picture is not this room's business.

mod checkup;
mod command;
mod delivery;
mod diff;
mod end;
mod explaining;
mod explanation;
mod findings;
mod intent;
mod lint;
mod list;
mod missing;
mod named;
mod observed;
mod onward;
mod place;
mod probe;
mod rule_words;
mod standing;
mod summary;
mod system;
mod vocabulary;
mod warnings;
mod way;
mod words;

pub use crate::lints::Severity;
pub use checkup::{Area, Check, CheckState, Checkup};
pub use delivery::{DeliveryReport, DeliverySource, DeliveryState};
pub use diff::{
    ChangeReport, Compared, DiffAsked, DiffReport, DiffSummary, Fresh, FreshFlows, ReasonReport,
    RenamedReport, SideReport, WitnessReport,
};
pub use end::{BroughtBy, EndKind, EndReport, EndsReport, MemberReport};
pub use explanation::{
    AppliedBy, DirectionReport, ExplanationReport, FlowReport, HopReport, MissReport, OwnerReport,
    PolicyReport, RuleReport, WayReport,
};
pub use findings::{Finding, FindingRule, Findings, ToFindings};
pub use intent::{
    IntentAsked, IntentReport, TestCounts, TestOpen, TestReport, TestStep, TestWitness,
    TestsOfChange,
};
pub use lint::{AllowedFinding, Comments, LintAsked, LintFinding, LintReport, RelatedPlace};
pub use list::{
    By, Entrance, FlowList, FlowPorts, ListAsked, ListedFlow, ListedWitness, Unmatched, Unprotected,
};
pub use missing::{MissingReport, not_made};
pub use observed::{
    Between, LostEvents, Observation, ObservedBetween, ObservedCount, ObservedEnd, ObservedFlow,
    ObservedLine, ObservedPolicy, ObservedSummary, ObservedVerdict, Observer, Prediction, Summary,
    SummaryRow, seen,
};
pub use onward::{CutChange, CutReport, OnwardAsked, OnwardHop, OnwardReport, ReachedReport};
pub use place::{Locate, Location, short};
pub use probe::{ProbeReport, ProbeRow};
pub use standing::PlaceReport;
pub use summary::{
    ClusterwideSummary, DirectionSummary, Isolation, NamespaceSummary, PolicySummary, RuleSummary,
    SummaryReport,
};
pub use system::{SystemChangeReport, SystemFlowReport, SystemReport};
pub use vocabulary::{
    ApiVersion, AsPredicted, Because, ChangeKind, CheckupKind, CutKind, DiffKind, EntranceKind,
    ExplanationKind, Fate, FlowListKind, LintKind, LostEventsKind, Missing, ObservedFlowKind,
    ObservedProtocol, ObservedSummaryKind, OnwardKind, OrderedTier, Outcome, Scope, SummaryKind,
    SystemTrafficKind, TestOutcome, TestReportKind,
};
pub use warnings::{Warning, rejections};
