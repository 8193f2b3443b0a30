//! Which objects are read, by API version and kind.
//!
//! In: the two words at the head of an object. Out: a built-in kind, or why it is none. The group
//! counts: a NetworkPolicy of Calico is not one of Kubernetes.

use crate::cluster::Name;
use crate::policy::admin;
use std::sync::LazyLock;

/// The kinds that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BuiltIn {
    /// A Namespace.
    Namespace,
    /// A Node.
    Node,
    /// A Pod.
    Pod,
    /// A Deployment.
    Deployment,
    /// A ReplicaSet.
    ReplicaSet,
    /// A StatefulSet.
    StatefulSet,
    /// A DaemonSet.
    DaemonSet,
    /// A Job.
    Job,
    /// A CronJob.
    CronJob,
    /// A ReplicationController.
    ReplicationController,
    /// A Service.
    Service,
    /// An EndpointSlice.
    EndpointSlice,
    /// A NetworkPolicy.
    NetworkPolicy,
    /// A ClusterNetworkPolicy.
    ClusterNetworkPolicy,
    /// An AdminNetworkPolicy.
    AdminNetworkPolicy,
    /// A BaselineAdminNetworkPolicy.
    BaselineAdminNetworkPolicy,
    /// A CiliumNetworkPolicy.
    CiliumNetworkPolicy,
    /// A CiliumClusterwideNetworkPolicy.
    CiliumClusterwideNetworkPolicy,
    /// A CiliumCIDRGroup.
    CiliumCidrGroup,
}

/// Kind, its name, and the group and version that serve it.
const BUILT_IN: &[(BuiltIn, &str, &str)] = &[
    (BuiltIn::Namespace, "Namespace", "v1"),
    (BuiltIn::Node, "Node", "v1"),
    (BuiltIn::Pod, "Pod", "v1"),
    (BuiltIn::Deployment, "Deployment", "apps/v1"),
    (BuiltIn::ReplicaSet, "ReplicaSet", "apps/v1"),
    (BuiltIn::StatefulSet, "StatefulSet", "apps/v1"),
    (BuiltIn::DaemonSet, "DaemonSet", "apps/v1"),
    (BuiltIn::Job, "Job", "batch/v1"),
    (BuiltIn::CronJob, "CronJob", "batch/v1"),
    (BuiltIn::ReplicationController, "ReplicationController", "v1"),
    (BuiltIn::Service, "Service", "v1"),
    (BuiltIn::EndpointSlice, "EndpointSlice", "discovery.k8s.io/v1"),
    (BuiltIn::NetworkPolicy, "NetworkPolicy", "networking.k8s.io/v1"),
    (BuiltIn::ClusterNetworkPolicy, "ClusterNetworkPolicy", "policy.networking.k8s.io/v1alpha2"),
    (BuiltIn::AdminNetworkPolicy, "AdminNetworkPolicy", "policy.networking.k8s.io/v1alpha1"),
    (
        BuiltIn::BaselineAdminNetworkPolicy,
        "BaselineAdminNetworkPolicy",
        "policy.networking.k8s.io/v1alpha1",
    ),
    (BuiltIn::CiliumNetworkPolicy, "CiliumNetworkPolicy", "cilium.io/v2"),
    (BuiltIn::CiliumClusterwideNetworkPolicy, "CiliumClusterwideNetworkPolicy", "cilium.io/v2"),
    (BuiltIn::CiliumCidrGroup, "CiliumCIDRGroup", "cilium.io/v2"),
];

/// Further versions of a kind in which it is written just so.
const ALIKE: &[(BuiltIn, &str)] = &[
    (BuiltIn::ClusterNetworkPolicy, "policy.networking.k8s.io/v1beta1"),
    (BuiltIn::CiliumCidrGroup, "cilium.io/v2alpha1"),
];

static NAMES: LazyLock<Vec<Name>> =
    LazyLock::new(|| BUILT_IN.iter().map(|(_, name, _)| (*name).into()).collect());

impl BuiltIn {
    /// The kind as the API writes it.
    pub fn name(self) -> Name {
        NAMES[self as usize].clone()
    }

    /// The group and version that serve it, and its resource there.
    pub fn resource(self) -> (&'static str, String) {
        let (_, name, api) = BUILT_IN[self as usize];
        let name = name.to_ascii_lowercase();
        let plural = match name.strip_suffix('y') {
            Some(stem) => format!("{stem}ies"),
            None => name + "s",
        };
        (api, plural)
    }

