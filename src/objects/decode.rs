//! From the text of one file to the objects in it.
//!
//! In: the text. Out: [`Decoded`], the objects in the order of the text with their places, and what
//! could not be read. One malformed document takes no other with it.

use super::calls::CALLING;
use super::encrypted::{hides, is_encrypted, is_encrypted_value};
use super::found::{self, Body, Found};
use super::json;
use super::operators::{self, operator};
use super::other;
use super::policy;
use super::template;
use super::wire;
use crate::cluster::{Name, ObjectRef, Origin, Rendered};
use crate::kinds::{self, Does, Kind, Known};
use crate::policy::{dns_label_fault, dns_subdomain_fault};
use crate::printable::printable;
use crate::yaml::{self, Document, Mark, Node};
use rayon::prelude::*;
use std::path::Path;
use std::sync::Arc;

/// Documents of a file larger than this are decoded in parallel.
const LARGE: usize = 256 * 1024;

/// Lists of lists are not followed deeper than this.
const MAX_LISTS: usize = 8;

/// What is said of deeper ones.
pub(super) const TOO_DEEP: &str = "lists within lists are not read so deep: flatten them";

/// What a file, or a part of it, holds.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    pub(super) found: Vec<(Found, Origin)>,
    pub(super) problems: Vec<Problem>,
    /// What bears on traffic and is not judged: kind with group, what it can do, and the place.
    pub(super) other_policies: Vec<(String, Does, Mark)>,
    /// Documents or objects, whatever their kind.
    pub(super) objects: usize,
    /// Objects that say whom pods call: where they stand is all that is kept.
    pub(super) settings: Vec<(ObjectRef, Origin)>,
}

/// Something that could not be read.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) mark: Mark,
    pub(super) message: String,
    pub(super) kind: ProblemKind,
}

/// What sort of problem it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProblemKind {
    /// An object, or what may be one, is lost.
    Lost,
    /// Its name is still a variable.
    Variable,
    /// What is encrypted of it may be a policy for anyone.
    Encrypted,
    /// It is no Kubernetes object: values of a chart, a patch, a configuration.
    NoObject,
    /// It is read, but no API server would take its name.
    Refused,
}

impl Decoded {
    pub(super) fn append(&mut self, mut other: Self) {
        self.found.append(&mut other.found);
        self.problems.append(&mut other.problems);
        self.other_policies.append(&mut other.other_policies);
        self.objects += other.objects;
        self.settings.append(&mut other.settings);
    }

    /// Decodes pieces in parallel and puts the results together in order.
    pub(super) fn collect<T: Sync>(
        pieces: &[T],
        chunk: usize,
        decode: impl Fn(&mut Self, &T) + Sync,
    ) -> Self {
        let parts: Vec<Self> = pieces
            .par_chunks(chunk)
            .map(|pieces| {
                let mut part = Self::default();
                for piece in pieces {
                    decode(&mut part, piece);
                }
                part
            })
            .collect();
        parts.into_iter().fold(Self::default(), |mut all, part| {
            all.append(part);
            all
        })
    }
}

/// Reads one file.
#[derive(Clone, Copy)]
pub(super) struct Decoder<'a> {
    /// The whole text of the file.
    pub(super) text: &'a str,
    pub(super) file: &'a Arc<Path>,
    pub(super) namespace: &'a Name,
    /// What it is the text of, where a program made it.
    pub(super) rendered: Option<&'a Arc<Rendered>>,
}

/// Where an object stands: which document, and where in it.
#[derive(Clone)]
pub(super) struct At {
    pub(super) offset: usize,
    pub(super) line: usize,
    pub(super) within: String,
    /// What a typed list says of its items.
    pub(super) inherited: Option<(String, String)>,
    pub(super) depth: usize,
    /// The list that it is in is encrypted.
    pub(super) encrypted: bool,
}

impl At {
    pub(super) fn document(offset: usize, line: usize) -> Self {
        Self { offset, line, within: String::new(), inherited: None, depth: 0, encrypted: false }
    }

    /// Goes down into the items of a list; false: too deep.
    pub(super) fn enter(&mut self, api_version: &str, list_kind: &str) -> bool {
        self.inherited = list_kind
            .strip_suffix("List")
            .filter(|kind| !kind.is_empty())
            .map(|kind| (api_version.to_owned(), kind.to_owned()));
        self.depth += 1;
        self.depth <= MAX_LISTS
    }
}

