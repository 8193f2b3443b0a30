//! Kinds of other projects that bear on traffic and are not judged: the one table of what each can do.
//!
//! In: the group and kind at the head of an object. Out: what such an object [`Does`] to flows of
//! pods, so that an answer which it could change is not known, and any other is told of it in a line.
//! Each row says where that was read.

use super::{Kind, Scope};
use std::sync::LazyLock;

/// What an object of a kind that is not judged can do to flows of pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// It may allow and deny, before everything that is judged.
    /// Source: docs/semantics/other-kinds.md#before-everything-else.
    Rule,
    /// It may isolate pods in both directions as a NetworkPolicy does, and allow.
    /// Source: docs/semantics/other-kinds.md#as-a-networkpolicy-does.
    Isolate,
    /// The same for what pods send.
    /// Source: docs/semantics/other-kinds.md#as-a-networkpolicy-does.
    IsolateEgress,
    /// It may deny what pods send out of the cluster.
    /// Source: docs/semantics/other-kinds.md#out-of-the-cluster.
    DenyOutside,
    /// It may keep pods apart.
    /// Source: docs/semantics/other-kinds.md#networks-apart.
    Separate,
    /// It may make policies that isolate pods of whatever namespace, and allow.
    /// Source: docs/semantics/other-kinds.md#made-by-others.
    Make,
    /// It may refuse connections where a mesh carries them; of anything else it says nothing.
    /// Source: docs/semantics/other-kinds.md#within-a-mesh.
    Condition,
    /// It may lead what is sent to some address elsewhere.
    /// Source: docs/semantics/other-kinds.md#led-elsewhere.
    Redirect,
    /// It leads traffic from outside to pods, by ways that are not followed.
    /// Source: docs/semantics/other-kinds.md#ways-in.
    LeadIn,
    /// It changes no verdict on flows of pods.
    /// Source: docs/semantics/other-kinds.md#nothing-by-themselves.
    Nothing,
}

impl Does {
    /// What it can do, as the end of a sentence about one or several of them.
    pub fn words(self) -> &'static str {
        match self {
            Self::Rule => "may allow or deny more",
            Self::Isolate => "may isolate pods and allow more",
            Self::IsolateEgress => "may isolate what pods send and allow more of it",
            Self::DenyOutside => "may deny what pods send out of the cluster",
            Self::Separate => "may keep pods apart",
            Self::Make => "may make policies that isolate pods",
            Self::Condition => {
                "may refuse connections within the mesh, which no verdict counts here"
            }
            Self::Redirect => {
                "may lead what is sent to an address to another pod, which no verdict \
                               counts here"
            }
            Self::LeadIn => {
                "may lead traffic from outside to pods, by ways that are not followed here"
            }
            Self::Nothing => "can change no verdict between pods",
        }
    }

    /// Whether a verdict may turn on it.
    pub fn decides(self) -> bool {
        !matches!(self, Self::Condition | Self::Redirect | Self::LeadIn | Self::Nothing)
    }
}

/// One kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Other {
    /// Its group, or how its groups end.
    pub group: &'static str,
    /// As the API writes it.
    pub kind: &'static str,
    /// Whether its objects are in namespaces.
    pub scope: Scope,
    /// What its objects can do.
    pub does: Does,
}

impl Other {
    /// The resource in paths of the API.
    pub fn plural(&self) -> String {
        let kind = self.kind.to_ascii_lowercase();
        match kind.strip_suffix('y') {
            Some(stem) => format!("{stem}ies"),
            None => format!("{kind}s"),
        }
    }

