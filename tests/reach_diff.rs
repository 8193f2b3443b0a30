//! The diff of two connectivities against two verdicts on each flow, on random changes.

use crate::random::rules::changed_rules;
use crate::random::{
    Random, World, before_and_after, boundary_ports, build, hold, outside, two_sides,
};
use netpol::cluster::{Addresses, Family, Port};
use netpol::effort::Effort;
use netpol::reach::{Cell, ChangedEnds, Changes, Diff, End, Same, Witness, diff};
use netpol::verdict::{Flow, Judgement, Passage, judge};
use serde_json::Value;
use std::collections::BTreeSet;

/// Pairs of ends compared in one change, and ports at each.
const PAIRS: usize = 250;
const PORTS: usize = 3;

fn judged(
    world: &World<'_>,
    source: End,
    destination: End,
    port: Port,
    family: Family,
) -> Judgement {
    let (source, destination) = (source.into(), destination.into());
    let flow = Flow { source, destination, port, family, through_service: false };
    judge(&world.snapshot, &world.rules, &flow)
}

/// All that a flow must satisfy besides, out of its source and into its destination.
fn asked(judgement: &Judgement) -> [BTreeSet<&str>; 2] {
    [&judgement.egress, &judgement.ingress]
        .map(|trace| trace.conditions.iter().map(|condition| &*condition.asks).collect())
}

/// What a diff is to say of a flow: nothing, or what got through and what does now.
fn change(before: &Judgement, after: &Judgement) -> Vec<(Passage, Passage)> {
    let (from, to) = (before.passage(), after.passage());
    let other = from == Passage::OnCondition && asked(before) != asked(after);
    if from == to && !other { vec![] } else { vec![(from, to)] }
}

fn has_address(world: &World<'_>, end: End, family: Family) -> bool {
    match end {
        End::Pod(id) => world.snapshot.pod_address(id, family) != Addresses::Absent,
        End::Node(_) => true,
        End::Address(ip) => Family::of(ip) == family,
    }
}

/// How a pod stands to an end that is, or is on, a node.
#[derive(Clone, Copy, PartialEq)]
enum OwnNode {
    /// They are no such pair.
    Neither,
    Other,
    Own,
    Unknown,
}

fn own_node(world: &World<'_>, a: End, b: End) -> OwnNode {
    let pods = world.snapshot.pods();
    let on_node = |end| match end {
        End::Pod(id) => pods[id].host_network,
        End::Node(_) => true,
        End::Address(_) => false,
    };
    let node = |end| match end {
        End::Pod(id) => pods[id].node.as_ref(),
        End::Node(index) => Some(&world.snapshot.nodes[index].name),
        End::Address(_) => None,
    };
    let outside = |end| matches!(end, End::Address(_));
    if on_node(a) == on_node(b) || outside(a) || outside(b) {
        return OwnNode::Neither;
    }
    match (node(a), node(b)) {
        (Some(a), Some(b)) if a == b => OwnNode::Own,
        (Some(_), Some(_)) => OwnNode::Other,
        _ => OwnNode::Unknown,
    }
}

/// Pods and nodes that are compared.
fn compared_inside(diff: &Diff<'_>) -> Vec<Same> {
    let classes = Family::ALL.into_iter().flat_map(|family| diff.compared(family));
    let inside: BTreeSet<_> =
        classes.filter(|(_, outside)| !outside).map(|(class, _)| class).collect();
    let ends = inside.into_iter().flat_map(|class| diff.members(class, Family::V4));
    let same = ends.filter_map(|ends| match ends {
        ChangedEnds::One(same) => Some(same),
        ChangedEnds::Outside(..) => None,
    });
    same.collect()
}

/// Says what is wrong with how pods without a namesake were paired: with one of their workload, as
/// long as there are any, and each with one only.
fn mispaired(diff: &Diff<'_>, old: &World<'_>, new: &World<'_>) -> Option<String> {
    let workload = |world: &World<'_>, end: End| {
        let End::Pod(id) = end else { return None };
        let pod = world.snapshot.pod(id);
        let owner = pod.owner.filter(|_| !pod.template)?;
        Some(world.snapshot.workloads[owner].object.clone())
    };
    let left = |world, ends: &[End]| -> BTreeSet<_> {
        ends.iter().filter_map(|end| workload(world, *end)).collect()
    };
    let both: Vec<_> =
        left(old, &diff.gone).intersection(&left(new, &diff.came)).cloned().collect();
    if !both.is_empty() {
        return Some(format!("pods of {both:?} are left on both sides"));
    }
    let name = |world: &World<'_>, end: End| match end {
        End::Pod(id) => world.snapshot.pod(id).object().to_string(),
        End::Node(index) => world.snapshot.nodes[index].name.to_string(),
        End::Address(address) => address.to_string(),
    };
    compared_inside(diff).into_iter().find_map(|same| {
        let wrong = name(old, same.old) != name(new, same.new)
            && (workload(old, same.old).is_none()
                || workload(old, same.old) != workload(new, same.new));
        wrong.then(|| format!("{same:?} are not the same"))
    })
}

