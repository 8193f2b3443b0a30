//! A server that is slow, gone, a stranger, or does not know us: a sentence each, within the time.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{Ran, plugin, run};
use crate::harness::{ControlPlane, Runner, control_plane};

/// A cluster of a test's own, to be treated badly.
pub(crate) struct Own<'a> {
    cluster: &'a ControlPlane,
    runner: Runner,
    /// Servers that were killed and started anew.
    anew: RefCell<Vec<Child>>,
    /// Who runs the servers, once that was stopped.
    keeper: Cell<Option<Pid>>,
}

impl<'a> Own<'a> {
    pub(crate) fn start(cluster: &'a ControlPlane) -> Self {
        let runner = Runner::start(cluster.programs()).expect("a second cluster");
        Self { cluster, runner, anew: RefCell::default(), keeper: Cell::default() }
    }

    pub(crate) fn kubectl(&self) -> Command {
        self.cluster.kubectl(self.kubeconfig())
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.runner.file("admin.kubeconfig")
    }

    pub(crate) fn apply(&self, manifest: &str) {
        let mut child = self
            .kubectl()
            .args(["apply", "--server-side", "-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("kubectl starts");
        child.stdin.take().expect("a pipe").write_all(manifest.as_bytes()).expect("it reads");
        assert!(child.wait().expect("kubectl ends").success());
    }

    /// Sends a signal to the API server.
    pub(super) fn signal(&self, signal: Signal) {
        self.signal_to("kube-apiserver", signal);
    }

    /// Sends a signal to one of the servers.
    pub(super) fn signal_to(&self, program: &str, signal: Signal) {
        let pid = Pid::from_raw(self.pid(program)).expect("not zero");
        kill_process(pid, signal).expect("it runs");
    }

    fn pid(&self, program: &str) -> i32 {
        let pid = fs::read_to_string(self.runner.file(&format!("{program}.pid")));
        pid.expect("a pid file").trim_end().parse().expect("a number")
    }

    /// Kills one of the servers; gives back what starts it anew.
    pub(crate) fn kill(&self, program: &str) -> Command {
        let of = |what: &str| PathBuf::from(format!("/proc/{}/{what}", self.pid(program)));
        let line = fs::read_to_string(of("cmdline")).expect("its command line");
        let mut words = line.split('\0').filter(|word| !word.is_empty());
        let mut command = Command::new(words.next().expect("a program"));
        command.args(words).current_dir(fs::read_link(of("cwd")).expect("a directory"));
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // Whoever runs them would take all down with it.
        if self.keeper.get().is_none() {
            let status = fs::read_to_string(of("status")).expect("its status");
            let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
            let parent = parent.and_then(|pid| Pid::from_raw(pid.trim().parse().ok()?));
            kill_process(parent.expect("a parent"), Signal::STOP).expect("it runs");
            self.keeper.set(parent);
        }
        self.signal_to(program, Signal::KILL);
        // Of one that was started anew before, the port is to be free.
        for child in self.anew.borrow_mut().iter_mut() {
            if i32::try_from(child.id()).is_ok_and(|pid| pid == self.pid(program)) {
                let _ = child.wait();
            }
        }
        command
    }

    /// Starts it anew, and waits until the API server is ready.
    pub(crate) fn start_anew(&self, program: &str, mut command: Command) {
        let child = command.spawn().expect("it starts");
        let pid = self.runner.file(&format!("{program}.pid"));
        fs::write(pid, format!("{}\n", child.id())).expect("a pid file");
        self.anew.borrow_mut().push(child);
        let started = Instant::now();
        while !self.kubectl().args(["get", "--raw=/readyz"]).output().unwrap().status.success() {
            assert!(started.elapsed() < Duration::from_mins(1), "{program} is not ready again");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        for child in self.anew.get_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if let Some(keeper) = self.keeper.get() {
            let _ = kill_process(keeper, Signal::CONT);
        }
        drop(self.runner.stdin.take());
        let _ = self.runner.child.wait();
    }
}

#[test]
fn an_api_server_that_is_slow_and_then_killed() {
    let Ok(cluster) = control_plane() else { return };
    let own = Own::start(cluster);
    run(plugin(own.kubectl()).args(["before", "--dns", "namespace"])).done();

    own.signal(Signal::STOP);
    let started = Instant::now();
    let slow = run(plugin(own.kubectl()).args(["before", "later", "--request-timeout", "2s"]));
    let took = started.elapsed();
    own.signal(Signal::CONT);
    slow.failed(&["no complete answer", "within 2s", "raise --request-timeout"]);
    assert!(took < Duration::from_secs(8), "{took:?}");

    let names: Vec<_> = (0..300).map(|number| format!("many-{number}")).collect();
    let mut child = plugin(own.kubectl())
        .args(&names)
        .args(["--dns", "namespace", "--request-timeout", "10s"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kubectl starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut first = String::new();
    out.read_line(&mut first).expect("a line");
    assert_eq!(first, "namespace/many-0 created\n");
    own.signal(Signal::KILL);
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("the rest");
    let output = child.wait_with_output().expect("it ends");
    let killed =
        Ran::of(&output).failed(&["; not tried: ", " more; the same command again goes on"]);
    let errors = killed.err.lines().filter(|line| line.starts_with("error:")).count();
    assert_eq!(errors, 1, "{}", killed.err);
    assert!(killed.err.contains("written"), "{}", killed.err);
}

#[test]
fn a_strange_authority_and_an_expired_token() {
    let Ok(cluster) = control_plane() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let admin = fs::read_to_string(cluster.admin()).expect("the admin's kubeconfig");
    let line = |key: &str| {
        let line = admin.lines().find(|line| line.trim_start().starts_with(key));
        line.unwrap_or_else(|| panic!("no {key} in {admin}")).to_owned()
    };
    let stranger = Own::start(cluster);
    let other = fs::read_to_string(stranger.runner.file("admin.kubeconfig")).expect("a file");
    let authority = other.lines().find(|line| line.contains("certificate-authority:"));
    let (ca, token) = (line("certificate-authority:"), line("token:"));
    for (name, text, parts) in [
        (
            "ca",
            admin.replace(&ca, authority.expect("an authority")),
            ["no secure connection", "not signed by the certificate authority of the kubeconfig"],
        ),
        (
            "token",
            admin.replace(&token, "    token: expired"),
            ["did not accept", "credentials may have expired"],
        ),
    ] {
        let file = directory.path().join(name);
        fs::write(&file, text).expect("a kubeconfig");
        let started = Instant::now();
        let ran = run(plugin(cluster.kubectl(&file)).args(["boot-x", "--request-timeout=5s"]));
        let ran = ran.failed(&parts);
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
        assert!(started.elapsed() < Duration::from_secs(8));
    }
}
