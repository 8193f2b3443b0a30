//! The one integration-test binary: every other file in this directory is a module of it.

mod random;
mod random_clusters;
mod semantics;
mod truth_table;
