//! Peers outside the cluster: networks, groups of them, and names.
//!
//! Source: docs/semantics/cilium-rules.md#networks and docs/semantics/cilium-rules.md#names.

use super::super::rule::{
    BlockFields, Combined, Entities, NameSet, Namespaces, NodeSet, Peer, PeerKind, PodSet, Scope,
};
use super::super::selector::dns_subdomain_fault;
use super::super::variables::{unknown_peer, variable};
use super::super::{CiliumVersion, Fault, NamePattern};
use super::known::CidrGroup;
use super::labels::{API_SERVER, Terms, WORLD, WORLD_IPV4, WORLD_IPV6};
use super::lower::{At, Lowering};
use super::written::{CidrRule, Element, Fqdn};
use crate::cluster::{AddressBlock, Name, Selector};
use crate::lints::Lint;
use ipnet::IpNet;
use std::net::IpAddr;

/// Where a network is written.
const CIDR: BlockFields = BlockFields { cidr: ".cidr", except: ".except" };
/// Where a group of networks is named.
const GROUP: BlockFields = BlockFields { cidr: ".cidrGroupRef", except: ".except" };
/// Where groups of networks are selected.
const GROUPS: BlockFields = BlockFields { cidr: ".cidrGroupSelector", except: ".except" };

/// The keys of reserved labels.
///
/// Source: docs/semantics/cilium-rules.md#entities.
const RESERVED: [&str; 10] = [
    "host",
    "world",
    "world-ipv4",
    "world-ipv6",
    "unmanaged",
    "health",
    "init",
    "remote-node",
    "kube-apiserver",
    "ingress",
];

/// Why it is not known whether groups have an address.
const MIXED: &str = "several CIDR groups with other labels have its addresses";

/// The most characters of a name or pattern.
const MOST_CHARACTERS: usize = 255;

impl CidrGroup<'_> {
    /// Whether some network is a variable that nobody filled in.
    fn has_variables(&self) -> bool {
        self.spec.spec.external_cidrs.iter().flatten().any(|text| variable(text).is_some())
    }

    /// Its networks but for variables, or what is wrong with them.
    pub(super) fn networks(&self) -> Result<Vec<IpNet>, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut networks = Vec::new();
        for (i, text) in self.spec.spec.external_cidrs.iter().flatten().enumerate() {
            if let Some(net) = network(text) {
                networks.push(net.trunc());
            } else if variable(text).is_none() {
                let path = format!("spec.externalCIDRs[{i}]");
                faults.push(Fault::new(path, not_a_cidr(text)));
            }
        }
        if faults.is_empty() { Ok(networks) } else { Err(faults) }
    }
}

fn not_a_cidr(text: &str) -> String {
    format!("{text:?} is not a CIDR such as 10.0.0.0/8 or 2001:db8::/32")
}

/// Whether zeros are all that is wrong with a network, so that the CRD takes it and the agent does not.
fn has_zeros(text: &str) -> bool {
    text.parse::<IpNet>().is_ok()
}

/// A network as Go's netip reads it: no number in it begins with a zero but zero.
fn network(text: &str) -> Option<IpNet> {
    let (address, length) = text.split_once('/')?;
    let plain = |digits: &str| {
        let number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        number && (digits == "0" || !digits.starts_with('0'))
    };
    let octets = address.contains(':') || address.split('.').all(plain);
    let address = address.parse::<IpAddr>().ok().filter(|_| octets && plain(length))?;
    IpNet::new(address, length.parse().ok()?).ok()
}

