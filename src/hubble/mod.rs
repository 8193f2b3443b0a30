//! What Hubble saw, as plain data.
//!
//! In: lines that `hubble observe -o jsonpb` prints, or of another log in a plain form; a typed [`Filter`]. Out: [`Record`]s, mostly
//! [`Flow`]s, one by one and with bounded memory. Nothing here knows a snapshot, a policy or a verdict
//! of ours, and the program is run elsewhere.
//!
//! Source of the format: docs/semantics/hubble.md.

mod decode;
mod filter;
mod flow;
mod pairs;
mod plain;
mod reason;
mod record;
mod wire;

pub use decode::decode;
pub use filter::{EndFilter, Events, Filter, Pods, PodsOf, Window};
pub use flow::{Event, Flow, Layer4, Owner, Party, PolicyName, Verdict};
pub use pairs::Pairs;
pub use reason::{DropClass, DropReason};
pub use record::{Excerpt, NodeState, Record, read};
