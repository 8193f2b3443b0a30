//! What the API server asks to be told to the user: `Warning` response headers.
//!
//! In: header values. Out: each text once, to whoever listens.

use super::text::clean;
use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Who listens. Each text is on one line and free of control characters.
pub type Sink = Arc<dyn Fn(&str) + Send + Sync>;

/// More different warnings than this are no longer told.
const MOST: usize = 100;

/// Tells a sink each warning once.
#[derive(Clone)]
pub(super) struct Warnings {
    sink: Sink,
    told: Arc<Mutex<HashSet<String>>>,
}

impl Warnings {
    pub(super) fn new(sink: Sink) -> Self {
        Self { sink, told: Arc::default() }
    }

    /// Tells a text, unless it was told before.
    pub(super) fn say(&self, text: &str) {
        let text = clean(text);
        let new = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            !text.is_empty() && told.len() < MOST && told.insert(text.clone())
        };
        if new {
            (self.sink)(&text);
        }
    }

    /// Tells the texts of one header value.
    pub(super) fn hear(&self, header: &[u8]) {
        for text in texts(&String::from_utf8_lossy(header)) {
            self.say(&text);
        }
    }
}

impl fmt::Debug for Warnings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Warnings").finish_non_exhaustive()
    }
}

/// The texts of code 299 in `299 agent "text" "date", 299 …` (RFC 7234 section 5.5).
fn texts(header: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let Some((code, after)) = rest.split_once(' ') else { break };
        let Some((_agent, after)) = after.trim_start().split_once(' ') else { break };
        let Some((text, after)) = quoted(after.trim_start()) else { break };
        if code == "299" {
            texts.push(text);
        }
        rest = after.trim_start();
        if let Some((_date, after)) = quoted(rest) {
            rest = after;
        }
    }
    texts
}

/// A quoted string at the start of `text`, unescaped, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.strip_prefix('"')?.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((out, &text[at + 2..])),
            '\\' => out.extend(chars.next().map(|(_, char)| char)),
            char => out.push(char),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warning_headers() {
        for (header, expected) in [
            (r#"299 - "v1beta1 is deprecated""#, vec!["v1beta1 is deprecated"]),
            (r#"299 - "a, \"b\"" "Wed, 21 Oct", 299 x "c""#, vec![r#"a, "b""#, "c"]),
            (r#"199 - "misc", 299 - "kept""#, vec!["kept"]),
            (r#"299 - "unterminated"#, vec![]),
            ("299", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(texts(header), expected, "{header}");
        }
    }

    #[test]
    fn each_is_told_once() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&heard);
        let warnings =
            Warnings::new(Arc::new(move |text| sink.lock().unwrap().push(text.to_owned())));
        warnings.hear(br#"299 - "a", 299 - "b""#);
        warnings.hear(b"299 - \"a\x1b[2J\"");
        warnings.hear(br#"299 - "a""#);
        assert_eq!(*heard.lock().unwrap(), ["a", "b", "a\\u{1b}[2J"]);
        for number in 0..200 {
            warnings.say(&number.to_string());
        }
        assert_eq!(heard.lock().unwrap().len(), MOST);
    }
}
