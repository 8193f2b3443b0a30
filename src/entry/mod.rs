//! How traffic comes in by hosts and paths, and who passes it on.
//!
//! In: a snapshot; a host with its path, an address, or nothing. Out: every [`Lead`] that an Ingress, a
//! Route of OpenShift or a route of a Gateway is, what it is called, and its [`Front`]: the pods of the
//! controller that takes the traffic, or what is there in their place; and every [`Door`] that opens
//! pods to the outside without any of these. What policies say is asked elsewhere. Source:
//! docs/semantics/entries.md.

mod attached;
mod controllers;
mod doors;

pub use controllers::{Front, Fronts, front};
pub use doors::{Door, DoorKind, behind, doors};

use crate::cluster::{Backend, Name, PathKind, Route, RouteRule, Served, Snapshot};
use attached::attached;
use std::net::IpAddr;

/// From a host to one Service behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lead {
    /// The route, by index.
    pub route: usize,
    /// Which of its rules.
    pub rule: usize,
    /// Which of the rule's backends.
    pub backend: usize,
    /// The Gateway and which of its listeners, of a route of Gateways.
    pub listener: Option<(usize, usize)>,
}

/// What a host leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The ways of the rules that are nearest.
    pub leads: Vec<Lead>,
    /// No rule of the host is for the path: these are those of others.
    pub other_paths: bool,
}

/// Every lead there is.
pub fn all(snapshot: &Snapshot) -> Vec<Lead> {
    let served = served(snapshot);
    served.iter().flat_map(|at| at.leads(snapshot)).map(|(lead, _)| lead).collect()
}

/// Where a host leads, and on it a path: the nearest host counts before the nearest path.
///
/// Source: docs/semantics/entries.md#hosts and docs/semantics/entries.md#paths.
pub fn at_host(snapshot: &Snapshot, host: &str, path: Option<&str>) -> Found {
    let mut nearest = 0;
    let mut of_host: Vec<(Lead, &RouteRule)> = Vec::new();
    for at in served(snapshot) {
        for (lead, rule) in at.leads(snapshot) {
            let own = at.hosts(rule);
            let each = own.iter().filter_map(|own| at.route.nearness(own, host));
            let Some(near) = each.max() else { continue };
            if near > nearest {
                nearest = near;
                of_host.clear();
            }
            if near == nearest {
                of_host.push((lead, rule));
            }
        }
    }
    let Some(path) = path else {
        return Found { leads: of_host.into_iter().map(|(lead, _)| lead).collect(), ..found() };
    };
    // Each controller looks at its own routes only.
    let by = |lead: &Lead| {
        let served = snapshot.entrances.routes.get(lead.route).map(|route| &route.served);
        match (served, lead.listener) {
            (Some(Served::Class(class)), _) => (class.clone(), None),
            (_, listener) => (None, listener),
        }
    };
    let nearest = |lead: &Lead| {
        let same = of_host.iter().filter(|(other, _)| by(other) == by(lead));
        same.filter_map(|(_, rule)| rule.nearness(path)).max()
    };
    let fits = |(lead, rule): &&(Lead, &RouteRule)| {
        rule.nearness(path).is_some_and(|near| Some(near) == nearest(lead))
    };
    let leads: Vec<Lead> = of_host.iter().filter(fits).map(|(lead, _)| *lead).collect();
    if leads.is_empty() && !of_host.is_empty() {
        let leads = of_host.into_iter().map(|(lead, _)| lead).collect();
        return Found { leads, other_paths: true };
    }
    Found { leads, ..found() }
}

/// Whether some route names a host, whoever serves it.
pub fn names_host(snapshot: &Snapshot, host: &str) -> bool {
    let mut hosts = snapshot.entrances.routes.iter().flat_map(|route| {
        route.rules.iter().flat_map(move |rule| rule.hosts.iter().map(move |own| (route, own)))
    });
    hosts.any(|(route, own)| route.nearness(own, host).is_some())
}

fn found() -> Found {
    Found::default()
}

/// Where an address or a name of a controller leads, as routes and Gateways tell it.
///
/// Source: docs/semantics/entries.md#addresses.
pub fn at_address(snapshot: &Snapshot, ip: Option<IpAddr>, name: Option<&str>) -> Vec<Lead> {
    let has = |ips: &[IpAddr], names: &[Name]| {
        ip.is_some_and(|ip| ips.contains(&ip))
            || name.is_some_and(|name| names.iter().any(|own| own.eq_ignore_ascii_case(name)))
    };
    let mut leads = Vec::new();
    for at in served(snapshot) {
        let of_gateway =
            at.listener.and_then(|(gateway, _)| snapshot.entrances.gateways.get(gateway));
        if has(&at.route.addresses, &at.route.names)
            || of_gateway.is_some_and(|gateway| has(&gateway.addresses, &gateway.names))
        {
            leads.extend(at.leads(snapshot).map(|(lead, _)| lead));
        }
    }
    leads
}

impl Lead {
    /// The route.
    pub fn route(self, snapshot: &Snapshot) -> Option<&Route> {
        snapshot.entrances.routes.get(self.route)
    }

