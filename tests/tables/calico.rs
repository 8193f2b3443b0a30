//! Verdicts of Calico, a cluster a line; tests/cases/README.md has the form.
//!
//! Calico's own code gives such a table with 60,000 verdicts and what decides each, which can be lent by
//! the same name. Objects go the way of files: as JSON through the reader, strictly, and then through
//! the compiler.

use super::{Tally, Written, add_namespaces, labels_of, lent, lines, own, pod};
use netpol::cluster::{
    ACCOUNT_NAME_LABEL, ContainerPort, Family, Labels, Pod, Port, Protocol, Snapshot, Truth,
};
use netpol::objects::decode_text;
use netpol::policy::rule::{Action, Direction};
use netpol::policy::{Calico, CalicoVersion, Enforcer, Ruleset};
use netpol::verdict::{Endpoint, Flow, Reason, Trace, Verdict, judge};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

const TABLE: &str = "calico-truth.jsonl.gz";

#[derive(Deserialize)]
struct Cluster {
    case: usize,
    namespaces: BTreeMap<String, Written>,
    pods: Vec<TablePod>,
    objects: Vec<Value>,
    flows: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TablePod {
    namespace: String,
    name: String,
    labels: Written,
    service_account: String,
    ip: IpAddr,
    ports: Vec<TablePort>,
}

#[derive(Deserialize)]
struct TablePort {
    name: String,
    port: u16,
    protocol: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    src: String,
    dst: String,
    port: Option<u16>,
    protocol: String,
    icmp_type: Option<u16>,
    egress: String,
    ingress: String,
    egress_by: Option<String>,
    ingress_by: Option<String>,
}

impl Cluster {
    /// The labels that a pod inherits of its ServiceAccount; of one that is not written none.
    fn account(&self, pod: &TablePod) -> Vec<(String, String)> {
        let is = |object: &&Value| {
            object["kind"] == "ServiceAccount"
                && object["metadata"]["name"] == *pod.service_account
                && object["metadata"]["namespace"] == *pod.namespace
        };
        let account = self.objects.iter().find(is);
        let labels = account.and_then(|object| object["metadata"]["labels"].as_object());
        let labels = labels.into_iter().flatten();
        let labels = labels.map(|(k, v)| (format!("pcsa.{k}"), v.as_str().unwrap().to_owned()));
        let name = (ACCOUNT_NAME_LABEL.to_owned(), pod.service_account.clone());
        labels.chain([name]).collect()
    }

    fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        add_namespaces(&mut snapshot, &self.namespaces);
        for written in &self.pods {
            let ports = written.ports.iter().map(|declared| ContainerPort {
                name: Some(declared.name.as_str().into()),
                port: Port { protocol: declared.protocol.parse().unwrap(), number: declared.port },
                sidecar: false,
                host_port: None,
            });
            let account = self.account(written);
            let account = account.iter().map(|(k, v)| (k.as_str(), v.as_str()));
            let own = labels_of(&written.labels);
            let labels: Labels = own.iter().chain(account).collect();
            let called = (&*written.namespace, &*written.name);
            snapshot.add_pod(Pod {
                labels,
                service_account: written.service_account.as_str().into(),
                ..pod(called, &written.labels, written.ip, ports)
            });
        }
        snapshot
    }

    /// The cluster's policies, none of which may be refused.
    fn rules(&self, snapshot: &Snapshot) -> Ruleset {
        // The tables have all sets of a cluster; where there is none, one without addresses says so.
        let none = json!({
            "apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkSet",
            "metadata": {"name": "netpol-none"}, "spec": {"nets": []},
        });
        let items: Vec<&Value> = self.objects.iter().chain([&none]).collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
        let (objects, warnings) =
            decode_text(list.to_string().into_bytes(), Path::new("table.json"), "default");
        assert!(warnings.is_empty(), "case {}: {warnings:?}", self.case);
        let (_, written) = objects.assemble();
        let rules = Ruleset::compile(
            &written,
            snapshot,
            &Enforcer::Calico(Calico { version: Some(CalicoVersion::V3_32) }),
        );
        assert!(rules.rejected.is_empty(), "case {}: {:?}", self.case, rules.rejected);
        let unread = rules.cluster_wide_unread() || rules.unread_namespaces().next().is_some();
        assert!(!unread, "case {}: {:?}", self.case, rules.lints);
        rules
    }

    /// Whether some rule asks for what no question has, the source port or the code of ICMP, or
    /// namespaces of an administrator's policy may mean sets of addresses.
    fn asks_for_more(&self) -> bool {
        let text = self.objects.iter().map(Value::to_string).collect::<String>();
        let all = |words: &[&str]| words.iter().all(|word| text.contains(word));
        all(&["orts\":"]) || all(&["\"code\":"]) || all(&["ClusterNetworkPolicy", "NetworkSet"])
    }
}

