//! `explain`: why a flow is allowed or denied.

use super::delivery::{FluxArgs, add_deliveries};
use super::observing::{Explained, ObservingArgs};
use super::print_schema;
use crate::cli::{
    Exit, GlobalArgs, Input, InputArgs, OutputArgs, Progress, WhatIfArgs, answer, show, warn,
};
use anyhow::{Context as _, anyhow, ensure};
use clap::{Args, ValueEnum};
use netpol::answer::{ExplanationReport, not_made};
use netpol::cluster::Snapshot;
use netpol::draft::Dialect;
use netpol::ends::{self, EndName, Endpoint, INTERNET, Named, PortWanted, ResolveError};
use netpol::entry;
use netpol::objects::Objects;
use netpol::policy::Ruleset;
use netpol::system::doubt_names;
use netpol::unwritten;
use netpol::verdict::{self, NoSuggestion, Question, Verdict};
use netpol::yaml;

/// Arguments of `explain`.
#[derive(Args, Clone, Debug)]
#[command(
    override_usage = "kubectl netpol explain SOURCE DESTINATION [--port PORT] [OPTIONS]\n       \
                      kubectl netpol explain webhook/NAME|apiservice/NAME|crd/NAME [OPTIONS]",
    after_help = AFTER_HELP
)]
pub struct ExplainArgs {
    /// Who opens the connection: a workload, pod, node or address; or, alone, what the API server calls
    #[arg(value_name = "SOURCE", required_unless_present = "schema")]
    source: Option<EndName>,

    /// Who is to take it: a workload, pod, Service, URL, host name or address
    #[arg(value_name = "DESTINATION")]
    destination: Option<EndName>,

    /// Port, by number or name, if need be with its protocol: 80, 53/UDP, http
    #[arg(long, value_name = "PORT")]
    port: Option<PortWanted>,

    /// Print the smallest policies that would allow what is denied, as YAML to apply: networkpolicy,
    /// cilium, calico or auto, the dialect of the policies that isolate
    #[arg(
        long,
        value_enum,
        value_name = "DIALECT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "auto",
        hide_possible_values = true
    )]
    suggest: Option<Suggest>,

    #[command(flatten)]
    output: OutputArgs<ExplanationReport>,

    #[command(flatten)]
    input: InputArgs,

    #[command(flatten)]
    what_if: WhatIfArgs,

    #[command(flatten)]
    flux: FluxArgs,

    #[command(flatten)]
    observing: ObservingArgs,
}

/// Who calls webhooks, aggregated APIs and conversions.
const API_SERVER: &str = "kube-apiserver";

/// `--suggest`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Suggest {
    Auto,
    Networkpolicy,
    Cilium,
    Calico,
}

impl Suggest {
    fn dialect(self) -> Option<Dialect> {
        match self {
            Self::Auto => None,
            Self::Networkpolicy => Some(Dialect::NetworkPolicy),
            Self::Cilium => Some(Dialect::Cilium),
            Self::Calico => Some(Dialect::Calico),
        }
    }
}

/// The end of `explain --help`.
const AFTER_HELP: &str = "\
Examples:
  # Why can Grafana not reach Keycloak? Asks the live cluster
  kubectl netpol explain -n monitoring deploy/grafana \\
    http://keycloak.identity.svc.cluster.local/realms/home

  # The same if a file were applied, or a policy were not there
  kubectl netpol explain -n monitoring deploy/grafana identity/svc/keycloak \\
    --with -f new.yaml --without identity/netpol/default-deny-ingress

  # The same from manifests alone, without any cluster
  kubectl netpol explain -f k8s/ monitoring/grafana identity/keycloak

  # Every port that a workload declares, and any other
  kubectl netpol explain -f k8s/ default/whoami identity/keycloak

  # The same once Flux has applied what Git has
  kubectl netpol explain -n monitoring deploy/grafana identity/svc/keycloak \\
    --reconcile

  # With the flows that Hubble saw between the two in the last 5 minutes
  kubectl netpol explain -n monitoring deploy/grafana identity/svc/keycloak \
    --observe

  # Does the API server reach a webhook? The same for apiservice/ and crd/
  kubectl netpol explain webhook/cert-manager-webhook

  # What becomes of a request from the internet, hop by hop
  kubectl netpol explain -f k8s/ internet https://shop.example.com/cart

  # Apply what is missing
  kubectl netpol explain -f k8s/ web svc/db --suggest | kubectl apply -f -

  # The same as a CiliumNetworkPolicy, which can name a host
  kubectl netpol explain web https://login.example.com --suggest=cilium

