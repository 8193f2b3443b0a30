//! Flags that say where objects come from.

use super::{GlobalArgs, Progress, output};
use crate::cluster::Snapshot;
use crate::policy::{Enforcer, Ruleset, Written};
use crate::report::{Locate, Location};
use crate::source::Objects;
use crate::source::live;
use crate::source::manifests::{Loaded, Locator, Manifests, Severity};
use crate::source::revision::Revision;
use clap::Args;
use ipnet::IpNet;
use std::path::{Path, PathBuf};

/// The heading of these flags in help.
const HEADING: &str = "Input";

/// How the name of a Git revision begins.
pub(super) const GIT: &str = "git:";

/// Where objects come from.
#[derive(Args, Clone, Debug, Default)]
pub struct InputArgs {
    /// Manifests instead of the live cluster: a file, a directory with all below it, - for stdin, or
    /// git:REV[:PATH]; repeatable
    #[arg(short, long = "filename", value_name = "FILE", help_heading = HEADING)]
    pub filename: Vec<PathBuf>,

    /// Directory with a kustomization, built by kubectl or kustomize; repeatable
    #[arg(short, long, value_name = "DIR", help_heading = HEADING)]
    pub kustomize: Vec<PathBuf>,

    /// Directories are always read with all below them; taken since kubectl has it
    #[arg(short = 'R', long, hide = true, help_heading = HEADING)]
    pub recursive: bool,

    /// Make everything that cannot be read an error
    #[arg(long, help_heading = HEADING)]
    pub strict: bool,

    /// Network of the pods whose addresses manifests do not tell; repeatable
    #[arg(long, value_name = "CIDR", help_heading = HEADING)]
    pub pod_cidr: Vec<IpNet>,
}

/// What was read, ready to be judged.
pub struct Input {
    /// What exists.
    pub snapshot: Snapshot,
    /// What is written.
    pub written: Written,
    /// What is in force.
    pub rules: Ruleset,
    /// The namespace of names that come without one.
    pub namespace: String,
    /// What is only supposed of it, in words.
    pub notes: Vec<String>,
    locator: Locator,
}

impl InputArgs {
    /// Reads the manifests that the flags name, or else the live cluster: all of it, or the
    /// namespace of `-n`. What is to be told about the input goes to stderr.
    pub fn read(&self, global: &GlobalArgs) -> anyhow::Result<Input> {
        if self.names_manifests() {
            let namespace = global.namespace();
            let Loaded { objects, locator, .. } = self.load(global, &namespace)?;
            return Ok(self.input(objects, locator, namespace, Vec::new()));
        }
        let (objects, namespace) = live_objects(global)?;
        Ok(self.input(objects, Locator::default(), namespace, Vec::new()))
    }

    /// Reads the live cluster as it is, and as it would be with the manifests that the flags name.
    pub fn read_change(&self, global: &GlobalArgs) -> anyhow::Result<[Input; 2]> {
        let (objects, namespace) = live_objects(global)?;
        let Loaded { objects: over, locator, .. } = self.load(global, &namespace)?;
        let mut after = objects.clone();
        after.overlay(over);
        let before = self.input(objects, Locator::default(), namespace.clone(), Vec::new());
        Ok([before, self.input(after, locator, namespace, Vec::new())])
    }

    /// Whether manifests are named.
    pub(crate) fn names_manifests(&self) -> bool {
        !self.filename.is_empty() || !self.kustomize.is_empty()
    }

    /// Reads the manifests and tells what is to be told about them.
    pub(crate) fn load(&self, global: &GlobalArgs, namespace: &str) -> anyhow::Result<Loaded> {
        let (mut files, mut revisions) = (Vec::new(), Vec::new());
        for path in &self.filename {
            match revision(path)? {
                Some(revision) => revisions.push(revision),
                None => files.push(path.clone()),
            }
        }
        let progress = Progress::slow(global.color, "reading manifests");
        let loaded = Manifests {
            files,
            revisions,
            kustomizations: self.kustomize.clone(),
            namespace: namespace.to_owned(),
            strict: self.strict,
        }
        .load()?;
        drop(progress);
        // Whatever was not read is told with the answer, which depends on it.
        for warning in loaded.warnings.iter().filter(|w| w.severity == Severity::Note) {
            output::warn(global.color, &warning.to_string());
        }
        Ok(loaded)
    }

    /// Links objects and lowers policies.
    pub(crate) fn input(
        &self,
        objects: Objects,
        locator: Locator,
        namespace: String,
        notes: Vec<String>,
    ) -> Input {
        let (mut snapshot, written) = objects.assemble();
        if !self.pod_cidr.is_empty() {
            snapshot.pod_cidrs = self.pod_cidr.iter().map(IpNet::trunc).collect();
        }
        let rules = Ruleset::compile(&written, &snapshot, &Enforcer::default());
        Input { snapshot, written, rules, namespace, notes, locator }
    }
}

/// The Git revision that a name stands for; a file may have such a name too.
fn revision(path: &Path) -> anyhow::Result<Option<Revision>> {
    let name = path.to_str().and_then(|name| name.strip_prefix(GIT));
    name.filter(|_| !path.exists()).map(|name| Ok(name.parse()?)).transpose()
}

/// All of the live cluster, or of the namespace of `-n`, and the namespace of names without one.
fn live_objects(global: &GlobalArgs) -> anyhow::Result<(Objects, String)> {
    let _progress = Progress::slow(global.color, "reading the cluster");
    let read = async {
        let connection = global.connect().await?;
        let objects = connection.whole(global.namespace.as_deref()).await?;
        Ok::<_, live::Error>((objects, connection.namespace().to_owned()))
    };
    Ok(global.block_on(read)??)
}

impl Input {
    /// Tells on stderr what was not read, where no answer tells it.
    pub fn tell_gaps(&self, global: &GlobalArgs) {
        for gap in &self.snapshot.gaps {
            output::warn(global.color, &format!("not read: {}: {}", gap.what, gap.why));
        }
    }

    /// Finds the places of fields.
    pub fn locate(&self) -> Box<Locate<'_>> {
        Box::new(|origin, path| {
            let place = self.locator.locate(origin, path)?;
            Some(Location {
                file: place.file,
                line: place.line,
                column: place.column,
                text: place.text,
            })
        })
    }
}
