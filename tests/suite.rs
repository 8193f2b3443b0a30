//! The one integration-test binary: every other file in this directory is a module of it.

mod all_pairs;
mod random;
mod random_clusters;
mod reach_diff;
mod truth_table;
