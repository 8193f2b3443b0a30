//! Answers as people and programs read them.
//!
//! In: what the engines found, and a way to find the place of a field. Out: versioned types
//! (`apiVersion: netpol/v1alpha1`) that serialise to JSON and YAML, and text made from the same types.

mod diff;
mod explanation;
mod explanation_text;
mod names;
mod screen;
mod words;

pub use diff::{
    ChangeReport, DiffReport, DiffSide, EndsReport, MemberReport, ReasonReport, SideReport,
    SummaryReport, diff_csv, diff_dot, diff_markdown, diff_text,
};
pub use explanation::{
    API_VERSION, DirectionReport, EndReport, ExplanationReport, FlowReport, Locate, Location,
    MissReport, PolicyReport, Warning,
};
pub use explanation_text::explanation_text;
