//! What is missing once the namespace is closed, and what became of every connection.

use super::collect::Collector;
use super::evidence::{Connection, Evidence, Named, Who};
use super::policies::{self, Admitted, Pair, Peer};
use super::units::Unnameable;
use crate::baseline::{BaselinePolicy, GUESSED_FROM};
use crate::cluster::{ObjectRef, Port};
use crate::draft::{Dialect, Draft};
use crate::objects::Objects;
use crate::observed::{Key, predict};
use crate::policy::rule::Direction;
use crate::policy::{Ruleset, Written};
use crate::printable::printable;
use crate::verdict::Verdict;
use foldhash::HashSet;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A policy isolates what it selects, so that what was open may need one too; that ends soon.
const ROUNDS: usize = 4;

/// A connection that works, what was seen of it, and its place among all.
type Working<'a> = (&'a Connection, &'a Evidence, usize);

/// What is learned for one namespace.
pub struct Lesson {
    /// The namespace.
    pub namespace: Box<str>,
    /// The language of its policies.
    pub dialect: Dialect,
    /// The policies that are missing, by name.
    pub policies: Vec<Draft>,
    /// Every connection of the namespace that was seen, in order.
    pub seen: Vec<Seen>,
    /// Policies of the namespace that these would take the place of, having their names.
    pub replaced: Vec<ObjectRef>,
    /// What would be in force.
    pub after: Ruleset,
}

/// A connection and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The connection.
    pub connection: Connection,
    /// The pods, nodes and addresses that it was seen between, as far as they are kept.
    pub keys: BTreeSet<Key>,
    /// How often it was let through, and denied at egress and at ingress.
    pub counts: [u64; 3],
    /// What in configuration names it, as far as that is kept, and in which file.
    pub named: Named,
    /// It passes only since policies are audited.
    pub audited: bool,
    /// What became of it.
    pub fate: Fate,
}

/// What becomes of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// New policies admit it; their names.
    Learned(BTreeSet<String>),
    /// It stays allowed by other policies, or nothing isolates its ends.
    Covered,
    /// It does not work: policies denied it last, or where it was not seen they would.
    Denied {
        /// It was not seen on that side, where the policies deny it.
        predicted: bool,
    },
    /// It works, and would not.
    Cut(Lost),
    /// It is allowed here, and its other end is in a namespace whose policies deny it: it passes only
    /// since these are audited, or are not what was read.
    OtherSide,
}

/// Why a connection that works cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// An end is a node, which no selector names.
    Node,
    /// An end has no labels to name it by.
    NoLabels,
    /// There are too many addresses or ports to name each.
    TooMany,
    /// A rule denies it, or whether it passes is not known.
    Refused,
}

