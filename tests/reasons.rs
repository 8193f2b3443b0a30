//! Reasons of rows, held to the evaluator of one flow: what is named decides, and nothing else does.

use crate::random::rules::{complete_rules, partial_rules};
use crate::random::{
    Ends, RUNTIME_LABEL, Random, World, boundary_addresses, boundary_ports, build,
    complete_cluster, hold, partial_cluster,
};
use netpol::answer::{Because, FlowList, ListAsked as List};
use netpol::cluster::{Family, Port, Truth};
use netpol::effort::{Effort, Steps};
use netpol::policy::rule::{Action, Direction, Peers};
use netpol::policy::{Enforcement, Ruleset, Written};
use netpol::reach::{Connectivity, End, Example, PortSet, RowEnd, Wanted};
use netpol::verdict::{
    Endpoint, Flow, Ground, Judgement, NotKnown, Passage, Reason, RuleId, Trace, UnknownWhy,
    Verdict, Why, judge, why,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Rows looked at in one cluster, and flows in one row.
const ROWS: usize = 10;
const FLOWS: usize = 30;

struct Row {
    source: RowEnd,
    destination: RowEnd,
    ports: PortSet,
    passage: Passage,
}

fn endpoint(end: End) -> Endpoint {
    match end {
        End::Pod(id) => Endpoint::Pod(id),
        End::Node(node) => Endpoint::Node(node),
        End::Address(address) => Endpoint::Address(address),
    }
}

fn side(judgement: &Judgement, direction: Direction) -> &Trace {
    match direction {
        Direction::Ingress => &judgement.ingress,
        Direction::Egress => &judgement.egress,
    }
}

/// Everything that is needed to ask about the rows of one family.
struct Asked<'a> {
    cluster: &'a [Value],
    world: &'a World<'a>,
    connectivity: &'a Connectivity<'a>,
    family: Family,
    ends: Vec<(End, u32)>,
    ports: Vec<Port>,
}

