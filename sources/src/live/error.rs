//! Why the cluster could not be asked: one sentence a case, fit to print as it is.
//!
//! Every sentence says what was being done to what, why it failed, and what to do next. Text that
//! came from a server or a program was cleaned of control characters before it got in here.

use crate::limits::Exceeded;
use std::fmt;
use std::time::Duration;

/// What went wrong on the way to the cluster or there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is nothing that says where a cluster is.
    #[error(
        "no cluster: {looked} and this is not a pod with a service account; give --kubeconfig or \
         --server, or read manifests with -f"
    )]
    NoCluster {
        /// That there is no kubeconfig, or that nothing is in it, and where it was looked for.
        looked: String,
    },

    /// A kubeconfig that cannot be read.
    #[error("reading the kubeconfig {file}: {why}")]
    Kubeconfig {
        /// The file.
        file: String,
        /// What is wrong with it.
        why: String,
    },

    /// A kubeconfig without a current context, and no flag that names one.
    #[error("{}", no_context(.known))]
    NoContext {
        /// The contexts that it has.
        known: Vec<String>,
    },

    /// A context, cluster or user that the kubeconfig does not have.
    #[error(
        "{by} names the {entry} {name:?}, which the kubeconfig does not have; it has {}",
        OneOf(.known)
    )]
    Unknown {
        /// `context`, `cluster` or `user`.
        entry: &'static str,
        /// The name that was not found.
        name: String,
        /// The flag or the context that names it.
        by: String,
        /// The entries of that sort that there are.
        known: Vec<String>,
    },

    /// A flag or a value of the kubeconfig that cannot be used.
    #[error("{what}: {why}")]
    Setting {
        /// The flag or the entry.
        what: String,
        /// Why it cannot be used, and what to do.
        why: String,
    },

    /// The credential plugin of the kubeconfig's user.
    #[error("getting credentials for {login} with {command}: {why}")]
    Exec {
        /// Whose credentials.
        login: String,
        /// The plugin as the kubeconfig names it.
        command: String,
        /// What happened, with what the plugin said, and what to do.
        why: String,
    },

    /// Nothing listens there.
    #[error(
        "{doing}: {server} refused the connection; is the cluster running, and is this its address?"
    )]
    Refused {
        /// What was being done.
        doing: String,
        /// The API server.
        server: String,
    },

    /// The server's name has no address.
    #[error(
        "{doing}: the name of {server} cannot be resolved; check the server's address in the \
         kubeconfig, and the network or VPN"
    )]
    Dns {
        /// What was being done.
        doing: String,
        /// The API server.
        server: String,
    },

    /// No trust between the server and us.
    #[error("{doing}: no secure connection to {server}: {problem}")]
    Tls {
        /// What was being done.
        doing: String,
        /// The API server.
        server: String,
        /// What is wrong.
        problem: TlsProblem,
    },

    /// Any other failure of the connection.
    #[error("{doing}: the connection to {server} failed: {why}; try again, or check the network")]
    Network {
        /// What was being done.
        doing: String,
        /// The API server.
        server: String,
        /// The cause as the system names it.
        why: String,
    },

    /// It took too long.
    #[error("{doing}: no complete answer from {server} {}", Within(*.after))]
    Timeout {
        /// What was being done.
        doing: String,
        /// The API server.
        server: String,
        /// The time that was allowed, where it was ours to allow.
        after: Option<Duration>,
    },

    /// 401: the server does not know who we are.
    #[error(
        "{doing}: {server} did not accept {login}: {why}; the credentials may have expired or \
         belong to another cluster: log in again, or choose another --context or --user"
    )]
    Unauthorized {
        /// What was being done.
        doing: String,
        /// The API server.
        server: String,
        /// Whose credentials were refused.
        login: String,
        /// What the server said.
        why: String,
    },

    /// 403: the server knows who we are, and says no.
    #[error(transparent)]
    Forbidden(Box<Forbidden>),

    /// 404: the object does not exist.
    #[error("{doing}: {why}")]
    NotFound {
        /// What was being done.
        doing: String,
        /// What the server said.
        why: String,
    },

    /// 404: the server has no such kind of object.
    #[error("{doing}: {server} serves no {resource} in {api}; {}", Served { api, versions })]
    NoSuchResource {
        /// What was being done.
        doing: String,
        /// The API server.
        server: String,
        /// The resource, such as `ciliumnetworkpolicies`.
        resource: String,
        /// The group and version, such as `cilium.io/v2`.
        api: String,
        /// The versions of the group that it does serve, where it was asked.
        versions: Option<Vec<String>>,
    },

    /// 409: fields that are to be written are another manager's.
    #[error("{doing}: {}; ask who runs it, or take over with --force-conflicts", Owned(.fields))]
    Conflict {
        /// What was being done.
        doing: String,
        /// Each field and the manager that owns it.
        fields: Vec<(String, String)>,
    },

    /// Any other refusal.
    #[error("{doing}: {server} answered {code}: {message}")]
    Status {
        /// What was being done.
        doing: String,
        /// The API server.
        server: String,
        /// The HTTP status.
        code: u16,
        /// What the server said.
        message: String,
    },

    /// An answer that is not what the API documents.
    #[error(
        "{doing}: the answer of {server} cannot be read: {why}; is this a Kubernetes API server, \
         without a proxy that answers in its place?"
    )]
    Unreadable {
        /// What was being done.
        doing: String,
        /// The API server.
        server: String,
        /// What is wrong with it.
        why: String,
    },

    /// An answer larger than we are willing to hold.
    #[error(
        "{doing}: the answers of {server} are larger than {} MiB, more than is read at once; ask for \
         one namespace", .limit >> 20
    )]
    TooLarge {
        /// What was being done.
        doing: String,
        /// The API server.
        server: String,
        /// The bound in bytes.
        limit: u64,
    },

    /// More than a limit allows, of all answers together.
    #[error("{doing}: {exceeded}")]
    TooMuch {
        /// What was being done.
        doing: String,
        /// Of what.
        exceeded: Exceeded,
    },
}

