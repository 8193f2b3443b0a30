//! All policies in the one form, with the index by namespace that keeps look-ups small.

use super::calico::{Ties, enforce, is_after_default, placed, ties, widened};
use super::dialect::Around;
use super::identity::not_for_dns;
use super::lowered::{Fault, Lowered, Remark};
use super::rule::{Direction, Entry, Namespaces, PeerKind, Peers, PodSet, Policy, Tier};
use super::variables::only_unfilled;
use super::{Calico, Cilium, Enforcer, LabelFilter, OtherObject, WrittenObject};
use crate::cluster::{
    Gap, NAMESPACE_NAME_LABEL, Name, ObjectRef, Operator, Origin, Requirement, Snapshot,
    real_namespace,
};
use crate::kinds::{EnforcedBy, Kind, Role};
use crate::lints::Lint;
use foldhash::{HashMap, HashMapExt as _, HashSet};
use std::collections::BTreeSet;

/// Policy objects as read, before anything is made of them.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// Policies, and what they name.
    pub objects: Vec<WrittenObject>,
    /// Policy objects whose fields do not even have the right names and types.
    pub undecodable: Vec<Remark>,
    /// Objects that bear on traffic and are not judged.
    pub others: Vec<OtherObject>,
    /// What could not be read.
    pub unread: Unread,
    /// What is to be said of staged policies, where these count as if they were in force.
    pub staged: Option<Vec<Remark>>,
}

/// Policies that could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// Namespaces that may have NetworkPolicies which could not be read: they may isolate and admit.
    pub network_policies: BTreeSet<Name>,
    /// Namespaces that may have policies which could not be read and may deny.
    pub denials: BTreeSet<Name>,
    /// Policies for the whole cluster could not be read, which may do anything.
    pub cluster_wide: bool,
}

impl Unread {
    /// Adds what else could not be read.
    pub fn extend(&mut self, other: Self) {
        self.network_policies.extend(other.network_policies);
        self.denials.extend(other.denials);
        self.cluster_wide |= other.cluster_wide;
    }
}

impl Written {
    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len() + self.undecodable.len()
    }

    /// Whether nothing is written at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Counts staged policies as if they were in force.
    ///
    /// Source: docs/semantics/calico.md#staged-policies.
    pub fn enforce_staged(&mut self) {
        self.staged = Some(enforce(&mut self.objects, &mut self.undecodable));
    }

    /// Where some policies are Cilium's and others Calico's, counts the latter as ones that were not
    /// read, and says so: only one of the two enforces its own.
    pub fn contested(&mut self) -> Option<Gap> {
        let is = |object: &ObjectRef, by: EnforcedBy| {
            let role = Kind::named(&object.kind).map(Kind::role);
            matches!(role, Some(Role::Policy(_, of)) if of == by)
        };
        let written = self.objects.iter().map(|it| &it.object);
        let all: Vec<&ObjectRef> =
            written.chain(self.undecodable.iter().map(|it| &it.object)).collect();
        let of = |by| all.iter().filter(move |it| is(it, by)).copied();
        of(EnforcedBy::Cilium).next()?;
        of(EnforcedBy::Calico).next()?;
        for object in of(EnforcedBy::Calico) {
            match &object.namespace {
                Some(namespace) => _ = self.unread.denials.insert(namespace.clone()),
                None => self.unread.cluster_wide = true,
            }
        }
        self.objects.retain(|it| !is(&it.object, EnforcedBy::Calico));
        let why = "beside Cilium's, and only one of the two enforces its own: give --enforcer cilium or \
                   --enforcer calico";
        Some(Gap::new("policies of Calico", why))
    }

    /// Who probably enforces them, where nothing else is known: Cilium or Calico, if some are its own.
    pub fn enforcer(&self) -> Enforcer {
        let undecodable = self.undecodable.iter().filter_map(|it| Kind::named(&it.object.kind));
        let kinds = self.objects.iter().filter_map(WrittenObject::kind).chain(undecodable);
        let kinds: BTreeSet<Kind> = kinds.collect();
        let has = |by: EnforcedBy| {
            kinds.iter().any(|kind| match kind.role() {
                Role::Policy(_, of) => of == by,
                // What is staged is there because Calico is.
                Role::Reference(EnforcedBy::Calico) => {
                    by == EnforcedBy::Calico && self.staged.is_some()
                }
                Role::Reference(_) | Role::Fact | Role::Workload => false,
            })
        };
        if has(EnforcedBy::Cilium) {
            Enforcer::Cilium(Cilium::default())
        } else if has(EnforcedBy::Calico) {
            Enforcer::Calico(Calico::default())
        } else {
            Enforcer::Kubernetes
        }
    }
}

