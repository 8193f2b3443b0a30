//! What the API server calls by itself: webhooks, aggregated APIs, conversions.

use super::{Name, ObjectRef};

/// Something that the API server calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What says so: a configuration of webhooks, an APIService or a CustomResourceDefinition.
    pub object: ObjectRef,
    /// What it is called for.
    pub kind: CallKind,
    /// The webhook of a configuration, which may have several.
    pub part: Option<Name>,
    /// Who is called.
    pub to: Callee,
    /// Requests go on where it does not answer: `failurePolicy: Ignore`.
    pub goes_on: bool,
    /// Which resources it is called about, in words.
    pub about: String,
}

/// What the API server calls something for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CallKind {
    /// To ask whether a request may pass.
    Validate,
    /// To have a request changed.
    Mutate,
    /// To have a group of the API served.
    Aggregate,
    /// To turn an object of one version into one of another.
    Convert,
}

/// Who is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Callee {
    /// A Service, at a port.
    Service {
        /// Its namespace.
        namespace: Name,
        /// Its name.
        name: Name,
        /// The port of the Service.
        port: u16,
    },
    /// Whoever is at a URL.
    Url(Name),
}

/// All that the API server is known to call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Each.
    pub all: Vec<Call>,
    /// Those of these kinds could not be read: which, and why.
    pub unread: Vec<(String, String)>,
}
