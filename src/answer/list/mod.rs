//! The answer of `list` as a versioned type: who may talk to whom, at which ports.
//!
//! In: a snapshot, its rules and what is [`ListAsked`]. Out: a [`FlowList`], complete without any of
//! them. What a rule says of anyone stays one row; how such rows go together is told in `notes`.

mod collect;
mod entrances;
mod group;
mod lister;
mod notes;
mod only_others;
mod picture;
mod said;
mod unmatched;
mod unprotected;
mod why;
mod witnesses;

use super::end::{BroughtBy, EndReport};
use super::explanation::DirectionReport;
use super::missing::MissingReport;
use super::summary::NamespaceSummary;
use super::vocabulary::{ApiVersion, Because, EntranceKind, FlowListKind, Outcome};
use super::warnings::Warning;
use crate::cluster::{Family, Protocol};
use crate::ends::PortWanted;
use crate::policy::rule::Direction;
use crate::prose;
use crate::reach::{End, PortSet};
use crate::verdict::Verdict;
use foldhash::{HashMap, HashSet};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// What stands in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub enum By {
    /// The owners of pods.
    #[default]
    Workload,
    /// Pods.
    Pod,
    /// Namespaces.
    Namespace,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Workload, Self::Pod, Self::Namespace];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::Pod => "pod",
            Self::Namespace => "namespace",
        }
    }
}

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct ListAsked {
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
    /// Only what the internet may reach.
    pub internet: bool,
    /// What the reader should know of how the question was understood.
    pub notes: Vec<String>,
    /// For a picture, the words with which `explain` reads the same: everyone who is known, how closed
    /// namespaces are, what leads in from outside and one flow of each row are told too.
    pub picture: Option<Vec<String>>,
}

/// The answer of `list`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowList {
    /// Always `netpol/v1alpha1`.
    pub api_version: ApiVersion,
    /// Always `FlowList`.
    pub kind: FlowListKind,
    /// What stands in a row.
    pub by: By,
    /// Whether only what is open to the whole cluster or to the outside is listed.
    pub exposed: bool,
    /// By source, destination and ports.
    pub flows: Vec<ListedFlow>,
    /// Who is isolated by no policy, by namespace and direction; only of what is exposed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_protected: Vec<Unprotected>,
    /// The ways in from outside, with what becomes of what comes by them; only of what is exposed, of what
    /// the internet may reach, and with `-o html`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entrances: Vec<Entrance>,
    /// With `-o html`: everyone who is known, in a row or not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub workloads: Vec<EndReport>,
    /// With `-o html`: how closed each namespace is, without what its policies say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<NamespaceSummary>,
    /// Whether everything was looked at, so that what is not listed is not allowed.
    pub complete: bool,
    /// What was not, so that there may be more flows than are listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingReport>,
    /// Pods that are written nowhere were not looked for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub known_only: bool,
    /// Selectors that no pod can ever match.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dead: Vec<String>,
    /// With one end asked for: rules for it that allow pods of which none is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unmatched: Vec<Unmatched>,
    /// Of very many rules: those that let none of the known pods through which they name, and others.
    /// They are in no row.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only_others: Vec<OnlyOthers>,
    /// How to read the rows, and how the question was understood.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What could make the answer wrong: policies that would be refused, input that was not read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// A way in from outside: an Ingress, a Route, a Gateway, a load balancer or a port of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entrance {
    /// What becomes of what the internet sends this way: the controller is reached, and from it the pods.
    pub verdict: Outcome,
    /// What leads in.
    pub kind: EntranceKind,
    /// The same in words: `internet via Ingress shop/web (shop.example.com/cart)`.
    pub by: String,
    /// Who takes it in the end.
    pub destination: EndReport,
    /// The ports there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<FlowPorts>,
    /// Why it does not get through, or why that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The pods of a namespace that no policy isolates in one direction, so that all passes there that no
/// rule denies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unprotected {
    /// The namespace.
    pub namespace: String,
    /// The direction.
    pub direction: Direction,
    /// Whether these are all pods that the namespace has and may come to have.
    pub whole: bool,
    /// The workloads, and representatives of pods that are written nowhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ends: Vec<EndReport>,
    /// Those of which it is not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub perhaps: Vec<EndReport>,
    /// A policy that isolates none of them denies something to some of them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub denied_in_part: bool,
}

/// A rule that has known pods at both ends and lets none of them through, but others: with further
/// labels, or of namespaces that nobody has written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OnlyOthers {
    /// The rule.
    pub brought_by: BroughtBy,
    /// A pod that opens a connection, such as `pods[app=web,role=client] in shop`.
    pub source: String,
    /// The pod that takes it.
    pub destination: String,
    /// A port at which it does.
    pub port: FlowPorts,
    /// `Allowed`, or `Unknown` where it depends on addresses that are not known.
    pub verdict: Verdict,
    /// The rule in a few words.
    #[serde(skip)]
    pub rule: String,
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
    pub fn sentence(&self) -> String {
        let (peers, ports) = (prose::list(&self.peers, "and"), prose::list(&self.ports, "and"));
        format!("{} allows {peers} on {ports}, but no known pod matches", self.rule)
    }
}

/// The ports from one end to another.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListedFlow {
    /// `Allowed`, or `Unknown` where it depends on what is not known.
    pub verdict: Verdict,
    /// Who opens the connection.
    pub source: Arc<EndReport>,
    /// Who takes it.
    pub destination: Arc<EndReport>,
    /// The ports, as they arrive at the destination's pods.
    pub ports: Vec<FlowPorts>,
    /// Ports of pods that nobody has written, by what they call them: `web/TCP`. Which numbers these are is not
    /// known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub port_names: Vec<String>,
    /// Whether these are all ports of all protocols.
    pub any_port: bool,
    /// Whether only some of the pods are meant, which happens only by namespace.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub in_part: bool,
    /// The IP family, where it is only the one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
    /// What must hold besides, such as `HTTP GET /`; of an allowed row that has some, what passes
    /// without any condition is in a row of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<String>,
    /// What decides, of a row with anyone, every pod or outside and of one that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Because>,
    /// What decides for other parts of the row.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Because>,
    /// The rules that admit; of a row that is not known those that may, and those that disagree.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// On what it depends, of a row that is not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_known: Vec<String>,
    /// Of what is open to the outside: what leads there from outside; absent where it was not looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Vec<String>>,
    /// With `-o html`: one of the flows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness: Option<ListedWitness>,
}

/// One flow of a row, with what decides it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListedWitness {
    /// Its source.
    pub source: String,
    /// Its destination.
    pub destination: String,
    /// Its port, such as `8080/TCP`.
    pub ports: String,
    /// The command that explains it.
    pub explain: String,
    /// Out of its source, with the policies that decide.
    pub egress: DirectionReport,
    /// Into its destination.
    pub ingress: DirectionReport,
}

/// Ports of one protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowPorts {
    /// The protocol.
    pub protocol: Protocol,
    /// The port, or the first of a range.
    pub port: u16,
    /// The last of a range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_port: Option<u16>,
}
