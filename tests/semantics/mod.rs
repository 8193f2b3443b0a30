//! The specification, line by line: each test cites the rule of docs/semantics that it holds the
//! answer to.
//!
//! A test is one manifest snippet over [`BASE`], and questions with their verdicts in one line each.

mod admin;
mod calico;
mod cilium;
mod defaults;
mod endpoints;
mod entries;
mod exemptions;
mod led;
mod lifecycle;
mod model;
mod names;
mod other_kinds;
mod peers;
mod ports;
mod selectors;
mod services;
mod system;
mod templates;
mod validation;
mod variables;
mod ways;

use ipnet::IpNet;
use netpol::answer::{ExplanationReport, FlowReport};
use netpol::cluster::{Family, Snapshot};
use netpol::ends::ResolveError;
use netpol::objects::decode_text;
use netpol::policy::{Enforcer, Remark, Ruleset};
use netpol::verdict::{
    self, Case, EntryTrace, Explanation, PeerMiss, PolicyTrace, PortMiss, Question, Reason, Trace,
    Verdict,
};
use netpol_plugins::render::{Format, Page, render};
use std::path::Path;

/// Two namespaces, two nodes, and three pods, none of them isolated:
///
/// | pod          | labels              | node | address    | ports               |
/// |--------------|---------------------|------|------------|---------------------|
/// | shop/api     | app=api, tier=back  | n1   | 10.0.1.10  | http 8080, dns 5353/UDP |
/// | shop/web     | app=web             | n2   | 10.0.1.11  |                     |
/// | other/client | app=web             | n2   | 10.0.2.20  |                     |
const BASE: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: red}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: other, labels: {team: blue}}}
---
{apiVersion: v1, kind: Node, metadata: {name: n1}, status: {addresses: [{address: 192.168.0.1}]}}
---
{apiVersion: v1, kind: Node, metadata: {name: n2}, status: {addresses: [{address: 192.168.0.2}]}}
---
apiVersion: v1
kind: Pod
metadata: {name: api, namespace: shop, labels: {app: api, tier: back}}
spec:
  nodeName: n1
  containers:
  - ports:
    - {name: http, containerPort: 8080}
    - {name: dns, containerPort: 5353, protocol: UDP}
