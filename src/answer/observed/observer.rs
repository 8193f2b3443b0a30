//! Judges observed flows, equal ones once.
//!
//! In: a snapshot, rules and a way to find places; then flow after flow. Out: an [`Observation`] each.
//! Memory is bounded: of decisions only so many are kept.

use super::types::Prediction as PredictionReport;
use crate::answer::end::{EndKind, EndReport};
use crate::answer::explaining::flow_report;
use crate::answer::explanation::DirectionReport;
use crate::answer::place::Locate;
use crate::answer::vocabulary::Because;
use crate::cluster::{ObjectRef, Snapshot, Truth};
use crate::ends::names;
use crate::hubble::{Flow, Party, PolicyName};
use crate::observed::{
    self, Agreement, Index, Key, NotJudged, Observed, Prediction, Scene, arrived, compare, predict,
};
use crate::policy::Ruleset;
use crate::policy::rule::Direction;
use crate::verdict::{Case, CasePorts, Verdict};
use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};
use std::borrow::Cow;
use std::sync::Arc;

/// More decisions are not kept: the world has many addresses.
const MOST_DECISIONS: usize = 16_384;

/// Judges flows by one state of the cluster.
pub struct Observer<'a> {
    snapshot: &'a Snapshot,
    rules: &'a Ruleset,
    locate: &'a Locate<'a>,
    index: Index,
    decisions: HashMap<Key, Arc<Decision>>,
    /// Flows that the policies of their source would have dropped, but are in audit mode.
    audited: HashSet<Key>,
}

/// What is predicted of flows that are equal to policies.
pub(super) struct Decision {
    pub(super) prediction: Prediction,
    pub(super) report: Arc<PredictionReport>,
    /// The workloads at its ends, or what else people know them by.
    pub(super) ends: [EndReport; 2],
}

/// A flow beside what is predicted of it.
pub struct Observation {
    /// The flow.
    pub flow: Box<Flow>,
    pub(super) decision: Result<Arc<Decision>, NotJudged>,
    /// Whether the two agree.
    pub agreement: Agreement,
    /// They agree, but Hubble names a policy for it that was not read.
    pub(super) unread: Option<PolicyName>,
}

impl<'a> Observer<'a> {
    /// Prepares for a state of the cluster.
    pub fn new(snapshot: &'a Snapshot, rules: &'a Ruleset, locate: &'a Locate<'a>) -> Self {
        let index = Index::new(snapshot, rules);
        Self { snapshot, rules, locate, index, decisions: HashMap::new(), audited: HashSet::new() }
    }

    /// Judges one flow.
    pub fn observe(&mut self, flow: Box<Flow>) -> Observation {
        let key = observed::key(self.snapshot, &self.index, &flow);
        let audited = key.as_ref().is_ok_and(|key| self.is_audited(&flow, key));
        let decision = key.map(|key| self.decide(key));
        let agreement = match &decision {
            Ok(decision) => {
                let (snapshot, rules, index) = (self.snapshot, self.rules, &self.index);
                let (scene, predicted) = (Scene { snapshot, rules, index }, &decision.prediction);
                let arrived = arrived(scene, &flow, predicted).filter(|_| !audited);
                arrived.unwrap_or_else(|| compare(scene, &flow, predicted))
            }
            Err(NotJudged::OwnNode) if observed::observed(&flow) == Observed::Allowed => {
                Agreement::AsPredicted
            }
            Err(_) => Agreement::NotCompared,
        };
        let agrees = agreement == Agreement::AsPredicted;
        let unread = agrees.then(|| observed::unread(&self.index, &flow).cloned()).flatten();
        Observation { flow, decision, agreement, unread }
    }

    /// Whether a flow of this key was seen to pass its source in audit mode only; takes down where this is it.
    fn is_audited(&mut self, flow: &Flow, key: &Key) -> bool {
        let out = flow.direction == Some(Direction::Egress);
        if out && observed::observed(flow) == Observed::Audited {
            if self.audited.len() >= MOST_DECISIONS {
                self.audited.clear();
            }
            self.audited.insert(key.clone());
        }
        self.audited.contains(key)
    }

    fn decide(&mut self, key: Key) -> Arc<Decision> {
        if let Some(known) = self.decisions.get(&key) {
            return Arc::clone(known);
        }
        let prediction = predict(self.snapshot, self.rules, &key);
        let decision = Arc::new(self.report(prediction));
        if self.decisions.len() >= MOST_DECISIONS {
            self.decisions.clear();
        }
        self.decisions.insert(key, Arc::clone(&decision));
        decision
    }

