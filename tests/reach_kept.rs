//! Flows that follow changes of a random cluster, one object at a time, against all flows worked out anew.

use crate::random::rules::changed_rules;
use crate::random::{Random, World, before_and_after, boundary_ports, build, hold, outside};
use netpol::cluster::{Family, Port, Snapshot};
use netpol::effort::Effort;
use netpol::policy::Ruleset;
use netpol::reach::{Connectivity, End, Ends, Kept, Reach, Turned, Updated};
use netpol::verdict::Passage;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Changes of one cluster, pairs of ends looked at after each, and ports at each.
const STEPS: usize = 6;
const PAIRS: usize = 150;
const PORTS: usize = 3;

/// Changes after which all was worked out anew, those that were followed, and those where pods moved.
static HOW: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];

/// The versions that there are of each object, by what it is called; most have one.
pub(crate) fn versions(cluster: &[Value]) -> Vec<Vec<&Value>> {
    let mut all: BTreeMap<[String; 3], Vec<&Value>> = BTreeMap::new();
    for object in cluster {
        let metadata = &object["metadata"];
        let key = [&object["kind"], &metadata["namespace"], &metadata["name"]];
        all.entry(key.map(Value::to_string)).or_default().push(object);
    }
    all.into_values().collect()
}

pub(crate) fn chosen(versions: &[Vec<&Value>], choice: &[usize]) -> Vec<Value> {
    let each = versions.iter().zip(choice).filter_map(|(all, at)| all.get(*at));
    each.map(|object| (*object).clone()).collect()
}

/// Every end inside, and some addresses outside.
fn ends(cluster: &[Value], world: &World<'_>) -> Vec<End> {
    let running = world.snapshot.pods().iter().enumerate().filter(|(_, pod)| !pod.finished);
    let pods = running.map(|(id, _)| End::Pod(id));
    let nodes = (0..world.snapshot.nodes.len()).map(End::Node);
    pods.chain(nodes).chain(outside(cluster, &[world]).into_iter().map(End::Address)).collect()
}

fn passage(reach: &Reach, port: Port) -> Passage {
    match () {
        () if reach.unconditional.contains(port) => Passage::Allowed,
        () if reach.certain.contains(port) => Passage::OnCondition,
        () if reach.possible.contains(port) => Passage::Unknown,
        () => Passage::Denied,
    }
}

/// Whether rules do not judge a flow like others between these classes.
fn is_exempt(snapshot: &Snapshot, a: End, b: End) -> bool {
    let on_node = |end| match end {
        End::Pod(id) => snapshot.pod(id).host_network,
        End::Node(_) => true,
        End::Address(_) => false,
    };
    let is_outside = |end| matches!(end, End::Address(_));
    a == b || (on_node(a) != on_node(b) && !is_outside(a) && !is_outside(b))
}

fn has(mut all: impl Iterator<Item = Ends>, end: End) -> bool {
    all.any(|ends| match (ends, end) {
        (Ends::One(one), _) => one == end,
        (Ends::Outside(from, to), End::Address(ip)) => (from..=to).contains(&ip),
        (Ends::Outside(..), _) => false,
    })
}

type Side = (Arc<Snapshot>, Arc<Ruleset>);

fn all_flows((snapshot, rules): &Side) -> Connectivity<'_> {
    Connectivity::compute(snapshot, rules, Effort::default()).unwrap()
}

/// What is wrong with flows that became those of `new`.
fn wrong(
    kept: &mut Kept,
    turned: Option<&[Turned]>,
    (old, new): (&Side, &Side),
    (ends, ports): (&[End], &[Port]),
    r: &mut Random,
) -> Option<String> {
    let anew = all_flows(new);
    // Where it was followed, the same ends are on both sides.
    let before = turned.map(|_| all_flows(old));
    let outside = |end: &End| matches!(end, End::Address(_));
    let mut pairs = Vec::new();
    for a in ends {
        for b in ends.iter().filter(|b| !(outside(a) && outside(b))) {
            pairs.extend(Family::ALL.map(|family| (*a, *b, family)));
        }
    }
    let look = |now: &Connectivity<'_>| {
        for (a, b, family) in r.sample(pairs, PAIRS) {
            let (got, expected) = (now.allowed(a, b, family), anew.allowed(a, b, family));
            if got != expected {
                return Some(format!("{a:?} to {b:?} {family}: {got:?}, not {expected:?}"));
            }
            let (Some(before), Some(turned)) = (&before, turned) else { continue };
            if is_exempt(&new.0, a, b) {
                continue;
            }
            let was = before.allowed(a, b, family);
            for port in r.sample(ports.to_vec(), PORTS) {
                let (from, to) = (passage(&was, port), passage(&expected, port));
                let expected = if from == to { vec![] } else { vec![(from, to)] };
                let of = turned.iter().filter(|it| it.family == family && it.ports.contains(port));
                let of = of.filter(|it| has(now.turned_sources(it), a));
                let of = of.filter(|it| has(now.turned_destinations(it), b));
                let told: Vec<_> = of.map(|it| (it.from, it.to)).collect();
                if told != expected {
                    return Some(format!(
                        "{told:?}, not {expected:?}: {a:?} to {b:?} at {port} {family}"
                    ));
                }
            }
        }
        None
    };
    kept.with(look).unwrap()
}

