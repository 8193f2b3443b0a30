//! The live API: a connection to a cluster as kubectl makes it, lists read over it, and what one
//! question needs of them.
//!
//! In: kubectl's flags ([`ConnectOptions`]), the surroundings ([`Environment`]) and a [`Sink`] for
//! what the server wants told. Out: a [`Connection`] whose errors are sentences fit to print.
//! Nothing here prints, and nothing that is secret gets into an error or the log.

mod checkup;
mod classify;
mod config;
mod credentials;
mod dialects;
mod entrances;
mod environment;
mod error;
mod exec;
mod kubeconfig;
mod layers;
mod list;
mod lookup;
mod others;
mod plan;
mod provenance;
mod proxy;
mod read;
mod request;
mod settings;
mod survey;
mod target;
#[cfg(test)]
mod tests;
mod text;
mod tls;
mod told;
mod transport;
mod warning;
mod watch;
mod whole;
mod write;

pub use checkup::{Right, ServedKinds};
pub use config::{ConnectOptions, Entries, default_namespace, entries};
pub use environment::Environment;
pub use error::{Error, Forbidden, TlsProblem};
pub use list::{Extent, List};
pub use plan::Needs;
pub use survey::Survey;
pub use target::{Selection, Target};
pub use warning::Sink;
pub use watch::{Change, Watch};
pub use write::{Applied, Write};

use crate::limits::Budget;
use classify::Scene;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A way to a cluster. Nothing was sent over it yet when it is made.
#[derive(Clone)]
pub struct Connection {
    client: kube::Client,
    namespace: String,
    context: Option<String>,
    server: String,
    login: String,
    sent: Arc<AtomicUsize>,
    budget: Arc<Budget>,
}

/// Finds the cluster and logs in, by a credential plugin where the kubeconfig says so.
///
/// `sink` is told what the server, or a plugin that succeeded, wants the user to know. Must be called
/// within a tokio runtime with time and I/O enabled; end that with `shutdown_background`, since a name
/// that is still being resolved would hold it up.
pub async fn connect(
    options: &ConnectOptions,
    environment: &Environment,
    sink: Sink,
) -> Result<Connection, Error> {
    let warnings = warning::Warnings::new(sink);
    let mut access = config::resolve(options, environment)?;
    let certificate = &access.user.client_certificate_data;
    if options.token.is_some()
        && certificate.as_ref().or(access.user.client_certificate.as_ref()).is_some()
    {
        // As with kubectl; the server asks the certificate first.
        warnings.say("the kubeconfig's client certificate is sent too, and prevails over --token");
    }
    credentials::settle(&mut access, environment, &warnings).await?;
    let transport = transport::build(&access, options, environment, &warnings)?;
    Ok(Connection {
        client: transport.client,
        namespace: access.namespace,
        context: access.context,
        server: transport.server,
        login: access.login,
        sent: transport.sent,
        budget: transport.budget,
    })
}

impl Connection {
    /// The client library's own client, for what is not reading. Its errors go through
    /// [`Connection::explain`].
    pub fn client(&self) -> &kube::Client {
        &self.client
    }

    /// The namespace that is meant where none is named: the flag's, else the context's, else
    /// `default`.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The kubeconfig's context, if one was used.
    pub fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// The API server, without what is secret in its URL.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The requests that went out so far, retries included.
    pub fn requests(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    /// The sentence for an error of [`Connection::client`]; `doing` says what was being done, such as
    /// `applying NetworkPolicy shop/default-deny`.
    pub fn explain(&self, doing: &str, error: &kube::Error) -> Error {
        classify::of_kube(self.scene(doing, None), error)
    }

    fn scene<'a>(&'a self, doing: &'a str, target: Option<&'a Target>) -> Scene<'a> {
        Scene { doing, server: &self.server, login: &self.login, target }
    }
}
