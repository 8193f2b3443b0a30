//! Puts an explanation into words and places.
//!
//! In: an [`Explanation`] with the snapshot and rules it speaks of, and a [`Locate`] that finds the
//! place of a field. Out: an [`ExplanationReport`], complete without any of them.

use super::end::EndReport;
use super::explanation::{
    AppliedBy, DirectionReport, ExplanationReport, FlowReport, HopReport, MissReport, NearReport,
    OwnerReport, PolicyReport, RuleReport, WayReport,
};
use super::place::{Locate, short};
use super::standing::PlaceReport;
use super::vocabulary::{ApiVersion, Because, ExplanationKind, OrderedTier};
use super::warnings::{self, Warning};
use super::way::sentence;
use super::words;
use super::words::PeerEnd;
use crate::cluster::{
    ANY_OTHER_NAMESPACE, ObjectRef, Origin, Port, Snapshot, Truth, real_namespace,
};
use crate::ends::{Resolved, Unseen, names};
use crate::policy::rule::{Action, Direction, Entry, Peer, Peers, Policy, Ports};
use crate::policy::{Remark, Ruleset};
use crate::verdict::{
    self, Case, CasePorts, Endpoint, EntryTrace, Explanation, Flow, Judged, Near, NearBy,
    NoSuggestion, PeerMiss, PolicyTrace, PortMiss, Reason, Suggestion, Taken, Trace, UnknownWhy,
    Verdict,
};
use foldhash::HashSet;

impl ExplanationReport {
    /// Puts an explanation into words and places.
    pub fn new(
        explanation: &Explanation,
        snapshot: &Snapshot,
        rules: &Ruleset,
        locate: &Locate<'_>,
    ) -> Self {
        let reporter = Reporter { snapshot, rules, locate, near: true };
        let flows = reporter.flows(explanation);
        let ways = explanation.ways.iter().map(|way| reporter.way(way)).collect();
        let supposed = |endpoint: &Endpoint| match endpoint {
            Endpoint::Pod(id) => snapshot.representative(*id),
            _ => None,
        };
        let end = |end: &Resolved| match (&end.object, end.endpoints.as_slice()) {
            (Some(object), _) => EndReport::of(end.label.clone(), object),
            (None, [one]) if supposed(one).is_some() => {
                EndReport { representative: true, ..EndReport::called(end.label.clone(), None) }
            }
            (None, _) => EndReport::called(end.label.clone(), None),
        };
        let ends = [&explanation.source, &explanation.destination];
        let ends = ends.into_iter().flat_map(|end| &end.endpoints);
        let mut representatives: Vec<EndReport> =
            ends.filter_map(supposed).map(|of| EndReport::supposed(of, None)).collect();
        representatives.dedup();
        let mut notes = words::enforcement(rules);
        notes.extend(explanation.notes.iter().cloned());
        if explanation.family_unknown {
            notes.push(
                "IPv4 and IPv6 differ, and which one the pods use is not known: \
                 say where pods are with --pod-cidr"
                    .to_owned(),
            );
        }
        Self {
            api_version: ApiVersion,
            kind: ExplanationKind,
            verdict: explanation.verdict().into(),
            source: end(&explanation.source),
            destination: end(&explanation.destination),
            missing: reporter.missing(explanation.closed_hop().map_or(explanation, |(_, hop)| hop)),
            next: None,
            complete: true,
            not_looked_at: Vec::new(),
            representatives,
            flows,
            ways,
            notes,
            observed: None,
            deliveries: Vec::new(),
            warnings: reporter.warnings(explanation),
            suggestions: Vec::new(),
        }
    }

    /// Says what to do next about what is denied.
    pub fn set_next(&mut self, suggestions: &Result<Vec<Suggestion>, NoSuggestion>) {
        self.next = match suggestions {
            Ok(_) => {
                Some("Add --suggest to print the smallest policies that would allow it.".to_owned())
            }
            Err(NoSuggestion::AllAllowed | NoSuggestion::NothingThere) => None,
            Err(why) => Some(format!("Nothing to suggest: {why}.")),
        };
    }

