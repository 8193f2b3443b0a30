//! The line that says what is going on, on a terminal that `script` provides.

use crate::harness::{Loopback, Outside, skip};
use crate::run::{FRONT, Run, command, run};
use std::time::Duration;

/// What a line shows on a terminal; `None` where there is none.
fn on_terminal(line: &str) -> Option<Run> {
    let version = command("script", &["--version"]).output();
    // Others of that name have other flags.
    if !version.is_ok_and(|it| String::from_utf8_lossy(&it.stdout).contains("util-linux")) {
        let _ = skip(Outside::Script, "no terminal without the script of util-linux");
        return None;
    }
    Some(run(command("script", &["-qec", line, "/dev/null"]).env("TERM", "xterm"), b""))
}

/// What a terminal would show of `list -f -` whose input comes after a second.
fn shown(more: &str) -> Option<String> {
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: b}}";
    let run = on_terminal(&format!("(sleep 1; echo '{pod}') | '{FRONT}' list -f - {more}"))?;
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("b/pod/a"), "{run:?}");
    Some(run.stdout)
}

#[test]
fn long_work_says_what_it_is() {
    let Some(slow) = shown("") else { return };
    let said = slow.find("reading manifests").unwrap_or_else(|| panic!("{slow:?}"));
    // It is gone before the answer comes.
    let answer = slow.find("b/pod/a").unwrap();
    assert!(said < answer && !slow[answer..].contains("reading"), "{slow:?}");
    assert!(slow[said..answer].contains("\u{1b}[2K"), "{slow:?}");
    for more in ["--color=never", "2> /dev/null"] {
        let shown = shown(more).unwrap();
        assert!(!shown.contains("reading manifests"), "{more}: {shown:?}");
    }
}

/// Every command that asks a cluster says what it waits for where an answer is slow, and nothing of it
/// stays.
#[test]
fn a_slow_server_is_waited_for_in_words() {
    let slow = Loopback::slow(Duration::from_millis(700));
    let flow = "echo '{}'";
    for (words, waits, answer) in [
        ("explain x/pod/a x/pod/b:80", "reading the cluster", "DENIED"),
        ("list -n x", "reading the cluster", "x/pod/a"),
        ("summary -n x", "reading the cluster", "closed"),
        ("reach x/pod/a", "reading the cluster", "x/pod/a"),
        ("lint", "reading the cluster", "Nothing"),
        ("doctor", "looking at programs and the cluster", "Cluster"),
        ("observe --input-file -", "reading the cluster", "flows"),
        ("bootstrap x --dns namespace --dry-run=server", "trying x (1 of 1)", "x"),
        ("bootstrap x --dry-run=client", "looking for the DNS Service", "x"),
        ("bootstrap x --remove --dry-run=server", "x (1 of 1)", "x"),
    ] {
        let line = format!("{flow} | '{FRONT}' {words} -s http://{}", slow.address);
        let Some(run) = on_terminal(&line) else { return };
        let said = run.stdout.find(waits).unwrap_or_else(|| panic!("{words}: {run:?}"));
        let rest = &run.stdout[said..];
        let gone = rest.rfind("\u{1b}[2K").unwrap_or_else(|| panic!("{words}: {run:?}"));
        assert!(rest.contains(answer), "{words}: {run:?}");
        assert!(!rest[gone..].contains(waits), "{words}: what was waited for stays: {run:?}");
    }
    // An answer that comes at once is not announced.
    let quick = Loopback::start();
    let line = format!("'{FRONT}' explain x/pod/a x/pod/b:80 -s http://{}", quick.address);
    let run = on_terminal(&line).unwrap();
    assert!(run.stdout.contains("DENIED") && !run.stdout.contains("reading"), "{run:?}");
}
