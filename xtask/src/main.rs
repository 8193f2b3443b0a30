//! `cargo xtask`: the development tasks of kubectl netpol.
//!
//! In: the command line. Out: what the task answers on stdout, everything else on stderr, and the
//! exit code: 0 (done), 1 (what was compared differs) or 2 (failed). Only this file knows the command line and prints answers; the
//! tasks themselves are one module each.

mod child;
#[cfg(unix)]
mod control_plane;
mod dist;
mod ecosystem;
mod figures;
mod fuzz;
mod gen_cluster;
mod gen_flux;
mod generate;
mod map;
mod oracles;
mod packets;
mod picture;
mod sbom;
mod stand_in;
mod tools;
mod verdicts;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};

/// Development tasks of kubectl netpol.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Provide etcd, kube-apiserver and kubectl for the tests.
    ///
    /// They come from the directory `KUBEBUILDER_ASSETS` if that variable is set (the convention of
    /// envtest), else they are built once with Go from the versions pinned in tests/tools and kept
    /// in the user's cache. The last line of stdout is the directory that holds them.
    #[command(verbatim_doc_comment)]
    ControlPlane {
        #[command(subcommand)]
        action: Option<ControlPlaneAction>,
    },

    /// Provide Hubble's command line for the tests.
    ///
    /// It is built once with Go from the version pinned in tests/tools/hubble and kept in the user's
    /// cache. The last line of stdout is the directory that holds it.
    #[command(verbatim_doc_comment)]
    Hubble,

    /// Provide the Flux CLI for the tests.
    ///
    /// It is built once with Go from the version pinned in tests/tools/flux and kept in the user's
    /// cache. The last line of stdout is the directory that holds it.
    #[command(verbatim_doc_comment)]
    Flux,

    /// Provide the Helm CLI for the tests.
    ///
    /// It is built once with Go from the version pinned in tests/tools/helm and kept in the user's
    /// cache. The last line of stdout is the directory that holds it.
    #[command(verbatim_doc_comment)]
    Helm,

    /// Provide flate, with which the tests compare what is made of a repository of Flux.
    ///
    /// It is built once with Go from the version pinned in tests/tools/flate, which wants a newer Go than
    /// the others and has Go fetch that, and kept in the user's cache. The last line of stdout is the
    /// directory that holds it.
    #[command(verbatim_doc_comment)]
    Flate,

    /// Provide the program that judges clusters by Cilium's policy engine.
    ///
    /// It is built once with Go from tests/oracles/cilium, with the release pinned there, and kept in the
    /// user's cache. The last line of stdout is the directory that holds it.
    #[command(verbatim_doc_comment)]
    OracleCilium {
        /// Cilium's version.
        #[arg(default_value = "1.20", value_parser = ["1.18", "1.19", "1.20"])]
        version: String,
    },

    /// Provide the program that judges clusters by the policy engine of kube-network-policies.
    ///
    /// It is built once with Go, with the version pinned in tests/oracles/kube-network-policies, and kept
    /// in the user's cache. The last line of stdout is the directory that holds it.
    #[command(verbatim_doc_comment)]
    OracleKubeNetworkPolicies,

    /// Hold verdicts to the engines that enforce policies, on random clusters.
    ///
    /// It runs the tests of tests/oracles. The first difference of each is cut down and written to
    /// target/oracles as manifests; the exit code is 1 where there is one.
    #[command(verbatim_doc_comment)]
    Oracles(oracles::Options),

    /// Hold a program to the tables of verdicts in tests/cases: this one, or another that reads manifests.
    ///
    /// The answer is a line for each table, then the first differences; manifests and answers are in
    /// target/verdicts. The exit code is 1 where a verdict differs, and 2 where there is none at all.
    #[command(verbatim_doc_comment)]
    Verdicts(verdicts::Options),

    /// Hold verdicts to what becomes of packets: pods that are network namespaces, and a real daemon.
    ///
    /// It needs root, Linux with network namespaces and a queue for packets, `ip`, and `iptables` or `nft`;
    /// nothing of the machine's own network is touched. The answer is a table of what was predicted and
    /// seen; the exit code is 1 where both differ, and the clusters are then in target/packets.
    #[command(verbatim_doc_comment)]
    Packets(packets::Options),

    /// Provide kube-network-policies, which enforces policies in `packets`.
    ///
    /// It is built once with Go from the version pinned in tests/tools/kube-network-policies and kept in
    /// the user's cache. The last line of stdout is the directory that holds it.
    #[command(verbatim_doc_comment)]
    KubeNetworkPolicies,

    /// Provide krew and the validator of its index for the tests.
    ///
    /// They are built once with Go from the version pinned in tests/tools/krew and kept in the user's
    /// cache. The last line of stdout is the directory that holds them.
    #[command(verbatim_doc_comment)]
    Krew,

    /// Write the manifests of a large cluster, in a shape measured on real ones.
    ///
    /// One file a namespace; the same for the same seed. The directory must be empty or new. The
    /// answer is how many of each kind were written.
    #[command(verbatim_doc_comment)]
    GenCluster(gen_cluster::Options),

    /// Run a command against a stand-in for the API server of a large cluster.
    ///
    /// The stand-in listens on loopback while the command runs, and KUBECONFIG names it. Lists come page by
    /// page and compressed, as kube-apiserver gives them. The answer is how large the cluster was and how
    /// long it took.
    #[command(verbatim_doc_comment)]
    StandIn(stand_in::Options),

    /// Measure what commands take, of one build or of several in turn.
    ///
    /// Inputs are made by gen-cluster, once, in target/figures. The answer is a table; every run is added to a
    /// file where one is named. Needs GNU time.
    #[command(verbatim_doc_comment)]
    Figures(figures::Options),

    /// Write a large repository of Flux, with charts of its own.
    ///
    /// Each Kustomization has a directory with a workload, its Service and its policy, some have a
    /// HelmRelease besides. The directory must be empty or new. The answer is what was written.
    #[command(verbatim_doc_comment)]
    GenFlux(gen_flux::Options),

    /// Bundle the page of `kubectl netpol map` from map/ into plugins/assets/map.html.
    ///
    /// npm fetches what map/package-lock.json pins, once. The same sources give the same bytes. The answer
    /// is where the page is.
    #[command(verbatim_doc_comment)]
    Map(map::Options),

    /// Provide a Chromium for the tests of the map.
    ///
    /// It is the one on PATH, else Debian's, which is installed with apt-get where that is possible. The
    /// last line of stdout is its path.
    #[command(verbatim_doc_comment)]
    Browser,

    /// Write what follows from the program: completions/, man/, docs/reference.md, docs/picture.svg and
    /// docs/homekube.html.
    #[command(verbatim_doc_comment)]
    Generate(generate::Options),

    /// Compare what two builds answer over directories of manifests.
    ///
    /// Every command that only reads is run by both, as text and as JSON: list, list --exposed, summary,
    /// diff with the next directory and with nothing, and explain for some of the flows. The answer is a
    /// unified diff for each difference; the exit code is 1 where there is one.
    #[command(verbatim_doc_comment)]
    Ecosystem(ecosystem::Options),

    /// Pack the archive that krew installs, and the manifest for it.
    ///
    /// The same sources give the same bytes. The answer is the archive's SHA-256 and path; the manifest,
    /// netpol.yaml, stands beside it and names the archives that are there.
    #[command(verbatim_doc_comment)]
    Dist(dist::Options),

    /// Write the krew manifest of the archives in a directory.
    KrewManifest(dist::ManifestOptions),

    /// Write SHA256SUMS of the files in a directory.
    Checksums(dist::ChecksumsOptions),

    /// Write the software bill of materials of a release (`CycloneDX`).
    Sbom(sbom::Options),

    /// Look for inputs that a part of the program does not bear, each part for some seconds.
    ///
    /// The targets are in fuzz/; what they find is in target/fuzz/findings. The answer is a line for each;
    /// a finding is an error.
    #[command(verbatim_doc_comment)]
    Fuzz(fuzz::Options),
}