    /// Says what was not looked at to the end.
    pub fn set_not_looked_at(&mut self, missing: Vec<String>) {
        self.complete = missing.is_empty();
        let sentence = |what: &String| {
            let mut letters = what.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>())
        };
        self.notes.extend(missing.iter().filter_map(sentence));
        self.not_looked_at = missing;
    }

    /// Where the rule is written that denies, if one does.
    pub fn refused_at(&self) -> Option<String> {
        let mut directions = self.flows.iter().flat_map(|flow| [&flow.egress, &flow.ingress]);
        let denied = directions.find(|direction| direction.reason == Because::Refused)?;
        let policy = denied.policies.first()?;
        if let Some(location) = &policy.location {
            return Some(location.to_string());
        }
        if let Some(OwnerReport { kind, namespace, name }) = &policy.owner {
            let namespace = namespace.as_ref().map_or(String::new(), |n| format!("{n}/"));
            return Some(format!("owned by {kind} {namespace}{name}"));
        }
        policy.applied_by.as_ref().map(|applied| format!("applied by {}", applied.manager))
    }

    /// Adds what `--suggest` asks for.
    pub fn add_suggestions(&mut self, suggestions: &[Suggestion]) {
        self.suggestions = suggestions.iter().map(|suggestion| suggestion.policy.clone()).collect();
        for note in suggestions.iter().flat_map(|suggestion| &suggestion.notes) {
            if !self.notes.contains(note) {
                self.notes.push(note.clone());
            }
        }
    }
}

/// One case in words and places.
pub(super) fn flow_report(
    snapshot: &Snapshot,
    rules: &Ruleset,
    locate: &Locate<'_>,
    case: &Case,
) -> FlowReport {
    Reporter { snapshot, rules, locate, near: false }.flow(case, true)
}

struct Reporter<'a> {
    snapshot: &'a Snapshot,
    rules: &'a Ruleset,
    locate: &'a Locate<'a>,
    /// Near misses are told.
    near: bool,
}

/// What a direction is explained with.
struct View<'a> {
    subject: String,
    peer: String,
    peer_end: PeerEnd,
    destination: String,
    port: Port,
    /// Ports of Services that lead to `port` of the destination, each with its Service.
    service_ports: &'a [(Port, String)],
    trace: &'a Trace,
    flow: &'a Flow,
    /// No policy judges the flow in either direction.
    open: bool,
}

