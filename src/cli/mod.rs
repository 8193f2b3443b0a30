//! What all commands share on the command line: flags, colour, exit codes and how an error is said.
//!
//! In: raw arguments. Out: validated options, and the one place that prints and decides the exit code.

mod exit;
mod input;
mod output;
mod sibling;

pub use exit::Exit;
pub use input::{Input, InputArgs};
pub use output::{ColorChoice, Output, OutputArgs, answer, warn, width};
pub use sibling::run_sibling;

use clap::Args;

/// Flags that every command takes, before or after its name. Their order in help is fixed, so that
/// it is the same of the front and of a single plugin.
#[derive(Args, Clone, Debug, Default)]
pub struct GlobalArgs {
    /// Namespace of names that come without one
    #[arg(short, long, global = true, value_name = "NAMESPACE", display_order = 0)]
    pub namespace: Option<String>,

    /// Colour the output: auto, always or never
    #[arg(
        long,
        global = true,
        display_order = 100,
        value_enum,
        value_name = "WHEN",
        default_value_t,
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub color: ColorChoice,

    /// Say more on stderr; 0 to 9, as kubectl's
    #[arg(
        short,
        long = "v",
        global = true,
        display_order = 101,
        value_name = "LEVEL",
        default_value_t = 0,
        hide_default_value = true
    )]
    pub v: u8,
}

impl GlobalArgs {
    /// The namespace of names that come without one.
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }
}

/// Turns what comes of a command into an exit code.
///
/// Errors go to stderr in one sentence; a closed pipe is the reader's choice and no error.
pub fn finish(global: &GlobalArgs, result: anyhow::Result<Exit>) -> std::process::ExitCode {
    let exit = match result {
        Ok(exit) => exit,
        Err(error) if output::is_broken_pipe(&error) => Exit::Success,
        Err(error) => {
            output::error(global.color, &format!("{error:#}"));
            Exit::Error
        }
    };
    exit.into()
}

/// Sends what the library traces to stderr, at the level of `-v`.
pub fn trace_to_stderr(global: &GlobalArgs) {
    let level = match global.v {
        0 => return,
        1..=3 => tracing::Level::INFO,
        4..=6 => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_writer(std::io::stderr);
    // A second call, as in tests, keeps the first subscriber.
    let _ = tracing::subscriber::set_global_default(subscriber.finish());
}
