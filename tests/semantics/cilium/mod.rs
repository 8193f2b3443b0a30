//! Cilium's policies, line by line: each test cites the rule of docs/semantics that it holds the
//! answer to, or stands below the one that its file cites.

mod absent;
mod defaultdeny;
mod deviations;
mod elements;
mod entities;
mod filter;
mod joined;
mod l7;
mod labels;
mod objects;
mod outside;
mod ports;
mod run;
mod sanitize;
mod services;
mod variables;

use super::{BASE, Cluster, enforced};
use netpol::cluster::{Family, Origin, PodId, Port, Protocol};
use netpol::objects::decode_text;
use netpol::policy::{Cilium, CiliumVersion, Enforcer, Ruleset, Spec, WrittenObject};
use netpol::verdict::{Endpoint, Flow, Judgement, judge};
use std::path::Path;

/// The settings of 1.19 in a cluster whose name is known.
fn settings() -> Cilium {
    Cilium { cluster_name: Some("home".into()), ..Cilium::new(CiliumVersion::V1_19) }
}

/// The base with these manifests after it, under Cilium 1.19.
fn cluster(manifests: &str) -> Cluster {
    with(settings(), manifests)
}

/// The base with these manifests after it, under Cilium with these settings.
fn with(settings: Cilium, manifests: &str) -> Cluster {
    enforced(&format!("{BASE}{manifests}"), &Enforcer::Cilium(settings))
}

/// The same, where Cilium's policies were read from a live cluster.
fn live(settings: Cilium, manifests: &str) -> Cluster {
    let text = format!("{BASE}{manifests}");
    let (objects, warnings) = decode_text(text.into(), Path::new("in.yaml"), "shop");
    assert!(warnings.is_empty(), "{warnings:?}");
    let (snapshot, mut written) = objects.assemble();
    let of_cilium = |written: &&mut WrittenObject| matches!(written.spec, Spec::Cilium(_));
    for policy in written.objects.iter_mut().filter(of_cilium) {
        policy.origin = Origin::Live { applied: None, owner: None };
    }
    let rules = Ruleset::compile(&written, &snapshot, &Enforcer::Cilium(settings));
    Cluster { snapshot, rules }
}

/// A CiliumNetworkPolicy of namespace shop; `body` is `spec: …` or `specs: …`.
fn object(name: &str, body: &str) -> String {
    format!(
        "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n\
         metadata: {{name: {name}, namespace: shop}}\n{body}\n"
    )
}

/// A CiliumNetworkPolicy of namespace shop.
fn cnp(name: &str, spec: &str) -> String {
    object(name, &format!("spec: {{{spec}}}"))
}

/// A CiliumClusterwideNetworkPolicy.
fn ccnp(name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\n\
         metadata: {{name: {name}}}\nspec: {{{spec}}}\n"
    )
}

/// A CiliumCIDRGroup.
fn group(name: &str, cidrs: &str) -> String {
    format!(
        "---\napiVersion: cilium.io/v2\nkind: CiliumCIDRGroup\n\
         metadata: {{name: {name}, labels: {{kind: {name}}}}}\nspec: {{externalCIDRs: {cidrs}}}\n"
    )
}

const API: &str = "endpointSelector: {matchLabels: {app: api}}";
const WEB: &str = "endpointSelector: {matchLabels: {app: web}}";

/// The policy `in` of shop with these elements of ingress for shop/api.
fn ingress(elements: &str) -> String {
    cnp("in", &format!("{API}, ingress: {elements}"))
}

/// The policy `out` of shop with these elements of egress for shop/web.
fn egress(elements: &str) -> String {
    cnp("out", &format!("{WEB}, egress: {elements}"))
}

/// Checks lines `SOURCE → DESTINATION is VERDICT` under Cilium 1.19; nothing may be rejected.
fn holds(manifests: &str, lines: &[&str]) {
    holds_with(settings(), manifests, lines);
}

fn holds_with(settings: Cilium, manifests: &str, lines: &[&str]) {
    let cluster = with(settings, manifests);
    assert_eq!(cluster.rejected(), [""; 0], "{manifests}");
    cluster.holds(lines);
}

/// The one thing for which the agent rejects a policy, which then has no effect.
fn rejected(manifests: &str, path: &str, part: &str) {
    rejected_with(settings(), manifests, path, part);
}

fn rejected_with(settings: Cilium, manifests: &str, path: &str, part: &str) {
    let cluster = with(settings, manifests);
    let rejected = cluster.rejected();
    let [fault] = rejected.as_slice() else { panic!("{rejected:?} of {manifests}") };
    assert!(fault.contains(&format!(": {path} ")) && fault.contains(part), "{fault}");
    cluster.holds(&["web → api:80 is Allowed", "web → 203.0.113.7:443 is Allowed"]);
}

/// The one lint there is.
fn lint(cluster: &Cluster, part: &str) {
    let lints = cluster.lints();
    assert!(lints.iter().any(|lint| lint.contains(part)), "{lints:?} without {part:?}");
}

/// The conditions of the only case, both directions, in words.
fn conditions(cluster: &Cluster, question: &str) -> Vec<String> {
    let answer = cluster.ask(question);
    let judgement = &answer.only().judgement;
    let all = judgement.egress.conditions.iter().chain(&judgement.ingress.conditions);
    all.map(|condition| condition.words.to_string()).collect()
}

/// Judges ICMP of a type from one pod of shop to another.
fn icmp(cluster: &Cluster, protocol: Protocol, number: u16, family: Family) -> Judgement {
    let pod = |name: &str| -> PodId {
        cluster.snapshot.pods().iter().position(|pod| &*pod.name == name).unwrap()
    };
    let flow = Flow {
        source: Endpoint::Pod(pod("web")),
        destination: Endpoint::Pod(pod("api")),
        port: Port { protocol, number },
        family,
        through_service: false,
    };
    judge(&cluster.snapshot, &cluster.rules, &flow)
}
