//! What two sides have in common, so that what was worked out for the one holds for the other.
//!
//! In: two snapshots, two sets of rules. Out: whether the same ends are there with all that rules can see of
//! them ([`ends`]), which policies say the same ([`Matched`]), and whether classes made by some rules tell
//! apart all that others do ([`Base`]). When in doubt it is not the same.

use super::super::classes::{Space, by_node};
use super::super::side::{Side, family_index};
use crate::cluster::{Family, Name, ObjectRef, Operator, Pod, PodId, Protocol, Selector, Snapshot};
use crate::policy::rule::{Direction, PeerKind, PodSet, Policy, Ports};
use crate::policy::{PolicyId, Ruleset, Traits};
use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};

/// More policies than this that differ are not looked at one by one.
const MANY: usize = 1_000;

/// Whether two snapshots have the same ends, in the same places, as far as rules can see.
pub(super) fn ends(old: &Snapshot, new: &Snapshot) -> bool {
    old.pods().len() == new.pods().len()
        && old.pods().iter().zip(new.pods()).all(|(old, new)| seen(old) == seen(new))
        && old.namespaces().len() == new.namespaces().len()
        && old.namespaces().zip(new.namespaces()).all(|(old, new)| {
            (&old.name, &old.labels, old.labels_unread, old.supposed)
                == (&new.name, &new.labels, new.labels_unread, new.supposed)
        })
        && old.nodes == new.nodes
        && old.pod_cidrs == new.pod_cidrs
        && old.api_server() == new.api_server()
}

/// For each pod the same pod of before, if that is as it is now; `None`: what is around them changed.
pub(super) fn pods(old: &Snapshot, new: &Snapshot) -> Option<Vec<Option<PodId>>> {
    if old.nodes != new.nodes
        || old.pod_cidrs != new.pod_cidrs
        || old.api_server() != new.api_server()
    {
        return None;
    }
    let differs: HashSet<&Name> = new
        .namespaces()
        .filter(|now| {
            old.namespace(&now.name).is_none_or(|was| {
                (&was.labels, was.labels_unread, was.supposed)
                    != (&now.labels, now.labels_unread, now.supposed)
            })
        })
        .map(|namespace| &namespace.name)
        .collect();
    let same = |a: PodId, b: PodId| {
        seen(old.pod(a)) == seen(new.pod(b)) && !differs.contains(&new.pod(b).namespace)
    };
    let (before, after) = (old.pods().len(), new.pods().len());
    let fewer = before.min(after);
    let first = (0..fewer).take_while(|at| same(*at, *at)).count();
    let last = (0..fewer - first).take_while(|at| same(before - 1 - at, after - 1 - at)).count();
    let named: HashMap<(&Name, &Name, bool), PodId> = (first..before - last)
        .rev()
        .map(|id| (old.pod(id), id))
        .map(|(pod, id)| ((&pod.namespace, &pod.name, pod.template), id))
        .collect();
    let of = |id: PodId| {
        if id < first {
            return Some(id);
        }
        if id >= after - last {
            return Some(id + before - after);
        }
        let pod = new.pod(id);
        let was = named.get(&(&pod.namespace, &pod.name, pod.template)).copied()?;
        same(was, id).then_some(was)
    };
    Some((0..after).map(of).collect())
}

/// What rules can see of a pod, and what it is called.
fn seen(pod: &Pod) -> impl PartialEq + '_ {
    let Pod { namespace, name, labels, unknown_labels, service_account, .. } = pod;
    let Pod { ips, ports, host_network, node, template, finished, .. } = pod;
    let who = (namespace, name, *template, *finished);
    (who, labels, *unknown_labels, service_account, ips, ports, *host_network, node)
}

/// Which policies of one side are there on another.
pub(super) struct Matched {
    /// By the old number, the new one; `None`: it is gone.
    pub(super) now: Vec<Option<PolicyId>>,
    /// The new numbers of those that the old side does not have, in order.
    pub(super) added: Vec<PolicyId>,
}

