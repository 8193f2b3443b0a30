//! Rules that several others decide together, which the engines prove.
//!
//! In: the rules of one side, and a rule. Out: whether any flow changes where it is taken away: Yes, No
//! where that is proved for every pod there is and could be, and Unknown. Only the rules of its own
//! direction that may speak for the same pods are looked at: where none of them leaves a flow to be decided
//! otherwise, what the other side says of it does not matter.
//!
//! A rule that meets fewer than two others is not asked about: what one other covers by itself is found
//! by [`cover`](super::cover), and what none covers changes a flow.

use super::cover::Part;
use super::within::may_meet;
use crate::cluster::{Name, Snapshot, Truth};
use crate::effort::Effort;
use crate::policy::rule::{Direction, Entry, Namespaces, Peers, Policy};
use crate::policy::{PolicyId, Ruleset};
use crate::{reach, unwritten};
use foldhash::{HashMap, HashMapExt as _, HashSet};

/// The steps that may be taken for one rule.
const STEPS: u64 = 300_000;

/// The most rules that may be looked at together.
const MOST_TOGETHER: usize = 200;

/// The most rules that are asked about, and the most pods and namespaces that are looked at for all of them.
const MOST_ASKED: usize = 500;
const MOST_ENDS: usize = 1_000_000;

/// Asks the engines about rules, as long as there is effort left.
pub(super) struct Prover<'a> {
    snapshot: &'a Snapshot,
    rules: &'a Ruleset,
    effort: Effort,
    /// The steps that are left.
    left: u64,
    asked: usize,
    most: usize,
    /// How many rules were not asked about for that.
    pub(super) not_asked: usize,
    /// How many rules there are beside each other, by namespace.
    sizes: HashMap<(Option<&'a Name>, Direction), usize>,
}

impl<'a> Prover<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, rules: &'a Ruleset, effort: Effort) -> Self {
        let (left, sizes) = (effort.search, HashMap::new());
        let ends = snapshot.pods().len() + snapshot.namespaces().len();
        let most = MOST_ASKED.min(MOST_ENDS / ends.max(1));
        Self { snapshot, rules, effort, left, asked: 0, most, not_asked: 0, sizes }
    }

    /// The other rules that may decide some flows of a rule; entries are those of it.
    /// What is gone is not among them.
    pub(super) fn others(
        &self,
        id: PolicyId,
        entries: &[usize],
        gone: &HashSet<Part>,
    ) -> Vec<(PolicyId, usize)> {
        let policy = self.rules.policy(id);
        let mut all = Vec::new();
        for (other_id, other) in self.beside(policy) {
            for (at, entry) in other.entries.iter().enumerate() {
                let own = other_id == id && entries.contains(&at);
                let meets = |of: &usize| may_meet((policy, &policy.entries[*of]), (other, entry));
                if !own && entries.iter().any(meets) && is_left(entry, (other_id, at), gone) {
                    all.push((other_id, at));
                }
            }
        }
        all
    }

    /// Whether there are too many rules beside a policy, or were, to ask about one of it.
    pub(super) fn is_too_much(&mut self, id: PolicyId) -> bool {
        let policy = self.rules.policy(id);
        let own = match &policy.subject.namespaces {
            Namespaces::Own(name) => Some(name),
            Namespaces::Matching(_) => None,
        };
        let key = (own, policy.direction);
        let known = self.sizes.get(&key).copied();
        let size = known.unwrap_or_else(|| {
            self.beside(policy).iter().map(|(_, it)| it.entries.len() + 1).sum()
        });
        self.sizes.insert(key, size);
        let many = size > MOST_TOGETHER || self.left == 0 || self.asked >= self.most;
        self.not_asked += usize::from(many);
        many
    }

    /// The policies of the same direction that may speak for the same pods.
    fn beside(&self, policy: &Policy) -> Vec<(PolicyId, &'a Policy)> {
        match &policy.subject.namespaces {
            Namespaces::Own(name) => self.rules.candidates(name, policy.direction).collect(),
            Namespaces::Matching(_) => {
                let all = self.rules.policies().iter().enumerate();
                all.filter(|(_, other)| other.direction == policy.direction).collect()
            }
        }
    }

    /// Whether any flow changes without these entries of a policy, where what is gone is gone.
    pub(super) fn changes(
        &mut self,
        id: PolicyId,
        entries: &[usize],
        gone: &HashSet<Part>,
    ) -> Truth {
        let policy = self.rules.policy(id);
        let beside = self.beside(policy);
        self.asked += 1;
        let mut with = self.rules.without_policies();
        let mut at = 0;
        for (beside_id, policy) in beside {
            if beside_id == id {
                at = with.policies().len();
            }
            let entries = policy.entries.iter().enumerate();
            let entries = entries.map(|(at, entry)| left(entry, (beside_id, at), gone));
            with.add_policy(Policy { entries: entries.collect(), ..policy.clone() });
        }
        let mut without = with.clone();
        for entry in entries {
            without.silence(at, *entry);
        }
        let (old, new) = ((self.snapshot, &with), (self.snapshot, &without));
        let (changes, taken) = unwritten::changes(old, new, STEPS.min(self.left));
        self.left = self.left.saturating_sub(taken.max(1));
        if !changes.is_no() {
            return changes;
        }
        // What pods that could be show is shown of those that are, but for what is known of them.
        match reach::diff(old, new, self.effort) {
            Ok(diff) if diff.changes().is_empty() => Truth::No,
            Ok(_) => Truth::Yes,
            Err(_) => Truth::Unknown,
        }
    }
}

/// Whether some part of an entry is left.
fn is_left(entry: &Entry, (policy, at): (PolicyId, usize), gone: &HashSet<Part>) -> bool {
    let there = |peer| !gone.contains(&Part { policy, entry: at, peer });
    match &entry.peers {
        Peers::Any => there(None),
        Peers::Of(items) => (0..items.len()).any(|peer| there(Some(peer))),
    }
}

/// What is left of an entry without the parts that are gone.
fn left(entry: &Entry, (policy, at): (PolicyId, usize), gone: &HashSet<Part>) -> Entry {
    let there = |peer| !gone.contains(&Part { policy, entry: at, peer });
    let peers = match &entry.peers {
        Peers::Any if there(None) => Peers::Any,
        Peers::Any => Peers::Of(Vec::new()),
        Peers::Of(items) => {
            let items = items.iter().enumerate().filter(|(peer, _)| there(Some(*peer)));
            Peers::Of(items.map(|(_, item)| item.clone()).collect())
        }
    };
    Entry { peers, ..entry.clone() }
}
