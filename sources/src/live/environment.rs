//! What the surroundings of the process say, taken once and passed on, so that a test can say it too.

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

/// Where a pod finds its service account.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The surroundings that decide how a cluster is reached. The default knows of none.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `KUBECONFIG`: a list of files.
    pub kubeconfig: Option<OsString>,
    /// The home directory, with `.kube/config`.
    pub home: Option<PathBuf>,
    /// `PATH`, where credential plugins are found.
    pub path: Option<OsString>,
    /// `HTTPS_PROXY` or `https_proxy`.
    pub https_proxy: Option<String>,
    /// `HTTP_PROXY` or `http_proxy`.
    pub http_proxy: Option<String>,
    /// `NO_PROXY` or `no_proxy`.
    pub no_proxy: Option<String>,
    /// `KUBERNETES_SERVICE_HOST`, which a pod has.
    pub service_host: Option<String>,
    /// `KUBERNETES_SERVICE_PORT`, which a pod has.
    pub service_port: Option<String>,
    /// Where a pod's service account is mounted.
    pub service_account: PathBuf,
    /// Someone can answer a question of a credential plugin.
    pub stdin_is_terminal: bool,
    /// Someone can read what a credential plugin says.
    pub stderr_is_terminal: bool,
    /// Nobody is to be asked anything, in a browser neither: of the credential plugins only those
    /// run that never ask (`interactiveMode: Never`).
    pub unattended: bool,
}

impl Environment {
    /// The surroundings of this process.
    pub fn of_process() -> Self {
        Self {
            kubeconfig: env::var_os("KUBECONFIG"),
            home: env::home_dir(),
            path: env::var_os("PATH"),
            https_proxy: either("HTTPS_PROXY", "https_proxy"),
            http_proxy: either("HTTP_PROXY", "http_proxy"),
            no_proxy: either("NO_PROXY", "no_proxy"),
            service_host: either("KUBERNETES_SERVICE_HOST", ""),
            service_port: either("KUBERNETES_SERVICE_PORT", ""),
            service_account: PathBuf::from(SERVICE_ACCOUNT),
            stdin_is_terminal: io::stdin().is_terminal(),
            stderr_is_terminal: io::stderr().is_terminal(),
            unattended: false,
        }
    }
}

/// The first of two variables that says something.
fn either(first: &str, second: &str) -> Option<String> {
    [first, second]
        .into_iter()
        .filter(|name| !name.is_empty())
        .filter_map(|name| env::var(name).ok())
        .find(|value| !value.is_empty())
}