impl Reporter<'_> {
    fn flows(&self, explanation: &Explanation) -> Vec<FlowReport> {
        let alone = explanation.cases.iter().all(|case| matches!(case.ports, CasePorts::AnyOther));
        let counted: HashSet<*const Case> =
            explanation.counted().into_iter().map(std::ptr::from_ref).collect();
        let of = |case: &Case| {
            let counted = counted.contains(&std::ptr::from_ref(case));
            FlowReport { counted, ..self.flow(case, alone) }
        };
        explanation.cases.iter().map(of).collect()
    }

    fn way(&self, way: &Taken) -> WayReport {
        let hops = way.hops.iter().map(|hop| {
            let (message, flows, notes) = match &hop.judged {
                Judged::ByPolicies(_, explanation) => {
                    (None, self.flows(explanation), explanation.notes.clone())
                }
                Judged::Otherwise(_, why) => (Some(why.clone()), Vec::new(), Vec::new()),
            };
            let (from, to, by) = (hop.from.clone(), hop.to.clone(), hop.by.clone());
            HopReport { from, to, by, verdict: hop.verdict().into(), message, flows, notes }
        });
        WayReport {
            by: way.by.clone(),
            verdict: way.verdict().into(),
            message: sentence(way),
            hops: hops.collect(),
        }
    }

    fn flow(&self, case: &Case, alone: bool) -> FlowReport {
        let name = |endpoints: &[Endpoint]| names::endpoints(self.snapshot, endpoints);
        let (source, destination) = (name(&case.sources), name(&case.destinations));
        let service_ports = self.service_ports(case);
        let peer_end = |endpoints: &[Endpoint]| match endpoints.first() {
            Some(Endpoint::Pod(_)) => PeerEnd::Pod,
            _ => PeerEnd::Other,
        };
        let (from, to) = (peer_end(&case.sources), peer_end(&case.destinations));
        let named = |end: &Endpoint| {
            let one = std::slice::from_ref(end);
            (names::endpoint(self.snapshot, end), peer_end(one))
        };
        let judged = [&case.judgement.egress, &case.judgement.ingress];
        let open = judged.iter().all(|trace| {
            !trace.policies.iter().any(|policy| policy.isolates)
                && trace.verdict == Verdict::Allowed
        });
        let view = |trace, subject: &str, flow| View {
            subject: subject.to_owned(),
            peer: String::new(),
            peer_end: PeerEnd::Other,
            destination: destination.clone(),
            port: case.flow.port,
            service_ports: &service_ports,
            trace,
            flow,
            open,
        };
        // Each side has the other as its policies see it.
        let reading = case.reading.as_ref();
        let out = reading.map_or(&case.flow, |reading| &reading.out);
        let into = reading.map_or(&case.flow, |reading| &reading.into);
        let mut egress = view(&case.judgement.egress, &source, out);
        (egress.peer, egress.peer_end, egress.port) = (destination.clone(), to, out.port);
        if out.destination != case.flow.destination {
            (egress.peer, egress.peer_end) = named(&out.destination);
            egress.destination.clone_from(&egress.peer);
        }
        let mut ingress = view(&case.judgement.ingress, &destination, into);
        (ingress.peer, ingress.peer_end, ingress.port) = (source.clone(), from, into.port);
        if into.source != case.flow.source {
            (ingress.peer, ingress.peer_end) = named(&into.source);
        }
        let (port, ports) = match &case.ports {
            CasePorts::One(port) => (Some(*port), port.to_string()),
            CasePorts::Ranges(ranges) => {
                let shown: Vec<_> =
                    ranges.iter().map(|(protocol, range)| format!("{range}/{protocol}")).collect();
                (None, shown.join(", "))
            }
            CasePorts::AnyOther if alone => (None, "any port".to_owned()),
            CasePorts::AnyOther => (None, "any other port".to_owned()),
        };
        let each = |endpoints: &[Endpoint]| {
            endpoints.iter().map(|endpoint| names::endpoint(self.snapshot, endpoint)).collect()
        };
        FlowReport {
            verdict: case.judgement.verdict,
            from: each(&case.sources),
            to: each(&case.destinations),
            port: port.map(|port| port.number),
            protocol: port.map(|port| port.protocol),
            ports,
            service_port: case.dialled.map(|port| port.number),
            family: case.family,
            reading: reading.and_then(|reading| reading.words.clone()),
            egress: self.direction(&egress),
            ingress: self.direction(&ingress),
            undeclared: case.ports.is_undeclared(),
            counted: true,
        }
    }

    /// The Service ports that lead to the port of a case: what its author may have meant.
    fn service_ports(&self, case: &Case) -> Vec<(Port, String)> {
        let (Some(Endpoint::Pod(id)), CasePorts::One(port)) =
            (case.destinations.first(), &case.ports)
        else {
            return Vec::new();
        };
        let pod = self.snapshot.pod(*id);
        let services = self.snapshot.services.within(&pod.namespace);
        let services = services.map(|(_, service)| service);
        let services = services.filter(|service| !service.headless && service.selects(&pod.labels));
        let mut found = Vec::new();
        for service in services {
            let label =
                ObjectRef::namespaced("Service", service.namespace.clone(), service.name.clone());
            found.extend(
                service
                    .ports
                    .iter()
                    .filter(|p| p.port != *port && p.leads_to(pod, *port))
                    .map(|p| (p.port, label.to_string())),
            );
        }
        found
    }

    fn direction(&self, view: &View<'_>) -> DirectionReport {
        let trace = view.trace;
        let mut order: Vec<&PolicyTrace> = trace.policies.iter().collect();
        let decides = |policy: &PolicyTrace| {
            trace.decided_by.is_some_and(|(decisive, _)| decisive == policy.policy)
        };
        // Those that isolate before those that only would allow or deny more.
        // In tiers with names they stay in the order in which they are asked.
        let named = |policy: &PolicyTrace| policy.tier.position().is_some();
        order.sort_by_key(|policy| {
            let rank = (!named(policy)).then(|| (policy.isolates, policy.nearness()));
            std::cmp::Reverse((decides(policy), rank))
        });
        let mut not_judged: Vec<&ObjectRef> = Vec::new();
        // What is not judged stands in several tiers, for whatever it may do.
        order.retain(|trace| {
            let policy = self.rules.policy(trace.policy);
            let again = not_judged.contains(&&policy.object);
            not_judged.extend(policy.not_judged().map(|_| &policy.object));
            !again
        });
        let policies: Vec<_> = order.into_iter().map(|policy| self.policy(view, policy)).collect();
        let decided_by = policies.first().map(|policy| match &policy.rule {
            Some(rule) => format!("{} {}", policy.label(), short(rule)),
            None => policy.label(),
        });
        let isolating = || {
            let isolating = trace.policies.iter().filter(|policy| policy.isolates);
            Truth::any(isolating.map(|policy| policy.selects))
        };
        let isolated = match trace.reason {
            Reason::Unknown(UnknownWhy::PoliciesUnread) => isolating().or(Truth::Unknown),
            Reason::Admitted
            | Reason::Refused
            | Reason::NoneAdmits
            | Reason::Tie
            | Reason::Unknown(_) => isolating(),
            _ => Truth::No,
        };
        DirectionReport {
            verdict: trace.verdict,
            subject: view.subject.clone(),
            isolated,
            reason: trace.reason.into(),
            message: unseen(view).map_or_else(
                || words::direction(trace, self.rules, &view.peer, decided_by.as_deref()),
                ToOwned::to_owned,
            ),
            conditions: trace.conditions.iter().map(|c| c.words.to_string()).collect(),
            policies,
            near: self.near(view),
        }
    }

    /// Policies that would decide if they were written a little differently.
    fn near(&self, view: &View<'_>) -> Vec<NearReport> {
        if !self.near {
            return Vec::new();
        }
        let near = verdict::near(self.snapshot, self.rules, view.flow, view.trace, view.open);
        let report = |near: Near| {
            let policy = self.rules.policy(near.policy);
            let object = &policy.object;
            let message = words::near(&near.by, policy, &view.subject);
            let field = match &near.by {
                NearBy::Subject(PeerMiss::PodLabels(mismatch)) => {
                    mismatch.wanted.path().unwrap_or_else(|| "metadata.name".to_owned())
                }
                NearBy::Elsewhere(_) => "metadata.namespace".to_owned(),
                _ => "metadata.name".to_owned(),
            };
            let rule = near.entry.and_then(|entry| policy.entries.get(entry));
            NearReport {
                kind: object.kind.to_string(),
                namespace: object.namespace.as_deref().map(Into::into),
                name: object.name.to_string(),
                rule: rule.map(|rule| rule.path.to_string()),
                message,
                location: (self.locate)(&policy.origin, &field),
                field,
            }
        };
        near.into_iter().map(report).collect()
    }

    fn policy(&self, view: &View<'_>, trace: &PolicyTrace) -> PolicyReport {
        let policy = self.rules.policy(trace.policy);
        let object = &policy.object;
        let nearest = trace.told();
        let mut report = PolicyReport {
            kind: object.kind.to_string(),
            namespace: object.namespace.as_deref().map(Into::into),
            name: object.name.to_string(),
            tier: OrderedTier::of(&policy.tier),
            priority: words::priority(policy),
            place: PlaceReport::of(&policy.tier),
            isolates: policy.isolates,
            selects: trace.selects,
            admits: trace.admits,
            denies: (!trace.denies.is_no()).then_some(trace.denies),
            rule: None,
            action: None,
            message: words::without_rules(policy),
            peer: None,
            port: None,
            service_port_mistake: false,
            field: "metadata.name".to_owned(),
            location: None,
            applied_by: None,
            owner: None,
            rules: Vec::new(),
        };
        if let Origin::Live { applied, owner } = &policy.origin {
            report.applied_by = applied.as_deref().map(|applied| AppliedBy {
                manager: applied.manager.to_string(),
                time: applied.time.as_deref().map(Into::into),
            });
            report.owner = owner.as_deref().map(|owner| OwnerReport {
                kind: owner.kind.to_string(),
                namespace: owner.namespace.as_deref().map(Into::into),
                name: owner.name.to_string(),
            });
        }
        if let Some(does) = policy.not_judged() {
            report.message = format!("not judged: it {}", does.words());
            (report.tier, report.priority) = (None, None);
            report.location = (self.locate)(&policy.origin, &report.field);
            return report;
        }
        if let Some((index, entry_trace)) = nearest {
            let entry = &policy.entries[index];
            let (peer, port) = misses(view, entry, entry_trace);
            // Which of several peers it is that matches is told by its place.
            let item = match &entry.peers {
                Peers::Of(items) if items.len() > 1 && entry_trace.peer.is_yes() => {
                    entry_trace.peer_item.and_then(|at| items.get(at))
                }
                _ => None,
            };
            let itself =
                || item.map_or_else(|| entry.path.to_string(), |item| item.path.to_string());
            report.field = port
                .as_ref()
                .filter(|_| peer.is_none())
                .or(peer.as_ref())
                .map_or_else(itself, |miss| miss.path.clone());
            report.rule = Some(entry.path.to_string());
            report.action = Some(entry.action);
            report.message = entry_message(policy, entry_trace, peer.as_ref(), port.as_ref());
            if words::only_denies(policy) && trace.denies.is_no() {
                words::DENIES_AND_ISOLATES.clone_into(&mut report.message);
                (report.peer, report.port) = (None, None);
            }
            report.service_port_mistake = entry_trace.port.is_no()
                && words::service_port(entry, view.service_ports).is_some();
            (report.peer, report.port) = (peer, port);
            let rules = policy.entries.iter().zip(&trace.entries).map(|(entry, entry_trace)| {
                let (peer, port) = misses(view, entry, entry_trace);
                RuleReport {
                    rule: entry.path.to_string(),
                    action: entry.action,
                    matches: entry_trace.matches(),
                    message: entry_message(policy, entry_trace, peer.as_ref(), port.as_ref()),
                }
            });
            report.rules = rules.collect();
        }
        if let Some(doubt) = &trace.doubt {
            let first = policy.tier.position().is_some_and(|position| !position.settled);
            let why = policy.subject.doubt.as_deref().filter(|_| first);
            let how = why.map_or_else(
                || {
                    let why = words::peer_miss(doubt, &view.subject, words::PeerEnd::Pod);
                    format!("may isolate {} ({why})", view.subject)
                },
                |why| format!("perhaps comes first ({why})"),
            );
            report.message = format!("{how}: {}", report.message);
        }
        report.location = (self.locate)(&policy.origin, &report.field);
        report
    }

    /// The namespaces in which egress and ingress are denied, in words.
    fn missing(&self, explanation: &Explanation) -> Option<String> {
        let namespace = |endpoint: Option<&Endpoint>| match endpoint {
            Some(Endpoint::Pod(id)) => {
                let name = real_namespace(&self.snapshot.pod(*id).namespace);
                let of = self.snapshot.representative(*id);
                // That of any other namespace is no name.
                let named = of.is_none_or(|of| of.words.contains(name));
                Some(if named { name } else { ANY_OTHER_NAMESPACE }.to_owned())
            }
            _ => None,
        };
        let counted = explanation.counted();
        let denied = |trace: fn(&Case) -> &Trace, ends: fn(&Case) -> &[Endpoint]| {
            let mut cases = counted.iter();
            // Where a rule denies, none is missing.
            let lacks =
                |trace: &Trace| trace.verdict == Verdict::Denied && trace.reason != Reason::Refused;
            let case = cases.find(|case| lacks(trace(case)))?;
            namespace(ends(case).first())
        };
        let egress = denied(|case| &case.judgement.egress, |case| &case.sources);
        let ingress = denied(|case| &case.judgement.ingress, |case| &case.destinations);
        words::missing(egress.as_deref(), ingress.as_deref())
    }

    /// Remarks on policies of the two namespaces, and what was not read at all.
    fn warnings(&self, explanation: &Explanation) -> Vec<Warning> {
        let mut namespaces: Vec<&str> = Vec::new();
        for case in explanation.parts().flat_map(|part| &part.cases) {
            for endpoint in case.sources.iter().chain(&case.destinations) {
                let Endpoint::Pod(id) = endpoint else { continue };
                let namespace = &*self.snapshot.pod(*id).namespace;
                if !namespaces.contains(&namespace) {
                    namespaces.push(namespace);
                }
            }
        }
        let here = |remark: &Remark| {
            let namespace = remark.object.namespace.as_deref();
            namespace.is_none_or(|namespace| namespaces.contains(&namespace))
        };
        let mut warnings = warnings::remarks(self.rules, here, self.locate);
        warnings.extend(warnings::gaps(self.snapshot));
        warnings
    }
}

