//! Who enforces the policies: what the letter of the specifications says, or Cilium with its
//! settings.
//!
//! An enforcer changes what a peer may match and which entries are implied, never the algorithm.

use crate::cluster::Name;
use std::fmt;

/// Who enforces the policies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Enforcer {
    /// A network plugin that does what the specifications say.
    #[default]
    Kubernetes,
    /// Cilium.
    Cilium(Cilium),
}

impl Enforcer {
    /// Cilium's settings, where it is Cilium.
    pub fn cilium(&self) -> Option<&Cilium> {
        match self {
            Self::Kubernetes => None,
            Self::Cilium(cilium) => Some(cilium),
        }
    }
}

/// `kubernetes`, `cilium-1.19`.
impl fmt::Display for Enforcer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kubernetes => f.write_str("kubernetes"),
            Self::Cilium(cilium) => write!(f, "cilium-{}", cilium.version),
        }
    }
}

/// A minor version of Cilium. What differs between them is in semantics/cilium.md section 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CiliumVersion {
    /// 1.18 and before.
    V1_18,
    /// 1.19.
    V1_19,
    /// 1.20 and later.
    V1_20,
}

impl fmt::Display for CiliumVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1_18 => "1.18",
            Self::V1_19 => "1.19",
            Self::V1_20 => "1.20",
        })
    }
}

/// `enable-policy`: which endpoints are isolated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Enforcement {
    /// Those that policies select.
    #[default]
    Default,
    /// All, in both directions, even without any policy.
    Always,
    /// None: no policy is enforced.
    Never,
}

/// Cilium and those of its agent's settings that change an answer.
///
/// Source: semantics/cilium.md sections 3 to 5 and 9; the names are the agent's options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cilium {
    /// The minor version.
    pub version: CiliumVersion,
    /// `policy-cidr-match-mode` has `nodes`: CIDRs mean nodes too.
    pub cidr_matches_nodes: bool,
    /// `policy-cidr-match-mode` has `pods`: CIDRs mean pods too.
    pub cidr_matches_pods: bool,
    /// `enable-policy`.
    pub enforcement: Enforcement,
    /// `policy-audit-mode`: what policies drop is let through and reported.
    pub audit: bool,
    /// `enable-host-firewall`: policies with a nodeSelector apply to nodes.
    pub host_firewall: bool,
    /// `enable-node-selector-labels`: `fromNodes` and `toNodes` can be used.
    pub node_selector_labels: bool,
    /// `enable-non-default-deny-policies`: `enableDefaultDeny` counts.
    pub non_default_deny: bool,
    /// `enable-l7-proxy`: rules for HTTP, DNS and Kafka can be used.
    pub l7_proxy: bool,
    /// `policy-default-local-cluster`: peers without a cluster are those of this cluster.
    pub default_local_cluster: bool,
    /// `cluster-name`; `None` where it is not known.
    pub cluster_name: Option<Name>,
    /// `enable-k8s-cluster-network-policy`: ClusterNetworkPolicies are enforced.
    pub cluster_network_policies: bool,
}

impl Cilium {
    /// A version with the settings that it has unless told otherwise.
    ///
    /// ClusterNetworkPolicies count, although Cilium 1.20 must be told to enforce them: who writes
    /// them means them.
    pub fn new(version: CiliumVersion) -> Self {
        Self {
            version,
            cidr_matches_nodes: false,
            cidr_matches_pods: false,
            enforcement: Enforcement::Default,
            audit: false,
            host_firewall: false,
            node_selector_labels: false,
            non_default_deny: true,
            l7_proxy: true,
            default_local_cluster: version >= CiliumVersion::V1_19,
            cluster_name: None,
            cluster_network_policies: version >= CiliumVersion::V1_20,
        }
    }
}
