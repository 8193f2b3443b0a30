//! Where an engine and our answer may differ, each by its name and with its source. Nothing else is
//! excused.

use super::compare::Engine;
use crate::random::{WrittenEnd, WrittenFlow};
use netpol::policy::CiliumVersion;
use serde_json::Value;

/// An answer that differs.
pub(super) struct Seen<'a> {
    pub(super) engine: Engine,
    pub(super) cluster: &'a [Value],
    pub(super) flow: &'a WrittenFlow,
    /// Whether it is about ingress of the destination; an engine that judges whole flows says neither.
    pub(super) ingress: bool,
    pub(super) ours: char,
    pub(super) theirs: char,
}

impl Seen<'_> {
    /// Whether Cilium said it, of whatever version.
    fn is_cilium(&self) -> bool {
        matches!(self.engine, Engine::Cilium(_))
    }

    /// Whether we leave open what the engine knows, or only whether there is a condition.
    fn is_perhaps(&self) -> bool {
        self.ours == '?' || (self.ours, self.theirs) == ('c', 'a')
    }

    /// Whether kube-network-policies said it, and some administrator's policy has one of these fields.
    fn is_of_administrators(&self, fields: &[&str]) -> bool {
        let has = |object: &&Value| {
            let text = object.to_string();
            fields.iter().any(|field| text.contains(&format!("\"{field}\":")))
        };
        self.engine == Engine::KubeNetworkPolicies && self.administrators().any(|it| has(&it))
    }

    fn administrators(&self) -> impl Iterator<Item = &Value> {
        let of = |object: &&Value| {
            let version = object["apiVersion"].as_str().unwrap_or_default();
            version.starts_with("policy.networking.k8s.io/")
        };
        self.cluster.iter().filter(of)
    }

    /// Whether both ends are pods of one namespace, and a NetworkPolicy there admits a block alone.
    fn is_admitted_by_a_block_alone(&self) -> bool {
        let (WrittenEnd::Pod(from, _), WrittenEnd::Pod(to, _)) = (&self.flow.from, &self.flow.to)
        else {
            return false;
        };
        let admits = |rule: &Value| {
            let peers = rule["from"].as_array().map_or(&[][..], Vec::as_slice);
            peers.iter().any(|peer| peer["ipBlock"].is_object())
        };
        from == to
            && self.cluster.iter().any(|object| {
                let rules = object["spec"]["ingress"].as_array().map_or(&[][..], Vec::as_slice);
                object["kind"] == "NetworkPolicy"
                    && object["metadata"]["namespace"] == **to
                    && rules.iter().any(admits)
            })
    }

    /// Whether a NetworkPolicy speaks for one direction only in the namespace of an end.
    fn has_half_a_policy(&self) -> bool {
        self.cluster.iter().filter(|object| object["kind"] == "NetworkPolicy").any(|object| {
            let here = |end: &WrittenEnd| match end {
                WrittenEnd::Pod(namespace, _) => object["metadata"]["namespace"] == **namespace,
                _ => false,
            };
            let types = object["spec"]["policyTypes"].as_array();
            // Either may be there twice.
            let has = |of: &str| types.is_some_and(|types| types.iter().any(|it| *it == of));
            !(has("Ingress") && has("Egress")) && (here(&self.flow.from) || here(&self.flow.to))
        })
    }
}

/// Whether an expression says that a label of Cilium's own is not there.
fn asks_for_no_reserved_label(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(asks_for_no_reserved_label),
        Value::Object(fields) => {
            let key = fields.get("key").and_then(Value::as_str).unwrap_or_default();
            let absent = fields.get("operator").is_some_and(|it| it == "DoesNotExist");
            absent && key.starts_with("reserved:")
                || fields.values().any(asks_for_no_reserved_label)
        }
        _ => false,
    }
}

