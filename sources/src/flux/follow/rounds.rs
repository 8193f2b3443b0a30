//! From Kustomization to Kustomization: a round builds all that are known, and what they make may be
//! Kustomizations again.
//!
//! In: a tree and a place in it. Out: [`Followed`]. Variables may come from ConfigMaps that another
//! Kustomization makes, so what is built waits for these before it counts.

use super::artifact::{EXTENSIONS, Part};
use super::build::Builders;
use super::doubt::doubts;
use super::error::Error;
use super::ignore::Ignored;
use super::object::{
    HELM, KUSTOMIZE, Kustomization, OPERATOR, Reference, SOURCE, is_left_out, is_not_substituted,
};
use super::own::{Key, Own, Whose, source};
use super::release::{Around, Releases};
use super::roots::{Scanned, directory};
use super::substitute::substitute;
use super::variables::Known;
use super::{Followed, How, Made};
use crate::manifests::is_manifest;
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

/// Where it is said what a source leaves out.
const IGNORED: &str = ".sourceignore or the source's ignore";

/// What `flux bootstrap` calls what it points at a directory.
const SYNC: &str = "flux-system";

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
    /// The sources that are this repository.
    own: Own,
    /// Their artifacts, by what the source says in `ignore`.
    views: &'t Views,
    /// All that were met, followed or not.
    met: Vec<Named>,
    /// Who made which.
    makers: BTreeMap<Named, Named>,
}

/// The files of a tree that are in the artifact of a source, by what it says in `ignore`.
type Views = BTreeMap<Option<String>, Tree>;

/// Those that build of them, in the same order.
type Build<'t> = BTreeMap<&'t Option<String>, Builders<'t>>;

/// Follows all.
pub(super) fn follow(
    tree: &Tree,
    name: &str,
    place: Option<&str>,
    how: How<'_>,
) -> Result<Followed, Error> {
    let mut scanned = Scanned::of(tree, place.unwrap_or_default());
    let own = Own::of(tree, &scanned);
    scanned.mark(&own);
    let first = scanned.first(tree, name, place)?;
    let views = views(tree, &scanned);
    let build = |(ignore, view)| Ok::<_, Error>((ignore, Builders::of(view, name, how)?));
    let build: Build<'_> = views.iter().map(build).collect::<Result<_, _>>()?;
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
        own,
        views: &views,
        met: Vec::new(),
        makers: BTreeMap::new(),
    };
    // One that is not followed is asked for once, too.
    let mut asked: HashSet<Named> = first.iter().map(|it| it.named.clone()).collect();
    rounds.all(&build, first);
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
        rounds.all(&build, further);
    }
    rounds.tell();
    let directories: Vec<String> = rounds.followed.iter().map(directory).collect();
    let ignore = rounds.followed.iter().find_map(source).and_then(|it| rounds.ignore(&it));
    let main = build.get(&ignore).or_else(|| build.values().next());
    let Some(builders) = main else { return Ok(rounds.out) };
    rounds.out.warnings.extend(links(tree, &builders.outward, &directories));
    let Rounds { tree, known, mut releases, scanned, own, mut out, .. } = rounds;
    let here = |kind: &str, named: &Named| {
        own.whose(&(kind.to_owned(), named.clone()), &scanned) == Whose::Here
    };
    let Scanned { sources, specs, .. } = &scanned;
    let (known, here) = (&known, &here);
    let place = place.unwrap_or_default();
    releases.finish(&Around { tree, known, builders, sources, place, specs, here }, &mut out);
    out.kept = tree.kept(out.documents.iter().map(|it| &it.rendered));
    Ok(out)
}

/// What sources leave of a tree, for whatever one of them says in `ignore`.
///
/// Source: docs/semantics/flux.md#what-a-source-leaves-out.
fn views(tree: &Tree, scanned: &Scanned) -> Views {
    let said = scanned.specs.values().filter_map(|spec| ignore(&serde_json::from_str(spec).ok()?));
    let all: BTreeSet<Option<String>> = said.map(Some).chain([None]).collect();
    let view = |ignore: Option<String>| {
        let ignored = Ignored::of(tree, ignore.as_deref());
        (ignore, tree.without(|name| ignored.leaves_out(name)))
    };
    all.into_iter().map(view).collect()
}

