//! The two ends of a question, as people have them at hand.
//!
//! In: words of the command line (`deploy/grafana`, `identity/svc/keycloak:http`, a URL from a log, an
//! address). Out: a [`EndName`], which `resolve` then looks up. No credentials of a URL are kept.

use super::asked::{Asked, AskedError, WantedPods, asked};
use super::resolved::Resolved;
use crate::cluster::Protocol;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// Schemes whose port and protocol go without saying. Source: IANA's service name registry.
const SCHEMES: &[(&str, u16, Protocol)] = &[
    ("amqp", 5672, Protocol::Tcp),
    ("amqps", 5671, Protocol::Tcp),
    ("dns", 53, Protocol::Udp),
    ("ftp", 21, Protocol::Tcp),
    ("grpc", 443, Protocol::Tcp),
    ("http", 80, Protocol::Tcp),
    ("https", 443, Protocol::Tcp),
    ("ldap", 389, Protocol::Tcp),
    ("ldaps", 636, Protocol::Tcp),
    ("mongodb", 27017, Protocol::Tcp),
    ("mqtt", 1883, Protocol::Tcp),
    ("mqtts", 8883, Protocol::Tcp),
    ("mysql", 3306, Protocol::Tcp),
    ("nats", 4222, Protocol::Tcp),
    ("ntp", 123, Protocol::Udp),
    ("postgres", 5432, Protocol::Tcp),
    ("postgresql", 5432, Protocol::Tcp),
    ("redis", 6379, Protocol::Tcp),
    ("rediss", 6379, Protocol::Tcp),
    ("smtp", 25, Protocol::Tcp),
    ("ssh", 22, Protocol::Tcp),
    ("ws", 80, Protocol::Tcp),
    ("wss", 443, Protocol::Tcp),
];

/// The port and protocol that go without saying with a scheme.
pub(crate) fn scheme_port(scheme: &str) -> Option<(u16, Protocol)> {
    let known = SCHEMES.iter().find(|(name, ..)| *name == scheme);
    known.map(|(_, port, protocol)| (*port, *protocol))
}

/// One end, with the port where it was given with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndName {
    /// What it names.
    pub names: Named,
    /// The port that came with it.
    pub port: Option<PortWanted>,
    /// The path of a URL, which says where its host leads.
    pub path: Option<String>,
}

/// What one end names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// Objects: `name`, `kind/name`, `namespace/name` or `namespace/kind/name`.
    Path(Vec<String>),
    /// A host name: of a URL, or with dots in it.
    Host(String),
    /// An address.
    Address(IpAddr),
    /// A pod that need not be written.
    Pods(WantedPods),
    /// What has been looked up, or made, already.
    Found(Box<Resolved>),
}

/// A port as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortWanted {
    /// Number or name.
    pub port: PortText,
    /// The protocol, where it was said.
    pub protocol: Option<Protocol>,
}

/// Number or name of a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortText {
    /// A number, never 0.
    Number(u16),
    /// The name of a Service port or of a container port.
    Name(String),
}

/// What is wrong with an end or a port as typed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndNameError {
    /// Nothing there.
    #[error("an empty name: give a workload, pod, Service, host name, URL or address")]
    Empty,
    /// A block where one address is meant.
    #[error("{0:?} is a block of addresses: give one address of it")]
    Block(String),
    /// Too many parts.
    #[error(
        "{0:?} has too many parts: give NAME, KIND/NAME, NAMESPACE/NAME or NAMESPACE/KIND/NAME"
    )]
    TooManyParts(String),
    /// Not a port.
    #[error(
        "{0:?} is not a port: give a number from 1 to 65535 or a name, if need be with /TCP, /UDP or /SCTP"
    )]
    Port(String),
    /// Not a URL.
    #[error("cannot read {0:?} as a URL: give SCHEME://HOST[:PORT]/…")]
    Url(String),
    /// Not a pod that could be there.
    #[error(transparent)]
    Asked(#[from] AskedError),
}

impl FromStr for PortWanted {
    type Err = EndNameError;

    fn from_str(text: &str) -> Result<Self, EndNameError> {
        let refuse = || EndNameError::Port(text.to_owned());
        let (port, protocol) = match text.split_once('/') {
            Some((port, protocol)) => (port, Some(protocol.parse().map_err(|_| refuse())?)),
            None => (text, None),
        };
        let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || b == b'.';
        let port = match port.parse::<u16>() {
            Ok(0) => return Err(refuse()),
            Ok(number) => PortText::Number(number),
            Err(_) if port.is_empty() || port.bytes().all(|b| b.is_ascii_digit()) => {
                return Err(refuse());
            }
            Err(_) if port.bytes().all(is_name) => PortText::Name(port.to_owned()),
            Err(_) => return Err(refuse()),
        };
        Ok(Self { port, protocol })
    }
}

