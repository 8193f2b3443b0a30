//! Which sources are the repository that is read: no file says so, but some things do.
//!
//! In: what is written of Flux in a tree. Out: [`Own`], which tells of a source whether it is this
//! repository, another one, or not known.
//!
//! Source: docs/semantics/flux.md#own-repository.

use super::object::{Kustomization, Reference, title};
use super::roots::{Scanned, contains, directory};
use super::rounds::named;
use crate::tree::{Named, Tree};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Kind, namespace and name of a source.
pub(super) type Key = (String, Named);

/// What `flux bootstrap` and the operator call the source that they make.
const BOOTSTRAPPED: &str = "flux-system";

/// The sources that are this repository.
#[derive(Debug, Default)]
pub(super) struct Own {
    keys: BTreeSet<Key>,
    /// Their addresses, as far as they are written.
    addresses: BTreeSet<String>,
    /// Those of which one may be it, where nothing says which.
    perhaps: Vec<String>,
}

/// What a source is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// This repository.
    Here,
    /// Another one, or not known: a sentence.
    Not(String),
}

/// The source of a Kustomization; one that is only supposed names none.
pub(super) fn source(of: &Kustomization) -> Option<Key> {
    let reference = &of.spec.source_ref;
    (!reference.kind.is_empty()).then(|| (reference.kind.clone(), reference.from(&of.named.0)))
}

/// Whether two names are the same; of one that is to get a namespace yet the name counts.
pub(super) fn same(one: &Named, other: &Named) -> bool {
    one.1 == other.1 && (one.0 == other.0 || one.0.is_empty() || other.0.is_empty())
}

/// One address may be written in many ways: without what is before the host, with `:` before the path.
fn plain(address: &str) -> String {
    let address = address.split_once("://").map_or(address, |(_, rest)| rest);
    let (authority, rest) = address.split_at(address.find('/').unwrap_or(address.len()));
    let address = format!("{}{rest}", authority.rsplit('@').next().unwrap_or_default());
    let (host, path) = address.split_once(['/', ':']).unwrap_or((&address, ""));
    // A port is a number.
    let path = match path.split_once('/') {
        Some((port, rest)) if port.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => path,
    };
    let path = path.trim_matches('/');
    format!("{host}/{}", path.strip_suffix(".git").unwrap_or(path)).to_ascii_lowercase()
}

impl Scanned {
    /// The address of a source, if it is written.
    fn address(&self, key: &Key) -> Option<String> {
        let same = |(kind, named): &Key| *kind == key.0 && same(named, &key.1);
        let found = self.sources.get(key).or_else(|| {
            self.sources.iter().find(|(other, _)| same(other)).map(|(_, address)| address)
        });
        found.map(|address| plain(address))
    }

    /// Whether something is written of a source.
    fn is_written(&self, key: &Key) -> bool {
        self.specs.keys().any(|(kind, named)| *kind == key.0 && same(named, &key.1))
    }

    /// What is written of a source.
    pub(super) fn spec(&self, key: &Key) -> Option<Value> {
        let same = |(kind, named): &Key| *kind == key.0 && same(named, &key.1);
        let found = self
            .specs
            .get(key)
            .or_else(|| self.specs.iter().find(|(other, _)| same(other)).map(|(_, spec)| spec));
        serde_json::from_str(found?).ok()
    }

    /// The source that the artifact of a Kustomization is a part of, or its own.
    fn whole(&self, of: &Kustomization) -> Option<Key> {
        let key = source(of)?;
        let part = self.artifacts.get(&key.1).filter(|_| key.0 == "ExternalArtifact");
        Some(part.map_or(key, |part| part.of.clone()))
    }
}

impl Own {
    /// Looks for what says which they are.
    pub(super) fn of(tree: &Tree, scanned: &Scanned) -> Self {
        let all = || scanned.kustomizations.iter().chain(&scanned.instances);
        let referenced: BTreeSet<Key> = all().filter_map(|it| scanned.whole(it)).collect();
        let mut own = Self::default();
        // What builds the directory that it is written in is of the repository that it is written in. At
        // the top that is no sign, as every repository has one.
        let builds_itself = |it: &&Kustomization| !directory(it).is_empty() && contains(it, it);
        let sync = scanned.kustomizations.iter().filter(builds_itself).chain(&scanned.instances);
        own.keys.extend(sync.filter_map(|it| scanned.whole(it)));
        let identity = |key: &Key| {
            scanned.address(key).unwrap_or_else(|| title(&key.0, &(String::new(), key.1.1.clone())))
        };
        let different: BTreeMap<String, &Key> =
            referenced.iter().map(|key| (identity(key), key)).collect();
        if different.len() > 1 {
            let remotes: BTreeSet<String> = tree.remotes().iter().map(|it| plain(it)).collect();
            let is_remote =
                |key: &&Key| scanned.address(key).is_some_and(|it| remotes.contains(&it));
            let of_remote = || referenced.iter().filter(is_remote);
            own.addresses.extend(of_remote().filter_map(|key| scanned.address(key)));
            if own.keys.is_empty() {
                own.keys.extend(of_remote().cloned());
            }
        }
        if own.keys.is_empty() {
            let bootstrapped = |key: &&Key| key.1.1 == BOOTSTRAPPED;
            own.keys.extend(referenced.iter().filter(bootstrapped).cloned());
        }
        if own.keys.is_empty() && different.len() == 1 {
            own.keys.extend(referenced.iter().cloned());
        }
        if own.keys.is_empty() {
            own.perhaps = referenced.iter().map(|key| title(&key.0, &key.1)).collect();
        }
        own.addresses.extend(own.keys.iter().filter_map(|key| scanned.address(key)));
        own
    }