/// A policy's index in [`Ruleset::policies`].
pub type PolicyId = usize;

/// What is in force.
#[derive(Clone, Debug, Default)]
pub struct Ruleset {
    policies: Vec<Policy>,
    by_namespace: HashMap<Name, Vec<PolicyId>>,
    cluster_wide: Vec<PolicyId>,
    traits: Traits,
    unread: Unread,
    enforcer: Enforcer,
    staged: bool,
    /// Those that are staged and count for nothing.
    pub aside: Vec<ObjectRef>,
    /// Those that speak for Cilium's own proxy.
    of_proxy: Vec<ObjectRef>,
    /// Objects that would be refused.
    pub rejected: Vec<Remark>,
    /// What is valid but does not do what its author probably meant.
    pub lints: Vec<Remark>,
}

/// What kinds of rules there are, so that what no rule asks for need not be looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// Some rule decides by address.
    pub addresses: bool,
    /// Some rule decides by the address of a pod of the pod network.
    pub pod_addresses: bool,
    /// Some rule decides by whether a node is the subject's own.
    pub own_node: bool,
    /// Some rule denies, or stands in an ordered tier.
    pub denies: bool,
    /// Some rule has a condition that only shows once the connection is open.
    pub conditions: bool,
    /// Some rule speaks for some pods of its policy only.
    pub narrows: bool,
}

impl Ruleset {
    /// Lowers everything that is written, as this enforcer reads it. The snapshot gives the Services
    /// that policies name.
    pub fn compile(written: &Written, snapshot: &Snapshot, enforcer: &Enforcer) -> Self {
        let mut ruleset = Self { unread: written.unread.clone(), ..Self::default() };
        ruleset.enforcer = enforcer.clone();
        ruleset.staged = written.staged.is_some();
        ruleset.lints.extend(written.staged.iter().flatten().cloned());
        let aside = written.objects.iter().filter(|it| it.kind().is_some_and(Kind::is_staged));
        let aside = aside.filter(|_| written.staged.is_none());
        ruleset.aside = aside.map(|it| it.object.clone()).collect();
        for Remark { object, origin, refused_by, faults } in &written.undecodable {
            // Calico's API takes more fields than are known here. What is staged decides nothing.
            let kind = Kind::named(&object.kind);
            let counts = kind.is_some_and(|kind| !kind.is_staged() || written.staged.is_some());
            let Some(refused_by) = *refused_by else {
                // Nobody refuses it, so it may be in force.
                let unread = counts && kind.is_some_and(|kind| enforcer.reads(kind));
                let lints = faults.clone();
                ruleset.add(object, origin, Lowered { lints, unread, ..Lowered::default() });
                continue;
            };
            let by = kind.and_then(Kind::enforced_by);
            let unread = counts && enforcer.calico().is_some() && by == Some(EnforcedBy::Calico);
            ruleset.add(
                object,
                origin,
                Lowered { faults: faults.clone(), refused_by, unread, ..Lowered::default() },
            );
        }
        let around = Around { snapshot, enforcer, beside: None };
        let together = super::lower(&written.objects, &around, &mut |(object, origin), lowered| {
            ruleset.add(object, origin, lowered);
        });
        ruleset.lints.extend(together);
        for policy in written.others.iter().flat_map(OtherObject::policies) {
            ruleset.add_policy(policy);
        }
        if enforcer.calico().is_some() {
            for policy in &mut ruleset.policies {
                for entry in widened(policy, &written.objects) {
                    ruleset.traits.add(entry);
                }
            }
            ruleset.add_ties();
        }
        ruleset
    }

    /// Adds one object that names no other, or a remark on why it would be refused.
    pub fn add_written(&mut self, written: &WrittenObject, snapshot: &Snapshot) {
        let lowered = written.lower_beside(snapshot, &self.enforcer, &self.policies);
        self.add(&written.object, &written.origin, lowered);
        if self.enforcer.calico().is_some() {
            self.add_ties();
        }
    }

    /// Tells of policies of Calico between which only what they are called decides, and has those come
    /// first perhaps that a release has there.
    fn add_ties(&mut self) {
        let Ties { perhaps_first, told } = ties(&self.policies);
        let known = self.policies.iter().filter(|it| !it.is_judged());
        let known: HashSet<_> = known.map(|it| (it.tier.clone(), it.direction)).collect();
        for policy in perhaps_first {
            if !known.contains(&(policy.tier.clone(), policy.direction)) {
                self.add_policy(policy);
            }
        }
        for remark in told {
            if !self.lints.contains(&remark) {
                self.lints.push(remark);
            }
        }
    }

