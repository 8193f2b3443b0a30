//! The files of a repository, from a directory or from a Git revision, throw-away copies of them, and where
//! in them an object is written that a program made.
//!
//! In: where they are. Out: a [`Tree`], whose files are named from its top with slashes, and which copies
//! itself into a directory that goes when it is dropped. The directory it was read from is never written
//! to. Links that lead out of it or nowhere are not followed, and are told.

mod error;
mod git;
mod head;
mod origin;

pub use error::Error;
pub(crate) use head::{Head, Named};
pub(crate) use origin::{Places, Texts, file_of};

use crate::limits::{Budget, Counted};
use crate::manifests;
use crate::process::Home;
use crate::revision::{Content, Revision};
use netpol::cluster::Rendered;
use netpol::objects::{Severity, Warning};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files of a text that is looked at are no larger.
const LARGEST: u64 = 64 << 20;

/// Where a repository is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Top {
    /// In a directory.
    Directory(PathBuf),
    /// In a revision of the repository that we are in.
    Revision(Revision),
}

/// What a name stands for.
#[derive(Clone, Debug)]
enum Held {
    OnDisk(PathBuf),
    Bytes(Arc<[u8]>),
    Link(PathBuf),
}

/// The files of a repository.
#[derive(Debug)]
pub(crate) struct Tree {
    top: Top,
    files: BTreeMap<String, Held>,
    /// Those that are links, sorted.
    links: Vec<String>,
    /// What could not be read of it.
    pub(crate) warnings: Vec<Warning>,
}

impl Tree {
    /// Reads what there is, but not yet what is in it.
    pub(crate) fn read(top: &Top, budget: &Budget) -> Result<Self, Error> {
        let (files, links, warnings) = (BTreeMap::new(), Vec::new(), Vec::new());
        let mut tree = Self { top: top.clone(), files, links, warnings };
        match top {
            Top::Directory(directory) => {
                let metadata = fs::metadata(directory)
                    .map_err(|source| Error::Unreadable { path: directory.clone(), source })?;
                if !metadata.is_dir() {
                    return Err(Error::NoDirectory(directory.clone()));
                }
                tree.directory(directory, "", budget)?;
            }
            Top::Revision(revision) => {
                for entry in revision.read(&|_| true)? {
                    let name = entry.path.to_string_lossy().into_owned();
                    budget.take(Counted::Files, 1)?;
                    let held = match entry.content {
                        Content::File(bytes) => {
                            budget.take(Counted::Bytes, bytes.len() as u64)?;
                            Held::Bytes(bytes.into())
                        }
                        Content::Link(to) => Held::Link(to),
                        Content::Submodule => {
                            let place = tree.place(&name);
                            let message = "is a submodule, which is not read";
                            tree.warnings.push(Warning::new(&place, Severity::Unread, message));
                            continue;
                        }
                    };
                    tree.files.insert(name, held);
                }
            }
        }
        let links = tree.files.iter().filter(|(_, held)| matches!(held, Held::Link(_)));
        tree.links = links.map(|(name, _)| name.clone()).collect();
        Ok(tree)
    }

