//! Which cluster, as whom, and in which namespace: kubectl's flags over kubectl's kubeconfig.
//!
//! In: [`ConnectOptions`] and an [`Environment`]. Out: one cluster, one user and one namespace, or a
//! sentence that says which name is wrong and which names there are.

use super::environment::Environment;
use super::error::Error;
use super::kubeconfig::{self, IN_CLUSTER};
use super::text::clean;
use crate::limits::Limits;
use kube::config::{AuthInfo, Cluster, Context, Kubeconfig};
use secrecy::SecretString;
use std::path::PathBuf;
use std::time::Duration;

/// The namespace where nothing names another.
const DEFAULT_NAMESPACE: &str = "default";

/// The flags of kubectl that say which cluster is meant, and as whom.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// `--kubeconfig`
    pub kubeconfig: Option<PathBuf>,
    /// `--context`
    pub context: Option<String>,
    /// `--cluster`
    pub cluster: Option<String>,
    /// `--user`
    pub user: Option<String>,
    /// `--namespace`
    pub namespace: Option<String>,
    /// `--server`
    pub server: Option<String>,
    /// `--insecure-skip-tls-verify`
    pub insecure: Option<bool>,
    /// `--certificate-authority`
    pub authority: Option<PathBuf>,
    /// `--tls-server-name`
    pub tls_server_name: Option<String>,
    /// `--client-certificate`
    pub client_certificate: Option<PathBuf>,
    /// `--client-key`
    pub client_key: Option<PathBuf>,
    /// `--disable-compression`
    pub disable_compression: Option<bool>,
    /// `--token`
    pub token: Option<SecretString>,
    /// `--as`
    pub as_user: Option<String>,
    /// `--as-group`
    pub as_groups: Vec<String>,
    /// `--as-uid`
    pub as_uid: Option<String>,
    /// `--request-timeout`; `None` waits as long as it takes, as kubectl does.
    pub request_timeout: Option<Duration>,
    /// How much is read at most, of all answers together.
    pub limits: Limits,
}

/// What the flags and the kubeconfig come to.
#[derive(Debug)]
pub(super) struct Access {
    /// The context's name, if one was used.
    pub(super) context: Option<String>,
    /// The cluster; its server is set.
    pub(super) cluster: Cluster,
    /// The server's URL, as the kubeconfig or the flag writes it.
    pub(super) server: String,
    /// The user.
    pub(super) user: AuthInfo,
    /// Whose credentials these are, in words.
    pub(super) login: String,
    /// The namespace where none is named.
    pub(super) namespace: String,
}

/// The namespace of the current context, without asking the cluster; `None` if there is none or the
/// kubeconfig cannot be read, since those who do not connect need not have one.
pub fn default_namespace(options: &ConnectOptions, environment: &Environment) -> Option<String> {
    let kubeconfig = kubeconfig::load(options, environment).ok()??;
    let (_, context) = context_of(options, &kubeconfig).ok()??;
    context.namespace.filter(|namespace| !namespace.is_empty())
}

/// The names that a kubeconfig has to choose from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// For `--context`.
    pub contexts: Vec<String>,
    /// For `--cluster`.
    pub clusters: Vec<String>,
    /// For `--user`.
    pub users: Vec<String>,
}

/// What the kubeconfig has to choose from; nothing if it cannot be read.
pub fn entries(options: &ConnectOptions, environment: &Environment) -> Entries {
    let Ok(Some(kubeconfig)) = kubeconfig::load(options, environment) else {
        return Entries::default();
    };
    Entries {
        contexts: contexts(&kubeconfig),
        clusters: kubeconfig.clusters.iter().map(|cluster| clean(&cluster.name)).collect(),
        users: kubeconfig.auth_infos.iter().map(|user| clean(&user.name)).collect(),
    }
}

/// Chooses cluster, user and namespace.
pub(super) fn resolve(
    options: &ConnectOptions,
    environment: &Environment,
) -> Result<Access, Error> {
    let server = options.server.as_ref().filter(|server| !server.is_empty());
    let kubeconfig = kubeconfig::load(options, environment)?;
    let named = options.context.is_some() || options.cluster.is_some() || options.user.is_some();
    let kubeconfig = match kubeconfig {
        Some(kubeconfig) => kubeconfig,
        None if server.is_some() || named => Kubeconfig::default(),
        None => {
            return Err(Error::NoCluster { looked: kubeconfig::looked(options, environment) });
        }
    };
    let chosen = context_of(options, &kubeconfig)?;
    if chosen.is_none() && options.cluster.is_none() && server.is_none() {
        return Err(Error::NoContext { known: contexts(&kubeconfig) });
    }
    let (context_name, context) =
        chosen.map_or_else(Default::default, |(name, context)| (Some(name), context));
    let by_context = context_name.as_ref().map(|name| format!("the context {name:?}"));

    let mut cluster = cluster_of(options, &kubeconfig, &context, by_context.as_deref())?;
    if server.is_some() {
        cluster.server.clone_from(&options.server);
        // The name that the certificate is for belongs to the server that was replaced.
        cluster.tls_server_name = None;
    }
    let to_text = |path: &PathBuf| path.to_string_lossy().into_owned();
    trust(options, &mut cluster);
    let server = cluster.server.clone().filter(|server| !server.is_empty());
    let server = server.ok_or_else(|| Error::Setting {
        what: format!("the cluster {:?} of the kubeconfig", clean(&context.cluster)),
        why: "it has no server; set one in the kubeconfig, or give --server".to_owned(),
    })?;

    let (mut user, mut login) = user_of(options, &kubeconfig, &context, by_context.as_deref())?;
    if let Some(token) = options.token.clone() {
        login = String::from("the token given with --token");
        user = AuthInfo {
            token: Some(token),
            token_file: None,
            username: None,
            password: None,
            exec: None,
            auth_provider: None,
            ..user
        };
    }
    if let Some(file) = &options.client_certificate {
        user.client_certificate = Some(to_text(file));
        user.client_certificate_data = None;
    }
    if let Some(file) = &options.client_key {
        user.client_key = Some(to_text(file));
        user.client_key_data = None;
    }
    impersonate(options, &mut user)?;
    let namespace = [options.namespace.clone(), context.namespace]
        .into_iter()
        .flatten()
        .find(|namespace| !namespace.is_empty())
        .unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
    Ok(Access { context: context_name, cluster, server, user, login, namespace })
}

