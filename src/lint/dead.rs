//! What may be taken away without any flow changing.
//!
//! In: the rules of one side. Out: policies, rules and peers that others decide, in whatever cluster: each
//! names the others. Of two that say the same the later is told. What is told may be taken away all at
//! once: what decides it is wider, or says the same and comes first, and so is never told for it.

use super::cover::{How, Index, Part, parts};
use super::found::{AllFound, Place};
use super::known::subject_path;
use super::proved::Prover;
use crate::cluster::{ObjectRef, Snapshot};
use crate::effort::Effort;
use crate::lints::Lint;
use crate::policy::rule::{PeerKind, Peers, Policy, Tier};
use crate::policy::{Enforcement, PolicyId, Ruleset};
use crate::prose::list;
use crate::unwritten;
use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};
use std::collections::{BTreeMap, BTreeSet};

/// More are counted only.
const MOST_NAMED: usize = 3;

/// Selectors whose requirements contradict each other.
pub(super) fn contradictions(rules: &Ruleset, found: &mut AllFound) {
    let by_object: HashMap<&ObjectRef, &Policy> =
        rules.policies().iter().map(|policy| (&policy.object, policy)).collect();
    for dead in unwritten::dead(rules) {
        if let Some(policy) = by_object.get(&dead.at.object) {
            let own = subject_path(policy);
            let path = if dead.at.path.is_empty() { &*own } else { &*dead.at.path };
            let message = format!("nothing can match {}", dead.selector);
            found.add(Lint::MatchesNothing, policy, path, message);
        }
    }
}

/// The entries of each rule of a policy, by its path.
fn rules_of(policy: &Policy) -> BTreeMap<&str, Vec<usize>> {
    let mut all: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, entry) in policy.entries.iter().enumerate() {
        all.entry(&entry.path).or_default().push(at);
    }
    all
}

/// What decides all parts of something.
type Deciders = BTreeSet<(Part, How)>;

struct Search<'a> {
    rules: &'a Ruleset,
    index: &'a Index<'a>,
    /// The parts of each entry.
    parts: HashMap<(PolicyId, usize), Vec<Part>>,
    /// The parts that are told.
    gone: HashSet<Part>,
    /// The objects of which nothing is told.
    kept: HashSet<&'a ObjectRef>,
}

/// Tells of everything that no flow hangs on.
pub(super) fn dead(
    snapshot: &Snapshot,
    rules: &Ruleset,
    index: &Index<'_>,
    effort: Effort,
    found: &mut AllFound,
) {
    let mut all: HashMap<(PolicyId, usize), Vec<Part>> = HashMap::new();
    for (id, policy) in rules.policies().iter().enumerate() {
        for (part, _) in parts(id, policy) {
            all.entry((id, part.entry)).or_default().push(part);
        }
    }
    // What is not judged of an object, or narrows others, may be what it is for.
    let open = |lint| matches!(lint, Lint::NotJudged | Lint::UnfilledVariable | Lint::OldForm);
    let lints = rules.lints.iter().filter(|it| it.faults.iter().any(|fault| open(fault.lint)));
    let mut kept: HashSet<&ObjectRef> =
        lints.map(|it| &it.object).chain(rules.of_proxy()).collect();
    for name in &snapshot.written_twice {
        let here = |object: &&ObjectRef| object.namespace.as_ref() == Some(name);
        kept.extend(rules.policies().iter().map(|policy| &policy.object).filter(here));
        found.not_looked_at.push(format!(
            "which policies of {name} are dead was not looked at: some that name no namespace are written several \
             times, as if for several namespaces; read what renders them"
        ));
    }
    let mut search = Search { rules, index, parts: all, gone: HashSet::new(), kept };
    let whole = search.policies(found);
    let mut left: Vec<(PolicyId, &str, Vec<usize>)> = Vec::new();
    for (id, policy) in rules.policies().iter().enumerate() {
        let kept = search.kept.contains(&policy.object) || whole.contains(&policy.object);
        if !policy.is_judged() || kept {
            continue;
        }
        for (path, entries) in rules_of(policy) {
            if !search.rule(id, path, &entries, found) {
                search.peers(id, &entries, found);
                left.push((id, path, entries));
            }
        }
    }
    // What is told already is taken away before more is asked, so that all of it may go at once.
    let mut prover = Prover::new(snapshot, rules, effort);
    for (id, path, entries) in left {
        search.together(&mut prover, id, path, &entries, found);
    }
    if index.is_over() {
        let message = "whether one rule decides all that another one says was not looked at to the end: too \
                       many have much in common";
        found.not_looked_at.push(message.to_owned());
    }
    if prover.not_asked > 0 {
        found.not_looked_at.push(format!(
            "whether several other rules together decide all that a rule says was not looked at for {} \
             rules: there are too many",
            prover.not_asked
        ));
    }
}