/// Pods, nodes and addresses outside that both sides have.
fn ends(cluster: &[Value], old: &World<'_>, new: &World<'_>) -> Vec<Same> {
    let mut all = Vec::new();
    for (id, pod) in old.snapshot.pods().iter().enumerate().filter(|(_, pod)| !pod.finished) {
        let same = new.snapshot.pods().iter().position(|other| {
            (&other.namespace, &other.name, other.template, other.finished)
                == (&pod.namespace, &pod.name, pod.template, false)
        });
        all.extend(same.map(|new| Same { old: End::Pod(id), new: End::Pod(new) }));
    }
    for (index, node) in old.snapshot.nodes.iter().enumerate() {
        let same = new.snapshot.nodes.iter().position(|other| other.name == node.name);
        all.extend(same.map(|new| Same { old: End::Node(index), new: End::Node(new) }));
    }
    let outside = outside(cluster, &[old, new]).into_iter().map(End::Address);
    all.extend(outside.map(|ip| Same { old: ip, new: ip }));
    all
}

/// The cells, by old and new verdict, that have this flow.
fn cells_with(
    diff: &Diff<'_>,
    cells: &[(Family, Cell)],
    source: Same,
    destination: Same,
    port: Port,
    family: Family,
) -> Vec<(Passage, Passage)> {
    let has = |class, same: Same| {
        diff.members(class, family).any(|ends| match (ends, same.old) {
            (ChangedEnds::One(known), _) => known == same,
            (ChangedEnds::Outside(from, to), End::Address(ip)) => (from..=to).contains(&ip),
            (ChangedEnds::Outside(..), _) => false,
        })
    };
    cells
        .iter()
        .filter(|(of, cell)| *of == family && cell.ports.contains(port))
        .filter(|(_, cell)| has(cell.sources, source) && has(cell.destinations, destination))
        .map(|(_, cell)| (cell.from, cell.to))
        .collect()
}

/// The changes whose rectangles have this flow.
fn covering(
    diff: &Diff<'_>,
    source: Same,
    destination: Same,
    port: Port,
    family: Family,
) -> Vec<(Passage, Passage)> {
    let has = |ends: ChangedEnds, same: Same| match (ends, same.old) {
        (ChangedEnds::One(known), _) => known == same,
        (ChangedEnds::Outside(from, to), End::Address(ip)) => (from..=to).contains(&ip),
        (ChangedEnds::Outside(..), _) => false,
    };
    diff.changes()
        .iter()
        .filter(|change| change.family == family && change.ports.contains(port))
        .filter(|change| diff.sources(change).any(|ends| has(ends, source)))
        .filter(|change| diff.destinations(change).any(|ends| has(ends, destination)))
        .map(|change| (change.from, change.to))
        .collect()
}

