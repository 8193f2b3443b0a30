//! The answer of `explain` for people: the verdict first, the reasons after, the next step last.

use super::delivery::deliveries;
use super::observed::between;
use crate::render::columns::{self, Line};
use crate::render::screen::{
    BOLD, DIM, DOUBT, PLAIN, Screen, outcome_style, verdict_mark, verdict_style,
};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use netpol::answer::{
    Because, DirectionReport, ExplanationReport, FlowReport, HopReport, Outcome, PolicyReport,
    Warning, WayReport, short,
};
use netpol::policy::rule::Direction;
use netpol::printable::printable;
use netpol::prose::list;
use netpol::verdict::Verdict;
use std::net::IpAddr;
use std::time::SystemTime;
use unicode_width::UnicodeWidthStr;

/// The answer as text of `width` columns; `wide` shows every rule of every isolating policy.
pub(in crate::render) fn explanation(
    report: &ExplanationReport,
    width: usize,
    wide: bool,
) -> String {
    let mut text = Text { report, wide, width, screen: Screen::new(width) };
    text.head();
    text.flows(&report.flows);
    text.ways();
    if let Some(observed) = &report.observed {
        between(&mut text.screen, observed);
    }
    deliveries(&mut text.screen, &report.deliveries);
    text.warnings();
    text.tail();
    text.screen.finish()
}

struct Text<'a> {
    report: &'a ExplanationReport,
    wide: bool,
    width: usize,
    screen: Screen,
}