/// What is missing in a namespace for what was seen to work, once `closing` is applied to it, in the
/// same dialect.
pub fn learn(
    collector: &Collector<'_>,
    written: &Written,
    before: &Ruleset,
    namespace: &str,
    closing: &[BaselinePolicy],
    dialect: Dialect,
) -> Lesson {
    let judge = Judge { collector, namespace, dialect };
    let closing: Vec<Value> = closing.iter().filter_map(|policy| policy.object(dialect)).collect();
    let mut works = Vec::new();
    let mut seen = Vec::new();
    for (connection, evidence) in collector.connections.iter().filter(|(it, _)| judge.is_ours(it)) {
        let denied = if evidence.works() {
            judge.is_denied_unseen(before, evidence).then_some(true)
        } else {
            Some(false)
        };
        let fate = denied.map_or(Fate::Covered, |predicted| Fate::Denied { predicted });
        if denied.is_none() {
            works.push((connection, evidence, seen.len()));
        }
        seen.push(Seen {
            connection: *connection,
            keys: evidence.keys.clone(),
            counts: [evidence.passed(), evidence.egress.denied, evidence.ingress.denied],
            named: evidence.named.clone(),
            audited: evidence.is_audited(),
            fate,
        });
    }
    let pairs: BTreeSet<Pair> =
        works.iter().flat_map(|(connection, ..)| judge.pairs(connection)).collect();
    let names = policies::names(&collector.units, &pairs);
    let ours: HashSet<&str> = names.values().map(String::as_str).collect();
    // A policy that has one of these names is ours of an earlier day, and is made anew.
    let (closed, _) = judge.with(written, &closing, |name| ours.contains(name));
    let mut rules = judge.compile(&closed, before);
    let mut made: BTreeMap<String, Draft> = BTreeMap::new();
    let mut admitted: BTreeMap<Pair, Admitted> = BTreeMap::new();
    let mut replaced = Vec::new();
    for _ in 0..ROUNDS {
        let missing = judge.missing(&rules, &works, &admitted);
        if missing.is_empty() {
            break;
        }
        for (pair, address, port) in missing {
            admitted.entry(pair).or_default().add(address, port);
        }
        for (pair, admitted) in admitted.iter().filter(|(_, it)| !it.is_too_much()) {
            let Some(name) = names.get(pair) else { continue };
            let policy = policies::policy(&collector.units, pair, name, admitted);
            made.extend(policy.map(|policy| (name.clone(), policy)));
        }
        let drafted = made.values().filter_map(|draft| draft.object(dialect));
        let all: Vec<Value> = closing.iter().cloned().chain(drafted).collect();
        let with;
        (with, replaced) = judge.with(written, &all, |_| false);
        rules = judge.compile(&with, before);
    }
    replaced.retain(|object| made.contains_key(&*object.name));
    let (mut policies, after): (Vec<Draft>, _) = (made.values().cloned().collect(), rules);
    for (connection, evidence, at) in works {
        let stays =
            evidence.keys.iter().all(|key| judge.verdict(&after, key, None) == Verdict::Allowed);
        let missing: Vec<Pair> =
            judge.pairs(connection).filter(|pair| admitted.contains_key(pair)).collect();
        let own: BTreeSet<String> = missing
            .iter()
            .filter_map(|pair| names.get(pair))
            .filter(|name| made.contains_key(*name))
            .cloned()
            .collect();
        let here = |key: &Key| {
            judge
                .pairs(connection)
                .all(|pair| judge.verdict(&after, key, Some(pair.direction)) == Verdict::Allowed)
        };
        let fate = match (stays, own.is_empty()) {
            (false, _) if evidence.keys.iter().all(here) => Fate::OtherSide,
            (true, true) => Fate::Covered,
            (true, false) => Fate::Learned(own),
            (false, _) => Fate::Cut(judge.why_lost(&missing, &admitted)),
        };
        if let Some(seen) = seen.get_mut(at) {
            seen.fate = fate;
        }
    }
    mark_guesses(&mut policies, &seen);
    seen.sort_by_cached_key(|seen| judge.order(&seen.connection));
    Lesson { namespace: namespace.into(), dialect, policies, seen, replaced, after }
}

/// The longest annotation that is written.
const LONGEST: usize = 2000;

/// Marks the policies of what nobody saw as what they are, with the places that name it.
fn mark_guesses(policies: &mut [Draft], seen: &[Seen]) {
    for policy in policies {
        let learned = |it: &&Seen| match &it.fate {
            Fate::Learned(names) => it.is_guess() && names.contains(&policy.name),
            _ => false,
        };
        let places: BTreeSet<&str> =
            seen.iter().filter(learned).flat_map(|it| it.named.keys()).map(|by| &**by).collect();
        if !places.is_empty() {
            let all = places.into_iter().collect::<Vec<_>>().join(", ");
            let text = printable(&all).chars().take(LONGEST).collect();
            policy.annotations.insert(GUESSED_FROM.to_owned(), text);
        }
    }
}

impl Seen {
    /// Whether configuration names it and no flow was seen.
    pub fn is_guess(&self) -> bool {
        !self.named.is_empty() && self.counts == [0; 3]
    }
}

struct Judge<'a, 'b> {
    collector: &'a Collector<'b>,
    namespace: &'a str,
    dialect: Dialect,
}

impl Judge<'_, '_> {
    fn is_local(&self, who: Who) -> bool {
        let Who::Unit(id) = who else { return false };
        self.collector.units.get(id).namespace.as_deref() == Some(self.namespace)
    }

    fn is_ours(&self, connection: &Connection) -> bool {
        self.is_local(connection.source) || self.is_local(connection.destination)
    }

