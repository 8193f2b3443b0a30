//! Two snapshots compared: `cargo bench --bench engine -- diff`.

use crate::clusters;
use crate::measure::{cases, cpu_time};
use crate::shapes::Case;
use divan::Bencher;
use netpol::effort::Effort;
use netpol::reach::diff;

/// A cluster with itself, less one policy if `change`.
fn compared(bencher: Bencher<'_, '_>, case: Case, change: bool) {
    let (old_snapshot, mut written) = clusters::cluster(case);
    let old_rules = clusters::rules(&old_snapshot, &written);
    if change {
        written.objects.remove(written.objects.len() / 2);
    }
    let new_rules = clusters::rules(&old_snapshot, &written);
    drop(written);
    let (new_snapshot, _) = clusters::cluster(case);
    let run = || {
        let sides = [(&old_snapshot, &old_rules), (&new_snapshot, &new_rules)];
        diff(sides[0], sides[1], Effort::default()).unwrap()
    };
    bencher.bench_local(run);
    let start = cpu_time();
    let changes = run().changes().len();
    println!("\n{case}: {changes} changes; {:?} of a processor", cpu_time().saturating_sub(start));
    assert_eq!(changes > 0, change, "{case}");
}

#[divan::bench(args = cases(), sample_size = 1, max_time = 5)]
fn same(bencher: Bencher<'_, '_>, case: Case) {
    compared(bencher, case, false);
}

#[divan::bench(args = cases(), sample_size = 1, max_time = 5)]
fn one_policy_less(bencher: Bencher<'_, '_>, case: Case) {
    compared(bencher, case, true);
}
