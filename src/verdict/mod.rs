//! One flow: who it is between, whether it passes, and why.
//!
//! In: a [`Snapshot`](crate::cluster::Snapshot), a [`Ruleset`](crate::policy::Ruleset) and the two ends
//! as people name them. Out: an [`Explanation`] of every port asked for, each with a [`Judgement`]
//! that says which rule admits or why the nearest does not; and of a set of flows, for which a few
//! stand, a [`Why`].

mod evaluate;
mod explain;
mod hops;
mod inside;
mod matching;
mod near;
mod ports;
mod remarks;
mod routed;
mod suggest;
mod tiers;
mod trace;
mod unseen;
mod unsettled;
mod ways;
mod why;

pub use crate::ends::Endpoint;
pub use evaluate::judge;
pub(crate) use explain::classes;
pub use explain::{Case, Explanation, Question, explain};
pub use hops::{Asked, Hop, Judged, Taken};
pub(crate) use hops::{onto_node, taken, through};
pub(crate) use matching::means;
pub(crate) use near::near;
pub use near::{Near, NearBy};
pub use ports::{CasePorts, Ranges};
pub use ports::{Cuts, boundaries};
pub use suggest::{NoSuggestion, Suggestion, suggest};
pub use trace::{
    EntryTrace, Flow, Judgement, Nearness, Passage, PeerMiss, PolicyTrace, PortMiss, Reason, Trace,
    UnknownWhy, Verdict,
};
pub use ways::Reading;
pub(crate) use ways::{MESH, has_mesh, in_mesh};
pub use why::{Closed, Ground, NotKnown, RuleId, Why, closed, why};
