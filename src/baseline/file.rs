//! A team's own baseline, as a file.
//!
//! In: YAML of `apiVersion: netpol/v1alpha1`, `kind: Baseline`. Out: a [`Baseline`], or the line and
//! column of what is wrong: a field that is misspelt would leave a namespace open, so none is skipped.

use super::{Allowed, Baseline, Deny, Dns, Egress, INGRESS_CONTROLLER, LabelMap, OwnPolicy, Peer};
use crate::cluster::{Origin, Snapshot};
use crate::ends::PortWanted;
use crate::policy::Enforcer;
use crate::policy::networkpolicy;
use crate::policy::rule::Direction;
use crate::yaml::{self, Node};
use k8s_openapi::api::networking::v1::NetworkPolicySpec;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use serde_json::Value;
use std::fmt;

/// The version of the file that is read.
const API_VERSION: &str = "netpol/v1alpha1";
/// Names that a baseline gives to its own policies.
const RESERVED: [&str; 5] = [
    "default-deny-ingress",
    "default-deny-egress",
    "allow-dns-egress",
    "allow-monitoring-scrape",
    "allow-same-namespace",
];

/// What is wrong with a baseline file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// YAML, a type or a field.
    #[error(transparent)]
    Yaml(#[from] yaml::Error),
    /// Not the kind of file that it should be.
    #[error(
        "it is not a Baseline: it must begin with apiVersion: netpol/v1alpha1 and kind: Baseline"
    )]
    NotABaseline,
    /// Not one document.
    #[error("it must hold one document, and holds {0}")]
    Documents(usize),
    /// A policy that the API server would refuse.
    #[error("line {line}, column {column}: {path}: {why}")]
    Policy {
        /// The line, from 1.
        line: u32,
        /// The column, from 1.
        column: u32,
        /// The field.
        path: String,
        /// What is wrong with it.
        why: String,
    },
}

/// A baseline for namespaces: what is denied by default, and the named allows.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Baseline")]
struct File {
    /// netpol/v1alpha1
    #[serde(rename = "apiVersion")]
    _api_version: String,
    /// Baseline
    #[serde(rename = "kind")]
    _kind: String,
    /// What is denied unless a policy allows it; ingress by default
    deny: Option<DenyWord>,
    /// How DNS is allowed; auto by default
    dns: Option<DnsWord>,
    /// Labels of the namespace
    labels: Option<LabelMap>,
    /// What is allowed
    allow: Option<Allow>,
    /// Further NetworkPolicies, written in each namespace
    policies: Option<Vec<PolicyItem>>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum DenyWord {
    Ingress,
    Egress,
    All,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum DnsWord {
    Auto,
    Namespace,
    Strict,
    None,
}

/// The named allows.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Allow {
    /// The ingress controller may reach the pods
    ingress_controller: Option<Controller>,
    /// Monitoring may reach the pods
    monitoring: Option<Monitoring>,
    /// Pods of the namespace may reach one another
    same_namespace: Option<bool>,
    /// Who may come in, such as monitoring/app=prometheus:9090 or 10.0.0.0/8
    #[schemars(with = "Option<Vec<String>>")]
    ingress: Option<Vec<Source>>,
    /// Where the pods may connect to, such as identity/svc/keycloak or 10.0.0.7:5432
    #[schemars(with = "Option<Vec<String>>")]
    egress: Option<Vec<Destination>>,
    /// What is allowed out is allowed in at the other end, too
    both_sides: Option<bool>,
}

/// An ingress controller.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Controller {
    /// Its namespace; ingress-nginx by default
    namespace: Option<String>,
    /// The ports of the pods, not of their Service; every port by default
    #[schemars(with = "Option<Vec<PortWord>>")]
    ports: Option<Vec<Port>>,
}

/// Monitoring that scrapes the pods.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Monitoring {
    /// Its namespace; monitoring by default
    namespace: Option<String>,
    /// The labels of its pods; app.kubernetes.io/name: prometheus by default
    labels: Option<LabelMap>,
    /// The ports of the pods, not of their Service; every port by default
    #[schemars(with = "Option<Vec<PortWord>>")]
    ports: Option<Vec<Port>>,
}

