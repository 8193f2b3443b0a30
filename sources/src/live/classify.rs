//! From what the client library or the server says to one of our sentences.
//!
//! In: an error with its chain of causes, or a `Status` body. Out: an [`Error`].

use super::error::{Error, Forbidden, TlsProblem};
use super::target::Target;
use super::text::clean;
use super::transport::{Late, TooLarge};
use crate::limits::Exceeded;
use rustls::{CertificateError, pki_types::UnixTime};
use serde::Deserialize;
use std::error::Error as StdError;
use std::io::{self, ErrorKind};

/// A chain of causes longer than this is a circle.
const DEEPEST: usize = 32;
/// What is shown of an answer that is not the API's own, such as a proxy's page.
const PAGE_OF_OTHERS: usize = 200;
/// A day in seconds.
const DAY: u64 = 24 * 60 * 60;

/// What was going on when it failed.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    /// What was being done, such as `listing pods in shop`.
    pub(super) doing: &'a str,
    /// The server as it was reached.
    pub(super) server: &'a str,
    /// Whose credentials were shown.
    pub(super) login: &'a str,
    /// What was being read, where it was that.
    pub(super) target: Option<&'a Target>,
}

/// The sentence for an error of the client library.
pub(super) fn of_kube(scene: Scene<'_>, error: &kube::Error) -> Error {
    if let kube::Error::Api(status) = error {
        let said = Status {
            message: Some(status.message.clone()),
            reason: Some(status.reason.clone()),
            details: status.details.as_ref().map(|details| Details {
                name: Some(details.name.clone()),
                causes: details
                    .causes
                    .iter()
                    .map(|cause| Cause {
                        reason: Some(cause.reason.clone()),
                        message: Some(cause.message.clone()),
                        field: Some(cause.field.clone()),
                    })
                    .collect(),
            }),
        };
        return of_said(scene, status.code, said);
    }
    of_chain(scene, error)
}

/// The sentence for an answer that is not a success.
pub(super) fn of_status(scene: Scene<'_>, code: u16, body: &[u8]) -> Error {
    let said = serde_json::from_slice::<Status>(body).unwrap_or_else(|_| Status {
        message: Some(
            String::from_utf8_lossy(&body[..body.len().min(PAGE_OF_OTHERS)]).into_owned(),
        ),
        ..Status::default()
    });
    of_said(scene, code, said)
}

/// The API's own account of a failure, as far as it is read.
#[derive(Default, Deserialize)]
struct Status {
    message: Option<String>,
    reason: Option<String>,
    details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    name: Option<String>,
    #[serde(default)]
    causes: Vec<Cause>,
}

#[derive(Deserialize)]
struct Cause {
    reason: Option<String>,
    message: Option<String>,
    field: Option<String>,
}

fn of_said(scene: Scene<'_>, code: u16, said: Status) -> Error {
    let doing = scene.doing.to_owned();
    let server = scene.server.to_owned();
    let message = clean(&said.message.unwrap_or_default());
    match code {
        401 => {
            let login = scene.login.to_owned();
            Error::Unauthorized { doing, server, login, why: or(message, "unauthorized") }
        }
        // To writes admission, quotas and namespaces that are going say no with it too, in words of
        // their own.
        403 if scene.target.is_none() && !message.contains(" cannot ") && !message.is_empty() => {
            Error::Status { doing, server, code, message }
        }
        403 => forbidden(scene, message),
        404 => {
            let is_object = said.reason.as_deref() == Some("NotFound")
                && said
                    .details
                    .and_then(|details| details.name)
                    .is_some_and(|name| !name.is_empty());
            match scene.target {
                Some(target) if !is_object => Error::NoSuchResource {
                    doing,
                    server,
                    resource: target.resource.clone(),
                    api: target.api.clone(),
                    versions: None,
                },
                _ => Error::NotFound { doing, why: or(message, "not found") },
            }
        }
        _ => {
            let fields = conflicts(said.details.as_ref());
            if code == 409 && !fields.is_empty() {
                return Error::Conflict { doing, fields };
            }
            Error::Status { doing, server, code, message: or(message, "no reason given") }
        }
    }
}

/// The fields that others own, and who: `conflict with "x" using v1` is what the server says.
fn conflicts(details: Option<&Details>) -> Vec<(String, String)> {
    let causes = details.iter().flat_map(|details| &details.causes);
    let of_manager = causes.filter(|it| it.reason.as_deref() == Some("FieldManagerConflict"));
    let pairs = of_manager.map(|cause| {
        let message = cause.message.as_deref().unwrap_or_default();
        let manager = message.split('"').nth(1).unwrap_or("another manager");
        let field = cause.field.as_deref().unwrap_or("a field").trim_start_matches('.');
        (clean(field), clean(manager))
    });
    pairs.collect()
}

fn or(message: String, otherwise: &str) -> String {
    if message.is_empty() { otherwise.to_owned() } else { message }
}

