//! Flows in, connections out.
//!
//! In: records of Hubble, in any number. Out: what was seen of each connection with an end in one of
//! the namespaces, and how many flows say nothing and why. Memory is bounded.

use super::config::Guesses;
use super::evidence::{Connection, Evidence, Silent, Who, outcome};
use super::units::Units;
use crate::cluster::{Family, PodId, Port, Snapshot};
use crate::hubble::{Excerpt, Flow, Layer4, Pairs, Party, Record};
use crate::observed::{Index, Key, NotJudged, Unjoined, key};
use crate::verdict::Endpoint;
use foldhash::{HashMap, HashMapExt as _};
use ipnet::IpNet;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// More different connections are not kept.
pub(super) const MOST_CONNECTIONS: usize = 10_000;

/// Of what cannot be learned so much is listed; the rest is counted.
const MOST_LEFT: usize = 64;

/// Identities from here on are of addresses outside the cluster, below of pods.
///
/// Source: docs/semantics/hubble.md#ends.
const FIRST_OF_ADDRESSES: u32 = 1 << 24;

/// Identities below are reserved: host, world, health and the like.
const FIRST_OF_PODS: u32 = 128;

/// Why flows between two ends cannot be learned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// A pod that is not there, and none of its workload.
    NoPod(Box<str>),
    /// An address in the cluster, and which pod had it is not known.
    NoOwner(IpAddr),
    /// The address of a Service, from before it was translated.
    Service(Box<str>),
    /// Something of the cluster that is no pod: the API server, a proxy, a health check.
    Special(Box<str>),
    /// Hubble names neither pod nor address.
    Nameless,
    /// A protocol without ports, which no NetworkPolicy names.
    Portless(&'static str),
}

/// How many flows say nothing of what works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Silence {
    pub(super) elsewhere: u64,
    pub(super) replies: u64,
    pub(super) on_their_way: u64,
    pub(super) other_drops: u64,
    pub(super) layer7: u64,
    /// From a pod's own node, or from a pod to itself: no policy keeps these out.
    pub(super) exempt: u64,
    /// Of connections for which there was no room.
    pub(super) beyond: u64,
}

/// What was read besides flows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) lost: u64,
    pub(super) unreadable: u64,
    pub(super) first_unreadable: Option<Excerpt>,
    pub(super) too_long: u64,
    pub(super) nodes: BTreeSet<Box<str>>,
}

/// Collects what flows say of the connections of some namespaces.
pub struct Collector<'a> {
    pub(super) snapshot: &'a Snapshot,
    index: Index,
    namespaces: BTreeSet<Box<str>>,
    since: Option<Timestamp>,
    services: HashMap<IpAddr, Box<str>>,
    pairs: Pairs,
    pub(super) units: Units<'a>,
    pub(super) connections: HashMap<Connection, Evidence>,
    /// DNS names of addresses outside.
    pub(super) names: HashMap<IpAddr, Box<str>>,
    pub(super) left: BTreeMap<Left, u64>,
    /// Flows that could not be learned for further reasons.
    pub(super) more_left: u64,
    pub(super) silence: Silence,
    pub(super) trouble: Trouble,
    /// Flows read, and when the first and the last were.
    pub(super) flows: u64,
    pub(super) span: Option<(Timestamp, Timestamp)>,
    /// Types of ICMP are learned, too.
    icmp: bool,
    /// What configuration names and could not be followed, once that was looked at.
    pub(super) guessed: Option<Guesses>,
}

impl<'a> Collector<'a> {
    /// Prepares for flows of these namespaces, not older than `since`.
    pub fn new(
        snapshot: &'a Snapshot,
        index: Index,
        namespaces: impl IntoIterator<Item = Box<str>>,
        since: Option<Timestamp>,
    ) -> Self {
        let addresses = snapshot.services.iter().flat_map(|service| {
            let name: Box<str> = format!("{}/svc/{}", service.namespace, service.name).into();
            service.cluster_ips.iter().map(move |ip| (*ip, name.clone()))
        });
        Self {
            snapshot,
            index,
            namespaces: namespaces.into_iter().collect(),
            since,
            services: addresses.collect(),
            pairs: Pairs::default(),
            units: Units::new(snapshot),
            connections: HashMap::new(),
            names: HashMap::new(),
            left: BTreeMap::new(),
            more_left: 0,
            silence: Silence::default(),
            trouble: Trouble::default(),
            flows: 0,
            span: None,
            guessed: None,
            icmp: false,
        }
    }

    /// Learns types of ICMP too, of which the policies of Cilium and Calico have words.
    #[must_use]
    pub fn with_icmp(self, icmp: bool) -> Self {
        Self { icmp, ..self }
    }

    /// How many flows were read.
    pub fn flows(&self) -> u64 {
        self.flows
    }

