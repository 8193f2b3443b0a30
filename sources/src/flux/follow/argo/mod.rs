//! A repository of Argo CD, followed from Application to Application.
//!
//! In: a tree and a place in it. Out: [`Followed`]. A source in this repository is a directory of
//! manifests, a kustomization or a chart; charts go the way of Flux's releases ([`super::release`]),
//! kustomizations that of Flux's Kustomizations ([`super::build`]), since both change a kustomization.yaml
//! in the same way. What Applications make may be Applications again.
//!
//! Source: docs/semantics/argocd.md.

mod application;
mod chart;
mod hook;
mod kustomize;
mod revision;
mod scan;

use super::build::Builders;
use super::error::Error;
use super::object::Kustomization;
use super::release::{Around, Releases};
use super::rounds::{apis, links, not_made};
use super::variables::Known;
use super::{Followed, How, Made};
use crate::helm::parsed;
use crate::manifests::KUSTOMIZATION_NAMES;
use crate::tree::{Head, Named, Places, Tree, file_of, joined};
use application::{ARGO, Application, Destination, Source, plain};
use hook::Hook;
use kustomize::kustomization;
use netpol::cluster::Rendered;
use netpol::kinds;
use netpol::objects::{Severity, Warning};
use netpol::printable::printable;
use netpol::yaml;
use scan::{contains, not_read, of_set, own, scan};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// No repository has more, but one of a stranger may make them without end.
const MOST: usize = 10_000;

/// What an Application is called where somebody says that it need not have been read.
const KIND: &str = "Application.argoproj.io";

/// With this anywhere in it a file of a directory is no manifest.
const SKIPPED: &str = "+argocd:skip-file-rendering";

/// One directory that kustomize builds.
struct Build {
    /// Its Application, by its number.
    of: usize,
    what: Kustomization,
}

struct Rounds<'t> {
    tree: &'t Tree,
    places: Places,
    releases: Releases,
    /// So many charts were met.
    charts: usize,
    out: Followed,
    /// Those that are followed already.
    followed: Vec<Application>,
    /// The address of this repository.
    own: String,
    /// The branch that most follow.
    branch: String,
    /// Files that something was made of.
    built: BTreeSet<String>,
    /// The clusters that something is made for.
    clusters: BTreeSet<String>,
}

/// Follows all.
pub(super) fn follow(
    tree: &Tree,
    name: &str,
    place: Option<&str>,
    how: How<'_>,
) -> Result<Followed, Error> {
    let (scanned, warnings) = scan(tree, place.unwrap_or_default());
    if scanned.is_empty() {
        return Err(match warnings.into_iter().find(|it| it.severity == Severity::NotMade) {
            Some(first) => Error::Unread(name.to_owned(), Box::new(first)),
            None => Error::NoApplication(name.to_owned()),
        });
    }
    let builders = Builders::of(tree, name, how)?;
    let mut out = Followed { warnings, ..Followed::default() };
    out.warnings.extend(tree.warnings.iter().cloned());
    let own = own(tree, &scanned).map_err(|addresses| {
        let addresses = addresses.iter().map(|it| crate::address::without_user(it).into_owned());
        Error::Own { repository: name.to_owned(), addresses: addresses.collect() }
    })?;
    let of_own = scanned.iter().flat_map(Application::sources);
    let of_own = of_own.filter(|source| source.chart.is_empty() && plain(&source.repo_url) == own);
    let branch = revision::most(of_own.map(|source| source.target_revision.as_str()));
    let mut rounds = Rounds {
        tree,
        branch,
        places: Places::default(),
        releases: Releases::default(),
        charts: 0,
        out,
        followed: Vec::new(),
        own,
        built: BTreeSet::new(),
        clusters: BTreeSet::new(),
    };
    // What another one makes comes with what that makes of it.
    let made = |it: &Application| scanned.iter().any(|other| contains(other, it));
    let (later, first): (Vec<_>, Vec<_>) = scanned.iter().cloned().partition(made);
    // In a circle none is the first.
    let (first, later) = if first.is_empty() { (later, Vec::new()) } else { (first, later) };
    rounds.all(&builders, first, place.unwrap_or_default());
    let left: Vec<&Application> = later
        .iter()
        .filter(|it| !it.file.as_ref().is_some_and(|file| rounds.built.contains(file)))
        .filter(|it| !rounds.followed.iter().any(|done| done.named == it.named))
        .collect();
    if let Some(first) = left.first() {
        let titles: Vec<String> = left.iter().map(|it| it.title()).collect();
        let titles = super::rounds::named(&titles);
        let message = format!("nothing that is followed makes {titles}, so Argo CD does not");
        rounds.out.warnings.push(Warning::new(&first.place, Severity::Note, message));
    }
    let sources = rounds.followed.iter().flat_map(Application::sources);
    let directories = sources.filter(|it| !it.path.is_empty()).map(|it| joined("", &it.path));
    let directories: Vec<String> = directories.collect();
    rounds.out.warnings.extend(links(tree, &builders.outward, &directories));
    let Rounds { mut out, clusters, .. } = rounds;
    if clusters.len() > 1 {
        let (repository, clusters) = (name.to_owned(), clusters.into_iter().collect());
        return Err(Error::Servers { repository, clusters });
    }
    out.kept = tree.kept(out.documents.iter().map(|it| &it.rendered));
    Ok(out)
}

