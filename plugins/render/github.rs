//! Commands of GitHub's workflows, which show findings beside the lines of a pull request.
//!
//! In: [`Findings`]. Out: one line each.
//!
//! Source: GitHub, "Workflow commands for GitHub Actions": `::error file=…,line=…,col=…,title=…::message`.

use super::escape::{github as data, github_property as property};
use netpol::answer::{Findings, Severity};
use std::io::{self, Write};

/// Writes a line for each finding, and a notice for each note.
pub(super) fn findings(all: &Findings, out: &mut dyn Write) -> io::Result<()> {
    for finding in &all.findings {
        let word = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let mut properties = Vec::new();
        if let Some(place) = &finding.place {
            properties.push(format!("file={}", property(&place.file)));
            properties.extend(place.line.map(|line| format!("line={line}")));
            properties.extend(place.column.map(|column| format!("col={column}")));
        }
        properties.push(format!("title={}", property(&finding.id)));
        let help = finding.help.iter().map(|help| format!(" {}", data(help)));
        let message: String = std::iter::once(data(&finding.message)).chain(help).collect();
        writeln!(out, "::{word} {}::{message}", properties.join(","))?;
    }
    let word = if all.complete { "notice" } else { "warning" };
    all.notes.iter().try_for_each(|note| writeln!(out, "::{word}::{}", data(note)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use netpol::answer::{Finding, Location};

    #[test]
    fn nothing_of_a_finding_is_a_command() {
        let place = Location {
            file: "a,b:c%.yaml".to_owned(),
            line: Some(3),
            column: None,
            text: String::new(),
        };
        let finding = Finding {
            id: "x::y\n::error::z".to_owned(),
            severity: Severity::Note,
            message: "one\r\n::set-output name=a::b 100%".to_owned(),
            place: Some(place),
            related: Vec::new(),
            help: Some("Do that.".to_owned()),
        };
        let all = Findings { findings: vec![finding], complete: true, ..Findings::default() };
        let mut out = Vec::new();
        findings(&all, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "::notice file=a%2Cb%3Ac%25.yaml,line=3,title=x%3A%3Ay\\n%3A%3Aerror%3A%3Az::one\\r\\n::set-output name=a::b 100%25 Do that.\n"
        );
    }
}
