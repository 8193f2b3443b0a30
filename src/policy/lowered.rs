//! What is made of one policy object, and what is to be said of it.

use super::rule::Policy;
use crate::cluster::{ObjectRef, Origin};
use crate::lints::Lint;

/// What is to be said of one policy object: why the API server would refuse it, so that it is in
/// force nowhere, or what in it does not do what it seems to.
#[derive(Clone, Debug, PartialEq)]
pub struct Remark {
    /// The object.
    pub object: ObjectRef,
    /// Where it was written.
    pub origin: Origin,
    /// Who refuses it, if anyone does.
    pub refused_by: Option<RefusedBy>,
    /// What is wrong, at least one thing.
    pub faults: Vec<Fault>,
}

impl Remark {
    /// The lint by which one of its faults is told.
    pub fn lint(&self, fault: &Fault) -> Lint {
        match self.refused_by {
            Some(RefusedBy::ApiServer) => Lint::Refused,
            Some(RefusedBy::Agent) => Lint::RejectedByAgent,
            None => fault.lint,
        }
    }

    pub(super) fn of(
        object: ObjectRef,
        origin: &Origin,
        refused_by: Option<RefusedBy>,
        faults: Vec<Fault>,
    ) -> Option<Self> {
        let origin = || origin.clone();
        (!faults.is_empty()).then(|| Self { object, origin: origin(), refused_by, faults })
    }
}

/// Who refuses an object that is faulty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefusedBy {
    /// The API server, so that there is no such object.
    #[default]
    ApiServer,
    /// Cilium's agent: the object is there, and nothing of it is enforced.
    Agent,
}

/// One thing that validation or lowering finds wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field, such as `spec.ingress[0].from[0]`.
    pub path: String,
    /// What is wrong with it and what would be right.
    pub message: String,
    /// By which lint it is told.
    pub lint: Lint,
}

impl Fault {
    /// Something for which the object is refused.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::told(Lint::Refused, path, message)
    }

    /// Something that is told of an object which is taken.
    pub fn told(lint: Lint, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), lint }
    }
}

/// What lowering one object gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lowered {
    /// One policy for each direction, tier or rule.
    pub policies: Vec<Policy>,
    /// Why the object is refused; then nothing of it is in force.
    pub faults: Vec<Fault>,
    /// Who refuses it then.
    pub refused_by: RefusedBy,
    /// What is valid but does not do what its author probably meant.
    pub lints: Vec<Fault>,
    /// What it says is not known, as if it could not be read.
    pub unread: bool,
    /// It speaks for Cilium's own proxy of Ingresses and Gateways, or may.
    pub of_proxy: bool,
}
