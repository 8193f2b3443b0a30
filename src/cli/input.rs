//! Flags that say where objects come from.

use super::{GlobalArgs, output};
use crate::cluster::Snapshot;
use crate::policy::{Ruleset, Written};
use crate::report::{Locate, Location};
use crate::source::manifests::{Locator, Manifests};
use clap::Args;
use ipnet::IpNet;
use std::path::PathBuf;

/// Where objects come from.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Input")]
pub struct InputArgs {
    /// File, directory (with all below it) or - for stdin, with manifests; repeatable
    #[arg(short, long = "filename", value_name = "FILE")]
    pub filename: Vec<PathBuf>,

    /// Directory with a kustomization, built by kubectl or kustomize; repeatable
    #[arg(short, long, value_name = "DIR")]
    pub kustomize: Vec<PathBuf>,

    /// Directories are always read with all below them; taken since kubectl has it
    #[arg(short = 'R', long, hide = true)]
    pub recursive: bool,

    /// Make everything that cannot be read an error
    #[arg(long)]
    pub strict: bool,

    /// Network of the pods whose addresses manifests do not tell; repeatable
    #[arg(long, value_name = "CIDR")]
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
    locator: Locator,
}

impl InputArgs {
    /// Reads what the flags name; objects without a namespace are in `namespace`. What is to be told
    /// about the input goes to stderr.
    pub fn read(&self, global: &GlobalArgs, namespace: &str) -> anyhow::Result<Input> {
        anyhow::ensure!(
            !self.filename.is_empty() || !self.kustomize.is_empty(),
            "no input: give manifests with -f FILE or DIR, or a kustomization with -k DIR"
        );
        let loaded = Manifests {
            files: self.filename.clone(),
            kustomizations: self.kustomize.clone(),
            namespace: namespace.to_owned(),
            strict: self.strict,
        }
        .load()?;
        for warning in &loaded.warnings {
            output::warn(global.color, &warning.to_string());
        }
        let (mut snapshot, written) = loaded.objects.assemble();
        if !self.pod_cidr.is_empty() {
            snapshot.pod_cidrs = self.pod_cidr.iter().map(IpNet::trunc).collect();
        }
        let rules = Ruleset::compile(&written);
        Ok(Input { snapshot, written, rules, locator: loaded.locator })
    }
}

impl Input {
    /// Finds the places of fields.
    pub fn locate(&self) -> Box<Locate<'_>> {
        Box::new(|origin, path| {
            let place = self.locator.locate(origin, path)?;
            Some(Location {
                file: place.file,
                line: u32::try_from(place.line).ok()?,
                column: u32::try_from(place.column).ok()?,
                text: place.text,
            })
        })
    }
}
