//! The one integration-test binary: every other file in this directory is a module of it.

mod cli;
#[cfg(unix)]
mod control_plane;
mod harness;
mod homekube;
mod random;
mod random_clusters;
mod run;
mod semantics;
mod summary;
mod transcripts;
mod truth_table;
