//! The table of what is built, a row a kit.

use super::{Kit, Tool};

/// Without these a program says that it is v0.0.0, and clients take it for ancient.
const KUBERNETES_STAMPS: &[&str] = &[
    "k8s.io/component-base/version.gitVersion={version}",
    "k8s.io/component-base/version.gitMajor={major}",
    "k8s.io/component-base/version.gitMinor={minor}",
    "k8s.io/client-go/pkg/version.gitVersion={version}",
    "k8s.io/client-go/pkg/version.gitMajor={major}",
    "k8s.io/client-go/pkg/version.gitMinor={minor}",
];

/// A Kubernetes API server, its store and its client.
pub(crate) const CONTROL_PLANE: Kit = Kit {
    name: "control-plane",
    module: "tests/tools",
    version_of: "k8s.io/kubernetes",
    given_by: Some("KUBEBUILDER_ASSETS"),
    tools: &[
        Tool {
            name: "etcd",
            package: "go.etcd.io/etcd/server/v3",
            version_of: "go.etcd.io/etcd/server/v3",
            probe: &["--version"],
            stamps: &[],
        },
        Tool {
            name: "kube-apiserver",
            package: "k8s.io/kubernetes/cmd/kube-apiserver",
            version_of: "k8s.io/kubernetes",
            probe: &["--version"],
            stamps: KUBERNETES_STAMPS,
        },
        Tool {
            name: "kubectl",
            package: "k8s.io/kubernetes/cmd/kubectl",
            version_of: "k8s.io/kubernetes",
            probe: &["version", "--client"],
            stamps: KUBERNETES_STAMPS,
        },
    ],
};

/// Hubble's command line.
pub(crate) const HUBBLE: Kit = Kit {
    name: "hubble",
    module: "tests/tools/hubble",
    version_of: "github.com/cilium/cilium",
    given_by: None,
    tools: &[Tool {
        name: "hubble",
        package: "github.com/cilium/cilium/hubble",
        version_of: "github.com/cilium/cilium",
        probe: &["version"],
        stamps: &["github.com/cilium/cilium/hubble/pkg.Version={version}"],
    }],
};

/// The Flux CLI.
pub(crate) const FLUX: Kit = Kit {
    name: "flux",
    module: "tests/tools/flux",
    version_of: "github.com/fluxcd/flux2/v2",
    given_by: None,
    tools: &[Tool {
        name: "flux",
        package: "github.com/fluxcd/flux2/v2/cmd/flux",
        version_of: "github.com/fluxcd/flux2/v2",
        probe: &["--version"],
        stamps: &["main.VERSION={number}"],
    }],
};

/// The Helm CLI.
pub(crate) const HELM: Kit = Kit {
    name: "helm",
    module: "tests/tools/helm",
    version_of: "helm.sh/helm/v4",
    given_by: None,
    tools: &[Tool {
        name: "helm",
        package: "helm.sh/helm/v4/cmd/helm",
        version_of: "helm.sh/helm/v4",
        probe: &["version"],
        stamps: &["helm.sh/helm/v4/internal/version.version={version}"],
    }],
};

/// flate, which makes manifests of a repository of Flux without the controllers.
pub(crate) const FLATE: Kit = Kit {
    name: "flate",
    module: "tests/tools/flate",
    version_of: "github.com/home-operations/flate",
    given_by: None,
    tools: &[Tool {
        name: "flate",
        package: "github.com/home-operations/flate/cmd/flate",
        version_of: "github.com/home-operations/flate",
        probe: &["--version"],
        stamps: &["main.version={number}"],
    }],
};

/// Cilium's policy engine in a program of ours, which judges clusters: 1.18, 1.19 and 1.20.
pub(crate) const ORACLES_CILIUM: [Kit; 3] = [
    oracle_cilium("tests/oracles/cilium/v1.18.mod"),
    oracle_cilium("tests/oracles/cilium/v1.19.mod"),
    oracle_cilium("tests/oracles/cilium"),
];

const fn oracle_cilium(module: &'static str) -> Kit {
    Kit {
        name: "oracle-cilium",
        module,
        version_of: "github.com/cilium/cilium",
        given_by: None,
        tools: &[Tool {
            name: "oracle-cilium",
            package: "netpol.test/oracles/cilium",
            version_of: "github.com/cilium/cilium",
            probe: &["version"],
            stamps: &[],
        }],
    }
}

/// The policy engine of kube-network-policies in a program of ours, which judges clusters.
pub(crate) const ORACLE_KUBE_NETWORK_POLICIES: Kit = Kit {
    name: "oracle-kube-network-policies",
    module: "tests/oracles/kube-network-policies",
    version_of: "sigs.k8s.io/kube-network-policies",
    given_by: None,
    tools: &[Tool {
        name: "oracle-kube-network-policies",
        package: "sigs.k8s.io/kube-network-policies/cmd/oracle",
        version_of: "sigs.k8s.io/kube-network-policies",
        probe: &["version"],
        stamps: &["main.version={version}"],
    }],
};

/// The daemon that enforces policies in `cargo xtask packets`.
pub(crate) const KUBE_NETWORK_POLICIES: Kit = Kit {
    name: "kube-network-policies",
    module: "tests/tools/kube-network-policies",
    version_of: "sigs.k8s.io/kube-network-policies",
    given_by: None,
    tools: &[Tool {
        name: "kube-network-policies",
        package: "sigs.k8s.io/kube-network-policies/cmd",
        version_of: "sigs.k8s.io/kube-network-policies",
        probe: &[],
        stamps: &[],
    }],
};

/// krew, and what checks manifests for its index.
pub(crate) const KREW: Kit = Kit {
    name: "krew",
    module: "tests/tools/krew",
    version_of: "sigs.k8s.io/krew",
    given_by: None,
    tools: &[
        Tool {
            name: "kubectl-krew",
            package: "sigs.k8s.io/krew/cmd/krew",
            version_of: "sigs.k8s.io/krew",
            probe: &["version"],
            // A tag that is only a version makes it ask GitHub now and then whether there is a newer one.
            stamps: &["sigs.k8s.io/krew/internal/version.gitTag=for-tests-{version}"],
        },
        Tool {
            name: "validate-krew-manifest",
            package: "sigs.k8s.io/krew/cmd/validate-krew-manifest",
            version_of: "sigs.k8s.io/krew",
            probe: &[],
            stamps: &[],
        },
    ],
};
