//! The same objects as files for Git, in the seed's layout.
//!
//! In: a directory. Out: `network-policies.yaml` with all policies of a namespace, or one file a
//! policy; `namespace.yaml` where the cluster does not have the namespace or it is given labels; and
//! all of them in the directory's kustomization. A namespace has its files in the directory itself or in one
//! of its own below; files of ours that it no longer needs are taken away. All is built in a copy first, and
//! no file is written unless what comes out means what would have been applied.

mod kustomization;
mod ours;
mod proof;

use super::args::{Action, DryRun, Layout};
use super::output::yaml_of;
use super::{Run, dialect_of, to_value};
use crate::cli::{Exit, error};
use anyhow::{Context as _, anyhow, bail, ensure};
use netpol::baseline::{self, DnsFacts};
use netpol::printable::printable;
use netpol_sources::files::Below;
use netpol_sources::live::Connection;
use netpol_sources::manifests::KUSTOMIZATION_NAMES;
use netpol_sources::trial::Trial;
use ours::{Ours, called, header};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A file that is to be written, and whether it is new.
struct FileToWrite {
    /// Its name from the directory, with slashes.
    name: String,
    path: PathBuf,
    content: String,
    changed: bool,
}

/// What one namespace is given.
struct Contents {
    /// Names of files and what is in them.
    files: Vec<(String, String)>,
    /// The objects in them.
    objects: Vec<Value>,
    /// What they mean.
    words: Vec<String>,
}

/// What the directory is to become.
#[derive(Default)]
struct Export {
    files: Vec<FileToWrite>,
    /// Files of ours that go, by their names from the directory.
    gone: Vec<String>,
    objects: Vec<Value>,
    words: Vec<String>,
    failed: bool,
}

impl Run<'_> {
    pub(super) async fn export(
        &self,
        connection: Option<&Connection>,
        namespaces: &[String],
    ) -> anyhow::Result<Exit> {
        let Action::Export { directory, layout, overwrite } = &self.plan.action else {
            return Ok(Exit::Success);
        };
        let dns = self.dns(connection).await?;
        let there = ours::find(directory).map_err(|why| anyhow!("{why}; no file was written"))?;
        let mut export = Export::default();
        for namespace in namespaces {
            let alone = namespaces.len() == 1;
            let place = ours::place(&there, namespace, alone);
            let file = format!("{place}{NAMESPACE}");
            let kept = there.iter().any(|it| it.namespace == *namespace && it.name == file);
            match self.contents(connection, namespace, *layout, kept, dns.as_ref()).await {
                Ok(contents) => {
                    let of = (namespace.as_str(), &*place);
                    export.add(directory, of, contents, &there, *overwrite)?;
                }
                Err(why) => {
                    export.failed = true;
                    let why = format!("{namespace}: {why:#}; no file was written for it");
                    self.progress.aside(|| error(self.global.color, &why));
                }
            }
        }
        if !export.files.is_empty() {
            let described = export.kustomization(directory, &there)?;
            self.progress.say("building what would be there");
            let (pull, charts) = self.plan.may;
            let limits = self.global.limits();
            let trial =
                Trial::of(directory, pull, charts, limits).context("no file was written")?;
            export.prove(&trial, directory, &described)?;
        }
        let mut lines = export.write(directory, self.plan.dry_run == DryRun::None)?;
        let written = !export.files.is_empty();
        lines.extend(export.words);
        if written {
            self.warn_later();
            lines.extend(baseline::dns(&self.plan.baseline, dns.as_ref()));
        }
        self.answer_lines(&lines)?;
        Ok(if export.failed { Exit::Error } else { Exit::Success })
    }

    /// Files and contents of one namespace; `kept`: the file of the Namespace is there, and stays, since
    /// without it Flux would take the namespace away.
    async fn contents(
        &self,
        connection: Option<&Connection>,
        namespace: &str,
        layout: Layout,
        kept: bool,
        dns: Option<&DnsFacts>,
    ) -> anyhow::Result<Contents> {
        let missing = self.is_missing(connection, namespace).await;
        let imagined = self.imagine(connection, namespace, dns).await;
        let outcome = imagined.map_err(|failure| anyhow!(failure.why))?;
        let (mut files, mut objects) = (Vec::new(), Vec::new());
        if missing || kept || !self.plan.baseline.labels.is_empty() {
            let object = to_value(&self.plan.baseline.namespace(namespace))?;
            files.push((NAMESPACE.to_owned(), yaml_of(std::slice::from_ref(&object))?));
            objects.push(object);
        }
        let policies: Vec<Value> = outcome
            .deeds
            .into_iter()
            .map(|deed| deed.object)
            .filter(|object| dialect_of(object).is_some())
            .collect();
        match layout {
            Layout::One => files.push(("network-policies.yaml".to_owned(), yaml_of(&policies)?)),
            Layout::Many => {
                for policy in &policies {
                    let name = policy["metadata"]["name"].as_str().unwrap_or_default();
                    let there = policy["metadata"]["namespace"].as_str();
                    let other = there.filter(|there| *there != namespace);
                    let prefix = other.map(|other| format!("{other}-")).unwrap_or_default();
                    let file = format!("{prefix}{name}.yaml");
                    files.push((file, yaml_of(std::slice::from_ref(policy))?));
                }
            }
        }
        objects.extend(policies);
        Ok(Contents { files, objects, words: outcome.words })
    }
}

/// The file of a Namespace.
const NAMESPACE: &str = "namespace.yaml";

