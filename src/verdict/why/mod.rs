//! Why a set of flows passes, or is not known: the only place that gives reasons for more than one.
//!
//! In: how much of a row gets through, and flows that stand for it, one for each part of it that no
//! rule tells apart. Out: a [`Why`]: what decides, by which rules, or what is not known. Everything is
//! asked of the evaluator of one flow: a rule is named where the flow is judged otherwise without it,
//! and what is not known where it makes a difference.

mod closed;
mod not_known;

pub use closed::{Closed, closed};
pub use not_known::NotKnown;

use super::evaluate::{Conclusion, Judge, Situation};
use super::trace::{Flow, Passage, PolicyTrace, Reason, Verdict};
use crate::cluster::{Snapshot, Truth};
use crate::effort::Steps;
use crate::ends::Endpoint;
use crate::policy::rule::{Action, Condition, Direction, Tier};
use crate::policy::{PolicyId, Ruleset};
use std::collections::BTreeSet;

/// A rule: its policy, and which of that policy's entries it is.
pub type RuleId = (PolicyId, usize);

/// What decides a part of a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ground {
    /// Rules admit it, and nothing else does.
    Admitted,
    /// A policy of an administrator allows it.
    Administrator(Tier),
    /// Policies of one tier and priority disagree.
    Tie,
    /// What is known does not decide.
    Unknown,
    /// No policy isolates its pods, and none denies it.
    NotIsolated,
    /// Its pods use their node's network, where policies do not select them.
    HostNetwork,
    /// Whoever enforces is told to enforce no policy.
    NotEnforced,
    /// A node reaches the pods that run on it.
    OwnNode,
    /// A pod reaches itself.
    SamePod,
    /// The subject is a node or outside, so that no policy judges it.
    NotJudged,
}

/// Why a row is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Why {
    /// What decides; of several each holds for a part of the row.
    pub grounds: BTreeSet<Ground>,
    /// The rules that decide: those that admit, that disagree, or of which it is not known whether
    /// they match.
    pub rules: BTreeSet<RuleId>,
    /// Policies of which it is not known whether they select the subject.
    pub perhaps: BTreeSet<PolicyId>,
    /// What else must hold: one of these is enough.
    pub conditions: BTreeSet<Condition>,
    /// What is not known and makes a difference.
    pub not_known: BTreeSet<NotKnown>,
    /// Policies of one tier and priority that disagree.
    pub tied: BTreeSet<BTreeSet<PolicyId>>,
}

/// Says why flows pass as they do in one direction. Those of a group are of one subject, at a port
/// that stands for others: rules that admit all of them are named before those that admit a part.
/// With `both` the other direction has a say too: what it denies is none of the row. What is said where
/// the steps do not suffice is not all of it.
pub fn why(
    snapshot: &Snapshot,
    rules: &Ruleset,
    passage: Passage,
    (direction, both): (Direction, bool),
    groups: &[Vec<Flow>],
    steps: &Steps,
) -> Why {
    let passes = |judge: &Judge<'_>| {
        let other = direction.opposite();
        let denied = |it: Situation<'_>| it.conclude(&it.policies).verdict == Verdict::Denied;
        !both || !judge.situation_among(other, Some(&judge.speaking(other))).is_ok_and(denied)
    };
    let mut why = Why::default();
    for group in groups {
        // Policies that say nothing of the subject at this port are looked at once.
        let mut known: Option<(&Endpoint, Vec<PolicyId>, usize)> = None;
        let judges = group.iter().map(|flow| Judge { snapshot, rules, flow, brief: false });
        let judges = judges.take_while(|judge| {
            steps.take(
                STEPS_OF_POLICY * (1 + if both { judge.tried(direction.opposite()) } else { 0 }),
            );
            steps.too_much().is_none()
        });
        let parts = judges.filter(passes).map(|judge| {
            let subject = judge.ends(direction).0;
            if known.as_ref().is_none_or(|(of, ..)| *of != subject) {
                steps.take(judge.tried(direction));
                let policies = judge.speaking(direction);
                let each = policies.iter().map(|id| judge.steps_of(*id)).sum();
                known = Some((subject, policies, each));
            }
            let among = known.as_ref().map(|(_, policies, _)| policies.as_slice());
            steps.take(known.as_ref().map_or(0, |(.., each)| *each));
            let outcome = judge.situation_among(direction, among).map(|mut situation| {
                let conclusion = situation.conclude(&situation.policies);
                // They are judged again and again, for which it does not matter why rules miss.
                situation.policies.iter_mut().for_each(PolicyTrace::forget_misses);
                forget_silent(&mut situation.policies);
                (situation, conclusion)
            });
            (judge, outcome)
        });
        if passage == Passage::Unknown {
            for (judge, outcome) in parts {
                if let Ok((situation, conclusion)) = outcome {
                    why.undecided(&judge, direction, &situation, &conclusion, steps);
                }
            }
        } else {
            why.allowed(parts.map(|(_, outcome)| outcome), passage, steps);
        }
    }
    why
}

