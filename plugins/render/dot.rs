//! The language of Graphviz.

use super::cells::diff::ports;
use super::escape::dot;
use super::picture::{Picture, Steps, TooLarge, label};
use netpol::answer::{ChangeKind, DiffReport, FlowList, OnwardReport};
use std::fmt::Write as _;

/// More arrows than this are no picture.
const MOST: usize = 5000;

/// The flows of a list.
pub(super) fn list(list: &FlowList) -> Result<String, TooLarge> {
    let picture = Picture::new(list, MOST)?;
    let mut out = String::from(
        "digraph flows {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n  edge \
         [fontname=\"sans-serif\", fontsize=10];\n",
    );
    for (at, (namespace, nodes)) in picture.by_namespace.iter().enumerate() {
        let indent = if namespace.is_some() { "    " } else { "  " };
        if let Some(namespace) = namespace {
            let _ = writeln!(out, "  subgraph cluster_{at} {{\n    label={};", dot(namespace));
        }
        for node in nodes {
            let label = label(picture.nodes[*node], *namespace);
            let _ = writeln!(out, "{indent}n{node} [label={}];", dot(&label));
        }
        if namespace.is_some() {
            out.push_str("  }\n");
        }
    }
    for (from, to, certain, ports) in &picture.arrows {
        let style = if *certain { "" } else { ", style=dashed" };
        let _ = writeln!(out, "  n{from} -> n{to} [label={}{style}];", dot(ports));
    }
    out.push_str("}\n");
    Ok(out)
}

/// The changes as a graph: green edges open, red ones close.
pub(super) fn diff(report: &DiffReport) -> String {
    let mut out = "digraph diff {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
    for change in &report.changes {
        let (color, style) = match change.change {
            ChangeKind::Opened => ("green", "solid"),
            ChangeKind::Closed => ("red", "dashed"),
            ChangeKind::Conditions => ("blue", "dashed"),
            ChangeKind::Unknown => ("orange", "dotted"),
        };
        let _ = writeln!(
            out,
            "  {} -> {} [label={}, color={color}, style={style}];",
            dot(&change.from.label),
            dot(&change.to.label),
            dot(&ports(change))
        );
    }
    out.push_str("}\n");
    out
}

/// The shortest ways of an answer of `reach`.
pub(super) fn onward(report: &OnwardReport) -> Result<String, TooLarge> {
    let steps = Steps::new(report, MOST)?;
    let mut out = String::from("digraph flows {\n  rankdir=LR;\n  node [shape=box];\n");
    for (at, node) in steps.nodes.iter().enumerate() {
        let _ = writeln!(out, "  n{at} [label={}];", dot(node));
    }
    for ((from, to), (certain, words)) in &steps.arrows {
        let style = if *certain { "" } else { ", style=dashed" };
        let _ = writeln!(out, "  n{from} -> n{to} [label={}{style}];", dot(words));
    }
    out.push_str("}\n");
    Ok(out)
}
