//! What policies say together: tiers in order, and what can still happen where not all is known.
//!
//! In: the policies that select the subject of one direction, or may, each with its rules tried. Out:
//! the verdict and what decides, which is exact as long as what is not known is independent. Source:
//! docs/semantics/kubernetes.md#tiers, docs/semantics/admin.md#order-and-ties,
//! docs/semantics/cilium-verdicts.md#one-direction and docs/semantics/calico.md#one-direction.

use super::trace::{PolicyTrace, Reason, Trace, UnknownWhy, Verdict};
use crate::cluster::Truth;
use crate::policy::PolicyId;
use crate::policy::rule::{Action, NamedTier, Tier, TierEnd, turn};

/// What policies say of one direction.
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    pub(super) reason: Reason,
    pub(super) by: Option<(PolicyId, usize)>,
    /// What others, of the normal tier, could do about it.
    pub(super) open_to: OpenTo,
    /// Whether the normal tier has a say.
    pub(super) normal: bool,
    /// The rules of ordered tiers that allow it, or may.
    pub(super) allowing: Vec<(PolicyId, usize)>,
}

/// Which policies of the normal tier, besides those that are known, could change a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum OpenTo {
    Nothing,
    /// Those that deny.
    Denials,
    /// Those that isolate, and admit.
    Any,
}

/// What the subject's own situation adds to the rules of its policies.
#[derive(Clone, Copy)]
pub(super) struct Circumstances {
    /// Whether an implied rule of the normal tier allows the flow.
    pub(super) implied: Truth,
    /// The subject is isolated even without any policy.
    pub(super) always: bool,
    /// Why this flow is perhaps exempt: from all policies if the source may be the subject's own
    /// node, else from isolation only.
    pub(super) exempt: Option<UnknownWhy>,
    /// Cilium decides: it knows no ties, and isolation is what is left behind the last tier.
    pub(super) by_cilium: bool,
}

/// What may become of a flow: any of a set of ends, of which whoever enforces may pick one.
type Ends = u8;

const ALLOW: Ends = 1;
const DENY: Ends = 2;
/// It goes on to the next tier.
const NEXT: Ends = 4;
/// Policies of its tier select the subject and say nothing, so that the end of the tier decides.
const SILENT: Ends = 8;

/// The sets of ends that are possible, over everything that is not known; the set `s` is bit `s`.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Possible(u16);

impl Possible {
    const NONE: Self = Self(0);

    fn only(ends: Ends) -> Self {
        Self(1 << ends)
    }

    fn has(self, ends: Ends) -> bool {
        self.0 & Self::only(ends).0 != 0
    }

    fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn sets(self) -> impl Iterator<Item = Ends> {
        (0..16).filter(move |ends| self.has(*ends))
    }

    /// Whether the flow may reach the next tier.
    fn goes_on(self) -> bool {
        self.sets().any(|ends| ends & NEXT != 0)
    }

    /// Both speak: any of the ends of the one or of the other may be picked.
    fn beside(self, other: Self) -> Self {
        let pairs = self.sets().flat_map(|a| other.sets().map(move |b| a | b));
        pairs.fold(Self::NONE, |all, ends| all.or(Self::only(ends)))
    }

    /// The flow goes on where these say so.
    fn then(self, next: Self) -> Self {
        self.sets().fold(Self::NONE, |all, ends| {
            all.or(match ends & NEXT {
                0 => Self::only(ends),
                _ => Self::only(ends & !NEXT).beside(next),
            })
        })
    }
}