    /// The prediction in words and places: those of `explain`.
    fn report(&self, prediction: Prediction) -> Decision {
        let flow = &prediction.flow;
        let case = Case {
            sources: vec![flow.source.clone()],
            destinations: vec![flow.destination.clone()],
            ports: CasePorts::One(flow.port),
            dialled: None,
            family: None,
            flow: flow.clone(),
            reading: None,
            judgement: prediction.judgement.clone(),
        };
        let mut report = flow_report(self.snapshot, self.rules, self.locate, &case);
        for (direction, report) in
            [(Direction::Egress, &mut report.egress), (Direction::Ingress, &mut report.ingress)]
        {
            for policy in &mut report.policies {
                // Of a stream of flows the nearest rule is enough.
                policy.rules.clear();
            }
            if prediction.verdict(Some(direction)) != prediction.trace(direction).verdict {
                forget_rules(report);
            }
        }
        let [from, to] =
            [&flow.source, &flow.destination].map(|end| names::endpoint(self.snapshot, end));
        let ends = [&flow.source, &flow.destination];
        let ends = ends.map(|end| EndReport::endpoint(self.snapshot, end));
        let verdict = prediction.verdict(None);
        let (egress, ingress) = (report.egress, report.ingress);
        let report = Arc::new(PredictionReport { from, to, verdict, egress, ingress });
        Decision { prediction, report, ends }
    }
}

/// Takes back what rules say of ports, where the flow has none.
fn forget_rules(report: &mut DirectionReport) {
    report.verdict = Verdict::Unknown;
    report.reason = Because::Unknown;
    let count = report.policies.len();
    let policies = if count == 1 { "1 policy".to_owned() } else { format!("{count} policies") };
    report.message = format!(
        "isolated by {policies}; what NetworkPolicy means for a protocol without ports is not \
         defined, and Cilium admits it by rules without ports only"
    );
    report.conditions.clear();
    for policy in &mut report.policies {
        policy.admits = Truth::Unknown;
        (policy.denies, policy.rule, policy.action) = (None, None, None);
        policy.location = None;
        "isolates".clone_into(&mut policy.message);
        (policy.peer, policy.port) = (None, None);
    }
}

impl Observation {
    /// The prediction in words and places, where there is one.
    pub fn predicted(&self) -> Option<&PredictionReport> {
        self.decision.as_ref().ok().map(|decision| &*decision.report)
    }

    /// The direction that is compared: the one that the flow's event is about, or what it passed before.
    pub fn direction(&self) -> Option<Direction> {
        match self.agreement {
            Agreement::Arrived(_) => Some(Direction::Egress),
            _ => self.flow.direction,
        }
    }

    /// The same, as it is predicted.
    pub fn about(&self) -> Option<&DirectionReport> {
        let report = &self.decision.as_ref().ok()?.report;
        match self.direction()? {
            Direction::Egress => Some(&report.egress),
            Direction::Ingress => Some(&report.ingress),
        }
    }

    /// The two ends: their workloads where they are known.
    pub fn ends(&self) -> [Cow<'_, EndReport>; 2] {
        match &self.decision {
            Ok(decision) => {
                let [source, destination] = &decision.ends;
                let parties = [(source, &self.flow.source), (destination, &self.flow.destination)];
                parties.map(|(end, party)| seen_as(end, party))
            }
            Err(_) => [&self.flow.source, &self.flow.destination].map(|end| Cow::Owned(party(end))),
        }
    }
}

/// An end, which is outside only where Hubble knows it there too.
fn seen_as<'a>(end: &'a EndReport, party: &Party) -> Cow<'a, EndReport> {
    let inside = party.identity != 0 && !party.is_world();
    if inside && end.kind == Some(EndKind::Outside) {
        return Cow::Owned(EndReport { kind: None, ..end.clone() });
    }
    Cow::Borrowed(end)
}

/// One end as Hubble names it.
fn party(party: &Party) -> EndReport {
    if party.is_pod() {
        let pod = ObjectRef::namespaced("Pod", &*party.namespace, &*party.pod);
        return EndReport::of(format!("{}/{}", party.namespace, party.pod), &pod);
    }
    let world = party.is_world().then_some(EndKind::Outside);
    let outside = |label: String| EndReport::called(label, world);
    match (party.names.first(), party.ip) {
        (Some(name), _) => outside(name.to_string()),
        (None, Some(ip)) => outside(ip.to_string()),
        (None, None) => EndReport::called("someone", None),
    }
}