Names:
  NAME  KIND/NAME  NAMESPACE/NAME  NAMESPACE/KIND/NAME, with :PORT behind it
  http://host/path  name.namespace.svc.cluster.local  10.0.0.7  [2001:db8::7]:443

Pods that nobody has written:
  shop/pods[app=db]:5432  one with these labels    ns/shop  any pod there
  'pods[app=prometheus] in namespaces[role=monitoring]'  namespaces[team=a]
  anyone  internet

Exit codes:
  0 allowed   1 denied, in whole or in part   2 error   3 not known";

impl ExplainArgs {
    /// Runs the command.
    pub fn run(&self, global: &GlobalArgs) -> anyhow::Result<Exit> {
        let (Some(first), false) = (&self.source, self.output.schema) else {
            return print_schema::<ExplanationReport>(global);
        };
        let api_server = API_SERVER.parse::<EndName>()?;
        let (source, destination) = self.ends(first, &api_server)?;
        self.flux.check(&self.input)?;
        let mut input = self.read(global, source, destination)?;
        if self.flux.reconcile {
            let report = self.report(&mut input, (source, destination), global)?;
            input = self.flux.reconcile(global, input, &report, |session| {
                let ends = (source, destination);
                self.input.read_flow_again(global, &self.what_if, session, ends)
            })?;
        }
        let (port, namespace) = (self.port.as_ref(), &input.namespace);
        let asked = Question { source, destination, port, namespace };
        let effort = global.limits().effort;
        let supplied = unwritten::supply(&mut input.snapshot, &input.rules, &asked, effort);
        let supplied =
            supplied.map_err(|error| self.offered(error, &input.snapshot, &input.rules))?;
        let mut missing = supplied.as_ref().map(|it| it.missing.clone()).unwrap_or_default();
        missing.extend(not_made(&input.snapshot));
        let (source, destination) =
            supplied.as_ref().map_or((source, destination), |it| (&it.source, &it.destination));
        let question = Question { source, destination, port, namespace };
        let (snapshot, rules) = (&input.snapshot, &input.rules);
        let progress = Progress::slow(global.color, "working out what decides");
        let explanation = verdict::explain(snapshot, rules, &question);
        drop(progress);
        let untold =
            explanation.is_err() || (self.suggest.is_some() && self.output.format().is_text());
        if untold {
            input.tell_gaps(global);
        }
        let mut explanation = explanation.map_err(|error| self.offered(error, snapshot, rules))?;
        explanation.notes.splice(0..0, input.notes.iter().cloned());
        doubt_names(snapshot, rules, &mut explanation);
        let locate = input.locate();
        let mut report = ExplanationReport::new(&explanation, snapshot, rules, &*locate);
        report.set_not_looked_at(missing);
        let progress = Progress::slow(global.color, "asking who delivers the policies");
        add_deliveries(&input, &mut report)?;
        drop(progress);
        if self.observing.is_wanted() && supplied.is_some() {
            warn(global.color, "flows are observed between ends that are written only");
        } else if self.observing.is_wanted() {
            let hypothetical = self.what_if.with || !self.what_if.without.is_empty();
            let asked = Explained::new(&question, &explanation, hypothetical);
            match self.observing.between(global, &input, &asked) {
                Ok(observed) => report.observed = Some(observed),
                // The verdict does not depend on it.
                Err(error) => {
                    warn(global.color, &format!("what was observed is not known: {error:#}"));
                }
            }
        }
        // What was not looked at may be otherwise.
        let exit = match Exit::from(explanation.verdict()) {
            Exit::Success if !report.complete => Exit::Unknown,
            exit => exit,
        };
        let wanted = self.suggest.and_then(Suggest::dialect);
        // Of a way of several hops it is the one that is closed.
        let hop = explanation.closed_hop();
        let written = hop.is_some_and(|(_, hop)| hop.source.label != explanation.source.label);
        let suggestions = match (&supplied, hop) {
            (Some(_), _) if !written && explanation.verdict() != Some(Verdict::Allowed) => {
                Err(NoSuggestion::Unwritten)
            }
            (_, Some((asked, hop))) => {
                verdict::suggest(snapshot, rules, &asked.question(namespace), hop, wanted)
            }
            _ => verdict::suggest(snapshot, rules, &question, &explanation, wanted),
        };
        if self.suggest.is_some() {
            let suggestions = match suggestions {
                // There is nothing to suggest, which is no failure: the answer is the verdict.
                Err(why @ (NoSuggestion::AllAllowed | NoSuggestion::Refused(..))) => {
                    let place = report.refused_at().filter(|_| why != NoSuggestion::AllAllowed);
                    let place = place.map(|place| format!(" ({place})")).unwrap_or_default();
                    warn(global.color, &format!("{}: {why}{place}", said(&report)));
                    Vec::new()
                }
                suggestions => suggestions.with_context(|| said(&report))?,
            };
            for note in suggestions.iter().flat_map(|suggestion| &suggestion.notes) {
                warn(global.color, note);
            }
            report.add_suggestions(&suggestions);
        } else {
            report.set_next(&suggestions);
        }
        let format = self.output.format();
        if format.is_text() && self.suggest.is_some() {
            answer(global.color, &documents(&report)?)?;
        } else {
            show(global.color, &report, format)?;
        }
        Ok(exit)
    }
}