    fn directory(&mut self, path: &Path, name: &str, budget: &Budget) -> Result<(), Error> {
        let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
        for entry in fs::read_dir(path).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let Ok(own) = entry.file_name().into_string() else { continue };
            if own == ".git" {
                continue;
            }
            let name = if name.is_empty() { own } else { format!("{name}/{own}") };
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_dir() {
                self.directory(&entry.path(), &name, budget)?;
                continue;
            }
            budget.take(Counted::Files, 1)?;
            let held = if kind.is_symlink() {
                Held::Link(fs::read_link(entry.path()).map_err(unreadable)?)
            } else if kind.is_file() {
                let length = entry.metadata().map_err(unreadable)?.len();
                budget.take(Counted::Bytes, length)?;
                Held::OnDisk(entry.path())
            } else {
                // A device, a pipe or a socket is no file of a repository.
                continue;
            };
            self.files.insert(name, held);
        }
        Ok(())
    }

    /// The same without the files that are left out.
    pub(crate) fn without(&self, left_out: impl Fn(&str) -> bool) -> Self {
        let files = self.files.iter().filter(|(name, _)| !left_out(name));
        Self {
            top: self.top.clone(),
            files: files.map(|(name, held)| (name.clone(), held.clone())).collect(),
            links: self.links.iter().filter(|name| !left_out(name)).cloned().collect(),
            warnings: self.warnings.clone(),
        }
    }

    /// What a file is called in answers.
    pub(crate) fn place(&self, name: &str) -> Arc<Path> {
        match &self.top {
            Top::Directory(directory) => directory.join(name).into(),
            Top::Revision(revision) => revision.place(Path::new(name)).into(),
        }
    }

    /// Every name below a directory, those of links among them, sorted.
    fn entries(&self, directory: &str) -> impl Iterator<Item = (&str, &Held)> + use<'_> {
        let from = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let rest = self.files.range::<str, _>((Bound::Included(&*from), Bound::Unbounded));
        rest.map(|(name, held)| (name.as_str(), held))
            .take_while(move |(name, _)| name.starts_with(&*from))
    }

    /// Every file below a directory, sorted.
    pub(crate) fn below(&self, directory: &str) -> impl Iterator<Item = &str> + use<'_> {
        let files = self.entries(directory).filter(|(_, held)| !matches!(held, Held::Link(_)));
        files.map(|(name, _)| name)
    }

    /// The same with links.
    pub(crate) fn names_below(&self, directory: &str) -> impl Iterator<Item = &str> + use<'_> {
        self.entries(directory).map(|(name, _)| name)
    }

    /// Every link.
    pub(crate) fn links(&self) -> impl Iterator<Item = &str> {
        self.links.iter().map(String::as_str)
    }

    /// Where a link leads, as it is written; nowhere for what is none.
    pub(crate) fn link(&self, name: &str) -> &Path {
        match self.files.get(name) {
            Some(Held::Link(to)) => to,
            _ => Path::new(""),
        }
    }

    /// A name, as long as the tree lives.
    pub(crate) fn name(&self, name: &str) -> Option<&str> {
        self.files.get_key_value(name).map(|(name, _)| name.as_str())
    }

    /// The bytes of a file.
    pub(crate) fn bytes(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        match self.files.get(name)? {
            Held::Bytes(bytes) => Some(Cow::Borrowed(bytes)),
            Held::OnDisk(path) => manifests::read_file(path, LARGEST).ok().map(Cow::Owned),
            Held::Link(_) => None,
        }
    }

    /// Whether there is such a directory.
    pub(crate) fn has_directory(&self, directory: &str) -> bool {
        directory.is_empty() || self.entries(directory).next().is_some()
    }

    /// Whether there is such a file.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    /// The text of a file.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        match self.bytes(name)? {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
        }
    }

    /// The texts of files of which something was made, where these cannot be read again.
    pub(crate) fn kept<'r>(
        &self,
        made: impl Iterator<Item = &'r Arc<Rendered>>,
    ) -> Vec<(Arc<Path>, String)> {
        if matches!(self.top, Top::Directory(_)) {
            return Vec::new();
        }
        let wanted: BTreeSet<&Path> =
            made.filter(|it| it.from.is_some()).map(|it| &*it.file).collect();
        let files = self.below("").map(|name| (self.place(name), name));
        let files = files.filter(|(place, _)| wanted.contains(&**place));
        files.filter_map(|(place, name)| Some((place, self.text(name)?.into_owned()))).collect()
    }

    /// A copy of some of its files, none of them a link, in a directory of its own.
    pub(crate) fn part<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Result<Copy, Error> {
        let copy = Copy::new()?;
        let mut made = String::new();
        for name in names {
            if let Some((name, held)) = self.files.get_key_value(name) {
                copy.write(name, held, &mut made)?;
            }
        }
        Ok(copy)
    }

    /// A copy of all of it in a directory of its own, and the links that lead out, or nowhere, and are
    /// not in it.
    pub(crate) fn copy(&self) -> Result<(Copy, Vec<String>), Error> {
        let failed = |source| Error::Copy { source };
        let copy = Copy::new()?;
        let root = &copy.root;
        let mut links = Vec::new();
        let mut made = String::new();
        for (name, held) in &self.files {
            let path = copy.write(name, held, &mut made)?;
            if let Held::Link(to) = held {
                links.push((name, path, to));
            }
        }
        #[cfg(unix)]
        for (_, path, to) in &links {
            std::os::unix::fs::symlink(to, path).map_err(failed)?;
        }
        // Where a link leads is known only once all are there.
        let leads_out = |path: &Path| !path.canonicalize().is_ok_and(|to| to.starts_with(root));
        let mut outward = Vec::new();
        for (name, path, _) in &links {
            if leads_out(path) {
                outward.push((*name).clone());
            }
        }
        for name in &outward {
            fs::remove_file(root.join(name)).map_err(failed)?;
        }
        Ok((copy, outward))
    }
}

