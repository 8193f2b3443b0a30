//! Where the specification is silent and an answer depends on it.
//!
//! In: judged cases. Out: a sentence for each thing that network plugins may see differently.

use super::explain::Case;
use super::trace::{PolicyTrace, Verdict};
use crate::cluster::{Name, Port, PortNames, Snapshot};
use crate::ends::Endpoint;
use crate::policy::Ruleset;
use crate::policy::rule::{Entry, PeerKind, Peers, Ports};
use std::net::IpAddr;

/// Every remark, once.
pub(super) fn remarks(
    snapshot: &Snapshot,
    rules: &Ruleset,
    own: &[IpAddr],
    cases: &[Case],
) -> Vec<String> {
    let mut remarks = Vec::new();
    for case in cases {
        remarks.extend(service_address(own, rules, case));
        remarks.extend(sidecar_name(snapshot, rules, case));
    }
    let mut told: Vec<String> = Vec::new();
    for remark in remarks {
        if !told.contains(&remark) {
            told.push(remark);
        }
    }
    told
}

/// A block that has the Service's own address, where the flow is not admitted without it.
///
/// Source: docs/semantics/services.md#cluster-addresses: ipBlock on a `ClusterIP` is undefined;
/// docs/semantics/cilium-networkpolicy.md#ipblock-and-services.
fn service_address(own: &[IpAddr], rules: &Ruleset, case: &Case) -> Option<String> {
    let egress = &case.judgement.egress;
    if egress.verdict == Verdict::Allowed {
        return None;
    }
    entries(rules, &egress.policies).find_map(|(object, entry)| {
        let Peers::Of(peers) = &entry.peers else { return None };
        let has = |ip: &&IpAddr| {
            peers.iter().any(|p| matches!(&p.admits, PeerKind::Addresses(b, _) if b.contains(**ip)))
        };
        let ip = own.iter().find(has)?;
        let then = if rules.cilium().is_some() {
            ", which Cilium's policies never see: the Service is translated first"
        } else {
            "; whether policies see that address is undefined, and here they see the pods'"
        };
        Some(format!("{object} {} has the Service's own address {ip}{then}", entry.path))
    })
}

/// A rule that names a port of a restartable init container.
///
/// Source: docs/semantics/networkpolicy.md#named-ports: the specification is silent on those.
fn sidecar_name(snapshot: &Snapshot, rules: &Ruleset, case: &Case) -> Option<String> {
    let Endpoint::Pod(id) = case.flow.destination else { return None };
    if rules.enforcer().port_names() == PortNames::Last {
        return None;
    }
    let pod = snapshot.pod(id);
    let judged: Port = case.flow.port;
    let names: Vec<&Name> = pod
        .ports
        .iter()
        .filter(|declared| declared.sidecar && declared.port == judged)
        .filter_map(|declared| declared.name.as_ref())
        .collect();
    let policies = [&case.judgement.egress.policies, &case.judgement.ingress.policies];
    let mut entries = policies.into_iter().flat_map(|policies| entries(rules, policies));
    entries.find_map(|(object, entry)| {
        let Ports::Of(items) = &entry.ports else { return None };
        let item = items.iter().find(|item| {
            item.protocol == judged.protocol && item.names().any(|name| names.contains(&name))
        })?;
        Some(format!(
            "{object} {} means port {item} of a restartable init container: here such ports \
             count, and the specification does not say whether they do",
            entry.path
        ))
    })
}

/// Every rule of these policies, with the policy's name.
fn entries<'a>(
    rules: &'a Ruleset,
    policies: &'a [PolicyTrace],
) -> impl Iterator<Item = (String, &'a Entry)> {
    policies.iter().flat_map(|trace| {
        let policy = rules.policy(trace.policy);
        policy.entries.iter().map(|entry| (policy.object.to_string(), entry))
    })
}