    /// The first line that could not be read, with how many there were.
    pub fn unreadable(&self) -> Option<(u64, &Excerpt)> {
        let first = self.trouble.first_unreadable.as_ref()?;
        Some((self.trouble.unreadable, first))
    }

    /// Takes what was read.
    pub fn take(&mut self, records: Vec<Record>) {
        for record in records {
            let trouble = &mut self.trouble;
            match record {
                Record::Flow(flow) => self.flow(&flow),
                Record::Lost { count, .. } => trouble.lost = trouble.lost.saturating_add(count),
                Record::Nodes(state) if state.is_trouble() => {
                    let room = MOST_LEFT.saturating_sub(trouble.nodes.len());
                    trouble.nodes.extend(state.nodes.into_iter().take(room));
                }
                Record::Nodes(_) => {}
                Record::Unreadable(excerpt) => {
                    trouble.unreadable += 1;
                    trouble.first_unreadable.get_or_insert(excerpt);
                }
                Record::TooLong => trouble.too_long += 1,
            }
        }
    }

    /// Takes what configuration names: connections that nobody need have seen.
    pub fn guess(&mut self, mut guesses: Guesses) {
        for guess in std::mem::take(&mut guesses.all) {
            let (source, destination) = (guess.source, guess.destination);
            let ends = (Endpoint::Pod(source), Endpoint::Pod(destination));
            if self.is_exempt(&ends.0, &ends.1) {
                continue;
            }
            let [from, to] = [source, destination].map(|pod| Who::Unit(self.units.pod(pod)));
            let connection = Connection { source: from, destination: to, port: guess.port };
            if self.connections.len() >= MOST_CONNECTIONS
                && !self.connections.contains_key(&connection)
            {
                self.silence.beyond += 1;
                continue;
            }
            let first = self.snapshot.pod(destination).ips.first();
            let family = first.map_or(Family::V4, |ip| Family::of(*ip));
            let key: Key = (ends.0, ends.1, Some(guess.port), family);
            self.connections.entry(connection).or_default().name(key, guess.by, guess.file);
        }
        self.guessed = Some(guesses);
    }

    /// Takes one flow.
    pub fn flow(&mut self, flow: &Flow) {
        if self.since.is_some_and(|since| flow.time.is_none_or(|time| time < since))
            || self.pairs.is_second(flow)
        {
            return;
        }
        self.flows += 1;
        if let Some(time) = flow.time {
            let (first, last) = self.span.unwrap_or((time, time));
            self.span = Some((first.min(time), last.max(time)));
        }
        let (direction, outcome) = match outcome(flow) {
            Ok(told) => told,
            Err(why) => {
                if self.concerns(flow) {
                    let silence = &mut self.silence;
                    *match why {
                        Silent::Reply => &mut silence.replies,
                        Silent::OnItsWay => &mut silence.on_their_way,
                        Silent::OtherDrop => &mut silence.other_drops,
                        Silent::Layer7 => &mut silence.layer7,
                    } += 1;
                } else {
                    self.silence.elsewhere += 1;
                }
                return;
            }
        };
        let key = match key(self.snapshot, &self.index, flow) {
            Ok(key) => key,
            Err(why) => return self.not_judged(flow, why),
        };
        let (source, destination, port, family) = key;
        let ends = [(source, &flow.source), (destination, &flow.destination)];
        let [source, destination] = ends.map(|(end, party)| self.settle(end, party));
        let ours = |end: &Result<Endpoint, Left>| match end {
            Ok(Endpoint::Pod(id)) => self.is_ours(*id),
            _ => false,
        };
        if !ours(&source) && !ours(&destination) {
            self.silence.elsewhere += 1;
            return;
        }
        let (source, destination) = match (source, destination) {
            (Ok(source), Ok(destination)) => (source, destination),
            (Err(why), _) | (_, Err(why)) => return self.leave(why),
        };
        if self.is_exempt(&source, &destination) {
            self.silence.exempt += 1;
            return;
        }
        let named = |port: &Port| port.number > 0 && (port.protocol.has_ports() || self.icmp);
        let Some(port) = port.filter(named) else {
            return self.leave(Left::Portless(protocol(flow.l4)));
        };
        let key: Key = (source.clone(), destination.clone(), Some(port), family);
        self.count(flow, key, (source, destination, port), |evidence, key| {
            evidence.add(flow, key, direction, outcome);
        });
    }

    fn count(
        &mut self,
        flow: &Flow,
        key: Key,
        (source, destination, port): (Endpoint, Endpoint, Port),
        add: impl FnOnce(&mut Evidence, Key),
    ) {
        let ends = [(source, &flow.source), (destination, &flow.destination)];
        let ends = ends.map(|(end, party)| self.who(&end, party));
        let [Some(source), Some(destination)] = ends else { return };
        let connection = Connection { source, destination, port };
        if self.connections.len() >= MOST_CONNECTIONS && !self.connections.contains_key(&connection)
        {
            self.silence.beyond += 1;
            return;
        }
        add(self.connections.entry(connection).or_default(), key);
    }

