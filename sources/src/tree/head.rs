//! The head of an object: of which kind it is, and its name.
//!
//! In: the tree of one object. Out: [`Head`].

use netpol::kinds;
use netpol::yaml::Node;

/// Namespace and name.
pub(crate) type Named = (String, String);

/// The head of an object.
#[derive(Debug)]
pub(crate) struct Head<'n> {
    pub(crate) group: &'n str,
    pub(crate) kind: &'n str,
    pub(crate) namespace: &'n str,
    pub(crate) name: &'n str,
}

impl<'n> Head<'n> {
    /// Reads it; `None`: it is no object.
    pub(crate) fn of(node: &'n Node<'_>) -> Option<Self> {
        let metadata = node.get("metadata")?;
        let word = |key| metadata.get(key).and_then(Node::as_str);
        Some(Self {
            group: kinds::group(node.get("apiVersion")?.as_str()?),
            kind: node.get("kind")?.as_str()?,
            namespace: word("namespace").unwrap_or_default(),
            name: word("name")?,
        })
    }

    /// Whether it is of a kind.
    pub(crate) fn is(&self, group: &str, kind: &str) -> bool {
        self.group == group && self.kind == kind
    }

    /// Its namespace and name.
    pub(crate) fn named(&self) -> Named {
        (self.namespace.to_owned(), self.name.to_owned())
    }
}
