//! What policies of all tiers say together, over every peer and port at once.
//!
//! In: for one subject and direction, each policy with the regions that its rules certainly and
//! perhaps match. Out: an [`Outcome`]: where the flow may be allowed, and where it may be denied; what
//! is not known, and what policies of one priority disagree on, is in both.
//!
//! Source: docs/semantics/kubernetes.md#tiers, docs/semantics/admin.md#order-and-ties,
//! docs/semantics/cilium-verdicts.md#one-direction and docs/semantics/calico.md#one-direction.

use super::region::{Region, Span, and, but, disjoint, or};
use super::tables::Tables;
use crate::policy::rule::{Action, Tier, TierEnd, turn};
use std::sync::Arc;

/// A rule with what it matches.
pub(super) struct Rule {
    /// Which rule of the policy it is.
    pub(super) place: usize,
    pub(super) action: Action,
    /// A condition must hold besides.
    pub(super) conditional: bool,
    pub(super) certain: Arc<Region>,
    pub(super) possible: Arc<Region>,
}

/// A policy that selects the subject.
pub(super) struct Speaker {
    pub(super) tier: Tier,
    pub(super) isolates: bool,
    /// It certainly selects.
    pub(super) certainly: bool,
    pub(super) rules: Vec<Rule>,
}

/// What an ordered tier may do with the flows that reach it.
#[derive(Clone)]
pub(super) struct Ordered {
    allow: Region,
    deny: Region,
    /// Those that it may leave to the next tier.
    next: Region,
    /// Of those that it may allow, those for which a condition may have to hold.
    conditional: Region,
}

impl Ordered {
    /// How many spans it has.
    pub(super) fn spans(&self) -> usize {
        [&self.allow, &self.deny, &self.next, &self.conditional].map(Vec::len).iter().sum()
    }
}

/// What may become of every flow.
pub(super) struct Outcome {
    pub(super) allow: Region,
    pub(super) deny: Region,
    /// What may reach the normal tier.
    pub(super) normal: Region,
    /// Of all flows, those that some rule of the normal tier certainly allows, and denies.
    pub(super) admitted: Region,
    pub(super) refused: Region,
    /// Those for which a condition may have to hold if they are allowed.
    pub(super) conditional: Region,
}

/// An ordered tier: of each priority the first rule that matches decides. Policies of one priority
/// stand side by side, and any of them may be followed; in Cilium the first in turn is.
pub(super) fn ordered(
    tables: &mut Tables,
    reach: Region,
    policies: &[Speaker],
    by_cilium: bool,
) -> Ordered {
    let (mut allow, mut deny, mut pass) = (Region::new(), Region::new(), Region::new());
    let mut conditional = Region::new();
    let mut reach = reach;
    for group in policies.chunk_by(|a, b| a.tier == b.tier) {
        if by_cilium && group.len() > 1 {
            let mut decided = vec![Region::new(); group.len()];
            for (at, rule) in in_turn(group) {
                if tables.is_over() {
                    break;
                }
                let matched = and(tables, &reach, &rule.possible);
                let matched = but(tables, &matched, &decided[at]);
                let said = match rule.action {
                    Action::Allow => &mut allow,
                    Action::Deny => &mut deny,
                    Action::Pass => &mut pass,
                };
                *said = or(tables, said, &matched);
                if rule.conditional {
                    conditional = or(tables, &conditional, &matched);
                }
                decided[at] = or(tables, &decided[at], &rule.certain);
                if group[at].certainly {
                    reach = but(tables, &reach, &rule.certain);
                }
            }
            continue;
        }
        let mut silent: Option<Region> = None;
        for policy in group {
            let mut rest = reach.clone();
            for rule in &policy.rules {
                if tables.is_over() {
                    break;
                }
                let matched = and(tables, &rest, &rule.possible);
                let said = match rule.action {
                    Action::Allow => &mut allow,
                    Action::Deny => &mut deny,
                    Action::Pass => &mut pass,
                };
                *said = or(tables, said, &matched);
                if rule.conditional {
                    conditional = or(tables, &conditional, &matched);
                }
                rest = but(tables, &rest, &rule.certain);
            }
            let quiet = if policy.certainly { &rest } else { &reach };
            silent = Some(match silent {
                Some(others) => and(tables, &others, quiet),
                None => quiet.clone(),
            });
        }
        reach = silent.unwrap_or(reach);
    }
    let next = or(tables, &reach, &pass);
    Ordered { allow, deny, next, conditional }
}

