//! What a baseline means, in sentences.

use super::flags::of_line;
use super::impact::MOST;
use super::policies::DNS_POLICY;
use super::{Affected, Baseline, BaselinePolicy, Dns, DnsFacts, Impact, OtherEnd, Way};
use crate::cluster::ObjectRef;
use crate::draft::Dialect;
use crate::objects::Objects;
use crate::policy::rule::{Action, Direction, Tier};

use crate::policy::{Calico, Cilium, Enforcer, Ruleset};
use crate::prose::list;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Lines of cuts that are shown, and peers in a line, unless all are asked for.
const LINES: usize = 20;
const PEERS: usize = 6;

/// What the policies of a namespace do in one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// Every pod is isolated.
    pub closed: bool,
    /// Some pods are.
    pub partly: bool,
    /// The policies that allow anything, by name, each once.
    pub allows: Vec<String>,
}

impl Side {
    fn allow(&mut self, name: &str) {
        let name = if name == DNS_POLICY { "DNS" } else { name };
        if !self.allows.iter().any(|known| known == name) {
            self.allows.push(name.to_owned());
        }
    }
}

/// How it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Nothing is done yet.
    pub would: bool,
    /// All policies of the namespace are known.
    pub whole: bool,
}

/// What these policies do of themselves, for ingress and egress.
pub fn sides(namespace: &str, policies: &[BaselinePolicy]) -> [Side; 2] {
    [Direction::Ingress, Direction::Egress].map(|direction| {
        let mut side = Side::default();
        for policy in policies.iter().filter(|policy| policy.namespace() == namespace) {
            let Some((rules, every_pod)) = policy.rules(direction) else { continue };
            side.closed |= every_pod;
            side.partly |= !every_pod;
            if rules > 0 {
                side.allow(policy.name());
            }
        }
        side
    })
}

/// What all policies of a namespace do together, whoever wrote them, as they are lowered to rules.
pub fn in_force(namespace: &str, policies: &[Value]) -> [Side; 2] {
    let mut objects = Objects::default();
    let mut enforcer = Enforcer::default();
    for policy in policies {
        objects.insert_policy(policy);
        match Dialect::of_object(policy) {
            Some(Dialect::Cilium) => enforcer = Enforcer::Cilium(Cilium::default()),
            Some(Dialect::Calico) => enforcer = Enforcer::Calico(Calico::default()),
            _ => {}
        }
    }
    let (snapshot, written) = objects.assemble();
    let rules = Ruleset::compile(&written, &snapshot, &enforcer);
    [Direction::Ingress, Direction::Egress].map(|direction| {
        let mut side = Side::default();
        for (_, policy) in rules.candidates(namespace, direction) {
            let everyone = policy.subject.pods.is_everything() && policy.subject.doubt.is_none();
            // Of a tier of Calico it is the end that drops.
            let isolates = policy.isolates || matches!(policy.tier, Tier::Named(_));
            side.closed |= isolates && everyone;
            side.partly |= isolates && !everyone;
            if policy.entries.iter().any(|entry| entry.action == Action::Allow) {
                side.allow(&policy.object.name);
            }
        }
        side
    })
}

/// More policies than these are not named in the line.
const NAMED: usize = 6;

/// More than these are counted, so that the line can be read.
const FEW: usize = 3;

/// What the policies of a namespace mean together, in one line.
pub fn meaning(namespace: &str, sides: &[Side; 2], told: Told) -> String {
    let (verb, now) = if told.would { ("would be", "would stay") } else { ("is now", "stays") };
    let side = |side: &Side, word: &str, nothing: &str| match side {
        Side { closed: false, partly: false, .. } => format!("{word} {now} open"),
        Side { closed: false, partly: true, .. } => {
            format!("{word} {now} open but for the pods that policies select")
        }
        Side { allows, .. } if allows.is_empty() => format!("{word} {verb} denied{nothing}"),
        Side { allows, .. } => {
            let more = allows.len().saturating_sub(NAMED);
            let mut names: Vec<String> = allows[..allows.len() - more].to_vec();
            if more > 0 {
                names.push(format!("{more} more"));
            }
            match allows.len() {
                0..=FEW => format!("{word} {verb} {} only", list(&names, "and")),
                all => format!(
                    "{word} {verb} only what {all} policies allow ({})",
                    list(&names, "and")
                ),
            }
        }
    };
    let [ingress, egress] = sides;
    let (ingress, egress) = (side(ingress, "ingress", ""), side(egress, "egress", ", DNS too"));
    let unless = if told.whole { "a policy of the whole cluster" } else { "another policy" };
    format!("{namespace}: {ingress}, {egress}, unless {unless} allows more")
}