/// To try a policy takes some hundred nanoseconds, where other steps take ten.
const STEPS_OF_POLICY: usize = 20;

impl Judge<'_> {
    /// What it takes to try a policy whose rules for other ports are not looked at.
    fn steps_of(&self, policy: PolicyId) -> usize {
        let entries = self.rules.policy(policy).entries.iter();
        let each = entries
            .map(|entry| if entry.ports.may_have(self.flow.port) { STEPS_OF_POLICY } else { 1 });
        STEPS_OF_POLICY + each.sum::<usize>()
    }

    /// How many policies are tried for a flow.
    fn tried(&self, direction: Direction) -> usize {
        let (Endpoint::Pod(pod), _) = self.ends(direction) else { return 0 };
        self.rules.candidates(&self.snapshot.pod(*pod).namespace, direction).count()
    }
}

/// Leaves out policies none of whose rules can match, however often they are judged again: of those
/// that only isolate one does as much as all. At the end of a tier with a name each of it counts.
fn forget_silent(policies: &mut Vec<PolicyTrace>) {
    let mut closed = false;
    policies.retain(|policy| {
        let speaks = policy.entries.iter().any(|entry| !entry.matches().is_no());
        if speaks || !policy.selects.is_yes() || policy.tier.position().is_some() {
            return true;
        }
        let isolates = policy.tier == Tier::Normal && policy.isolates;
        isolates && !std::mem::replace(&mut closed, true)
    });
}

impl Why {
    /// Adds what is said of another part of the row.
    pub fn extend(&mut self, other: Self) {
        self.grounds.extend(other.grounds);
        self.rules.extend(other.rules);
        self.perhaps.extend(other.perhaps);
        self.conditions.extend(other.conditions);
        self.not_known.extend(other.not_known);
        self.tied.extend(other.tied);
    }

    /// What is to be said: what goes without saying only where there is nothing else.
    pub fn told(&self) -> impl Iterator<Item = Ground> {
        let silent =
            |it: &Ground| matches!(it, Ground::NotJudged | Ground::SamePod | Ground::OwnNode);
        let loud = self.grounds.iter().any(|it| !silent(it));
        self.grounds.iter().filter(move |it| !loud || !silent(it)).cloned()
    }

    fn allowed<'a>(
        &mut self,
        parts: impl Iterator<Item = Result<(Situation<'a>, Conclusion), Reason>>,
        passage: Passage,
        steps: &Steps,
    ) {
        let mut ruled = Vec::new();
        for part in parts {
            if steps.too_much().is_some() {
                return;
            }
            match part {
                Err(reason) => self.grounds.extend(exempt(reason)),
                Ok((situation, conclusion)) if conclusion.passage() == passage => {
                    self.conditions.extend(conclusion.conditions.iter().cloned());
                    let policies = situation.policies.iter();
                    let again = policies.map(|policy| STEPS_OF_POLICY + 2 * policy.entries.len());
                    let again: usize = again.sum();
                    match Ruled::new(situation, &conclusion) {
                        Ok(part) => {
                            steps.take(again * part.rules.len());
                            self.grounds.insert(part.ground.clone());
                            ruled.push(part);
                        }
                        Err(ground) => drop(self.grounds.insert(ground)),
                    }
                }
                // Of exempt flows policies may say anything.
                Ok(_) => {}
            }
        }
        self.rules.extend(named(&ruled));
    }

