//! Patterns of DNS names, as Cilium's `toFQDNs` and ClusterNetworkPolicy's `domainNames` have them.
//!
//! In: a pattern as written and the dialect's reading of it. Out: whether a name matches. Names are
//! compared in lower case and without the dot at the end.

use std::fmt;

/// A pattern of DNS names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NamePattern {
    written: Box<str>,
    form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Form {
    /// This name.
    Exactly(Box<str>),
    /// Every name.
    Every,
    /// One or more whole labels before this, which starts with a dot.
    Under(Box<str>),
    /// One or more whole labels before a dot and a name of this glob.
    UnderGlob(Box<str>),
    /// Each `*` is any run of characters but dots.
    Glob(Box<str>),
}

fn normal(name: &str) -> Box<str> {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase().into()
}

impl NamePattern {
    /// This name and no other.
    pub fn exactly(name: &str) -> Self {
        Self { written: name.into(), form: Form::Exactly(normal(name)) }
    }

    /// One of `domainNames`: a name, or `*.` and one: one or more whole labels before it.
    ///
    /// Source: docs/semantics/admin.md#domain-names.
    pub fn domain(pattern: &str) -> Self {
        let form = match pattern.strip_prefix('*') {
            Some(suffix) if suffix.starts_with('.') => Form::Under(normal(suffix)),
            _ => Form::Exactly(normal(pattern)),
        };
        Self { written: pattern.into(), form }
    }

    /// Cilium's `matchPattern`: only stars are every name, two or more and a dot at the start are one
    /// or more labels, any other stars a run of characters without a dot.
    ///
    /// Source: docs/semantics/cilium-rules.md#names; `ToAnchoredRegexp` in Cilium's
    /// pkg/fqdn/matchpattern from 1.19 on.
    pub fn glob(pattern: &str) -> Self {
        let plain = normal(pattern);
        let rest = plain.trim_start_matches('*');
        let stars = plain.len() - rest.len();
        let form = match rest.strip_prefix('.') {
            _ if rest.is_empty() && stars > 0 => Form::Every,
            Some(glob) if stars > 1 && glob.contains('*') => Form::UnderGlob(glob.into()),
            Some(_) if stars > 1 => Form::Under(rest.into()),
            _ => Form::Glob(plain),
        };
        Self { written: pattern.into(), form }
    }

    /// The same up to 1.18: a lone `*` is every name, and no stars span levels.
    pub fn glob_of_one_level(pattern: &str) -> Self {
        let form = if pattern == "*" { Form::Every } else { Form::Glob(normal(pattern)) };
        Self { written: pattern.into(), form }
    }

    /// Whether a name matches.
    pub fn matches(&self, name: &str) -> bool {
        let name = normal(name);
        match &self.form {
            Form::Exactly(wanted) => *wanted == name,
            Form::Every => true,
            Form::Under(suffix) => {
                name.len() > suffix.len() && name.ends_with(&**suffix) && !name.starts_with('.')
            }
            Form::UnderGlob(pattern) => name.match_indices('.').any(|(dot, _)| {
                let (labels, rest) = (name.get(..dot), name.get(dot + 1..));
                let whole = labels.is_some_and(|labels| labels.split('.').all(|l| !l.is_empty()));
                whole && rest.is_some_and(|rest| glob(pattern.as_bytes(), rest.as_bytes()))
            }),
            Form::Glob(pattern) => glob(pattern.as_bytes(), name.as_bytes()),
        }
    }
}

impl NamePattern {
    /// Whether it holds a variable that nobody filled in, so that it may stand for any.
    pub fn is_unfilled(&self) -> bool {
        self.written.contains("${")
    }

    /// Whether a name would match, were each `*` any run of characters, dots among them.
    pub fn matches_across_dots(&self, name: &str) -> bool {
        let (Form::Glob(pattern) | Form::UnderGlob(pattern)) = &self.form else { return false };
        // Without dots in either `*` is held up by none.
        let plain = |text: &str| text.replace('.', "\u{1}");
        pattern.contains('*') && glob(plain(pattern).as_bytes(), plain(&normal(name)).as_bytes())
    }
}