/// What decides a direction, in the words of the table; of a policy of Kubernetes without its rule,
/// since Calico makes several of one.
fn decider(rules: &Ruleset, trace: &Trace) -> String {
    if let Some(tier) = trace.dropped_by() {
        return format!("{}|end-of-tier", tier.name);
    }
    let Some((policy, entry)) = trace.decided_by else {
        return if trace.reason == Reason::NotIsolated { "profile" } else { "?" }.to_owned();
    };
    let policy = rules.policy(policy);
    if policy.entries[entry].action == Action::Pass {
        return "profile".to_owned();
    }
    let kind = match &*policy.object.kind {
        "NetworkPolicy" => "KubernetesNetworkPolicy",
        "ClusterNetworkPolicy" => "KubernetesClusterNetworkPolicy",
        "NetworkPolicy.projectcalico.org" => "NetworkPolicy",
        other => other,
    };
    let namespace = policy.object.namespace.as_deref().map(|name| format!("{name}/"));
    let name = format!("{}{}", namespace.unwrap_or_default(), policy.object.name);
    let path = &policy.entries[entry].path;
    let index = path.split_once('[').map_or("?", |(_, rest)| rest.trim_end_matches(']'));
    let rule = if kind.starts_with("Kubernetes") { String::new() } else { format!("|{index}") };
    format!("{}|{kind}|{name}{rule}", policy.tier.as_str())
}

/// The same of the table.
fn told(by: &str) -> String {
    let parts: Vec<&str> = by.split('|').collect();
    match parts.as_slice() {
        ["profile", _] => "profile".to_owned(),
        [tier, kind, name, _] if kind.starts_with("Kubernetes") => format!("{tier}|{kind}|{name}"),
        _ => by.to_owned(),
    }
}

fn verdict(word: &str) -> Option<Verdict> {
    match word {
        "allow" => Some(Verdict::Allowed),
        "deny" => Some(Verdict::Denied),
        "none" => None,
        other => panic!("unknown word {other:?} in the table"),
    }
}

/// Judges a whole table: each direction must be as it says, and be decided by what it says.
///
/// What is not asked about has an Unknown verdict: source ports, and codes of ICMP. Such rows count as
/// skipped, and are met only where some rule of the cluster asks for these.
fn tally(path: &Path) -> Tally {
    let mut tally = Tally::default();
    for line in lines(path) {
        let cluster: Cluster = serde_json::from_str(&line).unwrap();
        let snapshot = cluster.snapshot();
        let rules = cluster.rules(&snapshot);
        let hidden = cluster.asks_for_more();
        let end = |name: &str| {
            // An address of a pod is the pod, in whatever form it is written.
            if let Ok(ip) = name.parse::<IpAddr>() {
                return snapshot.pod_at(ip).map_or(Endpoint::Address(ip), Endpoint::Pod);
            }
            let is = |pod: &TablePod| format!("{}/{}", pod.namespace, pod.name) == name;
            Endpoint::Pod(cluster.pods.iter().position(is).expect(name))
        };
        for row in &cluster.flows {
            let protocol = match row.protocol.as_str() {
                "ICMP" => Protocol::Icmp,
                "ICMPv6" => Protocol::IcmpV6,
                other => other.parse().unwrap(),
            };
            let number = row.icmp_type.filter(|_| !protocol.has_ports()).or(row.port).unwrap_or(0);
            let v6 = [&row.src, &row.dst].iter().any(|end| end.contains(':'));
            let v6 = v6 || snapshot.pods().first().is_some_and(|pod| pod.ips[0].is_ipv6());
            let flow = Flow {
                source: end(&row.src),
                destination: end(&row.dst),
                port: Port { protocol, number },
                family: if v6 { Family::V6 } else { Family::V4 },
                through_service: false,
            };
            if flow.source == flow.destination {
                // Of a pod's own address the table asks its egress as of any other.
                tally.skipped += 1;
                continue;
            }
            let judgement = judge(&snapshot, &rules, &flow);
            for (trace, expected, by) in [
                (&judgement.egress, &row.egress, &row.egress_by),
                (&judgement.ingress, &row.ingress, &row.ingress_by),
            ] {
                let Some(expected) = verdict(expected) else { continue };
                // What perhaps matches may be what decides.
                let perhaps = || {
                    let mut entries = trace.policies.iter().flat_map(|policy| &policy.entries);
                    entries.any(|entry| entry.matches() == Truth::Unknown)
                };
                let by_another = trace.verdict == expected
                    && by.as_deref().is_some_and(|by| told(by) != decider(&rules, trace))
                    && perhaps();
                if hidden && (trace.verdict == Verdict::Unknown || by_another) {
                    tally.skipped += 1;
                    continue;
                }
                tally.judged += 1;
                let (got, by) = (decider(&rules, trace), by.as_deref().map(told));
                if trace.verdict != expected || by.is_some_and(|by| by != got) {
                    let arrow =
                        if trace.direction == Direction::Egress { "out of" } else { "into" };
                    tally.wrong.push(format!(
                        "case {}: {} → {} {} {number}, {arrow}: {:?} by {got}, not {expected:?} by {by:?}",
                        cluster.case, row.src, row.dst, row.protocol, trace.verdict, by = (
                            &row.egress_by, &row.ingress_by
                        ),
                    ));
                }
            }
        }
    }
    tally
}

#[test]
fn every_verdict_of_the_calico_table() {
    let tally = tally(&own("calico.jsonl"));
    tally.expect_none_wrong(&own("calico.jsonl"));
}

#[test]
fn every_verdict_of_a_lent_calico_table() {
    let Some(path) = lent(TABLE) else { return };
    let tally = tally(&path);
    tally.expect_none_wrong(&path);
    assert!(tally.judged > 90_000, "the table has only {} rows", tally.judged);
    assert!(tally.skipped < tally.judged / 20, "{} rows are not judged", tally.skipped);
}
