//! One file a command: its arguments and what it does with them. The table below makes of each a word
//! of the front binary and, but for `completion`, a binary of its own.

mod alone;
mod bootstrap;
mod completion;
mod delivery;
mod diff;
mod doctor;
mod explain;
mod front;
mod generate;
mod lint;
mod list;
mod map;
mod observe;
mod observing;
mod probe;
mod reach;
mod summary;
mod test;

pub use alone::alone;
pub use bootstrap::BootstrapArgs;
pub use completion::CompletionArgs;
pub use diff::{DiffArgs, FailOn};
pub use doctor::DoctorArgs;
pub use explain::ExplainArgs;
pub use front::front;
pub use lint::LintArgs;
pub use list::ListArgs;
pub use map::MapArgs;
pub use observe::ObserveArgs;
pub use probe::ProbeArgs;
pub use reach::ReachArgs;
pub use summary::SummaryArgs;
pub use test::TestArgs;

use crate::cli::{Exit, GlobalArgs, answer};
use clap::{Args, Subcommand};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use std::ffi::OsString;

/// A command, whichever binary it is in.
pub trait Plugin: Args {
    /// Its word on the command line.
    const NAME: &'static str;
    /// What it does, in a line.
    const ABOUT: &'static str;

    /// Runs it.
    fn run(&self, global: &GlobalArgs) -> anyhow::Result<Exit>;
}

/// From lines `/// about` and `name: Variant(Arguments)` to the words of the front, their names and a
/// [`Plugin`] each.
macro_rules! commands {
    ($(#[doc = $about:literal] $name:ident: $variant:ident($args:ty)),+ $(,)?) => {
        /// The words of the front binary.
        #[derive(Subcommand)]
        enum Command {
            $(#[doc = $about] $variant(Box<$args>),)+

            /// Any other word is a sibling program, kubectl-netpol-WORD.
            #[command(external_subcommand)]
            Sibling(Vec<OsString>),
        }

        /// The names of the commands.
        const NAMES: &[&str] = &[$(stringify!($name)),+];

        impl Command {
            fn run(&self, global: &GlobalArgs) -> anyhow::Result<Exit> {
                match self {
                    $(Self::$variant(args) => args.run(global),)+
                    Self::Sibling(words) => crate::cli::run_sibling(words, NAMES),
                }
            }
        }

        $(impl Plugin for $args {
            const NAME: &'static str = stringify!($name);
            const ABOUT: &'static str = $about.trim_ascii();

            fn run(&self, global: &GlobalArgs) -> anyhow::Result<Exit> {
                <$args>::run(self, global)
            }
        })+
    };
}

commands! {
    /// Close a namespace: default deny, DNS and the named allows
    bootstrap: Bootstrap(BootstrapArgs),
    /// Complete words on the command line, with the names of the cluster
    completion: Completion(CompletionArgs),
    /// Say which flows a change opens and closes
    diff: Diff(DiffArgs),
    /// Say whether programs, cluster and rights are there that the commands need
    doctor: Doctor(DoctorArgs),
    /// Say why a flow is allowed or denied, by policy, rule and line
    explain: Explain(ExplainArgs),
    /// Say what policies do not do that they seem to
    lint: Lint(LintArgs),
    /// List who may talk to whom on what
    list: List(ListArgs),
    /// Write a map of who may talk to whom, and open it in the browser
    map: Map(MapArgs),
    /// Show the flows that Hubble sees, beside what the policies predict
    observe: Observe(ObserveArgs),
    /// Try in the cluster what the policies predict, one connection each
    probe: Probe(ProbeArgs),
    /// Say how far one gets from a pod or the internet, step by step, and what would cut it
    reach: Reach(ReachArgs),
    /// Say of every namespace whether it is default-deny and what is allowed, in one table
    summary: Summary(SummaryArgs),
    /// Prove that what is meant of policies holds, for every pod that there is and could be
    test: Test(TestArgs),
}

/// `--schema`: the JSON Schema of an answer.
fn print_schema<T: JsonSchema>(global: &GlobalArgs) -> anyhow::Result<Exit> {
    // Of what is written, not of what would be read: fields that may be left out are optional.
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let schema = settings.into_generator().into_root_schema_for::<T>();
    answer(global.color, &(serde_json::to_string_pretty(&schema)? + "\n"))?;
    Ok(Exit::Success)
}
