//! The workflows of the forge: what they run of others is pinned, and they run what a clone runs.

use crate::harness::root;
use crate::read_back;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Every workflow as text.
fn workflows() -> Vec<(PathBuf, String)> {
    let all = fs::read_dir(root().join(".github/workflows")).unwrap();
    let paths = all.map(|entry| entry.unwrap().path());
    paths.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The steps of every job of a workflow, with the job's permissions.
fn jobs(text: &str) -> Vec<(String, Value)> {
    let workflow = read_back::yaml(text);
    let jobs = workflow["jobs"].as_object().unwrap();
    jobs.iter().map(|(name, job)| (name.clone(), job.clone())).collect()
}

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

/// Who may write or sign runs nothing of the repository or of its dependencies: no checkout, no cargo, no
/// cache, and of actions only those of the forge itself.
#[test]
fn who_may_write_builds_nothing() {
    let mut writers = BTreeSet::new();
    for (path, text) in workflows() {
        for (name, job) in jobs(&text) {
            let Some(permissions) = job.get("permissions") else { continue };
            assert!(permissions.is_object(), "{}: {name}: {permissions}", path.display());
            if permissions.as_object().unwrap().values().all(|right| right == "read") {
                continue;
            }
            for step in job["steps"].as_array().unwrap() {
                let uses = step["uses"].as_str().map(|used| used.split('@').next().unwrap());
                let run = step["run"].as_str().unwrap_or_default();
                let harmless = matches!(
                    uses,
                    Some("actions/download-artifact" | "actions/attest-build-provenance")
                ) || (uses.is_none() && run.starts_with("gh release create "));
                assert!(harmless, "{}: {name}: {step}", path.display());
            }
            writers.insert(name);
        }
    }
    assert_eq!(writers.into_iter().collect::<Vec<_>>(), ["attest", "release"]);
}

/// No job keeps the token where what it builds could read it.
#[test]
fn no_checkout_keeps_the_token() {
    for (path, text) in workflows() {
        for (name, job) in jobs(&text) {
            for step in job["steps"].as_array().unwrap() {
                let uses = step["uses"].as_str().unwrap_or_default();
                let kept = &step["with"]["persist-credentials"];
                let checkout = uses.starts_with("actions/checkout@");
                assert!(!checkout || kept == false, "{}: {name}: {step}", path.display());
            }
        }
    }
}

/// What is built is what the lock file says.
#[test]
fn cargo_is_held_to_its_lock_file() {
    let mut texts = workflows();
    let places = [".ci/run", ".cargo/config.toml", "CONTRIBUTING.md", "README.md"];
    texts.extend(places.map(|at| (at.into(), fs::read_to_string(root().join(at)).unwrap())));
    let resolving =
        ["build", "test", "check", "clippy", "run", "metadata", "tree", "install", "bench"];
    let mut found = 0;
    for (path, text) in texts {
        // A command may go on behind the end of its line.
        let text = text.replace("\\\n", " ");
        for line in text.lines() {
            let line = line.replace("xtask = \"run", "cargo run");
            for (at, _) in line.match_indices("cargo ") {
                let words = &line[at + "cargo ".len()..];
                let word = words.split([' ', '`', '"']).next().unwrap_or_default();
                // Whoever develops may well change it.
                let develops = path.extension().is_some_and(|it| it == "md") && word != "install";
                if !resolving.contains(&word) || develops {
                    continue;
                }
                // What was said before, in words, resolves nothing.
                if words[word.len()..].starts_with('`') {
                    continue;
                }
                let told = words.split(['`', '|', ';']).next().unwrap_or_default();
                assert!(told.contains("--locked"), "{}: {line}", path.display());
                found += 1;
            }
        }
    }
    assert!(found >= 10, "only {found} commands found");
}

/// The bill of materials is `CycloneDX` as its schema wants it, and names what it depends on once.
///
/// Source: <https://cyclonedx.org/docs/1.6/json/>.
#[test]
fn a_bill_of_materials_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str| {
        let file = directory.path().join(name);
        let mut command = Command::new(env!("CARGO"));
        command.args(["xtask", "sbom", "--out"]).arg(&file).current_dir(root());
        let done = command.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        fs::read_to_string(file).unwrap()
    };
    let text = write("a");
    assert_eq!(text, write("b"), "the same sources give the same bytes");
    let bill = read_back::json(&text);
    assert_eq!((&bill["bomFormat"], &bill["specVersion"]), (&"CycloneDX".into(), &"1.6".into()));
    let own = &bill["metadata"]["component"];
    assert_eq!(own["version"], env!("CARGO_PKG_VERSION"));
    let components = bill["components"].as_array().unwrap();
    let mut names = BTreeSet::new();
    for component in components.iter().chain([own]) {
        let name = component["bom-ref"].as_str().unwrap();
        assert!(names.insert(name), "{name} twice");
        assert_eq!(component["purl"], name);
        let licence = component["licenses"][0]["expression"].as_str().unwrap();
        assert!(!licence.contains('/'), "{name}: {licence}");
        let ours = name.starts_with("pkg:cargo/netpol") || name.contains("/kubectl-netpol@");
        let hash = component["hashes"][0]["content"].as_str().unwrap_or_default();
        // SHA-256 of crates.io, SHA-512 of npm, in hexadecimal.
        let wanted = match () {
            () if ours => 0,
            () if name.starts_with("pkg:npm/") => 128,
            () => 64,
        };
        assert_eq!(hash.len(), wanted, "{name}");
    }
    for dependency in bill["dependencies"].as_array().unwrap() {
        let needed = dependency["dependsOn"].as_array().unwrap().iter();
        for name in needed.chain([&dependency["ref"]]) {
            assert!(names.contains(name.as_str().unwrap()), "{name} is no component");
        }
    }
    let shipped =
        ["pkg:cargo/clap@", "pkg:cargo/rustls@", "pkg:cargo/netpol@", "pkg:npm/%40dagrejs/dagre@"];
    for crate_name in shipped {
        assert!(names.iter().any(|name| name.starts_with(crate_name)), "{crate_name}");
    }
    let only_tests = ["pkg:cargo/proptest@", "pkg:cargo/divan@", "pkg:cargo/markdown@"];
    assert!(!names.iter().any(|name| only_tests.iter().any(|only| name.starts_with(only))));
}
