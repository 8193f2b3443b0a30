//! The files of a Git revision, read through the real git without touching the work tree.
//!
//! In: a [`Revision`], as in `git show REV:PATH`. Out: its files with their content. Only commands
//! that read objects are run, so a bare clone will do, and neither index nor work tree is looked at.

use super::process::{self, Given, Limits, Output, Program};
use netpol::printable::printable;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// Nobody waits longer, and no set of manifests is larger.
const LIMITS: Limits = Limits { time: Duration::from_mins(1), output: 1 << 30 };

/// A revision of the repository of the working directory, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// As git takes it: a branch, tag, hash, `HEAD~1`.
    revision: String,
    /// A directory or file in it: from the top of the repository, or from here with `./`.
    path: Option<String>,
}

/// One file of a revision.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its path below the revision's own; empty where that is the file.
    pub path: PathBuf,
    /// What is there.
    pub content: Content,
}

/// What an [`Entry`] holds.
#[derive(Clone, Debug)]
pub enum Content {
    /// The bytes of a file.
    File(Vec<u8>),
    /// A symbolic link, to this.
    Link(PathBuf),
    /// A submodule.
    Submodule,
}

/// Why a revision could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not in the form `REV[:PATH]`.
    #[error("{0:?} is no revision: give git:REV or git:REV:PATH, such as git:HEAD~1:k8s")]
    Form(String),
    /// There is no git.
    #[error("cannot read git:{0}: git is not on PATH; install it (https://git-scm.com/downloads)")]
    NoGit(String),
    /// git could not be run.
    #[error("cannot read git:{revision}: {source}")]
    Run {
        /// The revision.
        revision: String,
        /// Why.
        source: process::Error,
    },
    /// git failed, in its own words.
    #[error("cannot read git:{revision}: git says: {message}")]
    Git {
        /// The revision.
        revision: String,
        /// What it wrote to stderr, fit to be shown.
        message: String,
    },
    /// git does not know it.
    #[error("git knows no revision {revision} here{}", hint(*.shallow))]
    Unknown {
        /// The revision.
        revision: String,
        /// The clone has not all of the history.
        shallow: bool,
    },
    /// It has no such path.
    #[error("revision {revision} has no {path}: `git ls-tree {revision}` lists what it has")]
    NoPath {
        /// The revision.
        revision: String,
        /// The path.
        path: String,
    },
    /// It has nothing to read.
    #[error("no .yaml, .yml or .json file in git:{0}: give the directory that holds the manifests")]
    NoManifests(String),
    /// git answered something else than documented.
    #[error("cannot read git:{0}: git's answer is not understood")]
    Answer(String),
}

fn hint(shallow: bool) -> &'static str {
    if shallow {
        ": this clone is shallow, so fetch more of its history with `git fetch --unshallow`"
    } else {
        ": `git log` and `git branch --all` list what there is"
    }
}

impl FromStr for Revision {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = || Error::Form(text.to_owned());
        let (revision, path) = match text.split_once(':') {
            Some((revision, path)) => (revision, Some(path)),
            None => (text, None),
        };
        // git would take a leading dash for an option.
        let fit = |word: &str| !word.starts_with('-') && !word.chars().any(char::is_control);
        if revision.is_empty() || !fit(revision) || !path.is_none_or(fit) {
            return Err(refuse());
        }
        let path = path.map(|path| match path.trim_end_matches('/') {
            // git takes these for names unless a slash follows.
            here @ ("." | "..") => format!("{here}/"),
            path => path.to_owned(),
        });
        let path = path.filter(|path| !path.is_empty());
        Ok(Self { revision: revision.to_owned(), path })
    }
}

impl Revision {
    /// `REV` or `REV:PATH`, fit to be shown.
    fn shown(&self) -> String {
        let path = self.path.as_ref().map_or(String::new(), |path| format!(":{path}"));
        printable(&format!("{}{path}", self.revision)).into_owned()
    }

    /// What a file of it is called in answers: `REV:PATH`, which git takes too.
    pub fn place(&self, path: &Path) -> PathBuf {
        let below = match &self.path {
            Some(own) if path.as_os_str().is_empty() => PathBuf::from(own),
            Some(own) => Path::new(own).join(path),
            None => path.to_owned(),
        };
        let mut place = std::ffi::OsString::from(format!("{}:", self.revision));
        place.push(below);
        place.into()
    }

