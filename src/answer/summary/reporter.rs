//! Sums up a snapshot and its rules by namespace.

use super::{
    DirectionSummary, Isolation, NamespaceSummary, PolicySummary, RuleSummary, SummaryReport,
};
use crate::answer::missing::{dead, missing, named};
use crate::answer::place::{Locate, Location};
use crate::answer::standing::PlaceReport;
use crate::answer::vocabulary::{ApiVersion, OrderedTier, SummaryKind};
use crate::answer::{rule_words, warnings, words};
use crate::cluster::{ObjectRef, Pod, PodId, Port, Selector, Snapshot, TargetPort, Truth};
use crate::ends::names;
use crate::policy::rule::{
    Action, Direction, Entry, Namespaces, PeerKind, Peers, PodSet, Policy, PortMatch, Ports,
};
use crate::policy::{Enforcement, Remark, Ruleset};
use crate::unwritten;
use crate::verdict::{Closed, closed};
use foldhash::{HashMap, HashMapExt as _};
use std::collections::{BTreeMap, BTreeSet};

impl SummaryReport {
    /// Sums up every namespace, or `only` one. With `places` every rule has its place, for which
    /// each is looked up again; warnings always have theirs.
    pub fn new(
        snapshot: &Snapshot,
        rules: &Ruleset,
        only: Option<&str>,
        places: bool,
        locate: &Locate<'_>,
    ) -> Self {
        let reporter = Reporter { snapshot, rules, places, locate };
        let wanted = |name: &&str| only.is_none_or(|only| only == *name);
        let real = snapshot.namespaces().filter(|namespace| !namespace.supposed);
        let namespaces: Vec<&str> = real.map(|namespace| &*namespace.name).filter(wanted).collect();
        let cluster_scoped = |remark: &Remark| remark.object.namespace.is_none();
        let mut warnings = warnings::remarks(rules, cluster_scoped, locate);
        warnings.extend(warnings::gaps(snapshot));
        let missing = missing(snapshot, rules, None, false);
        Self {
            api_version: ApiVersion,
            kind: SummaryKind,
            clusterwide: reporter.clusterwide(&namespaces),
            namespaces: namespaces.into_iter().map(|name| reporter.namespace(name)).collect(),
            dead: dead(&unwritten::dead(rules)),
            complete: missing.is_empty(),
            missing,
            notes: words::enforcement(rules).into_iter().chain(staged(rules)).collect(),
            warnings,
        }
    }
}

/// What is staged, where it counts for nothing.
fn staged(rules: &Ruleset) -> Option<String> {
    let (is, it) = match rules.aside.len() {
        0 => return None,
        1 => ("is", "it"),
        _ => ("are", "they"),
    };
    let names = named(rules.aside.iter().map(ToString::to_string));
    Some(format!("{names} {is} staged, not in force: diff --staged says what {it} would change"))
}

pub(super) struct Reporter<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) rules: &'a Ruleset,
    places: bool,
    locate: &'a Locate<'a>,
}

/// The pods of a namespace on the pod network, by workload.
type Workloads = BTreeMap<ObjectRef, Vec<PodId>>;

/// Pods by their labels, so that few are tried for each policy.
struct ByLabel<'a> {
    all: Vec<PodId>,
    having: HashMap<(&'a str, &'a str), Vec<PodId>>,
    /// Some labels are not known, so that any policy may select a pod.
    open: bool,
}

impl<'a> ByLabel<'a> {
    fn new(snapshot: &'a Snapshot, pods: impl Iterator<Item = PodId>) -> Self {
        let all: Vec<PodId> = pods.collect();
        let mut having: HashMap<_, Vec<PodId>> = HashMap::new();
        for id in &all {
            for label in snapshot.pod(*id).labels.iter() {
                having.entry(label).or_default().push(*id);
            }
        }
        let open = all.iter().any(|id| !snapshot.pod(*id).unknown_labels.is_empty());
        Self { all, having, open }
    }

