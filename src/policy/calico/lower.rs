//! One policy: head, subject and rules, in the one rule form.
//!
//! In: a policy as written, and what it refers to. Out: its entries in both directions, or every fault
//! for which Calico refuses it. Source: docs/semantics/calico.md.

use super::super::Fault;
use super::super::rule::{
    Action, BlockFields, Condition, Direction, Entry, Peer, PeerKind, Peers, PodSet, Ports, Scope,
};
use super::super::variables::{not_filled_in, variable};
use super::known::Known;
use super::meaning;
use super::ports::{Listed, is_name};
use super::selector::{Ask, Expr, NAMESPACE, parse};
use super::written::{Entity, Http, Policy, Rule};
use crate::cluster::{AddressBlock, Family, Name};
use crate::lints::Lint;
use crate::prose;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::sync::Arc;

/// What is found on the way through one object.
pub(super) struct Lowering<'a> {
    pub(super) known: &'a Known<'a>,
    /// The namespace that it is in, if it is in one.
    pub(super) namespace: Option<Name>,
    pub(super) faults: Vec<Fault>,
    pub(super) lints: Vec<Fault>,
    /// Something of it is not told here, so that it counts as one that could not be read.
    pub(super) unread: bool,
}

impl<'a> Lowering<'a> {
    pub(super) fn new(known: &'a Known<'a>, namespace: Option<Name>) -> Self {
        Self { known, namespace, faults: Vec::new(), lints: Vec::new(), unread: false }
    }