/// How DNS was allowed and why so, and what else there is to do.
pub fn dns(baseline: &Baseline, facts: Option<&DnsFacts>) -> Vec<String> {
    let mode = baseline.dns;
    if mode == Dns::None {
        return Vec::new();
    }
    let mut lines = match facts.filter(|_| matches!(mode, Dns::Auto | Dns::Strict)) {
        None => vec!["DNS is allowed to every pod of kube-system on 53/UDP and 53/TCP".to_owned()],
        Some(facts) => known_dns(baseline.dialect, facts),
    };
    if baseline.dns_proxy {
        let line = "What is asked of DNS passes Cilium's proxy, so that policies may name hosts \
                    (toFQDNs)";
        lines.push(line.to_owned());
    }
    lines
}

fn known_dns(dialect: Dialect, facts: &DnsFacts) -> Vec<String> {
    let labels: Vec<_> = facts.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let ports: Vec<_> = facts.ports.iter().map(ToString::to_string).collect();
    let mut lines = vec![format!(
        "DNS is allowed to the pods of Service {} ({}) on {}, where they listen",
        facts.service,
        labels.join(","),
        list(&ports, "and")
    )];
    if let Some(cache) = &facts.node_local {
        let addresses: Vec<_> = cache.addresses.iter().map(ToString::to_string).collect();
        lines.push(match (addresses.is_empty(), cache.labels.is_empty(), dialect) {
            (false, _, Dialect::NetworkPolicy) => format!(
                "NodeLocal DNSCache is here: {} is allowed too; it answers in the node's network, \
                 which some network plugins judge otherwise (Cilium needs a policy with toEntities: \
                 host, as --dialect cilium writes it, or a local redirect policy)",
                list(&addresses, "and")
            ),
            (false, _, Dialect::Calico) => {
                format!("NodeLocal DNSCache is here: {} is allowed too", list(&addresses, "and"))
            }
            (false, _, Dialect::Cilium) => {
                "NodeLocal DNSCache is here: the pod's own node is allowed too, on 53/UDP and \
                 53/TCP, since Cilium takes what listens in the node's network for the node"
                    .to_owned()
            }
            (true, false, _) => "NodeLocal DNSCache is here, and its pods are allowed too".to_owned(),
            (true, true, _) => "NodeLocal DNSCache is here, but its addresses are not known: allow \
                                them with a policy of your own if names do not resolve"
                .to_owned(),
        });
    }
    lines
}

/// What would be cut, by workload, for reading before one agrees to it, each line with the flags that keep
/// it. Where that is too much to read, it is counted, unless `all` is asked for.
pub fn cuts(namespace: &str, impact: &Impact, dialect: Dialect, all: bool) -> Vec<String> {
    let line = |line: String, of: &[&Affected]| with_flags(line, namespace, of, impact, dialect);
    let head = format!(
        "{namespace}: connections that are possible now and would be cut, on ports that containers declare \
         or Services lead to, and what keeps them:"
    );
    lines(head, &impact.cuts, impact.complete, all, &line)
}

/// What would be cut, without flags that keep it.
pub fn lost(namespace: &str, impact: &Impact, all: bool) -> Vec<String> {
    let head = format!(
        "{namespace}: connections that are possible now and would be cut, on ports that containers declare \
         or Services lead to:"
    );
    lines(head, &impact.cuts, impact.complete, all, &|line, _| line)
}

/// What would be opened, told like [`cuts`].
pub fn opens(namespace: &str, impact: &Impact, all: bool) -> Vec<String> {
    let head = format!(
        "{namespace}: connections that are denied now and would be possible, on ports that containers \
         declare or Services lead to:"
    );
    lines(head, &impact.opens, impact.complete, all, &|line, _| line)
}

/// What is added to a line about some connections.
type Ending<'a> = &'a dyn Fn(String, &[&Affected]) -> String;

fn lines(
    head: String,
    affected: &[Affected],
    complete: bool,
    all: bool,
    ending: Ending<'_>,
) -> Vec<String> {
    let mut lines = detailed(affected, all, ending);
    if lines.len() > LINES && !all {
        lines = counted(affected, ending);
    }
    let more = if all { 0 } else { lines.len().saturating_sub(LINES) };
    lines.truncate(lines.len() - more);
    lines.insert(0, head);
    if more > 0 {
        lines.push(format!("  and {more} more lines; --v 1 shows them all"));
    }
    if !complete {
        lines.push(format!("  there are more: only the first {MOST} connections are listed"));
    }
    lines
}

/// A line with the flags that keep what it tells.
fn with_flags(
    line: String,
    namespace: &str,
    cuts: &[&Affected],
    impact: &Impact,
    dialect: Dialect,
) -> String {
    let keeps = of_line(namespace, cuts.iter().copied(), impact, dialect);
    let flags = keeps.iter().flat_map(|keep| ["  ".to_owned(), keep.to_string()]);
    std::iter::once(line).chain(flags).collect()
}

