//! Any words as selectors of every dialect, over pods with any labels.
//!
//! A selector of labels means in NetworkPolicies, in ClusterNetworkPolicies and in Cilium's and Calico's
//! policies what its expressions say of each label; one of Calico's language and what denies it share no
//! pod and leave none out.

use crate::cluster::world;
use crate::dice::Dice;
use crate::read_back;
use netpol::cluster::{Family, Port, Protocol};
use netpol::ends::{End, Endpoint};
use netpol::policy::{Calico, Cilium, CiliumVersion, Enforcer};
use netpol::printable::printable;
use netpol::verdict::{Flow, Verdict, judge};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An expression: a key, an operator, values.
type Asked<'a> = (&'a str, &'a str, Vec<&'a str>);

const OPERATORS: [&str; 4] = ["In", "NotIn", "Exists", "DoesNotExist"];

/// What an expression says of labels.
fn matches(labels: &BTreeMap<&str, &str>, (key, operator, values): &Asked<'_>) -> bool {
    let value = labels.get(key);
    match *operator {
        "In" => value.is_some_and(|value| values.contains(value)),
        "NotIn" => value.is_none_or(|value| !values.contains(value)),
        "Exists" => value.is_some(),
        _ => value.is_none(),
    }
}

/// A policy that denies all that comes to the pods of a selector.
fn policies(selector: &Value) -> [(Value, Enforcer); 4] {
    let cilium = Enforcer::Cilium(Cilium::new(CiliumVersion::V1_20));
    let meta = json!({"name": "p", "namespace": "a"});
    [
        (
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta,
                "spec": {"podSelector": selector, "policyTypes": ["Ingress"]}}),
            Enforcer::Kubernetes,
        ),
        (
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta,
                "spec": {"podSelector": selector, "policyTypes": ["Ingress"]}}),
            Enforcer::Calico(Calico::default()),
        ),
        (
            json!({"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": meta,
                "spec": {"endpointSelector": selector, "ingress": [{}]}}),
            cilium,
        ),
        (
            json!({"apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy",
                "metadata": {"name": "p"},
                "spec": {"tier": "Admin", "priority": 1,
                    "subject": {"pods": {"namespaceSelector": {}, "podSelector": selector}},
                    "ingress": [{"action": "Deny", "from": [{"namespaces": {}}]}]}}),
            Enforcer::Kubernetes,
        ),
    ]
}

/// Whether a flow from the second pod reaches the first; `None` where it is not known, or where the policy
/// is not taken.
fn reached(labels: &BTreeMap<&str, &str>, policy: Value, enforcer: &Enforcer) -> Option<bool> {
    let pod = |name: &str, labels: Value, ip: &str| {
        json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "a", "labels": labels},
            "spec": {"containers": []}, "status": {"podIPs": [{"ip": ip}], "phase": "Running"}})
    };
    let objects = [
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}),
        pod("x", json!(labels), "10.0.0.2"),
        pod("y", json!({}), "10.0.0.3"),
        policy,
    ];
    let known = world(&objects, enforcer);
    for warning in &known.warnings {
        read_back::text(&warning.to_string());
    }
    let at = |name: &str| known.snapshot.pods().iter().position(|pod| *pod.name == *name);
    let (Some(to), Some(from)) = (at("x"), at("y")) else { return None };
    for fault in known.rules.rejected.iter().chain(&known.rules.lints).flat_map(|it| &it.faults) {
        read_back::text(&printable(&fault.message));
    }
    if known.rules.policies().is_empty() || !known.warnings.is_empty() {
        return None;
    }
    let flow = Flow {
        source: Endpoint::from(End::Pod(from)),
        destination: Endpoint::from(End::Pod(to)),
        port: Port { protocol: Protocol::Tcp, number: 80 },
        family: Family::V4,
        through_service: false,
    };
    match judge(&known.snapshot, &known.rules, &flow).verdict {
        Verdict::Allowed => Some(true),
        Verdict::Denied => Some(false),
        _ => None,
    }
}

/// See above.
pub fn selectors(bytes: &[u8]) {
    let (head, text) = bytes.split_at(bytes.len().min(48));
    let text = String::from_utf8_lossy(text);
    let mut dice = Dice::new(head);
    let words: Vec<&str> = text.lines().take(8).collect();
    let word = |dice: &mut Dice<'_>| words.get(dice.below(9)).copied().unwrap_or("a");
    let labels: BTreeMap<&str, &str> =
        (0..dice.below(4)).map(|_| (word(&mut dice), word(&mut dice))).collect();
    let expressions: Vec<Asked<'_>> = (0..dice.below(4))
        .map(|_| {
            let (key, operator) = (word(&mut dice), dice.pick(&OPERATORS));
            let many = if operator.ends_with("In") { 1 + dice.below(2) } else { 0 };
            (key, operator, (0..many).map(|_| word(&mut dice)).collect())
        })
        .collect();
    let selector = json!({"matchExpressions": expressions.iter().map(|(key, operator, values)| {
        if values.is_empty() {
            json!({"key": key, "operator": operator})
        } else {
            json!({"key": key, "operator": operator, "values": values})
        }
    }).collect::<Vec<_>>()});
    let selected = expressions.iter().all(|expression| matches(&labels, expression));
    // Cilium gives some keys a meaning of its own, and takes others for no part of an identity.
    let plain = |key: &str| key.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let plain = labels.keys().copied().chain(expressions.iter().map(|it| it.0)).all(plain);
    for (policy, enforcer) in policies(&selector) {
        if matches!(enforcer, Enforcer::Cilium(_)) && !plain {
            continue;
        }
        if let Some(reached) = reached(&labels, policy, &enforcer) {
            assert_eq!(reached, !selected, "{enforcer:?}: {selector} of {labels:?}");
        }
    }
    // Calico's own language: what is left of the text is an expression.
    let calico = Enforcer::Calico(Calico::default());
    let told = |selector: String| {
        let policy = json!({"apiVersion": "projectcalico.org/v3", "kind": "NetworkPolicy",
            "metadata": {"name": "p", "namespace": "a"},
            "spec": {"selector": selector, "types": ["Ingress"]}});
        reached(&labels, policy, &calico)
    };
    let expression = text.lines().skip(8).collect::<Vec<_>>().join(" ");
    if let (Some(one), Some(other)) = (told(expression.clone()), told(format!("!({expression})"))) {
        assert_ne!(one, other, "{expression:?} of {labels:?}");
    }
}
