//! What leads hosts and paths to Services: Ingresses, OpenShift's Routes, and the routes of Gateways.

use super::{Name, Namespace, ObjectRef, PodId, Selector, Truth};
use std::net::IpAddr;

/// All that leads traffic in by a host, a path or a listener, and what says who serves it.
#[derive(Clone, Debug, Default)]
pub struct Entrances {
    /// Ingresses, Routes, and routes of Gateways.
    pub routes: Vec<Route>,
    /// The IngressClasses.
    pub ingress_classes: Vec<Class>,
    /// The GatewayClasses.
    pub gateway_classes: Vec<Class>,
    /// The Gateways.
    pub gateways: Vec<Gateway>,
    /// The ReferenceGrants.
    pub grants: Vec<Grant>,
    /// Objects of others' kinds that lead in, and that are not followed.
    pub not_followed: Vec<ObjectRef>,
    /// The pods that serve whatever class says nothing else, as the question has it, with their name.
    pub controller: Option<(String, Vec<PodId>)>,
}

/// An IngressClass or a GatewayClass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// Its name.
    pub name: Name,
    /// Who serves it, such as `k8s.io/ingress-nginx`.
    pub controller: Name,
    /// It is that of Ingresses which name none.
    pub default: bool,
}

/// An Ingress, a Route of OpenShift, or a route of Gateways.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The object.
    pub object: ObjectRef,
    /// Who serves it.
    pub served: Served,
    /// Where it leads.
    pub rules: Vec<RouteRule>,
    /// Some of its hosts speak TLS.
    pub tls: bool,
    /// Its controller takes every path of its hosts for a regular expression, whatever is written of it.
    pub patterns: bool,
    /// The addresses at which its controller is reached, where it tells.
    pub addresses: Vec<IpAddr>,
    /// The same, by name.
    pub names: Vec<Name>,
}

/// Who serves a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Served {
    /// The controller of an IngressClass; of the default one where it names none.
    Class(Option<Name>),
    /// Gateways.
    Gateways(Vec<Parent>),
    /// The routers of OpenShift.
    Routers,
}

/// A Gateway that a route asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// `Gateway`, or what gives one further listeners.
    pub kind: Name,
    /// Its namespace.
    pub namespace: Name,
    /// Its name.
    pub name: Name,
    /// Only this listener.
    pub listener: Option<Name>,
    /// Only listeners at this port.
    pub port: Option<u16>,
}

/// Where hosts and paths lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteRule {
    /// The hosts; none stands for any.
    pub hosts: Vec<Name>,
    /// The paths; none stands for any.
    pub paths: Vec<PathMatch>,
    /// The Services.
    pub backends: Vec<Backend>,
    /// Clients are sent elsewhere.
    pub redirects: bool,
}

/// Which paths are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathMatch {
    /// How it is compared.
    pub kind: PathKind,
    /// What is written.
    pub text: Name,
}

/// How a path is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// It is the whole path.
    Exact,
    /// The path begins with it, part by part.
    Prefix,
    /// The controller knows: as a regular expression, mostly.
    Other,
}

/// Whether a path is one of those that are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    /// It is none.
    No,
    /// Only the controller knows.
    Perhaps,
    /// It is one; the more the nearer.
    Yes(usize),
}

/// A Service that a rule leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// `Service`, or what else stands in its place.
    pub kind: Name,
    /// Its namespace.
    pub namespace: Name,
    /// Its name.
    pub service: Name,
    /// Its port; none stands for the first, as a Route has it.
    pub port: Option<BackendPort>,
    /// It gets a copy of what goes to the others.
    pub copied: bool,
}

impl Backend {
    /// Whether it is a Service, which can be followed.
    pub fn is_service(&self) -> bool {
        &*self.kind == "Service"
    }
}

/// A port of a Service by number or name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackendPort {
    /// By number.
    Number(u16),
    /// By name, or by the port of the pods that it leads to.
    Name(Name),
    /// The port of the pods, as OpenShift's Routes have it.
    Target(u16),
}

/// A Gateway.
#[derive(Clone, Debug, PartialEq)]
pub struct Gateway {
    /// Its namespace.
    pub namespace: Name,
    /// Its name.
    pub name: Name,
    /// Its GatewayClass.
    pub class: Name,
    /// Where it listens.
    pub listeners: Vec<Listener>,
    /// Its addresses, where they are known.
    pub addresses: Vec<IpAddr>,
    /// The same, by name.
    pub names: Vec<Name>,
}

/// A listener of a Gateway.
#[derive(Clone, Debug, PartialEq)]
pub struct Listener {
    /// Its name.
    pub name: Name,
    /// The only hosts that it takes.
    pub hostname: Option<Name>,
    /// Its port.
    pub port: u16,
    /// `HTTP`, `HTTPS`, `TLS`, `TCP`, `UDP`, or one of an implementation's own.
    pub protocol: Name,
    /// Whose routes it takes.
    pub from: AllowedFrom,
    /// The kinds of routes that it takes; none stands for those of its protocol.
    pub kinds: Vec<Name>,
}

