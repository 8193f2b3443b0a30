//! How far one gets from somewhere, step by step, over all that policies allow.
//!
//! In: a snapshot, its rules, and where it begins. Out: all pods that are reached, by how many
//! hops and by which shortest way ([`onward`]), and which few changes would cut a way ([`cuts`]). Whatever is
//! reached may be taken over and go on from there; nodes and what is outside are no steps. Pods that no
//! rule tells apart are one place, so the work grows with places and not with pods.

mod cut;

pub use cut::{Change, Cut, Cuts, cuts};

use crate::cluster::{Family, Name, PodId, Snapshot};
use crate::effort::{Effort, TooMuch, Work};
use crate::ends::{Endpoint, Resolved};
use crate::entry::{self, Front, Fronts, OnNodes};
use crate::policy::Ruleset;
use crate::prose;
use crate::reach::{Connectivity, End, PortSet};
use crate::unwritten::internet;
use crate::verdict::{CasePorts, Explanation, Hop, Judged, Verdict, onto_node, taken, through};
use foldhash::{HashMap, HashMapExt as _, HashSet};
use std::collections::BTreeMap;

/// Where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// At these pods.
    Pods(Vec<PodId>),
    /// Outside, by whatever leads in.
    Internet,
}

/// Pods that nothing tells apart: their class, the node that they are on where that can tell, and whether it
/// begins at them, which others of their class are reached from like all.
pub type Place = (u32, u32, bool);

/// How the pods of a place are reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Reached {
    /// By how many hops; none are those where it begins.
    pub hops: usize,
    /// The last hop is certain.
    pub certain: bool,
    /// Where the last hop is from; nowhere where it begins or is from outside.
    pub from: Option<Place>,
    /// The ports of the last hop.
    pub ports: PortSet,
    /// What leads in from outside, of a first hop from there.
    pub by: Option<String>,
    /// Who sends there, as far as policies see it, of a first hop from outside.
    pub sender: Option<Endpoint>,
    /// Its pods.
    pub pods: Vec<PodId>,
}

/// What is reached.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Onward {
    /// By what is certain, those included where it begins.
    pub certain: BTreeMap<Place, Reached>,
    /// By what is possible; all that is certain is so, too.
    pub possible: BTreeMap<Place, Reached>,
    /// Ways in from outside of which it is not known where they lead, in words.
    pub not_known: Vec<String>,
}

impl Onward {
    /// Everyone who is reached, by a certain way where there is one, with whether there is.
    pub fn reached(&self) -> impl Iterator<Item = (Place, &Reached, bool)> {
        self.possible.iter().map(|(place, perhaps)| match self.certain.get(place) {
            Some(reached) => (*place, reached, true),
            None => (*place, perhaps, false),
        })
    }

    /// The way to a place, from where it begins; the last is the place itself.
    pub fn way(&self, place: Place) -> Vec<&Reached> {
        let among = if self.certain.contains_key(&place) { &self.certain } else { &self.possible };
        let mut way = Vec::new();
        let mut at = Some(place);
        while let Some(place) = at
            && let Some(reached) = among.get(&place)
            && way.len() <= among.len()
        {
            way.push(reached);
            at = reached.from;
        }
        way.reverse();
        way
    }
}

/// More ways in than this are not gone through.
const MOST_WAYS_IN: usize = 2000;

/// Whom the internet reaches hangs on what is not written where no way in is.
const WAY_IN: &str = "way in from outside is written here, such as an Ingress, a Gateway, a Service of type \
                         LoadBalancer or NodePort; list --exposed tells which pods policies open to any address";

/// A first hop from outside.
struct WayIn {
    pods: Vec<PodId>,
    ports: PortSet,
    certain: bool,
    by: String,
    sender: Option<Endpoint>,
}

