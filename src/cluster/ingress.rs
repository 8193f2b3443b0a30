//! Ingresses: which host leads to which Services.

use super::{Name, ObjectRef};
use std::net::IpAddr;

/// An Ingress.
#[derive(Clone, Debug, PartialEq)]
pub struct Ingress {
    /// The object.
    pub object: ObjectRef,
    /// Its rules, and its default backend as one without a host.
    pub backends: Vec<Backend>,
    /// The addresses and names at which its controller is reached.
    pub addresses: Vec<IpAddr>,
    /// The same, by name.
    pub names: Vec<Name>,
}

/// Where one path of a host leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// The host; `None` stands for any that no rule names.
    pub host: Option<Name>,
    /// The Service, in the namespace of the Ingress.
    pub service: Name,
    /// Its port.
    pub port: BackendPort,
}

/// A port of a Service by number or name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackendPort {
    /// By number.
    Number(u16),
    /// By name.
    Name(Name),
}

impl Backend {
    /// Whether a host is its own: `*` stands for one label.
    ///
    /// Source: docs/semantics/services.md#ingresses.
    pub fn serves(&self, host: &str) -> bool {
        let Some(own) = self.host.as_deref() else { return false };
        match own.strip_prefix("*.") {
            Some(rest) => host
                .split_once('.')
                .is_some_and(|(label, of)| !label.is_empty() && of.eq_ignore_ascii_case(rest)),
            None => own.eq_ignore_ascii_case(host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// docs/semantics/services.md#ingresses: a wildcard is one label.
    #[test]
    fn hosts() {
        let backend = |host: Option<&str>| Backend {
            host: host.map(Into::into),
            service: "s".into(),
            port: BackendPort::Number(80),
        };
        let serves = |own: Option<&str>, host: &str| backend(own).serves(host);
        assert!(serves(Some("a.example.org"), "A.example.org"));
        assert!(serves(Some("*.example.org"), "b.example.org"));
        for (own, host) in [
            (Some("*.example.org"), "a.b.example.org"),
            (Some("*.example.org"), "example.org"),
            (Some("a.example.org"), "b.example.org"),
            (None, "a.example.org"),
        ] {
            assert!(!serves(own, host), "{own:?} {host}");
        }
    }
}