fn follows(cluster: &[Value], seed: u64) -> Option<String> {
    let mut r = Random::new(!seed);
    let versions = versions(cluster);
    // Who enforces is there all the time, as in a cluster.
    let may_change = |at: &usize| !matches!(versions[*at][0]["kind"].as_str(), Some("Calico"));
    let changing: Vec<usize> = (0..versions.len()).filter(may_change).collect();
    let mut choice = vec![0; versions.len()];
    let first = chosen(&versions, &choice);
    let world = build(&first)?;
    let mut side: Side = (Arc::new(world.snapshot), Arc::new(world.rules));
    let mut kept = Kept::new(side.0.clone(), side.1.clone(), Effort::default()).unwrap();
    for step in 0..STEPS {
        let at = *r.pick(&changing);
        let last = choice[at];
        choice[at] = (last + 1 + r.below(versions[at].len())) % (versions[at].len() + 1);
        let objects = chosen(&versions, &choice);
        let Some(world) = build(&objects) else {
            choice[at] = last;
            continue;
        };
        let (ends, ports) = (ends(&objects, &world), boundary_ports(&objects));
        let next: Side = (Arc::new(world.snapshot), Arc::new(world.rules));
        let (how, turned) = match kept.update(next.0.clone(), next.1.clone()).unwrap() {
            Updated::Anew => (0, None),
            Updated::Turned(turned) => (1, Some(turned)),
            Updated::Moved => (2, None),
        };
        HOW[how].fetch_add(1, Ordering::Relaxed);
        let sides = (&side, &next);
        let wrong = wrong(&mut kept, turned.as_deref(), sides, (&ends, &ports), &mut r);
        if let Some(wrong) = wrong {
            let changed = versions[at][0];
            let how = ["anew", "followed", "moved"][how];
            return Some(format!("{wrong}, {how}, after change {step}, of {changed}"));
        }
        side = next;
    }
    None
}

/// Clusters in which each pod has one that is just like it, but for its name and now and then its address.
fn with_twins(r: &mut Random) -> Vec<Value> {
    let mut all = before_and_after(r);
    let pods: Vec<Value> = all.iter().filter(|it| it["kind"] == "Pod").cloned().collect();
    for mut pod in pods {
        let name = format!("{}-twin", pod["metadata"]["name"].as_str().unwrap_or_default());
        pod["metadata"]["name"] = json!(name);
        if r.percent(50) && pod["status"].is_object() {
            pod["status"]["podIPs"] = json!([{"ip": "10.9.9.9"}]);
        }
        all.push(pod);
    }
    all
}

#[test]
fn flows_follow_any_changes() {
    hold(150, before_and_after, follows);
    hold(150, with_twins, follows);
    hold(250, changed_rules, follows);
    let all = HOW.each_ref().map(|count| count.load(Ordering::Relaxed));
    let [anew, turned, moved] = all;
    assert!(turned * 3 > anew && moved * 4 > anew, "{all:?}");
}

/// What a policy closes and opens is told, with whom; what it does not change is not.
#[test]
fn one_policy_is_followed() {
    let pod = |name: &str, app: &str| {
        json!({"kind": "Pod", "metadata": {"name": name, "namespace": "n", "labels": {"app": app}},
            "spec": {}, "status": {}})
    };
    let policy = |name: &str, from: &Value| {
        json!({"kind": "NetworkPolicy", "metadata": {"name": name, "namespace": "n"}, "spec": {
            "podSelector": {"matchLabels": {"app": "db"}}, "ingress": from}})
    };
    let api = json!([{"from": [{"podSelector": {"matchLabels": {"app": "api"}}}]}]);
    let side = |more: Option<Value>| -> Side {
        let mut all = vec![pod("api", "api"), pod("db", "db"), pod("web", "web")];
        all.push(policy("first", &api));
        all.extend(more);
        let world = build(&all).unwrap();
        (Arc::new(world.snapshot), Arc::new(world.rules))
    };
    let [closed, open] = [None, Some(policy("second", &json!([{}])))].map(side);
    let mut kept = Kept::new(closed.0.clone(), closed.1.clone(), Effort::default()).unwrap();
    for ((_, rules), change) in [
        (&open, (Passage::Denied, Passage::Allowed)),
        (&closed, (Passage::Allowed, Passage::Denied)),
    ] {
        let Updated::Turned(turned) = kept.update(closed.0.clone(), rules.clone()).unwrap() else {
            panic!("the same labels are asked for");
        };
        let told: BTreeSet<_> = turned.iter().map(|it| (it.from, it.to)).collect();
        assert_eq!(told, BTreeSet::from([change]));
        let look = |now: &Connectivity<'_>| {
            for it in &turned {
                let pods = |ends: Vec<Ends>| ends.contains(&Ends::One(End::Pod(0)));
                assert!(!pods(now.turned_sources(it).collect()), "the API reaches it all the time");
                let to: Vec<Ends> = now.turned_destinations(it).collect();
                assert_eq!(to, [Ends::One(End::Pod(1))]);
            }
        };
        kept.with(look).unwrap();
    }
}
