//! Cilium's policies as they are written, with absent and empty apart.
//!
//! In: any serde deserializer. Out: the rules of one object, and the paths of the fields that its CRD
//! does not know. Source: docs/semantics/cilium-objects.md#fields-of-a-rule,
//! docs/semantics/cilium-rules.md#elements and docs/semantics/cilium-ports.md.

use super::super::selector::MatchExpression;
use super::super::{LabelSelector, Metadata};
use crate::cluster::Labels;
use serde::Deserialize;
use serde::de::Deserializer;
use std::collections::BTreeMap;

/// A field that exists and is not read any further.
type Anything = serde_json::Value;

/// What one object says.
#[derive(Clone, Debug, PartialEq)]
pub enum Spec {
    /// A CiliumNetworkPolicy, or without a namespace a CiliumClusterwideNetworkPolicy.
    Policy(Box<Rules>),
    /// A CiliumCIDRGroup.
    Group(Group),
}

/// The rules of one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// `spec`.
    pub(super) spec: Option<Rule>,
    /// `specs`.
    pub(super) specs: Option<Vec<Rule>>,
    /// Paths of fields that the CRD does not know, which the API server drops.
    pub(super) unknown: Vec<String>,
}

/// A CiliumCIDRGroup.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Its labels, by which policies may select it.
    pub(super) labels: Labels,
    /// Its networks.
    pub(super) spec: GroupSpec,
}

/// An object with rules. The CRD drops what it does not know.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PolicyFields<M> {
    metadata: Option<M>,
    spec: Option<Rule>,
    specs: Option<Vec<Rule>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GroupFields<M> {
    metadata: Option<M>,
    spec: Option<GroupSpec>,
}

impl Rules {
    /// Reads an object, with the paths of the fields that are not known.
    pub(super) fn read<'de, M: Metadata<'de>, D: Deserializer<'de>>(
        source: D,
    ) -> Result<(M, Self), D::Error> {
        let mut unknown = Vec::new();
        let note = |path: serde_ignored::Path<'_>| unknown.extend(field_path(&path));
        let fields: PolicyFields<M> = serde_ignored::deserialize(source, note)?;
        let PolicyFields { metadata, spec, specs } = fields;
        Ok((metadata.unwrap_or_default(), Self { spec, specs, unknown }))
    }
}

impl Group {
    /// Reads an object.
    pub(super) fn read<'de, M: Metadata<'de>, D: Deserializer<'de>>(
        source: D,
    ) -> Result<(M, Self), D::Error> {
        let GroupFields { metadata, spec } = GroupFields::<M>::deserialize(source)?;
        let metadata = metadata.unwrap_or_default();
        let labels = metadata.labels();
        Ok((metadata, Self { labels, spec: spec.unwrap_or_default() }))
    }
}

/// The path of a field that is not known, but for those outside the spec that every object may have.
fn field_path(path: &serde_ignored::Path<'_>) -> Option<String> {
    use serde_ignored::Path;
    fn write(path: &Path<'_>, out: &mut String) {
        match path {
            Path::Root => {}
            Path::Seq { parent, index } => {
                write(parent, out);
                out.extend(["[", &index.to_string(), "]"]);
            }
            Path::Map { parent, key } => {
                write(parent, out);
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(key);
            }
            Path::Some { parent }
            | Path::NewtypeStruct { parent }
            | Path::NewtypeVariant { parent } => write(parent, out),
        }
    }
    let mut all = String::new();
    write(path, &mut all);
    let first = all.split_once('.').map_or(all.as_str(), |(first, _)| first);
    (!matches!(first, "apiVersion" | "kind" | "metadata" | "status")).then_some(all)
}

