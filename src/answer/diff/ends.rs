//! Who takes part in a change, in few words.
//!
//! In: classes of ends. Out: an [`EndsReport`]: the workloads, nodes and ranges of addresses behind
//! them, and a label that says "anyone" or "every pod of monitoring" where that is the truth.

use super::apart::ToldApart;
use crate::answer::diff::DiffSide;
use crate::answer::end::{EndsReport, MemberReport};
use crate::cluster::{
    ANY_OTHER_NAMESPACE, Addresses, Family, Labels, Name, ObjectRef, Pod, PodId, Representative,
    Snapshot, real_namespace,
};
use crate::ends::names;
use crate::ends::ranges::{Range, complement, is_whole, joined, subnets, whole};
use crate::policy::rule::Direction;
use crate::prose::list;
use crate::reach::{ChangedEnds, Diff, End, EndClass, PortSet, Same};
use foldhash::{HashMap, HashMapExt as _};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

/// More exceptions or names than this are not listed in a label.
const MOST_NAMED: usize = 3;

/// How many of the pods of each workload, by its index among everyone; 1 of a node.
type Inside = BTreeMap<usize, usize>;

/// Describes ends by what the new side calls them.
pub(super) struct Ends<'a> {
    diff: &'a Diff<'a>,
    /// What exists on the new side.
    snapshot: &'a Snapshot,
    /// Every workload and node that is compared, with the number of its pods, and representatives of
    /// which no known pod is like them.
    everyone: Vec<(ObjectRef, usize)>,
    /// The pods of each, or the node.
    compared: Vec<Vec<Same>>,
    /// What each stands for that is written nowhere.
    standing: Vec<Option<&'a Representative>>,
    /// The known workload of which a pod is as a representative is said to be: what is told of the one
    /// need not be told of the other.
    twins: Vec<Option<usize>>,
    index: HashMap<End, usize>,
    /// How many workloads each namespace has, and how many nodes there are.
    sizes: HashMap<Option<Name>, usize>,
    /// Where pods may be that are written nowhere: whom rules tell apart.
    open: Option<ToldApart<'a>>,
}

/// One side of a row.
pub(super) struct KnownSide {
    /// The ends inside, with the known one that each representative is like in its place.
    pub(super) known: BTreeSet<usize>,
    /// Those that are there themselves.
    pub(super) own: BTreeSet<usize>,
    /// The addresses.
    pub(super) outside: Vec<Range>,
    /// A known end stands for another.
    pub(super) replaced: bool,
}

impl<'a> Ends<'a> {
    /// With `known_only`, pods that are written nowhere are of no interest.
    pub(super) fn new(diff: &'a Diff<'a>, sides: [&'a DiffSide<'a>; 2], known_only: bool) -> Self {
        let snapshot = sides[1].snapshot;
        let open = (!known_only).then(|| ToldApart::of(sides));
        let classes = Family::ALL.into_iter().flat_map(|family| diff.compared(family));
        let inside: BTreeSet<EndClass> =
            classes.filter(|(_, outside)| !outside).map(|(class, _)| class).collect();
        let mut known: BTreeMap<ObjectRef, Vec<Same>> = BTreeMap::new();
        let mut unwritten: BTreeMap<ObjectRef, &Representative> = BTreeMap::new();
        for class in inside {
            let ends = diff.members(class, Family::V4).filter_map(|ends| match ends {
                ChangedEnds::One(same) => Some(same),
                ChangedEnds::Outside(..) => None,
            });
            let all: Vec<Same> = ends.collect();
            // What is said of a known pod need not be said of those like it.
            let has_known = all.iter().any(|end| standing(snapshot, end.new).is_none());
            for end in all {
                let of = standing(snapshot, end.new);
                if let Some(object) =
                    names::inside(snapshot, end.new).filter(|_| of.is_none() || !has_known)
                {
                    unwritten.extend(of.map(|of| (object.clone(), of)));
                    known.entry(object).or_default().push(end);
                }
            }
        }
        let (mut everyone, mut index) = (Vec::new(), HashMap::new());
        let (mut stand, mut pods, mut same) = (Vec::new(), Vec::new(), Vec::new());
        for (object, ends) in known {
            stand.push(unwritten.get(&object).copied());
            pods.push(ends.iter().find_map(|end| match end.new {
                End::Pod(id) => Some(snapshot.pod(id)),
                End::Node(_) | End::Address(_) => None,
            }));
            let at = everyone.len();
            everyone.push((object, ends.len()));
            index.extend(ends.iter().map(|end| (end.new, at)));
            same.push(ends);
        }
        let twins: Vec<Option<usize>> = twins(&stand, &pods);
        let mut counts = HashMap::new();
        for ((object, _), _) in everyone.iter().zip(&twins).filter(|(_, twin)| twin.is_none()) {
            *counts.entry(object.namespace.clone()).or_default() += 1;
        }
        Self {
            diff,
            snapshot,
            everyone,
            compared: same,
            standing: stand,
            twins,
            index,
            sizes: counts,
            open,
        }
    }

