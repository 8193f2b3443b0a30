//! Rules laid side by side, as a list of very many has it, find what a search finds.

use super::one_side::{complete, some_pods, some_pods_and_rules};
use super::population::{flow, passage};
use crate::random::{World, boundary_ports, build, hold};
use netpol::cluster::{
    Bringer, Family, Port, PortRange, Protocol, Representative, Snapshot, Truth,
};
use netpol::effort::Effort;
use netpol::policy::rule::{Direction, Entry, PeerKind, Peers, Policy, PortMatch, Ports};
use netpol::unwritten::{Unwritten, of_one};
use netpol::verdict::{Endpoint, Passage};
use serde_json::{Value, json};
use std::collections::HashSet;

/// No two rules are searched together that can be laid side by side.
fn side_by_side() -> Effort {
    Effort { pairs: 0, ..Effort::default() }
}

fn key(bringer: &Bringer) -> (String, String) {
    (bringer.object.to_string(), bringer.path.to_string())
}

/// The rules of which something is told.
fn brought(snapshot: &Snapshot, told: &Unwritten) -> HashSet<(String, String)> {
    let of = snapshot.representatives().flat_map(|(_, of)| &of.brought_by);
    of.chain(told.only_others.iter().map(|found| &found.brought_by)).map(key).collect()
}

fn admits(world: &World<'_>, entry: &Entry, peer: usize, at: (usize, Port)) -> bool {
    let pod = world.snapshot.pod(peer);
    let namespace = world.snapshot.namespace(&pod.namespace);
    let (destination, port) = at;
    let means = match &entry.peers {
        Peers::Any => true,
        Peers::Of(items) => items.iter().any(|item| match &item.admits {
            PeerKind::Pods(set) => set.has(pod, namespace) == Truth::Yes,
            PeerKind::Addresses(block, scope) => {
                scope.pods && pod.ips.iter().any(|ip| block.contains(*ip))
            }
            _ => false,
        }),
    };
    let has = match &entry.ports {
        Ports::Any => true,
        Ports::Of(items) => items.iter().any(|item| {
            item.protocol == port.protocol
                && match &item.ports {
                    PortMatch::All => true,
                    PortMatch::Range(range) => range.contains(port.number),
                    PortMatch::Named(name) => {
                        let pod = world.snapshot.pod(destination);
                        pod.named_ports(name, port.protocol).any(|number| number == port.number)
                    }
                }
        }),
    };
    means && has
}

/// Whether pods that are known or told of show a rule: a flow passes that it speaks for, also to and from
/// outside.
fn is_shown(world: &World<'_>, policy: &Policy, entry: &Entry, ports: &[Port]) -> bool {
    let outside = match &entry.peers {
        Peers::Any => true,
        Peers::Of(items) => items.iter().any(|item| matches!(item.admits, PeerKind::Addresses(..))),
    };
    let pods = world.snapshot.pods().len();
    (0..pods).any(|subject| {
        let pod = world.snapshot.pod(subject);
        let namespace = world.snapshot.namespace(&pod.namespace);
        if policy.subject.has(pod, namespace) != Truth::Yes || pod.finished || pod.host_network {
            return false;
        }
        outside
            || (0..pods).filter(|peer| *peer != subject).any(|peer| {
                let ends = match policy.direction {
                    Direction::Ingress => [peer, subject],
                    Direction::Egress => [subject, peer],
                };
                ports.iter().any(|port| {
                    admits(world, entry, peer, (ends[1], *port))
                        && Family::ALL.into_iter().any(|family| {
                            let [source, destination] = ends.map(Endpoint::Pod);
                            let flow = flow(source, destination, *port, family);
                            passage(&world.snapshot, &world.rules, &flow) > Passage::Denied
                        })
                })
            })
    })
}

/// Numbers that rules have, those that pods declare, and one more.
fn all_ports(cluster: &[Value], world: &World<'_>) -> Vec<Port> {
    let mut all = boundary_ports(cluster);
    all.push(Port { protocol: Protocol::Tcp, number: 80 });
    all.extend(world.snapshot.pods().iter().flat_map(|pod| pod.ports.iter()).map(|it| it.port));
    let entries = world.rules.policies().iter().flat_map(|policy| &policy.entries);
    for entry in entries {
        let Ports::Of(items) = &entry.ports else { continue };
        all.extend(items.iter().filter_map(|item| match item.ports {
            PortMatch::Range(PortRange { first, .. }) => {
                Some(Port { protocol: item.protocol, number: first })
            }
            _ => None,
        }));
    }
    all
}

