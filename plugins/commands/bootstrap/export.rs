//! The same objects as files for Git, in the seed's layout.
//!
//! In: a directory. Out: `network-policies.yaml` with all policies of a namespace, or one file a
//! policy; `namespace.yaml` where the cluster does not have the namespace or it is given labels; and
//! all of them in the directory's kustomization. Several namespaces get a directory each below it.
//! Everything is checked before the first file is written.

use super::args::{Action, DryRun, Layout};
use super::output::yaml_of;
use super::{Run, dialect_of, kustomization, to_value};
use crate::cli::{Exit, error};
use anyhow::{Context as _, bail, ensure};
use netpol::baseline::{self, DnsFacts};
use netpol::kinds::Kind;
use netpol::printable::printable;
use netpol_sources::files::Below;
use netpol_sources::live::{Connection, Target};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The first line of every file that is written, by which it is known again.
const HEADER: &str = "# Written by kubectl netpol bootstrap; run it again rather than edit this.\n";
const HEADER_KNOWN: &str = "# Written by kubectl netpol bootstrap";

/// A file that is to be written, and whether it is new.
struct FileToWrite {
    path: PathBuf,
    content: String,
    changed: bool,
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
        let mut files = Vec::new();
        let mut words = Vec::new();
        let mut names = Vec::new();
        let mut failed = false;
        for namespace in namespaces {
            let below = if namespaces.len() > 1 { format!("{namespace}/") } else { String::new() };
            match self.contents(connection, namespace, *layout, dns.as_ref()).await {
                Ok((contents, outcome_words)) => {
                    for (name, content) in contents {
                        names.push(format!("{below}{name}"));
                        files.push((directory.join(format!("{below}{name}")), content));
                    }
                    words.extend(outcome_words);
                }
                Err(why) => {
                    failed = true;
                    let why = format!("{namespace}: {why:#}; no file was written for it");
                    self.progress.aside(|| error(self.global.color, &why));
                }
            }
        }
        let mut ready: Vec<FileToWrite> = Vec::new();
        for (path, content) in files {
            ready.push(checked(Below(directory), path, HEADER.to_owned() + &content, *overwrite)?);
        }
        if !names.is_empty() {
            let of_one = (namespaces.len() == 1).then(|| namespaces[0].as_str());
            ready.push(kustomization_file(directory, &names, of_one)?);
        }
        let mut lines = Vec::new();
        let mut written = Vec::new();
        for file in &ready {
            let shown = file.path.display().to_string();
            if file.changed && self.plan.dry_run == DryRun::None {
                write(Below(directory), file).with_context(|| {
                    let written = written.join(", ");
                    let written = if written.is_empty() { "no file" } else { &written };
                    format!("writing {}; written before that: {written}", printable(&shown))
                })?;
                written.push(shown.clone());
            }
            let state = if file.changed { "written" } else { "unchanged" };
            let dry = if self.plan.dry_run == DryRun::None { "" } else { " (dry run)" };
            lines.push(format!("{shown} {state}{dry}"));
        }
        lines.extend(words);
        if !ready.is_empty() {
            self.warn_later();
            lines.extend(baseline::dns(&self.plan.baseline, dns.as_ref()));
        }
        self.answer_lines(&lines)?;
        Ok(if failed { Exit::Error } else { Exit::Success })
    }

    /// File names and contents of one namespace, and what they mean.
    async fn contents(
        &self,
        connection: Option<&Connection>,
        namespace: &str,
        layout: Layout,
        dns: Option<&DnsFacts>,
    ) -> anyhow::Result<(Vec<(String, String)>, Vec<String>)> {
        let missing = match connection {
            None => false,
            Some(connection) => {
                let at = Target::kind(Kind::Namespace).named(namespace);
                connection.find(&at).await.is_ok_and(|found| found.is_none())
            }
        };
        let imagined = self.imagine(connection, namespace, dns).await;
        let outcome = imagined.map_err(|failure| anyhow::anyhow!(failure.why))?;
        let mut contents = Vec::new();
        if missing || !self.plan.baseline.labels.is_empty() {
            let object = to_value(&self.plan.baseline.namespace(namespace))?;
            contents.push(("namespace.yaml".to_owned(), yaml_of(&[object])?));
        }
        let policies: Vec<Value> = outcome
            .deeds
            .into_iter()
            .map(|deed| deed.object)
            .filter(|object| dialect_of(object).is_some())
            .collect();
        match layout {
            Layout::One => {
                contents.push(("network-policies.yaml".to_owned(), yaml_of(&policies)?));
            }
            Layout::Many => {
                for policy in policies {
                    let name = policy["metadata"]["name"].as_str().unwrap_or_default();
                    let there = policy["metadata"]["namespace"].as_str();
                    let other = there.filter(|there| *there != namespace);
                    let prefix = other.map(|other| format!("{other}-")).unwrap_or_default();
                    contents.push((
                        format!("{prefix}{name}.yaml"),
                        yaml_of(std::slice::from_ref(&policy))?,
                    ));
                }
            }
        }
        Ok((contents, outcome.words))
    }
}

/// A file of ours; one that is not stays, unless told otherwise.
fn checked(
    below: Below<'_>,
    path: PathBuf,
    content: String,
    overwrite: bool,
) -> anyhow::Result<FileToWrite> {
    let changed = match read(below, &path)? {
        Some(there) if there == content => false,
        Some(there) => {
            ensure!(
                overwrite || there.starts_with(HEADER_KNOWN),
                "{} is there and was not written by kubectl netpol bootstrap: give --overwrite to \
                 replace it, or another directory; no file was written",
                printable(&path.display().to_string())
            );
            true
        }
        None => true,
    };
    Ok(FileToWrite { path, content, changed })
}

fn kustomization_file(
    directory: &Path,
    names: &[String],
    namespace: Option<&str>,
) -> anyhow::Result<FileToWrite> {
    let mut known = kustomization::NAMES.iter().map(|name| directory.join(name));
    // A dead link is there too, and refused as it is read.
    let path = known.find(|path| path.symlink_metadata().is_ok());
    let Some(path) = path else {
        let (path, content) = (directory.join(kustomization::NAMES[0]), kustomization::new(names));
        return Ok(FileToWrite { path, content, changed: true });
    };
    let shown = path.display().to_string();
    let shown = printable(&shown);
    let there = read(Below(directory), &path)?.unwrap_or_default();
    let said = || format!("{shown}; no file was written");
    if let Some(forced) = kustomization::namespace(&there).with_context(said)?
        && namespace != Some(&forced)
    {
        bail!("{shown} puts everything in namespace {forced}; no file was written");
    }
    let content = kustomization::add(&there, names).with_context(said)?;
    Ok(FileToWrite { changed: content != there, path, content })
}

fn read(below: Below<'_>, path: &Path) -> anyhow::Result<Option<String>> {
    below.read(path).context("reading what is there; no file was written")
}

fn write(below: Below<'_>, file: &FileToWrite) -> anyhow::Result<()> {
    Ok(below.write(&file.path, file.content.as_bytes())?)
}
