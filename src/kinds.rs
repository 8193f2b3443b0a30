//! The kinds of objects: the one table of what they are called, where they are served and what they
//! are for.
//!
//! In: the two words at the head of an object, a word of the command line, or a kind. Out: what the
//! table says of it. The group counts: a NetworkPolicy of Calico is not one of Kubernetes. A new kind
//! is a row here, and whoever reads it has a room of its own.

mod others;

pub use others::{Does, Other, of_name as other_of_name, others};

use std::fmt;
use std::sync::{Arc, LazyLock};

/// The kinds that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `v1`
    Namespace,
    /// `v1`
    Node,
    /// `v1`
    Pod,
    /// `apps/v1`
    Deployment,
    /// `apps/v1`
    ReplicaSet,
    /// `apps/v1`
    StatefulSet,
    /// `apps/v1`
    DaemonSet,
    /// `batch/v1`
    Job,
    /// `batch/v1`
    CronJob,
    /// `v1`
    ReplicationController,
    /// `v1`
    Service,
    /// `v1`
    Endpoints,
    /// `discovery.k8s.io/v1`
    EndpointSlice,
    /// `networking.k8s.io/v1`
    Ingress,
    /// `networking.k8s.io/v1`
    IngressClass,
    /// `gateway.networking.k8s.io/v1`
    GatewayClass,
    /// `gateway.networking.k8s.io/v1`
    Gateway,
    /// `gateway.networking.k8s.io/v1`
    HttpRoute,
    /// `gateway.networking.k8s.io/v1`
    GrpcRoute,
    /// `gateway.networking.k8s.io/v1`
    TlsRoute,
    /// `gateway.networking.k8s.io/v1`
    TcpRoute,
    /// `gateway.networking.k8s.io/v1`
    UdpRoute,
    /// `gateway.networking.k8s.io/v1`
    ReferenceGrant,
    /// `route.openshift.io/v1`
    Route,
    /// `admissionregistration.k8s.io/v1`
    ValidatingWebhookConfiguration,
    /// `admissionregistration.k8s.io/v1`
    MutatingWebhookConfiguration,
    /// `apiregistration.k8s.io/v1`
    ApiService,
    /// `apiextensions.k8s.io/v1`
    CustomResourceDefinition,
    /// `networking.k8s.io/v1`
    NetworkPolicy,
    /// `policy.networking.k8s.io/v1alpha2`
    ClusterNetworkPolicy,
    /// `policy.networking.k8s.io/v1alpha1`
    AdminNetworkPolicy,
    /// `policy.networking.k8s.io/v1alpha1`
    BaselineAdminNetworkPolicy,
    /// `cilium.io/v2`
    CiliumNetworkPolicy,
    /// `cilium.io/v2`
    CiliumClusterwideNetworkPolicy,
    /// `cilium.io/v2`
    CiliumCidrGroup,
    /// `projectcalico.org/v3`
    CalicoNetworkPolicy,
    /// `projectcalico.org/v3`
    CalicoGlobalNetworkPolicy,
    /// `projectcalico.org/v3`
    CalicoStagedNetworkPolicy,
    /// `projectcalico.org/v3`
    CalicoStagedGlobalNetworkPolicy,
    /// `projectcalico.org/v3`
    CalicoStagedKubernetesNetworkPolicy,
    /// `projectcalico.org/v3`
    CalicoTier,
    /// `projectcalico.org/v3`
    CalicoNetworkSet,
    /// `projectcalico.org/v3`
    CalicoGlobalNetworkSet,
    /// `projectcalico.org/v3`
    CalicoHostEndpoint,
}

/// Whether objects of a kind are in namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Each is in one.
    Namespaced,
    /// They are in none.
    Cluster,
}

/// What a kind is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is there, and says nothing about traffic.
    Fact,
    /// It makes pods from a template.
    Workload,
    /// It rules traffic.
    Policy(Power, EnforcedBy),
    /// Policies name it to say whom they mean.
    Reference(EnforcedBy),
}

/// What a policy can do to traffic that others allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// Nothing: it isolates pods and allows.
    Isolate,
    /// It may deny.
    Deny,
}