impl fmt::Display for PortWanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.port {
            PortText::Number(number) => write!(f, "{number}")?,
            PortText::Name(name) => f.write_str(name)?,
        }
        self.protocol.map_or(Ok(()), |protocol| write!(f, "/{protocol}"))
    }
}

impl FromStr for EndName {
    type Err = EndNameError;

    fn from_str(text: &str) -> Result<Self, EndNameError> {
        if text.trim().is_empty() {
            return Err(EndNameError::Empty);
        }
        if let Some((form, port)) = unwritten(text)
            && let Some(wanted) = asked(form)
        {
            return match wanted? {
                Asked::Pods(wanted) => {
                    let port = port.map(str::parse).transpose()?;
                    Ok(Self { names: Named::Pods(wanted), port, path: None })
                }
                // Words that may name objects too.
                Asked::Anyone | Asked::Internet | Asked::Namespace(_) => plain(text),
            };
        }
        plain(text)
    }
}

/// A text that may name an end which nothing written is, with the port behind it.
fn unwritten(text: &str) -> Option<(&str, Option<&str>)> {
    match text.rfind(']') {
        // `pods[app=db]:5432`, `pods[app=db] in shop:5432`
        Some(last) => match text.get(last + 1..)?.rsplit_once(':') {
            Some((rest, port)) => Some((text.get(..last + 1 + rest.len())?, Some(port))),
            None => Some((text, None)),
        },
        // What is not closed is to be told so.
        None if text.contains("pods[") || text.contains("namespaces[") => Some((text, None)),
        None => match text.split_once(':') {
            Some((_, port)) if port.starts_with("//") => None,
            Some((form, port)) => Some((form, Some(port))),
            None => Some((text, None)),
        },
    }
}

/// What names objects, hosts or addresses.
fn plain(text: &str) -> Result<EndName, EndNameError> {
    if let Some((scheme, rest)) = text.split_once("://") {
        return url(scheme, rest);
    }
    if let Ok(address) = text.parse() {
        return Ok(EndName { names: Named::Address(address), port: None, path: None });
    }
    if let Some((address, length)) = text.split_once('/')
        && address.parse::<IpAddr>().is_ok()
        && length.bytes().all(|b| b.is_ascii_digit())
    {
        return Err(EndNameError::Block(text.to_owned()));
    }
    let (host, port) = split_port(text)?;
    let names = match host.parse() {
        Ok(address) => Named::Address(address),
        Err(_) if host.contains('/') => {
            let parts: Vec<String> = host.split('/').map(ToOwned::to_owned).collect();
            if parts.iter().any(String::is_empty) {
                return Err(EndNameError::Empty);
            }
            if parts.len() > 3 {
                return Err(EndNameError::TooManyParts(text.to_owned()));
            }
            Named::Path(parts)
        }
        Err(_) if host.contains('.') => Named::Host(host.to_owned()),
        Err(_) => Named::Path(vec![host.to_owned()]),
    };
    Ok(EndName { names, port, path: None })
}

/// Schemes that ask for a path.
const WITH_PATH: &[&str] = &["grpc", "http", "https", "ws", "wss"];

fn url(scheme: &str, rest: &str) -> Result<EndName, EndNameError> {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // Credentials are dropped before anything can print them.
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = split_port(host)?;
    if host.is_empty() {
        return Err(EndNameError::Url(format!("{scheme}://{host}")));
    }
    let scheme = scheme.to_ascii_lowercase();
    let known = SCHEMES.iter().find(|(name, ..)| *name == scheme);
    let protocol = known.map(|(.., protocol)| *protocol).or_else(|| scheme.parse().ok());
    let port = match (port, known) {
        (Some(port), _) => Some(PortWanted { protocol: port.protocol.or(protocol), ..port }),
        (None, Some((_, number, _))) => {
            Some(PortWanted { port: PortText::Number(*number), protocol })
        }
        (None, None) => None,
    };
    let names = host.parse().map_or_else(|_| Named::Host(host.to_owned()), Named::Address);
    let path = WITH_PATH.contains(&scheme.as_str()).then(|| {
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        rest.find('/').map_or("/", |at| &rest[at..]).to_owned()
    });
    Ok(EndName { names, port, path })
}

