//! What is written: one file a dialect, each lowered to the one form in [`rule`].
//!
//! In: policy objects as their authors wrote them ([`Written`]). Out: a [`Ruleset`] that the engines
//! read without asking which dialect a rule came from, and the objects that the API server or
//! Cilium's agent would refuse, which are reported and never silently skipped.

pub mod admin;
pub mod cilium;
mod enforcer;
mod identity;
mod names;
pub mod networkpolicy;
pub mod rule;
mod ruleset;
mod selector;
mod variables;

pub use enforcer::{Cilium, CiliumVersion, Enforcement, Enforcer};
pub use identity::LabelFilter;
pub use identity::NODE_LOCAL_DNS;
pub use names::NamePattern;
pub use ruleset::{Fault, Lowered, PolicyId, RefusedBy, Remark, Ruleset, Traits, Unread, Written};
pub use selector::LabelSelector;
pub(crate) use selector::{dns_label_fault, label_key_fault, label_value_fault};
