//! HelmReleases: what their charts make, or stand-ins for the pods of a chart that is not here.
//!
//! In: the HelmReleases that Kustomizations make. Out: of each whose chart is in the repository what the
//! real helm makes of it; of any other a workload of the kind HelmRelease whose pods are in the namespace
//! of the release and have the labels that its values tell. Which other labels they have is not known, as
//! it is not of pods that an operator makes; nor is whether the chart has policies.
//!
//! Source: docs/semantics/flux.md#stand-ins.

use super::build::Builders;
use super::object::{Reference, title};
use super::registry;
use super::variables::Known;
use super::{Followed, Made};
use crate::helm::{At, Helm, Inflated, Object, Set, merge, objects, parsed};
use crate::tree::{Head, Named, Tree, joined};
use netpol::cluster::Rendered;
use netpol::objects::{Severity, Warning, is_encrypted, is_encrypted_value};
use netpol::yaml::{self, Node};
use rayon::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// The chart that makes workloads of values alone, whose labels and policies are known from these.
const OF_VALUES: &str = "app-template";

/// What a release is called where somebody says that it need not have been read.
const KIND: &str = "HelmRelease.helm.toolkit.fluxcd.io";

/// What is told of a release whose chart is elsewhere.
const NOT_HERE: &str = "its chart is not here, so of its pods only what the values tell is known, and not \
                        what policies the chart brings; --pull fetches charts of registries";

/// What is said besides where Flux has a login.
const LOGIN: &str = "Flux logs in there, and charts are fetched without a login: keep a copy of this one in \
                     the repository, or answer with --accept-unread=HelmRelease that it does not matter";

/// Longer names of releases are cut, and end in a hash.
const LONGEST: usize = 53;

/// One HelmRelease, or what another tool makes of a chart.
#[derive(Debug)]
pub(super) struct Release {
    pub(super) named: Named,
    /// What it is called, fit to be shown.
    pub(super) title: String,
    /// What kind of object it is written in.
    pub(super) kind: &'static str,
    /// As that of a HelmRelease.
    pub(super) spec: Value,
    /// Values that are set besides.
    pub(super) set: Vec<Set>,
    pub(super) written: Arc<Rendered>,
    /// Who made it.
    pub(super) by: Arc<str>,
    /// SOPS has encrypted it.
    pub(super) encrypted: bool,
}

/// All of a repository, the last of two with one name.
#[derive(Debug, Default)]
pub(super) struct Releases {
    all: BTreeMap<(Named, usize), Release>,
    /// Groups with versions, and with kinds, that there are besides Kubernetes' own.
    pub(super) apis: BTreeSet<String>,
}

/// What releases are inflated in.
pub(super) struct Around<'a> {
    pub(super) tree: &'a Tree,
    pub(super) known: &'a Known,
    /// Those that have copies of the tree, and what was made before.
    pub(super) builders: &'a Builders<'a>,
    /// Addresses of sources, by kind, namespace and name.
    pub(super) sources: &'a BTreeMap<(String, Named), String>,
    /// The directory that following began with; empty for all.
    pub(super) place: &'a str,
    /// What is written of sources, by kind, namespace and name.
    pub(super) specs: &'a BTreeMap<(String, Named), String>,
    /// Whether a source, by its kind and name, is this repository.
    pub(super) here: &'a (dyn Fn(&str, &Named) -> bool + Sync),
}

/// What became of a release.
enum Outcome {
    /// Its objects, and what is not known of them.
    Made(Vec<Object>, Option<String>),
    /// The chart is not here.
    Elsewhere,
    /// It is, and was not inflated.
    Failed(String),
}

impl Releases {
    /// Takes one as it would be applied.
    pub(super) fn take(
        &mut self,
        node: &Node<'_>,
        head: &Head<'_>,
        written: Arc<Rendered>,
        by: Arc<str>,
    ) {
        let spec = node.get("spec").and_then(|spec| yaml::from_node(spec).ok()).unwrap_or_default();
        let (named, title) = (head.named(), title("HelmRelease", &head.named()));
        let (set, encrypted) = (Vec::new(), is_encrypted(node));
        self.add(0, Release { named, title, kind: KIND, spec, set, written, by, encrypted });
    }

