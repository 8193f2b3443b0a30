//! What must hold of a connection besides its ends and its port.
//!
//! In: what a rule asks, as lowering has it. Out: a [`Condition`], and what is left of it where another
//! rule lets the same flow through without one. Source: docs/semantics/cilium-ports.md#layer-7 and
//! docs/semantics/cilium-ports.md#layer-7-beside-plain-rules.

use super::names::NamePattern;
use super::rule::{PortRule, Ports};
use std::borrow::Cow;

/// What must hold besides peer and port for a flow to get through, such as an HTTP path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Condition {
    /// Field path, such as `spec.egress[0].toPorts[0].rules.http`.
    pub path: Box<str>,
    /// In words after "only", such as `HTTP GET /healthz`.
    pub words: Box<str>,
    /// All of it, to be compared and not shown, since it may hold values of headers: equal texts ask
    /// for the same.
    pub asks: Box<str>,
    /// The names that a rule for DNS lets pods ask for, so that Cilium learns their addresses.
    pub names: Box<[NamePattern]>,
    /// As what the connection is read.
    pub reads: Reads,
}

/// As what Cilium's proxies read a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reads {
    /// As HTTP, request by request.
    Http,
    /// As questions for names.
    Dns,
    /// As something else, as several things, or not at all.
    #[default]
    Else,
}

impl Condition {
    /// One that its words say all of.
    pub fn new(path: impl Into<Box<str>>, words: impl Into<Box<str>>) -> Self {
        let words = words.into();
        let (names, reads) = (Box::default(), Reads::Else);
        Self { path: path.into(), asks: words.clone(), words, names, reads }
    }

    /// At which of its ports a rule without a condition for the same flow lifts what this one asks; the
    /// proxy stays in the way.
    ///
    /// For HTTP the proxy asks all rules for the flow; for DNS only those that have just this port, and
    /// what the others do is kept.
    pub(crate) fn lifted_at<'a>(&self, own: &'a Ports, plain: &Ports) -> Cow<'a, Ports> {
        let items = match (self.reads, own, plain) {
            (Reads::Http, ..) => return Cow::Borrowed(own),
            (Reads::Dns, Ports::Of(own), Ports::Of(plain)) => {
                let has = |item: &&PortRule| plain.iter().any(|other| item.is_same(other));
                own.iter().filter(has).cloned().collect()
            }
            _ => Vec::new(),
        };
        Cow::Owned(Ports::Of(items))
    }

    /// What is left of it where it is lifted: that the proxy can read the connection.
    pub(crate) fn lifted(&self) -> Self {
        let words = self.lifted_asks();
        let (path, names) = (self.path.clone(), Box::default());
        Self { path, words: words.into(), asks: words.into(), names, reads: self.reads }
    }

    /// What that asks.
    pub(crate) fn lifted_asks(&self) -> &str {
        match self.reads {
            Reads::Http => Self::ANY_HTTP,
            Reads::Dns => "DNS",
            Reads::Else => &self.asks,
        }
    }

    /// What lets every request of HTTP through asks.
    pub(crate) const ANY_HTTP: &str = "HTTP";
}