/// Whether a selector asks for a label of any source, and for no namespace or cluster that must be there.
fn asks_any_source(value: &Value) -> bool {
    let fields = match value {
        Value::Array(items) => return items.iter().any(asks_any_source),
        Value::Object(fields) => fields,
        _ => return false,
    };
    let labels = fields.get("matchLabels").and_then(Value::as_object);
    let expressions = fields.get("matchExpressions").and_then(Value::as_array);
    let keys: Vec<&str> = labels
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .chain(expressions.into_iter().flatten().filter_map(|it| it["key"].as_str()))
        .collect();
    let bare = |key: &str| key.strip_prefix("any:").unwrap_or(key).to_owned();
    let lifts = |key: &str| {
        key.starts_with("reserved:")
            || key.contains("io.cilium.k8s.namespace.labels.")
            || key.contains("io.kubernetes.pod.namespace")
    };
    let any = |key: &str| !lifts(key) && !bare(key).contains(':');
    keys.iter().any(|key| lifts(key)) && keys.iter().any(|key| any(key))
        || fields.values().any(asks_any_source)
}

/// Whether a port is given by its name.
fn names_ports(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(names_ports),
        Value::Object(fields) => {
            let port = fields.get("port").and_then(Value::as_str);
            port.is_some_and(|port| port.parse::<u16>().is_err())
                || fields.values().any(names_ports)
        }
        _ => false,
    }
}

/// Whether labels name a key both without a source and with `any:`.
fn asks_one_key_twice(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(asks_one_key_twice),
        Value::Object(fields) => {
            let labels = fields.get("matchLabels").and_then(Value::as_object);
            let twice = |labels: &serde_json::Map<String, Value>| {
                labels.keys().any(|key| labels.contains_key(&format!("any:{key}")))
            };
            labels.is_some_and(twice) || fields.values().any(asks_one_key_twice)
        }
        _ => false,
    }
}