    fn undecided(
        &mut self,
        judge: &Judge<'_>,
        direction: Direction,
        situation: &Situation<'_>,
        conclusion: &Conclusion,
        steps: &Steps,
    ) {
        if !matches!(conclusion.verdict, Verdict::Unknown | Verdict::Ambiguous) {
            return;
        }
        let matcher = judge.matcher(direction);
        let open = not_known::deciding(judge, matcher.as_ref(), situation, conclusion, steps);
        self.grounds.extend((!open.not_known.is_empty()).then_some(Ground::Unknown));
        self.grounds.extend((!open.tied.is_empty()).then_some(Ground::Tie));
        self.rules.extend(open.rules);
        self.perhaps.extend(open.perhaps);
        self.not_known.extend(open.not_known);
        self.tied.extend(open.tied);
    }
}

/// Why policies are not asked.
fn exempt(reason: Reason) -> Option<Ground> {
    Some(match reason {
        Reason::HostNetwork => Ground::HostNetwork,
        Reason::NotEnforced => Ground::NotEnforced,
        Reason::OwnNode => Ground::OwnNode,
        Reason::SamePod => Ground::SamePod,
        Reason::Node | Reason::Outside => Ground::NotJudged,
        _ => return None,
    })
}

/// A flow that rules let through.
struct Ruled<'a> {
    situation: Situation<'a>,
    ground: Ground,
    passage: Passage,
    decided_by: Option<RuleId>,
    /// The rules that may be what lets it through.
    rules: BTreeSet<RuleId>,
    /// Those of them each of which is enough without the others.
    enough: BTreeSet<RuleId>,
}

impl<'a> Ruled<'a> {
    /// Or what else lets it through.
    fn new(situation: Situation<'a>, conclusion: &Conclusion) -> Result<Self, Ground> {
        let decided_by = conclusion.decided_by;
        let ordered = decided_by.map(|rule| tier(&situation, rule));
        let ordered = ordered.filter(Tier::is_administrators);
        let mut rules: BTreeSet<RuleId> = conclusion.allowing.iter().copied().collect();
        rules.extend(allowing(&situation.policies));
        let mut part = Self {
            ground: ordered.clone().map_or(Ground::Admitted, Ground::Administrator),
            passage: conclusion.passage(),
            decided_by,
            rules,
            enough: BTreeSet::new(),
            situation,
        };
        if ordered.is_none() {
            part.add_next();
            let mut other = part.without(&part.rules);
            // The Baseline tier may let it through as well, by one rule behind the other.
            while other.reason == Reason::Admitted {
                let before = part.rules.len();
                part.rules.extend(other.allowing.iter().copied());
                if part.rules.len() == before {
                    break;
                }
                other = part.without(&part.rules);
            }
            // Rules that let through what nothing would stop are not why it passes.
            if other.passage() == part.passage {
                let own_node = other.reason == Reason::OwnNode;
                return Err(if own_node { Ground::OwnNode } else { Ground::NotIsolated });
            }
        }
        let alone = |rules: &BTreeSet<RuleId>| {
            let others = part.rules.difference(rules).copied().collect();
            part.without(&others).passage() == part.passage
        };
        let is_enough = |rule: &RuleId| alone(&[*rule].into());
        let mut enough: BTreeSet<RuleId> = part.rules.iter().copied().filter(is_enough).collect();
        let mut rules = None;
        if let Some(decides) = ordered {
            // What others allow does not count, unless an administrator's rule only perhaps matches.
            let decides = |rule: &RuleId| tier(&part.situation, *rule) == decides;
            let of_tier = part.rules.iter().copied().filter(decides).collect();
            if alone(&of_tier) {
                enough.retain(|rule| of_tier.contains(rule));
                rules = Some(of_tier);
            }
        }
        part.enough = enough;
        part.rules = rules.unwrap_or(part.rules);
        Ok(part)
    }

