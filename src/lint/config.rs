//! A team's own settings, and what it allows in its manifests.
//!
//! In: YAML of `apiVersion: netpol/v1alpha1`, `kind: Lint`, or the text of a comment. Out: [`Settings`], which
//! say how bad a finding is or that it is off, by path and namespace; and an [`Allow`], which takes one
//! finding with a reason. A field or lint that is misspelt would hide something, so none is skipped.

use crate::lints::{Lint, NoSuchLint, Severity};
use crate::objects::plain;
use crate::yaml::{self, Node};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// The version of the file that is read.
const API_VERSION: &str = "netpol/v1alpha1";

/// The kind of the file.
const KIND: &str = "Lint";

/// What is wrong with a file of settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// YAML, a type, a field or a lint.
    #[error("line {line}, column {column}: {message}")]
    At {
        /// The line, from 1.
        line: u32,
        /// The column, from 1.
        column: u32,
        /// What is wrong.
        message: String,
    },
    /// Not the kind of file that it should be.
    #[error(
        "it is no file of settings: it must begin with apiVersion: netpol/v1alpha1 and kind: Lint"
    )]
    NotSettings,
    /// Not one document.
    #[error("it must hold one document, and holds {0}")]
    Documents(usize),
}

impl From<yaml::Error> for ConfigError {
    fn from(error: yaml::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let message = plain(error.message());
        let message = match error.path() {
            "" => message,
            path => format!("{path}: {message}"),
        };
        Self::At { line, column, message }
    }
}

/// How bad findings are, where it is not left to the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    levels: Levels,
    overrides: Vec<Override>,
}

type Levels = BTreeMap<Lint, Level>;

/// What becomes of the findings of a lint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Off,
    Of(Severity),
}

/// Other levels for some paths and namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Override {
    paths: Vec<String>,
    namespaces: Vec<String>,
    levels: Levels,
}

/// Settings of `lint`: how bad what is found is
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Lint")]
struct File {
    /// netpol/v1alpha1
    #[serde(rename = "apiVersion")]
    _api_version: String,
    /// Lint
    #[serde(rename = "kind")]
    _kind: String,
    /// Lints by id, each with error, warning, note or off
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    rules: Option<BTreeMap<Id, Level>>,
    /// The same for some paths or namespaces; the last one that fits counts
    overrides: Option<Vec<Item>>,
}

/// Other levels for some paths or namespaces.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Item {
    /// Files or directories, with * and **
    paths: Option<Vec<String>>,
    /// Names of namespaces, with *
    namespaces: Option<Vec<String>>,
    /// Lints by id, each with error, warning, note or off
    #[schemars(with = "BTreeMap<String, String>")]
    rules: BTreeMap<Id, Level>,
}

/// A lint by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Id(Lint);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let word = String::deserialize(source)?;
        word.parse().map(Self).map_err(|error: NoSuchLint| de::Error::custom(error))
    }
}

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct Words;
        impl Visitor<'_> for Words {
            type Value = Level;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("error, warning, note or off")
            }

            // What is not quoted is a boolean in YAML.
            fn visit_bool<E: de::Error>(self, on: bool) -> Result<Level, E> {
                if on { self.visit_str("on") } else { Ok(Level::Off) }
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Level, E> {
                let severity = Severity::ALL.into_iter().find(|it| it.as_str() == word);
                match severity {
                    Some(severity) => Ok(Level::Of(severity)),
                    None if word == "off" => Ok(Level::Off),
                    None => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
                }
            }
        }
        source.deserialize_any(Words)
    }
}

/// Reads settings.
pub fn settings(text: &str) -> Result<Settings, ConfigError> {
    let mut roots = Vec::new();
    let documents: Vec<_> = yaml::split(text).collect();
    for document in &documents {
        roots.extend(yaml::parse_strictly(document)?);
    }
    let [root] = &roots[..] else { return Err(ConfigError::Documents(roots.len())) };
    let head = |key: &str| root.get(key).and_then(Node::as_str);
    if head("apiVersion") != Some(API_VERSION) || head("kind") != Some(KIND) {
        return Err(ConfigError::NotSettings);
    }
    let file: File = yaml::from_node(root)?;
    let levels = |rules: BTreeMap<Id, Level>| -> Levels {
        rules.into_iter().map(|(Id(lint), level)| (lint, level)).collect()
    };
    let overrides = file.overrides.into_iter().flatten().map(|item| Override {
        paths: item.paths.unwrap_or_default(),
        namespaces: item.namespaces.unwrap_or_default(),
        levels: levels(item.rules),
    });
    let overrides = overrides.collect();
    Ok(Settings { levels: levels(file.rules.unwrap_or_default()), overrides })
}

/// The JSON Schema of a file of settings.
pub fn settings_schema() -> schemars::Schema {
    schemars::schema_for!(File)
}

impl Settings {
    /// How bad a finding is; `None`: it is off.
    pub fn severity(
        &self,
        lint: Lint,
        file: Option<&str>,
        namespace: Option<&str>,
    ) -> Option<Severity> {
        let fits = |it: &&Override| {
            let path = |pattern: &String| file.is_some_and(|file| matches_path(pattern, file));
            let name = |pattern: &String| namespace.is_some_and(|name| matches(pattern, name));
            (it.paths.is_empty() || it.paths.iter().any(path))
                && (it.namespaces.is_empty() || it.namespaces.iter().any(name))
        };
        let last = self.overrides.iter().rev().filter(fits).find_map(|it| it.levels.get(&lint));
        match last.or_else(|| self.levels.get(&lint)) {
            None => Some(lint.severity()),
            Some(Level::Off) => None,
            Some(Level::Of(severity)) => Some(*severity),
        }
    }
}