/// Each rule that a search finds pods for is shown by known pods or told of, and what is told of pods
/// with further labels is so.
fn same(cluster: &[Value], _: u64) -> Option<String> {
    let (mut world, mut searched) = (build(cluster)?, build(cluster)?);
    let thorough = of_one(&mut searched.snapshot, &searched.rules, Effort::default());
    let told = of_one(&mut world.snapshot, &world.rules, side_by_side());
    if !thorough.is_complete() || !told.is_complete() || told.coarse {
        return None;
    }
    let found = brought(&world.snapshot, &told);
    let ports = all_ports(cluster, &world);
    for rule in brought(&searched.snapshot, &thorough).difference(&found) {
        let shown = world.rules.policies().iter().any(|policy| {
            let mut entries = policy.entries.iter();
            policy.object.to_string() == rule.0
                && entries.any(|it| *it.path == *rule.1 && is_shown(&world, policy, it, &ports))
        });
        if !shown {
            return Some(format!("{rule:?} lets pods through, and nobody says so"));
        }
    }
    for found in &told.only_others {
        let nobody = Representative {
            words: "".into(),
            asked: "".into(),
            group: "".into(),
            brought_by: Vec::new(),
            any_port_names: false,
        };
        let [source, destination] = [&found.source, &found.destination]
            .map(|shape| Endpoint::Pod(shape.add_to(&mut world.snapshot, nobody.clone())));
        let passages = Family::ALL.map(|family| {
            let flow = flow(source.clone(), destination.clone(), found.port, family);
            passage(&world.snapshot, &world.rules, &flow)
        });
        // By another rule more may get through.
        if passages.into_iter().max() < Some(found.passage) || found.passage == Passage::Denied {
            return Some(format!("{passages:?}, not {found:?}"));
        }
    }
    None
}

#[test]
fn a_list_by_rules_holds_for_every_population() {
    hold(200, some_pods, |cluster, seed| complete(cluster, seed, true, side_by_side()));
}

#[test]
fn a_list_of_all_rules_by_rules_holds_for_every_population() {
    hold(150, some_pods_and_rules, |cluster, seed| complete(cluster, seed, false, side_by_side()));
}

#[test]
fn by_rules_is_told_what_a_search_finds() {
    hold(200, some_pods, same);
    hold(150, some_pods_and_rules, same);
}

/// What isolates every pod of some namespaces closes no other: rules let pods of those through.
#[test]
fn what_closes_other_namespaces_closes_none_here() {
    let anyone = json!({"namespaceSelector": {"matchLabels": {"a": "x"}}});
    for elsewhere in ["In", "DoesNotExist"] {
        let mut named = json!({"key": "kubernetes.io/metadata.name", "operator": elsewhere});
        if elsewhere == "In" {
            named["values"] = json!(["elsewhere"]);
        }
        let subject = json!({"namespaceSelector": {"matchExpressions": [named]}});
        let cluster = [
            policy(
                "out",
                &json!({"policyTypes": ["Egress"], "egress": [{"to": [anyone.clone()]}]}),
            ),
            json!({"kind": "Rules", "metadata": {"name": "close"}, "direction": "Ingress",
                "isolates": true, "subject": subject}),
        ];
        assert_eq!(same(&cluster, 0), None, "{elsewhere}");
    }
}

fn policy(name: &str, spec: &Value) -> Value {
    let metadata = json!({"name": name, "namespace": "shop"});
    json!({"kind": "NetworkPolicy", "metadata": metadata, "spec": spec})
}

fn pod(name: &str, labels: &Value) -> Value {
    json!({"kind": "Pod", "metadata": {"namespace": "shop", "name": name, "labels": labels}})
}

