//! The three kinds as they are written: one set of fields, of which each kind takes its own.
//!
//! In: any serde deserializer. Out: the spec. Where a newer version of the API may have more to say
//! (peers and protocols) unknown fields are kept, since policies then fail closed; elsewhere they
//! are refused as the API server refuses them.

use super::super::LabelSelector;
use super::super::selector::MatchExpression;
use crate::kinds::Kind;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// The priority that stands for the one BaselineAdminNetworkPolicy, which has none: it comes after
/// the ClusterNetworkPolicies of its tier.
pub(super) const BASELINE_PRIORITY: i32 = 1000;

/// Whether a kind is of the older version, which has kinds of its own.
pub(super) fn is_v1alpha1(kind: Kind) -> bool {
    kind != Kind::ClusterNetworkPolicy
}

/// Fields that are not known here; null is as good as absent.
pub(super) type Unknown = BTreeMap<String, Option<IgnoredAny>>;

/// `spec`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Spec {
    pub(super) tier: Option<String>,
    pub(super) priority: Option<i64>,
    pub(super) subject: Option<Subject>,
    pub(super) ingress: Option<Vec<Rule>>,
    pub(super) egress: Option<Vec<Rule>>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Subject {
    pub(super) namespaces: Option<LabelSelector>,
    pub(super) pods: Option<NamespacedPods>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) name: Option<String>,
    pub(super) action: Option<String>,
    pub(super) from: Option<Vec<WrittenPeer>>,
    pub(super) to: Option<Vec<WrittenPeer>>,
    /// Of v1alpha2.
    pub(super) protocols: Option<Vec<WrittenPort>>,
    /// Of v1alpha1.
    pub(super) ports: Option<Vec<WrittenPort>>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WrittenPeer {
    pub(super) namespaces: Option<NamespaceSet>,
    pub(super) pods: Option<NamespacedPods>,
    pub(super) networks: Option<Vec<String>>,
    pub(super) nodes: Option<LabelSelector>,
    pub(super) domain_names: Option<Vec<String>>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

/// A label selector of namespaces, or what stood in its place up to v0.1.1.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct NamespaceSet {
    pub(super) match_labels: Option<BTreeMap<String, String>>,
    pub(super) match_expressions: Option<Vec<MatchExpression>>,
    pub(super) namespace_selector: Option<LabelSelector>,
    pub(super) same_labels: Option<IgnoredAny>,
    pub(super) not_same_labels: Option<IgnoredAny>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct NamespacedPods {
    pub(super) namespace_selector: Option<LabelSelector>,
    pub(super) pod_selector: Option<LabelSelector>,
    /// Up to v0.1.1.
    pub(super) namespaces: Option<NamespaceSet>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

/// An item of `protocols` (v1alpha2) or of `ports` (v1alpha1).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WrittenPort {
    pub(super) tcp: Option<Transport>,
    pub(super) udp: Option<Transport>,
    pub(super) sctp: Option<Transport>,
    pub(super) destination_named_port: Option<String>,
    pub(super) port_number: Option<PortNumber>,
    pub(super) port_range: Option<WrittenRange>,
    pub(super) named_port: Option<String>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Transport {
    pub(super) destination_port: Option<DestinationPort>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct DestinationPort {
    pub(super) number: Option<i64>,
    pub(super) range: Option<WrittenRange>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WrittenRange {
    /// Of v1alpha1.
    pub(super) protocol: Option<String>,
    pub(super) start: Option<i64>,
    pub(super) end: Option<i64>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PortNumber {
    pub(super) protocol: Option<String>,
    pub(super) port: Option<i64>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

impl NamespaceSet {
    /// The selector that stands here itself.
    pub(super) fn plain(&self) -> LabelSelector {
        LabelSelector {
            match_labels: self.match_labels.clone(),
            match_expressions: self.match_expressions.clone(),
        }
    }
}
