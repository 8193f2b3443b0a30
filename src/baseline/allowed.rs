//! Who may come in, or where pods may connect to, as it is written on a command line.
//!
//! In: `monitoring/app=prometheus:9090`, `10.0.0.0/8:5432`, `shop/deploy/web`, `internet` and the like. Out: an
//! [`Allowed`]; what it means in a cluster is [`Known`], and that is a policy of its own.

use super::LabelMap;
use crate::cluster::{kind_from_word, kind_word};
use crate::draft::{Entity, Peer};
use crate::ends::{EndName, EndNameError, PortText, PortWanted};
use crate::policy::rule::Direction;
use crate::policy::{label_key_fault, label_value_fault, port_name_fault};
use ipnet::IpNet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// One end, and the port on the destination.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Allowed {
    /// Who it is.
    pub who: AllowedEnd,
    /// The port, as it was written; none means every port.
    pub port: Option<Box<str>>,
}

/// Who is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AllowedEnd {
    /// Every pod of a namespace, or those with these labels.
    Pods {
        /// The namespace.
        namespace: String,
        /// The labels; none means all pods.
        labels: LabelMap,
    },
    /// The pods of a workload, which only the cluster knows.
    Workload {
        /// The namespace.
        namespace: String,
        /// The kind, such as `Deployment`.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// Every pod of the cluster.
    Cluster,
    /// Everything outside the cluster.
    Internet,
    /// Addresses outside the cluster.
    Network(IpNet),
    /// One of Cilium's entities.
    Entity(Entity),
}

/// What is wrong with one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllowedError {
    /// It is none of the forms.
    #[error(
        "{0:?}: give NAMESPACE, NAMESPACE/LABEL=VALUE, NAMESPACE/KIND/NAME, an address, a network, cluster, \
         internet, or under Cilium host, remote-node or kube-apiserver, each with :PORT if need be"
    )]
    Form(String),
    /// The port is none.
    #[error(transparent)]
    Port(#[from] EndNameError),
    /// The API server would not take the name of its port.
    #[error("{0:?}: {1}")]
    PortName(String, String),
    /// The API server would not take the network.
    #[error("{0:?} has bits beyond its prefix: write {1}")]
    Sloppy(String, IpNet),
}

/// The kinds of workloads whose pods are found by labels that last.
pub(super) const WORKLOADS: &[&str] = &[
    "Pod",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Job",
    "CronJob",
];

/// Where pods may connect to: what `explain` takes, such as a Service, or one of the other forms.
#[derive(Clone, Debug, PartialEq)]
pub enum Egress {
    /// A Service, an address or a host.
    End(EndName),
    /// Anything else.
    Allowed(Allowed),
}

impl FromStr for Egress {
    type Err = AllowedError;

    fn from_str(text: &str) -> Result<Self, AllowedError> {
        let is_block = |(net, _): (IpNet, Option<&str>)| net.prefix_len() < net.max_prefix_len();
        let others = text.contains('=') || network(text).is_some_and(is_block);
        // One word alone is a Service of the namespace here, unless it is one of ours.
        if let Ok(allowed) = text.parse::<Allowed>() {
            let bare = !text.contains('/') && matches!(allowed.who, AllowedEnd::Pods { .. });
            let address = matches!(allowed.who, AllowedEnd::Network(_)) && !others;
            if others || !(bare || address) {
                return Ok(Self::Allowed(allowed));
            }
        }
        Ok(Self::End(text.parse()?))
    }
}

/// Entities by their words.
const ENTITIES: [Entity; 3] = [Entity::Host, Entity::RemoteNode, Entity::KubeApiserver];

impl FromStr for Allowed {
    type Err = AllowedError;

