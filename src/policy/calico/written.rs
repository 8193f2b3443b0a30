//! Calico's objects as they are written, with absent and empty apart.
//!
//! In: any serde deserializer. Out: what one object says. Fields that are not known are refused.
//! Source: docs/semantics/calico.md#objects.

use super::super::Metadata;
use crate::cluster::Labels;
use crate::kinds::{self, Kind};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

/// What one object says.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Its labels.
    pub(super) labels: Labels,
    /// It is in the form in which Calico keeps it, of which nothing is filled in and whose own labels
    /// are not those of Calico.
    pub(super) stored: bool,
    pub(super) body: Body,
}

/// By kind.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    /// A NetworkPolicy, or without a namespace a GlobalNetworkPolicy.
    Policy(Box<Policy>),
    /// One that is staged, which nobody enforces; as it is written.
    Staged(serde_json::Value),
    /// A Tier.
    Tier(Tier),
    /// A NetworkSet, or without a namespace a GlobalNetworkSet.
    Set(Set),
    /// A HostEndpoint.
    Host(Host),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Object<M, S> {
    #[serde(rename = "apiVersion")]
    api_version: Option<String>,
    #[serde(rename = "kind")]
    _kind: Option<IgnoredAny>,
    metadata: Option<M>,
    spec: Option<S>,
    #[serde(rename = "status")]
    _status: Option<IgnoredAny>,
}

impl Spec {
    /// The name without what the form in which objects are kept may put before it.
    ///
    /// Source: docs/semantics/calico.md#objects.
    pub(super) fn plain_name<'n>(&self, name: &'n str) -> &'n str {
        name.strip_prefix("default.").filter(|_| self.stored).unwrap_or(name)
    }

    /// Reads an object of a kind.
    pub(super) fn read<'de, M: Metadata<'de>, D: Deserializer<'de>>(
        kind: Kind,
        source: D,
    ) -> Result<(M, Self), D::Error> {
        fn of<'de, M: Metadata<'de>, S: Deserialize<'de> + Default, D: Deserializer<'de>>(
            source: D,
            body: impl FnOnce(S) -> Body,
        ) -> Result<(M, Spec), D::Error> {
            let object = Object::<M, S>::deserialize(source)?;
            let metadata = object.metadata.unwrap_or_default();
            let group = object.api_version.as_deref().map(kinds::group);
            let stored = group == Some(STORED_GROUP);
            let (labels, body) = (metadata.labels(), body(object.spec.unwrap_or_default()));
            Ok((metadata, Spec { labels, stored, body }))
        }
        match kind {
            Kind::CalicoTier => of(source, Body::Tier),
            Kind::CalicoNetworkSet | Kind::CalicoGlobalNetworkSet => of(source, Body::Set),
            Kind::CalicoHostEndpoint => of(source, Body::Host),
            Kind::CalicoStagedNetworkPolicy
            | Kind::CalicoStagedGlobalNetworkPolicy
            | Kind::CalicoStagedKubernetesNetworkPolicy => of(source, Body::Staged),
            _ => of(source, |policy| Body::Policy(Box::new(policy))),
        }
    }
}

/// The group of the form in which Calico keeps its objects.
const STORED_GROUP: &str = "crd.projectcalico.org";

/// `spec` of a policy.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Policy {
    pub(super) tier: Option<String>,
    pub(super) order: Option<f64>,
    pub(super) ingress: Option<Vec<Rule>>,
    pub(super) egress: Option<Vec<Rule>>,
    pub(super) selector: Option<String>,
    pub(super) types: Option<Vec<String>>,
    pub(super) namespace_selector: Option<String>,
    pub(super) service_account_selector: Option<String>,
    pub(super) do_not_track: Option<bool>,
    #[serde(rename = "preDNAT")]
    pub(super) pre_dnat: Option<bool>,
    pub(super) apply_on_forward: Option<bool>,
    #[serde(rename = "performanceHints")]
    pub(super) _performance_hints: Option<IgnoredList>,
}

/// A list that says nothing about verdicts.
pub(super) type IgnoredList = Vec<String>;

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) action: Option<String>,
    pub(super) ip_version: Option<i64>,
    pub(super) protocol: Option<IntOrString>,
    pub(super) icmp: Option<Icmp>,
    pub(super) not_protocol: Option<IntOrString>,
    #[serde(rename = "notICMP")]
    pub(super) not_icmp: Option<Icmp>,
    pub(super) source: Option<Entity>,
    pub(super) destination: Option<Entity>,
    pub(super) http: Option<Http>,
    #[serde(rename = "metadata")]
    pub(super) _metadata: Option<serde_json::Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Icmp {
    #[serde(rename = "type")]
    pub(super) kind: Option<i64>,
    pub(super) code: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Entity {
    pub(super) nets: Option<Vec<String>>,
    pub(super) selector: Option<String>,
    pub(super) namespace_selector: Option<String>,
    pub(super) services: Option<Service>,
    pub(super) ports: Option<Vec<IntOrString>>,
    pub(super) not_nets: Option<Vec<String>>,
    pub(super) not_selector: Option<String>,
    pub(super) not_ports: Option<Vec<IntOrString>>,
    pub(super) service_accounts: Option<Accounts>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Service {
    pub(super) name: Option<String>,
    pub(super) namespace: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Accounts {
    pub(super) names: Option<Vec<String>>,
    pub(super) selector: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Http {
    pub(super) methods: Option<Vec<String>>,
    pub(super) paths: Option<Vec<Path>>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Path {
    pub(super) exact: Option<String>,
    pub(super) prefix: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum IntOrString {
    Int(i64),
    Text(String),
}

/// `spec` of a Tier.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Tier {
    pub(super) order: Option<f64>,
    pub(super) default_action: Option<String>,
}

/// `spec` of a NetworkSet.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct Set {
    pub(super) nets: Option<Vec<String>>,
}

/// `spec` of a HostEndpoint, as far as rules see it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Host {
    #[serde(rename = "expectedIPs")]
    pub(super) expected_ips: Option<Vec<String>>,
}
