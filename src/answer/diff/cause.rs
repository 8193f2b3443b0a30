//! What made a flow change: the policy and rule that now admits it, or that no longer does.
//!
//! In: one flow, judged on both sides. Out: a [`Cause`] for each direction that changed.
//! Flows with equal causes are told together.

use super::DiffSide;
use crate::answer::explanation::{DirectionReport, PolicyReport};
use crate::answer::place::short;
use crate::answer::words;
use crate::cluster::ObjectRef;
use crate::effort::{Effort, Steps};
use crate::policy::Ruleset;
use crate::policy::rule::Direction;
use crate::prose::list;
use crate::verdict::{Case, Ground, Passage, Reason, Trace, why};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// Why one direction changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Cause {
    pub(super) direction: Direction,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum What {
    /// A rule admits now; on one of these conditions, if there are any.
    Admits(ObjectRef, Box<str>, Vec<Box<str>>),
    /// On one of these conditions, what passed without; the policy that asks for the first of them.
    OnlyOn(Vec<Box<str>>, Option<ObjectRef>),
    /// On one of these conditions now; before on one of those.
    Instead(Vec<Box<str>>, Vec<Box<str>>, Option<ObjectRef>),
    /// What passed on one of these conditions passes without.
    NoCondition(Vec<Box<str>>, Option<ObjectRef>),
    /// The policies that isolated do so no longer; none where the reason of the new verdict says it all.
    NotIsolated(Vec<ObjectRef>),
    /// The policy that admitted isolates still, and does not admit.
    NoLongerAdmits(ObjectRef),
    /// The policy that admitted does not select the pods any more.
    NoLongerSelects(ObjectRef),
    /// The policy that admitted is not there any more, or not in force.
    Gone(ObjectRef),
    /// Policies isolate now what was open, and none admits.
    Isolated(Vec<ObjectRef>),
    /// A rule denies now.
    Denies(ObjectRef, Box<str>),
    /// The rule that denied does so no longer.
    NoLongerDenies(ObjectRef, Box<str>),
    /// What is known now does not decide.
    NotKnown,
}

