//! Peers outside the cluster: networks, groups of them, names, and Services.
//!
//! Source: semantics/cilium.md section 3, "CIDR", "toFQDNs" and "toServices".

use super::super::rule::{Namespaces, Peer, PeerKind, PodSet, Scope};
use super::super::{Fault, NamePattern};
use super::CidrGroup;
use super::lower::{At, Lowering};
use super::written::{CidrRule, Element, Fqdn, ServiceRef};
use crate::cluster::{AddressBlock, NAMESPACE_NAME_LABEL, Selector, Service};
use ipnet::IpNet;
use std::net::IpAddr;

impl CidrGroup {
    /// Its networks, or what is wrong with them.
    pub(super) fn networks(&self) -> Result<Vec<IpNet>, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut networks = Vec::new();
        for (i, text) in self.spec.external_cidrs.iter().flatten().enumerate() {
            if let Some(net) = network(text) {
                networks.push(net.trunc());
            } else {
                let path = format!("spec.externalCIDRs[{i}]");
                faults.push(Fault { path, message: not_a_cidr(text) });
            }
        }
        if faults.is_empty() { Ok(networks) } else { Err(faults) }
    }
}

fn not_a_cidr(text: &str) -> String {
    format!("{text:?} is not a CIDR such as 10.0.0.0/8 or 2001:db8::/32")
}

/// A network as Go's netip reads it.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok()
}

