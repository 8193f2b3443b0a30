//! A rule in a few words: `monitoring/prometheus → keycloak 8080/TCP`.
//!
//! In: a rule of the one form, for people who know namespaces and apps rather than selectors. Out:
//! its peers, its ports and both as one line. A bare peer is a namespace, `namespace/app` is pods,
//! the bare word on the policy's own side is an app, and brackets hold what only labels can say.

use crate::cluster::{NAMESPACE_NAME_LABEL, Operator, PortRange, Protocol, Selector, Snapshot};
use crate::policy::rule::{
    Action, Combined, Direction, Entry, Namespaces, PeerKind, Peers, PodSet, PortMatch, PortRule,
    Ports,
};

/// The labels by which people know an app, best first.
const APP_LABELS: &[&str] = &["app.kubernetes.io/name", "app", "k8s-app"];

/// Names that would read as one of our own words.
const OWN_WORDS: &[&str] = &["all", "anyone", "DNS", "no"];

/// More names than these are shorter as a selector.
const MAX_NAMES: usize = 4;

/// Where clusters keep their DNS: kubeadm and most others, and `OpenShift`.
const DNS_NAMESPACES: &[&str] = &["kube-system", "openshift-dns"];

/// The labels of DNS pods: `CoreDNS` everywhere, and `OpenShift`'s.
const DNS_PODS: &[(&str, &str)] =
    &[("k8s-app", "kube-dns"), ("dns.operator.openshift.io/daemonset-dns", "default")];

/// The address that `NodeLocal` `DNSCache` has unless it is told otherwise.
const NODE_LOCAL_DNS: &str = "169.254.20.10/32";

/// A rule in one line; of more peers than `most` the rest is counted.
pub(super) fn line(
    direction: Direction,
    subject: &str,
    peers: &[String],
    ports: &[String],
    dns: bool,
    most: usize,
) -> String {
    let (shown, more) = peers.split_at(most.min(peers.len()));
    let mut other = shown.join(", ");
    if !more.is_empty() {
        other = format!("{other} and {} more", more.len());
    }
    match direction {
        Direction::Ingress => format!("{other} → {subject} {}", ports.join(", ")),
        Direction::Egress if dns => format!("{subject} → DNS ({other} {})", dns_ports(ports)),
        Direction::Egress => format!("{subject} → {other} {}", ports.join(", ")),
    }
}

/// What a rule does, where that is not to allow, and what else must hold.
pub(super) fn acting(action: Action, line: &str, condition: Option<&str>) -> String {
    let verb = match action {
        Action::Allow => "",
        Action::Deny => "deny ",
        Action::Pass => "pass on ",
    };
    let only = condition.map_or(String::new(), |condition| format!(", only {condition}"));
    format!("{verb}{line}{only}")
}

/// The pods that a policy selects: `all`, an app, or labels.
pub(super) fn subject(set: &PodSet) -> String {
    let pods = pods(&set.pods);
    if pods.is_empty() { "all".to_owned() } else { pods.join(", ") }
}

/// The same of a policy without a namespace, with the namespaces that it speaks for.
pub(super) fn subject_anywhere(set: &PodSet) -> String {
    match &set.namespaces {
        Namespaces::Matching(selector) if selector.is_everything() => subject(set),
        _ => pod_peer(set).join(", "),
    }
}

/// The other side, one word for each namespace, app or block.
pub(super) fn peers(peers: &Peers) -> Vec<String> {
    let items = match peers {
        Peers::Any => return vec!["anyone".to_owned()],
        Peers::Of(items) if items.is_empty() => return vec!["no one".to_owned()],
        Peers::Of(items) => items,
    };
    let mut all: Vec<String> = Vec::new();
    for item in items {
        for word in kind(&item.admits) {
            if !all.contains(&word) {
                all.push(word);
            }
        }
    }
    all
}

/// Whom one kind of ends means, one word for each namespace, app or block.
fn kind(kind: &PeerKind) -> Vec<String> {
    match kind {
        PeerKind::Pods(set) => pod_peer(set),
        PeerKind::Addresses(block, _) => vec![block.to_string()],
        PeerKind::Nodes(nodes) => vec![format!("nodes[{}]", nodes.labels)],
        PeerKind::Entities(entities) => entities.written.iter().map(ToString::to_string).collect(),
        PeerKind::Names(names) => names.patterns.iter().map(ToString::to_string).collect(),
        PeerKind::Unresolved(why, _) => vec![format!("[{why}]")],
        PeerKind::Combined(combined) => self::combined(combined),
    }
}