/// Of which namespaces a listener takes routes.
#[derive(Clone, Debug, PartialEq)]
pub enum AllowedFrom {
    /// Its own.
    Same,
    /// Any.
    All,
    /// Those with these labels.
    Matching(Selector),
    /// None, or what nobody here understands.
    None,
}

/// A ReferenceGrant: who may refer to Services of its namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its namespace.
    pub namespace: Name,
    /// Kind and namespace of those who may.
    pub from: Vec<(Name, Name)>,
    /// Kind and, where it is one, name of what they may refer to.
    pub to: Vec<(Name, Option<Name>)>,
}

impl Route {
    /// Whether a host that is written stands for this one, and how near it is: its labels, one more
    /// where there is no wildcard. Of an Ingress and a Route `*` is one label, of a Gateway any number.
    ///
    /// Source: docs/semantics/entries.md#hosts.
    pub fn nearness(&self, own: &str, host: &str) -> Option<usize> {
        let labels = own.split('.').count() * 2;
        let Some(rest) = own.strip_prefix("*.") else {
            return own.eq_ignore_ascii_case(host).then_some(labels + 1);
        };
        let many = matches!(self.served, Served::Gateways(_));
        let mut after = host.match_indices('.').map(|(at, _)| (at, &host[at + 1..]));
        let found = if many {
            after.any(|(at, of)| at > 0 && of.eq_ignore_ascii_case(rest))
        } else {
            after.next().is_some_and(|(at, of)| at > 0 && of.eq_ignore_ascii_case(rest))
        };
        found.then_some(labels)
    }
}

impl RouteRule {
    /// How near the rule's paths come to this one, `None` where it has none for it; and whether a pattern
    /// of it may mean the path, `patterns` being whether all are regular expressions.
    ///
    /// Source: docs/semantics/entries.md#paths.
    pub fn nearness(&self, path: &str, patterns: bool) -> (Option<usize>, bool) {
        if self.paths.is_empty() {
            return (Some(0), false);
        }
        let (mut nearest, mut perhaps) = (None, false);
        for own in &self.paths {
            match own.fit(path, patterns) {
                Fit::No => {}
                Fit::Perhaps => perhaps = true,
                Fit::Yes(near) => nearest = nearest.max(Some(near)),
            }
        }
        (nearest, perhaps)
    }

    /// Whether some of it takes what the others do not.
    pub fn takes_a_share(&self) -> bool {
        self.backends.iter().any(|backend| !backend.copied)
    }
}

/// What no path that is meant as it is written has.
const OF_PATTERNS: &[char] = &['*', '?', '+', '(', ')', '[', ']', '{', '}', '|', '^', '$', '\\'];

impl PathMatch {
    fn fit(&self, path: &str, patterns: bool) -> Fit {
        let text = &*self.text;
        if self.kind == PathKind::Exact && !patterns {
            return if text == path { Fit::Yes(usize::MAX) } else { Fit::No };
        }
        let plain = text.starts_with('/') && !text.contains(OF_PATTERNS);
        let rest = path.strip_prefix(text.trim_end_matches('/'));
        let whole = self.kind != PathKind::Exact && rest.is_some_and(|rest| rest.starts_with('/'));
        // Of a Gateway's prefix nothing else is a letter of a pattern.
        let literal = plain || (self.kind == PathKind::Prefix && !patterns);
        if literal && (whole || rest.is_some_and(str::is_empty)) {
            return Fit::Yes(2 * text.len());
        }
        let pattern = patterns || self.kind == PathKind::Other || !plain;
        if pattern && may_mean(text, path) { Fit::Perhaps } else { Fit::No }
    }
}

/// Whether a regular expression, or another pattern that controllers have, may mean a path: it begins with
/// all that comes before the first letter of the pattern.
fn may_mean(pattern: &str, path: &str) -> bool {
    let pattern = pattern.strip_prefix('^').unwrap_or(pattern);
    if !pattern.starts_with('/') || has_branches(pattern) {
        return true;
    }
    let end = pattern.find(|c| c == '.' || OF_PATTERNS.contains(&c)).unwrap_or(pattern.len());
    let (mut start, rest) = pattern.split_at(end);
    // What comes before one of these need not be there.
    if rest.starts_with(['*', '?', '{'])
        && let Some((last, _)) = start.char_indices().next_back()
    {
        start = &start[..last];
    }
    path.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start))
}

/// Whether it has several forms that need have nothing in common.
fn has_branches(pattern: &str) -> bool {
    if pattern.contains('\\') || pattern.contains('[') {
        return pattern.contains('|');
    }
    let mut depth = 0_usize;
    pattern.chars().any(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == '|' && depth == 0
    })
}

