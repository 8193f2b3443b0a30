//! Sets of classes, and a table in which each set is kept once.
//!
//! Classes of one namespace have neighbouring numbers, so sets are sorted runs: what selects by
//! namespace is a handful of runs however many pods it has, and what selects within one is short.

use foldhash::{HashMap, HashMapExt as _};
use std::collections::BTreeSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

/// A class of ends that no policy tells apart.
pub(super) type ClassId = u32;

/// Stands for a set of a [`SetTable`].
pub(super) type SetId = u32;

/// From two small numbers to one.
pub(super) type IdMap = std::collections::HashMap<(u32, u32), u32, BuildHasherDefault<Mix>>;

/// Hashes small numbers that this program made itself, so that nobody can choose collisions.
#[derive(Clone, Copy, Default)]
pub(super) struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

/// From the first class to the one after the last.
pub(super) type Run = (ClassId, ClassId);

/// A set of classes as runs that neither overlap nor touch.
pub(super) type Runs = Arc<[Run]>;

/// Sorts and merges runs in any order.
pub(super) fn merged(mut runs: Vec<Run>) -> Vec<Run> {
    runs.retain(|(from, to)| from < to);
    runs.sort_unstable();
    runs.dedup_by(|next, last| {
        let joins = next.0 <= last.1;
        if joins {
            last.1 = last.1.max(next.1);
        }
        joins
    });
    runs
}

/// The runs of single classes.
pub(super) fn singles(classes: impl IntoIterator<Item = ClassId>) -> Vec<Run> {
    merged(classes.into_iter().map(|class| (class, class + 1)).collect())
}

/// Whether a class is in one of some runs.
pub(super) fn contains(runs: &[Run], class: ClassId) -> bool {
    let at = runs.partition_point(|(_, to)| *to <= class);
    runs.get(at).is_some_and(|(from, _)| *from <= class)
}

/// Classes in both. Each run of the shorter is looked up in the longer.
pub(super) fn intersection(a: &[Run], b: &[Run]) -> Vec<Run> {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let mut both = Vec::new();
    let mut rest = long;
    for (from, to) in short {
        // Runs are met in order, so what lies before is never looked at again.
        let step = rest.iter().take(8).take_while(|(_, end)| end <= from).count();
        let skip = if step < 8 { step } else { rest.partition_point(|(_, end)| end <= from) };
        rest = &rest[skip..];
        for (other_from, other_to) in rest {
            if other_from >= to {
                break;
            }
            both.push((*from.max(other_from), *to.min(other_to)));
        }
    }
    both
}

/// What each class became, in order.
pub(super) struct Became {
    /// The classes that come from each, where they follow each other.
    images: Vec<Run>,
    /// All of them, where they do not.
    apart: HashMap<ClassId, Vec<Run>>,
    /// The first class from each on whose image does not follow that of the one before.
    until: Vec<ClassId>,
}

impl Became {
    /// Of classes that come from others, of which there were `size`.
    pub(super) fn of(from: &[ClassId], size: ClassId) -> Self {
        let mut images = vec![(0, 0); size as usize];
        let mut apart: HashMap<ClassId, Vec<Run>> = HashMap::new();
        for (class, old) in (0..).zip(from) {
            let image = &mut images[*old as usize];
            if let Some(runs) = apart.get_mut(old) {
                runs.push((class, class + 1));
            } else if image.0 == image.1 {
                *image = (class, class + 1);
            } else if image.1 == class {
                image.1 = class + 1;
            } else {
                apart.insert(*old, vec![*image, (class, class + 1)]);
            }
        }
        let mut until: Vec<ClassId> = (1..=size).collect();
        for class in (1..size).rev() {
            let before = class - 1;
            let whole = |class: ClassId| {
                let (from, to) = images[class as usize];
                from < to && !apart.contains_key(&class)
            };
            let follows = images[before as usize].1 == images[class as usize].0;
            if whole(before) && whole(class) && follows {
                until[before as usize] = until[class as usize];
            }
        }
        Self { images, apart, until }
    }

    fn runs(&self, runs: &[Run]) -> Vec<Run> {
        let mut all = Vec::with_capacity(runs.len());
        for (from, to) in runs {
            let mut class = *from;
            while class < *to {
                let end = self.until[class as usize].min(*to);
                match self.apart.get(&class) {
                    Some(runs) => all.extend(runs),
                    None => {
                        all.push((self.images[class as usize].0, self.images[end as usize - 1].1));
                    }
                }
                class = end;
            }
        }
        merged(all)
    }
}

/// The cells of a set in a table besides its runs or ranges.
pub(super) const CELLS_OF_SET: u64 = 10;
/// The cells of a result that is kept.
pub(super) const CELLS_OF_KNOWN: u64 = 3;

/// Every class set that occurs, once.
pub(super) struct SetTable {
    sets: Vec<(Runs, u32)>,
    ids: HashMap<Runs, SetId>,
    and: IdMap,
    /// The cells that all of it takes.
    held: u64,
}

impl SetTable {
    pub(super) const EMPTY: SetId = 0;

    pub(super) fn new() -> Self {
        let mut table =
            Self { sets: Vec::new(), ids: HashMap::new(), and: IdMap::default(), held: 0 };
        table.id(Vec::new());
        table
    }