/// Who enforces the policies of a kind. How its settings change that is for the enforcer to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnforcedBy {
    /// Whoever does what the specifications say, and Cilium.
    All,
    /// Whoever does what the specifications say, and not Cilium.
    Kubernetes,
    /// Cilium alone.
    Cilium,
    /// Calico alone.
    Calico,
}

/// One kind.
struct Row {
    kind: Kind,
    /// As the API writes it; with its group where another row has the name, as in
    /// `NetworkPolicy.example.org`.
    name: &'static str,
    /// The resource in paths of the API.
    plural: &'static str,
    /// The groups with the versions in which it is written just so, the one to be preferred first.
    versions: &'static [&'static str],
    /// What people call it besides its singular and plural, what answers call it first. A kind without
    /// any cannot be named on the command line.
    words: &'static [&'static str],
    scope: Scope,
    role: Role,
}

/// The form of Calico's API, and that in which it keeps its objects.
const CALICO: &[&str] = &["projectcalico.org/v3", "crd.projectcalico.org/v1"];

/// In the order of [`Kind`].
const ROWS: &[Row] = &[
    Row {
        kind: Kind::Namespace,
        name: "Namespace",
        plural: "namespaces",
        versions: &["v1"],
        words: &["ns"],
        scope: Scope::Cluster,
        role: Role::Fact,
    },
    Row {
        kind: Kind::Node,
        name: "Node",
        plural: "nodes",
        versions: &["v1"],
        words: &["node", "no"],
        scope: Scope::Cluster,
        role: Role::Fact,
    },
    Row {
        kind: Kind::Pod,
        name: "Pod",
        plural: "pods",
        versions: &["v1"],
        words: &["pod", "po"],
        scope: Scope::Namespaced,
        role: Role::Fact,
    },
    Row {
        kind: Kind::Deployment,
        name: "Deployment",
        plural: "deployments",
        versions: &["apps/v1"],
        words: &["deploy"],
        scope: Scope::Namespaced,
        role: Role::Workload,
    },
    Row {
        kind: Kind::ReplicaSet,
        name: "ReplicaSet",
        plural: "replicasets",
        versions: &["apps/v1"],
        words: &["rs"],
        scope: Scope::Namespaced,
        role: Role::Workload,
    },
    Row {
        kind: Kind::StatefulSet,
        name: "StatefulSet",
        plural: "statefulsets",
        versions: &["apps/v1"],
        words: &["sts"],
        scope: Scope::Namespaced,
        role: Role::Workload,
    },
    Row {
        kind: Kind::DaemonSet,
        name: "DaemonSet",
        plural: "daemonsets",
        versions: &["apps/v1"],
        words: &["ds"],
        scope: Scope::Namespaced,
        role: Role::Workload,
    },
    Row {
        kind: Kind::Job,
        name: "Job",
        plural: "jobs",
        versions: &["batch/v1"],
        words: &["job"],
        scope: Scope::Namespaced,
        role: Role::Workload,
    },
    Row {
        kind: Kind::CronJob,
        name: "CronJob",
        plural: "cronjobs",
        versions: &["batch/v1"],
        words: &["cj"],
        scope: Scope::Namespaced,
        role: Role::Workload,
    },
    Row {
        kind: Kind::ReplicationController,
        name: "ReplicationController",
        plural: "replicationcontrollers",
        versions: &["v1"],
        words: &["rc"],
        scope: Scope::Namespaced,
        role: Role::Workload,
    },
    Row {
        kind: Kind::Service,
        name: "Service",
        plural: "services",
        versions: &["v1"],
        words: &["svc"],
        scope: Scope::Namespaced,
        role: Role::Fact,
    },
    Row {
        kind: Kind::Endpoints,
        name: "Endpoints",
        plural: "endpoints",
        versions: &["v1"],
        words: &[],
        scope: Scope::Namespaced,
        role: Role::Fact,
    },
    Row {
        kind: Kind::EndpointSlice,
        name: "EndpointSlice",
        plural: "endpointslices",
        versions: &["discovery.k8s.io/v1"],
        words: &[],
        scope: Scope::Namespaced,
        role: Role::Fact,
    },
    Row {
        kind: Kind::Ingress,
        name: "Ingress",
        plural: "ingresses",
        versions: &["networking.k8s.io/v1"],
        words: &[],
        scope: Scope::Namespaced,
        role: Role::Fact,
    },
    Row {
        kind: Kind::IngressClass,
        name: "IngressClass",
        plural: "ingressclasses",
        versions: &["networking.k8s.io/v1"],
        words: &[],
        scope: Scope::Cluster,
        role: Role::Fact,
    },
    Row {
        kind: Kind::GatewayClass,
        name: "GatewayClass",
        plural: "gatewayclasses",
        versions: &["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1"],
        words: &[],
        scope: Scope::Cluster,
        role: Role::Fact,
    },
    Row {
        kind: Kind::Gateway,
        name: "Gateway",
        plural: "gateways",
        versions: &["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1"],
        words: &[],
        scope: Scope::Namespaced,
        role: Role::Fact,
    },
    Row {
        kind: Kind::HttpRoute,
        name: "HTTPRoute",
        plural: "httproutes",
        versions: &["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1"],
        words: &[],
        scope: Scope::Namespaced,
        role: Role::Fact,
    },
    Row {
        kind: Kind::GrpcRoute,
        name: "GRPCRoute",
        plural: "grpcroutes",
        versions: &["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1alpha2"],
        words: &[],
        scope: Scope::Namespaced,
        role: Role::Fact,
    },
    Row {
        kind: Kind::TlsRoute,
        name: "TLSRoute",
        plural: "tlsroutes",
        versions: &[
            "gateway.networking.k8s.io/v1",
            "gateway.networking.k8s.io/v1alpha3",
            "gateway.networking.k8s.io/v1alpha2",
        ],
        words: &[],
        scope: Scope::Namespaced,
        role: Role::Fact,
    },
    Row {
        kind: Kind::TcpRoute,
        name: "TCPRoute",
        plural: "tcproutes",
        versions: &["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1alpha2"],
        words: &[],
        scope: Scope::Namespaced,
        role: Role::Fact,
    },
    Row {
        kind: Kind::UdpRoute,
        name: "UDPRoute",
        plural: "udproutes",
        versions: &["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1alpha2"],
        words: &[],
        scope: Scope::Namespaced,
        role: Role::Fact,
    },
    Row {
        kind: Kind::ReferenceGrant,
        name: "ReferenceGrant",
        plural: "referencegrants",
        versions: &[
            "gateway.networking.k8s.io/v1",
            "gateway.networking.k8s.io/v1beta1",
            "gateway.networking.k8s.io/v1alpha2",
        ],
        words: &[],
        scope: Scope::Namespaced,
        role: Role::Fact,
    },
    Row {
        kind: Kind::Route,
        name: "Route",
        plural: "routes",
        versions: &["route.openshift.io/v1"],
        words: &[],
        scope: Scope::Namespaced,
        role: Role::Fact,
    },
    Row {
        kind: Kind::ValidatingWebhookConfiguration,
        name: "ValidatingWebhookConfiguration",
        plural: "validatingwebhookconfigurations",
        versions: &["admissionregistration.k8s.io/v1", "admissionregistration.k8s.io/v1beta1"],
        words: &[],
        scope: Scope::Cluster,
        role: Role::Fact,
    },
    Row {
        kind: Kind::MutatingWebhookConfiguration,
        name: "MutatingWebhookConfiguration",
        plural: "mutatingwebhookconfigurations",
        versions: &["admissionregistration.k8s.io/v1", "admissionregistration.k8s.io/v1beta1"],
        words: &[],
        scope: Scope::Cluster,
        role: Role::Fact,
    },
    Row {
        kind: Kind::ApiService,
        name: "APIService",
        plural: "apiservices",
        versions: &["apiregistration.k8s.io/v1", "apiregistration.k8s.io/v1beta1"],
        words: &[],
        scope: Scope::Cluster,
        role: Role::Fact,
    },
    Row {
        kind: Kind::CustomResourceDefinition,
        name: "CustomResourceDefinition",
        plural: "customresourcedefinitions",
        versions: &["apiextensions.k8s.io/v1", "apiextensions.k8s.io/v1beta1"],
        words: &[],
        scope: Scope::Cluster,
        role: Role::Fact,
    },
    Row {
        kind: Kind::NetworkPolicy,
        name: "NetworkPolicy",
        plural: "networkpolicies",
        versions: &["networking.k8s.io/v1"],
        words: &["netpol"],
        scope: Scope::Namespaced,
        role: Role::Policy(Power::Isolate, EnforcedBy::All),
    },
    // Its own short name, cnp, is that of CiliumNetworkPolicy too.
    Row {
        kind: Kind::ClusterNetworkPolicy,
        name: "ClusterNetworkPolicy",
        plural: "clusternetworkpolicies",
        versions: &["policy.networking.k8s.io/v1alpha2", "policy.networking.k8s.io/v1beta1"],
        words: &["clusternetworkpolicy"],
        scope: Scope::Cluster,
        role: Role::Policy(Power::Deny, EnforcedBy::All),
    },
    Row {
        kind: Kind::AdminNetworkPolicy,
        name: "AdminNetworkPolicy",
        plural: "adminnetworkpolicies",
        versions: &["policy.networking.k8s.io/v1alpha1"],
        words: &["anp"],
        scope: Scope::Cluster,
        role: Role::Policy(Power::Deny, EnforcedBy::Kubernetes),
    },
    Row {
        kind: Kind::BaselineAdminNetworkPolicy,
        name: "BaselineAdminNetworkPolicy",
        plural: "baselineadminnetworkpolicies",
        versions: &["policy.networking.k8s.io/v1alpha1"],
        words: &["banp"],
        scope: Scope::Cluster,
        role: Role::Policy(Power::Deny, EnforcedBy::Kubernetes),
    },
    Row {
        kind: Kind::CiliumNetworkPolicy,
        name: "CiliumNetworkPolicy",
        plural: "ciliumnetworkpolicies",
        versions: &["cilium.io/v2"],
        words: &["cnp", "ciliumnp"],
        scope: Scope::Namespaced,
        role: Role::Policy(Power::Deny, EnforcedBy::Cilium),
    },
    Row {
        kind: Kind::CiliumClusterwideNetworkPolicy,
        name: "CiliumClusterwideNetworkPolicy",
        plural: "ciliumclusterwidenetworkpolicies",
        versions: &["cilium.io/v2"],
        words: &["ccnp"],
        scope: Scope::Cluster,
        role: Role::Policy(Power::Deny, EnforcedBy::Cilium),
    },
    Row {
        kind: Kind::CiliumCidrGroup,
        name: "CiliumCIDRGroup",
        plural: "ciliumcidrgroups",
        versions: &["cilium.io/v2", "cilium.io/v2alpha1"],
        words: &["ccg"],
        scope: Scope::Cluster,
        role: Role::Reference(EnforcedBy::Cilium),
    },
    Row {
        kind: Kind::CalicoNetworkPolicy,
        name: "NetworkPolicy.projectcalico.org",
        plural: "networkpolicies",
        versions: CALICO,
        words: &["caliconetworkpolicy"],
        scope: Scope::Namespaced,
        role: Role::Policy(Power::Deny, EnforcedBy::Calico),
    },
    Row {
        kind: Kind::CalicoGlobalNetworkPolicy,
        name: "GlobalNetworkPolicy",
        plural: "globalnetworkpolicies",
        versions: CALICO,
        words: &["gnp"],
        scope: Scope::Cluster,
        role: Role::Policy(Power::Deny, EnforcedBy::Calico),
    },
    Row {
        kind: Kind::CalicoStagedNetworkPolicy,
        name: "StagedNetworkPolicy",
        plural: "stagednetworkpolicies",
        versions: CALICO,
        words: &["snp"],
        scope: Scope::Namespaced,
        role: Role::Reference(EnforcedBy::Calico),
    },
    Row {
        kind: Kind::CalicoStagedGlobalNetworkPolicy,
        name: "StagedGlobalNetworkPolicy",
        plural: "stagedglobalnetworkpolicies",
        versions: CALICO,
        words: &["sgnp"],
        scope: Scope::Cluster,
        role: Role::Reference(EnforcedBy::Calico),
    },
    Row {
        kind: Kind::CalicoStagedKubernetesNetworkPolicy,
        name: "StagedKubernetesNetworkPolicy",
        plural: "stagedkubernetesnetworkpolicies",
        versions: CALICO,
        words: &["sknp"],
        scope: Scope::Namespaced,
        role: Role::Reference(EnforcedBy::Calico),
    },
    Row {
        kind: Kind::CalicoTier,
        name: "Tier",
        plural: "tiers",
        versions: CALICO,
        words: &["tier"],
        scope: Scope::Cluster,
        role: Role::Reference(EnforcedBy::Calico),
    },
    Row {
        kind: Kind::CalicoNetworkSet,
        name: "NetworkSet",
        plural: "networksets",
        versions: CALICO,
        words: &["netset"],
        scope: Scope::Namespaced,
        role: Role::Reference(EnforcedBy::Calico),
    },
    Row {
        kind: Kind::CalicoGlobalNetworkSet,
        name: "GlobalNetworkSet",
        plural: "globalnetworksets",
        versions: CALICO,
        words: &["globalnetset"],
        scope: Scope::Cluster,
        role: Role::Reference(EnforcedBy::Calico),
    },
    Row {
        kind: Kind::CalicoHostEndpoint,
        name: "HostEndpoint",
        plural: "hostendpoints",
        versions: CALICO,
        words: &["hep"],
        scope: Scope::Cluster,
        role: Role::Reference(EnforcedBy::Calico),
    },
];