impl Lowering<'_> {
    /// `fromCIDR`, `toCIDR`, `fromCIDRSet` and `toCIDRSet`.
    pub(super) fn cidrs(&mut self, at: At<'_>, element: &Element, peers: &mut Vec<Peer>) {
        for (i, text) in element.cidr.iter().flatten().enumerate() {
            let path = format!("{}.{}[{i}]", at.path, at.field("CIDR"));
            let single = || text.parse::<IpAddr>().ok().map(IpNet::from);
            match network(text).or_else(single) {
                Some(cidr) => self.block(&path, cidr, &[], peers),
                None => self.fault(path, format!("{text:?} is neither a CIDR nor an address")),
            }
        }
        for (i, rule) in element.cidr_set.iter().flatten().enumerate() {
            let path = format!("{}.{}[{i}]", at.path, at.field("CIDRSet"));
            self.cidr_rule(&path, rule, peers);
        }
    }

    fn block(&mut self, path: &str, cidr: IpNet, except: &[IpNet], peers: &mut Vec<Peer>) {
        let masked = cidr.trunc();
        if masked != cidr {
            self.lint(path, format!("{cidr} is read as {masked}; write it so"));
        }
        let except: Vec<IpNet> = except.iter().map(IpNet::trunc).collect();
        // Whole families mean the entity world, which has nothing of the cluster in it.
        let scope = if masked.prefix_len() == 0 { Scope::OUTSIDE } else { self.scope };
        if masked.prefix_len() == 0 {
            peers.extend(self.perhaps_pods(path));
        }
        let block = AddressBlock { cidr: masked, except };
        peers.push(Peer { path: path.into(), admits: PeerKind::Addresses(block, scope) });
    }

    /// Source: section 1: exactly one of cidr, cidrGroupRef and cidrGroupSelector; except inside.
    fn cidr_rule(&mut self, path: &str, rule: &CidrRule, peers: &mut Vec<Peer>) {
        let mut except = Vec::new();
        for (i, text) in rule.except.iter().flatten().enumerate() {
            match network(text) {
                Some(net) => except.push(net),
                None => self.fault(format!("{path}.except[{i}]"), not_a_cidr(text)),
            }
        }
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        match (given(&rule.cidr), given(&rule.cidr_group_ref), &rule.cidr_group_selector) {
            (Some(text), None, None) => {
                let Some(cidr) = network(&text) else {
                    self.fault(format!("{path}.cidr"), not_a_cidr(&text));
                    return;
                };
                for (i, net) in except.iter().enumerate() {
                    if !cidr.contains(&net.addr()) {
                        let message = format!("{net} is not inside {cidr}");
                        self.fault(format!("{path}.except[{i}]"), message);
                    }
                }
                self.block(path, cidr, &except, peers);
            }
            (None, Some(name), None) => {
                let group = self.known.groups.iter().find(|group| *group.name == *name);
                match group.map(CidrGroup::networks) {
                    Some(Ok(networks)) => {
                        for cidr in networks {
                            self.block(path, cidr, &except, peers);
                        }
                    }
                    Some(Err(_)) => self.unresolved(
                        path,
                        format!("the CiliumCIDRGroup {name} has faults"),
                        peers,
                    ),
                    None => self.unresolved(
                        path,
                        format!("the CiliumCIDRGroup {name} is not among what was read"),
                        peers,
                    ),
                }
            }
            (None, None, Some(selector)) => {
                let selector = self.plain_labels(&format!("{path}.cidrGroupSelector"), selector);
                let groups = self.known.groups.iter();
                let selected: Vec<_> = groups.filter(|g| selector.selects(&g.labels)).collect();
                if selected.is_empty() {
                    let why = format!("no CiliumCIDRGroup with {selector} is among what was read");
                    self.unresolved(path, why, peers);
                }
                for cidr in selected.iter().filter_map(|group| group.networks().ok()).flatten() {
                    self.block(path, cidr, &except, peers);
                }
            }
            _ => {
                let message = "needs exactly one of cidr, cidrGroupRef and cidrGroupSelector";
                self.fault(path, message);
            }
        }
    }

    fn unresolved(&mut self, path: &str, why: String, peers: &mut Vec<Peer>) {
        self.lint(path, format!("cannot be told: {why}"));
        peers.push(Peer { path: path.into(), admits: PeerKind::Unresolved(why.into()) });
    }

    /// Source: section 3, "toFQDNs"; section 1: deny rules have none.
    pub(super) fn fqdns(&mut self, at: At<'_>, written: &[Fqdn], peers: &mut Vec<Peer>) {
        let field = format!("{}.toFQDNs", at.path);
        if written.is_empty() {
            return;
        }
        if at.denies() {
            self.fault(field, "is not for egressDeny: deny by CIDR, or do not allow the name");
            return;
        }
        let mut patterns = Vec::new();
        for (i, fqdn) in written.iter().enumerate() {
            let path = format!("{field}[{i}]");
            if self.fqdn(&path, fqdn, true) {
                patterns.extend(fqdn.patterns());
            }
        }
        if !self.known.sees_dns {
            let message = "needs a rule that lets Cilium see the answers of DNS (toPorts.rules.dns): \
                           none is among what was read, and without one no name ever matches";
            self.lint(field.clone(), message);
        }
        peers.push(Peer { path: field.into(), admits: PeerKind::Names(patterns) });
    }

    /// Checks a name or pattern.
    pub(super) fn fqdn(&mut self, path: &str, fqdn: &Fqdn, one: bool) -> bool {
        let before = self.faults.len();
        let (name, pattern) = (fqdn.name(), fqdn.pattern());
        if name.is_some() == pattern.is_some() && (one || name.is_none()) {
            self.fault(path, "needs exactly one of matchName and matchPattern");
        }
        let known = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if let Some(name) = name.filter(|name| !name.bytes().all(known)) {
            let message = format!("{name:?} has characters other than letters, digits, -, _ and .");
            self.fault(format!("{path}.matchName"), message);
        }
        if let Some(text) = pattern.filter(|text| !text.bytes().all(|b| known(b) || b == b'*')) {
            let message =
                format!("{text:?} has characters other than letters, digits, -, _, . and *");
            self.fault(format!("{path}.matchPattern"), message);
        }
        self.faults.len() == before
    }

    /// Source: section 3, "toServices": with a selector the pods of the Service, without one the
    /// addresses of its EndpointSlices.
    pub(super) fn services(&mut self, at: At<'_>, written: &[ServiceRef], peers: &mut Vec<Peer>) {
        for (i, reference) in written.iter().enumerate() {
            let path = format!("{}.toServices[{i}]", at.path);
            let mut found: Vec<&Service> = Vec::new();
            if let Some(wanted) = &reference.k8s_service {
                let name = wanted.service_name.as_deref().unwrap_or_default();
                let all = self.known.snapshot.services.iter();
                found.extend(all.filter(|service| {
                    *service.name == *name && is_in(service, wanted.namespace.as_deref())
                }));
            }
            // Of a live cluster only those Services were read that a flow needs.
            let mut unread = self.live && found.is_empty();
            if let Some(wanted) = &reference.k8s_service_selector {
                unread = self.live;
                let selector = wanted.selector.clone().unwrap_or_default();
                let path = format!("{path}.k8sServiceSelector.selector");
                let selector = self.plain_labels(&path, &selector);
                let all = self.known.snapshot.services.iter();
                found.extend(all.filter(|service| {
                    selector.selects(&service.labels) && is_in(service, wanted.namespace.as_deref())
                }));
            }
            if unread {
                perhaps_service(&path, reference, peers);
            } else if found.is_empty() {
                let message = "names no Service that is among what was read, so it matches nothing";
                self.lint(path.clone(), message);
            }
            for service in found {
                self.service(&path, service, peers);
            }
        }
    }

    fn service(&mut self, path: &str, service: &Service, peers: &mut Vec<Peer>) {
        if let Some(labels) = &service.selector {
            let namespace = Selector::labels([(NAMESPACE_NAME_LABEL, service.namespace.clone())]);
            let set = PodSet::new(Namespaces::Matching(namespace), Selector::labels(labels.iter()));
            peers.push(Peer { path: path.into(), admits: PeerKind::Pods(set) });
            return;
        }
        let slices =
            self.known.snapshot.endpoint_slices.iter().filter(|slice| {
                slice.namespace == service.namespace && slice.service == service.name
            });
        let addresses: Vec<IpAddr> = slices
            .flat_map(|slice| &slice.endpoints)
            .flat_map(|endpoint| endpoint.addresses.iter().copied())
            .collect();
        if addresses.is_empty() {
            let why = format!(
                "the addresses of the Service {}/{} are not known",
                service.namespace, service.name
            );
            self.unresolved(path, why, peers);
        }
        for address in addresses {
            self.block(path, IpNet::from(address), &[], peers);
        }
    }
}

