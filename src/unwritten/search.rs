//! Which pods that are not written a change, or a list, cannot do without.
//!
//! In: two sides, or one, and how many steps may be taken. Out: for each part that only one side has a
//! flow that it opens or closes, if any population has one, between shapes of pods that ask for as
//! little as possible; what could not be decided; and what was given up.

use super::flows::{Flows, Of, Who, subject};
use super::homes::{Home, Side, free_name};
use super::parts::{Part, What, all, changed};
use super::sat::{Answer, Budget, Lit};
use super::shape::{Label, Place, Shape};
use crate::cluster::{
    AddressBlock, Family, Name, ObjectRef, Pod, Port, Representative, Snapshot, Truth,
};
use crate::policy::rule::{Action, Direction, Namespaces, PeerKind, Peers, Policy};
use crate::policy::{NODE_LOCAL_DNS, Ruleset};
use crate::verdict::{Endpoint, Flow, Passage, judge, means};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

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
    /// The side on which more is to get through.
    side: usize,
    also: Also,
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
    fn new(part: Option<Part>, side: usize) -> Self {
        Self { part, side, also: Also::Whatever }
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
    Unwritten,
    OnNodes,
    /// A known pod that is not the same on both sides, by its place in the list of those.
    Known(usize),
}

/// A search and what it found.
pub(super) struct Search<'a> {
    pub(super) sides: &'a [Side<'a>],
    pub(super) homes: &'a [Home],
    pub(super) found: Vec<Found>,
    pub(super) unfinished: BTreeSet<Unfinished>,
    pub(super) budget: Budget,
    scratch: Vec<Scratch>,
    /// Names for other namespaces by their labels.
    others: Vec<(Vec<Label>, Name)>,
    done: HashSet<(Goal, Group)>,
    hidden: HashMap<(Goal, Group), Found>,
}

/// A snapshot with only what judging a flow between unwritten pods needs.
struct Scratch {
    snapshot: Snapshot,
    pods: HashMap<(Name, Name), usize>,
}

impl Scratch {
    fn new(of: &Snapshot) -> Self {
        let mut snapshot = Snapshot::default();
        snapshot.nodes.clone_from(&of.nodes);
        snapshot.pod_cidrs.clone_from(&of.pod_cidrs);
        let servers = of.endpoint_slices.iter();
        for slice in servers.filter(|s| &*s.namespace == "default" && &*s.service == "kubernetes") {
            snapshot.endpoint_slices.push(slice.clone());
        }
        Self { snapshot, pods: HashMap::new() }
    }

    fn pod(&mut self, pod: Pod, add: impl FnOnce(&mut Snapshot, Pod) -> usize) -> usize {
        let key = (pod.namespace.clone(), pod.name.clone());
        if let Some(known) = self.pods.get(&key) {
            return *known;
        }
        let id = add(&mut self.snapshot, pod);
        self.pods.insert(key, id);
        id
    }
}