impl Asked<'_> {
    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        let _ = self.connectivity.rows(self.family, &Wanted::default(), &mut |row| {
            rows.push(Row {
                source: row.source,
                destination: row.destination,
                ports: row.ports.clone(),
                passage: match (row.certain, row.conditional) {
                    (false, _) => Passage::Unknown,
                    (true, true) => Passage::OnCondition,
                    (true, false) => Passage::Allowed,
                },
            });
            ControlFlow::Continue(())
        });
        rows
    }

    /// The directions in which policies have a say on a row of its own.
    fn directions(row: &Row) -> Vec<Direction> {
        let own = |end| matches!(end, RowEnd::Class(_));
        match (own(row.source), own(row.destination)) {
            (false, _) => vec![Direction::Ingress],
            (_, false) => vec![Direction::Egress],
            _ => vec![Direction::Egress, Direction::Ingress],
        }
    }

    fn flow(&self, source: End, destination: End, port: Port) -> Flow {
        let (source, destination) = (endpoint(source), endpoint(destination));
        Flow { source, destination, port, family: self.family, through_service: false }
    }

    /// The reasons of a row in one direction, as `list` asks for them, with the flows that were
    /// judged.
    fn why(&self, row: &Row, direction: Direction) -> (Why, Vec<Flow>) {
        let (own, other) = match direction {
            Direction::Ingress => (row.destination, row.source),
            Direction::Egress => (row.source, row.destination),
        };
        let RowEnd::Class(subject) = own else { panic!("{own:?} has no policies") };
        let peers = self.connectivity.classes_in(other, self.family);
        let (of, steps) = ((direction, subject), Steps::new(Effort::default()));
        let groups = self.connectivity.examples(self.family, of, &peers, &row.ports, &steps);
        let flow = |example: &Example| self.flow(example.source, example.destination, example.port);
        let groups: Vec<Vec<Flow>> =
            groups.iter().map(|group| group.iter().map(flow).collect()).collect();
        let both = Self::directions(row).len() > 1;
        let (snapshot, rules) = (&self.world.snapshot, &self.world.rules);
        let said = why(snapshot, rules, row.passage, (direction, both), &groups, &steps);
        (said, groups.into_iter().flatten().collect())
    }

    /// Some flows of a row.
    fn flows(&self, row: &Row, r: &mut Random) -> Vec<Flow> {
        let of = |end: RowEnd| -> Vec<End> {
            let runs = self.connectivity.classes_in(end, self.family);
            let here = |class: u32| runs.iter().any(|(first, end)| (*first..*end).contains(&class));
            self.ends.iter().filter(|(_, class)| here(*class)).map(|(end, _)| *end).collect()
        };
        let ports: Vec<Port> =
            self.ports.iter().copied().filter(|port| row.ports.contains(*port)).collect();
        let (sources, destinations) = (of(row.source), of(row.destination));
        let mut flows = Vec::new();
        for source in &sources {
            for destination in &destinations {
                let outside = |end: &End| matches!(end, End::Address(_));
                if !(outside(source) && outside(destination)) {
                    flows.extend(ports.iter().map(|port| self.flow(*source, *destination, *port)));
                }
            }
        }
        r.sample(flows, FLOWS)
    }

    fn judge(&self, rules: &Ruleset, flow: &Flow) -> Judgement {
        judge(&self.world.snapshot, rules, flow)
    }

    /// The same rules, but for those that allow and are not to be kept.
    fn keeping(&self, keep: impl Fn(RuleId) -> bool) -> Ruleset {
        let rules = &self.world.rules;
        let written = Written { unread: self.world.written.unread.clone(), ..Written::default() };
        let mut others = Ruleset::compile(&written, &self.world.snapshot, rules.enforcer());
        for (id, policy) in rules.policies().iter().enumerate() {
            let mut policy = policy.clone();
            // In tiers with names a rule that passes a flow on spares it the end of its tier.
            let spares = policy.tier.position().is_some();
            for (index, entry) in policy.entries.iter_mut().enumerate() {
                let lets =
                    entry.action == Action::Allow || (spares && entry.action == Action::Pass);
                if lets && !keep((id, index)) {
                    entry.peers = Peers::Of(Vec::new());
                }
            }
            others.add_policy(policy);
        }
        others
    }

    /// What is wrong with the reasons of a row that passes.
    fn allowed(
        &self,
        row: &Row,
        direction: Direction,
        said: &Why,
        flows: &[Flow],
    ) -> Option<String> {
        let judged: Vec<(&Flow, Judgement)> =
            flows.iter().map(|flow| (flow, self.judge(&self.world.rules, flow))).collect();
        let of_row: Vec<(&Flow, &Trace)> = judged
            .iter()
            .map(|(flow, judgement)| (*flow, side(judgement, direction)))
            .filter(|(_, trace)| trace.passage() == row.passage)
            .collect();
        if of_row.is_empty() {
            return None;
        }
        if said.grounds.is_empty() {
            return Some("no reason".into());
        }
        let alone = self.keeping(|rule| said.rules.contains(&rule));
        let without = self.keeping(|rule| !said.rules.contains(&rule));
        let mut changes = false;
        for (flow, trace) in &of_row {
            let [alone, without] = [&alone, &without].map(|rules| self.judge(rules, flow));
            let [alone, without] = [&alone, &without].map(|judged| side(judged, direction));
            if alone.passage() < trace.passage() {
                return Some(format!("{flow:?} does not pass with the named rules alone"));
            }
            changes |=
                without.passage() != trace.passage() || without.decided_by != trace.decided_by;
            let isolated = trace.policies.iter().any(|p| p.isolates && p.selects.is_yes());
            let covered: &[Ground] = match trace.reason {
                // Beside a rule that would deny it, or asks for more, one that allows counts.
                Reason::NotIsolated
                    if trace.conditions.is_empty() && without.passage() == trace.passage() =>
                {
                    &[Ground::NotIsolated]
                }
                Reason::HostNetwork => &[Ground::HostNetwork],
                Reason::NotEnforced => &[Ground::NotEnforced],
                _ => &[],
            };
            if !covered.iter().all(|because| said.grounds.contains(because)) {
                return Some(format!("{flow:?} passes for another reason: {:?}", trace.reason));
            }
            let exempt = trace.policies.is_empty() || trace.reason == Reason::OwnNode;
            if said.grounds.iter().all(|it| *it == Ground::NotIsolated) && isolated && !exempt {
                return Some(format!("{flow:?} is isolated"));
            }
        }
        let ruled =
            said.grounds.iter().any(|it| matches!(it, Ground::Admitted | Ground::Administrator(_)));
        if ruled == said.rules.is_empty() {
            return Some("rules are named, or are not".into());
        }
        if ruled && !changes {
            return Some("nothing changes without the named rules".into());
        }
        if said.grounds.contains(&Ground::NotIsolated) {
            let enforcement = self.world.rules.cilium().map(|cilium| cilium.enforcement);
            let open = of_row
                .iter()
                .any(|(_, trace)| !trace.policies.iter().any(|p| p.isolates && p.selects.is_yes()));
            if !open || enforcement == Some(Enforcement::Always) {
                return Some("isolated everywhere".into());
            }
        }
        for (policy, index) in &said.rules {
            let matches = of_row.iter().any(|(_, trace)| {
                let of = trace.policies.iter().find(|traced| traced.policy == *policy);
                of.is_some_and(|traced| !traced.entries[*index].matches().is_no())
            });
            if !matches {
                return Some(format!("rule {index} of policy {policy} matches nothing"));
            }
        }
        None
    }

    /// What is wrong with the reasons of a row that is not known, in all its directions.
    fn not_known(&self, said: &[(Direction, Why)], flows: &[Flow], seed: u64) -> Option<String> {
        let open = |judgement: &Judgement| {
            let of = |(direction, _): &(Direction, Why)| {
                let verdict = side(judgement, *direction).verdict;
                matches!(verdict, Verdict::Unknown | Verdict::Ambiguous)
            };
            // Of a row with a symbol the other direction says nothing.
            let denied = said.len() > 1 && judgement.verdict == Verdict::Denied;
            said.iter().any(of) && !denied
        };
        let judged = flows.iter().map(|flow| (flow, self.judge(&self.world.rules, flow)));
        let judged: Vec<(&Flow, Judgement)> = judged.filter(|(_, it)| open(it)).collect();
        let none = |(_, why): &(Direction, Why)| why.not_known.is_empty() && why.tied.is_empty();
        if judged.is_empty() {
            return None;
        }
        if said.iter().all(none) {
            return Some("nothing is said to be not known".into());
        }
        for (direction, why) in said {
            let traces: Vec<&Trace> = judged.iter().map(|(_, it)| side(it, *direction)).collect();
            if why.tied.is_empty() && traces.iter().any(|it| it.verdict == Verdict::Ambiguous) {
                return Some("a tie is not named".into());
            }
            for tied in &why.tied {
                let tiers: BTreeSet<_> =
                    tied.iter().map(|id| self.world.rules.policy(*id).tier.clone()).collect();
                if tiers.len() != 1 || tied.len() < 2 {
                    return Some(format!("{tied:?} are of {tiers:?}"));
                }
                let disagree = |trace: &&Trace| {
                    let of = trace.policies.iter().filter(|policy| tied.contains(&policy.policy));
                    let says = of.flat_map(|policy| {
                        let entries = policy.entries.iter().filter(|e| !e.matches().is_no());
                        entries.map(|entry| entry.action)
                    });
                    says.collect::<BTreeSet<Action>>().len() > 1
                };
                if !traces.iter().any(disagree) {
                    return Some(format!("{tied:?} agree"));
                }
            }
            for (policy, index) in &why.rules {
                let matches = traces.iter().any(|trace| {
                    let of = trace.policies.iter().find(|traced| traced.policy == *policy);
                    of.is_some_and(|traced| {
                        let matches = traced.entries[*index].matches();
                        matches == Truth::Unknown || (matches.is_yes() && !why.tied.is_empty())
                    })
                });
                if !matches {
                    return Some(format!("rule {index} of policy {policy} is not open"));
                }
            }
        }
        self.decides(said, &judged, seed)
    }

    /// Whether completing what is said to be not known decides.
    fn decides(
        &self,
        said: &[(Direction, Why)],
        judged: &[(&Flow, Judgement)],
        seed: u64,
    ) -> Option<String> {
        let kinds: BTreeSet<&NotKnown> = said.iter().flat_map(|(_, why)| &why.not_known).collect();
        let mut cluster = self.cluster.to_vec();
        for kind in kinds {
            complete(&mut cluster, kind, &mut Random::new(seed))?;
        }
        let world = build(&cluster)?;
        for (flow, before) in judged {
            let address = |end: &Endpoint| matches!(end, Endpoint::Address(_));
            if address(&flow.source) || address(&flow.destination) {
                continue;
            }
            let after = judge(&world.snapshot, &world.rules, flow);
            for (direction, why) in said {
                let trace = side(&after, *direction);
                let undecided = trace.verdict == Verdict::Unknown
                    || (trace.verdict == Verdict::Ambiguous && why.tied.is_empty());
                // That a node may be the pod's own is left out of rows.
                let exempt = matches!(
                    trace.reason,
                    Reason::Unknown(UnknownWhy::ToOwnNode | UnknownWhy::PerhapsOwnNode)
                );
                let before = side(before, *direction).verdict;
                if undecided && !exempt && before == Verdict::Unknown {
                    return Some(format!(
                        "{flow:?} is {:?} still, though {:?} is known",
                        trace.reason, why.not_known
                    ));
                }
            }
        }
        None
    }
}

