//! Random clusters: a seeded generator, a naive evaluator of the specification, and a harness that
//! cuts a failing cluster down before it reports it.
//!
//! `NETPOL_RANDOM_CLUSTERS` says how many clusters a property sees, `NETPOL_RANDOM_SEED` where to
//! begin, so that a failure is repeated with the seed it printed and a count of 1.

mod admin;
mod build;
mod cilium;
mod flows;
mod form;
mod generate;
pub(crate) mod naive;
mod naive_rules;
pub(crate) mod rules;
mod sides;
mod written;

pub(crate) use admin::{cluster_network_policy, lowered};
pub(crate) use build::{World, build};
pub(crate) use flows::{Ends, boundary_addresses, boundary_ports, naive_flow, outside};
pub(crate) use generate::{
    RUNTIME_LABEL, complete, complete_cluster, partial_cluster, random_labels, spec,
};
pub(crate) use sides::{before_and_after, two_sides};
pub(crate) use written::{
    WrittenEnd, WrittenFlow, with_admin_network_policies, with_administrators, with_cilium,
    with_cluster_network_policies, with_network_policies, written_ends, written_flows,
};

use serde_json::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// `SplitMix64`: enough randomness, and the same on every machine and in every year.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Another one, for a choice that is to leave all others as they are.
    pub(crate) fn fork(&self) -> Self {
        Self(!self.0)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    /// From `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// True in so many of a hundred cases.
    pub(crate) fn percent(&mut self, of_hundred: usize) -> bool {
        self.below(100) < of_hundred
    }

    pub(crate) fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// So many of them at random, in random order, or all.
    pub(crate) fn sample<T>(&mut self, mut all: Vec<T>, most: usize) -> Vec<T> {
        let most = most.min(all.len());
        for i in 0..most {
            let j = self.between(i, all.len() - 1);
            all.swap(i, j);
        }
        all.truncate(most);
        all
    }
}

fn from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Makes a cluster.
pub(crate) type Generator = fn(&mut Random) -> Vec<Value>;

/// A property of one cluster: what is wrong, if anything is. The seed is for choices of its own.
pub(crate) type Property = fn(&[Value], u64) -> Option<String>;

/// Whether an API server would take all of a cluster: of another nothing is said.
pub(crate) type Valid = fn(&[Value]) -> bool;

/// Holds a property against random clusters, and reports the smallest failing one that it finds.
pub(crate) fn hold(clusters: u64, generate: Generator, property: Property) {
    hold_where(clusters, generate, |objects| build(objects).is_some(), property, &|_, _, _| {});
}

/// The same for clusters of which another rule says whether they are valid. The smallest failing one goes
/// to `found`, with what is wrong and the seed, before it is reported. Out: how many were tried.
#[allow(clippy::print_stdout, reason = "cargo shows it when a test is run with --nocapture")]
pub(crate) fn hold_where(
    clusters: u64,
    generate: Generator,
    valid: Valid,
    property: Property,
    found: &dyn Fn(&[Value], &str, u64),
) -> u64 {
    let clusters = from_env("NETPOL_RANDOM_CLUSTERS", clusters);
    let first = from_env("NETPOL_RANDOM_SEED", 1);
    for seed in first..first.saturating_add(clusters) {
        let cluster = generate(&mut Random::new(seed));
        if let Some(complaint) = check(property, &cluster, seed) {
            println!("seed {seed}: {complaint}");
            let (cluster, complaint) = shrink(valid, property, cluster, complaint, seed);
            found(&cluster, &complaint, seed);
            let manifests: Vec<String> = cluster.iter().map(Value::to_string).collect();
            panic!("{complaint}\nNETPOL_RANDOM_SEED={seed} in:\n{}", manifests.join("\n"));
        }
    }
    println!("{clusters} clusters from seed {first}");
    clusters
}

fn check(property: Property, cluster: &[Value], seed: u64) -> Option<String> {
    catch_unwind(AssertUnwindSafe(|| property(cluster, seed)))
        .unwrap_or_else(|_| Some("panicked, see above".to_owned()))
}

/// Takes away whatever can go while the property still fails: whole objects first, then fields.
fn shrink(
    valid: Valid,
    property: Property,
    cluster: Vec<Value>,
    complaint: String,
    seed: u64,
) -> (Vec<Value>, String) {
    let mut best = Value::Array(cluster);
    let mut complaint = complaint;
    let mut depth = 1;
    while depth <= 14 {
        let mut smaller = false;
        for path in paths(&best, depth).into_iter().rev() {
            let mut candidate = best.clone();
            if !remove(&mut candidate, &path) {
                continue;
            }
            let Some(objects) = candidate.as_array() else { continue };
            // A cluster that the API server would refuse says nothing about verdicts.
            if !valid(objects) {
                continue;
            }
            if let Some(still) = check(property, objects, seed) {
                (best, complaint, smaller) = (candidate, still, true);
            }
        }
        depth = if smaller && depth > 1 { 1 } else { depth + 1 };
    }
    let Value::Array(cluster) = best else { unreachable!("it began as an array") };
    (cluster, complaint)
}

#[derive(Clone)]
enum Step {
    Key(String),
    Index(usize),
}

/// Every path of so many steps.
fn paths(value: &Value, depth: usize) -> Vec<Vec<Step>> {
    if depth == 0 {
        return vec![Vec::new()];
    }
    let children: Vec<(Step, &Value)> = match value {
        Value::Array(items) => items.iter().enumerate().map(|(i, v)| (Step::Index(i), v)).collect(),
        Value::Object(fields) => fields.iter().map(|(k, v)| (Step::Key(k.clone()), v)).collect(),
        _ => Vec::new(),
    };
    let mut all = Vec::new();
    for (step, child) in children {
        for mut rest in paths(child, depth - 1) {
            rest.insert(0, step.clone());
            all.push(rest);
        }
    }
    all
}

fn remove(value: &mut Value, path: &[Step]) -> bool {
    match (path, value) {
        ([Step::Index(i)], Value::Array(items)) if *i < items.len() => {
            items.remove(*i);
            true
        }
        ([Step::Key(key)], Value::Object(fields)) => fields.remove(key).is_some(),
        ([Step::Index(i), rest @ ..], Value::Array(items)) => {
            items.get_mut(*i).is_some_and(|v| remove(v, rest))
        }
        ([Step::Key(key), rest @ ..], Value::Object(fields)) => {
            fields.get_mut(key).is_some_and(|v| remove(v, rest))
        }
        _ => false,
    }
}
