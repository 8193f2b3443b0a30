//! What works now, as the smallest policies that keep it working.
//!
//! In: flows that Hubble saw ([`Collector`]) or what configuration names ([`config`]), a
//! [`Snapshot`](crate::cluster::Snapshot) and the policies that a namespace is to be closed with. Out: a
//! [`Lesson`]: policies, in any dialect, that admit the connections which were seen to work and which
//! those policies would cut, and what became of every other.
//!
//! - **Connections.** Flows are one connection where their workloads and the port on the pod are the
//!   same. It works where the last decision on neither side was a denial; a side that was not seen is
//!   taken from the policies in force. Replies, packets on their way and drops by no policy say nothing.
//! - **Who.** Pods are named by labels that outlive them and that no pod of another workload has
//!   ([`units`]); never by address. Addresses outside the cluster are named one by one, joined to
//!   blocks only where that adds none.
//! - **What is written.** Only the namespace's side, and only where nothing else admits it: the other
//!   side works already, and a policy for a pod that nothing isolates would isolate it.
//!
//! Memory is bounded, whatever is read; what did not fit is counted.

mod collect;
pub mod config;
mod evidence;
mod judge;
mod policies;
#[cfg(test)]
mod tests;
mod units;
mod words;

pub use collect::{Collector, Left};
pub use evidence::{Connection, Named};
pub use judge::{Fate, Lesson, Lost, Seen, learn};
pub use words::{lesson_text, reading_text};
