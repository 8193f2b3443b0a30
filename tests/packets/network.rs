//! A cluster's network on one machine: a network namespace for each pod, node and address outside.
//!
//! ```text
//!  pod ── node ──┐
//!  pod ── node ──┼── fabric ── address outside …
//! ```
//!
//! In: a cluster. Out: a [`Network`], which goes when it is dropped. Each end has its addresses of the
//! cluster and a route to whoever it hangs from; nodes and the fabric route. Everything is made inside the
//! namespaces of `cargo xtask packets`, so nothing of the machine's own network is touched.

use super::cover::{on_node, pod};
use crate::harness::expect_success;
use crate::random::{WrittenEnd, written_ends};
use netpol::cluster::Family;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::net::IpAddr;
use std::os::fd::AsFd as _;
use std::process::{Command, Stdio};
use std::thread;

/// What all hang together by.
const FABRIC: &str = "fabric";
/// Where the kernel keeps namespaces that have a name.
const NAMESPACES: &str = "/run/netns";
/// The near end of every wire towards the fabric and towards a pod.
const NEXT: [(&str, &str); 2] = [("169.254.2.1", "fe80::2:1"), ("169.254.1.1", "fe80::1:1")];

/// The namespace of an end: pods on their node's network are in the node's.
pub(super) fn place(cluster: &[Value], end: &WrittenEnd) -> String {
    match (on_node(cluster, end), end) {
        (Some(node), _) => node.to_owned(),
        (None, WrittenEnd::Pod(_, name) | WrittenEnd::Node(name)) => name.clone(),
        (None, WrittenEnd::Outside(ip)) => ip.clone(),
    }
}

/// The address of an end in a family.
pub(super) fn address(cluster: &[Value], end: &WrittenEnd, family: Family) -> Option<IpAddr> {
    let node = |name: &str| {
        let mut all = cluster.iter();
        all.find(|it| it["kind"] == "Node" && it["metadata"]["name"] == *name)
    };
    let texts: Vec<&str> = match end {
        WrittenEnd::Pod(..) => {
            let ips = pod(cluster, end)?["status"]["podIPs"].as_array()?;
            ips.iter().filter_map(|it| it["ip"].as_str()).collect()
        }
        WrittenEnd::Node(name) => {
            let addresses = node(name)?["status"]["addresses"].as_array()?;
            addresses.iter().filter_map(|it| it["address"].as_str()).collect()
        }
        WrittenEnd::Outside(ip) => vec![ip],
    };
    let mut ips = texts.into_iter().filter_map(|text| text.parse().ok());
    ips.find(|ip| Family::of(*ip) == family)
}

/// Does something in a namespace, on a thread of its own.
pub(super) fn within<T: Send>(place: &str, work: impl FnOnce() -> T + Send) -> T {
    let in_place = || {
        enter(place);
        work()
    };
    thread::scope(|scope| scope.spawn(in_place).join())
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Moves this thread into a namespace.
pub(super) fn enter(place: &str) {
    let path = format!("{NAMESPACES}/{place}");
    let file = File::open(&path).unwrap_or_else(|error| panic!("opening {path}: {error}"));
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
        .unwrap_or_else(|error| panic!("entering {path}: {error}"));
}

/// The wires of one cluster.
pub(super) struct Network {
    /// Its nodes.
    pub(super) nodes: Vec<String>,
}

impl Network {
    /// Makes it.
    pub(super) fn of(cluster: &[Value]) -> Self {
        let (mut made, mut wires) = (String::new(), String::new());
        let mut batches = vec![(FABRIC.to_owned(), String::new())];
        let mut nodes = Vec::new();
        for (i, end) in written_ends(cluster).iter().enumerate() {
            let place = place(cluster, end);
            if end.is_pod() && on_node(cluster, end).is_some() {
                continue;
            }
            let ips: Vec<IpAddr> =
                Family::ALL.iter().filter_map(|family| address(cluster, end, *family)).collect();
            let node = pod(cluster, end).and_then(|pod| pod["spec"]["nodeName"].as_str());
            let from = node.unwrap_or(FABRIC);
            let wire = format!("w{i}");
            let _ = writeln!(made, "netns add {place}");
            let _ = writeln!(
                wires,
                "link add {wire} netns {from} type veth peer name eth0 netns {place}"
            );
            if matches!(end, WrittenEnd::Node(_)) {
                nodes.push(place.clone());
            }
            batches.push((place, far(&ips, from == FABRIC)));
            let of_node = |name: &str| {
                let node = WrittenEnd::Node(name.into());
                Family::ALL.iter().filter_map(|family| address(cluster, &node, *family)).collect()
            };
            let hung_from: Vec<IpAddr> = node.map(of_node).unwrap_or_default();
            near(&mut batches, from, &wire, &ips, &hung_from);
            onwards(&mut batches, &hung_from, &ips);
        }
        let network = Self { nodes };
        ip(&[], &format!("netns add {FABRIC}\n{made}"));
        for (place, _) in &batches {
            let routes = *place == FABRIC || network.nodes.contains(place);
            within(place, || settings(routes));
        }
        ip(&[], &wires);
        // The fabric's routes lead through nodes, whose wires come first in its batch.
        for (place, batch) in &batches {
            ip(&["-n", place], batch);
        }
        network
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // Whatever of it is left goes with the namespaces of the whole run.
        let _ = Command::new("ip").args(["-all", "netns", "delete"]).status();
    }
}

/// What an end has: its addresses, and the way to everyone else.
fn far(ips: &[IpAddr], to_fabric: bool) -> String {
    let (v4, v6) = if to_fabric { NEXT[0] } else { NEXT[1] };
    let mut batch = String::from("link set lo up\nlink set eth0 up\n");
    for ip in ips {
        let _ = match ip {
            IpAddr::V4(_) => writeln!(
                batch,
                "addr add {ip}/32 dev eth0\nroute add 0.0.0.0/0 via {v4} dev eth0 onlink src {ip}"
            ),
            IpAddr::V6(_) => writeln!(
                batch,
                "addr add {ip}/128 dev eth0 nodad\nroute add ::/0 via {v6} dev eth0 src {ip}"
            ),
        };
    }
    batch
}

/// The address of these that is of the same family.
fn of_family<'a>(all: &'a [IpAddr], ip: &IpAddr) -> Option<&'a IpAddr> {
    all.iter().find(|it| it.is_ipv4() == ip.is_ipv4())
}

