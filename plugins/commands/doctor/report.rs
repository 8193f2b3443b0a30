//! The answer of `doctor`, for programs and for people.

use crate::cli::Exit;
use crate::report::{API_VERSION, check_text};
use schemars::JsonSchema;
use serde::Serialize;

/// What was looked at.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DoctorReport {
    /// Always `netpol/v1alpha1`.
    api_version: &'static str,
    /// Always `Checkup`.
    kind: &'static str,
    /// Nothing is wrong.
    well: bool,
    /// One finding each.
    checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Check {
    /// What it is about.
    area: Area,
    /// How it is.
    state: State,
    /// One sentence.
    says: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) enum Area {
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
pub(super) enum State {
    /// As it should be.
    Ok,
    /// Something is missing that only some commands need.
    Note,
    /// Something is wrong.
    Wrong,
}

impl Check {
    pub(super) fn ok(area: Area, says: impl Into<String>) -> Self {
        Self { area, state: State::Ok, says: says.into(), advice: None }
    }

    pub(super) fn note(
        area: Area,
        says: impl Into<String>,
        advice: impl Into<Option<String>>,
    ) -> Self {
        Self { area, state: State::Note, says: says.into(), advice: advice.into() }
    }

    /// An error, whose sentence says itself what to do.
    pub(super) fn error(area: Area, error: &impl ToString) -> Self {
        Self { area, state: State::Wrong, says: error.to_string(), advice: None }
    }

    pub(super) fn wrong(area: Area, says: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { area, state: State::Wrong, says: says.into(), advice: Some(advice.into()) }
    }
}

impl DoctorReport {
    pub(super) fn new(checks: Vec<Check>) -> Self {
        let well = checks.iter().all(|check| check.state != State::Wrong);
        Self { api_version: API_VERSION, kind: "Checkup", well, checks }
    }

    pub(super) fn exit(&self) -> Exit {
        if self.well { Exit::Success } else { Exit::Found }
    }

    /// One line each, what is wrong with what to do about it.
    pub(super) fn text(&self, width: usize) -> String {
        let mut area = None;
        let lines = self.checks.iter().map(|check| {
            let first = area.replace(check.area) != Some(check.area);
            let good = match check.state {
                State::Ok => Some(true),
                State::Note => None,
                State::Wrong => Some(false),
            };
            let advice = check.advice.as_deref();
            (first.then(|| check.area.title()), good, check.says.as_str(), advice)
        });
        let wrong = self.checks.iter().filter(|check| check.state == State::Wrong).count();
        let end = match wrong {
            0 => "All well.".to_owned(),
            1 => "One thing is wrong.".to_owned(),
            wrong => format!("{wrong} things are wrong."),
        };
        check_text(lines, &end, width)
    }
}

impl Area {
    fn title(self) -> &'static str {
        match self {
            Self::Plugin => "Plugin",
            Self::Programs => "Programs",
            Self::Cluster => "Cluster",
            Self::Rights => "Rights",
            Self::Kinds => "Kinds",
            Self::Network => "Network plugin",
        }
    }
}
