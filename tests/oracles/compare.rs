//! One cluster, read and judged here and by an engine.

use super::deviations::{DEVIATIONS, Seen};
use crate::harness::Oracle;
use crate::random::{Random, WrittenEnd, WrittenFlow, written_flows};
use netpol::cluster::{Family, Port, Protocol, Snapshot};
use netpol::lints::Lint;
use netpol::objects::decode_text;
use netpol::policy::{Cilium, CiliumVersion, Enforcer, Remark, Ruleset};
use netpol::verdict::{Endpoint, Flow, Judgement, Reason, Trace, Verdict, judge};
use netpol::yaml;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

/// Flows that are asked about in one cluster: all of a small one, a sample of a large one.
const FLOWS: usize = 120;

/// So many of them go into a table.
pub(super) const FLOWS_IN_A_TABLE: usize = 80;

/// Who enforces, here and there.
pub(super) struct Under {
    pub(super) engine: Engine,
    pub(super) enforcer: Enforcer,
}

/// The engines that are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    Cilium(CiliumVersion),
    KubeNetworkPolicies,
}

impl Under {
    /// Cilium with the settings of the oracle: those it has unless told otherwise, dual-stack.
    pub(super) fn cilium(version: CiliumVersion) -> Self {
        let settings = Cilium {
            cluster_name: Some("default".into()),
            dual_stack: Some(true),
            ..Cilium::new(version)
        };
        Self { engine: Engine::Cilium(version), enforcer: Enforcer::Cilium(settings) }
    }

    /// The letter of the specifications.
    pub(super) fn kube_network_policies() -> Self {
        Self { engine: Engine::KubeNetworkPolicies, enforcer: Enforcer::Kubernetes }
    }
}

/// How a comparison went.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) clusters: usize,
    /// What the engine said where it could not judge at all.
    pub(super) error: Option<String>,
    refused: usize,
    flows: usize,
    /// Answers by the engine's letter.
    letters: BTreeMap<char, usize>,
    /// Answers that differ for a reason that is known, by its name.
    excused: BTreeMap<&'static str, usize>,
    /// Of the last cluster the places of flows where the engine departs from what is specified, by name.
    departures: BTreeMap<&'static str, Vec<usize>>,
}

impl Tally {
    /// The same as a line of a table has it, of so many flows; nothing where there is none.
    pub(super) fn departures(&self, flows: usize) -> Option<Value> {
        let of = |(name, places): (&&'static str, &Vec<usize>)| {
            let places: Vec<usize> = places.iter().copied().filter(|it| *it < flows).collect();
            (!places.is_empty()).then(|| ((*name).to_owned(), json!(places)))
        };
        let all: serde_json::Map<String, Value> = self.departures.iter().filter_map(of).collect();
        (!all.is_empty()).then_some(Value::Object(all))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clusters, refused, flows, letters, excused, .. } = self;
        let of = |letter: char| letters.get(&letter).copied().unwrap_or_default();
        let (allowed, bound, denied) = (of('a'), of('c'), of('d'));
        write!(
            f,
            "{clusters} clusters, {refused} policies refused by both, {flows} flows; {allowed} \
             answers allowed, {bound} on a condition, {denied} denied"
        )?;
        for (name, count) in excused {
            write!(f, "; {count} differ: {name}")?;
        }
        Ok(())
    }
}

/// A cluster as one text of manifests, in blocks as people write them.
pub(crate) fn text(cluster: &[Value]) -> String {
    let mut all = String::new();
    for object in cluster {
        all.push_str("---\n");
        all.push_str(&yaml::to_string(object).expect("YAML"));
    }
    all
}

/// A cluster as it is read.
pub(crate) struct Read {
    pub(crate) snapshot: Snapshot,
    pub(crate) rules: Ruleset,
    pub(crate) warnings: Vec<String>,
}

/// Reads a cluster from its text.
pub(crate) fn read(cluster: &[Value], enforcer: &Enforcer) -> Read {
    let (objects, warnings) = decode_text(text(cluster).into(), Path::new("in.yaml"), "default");
    let warnings = warnings.iter().map(ToString::to_string).collect();
    let (snapshot, written) = objects.assemble();
    let rules = Ruleset::compile(&written, &snapshot, enforcer);
    Read { snapshot, rules, warnings }
}