/// What the near end of a wire has. A node speaks to its pods by its own addresses.
fn near(batches: &mut [(String, String)], from: &str, wire: &str, ips: &[IpAddr], node: &[IpAddr]) {
    let (v4, v6) = if from == FABRIC { NEXT[0] } else { NEXT[1] };
    let Some((_, batch)) = batches.iter_mut().find(|(place, _)| place == from) else { return };
    let _ = writeln!(batch, "link set {wire} up");
    let _ = writeln!(batch, "addr add {v4}/32 dev {wire}\naddr add {v6}/64 dev {wire} nodad");
    for ip in ips {
        let source = of_family(node, ip).map(|it| format!(" src {it}")).unwrap_or_default();
        let _ = writeln!(batch, "route add {ip} dev {wire}{source}");
    }
}

/// The fabric's way to a pod, through its node.
fn onwards(batches: &mut [(String, String)], node: &[IpAddr], ips: &[IpAddr]) {
    let Some((_, batch)) = batches.iter_mut().find(|(place, _)| place == FABRIC) else { return };
    for ip in ips {
        if let Some(via) = of_family(node, ip) {
            let _ = writeln!(batch, "route add {ip} via {via}");
        }
    }
}

/// Addresses are there at once, and whoever routes does.
fn settings(routes: bool) {
    let routes = if routes { "1" } else { "0" };
    let all = [
        ("ipv6/conf/all/disable_ipv6", "0"),
        ("ipv6/conf/default/disable_ipv6", "0"),
        ("ipv6/conf/all/accept_dad", "0"),
        ("ipv6/conf/default/accept_dad", "0"),
        ("ipv6/conf/all/forwarding", routes),
        ("ipv6/conf/default/forwarding", routes),
        ("ipv4/conf/all/rp_filter", "0"),
        ("ipv4/conf/default/rp_filter", "0"),
        ("ipv4/ip_forward", routes),
    ];
    for (name, value) in all {
        let path = format!("/proc/sys/net/{name}");
        fs::write(&path, value).unwrap_or_else(|error| panic!("writing {path}: {error}"));
    }
}

/// Runs commands of `ip`, a line each.
fn ip(flags: &[&str], batch: &str) {
    feed(Command::new("ip").args(flags).args(["-batch", "-"]), batch);
}

/// Runs a program with a text as its input.
pub(super) fn feed(command: &mut Command, text: &str) {
    if let Err(said) = fed(command, text) {
        panic!("{command:?}: {said} given:\n{text}");
    }
}

/// The same, or why it failed.
pub(super) fn fed(command: &mut Command, text: &str) -> Result<(), String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut stdin = child.stdin.take().expect("a pipe");
    // If it ends early, its message says more than the broken pipe.
    let _ = stdin.write_all(text.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(said) }
}

/// Whether this process is alone in a network namespace, as `cargo xtask packets` has it.
pub(super) fn is_alone() -> bool {
    let links = expect_success(Command::new("ip").args(["-brief", "link"]));
    // Some kernels put devices of tunnels into every namespace; they are down.
    links.lines().all(|line| line.starts_with("lo ") || line.contains(" DOWN "))
}
