//! What a picture of flows shows: namespaces as boxes, flows as arrows with their ports.

use super::cells::list::{hop_words, mark, port_words};
use netpol::answer::{EndReport, FlowList, OnwardReport};
use std::collections::{BTreeMap, HashMap};

/// A picture that nobody could read, or that its renderer refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{arrows} arrows are too many for one picture ({most} at most): ask for fewer with -n, --from, \
     --to, --port or --by namespace"
)]
pub(super) struct TooLarge {
    arrows: usize,
    most: usize,
}

/// Nodes by namespace, and arrows between their numbers.
pub(super) struct Picture<'l> {
    pub(super) nodes: Vec<&'l EndReport>,
    pub(super) by_namespace: BTreeMap<Option<&'l str>, Vec<usize>>,
    /// Whether they simply hold, and the ports.
    pub(super) arrows: Vec<(usize, usize, bool, String)>,
}

impl<'l> Picture<'l> {
    /// A picture of so many arrows at most.
    pub(super) fn new(list: &'l FlowList, most: usize) -> Result<Self, TooLarge> {
        let mut picture =
            Self { nodes: Vec::new(), by_namespace: BTreeMap::new(), arrows: Vec::new() };
        let mut numbers: HashMap<&EndReport, usize> = HashMap::new();
        let mut arrows: BTreeMap<(usize, usize, &str), Vec<String>> = BTreeMap::new();
        for flow in &list.flows {
            let mut number = |end: &'l EndReport| {
                *numbers.entry(end).or_insert_with(|| {
                    let number = picture.nodes.len();
                    picture.nodes.push(end);
                    let namespace = end.namespace.as_deref().filter(|_| !end.is("Namespace"));
                    picture.by_namespace.entry(namespace).or_default().push(number);
                    number
                })
            };
            let key = (number(&flow.source), number(&flow.destination), mark(flow));
            let mut words = port_words(flow, usize::MAX).join(", ");
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

/// The name within its namespace's box.
pub(super) fn label(end: &EndReport, namespace: Option<&str>) -> String {
    let own = namespace.and_then(|namespace| end.label.strip_prefix(namespace)?.strip_prefix('/'));
    own.unwrap_or(&end.label).to_owned()
}

/// The hops of shortest ways, each once, between the names of their ends.
pub(super) struct Steps<'r> {
    pub(super) nodes: Vec<&'r str>,
    /// Whether they simply hold, and the ports with what leads in.
    pub(super) arrows: BTreeMap<(usize, usize), (bool, String)>,
}

impl<'r> Steps<'r> {
    /// A picture of so many arrows at most.
    pub(super) fn new(report: &'r OnwardReport, most: usize) -> Result<Self, TooLarge> {
        let mut steps = Self { nodes: vec![&report.from.label], arrows: BTreeMap::new() };
        let mut numbers: HashMap<&str, usize> = HashMap::from([(&*report.from.label, 0)]);
        for hop in report.reached.iter().flat_map(|reached| &reached.way) {
            let mut number = |name: &'r str| {
                *numbers.entry(name).or_insert_with(|| {
                    steps.nodes.push(name);
                    steps.nodes.len() - 1
                })
            };
            let key = (number(&hop.from), number(&hop.to));
            let words = hop_words(hop);
            steps.arrows.entry(key).or_insert((hop.certain, words));
        }
        let arrows = steps.arrows.len();
        if arrows > most { Err(TooLarge { arrows, most }) } else { Ok(steps) }
    }
}
