//! Manifests of large clusters, to see how programs fare with them.
//!
//! In: a shape, a size and a seed. Out: a directory with one YAML file a namespace, as block YAML as
//! people and `kubectl get -o yaml` write it.

mod calico;
pub(crate) mod manifests;
pub(crate) mod shapes;
mod yaml;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, ValueEnum};
use manifests::Policies;
pub(crate) use manifests::pod_spec;
use shapes::{Case, Shape};
use std::fs;
use std::path::PathBuf;

/// Arguments of `gen-cluster`.
#[derive(Args)]
pub(crate) struct Options {
    /// How policies are written: micro (each workload has its own), openshift (as micro, with many
    /// blocks of addresses and stale policies), monolith (whole namespaces, ingress only), largest
    /// (fifteen pods and three policies a namespace) or kano (labels at random)
    #[arg(long, value_enum)]
    shape: ShapeArg,

    /// At least so many pods; namespaces are never cut short
    #[arg(long, value_name = "N")]
    pods: usize,

    /// Seed of the choices
    #[arg(long, value_name = "S", default_value_t = 42)]
    seed: u64,

    /// Directory to write into
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Deployments, as a repository has them, and not the pods of a running cluster
    #[arg(long)]
    templates: bool,

    /// Policies of Calico that mean the same
    #[arg(long)]
    calico: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ShapeArg {
    Micro,
    Openshift,
    Monolith,
    Largest,
    Kano,
}

impl ShapeArg {
    pub(crate) fn shape(self) -> Shape {
        match self {
            Self::Micro => Shape::Micro,
            Self::Openshift => Shape::Openshift,
            Self::Monolith => Shape::Monolith,
            Self::Largest => Shape::Largest,
            Self::Kano => Shape::Kano,
        }
    }
}

/// Writes the manifests and says what was written.
pub(crate) fn run(options: &Options) -> Result<String> {
    let directory = &options.out;
    fs::create_dir_all(directory).with_context(|| format!("creating {}", directory.display()))?;
    let mut there = fs::read_dir(directory).context("reading the directory")?;
    ensure!(there.next().is_none(), "{} is not empty", directory.display());
    let case = Case { shape: options.shape.shape(), pods: options.pods };
    let policies = Policies { version: "projectcalico.org/v3", spec: calico::spec };
    let counts = if options.calico {
        manifests::write_as(case, options.seed, options.templates, policies, directory)
    } else {
        manifests::write(case, options.seed, options.templates, directory)
    };
    let counts = counts.with_context(|| format!("writing into {}", directory.display()))?;
    let counts: Vec<String> = counts.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    Ok(counts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::yaml;
    use serde_json::json;

    #[test]
    fn block_yaml() {
        let mut out = String::new();
        yaml::write(
            &mut out,
            &json!({"spec": {"podSelector": {}, "list": [{"port": 80, "more": ["no", "12e3"]}], "none": []}}),
        );
        assert_eq!(
            out,
            "spec:\n  list:\n  - more:\n    - \"no\"\n    - \"12e3\"\n    port: 80\n  none: []\n  podSelector: {}\n"
        );
    }
}
