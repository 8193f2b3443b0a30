//! A throw-away Kubernetes API server on loopback.
//!
//! In: the directory that holds etcd, kube-apiserver and kubectl. Out: a cluster that serves until
//! it is told to stop, and of which nothing is left then, neither process nor file.
//!
//! Everything lives in one temporary directory:
//!
//! | file | what it is |
//! |---|---|
//! | `admin.kubeconfig` | a user of the group system:masters |
//! | `nobody.kubeconfig` | a user whom RBAC grants nothing |
//! | `audit.log` | one JSON event a line, level Metadata, written before the answer is sent |
//! | `tokens.csv`, `service-account.*`, `certificates/` | credentials |
//! | `etcd.log`, `etcd.pid`, `kube-apiserver.log`, `kube-apiserver.pid` | the servers |

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use pem::Pem;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::progress;

/// How long the API server may take until it is ready: some 3 s on an idle machine.
const START_PATIENCE: Duration = Duration::from_mins(2);
/// How long a server may take to end once it has been asked.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// How often a free port may be lost to another process before it is bound.
const ATTEMPTS: usize = 5;

const AUDIT_POLICY: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
";

/// How to run the cluster.
pub(crate) struct Options {
    /// Where to write the audit log, if not into the throw-away directory.
    pub(crate) audit_log: Option<PathBuf>,
    /// Whether the end of stdin ends the cluster, too.
    pub(crate) until_stdin_closes: bool,
}

/// Runs a cluster, hands the path of the admin's kubeconfig to `ready`, and returns when the
/// cluster was asked to stop and has stopped.
pub(crate) fn run(
    programs: &Path,
    options: Options,
    ready: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    let end = listen_for_end(options.until_stdin_closes)?;
    // The API server would take a relative path from wherever it runs.
    let audit_log = options.audit_log.map(std::path::absolute).transpose()?;
    let started = Instant::now();
    let Some(mut cluster) = start(programs, audit_log.as_deref(), &end)? else {
        return Ok(());
    };
    progress(&format!(
        "control plane: ready after {:.1} s at https://127.0.0.1:{}",
        started.elapsed().as_secs_f64(),
        cluster.port,
    ));
    let nobody = cluster.path("nobody.kubeconfig");
    progress(&format!("control plane: kubeconfig of a user without rights: {}", nobody.display()));
    ready(&cluster.path("admin.kubeconfig"))?;

    let why = loop {
        match end.recv_timeout(Duration::from_millis(500)) {
            Ok(why) => break why,
            Err(RecvTimeoutError::Disconnected) => break "nobody is left to ask for it",
            Err(RecvTimeoutError::Timeout) => cluster.check()?,
        }
    };
    progress(&format!("control plane: stopping ({why})"));
    drop(cluster);
    Ok(())
}

/// A channel on which the reason arrives once the cluster is to end.
fn listen_for_end(until_stdin_closes: bool) -> Result<Receiver<&'static str>> {
    let (tell, end) = mpsc::channel();
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT, SIGHUP])
        .context("listening for signals")?;
    let tell_signal = tell.clone();
    thread::spawn(move || {
        for signal in signals.forever() {
            let name = signal_hook::low_level::signal_name(signal).unwrap_or("signal");
            let _ = tell_signal.send(name);
        }
    });
    if until_stdin_closes {
        thread::spawn(move || {
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            let _ = tell.send("stdin closed");
        });
    }
    Ok(end)
}

/// A cluster that is ready, or nothing if it was asked to end before.
fn start(
    programs: &Path,
    audit_log: Option<&Path>,
    end: &Receiver<&'static str>,
) -> Result<Option<Cluster>> {
    for _ in 0..ATTEMPTS {
        let mut cluster = Cluster::launch(programs, audit_log)?;
        match cluster.wait_until_ready(programs, end) {
            Ok(true) => return Ok(Some(cluster)),
            Ok(false) => return Ok(None),
            Err(error) if error.is::<PortTaken>() => progress(&format!("{error}; once more")),
            Err(error) => return Err(error),
        }
    }
    bail!("starting a control plane: lost every free port to another process, {ATTEMPTS} times")
}

/// The two servers and their files. The order of the fields is the order of the end: asked to stop
/// together with etcd, the API server hangs.
struct Cluster {
    api_server: Server,
    etcd: Server,
    directory: tempfile::TempDir,
    port: u16,
}

