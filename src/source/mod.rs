//! Where input comes from: text on disk, on standard input or from the cluster becomes objects.
//!
//! In: files, the API, outside programs. Out: [`Objects`], which [`assemble`](Objects::assemble)
//! links into a snapshot and the policies.

pub mod api;
mod assemble;
mod found;
mod kind;
pub mod live;
pub mod manifests;
mod objects;
pub mod process;
pub mod revision;
mod wire;
pub mod yaml;

pub use found::{Body, Found, FoundWorkload, Owner};
pub(crate) use kind::name_in_group;
pub use objects::{Objects, Replaced};