/// Decides.
pub(super) fn decide(policies: &[PolicyTrace], about: Circumstances) -> Decision {
    if policies.iter().any(|policy| policy.tier.position().is_some()) {
        return named(policies, about);
    }
    let split = |tier: fn(&Tier) -> bool| -> Vec<&PolicyTrace> {
        policies.iter().filter(|policy| tier(&policy.tier)).collect()
    };
    let admin = split(|tier| matches!(tier, Tier::Admin(_)));
    let middle = split(|tier| *tier == Tier::Normal);
    let baseline = split(|tier| matches!(tier, Tier::Baseline(_)));
    let by_cilium = about.by_cilium;
    let first = ordered(&admin, by_cilium);
    let Middle { possible, last, closed } = normal(&middle, about);
    let upper = first.then(possible);
    let mut all = upper.then(ordered(&baseline, by_cilium)).then(last);
    let mut allowing = allowing(&admin, by_cilium);
    if upper.goes_on() {
        allowing.extend(self::allowing(&baseline, by_cilium));
    }
    let perhaps_own_node = about.exempt == Some(UnknownWhy::PerhapsOwnNode);
    if perhaps_own_node {
        all = all.or(Possible::only(ALLOW));
    }
    let normal = first.goes_on();
    let undecided = |verdict, reason| (verdict, reason, None);
    let (verdict, reason, by) = if all == Possible::only(ALLOW) {
        allowed(&admin, &middle, &baseline, about)
    } else if all == Possible::only(DENY) {
        denied(&admin, &middle, &baseline, about)
    } else if all == Possible::only(ALLOW | DENY) {
        undecided(Verdict::Ambiguous, Reason::Tie)
    } else {
        // Only the implied rule may be in doubt: then the policies themselves admit nothing.
        let certain = policies.iter().all(|policy| {
            policy.selects != Truth::Unknown
                && policy.entries.iter().all(|entry| entry.matches() != Truth::Unknown)
        });
        let why = match about.exempt {
            // Where a rule is in doubt too, to know of that one is nearer than to know of the node.
            Some(_) if perhaps_own_node && !certain => UnknownWhy::Rules,
            Some(why) if perhaps_own_node || (closed && first.goes_on()) => why,
            _ if certain => UnknownWhy::PerhapsOwnNode,
            _ => UnknownWhy::Rules,
        };
        undecided(Verdict::Unknown, Reason::Unknown(why))
    };
    let says = |what: fn(&PolicyTrace) -> Truth| {
        middle.iter().any(|policy| policy.selects.is_yes() && what(policy).is_yes())
    };
    let open_to = match verdict {
        _ if !normal => OpenTo::Nothing,
        Verdict::Denied if says(|policy| policy.denies) => OpenTo::Nothing,
        Verdict::Allowed if about.implied.is_yes() || says(|policy| policy.admits) => {
            OpenTo::Denials
        }
        _ => OpenTo::Any,
    };
    Decision { verdict, reason, by, open_to, normal, allowing }
}

/// Tiers with names, in order: in each the first rule that matches decides, and where policies of it
/// select the subject and none of their rules matches, the end of the tier does. What no tier decides
/// passes.
///
/// Source: docs/semantics/calico.md#one-direction.
fn named(policies: &[PolicyTrace], about: Circumstances) -> Decision {
    let mut all = Possible::only(NEXT);
    let mut allowing = Vec::new();
    for tier in policies.chunk_by(|a, b| a.tier.is_beside(&b.tier)) {
        if all.goes_on() {
            allowing.extend(may_allow(tier));
        }
        all = all.then(in_tier(tier));
    }
    // Source: docs/semantics/calico.md#profiles.
    all = all.then(Possible::only(ALLOW));
    if about.exempt.is_some() {
        all = all.or(Possible::only(ALLOW));
    }
    let (verdict, reason, by) = if all == Possible::only(ALLOW) {
        match decider(policies) {
            Decider::Rule(Action::Allow | Action::Pass, by) => {
                (Verdict::Allowed, Reason::Admitted, Some(by))
            }
            _ if policies.iter().any(|policy| !policy.selects.is_yes()) => {
                (Verdict::Allowed, Reason::Admitted, None)
            }
            _ => (Verdict::Allowed, Reason::NotIsolated, None),
        }
    } else if all == Possible::only(DENY) {
        match decider(policies) {
            Decider::Rule(Action::Deny, by) => (Verdict::Denied, Reason::Refused, Some(by)),
            _ => (Verdict::Denied, Reason::NoneAdmits, None),
        }
    } else {
        let why = about.exempt.unwrap_or(UnknownWhy::Rules);
        (Verdict::Unknown, Reason::Unknown(why), None)
    };
    // A policy that was not read may stand in any tier.
    Decision { verdict, reason, by, open_to: OpenTo::Any, normal: false, allowing }
}

/// What one tier with a name may do with flows.
fn in_tier(policies: &[PolicyTrace]) -> Possible {
    let unselected = Possible::only(0);
    let (mut decided, mut silent) = (Possible::NONE, unselected);
    for policy in policies {
        let says = says_or(policy, SILENT);
        let mut still = Possible::NONE;
        for ends in says.sets() {
            match ends {
                0 => still = still.or(silent),
                SILENT => still = still.or(Possible::only(SILENT)),
                ends => decided = decided.or(Possible::only(ends)),
            }
        }
        silent = still;
        if silent == Possible::NONE {
            return decided;
        }
    }
    let end = match policies.first().and_then(|policy| policy.tier.position()) {
        Some(position) if position.tier.end == TierEnd::Deny => DENY,
        _ => NEXT,
    };
    if silent.has(SILENT) {
        decided = decided.or(Possible::only(end));
    }
    if silent.has(0) { decided.or(Possible::only(NEXT)) } else { decided }
}