impl Cluster {
    fn launch(programs: &Path, audit_log: Option<&Path>) -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("netpol-control-plane-")
            .tempdir()
            .context("creating a temporary directory for the control plane")?;
        let root = directory.path();
        let [client, peer, port] = free_ports()?;
        write_credentials(root, port)?;
        write(&root.join("audit-policy.yaml"), AUDIT_POLICY)?;

        let in_root = |flag: &str, name: &str| format!("{flag}={}", root.join(name).display());
        let etcd = Server::launch(
            root,
            "etcd",
            programs,
            &[
                in_root("--data-dir", "etcd"),
                format!("--listen-client-urls=http://127.0.0.1:{client}"),
                format!("--advertise-client-urls=http://127.0.0.1:{client}"),
                format!("--listen-peer-urls=http://127.0.0.1:{peer}"),
                "--log-level=warn".into(),
                // Nothing here is to outlive a crash.
                "--unsafe-no-fsync".into(),
            ],
        )?;
        let audit_log = audit_log.map_or_else(|| root.join("audit.log"), Path::to_path_buf);
        let api_server = Server::launch(
            root,
            "kube-apiserver",
            programs,
            &[
                format!("--etcd-servers=http://127.0.0.1:{client}"),
                "--bind-address=127.0.0.1".into(),
                "--advertise-address=127.0.0.1".into(),
                format!("--secure-port={port}"),
                in_root("--cert-dir", "certificates"),
                format!("--service-account-issuer=https://127.0.0.1:{port}/"),
                in_root("--service-account-key-file", "service-account.pub"),
                in_root("--service-account-signing-key-file", "service-account.key"),
                "--service-cluster-ip-range=10.0.0.0/24".into(),
                // The endpoint of the service `kubernetes` may not be a loopback address.
                "--endpoint-reconciler-type=none".into(),
                // No controller creates the default service account that a pod would need.
                "--disable-admission-plugins=ServiceAccount".into(),
                "--authorization-mode=RBAC".into(),
                in_root("--token-auth-file", "tokens.csv"),
                in_root("--audit-policy-file", "audit-policy.yaml"),
                format!("--audit-log-path={}", audit_log.display()),
                "--audit-log-mode=blocking".into(),
                "--allow-privileged".into(),
                // Else a client that still watches holds the end up for a minute.
                "--shutdown-watch-termination-grace-period=1s".into(),
            ],
        )?;
        Ok(Self { api_server, etcd, directory, port })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Whether the cluster became ready; false if it was asked to end before.
    fn wait_until_ready(&mut self, programs: &Path, end: &Receiver<&'static str>) -> Result<bool> {
        let deadline = Instant::now() + START_PATIENCE;
        // The namespace appears after the server calls itself ready.
        for path in ["/readyz", "/api/v1/namespaces/default"] {
            while !self.answers(programs, path)? {
                self.check()?;
                if Instant::now() > deadline {
                    let limit = START_PATIENCE.as_secs();
                    bail!("kube-apiserver was not ready after {limit} s{}", self.api_server.tail());
                }
                if !matches!(
                    end.recv_timeout(Duration::from_millis(100)),
                    Err(RecvTimeoutError::Timeout)
                ) {
                    return Ok(false);
                }
            }
        }
        // Another server may have answered on a port that ours lost.
        self.check()?;
        Ok(true)
    }

    fn answers(&self, programs: &Path, path: &str) -> Result<bool> {
        if !self.path("certificates/apiserver.crt").exists() {
            return Ok(false); // Written once the API server knows what it serves.
        }
        let status = Command::new(programs.join("kubectl"))
            .args(["get", "--request-timeout=5s", "--raw", path, "--kubeconfig"])
            .arg(self.path("admin.kubeconfig"))
            .env("KUBERC", "off")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .with_context(|| format!("asking the API server for {path} with kubectl"))?;
        Ok(status.success())
    }

    /// Fails if a server has ended by itself.
    fn check(&mut self) -> Result<()> {
        self.etcd.check()?;
        self.api_server.check()
    }
}

/// Three ports that are free now. Another process may take one before a server binds it.
fn free_ports() -> Result<[u16; 3]> {
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("looking for a free port");
    let listeners = [bind()?, bind()?, bind()?]; // All held, so that they differ.
    let mut ports = [0; 3];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr().context("looking for a free port")?.port();
    }
    Ok(ports)
}

