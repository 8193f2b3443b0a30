//! `diff --flux`: the live cluster beside what it would be if Flux applied a directory.
//!
//! In: the name of a Kustomization and a directory as its source would have it. Out: two [`Input`]s.
//! The real CLI builds; of what kustomize-controller does with the build, pruning and the annotations
//! that exempt an object from it are followed here.

use super::input::{Input, InputArgs};
use super::{GlobalArgs, Progress, Session, output};
use anyhow::{Context as _, ensure};
use clap::Args;
use netpol::cluster::{ObjectRef, Origin};
use netpol::objects::{Body, Objects};
use netpol::yaml::{Node, parse, split};
use netpol_sources::flux::{self, Build, Delivery};
use netpol_sources::live::{Connection, Error};
use netpol_sources::manifests::{Loaded, Locator, Manifests, Severity};
use std::path::{Path, PathBuf};

/// The heading of these flags in help.
const HEADING: &str = "Flux";

/// Where Flux is installed, unless something says otherwise.
const SYSTEM: &str = "flux-system";

/// Annotations and labels with which objects opt out.
const RECONCILE: &str = "kustomize.toolkit.fluxcd.io/reconcile";
const APPLY: &str = "kustomize.toolkit.fluxcd.io/ssa";
const PRUNE: &str = "kustomize.toolkit.fluxcd.io/prune";

/// A Kustomization and what it is built from.
#[derive(Args, Clone, Debug, Default)]
pub struct FluxBuildArgs {
    /// Compare the live cluster with what it would be if this Kustomization of Flux applied --path; -n
    /// is its namespace, flux-system if not given
    #[arg(
        long = "flux",
        value_name = "NAME",
        requires = "path",
        conflicts_with_all = ["old", "filename", "kustomize"],
        help_heading = HEADING
    )]
    pub name: Option<String>,

    /// The directory that stands for the Kustomization's path in its source
    #[arg(long, value_name = "DIR", requires = "name", help_heading = HEADING)]
    path: Option<PathBuf>,

    /// The Kustomization in a file, instead of the cluster's; one that the cluster does not have is
    /// built without variables of the cluster
    #[arg(long, value_name = "FILE", requires = "name", help_heading = HEADING)]
    kustomization_file: Option<PathBuf>,
}

/// The cluster before and after.
pub struct FluxChange {
    /// Both.
    pub sides: [Input; 2],
    /// What the second is called.
    pub name: String,
    /// The policies that Flux would remove.
    pub pruned: Vec<ObjectRef>,
    /// The command that prints what the second side has besides.
    pub command: Vec<String>,
}

impl FluxBuildArgs {
    /// Builds and reads the cluster; `shared` says how, and names no input itself.
    pub fn read_change(
        &self,
        name: &str,
        global: &GlobalArgs,
        shared: &InputArgs,
    ) -> anyhow::Result<FluxChange> {
        let namespace = namespace(global);
        let path = self.path.as_deref().unwrap_or(Path::new("."));
        let connection = global.connect.words();
        let file = self.kustomization_file.as_deref();
        let pull = shared.pull;
        let builder =
            Build { name, namespace: &namespace, path, file, connection: &connection, pull }
                .prepare()?;
        let progress = Progress::start(global.color);
        progress.say("reading the Kustomization");
        let session = Session::start(global)?;
        let connection = &session.connection;
        let found = match session.block_on(flux::kustomization(connection, &namespace, name))? {
            // The file says all that the build needs.
            Err(Error::NoSuchResource { .. }) if file.is_some() => None,
            found => found?,
        };
        let doing = format!("comparing Kustomization {namespace}/{name}");
        ensure!(found.is_some() || file.is_some(), "{doing}: there is none of that name");
        ensure!(
            !found.as_ref().is_some_and(|found| found.remote),
            "{doing}: it applies to another cluster than this; build it with `flux build \
             kustomization`, and compare with -f - and the --context of that cluster"
        );
        progress.say("building with flux");
        let built = builder.run(found.is_none())?;
        let exempt = exempt(&built);
        let title = format!("flux:{namespace}/{name}");
        let from = format!("{title} {}", output::shown_path(path));
        let Loaded { objects: mut over, locator, .. } =
            progress.aside(|| load(global, shared, built, &from))?;
        progress.say("reading the cluster");
        let read = async {
            // The namespace of -n is the Kustomization's: it may write anywhere.
            let mut objects = connection.whole(None).await?;
            if shared.calls {
                connection.add_calls(&mut objects).await?;
            }
            let mut pruned = Vec::new();
            for object in leavers(found.as_ref(), &objects, &over) {
                if prunes(connection, &object).await? {
                    pruned.push(object);
                }
            }
            Ok::<_, anyhow::Error>((objects, pruned))
        };
        let (objects, pruned) = session.block_on(read)??;
        drop(progress);
        for (object, always) in exempt {
            if always || objects.origin(&object).is_some() {
                over.remove(&object);
            }
        }
        let mut after = objects.clone();
        for object in &pruned {
            after.remove(object);
        }
        after.overlay(over);
        let default = "default".to_owned();
        let before = shared.input(objects, Locator::default(), default.clone(), Vec::new());
        let after = shared.input(after, locator, default, Vec::new());
        let name = format!("live with {title} from {}", output::shown_path(path));
        let command = self.command(&namespace, &path.to_string_lossy());
        Ok(FluxChange { sides: [before, after], name, pruned, command })
    }

