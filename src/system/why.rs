//! Why traffic of the system does not pass.
//!
//! In: an explanation. Out: one sentence on what decides.

use crate::policy::Ruleset;
use crate::prose;
use crate::verdict::{Explanation, Reason, Trace, UnknownWhy, Verdict};

/// More policies are counted only.
const MOST_NAMED: usize = 3;

/// Why not all of it passes, as a sentence without its end; `None` where it does, or where there is no
/// flow.
pub(super) fn why(
    rules: &Ruleset,
    explanation: &Explanation,
    from: &str,
    to: &str,
) -> Option<String> {
    let open = explanation.cases.iter().filter(|case| case.judgement.verdict != Verdict::Allowed);
    // What is denied says more than what is not known.
    let case = open.min_by_key(|case| case.judgement.verdict != Verdict::Denied)?;
    let judgement = &case.judgement;
    Some(if judgement.egress.verdict == Verdict::Allowed {
        sentence(rules, &judgement.ingress, (to, from))
    } else {
        sentence(rules, &judgement.egress, (from, to))
    })
}

/// Why one direction does not pass, seen from the end that its policies select.
pub(super) fn sentence(rules: &Ruleset, trace: &Trace, (own, other): (&str, &str)) -> String {
    let direction = trace.direction;
    let names = isolating(rules, trace);
    let s = |many: &str, one: &str| if names.len() == 1 { one.to_owned() } else { many.to_owned() };
    let all = prose::list(&names, "and");
    match trace.reason {
        Reason::NoneAdmits if names.is_empty() => {
            format!("{direction} of {own} is closed, and no policy admits {other}")
        }
        Reason::NoneAdmits => {
            let isolate = s("isolate", "isolates");
            format!("{all} {isolate} {direction} of {own}, and nothing admits {other}")
        }
        Reason::Refused => {
            let by = trace.decided_by.map(|(policy, _)| rules.policy(policy).object.to_string());
            let by = by.unwrap_or_else(|| "a policy".to_owned());
            format!("{by} denies {direction} of {own} with {other}")
        }
        Reason::Tie => format!("policies of one priority disagree on {direction} of {own}"),
        Reason::Unknown(UnknownWhy::PerhapsOwnNode) => {
            let isolate = s("isolate", "isolates");
            format!(
                "{all} {isolate} {direction} of {own}, and nothing admits {other}: it passes only where \
                 {other} is on the pod's own node"
            )
        }
        Reason::Unknown(UnknownWhy::PoliciesUnread) => {
            format!("policies for {own} could not be read")
        }
        _ if names.is_empty() => {
            format!("what is known of {other} does not decide {direction} of {own}")
        }
        _ => {
            let admit = s("admit", "admits");
            format!("what is known of {other} does not tell whether {all} {admit} it")
        }
    }
}

/// The policies that isolate, by name.
fn isolating(rules: &Ruleset, trace: &Trace) -> Vec<String> {
    let all = trace.policies.iter().filter(|policy| policy.isolates);
    let mut names: Vec<String> =
        all.map(|policy| rules.policy(policy.policy).object.to_string()).collect();
    names.dedup();
    if names.len() > MOST_NAMED + 1 {
        let more = names.len() - MOST_NAMED;
        names.truncate(MOST_NAMED);
        names.push(format!("{more} more policies"));
    }
    names
}
