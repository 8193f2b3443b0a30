//! What is said of traffic of the system, in whatever format.

use super::list::port_word;
use netpol::answer::{Outcome, SystemFlowReport, SystemReport};
use netpol::system::SystemKind;

/// What [`fields`] are called.
pub(in crate::render) const FIELDS: [&str; 8] =
    ["for", "by", "source", "destination", "ports", "verdict", "reason", "effect"];

/// All of a row.
pub(in crate::render) fn fields(flow: &SystemFlowReport) -> [String; 8] {
    [
        flow.kind.as_str().to_owned(),
        flow.by.clone(),
        flow.source.clone(),
        flow.destination.clone(),
        ports(flow),
        flow.verdict.as_str().to_owned(),
        flow.message.clone().unwrap_or_default(),
        flow.effect.clone().unwrap_or_default(),
    ]
}

/// A line of the answer.
pub(in crate::render) struct SystemLine {
    /// What becomes of it.
    pub(in crate::render) verdict: Outcome,
    /// The flow, or how many there are.
    pub(in crate::render) words: String,
    /// Why, and what follows.
    pub(in crate::render) more: Option<String>,
}

/// The lines of each kind below what stands above them: what does not pass one by one, what passes
/// together, unless all is asked for.
pub(in crate::render) fn sections(
    report: &SystemReport,
    all: bool,
) -> Vec<(&'static str, Vec<SystemLine>)> {
    let section = |kind: SystemKind| {
        let (heading, of) = match kind {
            SystemKind::Webhook => ("Webhooks that the API server calls:", "webhook"),
            SystemKind::AggregatedApi => ("Aggregated APIs that the API server calls:", "API"),
            SystemKind::Conversion => ("Conversions that the API server asks for:", "kind"),
            SystemKind::Probe => ("Probes of the kubelet, from each pod's own node:", "workload"),
            SystemKind::Dns => ("DNS:", "workload"),
            SystemKind::Metrics => ("Figures of pods and nodes:", "workload"),
        };
        let mut flows: Vec<&SystemFlowReport> =
            report.flows.iter().filter(|flow| flow.kind == kind).collect();
        flows.sort_by_key(|flow| rank(flow.verdict));
        let counted = matches!(kind, SystemKind::Probe | SystemKind::Dns) && !all;
        let (passing, rest): (Vec<_>, Vec<_>) = flows
            .into_iter()
            .partition(|flow| counted && flow.verdict == Outcome::Allowed && flow.effect.is_none());
        let mut lines: Vec<SystemLine> = rest.into_iter().map(line).collect();
        if let Some(first) = passing.first() {
            let many = passing.len();
            let s = if many == 1 { "" } else { "s" };
            let words = match kind {
                SystemKind::Dns => format!("{many} {of}{s} → {}", first.destination),
                _ => format!("{many} {of}{s}"),
            };
            // What is said of all is said once.
            let same = passing.iter().all(|flow| flow.message == first.message);
            let more = first.message.clone().filter(|_| same);
            lines.push(SystemLine { verdict: Outcome::Allowed, words, more });
        }
        (heading, lines)
    };
    let sections = SystemKind::ALL.into_iter().map(section);
    sections.filter(|(_, lines)| !lines.is_empty()).collect()
}

fn line(flow: &SystemFlowReport) -> SystemLine {
    let ports = ports(flow);
    let ports = if ports.is_empty() { ports } else { format!(" on {ports}") };
    let ends = format!("{} → {}{ports}", flow.source, flow.destination);
    let words = match flow.kind {
        SystemKind::Webhook | SystemKind::AggregatedApi | SystemKind::Conversion => {
            format!("{}: {ends}", flow.by)
        }
        _ => ends,
    };
    let said: Vec<&str> =
        [&flow.message, &flow.effect].into_iter().flatten().map(|it| &**it).collect();
    SystemLine { verdict: flow.verdict, words, more: (!said.is_empty()).then(|| said.join("; ")) }
}

/// What is cut first.
fn rank(verdict: Outcome) -> u8 {
    match verdict {
        Outcome::Denied => 0,
        Outcome::Mixed => 1,
        Outcome::Unknown | Outcome::Ambiguous => 2,
        Outcome::Allowed => 3,
    }
}

fn ports(flow: &SystemFlowReport) -> String {
    flow.ports.iter().copied().map(port_word).collect::<Vec<_>>().join(", ")
}
