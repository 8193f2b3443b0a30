//! Puts what became of tests into words and places.
//!
//! In: tests with what was judged of them, the snapshot, to which pods of witnesses are added, and its rules. Out:
//! an [`IntentReport`]. Each witness is judged once more, by itself, and has to come out as it was found.

use super::words::{rule_words, says, scope_words};
use super::{IntentReport, TestCounts, TestOpen, TestReport, TestStep, TestWitness};
use crate::answer::command;
use crate::answer::end::EndReport;
use crate::answer::explaining::flow_report;
use crate::answer::explanation::FlowReport;
use crate::answer::list::FlowPorts;
use crate::answer::missing::{ACCEPT_UNREAD, is_empty, missing};
use crate::answer::place::{Locate, Location};
use crate::answer::vocabulary::{ApiVersion, Because, TestOutcome, TestReportKind};
use crate::answer::{warnings, words as sentences};
use crate::cluster::{ObjectRef, PodId, Port, Snapshot, Truth};
use crate::ends::{EndName, Endpoint, Named, PortText, PortWanted, Resolved, names};
use crate::intent::{Asks, Holds, Judged, Test, Witness};
use crate::policy::Ruleset;
use crate::policy::rule::Direction;
use crate::prose;
use crate::reach::PortSet;
use crate::unwritten::WitnessFlow;
use crate::verdict::{self, Question, Verdict};

/// Tests with their places, and how what was read is read again.
#[derive(Clone, Copy, Debug)]
pub struct IntentAsked<'a> {
    /// The tests, with where each is written and what became of it.
    pub tests: &'a [(Test, Location, Judged)],
    /// The words by which `explain` reads what was read.
    pub arguments: &'a [String],
    /// The namespace of names that come without one.
    pub namespace: &'a str,
    /// How the input was understood.
    pub notes: &'a [String],
}

/// Source: docs/semantics/kubernetes.md#exemptions.
const EXEMPT: &str = "Left out is what no policy judges: a pod to itself, and, of anyone and of pods nobody has written, a node \
     to the pods on it, and these to it where that is not defined";

impl IntentReport {
    /// Puts what became of tests into words and places. Pods of witnesses that nobody has written are
    /// added to the snapshot.
    pub fn new(
        snapshot: &mut Snapshot,
        rules: &Ruleset,
        asked: IntentAsked<'_>,
        locate: &Locate<'_>,
    ) -> Self {
        let nothing = is_empty(snapshot, rules);
        let missing = missing(snapshot, rules, None, nothing);
        // What was not read may have a policy that decides, for all that is known.
        let undecided = missing.first().map(|it| {
            if it.decides() {
                return it.message.clone();
            }
            format!("not all of the input was read: {}; {ACCEPT_UNREAD}", it.message)
        });
        let mut told = warnings::remarks(rules, |_| true, locate);
        told.extend(warnings::gaps(snapshot));
        let mut reporter = Reporter { snapshot, rules, asked, locate };
        let tests: Vec<TestReport> = asked
            .tests
            .iter()
            .map(|(test, location, judged)| {
                let mut report = reporter.test(test, location, judged);
                if let Some(why) =
                    undecided.as_ref().filter(|_| report.outcome == TestOutcome::Proved)
                {
                    report.outcome = TestOutcome::NotKnown;
                    report.message = Some(why.clone());
                }
                report
            })
            .collect();
        let count = |outcome| tests.iter().filter(|test| test.outcome == outcome).count();
        let mut notes = sentences::enforcement(rules);
        notes.extend(asked.notes.iter().cloned());
        notes.push(EXEMPT.to_owned());
        Self {
            api_version: ApiVersion,
            kind: TestReportKind,
            summary: TestCounts {
                proved: count(TestOutcome::Proved),
                broken: count(TestOutcome::Broken),
                not_known: count(TestOutcome::NotKnown),
            },
            tests,
            complete: missing.is_empty(),
            missing,
            notes,
            warnings: told,
        }
    }
}

struct Reporter<'a> {
    snapshot: &'a mut Snapshot,
    rules: &'a Ruleset,
    asked: IntentAsked<'a>,
    locate: &'a Locate<'a>,
}

