//! Which rules decide all that another one says, by what they ask for alone.
//!
//! In: the rules of one side. Out: for each *part*, one peer of one rule, another part that decides every
//! flow which this one matches, whatever pods there are; and for a policy that isolates, another that
//! isolates whatever it does. Nothing is judged: a part is within another one where each thing that the
//! other asks for follows from what it asks for itself. That is enough and not needed, so nothing is
//! said of what is only covered by several together.
//!
//! Parts are found by what a wider one must share with them ([`Index`]), so that the work grows with
//! the rules and not with their pairs.

use super::within::{names, peer_within, ports_within, set_within};
use crate::cluster::{Name, ObjectRef, Operator, Selector, Snapshot};
use crate::policy::rule::{
    Action, Direction, Entry, NamedTier, Namespaces, PeerKind, Peers, PodSet, Policy, PortRule,
    Ports, Position, Reads, Tier,
};
use crate::policy::{PolicyId, Ruleset};
use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};
use ipnet::IpNet;
use std::cell::Cell;
use std::collections::BTreeSet;

/// How often two parts are laid beside each other at most, which takes some seconds.
const MOST_LOOKS: u64 = 30_000_000;

/// One peer of one rule; without one, anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Part {
    pub(super) policy: PolicyId,
    pub(super) entry: usize,
    pub(super) peer: Option<usize>,
}

/// How another part decides all flows of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum How {
    /// It does the same with them.
    Same,
    /// It allows without any condition what the one allows on one.
    Voids,
    /// It comes before, so that the one is never asked.
    Before,
}

/// Where a wider set of pods may be found: by its namespace and by one label that it asks for.
type SetKey<'a> = (Option<&'a str>, Option<(&'a str, &'a str)>);

/// Where a wider peer may be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum PeerKey<'a> {
    Anyone,
    Pods(SetKey<'a>),
    Block(IpNet),
    Other,
}

