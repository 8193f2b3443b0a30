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

/// A cluster, and the same with something changed, in turn.
fn followed(bencher: Bencher<'_, '_>, case: Case, change: impl Fn(&mut Snapshot, &mut Written)) {
    let (snapshot, written) = clusters::cluster(case);
    let (mut other, mut changed) = (snapshot.clone(), written.clone());
    change(&mut other, &mut changed);
    let rules = [clusters::rules(&snapshot, &written), clusters::rules(&other, &changed)];
    drop((written, changed));
    let rules: [Arc<Ruleset>; 2] = rules.map(Arc::new);
    let snapshots = [Arc::new(snapshot), Arc::new(other)];
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

/// Takes out a policy of this name in the middle.
fn without(written: &mut Written, name: &str) {
    let middle = written.objects.len() / 2;
    let found = written.objects.iter().skip(middle).position(|it| *it.object.name == *name);
    written.objects.remove(middle + found.unwrap());
}

/// One that opens all of a namespace to another one comes and goes.
#[divan::bench(args = cases(), sample_size = 1, max_time = 5)]
fn ingress_policy(bencher: Bencher<'_, '_>, case: Case) {
    followed(bencher, case, |_, written| without(written, "monitoring"));
}

/// One that closes all but a few ways out of a namespace comes and goes.
#[divan::bench(args = cases(), sample_size = 1, max_time = 5)]
fn egress_policy(bencher: Bencher<'_, '_>, case: Case) {
    let name = if case.pods > 10_000 { "out" } else { "dns" };
    followed(bencher, case, |_, written| without(written, name));
}

/// One more pod of a workload comes and goes.
#[divan::bench(args = cases(), sample_size = 1, max_time = 5)]
fn pod(bencher: Bencher<'_, '_>, case: Case) {
    followed(bencher, case, |snapshot, _| {
        let one = snapshot.pods()[case.pods / 2].clone();
        snapshot.add_pod(Pod { name: "another".into(), ..one });
    });
}
