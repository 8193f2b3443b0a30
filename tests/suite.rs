//! The one integration-test binary: every other file in this directory is a module of it.

mod all_pairs;
mod cli;
#[cfg(unix)]
mod control_plane;
mod diff;
mod harness;
mod homekube;
#[cfg(unix)]
mod live_explain;
#[cfg(unix)]
mod live_failures;
mod random;
mod random_clusters;
mod reach_diff;
mod run;
mod semantics;
mod transcripts;
mod truth_table;
