//! Many labels that have nothing to do with each other, and many namespaces that are alike.

use crate::random::build;
use netpol::answer::{FlowList, ListAsked, Missing, MissingReport};
use netpol::effort::Effort;
use netpol::reach::diff;
use netpol::unwritten::{of_one, of_two};
use netpol::verdict::Passage;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn policy(namespace: &str, name: &str, spec: &Value) -> Value {
    let metadata = json!({"name": name, "namespace": namespace});
    json!({"kind": "NetworkPolicy", "metadata": metadata, "spec": spec})
}

/// `NAME-client: "true"` may reach `app: NAME`, for so many names.
fn clients(count: usize) -> Vec<Value> {
    let one = |i: usize| {
        let client = format!("service-{i}-client");
        let from = json!([{"podSelector": {"matchLabels": {client: "true"}}}]);
        policy(
            "shop",
            &format!("service-{i}"),
            &json!({
                "podSelector": {"matchLabels": {"app": format!("service-{i}")}},
                "ingress": [{"from": from}],
            }),
        )
    };
    let mut all: Vec<Value> = (0..count).map(one).collect();
    all.push(policy(
        "shop",
        "default",
        &json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}),
    ));
    all.push(policy(
        "shop",
        "out",
        &json!({"podSelector": {}, "policyTypes": ["Egress"],
        "egress": [{"to": [{"podSelector": {}}]}]}),
    ));
    all
}

/// Thirty make a thousand million kinds of pods: two of them are looked at for each rule.
#[test]
fn thirty_clients_are_not_enumerated() {
    let objects = clients(30);
    let mut world = build(&objects).unwrap();
    let started = Instant::now();
    let told = of_one(&mut world.snapshot, &world.rules, Effort::default());
    assert!(told.is_complete() && told.steps < 200_000, "{told:?}");
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    let reps = world.snapshot.representatives().len();
    assert!((62..=66).contains(&reps), "{reps}");

    // One client more for one of them, and all of them said again in one policy.
    let mut changed = objects;
    changed[7]["spec"]["ingress"][0]["from"] = json!([
        {"podSelector": {"matchLabels": {"service-7-client": "true"}}},
        {"podSelector": {"matchLabels": {"service-8-client": "true"}}},
    ]);
    let before = clients(30);
    let (mut old, mut new) = (build(&before).unwrap(), build(&changed).unwrap());
    let told =
        of_two((&mut old.snapshot, &old.rules), (&mut new.snapshot, &new.rules), Effort::default());
    assert!(told.is_complete() && told.steps < 60_000, "{told:?}");
    let words: Vec<String> =
        new.snapshot.representatives().map(|(_, of)| of.words.to_string()).collect();
    assert_eq!(words, ["pods[app=service-7] in shop", "pods[service-8-client=true] in shop"]);
    let diff =
        diff((&old.snapshot, &old.rules), (&new.snapshot, &new.rules), Effort::default()).unwrap();
    let all: Vec<_> = diff.changes().iter().map(|change| (change.from, change.to)).collect();
    assert_eq!(all, [(Passage::Denied, Passage::Allowed); 2], "one for each family");
}

/// Two hundred namespaces of one base are looked at once, and a change of the base is in one group.
#[test]
fn namespaces_that_are_alike_are_one() {
    let base = |port: u16| -> Vec<Value> {
        let of = |i: usize| {
            let namespace = format!("team-{i}");
            let from = json!([{"podSelector": {}}]);
            vec![
                json!({"kind": "Namespace", "metadata": {"name": namespace}}),
                policy(
                    &namespace,
                    "default",
                    &json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}),
                ),
                policy(
                    &namespace,
                    "dns",
                    &json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{
                    "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}],
                    "ports": [{"protocol": "UDP", "port": 53}]}]}),
                ),
                policy(
                    &namespace,
                    "web",
                    &json!({"podSelector": {"matchLabels": {"app": "web"}},
                    "policyTypes": ["Ingress"], "ingress": [{"from": from, "ports": [{"port": 80}]},
                        {"from": [{"namespaceSelector": {}}], "ports": [{"port": port}]}]}),
                ),
            ]
        };
        (0..200).flat_map(of).collect()
    };
    let [before, after] = [base(8080), base(9090)];
    let (mut old, mut new) = (build(&before).unwrap(), build(&after).unwrap());
    let told =
        of_two((&mut old.snapshot, &old.rules), (&mut new.snapshot, &new.rules), Effort::default());
    assert!(told.is_complete() && told.steps < 60_000, "{told:?}");
    let mut groups = std::collections::BTreeMap::new();
    for (_, of) in new.snapshot.representatives() {
        *groups.entry(of.group.clone()).or_insert(0) += 1;
    }
    let counts: Vec<i32> = groups.values().copied().collect();
    assert_eq!(counts, [1, 200], "{groups:?}");
}