/// The causes of a change, egress first; none where a flow passes on the same conditions as before.
pub(super) fn causes(cases: [&Case; 2], sides: [&DiffSide<'_>; 2]) -> Vec<Cause> {
    let [before, after] = sides.map(|side| side.rules);
    let [old, new] = cases.map(|case| &case.judgement);
    let flow = &cases[1].flow;
    let pairs = [(&old.egress, &new.egress), (&old.ingress, &new.ingress)];
    let change = new.passage().cmp(&old.passage());
    // A direction that goes the other way, which the other outweighs, is no cause.
    let changed = pairs.into_iter().filter(|(old, new)| {
        let here = new.passage().cmp(&old.passage());
        let reworded = new.passage() == Passage::OnCondition && asked(old) != asked(new);
        reworded || (here != Ordering::Equal && (here == change || change == Ordering::Equal))
    });
    let cause = |(old, new): (&Trace, &Trace)| {
        let direction = new.direction;
        // What rules admit that nothing closes any more, they do not open.
        let open = new.reason == Reason::Admitted && {
            let group = [vec![flow.clone()]];
            let steps = Steps::new(Effort::default());
            let (of, asked) = ((direction, false), new.passage());
            let why = why(sides[1].snapshot, after, asked, of, &group, &steps);
            why.grounds == [Ground::NotIsolated].into()
        };
        Cause { direction, what: what(old, new, open, (before, after)) }
    };
    changed.map(cause).collect()
}

/// All that a direction asks for besides, to be compared.
fn asked(trace: &Trace) -> BTreeSet<&str> {
    trace.conditions.iter().map(|condition| &*condition.asks).collect()
}

fn what(old: &Trace, new: &Trace, open: bool, (before, after): (&Ruleset, &Ruleset)) -> What {
    let isolating = |trace: &Trace, rules: &Ruleset| {
        let policies = trace.policies.iter().filter(|policy| policy.isolates);
        policies.map(|policy| rules.policy(policy.policy).object.clone()).collect::<Vec<_>>()
    };
    let conditions =
        |trace: &Trace| trace.conditions.iter().map(|it| it.words.clone()).collect::<Vec<_>>();
    let policy = |trace, rules| deciding(trace, rules, Reason::Admitted).map(|(policy, _)| policy);
    match (old.passage(), new.passage(), new.reason) {
        (Passage::OnCondition, Passage::OnCondition, _) => {
            What::Instead(conditions(new), conditions(old), policy(new, after))
        }
        (Passage::Allowed, Passage::OnCondition, _) => {
            What::OnlyOn(conditions(new), policy(new, after))
        }
        (Passage::OnCondition, Passage::Allowed, _) => {
            What::NoCondition(conditions(old), policy(new, after))
        }
        (_, Passage::Allowed | Passage::OnCondition, Reason::Admitted) if !open => {
            match deciding(new, after, Reason::Admitted) {
                Some((policy, rule)) => What::Admits(policy, rule, conditions(new)),
                None => What::NotKnown,
            }
        }
        // Policies are as they were, but do not hold it: the reason says why.
        (
            _,
            Passage::Allowed | Passage::OnCondition,
            Reason::OwnNode | Reason::HostNetwork | Reason::NotEnforced,
        ) => What::NotIsolated(Vec::new()),
        (_, Passage::Allowed | Passage::OnCondition, _) => {
            match deciding(old, before, Reason::Refused) {
                Some((policy, rule)) => What::NoLongerDenies(policy, rule),
                None => What::NotIsolated(isolating(old, before)),
            }
        }
        (_, Passage::Denied, Reason::Refused) => match deciding(new, after, Reason::Refused) {
            Some((policy, rule)) => What::Denies(policy, rule),
            None => What::NotKnown,
        },
        (_, Passage::Denied, _) => match deciding(old, before, Reason::Admitted) {
            Some((policy, _)) => {
                let still = isolating(new, after).contains(&policy);
                let there = || after.policies().iter().any(|other| other.object == policy);
                match (still, there) {
                    (true, _) => What::NoLongerAdmits(policy),
                    (false, there) if there() => What::NoLongerSelects(policy),
                    (false, _) => What::Gone(policy),
                }
            }
            None => What::Isolated(isolating(new, after)),
        },
        (_, Passage::Unknown, _) => What::NotKnown,
    }
}

/// The policy and rule that decide, for this reason.
fn deciding(trace: &Trace, rules: &Ruleset, reason: Reason) -> Option<(ObjectRef, Box<str>)> {
    let (policy, index) = trace.decided_by.filter(|_| trace.reason == reason)?;
    let policy = rules.policy(policy);
    Some((policy.object.clone(), policy.entries.get(index)?.path.clone()))
}

impl Cause {
    /// The same with every policy of a namespace as one of none, to be compared with others like it.
    pub(super) fn nowhere(&self, namespace: &str) -> Self {
        let mut cause = self.clone();
        let objects: Vec<&mut ObjectRef> = match &mut cause.what {
            What::Admits(object, ..)
            | What::NoLongerAdmits(object)
            | What::NoLongerSelects(object)
            | What::Gone(object)
            | What::Denies(object, _)
            | What::NoLongerDenies(object, _) => vec![object],
            What::OnlyOn(_, by) | What::Instead(_, _, by) | What::NoCondition(_, by) => {
                by.iter_mut().collect()
            }
            What::NotIsolated(by) | What::Isolated(by) => by.iter_mut().collect(),
            What::NotKnown => Vec::new(),
        };
        for object in objects {
            object.namespace.take_if(|own| **own == *namespace);
        }
        cause
    }

    /// The cause in words, and the policy to be shown with it.
    pub(super) fn told(
        &self,
        before: &DirectionReport,
        after: &DirectionReport,
    ) -> (String, Option<PolicyReport>) {
        let is = |p: &PolicyReport, object: &ObjectRef| {
            *p.name == *object.name
                && *p.kind == *object.kind
                && p.namespace.as_deref() == object.namespace.as_deref()
        };
        let find = |report: &DirectionReport, object: &ObjectRef| {
            report.policies.iter().find(|policy| is(policy, object)).cloned()
        };
        let named = |object: &ObjectRef, policy: Option<&PolicyReport>| match policy
            .and_then(|policy| policy.rule.as_deref())
        {
            Some(rule) => format!("{} {}", words::label(object), short(rule)),
            None => words::label(object),
        };
        let labels = |objects: &[ObjectRef]| {
            let all: Vec<String> = objects.iter().map(words::label).collect();
            list(&all, "and")
        };
        let direction = self.direction;
        match &self.what {
            What::Admits(object, rule, conditions) => {
                let only = match conditions.as_slice() {
                    [] => String::new(),
                    all => format!(", only {}", list(all, "or")),
                };
                let named = words::label(object);
                (format!("{named} {} admits it{only}", short(rule)), find(after, object))
            }
            What::OnlyOn(now, by) => {
                let message = format!("only {} gets through now", list(now, "or"));
                (message, by.as_ref().and_then(|object| find(after, object)))
            }
            What::Instead(now, before, by) => {
                let [now, before] = [now, before].map(|all| list(all, "or"));
                let message = if now == before {
                    format!("{now} gets through with other values than before")
                } else {
                    format!("only {now} gets through now, and before only {before}")
                };
                (message, by.as_ref().and_then(|object| find(after, object)))
            }
            What::NoCondition(before, by) => {
                let before = list(before, "or");
                let message = format!("every request gets through now, and before only {before}");
                (message, by.as_ref().and_then(|object| find(after, object)))
            }
            What::Denies(object, rule) => {
                (format!("{} {} denies it", words::label(object), short(rule)), find(after, object))
            }
            What::NoLongerDenies(object, rule) => {
                let policy = find(before, object);
                (format!("{} {} no longer denies it", words::label(object), short(rule)), policy)
            }
            What::NotIsolated(by) if by.is_empty() => (after.message.clone(), None),
            What::NotIsolated(by) => {
                let message =
                    format!("no policy isolates its {direction} any more, as {} did", labels(by));
                (message, by.first().and_then(|object| find(before, object)))
            }
            What::NoLongerAdmits(object) => {
                let policy = find(after, object);
                let why = policy.as_ref().map_or("", |policy| &policy.message);
                (format!("{} no longer admits it: {why}", named(object, policy.as_ref())), policy)
            }
            What::NoLongerSelects(object) => {
                let policy = find(before, object);
                let named = named(object, policy.as_ref());
                let subject = &after.subject;
                (format!("{named} admitted it and no longer selects {subject}"), policy)
            }
            What::Gone(object) => {
                let policy = find(before, object);
                let named = named(object, policy.as_ref());
                (format!("{named} admitted it and is not in force any more"), policy)
            }
            What::Isolated(by) => {
                let none = if by.len() == 1 { "which does not admit it" } else { "none admits it" };
                let message = format!("isolated by {}, {none}", labels(by));
                // Of tiers with names there may be others before it.
                let mut all = after.policies.iter();
                let one = all.find(|policy| by.iter().any(|object| is(policy, object)));
                (message, one.or(after.policies.first()).cloned())
            }
            What::NotKnown => (after.message.clone(), after.policies.first().cloned()),
        }
    }
}
