//! Who takes part in a change, in few words.
//!
//! In: classes of ends. Out: an [`EndsReport`]: the workloads, nodes and ranges of addresses behind
//! them, and a label that says "anyone" or "every pod of monitoring" where that is the truth.

use crate::answer::end::{EndsReport, MemberReport};
use crate::cluster::{Family, Name, ObjectRef, Snapshot};
use crate::ends::names;
use crate::ends::ranges::{Range, complement, is_whole, joined, subnets, whole};
use crate::prose::list;
use crate::reach::{ChangedEnds, Diff, End, EndClass};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// More exceptions or names than this are not listed in a label.
const MOST_NAMED: usize = 3;

/// How many of the pods of each workload, by its index among everyone; 1 of a node.
type Inside = BTreeMap<usize, usize>;

/// Describes ends by what the new side calls them.
pub(super) struct Ends<'a> {
    diff: &'a Diff<'a>,
    /// Every workload and node that is compared, with the number of its pods.
    everyone: Vec<(ObjectRef, usize)>,
    index: HashMap<End, usize>,
    /// How many workloads each namespace has, and how many nodes there are.
    sizes: HashMap<Option<Name>, usize>,
}

impl<'a> Ends<'a> {
    pub(super) fn new(diff: &'a Diff<'a>, snapshot: &'a Snapshot) -> Self {
        let classes = Family::ALL.into_iter().flat_map(|family| diff.compared(family));
        let inside: BTreeSet<EndClass> =
            classes.filter(|(_, outside)| !outside).map(|(class, _)| class).collect();
        let mut known: BTreeMap<ObjectRef, Vec<End>> = BTreeMap::new();
        for ends in inside.into_iter().flat_map(|class| diff.members(class, Family::V4)) {
            if let ChangedEnds::One(same) = ends
                && let Some(object) = names::inside(snapshot, same.new)
            {
                known.entry(object).or_default().push(same.new);
            }
        }
        let (mut everyone, mut index, mut sizes) = (Vec::new(), HashMap::new(), HashMap::new());
        for (object, ends) in known {
            *sizes.entry(object.namespace.clone()).or_default() += 1;
            let at = everyone.len();
            everyone.push((object, ends.len()));
            index.extend(ends.into_iter().map(|end| (end, at)));
        }
        Self { diff, everyone, index, sizes }
    }

    /// Every workload and node that is compared.
    pub(super) fn everyone(&self) -> impl Iterator<Item = &ObjectRef> {
        self.everyone.iter().map(|(object, _)| object)
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
    ) -> [EndsReport; 2] {
        let [from, to] = [sources, destinations].map(|classes| self.expand(classes, family));
        [self.side(&from, &to), self.side(&to, &from)]
    }

    fn side(
        &self,
        (inside, outside): &(Inside, Vec<Range>),
        (other, beyond): &(Inside, Vec<Range>),
    ) -> EndsReport {
        // A pod always reaches itself, so where the other side is one end only, that end is not
        // missed among "anyone".
        let itself = other.keys().next().filter(|_| other.len() == 1 && beyond.is_empty());
        let all_outside = !outside.is_empty() && outside.iter().all(|range| is_whole(*range));
        let members = inside.iter().map(|(at, pods)| MemberReport {
            pods: self.part(*at, *pods),
            ..MemberReport::of(&self.everyone[*at].0)
        });
        EndsReport {
            label: self.label(inside, outside, all_outside, itself.copied()),
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
        all_outside: bool,
        itself: Option<usize>,
    ) -> String {
        let (mut missing, mut but_itself, mut parted) = (Inside::new(), false, false);
        for (at, (_, all)) in self.everyone.iter().enumerate() {
            match inside.get(&at) {
                Some(pods) => parted |= pods < all,
                None if Some(at) == itself => but_itself = true,
                None => drop(missing.insert(at, *all)),
            }
        }
        let named = self.named(&missing);
        let absent = missing.len() + usize::from(but_itself);
        let most = !parted
            && self.everyone.len() > 1
            && named.len() <= MOST_NAMED
            && absent * 2 < self.everyone.len();
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

    /// Whole namespaces first, then workloads and nodes.
    fn named(&self, inside: &Inside) -> Vec<String> {
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
        for (namespace, objects) in by_namespace {
            let all = self.sizes.get(namespace).copied().unwrap_or_default();
            if all > 1 && objects.len() == all && objects.iter().all(|(_, part)| part.is_none()) {
                whole.push(match namespace {
                    Some(namespace) => format!("every pod of {namespace}"),
                    None => "every node".to_owned(),
                });
                continue;
            }
            named.extend(objects.into_iter().map(|(object, part)| {
                let part = part.map_or(String::new(), |part| format!(" ({part} pods)"));
                format!("{object}{part}")
            }));
        }
        whole.extend(named);
        whole
    }
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
fn addresses(ranges: &[Range]) -> String {
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