impl Export {
    /// Adds a namespace, and what of its files goes.
    fn add(
        &mut self,
        directory: &Path,
        (namespace, place): (&str, &str),
        contents: Contents,
        all: &[Ours],
        overwrite: bool,
    ) -> anyhow::Result<()> {
        let there: Vec<&Ours> = all.iter().filter(|file| file.namespace == namespace).collect();
        let names: Vec<String> =
            contents.files.iter().map(|(name, _)| format!("{place}{name}")).collect();
        let mut others = all.iter().filter(|file| file.namespace != namespace);
        if let Some(file) = others.find(|file| names.contains(&file.name)) {
            bail!(
                "{} is of namespace {}: give {namespace} another directory; no file was written",
                printable(&directory.join(&file.name).display().to_string()),
                printable(&file.namespace)
            );
        }
        for (name, (_, content)) in names.iter().zip(&contents.files) {
            let (path, content) = (directory.join(name), header(namespace) + content);
            let file = checked(Below(directory), name.clone(), path, content, overwrite)?;
            self.files.push(file);
        }
        let stale = there.iter().filter(|file| !names.contains(&file.name));
        self.gone.extend(stale.map(|file| file.name.clone()));
        self.words.extend(contents.words);
        let policies = contents.objects.iter().filter(|object| dialect_of(object).is_some());
        let now: BTreeSet<String> = policies.map(|policy| called(policy, namespace)).collect();
        let before: BTreeSet<&String> = there.iter().flat_map(|file| &file.policies).collect();
        let lost: Vec<&str> =
            before.into_iter().filter(|name| !now.contains(*name)).map(String::as_str).collect();
        if !lost.is_empty() {
            let lost = lost.join(", ");
            self.words.push(format!("{namespace}: no longer asked for, and taken away: {lost}"));
        }
        self.objects.extend(contents.objects);
        Ok(())
    }

    /// Adds the kustomization; gives back its name and text.
    fn kustomization(
        &mut self,
        directory: &Path,
        ours: &[Ours],
    ) -> anyhow::Result<(String, String)> {
        let names: Vec<String> = self.files.iter().map(|file| file.name.clone()).collect();
        let mut known = KUSTOMIZATION_NAMES.iter();
        // A dead link is there too, and refused as it is read.
        let there = known.find(|name| directory.join(name).symlink_metadata().is_ok());
        let name = there.copied().unwrap_or(KUSTOMIZATION_NAMES[0]).to_owned();
        let path = directory.join(&name);
        let (content, changed) = if there.is_none() {
            if let Some(other) = ours::another(directory, ours) {
                bail!(
                    "{} has no {name}, so Flux and kubectl take every manifest below it, and with one only \
                     what it lists, without {}: write one that lists them, or give another directory; no \
                     file was written",
                    printable(&directory.display().to_string()),
                    printable(&other)
                );
            }
            (kustomization::new(&names), true)
        } else {
            let text = read(Below(directory), &path)?.unwrap_or_default();
            let shown = path.display().to_string();
            let said = || format!("{}; no file was written", printable(&shown));
            let content = kustomization::edit(&text, &names, &self.gone).with_context(said)?;
            let changed = content != text;
            (content, changed)
        };
        let described = (name.clone(), content.clone());
        self.files.push(FileToWrite { name, path, content, changed });
        Ok(described)
    }

    /// Builds a copy in which all is as it is to be.
    fn prove(
        &self,
        trial: &Trial,
        directory: &Path,
        described: &(String, String),
    ) -> anyhow::Result<()> {
        let put = || {
            for file in &self.files {
                trial.write(Path::new(&file.name), &file.content)?;
            }
            self.gone.iter().try_for_each(|name| trial.remove(Path::new(name)))
        };
        put().context("no file was written")?;
        let (name, text) = described;
        let names: Vec<String> = self.files.iter().map(|file| file.name.clone()).collect();
        proof::prove(trial, directory, (name, text), &names, &self.objects)
    }

    /// Writes; what goes is taken away last, so that the directory builds at every moment.
    fn write(&self, directory: &Path, really: bool) -> anyhow::Result<Vec<String>> {
        let mut lines = Vec::new();
        let mut done: Vec<String> = Vec::new();
        let dry = if really { "" } else { " (dry run)" };
        let failed = |what: &str, done: &[String]| {
            let done = if done.is_empty() { "no file".to_owned() } else { done.join(", ") };
            format!("{}; written before that: {done}", printable(what))
        };
        for file in &self.files {
            let shown = file.path.display().to_string();
            if file.changed && really {
                let written = Below(directory).write(&file.path, file.content.as_bytes());
                written.with_context(|| failed(&format!("writing {shown}"), &done))?;
                done.push(shown.clone());
            }
            let state = if file.changed { "written" } else { "unchanged" };
            lines.push(format!("{shown} {state}{dry}"));
        }
        for name in &self.gone {
            let path = directory.join(name);
            let shown = path.display().to_string();
            if really {
                let removed = Below(directory).remove(&path);
                removed.with_context(|| failed(&format!("taking {shown} away"), &done))?;
            }
            lines.push(format!("{shown} deleted{dry}"));
        }
        Ok(lines)
    }
}

/// A file of ours; one that is not stays, unless told otherwise.
fn checked(
    below: Below<'_>,
    name: String,
    path: PathBuf,
    content: String,
    overwrite: bool,
) -> anyhow::Result<FileToWrite> {
    let changed = match read(below, &path)? {
        Some(there) if there == content => false,
        Some(there) => {
            ensure!(
                overwrite || there.starts_with(ours::KNOWN),
                "{} is there and was not written by kubectl netpol bootstrap: give --overwrite to \
                 replace it, or another directory; no file was written",
                printable(&path.display().to_string())
            );
            true
        }
        None => true,
    };
    Ok(FileToWrite { name, path, content, changed })
}

fn read(below: Below<'_>, path: &Path) -> anyhow::Result<Option<String>> {
    below.read(path).context("reading what is there; no file was written")
}