impl Text<'_> {
    fn head(&mut self) {
        let report = self.report;
        let verdict = report.verdict.as_str().to_uppercase();
        let ends = format!("{} → {}", report.source.label, report.destination.label);
        let port = match report.flows.as_slice() {
            [only] if only.undeclared => format!("on {}", ports(only)),
            [only] => format!("port {}", dialled(only)),
            _ => String::new(),
        };
        let indent = verdict.len() + 2;
        self.screen.words(
            0,
            indent,
            &[
                (outcome_style(report.verdict), &verdict),
                (BOLD, &format!(" {ends}")),
                (PLAIN, &port),
            ],
        );
        if report.verdict == Outcome::Mixed {
            let words =
                if report.ways.is_empty() { mixture(&report.flows) } else { of_ways(&report.ways) };
            self.screen.words(2, 2, &[(PLAIN, &words)]);
        }
        for condition in conditions(&report.flows) {
            self.screen.words(2, 2, &[(DOUBT, "conditional:"), (PLAIN, &condition)]);
        }
        for note in &report.notes {
            self.screen.words(2, 2, &[(PLAIN, &format!("{note}."))]);
        }
    }

    /// The ways to a host that routes lead in, hop by hop.
    fn ways(&mut self) {
        let ways = &self.report.ways;
        for way in ways {
            self.screen.blank();
            let verdict = way.verdict.as_str().to_lowercase();
            let told = [(BOLD, way.by.as_str()), (outcome_style(way.verdict), verdict.as_str())];
            self.screen.words(0, 2, if ways.len() > 1 { &told } else { &told[..1] });
            if let Some(message) = &way.message {
                self.screen.words(2, 2, &[(PLAIN, &format!("{message}."))]);
            }
            for (at, hop) in way.hops.iter().enumerate() {
                self.screen.blank();
                self.hop(at + 1, hop);
            }
        }
    }

    fn hop(&mut self, number: usize, hop: &HopReport) {
        let mut words = format!("{} → {}", hop.from, hop.to);
        let mut how = String::new();
        if !hop.by.is_empty() {
            how = format!("by {}", hop.by);
        }
        if let Some(first) = hop.flows.first() {
            let comma = if how.is_empty() { "" } else { ", " };
            how = format!("{how}{comma}port {}", dialled(first));
        }
        if how.is_empty() {
            words.push(':');
        } else {
            how.push(':');
        }
        let verdict = hop.verdict.as_str().to_lowercase();
        self.screen.words(
            0,
            3,
            &[
                (PLAIN, &format!("{number}.")),
                (BOLD, &words),
                (PLAIN, &how),
                (outcome_style(hop.verdict), &verdict),
            ],
        );
        if let Some(message) = &hop.message {
            self.screen.words(3, 3, &[(PLAIN, &format!("{message}."))]);
        }
        for note in &hop.notes {
            self.screen.words(3, 3, &[(PLAIN, &format!("{note}."))]);
        }
        match hop.flows.as_slice() {
            [] => {}
            [only] => self.inside(only),
            several => self.flows(several),
        }
    }

    fn flows(&mut self, flows: &[FlowReport]) {
        match flows {
            [] => {}
            [only] => self.flow(only),
            several => {
                self.screen.blank();
                let table = overview(several, self.width);
                self.screen.block(&table);
                // What nobody declared is in the table; its reasons are those of the others or short.
                let wide = self.wide;
                let shown = several.iter().filter(|flow| wide || flow.counted);
                let mut told: Vec<&FlowReport> = Vec::new();
                for flow in shown {
                    if told.iter().any(|earlier| alike(earlier, flow)) {
                        continue;
                    }
                    told.push(flow);
                    self.screen.blank();
                    let ends = format!("{} → {}", one(&flow.from), one(&flow.to));
                    let verdict = flow.verdict.as_str().to_lowercase();
                    self.screen.words(
                        0,
                        2,
                        &[
                            (BOLD, &format!("{ends}, {}", ports(flow))),
                            (verdict_style(flow.verdict), &verdict),
                        ],
                    );
                    self.directions(flow);
                }
            }
        }
    }

    fn flow(&mut self, flow: &FlowReport) {
        self.screen.blank();
        self.directions(flow);
    }

    /// The directions of a hop that policies judge.
    fn inside(&mut self, flow: &FlowReport) {
        for (way, direction) in
            [(Direction::Egress, &flow.egress), (Direction::Ingress, &flow.ingress)]
        {
            if self.wide || direction.reason != Because::Outside {
                self.direction(way, direction);
            }
        }
    }

    fn directions(&mut self, flow: &FlowReport) {
        self.direction(Direction::Egress, &flow.egress);
        if flow.egress.verdict != Verdict::Allowed {
            self.screen.blank();
        }
        self.direction(Direction::Ingress, &flow.ingress);
    }

    fn direction(&mut self, way: Direction, direction: &DirectionReport) {
        let style = verdict_style(direction.verdict);
        let mark = verdict_mark(direction.verdict);
        let subject = format!("{way} of {}:", direction.subject);
        self.screen.words(0, 2, &[(style, mark), (BOLD, &subject), (PLAIN, &direction.message)]);
        if direction.verdict == Verdict::Allowed {
            // The policy that decides comes first.
            let deciding =
                direction.policies.first().filter(|_| direction.reason == Because::Admitted);
            if !self.wide {
                if let Some(policy) = deciding {
                    self.written(4, policy);
                }
                self.near(direction);
                return;
            }
        }
        for (index, policy) in direction.policies.iter().enumerate() {
            if self.wide || tells(direction.reason, index, policy) {
                self.policy(policy);
            }
        }
        self.near(direction);
    }

    /// Policies that would decide if they were written a little differently.
    fn near(&mut self, direction: &DirectionReport) {
        for near in &direction.near {
            let rule = near.rule.as_deref().map_or("", short);
            self.screen.words(4, 6, &[(DOUBT, "near:"), (BOLD, &near.label()), (DIM, rule)]);
            self.screen.words(6, 6, &[(PLAIN, &near.message)]);
            if near.location.is_some() {
                self.screen.place(6, near.location.as_ref());
            } else {
                self.screen.words(6, 6, &[(DIM, &near.field)]);
            }
        }
    }

    fn policy(&mut self, policy: &PolicyReport) {
        let rule = policy.rule.as_deref().map_or("", short);
        self.screen.words(4, 6, &[(BOLD, &policy.label()), (DIM, rule)]);
        self.screen.words(6, 6, &[(PLAIN, &policy.message)]);
        self.written(6, policy);
        if self.wide {
            for rule in &policy.rules {
                if Some(&rule.rule) != policy.rule.as_ref() {
                    let path = format!("{}:", short(&rule.rule));
                    self.screen.words(6, 8, &[(DIM, &path), (PLAIN, &rule.message)]);
                }
            }
        }
    }

    /// Where a policy's deciding field is written, and who wrote it.
    fn written(&mut self, indent: usize, policy: &PolicyReport) {
        if policy.location.is_some() {
            return self.screen.place(indent, policy.location.as_ref());
        }
        let mut parts = vec![policy.field.clone()];
        parts.extend(policy.applied_by.as_ref().map(|applied| {
            let age = applied.time.as_deref().and_then(|time| age(time, SystemTime::now()));
            let age = age.map_or(String::new(), |age| format!(" {age} ago"));
            format!("applied by {}{age}", applied.manager)
        }));
        parts.extend(policy.owner.as_ref().map(|owner| {
            let namespace = owner.namespace.as_ref().map_or(String::new(), |n| format!("{n}/"));
            format!("owned by {} {namespace}{}", owner.kind, owner.name)
        }));
        self.screen.words(indent, indent, &[(DIM, &parts.join(", "))]);
    }

    fn warnings(&mut self) {
        let all = &self.report.warnings;
        let warnings = if self.wide { all.clone() } else { Warning::told_once(all) };
        for warning in warnings {
            self.screen.blank();
            self.screen.words(0, 2, &[(DOUBT, "warning:"), (PLAIN, &warning.message)]);
            self.screen.place(4, warning.location.as_ref());
        }
    }

    fn tail(&mut self) {
        let ExplanationReport { missing, next, verdict, .. } = self.report;
        if missing.is_none() && ![Outcome::Denied, Outcome::Mixed].contains(verdict) {
            return;
        }
        self.screen.blank();
        for (style, line) in [(BOLD, missing), (PLAIN, next)] {
            if let Some(line) = line {
                self.screen.words(0, 0, &[(style, line)]);
            }
        }
    }
}

