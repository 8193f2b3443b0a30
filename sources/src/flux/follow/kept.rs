//! What kustomize and helm made of a repository before.
//!
//! In: what is to be built, with the tree. Out: what was made of the same, or a key to keep it under. Into
//! the key goes whatever the program could have read: for kustomize every file below each directory that a
//! kustomization leads to, and all of the tree where one has fields that lead on from within other files.
//! No Secret is kept: of each only the names of its values are, which is all that is ever asked of one.

use crate::cache::{Cache, Key, hash};
use crate::manifests::{KUSTOMIZATION_NAMES, paths};
use crate::tree::{Head, Tree, joined, within};
use netpol::yaml::{self, Node};
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Fields of a kustomization that name files in which further files may be named.
const LEADING_ON: &[&str] =
    &["generators", "transformers", "validators", "configurations", "openapi", "helmCharts"];

/// A cache for one tree.
#[derive(Debug)]
pub(super) struct Kept<'t> {
    tree: &'t Tree,
    cache: Option<Cache>,
    /// The hashes of files, by their names.
    hashes: Mutex<HashMap<String, String>>,
    /// That of all of them.
    whole: OnceLock<String>,
    /// What keys begin with.
    kustomize: OnceLock<Option<Key>>,
    helm: OnceLock<Option<Key>>,
}

impl<'t> Kept<'t> {
    /// With a cache, if it is wanted.
    pub(super) fn of(tree: &'t Tree, wanted: bool) -> Self {
        let cache = wanted.then(Cache::open).flatten();
        let (whole, kustomize, helm) = Default::default();
        Self { tree, cache, hashes: Mutex::default(), whole, kustomize, helm }
    }

    /// The key of what kustomize builds of these files, without which it may read any, with a kustomization
    /// that is built in place of what is written in its file.
    pub(super) fn of_kustomize(
        &self,
        program: &Path,
        file: &str,
        text: &str,
        read: Option<&BTreeSet<&str>>,
    ) -> Option<Key> {
        self.cache.as_ref()?;
        let mut key = self.kustomize.get_or_init(|| Key::of("kustomize", program)).clone()?;
        key.add(file.as_bytes());
        key.add(text.as_bytes());
        self.add(&mut key, read.map(|read| read.iter().copied()));
        Some(key)
    }

    /// The key of what helm makes of the chart in a directory.
    pub(super) fn of_helm(&self, program: &Path, chart: &str, words: &str) -> Option<Key> {
        self.cache.as_ref()?;
        let mut key = self.helm.get_or_init(|| Key::of("helm", program)).clone()?;
        key.add(chart.as_bytes());
        key.add(words.as_bytes());
        let linked = self.tree.links().any(|link| within(link, chart));
        self.add(&mut key, (!linked).then(|| self.tree.below(chart)));
        Some(key)
    }

    /// Adds files; without any all that there are.
    fn add<'f>(&self, key: &mut Key, files: Option<impl Iterator<Item = &'f str>>) {
        for link in self.tree.links() {
            key.add(link.as_bytes());
            key.add(self.tree.link(link).as_os_str().as_encoded_bytes());
        }
        let Some(files) = files else {
            return key.add(self.whole.get_or_init(|| self.all()).as_bytes());
        };
        for name in files {
            key.add(name.as_bytes());
            key.add(self.hash(name).as_bytes());
        }
    }

    fn all(&self) -> String {
        let mut all = String::new();
        for name in self.tree.below("") {
            all.extend([name, "\n", self.hash(name).as_str(), "\n"]);
        }
        hash(all.as_bytes())
    }

    fn hash(&self, name: &str) -> String {
        let mut hashes = self.hashes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = hashes.get(name) {
            return known.clone();
        }
        let found = self.tree.bytes(name).map_or_else(String::new, |bytes| hash(&bytes));
        hashes.insert(name.to_owned(), found.clone());
        found
    }

    /// What was made of the same.
    pub(super) fn get(&self, key: Option<&Key>) -> Option<String> {
        String::from_utf8(self.cache.as_ref()?.get(key?)?).ok()
    }

    /// Keeps what was made.
    pub(super) fn put(&self, key: Option<Key>, text: &str) {
        if let (Some(cache), Some(key)) = (&self.cache, key)
            && let Some(text) = without_secrets(text)
        {
            cache.put(key, text.as_bytes());
        }
    }
}

