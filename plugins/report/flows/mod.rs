//! The answer of `list` as a versioned type: who may talk to whom, at which ports.
//!
//! In: a snapshot, its rules and what is [`Asked`]. Out: a [`FlowList`], complete without any of
//! them. What a rule says of anyone stays one row; how such rows go together is told in `notes`.

mod collect;
mod conditions;
mod delimited;
mod graph;
mod group;
mod ranges;
mod table;
mod unmatched;
mod why;

pub use delimited::{flows_csv, flows_markdown};
pub use graph::{TooLarge, flows_dot, flows_mermaid};
pub use table::flows_table;

use super::explanation::{API_VERSION, Locate};
use super::warnings::{self, Warning};
use super::words;
use collect::{Collector, Families, Holds, Merged, Part, Party};
use group::{Group, Groups};
use netpol::cluster::{Family, Port, Protocol, Snapshot};
use netpol::policy::Ruleset;
use netpol::policy::rule::Direction;
use netpol::reach::{Connectivity, End, PortSet, Wanted};
use netpol::verdict::{PortText, PortWanted};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeSet, HashMap, HashSet};

/// What stands in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// The owners of pods.
    #[default]
    Workload,
    /// Pods.
    Pod,
    /// Namespaces.
    Namespace,
}

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// What stands in a row.
    pub by: By,
    /// Only from these.
    pub from: Option<HashSet<End>>,
    /// Only to these, each at its ports, where ports were asked for.
    pub to: Option<HashMap<End, Option<PortSet>>>,
    /// Only rows with this port.
    pub port: Option<PortWanted>,
    /// Only with an end in this namespace.
    pub namespace: Option<String>,
    /// Only what is open to anyone, to every pod or to the outside.
    pub exposed: bool,
    /// What the reader should know of how the question was understood.
    pub notes: Vec<String>,
}

/// More rows than one answer should hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {0} flows: ask for fewer with -n, --from, --to or --by namespace")]
pub struct TooMany(usize);

/// The answer of `list`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowList {
    /// Always `netpol/v1alpha1`.
    pub api_version: &'static str,
    /// Always `FlowList`.
    pub kind: &'static str,
    /// What stands in a row: `Workload`, `Pod` or `Namespace`.
    pub by: &'static str,
    /// Whether only what is open to the whole cluster or to the outside is listed.
    pub exposed: bool,
    /// By source, destination and ports.
    pub flows: Vec<ListedFlow>,
    /// With one end asked for: rules for it that allow pods of which none is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unmatched: Vec<Unmatched>,
    /// How to read the rows, and how the question was understood.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What could make the answer wrong: policies that would be refused, input that was not read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// A rule that allows pods of which none is known: of a custom resource, of later, or of a typing
/// error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unmatched {
    /// The rule, such as `default/netpol/web ingress[0]`.
    pub rule: String,
    /// The peers in words, such as `monitoring/prometheus`.
    pub peers: Vec<String>,
    /// The ports in words.
    pub ports: Vec<String>,
}

impl Unmatched {
    /// As a sentence without its end.
    fn sentence(&self) -> String {
        let (peers, ports) = (words::list(&self.peers, "and"), words::list(&self.ports, "and"));
        format!("{} allows {peers} on {ports}, but no known pod matches", self.rule)
    }
}

/// The ports from one end to another.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListedFlow {
    /// `Allowed`, or `Unknown` where it depends on what is not known.
    pub verdict: &'static str,
    /// Who opens the connection.
    pub source: FlowEnd,
    /// Who takes it.
    pub destination: FlowEnd,
    /// The ports, as they arrive at the destination's pods.
    pub ports: Vec<FlowPorts>,
    /// Whether these are all ports of all protocols.
    pub any_port: bool,
    /// Whether only some of the pods are meant, which happens only by namespace.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub in_part: bool,
    /// `IPv4` or `IPv6`, where it is only the one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<&'static str>,
    /// What must hold besides, such as `HTTP GET /`; of an allowed row that has some, what passes
    /// without any condition is in a row of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<String>,
    /// Of a row with anyone, every pod or outside: `NotIsolated`, `HostNetwork` or `Admitted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The rules that admit them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
}

/// One end of a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowEnd {
    /// How it is called.
    pub label: String,
    /// `Anyone`, `EveryPod`, `Outside`, or the kind of an object.
    pub kind: String,
    /// Its namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The pods of it that are meant, where not all are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<String>,
    /// The networks that are meant, where not all of the outside is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<String>,
}

/// Ports of one protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowPorts {
    /// The protocol.
    pub protocol: &'static str,
    /// The port, or the first of a range.
    pub port: u16,
    /// The last of a range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_port: Option<u16>,
}