impl Search<'_> {
    /// What decides each part of some entries, where something does.
    fn deciders(
        &self,
        id: PolicyId,
        entries: &[usize],
        without: &dyn Fn(Part) -> bool,
    ) -> Option<Deciders> {
        let mut all = Deciders::new();
        for entry in entries {
            for part in self.parts.get(&(id, *entry))? {
                all.insert(self.index.decided(*part, without)?);
            }
        }
        (!all.is_empty()).then_some(all)
    }

    fn place(&self, part: Part) -> Place {
        let policy = self.rules.policy(part.policy);
        Place::of(policy, &policy.entries[part.entry].path)
    }

    /// The rules that decide, and their names in words.
    fn named(&self, deciders: &Deciders) -> (Vec<Place>, String) {
        let mut places: Vec<Place> = Vec::new();
        for (part, _) in deciders {
            let place = self.place(*part);
            if !places.contains(&place) {
                places.push(place);
            }
        }
        let mut words: Vec<String> = places.iter().take(MOST_NAMED).map(Place::words).collect();
        if places.len() > MOST_NAMED {
            words.push(format!("{} more", places.len() - MOST_NAMED));
        }
        (places, list(&words, "and"))
    }

    /// Tells of a rule that others decide, each of its parts for itself.
    fn rule(&mut self, id: PolicyId, path: &str, entries: &[usize], found: &mut AllFound) -> bool {
        let policy = self.rules.policy(id);
        let own = |part: Part| part.policy == id && *policy.entries[part.entry].path == *path;
        let Some(deciders) = self.deciders(id, entries, &own) else { return false };
        let (places, names) = self.named(&deciders);
        let one = places.len() == 1;
        let is = |wanted| deciders.iter().any(|(_, how)| *how == wanted);
        if is(How::Voids) {
            let allows = if one { "allows" } else { "allow" };
            let message = format!(
                "what must hold besides peer and port binds nothing but that it is HTTP: {names} {allows} \
                 all of it without"
            );
            found.add_with(Lint::VoidCondition, policy, path, message, places);
            return true;
        }
        let (lint, message) = if is(How::Before) {
            let decide = if one { "decides" } else { "decide" };
            let message =
                format!("no flow hangs on this rule: {names} {decide} all that it matches");
            (Lint::ShadowedRule, message)
        } else if one && self.says_no_more(&deciders, (id, entries)) {
            (Lint::SameRule, format!("says the same as {names}"))
        } else {
            let allow = if one { "says" } else { "say" };
            let message = format!("no flow changes without this rule: {names} {allow} all of it");
            (Lint::DeadRule, message)
        };
        found.add_with(lint, policy, path, message, places);
        self.take(id, entries);
        true
    }

    /// Takes entries away.
    fn take(&mut self, id: PolicyId, entries: &[usize]) {
        for entry in entries {
            self.gone.extend(self.parts.get(&(id, *entry)).into_iter().flatten());
        }
    }

    /// Whether what decides is decided by the rule in turn, so that both say the same.
    fn says_no_more(&self, deciders: &Deciders, (id, entries): (PolicyId, &[usize])) -> bool {
        let Some((part, _)) = deciders.first() else { return false };
        let other = self.rules.policy(part.policy);
        let path = &other.entries[part.entry].path;
        let all = other.entries.iter().enumerate().filter(|(_, entry)| entry.path == *path);
        let others = |part: Part| part.policy != id || !entries.contains(&part.entry);
        all.into_iter().all(|(at, _)| {
            let parts = self.parts.get(&(part.policy, at)).map_or(&[][..], Vec::as_slice);
            parts.iter().all(|part| self.index.is_also_within(*part, &others))
        })
    }

    /// Tells of peers that others decide, of a rule that is needed.
    fn peers(&mut self, id: PolicyId, entries: &[usize], found: &mut AllFound) {
        let policy = self.rules.policy(id);
        let mut by_peer: BTreeMap<&str, Vec<Part>> = BTreeMap::new();
        for entry in entries {
            let Peers::Of(items) = &policy.entries[*entry].peers else { continue };
            for part in self.parts.get(&(id, *entry)).into_iter().flatten() {
                if let Some(item) = part.peer.and_then(|at| items.get(at)) {
                    by_peer.entry(&item.path).or_default().push(*part);
                }
            }
        }
        if by_peer.len() < 2 {
            return;
        }
        for (path, parts) in by_peer {
            let own = |part: Part| parts.contains(&part);
            let deciders: Option<Deciders> =
                parts.iter().map(|part| self.index.decided(*part, &own)).collect();
            let dead = |all: &Deciders| !all.iter().any(|(_, how)| *how == How::Voids);
            let Some(deciders) = deciders.filter(dead) else { continue };
            let mut places: Vec<Place> = Vec::new();
            for (part, _) in &deciders {
                let other = self.rules.policy(part.policy);
                let entry = &other.entries[part.entry];
                let peer = match &entry.peers {
                    Peers::Of(items) => part.peer.and_then(|at| items.get(at)),
                    Peers::Any => None,
                };
                let place = Place::of(other, peer.map_or(&*entry.path, |peer| &*peer.path));
                if !places.contains(&place) {
                    places.push(place);
                }
            }
            let words: Vec<String> = places.iter().take(MOST_NAMED).map(Place::words).collect();
            let names = list(&words, "and");
            let message = format!("no flow changes without this peer: {names} means whom it means");
            found.add_with(Lint::DeadPeer, policy, path, message, places);
            self.gone.extend(parts);
        }
    }

    /// Tells of a rule that several others decide together, as the engines prove.
    fn together(
        &mut self,
        prover: &mut Prover<'_>,
        id: PolicyId,
        path: &str,
        entries: &[usize],
        found: &mut AllFound,
    ) {
        let policy = self.rules.policy(id);
        // Only one direction is asked about, and the other one may be closed without any policy.
        let alone =
            self.rules.cilium().is_none_or(|cilium| cilium.enforcement == Enforcement::Default);
        let plain = self.rules.enforcer().calico().is_none() && policy.subject.doubt.is_none();
        let plain = plain && alone;
        let empty = |entry: &usize| !self.parts.contains_key(&(id, *entry));
        // Nodes, the API server and names outside are known or not there: no population has others.
        let told = |entry: &usize| match &policy.entries[*entry].peers {
            Peers::Any => false,
            Peers::Of(items) => items
                .iter()
                .all(|item| matches!(item.admits, PeerKind::Pods(_) | PeerKind::Addresses(..))),
        };
        // What a rule has a proxy see counts beyond the flow: Cilium learns names by it.
        let bound = |entry: &usize| policy.entries[*entry].condition.is_some();
        if !plain
            || entries.iter().all(empty)
            || entries.iter().any(bound)
            || !entries.iter().all(told)
        {
            return;
        }
        if prover.is_too_much(id) {
            return;
        }
        let others = prover.others(id, entries, &self.gone);
        if others.len() < 2 || !prover.changes(id, entries, &self.gone).is_no() {
            return;
        }
        self.take(id, entries);
        let mut places: Vec<Place> = Vec::new();
        for (other, at) in others {
            let policy = self.rules.policy(other);
            let place = Place::of(policy, &policy.entries[at].path);
            if !places.contains(&place) {
                places.push(place);
            }
        }
        let mut words: Vec<String> = places.iter().take(MOST_NAMED).map(Place::words).collect();
        if places.len() > MOST_NAMED {
            words.push(format!("{} more", places.len() - MOST_NAMED));
        }
        let message = format!(
            "no flow changes without this rule: the rules beside it decide all of it ({})",
            list(&words, "and")
        );
        found.add_with(Lint::DeadRule, policy, path, message, places);
    }

    /// Tells of whole policies that others decide, and says which.
    fn policies(&mut self, found: &mut AllFound) -> HashSet<ObjectRef> {
        let mut by_object: BTreeMap<&ObjectRef, Vec<PolicyId>> = BTreeMap::new();
        for (id, policy) in self.rules.policies().iter().enumerate() {
            by_object.entry(&policy.object).or_default().push(id);
        }
        let mut whole = HashSet::new();
        for (object, ids) in by_object {
            let policies: Vec<&Policy> = ids.iter().map(|id| self.rules.policy(*id)).collect();
            let fit =
                policies.iter().all(|it| it.tier == Tier::Normal && it.not_judged().is_none());
            if !fit || self.kept.contains(object) {
                continue;
            }
            let Some((deciders, by)) = self.policy(&ids) else { continue };
            let mut places: Vec<Place> = Vec::new();
            let isolating = by.iter().map(|id| Place::of(self.rules.policy(*id), ""));
            let deciding = deciders.iter().map(|(part, _)| self.place(*part));
            for place in isolating.chain(deciding) {
                if !places.contains(&place) {
                    places.push(place);
                }
            }
            let mut objects: Vec<String> = Vec::new();
            for place in &places {
                let name = place.object.to_string();
                if !objects.contains(&name) {
                    objects.push(name);
                }
            }
            let one = objects.len() == 1;
            let more = objects.len().saturating_sub(MOST_NAMED);
            objects.truncate(MOST_NAMED);
            if more > 0 {
                objects.push(format!("{more} more"));
            }
            let say = if one { "says" } else { "say" };
            let names = list(&objects, "and");
            let message = format!("no flow changes without this policy: {names} {say} all of it");
            let Some(first) = policies.first() else { continue };
            found.add_with(Lint::DeadPolicy, first, "", message, places);
            whole.insert(object.clone());
            for id in ids {
                let entries: Vec<usize> = (0..self.rules.policy(id).entries.len()).collect();
                self.take(id, &entries);
            }
        }
        whole
    }

    /// What of other objects decides all that one does.
    fn policy(&self, ids: &[PolicyId]) -> Option<(Deciders, BTreeSet<PolicyId>)> {
        let (mut deciders, mut by) = (Deciders::new(), BTreeSet::new());
        for id in ids {
            let policy = self.rules.policy(*id);
            if policy.isolates {
                // Whoever writes a denial means it: that rules for others isolate too is no reason to
                // take it away.
                let denial = |id: PolicyId| self.rules.policy(id).entries.is_empty();
                let without =
                    |other: PolicyId| ids.contains(&other) || (denial(*id) && !denial(other));
                by.insert(self.index.isolated(*id, &without)?);
            }
            let entries: Vec<usize> = (0..policy.entries.len())
                .filter(|at| self.parts.contains_key(&(*id, *at)))
                .collect();
            if !entries.is_empty() {
                let own = |part: Part| ids.contains(&part.policy);
                deciders.extend(self.deciders(*id, &entries, &own)?);
            }
        }
        let any = !deciders.is_empty() || !by.is_empty();
        let void = deciders.iter().any(|(_, how)| *how == How::Voids);
        (any && !void).then_some((deciders, by))
    }
}
