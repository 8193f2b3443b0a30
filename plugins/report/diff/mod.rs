//! The answer of `diff` as a versioned type.
//!
//! In: the difference of two connectivities, and for each side what it is called and where its
//! fields are written. Out: a [`DiffReport`], complete without any of them, and its texts.

mod cause;
mod ends;
mod markup;
mod rows;
mod text;

pub use ends::{EndsReport, MemberReport};
pub use markup::{diff_csv, diff_dot, diff_markdown};
pub use text::diff_text;

use super::explaining::flow_report;
use super::explanation::{API_VERSION, DirectionReport, Locate, Location, PolicyReport};
use super::warnings::{Warning, sentences};
use super::{names, words};
use ends::{Ends, known_as};
use netpol::cluster::{ObjectRef, Port, Protocol, Snapshot};
use netpol::policy::rule::Direction;
use netpol::policy::{Remark, Ruleset};
use netpol::reach::{Diff, End, PortSet};
use netpol::verdict::Passage;
use rows::{Row, Rows, rows};
use schemars::JsonSchema;
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// One of the two that are compared.
pub struct DiffSide<'a> {
    /// What it is called, as on the command line.
    pub name: &'a str,
    /// The words with which `explain` reads the same.
    pub arguments: &'a [String],
    /// The command whose output `explain` then reads, where there is one.
    pub piped_from: &'a [String],
    /// What exists.
    pub snapshot: &'a Snapshot,
    /// What is in force.
    pub rules: &'a Ruleset,
    /// Finds places.
    pub locate: &'a Locate<'a>,
}

/// The answer of `diff`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DiffReport {
    /// Always `netpol/v1alpha1`.
    pub api_version: &'static str,
    /// Always `Diff`.
    pub kind: &'static str,
    /// The old side.
    pub old: SideReport,
    /// The new side.
    pub new: SideReport,
    /// How much there is.
    pub summary: DiffSummary,
    /// Flows between ends of both sides of which more or less gets through, or on other conditions, in
    /// as few rows as can be.
    pub changes: Vec<ChangeReport>,
    /// How it was compared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What could make the answer wrong: policies that would be refused, input that was not read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// More or less may get through where the conditions of flows were not compared.
    #[serde(skip)]
    unsure: bool,
}

/// One side.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SideReport {
    /// What it is called, as on the command line.
    pub name: String,
    /// Workloads, pods without one, and nodes that only this side has. Their flows are not compared.
    pub only_here: Vec<MemberReport>,
    /// Namespaces that only this side has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
}

/// Counts of a diff, by rows of `changes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DiffSummary {
    /// What gets through now and did not, was not known to, or did on a condition only.
    pub opened: usize,
    /// What got through, or was not known, and does not now, or on a condition only.
    pub closed: usize,
    /// What gets through on another condition than before.
    pub conditions: usize,
    /// What was known and is not now.
    pub unknown: usize,
    /// Workloads and nodes that only the new side has.
    pub came: usize,
    /// Workloads and nodes that only the old side has.
    pub went: usize,
    /// What was not read of either side; flows that depend on it may change too.
    pub unread: usize,
}

/// Flows that change alike for one reason.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeReport {
    /// `Opened`: more gets through than before; `Closed`: less; `Conditions`: on a condition as before,
    /// but another one; `Unknown`: it is not known any more.
    pub change: &'static str,
    /// What got through: `Allowed`, `OnCondition`, `Denied` or `Unknown`.
    pub before: &'static str,
    /// What gets through now.
    pub after: &'static str,
    /// Who opens the connections.
    pub from: EndsReport,
    /// Who is to take them.
    pub to: EndsReport,
    /// The ports of the destinations, as ranges of each protocol: `8080/TCP`, `1-79/UDP`.
    pub ports: Vec<String>,
    /// The same in words: `every port but 8080/TCP`.
    pub ports_label: String,
    /// `IPv4` or `IPv6`, where only flows of one change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// Why, for each direction that changed; of the witness, and alike for all. Not with `--summary`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<ReasonReport>,
    /// One of the flows.
    pub witness: WitnessReport,
}

/// Why one direction changed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReasonReport {
    /// `egress` or `ingress`.
    pub direction: &'static str,
    /// Why, in words.
    pub message: String,
    /// The policy that decides, on the side on which it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyReport>,
    /// How the old side decides the witness.
    pub before: DirectionReport,
    /// How the new side does.
    pub after: DirectionReport,
}