/// Whether a policy has to do with a verdict that is not Allowed.
fn tells(reason: Because, index: usize, policy: &PolicyReport) -> bool {
    match reason {
        // A rule that denies needs no other, and it comes first.
        Because::Refused => index == 0,
        Because::NoneAdmits => policy.isolates,
        Because::Tie => policy.tier.is_some(),
        _ => true,
    }
}

/// What the proxy asks for, where a flow is allowed only then.
fn conditions(flows: &[FlowReport]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let allowed = flows.iter().filter(|flow| flow.verdict == Verdict::Allowed);
    for direction in allowed.flat_map(|flow| [&flow.egress, &flow.ingress]) {
        if !direction.conditions.is_empty() {
            let words = format!("only {}.", list(&direction.conditions, "or"));
            if !all.contains(&words) {
                all.push(words);
            }
        }
    }
    all
}

/// How long ago a time of the API was: `40s`, `5m`, `7h` or `3d`.
fn age(time: &str, now: SystemTime) -> Option<String> {
    let time: jiff::Timestamp = time.parse().ok()?;
    let seconds = now.duration_since(time.into()).ok()?.as_secs();
    Some(match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    })
}

/// The port as the client dials it.
fn dialled(flow: &FlowReport) -> String {
    match (flow.service_port, flow.protocol) {
        (Some(port), Some(protocol)) => format!("{port}/{protocol}"),
        _ => ports(flow),
    }
}

fn ports(flow: &FlowReport) -> String {
    let family = flow.family.map(|family| format!(" over {family}")).unwrap_or_default();
    let reading = flow.reading.as_ref().map(|reading| format!(", {reading}")).unwrap_or_default();
    format!("{}{family}{reading}", flow.ports)
}

