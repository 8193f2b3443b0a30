//! Any two small clusters: a diff has the flows whose verdicts differ, and none of a cluster with
//! itself.

use crate::cluster::{PLAIN, Words, World, enforcer, world};
use crate::dice::Dice;
use crate::reach::{PORTS, ends, flow, has_address};
use netpol::cluster::{Family, Port, real_namespace};
use netpol::effort::Effort;
use netpol::ends::End;
use netpol::reach::{self, Same};
use netpol::unwritten;
use netpol::verdict::{Passage, judge};
use serde_json::Value;

/// What gets through.
fn passage(world: &World, source: End, destination: End, port: Port, family: Family) -> Passage {
    judge(&world.snapshot, &world.rules, &flow(source, destination, port, family)).passage()
}

/// The end of the other side that has the same name.
fn same(old: &World, new: &World, end: End) -> Option<Same> {
    let new = match end {
        End::Pod(id) => {
            let pod = old.snapshot.pod(id);
            let alike = |other: &netpol::cluster::Pod| {
                (&other.namespace, &other.name, other.template, other.finished)
                    == (&pod.namespace, &pod.name, pod.template, false)
            };
            End::Pod(new.snapshot.pods().iter().position(alike)?)
        }
        End::Node(index) => {
            let name = &old.snapshot.nodes[index].name;
            End::Node(new.snapshot.nodes.iter().position(|node| node.name == *name)?)
        }
        End::Address(_) => end,
    };
    Some(Same { old: end, new })
}

/// Whether two pods suppose different labels of one namespace, so that they are never there together and
/// are not compared.
fn apart(world: &World, ends: [End; 2]) -> bool {
    let [one, other] = ends.map(|end| match end {
        End::Pod(id) => Some(&*world.snapshot.pod(id).namespace),
        _ => None,
    });
    one.zip(other)
        .is_some_and(|(one, other)| one != other && real_namespace(one) == real_namespace(other))
}

/// See above.
pub fn diff(bytes: &[u8]) {
    let mut dice = Dice::new(bytes);
    let enforcer = enforcer(&mut dice);
    // Most is on both sides, so that what differs can be seen.
    let both = Words(&PLAIN).objects(&mut dice, 7);
    let mut changed: Vec<Value> = both.clone();
    if dice.chance(4) {
        changed.pop();
    }
    changed.extend(Words(&PLAIN).objects(&mut dice, 4));
    let [mut old, mut new] = [&both, &changed].map(|objects| world(objects, &enforcer));

    for world in [&old, &new] {
        let side = (&world.snapshot, &world.rules);
        let changes =
            reach::diff(side, side, Effort::default()).expect("a small cluster").changes().to_vec();
        assert!(changes.is_empty(), "{changes:?}\n{both:#?}\n{changed:#?}");
    }

    if dice.chance(4) {
        let effort = Effort { search: 200_000, ..Effort::default() };
        unwritten::of_two((&mut old.snapshot, &old.rules), (&mut new.snapshot, &new.rules), effort);
    }
    let diff =
        reach::diff((&old.snapshot, &old.rules), (&new.snapshot, &new.rules), Effort::default())
            .expect("a small cluster");
    let ends: Vec<Same> =
        ends(&old).into_iter().filter_map(|end| same(&old, &new, end)).take(10).collect();
    let outside = |same: &Same| matches!(same.old, End::Address(_));
    for source in &ends {
        for destination in ends.iter().filter(|end| !(outside(source) && outside(end))) {
            for family in Family::ALL {
                let there = |same: &Same| {
                    has_address(&old, same.old, family) && has_address(&new, same.new, family)
                };
                let got = diff.between(*source, *destination, family);
                if got.is_empty() && apart(&old, [source.old, destination.old]) {
                    continue;
                }
                if !there(source) || !there(destination) {
                    assert!(got.is_empty(), "{source:?} {destination:?} {family}: {got:?}");
                    continue;
                }
                for (protocol, number) in PORTS {
                    let port = Port { protocol, number };
                    let before = passage(&old, source.old, destination.old, port, family);
                    let after = passage(&new, source.new, destination.new, port, family);
                    let said = got.iter().filter(|(.., ports)| ports.contains(port));
                    let said: Vec<_> = said.map(|(from, to, _)| (*from, *to)).collect();
                    let right = match &*said {
                        [] => before == after,
                        // That the condition is the same only a judgement can tell.
                        [one] => *one == (before, after),
                        _ => false,
                    };
                    // Which node a pod is on may differ, and is then not compared.
                    let node = [source, destination].iter().any(|same| match same.old {
                        End::Node(_) => true,
                        End::Pod(id) => {
                            let now = matches!(same.new, End::Pod(new_id) if new.snapshot.pod(new_id).host_network);
                            now || old.snapshot.pod(id).host_network
                        }
                        End::Address(_) => false,
                    });
                    assert!(
                        right || node,
                        "{said:?}, not {before:?} to {after:?}: {source:?} to {destination:?} at \
                         {port} {family}\n{both:#?}\n{changed:#?}"
                    );
                }
            }
        }
    }
}
