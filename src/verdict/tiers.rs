//! What policies say together: tiers in order, and what can still happen where not all is known.
//!
//! In: the policies that select the subject of one direction, or may, each with its rules tried.
//! Out: the verdict and what decides. Source: semantics/kubernetes.md section 1, steps 2 to 5, and
//! section 3; semantics/cilium.md sections 4 and 9.

use super::trace::{PolicyTrace, Reason, UnknownWhy, Verdict};
use crate::cluster::Truth;
use crate::policy::PolicyId;
use crate::policy::rule::{Action, Tier};

/// What policies say of one direction.
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    pub(super) reason: Reason,
    pub(super) by: Option<(PolicyId, usize)>,
}

/// What can become of a flow in a tier, over everything that is not known.
#[derive(Clone, Copy, Default)]
struct Outcomes {
    allow: bool,
    deny: bool,
    /// It goes on to the next tier.
    next: bool,
    /// Two outcomes because policies of one priority disagree.
    tie: bool,
    /// Two outcomes because something is not known.
    unsure: bool,
}

impl Outcomes {
    /// These outcomes, and those of the tier to which the flow may go on.
    fn then(self, next: Self) -> Self {
        Self {
            allow: self.allow | next.allow,
            deny: self.deny | next.deny,
            next: next.next,
            tie: self.tie | next.tie,
            unsure: self.unsure | next.unsure,
        }
    }
}

/// Decides. `implied`: whether an implied rule of the normal tier allows the flow; `always`: the
/// subject is isolated even without any policy.
pub(super) fn decide(policies: &[PolicyTrace], implied: Truth, always: bool) -> Decision {
    let split = |tier: fn(Tier) -> bool| -> Vec<&PolicyTrace> {
        policies.iter().filter(|policy| tier(policy.tier)).collect()
    };
    let admin = split(|tier| matches!(tier, Tier::Admin(_)));
    let middle = split(|tier| tier == Tier::Normal);
    let baseline = split(|tier| matches!(tier, Tier::Baseline(_)));
    let mut all = ordered(&admin);
    if all.next {
        all = all.then(normal(&middle, implied, always));
    }
    if all.next {
        all = all.then(ordered(&baseline));
    }
    // Source: semantics/kubernetes.md section 1, step 5.
    all.allow |= all.next;
    match (all.allow, all.deny) {
        (true, false) => allowed(&admin, &middle, &baseline, implied),
        (false, true) => denied(&admin, &middle, &baseline),
        _ if all.tie && !all.unsure => {
            Decision { verdict: Verdict::Ambiguous, reason: Reason::Tie, by: None }
        }
        _ => {
            // Only the implied rule may be in doubt: then the policies themselves admit nothing.
            let certain = policies.iter().all(|policy| {
                policy.selects != Truth::Unknown
                    && policy.entries.iter().all(|entry| entry.matches() != Truth::Unknown)
            });
            let why = if certain { UnknownWhy::PerhapsOwnNode } else { UnknownWhy::Rules };
            Decision { verdict: Verdict::Unknown, reason: Reason::Unknown(why), by: None }
        }
    }
}

/// The first entry that matches decides; policies of one priority stand side by side.
fn ordered(policies: &[&PolicyTrace]) -> Outcomes {
    let mut all = Outcomes::default();
    for peers in policies.chunk_by(|a, b| a.tier == b.tier) {
        let says: Vec<Says> = peers.iter().map(|policy| Says::of(policy)).collect();
        let mut together = Says { nothing: true, ..Says::default() };
        for one in &says {
            together.allow |= one.allow;
            together.deny |= one.deny;
            together.pass |= one.pass;
            together.nothing &= one.nothing;
        }
        let speak: Vec<&Says> = says.iter().filter(|one| one.speaks()).collect();
        let certain: Vec<&&Says> = speak.iter().filter(|one| one.is_certain()).collect();
        let disagree = certain.windows(2).any(|pair| pair[0] != pair[1]);
        all.tie |= disagree;
        all.unsure |= speak.len() != certain.len();
        all.allow |= together.allow;
        all.deny |= together.deny;
        all.next |= together.pass;
        if !together.nothing {
            return all;
        }
    }
    all.next = true;
    all
}

/// What one policy of an ordered tier may say.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Says {
    allow: bool,
    deny: bool,
    pass: bool,
    nothing: bool,
}

