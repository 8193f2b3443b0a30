//! Ends that are known, by the classes that rules tell apart.
//!
//! In: parts of ends and a [`Connectivity`]. Out: [`Known`]: the classes that a set of ends has anything of, with
//! ends of each. Which ends of a class are meant does not matter to what passes, only whether any is.

use super::regions::Part;
use crate::cluster::{Family, PodId};
use crate::ends::End;
use crate::reach::Connectivity;
use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The ends of each class.
type Members = BTreeMap<u32, Vec<End>>;

/// A set of ends by their classes.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// The classes.
    pub(super) classes: BTreeSet<u32>,
    members: Vec<Rc<Members>>,
    gone: HashSet<End>,
    /// Those of which it is not known whether they are meant.
    doubtful: HashSet<End>,
}

impl Known {
    /// Whether it is known that an end is meant.
    pub(super) fn is_sure(&self, end: End) -> bool {
        !self.doubtful.contains(&end)
    }

    /// Whether that is known of all ends.
    pub(super) fn is_all_sure(&self) -> bool {
        self.doubtful.is_empty()
    }

    /// Whether an address is one that is meant, as far as what was taken out tells.
    pub(super) fn has(&self, end: End) -> bool {
        !self.gone.contains(&end)
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// Up to so many ends of a class, in a family, that have different keys; those that are meant for certain first.
    pub(super) fn some<K: PartialEq>(
        &self,
        class: u32,
        family: Family,
        most: usize,
        key: impl Fn(End) -> K,
    ) -> Vec<End> {
        let all = self.members.iter().filter_map(|members| members.get(&class)).flatten().copied();
        let (sure, rest): (Vec<End>, Vec<End>) = all
            .filter(|end| is_of(*end, family) && !self.gone.contains(end))
            .partition(|end| self.is_sure(*end));
        let mut some: Vec<(K, End)> = Vec::new();
        for end in sure.into_iter().chain(rest) {
            let key = key(end);
            if some.len() < most && some.iter().all(|(other, _)| *other != key) {
                some.push((key, end));
            }
        }
        some.into_iter().map(|(_, end)| end).collect()
    }

    /// An end of a class, in a family, that is not another one.
    pub(super) fn one(&self, class: u32, family: Family, not: Option<End>) -> Option<End> {
        let all = || self.members.iter().filter_map(|members| members.get(&class)).flatten();
        let fits =
            |end: &&End| is_of(**end, family) && !self.gone.contains(end) && Some(**end) != not;
        let sure = all().filter(fits).find(|end| self.is_sure(**end));
        sure.or_else(|| all().find(fits)).copied()
    }
}

/// Whether an end may be of a family.
fn is_of(end: End, family: Family) -> bool {
    match end {
        End::Address(ip) => Family::of(ip) == family,
        End::Pod(_) | End::Node(_) => true,
    }
}

/// What is in a part, with the part, so that no other one comes to stand where it stood.
type Looked = (Rc<Part>, Rc<Members>);

/// Finds classes, each part once.
pub(super) struct Classes<'c, 'a> {
    connectivity: &'c Connectivity<'a>,
    known: HashMap<(*const Part, bool), Looked>,
}

impl<'c, 'a> Classes<'c, 'a> {
    pub(super) fn new(connectivity: &'c Connectivity<'a>) -> Self {
        Self { connectivity, known: HashMap::new() }
    }

    /// The ends of some parts without those of others; with pods of exactly their labels, or only what is
    /// known.
    pub(super) fn of(&mut self, parts: &[Rc<Part>], except: &[Rc<Part>], exact: bool) -> Known {
        let members: Vec<Rc<Members>> =
            parts.iter().map(|part| self.members(part, exact)).collect();
        let mut gone: HashSet<End> = HashSet::new();
        for part in except {
            let sure = part.pods.iter().filter(|id| !part.doubtful.contains(id));
            gone.extend(sure.map(|id| End::Pod(*id)));
            let others = part.others.iter().filter_map(|end| end.end().ok());
            // Of other addresses that are alike nothing was said.
            gone.extend(others.filter(|end| part.whole || self.is_alone(*end)));
        }
        let mut classes: BTreeSet<u32> =
            members.iter().flat_map(|members| members.keys().copied()).collect();
        let touched: BTreeSet<u32> =
            gone.iter().filter_map(|end| self.connectivity.class(*end)).collect();
        for class in touched {
            let mut left = members.iter().filter_map(|members| members.get(&class)).flatten();
            if left.all(|end| gone.contains(end)) {
                classes.remove(&class);
            }
        }
        let doubtful = parts.iter().flat_map(|part| &part.doubtful).map(|id| End::Pod(*id));
        Known { classes, members, gone, doubtful: doubtful.collect() }
    }

    /// Of some ends of a set, one of each class, but for those that are not meant.
    pub(super) fn one_of_each(&self, known: &Known, ends: impl Iterator<Item = End>) -> Vec<End> {
        let mut seen = BTreeSet::new();
        let left = ends.filter(|end| !known.gone.contains(end));
        left.filter(|end| self.connectivity.class(*end).is_some_and(|class| seen.insert(class)))
            .collect()
    }

    /// Whether an end is all of its class, where that is of addresses outside: one that stands for others
    /// is what rules do not tell from them.
    fn is_alone(&self, end: End) -> bool {
        let End::Address(ip) = end else { return true };
        let Some(class) = self.connectivity.class(end) else { return true };
        let (first, last) = self.connectivity.outside_range((class, class + 1), Family::of(ip));
        first == last
    }

    fn members(&mut self, part: &Rc<Part>, exact: bool) -> Rc<Members> {
        let key = (Rc::as_ptr(part), exact);
        if let Some((_, known)) = self.known.get(&key) {
            return known.clone();
        }
        let mut members = Members::new();
        let exact: &[PodId] = if exact { &part.exact } else { &[] };
        let pods = part.pods.iter().chain(exact).map(|id| End::Pod(*id));
        for end in pods.chain(part.others.iter().filter_map(|end| end.end().ok())) {
            if let Some(class) = self.connectivity.class(end) {
                members.entry(class).or_default().push(end);
            }
        }
        let members = Rc::new(members);
        self.known.insert(key, (part.clone(), members.clone()));
        members
    }
}
