//! The rules of one side, laid out to be compared with each other.
//!
//! In: one side, its places and the parts that allow. Out: [`Rules`]: by place whom they are about and
//! whom they may mean, where policies only isolate and allow, and the known pods.

use super::known::{Class, Index, add_classes, at};
use super::place;
use super::ports::{Wanted, meet};
use crate::cluster::{AddressBlock, Requirement, Selector};
use crate::policy::Sight;
use crate::policy::rule::{Direction, Namespaces, PodSet, Policy};
use crate::unwritten::homes::{Home, Side};
use crate::unwritten::labels::may_agree;
use crate::unwritten::parts::{Part, What};
use crate::unwritten::search::opposite;
use crate::unwritten::shape::Shape;
use foldhash::{HashMap, HashMapExt as _};
use std::cell::OnceCell;
use std::net::IpAddr;
use std::rc::Rc;

/// A pod that is free of isolation at the other end of a rule.
#[derive(Clone)]
pub(super) enum Free {
    Shape(Shape, usize),
    /// Whether there is one is a question for a search.
    Perhaps(usize),
}

/// A part of a rule that allows.
pub(super) struct Half<'a> {
    pub(super) part: Part,
    pub(super) policy: &'a Policy,
    pub(super) home: usize,
    pub(super) whom: Whom<'a>,
    pub(super) want: Wanted<'a>,
    /// Bits of its ports.
    pub(super) mask: u64,
}

/// Its other end.
#[derive(Clone)]
pub(super) enum Whom<'a> {
    Anyone,
    Pods(&'a PodSet, Rc<Places>),
    /// Addresses, and whether pods may have some of them; one that is outside.
    Block(&'a AddressBlock, bool, Option<IpAddr>),
    /// What no selector means, or not for certain.
    Else,
}

/// The places that a set may have, in order, and whether it has all their pods that match.
pub(super) type Places = [(usize, bool)];

/// A rule of the other direction that lets a rule's flows through.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    pub(super) other: usize,
    /// Only where a pod has an address of its block.
    pub(super) perhaps: bool,
}

/// What is looked at first of a rule.
#[derive(Clone, Copy)]
pub(super) struct Glance {
    mask: u64,
    pub(super) half: usize,
    /// The namespaces at its other end.
    group: usize,
}

/// Any pod may be at the other end of a rule, or none.
const ANYBODY: usize = usize::MAX;
const NOBODY: usize = usize::MAX - 1;

/// All of them.
pub(super) struct Rules<'a> {
    pub(super) side: &'a Side<'a>,
    pub(super) homes: &'a [Home],
    pub(super) halves: Vec<Half<'a>>,
    /// By direction and place of their subject.
    pub(super) of_place: [Vec<Vec<Glance>>; 2],
    /// Those whose other ends are of the same namespaces, by direction; the groups that have a place;
    /// and those that may mean any pod.
    groups: Vec<[Vec<Glance>; 2]>,
    groups_of: Vec<Vec<usize>>,
    to_all: [Vec<Glance>; 2],
    /// Every place.
    anywhere: Rc<Places>,
    /// Where policies only isolate and allow.
    pub(super) plain: [Vec<bool>; 2],
    /// Where some policy isolates every pod.
    pub(super) closed: [Vec<bool>; 2],
    pub(super) classes: Vec<Class<'a>>,
    pub(super) classes_of: Vec<std::ops::Range<usize>>,
    /// By policy, the classes that it certainly selects.
    pub(super) selected: Vec<Vec<usize>>,
    /// By direction and place, the classes that nothing isolates.
    pub(super) open: [Vec<Vec<usize>>; 2],
    pub(super) free: HashMap<(&'a PodSet, Direction), Option<Free>>,
    pub(super) sight: OnceCell<Sight<'a>>,
    /// A number that no rule has.
    pub(super) number: u16,
    /// By direction: somebody is told to be at the other end of a class.
    pub(super) told: [Vec<bool>; 2],
}

