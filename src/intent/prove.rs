//! Proves what tests ask, or finds the flow that breaks it.
//!
//! In: [`Question`]s. Out: a [`Judged`] each. Who reaches whom is worked out once for all of them
//! ([`reach`](crate::reach)); pods that nobody has written are asked about one question at a time
//! ([`Prover`]), within one number of steps. Proved is only what was decided for everyone that the scope
//! has: whatever was not known, not read or given up makes it not known, with the reason.

use super::asks::Test;
use super::judged::{Holds, Judged, Witness, of_proof};
use super::known::{Classes, Known};
use super::questions::{Flows, Question, Refusal, Set};
use super::regions::Part;
use super::words::TestScope;
use crate::cluster::{Family, PodId, Port, Snapshot};
use crate::effort::{Effort, TooMuch};
use crate::ends::{End, Endpoint};
use crate::onward::Onward;
use crate::policy::Ruleset;
use crate::policy::rule::{Action, Condition, PortMatch, Ports};
use crate::reach::{Asked, Connectivity, Level, PortSet};
use crate::unwritten::{Kinds, Places, Proof, Prover, Within, WitnessEnd, WitnessFlow};
use crate::verdict::{Flow, Judgement, Passage, Trace, has_mesh, judge};
use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::rc::Rc;

/// So many nodes of a class: of two, one is another than a third one's, though which it is may not be known.
const MOST_NODES: usize = 3;

/// Where a witness that shows something may be made of known ends.
#[derive(Clone, Copy)]
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
                for ends in self.pairs(&between, source, destination) {
                    match self.lacking(test, &between, ends, lack) {
                        Some(judged) if judged.holds == Holds::Broken => {
                            broken = Some(judged);
                            return ControlFlow::Break(());
                        }
                        Some(judged) => _ = perhaps.get_or_insert(judged),
                        None => {}
                    }
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

    /// What becomes of a test that wants all flows between two ends to pass, where rules let them through at all but
    /// some ports.
    fn lacking(
        &self,
        test: &Test,
        between: &Between<'_>,
        [a, b]: [End; 2],
        lack: &PortSet,
    ) -> Option<Judged> {
        let Between { from, to, family } = *between;
        let reach = self.connectivity.allowed(a, b, family);
        let enough = if test.on_condition { &reach.certain } else { &reach.unconditional };
        let lack = lack.difference(enough);
        let closed = lack.difference(&reach.possible).lowest();
        let bound = lack.intersection(&reach.certain).lowest();
        let flow = |port| Witness::Flow(Box::new(Witness::flow([a, b], port, family)), true);
        // Of an end that is only perhaps meant nothing is broken for certain, nor where what a pod that nobody has
        // written calls its ports decides.
        let sure = |port: &Port| {
            let one = Witness::flow([a, b], *port, family);
            from.is_sure(a) && to.is_sure(b) && self.confirms(&one, true, test.on_condition)
        };
        match closed.or(bound).filter(sure) {
            Some(port) => Some(Judged {
                on_condition: closed.is_none(),
                ..Judged::with(Holds::Broken, flow(port))
            }),
            None => lack.lowest().map(|port| Judged::with(Holds::NotKnown, flow(port))),
        }
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
        let witness = |flow| Witness::Flow(Box::new(flow), false);
        let mut judged = known;
        for certainly in [true, false] {
            let of = |set, known| self.kinds(set, known, certainly);
            let ends = [of(&flows.from, &from), of(&flows.to, &to)];
            let as_before = !certainly && from.is_all_sure() && to.is_all_sure();
            if as_before || ends.iter().all(|kinds| kinds.sets.is_empty()) {
                break;
            }
            let (ports, on_condition) = (&flows.ports, test.on_condition);
            let proof = self.prover.nothing_passes(ends.each_ref(), ports, on_condition, within);
            let proof = match proof {
                // Of an end that is only perhaps meant nothing is broken for certain.
                Proof::Broken(flow) if !certainly => Proof::NotKnown(flow),
                proof => proof,
            };
            judged = judged.and(of_proof(proof, witness));
            if judged.holds == Holds::Broken {
                break;
            }
        }
        judged
    }

    /// Whether a flow between known ends, judged by itself, is against a test.
    pub(super) fn confirms(&self, flow: &WitnessFlow, pass: bool, on_condition: bool) -> bool {
        let [WitnessEnd::Known(source), WitnessEnd::Known(destination)] = &flow.ends else {
            return true;
        };
        let (source, destination) = (source.clone(), destination.clone());
        let (port, family) = (flow.port, flow.family);
        let one = Flow { source, destination, port, family, through_service: false };
        let judged = judge(self.snapshot, self.rules, &one);
        let passage = judged.passage();
        match (pass, on_condition) {
            (true, true) => passage == Passage::Denied,
            (true, false) => passage == Passage::Denied || self.is_bound(&judged),
            (false, true) => passage >= Passage::OnCondition,
            (false, false) => passage == Passage::Allowed,
        }
    }

    /// Whether a flow passes on a condition of a rule that certainly matches it: what only perhaps matches may as
    /// well ask for nothing.
    fn is_bound(&self, judged: &Judgement) -> bool {
        let of = |trace: &Trace| {
            let left = |own: &Condition| {
                trace
                    .conditions
                    .iter()
                    .any(|it| [&*own.asks, own.lifted_asks()].contains(&&*it.asks))
            };
            let sure = trace.policies.iter().filter(|policy| policy.selects.is_yes());
            sure.flat_map(|policy| {
                let rules = &self.rules.policy(policy.policy).entries;
                policy.entries.iter().zip(rules).filter(|(entry, _)| entry.matches().is_yes())
            })
            .any(|(_, rule)| rule.condition.as_ref().is_some_and(left))
        };
        judged.passage() == Passage::OnCondition && (of(&judged.egress) || of(&judged.ingress))
    }

    /// Two ends of two classes that are not one and the same; where one is a node, or on its network, so many that
    /// a pod with another node is among them.
    fn pairs(&self, between: &Between<'_>, source: u32, destination: u32) -> Vec<[End; 2]> {
        let Some((a, b)) = self.pair(between, source, destination) else { return Vec::new() };
        if self.is_on_node(a) == self.is_on_node(b) {
            return vec![[a, b]];
        }
        let Between { from, to, family } = *between;
        let key = |end: End| self.node_of(end).map(str::to_owned);
        let [from, to] = [(from, source), (to, destination)]
            .map(|(known, class)| known.some(class, family, MOST_NODES, key));
        from.iter().flat_map(|a| to.iter().map(|b| [*a, *b])).collect()
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

    /// The same ends for questions about pods that nobody has written; of known pods all, or those that are
    /// certainly meant.
    pub(super) fn kinds(&self, set: &Set, known: &Known, certainly: bool) -> Kinds {
        let pod = |id: &PodId| self.snapshot.pod(*id);
        let meant = |id: &PodId| !certainly || known.is_sure(End::Pod(*id));
        let ids = |parts: &[Rc<Part>], named: bool| -> Vec<PodId> {
            let some = parts.iter().filter(|part| !named || part.sets.is_empty());
            some.flat_map(|part| part.pods.iter().copied()).filter(meant).collect()
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
