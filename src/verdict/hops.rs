//! The way to a host that an Ingress, a Route or a Gateway leads in, hop by hop.
//!
//! In: a question whose destination is such a host. Out: one [`Taken`] way for each backend, with the
//! flow to the controller and the flow from it to the backend's pods, each judged as a question of its
//! own. The first hop that does not pass is the answer. Source: docs/semantics/entries.md#hops.

use super::explain::{Explanation, Question, explain};
use super::trace::Verdict;
use crate::cluster::{Opens, PodId, Port, Protocol, Service, Snapshot};
use crate::ends::{
    EndName, Endpoint, Named, PortText, PortWanted, ResolveError, Resolved, Unseen, Way, led_to,
    names, service_end,
};
use crate::entry::{self, Front, Lead, Takes, front};
use crate::policy::Ruleset;
use crate::prose;

/// One way to a backend.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// Where it leads.
    pub lead: Lead,
    /// What leads there, such as `Ingress shop/web (shop.example.com/cart)`.
    pub by: String,
    /// The hops, in order.
    pub hops: Vec<Hop>,
    /// Why it leads nowhere although it is written, as sentences without their end.
    pub faults: Vec<String>,
    /// Whether it is taken.
    pub takes: Takes,
}

/// One flow of a way.
#[derive(Clone, Debug, PartialEq)]
pub struct Hop {
    /// Who opens the connection.
    pub from: String,
    /// Who takes it.
    pub to: String,
    /// What leads from one to the other, such as `the load balancer of ingress-nginx/svc/controller`.
    pub by: String,
    /// What becomes of it.
    pub judged: Judged,
}

/// What becomes of a hop.
#[derive(Clone, Debug, PartialEq)]
pub enum Judged {
    /// What policies say, as the answer to a question of its own.
    ByPolicies(Box<Asked>, Box<Explanation>),
    /// What is said where no policy that is judged here decides; why, as a sentence without its end.
    Otherwise(Verdict, String),
}

/// A question that stands by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Who opens the connection.
    pub source: EndName,
    /// Who is to take it.
    pub destination: EndName,
    /// The port.
    pub port: Option<PortWanted>,
}

impl Asked {
    /// The question.
    pub fn question<'a>(&'a self, namespace: &'a str) -> Question<'a> {
        let (source, destination) = (&self.source, &self.destination);
        Question { source, destination, port: self.port.as_ref(), namespace }
    }
}

impl Hop {
    /// What becomes of it; `None` where flows differ.
    pub fn verdict(&self) -> Option<Verdict> {
        match &self.judged {
            Judged::ByPolicies(_, explanation) => explanation.verdict(),
            Judged::Otherwise(verdict, _) => Some(*verdict),
        }
    }

    /// Its question and answer, where policies say what becomes of it.
    pub fn judged(&self) -> Option<(&Asked, &Explanation)> {
        match &self.judged {
            Judged::ByPolicies(asked, explanation) => Some((asked, explanation)),
            Judged::Otherwise(..) => None,
        }
    }
}

impl Taken {
    /// What becomes of what takes this way: a hop that is denied denies it, whatever else is not known.
    pub fn verdict(&self) -> Option<Verdict> {
        // Of a way for another path only what leads to the controller is taken.
        let taken = if self.takes == Takes::OtherPath { 1 } else { self.hops.len() };
        let all = || self.hops.iter().take(taken).map(Hop::verdict);
        let has = |verdict| all().any(|own| own == verdict);
        if has(Some(Verdict::Denied)) {
            return Some(Verdict::Denied);
        }
        if !self.faults.is_empty() || has(Some(Verdict::Unknown)) {
            return Some(Verdict::Unknown);
        }
        if has(Some(Verdict::Ambiguous)) {
            return Some(Verdict::Ambiguous);
        }
        if has(None) { None } else { Some(Verdict::Allowed) }
    }

    /// Whether only its controller knows that it is taken.
    pub fn is_perhaps(&self) -> bool {
        self.takes == Takes::Perhaps
    }