/// The parts of all rules, and the policies that isolate, by what narrower ones must share with them.
pub(super) struct Index<'a> {
    snapshot: &'a Snapshot,
    rules: &'a Ruleset,
    parts: HashMap<(Direction, SetKey<'a>, PeerKey<'a>), Vec<Part>>,
    isolating: HashMap<(Direction, SetKey<'a>), Vec<PolicyId>>,
    /// The directions in which an administrator's rule passes flows on.
    passes: [bool; 2],
    /// What all rules of a tier with a name do, by its name and the direction.
    does: HashMap<(&'a NamedTier, Direction), BTreeSet<Action>>,
    /// The ports at which rules ask what only rules for the same lift.
    lifted: Vec<&'a PortRule>,
    /// Objects whose selector was taken apart: one rule of them stands in several policies.
    apart: HashSet<&'a ObjectRef>,
    looks: Cell<u64>,
}

impl<'a> Index<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, rules: &'a Ruleset) -> Self {
        let (parts, isolating) = (HashMap::new(), HashMap::new());
        let passes = Direction::ALL.map(|direction| {
            let mut of_it = rules.policies().iter().filter(|it| it.direction == direction);
            of_it.any(|it| {
                it.tier.is_administrators()
                    && it.entries.iter().any(|entry| entry.action == Action::Pass)
            })
        });
        let mut does: HashMap<_, BTreeSet<Action>> = HashMap::new();
        let mut apart = HashSet::new();
        for policy in rules.policies() {
            let Some(position) = policy.tier.position() else { continue };
            let all = does.entry((&position.tier, policy.direction)).or_default();
            all.extend(policy.entries.iter().map(|entry| entry.action));
            apart.extend((position.part > 0).then_some(&policy.object));
        }
        let mut lifted: Vec<&PortRule> = Vec::new();
        for entry in rules.policies().iter().flat_map(|policy| &policy.entries) {
            let reads = entry.condition.as_ref().map(|condition| condition.reads);
            let (Some(Reads::Dns), Ports::Of(items)) = (reads, &entry.ports) else { continue };
            for item in items {
                if !lifted.iter().any(|known| known.is_same(item)) {
                    lifted.push(item);
                }
            }
        }
        let looks = Cell::new(0);
        let mut index =
            Self { snapshot, rules, parts, isolating, passes, does, lifted, apart, looks };
        for (id, policy) in rules.policies().iter().enumerate() {
            if policy.not_judged().is_some() || policy.subject.doubt.is_some() {
                continue;
            }
            for subject in keys(&policy.subject) {
                if policy.isolates && policy.tier == Tier::Normal {
                    index.isolating.entry((policy.direction, subject)).or_default().push(id);
                }
                for (part, peer) in self::parts(id, policy) {
                    for peer in peer_keys(peer) {
                        let key = (policy.direction, subject, peer);
                        index.parts.entry(key).or_default().push(part);
                    }
                }
            }
        }
        index
    }

    /// A part that decides all flows of this one, among those that are not left out. Of two that say the
    /// same the first is kept.
    pub(super) fn decided(
        &self,
        part: Part,
        without: &dyn Fn(Part) -> bool,
    ) -> Option<(Part, How)> {
        let policy = self.rules.policy(part.policy);
        let mut best: Option<(How, Part)> = None;
        let peer = peer_of(policy, part);
        for subject in wider_keys(&policy.subject) {
            for peer in wider_peer_keys(peer) {
                let key = (policy.direction, subject, peer);
                for other in self.parts.get(&key).into_iter().flatten() {
                    // They are in order.
                    if best.is_some_and(|(_, best)| best <= *other) || self.is_over() {
                        break;
                    }
                    if *other == part || without(*other) {
                        continue;
                    }
                    if let Some(how) = self.decides(*other, part) {
                        best = Some((how, *other));
                    }
                }
            }
        }
        best.map(|(how, part)| (part, how))
    }

    /// Whether no more is looked at, since there are too many rules that have much in common.
    pub(super) fn is_over(&self) -> bool {
        self.looks.get() > MOST_LOOKS
    }

    /// Whether a part is within one of those that are not left out, whichever comes first.
    pub(super) fn is_also_within(&self, part: Part, without: &dyn Fn(Part) -> bool) -> bool {
        let policy = self.rules.policy(part.policy);
        let peer = peer_of(policy, part);
        wider_keys(&policy.subject).into_iter().any(|subject| {
            wider_peer_keys(peer).into_iter().any(|peer| {
                let all = self.parts.get(&(policy.direction, subject, peer));
                let mut all = all.into_iter().flatten();
                all.any(|wide| !without(*wide) && self.is_within(part, *wide))
            })
        })
    }

    /// A rule that allows all flows of an entry with these addresses in place of its peers, and more: one
    /// that names just them means them.
    pub(super) fn opens(&self, own: Part, addresses: &PeerKind) -> Option<Part> {
        let (id, at) = (own.policy, own.entry);
        let policy = self.rules.policy(id);
        let rule = &policy.entries[at];
        for subject in wider_keys(&policy.subject) {
            for peer in wider_peer_keys(Some(addresses)) {
                let key = (policy.direction, subject, peer);
                for part in self.parts.get(&key).into_iter().flatten() {
                    let other = self.rules.policy(part.policy);
                    let by = &other.entries[part.entry];
                    let peers = match peer_of(other, *part) {
                        None => true,
                        Some(peer) => {
                            peer_within(addresses, peer, self.snapshot)
                                && !peer_within(peer, addresses, self.snapshot)
                        }
                    };
                    if *part != own
                        && by.action == Action::Allow
                        && other.tier == Tier::Normal
                        && by.only.is_none()
                        && by.condition.is_none()
                        && peers
                        && ports_within(&rule.ports, &by.ports)
                        && set_within(&policy.subject, &other.subject, self.snapshot)
                    {
                        return Some(*part);
                    }
                }
            }
        }
        None
    }

    /// Another policy that isolates whatever this one does, among those that are not left out.
    pub(super) fn isolated(
        &self,
        id: PolicyId,
        without: &dyn Fn(PolicyId) -> bool,
    ) -> Option<PolicyId> {
        let policy = self.rules.policy(id);
        let within = |a: PolicyId, b: PolicyId| {
            set_within(&self.rules.policy(a).subject, &self.rules.policy(b).subject, self.snapshot)
        };
        let keys = wider_keys(&policy.subject).into_iter();
        let all = keys.filter_map(|key| self.isolating.get(&(policy.direction, key))).flatten();
        let mut all = all.copied().filter(|other| *other != id && !without(*other));
        all.find(|other| within(id, *other) && (*other < id || !within(*other, id)))
    }

    /// Whether `wide` decides every flow of `part`, and how.
    fn decides(&self, wide: Part, part: Part) -> Option<How> {
        let [one, other] = [part, wide].map(|it| self.rules.policy(it.policy));
        let [rule, by] = [(one, part), (other, wide)].map(|(it, at)| &it.entries[at.entry]);
        if by.only.is_some() || !self.is_within(part, wide) {
            return None;
        }
        let same = || {
            // Of two that are within each other the first stays.
            let both = rule.only.is_none() && self.is_within(wide, part);
            (!both || wide < part).then_some(How::Same)
        };
        // What of a condition others lift only in part is not looked at.
        let lifted =
            |rule: &Entry| rule.condition.as_ref().is_some_and(|it| it.reads == Reads::Http);
        let one_action = || one.entries.iter().all(|entry| entry.action == rule.action);
        match (&other.tier, &one.tier) {
            (Tier::Normal, Tier::Normal) => match (by.action, rule.action) {
                // Source: docs/semantics/cilium-ports.md#layer-7-beside-plain-rules.
                _ if rule.condition.is_some() && by.condition.is_none() => match by.action {
                    Action::Allow => lifted(rule).then_some(How::Voids),
                    _ => Some(How::Before),
                },
                (by, action) if by == action => same(),
                (Action::Deny, Action::Allow) => Some(How::Before),
                _ => None,
            },
            _ if by.condition.is_some() => None,
            (_, tier) if part.policy == wide.policy && tier.is_ordered() => {
                if wide.entry < part.entry {
                    Some(if by.action == rule.action { How::Same } else { How::Before })
                } else if wide.entry == part.entry || one_action() {
                    same()
                } else {
                    None
                }
            }
            (Tier::Admin(earlier), Tier::Admin(later))
            | (Tier::Baseline(earlier), Tier::Baseline(later)) => {
                (earlier < later).then_some(How::Before)
            }
            (Tier::Admin(_), Tier::Normal | Tier::Baseline(_)) => {
                let passes = self.passes[usize::from(one.direction == Direction::Egress)];
                (by.action != Action::Pass && !passes).then_some(How::Before)
            }
            (Tier::Normal, Tier::Baseline(_)) => Some(How::Before),
            (Tier::Named(_), Tier::Named(_)) if self.apart.contains(&one.object) => None,
            (Tier::Named(earlier), Tier::Named(later)) => {
                let does = self.does.get(&(&earlier.tier, one.direction));
                if earlier.tier != later.tier {
                    // What is passed on anywhere in the tier may come to the later one all the same.
                    let passes = does.is_none_or(|all| all.contains(&Action::Pass));
                    (earlier.tier < later.tier && !passes).then_some(How::Before)
                } else if does.is_some_and(|all| all.len() == 1) && rule.condition.is_none() {
                    // Where all rules of a tier do the same their order does not count.
                    same()
                } else if comes_before(earlier, later) {
                    Some(if by.action == rule.action { How::Same } else { How::Before })
                } else {
                    None
                }
            }
            _ => None,
        }
    }

    /// Whether every flow that a part matches, another one matches too.
    fn is_within(&self, part: Part, wide: Part) -> bool {
        self.looks.set(self.looks.get() + 1);
        let [one, other] = [part, wide].map(|it| self.rules.policy(it.policy));
        let [rule, by] = [(one, part), (other, wide)].map(|(it, at)| &it.entries[at.entry]);
        let asked = match (&rule.condition, &by.condition) {
            // What a rule shows to the proxy counts beyond the flow: Cilium learns names by it.
            (Some(own), None) => own.names.is_empty(),
            // One that lifts what others ask of a port does so only with just that port.
            (None, None) => self.lifted.iter().all(|item| {
                let has = |ports: &Ports| match ports {
                    Ports::Any => false,
                    Ports::Of(items) => items.iter().any(|own| own.is_same(item)),
                };
                !has(&rule.ports) || has(&by.ports)
            }),
            (Some(own), Some(other)) => own.asks == other.asks,
            (None, Some(_)) => false,
        };
        let peers = match (peer_of(one, part), peer_of(other, wide)) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(own), Some(other)) => peer_within(own, other, self.snapshot),
        };
        asked
            && peers
            && ports_within(&rule.ports, &by.ports)
            && set_within(&one.subject, &other.subject, self.snapshot)
    }
}

