//! What to read: a resource of the API, in a namespace or all of them, one object or a list.
//!
//! In: names as the API writes them. Out: the path of the request, and words for sentences.

use netpol::kinds::Kind;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::{self, Write as _};

/// What may stand in a path segment or a query value as it is.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A resource of the API, narrowed to a namespace and to one object where so wanted.
///
/// ```
/// use netpol::kinds::Kind;
/// use netpol_sources::live::Target;
///
/// let policies = Target::kind(Kind::NetworkPolicy).within("shop");
/// assert_eq!(policies.to_string(), "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    pub(super) api: String,
    pub(super) resource: String,
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
}

impl Target {
    /// All objects of a resource, by its group and version (`v1`, `apps/v1`) and plural name.
    pub fn of(api: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { api: api.into(), resource: resource.into(), namespace: None, name: None }
    }

    /// All objects of a kind, in the version that is to be preferred.
    pub fn kind(kind: Kind) -> Self {
        Self::of(kind.api_version(), kind.plural())
    }

    /// Only those in a namespace.
    #[must_use]
    pub fn within(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Only the one of this name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What reading it is called: `listing pods in shop`, `reading pods/web in shop`.
    pub(super) fn doing(&self) -> String {
        self.described(if self.name.is_some() { "reading" } else { "listing" })
    }

    /// What doing something else to it is called: `applying pods/web in shop`.
    pub(super) fn described(&self, doing: &str) -> String {
        let mut words = match &self.name {
            Some(name) => format!("{doing} {}/{name}", self.resource),
            None => format!("{doing} {}", self.resource),
        };
        if let Some(namespace) = &self.namespace {
            words.push_str(" in ");
            words.push_str(namespace);
        }
        words
    }

    /// The verb that reading it needs.
    pub(super) fn verb(&self) -> &'static str {
        if self.name.is_some() { "get" } else { "list" }
    }

    /// The resource with its group, as RBAC writes it.
    pub(super) fn qualified(&self) -> String {
        match self.api.split_once('/') {
            Some((group, _version)) => format!("{}.{group}", self.resource),
            None => self.resource.clone(),
        }
    }
}

/// The path of the request. Names are escaped, so that none can reach another resource.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.api.contains('/') { "/apis" } else { "/api" })?;
        let namespace = self.namespace.iter().flat_map(|name| ["namespaces", name]);
        let segments = self.api.split('/').chain(namespace).chain([self.resource.as_str()]);
        for segment in segments.chain(self.name.as_deref()) {
            write!(f, "/{}", escaped(segment))?;
        }
        Ok(())
    }
}

/// Which objects of a list are wanted; all of them by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selection {
    /// A label selector in kubectl's form.
    pub labels: Option<String>,
    /// A field selector in kubectl's form.
    pub fields: Option<String>,
}

/// The path and query of one page.
pub(super) fn page(
    target: &Target,
    selection: &Selection,
    limit: Option<u32>,
    next: &str,
) -> String {
    let limit = limit.map(|limit| limit.to_string()).unwrap_or_default();
    let fields = selection.fields.as_deref().unwrap_or_default();
    let labels = selection.labels.as_deref().unwrap_or_default();
    let parameters = [
        ("limit", &*limit),
        ("continue", next),
        ("labelSelector", labels),
        ("fieldSelector", fields),
    ];
    let mut uri = target.to_string();
    let mut separator = '?';
    for (key, value) in parameters.into_iter().filter(|(_, value)| !value.is_empty()) {
        // Writing to a String cannot fail.
        let _ = write!(uri, "{separator}{key}={}", escaped(value));
        separator = '&';
    }
    uri
}

pub(super) fn escaped(text: &str) -> impl fmt::Display {
    // `.` and `..` would be resolved away by a proxy.
    let dots = text.chars().all(|char| char == '.');
    let text = utf8_percent_encode(text, if dots { NON_ALPHANUMERIC } else { KEPT });
    text.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let pods = Target::of("v1", "pods");
        assert_eq!(pods.to_string(), "/api/v1/pods");
        assert_eq!(pods.doing(), "listing pods");
        let web = pods.clone().within("shop").named("web");
        assert_eq!(web.to_string(), "/api/v1/namespaces/shop/pods/web");
        assert_eq!(web.doing(), "reading pods/web in shop");
        assert_eq!((web.verb(), web.qualified().as_str()), ("get", "pods"));
        let odd = Target::of("cilium.io/v2", "ciliumnetworkpolicies").within("../a?b").named("..");
        assert_eq!(
            odd.to_string(),
            "/apis/cilium.io/v2/namespaces/..%2Fa%3Fb/ciliumnetworkpolicies/%2E%2E"
        );
        assert_eq!(odd.qualified(), "ciliumnetworkpolicies.cilium.io");
        let selection =
            Selection { labels: Some("app in (a,b)".into()), fields: Some("x!=y".into()) };
        assert_eq!(
            page(&pods, &selection, Some(500), "c=="),
            "/api/v1/pods?limit=500&continue=c%3D%3D&labelSelector=app%20in%20%28a%2Cb%29\
             &fieldSelector=x%21%3Dy"
        );
        assert_eq!(page(&pods, &Selection::default(), None, ""), "/api/v1/pods");
    }
}
