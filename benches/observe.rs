//! Flows as `observe` takes them, 20,000 at a time: `cargo bench --bench engine -- observe`. The target
//! is that each of these takes less than a second.

use crate::clusters;
use crate::shapes::{Case, Shape};
use divan::Bencher;
use divan::counter::ItemsCount;
use netpol::answer::{ObservedFlow, Observer, Summary};
use netpol::cluster::Snapshot;
use netpol::hubble::{Pairs, Record, read};
use netpol_plugins::render::observation_text;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// How many flows a second are to be kept up with.
const FLOWS: usize = 20_000;

/// Between how many pairs of pods they are: few, which come again and again, or nearly all different.
const PAIRS: [usize; 2] = [500, FLOWS];

const CLUSTER: Case = Case { shape: Shape::Micro, pods: 10_000 };

/// As the CLI prints them: an allowed flow, then both events of a denied one, and so on.
fn recording(snapshot: &Snapshot, pairs: usize) -> String {
    let pods = snapshot.pods();
    let mut out = String::new();
    for at in 0..FLOWS {
        // Every pair has its own two pods; a prime mixes namespaces.
        let pair = at % pairs;
        let (from, to) =
            (&pods[pair * 7919 % pods.len()], &pods[(pair * 104_729 + 1) % pods.len()]);
        let (verdict, kind) = match at % 3 {
            0 => (r#""verdict":"FORWARDED""#, r#"{"type":5}"#),
            1 => (r#""verdict":"DROPPED","drop_reason":133"#, r#"{"type":5}"#),
            _ => (r#""verdict":"DROPPED","drop_reason":133"#, r#"{"type":1,"sub_type":133}"#),
        };
        let end = |pod: &netpol::cluster::Pod, identity: usize| {
            let labels: Vec<String> =
                pod.labels.iter().map(|(key, value)| format!("\"k8s:{key}={value}\"")).collect();
            format!(
                r#"{{"ID":1712,"identity":{identity},"cluster_name":"default","namespace":"{ns}","labels":[{},"k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name={ns}","k8s:io.cilium.k8s.policy.cluster=default","k8s:io.cilium.k8s.policy.serviceaccount=default","k8s:io.kubernetes.pod.namespace={ns}"],"pod_name":"{}"}}"#,
                labels.join(","),
                pod.name,
                ns = pod.namespace,
            )
        };
        let _ = writeln!(
            out,
            r#"{{"flow":{{"time":"2026-11-20T10:15:{:02}.{:09}Z","uuid":"0f2c1c1e-7d0e-4b6d-9a3a-{at:012x}","emitter":{{"name":"Hubble","version":"1.19.4"}},{verdict},"ethernet":{{"source":"0e:6a:5d:21:44:90","destination":"be:4c:11:7a:32:0d"}},"IP":{{"source":"{}","destination":"{}","ipVersion":"IPv4"}},"l4":{{"TCP":{{"source_port":{},"destination_port":8080,"flags":{{"SYN":true}}}}}},"source":{},"destination":{},"Type":"L3_L4","node_name":"node-1","event_type":{kind},"traffic_direction":"INGRESS","drop_reason_desc":"POLICY_DENIED","is_reply":false,"Summary":"TCP Flags: SYN"}},"node_name":"node-1","time":"2026-11-20T10:15:31Z"}}"#,
            at / 1000,
            at % 1000 * 1000,
            from.ips[0],
            to.ips[0],
            30_000 + at / 3 % 30_000,
            end(from, 20_000 + pair),
            end(to, 30_000 + pair),
        );
    }
    out
}

/// Reads a recording and gives each flow to `take`.
fn each(recording: &str, mut take: impl FnMut(Box<netpol::hubble::Flow>)) {
    let mut pairs = Pairs::default();
    let read = read(recording.as_bytes(), |batch| {
        for record in batch {
            match record {
                Record::Flow(flow) if !pairs.is_second(&flow) => take(flow),
                Record::Flow(_) => {}
                other => panic!("{other:?}"),
            }
        }
        true
    });
    read.expect("memory can be read");
}

#[divan::bench(max_time = 5)]
fn read_only(bencher: Bencher<'_, '_>) {
    let recording = recording(&clusters::cluster(CLUSTER).0, 500);
    bencher.counter(ItemsCount::new(FLOWS)).bench(|| each(&recording, drop));
}

#[divan::bench(args = PAIRS, max_time = 5)]
fn as_text(bencher: Bencher<'_, '_>, pairs: usize) {
    with_observer(bencher, pairs, |observer, flow, out| {
        out.push_str(&observation_text(&observer.observe(flow), 80));
    });
}

#[divan::bench(args = PAIRS, max_time = 5)]
fn as_json(bencher: Bencher<'_, '_>, pairs: usize) {
    with_observer(bencher, pairs, |observer, flow, out| {
        let line = serde_json::to_string(&ObservedFlow::new(&observer.observe(flow)));
        out.push_str(&line.expect("JSON"));
    });
}

#[divan::bench(args = PAIRS, max_time = 5)]
fn counted(bencher: Bencher<'_, '_>, pairs: usize) {
    let mut summary = Summary::default();
    with_observer(bencher, pairs, |observer, flow, _| summary.add(&observer.observe(flow)));
}

fn with_observer(
    bencher: Bencher<'_, '_>,
    pairs: usize,
    mut show: impl FnMut(&mut Observer<'_>, Box<netpol::hubble::Flow>, &mut String),
) {
    let (snapshot, written) = clusters::cluster(CLUSTER);
    let rules = clusters::rules(&snapshot, &written);
    let recording = recording(&snapshot, pairs);
    bencher.counter(ItemsCount::new(FLOWS)).bench_local(|| {
        // From nothing: the first flows are judged anew, as after a change of the cluster.
        let locate = |_: &_, _: &str| None;
        let mut observer = Observer::new(&snapshot, &rules, &locate);
        let mut out = String::new();
        let mut length = 0;
        each(&recording, |flow| {
            show(&mut observer, flow, &mut out);
            length += out.len();
            out.clear();
        });
        length
    });
}

/// From a pipe to `/dev/null`, start and manifests included.
#[divan::bench(args = ["text", "json"], max_time = 5)]
fn whole_process(bencher: Bencher<'_, '_>, format: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let flows = std::fs::read_to_string(root.join("examples/flows/homekube.jsonl")).expect("flows");
    let recording = flows.repeat(FLOWS.div_ceil(flows.lines().count()));
    bencher.counter(ItemsCount::new(recording.lines().count())).bench_local(|| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-netpol"))
            .args(["observe", "-f", "examples/homekube", "--input-file", "-", "-o", format])
            .current_dir(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(recording.as_bytes()).expect("it reads");
        drop(stdin);
        assert!(child.wait().expect("it ends").success());
    });
}
