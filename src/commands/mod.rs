//! One file a command: its arguments and what it does with them.

mod explain;
mod summary;

pub use explain::ExplainArgs;
pub use summary::SummaryArgs;
