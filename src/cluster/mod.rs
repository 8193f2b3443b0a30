//! What exists: namespaces, workloads, pods, Services and nodes, in slim types of our own.
//!
//! In: what `source/` has read. Out: a [`Snapshot`], which everything later is a pure function of.
//! Nothing here knows a policy, a file or an API.

mod address;
mod by_namespace;
mod call;
mod gap;
mod labels;
mod object;
mod pod;
mod port;
mod representative;
mod route;
mod selector;
mod service;
mod snapshot;
mod truth;

pub use address::{AddressBlock, Addresses, Family, InvalidBlock, NOT_INTERNET, is_of_internet};
pub use by_namespace::{ByNamespace, Placed};
pub use call::{Call, CallKind, Callee, Calls};
pub use gap::{Gap, named_by};
pub use labels::Labels;
pub use object::{Applied, Name, ObjectRef, Origin, Rendered, kind_from_word, kind_word};
pub use pod::{ACCOUNT_NAME_LABEL, ANY_ACCOUNT_LABEL, SERVICE_ACCOUNT_LABEL, is_account_label};
pub use pod::{ANY_OTHER_LABEL, ContainerPort, Pod, PortNames, Workload, may_be_set};
pub use port::{Port, PortRange, Protocol};
pub use representative::{
    ANY_OTHER_NAMESPACE, Bringer, Representative, real_namespace, supposed_namespace,
};
pub use route::{
    AllowedFrom, Backend, BackendPort, Class, Entrances, Gateway, Grant, Listener, Parent,
    PathKind, PathMatch, Route, RouteRule, Served,
};
pub use selector::{FieldPath, Mismatch, Operator, Requirement, Selector, TextMatch};
pub use service::{
    EndpointSlice, ExternalWays, Opens, Service, ServicePort, SliceEndpoint, TargetPort,
};
pub use snapshot::NAMESPACE_NAME_LABEL;
pub use snapshot::{Namespace, Node, PodId, Snapshot};
pub use truth::Truth;
