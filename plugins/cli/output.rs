//! Where answers and errors go, with or without colour.

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use clap::{Args, ValueEnum};
use std::io::{self, Write};
use std::path::Path;

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` or `TERM=dumb` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl From<ColorChoice> for anstream::ColorChoice {
    fn from(choice: ColorChoice) -> Self {
        match choice {
            ColorChoice::Auto => Self::Auto,
            ColorChoice::Always => Self::AlwaysAnsi,
            ColorChoice::Never => Self::Never,
        }
    }
}

/// The formats in which a command answers.
pub trait Format: ValueEnum + Default + Copy + Send + Sync + 'static {
    /// What `--help` says of them.
    const HELP: &'static str;
}

/// `-o`, and `--schema` for the one that programs read.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct OutputArgs<F: Format> {
    /// Print the JSON Schema of the answer and do nothing else
    #[arg(long)]
    pub schema: bool,

    // No default of clap's: it would keep one for all commands.
    #[arg(
        short,
        long,
        value_enum,
        value_name = "FORMAT",
        hide_possible_values = true,
        help = F::HELP
    )]
    output: Option<F>,
}

impl<F: Format> OutputArgs<F> {
    /// The format of the answer.
    pub fn format(&self) -> F {
        self.output.unwrap_or_default()
    }
}

/// Output formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Text,
    /// For people, with every rule.
    Wide,
    /// For programs.
    Json,
    /// For programs and people.
    Yaml,
}

impl Format for Output {
    const HELP: &'static str = "Output format: text, wide (every rule), json or yaml";
}

impl Output {
    /// Whether it is for people only.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Wide)
    }
}

/// Writes an answer to stdout.
pub fn answer(color: ColorChoice, text: &str) -> io::Result<()> {
    let mut out = AutoStream::new(io::stdout().lock(), color.into());
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Writes `error: …` to stderr. There is nowhere to say that this failed.
pub fn error(color: ColorChoice, message: &str) {
    labelled(color, AnsiColor::Red.on_default().bold(), "error:", message);
}

/// Writes `warning: …` to stderr.
pub fn warn(color: ColorChoice, message: &str) {
    labelled(color, AnsiColor::Yellow.on_default().bold(), "warning:", message);
}

/// Writes a line to stderr, where answers do not go.
pub(super) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{}", netpol::printable::printable(line));
}

fn labelled(color: ColorChoice, style: Style, label: &str, message: &str) {
    let mut err = AutoStream::new(io::stderr().lock(), color.into());
    let _ = writeln!(err, "{style}{label}{style:#} {}", netpol::printable::printable(message));
}

/// A path of the command line, fit to be shown.
pub(crate) fn shown_path(path: &Path) -> String {
    if path.as_os_str() == "-" {
        return "standard input".to_owned();
    }
    netpol::printable::printable(&path.to_string_lossy()).into_owned()
}

/// The columns of the terminal: of `COLUMNS`, else of the terminal, else 80; at most 120.
pub fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    columns.or_else(terminal).unwrap_or(80).min(120)
}

/// Whether an error is a pipe that its reader closed.
pub(super) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
    })
}
