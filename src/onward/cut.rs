//! Which few changes of policies would cut every way to an end.
//!
//! In: where ways begin and end. Out: [`Cuts`]. Of each way that is left, some hop must be closed: by taking
//! out a rule that admits it at one of its ports, or by closing an end that nothing isolates. So trying
//! these on a shortest way, and again on what is left after each, finds the smallest set there is; each
//! set is judged anew with all it changes, and one that opens anything is none.

use super::{From, Onward, Place, Reached, onward};
use crate::cluster::{Family, ObjectRef, Origin, PodId, Port, Selector, Snapshot};
use crate::effort::{Effort, TooMuch};
use crate::ends::Endpoint;
use crate::policy::rule::{Action, Direction, Namespaces, PodSet, Policy, Tier};
use crate::policy::{PolicyId, Ruleset};
use crate::reach::diff;
use crate::verdict::{Flow, Trace, Verdict, judge};
use std::collections::BTreeSet;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// A rule is taken out, and its policy isolates as before.
    Without {
        /// The policy.
        policy: PolicyId,
        /// Which of its rules.
        entry: usize,
    },
    /// A policy selects the labels of a pod and lets nothing through in this direction.
    Close {
        /// The pod.
        pod: PodId,
        /// Out of it.
        egress: bool,
    },
}

impl Change {
    /// Makes the change.
    pub fn apply(&self, snapshot: &Snapshot, rules: &mut Ruleset) {
        match self {
            Self::Without { policy, entry } => rules.silence(*policy, *entry),
            Self::Close { pod, egress } => rules.add_policy(closing(snapshot, *pod, *egress)),
        }
    }
}

/// Changes that together cut every way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The changes.
    pub changes: Vec<Change>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cuts {
    /// Sets of changes of one size, the first that were found. No smaller set of such changes cuts every
    /// way: all were tried.
    pub found: Vec<Cut>,
    /// How many sets were tried.
    pub tried: usize,
}

/// So many changes at most are told together: more is no advice.
const MOST_CHANGES: usize = 3;
/// So many sets are tried, of large clusters fewer: each is all flows worked out anew.
const MOST_TRIED: usize = 200;
const LEAST_TRIED: usize = 6;
/// Pods times sets.
const MOST_PODS: usize = 1_000_000;
/// So many sets are told.
const MOST_TOLD: usize = 3;

/// Finds sets of changes that cut every way from where it begins to these pods, possible ones included.
///
/// Errors: the engine takes more than is allowed.
pub fn cuts(
    snapshot: &Snapshot,
    rules: &Ruleset,
    from: &From,
    to: &[PodId],
    effort: Effort,
) -> Result<Cuts, TooMuch> {
    let most = MOST_PODS / snapshot.pods().len().max(1);
    let most = most.clamp(LEAST_TRIED, MOST_TRIED);
    let mut search =
        Search { snapshot, before: rules, from, to, effort, most, cuts: Cuts::default() };
    let found = onward(snapshot, rules, from, usize::MAX, effort)?;
    if search.reached(&found).is_none() {
        return Ok(search.cuts);
    }
    for size in 1..=MOST_CHANGES {
        let mut seen = BTreeSet::new();
        search.deepen(rules, &mut Vec::new(), size, &mut seen)?;
        if !search.cuts.found.is_empty() || search.cuts.tried >= most {
            break;
        }
    }
    Ok(search.cuts)
}

struct Search<'a> {
    snapshot: &'a Snapshot,
    before: &'a Ruleset,
    from: &'a From,
    to: &'a [PodId],
    effort: Effort,
    /// So many sets are tried.
    most: usize,
    cuts: Cuts,
}

