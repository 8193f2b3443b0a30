//! One change of a cluster, followed: `cargo bench --bench engine -- change`.

use crate::clusters;
use crate::measure::{cases, cpu_time};
use crate::shapes::Case;
use divan::Bencher;
use netpol::cluster::{Pod, Snapshot};
use netpol::effort::Effort;
use netpol::policy::{Ruleset, Written};
use netpol::reach::{Kept, Updated};
use std::sync::Arc;

/// What is followed: a snapshot with what it is ruled by.
type Side = (Arc<Snapshot>, Written);

/// Two clusters in turn.
fn followed(bencher: Bencher<'_, '_>, case: Case, sides: [Side; 2]) {
    let rules = sides
        .each_ref()
        .map(|(snapshot, written)| Arc::<Ruleset>::new(clusters::rules(snapshot, written)));
    let snapshots = sides.map(|(snapshot, _)| snapshot);
    let start = cpu_time();
    let (first, of) = (snapshots[0].clone(), rules[0].clone());
    let mut kept = Kept::new(first, of, Effort::default()).unwrap();
    println!("\n{case}: {:?} of a processor at first", cpu_time().saturating_sub(start));
    let mut side = 0;
    let mut next = || {
        side = 1 - side;
        kept.update(snapshots[side].clone(), rules[side].clone()).unwrap()
    };
    bencher.bench_local(&mut next);
    let start = cpu_time();
    let updated = next();
    let took = cpu_time().saturating_sub(start);
    let how = match updated {
        Updated::Anew => "anew".to_owned(),
        Updated::Moved => "pods moved".to_owned(),
        Updated::Turned(turned) => format!("{} rectangles turned", turned.len()),
    };
    println!("{case}: {how}; {took:?} of a processor");
}

/// A policy of this name, in the middle of all, comes and goes. The pods stay, as whoever follows files and
/// clusters has them.
fn with_and_without(bencher: Bencher<'_, '_>, case: Case, name: &str) {
    let (snapshot, written) = clusters::cluster(case);
    let mut changed = written.clone();
    let middle = changed.objects.len() / 2;
    let found = changed.objects.iter().skip(middle).position(|it| *it.object.name == *name);
    changed.objects.remove(middle + found.unwrap());
    let snapshot = Arc::new(snapshot);
    followed(bencher, case, [(snapshot.clone(), written), (snapshot, changed)]);
}

/// One that opens all of a namespace to another one comes and goes.
#[divan::bench(args = cases(), sample_size = 1, max_time = 5)]
fn ingress_policy(bencher: Bencher<'_, '_>, case: Case) {
    with_and_without(bencher, case, "monitoring");
}

/// One that closes all but a few ways out of a namespace comes and goes.
#[divan::bench(args = cases(), sample_size = 1, max_time = 5)]
fn egress_policy(bencher: Bencher<'_, '_>, case: Case) {
    with_and_without(bencher, case, if case.pods > 10_000 { "out" } else { "dns" });
}

/// One more pod of a workload comes and goes.
#[divan::bench(args = cases(), sample_size = 1, max_time = 5)]
fn pod(bencher: Bencher<'_, '_>, case: Case) {
    let (snapshot, written) = clusters::cluster(case);
    let mut other = snapshot.clone();
    let one = snapshot.pods()[case.pods / 2].clone();
    other.add_pod(Pod { name: "another".into(), ..one });
    followed(bencher, case, [(Arc::new(snapshot), written.clone()), (Arc::new(other), written)]);
}
