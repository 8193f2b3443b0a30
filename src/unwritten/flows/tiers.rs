//! What policies say together about the flows in one direction.
//!
//! In: the policies that may select the subject. Out: a [`Fate`], as the tiers have it.

use super::{Flows, Hanging, Who, subject};
use crate::cluster::Name;
use crate::policy::Enforcement;
use crate::policy::rule::{Action, Direction, Entry, Peers, Policy, Reads, Tier, TierEnd, turn};
use crate::unwritten::circuit::Circuit;
use crate::unwritten::sat::Lit;
use std::collections::BTreeMap;

/// What each condition asks, with whether it binds the flows.
pub(super) type Asks<'a> = BTreeMap<&'a str, Lit>;

/// What becomes of flows in one direction, or in both.
#[derive(Clone)]
pub(super) struct Fate<'a> {
    /// They may be allowed.
    pub(super) may_allow: Lit,
    /// They may be denied. Policies of one priority may do either.
    pub(super) may_deny: Lit,
    /// They are allowed, if at all, on a condition only.
    pub(super) bound: Lit,
    /// On which: one of them is enough.
    pub(super) asks: Asks<'a>,
}

/// What a rule of an ordered tier says: what it does, whether it matches, and what it asks besides.
type Said<'a> = (Action, Lit, Option<&'a str>);

/// What a policy says.
struct Spoken<'a> {
    tier: Tier,
    selects: Lit,
    isolates: Lit,
    /// Its rules, with whether they match.
    rules: Vec<(&'a Entry, Lit)>,
}

impl<'a> Spoken<'a> {
    fn rules(&self) -> impl Iterator<Item = Said<'a>> {
        self.rules.iter().map(|(entry, matches)| said(entry, *matches))
    }
}

fn said(entry: &Entry, matches: Lit) -> Said<'_> {
    (entry.action, matches, entry.condition.as_ref().map(|condition| &*condition.asks))
}

/// What a tier does with flows.
struct Tiered<'a> {
    allow: Lit,
    deny: Lit,
    next: Lit,
    /// It allows them on a condition only.
    bound: Lit,
    asks: Asks<'a>,
}

/// The conditions that bind where something else holds too.
fn only_if<'a>(circuit: &mut Circuit, asks: Asks<'a>, lit: Lit) -> Asks<'a> {
    asks.into_iter().map(|(asks, binds)| (asks, circuit.all([binds, lit]))).collect()
}

/// The conditions that bind by the one or by the other.
fn either<'a>(circuit: &mut Circuit, mut one: Asks<'a>, other: Asks<'a>) -> Asks<'a> {
    for (asks, binds) in other {
        let both = one.entry(asks).or_insert(binds);
        *both = circuit.any([*both, binds]);
    }
    one
}

impl<'a> Flows<'a> {
    fn matches(
        &mut self,
        side: usize,
        direction: Direction,
        policy: &Policy,
        entry: &Entry,
    ) -> Lit {
        let peer = 1 - subject(direction);
        let peers = match &entry.peers {
            Peers::Any => self.circuit.constant(true),
            Peers::Of(items) => {
                let rule = self.rule_key(side, direction, policy, entry);
                let all: Vec<Lit> =
                    items.iter().map(|item| self.peer(side, peer, &item.admits, &rule)).collect();
                self.circuit.any(all)
            }
        };
        let ports = self.ports_of(side, &entry.ports);
        let speaks = self.speaks(side, direction, policy, entry);
        self.circuit.all([speaks, peers, ports])
    }

    /// Whether a rule speaks for the subject.
    pub(in crate::unwritten::flows) fn speaks(
        &mut self,
        side: usize,
        direction: Direction,
        policy: &Policy,
        entry: &Entry,
    ) -> Lit {
        let Some(only) = &entry.only else { return self.circuit.constant(true) };
        let rule = self.rule_key(side, direction, policy, entry);
        self.peer(side, subject(direction), only, &rule)
    }

    pub(in crate::unwritten::flows) fn selects(
        &mut self,
        side: usize,
        direction: Direction,
        policy: &Policy,
    ) -> Lit {
        let doubt = policy.subject.doubt.as_ref();
        let doubt = doubt.map_or_else(String::new, |why| format!("{} {why}", policy.object));
        self.in_set(side, subject(direction), &policy.subject, &doubt)
    }

