//! The arguments of `bootstrap`, and the one [`Plan`] they come to.

use super::learn::LearnArgs;
use crate::cli::{GlobalArgs, one_of};
use crate::commands::test::{self, Tests};
use crate::render::{Format, Offered};
use anyhow::{Context as _, bail, ensure};
use clap::{ArgAction, Args, ValueEnum, ValueHint};
use netpol::baseline::{
    self, Allowed, AllowedEnd, Baseline, Deny, Dns, Egress, INGRESS_CONTROLLER, LabelMap,
    MONITORING, Peer,
};
use netpol::cluster::kind_from_word;
use netpol::draft::Dialect;
use netpol::ends::{Named, PortWanted};
use netpol::policy::rule::Direction;
use netpol::printable::printable;
use std::path::PathBuf;

/// Arguments of `bootstrap`.
#[derive(Args, Clone, Debug)]
#[command(
    override_usage = "kubectl netpol bootstrap NAMESPACE... [OPTIONS]",
    after_help = AFTER_HELP
)]
pub struct BootstrapArgs {
    /// Namespaces to close; one that is missing is made
    #[arg(value_name = "NAMESPACE")]
    namespaces: Vec<String>,

    /// The namespaces with these labels instead
    #[arg(short = 'l', long, value_name = "LABELS", conflicts_with = "namespaces")]
    selector: Option<String>,

    /// All namespaces instead, by one GlobalNetworkPolicy of Calico, but those in which Kubernetes and Calico
    /// run; with --dialect calico only
    #[arg(long, conflicts_with_all = ["namespaces", "selector", "export"])]
    whole_cluster: bool,

    /// Namespace that --whole-cluster leaves as it is, too; repeatable
    #[arg(long, value_name = "NAMESPACE", requires = "whole_cluster")]
    leave_out: Vec<String>,

    /// Label to give the namespace; repeatable
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,

    /// What is denied by default: ingress, egress or all
    #[arg(long, value_enum, value_name = "WHAT", hide_possible_values = true)]
    deny: Option<DenyWord>,

    /// How DNS is allowed: auto (as the cluster serves it), namespace (kube-system), strict or none
    #[arg(long, value_enum, value_name = "HOW", hide_possible_values = true)]
    dns: Option<DnsWord>,

    /// Language of the policies: networkpolicy (default), cilium or calico
    #[arg(long, value_enum, value_name = "DIALECT", hide_possible_values = true)]
    dialect: Option<DialectWord>,

    /// Let what is asked of DNS pass Cilium's proxy, without which no policy can name a host
    #[arg(long)]
    dns_proxy: bool,

