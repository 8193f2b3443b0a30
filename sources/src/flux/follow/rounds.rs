//! From Kustomization to Kustomization: a round builds all that are known, and what they make may be
//! Kustomizations again.
//!
//! In: a tree and a place in it. Out: [`Followed`]. Variables may come from ConfigMaps that another
//! Kustomization makes, so what is built waits for these before it counts.

use super::artifact::{EXTENSIONS, Part};
use super::build::Builders;
use super::error::Error;
use super::object::{
    HELM, KUSTOMIZE, Kustomization, OPERATOR, Reference, SOURCE, is_left_out, is_not_substituted,
};
use super::release::{Around, Releases};
use super::roots::{Scanned, directory};
use super::substitute::substitute;
use super::variables::Known;
use super::{Followed, How};
use crate::tree::{Head, Named, Places, Tree, file_of, joined, within};
use netpol::objects::{Severity, Warning};
use netpol::printable::printable;
use netpol::yaml::{self, Node};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

/// No repository has more, but one of a stranger may make them without end.
const MOST: usize = 10_000;

/// What a Kustomization is called where somebody says that it need not have been followed.
pub(super) const KIND: &str = "Kustomization.kustomize.toolkit.fluxcd.io";

/// So many names are told.
const NAMED: usize = 3;

/// What was built and does not count yet.
struct Waiting {
    of: Kustomization,
    text: String,
}

struct Rounds<'t> {
    tree: &'t Tree,
    scanned: Scanned,
    known: Known,
    places: Places,
    releases: Releases,
    out: Followed,
    /// Those that are followed already.
    followed: Vec<Kustomization>,
    seen: BTreeSet<Named>,
    /// Files that something was built of.
    built: BTreeSet<String>,
    /// The sources of what following began with.
    own: BTreeSet<(String, Named)>,
    suspended: Vec<String>,
}

/// Follows all.
pub(super) fn follow(
    tree: &Tree,
    name: &str,
    place: Option<&str>,
    how: How<'_>,
) -> Result<Followed, Error> {
    let mut scanned = Scanned::of(tree, place.unwrap_or_default());
    let first = scanned.first(tree, name, place)?;
    let builders = Builders::of(tree, name, how)?;
    let mut out =
        Followed { warnings: std::mem::take(&mut scanned.warnings), ..Followed::default() };
    out.warnings.extend(tree.warnings.iter().cloned());
    let mut rounds = Rounds {
        tree,
        scanned,
        known: Known::default(),
        places: Places::default(),
        releases: Releases::default(),
        out,
        followed: Vec::new(),
        seen: BTreeSet::new(),
        built: BTreeSet::new(),
        own: BTreeSet::new(),
        suspended: Vec::new(),
    };
    rounds.own.extend(first.iter().filter_map(source));
    // One that is not followed is asked for once, too.
    let mut asked: HashSet<Named> = first.iter().map(|it| it.named.clone()).collect();
    rounds.all(&builders, first);
    loop {
        let mut further = match place {
            // What lies there is built as a whole.
            Some(_) => Vec::new(),
            None => rounds.scanned.further(&rounds.built, &rounds.followed),
        };
        further.retain(|it| asked.insert(it.named.clone()));
        if further.is_empty() {
            break;
        }
        rounds.own.extend(further.iter().filter_map(source));
        rounds.all(&builders, further);
    }
    rounds.tell();
    let directories: Vec<String> = rounds.followed.iter().map(directory).collect();
    rounds.out.warnings.extend(links(tree, &builders.outward, &directories));
    let Rounds { tree, known, mut releases, scanned, own, mut out, .. } = rounds;
    let here = |kind: &str, named: &Named| {
        let key = (kind.to_owned(), named.clone());
        let url = scanned.sources.get(&key);
        own.contains(&key)
            || url.is_some_and(|url| own.iter().any(|it| scanned.sources.get(it) == Some(url)))
    };
    let Scanned { sources, specs, .. } = &scanned;
    let (known, here, builders) = (&known, &here, &builders);
    let place = place.unwrap_or_default();
    releases.finish(&Around { tree, known, builders, sources, place, specs, here }, &mut out);
    out.kept = tree.kept(out.documents.iter().map(|(it, _)| it));
    Ok(out)
}

/// The source of a Kustomization; one that is only supposed names none.
fn source(of: &Kustomization) -> Option<(String, Named)> {
    let reference = &of.spec.source_ref;
    (!reference.kind.is_empty()).then(|| (reference.kind.clone(), reference.from(&of.named.0)))
}