    /// The Service that it leads to.
    pub fn backend(self, snapshot: &Snapshot) -> Option<&Backend> {
        let rule = self.route(snapshot)?.rules.get(self.rule)?;
        rule.backends.get(self.backend)
    }

    /// The port at which clients come, where a listener says it; else that of the scheme.
    pub fn port(self, snapshot: &Snapshot) -> Option<u16> {
        let (gateway, listener) = self.listener?;
        let listener = snapshot.entrances.gateways.get(gateway)?.listeners.get(listener)?;
        Some(listener.port)
    }

    /// What leads there, such as `Ingress shop/web`.
    pub fn by(self, snapshot: &Snapshot) -> String {
        let Some(route) = self.route(snapshot) else { return String::new() };
        let namespace = route.object.namespace.as_deref().unwrap_or_default();
        let by = format!("{} {namespace}/{}", route.object.kind, route.object.name);
        let gateway = self.listener.and_then(|(at, _)| snapshot.entrances.gateways.get(at));
        match gateway {
            Some(gateway) => format!("{by} of Gateway {}/{}", gateway.namespace, gateway.name),
            None => by,
        }
    }

    /// The hosts and paths, such as `shop.example.com/cart`.
    pub fn hosts(self, snapshot: &Snapshot) -> String {
        let Some(rule) = self.route(snapshot).and_then(|route| route.rules.get(self.rule)) else {
            return String::new();
        };
        let served = served(snapshot);
        let at = served.iter().find(|at| at.index == self.route && at.listener == self.listener);
        let hosts = at.map_or_else(|| rule.hosts.clone(), |at| at.hosts(rule));
        words(&hosts, rule)
    }

    /// Both, as answers name it.
    pub fn words(self, snapshot: &Snapshot) -> String {
        format!("{} ({})", self.by(snapshot), self.hosts(snapshot))
    }

    /// Why its controller would not follow it although it is written, as sentences without their end.
    ///
    /// Source: docs/semantics/entries.md#references-across-namespaces.
    pub fn refusals(self, snapshot: &Snapshot) -> Vec<String> {
        let (Some(route), Some(backend)) = (self.route(snapshot), self.backend(snapshot)) else {
            return Vec::new();
        };
        let by = self.by(snapshot);
        let own = route.object.namespace.as_deref().unwrap_or_default();
        let (namespace, service) = (&*backend.namespace, &*backend.service);
        let mut faults = Vec::new();
        let mut grants = snapshot.entrances.grants.iter();
        let granted = own == namespace
            || grants.any(|grant| {
                *grant.namespace == *namespace && grant.lets(&route.object.kind, own, service)
            });
        if !granted {
            faults.push(format!(
                "no ReferenceGrant of {namespace} lets {by} lead to {namespace}/svc/{service}"
            ));
        }
        faults
    }
}

/// A route as one controller or listener serves it.
struct ServedAt<'a> {
    index: usize,
    route: &'a Route,
    listener: Option<(usize, usize)>,
    /// The only host that the listener takes.
    only: Option<&'a Name>,
}

impl<'a> ServedAt<'a> {
    fn leads(&self, _: &Snapshot) -> impl Iterator<Item = (Lead, &'a RouteRule)> + use<'a> {
        let (route, listener) = (self.index, self.listener);
        self.route.rules.iter().enumerate().flat_map(move |(rule, of)| {
            let backends = 0..of.backends.len();
            backends.map(move |backend| (Lead { route, rule, backend, listener }, of))
        })
    }

    /// The hosts of a rule that come through.
    fn hosts(&self, rule: &RouteRule) -> Vec<Name> {
        let Some(only) = self.only else { return rule.hosts.clone() };
        if rule.hosts.is_empty() {
            return vec![only.clone()];
        }
        rule.hosts.iter().filter_map(|own| attached::common(only, own)).collect()
    }
}

/// Every route, once for each listener that takes it.
fn served(snapshot: &Snapshot) -> Vec<ServedAt<'_>> {
    let mut all = Vec::new();
    for (index, route) in snapshot.entrances.routes.iter().enumerate() {
        let Served::Gateways(parents) = &route.served else {
            all.push(ServedAt { index, route, listener: None, only: None });
            continue;
        };
        for (gateway, listener) in attached(snapshot, route, parents) {
            let found = snapshot.entrances.gateways.get(gateway);
            let only = found.and_then(|found| found.listeners.get(listener)?.hostname.as_ref());
            all.push(ServedAt { index, route, listener: Some((gateway, listener)), only });
        }
    }
    all
}

/// Hosts and paths in words.
fn words(hosts: &[Name], rule: &RouteRule) -> String {
    let host = match hosts {
        [] => "any host".to_owned(),
        [one] => one.to_string(),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
    };
    match rule.paths.as_slice() {
        [] => host,
        [one] if *one.text == *"/" && one.kind != PathKind::Exact => host,
        [one, rest @ ..] => {
            let more =
                if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
            let space = if hosts.len() == 1 { "" } else { " " };
            format!("{host}{space}{}{more}", one.text)
        }
    }
}
