//! The tree of one document: scalars, sequences and mappings, each with its place in the file.
//!
//! In goes what the parser saw, out comes a tree that is read by shape ([`Node::get`],
//! [`Node::items`], [`Node::entries`]) or turned into a typed value by
//! [`from_node`](super::from_node). Text is borrowed from the file wherever it is written there as
//! it is meant. Merge keys are merged and repeated keys are gone: the last one stays, as in kubectl.

use std::borrow::Cow;
use std::sync::Arc;

use super::scalar::{self, Resolved};

/// A place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    /// The line, counted from 1.
    pub line: u32,
    /// The column in characters, counted from 1.
    pub column: u32,
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node<'a> {
    pub(super) mark: Mark,
    pub(super) value: Value<'a>,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    Scalar(Scalar<'a>),
    Sequence(Vec<Node<'a>>),
    Mapping(Vec<Entry<'a>>),
    /// A node with an anchor, or an alias of it: held once, however often it is used.
    Shared(Arc<Node<'a>>),
}

/// The text of a scalar and whether it can mean anything but text.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar<'a> {
    /// The text without quotes and escapes.
    pub text: Cow<'a, str>,
    /// Whether the text is to be resolved: neither quoted nor tagged as a string.
    pub plain: bool,
}

impl Scalar<'_> {
    /// The value that kubectl sees.
    pub fn resolve(&self) -> Resolved<'_> {
        if self.plain { scalar::resolve(&self.text) } else { Resolved::Text(&self.text) }
    }
}

/// One field of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<'a> {
    /// The key as a string, as in JSON: `yes: 1` has the key `true`.
    pub key: Cow<'a, str>,
    /// Where the key is written.
    pub key_mark: Mark,
    /// The value.
    pub value: Node<'a>,
}

impl<'a> Node<'a> {
    /// Where the node is written; for an alias, where the alias is.
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// The value itself, behind any alias.
    pub(super) fn target(&self) -> &Value<'a> {
        let mut value = &self.value;
        while let Value::Shared(node) = value {
            value = &node.value;
        }
        value
    }

    /// The value of a field of this mapping.
    pub fn get(&self, key: &str) -> Option<&Node<'a>> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// A field of this mapping, with the place of its key.
    pub fn entry(&self, key: &str) -> Option<&Entry<'a>> {
        self.entries()?.iter().find(|entry| entry.key == key)
    }

    /// The fields of this mapping in the order of the file; `None` when it is none.
    pub fn entries(&self) -> Option<&[Entry<'a>]> {
        match self.target() {
            Value::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items of this sequence; `None` when it is none.
    pub fn items(&self) -> Option<&[Node<'a>]> {
        match self.target() {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The scalar as it is written; `None` for sequences and mappings.
    pub fn scalar(&self) -> Option<&Scalar<'a>> {
        match self.target() {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The text, if this is a string to kubectl: not `yes`, which is a boolean, nor `80`.
    pub fn as_str(&self) -> Option<&str> {
        match self.scalar()?.resolve() {
            Resolved::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether both say the same, wherever they are written and in whatever order.
    pub fn says_as(&self, other: &Node<'_>) -> bool {
        match (self.target(), other.target()) {
            (Value::Scalar(a), Value::Scalar(b)) => a.resolve() == b.resolve(),
            (Value::Sequence(a), Value::Sequence(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.says_as(b))
            }
            (Value::Mapping(a), Value::Mapping(b)) => {
                let same = |entry: &Entry<'_>| {
                    other.get(&entry.key).is_some_and(|value| entry.value.says_as(value))
                };
                a.len() == b.len() && a.iter().all(same)
            }
            _ => false,
        }
    }

    /// The same without the text that it was read from.
    pub fn into_owned(self) -> Node<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        let value = match self.value {
            Value::Scalar(Scalar { text, plain }) => {
                Value::Scalar(Scalar { text: owned(text), plain })
            }
            Value::Sequence(items) => {
                Value::Sequence(items.into_iter().map(Node::into_owned).collect())
            }
            Value::Mapping(entries) => {
                let entry = |Entry { key, key_mark, value }: Entry<'_>| Entry {
                    key: owned(key),
                    key_mark,
                    value: value.into_owned(),
                };
                Value::Mapping(entries.into_iter().map(entry).collect())
            }
            Value::Shared(node) => Value::Shared(Arc::new(node.as_ref().clone().into_owned())),
        };
        Node { mark: self.mark, value }
    }

    /// Whether the value is null, so that kubectl takes the field for absent.
    pub fn is_null(&self) -> bool {
        self.scalar().is_some_and(|scalar| scalar.resolve() == Resolved::Null)
    }

    /// The kind of the node with its article, for messages.
    pub(super) fn describe(&self) -> &'static str {
        match self.target() {
            Value::Scalar(scalar) => scalar.resolve().describe(),
            Value::Sequence(_) => "a list",
            Value::Mapping(_) | Value::Shared(_) => "a mapping",
        }
    }
}
