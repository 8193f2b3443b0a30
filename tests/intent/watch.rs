//! `test --watch`: tests again as files change, until it is told to end.

use super::{HEAD, at};
use crate::harness::Files;
use crate::run::{FRONT, command, netpol};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

const POD: &str =
    "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop, labels: {app: a}}}\n";
const CLOSED: &str = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: shop}\nspec: {podSelector: {}}\n";

#[test]
fn files_are_tested_again_as_they_change() {
    let tests = format!(
        "{HEAD}- name: closed\n  default-deny: {{namespaces: shop, directions: ingress}}\n"
    );
    let files = Files::new(&[("k8s/a.yaml", &format!("{POD}{CLOSED}")), ("t.yaml", &tests)]);
    let (t, k8s) = (at(&files, "t.yaml"), at(&files, "k8s"));
    let mut watching = command(FRONT, &["test", &t, "-f", &k8s, "--watch"]);
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
    let end = Instant::now() + Duration::from_mins(1);
    let wait = |part: &str| {
        let mut seen = Vec::new();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match lines.recv_timeout(left) {
                Ok(line) if line.contains(part) => return,
                Ok(line) => seen.push(line),
                Err(error) => panic!("{error}: no {part:?} in {seen:?}"),
            }
        }
    };
    wait("1 test: 1 proved.");
    files.write("k8s/a.yaml", POD);
    wait("1 test: 1 broken.");
    // What cannot be read is told, and it goes on.
    files.write("t.yaml", "tests: [\n");
    wait("error: ");
    files.write("t.yaml", &tests);
    wait("1 test: 1 broken.");
    // Not by SIGINT, which whoever started the tests may have told all of them to ignore.
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    while Instant::now() < end && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let ended = child.try_wait().unwrap();
    child.kill().unwrap();
    assert!(ended.is_some_and(|status| !status.success()), "{ended:?}");
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
