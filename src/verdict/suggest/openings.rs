//! What policies are to open: between whom and on which ports, as drafts.
//!
//! In: cases of an explanation that are not allowed. Out: an [`Opening`] for each pair of ends, and
//! the [`Draft`] of it. Who an end is differs by dialect: a NetworkPolicy knows nodes by their
//! addresses, and so does Calico, Cilium by entities; names are only for what goes out, and only in
//! Cilium's.

use super::super::explain::Case;
use super::super::ports::CasePorts;
use super::{Drafted, NoSuggestion};
use crate::cluster::{
    Labels, Name, Operator, Pod, PodId, Port, Protocol, Snapshot, TargetPort, Truth,
};
use crate::draft::{self, Dialect, Draft, Entity, LabelMap, Peer, Rule};
use crate::ends::{Endpoint, Unseen};
use crate::policy::Ruleset;
use crate::policy::rule::{Action, Direction};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Services of DNS: nearly all clusters, OpenShift, and some that name it so.
const DNS_SERVICES: [(&str, &str); 3] =
    [("kube-system", "kube-dns"), ("openshift-dns", "dns-default"), ("kube-system", "coredns")];

/// The longest name that is made of those of the two ends, and of the ports.
const LONGEST: usize = 240;
/// As much of it may be of the ports.
const LONGEST_PORTS: usize = 60;

/// What one policy is to open.
#[derive(PartialEq, Eq)]
pub(super) struct Opening {
    pub(super) dialect: Dialect,
    /// The tier in which it must stand, where that is not the default one.
    tier: Option<Name>,
    namespace: Name,
    /// The pods that the policy selects, by what they are called.
    name: Name,
    labels: Labels,
    peer: Who,
    ports: BTreeSet<Port>,
    /// Nothing lets Cilium see where the name of the peer leads.
    lookup: bool,
}

/// The other end of an opening.
#[derive(Clone, PartialEq, Eq)]
enum Who {
    Pods {
        namespace: Name,
        name: Name,
        labels: Labels,
    },
    Address(IpAddr),
    /// Nodes, or pods on their networks, by what they are called.
    Nodes {
        name: Name,
        entities: BTreeSet<Entity>,
    },
    Name(Name),
}

pub(super) struct Builder<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) rules: &'a Ruleset,
}