    /// Every workload and node that is compared.
    pub(super) fn everyone(&self) -> impl Iterator<Item = &ObjectRef> {
        self.everyone.iter().map(|(object, _)| object)
    }

    /// The representatives of some classes, as their groups and namespaces; `None` where one is a known
    /// end or an address.
    pub(super) fn groups(&self, classes: &BTreeSet<EndClass>) -> Option<BTreeSet<(&'a str, &str)>> {
        let (inside, outside) = self.expand(classes, None);
        if !outside.is_empty() {
            return None;
        }
        let each = inside.keys().map(|at| {
            let namespace = self.everyone[*at].0.namespace.as_deref().unwrap_or_default();
            Some((&*self.standing[*at]?.group, real_namespace(namespace)))
        });
        each.collect()
    }

    fn expand(&self, classes: &BTreeSet<EndClass>, family: Option<Family>) -> (Inside, Vec<Range>) {
        let (mut inside, mut outside) = (Inside::new(), Vec::new());
        let families = Family::ALL.into_iter().filter(|f| family.is_none_or(|only| only == *f));
        for (i, family) in families.enumerate() {
            for ends in classes.iter().flat_map(|class| self.diff.members(*class, family)) {
                match ends {
                    // These are the same in either family.
                    ChangedEnds::One(same) if i == 0 => {
                        if let Some(at) = self.index.get(&same.new) {
                            *inside.entry(*at).or_default() += 1;
                        }
                    }
                    ChangedEnds::One(_) => {}
                    ChangedEnds::Outside(first, last) => outside.push((first, last)),
                }
            }
        }
        (inside, joined(outside))
    }

    /// Describes the sources and the destinations of a change.
    pub(super) fn report(
        &self,
        sources: &BTreeSet<EndClass>,
        destinations: &BTreeSet<EndClass>,
        family: Option<Family>,
        ports: &PortSet,
    ) -> [EndsReport; 2] {
        let [from, to] = [sources, destinations].map(|classes| {
            let (inside, outside) = self.expand(classes, family);
            (self.said_once(inside), outside)
        });
        [
            self.side(&from, &to, (Direction::Egress, ports)),
            self.side(&to, &from, (Direction::Ingress, ports)),
        ]
    }

    /// Without representatives that a known pod beside them is like.
    fn said_once(&self, mut inside: Inside) -> Inside {
        let there: BTreeSet<usize> = inside.keys().copied().collect();
        inside.retain(|at, _| self.twins[*at].is_none_or(|known| !there.contains(&known)));
        inside
    }

    /// The workloads and nodes of some classes, with the known ones that representatives are like in
    /// their place, and the addresses.
    pub(super) fn as_known(
        &self,
        classes: &BTreeSet<EndClass>,
        family: Option<Family>,
    ) -> KnownSide {
        let (inside, outside) = self.expand(classes, family);
        let (replaced, own): (BTreeSet<usize>, _) =
            inside.into_keys().partition(|at| self.twins[*at].is_some());
        let known = replaced.iter().filter_map(|at| self.twins[*at]).chain(own.iter().copied());
        KnownSide { known: known.collect(), own, outside, replaced: !replaced.is_empty() }
    }

    /// Whether this is a known workload of which no pod has an address of a family.
    pub(super) fn is_without(&self, at: usize, family: Family) -> bool {
        let absent = |end: &Same| match end.new {
            End::Pod(id) => self.snapshot.pod_address(id, family) == Addresses::Absent,
            End::Node(_) | End::Address(_) => false,
        };
        self.standing[at].is_none() && self.compared[at].iter().all(absent)
    }