impl Reporter<'_> {
    fn test(&mut self, test: &Test, location: &Location, judged: &Judged) -> TestReport {
        let mut report = TestReport {
            name: test.name.clone(),
            asks: test.asks.as_str().to_owned(),
            says: says(&test.asks),
            outcome: judged.holds.into(),
            scope: test.scope,
            scope_words: scope_words(test).to_owned(),
            reason: test.reason.clone(),
            message: judged.why.clone(),
            witness: None,
            open: None,
            way: Vec::new(),
            mend: Vec::new(),
            notes: judged.notes.clone(),
            location: location.clone(),
        };
        let sure = judged.holds == Holds::Broken;
        match &judged.witness {
            None => {}
            Some(Witness::Flow(flow, pass)) => self.flow(&mut report, judged, flow, *pass),
            Some(Witness::Open(end, direction)) => {
                let end = end.add_to(self.snapshot);
                let pod = names::endpoint(self.snapshot, &end);
                let called = EndReport::endpoint(self.snapshot, &end);
                report.message = Some(if sure {
                    format!("no policy isolates {direction} of {pod}")
                } else {
                    format!("whether a policy isolates {direction} of {pod} is not known")
                });
                if sure {
                    report.mend.push(format!(
                        "a policy that selects every pod there closes it: kubectl netpol bootstrap \
                         writes one, with --deny {direction}"
                    ));
                }
                report.open = Some(TestOpen { pod, end: called, direction: *direction });
            }
            Some(Witness::Way(steps)) => self.way(&mut report, test, steps, sure),
            Some(Witness::Single(source, to, port)) => {
                self.single(&mut report, judged, source, to, *port);
            }
        }
        report
    }

    /// A flow with the rules of both its sides.
    fn flow(&mut self, report: &mut TestReport, judged: &Judged, flow: &WitnessFlow, pass: bool) {
        let ends = flow.ends.each_ref().map(|end| end.add_to(self.snapshot));
        let [source, destination] = ends.each_ref().map(|end| names::endpoint(self.snapshot, end));
        let question = ends.each_ref().map(|end| self.found(end));
        let wanted = wanted(flow.port);
        let asked = Question {
            source: &question[0],
            destination: &question[1],
            port: Some(&wanted),
            namespace: self.asked.namespace,
        };
        let port = flow.port;
        let explained = verdict::explain(self.snapshot, self.rules, &asked).ok();
        let verdict = explained.as_ref().and_then(verdict::Explanation::verdict);
        let against = if pass { Verdict::Allowed } else { Verdict::Denied };
        // Judged by itself it has to come out as it was found.
        if verdict == Some(against) && !judged.on_condition {
            report.outcome = TestOutcome::NotKnown;
            report.message = Some(format!(
                "{source} → {destination} on {port} is {} when it is judged by itself, and was found to be \
                 otherwise",
                against.as_str().to_lowercase()
            ));
        } else {
            // As when an ambient mesh may carry it.
            if verdict == Some(Verdict::Unknown) && !judged.on_condition {
                report.outcome = TestOutcome::NotKnown;
            }
            let sure = report.outcome == TestOutcome::Broken;
            report.message = Some(match (pass, sure) {
                (true, true) if judged.on_condition => {
                    format!("{source} reaches {destination} on {port} only on a condition")
                }
                (true, true) => format!("{source} does not reach {destination} on {port}"),
                (false, true) => format!("{source} reaches {destination} on {port}"),
                (_, false) => {
                    format!("whether {source} reaches {destination} on {port} is not known")
                }
            });
        }
        let flows: Vec<FlowReport> = explained
            .iter()
            .flat_map(|explained| &explained.cases)
            .map(|case| flow_report(self.snapshot, self.rules, self.locate, case))
            .collect();
        let [from, to] = ends.each_ref().map(|end| names::asked(self.snapshot, end));
        let explain = command::explain(self.asked.arguments, &from, &to, Some(port));
        if report.outcome == TestOutcome::Broken {
            report.mend = if pass {
                let suggested = explained.as_ref().map(|explained| {
                    verdict::suggest(self.snapshot, self.rules, &asked, explained, None)
                });
                match suggested {
                    Some(Ok(all)) if !all.is_empty() => {
                        vec![
                            "add --suggest to that command for the smallest policies that allow it"
                                .to_owned(),
                        ]
                    }
                    _ => Vec::new(),
                }
            } else {
                narrow(&flows)
            };
        }
        report.witness = Some(TestWitness {
            source,
            destination,
            ends: ends.each_ref().map(|end| EndReport::endpoint(self.snapshot, end)),
            port: Some(port.number),
            protocol: Some(port.protocol),
            explain,
            flows,
        });
    }

    fn single(
        &mut self,
        report: &mut TestReport,
        judged: &Judged,
        source: &Endpoint,
        to: &str,
        port: Option<Port>,
    ) {
        let source_name = names::endpoint(self.snapshot, source);
        let pass = matches!(report.asks.as_str(), "allow" | "dns");
        let on = port.map_or(String::new(), |port| format!(" on {port}"));
        report.message = Some(if pass && judged.on_condition {
            format!("{source_name} reaches {to}{on} only on a condition")
        } else if pass {
            format!("{source_name} does not reach {to}{on}")
        } else {
            format!("{source_name} reaches {to}{on}")
        });
        let question = self.found(source);
        let mut flows = Vec::new();
        if let Ok(destination) = to.parse::<EndName>() {
            let wanted = port.map(wanted).filter(|_| destination.port.is_none());
            let asked = Question {
                source: &question,
                destination: &destination,
                port: wanted.as_ref(),
                namespace: self.asked.namespace,
            };
            let explained = verdict::explain(self.snapshot, self.rules, &asked).ok();
            let cases = explained.iter().flat_map(|explained| &explained.cases);
            flows = cases
                .map(|case| flow_report(self.snapshot, self.rules, self.locate, case))
                .collect();
        }
        let from = names::asked(self.snapshot, source);
        let explain = command::explain_end(self.asked.arguments, &from, to);
        report.witness = Some(TestWitness {
            source: source_name,
            destination: to.to_owned(),
            ends: [EndReport::endpoint(self.snapshot, source), EndReport::called(to, None)],
            port: port.map(|port| port.number),
            protocol: port.map(|port| port.protocol),
            explain,
            flows,
        });
    }

    fn way(
        &mut self,
        report: &mut TestReport,
        test: &Test,
        steps: &[(Vec<PodId>, PortSet, Option<String>)],
        sure: bool,
    ) {
        report.way = steps
            .iter()
            .map(|(pods, ports, by)| TestStep {
                to: self.pods(pods),
                end: self.first(pods),
                ports: ports
                    .ranges()
                    .map(|(protocol, range)| FlowPorts {
                        protocol,
                        port: range.first,
                        end_port: (range.last != range.first).then_some(range.last),
                    })
                    .collect(),
                any_port: ports.is_all(),
                by: by.clone(),
            })
            .collect();
        let last = report.way.last().map_or("nobody", |step| &step.to).to_owned();
        let by = report.way.first().and_then(|step| step.by.clone());
        let from = match (&by, &test.asks) {
            (Some(_), _) | (None, Asks::Exposed { .. }) => "the internet".to_owned(),
            (None, _) => report.way.first().map_or(String::new(), |step| step.to.clone()),
        };
        let hops = report.way.len() - usize::from(by.is_none() && !report.way.is_empty());
        let s = if hops == 1 { "" } else { "s" };
        let verb = if sure { "gets" } else { "perhaps gets" };
        report.message = Some(format!("{from} {verb} to {last} by {hops} hop{s}"));
        report.mend = match &test.asks {
            Asks::Unreachable { from, to, .. } if sure => {
                match (from.ends.as_slice(), to.ends.as_slice()) {
                    ([from], [to]) => vec![format!(
                        "{} tells what cuts every way",
                        command::reach(self.asked.arguments, &from.text, &to.text)
                    )],
                    _ => Vec::new(),
                }
            }
            _ => Vec::new(),
        };
    }

    /// The workload of the first of some pods, in the order of their names.
    fn first(&self, pods: &[PodId]) -> Option<EndReport> {
        let ends = pods.iter().map(|id| EndReport::endpoint(self.snapshot, &Endpoint::Pod(*id)));
        ends.min_by(|a, b| a.label.cmp(&b.label))
    }

    /// The workload of some pods, or the first of several.
    fn pods(&self, pods: &[PodId]) -> String {
        let mut all: Vec<String> = pods
            .iter()
            .map(|id| names::workload(self.snapshot, self.snapshot.pod(*id)).to_string())
            .collect();
        all.sort();
        all.dedup();
        match all.as_slice() {
            [] => "nobody".to_owned(),
            [one] => one.clone(),
            [one, rest @ ..] => format!("{one} and {} more", rest.len()),
        }
    }

    /// An end of a flow as one that was looked up.
    fn found(&self, end: &Endpoint) -> EndName {
        let object: Option<ObjectRef> = end.pod().map(|id| self.snapshot.pod(id).object());
        let resolved = Resolved {
            object: object
                .filter(|_| end.pod().is_some_and(|id| self.snapshot.representative(id).is_none())),
            label: names::endpoint(self.snapshot, end),
            service: None,
            endpoints: vec![end.clone()],
            ways: Vec::new(),
            notes: Vec::new(),
        };
        EndName { names: Named::Found(Box::new(resolved)), port: None, path: None }
    }
}