/// Whoever may be behind a Service that was not read.
fn perhaps_service(path: &str, reference: &ServiceRef, peers: &mut Vec<Peer>) {
    let by_name = reference.k8s_service.as_ref().and_then(|wanted| wanted.namespace.as_deref());
    let by_labels = reference.k8s_service_selector.as_ref();
    let by_labels = by_labels.and_then(|wanted| wanted.namespace.as_deref());
    let namespace = by_name.or(by_labels).filter(|name| !name.is_empty());
    let namespace = namespace.map(|name| (NAMESPACE_NAME_LABEL, name));
    let why = "the Services that it names were not all read";
    let every = Namespaces::Matching(Selector::labels(namespace));
    let pods = PodSet::new(every, Selector::default());
    let admits = PeerKind::Pods(PodSet { doubt: Some(why.into()), ..pods });
    peers.push(Peer { path: path.into(), admits });
    peers.push(Peer { path: path.into(), admits: PeerKind::Unresolved(why.into()) });
}

/// Whether a Service is in a namespace; none means any.
fn is_in(service: &Service, namespace: Option<&str>) -> bool {
    namespace.is_none_or(|name| name.is_empty() || *service.namespace == *name)
}

impl Fqdn {
    fn name(&self) -> Option<&str> {
        self.match_name.as_deref().filter(|name| !name.is_empty())
    }

    fn pattern(&self) -> Option<&str> {
        self.match_pattern.as_deref().filter(|pattern| !pattern.is_empty())
    }

    /// The name, the pattern, or both.
    pub(super) fn patterns(&self) -> impl Iterator<Item = NamePattern> {
        let name = self.name().map(NamePattern::exactly);
        name.into_iter().chain(self.pattern().map(NamePattern::glob))
    }
}
