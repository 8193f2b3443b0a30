//! A table in which each set of ports is kept once.
//!
//! In: the sets of rules, before any other. Out: small numbers that stand for sets. Ports that no rule
//! tells apart are one atom, and a set is the bits of its atoms: of many rules with a port each, sets
//! that have most of them are short, and are united and intersected by 64 ports at once.

use super::ports::{EVERY_PORT, PortSet};
use super::sets::{CELLS_OF_KNOWN, CELLS_OF_SET, IdMap};
use foldhash::{HashMap, HashMapExt as _};
use std::sync::Arc;

/// Stands for a set of a [`PortTable`].
pub(super) type PortsId = u32;

/// Which 64 atoms, and those of them that a set has: at least one.
type Word = (u32, u64);

/// A set of atoms, in order.
type Atoms = Arc<[Word]>;

/// Every port set that occurs, once.
pub(super) struct PortTable {
    /// The first port of each atom, as [`PortSet::codes`] has it, in order.
    atoms: Vec<u32>,
    sets: Vec<Atoms>,
    ids: HashMap<Atoms, PortsId>,
    or: IdMap,
    and: IdMap,
    but: IdMap,
    /// Where many sets are put together: a word for each 64 atoms, none of which is left set.
    sum: Vec<u64>,
    /// What is being made.
    words: Vec<Word>,
    /// The cells that all of it takes.
    held: u64,
}

/// So many sets are united one by one, each union being kept; more of them at once.
const FEW: usize = 4;

/// The first port that a range does not have; a protocol has no port 0.
fn after(last: u32) -> u32 {
    if last & 0xffff == 0xffff { last + 2 } else { last + 1 }
}

impl PortTable {
    pub(super) const NONE: PortsId = 0;
    pub(super) const ALL: PortsId = 1;

