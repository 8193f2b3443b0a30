//! The answer of `explain` as a versioned type.
//!
//! In: what `explaining` found words and places for. Out: [`ExplanationReport`], which serialises and
//! is complete by itself.

use super::delivery::DeliveryReport;
use super::end::EndReport;
use super::observed::ObservedBetween;
use super::place::Location;
use super::standing::PlaceReport;
use super::vocabulary::{ApiVersion, Because, ExplanationKind, OrderedTier, Outcome};
use super::warnings::Warning;
use super::words;
use crate::cluster::{Family, Protocol, Truth};
use crate::policy::rule::Action;
use crate::verdict::Verdict;
use schemars::JsonSchema;
use serde::Serialize;

/// The answer of `explain`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplanationReport {
    /// Always `netpol/v1alpha1`.
    pub api_version: ApiVersion,
    /// Always `Explanation`.
    pub kind: ExplanationKind,
    /// What becomes of all that was asked.
    pub verdict: Outcome,
    /// Who opens the connection.
    pub source: EndReport,
    /// Who is to take it.
    pub destination: EndReport,
    /// Every population was looked at; only where it is false is it there.
    #[serde(skip_serializing_if = "Clone::clone")]
    pub complete: bool,
    /// What was not looked at to the end, where it is not complete.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_looked_at: Vec<String>,
    /// The ends in `flows` that stand for pods which are written nowhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub representatives: Vec<EndReport>,
    /// One for everything that policies tell apart; of a host that routes lead in they are in `ways`.
    pub flows: Vec<FlowReport>,
    /// Of a host that an Ingress, a Route or a Gateway leads in: the ways to it, hop by hop.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<WayReport>,
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

/// One way to a backend, hop by hop.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WayReport {
    /// What leads there, such as `Ingress shop/web (shop.example.com/cart)`.
    pub by: String,
    /// What becomes of what takes it.
    pub verdict: Outcome,
    /// The same in words, where it is not allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The hops, in order; the first that does not pass decides.
    pub hops: Vec<HopReport>,
}

/// One flow of a way.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HopReport {
    /// Who opens the connection.
    pub from: String,
    /// Who takes it.
    pub to: String,
    /// What leads from one to the other.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub by: String,
    /// What becomes of it.
    pub verdict: Outcome,
    /// Why, where no policy that is judged decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// One for everything that policies tell apart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flows: Vec<FlowReport>,
    /// How it was understood.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Flows that share one verdict for one reason.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowReport {
    /// What becomes of them.
    pub verdict: Verdict,
    /// The sources.
    pub from: Vec<String>,
    /// The destinations, after any Service.
    pub to: Vec<String>,
    /// The port on the destinations, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Its protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// The ports in words: `8080/TCP`, `80-90/TCP`, `any other port`.
    pub ports: String,
    /// The Service port that was dialled, if one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_port: Option<u16>,
    /// The IP family, where it makes a difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
    /// How policies see the flow, where they may see it otherwise and that decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reading: Option<String>,
    /// Out of the sources.
    pub egress: DirectionReport,
    /// Into the destinations.
    pub ingress: DirectionReport,
    /// Nobody asked for these ports and the destination does not declare them.
    #[serde(skip)]
    pub undeclared: bool,
    /// It counts for the verdict.
    #[serde(skip)]
    pub counted: bool,
}

/// One direction of a flow.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectionReport {
    /// What becomes of them.
    pub verdict: Verdict,
    /// Whose direction it is.
    pub subject: String,
    /// Whether policies isolate it.
    pub isolated: Truth,
    /// What decides.
    pub reason: Because,
    /// The same in words.
    pub message: String,
    /// What else must hold for the flow to get through, such as an HTTP path: one of these is
    /// enough.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<String>,
    /// Every policy that selects the subject, the one that decides or comes nearest first.
    pub policies: Vec<PolicyReport>,
    /// Policies that would decide if they were written a little differently.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub near: Vec<NearReport>,
}

/// A policy that would decide if it were written a little differently.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NearReport {
    /// `NetworkPolicy`, or that of another dialect.
    pub kind: String,
    /// Its namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// The rule that would decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What would have to be otherwise.
    pub message: String,
    /// The path of the field that it is about.
    pub field: String,
    /// Where that is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

impl NearReport {
    /// Its name as people tell policies apart.
    pub fn label(&self) -> String {
        words::tiered(&self.kind, &self.name, (None, None), None)
    }
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
    /// Its tier, where that is ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<OrderedTier>,
    /// Its priority in that tier, lower first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// Of a policy in a tier with a name, as Calico has them: which, and its order there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceReport>,
    /// Whether it isolates the pods that it selects.
    pub isolates: bool,
    /// Whether it selects the pods; never `No`.
    pub selects: Truth,
    /// Whether a rule of it that allows matches the flow.
    pub admits: Truth,
    /// Whether a rule of it that denies matches the flow, where that is not `No`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denies: Option<Truth>,
    /// The rule that decides, or that comes nearest to admitting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What that rule does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
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
    pub fn label(&self) -> String {
        words::tiered(&self.kind, &self.name, (self.tier, self.priority), self.place.as_ref())
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
    /// What it does with the flows that match.
    pub action: Action,
    /// Whether it matches the flow.
    pub matches: Truth,
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
