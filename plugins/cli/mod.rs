//! What all commands share on the command line: flags, colour, exit codes and how an error is said.
//!
//! In: raw arguments. Out: validated options, and the one place that prints and decides the exit code.

mod connect;
mod exit;
mod flux;
mod hubble;
mod input;
mod kept;
mod output;
mod progress;
mod refused;
mod session;
mod sibling;
mod side;
mod what_if;

pub use connect::{ConnectArgs, duration};
pub use exit::Exit;
pub use flux::{FluxBuildArgs, FluxChange};
pub use hubble::{HubbleArgs, Source, WAITING, since};
pub use input::{Input, InputArgs};
pub use kept::KeptInput;
pub use output::{
    ColorChoice, OutputArgs, Told, answer, error, not_known, show, show_map, show_page, warn,
    width, written,
};
pub(crate) use output::{for_people, one_of, shown_path};
pub use progress::{Choice, Progress, choose, note, type_again};
pub use refused::{parsed, parsed_of};
pub use session::Session;
pub use sibling::run_sibling;
pub use side::Side;
pub use what_if::{PolicyName, WhatIfArgs};

use clap::Args;
use netpol_sources::limits::Limits;
use netpol_sources::live::{self, ConnectOptions, Connection, Environment};
use std::sync::Arc;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;

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

    /// How much is read at most: files=NUMBER, bytes=SIZE (such as 200Mi) or objects=NUMBER, and worked
    /// out: steps, cells, rows, changes or search=NUMBER, each within time=NUMBER of seconds; several with
    /// commas; else what the machine bears
    #[arg(long, global = true, display_order = 102, value_name = "LIMITS")]
    pub limits: Option<Limits>,

    /// How to reach a cluster.
    #[command(flatten)]
    pub connect: ConnectArgs,
}

impl GlobalArgs {
    /// The namespace of names that come without one: `-n`, else that of the kubeconfig's context,
    /// else `default`, as in kubectl.
    pub fn namespace(&self) -> String {
        let of_context = || {
            let options = self.connect.options(None);
            live::default_namespace(&options, &Environment::of_process())
        };
        self.namespace.clone().or_else(of_context).unwrap_or_else(|| "default".to_owned())
    }

    /// How much is read and worked out at most, from now on.
    pub fn limits(&self) -> Limits {
        self.limits.unwrap_or_default().from_now()
    }

    /// Connects to the cluster that the flags choose.
    pub async fn connect(&self) -> Result<Connection, live::Error> {
        let options = self.connect.options(self.namespace.as_deref());
        // A server has its own time for each request, and some are followed without end.
        let limits = self.limits.unwrap_or_default();
        let options = ConnectOptions { limits, ..options };
        let color = self.color;
        let warn = Arc::new(move |text: &str| output::warn(color, text));
        live::connect(&options, &Environment::of_process(), warn).await
    }

    /// Runs a future to its end on this thread.
    ///
    /// Nothing waits for what the runtime still does afterwards: a name look-up may hang for long.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> anyhow::Result<T> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let result = runtime.block_on(future);
        runtime.shutdown_background();
        Ok(result)
    }
}

/// Turns what comes of a command into an exit code.
///
/// Errors go to stderr in one sentence.
pub fn finish(global: &GlobalArgs, result: anyhow::Result<Exit>) -> std::process::ExitCode {
    let exit = match result {
        Ok(exit) => exit,
        Err(error) => {
            output::error(global.color, &sentence(&error));
            Exit::Error
        }
    };
    exit.into()
}

/// The error with its causes, less those that it already says.
fn sentence(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}

/// The packages whose steps `-v` shows.
const OWN_CRATES: [&str; 3] = ["netpol", "netpol_sources", "netpol_plugins"];

/// What of the libraries is shown besides, from `-v 9` on: how connections are made and used again. All
/// else stays untold, since nobody has looked whether there are secrets in it.
const WIRE: [&str; 2] = ["hyper_util::client::legacy::connect", "hyper_util::client::legacy::pool"];

/// Sends what the library traces to stderr, at the level of `-v`.
pub fn trace_to_stderr(global: &GlobalArgs) {
    let level = match global.v {
        0 => return,
        1..=3 => LevelFilter::INFO,
        4..=6 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let own = OWN_CRATES.map(|name| (name, level));
    // What the libraries do on the wire drowns the requests themselves.
    let wire = WIRE.map(|name| (name, if global.v >= 9 { level } else { LevelFilter::OFF }));
    let targets = Targets::new().with_targets(own).with_targets(wire);
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_writer(std::io::stderr);
    // A second call, as in tests, keeps the first subscriber.
    let _ = tracing::subscriber::set_global_default(subscriber.finish().with(targets));
}
