//! The daemon on each node, as it runs in a cluster, but for its image.
//!
//! In: a network, and the API server that its objects are in. Out: [`Daemons`] that have read everything
//! and judge packets.
//!
//! It is told where the API server is as in a pod, by two variables and files of a service account. A
//! [`Relay`] brings it there from the node's namespace. Where the kernel has no `queue` for nftables the
//! daemon says that its rules were not taken and goes on; then the same rules are loaded with iptables.

use super::network::{Network, fed, within};
use crate::harness::ControlPlane;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Where a pod has what its service account may do.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// The queue that packets wait in for the daemon.
const QUEUE: &str = "100";
/// How long the daemon may take to read the cluster.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long it may take to judge what is left.
const LEFT_OVER: Duration = Duration::from_secs(10);

/// Kinds of iptables that load rules.
const KINDS: [&str; 3] = ["legacy-restore", "nft-restore", "restore"];

/// What the daemon's rules for nftables say where it knows policies of administrators, in the words of
/// iptables: everything but what is known already and what the node's root sends
/// (syncNFTablesRules of its pkg/networkpolicy/controller.go).
const RULES: [(&str, &str); 2] = [
    (
        "iptables",
        "*mangle\n\
         -A POSTROUTING -m owner --uid-owner 0 -j RETURN\n\
         -A POSTROUTING -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN\n\
         -A POSTROUTING -j NFQUEUE --queue-num 100\n\
         COMMIT\n",
    ),
    (
        "ip6tables",
        "*mangle\n\
         -A POSTROUTING -p icmpv6 -j RETURN\n\
         -A POSTROUTING -m owner --uid-owner 0 -j RETURN\n\
         -A POSTROUTING -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN\n\
         -A POSTROUTING -j NFQUEUE --queue-num 100\n\
         COMMIT\n",
    ),
];

/// How the daemon is reached, and the API server from it.
pub(super) struct Setting {
    program: PathBuf,
    port: u16,
    /// Where logs go, a file a node, over those of the cluster before.
    logs: PathBuf,
}

impl Setting {
    /// Writes the files of the service account.
    pub(super) fn new(program: PathBuf, plane: &ControlPlane) -> Self {
        let url = plane.url();
        let port = url.rsplit(':').next().and_then(|it| it.trim_matches('/').parse().ok());
        let kubeconfig = fs::read_to_string(plane.admin()).expect("the admin's kubeconfig");
        let field = |name: &str| {
            let line = kubeconfig.lines().find_map(|line| line.trim().strip_prefix(name));
            line.unwrap_or_else(|| panic!("no {name} in the kubeconfig"))
                .trim_matches('\'')
                .to_owned()
        };
        fs::create_dir_all(ACCOUNT).expect("a directory for the service account");
        let account = Path::new(ACCOUNT);
        fs::write(account.join("token"), field("token: ")).expect("a token");
        fs::copy(field("certificate-authority: "), account.join("ca.crt")).expect("a certificate");
        let logs = std::env::temp_dir().join("daemons");
        fs::create_dir_all(&logs).expect("a directory for logs");
        Self { program, port: port.unwrap_or_else(|| panic!("no port in {url}")), logs }
    }
}

/// The daemons of all nodes; they end when this is dropped.
pub(super) struct Daemons {
    all: Vec<(String, Child, PathBuf)>,
    /// Whether the kernel took the daemon's own rules.
    pub(super) own_rules: bool,
    relays: Vec<Relay>,
}

impl Daemons {
    /// Starts them and waits until they have read what the API server has.
    pub(super) fn start(setting: &Setting, network: &Network, administrators: bool) -> Self {
        let mut daemons = Self { all: Vec::new(), own_rules: true, relays: Vec::new() };
        for node in &network.nodes {
            daemons.relays.push(Relay::start(node, setting.port));
            let log = setting.logs.join(node);
            let child = within(node, || start(setting, node, &log, administrators));
            daemons.all.push((node.clone(), child, log));
        }
        let deadline = Instant::now() + PATIENCE;
        for (node, child, log) in &mut daemons.all {
            while within(node, queue).is_none() {
                let ended = child.try_wait().expect("a child");
                let said = || fs::read_to_string(&*log).unwrap_or_default();
                assert!(ended.is_none(), "the daemon of {node} ended: {ended:?}\n{}", said());
                assert!(Instant::now() < deadline, "the daemon of {node} is late:\n{}", said());
                thread::sleep(Duration::from_millis(20));
            }
            let said = fs::read_to_string(&*log).unwrap_or_default();
            if said.contains("\"syncing nftables rules\" error=") {
                daemons.own_rules = false;
                within(node, load_rules);
            }
        }
        daemons
    }