impl Builder<'_> {
    /// Adds what one direction of a case lacks.
    pub(super) fn collect(
        &self,
        case: &Case,
        direction: Direction,
        (dialect, tier): (Dialect, Option<Name>),
        openings: &mut Vec<Opening>,
    ) -> Result<(), NoSuggestion> {
        let CasePorts::One(port) = case.ports else { return Ok(()) };
        let (subjects, peers) = match direction {
            Direction::Egress => (&case.sources, &case.destinations),
            Direction::Ingress => (&case.destinations, &case.sources),
        };
        for subject in subjects {
            let Endpoint::Pod(id) = subject else { continue };
            let Who::Pods { namespace, name, labels } = self.pods(*id)? else { continue };
            for peer in peers {
                let peer = match dialect {
                    Dialect::NetworkPolicy | Dialect::Calico => self.by_networkpolicy(peer)?,
                    Dialect::Cilium => self.by_cilium(*id, peer, direction)?,
                };
                let lookup = matches!(&peer, Who::Name(name) if !self.may_look_up(*id, name));
                let opening = Opening {
                    dialect,
                    tier: tier.clone(),
                    namespace: namespace.clone(),
                    name: name.clone(),
                    labels: labels.clone(),
                    peer,
                    ports: [port].into(),
                    lookup,
                };
                match openings.iter_mut().find(|known| known.is_like(&opening)) {
                    Some(known) => known.add(opening),
                    None => openings.push(opening),
                }
            }
        }
        Ok(())
    }

    /// Who it is to a NetworkPolicy, Calico's too: pods by labels, anyone else by an address.
    fn by_networkpolicy(&self, endpoint: &Endpoint) -> Result<Who, NoSuggestion> {
        let node = |address: Option<IpAddr>, name: String| {
            if !self.rules.enforcer().block_scope().nodes {
                return Err(NoSuggestion::NodeByAddress(name));
            }
            address.map(Who::Address).ok_or(NoSuggestion::Unnameable(name))
        };
        match endpoint {
            Endpoint::Pod(id) if self.snapshot.pod(*id).host_network => {
                let pod = self.snapshot.pod(*id);
                let name = format!("{} on its node's network", pod.object());
                node(pod.ips.first().copied(), name)
            }
            Endpoint::Pod(id) => self.pods(*id),
            Endpoint::Address(address) => Ok(Who::Address(*address)),
            Endpoint::Node(at) => {
                let at = &self.snapshot.nodes[*at];
                node(at.ips.first().copied(), format!("node {}", at.name))
            }
            Endpoint::NodeAddress(at, address) => {
                node(Some(*address), format!("node {}", self.snapshot.nodes[*at].name))
            }
            Endpoint::Name(name) => Err(NoSuggestion::Unnameable(name.to_string())),
            Endpoint::Unseen(unseen) => Err(NoSuggestion::Unnameable(unseen.as_str().to_owned())),
        }
    }

    /// Who it is to Cilium: pods by labels, nodes and the API server by entities, what is outside by
    /// its address, or by its name where it is the destination.
    fn by_cilium(
        &self,
        subject: PodId,
        endpoint: &Endpoint,
        direction: Direction,
    ) -> Result<Who, NoSuggestion> {
        let of_node = |name: Name, node: Option<&Name>| {
            let own = self.snapshot.pod(subject).node.as_ref();
            let entities: BTreeSet<Entity> = match (own, node) {
                (Some(own), Some(node)) if own == node => [Entity::Host].into(),
                (Some(_), Some(_)) => [Entity::RemoteNode].into(),
                _ => [Entity::Host, Entity::RemoteNode].into(),
            };
            Who::Nodes { name, entities }
        };
        let api_server = |ips: &[IpAddr]| {
            let known = self.snapshot.api_server().unwrap_or_default();
            ips.iter().any(|ip| known.contains(ip)).then(|| Who::Nodes {
                name: Entity::KubeApiserver.as_str().into(),
                entities: [Entity::KubeApiserver].into(),
            })
        };
        Ok(match endpoint {
            Endpoint::Pod(id) if self.snapshot.pod(*id).host_network => {
                let pod = self.snapshot.pod(*id);
                of_node(self.known_as(pod), pod.node.as_ref())
            }
            Endpoint::Pod(id) => self.pods(*id)?,
            Endpoint::Node(at) => {
                let at = &self.snapshot.nodes[*at];
                api_server(&at.ips).unwrap_or_else(|| of_node(at.name.clone(), Some(&at.name)))
            }
            Endpoint::NodeAddress(at, address) => {
                let at = &self.snapshot.nodes[*at];
                api_server(&[*address]).unwrap_or_else(|| of_node(at.name.clone(), Some(&at.name)))
            }
            Endpoint::Address(address) => api_server(&[*address]).unwrap_or(Who::Address(*address)),
            Endpoint::Unseen(Unseen::ApiServer) => Who::Nodes {
                name: Entity::KubeApiserver.as_str().into(),
                entities: [Entity::KubeApiserver].into(),
            },
            Endpoint::Unseen(unseen) => {
                return Err(NoSuggestion::Unnameable(unseen.as_str().to_owned()));
            }
            Endpoint::Name(name) if direction == Direction::Egress => Who::Name(name.clone()),
            Endpoint::Name(name) => {
                return Err(NoSuggestion::UnnameableSource(name.to_string()));
            }
        })
    }

    /// What a pod is called: its workload.
    fn known_as(&self, pod: &Pod) -> Name {
        let workload = pod.owner.map(|owner| &self.snapshot.workloads[owner].object.name);
        workload.unwrap_or(&pod.name).clone()
    }

    /// The labels by which a workload knows its pods, else those of the pod that last.
    fn pods(&self, id: PodId) -> Result<Who, NoSuggestion> {
        let pod = self.snapshot.pod(id);
        let workload = pod.owner.map(|owner| &self.snapshot.workloads[owner]);
        let selector = workload.and_then(|workload| workload.selector.as_ref());
        let by_selector: Option<Labels> = selector.and_then(|selector| {
            let pairs = selector.requirements.iter().map(|r| match &r.operator {
                Operator::In(values) if values.len() == 1 => {
                    Some((r.key.clone(), values[0].clone()))
                }
                _ => None,
            });
            pairs.collect::<Option<Vec<_>>>().map(Labels::from_iter)
        });
        let labels = by_selector.filter(|labels| !labels.is_empty());
        let labels = labels.unwrap_or_else(|| pod.labels.lasting());
        if labels.is_empty() {
            return Err(NoSuggestion::NoLabels(pod.object().to_string()));
        }
        Ok(Who::Pods { namespace: pod.namespace.clone(), name: self.known_as(pod), labels })
    }

    /// Whether some rule lets the pod ask for a name through Cilium's proxy, so that its addresses
    /// become known.
    ///
    /// Source: docs/semantics/cilium-rules.md#names.
    fn may_look_up(&self, id: PodId, name: &str) -> bool {
        let pod = self.snapshot.pod(id);
        let namespace = self.snapshot.namespace(&pod.namespace);
        let speaks = self
            .rules
            .candidates(&pod.namespace, Direction::Egress)
            .filter(|(_, policy)| policy.subject.has(pod, namespace) == Truth::Yes);
        let allows = speaks.flat_map(|(_, policy)| &policy.entries);
        let allows = allows.filter(|entry| entry.action == Action::Allow);
        let names = allows.filter_map(|entry| entry.condition.as_ref()).flat_map(|c| &c.names);
        names.into_iter().any(|pattern| pattern.matches(name))
    }

    /// The policy of an opening, beside others that are drafted already.
    pub(super) fn draft(
        &self,
        direction: Direction,
        opening: &Opening,
        others: &[Drafted],
    ) -> Draft {
        let Opening { tier, namespace, name, labels, peer, ports, lookup, .. } = opening;
        let port = |port: &Port| draft::Port::number(port.protocol, port.number);
        let mut rules = vec![Rule {
            peers: peer.peers(namespace),
            ports: ports.iter().map(port).collect(),
            dns: Vec::new(),
        }];
        if let (Who::Name(outside), true) = (peer, lookup) {
            rules.push(self.lookup_rule(outside));
        }
        let (ingress, egress, from, to) = match direction {
            Direction::Ingress => (Some(rules), None, peer.name(namespace), name.to_string()),
            Direction::Egress => (None, Some(rules), name.to_string(), peer.name(namespace)),
        };
        // Both sides may be in one namespace.
        let drafted = |name: &str| {
            others.iter().any(|it| it.draft.name == name && *it.draft.namespace == **namespace)
        };
        // Servers before 3.32 want the name of the tier before that of the policy.
        let before = tier.as_ref().map_or_else(String::new, |tier| format!("{tier}."));
        let wanted = [format!("allow-{from}-to-{to}"), of_ports(ports)];
        let name = self.free_name(namespace, &before, wanted, direction, drafted);
        let tier = tier.as_ref().map(ToString::to_string);
        let subject = label_map(labels).into();
        Draft { tier, subject, ingress, egress, ..Draft::new(namespace, &name) }
    }

    /// Lets a name be asked for where the cluster serves DNS, as far as that is known.
    fn lookup_rule(&self, name: &str) -> Rule {
        let known = DNS_SERVICES.iter().find_map(|(namespace, service)| {
            let mut services = self.snapshot.services.within(namespace).map(|(_, service)| service);
            services.find(|it| *it.name == **service)
        });
        let selected = known.and_then(|service| {
            let labels = service.selector.as_ref().filter(|labels| !labels.is_empty())?;
            Some((service.namespace.to_string(), label_map(labels)))
        });
        let (namespace, labels) = selected.unwrap_or_else(|| {
            ("kube-system".to_owned(), [("k8s-app".to_owned(), "kube-dns".to_owned())].into())
        });
        let targets = known.iter().flat_map(|service| &service.ports);
        let mut ports: Vec<draft::Port> = targets
            .filter(|port| port.port.number == 53)
            .filter_map(|port| match port.target {
                TargetPort::Number(number) => Some(draft::Port::number(port.port.protocol, number)),
                TargetPort::Name(_) => None,
            })
            .collect();
        if !ports.iter().any(|port| port.protocol == Protocol::Udp) {
            ports = draft::Port::dns();
        }
        let peers = vec![Peer::Pods { namespace: Some(namespace), pods: labels.into() }];
        Rule { peers, ports, dns: vec![name.to_owned()] }
    }

    /// A name that no policy of the namespace has, since applying must not replace one.
    fn free_name(
        &self,
        namespace: &Name,
        before: &str,
        [ends, ports]: [String; 2],
        direction: Direction,
        drafted: impl Fn(&str) -> bool,
    ) -> String {
        let ends: String = ends
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .collect();
        let room = LONGEST.saturating_sub(before.len() + ports.len()).max(LONGEST_PORTS);
        let ends = within(&ends, room);
        let mut wanted = format!("{before}{}{ports}", ends.trim_matches('-'));
        if drafted(&wanted) {
            wanted = format!("{wanted}-{direction}");
        }
        let taken =
            |name: &str| {
                let rejected = self.rules.rejected.iter().map(|remark| &remark.object);
                self.rules.policies().iter().map(|policy| &policy.object).chain(rejected).any(
                    |object| object.namespace.as_ref() == Some(namespace) && *object.name == *name,
                )
            };
        let mut name = wanted.clone();
        let mut n = 1;
        while taken(&name) || drafted(&name) {
            n += 1;
            name = format!("{wanted}-{n}");
        }
        name
    }
}