    /// Admit the ingress controller of a namespace, ingress-nginx by default
    #[arg(
        long,
        value_name = "NAMESPACE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = INGRESS_CONTROLLER
    )]
    allow_ingress_controller: Option<String>,

    /// Port on the pods that it may reach, not the Service's; repeatable, every port by default
    #[arg(long, value_name = "PORT", value_delimiter = ',')]
    ingress_port: Vec<PortWanted>,

    /// Admit monitoring, by default monitoring/app.kubernetes.io/name=prometheus
    #[arg(
        long,
        value_name = "NAMESPACE/LABEL=VALUE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = MONITORING
    )]
    allow_monitoring: Option<String>,

    /// Port on the pods that it may reach; repeatable, every port by default
    #[arg(long, value_name = "PORT", value_delimiter = ',')]
    metrics_port: Vec<PortWanted>,

    /// Who may reach the pods: NAMESPACE, NAMESPACE/LABEL=VALUE, NAMESPACE/KIND/NAME, an address or
    /// network, cluster, internet, or under Cilium host, remote-node or kube-apiserver, with :PORT for one
    /// port of the pods; repeatable
    #[arg(long, value_name = "FROM[:PORT]")]
    allow_ingress: Vec<Allowed>,

    /// Where the pods may connect to: NAMESPACE/svc/NAME[:PORT], any end that --allow-ingress takes (a
    /// namespace as ns/NAME), with --dns-proxy also a host; repeatable
    #[arg(long, value_name = "TO[:PORT]")]
    allow_egress: Vec<Egress>,

    /// Write the ingress side of --allow-egress in the other namespace, too
    #[arg(long)]
    both_sides: bool,

    /// Let the pods of the namespace reach one another
    #[arg(long, overrides_with = "allow_same_namespace")]
    allow_same_namespace: bool,

    /// A team's own baseline; flags change it
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Change nothing: client says what would be written, server lets the API server check it
    #[arg(
        long,
        value_enum,
        value_name = "WHO",
        default_value_t,
        hide_default_value = true,
        hide_possible_values = true
    )]
    dry_run: DryRun,

    /// Output format: yaml, json or name
    #[arg(
        short,
        long,
        value_parser = one_of(FORMATS),
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    output: Option<Format>,

    /// Take over fields that another field manager wrote
    #[arg(long)]
    force_conflicts: bool,

    /// Wait until the API serves what was written, or no longer serves what was removed
    #[arg(long)]
    wait: bool,

    /// Do not ask before connections are cut; twice for a namespace that the cluster itself needs
    #[arg(short, long, action = ArgAction::Count)]
    yes: u8,

    /// A file of tests: what breaks one that holds is not written; see kubectl netpol test; repeatable
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    tests: Vec<PathBuf>,

    /// Take away what an earlier run wrote and that is not asked for now
    #[arg(long)]
    prune: bool,

    /// Take back what was written here, and nothing else
    #[arg(long, conflicts_with = "export")]
    remove: bool,

    /// Write files for Git to a directory instead, and add them to its kustomization.yaml
    #[arg(long, value_name = "DIR")]
    export: Option<PathBuf>,

    /// Files of --export: one (network-policies.yaml) or many (one a policy)
    #[arg(
        long,
        value_enum,
        value_name = "FILES",
        default_value_t,
        hide_default_value = true,
        hide_possible_values = true,
        requires = "export"
    )]
    export_layout: Layout,

    /// Let --export replace files that it did not write
    #[arg(long, requires = "export")]
    overwrite: bool,

    /// Print the JSON Schema of --baseline files and do nothing else
    #[arg(long)]
    pub(super) schema: bool,

    #[command(flatten)]
    pub(super) learn: LearnArgs,
}

/// The end of `bootstrap --help`.
const AFTER_HELP: &str = "\
Examples:
  # Close a new namespace: nothing comes in, only DNS goes out
  kubectl netpol bootstrap team-a

  # See what that would cut, and change nothing
  kubectl netpol bootstrap team-a --dry-run=server

  # With the ingress controller, Prometheus and one Service allowed
  kubectl netpol bootstrap team-a --allow-ingress-controller \\
    --ingress-port 8080 --allow-monitoring --metrics-port 9090 \\
    --allow-egress identity/svc/keycloak

  # Only if what is meant to hold still does; see kubectl netpol test
  kubectl netpol bootstrap team-a --tests netpol-test.yaml

  # In the words of Cilium, which can name a host
  kubectl netpol bootstrap team-a --dialect cilium --dns-proxy \\
    --allow-egress https://login.example.com

  # All namespaces but those of the system, by one policy of Calico
  kubectl netpol bootstrap --whole-cluster --dialect calico --dry-run=server

  # As files for Git
  kubectl netpol bootstrap team-a --export clusters/home/team-a

  # With what works now, as Hubble saw it; read it before it is applied
  kubectl netpol bootstrap team-a --learn=24h > team-a.yaml

  # Take it back
  kubectl netpol bootstrap team-a --remove

Exit codes:
  0 done or unchanged   2 error, in one namespace at least";

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DenyWord {
    Ingress,
    Egress,
    All,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DnsWord {
    Auto,
    Namespace,
    Strict,
    None,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DialectWord {
    Networkpolicy,
    Cilium,
    Calico,
}

/// What `-o` takes.
const FORMATS: &[Offered] = &[(Format::Yaml, ""), (Format::Json, ""), (Format::Name, "")];

/// `--dry-run`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum DryRun {
    /// Write.
    #[default]
    None,
    /// Only say.
    Client,
    /// Let the server check.
    Server,
}

/// `--export-layout`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Layout {
    /// One file a namespace.
    #[default]
    One,
    /// One file a policy.
    Many,
}