    /// Takes one that has a number among those of its name.
    pub(super) fn add(&mut self, number: usize, release: Release) {
        self.all.insert((release.named.clone(), number), release);
    }

    /// Inflates them, or makes what stands for them.
    pub(super) fn finish(&mut self, around: &Around<'_>, out: &mut Followed) {
        let all: Vec<Release> = std::mem::take(&mut self.all).into_values().collect();
        let apis = &self.apis;
        let helm = around.builders.helm.as_ref();
        // Each waits for a program of its own.
        let outcomes: Vec<Outcome> =
            all.par_iter().map(|release| release.inflate(around, helm, apis)).collect();
        for (release, outcome) in all.iter().zip(outcomes) {
            let place = &release.written.file;
            let doubt = release.doubt(&all);
            let by = doubt
                .as_ref()
                .map_or_else(|| release.by.clone(), |_| release.title.as_str().into());
            let gap = doubt.as_ref().and_then(Warning::gap);
            out.doubts.extend(gap.map(|gap| (by.clone(), gap)));
            out.warnings.extend(doubt);
            let told = |message: String| {
                let mut warning = Warning::new(place, Severity::Unread, message);
                warning.kind = Some(release.kind.to_owned());
                // Of the same text, values and files the same is made, whatever it is.
                warning.text = Some(release.all_of_it(around).into());
                warning
            };
            let named = |why: &str| format!("{}: {why}", release.title);
            let warning = match outcome {
                Outcome::Made(objects, not_known) => {
                    out.warnings.extend(not_known.map(|why| told(named(&why))));
                    for object in objects {
                        let file = release.template(around, object.template.as_deref());
                        let file = file.unwrap_or_else(|| place.clone());
                        let made = Rendered { file, from: None, text: object.text.into() };
                        let namespace = Some(release.namespace().to_owned());
                        let (rendered, by) = (Arc::new(made), by.clone());
                        out.documents.push(Made { rendered, namespace, by });
                    }
                    continue;
                }
                Outcome::Failed(why) => told(named(&why)),
                Outcome::Elsewhere => told(NOT_HERE.to_owned()),
            };
            for text in release.stand_ins(around) {
                let made =
                    Rendered { file: place.clone(), from: release.written.from, text: text.into() };
                let (rendered, by) = (Arc::new(made), by.clone());
                out.documents.push(Made { rendered, namespace: None, by });
            }
            if !release.makes_no_policies(around) {
                let gap = warning.gap();
                out.unread.extend(gap.map(|gap| (release.namespace().to_owned(), gap)));
            }
            out.warnings.push(warning);
        }
    }
}

impl Release {
    /// What is told where it is not known whether what is here of it is in force.
    ///
    /// Source: docs/semantics/flux.md#what-is-not-in-force-for-sure.
    fn doubt(&self, all: &[Self]) -> Option<Warning> {
        let depends = self.spec["dependsOn"].as_array().filter(|_| self.kind == KIND);
        let depends = depends.into_iter().flatten();
        let depends = depends.filter_map(|it| serde_json::from_value::<Reference>(it.clone()).ok());
        let is_here =
            |it: &Reference| all.iter().any(|other| it.means(&self.named.0, &other.named));
        let mut missing = depends.filter(|it| !is_here(it));
        let why = if self.spec["suspend"].as_bool() == Some(true) && self.kind == KIND {
            "is suspended: what Flux applied before is in force, which need not be what is here"
                .to_owned()
        } else {
            format!(
                "depends on {}, which nothing here makes: Flux applies nothing of it before that is there",
                title("HelmRelease", &missing.next()?.from(&self.named.0))
            )
        };
        let message = format!("{} {why}", self.title);
        let mut warning = super::rounds::not_made(&self.written.file, self.kind, message);
        warning.text = Some(warning.message.as_str().into());
        Some(warning)
    }

    fn word(&self, field: &str) -> Option<&str> {
        self.spec[field].as_str().filter(|word| !word.is_empty())
    }

    /// Source: docs/semantics/flux.md#name-of-a-release.
    fn namespace(&self) -> &str {
        self.word("targetNamespace").unwrap_or(&self.named.0)
    }

