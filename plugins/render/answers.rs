//! Which answer comes in which formats, and what makes each.

use super::format::Format;
use super::{csv, dot, json, markdown, mermaid, text, yaml};
use netpol::answer::{
    Checkup, DiffReport, ExplanationReport, FlowList, ObservedLine, SummaryReport,
};
use serde::Serialize;

/// Where an answer goes.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The columns of a terminal.
    pub width: usize,
    /// Only the lines that say how much there is and what.
    pub brief: bool,
}

/// A format of an answer, with what completion says of it.
pub type Offered = (Format, &'static str);

/// The formats that a command offers.
pub trait Formats: 'static {
    /// The formats, the one without `-o` first.
    const FORMATS: &'static [Offered];

    /// What `--help` says of them.
    const HELP: &'static str;
}

/// An answer that can be shown in each of its formats.
pub trait Answer: Formats + Serialize {
    /// The answer in a format that is not the same for every answer.
    fn shown(&self, format: Format, page: Page) -> anyhow::Result<String>;
}

/// An answer in one of its formats.
pub fn render(answer: &impl Answer, format: Format, page: Page) -> anyhow::Result<String> {
    Ok(match format {
        Format::Json => json::document(answer)?,
        Format::Yaml => yaml::document(answer)?,
        own => answer.shown(own, page)?,
    })
}

impl Formats for ExplanationReport {
    const FORMATS: &'static [Offered] = &[
        (Format::Text, "For people"),
        (Format::Wide, "For people, with every rule"),
        (Format::Json, "For programs"),
        (Format::Yaml, "For programs and people"),
    ];
    const HELP: &'static str = "Output format: text, wide (every rule), json or yaml";
}

impl Answer for ExplanationReport {
    fn shown(&self, format: Format, page: Page) -> anyhow::Result<String> {
        Ok(text::explanation(self, page.width, format == Format::Wide))
    }
}

impl Formats for FlowList {
    const FORMATS: &'static [Offered] = &[
        (Format::Table, ""),
        (Format::Wide, ""),
        (Format::Json, ""),
        (Format::Yaml, ""),
        (Format::Csv, ""),
        (Format::Md, ""),
        (Format::Dot, ""),
        (Format::Mermaid, ""),
    ];
    const HELP: &'static str =
        "Output format: table, wide (with reasons), json, yaml, csv, md, dot or mermaid";
}

impl Answer for FlowList {
    fn shown(&self, format: Format, page: Page) -> anyhow::Result<String> {
        Ok(match format {
            Format::Csv => csv::list(self),
            Format::Md => markdown::list(self),
            Format::Dot => dot::list(self)?,
            Format::Mermaid => mermaid::list(self)?,
            _ => text::list(self, page.width, format == Format::Wide),
        })
    }
}

impl Formats for DiffReport {
    const FORMATS: &'static [Offered] = &[
        (Format::Text, "For people"),
        (Format::Wide, "For people, with every change"),
        (Format::Json, "For programs"),
        (Format::Yaml, "For programs and people"),
        (Format::Md, "For a pull request"),
        (Format::Dot, "For Graphviz"),
        (Format::Csv, "For a spreadsheet"),
    ];
    const HELP: &'static str = "Output format: text, wide (every change), json, yaml, md (a comment of a pull request), dot or csv";
}

impl Answer for DiffReport {
    fn shown(&self, format: Format, page: Page) -> anyhow::Result<String> {
        Ok(match format {
            Format::Csv => csv::diff(self),
            Format::Md => markdown::diff(self, page.brief),
            Format::Dot => dot::diff(self),
            _ => text::diff(self, page.width, page.brief, format == Format::Wide),
        })
    }
}

impl Formats for SummaryReport {
    const FORMATS: &'static [Offered] = &[
        (Format::Table, "For a terminal"),
        (Format::Wide, "For a terminal, with counts and places"),
        (Format::Md, "For documentation"),
        (Format::Json, "For programs"),
        (Format::Yaml, "For programs and people"),
    ];
    const HELP: &'static str =
        "Output format: table, wide (counts and places too), md, json or yaml";
}

impl Answer for SummaryReport {
    fn shown(&self, format: Format, page: Page) -> anyhow::Result<String> {
        Ok(match format {
            Format::Md => markdown::summary(self),
            _ => text::summary(self, page.width, format == Format::Wide),
        })
    }
}

impl Formats for Checkup {
    const FORMATS: &'static [Offered] = &[
        (Format::Text, "For people"),
        (Format::Json, "For programs"),
        (Format::Yaml, "For programs and people"),
    ];
    const HELP: &'static str = "Output format: text, json or yaml";
}

impl Answer for Checkup {
    fn shown(&self, _: Format, page: Page) -> anyhow::Result<String> {
        Ok(text::checkup(self, page.width))
    }
}

/// Flows come one by one, so that `observe` asks the formats for each line itself.
impl Formats for ObservedLine {
    const FORMATS: &'static [Offered] = &[(Format::Text, ""), (Format::Json, "")];
    const HELP: &'static str = "Output format: text or json (one line a flow)";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told<A: Formats>() {
        let (_, all) = A::HELP.split_once(": ").unwrap();
        let words = all.split(", ").flat_map(|part| part.split(" or "));
        let words: Vec<&str> = words.map(|part| part.split(' ').next().unwrap()).collect();
        let formats: Vec<&str> = A::FORMATS.iter().map(|(format, _)| format.word()).collect();
        assert_eq!(words, formats);
    }

    #[test]
    fn help_names_every_format() {
        told::<ExplanationReport>();
        told::<FlowList>();
        told::<DiffReport>();
        told::<SummaryReport>();
        told::<Checkup>();
        told::<ObservedLine>();
    }
}
