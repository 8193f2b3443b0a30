//! The one integration-test binary: every other file in this directory is a module of it.

mod cli;
mod homekube;
mod random;
mod random_clusters;
mod run;
mod semantics;
mod truth_table;
