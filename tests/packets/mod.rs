//! Real packets: pods as network namespaces on one machine, the daemon of kube-network-policies enforcing
//! what a real API server has, and connections that are tried.
//!
//! In: `cargo xtask packets`, which gives the test of this module namespaces of its own to work in and says
//! how many connections. Out: a table of what was predicted and seen; the test fails where both differ, and
//! writes the cluster down. docs/packets.md is the guide. Without being asked for it tests nothing but its
//! own pure parts.

mod connect;
mod cover;
mod daemon;
mod deviations;
mod homekube;
mod network;
mod objects;
mod table;

use crate::harness::{ControlPlane, control_plane, expect_success, module, provided, root};
use crate::oracles::{end, read, text};
use crate::random::{Random, WrittenFlow};
use connect::{Listeners, Outcome, Try, try_all};
use cover::{Predicted, cover, predicted};
use daemon::{Daemons, Setting};
use netpol::policy::Enforcer;
use network::{Network, address, feed, place};
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant};
use table::{Seen, Tally};

/// Most connections of one cluster, so that a run sees many.
const OF_A_CLUSTER: usize = 160;
/// How long silence lasts before it counts; an answer takes some milliseconds.
const SILENCE: Duration = Duration::from_millis(700);
/// The same for a connection of which an answer was expected: an asker that gets none asks again.
const LONG_SILENCE: Duration = Duration::from_secs(4);

/// How often a cluster is tried until the daemon gives every packet a verdict.
const ATTEMPTS: usize = 4;

/// What `cargo xtask packets` asks for.
struct Asked {
    seed: u64,
    connections: usize,
    until: Instant,
}

impl Asked {
    fn from_env() -> Option<Self> {
        let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
        let connections = number("NETPOL_PACKETS")?;
        let seconds = number("NETPOL_PACKETS_SECONDS").unwrap_or(600);
        Some(Self {
            seed: number("NETPOL_RANDOM_SEED").unwrap_or(1),
            connections: usize::try_from(connections).ok()?,
            until: Instant::now() + Duration::from_secs(seconds),
        })
    }
}

/// docs/packets.md.
#[test]
#[ignore = "cargo xtask packets runs it"]
#[allow(clippy::print_stdout, reason = "the table is the answer")]
fn what_is_predicted_is_seen() {
    let Some(asked) = Asked::from_env() else { return };
    assert!(network::is_alone(), "`cargo xtask packets` runs this in namespaces of its own");
    let Ok(plane) = control_plane() else { panic!("no API server") };
    let programs = provided("kube-network-policies").unwrap_or_else(|_| panic!("no daemon"));
    let setting = Setting::new(programs.join("kube-network-policies"), plane);
    install_kinds(plane);

    let (mut tally, mut differences) = (Tally::new(), Vec::new());
    for seed in asked.seed.. {
        if tally.tried() >= asked.connections {
            break;
        }
        if Instant::now() > asked.until {
            println!("The time is over; {} connections were asked for.", asked.connections);
            break;
        }
        let Some(cluster) = objects::cluster(seed, administrators(seed)) else { continue };
        differences.extend(run(plane, &setting, &cluster, seed, &mut tally));
    }
    println!("\n{tally}");
    for difference in &differences {
        println!("{difference}");
    }
    assert_eq!(tally.differs(), 0, "what was seen differs from what is predicted");
    assert!(tally.tried() > 0, "nothing was tried");
}

/// Every third cluster has policies of administrators.
fn administrators(seed: u64) -> bool {
    seed.is_multiple_of(3)
}

/// One cluster from its objects to its connections; what differs of it.
fn run(
    plane: &ControlPlane,
    setting: &Setting,
    cluster: &objects::Cluster,
    seed: u64,
    tally: &mut Tally,
) -> Option<String> {
    let policies = if administrators(seed) { "administrators" } else { "NetworkPolicy" };
    let objects = &cluster.stored;
    let reading = read(objects, &Enforcer::Kubernetes);
    let whole = cover(objects, &reading, &mut Random::new(seed));
    as_written(cluster, &whole.tries);
    tally.clusters += 1;
    tally.pairs += whole.pairs;
    tally.cover += whole.tries.len();
    tally.not_known += whole.not_known;
    let chosen = Random::new(!seed).sample(whole.tries, OF_A_CLUSTER);

    store(plane, objects);
    let tries: Vec<Try> = chosen.iter().map(|it| a_try(objects, &it.flow)).collect();
    let outcomes = (0..ATTEMPTS).find_map(|_| {
        let outcomes = seen(setting, objects, (&chosen, &tries), administrators(seed), tally);
        tally.repeated += usize::from(outcomes.is_none());
        outcomes
    });
    let outcomes =
        outcomes.expect("the daemon gives every packet a verdict in one of some attempts");

    let mut told = Vec::new();
    for (Predicted { flow, passes }, outcome) in chosen.iter().zip(outcomes) {
        let counted = count(objects, flow, *passes, &outcome);
        if matches!(counted, Seen::Differs) {
            told.push(difference(flow, *passes, &outcome));
        }
        tally.count(policies, flow.family, flow.port.protocol, counted);
    }
    (!told.is_empty()).then(|| keep(objects, seed, &told))
}