/// A difference that is known.
pub(super) struct Deviation {
    /// What it is called in the tally.
    pub(super) name: &'static str,
    /// Whether the engine departs from what is specified; else it knows what is not known here.
    pub(super) departs: bool,
    /// Whether it is this one.
    pub(super) applies: fn(&Seen<'_>) -> bool,
}

pub(super) const DEVIATIONS: &[Deviation] = &[
    // docs/semantics/cilium-rules.md#cidr-groups: an address in several groups has labels of each; which of
    // them a selector finds, the engine knows, and here it is not known.
    Deviation {
        name: "selectors of CIDR groups, and addresses that several have",
        departs: false,
        applies: |seen| {
            let other = if seen.ingress { &seen.flow.from } else { &seen.flow.to };
            let groups = seen.cluster.iter().filter(|it| it["kind"] == "CiliumCIDRGroup").count();
            let asks = |object: &Value| object.to_string().contains("\"cidrGroupSelector\":");
            seen.is_perhaps()
                && groups > 1
                && matches!(other, WrittenEnd::Outside(_))
                && seen.cluster.iter().any(asks)
        },
    },
    // docs/semantics/cilium-rules.md#cidr-groups: a group that was not read may have any address, and any
    // label; the engine knows that there is none.
    Deviation {
        name: "CIDR groups that may not have been read",
        departs: false,
        applies: |seen| {
            let asks = |object: &Value| object.to_string().contains("cidrGroup");
            seen.is_perhaps() && seen.cluster.iter().any(asks)
        },
    },
    // docs/semantics/cilium-labels.md#keys: a key without a source is that of a CIDR group's label, too;
    // which addresses have which, the engine knows, and here it is not known.
    Deviation {
        name: "labels of any source, and addresses of CIDR groups",
        departs: false,
        applies: |seen| {
            let outside = |end: &WrittenEnd| matches!(end, WrittenEnd::Outside(_));
            let other = if seen.ingress { &seen.flow.from } else { &seen.flow.to };
            seen.is_perhaps()
                && seen.is_cilium()
                && outside(other)
                && seen.cluster.iter().any(asks_any_source)
        },
    },
    // docs/semantics/cilium-labels.md#reserved-labels: a selector of what lacks such a label also means, in
    // 1.20, addresses in blocks of whatever policy; here it is not known which.
    Deviation {
        name: "selectors of what lacks a reserved label, and addresses of blocks",
        departs: false,
        applies: |seen| {
            let outside = |end: &WrittenEnd| matches!(end, WrittenEnd::Outside(_));
            seen.is_perhaps()
                && seen.is_cilium()
                && (outside(&seen.flow.from) || outside(&seen.flow.to))
                && seen.cluster.iter().any(asks_for_no_reserved_label)
        },
    },
    // docs/semantics/cilium-labels.md#reserved-labels: what sums pods up in 1.20 has no names of ports; whether
    // a selector of what lacks such a label means pods that it leaves out, beside a name, is not known here.
    Deviation {
        name: "selectors of what lacks a reserved label, beside names of ports",
        departs: false,
        applies: |seen| {
            !seen.ingress
                && seen.is_perhaps()
                && seen.engine == Engine::Cilium(CiliumVersion::V1_20)
                && matches!(seen.flow.to, WrittenEnd::Pod(..))
                && seen.cluster.iter().any(|it| asks_for_no_reserved_label(it) && names_ports(it))
        },
    },
    // docs/semantics/cilium-labels.md#reserved-labels: the engine knows on which nodes the API server is.
    Deviation {
        name: "selectors of what is not the API server, and nodes",
        departs: false,
        applies: |seen| {
            // A pod on its node's network is the node, too.
            let node = |end: &WrittenEnd| !matches!(end, WrittenEnd::Outside(_));
            let asks = |object: &Value| object.to_string().contains("reserved:kube-apiserver");
            seen.ours == '?'
                && seen.is_cilium()
                && (node(&seen.flow.from) || node(&seen.flow.to))
                && seen.cluster.iter().any(|it| asks(it) && asks_for_no_reserved_label(it))
        },
    },
    // docs/semantics/cilium-labels.md#keys: which of the two values the key has is chance, in the engine too.
    Deviation {
        name: "one key with and without `any:` in one matchLabels",
        departs: false,
        applies: |seen| {
            seen.is_perhaps() && seen.is_cilium() && seen.cluster.iter().any(asks_one_key_twice)
        },
    },
    // docs/semantics/cilium-rules.md#requires: what those of another policy narrow is not judged.
    Deviation {
        name: "fromRequires and toRequires of other policies",
        departs: false,
        applies: |seen| {
            let asks = |object: &Value| object.to_string().contains("Requires\":");
            seen.is_perhaps()
                && seen.engine == Engine::Cilium(CiliumVersion::V1_18)
                && seen.cluster.iter().any(asks)
        },
    },
    // docs/semantics/cilium-networkpolicy.md#ipblock-alone-admits-the-namespace: the engine has the defect;
    // whether an agent of 1.19 still has it is not known here.
    Deviation {
        name: "an ipBlock alone that may admit the namespace",
        departs: true,
        applies: |seen| {
            (seen.ours, seen.theirs) == ('?', 'a')
                && seen.engine == Engine::Cilium(CiliumVersion::V1_19)
                && seen.ingress
                && seen.is_admitted_by_a_block_alone()
        },
    },
    // docs/semantics/admin.md#order-and-ties: any of them may be followed; the engine goes by their names,
    // or by the order in which they were read.
    Deviation {
        name: "policies of one priority that disagree",
        departs: true,
        applies: |seen| seen.engine == Engine::KubeNetworkPolicies && seen.ours == '!',
    },
    // docs/semantics/admin.md#named-ports: the name is of a container's port, which has a number and a
    // protocol; evaluateAdminNetworkPolicyPort of kube-network-policies 0.8.0 takes every port of a pod
    // that has the name.
    Deviation {
        name: "names of ports of administrators' policies, which mean every port there",
        departs: true,
        applies: |seen| seen.is_of_administrators(&["destinationNamedPort", "namedPort"]),
    },
    // docs/semantics/admin.md#nodes: nodes, and pods on their networks; nodeSelector of
    // kube-network-policies 0.8.0 is asked of other pods on these nodes, and of nothing else.
    Deviation {
        name: "nodes of administrators' policies, which mean the pods there",
        departs: true,
        applies: |seen| seen.is_of_administrators(&["nodes"]),
    },
    // docs/semantics/kubernetes.md#networkpolicy-tier: a NetworkPolicy for one direction leaves the Baseline
    // tier of the other in force; evaluatePacket of kube-network-policies 0.8.0 leaves it out.
    Deviation {
        name: "Baseline rules beside a NetworkPolicy of the other direction",
        departs: true,
        applies: |seen| {
            let baseline = |object: &Value| {
                object["kind"] == "BaselineAdminNetworkPolicy"
                    || object["spec"]["tier"] == "Baseline"
            };
            (seen.ours, seen.theirs) == ('d', 'a')
                && seen.engine == Engine::KubeNetworkPolicies
                && seen.administrators().any(baseline)
                && seen.has_half_a_policy()
        },
    },
];
