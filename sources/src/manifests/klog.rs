//! What kubectl says when it writes its errors as lines of its log.
//!
//! In: what it wrote to stderr. Out: the error. Some kubectls end with
//! `E1130 06:20:19.112783 8149 run.go:72] "command failed" err="…"`, or with `err=<`, the text by lines, each
//! after a tab, and ` >`.
//!
//! Source: <https://github.com/kubernetes/klog/blob/main/internal/serialize/keyvalues.go>

use std::borrow::Cow;

/// The error in the last line of a log that has one; what is no log stays as it is.
pub(super) fn error(stderr: &str) -> Cow<'_, str> {
    let mut rest = stderr;
    let mut found = None;
    loop {
        if let Some(at) = header(rest) {
            found = rest.get(at..);
        }
        match rest.split_once('\n') {
            Some((_, after)) => rest = after,
            None => break,
        }
    }
    match found {
        Some(value) => Cow::Owned(text(value)),
        None => Cow::Borrowed(stderr),
    }
}

/// Where the error begins in a text that begins with `E1130 06:20:19.112783 8149 run.go:72] "…" err=`.
fn header(text: &str) -> Option<usize> {
    let line = text.lines().next()?;
    let after = line.strip_prefix(['E', 'F'])?;
    if !after.get(..4)?.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let message = line.find("] ")?;
    let error = line.get(message..)?.find(" err=")?;
    Some(message + error + " err=".len())
}

/// A value as klog writes it: quoted as Go does, or by lines.
fn text(value: &str) -> String {
    if let Some(lines) = value.strip_prefix("<\n") {
        let lines = lines.lines().take_while(|line| *line != " >");
        let lines: Vec<&str> = lines.map(|line| line.trim_start_matches('\t')).collect();
        return lines.join("\n").trim().to_owned();
    }
    let Some(quoted) = value.strip_prefix('"') else {
        return value.lines().next().unwrap_or_default().to_owned();
    };
    let mut said = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => match characters.next() {
                Some('n') => said.push('\n'),
                Some('t') => said.push('\t'),
                Some(quoted @ ('"' | '\\')) => said.push(quoted),
                Some(other) => said.extend(['\\', other]),
                None => break,
            },
            other => said.push(other),
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::error;

    #[test]
    fn a_line_of_the_log_is_its_error() {
        for (written, meant) in [
            ("error: no such thing", "error: no such thing"),
            (
                "E1130 06:20:19.112783    8149 run.go:72] \"command failed\" err=\"a 'b' \\\"c\\\"\\nd \\x00\"",
                "a 'b' \"c\"\nd \\x00",
            ),
            (
                "E1130 06:20:19.112783 8149 run.go:72] \"command failed\" err=<\n\tError: unknown\n\t: unable to run\n >",
                "Error: unknown\n: unable to run",
            ),
            (
                "# Warning: old\nE1130 06:20:19.1 1 run.go:72] \"command failed\" err=\"why\" more=\"x\"",
                "why",
            ),
            ("E1130 06:20:19.1 1 run.go:72] \"command failed\" err=<\n\tcut", "cut"),
            ("E1130 06:20:19.1 1 run.go:72] \"command failed\" err=\"cut\\", "cut"),
            ("Everything went wrong err=\"x\"", "Everything went wrong err=\"x\""),
            ("E1", "E1"),
            ("Eäöü err=", "Eäöü err="),
        ] {
            assert_eq!(error(written), meant, "{written}");
        }
    }
}
