//! The answer of `summary` as a versioned type: every namespace, how closed it is, what is open.
//!
//! In: a [`Snapshot`], a [`Ruleset`] and a [`Locate`] that finds the place of a field. Out: a
//! [`SummaryReport`], complete without any of them.

mod clusterwide;
mod reporter;
#[cfg(test)]
mod tests;

use super::missing::MissingReport;
use super::place::Location;
use super::standing::PlaceReport;
use super::vocabulary::{ApiVersion, OrderedTier, SummaryKind};
use super::warnings::Warning;
use super::{rule_words, words};
use crate::policy::rule::{Action, Direction};
use schemars::JsonSchema;
use serde::Serialize;

/// The answer of `summary`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SummaryReport {
    /// Always `netpol/v1alpha1`.
    pub api_version: ApiVersion,
    /// Always `Summary`.
    pub kind: SummaryKind,
    /// One for each namespace, by name.
    pub namespaces: Vec<NamespaceSummary>,
    /// Policies without a namespace, each once, whichever namespaces it speaks for.
    #[serde(skip_serializing_if = "ClusterwideSummary::is_empty")]
    pub clusterwide: ClusterwideSummary,
    /// Selectors that no pod can ever match.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dead: Vec<String>,
    /// Whether everything was read.
    pub complete: bool,
    /// What was not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingReport>,
    /// By whose reading it was found, where that is not the letter of the specifications.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What could make the whole answer wrong: input that was not read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// Policies without a namespace.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterwideSummary {
    /// What they say of what may come in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ingress: Vec<PolicySummary>,
    /// What they say of what may go out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub egress: Vec<PolicySummary>,
}

impl ClusterwideSummary {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ingress.is_empty() && self.egress.is_empty()
    }
}

/// One namespace.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceSummary {
    /// Its name.
    pub name: String,
    /// How many policies are in force here.
    pub policies: usize,
    /// There may be policies which could not be read, so that the row is not all.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub policies_unread: bool,
    /// How many workloads it has on the pod network; a pod without an owner is one.
    pub workloads: usize,
    /// How many pods these have; absent where manifests do not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pods: Option<usize>,
    /// Workloads on their node's network, where no NetworkPolicy applies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub host_network: Vec<String>,
    /// What may come in.
    pub ingress: DirectionSummary,
    /// What may go out.
    pub egress: DirectionSummary,
    /// What could make the row wrong, such as policies that would be refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// One direction of a namespace.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectionSummary {
    /// How much is isolated.
    pub isolation: Isolation,
    /// Whether every pod that there is or may be is isolated, so that only what is listed here passes.
    pub default_deny: bool,
    /// The policies that isolate: those that select every pod, or else all that select some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub isolated_by: Vec<String>,
    /// How many workloads are isolated.
    pub isolated: usize,
    /// The workloads that are not isolated: anything passes that no rule denies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<String>,
    /// Of these the ones to which rules deny something.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub partly_denied: Vec<String>,
    /// The workloads of which it is not known whether they are isolated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// Every pod is isolated and what is open leads to the cluster's DNS only.
    pub dns_only: bool,
    /// Every policy of the namespace in this direction, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PolicySummary>,
    /// The policies without a namespace that speak, or may speak, for its pods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clusterwide: Vec<String>,
}

/// How much of a namespace is isolated in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Isolation {
    /// Every pod, those to come included: a policy selects all.
    All,
    /// Every workload that is there; a new one with other labels would be open.
    AllWorkloads,
    /// Some workloads; where none is known, pods with some labels.
    Partial,
    /// None.
    None,
    /// It depends on labels that are not known.
    Unknown,
    /// None, since whoever enforces is told to enforce no policy.
    NotEnforced,
}

/// One direction of one policy.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicySummary {
    /// Its kind.
    pub kind: String,
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
    /// The pods that it selects, in words: `all`, an app, or labels.
    pub subject: String,
    /// There are known pods, and it selects none of them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub selects_no_pod: bool,
    /// What it admits or denies; without any rule it only isolates.
    pub rules: Vec<RuleSummary>,
    /// Where it is written, if it has no rules: they have their own places.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

/// One rule.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RuleSummary {
    /// Its field path.
    pub rule: String,
    /// What it does.
    pub action: Action,
    /// All of it in words: `monitoring/prometheus → keycloak 8080/TCP`.
    pub words: String,
    /// The other side: namespaces, `namespace/app`, address blocks.
    pub peers: Vec<String>,
    /// The ports on the destination.
    pub ports: Vec<String>,
    /// What else must hold, such as an HTTP path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// It leads to the cluster's DNS and nowhere else.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dns: bool,
    /// What in it does not do what it seems to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Where it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

impl PolicySummary {
    /// Its name, with its kind unless that is NetworkPolicy, and its tier.
    pub fn label(&self) -> String {
        words::tiered(&self.kind, &self.name, (self.tier, self.priority), self.place.as_ref())
    }
}

impl RuleSummary {
    /// The rule in one line, with so many peers at most; the rest is counted.
    pub fn line(&self, direction: Direction, subject: &str, most: usize) -> String {
        let Self { peers, ports, dns, action, condition, .. } = self;
        let line = rule_words::line(direction, subject, peers, ports, *dns, most);
        rule_words::acting(*action, &line, condition.as_deref())
    }
}