/// Takes user, verb, resource and namespace from what we asked and what the server said:
/// `pods is forbidden: User "x" cannot list resource "pods" in API group "" in the namespace "y"`.
fn forbidden(scene: Scene<'_>, message: String) -> Error {
    let after = |words: &str| {
        let rest = &message[message.find(words)? + words.len()..];
        rest.find('"').map(|end| rest[..end].to_owned())
    };
    let verb = || {
        let rest = &message[message.find("cannot ")? + "cannot ".len()..];
        rest.split_whitespace().next().map(str::to_owned)
    };
    let group = after("in API group \"").filter(|group| !group.is_empty());
    let said = after("resource \"")
        .map(|resource| group.map_or(resource.clone(), |group| format!("{resource}.{group}")));
    let place = after("in the namespace \"");
    // Then the server says what is told here, and nothing more.
    let ends = match &place {
        Some(namespace) => message.ends_with(&format!("in the namespace \"{namespace}\"")),
        None => message.ends_with("at the cluster scope"),
    };
    let bare = ends && said.is_some() && after("User \"").is_some();
    let asked = scene.target.map(|target| (target.verb().to_owned(), target.qualified()));
    let (asked_verb, asked_resource) =
        asked.unwrap_or_else(|| ("do this".to_owned(), "it".to_owned()));
    Error::Forbidden(Box::new(Forbidden {
        doing: scene.doing.to_owned(),
        user: after("User \""),
        verb: verb().unwrap_or(asked_verb),
        resource: said.unwrap_or(asked_resource),
        namespace: place.or_else(|| scene.target.and_then(|target| target.namespace.clone())),
        why: if bare { String::new() } else { or(message, "forbidden") },
    }))
}

/// The sentence for a failure below HTTP, from the first cause that says what it is.
pub(super) fn of_chain(scene: Scene<'_>, error: &(dyn StdError + 'static)) -> Error {
    let mut deepest = String::new();
    let mut cause = Some(error);
    for _ in 0..DEEPEST {
        let Some(error) = cause else { break };
        if let Some(found) = recognised(scene, error) {
            return found;
        }
        deepest = error.to_string();
        // An io::Error's source skips what it carries.
        cause = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(carried) => Some(carried),
            None => error.source(),
        };
    }
    let (doing, server) = (scene.doing.to_owned(), scene.server.to_owned());
    Error::Network { doing, server, why: clean(&deepest) }
}

fn recognised(scene: Scene<'_>, error: &(dyn StdError + 'static)) -> Option<Error> {
    let (doing, server) = (scene.doing.to_owned(), scene.server.to_owned());
    if let Some(Late(after)) = error.downcast_ref() {
        return Some(Error::Timeout { doing, server, after: Some(*after) });
    }
    if let Some(exceeded) = error.downcast_ref::<Exceeded>() {
        return Some(Error::TooMuch { doing, exceeded: *exceeded });
    }
    if let Some(TooLarge(limit)) = error.downcast_ref() {
        return Some(Error::TooLarge { doing, server, limit: *limit });
    }
    if let Some(error) = error.downcast_ref() {
        return Some(Error::Tls { doing, server, problem: tls(error) });
    }
    if let Some(io) = error.downcast_ref::<io::Error>() {
        return match io.kind() {
            ErrorKind::ConnectionRefused => Some(Error::Refused { doing, server }),
            ErrorKind::TimedOut if io.get_ref().is_none() => {
                Some(Error::Timeout { doing, server, after: None })
            }
            _ => None,
        };
    }
    // hyper-util keeps the type to itself; a test holds this wording.
    (error.to_string() == "dns error").then_some(Error::Dns { doing, server })
}

fn tls(error: &rustls::Error) -> TlsProblem {
    use rustls::Error as E;
    match error {
        E::InvalidCertificate(certificate) => match certificate {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                TlsProblem::WrongAuthority
            }
            CertificateError::Expired => TlsProblem::Expired { days: None },
            CertificateError::ExpiredContext { time, not_after } => {
                TlsProblem::Expired { days: Some(days_between(*not_after, *time)) }
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                TlsProblem::NotYet
            }
            CertificateError::NotValidForName => TlsProblem::WrongName { presented: Vec::new() },
            CertificateError::NotValidForNameContext { presented, .. } => TlsProblem::WrongName {
                presented: presented.iter().take(8).map(|name| bare(name)).collect(),
            },
            other => TlsProblem::Other(clean(&other.to_string())),
        },
        E::InvalidMessage(_) => TlsProblem::NotTls,
        E::AlertReceived(alert) => {
            use rustls::AlertDescription as A;
            match alert {
                A::BadCertificate
                | A::CertificateExpired
                | A::CertificateRequired
                | A::CertificateRevoked
                | A::CertificateUnknown
                | A::UnknownCA => TlsProblem::OurCertificate,
                other => TlsProblem::Other(format!("it ended the handshake with {other:?}")),
            }
        }
        other => TlsProblem::Other(clean(&other.to_string())),
    }
}

/// The name in `DnsName("kubernetes")` and `IpAddress(10.0.0.1)`, as the library writes them.
fn bare(name: &str) -> String {
    let name = name.split_once('(').map_or(name, |(_kind, name)| name.trim_end_matches(')'));
    clean(name.trim_matches('"'))
}

fn days_between(from: UnixTime, to: UnixTime) -> u64 {
    to.as_secs().saturating_sub(from.as_secs()) / DAY
}