/// Validated arguments.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) baseline: Baseline,
    /// The dialects whose policies are taken back.
    pub(super) removed: Vec<Dialect>,
    pub(super) namespaces: Namespaces,
    pub(super) dry_run: DryRun,
    pub(super) format: Option<Format>,
    pub(super) force: bool,
    pub(super) wait: bool,
    /// How often it is agreed beforehand.
    pub(super) yes: u8,
    /// What is ours and not asked for goes.
    pub(super) prune: bool,
    pub(super) action: Action,
    /// Whether kustomize may fetch what is elsewhere, and inflate charts.
    pub(super) may: (bool, bool),
    /// Of what is written, none of these that holds may break.
    pub(super) tests: Tests,
    /// How much is said.
    pub(super) verbose: bool,
}

/// Which namespaces are meant.
#[derive(Debug)]
pub(super) enum Namespaces {
    Named(Vec<String>),
    Labelled(String),
    /// All but some.
    Whole {
        left_out: Vec<String>,
    },
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    Apply,
    Remove,
    Export { directory: PathBuf, layout: Layout, overwrite: bool },
}

impl BootstrapArgs {
    /// Checks the arguments; reads the baseline file.
    pub(super) fn plan(&self, global: &GlobalArgs) -> anyhow::Result<Plan> {
        let action = match &self.export {
            _ if self.remove => Action::Remove,
            Some(directory) => Action::Export {
                directory: directory.clone(),
                layout: self.export_layout,
                overwrite: self.overwrite,
            },
            None => Action::Apply,
        };
        let plan = Plan {
            baseline: self.baseline()?,
            removed: self.dialect().map_or_else(|| Dialect::ALL.to_vec(), |one| vec![one]),
            namespaces: self.named(global)?,
            dry_run: self.dry_run,
            format: self.output,
            force: self.force_conflicts,
            wait: self.wait,
            yes: self.yes,
            prune: self.prune,
            action,
            may: self.learn.may(),
            tests: test::read(&self.tests)?,
            verbose: global.v > 0,
        };
        self.learn.check(self, &plan)?;
        self.check(global, &plan)?;
        Ok(plan)
    }

    /// Refuses what is about one namespace where all are meant.
    fn check_whole(&self, global: &GlobalArgs) -> anyhow::Result<()> {
        ensure!(
            matches!(self.dialect, Some(DialectWord::Calico)),
            "--whole-cluster takes a kind that only Calico has: give --dialect calico too, or close \
             namespaces one by one, as with -l"
        );
        let of_one = [
            ("-n", global.namespace.is_some()),
            ("--label", !self.labels.is_empty()),
            ("--dns-proxy", self.dns_proxy),
            ("--allow-ingress-controller", self.allow_ingress_controller.is_some()),
            ("--allow-monitoring", self.allow_monitoring.is_some()),
            ("--allow-ingress", !self.allow_ingress.is_empty()),
            ("--allow-egress", !self.allow_egress.is_empty()),
            ("--allow-same-namespace", self.allow_same_namespace),
            ("--both-sides", self.both_sides),
            ("--baseline", self.baseline.is_some()),
            ("--prune", self.prune),
            ("--learn", self.learn.is_wanted()),
            ("--leave-out", self.remove && !self.leave_out.is_empty()),
        ];
        match of_one.into_iter().find(|(_, given)| *given) {
            Some((flag, _)) => bail!(
                "{flag} says nothing with --whole-cluster{}: leave one of them out",
                if self.remove { " --remove" } else { "" }
            ),
            None => Ok(()),
        }
    }

