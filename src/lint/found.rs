//! What is found, and where.

use crate::cluster::{ObjectRef, Origin};
use crate::lints::Lint;
use crate::policy::rule::Policy;

/// One thing that is found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// What it is.
    pub lint: Lint,
    /// What it is, in a sentence without its end.
    pub message: String,
    /// What it is about.
    pub about: Place,
    /// What it is about besides, such as the other one of two that say the same.
    pub others: Vec<Place>,
}

/// A field of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The object.
    pub object: ObjectRef,
    /// Where it is written.
    pub origin: Origin,
    /// The field; empty for all of it.
    pub path: String,
}

impl Place {
    pub(super) fn of(policy: &Policy, path: &str) -> Self {
        let (object, origin) = (policy.object.clone(), policy.origin.clone());
        Self { object, origin, path: path.to_owned() }
    }

    /// Object and field, as answers have them.
    pub fn words(&self) -> String {
        match self.path.strip_prefix("spec.").unwrap_or(&self.path) {
            "" => self.object.to_string(),
            path => format!("{} {path}", self.object),
        }
    }
}

/// All that is found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AllFound {
    /// By object, then by field.
    pub all: Vec<Found>,
    /// What was not looked at, as sentences without their end.
    pub not_looked_at: Vec<String>,
}

impl AllFound {
    pub(super) fn add(
        &mut self,
        lint: Lint,
        policy: &Policy,
        path: &str,
        message: impl Into<String>,
    ) {
        self.add_with(lint, policy, path, message, Vec::new());
    }

    pub(super) fn add_with(
        &mut self,
        lint: Lint,
        policy: &Policy,
        path: &str,
        message: impl Into<String>,
        others: Vec<Place>,
    ) {
        let about = Place::of(policy, path);
        self.all.push(Found { lint, message: message.into(), about, others });
    }
}
