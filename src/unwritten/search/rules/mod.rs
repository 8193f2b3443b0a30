//! What rules let through where they only isolate and allow, found by laying them side by side.
//!
//! In: one side with very many rules. Out: for each rule whether known pods show it, and pods that do
//! where these do not; for each known pod one that reaches it, and one that it reaches, if there is any;
//! and the rules that have to be searched after all. A flow between pods passes here if in each direction
//! its subject is isolated by no policy or some rule matches, so two rules say together what a search
//! would find: whether what they ask for contradicts itself. docs/open-world.md has the proof.

mod known;
mod place;
mod pods;
mod ports;
mod table;

use super::shown::ANYONE;
use super::{Found, FoundEnd, Search, opposite};
use crate::cluster::{Family, Pod, Port};
use crate::policy::rule::Direction;
use crate::unwritten::labels::contradict;
use crate::unwritten::parts::Part;
use crate::unwritten::shape::Shape;
use crate::verdict::{Endpoint, Flow, Passage, judge};
use known::at;
use pods::with_ports;
use ports::meet;
use table::{Free, Glance, Half, Pair, Places, Rules, Whom};

/// Two pods, the source first, each with its place.
type Ends = [(Shape, usize); 2];

/// A rule that has known pods at both ends, and lets only others through.
#[derive(Clone, Debug)]
pub(in crate::unwritten) struct FoundOthers {
    pub(in crate::unwritten) part: Part,
    /// The place of its subject.
    pub(in crate::unwritten) home: usize,
    pub(in crate::unwritten) ends: Ends,
    pub(in crate::unwritten) port: Port,
    pub(in crate::unwritten) passage: Passage,
}

/// Pairs of rules, of which no more are looked for than are asked for.
struct Pairs<'s> {
    found: Vec<Pair>,
    rest: Box<dyn Iterator<Item = Pair> + 's>,
}

impl Pairs<'_> {
    fn get(&mut self, at: usize) -> Option<Pair> {
        while self.found.len() <= at {
            self.found.push(self.rest.next()?);
        }
        self.found.get(at).copied()
    }

    fn all(mut self) -> Vec<Pair> {
        self.found.extend(self.rest);
        self.found
    }
}

impl Search<'_> {
    /// Looks for what rules allow between pods, and gives back those of which that takes a search.
    pub(super) fn by_rules(&mut self, allow: &[Part]) -> Vec<Part> {
        let [side] = self.sides else { return allow.to_vec() };
        let mut left = Vec::new();
        let mut rules = Rules::new(side, self.homes, allow, &mut left);
        for half in 0..rules.halves.len() {
            if rules.is_plain(half) {
                rules.rule(self, half);
            } else {
                left.push(rules.halves[half].part);
            }
        }
        for class in 0..rules.classes.len() {
            for direction in Direction::ALL {
                rules.class(self, class, direction);
            }
        }
        left
    }
}