/// Everyone who is reached within so many hops.
///
/// Errors: the engine or the walk takes more than is allowed.
pub fn onward(
    snapshot: &Snapshot,
    rules: &Ruleset,
    from: &From,
    most_hops: usize,
    effort: Effort,
) -> Result<Onward, TooMuch> {
    let connectivity = Connectivity::compute(snapshot, rules, effort)?;
    onward_over(&connectivity, (snapshot, rules), from, (most_hops, true), effort)
}

/// The same over all flows that are known already, with pods that stand for others as steps or without.
///
/// Errors: the walk takes more than is allowed.
pub fn onward_over(
    connectivity: &Connectivity<'_>,
    (snapshot, rules): (&Snapshot, &Ruleset),
    from: &From,
    (most_hops, representatives): (usize, bool),
    effort: Effort,
) -> Result<Onward, TooMuch> {
    let (mut starts, mut not_known) = (Vec::new(), Vec::new());
    let ways = match from {
        From::Internet if most_hops > 0 => {
            let (ways, unclear) = ways_in(snapshot, rules);
            not_known = unclear;
            ways
        }
        From::Internet | From::Pods(_) => Vec::new(),
    };
    let begin: HashSet<PodId> = match from {
        From::Pods(pods) => pods.iter().copied().collect(),
        From::Internet => ways.iter().flat_map(|way| way.pods.iter().copied()).collect(),
    };
    let mut walk = Walk::new(snapshot, connectivity, effort, begin);
    if !representatives {
        walk.members.retain(|_, pods| {
            pods.retain(|id| snapshot.representative(*id).is_none());
            !pods.is_empty()
        });
    }
    match from {
        From::Pods(pods) => {
            let places = pods.iter().filter_map(|id| walk.place(*id));
            starts.extend(places.map(|place| (place, first_hop(0, true, PortSet::default()))));
        }
        From::Internet => {
            for way in ways {
                let places = way.pods.iter().filter_map(|id| walk.place(*id));
                let one = Reached {
                    by: Some(way.by.clone()),
                    sender: way.sender.clone(),
                    ..first_hop(1, way.certain, way.ports.clone())
                };
                starts.extend(places.map(|place| (place, one.clone())));
            }
        }
    }
    let certain = walk.run(&starts, true, most_hops)?;
    let possible = walk.run(&starts, false, most_hops)?;
    match connectivity.too_much() {
        Some(too_much) => Err(too_much),
        None => Ok(Onward { certain, possible, not_known }),
    }
}

fn first_hop(hops: usize, certain: bool, ports: PortSet) -> Reached {
    Reached { hops, certain, from: None, ports, by: None, sender: None, pods: Vec::new() }
}

struct Walk<'w, 'a> {
    snapshot: &'w Snapshot,
    connectivity: &'w Connectivity<'a>,
    /// The nodes that pods are on, by name, where some pod shares its node's network.
    nodes: HashMap<Name, u32>,
    /// Where it begins.
    begin: HashSet<PodId>,
    /// The pods of each place.
    members: BTreeMap<Place, Vec<PodId>>,
    families: Vec<Family>,
    steps_left: u64,
    limit: u64,
}

impl<'w, 'a> Walk<'w, 'a> {
    fn new(
        snapshot: &'w Snapshot,
        connectivity: &'w Connectivity<'a>,
        effort: Effort,
        begin: HashSet<PodId>,
    ) -> Self {
        let mut nodes = HashMap::new();
        for node in snapshot.pods().iter().filter_map(|pod| pod.node.as_ref()) {
            if snapshot.has_ends_on_nodes() && !nodes.contains_key(node) {
                nodes.insert(node.clone(), to_u32(nodes.len() + 1));
            }
        }
        let families = Family::ALL.into_iter().filter(|it| connectivity.has_family(*it));
        let mut walk = Self {
            snapshot,
            connectivity,
            nodes,
            begin,
            members: BTreeMap::new(),
            families: families.collect(),
            steps_left: effort.steps,
            limit: effort.steps,
        };
        for (id, pod) in snapshot.pods().iter().enumerate() {
            if let Some(place) = walk.place(id).filter(|_| !pod.finished) {
                walk.members.entry(place).or_default().push(id);
            }
        }
        walk
    }