    /// Whether its objects are of this group.
    pub fn is_of(&self, group: &str) -> bool {
        group.strip_suffix(self.group).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

const fn namespaced(group: &'static str, kind: &'static str, does: Does) -> Other {
    Other { group, kind, scope: Scope::Namespaced, does }
}

const fn cluster(group: &'static str, kind: &'static str, does: Does) -> Other {
    Other { group, kind, scope: Scope::Cluster, does }
}

const ANTREA: &str = "crd.antrea.io";
const OVN: &str = "k8s.ovn.org";
const OPENSHIFT: &str = "network.openshift.io";
const EKS: &str = "networking.k8s.aws";
const ISTIO: &str = "security.istio.io";
const LINKERD: &str = "policy.linkerd.io";
const KYVERNO: &str = "kyverno.io";
const CILIUM: &str = "cilium.io";
const TRAEFIK: &str = "traefik.io";

/// Source: docs/semantics/other-kinds.md.
const OTHERS: &[Other] = &[
    namespaced(ANTREA, "NetworkPolicy", Does::Rule),
    cluster(ANTREA, "ClusterNetworkPolicy", Does::Rule),
    namespaced("networking.gke.io", "FQDNNetworkPolicy", Does::IsolateEgress),
    namespaced(OVN, "EgressFirewall", Does::DenyOutside),
    namespaced(OVN, "UserDefinedNetwork", Does::Separate),
    cluster(OVN, "ClusterUserDefinedNetwork", Does::Separate),
    namespaced(OPENSHIFT, "EgressNetworkPolicy", Does::DenyOutside),
    cluster(OPENSHIFT, "NetNamespace", Does::Separate),
    cluster(EKS, "ClusterNetworkPolicy", Does::Rule),
    namespaced(EKS, "ApplicationNetworkPolicy", Does::Isolate),
    namespaced("k8s.cni.cncf.io", "MultiNetworkPolicy", Does::Nothing),
    namespaced(CILIUM, "CiliumLocalRedirectPolicy", Does::Redirect),
    cluster(CILIUM, "CiliumEgressGatewayPolicy", Does::Nothing),
    namespaced(ISTIO, "AuthorizationPolicy", Does::Condition),
    namespaced(ISTIO, "PeerAuthentication", Does::Condition),
    namespaced(LINKERD, "Server", Does::Condition),
    namespaced(LINKERD, "ServerAuthorization", Does::Condition),
    namespaced(LINKERD, "AuthorizationPolicy", Does::Condition),
    namespaced(TRAEFIK, "IngressRoute", Does::LeadIn),
    namespaced(TRAEFIK, "IngressRouteTCP", Does::LeadIn),
    namespaced(TRAEFIK, "IngressRouteUDP", Does::LeadIn),
    namespaced("traefik.containo.us", "IngressRoute", Does::LeadIn),
    namespaced("networking.istio.io", "Gateway", Does::LeadIn),
    namespaced("networking.istio.io", "VirtualService", Does::LeadIn),
    namespaced("projectcontour.io", "HTTPProxy", Does::LeadIn),
    namespaced("k8s.nginx.org", "VirtualServer", Does::LeadIn),
    namespaced("k8s.nginx.org", "TransportServer", Does::LeadIn),
    cluster("capsule.clastix.io", "Tenant", Does::Make),
    cluster(KYVERNO, "ClusterPolicy", Does::Make),
    namespaced(KYVERNO, "Policy", Does::Make),
    cluster(KYVERNO, "GeneratingPolicy", Does::Make),
    namespaced(KYVERNO, "NamespacedGeneratingPolicy", Does::Make),
];

/// A newer or older version of a kind that is judged: nothing is known of it but what its kind can do.
static OF_ANOTHER_VERSION: LazyLock<Vec<Other>> = LazyLock::new(|| {
    let rows = super::ROWS.iter().filter_map(|row| {
        let does = match row.role {
            super::Role::Policy(super::Power::Deny, _) => Does::Rule,
            super::Role::Policy(super::Power::Isolate, _) => Does::Isolate,
            // Rules that name it are told of by themselves, as not knowing whom they mean.
            super::Role::Reference(_) => Does::Nothing,
            super::Role::Fact | super::Role::Workload => return None,
        };
        let (group, kind, scope) = (row.kind.group(), row.kind.api_kind(), row.scope);
        Some(Other { group, kind, scope, does })
    });
    rows.collect()
});

/// A kind of which nothing is known but that it calls itself a policy for the network: anything.
static CALLS_ITSELF_ONE: [Other; 2] = [namespaced("", "", Does::Rule), cluster("", "", Does::Rule)];

/// The row of a kind that is in no table and calls itself a policy for the network.
///
/// Ours: what nobody here has heard of may decide, where its name says that this is what it is for.
pub(super) fn of_its_name(kind: &str) -> Option<&'static Other> {
    let wide = kind.starts_with("Cluster") || kind.starts_with("Global");
    kind.contains("NetworkPolicy").then(|| &CALLS_ITSELF_ONE[usize::from(wide)])
}

/// The kinds of other projects.
pub fn others() -> impl Iterator<Item = &'static Other> {
    OTHERS.iter()
}

/// The row of a kind in a group.
pub(super) fn other(group: &str, kind: &str) -> Option<&'static Other> {
    OTHERS.iter().find(|row| row.kind == kind && row.is_of(group))
}

/// The row of a kind as objects of it are called: with its group, unless it is judged.
pub fn of_name(name: &str) -> Option<&'static Other> {
    if Kind::named(name).is_some() {
        return None;
    }
    let (kind, group) = name.split_once('.')?;
    other(group, kind).or_else(|| of_another_version(group, kind)).or_else(|| of_its_name(kind))
}

/// The row of a kind that is judged, in a version that is not.
pub(super) fn of_another_version(group: &str, kind: &str) -> Option<&'static Other> {
    OF_ANOTHER_VERSION.iter().find(|row| row.kind == kind && row.is_of(group))
}
