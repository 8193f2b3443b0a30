//! YAML as kubectl reads it, with the place of every node, and YAML that kubectl reads back.
//!
//! In goes text: one file of manifests. [`split`] cuts it into documents, [`parse`] turns one
//! document into a tree of [`Node`]s that know their line and column, [`from_node`] turns a tree
//! into a typed value ([`from_document`] does both), and [`locate`] finds the place of a field path. Out goes text again:
//! [`to_string`].
//!
//! Nearly all manifests have one form, which `usual.rs` reads without a parser of all of YAML; what is
//! not quite of it goes through granit, so both say the same.
//!
//! kubectl reads YAML 1.1 through `sigs.k8s.io/yaml` (goyaml.v2) and then JSON, so that `yes` is a
//! boolean, `0755` is 493, the last of two equal keys wins, and a key is always a string. A reader
//! of manifests has to see what the cluster will get; each rule here was checked against those
//! libraries. Where YAML has two readings and kubectl's is a trap, the reader refuses the document
//! rather than show the other reading.
//!
//! ```
//! use std::collections::BTreeMap;
//! use netpol::yaml;
//!
//! let file = "kind: A\n---\nkind: B\nlabels: {app: web}\n";
//! let documents: Vec<_> = yaml::split(file).collect();
//! assert_eq!(documents.len(), 2);
//!
//! let node = yaml::parse(&documents[1])?.expect("this document is not empty");
//! let labels: BTreeMap<String, String> = yaml::from_node(node.get("labels").unwrap())?;
//! assert_eq!(labels["app"], "web");
//! assert_eq!(yaml::locate(&documents[1], "labels.app").unwrap().line, 4);
//! # Ok::<(), yaml::Error>(())
//! ```

mod de;
mod document;
mod error;
mod locate;
mod node;
mod parse;
mod scalar;
mod usual;
mod write;

pub use de::{from_document, from_node};
pub use document::{Document, Documents, split};
pub use error::Error;
pub use locate::{find_in, locate, locate_in};
pub use node::{Entry, Mark, Node, Scalar};
pub use parse::{MAX_ALIAS_NODES, MAX_DEPTH, MAX_DOCUMENT, parse, parse_in_full, parse_strictly};
pub use scalar::Resolved;
pub use write::{to_string, to_writer};

#[cfg(test)]
mod tests;