    fn side(
        &self,
        (inside, outside): &(Inside, Vec<Range>),
        (other, beyond): &(Inside, Vec<Range>),
        judged: (Direction, &PortSet),
    ) -> EndsReport {
        // A pod always reaches itself, so where the other side is one end only, that end is not
        // missed among "anyone".
        let itself = other.keys().next().filter(|_| other.len() == 1 && beyond.is_empty());
        let all_outside = !outside.is_empty() && outside.iter().all(|range| is_whole(*range));
        let told = self.weakest(inside);
        let members = told.iter().map(|(at, pods)| match self.standing[*at] {
            Some(of) => {
                let namespace = self.everyone[*at].0.namespace.as_deref().map(real_namespace);
                // That of any other namespace is no name.
                let there = namespace.filter(|name| of.words.contains(*name));
                MemberReport::standing_for(of, there)
            }
            None => MemberReport {
                pods: self.part(*at, *pods),
                ..MemberReport::of(&self.everyone[*at].0)
            },
        });
        let anyone = self.may_be_anyone(inside, other, judged);
        EndsReport {
            label: self.label(inside, outside, (all_outside, anyone), itself.copied()),
            members: members.collect(),
            addresses: outside.iter().flat_map(|range| blocks(*range)).collect(),
        }
    }

    /// How many of a workload's pods, where it is not all.
    fn part(&self, at: usize, pods: usize) -> Option<String> {
        let all = self.everyone[at].1;
        (pods < all).then(|| format!("{pods} of {all}"))
    }

    fn label(
        &self,
        inside: &Inside,
        outside: &[Range],
        (all_outside, anyone): (bool, bool),
        itself: Option<usize>,
    ) -> String {
        let (mut missing, mut but_itself, mut parted) = (Inside::new(), false, false);
        for (at, (_, all)) in self.everyone.iter().enumerate() {
            match inside.get(&at) {
                Some(pods) => parted |= pods < all,
                None if Some(at) == itself => but_itself = true,
                None if self.twins[at].is_some() => {}
                None => drop(missing.insert(at, *all)),
            }
        }
        let named = if anyone { self.excepted(&missing) } else { Vec::new() };
        let absent = missing.len() + usize::from(but_itself);
        let most = !parted
            && anyone
            && self.standing.iter().filter(|of| of.is_none()).count() > 1
            && named.len() <= MOST_NAMED
            && absent * 2 < self.twins.iter().filter(|twin| twin.is_none()).count();
        let other = if but_itself { " else" } else { "" };
        let but = match named.as_slice() {
            [] => String::new(),
            named => format!(" but {}", list(named, "and")),
        };
        let mut parts = match (most, all_outside) {
            (true, true) => return format!("anyone{other}{but}"),
            (true, false) => vec![format!("everyone{other} inside{but}")],
            (false, _) => few(self.named(inside)),
        };
        match outside {
            _ if all_outside => parts.push("any address outside".to_owned()),
            [] => {}
            ranges => parts.push(addresses(ranges)),
        }
        list(&parts, "and")
    }

    /// Without the pods of a namespace of which more labels are supposed than of another of that name,
    /// where the same pods of that one are told beside them.
    fn weakest(&self, inside: &Inside) -> Inside {
        let pod = |at: usize| match self.compared[at].first()?.new {
            End::Pod(id) if self.standing[at].is_some() => Some((at, id)),
            _ => None,
        };
        let mut alike: HashMap<(&str, &Labels), Vec<(usize, PodId)>> = HashMap::new();
        for (at, id) in inside.keys().filter_map(|at| pod(*at)) {
            let pod = self.snapshot.pod(id);
            let key = (real_namespace(&pod.namespace), &pod.labels);
            alike.entry(key).or_default().push((at, id));
        }
        let mut told = inside.clone();
        for all in alike.values() {
            for (at, id) in all {
                if all.iter().any(|(_, other)| self.snapshot.is_narrower(*id, *other)) {
                    told.remove(at);
                }
            }
        }
        told
    }