    /// Adds the rules of tiers with names that would let it through in place of those that do: without
    /// any one of them, without those that allow, without those that pass it on, without all.
    fn add_next(&mut self) {
        let mut policies = self.situation.policies.iter();
        if policies.all(|policy| policy.tier.position().is_none()) {
            return;
        }
        let mut tried = BTreeSet::new();
        loop {
            let of = |action: Action| -> BTreeSet<RuleId> {
                let does = |rule: &&RuleId| self.action(**rule) == Some(action);
                self.rules.iter().filter(does).copied().collect()
            };
            let mut sets = vec![of(Action::Allow), of(Action::Pass), self.rules.clone()];
            let new = self.rules.iter().filter(|rule| tried.insert(**rule));
            sets.extend(new.map(|rule| BTreeSet::from([*rule])));
            let before = self.rules.len();
            for set in sets {
                let other = self.without(&set);
                if other.passage() == self.passage {
                    self.rules.extend(other.allowing);
                }
            }
            if self.rules.len() == before {
                return;
            }
        }
    }

    fn action(&self, (policy, entry): RuleId) -> Option<Action> {
        let of = self.situation.policies.iter().find(|it| it.policy == policy);
        of.and_then(|it| it.entries.get(entry)).map(|it| it.action)
    }

    /// What would be without some rules that allow.
    fn without(&self, rules: &BTreeSet<RuleId>) -> Conclusion {
        let mut policies = self.situation.policies.clone();
        for policy in &mut policies {
            let id = policy.policy;
            for (index, entry) in policy.entries.iter_mut().enumerate() {
                if rules.contains(&(id, index)) {
                    entry.peer = Truth::No;
                }
            }
            policy.settle();
        }
        self.situation.conclude(&policies)
    }

    /// Whether the flow is judged otherwise without these rules.
    fn changes_without(&self, rules: &BTreeSet<RuleId>) -> bool {
        let other = self.without(rules);
        other.passage() != self.passage
            || (self.ground != Ground::Admitted && other.decided_by != self.decided_by)
    }
}

/// The tier of a rule.
fn tier(situation: &Situation<'_>, rule: RuleId) -> Tier {
    let of = situation.policies.iter().find(|policy| policy.policy == rule.0);
    of.map_or(Tier::Normal, |policy| policy.tier.clone())
}

/// The rules of the normal tier that allow the flow, or may.
fn allowing(policies: &[PolicyTrace]) -> impl Iterator<Item = RuleId> {
    policies.iter().filter(|policy| policy.tier == Tier::Normal).flat_map(|policy| {
        let entries = policy.entries.iter().enumerate();
        let allows = entries.filter(|(_, e)| e.action == Action::Allow && !e.matches().is_no());
        allows.map(|(index, _)| (policy.policy, index))
    })
}

/// The rules that let all parts through: those each of which lets every part through, if anything
/// changes without them, else all that let a part through.
fn named(parts: &[Ruled<'_>]) -> BTreeSet<RuleId> {
    let [first, rest @ ..] = parts else { return BTreeSet::new() };
    let mut common = first.enough.clone();
    for part in rest {
        common.retain(|rule| part.enough.contains(rule));
    }
    let changes = |rules: &BTreeSet<RuleId>| parts.iter().any(|part| part.changes_without(rules));
    if !common.is_empty() && changes(&common) {
        return common;
    }
    let some = parts
        .iter()
        .flat_map(|part| if part.enough.is_empty() { &part.rules } else { &part.enough });
    let some: BTreeSet<RuleId> = some.copied().collect();
    if parts.iter().all(|part| part.changes_without(&some)) {
        return some;
    }
    parts.iter().flat_map(|part| &part.rules).copied().collect()
}
