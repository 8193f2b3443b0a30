//! docs/picture.svg: a terminal with an answer of the program.
//!
//! In: the front binary. Out: an image of what it prints, with its colours, on a ground of its own, so
//! that it reads on a light page and on a dark one. Every piece of text has the width that its columns
//! take, whatever monospaced font the reader has.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::tools::workspace;

/// The question, as it is shown; a line that ends in a backslash goes on.
const QUESTION: &[&str] = &[
    "kubectl netpol explain -f examples/homekube -n monitoring \\",
    "  deploy/grafana http://keycloak.identity.svc.cluster.local/realms/home",
];
/// What the picture is, for who does not see it.
const TITLE: &str = "kubectl netpol explain: why Grafana cannot reach Keycloak";

const COLUMN: f64 = 8.4;
const LINE: f64 = 19.0;
const MARGIN: f64 = 20.0;
/// Where letters stand in a line.
const BASE: f64 = 14.0;

const GROUND: &str = "#161b22";
const FRAME: &str = "#30363d";
const TEXT: &str = "#e6edf3";
const DIM: &str = "#8b949e";
const RED: &str = "#ff7b72";
const GREEN: &str = "#7ee787";
const YELLOW: &str = "#e3b341";

/// The picture of what the program answers now.
pub(crate) fn draw(program: &Path) -> Result<String> {
    let words = QUESTION.iter().flat_map(|line| line.split_whitespace());
    let words = words.filter(|word| *word != "\\").skip(2);
    let output = Command::new(program)
        .args(words)
        .args(["--color", "always"])
        .current_dir(workspace())
        .env("COLUMNS", "80")
        .env("KUBECONFIG", "/dev/null")
        .env_remove("NO_COLOR")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("running {}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    // The flow is denied.
    ensure!(output.status.code() == Some(1), "explain: {}: {said}", output.status);
    let answer = String::from_utf8(output.stdout).context("reading the answer")?;
    let mut lines = vec![];
    for (at, line) in QUESTION.iter().enumerate() {
        let prompt = if at == 0 { "\u{1b}[2m$\u{1b}[0m " } else { "  " };
        lines.push(format!("{prompt}{line}"));
    }
    lines.push(String::new());
    lines.extend(answer.lines().map(ToOwned::to_owned));
    Ok(svg(&lines))
}

/// How text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Style {
    colour: &'static str,
    bold: bool,
}

impl Style {
    const PLAIN: Self = Self { colour: TEXT, bold: false };

    /// The style after an escape sequence `ESC [ codes m`.
    fn after(self, codes: &str) -> Self {
        codes.split(';').fold(self, |style, code| match code {
            "1" => Self { bold: true, ..style },
            "2" => Self { colour: DIM, ..style },
            "31" => Self { colour: RED, ..style },
            "32" => Self { colour: GREEN, ..style },
            "33" => Self { colour: YELLOW, ..style },
            _ => Self::PLAIN,
        })
    }
}

/// A line as pieces of one style, each with its first column; blanks at the ends of a piece are left out.
fn pieces(line: &str) -> Vec<(usize, Style, String)> {
    let mut pieces: Vec<(usize, Style, String)> = Vec::new();
    let mut column = 0;
    let mut style = Style::PLAIN;
    for (at, part) in line.split("\u{1b}[").enumerate() {
        let text = match part.split_once('m').filter(|_| at > 0) {
            Some((codes, text)) => {
                style = style.after(codes);
                text
            }
            None => part,
        };
        match pieces.last_mut() {
            Some((_, last, whole)) if *last == style => whole.push_str(text),
            _ => pieces.push((column, style, text.to_owned())),
        }
        column += text.chars().count();
    }
    for (column, _, text) in &mut pieces {
        *column += text.chars().take_while(|letter| *letter == ' ').count();
        *text = text.trim().to_owned();
    }
    pieces.retain(|(_, _, text)| !text.is_empty());
    pieces
}

#[expect(clippy::cast_precision_loss, reason = "lines and columns are few")]
fn svg(lines: &[String]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| pieces(line)).collect();
    let ends = lines.iter().flatten().map(|(column, _, text)| column + text.chars().count());
    let width = ends.max().unwrap_or_default() as f64 * COLUMN + 2.0 * MARGIN;
    let height = lines.len() as f64 * LINE + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">\n\
         <title>{TITLE}</title>\n\
         <rect x=\"0.5\" y=\"0.5\" width=\"{:.0}\" height=\"{:.0}\" rx=\"8\" fill=\"{GROUND}\" \
         stroke=\"{FRAME}\"/>\n\
         <g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', \
         'Liberation Mono', monospace\" font-size=\"14\">\n",
        width - 1.0,
        height - 1.0,
    );
    for (at, line) in lines.iter().enumerate() {
        let y = MARGIN + at as f64 * LINE + BASE;
        for (column, Style { colour, bold }, text) in line {
            let x = MARGIN + *column as f64 * COLUMN;
            let length = text.chars().count() as f64 * COLUMN;
            let weight = if *bold { " font-weight=\"bold\"" } else { "" };
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{y:.0}\" textLength=\"{length:.1}\" \
                 lengthAdjust=\"spacingAndGlyphs\" fill=\"{colour}\"{weight}>{text}</text>"
            );
        }
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_falls_into_pieces_of_one_style() {
        let bold = Style { bold: true, ..Style::PLAIN };
        let line = "\u{1b}[1m\u{1b}[31mNO\u{1b}[0m \u{1b}[1ma\u{1b}[0m\u{1b}[1m →\u{1b}[0m  b c";
        let expected = [
            (0, Style { colour: RED, bold: true }, "NO".to_owned()),
            (3, bold, "a".to_owned()),
            (5, bold, "→".to_owned()),
            (8, Style::PLAIN, "b c".to_owned()),
        ];
        assert_eq!(pieces(line), expected);
        assert!(pieces("  ").is_empty());
    }

    #[test]
    fn what_is_markup_stays_text() {
        let svg = svg(&["a <b> & c".to_owned()]);
        assert!(svg.contains(">a &lt;b&gt; &amp; c</text>"), "{svg}");
        assert!(svg.contains("textLength=\"75.6\""), "{svg}");
    }
}
