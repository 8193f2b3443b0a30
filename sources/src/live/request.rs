//! One thing to read from the API, and what came of it.
//!
//! In: a [`Request`], which names what is to be read. Out: its path, selectors and kind for
//! [`Connection`](super::Connection), and an [`Answer`].

use super::error::Error;
use super::target::{Selection, Target};
use netpol::cluster::{Name, Origin};
use netpol::kinds::Kind;
use netpol::objects::Found;
use std::net::IpAddr;

/// Something to read. Every list is of one namespace, or of what one address or node has.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Request {
    /// One object by kind, namespace and name.
    One(Kind, Option<Name>, Name),
    /// All objects of a kind in a namespace.
    All(Kind, Name),
    /// The pods of a namespace with these labels, in kubectl's form.
    PodsBy(Name, String),
    /// The pods with this first address.
    PodsAt(IpAddr),
    /// The pods on a node.
    PodsOn(Name),
    /// The Services with this first virtual address.
    ServicesAt(IpAddr),
    /// The EndpointSlices of a Service.
    Slices(Name, Name),
    /// All nodes.
    Nodes,
    /// The names of a kind's objects, for an error that says which are near.
    Names(Kind, Option<Name>),
}

/// An object that was read, with its place.
pub(super) type Read = (Found, Origin);

/// What came of a request.
#[derive(Debug)]
pub(super) enum Answer {
    /// The objects, and why they are not all where they are not.
    Read { found: Vec<Read>, partial: Option<String> },
    /// There is no object of that name.
    Missing,
    /// It could not be read.
    Failed(Error),
}

impl Request {
    pub(super) fn namespace(name: &str) -> Self {
        Self::One(Kind::Namespace, None, name.into())
    }

    pub(super) fn policies(namespace: &str) -> Self {
        Self::All(Kind::NetworkPolicy, namespace.into())
    }

    pub(super) fn services(namespace: &str) -> Self {
        Self::All(Kind::Service, namespace.into())
    }

    pub(super) fn pods(namespace: &str) -> Self {
        Self::All(Kind::Pod, namespace.into())
    }

    pub(super) fn pod(namespace: &str, name: &str) -> Self {
        Self::One(Kind::Pod, Some(namespace.into()), name.into())
    }

    /// The kind of what is read.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::One(kind, ..) | Self::All(kind, _) | Self::Names(kind, _) => *kind,
            Self::PodsBy(..) | Self::PodsAt(_) | Self::PodsOn(_) => Kind::Pod,
            Self::ServicesAt(_) => Kind::Service,
            Self::Slices(..) => Kind::EndpointSlice,
            Self::Nodes => Kind::Node,
        }
    }

    /// What it is in words, for what could not be read.
    pub(super) fn words(&self) -> String {
        match self {
            Self::One(Kind::Namespace, _, name) => format!("the labels of namespace {name}"),
            Self::One(kind, Some(namespace), name) => {
                format!("{} {namespace}/{name}", kind.name())
            }
            Self::One(kind, None, name) => format!("{} {name}", kind.name()),
            Self::All(Kind::NetworkPolicy, namespace) => {
                format!("the NetworkPolicies of {namespace}")
            }
            Self::All(kind, namespace) => format!("the {}s of {namespace}", kind.name()),
            Self::PodsBy(namespace, labels) => format!("the Pods of {namespace} with {labels}"),
            Self::PodsAt(address) => format!("the Pod with the address {address}"),
            Self::PodsOn(node) => format!("the Pods on the node {node}"),
            Self::ServicesAt(address) => format!("the Service with the address {address}"),
            Self::Slices(namespace, service) => {
                format!("the EndpointSlices of the Service {namespace}/{service}")
            }
            Self::Nodes => "the Nodes".to_owned(),
            Self::Names(kind, _) => format!("the names of the {}s", kind.name()),
        }
    }

    /// Where it is read.
    pub(super) fn target(&self) -> Target {
        let all = Target::kind(self.kind());
        match self {
            Self::One(_, Some(namespace), name) => all.within(&**namespace).named(&**name),
            Self::One(_, None, name) => all.named(&**name),
            Self::All(_, namespace)
            | Self::PodsBy(namespace, _)
            | Self::Slices(namespace, _)
            | Self::Names(_, Some(namespace)) => all.within(&**namespace),
            Self::PodsAt(_)
            | Self::PodsOn(_)
            | Self::ServicesAt(_)
            | Self::Nodes
            | Self::Names(_, None) => all,
        }
    }

    /// Which objects of a list are wanted.
    pub(super) fn selection(&self) -> Selection {
        let labels = |labels: String| Selection { labels: Some(labels), fields: None };
        let fields = |fields: String| Selection { labels: None, fields: Some(fields) };
        match self {
            Self::PodsBy(_, selector) => labels(selector.clone()),
            Self::Slices(_, service) => labels(format!("kubernetes.io/service-name={service}")),
            Self::PodsAt(address) => fields(format!("status.podIP={address}")),
            Self::PodsOn(node) => fields(format!("spec.nodeName={node}")),
            Self::ServicesAt(address) => fields(format!("spec.clusterIP={address}")),
            Self::One(..) | Self::All(..) | Self::Nodes | Self::Names(..) => Selection::default(),
        }
    }
}
