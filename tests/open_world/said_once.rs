//! What is supposed of one namespace more and less is told once, where it is the same.

use super::changed_selectors;
use crate::random::{build, hold, two_sides};
use netpol::answer::{Compared, DiffAsked, DiffReport, FlowList, ListAsked};
use netpol::effort::Effort;
use netpol::unwritten::of_one;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// A name with labels of its namespace, `pods[a=x] in n1[t=y]`, beside the same without.
fn twice(names: &BTreeSet<&str>) -> Option<String> {
    let less = |name: &str| {
        let cut = name.strip_suffix(']')?.rfind('[')?;
        names.get(&name[..cut]).map(|known| format!("{known} and {name}"))
    };
    names.iter().find_map(|name| less(name))
}

fn in_a_diff(cluster: &[Value], _: u64) -> Option<String> {
    let [old, new] = two_sides(cluster);
    let (mut old, mut new) = (build(&old)?, build(&new)?);
    let sides = [(&mut old.snapshot, &old.rules), (&mut new.snapshot, &new.rules)];
    let sides = sides.map(|(snapshot, rules)| Compared {
        name: "side",
        arguments: &[],
        piped_from: &[],
        snapshot,
        rules,
        locate: &|_, _| None,
    });
    let report = DiffReport::compare(sides, &DiffAsked::default()).unwrap();
    report.changes.iter().flat_map(|change| [&change.from, &change.to]).find_map(|ends| {
        let members = ends.members.iter().filter(|member| member.representative);
        twice(&members.map(|member| member.name.as_str()).collect())
    })
}

fn in_a_list(cluster: &[Value], _: u64) -> Option<String> {
    let [objects, _] = two_sides(cluster);
    let mut world = build(&objects)?;
    let effort = Effort::default();
    let told = of_one(&mut world.snapshot, &world.rules, effort);
    let asked = ListAsked::default();
    let list =
        FlowList::new(&world.snapshot, &world.rules, &asked, Some(&told), &|_, _| None, effort)
            .unwrap();
    let mut alike: HashMap<String, BTreeSet<&str>> = HashMap::new();
    for flow in &list.flows {
        let ends = [&flow.source, &flow.destination];
        for (leaves, [end, other]) in [(true, ends), (false, [ends[1], ends[0]])] {
            let rest = format!(
                "{leaves} {} {:?} {} {:?} {:?}",
                other.label, flow.ports, flow.any_port, flow.verdict, flow.family
            );
            alike.entry(rest).or_default().insert(&end.label);
        }
    }
    alike.values().find_map(twice)
}

#[test]
fn a_diff_tells_one_namespace_once() {
    hold(150, changed_selectors, in_a_diff);
}

#[test]
fn a_list_tells_one_namespace_once() {
    hold(150, changed_selectors, in_a_list);
}
