//! What could not be read and might change an answer, and by which words somebody says that it does not
//! matter.

use std::sync::Arc;

/// Something that could not be read and might change an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// What is missing, such as a file or a list.
    pub what: String,
    /// Why, and what to do.
    pub why: String,
    /// The kind, where it is of one that is not judged, or not in force.
    pub kind: Option<String>,
    /// Its text, where there is one that could not be understood: the same text says the same.
    pub text: Option<Arc<str>>,
    /// It is not known what it would bring, nor for whom: there may be a policy for anyone.
    pub anywhere: bool,
}

impl Gap {
    /// What has no text.
    pub fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        let (what, why) = (what.into(), why.into());
        Self { what, why, kind: None, text: None, anywhere: false }
    }

    /// Whether one of these words is its kind or its path.
    pub fn is_among(&self, words: &[String]) -> bool {
        named_by(words, self.kind.as_deref(), path(&self.what))
    }
}

/// Whether one of these is the kind, with or without its group, or the path, as a whole or from some
/// directory on.
pub fn named_by(words: &[String], kind: Option<&str>, path: &str) -> bool {
    words.iter().any(|word| {
        let of_kind = kind.is_some_and(|kind| {
            let short = kind.split('.').next().unwrap_or_default();
            word.eq_ignore_ascii_case(kind) || word.eq_ignore_ascii_case(short)
        });
        let wanted: Vec<&str> = parts(word).collect();
        let there: Vec<&str> = parts(path).collect();
        of_kind || (!wanted.is_empty() && there.windows(wanted.len()).any(|some| some == wanted))
    })
}

/// The path of `file:line:column`.
fn path(what: &str) -> &str {
    let mut path = what;
    for _ in 0..2 {
        match path.rsplit_once(':') {
            Some((head, tail)) if !tail.is_empty() && tail.bytes().all(|b| b.is_ascii_digit()) => {
                path = head;
            }
            _ => break,
        }
    }
    path
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_words_stand_for() {
        let accepted = |word: &str, kind, path| named_by(&[word.to_owned()], kind, path);
        for (word, wanted) in [
            ("charts", true),
            ("./charts/", true),
            ("new/charts/web", true),
            ("charts/web/deny.yaml", true),
            ("chart", false),
            ("web/charts", false),
            ("", false),
            ("networkpolicy", true),
            ("NetworkPolicy.projectcalico.org", true),
            ("projectcalico.org", false),
        ] {
            let kind = Some("NetworkPolicy.projectcalico.org");
            assert_eq!(accepted(word, kind, "new/charts/web/deny.yaml"), wanted, "{word}");
        }
        assert_eq!(path("a/b.yaml:12:3"), "a/b.yaml");
        assert_eq!(path("git:HEAD:k8s/b.yaml"), "git:HEAD:k8s/b.yaml");
        assert_eq!(path("nodes"), "nodes");
    }
}