static NAMES: LazyLock<Vec<Arc<str>>> =
    LazyLock::new(|| ROWS.iter().map(|row| row.name.into()).collect());

impl Kind {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        ROWS.iter().map(|row| row.kind)
    }

    /// Those that rule traffic, or say whom others mean, so that none of their objects may be lost.
    pub fn policies() -> impl Iterator<Item = Self> {
        Self::all().filter(|kind| kind.is_policy())
    }

    /// The kind that the API writes so, which objects of other groups have with their group.
    pub fn named(name: &str) -> Option<Self> {
        ROWS.iter().find(|row| row.name == name).map(|row| row.kind)
    }

    /// The kind that a word of the command line means: `deploy`, `deployments`, `deployments.apps`.
    pub fn of_word(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        let mut named = ROWS.iter().filter(|row| !row.words.is_empty());
        let means = |row: &Row, word: &str| {
            row.plural == word || row.name.eq_ignore_ascii_case(word) || row.words.contains(&word)
        };
        let Some((resource, group)) = word.split_once('.') else {
            return named.find(|row| means(row, &word)).map(|row| row.kind);
        };
        // kubectl takes versions between the two as well, so the group need not be one that is known.
        let of =
            |row: &Row| means(row, resource) || row.kind.api_kind().eq_ignore_ascii_case(resource);
        let in_group = |row: &Row| row.versions.iter().any(|version| self::group(version) == group);
        let of_group = named.clone().find(|row| in_group(row) && of(row));
        of_group.or_else(|| named.find(|row| means(row, resource))).map(|row| row.kind)
    }

    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// The kind as objects of it are called here: as the API writes it, with the group where that
    /// tells it from another.
    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// The kind as the API writes it.
    pub fn api_kind(self) -> &'static str {
        self.as_str().split_once('.').map_or(self.as_str(), |(kind, _group)| kind)
    }

    /// As [`Kind::as_str`], shared.
    pub fn name(self) -> Arc<str> {
        NAMES[self as usize].clone()
    }

    /// The word for it in answers; `None` where people have none.
    pub fn word(self) -> Option<&'static str> {
        self.row().words.first().copied()
    }

    /// Its resource in paths of the API.
    pub fn plural(self) -> &'static str {
        self.row().plural
    }

    /// Several of them in a sentence: `NetworkPolicies`.
    pub fn plural_words(self) -> String {
        let kind = self.api_kind();
        match kind.strip_suffix('y') {
            Some(stem) if !stem.ends_with('a') => format!("{stem}ies"),
            _ if kind.ends_with("ss") => format!("{kind}es"),
            _ if kind.ends_with('s') => kind.to_owned(),
            _ => format!("{kind}s"),
        }
    }

    /// Every group and version in which it is read, the one to be preferred first.
    pub fn versions(self) -> &'static [&'static str] {
        self.row().versions
    }

    /// The group and version to be preferred.
    pub fn api_version(self) -> &'static str {
        self.row().versions.first().copied().unwrap_or_default()
    }

    /// Its group; empty for the core group.
    pub fn group(self) -> &'static str {
        group(self.api_version())
    }

    /// What it is for.
    pub fn role(self) -> Role {
        self.row().role
    }

    /// Whether its objects have no namespace.
    pub fn is_cluster_scoped(self) -> bool {
        self.row().scope == Scope::Cluster
    }

    /// Whether it makes pods.
    pub fn is_workload(self) -> bool {
        self.role() == Role::Workload
    }

    /// Whether its objects rule traffic, or say whom others mean, so that none may be lost.
    pub fn is_policy(self) -> bool {
        matches!(self.role(), Role::Policy(..) | Role::Reference(_))
    }

    /// Whether its objects stand for policies that are not in force yet.
    pub fn is_staged(self) -> bool {
        matches!(
            self,
            Self::CalicoStagedNetworkPolicy
                | Self::CalicoStagedGlobalNetworkPolicy
                | Self::CalicoStagedKubernetesNetworkPolicy
        )
    }

    /// Whether its objects may deny what others allow.
    pub fn can_deny(self) -> bool {
        matches!(self.role(), Role::Policy(Power::Deny, _))
    }

    /// Who enforces it, if it is a policy or what policies name.
    pub fn enforced_by(self) -> Option<EnforcedBy> {
        match self.role() {
            Role::Policy(_, by) | Role::Reference(by) => Some(by),
            Role::Fact | Role::Workload => None,
        }
    }

    /// Whether API servers serve no other versions than these, so that any other is an older one. Of
    /// the kinds that are installed another version may be a newer one.
    fn is_settled(self) -> bool {
        !self.is_policy() || self == Self::NetworkPolicy
    }
}

