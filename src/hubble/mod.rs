//! What Hubble saw: the Hubble CLI as a source of flows.
//!
//! In: the program `hubble`, found and asked for its version ([`Hubble`]), or a recording of what it
//! printed; a typed [`Filter`]. Out: [`Record`]s, mostly [`Flow`]s, one by one and with bounded
//! memory. A flow is plain data: nothing here knows a snapshot, a policy or a verdict of ours.
//!
//! Source of the format and of the CLI's behaviour: semantics/hubble.md.

mod decode;
mod error;
mod filter;
mod flow;
mod pairs;
mod program;
mod reason;
mod record;
mod relay;
mod stream;
mod version;
mod wire;

pub use decode::decode;
pub use error::Error;
pub use filter::{End, Events, Filter, Pods, PodsOf, Window};
pub use flow::{Event, Flow, Layer4, Owner, Party, PolicyName, Verdict};
pub use pairs::Pairs;
pub use program::{Cilium, Hubble};
pub use reason::{DropClass, DropReason};
pub use record::{Excerpt, NodeState, Record, read};
pub use relay::Relay;
pub use stream::Stream;
pub use version::{Capability, Version};