impl<'a> Rules<'a> {
    /// The rule by which a policy's subject is in a place; those of places alike are the same.
    pub(super) fn new(
        side: &'a Side<'a>,
        homes: &'a [Home],
        allow: &[Part],
        left: &mut Vec<Part>,
    ) -> Self {
        let home_of: HashMap<&str, usize> =
            homes.iter().enumerate().map(|(at, home)| (&*home.name, at)).collect();
        let mut alike: HashMap<&str, usize> = HashMap::new();
        for (at, home) in homes.iter().enumerate() {
            alike.extend(home.members.iter().map(|name| (&**name, at)));
        }
        let mut places = place::Spaces::new(homes, &alike);
        let of_direction = |direction: Direction| -> (Vec<bool>, Vec<bool>) {
            homes.iter().map(|home| place::plain(side, home, direction)).unzip()
        };
        let [(plain_in, closed_in), (plain_out, closed_out)] = Direction::ALL.map(of_direction);
        let names = side.rules.enforcer().port_names();
        let mut halves = Vec::new();
        let mut of_place = [(); 2].map(|()| vec![Vec::new(); homes.len()]);
        for part in allow {
            let policy = side.rules.policy(part.policy);
            let What::Rule { entry, peer, name } = part.what else { continue };
            let Some(rule) = policy.entries.get(entry) else { continue };
            let Namespaces::Own(own) = &policy.subject.namespaces else {
                left.push(*part);
                continue;
            };
            // Those of another namespace like the first are the same rule.
            let Some(home) = home_of.get(&**own).copied() else { continue };
            let whom = place::whom(side, rule, peer, &mut places);
            let want = Wanted { ports: &rule.ports, name, names };
            let (mask, half) = (want.mask(), halves.len());
            of_place[at(policy.direction)][home].push(Glance { mask, half, group: NOBODY });
            halves.push(Half { part: *part, policy, home, whom, want, mask });
        }
        let mut rules = Self {
            side,
            homes,
            halves,
            of_place,
            groups: Vec::new(),
            groups_of: vec![Vec::new(); homes.len()],
            to_all: [Vec::new(), Vec::new()],
            anywhere: (0..homes.len()).map(|place| (place, true)).collect(),
            plain: [plain_in, plain_out],
            closed: [closed_in, closed_out],
            classes: Vec::new(),
            classes_of: Vec::new(),
            selected: vec![Vec::new(); side.rules.policies().len()],
            open: [(); 2].map(|()| vec![Vec::new(); homes.len()]),
            free: HashMap::new(),
            sight: OnceCell::new(),
            number: place::free_number(side.rules),
            told: [Vec::new(), Vec::new()],
        };
        rules.turn();
        rules.know();
        rules
    }

    /// Notes of each place which rules may mean pods of it.
    fn turn(&mut self) {
        let mut groups: HashMap<*const (usize, bool), usize> = HashMap::new();
        for (here, of_place) in self.of_place.iter_mut().enumerate() {
            for glance in of_place.iter_mut().flatten() {
                match &self.halves[glance.half].whom {
                    Whom::Pods(_, places) => {
                        let next = self.groups.len();
                        glance.group = *groups.entry(places.as_ptr()).or_insert(next);
                        if glance.group == next {
                            self.groups.push([Vec::new(), Vec::new()]);
                            for (place, _) in places.iter() {
                                self.groups_of[*place].push(next);
                            }
                        }
                        self.groups[glance.group][here].push(*glance);
                    }
                    Whom::Anyone | Whom::Block(_, true, _) => {
                        glance.group = ANYBODY;
                        self.to_all[here].push(*glance);
                    }
                    Whom::Block(_, false, _) | Whom::Else => {}
                }
            }
        }
    }