    /// Whole namespaces first, then workloads and nodes.
    fn named(&self, inside: &Inside) -> Vec<String> {
        let inside = &self.weakest(inside);
        let mut by_namespace: BTreeMap<&Option<Name>, Vec<(&ObjectRef, Option<String>)>> =
            BTreeMap::new();
        for (at, pods) in inside {
            let object = &self.everyone[*at].0;
            by_namespace
                .entry(&object.namespace)
                .or_default()
                .push((object, self.part(*at, *pods)));
        }
        let (mut whole, mut named) = (Vec::new(), Vec::new());
        let mut groups: BTreeMap<&str, BTreeSet<(&str, &str)>> = BTreeMap::new();
        for (namespace, mut objects) in by_namespace {
            let all = self.sizes.get(namespace).copied().unwrap_or_default();
            let unwritten = |object: &ObjectRef| self.unwritten(object);
            let any_known = objects.iter().any(|(object, _)| unwritten(object).is_none());
            if any_known
                && all > 1
                && objects.len() == all
                && objects.iter().all(|(_, part)| part.is_none())
                && namespace.as_deref().is_none_or(|name| self.is_one(name))
            {
                whole.push(match namespace {
                    Some(namespace) => format!("every pod of {namespace}"),
                    None => "every node".to_owned(),
                });
                continue;
            }
            for of in objects.iter().filter_map(|(object, _)| unwritten(object)) {
                let real = namespace.as_deref().map_or("", real_namespace);
                groups.entry(&of.group).or_default().insert((real, &of.words));
            }
            objects.retain(|(object, _)| unwritten(object).is_none());
            named.extend(objects.into_iter().map(|(object, part)| {
                let part = part.map_or(String::new(), |part| format!(" ({part} pods)"));
                format!("{object}{part}")
            }));
        }
        whole.extend(named);
        let mut said = BTreeSet::new();
        for of in groups.into_values() {
            let namespaces: BTreeSet<&str> = of.iter().map(|(namespace, _)| *namespace).collect();
            match of.first() {
                Some((namespace, words)) if namespaces.len() > MOST_NAMED => {
                    said.insert(words_in_many(words, namespace, namespaces.len()));
                }
                _ => said.extend(of.iter().map(|(_, words)| (*words).to_owned())),
            }
        }
        whole.extend(said);
        whole
    }

    /// Whether what is said of these is said of any pod wherever it is, but for those that are missing:
    /// no rule tells pods apart for these flows but by namespaces of which some pod is compared.
    fn may_be_anyone(
        &self,
        inside: &Inside,
        other: &Inside,
        (own, ports): (Direction, &PortSet),
    ) -> bool {
        let Some(open) = &self.open else { return true };
        let anywhere =
            |at: &usize| self.standing[*at].is_some_and(|of| *of.words == *ANY_OTHER_NAMESPACE);
        if !inside.keys().any(anywhere) {
            return false;
        }
        let others: Vec<Same> = other.keys().flat_map(|at| self.compared[*at].clone()).collect();
        let compared = |place: &&str| {
            let mut all =
                self.everyone.iter().filter_map(|(object, _)| object.namespace.as_deref());
            all.any(|name| real_namespace(name) == *place)
        };
        open.places(own, &others, ports).is_some_and(|places| places.iter().all(compared))
    }

    /// Those who are not anyone: pods of a namespace that are known to be alike as all of it.
    fn excepted(&self, missing: &Inside) -> Vec<String> {
        if self.open.is_none() {
            return self.named(missing);
        }
        let mut left = missing.clone();
        let mut all = Vec::new();
        let spaces: BTreeSet<&Name> =
            missing.keys().filter_map(|at| self.everyone[*at].0.namespace.as_ref()).collect();
        for name in spaces {
            let here = |at: &usize| self.everyone[*at].0.namespace.as_ref() == Some(name);
            let mut known =
                (0..self.everyone.len()).filter(|at| here(at) && self.twins[*at].is_none());
            if known.all(|at| missing.contains_key(&at)) {
                left.retain(|at, _| !here(at));
                all.push(format!("every pod of {}", real_namespace(name)));
            }
        }
        all.extend(self.named(&left));
        all
    }

    /// Whether no rule tells pods of a namespace apart, so that what is said of one holds for all.
    fn is_one(&self, namespace: &str) -> bool {
        self.open.as_ref().is_none_or(|open| !open.within(namespace))
    }

    fn unwritten(&self, object: &ObjectRef) -> Option<&'a Representative> {
        let at = self.everyone.binary_search_by(|(known, _)| known.cmp(object)).ok()?;
        self.standing[at]
    }
}

