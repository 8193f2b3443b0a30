//! Proves what tests ask, or finds the flow that breaks it.
//!
//! In: [`Question`]s. Out: a [`Judged`] each. Who reaches whom is worked out once for all of them
//! ([`reach`](crate::reach)); pods that nobody has written are asked about one question at a time
//! ([`Prover`]), within one number of steps. Proved is only what was decided for everyone that the scope
//! has: whatever was not known, not read or given up makes it not known, with the reason.

use super::file::Test;
use super::known::{Classes, Known};
use super::questions::{Flows, Question, Refusal, Set};
use super::regions::Part;
use super::words::TestScope;
use crate::cluster::{Family, PodId, Port, Snapshot};
use crate::effort::{Effort, TooMuch};
use crate::ends::{End, Endpoint};
use crate::onward::Onward;
use crate::policy::Ruleset;
use crate::policy::rule::{Action, Direction, PortMatch, Ports};
use crate::reach::{Asked, Connectivity, Level, PortSet};
use crate::unwritten::{Kinds, Places, Proof, Prover, Within, WitnessEnd, WitnessFlow};
use crate::verdict::{Flow, Passage, has_mesh, judge};
use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::rc::Rc;

/// Whether what a test asks holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holds {
    /// It was proved.
    Proved,
    /// It is not known.
    NotKnown,
    /// A flow breaks it.
    Broken,
}

/// What shows that something is so, or may be.
#[derive(Clone, Debug, PartialEq)]
pub enum Witness {
    /// A flow, and whether it was to pass.
    Flow(Box<WitnessFlow>, bool),
    /// A pod that policies do not isolate in a direction.
    Open(WitnessEnd, Direction),
    /// A way from pod to pod, or from outside: each step with its ports and what leads in.
    Way(Vec<(Vec<PodId>, PortSet, Option<String>)>),
    /// A flow to a name outside, or by a way in: the source, the destination as asked, and its port.
    Single(Endpoint, String, Option<Port>),
}

impl Witness {
    /// A flow between known ends.
    fn flow(ends: [End; 2], port: Port, family: Family) -> WitnessFlow {
        let ends = ends.map(|end| WitnessEnd::Known(end.into()));
        WitnessFlow { ends, port, family }
    }
}

/// What became of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Whether it holds.
    pub holds: Holds,
    /// What shows that it does not, or may not.
    pub witness: Option<Witness>,
    /// Why it is not known, or holds of nothing, where no flow says so: a sentence without its end.
    pub why: Option<String>,
    /// What passes does so on a condition only.
    pub on_condition: bool,
    /// What else is to be said.
    pub notes: Vec<String>,
}

impl Judged {
    pub(super) fn proved() -> Self {
        Self {
            holds: Holds::Proved,
            witness: None,
            why: None,
            on_condition: false,
            notes: Vec::new(),
        }
    }

    pub(super) fn with(holds: Holds, witness: Witness) -> Self {
        Self { holds, witness: Some(witness), ..Self::proved() }
    }

    /// It is not known, and this is why.
    pub(super) fn not_known(why: String) -> Self {
        Self { holds: Holds::NotKnown, why: Some(why), ..Self::proved() }
    }

    /// Why nothing of it holds.
    pub(super) fn refused(refusal: Refusal) -> Self {
        let (Refusal::Nothing(why) | Refusal::Wrong(why)) = refusal;
        Self { holds: Holds::Broken, why: Some(why), ..Self::proved() }
    }

    /// Both: what is worse, and of two that are equal the first.
    pub(super) fn and(self, other: Self) -> Self {
        if other.holds > self.holds { other } else { self }
    }
}

/// Where a witness that shows something may be made of known ends.
struct Between<'k> {
    from: &'k Known,
    to: &'k Known,
    family: Family,
}

/// What all tests share.
pub(super) struct Tester<'t> {
    pub(super) snapshot: &'t Snapshot,
    pub(super) rules: &'t Ruleset,
    pub(super) connectivity: &'t Connectivity<'t>,
    pub(super) classes: Classes<'t, 't>,
    pub(super) prover: Prover<'t>,
    pub(super) effort: Effort,
    /// An ambient mesh takes some pods in.
    pub(super) mesh: bool,
    pub(super) entered: OnceCell<Result<Onward, TooMuch>>,
}