    fn from_str(text: &str) -> Result<Self, AllowedError> {
        let refuse = || AllowedError::Form(text.to_owned());
        if let Some((net, port)) = network(text) {
            if net != net.trunc() {
                return Err(AllowedError::Sloppy(text.to_owned(), net.trunc()));
            }
            return Ok(Self { who: AllowedEnd::Network(net), port: checked(port)? });
        }
        // A port may have its protocol behind a slash.
        let (name, port) = match text.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (text, None),
        };
        let port = checked(port)?;
        let parts: Vec<&str> = name.split('/').collect();
        let word = |text: &str| ENTITIES.into_iter().find(|entity| entity.as_str() == text);
        let of_kind = |word: &str| kind_from_word(word).unwrap_or_default();
        let who = match parts[..] {
            ["cluster"] => AllowedEnd::Cluster,
            ["internet" | "world"] => AllowedEnd::Internet,
            [one] if word(one).is_some() => word(one).map(AllowedEnd::Entity).ok_or_else(refuse)?,
            [namespace] if is_name(namespace) => {
                AllowedEnd::Pods { namespace: namespace.to_owned(), labels: LabelMap::new() }
            }
            [kind, namespace] if of_kind(kind) == "Namespace" && is_name(namespace) => {
                AllowedEnd::Pods { namespace: namespace.to_owned(), labels: LabelMap::new() }
            }
            [namespace, kind, name] if !name.contains('=') && !kind.contains('=') => {
                let mut kinds = WORKLOADS.iter().copied();
                let kind = kinds.find(|known| *known == of_kind(kind) && is_name(namespace));
                let kind = kind.ok_or_else(refuse)?;
                let (namespace, name) = (namespace.to_owned(), name.to_owned());
                AllowedEnd::Workload { namespace, kind, name }
            }
            // The key of a label may have a slash.
            [namespace, ..] if is_name(namespace) && name.contains('=') => {
                let pairs = name.split_once('/').map_or("", |(_, pairs)| pairs).split(',');
                let pair = |pair: &str| {
                    let (key, value) = pair.split_once('=')?;
                    let fault = label_key_fault(key).or_else(|| label_value_fault(value));
                    if fault.is_some() {
                        return None;
                    }
                    Some((key.to_owned(), value.to_owned()))
                };
                let labels = pairs.map(pair).collect::<Option<LabelMap>>().ok_or_else(refuse)?;
                AllowedEnd::Pods { namespace: namespace.to_owned(), labels }
            }
            _ => return Err(refuse()),
        };
        Ok(Self { who, port })
    }
}

fn checked(port: Option<&str>) -> Result<Option<Box<str>>, AllowedError> {
    let Some(port) = port else { return Ok(None) };
    if let PortText::Name(name) = port.parse::<PortWanted>()?.port
        && let Some(fault) = port_name_fault(&name)
    {
        return Err(AllowedError::PortName(port.to_owned(), fault));
    }
    Ok(Some(port.into()))
}

fn is_name(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(inner)
}

/// An address, or a network, and what is behind it as its port.
fn network(text: &str) -> Option<(IpNet, Option<&str>)> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some((address.into(), None));
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let net =
            address.parse().ok().or_else(|| address.parse::<IpAddr>().ok().map(Into::into))?;
        return Some((net, port.strip_prefix(':').filter(|port| !port.is_empty())));
    }
    if let Some((address, rest)) = text.split_once('/')
        && address.parse::<IpAddr>().is_ok()
    {
        let (length, port) = match rest.split_once(':') {
            Some((length, port)) => (length, Some(port)),
            None => (rest, None),
        };
        return Some((format!("{address}/{length}").parse().ok()?, port));
    }
    let (address, port) = text.split_once(':')?;
    Some((address.parse::<IpAddr>().ok()?.into(), Some(port)))
}

/// As it is written on a command line.
impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.who {
            AllowedEnd::Pods { namespace, labels } if labels.is_empty() => {
                write!(f, "ns/{namespace}")?;
            }
            AllowedEnd::Pods { namespace, labels } => {
                let pairs: Vec<_> = labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
                write!(f, "{namespace}/{}", pairs.join(","))?;
            }
            AllowedEnd::Workload { namespace, kind, name } => {
                write!(f, "{namespace}/{}/{name}", kind_word(kind))?;
            }
            AllowedEnd::Cluster => f.write_str("cluster")?,
            AllowedEnd::Internet => f.write_str("internet")?,
            AllowedEnd::Network(net) => {
                let one = net.prefix_len() == net.max_prefix_len();
                let text = if one { net.addr().to_string() } else { net.to_string() };
                match (net, &self.port) {
                    (IpNet::V6(_), Some(_)) => write!(f, "[{text}]")?,
                    _ => f.write_str(&text)?,
                }
            }
            AllowedEnd::Entity(entity) => f.write_str(entity.as_str())?,
        }
        match &self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl Allowed {
    /// The part of a policy's name that tells whom it is about.
    pub(super) fn slug(&self) -> String {
        let text = self.to_string();
        let text = text.strip_prefix("ns/").unwrap_or(&text).replace("::", "-0-");
        let mut slug = String::new();
        for one in text.chars() {
            let one = one.to_ascii_lowercase();
            if one.is_ascii_alphanumeric() || one == '.' {
                slug.push(one);
            } else if !slug.ends_with('-') && !slug.is_empty() {
                slug.push('-');
            }
        }
        slug.trim_end_matches(['-', '.']).to_owned()
    }

    /// The peers of a rule, once the labels of a workload are known.
    pub fn peers(&self, of_workload: Option<LabelMap>) -> Vec<Peer> {
        let pods = |namespace: &str, labels: LabelMap| Peer::Pods {
            namespace: Some(namespace.to_owned()),
            pods: labels.into(),
        };
        match &self.who {
            AllowedEnd::Pods { namespace, labels } => vec![pods(namespace, labels.clone())],
            AllowedEnd::Workload { namespace, .. } => {
                of_workload.map(|labels| pods(namespace, labels)).into_iter().collect()
            }
            AllowedEnd::Cluster => vec![Peer::AnyPod],
            AllowedEnd::Internet => ["0.0.0.0/0", "::/0"]
                .iter()
                .filter_map(|net| net.parse().ok())
                .map(Peer::Block)
                .collect(),
            AllowedEnd::Network(net) => vec![Peer::Block(*net)],
            AllowedEnd::Entity(entity) => vec![Peer::Entity(*entity)],
        }
    }
}