impl Matched {
    /// `None` where very many differ.
    pub(super) fn of(old: &Ruleset, new: &Ruleset) -> Option<Self> {
        let (before, after) = (old.policies(), new.policies());
        let forwards = before.iter().zip(after);
        let backwards = before.iter().rev().zip(after.iter().rev());
        let (first, last) = rayon::join(
            || forwards.take_while(|(a, b)| same_rules(a, b)).count(),
            || backwards.take_while(|(a, b)| same_rules(a, b)).count(),
        );
        let last = last.min(before.len() - first).min(after.len() - first);
        let (old_end, new_end) = (before.len() - last, after.len() - last);
        if (old_end - first).max(new_end - first) > MANY {
            return None;
        }
        let mut now: Vec<Option<PolicyId>> = (0..first).map(Some).collect();
        now.resize(old_end, None);
        now.extend((new_end..after.len()).map(Some));
        let mut left: HashMap<(&ObjectRef, Direction), Vec<PolicyId>> = HashMap::new();
        for id in (first..old_end).rev() {
            left.entry((&before[id].object, before[id].direction)).or_default().push(id);
        }
        let mut added = Vec::new();
        for (id, policy) in after.iter().enumerate().take(new_end).skip(first) {
            let key = (&policy.object, policy.direction);
            let same = left.get_mut(&key).and_then(|all| {
                let at = all.iter().rposition(|old| same_rules(&before[*old], policy))?;
                Some(all.remove(at))
            });
            match same {
                Some(old) => now[old] = Some(id),
                None => added.push(id),
            }
        }
        Some(Self { now, added })
    }
}

/// Whether two policies say the same, wherever they are written.
fn same_rules(a: &Policy, b: &Policy) -> bool {
    (a.direction, a.isolates) == (b.direction, b.isolates)
        && a.tier == b.tier
        && a.subject == b.subject
        && a.entries == b.entries
}

/// What the rules of a side look at, as single questions.
#[derive(PartialEq, Eq, Hash)]
enum Look {
    Key(Name),
    /// Whether a label has this value.
    Value(Name, Name),
    /// What is in the value of a label.
    Text(Name),
    PortName(Name, Protocol),
    Nodes(Selector),
    AddressOfPods,
    AddressOfNodes,
    ApiServer,
}

/// What classes were made by.
pub(super) struct Base {
    looks: HashSet<Look>,
    traits: Traits,
    settings: Ruleset,
}

impl Base {
    pub(super) fn of(rules: &Ruleset) -> Self {
        let mut looks = HashSet::new();
        for policy in rules.policies() {
            looks_of(policy, &mut |look| _ = looks.insert(look));
        }
        Self { looks, traits: rules.traits(), settings: rules.without_policies() }
    }

    /// Whether what does not hang on single policies is the same for these rules.
    pub(super) fn allows(&self, space: &Space<'_>, snapshot: &Snapshot, rules: &Ruleset) -> bool {
        self.traits == rules.traits()
            && self.settings.has_settings_of(rules)
            && by_node(&[Side { snapshot, rules }], &[]) == space.by_node
    }

    /// Whether the classes tell apart all that these policies do.
    pub(super) fn tells_apart<'p>(
        &self,
        space: &Space<'_>,
        policies: impl Iterator<Item = &'p Policy>,
    ) -> bool {
        let mut all = true;
        for policy in policies {
            looks_of(policy, &mut |look| all &= self.looks.contains(&look));
            for kind in policy.entries.iter().flat_map(|entry| entry.others().chain(entry.own())) {
                if let PeerKind::Addresses(block, _) = kind {
                    let family = Family::of_net(block.cidr);
                    all &= space.atoms[family_index(family)].are_cut_by(block);
                }
            }
        }
        all
    }
}

fn looks_of(policy: &Policy, look: &mut dyn FnMut(Look)) {
    let of_pods = |set: &PodSet, look: &mut dyn FnMut(Look)| {
        for requirement in &set.pods.requirements {
            let key = || requirement.key.clone();
            look(Look::Key(key()));
            match &requirement.operator {
                Operator::In(values) | Operator::NotIn(values) => {
                    for value in values {
                        look(Look::Value(key(), value.clone()));
                    }
                }
                Operator::Has(..) | Operator::HasNot(..) => look(Look::Text(key())),
                Operator::Exists | Operator::DoesNotExist => {}
            }
        }
    };
    of_pods(&policy.subject, look);
    for entry in &policy.entries {
        if let Ports::Of(items) = &entry.ports {
            for item in items {
                for name in item.names() {
                    look(Look::PortName(name.clone(), item.protocol));
                }
            }
        }
        for kind in entry.others().chain(entry.own()) {
            match kind {
                PeerKind::Pods(set) => of_pods(set, look),
                PeerKind::Addresses(_, scope) => {
                    if scope.pods {
                        look(Look::AddressOfPods);
                    }
                    if scope.nodes {
                        look(Look::AddressOfNodes);
                    }
                }
                PeerKind::Nodes(set) => look(Look::Nodes(set.labels.clone())),
                PeerKind::Entities(entities) if entities.api_server => look(Look::ApiServer),
                PeerKind::Entities(_)
                | PeerKind::Names(_)
                | PeerKind::Unresolved(..)
                | PeerKind::Combined(_) => {}
            }
        }
    }
}