/// The rules of policies of one priority as Cilium asks them, each with the index of its policy.
fn in_turn(group: &[Speaker]) -> Vec<(usize, &Rule)> {
    let mut all: Vec<(usize, &Rule)> = Vec::new();
    for (at, policy) in group.iter().enumerate() {
        all.extend(policy.rules.iter().map(|rule| (at, rule)));
    }
    all.sort_by_key(|(_, rule)| turn(rule.place, rule.action));
    all
}

/// What tiers with names do.
pub(super) struct Passing {
    pub(super) allow: Region,
    pub(super) deny: Region,
    /// Of what may be allowed, that for which a condition may have to hold.
    pub(super) conditional: Region,
}

/// Tiers with names, in order: in each the first rule that matches decides, and of what none does the
/// end of the tier, if some policy of it selects. What no tier decides passes.
pub(super) fn named(tables: &mut Tables, everything: &Region, policies: &[Speaker]) -> Passing {
    let (mut allow, mut deny) = (Region::new(), Region::new());
    let mut conditional = Region::new();
    let mut reach = everything.clone();
    for tier in policies.chunk_by(|a, b| a.tier.is_beside(&b.tier)) {
        let mut next = Region::new();
        // What may get here with no policy of the tier selecting, and with one.
        let (mut unselected, mut silent) = (reach, Region::new());
        for policy in tier {
            if tables.is_over() {
                break;
            }
            let mut rest = or(tables, &unselected, &silent);
            for rule in &policy.rules {
                let matched = and(tables, &rest, &rule.possible);
                let said = match rule.action {
                    Action::Allow => &mut allow,
                    Action::Deny => &mut deny,
                    Action::Pass => &mut next,
                };
                *said = or(tables, said, &matched);
                if rule.conditional {
                    conditional = or(tables, &conditional, &matched);
                }
                rest = but(tables, &rest, &rule.certain);
            }
            if policy.certainly {
                (unselected, silent) = (Region::new(), rest);
            } else {
                silent = or(tables, &silent, &rest);
            }
        }
        let position = tier.first().and_then(|policy| policy.tier.position());
        let end = match position.map(|position| position.tier.end) {
            Some(TierEnd::Deny) => &mut deny,
            Some(TierEnd::Pass) | None => &mut next,
        };
        *end = or(tables, end, &silent);
        reach = or(tables, &next, &unselected);
    }
    allow = or(tables, &allow, &reach);
    Passing { allow, deny, conditional }
}

/// What rules of the normal tier match, certainly and perhaps: spans that are united when all are known,
/// since what some of them make together is of no use.
#[derive(Default)]
struct Matched {
    certain: Vec<Span>,
    possible: Vec<Span>,
}

impl Matched {
    fn add(&mut self, policy: &Speaker, rule: &Rule) {
        self.possible.extend(rule.possible.iter());
        if policy.certainly {
            self.certain.extend(rule.certain.iter());
        }
    }

    fn united(self, tables: &mut Tables) -> [Region; 2] {
        [self.certain, self.possible].map(|spans| disjoint(tables, spans))
    }
}

/// What a policy of the normal tier certainly allows if it selects the subject.
fn allows(tables: &mut Tables, policy: &Speaker) -> Region {
    let mut all = Region::new();
    for rule in policy.rules.iter().filter(|rule| rule.action == Action::Allow) {
        all = or(tables, &all, &rule.certain);
    }
    all
}