/// Whether one of two policies of a tier comes before the other in every release that it may be.
fn comes_before(one: &Position, other: &Position) -> bool {
    one.order < other.order
        || (one.order == other.order && one.key < other.key && one.earlier <= other.earlier)
}

/// The parts of a policy, with the peer of each.
pub(super) fn parts(
    id: PolicyId,
    policy: &Policy,
) -> impl Iterator<Item = (Part, Option<&PeerKind>)> {
    policy.entries.iter().enumerate().flat_map(move |(entry, rule)| {
        let peers: Vec<(Option<usize>, Option<&PeerKind>)> = match &rule.peers {
            Peers::Any => vec![(None, None)],
            Peers::Of(items) => {
                let items = items.iter().enumerate();
                items.map(|(at, item)| (Some(at), Some(&item.admits))).collect()
            }
        };
        peers.into_iter().map(move |(peer, admits)| (Part { policy: id, entry, peer }, admits))
    })
}

fn peer_of(policy: &Policy, part: Part) -> Option<&PeerKind> {
    match &policy.entries[part.entry].peers {
        Peers::Any => None,
        Peers::Of(items) => part.peer.and_then(|at| items.get(at)).map(|item| &item.admits),
    }
}

/// The values of the first requirement that asks for some.
fn asked(selector: &Selector) -> Option<(&str, &[Name])> {
    selector.requirements.iter().find_map(|requirement| match &requirement.operator {
        Operator::In(values) => Some((&*requirement.key, values.as_slice())),
        _ => None,
    })
}