/// The rules of a tier with a name that may be the ones to allow, or to spare the flow its end.
fn may_allow(policies: &[PolicyTrace]) -> Vec<(PolicyId, usize)> {
    let mut all = Vec::new();
    for policy in policies {
        for (index, entry) in policy.entries.iter().enumerate() {
            let matches = entry.matches();
            if entry.action != Action::Deny && !matches.is_no() {
                all.push((policy.policy, index));
            }
            if matches.is_yes() {
                if policy.selects.is_yes() {
                    return all;
                }
                break;
            }
        }
    }
    all
}

/// What certainly decides in tiers with names.
enum Decider<'a> {
    /// A rule; one that passes the flow on only where nothing behind it decides and the end of its tier
    /// would have dropped the flow.
    Rule(Action, (PolicyId, usize)),
    /// The end of the tier of this policy.
    End(&'a PolicyTrace),
    /// None of them.
    Nothing,
}

/// The rule that decides, or the tier whose end does, as far as it is certain what matches.
fn decider(policies: &[PolicyTrace]) -> Decider<'_> {
    let mut passed = Decider::Nothing;
    for tier in policies.chunk_by(|a, b| a.tier.is_beside(&b.tier)) {
        let mut selecting = tier.iter().filter(|policy| policy.selects.is_yes()).peekable();
        let Some(one) = selecting.peek().copied() else { continue };
        let first = selecting.find_map(|policy| Some((policy.policy, policy.decisive()?)));
        let end = one.tier.position().map(|position| position.tier.end);
        match first {
            Some((policy, (index, entry))) if entry.action == Action::Pass => {
                if end == Some(TierEnd::Deny) {
                    passed = Decider::Rule(entry.action, (policy, index));
                }
            }
            Some((policy, (index, entry))) => {
                return Decider::Rule(entry.action, (policy, index));
            }
            None => {
                if end == Some(TierEnd::Deny) {
                    return Decider::End(one);
                }
            }
        }
    }
    passed
}

impl Trace {
    /// The tier with a name at whose end the flow is dropped, since no rule of its policies matches.
    pub fn dropped_by(&self) -> Option<&NamedTier> {
        if self.reason != Reason::NoneAdmits {
            return None;
        }
        let Decider::End(policy) = decider(&self.policies) else { return None };
        policy.tier.position().map(|position| &position.tier)
    }
}

/// The first entry that matches decides; policies of one priority stand side by side, and of those
/// that match any may be followed.
///
/// In Cilium of those that match the first in turn decides.
fn ordered(policies: &[&PolicyTrace], by_cilium: bool) -> Possible {
    let mut all = Possible::NONE;
    for peers in policies.chunk_by(|a, b| a.tier == b.tier) {
        let silent = Possible::only(0);
        let said = match peers {
            [_, _, ..] if by_cilium => says_in_turn(peers),
            _ => peers.iter().fold(silent, |said, policy| said.beside(says(policy))),
        };
        all = all.or(Possible(said.0 & !silent.0));
        if !said.has(0) {
            return all;
        }
    }
    all.or(Possible::only(NEXT))
}

/// The rules of policies of one priority as Cilium asks them: policy and rule by their indices.
fn in_turn(policies: &[&PolicyTrace]) -> Vec<(usize, usize)> {
    let of = |(at, policy): (usize, &&PolicyTrace)| (0..policy.entries.len()).map(move |i| (at, i));
    let mut all: Vec<(usize, usize)> = policies.iter().enumerate().flat_map(of).collect();
    all.sort_by_key(|(at, i)| {
        let entry = &policies[*at].entries[*i];
        (turn(entry.place, entry.action), policies[*at].policy)
    });
    all
}

