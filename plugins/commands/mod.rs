//! One file a command: its arguments and what it does with them.

mod bootstrap;
mod completion;
mod delivery;
mod diff;
mod doctor;
mod explain;
mod generate;
mod list;
mod observe;
mod observing;
mod summary;

pub use bootstrap::BootstrapArgs;
pub use completion::CompletionArgs;
pub use diff::{DiffArgs, FailOn};
pub use doctor::DoctorArgs;
pub use explain::ExplainArgs;
pub use generate::generated;
pub use list::ListArgs;
pub use observe::ObserveArgs;
pub use summary::SummaryArgs;

use crate::cli::{Exit, GlobalArgs, answer};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

/// `--schema`: the JSON Schema of an answer.
fn print_schema<T: JsonSchema>(global: &GlobalArgs) -> anyhow::Result<Exit> {
    // Of what is written, not of what would be read: fields that may be left out are optional.
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let schema = settings.into_generator().into_root_schema_for::<T>();
    answer(global.color, &(serde_json::to_string_pretty(&schema)? + "\n"))?;
    Ok(Exit::Success)
}
