//! The cells of a summary, in a table of whatever format.
//!
//! In: the namespaces of a [`SummaryReport`]. Out: lines for each cell, and the notes below the table.

use crate::render::columns::Line;
use netpol::answer::{
    DirectionSummary, Isolation, NamespaceSummary, PolicySummary, RuleSummary, SummaryReport,
    Warning,
};
use netpol::policy::rule::{Action, Direction};
use netpol::prose::list;

/// More peers, open workloads or namespaces than these are counted, save in the wide table.
pub(in crate::render) const MOST: usize = 5;

const ANYTHING: &str = "anything (not isolated)";
const ANYTHING_ELSE: &str = "anything else (not isolated)";
const NOT_ENFORCED: &str = "anything (no policy is enforced)";
const NO_POD: &str = "(selects no pod)";

/// The cells of rows, and the notes below the table that they refer to.
#[derive(Default)]
pub(in crate::render) struct Cells {
    pub(in crate::render) most: usize,
    pub(in crate::render) wide: bool,
    pub(in crate::render) notes: Vec<String>,
}

impl Cells {
    pub(in crate::render) fn row(&mut self, namespace: &NamespaceSummary) -> [Vec<Line>; 4] {
        let mut name = vec![Line::new(0, &namespace.name)];
        if self.wide {
            let mut counted = |count: usize, what: &str| {
                let s = if count == 1 { "" } else { "s" };
                name.push(Line::new(2, &format!("{count} {what}{s}")));
            };
            counted(namespace.workloads, "workload");
            namespace.pods.into_iter().for_each(|pods| counted(pods, "pod"));
        }
        if self.wide && namespace.policies > 0 {
            let ies = if namespace.policies == 1 { "y" } else { "ies" };
            name.push(Line::new(2, &format!("{} polic{ies}", namespace.policies)));
        }
        [
            name,
            self.default_deny(namespace),
            self.allowed(Direction::Ingress, &namespace.ingress),
            self.allowed(Direction::Egress, &namespace.egress),
        ]
    }

    fn default_deny(&self, namespace: &NamespaceSummary) -> Vec<Line> {
        let mut lines = Vec::new();
        let none = |direction: &DirectionSummary| {
            matches!(direction.isolation, Isolation::None | Isolation::NotEnforced)
        };
        match (none(&namespace.ingress), none(&namespace.egress)) {
            (true, true) if namespace.policies_unread => {}
            (true, true) if namespace.policies == 0 && !namespace.warnings.is_empty() => {
                lines.push(Line::new(0, "no policy in force"));
            }
            (true, true) if namespace.policies == 0 => lines.push(Line::new(0, "no policy")),
            (true, true) if namespace.ingress.isolation == Isolation::NotEnforced => {
                lines.push(Line::new(0, "not enforced"));
            }
            (true, true) => lines.push(Line::new(0, "none")),
            (no_ingress, no_egress) => {
                let only = if no_ingress || no_egress { " only" } else { "" };
                for (word, direction) in
                    [("ingress", &namespace.ingress), ("egress", &namespace.egress)]
                {
                    let text = match direction.isolation {
                        Isolation::None | Isolation::NotEnforced => continue,
                        Isolation::All => format!("{word}{only}"),
                        Isolation::Unknown => format!("{word}: not known"),
                        Isolation::AllWorkloads | Isolation::Partial => {
                            let of = namespace.workloads;
                            format!("{word}: {} of {of} workloads", direction.isolated)
                        }
                    };
                    lines.push(Line::new(0, &text));
                }
            }
        }
        let on_nodes = &namespace.host_network;
        if namespace.policies_unread {
            lines.push(Line::new(0, "policies not read"));
        }
        if namespace.workloads == 0 && on_nodes.is_empty() {
            lines.push(Line::new(0, "(no pods)"));
        }
        if namespace.policies > 0 && !on_nodes.is_empty() {
            // No policy reaches them, so they would make "default deny" untrue unsaid.
            lines.push(Line::new(0, &format!("except {} on host network", on_nodes.len())));
            if self.wide {
                lines.extend(on_nodes.iter().map(|name| Line::new(2, in_namespace(name))));
            }
        }
        lines
    }