    /// Those that a selector may select, in their order.
    fn candidates<'s>(&'s self, selector: &'s Selector) -> &'s [PodId] {
        match selector.one_label() {
            Some(label) if !self.open => self.having.get(&label).map_or(&[], Vec::as_slice),
            _ => &self.all,
        }
    }
}

impl Reporter<'_> {
    fn namespace(&self, name: &str) -> NamespaceSummary {
        let mut workloads = Workloads::new();
        let mut host_network = BTreeSet::new();
        for (id, pod) in self.snapshot.pods_in(name).filter(|(_, pod)| !pod.finished) {
            let workload = names::workload(self.snapshot, pod);
            if pod.host_network {
                host_network.insert(workload.to_string());
            } else {
                workloads.entry(workload).or_default().push(id);
            }
        }
        let in_force = Direction::ALL.into_iter().flat_map(|d| self.policies_of(name, d));
        let in_force = in_force.filter(|policy| policy.is_judged());
        let in_force: BTreeSet<&ObjectRef> = in_force.map(|policy| &policy.object).collect();
        let replicas = |id: &PodId| {
            let pod = self.snapshot.pod(*id);
            let owner = pod.owner.filter(|_| pod.template);
            owner.map_or(Some(1), |owner| self.snapshot.workloads[owner].replicas)
        };
        let pods = workloads.values().flatten().map(replicas);
        let here = |remark: &Remark| remark.object.namespace.as_deref() == Some(name);
        NamespaceSummary {
            name: name.to_owned(),
            policies: in_force.len(),
            policies_unread: Direction::ALL.iter().any(|it| self.is_unread(name, *it)),
            workloads: workloads.len(),
            pods: pods.sum::<Option<u32>>().and_then(|pods| usize::try_from(pods).ok()),
            host_network: host_network.into_iter().collect(),
            ingress: self.direction(name, Direction::Ingress, &workloads),
            egress: self.direction(name, Direction::Egress, &workloads),
            warnings: warnings::remarks(self.rules, here, self.locate),
        }
    }

    /// The policies that may speak for pods of a namespace.
    fn policies_of(&self, namespace: &str, direction: Direction) -> impl Iterator<Item = &Policy> {
        let place = self.snapshot.namespace(namespace);
        let here = move |policy: &&Policy| match &policy.subject.namespaces {
            Namespaces::Own(own) => **own == *namespace,
            Namespaces::Matching(selector) => {
                place.is_none_or(|place| !place.matches(selector).is_no())
            }
        };
        self.rules.candidates(namespace, direction).map(|(_, policy)| policy).filter(here)
    }

    /// Whether something else may decide: policies that could not be read, or are not judged.
    fn is_unread(&self, namespace: &str, direction: Direction) -> bool {
        let mut of_it = self.policies_of(namespace, direction);
        self.rules.is_unread(namespace) || of_it.any(|policy| policy.not_judged().is_some())
    }

    /// Whether a policy isolates every pod that a namespace has or may come to have.
    fn isolates_all(&self, namespace: &str, policy: &Policy) -> bool {
        let here = match &policy.subject.namespaces {
            Namespaces::Own(own) => **own == *namespace,
            Namespaces::Matching(selector) => {
                let place = self.snapshot.namespace(namespace);
                place.is_some_and(|place| place.matches(selector).is_yes())
            }
        };
        let PodSet { pods, doubt, .. } = &policy.subject;
        policy.isolates && here && pods.is_everything() && doubt.is_none()
    }

    fn direction(
        &self,
        namespace: &str,
        direction: Direction,
        workloads: &Workloads,
    ) -> DirectionSummary {
        let policies = self.policies_of(namespace, direction);
        let mut policies: Vec<&Policy> = policies.filter(|policy| policy.is_judged()).collect();
        policies.sort_by(|a, b| (&a.tier, &a.object).cmp(&(&b.tier, &b.object)));
        let own: Vec<bool> =
            policies.iter().map(|policy| policy.object.namespace.is_some()).collect();
        let place = self.snapshot.namespace(namespace);
        let selects = |policy: &Policy, id: PodId| policy.subject.has(self.snapshot.pod(id), place);
        let mut summary = DirectionSummary {
            isolation: Isolation::None,
            default_deny: false,
            isolated_by: Vec::new(),
            isolated: 0,
            open: Vec::new(),
            partly_denied: Vec::new(),
            unknown: Vec::new(),
            dns_only: false,
            policies: Vec::new(),
            clusterwide: Vec::new(),
        };
        let unread = self.is_unread(namespace, direction);
        for (workload, pods) in workloads {
            let of_pods = pods.iter().map(|id| closed(self.snapshot, self.rules, *id, direction));
            let of_pods: Vec<Closed> = of_pods.collect();
            match Truth::all(of_pods.iter().map(|of_pod| of_pod.isolated)) {
                Truth::Yes => summary.isolated += 1,
                Truth::No => {
                    summary.open.push(workload.to_string());
                    let denied = of_pods.iter().any(|of_pod| of_pod.denied);
                    summary.partly_denied.extend(denied.then(|| workload.to_string()));
                }
                Truth::Unknown => summary.unknown.push(workload.to_string()),
            }
        }
        let (mut of_all, mut of_some) = (Vec::new(), Vec::new());
        let pods = ByLabel::new(self.snapshot, workloads.values().flatten().copied());
        for policy in policies {
            let candidates = pods.candidates(&policy.subject.pods).iter().copied();
            let selected: Vec<PodId> =
                candidates.filter(|id| !selects(policy, *id).is_no()).collect();
            let every = policy.subject.pods.is_everything();
            if self.isolates_all(namespace, policy) {
                of_all.push(words::label(&policy.object));
            } else if policy.isolates && (!selected.is_empty() || workloads.is_empty()) {
                of_some.push(words::label(&policy.object));
            }
            if policy.object.namespace.is_none() {
                summary.clusterwide.push(words::label(&policy.object));
            }
            let selects_no_pod = !every && selected.is_empty() && !workloads.is_empty();
            let subject = rule_words::subject(&policy.subject);
            summary.policies.push(self.policy(policy, subject, &selected, selects_no_pod));
        }
        let (open, unknown) = (summary.open.len(), summary.unknown.len());
        let enforcement = self.rules.cilium().map(|cilium| cilium.enforcement).unwrap_or_default();
        if enforcement == Enforcement::Never {
            (of_all, of_some) = (Vec::new(), Vec::new());
        }
        summary.isolation = match summary.isolated {
            _ if enforcement == Enforcement::Never => Isolation::NotEnforced,
            _ if enforcement == Enforcement::Always || !of_all.is_empty() => Isolation::All,
            0 if unknown > 0 || unread => Isolation::Unknown,
            // Pods that are not known are isolated all the same.
            0 if workloads.is_empty() && !of_some.is_empty() => Isolation::Partial,
            0 => Isolation::None,
            _ if open + unknown == 0 => Isolation::AllWorkloads,
            _ => Isolation::Partial,
        };
        summary.isolated_by = if of_all.is_empty() { of_some } else { of_all };
        summary.default_deny = summary.isolation == Isolation::All;
        let in_use = summary.policies.iter().filter(|policy| !policy.selects_no_pod);
        let allows = |rule: &&RuleSummary| rule.action != Action::Deny;
        let mut rules = in_use.flat_map(|policy| &policy.rules).filter(allows).peekable();
        summary.dns_only =
            summary.default_deny && !unread && rules.peek().is_some() && rules.all(|rule| rule.dns);
        // Those without a namespace are told once, of all namespaces.
        let mut own = own.into_iter();
        summary.policies.retain(|_| own.next() == Some(true));
        summary
    }

    pub(super) fn policy(
        &self,
        policy: &Policy,
        subject: String,
        selected: &[PodId],
        selects_no_pod: bool,
    ) -> PolicySummary {
        let rule = |entry: &Entry| {
            let peers = rule_words::peers(&entry.peers);
            let ports = rule_words::ports(&entry.ports);
            let dns =
                policy.direction == Direction::Egress && rule_words::is_dns(self.snapshot, entry);
            let all = usize::MAX;
            let line = rule_words::line(policy.direction, &subject, &peers, &ports, dns, all);
            let condition = entry.condition.as_ref().map(|condition| condition.words.to_string());
            RuleSummary {
                rule: entry.path.to_string(),
                action: entry.action,
                words: rule_words::acting(entry.action, &line, condition.as_deref()),
                condition,
                peers,
                ports,
                dns,
                notes: match policy.direction {
                    Direction::Ingress => self.service_ports(selected, entry),
                    Direction::Egress => self.service_ports(&self.named_peers(entry), entry),
                },
                location: self.place(policy, &entry.path),
            }
        };
        PolicySummary {
            kind: policy.object.kind.to_string(),
            name: policy.object.name.to_string(),
            tier: OrderedTier::of(&policy.tier),
            priority: words::priority(policy),
            place: PlaceReport::of(&policy.tier),
            isolates: policy.isolates,
            rules: policy.entries.iter().map(rule).collect(),
            subject,
            selects_no_pod,
            location: policy
                .entries
                .is_empty()
                .then(|| self.place(policy, "metadata.name"))
                .flatten(),
        }
    }

    fn place(&self, policy: &Policy, path: &str) -> Option<Location> {
        if self.places { (self.locate)(&policy.origin, path) } else { None }
    }

    /// The pods that a rule names by namespace; to try its labels on a whole cluster is not worth it.
    fn named_peers(&self, entry: &Entry) -> Vec<PodId> {
        let Peers::Of(items) = &entry.peers else { return Vec::new() };
        let mut pods = Vec::new();
        for item in items {
            let PeerKind::Pods(set) = &item.admits else { continue };
            for namespace in rule_words::namespace_names(&set.namespaces).unwrap_or_default() {
                let place = self.snapshot.namespace(namespace);
                let here = self.snapshot.pods_in(namespace).filter(|(_, pod)| {
                    !pod.finished && !pod.host_network && set.has(pod, place).is_yes()
                });
                pods.extend(here.map(|(id, _)| id));
            }
        }
        pods
    }

    /// The ports of a rule that are a Service's where the pod's are meant, in sentences.
    fn service_ports(&self, destinations: &[PodId], entry: &Entry) -> Vec<String> {
        let Ports::Of(items) = &entry.ports else { return Vec::new() };
        let written = items.iter().filter_map(|item| match &item.ports {
            PortMatch::Range(range) if range.first == range.last => {
                Some(Port { protocol: item.protocol, number: range.first })
            }
            _ => None,
        });
        let mut notes = Vec::new();
        for port in written {
            let mut behind: Option<(String, u16)> = None;
            let really_open = destinations.iter().any(|id| {
                let pod = self.snapshot.pod(*id);
                pod.ports.iter().any(|declared| declared.port == port)
                    || self.translations(pod).any(|(service, dialled, number)| {
                        if dialled == port && number != port.number && behind.is_none() {
                            behind = Some((service, number));
                        }
                        dialled.protocol == port.protocol && number == port.number
                    })
            });
            let Some((service, number)) = behind.filter(|_| !really_open) else { continue };
            notes.push(words::service_port_mistake(port.number, &service, number));
        }
        notes
    }

    /// Every Service port that leads to a pod, with the port on the pod.
    fn translations<'a>(&'a self, pod: &'a Pod) -> impl Iterator<Item = (String, Port, u16)> + 'a {
        let services = self.snapshot.services.within(&pod.namespace);
        let services = services.map(|(_, service)| service);
        let of_pod = services.filter(|service| !service.headless && service.selects(&pod.labels));
        of_pod.flat_map(move |service| {
            let label =
                ObjectRef::namespaced("Service", service.namespace.clone(), service.name.clone());
            service.ports.iter().filter_map(move |port| {
                let number = match &port.target {
                    TargetPort::Number(number) => *number,
                    TargetPort::Name(name) => pod.named_ports(name, port.port.protocol).next()?,
                };
                Some((label.to_string(), port.port, number))
            })
        })
    }
}