/// The workloads at the other end of a line, and the connections.
type Group<'a> = (BTreeSet<String>, Vec<&'a Affected>);

/// A line for each workload and namespace at the other end, with the workloads there.
fn detailed(affected: &[Affected], all: bool, ending: Ending<'_>) -> Vec<String> {
    let mut groups: BTreeMap<(Way, String, String), Group<'_>> = BTreeMap::new();
    for cut in affected {
        let (place, peer) = match &cut.peer {
            OtherEnd::Outside => (OUTSIDE.to_owned(), None),
            OtherEnd::AnyPod => (ANY_POD.to_owned(), None),
            OtherEnd::Known(peer) if cut.way == Way::In => (place(peer), Some(short(peer))),
            OtherEnd::Known(peer) => (place(peer), Some(short(peer) + &port(cut))),
        };
        let (peers, cuts) = groups.entry((cut.way, local(cut), place)).or_default();
        peers.extend(peer);
        cuts.push(cut);
    }
    let line = |((way, local, place), (peers, cuts)): (_, Group<'_>)| {
        let mut names: Vec<&str> = peers.iter().map(String::as_str).collect();
        let more = if all { 0 } else { names.len().saturating_sub(PEERS) };
        names.truncate(names.len() - more);
        let colon = if names.is_empty() { "" } else { ": " };
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let line = format!("  {local} {} {place}{colon}{}{more}", arrow(way), names.join(", "));
        ending(line, &cuts)
    };
    groups.into_iter().map(line).collect()
}

/// Who is at the other end of one workload's connections.
#[derive(Default)]
struct Ends<'a> {
    places: BTreeSet<String>,
    peers: BTreeSet<String>,
    nodes: BTreeSet<String>,
    any_pod: bool,
    outside: bool,
    cuts: Vec<&'a Affected>,
}

/// A line for each workload, with how many there are at the other end.
fn counted(affected: &[Affected], ending: Ending<'_>) -> Vec<String> {
    let mut groups: BTreeMap<(Way, String), Ends<'_>> = BTreeMap::new();
    for cut in affected {
        let ends = groups.entry((cut.way, local(cut))).or_default();
        ends.cuts.push(cut);
        match &cut.peer {
            OtherEnd::Outside => ends.outside = true,
            OtherEnd::AnyPod => ends.any_pod = true,
            OtherEnd::Known(peer) if peer.namespace.is_none() => {
                ends.nodes.insert(peer.to_string());
            }
            OtherEnd::Known(peer) => {
                ends.places.insert(place(peer));
                ends.peers.insert(peer.to_string());
            }
        }
    }
    let some = |count: usize, one: &str| {
        if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
    };
    let line = |((way, local), ends): ((Way, String), Ends<'_>)| {
        let Ends { places, peers, nodes, any_pod, outside, cuts } = ends;
        let mut ends = Vec::new();
        if !peers.is_empty() {
            let places = some(places.len(), "namespace");
            ends.push(format!("{} in {places}", some(peers.len(), "workload")));
        }
        if !nodes.is_empty() {
            ends.push(some(nodes.len(), "node"));
        }
        if any_pod {
            ends.push(ANY_POD.to_owned());
        }
        if outside {
            ends.push(OUTSIDE.to_owned());
        }
        let line = format!("  {local} {} {}", arrow(way), list(&ends, "and"));
        ending(line, &cuts)
    };
    groups.into_iter().map(line).collect()
}

/// What stands for the world in a line.
const OUTSIDE: &str = "outside the cluster";

/// What stands for whoever is in the cluster, known or not.
const ANY_POD: &str = "anyone in the cluster";

fn arrow(way: Way) -> &'static str {
    match way {
        Way::In => "←",
        Way::Out => "→",
    }
}

fn place(peer: &ObjectRef) -> String {
    peer.namespace.as_deref().unwrap_or("nodes").to_owned()
}

/// The port, with the Service that tells it; where nothing does it may be any.
fn port(cut: &Affected) -> String {
    match (cut.port, &cut.service) {
        (Some(port), None) => format!(" {port}"),
        (Some(port), Some(service)) => format!(" {port} of {}", short(service)),
        (None, _) => " any port".to_owned(),
    }
}

/// The workload of the namespace, with its port where that is the destination.
fn local(cut: &Affected) -> String {
    match cut.way {
        Way::In => short(&cut.local) + &port(cut),
        Way::Out => short(&cut.local),
    }
}

