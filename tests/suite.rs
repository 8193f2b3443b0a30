//! The one integration-test binary: every other file in this directory is a module of it.

#[cfg(unix)]
mod bootstrap;
#[cfg(unix)]
mod control_plane;
mod harness;
mod random;
mod random_clusters;
mod truth_table;