/// What is said of a subject of which only its part in traffic is known.
fn unseen(view: &View<'_>) -> Option<&'static str> {
    let subject = match view.trace.direction {
        Direction::Egress => &view.flow.source,
        Direction::Ingress => &view.flow.destination,
    };
    match subject {
        Endpoint::Unseen(Unseen::IngressController) => {
            Some("its pods are not known here, so neither are policies for them")
        }
        Endpoint::Unseen(Unseen::CiliumProxy) => {
            Some("Cilium's own, so that no policy for pods selects it")
        }
        _ => None,
    }
}

/// What in a rule does not match, peer and port.
fn misses(
    view: &View<'_>,
    entry: &Entry,
    trace: &EntryTrace,
) -> (Option<MissReport>, Option<MissReport>) {
    let peer = trace.peer_miss.as_ref().map(|miss| {
        let item = match (&entry.peers, trace.peer_item) {
            (Peers::Of(items), Some(at)) => items.get(at),
            _ => None,
        };
        let path = item.map_or_else(|| entry.path.to_string(), |item| within_peer(item, miss));
        MissReport { path, message: words::peer_miss(miss, &view.peer, view.peer_end) }
    });
    let port = trace.port_miss.as_ref().map(|miss| {
        let item = match (&entry.ports, trace.port_item) {
            (Ports::Of(items), Some(at)) => items.get(at),
            _ => None,
        };
        let path = match (item, miss) {
            (None, _) | (_, PortMiss::NoPort) => entry.path.to_string(),
            (Some(item), PortMiss::Protocol { .. }) => item.protocol_path(),
            (Some(item), _) => item.port_path(),
        };
        let message =
            words::port_miss(miss, entry, view.port, view.service_ports, &view.destination);
        MissReport { path, message }
    });
    (peer, port)
}

/// The field of a peer item that decides, as far as it is written.
fn within_peer(item: &Peer, miss: &PeerMiss) -> String {
    match miss {
        PeerMiss::NamespaceLabels { mismatch, .. }
        | PeerMiss::PodLabels(mismatch)
        | PeerMiss::NodeLabels(mismatch) => {
            mismatch.wanted.path().unwrap_or_else(|| item.path.to_string())
        }
        PeerMiss::Excepted { address, .. } => item.except_path(*address),
        PeerMiss::OutsideBlock { .. }
        | PeerMiss::OtherFamily(_)
        | PeerMiss::AddressUnknown(_)
        | PeerMiss::OutsidePodNetworks(_) => item.cidr_path(),
        _ => item.path.to_string(),
    }
}

fn entry_message(
    policy: &Policy,
    trace: &EntryTrace,
    peer: Option<&MissReport>,
    port: Option<&MissReport>,
) -> String {
    let means_no_one = trace.peer_miss == Some(PeerMiss::NoOne);
    match (peer, port) {
        (Some(peer), _) if means_no_one && trace.action == Action::Allow => {
            format!("{}, so it only isolates", peer.message)
        }
        (None, None) => words::does(&policy.tier, trace.action).to_owned(),
        (Some(peer), None) if trace.peer == Truth::Unknown => {
            format!("{}: {}", words::may_do(trace.action), peer.message)
        }
        (Some(peer), None) => format!("port matches; {}", peer.message),
        (None, Some(port)) => format!("peer matches; {}", port.message),
        (Some(peer), Some(port)) => format!("{}; {}", peer.message, port.message),
    }
}