/// An allow of which all is known: a policy of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// Which way.
    pub direction: Direction,
    /// As it was asked for.
    pub asked: Allowed,
    /// Who it is in the cluster.
    pub peers: Vec<Peer>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the API server would refuse, once it is written into a policy.
    #[test]
    fn what_no_policy_can_say() {
        for (text, part) in [
            ("monitoring:80-90", "is not a port name"),
            ("monitoring:a--b", "is not a port name"),
            ("10.0.0.1/8", "write 10.0.0.0/8"),
            ("[2001:db8::1/32]:443", "write 2001:db8::/32"),
            ("monitoring/app==x", "give NAMESPACE"),
            ("monitoring/-a=x", "give NAMESPACE"),
            ("monitoring/=x", "give NAMESPACE"),
        ] {
            let error = text.parse::<Allowed>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        for (text, slug) in [
            ("ns/monitoring", "monitoring"),
            ("ns/monitoring:9090", "monitoring-9090"),
            (
                "monitoring/app.kubernetes.io/name=prometheus:9090/TCP",
                "monitoring-app.kubernetes.io-name-prometheus-9090-tcp",
            ),
            ("shop/deploy/web:http", "shop-deploy-web-http"),
            ("cluster:8080", "cluster-8080"),
            ("internet", "internet"),
            ("10.0.0.0/8:5432", "10.0.0.0-8-5432"),
            ("10.0.0.7", "10.0.0.7"),
            ("10.0.0.7:53/UDP", "10.0.0.7-53-udp"),
            ("2001:db8::1", "2001-db8-0-1"),
            ("[2001:db8::/32]:443", "2001-db8-0-32-443"),
            ("kube-apiserver:6443", "kube-apiserver-6443"),
        ] {
            let allowed: Allowed = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(allowed.to_string(), text);
            assert_eq!(allowed.slug(), slug);
        }
        let long: Allowed = "shop/deployment/web".parse().unwrap();
        assert_eq!(long.to_string(), "shop/deploy/web");
        assert_eq!("shop".parse::<Allowed>().unwrap().to_string(), "ns/shop");
        for wrong in
            ["", "Shop", "shop/web", "shop/=x", "a/b/c/d", "shop:0", "10.0.0.0/40", "shop:a:b"]
        {
            assert!(wrong.parse::<Allowed>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_goes_out_is_a_service_first() {
        let is_end = |text: &str| matches!(text.parse::<Egress>().unwrap(), Egress::End(_));
        for text in [
            "identity/svc/keycloak:8080",
            "keycloak",
            "identity/keycloak",
            "svc/keycloak",
            "10.0.0.7:5432",
            "2001:db8::1",
            "https://login.example.com",
            "login.example.com:443",
        ] {
            assert!(is_end(text), "{text}");
        }
        for text in [
            "10.0.0.0/8:5432",
            "internet",
            "cluster:80",
            "ns/shop",
            "shop/deploy/web",
            "shop/app=web",
            "host",
        ] {
            assert!(!is_end(text), "{text}");
        }
        assert!("".parse::<Egress>().is_err());
    }
}
