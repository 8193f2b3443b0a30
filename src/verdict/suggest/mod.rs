//! The smallest policies that would let flows pass.
//!
//! In: an explanation. Out: one [`Suggestion`] for each namespace and direction in which a policy is
//! missing, already tried: with all of them in force the same question is answered Allowed. They open
//! the ports of the explained cases between the two ends and nothing else; of a name outside the
//! cluster also the lookup, without which Cilium does not know its addresses.

mod openings;

use super::explain::{Case, Explanation, Question, explain};
use super::trace::{Reason, Trace, Verdict};
use crate::cluster::{Name, Snapshot, Truth};
use crate::draft::{Dialect, Draft};
use crate::kinds::{EnforcedBy, Kind};
use crate::objects::Objects;
use crate::policy::rule::Direction;
use crate::policy::{Enforcer, PolicyId, Remark, Ruleset};
use openings::{Builder, Opening};
use serde_json::Value;

/// A policy that is missing.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// The side on which it is missing.
    pub direction: Direction,
    /// The language that it is written in.
    pub dialect: Dialect,
    /// The policy, ready to apply.
    pub policy: Value,
    /// What the reader must know of it, each as a sentence without its full stop.
    pub notes: Vec<String>,
}

/// Why no policy can be suggested.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSuggestion {
    /// Everything is allowed.
    #[error("every flow that was asked about is allowed")]
    AllAllowed,
    /// Nothing is there to be judged.
    #[error("nothing is known to be there that a policy could let through")]
    NothingThere,
    /// Policies may see the flow in several ways.
    #[error(
        "whom policies see as the two ends of this way is not known: ask for the workload or the Service \
         behind it"
    )]
    SeveralWays,
    /// A NetworkPolicy cannot name the other end.
    #[error("no NetworkPolicy can name {0}, only pods by labels and addresses: use its address")]
    Unnameable(String),
    /// A CiliumNetworkPolicy cannot name who comes in.
    #[error("no CiliumNetworkPolicy can name {0} as a source: use its address")]
    UnnameableSource(String),
    /// Cilium does not see nodes by their addresses.
    #[error("Cilium matches no node by an ipBlock, so no NetworkPolicy can name {0}")]
    NodeByAddress(String),
    /// The pods have no labels to select them by.
    #[error("{0} has no labels, so no policy can select it alone: give it a label")]
    NoLabels(String),
    /// An end is not one thing that is written.
    #[error("no policy is made for ends that nobody has written")]
    Unwritten,
    /// A rule denies the flow, and no rule that allows overrules it.
    #[error("{0} {1} denies it, and no policy that allows overrules that: change it there")]
    Refused(String, Box<str>),
    /// Allowing rules were tried and the flow stayed denied.
    #[error("no {} that only allows would let the flow pass", .0.kind())]
    NotEnough(Dialect),
    /// What is wanted is not enforced.
    #[error(
        "only Cilium enforces a CiliumNetworkPolicy, and this is judged by the letter of the \
         specification: give --enforcer cilium, or --suggest=networkpolicy"
    )]
    NotCilium,
    /// The same of Calico's.
    #[error(
        "only Calico enforces a NetworkPolicy of projectcalico.org, and this is not judged as Calico \
         does: give --enforcer calico, or --suggest=networkpolicy"
    )]
    NotCalico,
    /// A NetworkPolicy does not help, and one of Cilium's does.
    #[error("{0}; a CiliumNetworkPolicy can let it pass: give --suggest=cilium")]
    NeedsCilium(Box<NoSuggestion>),
}

/// Suggests what is missing for every case about a port that was asked for or declared and is not
/// certainly allowed, in the dialect that is wanted or else in the one that is in use on that side.
///
/// `explanation` must be the answer to `question`.
pub fn suggest(
    snapshot: &Snapshot,
    rules: &Ruleset,
    question: &Question<'_>,
    explanation: &Explanation,
    wanted: Option<Dialect>,
) -> Result<Vec<Suggestion>, NoSuggestion> {
    // A Baseline policy comes after NetworkPolicies, so that one of these can overrule it.
    let mut refusals = not_allowed(explanation).filter_map(refused);
    let is_final = |(policy, _): &(PolicyId, usize)| !rules.is_overruled(rules.policy(*policy));
    if let Some((policy, entry)) = refusals.find(is_final) {
        let policy = rules.policy(policy);
        let path = policy.entries.get(entry).map_or_else(Box::default, |e| e.path.clone());
        return Err(NoSuggestion::Refused(policy.object.to_string(), path));
    }
    match wanted {
        Some(Dialect::Cilium) if rules.cilium().is_none() => return Err(NoSuggestion::NotCilium),
        Some(Dialect::Calico) if rules.enforcer().calico().is_none() => {
            return Err(NoSuggestion::NotCalico);
        }
        _ => {}
    }
    let attempt = Attempt { snapshot, rules, question, explanation };
    match attempt.with(wanted) {
        Err(
            why @ (NoSuggestion::Unnameable(_)
            | NoSuggestion::NodeByAddress(_)
            | NoSuggestion::NotEnough(_)),
        ) if rules.cilium().is_some()
            && wanted != Some(Dialect::Cilium)
            && attempt.with(Some(Dialect::Cilium)).is_ok() =>
        {
            Err(NoSuggestion::NeedsCilium(Box::new(why)))
        }
        found => found,
    }
}

