//! What a namespace would lose and gain: connections that are possible now and would not be, and those that
//! are denied now and would be possible.
//!
//! In: what exists, and the rules before and after. Out: every [`Affected`] one into or out of the namespace
//! on a port that a container declares or a Service leads to, by workload; of pods of which neither
//! tells a port, on any. What changes is asked of
//! [`reach::diff`](crate::reach::diff()), so the work grows with the answer and not with the pairs of
//! pods.

use crate::cluster::{Family, Name, ObjectRef, Pod, Port, Representative, Snapshot, TargetPort};
use crate::effort::{Effort, TooMuch};
use crate::ends::{End, names};
use crate::policy::{NODE_LOCAL_DNS, Ruleset};
use crate::reach::{Change, ChangedEnds, Diff, EndClass, PortSet, Same, diff};
use crate::unwritten::{Place, Shape};
use crate::verdict::Passage;
use foldhash::{HashMap, HashMapExt as _};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;

/// More of them than this are not listed: their memory must have an end.
pub(super) const MOST: usize = 100_000;

/// As seen from the namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Way {
    /// Into it.
    In,
    /// Out of it.
    Out,
}

/// A connection that would be cut, or opened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Affected {
    /// Into or out of the namespace.
    pub way: Way,
    /// The workload in the namespace.
    pub local: ObjectRef,
    /// Who is at the other end.
    pub peer: OtherEnd,
    /// The port on the destination; `None` where the world outside is the destination, and where
    /// neither a container nor a Service tells one, so that it may be any.
    pub port: Option<Port>,
    /// The Service that leads to the port, where no container declares it.
    pub service: Option<ObjectRef>,
}

/// Who is at the other end of such a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OtherEnd {
    /// A workload or node.
    Known(ObjectRef),
    /// Any pod of the cluster, known or not.
    AnyPod,
    /// The world outside the cluster.
    Outside,
}

/// A namespace that no cluster can have: its name is none.
const ELSEWHERE: &str = "any_other_namespace";

/// Adds a pod of a namespace of which nothing is known, so that what is cut for whoever comes is told.
pub fn suppose_anyone(snapshot: &mut Snapshot) {
    let place = Place::Other { name: ELSEWHERE.into(), supposed: Vec::new() };
    let shape = Shape { place, labels: Vec::new(), ports: Vec::new() };
    let words = "anyone in the cluster";
    let (asked, group) = (words.into(), words.into());
    let of = Representative {
        words: words.into(),
        asked,
        group,
        brought_by: Vec::new(),
        any_port_names: false,
    };
    shape.add_to(snapshot, of);
}

/// What would be cut, and what opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    /// Each cut once, sorted.
    pub cuts: Vec<Affected>,
    /// What is certainly denied now and would be allowed, if only on a condition; each once, sorted.
    pub opens: Vec<Affected>,
    /// Whether these are all.
    pub complete: bool,
    /// Of those at the other end, who is on the network of a node, so that no policy names it by labels.
    pub on_nodes: BTreeSet<ObjectRef>,
}

/// Compares two sets of rules for the pods of one namespace.
pub fn impact(
    snapshot: &Snapshot,
    before: &Ruleset,
    after: &Ruleset,
    namespace: &str,
    effort: Effort,
) -> Result<Impact, TooMuch> {
    let all = impacts((snapshot, before, after), &[namespace], effort)?;
    Ok(all.into_iter().next().map(|(_, impact)| impact).unwrap_or_default())
}

/// The same for each of several namespaces.
pub fn impacts<'n>(
    (snapshot, before, after): (&Snapshot, &Ruleset, &Ruleset),
    namespaces: &[&'n str],
    effort: Effort,
) -> Result<Vec<(&'n str, Impact)>, TooMuch> {
    let diff = diff((snapshot, before), (snapshot, after), effort)?;
    let cilium = before.cilium().is_some();
    let each = namespaces.iter().map(|name| (*name, of_namespace(snapshot, &diff, cilium, name)));
    Ok(each.collect())
}