impl Rounds<'_> {
    fn all(&mut self, builders: &Builders<'_>, first: Vec<Application>, place: &str) {
        let mut next = first;
        while !next.is_empty() {
            let (mut builds, mut made) = (Vec::new(), Vec::new());
            for it in std::mem::take(&mut next) {
                let known = self.followed.iter().any(|done| done.named == it.named);
                if known || self.followed.len() >= MOST {
                    continue;
                }
                let number = self.followed.len();
                self.followed.push(it.clone());
                self.sources(number, &it, &mut builds, &mut made);
            }
            let what: Vec<Kustomization> = builds.iter().map(|build| build.what.clone()).collect();
            for (Build { of, what }, result) in builds.into_iter().zip(builders.build(&what)) {
                let of = self.followed[of].clone();
                match result.map(String::from_utf8) {
                    Ok(Ok(text)) => {
                        let directory = joined("", &what.spec.path);
                        made.extend(self.built(&of, &directory, &text));
                    }
                    Ok(Err(_)) => self.unread(&of, "what kustomize made of it is no text"),
                    Err(why) => self.unread(&of, &format!("it is not built: {why}")),
                }
            }
            made.extend(self.inflated(builders, place));
            next = made;
        }
    }

    /// Has the charts of a round inflated; the Applications that they make.
    fn inflated(&mut self, builders: &Builders<'_>, place: &str) -> Vec<Application> {
        let before = self.out.documents.len();
        let (tree, releases, out) = (self.tree, &mut self.releases, &mut self.out);
        let (sources, specs) = (&BTreeMap::new(), &BTreeMap::new());
        let here = &|kind: &str, _: &Named| kind == "GitRepository";
        let known = &Known::default();
        releases.finish(&Around { tree, known, builders, sources, place, specs, here }, out);
        let mut made = Vec::new();
        for it in self.out.documents.split_off(before) {
            let rendered = it.rendered.clone();
            let document = yaml::Document::whole(&rendered.text);
            let node = yaml::parse(&document).ok().flatten();
            let head = node.as_ref().and_then(Head::of);
            match (&node, head) {
                (Some(node), Some(head)) if head.group == ARGO => {
                    let found = self.of_argo(node, &head, None, &rendered.file);
                    self.inherit(&it.by, found.as_ref());
                    made.extend(found);
                }
                _ => self.out.documents.push(it),
            }
        }
        made
    }

    /// An object of Argo CD's own: an Application, or what is told of another.
    fn of_argo(
        &mut self,
        node: &yaml::Node<'_>,
        head: &Head<'_>,
        file: Option<String>,
        place: &Arc<Path>,
    ) -> Option<Application> {
        if head.is(ARGO, "Application") {
            return match Application::read(node, file, place.clone()) {
                Ok(found) => Some(found),
                Err(error) => {
                    self.out.warnings.push(not_read(head, &error, place));
                    None
                }
            };
        }
        // Of those in plain files it is told already.
        let new = |it: &Warning| !self.out.warnings.contains(it);
        let told = of_set(head, place).filter(new);
        self.out.warnings.extend(told);
        None
    }

    /// Goes through the sources of one.
    fn sources(
        &mut self,
        number: usize,
        of: &Application,
        builds: &mut Vec<Build>,
        made: &mut Vec<Application>,
    ) {
        if of.spec.source_hydrator.is_some() {
            return self.unread(of, "its source hydrator is not followed");
        }
        if of.sources().is_empty() {
            return self.unread(of, "it names no source");
        }
        for (number_of_source, source) in of.sources().into_iter().enumerate() {
            if !source.chart.is_empty() {
                self.chart(of, source, None);
                continue;
            }
            // It only lends its files to others.
            if source.path.is_empty() && !source.r#ref.is_empty() {
                continue;
            }
            if plain(&source.repo_url) != self.own {
                let address = crate::address::without_user(&source.repo_url);
                let address = printable(&address);
                let why = format!("its source {address} is another repository");
                // What that makes is the same for the same text.
                self.warn(of, &why, Some(of.text.as_str().into()));
                continue;
            }
            let directory = joined("", &source.path);
            if !self.tree.has_directory(&directory) {
                let path = printable(&source.path);
                self.unread(of, &format!("its path {path} is not in the repository"));
                continue;
            }
            if let Some(why) = revision::doubt(&source.target_revision, &self.branch, self.tree) {
                self.doubt(of, of.title().into(), &why);
            }
            let overridden = match self.overridden(of, source, number_of_source, &directory) {
                Ok(overridden) => overridden,
                Err(why) => {
                    self.unread(of, &why);
                    continue;
                }
            };
            let source = &*overridden;
            let has = |name: &str| self.tree.has(&joined(&directory, name));
            if source.plugin.is_some() {
                self.unread(of, "plugins are not followed");
            } else if source.helm.is_some() || has("Chart.yaml") {
                self.chart(of, source, Some(&directory));
            } else if source.kustomize.is_some() || KUSTOMIZATION_NAMES.iter().any(|it| has(it)) {
                builds.push(Build { of: number, what: kustomization(of, source) });
            } else {
                made.extend(self.directory(of, source, &directory));
            }
        }
    }

    /// A source with what files in its directory say of it; the error is a sentence.
    ///
    /// Source: docs/semantics/argocd.md#overrides.
    fn overridden<'s>(
        &self,
        of: &Application,
        source: &'s Source,
        number: usize,
        directory: &str,
    ) -> Result<Cow<'s, Source>, String> {
        let mut patches = Vec::new();
        for name in of.overrides() {
            let file = joined(directory, &name);
            let Some(text) = self.tree.text(&file) else { continue };
            let patch =
                parsed(&text).map_err(|_| format!("{} is not understood", printable(&file)))?;
            patches.push(patch);
        }
        if patches.is_empty() {
            return Ok(Cow::Borrowed(source));
        }
        let merged = of.overridden(source, number, patches);
        merged.map(Cow::Owned).map_err(|error| format!("{directory} overrides it: {error}"))
    }

    /// Tells that it is not known whether what is here of one is in force.
    fn doubt(&mut self, of: &Application, by: Arc<str>, why: &str) {
        if self.out.doubts.contains_key(&by) {
            return;
        }
        let mut warning = not_made(&of.place, KIND, format!("{}: {why}", of.title()));
        // For the same reason the same is in force, whatever is here.
        warning.text = Some(warning.message.as_str().into());
        self.out.doubts.extend(warning.gap().map(|gap| (by, gap)));
        self.out.warnings.push(warning);
    }

    /// What is not known of one is not known of those that it makes.
    fn inherit(&mut self, maker: &str, made: Option<&Application>) {
        if let (Some(gap), Some(made)) = (self.out.doubts.get(maker).cloned(), made) {
            self.out.doubts.entry(made.title().into()).or_insert(gap);
        }
    }

    /// Takes what kustomize printed for a directory; the Applications among it.
    fn built(&mut self, of: &Application, directory: &str, text: &str) -> Vec<Application> {
        let mut made = Vec::new();
        for document in yaml::split(text) {
            let Ok(Some(node)) = yaml::parse(&document) else { continue };
            let Some(head) = Head::of(&node) else { continue };
            let file = file_of(&node, directory);
            let rendered =
                self.places.of(self.tree, file.as_deref(), &head, &of.place, document.text);
            made.extend(self.object(of, file, rendered));
        }
        made
    }

    /// Takes the manifests of a directory; the Applications among them.
    ///
    /// Source: docs/semantics/argocd.md#directory.
    fn directory(
        &mut self,
        of: &Application,
        source: &Source,
        directory: &str,
    ) -> Vec<Application> {
        let options = source.directory.clone().unwrap_or_default();
        if !options.include.is_empty() || !options.exclude.is_empty() {
            self.unread(of, "include and exclude of its directory are not followed");
            return Vec::new();
        }
        let mut made = Vec::new();
        let tree = self.tree;
        for file in tree.below(directory) {
            let below = file[directory.len()..].trim_start_matches('/');
            let extension = below.rsplit_once('.').map(|(_, extension)| extension);
            if below.contains('/') && !options.recurse {
                continue;
            }
            match extension {
                Some("yaml" | "yml" | "json") => {}
                Some("jsonnet") => {
                    self.unread(of, &format!("{} is not followed", printable(file)));
                    continue;
                }
                _ => continue,
            }
            let Some(text) = tree.text(file) else { continue };
            if text.contains(SKIPPED) {
                continue;
            }
            for document in yaml::split(&text) {
                let file = Some(file.to_owned());
                let node = match yaml::parse(&document) {
                    Ok(Some(node)) => node,
                    Ok(None) => continue,
                    Err(error) => {
                        let name = printable(file.as_deref().unwrap_or_default()).into_owned();
                        self.unread(of, &format!("{name} is not understood: {}", error.message()));
                        continue;
                    }
                };
                let Some(head) = Head::of(&node) else { continue };
                let rendered =
                    self.places.of(tree, file.as_deref(), &head, &of.place, document.text);
                made.extend(self.object(of, file, rendered));
            }
        }
        made
    }

    /// Takes one object.
    fn object(
        &mut self,
        of: &Application,
        file: Option<String>,
        rendered: Arc<Rendered>,
    ) -> Option<Application> {
        let node = yaml::parse(&yaml::Document::whole(&rendered.text)).ok()??;
        let head = Head::of(&node)?;
        let place = rendered.file.clone();
        self.built.extend(file.clone());
        let hook = Hook::of(&node);
        if hook == Hook::Never {
            return None;
        }
        if head.group == ARGO {
            let made = self.of_argo(&node, &head, file, &place);
            self.inherit(&of.title(), made.as_ref());
            return made;
        }
        if head.is("", "Secret") {
            return None;
        }
        self.cluster(&of.spec.destination);
        apis(&node, &mut self.releases.apis);
        let namespace = Some(of.spec.destination.namespace.clone());
        let mut by: Arc<str> = of.title().into();
        let api_version = node.get("apiVersion").and_then(yaml::Node::as_str).unwrap_or_default();
        let known = kinds::lookup(api_version, head.kind);
        let is_policy = matches!(known, kinds::Known::Read(kind) if kind.is_policy());
        if hook == Hook::Passes && is_policy && !self.out.doubts.contains_key(&by) {
            let why = "policies that are its hooks are there only while it is synced";
            by = format!("hooks of {by}").into();
            self.doubt(of, by.clone(), why);
        }
        self.out.documents.push(Made { rendered, namespace, by });
        None
    }

    fn cluster(&mut self, destination: &Destination) {
        self.clusters.insert(destination.cluster().to_owned());
    }

    fn unread(&mut self, of: &Application, why: &str) {
        self.warn(of, why, None);
    }

    /// The same, with the text that says the same where it is the same.
    fn warn(&mut self, of: &Application, why: &str, text: Option<Arc<str>>) {
        let message = format!("{}: {why}", of.title());
        let mut warning = not_made(&of.place, KIND, message);
        warning.text = text;
        self.out.warnings.push(warning);
    }
}
