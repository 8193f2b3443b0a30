//! Rows of connectivity as a list.
//!
//! In: a [`Connectivity`] by what is [`ListAsked`]. Out: the rows of a [`FlowList`] with its notes.

use super::collect::{Collected, Collector, Families, Holds, Merged, Part, Party};
use super::entrances::{Entrances, entrances, is_from_internet};
use super::group::{Group, Groups};
use super::notes::Notes;
use super::only_others::{note, only_others};
use super::said::Said;
use super::unmatched::unmatched;
use super::unprotected::unprotected;
use super::why::{Known, reasons};
use super::witnesses::Witnesses;
use super::{FlowList, FlowPorts, ListAsked, ListedFlow, Unprotected};
use crate::answer::end::{EndKind, EndReport};
use crate::answer::missing::{COARSE, MissingReport, dead, is_empty, missing};
use crate::answer::named::NamedPorts;
use crate::answer::place::Locate;
use crate::answer::vocabulary::{ApiVersion, FlowListKind};
use crate::answer::{warnings, words};
use crate::cluster::{Family, PodId, Port, Protocol, Snapshot, real_namespace};
use crate::effort::{Effort, Steps, TooMuch};
use crate::ends::{PortText, ranges};
use crate::policy::Ruleset;
use crate::policy::rule::{Direction, Namespaces};
use crate::reach::{Connectivity, End, Narrow, PortSet};
use crate::unwritten::Unwritten;
use crate::verdict::{Verdict, Why};
use foldhash::{HashMap, HashSet};
use std::cell::{Cell, OnceCell, RefCell};
use std::ops::ControlFlow;
use std::sync::Arc;

impl FlowList {
    /// Lists what is asked for; with what was found of pods that are not written, where that was looked
    /// for, of which the representatives are in the snapshot.
    pub fn new(
        snapshot: &Snapshot,
        rules: &Ruleset,
        asked: &ListAsked,
        unwritten: Option<&Unwritten>,
        locate: &Locate<'_>,
        effort: Effort,
    ) -> Result<Self, TooMuch> {
        let mut flows = Vec::new();
        let list = Self::told(snapshot, rules, asked, unwritten, (locate, effort), &mut |flow| {
            flows.push(flow);
            ControlFlow::Continue(())
        })?;
        Ok(Self { flows, ..list })
    }

