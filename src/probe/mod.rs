//! What is tried in a cluster, beside what the engines predict of it.
//!
//! In: a [`Snapshot`](crate::cluster::Snapshot) and a [`Ruleset`](crate::policy::Ruleset), with two ends
//! ([`between`]) or namespaces ([`cover`]); later the text that a pod printed ([`told`]). Out:
//! [`Attempt`]s, one connection each, with what `explain` says of it; and whether what was seen is what
//! was predicted ([`compare`]). Who runs anything, and where, is asked elsewhere.

mod asked;
mod compare;
mod cover;
mod seen;

pub use asked::{Attempt, Dial, Unasked, between};
pub use compare::{Likely, Match, compare};
pub use cover::{Cover, cover};
pub use seen::{Outcome, Seen, Why, told};