/// Makes one thing known; `None` where a manifest cannot tell it.
fn complete(cluster: &mut [Value], kind: &NotKnown, r: &mut Random) -> Option<()> {
    let all = boundary_addresses(cluster);
    let mut some = |field: &str| {
        let each = [false, true].map(|v6| {
            let of_family: Vec<_> = all.iter().filter(|ip| ip.is_ipv6() == v6).collect();
            json!({field: r.pick(&of_family)})
        });
        json!(each)
    };
    let is_known =
        |pod: &Value| pod["status"]["podIPs"].as_array().is_some_and(|it| !it.is_empty());
    for object in cluster {
        let on_node = object["spec"]["hostNetwork"] == true;
        match (kind, object["kind"].as_str()) {
            (NotKnown::PodAddresses, Some("Pod")) if !on_node && !is_known(object) => {
                object["status"]["podIPs"] = some("ip");
            }
            (NotKnown::NodeAddresses, Some("Pod")) if on_node => {
                object["status"]["podIPs"] = some("ip");
            }
            (NotKnown::NodeAddresses, Some("Node")) => {
                object["status"]["addresses"] = some("address");
            }
            (NotKnown::PodLabels, Some("Pod"))
                if object["metadata"]["annotations"]["runtime-label"] == "true" =>
            {
                object["metadata"]["annotations"]["runtime-label"] = json!("false");
                object["metadata"]["labels"][RUNTIME_LABEL] = json!("x");
            }
            (NotKnown::PodAddresses | NotKnown::NodeAddresses | NotKnown::PodLabels, _) => {}
            _ => return None,
        }
    }
    Some(())
}