    /// Refuses flags that mean nothing together.
    fn check(&self, global: &GlobalArgs, plan: &Plan) -> anyhow::Result<()> {
        if self.whole_cluster {
            self.check_whole(global)?;
        }
        if let Some(namespace) = &global.namespace {
            let named = !self.namespaces.is_empty() || self.selector.is_some();
            ensure!(
                !named,
                "-n {}: the namespaces are named already; leave it out",
                printable(namespace)
            );
        }
        let dry = self.dry_run != DryRun::None;
        let (action, given): (&str, Vec<(&str, bool)>) = match plan.action {
            Action::Export { .. } => {
                let of_writing = self.flag_of_writing();
                if let Some(flag) = of_writing {
                    bail!("--export writes files, so {flag} says nothing: leave it out");
                }
                ("--export", vec![("-o", self.output.is_some())])
            }
            Action::Remove => {
                let of_baseline = [
                    ("--label", !self.labels.is_empty()),
                    ("--deny", self.deny.is_some()),
                    ("--dns", self.dns.is_some()),
                    ("--dns-proxy", self.dns_proxy),
                    ("--allow-ingress-controller", self.allow_ingress_controller.is_some()),
                    ("--allow-monitoring", self.allow_monitoring.is_some()),
                    ("--allow-ingress", !self.allow_ingress.is_empty()),
                    ("--allow-egress", !self.allow_egress.is_empty()),
                    ("--allow-same-namespace", self.allow_same_namespace),
                    ("--both-sides", self.both_sides),
                    ("--baseline", self.baseline.is_some()),
                    ("--prune", self.prune),
                    ("--tests", !self.tests.is_empty()),
                    ("--wait", self.wait && dry),
                ];
                ("--remove", of_baseline.to_vec())
            }
            Action::Apply if dry => {
                let client = self.dry_run == DryRun::Client;
                let tests = !self.tests.is_empty();
                let of_server = [("--prune", self.prune), ("--tests", tests)];
                let mut given = vec![("--wait", self.wait)];
                given.extend(of_server.map(|(flag, given)| (flag, given && client)));
                (if client { "--dry-run=client" } else { "--dry-run" }, given)
            }
            Action::Apply => return Ok(()),
        };
        match given.into_iter().find(|(_, given)| *given) {
            Some((flag, _)) => bail!("{flag} says nothing with {action}: leave one of them out"),
            None => Ok(()),
        }
    }

    /// A flag that is about writing to the cluster only.
    pub(super) fn flag_of_writing(&self) -> Option<&'static str> {
        let given = [
            ("--force-conflicts", self.force_conflicts),
            ("--wait", self.wait),
            ("--yes", self.yes > 0),
            ("--prune", self.prune),
            ("--tests", !self.tests.is_empty()),
            ("--dry-run=server", self.dry_run == DryRun::Server),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }

    fn dialect(&self) -> Option<Dialect> {
        self.dialect.map(|word| match word {
            DialectWord::Networkpolicy => Dialect::NetworkPolicy,
            DialectWord::Cilium => Dialect::Cilium,
            DialectWord::Calico => Dialect::Calico,
        })
    }

