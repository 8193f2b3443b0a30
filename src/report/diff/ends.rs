//! Who takes part in a change, in few words.
//!
//! In: classes of ends. Out: an [`EndsReport`]: the workloads, nodes and ranges of addresses behind
//! them, and a label that says "anyone" or "every pod of monitoring" where that is the truth.

use crate::cluster::{Family, Name, ObjectRef, Snapshot};
use crate::reach::{ChangedEnds, Diff, End, EndClass};
use crate::report::words;
use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

/// One side of a change.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndsReport {
    /// All of it in words: `anyone`, `every pod of monitoring`, `monitoring/deploy/grafana`.
    pub label: String,
    /// The workloads, pods without one, and nodes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<MemberReport>,
    /// The addresses outside the cluster, as blocks or `FIRST-LAST`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
}

/// A workload, a pod without one, or a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberReport {
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// How many of its pods, where it is not all of them: `2 of 3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pods: Option<String>,
}

impl MemberReport {
    pub(super) fn of(object: &ObjectRef) -> Self {
        Self {
            kind: object.kind.to_string(),
            namespace: object.namespace.as_deref().map(Into::into),
            name: object.name.to_string(),
            pods: None,
        }
    }
}

/// More exceptions or names than this are not listed in a label.
const MOST_NAMED: usize = 3;

/// Addresses from one to another.
type AddressRange = (IpAddr, IpAddr);

/// The pods of each workload, and nodes.
type Inside = BTreeMap<ObjectRef, BTreeSet<End>>;

/// Describes ends by what the new side calls them.
pub(super) struct Ends<'a> {
    diff: &'a Diff<'a>,
    snapshot: &'a Snapshot,
    everyone: Inside,
    /// How many workloads each namespace has, and how many nodes there are.
    sizes: HashMap<Option<Name>, usize>,
}

/// What people know an end inside by: its workload where it has one.
pub(super) fn known_as(snapshot: &Snapshot, end: End) -> Option<ObjectRef> {
    match end {
        End::Pod(id) => {
            let pod = snapshot.pod(id);
            let owner = pod.owner.and_then(|owner| snapshot.workloads.get(owner));
            Some(owner.map_or_else(|| pod.object(), |owner| owner.object.clone()))
        }
        End::Node(index) => {
            let node = snapshot.nodes.get(index)?;
            Some(ObjectRef::cluster("Node", node.name.clone()))
        }
        End::Address(_) => None,
    }
}

impl<'a> Ends<'a> {
    pub(super) fn new(diff: &'a Diff<'a>, snapshot: &'a Snapshot) -> Self {
        let (everyone, sizes) = (Inside::new(), HashMap::new());
        let mut ends = Self { diff, snapshot, everyone, sizes };
        for family in Family::ALL {
            let classes = diff.compared(family).into_iter();
            let inside: BTreeSet<_> = classes.filter(|(_, o)| !o).map(|(class, _)| class).collect();
            for (object, pods) in ends.expand(&inside, Some(family)).0 {
                ends.everyone.entry(object).or_default().extend(pods);
            }
        }
        for object in ends.everyone.keys() {
            *ends.sizes.entry(object.namespace.clone()).or_default() += 1;
        }
        ends
    }

    /// Every workload and node that is compared.
    pub(super) fn everyone(&self) -> impl Iterator<Item = &ObjectRef> {
        self.everyone.keys()
    }

    fn expand(
        &self,
        classes: &BTreeSet<EndClass>,
        family: Option<Family>,
    ) -> (Inside, Vec<AddressRange>) {
        let (mut inside, mut outside) = (Inside::new(), Vec::new());
        for family in Family::ALL.into_iter().filter(|f| family.is_none_or(|only| only == *f)) {
            for ends in classes.iter().flat_map(|class| self.diff.members(*class, family)) {
                match ends {
                    ChangedEnds::One(same) => {
                        if let Some(object) = known_as(self.snapshot, same.new) {
                            inside.entry(object).or_default().insert(same.new);
                        }
                    }
                    ChangedEnds::Outside(first, last) => outside.push((first, last)),
                }
            }
        }
        (inside, touching(outside))
    }

    /// Describes one side of a change; a pod always reaches itself, so where `other` is one end
    /// only, that is not missed among "anyone".
    pub(super) fn report(
        &self,
        classes: &BTreeSet<EndClass>,
        other: &BTreeSet<EndClass>,
        family: Option<Family>,
    ) -> EndsReport {
        let (other, beyond) = self.expand(other, family);
        let itself = match other.keys().collect::<Vec<_>>().as_slice() {
            [one] if beyond.is_empty() => Some((*one).clone()),
            _ => None,
        };
        let (inside, outside) = self.expand(classes, family);
        let all_outside =
            outside.iter().any(|range| is_all(*range)) && outside.iter().all(|r| is_all(*r));
        let addresses: Vec<String> = outside.iter().flat_map(|range| blocks(*range)).collect();
        let members = inside.iter().map(|(object, pods)| MemberReport {
            pods: self.part(object, pods),
            ..MemberReport::of(object)
        });
        EndsReport {
            label: self.label(&inside, &outside, all_outside, itself.as_ref()),
            members: members.collect(),
            addresses,
        }
    }

    /// How many of a workload's pods, where it is not all.
    fn part(&self, object: &ObjectRef, pods: &BTreeSet<End>) -> Option<String> {
        let all = self.everyone.get(object).map_or(0, BTreeSet::len);
        (pods.len() < all).then(|| format!("{} of {all}", pods.len()))
    }

