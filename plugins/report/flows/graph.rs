//! The rows as a picture: namespaces as boxes, flows as arrows with their ports.

use super::table::{mark, port_words};
use super::{FlowEnd, FlowList};
use netpol::printable::printable;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

/// A picture that nobody could read, or that its renderer refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{arrows} arrows are too many for one picture ({most} at most): ask for fewer with -n, --from, \
     --to, --port or --by namespace"
)]
pub struct TooLarge {
    arrows: usize,
    most: usize,
}

/// What Mermaid draws without being told otherwise (its maxEdges).
const MOST_MERMAID: usize = 500;
const MOST_DOT: usize = 5000;

/// Nodes by namespace, and arrows between their numbers.
struct Picture<'l> {
    nodes: Vec<&'l FlowEnd>,
    by_namespace: BTreeMap<Option<&'l str>, Vec<usize>>,
    /// Whether they simply hold, and the ports.
    arrows: Vec<(usize, usize, bool, String)>,
}

impl<'l> Picture<'l> {
    fn new(list: &'l FlowList, most: usize) -> Result<Self, TooLarge> {
        let mut picture =
            Self { nodes: Vec::new(), by_namespace: BTreeMap::new(), arrows: Vec::new() };
        let mut numbers: HashMap<&FlowEnd, usize> = HashMap::new();
        let mut arrows: BTreeMap<(usize, usize, &str), Vec<String>> = BTreeMap::new();
        for flow in &list.flows {
            let mut number = |end: &'l FlowEnd| {
                *numbers.entry(end).or_insert_with(|| {
                    let number = picture.nodes.len();
                    picture.nodes.push(end);
                    let namespace = end.namespace.as_deref().filter(|_| end.kind != "Namespace");
                    picture.by_namespace.entry(namespace).or_default().push(number);
                    number
                })
            };
            let key = (number(&flow.source), number(&flow.destination), mark(flow));
            let mut words = port_words(flow).join(", ");
            if let Some(family) = flow.family {
                words = format!("{words} ({family})");
            }
            arrows.entry(key).or_default().push(words);
        }
        if arrows.len() > most {
            return Err(TooLarge { arrows: arrows.len(), most });
        }
        let arrow = |((from, to, mark), words): ((_, _, &str), Vec<String>)| {
            (from, to, mark.is_empty(), words.join(", ") + mark)
        };
        picture.arrows = arrows.into_iter().map(arrow).collect();
        Ok(picture)
    }
}

/// The list in the language of Graphviz.
pub fn flows_dot(list: &FlowList) -> Result<String, TooLarge> {
    let picture = Picture::new(list, MOST_DOT)?;
    let mut out = String::from(
        "digraph flows {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n  edge \
         [fontname=\"sans-serif\", fontsize=10];\n",
    );
    for (at, (namespace, nodes)) in picture.by_namespace.iter().enumerate() {
        let indent = if namespace.is_some() { "    " } else { "  " };
        if let Some(namespace) = namespace {
            let _ = writeln!(out, "  subgraph cluster_{at} {{\n    label={};", quoted(namespace));
        }
        for node in nodes {
            let label = label(picture.nodes[*node], *namespace);
            let _ = writeln!(out, "{indent}n{node} [label={}];", quoted(&label));
        }
        if namespace.is_some() {
            out.push_str("  }\n");
        }
    }
    for (from, to, certain, ports) in &picture.arrows {
        let style = if *certain { "" } else { ", style=dashed" };
        let _ = writeln!(out, "  n{from} -> n{to} [label={}{style}];", quoted(ports));
    }
    out.push_str("}\n");
    Ok(out)
}

/// The list in the language of Mermaid.
pub fn flows_mermaid(list: &FlowList) -> Result<String, TooLarge> {
    let picture = Picture::new(list, MOST_MERMAID)?;
    let mut out = String::from("flowchart LR\n");
    for (at, (namespace, nodes)) in picture.by_namespace.iter().enumerate() {
        let indent = if namespace.is_some() { "    " } else { "  " };
        if let Some(namespace) = namespace {
            let _ = writeln!(out, "  subgraph s{at}[\"{}\"]", entities(namespace));
        }
        for node in nodes {
            let label = label(picture.nodes[*node], *namespace);
            let _ = writeln!(out, "{indent}n{node}[\"{}\"]", entities(&label));
        }
        if namespace.is_some() {
            out.push_str("  end\n");
        }
    }
    for (from, to, certain, ports) in &picture.arrows {
        let arrow = if *certain { "-->" } else { "-.->" };
        let _ = writeln!(out, "  n{from} {arrow}|\"{}\"| n{to}", entities(ports));
    }
    Ok(out)
}

/// The name within its namespace's box.
fn label(end: &FlowEnd, namespace: Option<&str>) -> String {
    let own = namespace.and_then(|namespace| end.label.strip_prefix(namespace)?.strip_prefix('/'));
    own.unwrap_or(&end.label).to_owned()
}

/// A string of DOT. A backslash would begin an escape of Graphviz's own.
fn quoted(text: &str) -> String {
    format!("\"{}\"", printable(text).replace('\\', "\\\\").replace('"', "\\\""))
}

/// Text within the quotes of Mermaid, which knows no escape but entities.
fn entities(text: &str) -> String {
    let mut out = String::new();
    for c in printable(text).chars() {
        let plain =
            c.is_alphanumeric() || matches!(c, ' ' | '/' | '.' | ',' | '-' | '_' | ':' | '?');
        if plain {
            out.push(c);
        } else {
            let _ = write!(out, "#{};", u32::from(c));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_cannot_break_out() {
        assert_eq!(quoted("a\"];\\ x"), "\"a\\\"];\\\\ x\"");
        assert_eq!(entities("a\"]; x|#"), "a#34;#93;#59; x#124;#35;");
    }
}