status: {podIPs: [{ip: 10.0.1.10}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {nodeName: n2}
status: {podIPs: [{ip: 10.0.1.11}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: other, labels: {app: web}}
spec: {nodeName: n2}
status: {podIPs: [{ip: 10.0.2.20}]}
";

/// A NetworkPolicy of namespace shop.
fn policy(name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
         metadata: {{name: {name}, namespace: shop}}\nspec: {{{spec}}}\n"
    )
}

/// The policy `in` with these ingress rules for shop/api.
fn ingress(rules: &str) -> String {
    let spec = "podSelector: {matchLabels: {app: api}}, policyTypes: [Ingress], ingress: ";
    policy("in", &format!("{spec}{rules}"))
}

/// The policy `out` with these egress rules for shop/web.
fn egress(rules: &str) -> String {
    let spec = "podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: ";
    policy("out", &format!("{spec}{rules}"))
}

/// A running pod with more fields of its spec.
fn pod(namespace: &str, name: &str, app: &str, ip: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Pod\n\
         metadata: {{name: {name}, namespace: {namespace}, labels: {{app: {app}}}}}\n\
         spec: {{{spec}}}\nstatus: {{podIPs: [{{ip: \"{ip}\"}}]}}\n"
    )
}

/// What was read, ready for questions.
struct Cluster {
    snapshot: Snapshot,
    rules: Ruleset,
}

/// The base with these manifests after it. Nothing may be lost in reading.
fn cluster(manifests: &str) -> Cluster {
    bare(&format!("{BASE}{manifests}"))
}

/// These manifests alone; objects without a namespace are in shop.
fn bare(manifests: &str) -> Cluster {
    enforced(manifests, &Enforcer::default())
}

/// These manifests alone, as this enforcer reads them.
fn enforced(manifests: &str, enforcer: &Enforcer) -> Cluster {
    let (objects, warnings) = decode_text(manifests.into(), Path::new("in.yaml"), "shop");
    assert!(warnings.is_empty(), "{warnings:?}");
    let (snapshot, written) = objects.assemble();
    Cluster { rules: Ruleset::compile(&written, &snapshot, enforcer), snapshot }
}

/// The same with what is staged in force.
fn with_staged(manifests: &str, enforcer: &Enforcer) -> Cluster {
    let (objects, warnings) = decode_text(manifests.into(), Path::new("in.yaml"), "shop");
    assert!(warnings.is_empty(), "{warnings:?}");
    let (snapshot, mut written) = objects.assemble();
    written.enforce_staged();
    Cluster { rules: Ruleset::compile(&written, &snapshot, enforcer), snapshot }
}

impl Cluster {
    /// With the pods' networks, as `--pod-cidr` sets them.
    fn pod_cidrs(mut self, cidrs: &[&str]) -> Self {
        self.snapshot.pod_cidrs = cidrs.iter().map(|cidr| cidr.parse::<IpNet>().unwrap()).collect();
        self
    }

    /// The answer to `SOURCE → DESTINATION`, names without a namespace being of shop.
    fn ask(&self, question: &str) -> Answer<'_> {
        let explanation = self.try_ask(question).unwrap_or_else(|e| panic!("{question}: {e}"));
        Answer { cluster: self, explanation }
    }

    fn try_ask(&self, question: &str) -> Result<Explanation, ResolveError> {
        let (source, destination) = question.split_once(" → ").expect("SOURCE → DESTINATION");
        let question = Question {
            source: &source.parse().unwrap_or_else(|e| panic!("{source}: {e}")),
            destination: &destination.parse().unwrap_or_else(|e| panic!("{destination}: {e}")),
            port: None,
            namespace: "shop",
        };
        verdict::explain(&self.snapshot, &self.rules, &question)
    }

    /// Why a question cannot be answered.
    fn refusal(&self, question: &str) -> String {
        self.try_ask(question).expect_err(question).to_string()
    }

    /// Checks lines `SOURCE → DESTINATION is VERDICT`.
    fn holds(&self, lines: &[&str]) {
        for line in lines {
            let (question, expected) = line.split_once(" is ").expect("… is VERDICT");
            let answer = self.ask(question);
            assert_eq!(answer.verdict(), expected, "{question}\n{}", answer.text());
        }
    }

    fn rejected(&self) -> Vec<String> {
        remarks(&self.rules.rejected)
    }

    fn lints(&self) -> Vec<String> {
        remarks(&self.rules.lints)
    }
}

fn remarks(remarks: &[Remark]) -> Vec<String> {
    let of = |remark: &Remark| -> Vec<String> {
        let faults = remark.faults.iter();
        faults.map(|fault| format!("{}: {} {}", remark.object, fault.path, fault.message)).collect()
    };
    remarks.iter().flat_map(of).collect()
}

/// Checks lines `SOURCE → DESTINATION is VERDICT` over the base with these manifests.
fn holds(manifests: &str, lines: &[&str]) {
    let cluster = cluster(manifests);
    assert_eq!(cluster.rejected(), [""; 0], "{manifests}");
    cluster.holds(lines);
}

/// An answer with what it speaks of.
struct Answer<'a> {
    cluster: &'a Cluster,
    explanation: Explanation,
}

impl Answer<'_> {
    fn verdict(&self) -> &'static str {
        self.explanation.verdict().map_or("Mixed", Verdict::as_str)
    }

    /// The only case there is.
    fn only(&self) -> &Case {
        let [case] = self.explanation.cases.as_slice() else { panic!("{}", self.text()) };
        case
    }

    fn ingress(&self) -> &Trace {
        &self.only().judgement.ingress
    }

    fn egress(&self) -> &Trace {
        &self.only().judgement.egress
    }

    /// Egress and ingress of the only case.
    fn reasons(&self) -> (Reason, Reason) {
        (self.egress().reason, self.ingress().reason)
    }

    /// Ends, ports, family and verdict of every case.
    fn cases(&self) -> Vec<String> {
        let flows = self.report().flows;
        let family = |family: Option<Family>| family.map_or(String::new(), |f| format!(" {f}"));
        let line = |flow: FlowReport| {
            let (to, ports) = (flow.to.join(" "), &flow.ports);
            format!("{to} {ports}{} {}", family(flow.family), flow.verdict.as_str())
        };
        flows.into_iter().map(line).collect()
    }

    fn notes(&self) -> String {
        self.report().notes.join("\n")
    }

    fn report(&self) -> ExplanationReport {
        let Cluster { snapshot, rules } = self.cluster;
        ExplanationReport::new(&self.explanation, snapshot, rules, &|_, _| None)
    }

    fn text(&self) -> String {
        let page = Page { width: 400, brief: false };
        let mut text = Vec::new();
        render(&self.report(), Format::Wide, page, &mut text).unwrap();
        anstream::adapter::strip_str(str::from_utf8(&text).unwrap()).to_string()
    }
}

/// The rule that admits or comes nearest, of the policy that comes nearest.
fn nearest(trace: &Trace) -> &EntryTrace {
    let policy = trace.policies.iter().max_by_key(|policy| policy.nearness());
    policy.and_then(PolicyTrace::nearest).expect("a rule").1
}

fn peer_miss(trace: &Trace) -> &PeerMiss {
    nearest(trace).peer_miss.as_ref().expect("a peer that misses")
}

fn port_miss(trace: &Trace) -> &PortMiss {
    nearest(trace).port_miss.as_ref().expect("a port that misses")
}
