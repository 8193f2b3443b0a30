//! The ends of flows: how people name them, what they are in a snapshot, and what to call them.
//!
//! In: words of a command line, addresses of a log. Out: an [`EndName`]; what it stands for, a
//! [`Resolved`]; the [`Endpoint`]s behind it, after any Service ([`reached`]); and back again, the
//! names that people know them by ([`names`], [`ranges`]). What policies say is asked elsewhere.
//!
//! ```
//! use netpol::cluster::Snapshot;
//! use netpol::ends::{EndName, Endpoint, resolve};
//!
//! let name: EndName = "https://203.0.113.7/".parse()?;
//! let resolved = resolve(&Snapshot::default(), &name, "default")?;
//! assert_eq!(resolved.endpoints, [Endpoint::Address("203.0.113.7".parse().unwrap())]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub(crate) mod asked;
pub(crate) mod called;
mod destination;
mod name;
pub mod names;
pub mod ranges;
mod resolve;
mod resolved;
mod through;
mod ways;

pub use asked::{Asked, AskedError, WantedPods, asked};
pub use called::called;
pub use destination::reached;
pub(crate) use destination::{Arrival, arrivals};
pub(crate) use name::scheme_port;
pub use name::{EndName, EndNameError, Named, PortText, PortWanted};
pub use resolve::resolve;
pub(crate) use resolve::{api_server, outside_note, pods_in_path};
pub(crate) use resolved::service_end;
pub use resolved::{ResolveError, Resolved};
pub(crate) use through::{as_from_outside, led_to, may_be_a_pods};
pub use ways::{Seen, Way};

use crate::cluster::{Name, PodId};
use std::net::IpAddr;

/// One end of a flow, which is somewhere: what both engines judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum End {
    /// A pod, or the pods that a template stands for.
    Pod(PodId),
    /// A node, by its index in the snapshot.
    Node(usize),
    /// An address that no pod or node of the snapshot has.
    Address(IpAddr),
}

/// An [`End`], or a name that may be anywhere outside: only a single flow can be judged to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// A pod, or the pods that a template stands for.
    Pod(PodId),
    /// A node, by its index in the snapshot.
    Node(usize),
    /// An address that no pod or node of the snapshot has.
    Address(IpAddr),
    /// A DNS name outside the cluster, whose addresses are not known.
    Name(Name),
    /// A node at one of its addresses, where that was given.
    NodeAddress(usize, IpAddr),
    /// Whoever has some part in traffic, wherever that is.
    Unseen(Unseen),
}

/// How all that is outside is asked for, but for private networks.
pub const INTERNET: &str = "internet";

/// Namespace and name of the Service by which pods reach the API server.
pub(crate) const API_SERVER: (&str, &str) = ("default", "kubernetes");

/// An end of which only its part in traffic is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unseen {
    /// A node that passes traffic on, and is not that of the pod.
    AnotherNode,
    /// Whoever passes on what comes by an Ingress, a Route or a Gateway.
    IngressController,
    /// Cilium's own proxy, which is the entity `ingress`.
    CiliumProxy,
    /// A load balancer outside the cluster.
    Balancer,
    /// The API server, while none of its addresses is known.
    ApiServer,
    /// The node on which the pod at the other end runs.
    OwnNode,
}

impl Unseen {
    /// What it is called.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AnotherNode => "another node",
            Self::IngressController => "the Ingress controller",
            Self::CiliumProxy => "Cilium's Ingress proxy",
            Self::Balancer => "the load balancer",
            Self::ApiServer => "kube-apiserver",
            Self::OwnNode => "its own node",
        }
    }
}

impl Endpoint {
    /// Where it is; else what it is called.
    pub fn end(&self) -> Result<End, String> {
        match self {
            Self::Pod(id) => Ok(End::Pod(*id)),
            Self::Node(node) | Self::NodeAddress(node, _) => Ok(End::Node(*node)),
            Self::Address(ip) => Ok(End::Address(*ip)),
            Self::Name(name) => Err(name.to_string()),
            Self::Unseen(unseen) => Err(unseen.as_str().to_owned()),
        }
    }

    /// The pod that it is.
    pub fn pod(&self) -> Option<PodId> {
        match self {
            Self::Pod(id) => Some(*id),
            _ => None,
        }
    }

    /// The node that it is.
    pub(crate) fn node(&self) -> Option<usize> {
        match self {
            Self::Node(node) | Self::NodeAddress(node, _) => Some(*node),
            _ => None,
        }
    }
}

impl From<End> for Endpoint {
    fn from(end: End) -> Self {
        match end {
            End::Pod(id) => Self::Pod(id),
            End::Node(node) => Self::Node(node),
            End::Address(ip) => Self::Address(ip),
        }
    }
}