/// One flow that changes.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WitnessReport {
    /// Its source.
    pub source: String,
    /// Its destination.
    pub destination: String,
    /// Its port.
    pub port: u16,
    /// Its protocol.
    pub protocol: &'static str,
    /// The command that explains it as it was.
    pub explain_before: String,
    /// The command that explains it as it is now.
    pub explain_after: String,
    /// More may get through than before.
    #[serde(skip)]
    opens: bool,
    /// Less may get through than before.
    #[serde(skip)]
    closes: bool,
}

impl DiffReport {
    /// Puts a difference into words and places; without reasons where a summary is enough.
    pub fn new(diff: &Diff<'_>, old: &DiffSide<'_>, new: &DiffSide<'_>, reasons: bool) -> Self {
        let sides = [old, new];
        let ends = Ends::new(diff, new.snapshot);
        let Rows { all: rows, sampled, unsure } = rows(diff, sides);
        let reporter = Reporter { ends: &ends, sides, reasons };
        let mut changes: Vec<ChangeReport> = rows.iter().map(|row| reporter.change(row)).collect();
        changes.sort_by(|a, b| {
            let key = |change: &ChangeReport| {
                let rank = ["Opened", "Closed", "Conditions"]
                    .iter()
                    .position(|word| *word == change.change);
                (rank.unwrap_or(3), change.from.label.clone(), change.to.label.clone())
            };
            key(a).cmp(&key(b)).then_with(|| a.ports.cmp(&b.ports))
        });
        let count = |word| changes.iter().filter(|change| change.change == word).count();
        let [old_side, new_side] = reporter.only_on_one(diff);
        let mut notes = words::enforcement(new.rules);
        notes.extend(reporter.not_compared(diff));
        if sampled {
            notes.push(
                "there are many changes: reasons are those of one flow of each group".to_owned(),
            );
        }
        let summary = DiffSummary {
            opened: count("Opened"),
            closed: count("Closed"),
            conditions: count("Conditions"),
            unknown: count("Unknown"),
            came: new_side.only_here.len(),
            went: old_side.only_here.len(),
            unread: sides.iter().map(|side| side.snapshot.gaps.len()).sum(),
        };
        let mut warnings = warnings(sides);
        warnings.extend(unsure.then(|| {
            Warning {
                message:
                    "too many flows pass on a condition to compare it for each: some may pass on \
                      another one than before"
                        .to_owned(),
                location: None,
            }
        }));
        Self {
            api_version: API_VERSION,
            kind: "Diff",
            old: old_side,
            new: new_side,
            summary,
            changes,
            notes,
            warnings,
            unsure,
        }
    }

    /// Whether something opens, or may.
    pub fn opens(&self) -> bool {
        self.unsure || self.changes.iter().any(|change| change.witness.opens)
    }

    /// Whether something closes, or may.
    pub fn closes(&self) -> bool {
        self.unsure || self.changes.iter().any(|change| change.witness.closes)
    }
}

struct Reporter<'a> {
    ends: &'a Ends<'a>,
    sides: [&'a DiffSide<'a>; 2],
    reasons: bool,
}