    /// A table for these sets and what is made of them.
    pub(super) fn new<'p>(written: impl IntoIterator<Item = &'p PortSet>) -> Self {
        let mut table = Self {
            atoms: EVERY_PORT.map(|(first, _)| first).into(),
            sets: Vec::new(),
            ids: HashMap::new(),
            or: IdMap::default(),
            and: IdMap::default(),
            but: IdMap::default(),
            sum: Vec::new(),
            words: Vec::new(),
            held: 0,
        };
        table.cut(written);
        table.id(&PortSet::default());
        table.id(&PortSet::all());
        table
    }

    /// Makes atoms of the ports that these sets tell apart; sets that are here have the same ports as
    /// before.
    fn cut<'p>(&mut self, written: impl IntoIterator<Item = &'p PortSet>) {
        let known: Vec<PortSet> = (0..).zip(&self.sets).map(|(id, _)| self.get(id)).collect();
        let edges = written.into_iter().flat_map(PortSet::codes);
        let edges = edges.flat_map(|(first, last)| [*first, after(*last)]);
        self.atoms.extend(edges.filter(|at| *at <= EVERY_PORT[2].1));
        self.atoms.sort_unstable();
        self.atoms.dedup();
        self.sum = vec![0; self.atoms.len().div_ceil(64)];
        self.sets.clear();
        self.ids.clear();
        self.held = self.atoms.len() as u64;
        for set in known {
            let atoms = self.atoms_of(&set).unwrap_or_default();
            self.add(&atoms);
        }
    }

    /// The atoms of a set; `None` where it has a part of one.
    fn atoms_of(&self, set: &PortSet) -> Option<Vec<Word>> {
        let mut words: Vec<Word> = Vec::new();
        for (first, last) in set.codes() {
            let first = self.atoms.binary_search(first).ok()?;
            let end = match after(*last) {
                // No atom begins behind the last port there is.
                end if end > EVERY_PORT[2].1 => self.atoms.len(),
                end => self.atoms.binary_search(&end).ok()?,
            };
            if end <= first {
                continue;
            }
            for at in first / 64..end.div_ceil(64) {
                let from = first.max(at * 64) - at * 64;
                let to = end.min(at * 64 + 64) - at * 64;
                let bits = (u64::MAX << from) & (u64::MAX >> (64 - to));
                push(&mut words, (number(at), bits));
            }
        }
        Some(words)
    }

    /// The ports of a set.
    pub(super) fn get(&self, id: PortsId) -> PortSet {
        if id == Self::ALL {
            return PortSet::all();
        }
        let mut codes: Vec<(u32, u32)> = Vec::new();
        for (at, bits) in self.sets[id as usize].iter() {
            let mut bits = *bits;
            while bits != 0 {
                let atom = *at as usize * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let first = self.atoms[atom];
                let protocol_ends = first | 0xffff;
                let next = self.atoms.get(atom + 1).copied().unwrap_or(u32::MAX);
                let last = protocol_ends.min(next - 1);
                match codes.last_mut() {
                    Some((_, end)) if *end + 1 == first => *end = last,
                    _ => codes.push((first, last)),
                }
            }
        }
        PortSet::of_codes(codes)
    }

    pub(super) fn id(&mut self, set: &PortSet) -> PortsId {
        if self.atoms_of(set).is_none() {
            self.cut([set]);
        }
        let atoms = self.atoms_of(set).unwrap_or_default();
        self.add(&atoms)
    }

    fn add(&mut self, atoms: &[Word]) -> PortsId {
        if let Some(id) = self.ids.get(atoms) {
            return *id;
        }
        let id = number(self.sets.len());
        self.held += CELLS_OF_SET + 2 * atoms.len() as u64;
        let atoms: Atoms = atoms.into();
        self.sets.push(atoms.clone());
        self.ids.insert(atoms, id);
        id
    }

    /// The cells that all of it takes.
    pub(super) fn held(&self) -> u64 {
        self.held
    }

    /// What is in any of these.
    pub(super) fn any(&mut self, ids: &[PortsId]) -> PortsId {
        if ids.len() <= FEW || ids.contains(&Self::ALL) {
            return ids.iter().fold(Self::NONE, |all, id| self.or(all, *id));
        }
        let mut words = std::mem::take(&mut self.words);
        words.clear();
        for id in ids {
            for (at, bits) in self.sets[*id as usize].iter() {
                let word = &mut self.sum[*at as usize];
                if *word == 0 {
                    words.push((*at, 0));
                }
                *word |= bits;
            }
        }
        words.sort_unstable();
        for (at, bits) in &mut words {
            *bits = std::mem::take(&mut self.sum[*at as usize]);
        }
        let id = self.add(&words);
        self.words = words;
        id
    }

    pub(super) fn or(&mut self, a: PortsId, b: PortsId) -> PortsId {
        match (a, b) {
            _ if a == b => return a,
            (Self::NONE, x) | (x, Self::NONE) => return x,
            (Self::ALL, _) | (_, Self::ALL) => return Self::ALL,
            _ => {}
        }
        let key = (a.min(b), a.max(b));
        if let Some(known) = self.or.get(&key) {
            return *known;
        }
        let id = self.joined(a, b, |a, b| a | b);
        self.or.insert(key, id);
        self.held += CELLS_OF_KNOWN;
        id
    }

    pub(super) fn and(&mut self, a: PortsId, b: PortsId) -> PortsId {
        match (a, b) {
            _ if a == b => return a,
            (Self::ALL, x) | (x, Self::ALL) => return x,
            (Self::NONE, _) | (_, Self::NONE) => return Self::NONE,
            _ => {}
        }
        let key = (a.min(b), a.max(b));
        if let Some(known) = self.and.get(&key) {
            return *known;
        }
        let id = self.joined(a, b, |a, b| a & b);
        self.and.insert(key, id);
        self.held += CELLS_OF_KNOWN;
        id
    }

    /// Ports of `a` that are not in `b`.
    pub(super) fn but(&mut self, a: PortsId, b: PortsId) -> PortsId {
        match (a, b) {
            (_, Self::NONE) => return a,
            (_, Self::ALL) | (Self::NONE, _) => return Self::NONE,
            _ if a == b => return Self::NONE,
            _ => {}
        }
        if let Some(known) = self.but.get(&(a, b)) {
            return *known;
        }
        let id = self.joined(a, b, |a, b| a & !b);
        self.but.insert((a, b), id);
        self.held += CELLS_OF_KNOWN;
        id
    }

    /// Two sets, 64 atoms of each at a time.
    fn joined(&mut self, a: PortsId, b: PortsId, join: fn(u64, u64) -> u64) -> PortsId {
        let mut words = std::mem::take(&mut self.words);
        words.clear();
        let [mut a, mut b] = [a, b].map(|id| self.sets[id as usize].iter().copied().peekable());
        loop {
            let at = match (a.peek(), b.peek()) {
                (Some((a, _)), Some((b, _))) => *a.min(b),
                (Some((at, _)), None) | (None, Some((at, _))) => *at,
                (None, None) => break,
            };
            let bits = |words: &mut std::iter::Peekable<_>| {
                words.next_if(|word: &Word| word.0 == at).map_or(0, |(_, bits)| bits)
            };
            let both = join(bits(&mut a), bits(&mut b));
            if both != 0 {
                words.push((at, both));
            }
        }
        let id = self.add(&words);
        self.words = words;
        id
    }
}

