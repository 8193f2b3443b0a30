//! What is said of a diff and its rows, in whatever format.

use netpol::answer::{ChangeReport, DiffReport, DiffSummary, Fresh, MemberReport};
use netpol::cluster::kind_word;
use netpol::prose::list;
use netpol::verdict::Passage;

/// `3 opened, 1 closed`, or that nothing is.
pub(in crate::render) fn headline(report: &DiffReport) -> String {
    let summary = &report.summary;
    if let Some(change) = changed(summary) {
        return in_what_was_read(change, summary);
    }
    let sure = report.complete && report.elsewhere.is_empty();
    let none = if sure { "no flow changes" } else { "no flow is known to change" };
    in_what_was_read(none.to_owned(), summary)
}

/// What changes; `None`: nothing.
fn changed(summary: &DiffSummary) -> Option<String> {
    let all = [
        (summary.opened, "opened"),
        (summary.closed, "closed"),
        (summary.conditions, "on other conditions"),
        (summary.unknown, "not known any more"),
    ];
    let all = all.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = all.map(|(count, what)| format!("{count} {what}")).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn in_what_was_read(changes: String, summary: &DiffSummary) -> String {
    match summary.unread {
        0 => changes,
        _ => format!("{changes} in what was read"),
    }
}

/// The ports, with the family where only one changes.
pub(in crate::render) fn ports(change: &ChangeReport) -> String {
    match &change.family {
        Some(family) => format!("{} over {family}", change.ports_label),
        None => change.ports_label.clone(),
    }
}

/// In how many namespaces, where these are several.
pub(in crate::render) fn namespaces(change: &ChangeReport) -> Option<String> {
    let all = &change.namespaces;
    (all.len() > 1).then(|| format!("in {} namespaces", all.len()))
}

/// What was and is, where that is not plain.
pub(in crate::render) fn remark(change: &ChangeReport) -> &'static str {
    match (change.before, change.after) {
        (Passage::OnCondition, Passage::OnCondition) => "on another condition",
        (Passage::OnCondition, Passage::Allowed | Passage::Denied) => "before on a condition",
        (Passage::OnCondition, Passage::Unknown) => "before on a condition, now not known",
        (Passage::Denied, Passage::OnCondition) => "on a condition",
        (Passage::Allowed, Passage::OnCondition) => "now on a condition",
        (Passage::Unknown, Passage::OnCondition) => "on a condition, before not known",
        (Passage::Unknown, _) => "before not known",
        (Passage::Allowed, Passage::Unknown) => "before allowed, now not known",
        (Passage::Denied, Passage::Unknown) => "before denied, now not known",
        (Passage::Allowed | Passage::Denied, Passage::Allowed | Passage::Denied) => "",
    }
}

/// How members are named in text, which the command line takes back.
fn member(member: &MemberReport) -> String {
    let namespace = member.namespace.as_ref().map_or(String::new(), |n| format!("{n}/"));
    format!("{namespace}{}/{}", kind_word(&member.kind), member.name)
}

/// What came and what went, as sentences.
pub(in crate::render) fn only_sentences(report: &DiffReport) -> Vec<String> {
    let mut sentences = Vec::new();
    for (side, verb, open) in [(&report.old, "Went", "was"), (&report.new, "New", "is")] {
        // What has the same said of it is told together.
        let mut told: Vec<(Option<String>, Vec<String>)> = Vec::new();
        for one in &side.only_here {
            let fresh = side.fresh.iter().find(|fresh| fresh.workload == *one);
            let reached = fresh.map(reached);
            match told.iter_mut().find(|(known, _)| *known == reached) {
                Some((_, names)) => names.push(member(one)),
                None => told.push((reached, vec![member(one)])),
            }
        }
        for (reached, names) in told {
            let names = few(names);
            sentences.push(match reached {
                Some(reached) => format!("{verb}: {names}, which {open} {reached}."),
                None => format!("{verb}, so not compared: {names}."),
            });
        }
        if !side.namespaces.is_empty() {
            let names = few(side.namespaces.clone());
            let word = if side.namespaces.len() == 1 { "Namespace" } else { "Namespaces" };
            sentences.push(format!("{word} only in {}: {names}.", side.name));
        }
    }
    sentences
}

/// Who reaches a workload that only one side has.
fn reached(fresh: &Fresh) -> String {
    let parts = fresh.open_to.iter().map(|flows| {
        let perhaps = if flows.certain { "" } else { ", perhaps" };
        format!("to {} on {}{perhaps}", flows.label, flows.ports_label)
    });
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() {
        "open to no one".to_owned()
    } else {
        format!("open {}", list(&parts, "and"))
    }
}

/// The first names, and how many more there are.
fn few(mut names: Vec<String>) -> String {
    if names.len() > MOST_LISTED {
        let more = names.len() - MOST_LISTED;
        names.truncate(MOST_LISTED);
        names.push(format!("{more} more"));
    }
    list(&names, "and")
}

/// More workloads or namespaces that came or went are counted only.
const MOST_LISTED: usize = 12;