fn of_namespace(snapshot: &Snapshot, diff: &Diff<'_>, cilium: bool, namespace: &str) -> Impact {
    let (classes, on_nodes) = (HashMap::new(), BTreeSet::new());
    let (asked, found): (fn(Passage, Passage) -> bool, _) = (is_cut, BTreeSet::new());
    let mut preview =
        Preview { snapshot, diff, namespace, cilium, classes, asked, found, on_nodes };
    let mut complete = true;
    let mut all = |asked: fn(Passage, Passage) -> bool| {
        preview.asked = asked;
        complete &= diff.changes().iter().filter(|it| asked(it.from, it.to)).all(|change| {
            preview.add(change);
            preview.found.len() < MOST
        });
        std::mem::take(&mut preview.found).into_iter().collect()
    };
    let (cuts, opens) = (all(is_cut), all(is_opened));
    let on_nodes = preview.on_nodes;
    Impact { cuts, opens, complete, on_nodes }
}

/// Whether what is allowed, if only on a condition, is certainly denied then.
fn is_cut(from: Passage, to: Passage) -> bool {
    matches!(from, Passage::Allowed | Passage::OnCondition) && to == Passage::Denied
}

/// Whether what is certainly denied is allowed then, if only on a condition.
fn is_opened(from: Passage, to: Passage) -> bool {
    is_cut(to, from)
}

/// The ports of a pod that are known, each with the Service that alone tells it.
type KnownPorts = BTreeMap<Port, Option<ObjectRef>>;

/// The ends of a class that go by one name.
struct Party {
    object: ObjectRef,
    /// It stands for whoever is in the cluster.
    anyone: bool,
    /// It is of the namespace.
    local: bool,
    /// Nodes, and pods on their nodes' network.
    on_node: bool,
    /// The ports that its containers declare, and those to which Services lead.
    ports: KnownPorts,
    /// There are pods of which no port is known.
    undeclared: bool,
    /// Two for each node that they are on and for their ports: enough to find a flow that policies
    /// judge.
    examples: Vec<(Same, Rc<KnownPorts>)>,
}

impl Party {
    /// The ports at which it may listen, each with the Service that alone tells it; `None` is any.
    fn listens(&self) -> impl Iterator<Item = (Option<Port>, Option<&ObjectRef>)> {
        let known = self.ports.iter().map(|(port, service)| (Some(*port), service.as_ref()));
        known.chain(self.undeclared.then_some((None, None)))
    }

    fn peer(&self) -> OtherEnd {
        if self.anyone { OtherEnd::AnyPod } else { OtherEnd::Known(self.object.clone()) }
    }
}

/// Whether a port, or any where none is known, is among some.
fn has(ports: &PortSet, port: Option<Port>) -> bool {
    port.map_or_else(|| !ports.is_empty(), |port| ports.contains(port))
}

/// The node of an end, and its ports.
type Kind<'a> = (Option<&'a Name>, Rc<KnownPorts>);

/// Who is in a class.
#[derive(Default)]
struct Parties {
    all: Vec<Party>,
    /// Addresses outside the cluster.
    outside: bool,
}

struct Preview<'a> {
    snapshot: &'a Snapshot,
    diff: &'a Diff<'a>,
    namespace: &'a str,
    cilium: bool,
    /// Those outside are others in the other family.
    classes: HashMap<(EndClass, Family), Rc<Parties>>,
    /// Whether a change of a verdict is one that is looked for.
    asked: fn(Passage, Passage) -> bool,
    found: BTreeSet<Affected>,
    on_nodes: BTreeSet<ObjectRef>,
}

