//! From manifests to rules: `cargo bench --bench engine -- parse`. `read` is YAML to objects, on all
//! processors; `assemble` links these to a snapshot; `compile` lowers the policies to rules.

use crate::clusters::cluster;
use crate::manifests;
use crate::measure::cases;
use crate::shapes::Case;
use divan::Bencher;
use divan::counter::BytesCount;
use netpol::objects::Objects;
use netpol::policy::{Enforcer, Ruleset};
use netpol_sources::manifests::{Loaded, Manifests};
use tempfile::TempDir;

/// The manifests of a cluster on disk, and how long they are.
fn files(case: Case) -> (TempDir, u64) {
    let directory = tempfile::tempdir().unwrap();
    manifests::write(case, 42, false, directory.path()).unwrap();
    let written = directory.path().read_dir().unwrap();
    let bytes = written.map(|file| file.unwrap().metadata().unwrap().len()).sum();
    (directory, bytes)
}

fn load(directory: &TempDir) -> Loaded {
    let files = vec![directory.path().to_owned()];
    let loaded = Manifests { files, ..Manifests::default() }.load().unwrap();
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    loaded
}

#[divan::bench(args = cases(), sample_size = 1, max_time = 5)]
fn read(bencher: Bencher<'_, '_>, case: Case) {
    let (directory, bytes) = files(case);
    bencher.counter(BytesCount::new(bytes)).bench_local(|| load(&directory));
}

#[divan::bench(args = cases(), sample_size = 1, max_time = 5)]
fn assemble(bencher: Bencher<'_, '_>, case: Case) {
    let (directory, _) = files(case);
    let inputs = || load(&directory).objects;
    bencher.with_inputs(inputs).bench_local_values(Objects::assemble);
}

#[divan::bench(args = cases(), sample_size = 1, max_time = 5)]
fn compile(bencher: Bencher<'_, '_>, case: Case) {
    let (snapshot, written) = cluster(case);
    bencher.bench_local(|| Ruleset::compile(&written, &snapshot, &Enforcer::default()));
}