/// Whether a path fits a pattern: `*` within a name, `**` over any number of them, and a directory means all
/// below it.
fn matches_path(pattern: &str, path: &str) -> bool {
    fn parts(text: &str) -> Vec<&str> {
        text.split('/').filter(|part| !part.is_empty() && *part != ".").collect()
    }
    fn fit(pattern: &[&str], path: &[&str]) -> bool {
        match (pattern, path) {
            ([], _) => true,
            (["**", rest @ ..], _) => (0..=path.len()).any(|at| fit(rest, &path[at..])),
            ([first, rest @ ..], [name, names @ ..]) => matches(first, name) && fit(rest, names),
            (_, []) => false,
        }
    }
    fit(&parts(pattern), &parts(path))
}

/// Whether a name fits a pattern with `*`.
fn matches(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

/// A finding that a comment takes, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow {
    /// The lint.
    pub lint: Lint,
    /// Why it is as it should be.
    pub reason: String,
}

/// How a comment for this program begins.
const FOR_US: &str = "netpol:";

/// Reads a comment, without its `#`: `netpol: allow ID reason`. `None`: it is for somebody else. An error
/// says what is wrong with it, as the end of a sentence.
pub fn allow(comment: &str) -> Option<Result<Allow, String>> {
    let rest = comment.trim_start_matches('#').trim().strip_prefix(FOR_US)?.trim();
    let Some((word, rest)) = rest.split_once(char::is_whitespace) else {
        return Some(Err("gives no lint and no reason: netpol: allow ID reason".to_owned()));
    };
    if word != "allow" {
        return Some(Err(format!(
            "says {word:?}, and only allow is known: netpol: allow ID reason"
        )));
    }
    let rest = rest.trim();
    let (id, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    Some(match id.parse::<Lint>() {
        Err(error) => Err(format!("allows nothing: {error}")),
        Ok(lint) if reason.trim().is_empty() => {
            Err(format!("gives no reason for {lint}: netpol: allow ID reason"))
        }
        Ok(lint) => Ok(Allow { lint, reason: reason.trim().to_owned() }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "apiVersion: netpol/v1alpha1\nkind: Lint\n";

    #[test]
    fn the_last_that_fits_counts() {
        let settings = settings(&format!(
            "{HEAD}rules: {{dead-rule: off, no-dns: error}}\noverrides:\n- paths: [vendor, '**/test-*.yaml']\n  rules: {{no-dns: note}}\n- namespaces: [kube-*]\n  rules: {{no-dns: off, dead-rule: warning}}\n"
        ))
        .unwrap();
        let of = |lint, file, namespace| settings.severity(lint, Some(file), Some(namespace));
        assert_eq!(of(Lint::DeadRule, "a.yaml", "shop"), None);
        assert_eq!(of(Lint::NoDns, "a.yaml", "shop"), Some(Severity::Error));
        assert_eq!(of(Lint::NoDns, "./vendor/x/a.yaml", "shop"), Some(Severity::Note));
        assert_eq!(of(Lint::NoDns, "k8s/x/test-a.yaml", "shop"), Some(Severity::Note));
        assert_eq!(of(Lint::NoDns, "k8s/x/a-test.yaml", "shop"), Some(Severity::Error));
        assert_eq!(of(Lint::NoDns, "vendor/a.yaml", "kube-system"), None);
        assert_eq!(of(Lint::DeadRule, "a.yaml", "kube-system"), Some(Severity::Warning));
        assert_eq!(settings.severity(Lint::ServicePort, None, None), Some(Severity::Error));
    }

    #[test]
    fn names_with_stars() {
        for (pattern, name, fits) in [
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "abcd", false),
            ("*", "", true),
            ("a*b*c", "axbxc", true),
            ("ab*ba", "aba", false),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn what_is_wrong_has_a_place() {
        for (body, part) in [
            ("rulez: {}\n", "line 3, column 1: unknown field \"rulez\"; did you mean \"rules\"?"),
            ("rules: {dead-rul: off}\n", "did you mean dead-rule?"),
            ("rules: {dead-rule: loud}\n", "error, warning, note or off"),
            ("rules: {dead-rule: on}\n", "error, warning, note or off"),
            ("overrides: [{path: [a]}]\n", "did you mean \"paths\"?"),
            ("---\na: b\n", "it must hold one document, and holds 2"),
        ] {
            let error = settings(&format!("{HEAD}{body}")).expect_err(body).to_string();
            assert!(error.contains(part), "{body}: {error}");
        }
        assert!(matches!(settings("kind: Lint\n"), Err(ConfigError::NotSettings)));
        assert!(matches!(settings(""), Err(ConfigError::Documents(0))));
    }

    #[test]
    fn comments() {
        let told = |text: &str| allow(text).map(|read| read.map(|it| (it.lint, it.reason)));
        assert_eq!(told(" TODO"), None);
        let reason = "it stays until May".to_owned();
        let text = "# netpol: allow dead-rule it stays until May";
        assert_eq!(told(text), Some(Ok((Lint::DeadRule, reason))));
        for (text, part) in [
            ("netpol: allow dead-rule", "gives no reason for dead-rule"),
            ("netpol: allow dead-rul why", "did you mean dead-rule?"),
            ("netpol: deny dead-rule why", "only allow is known"),
            ("netpol: allow", "gives no lint"),
        ] {
            let error = told(text).unwrap().unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
