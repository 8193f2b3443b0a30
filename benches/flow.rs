//! One flow of a cluster that is loaded, named in several ways:
//! `cargo bench --bench engine -- flow`.

use crate::clusters;
use crate::measure::cases;
use crate::shapes::Case;
use divan::{Bencher, black_box};
use netpol::cluster::{Pod, Snapshot};
use netpol::ends::EndName;
use netpol::verdict::{Question, explain};

/// From a pod in the middle of the cluster to the last one, as `name` names them.
fn one_flow(bencher: Bencher<'_, '_>, case: Case, name: fn(&Snapshot, &Pod) -> String, port: &str) {
    let (snapshot, written) = clusters::cluster(case);
    let rules = clusters::rules(&snapshot, &written);
    let pods = snapshot.pods();
    let target = |pod: &Pod, port: &str| (name(&snapshot, pod) + port).parse().unwrap();
    let source: EndName = target(&pods[pods.len() / 2], "");
    let destination: EndName = target(&pods[pods.len() - 1], port);
    bencher.bench_local(|| {
        let (source, destination) = (black_box(&source), black_box(&destination));
        let question = Question { source, destination, port: None, namespace: "default" };
        let explanation = explain(&snapshot, &rules, &question).unwrap();
        assert!(!explanation.cases.is_empty());
        explanation
    });
}

fn pod_name(_: &Snapshot, pod: &Pod) -> String {
    format!("{}/{}", pod.namespace, pod.name)
}

#[divan::bench(args = cases(), max_time = 2)]
fn of_pods(bencher: Bencher<'_, '_>, case: Case) {
    one_flow(bencher, case, pod_name, ":8080");
}

#[divan::bench(args = cases(), max_time = 2)]
fn of_pods_at_any_port(bencher: Bencher<'_, '_>, case: Case) {
    one_flow(bencher, case, pod_name, "");
}

#[divan::bench(args = cases(), max_time = 2)]
fn of_workloads(bencher: Bencher<'_, '_>, case: Case) {
    let name =
        |snapshot: &Snapshot, pod: &Pod| snapshot.workloads[pod.owner.unwrap()].object.to_string();
    one_flow(bencher, case, name, ":8080");
}

#[divan::bench(args = cases(), max_time = 2)]
fn of_addresses(bencher: Bencher<'_, '_>, case: Case) {
    one_flow(bencher, case, |_, pod| pod.ips[0].to_string(), ":8080");
}