impl FlowList {
    /// Lists what is asked for.
    pub fn new(
        snapshot: &Snapshot,
        rules: &Ruleset,
        asked: &Asked,
        locate: &Locate<'_>,
    ) -> Result<Self, TooMany> {
        let connectivity = Connectivity::compute(snapshot, rules);
        let classes = |ends: &mut dyn Iterator<Item = &End>| -> BTreeSet<u32> {
            ends.filter_map(|end| connectivity.class(*end)).collect()
        };
        let wanted = Wanted {
            from: asked.from.as_ref().map(|from| classes(&mut from.iter())),
            to: asked.to.as_ref().map(|to| classes(&mut to.keys())),
            touching: asked
                .namespace
                .as_deref()
                .map(|namespace| connectivity.classes_of(namespace).unwrap_or(0..0)),
            exposed: asked.exposed,
        };
        let group =
            |only: Option<&HashSet<End>>| Groups::new(snapshot, &connectivity, asked.by, only);
        let sources = group(asked.from.as_ref());
        let to: Option<HashSet<End>> = asked.to.as_ref().map(|to| to.keys().copied().collect());
        let destinations = group(to.as_ref());
        let collector = Collector {
            connectivity: &connectivity,
            by: asked.by,
            sources: &sources,
            destinations: &destinations,
            wanted: &wanted,
        };
        let rows = collector.run()?;
        let lister =
            Lister { snapshot, rules, asked, sources: &sources, destinations: &destinations };
        let flows: Vec<ListedFlow> = rows
            .into_iter()
            .filter(|(row, _)| lister.has_port(row))
            .map(|(row, families)| lister.flow(&row, families))
            .collect();
        let here = |namespace: Option<&str>| match (&asked.namespace, namespace) {
            (Some(only), Some(namespace)) => only == namespace,
            _ => true,
        };
        Ok(Self {
            api_version: API_VERSION,
            kind: "FlowList",
            by: match asked.by {
                By::Workload => "Workload",
                By::Pod => "Pod",
                By::Namespace => "Namespace",
            },
            exposed: asked.exposed,
            unmatched: if asked.exposed {
                Vec::new()
            } else {
                unmatched::unmatched(snapshot, rules, asked)
            },
            notes: [words::enforcement(rules), notes(&flows, asked)].concat(),
            flows,
            warnings: warnings::remarks(
                rules,
                |remark| here(remark.object.namespace.as_deref()),
                locate,
            )
            .into_iter()
            .chain(warnings::gaps(snapshot))
            .collect(),
        })
    }
}

struct Lister<'a> {
    snapshot: &'a Snapshot,
    rules: &'a Ruleset,
    asked: &'a Asked,
    sources: &'a Groups,
    destinations: &'a Groups,
}