/// What a source says in `ignore`.
fn ignore(spec: &Value) -> Option<String> {
    spec["ignore"].as_str().map(str::to_owned)
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
    /// What the source of a Kustomization says in `ignore`, as far as it is known.
    fn ignore(&self, source: &Key) -> Option<String> {
        self.scanned.spec(source).and_then(|spec| ignore(&spec))
    }

    /// The files that a Kustomization finds in its source.
    fn view(&self, of: &Kustomization) -> Option<(&Option<String>, &Tree)> {
        let ignore = source(of).and_then(|source| self.ignore(&source));
        self.views.get_key_value(&ignore).or_else(|| self.views.get_key_value(&None))
    }

    /// Builds them, each of what is in its source; the results in no order.
    fn build(
        &self,
        build: &Build<'_>,
        next: Vec<Kustomization>,
    ) -> Vec<(Kustomization, Result<Vec<u8>, String>)> {
        let mut by_view: BTreeMap<Option<String>, Vec<Kustomization>> = BTreeMap::new();
        for it in next {
            let view = self.view(&it).and_then(|(ignore, _)| ignore.clone());
            by_view.entry(view).or_default().push(it);
        }
        let mut all = Vec::new();
        for (ignore, some) in by_view {
            let Some(builders) = build.get(&ignore) else { continue };
            let results = builders.build(&some);
            all.extend(some.into_iter().zip(results));
        }
        all
    }

    /// Follows these and all that they make.
    fn all(&mut self, build: &Build<'_>, first: Vec<Kustomization>) {
        let mut next = self.admitted(first);
        let mut waiting: Vec<Waiting> = Vec::new();
        while !next.is_empty() || !waiting.is_empty() {
            let results = self.build(build, std::mem::take(&mut next));
            for (of, result) in results {
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
            self.met.push(it.named.clone());
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
            let whose = source(&it).map(|source| self.own.whose(&source, &self.scanned));
            if let Some(Whose::Not(why)) = whose {
                let mut warning = not_made(&it.place, KIND, format!("{}: {why}", it.title()));
                // What that makes is the same for the same text.
                let of = source(&it).and_then(|source| self.scanned.specs.get(&source));
                warning.text = Some(format!("{:?} {of:?}", it.spec).into());
                self.out.warnings.push(warning);
                continue;
            }
            let own = directory(&it);
            let in_source = self.view(&it).is_none_or(|(_, view)| view.has_directory(&own));
            if !in_source && self.tree.has_directory(&own) {
                let path = printable(&it.spec.path).into_owned();
                let why = format!("its source leaves out all of its path {path} ({IGNORED})");
                self.unread(&it, &why);
                continue;
            }
            self.followed.push(it.clone());
            admitted.push(it);
        }
        admitted
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
                Ok(found) => {
                    let maker = self.makers.entry(found.named.clone());
                    maker.or_insert_with(|| of.named.clone());
                    Some(found)
                }
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
            self.releases.take(node, &head, rendered, of.title().into());
        } else if !head.is("", "Secret") {
            apis(node, &mut self.releases.apis);
            let by = of.title().into();
            self.out.documents.push(Made { rendered, namespace: None, by });
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

    /// Manifests that are left out of what is built, but for what Flux leaves out everywhere.
    fn ignored(&self) -> Option<Warning> {
        let by_default = Ignored::by_default();
        let mut all = BTreeSet::new();
        for it in &self.followed {
            let Some((_, view)) = self.view(it) else { continue };
            let left_out = |name: &&str| !view.has(name) && is_manifest(Path::new(name));
            let below = self.tree.below(&directory(it)).filter(left_out);
            all.extend(below.filter(|name| !by_default.leaves_out(name)));
        }
        let first = all.first()?;
        let more = match all.len() - 1 {
            0 => String::new(),
            more => format!(", and so are {more} more"),
        };
        let message =
            format!("is left out of its source by {IGNORED}, so Flux does not apply it{more}");
        Some(Warning::new(&self.tree.place(first), Severity::Note, message))
    }

    /// Tells what is true of all together.
    fn tell(&mut self) {
        let circle = circle(&self.followed);
        let told = circle.first().map(|first| {
            let message = format!(
                "{} depend on one another in a circle: Flux applies none of them, and none that depends on \
                 them",
                named(&circle.iter().map(|it| it.title()).collect::<Vec<_>>())
            );
            not_made(&first.place, KIND, message)
        });
        let circle: Vec<Named> = circle.into_iter().map(|it| it.named.clone()).collect();
        // What one is called that is only supposed, nobody knows.
        let mut met = self.met.clone();
        if self.followed.iter().any(|it| it.file.is_none() && it.named.0.is_empty()) {
            met.push((String::new(), SYNC.to_owned()));
        }
        let of_source = |it: &Kustomization| {
            source(it).and_then(|source| self.own.doubt(&source, &self.scanned, self.tree))
        };
        let (warnings, doubts) =
            doubts(&self.followed, &met, &self.makers, (&circle, told.as_ref()), &of_source);
        self.out.warnings.extend(told.into_iter().chain(warnings));
        self.out.doubts = doubts;
        self.out.warnings.extend(self.ignored());
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
