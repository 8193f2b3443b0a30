//! `services`: who is behind a Service, and on which ports.
//!
//! In: the name of a Service. Out: a [`Behind`], which says so where something is not known. Source:
//! docs/semantics/calico.md#services.

use super::super::rule::{Namespaces, PeerKind, PodSet, PortFields, PortMatch, PortRule, Scope};
use super::lower::Lowering;
use super::written;
use crate::cluster::{
    AddressBlock, EndpointSlice, Labels, PortRange, Protocol, Selector, Service, TargetPort,
};
use ipnet::IpNet;

/// Who is behind a Service.
pub(super) struct Behind {
    /// Whom its addresses are.
    pub(super) who: PeerKind,
    /// The ports that lead there, each with its protocol; `None`: not known.
    pub(super) ports: Option<Vec<(Protocol, PortMatch)>>,
}

impl Lowering<'_> {
    /// Whom a Service leads to.
    pub(super) fn behind(&self, written: &written::Service) -> Behind {
        let name = written.name.as_deref().unwrap_or_default();
        let namespace = written.namespace.as_deref().filter(|name| !name.is_empty());
        let namespace = namespace.or(self.namespace.as_deref()).unwrap_or_default();
        let called = format!("{namespace}/svc/{name}");
        let snapshot = self.known.snapshot;
        let slices: Vec<&EndpointSlice> = snapshot
            .endpoint_slices
            .within(namespace)
            .map(|(_, slice)| slice)
            .filter(|slice| *slice.service == *name)
            .collect();
        let mut services = snapshot.services.within(namespace).map(|(_, service)| service);
        let service = services.find(|service| *service.name == *name);
        let selector = service.and_then(|service| service.selector.as_ref());
        match (service, selector.filter(|labels| !labels.is_empty())) {
            (Some(service), Some(labels)) => self.selected(service, labels, &called),
            _ if !slices.is_empty() => written_out(&slices),
            (Some(_), None) => Behind::unknown(&format!("the endpoints of {called} are not told")),
            (None, _) => Behind::unknown(&format!("{called} is not among what was read")),
        }
    }

    /// The pods that it selects.
    fn selected(&self, service: &Service, labels: &Labels, called: &str) -> Behind {
        let namespace = Namespaces::Own(service.namespace.clone());
        let pods = PodSet::new(namespace, Selector::labels(labels.iter()));
        let mut who = vec![PeerKind::Pods(pods)];
        // The address of a pod on its node's network is the node's.
        let mut pods = self.known.snapshot.pods_in(&service.namespace);
        let on_nodes = pods.any(|(_, pod)| pod.host_network && service.selects(&pod.labels));
        if on_nodes {
            let why = format!("{called} leads to pods on the networks of nodes");
            who.push(PeerKind::Unresolved(why.into(), Scope::NODES));
        }
        let port = |target: &TargetPort| match target {
            TargetPort::Number(number) => PortMatch::Range((*number).into()),
            TargetPort::Name(name) => PortMatch::Named(name.clone()),
        };
        let ports = service.ports.iter().map(|of| (of.port.protocol, port(&of.target)));
        let ports: Vec<_> = ports.collect();
        // Names of their ports nobody looks up.
        let named = ports.iter().any(|(_, port)| matches!(port, PortMatch::Named(_)));
        let ports = (!on_nodes || !named).then_some(ports);
        Behind { who: PeerKind::any(who), ports }
    }
}

/// The endpoints that somebody wrote: a port without a number leads nowhere.
fn written_out(slices: &[&EndpointSlice]) -> Behind {
    let addresses = slices.iter().flat_map(|slice| &slice.endpoints);
    let addresses = addresses.flat_map(|endpoint| endpoint.addresses.iter().copied());
    let block = |net: IpNet| {
        PeerKind::Addresses(AddressBlock { cidr: net, except: [].into() }, Scope::EVERYONE)
    };
    let who = PeerKind::any(addresses.map(IpNet::from).map(block).collect());
    let ports_of = |slice: &EndpointSlice| -> Vec<(Protocol, PortMatch)> {
        let numbers = slice.ports.iter().filter_map(|(_, number, protocol)| {
            let range: PortRange = (*number)?.into();
            Some((*protocol, PortMatch::Range(range)))
        });
        numbers.collect()
    };
    let ports = slices.first().map(|slice| ports_of(slice)).unwrap_or_default();
    // Addresses of one slice with the ports of another are no endpoint.
    let alike = slices.iter().all(|slice| ports_of(slice) == ports);
    Behind { who, ports: alike.then_some(ports) }
}

impl Behind {
    fn unknown(why: &str) -> Self {
        Self { who: PeerKind::Unresolved(why.into(), Scope::EVERYONE), ports: None }
    }

    /// The ports of these protocols as items; `None`: not known.
    pub(super) fn port_rules(&self, path: &str, protocols: &[Protocol]) -> Option<Vec<PortRule>> {
        let rule = |(protocol, ports): &(Protocol, PortMatch)| PortRule {
            path: path.into(),
            fields: &PortFields::ITSELF,
            protocol: *protocol,
            ports: ports.clone(),
            except: Box::default(),
        };
        let ports = self.ports.as_ref()?.iter();
        Some(ports.filter(|(protocol, _)| protocols.contains(protocol)).map(rule).collect())
    }
}

/// Why it is not known which of its ports lead to whom.
pub(super) const PORTS_APART: &str =
    "which of the ports of the Service lead to which of its endpoints is not told apart";
