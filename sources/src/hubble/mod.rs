//! The Hubble CLI as a source of flows.
//!
//! In: the program `hubble`, found and asked for its version ([`Hubble`]), and a typed
//! [`Filter`](netpol::hubble::Filter). Out: batches of [`Record`](netpol::hubble::Record)s with
//! bounded memory, or why there are none.
//!
//! Source of the CLI's behaviour: docs/semantics/hubble.md.

mod error;
mod program;
mod relay;
mod stream;
mod version;

pub use error::Error;
pub use program::{Cilium, Hubble};
pub use relay::Relay;
pub use stream::Stream;
pub use version::{Capability, Version};