    fn allowed(&mut self, direction: Direction, summary: &DirectionSummary) -> Vec<Line> {
        let mut lines = Vec::new();
        let admits = |policy: &&PolicySummary| {
            let allows = |rule: &RuleSummary| rule.action != Action::Deny;
            !policy.selects_no_pod && policy.rules.iter().any(allows)
        };
        let mut indent = 0;
        // The same for every pod needs no more than the name.
        let mut brief = false;
        if summary.dns_only {
            lines.push(Line::new(0, "DNS only"));
            brief = !self.wide && summary.policies.iter().all(|p| p.subject == "all");
            indent = 2;
        } else if summary.isolation == Isolation::NotEnforced {
            lines.push(Line::new(0, NOT_ENFORCED));
        } else if summary.isolation == Isolation::None && summary.partly_denied.is_empty() {
            lines.push(Line::new(0, ANYTHING));
        } else if summary.default_deny && !summary.policies.iter().any(|p| admits(&p)) {
            lines.push(Line::new(0, "nothing"));
        }
        for policy in &summary.policies {
            if policy.selects_no_pod {
                lines.push(Line::new(indent, &format!("{} {NO_POD}", policy.label())));
            } else if !policy.rules.is_empty() {
                lines.push(Line::new(indent, &policy.label()));
            }
            for rule in policy.rules.iter().filter(|_| !brief) {
                let text = self.rule(direction, policy, rule);
                lines.push(Line::new(indent + 2, &text));
            }
        }
        if summary.isolation != Isolation::NotEnforced {
            lines.extend(self.open(summary));
        }
        lines
    }

    /// The workloads that are not closed, where it was not said of all of them.
    fn open(&self, summary: &DirectionSummary) -> Vec<Line> {
        let all = summary.isolation == Isolation::None;
        let denied = |name: &&String| summary.partly_denied.contains(name);
        let (denied, open): (Vec<&String>, Vec<&String>) = summary.open.iter().partition(denied);
        let open = if all && denied.is_empty() { Vec::new() } else { open };
        let unknown = summary.unknown.iter().collect();
        let mut lines = Vec::new();
        for (what, names) in
            [(ANYTHING, open), (ANYTHING_ELSE, denied), ("perhaps anything", unknown)]
        {
            if names.is_empty() {
                continue;
            }
            lines.push(Line::new(0, what));
            if !all || names.len() < summary.open.len() {
                let names = names.iter().map(|name| in_namespace(name));
                lines.push(Line::new(2, &self.some(names)));
            }
        }
        lines
    }

    fn rule(&mut self, direction: Direction, policy: &PolicySummary, rule: &RuleSummary) -> String {
        let mut text = rule.line(direction, &policy.subject, self.most);
        for note in &rule.notes {
            let known = self.notes.iter().position(|earlier| earlier == note);
            let index = known.unwrap_or_else(|| {
                self.notes.push(note.clone());
                self.notes.len() - 1
            });
            text.push_str(&raised(index));
        }
        text
    }

    fn some<'a>(&self, names: impl Iterator<Item = &'a str>) -> String {
        some(names, self.most)
    }
}

pub(in crate::render) fn some<'a>(names: impl Iterator<Item = &'a str>, most: usize) -> String {
    let mut names: Vec<String> = names.map(ToOwned::to_owned).collect();
    if names.len() > most {
        let more = format!("{} more", names.len() - most);
        names.truncate(most);
        names.push(more);
    }
    list(&names, "and")
}

/// `deploy/grafana` of `monitoring/deploy/grafana`: the row says the namespace.
fn in_namespace(label: &str) -> &str {
    label.split_once('/').map_or(label, |(_, name)| name)
}

/// The mark of a note: its number, raised.
pub(in crate::render) fn raised(index: usize) -> String {
    let raise = |digit: char| match digit {
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        _ => digit.to_digit(10).and_then(|d| char::from_u32(0x2070 + d)).unwrap_or(digit),
    };
    (index + 1).to_string().chars().map(raise).collect()
}

/// The warnings of all rows, after those of the whole.
pub(in crate::render) fn warnings(report: &SummaryReport) -> impl Iterator<Item = &Warning> {
    report.warnings.iter().chain(report.namespaces.iter().flat_map(|row| &row.warnings))
}