    /// The name that Helm knows it by; `None`: it is cut, and what is left is not known.
    fn release_name(&self) -> Option<String> {
        let name = match (self.word("releaseName"), self.word("targetNamespace")) {
            (Some(name), _) => name.to_owned(),
            (None, Some(namespace)) => format!("{namespace}-{}", self.named.1),
            (None, None) => self.named.1.clone(),
        };
        (name.len() <= LONGEST).then_some(name)
    }

    /// The name of its chart, as far as it is written: that of an artifact is the end of its address.
    fn chart<'a>(&'a self, around: &'a Around<'_>) -> &'a str {
        let address = || {
            let reference = &self.spec["chartRef"];
            let reference: Reference = serde_json::from_value(reference.clone()).ok()?;
            let key = (reference.kind.clone(), reference.from(&self.named.0));
            around.sources.get(&key).map(String::as_str)
        };
        let chart = self.spec["chart"]["spec"]["chart"].as_str().or_else(address);
        let name = chart.or_else(|| self.spec["chartRef"]["name"].as_str()).unwrap_or_default();
        name.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
    }

    /// The directory of its chart in the repository, if it is there.
    fn directory(&self, around: &Around<'_>) -> Option<String> {
        let chart = &self.spec["chart"]["spec"];
        let source: Reference = serde_json::from_value(chart["sourceRef"].clone()).ok()?;
        let path = chart["chart"].as_str()?;
        // What is fetched from a registry has a name and no path.
        let of_files = matches!(source.kind.as_str(), "GitRepository" | "Bucket");
        let here = of_files && (around.here)(&source.kind, &source.from(&self.named.0));
        here.then(|| joined("", path))
    }

    /// The file of a template of it.
    fn template(&self, around: &Around<'_>, template: Option<&str>) -> Option<Arc<Path>> {
        let file = joined(&self.directory(around)?, template?);
        around.tree.has(&file).then(|| around.tree.place(&file))
    }

    /// Everything here that what it makes hangs on.
    fn all_of_it(&self, around: &Around<'_>) -> String {
        let (values, missing) = self.values(around.known);
        let (namespace, name) = &self.named;
        let mut all = format!("{namespace}/{name} {} {values} {:?}", self.spec, self.set);
        // What is not known is the same in the same cluster.
        if !missing.is_empty() || all.contains("${") {
            all.push_str(around.place);
        }
        let references = [&self.spec["chartRef"], &self.spec["chart"]["spec"]["sourceRef"]];
        for reference in references.into_iter().filter(|reference| reference.is_object()) {
            let reference: Option<Reference> = serde_json::from_value(reference.clone()).ok();
            let source = reference.map(|it| (it.kind.clone(), it.from(&self.named.0)));
            all.extend(source.and_then(|source| around.specs.get(&source)).map(String::as_str));
        }
        if let Some(directory) = self.directory(around) {
            for file in around.tree.below(&directory) {
                all.push_str(file);
                all.extend(around.tree.text(file).as_deref());
            }
        }
        all
    }

    fn inflate(
        &self,
        around: &Around<'_>,
        helm: Option<&Helm>,
        apis: &BTreeSet<String>,
    ) -> Outcome {
        if self.encrypted {
            let why = "it is encrypted with SOPS, so what it makes is not known";
            return Outcome::Failed(why.to_owned());
        }
        let directory = self.directory(around);
        let registry = if directory.is_none() {
            let wanted = around.builders.pull;
            let found = || registry::chart(&self.spec, &self.named.0, around.specs);
            let Some(found) = wanted.then(found).flatten() else { return Outcome::Elsewhere };
            Some(found)
        } else {
            None
        };
        if let Some(directory) = &directory
            && !around.tree.has(&joined(directory, "Chart.yaml"))
        {
            return Outcome::Failed(format!("there is no chart in {directory}"));
        }
        let Some(helm) = helm else {
            let why = "its chart is not inflated: helm is not on PATH; install it \
                       (https://helm.sh/docs/intro/install/)";
            return Outcome::Failed(why.to_owned());
        };
        let Some(name) = self.release_name() else {
            return Outcome::Failed(format!("its name is longer than {LONGEST} characters"));
        };
        let files = chart_files(&self.spec);
        if registry.is_some() && !files.is_empty() {
            return Outcome::Failed("files of values in its chart are not followed".to_owned());
        }
        let (mut values, not_known) = self.values(around.known);
        for file in files {
            let text = around.tree.text(&joined("", file)).unwrap_or_default();
            let mut under = parsed(&text).unwrap_or_default();
            merge(&mut under, values);
            values = under;
        }
        let namespace = self.namespace();
        let kept = &around.builders.kept;
        let renderers = &self.spec["postRenderers"];
        let words = format!("{name} {namespace} {values} {apis:?} {:?} {renderers}", self.set);
        let key = directory.as_ref().and_then(|it| kept.of_helm(&helm.0, it, &words));
        let not_known = (!not_known.is_empty()).then(|| {
            format!(
                "values of {} are not known, so what it makes may differ",
                not_known.join(" and ")
            )
        });
        if let Some(text) = kept.get(key.as_ref()) {
            return Outcome::Made(objects(&text), not_known);
        }
        let login =
            registry.is_some() && registry::has_login(&self.spec, &self.named.0, around.specs);
        let copy;
        let chart = if let Some(registry) = registry {
            At::Registry(registry)
        } else {
            match around.builders.chart(&directory.unwrap_or_default()) {
                Ok(chart) => copy = chart,
                Err(error) => return Outcome::Failed(error.to_string()),
            }
            At::Directory(&copy.path)
        };
        let (name, chart, values) = (&*name, &chart, &values);
        let of = Inflated { name, namespace, chart, values, apis, set: &self.set };
        let made = helm.template(&of).map_err(|why| format!("its chart is not inflated: {why}"));
        match made.and_then(|text| post_rendered(text, renderers, around.builders)) {
            Ok(text) => {
                kept.put(key, &text);
                Outcome::Made(objects(&text), not_known)
            }
            Err(why) if login => Outcome::Failed(format!("{why}; {LOGIN}")),
            Err(why) => Outcome::Failed(why),
        }
    }

    /// Whether it is known that its chart has no policy of its own.
    fn makes_no_policies(&self, around: &Around<'_>) -> bool {
        let values = &self.spec["values"];
        self.chart(around) == OF_VALUES
            && !self.encrypted
            && self.spec["valuesFrom"].as_array().is_none_or(Vec::is_empty)
            && ["networkpolicies", "rawResources"].iter().all(|field| values[*field].is_null())
    }

    /// The workloads that stand for its pods, as manifests.
    fn stand_ins(&self, around: &Around<'_>) -> Vec<String> {
        let (values, _) = self.values(around.known);
        let mut common = Map::new();
        if let Some(name) = self.release_name() {
            common.insert("app.kubernetes.io/instance".to_owned(), json!(name));
        }
        if self.chart(around) == OF_VALUES {
            return self.of_values(&values, &common);
        }
        add(&mut common, &values["podLabels"]);
        vec![self.stand_in(&self.named.1, &common, &Value::Null, None)]
    }

    /// One for each controller that the values have.
    fn of_values(&self, values: &Value, common: &Map<String, Value>) -> Vec<String> {
        let none = Map::new();
        let controllers = values["controllers"].as_object().unwrap_or(&none);
        let enabled: Vec<_> =
            controllers.iter().filter(|(_, it)| it["enabled"] != json!(false)).collect();
        let pods = &values["defaultPodOptions"];
        enabled
            .iter()
            .map(|(controller, it)| {
                let mut labels = common.clone();
                let global = &values["global"];
                let name = global["nameOverride"].as_str().map(str::to_owned);
                if let Some(name) = name.or_else(|| self.release_name()) {
                    labels.insert("app.kubernetes.io/name".to_owned(), json!(name));
                }
                // What a controller says of its pods replaces what is said of all, unless it merges.
                let own = &it["pod"]["labels"];
                let merges = values["defaultPodOptionsStrategy"] == json!("merge");
                let mut said = Map::new();
                add(
                    &mut said,
                    if own.is_object() && !merges { &Value::Null } else { &pods["labels"] },
                );
                add(&mut said, own);
                // Which of two counts is a matter of the version.
                for (key, value) in said {
                    if labels.get(&key).is_some_and(|other| *other != value) {
                        labels.remove(&key);
                    } else {
                        labels.insert(key, value);
                    }
                }
                let network =
                    [&it["pod"], pods].into_iter().find_map(|it| it["hostNetwork"].as_bool());
                let name = match enabled.len() {
                    1 => self.named.1.clone(),
                    _ => format!("{}-{controller}", self.named.1),
                };
                self.stand_in(&name, &labels, &ports(it), network)
            })
            .collect()
    }

    fn stand_in(
        &self,
        name: &str,
        labels: &Map<String, Value>,
        ports: &Value,
        network: Option<bool>,
    ) -> String {
        let mut metadata = json!({"name": name});
        if !self.namespace().is_empty() {
            metadata["namespace"] = json!(self.namespace());
        }
        let spec = json!({"hostNetwork": network, "containers": [{"name": name, "ports": ports}]});
        json!({
            "apiVersion": "helm.toolkit.fluxcd.io/v2",
            "kind": "HelmRelease",
            "metadata": metadata,
            "spec": {"template": {"metadata": {"labels": labels}, "spec": spec}},
        })
        .to_string()
    }

    /// Its values, with those of ConfigMaps that are here beneath, and what they are in besides.
    fn values(&self, known: &Known) -> (Value, Vec<String>) {
        let (mut all, mut missing) = (json!({}), Vec::new());
        for from in self.spec["valuesFrom"].as_array().into_iter().flatten() {
            let word = |field: &str| from[field].as_str().filter(|word| !word.is_empty());
            let named = (self.named.0.clone(), word("name").unwrap_or_default().to_owned());
            let kind = word("kind").unwrap_or_default();
            let map = known.map(&named).filter(|_| kind == "ConfigMap");
            let key = word("valuesKey").unwrap_or("values.yaml");
            let text = map.and_then(|map| map.get(key)?.as_ref());
            match text.filter(|_| word("targetPath").is_none()).and_then(|text| parsed(text).ok()) {
                Some(values) => merge(&mut all, values),
                None => missing.push(title(kind, &named)),
            }
        }
        merge(&mut all, self.spec["values"].clone());
        (all, missing)
    }
}

