//! What kustomize makes of a directory, each object with the file that it is written in.
//!
//! In: a directory, or one at a Git revision as `git:REV:PATH`. Out: [`Built`]. kustomize tells the file of
//! an object where a kustomization asks for that, so what it builds is one of our own, in a throw-away
//! directory, that names the other. A revision is built in a throw-away copy of all its files, since bases
//! may be anywhere in it.
//!
//! Source: docs/semantics/flux.md#origin-of-an-object.

use super::error::Error;
use super::kustomize::{Kustomize, outside, remote, said};
use super::text::{self, MAX_FILE};
use crate::address::without_user;
use crate::limits::Budget;
use crate::process::{self, Home};
use crate::revision::{self, Revision};
use crate::tree::{Copy, Head, Places, Texts, Top, Tree, file_of};
use netpol::cluster::Rendered;
use netpol::objects::shown;
use netpol::printable::printable;
use netpol::yaml;
use serde_json::json;
use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// How the name of a Git revision begins.
const GIT: &str = "git:";

/// What kustomize may do besides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct May {
    /// Fetch what a kustomization names elsewhere.
    pub(crate) pull: bool,
    /// Have helm inflate charts.
    pub(crate) charts: bool,
}

/// What was made.
#[derive(Debug, Default)]
pub(super) struct Built {
    /// Objects with their files.
    pub(super) documents: Vec<Arc<Rendered>>,
    /// Texts of files that cannot be read again.
    pub(super) kept: Vec<(Arc<Path>, String)>,
    /// What kustomize printed, where nothing is known of its files.
    pub(super) whole: Option<(Vec<u8>, Arc<Path>)>,
}

/// Builds a directory.
pub(super) fn build(directory: &Path, may: May, budget: &Budget) -> Result<Built, Error> {
    let program = Kustomize::find().ok_or_else(|| Error::NoKustomize(directory.to_owned()))?;
    let name = directory.to_str().filter(|_| !directory.exists());
    match name.and_then(|name| name.strip_prefix(GIT)) {
        Some(revision) => {
            let revision = revision.parse()?;
            AtRevision { directory, program, may }.build(&revision, budget)
        }
        None => on_disk(directory, &program, may),
    }
}

/// What a failure is called.
fn failed(directory: &Path, program: &Kustomize, stderr: String) -> Error {
    Error::Kustomize { directory: directory.to_owned(), program: program.name, stderr }
}

fn on_disk(directory: &Path, program: &Kustomize, may: May) -> Result<Built, Error> {
    let remote = remote(directory);
    let fetched = remote.as_ref().is_some_and(|remote| remote.place.is_none());
    if let Some(remote) = remote.filter(|_| !may.pull) {
        return Err(Error::Remote { directory: directory.to_owned(), remote });
    }
    let run = |path: &Path| {
        program
            .run(path, may, false)
            .map_err(|source| Error::KustomizeRun { directory: directory.to_owned(), source })
    };
    if let Ok(real) = directory.canonicalize()
        && !fetched
        && let Some(wrapper) = Wrapper::of(&real)
    {
        let output = run(&wrapper.path)?;
        if output.status.success() {
            let files = OnDisk { directory, real: &real };
            return Ok(Built {
                documents: documents(&output, &wrapper, &files, directory),
                ..Built::default()
            });
        }
    }
    // It says itself what is wrong with it, or can be built alone only.
    let output = run(directory)?;
    if !output.status.success() {
        let top = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
        return Err(failed(directory, program, cause(&said(&output), &top, directory)));
    }
    // What was fetched is told by its address, and that without its password.
    let path = match without_user(&directory.to_string_lossy()) {
        Cow::Owned(name) => Path::new(&name).into(),
        Cow::Borrowed(_) => directory.into(),
    };
    Ok(Built { whole: Some((output.stdout, path)), ..Built::default() })
}

/// A directory at a revision.
struct AtRevision<'d> {
    directory: &'d Path,
    program: Kustomize,
    may: May,
}

