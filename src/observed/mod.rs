//! What was observed, beside what the policies predict.
//!
//! In: a flow of [`hubble`](crate::hubble), a [`Snapshot`](crate::cluster::Snapshot) and a
//! [`Ruleset`](crate::policy::Ruleset). Out: the flow's ends in the snapshot ([`Index`]), the judgement
//! of it ([`predict`]), and whether the two agree ([`compare`]), with what is likely where they do not.

mod compare;
mod join;
mod predict;
#[cfg(test)]
mod tests;

pub use compare::{Agreement, Likely, Observed, Scene, arrived, compare, observed, unread};
pub use join::{Index, Unjoined};
pub use predict::{Key, NotJudged, Prediction, key, predict};