    fn label(
        &self,
        inside: &Inside,
        outside: &[AddressRange],
        all_outside: bool,
        itself: Option<&ObjectRef>,
    ) -> String {
        let (mut missing, mut but_itself, mut parted) = (Inside::new(), false, false);
        for (object, all) in &self.everyone {
            match inside.get(object) {
                Some(pods) => parted |= pods.len() < all.len(),
                None if Some(object) == itself => but_itself = true,
                None => drop(missing.insert(object.clone(), all.clone())),
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
            named => format!(" but {}", words::list(named, "and")),
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
        words::list(&parts, "and")
    }

    /// Whole namespaces first, then workloads and nodes.
    fn named(&self, inside: &Inside) -> Vec<String> {
        let mut by_namespace: BTreeMap<Option<&str>, Vec<&ObjectRef>> = BTreeMap::new();
        for object in inside.keys() {
            by_namespace.entry(object.namespace.as_deref()).or_default().push(object);
        }
        let (mut whole, mut named) = (Vec::new(), Vec::new());
        for (namespace, objects) in by_namespace {
            let parts: Vec<Option<String>> =
                objects.iter().map(|object| self.part(object, &inside[*object])).collect();
            let all = self.sizes.get(&namespace.map(Into::into)).copied().unwrap_or_default();
            if all > 1 && objects.len() == all && parts.iter().all(Option::is_none) {
                whole.push(match namespace {
                    Some(namespace) => format!("every pod of {namespace}"),
                    None => "every node".to_owned(),
                });
                continue;
            }
            named.extend(objects.into_iter().zip(parts).map(|(object, part)| {
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

/// Ranges in order, those that touch made one.
fn touching(mut ranges: Vec<AddressRange>) -> Vec<AddressRange> {
    ranges.sort_unstable();
    ranges.dedup();
    let mut all: Vec<AddressRange> = Vec::new();
    for (first, last) in ranges {
        match all.last_mut() {
            Some((_, end)) if next(*end) == Some(first) => *end = last,
            _ => all.push((first, last)),
        }
    }
    all
}

fn next(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(ip) => u32::from(ip).checked_add(1).map(|next| IpAddr::V4(next.into())),
        IpAddr::V6(ip) => u128::from(ip).checked_add(1).map(|next| IpAddr::V6(next.into())),
    }
}

fn previous(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(ip) => u32::from(ip).checked_sub(1).map(|next| IpAddr::V4(next.into())),
        IpAddr::V6(ip) => u128::from(ip).checked_sub(1).map(|next| IpAddr::V6(next.into())),
    }
}

/// The first and last address of a family.
fn bounds(of: IpAddr) -> AddressRange {
    match of {
        IpAddr::V4(_) => (IpAddr::V4(0.into()), IpAddr::V4(u32::MAX.into())),
        IpAddr::V6(_) => (IpAddr::V6(0.into()), IpAddr::V6(u128::MAX.into())),
    }
}

fn is_all(range: AddressRange) -> bool {
    range == bounds(range.0)
}

/// A range as blocks, or as it is where these would be many.
fn blocks((first, last): AddressRange) -> Vec<String> {
    let nets: Vec<IpNet> = match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            Ipv4Subnets::new(first, last, 0).map(IpNet::V4).take(MOST_NAMED + 1).collect()
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            Ipv6Subnets::new(first, last, 0).map(IpNet::V6).take(MOST_NAMED + 1).collect()
        }
        _ => Vec::new(),
    };
    if nets.is_empty() || nets.len() > MOST_NAMED {
        return vec![format!("{first}-{last}")];
    }
    nets.iter().map(ToString::to_string).collect()
}

/// Ranges in words; all but a few where that is shorter.
fn addresses(ranges: &[AddressRange]) -> String {
    let listed = |ranges: &[AddressRange]| -> Vec<String> {
        ranges.iter().flat_map(|range| blocks(*range)).collect()
    };
    let plain = listed(ranges);
    let one_family = ranges.windows(2).all(|w| w[0].0.is_ipv4() == w[1].0.is_ipv4());
    if let Some((first, _)) = ranges.first()
        && one_family
    {
        let (lowest, highest) = bounds(*first);
        let mut gaps = Vec::new();
        let mut from = Some(lowest);
        for (first, last) in ranges {
            if let (Some(from), Some(to)) = (from, previous(*first))
                && from <= to
            {
                gaps.push((from, to));
            }
            from = next(*last);
        }
        gaps.extend(from.map(|from| (from, highest)));
        let gaps = listed(&gaps);
        if gaps.len() < plain.len() {
            let all = listed(&[(lowest, highest)]).concat();
            return format!("{all} except {}", words::list(&gaps, "and"));
        }
    }
    words::list(&plain, "and")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: &str, last: &str) -> AddressRange {
        (first.parse().unwrap(), last.parse().unwrap())
    }

    #[test]
    fn ranges_in_words() {
        let all = range("0.0.0.0", "255.255.255.255");
        assert!(is_all(all));
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
        let touching =
            touching(vec![range("10.1.0.0", "10.1.255.255"), range("10.0.0.0", "10.0.255.255")]);
        assert_eq!(touching, [range("10.0.0.0", "10.1.255.255")]);
    }
}