impl Lister<'_> {
    fn flow(&self, row: &Merged, families: Families) -> ListedFlow {
        let why = self.why(row);
        ListedFlow {
            verdict: if row.holds == Holds::Unknown { "Unknown" } else { "Allowed" },
            source: self.end(self.sources, &row.source, families),
            destination: self.end(self.destinations, &row.destination, families),
            ports: row
                .ports
                .ranges()
                .map(|(protocol, range)| FlowPorts {
                    protocol: protocol.as_str(),
                    port: range.first,
                    end_port: (range.last != range.first).then_some(range.last),
                })
                .collect(),
            any_port: row.ports.is_all(),
            in_part: row.in_part,
            family: match families {
                Families { v4: true, v6: false, could_be_both: true } => Some("IPv4"),
                Families { v4: false, v6: true, could_be_both: true } => Some("IPv6"),
                _ => None,
            },
            conditions: self.conditions(row, families),
            reason: why.as_ref().map(|why| why.reason),
            rules: why.map_or_else(Vec::new, |why| why.rules),
        }
    }

    fn why(&self, row: &Merged) -> Option<why::Why> {
        let symbolic = |party| matches!(party, Party::Anyone | Party::EveryPod | Party::Outside);
        let (direction, groups, own, other) = match (row.source.0, row.destination.0) {
            (other, Party::Group(_)) if symbolic(other) => {
                (Direction::Ingress, self.destinations, &row.destination, other)
            }
            (Party::Group(_), other) if symbolic(other) => {
                (Direction::Egress, self.sources, &row.source, other)
            }
            _ => return None,
        };
        let pods = pods(groups, own);
        Some(why::why(self.snapshot, self.rules, direction, &pods, other, &row.ports))
    }

    fn end(&self, groups: &Groups, end: &(Party, Part), families: Families) -> FlowEnd {
        let plain = |label: &str, kind: &str| FlowEnd {
            label: label.to_owned(),
            kind: kind.to_owned(),
            namespace: None,
            name: None,
            pods: Vec::new(),
            networks: Vec::new(),
        };
        match (end.0, &end.1) {
            (Party::Anyone, _) => plain("anyone", "Anyone"),
            (Party::EveryPod, _) => plain("everyone in the cluster", "EveryPod"),
            (Party::Outside, Part::Ranges(some)) => {
                let shown = |ranges: &[ranges::Range]| -> Vec<String> {
                    ranges::networks(ranges).iter().map(ToString::to_string).collect()
                };
                let networks = shown(some);
                let family = if families.v4 { Family::V4 } else { Family::V6 };
                let rest = shown(&ranges::complement(some, family));
                let label = if rest.len() < networks.len() {
                    let whole = if family == Family::V4 { "0.0.0.0/0" } else { "::/0" };
                    format!("outside {whole} but {}", rest.join(", "))
                } else {
                    format!("outside {}", networks.join(", "))
                };
                FlowEnd { networks, ..plain(&label, "Outside") }
            }
            (Party::Outside, _) => plain("outside", "Outside"),
            (Party::Group(id), part) => {
                let Group { object, total, .. } = groups.group(id);
                let whole = match &*object.kind {
                    "Namespace" => object.name.to_string(),
                    _ => object.to_string(),
                };
                let pods: Vec<String> = match part {
                    Part::Pods(pods) => pods.iter().map(|end| self.pod_name(*end)).collect(),
                    _ => Vec::new(),
                };
                let label = match pods.as_slice() {
                    [] => whole,
                    [one] => format!("{whole} ({one})"),
                    [first, ..] => {
                        format!("{whole} ({} of {total} pods: {first}, …)", pods.len())
                    }
                };
                let namespace = match &*object.kind {
                    "Namespace" => Some(object.name.to_string()),
                    _ => object.namespace.as_deref().map(Into::into),
                };
                FlowEnd {
                    namespace,
                    name: Some(object.name.to_string()),
                    pods,
                    ..plain(&label, &object.kind)
                }
            }
        }
    }

    fn pod_name(&self, end: End) -> String {
        match end {
            End::Pod(id) => self.snapshot.pod(id).name.to_string(),
            End::Node(node) => self.snapshot.nodes[node].name.to_string(),
            End::Address(address) => address.to_string(),
        }
    }

    /// Whether a row has the port that is asked for, at its own destinations.
    fn has_port(&self, row: &Merged) -> bool {
        let meets = |ports: &PortSet| !ports.intersection(&row.ports).is_empty();
        let ends = pods(self.destinations, &row.destination);
        if let (Some(to), Party::Group(_)) = (&self.asked.to, row.destination.0)
            && !ends.iter().any(|end| match to.get(end) {
                Some(Some(ports)) => meets(ports),
                other => other.is_some(),
            })
        {
            return false;
        }
        let Some(wanted) = &self.asked.port else { return true };
        let protocols = Protocol::ALL.into_iter();
        let protocols = protocols.filter(|p| wanted.protocol.is_none_or(|wanted| wanted == *p));
        match &wanted.port {
            PortText::Number(number) => {
                meets(&PortSet::of(protocols.map(|protocol| (protocol, (*number).into()))))
            }
            PortText::Name(name) => {
                let protocols: Vec<Protocol> = protocols.collect();
                let called = |id: usize| {
                    self.snapshot.pod(id).ports.iter().any(|declared| {
                        let Port { protocol, .. } = declared.port;
                        declared.name.as_deref() == Some(name.as_str())
                            && protocols.contains(&protocol)
                            && row.ports.contains(declared.port)
                    })
                };
                match row.destination.0 {
                    Party::Group(_) => {
                        ends.iter().any(|end| matches!(end, End::Pod(id) if called(*id)))
                    }
                    Party::Outside => false,
                    Party::Anyone | Party::EveryPod => (0..self.snapshot.pods().len()).any(called),
                }
            }
        }
    }
}

/// The pods or nodes of a row's end.
fn pods(groups: &Groups, (party, part): &(Party, Part)) -> Vec<End> {
    match (party, part) {
        (Party::Group(_), Part::Pods(pods)) => pods.clone(),
        (Party::Group(id), _) => groups.group(*id).members.values().flatten().copied().collect(),
        _ => Vec::new(),
    }
}

/// So many conditions are told below the rows.
const CONDITIONS: usize = 3;

/// How to read the rows that are there.
fn notes(flows: &[ListedFlow], asked: &Asked) -> Vec<String> {
    let mut notes = asked.notes.clone();
    let has = |kind: &str| {
        flows.iter().any(|flow| flow.source.kind == kind || flow.destination.kind == kind)
    };
    if has("Anyone") {
        notes.push(
            "anyone: everyone in the cluster and outside, as far as their own policies let them"
                .to_owned(),
        );
    }
    if has("EveryPod") {
        notes.push(
            "everyone in the cluster: every pod, as far as its own policies let it".to_owned(),
        );
    }
    if flows.iter().any(|flow| flow.in_part) {
        notes.push("in part: not from all pods to all pods; --by workload tells which".to_owned());
    }
    let conditions: BTreeSet<&str> =
        flows.iter().flat_map(|flow| &flow.conditions).map(String::as_str).collect();
    if !conditions.is_empty() {
        let more = conditions.len().saturating_sub(CONDITIONS);
        let mut words: Vec<String> =
            conditions.into_iter().take(CONDITIONS).map(str::to_owned).collect();
        words.extend((more > 0).then(|| format!("{more} more")));
        let words = words::list(&words, "or");
        notes.push(format!("*: not all of it passes, only {words}"));
    }
    if flows.iter().any(|flow| flow.verdict == "Unknown") {
        notes.push(
            "?: not known, since it depends on addresses or labels that the input does not tell; \
             --pod-cidr says where pods are"
                .to_owned(),
        );
    }
    notes
}