    /// The rules of the other direction that may let a rule's flows through: those with whom it can mean
    /// the same two pods. They are looked for one by one, since the first mostly shows what is asked.
    pub(super) fn pairs<'s>(
        &'s self,
        half: usize,
        places: &'s Places,
    ) -> Box<dyn Iterator<Item = Pair> + 's> {
        let Half { policy, home, mask, .. } = &self.halves[half];
        let there = at(opposite(policy.direction));
        let mine = &self.groups_of[*home];
        let to = || {
            let groups = mine.iter().map(move |at| &self.groups[*at][there]);
            groups.chain([&self.to_all[there]])
        };
        let of = || places.iter().map(move |(place, _)| &self.of_place[there][*place]);
        let meets = move |glance: &&Glance| glance.mask & mask != 0;
        let means_me = move |it: &&Glance| it.group == ANYBODY || mine.contains(&it.group);
        let is_there = move |glance: &&Glance| {
            let place = self.halves[glance.half].home;
            places.binary_search_by_key(&place, |(place, _)| *place).is_ok()
        };
        let pair = move |glance: &Glance| self.pair(half, glance.half);
        // Whichever are fewer.
        if of().map(Vec::len).sum::<usize>() <= to().map(Vec::len).sum() {
            Box::new(of().flatten().filter(meets).filter(means_me).filter_map(pair))
        } else {
            Box::new(to().flatten().filter(meets).filter(is_there).filter_map(pair))
        }
    }

    /// The places of the pods at the other end of a rule; `None` where outside shows what it allows.
    pub(super) fn places(&self, half: usize) -> Option<Rc<Places>> {
        match &self.halves[half].whom {
            Whom::Pods(_, places) => Some(places.clone()),
            // Outside no port has a name.
            Whom::Anyone | Whom::Block(_, true, _) if self.is_named_there(half) => {
                Some(self.anywhere.clone())
            }
            _ => None,
        }
    }

    /// Whether a rule asks for a port by the name that the other end has for it.
    pub(super) fn is_named_there(&self, half: usize) -> bool {
        let half = &self.halves[half];
        half.want.name.is_some() && half.policy.direction == Direction::Egress
    }

    /// Looks at the known pods.
    fn know(&mut self) {
        for (place, home) in self.homes.iter().enumerate() {
            let first = self.classes.len();
            add_classes(&mut self.classes, place, self.side.snapshot.pods_in(&home.name));
            for direction in Direction::ALL {
                if first == self.classes.len() || !self.plain[at(direction)][place] {
                    continue;
                }
                let policies = self.side.rules.candidates(&home.name, direction);
                let own = |policy: &Policy| matches!(policy.subject.namespaces, Namespaces::Own(_));
                let index = Index::new(policies.filter(|(_, policy)| own(policy)));
                for (offset, class) in self.classes[first..].iter_mut().enumerate() {
                    index.select(class, direction);
                    for policy in &class.of[at(direction)] {
                        self.selected[*policy].push(first + offset);
                    }
                    if class.isolated[at(direction)].is_no() {
                        self.open[at(direction)][place].push(first + offset);
                    }
                }
            }
            self.classes_of.push(first..self.classes.len());
        }
        self.told = [(); 2].map(|()| vec![false; self.classes.len()]);
    }

    /// Whether at both ends of a rule policies only isolate and allow.
    pub(super) fn is_plain(&self, half: usize) -> bool {
        let there = |places: &Places| {
            let direction = opposite(self.halves[half].policy.direction);
            places.iter().all(|(place, _)| self.plain[at(direction)][*place])
        };
        let named = self.is_named_there(half);
        let half = &self.halves[half];
        self.plain[at(half.policy.direction)][half.home]
            && match &half.whom {
                Whom::Anyone | Whom::Block(_, true, _) if named => there(&self.anywhere),
                Whom::Anyone => true,
                Whom::Pods(_, places) => there(places),
                Whom::Block(.., outside) => named || outside.is_some(),
                Whom::Else => false,
            }
    }

    /// Whether flows of a rule arrive at its subject.
    pub(super) fn arrives(&self, half: usize) -> bool {
        self.halves[half].policy.direction == Direction::Ingress
    }

    /// The known pods that a rule is about.
    pub(super) fn subjects(&self, half: usize) -> impl Iterator<Item = usize> + '_ {
        let arrives = self.arrives(half);
        let half = &self.halves[half];
        self.selected[half.part.policy].iter().copied().filter(move |class| {
            let pod = self.classes[*class].pod;
            !arrives || half.want.alone(Some(pod), self.number).is_some()
        })
    }

    /// Whether a class is at the other end of a rule, in a place where that has all that match.
    pub(super) fn is_peer(&self, half: usize, class: usize) -> bool {
        let there = match &self.halves[half].whom {
            Whom::Pods(_, places) => {
                places.binary_search(&(self.classes[class].home, true)).is_ok()
            }
            _ => true,
        };
        there && self.means(half, class)
    }

    /// The same for a class of such a place.
    pub(super) fn means(&self, half: usize, class: usize) -> bool {
        let of = &self.classes[class];
        match &self.halves[half].whom {
            Whom::Anyone => true,
            Whom::Pods(set, _) => of.is_in(set),
            Whom::Block(block, pods, _) => {
                *pods && of.ids.iter().any(|id| place::has_address(self.side, *id, block))
            }
            Whom::Else => false,
        }
    }

    /// The same, where it is enough that it may be there.
    pub(super) fn may_be_peer(&self, half: usize, class: usize) -> bool {
        let of = &self.classes[class];
        match &self.halves[half].whom {
            Whom::Pods(set, places) => {
                places.binary_search_by_key(&of.home, |(place, _)| *place).is_ok()
                    && !of.pod.matches(&set.pods).is_no()
            }
            Whom::Block(_, pods, _) => *pods && of.pod.ips.is_empty() || self.is_peer(half, class),
            Whom::Anyone | Whom::Else => self.is_peer(half, class),
        }
    }

    pub(super) fn asked_of_peers(&self, half: usize) -> &'a [Requirement] {
        match &self.halves[half].whom {
            Whom::Pods(set, _) => &set.pods.requirements,
            _ => &[],
        }
    }

    /// What a rule asks of the namespaces at its other end.
    pub(super) fn asked_of_spaces(&self, half: usize) -> Option<&'a Selector> {
        match &self.halves[half].whom {
            Whom::Pods(PodSet { namespaces: Namespaces::Matching(selector), .. }, _) => {
                Some(selector)
            }
            _ => None,
        }
    }

    /// Whether two rules of both directions can mean the same two pods, as far as labels and ports go.
    fn pair(&self, half: usize, other: usize) -> Option<Pair> {
        let (one, two) = (&self.halves[half], &self.halves[other]);
        let perhaps = [one, two].iter().any(|it| matches!(it.whom, Whom::Block(..)));
        (may_agree(&two.policy.subject.pods.requirements, self.asked_of_peers(half))
            && may_agree(self.asked_of_peers(other), &one.policy.subject.pods.requirements)
            && meet(one.want, two.want, None, self.number).is_some())
        .then_some(Pair { other, perhaps })
    }
}