    /// The hop that decides: the first of those that give the way its verdict.
    pub fn deciding(&self) -> Option<&Hop> {
        let verdict = self.verdict();
        self.hops.iter().find(|hop| hop.verdict() == verdict && verdict != Some(Verdict::Allowed))
    }
}

/// The ways of a destination that is a host of routes.
pub(super) fn ways(
    snapshot: &Snapshot,
    rules: &Ruleset,
    source: &Resolved,
    destination: &Resolved,
    wanted: Option<&PortWanted>,
    namespace: &str,
) -> Result<Vec<Taken>, ResolveError> {
    let leads = destination.ways.iter().filter_map(|way| match way {
        Way::Route { lead, takes } => Some((*lead, *takes)),
        _ => None,
    });
    let walk = Walk { snapshot, rules, source, host: destination, namespace };
    leads.map(|(lead, takes)| walk.taken(lead, wanted, takes)).collect()
}

/// The way of one lead from a source, as it is taken by whoever dials its host; with who serves it.
pub(crate) fn taken(
    snapshot: &Snapshot,
    rules: &Ruleset,
    source: &Resolved,
    lead: Lead,
    front: &Front,
) -> Result<Taken, ResolveError> {
    let host = named(&lead.hosts(snapshot));
    let walk = Walk { snapshot, rules, source, host: &host, namespace: "default" };
    walk.with(lead, None, Takes::Yes, front)
}

/// The flow from a source through a door.
pub(crate) fn through(
    snapshot: &Snapshot,
    rules: &Ruleset,
    source: &Resolved,
    door: &entry::Door,
) -> Result<Hop, ResolveError> {
    let host = named("the outside");
    let walk = Walk { snapshot, rules, source, host: &host, namespace: "default" };
    let label = walk.label(&door.pods);
    let destination = match door.service {
        Some(index) => {
            let balanced = door.kind == entry::DoorKind::LoadBalancer;
            walk.by_service(index, balanced).1
        }
        None => of_pods(&door.pods, &label),
    };
    let (port, by) = (Some(numbered(door.port)), door.words.clone());
    let mut hop = walk.asked(source.clone(), destination, port, (label, by))?;
    if door.pods.is_empty() {
        // What is behind it is listed by address, or by nothing.
        let cases = hop.judged().map(|(_, explanation)| &explanation.cases);
        let ends = cases.into_iter().flatten().flat_map(|case| &case.destinations);
        let ends: Vec<Endpoint> = ends.cloned().collect();
        let service = door.service.map(|index| service_end(snapshot, index).label);
        hop.to = match ends.as_slice() {
            [] => service.map_or_else(|| hop.to.clone(), |name| format!("what is behind {name}")),
            all => names::endpoints(snapshot, all),
        };
    }
    Ok(hop)
}

/// The flow from a source to a pod on the network of its node, at its address.
///
/// Source: docs/semantics/entries.md#pods-on-their-nodes-network.
pub(crate) fn onto_node(
    snapshot: &Snapshot,
    rules: &Ruleset,
    source: &Resolved,
    pod: PodId,
) -> Result<Hop, ResolveError> {
    let host = named("the outside");
    let walk = Walk { snapshot, rules, source, host: &host, namespace: "default" };
    let label = walk.label(&[pod]);
    let by = "the address of its node (hostNetwork)".to_owned();
    walk.asked(source.clone(), of_pods(&[pod], &label), None, (label, by))
}

/// What is outside, by its name.
fn named(name: &str) -> Resolved {
    Resolved {
        object: None,
        label: name.to_owned(),
        service: None,
        endpoints: vec![Endpoint::Name(name.into())],
        ways: Vec::new(),
        notes: Vec::new(),
    }
}

struct Walk<'a> {
    snapshot: &'a Snapshot,
    rules: &'a Ruleset,
    source: &'a Resolved,
    /// The destination as it was asked for.
    host: &'a Resolved,
    namespace: &'a str,
}