/// As the API writes it.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the head of an object says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is read.
    Read(Kind),
    /// A version that API servers no longer serve; this one they do.
    Outdated(&'static str),
    /// It bears on traffic too, and is not judged.
    NotJudged(&'static Other),
    /// A kind of Kubernetes itself that says nothing about traffic and holds no pod template.
    Irrelevant,
    /// A custom resource: it may hold a pod template.
    Custom,
}

/// Looks up an API version and kind.
pub fn lookup(api_version: &str, kind: &str) -> Known {
    let group = group(api_version);
    let mut named = Kind::all().filter(|known| known.api_kind() == kind);
    if let Some(known) = named.clone().find(|known| known.versions().contains(&api_version)) {
        return Known::Read(known);
    }
    let served =
        |known: &Kind| known.versions().iter().any(|version| self::group(version) == group);
    if let Some(known) = named.clone().find(served) {
        let outdated = Known::Outdated(known.api_version());
        let newer = others::of_another_version(group, kind).filter(|_| !known.is_settled());
        return newer.map_or(outdated, Known::NotJudged);
    }
    // Everything in extensions moved to the group it is served in now.
    if group == "extensions"
        && let Some(known) = named.find(|known| !known.group().is_empty())
    {
        return Known::Outdated(known.api_version());
    }
    if let Some(other) = others::other(group, kind).or_else(|| others::of_its_name(kind)) {
        Known::NotJudged(other)
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
pub fn name_in_group(of: &str, kind: &str) -> Arc<str> {
    let of_group = |row: &&Row| {
        row.kind.api_kind() == kind && row.versions.iter().any(|version| group(version) == of)
    };
    match ROWS.iter().find(of_group) {
        Some(row) => row.kind.name(),
        None if Kind::named(kind).is_some() => format!("{kind}.{of}").into(),
        None => kind.into(),
    }
}

#[cfg(test)]
mod tests;
