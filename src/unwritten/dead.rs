//! Selectors that nothing can match.
//!
//! In: a ruleset. Out: each selector whose requirements contradict each other, with where it stands.

use crate::cluster::Bringer;
use crate::cluster::{Operator, SERVICE_ACCOUNT_LABEL, Selector};
use crate::policy::Ruleset;
use crate::policy::rule::{Namespaces, PeerKind, Peers, PodSet};
use std::collections::{BTreeMap, BTreeSet};

/// A selector that nothing can match.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dead {
    /// The policy and the field path of the peer; empty for its subject.
    pub at: Bringer,
    /// The selector, as kubectl writes one.
    pub selector: String,
}

/// What may still be the value of a label.
#[derive(Default)]
struct Left<'a> {
    /// `None`: any value.
    some: Option<BTreeSet<&'a str>>,
    none_of: BTreeSet<&'a str>,
    there: bool,
    absent: bool,
}

/// Whether no labels can match. A key that is always there cannot be asked to be absent.
fn contradicts(selector: &Selector, always: &[&str]) -> bool {
    let mut keys: BTreeMap<&str, Left<'_>> = BTreeMap::new();
    for requirement in &selector.requirements {
        let left = keys.entry(&requirement.key).or_default();
        match &requirement.operator {
            Operator::In(names) => {
                let names: BTreeSet<&str> = names.iter().map(|name| &**name).collect();
                left.there = true;
                left.some = Some(match left.some.take() {
                    None => names,
                    Some(some) => some.intersection(&names).copied().collect(),
                });
            }
            Operator::NotIn(names) => left.none_of.extend(names.iter().map(|name| &**name)),
            Operator::Exists | Operator::Has(..) => left.there = true,
            Operator::DoesNotExist => left.absent = true,
            Operator::HasNot(..) => {}
        }
    }
    keys.iter().any(|(key, left)| {
        let none = left.some.as_ref().is_some_and(|some| some.is_subset(&left.none_of));
        (left.absent && (left.there || always.contains(key))) || none
    })
}

/// Whether nothing can be in a set.
pub(super) fn is_dead(set: &PodSet) -> bool {
    let spaces = match &set.namespaces {
        Namespaces::Own(_) => false,
        Namespaces::Matching(selector) => {
            contradicts(selector, &[crate::cluster::NAMESPACE_NAME_LABEL])
        }
    };
    spaces || contradicts(&set.pods, &[SERVICE_ACCOUNT_LABEL])
}

/// Every selector of these rules that nothing can match.
pub fn dead(rules: &Ruleset) -> Vec<Dead> {
    let words = |set: &PodSet| match &set.namespaces {
        Namespaces::Matching(selector) if !selector.is_everything() => {
            format!("pods[{}] in namespaces[{selector}]", set.pods)
        }
        _ => format!("pods[{}]", set.pods),
    };
    let mut all = BTreeSet::new();
    for policy in rules.policies() {
        let mut add = |set: &PodSet, path: &str| {
            if is_dead(set) {
                let at = Bringer { object: policy.object.clone(), path: path.into() };
                all.insert(Dead { at, selector: words(set) });
            }
        };
        add(&policy.subject, "");
        for entry in &policy.entries {
            let Peers::Of(items) = &entry.peers else { continue };
            for item in items {
                if let PeerKind::Pods(set) = &item.admits {
                    add(set, &item.path);
                }
            }
        }
    }
    all.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Requirement;

    #[test]
    fn requirements_that_contradict_each_other() {
        let some = |names: &[&str]| {
            names.iter().map(|name| crate::cluster::Name::from(*name)).collect::<Vec<_>>()
        };
        let asks = |all: &[Operator]| Selector {
            requirements: all
                .iter()
                .map(|operator| Requirement::new("app", operator.clone()))
                .collect(),
        };
        let is_in = |names: &[&str]| Operator::In(some(names));
        let not_in = |names: &[&str]| Operator::NotIn(some(names));
        for (all, dead) in [
            (vec![], false),
            (vec![is_in(&["a"]), is_in(&["b"])], true),
            (vec![is_in(&["a", "b"]), is_in(&["b", "c"])], false),
            (vec![is_in(&["a", "b"]), not_in(&["a"])], false),
            (vec![is_in(&["a", "b"]), not_in(&["a"]), not_in(&["b"])], true),
            (vec![Operator::Exists, Operator::DoesNotExist], true),
            (vec![is_in(&["a"]), Operator::DoesNotExist], true),
            (vec![not_in(&["a"]), Operator::DoesNotExist], false),
            (vec![not_in(&["a"]), Operator::Exists], false),
            (vec![is_in(&[])], true),
        ] {
            assert_eq!(contradicts(&asks(&all), &[]), dead, "{}", asks(&all));
        }
        assert!(contradicts(&asks(&[Operator::DoesNotExist]), &["app"]), "every pod has it");
    }
}