fn reasons_hold(cluster: &[Value], seed: u64) -> Option<String> {
    let world = build(cluster)?;
    let connectivity =
        Connectivity::compute(&world.snapshot, &world.rules, Effort::default()).unwrap();
    let mut r = Random::new(!seed);
    for family in Family::ALL {
        let ends = Ends::of(cluster, &world).all.into_iter().filter_map(|end| {
            let end = match end {
                Endpoint::Pod(id) => End::Pod(id),
                Endpoint::Node(node) => End::Node(node),
                Endpoint::Address(ip) if Family::of(ip) == family => End::Address(ip),
                _ => return None,
            };
            let class = connectivity.class(end).filter(|class| connectivity.has(*class, family))?;
            Some((end, class))
        });
        let ends: Vec<(End, u32)> = ends.collect();
        let ports = boundary_ports(cluster);
        let asked =
            Asked { cluster, world: &world, connectivity: &connectivity, family, ends, ports };
        for row in r.sample(asked.rows(), ROWS) {
            let mut flows = asked.flows(&row, &mut r);
            let directions = Asked::directions(&row);
            let mut said = Vec::new();
            for direction in directions {
                let (why, judged) = asked.why(&row, direction);
                flows.extend(judged);
                said.push((direction, why));
            }
            let complaint = if row.passage == Passage::Unknown {
                asked.not_known(&said, &flows, r.next())
            } else if said.len() > 1 {
                // Between two ends of the cluster rows that pass go without a reason.
                None
            } else {
                asked.allowed(&row, said[0].0, &said[0].1, &flows)
            };
            if let Some(complaint) = complaint {
                let (from, to, ports) = (row.source, row.destination, row.ports);
                return Some(format!(
                    "{family} {from:?} → {to:?} {ports} {:?}: {complaint}; {said:?}",
                    row.passage
                ));
            }
        }
    }
    None
}

#[test]
fn reasons_in_complete_clusters_decide() {
    hold(100, complete_cluster, reasons_hold);
}

#[test]
fn reasons_in_partial_clusters_decide() {
    hold(100, partial_cluster, reasons_hold);
}

#[test]
fn reasons_among_complete_rules_decide() {
    hold(200, complete_rules, reasons_hold);
}

