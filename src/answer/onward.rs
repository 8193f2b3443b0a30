//! The answer of `reach` as a versioned type: how far one gets from somewhere, and what would cut it.
//!
//! In: what [`onward`](crate::onward) found, with the snapshot and rules that it speaks of. Out: an
//! [`OnwardReport`], complete without any of them.

use super::end::EndReport;
use super::list::FlowPorts;
use super::missing::MissingReport;
use super::missing::{is_empty, missing};
use super::place::{Locate, Location};
use super::vocabulary::{ApiVersion, CutKind, OnwardKind, Outcome};
use super::warnings::{self, Warning};
use super::words;
use crate::cluster::{PodId, Snapshot};
use crate::ends::names;
use crate::onward::{Change, Cuts, From, Onward, Place, Reached};
use crate::policy::Ruleset;
use crate::reach::PortSet;
use crate::unwritten::Unwritten;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The answer of `reach`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OnwardReport {
    /// Always `netpol/v1alpha1`.
    pub api_version: ApiVersion,
    /// Always `Reach`.
    pub kind: OnwardKind,
    /// Where it begins.
    pub from: EndReport,
    /// Where it is to lead, where that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<EndReport>,
    /// Pods that are written nowhere are steps, too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub representatives: bool,
    /// The most hops that were gone; absent where there was no end to them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_hops: Option<usize>,
    /// Everyone who is reached, nearest first; with `to` only that.
    pub reached: Vec<ReachedReport>,
    /// With `to`: sets of changes, each of which cuts every way there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cuts: Vec<CutReport>,
    /// No smaller set of such changes cuts every way: all were tried.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub smallest: bool,
    /// Whether everything was looked at, so that who is not told is not reached.
    pub complete: bool,
    /// What was not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingReport>,
    /// How to read it, and how the question was understood.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What could make the answer wrong: policies that would be refused, input that was not read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// A workload that is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReachedReport {
    /// `Allowed`, or `Unknown` where some hop is not known to be.
    pub verdict: Outcome,
    /// Who it is.
    pub end: EndReport,
    /// By how many hops at the least.
    pub hops: usize,
    /// Only some of its pods are reached.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub in_part: bool,
    /// A shortest way.
    pub way: Vec<OnwardHop>,
}

/// One hop of a way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OnwardHop {
    /// Who opens the connection.
    pub from: String,
    /// Who takes it.
    pub to: String,
    /// The ports.
    pub ports: Vec<FlowPorts>,
    /// Whether these are all ports of all protocols.
    pub any_port: bool,
    /// Whether it is known to be allowed.
    pub certain: bool,
    /// What leads in, of a hop from outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// Changes that together cut every way.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CutReport {
    /// The changes.
    pub changes: Vec<CutChange>,
}

/// One of them.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CutChange {
    /// What is done.
    pub kind: CutKind,
    /// The same in words.
    pub words: String,
    /// The policy and rule that goes, such as `shop/netpol/web ingress[0]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Where that is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

/// What is asked of `reach`.
#[derive(Clone, Debug)]
pub struct OnwardAsked {
    /// Where it begins, as it is called.
    pub from: String,
    /// The same as pods, or from outside.
    pub starts: From,
    /// Where it is to lead, as it is called, with its pods.
    pub to: Option<(String, Vec<PodId>)>,
    /// The most hops.
    pub max_hops: Option<usize>,
    /// Pods that are written nowhere are steps, too: they are in the snapshot.
    pub representatives: bool,
    /// How the question was understood.
    pub notes: Vec<String>,
}

impl OnwardReport {
    /// Puts what was found into words and places.
    pub fn new(
        snapshot: &Snapshot,
        rules: &Ruleset,
        asked: &OnwardAsked,
        (found, cuts): (&Onward, Option<&Cuts>),
        unwritten: Option<&Unwritten>,
        locate: &Locate<'_>,
    ) -> Self {
        let reporter = Reporter { snapshot, rules, asked, found };
        let reached = reporter.reached();
        let mut missing = missing(snapshot, rules, unwritten, is_empty(snapshot, rules));
        missing.extend(found.not_known.iter().map(|why| MissingReport::given_up(why.clone())));
        let mut notes = words::enforcement(rules);
        notes.extend(asked.notes.iter().cloned());
        notes.push(if asked.representatives { ANY_STEPS } else { STEPS }.to_owned());
        if let Some(cuts) = cuts {
            notes.extend(cut_note(cuts));
        }
        let mut told = warnings::remarks(rules, |_| true, locate);
        told.extend(warnings::gaps(snapshot));
        Self {
            api_version: ApiVersion,
            kind: OnwardKind,
            from: EndReport::called(asked.from.clone(), None),
            to: asked.to.as_ref().map(|(name, _)| EndReport::called(name.clone(), None)),
            representatives: asked.representatives,
            max_hops: asked.max_hops,
            reached,
            smallest: cuts.is_some_and(|cuts| !cuts.found.is_empty()),
            cuts: cuts.map(|cuts| reporter.cuts(cuts, locate)).unwrap_or_default(),
            complete: missing.is_empty(),
            missing,
            notes,
            warnings: told,
        }
    }
}

/// Source: ours.
const STEPS: &str = "Whoever is reached is taken to go on from there; only known pods are steps, since one with any \
                     labels would join everything, and nodes and what is outside are none";