impl Preview<'_> {
    fn add(&mut self, change: &Change) {
        let classes = self.diff.classes(change);
        let [sources, destinations] = classes.map(|it| self.parties(it, change.family));
        let has_outside = |all: &[Rc<Parties>]| all.iter().any(|parties| parties.outside);
        let (from_outside, to_outside) = (has_outside(&sources), has_outside(&destinations));
        let destinations: Vec<&Party> = destinations.iter().flat_map(|it| &it.all).collect();
        let ours: Vec<&Party> = destinations.iter().copied().filter(|it| it.local).collect();
        for source in sources.iter().flat_map(|it| &it.all) {
            if source.local && to_outside {
                let (local, peer) = (source.object.clone(), OtherEnd::Outside);
                self.found.insert(Affected {
                    way: Way::Out,
                    local,
                    peer,
                    port: None,
                    service: None,
                });
            }
            for destination in if source.local { &destinations } else { &ours } {
                self.pair(change, source, destination);
                if self.found.len() >= MOST {
                    return;
                }
            }
        }
        for destination in ours {
            for (port, service) in destination.listens().filter(|_| from_outside) {
                if has(&change.ports, port) {
                    let (local, peer) = (destination.object.clone(), OtherEnd::Outside);
                    let service = service.cloned();
                    self.found.insert(Affected { way: Way::In, local, peer, port, service });
                }
            }
        }
    }

    /// A connection within the namespace is listed where it begins.
    fn pair(&mut self, change: &Change, source: &Party, destination: &Party) {
        let listens = destination.listens();
        for (port, service) in listens.filter(|(port, _)| has(&change.ports, *port)) {
            if !self.has_one(change, source, destination, port) {
                continue;
            }
            let (way, local, peer) = if source.local {
                (Way::Out, source, destination)
            } else {
                (Way::In, destination, source)
            };
            if peer.on_node {
                self.on_nodes.insert(peer.object.clone());
            }
            let (local, peer, service) = (local.object.clone(), peer.peer(), service.cloned());
            self.found.insert(Affected { way, local, peer, port, service });
        }
    }

    /// Whether some flow of two parties changes so: to itself a pod always talks, and a node mostly to the
    /// pods that run on it.
    fn has_one(
        &self,
        change: &Change,
        source: &Party,
        destination: &Party,
        port: Option<Port>,
    ) -> bool {
        if source.object != destination.object && source.on_node == destination.on_node {
            return true;
        }
        let changes = |source: &Same, destination: &Same| {
            let changes = self.diff.between(*source, *destination, change.family);
            changes.iter().any(|(from, to, ports)| (self.asked)(*from, *to) && has(ports, port))
        };
        let listens = |ports: &KnownPorts| match port {
            Some(port) => ports.contains_key(&port),
            None => ports.is_empty(),
        };
        let mut listening = destination.examples.iter().filter(|(_, ports)| listens(ports));
        listening.any(|(to, _)| source.examples.iter().any(|(from, _)| changes(from, to)))
    }

    /// What containers declare, and to what Services lead.
    fn ports(&self, pod: &Pod) -> KnownPorts {
        let mut ports = KnownPorts::new();
        for (_, service) in self.snapshot.services.within(&pod.namespace) {
            for port in service.ports.iter().filter(|_| service.selects(&pod.labels)) {
                let protocol = port.port.protocol;
                let object = || {
                    let (namespace, name) = (service.namespace.clone(), service.name.clone());
                    Some(ObjectRef::namespaced("Service", namespace, name))
                };
                // A name without a container's port leads nowhere.
                if let TargetPort::Number(number) = port.target {
                    ports.entry(Port { protocol, number }).or_insert_with(object);
                }
            }
        }
        ports.extend(pod.ports.iter().map(|declared| (declared.port, None)));
        ports
    }

    fn parties(
        &mut self,
        classes: impl Iterator<Item = EndClass>,
        family: Family,
    ) -> Vec<Rc<Parties>> {
        let of = |class| {
            if let Some(known) = self.classes.get(&(class, family)) {
                return known.clone();
            }
            let parties = Rc::new(self.read(class, family));
            self.classes.insert((class, family), parties.clone());
            parties
        };
        classes.map(of).collect()
    }

    fn read(&self, class: EndClass, family: Family) -> Parties {
        let mut parties = Parties::default();
        let mut by_object: BTreeMap<ObjectRef, (Party, HashMap<Kind<'_>, u8>)> = BTreeMap::new();
        for ends in self.diff.members(class, family) {
            let same = match ends {
                ChangedEnds::One(same) => same,
                ChangedEnds::Outside(first, last) => {
                    parties.outside |= self.is_outside(first, last);
                    continue;
                }
            };
            let Some(object) = names::inside(self.snapshot, same.new) else { continue };
            let (on_node, kind): (_, Kind<'_>) = match same.new {
                End::Pod(id) => {
                    let pod = self.snapshot.pod(id);
                    (pod.host_network, (pod.node.as_ref(), Rc::new(self.ports(pod))))
                }
                End::Node(index) => {
                    let name = self.snapshot.nodes.get(index).map(|it| &it.name);
                    (true, (name, Rc::default()))
                }
                End::Address(_) => continue,
            };
            let (party, kinds) = by_object.entry(object).or_insert_with_key(|object| {
                let object = object.clone();
                let local = object.namespace.as_deref() == Some(self.namespace);
                let (ports, examples) = (KnownPorts::new(), Vec::new());
                let anyone = object.namespace.as_deref() == Some(ELSEWHERE);
                let undeclared = false;
                let party = Party { object, anyone, local, on_node, ports, undeclared, examples };
                (party, HashMap::new())
            });
            for (port, service) in &*kind.1 {
                // What one of them declares needs no Service.
                let known = party.ports.entry(*port).or_insert_with(|| service.clone());
                *known = known.take().filter(|_| service.is_some());
            }
            party.undeclared |= kind.1.is_empty() && matches!(same.new, End::Pod(_));
            let ports = kind.1.clone();
            let times = kinds.entry(kind).or_default();
            if *times < 2 {
                *times += 1;
                party.examples.push((same, ports));
            }
        }
        parties.all = by_object.into_values().map(|(party, _)| party).collect();
        parties
    }

    /// Addresses of the pod network may be a pod's, and Cilium takes one of each node for the node.
    fn is_outside(&self, first: IpAddr, last: IpAddr) -> bool {
        let mut nets = self.snapshot.pod_cidrs.iter();
        let own_node = self.cilium && first == last && first == NODE_LOCAL_DNS;
        !own_node && !nets.any(|net| net.contains(&first) && net.contains(&last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::{Baseline, Facts};
    use crate::cluster::Origin;
    use crate::draft::Dialect;
    use crate::kinds::Kind;
    use crate::objects::{Found, Objects, api, policy_from_json};
    use crate::policy::Enforcer;
    use serde_json::{Value, json};

    fn pod(namespace: &str, name: &str, port: u16, network: bool) -> Value {
        json!({
            "metadata": { "name": name, "namespace": namespace, "labels": { "app": name } },
            "spec": {
                "hostNetwork": network,
                "nodeName": "n",
                "containers": [{ "ports": [{ "containerPort": port }] }],
            },
            "status": { "phase": "Running" },
        })
    }

    fn of(pods: &[Value], policies: &[Value]) -> (Snapshot, Ruleset) {
        let mut objects = Objects::default();
        for pod in pods {
            let pod: api::Pod = serde_json::from_value(pod.clone()).unwrap();
            objects.insert(Found::from(pod), Origin::Synthetic);
        }
        for policy in policies {
            let policy = policy_from_json(Kind::NetworkPolicy, &policy.to_string()).unwrap();
            objects.insert(policy, Origin::Synthetic);
        }
        let (snapshot, written) = objects.assemble();
        let rules = Ruleset::compile(&written, &snapshot, &Enforcer::default());
        (snapshot, rules)
    }

    fn cut(pods: &[Value], before: &[Value], namespace: &str) -> Impact {
        let mut after = Baseline::default().objects(namespace, &Facts::default());
        after.extend_from_slice(before);
        let (snapshot, rules) = of(pods, before);
        impact(&snapshot, &rules, &of(pods, &after).1, namespace, Effort::default()).unwrap()
    }

    fn shown(impact: &Impact) -> Vec<String> {
        let line = |cut: &Affected| {
            let peer = match &cut.peer {
                OtherEnd::Known(peer) => peer.to_string(),
                OtherEnd::AnyPod => "anyone".to_owned(),
                OtherEnd::Outside => "outside".to_owned(),
            };
            let port = cut.port.map(|port| port.to_string()).unwrap_or_default();
            format!("{:?} {} {peer} {port}", cut.way, cut.local)
        };
        impact.cuts.iter().map(line).collect()
    }

    #[test]
    fn what_the_baseline_cuts() {
        let pods = [pod("a", "web", 80, false), pod("b", "client", 90, false)];
        assert_eq!(
            shown(&cut(&pods, &[], "a")),
            [
                "In a/pod/web b/pod/client 80/TCP",
                "In a/pod/web outside 80/TCP",
                "Out a/pod/web b/pod/client 90/TCP",
                "Out a/pod/web outside ",
            ]
        );
        // DNS stays, and so does what is admitted or was denied before.
        let dns = [pod("a", "web", 80, false), pod("kube-system", "dns", 53, false)];
        let admitted = json!({
            "metadata": { "name": "x", "namespace": "a" },
            "spec": {
                "podSelector": {},
                "ingress": [{ "from": [{ "namespaceSelector": {} }] }],
            },
        });
        assert_eq!(shown(&cut(&dns, &[admitted], "a")), ["Out a/pod/web outside "]);
    }

    /// No container need declare its ports: a Service tells those that are likely, else it may be any. Who
    /// loses them need not be known.
    #[test]
    fn undeclared_ports_are_cut_too() {
        let bare = |name: &str| {
            let mut pod = pod("a", name, 1, false);
            pod["spec"]["containers"] = json!([{}]);
            pod
        };
        let pods = [bare("redis"), bare("worker")];
        let service: api::Service = serde_json::from_value(json!({
            "metadata": { "name": "cache", "namespace": "a" },
            "spec": { "selector": { "app": "redis" }, "ports": [{ "port": 80, "targetPort": 6379 }] },
        }))
        .unwrap();
        let with = |policies: &[Value]| {
            let mut objects = Objects::default();
            objects.insert(Found::from(service.clone()), Origin::Synthetic);
            for pod in &pods {
                let pod: api::Pod = serde_json::from_value(pod.clone()).unwrap();
                objects.insert(Found::from(pod), Origin::Synthetic);
            }
            for policy in policies {
                let policy = policy_from_json(Kind::NetworkPolicy, &policy.to_string()).unwrap();
                objects.insert(policy, Origin::Synthetic);
            }
            let (mut snapshot, written) = objects.assemble();
            suppose_anyone(&mut snapshot);
            let rules = Ruleset::compile(&written, &snapshot, &Enforcer::default());
            (snapshot, rules)
        };
        let (snapshot, before) = with(&[]);
        let (_, after) = with(&Baseline::default().objects("a", &Facts::default()));
        let impact = impact(&snapshot, &before, &after, "a", Effort::default()).unwrap();
        let lines = super::super::cuts("a", &impact, Dialect::NetworkPolicy, true);
        // What keeps them is told behind.
        let cut = |line: &'_ String| line.split("  --").next().unwrap_or_default().to_owned();
        assert_eq!(
            lines[1..].iter().map(cut).collect::<Vec<_>>(),
            [
                "  pod/redis 6379/TCP of svc/cache ← anyone in the cluster",
                "  pod/redis 6379/TCP of svc/cache ← outside the cluster",
                "  pod/worker any port ← anyone in the cluster",
                "  pod/worker any port ← outside the cluster",
                "  pod/redis → a: pod/worker any port",
                "  pod/redis → anyone in the cluster",
                "  pod/redis → outside the cluster",
                "  pod/worker → a: pod/redis 6379/TCP of svc/cache",
                "  pod/worker → anyone in the cluster",
                "  pod/worker → outside the cluster",
            ]
        );
        assert!(impact.complete);
    }

    /// Policies do not select pods on their node's network, and a node reaches its own pods.
    #[test]
    fn host_network_is_not_cut() {
        let pods = [pod("a", "agent", 80, true), pod("a", "web", 81, false)];
        let cuts = shown(&cut(&pods, &[], "a"));
        assert_eq!(cuts, ["In a/pod/web outside 81/TCP", "Out a/pod/web outside "]);
    }

    #[test]
    fn pods_of_one_workload_are_one() {
        let pods: Vec<Value> = (0..50)
            .map(|number| {
                let mut pod = pod("a", "web", 80, false);
                pod["metadata"]["name"] = format!("web-{number}").into();
                pod["metadata"]["ownerReferences"] = json!([{
                    "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "controller": true,
                }]);
                pod
            })
            .collect();
        let impact = cut(&pods, &[], "a");
        assert!(impact.complete);
        let cuts = shown(&impact);
        let one_to_another = "Out a/sts/web a/sts/web 80/TCP";
        assert!(cuts.len() == 3 && cuts.iter().any(|cut| cut == one_to_another), "{cuts:?}");
    }
}