fn wanted(port: Port) -> PortWanted {
    PortWanted { port: PortText::Number(port.number), protocol: Some(port.protocol) }
}

/// The rules that let a flow through, as what is to be made narrower; where nothing isolates a side, that.
fn narrow(flows: &[FlowReport]) -> Vec<String> {
    let Some(flow) = flows.iter().find(|flow| flow.verdict == Verdict::Allowed) else {
        return Vec::new();
    };
    // Source: docs/semantics/kubernetes.md#own-node-to-pod.
    if flow.ingress.reason == Because::OwnNode {
        return vec![format!(
            "no policy keeps a node from the pods on it: have {} elsewhere, or take it out with except",
            flow.egress.subject
        )];
    }
    let mut rules = Vec::new();
    let mut open = Vec::new();
    for (way, direction) in [(Direction::Egress, &flow.egress), (Direction::Ingress, &flow.ingress)]
    {
        match direction.policies.first().filter(|_| direction.reason == Because::Admitted) {
            Some(policy) => rules.push(rule_words(policy)),
            None if direction.isolated == Truth::No && direction.reason != Because::Outside => {
                open.push(format!("{way} of {}", direction.subject));
            }
            None => {}
        }
    }
    let mut mend = Vec::new();
    if !rules.is_empty() {
        mend.push(format!("make {} narrower", prose::list(&rules, "or")));
    }
    if !open.is_empty() {
        mend.push(format!("close {}, which no policy isolates", prose::list(&open, "or")));
    }
    mend
}
