//! A policy from its tree, strictly, with its faults in plain words.
//!
//! In: the tree of one object. Out: always a [`Found`]: one that cannot be decoded is kept with the
//! reason, since a policy that is silently missing makes every answer wrong.

use crate::cluster::{Name, ObjectRef};
use crate::kinds::Kind;
use crate::lints::Lint;
use crate::objects::found::{self, Body, Found};
use crate::policy::Fault;
use crate::printable::printable;
use crate::yaml::{self, Document, Node};

/// Reads a policy of a kind.
pub(super) fn read(kind: Kind, node: &Node<'_>, default_namespace: &Name) -> Found {
    match found::read(kind, node, default_namespace) {
        Ok(found) if !found.object.name.is_empty() => found,
        Ok(found) => undecodable(found.object, "metadata.name", "is missing"),
        Err(error) => {
            undecodable(named(kind, node, default_namespace), &path(&error), plain(error.message()))
        }
    }
}

/// A policy that is encrypted: it is decrypted before it is applied, so nobody refuses it.
///
/// Source: docs/semantics/flux.md#encrypted-objects.
pub(super) fn encrypted(kind: Kind, node: &Node<'_>, default_namespace: &Name) -> Found {
    let message = "says that it is encrypted, so what it does is not known; decrypt it first, as \
                   with `sops decrypt`";
    let fault = Fault::told(Lint::NotJudged, "sops", message);
    Found { object: named(kind, node, default_namespace), body: Body::NotKnown(vec![fault]) }
}

/// What a policy is called, whatever else it says.
fn named(kind: Kind, node: &Node<'_>, default_namespace: &Name) -> ObjectRef {
    let word = |key| {
        let value = node.get("metadata").and_then(|metadata| metadata.get(key));
        value.and_then(Node::as_str).filter(|word| !word.is_empty()).map(Name::from)
    };
    let namespace = word("namespace").unwrap_or_else(|| default_namespace.clone());
    ObjectRef {
        kind: kind.name(),
        namespace: (!kind.is_cluster_scoped()).then_some(namespace),
        name: word("name").unwrap_or_default(),
    }
}

/// Reads a policy of a kind that the API sent.
pub fn from_json(kind: Kind, text: &str) -> Result<Found, String> {
    let node = yaml::parse(&Document::whole(text)).map_err(|error| error.to_string())?;
    node.map(|node| read(kind, &node, &Name::default())).ok_or_else(|| "it is null".to_owned())
}

fn undecodable(object: ObjectRef, path: &str, message: impl Into<String>) -> Found {
    let fault = Fault::new(path, message);
    Found { object, body: Body::Undecodable(vec![fault]) }
}

/// The field that an error speaks of; an unknown field itself, not the mapping that it stands in.
pub(super) fn path(error: &yaml::Error) -> String {
    let unknown = error.message().strip_prefix(UNKNOWN_FIELD).and_then(|m| m.split_once("; "));
    match (error.path(), unknown) {
        (path, None) => path.to_owned(),
        ("", Some((field, _))) => field.to_owned(),
        (path, Some((field, _))) => format!("{path}.{field}"),
    }
}

/// How the reader's message of an unknown field begins.
const UNKNOWN_FIELD: &str = "unknown field ";

/// The reader's message in plain words: of an unknown field, the known one that is nearest.
pub(crate) fn plain(message: &str) -> String {
    let parts = message.strip_prefix(UNKNOWN_FIELD).and_then(|m| m.split_once("; known are "));
    let Some((field, known)) = parts else {
        return printable(message).into_owned();
    };
    let field = printable(field);
    let distance = |known: &&str| strsim::damerau_levenshtein(&field.to_lowercase(), known);
    match known.split(", ").min_by_key(distance) {
        Some(nearest) if distance(&nearest) <= 2.max(nearest.len() / 3) => {
            format!("unknown field \"{field}\"; did you mean \"{nearest}\"?")
        }
        _ => format!("unknown field \"{field}\"; known are {known}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Spec;

    #[test]
    fn a_policy_of_a_newer_api_is_not_lost() {
        let read = |text: &str| from_json(Kind::NetworkPolicy, text);
        let newer = r#"{"metadata":{"name":"p","namespace":"a"},"spec":{"newer":1}}"#;
        let found = read(newer).unwrap();
        assert_eq!(found.object.to_string(), "a/netpol/p");
        assert!(matches!(found.body, Body::Undecodable(_)));
        let found = read(&newer.replace(r#""newer":1"#, "")).unwrap();
        let Body::Policy(spec) = found.body else { panic!("{found:?}") };
        assert!(matches!(*spec, Spec::NetworkPolicy(_)));
    }

    /// Policies of administrators have no namespace, and peers of a newer API are theirs to judge.
    #[test]
    fn policies_of_administrators() {
        let read = |text: &str| from_json(Kind::ClusterNetworkPolicy, text);
        let text = r#"{"metadata":{"name":"p"},"spec":{"egress":[{"to":[{"newer":1}]}]}}"#;
        let found = read(text).unwrap();
        assert_eq!(found.object.to_string(), "clusternetworkpolicy/p");
        let Body::Policy(spec) = found.body else { panic!("{found:?}") };
        assert!(matches!(*spec, Spec::Admin(_)));
        let found = read(&text.replace("to\":", "with\":")).unwrap();
        assert_eq!(found.object.to_string(), "clusternetworkpolicy/p");
        assert!(matches!(found.body, Body::Undecodable(_)));
    }

    /// Cilium's kinds, whose CRDs drop what they do not know.
    #[test]
    fn policies_of_cilium() {
        let text = r#"{"metadata":{"name":"p","namespace":"a","uid":"1"},"status":{"newer":1},
            "spec":{"endpointSelector":{"newer":1},"ingress":[{"toPorts":[{"newer":1}]}]}}"#;
        let found = from_json(Kind::CiliumNetworkPolicy, text).unwrap();
        assert_eq!(found.object.to_string(), "a/cnp/p");
        assert!(matches!(found.body, Body::Policy(_)));
        let text = r#"{"metadata":{"name":"p"},"specs":[{"newer":1}]}"#;
        let found = from_json(Kind::CiliumClusterwideNetworkPolicy, text).unwrap();
        assert_eq!(found.object.to_string(), "ccnp/p");
        let text = r#"{"metadata":{"name":"g","labels":{"a":"b"}},"spec":{"externalCIDRs":[]}}"#;
        let found = from_json(Kind::CiliumCidrGroup, text).unwrap();
        assert_eq!(found.object.to_string(), "ccg/g");
        let text = r#"{"metadata":{"name":"p","namespace":"a"},"spec":[]}"#;
        let found = from_json(Kind::CiliumNetworkPolicy, text).unwrap();
        assert!(matches!(found.body, Body::Undecodable(_)));
    }
}