impl Reporter<'_> {
    fn change(&self, row: &Row) -> ChangeReport {
        let [old, new] = self.sides;
        let cases = [row.witness.case(old, false), row.witness.case(new, true)];
        let reasons = if self.reasons {
            let [before, after] = [(old, &cases[0]), (new, &cases[1])]
                .map(|(side, case)| flow_report(side.snapshot, side.rules, side.locate, case));
            let reason = |cause: &cause::Cause| {
                let (mut before, mut after) = match cause.direction {
                    Direction::Egress => (before.egress.clone(), after.egress.clone()),
                    Direction::Ingress => (before.ingress.clone(), after.ingress.clone()),
                };
                let (message, policy) = cause.told(&before, &after);
                let policies = before.policies.iter_mut().chain(&mut after.policies);
                // What every other rule says is for explain to tell.
                policies.for_each(|policy| policy.rules.clear());
                let policy = policy.map(|policy| PolicyReport { rules: Vec::new(), ..policy });
                let direction = cause.direction.as_str();
                ReasonReport { direction, message, policy, before, after }
            };
            row.causes.iter().map(reason).collect()
        } else {
            Vec::new()
        };
        let flow = &cases[1].flow;
        let [source, destination] = [&flow.source, &flow.destination]
            .map(|endpoint| names::endpoint(new.snapshot, endpoint));
        let [explain_before, explain_after] =
            [(old, &cases[0]), (new, &cases[1])].map(|(side, case)| {
                let [source, destination] = [&case.flow.source, &case.flow.destination]
                    .map(|endpoint| names::endpoint(side.snapshot, endpoint));
                let command = explain(side.arguments, &source, &destination, row.witness.port);
                piped(side.piped_from, command)
            });
        let [from, to] = self.ends.report(&row.sources, &row.destinations, row.family);
        ChangeReport {
            change: match (row.to, row.to.cmp(&row.from)) {
                (Passage::Unknown, _) => "Unknown",
                (_, Ordering::Greater) => "Opened",
                (_, Ordering::Less) => "Closed",
                (_, Ordering::Equal) => "Conditions",
            },
            before: row.from.as_str(),
            after: row.to.as_str(),
            from,
            to,
            ports: ranges(&row.ports),
            ports_label: ports_label(&row.ports),
            family: row.family.map(|family| family.to_string()),
            reasons,
            witness: WitnessReport {
                source,
                destination,
                port: row.witness.port.number,
                protocol: row.witness.port.protocol.as_str(),
                explain_before,
                explain_after,
                opens: row.to >= row.from,
                closes: row.to <= row.from,
            },
        }
    }

    /// What only one side has.
    fn only_on_one(&self, diff: &Diff<'_>) -> [SideReport; 2] {
        let known = |side: &DiffSide<'_>| -> BTreeSet<ObjectRef> {
            let pods = side.snapshot.pods().iter().enumerate();
            let pods = pods.filter(|(_, pod)| !pod.finished).map(|(id, _)| End::Pod(id));
            let nodes = (0..side.snapshot.nodes.len()).map(End::Node);
            pods.chain(nodes).filter_map(|end| known_as(side.snapshot, end)).collect()
        };
        let all = self.sides.map(known);
        let namespaces = self.sides.map(|side| {
            let names = side.snapshot.namespaces().map(|namespace| namespace.name.to_string());
            names.collect::<BTreeSet<_>>()
        });
        let ends = [&diff.gone, &diff.came];
        [0, 1].map(|i| {
            let here = ends[i].iter().filter_map(|end| known_as(self.sides[i].snapshot, *end));
            let here: BTreeSet<ObjectRef> = here.filter(|o| !all[1 - i].contains(o)).collect();
            SideReport {
                name: self.sides[i].name.to_owned(),
                only_here: here.iter().map(MemberReport::of).collect(),
                namespaces: namespaces[i].difference(&namespaces[1 - i]).cloned().collect(),
            }
        })
    }

    /// Workloads that both sides have, but with other pods, so that none is compared.
    fn not_compared(&self, diff: &Diff<'_>) -> Vec<String> {
        let known = |side: usize, ends: &[End]| -> BTreeSet<ObjectRef> {
            ends.iter().filter_map(|end| known_as(self.sides[side].snapshot, *end)).collect()
        };
        let compared: BTreeSet<&ObjectRef> = self.ends.everyone().collect();
        let (gone, came) = (known(0, &diff.gone), known(1, &diff.came));
        let both = gone.intersection(&came).filter(|object| !compared.contains(object));
        let names: Vec<String> = both.map(ToString::to_string).collect();
        let [old, new] = self.sides.map(|side| side.name);
        let note = || {
            let names = words::list(&names, "and");
            format!("not compared, since {old} and {new} have other pods of it: {names}")
        };
        if names.is_empty() { Vec::new() } else { vec![note()] }
    }
}

/// The command that explains one flow.
fn explain(arguments: &[String], source: &str, destination: &str, port: Port) -> String {
    let suffix = match port.protocol {
        Protocol::Tcp => String::new(),
        other => format!("/{other}"),
    };
    let destination = match destination.parse::<std::net::Ipv6Addr>() {
        Ok(ip) => format!("[{ip}]:{}{suffix}", port.number),
        Err(_) => format!("{destination}:{}{suffix}", port.number),
    };
    let mut words: Vec<String> = ["kubectl", "netpol", "explain"].map(Into::into).into();
    words.extend(arguments.iter().map(|word| quoted(word)));
    if source.starts_with('-') {
        words.push("--".to_owned());
    }
    words.extend([quoted(source), quoted(&destination)]);
    words.join(" ")
}

