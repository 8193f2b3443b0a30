//! A bootstrap that ends in the middle: at each of its requests in turn the answer is lost, the API server or
//! etcd stops or is killed, or somebody presses Ctrl-C. The account of what is written is exact, no pod is cut off from DNS,
//! and a second run ends as an undisturbed one does.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::connection::Own;
use super::{Ran, plugin};
use crate::harness::{ControlPlane, control_plane, expect_success};

/// What is done to a request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    /// It never reaches the server.
    Lost,
    /// The server does it, and the answer is lost.
    AnswerLost,
    /// The API server stops before it arrives.
    Stopped(&'static str),
    /// It is killed before it arrives, and is there again for the next run.
    Killed(&'static str),
    /// Somebody presses Ctrl-C while it is under way.
    Interrupted,
}

/// Passes requests on, all but one.
struct Between {
    url: String,
    /// Which request, counted from 0, and what becomes of it.
    at: Arc<Mutex<(usize, usize)>>,
    fate: Arc<Mutex<Fate>>,
    arrived: Receiver<()>,
    go_on: Sender<()>,
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
    proxy: Child,
}

impl Between {
    fn start(own: &Own<'_>) -> Self {
        let mut proxy = own
            .kubectl()
            .args(["proxy", "--port=0", "--accept-hosts=.*"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("kubectl proxy starts");
        let mut line = String::new();
        BufReader::new(proxy.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim_end().rsplit(':').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let at = Arc::new(Mutex::new((0, usize::MAX)));
        let threads = Arc::new(Mutex::new(Vec::new()));
        let (tell, arrived) = channel();
        let (go_on, wait) = channel();
        let wait = Arc::new(Mutex::new(wait));
        let fate = Arc::new(Mutex::new(Fate::Lost));
        let (at_there, threads_there, fates) = (at.clone(), threads.clone(), fate.clone());
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                let (at, tell, wait, port) =
                    (at_there.clone(), tell.clone(), wait.clone(), port.clone());
                let fate = fates.clone();
                let one = thread::spawn(move || {
                    let Some(request) = read_request(&client) else { return };
                    let is_it = {
                        let mut at = at.lock().unwrap();
                        at.0 += 1;
                        at.0 - 1 == at.1
                    };
                    let fate = *fate.lock().unwrap();
                    if is_it && fate == Fate::Lost {
                        let _ = tell.send(());
                        return;
                    }
                    if is_it && fate != Fate::AnswerLost {
                        let _ = tell.send(());
                        let _ = wait.lock().unwrap().recv_timeout(Duration::from_secs(20));
                    }
                    let answer = forward(&port, &request);
                    if is_it && fate == Fate::AnswerLost {
                        let _ = tell.send(());
                        return;
                    }
                    let _ = (&client).write_all(&answer);
                });
                threads_there.lock().unwrap().push(one);
            }
        });
        Self { url, at, fate, arrived, go_on, threads, proxy }
    }

    /// Arms it for one request.
    fn arm(&self, at: usize, fate: Fate) {
        while self.arrived.try_recv().is_ok() {}
        *self.fate.lock().unwrap() = fate;
        *self.at.lock().unwrap() = (0, at);
    }

    /// Waits until all that was passed on is answered.
    fn settle(&self) {
        let threads = std::mem::take(&mut *self.threads.lock().unwrap());
        for one in threads {
            one.join().unwrap();
        }
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        let _ = self.proxy.kill();
        let _ = self.proxy.wait();
    }
}

/// A request, made one that closes its connection.
fn read_request(client: &TcpStream) -> Option<Vec<u8>> {
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut reader = BufReader::new(client);
    let (mut head, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            head.extend(b"Connection: close\r\n\r\n");
            break;
        }
        if !lower.starts_with("connection:") && !lower.starts_with("accept-encoding:") {
            head.extend(line.as_bytes());
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    head.extend(body);
    Some(head)
}

fn forward(port: &str, request: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    if let Ok(mut server) = TcpStream::connect(format!("127.0.0.1:{port}")) {
        server.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        if server.write_all(request).is_ok() {
            let _ = server.read_to_end(&mut answer);
        }
    }
    answer
}

const FLAGS: [&str; 5] = [
    "--deny=all",
    "--allow-same-namespace",
    "--label=team=a",
    "--dns=namespace",
    "--request-timeout=1s",
];

fn bootstrap(cluster: &ControlPlane, own: &Own<'_>, url: &str, namespace: &str) -> Command {
    let mut command = plugin(cluster.kubectl(own.kubeconfig()));
    command.arg(namespace).args(FLAGS).args(["--server", url]);
    command
}

/// Every object of a namespace, as the account names it, and its spec.
fn there(own: &Own<'_>, namespace: &str) -> Vec<(String, Value)> {
    let mut objects = Vec::new();
    let get = |words: &[&str]| own.kubectl().arg("get").args(words).args(["-o", "json"]).output();
    let found = get(&["ns", namespace]).unwrap();
    if found.status.success() {
        let found: Value = serde_json::from_slice(&found.stdout).unwrap();
        // A namespace that was there before is written once it has our label.
        if found["metadata"]["labels"]["team"] == "a" {
            objects.push((format!("namespace/{namespace}"), Value::Null));
        }
    }
    let list = expect_success(own.kubectl().args([
        "get",
        "networkpolicies",
        "-n",
        namespace,
        "-o",
        "json",
    ]));
    let list: Value = serde_json::from_str(&list).unwrap();
    for item in list["items"].as_array().unwrap() {
        let name = item["metadata"]["name"].as_str().unwrap();
        objects.push((format!("networkpolicy.networking.k8s.io/{name}"), item["spec"].clone()));
    }
    objects
}

fn names(objects: &[(String, Value)]) -> BTreeSet<&str> {
    objects.iter().map(|(name, _)| name.as_str()).collect()
}

/// The names behind these words in the last error.
fn told<'a>(said: &'a str, words: &str) -> BTreeSet<&'a str> {
    let last = said.lines().rfind(|line| line.starts_with("error:")).unwrap_or_default();
    let rest = last.split_once(words).map(|(_, rest)| rest.split(';').next().unwrap_or_default());
    rest.into_iter().flat_map(|names| names.split(", ")).collect()
}