    /// Whether a source is one of them.
    pub(super) fn whose(&self, key: &Key, scanned: &Scanned) -> Whose {
        let shown = title(&key.0, &key.1);
        let address = scanned.address(key);
        if self.keys.iter().any(|own| own.0 == key.0 && same(&own.1, &key.1))
            || address.as_ref().is_some_and(|address| self.addresses.contains(address))
        {
            Whose::Here
        // What is put together of others has paths of its own.
        } else if key.0 == "ExternalArtifact" || (scanned.is_written(key) && !self.keys.is_empty())
        {
            Whose::Not(format!("its source {shown} is another repository"))
        } else if self.perhaps.is_empty() {
            Whose::Not(format!(
                "its source {shown} is written nowhere here, so what it has is not known"
            ))
        } else {
            let all = named(&self.perhaps);
            Whose::Not(format!(
                "its source {shown} may be another repository: which of {all} this one is, nothing here says"
            ))
        }
    }

    /// Whether a Kustomization builds a directory of another repository.
    pub(super) fn is_foreign(&self, of: &Kustomization, scanned: &Scanned) -> bool {
        let key = scanned.whole(of);
        key.is_some_and(|key| self.whose(&key, scanned) != Whose::Here)
    }

    /// Why it is not known whether a source has what is read: it is suspended, or at a revision of its own.
    ///
    /// Source: docs/semantics/flux.md#revision-of-a-source.
    pub(super) fn doubt(&self, key: &Key, scanned: &Scanned, tree: &Tree) -> Option<String> {
        let spec = scanned.spec(key)?;
        let shown = title(&key.0, &key.1);
        if spec["suspend"].as_bool() == Some(true) {
            return Some(format!("its source {shown} is suspended, and has what it had before"));
        }
        let word = |field: &str| spec["ref"][field].as_str().filter(|word| !word.is_empty());
        let oci = key.0 == "OCIRepository";
        let (what, known) = if let Some(word) = word("digest").or(word("commit")) {
            (format!("at {word}"), !oci && tree.is_of(word))
        } else if let Some(name) = word("name").filter(|name| !name.starts_with("refs/heads/")) {
            (format!("at {name}"), tree.is_of(name))
        } else if word("name").is_some() {
            return None;
        } else if let Some(range) = word("semver") {
            (format!("at the newest version of {range}"), !oci && tree.is_tagged())
        } else if let Some(tag) = word("tag") {
            // What is pushed again and again has a name and no version.
            (format!("at tag {tag}"), if oci { !is_version(tag) } else { tree.is_of(tag) })
        } else {
            let branch = |it: &Value| {
                let branch = it["ref"]["branch"].as_str().unwrap_or_default().to_owned();
                if matches!(&*branch, "main" | "master") { String::new() } else { branch }
            };
            let own = self.keys.iter().filter_map(|own| scanned.spec(own)).map(|it| branch(&it));
            let own: BTreeSet<String> = own.collect();
            let alike = own.is_empty() || own.contains(&branch(&spec));
            (format!("at branch {}", word("branch").unwrap_or("main")), alike)
        };
        let why = format!("its source {shown} is {what}, which need not be what is read here");
        (!known).then_some(why)
    }
}

/// Whether a word is a version, and no name that moves.
pub(super) fn is_version(word: &str) -> bool {
    let word = word.strip_prefix('v').unwrap_or(word);
    word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.')
}

impl Reference {
    /// Whether it means an object that is called so, from a namespace.
    pub(super) fn means(&self, namespace: &str, named: &Named) -> bool {
        same(&self.from(namespace), named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_repository() {
        for address in [
            "https://github.com/x/y",
            "https://user:pass@github.com/x/y.git",
            "ssh://git@github.com/x/y",
            "ssh://git@github.com:22/x/y.git",
            "git@github.com:x/y.git",
            "https://GitHub.com/x/Y/",
        ] {
            assert_eq!(plain(address), "github.com/x/y", "{address}");
        }
        assert_ne!(plain("https://github.com/x/z"), "github.com/x/y");
    }
}