    /// `REV` as git takes it.
    pub(crate) fn as_given(&self) -> &str {
        &self.revision
    }

    /// Whether it is no part of the repository.
    pub(crate) fn is_whole(&self) -> bool {
        self.path.is_none()
    }

    /// `REV`, fit to be shown.
    pub(crate) fn name(&self) -> String {
        printable(&self.revision).into_owned()
    }

    /// The whole revision, and the path in it from the top of the repository.
    pub(crate) fn apart(&self) -> Result<(Self, String), Error> {
        let whole = Self { revision: self.revision.clone(), path: None };
        let path = self.path.clone().unwrap_or_default();
        if !path.starts_with('.') {
            return Ok((whole, path));
        }
        let git = process::find("git").ok_or_else(|| Error::NoGit(self.shown()))?;
        let git = Git { program: &git, of: self };
        // A bare clone has no directory to be in.
        let here = git.run(&["rev-parse", "--show-prefix"], Vec::new())?;
        let here =
            if here.status.success() { String::from_utf8_lossy(&here.stdout) } else { "".into() };
        Ok((whole, crate::tree::joined(here.trim_end_matches('\n'), &path)))
    }

    /// Reads the files whose paths are wanted; a file that is named itself always is.
    pub fn read(&self, wanted: &dyn Fn(&Path) -> bool) -> Result<Vec<Entry>, Error> {
        let git = process::find("git").ok_or_else(|| Error::NoGit(self.shown()))?;
        let git = Git { program: &git, of: self };
        let (object, is_tree) = git.object()?;
        let listed =
            if is_tree { git.list(&object)? } else { vec![(object, PathBuf::new(), FILE)] };
        let kept = |path: &Path, mode: u32| {
            path.as_os_str().is_empty() || wanted(path) || mode == SUBMODULE
        };
        let listed: Vec<_> =
            listed.into_iter().filter(|(_, path, mode)| kept(path, *mode)).collect();
        if listed.iter().all(|(.., mode)| *mode == SUBMODULE) {
            return Err(Error::NoManifests(self.shown()));
        }
        let files = listed.iter().filter(|(.., mode)| *mode != SUBMODULE);
        let mut contents = git.contents(files.map(|(object, ..)| object.as_str()))?.into_iter();
        listed
            .into_iter()
            .map(|(_, path, mode)| {
                let content = match mode {
                    SUBMODULE => Content::Submodule,
                    mode => {
                        let bytes = contents.next().ok_or_else(|| git.misunderstood())?;
                        if mode == LINK {
                            Content::Link(self::path(&bytes))
                        } else {
                            Content::File(bytes)
                        }
                    }
                };
                Ok(Entry { path, content })
            })
            .collect()
    }
}

/// Modes of tree entries. Source: gitdatamodel, "tree".
const FILE: u32 = 0o100_644;
const LINK: u32 = 0o120_000;
const SUBMODULE: u32 = 0o160_000;

struct Git<'a> {
    program: &'a Path,
    of: &'a Revision,
}

