//! The answer of `explain` as a versioned type.
//!
//! In: what `explaining` found words and places for. Out: [`ExplanationReport`], which serialises and
//! is complete by itself.

use super::delivery::DeliveryReport;
use super::observed::ObservedBetween;
use super::warnings::Warning;
use super::words;
use netpol::cluster::Origin;
use schemars::JsonSchema;
use serde::Serialize;

/// The version of every machine-readable answer.
pub const API_VERSION: &str = "netpol/v1alpha1";

/// Finds the place of a field of an object; `None` where it has none.
pub type Locate<'a> = dyn Fn(&Origin, &str) -> Option<Location> + 'a;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Location {
    /// The file as it was named on the command line, or what stands for it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// The text of the line.
    pub text: String,
}

/// The answer of `explain`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplanationReport {
    /// Always `netpol/v1alpha1`.
    pub api_version: &'static str,
    /// Always `Explanation`.
    pub kind: &'static str,
    /// `Allowed`, `Denied` or `Unknown` for all that was asked, or `Mixed`.
    pub verdict: &'static str,
    /// Who opens the connection.
    pub source: EndReport,
    /// Who is to take it.
    pub destination: EndReport,
    /// One for everything that policies tell apart.
    pub flows: Vec<FlowReport>,
    /// The sides on which a policy is missing, in words; absent where nothing is denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// What to do next, in words; absent where nothing is denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// How the question was understood.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// With `--observe`: what was seen between the two ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed: Option<ObservedBetween>,
    /// Of a live cluster: how far Flux is with what decides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deliveries: Vec<DeliveryReport>,
    /// What could make the answer wrong: policies that would be refused, input that was not read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// With `--suggest`: NetworkPolicies and CiliumNetworkPolicies that would allow the denied flows,
    /// ready to apply.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<serde_json::Value>,
}

/// One end of the question.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndReport {
    /// How it is called in the answer, in a form that the command line takes back.
    pub label: String,
    /// Its kind, where it is an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Flows that share one verdict for one reason.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowReport {
    /// `Allowed`, `Denied`, `Ambiguous` or `Unknown`.
    pub verdict: &'static str,
    /// The sources.
    pub from: Vec<String>,
    /// The destinations, after any Service.
    pub to: Vec<String>,
    /// The port on the destinations, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Its protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<&'static str>,
    /// The ports in words: `8080/TCP`, `80-90/TCP`, `any other port`.
    pub ports: String,
    /// The Service port that was dialled, if one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_port: Option<u16>,
    /// `IPv4` or `IPv6`, where it makes a difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// Out of the sources.
    pub egress: DirectionReport,
    /// Into the destinations.
    pub ingress: DirectionReport,
    /// Nobody asked for these ports and the destination does not declare them.
    #[serde(skip)]
    pub undeclared: bool,
}

/// One direction of a flow.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectionReport {
    /// `Allowed`, `Denied`, `Ambiguous` or `Unknown`.
    pub verdict: &'static str,
    /// Whose direction it is.
    pub subject: String,
    /// Whether policies isolate it: `Yes`, `No` or `Unknown`.
    pub isolated: &'static str,
    /// What decides: `Outside`, `Node`, `HostNetwork`, `SamePod`, `OwnNode`, `NotIsolated`,
    /// `Admitted`, `Refused`, `NoneAdmits`, `Tie`, `NotEnforced` or `Unknown`.
    pub reason: &'static str,
    /// The same in words.
    pub message: String,
    /// What else must hold for the flow to get through, such as an HTTP path: one of these is
    /// enough.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<String>,
    /// Every policy that selects the subject, the one that decides or comes nearest first.
    pub policies: Vec<PolicyReport>,
}

/// One policy that selects the subject, or may.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyReport {
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Its tier, where that is not `Normal`: `Admin` or `Baseline`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<&'static str>,
    /// Its priority in that tier, lower first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// Whether it isolates the pods that it selects.
    pub isolates: bool,
    /// Whether it selects the pods: `Yes` or `Unknown`.
    pub selects: &'static str,
    /// Whether a rule of it that allows matches the flow: `Yes`, `No` or `Unknown`.
    pub admits: &'static str,
    /// Whether a rule of it that denies matches the flow: `Yes` or `Unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denies: Option<&'static str>,
    /// The rule that decides, or that comes nearest to admitting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What that rule does: `Allow`, `Deny` or `Pass`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<&'static str>,
    /// What it does, or why it does not.
    pub message: String,
    /// What in the rule does not match the other end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<MissReport>,
    /// What in the rule does not match the port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<MissReport>,
    /// The rule names the Service's port where the pod's is meant.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub service_port_mistake: bool,
    /// The path of the deciding field.
    pub field: String,
    /// Where the deciding field is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// Of a live policy: who last wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied_by: Option<AppliedBy>,
    /// Of a live policy: the object of Flux that it is made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerReport>,
    /// Every rule with why it does not admit; only with `-o wide`, json and yaml.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleReport>,
}

impl PolicyReport {
    /// Its name as people tell policies apart: with its kind, unless that is NetworkPolicy, and its
    /// tier.
    pub(super) fn label(&self) -> String {
        words::tiered(&self.kind, &self.name, self.tier, self.priority)
    }
}

/// Who last wrote an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AppliedBy {
    /// The field manager, such as `kustomize-controller` or `kubectl`.
    pub manager: String,
    /// When, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

/// What an object is made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OwnerReport {
    /// `Kustomization` or `HelmRelease`.
    pub kind: String,
    /// Its namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// One rule of a policy.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RuleReport {
    /// Its field path.
    pub rule: String,
    /// What it does with the flows that match: `Allow`, `Deny` or `Pass`.
    pub action: &'static str,
    /// Whether it matches the flow: `Yes`, `No` or `Unknown`.
    pub matches: &'static str,
    /// Why.
    pub message: String,
}

/// A field that does not match.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MissReport {
    /// Its path.
    pub path: String,
    /// Why, in words.
    pub message: String,
}