/// The object without its namespace, which stands beside it.
fn short(object: &ObjectRef) -> String {
    ObjectRef { namespace: None, ..object.clone() }.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::{Baseline, Deny, Facts};
    use crate::cluster::Port;

    #[test]
    fn too_many_cuts_are_counted() {
        let pod = |namespace: String, name: String| ObjectRef::namespaced("Pod", namespace, name);
        let cut = |number: u32| Affected {
            way: Way::In,
            local: pod("a".into(), "web".into()),
            peer: OtherEnd::Known(pod(format!("ns-{}", number / 2), format!("p-{number}"))),
            port: Some(Port::tcp(80)),
            service: None,
        };
        let impact = |count: u32| Impact {
            cuts: (0..count)
                .map(cut)
                .chain(
                    [OtherEnd::Outside, OtherEnd::Known(ObjectRef::cluster("Node", "n"))]
                        .map(|peer| Affected { peer, ..cut(0) }),
                )
                .collect(),
            complete: true,
            ..Impact::default()
        };
        assert_eq!(
            cuts("a", &impact(3), Dialect::NetworkPolicy, false)[1..],
            [
                "  pod/web 80/TCP ← nodes: node/n  (--allow-ingress=ADDRESS-OF-NODE)",
                "  pod/web 80/TCP ← ns-0: pod/p-0, pod/p-1  --allow-ingress=ns-0/pod/p-0:80  \
                 --allow-ingress=ns-0/pod/p-1:80",
                "  pod/web 80/TCP ← ns-1: pod/p-2  --allow-ingress=ns-1/pod/p-2:80",
                "  pod/web 80/TCP ← outside the cluster  --allow-ingress=internet:80",
            ]
        );
        assert_eq!(
            cuts("a", &impact(100), Dialect::NetworkPolicy, false)[1..],
            ["  pod/web 80/TCP ← 100 workloads in 50 namespaces, 1 node and outside the cluster  \
              --allow-ingress=cluster:80  --allow-ingress=internet:80  (--allow-ingress=ADDRESS-OF-NODE)"]
        );
        assert_eq!(cuts("a", &impact(100), Dialect::NetworkPolicy, true).len(), 53);
    }

    #[test]
    fn what_it_means() {
        let said = |baseline: &Baseline| {
            let policies = baseline.policies("a", &Facts::default());
            let of = sides("a", &policies);
            // The rules that they are lowered to say the same.
            let objects = baseline.objects("a", &Facts::default());
            assert_eq!(in_force("a", &objects), of);
            meaning("a", &of, Told::default())
        };
        for (deny, dns, expected) in [
            (Deny::Ingress, Dns::Auto, "a: ingress is now denied, egress is now DNS only, "),
            (Deny::Ingress, Dns::None, "a: ingress is now denied, egress stays open, "),
            (Deny::Egress, Dns::Auto, "a: ingress stays open, egress is now DNS only, "),
            (Deny::All, Dns::None, "a: ingress is now denied, egress is now denied, DNS too, "),
        ] {
            let text = said(&Baseline { deny, dns, ..Baseline::default() });
            assert!(text.starts_with(expected), "{text}");
        }
        let open = Baseline { same_namespace: true, ..Baseline::default() };
        assert!(said(&open).contains(
            "ingress is now allow-same-namespace only, egress is now DNS and allow-same-namespace \
             only"
        ));
        let names = ["x", "y", "z", "u", "v", "w", "s", "t"].map(ToOwned::to_owned);
        let side = |count: usize| Side {
            closed: true,
            allows: names[..count].to_vec(),
            ..Side::default()
        };
        let text = meaning("a", &[side(3), side(8)], Told::default());
        assert!(
            text.starts_with(
                "a: ingress is now x, y and z only, egress is now only what 8 policies allow (x, y, z, u, \
                 v, w and 2 more), unless"
            ),
            "{text}"
        );
        let policies = Baseline::default().policies("a", &Facts::default());
        let would = meaning("a", &sides("a", &policies), Told { would: true, whole: true });
        assert_eq!(
            would,
            "a: ingress would be denied, egress would be DNS only, unless a policy of the whole cluster \
             allows more"
        );
    }

    /// What is in force counts, whoever wrote it.
    #[test]
    fn policies_of_others_count() {
        let mut objects = Baseline::default().objects("a", &Facts::default());
        let other = |name: &str, selector: Value, ingress: Value| {
            serde_json::json!({
                "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                "metadata": {"name": name, "namespace": "a"},
                "spec": {"podSelector": selector, "ingress": ingress},
            })
        };
        let web = serde_json::json!({"matchLabels": {"app": "web"}});
        let everyone = serde_json::json!([{}]);
        objects.push(other("web", web.clone(), everyone.clone()));
        let [ingress, _] = in_force("a", &objects);
        assert!(ingress.closed && ingress.allows == ["web"], "{ingress:?}");
        let said = meaning("a", &in_force("a", &[other("web", web, everyone)]), Told::default());
        assert!(
            said.contains("ingress stays open but for the pods that policies select"),
            "{said}"
        );
    }
}
