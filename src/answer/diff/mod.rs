//! The answer of `diff` as a versioned type.
//!
//! In: the difference of two connectivities, and for each side what it is called and where its
//! fields are written. Out: a [`DiffReport`], complete without any of them.

mod alike;
mod apart;
mod asked;
mod cause;
mod compare;
mod ends;
mod fresh;
mod missing;
mod renamed;
mod reporter;
mod rows;
mod unread;

pub use asked::{Compared, DiffAsked};
pub use renamed::RenamedReport;

use super::end::{EndsReport, MemberReport};
use super::explanation::{DirectionReport, PolicyReport};
use super::intent::TestsOfChange;
use super::missing::MissingReport;
use super::place::Locate;
use super::system::SystemChangeReport;
use super::vocabulary::{ApiVersion, ChangeKind, DiffKind, Scope};
use super::warnings::Warning;
use crate::cluster::{Family, Protocol, Snapshot};
use crate::policy::Ruleset;
use crate::policy::rule::Direction;
use crate::reach::PortSet;
use crate::verdict::Passage;
use renamed::Renamed;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// One of the two that are compared, in one world.
pub(super) struct DiffSide<'a> {
    /// What it is called, as on the command line.
    pub name: &'a str,
    /// The words with which `explain` reads the same.
    pub arguments: &'a [String],
    /// The command whose output `explain` then reads, where there is one.
    pub piped_from: &'a [String],
    /// What exists.
    pub snapshot: &'a Snapshot,
    /// What is in force.
    pub rules: &'a Ruleset,
    /// Finds places.
    pub locate: &'a Locate<'a>,
    /// Namespaces that are called otherwise in the manifests of this side.
    renamed: Option<&'a Renamed>,
}

/// The answer of `diff`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DiffReport {
    /// Always `netpol/v1alpha1`.
    pub api_version: ApiVersion,
    /// Always `Diff`.
    pub kind: DiffKind,
    /// The old side.
    pub old: SideReport,
    /// The new side.
    pub new: SideReport,
    /// How much there is.
    pub summary: DiffSummary,
    /// Namespaces that were taken for one of another name, and compared as of the new one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub renamed: Vec<RenamedReport>,
    /// Flows between ends of both sides of which more or less gets through, or on other conditions, in
    /// as few rows as can be.
    pub changes: Vec<ChangeReport>,
    /// What the API server calls of which less or more gets through: webhooks, aggregated APIs and
    /// conversions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub system: Vec<SystemChangeReport>,
    /// What opens only where a policy that is not in the input isolates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<ChangeReport>,
    /// Whether all was compared, pods that are written nowhere among it.
    pub complete: bool,
    /// What was not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingReport>,
    /// How it was compared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What could make the answer wrong: policies that would be refused, input that was not read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// What becomes of tests, where some were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tests: Option<TestsOfChange>,
    /// More or less may get through where the conditions of flows were not compared.
    #[serde(skip)]
    unsure: bool,
}

/// A workload that only one side has, with what reaches it there.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fresh {
    /// The workload.
    pub workload: MemberReport,
    /// Who reaches it; nothing where no flow does.
    pub open_to: Vec<FreshFlows>,
    /// Whom it reaches; nothing where no flow leaves it.
    pub reaches: Vec<FreshFlows>,
}

impl Fresh {
    fn has_flows(&self) -> bool {
        !(self.open_to.is_empty() && self.reaches.is_empty())
    }
}

/// Who reaches a workload that only one side has, or whom it reaches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FreshFlows {
    /// Where they are.
    pub scope: Scope,
    /// The same in words, with the addresses.
    pub label: String,
    /// The ports on which some of them do, as ranges of each protocol.
    pub ports: Vec<String>,
    /// The same in words.
    pub ports_label: String,
    /// What is known says that they do.
    pub certain: bool,
}

