//! The engine at every size: `cargo bench --bench engine`, or a part and a case of it, such as
//! `cargo bench --bench engine -- reach::all_pairs::Largest-150000`. Every case makes its cluster and
//! drops it. The last line is the memory that the process took, the clusters included, so it says
//! something of a single case only.

#![allow(clippy::print_stdout, reason = "a benchmark's answer is what it prints")]

mod change;
mod clusters;
mod diff;
mod flow;
#[path = "../xtask/src/gen_cluster/manifests.rs"]
mod manifests;
mod measure;
mod observe;
mod parse;
mod reach;
#[path = "../xtask/src/gen_cluster/shapes.rs"]
mod shapes;
mod tiers;
#[path = "../xtask/src/gen_cluster/yaml.rs"]
mod yaml;

fn main() {
    divan::main();
    println!("{}", measure::peak_memory());
}
