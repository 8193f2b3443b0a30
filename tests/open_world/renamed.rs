//! A namespace of another name: it is compared with its old self, and no flow that opens besides is lost.

use super::population::{coexist, flow, has_address, passage, populate};
use super::{FLOWS, STRANGERS, changed_selectors};
use crate::random::{Random, World, boundary_ports, build, hold, two_sides};
use netpol::answer::{Compared, DiffAsked, DiffReport};
use netpol::cluster::Family;
use netpol::verdict::Endpoint;
use serde_json::{Value, json};

/// The name that nothing else has.
const NEW: &str = "n5";

/// Each text that is the one is the other, wherever it stands.
fn swap(value: &mut Value, names: [&str; 2]) {
    match value {
        Value::String(text) => {
            let other = names.iter().position(|name| name == text).map(|at| names[1 - at]);
            if let Some(other) = other {
                other.clone_into(text);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| swap(item, names)),
        Value::Object(fields) => fields.values_mut().for_each(|field| swap(field, names)),
        _ => {}
    }
}

fn swapped(objects: &[Value], names: [&str; 2]) -> Vec<Value> {
    let mut all = objects.to_vec();
    for object in &mut all {
        swap(object, names);
    }
    all
}

fn is_in(object: &Value, name: &str) -> bool {
    let of_space = object["kind"] == "Namespace" && object["metadata"]["name"] == name;
    of_space || object["metadata"]["namespace"] == name
}

fn pod(namespace: &str) -> Value {
    let labels = json!({"a": "x"});
    json!({"kind": "Pod", "metadata": {"name": "known", "namespace": namespace, "labels": labels}})
}

/// Both sides, of which the new one has another name for one namespace of the old one, and perhaps a
/// pod in it; with `besides`, it differs in more, and some rules still have the old name.
fn sides(cluster: &[Value], r: &mut Random, besides: bool) -> Option<[Vec<Value>; 2]> {
    let [mut old, changed] = two_sides(cluster);
    let written = old.iter().filter(|object| object["kind"] == "Namespace");
    let names: Vec<String> = written
        .filter_map(|object| Some(object["metadata"]["name"].as_str()?.to_owned()))
        .collect();
    let taken = |object: &Value| is_in(object, NEW);
    if names.is_empty() || old.iter().chain(&changed).any(taken) {
        return None;
    }
    let name = r.pick(&names).clone();
    if r.percent(60) {
        old.push(pod(&name));
    }
    let mut new = if besides { changed } else { old.clone() };
    if besides && r.percent(80) {
        new.retain(|object| !is_in(object, &name));
        new.extend(old.iter().filter(|object| is_in(object, &name)).cloned());
    } else if besides {
        new.extend(old.iter().filter(|object| object["kind"] == "Pod").cloned());
    }
    for object in &mut new {
        if !besides || is_in(object, &name) || r.percent(60) {
            swap(object, [&name, NEW]);
        }
    }
    Some([old, new])
}

fn compare(old: &World<'_>, new: &World<'_>) -> DiffReport {
    let mut snapshots = [old.snapshot.clone(), new.snapshot.clone()];
    let [before, after] = &mut snapshots;
    let sides = [(before, &old.rules), (after, &new.rules)].map(|(snapshot, rules)| Compared {
        name: "side",
        arguments: &[],
        piped_from: &[],
        snapshot,
        rules,
        locate: &|_, _| None,
    });
    DiffReport::compare(sides, &DiffAsked { policies_complete: true, ..DiffAsked::default() })
        .unwrap()
}

fn only_renamed(cluster: &[Value], seed: u64) -> Option<String> {
    let [old_objects, new_objects] = sides(cluster, &mut Random::new(!seed), false)?;
    let (old, new) = (build(&old_objects)?, build(&new_objects)?);
    let report = compare(&old, &new);
    let silent = report.changes.is_empty() && report.complete;
    let told = !report.renamed.is_empty();
    (told && !silent).then(|| format!("{:?} {:?}", report.renamed, report.changes))
}

fn nothing_is_lost(cluster: &[Value], seed: u64) -> Option<String> {
    let mut r = Random::new(!seed);
    let [old_objects, new_objects] = sides(cluster, &mut r, true)?;
    let (old, new) = (build(&old_objects)?, build(&new_objects)?);
    let report = compare(&old, &new);
    let [renamed] = &report.renamed[..] else { return None };
    let as_new = swapped(&old_objects, [&renamed.old, &renamed.new]);
    let old = build(&as_new)?;
    let population = populate(&mut r, cluster, &[&old, &new], STRANGERS);
    let rules = [&old.rules, &new.rules];
    let ends: Vec<Endpoint> = population.strangers.iter().map(|id| Endpoint::Pod(*id)).collect();
    let ports = boundary_ports(cluster);
    for _ in 0..FLOWS {
        let (source, destination) = (r.pick(&ends).clone(), r.pick(&ends).clone());
        let (Endpoint::Pod(a), Endpoint::Pod(b)) = (&source, &destination) else { continue };
        let family = *r.pick(&Family::ALL);
        let there = |end| population.sides.iter().all(|side| has_address(side, end, family));
        if a == b
            || !coexist(&population.sides[0], *a, *b)
            || !there(&source)
            || !there(&destination)
        {
            continue;
        }
        let flow = flow(source, destination, *r.pick(&ports), family);
        let [was, is] = [0, 1].map(|side| passage(&population.sides[side], rules[side], &flow));
        let told = match is.cmp(&was) {
            std::cmp::Ordering::Greater => report.opens(),
            std::cmp::Ordering::Less => report.closes(),
            std::cmp::Ordering::Equal => true,
        };
        if !told && report.complete {
            return Some(format!("{was:?} became {is:?} of {flow:?}, and {renamed:?}"));
        }
    }
    None
}

#[test]
fn a_new_name_alone_changes_nothing() {
    hold(200, changed_selectors, only_renamed);
}

#[test]
fn what_opens_besides_is_told() {
    hold(300, changed_selectors, nothing_is_lost);
}

/// The two tests above are about something: a namespace that stands alone is found again.
#[test]
fn a_new_name_is_found() {
    let namespace = json!({"kind": "Namespace", "metadata": {"name": "n1", "labels": {"t": "x"}}});
    let policy = |name: &str, spec: Value| {
        json!({
            "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": "n1"},
            "spec": spec,
        })
    };
    let deny = policy("deny", json!({"podSelector": {}}));
    let web = |port: u16| {
        policy("web", json!({"podSelector": {}, "ingress": [{"ports": [{"port": port}]}]}))
    };
    let old = vec![namespace.clone(), pod("n1"), deny.clone(), web(80)];
    let renamed = |objects: &[Value]| {
        let objects = swapped(objects, ["n1", NEW]);
        let (old, new) = (build(&old).unwrap(), build(&objects).unwrap());
        let report = compare(&old, &new);
        (report.renamed.len(), report.opens(), report.new.only_here.len())
    };
    assert_eq!(renamed(&old), (1, false, 0));
    assert_eq!(renamed(&[namespace.clone(), pod("n1"), deny.clone(), web(81)]), (1, true, 0));
    // Whose labels, or policies and workloads, are others is another.
    let other = json!({"kind": "Namespace", "metadata": {"name": "n1", "labels": {"t": "y"}}});
    assert_eq!(renamed(&[other, pod("n1"), deny.clone(), web(80)]).0, 0);
    assert_eq!(renamed(&[namespace.clone(), deny.clone(), web(81)]).0, 0);
    // Of two that are alike neither can be told.
    let mut twice = old.clone();
    twice.extend(swapped(&old, ["n1", "n4"]));
    assert_eq!(renamed(&twice).0, 0);
}