/// What policies of one priority may say where the first in turn is followed; the empty set: nothing.
fn says_in_turn(policies: &[&PolicyTrace]) -> Possible {
    let mut says = Possible::NONE;
    // Whose rules behind say nothing, whether the policy selects or not.
    let mut decided = vec![false; policies.len()];
    for (at, i) in in_turn(policies) {
        let (policy, entry) = (policies[at], &policies[at].entries[i]);
        let matches = policy.selects.and(entry.matches());
        if decided[at] || matches.is_no() {
            continue;
        }
        says = says.or(Possible::only(end_of(entry.action)));
        if matches.is_yes() {
            return says;
        }
        decided[at] = entry.matches().is_yes();
    }
    says.or(Possible::only(0))
}

/// The rules that may be the ones to allow.
fn allowing(policies: &[&PolicyTrace], by_cilium: bool) -> Vec<(PolicyId, usize)> {
    let mut all = Vec::new();
    for peers in policies.chunk_by(|a, b| a.tier == b.tier) {
        if by_cilium && peers.len() > 1 {
            for (at, i) in in_turn(peers) {
                let (policy, entry) = (peers[at], &peers[at].entries[i]);
                let matches = policy.selects.and(entry.matches());
                if entry.action == Action::Allow && !matches.is_no() {
                    all.push((policy.policy, i));
                }
                if matches.is_yes() {
                    return all;
                }
            }
            continue;
        }
        for policy in peers {
            let decisive = policy.entries.iter().position(|entry| entry.matches().is_yes());
            let last = decisive.unwrap_or(usize::MAX);
            for (index, entry) in policy.entries.iter().enumerate().take_while(|e| e.0 <= last) {
                if entry.action == Action::Allow && !entry.matches().is_no() {
                    all.push((policy.policy, index));
                }
            }
        }
        if !peers.iter().all(|policy| says(policy).has(0)) {
            break;
        }
    }
    all
}

/// What one policy of an ordered tier may say; the empty set: nothing.
fn says(policy: &PolicyTrace) -> Possible {
    says_or(policy, 0)
}

/// The same, with what it says where it selects and no rule of it matches.
fn says_or(policy: &PolicyTrace, silent: Ends) -> Possible {
    let unselected = Possible::only(0);
    let mut says = if policy.selects.is_yes() { Possible::NONE } else { unselected };
    for entry in &policy.entries {
        let matches = entry.matches();
        if matches.is_no() {
            continue;
        }
        says = says.or(Possible::only(end_of(entry.action)));
        if matches.is_yes() {
            return says;
        }
    }
    says.or(Possible::only(silent))
}

/// What a rule of an ordered tier does with the flows that it matches.
fn end_of(action: Action) -> Ends {
    match action {
        Action::Allow => ALLOW,
        Action::Deny => DENY,
        Action::Pass => NEXT,
    }
}

/// What the normal tier may say.
struct Middle {
    possible: Possible,
    /// What becomes of flows that no tier decides.
    last: Possible,
    /// Isolation may deny the flow.
    closed: bool,
}

/// Any match of a Deny denies, else any match of an Allow allows, else who is isolated is denied.
fn normal(policies: &[&PolicyTrace], about: Circumstances) -> Middle {
    let Circumstances { implied, always, exempt, .. } = about;
    let says = |what: fn(&PolicyTrace) -> Truth| {
        Truth::any(policies.iter().map(|policy| policy.selects.and(what(policy))))
    };
    let denies = says(|policy| policy.denies);
    let by_rule = says(|policy| policy.admits);
    let admits = by_rule.or(implied);
    let isolated = says(|policy| policy.isolates.into()).or(always.into());
    // Without any that certainly isolates, those that may do so admit the flow themselves: whichever
    // of them select the subject, one that does admits.
    let all_admit = !always
        && policies.iter().filter(|policy| policy.isolates).all(|policy| policy.admits.is_yes());
    let spared = denies.is_yes() || admits.is_yes() || all_admit || isolated.is_no();
    let (closed, open) = (!spared, !denies.is_yes());
    let any = |ends: [(bool, Ends); 3]| {
        let may = ends.into_iter().filter(|(may, _)| *may);
        may.fold(Possible::NONE, |all, (_, end)| all.or(Possible::only(end)))
    };
    if about.by_cilium {
        // Source: docs/semantics/cilium-verdicts.md#baseline-behind-isolation: who gets to the end was
        // neither admitted nor denied by a rule of any tier.
        let isolated = if all_admit { Truth::No } else { isolated };
        let kept = isolated.is_no() || implied.is_yes();
        let last = any([
            (!isolated.is_yes() || !implied.is_no() || exempt.is_some(), ALLOW),
            (!kept, DENY),
            (false, NEXT),
        ]);
        let possible = any([
            (open && !by_rule.is_no(), ALLOW),
            (!denies.is_no(), DENY),
            (open && !by_rule.is_yes(), NEXT),
        ]);
        return Middle { possible, last, closed };
    }
    let possible = any([
        (open && (!admits.is_no() || (closed && exempt.is_some())), ALLOW),
        (closed || !denies.is_no(), DENY),
        (open && !admits.is_yes() && !isolated.is_yes(), NEXT),
    ]);
    // Source: docs/semantics/kubernetes.md#default.
    Middle { possible, last: Possible::only(ALLOW), closed }
}