/// What the subject's situation adds to the rules of its policies.
pub(super) struct Besides {
    /// It is isolated even without any policy.
    pub(super) always: bool,
    /// What an implied rule of the normal tier certainly and perhaps allows.
    pub(super) implied: [Region; 2],
    /// What isolation perhaps does not close.
    pub(super) exempt: Region,
    /// Cilium decides: it knows no ties, and isolation is what is left behind the last tier.
    pub(super) by_cilium: bool,
}

/// All tiers. `admin` is what the first one does; `middle` and `baseline` are the policies of the
/// others.
pub(super) fn outcome(
    tables: &mut Tables,
    everything: &Region,
    admin: &Ordered,
    middle: &[Speaker],
    baseline: &[Speaker],
    besides: Besides,
) -> Outcome {
    let Besides { always, implied, exempt, by_cilium } = besides;
    let normal = admin.next.clone();
    let [certain, possible] = implied;
    let implied = [certain.clone(), possible.clone()];
    // In Cilium an implied rule comes behind all tiers.
    let mut admits =
        if by_cilium { Matched::default() } else { Matched { certain: certain.clone(), possible } };
    let mut denies = Matched::default();
    let isolates = always || middle.iter().any(|policy| policy.isolates && policy.certainly);
    let may_isolate = always || middle.iter().any(|policy| policy.isolates);
    // What each policy that may isolate admits itself: whichever of them select, one that does
    // admits. It says something only where none certainly isolates.
    let mut all_admit = if isolates { Region::new() } else { everything.clone() };
    let mut conditional = Vec::new();
    for policy in middle {
        if tables.is_over() {
            break;
        }
        if policy.isolates && !isolates {
            let own = allows(tables, policy);
            all_admit = and(tables, &all_admit, &own);
        }
        for rule in &policy.rules {
            match rule.action {
                Action::Allow => {
                    admits.add(policy, rule);
                    if rule.conditional {
                        conditional.extend(rule.possible.iter());
                    }
                }
                Action::Deny => denies.add(policy, rule),
                // Only ordered tiers pass.
                Action::Pass => {}
            }
        }
    }
    // Source: docs/semantics/cilium-ports.md#layer-7-beside-plain-rules: whatever else allows the same,
    // the proxy stays in the way.
    let conditional = disjoint(tables, conditional);
    let [admitted, admits] = admits.united(tables);
    let [refused, denies] = denies.united(tables);
    let mut conditional = and(tables, &normal, &conditional);
    let open = but(tables, &normal, &refused);
    let mut allow = and(tables, &open, &admits);
    let mut deny = and(tables, &normal, &denies);
    let mut next = Region::new();
    if by_cilium {
        next = but(tables, &open, &admitted);
    } else if may_isolate {
        let kept = or(tables, &admitted, &all_admit);
        let closed = but(tables, &normal, &kept);
        deny = or(tables, &deny, &closed);
        let spared = and(tables, &closed, &open);
        let spared = and(tables, &spared, &exempt);
        allow = or(tables, &allow, &spared);
    }
    if !isolates && !by_cilium {
        next = but(tables, &open, &admitted);
    }
    let last = ordered(tables, next, baseline, by_cilium);
    let mut spared = last.next.clone();
    let mut admitted = admitted;
    if by_cilium && may_isolate {
        // Source: docs/semantics/cilium-verdicts.md#baseline-behind-isolation.
        let [certain, possible] = &implied;
        let kept = or(tables, certain, &all_admit);
        let closed = but(tables, &last.next, &kept);
        deny = or(tables, &deny, &closed);
        if isolates {
            let possible = or(tables, possible, &exempt);
            spared = and(tables, &last.next, &possible);
        }
    }
    if by_cilium {
        // A policy that was not read may isolate, which does not close the way from the own node.
        admitted = or(tables, &admitted, &implied[0]);
    }
    for more in [&admin.allow, &last.allow, &spared] {
        allow = or(tables, &allow, more);
    }
    for more in [&admin.deny, &last.deny] {
        deny = or(tables, &deny, more);
    }
    for more in [&admin.conditional, &last.conditional] {
        conditional = or(tables, &conditional, more);
    }
    Outcome { allow, deny, normal, admitted, refused, conditional }
}