/// Whom several kinds mean together.
fn combined(combined: &Combined) -> Vec<String> {
    let either = |one: &PeerKind| {
        let words = kind(one);
        if words.len() == 1 { words.concat() } else { format!("({})", words.join(" or ")) }
    };
    match combined {
        Combined::All(kinds) if kinds.is_empty() => vec!["anyone".to_owned()],
        Combined::All(kinds) => {
            vec![kinds.iter().map(either).collect::<Vec<_>>().join(" and ")]
        }
        Combined::Any(kinds) if kinds.is_empty() => vec!["no one".to_owned()],
        Combined::Any(kinds) => kinds.iter().flat_map(kind).collect(),
        Combined::Not(one) => vec![format!("anyone but {}", either(one))],
    }
}

fn pod_peer(set: &PodSet) -> Vec<String> {
    let pods = pods(&set.pods);
    if let Some(names) = namespace_names(&set.namespaces) {
        let names = names.iter().map(|name| namespace(name));
        if pods.is_empty() {
            return names.collect();
        }
        return names.flat_map(|name| pods.iter().map(move |p| format!("{name}/{p}"))).collect();
    }
    match &set.namespaces {
        Namespaces::Matching(selector) if !selector.is_everything() => {
            let place = format!("namespaces[{selector}]");
            if pods.is_empty() {
                return vec![place];
            }
            pods.iter().map(|p| format!("{place}/{p}")).collect()
        }
        _ if pods.is_empty() => vec!["everyone in the cluster".to_owned()],
        _ => pods.iter().map(|p| format!("{p} in any namespace")).collect(),
    }
}

fn namespace(name: &str) -> String {
    if OWN_WORDS.contains(&name) { format!("ns/{name}") } else { name.to_owned() }
}

/// The namespaces, where they are asked for by name and nothing else.
pub(super) fn namespace_names(namespaces: &Namespaces) -> Option<Vec<&str>> {
    let selector = match namespaces {
        Namespaces::Own(name) => return Some(vec![name]),
        Namespaces::Matching(selector) => selector,
    };
    match selector.requirements.as_slice() {
        [only] if *only.key == *NAMESPACE_NAME_LABEL => match &only.operator {
            Operator::In(names) if names.iter().all(|name| !name.is_empty()) => {
                Some(names.iter().map(|name| &**name).collect())
            }
            _ => None,
        },
        _ => None,
    }
}

/// Pods by app where the selector names one; none stands for all pods.
fn pods(selector: &Selector) -> Vec<String> {
    if selector.is_everything() {
        return Vec::new();
    }
    let app = APP_LABELS.iter().find_map(|label| {
        let at = selector.requirements.iter().position(|r| *r.key == **label)?;
        match &selector.requirements[at].operator {
            Operator::In(names) if names.len() <= MAX_NAMES => {
                let plain = |name: &str| !name.is_empty() && !OWN_WORDS.contains(&name);
                names.iter().all(|name| plain(name)).then_some((at, names))
            }
            _ => None,
        }
    });
    let Some((at, names)) = app else { return vec![format!("pods[{selector}]")] };
    let mut rest = selector.clone();
    rest.requirements.remove(at);
    let rest = if rest.is_everything() { String::new() } else { format!("[{rest}]") };
    names.iter().map(|name| format!("{name}{rest}")).collect()
}

/// The ports, one word for each item.
pub(super) fn ports(ports: &Ports) -> Vec<String> {
    match ports {
        Ports::Any => vec!["any port".to_owned()],
        Ports::Of(items) if items.is_empty() => vec!["no port".to_owned()],
        Ports::Of(items) => {
            // One name or number for every protocol is one word.
            let mut words: Vec<String> = Vec::new();
            for item in items {
                let of_all = Protocol::ALL.iter().all(|protocol| {
                    let same = |other: &PortRule| {
                        other.protocol == *protocol
                            && other.ports == item.ports
                            && other.except == item.except
                    };
                    items.iter().any(same)
                });
                let word = match &item.ports {
                    _ if !of_all || !item.protocol.has_ports() || !item.except.is_empty() => {
                        item.to_string()
                    }
                    PortMatch::All => "any port".to_owned(),
                    PortMatch::Range(range) => range.to_string(),
                    PortMatch::Named(name) => name.to_string(),
                };
                if !words.contains(&word) {
                    words.push(word);
                }
            }
            words
        }
    }
}