#[derive(Subcommand)]
enum ControlPlaneAction {
    /// Run a throw-away cluster on loopback until SIGTERM, SIGINT or SIGHUP.
    ///
    /// There are no nodes and no controllers: objects are stored, checked and served, and nothing
    /// acts on them (no pods come of a Deployment, and a deleted namespace stays Terminating).
    ///
    /// Once the API server is ready, the first line of stdout is the path of an admin's kubeconfig.
    /// Beside it stand nobody.kubeconfig (a user without any rights), audit.log (every request, at
    /// level Metadata) and the servers' logs and pids. The directory is removed at the end.
    #[command(verbatim_doc_comment)]
    Run {
        /// Write the audit log to this file, which is kept, instead of the throw-away directory.
        #[arg(long, value_name = "FILE")]
        audit_log: Option<PathBuf>,

        /// Stop, too, when stdin closes: a parent that holds the pipe takes the cluster along
        /// however it ends.
        #[arg(long)]
        until_stdin_closes: bool,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(code) => code,
        Err(error) => {
            progress(&format!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    let done = match task {
        Task::Ecosystem(options) => {
            let compared = ecosystem::run(&options)?;
            answer(&compared.text)?;
            return Ok(ExitCode::from(u8::from(!compared.same)));
        }
        Task::GenCluster(options) => answer(&gen_cluster::run(&options)?),
        Task::Figures(options) => answer(&figures::run(&options)?),
        Task::StandIn(options) => answer(&stand_in::run(&options)?),
        Task::GenFlux(options) => answer(&gen_flux::run(&options)?),
        Task::Generate(options) => answer(&generate::run(&options)?),
        Task::Map(options) => answer(&map::run(&options)?),
        Task::Browser => answer(&map::browser()?),
        Task::Hubble => answer(&tools::provide(&tools::HUBBLE)?.display().to_string()),
        Task::OracleCilium { version } => {
            let [older, old, new] = &tools::ORACLES_CILIUM;
            let kit = match &*version {
                "1.18" => older,
                "1.19" => old,
                _ => new,
            };
            answer(&tools::provide(kit)?.display().to_string())
        }
        Task::OracleKubeNetworkPolicies => {
            answer(&tools::provide(&tools::ORACLE_KUBE_NETWORK_POLICIES)?.display().to_string())
        }
        Task::Oracles(options) => {
            return Ok(ExitCode::from(u8::from(!oracles::run(&options)?)));
        }
        Task::Verdicts(options) => {
            let held = verdicts::run(&options)?;
            answer(&held.text)?;
            return Ok(ExitCode::from(held.code));
        }
        Task::Packets(options) => {
            return Ok(ExitCode::from(u8::from(!packets::run(&options)?)));
        }
        Task::KubeNetworkPolicies => {
            answer(&tools::provide(&tools::KUBE_NETWORK_POLICIES)?.display().to_string())
        }
        Task::Krew => answer(&tools::provide(&tools::KREW)?.display().to_string()),
        Task::Dist(options) => answer(&dist::run(&options)?),
        Task::KrewManifest(options) => answer(&dist::manifest(&options)?),
        Task::Checksums(options) => answer(&dist::checksums(&options)?),
        Task::Sbom(options) => answer(&sbom::run(&options)?),
        Task::Fuzz(options) => answer(fuzz::run(&options)?.trim_end()),
        Task::Flux => answer(&tools::provide(&tools::FLUX)?.display().to_string()),
        Task::Flate => answer(&tools::provide(&tools::FLATE)?.display().to_string()),
        Task::Helm => answer(&tools::provide(&tools::HELM)?.display().to_string()),
        Task::ControlPlane { action } => {
            let programs = tools::provide(&tools::CONTROL_PLANE)?;
            match action {
                None => answer(&programs.display().to_string()),
                #[cfg(unix)]
                Some(ControlPlaneAction::Run { audit_log, until_stdin_closes }) => {
                    let options = control_plane::Options { audit_log, until_stdin_closes };
                    control_plane::run(&programs, options, |kubeconfig| {
                        answer(&kubeconfig.display().to_string())
                    })
                }
                #[cfg(not(unix))]
                Some(ControlPlaneAction::Run { .. }) => {
                    anyhow::bail!("a control plane runs on Unix only: it is ended by signals")
                }
            }
        }
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// One line of a task's answer, on its way at once: a reader may wait for it.
fn answer(line: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).context("writing to stdout")
}

/// One line for the person who watches.
fn progress(line: &str) {
    // Nobody left to read it is no reason to stop.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