    pub(super) fn fault(&mut self, path: impl Into<String>, message: impl Into<String>) {
        let fault = Fault::new(path, message);
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    pub(super) fn lint(&mut self, lint: Lint, path: impl Into<String>, message: impl Into<String>) {
        let lint = Fault::told(lint, path, message);
        if !self.lints.contains(&lint) {
            self.lints.push(lint);
        }
    }

    /// Tells what makes the policy one that could not be read.
    pub(super) fn not_told(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.lint(Lint::NotJudged, path, message);
        self.unread = true;
    }

    /// A selector as written; absent and empty ask for nothing.
    fn selector(&mut self, path: &str, written: Option<&String>) -> Option<Expr> {
        let text = written.filter(|text| !text.trim_matches([' ', '\t']).is_empty())?;
        if let Some(found) = variable(text) {
            self.not_told(path, not_filled_in(found));
            return None;
        }
        match parse(text) {
            Ok(expr) => Some(expr),
            Err(misread) => {
                let message = format!("at character {}: {}", misread.column, misread.message);
                self.fault(path, message);
                None
            }
        }
    }

    /// One in which `global()` has no place.
    fn local(&mut self, path: &str, written: Option<&String>) -> Option<Expr> {
        let expr = self.selector(path, written)?;
        if expr.has_global() {
            self.fault(path, "global() is for the namespaceSelector of a rule only");
        }
        Some(expr)
    }

    /// The pods that a policy speaks for.
    ///
    /// Source: docs/semantics/calico.md#whom-a-policy-selects.
    pub(super) fn subject(&mut self, policy: &Policy) -> Vec<PodSet> {
        let mut all: Vec<Expr> =
            self.local(SELECTOR, policy.selector.as_ref()).into_iter().collect();
        let path = "spec.namespaceSelector";
        if let Some(namespace) = &self.namespace {
            let own = Ask::In(vec![namespace.clone()]);
            all.push(Expr::Ask(NAMESPACE.into(), own));
            if policy.namespace_selector.is_some() {
                self.fault(path, "is a field of GlobalNetworkPolicy");
            }
        } else {
            let spaces = self.local(path, policy.namespace_selector.as_ref());
            all.extend(spaces.map(Expr::of_namespaces));
        }
        let path = "spec.serviceAccountSelector";
        let accounts = self.local(path, policy.service_account_selector.as_ref());
        all.extend(accounts.map(Expr::of_accounts));
        self.pods(&Expr::And(all), &SELECTOR.into())
    }

    fn pods(&mut self, expr: &Expr, path: &Arc<str>) -> Vec<PodSet> {
        meaning::pods(expr, path).unwrap_or_else(|_| {
            self.not_told(&**path, "is too large to be taken apart, so whom it means is not known");
            Vec::new()
        })
    }

    /// The entries of one direction, in the order of the text, which is that of precedence.
    pub(super) fn rules(&mut self, direction: Direction, written: &[Rule]) -> Vec<Entry> {
        let rules = written.iter().enumerate();
        let each =
            rules.map(|(i, rule)| self.rule(direction, &format!("spec.{direction}[{i}]"), rule));
        each.collect::<Vec<_>>().concat()
    }

    /// A rule; more than one entry where a part of it matches only perhaps.
    fn rule(&mut self, direction: Direction, path: &str, rule: &Rule) -> Vec<Entry> {
        let action = match rule.action.as_deref() {
            Some("Allow") => Some(Action::Allow),
            Some("Deny") => Some(Action::Deny),
            Some("Pass") => Some(Action::Pass),
            // Source: docs/semantics/calico.md#actions: it goes on with the next rule.
            Some("Log") => None,
            Some(other) => {
                let message = format!("{other:?} is not Allow, Deny, Log or Pass");
                self.fault(format!("{path}.action"), message);
                None
            }
            None => {
                self.fault(format!("{path}.action"), "is missing: give Allow, Deny, Log or Pass");
                None
            }
        };
        let families = self.family(path, rule);
        let none = Entity::default();
        let side = |name: &str, entity: &Option<Entity>| {
            (format!("{path}.{name}"), entity.clone().unwrap_or_else(|| none.clone()))
        };
        let (source, destination) =
            (side("source", &rule.source), side("destination", &rule.destination));
        let [own, other] = match direction {
            Direction::Ingress => [&destination, &source],
            Direction::Egress => [&source, &destination],
        };
        for ((path, entity), wrong) in [
            (&source, direction == Direction::Egress),
            (&destination, direction == Direction::Ingress),
        ] {
            if wrong && entity.services.is_some() {
                let message = format!("cannot be given here in {direction} rules");
                self.fault(format!("{path}.services"), message);
            }
        }
        let condition = self.http(direction, path, action, rule.http.as_ref());
        let meanings: &[Part] =
            if self.is_split(&destination) { &[Part::Pods, Part::Sets] } else { &[Part::Whole] };
        let mut entries = Vec::new();
        for part in meanings {
            let of =
                |side: &(String, Entity)| if *side == destination { *part } else { Part::Whole };
            let listed = self.ports(path, rule, *part != Part::Sets);
            let only = self.ends(own, of(own));
            let mut peers = self.ends(other, of(other));
            peers.extend(families.map(|family| (path.to_owned(), any_of(family))));
            let Some(action) = action else { continue };
            let entry = |listed: Listed| {
                let mut peers = peers.clone();
                peers.extend(listed.family.map(|family| (path.to_owned(), any_of(family))));
                peers.extend(
                    listed
                        .doubt
                        .map(|why| (path.to_owned(), PeerKind::Unresolved(why, Scope::EVERYONE))),
                );
                Entry {
                    path: path.into(),
                    place: 0,
                    action,
                    only: (!only.is_empty()).then(|| {
                        let kinds = only.iter().map(|(_, kind)| kind.clone());
                        Box::new(PeerKind::all(kinds.collect()))
                    }),
                    peers: listed_peers(&other.0, peers),
                    ports: listed.ports,
                    condition: condition.clone(),
                }
            };
            // Of a part without ports nothing matches.
            let all = listed.into_iter().map(entry);
            entries.extend(all.filter(|entry| entry.ports != Ports::Of(Vec::new())));
        }
        entries
    }

    /// Whether the pods and the sets of addresses of a destination are told apart: names of ports are
    /// those of pods that its selector means, not of others that have an address of a set.
    ///
    /// Source: docs/semantics/calico.md#protocols-and-ports.
    fn is_split(&mut self, (path, entity): &(String, Entity)) -> bool {
        let ports = [&entity.ports, &entity.not_ports].into_iter().flatten().flatten();
        let mut names = ports.filter(|port| is_name(port));
        if names.next().is_none() {
            return false;
        }
        let (mut asked, _) = self.positive(path, entity);
        let not = self.local(&format!("{path}.notSelector"), entity.not_selector.as_ref());
        if asked.is_empty() {
            return false;
        }
        asked.extend(not.map(|not| Expr::Not(Box::new(not))));
        !self.known.addresses(&Expr::And(asked)).is_empty()
    }

    /// The family that a rule is for.
    fn family(&mut self, path: &str, rule: &Rule) -> Option<Family> {
        let family = match rule.ip_version {
            None => None,
            Some(4) => Some(Family::V4),
            Some(6) => Some(Family::V6),
            Some(_) => {
                self.fault(format!("{path}.ipVersion"), "is not 4 or 6");
                None
            }
        };
        let nets = [&rule.source, &rule.destination].into_iter().flatten();
        let nets = nets.flat_map(|entity| [&entity.nets, &entity.not_nets]).flatten().flatten();
        let families: Vec<Family> =
            nets.filter_map(|net| net.parse::<IpNet>().ok()).map(Family::of_net).collect();
        let first = family.or_else(|| families.first().copied());
        if families.iter().any(|other| Some(*other) != first) {
            self.fault(path, "has networks of both IP families, or of another than its ipVersion");
        }
        let protocol = rule.protocol.as_ref().and_then(|protocol| match protocol {
            super::written::IntOrString::Text(name) if name == "ICMP" => Some(Family::V4),
            super::written::IntOrString::Text(name) if name == "ICMPv6" => Some(Family::V6),
            _ => None,
        });
        if let (Some(family), Some(protocol)) = (family, protocol)
            && family != protocol
        {
            self.fault(format!("{path}.ipVersion"), "is not that of the protocol");
        }
        family
    }

    /// What one side of a rule asks for, all of which must hold, each with its path; nothing: anyone.
    ///
    /// Source: docs/semantics/calico.md#rules.
    fn ends(&mut self, (path, entity): &(String, Entity), part: Part) -> Vec<(String, PeerKind)> {
        let at = |field: &str| format!("{path}.{field}");
        let mut ends = Vec::new();
        if let Some(service) = &entity.services {
            let extra = entity.selector.is_some()
                || entity.namespace_selector.is_some()
                || entity.nets.is_some()
                || entity.ports.is_some()
                || entity.service_accounts.is_some();
            if extra {
                self.fault(at("services"), "stands alone, without selectors, nets or ports");
            }
            ends.push((at("services"), self.behind(service).who));
        }
        let (mut asked, field) = self.positive(path, entity);
        let not = self.local(&at("notSelector"), entity.not_selector.as_ref());
        // Source: docs/semantics/calico.md#rules: with something to be taken out of, both are one
        // selector; alone it means whoever has none of the addresses.
        match not {
            Some(not) if asked.is_empty() => {
                let meant = self.meant(&not, &at("notSelector"), Part::Whole);
                ends.push((at("notSelector"), meant.except()));
            }
            not => asked.extend(not.map(|not| Expr::Not(Box::new(not)))),
        }
        if !asked.is_empty() {
            let asked = Expr::And(asked);
            let of_sets = entity.namespace_selector.as_deref().map(parse);
            if matches!(of_sets, Some(Ok(Expr::Global))) && self.known.addresses(&asked).is_empty()
            {
                let message = "global() means network sets and hosts without a namespace, and none that \
                               was read has these labels";
                self.lint(Lint::MatchesNothing, at(field), message);
            }
            let mut meant = self.meant(&asked, &at(field), part);
            let nobody = PeerKind::any(Vec::new());
            if meant == nobody && part == Part::Whole && !matches!(of_sets, Some(Ok(Expr::Global)))
            {
                let message = "can match no pod, and means no network set that was read";
                self.lint(Lint::MatchesNothing, at(field), message);
            }
            if matches!(of_sets, Some(Ok(Expr::Global))) && self.known.has_no_sets() {
                let why = "no GlobalNetworkSet is among what was read";
                meant =
                    PeerKind::any(vec![meant, PeerKind::Unresolved(why.into(), Scope::EVERYONE)]);
            }
            ends.push((at(field), meant));
        }
        let given = |nets: &Option<Vec<String>>| nets.clone().filter(|nets| !nets.is_empty());
        let nets = given(&entity.nets).map(|nets| self.networks(&at("nets"), &nets));
        let not = given(&entity.not_nets).map(|nets| self.networks(&at("notNets"), &nets));
        if let Some(whole) = not.iter().flatten().find(|net| net.prefix_len() == 0) {
            self.fault(at("notNets"), format!("{whole} leaves no one"));
        }
        if let (Some([net]), Some(except)) = (nets.as_deref(), &not)
            && !except.is_empty()
            && except.iter().all(|other| net.contains(other) && net != other)
        {
            // One block with exceptions, as those of Kubernetes are.
            let block = AddressBlock { cidr: *net, except: except.as_slice().into() };
            ends.push((at("nets"), PeerKind::Addresses(block, Scope::EVERYONE)));
            return ends;
        }
        if let Some(nets) = nets {
            let blocks = nets.into_iter().map(block).collect();
            ends.push((at("nets"), PeerKind::any(blocks)));
        }
        if let Some(nets) = not {
            // Source: docs/semantics/calico.md#ip-families: the rule is for the family of its nets.
            if let Some(family) = nets.first().map(|net| Family::of_net(*net)) {
                ends.push((at("notNets"), any_of(family)));
            }
            let blocks = nets.into_iter().map(block).collect();
            ends.push((at("notNets"), PeerKind::any(blocks).except()));
        }
        ends
    }

    /// What the selectors of one side ask for together, with the field that says most.
    fn positive(&mut self, path: &str, entity: &Entity) -> (Vec<Expr>, &'static str) {
        let at = |field: &str| format!("{path}.{field}");
        let spaces = self.selector(&at("namespaceSelector"), entity.namespace_selector.as_ref());
        let selector = self.local(&at("selector"), entity.selector.as_ref());
        if spaces.as_ref().is_some_and(|expr| *expr != Expr::Global && expr.has_global()) {
            self.fault(at("namespaceSelector"), "global() cannot be combined with anything");
        }
        let mut accounts = Vec::new();
        if let Some(written) = &entity.service_accounts {
            let path = at("serviceAccounts.selector");
            let of = self.local(&path, written.selector.as_ref());
            accounts.extend(of.map(Expr::of_accounts));
            let names = written.names.iter().flatten().map(|name| name.as_str().into());
            let names: Vec<Name> = names.collect();
            if !names.is_empty() {
                accounts.push(Expr::Ask(meaning::ACCOUNT.into(), Ask::In(names)));
            }
        }
        let field = match (&selector, &spaces, accounts.is_empty()) {
            (Some(_), ..) => "selector",
            (None, Some(_), _) => "namespaceSelector",
            (None, None, false) => "serviceAccounts",
            (None, None, true) => "notSelector",
        };
        let speaks = selector.is_some() || !accounts.is_empty() || entity.not_selector.is_some();
        let spaces = spaces.map(Expr::of_namespaces);
        // Source: docs/semantics/calico.md#own-namespace.
        let own = self.namespace.as_ref().filter(|_| speaks);
        let own = own.map(|own| Expr::Ask(NAMESPACE.into(), Ask::In(vec![own.clone()])));
        (spaces.or(own).into_iter().chain(accounts).chain(selector).collect(), field)
    }

    /// Whoever has an address of a pod or a set that a selector means.
    fn meant(&mut self, expr: &Expr, path: &str, part: Part) -> PeerKind {
        let pods = self.pods(expr, &path.into());
        let pods: Vec<PeerKind> = pods.into_iter().map(PeerKind::Pods).collect();
        let sets = self.known.addresses(expr);
        match part {
            Part::Whole => PeerKind::any([pods, sets].concat()),
            Part::Pods => PeerKind::any(pods),
            Part::Sets => PeerKind::all(vec![PeerKind::any(sets), PeerKind::any(pods).except()]),
        }
    }

    fn networks(&mut self, path: &str, written: &[String]) -> Vec<IpNet> {
        let mut all = Vec::new();
        for (i, text) in written.iter().enumerate() {
            let at = format!("{path}[{i}]");
            if let Some(found) = variable(text) {
                self.not_told(at, not_filled_in(found));
                continue;
            }
            match text.parse::<IpNet>() {
                Ok(net) if net == net.trunc() => all.push(net),
                Ok(net) => self.fault(at, format!("{text} has host bits: write {}", net.trunc())),
                Err(_) => self.fault(at, format!("{text:?} is no network such as 10.0.0.0/8")),
            }
        }
        all
    }

    /// Source: docs/semantics/calico.md#http.
    fn http(
        &mut self,
        direction: Direction,
        path: &str,
        action: Option<Action>,
        http: Option<&Http>,
    ) -> Option<Condition> {
        let http = http?;
        let at = format!("{path}.http");
        if direction == Direction::Egress || action == Some(Action::Deny) {
            self.fault(at, "is for ingress rules that allow only");
            return None;
        }
        let methods = http.methods.iter().flatten().cloned();
        let methods: Vec<String> = methods.collect();
        let paths = http.paths.iter().flatten();
        let paths: Vec<String> = paths
            .filter_map(|path| {
                let prefix = path.prefix.as_ref().map(|prefix| format!("{prefix}…"));
                path.exact.clone().or(prefix)
            })
            .collect();
        let asked = [prose::list(&methods, "or"), prose::list(&paths, "or")].join(" ");
        let words =
            format!("HTTP {} (where application layer policy is on; else all of it)", asked.trim());
        Some(Condition::new(at, words))
    }
}

/// What of a selector is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// All of it.
    Whole,
    /// Pods by their labels.
    Pods,
    /// Whoever else has an address of a set.
    Sets,
}