/// `53` for both protocols, as every resolver needs them.
fn dns_ports(ports: &[String]) -> String {
    for number in ["53", "5353"] {
        let both = ["UDP", "TCP"].map(|protocol| format!("{number}/{protocol}"));
        if ports.len() == 2 && both.iter().all(|port| ports.contains(port)) {
            return number.to_owned();
        }
    }
    ports.join(", ")
}

/// Whether an egress rule opens the way to the cluster's DNS only: its ports, and its pods or the namespace
/// that they live in.
pub(super) fn is_dns(snapshot: &Snapshot, entry: &Entry) -> bool {
    let (Peers::Of(peers), Ports::Of(ports)) = (&entry.peers, &entry.ports) else { return false };
    !peers.is_empty()
        && !ports.is_empty()
        && ports.iter().all(is_dns_port)
        && ports.iter().any(|port| port.protocol != Protocol::Sctp)
        && peers.iter().all(|peer| match &peer.admits {
            PeerKind::Pods(set) => is_dns_set(snapshot, set),
            PeerKind::Addresses(block, _) => block.cidr.to_string() == NODE_LOCAL_DNS,
            _ => false,
        })
}

fn is_dns_port(item: &PortRule) -> bool {
    match &item.ports {
        PortMatch::Range(range) => {
            // OpenShift's DNS pods listen on 5353, and policies judge the pod's port.
            [53, 5353].map(PortRange::from).contains(range)
        }
        PortMatch::Named(name) => ["dns", "dns-tcp"].contains(&&**name),
        PortMatch::All => false,
    }
}

