//! Answers as people and programs read them.
//!
//! In: what the engines found, and a way to find the place of a field. Out: versioned types
//! (`apiVersion: netpol/v1alpha1`) that serialise to JSON and YAML, and text made from the same types.

mod explanation;
mod explanation_text;
mod flows;
mod names;
mod screen;
mod words;

pub use explanation::{
    API_VERSION, DirectionReport, EndReport, ExplanationReport, FlowReport, Locate, Location,
    MissReport, PolicyReport, Warning,
};
pub use explanation_text::explanation_text;
pub use flows::{
    Asked, By, FlowEnd, FlowList, FlowPorts, ListedFlow, TooLarge, TooMany, flows_csv, flows_dot,
    flows_markdown, flows_mermaid, flows_table,
};