impl<'t> Tester<'t> {
    pub(super) fn new(
        (snapshot, rules): (&'t Snapshot, &'t Ruleset),
        connectivity: &'t Connectivity<'t>,
        places: &'t Places<'t>,
        effort: Effort,
    ) -> Self {
        Self {
            snapshot,
            rules,
            connectivity,
            classes: Classes::new(connectivity),
            prover: Prover::new(places, effort),
            effort,
            mesh: has_mesh(snapshot),
            entered: OnceCell::new(),
        }
    }

    /// What becomes of a test.
    pub(super) fn judge(&mut self, test: &Test, question: &Question) -> Judged {
        let mut judged = Judged::proved();
        for flows in &question.flows {
            judged = judged.and(self.flows(test, flows));
            if judged.holds == Holds::Broken {
                break;
            }
        }
        for single in &question.singles {
            if judged.holds == Holds::Broken {
                break;
            }
            judged = judged.and(self.single(test, single));
        }
        if let Some((set, directions)) = &question.closed {
            for direction in *directions {
                judged = judged.and(self.closed(test, set, *direction));
            }
        }
        if let Some((start, to, hops)) = &question.walk {
            judged = judged.and(self.walk(start, to, *hops));
        }
        if let Some(may) = &question.entered {
            judged = judged.and(self.entered(may));
        }
        if let Some(why) = question.unclear.first() {
            judged = judged.and(Judged::not_known(why.clone()));
        }
        if let Some(too_much) = self.connectivity.too_much() {
            judged = judged.and(Judged::not_known(too_much.to_string()));
        }
        judged.notes.extend(question.notes.iter().cloned());
        judged
    }

    /// Every flow between known ends, and pods with exactly the labels of ends.
    pub(super) fn all_pass(&mut self, test: &Test, flows: &Flows) -> Judged {
        let exact = test.scope != TestScope::Known;
        let from = self.classes.of(&flows.from.parts, &flows.from.except, exact);
        let to = self.classes.of(&flows.to.parts, &flows.to.except, exact);
        if from.is_empty() || to.is_empty() {
            if test.may_be_empty {
                return Judged::proved();
            }
            let side = if from.is_empty() { &flows.from } else { &flows.to };
            let words: Vec<String> = side.parts.iter().map(|part| part.words.clone()).collect();
            let why = format!("{} is nobody here", crate::prose::list(&words, "and"));
            return Judged::refused(Refusal::Nothing(why));
        }
        if self.never_meet(&from, &to) {
            return Judged::not_known(
                "some of these have no IP family in common, so that no flow is between them"
                    .to_owned(),
            );
        }
        let level = if test.on_condition { Level::Certain } else { Level::Unconditional };
        let mut perhaps: Option<Judged> = None;
        for family in Family::ALL {
            let asked = Asked { from: &from.classes, to: &to.classes, ports: &flows.ports };
            let between = Between { from: &from, to: &to, family };
            let mut broken = None;
            let _ = self.connectivity.not_passing(family, level, asked, &mut |(
                source,
                destination,
                lack,
            )| {
                let Some((a, b)) = self.pair(&between, source, destination) else {
                    return ControlFlow::Continue(());
                };
                let reach = self.connectivity.allowed(a, b, family);
                let lack = if test.on_condition {
                    lack.difference(&reach.certain)
                } else {
                    lack.difference(&reach.unconditional)
                };
                let closed = lack.difference(&reach.possible);
                let bound = lack.intersection(&reach.certain);
                let flow = |port| {
                    let ends = [a, b].map(|end| WitnessEnd::Known(end.into()));
                    Witness::Flow(Box::new(WitnessFlow { ends, port, family }), true)
                };
                // Of an end that is only perhaps meant nothing is broken for certain, nor where what a pod
                // that nobody has written calls its ports decides.
                let at = closed.lowest().or_else(|| bound.lowest());
                let breaks = |port| {
                    self.confirms(&Witness::flow([a, b], port, family), true, test.on_condition)
                };
                if !(from.is_sure(a) && to.is_sure(b) && at.is_none_or(breaks)) {
                    if let Some(port) = lack.lowest().filter(|_| perhaps.is_none()) {
                        perhaps = Some(Judged::with(Holds::NotKnown, flow(port)));
                    }
                    return ControlFlow::Continue(());
                }
                if let Some(port) = closed.lowest() {
                    broken = Some(Judged::with(Holds::Broken, flow(port)));
                    return ControlFlow::Break(());
                }
                if let Some(port) = bound.lowest() {
                    broken = Some(Judged {
                        on_condition: true,
                        ..Judged::with(Holds::Broken, flow(port))
                    });
                    return ControlFlow::Break(());
                }
                if let Some(port) = lack.lowest().filter(|_| perhaps.is_none()) {
                    perhaps = Some(Judged::with(Holds::NotKnown, flow(port)));
                }
                ControlFlow::Continue(())
            });
            if let Some(broken) = broken {
                return broken;
            }
        }
        let exact = exact && flows.to.parts.iter().any(|part| !part.exact.is_empty());
        if perhaps.is_none() && exact && denies_by_name(self.rules) {
            return Judged::not_known(
                "a rule denies ports by name, and what pods that nobody has written call theirs is not known"
                    .to_owned(),
            );
        }
        perhaps.unwrap_or_else(Judged::proved)
    }

