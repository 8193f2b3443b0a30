//! Who enforces the policies: what the letter of the specifications says, Calico, or Cilium with its
//! settings.
//!
//! An enforcer changes what a peer may match and which entries are implied, never the algorithm.

use super::rule::Scope;
use super::{CalicoVersion, CiliumVersion, LabelFilter};
use crate::cluster::{Name, PortNames};
use crate::kinds::{EnforcedBy, Kind};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Who enforces the policies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Enforcer {
    /// A network plugin that does what the specifications say.
    #[default]
    Kubernetes,
    /// Cilium.
    Cilium(Cilium),
    /// Calico.
    Calico(Calico),
}

/// Calico, as far as a setting of it changes an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calico {
    /// The minor version, where it is known; else whatever any of them reads counts.
    pub version: Option<CalicoVersion>,
}

impl Calico {
    /// Why a release of it leaves policies of a kind out, as the end of a sentence.
    ///
    /// Source: docs/semantics/calico.md#versions.
    pub(super) fn leaves_out(self, kind: Kind) -> Option<&'static str> {
        match (kind, self.version?) {
            (Kind::ClusterNetworkPolicy, CalicoVersion::V3_31) => {
                Some("Calico reads it from 3.32 on")
            }
            (Kind::AdminNetworkPolicy | Kind::BaselineAdminNetworkPolicy, CalicoVersion::V3_32) => {
                Some("Calico reads it up to 3.31, and since then ClusterNetworkPolicies")
            }
            _ => None,
        }
    }
}

impl Enforcer {
    /// Cilium's settings, where it is Cilium.
    pub fn cilium(&self) -> Option<&Cilium> {
        match self {
            Self::Kubernetes | Self::Calico(_) => None,
            Self::Cilium(cilium) => Some(cilium),
        }
    }

    /// Calico, where it is Calico.
    pub fn calico(&self) -> Option<&Calico> {
        match self {
            Self::Calico(calico) => Some(calico),
            Self::Kubernetes | Self::Cilium(_) => None,
        }
    }

    /// The names that the command line takes.
    pub fn names() -> impl Iterator<Item = String> {
        let of_calico = CalicoVersion::ALL.into_iter().map(|version| format!("calico-{version}"));
        let of_cilium = CiliumVersion::ALL.into_iter().map(|version| format!("cilium-{version}"));
        let plain = ["kubernetes", "calico", "cilium"].map(ToOwned::to_owned).into_iter();
        plain.chain(of_calico).chain(of_cilium)
    }

    /// Whether it enforces policies of a kind at all.
    ///
    /// Source: docs/semantics/cilium-networkpolicy.md and
    /// docs/semantics/cilium-verdicts.md#clusternetworkpolicy.
    pub(super) fn reads(&self, kind: Kind) -> bool {
        if self.calico().is_some_and(|calico| calico.leaves_out(kind).is_some()) {
            return false;
        }
        match (self.cilium(), kind.enforced_by()) {
            (_, None) | (Some(_), Some(EnforcedBy::Kubernetes | EnforcedBy::Calico)) => false,
            (None, Some(EnforcedBy::Calico)) => self.calico().is_some(),
            (None, Some(by)) => by != EnforcedBy::Cilium,
            (Some(_), Some(EnforcedBy::Cilium)) => true,
            (Some(cilium), Some(EnforcedBy::All)) => match kind {
                Kind::NetworkPolicy => cilium.network_policies,
                Kind::ClusterNetworkPolicy => cilium.cluster_network_policies,
                _ => true,
            },
        }
    }

    /// Which ports names stand for.
    ///
    /// Source: docs/semantics/networkpolicy.md#named-ports and
    /// docs/semantics/cilium-ports.md#named-ports.
    pub fn port_names(&self) -> PortNames {
        self.cilium().map_or(PortNames::Every, |_| PortNames::Last)
    }

    /// Whom an address block means in the dialects of Kubernetes.
    ///
    /// Source: docs/semantics/networkpolicy.md#address-blocks, docs/semantics/admin.md#networks and
    /// docs/semantics/cilium-rules.md#networks.
    pub fn block_scope(&self) -> Scope {
        self.cilium().map_or(Scope::EVERYONE, |cilium| Scope {
            pods: cilium.cidr_matches_pods,
            nodes: cilium.cidr_matches_nodes,
        })
    }
}

/// `kubernetes`, `calico`, `calico-3.32`, `cilium-1.19`.
impl fmt::Display for Enforcer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kubernetes => f.write_str("kubernetes"),
            Self::Cilium(cilium) => write!(f, "cilium-{}", cilium.version),
            Self::Calico(Calico { version: None }) => f.write_str("calico"),
            Self::Calico(Calico { version: Some(version) }) => write!(f, "calico-{version}"),
        }
    }
}

