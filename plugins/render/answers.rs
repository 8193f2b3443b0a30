//! Which answer comes in which formats, and what makes each.

use super::format::Format;
use super::html::Pictured;
use super::{csv, dot, github, html, json, junit, markdown, mermaid, sarif, text, yaml};
use netpol::answer::{
    Checkup, DiffReport, ExplanationReport, FlowList, IntentReport, LintReport, ObservedLine,
    OnwardReport, ProbeReport, SummaryReport, SystemReport, ToFindings as _,
};
use serde::Serialize;
use std::io::Write;

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

/// How many bytes an answer takes in a page for the browser.
pub fn weight(answer: &impl Serialize) -> std::io::Result<u64> {
    html::weight(answer)
}

/// The formats that a command offers.
pub trait Formats: 'static {
    /// The formats, the one without `-o` first.
    const FORMATS: &'static [Offered];

    /// What `--help` says of them.
    const HELP: &'static str;
}

/// An answer that can be shown in each of its formats.
pub trait Answer: Formats + Serialize {
    /// Writes the answer in a format that is not the same for every answer.
    fn write(&self, format: Format, page: Page, out: &mut dyn Write) -> anyhow::Result<()>;
}

/// Writes an answer in one of its formats.
pub fn render(
    answer: &impl Answer,
    format: Format,
    page: Page,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    match format {
        Format::Json => json::document(answer, out)?,
        Format::Yaml => yaml::document(answer, out)?,
        own => answer.write(own, page, out)?,
    }
    Ok(())
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
    fn write(&self, format: Format, page: Page, out: &mut dyn Write) -> anyhow::Result<()> {
        let text = text::explanation(self, page.width, format == Format::Wide);
        Ok(out.write_all(text.as_bytes())?)
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
        (Format::Html, ""),
        (Format::Dot, ""),
        (Format::Mermaid, ""),
    ];
    const HELP: &'static str = "Output format: table, wide (with reasons), json, yaml, csv, md, html (a map for the browser), dot or mermaid";
}

impl Answer for FlowList {
    fn write(&self, format: Format, page: Page, out: &mut dyn Write) -> anyhow::Result<()> {
        let text = match format {
            Format::Csv => return Ok(csv::list(self, out)?),
            Format::Md => return Ok(markdown::list(self, out)?),
            Format::Html => {
                let shown = Pictured { list: Some(self), ..Pictured::default() };
                return Ok(html::pictured(shown, out)?);
            }
            Format::Dot => dot::list(self)?,
            Format::Mermaid => mermaid::list(self)?,
            _ => return Ok(text::list(self, page.width, format == Format::Wide, out)?),
        };
        Ok(out.write_all(text.as_bytes())?)
    }
}

impl Formats for SystemReport {
    const FORMATS: &'static [Offered] = &[
        (Format::Table, "For a terminal"),
        (Format::Wide, "For a terminal, with every flow"),
        (Format::Json, "For programs"),
        (Format::Yaml, "For programs and people"),
        (Format::Csv, "For a spreadsheet"),
        (Format::Md, "For documentation"),
    ];
    const HELP: &'static str = "Output format: table, wide (every flow), json, yaml, csv or md";
}

impl Answer for SystemReport {
    fn write(&self, format: Format, page: Page, out: &mut dyn Write) -> anyhow::Result<()> {
        let text = match format {
            Format::Csv => csv::system(self),
            Format::Md => return Ok(markdown::system(self, out)?),
            _ => text::system(self, page.width, format == Format::Wide),
        };
        Ok(out.write_all(text.as_bytes())?)
    }
}

impl Formats for OnwardReport {
    const FORMATS: &'static [Offered] = &[
        (Format::Text, "For people"),
        (Format::Wide, "For people, with every way"),
        (Format::Json, "For programs"),
        (Format::Yaml, "For programs and people"),
        (Format::Dot, "For Graphviz"),
        (Format::Mermaid, "For documentation"),
    ];
    const HELP: &'static str = "Output format: text, wide (every way), json, yaml, dot or mermaid";
}

impl Answer for OnwardReport {
    fn write(&self, format: Format, page: Page, out: &mut dyn Write) -> anyhow::Result<()> {
        let text = match format {
            Format::Dot => dot::onward(self)?,
            Format::Mermaid => mermaid::onward(self)?,
            _ => text::onward(self, page.width, format == Format::Wide),
        };
        Ok(out.write_all(text.as_bytes())?)
    }
}

