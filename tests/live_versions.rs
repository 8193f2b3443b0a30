//! Two contexts in one diff, where the API servers behind them do not serve the same.
//!
//! A real API server always serves what this program asks for, so one that does not is a stand-in.

use crate::harness::homekube;
use crate::run::{FRONT, Run, command, run};
use serde_json::json;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// An API server that answers some paths, and has an empty list at all others. It ends with this
/// process.
fn stand_in(answers: &'static [(&'static str, u16, &'static str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(&stream, answers));
        }
    });
    url
}

fn answer(mut stream: &TcpStream, answers: &[(&str, u16, &str)]) -> Option<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    while !lines.next()?.ok()?.is_empty() {}
    let path = first.split([' ', '?']).nth(1)?;
    let found = answers.iter().find(|(known, ..)| *known == path);
    let empty = match path {
        "/apis" => r#"{"kind":"APIGroupList","groups":[]}"#,
        _ => r#"{"kind":"List","metadata":{},"items":[]}"#,
    };
    let (status, body) = found.map_or((200, empty), |(_, status, body)| (*status, *body));
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all((head + body).as_bytes()).ok()
}

/// A kubeconfig with a context for each server, `a` and `b`.
fn kubeconfig(servers: [&str; 2]) -> String {
    let entry = |name: &str, server: &str| {
        let cluster = json!({"name": name, "cluster": {"server": server}});
        let context = json!({"name": name, "context": {"cluster": name, "user": "nobody"}});
        (cluster, context)
    };
    let (one, other) = (entry("a", servers[0]), entry("b", servers[1]));
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "a",
        "clusters": [one.0, other.0], "contexts": [one.1, other.1],
        "users": [{"name": "nobody", "user": {}}],
    });
    config.to_string()
}

fn diff(servers: [&str; 2], words: &[&str]) -> Run {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config");
    std::fs::write(&file, kubeconfig(servers)).unwrap();
    let words = [&["diff", "live:a", "live:b"], words].concat();
    run(command(FRONT, &words).env("KUBECONFIG", &file), b"")
}

const LIST: &str = "/apis/networking.k8s.io/v1/networkpolicies";
const GROUP: &str = "/apis/networking.k8s.io";
const PODS: &str = r#"{"metadata":{},"items":[{"metadata":{"name":"web","namespace":"shop"}}]}"#;

/// Without policies there is nothing to compare, and the sentence says which side has none.
#[test]
fn a_side_that_serves_no_networkpolicies_is_named() {
    let whole = stand_in(&[("/api/v1/pods", 200, PODS)]);
    let old = stand_in(&[
        (LIST, 404, "404 page not found\n"),
        (GROUP, 200, r#"{"kind":"APIGroup","versions":[{"version":"v1beta1"}]}"#),
    ]);
    let none = stand_in(&[(LIST, 404, "404 page not found\n"), (GROUP, 404, "")]);
    let half = stand_in(&[
        (LIST, 404, "404 page not found\n"),
        (GROUP, 200, r#"{"versions":[{"version":"v1"}]}"#),
    ]);
    for (other, said) in [
        (&old, "of networking.k8s.io it serves v1beta1 only"),
        (&none, "it serves nothing of networking.k8s.io"),
        (&half, "it serves networking.k8s.io/v1 without them"),
    ] {
        for (servers, name) in [([&whole, other], "live:b"), ([other, &whole], "live:a")] {
            let run = diff(servers.map(String::as_str), &[]);
            assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:?}");
            let expected = format!(
                "error: reading {name}: listing networkpolicies: {other} serves no networkpolicies in \
                 networking.k8s.io/v1; {said}: "
            );
            assert!(run.stderr.starts_with(&expected), "{run:?}");
            assert!(run.stderr.ends_with(": read its manifests with -f instead\n"), "{run:?}");
            assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
        }
    }
}

/// What else one side does not serve is told with the answer, and of which side.
#[test]
fn what_one_side_does_not_serve_is_told_with_the_answer() {
    let whole = stand_in(&[("/api/v1/pods", 200, PODS)]);
    let without = stand_in(&[
        ("/api/v1/pods", 200, PODS),
        ("/apis/apps/v1/replicasets", 404, "404 page not found\n"),
        ("/apis/apps", 404, ""),
    ]);
    let run = diff([&whole, &without], &[]);
    assert_eq!((run.code, run.stderr.as_str()), (3, ""), "{run:?}");
    assert!(run.stdout.starts_with("no flow is known to change\n"), "{run:?}");
    let accepted = diff([&whole, &without], &["--accept-unread=replicasets"]);
    assert_eq!(accepted.code, 0, "{accepted:?}");
    let words = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = format!(
        "warning: in live:b: not read: replicasets: listing replicasets: {without} serves no \
         replicasets in apps/v1; it serves nothing of apps"
    );
    assert!(words.contains(&said), "{run:?}");
    let strict = diff([&whole, &whole], &["--strict"]);
    assert_eq!(strict.code, 0, "{strict:?}");
}

/// Two contexts of one real server are the same cluster, whatever they are called.
#[test]
fn two_contexts_of_one_cluster_do_not_differ() {
    let Ok(homekube) = homekube() else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config");
    std::fs::copy(homekube.cluster.admin(), &file).unwrap();
    let kubectl = |words: &[&str]| {
        let output = homekube.cluster.kubectl(&file).args(words).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let current = kubectl(&["config", "current-context"]);
    let names = "-o=jsonpath={.contexts[0].context.cluster} {.contexts[0].context.user}";
    let names = kubectl(&["config", "view", names]);
    let (cluster, user) = names.split_once(' ').unwrap();
    let more = ["--cluster", cluster, "--user", user, "--namespace", "identity"];
    kubectl(&[&["config", "set-context", "other"][..], &more].concat());
    let ask = |words: &str| homekube.ask_as(&file, "diff", words);
    let same = ask(&format!("live:{} live:other", current.trim()));
    assert_eq!(same.code, 0, "{}", same.all());
    assert!(same.stdout.starts_with("no flow changes\n"), "{}", same.all());
    let missing = ask("live:other live:nowhere");
    assert_eq!((missing.code, missing.stdout.as_str()), (2, ""), "{}", missing.all());
    assert!(missing.stderr.contains("reading live:nowhere: ") && missing.stderr.contains("other"));
}