/// A copy of a tree; it goes when it is dropped.
#[derive(Debug)]
pub(crate) struct Copy {
    /// Its top, without links on the way.
    pub(crate) root: PathBuf,
    _home: Home,
}

impl Copy {
    fn new() -> Result<Self, Error> {
        let failed = |source| Error::Copy { source };
        let home = Home::new().map_err(failed)?;
        let root = home.path().canonicalize().map_err(failed)?;
        Ok(Self { root, _home: home })
    }

    /// Writes a file, but of a link only the directory that it is in; `made` is the last that was made.
    fn write(&self, name: &str, held: &Held, made: &mut String) -> Result<PathBuf, Error> {
        let failed = |source| Error::Copy { source };
        let path = self.root.join(name);
        let directory = name.rsplit_once('/').map_or("", |(directory, _)| directory);
        if directory != made {
            fs::create_dir_all(self.root.join(directory)).map_err(failed)?;
            directory.clone_into(made);
        }
        match held {
            Held::Bytes(bytes) => fs::write(&path, bytes).map_err(failed)?,
            Held::OnDisk(from) => {
                // What cannot be read is missed by whoever needs it, and told then.
                let _ = fs::copy(from, &path);
            }
            Held::Link(_) => {}
        }
        Ok(path)
    }
}

/// Whether a file is below a directory, which is empty for the top.
pub(crate) fn within(name: &str, directory: &str) -> bool {
    directory.is_empty() || name.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

/// A path as it leads from a directory, from the top again; what leads out of the top stays there, as
/// Flux has it.
///
/// Source: docs/semantics/flux.md#path.
pub(crate) fn joined(directory: &str, path: &str) -> String {
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_from_the_top() {
        for (directory, path, expected) in [
            ("", "./apps/web/", "apps/web"),
            ("apps/web", "../base/a.yaml", "apps/base/a.yaml"),
            ("", "../../etc", "etc"),
            ("", "./", ""),
            ("", "/apps", "apps"),
        ] {
            assert_eq!(joined(directory, path), expected, "{path}");
        }
        assert!(within("apps/web/a.yaml", "apps/web") && !within("apps/web2/a.yaml", "apps/web"));
    }

    /// Not even by way of another link.
    #[cfg(unix)]
    #[test]
    fn links_that_lead_out_are_in_no_copy() {
        let directory = tempfile::tempdir().unwrap();
        let outside = directory.path().join("outside.yaml");
        fs::write(&outside, "kind: Outside\n").unwrap();
        let top = directory.path().join("top");
        fs::create_dir_all(top.join("deep/.git")).unwrap();
        fs::write(top.join("a.yaml"), "kind: A\n").unwrap();
        fs::write(top.join("deep/.git/config"), "").unwrap();
        let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, top.join(name)).unwrap();
        link("a.yaml", "b.yaml");
        link("../outside.yaml", "c.yaml");
        link("..", "deep/up");
        link("deep/up/../outside.yaml", "d.yaml");
        let budget = Budget::new(crate::limits::Limits::default());
        let tree = Tree::read(&Top::Directory(top.clone()), &budget).unwrap();
        let (copy, outward) = tree.copy().unwrap();
        assert_eq!(outward, ["c.yaml", "d.yaml"]);
        assert_eq!(fs::read_to_string(copy.root.join("b.yaml")).unwrap(), "kind: A\n");
        for gone in ["c.yaml", "d.yaml", "deep/.git"] {
            assert!(copy.root.join(gone).symlink_metadata().is_err(), "{gone}");
        }
        let root = copy.root.clone();
        drop(copy);
        assert!(!root.exists() && top.join("c.yaml").exists());
        assert_eq!(tree.below("").collect::<Vec<_>>(), ["a.yaml"]);
    }
}