/// One rule: `spec`, or an item of `specs`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Rule {
    pub(super) endpoint_selector: Option<WrittenSelector>,
    pub(super) node_selector: Option<WrittenSelector>,
    pub(super) ingress: Option<Vec<Ingress>>,
    pub(super) ingress_deny: Option<Vec<Ingress>>,
    pub(super) egress: Option<Vec<Egress>>,
    pub(super) egress_deny: Option<Vec<Egress>>,
    pub(super) enable_default_deny: Option<DefaultDeny>,
    pub(super) log: Option<Log>,
    #[serde(rename = "labels")]
    _labels: Option<Anything>,
    #[serde(rename = "description")]
    _description: Option<Anything>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct DefaultDeny {
    pub(super) ingress: Option<bool>,
    pub(super) egress: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Log {
    pub(super) value: Option<String>,
}

/// A label selector whose keys may have a source, as in `k8s:app`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WrittenSelector {
    match_labels: Option<BTreeMap<String, String>>,
    match_expressions: Option<Vec<Expression>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Expression {
    key: String,
    operator: String,
    values: Values,
}

/// The values of an expression.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Values {
    #[default]
    Absent,
    Null,
    Of(Vec<String>),
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        Option::deserialize(source).map(|values| values.map_or(Self::Null, Self::Of))
    }
}

impl WrittenSelector {
    /// Whether it asks for nothing.
    pub(super) fn is_everything(&self) -> bool {
        self.match_labels.as_ref().is_none_or(BTreeMap::is_empty)
            && self.match_expressions.as_ref().is_none_or(Vec::is_empty)
    }

    /// Takes out a label, and says its value.
    pub(super) fn take_label(&mut self, key: &str) -> Option<String> {
        self.match_labels.as_mut()?.remove(key)
    }

    /// Labels that are asked for without a source and with the source `any`, with two values, by their keys
    /// without it: these are one key.
    pub(super) fn twice(&self) -> Vec<(String, [String; 2])> {
        let labels = self.match_labels.iter().flatten();
        let of = |(key, value): (&String, &String)| {
            let bare = key.strip_prefix("any:")?;
            let other = self.match_labels.as_ref()?.get(bare).filter(|other| *other != value)?;
            Some((bare.to_owned(), [other.clone(), value.clone()]))
        };
        labels.filter_map(of).collect()
    }

    /// Which of `matchExpressions` have `values: null`.
    pub(super) fn null_values(&self) -> impl Iterator<Item = usize> {
        let all = self.match_expressions.iter().flatten().enumerate();
        all.filter_map(|(i, expression)| (expression.values == Values::Null).then_some(i))
    }

    /// The same in the type that validates.
    pub(super) fn plain(&self) -> LabelSelector {
        let expression = |e: &Expression| MatchExpression {
            key: e.key.clone(),
            operator: e.operator.clone(),
            values: match &e.values {
                Values::Absent | Values::Null => None,
                Values::Of(values) => Some(values.clone()),
            },
        };
        LabelSelector {
            match_labels: self.match_labels.clone(),
            match_expressions: self
                .match_expressions
                .as_ref()
                .map(|all| all.iter().map(expression).collect()),
        }
    }
}

/// An item of `ingress`, `ingressDeny`, `egress` or `egressDeny`, whatever its direction.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Element {
    pub(super) endpoints: Option<Vec<WrittenSelector>>,
    pub(super) requires: Option<Vec<WrittenSelector>>,
    pub(super) cidr: Option<Vec<String>>,
    pub(super) cidr_set: Option<Vec<CidrRule>>,
    pub(super) entities: Option<Vec<String>>,
    pub(super) groups: Option<Vec<Anything>>,
    pub(super) nodes: Option<Vec<WrittenSelector>>,
    /// Only of egress.
    pub(super) services: Option<Vec<ServiceRef>>,
    /// Only of egress.
    pub(super) fqdns: Option<Vec<Fqdn>>,
    pub(super) ports: Option<Vec<PortRules>>,
    pub(super) icmps: Option<Vec<IcmpRule>>,
    pub(super) authentication: Option<Authentication>,
}