/// Under which keys a set stands that others may be within.
fn keys(set: &PodSet) -> Vec<SetKey<'_>> {
    let spaces: Vec<Option<&str>> = match &set.namespaces {
        Namespaces::Own(name) => vec![Some(name)],
        Namespaces::Matching(selector) => match names(selector) {
            Some(names) => names.iter().map(|name| Some(&**name)).collect(),
            None => vec![None],
        },
    };
    let labels: Vec<Option<(&str, &str)>> = match asked(&set.pods) {
        Some((key, values)) => values.iter().map(|value| Some((key, &**value))).collect(),
        None => vec![None],
    };
    spaces.iter().flat_map(|space| labels.iter().map(move |label| (*space, *label))).collect()
}

/// Under which keys a set stands that this one is within.
fn wider_keys(set: &PodSet) -> Vec<SetKey<'_>> {
    let mut spaces = vec![None];
    match &set.namespaces {
        Namespaces::Own(name) => spaces.push(Some(&**name)),
        Namespaces::Matching(selector) => {
            spaces.extend(names(selector).and_then(|names| names.first()).map(|it| Some(&**it)));
        }
    }
    let mut labels = vec![None];
    labels.extend(set.pods.requirements.iter().filter_map(|requirement| {
        let Operator::In(values) = &requirement.operator else { return None };
        values.first().map(|value| Some((&*requirement.key, &**value)))
    }));
    spaces.iter().flat_map(|space| labels.iter().map(move |label| (*space, *label))).collect()
}

fn peer_keys(peer: Option<&PeerKind>) -> Vec<PeerKey<'_>> {
    match peer {
        None => vec![PeerKey::Anyone],
        Some(PeerKind::Pods(set)) if set.doubt.is_none() => {
            keys(set).into_iter().map(PeerKey::Pods).collect()
        }
        Some(PeerKind::Addresses(block, _)) => vec![PeerKey::Block(block.cidr.trunc())],
        Some(PeerKind::Entities(_) | PeerKind::Names(_) | PeerKind::Nodes(_)) => {
            vec![PeerKey::Other]
        }
        Some(_) => Vec::new(),
    }
}

fn wider_peer_keys(peer: Option<&PeerKind>) -> Vec<PeerKey<'_>> {
    let mut all = vec![PeerKey::Anyone];
    match peer {
        None | Some(PeerKind::Unresolved(..) | PeerKind::Combined(_)) => {}
        Some(PeerKind::Pods(set)) => {
            all.push(PeerKey::Other);
            all.extend(wider_keys(set).into_iter().map(PeerKey::Pods));
        }
        Some(PeerKind::Addresses(block, _)) => {
            let lengths = 0..=block.cidr.prefix_len();
            let wider = lengths.filter_map(|length| IpNet::new(block.cidr.addr(), length).ok());
            all.extend(wider.map(|net| PeerKey::Block(net.trunc())));
        }
        Some(PeerKind::Entities(_) | PeerKind::Names(_) | PeerKind::Nodes(_)) => {
            all.push(PeerKey::Other);
        }
    }
    all
}