impl Decoder<'_> {
    /// Decodes a whole file.
    pub(super) fn decode(&self) -> Decoded {
        if let Some(decoded) = json::stream(self) {
            return decoded;
        }
        let documents: Vec<Document<'_>> = yaml::split(self.text).collect();
        if self.text.len() < LARGE {
            let mut decoded = Decoded::default();
            for document in &documents {
                self.document(&mut decoded, document);
            }
            return decoded;
        }
        Decoded::collect(&documents, 16, |part, document| self.document(part, document))
    }

    fn document(&self, out: &mut Decoded, document: &Document<'_>) {
        if document.text.trim_start().starts_with('{')
            && let Some(decoded) = json::document(self, document)
        {
            out.append(decoded);
            return;
        }
        self.yaml(out, document, At::document(document.offset, document.line));
    }

    /// Decodes one document as YAML, which JSON is too.
    pub(super) fn yaml(&self, out: &mut Decoded, document: &Document<'_>, at: At) {
        match yaml::parse(document) {
            Ok(Some(node)) => self.object(out, &node, at),
            Ok(None) => {}
            Err(error) => out.lost(error.mark().unwrap_or(FIRST), error.message()),
        }
    }

    fn object(&self, out: &mut Decoded, node: &Node<'_>, mut at: At) {
        if node.entries().is_none() {
            let what = if node.items().is_some() { "a list" } else { "text" };
            out.no_object(node.mark(), format!("{what}, not a Kubernetes object"));
            return;
        }
        let inherited = at.inherited.clone();
        let inherited = inherited.as_ref();
        let word = |key| node.get(key).and_then(Node::as_str).filter(|word| !word.is_empty());
        let kind = word("kind").or(inherited.map(|(_, kind)| kind.as_str()));
        let api_version = word("apiVersion").or(inherited.map(|(version, _)| version.as_str()));
        let Some(kind) = kind else {
            let message = "has no kind, so it is not a Kubernetes object";
            // Values and settings have none of these, or not both.
            if node.get("apiVersion").is_some() && node.get("metadata").is_some() {
                out.lost(node.mark(), message);
            } else {
                out.no_object(node.mark(), message.to_owned());
            }
            return;
        };
        at.encrypted |= is_encrypted(node);
        let encrypted = at.encrypted;
        if kind.ends_with("List")
            && let Some(items) = node.get("items").and_then(Node::items)
        {
            self.items(out, node.mark(), items, at.clone(), (api_version.unwrap_or("v1"), kind));
            return;
        }
        out.objects += 1;
        let Some(api_version) = api_version else {
            out.lost(node.mark(), format!("{} has no apiVersion", printable(kind)));
            return;
        };
        let known = kinds::lookup(api_version, kind);
        if matches!(known, Known::Read(kind) if !CALLING.contains(&kind))
            && let Some(name) = variable(node)
        {
            let message = format!(
                "{} is named {name}: variables are not filled in; render it first, as with \
                 `flux build kustomization` or `envsubst`",
                printable(kind)
            );
            let (mark, kind) = (node.mark(), ProblemKind::Variable);
            out.problems.push(Problem { mark, message, kind });
            return;
        }
        let origin = self.origin(at);
        match known {
            _ if encrypted && is_hidden(known, node, (api_version, kind)) => {
                out.encrypted(node, kind);
            }
            Known::Read(built_in) if built_in.is_policy() && encrypted => {
                out.found.push((policy::encrypted(built_in, node, self.namespace), origin));
            }
            Known::Read(built_in) if built_in.is_policy() => {
                let found = policy::read(built_in, node, self.namespace);
                out.refused(&found, node.mark());
                out.found.push((found, origin));
            }
            Known::Read(built_in) => match found::read(built_in, node, self.namespace) {
                Ok(found) => out.named(found, origin, node.mark()),
                Err(error) => {
                    let name = object_name(node);
                    let message = policy::plain(error.message());
                    let path = policy::path(&error);
                    let mark = error.mark().unwrap_or(node.mark());
                    out.lost(mark, format!("{kind} {name} is not read: {path}: {message}"));
                }
            },
            Known::Outdated(served) => {
                let (name, version) = (object_name(node), printable(api_version));
                out.lost(
                    node.mark(),
                    format!(
                        "{kind} {name} is not read: API servers no longer serve {version}; \
                         write apiVersion: {served}"
                    ),
                );
            }
            Known::NotJudged(row) => {
                let name = format!("{kind}.{}", kinds::group(api_version));
                if let Some(found) = other::read(row, &name, node, self.namespace) {
                    out.other_policies.push((name, row.does, node.mark()));
                    out.found.push((found, origin));
                }
            }
            Known::Irrelevant | Known::Custom if is_of_settings(api_version, kind) => {
                self.settings(out, node, origin, (kind, encrypted));
            }
            Known::Irrelevant => {}
            Known::Custom if self.rendered.is_none() && is_of_flux(api_version, kind) => {
                let name = format!("{kind}.{}", kinds::group(api_version));
                out.other_policies.push((name, Does::Rule, node.mark()));
            }
            Known::Custom => self.custom(out, node, origin, (api_version, kind)),
        }
    }

    /// Keeps where an object stands that says whom pods call; of Cilium's agent its settings themselves.
    fn settings(
        &self,
        out: &mut Decoded,
        node: &Node<'_>,
        origin: Origin,
        (kind, encrypted): (&str, bool),
    ) {
        let agent = (kind == "ConfigMap").then(|| agent_config(node, self.namespace)).flatten();
        if let Some(found) = agent {
            out.found.push((found, origin));
        } else if let Some(metadata) = node.get("metadata").filter(|_| !encrypted)
            && let Ok(metadata) = yaml::from_node(metadata)
        {
            self.keep_settings(out, kind, metadata, origin);
        }
    }

    pub(super) fn keep_settings(
        &self,
        out: &mut Decoded,
        kind: &str,
        metadata: wire::Metadata,
        origin: Origin,
    ) {
        let Some(name) = metadata.name.filter(|name| !name.is_empty()) else { return };
        let namespace = metadata.namespace.unwrap_or_else(|| self.namespace.clone());
        out.settings.push((ObjectRef::namespaced(kind, namespace, name), origin));
    }

    fn items(
        &self,
        out: &mut Decoded,
        mark: Mark,
        items: &[Node<'_>],
        mut at: At,
        (api_version, kind): (&str, &str),
    ) {
        if !at.enter(api_version, kind) {
            out.lost(mark, TOO_DEEP);
            return;
        }
        let item = |out: &mut Decoded, (i, node): &(usize, &Node<'_>)| {
            let mut at = at.clone();
            let dot = if at.within.is_empty() { "" } else { "." };
            at.within = format!("{}{dot}items[{i}]", at.within);
            self.object(out, node, at);
        };
        let items: Vec<_> = items.iter().enumerate().collect();
        out.append(Decoded::collect(&items, 64, item));
    }

    fn custom(
        &self,
        out: &mut Decoded,
        node: &Node<'_>,
        origin: Origin,
        (api_version, kind): (&str, &str),
    ) {
        let template = template::find(node);
        let operator = operator(kinds::group(api_version), kind);
        if template.is_none() && operator.is_none() {
            return;
        }
        let read = || {
            let metadata =
                node.get("metadata").map(yaml::from_node::<wire::Metadata>).transpose()?;
            let metadata = metadata.unwrap_or_default();
            let pods = match (template, operator) {
                (Some(template), _) => {
                    let replicas = node.get("spec").and_then(|spec| spec.get("replicas"));
                    let replicas = replicas.and_then(|replicas| yaml::from_node(replicas).ok());
                    Some((template.read()?, replicas))
                }
                (None, Some(operator)) => {
                    let name = metadata.name.clone().unwrap_or_default();
                    operators::template(operator, node, &name)?
                }
                (None, None) => None,
            };
            Ok(pods.map(|(template, replicas)| (metadata, template, replicas)))
        };
        match read() {
            Ok(None) => {}
            Ok(Some((metadata, template, replicas))) => {
                let found = found::read_custom(
                    api_version,
                    kind,
                    &metadata,
                    replicas,
                    template,
                    self.namespace,
                );
                out.named(found, origin, node.mark());
            }
            Err::<_, yaml::Error>(error) => {
                let (kind, name) = (printable(kind), object_name(node));
                let message = error.message();
                let mark = error.mark().unwrap_or(node.mark());
                out.lost(mark, format!("the pod template of {kind} {name} is not read: {message}"));
            }
        }
    }

    pub(super) fn origin(&self, at: At) -> Origin {
        let within = (!at.within.is_empty()).then(|| at.within.into());
        if let Some(of) = self.rendered {
            return Origin::Rendered { of: of.clone(), within };
        }
        Origin::Manifest { file: self.file.clone(), offset: at.offset, line: at.line, within }
    }
}

