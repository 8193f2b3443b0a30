//! How hubble reaches the relay of the cluster.

use super::version::{Capability, Version};
use crate::address::without_user;
use std::path::PathBuf;

/// Where hubble looks when nothing else is said.
const DEFAULT: &str = "localhost:4245";

/// How the relay is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relay {
    /// At an address that somebody else keeps open; `None` is hubble's own default.
    At(Option<String>),
    /// By a port that hubble forwards itself, from 1.17 on.
    Forward {
        /// `--kubeconfig`
        kubeconfig: Option<PathBuf>,
        /// `--kube-context`
        context: Option<String>,
        /// The namespace of Cilium.
        namespace: Option<String>,
    },
    /// At hubble's default address, since this version cannot forward ports.
    TooOld(Version),
}

impl Relay {
    /// The relay for a version of hubble: a named address, else a forwarded port if it can.
    pub fn choose(
        version: Version,
        server: Option<String>,
        kubeconfig: Option<PathBuf>,
        context: Option<String>,
        namespace: Option<String>,
    ) -> Self {
        match server {
            Some(server) => Self::At(Some(server)),
            None if version.has(Capability::PortForward) => {
                Self::Forward { kubeconfig, context, namespace }
            }
            None => Self::TooOld(version),
        }
    }

    /// Arguments of hubble.
    pub fn arguments(&self) -> Vec<String> {
        match self {
            Self::At(None) | Self::TooOld(_) => Vec::new(),
            Self::At(Some(server)) => vec!["--server".to_owned(), server.clone()],
            Self::Forward { kubeconfig, context, namespace } => {
                // Any free port: another hubble may hold the usual one.
                let mut arguments = vec!["--port-forward".to_owned()];
                arguments.extend(["--port-forward-port".to_owned(), "0".to_owned()]);
                let kubeconfig =
                    kubeconfig.as_ref().map(|path| path.to_string_lossy().into_owned());
                for (flag, value) in [
                    ("--kubeconfig", &kubeconfig),
                    ("--kube-context", context),
                    ("--kube-namespace", namespace),
                ] {
                    if let Some(value) = value {
                        arguments.extend([flag.to_owned(), value.clone()]);
                    }
                }
                arguments
            }
        }
    }

    /// ` at localhost:4245`, for a sentence.
    pub(super) fn place(&self) -> String {
        match self {
            Self::At(Some(server)) => {
                format!(" at {}", netpol::printable::printable(&without_user(server)))
            }
            Self::At(None) | Self::TooOld(_) => format!(" at {DEFAULT}"),
            Self::Forward { .. } => String::new(),
        }
    }

    /// What to do when it does not answer.
    pub(super) fn remedy(&self) -> String {
        match self {
            Self::Forward { namespace, .. } => {
                let namespace = namespace.as_deref().unwrap_or("kube-system");
                format!(
                    "is it there? `kubectl get service -n {namespace} hubble-relay` says so, \
                     `cilium hubble enable` starts it, and --hubble-namespace says where Cilium is"
                )
            }
            Self::At(_) => {
                "start it with `cilium hubble port-forward`, or leave --hubble-server and \
                 HUBBLE_SERVER away to have the port forwarded"
                    .to_owned()
            }
            Self::TooOld(version) => format!(
                "Hubble {version} cannot forward the relay's port itself: run \
                 `cilium hubble port-forward` or \
                 `kubectl port-forward -n kube-system service/hubble-relay 4245:80` beside it, \
                 or update it to {}",
                Capability::PortForward.since()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// docs/semantics/hubble.md#reaching-a-relay: -P from 1.17, else the relay must be reachable
    /// already.
    #[test]
    fn the_way_depends_on_the_version() {
        let choose = |version, server: Option<&str>| {
            let context = Some("home".to_owned());
            Relay::choose(version, server.map(ToOwned::to_owned), None, context, None)
        };
        let new = choose(Version(1, 19, 4), None);
        assert_eq!(
            new.arguments().join(" "),
            "--port-forward --port-forward-port 0 --kube-context home"
        );
        let old = choose(Version(1, 16, 3), None);
        assert!(old.arguments().is_empty());
        assert!(old.remedy().contains("kubectl port-forward"), "{}", old.remedy());
        for version in [Version(1, 16, 3), Version(1, 19, 4)] {
            let named = choose(version, Some("tls://relay:443"));
            assert_eq!(named.arguments().join(" "), "--server tls://relay:443");
        }
    }
}
