//! Which programs run, from where, and what each finds in its environment.

use crate::run::{FRONT, command, run};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use tempfile::TempDir;

/// All that may be looked for.
const NAMES: [&str; 8] =
    ["git", "kubectl", "kustomize", "flux", "hubble", "cilium", "login", "kubectl-netpol-list"];

/// Puts a program there that writes down its environment and fails.
fn trap(directory: &Path, name: &str) {
    let file = directory.join(name);
    let script = format!(
        "#!/bin/sh\n/usr/bin/env > '{}'\nexit 1\n",
        directory.join(format!("{name}.ran")).display()
    );
    fs::write(&file, script).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
}

fn traps() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for name in NAMES {
        trap(directory.path(), name);
    }
    fs::write(directory.path().join("kustomization.yaml"), "resources: []\n").unwrap();
    fs::write(
        directory.path().join("config"),
        "current-context: a\n\
         contexts: [{name: a, context: {cluster: a, user: a}}]\n\
         clusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}]\n\
         users: [{name: a, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: login, \
         interactiveMode: Never}}}]\n",
    )
    .unwrap();
    directory
}

fn ran(directory: &Path) -> Vec<&'static str> {
    NAMES.into_iter().filter(|name| directory.join(format!("{name}.ran")).exists()).collect()
}

/// Everything that starts programs, in a directory of traps.
const STARTING: &[&[&str]] = &[
    &["diff", "git:HEAD", "git:HEAD"],
    &["list", "-k", "."],
    &["diff", "kustomize:.", "kustomize:."],
    &["diff", "--flux", "a", "--path", "."],
    &["observe", "-f", "kustomization.yaml"],
    &["observe", "--ui"],
    &["doctor"],
    &["list"],
    &["__complete", "list", "-n", ""],
];

/// An empty entry of PATH is the working directory, and so is `.`.
#[test]
fn nothing_of_the_working_directory_is_run() {
    for path in ["", ":", ".", "./", ":/nonexistent", "/nonexistent:", ".:/nonexistent", "bin/.."] {
        let directory = traps();
        fs::create_dir(directory.path().join("bin")).unwrap();
        let before = fs::read_dir(directory.path()).unwrap().count();
        // Under a name in a directory of its own, beside which `completion --install` writes.
        let beside = tempfile::tempdir().unwrap();
        let front = beside.path().join("kubectl-netpol");
        symlink(FRONT, &front).unwrap();
        let mut install = command(front.to_str().unwrap(), &["completion", "--install"]);
        run(install.current_dir(directory.path()).env("PATH", path), b"");
        for words in STARTING {
            let mut command = command(FRONT, words);
            command.current_dir(directory.path()).env("PATH", path).env("KUBECONFIG", "config");
            let done = run(&mut command, b"");
            assert_eq!(ran(directory.path()), [""; 0], "PATH={path} {words:?}: {done:?}");
        }
        // `completion --install` wrote nothing there either.
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), before, "PATH={path}");
    }
}

/// The environment that a program found, by name.
fn environment(directory: &Path, name: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(directory.join(format!("{name}.ran"))).unwrap_or_default();
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn each_finds_what_it_needs_and_no_more() {
    let directory = traps();
    let mut path = OsString::from(directory.path());
    path.push(":relative:");
    let ask = |words: &[&str]| {
        let mut command = command(FRONT, words);
        command.current_dir(directory.path()).env("PATH", &path).env("KUBECONFIG", "config");
        for (name, value) in [
            ("HOME", "/home/me"),
            ("SSH_AUTH_SOCK", "/run/agent"),
            ("GIT_SSH_COMMAND", "evil"),
            ("GIT_ASKPASS", "evil"),
            ("GIT_EXTERNAL_DIFF", "evil"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("HTTPS_PROXY", "http://me:x@127.0.0.1:1"),
            ("KUSTOMIZE_PLUGIN_HOME", "/tmp/x"),
        ] {
            command.env(name, value);
        }
        run(&mut command, b"")
    };
    let known = ["PWD", "SHLVL", "_", "OLDPWD", "PATH", "LANG", "LC_ALL", "LC_CTYPE"];
    let names = |found: &BTreeMap<String, String>| {
        let names = found.keys().map(String::as_str).filter(|name| !known.contains(name));
        names.map(ToOwned::to_owned).collect::<Vec<_>>()
    };

    let run = ask(&["list", "-k", "."]);
    assert_eq!(run.code, 2, "{run:?}");
    let found = environment(directory.path(), "kubectl");
    let expected = [
        "GIT_ALLOW_PROTOCOL",
        "HOME",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "TEMP",
        "TMP",
        "TMPDIR",
        "USERPROFILE",
    ];
    assert_eq!(names(&found), expected);
    assert_eq!(found["GIT_ALLOW_PROTOCOL"], "");
    assert_eq!(found["HTTPS_PROXY"], "http://127.0.0.1:1");
    assert_eq!((&found["PATH"], &found["TMPDIR"]), (&found["HOME"], &found["HOME"]));
    assert!(!Path::new(&found["HOME"]).exists(), "it is gone with the program");

    ask(&["list", "-k", ".", "--pull"]);
    let found = environment(directory.path(), "kubectl");
    assert_eq!(found["GIT_ALLOW_PROTOCOL"], "https");
    assert_eq!(found["HTTPS_PROXY"], "http://me:x@127.0.0.1:1");
    assert_eq!(found["PATH"], directory.path().to_string_lossy());
    assert!(!found.contains_key("SSH_AUTH_SOCK") && found["HOME"] != "/home/me", "{found:?}");

    ask(&["diff", "git:HEAD", "git:HEAD"]);
    let found = environment(directory.path(), "git");
    let expected = [
        "GIT_ALLOW_PROTOCOL",
        "GIT_NO_LAZY_FETCH",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OPTIONAL_LOCKS",
        "GIT_TERMINAL_PROMPT",
        "HOME",
    ];
    assert_eq!(names(&found), expected);
    assert_eq!((&*found["GIT_ALLOW_PROTOCOL"], &*found["HOME"]), ("", "/home/me"));

    // Who logs in to the cluster does it with whatever that takes.
    ask(&["list"]);
    let found = environment(directory.path(), "login");
    assert_eq!(found["AWS_SECRET_ACCESS_KEY"], "secret");
    assert_eq!(found["PATH"], directory.path().to_string_lossy());
    assert!(found.contains_key("KUBERNETES_EXEC_INFO"));
}

/// Bases from elsewhere are refused before anything runs.
#[test]
fn a_remote_base_is_refused_before_anything_runs() {
    let directory = traps();
    let below = directory.path().join("below");
    fs::create_dir(&below).unwrap();
    fs::write(below.join("kustomization.yaml"), "resources: [github.com/a/b//base?ref=v1]\n")
        .unwrap();
    fs::write(directory.path().join("kustomization.yaml"), "resources: [below]\n").unwrap();
    for words in [
        &["list", "-k", "."][..],
        &["diff", "kustomize:.", "below"],
        &["diff", "--flux", "a", "--path", "."],
    ] {
        let mut command = command(FRONT, words);
        command
            .current_dir(directory.path())
            .env("PATH", directory.path())
            .env("KUBECONFIG", "/dev/null");
        let done = run(&mut command, b"");
        assert_eq!((done.code, ran(directory.path())), (2, Vec::new()), "{done:?}");
        let said = "takes github.com/a/b//base?ref=v1 from elsewhere, and nothing is fetched unless asked for: give --pull";
        assert!(done.stderr.contains(said), "{done:?}");
    }
}
