//! Where an engine and our answer may differ, each by its name and with its source. Nothing else is
//! excused.

use crate::random::{WrittenEnd, WrittenFlow};
use serde_json::Value;

/// An answer that differs.
pub(super) struct Seen<'a> {
    pub(super) cluster: &'a [Value],
    pub(super) flow: &'a WrittenFlow,
    pub(super) ours: char,
    pub(super) theirs: char,
}

impl Seen<'_> {
    /// The manifest of an end that is a pod.
    fn pod(&self, end: &WrittenEnd) -> Option<&Value> {
        let WrittenEnd::Pod(namespace, name) = end else { return None };
        self.cluster.iter().find(|object| {
            let metadata = &object["metadata"];
            object["kind"] == "Pod"
                && metadata["namespace"] == **namespace
                && metadata["name"] == **name
        })
    }

    /// Whether the flow comes from the node of the pod that it leads to, or from its network.
    fn is_from_own_node(&self) -> bool {
        let node = self.pod(&self.flow.to).map(|pod| &pod["spec"]["nodeName"]);
        let Some(node) = node.and_then(Value::as_str) else { return false };
        match &self.flow.from {
            WrittenEnd::Node(name) => name == node,
            from => self.pod(from).is_some_and(|pod| {
                pod["spec"]["hostNetwork"] == true && pod["spec"]["nodeName"] == node
            }),
        }
    }
}

/// A difference that is known.
pub(super) struct Deviation {
    /// What it is called in the tally.
    pub(super) name: &'static str,
    /// Whether it is this one.
    pub(super) applies: fn(&Seen<'_>) -> bool,
}

/// Whether two ports of one pod have one name.
fn names_twice(pod: &Value) -> bool {
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    let ports = containers.flat_map(|it| it["ports"].as_array().into_iter().flatten());
    let mut names: Vec<&str> = ports.filter_map(|it| it["name"].as_str()).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

pub(super) const DEVIATIONS: &[Deviation] = &[
    // docs/semantics/cilium-ports.md#named-ports: a name that two containers of a pod have is that of
    // the last one to Cilium (GetPodMetadata of pkg/k8s/labels.go); here it is either's: not followed yet.
    Deviation {
        name: "a name of a port that a pod has twice",
        applies: |seen| seen.pod(&seen.flow.to).is_some_and(names_twice),
    },
    // docs/semantics/cilium-rules.md#cidr-groups: a group that was not read may have any address, and any
    // label; the engine knows that there is none.
    Deviation {
        name: "CIDR groups that may not have been read",
        applies: |seen| {
            let asks = |object: &Value| object.to_string().contains("cidrGroup");
            seen.ours == '?' && seen.cluster.iter().any(asks)
        },
    },
    // docs/semantics/cilium-verdicts.md#allow-localhost: in 1.20 layer 7 rules hold for the own node
    // too; here they are void for it in every version: not followed yet.
    Deviation {
        name: "layer 7 rules for the own node",
        applies: |seen| (seen.ours, seen.theirs) == ('a', 'c') && seen.is_from_own_node(),
    },
];