/// Adds atoms behind others, the first of which may be among the same 64.
fn push(words: &mut Vec<Word>, (at, bits): Word) {
    match words.last_mut() {
        Some((last, known)) if *last == at => *known |= bits,
        _ => words.push((at, bits)),
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{PortRange, Protocol};

    /// Sets of a few ranges each, of all protocols, at the edges too.
    fn some(count: usize) -> Vec<PortSet> {
        let mut seed = 7u64;
        let mut below = |limit: u16| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            u16::try_from((seed >> 33) % u64::from(limit)).unwrap()
        };
        let mut one = || {
            let first = match below(8) {
                0 => 1,
                1 => u16::MAX,
                _ => 1 + below(65_535),
            };
            let last = first.saturating_add(below(3) * below(9_000));
            (Protocol::ALL[usize::from(below(3))], PortRange { first, last })
        };
        (0..count).map(|i| PortSet::of((0..i % 5).map(|_| one()))).collect()
    }

    fn holds(table: &mut PortTable, sets: &[PortSet]) {
        for a in sets {
            for b in sets {
                let (x, y) = (table.id(a), table.id(b));
                let [or, and, but] = [table.or(x, y), table.and(x, y), table.but(x, y)];
                assert_eq!(table.get(or), a.union(b), "{a} or {b}");
                assert_eq!(table.get(and), a.intersection(b), "{a} and {b}");
                assert_eq!(table.get(but), a.difference(b), "{a} but {b}");
                assert_eq!(table.or(but, and), x);
            }
        }
    }

    #[test]
    fn sets_are_those_of_ranges() {
        let mut sets = some(60);
        sets.extend([PortSet::default(), PortSet::all()]);
        let mut table = PortTable::new(&sets);
        assert_eq!(table.id(&PortSet::all()), PortTable::ALL);
        assert_eq!(table.id(&PortSet::default()), PortTable::NONE);
        assert!(table.sum.len() > 1, "one word has all");
        holds(&mut table, &sets);
        let ids: Vec<PortsId> = sets.iter().map(|set| table.id(set)).collect();
        for few in ids.chunks(9) {
            let any = table.any(few);
            let united = few.iter().fold(PortSet::default(), |all, id| all.union(&table.get(*id)));
            assert_eq!(table.get(any), united);
        }
        let whole = PortSet::all().difference(&sets[3]);
        let (whole, rest) = (table.id(&whole), table.id(&sets[3]));
        assert_eq!(table.any(&[whole, rest, rest, rest, rest]), PortTable::ALL);
    }

    #[test]
    fn what_comes_late_is_told_apart_too() {
        let sets = some(40);
        let mut table = PortTable::new(&sets[..10]);
        let known: Vec<PortsId> = sets[..10].iter().map(|set| table.id(set)).collect();
        holds(&mut table, &sets);
        for (id, set) in known.into_iter().zip(&sets) {
            assert_eq!(table.get(id), *set);
        }
    }

    /// Where no rule tells ports of SCTP apart, a port of it that comes late is not all of them.
    #[test]
    fn a_late_port_of_the_last_protocol_is_one_port() {
        let one = PortSet::of([(Protocol::Sctp, PortRange { first: 1, last: 1 })]);
        let mut table = PortTable::new([]);
        let id = table.id(&one);
        assert_eq!(table.get(id), one);
    }

    /// Of so many rules with a port each, a set that has most of them takes no more than a few words.
    #[test]
    fn many_ports_are_few_words() {
        let one = |port: u16| PortSet::of([(Protocol::Tcp, PortRange { first: port, last: port })]);
        let sets: Vec<PortSet> = (0..500).map(|i| one(1000 + 2 * i)).collect();
        let mut table = PortTable::new(&sets);
        let ids: Vec<PortsId> = sets.iter().map(|set| table.id(set)).collect();
        let before = table.held();
        let most = table.any(&ids[3..]);
        assert_eq!(table.get(most).ranges().len(), 497);
        assert!(table.held() - before < 50, "{}", table.held() - before);
    }
}
