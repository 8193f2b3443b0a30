//! The kinds of objects: the one table of what they are called, where they are served and what they
//! are for.
//!
//! In: the two words at the head of an object, a word of the command line, or a kind. Out: what the
//! table ([`table`]) says of it. The group counts: a NetworkPolicy of Calico is not one of Kubernetes. A new kind
//! is a row here, and whoever reads it has a room of its own.

mod others;
mod table;

pub use others::{Does, Other, of_name as other_of_name, others};

use std::fmt;
use std::sync::{Arc, LazyLock};
use table::{ROWS, Row};

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
    ServiceAccount,
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