/// What the flags say of the server's certificate. Who names an authority, or none, means neither of the
/// kubeconfig.
///
/// Source: `getCluster` of client-go's `tools/clientcmd/client_config.go`.
fn trust(options: &ConnectOptions, cluster: &mut Cluster) {
    if options.insecure == Some(true) || options.authority.is_some() {
        cluster.insecure_skip_tls_verify = options.insecure;
        let file = options.authority.as_ref();
        cluster.certificate_authority = file.map(|file| file.to_string_lossy().into_owned());
        cluster.certificate_authority_data = None;
    }
    if let Some(name) = &options.tls_server_name {
        cluster.tls_server_name = Some(name.clone());
    }
    cluster.disable_compression = options.disable_compression.or(cluster.disable_compression);
}

fn contexts(kubeconfig: &Kubeconfig) -> Vec<String> {
    kubeconfig.contexts.iter().map(|context| clean(&context.name)).collect()
}

/// The context that the flag or the kubeconfig chooses.
fn context_of(
    options: &ConnectOptions,
    kubeconfig: &Kubeconfig,
) -> Result<Option<(String, Context)>, Error> {
    let (name, by) = match (&options.context, &kubeconfig.current_context) {
        (Some(name), _) => (name, "--context"),
        (None, Some(name)) if !name.is_empty() => (name, "current-context"),
        _ => return Ok(None),
    };
    let found = kubeconfig.contexts.iter().find(|context| context.name == *name);
    let found = found.ok_or_else(|| Error::Unknown {
        entry: "context",
        name: clean(name),
        by: by.to_owned(),
        known: contexts(kubeconfig),
    })?;
    Ok(Some((name.clone(), found.context.clone().unwrap_or_default())))
}

fn cluster_of(
    options: &ConnectOptions,
    kubeconfig: &Kubeconfig,
    context: &Context,
    by_context: Option<&str>,
) -> Result<Cluster, Error> {
    let (name, by) = match &options.cluster {
        Some(name) => (name, "--cluster"),
        None => (&context.cluster, by_context.unwrap_or_default()),
    };
    let found = kubeconfig.clusters.iter().find(|cluster| cluster.name == *name);
    match found {
        Some(found) => Ok(found.cluster.clone().unwrap_or_default()),
        // With a server of its own, only a cluster that a flag names has to exist.
        None if options.cluster.is_none() && options.server.is_some() => Ok(Cluster::default()),
        None => Err(Error::Unknown {
            entry: "cluster",
            name: clean(name),
            by: by.to_owned(),
            known: kubeconfig.clusters.iter().map(|cluster| clean(&cluster.name)).collect(),
        }),
    }
}

fn user_of(
    options: &ConnectOptions,
    kubeconfig: &Kubeconfig,
    context: &Context,
    by_context: Option<&str>,
) -> Result<(AuthInfo, String), Error> {
    let of_context = context.user.as_ref().filter(|name| !name.is_empty());
    let (name, by) = match (&options.user, of_context) {
        (Some(name), _) => (name, "--user"),
        (None, Some(name)) => (name, by_context.unwrap_or_default()),
        (None, None) => return Ok((AuthInfo::default(), "a request without credentials".into())),
    };
    let found = kubeconfig.auth_infos.iter().find(|user| user.name == *name);
    match found {
        Some(found) => {
            let login = match name.as_str() {
                IN_CLUSTER => "the service account of this pod".to_owned(),
                name => format!("the user {:?} of the kubeconfig", clean(name)),
            };
            Ok((found.auth_info.clone().unwrap_or_default(), login))
        }
        None if options.user.is_none() && options.token.is_some() => {
            Ok((AuthInfo::default(), String::new()))
        }
        // Going on would be anonymous, and every answer would then be misleading.
        None => Err(Error::Unknown {
            entry: "user",
            name: clean(name),
            by: by.to_owned(),
            known: kubeconfig.auth_infos.iter().map(|user| clean(&user.name)).collect(),
        }),
    }
}

fn impersonate(options: &ConnectOptions, user: &mut AuthInfo) -> Result<(), Error> {
    if options.as_user.is_some() {
        user.impersonate.clone_from(&options.as_user);
    }
    if !options.as_groups.is_empty() {
        user.impersonate_groups = Some(options.as_groups.clone());
    }
    if options.as_uid.is_some() {
        user.impersonate_uid.clone_from(&options.as_uid);
    }
    let whom = user.impersonate.as_deref().unwrap_or_default();
    if whom.is_empty() && (!options.as_groups.is_empty() || options.as_uid.is_some()) {
        return Err(Error::Setting {
            what: "--as-group and --as-uid".to_owned(),
            why: "they need --as, the user whose groups or uid these are".to_owned(),
        });
    }
    Ok(())
}

/// Base64 without the line breaks that a hand-written kubeconfig may have.
pub(super) fn one_line(mut data: String) -> String {
    data.retain(|char| !char.is_ascii_whitespace());
    data
}
