//! Which pods that are not written a change, or a list, cannot do without.
//!
//! In: two sides, or one, and how many steps may be taken. Out: for each part that only one side has a
//! flow that it opens or closes, if any population has one, between shapes of pods that ask for as
//! little as possible; what could not be decided; and what was given up.

mod between;
mod ends;
mod found;
mod meeting;
mod one_side;
mod rules;
mod shown;

use super::flows::{A_PEER, Flows, Of, Who, subject};
use super::homes::{Home, Side};
use super::parts::{Part, What, all, changed};
use super::sat::{Answer, Budget, Lit};
use super::shape::{Label, Shape};
use crate::cluster::{Family, Name};
use crate::policy::Ruleset;
use crate::policy::rule::{Action, Direction, PeerKind, Peers, Policy};
use crate::verdict::Endpoint;
use ends::{labels_differ, may_have, may_select, moved, peers, settings_differ};
use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};
use found::Scratch;
pub(super) use meeting::{Like, Meeting, Met, Wanted};
pub(super) use rules::FoundOthers;
use std::collections::BTreeSet;

/// The steps that it takes to see whether something is a question at all.
const A_LOOK: u64 = 10;

/// The places of what was not looked at at all.
pub(super) const EVERYWHERE: &str = "every namespace";

/// One end of a flow that was found.
#[derive(Clone, Debug)]
pub(super) enum FoundEnd {
    /// A pod that is not written, in this home.
    Shape(Shape, usize),
    /// One that is known.
    Known(Endpoint),
}

/// A flow that a part opens or closes.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) part: Option<Part>,
    pub(super) ends: [FoundEnd; 2],
    /// Both verdicts are unknown, so that an answer has no row for it.
    pub(super) hidden: bool,
}

/// What was not looked at to the end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Unfinished {
    pub(super) part: Option<Part>,
    /// The homes of both ends.
    pub(super) between: [String; 2],
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Goal {
    part: Option<Part>,
    how: How,
    also: Also,
    /// No policy isolates the subject in this direction, in the home with this index.
    open: Option<(Direction, usize)>,
}

/// How a flow is to differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum How {
    /// More gets through on this side.
    More(usize),
    /// It passes on a condition on both, and not on the same one.
    Rebound,
}

/// What is to hold at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Also {
    /// Whatever is needed.
    Whatever,
    /// No policy isolates it, so that it depends on nothing about the subject.
    Free,
    /// This rule lets it.
    Part(Part),
}

impl Goal {
    fn new(part: Option<Part>, how: How) -> Self {
        Self { part, how, also: Also::Whatever, open: None }
    }

    /// The same, whatever holds at the other end.
    fn itself(self) -> Self {
        Self { also: Also::Whatever, ..self }
    }
}

/// Kinds of ends at the other side of a subject, each of which is looked at for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Group {
    Outside,
    /// The address that each node may have for itself, which is asked about apart where two sides are compared.
    NodeLocal,
    Unwritten,
    OnNodes,
    /// A known pod that is not the same on both sides, by its place in the list of those.
    Known(usize),
}