    /// How many packets they judged, once none waits any more; nothing where one got no verdict, so that
    /// silence is none. The daemon gives up telling the kernel a verdict after 100 ms and passes over it
    /// (`WriteTimeout` in its controller.go), which happens on a busy machine.
    pub(super) fn judged(&self) -> Option<usize> {
        let deadline = Instant::now() + LEFT_OVER;
        let mut judged = 0;
        for (node, _, log) in &self.all {
            loop {
                let counts = within(node, queue).unwrap_or_else(|| panic!("no queue in {node}"));
                if counts.lost > 0 {
                    return None;
                }
                if counts.waiting == 0 {
                    judged += counts.judged;
                    break;
                }
                if Instant::now() > deadline {
                    return None;
                }
                thread::sleep(Duration::from_millis(20));
            }
            let said = fs::read_to_string(log).unwrap_or_default();
            assert!(!said.contains("Can not process packet"), "the daemon of {node}:\n{said}");
        }
        Some(judged)
    }
}

impl Drop for Daemons {
    fn drop(&mut self) {
        for (_, child, _) in &mut self.all {
            // It has nothing to put in order: the node goes with it.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn start(setting: &Setting, node: &str, log: &Path, administrators: bool) -> Child {
    let log = File::create(log).expect("a log");
    let mut command = Command::new(&setting.program);
    command
        // Else packets for DNS take another way, which kernels since 6.12 do not need.
        .args(["--netfilter-bug-1766-fix=false", "--metrics-bind-address=127.0.0.1:39080"])
        .args(["--nfqueue-id", QUEUE, "--hostname-override", node]);
    if administrators {
        command.args(["--admin-network-policy", "--baseline-admin-network-policy"]);
    }
    command
        .env("KUBERNETES_SERVICE_HOST", Ipv4Addr::LOCALHOST.to_string())
        .env("KUBERNETES_SERVICE_PORT", setting.port.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("running {}: {error}", setting.program.display()))
}

/// What the kernel counts of a queue.
#[derive(Debug, PartialEq, Eq)]
struct Queue {
    waiting: usize,
    lost: usize,
    judged: usize,
}

/// The daemon's queue in the namespace of this thread, once the daemon listens.
fn queue() -> Option<Queue> {
    let text = fs::read_to_string("/proc/thread-self/net/netfilter/nfnetlink_queue").ok()?;
    text.lines().find_map(counted)
}

/// A line of `nfnetlink_queue`: number, peer, waiting, mode, range, dropped twice, the last id, and 1.
fn counted(line: &str) -> Option<Queue> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [QUEUE, _, waiting, _, _, dropped, unsent, last, _] = fields[..] else { return None };
    let number = |text: &str| text.parse::<usize>().ok();
    Some(Queue {
        waiting: number(waiting)?,
        lost: number(dropped)? + number(unsent)?,
        judged: number(last)?,
    })
}

/// Loads the rules with whichever iptables the kernel takes them from.
fn load_rules() {
    for (name, rules) in RULES {
        let load = |kind: &str| fed(Command::new(format!("{name}-{kind}")).arg("--noflush"), rules);
        let failed: Vec<String> = KINDS
            .iter()
            .map_while(|kind| load(kind).err().map(|it| format!("{kind}: {it}")))
            .collect();
        assert!(failed.len() < KINDS.len(), "no {name} takes the rules: {failed:?}");
    }
}

/// Brings connections from a node to the API server, whose loopback is another one.
struct Relay {
    stop: Arc<AtomicBool>,
}

impl Relay {
    fn start(node: &str, port: u16) -> Self {
        let server = (Ipv4Addr::LOCALHOST, port);
        let listener = within(node, || TcpListener::bind(server));
        let listener = listener.unwrap_or_else(|error| panic!("listening in {node}: {error}"));
        listener.set_nonblocking(true).expect("a listener");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let Ok((near, _)) = listener.accept() else {
                    thread::sleep(Duration::from_millis(10));
                    continue;
                };
                let Ok(far) = TcpStream::connect(server) else { continue };
                let _ = near.set_nonblocking(false);
                both_ways(near, far);
            }
        });
        Self { stop }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn both_ways(near: TcpStream, far: TcpStream) {
    let Ok(pair) = near.try_clone().and_then(|it| Ok((it, far.try_clone()?))) else { return };
    let copy = |mut from: TcpStream, mut to: TcpStream| {
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(std::net::Shutdown::Both);
            let _ = from.shutdown(std::net::Shutdown::Both);
        });
    };
    copy(near, far);
    copy(pair.1, pair.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_counts_what_waits_what_is_lost_and_what_was_judged() {
        let line = "  100   4242     3 2   128     1     2       77  1";
        assert_eq!(counted(line), Some(Queue { waiting: 3, lost: 3, judged: 77 }));
        assert_eq!(counted("  101   4242     0 2  1232     0     0        0  1"), None);
        assert_eq!(counted(""), None);
    }
}
