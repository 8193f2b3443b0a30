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

pub use controllers::{Front, Fronts, front, is_of_ingress_nginx};
pub use doors::{Door, DoorKind, OnNodes, behind, doors, on_nodes};

use crate::cluster::{Backend, Name, PathKind, Route, RouteRule, Served, Snapshot};
use attached::attached;
use controllers::server;
use std::net::IpAddr;
use std::ops::Range;

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

/// What is known of whether a rule takes what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Takes {
    /// It does.
    Yes,
    /// It is for this path as far as only its controller knows.
    Perhaps,
    /// It is for another path, and no rule of the host is for this one.
    OtherPath,
}

/// Every lead there is.
pub fn all(snapshot: &Snapshot) -> Vec<Lead> {
    let served = served(snapshot);
    served.iter().flat_map(ServedAt::leads).map(|(lead, _)| lead).collect()
}

/// Where a host leads, and on it a path: the nearest host counts before the nearest path. A rule that leads
/// to no Service takes its part, and a copy of what goes elsewhere does not.
///
/// Source: docs/semantics/entries.md#hosts and docs/semantics/entries.md#paths.
pub fn at_host(snapshot: &Snapshot, host: &str, path: Option<&str>) -> Vec<(Lead, Takes)> {
    let served = served(snapshot);
    let mut nearest = 0;
    let mut of_host: Vec<(Lead, &RouteRule)> = Vec::new();
    for at in &served {
        for (lead, rule) in at.answers() {
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
        let leads = |(lead, _): &(Lead, &RouteRule)| lead.backend(snapshot).is_some();
        let some = of_host.iter().any(leads);
        let told = of_host.into_iter().filter(|it| !some || leads(it));
        return told.map(|(lead, _)| (lead, Takes::Yes)).collect();
    };
    // Each controller looks at its own routes only.
    let mut servers: Vec<String> = Vec::new();
    for (lead, _) in &of_host {
        let by = server(snapshot, *lead);
        if !servers.contains(&by) {
            servers.push(by);
        }
    }
    let mut leads = Vec::new();
    for by in servers {
        let is = |lead: &Lead| server(snapshot, *lead) == by;
        let own: Vec<_> = of_host.iter().filter(|(lead, _)| is(lead)).copied().collect();
        let others = || served.iter().flat_map(ServedAt::answers).filter(|(lead, _)| is(lead));
        leads.extend(at_path(snapshot, &own, others, path));
    }
    if leads.is_empty() {
        return of_host.into_iter().map(|(lead, _)| (lead, Takes::OtherPath)).collect();
    }
    leads
}

/// Which rules that one controller has for a host are for a path; `all` are those for any host, too.
///
/// Source: docs/semantics/entries.md#patterns and docs/semantics/entries.md#default-backends.
fn at_path<'a, All>(
    snapshot: &Snapshot,
    own: &[(Lead, &'a RouteRule)],
    all: impl Fn() -> All,
    path: &str,
) -> Vec<(Lead, Takes)>
where
    All: Iterator<Item = (Lead, &'a RouteRule)>,
{
    let patterns = own.iter().any(|(lead, _)| lead.route(snapshot).is_some_and(|it| it.patterns));
    let nearest = own.iter().filter_map(|(_, rule)| rule.nearness(path, patterns).0).max();
    let mut found: Vec<(Lead, Takes)> = Vec::new();
    for (lead, rule) in own {
        match rule.nearness(path, patterns) {
            (Some(near), _) if Some(near) == nearest => found.push((*lead, Takes::Yes)),
            // A path that is written as a whole comes first.
            (_, true) if nearest != Some(usize::MAX) => found.push((*lead, Takes::Perhaps)),
            _ => {}
        }
    }
    if nearest.is_some() {
        return found;
    }
    let for_any = all().filter(|(lead, rule)| {
        rule.hosts.is_empty() && !own.iter().any(|(known, _)| known == lead)
    });
    for (lead, rule) in for_any {
        let of_class = lead.route(snapshot).is_some_and(|it| matches!(it.served, Served::Class(_)));
        let same = own.iter().any(|(known, _)| known.route == lead.route);
        if of_class && rule.paths.is_empty() {
            // Whether the rest of a host goes to another's, controllers differ.
            found.push((lead, if same { Takes::Yes } else { Takes::Perhaps }));
        } else if rule.nearness(path, patterns) != (None, false) {
            found.push((lead, Takes::Perhaps));
        }
    }
    found
}

/// Whether some route names a host, whoever serves it.
pub fn names_host(snapshot: &Snapshot, host: &str) -> bool {
    let mut hosts = snapshot.entrances.routes.iter().flat_map(|route| {
        route.rules.iter().flat_map(move |rule| rule.hosts.iter().map(move |own| (route, own)))
    });
    hosts.any(|(route, own)| route.nearness(own, host).is_some())
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
            let own = at.answers().map(|(lead, _)| lead);
            leads.extend(own.filter(|lead| lead.backend(snapshot).is_some()));
        }
    }
    leads
}

impl Lead {
    /// The route.
    pub fn route(self, snapshot: &Snapshot) -> Option<&Route> {
        snapshot.entrances.routes.get(self.route)
    }

    /// The Service that it leads to; none where the rule leads to none.
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
        let copied = self.backend(snapshot).is_some_and(|backend| backend.copied);
        let copy = if copied { "a copy of " } else { "" };
        format!("{} ({copy}{})", self.by(snapshot), self.hosts(snapshot))
    }

    /// The Services that get a copy of what goes this way, such as `shop/svc/shadow`.
    ///
    /// Source: docs/semantics/entries.md#copies.
    pub fn copies(self, snapshot: &Snapshot) -> Vec<String> {
        let rule = self.route(snapshot).and_then(|route| route.rules.get(self.rule));
        let backends = rule.into_iter().flat_map(|rule| &rule.backends).filter(|it| it.copied);
        backends.map(|it| format!("{}/svc/{}", it.namespace, it.service)).collect()
    }

    /// Why it leads to no Service, as a sentence without its end.
    pub fn answers_itself(self, snapshot: &Snapshot) -> String {
        let rule = self.route(snapshot).and_then(|route| route.rules.get(self.rule));
        let words = self.words(snapshot);
        if rule.is_some_and(|rule| rule.redirects) {
            format!("{words} redirects what comes, and leads to no Service")
        } else {
            format!("{words} has no backend: whoever serves it answers itself")
        }
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
        if !backend.is_service() {
            return Vec::new();
        }
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
    /// To every backend.
    fn leads(&self) -> impl Iterator<Item = (Lead, &'a RouteRule)> + use<'a> {
        self.each(|rule| 0..rule.backends.len())
    }

    /// To whoever answers: not to those that get a copy, and to nothing where no one else is.
    fn answers(&self) -> impl Iterator<Item = (Lead, &'a RouteRule)> + use<'a> {
        let all = self.each(|rule| 0..rule.backends.len() + usize::from(!rule.takes_a_share()));
        all.filter(|(lead, rule)| !rule.backends.get(lead.backend).is_some_and(|it| it.copied))
    }

    fn each(
        &self,
        backends: fn(&RouteRule) -> Range<usize>,
    ) -> impl Iterator<Item = (Lead, &'a RouteRule)> + use<'a> {
        let (route, listener) = (self.index, self.listener);
        let rules = self.route.rules.iter().enumerate();
        rules.flat_map(move |(rule, of)| {
            backends(of).map(move |backend| (Lead { route, rule, backend, listener }, of))
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
        let attached = attached(snapshot, route, parents);
        for (gateway, listener) in attached.listeners {
            let found = snapshot.entrances.gateways.get(gateway);
            let only = found.and_then(|found| found.listeners.get(listener)?.hostname.as_ref());
            all.push(ServedAt { index, route, listener: Some((gateway, listener)), only });
        }
        if attached.perhaps.is_some() {
            all.push(ServedAt { index, route, listener: None, only: None });
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