    /// The id of a set given as merged runs.
    pub(super) fn id(&mut self, runs: Vec<Run>) -> SetId {
        if let Some(id) = self.ids.get(runs.as_slice()) {
            return *id;
        }
        let id = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
        let size = runs.iter().map(|(from, to)| to - from).sum();
        self.held += CELLS_OF_SET + runs.len() as u64;
        let runs: Runs = runs.into();
        self.sets.push((runs.clone(), size));
        self.ids.insert(runs, id);
        id
    }

    pub(super) fn runs(&self, id: SetId) -> &Runs {
        &self.sets[id as usize].0
    }

    /// How many classes are in it.
    pub(super) fn size(&self, id: SetId) -> u32 {
        self.sets[id as usize].1
    }

    pub(super) fn contains(&self, id: SetId, class: ClassId) -> bool {
        contains(self.runs(id), class)
    }

    pub(super) fn classes(&self, id: SetId) -> impl Iterator<Item = ClassId> {
        self.runs(id).iter().flat_map(|(from, to)| *from..*to)
    }

    pub(super) fn and(&mut self, a: SetId, b: SetId) -> SetId {
        if a == b {
            return a;
        }
        if a == Self::EMPTY || b == Self::EMPTY {
            return Self::EMPTY;
        }
        let key = (a.min(b), a.max(b));
        if let Some(known) = self.and.get(&key) {
            return *known;
        }
        let id = self.id(intersection(self.runs(a), self.runs(b)));
        self.and.insert(key, id);
        self.held += CELLS_OF_KNOWN;
        id
    }

    /// Classes of `a` that are not in `b`.
    pub(super) fn but(&mut self, a: SetId, b: SetId) -> SetId {
        if a == Self::EMPTY || b == Self::EMPTY {
            return a;
        }
        let end = self.runs(a).last().map_or(0, |(_, to)| *to);
        let (mut others, mut next) = (Vec::new(), 0);
        for (from, to) in self.runs(b).iter().chain([&(end, end)]) {
            others.push((next, (*from).max(next)));
            next = next.max(*to);
        }
        let others = merged(others);
        self.id(intersection(self.runs(a), &others))
    }

    /// Has every set stand for what its classes became; false: two that were not the same are now, and nothing
    /// of the table is of use.
    pub(super) fn become_others(&mut self, became: &Became) -> bool {
        self.ids.clear();
        for (id, (runs, size)) in (0..).zip(&mut self.sets) {
            *runs = became.runs(runs).into();
            *size = runs.iter().map(|(from, to)| to - from).sum();
            if self.ids.insert(runs.clone(), id).is_some() {
                return false;
            }
        }
        true
    }

    /// The cells that all of it takes.
    pub(super) fn held(&self) -> u64 {
        self.held
    }

    /// What is in any of these.
    pub(super) fn any(&mut self, ids: impl IntoIterator<Item = SetId>) -> SetId {
        let ids: BTreeSet<SetId> = ids.into_iter().filter(|id| *id != Self::EMPTY).collect();
        match ids.first() {
            None => Self::EMPTY,
            Some(one) if ids.len() == 1 => *one,
            _ => {
                let runs = ids.iter().flat_map(|id| self.runs(*id).iter().copied()).collect();
                self.id(merged(runs))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_sets() {
        let mut table = SetTable::new();
        let a = table.id(merged(vec![(5, 9), (0, 2), (2, 3), (7, 7)]));
        let b = table.id(singles([8, 2, 9]));
        assert_eq!(&**table.runs(a), &[(0, 3), (5, 9)]);
        assert_eq!((table.size(a), table.size(b)), (7, 3));
        let both = table.and(a, b);
        assert_eq!(table.classes(both).collect::<Vec<_>>(), [2, 8]);
        assert!(table.contains(a, 8) && !table.contains(a, 9) && !table.contains(a, 3));
        assert_eq!(table.and(a, SetTable::EMPTY), SetTable::EMPTY);
        let rest = table.but(a, b);
        assert_eq!(&**table.runs(rest), &[(0, 2), (5, 8)]);
        let rest = table.but(b, a);
        assert_eq!(&**table.runs(rest), &[(9, 10)]);
        let any = table.any([b, SetTable::EMPTY, a]);
        assert_eq!(&**table.runs(any), &[(0, 3), (5, 10)]);
        assert_eq!((table.any([a, a]), table.any([])), (a, SetTable::EMPTY));
        // Class 1 became three that do not follow each other, class 5 two that do, and all others moved.
        let became = Became::of(&[0, 1, 2, 1, 1, 3, 4, 5, 5, 6, 7, 8, 9], 10);
        assert!(table.become_others(&became));
        assert_eq!(&**table.runs(a), &[(0, 5), (7, 12)]);
        assert_eq!(&**table.runs(b), &[(2, 3), (11, 13)]);
        assert_eq!(&**table.runs(table.and[&(a.min(b), a.max(b))]), &[(2, 3), (11, 12)]);
        // Of two that differed in what is gone nothing can be told any more.
        assert!(!table.become_others(&Became::of(&[0, 2, 1, 3, 4, 5, 6, 7, 8, 9, 10], 13)));
        let mut table = SetTable::new();
        // More runs than the linear look-ahead takes.
        let many = table.id(singles((0..100).map(|i| i * 2)));
        let one = table.id(vec![(51, 54), (120, 121)]);
        let both = table.and(many, one);
        assert_eq!(table.classes(both).collect::<Vec<_>>(), [52, 120]);
    }
}