/// What is told of Kustomizations and the like of which it is not known what they make.
pub(super) fn not_made(place: &Path, kind: &str, message: String) -> Warning {
    let mut warning = Warning::new(place, Severity::NotMade, message);
    warning.kind = Some(kind.to_owned());
    warning
}

/// What is told of links that lead out or nowhere, once for all of them: of one below a directory that is
/// built nobody knows what it would bring.
pub(super) fn links(tree: &Tree, outward: &[String], built: &[String]) -> Option<Warning> {
    let is_built = |link: &&String| built.iter().any(|directory| within(link, directory));
    let missed = outward.iter().find(is_built);
    let severity = if missed.is_some() { Severity::NotMade } else { Severity::Unread };
    let first = missed.or(outward.first())?;
    let more = match outward.len() - 1 {
        0 => String::new(),
        more => format!(", and so do {more} more"),
    };
    let message =
        format!("is a link that leads out of the repository or nowhere and is not followed{more}");
    Some(Warning::new(&tree.place(first), severity, message))
}

impl Rounds<'_> {
    /// Follows these and all that they make.
    fn all(&mut self, builders: &Builders<'_>, first: Vec<Kustomization>) {
        let mut next = self.admitted(first);
        let mut waiting: Vec<Waiting> = Vec::new();
        while !next.is_empty() || !waiting.is_empty() {
            let results = builders.build(&next);
            for (of, result) in next.drain(..).zip(results) {
                match result {
                    Ok(bytes) => match String::from_utf8(bytes) {
                        Ok(text) => waiting.push(Waiting { of, text }),
                        Err(_) => self.unread(&of, "what kustomize made of it is no text"),
                    },
                    Err(why) => self.unread(&of, &format!("it is not built: {why}")),
                }
            }
            // Maps are told apart by name alone, so all of a round are known before any counts.
            let mut made = Vec::new();
            loop {
                let ready = |it: &Waiting| self.known.variables(&it.of).1.is_empty();
                let (now, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(ready);
                waiting = later;
                if now.is_empty() {
                    break;
                }
                for it in now {
                    made.extend(self.count(&it));
                }
            }
            next = self.admitted(made);
            if next.is_empty() && !waiting.is_empty() {
                // Nothing is left that could bring what they wait for.
                let mut made = Vec::new();
                for it in std::mem::take(&mut waiting) {
                    let (_, missing) = self.known.variables(&it.of);
                    if !missing.is_empty() {
                        let message = format!(
                            "{}: {} of its variables is not in the repository, so what these are is not \
                             known",
                            it.of.title(),
                            missing.join(" and ")
                        );
                        self.note(&it.of, message);
                    }
                    made.extend(self.count(&it));
                }
                next = self.admitted(made);
            }
        }
    }

    /// Of these the ones to follow.
    fn admitted(&mut self, all: Vec<Kustomization>) -> Vec<Kustomization> {
        let mut admitted = Vec::new();
        for mut it in all {
            let key = match (&it.named.0, &it.file) {
                // What names no namespace is told apart by its file.
                (namespace, Some(file)) if namespace.is_empty() => {
                    (file.clone(), it.named.1.clone())
                }
                _ => it.named.clone(),
            };
            if self.followed.len() >= MOST || !self.seen.insert(key) {
                continue;
            }
            if it.spec.kube_config.is_some() {
                let message =
                    format!("{} applies to another cluster, and is not followed", it.title());
                self.note(&it, message);
                continue;
            }
            // An artifact that is a part of a source is that source, from the part's top.
            let artifact = it.spec.source_ref.from(&it.named.0);
            if it.spec.source_ref.kind == "ExternalArtifact"
                && let Some(Part { of, top }) = self.scanned.artifacts.get(&artifact)
            {
                it.spec.path = joined(top, &joined("", &it.spec.path));
                let (kind, (namespace, name)) = of.clone();
                let namespace = Some(namespace);
                it.spec.source_ref = Reference { kind, name, namespace, optional: false };
            }
            if let Some(elsewhere) = self.elsewhere(&it) {
                let message =
                    format!("{}: its source {elsewhere} is another repository", it.title());
                let mut warning = not_made(&it.place, KIND, message);
                // What that makes is the same for the same text.
                let of = source(&it).and_then(|source| self.scanned.specs.get(&source));
                warning.text = Some(format!("{:?} {of:?}", it.spec).into());
                self.out.warnings.push(warning);
                continue;
            }
            if it.spec.suspend {
                self.suspended.push(it.title());
            }
            self.followed.push(it.clone());
            admitted.push(it);
        }
        admitted
    }

    /// The source of a Kustomization, if it is not this repository.
    fn elsewhere(&self, of: &Kustomization) -> Option<String> {
        let key = source(of).filter(|key| !self.own.contains(key))?;
        let address = |key: &(String, Named)| {
            let bare = (key.0.clone(), (String::new(), key.1.1.clone()));
            self.scanned.sources.get(key).or_else(|| self.scanned.sources.get(&bare))
        };
        let own: Vec<&String> = self.own.iter().filter_map(address).collect();
        let other_kind = !self.own.is_empty() && self.own.iter().all(|own| own.0 != key.0);
        let here = match address(&key) {
            // What is put together of others has paths of its own.
            _ if key.0 == "ExternalArtifact" => false,
            Some(address) if !own.is_empty() => own.contains(&address),
            Some(_) => self.tree.has_directory(&directory(of)) && !other_kind,
            None => !other_kind,
        };
        (!here).then(|| super::object::title(&key.0, &key.1))
    }

    /// Takes what a Kustomization made; the Kustomizations among it.
    fn count(&mut self, waiting: &Waiting) -> Vec<Kustomization> {
        let Waiting { of, text } = waiting;
        let (variables, _) = self.known.variables(of);
        let own = directory(of);
        let mut made = Vec::new();
        let mut refused = None;
        for document in yaml::split(text) {
            let Ok(Some(node)) = yaml::parse(&document) else { continue };
            let file = file_of(&node, &own);
            let off = is_not_substituted(&node) || !document.text.contains('$');
            let filled = if of.spec.post_build.is_some() && variables.apply() && !off {
                match substitute(document.text, &variables) {
                    Ok(filled) => Some(filled),
                    Err(expression) => {
                        refused.get_or_insert((Head::of(&node).map(|it| it.named()), expression));
                        None
                    }
                }
            } else {
                None
            };
            let common = common(of, filled.as_deref().unwrap_or(document.text));
            let file = file.as_deref();
            made.extend(match common.or(filled) {
                None => self.object(of, file, document.text, &node),
                Some(text) => match yaml::parse(&yaml::Document::whole(&text)) {
                    Ok(Some(node)) => self.object(of, file, &text, &node),
                    Ok(None) => None,
                    Err(error) => {
                        let message = error.message();
                        self.unread(of, &format!("its variables make what is no YAML: {message}"));
                        None
                    }
                },
            });
        }
        if let Some((named, expression)) = refused {
            let (_, name) = named.unwrap_or_default();
            let message = format!(
                "Flux refuses {} in {}, and applies nothing of it",
                printable(&expression),
                printable(&name)
            );
            self.unread(of, &message);
        }
        made
    }

    /// Takes one object, as it would be applied.
    fn object(
        &mut self,
        of: &Kustomization,
        file: Option<&str>,
        text: &str,
        node: &Node<'_>,
    ) -> Option<Kustomization> {
        let head = Head::of(node)?;
        self.built.extend(file.map(str::to_owned));
        if is_left_out(node) {
            return None;
        }
        self.known.take(&head, node);
        let place = || file.map_or_else(|| of.place.clone(), |file| self.tree.place(file));
        if head.is(KUSTOMIZE, "Kustomization") {
            return match Kustomization::read(node, file.map(str::to_owned), place()) {
                Ok(found) => Some(found),
                Err(error) => {
                    let title = super::object::title("Kustomization", &head.named());
                    let message =
                        format!("{title} is not read: {}: {}", error.path(), error.message());
                    self.out.warnings.push(not_made(&place(), KIND, message));
                    None
                }
            };
        }
        if head.is(OPERATOR, "ResourceSet") {
            let title = super::object::title("ResourceSet", &head.named());
            let message = format!("{title} is not followed: what it makes is not known");
            let kind = format!("ResourceSet.{OPERATOR}");
            self.out.warnings.push(not_made(&place(), &kind, message));
            return None;
        }
        if head.group == SOURCE || head.group == EXTENSIONS {
            self.scanned.source(&head, node);
        }
        let rendered = self.places.of(self.tree, file, &head, &of.place, text);
        if head.is(HELM, "HelmRelease") {
            self.releases.take(node, &head, rendered);
        } else if !head.is("", "Secret") {
            apis(node, &mut self.releases.apis);
            self.out.documents.push((rendered, None));
        }
        None
    }

    fn unread(&mut self, of: &Kustomization, why: &str) {
        let message = format!("{}: {why}", of.title());
        self.out.warnings.push(not_made(&of.place, KIND, message));
    }

    fn note(&mut self, of: &Kustomization, message: String) {
        self.out.warnings.push(Warning::new(&of.place, Severity::Note, message));
    }

    /// Tells what is true of all together.
    fn tell(&mut self) {
        let circle = circle(&self.followed);
        if !circle.is_empty() {
            let message = format!(
                "{} depend on one another in a circle: Flux applies none of them, and none that depends on \
                 them",
                named(&circle.iter().map(|it| it.title()).collect::<Vec<_>>())
            );
            self.out.warnings.push(not_made(&circle[0].place, KIND, message));
        }
        if !self.suspended.is_empty() {
            let place = self.followed.iter().find(|it| it.spec.suspend).map(|it| it.place.clone());
            let message = format!(
                "{} suspended: what Flux would apply is here, and what it applied before may be there",
                named(&self.suspended)
            );
            let is = if self.suspended.len() == 1 { "is" } else { "are" };
            let message = message.replacen(" suspended", &format!(" {is} suspended"), 1);
            self.out.warnings.extend(place.map(|it| Warning::new(&it, Severity::Note, message)));
        }
        let left = self.scanned.left(&self.built, &self.followed);
        let left: Vec<&Kustomization> = left.filter(|it| it.spec.kube_config.is_none()).collect();
        if let Some(first) = left.first() {
            let titles: Vec<String> = left.iter().map(|it| it.title()).collect();
            let message =
                format!("nothing that is followed makes {}, so Flux does not", named(&titles));
            self.out.warnings.push(Warning::new(&first.place, Severity::Note, message));
        }
    }
}