/// Ends a run at every request in turn, and holds what is there to what is said.
fn at_every_request(fate: Fate, made_before: bool) {
    let Ok(cluster) = control_plane() else { return };
    let own = Own::start(cluster);
    let between = Between::start(&own);
    let word = format!("{fate:?}").to_lowercase().replace(['(', ')', '"', '-'], "");
    let name = |at: &str| format!("{word}-{at}");
    let prepare = |namespace: &str| {
        if made_before {
            expect_success(own.kubectl().args(["create", "ns", namespace]));
        }
    };
    let whole = name("whole");
    prepare(&whole);
    between.arm(usize::MAX, fate);
    super::run(&mut bootstrap(cluster, &own, &between.url, &whole)).done();
    let requests = between.at.lock().unwrap().0;
    let undisturbed = there(&own, &whole);
    assert_eq!(undisturbed.len(), 5, "{undisturbed:?}");
    let mut half = 0;
    // To start a server anew takes seconds: of these only some, unless all are asked for.
    let all = std::env::var_os("NETPOL_EVERY_REQUEST").is_some();
    let step = if matches!(fate, Fate::Killed(_)) && !all { 4 } else { 1 };
    for at in (0..requests).step_by(step) {
        let namespace = name(&at.to_string());
        prepare(&namespace);
        between.arm(at, fate);
        let child = bootstrap(cluster, &own, &between.url, &namespace)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut anew = None;
        if matches!(fate, Fate::Stopped(_) | Fate::Killed(_) | Fate::Interrupted) {
            between.arrived.recv_timeout(Duration::from_secs(20)).expect("it arrives");
        }
        match fate {
            Fate::Stopped(program) => {
                own.signal_to(program, Signal::STOP);
                between.go_on.send(()).unwrap();
            }
            Fate::Killed(program) => {
                anew = Some((program, own.kill(program)));
                between.go_on.send(()).unwrap();
            }
            Fate::Interrupted => {
                let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
                kill_process(pid, Signal::INT).unwrap();
            }
            Fate::Lost | Fate::AnswerLost => {}
        }
        let ran = Ran::of(&child.wait_with_output().unwrap());
        match fate {
            Fate::Stopped(program) => own.signal_to(program, Signal::CONT),
            Fate::Interrupted => between.go_on.send(()).unwrap(),
            Fate::Killed(_) | Fate::Lost | Fate::AnswerLost => {}
        }
        if let Some((program, command)) = anew {
            own.start_anew(program, command);
        }
        between.settle();
        let said = format!("request {at} of {requests}, {fate:?}: {}{}", ran.out, ran.err);
        let now = there(&own, &namespace);
        if ran.code != Some(2) {
            // etcd may not be needed for what the API server has in memory, or some may be tried anew.
            assert_eq!((ran.code, names(&now).len()), (Some(0), 5), "{said}");
            continue;
        }
        assert_eq!(ran.err.lines().filter(|line| line.starts_with("error:")).count(), 1, "{said}");
        let written = told(&ran.err, "written before that: ");
        let perhaps = told(&ran.err, "perhaps written: ");
        assert!(written.is_subset(&names(&now)), "{said}\nthere: {now:?}");
        let known: BTreeSet<&str> = written.union(&perhaps).copied().collect();
        assert!(names(&now).is_subset(&known), "{said}\nthere: {now:?}");
        if !known.is_empty() {
            half += 1;
            let back = format!("`kubectl netpol bootstrap {namespace} --remove");
            assert!(
                ran.err.contains(&format!("{namespace} is half ")) && ran.err.contains(&back),
                "{said}"
            );
        }
        let closes =
            |name: &&str| name.ends_with("default-deny-egress") || name.ends_with("same-namespace");
        let dns = names(&now).iter().any(|name| name.ends_with("/allow-dns-egress"));
        assert!(dns || !names(&now).iter().any(closes), "closed without DNS: {said}\n{now:?}");
        between.arm(usize::MAX, fate);
        super::run(&mut bootstrap(cluster, &own, &between.url, &namespace)).done();
        let after = there(&own, &namespace);
        let specs =
            |all: &[(String, Value)]| -> Vec<Value> { all.iter().map(|it| it.1.clone()).collect() };
        assert_eq!(specs(&after), specs(&undisturbed), "{said}");
    }
    assert!(half * step > 2, "{half} of {requests} ended in the middle");
}

