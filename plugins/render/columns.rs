//! Columns of wrapped text for a terminal.
//!
//! In: rows of cells, each some lines with an indent. Out: a table of a given width. Lines are
//! wrapped here rather than by the table, so that what is wrapped stays indented.

use super::wrap::{Shape, parts, wrap};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use netpol::printable::printable;
use unicode_width::UnicodeWidthStr;

/// The space between two columns.
const GAP: usize = 2;

/// How much deeper than its beginning a wrapped line goes on.
const HANG: usize = 2;

/// No column is narrower.
const NARROWEST: usize = 8;

/// One line of a cell before it is wrapped, with its indent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Line {
    pub(super) indent: usize,
    pub(super) text: String,
}

impl Line {
    pub(super) fn new(indent: usize, text: &str) -> Self {
        Self { indent, text: printable(text).into_owned() }
    }

    /// What stays together: words, and those that mean nothing without the next.
    fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        for word in self.text.split(' ').filter(|word| !word.is_empty()) {
            match words.last_mut().filter(|last| ["→", "any"].contains(&last.as_str())) {
                Some(last) => *last = format!("{last} {word}"),
                None => words.push(word.to_owned()),
            }
        }
        words
    }

    /// The width that it would like, the least in which no word is broken, and the least in which words
    /// are broken behind marks only.
    fn widths(&self) -> [usize; 3] {
        let words = self.words();
        let (mut whole, mut broken) = (0, 0);
        for (i, word) in words.iter().enumerate() {
            for (j, part) in parts(word).enumerate() {
                let hang = if i == 0 && j == 0 { 0 } else { HANG };
                broken = broken.max(self.indent + hang + part.width());
            }
            let hang = if i == 0 { 0 } else { HANG };
            whole = whole.max(self.indent + hang + word.width());
        }
        [self.indent + self.text.width(), whole, broken.min(whole)]
    }

    /// Adds its lines, as they are in so many columns.
    pub(super) fn wrap(&self, width: usize, out: &mut Vec<String>) {
        let words = self.words();
        let hang = self.indent + HANG;
        let shape = Shape { width, first: self.indent, hang, breaks: true };
        let mut indent = self.indent;
        for line in wrap(words.iter().map(|word| ((), word.as_str())), shape) {
            let words: Vec<&str> = line.into_iter().map(|((), word)| word).collect();
            out.push(" ".repeat(indent) + &words.join(" "));
            indent = hang;
        }
    }
}

/// Below this width columns help nobody.
pub(super) const LEAST: usize = 60;

/// The rows of a table for a screen that is too narrow for one: each begins with its first cell, and the others
/// stand below it, each behind the name of its column.
pub(super) fn list<'r>(
    header: &[&str],
    rows: impl IntoIterator<Item = &'r [Vec<Line>]>,
    width: usize,
) -> String {
    let mut out = Vec::new();
    for (i, row) in rows.into_iter().enumerate() {
        if i > 0 {
            out.push(String::new());
        }
        let Some((first, others)) = row.split_first() else { continue };
        for line in first {
            line.wrap(width, &mut out);
        }
        for (name, lines) in header.iter().skip(1).zip(others) {
            match &lines[..] {
                [] => {}
                [one] if one.indent == 0 => {
                    Line { indent: HANG, text: format!("{name}: {}", one.text) }
                        .wrap(width, &mut out);
                }
                all => {
                    Line { indent: HANG, text: format!("{name}:") }.wrap(width, &mut out);
                    for line in all {
                        let (indent, text) = (2 * HANG + line.indent, line.text.clone());
                        Line { indent, text }.wrap(width, &mut out);
                    }
                }
            }
        }
    }
    out.join("\n")
}

/// Rows below a header. The last two columns share what the others leave; a row of several lines is
/// set off by empty ones.
pub(super) fn table<const N: usize>(
    header: [&str; N],
    rows: &[[Vec<Line>; N]],
    width: usize,
) -> String {
    let widths = widths(header, rows, width);
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(header);
    let mut after_tall = false;
    for (i, row) in rows.iter().enumerate() {
        let cells: Vec<Vec<String>> = row
            .iter()
            .zip(widths)
            .map(|(lines, width)| {
                let mut wrapped = Vec::new();
                for line in lines {
                    line.wrap(width, &mut wrapped);
                }
                wrapped
            })
            .collect();
        let tall = cells.iter().any(|lines| lines.len() > 1);
        if i > 0 && (tall || after_tall) {
            table.add_row([""]);
        }
        table.add_row(cells.iter().map(|lines| lines.join("\n")));
        after_tall = tall;
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, u16::try_from(GAP).unwrap_or_default()));
    }
    table.trim_fmt()
}

