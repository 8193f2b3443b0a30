//! Selectors that nothing can match.
//!
//! In: a ruleset. Out: each selector whose requirements contradict each other, with where it stands.

use super::labels::contradict;
use crate::cluster::{Bringer, NAMESPACE_NAME_LABEL, SERVICE_ACCOUNT_LABEL};
use crate::policy::Ruleset;
use crate::policy::rule::{Namespaces, PeerKind, Peers, PodSet};
use std::collections::BTreeSet;

/// A selector that nothing can match.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dead {
    /// The policy and the field path of the peer; empty for its subject.
    pub at: Bringer,
    /// The selector, as kubectl writes one.
    pub selector: String,
}

/// Whether nothing can be in a set.
pub(super) fn is_dead(set: &PodSet) -> bool {
    let spaces = match &set.namespaces {
        Namespaces::Own(_) => false,
        Namespaces::Matching(selector) => {
            contradict(&selector.requirements, &[NAMESPACE_NAME_LABEL])
        }
    };
    spaces || contradict(&set.pods.requirements, &[SERVICE_ACCOUNT_LABEL])
}

/// Every selector of these rules that nothing can match.
pub fn dead(rules: &Ruleset) -> Vec<Dead> {
    let words = |set: &PodSet| match &set.namespaces {
        Namespaces::Matching(selector) if !selector.is_everything() => {
            format!("pods[{}] in namespaces[{selector}]", set.pods)
        }
        _ => format!("pods[{}]", set.pods),
    };
    let mut all = BTreeSet::new();
    for policy in rules.policies() {
        let mut add = |set: &PodSet, path: &str| {
            if is_dead(set) {
                let at = Bringer { object: policy.object.clone(), path: path.into() };
                all.insert(Dead { at, selector: words(set) });
            }
        };
        add(&policy.subject, "");
        for entry in &policy.entries {
            let Peers::Of(items) = &entry.peers else { continue };
            for item in items {
                if let PeerKind::Pods(set) = &item.admits {
                    add(set, &item.path);
                }
            }
        }
    }
    all.into_iter().collect()
}