#[test]
fn reasons_among_partial_rules_decide() {
    hold(200, partial_rules, reasons_hold);
}

/// What ten thousand clusters found: two rules of a tier with a name that pass a flow on past a denial, one
/// behind the other; a rule that speaks only perhaps for the subject; and of one rule something else open for
/// each of two peers.
#[test]
fn reasons_that_random_clusters_missed() {
    let found = [
        (
            781,
            json!([
                {"kind": "Pod", "metadata": {"name": "pod-7"}},
                {"kind": "Calico"},
                {"direction": "Egress", "entries": [{"action": "Deny"}], "in": "t1", "kind": "Rules",
                    "metadata": {"name": "r1"}, "tier": "Named"},
                {"direction": "Egress", "entries": [{"action": "Pass"}, {"action": "Pass"}], "in": "t1",
                    "kind": "Rules", "metadata": {"name": "r3"}, "order": 2000, "tier": "Named"},
            ]),
        ),
        (
            608,
            json!([
                {"kind": "Pod", "metadata": {"name": "pod-1"}},
                {"kind": "Pod", "metadata": {"name": "pod-2"}},
                {"kind": "Calico"},
                {"direction": "Ingress", "entries": [{"action": "Allow",
                    "speaksFor": {"all": [{"set": {"doubt": true}}]}}], "in": "t2", "kind": "Rules",
                    "metadata": {"name": "r2"}, "tier": "Named"},
            ]),
        ),
        (
            9063,
            json!([
                {"kind": "Pod", "metadata": {"labels": {"hash": "y"}, "name": "pod-1"}},
                {"kind": "Pod", "metadata": {"annotations": {"runtime-label": "true"}, "name": "pod-2",
                    "namespace": "n3"}},
                {"kind": "Pod", "metadata": {"name": "pod-5"}},
                {"kind": "Calico"},
                {"direction": "Ingress", "entries": [{"action": "Deny", "peers": [
                    {"all": [{"set": {"podSelector": {"matchExpressions": [
                        {"key": "hash", "operator": "In", "values": ["y"]}]}}},
                        {"block": {"cidr": "2001:db8::/32"}, "pods": true}]},
                    {"block": {"cidr": "2001:db8::6/126"}}]}],
                    "in": "t3", "kind": "Rules", "metadata": {"name": "r5"}, "tier": "Named"},
            ]),
        ),
    ];
    for (seed, cluster) in found {
        assert_eq!(reasons_hold(cluster.as_array().unwrap(), seed), None);
    }
}

/// Source: docs/semantics/cilium-verdicts.md#enforcement-mode.
#[test]
fn lists_know_where_cilium_isolates_every_pod_or_none() {
    let cluster = |enforcement| {
        let pod = |name: &str| json!({"kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": {}, "status": {}});
        let web = json!({"kind": "NetworkPolicy", "metadata": {"name": "web"}, "spec":
            {"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{"ports": [{"port": 80}]}]}});
        [pod("web"), pod("db"), web, json!({"kind": "Enforcer", "enforcement": enforcement})]
    };
    let reasons = |enforcement| {
        let cluster = cluster(enforcement);
        let world = build(&cluster).unwrap();
        let list = FlowList::new(
            &world.snapshot,
            &world.rules,
            &List::default(),
            None,
            &|_, _| None,
            Effort::default(),
        );
        let rows = list.unwrap().flows.into_iter().filter(|flow| flow.source.label == "anyone");
        rows.map(|flow| {
            let ports =
                if flow.any_port { "any".to_owned() } else { flow.ports[0].port.to_string() };
            (flow.destination.label.clone(), ports, flow.reason.unwrap(), flow.rules)
        })
        .collect::<Vec<_>>()
    };
    let row = |pod: &str, ports: &str, reason, rules: &[&str]| {
        let rules = rules.iter().map(ToString::to_string).collect();
        (format!("default/pod/{pod}"), ports.to_owned(), reason, rules)
    };
    let web = row("web", "80", Because::Admitted, &["default/netpol/web ingress[0]"]);
    let open = row("db", "any", Because::NotIsolated, &[]);
    assert_eq!(reasons("Default"), [open, web.clone()]);
    assert_eq!(reasons("Always"), [web]);
    let not_enforced = |pod| row(pod, "any", Because::NotEnforced, &[]);
    assert_eq!(reasons("Never"), [not_enforced("db"), not_enforced("web")]);
}