/// The width of each column: the first ones as they like, up to a quarter each; the last two so
/// that words stay whole if that is possible at all, or else are broken behind marks only.
fn widths<const N: usize>(header: [&str; N], rows: &[[Vec<Line>; N]], width: usize) -> [usize; N] {
    let wanted: [[usize; 3]; N] = std::array::from_fn(|column| {
        let lines = rows.iter().flat_map(|row| &row[column]).map(Line::widths);
        let title = [header[column].width(); 3];
        lines.fold(title, |a, b| std::array::from_fn(|i| a[i].max(b[i])))
    });
    let mut widths = wanted.map(|[natural, ..]| natural);
    let Some(shared) = N.checked_sub(2) else { return widths };
    let mut rest = width.saturating_sub(GAP * (N - 1));
    for (column, taken) in widths[..shared].iter_mut().enumerate() {
        *taken = (*taken).min((width / 4).max(header[column].width()));
        rest = rest.saturating_sub(*taken);
    }
    let [[natural_a, whole_a, least_a], [natural_b, whole_b, least_b]] =
        [wanted[shared], wanted[shared + 1]];
    if natural_a + natural_b <= rest {
        return widths;
    }
    let a = if whole_a + whole_b <= rest {
        let fair = whole_a + (rest - whole_a - whole_b) / 2;
        fair.min(natural_a).max(rest.saturating_sub(natural_b))
    } else if least_a + least_b <= rest {
        // What is left goes to where words are broken.
        let (more_a, more_b) = (whole_a - least_a, whole_b - least_b);
        least_a + (rest - least_a - least_b) * more_a / (more_a + more_b)
    } else {
        (rest * whole_a / (whole_a + whole_b)).clamp(rest / 4, rest - rest / 4)
    };
    widths[shared] = a.max(NARROWEST);
    widths[shared + 1] = rest.saturating_sub(a).max(NARROWEST);
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(indent: usize, text: &str, width: usize) -> Vec<String> {
        let mut out = Vec::new();
        Line::new(indent, text).wrap(width, &mut out);
        out
    }

    #[test]
    fn lines_wrap_between_words_and_hang() {
        assert_eq!(wrapped(2, "a/b → c 80/TCP", 80), ["  a/b → c 80/TCP"]);
        assert_eq!(
            wrapped(2, "monitoring/prometheus → keycloak 8080/TCP", 23),
            ["  monitoring/prometheus", "    → keycloak 8080/TCP"]
        );
    }

    #[test]
    fn words_that_fit_nowhere_break_after_punctuation() {
        assert_eq!(
            wrapped(0, "allow-prometheus-scrape", 12),
            ["allow-", "  prometheus", "  -scrape"]
        );
        assert_eq!(wrapped(0, "東京東京", 5), ["東京", "  東", "  京"]);
        // Narrower than any word: it still ends.
        assert_eq!(wrapped(4, "ab", 1).concat().replace(' ', ""), "ab");
    }

    /// A name that fits into its column is broken behind a mark, if it is broken at all.
    #[test]
    fn names_are_not_broken_in_the_middle() {
        let cell = |text: &str| vec![Line::new(2, text)];
        let row = [
            cell("default"),
            cell("ingress"),
            cell("default/recommendationservice → recommendationservice 8080/TCP"),
            cell("recommendationservice → anyone any port"),
        ];
        let text = table(["NAMESPACE", "DEFAULT DENY", "IN", "OUT"], &[row], 80);
        let whole = text.matches("recommendationservice").count();
        assert_eq!(whole, 3, "{text}");
        assert!(text.lines().all(|line| line.width() <= 80), "{text}");
    }

    #[test]
    fn what_is_too_narrow_for_columns_is_a_list() {
        let cell = |text: &str| vec![Line::new(0, text)];
        let tall = vec![Line::new(0, "allow-web"), Line::new(2, "a → b 80/TCP")];
        let rows = [[cell("shop"), cell("ingress"), tall], [cell("b"), cell("none"), Vec::new()]];
        let text = list(&["NAMESPACE", "DENY", "IN"], rows.iter().map(|row| &row[..]), 20);
        let expected =
            "shop\n  DENY: ingress\n  IN:\n    allow-web\n      a → b 80/TCP\n\nb\n  DENY: none";
        assert_eq!(text, expected);
    }

    #[test]
    fn no_line_is_wider_than_the_table() {
        let long = "x-".repeat(40);
        let cell = |text: &str| vec![Line::new(0, text), Line::new(2, "a → b 80/TCP, 81/TCP")];
        let rows = [[cell(&long), cell("ingress"), cell(&long), cell(&long)]];
        for width in 60..120 {
            let table = table(["A", "B", "C", "D"], &rows, width);
            assert!(table.lines().all(|line| line.width() <= width), "{width}\n{table}");
        }
    }
}
