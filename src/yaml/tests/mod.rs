//! What kubectl does, rule by rule; the expected values come from `sigs.k8s.io/yaml` 1.6 with
//! goyaml.v2 2.4 and from the document reader of `k8s.io/apimachinery` 0.36.

mod documents;
mod reading;
mod typed;
mod usual;
mod writing;

use super::{Document, Error, Node, from_node, parse};

/// The tree of a text that is one document.
fn tree(text: &str) -> Node<'_> {
    parse(&Document::whole(text)).unwrap().unwrap()
}

/// The document as JSON, as kubectl would send it.
fn json(text: &str) -> Result<serde_json::Value, Error> {
    match parse(&Document::whole(text))? {
        None => Ok(serde_json::Value::Null),
        Some(node) => from_node(&node),
    }
}

/// The error of a document that must be refused.
fn refusal(text: &str) -> String {
    json(text).unwrap_err().to_string()
}