fn is_dns_set(snapshot: &Snapshot, set: &PodSet) -> bool {
    let dns_namespace = |name: &str| DNS_NAMESPACES.contains(&name);
    if let Some(names) = namespace_names(&set.namespaces) {
        return !names.is_empty() && names.into_iter().all(dns_namespace);
    }
    let Namespaces::Matching(selector) = &set.namespaces else { return false };
    if selector.is_everything() {
        return set.pods.requirements.iter().any(|requirement| {
            let value = match &requirement.operator {
                Operator::In(values) if values.len() == 1 => &*values[0],
                _ => return false,
            };
            DNS_PODS.contains(&(&*requirement.key, value))
        });
    }
    let mut matching = snapshot
        .namespaces()
        .filter(|namespace| !namespace.matches(selector).is_no())
        .map(|namespace| dns_namespace(&namespace.name))
        .peekable();
    matching.peek().is_some() && matching.all(|dns| dns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::decode_text;
    use crate::policy::{Enforcer, Ruleset};
    use std::path::Path;

    /// The rules of one policy in namespace `shop`, beside namespaces kube-system and ops (team=ops).
    fn lines(spec: &str) -> Vec<String> {
        let text = format!(
            "{{apiVersion: v1, kind: Namespace, metadata: {{name: shop}}}}\n---\n\
             {{apiVersion: v1, kind: Namespace, metadata: {{name: ops, labels: {{team: ops}}}}}}\n---\n\
             {{apiVersion: v1, kind: Namespace, metadata: {{name: kube-system, labels: {{name: dns}}}}}}\n---\n\
             {{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, \
             metadata: {{name: p, namespace: shop}}, spec: {spec}}}"
        );
        let (objects, warnings) = decode_text(text.into_bytes(), Path::new("in.yaml"), "default");
        assert!(warnings.is_empty(), "{warnings:?}");
        let (snapshot, written) = objects.assemble();
        let rules = Ruleset::compile(&written, &snapshot, &Enforcer::default());
        assert!(rules.rejected.is_empty(), "{:?}", rules.rejected);
        let policies = rules.policies().iter();
        let line = |policy: &crate::policy::rule::Policy, entry: &Entry| {
            let (peers, ports) = (peers(&entry.peers), ports(&entry.ports));
            let dns = policy.direction == Direction::Egress && is_dns(&snapshot, entry);
            line(policy.direction, &subject(&policy.subject), &peers, &ports, dns, 3)
        };
        policies.flat_map(|policy| policy.entries.iter().map(|e| line(policy, e))).collect()
    }

    fn from(peer: &str) -> String {
        let lines = lines(&format!("{{podSelector: {{}}, ingress: [{{from: [{peer}]}}]}}"));
        lines[0].strip_suffix(" → all any port").unwrap_or(&lines[0]).to_owned()
    }

    #[test]
    fn peers_as_people_know_them() {
        let name = |names: &str| {
            format!(
                "namespaceSelector: {{matchExpressions: [{{key: kubernetes.io/metadata.name, operator: In, values: [{names}]}}]}}"
            )
        };
        for (peer, expected) in [
            (format!("{{{}}}", name("ops")), "ops"),
            (format!("{{{}}}", name("ops, qa")), "ops, qa"),
            (format!("{{{}, podSelector: {{matchLabels: {{app: web}}}}}}", name("ops")), "ops/web"),
            ("{podSelector: {}}".into(), "shop"),
            ("{podSelector: {matchLabels: {k8s-app: web}}}".into(), "shop/web"),
            ("{podSelector: {matchLabels: {app: web, tier: a}}}".into(), "shop/web[tier=a]"),
            ("{podSelector: {matchLabels: {tier: a}}}".into(), "shop/pods[tier=a]"),
            ("{namespaceSelector: {}}".into(), "everyone in the cluster"),
            (
                "{namespaceSelector: {}, podSelector: {matchLabels: {app: web}}}".into(),
                "web in any namespace",
            ),
            ("{namespaceSelector: {matchLabels: {team: ops}}}".into(), "namespaces[team=ops]"),
            (
                "{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}".into(),
                "10.0.0.0/8 except 10.1.0.0/16",
            ),
            // A name that is one of our own words is not to be taken for it.
            (format!("{{{}}}", name("anyone")), "ns/anyone"),
            ("{podSelector: {matchLabels: {app: all}}}".into(), "shop/pods[app=all]"),
        ] {
            assert_eq!(from(&peer), expected, "{peer}");
        }
        let blocks = (1..6).map(|i| format!("{{ipBlock: {{cidr: {i}.0.0.0/8}}}}"));
        let blocks: Vec<_> = blocks.collect();
        assert_eq!(from(&blocks.join(", ")), "1.0.0.0/8, 2.0.0.0/8, 3.0.0.0/8 and 2 more");
    }

    #[test]
    fn rules_in_both_directions() {
        let web = "podSelector: {matchLabels: {app: web}}";
        assert_eq!(lines(&format!("{{{web}, ingress: [{{}}]}}")), ["anyone → web any port"]);
        assert_eq!(
            lines(&format!(
                "{{{web}, policyTypes: [Egress], egress: [{{to: [{{podSelector: {{matchLabels: {{app: db}}}}}}], \
                 ports: [{{port: sql}}, {{port: 8000, endPort: 8010, protocol: UDP}}, {{protocol: SCTP}}]}}]}}"
            )),
            ["web → shop/db sql/TCP, 8000-8010/UDP, any SCTP port"]
        );
    }

    #[test]
    fn dns_is_the_clusters_dns_on_its_port() {
        let both = "[{port: 53, protocol: UDP}, {port: 53}]";
        let to = |peer: &str, ports: &str| {
            let rule = format!("{{to: [{peer}], ports: {ports}}}");
            let lines = lines(&format!("{{policyTypes: [Egress], egress: [{rule}]}}"));
            lines[0].strip_prefix("all → ").unwrap_or(&lines[0]).to_owned()
        };
        let system =
            "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}";
        let labelled = "{namespaceSelector: {matchLabels: {name: dns}}}";
        let anywhere = "{namespaceSelector: {}, podSelector: {matchLabels: {k8s-app: kube-dns}}}";
        for (peer, ports, expected) in [
            (system, both, "DNS (kube-system 53)"),
            (system, "[{port: 53, protocol: UDP}]", "DNS (kube-system 53/UDP)"),
            (labelled, both, "DNS (namespaces[name=dns] 53)"),
            (anywhere, both, "DNS (kube-dns in any namespace 53)"),
            ("{ipBlock: {cidr: 169.254.20.10/32}}", both, "DNS (169.254.20.10/32 53)"),
            // Other ports, other pods.
            (system, "[{port: 53}, {port: 443}]", "kube-system 53/TCP, 443/TCP"),
            (system, "[{port: 53, endPort: 54}]", "kube-system 53-54/TCP"),
            ("{namespaceSelector: {}}", both, "everyone in the cluster 53/UDP, 53/TCP"),
            ("{ipBlock: {cidr: 0.0.0.0/0}}", both, "0.0.0.0/0 53/UDP, 53/TCP"),
            // Without a namespaceSelector these are pods of the policy's own namespace.
            (
                "{podSelector: {matchLabels: {k8s-app: kube-dns}}}",
                both,
                "shop/kube-dns 53/UDP, 53/TCP",
            ),
        ] {
            assert_eq!(to(peer, ports), expected, "{peer} {ports}");
        }
    }
}
