//! The files of a directory that an earlier export wrote, and where those of a namespace belong.
//!
//! In: a directory. Out: each file that begins as ours do, with the namespace that it was written for. They
//! are looked for in the directory itself and one below, which is where they are written.

use netpol::printable::printable;
use netpol::yaml;
use netpol_sources::files::Below;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

/// How the first line of every file begins that is written, by which it is known again.
pub(super) const KNOWN: &str = "# Written by kubectl netpol bootstrap";

/// More files than these are not looked at.
const MOST_SEEN: usize = 10_000;

/// No file of ours is larger.
const LARGEST: u64 = 16 << 20;

/// A file that was written for a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ours {
    /// Its name from the directory, with slashes.
    pub(super) name: String,
    pub(super) namespace: String,
    /// What is in it: `networkpolicy/allow-web`, of another namespace with ` in NAMESPACE`.
    pub(super) policies: BTreeSet<String>,
}

/// The first line of a file that is written for a namespace.
pub(super) fn header(namespace: &str) -> String {
    format!("{KNOWN} {namespace}; run it again rather than edit this.\n")
}

/// What a policy is called here.
pub(super) fn called(policy: &Value, home: &str) -> String {
    let part = |key: &str| policy["metadata"][key].as_str().unwrap_or_default();
    let elsewhere = Some(part("namespace")).filter(|there| *there != home);
    let elsewhere = elsewhere.map(|there| format!(" in namespace {there}")).unwrap_or_default();
    let kind = policy["kind"].as_str().unwrap_or_default().to_ascii_lowercase();
    format!("{kind}/{}{elsewhere}", part("name"))
}

/// Finds them. What leads out of the directory, and what is no file, is passed over.
pub(super) fn find(directory: &Path) -> Result<Vec<Ours>, String> {
    let mut found = Vec::new();
    let mut open = vec![(directory.to_owned(), String::new())];
    while let Some((place, prefix)) = open.pop() {
        let failed =
            |error: io::Error| format!("{}: {error}", printable(&place.display().to_string()));
        let entries = match fs::read_dir(&place) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let Ok(own) = entry.file_name().into_string() else { continue };
            let Ok(metadata) = entry.metadata() else { continue };
            let name = format!("{prefix}{own}");
            if metadata.is_dir() && prefix.is_empty() && !own.starts_with('.') {
                open.push((entry.path(), format!("{own}/")));
            } else if metadata.is_file() && metadata.len() <= LARGEST && is_yaml(&own) {
                let text = Below(directory).read(&entry.path()).ok().flatten();
                found.extend(text.and_then(|text| ours(name, &text)));
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// A manifest in a directory, or below it, that is none of ours.
pub(super) fn another(directory: &Path, ours: &[Ours]) -> Option<String> {
    let mut open = vec![(directory.to_owned(), String::new())];
    let mut seen = 0;
    while let Some((place, prefix)) = open.pop() {
        for entry in fs::read_dir(&place).ok()?.flatten() {
            seen += 1;
            let Ok(own) = entry.file_name().into_string() else { continue };
            let name = format!("{prefix}{own}");
            let is_directory = entry.file_type().is_ok_and(|it| it.is_dir());
            if is_directory && !own.starts_with('.') && seen < MOST_SEEN {
                open.push((entry.path(), format!("{name}/")));
            }
            let ending = Path::new(&own).extension();
            let is_manifest = ending.is_some_and(|it| it == "yaml" || it == "yml" || it == "json");
            if !is_directory && is_manifest && !ours.iter().any(|it| it.name == name) {
                return Some(name);
            }
        }
    }
    None
}

fn is_yaml(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending == "yaml")
}

fn ours(name: String, text: &str) -> Option<Ours> {
    let rest = text.strip_prefix(KNOWN)?;
    let documents: Vec<_> = yaml::split(text).collect();
    let objects = documents.iter().filter_map(|it| yaml::from_document::<Value>(it).ok().flatten());
    let objects: Vec<Value> = objects.collect();
    let told = rest.lines().next().and_then(|line| line.split_once(';'));
    let namespace = match told.map(|(namespace, _)| namespace.trim()) {
        Some(namespace) if !namespace.is_empty() => namespace.to_owned(),
        _ => {
            let first = &objects.first()?["metadata"];
            let namespace = first["namespace"].as_str().or_else(|| first["name"].as_str());
            namespace?.to_owned()
        }
    };
    let policies = objects.iter().filter(|object| object["kind"] != "Namespace");
    let policies = policies.map(|policy| called(policy, &namespace)).collect();
    Some(Ours { name, namespace, policies })
}

/// What stands before the names of a namespace's files: nothing, or a directory of its own. Where they are,
/// they stay; the directory itself belongs to one namespace.
pub(super) fn place(ours: &[Ours], namespace: &str, alone: bool) -> String {
    let own = format!("{namespace}/");
    let at_top = |file: &&Ours| !file.name.contains('/');
    if ours.iter().any(|file| file.namespace == namespace && file.name.starts_with(&own)) {
        return own;
    }
    let mut top = ours.iter().filter(at_top).peekable();
    if top.peek().is_none() {
        return if alone { String::new() } else { own };
    }
    if top.any(|file| file.namespace == namespace) { String::new() } else { own }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, namespace: &str) -> Ours {
        let (name, namespace) = (name.to_owned(), namespace.to_owned());
        Ours { name, namespace, policies: BTreeSet::new() }
    }

    #[test]
    fn a_namespace_stays_where_it_is() {
        let none = [];
        assert_eq!(place(&none, "a", true), "");
        assert_eq!(place(&none, "a", false), "a/");
        let top = [file("network-policies.yaml", "a")];
        assert_eq!(place(&top, "a", true), "");
        assert_eq!(place(&top, "a", false), "");
        assert_eq!(place(&top, "b", true), "b/");
        let below = [file("a/network-policies.yaml", "a"), file("b/network-policies.yaml", "b")];
        assert_eq!(place(&below, "a", true), "a/");
        assert_eq!(place(&below, "c", true), "");
    }

    #[test]
    fn whose_a_file_is() {
        let policy = "kind: NetworkPolicy\nmetadata: {name: x, namespace: a}\n";
        let of = |text: String| ours("x.yaml".to_owned(), &text);
        let found = of(header("b") + policy).unwrap();
        assert_eq!(found.namespace, "b");
        assert_eq!(found.policies, ["networkpolicy/x in namespace a".to_owned()].into());
        let older = format!("{KNOWN}; run it again rather than edit this.\n{policy}");
        assert_eq!(of(older).unwrap().namespace, "a");
        assert_eq!(of(policy.to_owned()), None);
    }
}