    /// The sides of a connection that are in the namespace.
    fn pairs(&self, connection: &Connection) -> impl Iterator<Item = Pair> {
        let Connection { source, destination, .. } = *connection;
        let sides =
            [(Direction::Egress, source, destination), (Direction::Ingress, destination, source)];
        let pair = |(direction, subject, peer)| {
            let Who::Unit(id) = subject else { return None };
            let peer = match peer {
                Who::Unit(peer) => Peer::Unit(peer),
                Who::Address(_) => Peer::Outside,
            };
            self.is_local(subject).then_some(Pair { direction, subject: id, peer })
        };
        sides.map(pair).into_iter().flatten()
    }

    /// What is not allowed by these rules and not yet admitted, on sides in the namespace.
    fn missing(
        &self,
        rules: &Ruleset,
        works: &[Working<'_>],
        admitted: &BTreeMap<Pair, Admitted>,
    ) -> Vec<(Pair, Option<IpAddr>, Port)> {
        let mut missing = Vec::new();
        for (connection, evidence, _) in works {
            let address = connection.address();
            for pair in self.pairs(connection) {
                let open = |key: &Key| self.verdict(rules, key, Some(pair.direction));
                if !admitted.get(&pair).is_some_and(|it| it.has(address, connection.port))
                    && evidence.keys.iter().any(|key| open(key) != Verdict::Allowed)
                {
                    missing.push((pair, address, connection.port));
                }
            }
        }
        missing
    }

    /// Whether the policies in force certainly deny it on a side where it was not seen.
    fn is_denied_unseen(&self, rules: &Ruleset, evidence: &Evidence) -> bool {
        Direction::ALL.into_iter().any(|direction| {
            evidence.side(direction).last().is_none()
                && evidence
                    .keys
                    .iter()
                    .all(|key| self.verdict(rules, key, Some(direction)) == Verdict::Denied)
        })
    }

    fn verdict(&self, rules: &Ruleset, key: &Key, direction: Option<Direction>) -> Verdict {
        predict(self.collector.snapshot, rules, key).verdict(direction)
    }

    fn compile(&self, written: &Written, like: &Ruleset) -> Ruleset {
        Ruleset::compile(written, self.collector.snapshot, like.enforcer())
    }

    /// What is written, with policies added that replace those of their names, and some of the
    /// dialect left away; and those that were replaced.
    fn with(
        &self,
        written: &Written,
        policies: &[Value],
        without: impl Fn(&str) -> bool,
    ) -> (Written, Vec<ObjectRef>) {
        let mut objects = Objects::default();
        for policy in policies {
            objects.insert_policy(policy);
        }
        let names: BTreeSet<ObjectRef> =
            objects.iter().map(|(object, ..)| object.clone()).collect();
        let mut replaced = Vec::new();
        let mut stays = |object: &ObjectRef| {
            let is_left_out = *object.kind == *self.dialect.kind().as_str()
                && object.namespace.as_deref() == Some(self.namespace)
                && without(&object.name);
            let same_name = names.contains(object);
            if same_name {
                replaced.push(object.clone());
            }
            !same_name && !is_left_out
        };
        let mut with = written.clone();
        with.objects.retain(|written| stays(&written.object));
        let (_, more) = objects.assemble();
        with.objects.extend(more.objects);
        with.undecodable.extend(more.undecodable);
        (with, replaced)
    }

    fn why_lost(&self, missing: &[Pair], admitted: &BTreeMap<Pair, Admitted>) -> Lost {
        let units = &self.collector.units;
        let ends = missing.iter().flat_map(|pair| match pair.peer {
            Peer::Unit(peer) => vec![pair.subject, peer],
            Peer::Outside => vec![pair.subject],
        });
        let mut faults = ends.filter_map(|id| units.get(id).selector.as_ref().err());
        match faults.next() {
            Some(Unnameable::Node) => Lost::Node,
            Some(Unnameable::NoLabels) => Lost::NoLabels,
            None if missing
                .iter()
                .any(|it| admitted.get(it).is_some_and(Admitted::is_too_much)) =>
            {
                Lost::TooMany
            }
            None => Lost::Refused,
        }
    }

    fn order(&self, connection: &Connection) -> (String, String, Port) {
        let [from, to] = [connection.source, connection.destination]
            .map(|who| super::words::end(self.collector, who));
        (from, to, connection.port)
    }
}

impl Connection {
    /// The end that is outside the cluster.
    fn address(&self) -> Option<IpAddr> {
        [self.source, self.destination].into_iter().find_map(|who| match who {
            Who::Address(ip) => Some(ip),
            Who::Unit(_) => None,
        })
    }
}
