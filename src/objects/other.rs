//! Objects of kinds that bear on traffic and are not judged.
//!
//! In: one object and the row of its kind. Out: its name and what it can do, or nothing where it says
//! nothing of traffic: of a kind that makes whatever it is told to, only what makes policies counts.

use super::found::{Body, Found};
use crate::cluster::{Name, ObjectRef};
use crate::kinds::{Does, Other, Scope};
use crate::yaml::{self, Document, Node};

/// How deep an object is looked into for what it makes.
const MAX_DEPTH: usize = 64;

/// Reads an object of one of these kinds that the API sent; `kind` is what it is called with its group.
///
/// Errors: the text is not what the API sends.
pub fn from_json(other: &Other, kind: &str, text: &str) -> Result<Option<Found>, String> {
    let node = yaml::parse(&Document::whole(text)).map_err(|error| error.to_string())?;
    Ok(node.and_then(|node| read(other, kind, &node, &Name::default())))
}

/// Reads an object of one of these kinds; `kind` is what it is called with its group.
pub(super) fn read(other: &Other, kind: &str, node: &Node<'_>, default: &Name) -> Option<Found> {
    if other.does == Does::Make && !makes_policies(node, 0) {
        return None;
    }
    let metadata = node.get("metadata");
    let word = |key: &str| metadata.and_then(|it| it.get(key)).and_then(Node::as_str);
    let name: Name = word("name").filter(|it| !it.is_empty()).unwrap_or("(without a name)").into();
    let namespace = match word("namespace").filter(|it| !it.is_empty()) {
        _ if other.scope == Scope::Cluster => None,
        // Where a variable leads nobody knows: it may be anywhere.
        Some(written) if written.contains("${") => None,
        Some(written) => Some(written.into()),
        // Of a kind that nobody has heard of it is not known whether it is in a namespace at all.
        None if other.kind.is_empty() => None,
        None => Some(default.clone()),
    };
    let object = ObjectRef { kind: kind.into(), namespace, name };
    Some(Found { object, body: Body::Other(other.does) })
}

/// Whether it names a kind of policy, or has the field in which a tenant's policies stand. What is
/// nested deeper than anybody writes it counts as if it did.
fn makes_policies(node: &Node<'_>, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return true;
    }
    let named = |text: &str| text.contains("NetworkPolicy") || text.contains("networkpolicies");
    if let Some(items) = node.items() {
        return items.iter().any(|item| makes_policies(item, depth + 1));
    }
    if let Some(entries) = node.entries() {
        return entries.iter().any(|entry| {
            &*entry.key == "networkPolicies" || makes_policies(&entry.value, depth + 1)
        });
    }
    node.as_str().is_some_and(named)
}