/// The files that a build can read besides the kustomization that is built; `None`: any.
pub(super) fn reads<'t>(
    tree: &'t Tree,
    directory: &str,
    file: &str,
    text: &str,
) -> Option<BTreeSet<&'t str>> {
    let (mut all, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        if !seen.insert(directory.clone()) {
            continue;
        }
        if tree.links().any(|link| within(link, &directory)) {
            return None;
        }
        all.extend(tree.names_below(&directory).filter(|name| *name != file));
        for name in KUSTOMIZATION_NAMES.map(|name| joined(&directory, name)) {
            let own = if name == file { Some(text.into()) } else { tree.text(&name) };
            let Some(own) = own else { continue };
            for document in yaml::split(&own) {
                let node = yaml::parse(&document).ok()?;
                let Some(node) = node else { continue };
                if LEADING_ON.iter().any(|field| node.get(field).is_some()) {
                    return None;
                }
                for path in paths(&node) {
                    let value = path.split_once('=').map_or(path, |(_, value)| value);
                    let mut found = false;
                    for path in [path, value].map(|path| joined(&directory, path)) {
                        if let Some(name) = tree.name(&path) {
                            all.insert(name);
                            found = true;
                        } else if tree.has_directory(&path) {
                            open.push(path);
                            found = true;
                        }
                    }
                    // It may be behind a link.
                    if !found && tree.links().next().is_some() {
                        return None;
                    }
                }
            }
        }
    }
    Some(all)
}

/// A text without the values of Secrets; `None`: it may have some that are not found.
fn without_secrets(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    for document in yaml::split(text) {
        out.push_str("---\n");
        if memchr::memmem::find(document.text.as_bytes(), b"Secret").is_none() {
            out.push_str(document.text);
            continue;
        }
        let Some(node) = yaml::parse(&document).ok()? else { continue };
        let head = Head::of(&node)?;
        if head.is("", "Secret") {
            out.push_str(&names_only(&node, &head).to_string());
            out.push('\n');
        } else if head.kind.ends_with("List") {
            return None;
        } else {
            out.push_str(document.text);
        }
    }
    Some(out)
}

/// A Secret with the names of its values.
fn names_only(node: &Node<'_>, head: &Head<'_>) -> Value {
    let fields = ["data", "stringData"].into_iter().filter_map(|field| node.get(field));
    let entries = fields.flat_map(|map| map.entries().unwrap_or_default());
    let data: Map<String, Value> =
        entries.map(|entry| (entry.key.clone().into_owned(), json!(""))).collect();
    let metadata = json!({"namespace": head.namespace, "name": head.name});
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{Budget, Limits};
    use crate::tree::Top;

    #[test]
    fn what_a_build_can_read() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("over/kustomization.yaml", "not looked at");
        write("base/kustomization.yaml", "resources: [deep]\n");
        write("base/unnamed.txt", "");
        write(
            "base/deep/kustomization.yml",
            "configMapGenerator: [{files: ['k=../../files/x']}]\n",
        );
        write("files/x", "");
        write("files/y", "");
        let top = Top::Directory(directory.path().to_owned());
        let read = || Tree::read(&top, &Budget::new(Limits::default())).unwrap();
        let found = |text: &str| {
            let tree = read();
            let all = reads(&tree, "over", "over/kustomization.yaml", text)?;
            Some(all.into_iter().map(str::to_owned).collect::<Vec<_>>())
        };
        let all = [
            "base/deep/kustomization.yml",
            "base/kustomization.yaml",
            "base/unnamed.txt",
            "files/x",
        ];
        assert_eq!(found("resources: [../base]\n").unwrap(), all);
        assert_eq!(found("{}\n").unwrap(), [""; 0]);
        assert_eq!(found("transformers: [../base]\n"), None);
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("../files/y", directory.path().join("base/link")).unwrap();
            assert_eq!(found("resources: [../base]\n"), None);
        }
    }

    #[test]
    fn no_secret_is_kept() {
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: n}\n\
                      data: {a: cGFzc3dvcmQ=}\nstringData: {b: password}\n";
        let other =
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {note: no Secret}\n";
        let kept = without_secrets(&format!("{other}---\n{secret}")).unwrap();
        assert!(!kept.contains("cGFz") && !kept.contains("password"), "{kept}");
        assert!(kept.contains("no Secret") && kept.contains("\"a\":\"\",\"b\":\"\""), "{kept}");
        let list = "apiVersion: v1\nkind: List\nmetadata: {name: x}\nitems: [{kind: Secret}]\n";
        assert_eq!(without_secrets(list), None);
        assert_eq!(without_secrets("Secret"), None);
    }
}