/// Whether nothing is lost in reading, and nothing refused that no engine looks at: NetworkPolicies and
/// policies of administrators are valid when they come there.
pub(crate) fn readable(cluster: &[Value]) -> bool {
    let read = read(cluster, &Enforcer::Kubernetes);
    read.warnings.is_empty() && read.rules.rejected.is_empty()
}

/// The policies that are refused, by `KIND NAMESPACE/NAME`, and why.
fn refused(rules: &Ruleset) -> BTreeMap<String, String> {
    // What Cilium alone refuses of kinds that are not its own is a lint.
    let by_agent = |it: &&Remark| it.faults.iter().any(|it| it.lint == Lint::RejectedByAgent);
    let all = rules.rejected.iter().chain(rules.lints.iter().filter(by_agent)).map(|remark| {
        let object = &remark.object;
        let namespace = object.namespace.as_deref().unwrap_or_default();
        let why: Vec<String> =
            remark.faults.iter().map(|it| format!("{} {}", it.path, it.message)).collect();
        (format!("{} {namespace}/{}", object.kind, object.name), why.join("; "))
    });
    all.collect()
}

/// What differs of a cluster, if anything does, and the question with its answer.
pub(super) fn asked(
    under: &Under,
    oracle: &mut Oracle,
    tally: &mut Tally,
    cluster: &[Value],
    seed: u64,
) -> (Option<String>, Value) {
    let flows = written_flows(cluster, &mut Random::new(!seed), FLOWS);
    let asked: Vec<Value> = flows.iter().map(question).collect();
    let mut question = json!({"objects": cluster, "flows": asked});
    match oracle.ask(&question) {
        Ok(answer) => {
            let differs = difference(under, tally, cluster, &flows, &answer);
            question["answer"] = answer;
            if let Some(departures) = tally.departures(FLOWS_IN_A_TABLE) {
                question["departures"] = departures;
            }
            (differs, question)
        }
        Err(error) => {
            tally.error.get_or_insert(error);
            (None, question)
        }
    }
}

/// What differs between an engine's answer and ours, if anything does.
pub(super) fn difference(
    under: &Under,
    tally: &mut Tally,
    cluster: &[Value],
    flows: &[WrittenFlow],
    answer: &Value,
) -> Option<String> {
    tally.departures.clear();
    let Read { snapshot, rules, warnings } = read(cluster, &under.enforcer);
    if !warnings.is_empty() {
        return Some(format!("read with warnings: {}", warnings.join("\n")));
    }
    let ours = refused(&rules);
    let theirs = answer["refused"].as_object().cloned().unwrap_or_default();
    let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    for name in names {
        match (ours.get(name), theirs.get(name)) {
            (Some(_), Some(_)) => tally.refused += 1,
            (Some(why), None) => return Some(format!("{name} is refused here only: {why}")),
            (None, why) => return Some(format!("{name} is refused there only: {why:?}")),
        }
    }

    let verdicts = answer["verdicts"].as_array().expect("verdicts");
    assert_eq!(verdicts.len(), flows.len(), "{answer}");
    for (place, (flow, verdict)) in flows.iter().zip(verdicts).enumerate() {
        let judgement = judge(&snapshot, &rules, &ours_of(&snapshot, flow)?);
        let letters: Vec<char> = verdict.as_str().expect("letters").chars().collect();
        let Judgement { egress, ingress, .. } = &judgement;
        // What an engine says of the flow as a whole has one letter.
        let whole = letters.len() == 1;
        let ours: Vec<(char, String)> = if whole {
            vec![(of_both(&judgement), [egress, ingress].map(said).join("; "))]
        } else {
            [egress, ingress].map(|it| (letter(it), said(it))).into()
        };
        assert_eq!(letters.len(), ours.len(), "{answer}");
        for (direction, ((ours, why), theirs)) in ours.into_iter().zip(letters).enumerate() {
            *tally.letters.entry(theirs).or_default() += 1;
            if ours == theirs || (whole && theirs == '-') {
                continue;
            }
            let ingress = direction == 1;
            let seen = Seen { engine: under.engine, cluster, flow, ingress, ours, theirs };
            if let Some(known) = DEVIATIONS.iter().find(|it| (it.applies)(&seen)) {
                *tally.excused.entry(known.name).or_default() += 1;
                if known.departs {
                    tally.departures.entry(known.name).or_default().push(place);
                }
                continue;
            }
            let WrittenFlow { from, to, port, family } = flow;
            let (from, to) = (end(from), end(to));
            return Some(format!(
                "{from} → {to} {port} ({family}): {ours:?} here ({why}) and {theirs:?} there"
            ));
        }
    }
    tally.flows += flows.len();
    tally.clusters += 1;
    None
}