/// Whether objects of a kind say whom pods call, and nothing else that is read.
pub(super) fn is_of_settings(api_version: &str, kind: &str) -> bool {
    let monitors = || kinds::group(api_version) == "monitoring.coreos.com";
    (kind == "ConfigMap" && api_version == "v1")
        || (matches!(kind, "ServiceMonitor" | "PodMonitor") && monitors())
}

/// Whether an object stands for others that Flux makes of it.
pub(super) fn is_of_flux(api_version: &str, kind: &str) -> bool {
    let made = [
        ("kustomize.toolkit.fluxcd.io", "Kustomization"),
        ("helm.toolkit.fluxcd.io", "HelmRelease"),
    ];
    made.contains(&(kinds::group(api_version), kind))
}

/// Whether what is encrypted of an object leaves open for whom it is: of a policy its name or namespace, of
/// any other that bears on traffic whatever does.
fn is_hidden(known: Known, node: &Node<'_>, (api_version, kind): (&str, &str)) -> bool {
    match known {
        // It may be of any kind.
        _ if is_encrypted_value(kind) || is_encrypted_value(api_version) => true,
        Known::Read(kind) if kind.is_policy() => node.get("metadata").is_some_and(hides),
        Known::Read(_) => hides(node),
        Known::Irrelevant => kind == "ConfigMap" && object_name(node) == AGENT_CONFIG,
        Known::Custom => {
            let operator = operator(kinds::group(api_version), kind);
            hides(node) && (template::find(node).is_some() || operator.is_some())
        }
        Known::Outdated(_) | Known::NotJudged(_) => false,
    }
}

