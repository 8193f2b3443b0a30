//! What is supposed of one namespace more and less is told once, where it is the same.

use super::changed_selectors;
use crate::random::{build, hold, two_sides};
use netpol::answer::{Compared, DiffAsked, DiffReport, FlowList, ListAsked};
use netpol::effort::Effort;
use netpol::unwritten::of_one;
use serde_json::{Value, json};
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

/// What is listed of these objects, with the notes.
fn listed(objects: &[Value]) -> (BTreeSet<String>, Vec<String>) {
    let mut world = build(objects).unwrap();
    let effort = Effort::default();
    let told = of_one(&mut world.snapshot, &world.rules, effort);
    let asked = ListAsked::default();
    let list =
        FlowList::new(&world.snapshot, &world.rules, &asked, Some(&told), &|_, _| None, effort)
            .unwrap();
    let row = |flow: &netpol::answer::ListedFlow| {
        format!("{} > {} {:?}", flow.source.label, flow.destination.label, flow.verdict)
    };
    (list.flows.iter().map(row).collect(), list.notes)
}

fn policy(name: &str, subject: &Value, to: &Value) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"podSelector": subject, "policyTypes": ["Egress"], "egress": [{"to": [to]}]}})
}

fn pods(pods: &Value, namespaces: &Value) -> Value {
    json!({"podSelector": {"matchLabels": pods}, "namespaceSelector": {"matchLabels": namespaces}})
}

/// Another rule asks for one label more; with it nothing else becomes of the pods of the first.
#[test]
fn pods_with_more_labels_are_told_where_they_differ_only() {
    let web = json!({"tier": "web"});
    let (few, more) = (json!({"env": "prod"}), json!({"env": "prod", "team": "ml"}));
    let subject = |app: &str| json!({"matchLabels": {"app": app}});
    let shop = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
    let (rows, _) = listed(&[
        shop,
        policy("wide", &subject("a"), &pods(&web, &few)),
        policy("narrow", &subject("b"), &pods(&web, &more)),
    ]);
    for (row, is_there) in [
        ("pods[app=a] in shop > pods[tier=web] in namespaces[env=prod] Allowed", true),
        ("pods[app=a] in shop > pods[tier=web] in namespaces[env=prod,team=ml] Allowed", false),
        ("pods[app=b] in shop > pods[tier=web] in namespaces[env=prod,team=ml] Allowed", true),
    ] {
        assert_eq!(rows.contains(row), is_there, "{row} in {rows:#?}");
    }
}

/// Any pod may have an address of a block where nobody says where pods are, but for those whose address
/// is known.
#[test]
fn what_is_not_known_of_any_other_namespace_is_said_of_it() {
    let block = json!({"ipBlock": {"cidr": "10.1.0.0/16"}});
    let web = pods(&json!({"tier": "web"}), &json!({"env": "prod"}));
    let subject = |app: &str| json!({"matchLabels": {"app": app}});
    let shop = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
    let (rows, notes) = listed(&[
        shop,
        json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "c", "namespace": "shop", "labels": {"app": "c"}},
            "spec": {"containers": [{"name": "c", "image": "c"}]},
            "status": {"podIP": "10.2.0.1", "podIPs": [{"ip": "10.2.0.1"}]}}),
        policy("block", &subject("a"), &block),
        policy("pods", &subject("b"), &web),
    ]);
    assert!(rows.contains("pods[app=a] in shop > any other namespace Unknown"), "{rows:#?}");
    let other = "pods[app=a] in shop > pods[tier=web] in namespaces[env=prod] Unknown";
    assert!(!rows.contains(other), "{rows:#?}");
    let told =
        notes.iter().any(|note| note.contains("of pods that nobody has written are as little"));
    assert!(told, "{notes:?}");
}

#[test]
fn a_diff_tells_one_namespace_once() {
    hold(150, changed_selectors, in_a_diff);
}

#[test]
fn a_list_tells_one_namespace_once() {
    hold(150, changed_selectors, in_a_list);
}
