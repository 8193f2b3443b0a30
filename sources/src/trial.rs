//! What kustomize would make of a directory once files in it are written, before any is written there.
//!
//! In: a directory, and files as they are to be. Out: every object that the real kustomize makes of a copy of
//! it, by itself and as each Kustomization of Flux in the same repository would have it. The copy is of
//! the whole repository where the directory is in one, since kustomizations lead anywhere in it; it goes when
//! the [`Trial`] is dropped, and nothing is ever written beside it.
//!
//! Source: docs/semantics/flux.md#generated-kustomization.

use crate::limits::{Budget, Limits};
use crate::manifests::{Error, KUSTOMIZATION_NAMES, Kustomize, May, cause, outside, remote, said};
use crate::process::Home;
use crate::tree::{Copy, Top, Tree, joined};
use netpol::yaml::{self, Node};
use serde_json::{Map, Value, json};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The group of Flux's Kustomizations.
const OF_FLUX: &str = "kustomize.toolkit.fluxcd.io/";

/// What of a Kustomization of Flux changes what is built, under the name of the same field of kustomize.
const OF_DELIVERY: &[(&str, &str)] = &[
    ("targetNamespace", "namespace"),
    ("namePrefix", "namePrefix"),
    ("nameSuffix", "nameSuffix"),
    ("patches", "patches"),
    ("components", "components"),
];

/// More files than these are not copied where nothing says what belongs together.
const MOST_FILES: u64 = 20_000;

/// Where a kustomization is written that stands for one of Flux.
const BESIDE: &str = ".kubectl-netpol-trial";

/// A throw-away copy of a directory.
#[derive(Debug)]
pub struct Trial {
    program: Option<Kustomize>,
    may: May,
    /// The directory as it was named.
    named: PathBuf,
    /// The copy of what is around it.
    root: PathBuf,
    /// The directory in the copy, from its top, with slashes.
    below: String,
    deliveries: Vec<Delivery>,
    _copy: Option<Copy>,
    _home: Option<Home>,
}

/// A Kustomization of Flux that may deliver a directory and changes what it delivers.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// `Kustomization flux-system/apps`.
    pub name: String,
    /// The file that has it, from the top of the repository.
    pub file: String,
    /// The fields that change what is built, by their own names.
    pub fields: Vec<&'static str>,
    /// What it builds, from the top.
    path: String,
    /// The same fields for kustomize.
    extra: Map<String, Value>,
}

impl Trial {
    /// Copies a directory, which need not be there; `pull` and `charts`: kustomize may fetch what is
    /// elsewhere, and have helm inflate charts.
    pub fn of(directory: &Path, pull: bool, charts: bool, limits: Limits) -> Result<Self, Error> {
        let may = May { pull, charts };
        let unreadable = |source| Error::Unreadable { path: directory.to_owned(), source };
        let real = real(directory).map_err(unreadable)?;
        let described = KUSTOMIZATION_NAMES.iter().any(|name| real.join(name).is_file());
        let repository = real.ancestors().find(|path| path.join(".git").exists());
        let top = match repository {
            Some(top) => top,
            None if described => alone(&real),
            None => &real,
        };
        let below = real.strip_prefix(top).unwrap_or(Path::new(""));
        let below: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
        let below = below.join("/");
        let budget = Budget::new(match repository {
            Some(_) => limits,
            // What a kustomization without a repository leads to may be anything.
            None => Limits { files: limits.files.min(MOST_FILES), ..limits },
        });
        let tree = (described || repository.is_some())
            .then(|| Tree::read(&Top::Directory(top.to_owned()), &budget))
            .transpose()?;
        let deliveries = tree.as_ref().filter(|_| repository.is_some());
        let deliveries = deliveries.map_or_else(Vec::new, |tree| deliveries_of(tree, &below));
        let (copy, home) = match tree.filter(|_| described || !deliveries.is_empty()) {
            Some(tree) => (Some(tree.copy()?.0), None),
            None => (None, Some(Home::new().map_err(unreadable)?)),
        };
        let root = match (&copy, &home) {
            (Some(copy), _) => copy.root.clone(),
            (None, Some(home)) => home.path().canonicalize().map_err(unreadable)?,
            (None, None) => PathBuf::new(),
        };
        fs::create_dir_all(root.join(&below)).map_err(unreadable)?;
        let (program, named) = (Kustomize::find(), directory.to_owned());
        Ok(Self { program, may, named, root, below, deliveries, _copy: copy, _home: home })
    }