/// What is left after the post-renderers of a release, each of which is a kustomization of all before it.
///
/// Source: docs/semantics/flux.md#post-renderers.
fn post_rendered(
    mut text: String,
    renderers: &Value,
    builders: &Builders<'_>,
) -> Result<String, String> {
    for renderer in renderers.as_array().into_iter().flatten() {
        let Some(kustomize) = renderer["kustomize"].as_object() else {
            return Err("a post-renderer of it is not followed".to_owned());
        };
        let mut all = kustomize.clone();
        all.insert("resources".to_owned(), json!(["all.yaml"]));
        text = builders
            .aside(&text, &Value::Object(all))
            .map_err(|why| format!("its post-renderer fails: {why}"))?;
    }
    Ok(text)
}

/// The files of values that a release takes from its source, later ones over earlier ones; here the
/// other way round, as they are laid beneath.
fn chart_files(spec: &Value) -> Vec<&str> {
    let files = spec["chart"]["spec"]["valuesFiles"].as_array();
    files.into_iter().flatten().rev().filter_map(Value::as_str).collect()
}

/// Adds labels whose values are texts.
fn add(labels: &mut Map<String, Value>, more: &Value) {
    let more = more.as_object().into_iter().flatten();
    // A template of Helm in a value is filled in by Helm alone.
    let plain = more.filter(|(key, value)| {
        let is_plain = |value: &str| !value.contains("{{") && !is_encrypted_value(value);
        value.as_str().is_some_and(is_plain) && !key.contains("{{")
    });
    labels.extend(plain.map(|(key, value)| (key.clone(), value.clone())));
}

/// The ports that the containers of a controller declare.
fn ports(controller: &Value) -> Value {
    let containers = controller["containers"].as_object().into_iter().flatten();
    let ports = containers.flat_map(|(_, it)| it["ports"].as_array().into_iter().flatten());
    let whole = ports.filter(|port| port["containerPort"].is_u64() && !port["name"].is_object());
    Value::Array(whole.cloned().collect())
}