#[test]
fn a_request_is_lost() {
    at_every_request(Fate::Lost, false);
}

#[test]
fn an_answer_is_lost() {
    at_every_request(Fate::AnswerLost, true);
}

#[test]
fn the_api_server_stops() {
    at_every_request(Fate::Stopped("kube-apiserver"), false);
}

#[test]
fn etcd_stops() {
    at_every_request(Fate::Stopped("etcd"), true);
}

#[test]
fn the_api_server_is_killed() {
    at_every_request(Fate::Killed("kube-apiserver"), true);
}

#[test]
fn etcd_is_killed() {
    at_every_request(Fate::Killed("etcd"), false);
}

#[test]
fn somebody_presses_ctrl_c() {
    at_every_request(Fate::Interrupted, false);
}

/// Every command ends in time with one sentence, and `doctor` sees why.
#[test]
fn a_dead_etcd_is_no_endless_wait() {
    let Ok(cluster) = control_plane() else { return };
    let own = Own::start(cluster);
    expect_success(own.kubectl().args(["create", "ns", "shop"]));
    own.signal_to("etcd", Signal::STOP);
    let mut took = Vec::new();
    let ask = |words: &[&str]| {
        let started = std::time::Instant::now();
        let mut command = crate::run::command(crate::run::FRONT, words);
        let ran = crate::run::run(command.env("KUBECONFIG", own.kubeconfig()), b"");
        (ran, started.elapsed())
    };
    for words in [
        &["summary"][..],
        &["list"],
        &["explain", "-n", "shop", "a", "b:80"],
        &["diff", "live:", "-"],
        &["reach", "shop/a"],
        &["bootstrap", "shop"],
        &["bootstrap", "shop", "--remove"],
        &["bootstrap", "-l", "a=b"],
    ] {
        let (ran, time) = ask(&[words, &["--request-timeout=2s"]].concat());
        took.push((words[0], ran.code, time, ran.stderr.clone()));
    }
    let (doctor, time) = ask(&["doctor", "--request-timeout=2s"]);
    own.signal_to("etcd", Signal::CONT);
    assert!(time < Duration::from_secs(20), "{time:?}");
    assert!(doctor.code == 1 && doctor.stdout.contains("no complete answer"), "{doctor:?}");
    for (word, code, time, said) in took {
        assert!(time < Duration::from_secs(15), "{word}: {time:?}");
        let errors = said.lines().filter(|line| line.starts_with("error:")).count();
        // What the API server still has in memory may be enough.
        assert!(code != 2 || errors == 1, "{word}: {said}");
    }
}