impl Grant {
    /// Whether it lets routes of this kind and namespace refer to a Service.
    pub fn lets(&self, kind: &str, namespace: &str, service: &str) -> bool {
        let from = |(own, of): &(Name, Name)| **own == *kind && **of == *namespace;
        let to = |(own, name): &(Name, Option<Name>)| {
            **own == *"Service" && name.as_deref().is_none_or(|name| name == service)
        };
        self.from.iter().any(from) && self.to.iter().any(to)
    }
}

impl AllowedFrom {
    /// Whether routes of a namespace are taken; of labels that nobody has read it is not known.
    pub fn takes(&self, own: &str, of: &str, namespace: Option<&Namespace>) -> Truth {
        match self {
            Self::Same => (own == of).into(),
            Self::All => Truth::Yes,
            Self::Matching(selector) => {
                namespace.map_or(Truth::Unknown, |namespace| namespace.matches(selector))
            }
            Self::None => Truth::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(served: Served) -> Route {
        Route {
            object: ObjectRef::namespaced("Ingress", "shop", "web"),
            served,
            rules: Vec::new(),
            tls: false,
            patterns: false,
            addresses: Vec::new(),
            names: Vec::new(),
        }
    }

    /// docs/semantics/entries.md#hosts: a wildcard is one label of an Ingress, and any number of a
    /// Gateway's; what is written is nearer.
    #[test]
    fn hosts() {
        let ingress = route(Served::Class(None));
        let gateway = route(Served::Gateways(Vec::new()));
        let one = |own, host| ingress.nearness(own, host);
        assert!(one("a.example.org", "A.example.org") > one("*.example.org", "a.example.org"));
        assert!(one("*.example.org", "b.example.org").is_some());
        for (own, host) in [
            ("*.example.org", "a.b.example.org"),
            ("*.example.org", "example.org"),
            ("a.example.org", "b.example.org"),
        ] {
            assert_eq!(one(own, host), None, "{own} {host}");
        }
        assert!(gateway.nearness("*.example.org", "a.b.example.org").is_some());
        assert_eq!(gateway.nearness("*.example.org", "example.org"), None);
    }

    fn rule(kind: PathKind, text: &str) -> RouteRule {
        let paths = vec![PathMatch { kind, text: text.into() }];
        RouteRule { hosts: Vec::new(), paths, backends: Vec::new(), redirects: false }
    }

    /// docs/semantics/entries.md#paths: part by part, the longest first, a whole one before all.
    #[test]
    fn paths() {
        let prefix = |text, path| rule(PathKind::Prefix, text).nearness(path, false).0;
        assert!(prefix("/", "/cart").is_some() && prefix("/cart", "/cart/1").is_some());
        assert!(prefix("/cart/", "/cart").is_some());
        assert_eq!(prefix("/cart", "/carts"), None);
        assert!(prefix("/cart", "/cart/1") > prefix("/", "/cart/1"));
        let exact = rule(PathKind::Exact, "/cart").nearness("/cart", false).0;
        assert!(exact > prefix("/cart", "/cart"));
        assert_eq!(rule(PathKind::Exact, "/cart").nearness("/cart/1", false), (None, false));
    }

    /// docs/semantics/entries.md#patterns: what is written before the pattern decides, and no more.
    #[test]
    fn patterns() {
        use PathKind::{Exact, Other, Prefix};
        for (kind, text, path, patterns, perhaps) in [
            (Other, "/api(/|$)(.*)", "/api/x", false, true),
            (Other, "/api(/|$)(.*)", "/web", false, false),
            (Prefix, "/api(/|$)(.*)", "/api/x", false, true),
            (Other, "/*", "/", false, true),
            (Other, "/cart/*", "/shop", false, false),
            (Other, "/a|/b", "/b", false, true),
            (Other, "/(a|b)", "/b", false, true),
            (Other, "/x/(a|b)", "/b", false, false),
            (Other, "^/v[0-9]+/x", "/V1/x", false, true),
            (Other, "^/v[0-9]+/x", "/w1/x", false, false),
            (Other, "/colou?r", "/color", false, true),
            (Other, "cart", "/x", false, true),
            // As regular expressions, whatever they are called.
            (Prefix, "/api", "/apis", true, true),
            (Prefix, "/api", "/apis", false, false),
            (Exact, "/api", "/api/x", true, true),
            (Exact, "/v1.0", "/v1x0", true, true),
        ] {
            let found = rule(kind, text).nearness(path, patterns);
            assert_eq!(found, (None, perhaps), "{kind:?} {text} {path}");
        }
        // Without any letter of a pattern it is a beginning.
        assert!(rule(Other, "/api").nearness("/api/x", false).0.is_some());
        assert!(rule(Prefix, "/").nearness("/api/x", true).0.is_some());
    }
}
