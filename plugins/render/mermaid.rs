//! The language of Mermaid.

use super::escape::mermaid;
use super::picture::{Picture, Steps, TooLarge, label};
use netpol::answer::{FlowList, OnwardReport};
use std::fmt::Write as _;

/// What Mermaid draws without being told otherwise (its maxEdges).
const MOST: usize = 500;

/// The flows of a list.
pub(super) fn list(list: &FlowList) -> Result<String, TooLarge> {
    let picture = Picture::new(list, MOST)?;
    let mut out = String::from("flowchart LR\n");
    for (at, (namespace, nodes)) in picture.by_namespace.iter().enumerate() {
        let indent = if namespace.is_some() { "    " } else { "  " };
        if let Some(namespace) = namespace {
            let _ = writeln!(out, "  subgraph s{at}[\"{}\"]", mermaid(namespace));
        }
        for node in nodes {
            let label = label(picture.nodes[*node], *namespace);
            let _ = writeln!(out, "{indent}n{node}[\"{}\"]", mermaid(&label));
        }
        if namespace.is_some() {
            out.push_str("  end\n");
        }
    }
    for (from, to, certain, ports) in &picture.arrows {
        let arrow = if *certain { "-->" } else { "-.->" };
        let _ = writeln!(out, "  n{from} {arrow}|\"{}\"| n{to}", mermaid(ports));
    }
    Ok(out)
}

/// The shortest ways of an answer of `reach`.
pub(super) fn onward(report: &OnwardReport) -> Result<String, TooLarge> {
    let steps = Steps::new(report, MOST)?;
    let mut out = String::from("flowchart LR\n");
    for (at, node) in steps.nodes.iter().enumerate() {
        let _ = writeln!(out, "  n{at}[\"{}\"]", mermaid(node));
    }
    for ((from, to), (certain, words)) in &steps.arrows {
        let arrow = if *certain { "-->" } else { "-.->" };
        let _ = writeln!(out, "  n{from} {arrow}|\"{}\"| n{to}", mermaid(words));
    }
    Ok(out)
}