fn said(trace: &Trace) -> String {
    format!("{}, {:?}", trace.direction, trace.reason)
}

/// The letter that an engine would give for a flow as a whole; `-` is one about which it is not asked.
fn of_both(judgement: &Judgement) -> char {
    match judgement.verdict {
        Verdict::Allowed => 'a',
        Verdict::Denied => 'd',
        Verdict::Ambiguous => '!',
        Verdict::Unknown => '?',
    }
}

/// The letter that an engine would give for one direction: docs/oracles.md.
fn letter(trace: &Trace) -> char {
    match (trace.reason, trace.verdict) {
        (Reason::Outside | Reason::Node | Reason::HostNetwork, _) => '-',
        (_, Verdict::Allowed) if trace.conditions.is_empty() => 'a',
        (_, Verdict::Allowed) => 'c',
        (_, Verdict::Denied) => 'd',
        (_, Verdict::Ambiguous) => '!',
        (_, Verdict::Unknown) => '?',
    }
}

pub(crate) fn end(end: &WrittenEnd) -> String {
    match end {
        WrittenEnd::Pod(namespace, name) => format!("pod:{namespace}/{name}"),
        WrittenEnd::Node(name) => format!("node:{name}"),
        WrittenEnd::Outside(ip) => format!("address:{ip}"),
    }
}

fn question(flow: &WrittenFlow) -> Value {
    let WrittenFlow { from, to, port, family } = flow;
    json!({
        "from": end(from), "to": end(to), "family": family.to_string(),
        "protocol": port.protocol.as_str(), "port": port.number,
    })
}

/// The flow of a question.
pub(super) fn flow_of(question: &Value) -> Option<WrittenFlow> {
    let end = |field: &str| {
        let (kind, name) = question[field].as_str()?.split_once(':')?;
        Some(match kind {
            "pod" => {
                let (namespace, name) = name.split_once('/')?;
                WrittenEnd::Pod(namespace.into(), name.into())
            }
            "node" => WrittenEnd::Node(name.into()),
            "address" => WrittenEnd::Outside(name.into()),
            _ => return None,
        })
    };
    let protocol = match question["protocol"].as_str()? {
        "ICMP" => Protocol::Icmp,
        "ICMPv6" => Protocol::IcmpV6,
        other => other.parse().ok()?,
    };
    let family = match question["family"].as_str()? {
        "IPv4" => Family::V4,
        "IPv6" => Family::V6,
        _ => return None,
    };
    let number = u16::try_from(question["port"].as_u64()?).ok()?;
    Some(WrittenFlow {
        from: end("from")?,
        to: end("to")?,
        port: Port { protocol, number },
        family,
    })
}

/// The same flow between the same ends in the snapshot.
pub(crate) fn ours_of(snapshot: &Snapshot, flow: &WrittenFlow) -> Option<Flow> {
    let of = |end: &WrittenEnd| match end {
        WrittenEnd::Pod(namespace, name) => {
            let mut pods = snapshot.pods().iter();
            let id = pods.position(|it| *it.namespace == **namespace && *it.name == **name);
            id.map(Endpoint::Pod)
        }
        WrittenEnd::Node(name) => {
            let index = snapshot.nodes.iter().position(|node| *node.name == **name);
            index.map(Endpoint::Node)
        }
        WrittenEnd::Outside(ip) => ip.parse().ok().map(Endpoint::Address),
    };
    let (source, destination) = (of(&flow.from)?, of(&flow.to)?);
    let (port, family) = (flow.port, flow.family);
    Some(Flow { source, destination, port, family, through_service: false })
}