    /// Whether there is a program that builds.
    pub fn can_build(&self) -> bool {
        self.program.is_some()
    }

    /// Writes a file of the copy, by its name from the directory.
    pub fn write(&self, name: &Path, content: &str) -> Result<(), Error> {
        let path = self.root.join(&self.below).join(name);
        let write = || {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(&path, content)
        };
        write().map_err(|source| Error::Unreadable { path: self.named.join(name), source })
    }

    /// Takes a file of the copy away.
    pub fn remove(&self, name: &Path) -> Result<(), Error> {
        match fs::remove_file(self.root.join(&self.below).join(name)) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(Error::Unreadable { path: self.named.join(name), source })
            }
            _ => Ok(()),
        }
    }

    /// Every object that the directory makes.
    pub fn build(&self) -> Result<Vec<Value>, Error> {
        self.run(&self.root.join(&self.below), false)
    }

    /// The Kustomizations of Flux that may deliver the directory: by themselves or by what they build on the
    /// way they may change what it makes.
    pub fn deliveries(&self) -> &[Delivery] {
        &self.deliveries
    }

    /// What Flux would make of it, with what a Kustomization has besides and without.
    pub fn delivered(&self, by: &Delivery, changed: bool) -> Result<Vec<Value>, Error> {
        // Where it has no kustomization.yaml, all below is taken, and so is the directory.
        let described =
            KUSTOMIZATION_NAMES.iter().any(|name| self.root.join(&by.path).join(name).is_file());
        let path = if described { &by.path } else { &self.below };
        let mut text = json!({
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [format!("../{path}")],
        });
        if let Some(fields) = text.as_object_mut().filter(|_| changed) {
            fields.extend(by.extra.clone());
        }
        let place = self.root.join(BESIDE);
        let written = fs::create_dir_all(&place)
            .and_then(|()| fs::write(place.join(KUSTOMIZATION_NAMES[0]), text.to_string()));
        written.map_err(|source| Error::Unreadable { path: self.named.clone(), source })?;
        // kustomize-controller lets files stand anywhere in the repository.
        self.run(&place, true)
    }

    fn run(&self, path: &Path, loose: bool) -> Result<Vec<Value>, Error> {
        let directory = || self.named.clone();
        let program = self.program.as_ref().ok_or_else(|| Error::NoKustomize(directory()))?;
        if let Some(mut remote) = remote(path).filter(|_| !self.may.pull) {
            remote.place = remote.place.map(|place| self.shown(&place));
            return Err(Error::Remote { directory: directory(), remote });
        }
        let output = program
            .run(path, self.may, loose)
            .map_err(|source| Error::KustomizeRun { directory: directory(), source })?;
        if !output.status.success() {
            let stderr = cause(&said(&output), &self.root.join(&self.below), &self.named);
            let stderr = stderr.replace(&format!("{}/", self.root.display()), "");
            let stderr =
                stderr.replace(&*self.root.to_string_lossy(), &self.named.to_string_lossy());
            return Err(Error::Kustomize { directory: directory(), program: program.name, stderr });
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let documents: Vec<_> = yaml::split(&text).collect();
        let values = documents.iter().map(|document| yaml::from_document::<Value>(document));
        let values: Result<Vec<Option<Value>>, _> = values.collect();
        let values = values.map_err(|error| Error::Kustomize {
            directory: directory(),
            program: program.name,
            stderr: format!("its output is not understood: {}", error.message()),
        })?;
        Ok(values.into_iter().flatten().collect())
    }

    /// What a file of the copy is called.
    fn shown(&self, place: &Path) -> PathBuf {
        let inside = place.strip_prefix(self.root.join(&self.below));
        match (inside, place.strip_prefix(&self.root)) {
            (Ok(inside), _) => self.named.join(inside),
            (_, Ok(inside)) => inside.to_owned(),
            _ => place.to_owned(),
        }
    }
}