/// Source: ours.
const ANY_STEPS: &str = "Whoever is reached is taken to go on from there, pods that nobody has written too, \
                         one for each kind that rules tell apart; nodes and what is outside are no steps";

fn cut_note(cuts: &Cuts) -> Option<String> {
    if cuts.found.is_empty() && cuts.tried > 1 {
        return Some(format!(
            "{} sets of up to three changes were tried, and none of them cuts every way without opening \
             anything",
            cuts.tried - 1
        ));
    }
    None
}

/// How a workload is reached.
struct Nearest<'f> {
    end: EndReport,
    place: Place,
    reached: &'f Reached,
    certain: bool,
    pods: usize,
}

struct Reporter<'a> {
    snapshot: &'a Snapshot,
    rules: &'a Ruleset,
    asked: &'a OnwardAsked,
    found: &'a Onward,
}

impl Reporter<'_> {
    /// One for each workload, by its nearest pods.
    fn reached(&self) -> Vec<ReachedReport> {
        let mut by_workload: BTreeMap<String, Nearest<'_>> = BTreeMap::new();
        for (place, reached, certain) in self.found.reached().filter(|(_, it, _)| it.hops > 0) {
            for id in &reached.pods {
                if !self.asked.to.as_ref().is_none_or(|(_, to)| to.contains(id)) {
                    continue;
                }
                let end = self.end(*id);
                let known = by_workload.entry(end.label.clone()).or_insert_with(|| Nearest {
                    end,
                    place,
                    reached,
                    certain,
                    pods: 0,
                });
                known.pods += 1;
                if (!certain, reached.hops) < (!known.certain, known.reached.hops) {
                    (known.place, known.reached, known.certain) = (place, reached, certain);
                }
            }
        }
        let mut of_workload: BTreeMap<String, usize> = BTreeMap::new();
        for (id, pod) in self.snapshot.pods().iter().enumerate() {
            let counts = !pod.finished && self.snapshot.representative(id).is_none();
            if counts {
                *of_workload.entry(names::workload(self.snapshot, pod).to_string()).or_default() +=
                    1;
            }
        }
        let report = |(name, nearest): (String, Nearest<'_>)| ReachedReport {
            verdict: if nearest.certain { Outcome::Allowed } else { Outcome::Unknown },
            in_part: of_workload.get(&name).is_some_and(|all| nearest.pods < *all),
            end: nearest.end,
            hops: nearest.reached.hops,
            way: self.way(nearest.place),
        };
        let mut all: Vec<ReachedReport> = by_workload.into_iter().map(report).collect();
        all.sort_by(|a, b| (a.hops, &a.end.label).cmp(&(b.hops, &b.end.label)));
        all
    }

    fn way(&self, place: Place) -> Vec<OnwardHop> {
        let mut from = self.asked.from.clone();
        let mut hops = Vec::new();
        for reached in self.found.way(place) {
            let name = self.name(reached);
            if reached.hops > 0 {
                hops.push(OnwardHop {
                    from: std::mem::replace(&mut from, name),
                    to: self.name(reached),
                    ports: ports(&reached.ports),
                    any_port: reached.ports.is_all(),
                    certain: reached.certain,
                    by: reached.by.clone(),
                });
            } else {
                from = name;
            }
        }
        hops
    }

    /// The workload of a pod, or what it stands for.
    fn end(&self, id: PodId) -> EndReport {
        let pod = self.snapshot.pod(id);
        if let Some(of) = self.snapshot.representative(id) {
            return EndReport::supposed(of, None);
        }
        let object = names::workload(self.snapshot, pod);
        EndReport::of(object.to_string(), &object)
    }

    /// The workload of a place, or the first of several.
    fn name(&self, reached: &Reached) -> String {
        let mut all: Vec<String> = reached.pods.iter().map(|id| self.end(*id).label).collect();
        all.sort();
        all.dedup();
        match all.as_slice() {
            [] => "nothing".to_owned(),
            [one] => one.clone(),
            [one, rest @ ..] => format!("{one} and {} more", rest.len()),
        }
    }

    fn cuts(&self, cuts: &Cuts, locate: &Locate<'_>) -> Vec<CutReport> {
        let report = |change: &Change| match change {
            Change::Without { policy, entry } => {
                let policy = self.rules.policy(*policy);
                let path = policy.entries.get(*entry).map_or("", |entry| &*entry.path);
                let rule = format!("{} {}", policy.object, super::place::short(path));
                CutChange {
                    kind: CutKind::WithoutRule,
                    words: format!("take out {rule}, and keep the policy isolating"),
                    location: locate(&policy.origin, path),
                    rule: Some(rule),
                }
            }
            Change::Close { pod, egress } => {
                let name = names::workload(self.snapshot, self.snapshot.pod(*pod));
                let direction = if *egress { "egress" } else { "ingress" };
                CutChange {
                    kind: CutKind::Close,
                    words: format!(
                        "close {direction} of {name}, which nothing isolates, by a default deny"
                    ),
                    rule: None,
                    location: None,
                }
            }
        };
        let each = cuts.found.iter();
        each.map(|cut| CutReport { changes: cut.changes.iter().map(report).collect() }).collect()
    }
}

fn ports(set: &PortSet) -> Vec<FlowPorts> {
    let ranges = set.ranges().map(|(protocol, range)| FlowPorts {
        protocol,
        port: range.first,
        end_port: (range.last != range.first).then_some(range.last),
    });
    ranges.collect()
}