    /// The same but for the rows, each of which is told as it is made, in order, until `tell` breaks.
    pub fn told(
        snapshot: &Snapshot,
        rules: &Ruleset,
        asked: &ListAsked,
        unwritten: Option<&Unwritten>,
        (locate, effort): (&Locate<'_>, Effort),
        tell: &mut dyn FnMut(ListedFlow) -> ControlFlow<()>,
    ) -> Result<Self, TooMuch> {
        let to: Option<HashSet<End>> = asked.to.as_ref().map(|to| to.keys().copied().collect());
        let narrow = Narrow {
            from: asked.from.as_ref(),
            to: to.as_ref(),
            namespace: asked.namespace.as_deref(),
            exposed: asked.exposed,
        };
        let (connectivity, wanted) = Connectivity::narrowed(snapshot, rules, narrow, effort)?;
        let group =
            |only: Option<&HashSet<End>>| Groups::new(snapshot, &connectivity, asked.by, only);
        let sources = group(asked.from.as_ref());
        let others;
        let destinations = if asked.from.is_none() && to.is_none() {
            &sources
        } else {
            others = group(to.as_ref());
            &others
        };
        let collector = Collector {
            connectivity: &connectivity,
            by: asked.by,
            sources: &sources,
            destinations,
            wanted: &wanted,
            most: effort.rows,
        };
        let rows = collector.collect()?;
        let lister = Lister {
            snapshot,
            rules,
            asked,
            connectivity: &connectivity,
            sources: &sources,
            destinations,
            reasons: RefCell::default(),
            steps: Steps::new(effort),
            unexplained: Cell::default(),
            ends: RefCell::default(),
            entrances: ways_in(snapshot, rules, asked),
            witnesses: asked.picture.as_ref().map(|words| Witnesses::new(words, locate, effort)),
            elsewhere: OnceCell::new(),
            named: NamedPorts::of([rules]),
        };
        let nothing = is_empty(snapshot, rules);
        let said = Said::of(&lister, &rows);
        let notes = if nothing { Notes::default() } else { lister.tell(&rows, &said, tell)? };
        let stood_for = said.note();
        let mut missing = missing(snapshot, rules, unwritten, notes.rows == 0);
        let found = lister.entrances.as_ref();
        missing.extend(found.filter(|found| found.left_out > 0).map(|found| {
            let many = found.left_out;
            MissingReport::given_up(format!("{many} ways in from outside were not looked at"))
        }));
        let coarse = unwritten.filter(|it| it.coarse && notes.rows > 0);
        let coarse = coarse.map(|_| format!("Of rules{}", COARSE.trim_start_matches("of rules")));
        let only_others = only_others(snapshot, unwritten, asked);
        let here = |namespace: Option<&str>| match (&asked.namespace, namespace) {
            (Some(only), Some(namespace)) => only == namespace,
            _ => true,
        };
        Ok(Self {
            api_version: ApiVersion,
            kind: FlowListKind,
            by: asked.by,
            exposed: asked.exposed,
            unmatched: if asked.exposed { Vec::new() } else { unmatched(snapshot, rules, asked) },
            notes: [
                words::enforcement(rules),
                notes.told(asked),
                lister.unexplained(),
                lister.witnesses.as_ref().and_then(Witnesses::note).into_iter().collect(),
                note(&only_others).into_iter().collect(),
                coarse.into_iter().collect(),
                stood_for.into_iter().collect(),
            ]
            .concat(),
            only_others,
            not_protected: if nothing { Vec::new() } else { not_protected(&lister) },
            entrances: found.map(|found| found.all.clone()).unwrap_or_default(),
            workloads: if asked.picture.is_some() { lister.everyone() } else { Vec::new() },
            namespaces: if asked.picture.is_some() { lister.closed(locate) } else { Vec::new() },
            complete: missing.is_empty(),
            missing,
            known_only: unwritten.is_none(),
            dead: dead(unwritten.iter().flat_map(|unwritten| &unwritten.dead)),
            flows: Vec::new(),
            warnings: warnings::remarks(
                rules,
                |remark| here(remark.object.namespace.as_deref()),
                locate,
            )
            .into_iter()
            .chain(warnings::gaps(snapshot))
            .collect(),
        })
    }
}

/// Who is isolated by no policy, where what is exposed is asked for.
fn not_protected(lister: &Lister<'_>) -> Vec<Unprotected> {
    let asked = lister.asked;
    let mut open = if asked.exposed { unprotected(lister) } else { Vec::new() };
    open.retain(|one| !asked.internet || one.direction == Direction::Ingress);
    open
}

/// What leads in from outside to whom it is asked for, where it is asked for.
fn ways_in(snapshot: &Snapshot, rules: &Ruleset, asked: &ListAsked) -> Option<Entrances> {
    let wanted = |id: PodId| {
        let of = |only: &String| **only == *snapshot.pod(id).namespace;
        asked.namespace.as_ref().is_none_or(of)
            && asked.to.as_ref().is_none_or(|to| to.contains_key(&End::Pod(id)))
    };
    let looked_for = asked.exposed || asked.internet || asked.picture.is_some();
    looked_for.then(|| entrances(snapshot, rules, &wanted))
}

pub(super) struct Lister<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) rules: &'a Ruleset,
    pub(super) asked: &'a ListAsked,
    pub(super) connectivity: &'a Connectivity<'a>,
    pub(super) sources: &'a Groups,
    pub(super) destinations: &'a Groups,
    pub(super) reasons: RefCell<Known<'a>>,
    /// What is asked for reasons.
    pub(super) steps: Steps,
    /// Rows without a reason, for which the steps did not suffice.
    pub(super) unexplained: Cell<usize>,
    /// What whole workloads are called, which is the same in all of their rows.
    ends: RefCell<HashMap<(Direction, Party), Arc<EndReport>>>,
    /// What leads in from outside, where it is looked for.
    pub(super) entrances: Option<Entrances>,
    /// One flow of each row is told.
    pub(super) witnesses: Option<Witnesses<'a>>,
    elsewhere: OnceCell<HashSet<PodId>>,
    pub(super) named: NamedPorts,
}