/// The ConfigMap of Cilium's agent, if it is that.
///
/// Source: docs/semantics/cilium-objects.md#settings-of-the-agent.
fn agent_config(node: &Node<'_>, namespace: &Name) -> Option<Found> {
    if object_name(node) != AGENT_CONFIG {
        return None;
    }
    let metadata = yaml::from_node::<wire::Metadata>(node.get("metadata")?).ok()?;
    let namespace = metadata.namespace.unwrap_or_else(|| namespace.clone());
    let object = ObjectRef::namespaced("ConfigMap", namespace, AGENT_CONFIG);
    let each = node.get("data").and_then(Node::entries).unwrap_or_default();
    let data = each.iter().filter_map(|entry| {
        let value = yaml::from_node::<String>(&entry.value).ok()?;
        Some((entry.key.to_string(), value))
    });
    Some(Found { object, body: Body::AgentConfig(data.collect()) })
}

/// What the ConfigMap is called.
pub(super) const AGENT_CONFIG: &str = "cilium-config";

const FIRST: Mark = Mark { line: 1, column: 1 };

/// The name or namespace, if it holds a variable such as `${APP}`, which no name can.
fn variable(node: &Node<'_>) -> Option<String> {
    let metadata = node.get("metadata")?;
    let words = ["name", "namespace"].into_iter().filter_map(|key| metadata.get(key)?.as_str());
    words.into_iter().find(|word| word.contains("${")).map(|word| printable(word).into_owned())
}

/// `metadata.name` as it is written, for messages.
fn object_name(node: &Node<'_>) -> String {
    let name = node.get("metadata").and_then(|metadata| metadata.get("name"));
    let name = name.and_then(Node::as_str).unwrap_or("(without a name)");
    printable(name).into_owned()
}

impl Decoded {
    /// Adds an object, which must have a name.
    pub(super) fn named(&mut self, found: Found, origin: Origin, mark: Mark) {
        if found.object.name.is_empty() {
            let kind = printable(&found.object.kind).into_owned();
            self.lost(mark, format!("{kind} is not read: it has no metadata.name"));
        } else {
            self.refused(&found, mark);
            self.found.push((found, origin));
        }
    }

    /// Tells of a name that an API server would refuse.
    fn refused(&mut self, found: &Found, mark: Mark) {
        let ObjectRef { kind, namespace, name } = &found.object;
        let of_namespace = namespace.as_deref().and_then(dns_label_fault);
        let fault = of_namespace.map(|fault| ("namespace", fault)).or_else(|| {
            let fault = match Kind::named(kind) {
                Some(Kind::Namespace | Kind::Service) => dns_label_fault(name),
                // Whoever lowers a policy looks at its name.
                Some(kind) if kind.is_policy() => None,
                _ => dns_subdomain_fault(name),
            };
            Some(("name", fault?))
        });
        if let Some((field, fault)) = fault {
            let message = format!(
                "an API server refuses this {}: its {field} {}",
                printable(kind),
                printable(&fault)
            );
            self.problems.push(Problem { mark, message, kind: ProblemKind::Refused });
        }
    }

    /// Tells of an object that is encrypted in what bears on traffic.
    fn encrypted(&mut self, node: &Node<'_>, kind: &str) {
        let kind = if is_encrypted_value(kind) { "an object" } else { kind };
        let message = format!(
            "{} is encrypted with SOPS in what bears on traffic, and is not read: decrypt it first, as \
             with `sops decrypt`",
            printable(kind)
        );
        let (mark, kind) = (node.mark(), ProblemKind::Encrypted);
        self.problems.push(Problem { mark, message, kind });
    }

    /// The places of everything that is to be told.
    pub(super) fn marks(&mut self) -> impl Iterator<Item = &mut Mark> {
        let problems = self.problems.iter_mut().map(|problem| &mut problem.mark);
        problems.chain(self.other_policies.iter_mut().map(|(.., mark)| mark))
    }

    pub(super) fn lost(&mut self, mark: Mark, message: impl Into<String>) {
        self.problems.push(Problem { mark, message: message.into(), kind: ProblemKind::Lost });
    }

    fn no_object(&mut self, mark: Mark, message: String) {
        self.problems.push(Problem { mark, message, kind: ProblemKind::NoObject });
    }
}
