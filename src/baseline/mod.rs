//! The baseline that closes a namespace, as typed values.
//!
//! In: a [`Baseline`], which is what its author wants, and [`Facts`], what the cluster told. Out: the
//! policies of a namespace ([`Baseline::policies`]), in either dialect ([`Baseline::objects`]), what
//! they mean in one line ([`meaning`]) and what they would cut and open ([`impact()`]). Nothing here reads or
//! writes anything.
//!
//! ```
//! use netpol::baseline::{Baseline, Facts};
//!
//! let policies = Baseline::default().policies("team-a", &Facts::default());
//! let names: Vec<_> = policies.iter().map(|policy| policy.name()).collect();
//! assert_eq!(names, ["allow-dns-egress", "default-deny-ingress"]);
//! ```

mod allowed;
mod file;
mod flags;
mod impact;
mod policies;
mod whole;
mod words;

pub use allowed::{Allowed, AllowedEnd, AllowedError, Egress, Known};
pub use file::{FileError, from_yaml, schema};
pub use flags::{Keep, keeping};
pub use impact::{Affected, Impact, OtherEnd, Way, impact, impacts, suppose_anyone};
pub use policies::{in_order, named_twice};
pub use whole::{WHOLE, left_out};
pub use words::{Side, Told, cuts, dns, in_force, lost, meaning, opens, sides};

use crate::draft::{Dialect, Draft};
use crate::ends::{EndName, PortWanted};
use crate::policy::rule::Direction;
use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicySpec};
use std::net::IpAddr;

pub use crate::draft::LabelMap;

/// The field manager of everything that is applied.
pub const MANAGER: &str = "kubectl-netpol";
/// The label that says who wrote an object.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The annotation of an egress policy that names its ingress side, as `namespace/name`.
pub const OTHER_SIDE: &str = "kubectl-netpol/other-side";
/// The annotation of that ingress side, which names the egress policy that it was written for.
pub const WRITTEN_FOR: &str = "kubectl-netpol/written-for";
/// The annotation of a policy for connections that nobody saw: where configuration names them.
pub const GUESSED_FROM: &str = "kubectl-netpol/guessed-from";
/// Where the seed's ingress controller runs.
pub const INGRESS_CONTROLLER: &str = "ingress-nginx";
/// Where the seed's Prometheus runs, and its label.
pub const MONITORING: &str = "monitoring/app.kubernetes.io/name=prometheus";

/// What is denied unless a policy allows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deny {
    /// What comes in.
    #[default]
    Ingress,
    /// What goes out.
    Egress,
    /// Both.
    All,
}

/// How DNS is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dns {
    /// As `Strict` where the cluster tells, else as `Namespace`.
    #[default]
    Auto,
    /// To every pod of kube-system, on port 53.
    Namespace,
    /// To the pods behind the cluster's DNS Service, on the port where they listen.
    Strict,
    /// Not at all.
    None,
}

/// What a namespace is to be given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Baseline {
    /// What is denied by default.
    pub deny: Deny,
    /// How DNS is allowed.
    pub dns: Dns,
    /// Labels of the namespace itself.
    pub labels: LabelMap,
    /// The ingress controller that may reach the pods.
    pub ingress_controller: Option<Peer>,
    /// The monitoring that may reach the pods.
    pub monitoring: Option<Peer>,
    /// Pods of the namespace may reach one another.
    pub same_namespace: bool,
    /// Where the pods may connect to.
    pub egress: Vec<EndName>,
    /// Whatever else may come in or go out.
    pub allowed: Vec<(Direction, Allowed)>,
    /// What is allowed out is allowed in at the other end, too.
    pub both_sides: bool,
    /// The author's own policies.
    pub policies: Vec<OwnPolicy>,
    /// The language of the policies, but for the author's own.
    pub dialect: Dialect,
    /// What is asked of DNS passes Cilium's proxy, so that it knows the addresses of names. Only in
    /// Cilium's dialect.
    pub dns_proxy: bool,
}

/// One policy of a baseline.
#[derive(Clone, Debug, PartialEq)]
pub enum BaselinePolicy {
    /// One that takes any dialect.
    Drafted(Box<Draft>),
    /// The author's own, which is a NetworkPolicy whatever the dialect: Cilium enforces these, too.
    Own(Box<NetworkPolicy>),
}

/// Pods of another namespace that may come in.
#[derive(Clone, Debug, PartialEq)]
pub struct Peer {
    /// Their namespace.
    pub namespace: String,
    /// Their labels; none means all pods there.
    pub labels: LabelMap,
    /// The ports on our pods; none means every port.
    pub ports: Vec<PortWanted>,
}

/// A NetworkPolicy that an author wrote in full.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnPolicy {
    /// Its name.
    pub name: String,
    /// Its spec.
    pub spec: NetworkPolicySpec,
}

/// What the cluster told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Where DNS is served; `None` where that is not known.
    pub dns: Option<DnsFacts>,
    /// The destinations of [`Baseline::egress`] that were found.
    pub egress: Vec<Destination>,
    /// Those of [`Baseline::allowed`].
    pub allowed: Vec<Known>,
}

/// Where a cluster serves DNS.
#[derive(Clone, Debug, PartialEq)]
pub struct DnsFacts {
    /// The Service, as `namespace/name`.
    pub service: String,
    /// The namespace of its pods.
    pub namespace: String,
    /// What it selects its pods by.
    pub labels: LabelMap,
    /// The ports on its pods.
    pub ports: Vec<PortWanted>,
    /// NodeLocal DNSCache, where it is installed.
    pub node_local: Option<NodeLocal>,
}

/// NodeLocal DNSCache: a DNS cache on each node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeLocal {
    /// The link-local addresses that it listens on in its nodes' network.
    pub addresses: Vec<IpAddr>,
    /// Its labels, where its pods have a network of their own.
    pub labels: LabelMap,
}

/// Where pods may connect to, after any Service.
#[derive(Clone, Debug, PartialEq)]
pub struct Destination {
    /// How it was named.
    pub label: String,
    /// Who it is.
    pub who: Who,
    /// The ports there; none means every port.
    pub ports: Vec<PortWanted>,
}

/// Who is at a destination.
#[derive(Clone, Debug, PartialEq)]
pub enum Who {
    /// Pods behind a Service.
    Service {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// What it selects its pods by.
        labels: LabelMap,
    },
    /// An address.
    Address(IpAddr),
    /// A DNS name outside the cluster. Only in Cilium's dialect.
    Name(String),
}
