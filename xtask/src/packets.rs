//! Connections tried between pods that are network namespaces, under a real daemon.
//!
//! In: how many, and from which seed. Out: whether all that was seen was predicted; the table goes to
//! stdout. The test of tests/packets does it, in namespaces that are made here: a network of its own, so
//! that nothing of the machine's is touched, mounts of its own for what it puts below /run, and process
//! ids of its own, so that the kernel ends whatever is left once the first process ends.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;

use crate::progress;
use crate::tools::{self, workspace};

/// Seconds beyond the asked ones until a run that does not end is ended.
const GRACE: u64 = 240;

#[derive(Args)]
pub(crate) struct Options {
    /// The seed of the first cluster; the others have the next ones.
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Clusters follow until so many connections were tried.
    #[arg(long, default_value_t = 2000)]
    connections: u64,

    /// Seconds after which no further cluster begins.
    #[arg(long, default_value_t = 900)]
    seconds: u64,

    /// Keep the logs of the daemons and of the API server, and say where.
    #[arg(long)]
    keep: bool,
}

/// What makes a network of its own and asks the kernel for all that is needed in it: wires, and a queue
/// for packets that either nftables or some iptables leads to.
const PROBE: &str = "\
ip link add here type veth peer name there || { echo 'pairs of virtual wires (VETH)'; exit; }
nft 'add table inet t; add chain inet t c { type filter hook postrouting priority 0; }; \
add rule inet t c queue num 100' 2>/dev/null && exit
for kind in iptables-legacy iptables-nft iptables; do
  $kind -t mangle -A POSTROUTING -m owner --uid-owner 0 -j RETURN 2>/dev/null &&
  $kind -t mangle -A POSTROUTING -m conntrack --ctstate NEW -j NFQUEUE --queue-num 100 2>/dev/null && exit
done
echo 'a queue for packets: nftables with NFT_QUEUE, or iptables with NFQUEUE, owner and conntrack'";

/// Whether nothing differs.
pub(crate) fn run(options: &Options) -> Result<bool> {
    able()?;
    tools::provide(&tools::CONTROL_PLANE)?;
    tools::provide(&tools::KUBE_NETWORK_POLICIES)?;
    let cargo = || {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        PathBuf::from(program)
    };
    let built = Command::new(cargo())
        .current_dir(workspace())
        .args(["test", "--locked", "--test", "suite", "--no-run"])
        .status()
        .context("running cargo test")?;
    ensure!(built.success(), "the tests do not build ({built})");

    let files = tempfile::Builder::new()
        .prefix("netpol-packets-")
        .tempdir()
        .context("creating a temporary directory")?;
    let mut child = command(&cargo(), files.path(), options).spawn().context("running unshare")?;
    let status = wait(&mut child, Duration::from_secs(options.seconds + GRACE))?;
    if options.keep {
        progress(&format!("kept: {}", files.keep().display()));
    }
    Ok(status.success())
}

/// The tests in namespaces of their own. /run is theirs, too, and with it what stands for namespaces there.
fn command(cargo: &Path, files: &Path, options: &Options) -> Command {
    let begin = "mount -t tmpfs none /run && { [ /var/run -ef /run ] || mount -t tmpfs none /var/run; } \
                 && mkdir /run/netns && ip link set lo up && exec \"$@\"";
    let mut command = Command::new("unshare");
    command
        .current_dir(workspace())
        .args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
        .args(["sh", "-c", begin, "sh"])
        .arg(cargo)
        .args(["test", "--locked", "--offline", "--quiet", "--test", "suite"])
        .args(["--", "packets::", "--ignored", "--nocapture", "--test-threads=1"])
        // Whatever the servers write goes with it, however they end.
        .env("TMPDIR", files)
        .env("NETPOL_PACKETS", options.connections.to_string())
        .env("NETPOL_PACKETS_SECONDS", options.seconds.to_string())
        .env("NETPOL_RANDOM_SEED", options.seed.to_string())
        .env("NETPOL_TESTS_MUST_RUN", "1")
        .stdin(Stdio::null());
    command
}

/// Fails with what this machine has not.
fn able() -> Result<()> {
    ensure!(cfg!(target_os = "linux"), "packets need Linux: pods are its network namespaces");
    for (program, package) in [("unshare", "util-linux"), ("ip", "iproute2")] {
        ensure!(which::which(program).is_ok(), "packets need `{program}` ({package}) on PATH");
    }
    let rules = ["nft", "iptables-legacy", "iptables-nft", "iptables"];
    let has_rules = rules.iter().any(|program| which::which(program).is_ok());
    ensure!(has_rules, "packets need `iptables` or `nft` on PATH");
    #[cfg(unix)]
    ensure!(
        rustix::process::geteuid().is_root(),
        "packets need root: they make network namespaces"
    );
    let output = Command::new("unshare")
        .args(["--net", "--mount", "sh", "-c", PROBE])
        .stdin(Stdio::null())
        .output()
        .context("running unshare")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let refused = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "packets need namespaces of their own: {}", refused.trim());
    if !said.trim().is_empty() {
        bail!("packets need {}, which this kernel or machine has not", said.trim());
    }
    Ok(())
}

/// Waits for it, and ends it where it does not end; the kernel then ends all that it began.
fn wait(child: &mut Child, patience: Duration) -> Result<ExitStatus> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait().context("waiting for unshare")? {
            return Ok(status);
        }
        if Instant::now() > deadline {
            child.kill().context("ending unshare")?;
            child.wait().context("waiting for unshare")?;
            bail!("packets did not end within {} s, and were ended", patience.as_secs());
        }
        thread::sleep(Duration::from_millis(100));
    }
}