impl Element {
    /// Whether a port of it is a name.
    pub(super) fn names_ports(&self) -> bool {
        let items = self.ports.iter().flatten().flat_map(|item| item.ports.iter().flatten());
        let mut ports = items.filter_map(|item| item.port.as_deref());
        ports.any(|port| port.bytes().any(|byte| !byte.is_ascii_digit()))
    }
}

/// An item of `ingress` or `ingressDeny`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "IngressFields")]
pub(super) struct Ingress(pub(super) Element);

/// An item of `egress` or `egressDeny`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "EgressFields")]
pub(super) struct Egress(pub(super) Element);

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct IngressFields {
    from_endpoints: Option<Vec<WrittenSelector>>,
    from_requires: Option<Vec<WrittenSelector>>,
    #[serde(rename = "fromCIDR")]
    from_cidr: Option<Vec<String>>,
    #[serde(rename = "fromCIDRSet")]
    from_cidr_set: Option<Vec<CidrRule>>,
    from_entities: Option<Vec<String>>,
    from_groups: Option<Vec<Anything>>,
    from_nodes: Option<Vec<WrittenSelector>>,
    to_ports: Option<Vec<PortRules>>,
    icmps: Option<Vec<IcmpRule>>,
    authentication: Option<Authentication>,
}