    /// Where a pod stands. A node reaches its own pods, which tells pods of one class apart.
    fn place(&self, id: PodId) -> Option<Place> {
        let class = self.connectivity.class(End::Pod(id))?;
        let node = self.snapshot.pod(id).node.as_ref().and_then(|node| self.nodes.get(node));
        Some((class, node.copied().unwrap_or_default(), self.begin.contains(&id)))
    }

    /// Goes on from where it begins, nearest first: by what is certain only, or by what is possible.
    fn run(
        &mut self,
        starts: &[(Place, Reached)],
        certain: bool,
        most_hops: usize,
    ) -> Result<BTreeMap<Place, Reached>, TooMuch> {
        let mut found: BTreeMap<Place, Reached> = BTreeMap::new();
        let mut level: Vec<Place> = Vec::new();
        for (place, reached) in starts.iter().filter(|(_, it)| it.certain || !certain) {
            // Of several ways in the first that is certain is told.
            let known = found.get(place).map(|it| it.certain);
            if known.is_none_or(|sure| !sure && reached.certain) {
                let pods = self.members.get(place).cloned().unwrap_or_default();
                found.insert(*place, Reached { pods, ..reached.clone() });
                if known.is_none() {
                    level.push(*place);
                }
            }
        }
        let mut left = Left::new(self, &found);
        let mut frontier = self.connectivity.frontier(certain);
        while let Some(first) = level.first()
            && let Some(hops) = found.get(first).map(|it| it.hops).filter(|it| *it < most_hops)
        {
            let mut at: BTreeMap<u32, Place> = BTreeMap::new();
            for place in &level {
                at.entry(place.0).or_insert(*place);
            }
            let sources: Vec<u32> = at.keys().copied().collect();
            let mut edges: Vec<(Place, Place)> = Vec::new();
            for (class, source) in frontier.next(&sources) {
                let Some(from) = at.get(&source) else { continue };
                edges.extend(left.of_class(class).map(|to| (*from, to)));
            }
            for from in &level {
                edges.extend(left.by_node(self, *from, certain).map(|to| (*from, to)));
            }
            level = Vec::new();
            for (from, to) in edges {
                if found.contains_key(&to) {
                    continue;
                }
                let too_much = TooMuch { work: Work::Steps, limit: self.limit };
                self.steps_left = self.steps_left.checked_sub(1).ok_or(too_much)?;
                let one = |place: Place| self.members.get(&place)?.first().copied();
                let Some((a, b)) = one(from).zip(one(to)) else { continue };
                let Some((ports, sure)) = self.ports(a, b, certain) else { continue };
                let pods = self.members.get(&to).cloned().unwrap_or_default();
                let reached =
                    Reached { from: Some(from), pods, ..first_hop(hops + 1, sure, ports) };
                found.insert(to, reached);
                level.push(to);
            }
        }
        Ok(found)
    }

    /// The ports from one pod to another, and whether some are certain; `None` where there are none.
    fn ports(&self, from: PodId, to: PodId, certain: bool) -> Option<(PortSet, bool)> {
        let [mut sure, mut all] = [PortSet::default(), PortSet::default()];
        for family in &self.families {
            let reach = self.connectivity.allowed(End::Pod(from), End::Pod(to), *family);
            sure = sure.union(&reach.certain);
            all = all.union(&reach.possible);
        }
        match (sure.is_empty(), certain) {
            (false, _) => Some((sure, true)),
            (true, true) => None,
            (true, false) => (!all.is_empty()).then_some((all, false)),
        }
    }
}

/// The places that are not reached yet.
struct Left {
    by_class: BTreeMap<u32, Vec<Place>>,
    /// By node, and whether they are on its network; 0 is a node that is not known.
    by_node: HashMap<(u32, bool), Vec<Place>>,
    /// Nodes reach their own pods, and pods perhaps their nodes, beside what policies say.
    exempts: (bool, bool),
}