/// Whether a comparison has anything to look for.
pub(super) fn anything_differs(sides: &[Side<'_>; 2]) -> bool {
    let [old, new] = sides.each_ref();
    !changed(old.rules, new.rules).is_empty() || ends_differ(sides)
}

/// Whether the ends that both sides have are not the same, or are not judged in the same way.
pub(super) fn ends_differ(sides: &[Side<'_>; 2]) -> bool {
    let both = sides.each_ref();
    settings_differ(both) || labels_differ(both) || !moved(sides).is_empty()
}

/// A search and what it found.
pub(super) struct Search<'a> {
    pub(super) sides: &'a [Side<'a>],
    pub(super) homes: &'a [Home],
    pub(super) found: Vec<Found>,
    pub(super) unfinished: BTreeSet<Unfinished>,
    pub(super) budget: Budget,
    /// Rules that let none of the known pods through that they name, and others.
    pub(super) only_others: Vec<FoundOthers>,
    /// Rules that have known pods at both ends were not asked about.
    pub(super) coarse: bool,
    scratch: Vec<Scratch>,
    /// Names for other namespaces by their labels.
    others: HashMap<Vec<Label>, Name>,
    /// The same names, which nothing else may have.
    taken: HashSet<Name>,
    done: HashSet<(Goal, Group)>,
    hidden: HashMap<(Goal, Group), Found>,
}
impl<'a> Search<'a> {
    pub(super) fn new(sides: &'a [Side<'a>], homes: &'a [Home], steps: u64) -> Self {
        let any = homes.first().map(|home| home.name.clone()).unwrap_or_default();
        Self {
            sides,
            homes,
            found: Vec::new(),
            unfinished: BTreeSet::new(),
            budget: Budget { steps },
            only_others: Vec::new(),
            coarse: false,
            scratch: sides.iter().map(|side| Scratch::new(side.snapshot)).collect(),
            taken: homes
                .iter()
                .flat_map(|home| &home.members)
                .cloned()
                .chain([any.clone()])
                .collect(),
            others: HashMap::from_iter([(Vec::new(), any)]),
            done: HashSet::new(),
            hidden: HashMap::new(),
        }
    }

    fn rules(&self) -> Vec<&'a Ruleset> {
        self.sides.iter().map(|side| side.rules).collect()
    }

    /// Looks for what a change opens and closes.
    pub(super) fn differences(&mut self) {
        let [old, new] = self.sides else { return };
        let mut parts = changed(old.rules, new.rules);
        let moved = moved(self.sides);
        let other = settings_differ([old, new]);
        let every: Vec<Part> =
            [(0, old), (1, new)].into_iter().flat_map(|(side, of)| all(side, of.rules)).collect();
        if other {
            parts.clone_from(&every);
        }
        let conditions = self.sides.iter().all(|side| side.rules.traits().conditions);
        let hows = [How::More(1), How::More(0), How::Rebound];
        let hows = if conditions { &hows[..] } else { &hows[..2] };
        let each = |part| hows.iter().map(move |how| Goal::new(part, *how));
        let any_changed = self.homes.iter().any(|home| home.changed) || !moved.is_empty();
        for direction in Direction::ALL {
            for (place, home) in self.homes.iter().enumerate() {
                let who = Who::Unwritten(home, home.name.clone());
                let changed = home.changed;
                let of = |parts: &[Part]| self.relevant(parts, direction, home);
                let some = of(&parts);
                let whole = if any_changed { of(&every) } else { Vec::new() };
                let goals = |some: &[Part]| -> Vec<Goal> {
                    let parts = some.iter().map(|part| Some(*part));
                    let parts = parts.chain(other.then_some(None));
                    parts.flat_map(each).collect()
                };
                let narrow = goals(if changed { &whole } else { &some });
                let wide = goals(&whole);
                self.subject(direction, (place, &who), &narrow, &wide, &moved);
            }
            for (at, both) in moved.iter().enumerate() {
                let [old, new] = both.each_ref().map(|id| Endpoint::Pod(*id));
                let goals: Vec<Goal> = every
                    .iter()
                    .filter(|part| part.direction(&self.rules()) == direction)
                    .flat_map(|part| each(Some(*part)))
                    .collect();
                let who = Who::One([[old, new]].into());
                for home in self.homes {
                    self.pair(
                        direction,
                        &who,
                        &Who::Unwritten(home, home.name.clone()),
                        &goals,
                        Group::Known(at),
                    );
                }
            }
        }
        self.finish();
    }

    /// What was found to differ without being known is told where nothing better was found.
    fn finish(&mut self) {
        let hidden = std::mem::take(&mut self.hidden);
        let mut hidden: Vec<_> = hidden.into_iter().collect();
        hidden.sort_by_key(|(key, _)| *key);
        for ((goal, group), found) in hidden {
            if !self.done.contains(&(goal, group)) {
                self.found.push(found);
            }
        }
    }

    /// Those whose policies may select pods of a home.
    fn relevant(&self, parts: &[Part], direction: Direction, home: &Home) -> Vec<Part> {
        let rules = self.rules();
        let may = |part: &&Part| {
            let policy = part.policy(&rules);
            policy.direction == direction && may_select(policy, part.side, home)
        };
        parts.iter().filter(may).copied().collect()
    }

    /// Looks at everyone who may be at the other end. `wide` are the goals for ends that are not the
    /// same on both sides.
    fn subject(
        &mut self,
        direction: Direction,
        (place, who): (usize, &Who<'a>),
        narrow: &[Goal],
        wide: &[Goal],
        moved: &[[usize; 2]],
    ) {
        let home = &self.homes[place];
        let any_changed = self.homes.iter().any(|home| home.changed) || !moved.is_empty();
        if narrow.is_empty() && (wide.is_empty() || !any_changed) {
            return;
        }
        let policies = self.policies(direction, home);
        if !narrow.is_empty() {
            for family in Family::ALL {
                for (group, outside) in self.outside(family, &policies) {
                    self.pair_in(family, direction, who, &outside, narrow, group);
                }
            }
        }
        for other in self.homes {
            let goals = if other.changed { wide } else { narrow };
            // In the same namespace, and in another one like it.
            let again = (std::ptr::eq(home, other)).then(|| home.members.get(1)).flatten();
            for name in std::iter::once(&other.name).chain(again) {
                let peer = Who::Unwritten(other, name.clone());
                self.pair(direction, who, &peer, goals, Group::Unwritten);
            }
        }
        if !narrow.is_empty()
            && let Some(nodes) = self.on_nodes(&policies)
        {
            for family in Family::ALL {
                self.pair_in(family, direction, who, &nodes, narrow, Group::OnNodes);
            }
        }
        for (at, both) in moved.iter().enumerate() {
            let [old, new] = both.map(Endpoint::Pod);
            let peer = Who::One([[old, new]].into());
            self.pair(direction, who, &peer, wide, Group::Known(at));
        }
    }

    /// The policies of all sides that may select pods of a home.
    fn policies(&self, direction: Direction, home: &Home) -> Vec<&'a Policy> {
        let of = |side: &Side<'a>| {
            side.rules
                .candidates(&home.name, direction)
                .map(|(_, policy)| policy)
                .collect::<Vec<_>>()
        };
        self.sides.iter().flat_map(of).collect()
    }

    /// Whether no steps are left, so that nothing more is asked of any place.
    fn is_over(&mut self) -> bool {
        let over = self.budget.steps == 0;
        if over {
            self.give_up_all();
        }
        over
    }

    fn give_up_all(&mut self) {
        let between = [EVERYWHERE, EVERYWHERE].map(str::to_owned);
        self.unfinished.insert(Unfinished { part: None, between });
    }

    fn pair(
        &mut self,
        direction: Direction,
        who: &Who<'a>,
        peer: &Who<'a>,
        goals: &[Goal],
        group: Group,
    ) {
        if self.is_over() {
            return;
        }
        self.budget.steps = self.budget.steps.saturating_sub(goals.len() as u64);
        if goals.iter().all(|goal| self.done.contains(&(*goal, group))) {
            return;
        }
        let addresses = self.sides.iter().any(|side| side.rules.traits().pod_addresses);
        let nets: Vec<_> = self.sides.iter().flat_map(|side| &side.snapshot.pod_cidrs).collect();
        let there = |family: &Family| {
            nets.is_empty() || nets.iter().any(|net| Family::of_net(**net) == *family)
        };
        let families = Family::ALL.into_iter().filter(there);
        for family in families.take(if addresses { 2 } else { 1 }) {
            self.pair_in(family, direction, who, peer, goals, group);
        }
    }

    fn pair_in(
        &mut self,
        family: Family,
        direction: Direction,
        who: &Who<'a>,
        peer: &Who<'a>,
        goals: &[Goal],
        group: Group,
    ) {
        let mut flows: Option<Flows<'a>> = None;
        for goal in goals {
            // Even what is soon seen to be no question takes time.
            self.budget.steps = self.budget.steps.saturating_sub(A_LOOK);
            if self.done.contains(&(*goal, group)) || !self.is_wanted(*goal, group) {
                continue;
            }
            if let Who::Unwritten(home, _) = peer
                && !self.may_be(*goal, home)
            {
                continue;
            }
            if self.budget.steps == 0 {
                self.give_up(*goal, direction, who, peer);
                continue;
            }
            if flows.is_none() && self.weight(direction, who, peer) > self.budget.steps {
                self.give_up(*goal, direction, who, peer);
                continue;
            }
            let flows = flows.get_or_insert_with(|| {
                let mut ends = [who.clone(), peer.clone()];
                if subject(direction) == 1 {
                    ends.reverse();
                }
                Flows::new(self.sides, ends, family)
            });
            let opened = match goal.how {
                How::More(side) => flows.opened(side),
                How::Rebound => flows.rebound(),
            };
            let mut wanted = Vec::new();
            if let Some((direction, _)) = goal.open {
                wanted.push(flows.unprotected(direction));
            }
            match goal.also {
                Also::Whatever => {}
                Also::Free => wanted.push(flows.unprotected(opposite(direction))),
                Also::Part(part) => wanted.push(flows.part(part)),
            }
            let mut named = false;
            match goal.part {
                None => wanted.push(opened),
                Some(part) => {
                    wanted.push(flows.part(part));
                    named = matches!(part.what, What::Rule { name: Some(_), .. });
                    let refuses = self.sides.len() == 1 && self.action(part) != Some(Action::Allow);
                    wanted.push(if refuses { !opened } else { opened });
                }
            }
            match self.ask(flows, &wanted, named) {
                Answer::No => {}
                Answer::GivenUp => self.give_up(*goal, direction, who, peer),
                Answer::Yes => self.take(flows, [who, peer], direction, *goal, group),
            }
        }
    }

    /// The steps that it takes at least to say what policies of a place make of many ends.
    fn weight(&self, direction: Direction, who: &Who<'a>, peer: &Who<'a>) -> u64 {
        let (Who::Unwritten(home, _), Who::One(ends)) = (who, peer) else { return 0 };
        let policies = self.policies(direction, home);
        let peers = policies.into_iter().flat_map(peers);
        // Of blocks only those ends are looked at that they have.
        let each = peers.filter(|peer| !matches!(peer, PeerKind::Addresses(..))).count();
        each.saturating_mul(ends.len()).saturating_mul(A_PEER) as u64
    }

    fn action(&self, part: Part) -> Option<Action> {
        let What::Rule { entry, .. } = part.what else { return None };
        Some(part.policy(&self.rules()).entries.get(entry)?.action)
    }

    /// Whether the other end can be a pod of a home, as far as namespaces tell.
    fn may_be(&self, goal: Goal, home: &Home) -> bool {
        let rules = self.rules();
        if let Also::Part(part) = goal.also
            && !may_select(part.policy(&rules), part.side, home)
        {
            return false;
        }
        let Some(Part { side, what: What::Rule { entry, peer: Some(peer), .. }, .. }) = goal.part
        else {
            return true;
        };
        let policy = goal.part.map(|part| part.policy(&rules));
        let rule = policy.and_then(|policy| policy.entries.get(entry));
        match rule.map(|rule| &rule.peers) {
            Some(Peers::Of(items)) => match items.get(peer).map(|item| &item.admits) {
                Some(PeerKind::Pods(set)) => may_have(set, side, home),
                _ => true,
            },
            _ => true,
        }
    }

    /// Whether a group can be meant by a part: peers that are pods mean no one else, and where a block
    /// opens something to the outside, what it means among pods is no further question.
    fn is_wanted(&self, goal: Goal, group: Group) -> bool {
        let Some(part) = goal.part else { return true };
        let What::Rule { entry, peer: Some(peer), .. } = part.what else { return true };
        let rules = self.rules();
        let Some(rule) = part.policy(&rules).entries.get(entry) else { return true };
        let Peers::Of(items) = &rule.peers else { return true };
        match items.get(peer).map(|item| &item.admits) {
            Some(PeerKind::Pods(_)) => {
                !matches!(group, Group::Outside | Group::NodeLocal | Group::OnNodes)
            }
            Some(PeerKind::Addresses(..)) => {
                group == Group::Outside || !self.done.contains(&(goal.itself(), Group::Outside))
            }
            _ => true,
        }
    }

    /// Asks, and leaves out every label that can be left out.
    fn ask(&mut self, flows: &mut Flows<'a>, wanted: &[Lit], named: bool) -> Answer {
        let mut wanted = wanted.to_vec();
        let mut answer = Answer::No;
        if named {
            // A name whose number no rule gives is that of the name alone.
            let unmentioned = flows.unmentioned;
            wanted.push(unmentioned);
            answer = flows.circuit.ask(&wanted, &mut self.budget);
            if answer == Answer::No {
                wanted.pop();
            }
        }
        if answer == Answer::No {
            answer = flows.circuit.ask(&wanted, &mut self.budget);
        }
        if answer != Answer::Yes {
            return answer;
        }
        let mut lits: Vec<Lit> = Vec::new();
        for ((of, key), values) in &flows.labels {
            let account =
                matches!(of, Of::Pod(_)) && **key == *crate::cluster::SERVICE_ACCOUNT_LABEL;
            if !account {
                lits.extend(values.some.values().chain([&values.other]).filter_map(|lit| *lit));
            }
        }
        lits.extend(flows.named.values().flatten());
        let mut absent = wanted;
        let mut there = Vec::new();
        for lit in lits {
            if flows.circuit.holds(lit) {
                there.push(lit);
            } else {
                absent.push(!lit);
            }
        }
        let mut needed = false;
        for lit in there {
            absent.push(!lit);
            needed = flows.circuit.ask(&absent, &mut self.budget) != Answer::Yes;
            if needed {
                absent.pop();
                absent.push(lit);
            }
        }
        if needed {
            // The last question was answered with no: the values are those of none.
            return flows.circuit.ask(&absent, &mut self.budget);
        }
        Answer::Yes
    }

    fn give_up(&mut self, goal: Goal, direction: Direction, who: &Who<'a>, peer: &Who<'a>) {
        let words = |who: &Who<'a>| match who {
            Who::Unwritten(home, _) if home.other => "any other namespace".to_owned(),
            Who::Unwritten(_, name) => name.to_string(),
            Who::One(_) => "others".to_owned(),
        };
        let mut between = [words(who), words(peer)];
        if subject(direction) == 1 {
            between.reverse();
        }
        self.unfinished.insert(Unfinished { part: goal.part, between });
    }
}

fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::Ingress => Direction::Egress,
        Direction::Egress => Direction::Ingress,
    }
}