/// Charts ask which kinds there are; those of the repository are.
pub(super) fn apis(node: &Node<'_>, all: &mut BTreeSet<String>) {
    let word = |key| node.get(key).and_then(Node::as_str);
    if let (Some(version), Some(kind)) = (word("apiVersion"), word("kind"))
        && version.contains('.')
    {
        all.insert(version.to_owned());
        all.insert(format!("{version}/{kind}"));
    }
}

/// The text of an object with `commonMetadata`, where there is any.
fn common(of: &Kustomization, text: &str) -> Option<String> {
    let common = of.spec.common_metadata.as_ref()?;
    let node = yaml::parse(&yaml::Document::whole(text)).ok()??;
    let mut value: Value = yaml::from_node(&node).ok()?;
    for (field, more) in [("labels", &common.labels), ("annotations", &common.annotations)] {
        let metadata = value.get_mut("metadata")?.as_object_mut()?;
        let map = metadata.entry(field).or_insert_with(|| Value::Object(serde_json::Map::new()));
        let Some(map) = map.as_object_mut() else { continue };
        // One value that is no text, and the controller finds none of them.
        if !more.is_empty() && map.values().any(|value| !value.is_string()) {
            map.clear();
        }
        map.extend(more.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))));
    }
    yaml::to_string(&value).ok()
}