    fn add(&mut self, object: &ObjectRef, origin: &Origin, lowered: Lowered) {
        let Lowered { mut policies, mut faults, refused_by, mut lints, mut unread, of_proxy } =
            lowered;
        let kind = Kind::named(&object.kind);
        if let Some(told) = only_unfilled(&faults) {
            faults.clear();
            lints.extend(told);
            unread |= kind.is_some_and(|kind| self.enforcer.reads(kind));
        }
        if let Enforcer::Cilium(cilium) = &self.enforcer {
            // Cilium's own policies are lowered to what its identities have of namespaces.
            let by = kind.and_then(Kind::enforced_by);
            let of_namespaces = by != Some(EnforcedBy::Cilium);
            policies
                .retain_mut(|policy| visible(policy, &cilium.labels, of_namespaces, &mut lints));
        }
        if unread {
            match &object.namespace {
                Some(namespace) => {
                    let unread = &mut self.unread;
                    let can_deny = kind.is_none_or(Kind::can_deny);
                    let of =
                        if can_deny { &mut unread.denials } else { &mut unread.network_policies };
                    of.insert(namespace.clone());
                }
                None => self.unread.cluster_wide = true,
            }
        }
        if faults.is_empty() {
            self.of_proxy.extend(of_proxy.then(|| object.clone()));
            for policy in policies {
                self.add_policy(policy);
            }
            self.lints.extend(Remark::of(object.clone(), origin, None, lints));
        } else {
            let refused_by = Some(refused_by);
            self.rejected.extend(Remark::of(object.clone(), origin, refused_by, faults));
        }
    }

    /// Adds one policy that is lowered already.
    pub fn add_policy(&mut self, policy: Policy) {
        let policy = match self.enforcer.calico() {
            Some(calico) => placed(policy, *calico),
            None => policy,
        };
        let id = self.policies.len();
        match &policy.subject.namespaces {
            Namespaces::Own(namespace) => {
                let of_namespace = self.by_namespace.entry(namespace.clone()).or_default();
                of_namespace.push(id);
            }
            Namespaces::Matching(_) => self.cluster_wide.push(id),
        }
        self.traits.denies |= policy.tier.is_ordered();
        for entry in &policy.entries {
            self.traits.add(entry);
        }
        self.policies.push(policy);
    }

    /// Takes out one rule of a policy, which isolates as before.
    pub fn silence(&mut self, policy: PolicyId, entry: usize) {
        let Some(policy) = self.policies.get_mut(policy) else { return };
        if let Some(entry) = policy.entries.get_mut(entry) {
            // Others keep their places.
            entry.peers = Peers::Of(Vec::new());
        }
    }

    /// The same settings, without any policy.
    #[must_use]
    pub fn without_policies(&self) -> Self {
        let (enforcer, staged) = (self.enforcer.clone(), self.staged);
        Self { enforcer, staged, unread: self.unread.clone(), ..Self::default() }
    }

    /// The same rules where namespaces are called otherwise, of NetworkPolicies: whatever names one of
    /// them names it as it is called then.
    #[must_use]
    pub fn with_namespaces_called(&self, called: &dyn Fn(&Name) -> Name) -> Self {
        let mut all = Self {
            policies: Vec::new(),
            by_namespace: HashMap::new(),
            cluster_wide: Vec::new(),
            ..self.clone()
        };
        let set = |set: &mut PodSet| match &mut set.namespaces {
            Namespaces::Own(name) => *name = called(name),
            Namespaces::Matching(selector) => {
                for requirement in &mut selector.requirements {
                    if let Operator::In(names) | Operator::NotIn(names) = &mut requirement.operator
                        && *requirement.key == *NAMESPACE_NAME_LABEL
                    {
                        for name in names {
                            *name = called(name);
                        }
                    }
                }
            }
        };
        for mut policy in self.policies.iter().cloned() {
            policy.object.namespace = policy.object.namespace.as_ref().map(called);
            set(&mut policy.subject);
            for entry in &mut policy.entries {
                let Peers::Of(peers) = &mut entry.peers else { continue };
                for peer in peers {
                    if let PeerKind::Pods(pods) = &mut peer.admits {
                        set(pods);
                    }
                }
            }
            all.add_policy(policy);
        }
        all
    }

    /// Whether all but the policies, who enforces them and what of them was not read, is the same.
    pub fn has_settings_of(&self, other: &Self) -> bool {
        (&self.enforcer, &self.unread) == (&other.enforcer, &other.unread)
    }

    /// What kinds of rules there are.
    pub fn traits(&self) -> Traits {
        self.traits
    }

    /// Who enforces the policies.
    pub fn enforcer(&self) -> &Enforcer {
        &self.enforcer
    }

    /// Whether staged policies count as if they were in force.
    pub fn counts_staged(&self) -> bool {
        self.staged
    }