/// The pods that are written nowhere and are in namespaces of which nothing is here either.
fn elsewhere(snapshot: &Snapshot, rules: &Ruleset) -> HashSet<PodId> {
    let subjects = rules.policies().iter().filter_map(|policy| match &policy.subject.namespaces {
        Namespaces::Own(own) => Some(&**own),
        Namespaces::Matching(_) => None,
    });
    let subjects: HashSet<&str> = subjects.collect();
    let is_here = |namespace: &str| {
        let known = snapshot.namespace(namespace).is_some_and(|known| !known.supposed);
        known || subjects.contains(namespace)
    };
    let all = snapshot.representatives().map(|(id, _)| id);
    all.filter(|id| !is_here(real_namespace(&snapshot.pod(*id).namespace))).collect()
}

impl Lister<'_> {
    /// Tells every row that is asked for and says something new.
    fn tell(
        &self,
        rows: &Collected<'_, '_>,
        said: &Said,
        tell: &mut dyn FnMut(ListedFlow) -> ControlFlow<()>,
    ) -> Result<Notes, TooMuch> {
        let (mut notes, mut late) = (Notes::default(), None);
        let _ = rows.rows(&|_| true, &mut |row, families| {
            if !self.has_port(&row) || said.twice(self, &row) {
                return ControlFlow::Continue(());
            }
            let flow = self.flow(&row, families);
            late = self.steps.late();
            if late.is_some() {
                return ControlFlow::Break(());
            }
            if self.asked.internet && !is_from_internet(&flow.source) {
                return ControlFlow::Continue(());
            }
            notes.see(&flow);
            tell(flow)
        });
        late.map_or(Ok(notes), Err)
    }

    fn flow(&self, row: &Merged, families: Families) -> ListedFlow {
        let why = self.why(row, families).unwrap_or_default();
        // Between workloads rules are told of what is not known only: elsewhere there are too many.
        let between =
            [&row.source, &row.destination].iter().all(|end| matches!(end.0, Party::Group(_)));
        let told = !between || row.holds == Holds::Unknown;
        let mut reasons = if told { reasons(&why) } else { Vec::new() }.into_iter();
        let supposed = self.supposed(Direction::Ingress, row.destination.0);
        let (ports, port_names) = match supposed {
            Some(pod) => self.named.split(self.snapshot, pod, &row.ports),
            None => (row.ports.clone(), Vec::new()),
        };
        ListedFlow {
            verdict: match row.holds {
                Holds::Unknown => Verdict::Unknown,
                Holds::Always | Holds::Conditionally => Verdict::Allowed,
            },
            source: self.end(Direction::Egress, &row.source, families),
            destination: self.end(Direction::Ingress, &row.destination, families),
            ports: ports
                .ranges()
                .map(|(protocol, range)| FlowPorts {
                    protocol,
                    port: range.first,
                    end_port: (range.last != range.first).then_some(range.last),
                })
                .collect(),
            port_names,
            any_port: row.ports.is_all(),
            in_part: row.in_part,
            family: match families {
                Families { v4: true, v6: false, could_be_both: true } => Some(Family::V4),
                Families { v4: false, v6: true, could_be_both: true } => Some(Family::V6),
                _ => None,
            },
            conditions: conditions(row, &why),
            reason: reasons.next(),
            also: reasons.collect(),
            rules: if told { self.rules_of(&why) } else { Vec::new() },
            not_known: self.not_known(&why),
            by: self.by(row),
            witness: self.witness(row, families),
        }
    }

    /// What leads from outside to who is open to it.
    fn by(&self, row: &Merged) -> Option<Vec<String>> {
        let found = self.entrances.as_ref()?;
        let open = matches!(row.source.0, Party::Anyone | Party::Outside);
        let pods = pods(self.destinations, &row.destination);
        if !open || pods.is_empty() {
            return None;
        }
        let mut words: Vec<String> = Vec::new();
        for end in pods {
            let End::Pod(id) = end else { continue };
            for word in found.to.get(&id).into_iter().flatten() {
                if !words.contains(word) {
                    words.push(word.clone());
                }
            }
        }
        Some(words)
    }

    fn end(&self, direction: Direction, end: &(Party, Part), families: Families) -> Arc<EndReport> {
        let groups = self.groups(direction);
        if end.1 != Part::Whole {
            return self.called(groups, end, families).into();
        }
        let mut known = self.ends.borrow_mut();
        let end = known
            .entry((direction, end.0))
            .or_insert_with(|| self.called(groups, end, families).into());
        end.clone()
    }

    pub(super) fn called(
        &self,
        groups: &Groups,
        end: &(Party, Part),
        families: Families,
    ) -> EndReport {
        let plain = |label: &str, kind| EndReport::called(label, Some(kind));
        match (end.0, &end.1) {
            (Party::Anyone, _) => plain("anyone", EndKind::Anyone),
            (Party::EveryPod, _) => plain("everyone in the cluster", EndKind::EveryPod),
            (Party::Outside, Part::Ranges(some)) => {
                let shown = |ranges: &[ranges::Range]| -> Vec<String> {
                    ranges::networks(ranges).iter().map(ToString::to_string).collect()
                };
                let networks = shown(some);
                let family = if families.v4 { Family::V4 } else { Family::V6 };
                let rest = shown(&ranges::complement(some, family));
                let label = if rest.len() < networks.len() {
                    let whole = if family == Family::V4 { "0.0.0.0/0" } else { "::/0" };
                    format!("outside {whole} but {}", rest.join(", "))
                } else {
                    format!("outside {}", networks.join(", "))
                };
                EndReport { networks, ..plain(&label, EndKind::Outside) }
            }
            (Party::Outside, _) => plain("outside", EndKind::Outside),
            (Party::Group(id), part) => {
                let Group { object, representative, total, .. } = groups.group(id);
                if let Some(id) = representative
                    && let Some(of) = self.snapshot.representative(*id)
                {
                    return EndReport::representative(self.snapshot, *id, of);
                }
                let whole = match &*object.kind {
                    "Namespace" => object.name.to_string(),
                    _ => object.to_string(),
                };
                let pods: Vec<String> = match part {
                    Part::Pods(pods) => pods.iter().map(|end| self.pod_name(*end)).collect(),
                    _ => Vec::new(),
                };
                let label = match pods.as_slice() {
                    [] => whole,
                    [one] => format!("{whole} ({one})"),
                    [first, ..] => {
                        format!("{whole} ({} of {total} pods: {first}, …)", pods.len())
                    }
                };
                let mut end = EndReport { pods, ..EndReport::of(label, object) };
                // A row of a namespace is found by it too.
                if end.is("Namespace") {
                    end.namespace.clone_from(&end.name);
                }
                end
            }
        }
    }

    /// The first pod of a party at the source (egress) or destination of rows that is known.
    pub(super) fn known(&self, direction: Direction, party: Party) -> Option<PodId> {
        let Party::Group(id) = party else { return None };
        let mut members = self.groups(direction).group(id).members.ends();
        members.find_map(|end| match end {
            End::Pod(id) if self.snapshot.representative(id).is_none() => Some(id),
            _ => None,
        })
    }

    /// The pod that a party is, where it is written nowhere.
    pub(super) fn supposed(&self, direction: Direction, party: Party) -> Option<PodId> {
        let Party::Group(id) = party else { return None };
        self.groups(direction).group(id).representative
    }

    /// Whether a pod that is written nowhere is in a namespace of which nothing is here either.
    pub(super) fn is_elsewhere(&self, id: PodId) -> bool {
        self.elsewhere.get_or_init(|| elsewhere(self.snapshot, self.rules)).contains(&id)
    }

    /// Everyone who was asked for at the source (egress) or destination of rows.
    pub(super) fn groups(&self, direction: Direction) -> &Groups {
        match direction {
            Direction::Egress => self.sources,
            Direction::Ingress => self.destinations,
        }
    }

    fn pod_name(&self, end: End) -> String {
        match end {
            End::Pod(id) => self.snapshot.pod(id).name.to_string(),
            End::Node(node) => self.snapshot.nodes[node].name.to_string(),
            End::Address(address) => address.to_string(),
        }
    }

    /// Whether a row has the port that is asked for, at its own destinations.
    fn has_port(&self, row: &Merged) -> bool {
        if self.asked.to.is_none() && self.asked.port.is_none() {
            return true;
        }
        let meets = |ports: &PortSet| !ports.intersection(&row.ports).is_empty();
        let ends = pods(self.destinations, &row.destination);
        if let (Some(to), Party::Group(_)) = (&self.asked.to, row.destination.0)
            && !ends.iter().any(|end| match to.get(end) {
                Some(Some(ports)) => meets(ports),
                other => other.is_some(),
            })
        {
            return false;
        }
        let Some(wanted) = &self.asked.port else { return true };
        let protocols = Protocol::ALL.into_iter();
        let protocols = protocols.filter(|p| wanted.protocol.is_none_or(|wanted| wanted == *p));
        match &wanted.port {
            PortText::Number(number) => {
                let protocols: Vec<Protocol> = protocols.collect();
                let numbers = protocols.iter().map(|protocol| (*protocol, (*number).into()));
                // A pod that nobody has written may call any number so.
                let called = |id: PodId| {
                    let (_, names) = self.named.split(self.snapshot, id, &row.ports);
                    names.iter().any(|name| {
                        protocols.iter().any(|protocol| name.ends_with(&format!("/{protocol}")))
                    })
                };
                meets(&PortSet::of(numbers))
                    || self.supposed(Direction::Ingress, row.destination.0).is_some_and(called)
            }
            PortText::Name(name) => {
                let protocols: Vec<Protocol> = protocols.collect();
                let called = |id: usize| {
                    self.snapshot.pod(id).ports.iter().any(|declared| {
                        let Port { protocol, .. } = declared.port;
                        declared.name.as_deref() == Some(name.as_str())
                            && protocols.contains(&protocol)
                            && row.ports.contains(declared.port)
                    })
                };
                match row.destination.0 {
                    Party::Group(_) => {
                        ends.iter().any(|end| matches!(end, End::Pod(id) if called(*id)))
                    }
                    Party::Outside => false,
                    Party::Anyone | Party::EveryPod => (0..self.snapshot.pods().len()).any(called),
                }
            }
        }
    }
}

/// What must hold for a row that passes on a condition.
fn conditions(row: &Merged, why: &Why) -> Vec<String> {
    if row.holds != Holds::Conditionally {
        return Vec::new();
    }
    let mut words: Vec<String> = Vec::new();
    for condition in &why.conditions {
        if !words.iter().any(|known| **known == *condition.words) {
            words.push(condition.words.to_string());
        }
    }
    if words.is_empty() { vec!["what `explain` tells".to_owned()] } else { words }
}

/// The pods or nodes of a row's end.
pub(super) fn pods(groups: &Groups, (party, part): &(Party, Part)) -> Vec<End> {
    match (party, part) {
        (Party::Group(_), Part::Pods(pods)) => pods.clone(),
        (Party::Group(id), _) => groups.group(*id).members.ends().collect(),
        _ => Vec::new(),
    }
}