/// Whether a text matches a pattern in which `*` is any run of characters but dots; linear in both
/// but for the product of their lengths, since it returns only to the last `*`.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where the last `*` stands, and up to where it has taken text.
    let mut star: Option<(usize, usize)> = None;
    while let Some(here) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(wanted) if wanted == here => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, taken)) if text.get(taken).is_some_and(|byte| *byte != b'.') => {
                    star = Some((at, taken + 1));
                    (p, t) = (at + 1, taken + 1);
                }
                _ => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|byte| *byte == b'*')
}

/// As written.
impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// docs/semantics/cilium-rules.md#names: `*` has no dots, `**.` is one or more levels, a lone `*`
    /// is every name.
    #[test]
    fn patterns_of_cilium() {
        for (pattern, name, matches) in [
            ("*", "a.b.example.com", true),
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "a.b.example.com", false),
            ("*.example.com", "example.com", false),
            ("**.example.com", "a.b.example.com", true),
            ("**.example.com", "a.example.com", true),
            ("**.example.com", "example.com", false),
            ("**.example.com", "badexample.com", false),
            ("sub*.example.com", "sub1.example.com", true),
            ("sub*.example.com", "sub.example.com", true),
            ("sub*.example.com", "sub1.x.example.com", false),
            ("a*b*.c", "axxbyy.c", true),
            ("a*b*.c", "axxyy.c", false),
            ("*x.*y.com", "aax.by.com", true),
            ("API.Example.com.", "api.example.com", true),
            ("**", "a.b", true),
            ("*.", "a.b", true),
            ("***.example.com", "a.b.example.com", true),
            ("**.api*.com", "a.b.api1.com", true),
            ("**.api*.com", "api1.com", false),
            ("**.api*.com", "a..api1.com", false),
        ] {
            assert_eq!(NamePattern::glob(pattern).matches(name), matches, "{pattern} {name}");
        }
    }

    /// docs/semantics/cilium-objects.md#versions: `**.` patterns from 1.19 on; before, each star is
    /// of one level.
    #[test]
    fn patterns_of_older_versions() {
        for (pattern, name, matches) in [
            ("*", "a.b", true),
            ("**", "a.b", false),
            ("**", "a", true),
            ("**.example.com", "a.example.com", true),
            ("**.example.com", "a.b.example.com", false),
        ] {
            let found = NamePattern::glob_of_one_level(pattern).matches(name);
            assert_eq!(found, matches, "{pattern} {name}");
        }
    }

    /// docs/semantics/admin.md#domain-names: `*.k8s.io` does not match `k8s.io`, and spans labels.
    #[test]
    fn domain_names() {
        for (pattern, name, matches) in [
            ("k8s.io", "k8s.io", true),
            ("k8s.io", "docs.k8s.io", false),
            ("*.k8s.io", "k8s.io", false),
            ("*.k8s.io", "docs.k8s.io", true),
            ("*.k8s.io", "latest.docs.k8s.io", true),
            ("*.k8s.io", "xk8s.io", false),
        ] {
            assert_eq!(NamePattern::domain(pattern).matches(name), matches, "{pattern} {name}");
        }
        assert!(NamePattern::exactly("Login.example.com").matches("login.example.com."));
        assert_eq!(NamePattern::glob("**.Example.com").to_string(), "**.Example.com");
    }

    /// docs/semantics/cilium-rules.md#names: what only the levels of a name keep out.
    #[test]
    fn levels_of_names() {
        for (pattern, name, levels) in [
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("api*.example.com", "api1.eu.example.com", true),
            ("login.example.com", "a.login.example.com", false),
        ] {
            let pattern = NamePattern::glob(pattern);
            assert!(!pattern.matches(name), "{pattern} {name}");
            assert_eq!(pattern.matches_across_dots(name), levels, "{pattern} {name}");
        }
    }

    /// Long patterns of many stars end in good time.
    #[test]
    fn patterns_do_not_explode() {
        let pattern = "*a".repeat(60);
        assert!(!NamePattern::glob(&pattern).matches(&"a".repeat(59)));
        assert!(!NamePattern::glob(&(pattern + "b")).matches(&"a".repeat(250)));
    }
}
