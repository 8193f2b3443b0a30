//! The line that says what is going on, on a terminal that `script` provides.

use crate::harness::{Outside, skip};
use crate::run::{FRONT, command, run};

/// What a terminal would show of `list -f -` whose input comes after a second.
fn shown(more: &str) -> Option<String> {
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: b}}";
    let version = command("script", &["--version"]).output();
    // Others of that name have other flags.
    if !version.is_ok_and(|it| String::from_utf8_lossy(&it.stdout).contains("util-linux")) {
        let _ = skip(Outside::Script, "no terminal without the script of util-linux");
        return None;
    }
    let line = format!("(sleep 1; echo '{pod}') | '{FRONT}' list -f - {more}");
    let run = run(command("script", &["-qec", &line, "/dev/null"]).env("TERM", "xterm"), b"");
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
