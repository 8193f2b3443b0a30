//! Of two sides, the calls of the API server of which more or less gets through.
//!
//! In: a snapshot with its rules, twice. Out: a [`SystemChange`] for each call that both sides have, or
//! the new one alone, and whose verdict differs or would, were the call there before. Source:
//! docs/semantics/system.md#calls-of-the-api-server.

use super::{System, SystemFlow, calls};
use crate::cluster::{Name, Snapshot};
use crate::policy::Ruleset;
use crate::verdict::Verdict;
use std::collections::BTreeMap;

/// A call of which more or less gets through than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemChange {
    /// What became of it; `Allowed` of one that was not there, where nothing kept it out.
    pub before: Option<Verdict>,
    /// The flow as it is now.
    pub after: SystemFlow,
    /// Only the new side has it.
    pub is_new: bool,
}

impl SystemChange {
    /// Whether it is less than before, or may be.
    pub fn closes(&self) -> bool {
        rank(self.after.verdict) < rank(self.before)
    }

    /// As a sentence without its end, such as
    /// `webhook/guard is cut: kube-apiserver → shop/deploy/guard 9443/TCP`.
    pub fn sentence(&self) -> String {
        let SystemFlow { by, source, destination, ports, .. } = &self.after;
        let what = match (self.after.verdict, self.closes()) {
            (Some(Verdict::Denied), _) => "is cut",
            (None, true) => "is cut in part",
            (_, true) => "may be cut",
            (Some(Verdict::Allowed), false) => "is let through",
            (_, false) => "may be let through",
        };
        let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
        let on = if ports.is_empty() { String::new() } else { format!(" on {}", ports.join(", ")) };
        let why = self.after.why.as_ref().filter(|_| self.closes());
        let why = why.map_or(String::new(), |why| format!(", since {why}"));
        let then = self.after.then.as_ref().filter(|_| self.closes());
        let then = then.map_or(String::new(), |then| format!("; {then}"));
        format!("{by} {what}: {source} → {destination}{on}{why}{then}")
    }
}

/// How much gets through.
fn rank(verdict: Option<Verdict>) -> u8 {
    match verdict {
        Some(Verdict::Denied) => 0,
        None => 1,
        Some(Verdict::Unknown | Verdict::Ambiguous) => 2,
        Some(Verdict::Allowed) => 3,
    }
}

/// What changes of what the API server calls, with what could not be looked at. `wanted` is asked of each
/// call's namespaces.
///
/// Both sides are judged by what either has of the calls: one that comes with the policies that cut it is
/// told, and one that goes with them is not.
pub fn changes(
    (old, old_rules): (&Snapshot, &Ruleset),
    (new, new_rules): (&Snapshot, &Ruleset),
    wanted: &dyn Fn(&[Name]) -> bool,
) -> (Vec<SystemChange>, Vec<String>) {
    let (mut before, mut after) = (System::default(), System::default());
    calls(old, old_rules, &mut before);
    calls(new, new_rules, &mut after);
    let was: BTreeMap<(String, String), Option<Verdict>> = before
        .flows
        .into_iter()
        .map(|flow| ((flow.by, callee(&flow.ports)), flow.verdict))
        .collect();
    let mut changes = Vec::new();
    for flow in after.flows {
        if !wanted(&flow.namespaces) {
            continue;
        }
        let key = (flow.by.clone(), callee(&flow.ports));
        let fallback = || {
            let same = was.iter().find(|((by, _), _)| *by == flow.by);
            same.map(|(_, verdict)| *verdict)
        };
        // Of one that is new nothing was cut before.
        let known = was.get(&key).copied().or_else(fallback);
        let before = known.unwrap_or(Some(Verdict::Allowed));
        if rank(before) != rank(flow.verdict) && !nowhere(&flow) {
            changes.push(SystemChange { before, after: flow, is_new: known.is_none() });
        }
    }
    (changes, after.missing)
}

/// Whether nobody is known to be called, so that nothing can change.
fn nowhere(flow: &SystemFlow) -> bool {
    flow.ports.is_empty()
}

fn callee(ports: &[crate::cluster::Port]) -> String {
    ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