/// `kubernetes`, `calico`, `calico-3.31`, `calico-3.32`, `cilium` for the version that is met most, or
/// `cilium-1.18` to `cilium-1.20`.
impl FromStr for Enforcer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "kubernetes" => return Ok(Self::Kubernetes),
            "cilium" => return Ok(Self::Cilium(Cilium::default())),
            "calico" => return Ok(Self::Calico(Calico::default())),
            _ => {}
        }
        if let Some(version) = text.strip_prefix("calico-").and_then(CalicoVersion::named) {
            return Ok(Self::Calico(Calico { version: Some(version) }));
        }
        let version = text.strip_prefix("cilium-").and_then(CiliumVersion::named);
        version.map(|version| Self::Cilium(Cilium::new(version))).ok_or_else(|| {
            "give kubernetes, calico, calico-3.31, calico-3.32, cilium, cilium-1.18, cilium-1.19 or \
             cilium-1.20"
                .to_owned()
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
/// Source: docs/semantics/cilium-objects.md#settings-of-the-agent; the names are the agent's options.
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
    /// `cluster-id` is one of a mesh of clusters.
    pub in_cluster_mesh: bool,
    /// `cluster-name`; `None` where it is not known.
    pub cluster_name: Option<Name>,
    /// `enable-k8s-networkpolicy`: NetworkPolicies are enforced.
    pub network_policies: bool,
    /// `enable-sctp`: ports of SCTP can be allowed.
    pub sctp: bool,
    /// `allow-localhost` is not `policy`: a node reaches the pods that run on it.
    pub node_reaches_own_pods: bool,
    /// `enable-k8s-cluster-network-policy`: ClusterNetworkPolicies are enforced.
    pub cluster_network_policies: bool,
    /// `enable-icmp-rules`: rules for ICMP can be used.
    pub icmp_rules: bool,
    /// `enable-extended-ip-protocols`: ports may be left out.
    pub extended_protocols: bool,
    /// `enable-ipv4` and `enable-ipv6`: both families are on; `None` where that is not said.
    pub dual_stack: Option<bool>,
    /// `labels` and `label-prefix-file`: which labels selectors can see.
    pub labels: LabelFilter,
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
            in_cluster_mesh: false,
            cluster_name: None,
            network_policies: true,
            sctp: false,
            node_reaches_own_pods: true,
            cluster_network_policies: version >= CiliumVersion::V1_20,
            icmp_rules: true,
            extended_protocols: false,
            dual_stack: None,
            labels: LabelFilter::new(version),
        }
    }
}

/// The version that is met most.
impl Default for Cilium {
    fn default() -> Self {
        Self::new(CiliumVersion::V1_19)
    }
}

/// What is told of the first selector of an object that means pods of other clusters without naming any.
pub(super) const OTHER_CLUSTERS: &str = "names no cluster, so it means such pods in every cluster of the mesh, as do other selectors here that name none; \
     from Cilium 1.19 on, unless policy-default-local-cluster is off, only those in this cluster";

impl Cilium {
    /// Whether peers that name no cluster mean pods of others too, which they do not by default from 1.19 on.
    ///
    /// Source: docs/semantics/cilium-labels.md#cluster-of-a-peer.
    pub fn means_other_clusters(&self) -> bool {
        self.in_cluster_mesh && !self.default_local_cluster
    }