/// What became of these connections in a network of their own; nothing where silence is no verdict.
fn seen(
    setting: &Setting,
    objects: &[Value],
    (chosen, tries): (&[Predicted], &[Try]),
    administrators: bool,
    tally: &mut Tally,
) -> Option<Vec<Outcome>> {
    let network = Network::of(objects);
    let daemons = Daemons::start(setting, &network, administrators);
    tally.own_rules &= daemons.own_rules;
    let _listeners = Listeners::of(tries);
    let mut outcomes = try_all(tries, SILENCE);
    // A busy machine may have been too slow to answer.
    let silent: Vec<usize> =
        (0..tries.len()).filter(|i| chosen[*i].passes && outcomes[*i] == Ok(false)).collect();
    let again: Vec<Try> = silent.iter().map(|i| tries[*i].clone()).collect();
    tally.again += again.len();
    for (i, outcome) in silent.into_iter().zip(try_all(&again, LONG_SILENCE)) {
        outcomes[i] = outcome;
    }
    tally.judged += daemons.judged()?;
    Some(outcomes)
}

fn count(objects: &[Value], flow: &WrittenFlow, passes: bool, outcome: &Outcome) -> Seen {
    match outcome {
        Ok(answered) if *answered == passes => Seen::AsPredicted(passes),
        Ok(answered) => {
            deviations::excused(objects, flow, *answered).map_or(Seen::Differs, Seen::Excused)
        }
        Err(_) => Seen::Differs,
    }
}

fn difference(flow: &WrittenFlow, passes: bool, seen: &Outcome) -> String {
    let WrittenFlow { from, to, port, family } = flow;
    let predicted = if passes { "passes" } else { "is denied" };
    let seen = match seen {
        Ok(true) => "an answer came".to_owned(),
        Ok(false) => "none came".to_owned(),
        Err(error) => error.clone(),
    };
    format!("{} → {} {port} ({family}) {predicted}: {seen}", end(from), end(to))
}

/// Writes down a cluster with what differs of it, and says so.
fn keep(objects: &[Value], seed: u64, told: &[String]) -> String {
    let directory = root().join("target/packets");
    fs::create_dir_all(&directory).expect("a directory");
    let file = directory.join(format!("{seed}.yaml"));
    let comments = told.join("\n# ");
    fs::write(&file, format!("# {comments}\n{}", text(objects))).expect("a file");
    format!("seed {seed}, {}:\n  {}", file.display(), told.join("\n  "))
}

/// Holds the kinds that the daemon knows to the policies as they were written.
fn as_written(cluster: &objects::Cluster, tries: &[Predicted]) {
    let written = read(&cluster.written, &Enforcer::Kubernetes);
    for Predicted { flow, passes } in tries {
        let same = predicted(&written, flow);
        assert_eq!(same, Some(*passes), "v1alpha1 and v1alpha2 differ: {flow:?}");
    }
}

fn a_try(objects: &[Value], flow: &WrittenFlow) -> Try {
    let to = address(objects, &flow.to, flow.family);
    Try {
        from: place(objects, &flow.from),
        to: place(objects, &flow.to),
        address: to.unwrap_or_else(|| panic!("no address: {flow:?}")),
        port: flow.port,
    }
}

/// The kinds of administrators that the daemon knows, with the fields that are experimental.
fn install_kinds(plane: &ControlPlane) {
    let module = module("kube-network-policies", "sigs.k8s.io/network-policy-api");
    let module = module.unwrap_or_else(|why| panic!("{why}"));
    for kind in ["adminnetworkpolicies", "baselineadminnetworkpolicies"] {
        let file = format!("config/crd/experimental/policy.networking.k8s.io_{kind}.yaml");
        let mut command = plane.kubectl(plane.admin());
        expect_success(command.args(["apply", "--server-side", "-f"]).arg(module.join(file)));
    }
    let established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"];
    expect_success(plane.kubectl(plane.admin()).args(established));
}

/// Puts a cluster into the API server in place of the one before. Namespaces stay, since nothing there
/// takes any away, and so do nodes, which are always the same.
fn store(plane: &ControlPlane, objects: &[Value]) {
    let kinds = "pods,networkpolicies,adminnetworkpolicies,baselineadminnetworkpolicies";
    let mut delete = plane.kubectl(plane.admin());
    delete.args(["delete", kinds, "--all", "--all-namespaces", "--force", "--grace-period=0"]);
    expect_success(&mut delete);

    let is_kept = |object: &&Value| object["kind"] == "Namespace" || object["kind"] == "Node";
    let kept = objects.iter().filter(is_kept).map(|object| {
        let mut object = object.clone();
        object.as_object_mut().map(|fields| fields.remove("status"));
        object
    });
    let others: Vec<Value> = objects.iter().filter(|it| !is_kept(it)).cloned().collect();
    // Of nodes the daemon reads names and labels; server-side apply takes one address of a type.
    let pods = objects.iter().filter(|it| it["kind"] == "Pod");
    let status = pods.map(|object| {
        let metadata = &object["metadata"];
        json!({
            "apiVersion": object["apiVersion"], "kind": object["kind"], "status": object["status"],
            "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
        })
    });
    let list =
        |items: Vec<Value>| json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    plane.apply_with(&["--force-conflicts"], &list(kept.collect()));
    feed(plane.kubectl(plane.admin()).args(["create", "-f", "-"]), &list(others));
    plane.apply_with(&["--subresource=status", "--force-conflicts"], &list(status.collect()));
}