impl Opening {
    /// Whether one policy can open both.
    fn is_like(&self, other: &Self) -> bool {
        let same_peer = match (&self.peer, &other.peer) {
            (Who::Nodes { name, .. }, Who::Nodes { name: other, .. }) => name == other,
            (one, other) => one == other,
        };
        same_peer
            && self.dialect == other.dialect
            && self.tier == other.tier
            && self.namespace == other.namespace
            && self.name == other.name
            && self.labels == other.labels
    }

    fn add(&mut self, other: Self) {
        self.ports.extend(other.ports);
        self.lookup |= other.lookup;
        if let (Who::Nodes { entities, .. }, Who::Nodes { entities: more, .. }) =
            (&mut self.peer, other.peer)
        {
            entities.extend(more);
        }
    }
}

impl Who {
    fn peers(&self, home: &Name) -> Vec<Peer> {
        match self {
            Self::Pods { namespace, labels, .. } => {
                let namespace = (namespace != home).then(|| namespace.to_string());
                vec![Peer::Pods { namespace, pods: label_map(labels).into() }]
            }
            Self::Address(address) => vec![Peer::Block((*address).into())],
            Self::Nodes { entities, .. } => entities.iter().copied().map(Peer::Entity).collect(),
            Self::Name(name) => vec![Peer::Name(name.to_string())],
        }
    }

