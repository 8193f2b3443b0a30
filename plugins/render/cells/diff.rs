//! What is said of a diff and its rows, in whatever format.

use netpol::answer::{
    ChangeReport, DiffReport, DiffSummary, Fresh, FreshFlows, MemberReport, Missing, RenamedReport,
};
use netpol::cluster::kind_word;
use netpol::prose::list;
use netpol::verdict::Passage;
use std::collections::HashMap;

/// `3 opened, 1 closed`, or that nothing is.
pub(in crate::render) fn headline(report: &DiffReport) -> String {
    let sure = report.complete && report.elsewhere.is_empty();
    match (changed(report), sure) {
        (Some(change), _) if report.missing.iter().any(|it| it.why == Missing::Unread) => {
            format!("{change} in what was read")
        }
        (Some(change), _) => change,
        (None, true) => "no flow changes".to_owned(),
        (None, false) => "no flow is known to change".to_owned(),
    }
}

/// What changes; `None`: nothing.
fn changed(report: &DiffReport) -> Option<String> {
    let summary: &DiffSummary = &report.summary;
    let calls = |closes| report.system.iter().filter(|it| it.closes == closes).count();
    let all = [
        (summary.opened, "opened"),
        (summary.closed, "closed"),
        (summary.conditions, "on other conditions"),
        (summary.unknown, "not known any more"),
        (calls(true), "cut of what the API server calls"),
        (calls(false), "let through of what the API server calls"),
    ];
    let all = all.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = all.map(|(count, what)| format!("{count} {what}")).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
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
    let renamed = report.renamed.iter().map(|RenamedReport { old, new }| {
        format!("Renamed: namespace {old} is now {new}, as its labels, policies and workloads say.")
    });
    let mut sentences: Vec<String> = renamed.collect();
    let went = [("was", "reached"), ("were", "reached")];
    let new = [("is", "reaches"), ("are", "reach")];
    for (side, verb, verbs) in [(&report.old, "Went", went), (&report.new, "New", new)] {
        // What has the same said of it is told together.
        let mut told: Vec<(Option<&Fresh>, Vec<String>)> = Vec::new();
        let mut at: HashMap<Option<String>, usize> = HashMap::new();
        let all: HashMap<&MemberReport, &Fresh> =
            side.fresh.iter().map(|fresh| (&fresh.workload, fresh)).collect();
        for one in &side.only_here {
            let fresh = all.get(one).copied();
            let key = fresh.map(|fresh| reached(fresh, verbs[0]));
            if let Some(at) = at.get(&key) {
                told[*at].1.push(member(one));
            } else {
                at.insert(key, told.len());
                told.push((fresh, vec![member(one)]));
            }
        }
        for (fresh, names) in told {
            let verbs = verbs[usize::from(names.len() > 1)];
            let names = few(names);
            sentences.push(match fresh.map(|fresh| reached(fresh, verbs)) {
                Some(reached) => format!("{verb}: {names}, which {reached}."),
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

/// Who reaches a workload that only one side has, and whom it reaches.
fn reached(fresh: &Fresh, (is, reaches): (&str, &str)) -> String {
    let each = |all: &[FreshFlows], to: &str| -> Option<String> {
        let parts = all.iter().map(|flows| {
            let perhaps = if flows.certain { "" } else { ", perhaps" };
            format!("{to}{} on {}{perhaps}", flows.label, flows.ports_label)
        });
        let parts: Vec<String> = parts.collect();
        (!parts.is_empty()).then(|| list(&parts, "and"))
    };
    let open = match each(&fresh.open_to, "to ") {
        Some(all) => format!("{is} open {all}"),
        None => format!("{is} open to no one"),
    };
    match each(&fresh.reaches, "") {
        Some(_) if fresh.reaches == fresh.open_to => format!("{open}, and {reaches} the same"),
        Some(all) => format!("{open}, and {reaches} {all}"),
        None => format!("{open}, and {reaches} no one"),
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