    /// Whether some end of the one and some of the other have no IP family in common.
    fn never_meet(&self, from: &Known, to: &Known) -> bool {
        let families = |known: &Known| -> BTreeSet<[bool; 2]> {
            let has = |class: &u32| Family::ALL.map(|family| self.connectivity.has(*class, family));
            known.classes.iter().map(has).collect()
        };
        let to = families(to);
        let meet = |a: &[bool; 2], b: &[bool; 2]| a.iter().zip(b).any(|(a, b)| *a && *b);
        families(from).iter().any(|a| to.iter().any(|b| !meet(a, b)))
    }

    /// No flow between any two ends.
    pub(super) fn none_passes(&mut self, test: &Test, flows: &Flows) -> Judged {
        let from = self.classes.of(&flows.from.parts, &flows.from.except, false);
        let to = self.classes.of(&flows.to.parts, &flows.to.except, false);
        let mut perhaps: Option<Judged> = None;
        let sure = if test.on_condition { Level::Certain } else { Level::Unconditional };
        for level in [sure, Level::Possible] {
            for family in Family::ALL {
                let asked = Asked { from: &from.classes, to: &to.classes, ports: &flows.ports };
                let between = Between { from: &from, to: &to, family };
                let mut found = None;
                let _ = self.connectivity.passing(family, level, asked, &mut |(
                    source,
                    destination,
                    both,
                )| {
                    let Some((a, b)) = self.pair(&between, source, destination) else {
                        return ControlFlow::Continue(());
                    };
                    // What passes on a condition only does not count where that is said.
                    let ports = if level == Level::Possible && !test.on_condition {
                        both.difference(&self.connectivity.allowed(a, b, family).certain)
                    } else {
                        both.clone()
                    };
                    let Some(port) = ports.lowest() else {
                        return ControlFlow::Continue(());
                    };
                    let ends = [a, b].map(|end| WitnessEnd::Known(end.into()));
                    let flow = WitnessFlow { ends, port, family };
                    // Of an end that is only perhaps meant nothing is broken for certain.
                    let certain = from.is_sure(a)
                        && to.is_sure(b)
                        && self.confirms(&flow, false, test.on_condition);
                    if level == sure && !certain {
                        let witness = || Witness::Flow(Box::new(flow.clone()), false);
                        perhaps.get_or_insert_with(|| Judged::with(Holds::NotKnown, witness()));
                        return ControlFlow::Continue(());
                    }
                    found = Some(flow);
                    ControlFlow::Break(())
                });
                if let Some(flow) = found {
                    let witness = Witness::Flow(Box::new(flow), false);
                    if level == sure {
                        return Judged::with(Holds::Broken, witness);
                    }
                    perhaps.get_or_insert(Judged::with(Holds::NotKnown, witness));
                }
            }
        }
        let known = perhaps.unwrap_or_else(Judged::proved);
        let known = known.and(self.on_own_nodes(test, flows, [&from, &to]));
        if known.holds == Holds::Broken {
            return known;
        }
        let within = match test.scope {
            TestScope::Known => return known,
            TestScope::Any => Within::Any,
            TestScope::WrittenNamespaces => Within::Written,
        };
        let ends = [self.kinds(&flows.from, &from), self.kinds(&flows.to, &to)];
        if ends.iter().all(|kinds| kinds.sets.is_empty()) {
            return known;
        }
        let proof =
            self.prover.nothing_passes(ends.each_ref(), &flows.ports, test.on_condition, within);
        known.and(of_proof(proof, |flow| Witness::Flow(Box::new(flow), false)))
    }