/// Where there is too much to ask a list says so, and keeps nobody waiting.
#[test]
fn what_is_too_much_is_given_up() {
    let of = |i: usize| {
        let namespace = format!("team-{i}");
        let (key, spec) = (format!("only-{i}"), json!({"podSelector": {}}));
        let from = json!([{"namespaceSelector": {"matchLabels": {&key: "a"}}}]);
        let rule = json!({"podSelector": {}, "ingress": [{"from": from}]});
        vec![
            json!({"kind": "Namespace", "metadata": {"name": namespace, "labels": {&key: "a"}}}),
            policy(&namespace, "default", &spec),
            policy(&namespace, "own", &rule),
        ]
    };
    let cluster: Vec<Value> = (0..150).flat_map(of).collect();
    let mut world = build(&cluster).unwrap();
    let told = of_one(
        &mut world.snapshot,
        &world.rules,
        Effort { search: 2_000, pairs: u64::MAX, ..Effort::default() },
    );
    assert_eq!((told.is_complete(), told.steps, told.given_up.len()), (false, 0, 1));
    let list = FlowList::new(
        &world.snapshot,
        &world.rules,
        &ListAsked::default(),
        Some(&told),
        &|_, _| None,
        Effort::default(),
    );
    let list = list.unwrap();
    let of = |missing: &MissingReport| {
        missing.message
            == "pods of every namespace that are not written were not looked at to the end"
    };
    assert!(list.missing.iter().any(of), "{:?}", list.missing);
    assert!(!list.complete && list.missing[0].decides());
}

/// Namespaces of which no two are alike, each with a rule that known pods show.
fn teams(count: usize) -> Vec<Value> {
    let of = |i: usize| {
        let namespace = format!("team-{i}");
        let pod = |name: &str| json!({"kind": "Pod", "metadata": {"namespace": namespace, "name": name, "labels": {"app": name}}});
        let port = 1000 + i;
        vec![
            pod("web"),
            pod("db"),
            json!({"kind": "Namespace", "metadata": {"name": namespace}}),
            policy(
                &namespace,
                "db",
                &json!({"podSelector": {"matchLabels": {"app": "db"}}, "ingress": [{
                    "from": [{"podSelector": {"matchLabels": {"app": "web"}}}],
                    "ports": [{"port": port}]}]}),
            ),
        ]
    };
    (0..count).flat_map(of).collect()
}

fn listed(cluster: &[Value]) -> FlowList {
    let mut world = build(cluster).unwrap();
    let told = of_one(&mut world.snapshot, &world.rules, Effort::default());
    assert!(told.is_complete(), "{told:?}");
    let (asked, effort) = (ListAsked::default(), Effort::default());
    FlowList::new(&world.snapshot, &world.rules, &asked, Some(&told), &|_, _| None, effort).unwrap()
}

/// Many rules that only isolate and allow are asked all of them, as few are.
#[test]
fn very_many_rules_are_all_asked() {
    for count in [10, 80] {
        let list = listed(&teams(count));
        assert!(list.complete && list.missing.is_empty(), "{:?}", list.missing);
        assert!(list.only_others.is_empty() && !list.flows.is_empty());
    }
}

/// Where administrators' rules come before very many of others, what pods with further labels could do is
/// not asked: the list stands, is not whole, and says so.
#[test]
fn what_is_not_asked_is_said() {
    let list = |count: usize| {
        let deny = json!({"action": "Deny", "peers": [{"set": {"namespaceSelector": {}, "podSelector": {"matchLabels": {"quarantine": "x"}}}}]});
        let first = json!({
            "kind": "Rules", "metadata": {"name": "first"}, "tier": "Admin", "priority": 0,
            "direction": "Ingress", "subject": {"namespaceSelector": {}}, "entries": [deny],
        });
        listed(&[teams(count), vec![first]].concat())
    };
    let few = list(10);
    assert!(few.complete && few.missing.is_empty(), "{:?}", few.missing);
    let many = list(80);
    let why: Vec<Missing> = many.missing.iter().map(|missing| missing.why).collect();
    assert_eq!((many.complete, why), (false, vec![Missing::NotAsked]));
    assert!(!many.missing[0].decides() && !many.flows.is_empty());
    assert!(many.notes.iter().any(|note| note.contains("further labels")), "{:?}", many.notes);
}
