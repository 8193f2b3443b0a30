//! The fewest labels that some requirements ask for.
//!
//! In: requirements, all of which are to hold. Out: whether anything fulfils them, and the labels that it
//! has to have for that.

use super::homes::free_name;
use super::shape::Label;
use crate::cluster::{Name, Operator, Requirement};
use std::collections::{BTreeMap, BTreeSet};

/// What may still be the value of a label.
#[derive(Default)]
struct Left<'a> {
    /// `None`: any value.
    some: Option<BTreeSet<&'a Name>>,
    none_of: BTreeSet<&'a Name>,
    there: bool,
    absent: bool,
}

impl<'a> Left<'a> {
    fn add(&mut self, operator: &'a Operator) {
        match operator {
            Operator::In(names) => {
                let names: BTreeSet<&Name> = names.iter().collect();
                self.there = true;
                self.some = Some(match self.some.take() {
                    None => names,
                    Some(some) => some.intersection(&names).copied().collect(),
                });
            }
            Operator::NotIn(names) => self.none_of.extend(names),
            // What has a part of a value is there; which values that leaves is not looked into.
            Operator::Exists | Operator::Has(..) => self.there = true,
            Operator::DoesNotExist => self.absent = true,
            Operator::HasNot(..) => {}
        }
    }

    fn contradicts(&self) -> bool {
        let none = self.some.as_ref().is_some_and(|some| some.is_subset(&self.none_of));
        (self.absent && self.there) || none
    }
}

fn by_key<'a>(
    requirements: impl IntoIterator<Item = &'a Requirement>,
) -> BTreeMap<&'a Name, Left<'a>> {
    let mut keys: BTreeMap<&Name, Left<'_>> = BTreeMap::new();
    for requirement in requirements {
        keys.entry(&requirement.key).or_default().add(&requirement.operator);
    }
    keys
}

/// Whether no labels fulfil all. A key that is always there cannot be asked to be absent.
pub(super) fn contradict(requirements: &[Requirement], always: &[&str]) -> bool {
    let alone = |(at, one): (usize, &Requirement)| {
        let some = match &one.operator {
            Operator::In(values) => !values.is_empty(),
            Operator::DoesNotExist => !always.contains(&&*one.key),
            Operator::NotIn(_) | Operator::Exists | Operator::Has(..) | Operator::HasNot(..) => {
                true
            }
        };
        some && requirements[..at].iter().all(|other| other.key != one.key)
    };
    // So are nearly all: one for each key.
    if requirements.iter().enumerate().all(alone) {
        return false;
    }
    let keys = by_key(requirements);
    keys.iter().any(|(key, left)| left.contradicts() || (left.absent && always.contains(&&***key)))
}

/// The fewest labels that fulfil all; `None` where none do. Where any value will do it is one that no
/// rule mentions. Not for requirements that look into values.
pub(super) fn fewest<'a>(
    requirements: impl IntoIterator<Item = &'a Requirement>,
    mentions: impl Fn(&str, &str) -> bool,
) -> Option<Vec<Label>> {
    let mut all = Vec::new();
    for (key, left) in by_key(requirements) {
        if left.contradicts() {
            return None;
        }
        if !left.there {
            continue;
        }
        let some = left.some.as_ref().and_then(|some| {
            some.iter().find(|value| !left.none_of.contains(**value)).copied().cloned()
        });
        let any = some.is_none();
        let value = some.unwrap_or_else(|| free_name("other", |name| mentions(key, name)));
        all.push(Label { key: key.clone(), value, any });
    }
    Some(all)
}

/// Whether requirements of two lists do not contradict each other, taken two by two.
pub(crate) fn may_agree(some: &[Requirement], others: &[Requirement]) -> bool {
    let agree = |one: &Operator, other: &Operator| match (one, other) {
        (Operator::In(one), Operator::In(other)) => one.iter().any(|value| other.contains(value)),
        (Operator::In(some), Operator::NotIn(none))
        | (Operator::NotIn(none), Operator::In(some)) => {
            some.iter().any(|value| !none.contains(value))
        }
        (Operator::In(_) | Operator::Exists | Operator::Has(..), Operator::DoesNotExist)
        | (Operator::DoesNotExist, Operator::In(_) | Operator::Exists | Operator::Has(..)) => false,
        _ => true,
    };
    some.iter().all(|one| {
        let of_key = others.iter().filter(|other| other.key == one.key);
        of_key.into_iter().all(|other| agree(&one.operator, &other.operator))
    })
}