impl<'a> Rules<'a> {
    /// One rule: whether known pods show it, and who does where they do not.
    fn rule(&mut self, search: &mut Search<'a>, half: usize) {
        let arrives = self.arrives(half);
        let Half { part, policy, home, want, .. } = self.halves[half];
        let asked = &policy.subject.pods.requirements;
        if want.alone(None, self.number).is_none() || contradict(asked, &[]) {
            return;
        }
        let subjects: Vec<usize> = self.subjects(half).collect();
        let Some(places) = self.places(half) else {
            self.outside(search, half, &subjects);
            return;
        };
        let free = self.free(search, half, &places);
        let (shown, mut pairs) = {
            let mut pairs = Pairs { found: Vec::new(), rest: self.pairs(half, &places) };
            if free.is_none() && pairs.get(0).is_none() {
                return;
            }
            let shown = self.shown(half, &subjects, &places, &mut pairs);
            (shown, if shown.is_none() { pairs.all() } else { Vec::new() })
        };
        if let Some((one, peer)) = shown {
            let direction = policy.direction;
            self.told[at(direction)][one] = true;
            self.told[at(opposite(direction))][peer] = true;
            return;
        }
        let inhabited = !subjects.is_empty()
            && places.iter().any(|(place, sure)| {
                *sure && self.classes_of[*place].clone().any(|class| self.means(half, class))
            });
        let conditions = self.side.rules.traits().conditions;
        let nets = !self.side.snapshot.pod_cidrs.is_empty();
        let tell = |search: &mut Search<'a>, ends: Ends, port: Port, perhaps: bool| {
            let passage = match perhaps {
                false if !conditions => Passage::Allowed,
                // Its address is not known.
                true if !nets => Passage::Unknown,
                _ => search.passage(&ends, port),
            };
            if passage == Passage::Denied {
                return false;
            }
            if inhabited {
                search.only_others.push(FoundOthers { part, home, ends, port, passage });
            } else {
                let ends = ends.map(|(shape, home)| FoundEnd::Shape(shape, home));
                search.found.push(Found { part: Some(part), ends, hidden: false });
            }
            true
        };
        let by_address = matches!(self.halves[half].whom, Whom::Block(..));
        if let Some(Free::Shape(shape, place)) = free
            && let Some(port) = want.alone(None, self.number)
            && let Some(subject) = self.subject(search, half, port)
        {
            let peer = (with_ports(shape, port, !arrives), place);
            let ends = if arrives { [peer, subject] } else { [subject, peer] };
            if tell(search, ends, port.0, by_address) {
                return;
            }
        }
        pairs.sort_by_key(|pair| pair.perhaps);
        for Pair { other, perhaps } in pairs {
            if let Some((ends, port)) = self.both(search, half, other)
                && tell(search, ends, port, perhaps)
            {
                return;
            }
        }
    }

    /// A rule for anyone, or for a block, which outside shows for every pod that it is about.
    fn outside(&mut self, search: &mut Search<'a>, half: usize, subjects: &[usize]) {
        let Half { part, policy, want, whom, .. } = &self.halves[half];
        let outside = match whom {
            Whom::Anyone => Some(ANYONE),
            Whom::Block(.., outside) if !self.is_named_there(half) => *outside,
            _ => None,
        };
        let (Some(outside), Some(port)) = (outside, want.alone(None, self.number)) else { return };
        // Anyone has addresses of both families, and a block of one.
        let anyone = matches!(whom, Whom::Anyone);
        let mut shown = false;
        for class in subjects {
            if anyone || self.classes[*class].has(Family::of(outside)) {
                self.told[at(policy.direction)][*class] = true;
                shown = true;
            }
        }
        if !shown && let Some((shape, home)) = self.subject(search, half, port) {
            let subject = FoundEnd::Shape(shape, home);
            let outside = FoundEnd::Known(Endpoint::Address(outside));
            push(search, *part, self.arrives(half), subject, outside);
        }
    }

    /// A flow between known pods that passes by a rule: who is at its own end, and at the other.
    fn shown(
        &self,
        half: usize,
        subjects: &[usize],
        places: &Places,
        pairs: &mut Pairs<'_>,
    ) -> Option<(usize, usize)> {
        let there = at(opposite(self.halves[half].policy.direction));
        let arrives = self.arrives(half);
        for one in subjects {
            let passes = |peer: usize, want: &dyn Fn(&Pod) -> bool| {
                let destination = if arrives { *one } else { peer };
                peer != *one
                    && self.classes[*one].meets(&self.classes[peer])
                    && want(self.classes[destination].pod)
            };
            for (place, _) in places.iter().filter(|(_, sure)| *sure) {
                let want = self.halves[half].want;
                for peer in &self.open[there][*place] {
                    if self.means(half, *peer)
                        && passes(*peer, &|pod| want.alone(Some(pod), self.number).is_some())
                    {
                        return Some((*one, *peer));
                    }
                }
            }
            let mut next = 0;
            while let Some(Pair { other, .. }) = pairs.get(next) {
                next += 1;
                let two = &self.halves[other];
                let sure = places.binary_search(&(two.home, true)).is_ok();
                if !sure || !self.is_peer(other, *one) {
                    continue;
                }
                for peer in &self.selected[two.part.policy] {
                    if self.means(half, *peer)
                        && passes(*peer, &|pod| {
                            let want = self.halves[half].want;
                            meet(want, two.want, Some(pod), self.number).is_some()
                        })
                    {
                        return Some((*one, *peer));
                    }
                }
            }
        }
        None
    }

    /// One kind of known pods: who reaches them, or whom they reach, where nobody is told of yet.
    fn class(&mut self, search: &mut Search<'a>, class: usize, direction: Direction) {
        let (here, there) = (at(direction), at(opposite(direction)));
        let of = &self.classes[class];
        let place = of.home;
        // Whom nothing isolates any pod of any other namespace reaches, which a list has besides.
        if self.told[here][class] || !self.plain[here][place] || !of.isolated[here].is_yes() {
            return;
        }
        let policies: Vec<usize> = [&of.of[here][..], &of.perhaps[here][..]].concat();
        let mine = |half: &usize| policies.contains(&self.halves[*half].part.policy);
        let halves = self.of_place[here][place].iter().map(|glance| glance.half);
        let halves: Vec<usize> = halves.filter(mine).collect();
        let arrives = direction == Direction::Ingress;
        let pod = of.pod;
        for half in halves {
            let declared = arrives.then_some(pod);
            if !self.is_plain(half)
                || arrives && self.halves[half].want.alone(declared, self.number).is_none()
            {
                continue;
            }
            let Some(places) = self.places(half) else { continue };
            if let Some(Free::Shape(shape, home)) = self.free(search, half, &places) {
                let Some(port) = self.halves[half].want.alone(declared, self.number) else {
                    continue;
                };
                let peer = FoundEnd::Shape(with_ports(shape, port, !arrives), home);
                push(search, self.halves[half].part, arrives, self.known(class), peer);
                self.told[here][class] = true;
                return;
            }
            for (place, _) in places.iter() {
                for Glance { half: other, .. } in &self.of_place[there][*place] {
                    let two = &self.halves[*other];
                    if !self.may_be_peer(*other, class) {
                        continue;
                    }
                    let Some(port) = meet(self.halves[half].want, two.want, declared, self.number)
                    else {
                        continue;
                    };
                    let asked = [&two.policy.subject.pods.requirements, self.asked_of_peers(half)];
                    let spaces = [self.asked_of_spaces(half), None];
                    let Some(shape) = self.shape(search, two.home, asked, spaces) else { continue };
                    let home = two.home;
                    let peer = FoundEnd::Shape(with_ports(shape, port, !arrives), home);
                    push(search, self.halves[half].part, arrives, self.known(class), peer);
                    self.told[here][class] = true;
                    return;
                }
            }
        }
    }
}

fn push(search: &mut Search<'_>, part: Part, arrives: bool, one: FoundEnd, peer: FoundEnd) {
    let ends = if arrives { [peer, one] } else { [one, peer] };
    search.found.push(Found { part: Some(part), ends, hidden: false });
}

impl Search<'_> {
    /// How much of a flow between two pods that are not written gets through.
    fn passage(&mut self, ends: &Ends, port: Port) -> Passage {
        let [source, destination] = ends.each_ref().map(|(shape, _)| {
            let [end, _] = self.scratched(shape, false);
            end
        });
        let families = Family::ALL.into_iter();
        let passages = families.map(|family| {
            let (source, destination) = (source.clone(), destination.clone());
            let flow = Flow { source, destination, port, family, through_service: false };
            judge(&self.scratch[0].snapshot, self.sides[0].rules, &flow).passage()
        });
        passages.max().unwrap_or(Passage::Denied)
    }
}
