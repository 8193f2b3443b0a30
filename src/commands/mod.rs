//! One file a command: its arguments and what it does with them.

mod bootstrap;
mod explain;
mod summary;

pub use bootstrap::BootstrapArgs;
pub use explain::ExplainArgs;
pub use summary::SummaryArgs;