/// Two flows whose reasons read the same.
fn alike(a: &FlowReport, b: &FlowReport) -> bool {
    let same = |a: &DirectionReport, b: &DirectionReport| {
        a.message == b.message
            && a.subject == b.subject
            && a.policies.iter().map(|p| &p.message).eq(b.policies.iter().map(|p| &p.message))
    };
    a.from == b.from && a.to == b.to && same(&a.egress, &b.egress) && same(&a.ingress, &b.ingress)
}

fn one(names: &[String]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        // A colon may follow.
        [one, other] if is_address(one) && is_address(other) && other.contains(':') => {
            format!("{other} and {one}")
        }
        [one, other] if is_address(one) && is_address(other) => format!("{one} and {other}"),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

fn is_address(name: &str) -> bool {
    name.parse::<IpAddr>().is_ok()
}

/// How many ways have each verdict.
fn of_ways(ways: &[WayReport]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for way in ways {
        let verdict = way.verdict.as_str();
        match counts.iter_mut().find(|(known, _)| *known == verdict) {
            Some((_, count)) => *count += 1,
            None => counts.push((verdict, 1)),
        }
    }
    let each = counts.into_iter().map(|(verdict, count)| {
        format!("{} by {count} of {} ways", verdict.to_lowercase(), ways.len())
    });
    let mut text = list(&each.collect::<Vec<_>>(), "and");
    if let Some(first) = text.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    text + "."
}

/// `allowed to 2 of 3 pods`, `allowed on 8080/TCP, denied on 9090/TCP`.
fn mixture(flows: &[FlowReport]) -> String {
    let counted: Vec<&FlowReport> = flows.iter().filter(|flow| flow.counted).collect();
    let allowed = |side: fn(&FlowReport) -> &Vec<String>| {
        let mut all: Vec<&String> = counted.iter().flat_map(|flow| side(flow)).collect();
        all.sort();
        all.dedup();
        let passes = |name: &&&String| {
            let mut about = counted.iter().filter(|flow| side(flow).contains(name));
            about.all(|flow| flow.verdict == Verdict::Allowed)
        };
        let what = if all.iter().any(|name| is_address(name)) { "ends" } else { "pods" };
        (all.iter().filter(passes).count(), all.len(), what)
    };
    let (to, of, what) = allowed(|flow| &flow.to);
    if of > 1 && to > 0 {
        return format!("Allowed to {to} of {of} {what}.");
    }
    let (from, of, what) = allowed(|flow| &flow.from);
    if of > 1 && from > 0 {
        return format!("Allowed from {from} of {of} {what}.");
    }
    let of_verdict = |verdict: Verdict| {
        let ports: Vec<String> = counted
            .iter()
            .filter(|flow| flow.verdict == verdict)
            .map(|flow| dialled(flow))
            .collect();
        (!ports.is_empty())
            .then(|| format!("{} on {}", verdict.as_str().to_lowercase(), list(&ports, "and")))
    };
    let parts: Vec<String> =
        [Verdict::Allowed, Verdict::Denied, Verdict::Ambiguous, Verdict::Unknown]
            .into_iter()
            .filter_map(of_verdict)
            .collect();
    let mut text = parts.join(", ");
    if let Some(first) = text.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    text + "."
}

/// A row for each flow, with the names of admitting policies where there is room for them.
fn overview(flows: &[FlowReport], width: usize) -> String {
    let fits = |table: &String| table.lines().all(|line| line.width() <= width);
    let named = table(flows, true, None);
    let table = if fits(&named) { named } else { self::table(flows, false, None) };
    if fits(&table) { table } else { self::table(flows, false, Some(width)) }
}

/// So many columns lie between two cells.
const GAP: usize = 2;

/// No column is narrower.
const NARROWEST: usize = 16;

/// In so many columns, if those of the ends can be that narrow.
fn table(flows: &[FlowReport], named: bool, width: Option<usize>) -> String {
    let several = |side: fn(&FlowReport) -> &Vec<String>| {
        flows.windows(2).any(|pair| side(&pair[0]) != side(&pair[1]))
    };
    let (from, to) = (several(|flow| &flow.from), several(|flow| &flow.to));
    let mut header = vec!["PORT"];
    header.extend(from.then_some("FROM"));
    header.extend(to.then_some("TO"));
    header.extend(["VERDICT", "EGRESS", "INGRESS"]);
    let row = |flow: &FlowReport| -> Vec<String> {
        let mut row = vec![ports(flow)];
        if let Some(port) = flow.service_port.filter(|port| Some(*port) != flow.port) {
            row[0] = format!("{port} → {}", row[0]);
        }
        row.extend(from.then(|| one(&flow.from)));
        row.extend(to.then(|| one(&flow.to)));
        row.push(flow.verdict.as_str().to_owned());
        row.extend([&flow.egress, &flow.ingress].map(|direction| brief(direction, named)));
        row.iter().map(|cell| printable(cell).into_owned()).collect()
    };
    let mut rows: Vec<Vec<String>> = flows.iter().map(row).collect();
    if let Some(width) = width.filter(|width| *width < columns::LEAST) {
        let cells = |row: &Vec<String>| -> Vec<Vec<Line>> {
            row.iter().map(|cell| vec![Line::new(0, cell)]).collect()
        };
        let rows: Vec<_> = rows.iter().map(cells).collect();
        return columns::list(&header, rows.iter().map(Vec::as_slice), width);
    }
    let ends = 1..=usize::from(from) + usize::from(to);
    if let Some(width) = width.filter(|_| !ends.is_empty()) {
        let column = |at: usize| {
            let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width());
            cells.max().unwrap_or(0).max(header[at].width()) + GAP
        };
        let others: usize = (0..header.len()).filter(|at| !ends.contains(at)).map(column).sum();
        let room = width.saturating_sub(others) / ends.clone().count();
        for cell in rows.iter_mut().filter_map(|row| row.get_mut(ends.clone())).flatten() {
            let mut lines = Vec::new();
            Line::new(0, cell).wrap(room.saturating_sub(GAP).max(NARROWEST), &mut lines);
            *cell = lines.join("\n");
        }
    }
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, u16::try_from(GAP).unwrap_or_default()));
    }
    table.trim_fmt()
}