/// A few names, and how many there are besides.
pub(super) fn named(titles: &[String]) -> String {
    let first: Vec<&str> = titles.iter().take(NAMED).map(String::as_str).collect();
    match titles.len().saturating_sub(NAMED) {
        0 => netpol::prose::list(&first, "and"),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// Kustomizations that depend on one another in a circle, one circle of all.
fn circle(all: &[Kustomization]) -> Vec<&Kustomization> {
    let by_name: BTreeMap<&Named, &Kustomization> = all.iter().map(|it| (&it.named, it)).collect();
    let mut done: BTreeSet<&Named> = BTreeSet::new();
    for start in all {
        // Every one has few that it depends on, so a way is walked with its own list of turns.
        let mut way: Vec<(&Kustomization, usize)> = vec![(start, 0)];
        while let Some((at, turn)) = way.last_mut() {
            let at = *at;
            let Some(next) = at.spec.depends_on.get(*turn) else {
                done.insert(&at.named);
                way.pop();
                continue;
            };
            *turn += 1;
            let Some(next) = by_name.get(&next.from(&at.named.0)) else { continue };
            if let Some(begin) = way.iter().position(|(it, _)| it.named == next.named) {
                return way[begin..].iter().map(|(it, _)| *it).collect();
            }
            if !done.contains(&next.named) {
                way.push((next, 0));
            }
        }
    }
    Vec::new()
}