/// The key that signs service account tokens, and both users with their kubeconfigs.
fn write_credentials(root: &Path, port: u16) -> Result<()> {
    let random = SystemRandom::new();
    write_key_pair(root, &random)?;

    let authority = root.join("certificates/apiserver.crt");
    let authority = authority.display();
    let mut tokens = Vec::new();
    for (user, groups) in [("admin", "system:masters"), ("nobody", "")] {
        let mut number = [0; 16];
        random.fill(&mut number).map_err(|_| anyhow!("no random numbers for a token"))?;
        let token = format!("{:032x}", u128::from_ne_bytes(number));
        tokens.push(format!("{token},{user},{user},\"{groups}\"\n"));
        let kubeconfig = format!(
            "apiVersion: v1\n\
             kind: Config\n\
             clusters:\n\
             - name: control-plane\n\
             \x20 cluster:\n\
             \x20   server: https://127.0.0.1:{port}\n\
             \x20   certificate-authority: '{authority}'\n\
             users:\n\
             - name: {user}\n\
             \x20 user:\n\
             \x20   token: {token}\n\
             contexts:\n\
             - name: {user}\n\
             \x20 context: {{cluster: control-plane, user: {user}}}\n\
             current-context: {user}\n",
        );
        write(&root.join(format!("{user}.kubeconfig")), &kubeconfig)?;
    }
    write(&root.join("tokens.csv"), &tokens.concat())
}

/// The API server wants the public key in a file of its own.
fn write_key_pair(root: &Path, random: &SystemRandom) -> Result<()> {
    /// What stands before the point in the encoding of a public key on P-256 (RFC 5480).
    const PREFIX: &[u8] = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\
        \x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
    let curve = &ECDSA_P256_SHA256_ASN1_SIGNING;
    let private = EcdsaKeyPair::generate_pkcs8(curve, random)
        .map_err(|_| anyhow!("no random numbers for the key of service account tokens"))?;
    let pair = EcdsaKeyPair::from_pkcs8(curve, private.as_ref(), random)
        .map_err(|error| anyhow!("reading the key just made for service accounts: {error}"))?;
    let public = [PREFIX, pair.public_key().as_ref()].concat();

    let pem = |kind, content| pem::encode(&Pem::new(kind, content));
    write(&root.join("service-account.key"), &pem("PRIVATE KEY", private.as_ref()))?;
    write(&root.join("service-account.pub"), &pem("PUBLIC KEY", &public))
}

fn write(path: &Path, content: &str) -> Result<()> {
    fs::write(path, content).with_context(|| format!("writing {}", path.display()))
}

/// A server that runs; dropping it ends it.
struct Server {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Server {
    fn launch(root: &Path, name: &'static str, programs: &Path, flags: &[String]) -> Result<Self> {
        let log = root.join(format!("{name}.log"));
        let output = File::create(&log).with_context(|| format!("creating {}", log.display()))?;
        let program = programs.join(name);
        let child = Command::new(&program)
            .args(flags)
            // Neither etcd's ETCD_… variables nor a proxy of the user's are meant for this.
            .env_clear()
            .current_dir(root)
            // Ctrl-C is for this process, which ends the servers in their order.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output.try_clone().with_context(|| format!("sharing {}", log.display()))?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("running {}", program.display()))?;
        let server = Self { name, child, log };
        write(&root.join(format!("{name}.pid")), &format!("{}\n", server.child.id()))?;
        Ok(server)
    }

    /// Fails if the server has ended by itself.
    fn check(&mut self) -> Result<()> {
        match self.status() {
            None => Ok(()),
            Some(_) if self.tail().contains("address already in use") => Err(PortTaken.into()),
            Some(status) => bail!("{} ended by itself ({status}){}", self.name, self.tail()),
        }
    }

    /// How the server ended, if it has.
    fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// The end of the log, to close an error message with.
    fn tail(&self) -> String {
        let mut log = Vec::new();
        let read = File::open(&self.log).and_then(|mut file| file.read_to_end(&mut log));
        if let Err(error) = read {
            return format!("; reading {}: {error}", self.log.display());
        }
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.trim_end().lines().collect();
        let last = lines[lines.len().saturating_sub(20)..].join("\n  ");
        format!("; its log ends with:\n  {last}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.status().is_some() {
            return;
        }
        let process = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
        let deadline = Instant::now() + STOP_PATIENCE;
        while self.status().is_none() {
            if Instant::now() > deadline {
                let limit = STOP_PATIENCE.as_secs();
                progress(&format!("control plane: {} goes on after {limit} s: killed", self.name));
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A server could not bind the port that was free a moment before.
#[derive(Debug)]
struct PortTaken;

impl fmt::Display for PortTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("control plane: another process took a port that was free")
    }
}

impl std::error::Error for PortTaken {}
