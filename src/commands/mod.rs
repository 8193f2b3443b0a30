//! One file a command: its arguments and what it does with them.

mod explain;
mod list;

pub use explain::ExplainArgs;
pub use list::ListArgs;