/// A NetworkPolicy in full.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PolicyItem {
    /// Its name
    name: String,
    /// Its spec, as in networking.k8s.io/v1
    spec: Value,
}

/// A port in the schema: a number, or words such as 53/UDP and http.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is wanted")]
enum PortWord {
    Number(u16),
    Words(String),
}

/// A port as a number or in words: 8080, "53/UDP", http.
#[derive(Debug)]
struct Port(PortWanted);

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct Words;
        impl Visitor<'_> for Words {
            type Value = Port;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a port such as 8080, 53/UDP or http")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Port, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Port, E> {
                text.parse().map(Port).map_err(E::custom)
            }
        }
        source.deserialize_any(Words)
    }
}

/// Who may come in.
#[derive(Debug)]
struct Source(Allowed);

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        String::deserialize(source)?.parse().map(Self).map_err(de::Error::custom)
    }
}

/// A destination as `explain` takes it, or whatever else may be connected to.
#[derive(Debug)]
struct Destination(Egress);

impl<'de> Deserialize<'de> for Destination {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        String::deserialize(source)?.parse().map(Self).map_err(de::Error::custom)
    }
}

/// Reads a baseline file.
pub fn from_yaml(text: &str) -> Result<Baseline, FileError> {
    let mut roots = Vec::new();
    let documents: Vec<_> = yaml::split(text).collect();
    for document in &documents {
        roots.extend(yaml::parse_strictly(document)?);
    }
    let [root] = &roots[..] else { return Err(FileError::Documents(roots.len())) };
    let head = |key: &str| root.get(key).and_then(|node| yaml::from_node::<String>(node).ok());
    if head("apiVersion").as_deref() != Some(API_VERSION)
        || head("kind").as_deref() != Some("Baseline")
    {
        return Err(FileError::NotABaseline);
    }
    let file: File = yaml::from_node(root)?;
    let mut policies = Vec::new();
    for (at, item) in file.policies.into_iter().flatten().enumerate() {
        let spec = checked(root, at, &item)?;
        policies.push(OwnPolicy { name: item.name, spec });
    }
    let allow = file.allow.unwrap_or_default();
    let inward = allow.ingress.into_iter().flatten().map(|from| (Direction::Ingress, from.0));
    let mut allowed: Vec<_> = inward.collect();
    let mut egress = Vec::new();
    for Destination(to) in allow.egress.into_iter().flatten() {
        match to {
            Egress::End(end) => egress.push(end),
            Egress::Allowed(to) => allowed.push((Direction::Egress, to)),
        }
    }
    Ok(Baseline {
        deny: match file.deny {
            None | Some(DenyWord::Ingress) => Deny::Ingress,
            Some(DenyWord::Egress) => Deny::Egress,
            Some(DenyWord::All) => Deny::All,
        },
        dns: match file.dns {
            None | Some(DnsWord::Auto) => Dns::Auto,
            Some(DnsWord::Namespace) => Dns::Namespace,
            Some(DnsWord::Strict) => Dns::Strict,
            Some(DnsWord::None) => Dns::None,
        },
        labels: file.labels.unwrap_or_default(),
        ingress_controller: allow.ingress_controller.map(|controller| Peer {
            namespace: controller.namespace.unwrap_or_else(|| INGRESS_CONTROLLER.to_owned()),
            labels: LabelMap::new(),
            ports: numbers(controller.ports),
        }),
        monitoring: allow.monitoring.map(|monitoring| {
            let prometheus = ("app.kubernetes.io/name".to_owned(), "prometheus".to_owned());
            Peer {
                namespace: monitoring.namespace.unwrap_or_else(|| "monitoring".to_owned()),
                labels: monitoring.labels.unwrap_or_else(|| [prometheus].into()),
                ports: numbers(monitoring.ports),
            }
        }),
        same_namespace: allow.same_namespace.unwrap_or(false),
        egress,
        allowed,
        both_sides: allow.both_sides.unwrap_or(false),
        policies,
        ..Baseline::default()
    })
}

fn numbers(ports: Option<Vec<Port>>) -> Vec<PortWanted> {
    ports.into_iter().flatten().map(|port| port.0).collect()
}