    fn who(&mut self, end: &Endpoint, party: &Party) -> Option<Who> {
        Some(match end {
            Endpoint::Pod(id) => Who::Unit(self.units.pod(*id)),
            Endpoint::Node(index) | Endpoint::NodeAddress(index, _) => {
                Who::Unit(self.units.node(*index))
            }
            Endpoint::Address(ip) => {
                if let Some(name) = party.names.first()
                    && self.names.len() < MOST_CONNECTIONS
                {
                    self.names.entry(*ip).or_insert_with(|| name.clone());
                }
                Who::Address(*ip)
            }
            // Hubble's flows have addresses.
            Endpoint::Name(_) | Endpoint::Unseen(_) => return None,
        })
    }

    /// Whose address it is by the snapshot, or why that is not known.
    fn settle(&self, end: Endpoint, party: &Party) -> Result<Endpoint, Left> {
        let Endpoint::Address(ip) = end else { return Ok(end) };
        if let Some(known) = self.index.at(ip) {
            return Ok(known.clone());
        }
        if let Some((namespace, name)) = &party.service {
            return Err(Left::Service(format!("{namespace}/svc/{name}").into()));
        }
        if let Some(service) = self.services.get(&ip) {
            return Err(Left::Service(service.clone()));
        }
        let of_pods = |net: &IpNet| net.contains(&ip);
        if self.snapshot.pod_cidrs.iter().any(of_pods) {
            return Err(Left::NoOwner(ip));
        }
        let named_outside = party.is_world()
            || party.identity >= FIRST_OF_ADDRESSES
            || party.labels.iter().any(|label| label.starts_with("cidr:"));
        match party.identity {
            _ if named_outside => Ok(Endpoint::Address(ip)),
            1..FIRST_OF_PODS => Err(Left::Special(special(party))),
            // Of a pod, or Hubble does not know: it may be one.
            _ => Err(Left::NoOwner(ip)),
        }
    }

    fn is_ours(&self, id: PodId) -> bool {
        self.namespaces.contains(&*self.snapshot.pod(id).namespace)
    }

    /// Whether Hubble names a pod of the namespaces.
    fn concerns(&self, flow: &Flow) -> bool {
        [&flow.source, &flow.destination].iter().any(|it| self.namespaces.contains(&it.namespace))
    }

    /// Whether no policy keeps it out: from the pod's own node, or from the pod itself.
    fn is_exempt(&self, source: &Endpoint, destination: &Endpoint) -> bool {
        match (source, destination) {
            (Endpoint::Node(node) | Endpoint::NodeAddress(node, _), Endpoint::Pod(pod)) => {
                let node = self.snapshot.nodes.get(*node).map(|node| &node.name);
                node.is_some() && self.snapshot.pod(*pod).node.as_ref() == node
            }
            (Endpoint::Pod(from), Endpoint::Pod(to)) => {
                from == to && !self.snapshot.pod(*from).template
            }
            _ => false,
        }
    }

    fn not_judged(&mut self, flow: &Flow, why: NotJudged) {
        if !self.concerns(flow) {
            self.silence.elsewhere += 1;
            return;
        }
        let unjoined = |why, party: &Party| match why {
            Unjoined::NoPod { namespace, pod } => Left::NoPod(format!("{namespace}/{pod}").into()),
            Unjoined::NoNode => Left::Special(special(party)),
            Unjoined::Nameless => Left::Nameless,
        };
        match why {
            NotJudged::Reply => self.silence.replies += 1,
            NotJudged::OwnNode => self.silence.exempt += 1,
            NotJudged::NoAddress => self.leave(Left::Nameless),
            NotJudged::Source(why) => self.leave(unjoined(why, &flow.source)),
            NotJudged::Destination(why) => self.leave(unjoined(why, &flow.destination)),
        }
    }

    fn leave(&mut self, why: Left) {
        if self.left.len() >= MOST_LEFT && !self.left.contains_key(&why) {
            self.more_left += 1;
        } else {
            *self.left.entry(why).or_default() += 1;
        }
    }
}

/// Something of the cluster that is no pod, by its reserved label.
fn special(party: &Party) -> Box<str> {
    let reserved = party.labels.iter().find_map(|label| label.strip_prefix("reserved:"));
    match (reserved, party.identity) {
        (Some(name), _) => name.into(),
        (None, 1) => "host".into(),
        (None, 6) => "remote-node".into(),
        (None, 7) => "kube-apiserver".into(),
        (None, identity) => format!("identity {identity}").into(),
    }
}

fn protocol(l4: Layer4) -> &'static str {
    match l4 {
        Layer4::Ports { protocol, .. } => protocol.as_str(),
        Layer4::Icmp { v6: false, .. } => "ICMPv4",
        Layer4::Icmp { v6: true, .. } => "ICMPv6",
        Layer4::Other => "another protocol",
    }
}