/// Where a block with exceptions is written on one side of a rule.
static NETS: BlockFields = BlockFields { cidr: ".nets", except: ".notNets" };

/// The field of the selector of a policy.
const SELECTOR: &str = "spec.selector";

fn block(net: IpNet) -> PeerKind {
    PeerKind::Addresses(AddressBlock { cidr: net, except: [].into() }, Scope::EVERYONE)
}

/// Whoever has an address of a family.
fn any_of(family: Family) -> PeerKind {
    block(match family {
        Family::V4 => IpNet::V4(Ipv4Net::default()),
        Family::V6 => IpNet::V6(Ipv6Net::default()),
    })
}

/// What all ask for as a list of items: one that is a union in itself item by item.
fn listed_peers(side: &str, mut all: Vec<(String, PeerKind)>) -> Peers {
    let (path, only) = match all.pop() {
        None => return Peers::Any,
        Some((path, only)) if all.is_empty() => (path, only),
        Some(last) => {
            all.push(last);
            let kinds = all.into_iter().map(|(_, kind)| kind);
            return Peers::Of(vec![Peer::new(side, PeerKind::all(kinds.collect()))]);
        }
    };
    let PeerKind::Combined(combined) = only else {
        let excepts = matches!(&only, PeerKind::Addresses(block, _) if !block.except.is_empty());
        let item = match path.strip_suffix(NETS.cidr) {
            Some(side) if excepts => Peer { path: side.into(), block: &NETS, admits: only },
            _ => Peer::new(path, only),
        };
        return Peers::Of(vec![item]);
    };
    match *combined {
        super::super::rule::Combined::Any(kinds) => {
            Peers::Of(kinds.into_iter().map(|kind| Peer::new(path.as_str(), kind)).collect())
        }
        other => Peers::Of(vec![Peer::new(path, PeerKind::Combined(Box::new(other)))]),
    }
}