impl<'a> Search<'a> {
    pub(super) fn new(sides: &'a [Side<'a>], homes: &'a [Home], steps: u64) -> Self {
        Self {
            sides,
            homes,
            found: Vec::new(),
            unfinished: BTreeSet::new(),
            budget: Budget { steps },
            scratch: sides.iter().map(|side| Scratch::new(side.snapshot)).collect(),
            others: vec![(
                Vec::new(),
                homes.first().map(|home| home.name.clone()).unwrap_or_default(),
            )],
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
        let other = settings_differ(old, new, self.homes);
        if parts.is_empty() && moved.is_empty() && !other && !self.homes.iter().any(|h| h.changed) {
            return;
        }
        let every: Vec<Part> =
            [(0, old), (1, new)].into_iter().flat_map(|(side, of)| all(side, of.rules)).collect();
        if other {
            parts.clone_from(&every);
        }
        for direction in Direction::ALL {
            for (place, home) in self.homes.iter().enumerate() {
                let who = Who::Unwritten(home, home.name.clone());
                let changed = home.changed;
                let of = |parts: &[Part]| self.relevant(parts, direction, home);
                let (some, whole) = (of(&parts), of(&every));
                let goals = |some: &[Part]| -> Vec<Goal> {
                    let parts = some.iter().map(|part| Some(*part));
                    let parts = parts.chain(other.then_some(None));
                    parts.flat_map(|part| [1, 0].map(|side| Goal::new(part, side))).collect()
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
                    .flat_map(|part| [1, 0].map(|side| Goal::new(Some(*part), side)))
                    .collect();
                let who = Who::One(vec![[old, new]]);
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

    /// Looks for what rules of one side allow and refuse. A pod that no policy isolates the other way
    /// shows what a rule does for every pod it speaks for; only where there is none such are rules of
    /// both ends looked at in pairs.
    pub(super) fn effects(&mut self) {
        let [side] = self.sides else { return };
        let parts = all(0, side.rules);
        let parts: Vec<Part> = parts.into_iter().filter(|p| p.what != What::Isolation).collect();
        let (allow, refuse): (Vec<Part>, Vec<Part>) =
            parts.iter().partition(|part| self.action(**part) == Some(Action::Allow));
        let goal = |part: &Part, also| Goal { also, ..Goal::new(Some(*part), 0) };
        for direction in Direction::ALL {
            for (place, home) in self.homes.iter().enumerate() {
                let who = Who::Unwritten(home, home.name.clone());
                let allow = self.relevant(&allow, direction, home);
                let free = allow.iter().map(|part| goal(part, Also::Free));
                let refuse = self.relevant(&refuse, direction, home);
                let refuse = refuse.iter().map(|part| goal(part, Also::Whatever));
                let goals: Vec<Goal> = free.chain(refuse).collect();
                self.subject(direction, (place, &who), &goals, &[], &[]);
                self.unprotected(direction, (place, home));
            }
        }
        let rules = self.rules();
        for direction in Direction::ALL {
            let others: Vec<Part> =
                allow.iter().filter(|part| part.direction(&rules) != direction).copied().collect();
            for home in self.homes {
                let who = Who::Unwritten(home, home.name.clone());
                let mut open = self.relevant(&allow, direction, home);
                let done = &self.done;
                open.retain(|p| !done.contains(&(Goal::new(Some(*p), 0), Group::Unwritten)));
                let pairs = open
                    .iter()
                    .flat_map(|part| others.iter().map(|other| goal(part, Also::Part(*other))));
                let goals: Vec<Goal> = pairs.collect();
                for other in self.homes {
                    self.pair(
                        direction,
                        &who,
                        &Who::Unwritten(other, other.name.clone()),
                        &goals,
                        Group::Unwritten,
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
        if narrow.is_empty() && !(any_changed && !wide.is_empty()) {
            return;
        }
        let policies = self.policies(direction, home);
        if !narrow.is_empty() {
            for family in Family::ALL {
                if let Some(outside) = self.outside(family, &policies) {
                    self.pair_in(family, direction, who, &outside, narrow, Group::Outside);
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
            let peer = Who::One(vec![[old, new]]);
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

    fn pair(
        &mut self,
        direction: Direction,
        who: &Who<'a>,
        peer: &Who<'a>,
        goals: &[Goal],
        group: Group,
    ) {
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
            if self.done.contains(&(*goal, group)) || !self.is_wanted(*goal, group) {
                continue;
            }
            if let (Also::Part(part), Who::Unwritten(home, _)) = (goal.also, peer)
                && !may_select(part.policy(&self.rules()), part.side, home)
            {
                continue;
            }
            if self.budget.steps == 0 {
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
            let opened = flows.opened(goal.side);
            let mut wanted = Vec::new();
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

    fn action(&self, part: Part) -> Option<Action> {
        let What::Rule { entry, .. } = part.what else { return None };
        Some(part.policy(&self.rules()).entries.get(entry)?.action)
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
            Some(PeerKind::Pods(_)) => group != Group::Outside && group != Group::OnNodes,
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
        lits.extend(flows.named.values());
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

    /// Takes the flow that was found last, if judging it says the same.
    fn take(
        &mut self,
        flows: &Flows<'a>,
        [who, peer]: [&Who<'a>; 2],
        direction: Direction,
        goal: Goal,
        group: Group,
    ) {
        let mut ends = [who, peer];
        if subject(direction) == 1 {
            ends.reverse();
        }
        let Some(port) = flows.ports.iter().find(|(.., lit)| flows.circuit.holds(*lit)) else {
            return;
        };
        let port = Port { protocol: port.0, number: port.1.first };
        let mut found = Vec::new();
        let mut endpoints: Vec<[Endpoint; 2]> = Vec::new();
        for (role, who) in ends.into_iter().enumerate() {
            match who {
                Who::Unwritten(home, name) => {
                    let shape = self.shape(flows, role, home, name, port);
                    let place = self.homes.iter().position(|h| std::ptr::eq(h, *home)).unwrap_or(0);
                    endpoints.push(self.scratched(&shape));
                    found.push(FoundEnd::Shape(shape, place));
                }
                Who::One(all) => {
                    let chosen =
                        flows.one_of[role].iter().position(|lit| flows.circuit.holds(*lit));
                    let Some(both) = chosen.and_then(|i| all.get(i)) else { return };
                    endpoints.push(self.scratched_known(both));
                    found.push(FoundEnd::Known(both[0].clone()));
                }
            }
        }
        let (Ok(ends), [source, destination]) =
            (<[FoundEnd; 2]>::try_from(found), endpoints.as_slice())
        else {
            return;
        };
        let passages: Vec<Passage> = (0..self.sides.len())
            .map(|side| {
                let flow = Flow {
                    source: source[side].clone(),
                    destination: destination[side].clone(),
                    port,
                    family: flows.family,
                    through_service: false,
                };
                judge(&self.scratch[side].snapshot, self.sides[side].rules, &flow).passage()
            })
            .collect();
        let seen = match passages.as_slice() {
            [old, new] => old != new,
            _ => true,
        };
        let found = Found { part: goal.part, ends, hidden: !seen };
        if seen {
            self.done.insert((goal, group));
            self.done.insert((goal.itself(), group));
            self.found.push(found);
        } else {
            self.hidden.entry((goal, group)).or_insert(found);
        }
    }

    /// The pod that was found last.
    fn shape(
        &mut self,
        flows: &Flows<'a>,
        role: usize,
        home: &Home,
        name: &Name,
        port: Port,
    ) -> Shape {
        let labels = |wanted: Of| -> Vec<Label> {
            let mut all = Vec::new();
            for ((of, key), values) in &flows.labels {
                if *of != wanted {
                    continue;
                }
                let holds = |lit: &Option<Lit>| lit.is_some_and(|lit| flows.circuit.holds(lit));
                let some = values.some.iter().find(|(_, lit)| holds(lit));
                if let Some((value, _)) = some {
                    all.push(Label { key: key.clone(), value: value.clone(), any: false });
                } else if holds(&values.other) {
                    let value = free_name("other", |name| values.some.contains_key(name));
                    all.push(Label { key: key.clone(), value, any: true });
                }
            }
            all
        };
        let supposed = match home.labels {
            None => labels(flows.of_namespace(role)),
            Some(_) => Vec::new(),
        };
        let place = if home.other {
            Place::Other { name: self.other_name(&supposed), supposed }
        } else if home.written {
            Place::AsIs(name.clone())
        } else {
            let known = home.labels.as_ref().map(|both| both[0].clone()).unwrap_or_default();
            Place::Named { name: name.clone(), supposed, known }
        };
        let ports = if role == 1 {
            let named = flows.named.iter().filter(|(_, lit)| flows.circuit.holds(**lit));
            named
                .filter(|((_, protocol), _)| *protocol == port.protocol)
                .map(|((name, _), _)| (name.clone(), port))
                .collect()
        } else {
            Vec::new()
        };
        Shape { place, labels: labels(Of::Pod(role)), ports }
    }

    /// The name of another namespace with these labels.
    fn other_name(&mut self, labels: &[Label]) -> Name {
        if let Some((_, name)) = self.others.iter().find(|(known, _)| known == labels) {
            return name.clone();
        }
        let taken = |name: &str| {
            self.others.iter().any(|(_, known)| **known == *name)
                || self.homes.iter().any(|home| home.members.iter().any(|m| **m == *name))
        };
        let name = free_name("other-namespace", taken);
        self.others.push((labels.to_vec(), name.clone()));
        name
    }

    /// A shape as a pod of each scratch.
    fn scratched(&mut self, shape: &Shape) -> [Endpoint; 2] {
        let of = |search: &mut Self, side: usize| {
            let scratch = &mut search.scratch[side];
            if let Place::AsIs(name) = &shape.place
                && scratch.snapshot.namespace(name).is_none()
            {
                let known = search.sides[side].snapshot.namespace(name);
                let labels = known.map(|namespace| namespace.labels.clone()).unwrap_or_default();
                scratch.snapshot.add_namespace(name.clone(), &labels, None);
            }
            let none = || Representative {
                words: "".into(),
                asked: "".into(),
                group: "".into(),
                brought_by: Vec::new(),
            };
            Endpoint::Pod(scratch.pod(shape.pod(), |snapshot, _| shape.add_to(snapshot, none())))
        };
        let old = of(self, 0);
        let new = if self.sides.len() > 1 { of(self, 1) } else { old.clone() };
        [old, new]
    }

    fn scratched_known(&mut self, both: &[Endpoint; 2]) -> [Endpoint; 2] {
        let mut out = both.clone();
        for (side, end) in out.iter_mut().enumerate().take(self.sides.len()) {
            let Endpoint::Pod(id) = end else { continue };
            let snapshot = self.sides[side].snapshot;
            let pod = snapshot.pod(*id).clone();
            let scratch = &mut self.scratch[side];
            if let Some(namespace) = snapshot.namespace(&pod.namespace)
                && scratch.snapshot.namespace(&pod.namespace).is_none()
            {
                if namespace.labels_unread {
                    scratch.snapshot.add_unread_namespace(&pod.namespace);
                } else {
                    let name = pod.namespace.clone();
                    scratch.snapshot.add_namespace(name, &namespace.labels, None);
                }
            }
            *id = scratch.pod(pod, |snapshot, pod| snapshot.add_pod(pod));
        }
        out
    }

    /// Addresses outside that some rule of these policies can tell apart.
    fn outside(&self, family: Family, policies: &[&Policy]) -> Option<Who<'a>> {
        let peers = policies.iter().flat_map(|policy| peers(policy));
        let blocks = peers.filter_map(|peer| match peer {
            PeerKind::Addresses(block, _) => Some(block),
            _ => None,
        });
        let of_family: Vec<&AddressBlock> =
            blocks.filter(|block| Family::of_net(block.cidr) == family).collect();
        // Where no block asks, one family shows what the other has.
        if of_family.is_empty() && family == Family::V6 {
            return None;
        }
        let single = |cidr| AddressBlock { cidr, except: Vec::new() };
        let mut more: Vec<AddressBlock> = Vec::new();
        let cilium = self.sides.iter().any(|side| side.rules.cilium().is_some());
        for side in self.sides {
            more.extend(side.snapshot.pod_cidrs.iter().map(|net| single(*net)));
            more.extend(
                side.snapshot.api_server().into_iter().flatten().map(|ip| single(ip.into())),
            );
        }
        more.extend(cilium.then(|| single(NODE_LOCAL_DNS.into())));
        let atoms = crate::reach::Atoms::cut(family, of_family.into_iter().chain(&more));
        let of_pods = |ip| {
            let nets = self.sides.iter().flat_map(|side| &side.snapshot.pod_cidrs);
            cilium && nets.into_iter().any(|net| net.contains(&ip))
        };
        let all = (0..atoms.len()).map(|atom| atoms.example(atom, |_| false));
        let all = all.filter(|ip| !of_pods(*ip)).map(Endpoint::Address);
        Some(Who::One(all.map(|ip| [ip.clone(), ip]).collect()))
    }

    /// Nodes, and pods on their networks, that all sides have and these policies can tell apart.
    fn on_nodes(&self, policies: &[&Policy]) -> Option<Who<'a>> {
        let mut all: Vec<[Endpoint; 2]> = Vec::new();
        let mut nodes: BTreeMap<&Name, [Option<usize>; 2]> = BTreeMap::new();
        let mut pods: BTreeMap<(&Name, &Name), [Option<usize>; 2]> = BTreeMap::new();
        for (at, side) in self.sides.iter().enumerate() {
            if !side.snapshot.has_ends_on_nodes() {
                return None;
            }
            for (index, node) in side.snapshot.nodes.iter().enumerate() {
                nodes.entry(&node.name).or_default()[at].get_or_insert(index);
            }
            let on_node = side.snapshot.pods().iter().enumerate();
            for (id, pod) in on_node.filter(|(_, pod)| pod.host_network && !pod.finished) {
                pods.entry((&pod.namespace, &pod.name)).or_default()[at].get_or_insert(id);
            }
        }
        let two = self.sides.len() > 1;
        let both = |[old, new]: [Option<usize>; 2]| Some([old?, if two { new? } else { old? }]);
        all.extend(nodes.into_values().filter_map(both).map(|both| both.map(Endpoint::Node)));
        all.extend(pods.into_values().filter_map(both).map(|both| both.map(Endpoint::Pod)));
        let asked: Vec<&PeerKind> = policies.iter().flat_map(|policy| peers(policy)).collect();
        let mut seen: HashSet<Vec<Truth>> = HashSet::new();
        all.retain(|both| {
            let mut shows = Vec::with_capacity(asked.len());
            for (side, end) in self.sides.iter().zip(both) {
                let cilium = side.rules.cilium().is_some();
                for peer in &asked {
                    for family in Family::ALL {
                        shows.push(means(side.snapshot, cilium, peer, end, family));
                    }
                }
            }
            seen.insert(shows)
        });
        (!all.is_empty()).then_some(Who::One(all))
    }

    /// A pod of a home that nothing isolates, if there can be one.
    fn unprotected(&mut self, direction: Direction, (_, home): (usize, &'a Home)) {
        let who = Who::Unwritten(home, home.name.clone());
        let other = &self.homes[0];
        let peer = Who::Unwritten(other, other.name.clone());
        let mut ends = [who.clone(), peer.clone()];
        if subject(direction) == 1 {
            ends.reverse();
        }
        let mut flows = Flows::new(self.sides, ends, Family::V4);
        let wanted = flows.unprotected(direction);
        let goal = Goal::new(None, 0);
        match self.ask(&mut flows, &[wanted], false) {
            Answer::Yes => self.take(&flows, [&who, &peer], direction, goal, Group::Unwritten),
            Answer::No => {}
            Answer::GivenUp => self.give_up(goal, direction, &who, &peer),
        }
    }
}

fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::Ingress => Direction::Egress,
        Direction::Egress => Direction::Ingress,
    }
}

/// Every peer that a policy names.
fn peers(policy: &Policy) -> impl Iterator<Item = &PeerKind> {
    let lists = policy.entries.iter().filter_map(|entry| match &entry.peers {
        Peers::Any => None,
        Peers::Of(items) => Some(items),
    });
    lists.flatten().map(|peer| &peer.admits)
}

/// Whether a policy may select pods of a home.
fn may_select(policy: &Policy, side: usize, home: &Home) -> bool {
    match &policy.subject.namespaces {
        Namespaces::Own(name) => *name == home.name,
        Namespaces::Matching(selector) => selector.requirements.iter().all(|requirement| {
            if *requirement.key == *crate::cluster::NAMESPACE_NAME_LABEL {
                return requirement.holds_for(Some(home.real()));
            }
            let Some(labels) = &home.labels else { return true };
            requirement.holds_for(labels[side].get(&requirement.key))
        }),
    }
}

/// Whether something besides the policies is not the same on both sides.
fn settings_differ(old: &Side<'_>, new: &Side<'_>, homes: &[Home]) -> bool {
    let unread = |side: &Side<'_>, name: &Name| {
        [side.rules.is_unread(name), side.rules.may_have_denials(name)]
    };
    old.rules.enforcer() != new.rules.enforcer()
        || old.rules.cluster_wide_unread() != new.rules.cluster_wide_unread()
        || old.snapshot.pod_cidrs != new.snapshot.pod_cidrs
        || old.snapshot.api_server() != new.snapshot.api_server()
        || nodes_differ(old.snapshot, new.snapshot)
        || homes.iter().any(|home| unread(old, &home.name) != unread(new, &home.name))
}

/// Whether what both sides know of some node, or of a pod on its network, is not the same.
fn nodes_differ(old: &Snapshot, new: &Snapshot) -> bool {
    // Without any node known, whatever is outside may be one.
    if old.nodes.is_empty() != new.nodes.is_empty() {
        return true;
    }
    let nodes: HashMap<&Name, _> =
        old.nodes.iter().rev().map(|n| (&n.name, (&n.labels, &n.ips))).collect();
    let pods = |side: &Snapshot| -> BTreeMap<_, _> {
        let all = if side.has_ends_on_nodes() { side.pods() } else { &[] };
        let on_node = all.iter().filter(|pod| pod.host_network && !pod.finished);
        on_node.map(|pod| (own_key(pod), (pod.node.clone(), pod.ips.clone()))).collect()
    };
    let (before, after) = (pods(old), pods(new));
    new.nodes.iter().any(|n| nodes.get(&n.name).is_some_and(|was| *was != (&n.labels, &n.ips)))
        || after.iter().any(|(key, is)| before.get(key).is_some_and(|was| was != is))
}

fn own_key(pod: &Pod) -> (Name, Name, bool) {
    (pod.namespace.clone(), pod.name.clone(), pod.template)
}

/// The known pods that are not the same on both sides, as far as rules can see.
fn moved(sides: &[Side<'_>]) -> Vec<[usize; 2]> {
    let [old, new] = sides else { return Vec::new() };
    let mut keys: BTreeSet<&str> = BTreeSet::new();
    for policy in sides.iter().flat_map(|side| side.rules.policies()) {
        let sets = super::homes::sets(policy);
        keys.extend(sets.flat_map(|set| &set.pods.requirements).map(|r| &*r.key));
    }
    let names: HashMap<(&Name, &Name, bool), usize> =
        old.snapshot.pods().iter().enumerate().map(|(id, pod)| (key(pod), id)).collect();
    let owner = |side: &Side<'_>, pod: &Pod| -> Option<ObjectRef> {
        Some(side.snapshot.workloads.get(pod.owner?)?.object.clone())
    };
    let mut owned: HashMap<ObjectRef, usize> = HashMap::new();
    let mut moved = Vec::new();
    for (id, pod) in new.snapshot.pods().iter().enumerate() {
        if pod.finished || pod.host_network {
            continue;
        }
        let before = names.get(&key(pod)).copied().or_else(|| {
            if owned.is_empty() {
                let pods = old.snapshot.pods().iter().enumerate().rev();
                owned.extend(pods.filter_map(|(id, pod)| Some((owner(old, pod)?, id))));
            }
            owned.get(&owner(new, pod)?).copied()
        });
        let Some(before) = before else { continue };
        let was = old.snapshot.pod(before);
        let same = keys.iter().all(|key| was.label(key) == pod.label(key))
            && was.unknown_labels == pod.unknown_labels
            && was.ports == pod.ports
            && was.ips == pod.ips
            && !was.finished
            && !was.host_network;
        if !same && !was.finished && !was.host_network {
            moved.push([before, id]);
        }
    }
    moved
}

fn key(pod: &Pod) -> (&Name, &Name, bool) {
    (&pod.namespace, &pod.name, pod.template)
}
