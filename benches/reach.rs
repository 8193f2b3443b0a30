//! All pairs of large clusters, engine only: `cargo bench --bench reach`, or one case with
//! `cargo bench --bench reach -- Largest-150000`. The last line is the memory that the process took,
//! the cluster included, so it says something of a single case only.

#![allow(clippy::print_stdout, reason = "a benchmark's answer is what it prints")]

mod clusters;
mod tiers;

use clusters::{Case, Cluster, Shape, cluster};
use divan::Bencher;
use netpol::cluster::Family;
use netpol::reach::Connectivity;
use std::time::Duration;

fn main() {
    divan::main();
    println!("{}", peak_memory().unwrap_or_default());
}

fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find(|line| line.starts_with("VmHWM")).map(Into::into)
}

/// What this thread has used of a processor, which other programs do not lengthen.
fn cpu_time() -> Duration {
    let spent = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = spent.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

const SHAPES: [Shape; 4] = [Shape::Micro, Shape::Openshift, Shape::Monolith, Shape::Largest];

fn cases() -> impl Iterator<Item = Case> {
    SHAPES.into_iter().flat_map(|shape| {
        [1_000, 10_000, 150_000].into_iter().map(move |pods| Case { shape, pods })
    })
}

#[divan::bench(args = cases(), sample_size = 1, max_time = 5)]
fn all_pairs(bencher: Bencher<'_, '_>, case: Case) {
    measure(bencher, case, cluster);
}

/// With policies of administrators.
#[divan::bench(args = cases(), sample_size = 1, max_time = 5)]
fn tiers(bencher: Bencher<'_, '_>, case: Case) {
    measure(bencher, case, tiers::tiered);
}

/// With rules that ask which node a pod is on.
#[divan::bench(args = cases(), sample_size = 1, max_time = 5)]
fn own_nodes(bencher: Bencher<'_, '_>, case: Case) {
    measure(bencher, case, tiers::own_nodes);
}

fn measure(bencher: Bencher<'_, '_>, case: Case, make: fn(Case) -> Cluster) {
    let cluster = make(case);
    let before = peak_memory();
    bencher.bench_local(|| Connectivity::compute(&cluster.snapshot, &cluster.rules));
    let start = cpu_time();
    let connectivity = Connectivity::compute(&cluster.snapshot, &cluster.rules);
    let took = cpu_time().saturating_sub(start);
    let rectangles = connectivity.rectangles(Family::V4).count();
    println!(
        "\n{case}: {} pods, {} namespaces, {} workloads, {} policy directions; {} classes, {} with \
         address atoms; {rectangles} rectangles; {took:?} of a processor; cluster alone {}",
        cluster.snapshot.pods().len(),
        cluster.snapshot.namespaces().len(),
        cluster.workloads,
        cluster.rules.policies().len(),
        connectivity.classes().0,
        connectivity.classes().1,
        before.unwrap_or_default(),
    );
}