    fn named(&self, global: &GlobalArgs) -> anyhow::Result<Namespaces> {
        if self.whole_cluster {
            for name in &self.leave_out {
                ensure!(is_label(name), "--leave-out {:?}: not a namespace", printable(name));
            }
            return Ok(Namespaces::Whole { left_out: baseline::left_out(&self.leave_out) });
        }
        if let Some(selector) = &self.selector {
            return Ok(Namespaces::Labelled(selector.clone()));
        }
        let mut names: Vec<String> = Vec::new();
        let of_flag = global.namespace.as_ref().filter(|_| self.namespaces.is_empty());
        for word in self.namespaces.iter().chain(of_flag) {
            let name = match word.split_once('/') {
                Some((kind, name)) if kind_from_word(kind) == Some("Namespace") => name,
                _ => word,
            };
            ensure!(
                is_label(name),
                "{:?} is not the name of a namespace: names are at most 63 lower-case letters, digits \
                 and -, a letter or digit first and last",
                printable(name)
            );
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        ensure!(!names.is_empty(), "no namespace: name one or more, or choose them with -l");
        Ok(Namespaces::Named(names))
    }

    fn baseline(&self) -> anyhow::Result<Baseline> {
        let mut baseline = match &self.baseline {
            None => Baseline::default(),
            Some(path) => {
                let file = path.display().to_string();
                let file = printable(&file);
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("reading the baseline {file}"))?;
                baseline::from_yaml(&text).with_context(|| format!("the baseline {file}"))?
            }
        };
        baseline.labels.extend(self.labels.iter().cloned());
        match self.deny {
            None => {}
            Some(DenyWord::Ingress) => baseline.deny = Deny::Ingress,
            Some(DenyWord::Egress) => baseline.deny = Deny::Egress,
            Some(DenyWord::All) => baseline.deny = Deny::All,
        }
        match self.dns {
            None => {}
            Some(DnsWord::Auto) => baseline.dns = Dns::Auto,
            Some(DnsWord::Namespace) => baseline.dns = Dns::Namespace,
            Some(DnsWord::Strict) => baseline.dns = Dns::Strict,
            Some(DnsWord::None) => baseline.dns = Dns::None,
        }
        baseline.dialect = self.dialect().unwrap_or_default();
        baseline.dns_proxy = self.dns_proxy;
        if self.dns_proxy {
            ensure!(
                baseline.dialect == Dialect::Cilium,
                "--dns-proxy is Cilium's: give --dialect cilium too, or leave it out"
            );
            ensure!(
                baseline.dns != Dns::None,
                "--dns-proxy says how DNS is allowed, and with --dns none it is not: give another --dns"
            );
        }
        if let Some(namespace) = &self.allow_ingress_controller {
            ensure!(is_label(namespace), "--allow-ingress-controller={namespace}: not a namespace");
            let (namespace, labels) = (namespace.clone(), LabelMap::new());
            baseline.ingress_controller = Some(Peer { namespace, labels, ports: Vec::new() });
        }
        if let Some(monitoring) = &self.allow_monitoring {
            baseline.monitoring = Some(peer(monitoring)?);
        }
        let ports = [
            ("--ingress-port", &self.ingress_port, &mut baseline.ingress_controller),
            ("--metrics-port", &self.metrics_port, &mut baseline.monitoring),
        ];
        for (flag, ports, peer) in ports {
            match peer {
                Some(peer) if !ports.is_empty() => peer.ports.clone_from(ports),
                None if !ports.is_empty() => bail!("{flag} says nothing without whom it admits"),
                _ => {}
            }
        }
        for target in &self.allow_egress {
            let end = match target {
                Egress::End(end) => end,
                Egress::Allowed(to) => {
                    baseline.allowed.push((Direction::Egress, to.clone()));
                    continue;
                }
            };
            if let Named::Path(parts) = &end.names {
                let kind = if parts.len() == 3 { Some(&parts[1]) } else { None };
                ensure!(
                    kind.is_none_or(|kind| kind_from_word(kind) == Some("Service")),
                    "--allow-egress {}: give a Service or a workload, as NAMESPACE/svc/NAME[:PORT]",
                    printable(&parts.join("/"))
                );
            }
            baseline.egress.push(end.clone());
        }
        let inward = self.allow_ingress.iter().cloned();
        baseline.allowed.extend(inward.map(|from| (Direction::Ingress, from)));
        let entity = |it: &&(Direction, Allowed)| matches!(it.1.who, AllowedEnd::Entity(_));
        if let Some((_, entity)) = baseline.allowed.iter().find(entity) {
            ensure!(
                baseline.dialect == Dialect::Cilium,
                "{entity} is an entity of Cilium, for which other policies have no words: give --dialect \
                 cilium too, or an address"
            );
        }
        baseline.same_namespace |= self.allow_same_namespace;
        baseline.both_sides |= self.both_sides;
        Ok(baseline)
    }
}

/// `NAMESPACE/LABEL=VALUE`, or a namespace alone for all of its pods. A label may have a slash.
fn peer(text: &str) -> anyhow::Result<Peer> {
    let (namespace, labels) = match text.split_once('/') {
        Some((namespace, labels)) => (namespace, labels),
        None => (text, ""),
    };
    let refuse = || format!("--allow-monitoring={text}: give NAMESPACE/LABEL=VALUE");
    ensure!(is_label(namespace), refuse());
    let pairs = labels.split(',').filter(|pair| !pair.is_empty());
    let labels = pairs.map(label).collect::<Result<LabelMap, _>>();
    let labels = labels.map_err(anyhow::Error::msg).with_context(refuse)?;
    Ok(Peer { namespace: namespace.to_owned(), labels, ports: Vec::new() })
}

fn label(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    let (key, value) = pair.ok_or_else(|| format!("{text:?} is not KEY=VALUE"))?;
    Ok((key.to_owned(), value.to_owned()))
}

/// RFC 1123, as the API server wants it of a namespace.
fn is_label(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&name.len())
        && name.bytes().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers() {
        let seen = |text: &str| peer(text).map(|p| (p.namespace, format!("{:?}", p.labels)));
        let (namespace, labels) = seen(MONITORING).unwrap();
        assert_eq!(namespace, "monitoring");
        assert_eq!(labels, r#"{"app.kubernetes.io/name": "prometheus"}"#);
        assert_eq!(seen("obs").unwrap().1, "{}");
        for wrong in ["", "obs/x", "Obs", "/a=b"] {
            assert!(peer(wrong).is_err(), "{wrong}");
        }
    }
}