    /// Every version in which it is read, the one to be preferred first.
    pub fn versions(self) -> impl Iterator<Item = &'static str> {
        let alike =
            ALIKE.iter().filter(move |(kind, _)| *kind == self).map(|(_, version)| *version);
        std::iter::once(BUILT_IN[self as usize].2).chain(alike)
    }

    /// The kinds of policies besides NetworkPolicy, and what these refer to.
    pub fn dialects() -> impl Iterator<Item = Self> {
        let all = BUILT_IN.iter().map(|(kind, ..)| *kind);
        all.filter(|kind| kind.is_policy() && *kind != Self::NetworkPolicy)
    }

    /// The kind of this name, if it is a workload, which owns pods.
    pub fn workload(name: &str) -> Option<Self> {
        let (kind, ..) = BUILT_IN.iter().find(|(_, known, _)| *known == name)?;
        let owns = matches!(
            kind,
            Self::Deployment
                | Self::ReplicaSet
                | Self::StatefulSet
                | Self::DaemonSet
                | Self::Job
                | Self::CronJob
                | Self::ReplicationController
        );
        owns.then_some(*kind)
    }

    /// Whether its objects have no namespace.
    pub fn is_cluster_scoped(self) -> bool {
        let clusterwide = matches!(
            self,
            Self::Namespace
                | Self::Node
                | Self::CiliumClusterwideNetworkPolicy
                | Self::CiliumCidrGroup
        );
        clusterwide || self.admin_policy().is_some()
    }

    /// Whether its objects allow or deny traffic, or say whom others mean, so that none may be lost.
    pub fn is_policy(self) -> bool {
        self.admin_policy().is_some() || self.is_cilium() || self == Self::NetworkPolicy
    }

    /// Whether it is of Cilium.
    fn is_cilium(self) -> bool {
        matches!(
            self,
            Self::CiliumNetworkPolicy
                | Self::CiliumClusterwideNetworkPolicy
                | Self::CiliumCidrGroup
        )
    }

    /// The kind of a policy of administrators.
    pub fn admin_policy(self) -> Option<admin::Kind> {
        match self {
            Self::ClusterNetworkPolicy => Some(admin::Kind::ClusterNetworkPolicy),
            Self::AdminNetworkPolicy => Some(admin::Kind::AdminNetworkPolicy),
            Self::BaselineAdminNetworkPolicy => Some(admin::Kind::BaselineAdminNetworkPolicy),
            _ => None,
        }
    }
}

/// What the head of an object says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is read.
    BuiltIn(BuiltIn),
    /// A version that API servers no longer serve; this one they do.
    Outdated(&'static str),
    /// It rules traffic too, in a dialect that is not read.
    OtherPolicy,
    /// A kind of Kubernetes itself that says nothing about traffic and holds no pod template.
    Irrelevant,
    /// A custom resource: it may hold a pod template.
    Custom,
}

/// Kinds of other projects that allow or deny traffic, by the end of their group.
const OTHER_POLICIES: &[(&str, &[&str])] = &[
    (
        "projectcalico.org",
        &[
            "NetworkPolicy",
            "GlobalNetworkPolicy",
            "StagedNetworkPolicy",
            "StagedGlobalNetworkPolicy",
        ],
    ),
    ("crd.antrea.io", &["NetworkPolicy", "ClusterNetworkPolicy"]),
];

/// Looks up an API version and kind.
pub fn lookup(api_version: &str, kind: &str) -> Known {
    let group = group(api_version);
    if let Some((built_in, _, serves)) = BUILT_IN.iter().find(|(_, name, _)| *name == kind) {
        if api_version == *serves || ALIKE.contains(&(*built_in, api_version)) {
            return Known::BuiltIn(*built_in);
        }
        // Everything in extensions moved to the group it is served in now.
        let served_group = self::group(serves);
        let young = built_in.admin_policy().is_some() || built_in.is_cilium();
        if group == served_group && young {
            return Known::OtherPolicy; // Another version may be a newer one.
        }
        if group == served_group || (group == "extensions" && !served_group.is_empty()) {
            return Known::Outdated(serves);
        }
    }
    let other = |(of_group, kinds): &(&str, &[&str])| {
        let same = group.strip_suffix(of_group).is_some_and(|r| r.is_empty() || r.ends_with('.'));
        same && kinds.contains(&kind)
    };
    if OTHER_POLICIES.iter().any(other) {
        Known::OtherPolicy
    } else if !group.contains('.') || group.ends_with(".k8s.io") {
        Known::Irrelevant
    } else {
        Known::Custom
    }
}

