//! What another version of Cilium reads otherwise, so that an upgrade changes what is allowed.
//!
//! In: the rules of one side, and the version that they are judged by. Out: blocks that up to 1.19 let in the pods
//! of the namespace too, patterns of names that are one level to 1.18, and labels that identities have up to 1.18.
//! What the lowering tells by itself is not told again.

use super::found::AllFound;
use super::known::subject_path;
use crate::cluster::{Operator, Requirement};
use crate::lints::Lint;
use crate::policy::networkpolicy::IP_BLOCK_DEFECT;
use crate::policy::rule::{NameSet, Peer, PeerKind, Peers, Policy};
use crate::policy::{CiliumVersion, Ruleset};

/// What identities leave out from 1.19 on.
///
/// Source: docs/semantics/cilium-labels.md#label-filter.
const LEFT_OUT: &str = "topology.kubernetes.io/";

/// Tells of every rule.
pub(super) fn versions(rules: &Ruleset, found: &mut AllFound) {
    let Some(cilium) = rules.cilium() else { return };
    let old = cilium.version == CiliumVersion::V1_18;
    for policy in rules.policies().iter().filter(|policy| policy.not_judged().is_none()) {
        if old {
            labels(policy, &policy.subject.pods.requirements, found);
        }
        for entry in &policy.entries {
            let Peers::Of(items) = &entry.peers else { continue };
            for item in items {
                blocks(policy, item, found);
                match &item.admits {
                    PeerKind::Pods(set) if old => {
                        labels(policy, &set.pods.requirements, found);
                    }
                    PeerKind::Names(names) => patterns(policy, item, names, old, found),
                    _ => {}
                }
            }
        }
    }
}

/// Source: docs/semantics/cilium-networkpolicy.md#ipblock-alone-admits-the-namespace.
fn blocks(policy: &Policy, item: &Peer, found: &mut AllFound) {
    let PeerKind::Pods(set) = &item.admits else { return };
    if set.doubt.as_deref() == Some(IP_BLOCK_DEFECT) {
        let message = "is an ipBlock, by which Cilium 1.19 lets every pod of the policy's own namespace in too, \
                       until the fix of cilium/cilium#46305; other versions do not";
        found.add(Lint::VersionDependent, policy, &item.path, message);
    }
}

/// Source: docs/semantics/cilium-labels.md#label-filter.
fn labels(policy: &Policy, requirements: &[Requirement], found: &mut AllFound) {
    for requirement in requirements.iter().filter(|it| it.key.starts_with(LEFT_OUT)) {
        let absent = !matches!(requirement.operator, Operator::In(_) | Operator::Exists);
        let means = if absent { "holds of every pod" } else { "means no pod" };
        let path = requirement.path().unwrap_or_else(|| subject_path(policy));
        let message = format!(
            "asks for {requirement}: from Cilium 1.19 on identities do not have this label, and what asks for it \
             {means}"
        );
        found.add(Lint::VersionDependent, policy, &path, message);
    }
}

/// Source: docs/semantics/cilium-rules.md#names.
fn patterns(policy: &Policy, item: &Peer, names: &NameSet, old: bool, found: &mut AllFound) {
    for pattern in names.patterns.iter().map(ToString::to_string) {
        if !pattern.starts_with("**.") {
            continue;
        }
        let message = if old {
            format!(
                "{pattern} is one level before the name to Cilium 1.18, and any number from 1.19 on"
            )
        } else {
            format!("{pattern} is any number of levels before the name, and one to Cilium 1.18")
        };
        found.add(Lint::VersionDependent, policy, &item.path, message);
    }
}