impl ExplainArgs {
    /// Both ends; what the API server calls stands alone.
    fn ends<'e>(
        &'e self,
        first: &'e EndName,
        api_server: &'e EndName,
    ) -> anyhow::Result<(&'e EndName, &'e EndName)> {
        if let Some(destination) = &self.destination {
            return Ok((first, destination));
        }
        ensure!(
            ends::called(first).is_some(),
            "who is to take the connection? Give SOURCE and DESTINATION; alone stands what the API server \
             calls: webhook/NAME, apiservice/NAME or crd/NAME"
        );
        Ok((api_server, first))
    }

    /// Reads what the question needs.
    fn read(
        &self,
        global: &GlobalArgs,
        source: &EndName,
        destination: &EndName,
    ) -> anyhow::Result<Input> {
        let whole = || InputArgs { entrances: true, ..self.input.clone() }.read(global);
        if self.is_of_anyone(source, destination)? {
            return whole();
        }
        let input = self.input.read_flow(global, &self.what_if, source, destination)?;
        if self.is_led_in(global, &input, destination)? { whole() } else { Ok(input) }
    }

    /// Whether anyone is asked about in a live cluster, so that all of it is read.
    fn is_of_anyone(&self, source: &EndName, destination: &EndName) -> anyhow::Result<bool> {
        let anyone = Named::Path(vec!["anyone".to_owned()]);
        let internet = Named::Path(vec![INTERNET.to_owned()]);
        // What leads a host in may be in any namespace.
        let led = source.names == internet
            && matches!(&destination.names, Named::Host(host) if !host.contains(".svc"));
        let asked = led || [source, destination].iter().any(|end| end.names == anyone);
        let hypothetical = self.what_if.with || !self.what_if.without.is_empty();
        if !asked || (self.input.names_manifests() && !self.what_if.with) {
            return Ok(false);
        }
        ensure!(
            !hypothetical && !self.flux.reconcile,
            "anyone, and hosts from the internet, are asked about in what is there or in manifests: leave \
             out --with, --without and --reconcile"
        );
        Ok(true)
    }

    /// Whether a host outside is one that the live cluster leads in itself, so that all of it is read.
    fn is_led_in(
        &self,
        global: &GlobalArgs,
        input: &Input,
        destination: &EndName,
    ) -> anyhow::Result<bool> {
        let hypothetical = self.what_if.with || !self.what_if.without.is_empty();
        let Named::Host(host) = &destination.names else { return Ok(false) };
        let Some(session) = input.session.as_ref().filter(|_| !hypothetical) else {
            return Ok(false);
        };
        let found = ends::resolve(&input.snapshot, destination, &input.namespace);
        let outside = |end: &Endpoint| matches!(end, Endpoint::Name(_));
        if self.flux.reconcile || !found.is_ok_and(|it| it.endpoints.iter().all(outside)) {
            return Ok(false);
        }
        let mut objects = Objects::default();
        let progress = Progress::slow(global.color, "reading what leads into the cluster");
        session.block_on(session.connection.add_entrances(&mut objects))??;
        drop(progress);
        for gap in &objects.gaps {
            warn(global.color, &format!("not read: {}: {}", gap.what, gap.why));
        }
        let (snapshot, _) = objects.assemble();
        Ok(entry::names_host(&snapshot, host.trim_end_matches('.')))
    }

    /// The answer as it is before anything is asked of Flux.
    fn report(
        &self,
        input: &mut Input,
        (source, destination): (&EndName, &EndName),
        global: &GlobalArgs,
    ) -> anyhow::Result<ExplanationReport> {
        let (port, namespace) = (self.port.as_ref(), &input.namespace);
        let asked = Question { source, destination, port, namespace };
        let effort = global.limits().effort;
        let supplied = unwritten::supply(&mut input.snapshot, &input.rules, &asked, effort);
        let supplied =
            supplied.map_err(|error| self.offered(error, &input.snapshot, &input.rules))?;
        let (source, destination) =
            supplied.as_ref().map_or((source, destination), |it| (&it.source, &it.destination));
        let question = Question { source, destination, port, namespace };
        let (snapshot, rules) = (&input.snapshot, &input.rules);
        let explanation = verdict::explain(snapshot, rules, &question)?;
        Ok(ExplanationReport::new(&explanation, snapshot, rules, &*input.locate()))
    }

    /// An error with the forms in which pods that nobody has written can be asked for, and with what reads
    /// the live cluster, too, where files alone have nothing of the name.
    fn offered(&self, error: ResolveError, snapshot: &Snapshot, rules: &Ruleset) -> anyhow::Error {
        let beside = match &error {
            ResolveError::NotFound { nearest, .. }
                if nearest.is_empty() && self.input.names_manifests() && !self.what_if.with =>
            {
                "; only what -f and -k name was read: --with lays that over the live cluster"
            }
            _ => "",
        };
        match error.not_found().and_then(|words| unwritten::forms(words, snapshot, rules)) {
            Some(forms) => anyhow!("{error}{beside}. {forms}"),
            None if beside.is_empty() => error.into(),
            None => anyhow!("{error}{beside}"),
        }
    }
}

fn said(report: &ExplanationReport) -> String {
    let verdict = report.verdict.as_str().to_lowercase();
    format!("{} → {} is {verdict}", report.source.label, report.destination.label)
}

/// The suggested policies as documents to apply.
fn documents(report: &ExplanationReport) -> anyhow::Result<String> {
    let documents = report.suggestions.iter().map(yaml::to_string);
    let documents: Vec<String> = documents.collect::<Result<_, _>>()?;
    Ok(documents.join("---\n"))
}