impl Search<'_> {
    /// Tries every set of changes of one size that cuts the ways found so far.
    fn deepen(
        &mut self,
        rules: &Ruleset,
        chosen: &mut Vec<Change>,
        left: usize,
        seen: &mut BTreeSet<BTreeSet<Change>>,
    ) -> Result<(), TooMuch> {
        if self.cuts.found.len() >= MOST_TOLD {
            return Ok(());
        }
        if self.cuts.tried >= self.most {
            return Ok(());
        }
        self.cuts.tried += 1;
        let found = onward(self.snapshot, rules, self.from, usize::MAX, self.effort)?;
        let Some(place) = self.reached(&found) else {
            if !chosen.is_empty() && self.opens_nothing(rules)? {
                let mut changes = chosen.clone();
                changes.sort();
                let cut = Cut { changes };
                if !self.cuts.found.contains(&cut) {
                    self.cuts.found.push(cut);
                }
            }
            return Ok(());
        };
        if left == 0 {
            return Ok(());
        }
        for change in self.candidates(rules, &found, place) {
            chosen.push(change.clone());
            let set: BTreeSet<Change> = chosen.iter().cloned().collect();
            if set.len() == chosen.len() && seen.insert(set) {
                let mut after = rules.clone();
                change.apply(self.snapshot, &mut after);
                self.deepen(&after, chosen, left - 1, seen)?;
            }
            chosen.pop();
        }
        Ok(())
    }

    /// The nearest of the classes that ways lead to.
    fn reached(&self, found: &Onward) -> Option<Place> {
        let is = |it: &Reached| it.hops > 0 && it.pods.iter().any(|id| self.to.contains(id));
        let all = found.reached().filter(|(_, it, _)| is(it));
        all.min_by_key(|(_, it, _)| it.hops).map(|(place, ..)| place)
    }

    /// What may close a hop of the way: whatever cuts it is among these.
    fn candidates(&self, rules: &Ruleset, found: &Onward, place: Place) -> Vec<Change> {
        let mut all: Vec<Change> = Vec::new();
        let mut closing: Vec<Change> = Vec::new();
        let mut before: Option<PodId> = None;
        for reached in found.way(place) {
            let to = reached.pods.iter().find(|id| Some(**id) != before).or(reached.pods.first());
            let Some(to) = to.copied() else { continue };
            let source = before.map(Endpoint::Pod).or_else(|| reached.sender.clone());
            before = reached.pods.first().copied();
            let (Some(source), Some(port)) = (source, port_of(reached)) else { continue };
            for family in Family::ALL {
                let flow = Flow {
                    source: source.clone(),
                    destination: Endpoint::Pod(to),
                    port,
                    family,
                    through_service: false,
                };
                let judged = judge(self.snapshot, rules, &flow);
                if judged.verdict == Verdict::Denied {
                    continue;
                }
                for (trace, subject) in
                    [(&judged.egress, &flow.source), (&judged.ingress, &flow.destination)]
                {
                    for change in admitting(trace) {
                        if !all.contains(&change) {
                            all.push(change);
                        }
                    }
                    let egress = trace.direction == Direction::Egress;
                    let open = !trace.policies.iter().any(|policy| policy.isolates);
                    if let Endpoint::Pod(pod) = subject
                        && open
                        && !self.snapshot.pod(*pod).host_network
                    {
                        let change = Change::Close { pod: *pod, egress };
                        if !closing.contains(&change) {
                            closing.push(change);
                        }
                    }
                }
            }
        }
        all.extend(closing);
        all
    }

    fn opens_nothing(&self, after: &Ruleset) -> Result<bool, TooMuch> {
        let diff = diff((self.snapshot, self.before), (self.snapshot, after), self.effort)?;
        Ok(diff.changes().iter().all(|change| change.to <= change.from))
    }
}

/// A policy that closes the pods with the labels of one.
fn closing(snapshot: &Snapshot, pod: PodId, egress: bool) -> Policy {
    let pod = snapshot.pod(pod);
    let labels = Selector::labels(pod.labels.iter());
    Policy {
        object: ObjectRef::namespaced("NetworkPolicy", pod.namespace.clone(), "cut"),
        origin: Origin::Synthetic,
        direction: if egress { Direction::Egress } else { Direction::Ingress },
        tier: Tier::Normal,
        subject: PodSet::new(Namespaces::Own(pod.namespace.clone()), labels),
        isolates: true,
        entries: Vec::new(),
    }
}

/// The rules that admit a flow, or may: of all but these none need go for it to be closed.
fn admitting(trace: &Trace) -> Vec<Change> {
    let each = trace.policies.iter().flat_map(|policy| {
        let entries = policy.entries.iter().enumerate();
        let admits = entries.filter(|(_, it)| it.action != Action::Deny && !it.matches().is_no());
        admits.map(|(entry, _)| Change::Without { policy: policy.policy, entry })
    });
    each.collect()
}

/// A port of the last hop.
fn port_of(reached: &Reached) -> Option<Port> {
    let (protocol, range) = reached.ports.ranges().next()?;
    Some(Port { protocol, number: range.first })
}
