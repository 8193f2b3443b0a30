//! Where answers and errors go, with or without colour.

pub(crate) use netpol_sources::address::shown_path;

use crate::render::{Answer, Format, Formats, Offered, Page, Pictured, pictured, render, wrapped};
use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use netpol::answer::MissingReport;
use std::fmt;
use std::io::{self, IsTerminal as _, Write};
use std::marker::PhantomData;

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

/// `-o` with the formats of an answer, and `--schema` for the one that programs read.
#[derive(Args)]
pub struct OutputArgs<A: Formats> {
    /// Print the JSON Schema of the answer and do nothing else
    #[arg(long)]
    pub schema: bool,

    // No default of clap's: it would keep one for all commands.
    #[arg(
        short,
        long,
        value_parser = one_of(A::FORMATS),
        value_name = "FORMAT",
        hide_possible_values = true,
        help = A::HELP
    )]
    output: Option<Format>,

    #[arg(skip)]
    answer: PhantomData<fn() -> A>,
}

impl<A: Formats> OutputArgs<A> {
    /// The format of the answer.
    pub fn format(&self) -> Format {
        self.output
            .or_else(|| A::FORMATS.first().map(|(format, _)| *format))
            .unwrap_or(Format::Text)
    }
}

impl<A: Formats> Default for OutputArgs<A> {
    fn default() -> Self {
        Self { schema: false, output: None, answer: PhantomData }
    }
}

impl<A: Formats> Clone for OutputArgs<A> {
    fn clone(&self) -> Self {
        Self { schema: self.schema, output: self.output, answer: PhantomData }
    }
}

impl<A: Formats> fmt::Debug for OutputArgs<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputArgs")
            .field("schema", &self.schema)
            .field("output", &self.output)
            .finish_non_exhaustive()
    }
}

/// Reads the word of one of some formats.
pub(crate) fn one_of(formats: &'static [Offered]) -> impl TypedValueParser<Value = Format> {
    let words = formats.iter().map(|(format, about)| {
        let word = PossibleValue::new(format.word());
        if about.is_empty() { word } else { word.help(*about) }
    });
    PossibleValuesParser::new(words).try_map(|word| {
        let mut offered = formats.iter().map(|(format, _)| *format);
        offered.find(|format| format.word() == word).ok_or("no such format")
    })
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was written.
    Read,
    /// Its reader closed the pipe, and wants no more.
    Closed,
}

impl Told {
    /// That its reader closes the pipe is the reader's choice: no error, and no reason to say anything
    /// else of what was found.
    fn of(written: io::Result<()>) -> io::Result<Self> {
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Self::Closed),
            written => written.map(|()| Self::Read),
        }
    }
}

/// Writes an answer to stdout in one of its formats, as it is made.
pub fn show_page(
    color: ColorChoice,
    shown: &impl Answer,
    format: Format,
    page: Page,
) -> anyhow::Result<Told> {
    written(color, |out| render(shown, format, page, out))
}

/// Writes a map to stdout.
pub fn show_map(color: ColorChoice, shown: Pictured<'_>) -> anyhow::Result<Told> {
    written(color, |out| Ok(pictured(shown, out)?))
}

/// Writes to stdout what is made there.
pub fn written(
    color: ColorChoice,
    make: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
) -> anyhow::Result<Told> {
    let out = AutoStream::new(io::stdout().lock(), color.into());
    let mut out = io::BufWriter::with_capacity(1 << 16, out);
    let written = match make(&mut out) {
        Ok(()) => out.flush(),
        Err(error) => Err(error.downcast::<io::Error>()?),
    };
    Ok(Told::of(written)?)
}

/// Writes an answer to stdout.
pub fn answer(color: ColorChoice, text: &str) -> io::Result<Told> {
    let mut out = AutoStream::new(io::stdout().lock(), color.into());
    Told::of(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Writes `error: …` to stderr. There is nowhere to say that this failed.
pub fn error(color: ColorChoice, message: &str) {
    labelled(color, AnsiColor::Red.on_default().bold(), "error:", message);
}

/// Writes `warning: …` to stderr.
pub fn warn(color: ColorChoice, message: &str) {
    labelled(color, AnsiColor::Yellow.on_default().bold(), "warning:", message);
}

/// Writes `not known: …` to stderr for each, beside a format that has room for flows only.
pub fn not_known<'m>(
    color: ColorChoice,
    format: Format,
    missing: impl IntoIterator<Item = &'m MissingReport>,
) {
    if format.is_bare() {
        for MissingReport { message, .. } in missing {
            labelled(color, AnsiColor::Yellow.on_default().bold(), "not known:", message);
        }
    }
}

/// Writes a line to stderr, where answers do not go.
pub(super) fn note(line: &str) {
    let line = netpol::printable::printable(line);
    let _ = writeln!(io::stderr(), "{}", for_people(&line, io::stderr().is_terminal()));
}

/// A line as a terminal has room for it; elsewhere it stays one.
pub(crate) fn for_people(line: &str, terminal: bool) -> String {
    if terminal { wrapped(line, width()) } else { line.to_owned() }
}

fn labelled(color: ColorChoice, style: Style, label: &str, message: &str) {
    let mut err = AutoStream::new(io::stderr().lock(), color.into());
    let message = netpol::printable::printable(message);
    let whole = for_people(&format!("{label} {message}"), io::stderr().is_terminal());
    let rest = whole.strip_prefix(label).unwrap_or(&whole);
    let _ = writeln!(err, "{style}{label}{style:#}{rest}");
}

/// An answer on stdout, in one of its formats.
pub fn show(color: ColorChoice, shown: &impl Answer, format: Format) -> anyhow::Result<()> {
    show_page(color, shown, format, Page { width: width(), brief: false })?;
    Ok(())
}

/// The columns of the terminal: of `COLUMNS`, else of the terminal, else 80; at most 120.
pub fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    columns.or_else(terminal).unwrap_or(80).min(120)
}
