//! Addresses outside, one for each of those that rules tell apart.
//!
//! In: a snapshot and its rules. Out: the lowest free address of each kind, in order. Kinds are told apart by
//! the blocks that have an address, which change from one range to the next by the blocks that begin or end
//! there, and by what entities mean.

use crate::cluster::{AddressBlock, Family, NOT_INTERNET, Snapshot, Truth};
use crate::ends::{Endpoint, INTERNET, Resolved};
use crate::policy::rule::{Entities, Entry, PeerKind};
use crate::policy::{NODE_LOCAL_DNS, Ruleset};
use crate::reach::Atoms;
use crate::verdict::means;
use foldhash::{HashMap, HashSet, HashSetExt as _};
use ipnet::IpNet;
use std::net::IpAddr;

/// What is said of addresses that stand for others.
pub(super) const OUTSIDE: &str =
    "An address outside stands for all that no rule tells apart from it";

/// All that is outside, but for private networks, as an end of a question.
pub fn internet(snapshot: &Snapshot, rules: &Ruleset) -> Resolved {
    Resolved {
        object: None,
        label: INTERNET.to_owned(),
        service: None,
        endpoints: outside(snapshot, rules, Outside::Internet),
        ways: Vec::new(),
        notes: vec![OUTSIDE.to_owned()],
    }
}

/// Which addresses outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// All of them.
    All,
    /// Those of the internet.
    Internet,
    /// All others.
    Private,
}

/// Addresses outside, one for each of those that rules tell apart.
pub fn outside(snapshot: &Snapshot, rules: &Ruleset, which: Outside) -> Vec<Endpoint> {
    outside_and(snapshot, rules, which, &[])
}

/// Addresses outside, one for each of those that rules, or blocks which are asked about, tell apart.
pub fn outside_and(
    snapshot: &Snapshot,
    rules: &Ruleset,
    which: Outside,
    blocks_asked: &[IpNet],
) -> Vec<Endpoint> {
    let single = |cidr| AddressBlock { cidr, except: [].into() };
    let special: Vec<AddressBlock> =
        NOT_INTERNET.iter().filter_map(|net| Some(single(net.parse().ok()?))).collect();
    let inside: Vec<AddressBlock> = snapshot.pod_cidrs.iter().map(|net| single(*net)).collect();
    let asked: Vec<AddressBlock> = blocks_asked.iter().map(|net| single(*net)).collect();
    let (mut blocks, entities) = told_apart_by(rules);
    blocks.extend(&asked);
    let asks_server = |peer: &PeerKind| matches!(peer, PeerKind::Entities(it) if it.api_server);
    let server = if entities.iter().any(asks_server) { snapshot.api_server() } else { None };
    let server: Vec<AddressBlock> =
        server.into_iter().flatten().map(|ip| single(IpNet::from(ip))).collect();
    let taken: HashSet<IpAddr> = {
        let pods = snapshot.pods().iter().flat_map(|pod| &pod.ips);
        pods.chain(snapshot.nodes.iter().flat_map(|node| &node.ips)).copied().collect()
    };
    let cilium = rules.cilium().is_some();
    let mut all = Vec::new();
    let has = |blocks: &[AddressBlock], ip: IpAddr| blocks.iter().any(|b| b.cidr.contains(&ip));
    for family in Family::ALL {
        let cuts = blocks.iter().copied().chain(&server).chain(&special).chain(&inside);
        let atoms = Atoms::cut(family, cuts);
        let mut sets = Sets::over(blocks.len());
        let mut now = Sets::EMPTY;
        let turns = turns(&atoms, family, &blocks);
        let mut turns = turns.iter().peekable();
        let mut seen: HashSet<(u32, Vec<Truth>, bool)> = HashSet::new();
        for atom in 0..atoms.len() {
            while let Some((_, block)) = turns.next_if(|(at, _)| *at <= atom) {
                now = sets.turned(now, *block);
            }
            let ip = atoms.example(atom, |ip| taken.contains(&ip));
            let meant = match which {
                Outside::All => true,
                Outside::Internet => !has(&special, ip),
                Outside::Private => has(&special, ip),
            };
            if !meant || has(&inside, ip) || taken.contains(&ip) {
                continue;
            }
            let end = Endpoint::Address(ip);
            let says = entities.iter().map(|peer| means(snapshot, cilium, peer, &end, family));
            // It is of the own node, whatever blocks have it.
            let node_local = cilium && ip == NODE_LOCAL_DNS;
            if seen.insert((now, says.collect(), node_local)) {
                all.push(end);
            }
        }
    }
    all
}

/// What rules tell addresses outside apart by, each once: blocks and entities. To all other peers each address
/// outside is the same.
fn told_apart_by(rules: &Ruleset) -> (Vec<&AddressBlock>, Vec<PeerKind>) {
    let entries = rules.policies().iter().flat_map(|policy| &policy.entries);
    let (mut seen, mut blocks, mut entities) = (HashSet::new(), Vec::new(), HashSet::new());
    for peer in entries.flat_map(Entry::others) {
        match peer {
            PeerKind::Addresses(block, _) if seen.insert(block) => blocks.push(block),
            PeerKind::Entities(of) => {
                // However they are written.
                entities.insert(Entities { written: Vec::new(), ..of.clone() });
            }
            _ => {}
        }
    }
    (blocks, entities.into_iter().map(PeerKind::Entities).collect())
}

/// At which atom which block begins or ends, in order of the atoms.
fn turns(atoms: &Atoms, family: Family, blocks: &[&AddressBlock]) -> Vec<(u32, u32)> {
    let mut all = Vec::new();
    for (block, id) in blocks.iter().zip(0..) {
        if Family::of_net(block.cidr) == family {
            let runs = atoms.within(block);
            all.extend(runs.into_iter().flat_map(|(first, end)| [(first, id), (end, id)]));
        }
    }
    all.sort_unstable();
    all
}

/// Sets of numbers below a bound, equal ones with one name: binary trees over the numbers, in which equal
/// parts are one. So one that differs from another by one number takes no more than the way to it.
struct Sets {
    /// How many levels a tree has.
    height: u32,
    /// The halves of each part but the empty and the single one, and their names.
    halves: Vec<[u32; 2]>,
    names: HashMap<[u32; 2], u32>,
}

impl Sets {
    /// The empty set, and the empty half of any.
    const EMPTY: u32 = 0;
    /// A number that is there.
    const ONE: u32 = 1;

    fn over(numbers: usize) -> Self {
        let height = numbers.next_power_of_two().trailing_zeros();
        Self { height, halves: Vec::new(), names: HashMap::default() }
    }

    /// The set with one more number, or without it if it has it.
    fn turned(&mut self, set: u32, number: u32) -> u32 {
        self.turned_at(self.height, set, number)
    }

    fn turned_at(&mut self, level: u32, set: u32, number: u32) -> u32 {
        let Some(below) = level.checked_sub(1) else { return Self::ONE - set };
        let mut halves = match set {
            Self::EMPTY => [Self::EMPTY; 2],
            set => self.halves[set as usize - 2],
        };
        let side = (number >> below & 1) as usize;
        halves[side] = self.turned_at(below, halves[side], number);
        if halves == [Self::EMPTY; 2] {
            return Self::EMPTY;
        }
        let next = u32::try_from(self.halves.len() + 2).unwrap_or(u32::MAX);
        *self.names.entry(halves).or_insert_with(|| {
            self.halves.push(halves);
            next
        })
    }
}
