//! Observed flows beside what is predicted of them.
//!
//! In: flows of Hubble, and the snapshot and rules to judge them by ([`Observer`]). Out: a versioned
//! object for each flow, equal flows with counts, and what was seen between two ends.

mod between;
mod count;
mod flow;
mod observer;
mod types;
mod words;

pub use between::{Between, ObservedBetween, ObservedCount};
pub use count::{ObservedSummary, Summary, SummaryRow};
pub use observer::{Observation, Observer};
pub use types::{
    LostEvents, ObservedEnd, ObservedFlow, ObservedLine, ObservedPolicy, ObservedVerdict,
    Prediction,
};
pub use words::seen;