/// Whether whatever fulfils `some` fulfils a requirement, as far as it asks for the same key in the same
/// way.
pub(super) fn implies(some: &[Requirement], requirement: &Requirement) -> bool {
    some.iter().filter(|one| one.key == requirement.key).any(|one| {
        match (&one.operator, &requirement.operator) {
            (Operator::In(_), Operator::Exists) => true,
            (Operator::In(values), _) => {
                values.iter().all(|value| requirement.holds_for(Some(value)))
            }
            (one, other) => one == other,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[&str]) -> Vec<Name> {
        all.iter().map(|name| Name::from(*name)).collect()
    }

    fn asks(all: &[Operator]) -> Vec<Requirement> {
        all.iter().map(|operator| Requirement::new("app", operator.clone())).collect()
    }

    #[test]
    fn the_fewest_labels_of_requirements() {
        let is_in = |all: &[&str]| Operator::In(names(all));
        let not_in = |all: &[&str]| Operator::NotIn(names(all));
        for (all, wanted) in [
            (vec![], Some(vec![])),
            (vec![is_in(&["a"]), is_in(&["b"])], None),
            (vec![is_in(&["a", "b"]), is_in(&["b", "c"])], Some(vec!["b"])),
            (vec![is_in(&["a", "b"]), not_in(&["a"])], Some(vec!["b"])),
            (vec![is_in(&["a", "b"]), not_in(&["a"]), not_in(&["b"])], None),
            (vec![Operator::Exists, Operator::DoesNotExist], None),
            (vec![is_in(&["a", "b"]), Operator::DoesNotExist], None),
            (vec![not_in(&["a"]), Operator::DoesNotExist], Some(vec![])),
            (vec![not_in(&["a"]), Operator::Exists], Some(vec!["other"])),
            (vec![is_in(&[])], None),
        ] {
            let asked = asks(&all);
            let found = fewest(&asked, |_, _| false);
            let values = found.as_ref().map(|all| all.iter().map(|l| &*l.value).collect());
            assert_eq!(values, wanted, "{all:?}");
            assert_eq!(contradict(&asked, &[]), wanted.is_none(), "{all:?}");
            if let Some(found) = found {
                let value = found.first().map(|label| &*label.value);
                assert!(asked.iter().all(|requirement| requirement.holds_for(value)), "{all:?}");
            }
        }
        assert!(contradict(&asks(&[Operator::DoesNotExist]), &["app"]), "every pod has it");
        let mentioned = fewest(&asks(&[Operator::Exists]), |_, value| value == "other").unwrap();
        assert_eq!(&*mentioned[0].value, "other-2");
    }

    /// Whether two agree, and whether one says the other, holds for every value.
    #[test]
    fn two_requirements() {
        let some = [&["a"][..], &["a", "b"], &["b", "c"]];
        let lists =
            some.iter().flat_map(|all| [Operator::In(names(all)), Operator::NotIn(names(all))]);
        let all: Vec<Operator> = lists.chain([Operator::Exists, Operator::DoesNotExist]).collect();
        let values = [None, Some("a"), Some("b"), Some("c"), Some("d")];
        for one in &all {
            for other in &all {
                let both = [one, other].map(|operator| asks(std::slice::from_ref(operator)));
                let holds = |list: &[Requirement], value| list[0].holds_for(value);
                let meet = values.iter().any(|v| holds(&both[0], *v) && holds(&both[1], *v));
                assert_eq!(may_agree(&both[0], &both[1]), meet, "{one:?} {other:?}");
                let says = values.iter().all(|v| !holds(&both[0], *v) || holds(&both[1], *v));
                assert!(says || !implies(&both[0], &both[1][0]), "{one:?} {other:?}");
            }
        }
    }
}
