//! Where kubectl netpol reads and writes: the one package that touches the outside world.
//!
//! In: paths, Git revisions, kustomizations, a kubeconfig, the programs of Hubble and Flux. Out:
//! [`Objects`](netpol::objects::Objects), flows and states of delivery as plain data. What they mean
//! is the core's to say.

// What is read is hostile, so nothing outside of tests may panic on it.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)
)]

pub mod address;
mod cache;
pub mod files;
pub mod flux;
pub mod helm;
pub mod hubble;
pub mod limits;
pub mod live;
pub mod manifests;
pub mod probe;
pub mod process;
pub mod revision;
pub mod tree;
pub mod trial;
