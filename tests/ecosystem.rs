//! `cargo xtask ecosystem`: two builds over directories of manifests.

use crate::harness::xtask;
use crate::run::{FRONT, Run, run};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

fn compare(old: &str, new: &str, more: &[&str]) -> Run {
    run(&mut xtask(&[&["ecosystem", "--old", old, "--new", new], more].concat()), b"")
}

#[test]
fn a_build_answers_as_itself() {
    let done = compare(FRONT, FRONT, &[]);
    assert_eq!(done.code, 0, "{done:?}");
    let last = done.stdout.lines().last().unwrap();
    let counts: Vec<usize> = last.split(' ').filter_map(|word| word.parse().ok()).collect();
    // Two examples, their recordings, and the cases; each is asked some ten questions.
    let [0, answers, directories] = counts[..] else { panic!("{last}") };
    assert!(directories >= 6 && answers >= 10 * directories, "{last}");
}

/// One that says something else, and one that says nothing for longer than it may.
#[test]
fn what_differs_is_shown() {
    let directory = tempfile::tempdir().unwrap();
    let program = |name: &str, script: &str| {
        let path = directory.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let words = program("words", &format!("'{FRONT}' \"$@\" | sed s/isolated/isolatet/"));
    let done = compare(FRONT, &words, &["--lines", "6", "examples/homekube"]);
    assert_eq!(done.code, 1, "{done:?}");
    let first = done.stdout.lines().take(2).collect::<Vec<_>>().join("\n");
    assert!(first.starts_with("$ kubectl netpol list -f ") && first.contains("\n@@ "), "{first}");
    assert!(done.stdout.contains("\n+") && done.stdout.contains(" more lines\n"), "{done:?}");
    let longest = done.stdout.split("$ kubectl").map(|part| part.lines().count()).max();
    assert!(longest <= Some(10), "{longest:?}");

    let slow =
        program("slow", &format!("[ \"$1\" = summary ] && exec sleep 60; exec '{FRONT}' \"$@\""));
    let example = "tests/regressions/rule-for-no-one";
    let one = compare(&slow, FRONT, &["--limit", "3", example]);
    assert_eq!(one.code, 1, "{one:?}");
    assert!(one.stdout.contains("-[not at its end after 3 s]"), "{one:?}");

    let missing = compare(FRONT, "nowhere/program", &[example]);
    assert_eq!(missing.code, 2, "{missing:?}");
}
