//! Changes of policies whose pods are in no file, as people make them.

use crate::random::build;
use netpol::cluster::{Family, Snapshot};
use netpol::effort::Effort;
use netpol::policy::rule::Direction;
use netpol::reach::{ChangedEnds, End, diff};
use netpol::unwritten::{isolated, of_two};
use serde_json::{Value, json};

fn policy(spec: &Value) -> Vec<Value> {
    vec![json!({
        "kind": "NetworkPolicy",
        "metadata": {"name": "db", "namespace": "shop"},
        "spec": spec,
    })]
}

/// Each change of IPv4 as a line; `other` is a direction in which other policies isolate everyone.
fn changes(old: &[Value], new: &[Value], other: Option<Direction>) -> Vec<String> {
    let (mut old, mut new) = (build(old).unwrap(), build(new).unwrap());
    if let Some(direction) = other {
        for world in [&mut old, &mut new] {
            world.rules = isolated(&world.rules, direction);
        }
    }
    let effort = Effort::default();
    let told = of_two((&mut old.snapshot, &old.rules), (&mut new.snapshot, &new.rules), effort);
    assert!(told.is_complete(), "{told:?}");
    let diff =
        diff((&old.snapshot, &old.rules), (&new.snapshot, &new.rules), Effort::default()).unwrap();
    let words = |snapshot: &Snapshot, end: &ChangedEnds| match end {
        ChangedEnds::One(same) => match same.old {
            End::Pod(id) => match snapshot.representative(id) {
                Some(of) => of.words.to_string(),
                None => snapshot.pod(id).name.to_string(),
            },
            other => format!("{other:?}"),
        },
        ChangedEnds::Outside(from, to) => format!("{from}-{to}"),
    };
    let mut all = Vec::new();
    for change in diff.changes().iter().filter(|change| change.family == Family::V4) {
        let (from, to, ports) = (change.from, change.to, &change.ports);
        for cell in diff.cells(change) {
            for source in diff.members(cell.sources, Family::V4) {
                for destination in diff.members(cell.destinations, Family::V4) {
                    let [source, destination] =
                        [&source, &destination].map(|end| words(&old.snapshot, end));
                    let ports = if ports.is_all() { String::new() } else { format!(" at {ports}") };
                    all.push(format!("{source} → {destination}{ports}: {from:?} to {to:?}"));
                }
            }
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

fn db(from: &Value) -> Vec<Value> {
    policy(&json!({
        "podSelector": {"matchLabels": {"app": "db"}},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": from}],
    }))
}

fn web() -> Value {
    json!([{"podSelector": {"matchLabels": {"app": "web"}}}])
}

#[test]
fn a_policy_is_opened_to_the_whole_cluster() {
    let new = db(&json!([{"namespaceSelector": {}}]));
    assert_eq!(
        changes(&db(&web()), &new, None),
        [
            "any other namespace → pods[app=db] in shop: Denied to Allowed",
            "pods[app=db] in shop → pods[app=db] in shop: Denied to Allowed",
        ]
    );
}

#[test]
fn a_policy_is_opened_to_the_internet() {
    let new = db(&json!([{"ipBlock": {"cidr": "0.0.0.0/0"}}]));
    let all = changes(&db(&web()), &new, None);
    assert!(
        all.contains(&"0.0.0.0-255.255.255.255 → pods[app=db] in shop: Denied to Allowed".into()),
        "{all:?}"
    );
}

#[test]
fn a_peer_is_in_a_namespace_that_nobody_has_written() {
    let named = |name: &str| json!([{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}]);
    assert_eq!(
        changes(&db(&named("monitoring")), &db(&named("ingress-nginx")), None),
        [
            "any other pod of ingress-nginx → pods[app=db] in shop: Denied to Allowed",
            "any other pod of monitoring → pods[app=db] in shop: Allowed to Denied",
        ]
    );
}

/// A known `app=db` says nothing of one that also has `tier=x`.
#[test]
fn a_second_label_is_another_pod() {
    let two = json!([{"podSelector": {"matchLabels": {"app": "web", "tier": "front"}}}]);
    assert_eq!(
        changes(&db(&two), &db(&web()), None),
        ["pods[app=web] in shop → pods[app=db] in shop: Denied to Allowed"]
    );
    let absent = json!([{"podSelector": {
        "matchLabels": {"app": "web"},
        "matchExpressions": [{"key": "quarantine", "operator": "DoesNotExist"}],
    }}]);
    assert_eq!(
        changes(&db(&absent), &db(&web()), None),
        ["pods[app=web,quarantine] in shop → pods[app=db] in shop: Denied to Allowed"]
    );
}

#[test]
fn a_default_deny_becomes_allow_all() {
    let default = |ingress: Value| {
        policy(&json!({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": ingress}))
    };
    let all = changes(&default(json!([])), &default(json!([{}])), None);
    for line in [
        "any other namespace → any other pod of shop: Denied to Allowed",
        "0.0.0.0-255.255.255.255 → any other pod of shop: Denied to Allowed",
    ] {
        assert!(all.contains(&line.to_owned()), "{all:?}");
    }
}

/// An allow-all where nothing was opens what another policy closes.
#[test]
fn an_allow_opens_where_another_policy_isolates() {
    let allow = policy(&json!({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}));
    assert_eq!(changes(&[], &allow, None), [""; 0]);
    let all = changes(&[], &allow, Some(Direction::Ingress));
    let line = "any other namespace → any other pod of shop: Denied to Allowed".to_owned();
    assert!(all.contains(&line), "{all:?}");
    assert_eq!(changes(&[], &allow, Some(Direction::Egress)), [""; 0]);
}

/// A port by its name, whatever number pods give it.
#[test]
fn a_named_port_has_any_number() {
    let at = |port: Value| {
        policy(&json!({
            "podSelector": {"matchLabels": {"app": "db"}},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": web(), "ports": [{"port": port}]}],
        }))
    };
    let all = changes(&at(json!(8080)), &at(json!("http")), None);
    assert!(all.iter().any(|line| line.ends_with("Denied to Allowed")), "{all:?}");
    assert!(all.iter().any(|line| line.ends_with("Allowed to Denied")), "{all:?}");
}

/// Of two ports of one name every one counts, and to Cilium the last: who enforces decides of such a pod.
/// Source: docs/semantics/networkpolicy.md#named-ports and docs/semantics/cilium-ports.md#named-ports.
#[test]
fn a_name_of_two_ports_is_read_otherwise_by_cilium() {
    let mut before = policy(&json!({
        "podSelector": {"matchLabels": {"app": "db"}},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": web(), "ports": [{"port": "http"}]}],
    }));
    let mut after = before.clone();
    after.push(json!({"kind": "Enforcer"}));
    let closed = |all: Vec<String>| all.iter().any(|line| line.ends_with("Allowed to Denied"));
    let opened = |all: Vec<String>| all.iter().any(|line| line.ends_with("Denied to Allowed"));
    assert!(closed(changes(&before, &after, None)));
    assert!(opened(changes(&after, &before, None)));
    before.push(json!({"kind": "Enforcer"}));
    assert_eq!(changes(&before, &after, None), Vec::<String>::new());
}

/// Rules for `app=db` of shop, and what else there is.
fn on_conditions(isolates: bool, entries: &Value, more: &[Value]) -> Vec<Value> {
    let subject = json!({"own": "shop", "podSelector": {"matchLabels": {"app": "db"}}});
    let mut all = vec![json!({
        "kind": "Rules", "metadata": {"name": "db"}, "tier": "Normal", "direction": "Ingress",
        "subject": subject, "isolates": isolates, "entries": entries,
    })];
    all.extend_from_slice(more);
    all
}

/// A rule for whoever has `app=web`.
fn to_web(condition: &str) -> Value {
    let web = json!({"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "web"}}});
    match condition {
        "" => json!({"action": "Allow", "peers": [{"set": web}]}),
        _ => json!({"action": "Allow", "peers": [{"set": web}], "condition": condition}),
    }
}

/// What passes on a condition is neither all nor nothing, and not the same on another one.
/// Source: docs/semantics/cilium-ports.md#layer-7-beside-plain-rules.
#[test]
fn a_condition_comes_goes_and_becomes_another() {
    let one = |condition: &str| on_conditions(true, &json!([to_web(condition)]), &[]);
    let none = on_conditions(true, &json!([]), &[]);
    let told = |old: &[Value], new: &[Value], change: &str| {
        let all = changes(old, new, None);
        let line = format!("pods[app=web] in any other namespace → pods[app=db] in shop: {change}");
        assert!(all.contains(&line), "{all:?}");
        assert!(all.iter().all(|line| line.ends_with(change)), "{all:?}");
    };
    told(&one("GET /"), &one(""), "OnCondition to Allowed");
    told(&one(""), &one("GET /"), "Allowed to OnCondition");
    told(&one("GET /"), &one("POST /"), "OnCondition to OnCondition");
    told(&one("GET /"), &none, "OnCondition to Denied");
    told(&none, &one("GET /"), "Denied to OnCondition");
    // Without isolation a rule on a condition is all that keeps anything back.
    let free = |entries: &Value| on_conditions(false, entries, &[]);
    told(&free(&json!([to_web("GET /")])), &free(&json!([])), "OnCondition to Allowed");
    // Either condition is enough; the second one is more.
    let both = on_conditions(true, &json!([to_web("GET /"), to_web("POST /")]), &[]);
    told(&one("GET /"), &both, "OnCondition to OnCondition");
    // Beside a rule without one it binds all the same.
    let beside = on_conditions(true, &json!([to_web(""), to_web("POST /")]), &[]);
    told(&one(""), &beside, "Allowed to OnCondition");
}

/// Tiers before it decide whether a condition binds anything.
#[test]
fn a_condition_behind_other_tiers() {
    let tier = |action: &str, peer: &Value| {
        let entry = json!({"action": action, "peers": [{"set": peer}]});
        json!({
            "kind": "Rules", "metadata": {"name": "first"}, "tier": "Admin", "priority": 0,
            "direction": "Ingress", "subject": {"namespaceSelector": {}}, "entries": [entry],
        })
    };
    let of =
        |condition: &str, more: &[Value]| on_conditions(true, &json!([to_web(condition)]), more);
    let anyone = json!({"namespaceSelector": {}});
    for decides in ["Allow", "Deny"] {
        let first = [tier(decides, &anyone)];
        assert_eq!(changes(&of("GET /", &first), &of("POST /", &first), None), [""; 0]);
    }
    // Those whom it passes on, and those whom it does not mean, are bound.
    let first = [tier("Pass", &anyone)];
    let all = changes(&of("GET /", &first), &of("POST /", &first), None);
    assert!(all.iter().any(|line| line.contains("pods[app=web]")), "{all:?}");
    let some =
        json!({"namespaceSelector": {}, "podSelector": {"matchLabels": {"quarantine": "x"}}});
    let first = [tier("Deny", &some)];
    let all = changes(&of("GET /", &first), &of("POST /", &first), None);
    assert!(all.iter().any(|line| line.contains("pods[app=web] in")), "{all:?}");
    assert!(all.iter().all(|line| !line.contains("quarantine=x")), "{all:?}");
    // What goes away before it may leave another condition, and rules of its own change nothing.
    let mut admin = tier("Allow", &anyone);
    admin["entries"][0]["condition"] = json!("GET /");
    let all = changes(&of("POST /", &[admin]), &of("POST /", &[]), None);
    assert!(all.iter().any(|line| line.ends_with("OnCondition to OnCondition")), "{all:?}");
}

/// What opens other namespaces does not hide that the same rule closes one, for addresses of which it is not
/// known whether they are nodes'.
#[test]
fn a_condition_opens_some_and_closes_others() {
    let mut after = vec![
        json!({"kind": "Enforcer", "enforcement": "Always"}),
        json!({"kind": "Rules", "metadata": {"name": "r1"}, "direction": "Ingress",
            "subject": {"own": "shop"}, "entries": [{"action": "Allow"}]}),
    ];
    let before = after.clone();
    after.push(json!({"kind": "Rules", "metadata": {"name": "r2"}, "direction": "Ingress",
        "entries": [{"action": "Allow", "condition": "POST /"}]}));
    let all = changes(&before, &after, None);
    for change in ["Denied to OnCondition", "Allowed to OnCondition"] {
        assert!(all.iter().any(|line| line.ends_with(change)), "{all:?}");
    }
}