impl AtRevision<'_> {
    fn build(&self, revision: &Revision, budget: &Budget) -> Result<Built, Error> {
        let (whole, below) = revision.apart()?;
        let tree = Tree::read(&Top::Revision(whole), budget)?;
        let unknown = || {
            let (revision, path) = (revision.name(), printable(&below).into_owned());
            Error::Revision(revision::Error::NoPath { revision, path })
        };
        if !tree.has_directory(&below) {
            return Err(unknown());
        }
        let (copy, _) = tree.copy()?;
        let real = copy.root.join(&below);
        let refuse = |why| Err(failed(self.directory, &self.program, why));
        if let Some((file, name)) = outside(&real, &copy.root) {
            let file = self.named(&tree, &copy, &file);
            return refuse(format!("{file} takes {name}, which is not in the repository"));
        }
        if let Some(mut remote) = remote(&real).filter(|_| !self.may.pull) {
            let named = |place: PathBuf| PathBuf::from(self.named(&tree, &copy, &place));
            remote.place = remote.place.map(named);
            return Err(Error::Remote { directory: self.directory.to_owned(), remote });
        }
        let run = |path: &Path| {
            let directory = self.directory.to_owned();
            self.program
                .run(path, self.may, false)
                .map_err(|source| Error::KustomizeRun { directory, source })
        };
        if let Some(wrapper) = Wrapper::of(&real) {
            let output = run(&wrapper.path)?;
            if output.status.success() {
                let files = Copied { tree: &tree, copy: &copy };
                let documents = documents(&output, &wrapper, &files, self.directory);
                let kept = tree.kept(documents.iter());
                return Ok(Built { documents, kept, whole: None });
            }
        }
        let output = run(&real)?;
        if output.status.success() {
            let whole = Some((output.stdout, self.directory.into()));
            return Ok(Built { whole, ..Built::default() });
        }
        refuse(cause(&said(&output), &copy.root, Path::new("")))
    }

    /// What a file of the copy is called.
    fn named(&self, tree: &Tree, copy: &Copy, file: &Path) -> String {
        let inside = file.canonicalize().ok();
        let inside = inside.as_deref().unwrap_or(file);
        match inside.strip_prefix(&copy.root).ok().and_then(Path::to_str) {
            Some(name) => shown(&Tree::place(tree, name)),
            None => shown(self.directory),
        }
    }
}

/// A kustomization of our own that takes all from another directory, and asks for origins.
struct Wrapper {
    path: PathBuf,
    _home: Home,
}

impl Wrapper {
    /// Makes it; `None` where it cannot lead there.
    fn of(real: &Path) -> Option<Self> {
        // On Windows no path leads from one drive to another.
        if cfg!(windows) {
            return None;
        }
        let home = Home::new().ok()?;
        let path = home.path().canonicalize().ok()?;
        let to = relative(&path, real);
        let text = json!({
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [to.to_str()?],
            "buildMetadata": ["originAnnotations"],
        });
        std::fs::write(path.join("kustomization.yaml"), text.to_string()).ok()?;
        Some(Self { path, _home: home })
    }
}

/// Takes what was printed apart.
fn documents(
    output: &process::Output,
    wrapper: &Wrapper,
    files: &impl Texts,
    directory: &Path,
) -> Vec<Arc<Rendered>> {
    let text = String::from_utf8_lossy(&output.stdout);
    let from = wrapper.path.to_string_lossy();
    let otherwise: Arc<Path> = directory.into();
    let mut places = Places::default();
    let mut all = Vec::new();
    for document in yaml::split(&text) {
        let node = yaml::parse(&document).ok().flatten();
        let head = node.as_ref().and_then(Head::of);
        let made = if let (Some(node), Some(head)) = (&node, head) {
            let file = file_of(node, &from);
            places.of(files, file.as_deref(), &head, &otherwise, document.text)
        } else {
            let (file, text) = (otherwise.clone(), document.text.into());
            Arc::new(Rendered { file, from: None, text })
        };
        all.push(made);
    }
    all
}

/// Files on disk, by their full names without the first slash.
struct OnDisk<'d> {
    /// As it was named.
    directory: &'d Path,
    /// Without links on the way.
    real: &'d Path,
}

impl Texts for OnDisk<'_> {
    fn place(&self, name: &str) -> Option<Arc<Path>> {
        let file = Path::new("/").join(name);
        let real = file.canonicalize().ok().filter(|file| file.is_file())?;
        let place = normal(&self.directory.join(relative(self.real, &file)));
        let same = place.canonicalize().is_ok_and(|place| place == real);
        Some(if same { place.into() } else { file.into() })
    }

    fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        let bytes = text::read_file(&Path::new("/").join(name), MAX_FILE).ok()?;
        String::from_utf8(bytes).ok().map(Cow::Owned)
    }
}

/// Files of a copy, by their full names without the first slash.
struct Copied<'t> {
    tree: &'t Tree,
    copy: &'t Copy,
}

impl Copied<'_> {
    fn inside(&self, name: &str) -> Option<String> {
        let file = Path::new("/").join(name);
        Some(file.strip_prefix(&self.copy.root).ok()?.to_str()?.to_owned())
    }
}

