//! The answer of `doctor` as a versioned type: what was looked at, and how it is.

use super::vocabulary::{ApiVersion, CheckupKind};
use schemars::JsonSchema;
use serde::Serialize;

/// What was looked at.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Checkup {
    /// Always `netpol/v1alpha1`.
    pub api_version: ApiVersion,
    /// Always `Checkup`.
    pub kind: CheckupKind,
    /// Nothing is wrong.
    pub well: bool,
    /// One finding each.
    pub checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What it is about.
    pub area: Area,
    /// How it is.
    pub state: CheckState,
    /// One sentence.
    pub says: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum Area {
    /// The plugin and its binaries.
    Plugin,
    /// Outside programs.
    Programs,
    /// The API server.
    Cluster,
    /// What the user may do.
    Rights,
    /// Kinds of policies and of Flux.
    Kinds,
    /// Who enforces the policies.
    Network,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum CheckState {
    /// As it should be.
    Ok,
    /// Something is missing that only some commands need.
    Note,
    /// Something is wrong.
    Wrong,
}

impl Check {
    /// It is as it should be.
    pub fn ok(area: Area, says: impl Into<String>) -> Self {
        Self { area, state: CheckState::Ok, says: says.into(), advice: None }
    }

    /// Something is missing that only some commands need.
    pub fn note(area: Area, says: impl Into<String>, advice: impl Into<Option<String>>) -> Self {
        Self { area, state: CheckState::Note, says: says.into(), advice: advice.into() }
    }

    /// An error, whose sentence says itself what to do.
    pub fn error(area: Area, error: &impl ToString) -> Self {
        Self { area, state: CheckState::Wrong, says: error.to_string(), advice: None }
    }

    /// Something is wrong, and this is what to do about it.
    pub fn wrong(area: Area, says: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { area, state: CheckState::Wrong, says: says.into(), advice: Some(advice.into()) }
    }
}

impl Checkup {
    /// All that was looked at.
    pub fn new(checks: Vec<Check>) -> Self {
        let well = checks.iter().all(|check| check.state != CheckState::Wrong);
        Self { api_version: ApiVersion, kind: CheckupKind, well, checks }
    }
}