type Decided = (Verdict, Reason, Option<(PolicyId, usize)>);

type Chosen = Option<(Action, PolicyId, usize)>;

/// The first entry of an ordered tier that certainly matches.
fn first(policies: &[&PolicyTrace], by_cilium: bool) -> Chosen {
    if by_cilium {
        let mut groups = policies.chunk_by(|a, b| a.tier == b.tier);
        return groups.find_map(|peers| {
            let mut turns = in_turn(peers).into_iter().map(|(at, i)| (peers[at], i));
            let (policy, i) = turns
                .find(|(policy, i)| policy.selects.and(policy.entries[*i].matches()).is_yes())?;
            Some((policy.entries[i].action, policy.policy, i))
        });
    }
    policies.iter().filter(|policy| policy.selects.is_yes()).find_map(|policy| {
        let (index, entry) = policy.decisive()?;
        Some((entry.action, policy.policy, index))
    })
}

fn allowed(
    admin: &[&PolicyTrace],
    middle: &[&PolicyTrace],
    baseline: &[&PolicyTrace],
    about: Circumstances,
) -> Decided {
    let decision = |reason, by| (Verdict::Allowed, reason, by);
    if let Some((Action::Allow, policy, entry)) = first(admin, about.by_cilium) {
        return decision(Reason::Admitted, Some((policy, entry)));
    }
    let admitting = middle.iter().filter(|p| p.selects.is_yes() && p.admits.is_yes());
    // Of several the first in the order of reading whose match says most.
    let nearest = admitting.rev().max_by_key(|policy| policy.nearness());
    if let Some((policy, (entry, _))) = nearest.and_then(|p| Some((p, p.nearest()?))) {
        return decision(Reason::Admitted, Some((policy.policy, entry)));
    }
    let last = first(baseline, about.by_cilium);
    if let (true, Some((Action::Allow, policy, entry))) = (about.by_cilium, last) {
        return decision(Reason::Admitted, Some((policy, entry)));
    }
    if about.implied.is_yes() {
        return decision(Reason::OwnNode, None);
    }
    if middle.iter().any(|policy| policy.isolates) {
        // Each of those that may select the subject admits.
        return decision(Reason::Admitted, None);
    }
    match last {
        Some((Action::Allow, policy, entry)) => decision(Reason::Admitted, Some((policy, entry))),
        _ => decision(Reason::NotIsolated, None),
    }
}

fn denied(
    admin: &[&PolicyTrace],
    middle: &[&PolicyTrace],
    baseline: &[&PolicyTrace],
    about: Circumstances,
) -> Decided {
    let decision = |reason, by| (Verdict::Denied, reason, by);
    if let Some((Action::Deny, policy, entry)) = first(admin, about.by_cilium) {
        return decision(Reason::Refused, Some((policy, entry)));
    }
    let denying = middle.iter().find(|p| p.selects.is_yes() && p.denies.is_yes());
    if let Some((policy, (entry, _))) = denying.and_then(|p| Some((p, p.decisive()?))) {
        return decision(Reason::Refused, Some((policy.policy, entry)));
    }
    let last = first(baseline, about.by_cilium);
    if let (true, Some((Action::Deny, policy, entry))) = (about.by_cilium, last) {
        return decision(Reason::Refused, Some((policy, entry)));
    }
    let isolates = |policy: &&PolicyTrace| policy.isolates && policy.selects.is_yes();
    if about.always || middle.iter().any(isolates) {
        return decision(Reason::NoneAdmits, None);
    }
    match last {
        Some((Action::Deny, policy, entry)) => decision(Reason::Refused, Some((policy, entry))),
        _ => decision(Reason::NoneAdmits, None),
    }
}

#[cfg(test)]
#[path = "tiers_tests.rs"]
mod tests;