/// A policy that is to be tried.
struct Drafted {
    direction: Direction,
    dialect: Dialect,
    draft: Draft,
}

/// What policies are to be found for.
struct Attempt<'a> {
    snapshot: &'a Snapshot,
    rules: &'a Ruleset,
    question: &'a Question<'a>,
    explanation: &'a Explanation,
}

impl Attempt<'_> {
    /// Drafts the policies and tries them.
    fn with(&self, wanted: Option<Dialect>) -> Result<Vec<Suggestion>, NoSuggestion> {
        let builder = Builder { snapshot: self.snapshot, rules: self.rules };
        let mut drafts: Vec<Drafted> = Vec::new();
        for direction in [Direction::Egress, Direction::Ingress] {
            let mut openings: Vec<Opening> = Vec::new();
            for case in not_allowed(self.explanation) {
                let trace = side(case, direction);
                if trace.verdict != Verdict::Allowed {
                    let dialect = wanted.unwrap_or_else(|| self.in_use(trace));
                    let tier = match dialect {
                        Dialect::Calico => dropped_in(trace).cloned(),
                        Dialect::NetworkPolicy | Dialect::Cilium => None,
                    };
                    builder.collect(case, direction, (dialect, tier), &mut openings)?;
                }
            }
            for opening in openings {
                let draft = builder.draft(direction, &opening, &drafts);
                drafts.push(Drafted { direction, dialect: opening.dialect, draft });
            }
        }
        let last = drafts.last().map(|drafted| drafted.dialect);
        let cases = &self.explanation.cases;
        let Some(dialect) = last else {
            let nothing = cases.is_empty();
            return Err(match self.explanation.verdict() {
                _ if nothing => NoSuggestion::NothingThere,
                Some(Verdict::Unknown) => NoSuggestion::SeveralWays,
                _ => NoSuggestion::AllAllowed,
            });
        };
        let several = cases.iter().any(|case| case.reading.is_some());
        let fails =
            if several { NoSuggestion::SeveralWays } else { NoSuggestion::NotEnough(dialect) };
        self.tried(&drafts).ok_or(fails)
    }

    /// The policies, if all of them together let every flow pass.
    fn tried(&self, drafts: &[Drafted]) -> Option<Vec<Suggestion>> {
        let mut with = self.rules.clone();
        let mut suggestions = Vec::new();
        for Drafted { direction, dialect, draft } in drafts {
            let policy = draft.object(*dialect)?;
            let before = with.lints.len();
            let mut objects = Objects::default();
            let (_, read) = objects.insert_policy(&policy).then(|| objects.assemble())?;
            let [written] = read.objects.as_slice() else { return None };
            with.add_written(written, self.snapshot);
            let notes = with.lints.get(before..).unwrap_or_default();
            let notes = notes.iter().flat_map(about).collect();
            suggestions.push(Suggestion {
                direction: *direction,
                dialect: *dialect,
                policy,
                notes,
            });
        }
        let then = explain(self.snapshot, &with, self.question).ok()?;
        let helps = with.rejected == self.rules.rejected && not_allowed(&then).next().is_none();
        helps.then_some(suggestions)
    }

    /// The dialect of the policies that isolate one side: Cilium's or Calico's where all of them are its
    /// own, and Calico's where no other stands in the tier that drops the flow.
    fn in_use(&self, trace: &Trace) -> Dialect {
        let isolating = trace.policies.iter();
        let mut isolating =
            isolating.filter(|policy| policy.isolates && policy.selects != Truth::No).peekable();
        let (by, own) = match self.rules.enforcer() {
            Enforcer::Kubernetes => return Dialect::NetworkPolicy,
            Enforcer::Cilium(_) => (EnforcedBy::Cilium, Dialect::Cilium),
            Enforcer::Calico(_) if dropped_in(trace).is_some() => return Dialect::Calico,
            Enforcer::Calico(_) => (EnforcedBy::Calico, Dialect::Calico),
        };
        let is_own = |id| {
            let kind = Kind::named(&self.rules.policy(id).object.kind);
            kind.and_then(Kind::enforced_by) == Some(by)
        };
        let any = isolating.peek().is_some();
        if any && isolating.all(|policy| is_own(policy.policy)) {
            own
        } else {
            Dialect::NetworkPolicy
        }
    }
}

/// The tier in which no NetworkPolicy stands and at whose end a flow is dropped.
fn dropped_in(trace: &Trace) -> Option<&Name> {
    trace.dropped_by().filter(|tier| !tier.is_default()).map(|tier| &tier.name)
}

/// The sentences of a remark, each with the field it is about.
fn about(remark: &Remark) -> impl Iterator<Item = String> {
    let object = &remark.object;
    remark.faults.iter().map(move |fault| format!("{object} {} {}", fault.path, fault.message))
}

/// The rule that denies a case.
fn refused(case: &Case) -> Option<(PolicyId, usize)> {
    let directions = [&case.judgement.egress, &case.judgement.ingress];
    directions.into_iter().find(|trace| trace.reason == Reason::Refused)?.decided_by
}

fn side(case: &Case, direction: Direction) -> &Trace {
    match direction {
        Direction::Egress => &case.judgement.egress,
        Direction::Ingress => &case.judgement.ingress,
    }
}

fn not_allowed(explanation: &Explanation) -> impl Iterator<Item = &Case> {
    explanation
        .cases
        .iter()
        .filter(|case| case.judgement.verdict != Verdict::Allowed && !case.ports.is_undeclared())
}