impl Error {
    /// Whether it is of the server as a whole, so that asking it for something else is in vain.
    pub fn is_of_server(&self) -> bool {
        matches!(
            self,
            Self::Refused { .. }
                | Self::Dns { .. }
                | Self::Tls { .. }
                | Self::Network { .. }
                | Self::Timeout { .. }
                | Self::Unauthorized { .. }
                | Self::TooMuch { .. }
        )
    }
}

/// A right that the user does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{doing}: not allowed{}{}; ask for the right to {verb} {resource} in {}",
    ForUser(.user), Because(.why), .namespace.as_deref().unwrap_or("the whole cluster")
)]
pub struct Forbidden {
    /// What was being done.
    pub doing: String,
    /// Who was refused, as the server sees it.
    pub user: Option<String>,
    /// The verb that is missing, such as `list`.
    pub verb: String,
    /// The resource with its group, such as `networkpolicies.networking.k8s.io`.
    pub resource: String,
    /// The namespace; `None` for all of them or for a cluster-scoped resource.
    pub namespace: Option<String>,
    /// What the server said besides; empty where that is all.
    pub why: String,
}

/// What keeps a secure connection from being made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsProblem {
    /// The server's certificate is not signed by an authority that is trusted here.
    WrongAuthority,
    /// The server's certificate has expired, so many days ago.
    Expired {
        /// Days since then, where the library told.
        days: Option<u64>,
    },
    /// The server's certificate is not valid yet.
    NotYet,
    /// The server's certificate is for other names.
    WrongName {
        /// The names that it is for.
        presented: Vec<String>,
    },
    /// The other side does not accept our certificate.
    OurCertificate,
    /// The other side does not speak TLS at all.
    NotTls,
    /// Anything else, as the library names it.
    Other(String),
}

impl fmt::Display for TlsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongAuthority => f.write_str(
                "its certificate is not signed by the certificate authority of the kubeconfig, or of \
                 this machine where the kubeconfig names none; the cluster may have been made anew \
                 (fetch its kubeconfig again), or something stands between",
            ),
            Self::Expired { days } => {
                f.write_str("its certificate has expired")?;
                if let Some(days) = days {
                    write!(f, " {days} {} ago", if *days == 1 { "day" } else { "days" })?;
                }
                f.write_str("; renew the cluster's certificates, or set this machine's clock right")
            }
            Self::NotYet => {
                f.write_str("its certificate is not valid yet; set this machine's clock right")
            }
            Self::WrongName { presented } => {
                f.write_str("its certificate is for other names")?;
                if !presented.is_empty() {
                    write!(f, " ({})", presented.join(", "))?;
                }
                f.write_str("; use one of them as the server, or set tls-server-name in the kubeconfig")
            }
            Self::OurCertificate => f.write_str(
                "it does not accept our client certificate, which may have expired; log in again, or \
                 fetch the kubeconfig again",
            ),
            Self::NotTls => {
                f.write_str("it does not speak TLS; check the port, or use http:// for the server")
            }
            Self::Other(why) => f.write_str(why),
        }
    }
}

struct OneOf<'a>(&'a [String]);

impl fmt::Display for OneOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 12;
        if self.0.is_empty() {
            return f.write_str("none");
        }
        f.write_str(&self.0[..self.0.len().min(SHOWN)].join(", "))?;
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// What to choose where no context is chosen.
fn no_context(known: &[String]) -> String {
    if known.is_empty() {
        return "the kubeconfig has no context; give --cluster or --server, or read manifests with -f"
            .to_owned();
    }
    format!("the kubeconfig has no current context; choose one with --context: {}", OneOf(known))
}

/// What a server has in place of a resource, and what to do.
struct Served<'a> {
    api: &'a str,
    versions: &'a Option<Vec<String>>,
}

impl fmt::Display for Served<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (group, version) = self.api.split_once('/').unwrap_or(("", self.api));
        // Every Kubernetes has these; other groups come with CustomResourceDefinitions.
        let of_kubernetes =
            !group.contains('.') || ["discovery.k8s.io", "networking.k8s.io"].contains(&group);
        let remedy = if of_kubernetes {
            "read its manifests \
             with -f instead"
        } else {
            "install that version of its CustomResourceDefinition"
        };
        match self.versions.as_deref() {
            None if of_kubernetes => f.write_str("it may serve another version only"),
            None => f.write_str(
                "its CustomResourceDefinition is not installed there, or only in another version",
            ),
            Some([]) => write!(f, "it serves nothing of {group}: {remedy}"),
            Some(versions) if versions.iter().any(|served| served == version) => {
                write!(f, "it serves {} without them: {remedy}", self.api)
            }
            Some(versions) => write!(f, "of {group} it serves {} only: {remedy}", OneOf(versions)),
        }
    }
}

struct Owned<'a>(&'a [(String, String)]);

impl fmt::Display for Owned<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (field, manager)) in self.0.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            write!(f, "{comma}{field} is managed by \"{manager}\"")?;
        }
        Ok(())
    }
}

struct Within(Option<Duration>);

impl fmt::Display for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(after) => write!(f, "within {after:?}")?,
            None => f.write_str("before the system gave up")?,
        }
        f.write_str("; check the network, or raise --request-timeout where it is given")
    }
}

struct Because<'a>(&'a str);

impl fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ": {}", self.0) }
    }
}

struct ForUser<'a>(&'a Option<String>);

impl fmt::Display for ForUser<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |user| write!(f, " for {user:?}"))
    }
}
