//! The language of Mermaid.

use super::escape::mermaid;
use super::picture::{Picture, TooLarge, label};
use netpol::answer::FlowList;
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
