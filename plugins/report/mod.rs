//! Answers as people and programs read them.
//!
//! In: what the engines found, and a way to find the place of a field. Out: versioned types
//! (`apiVersion: netpol/v1alpha1`) that serialise to JSON and YAML, and text made from the same types.

mod checks;
mod columns;
mod delivery;
mod diff;
mod explaining;
mod explanation;
mod explanation_text;
mod flows;
mod names;
mod observed;
mod rule_words;
mod screen;
mod summary;
mod summary_text;
mod warnings;
mod words;

pub use checks::check_text;
pub use delivery::{Delivered, DeliveryReport, MissingPolicy};
pub use diff::{
    ChangeReport, DiffReport, DiffSide, DiffSummary, EndsReport, MemberReport, ReasonReport,
    SideReport, diff_csv, diff_dot, diff_markdown, diff_text,
};
pub use explanation::{
    API_VERSION, DirectionReport, EndReport, ExplanationReport, FlowReport, Locate, Location,
    MissReport, OwnerReport, PolicyReport,
};
pub use explanation_text::explanation_text;
pub use flows::{
    Asked, By, FlowEnd, FlowList, FlowPorts, ListedFlow, TooLarge, TooMany, Unmatched, flows_csv,
    flows_dot, flows_markdown, flows_mermaid, flows_table,
};
pub use observed::{
    Between, LostEvents, Observation, ObservedBetween, ObservedCount, ObservedEnd, ObservedFlow,
    ObservedLine, ObservedPolicy, ObservedSummary, ObservedVerdict, Observer, Prediction, Summary,
    SummaryRow, lost_text, observation_text, summary_text as observed_summary_text,
};
pub use summary::{
    DirectionSummary, Isolation, NamespaceSummary, PolicySummary, RuleSummary, SummaryReport,
};
pub use summary_text::{summary_markdown, summary_text};
pub use warnings::{Warning, rejections};
