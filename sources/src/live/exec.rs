//! Exec credential plugins: the program that a kubeconfig names to log its user in.
//!
//! In: the `exec` entry of a user. Out: a token or a client certificate, asked for once. No shell is
//! used, and what the plugin prints on stdout is never shown: it is a secret.

use super::environment::Environment;
use super::error::Error;
use super::text::{clean, tail, without_quotes};
use crate::process::{self, Program};
use kube::config::{Cluster, ExecAuthCluster, ExecConfig, ExecInteractiveMode};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

/// The versions of the protocol that client-go speaks.
const VERSIONS: [&str; 2] =
    ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];
/// For a program that works alone, a token service across a slow network included.
const ALONE: Duration = Duration::from_mins(1);
/// For one that someone answers, in a browser perhaps.
const ATTENDED: Duration = Duration::from_mins(10);
/// More than any credential is long.
const MOST: u64 = 1 << 20;

/// What a plugin answers.
pub(super) enum Credential {
    /// A bearer token.
    Token(SecretString),
    /// A client certificate and its key, in PEM.
    Certificate {
        /// The certificate chain.
        certificate: String,
        /// The private key.
        key: SecretString,
    },
}

/// Runs the plugin. Also returns what it wrote on stderr, if that did not go to the terminal.
pub(super) async fn run(
    config: &ExecConfig,
    cluster: &Cluster,
    login: &str,
    environment: &Environment,
) -> Result<(Credential, String), Error> {
    let name = config.command.as_deref().unwrap_or_default();
    let error = |why: String| Error::Exec { login: login.to_owned(), command: clean(name), why };
    let interactive = interactive(config, environment).map_err(error)?;
    let version = version(config).map_err(error)?;
    let program = find(name, config.install_hint.as_deref(), environment).map_err(error)?;
    let info = info(config, version, interactive, cluster).map_err(error)?;

    let command = Program::Credentials.awaited(&program);
    let mut command = command.map_err(|cause| error(format!("it did not start: {cause}")))?;
    command.args(config.args.iter().flatten());
    for variable in config.env.iter().flatten() {
        if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
            command.env(name, value);
        }
    }
    command.env("KUBERNETES_EXEC_INFO", info).kill_on_drop(true).stdout(Stdio::piped());
    // Piped manifests on stdin are ours to read, so the plugin gets it only from a terminal.
    command.stdin(if interactive { Stdio::inherit() } else { Stdio::null() });
    let seen = !environment.unattended && (interactive || environment.stderr_is_terminal);
    command.stderr(if seen { Stdio::inherit() } else { Stdio::piped() });

    let limit = if seen { ATTENDED } else { ALONE };
    let ran = tokio::time::timeout(limit, output(&mut command)).await;
    let (status, stdout, stderr) = match ran {
        Ok(Ok(output)) => output,
        Ok(Err(cause)) => return Err(error(format!("it did not start: {cause}"))),
        Err(_) => {
            return Err(error(format!(
                "it had not answered after {limit:?} and was stopped; run it by hand to see why"
            )));
        }
    };
    let stderr = tail(&String::from_utf8_lossy(&stderr));
    if !status.success() {
        let said = if stderr.is_empty() { String::new() } else { format!(": {stderr}") };
        return Err(error(format!("it failed ({status}){said}; log in again, or run it by hand")));
    }
    let credential = credential(&stdout, version).map_err(error)?;
    Ok((credential, stderr))
}

/// Whether the plugin may ask the user.
fn interactive(config: &ExecConfig, environment: &Environment) -> Result<bool, String> {
    match config.interactive_mode {
        Some(ExecInteractiveMode::Never) => Ok(false),
        _ if environment.unattended => {
            Err("it may ask the user (interactiveMode is not Never), and nobody is there"
                .to_owned())
        }
        Some(ExecInteractiveMode::Always) if !environment.stdin_is_terminal => Err(
            "it needs a terminal (interactiveMode: Always), and stdin is not one; run this in a \
             terminal with the manifests in files, or log in another way"
                .to_owned(),
        ),
        _ => Ok(environment.stdin_is_terminal),
    }
}

fn version(config: &ExecConfig) -> Result<&'static str, String> {
    let wanted = config.api_version.as_deref().unwrap_or_default();
    VERSIONS.into_iter().find(|version| *version == wanted).ok_or_else(|| {
        format!(
            "its apiVersion is {:?}, which kubectl no longer speaks; use {}",
            clean(wanted),
            VERSIONS.join(" or ")
        )
    })
}

/// A command with a separator was made relative to its kubeconfig; any other is on `PATH`.
fn find(name: &str, hint: Option<&str>, environment: &Environment) -> Result<PathBuf, String> {
    if name.is_empty() {
        return Err("the kubeconfig names no command for it".to_owned());
    }
    let found = if name.contains('/') {
        process::named(OsStr::new(name)).ok()
    } else {
        process::find_on(name, environment.path.as_deref())
    };
    found.ok_or_else(|| {
        let place = if name.contains('/') {
            "it does not exist or is not executable"
        } else {
            "it is not on PATH"
        };
        match hint.map(clean).filter(|hint| !hint.is_empty()) {
            Some(hint) => format!("{place}; the kubeconfig says: {hint}"),
            None => format!("{place}; install it, or choose another --user or --context"),
        }
    })
}

/// `KUBERNETES_EXEC_INFO`.
fn info(
    config: &ExecConfig,
    version: &str,
    interactive: bool,
    cluster: &Cluster,
) -> Result<String, String> {
    #[derive(Serialize)]
    struct Spec {
        interactive: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        cluster: Option<ExecAuthCluster>,
    }
    let cluster = if config.provide_cluster_info {
        let cluster = ExecAuthCluster::try_from(cluster);
        Some(cluster.map_err(|cause| clean(&cause.to_string()))?)
    } else {
        None
    };
    let info = serde_json::json!({
        "kind": "ExecCredential", "apiVersion": version, "spec": Spec { interactive, cluster },
    });
    Ok(info.to_string())
}

async fn output(command: &mut Command) -> std::io::Result<(ExitStatus, Vec<u8>, Vec<u8>)> {
    let mut child = command.spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    tokio::try_join!(child.wait(), read(stdout), read(stderr))
}

/// All that comes, of which no more is kept than a credential may have: the writer must not block.
async fn read(from: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    if let Some(mut from) = from {
        (&mut from).take(MOST).read_to_end(&mut kept).await?;
        tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
    }
    Ok(kept)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    api_version: Option<String>,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

fn credential(stdout: &[u8], version: &str) -> Result<Credential, String> {
    let answer: Answer = serde_json::from_slice(stdout).map_err(|cause| {
        format!("what it printed is no ExecCredential: {}", without_quotes(&cause.to_string()))
    })?;
    let answered = answer.api_version.unwrap_or_default();
    if answered != version {
        let answered = clean(&answered);
        return Err(format!("it answered in {answered:?} where the kubeconfig says {version}"));
    }
    let filled = |value: Option<String>| value.filter(|value| !value.trim().is_empty());
    let status = answer.status.ok_or("its answer has no status, so no credentials")?;
    let token = filled(status.token);
    match (filled(status.client_certificate_data), filled(status.client_key_data), token) {
        (Some(certificate), Some(key), _) => {
            Ok(Credential::Certificate { certificate, key: key.into() })
        }
        (None, None, Some(token)) => Ok(Credential::Token(token.trim().into())),
        (None, None, None) => Err("its answer has neither a token nor a certificate".to_owned()),
        _ => Err("its answer has only one of client certificate and key".to_owned()),
    }
}
