//! The one integration-test binary: every other file in this directory is a module of it.

mod truth_table;