impl Lowering<'_> {
    /// `fromCIDR`, `toCIDR`, `fromCIDRSet` and `toCIDRSet`.
    pub(super) fn cidrs(&mut self, at: At<'_>, element: &Element, peers: &mut Vec<Peer>) {
        let itself = &BlockFields::ITSELF;
        for (i, text) in element.cidr.iter().flatten().enumerate() {
            let path = format!("{}.{}[{i}]", at.path, at.field("CIDR"));
            if let Some(why) = self.unfilled(&path, text) {
                peers.push(unknown_peer(&path, &why, self.scope));
                continue;
            }
            let single = text.parse::<IpAddr>().ok().map(IpNet::from);
            match (network(text), single) {
                (Some(cidr), _) => self.block(&path, itself, (cidr, &[]), peers),
                // The agent takes an address; the CRD does not, unless it was stored before it said so.
                (None, Some(single)) if self.live => {
                    self.block(&path, itself, (single, &[]), peers);
                }
                (None, Some(single)) => {
                    self.refuse(
                        path,
                        format!("{text:?} is an address, not a CIDR: write {single}"),
                    );
                }
                (None, None) => self.no_network(path, text),
            }
        }
        for (i, rule) in element.cidr_set.iter().flatten().enumerate() {
            let path = format!("{}.{}[{i}]", at.path, at.field("CIDRSet"));
            self.cidr_rule(&path, rule, peers);
        }
    }

    /// Tells that a text is no network.
    ///
    /// Source: docs/semantics/cilium-objects.md#patterns-of-text.
    fn no_network(&mut self, path: String, text: &str) {
        if has_zeros(text) {
            self.fault(path, format!("{text:?} has a number with a zero before it"));
        } else {
            self.refuse(path, not_a_cidr(text));
        }
    }

    pub(super) fn block(
        &mut self,
        path: &str,
        fields: &'static BlockFields,
        (cidr, except): (IpNet, &[IpNet]),
        peers: &mut Vec<Peer>,
    ) {
        let masked = cidr.trunc();
        if masked != cidr {
            self.lint(Lint::HostBits, path, format!("{cidr} is read as {masked}; write it so"));
        }
        let except: Vec<IpNet> = except.iter().map(IpNet::trunc).collect();
        // Whole families mean the entity world, which has nothing of the cluster in it.
        let scope = if masked.prefix_len() == 0 { Scope::OUTSIDE } else { self.scope };
        if masked.prefix_len() == 0 {
            peers.extend(self.perhaps_pods(path));
        }
        let block = AddressBlock { cidr: masked, except: except.into() };
        let admits = PeerKind::Addresses(block, scope);
        peers.push(Peer { path: path.into(), block: fields, admits });
    }

    /// Source: docs/semantics/cilium-objects.md#networks-that-are-rejected: exactly one of cidr,
    /// cidrGroupRef and cidrGroupSelector; except inside.
    fn cidr_rule(&mut self, path: &str, rule: &CidrRule, peers: &mut Vec<Peer>) {
        let texts = rule.except.iter().flatten().chain(&rule.cidr).chain(&rule.cidr_group_ref);
        if let Some(text) = texts.into_iter().find(|text| variable(text).is_some())
            && let Some(why) = self.unfilled(path, text)
        {
            peers.push(unknown_peer(path, &why, self.scope));
            return;
        }
        let mut except = Vec::new();
        for (i, text) in rule.except.iter().flatten().enumerate() {
            match network(text) {
                Some(net) => except.push(net),
                None => self.no_network(format!("{path}.except[{i}]"), text),
            }
        }
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        match (given(&rule.cidr), given(&rule.cidr_group_ref), &rule.cidr_group_selector) {
            (Some(text), None, None) => {
                let Some(cidr) = network(&text) else {
                    self.no_network(format!("{path}.cidr"), &text);
                    return;
                };
                for (i, net) in except.iter().enumerate() {
                    // Source: docs/semantics/cilium-objects.md#networks-that-are-rejected: 1.20
                    // refuses one that is wider than the network, too.
                    let wider = self.settings.version >= CiliumVersion::V1_20
                        && net.prefix_len() < cidr.prefix_len();
                    if !cidr.contains(&net.addr()) || wider {
                        let message = format!("{net} is not inside {cidr}");
                        self.fault(format!("{path}.except[{i}]"), message);
                    }
                }
                self.block(path, &CIDR, (cidr, &except), peers);
            }
            (None, Some(name), None) => {
                if !self.live
                    && let Some(fault) = dns_subdomain_fault(&name)
                {
                    self.refuse(format!("{path}.cidrGroupRef"), fault);
                    return;
                }
                let group = self.known.groups.iter().find(|group| *group.object.name == *name);
                if group.is_some_and(CidrGroup::has_variables) {
                    let why = format!("variables of the CiliumCIDRGroup {name} are not filled in");
                    self.unresolved(path, &why, peers);
                }
                match group.map(CidrGroup::networks) {
                    Some(Ok(networks)) => {
                        for cidr in networks {
                            self.block(path, &GROUP, (cidr, &except), peers);
                        }
                    }
                    Some(Err(_)) => {
                        let why = format!("the CiliumCIDRGroup {name} has faults");
                        self.unresolved(path, &why, peers);
                    }
                    None => {
                        let why = format!("the CiliumCIDRGroup {name} is not among what was read");
                        self.unresolved(path, &why, peers);
                    }
                }
            }
            (None, None, Some(selector)) => {
                let field = format!("{path}.cidrGroupSelector");
                let Some(selector) = self.plain_labels(&field, selector) else {
                    let why = "a variable of its selector is not filled in";
                    peers.push(unknown_peer(path, why, self.scope));
                    return;
                };
                if selector.requirements.iter().all(|asked| asked.holds_for(None)) {
                    self.all_but_groups(path, &selector, &except, peers);
                    return;
                }
                self.selected_groups(path, &selector, &except, peers);
            }
            _ => {
                let message = "needs exactly one of cidr, cidrGroupRef and cidrGroupSelector";
                self.refuse(path, message);
            }
        }
    }

    /// The networks of groups by their labels.
    ///
    /// Source: docs/semantics/cilium-rules.md#cidr-groups.
    fn selected_groups(
        &mut self,
        path: &str,
        selector: &Selector,
        except: &[IpNet],
        peers: &mut Vec<Peer>,
    ) {
        let groups = self.known.groups.iter();
        let selected: Vec<_> = groups.filter(|g| selector.selects(&g.spec.labels)).collect();
        if selected.is_empty() {
            let why = format!("no CiliumCIDRGroup with {selector} is among what was read");
            self.unresolved(path, &why, peers);
        } else if selected.iter().any(|group| group.has_variables()) {
            let why = format!("variables of a CiliumCIDRGroup with {selector} are not filled in");
            self.unresolved(path, &why, peers);
        }
        let mixed = self.mixed(selector);
        for cidr in selected.iter().filter_map(|group| group.networks().ok()).flatten() {
            // They are in order, and none contains another.
            let first = mixed.partition_point(|net| net.addr() < cidr.addr());
            let next = mixed.partition_point(|net| net.addr() <= cidr.addr());
            if next > 0 && mixed[next - 1].contains(&cidr) {
                continue;
            }
            let inside = mixed[first..].iter().take_while(|net| cidr.contains(*net));
            let except: Vec<IpNet> = except.iter().chain(inside).copied().collect();
            self.block(path, &GROUPS, (cidr, &except), peers);
        }
        for cidr in mixed {
            let block = AddressBlock { cidr, except: except.into() };
            let there = PeerKind::Addresses(block, self.scope);
            let perhaps = PeerKind::Unresolved(MIXED.into(), self.scope);
            let both = Combined::All(vec![there, perhaps]);
            peers.push(Peer::new(path, PeerKind::Combined(Box::new(both))));
        }
    }

    /// Whoever lacks the labels of groups that a selector asks not to have: pods and nodes too.
    ///
    /// Source: docs/semantics/cilium-rules.md#cidr-groups.
    fn all_but_groups(
        &mut self,
        path: &str,
        selector: &Selector,
        except: &[IpNet],
        peers: &mut Vec<Peer>,
    ) {
        let mixed = !self.mixed(selector).is_empty();
        let read = !self.known.groups.is_empty() || selector.requirements.is_empty();
        let known = read && !mixed;
        let mut parts = Vec::new();
        for group in &self.known.groups {
            let labels = &group.spec.labels;
            if selector.selects(labels) {
                continue;
            }
            match group.networks() {
                Ok(networks) if !group.has_variables() => {
                    parts.extend(networks.into_iter().map(|cidr| self.without(cidr)));
                }
                _ => {
                    let why = format!("the CiliumCIDRGroup {} has faults", group.object.name);
                    self.unresolved(path, &why, peers);
                    return;
                }
            }
        }
        parts.extend(except.iter().map(|cidr| self.without(cidr.trunc())));
        let outside_only =
            !selector.requirements.is_empty() && self.settings.version >= CiliumVersion::V1_20;
        let message = if outside_only {
            let world =
                Entities { outside: true, written: vec!["world".into()], ..Entities::default() };
            parts.push(PeerKind::Entities(world));
            "asks for no label that must be there, so it matches what is outside and in no such group"
        } else {
            "asks for no label that must be there, so it matches pods and nodes too, and what is outside"
        };
        self.lint(Lint::MatchesMore, format!("{path}.cidrGroupSelector"), message);
        if known {
            let admits = PeerKind::Combined(Box::new(Combined::All(parts)));
            peers.push(Peer::new(path, admits));
        } else {
            let unread =
                "no CiliumCIDRGroup is among what was read, so which addresses it leaves out";
            self.unresolved(path, if mixed { MIXED } else { unread }, peers);
            if !outside_only {
                let every = Namespaces::Matching(Selector::default());
                let pods = PodSet::new(every, Selector::default());
                peers.push(Peer::new(path, PeerKind::Pods(pods)));
                if !self.scope.nodes {
                    let nodes = NodeSet { labels: Selector::default(), own: true };
                    peers.push(Peer::new(path, PeerKind::Nodes(nodes)));
                }
            }
        }
    }

    /// Networks whose addresses are in several groups with other labels of those that a selector asks for:
    /// they have the labels of all, and up to 1.18 one value of each.
    ///
    /// Source: docs/semantics/cilium-rules.md#cidr-groups.
    fn mixed(&self, selector: &Selector) -> Vec<IpNet> {
        let asked = &selector.requirements;
        if asked.len() < 2 && self.settings.version > CiliumVersion::V1_18 {
            return Vec::new();
        }
        let mut all = Vec::new();
        for group in &self.known.groups {
            let labels = &group.spec.labels;
            let found: Vec<_> = asked.iter().map(|it| labels.get(&it.key)).collect();
            if found.iter().any(Option::is_some) {
                let networks = group.networks().unwrap_or_default();
                all.extend(networks.into_iter().map(|net| (net, found.clone())));
            }
        }
        all.sort_by_key(|(net, _)| (net.addr(), net.prefix_len()));
        // What is around the next one comes before it, so both lists need a look at their ends only.
        let (mut around, mut mixed): (Vec<&(IpNet, Vec<_>)>, Vec<IpNet>) = (Vec::new(), Vec::new());
        for it in &all {
            let (net, found) = it;
            if mixed.last().is_some_and(|last| last.contains(net)) {
                continue;
            }
            while around.last().is_some_and(|(last, _)| !last.contains(net)) {
                around.pop();
            }
            match around.last() {
                Some((_, other)) if other != found => mixed.push(*net),
                _ => around.push(it),
            }
        }
        mixed
    }

    /// Whoever has no address of a network.
    fn without(&self, cidr: IpNet) -> PeerKind {
        PeerKind::Addresses(AddressBlock { cidr, except: [].into() }, self.scope).except()
    }

    /// Why it is not known which ends outside a selector means: its keys without a source are also those of
    /// labels that CIDR groups hand on to their addresses. The scope has nodes where a key is one that a
    /// reserved label has.
    ///
    /// Source: docs/semantics/cilium-labels.md#keys.
    pub(super) fn by_groups(&self, terms: &Terms) -> Option<(String, Scope)> {
        let rest = terms.of_reserved();
        if !terms.may_mean_others() || terms.of_any_source.is_empty() {
            return None;
        }
        if let Some(key) = terms.of_any_source.iter().find(|key| RESERVED.contains(&&***key)) {
            let why = format!("{key} without a source is reserved:{key} too");
            return Some((why, Scope::NODES));
        }
        let all = [WORLD, WORLD_IPV4, WORLD_IPV6];
        let outside = match self.known.dual_stack() {
            Some(false) => &all[..1],
            Some(true) => &all[1..],
            None => &all[..],
        };
        if !outside.iter().any(|labels| rest.holds_for(labels)) {
            return None;
        }
        Some((self.handed_on(terms)?, Scope::OUTSIDE))
    }

    /// Why it is not known whom outside a key without a source is of, where CIDR groups hand it on.
    fn handed_on(&self, terms: &Terms) -> Option<String> {
        let groups = &self.known.groups;
        let handed_on = |key: &Name| groups.iter().any(|it| it.spec.labels.get(key).is_some());
        let found = terms.of_any_source.iter().find(|key| handed_on(key));
        let unread = terms.of_any_source.first().filter(|_| groups.is_empty() && !self.live);
        let key = found.or(unread)?;
        Some(format!("addresses of CIDR groups may have a label {key}, too"))
    }

    /// The API server, of which a selector also asks for keys without a source: outside it may have them of a
    /// CIDR group. `None` where no group matters.
    ///
    /// Source: docs/semantics/cilium-labels.md#keys.
    pub(super) fn server_of_groups(&self, terms: &Terms) -> Option<Vec<PeerKind>> {
        if !terms.may_mean_others() || !terms.of_reserved().holds_for(API_SERVER) {
            return None;
        }
        let why = self.handed_on(terms)?;
        let entities = |of: Entities| PeerKind::Entities(of);
        let server = || {
            let written = vec!["reserved:kube-apiserver".into()];
            entities(Entities { api_server: true, written, ..Entities::default() })
        };
        let world = entities(Entities {
            outside: true,
            written: vec!["world".into()],
            ..Entities::default()
        });
        let perhaps = PeerKind::Unresolved(why.into(), Scope::OUTSIDE);
        let mut all = vec![PeerKind::all(vec![server(), perhaps])];
        // Nodes have no label of a group.
        if terms.holds_for(API_SERVER) {
            all.push(PeerKind::all(vec![server(), world.except()]));
        }
        Some(all)
    }

    /// Addresses that are not known.
    pub(super) fn unresolved(&mut self, path: &str, why: &str, peers: &mut Vec<Peer>) {
        self.lint(Lint::NotJudged, path, format!("cannot be told: {why}"));
        peers.push(unknown_peer(path, why, self.scope));
    }

    /// Source: docs/semantics/cilium-rules.md#names.
    pub(super) fn fqdns(&mut self, field: &str, written: &[Fqdn], peers: &mut Vec<Peer>) {
        if written.is_empty() {
            return;
        }
        let mut patterns = Vec::new();
        for (i, fqdn) in written.iter().enumerate() {
            let path = format!("{field}[{i}]");
            if let Some(why) = fqdn.texts().find_map(|text| self.unfilled(&path, text)) {
                peers.push(unknown_peer(&path, &why, Scope::OUTSIDE));
            } else if self.fqdn(&path, fqdn) {
                patterns.extend(fqdn.patterns(self.settings.version));
            }
        }
        if !patterns.is_empty() {
            peers.push(Peer::new(field, PeerKind::Names(NameSet::of(patterns))));
        }
    }

    /// Checks a name or pattern of `toFQDNs` or `rules.dns`: the CRD has one schema for both.
    pub(super) fn fqdn(&mut self, path: &str, fqdn: &Fqdn) -> bool {
        let before = self.refused.len();
        if fqdn.match_name.is_some() == fqdn.match_pattern.is_some() {
            self.refuse(path, "needs exactly one of matchName and matchPattern");
        }
        for (field, text, star) in
            [("matchName", &fqdn.match_name, ""), ("matchPattern", &fqdn.match_pattern, "*")]
        {
            let Some(text) = text.as_deref() else { continue };
            let known = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
            let part = |part: &str| {
                !part.is_empty() && part.bytes().all(|b| known(b) || star.as_bytes().contains(&b))
            };
            let mut parts = text.strip_suffix('.').unwrap_or(text).split('.');
            if text.len() > MOST_CHARACTERS || !parts.all(part) {
                let star = if star.is_empty() { "" } else { " and *" };
                let message = format!(
                    "{text:?} is not at most {MOST_CHARACTERS} letters, digits, -, _{star}, with \
                     single dots between them"
                );
                self.refuse(format!("{path}.{field}"), message);
            }
        }
        self.refused.len() == before
    }
}

impl Fqdn {
    /// What is written.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.match_name.iter().chain(&self.match_pattern).map(String::as_str)
    }

    fn name(&self) -> Option<&str> {
        self.match_name.as_deref().filter(|name| !name.is_empty())
    }

    fn pattern(&self) -> Option<&str> {
        self.match_pattern.as_deref().filter(|pattern| !pattern.is_empty())
    }

    /// The name, the pattern, or both.
    ///
    /// Source: `ToAnchoredRegexp` in Cilium's pkg/fqdn/matchpattern: `**.` is more than one level from
    /// 1.19 on.
    pub(super) fn patterns(&self, version: CiliumVersion) -> impl Iterator<Item = NamePattern> {
        let glob = match version {
            CiliumVersion::V1_18 => NamePattern::glob_of_one_level,
            CiliumVersion::V1_19 | CiliumVersion::V1_20 => NamePattern::glob,
        };
        let name = self.name().map(NamePattern::exactly);
        name.into_iter().chain(self.pattern().map(glob))
    }
}