/// `web` may reach `db`, and nobody may leave but clients, who are known and may go elsewhere: only who is
/// both gets through. That is told of the two rules, and is no pod more in every row.
#[test]
fn what_two_rules_need_at_once_is_told_once() {
    let to = |app: &str| json!([{"podSelector": {"matchLabels": {"app": app}}}]);
    let cluster = [
        json!({"kind": "Namespace", "metadata": {"name": "shop"}}),
        pod("web", &json!({"app": "web"})),
        pod("db", &json!({"app": "db"})),
        pod("api", &json!({"app": "api", "role": "client"})),
        policy("closed", &json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})),
        policy(
            "db",
            &json!({"podSelector": {"matchLabels": {"app": "db"}}, "ingress": [{"from": to("web")}]}),
        ),
        policy("web", &json!({"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{}]})),
        policy("api", &json!({"podSelector": {"matchLabels": {"app": "api"}}, "ingress": [{}]})),
        policy(
            "clients",
            &json!({"podSelector": {"matchLabels": {"role": "client"}}, "policyTypes": ["Egress"],
            "egress": [{"to": to("db")}, {"to": to("web")}]}),
        ),
    ];
    let mut world = build(&cluster).unwrap();
    let told = of_one(&mut world.snapshot, &world.rules, side_by_side());
    assert!(told.is_complete() && !told.coarse, "{told:?}");
    let all: Vec<_> = told
        .only_others
        .iter()
        .map(|it| {
            (it.brought_by.object.name.to_string(), it.source.words(), it.destination.words())
        })
        .collect();
    let both = |rule: &str| {
        let source = "pods[app=web,role=client] in shop".to_owned();
        (rule.to_owned(), source, "pods[app=db] in shop".to_owned())
    };
    assert_eq!(all, [both("db"), both("clients")], "{told:?}");
}

/// A namespace without pods is not like one that has some: its policies are told for themselves.
#[test]
fn a_namespace_without_pods_is_not_like_one_with_pods() {
    let of = |namespace: &str| {
        let from = json!([{"podSelector": {"matchLabels": {"app": "web"}}}]);
        let spec =
            json!({"podSelector": {"matchLabels": {"app": "db"}}, "ingress": [{"from": from}]});
        let metadata = json!({"name": "db", "namespace": namespace});
        vec![
            json!({"kind": "Namespace", "metadata": {"name": namespace}}),
            json!({"kind": "NetworkPolicy", "metadata": metadata, "spec": spec}),
        ]
    };
    let mut cluster = [of("shop"), of("stage")].concat();
    cluster.extend([pod("web", &json!({"app": "web"})), pod("db", &json!({"app": "db"}))]);
    for effort in [Effort::default(), side_by_side()] {
        let mut world = build(&cluster).unwrap();
        let told = of_one(&mut world.snapshot, &world.rules, effort);
        assert!(told.is_complete() && told.only_others.is_empty(), "{told:?}");
        let words: Vec<&str> = world.snapshot.representatives().map(|(_, of)| &*of.words).collect();
        assert!(words.contains(&"pods[app=db] in stage"), "{words:?}");
        assert!(!words.contains(&"pods[app=db] in shop"), "{words:?}");
    }
}

/// A block of one family says nothing of a pod that has addresses of the other only: whom else it reaches is
/// looked for.
#[test]
fn a_block_of_the_other_family_shows_nothing() {
    let to = json!([{"to": [{"ipBlock": {"cidr": "255.255.255.255/32"}}]}, {"to": [{
        "namespaceSelector": {},
        "podSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]},
    }]}]);
    let mut web = pod("web", &json!({"app": "web"}));
    web["status"] = json!({"podIPs": [{"ip": "2001:db8::1"}]});
    let out = policy("out", &json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": to}));
    let cluster = [web, out];
    let mut world = build(&cluster).unwrap();
    let told = of_one(&mut world.snapshot, &world.rules, side_by_side());
    assert!(told.is_complete(), "{told:?}");
    let reaches = |id: usize| {
        let [source, destination] = [0, id].map(Endpoint::Pod);
        let flow = flow(source, destination, Port::tcp(80), Family::V6);
        passage(&world.snapshot, &world.rules, &flow) == Passage::Allowed
    };
    assert!(world.snapshot.representatives().any(|(id, _)| reaches(id)));
}