impl Formats for IntentReport {
    const FORMATS: &'static [Offered] = &[
        (Format::Text, "For people"),
        (Format::Wide, "For people, with what each test asks"),
        (Format::Json, "For programs"),
        (Format::Yaml, "For programs and people"),
        (Format::Html, "A map for the browser"),
        (Format::Junit, "For test runners"),
        (Format::Sarif, "For code scanning"),
        (Format::Github, "For a workflow of GitHub"),
    ];
    const HELP: &'static str = "Output format: text, wide (what each test asks), json, yaml, html (a map for the browser), junit, sarif or github";
}

impl Answer for IntentReport {
    fn write(&self, format: Format, page: Page, out: &mut dyn Write) -> anyhow::Result<()> {
        match format {
            Format::Html => {
                html::pictured(Pictured { tests: Some(self), ..Pictured::default() }, out)?;
            }
            Format::Junit => junit::intent(self, out)?,
            Format::Sarif => sarif::findings(&self.findings(), out)?,
            Format::Github => github::findings(&self.findings(), out)?,
            _ => {
                let text = text::intent(self, page.width, format == Format::Wide);
                out.write_all(text.as_bytes())?;
            }
        }
        Ok(())
    }
}

impl Formats for DiffReport {
    const FORMATS: &'static [Offered] = &[
        (Format::Text, "For people"),
        (Format::Wide, "For people, with every change"),
        (Format::Json, "For programs"),
        (Format::Yaml, "For programs and people"),
        (Format::Md, "For a pull request"),
        (Format::Html, "A map for the browser"),
        (Format::Dot, "For Graphviz"),
        (Format::Csv, "For a spreadsheet"),
    ];
    const HELP: &'static str = "Output format: text, wide (every change), json, yaml, md (a comment of a pull request), html (a map for the browser), dot or csv";
}

impl Answer for DiffReport {
    fn write(&self, format: Format, page: Page, out: &mut dyn Write) -> anyhow::Result<()> {
        let text = match format {
            Format::Csv => csv::diff(self),
            Format::Md => return Ok(markdown::diff(self, page.brief, out)?),
            Format::Html => return Ok(html::diff(self, page, out)?),
            Format::Dot => dot::diff(self),
            _ => text::diff(self, page.width, page.brief, format == Format::Wide),
        };
        Ok(out.write_all(text.as_bytes())?)
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
    fn write(&self, format: Format, page: Page, out: &mut dyn Write) -> anyhow::Result<()> {
        let text = match format {
            Format::Md => return Ok(markdown::summary(self, out)?),
            _ => text::summary(self, page.width, format == Format::Wide),
        };
        Ok(out.write_all(text.as_bytes())?)
    }
}

impl Formats for LintReport {
    const FORMATS: &'static [Offered] = &[
        (Format::Text, "For people"),
        (Format::Json, "For programs"),
        (Format::Yaml, "For programs and people"),
        (Format::Sarif, "For code scanning"),
        (Format::Github, "For a workflow of GitHub"),
    ];
    const HELP: &'static str = "Output format: text, json, yaml, sarif (code scanning) or github (lines of a pull request)";
}

impl Answer for LintReport {
    fn write(&self, format: Format, page: Page, out: &mut dyn Write) -> anyhow::Result<()> {
        let text = match format {
            Format::Sarif => return Ok(sarif::findings(&self.findings(), out)?),
            Format::Github => return Ok(github::findings(&self.findings(), out)?),
            _ => text::lint(self, page.width),
        };
        Ok(out.write_all(text.as_bytes())?)
    }
}

impl Formats for ProbeReport {
    const FORMATS: &'static [Offered] = &[
        (Format::Text, "For people"),
        (Format::Json, "For programs"),
        (Format::Yaml, "For programs and people"),
    ];
    const HELP: &'static str = "Output format: text, json or yaml";
}

impl Answer for ProbeReport {
    fn write(&self, _: Format, page: Page, out: &mut dyn Write) -> anyhow::Result<()> {
        let text = text::probe(self, page.width);
        Ok(out.write_all(text.as_bytes())?)
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
    fn write(&self, _: Format, page: Page, out: &mut dyn Write) -> anyhow::Result<()> {
        let text = text::checkup(self, page.width);
        Ok(out.write_all(text.as_bytes())?)
    }
}

/// Flows come one by one, so that `observe` asks the formats for each line itself.
impl Formats for ObservedLine {
    const FORMATS: &'static [Offered] =
        &[(Format::Text, ""), (Format::Json, ""), (Format::Html, "")];
    const HELP: &'static str = "Output format: text, json (one line a flow) or html (with --summary: a map for the browser)";
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
        told::<SystemReport>();
        told::<OnwardReport>();
        told::<IntentReport>();
        told::<DiffReport>();
        told::<SummaryReport>();
        told::<LintReport>();
        told::<ProbeReport>();
        told::<Checkup>();
        told::<ObservedLine>();
    }
}
