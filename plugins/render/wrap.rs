//! Words on lines of a given width.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The lines that words are to fill.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// No line is wider, if that can be.
    pub(super) width: usize,
    /// The indent of the first line.
    pub(super) first: usize,
    /// The indent of the others.
    pub(super) hang: usize,
    /// A word that is wider than a line is broken; else it sticks out.
    pub(super) breaks: bool,
}

/// Words with what each is to look like, line by line.
pub(super) fn wrap<'t, T: Copy>(
    words: impl IntoIterator<Item = (T, &'t str)>,
    Shape { width, first, hang, breaks }: Shape,
) -> Vec<Vec<(T, &'t str)>> {
    let mut lines = Vec::new();
    let mut line = Vec::new();
    let mut column = first;
    for (look, mut word) in words {
        if !line.is_empty() && wider(word, width.saturating_sub(column + 1)) {
            lines.push(std::mem::take(&mut line));
            column = hang;
        } else if !line.is_empty() {
            column += 1;
        }
        while breaks && !word.is_empty() && wider(word, width.saturating_sub(column)) {
            let (head, tail) = word.split_at(breaking_point(word, width.saturating_sub(column)));
            line.push((look, head));
            lines.push(std::mem::take(&mut line));
            (column, word) = (hang, tail);
        }
        if !word.is_empty() {
            line.push((look, word));
            column += word.width();
        }
    }
    lines.push(line);
    lines
}

/// Whether a word has more columns. Of one that has many times as many only the beginning is looked at,
/// since a word of a megabyte is asked about for each line that it takes.
fn wider(word: &str, columns: usize) -> bool {
    let beginning = word.char_indices().nth(4 * columns + 16).map(|(end, _)| &word[..end]);
    beginning.is_some_and(|beginning| beginning.width() > columns) || word.width() > columns
}

/// A line as lines of a width, broken between words; what goes on stands two columns further in.
pub(crate) fn wrapped(line: &str, width: usize) -> String {
    if line.width() <= width {
        return line.to_owned();
    }
    let first = line.len() - line.trim_start_matches(' ').len();
    let shape = Shape { width, first, hang: first + 2, breaks: false };
    let words = line.split(' ').filter(|word| !word.is_empty()).map(|word| ((), word));
    let lines = wrap(words, shape).into_iter().enumerate().map(|(at, words)| {
        let words: Vec<&str> = words.into_iter().map(|((), word)| word).collect();
        let indent = if at == 0 { first } else { shape.hang };
        format!("{:indent$}{}", "", words.join(" "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Behind which a word that is too long is broken.
const MARKS: &[char] = &['-', '.', '/', ',', ':', '='];

/// The parts of a word between which it is broken first.
pub(super) fn parts(word: &str) -> impl Iterator<Item = &str> {
    word.split_inclusive(MARKS)
}

/// Where to break a word that is too long: after its last punctuation that fits, else anywhere.
fn breaking_point(word: &str, width: usize) -> usize {
    let (mut column, mut any, mut good) = (0, 0, 0);
    for (at, c) in word.char_indices() {
        column += c.width().unwrap_or_default();
        // One character at least, or this would never end.
        if column > width && at > 0 {
            break;
        }
        any = at + c.len_utf8();
        if MARKS.contains(&c) {
            good = any;
        }
    }
    if good > 0 { good } else { any }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two megabytes in one word, which took minutes where each line measured what was left.
    #[test]
    fn a_very_long_word() {
        let word: String = "value-123,".repeat(200_000);
        let shape = Shape { width: 80, first: 0, hang: 2, breaks: true };
        let lines = wrapped(&word, shape);
        assert!(lines.iter().all(|line| line.width() <= 80));
        assert_eq!(lines.concat(), word);
    }

    fn wrapped(text: &str, shape: Shape) -> Vec<String> {
        let lines = wrap(text.split(' ').map(|word| ((), word)), shape);
        let words = |line: &Vec<((), &str)>| -> String {
            line.iter().map(|((), word)| *word).collect::<Vec<_>>().join(" ")
        };
        lines.iter().map(words).collect()
    }

    #[test]
    fn long_words_break_or_stick_out() {
        let shape = |breaks| Shape { width: 12, first: 0, hang: 2, breaks };
        let text = "allow-prometheus-scrape a b";
        assert_eq!(wrapped(text, shape(true)), ["allow-", "prometheus", "-scrape a", "b"]);
        assert_eq!(wrapped(text, shape(false)), ["allow-prometheus-scrape", "a b"]);
        assert_eq!(wrapped("", shape(true)), [""]);
    }

    #[test]
    fn every_line_fits() {
        for width in 3..20 {
            let shape = Shape { width, first: 1, hang: 2, breaks: true };
            let lines = wrapped("one, two-three 東京東京 four", shape);
            assert!(lines.iter().skip(1).all(|line| line.width() + 2 <= width.max(4)), "{lines:?}");
            assert_eq!(lines.concat().replace(' ', ""), "one,two-three東京東京four");
        }
    }
}
