//! What a namespace would lose: connections that are possible now and would not be.
//!
//! In: what exists, and the rules before and after. Out: every [`Cut`] into or out of the namespace
//! on a port that a container declares, by workload. Pods that are alike are judged once.

use crate::cluster::{Family, Labels, Name, ObjectRef, Pod, PodId, Port, Snapshot};
use crate::policy::Ruleset;
use crate::verdict::{Endpoint, Flow, Verdict, judge};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// More flows than this are not judged: a preview must not keep anyone waiting.
const MOST: usize = 1_000_000;

/// Addresses that nobody has (RFC 5737, RFC 3849): they stand for the world outside.
const OUTSIDE: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];

/// As seen from the namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Way {
    /// Into it.
    In,
    /// Out of it.
    Out,
}

/// A connection that would be cut.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cut {
    /// Into or out of the namespace.
    pub way: Way,
    /// The workload in the namespace.
    pub local: ObjectRef,
    /// The workload at the other end; `None` is the world outside the cluster.
    pub peer: Option<ObjectRef>,
    /// The port on the destination; `None` where the world outside is the destination.
    pub port: Option<Port>,
}

/// What would be cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    /// Each cut once, sorted.
    pub cuts: Vec<Cut>,
    /// How many flows were judged.
    pub judged: usize,
    /// Whether these were all.
    pub complete: bool,
}

/// Compares two sets of rules for the pods of one namespace.
pub fn impact(snapshot: &Snapshot, before: &Ruleset, after: &Ruleset, namespace: &str) -> Impact {
    let by_address = before.traits().pod_addresses || after.traits().pod_addresses;
    let classes = classes(snapshot, by_address);
    let mut preview = Preview { snapshot, before, after, cuts: BTreeSet::new(), judged: 0 };
    for local in classes.iter().filter(|class| *snapshot.pod(class[0]).namespace == *namespace) {
        preview.outside(local[0]);
        for peer in &classes {
            if preview.judged >= MOST {
                break;
            }
            // A connection within the namespace is listed where it begins.
            if *snapshot.pod(peer[0]).namespace != *namespace {
                preview.pair(Way::In, local[0], peer[0]);
            }
            // To itself a pod always talks; to the next pod of its class it may have to.
            let other = if local == peer { peer[1] } else { peer[0] };
            preview.pair(Way::Out, local[0], other);
        }
    }
    let complete = preview.judged < MOST;
    Impact { cuts: preview.cuts.into_iter().collect(), judged: preview.judged, complete }
}

/// Two pods alike in all of this are told apart by no rule.
type Class<'a> = (&'a Name, &'a Labels, Vec<Port>, bool, ObjectRef, &'a [IpAddr]);

/// The first and the last pod of each class, which may be one.
fn classes(snapshot: &Snapshot, by_address: bool) -> Vec<[PodId; 2]> {
    let mut classes: BTreeMap<Class<'_>, [PodId; 2]> = BTreeMap::new();
    for (id, pod) in snapshot.pods().iter().enumerate().filter(|(_, pod)| !pod.finished) {
        let ports = pod.ports.iter().map(|port| port.port).collect();
        let ips = if by_address { &pod.ips[..] } else { &[] };
        let owner = workload(snapshot, id);
        let class = (&pod.namespace, &pod.labels, ports, pod.host_network, owner, ips);
        classes.entry(class).or_insert([id, id])[1] = id;
    }
    classes.into_values().collect()
}

fn workload(snapshot: &Snapshot, id: PodId) -> ObjectRef {
    let pod = snapshot.pod(id);
    pod.owner.map_or_else(|| pod.object(), |owner| snapshot.workloads[owner].object.clone())
}

struct Preview<'a> {
    snapshot: &'a Snapshot,
    before: &'a Ruleset,
    after: &'a Ruleset,
    cuts: BTreeSet<Cut>,
    judged: usize,
}