impl Git<'_> {
    fn misunderstood(&self) -> Error {
        Error::Answer(self.of.shown())
    }

    fn run(&self, arguments: &[&str], input: Vec<u8>) -> Result<Output, Error> {
        let given = Given { input, ..Given::default() };
        let words = arguments.iter().map(OsStr::new);
        process::run(Program::Git, self.program, words, given, LIMITS)
            .map_err(|source| Error::Run { revision: self.of.shown(), source })
    }

    /// Runs a command that must not fail.
    fn output(&self, arguments: &[&str], input: Vec<u8>) -> Result<Vec<u8>, Error> {
        let output = self.run(arguments, input)?;
        if output.status.success() { Ok(output.stdout) } else { Err(self.said(&output)) }
    }

    fn said(&self, output: &Output) -> Error {
        let message = output.stderr.lines().next().unwrap_or_default();
        let message = message.trim_start_matches("fatal: ").to_owned();
        let message = if message.is_empty() { output.status.to_string() } else { message };
        Error::Git { revision: self.of.shown(), message }
    }

    /// The hash of what a name stands for, if it stands for anything.
    fn hash(&self, name: &str) -> Result<Option<String>, Error> {
        let output = self.run(&["rev-parse", "--verify", "--quiet", name], Vec::new())?;
        if !output.status.success() {
            return Ok(None);
        }
        let hash = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let is_hash = !hash.is_empty() && hash.bytes().all(|b| b.is_ascii_hexdigit());
        if is_hash { Ok(Some(hash)) } else { Err(self.misunderstood()) }
    }

    /// The hash of the tree or file, and whether it is a tree.
    fn object(&self) -> Result<(String, bool), Error> {
        let Revision { revision, path } = self.of;
        let Some(tree) = self.hash(&format!("{revision}^{{tree}}"))? else {
            // Not even a repository, or one that git refuses to read: it says that best itself.
            let shallow = self.output(&["rev-parse", "--is-shallow-repository"], Vec::new())?;
            let shallow = shallow.starts_with(b"true");
            let revision = printable(revision).into_owned();
            return Err(Error::Unknown { revision, shallow });
        };
        let Some(path) = path else { return Ok((tree, true)) };
        let Some(object) = self.hash(&format!("{revision}:{path}"))? else {
            let [revision, path] = [revision, path].map(|word| printable(word).into_owned());
            return Err(Error::NoPath { revision, path });
        };
        let kind = self.output(&["cat-file", "-t", &object], Vec::new())?;
        Ok((object, kind.starts_with(b"tree")))
    }

    /// Every file below a tree: hash, path and mode, sorted by path.
    fn list(&self, tree: &str) -> Result<Vec<(String, PathBuf, u32)>, Error> {
        let listed = self.output(&["ls-tree", "-r", "-z", "--full-tree", tree], Vec::new())?;
        let entry = |line: &[u8]| {
            let tab = memchr::memchr(b'\t', line)?;
            let words = std::str::from_utf8(&line[..tab]).ok()?;
            let mut words = words.split(' ');
            let (mode, _, hash) = (words.next()?, words.next()?, words.next()?);
            Some((hash.to_owned(), path(&line[tab + 1..]), u32::from_str_radix(mode, 8).ok()?))
        };
        let lines = listed.split(|byte| *byte == 0).filter(|line| !line.is_empty());
        let mut entries: Vec<_> =
            lines.map(entry).collect::<Option<_>>().ok_or_else(|| self.misunderstood())?;
        // Within a directory as files on disk are read.
        entries.sort_by(|(_, a, _), (_, b, _)| a.cmp(b));
        Ok(entries)
    }

    /// The contents of files, in their order.
    fn contents<'h>(&self, hashes: impl Iterator<Item = &'h str>) -> Result<Vec<Vec<u8>>, Error> {
        let asked: Vec<&str> = hashes.collect();
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let mut input = asked.join("\n").into_bytes();
        input.push(b'\n');
        let answer = self.output(&["cat-file", "--batch"], input)?;
        let mut rest = answer.as_slice();
        let mut contents = Vec::with_capacity(asked.len());
        for hash in asked {
            // `<hash> blob <size>`, the content and a line's end.
            let content = (|| {
                let end = memchr::memchr(b'\n', rest)?;
                let head = std::str::from_utf8(&rest[..end]).ok()?;
                let size = head.strip_prefix(hash)?.strip_prefix(" blob ")?.parse().ok()?;
                let (content, after) = rest.get(end + 1..)?.split_at_checked(size)?;
                rest = after.strip_prefix(b"\n")?;
                Some(content.to_vec())
            })();
            contents.push(content.ok_or_else(|| self.misunderstood())?);
        }
        Ok(contents)
    }
}

#[cfg(unix)]
fn path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    OsStr::from_bytes(bytes).into()
}

#[cfg(not(unix))]
fn path(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_by_name() {
        let parse = |text: &str| text.parse::<Revision>();
        for (text, place) in [
            ("HEAD", "HEAD:a/b.yaml"),
            ("HEAD~1:", "HEAD~1:a/b.yaml"),
            ("v1:k8s/", "v1:k8s/a/b.yaml"),
            ("feature/x:./k8s", "feature/x:./k8s/a/b.yaml"),
        ] {
            let revision = parse(text).unwrap();
            assert_eq!(revision.place(Path::new("a/b.yaml")), Path::new(place));
        }
        let file = parse("HEAD:a.yaml").unwrap().place(Path::new(""));
        assert_eq!(file, Path::new("HEAD:a.yaml"));
        for text in ["", ":k8s", "-p", "--output=x", "HEAD:-x", "a\nb", "HEAD:a\u{1b}b"] {
            assert!(matches!(parse(text), Err(Error::Form(_))), "{text:?}");
        }
    }
}