/// A path without links on the way, as far as it is there.
fn real(path: &Path) -> io::Result<PathBuf> {
    let mut there = std::path::absolute(path)?;
    let mut missing = Vec::new();
    loop {
        match there.canonicalize() {
            Ok(real) => return Ok(missing.iter().rev().fold(real, |path, part| path.join(part))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let Some(name) = there.file_name() else { return Err(io::ErrorKind::InvalidInput.into()) };
        missing.push(name.to_owned());
        there.pop();
    }
}

/// The nearest directory out of which nothing leads that a kustomization names.
fn alone(directory: &Path) -> &Path {
    let mut closed = directory.ancestors().filter(|top| outside(directory, top).is_none());
    closed.next().unwrap_or(directory)
}

/// The Kustomizations of Flux in a repository that build a directory, or one above it.
fn deliveries_of(tree: &Tree, below: &str) -> Vec<Delivery> {
    let mut found = Vec::new();
    let is_yaml = |name: &&str| {
        Path::new(name).extension().is_some_and(|ending| ending == "yaml" || ending == "yml")
    };
    for file in tree.below("").filter(is_yaml) {
        let Some(text) = tree.text(file).filter(|text| text.contains(OF_FLUX)) else { continue };
        for document in yaml::split(&text) {
            // What cannot be read here Flux does not read either.
            let Ok(Some(root)) = yaml::parse(&document) else { continue };
            found.extend(delivery_of(&root, file, below));
        }
    }
    found
}

fn delivery_of(root: &Node<'_>, file: &str, below: &str) -> Option<Delivery> {
    let word = |node: &Node<'_>, key: &str| node.get(key)?.as_str().map(ToOwned::to_owned);
    let of_flux = word(root, "apiVersion")?.starts_with(OF_FLUX);
    let spec = root.get("spec").filter(|_| of_flux)?;
    let metadata =
        root.get("metadata").filter(|_| word(root, "kind").as_deref() == Some("Kustomization"))?;
    let path = joined("", &word(spec, "path").unwrap_or_default());
    let leads = path.is_empty()
        || below.strip_prefix(&*path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if !leads {
        return None;
    }
    let (mut fields, mut extra) = (Vec::new(), Map::new());
    for (own, theirs) in OF_DELIVERY {
        let Some(node) = spec.get(own).filter(|node| !node.is_null()) else { continue };
        let mut value: Value = yaml::from_node(node).ok()?;
        if *own == "components" {
            for path_of in value.as_array_mut().into_iter().flatten() {
                let from = format!("{path}/{}", path_of.as_str().unwrap_or_default());
                *path_of = format!("../{}", joined("", &from)).into();
            }
        }
        fields.push(*own);
        extra.insert((*theirs).to_owned(), value);
    }
    let namespace = word(metadata, "namespace").unwrap_or_else(|| "flux-system".to_owned());
    let name = format!("Kustomization {namespace}/{}", word(metadata, "name")?);
    Some(Delivery { name, file: file.to_owned(), fields, path, extra })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(text: &str, below: &str) -> Option<Delivery> {
        let document = yaml::split(text).next()?;
        let root = yaml::parse(&document).unwrap()?;
        delivery_of(&root, "apps.yaml", below)
    }

    /// docs/semantics/flux.md#path: a path is from the top of the source.
    #[test]
    fn what_flux_would_change() {
        let text = |spec: &str| {
            format!(
                "apiVersion: kustomize.toolkit.fluxcd.io/v1\n\
                 kind: Kustomization\n\
                 metadata: {{name: apps, namespace: flux-system}}\n\
                 spec: {{{spec}}}\n"
            )
        };
        let found = delivery(&text("path: ./apps/, targetNamespace: shop"), "apps/team-a").unwrap();
        assert_eq!(found.name, "Kustomization flux-system/apps");
        assert_eq!(found.fields, ["targetNamespace"]);
        assert_eq!(found.extra["namespace"], "shop");
        // It changes nothing by itself, but what leads there may.
        let plain = delivery(&text("path: ./apps"), "apps").unwrap();
        assert!(plain.fields.is_empty() && plain.extra.is_empty());
        let other = text("path: ./apps/team, targetNamespace: shop");
        assert_eq!(delivery(&other, "apps/team-a"), None);
        let parts = delivery(&text("path: ./apps, components: [../part]"), "apps").unwrap();
        assert_eq!(parts.extra["components"], json!(["../part"]));
        let of_kustomize =
            text("path: ., targetNamespace: shop").replace(OF_FLUX, "kustomize.config.k8s.io/");
        assert_eq!(delivery(&of_kustomize, "apps"), None);
    }

    #[test]
    fn a_path_that_is_not_there_yet() {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().canonicalize().unwrap();
        assert_eq!(real(&top.join("a/b")).unwrap(), top.join("a/b"));
        assert!(real(&top.join("a/../..")).is_err());
    }
}
