//! One flow: who it is between, whether it passes, and why.
//!
//! In: a [`Snapshot`](crate::cluster::Snapshot), a [`Ruleset`](crate::policy::Ruleset) and the two ends
//! as people name them. Out: an [`Explanation`] of every port asked for, each with a [`Judgement`]
//! that says which rule admits or why the nearest does not.

mod destination;
mod evaluate;
mod explain;
mod inside;
mod matching;
mod ports;
mod remarks;
mod resolve;
mod suggest;
mod target;
mod tiers;
mod trace;

pub use destination::reached;
pub use evaluate::judge;
pub use explain::{Case, Explanation, Question, explain};
pub(crate) use matching::means;
pub use ports::{CasePorts, Ranges};
pub use ports::{Cuts, boundaries};
pub use resolve::{End, ResolveError, resolve};
pub use suggest::{NoSuggestion, Suggestion, suggest};
pub use target::{Named, PortText, PortWanted, Target, TargetError};
pub use trace::{
    Endpoint, EntryTrace, Flow, Judgement, Nearness, Passage, PeerMiss, PolicyTrace, PortMiss,
    Reason, Trace, UnknownWhy, Verdict,
};
