//! Programs that are missing, too old, killed, or not Hubble at all: a sentence each, exit 2.

use super::{FLOWS, Fake, observe};
use crate::harness::root;
use crate::run::{Run, run};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// One sentence on stderr with all of these parts, exit 2.
#[track_caller]
fn fails(answer: &Run, parts: &[&str]) {
    assert_eq!(answer.code, 2, "{answer:?}");
    let errors: Vec<&str> = answer.stderr.lines().filter(|l| l.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{answer:?}");
    for part in parts {
        assert!(errors[0].contains(part), "{part:?} is not in {}", errors[0]);
    }
}

#[test]
fn hubble_is_missing() {
    let answer = run(&mut observe(&["-f", "examples/homekube"], None), b"");
    fails(
        &answer,
        &["no `hubble` on PATH", "install the Hubble CLI", "HUBBLE_BIN", "--input-file"],
    );
    // To learn there is another way.
    let mut learn = crate::run::command(crate::run::FRONT, &["bootstrap", "a", "--learn"]);
    learn.env("PATH", "/nonexistent").env_remove("HUBBLE_BIN");
    fails(&run(&mut learn, b""), &["no `hubble` on PATH", "--learn=config"]);
    let nowhere = Path::new("/nonexistent/hubble");
    let answer = run(&mut observe(&["-f", "examples/homekube"], Some(nowhere)), b"");
    fails(&answer, &["HUBBLE_BIN is /nonexistent/hubble", "unset it"]);
    // A name alone is no path.
    let answer = run(&mut observe(&["-f", "examples/homekube"], Some(Path::new("hubble"))), b"");
    fails(&answer, &["HUBBLE_BIN is hubble"]);
}

#[test]
fn cilium_is_missing_for_the_ui() {
    fails(
        &run(&mut observe(&["--ui"], None), b""),
        &["no `cilium` on PATH", "install the Cilium CLI"],
    );
    let cilium = Fake::program("cilium", r#"echo "$@"; exit 5"#);
    let mut command = observe(&["--ui", "--context", "home", "--hubble-namespace", "cilium"], None);
    let answer = run(command.env("CILIUM_BIN", &cilium.program), b"");
    assert_eq!(
        (answer.code, answer.stdout.as_str()),
        (5, "hubble ui --context home --namespace cilium\n")
    );
}

#[test]
fn hubble_is_too_old_or_something_else() {
    fails(
        &Fake::hubble("v0.11.6", "").observe(&[]),
        &["Hubble 0.11.6", "0.12.0 or newer", "update"],
    );
    let other = Fake::program("hubble", "echo 'usage: hubble telescope'");
    fails(&other.observe(&[]), &["\"usage: hubble telescope\"", "is it the Hubble CLI?"]);
    let failing = Fake::program("hubble", "echo 'hubble v1.19.4'; echo no >&2; exit 1");
    fails(&failing.observe(&[]), &["is no version of Hubble"]);
    let endless = Fake::program("hubble", "yes");
    fails(&endless.observe(&[]), &["asking", "for its version", "wrote more than"]);
}

#[test]
fn the_relay_refuses() {
    let refuse = "echo 'rpc error: code = Unavailable desc = connection error: desc = \"transport: \
                  Error while dialing: dial tcp 127.0.0.1:4245: connect: connection refused\"' >&2; exit 1";
    let new = Fake::hubble("v1.19.4", refuse);
    fails(
        &new.observe(&[]),
        &["cannot reach the relay", "connection refused", "cilium hubble enable"],
    );
    assert!(
        new.arguments().contains("--port-forward --port-forward-port 0"),
        "{}",
        new.arguments()
    );
    // Before 1.17 there is no -P: it says what to run.
    let old = Fake::hubble("v1.16.3", refuse);
    fails(
        &old.observe(&[]),
        &[
            "at localhost:4245",
            "Hubble 1.16.3 cannot forward",
            "kubectl port-forward -n kube-system service/hubble-relay 4245:80",
        ],
    );
    assert!(!old.arguments().contains("port-forward"), "{}", old.arguments());
    let named = new.observe(&["--hubble-server", "relay:1"]);
    fails(&named, &["at relay:1", "cilium hubble port-forward"]);
    assert!(new.arguments().contains("--server relay:1"), "{}", new.arguments());
    // Another user's port must not be forwarded.
    let words = ["-f", "examples/homekube", "--as", "jane"];
    let answer = run(&mut observe(&words, Some(&new.program)), b"");
    fails(&answer, &["takes no --as", "--hubble-server"]);
}

/// What had come is shown, and that it ended is said.
#[test]
fn hubble_is_killed_mid_stream() {
    let flows = root().join(FLOWS);
    let script = format!("head -n 3 {}; kill -9 $$", flows.display());
    let answer = Fake::hubble("v1.19.4", &script).observe(&["-o", "json"]);
    fails(&answer, &["hubble was ended by signal 9 after 3 flows"]);
    assert_eq!(answer.stdout.lines().count(), 2, "{answer:?}");
    let failing =
        format!("head -n 3 {}; echo WARN odd >&2; echo 'it broke' >&2; exit 7", flows.display());
    let answer = Fake::hubble("v1.19.4", &failing).observe(&["--summary"]);
    fails(&answer, &["hubble ended with code 7: it broke"]);
    assert!(answer.stdout.contains("2 flows, none against the prediction."), "{answer:?}");
}

#[test]
fn hubble_prints_rubbish() {
    let answer =
        Fake::hubble("v1.19.4", "echo '<html>'; echo two; printf '\\033[31m'").observe(&[]);
    fails(&answer, &["has no flows in it", "3 lines are none", "\"<html>\""]);
    assert_eq!(answer.stdout, "");
    // A little of it among flows is a warning.
    let flows = root().join(FLOWS);
    let script =
        format!("echo WARN; head -n 3 {}; head -c 2000000 /dev/zero; echo", flows.display());
    let answer = Fake::hubble("v1.19.4", &script).observe(&["-o", "json"]);
    assert_eq!((answer.code, answer.stdout.lines().count()), (0, 2), "{}", answer.stderr);
    assert!(answer.stderr.contains("1 line was no flows and left out; the first: \"WARN\""));
    assert!(answer.stderr.contains("lines of more than 1 MiB were left out: 1"));
}

#[test]
fn recordings_that_cannot_be_read() {
    let words = |file| ["-f", "examples/homekube", "--input-file", file];
    let answer = run(&mut observe(&words("/nonexistent/flows"), None), b"");
    fails(&answer, &["reading flows from /nonexistent/flows"]);
    let answer = run(&mut observe(&words("-"), None), b"not a flow\n");
    fails(&answer, &["standard input has no flows in it", "`hubble observe -o jsonpb`"]);
    let answer = run(&mut observe(&words("-"), None), b"");
    assert_eq!((answer.code, answer.stdout.as_str()), (0, ""));
    // A directory opens and cannot be read.
    assert_eq!(run(&mut observe(&words("examples"), None), b"").code, 2);
    let both = ["--input-file", "-", "--follow"];
    assert_eq!(run(&mut observe(&both, None), b"").code, 2);
}

#[test]
fn words_that_cannot_be_used() {
    for (words, part) in [
        (&["--since", "yesterday"][..], "neither a time"),
        (&["--verdict", "lost"], "lost"),
        (&["--port", "http"], "by number only"),
        (&["--to", "identity/keycloak:80", "--port", "80"], "two ports"),
        (&["--from", "identity/keycloak:80"], "--from takes no port"),
        (&["--to", "svc/nothing"], "--to: svc/nothing in namespace default not found"),
    ] {
        let base = ["-f", "examples/homekube", "--input-file", FLOWS];
        let answer = run(&mut observe(&[&base, words].concat(), None), b"");
        assert_eq!(answer.code, 2, "{words:?}: {answer:?}");
        assert!(answer.stderr.contains(part), "{words:?}: {}", answer.stderr);
    }
}

/// Ctrl-C ends both, with the table that was asked for.
#[test]
fn following_ends_cleanly() {
    let flows = root().join(FLOWS);
    let script =
        format!("echo $$ > \"$(dirname \"$0\")/pid\"; cat {}; exec sleep 60", flows.display());
    for (signal, words, shown) in [
        (rustix::process::Signal::INT, &["--summary"][..], "17 flows, 2 not as predicted."),
        (rustix::process::Signal::TERM, &["-o", "json"], "\"kind\":\"LostEvents\""),
    ] {
        let hubble = Fake::hubble("v1.19.4", &script);
        let words = [&["-f", "examples/homekube", "--follow"], words].concat();
        let mut child = observe(&words, Some(&hubble.program))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let pid = wait_for_pid(&hubble.path("pid"));
        if shown.contains("kind") {
            // Flows are shown as they come, not at the end.
            stdout.read_line(&mut first).unwrap();
        } else {
            std::thread::sleep(Duration::from_secs(1));
        }
        assert!(hubble.arguments().contains("--follow"), "{}", hubble.arguments());
        let process = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        rustix::process::kill_process(process, signal).unwrap();
        stdout.read_to_string(&mut first).unwrap();
        let status = child.wait().unwrap();
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
        assert!(first.contains(shown), "{first}");
        let gone = rustix::process::test_kill_process(rustix::process::Pid::from_raw(pid).unwrap());
        assert!(gone.is_err(), "hubble {pid} still runs");
    }
}

fn wait_for_pid(file: &Path) -> i32 {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let read = fs::read_to_string(file).ok();
        if let Some(pid) = read.and_then(|text| text.trim().parse().ok()) {
            return pid;
        }
        assert!(Instant::now() < deadline, "hubble did not start");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A reader that has enough is no error.
#[test]
fn a_closed_pipe_ends_it() {
    let flows = root().join(FLOWS);
    let script = format!("while cat {}; do :; done", flows.display());
    let hubble = Fake::hubble("v1.19.4", &script);
    let mut child =
        observe(&["-f", "examples/homekube", "--follow", "-o", "json"], Some(&hubble.program))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("ObservedFlow"));
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