/// Takes `:port` off the end; brackets around an IPv6 address go.
fn split_port(text: &str) -> Result<(&str, Option<PortWanted>), EndNameError> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, after) =
            rest.split_once(']').ok_or_else(|| EndNameError::Url(text.to_owned()))?;
        if address.parse::<Ipv6Addr>().is_err() {
            return Err(EndNameError::Url(text.to_owned()));
        }
        return match after.strip_prefix(':') {
            Some(port) => Ok((address, Some(port.parse()?))),
            None if after.is_empty() => Ok((address, None)),
            None => Err(EndNameError::Url(text.to_owned())),
        };
    }
    match text.split_once(':') {
        Some((host, port)) => Ok((host, Some(port.parse()?))),
        None => Ok((text, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The forms that people have at hand.
    #[test]
    fn forms() {
        for (text, names, port) in [
            ("grafana", "path grafana", ""),
            ("deploy/grafana", "path deploy grafana", ""),
            ("identity/svc/keycloak", "path identity svc keycloak", ""),
            ("identity/svc/keycloak:http", "path identity svc keycloak", "http"),
            ("identity/keycloak-0", "path identity keycloak-0", ""),
            ("keycloak:8080/UDP", "path keycloak", "8080/UDP"),
            ("deployment.apps/grafana", "path deployment.apps grafana", ""),
            (
                "keycloak.identity.svc.cluster.local:80",
                "host keycloak.identity.svc.cluster.local",
                "80",
            ),
            (
                "http://keycloak.identity.svc.cluster.local/realms/home",
                "host keycloak.identity.svc.cluster.local",
                "80/TCP",
            ),
            ("https://u:p@login.example.com/?q=a:b@c", "host login.example.com", "443/TCP"),
            ("https://login.example.com:8443", "host login.example.com", "8443/TCP"),
            ("http://keycloak/", "host keycloak", "80/TCP"),
            ("udp://keycloak:5", "host keycloak", "5/UDP"),
            ("gopher://old.example.com", "host old.example.com", ""),
            ("10.0.0.7", "address 10.0.0.7", ""),
            ("10.0.0.7:443", "address 10.0.0.7", "443"),
            ("2001:db8::7", "address 2001:db8::7", ""),
            ("[2001:db8::7]:443", "address 2001:db8::7", "443"),
            ("http://[2001:db8::7]/", "address 2001:db8::7", "80/TCP"),
            ("shop/pods[app=db]:5432", "pods shop/pods[app=db]", "5432"),
            ("namespaces[team=a]:53/UDP", "pods pods in namespaces[team=a]", "53/UDP"),
            ("pods[a=b] in namespaces[c=d]:9090", "pods pods[a=b] in namespaces[c=d]", "9090"),
            ("pods[a=b] in shop:9090/UDP", "pods shop/pods[a=b]", "9090/UDP"),
            ("pods[a=b,c]", "pods pods[a=b,c]", ""),
            ("ns/shop:80", "path ns shop", "80"),
        ] {
            let target: EndName = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            let shown = match target.names {
                Named::Path(parts) => format!("path {}", parts.join(" ")),
                Named::Host(host) => format!("host {host}"),
                Named::Address(address) => format!("address {address}"),
                Named::Pods(wanted) => format!("pods {wanted}"),
                Named::Found(found) => found.label,
            };
            assert_eq!(shown, names, "{text}");
            assert_eq!(target.port.map_or(String::new(), |p| p.to_string()), port, "{text}");
        }
    }

    #[test]
    fn refusals_say_what_would_be_right() {
        for (text, part) in [
            ("", "an empty name"),
            ("a//b", "an empty name"),
            ("a/b/c/d", "too many parts"),
            ("10.0.0.0/8", "block of addresses"),
            ("a:0", "is not a port"),
            ("a:70000", "is not a port"),
            ("a:80/ICMP", "is not a port"),
            ("a:", "is not a port"),
            ("http:///x", "as a URL"),
            ("[::1", "as a URL"),
        ] {
            let error = text.parse::<EndName>().expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn credentials_of_a_url_are_not_kept() {
        let target: EndName = "https://user:secret@host.example/".parse().unwrap();
        assert!(!format!("{target:?}").contains("secret"));
        let error = "https://user:secret@".parse::<EndName>().unwrap_err();
        assert!(!error.to_string().contains("secret"));
    }
}