    fn name(&self, home: &Name) -> String {
        match self {
            Self::Pods { namespace, name, .. } if namespace == home => name.to_string(),
            Self::Pods { namespace, name, .. } => format!("{namespace}-{name}"),
            Self::Address(address) => address.to_string(),
            Self::Nodes { name, .. } | Self::Name(name) => name.to_string(),
        }
    }
}

/// A name of ASCII that is not too long; one that is gets a sum of all of it in the place of its end.
fn within(name: &str, longest: usize) -> String {
    if name.len() <= longest {
        return name.to_owned();
    }
    // FNV-1a, which is short and the same everywhere.
    let sum = name
        .bytes()
        .fold(0x811c_9dc5_u32, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let sum = format!("-{sum:08x}");
    format!("{}{sum}", &name[..longest - sum.len()])
}

/// The ports in a name, so that what opens another port has another name: `-8080`, `-53-udp`.
fn of_ports(ports: &BTreeSet<Port>) -> String {
    let mut all = String::new();
    for port in ports {
        let protocol = match port.protocol {
            Protocol::Tcp => String::new(),
            other => format!("-{}", other.to_string().to_ascii_lowercase()),
        };
        let next = format!("-{}{protocol}", port.number);
        if all.len() + next.len() > LONGEST_PORTS {
            return all + "-and-more";
        }
        all += &next;
    }
    all
}

fn label_map(labels: &Labels) -> LabelMap {
    labels.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