/// A command that reads what another one prints.
fn piped(from: &[String], command: String) -> String {
    if from.is_empty() {
        return command;
    }
    let words: Vec<String> = from.iter().map(|word| quoted(word)).collect();
    format!("{} | {command}", words.join(" "))
}

/// A word as a shell takes it back, whatever is in it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,@%+=[]~".contains(c);
    let odd_start = word.starts_with(['~', '[', '=']);
    if !word.is_empty() && !odd_start && word.chars().all(plain) && !word.contains('[') {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn ranges(ports: &PortSet) -> Vec<String> {
    ports.ranges().map(|(protocol, range)| format!("{range}/{protocol}")).collect()
}

/// Ports in words: as they are, or all but a few.
fn ports_label(ports: &PortSet) -> String {
    if ports.is_all() {
        return "every port".to_owned();
    }
    let missing = PortSet::all().difference(ports);
    if missing.ranges().len() < ports.ranges().len() {
        return format!("every port but {}", words::list(&ranges(&missing), "and"));
    }
    let all = ports.ranges().map(|(protocol, range)| {
        if (range.first, range.last) == (1, u16::MAX) {
            format!("every {protocol} port")
        } else {
            format!("{range}/{protocol}")
        }
    });
    all.collect::<Vec<_>>().join(", ")
}

/// Policies that are refused, and what was not read, of either side; and what the change brings that
/// does not do what it seems to.
fn warnings(sides: [&DiffSide<'_>; 2]) -> Vec<Warning> {
    let mut all: Vec<(String, Option<Location>, Vec<&str>)> = Vec::new();
    let mut tell = |message: String, location, name| match all
        .iter_mut()
        .find(|(known, ..)| *known == message)
    {
        Some((.., names)) if !names.contains(&name) => names.push(name),
        Some(_) => {}
        None => all.push((message, location, vec![name])),
    };
    let [old, new] = sides;
    let known: BTreeSet<String> =
        old.rules.lints.iter().flat_map(sentences).map(|(message, _)| message).collect();
    for side in sides {
        let lints: &[Remark] = if std::ptr::eq(side, new) { &side.rules.lints } else { &[] };
        for remark in side.rules.rejected.iter().chain(lints) {
            for (message, path) in sentences(remark) {
                if remark.refused_by.is_none() && known.contains(&message) {
                    continue;
                }
                tell(message, (side.locate)(&remark.origin, path), side.name);
            }
        }
        for gap in &side.snapshot.gaps {
            tell(format!("not read: {}: {}", gap.what, gap.why), None, side.name);
        }
    }
    let warnings = all.into_iter().map(|(message, location, names)| {
        let message = match names.as_slice() {
            [one] => format!("in {one}: {message}"),
            _ => message,
        };
        Warning { message, location }
    });
    warnings.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use netpol::cluster::PortRange;

    #[test]
    fn ports_in_words() {
        let range = |first, last| (Protocol::Tcp, PortRange { first, last });
        let tcp = |ranges: &[(u16, u16)]| PortSet::of(ranges.iter().map(|(a, b)| range(*a, *b)));
        for (ports, label) in [
            (PortSet::all(), "every port"),
            (tcp(&[(80, 80), (443, 443)]), "80/TCP, 443/TCP"),
            (tcp(&[(1, u16::MAX)]), "every TCP port"),
            (PortSet::all().difference(&tcp(&[(8080, 8080)])), "every port but 8080/TCP"),
        ] {
            assert_eq!(ports_label(&ports), label);
        }
    }

    /// What a file says never runs in the shell that a command is pasted to.
    #[test]
    fn commands_are_quoted() {
        let arguments = ["-f".to_owned(), "it's; here".to_owned()];
        let port = Port { protocol: Protocol::Udp, number: 53 };
        assert_eq!(
            explain(&arguments, "a/deploy/$(id)", "2001:db8::7", port),
            r"kubectl netpol explain -f 'it'\''s; here' 'a/deploy/$(id)' '[2001:db8::7]:53/UDP'"
        );
        assert_eq!(
            explain(&[], "-x/deploy/a", "b/deploy/c", Port::tcp(80)),
            "kubectl netpol explain -- -x/deploy/a b/deploy/c:80"
        );
        let build = ["flux", "build", "a b"].map(ToOwned::to_owned);
        assert_eq!(piped(&build, "c".to_owned()), "flux build 'a b' | c");
        assert_eq!(piped(&[], "c".to_owned()), "c");
    }
}