impl Left {
    fn new(walk: &Walk<'_, '_>, found: &BTreeMap<Place, Reached>) -> Self {
        let (mut by_class, mut by_node) = (BTreeMap::new(), HashMap::new());
        let exempts = walk.connectivity.exempts_nodes();
        for (place, pods) in walk.members.iter().filter(|(place, _)| !found.contains_key(place)) {
            by_class.entry(place.0).or_insert_with(Vec::new).push(*place);
            if (exempts.0 || exempts.1)
                && let Some(first) = pods.first()
            {
                let on_node = walk.snapshot.pod(*first).host_network;
                by_node.entry((place.1, on_node)).or_insert_with(Vec::new).push(*place);
            }
        }
        Self { by_class, by_node, exempts }
    }

    /// Takes the places of a class.
    fn of_class(&mut self, class: u32) -> impl Iterator<Item = Place> + use<> {
        self.by_class.remove(&class).unwrap_or_default().into_iter()
    }

    /// Takes the places that a place reaches since one is the other's node, or may be.
    fn by_node(
        &mut self,
        walk: &Walk<'_, '_>,
        from: Place,
        certain: bool,
    ) -> impl Iterator<Item = Place> + use<> {
        let first = walk.members.get(&from).and_then(|all| all.first());
        let on_node = first.is_some_and(|id| walk.snapshot.pod(*id).host_network);
        let (reach_own, perhaps_reach_node) = self.exempts;
        let mut taken = Vec::new();
        let reaches = if on_node { reach_own } else { perhaps_reach_node && !certain };
        if reaches {
            let mut take = |node: u32| taken.extend(self.by_node.remove(&(node, !on_node)));
            match from.1 {
                // It may be on any.
                0 if certain => {}
                0 => (0..=walk.nodes.len()).for_each(|node| take(to_u32(node))),
                node => {
                    take(node);
                    if !certain {
                        take(0);
                    }
                }
            }
        }
        taken.into_iter().flatten()
    }
}

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Every way in by which the internet reaches pods, or may.
fn ways_in(snapshot: &Snapshot, rules: &Ruleset) -> (Vec<WayIn>, Vec<String>) {
    let source = internet(snapshot, rules);
    let (mut ways, mut not_known) = (Vec::new(), Vec::new());
    let mut fronts = Fronts::default();
    let mut by_unknown: Vec<(Vec<PodId>, String)> = Vec::new();
    let mut add = |hop: &Hop, by: &str, sure: bool| {
        if let Some((_, explanation)) = hop.judged() {
            let passed = passed(explanation, by);
            ways.extend(passed.map(|way| WayIn { certain: way.certain && sure, ..way }));
        }
    };
    let (doors, leads) = (entry::doors(snapshot), entry::all(snapshot));
    let not_followed = &snapshot.entrances.not_followed;
    if !not_followed.is_empty() {
        let names: Vec<String> = not_followed.iter().map(ToString::to_string).collect();
        let names = few(&names);
        not_known.push(format!(
            "{names} may lead traffic from outside to pods, by ways that are not followed here"
        ));
    }
    let on_nodes = entry::on_nodes(snapshot);
    if doors.is_empty() && leads.is_empty() && not_followed.is_empty() {
        let other = if on_nodes.iter().any(|it| it.public) { "no other" } else { "no" };
        not_known.push(format!("{other} {WAY_IN}"));
    }
    let left = doors.len().saturating_sub(MOST_WAYS_IN) + leads.len().saturating_sub(MOST_WAYS_IN);
    if left > 0 {
        not_known.push(format!("{left} further ways in from outside were not looked at"));
    }
    for door in doors.iter().take(MOST_WAYS_IN) {
        match through(snapshot, rules, &source, door) {
            Ok(hop) => add(&hop, &door.to_string(), true),
            Err(error) => not_known.push(format!("{door}: {error}")),
        }
    }
    for lead in leads.into_iter().take(MOST_WAYS_IN) {
        let front = fronts.of(snapshot, lead);
        let way = match taken(snapshot, rules, &source, lead, front) {
            Ok(way) => way,
            Err(error) => {
                not_known.push(format!("{}: {error}", lead.by(snapshot)));
                continue;
            }
        };
        let by = format!("internet via {}", way.by);
        // What comes to pods of a controller goes on from these as from any other.
        match (front, way.hops.as_slice()) {
            (Front::Pods(pods), [first, ..]) => {
                add(first, &by, true);
                if let Judged::Otherwise(Verdict::Unknown, why) = &first.judged {
                    not_known.push(format!("{}: {why}", way.by));
                    by_unknown.push((pods.clone(), by));
                }
            }
            // Whether the internet gets to a front that is not known is not known either.
            (_, [_, second]) => {
                add(second, &by, !matches!(front, Front::Unknown(_)) && way.faults.is_empty());
            }
            _ => not_known.extend(way.faults.iter().cloned()),
        }
        if let Front::Unknown(why) = front {
            not_known.push(why.clone());
        }
    }
    for OnNodes { pods, public } in on_nodes {
        let Some(first) = pods.first() else { continue };
        match onto_node(snapshot, rules, &source, *first) {
            Ok(hop) => {
                let judged = hop.judged().map(|(_, explanation)| explanation);
                let passed = judged.into_iter().flat_map(|it| passed(it, &hop.by));
                ways.extend(passed.map(|way| {
                    let certain = way.certain && public;
                    WayIn { pods: pods.clone(), certain, ..way }
                }));
            }
            Err(error) => not_known.push(format!("pods on their nodes' network: {error}")),
        }
    }
    // Whoever leads there may lead to any port.
    ways.extend(by_unknown.into_iter().map(|(pods, by)| WayIn {
        pods,
        ports: PortSet::all(),
        certain: false,
        by,
        sender: source.endpoints.first().cloned(),
    }));
    not_known.sort();
    not_known.dedup();
    (ways, not_known)
}

