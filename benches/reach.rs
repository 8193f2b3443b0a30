//! All pairs: `cargo bench --bench engine -- reach`.

use crate::clusters;
use crate::measure::{SIZES, cpu_time, peak_memory};
use crate::shapes::{Case, Shape};
use crate::tiers;
use divan::Bencher;
use netpol::cluster::{Family, Snapshot};
use netpol::effort::Effort;
use netpol::policy::Ruleset;
use netpol::reach::Connectivity;

const SHAPES: [Shape; 5] =
    [Shape::Micro, Shape::Openshift, Shape::Monolith, Shape::Largest, Shape::Kano];

fn every_case() -> impl Iterator<Item = Case> {
    let all = SHAPES.into_iter().flat_map(|shape| SIZES.map(|pods| Case { shape, pods }));
    // Where no two pods are alike, what is told of so many is more than is ever asked for.
    all.filter(|case| case.shape != Shape::Kano || case.pods <= 10_000)
}

#[divan::bench(args = every_case(), sample_size = 1, max_time = 5)]
fn all_pairs(bencher: Bencher<'_, '_>, case: Case) {
    measure(bencher, case, |case| {
        let (snapshot, written) = clusters::cluster(case);
        let rules = clusters::rules(&snapshot, &written);
        (snapshot, rules)
    });
}

/// With policies of administrators.
#[divan::bench(args = every_case(), sample_size = 1, max_time = 5)]
fn tiers(bencher: Bencher<'_, '_>, case: Case) {
    measure(bencher, case, tiers::tiered);
}

/// With rules that ask which node a pod is on.
#[divan::bench(args = every_case(), sample_size = 1, max_time = 5)]
fn own_nodes(bencher: Bencher<'_, '_>, case: Case) {
    measure(bencher, case, tiers::own_nodes);
}

fn measure(bencher: Bencher<'_, '_>, case: Case, make: fn(Case) -> (Snapshot, Ruleset)) {
    let (snapshot, rules) = make(case);
    let before = peak_memory();
    bencher.bench_local(|| Connectivity::compute(&snapshot, &rules, Effort::default()).unwrap());
    let start = cpu_time();
    let connectivity = Connectivity::compute(&snapshot, &rules, Effort::default()).unwrap();
    let took = cpu_time().saturating_sub(start);
    let rectangles = connectivity.rectangles(Family::V4).count();
    println!(
        "\n{case}: {} pods, {} namespaces, {} workloads, {} policy directions; {} classes, {} with \
         address atoms; {rectangles} rectangles; {took:?} of a processor; cluster alone {before}",
        snapshot.pods().len(),
        snapshot.namespaces().len(),
        snapshot.workloads.len(),
        rules.policies().len(),
        connectivity.classes().0,
        connectivity.classes().1,
    );
}
