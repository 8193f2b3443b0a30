//! Finding, reading and merging kubeconfigs as kubectl does.
//!
//! In: the flag, `KUBECONFIG` and the home directory. Out: one merged [`Kubeconfig`], in which paths
//! no longer depend on the file that they came from.

use super::config::ConnectOptions;
use super::environment::Environment;
use super::error::Error;
use super::text::{clean, without_quotes};
use kube::config::{AuthInfo, NamedAuthInfo};
use kube::config::{Cluster, Context, Kubeconfig, KubeconfigError, NamedCluster, NamedContext};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The name of the entries that stand for a pod's own service account.
pub(super) const IN_CLUSTER: &str = "in-cluster";

/// The merged kubeconfig; a pod's own service account where there is none; `None` where neither is.
pub(super) fn load(
    options: &ConnectOptions,
    environment: &Environment,
) -> Result<Option<Kubeconfig>, Error> {
    let mut merged = Kubeconfig::default();
    for file in files(options, environment) {
        let read = match Kubeconfig::read_from(&file) {
            // kubectl passes over files of a list that do not exist, never over the flag's.
            Err(KubeconfigError::ReadConfig(error, _))
                if error.kind() == ErrorKind::NotFound && options.kubeconfig.is_none() =>
            {
                continue;
            }
            read => read,
        };
        merged = read.and_then(|read| merged.merge(read)).map_err(|error| {
            let file = clean(&file.display().to_string());
            Error::Kubeconfig { file, why: why(error) }
        })?;
    }
    let empty = merged.clusters.is_empty()
        && merged.auth_infos.is_empty()
        && merged.contexts.is_empty()
        && merged.current_context.as_deref().unwrap_or_default().is_empty();
    Ok(if empty { service_account(environment) } else { Some(merged) })
}

/// Where a kubeconfig was looked for and what is there, where none names a cluster.
pub(super) fn looked(options: &ConnectOptions, environment: &Environment) -> String {
    let mut files = files(options, environment);
    let there = files.iter().any(|file| file.exists());
    files.retain(|file| file.exists() || !there);
    let files: Vec<String> = files.iter().map(|file| clean(&file.display().to_string())).collect();
    let at = files.join(", ");
    match (&files[..], there) {
        ([], _) => "there is no kubeconfig (KUBECONFIG is not set, nor HOME)".to_owned(),
        (_, true) => format!("nothing is in the kubeconfig ({at})"),
        (_, false) => format!("there is no kubeconfig ({at})"),
    }
}

fn files(options: &ConnectOptions, environment: &Environment) -> Vec<PathBuf> {
    if let Some(file) = &options.kubeconfig {
        return vec![file.clone()];
    }
    let list = environment.kubeconfig.as_ref().map(std::env::split_paths);
    let list: Vec<PathBuf> =
        list.into_iter().flatten().filter(|file| !file.as_os_str().is_empty()).collect();
    if list.is_empty() {
        environment.home.iter().map(|home| home.join(".kube").join("config")).collect()
    } else {
        list
    }
}

/// The reason alone: the library's own error shows lines of the file, which holds secrets.
fn why(error: KubeconfigError) -> String {
    match error {
        KubeconfigError::ReadConfig(error, _) => error.to_string(),
        KubeconfigError::Parse(error) => {
            let place =
                error.location().map(|at| format!("line {}: ", at.line())).unwrap_or_default();
            format!("{place}{}", without_quotes(&error.without_snippet().to_string()))
        }
        other => clean(&other.to_string()),
    }
}

/// A kubeconfig that says what a pod is given, if this is a pod.
fn service_account(environment: &Environment) -> Option<Kubeconfig> {
    let host = environment.service_host.as_ref()?;
    let port = environment.service_port.as_ref()?;
    let file = |name: &str| file_in(&environment.service_account, name);
    let token = file("token")?;
    let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let cluster = Cluster {
        server: Some(format!("https://{host}:{port}")),
        certificate_authority: file("ca.crt"),
        ..Cluster::default()
    };
    let user = AuthInfo { token_file: Some(token), ..AuthInfo::default() };
    let context = Context {
        cluster: IN_CLUSTER.to_owned(),
        user: Some(IN_CLUSTER.to_owned()),
        namespace: file("namespace")
            .and_then(|file| std::fs::read_to_string(file).ok())
            .map(|namespace| namespace.trim().to_owned()),
        ..Context::default()
    };
    Some(Kubeconfig {
        clusters: vec![NamedCluster {
            name: IN_CLUSTER.to_owned(),
            cluster: Some(cluster),
            ..NamedCluster::default()
        }],
        auth_infos: vec![NamedAuthInfo {
            name: IN_CLUSTER.to_owned(),
            auth_info: Some(user),
            ..NamedAuthInfo::default()
        }],
        contexts: vec![NamedContext {
            name: IN_CLUSTER.to_owned(),
            context: Some(context),
            ..NamedContext::default()
        }],
        current_context: Some(IN_CLUSTER.to_owned()),
        ..Kubeconfig::default()
    })
}

fn file_in(directory: &Path, name: &str) -> Option<String> {
    let file = directory.join(name);
    if file.is_file() { file.to_str().map(str::to_owned) } else { None }
}