/// One side.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SideReport {
    /// What it is called, as on the command line.
    pub name: String,
    /// Workloads, pods without one, and nodes that only this side has.
    pub only_here: Vec<MemberReport>,
    /// What reaches each workload that only this side has, and what it reaches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fresh: Vec<Fresh>,
    /// Namespaces that only this side has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
}

/// Counts of a diff, by rows of `changes` but those that are `also`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DiffSummary {
    /// What gets through now and did not, was not known to, or did on a condition only.
    pub opened: usize,
    /// What got through, or was not known, and does not now, or on a condition only.
    pub closed: usize,
    /// What gets through on another condition than before.
    pub conditions: usize,
    /// What was known and is not now.
    pub unknown: usize,
    /// Workloads and nodes that only the new side has.
    pub came: usize,
    /// Workloads and nodes that only the old side has.
    pub went: usize,
    /// What was not read of either side; flows that depend on it may change too.
    pub unread: usize,
}

/// Flows that change alike for one reason.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeReport {
    /// What it does.
    pub change: ChangeKind,
    /// What got through.
    pub before: Passage,
    /// What gets through now.
    pub after: Passage,
    /// Who opens the connections.
    pub from: EndsReport,
    /// Who is to take them.
    pub to: EndsReport,
    /// The ports of the destinations, as ranges of each protocol: `8080/TCP`, `1-79/UDP`.
    pub ports: Vec<String>,
    /// The same in words: `every port but 8080/TCP`.
    pub ports_label: String,
    /// It is by the same rule as the last change before it that is not so, for pods that are written
    /// nowhere, or closed by that and by one that has a row too; it has no reasons of its own.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub also: bool,
    /// The namespaces in which the same changes, where there are several; the ends are those of one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// The IP family, where only flows of one change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
    /// Why, for each direction that changed; of the witness, and alike for all. Not with `--summary`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<ReasonReport>,
    /// One of the flows.
    pub witness: WitnessReport,
}

/// Why one direction changed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReasonReport {
    /// The direction.
    pub direction: Direction,
    /// Why, in words.
    pub message: String,
    /// The policy that decides, on the side on which it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyReport>,
    /// How the old side decides the witness.
    pub before: DirectionReport,
    /// How the new side does.
    pub after: DirectionReport,
}

/// One flow that changes.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WitnessReport {
    /// Its source.
    pub source: String,
    /// Its destination.
    pub destination: String,
    /// Its port.
    pub port: u16,
    /// Its protocol.
    pub protocol: Protocol,
    /// The command that explains it as it was.
    pub explain_before: String,
    /// The command that explains it as it is now.
    pub explain_after: String,
    /// Its pods that are written nowhere as manifests, with their namespaces where these are not written
    /// either: beside the input `explain` judges them as is said here. Only with `--witness`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub manifests: Vec<Value>,
    /// The ports of the change that it is one flow of.
    #[serde(skip)]
    ports: PortSet,
    /// More may get through than before.
    #[serde(skip)]
    opens: bool,
    /// Less may get through than before.
    #[serde(skip)]
    closes: bool,
}

impl DiffReport {
    /// Whether something opens, or may.
    pub fn opens(&self) -> bool {
        self.unsure
            || self.changes.iter().any(|change| change.witness.opens)
            || self.system.iter().any(|change| change.counts && !change.closes)
    }

    /// Whether a workload that came is reached by someone, or reaches someone.
    pub fn opens_new(&self) -> bool {
        self.new.fresh.iter().any(Fresh::has_flows)
    }

    /// Whether a workload that went was reached by someone, or reached someone.
    pub fn closes_old(&self) -> bool {
        self.old.fresh.iter().any(Fresh::has_flows)
    }

    /// Whether something closes, or may.
    pub fn closes(&self) -> bool {
        self.unsure
            || self.changes.iter().any(|change| change.witness.closes)
            || self.system.iter().any(|change| change.counts && change.closes)
    }
}