impl Says {
    fn of(policy: &PolicyTrace) -> Self {
        let mut says = Self { nothing: !policy.selects.is_yes(), ..Self::default() };
        for entry in &policy.entries {
            let matches = entry.matches();
            if matches.is_no() {
                continue;
            }
            match entry.action {
                Action::Allow => says.allow = true,
                Action::Deny => says.deny = true,
                Action::Pass => says.pass = true,
            }
            if matches.is_yes() {
                return says;
            }
        }
        says.nothing = true;
        says
    }

    fn speaks(self) -> bool {
        self.allow || self.deny || self.pass
    }

    /// It says one thing, whatever is not known.
    fn is_certain(self) -> bool {
        !self.nothing
            && [self.allow, self.deny, self.pass].into_iter().filter(|said| *said).count() == 1
    }
}

/// Any match of a Deny denies, else any match of an Allow allows, else who is isolated is denied.
fn normal(policies: &[&PolicyTrace], implied: Truth, always: bool) -> Outcomes {
    let says = |what: fn(&PolicyTrace) -> Truth| {
        Truth::any(policies.iter().map(|policy| policy.selects.and(what(policy))))
    };
    let denies = says(|policy| policy.denies);
    let admits = says(|policy| policy.admits).or(implied);
    let isolated = says(|policy| policy.isolates.into()).or(always.into());
    // Without any that certainly isolates, those that may do so admit the flow themselves: whichever
    // of them select the subject, one that does admits.
    let all_admit = !always
        && policies.iter().filter(|policy| policy.isolates).all(|policy| policy.admits.is_yes());
    let closed = if denies.is_yes() || admits.is_yes() || all_admit {
        Truth::No
    } else if isolated.is_yes() && admits.is_no() {
        Truth::Yes
    } else if isolated.is_no() {
        Truth::No
    } else {
        Truth::Unknown
    };
    let allow = !denies.is_yes() && !admits.is_no();
    let next = !denies.is_yes() && !admits.is_yes() && !isolated.is_yes();
    let deny = !denies.is_no() || !closed.is_no();
    let unsure = [denies, admits, isolated].contains(&Truth::Unknown);
    Outcomes { allow, deny, next, tie: false, unsure }
}

type Chosen = Option<(Action, PolicyId, usize)>;

/// The first entry of an ordered tier that certainly matches.
fn first(policies: &[&PolicyTrace]) -> Chosen {
    policies.iter().filter(|policy| policy.selects.is_yes()).find_map(|policy| {
        let (index, entry) = policy.decisive()?;
        Some((entry.action, policy.policy, index))
    })
}

fn allowed(
    admin: &[&PolicyTrace],
    middle: &[&PolicyTrace],
    baseline: &[&PolicyTrace],
    implied: Truth,
) -> Decision {
    let decision = |reason, by| Decision { verdict: Verdict::Allowed, reason, by };
    if let Some((Action::Allow, policy, entry)) = first(admin) {
        return decision(Reason::Admitted, Some((policy, entry)));
    }
    let admitting = middle.iter().filter(|p| p.selects.is_yes() && p.admits.is_yes());
    // Of several the first in the order of reading whose match says most.
    let nearest = admitting.rev().max_by_key(|policy| policy.nearness());
    if let Some((policy, (entry, _))) = nearest.and_then(|p| Some((p, p.nearest()?))) {
        return decision(Reason::Admitted, Some((policy.policy, entry)));
    }
    if implied.is_yes() {
        return decision(Reason::OwnNode, None);
    }
    if middle.iter().any(|policy| policy.isolates) {
        // Each of those that may select the subject admits.
        return decision(Reason::Admitted, None);
    }
    match first(baseline) {
        Some((Action::Allow, policy, entry)) => decision(Reason::Admitted, Some((policy, entry))),
        _ => decision(Reason::NotIsolated, None),
    }
}

fn denied(admin: &[&PolicyTrace], middle: &[&PolicyTrace], baseline: &[&PolicyTrace]) -> Decision {
    let decision = |reason, by| Decision { verdict: Verdict::Denied, reason, by };
    if let Some((Action::Deny, policy, entry)) = first(admin) {
        return decision(Reason::Refused, Some((policy, entry)));
    }
    let denying = middle.iter().find(|p| p.selects.is_yes() && p.denies.is_yes());
    if let Some((policy, (entry, _))) = denying.and_then(|p| Some((p, p.decisive()?))) {
        return decision(Reason::Refused, Some((policy.policy, entry)));
    }
    if middle.iter().any(|policy| policy.isolates && policy.selects.is_yes()) {
        return decision(Reason::NoneAdmits, None);
    }
    match first(baseline) {
        Some((Action::Deny, policy, entry)) => decision(Reason::Refused, Some((policy, entry))),
        _ => decision(Reason::NoneAdmits, None),
    }
}