/// The spec of a policy, as the API server would take it.
fn checked(
    root: &yaml::Node<'_>,
    at: usize,
    item: &PolicyItem,
) -> Result<NetworkPolicySpec, FileError> {
    let path = format!("policies[{at}]");
    let fault = |path: String, why: String| {
        let mark = yaml::locate_in(root, &path);
        FileError::Policy { line: mark.line, column: mark.column, path, why }
    };
    let node = root.get("policies").and_then(|node| node.items()?.get(at)?.get("spec"));
    let spec: networkpolicy::Spec = match node {
        Some(node) => yaml::from_node(node)?,
        None => networkpolicy::Spec::default(),
    };
    let policy = spec.named("default", item.name.as_str(), Origin::Synthetic);
    let earlier = root.get("policies").and_then(Node::items).into_iter().flatten().take(at);
    let mut earlier = earlier.filter_map(|item| item.get("name")?.as_str());
    if RESERVED.contains(&&*item.name) || earlier.any(|name| name == item.name) {
        let why = format!("{} is the name of another policy of this baseline", item.name);
        return Err(fault(format!("{path}.name"), why));
    }
    let lowered = policy.lower(&Snapshot::default(), &Enforcer::default());
    if let Some(first) = lowered.faults.into_iter().next() {
        return Err(fault(format!("{path}.{}", first.path), first.message));
    }
    serde_json::from_value(item.spec.clone())
        .map_err(|error| fault(format!("{path}.spec"), error.to_string()))
}

/// The JSON Schema of a baseline file.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(File)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "apiVersion: netpol/v1alpha1\nkind: Baseline\n";

    #[test]
    fn a_whole_file() {
        let baseline = from_yaml(&format!(
            "{HEAD}deny: all\ndns: strict\nlabels: {{team: a}}\nallow:\n  ingressController: {{ports: [8080, http]}}\n  monitoring: {{}}\n  egress: [identity/svc/keycloak]\npolicies:\n- name: allow-db\n  spec: {{podSelector: {{}}, egress: [{{to: [{{podSelector: {{}}}}]}}], policyTypes: [Egress]}}\n"
        ))
        .unwrap();
        assert_eq!((baseline.deny, baseline.dns), (Deny::All, Dns::Strict));
        let controller = baseline.ingress_controller.unwrap();
        assert_eq!(controller.namespace, "ingress-nginx");
        assert_eq!(controller.ports.len(), 2);
        assert_eq!(baseline.monitoring.unwrap().labels["app.kubernetes.io/name"], "prometheus");
        assert_eq!(baseline.policies[0].spec.egress.as_ref().unwrap().len(), 1);
        assert_eq!(from_yaml(HEAD).unwrap(), Baseline::default());
    }

    #[test]
    fn what_is_wrong_has_a_place() {
        for (body, part) in [
            ("denny: all\n", "line 3, column 1: unknown field denny"),
            ("deny: everything\n", "line 3, column 7: deny:"),
            ("allow: {monitoring: {port: 1}}\n", "line 3, column 22: allow.monitoring: unknown"),
            ("allow: {egress: [a/b/c/d]}\n", "too many parts"),
            ("allow:\n  ingressController:\n    ports: [0]\n", "line 5, column 13"),
            (
                "policies:\n- name: x\n  spec: {ingres: []}\n",
                "line 5, column 10: unknown field ingres",
            ),
            (
                "policies:\n- name: x\n  spec:\n    policyTypes: [Sideways]\n",
                "policies[0].spec.policyTypes[0]",
            ),
            (
                "policies:\n- name: allow-dns-egress\n  spec: {}\n",
                "line 4, column 3: policies[0].name: allow-dns-egress is the name of another",
            ),
            ("---\na: b\n", "it must hold one document, and holds 2"),
        ] {
            let error = from_yaml(&format!("{HEAD}{body}")).expect_err(body).to_string();
            assert!(error.contains(part), "{body}: {error}");
        }
        assert!(matches!(from_yaml("kind: Baseline\n"), Err(FileError::NotABaseline)));
    }
}