impl Walk<'_> {
    fn taken(
        &self,
        lead: Lead,
        wanted: Option<&PortWanted>,
        takes: Takes,
    ) -> Result<Taken, ResolveError> {
        self.with(lead, wanted, takes, &front(self.snapshot, lead))
    }

    fn with(
        &self,
        lead: Lead,
        wanted: Option<&PortWanted>,
        takes: Takes,
        front: &Front,
    ) -> Result<Taken, ResolveError> {
        let snapshot = self.snapshot;
        let mut faults = lead.refusals(snapshot);
        if takes == Takes::OtherPath {
            let by = lead.words(snapshot);
            faults
                .push(format!("{by} is for another path, and nothing here leads on from this one"));
        }
        let dialled = self.dialled(lead, wanted);
        if let Some(listens) = lead.port(snapshot).filter(|port| *port != dialled.number) {
            let by = lead.by(snapshot);
            faults.push(format!("{by} listens at port {listens}, not at {}", dialled.number));
        }
        let mut hops = vec![self.first(front, dialled)?];
        match led_to(snapshot, lead) {
            Ok((backend, port)) => match self.second(front, lead, backend, port) {
                Ok(hop) => hops.push(hop),
                Err(why) => faults.push(format!("{}: {why}", lead.by(snapshot))),
            },
            Err(why) => faults.push(why),
        }
        Ok(Taken { lead, by: lead.words(snapshot), hops, faults, takes })
    }

    /// The port at which the controller is dialled.
    fn dialled(&self, lead: Lead, wanted: Option<&PortWanted>) -> Port {
        let asked = wanted.and_then(|wanted| match wanted.port {
            PortText::Number(number) => Some((number, wanted.protocol)),
            PortText::Name(_) => None,
        });
        let (number, protocol) = asked.unwrap_or_else(|| {
            let tls = lead.route(self.snapshot).is_some_and(|route| route.tls);
            let of_scheme = if tls { 443 } else { 80 };
            (lead.port(self.snapshot).unwrap_or(of_scheme), None)
        });
        Port { protocol: protocol.unwrap_or(Protocol::Tcp), number }
    }

    /// From the source to whoever takes the traffic of the route.
    fn first(&self, front: &Front, dialled: Port) -> Result<Hop, ResolveError> {
        let from = self.source.label.clone();
        let hop = |to: &str, by: String, judged| {
            Ok(Hop { from: from.clone(), to: to.into(), by, judged })
        };
        match front {
            Front::Pods(pods) => self.to_pods(pods, dialled),
            Front::Envoy => {
                let who = Unseen::CiliumProxy.as_str();
                let judged = match self.rules.of_proxy() {
                    [] => Judged::Otherwise(
                        Verdict::Allowed,
                        format!("no policy here speaks for {who} itself"),
                    ),
                    several => {
                        let names: Vec<String> = several.iter().map(ToString::to_string).collect();
                        let names = prose::list(&names, "and");
                        let why = format!("what {names} says of {who} itself is not judged");
                        Judged::Otherwise(Verdict::Unknown, why)
                    }
                };
                hop(who, "Cilium's agent on each node".into(), judged)
            }
            Front::Outside(words) => {
                let why =
                    format!("{words} takes it, outside the cluster, where no policy judges it");
                hop(words, String::new(), Judged::Otherwise(Verdict::Allowed, why))
            }
            Front::Unknown(why) => {
                let to = Unseen::IngressController.as_str();
                hop(to, String::new(), Judged::Otherwise(Verdict::Unknown, why.clone()))
            }
        }
    }

    fn to_pods(&self, pods: &[PodId], dialled: Port) -> Result<Hop, ResolveError> {
        let label = self.label(pods);
        let inside = self.source.endpoints.iter().any(|end| {
            !matches!(end, Endpoint::Address(_) | Endpoint::Name(_) | Endpoint::Unseen(_))
        });
        let door = self.door(pods, dialled);
        let (by, destination, port) = match &door {
            Some(Door::Service(index)) => {
                let external = &self.snapshot.services[*index].external;
                let balanced = external.opens == Opens::LoadBalancer;
                let (by, destination) = self.by_service(*index, balanced);
                (by, destination, dialled)
            }
            Some(Door::Node(port)) => {
                (format!("port {} of its node", dialled.number), of_pods(pods, &label), *port)
            }
            None => {
                let Some(index) = self.service_of(pods, dialled) else {
                    let why = format!("nothing here leads to {label} at port {}", dialled.number);
                    let judged = Judged::Otherwise(Verdict::Unknown, why);
                    let from = self.source.label.clone();
                    return Ok(Hop { from, to: label, by: String::new(), judged });
                };
                let end = service_end(self.snapshot, index);
                (end.label.clone(), Resolved { label: label.clone(), ..end }, dialled)
            }
        };
        let source = self.source.clone();
        let mut hop = self.asked(source, destination, Some(numbered(port)), (label, by))?;
        // A controller may be led to by what is not in the input, such as a tunnel.
        if door.is_none() && !inside && hop.verdict() != Some(Verdict::Denied) {
            let label = &hop.to;
            let why = format!(
                "no load balancer and no port of a node that is known here leads to {label} from outside"
            );
            hop.judged = Judged::Otherwise(Verdict::Unknown, why);
        }
        Ok(hop)
    }

    /// From whoever passes it on to the pods of the backend.
    fn second(
        &self,
        front: &Front,
        lead: Lead,
        backend: Resolved,
        port: PortWanted,
    ) -> Result<Hop, ResolveError> {
        let unseen = |each: &[Unseen]| Resolved {
            object: None,
            label: each.first().map_or("", |it| it.as_str()).to_owned(),
            service: None,
            endpoints: each.iter().map(|it| Endpoint::Unseen(*it)).collect(),
            ways: Vec::new(),
            notes: Vec::new(),
        };
        let service = backend.service.and_then(|index| self.snapshot.services.get(index));
        let source = match front {
            Front::Pods(pods) => of_pods(pods, &self.label(pods)),
            Front::Envoy => unseen(&[Unseen::CiliumProxy]),
            Front::Unknown(_) => unseen(&[Unseen::IngressController]),
            // By a port of a node, which may put itself in its place, or straight to the pods.
            Front::Outside(_) if service.is_some_and(by_nodes) => {
                unseen(&[Unseen::Balancer, Unseen::AnotherNode])
            }
            Front::Outside(_) => unseen(&[Unseen::Balancer]),
        };
        let pods: Vec<PodId> = backend.endpoints.iter().filter_map(Endpoint::pod).collect();
        let to = match backend.endpoints.as_slice() {
            [] => backend.label.clone(),
            all if pods.len() == all.len() => self.label(&pods),
            all => names::endpoints(self.snapshot, all),
        };
        self.asked(source, backend, Some(port), (to, lead.by(self.snapshot)))
    }

    fn asked(
        &self,
        source: Resolved,
        destination: Resolved,
        port: Option<PortWanted>,
        (to, by): (String, String),
    ) -> Result<Hop, ResolveError> {
        let end =
            |end: Resolved| EndName { names: Named::Found(Box::new(end)), port: None, path: None };
        let from = source.label.clone();
        let asked = Asked { source: end(source), destination: end(destination), port };
        let mut explanation = explain(self.snapshot, self.rules, &asked.question(self.namespace))?;
        // What is said of the source is said of the way as a whole.
        explanation.notes.retain(|note| !self.source.notes.contains(note));
        let judged = Judged::ByPolicies(Box::new(asked), Box::new(explanation));
        Ok(Hop { from, to, by, judged })
    }

    /// What leads to the pods of a controller from outside.
    fn door(&self, pods: &[PodId], dialled: Port) -> Option<Door> {
        let rank = |service: &Service| match service.external.opens {
            Opens::LoadBalancer => 3,
            Opens::NodePorts => 1,
            Opens::Nothing => usize::from(!service.external.ips.is_empty()) * 2,
        };
        let all = self.services_of(pods, dialled).map(|(index, service)| (rank(service), index));
        let best = all
            .filter(|(rank, _)| *rank > 0)
            .max_by_key(|(rank, index)| (*rank, std::cmp::Reverse(*index)));
        if let Some((_, index)) = best {
            return Some(Door::Service(index));
        }
        pods.iter().find_map(|id| {
            let pod = self.snapshot.pod(*id);
            let mut declared = pod.ports.iter();
            let of_host = declared.find(|it| {
                it.host_port == Some(dialled.number) && it.port.protocol == dialled.protocol
            });
            let own = pod.host_network.then_some(dialled);
            of_host.map(|it| it.port).or(own).map(Door::Node)
        })
    }

    fn service_of(&self, pods: &[PodId], dialled: Port) -> Option<usize> {
        self.services_of(pods, dialled).next().map(|(index, _)| index)
    }

    /// The Services with a port that select the pods.
    fn services_of(
        &self,
        pods: &[PodId],
        dialled: Port,
    ) -> impl Iterator<Item = (usize, &Service)> {
        let first = pods.first().map(|id| self.snapshot.pod(*id));
        let services = first.map(|pod| {
            let within = self.snapshot.services.within(&pod.namespace);
            within.filter(move |(_, it)| {
                !it.headless
                    && it.selects(&pod.labels)
                    && it.ports.iter().any(|port| port.port == dialled)
            })
        });
        services.into_iter().flatten()
    }

    /// By a Service that is open to the outside, with what leads there in words.
    fn by_service(&self, index: usize, balanced: bool) -> (String, Resolved) {
        let service = &self.snapshot.services[index];
        let (namespace, name) = (&service.namespace, &service.name);
        let external = &service.external;
        let of = format!("{namespace}/svc/{name}");
        let (by, way, at) = if balanced {
            let known = external.load_balancer.first();
            // One that is not known may take traffic itself.
            let proxies = known.is_none_or(|(_, proxies)| *proxies);
            let at = known.map(|(ip, _)| Endpoint::Address(*ip));
            (
                format!("the load balancer of {of}"),
                Way::LoadBalancer { service: index, proxies },
                at,
            )
        } else {
            let at = external.ips.first().map(|ip| Endpoint::Address(*ip));
            let by = if at.is_some() { "an external address" } else { "a port of every node" };
            (format!("{by} of {of}"), Way::ExternalIp { service: index }, at)
        };
        let host = self.host.endpoints.first().cloned();
        let destination = Resolved {
            object: None,
            label: of,
            service: None,
            endpoints: at.or(host).into_iter().collect(),
            ways: vec![way],
            notes: Vec::new(),
        };
        (by, destination)
    }

    fn label(&self, pods: &[PodId]) -> String {
        let each = pods.iter().map(|id| names::workload(self.snapshot, self.snapshot.pod(*id)));
        let mut each: Vec<_> = each.collect();
        each.dedup();
        if let [workload] = each.as_slice() {
            return workload.to_string();
        }
        let ends: Vec<Endpoint> = pods.iter().map(|id| Endpoint::Pod(*id)).collect();
        names::endpoints(self.snapshot, &ends)
    }
}

/// Pods, by what they are called together.
fn of_pods(pods: &[PodId], label: &str) -> Resolved {
    Resolved {
        object: None,
        label: label.to_owned(),
        service: None,
        endpoints: pods.iter().map(|id| Endpoint::Pod(*id)).collect(),
        ways: Vec::new(),
        notes: Vec::new(),
    }
}

/// What leads to a controller.
enum Door {
    /// A Service that is open to the outside, by index.
    Service(usize),
    /// A port of the pod's node, which leads to this one of the pod.
    Node(Port),
}

/// Whether a load balancer may come by nodes.
fn by_nodes(service: &Service) -> bool {
    service.external.opens != Opens::Nothing
}

fn numbered(port: Port) -> PortWanted {
    PortWanted { port: PortText::Number(port.number), protocol: Some(port.protocol) }
}