    /// Cilium's settings, where it enforces the policies.
    pub fn cilium(&self) -> Option<&Cilium> {
        self.enforcer.cilium()
    }

    /// The policies that speak for Cilium's own proxy of Ingresses and Gateways, which are not judged.
    pub fn of_proxy(&self) -> &[ObjectRef] {
        &self.of_proxy
    }

    /// Whether a namespace may have policies which could not be read, that isolate and admit.
    pub fn is_unread(&self, namespace: &str) -> bool {
        let namespace = real_namespace(namespace);
        self.unread.network_policies.contains(namespace) || self.may_have_denials(namespace)
    }

    /// Whether policies which could not be read may deny what others allow in a namespace.
    pub fn may_have_denials(&self, namespace: &str) -> bool {
        self.unread.cluster_wide || self.unread.denials.contains(real_namespace(namespace))
    }

    /// The namespaces of which some policies could not be read.
    pub fn unread_namespaces(&self) -> impl Iterator<Item = &Name> {
        self.unread.network_policies.iter().chain(&self.unread.denials)
    }

    /// Whether policies for the whole cluster could not be read.
    pub fn cluster_wide_unread(&self) -> bool {
        self.unread.cluster_wide
    }

    /// Whether a NetworkPolicy comes before it, and so can overrule it.
    pub fn is_overruled(&self, policy: &Policy) -> bool {
        match &policy.tier {
            Tier::Baseline(_) => true,
            Tier::Named(position) => is_after_default(&position.tier),
            Tier::Admin(_) | Tier::Normal => false,
        }
    }

    /// Every policy part, by [`PolicyId`].
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// A policy part by its id.
    pub fn policy(&self, id: PolicyId) -> &Policy {
        &self.policies[id]
    }

    /// The policies that may select pods of a namespace, in one direction, in the order of reading.
    pub fn candidates(
        &self,
        namespace: &str,
        direction: Direction,
    ) -> impl Iterator<Item = (PolicyId, &Policy)> {
        let own = self.by_namespace.get(real_namespace(namespace)).map_or(&[][..], Vec::as_slice);
        own.iter()
            .chain(&self.cluster_wide)
            .map(|id| (*id, &self.policies[*id]))
            .filter(move |(_, policy)| policy.direction == direction)
    }
}

/// Leaves of a policy what Cilium's identities show; false: it can select no pod.
///
/// Source: docs/semantics/cilium-labels.md#label-filter and
/// docs/semantics/cilium-networkpolicy.md#nodelocal-dns.
fn visible(
    policy: &mut Policy,
    labels: &LabelFilter,
    of_namespaces: bool,
    lints: &mut Vec<Fault>,
) -> bool {
    let mut tell = |lint, path: &str, message: String| {
        let fault = Fault::told(lint, path, message);
        if !lints.contains(&fault) {
            lints.push(fault);
        }
    };
    let mut seen = |kind: &mut PeerKind, path: &str| match kind {
        PeerKind::Pods(set) => {
            let told = &mut |about: &Requirement, message| {
                tell(Lint::LabelNotSeen, about.path().as_deref().unwrap_or(path), message);
            };
            labels.seen(set.clone(), of_namespaces, told).map(|visible| *set = visible).is_some()
        }
        PeerKind::Addresses(block, scope) => {
            if let Some(message) = not_for_dns(block, *scope) {
                tell(Lint::BlockOfOthers, path, message);
            }
            true
        }
        _ => true,
    };
    for entry in &mut policy.entries {
        if let Peers::Of(peers) = &mut entry.peers {
            peers.retain_mut(|peer| seen(&mut peer.admits, &peer.path));
        }
    }
    let told = &mut |about: &Requirement, message| {
        tell(Lint::LabelNotSeen, about.path().as_deref().unwrap_or("spec"), message);
    };
    let visible = labels.seen(policy.subject.clone(), of_namespaces, told);
    visible.map(|visible| policy.subject = visible).is_some()
}

impl Traits {
    fn add(&mut self, entry: &Entry) {
        self.denies |= entry.action != super::rule::Action::Allow;
        self.conditions |= entry.condition.is_some();
        self.narrows |= entry.only.is_some();
        for kind in entry.others().chain(entry.own()) {
            match kind {
                PeerKind::Addresses(_, scope) => {
                    self.addresses = true;
                    self.pod_addresses |= scope.pods;
                }
                PeerKind::Nodes(nodes) => self.own_node |= !nodes.own,
                PeerKind::Entities(entities) => {
                    self.own_node |= entities.own_node != entities.other_nodes;
                }
                PeerKind::Pods(_)
                | PeerKind::Names(_)
                | PeerKind::Unresolved(..)
                | PeerKind::Combined(_) => {}
            }
        }
    }
}