    /// A version with the settings of the agent's ConfigMap, `kube-system/cilium-config`.
    ///
    /// Source: docs/semantics/cilium-objects.md#settings-of-the-agent. What is absent or not
    /// understood has its default; `enable-k8s-cluster-network-policy` is off unless it is switched
    /// on.
    pub fn configured(version: CiliumVersion, config: &BTreeMap<String, String>) -> Self {
        let text = |key: &str| config.get(key).map(|value| value.trim());
        // As Go's strconv.ParseBool.
        let flag = |key: &str| match text(key) {
            Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Some(true),
            Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Some(false),
            _ => None,
        };
        let mut cilium = Self { cluster_network_policies: false, ..Self::new(version) };
        for (key, setting) in [
            ("policy-audit-mode", &mut cilium.audit),
            ("enable-host-firewall", &mut cilium.host_firewall),
            ("enable-node-selector-labels", &mut cilium.node_selector_labels),
            ("enable-non-default-deny-policies", &mut cilium.non_default_deny),
            ("enable-l7-proxy", &mut cilium.l7_proxy),
            ("policy-default-local-cluster", &mut cilium.default_local_cluster),
            ("enable-k8s-networkpolicy", &mut cilium.network_policies),
            ("enable-sctp", &mut cilium.sctp),
            ("enable-k8s-cluster-network-policy", &mut cilium.cluster_network_policies),
            ("enable-icmp-rules", &mut cilium.icmp_rules),
            ("enable-extended-ip-protocols", &mut cilium.extended_protocols),
        ] {
            *setting = flag(key).unwrap_or(*setting);
        }
        let families = flag("enable-ipv4").zip(flag("enable-ipv6"));
        cilium.dual_stack = families.map(|(ipv4, ipv6)| ipv4 && ipv6);
        let modes = text("policy-cidr-match-mode").unwrap_or_default();
        for mode in modes.split([',', ' ']) {
            cilium.cidr_matches_nodes |= mode == "nodes";
            cilium.cidr_matches_pods |= mode == "pods" && version >= CiliumVersion::V1_20;
        }
        cilium.enforcement = match text("enable-policy") {
            Some("always") => Enforcement::Always,
            Some("never") => Enforcement::Never,
            _ => Enforcement::Default,
        };
        cilium.node_reaches_own_pods = text("allow-localhost") != Some("policy");
        let [labels, file] =
            ["labels", "label-prefix-file"].map(|key| text(key).unwrap_or_default());
        cilium.labels = LabelFilter::configured(version, labels, file);
        let id = text("cluster-id").and_then(|id| id.parse::<u32>().ok());
        cilium.in_cluster_mesh = id.is_some_and(|id| id > 0);
        cilium.cluster_name =
            Some(text("cluster-name").filter(|name| !name.is_empty()).unwrap_or("default").into());
        cilium
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_releases() {
        for name in Enforcer::names().filter(|name| name != "cilium") {
            assert_eq!(name.parse::<Enforcer>().map(|e| e.to_string()), Ok(name));
        }
        assert_eq!("cilium".parse::<Enforcer>().map(|e| e.to_string()), Ok("cilium-1.19".into()));
        assert!("cilium-1.7".parse::<Enforcer>().unwrap_err().contains("cilium-1.18"));
        for (release, version) in [
            ("v1.19.4", Some("1.19")),
            ("1.16.0", Some("1.18")),
            ("v1.20.0-rc.1", Some("1.20")),
            ("v1.21.0-pre.2", Some("1.20")),
            ("2.0", Some("1.20")),
            ("latest", None),
            ("", None),
        ] {
            let found = CiliumVersion::of_release(release).map(|version| version.to_string());
            assert_eq!(found.as_deref(), version, "{release}");
        }
        for (release, version) in [
            ("v3.31.5", Some("3.31")),
            ("v3.28.0", Some("3.31")),
            ("v3.32.0", Some("3.32")),
            ("v3.33.0-0.dev", Some("3.32")),
            ("master", None),
        ] {
            let found = CalicoVersion::of_release(release).map(|version| version.to_string());
            assert_eq!(found.as_deref(), version, "{release}");
        }
    }

    /// docs/semantics/cilium-objects.md#settings-of-the-agent: the agent's settings and their
    /// defaults.
    #[test]
    fn settings_of_the_agent() {
        let of = |version, pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            Cilium::configured(version, &pairs.collect())
        };
        let plain = of(CiliumVersion::V1_20, &[]);
        assert_eq!(
            plain,
            Cilium {
                cluster_network_policies: false,
                cluster_name: Some("default".into()),
                ..Cilium::new(CiliumVersion::V1_20)
            }
        );
        assert!(plain.default_local_cluster && plain.l7_proxy && plain.non_default_deny);
        assert!(!of(CiliumVersion::V1_18, &[]).default_local_cluster);
        let mesh = |version| of(version, &[("cluster-id", "3")]).means_other_clusters();
        assert!(mesh(CiliumVersion::V1_18) && !mesh(CiliumVersion::V1_19));
        assert!(!of(CiliumVersion::V1_18, &[("cluster-id", "0")]).means_other_clusters());
        let other = of(
            CiliumVersion::V1_19,
            &[
                ("enable-policy", "always"),
                ("policy-audit-mode", "true"),
                ("policy-cidr-match-mode", "nodes,pods"),
                ("enable-l7-proxy", "false"),
                ("policy-default-local-cluster", "perhaps"),
                ("cluster-name", "home"),
                ("allow-localhost", "policy"),
                ("enable-icmp-rules", "false"),
                ("enable-extended-ip-protocols", "true"),
                ("labels", "k8s:app"),
            ],
        );
        assert_eq!(other.enforcement, Enforcement::Always);
        assert!(other.audit && other.cidr_matches_nodes && other.default_local_cluster);
        assert!(!other.l7_proxy && !other.node_reaches_own_pods && !other.icmp_rules);
        assert!(plain.icmp_rules && !plain.extended_protocols && other.extended_protocols);
        assert_eq!(other.labels, LabelFilter::configured(CiliumVersion::V1_19, "k8s:app", ""));
        assert!(!other.cidr_matches_pods, "only since 1.20");
        assert_eq!(other.cluster_name.as_deref(), Some("home"));
        assert!(of(CiliumVersion::V1_20, &[("policy-cidr-match-mode", "pods")]).cidr_matches_pods);
        assert_eq!(
            of(CiliumVersion::V1_19, &[("enable-policy", "never")]).enforcement,
            Enforcement::Never
        );
    }
}