/// The group of an API version; empty for the core group.
pub fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// The kind under which an object of a group is known here: with its group where that is not the one
/// in which we know a kind of that name, as kubectl asks for it then.
pub fn name_in_group(of: &str, kind: &str) -> Name {
    match BUILT_IN.iter().find(|(_, name, _)| *name == kind) {
        Some((.., api)) if group(api) != of => format!("{kind}.{of}").into(),
        _ => kind.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_plural() {
        for (kind, api, resource) in [
            (BuiltIn::NetworkPolicy, "networking.k8s.io/v1", "networkpolicies"),
            (BuiltIn::EndpointSlice, "discovery.k8s.io/v1", "endpointslices"),
            (BuiltIn::Pod, "v1", "pods"),
            (
                BuiltIn::ClusterNetworkPolicy,
                "policy.networking.k8s.io/v1alpha2",
                "clusternetworkpolicies",
            ),
            (BuiltIn::CiliumNetworkPolicy, "cilium.io/v2", "ciliumnetworkpolicies"),
            (
                BuiltIn::CiliumClusterwideNetworkPolicy,
                "cilium.io/v2",
                "ciliumclusterwidenetworkpolicies",
            ),
            (BuiltIn::CiliumCidrGroup, "cilium.io/v2", "ciliumcidrgroups"),
        ] {
            assert_eq!(kind.resource(), (api, resource.to_owned()));
        }
    }

    #[test]
    fn the_group_decides() {
        for (at, (built_in, name, api_version)) in BUILT_IN.iter().enumerate() {
            assert_eq!(*built_in as usize, at);
            assert_eq!(&*built_in.name(), *name);
            assert_eq!(lookup(api_version, name), Known::BuiltIn(*built_in));
        }
        for (api_version, kind, expected) in [
            ("extensions/v1beta1", "NetworkPolicy", Known::Outdated("networking.k8s.io/v1")),
            ("extensions/v1beta1", "Deployment", Known::Outdated("apps/v1")),
            ("apps/v1beta2", "Deployment", Known::Outdated("apps/v1")),
            ("batch/v1beta1", "CronJob", Known::Outdated("batch/v1")),
            ("projectcalico.org/v3", "NetworkPolicy", Known::OtherPolicy),
            ("crd.projectcalico.org/v1", "NetworkPolicy", Known::OtherPolicy),
            ("cilium.io/v3", "CiliumNetworkPolicy", Known::OtherPolicy),
            ("cilium.io/v2alpha1", "CiliumCIDRGroup", Known::BuiltIn(BuiltIn::CiliumCidrGroup)),
            (
                "policy.networking.k8s.io/v1beta1",
                "ClusterNetworkPolicy",
                Known::BuiltIn(BuiltIn::ClusterNetworkPolicy),
            ),
            ("policy.networking.k8s.io/v1", "ClusterNetworkPolicy", Known::OtherPolicy),
            ("policy.networking.k8s.io/v1alpha2", "AdminNetworkPolicy", Known::OtherPolicy),
            ("crd.antrea.io/v1beta1", "ClusterNetworkPolicy", Known::OtherPolicy),
            ("notcilium.io/v2", "CiliumNetworkPolicy", Known::Custom),
            ("cilium.io/v2", "CiliumEndpoint", Known::Custom),
            ("serving.knative.dev/v1", "Service", Known::Custom),
            ("argoproj.io/v1alpha1", "Rollout", Known::Custom),
            ("v1", "ConfigMap", Known::Irrelevant),
            ("apps/v1", "ControllerRevision", Known::Irrelevant),
            ("metrics.k8s.io/v1beta1", "PodMetrics", Known::Irrelevant),
        ] {
            assert_eq!(lookup(api_version, kind), expected, "{api_version} {kind}");
        }
        assert_eq!(
            &*name_in_group("serving.knative.dev", "Service"),
            "Service.serving.knative.dev"
        );
        assert_eq!(&*name_in_group("argoproj.io", "Rollout"), "Rollout");
    }
}