    /// What is built, as one would build it at a terminal.
    fn command(&self, namespace: &str, path: &str) -> Vec<String> {
        let mut words =
            ["flux", "build", "kustomization", "--namespace", namespace, "--path", path]
                .map(ToOwned::to_owned)
                .to_vec();
        if let Some(file) = &self.kustomization_file {
            words.extend(["--kustomization-file".to_owned(), file.to_string_lossy().into_owned()]);
        }
        let name = self.name.clone().unwrap_or_default();
        words.extend(name.starts_with('-').then(|| "--".to_owned()));
        words.push(name);
        words
    }
}

/// The namespace of Kustomizations, as the CLI finds it.
///
/// Source: docs/semantics/flux.md#namespace.
fn namespace(global: &GlobalArgs) -> String {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let Some(namespace) = &global.namespace {
        return namespace.clone();
    }
    if set("FLUX_NS_FOLLOWS_KUBE_CONTEXT").is_some_and(|it| matches!(&*it, "1" | "t" | "true")) {
        return global.namespace();
    }
    set("FLUX_SYSTEM_NAMESPACE").unwrap_or_else(|| SYSTEM.to_owned())
}

/// Reads what was built, and tells what is to be told of it.
fn load(
    global: &GlobalArgs,
    shared: &InputArgs,
    built: Vec<u8>,
    name: &str,
) -> anyhow::Result<Loaded> {
    let texts = vec![(PathBuf::from(name), built)];
    let loaded = Manifests { texts, ..shared.manifests(global) }
        .load()
        .context("reading what flux has built")?;
    for warning in loaded.warnings.iter().filter(|it| it.severity == Severity::Note) {
        output::warn(global.color, &warning.to_string());
    }
    Ok(loaded)
}

/// The objects of a build that Flux does not apply: never (true), or only where there is none yet.
fn exempt(built: &[u8]) -> Vec<(ObjectRef, bool)> {
    let text = String::from_utf8_lossy(built);
    if ![RECONCILE, APPLY].iter().any(|key| text.contains(key)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for document in split(&text) {
        // What cannot be read is told when it is loaded.
        let Ok(Some(root)) = parse(&document) else { continue };
        let says = |key: &str, value: &str| says(&root, key, value);
        let never = says(RECONCILE, "disabled") || says(APPLY, "Ignore");
        if never || says(APPLY, "IfNotPresent") {
            found.extend(object(&root).map(|object| (object, never)));
        }
    }
    found
}

/// Whether an annotation or label of an object has a value; in whatever case, as Flux compares.
fn says(root: &Node<'_>, key: &str, value: &str) -> bool {
    let Some(metadata) = root.get("metadata") else { return false };
    ["annotations", "labels"].iter().any(|field| {
        let found = metadata.get(field).and_then(|map| map.get(key)).and_then(Node::as_str);
        found.is_some_and(|found| found.eq_ignore_ascii_case(value))
    })
}

fn object(root: &Node<'_>) -> Option<ObjectRef> {
    let metadata = root.get("metadata")?;
    let text = |node: Option<&Node<'_>>| node.and_then(Node::as_str).map(ToOwned::to_owned);
    Some(ObjectRef {
        kind: text(root.get("kind"))?.into(),
        namespace: text(metadata.get("namespace")).map(Into::into),
        name: text(metadata.get("name"))?.into(),
    })
}

/// The policies that a Kustomization has made and does not make any more.
fn leavers(found: Option<&Delivery>, live: &Objects, over: &Objects) -> Vec<ObjectRef> {
    let Some(found) = found.filter(|found| found.prunes) else { return Vec::new() };
    let is_its_own = |object: &&ObjectRef| match live.origin(object) {
        Some(Origin::Live { owner: Some(owner), .. }) => **owner == found.object,
        _ => false,
    };
    let is_policy = |object: &&ObjectRef| {
        matches!(live.body(object), Some(Body::Policy(_) | Body::Undecodable(_)))
    };
    let made = found.made.iter().filter(|object| over.origin(object).is_none());
    made.filter(is_its_own).filter(is_policy).cloned().collect()
}

/// Whether Flux removes a policy that it does not make any more: it may be told not to.
async fn prunes(connection: &Connection, object: &ObjectRef) -> anyhow::Result<bool> {
    let Some(found) = connection.find_policy(object).await? else { return Ok(false) };
    let says = |key: &str| {
        ["annotations", "labels"].iter().any(|field| {
            let value = found["metadata"][field][key].as_str();
            value.is_some_and(|value| value.eq_ignore_ascii_case("disabled"))
        })
    };
    Ok(!says(PRUNE) && !says(RECONCILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_flux_does_not_apply() {
        let policy = |name: &str, metadata: &str| {
            format!(
                "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
                 metadata:\n  name: {name}\n  namespace: x\n  {metadata}\n"
            )
        };
        let built = [
            policy("a", "annotations: {kustomize.toolkit.fluxcd.io/reconcile: disabled}"),
            policy("b", "labels: {kustomize.toolkit.fluxcd.io/reconcile: Disabled}"),
            policy("c", "annotations: {kustomize.toolkit.fluxcd.io/ssa: ignore}"),
            policy("d", "annotations: {kustomize.toolkit.fluxcd.io/ssa: IfNotPresent}"),
            policy("e", "annotations: {kustomize.toolkit.fluxcd.io/ssa: Merge}"),
            policy("f", "annotations: {kustomize.toolkit.fluxcd.io/prune: disabled}"),
        ];
        let found: Vec<(String, bool)> = exempt(built.join("---\n").as_bytes())
            .into_iter()
            .map(|(object, always)| (object.to_string(), always))
            .collect();
        let expected = [("a", true), ("b", true), ("c", true), ("d", false)];
        let expected = expected.map(|(name, always)| (format!("x/netpol/{name}"), always));
        assert_eq!(found, expected);
        assert_eq!(exempt(b"\xff\x00: ["), []);
    }
}