    /// Whether a flow between known ends, judged by itself, is against a test.
    fn confirms(&self, flow: &WitnessFlow, pass: bool, on_condition: bool) -> bool {
        let [WitnessEnd::Known(source), WitnessEnd::Known(destination)] = &flow.ends else {
            return true;
        };
        let (source, destination) = (source.clone(), destination.clone());
        let (port, family) = (flow.port, flow.family);
        let one = Flow { source, destination, port, family, through_service: false };
        let passage = judge(self.snapshot, self.rules, &one).passage();
        match (pass, on_condition) {
            (true, true) => passage == Passage::Denied,
            (true, false) => matches!(passage, Passage::Denied | Passage::OnCondition),
            (false, true) => passage >= Passage::OnCondition,
            (false, false) => passage == Passage::Allowed,
        }
    }

    /// What becomes of flows from nodes, and from pods on their networks, to pods that are on the same node, or
    /// may be: which rules let them pass does not tell.
    ///
    /// Who is anyone is not asked about: a node always reaches its own pods, whatever is written.
    /// Source: docs/semantics/kubernetes.md#own-node-to-pod.
    fn on_own_nodes(&self, test: &Test, flows: &Flows, [from, to]: [&Known; 2]) -> Judged {
        let snapshot = self.snapshot;
        let node_of = |end: End| match end {
            End::Pod(id) => snapshot.pod(id).node.as_deref(),
            End::Node(at) => snapshot.nodes.get(at).map(|node| &*node.name),
            End::Address(_) => None,
        };
        // One of each class on each node.
        let each = |ends: &mut dyn Iterator<Item = End>, of: &Known| {
            let mut seen = BTreeSet::new();
            let mut all: Vec<End> = ends.filter(|end| of.has(*end)).collect();
            all.retain(|end| seen.insert((self.connectivity.class(*end), node_of(*end))));
            all
        };
        let hosted = |id: &PodId| snapshot.pod(*id).host_network;
        let named = flows.from.parts.iter().filter(|part| !part.whole || part.sets.is_empty());
        let mut sources = named.flat_map(|part| {
            let pods = part.pods.iter().copied().filter(hosted).map(End::Pod);
            let nodes = part.others.iter().filter_map(|end| end.end().ok());
            pods.chain(nodes.filter(|end| matches!(end, End::Node(_))))
        });
        let sources = each(&mut sources, from);
        let pods = flows.to.parts.iter().flat_map(|part| part.pods.iter().copied());
        let destinations = each(&mut pods.filter(|id| !hosted(id)).map(End::Pod), to);
        let Some(port) = flows.ports.lowest() else { return Judged::proved() };
        let mut judged = Judged::proved();
        for source in sources {
            for destination in &destinations {
                let nodes = [node_of(source), node_of(*destination)];
                if nodes[0].is_some() && nodes[1].is_some() && nodes[0] != nodes[1] {
                    continue;
                }
                let ends = [source, *destination];
                let shared = |family: &Family| {
                    ends.iter().all(|end| {
                        let class = self.connectivity.class(*end);
                        class.is_some_and(|class| self.connectivity.has(class, *family))
                    })
                };
                let Some(family) = Family::ALL.into_iter().find(shared) else { continue };
                let flow = WitnessFlow {
                    ends: ends.map(|end| WitnessEnd::Known(end.into())),
                    port,
                    family,
                };
                let sure = from.is_sure(source) && to.is_sure(*destination);
                let holds = if sure && self.confirms(&flow, false, test.on_condition) {
                    Holds::Broken
                } else if self.may_pass(&flow) {
                    Holds::NotKnown
                } else {
                    continue;
                };
                judged = judged.and(Judged::with(holds, Witness::Flow(Box::new(flow), false)));
                if holds == Holds::Broken {
                    return judged;
                }
            }
        }
        judged
    }

    /// Whether a flow between known ends is not known to be denied.
    fn may_pass(&self, flow: &WitnessFlow) -> bool {
        let [WitnessEnd::Known(source), WitnessEnd::Known(destination)] = &flow.ends else {
            return true;
        };
        let (source, destination) = (source.clone(), destination.clone());
        let (port, family) = (flow.port, flow.family);
        let one = Flow { source, destination, port, family, through_service: false };
        judge(self.snapshot, self.rules, &one).passage() != Passage::Denied
    }