impl From<IngressFields> for Ingress {
    fn from(written: IngressFields) -> Self {
        Self(Element {
            endpoints: written.from_endpoints,
            requires: written.from_requires,
            cidr: written.from_cidr,
            cidr_set: written.from_cidr_set,
            entities: written.from_entities,
            groups: written.from_groups,
            nodes: written.from_nodes,
            services: None,
            fqdns: None,
            ports: written.to_ports,
            icmps: written.icmps,
            authentication: written.authentication,
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct EgressFields {
    to_endpoints: Option<Vec<WrittenSelector>>,
    to_requires: Option<Vec<WrittenSelector>>,
    #[serde(rename = "toCIDR")]
    to_cidr: Option<Vec<String>>,
    #[serde(rename = "toCIDRSet")]
    to_cidr_set: Option<Vec<CidrRule>>,
    to_entities: Option<Vec<String>>,
    to_groups: Option<Vec<Anything>>,
    to_nodes: Option<Vec<WrittenSelector>>,
    to_services: Option<Vec<ServiceRef>>,
    #[serde(rename = "toFQDNs")]
    to_fqdns: Option<Vec<Fqdn>>,
    to_ports: Option<Vec<PortRules>>,
    icmps: Option<Vec<IcmpRule>>,
    authentication: Option<Authentication>,
}

impl From<EgressFields> for Egress {
    fn from(written: EgressFields) -> Self {
        Self(Element {
            endpoints: written.to_endpoints,
            requires: written.to_requires,
            cidr: written.to_cidr,
            cidr_set: written.to_cidr_set,
            entities: written.to_entities,
            groups: written.to_groups,
            nodes: written.to_nodes,
            services: written.to_services,
            fqdns: written.to_fqdns,
            ports: written.to_ports,
            icmps: written.icmps,
            authentication: written.authentication,
        })
    }
}

/// An item of `fromCIDRSet` or `toCIDRSet`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CidrRule {
    pub(super) cidr: Option<String>,
    pub(super) cidr_group_ref: Option<String>,
    pub(super) cidr_group_selector: Option<WrittenSelector>,
    pub(super) except: Option<Vec<String>>,
}

/// An item of `toServices`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ServiceRef {
    pub(super) k8s_service: Option<ServiceName>,
    pub(super) k8s_service_selector: Option<ServiceSelector>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ServiceName {
    pub(super) service_name: Option<String>,
    pub(super) namespace: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ServiceSelector {
    pub(super) selector: Option<WrittenSelector>,
    pub(super) namespace: Option<String>,
}

/// An item of `toFQDNs`, or of `rules.dns`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Fqdn {
    pub(super) match_name: Option<String>,
    pub(super) match_pattern: Option<String>,
}

/// An item of `toPorts`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PortRules {
    pub(super) ports: Option<Vec<WrittenPort>>,
    pub(super) rules: Option<L7Rules>,
    pub(super) listener: Option<Listener>,
    pub(super) server_names: Option<Vec<String>>,
    #[serde(rename = "terminatingTLS")]
    pub(super) terminating_tls: Option<Anything>,
    #[serde(rename = "originatingTLS")]
    _originating_tls: Option<Anything>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WrittenPort {
    pub(super) port: Option<String>,
    pub(super) end_port: Option<i64>,
    pub(super) protocol: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct L7Rules {
    pub(super) http: Option<Vec<HttpRule>>,
    pub(super) kafka: Option<Vec<KafkaRule>>,
    pub(super) dns: Option<Vec<Fqdn>>,
    pub(super) l7proto: Option<String>,
    pub(super) l7: Option<Vec<Anything>>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct HttpRule {
    pub(super) path: Option<String>,
    pub(super) method: Option<String>,
    pub(super) host: Option<String>,
    pub(super) headers: Option<Vec<String>>,
    pub(super) header_matches: Option<Vec<HeaderMatch>>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct HeaderMatch {
    pub(super) name: Option<String>,
    #[serde(rename = "value")]
    _value: Option<Anything>,
    #[serde(rename = "secret")]
    _secret: Option<Anything>,
    #[serde(rename = "mismatch")]
    _mismatch: Option<Anything>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct KafkaRule {
    pub(super) role: Option<String>,
    pub(super) api_key: Option<String>,
    pub(super) topic: Option<String>,
    #[serde(rename = "apiVersion")]
    _api_version: Option<Anything>,
    #[serde(rename = "clientID")]
    _client_id: Option<Anything>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Listener {
    pub(super) name: Option<String>,
    pub(super) envoy_config: Option<EnvoyConfig>,
    #[serde(rename = "priority")]
    _priority: Option<Anything>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct EnvoyConfig {
    pub(super) kind: Option<String>,
    pub(super) name: Option<String>,
}

/// An item of `icmps`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct IcmpRule {
    pub(super) fields: Option<Vec<IcmpField>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct IcmpField {
    pub(super) family: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<IcmpType>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum IcmpType {
    Number(i64),
    Name(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Authentication {
    pub(super) mode: Option<String>,
}

/// `spec` of a `CiliumCIDRGroup`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct GroupSpec {
    #[serde(rename = "externalCIDRs")]
    pub(super) external_cidrs: Option<Vec<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default, Deserialize)]
    struct Head {
        #[serde(default)]
        labels: BTreeMap<String, String>,
    }

    impl Metadata<'_> for Head {
        fn labels(&self) -> Labels {
            self.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
        }
    }

    fn from(json: &str) -> serde_json::Value {
        serde_json::from_str(json).unwrap()
    }

    /// What the CRD does not know is kept by its path, but for what every object may have.
    #[test]
    fn fields_that_are_dropped() {
        let unknown = |json| Rules::read::<Head, _>(from(json)).unwrap().1.unknown;
        let policy = r#"{"apiVersion":"x","metadata":{"name":"p","uid":"1"},"status":{"newer":1},
            "spec":{"endpointSelector":{"newer":1},"ingress":[{"toPorts":[{"newer":1}]}]}}"#;
        let paths = ["spec.endpointSelector.newer", "spec.ingress[0].toPorts[0].newer"];
        assert_eq!(unknown(policy), paths);
        assert_eq!(unknown(r#"{"specs":[{"newer":1}]}"#), ["specs[0].newer"]);
    }

    /// Policies select groups by their labels.
    #[test]
    fn groups_keep_their_labels() {
        let group = r#"{"metadata":{"labels":{"a":"b"}},"spec":{"externalCIDRs":[]}}"#;
        let (_, group) = Group::read::<Head, _>(from(group)).unwrap();
        assert_eq!(group.labels.get("a"), Some("b"));
        assert_eq!(group.spec.external_cidrs, Some(Vec::new()));
    }
}
