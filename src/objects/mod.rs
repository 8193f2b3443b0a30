//! Objects as they are written: text of manifests, or what the API sends, becomes [`Objects`].
//!
//! In: texts and JSON. Out: [`Objects`], which [`assemble`](Objects::assemble) links into a snapshot
//! and the policies, and [`Warning`]s on what could not be read. Files, programs and servers are read
//! elsewhere.

pub mod api;
mod assemble;
mod calls;
mod decode;
mod encrypted;
mod entrances;
mod file;
mod found;
mod json;
mod kustomization;
mod managed_fields;
mod operators;
mod other;
mod policy;
mod routes;
mod set;
mod template;
pub mod text;
mod warning;
mod wire;

pub use assemble::owner_of_replica_set;
pub use calls::CALLING;
pub use encrypted::{is_encrypted, is_encrypted_value};
pub use file::{File, Kept, Kind, Reading, at_origin, decode_text};
pub(crate) use found::selector_of;
pub use found::{Body, Found, FoundWorkload, Owner, from_json as fact_from_json};
pub use kustomization::is_kustomization;
pub use managed_fields::without as without_managed_fields;
pub use other::from_json as other_from_json;
pub use policy::from_json as policy_from_json;
pub(crate) use policy::plain;
pub use routes::{LEADING, Leading};
pub use set::{Objects, Replaced};
pub use warning::{Severity, Warning, shown};

#[cfg(test)]
mod tests;