/// The first of several names, and how many more there are.
fn few(names: &[String]) -> String {
    const MOST: usize = 3;
    let mut shown: Vec<String> = names.iter().take(MOST).cloned().collect();
    if names.len() > MOST {
        shown.push(format!("{} more", names.len() - MOST));
    }
    prose::list(&shown, "and")
}

/// The pods to which something of a hop gets through, or may.
fn passed<'e>(explanation: &'e Explanation, by: &'e str) -> impl Iterator<Item = WayIn> + 'e {
    let open = explanation.cases.iter().filter(|case| case.judgement.verdict != Verdict::Denied);
    let sure = !explanation.reading_unknown;
    open.filter_map(move |case| {
        let pods: Vec<PodId> = case.destinations.iter().filter_map(Endpoint::pod).collect();
        let ports = match &case.ports {
            CasePorts::One(port) => PortSet::of([(port.protocol, port.number.into())]),
            CasePorts::Ranges(ranges) => PortSet::of(ranges.iter().copied()),
            CasePorts::AnyOther => PortSet::all(),
        };
        let sender =
            case.reading.as_ref().map_or(&case.flow, |reading| &reading.into).source.clone();
        let certain = sure && case.judgement.verdict == Verdict::Allowed;
        (!pods.is_empty() && !ports.is_empty()).then(|| WayIn {
            pods,
            ports,
            certain,
            by: by.to_owned(),
            sender: Some(sender),
        })
    })
}

/// The pods that an end is, where it is pods.
pub fn pods_of(end: &Resolved) -> Option<Vec<PodId>> {
    let each = end.endpoints.iter().map(Endpoint::pod);
    each.collect::<Option<Vec<PodId>>>().filter(|all| !all.is_empty())
}