fn exact(cluster: &[Value], seed: u64) -> Option<String> {
    let [old_objects, new_objects] = two_sides(cluster);
    let (old, new) = (build(&old_objects)?, build(&new_objects)?);
    let diff =
        diff((&old.snapshot, &old.rules), (&new.snapshot, &new.rules), Effort::default()).unwrap();
    let mut r = Random::new(!seed);
    if let Some(wrong) = mispaired(&diff, &old, &new) {
        return Some(wrong);
    }
    let mut ends = ends(cluster, &old, &new);
    ends.extend(compared_inside(&diff));
    ends.sort_unstable();
    ends.dedup();
    let mut pairs = Vec::new();
    for source in &ends {
        for destination in &ends {
            let outside = |same: &Same| matches!(same.old, End::Address(_));
            if !(outside(source) && outside(destination)) {
                pairs.extend(Family::ALL.map(|family| (*source, *destination, family)));
            }
        }
    }
    let ports = boundary_ports(cluster);
    let cells: Vec<(Family, Cell)> = diff
        .changes()
        .iter()
        .flat_map(|change| diff.cells(change).map(|cell| (change.family, cell)))
        .collect();
    for (source, destination, family) in r.sample(pairs, PAIRS) {
        let both = [source, destination];
        let has = both
            .into_iter()
            .all(|same| has_address(&old, same.old, family) && has_address(&new, same.new, family));
        let own = [
            own_node(&old, source.old, destination.old),
            own_node(&new, source.new, destination.new),
        ];
        let compared = has && (own[0] == own[1] || own.contains(&OwnNode::Neither));
        let judged_alike = own.iter().all(|it| matches!(it, OwnNode::Neither | OwnNode::Other));
        let got = diff.between(source, destination, family);
        if !compared {
            if !got.is_empty() {
                return Some(format!("{both:?} {family} is not to be compared: {got:?}"));
            }
            continue;
        }
        for port in r.sample(ports.clone(), PORTS) {
            let before = judged(&old, source.old, destination.old, port, family);
            let after = judged(&new, source.new, destination.new, port, family);
            let mut expected = change(&before, &after);
            let got: Vec<_> = got.iter().filter(|(.., ports)| ports.contains(port)).collect();
            let got: Vec<_> = got.iter().map(|(from, to, _)| (*from, *to)).collect();
            // That the condition is the same only a judgement can tell.
            let bound = (Passage::OnCondition, Passage::OnCondition);
            if expected.is_empty() && got == [bound] {
                expected = vec![bound];
            }
            let at = || format!("{source:?} to {destination:?} at {port} {family}");
            if got != expected {
                return Some(format!("{got:?}, not {expected:?}: {}", at()));
            }
            let covering = covering(&diff, source, destination, port, family);
            // Exempt pairs may lie in a rectangle without changing, or change less than it says.
            let itself = source == destination;
            let right = if judged_alike && !itself {
                covering == expected
            } else {
                covering.len() >= expected.len()
            };
            let in_cells = cells_with(&diff, &cells, source, destination, port, family);
            if judged_alike && !itself && in_cells != expected {
                return Some(format!("cells say {in_cells:?}, not {expected:?}: {}", at()));
            }
            if !right {
                return Some(format!("rectangles say {covering:?}, not {expected:?}: {}", at()));
            }
        }
    }
    for change in diff.changes() {
        let Witness { source, destination, port } = change.witness;
        let before = judged(&old, source.old, destination.old, port, change.family).passage();
        let after = judged(&new, source.new, destination.new, port, change.family).passage();
        let own = [
            own_node(&old, source.old, destination.old),
            own_node(&new, source.new, destination.new),
        ];
        let exempt = own.iter().any(|it| matches!(it, OwnNode::Own | OwnNode::Unknown));
        let same = before == after && before != Passage::OnCondition;
        if same || (!exempt && (before, after) != (change.from, change.to)) {
            return Some(format!("{before:?} to {after:?} is no witness of {change:?}"));
        }
    }
    None
}

#[test]
fn a_diff_is_the_flows_whose_verdict_differs() {
    hold(150, before_and_after, exact);
}

#[test]
fn a_diff_of_rules_is_the_flows_whose_verdict_differs() {
    hold(200, changed_rules, exact);
}

/// What changes between the first pod and the second where the second comes to its node's network, and back; a policy
/// isolates the ingress of `isolated`.
fn to_the_nodes_network(nodes: [&str; 2], isolated: &str, ends: [usize; 2]) -> [Changes; 2] {
    let pod = |name: &str, node: &str, host: bool| {
        let node = (!node.is_empty()).then_some(node);
        serde_json::json!({"kind": "Pod", "metadata": {"name": name, "namespace": "n1",
            "labels": {"app": name}}, "spec": {"nodeName": node, "hostNetwork": host}, "status": {}})
    };
    let policy = serde_json::json!({"kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "n1"},
        "spec": {"podSelector": {"matchLabels": {"app": isolated}}, "policyTypes": ["Ingress"]}});
    let objects = [false, true]
        .map(|host| [pod("web", nodes[0], false), pod("db", nodes[1], host), policy.clone()]);
    let [inside, on_node] = objects.each_ref().map(|all| build(all).unwrap());
    [(&inside, &on_node), (&on_node, &inside)].map(|(old, new)| {
        let sides = [old, new].map(|world| (&world.snapshot, &world.rules));
        let diff = diff(sides[0], sides[1], Effort::default()).unwrap();
        let [from, to] = ends.map(|id| Same { old: End::Pod(id), new: End::Pod(id) });
        let told = diff.changes().iter().any(|change| {
            diff.sources(change).any(|end| end == ChangedEnds::One(from))
                && diff.destinations(change).any(|end| end == ChangedEnds::One(to))
        });
        let changes = diff.between(from, to, Family::V4);
        assert_eq!(told, !changes.is_empty(), "{nodes:?} {isolated}: {changes:?}");
        changes
    })
}

