//! Sides that are Git revisions.

use super::*;

/// A repository whose last commit closes what the one before it leaves open.
struct Repository(TempDir);

pub(super) fn git(directory: &Path, words: &[&str]) -> String {
    let mut git = command("git", words);
    git.current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    for (name, value) in [("NAME", "a"), ("EMAIL", "a@example.com")] {
        git.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
    }
    let run = run(&mut git, b"");
    assert_eq!(run.code, 0, "git {words:?}: {run:?}");
    run.stdout
}

/// What only a hidden directory has.
const HIDDEN: &str = "{apiVersion: v1, kind: Namespace, metadata: {name: archived}}\n";

impl Repository {
    fn new() -> Self {
        let all = tempfile::tempdir().unwrap();
        let work = all.path().join("work");
        fs::create_dir_all(work.join("k8s/.hidden")).unwrap();
        git(&work, &["init", "-q", "-b", "main"]);
        fs::write(work.join("README.md"), "no manifest").unwrap();
        fs::write(work.join("k8s/pods.yaml"), PODS).unwrap();
        fs::write(work.join("k8s/.hidden/ns.yaml"), HIDDEN).unwrap();
        git(&work, &["add", "-A"]);
        git(&work, &["commit", "-qm", "open"]);
        fs::write(work.join("k8s/policy.yaml"), POLICY).unwrap();
        git(&work, &["add", "-A"]);
        git(&work, &["commit", "-qm", "closed"]);
        git(all.path(), &["clone", "-q", "--bare", "work", "bare.git"]);
        let url = format!("file://{}", name(&work));
        git(all.path(), &["clone", "-q", "--depth=1", &url, "shallow"]);
        Self(all)
    }

    fn diff(&self, place: &str, words: &[&str]) -> Run {
        let words = [&["diff"], words].concat();
        run(command(crate::run::FRONT, &words).current_dir(self.0.path().join(place)), b"")
    }
}

/// Everything in a directory with its content and time, the index too.
fn everything(directory: &Path) -> Vec<(String, Vec<u8>, std::time::SystemTime)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(everything(&path));
        } else {
            let time = path.metadata().unwrap().modified().unwrap();
            all.push((name(&path).to_owned(), fs::read(&path).unwrap(), time));
        }
    }
    all.sort();
    all
}

#[test]
fn revisions_are_compared_and_nothing_is_touched() {
    let repository = Repository::new();
    let work = repository.0.path().join("work");
    // Local changes: staged, not staged, and not known to git at all.
    fs::write(work.join("k8s/pods.yaml"), "staged").unwrap();
    git(&work, &["add", "k8s/pods.yaml"]);
    fs::write(work.join("k8s/policy.yaml"), "{").unwrap();
    fs::write(work.join("k8s/new.yaml"), "new: true").unwrap();
    let status = git(&work, &["status", "--porcelain"]);
    let before = everything(repository.0.path());
    for place in ["work", "work/k8s", "bare.git"] {
        let run = repository.diff(place, &["git:HEAD~1", "git:HEAD"]);
        assert_eq!((run.code, run.stderr.as_str()), (1, ""), "{place}");
        assert!(run.stdout.starts_with("2 closed\n"), "{place}: {run:?}");
        let line = "HEAD:k8s/policy.yaml:10:14: ports: [{port: 80}, {port: 81}]";
        assert!(run.stdout.contains(line), "{place}: {run:?}");
        assert!(
            run.stdout.contains("$ kubectl netpol explain -f git:HEAD default/pod/b"),
            "{run:?}"
        );
        let same = repository.diff(place, &["git:main", "git:HEAD:k8s"]);
        assert_eq!(same.code, 0, "{place}: {same:?}");
        let one = repository.diff(place, &["git:HEAD:k8s/pods.yaml", "git:HEAD~1:k8s/"]);
        assert_eq!(one.code, 0, "{place}: {one:?}");
    }
    assert_eq!(repository.diff("work/k8s", &["git:HEAD~1:./", "git:HEAD:./"]).code, 1);
    assert_eq!(everything(repository.0.path()), before);
    assert_eq!(git(&work, &["status", "--porcelain"]), status);
}

/// A revision is read as the directory is: what has a dot before its name too.
#[test]
fn hidden_directories_of_a_revision_are_read() {
    let repository = Repository::new();
    let words = ["summary", "-f", "git:HEAD"];
    let bare = repository.0.path().join("bare.git");
    let run = run(command(crate::run::FRONT, &words).current_dir(bare), b"");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run:?}");
    assert!(run.stdout.contains("archived"), "{run:?}");
}

/// The command that `diff` gives for a revision explains it.
#[test]
fn explain_reads_revisions_too() {
    let repository = Repository::new();
    for (revision, code) in [("git:HEAD~1", 0), ("git:HEAD:k8s", 1)] {
        let words = ["explain", "-f", revision, "other/pod/c", "default/pod/a:80"];
        let bare = repository.0.path().join("bare.git");
        let run = run(command(crate::run::FRONT, &words).current_dir(bare), b"");
        assert_eq!(run.code, code, "{run:?}");
    }
}

#[test]
fn revisions_that_are_not_there_are_a_sentence() {
    let repository = Repository::new();
    for (place, revision, part) in [
        ("work", "git:nope", "git knows no revision nope here"),
        ("bare.git", "git:HEAD~7", "git knows no revision HEAD~7 here"),
        ("shallow", "git:HEAD~1", "this clone is shallow"),
        ("work", "git:HEAD:nope", "revision HEAD has no nope"),
        ("work", "git:HEAD:k8s/.hidden/none", "revision HEAD has no k8s/.hidden/none"),
        (".", "git:HEAD", "git says: not a git repository"),
    ] {
        is_error(&repository.diff(place, &[revision, "git:HEAD"]), part);
    }
    let work = repository.0.path().join("work");
    git(&work, &["rm", "-rq", "k8s"]);
    git(&work, &["commit", "-qm", "nothing"]);
    is_error(&repository.diff("work", &["git:HEAD", "git:HEAD~1"]), "no .yaml, .yml or .json file");
}