impl Texts for Copied<'_> {
    fn place(&self, name: &str) -> Option<Arc<Path>> {
        Texts::place(self.tree, &self.inside(name)?)
    }

    fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        Texts::text(self.tree, &self.inside(name)?)
    }
}

/// The way from one directory to another path, both without links.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(to.components().skip(common)).collect();
    if path.as_os_str().is_empty() { ".".into() } else { path }
}

/// A path without `.`, and with `..` at its beginning only.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(out.components().next_back(), Some(Component::Normal(_))) =>
            {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

/// What is wrong, out of kustomize's account of all that it tried on the way, with paths as somebody named
/// them.
pub(crate) fn cause(said: &str, top: &Path, named: &Path) -> String {
    let mut rest = said;
    let mut files = Vec::new();
    loop {
        if let Some((_, inner)) = rest.split_once("accumulation err='") {
            let end = inner.rfind("': must build at directory").unwrap_or(inner.len());
            rest = inner.get(..end).unwrap_or(inner);
        } else if let Some(inner) = rest.strip_prefix("accumulating resources: ") {
            rest = inner;
        } else if let Some((file, inner)) = rest
            .strip_prefix("accumulating resources from '")
            .or_else(|| rest.strip_prefix("accumulating components: accumulateDirectory: \""))
            .and_then(|inner| inner.split_once("': "))
        {
            files.push(file);
            rest = inner;
        } else {
            break;
        }
    }
    let shown_top = format!("{}/", top.display());
    let name = named.to_string_lossy();
    let name = if name.is_empty() || name == "." { String::new() } else { format!("{name}/") };
    let words = if rest.contains("--enable-helm") {
        "it inflates charts, which kustomize does with --enable-helm only".to_owned()
    } else if rest.contains("unknown shorthand flag: 'c' in -c") {
        // Source: https://github.com/kubernetes-sigs/kustomize/issues/6013
        "it runs Helm 4 as if that were Helm 3: take Helm 3, or kustomize 5.8.1 or newer".to_owned()
    } else if let Some((path, _)) = rest
        .strip_prefix("evalsymlink failure on '")
        .filter(|rest| rest.ends_with("no such file or directory"))
        .and_then(|rest| rest.split_once('\''))
    {
        // The file that names it is told, and not where on this machine it was looked for.
        format!("there is no {path}")
    } else {
        match files.last() {
            Some(file) => format!("{file}: {rest}"),
            None => rest.to_owned(),
        }
    };
    words.replace(&shown_top, &name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_between_directories() {
        for (from, to, way) in [
            ("/tmp/x", "/work/over", "../../work/over"),
            ("/work", "/work/over/a.yaml", "over/a.yaml"),
            ("/work/over", "/work/base", "../base"),
            ("/work", "/work", "."),
        ] {
            assert_eq!(relative(Path::new(from), Path::new(to)), Path::new(way), "{from} {to}");
        }
        for (path, plain) in
            [("over/../base/a.yaml", "base/a.yaml"), ("./../a", "../a"), ("/a/../b", "/b")]
        {
            assert_eq!(normal(Path::new(path)), Path::new(plain), "{path}");
        }
    }

    /// Words of kustomize 5.7.
    #[test]
    fn the_cause_comes_first() {
        let top = Path::new("/work/k8s");
        let said = "accumulating resources: accumulation err='accumulating resources from 'nothing.yaml': \
            evalsymlink failure on '/work/k8s/nothing.yaml' : lstat /work/k8s/nothing.yaml: no such file or \
            directory': must build at directory: not a valid directory: evalsymlink failure on \
            '/work/k8s/nothing.yaml' : lstat /work/k8s/nothing.yaml: no such file or directory";
        assert_eq!(cause(said, top, Path::new("k8s")), "there is no k8s/nothing.yaml");
        let said = "trouble configuring builtin HelmChartInflationGenerator with config: x: must specify \
            --enable-helm";
        assert!(cause(said, top, top).starts_with("it inflates charts"));
        let said = "accumulating resources: accumulation err='accumulating resources from 'a.yaml': \
            MalformedYAMLError: yaml: line 3: did not find expected key in File: a.yaml': must build at \
            directory: '/work/k8s/a.yaml': file is not directory";
        let expected =
            "a.yaml: MalformedYAMLError: yaml: line 3: did not find expected key in File: a.yaml";
        assert_eq!(cause(said, top, Path::new("")), expected);
        assert_eq!(cause("something else", top, top), "something else");
    }
}