fn passages(changes: &Changes) -> Vec<(Passage, Passage)> {
    changes.iter().map(|(from, to, _)| (*from, *to)).collect()
}

/// docs/semantics/kubernetes.md#host-network: policies do not hold a pod on its node's network, so that one which
/// comes there opens what was closed, whether or not its node is known.
#[test]
fn a_pod_that_comes_to_its_nodes_network_is_open() {
    for nodes in [["node-1", "node-2"], ["node-1", "node-1"], ["", ""]] {
        let [there, back] = to_the_nodes_network(nodes, "db", [0, 1]);
        assert_eq!(passages(&there), [(Passage::Denied, Passage::Allowed)], "{nodes:?}");
        assert_eq!(passages(&back), [(Passage::Allowed, Passage::Denied)], "{nodes:?}");
    }
}

/// docs/semantics/kubernetes.md#exemptions: a node reaches its own pods whatever policies say, and so does a pod that
/// comes to its network, though nothing else changes.
#[test]
fn a_pod_that_comes_to_its_nodes_network_reaches_the_nodes_pods() {
    use Passage::{Allowed, Denied, Unknown};
    for (nodes, now) in [
        (["node-1", "node-1"], vec![Allowed]),
        (["node-1", "node-2"], vec![]),
        (["", ""], vec![Unknown]),
    ] {
        let [there, back] = to_the_nodes_network(nodes, "web", [1, 0]);
        let opened: Vec<_> = now.iter().map(|now| (Denied, *now)).collect();
        let closed: Vec<_> = now.iter().map(|now| (*now, Denied)).collect();
        assert_eq!((passages(&there), passages(&back)), (opened, closed), "{nodes:?}");
    }
}

/// docs/semantics/cilium-verdicts.md#allow-localhost: who closes the way of nodes to their pods
/// closes it for each node's own pods only.
#[test]
fn a_setting_that_closes_own_nodes_is_a_change() {
    let node = |name: &str| serde_json::json!({"kind": "Node", "metadata": {"name": name}});
    let pod = serde_json::json!({"kind": "Pod", "metadata": {"name": "a", "namespace": "n1"},
        "spec": {"nodeName": "node-1"}, "status": {}});
    let policy = serde_json::json!({"kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "n1"}, "spec": {}});
    let enforcer =
        |localhost: &str| serde_json::json!({"kind": "Enforcer", "allowLocalhost": localhost});
    let both = [node("node-1"), node("node-2"), pod, policy];
    let [old, new] =
        ["auto", "policy"].map(|localhost| [&both[..], &[enforcer(localhost)]].concat());
    let (old, new) = (build(&old).unwrap(), build(&new).unwrap());
    let diff =
        diff((&old.snapshot, &old.rules), (&new.snapshot, &new.rules), Effort::default()).unwrap();
    for change in diff.changes() {
        assert_eq!((change.from, change.to), (Passage::Allowed, Passage::Denied));
        let sources: Vec<_> = diff.sources(change).collect();
        let same = Same { old: End::Node(0), new: End::Node(0) };
        assert_eq!(sources, [ChangedEnds::One(same)]);
    }
    assert_eq!(diff.changes().len(), 2, "one for each family: {:?}", diff.changes());
}

/// Compared with itself, nothing changes, comes or goes.
#[test]
fn a_diff_with_itself_is_empty() {
    for generate in [before_and_after, changed_rules] {
        hold(60, generate, |cluster, _| {
            let [objects, _] = two_sides(cluster);
            let world = build(&objects)?;
            let side = (&world.snapshot, &world.rules);
            let diff = diff(side, side, Effort::default()).unwrap();
            let empty = diff.changes().is_empty() && diff.came.is_empty() && diff.gone.is_empty();
            (!empty).then(|| format!("{:?} {:?} {:?}", diff.changes(), diff.came, diff.gone))
        });
    }
}