/// A direction in a few words.
fn brief(direction: &DirectionReport, named: bool) -> String {
    let deciding = direction.policies.first().filter(|_| named);
    let words = match (direction.reason, deciding) {
        (Because::Admitted | Because::Refused, Some(policy)) => return policy.label(),
        (Because::Admitted, None) => "admitted",
        (Because::Refused, None) => "denied",
        (Because::Tie, _) => "ambiguous",
        (Because::NotEnforced, _) => "not enforced",
        (Because::NotIsolated, _) => "not isolated",
        (Because::NoneAdmits, _) => "none admits",
        (Because::SamePod, _) => "itself",
        (Because::OwnNode, _) => "own node",
        (Because::Outside, _) => "outside",
        (Because::Node, _) => "a node",
        (Because::HostNetwork, _) => "host network",
        (Because::Unknown, _) => "not known",
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn ages_are_short() {
        let start: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let after = |seconds| {
            age("2026-01-01T00:00:00Z", SystemTime::from(start) + Duration::from_secs(seconds))
        };
        for (seconds, expected) in
            [(0, "0s"), (119, "119s"), (120, "2m"), (7200, "2h"), (3 * 86_400, "3d")]
        {
            assert_eq!(after(seconds).as_deref(), Some(expected));
        }
        assert_eq!(age("2026-01-01T00:00:00Z", SystemTime::UNIX_EPOCH), None);
        assert_eq!(age("yesterday", SystemTime::now()), None);
    }
}
