//! The workflows of the forge: what they run of others is pinned, and they run what a clone runs.

use crate::harness::root;
use std::fs;

/// A tag can be moved; a commit cannot.
#[test]
fn actions_are_pinned_by_commit_with_their_version() {
    let mut pinned = 0;
    for entry in fs::read_dir(root().join(".github/workflows")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("\npermissions:\n  contents: read\n"), "{}", path.display());
        for line in text.lines() {
            let Some((_, used)) = line.split_once("uses: ") else { continue };
            let (commit, version) = used
                .split_once('@')
                .and_then(|(_, at)| at.split_once(" # v"))
                .unwrap_or_else(|| panic!("{}: {line}", path.display()));
            let is_commit = commit.len() == 40 && commit.bytes().all(|it| it.is_ascii_hexdigit());
            let numbers: Vec<&str> = version.split('.').collect();
            let is_version =
                numbers.len() == 3 && numbers.iter().all(|it| it.parse::<u32>().is_ok());
            assert!(is_commit && is_version, "{}: {line}", path.display());
            pinned += 1;
        }
    }
    assert!(pinned >= 5, "only {pinned} actions found");
}

#[test]
fn a_push_runs_what_a_clone_runs() {
    let text = fs::read_to_string(root().join(".github/workflows/ci.yml")).unwrap();
    assert!(text.contains("- run: .ci/run\n"));
    assert!(text.contains("push:\n") && text.contains("pull_request:\n"));
}