    /// Two ends of two classes that are not one and the same.
    fn pair(&self, between: &Between<'_>, source: u32, destination: u32) -> Option<(End, End)> {
        let Between { from, to, family } = between;
        let a = from.one(source, *family, None)?;
        if let Some(b) = to.one(destination, *family, Some(a)) {
            return Some((a, b));
        }
        let b = to.one(destination, *family, None)?;
        // A template stands for several.
        let several = matches!(b, End::Pod(id) if self.snapshot.pod(id).template);
        if several {
            return Some((a, b));
        }
        from.one(source, *family, Some(b)).map(|a| (a, b))
    }

    /// The same ends for questions about pods that nobody has written.
    pub(super) fn kinds(&self, set: &Set, known: &Known) -> Kinds {
        let pod = |id: &PodId| self.snapshot.pod(*id);
        let ids = |parts: &[Rc<Part>], named: bool| -> Vec<PodId> {
            let some = parts.iter().filter(|part| !named || part.sets.is_empty());
            some.flat_map(|part| part.pods.iter().copied()).collect()
        };
        let one_of_each = |ids: Vec<PodId>| -> Vec<PodId> {
            let ends = ids.into_iter().map(End::Pod);
            let each = self.classes.one_of_each(known, ends).into_iter();
            each.filter_map(|end| Endpoint::from(end).pod()).collect()
        };
        // Where blocks may mean pods, a known address may be one that no other pod has.
        let by_address = self.rules.traits().pod_addresses;
        let mut pods = ids(&set.parts, !by_address);
        pods.retain(|id| !pod(id).host_network);
        let mut hosted = ids(&set.parts, false);
        hosted.retain(|id| pod(id).host_network);
        let mut others: Vec<Endpoint> =
            one_of_each(hosted).into_iter().map(Endpoint::Pod).collect();
        let rest = set.parts.iter().flat_map(|part| &part.others);
        let rest = rest.filter_map(|end| end.end().ok());
        let outside: Vec<End> = rest.clone().filter(|end| matches!(end, End::Address(_))).collect();
        let nodes = rest.filter(|end| !matches!(end, End::Address(_)));
        others.extend(self.classes.one_of_each(known, nodes).into_iter().map(Endpoint::from));
        // Of addresses of one class each stands for a family.
        let mut seen = BTreeSet::new();
        for end in outside {
            let End::Address(ip) = end else { continue };
            let class = self.connectivity.class(end);
            if known.has(end) && seen.insert((class, Family::of(ip))) {
                others.push(end.into());
            }
        }
        let mut unlike: Vec<PodId> = set
            .except
            .iter()
            .filter(|part| part.sets.is_empty() && !part.block)
            .flat_map(|part| part.pods.iter().copied())
            .filter(|id| !pod(id).host_network)
            .collect();
        let mut classes = BTreeSet::new();
        unlike.retain(|id| {
            self.connectivity.class(End::Pod(*id)).is_some_and(|class| classes.insert(class))
        });
        Kinds {
            sets: set
                .parts
                .iter()
                .flat_map(|part| part.sets.iter().chain(&part.perhaps).cloned())
                .collect(),
            but: set.except.iter().flat_map(|part| part.sets.iter().cloned()).collect(),
            unlike,
            pods: one_of_each(pods),
            others,
        }
    }
}

/// Whether a rule closes ports, or leaves them to others, by their names.
fn denies_by_name(rules: &Ruleset) -> bool {
    let mut all = rules.policies().iter().flat_map(|policy| &policy.entries);
    all.any(|entry| match &entry.ports {
        Ports::Of(items) if entry.action != Action::Allow => {
            items.iter().any(|item| matches!(item.ports, PortMatch::Named(_)))
        }
        _ => false,
    })
}

pub(super) fn of_proof(proof: Proof, witness: impl FnOnce(WitnessFlow) -> Witness) -> Judged {
    match proof {
        Proof::Holds => Judged::proved(),
        Proof::Broken(flow) => Judged::with(Holds::Broken, witness(*flow)),
        Proof::NotKnown(flow) => Judged::with(Holds::NotKnown, witness(*flow)),
        Proof::GivenUp(why) => Judged::not_known(why),
    }
}
