//! Policies that are not in the input.
//!
//! In: the rules of both sides. Out: the same where another policy isolates everyone in one direction,
//! and whether anything can open there that does not open without it.

use super::homes::Side;
use super::parts::{What, changed};
use super::search::{self, ends_differ};
use crate::cluster::{ObjectRef, Origin, Selector, Snapshot};
use crate::policy::Ruleset;
use crate::policy::rule::{Action, Direction, Namespaces, PodSet, Policy, Tier};

/// The same rules in a cluster where other policies isolate every pod in one direction: what opens only
/// there opens where another policy isolates.
#[must_use]
pub fn isolated(rules: &Ruleset, direction: Direction) -> Ruleset {
    let mut rules = rules.clone();
    rules.add_policy(Policy {
        object: ObjectRef::cluster("NetworkPolicy", "of others"),
        origin: Origin::Synthetic,
        direction,
        tier: Tier::Normal,
        subject: PodSet::new(Namespaces::Matching(Selector::default()), Selector::default()),
        isolates: true,
        entries: Vec::new(),
    });
    rules
}

/// The directions in which something may open where other policies isolate that does not open without
/// them: what a rule of the new side allows that the old one does not have, for pods that no policy of
/// the old side isolates.
pub fn may_open_where_isolated(
    (old, old_rules): (&Snapshot, &Ruleset),
    (new, new_rules): (&Snapshot, &Ruleset),
) -> Vec<Direction> {
    let sides =
        [Side { snapshot: old, rules: old_rules }, Side { snapshot: new, rules: new_rules }];
    let rules = [old_rules, new_rules];
    let parts = changed(old_rules, new_rules);
    let all = ends_differ(&sides);
    let may = |direction: Direction| {
        parts.iter().any(|part| {
            let policy = part.policy(&rules);
            if policy.tier.is_ordered() {
                return true;
            }
            let What::Rule { entry, .. } = part.what else { return false };
            let allows = policy.entries.get(entry).is_none_or(|it| it.action == Action::Allow);
            policy.direction == direction
                && part.side == 1
                && allows
                && !all_isolated(old_rules, policy)
        })
    };
    Direction::ALL.into_iter().filter(|direction| all || may(*direction)).collect()
}

/// Whether anything differs that can decide a flow: rules, what both sides have, or settings.
pub fn anything_differs(
    (old, old_rules): (&Snapshot, &Ruleset),
    (new, new_rules): (&Snapshot, &Ruleset),
) -> bool {
    search::anything_differs(&[
        Side { snapshot: old, rules: old_rules },
        Side { snapshot: new, rules: new_rules },
    ])
}

/// Whether a policy of these rules isolates whatever another one selects.
fn all_isolated(rules: &Ruleset, policy: &Policy) -> bool {
    let covers = |wide: &PodSet| {
        let everywhere = matches!(&wide.namespaces, Namespaces::Matching(s) if s.is_everything());
        wide.doubt.is_none()
            && (everywhere || wide.namespaces == policy.subject.namespaces)
            && (wide.pods.is_everything() || wide.pods == policy.subject.pods)
    };
    rules.policies().iter().any(|other| {
        other.isolates && other.direction == policy.direction && covers(&other.subject)
    })
}