/// For each representative the known workload that is like it: of its namespace, with the labels that it
/// has, its ServiceAccount and the names of its ports.
fn twins(standing: &[Option<&Representative>], pods: &[Option<&Pod>]) -> Vec<Option<usize>> {
    let mut known: HashMap<&str, Vec<(usize, &Pod)>> = HashMap::new();
    for (at, (pod, of)) in pods.iter().zip(standing).enumerate() {
        if let Some(pod) = pod.filter(|_| of.is_none()) {
            known.entry(&pod.namespace).or_default().push((at, pod));
        }
    }
    let twin = |pod: &Pod| {
        let all = known.get(real_namespace(&pod.namespace))?.iter();
        let alike = |other: &Pod| {
            pod.labels.iter().all(|(key, value)| other.labels.get(key) == Some(value))
                && (*pod.service_account == *"default"
                    || pod.service_account == other.service_account)
                && pod.ports.iter().all(|port| other.ports.contains(port))
        };
        all.filter(|(_, other)| alike(other)).map(|(at, _)| *at).next()
    };
    let each = pods.iter().zip(standing).map(|(pod, of)| {
        let pod = of.and(*pod).filter(|pod| pod.labels.iter().next().is_some())?;
        twin(pod)
    });
    each.collect()
}

/// What an end stands for that is written nowhere.
fn standing(snapshot: &Snapshot, end: End) -> Option<&Representative> {
    match end {
        End::Pod(id) => snapshot.representative(id),
        End::Node(_) | End::Address(_) => None,
    }
}

/// `any other pod of shop`, as of many namespaces.
fn words_in_many(words: &str, namespace: &str, many: usize) -> String {
    for preposition in ["in", "of"] {
        if let Some((head, tail)) = words.rsplit_once(&format!(" {preposition} {namespace}")) {
            return format!("{head} {preposition} {many} namespaces{tail}");
        }
    }
    words.to_owned()
}

/// The first names, and how many more there are.
fn few(mut names: Vec<String>) -> Vec<String> {
    if names.len() > MOST_NAMED + 1 {
        let more = names.len() - MOST_NAMED;
        names.truncate(MOST_NAMED);
        names.push(format!("{more} more"));
    }
    names
}

/// A range as blocks, or as it is where these would be many.
fn blocks((first, last): Range) -> Vec<String> {
    let nets: Vec<IpNet> = subnets((first, last)).take(MOST_NAMED + 1).collect();
    if nets.is_empty() || nets.len() > MOST_NAMED {
        return vec![format!("{first}-{last}")];
    }
    nets.iter().map(ToString::to_string).collect()
}

/// Ranges in words; all but a few where that is shorter.
pub(super) fn addresses(ranges: &[Range]) -> String {
    let listed = |ranges: &[Range]| -> Vec<String> {
        ranges.iter().flat_map(|range| blocks(*range)).collect()
    };
    let plain = listed(ranges);
    let one_family = ranges.windows(2).all(|w| w[0].0.is_ipv4() == w[1].0.is_ipv4());
    if let Some((first, _)) = ranges.first()
        && one_family
    {
        let family = Family::of(*first);
        let gaps = listed(&complement(ranges, family));
        if gaps.len() < plain.len() {
            let all = listed(&[whole(family)]).concat();
            return format!("{all} except {}", list(&gaps, "and"));
        }
    }
    list(&plain, "and")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: &str, last: &str) -> Range {
        (first.parse().unwrap(), last.parse().unwrap())
    }

    #[test]
    fn ranges_in_words() {
        let all = range("0.0.0.0", "255.255.255.255");
        assert!(is_whole(all));
        for (ranges, said) in [
            (vec![range("10.0.0.0", "10.255.255.255")], "10.0.0.0/8"),
            (vec![range("10.0.0.7", "10.0.0.7")], "10.0.0.7/32"),
            (vec![range("10.0.0.1", "10.0.0.254")], "10.0.0.1-10.0.0.254"),
            (
                vec![range("0.0.0.0", "9.255.255.255"), range("11.0.0.0", "255.255.255.255")],
                "0.0.0.0/0 except 10.0.0.0/8",
            ),
            (
                vec![range("10.0.0.0", "10.0.0.255"), range("2001:db8::", "2001:db8::ffff")],
                "10.0.0.0/24 and 2001:db8::/112",
            ),
        ] {
            assert_eq!(addresses(&ranges), said);
        }
    }
}
