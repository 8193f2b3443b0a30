//! `test --watch`: tests again as files change, until it is told to end.

use super::{HEAD, at};
use crate::harness::Files;
use crate::run::{FRONT, command, netpol};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const POD: &str =
    "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop, labels: {app: a}}}\n";
const CLOSED: &str = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: shop}\nspec: {podSelector: {}}\n";

/// `test --watch`, and what it says.
struct Watching {
    child: Child,
    lines: Receiver<String>,
    end: Instant,
}

impl Watching {
    fn begin(words: &[&str]) -> Self {
        let mut watching = command(FRONT, words);
        watching.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = watching.spawn().unwrap();
        let (send, lines) = channel();
        let readers = [
            Box::new(child.stdout.take().unwrap()) as Box<dyn std::io::Read + Send>,
            Box::new(child.stderr.take().unwrap()),
        ];
        for reader in readers {
            let send = send.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(reader).lines().map_while(Result::ok) {
                    let _ = send.send(line);
                }
            });
        }
        Self { child, lines, end: Instant::now() + Duration::from_mins(1) }
    }

    /// Waits until it says this.
    fn says(&self, part: &str) {
        let mut seen = Vec::new();
        loop {
            let left = self.end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.contains(part) => return,
                Ok(line) => seen.push(line),
                Err(error) => panic!("{error}: no {part:?} in {seen:?}"),
            }
        }
    }

    fn ends(mut self) {
        // Not by SIGINT, which whoever started the tests may have told all of them to ignore.
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        while Instant::now() < self.end && self.child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(20));
        }
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_some_and(|status| !status.success()), "{ended:?}");
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[test]
fn files_are_tested_again_as_they_change() {
    let tests = format!(
        "{HEAD}- name: closed\n  default-deny: {{namespaces: shop, directions: ingress}}\n"
    );
    let files = Files::new(&[("k8s/a.yaml", &format!("{POD}{CLOSED}")), ("t.yaml", &tests)]);
    let (t, k8s) = (at(&files, "t.yaml"), at(&files, "k8s"));
    let watching = Watching::begin(&["test", &t, "-f", &k8s, "--watch"]);
    watching.says("1 test: 1 proved.");
    files.write("k8s/a.yaml", POD);
    watching.says("1 test: 1 broken.");
    // What cannot be read is told, and it goes on.
    files.write("t.yaml", "tests: [\n");
    watching.says("error: ");
    files.write("t.yaml", &tests);
    watching.says("1 test: 1 broken.");
    watching.ends();
}

/// Files that rest are not read again, and what is in them counts as before, until they change.
#[test]
fn what_rests_is_kept() {
    let tests = format!("{HEAD}- name: a to b\n  deny: {{from: shop/pod/a, to: shop/pod/b}}\n");
    let pods = |app: &str| {
        let b = POD.replace("name: a,", "name: b,").replace("app: a", &format!("app: {app}"));
        format!("{POD}---\n{b}")
    };
    let policy = |from: &str| {
        let spec = "{podSelector: {matchLabels: {app: b}}, ingress: [{from: [{podSelector: \
                    {matchLabels: {app: FROM}}}]}]}";
        CLOSED.replace("{podSelector: {}}", &spec.replace("FROM", from))
    };
    let files = Files::new(&[
        ("k8s/pods.yaml", &pods("b")),
        ("k8s/policy.yaml", &policy("c")),
        ("t.yaml", &tests),
    ]);
    let (t, k8s) = (at(&files, "t.yaml"), at(&files, "k8s"));
    let watching = Watching::begin(&["test", &t, "-f", &k8s, "--watch"]);
    watching.says("1 test: 1 proved.");
    // Long enough for a file system to tell a time from another.
    std::thread::sleep(Duration::from_secs(4));
    for _ in 0..2 {
        files.write("k8s/policy.yaml", &policy("a"));
        watching.says("1 test: 1 broken.");
        files.write("k8s/policy.yaml", &policy("c"));
        watching.says("1 test: 1 proved.");
    }
    files.write("k8s/pods.yaml", &pods("x"));
    watching.says("1 test: 1 broken.");
    files.write("k8s/pods.yaml", &pods("b"));
    watching.says("1 test: 1 proved.");
    watching.ends();
}

#[test]
fn what_cannot_be_watched() {
    let files = Files::new(&[
        ("k8s/a.yaml", POD),
        ("t.yaml", &format!("{HEAD}- name: a\n  dns: {{from: anyone}}\n")),
    ]);
    let (t, k8s) = (at(&files, "t.yaml"), at(&files, "k8s"));
    for words in [
        &["test", &t, "--watch"][..],
        &["test", "-", "-f", &k8s, "--watch"],
        &["test", &t, "-f", "git:HEAD:k8s", "--watch"],
        &["test", &t, "-f", &k8s, "-k", &k8s, "--watch"],
    ] {
        let run = netpol(words);
        assert_eq!(run.code, 2, "{words:?}: {run:?}");
        assert!(run.stderr.contains("--watch watches"), "{run:?}");
    }
}
