//! Where a field is written.
//!
//! In goes a document and a field path as the API server and the policy engine write it, such as
//! `spec.ingress[1].ports[0].port` or `spec.podSelector.matchLabels[app.kubernetes.io/name]`; out
//! comes the place of its key, or of the item itself when the path ends in an item of a list.

use super::document::Document;
use super::node::{Mark, Node, Value};
use super::parse::parse;

/// The place of a field path, or of the longest part of it that exists.
///
/// `None` only when the document is empty or cannot be parsed.
pub fn locate(document: &Document<'_>, path: &str) -> Option<Mark> {
    let root = parse(document).ok()??;
    Some(locate_in(&root, path))
}

/// As [`locate`], for a tree that is parsed already.
pub fn locate_in(root: &Node<'_>, path: &str) -> Mark {
    find_in(root, path).0
}

/// The place of a field, its value, and whether that is the value of the whole path.
pub fn find_in<'n, 'a>(root: &'n Node<'a>, path: &str) -> (Mark, &'n Node<'a>, bool) {
    let mut node = root;
    let mut place = root.mark();
    for step in steps(path) {
        let found = match node.target() {
            Value::Mapping(_) => node.entry(step).map(|entry| (entry.key_mark, &entry.value)),
            Value::Sequence(items) => step
                .parse()
                .ok()
                .and_then(|index: usize| items.get(index))
                .map(|item| (item.mark(), item)),
            _ => None,
        };
        let Some((mark, next)) = found else { return (place, node, false) };
        place = mark;
        node = next;
    }
    (place, node, true)
}

/// The steps of a path: names between dots, and what stands in brackets.
fn steps(path: &str) -> impl Iterator<Item = &str> {
    let mut rest = path;
    std::iter::from_fn(move || {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        if rest.is_empty() {
            return None;
        }
        if let Some(inner) = rest.strip_prefix('[') {
            let end = inner.find(']').unwrap_or(inner.len());
            rest = inner.get(end + 1..).unwrap_or("");
            return Some(&inner[..end]);
        }
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (step, after) = rest.split_at(end);
        rest = after;
        Some(step)
    })
}
