//! Observed flows beside what is predicted of them.
//!
//! In: flows of Hubble, and the snapshot and rules to judge them by ([`Observer`]). Out: a line as
//! Hubble's users know it with the decision below, a versioned object for programs, and a table of
//! equal flows with counts.

mod between;
mod line;
mod observer;
mod summary;
mod text;
mod types;
mod words;

pub(in crate::report) use between::between_text;
pub use between::{Between, ObservedBetween, ObservedCount};
pub use observer::{Observation, Observer};
pub use summary::{ObservedSummary, Summary, SummaryRow, summary_text};
pub use text::{lost_text, observation_text};
pub use types::{
    LostEvents, ObservedEnd, ObservedFlow, ObservedLine, ObservedPolicy, ObservedVerdict,
    Prediction,
};