    /// What becomes of the flows in one direction on one side.
    pub(super) fn direction(&mut self, side: usize, direction: Direction) -> Fate<'a> {
        let (yes, no) = (self.circuit.constant(true), self.circuit.constant(false));
        let open = Fate { may_allow: yes, may_deny: no, bound: no, asks: Asks::new() };
        let rules = self.sides[side].rules;
        let Some(namespace) = self.subject_namespace(side, direction) else { return open };
        if rules.cilium().is_some_and(|cilium| cilium.enforcement == Enforcement::Never) {
            return open;
        }
        let policies = self.policies(side, direction);
        let mut spoken: Vec<Spoken<'_>> = Vec::with_capacity(policies.len());
        for (_, policy) in policies {
            let said = self.spoken(side, direction, policy);
            spoken.push(said);
        }
        if rules.enforcer().calico().is_some() {
            let fate = self.named(&spoken);
            return self.besides(side, direction, &namespace, fate);
        }
        let of = |tier: fn(&Tier) -> bool| -> Vec<&Spoken<'a>> {
            spoken.iter().filter(|said| tier(&said.tier)).collect()
        };
        let by_cilium = rules.cilium().is_some();
        let first = self.ordered(&of(|tier| matches!(tier, Tier::Admin(_))), by_cilium);
        let (middle, shut) =
            self.normal(side, direction, &namespace, &of(|tier| *tier == Tier::Normal));
        let last = self.ordered(&of(|tier| matches!(tier, Tier::Baseline(_))), by_cilium);
        let c = &mut self.circuit;
        // What no tier decides passes, unless isolation is behind them.
        let (passes, stays) = (c.all([last.next, !shut]), c.all([last.next, shut]));
        let [open, closed] = [c.any([last.allow, passes]), c.any([last.deny, stays])];
        let bound = last.bound;
        let [open, closed, bound] = [open, closed, bound].map(|lit| c.all([middle.next, lit]));
        let [allow, deny, bound] =
            [[middle.allow, open], [middle.deny, closed], [middle.bound, bound]].map(|either| {
                let either = c.any(either);
                c.all([first.next, either])
            });
        let asks = only_if(c, last.asks, middle.next);
        let asks = self::either(c, middle.asks, asks);
        let asks = only_if(c, asks, first.next);
        let fate = Fate {
            may_allow: c.any([first.allow, allow]),
            may_deny: c.any([first.deny, deny]),
            bound: c.any([first.bound, bound]),
            asks: self::either(c, first.asks, asks),
        };
        self.besides(side, direction, &namespace, fate)
    }

    /// The namespace of the subject; `None` where no policy can select it.
    pub(super) fn subject_namespace(&self, side: usize, direction: Direction) -> Option<Name> {
        match &self.who[subject(direction)] {
            Who::Unwritten(_, name) => Some(name.clone()),
            Who::One(ends) => {
                let both = ends.first().filter(|_| ends.len() == 1)?;
                let pod = self.pod(side, &both[side]).filter(|pod| !pod.host_network)?;
                Some(pod.namespace.clone())
            }
        }
    }

    fn spoken(&mut self, side: usize, direction: Direction, policy: &'a Policy) -> Spoken<'a> {
        let selects = self.selects(side, direction, policy);
        let mut rules = Vec::with_capacity(policy.entries.len());
        for entry in &policy.entries {
            self.hanging = Hanging::of(entry);
            let matches = self.matches(side, direction, policy, entry);
            self.hanging = Hanging::Else;
            let matches = self.circuit.all([selects, matches]);
            rules.push((entry, matches));
        }
        let isolates = self.circuit.constant(policy.isolates);
        let isolates = self.circuit.all([selects, isolates]);
        Spoken { tier: policy.tier.clone(), selects, isolates, rules }
    }

    /// The normal tier: any match of a Deny denies, else any match of an Allow allows, else who is
    /// isolated is denied. In Cilium that comes last: what it then shuts is told besides.
    ///
    /// Source: docs/semantics/cilium-verdicts.md#baseline-behind-isolation.
    fn normal(
        &mut self,
        side: usize,
        direction: Direction,
        namespace: &str,
        policies: &[&Spoken<'a>],
    ) -> (Tiered<'a>, Lit) {
        let (own, ingress) = (self.own_node, direction == Direction::Ingress);
        let rules = self.sides[side].rules;
        let says = |flows: &mut Self, what: fn(Action, bool) -> bool| {
            let rules = policies.iter().flat_map(|said| said.rules());
            let rules = rules.filter(|(action, _, asks)| what(*action, asks.is_some()));
            let all: Vec<Lit> = rules.map(|(_, matches, _)| matches).collect();
            flows.circuit.any(all)
        };
        let mut denies = says(self, |action, _| action == Action::Deny);
        let mut admits = says(self, |action, _| action == Action::Allow);
        let asked = says(self, |action, bound| action == Action::Allow && bound);
        let isolated = policies.iter().map(|said| said.isolates);
        let mut isolated = self.circuit.any(isolated);
        let mut implied = self.circuit.constant(false);
        match rules.cilium() {
            Some(cilium) => {
                if cilium.node_reaches_own_pods && ingress {
                    implied = own;
                }
                if cilium.enforcement == Enforcement::Always {
                    isolated = self.circuit.constant(true);
                }
            }
            // Whether isolation keeps a pod from its own node is not known.
            None if !ingress && own != self.circuit.constant(false) => {
                let perhaps = self.unknown("to its own node".into());
                let spared = self.circuit.all([own, perhaps]);
                isolated = self.circuit.all([isolated, !spared]);
            }
            None => {}
        }
        if rules.is_unread(namespace) {
            let [closes, lets] = ["isolation", "rules"]
                .map(|what| self.unknown(format!("{direction} {what} unread")));
            isolated = self.circuit.any([isolated, closes]);
            admits = self.circuit.any([admits, lets]);
        }
        if rules.may_have_denials(namespace) {
            let denials = self.unknown(format!("{direction} denials unread"));
            denies = self.circuit.any([denies, denials]);
        }
        let asks = self.asks(side, policies, implied);
        let c = &mut self.circuit;
        let allow = c.all([!denies, admits]);
        let closed = c.all([isolated, !admits]);
        let shut = c.all([closed, !implied]);
        // Whatever else allows the same, the proxy stays in the way.
        let bound = c.all([allow, asked]);
        let asks = only_if(c, asks, bound);
        if rules.cilium().is_some() {
            let next = c.all([!denies, !admits]);
            return (Tiered { allow, deny: denies, next, bound, asks }, shut);
        }
        let (deny, next) = (c.any([denies, closed]), c.all([!denies, !admits, !isolated]));
        (Tiered { allow, deny, next, bound, asks }, c.constant(false))
    }

    /// What rules of the normal tier ask besides, each with whether a rule that matches asks it, and no other
    /// one lifts it.
    ///
    /// Source: docs/semantics/cilium-ports.md#layer-7-beside-plain-rules and
    /// docs/semantics/cilium-verdicts.md#allow-localhost.
    fn asks(&mut self, side: usize, policies: &[&Spoken<'a>], implied: Lit) -> Asks<'a> {
        let rules = || policies.iter().flat_map(|said| &said.rules).copied();
        let allows = rules().filter(|(entry, _)| entry.action == Action::Allow);
        let (asking, plain): (Vec<_>, Vec<_>) =
            allows.partition(|(entry, _)| entry.condition.is_some());
        let mut all: BTreeMap<&str, Vec<Lit>> = BTreeMap::new();
        if asking.is_empty() {
            return Asks::new();
        }
        let free: Vec<Lit> = plain.iter().map(|(_, lets)| *lets).chain([implied]).collect();
        let free = self.circuit.any(free);
        for (entry, matches) in asking {
            let Some(condition) = &entry.condition else { continue };
            let lifted = if condition.reads == Reads::Http {
                free
            } else {
                let mut lifting = Vec::new();
                for (other, lets) in &plain {
                    let ports = condition.lifted_at(&entry.ports, &other.ports);
                    let there = self.ports_of(side, &ports);
                    lifting.push(self.circuit.all([*lets, there]));
                }
                self.circuit.any(lifting)
            };
            let [whole, left] = [!lifted, lifted].map(|lit| self.circuit.all([matches, lit]));
            all.entry(&condition.asks).or_default().push(whole);
            all.entry(condition.lifted_asks()).or_default().push(left);
        }
        all.into_iter().map(|(asks, lits)| (asks, self.circuit.any(lits))).collect()
    }

    /// What else decides: that no policy keeps a pod's own node out, and policies for the whole cluster
    /// that could not be read.
    fn besides(
        &mut self,
        side: usize,
        direction: Direction,
        namespace: &str,
        mut fate: Fate<'a>,
    ) -> Fate<'a> {
        let rules = self.sides[side].rules;
        if rules.cilium().is_none() && direction == Direction::Ingress {
            let own = self.own_node;
            fate = Fate {
                may_allow: self.circuit.any([fate.may_allow, own]),
                may_deny: self.circuit.all([fate.may_deny, !own]),
                bound: self.circuit.all([fate.bound, !own]),
                asks: only_if(&mut self.circuit, fate.asks, !own),
            };
        }
        // In tiers with names a policy that was not read may do anything.
        let named = rules.enforcer().calico().is_some();
        if rules.cluster_wide_unread() || (named && rules.is_unread(namespace)) {
            let speaks = self.unknown(format!("{direction} policies for all unread"));
            let lets = self.unknown(format!("{direction} verdict for all unread"));
            let c = &mut self.circuit;
            let (says, stops) = (c.all([speaks, lets]), c.all([speaks, !lets]));
            let [allow, deny, bound] =
                [fate.may_allow, fate.may_deny, fate.bound].map(|lit| c.all([lit, !speaks]));
            let asks = only_if(c, fate.asks, !speaks);
            let (may_allow, may_deny) = (c.any([allow, says]), c.any([deny, stops]));
            fate = Fate { may_allow, may_deny, bound, asks };
        }
        fate
    }

    /// Tiers with names: in each the first rule that matches decides, and of what none does the end of
    /// the tier, if some policy of it selects. What no tier decides passes.
    fn named(&mut self, policies: &[Spoken<'a>]) -> Fate<'a> {
        let mut reached = self.circuit.constant(true);
        let mut all = [vec![], vec![], vec![]];
        let mut allowing = Vec::new();
        for tier in policies.chunk_by(|a, b| a.tier.is_beside(&b.tier)) {
            let (mut next, mut selecting) = (Vec::new(), Vec::new());
            // Step by step, since a list of all rules before each would be as long as their square.
            let mut spoken = self.circuit.constant(false);
            for said in tier {
                selecting.push(said.selects);
                for (action, matches, asks) in said.rules() {
                    let decides = self.circuit.all([matches, !spoken, reached]);
                    match action {
                        Action::Allow => all[0].push(decides),
                        Action::Deny => all[1].push(decides),
                        Action::Pass => next.push(decides),
                    }
                    if asks.is_some() && action == Action::Allow {
                        all[2].push(decides);
                        allowing.push((action, decides, asks));
                    }
                    spoken = self.circuit.any([spoken, matches]);
                }
            }
            let c = &mut self.circuit;
            let selected = c.any(selecting);
            let silent = c.all([reached, selected, !spoken]);
            next.push(c.all([reached, !selected, !spoken]));
            let position = tier.first().and_then(|said| said.tier.position());
            match position.map(|position| position.tier.end) {
                Some(TierEnd::Deny) => all[1].push(silent),
                Some(TierEnd::Pass) | None => next.push(silent),
            }
            reached = c.any(next);
        }
        all[0].push(reached);
        let [may_allow, may_deny, bound] = all.map(|lits| self.circuit.any(lits));
        let asks = asks_of(&allowing).into_iter();
        let asks = asks.map(|(asks, decides)| (asks, self.circuit.any(decides))).collect();
        Fate { may_allow, may_deny, bound, asks }
    }

    /// An ordered tier: of each priority the first rule that matches decides; policies of one priority
    /// stand side by side, and of those that speak any may be followed; in Cilium the first in turn is.
    fn ordered(&mut self, policies: &[&Spoken<'a>], by_cilium: bool) -> Tiered<'a> {
        let mut reached = self.circuit.constant(true);
        let mut all = [vec![], vec![], vec![], vec![]];
        let mut allowing = Vec::new();
        for group in policies.chunk_by(|a, b| a.tier == b.tier) {
            let mut spoken = Vec::new();
            // Lists of rules, in each of which the first that matches speaks.
            let each = group.iter().map(|said| said.rules().collect::<Vec<_>>());
            let lists = if by_cilium { vec![in_turn(group)] } else { each.collect() };
            for rules in lists {
                let mut before = Vec::new();
                for (action, matches, asks) in rules {
                    let quiet = self.circuit.any(before.iter().copied());
                    let decides = self.circuit.all([matches, !quiet, reached]);
                    let place = match action {
                        Action::Allow => 0,
                        Action::Deny => 1,
                        Action::Pass => 2,
                    };
                    all[place].push(decides);
                    if asks.is_some() && action == Action::Allow {
                        all[3].push(decides);
                        allowing.push((action, decides, asks));
                    }
                    before.push(matches);
                }
                spoken.extend(before);
            }
            let spoken = self.circuit.any(spoken);
            reached = self.circuit.all([reached, !spoken]);
        }
        let [allow, deny, pass, bound] = all.map(|lits| self.circuit.any(lits));
        let next = self.circuit.any([pass, reached]);
        let asks = asks_of(&allowing).into_iter();
        let asks = asks.map(|(asks, decides)| (asks, self.circuit.any(decides))).collect();
        Tiered { allow, deny, next, bound, asks }
    }
}

/// The rules of policies of one priority as Cilium asks them.
fn in_turn<'a>(group: &[&Spoken<'a>]) -> Vec<Said<'a>> {
    let mut all: Vec<_> = group.iter().flat_map(|said| said.rules.iter().copied()).collect();
    all.sort_by_key(|(entry, _)| turn(entry.place, entry.action));
    all.into_iter().map(|(entry, matches)| said(entry, matches)).collect()
}

/// What the rules that allow ask for, each with when those that ask it match.
fn asks_of<'a: 'b, 'b>(
    rules: impl IntoIterator<Item = &'b Said<'a>>,
) -> BTreeMap<&'a str, Vec<Lit>> {
    let mut all: BTreeMap<&str, Vec<Lit>> = BTreeMap::new();
    for (action, matches, asks) in rules {
        if let (Action::Allow, Some(asks)) = (action, asks) {
            all.entry(asks).or_default().push(*matches);
        }
    }
    all
}