impl Preview<'_> {
    fn pair(&mut self, way: Way, local: PodId, peer: PodId) {
        let (from, to) = if way == Way::In { (peer, local) } else { (local, peer) };
        if from == to {
            return;
        }
        for port in declared(self.snapshot.pod(to)) {
            let flow = self.flow(Endpoint::Pod(from), Endpoint::Pod(to), port, to);
            if self.is_cut(&flow) {
                let (local, peer) = (self.workload(local), Some(self.workload(peer)));
                self.cuts.insert(Cut { way, local, peer, port: Some(port) });
            }
        }
    }

    fn outside(&mut self, local: PodId) {
        let pod = self.snapshot.pod(local);
        let outside = Endpoint::Address(OUTSIDE[usize::from(family(pod) == Family::V6)]);
        let web = Port::tcp(443);
        let out = self.flow(Endpoint::Pod(local), outside.clone(), web, local);
        if self.is_cut(&out) {
            let local = self.workload(local);
            self.cuts.insert(Cut { way: Way::Out, local, peer: None, port: None });
        }
        for port in declared(pod) {
            let flow = self.flow(outside.clone(), Endpoint::Pod(local), port, local);
            if self.is_cut(&flow) {
                let local = self.workload(local);
                self.cuts.insert(Cut { way: Way::In, local, peer: None, port: Some(port) });
            }
        }
    }

    fn flow(&self, source: Endpoint, destination: Endpoint, port: Port, of: PodId) -> Flow {
        let family = family(self.snapshot.pod(of));
        Flow { source, destination, port, family, through_service: false }
    }

    fn is_cut(&mut self, flow: &Flow) -> bool {
        self.judged += 1;
        judge(self.snapshot, self.before, flow).verdict == Verdict::Allowed
            && judge(self.snapshot, self.after, flow).verdict == Verdict::Denied
    }

    fn workload(&self, id: PodId) -> ObjectRef {
        workload(self.snapshot, id)
    }
}

fn declared(pod: &Pod) -> BTreeSet<Port> {
    pod.ports.iter().map(|port| port.port).collect()
}

/// The family that the pod is reached in: IPv4 unless it only has IPv6.
fn family(pod: &Pod) -> Family {
    match pod.ips.first() {
        Some(IpAddr::V6(_)) => Family::V6,
        _ => Family::V4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::{Baseline, Facts};
    use crate::cluster::Origin;
    use crate::objects::{Found, Objects, api};
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
            let policy: api::NetworkPolicy = serde_json::from_str(&policy.to_string()).unwrap();
            objects.insert(Found::from(policy), Origin::Synthetic);
        }
        let (snapshot, written) = objects.assemble();
        let rules = Ruleset::compile(&written, &snapshot, &Enforcer::default());
        (snapshot, rules)
    }

    fn cut(pods: &[Value], before: &[Value], namespace: &str) -> Impact {
        let mut after = Baseline::default().objects(namespace, &Facts::default());
        after.extend_from_slice(before);
        let (snapshot, rules) = of(pods, before);
        impact(&snapshot, &rules, &of(pods, &after).1, namespace)
    }

    fn shown(impact: &Impact) -> Vec<String> {
        let line = |cut: &Cut| {
            let peer = cut.peer.as_ref().map_or("outside".to_owned(), ToString::to_string);
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
                "In a/pod/web outside 80/TCP",
                "In a/pod/web b/pod/client 80/TCP",
                "Out a/pod/web outside ",
                "Out a/pod/web b/pod/client 90/TCP",
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

    /// Policies do not select pods on their node's network, and a node reaches its own pods.
    #[test]
    fn host_network_is_not_cut() {
        let pods = [pod("a", "agent", 80, true), pod("a", "web", 81, false)];
        let cuts = shown(&cut(&pods, &[], "a"));
        assert_eq!(cuts, ["In a/pod/web outside 81/TCP", "Out a/pod/web outside "]);
    }

    #[test]
    fn pods_alike_are_judged_once() {
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
        assert!(impact.complete && impact.judged < 10, "{}", impact.judged);
        let cuts = shown(&impact);
        assert_eq!(
            cuts.last().unwrap(),
            "Out a/sts/web a/sts/web 80/TCP",
            "one to another of them"
        );
        assert_eq!(cuts.len(), 3);
    }
}
