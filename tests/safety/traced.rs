//! What every command really does, as the kernel sees it: in a repository with links, bases from
//! elsewhere and hostile configuration it opens nothing outside, connects to nobody and runs nothing but
//! what is listed.

use super::{FLOWS, commands};
use crate::harness::root;
use crate::harness::{Outside, skip};
use crate::run::{FRONT, command, run};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What may be opened besides the repository and the command's own directories: libraries, what the
/// kernel says of the process and the machine, and what the C library and git read of the system.
const SYSTEM: [&str; 15] = [
    "/dev/null",
    "/dev/urandom",
    "/etc/gitconfig",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/lib/",
    "/lib64/",
    "/proc/",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
    "/sys/kernel/mm/transparent_hugepage",
    "/usr/lib/",
    "/usr/share/git-core/",
    "/usr/share/locale/",
];

/// Every command, with the exit codes that it may have here.
const TRACED: &[(&str, &[&str], &[i32])] = &[
    (
        "bootstrap",
        &["bootstrap", "x", "--dns", "namespace", "--dry-run=client", "-o", "yaml"],
        &[0],
    ),
    ("bootstrap", &["bootstrap", "x", "--dns", "namespace", "--export", "out"], &[0]),
    ("completion", &["completion", "bash"], &[0]),
    ("completion", &["__complete", "list", "-f", "k8s", "-n", ""], &[0]),
    ("diff", &["diff", "git:HEAD~1", "git:HEAD:k8s"], &[0, 1, 3]),
    ("diff", &["diff", "git:HEAD", "."], &[0, 1, 3]),
    ("diff", &["diff", "kustomize:local", "k8s"], &[0, 1, 2, 3]),
    ("diff", &["diff", "kustomize:remote", "k8s"], &[2]),
    ("doctor", &["doctor"], &[0, 1]),
    ("explain", &["explain", "-f", ".", "-n", "x", "pod/a", "pod/b"], &[0, 1, 3]),
    ("explain", &["explain", "-k", "remote", "-n", "x", "pod/a", "pod/b"], &[2]),
    ("lint", &["lint", "-f", "."], &[0, 1, 3]),
    ("list", &["list", "-f", "."], &[0]),
    ("list", &["list", "-k", "local"], &[0, 2]),
    ("list", &["list", "-k", "remote"], &[2]),
    ("list", &["list", "-f", "git:HEAD"], &[0]),
    ("map", &["map", "-f", ".", "--no-open", "--output", "out/map.html"], &[0]),
    ("observe", &["observe", "-f", ".", "--input-file", "flows.jsonl"], &[0]),
    // There is no cluster, and nothing else that it could ask.
    ("probe", &["probe", "-n", "x", "--dry-run"], &[2]),
    ("reach", &["reach", "-f", ".", "internet"], &[0, 3]),
    ("summary", &["summary", "-f", ".", "-o", "yaml"], &[0]),
    // It is looked for tests in all of the directory, and there are none.
    ("test", &["test", "-f", "."], &[2]),
];

/// The programs that may run: the command itself, and who knows Git and kustomizations.
const PROGRAMS: [&str; 4] = ["kubectl-netpol", "git", "kubectl", "kustomize"];

#[test]
fn every_command_is_traced() {
    for command in commands() {
        assert!(TRACED.iter().any(|(known, ..)| *known == command), "{command} is not traced");
    }
}

fn git(directory: &Path, words: &[&str]) {
    let mut git = command("git", words);
    git.current_dir(directory).env("HOME", directory.join("..")).env("GIT_CONFIG_NOSYSTEM", "1");
    for role in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{role}_NAME"), "a").env(format!("GIT_{role}_EMAIL"), "a@example.com");
    }
    let done = run(&mut git, b"");
    assert_eq!(done.code, 0, "git {words:?}: {done:?}");
}

/// A repository that would have its reader open, fetch and run what it must not.
fn repository(at: &Path, secret: &Path) {
    let manifests = "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x, labels: {app: a}}}\n---\n\
                     {apiVersion: v1, kind: Pod, metadata: {name: b, namespace: x}}\n---\n\
                     {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: x}, \
                     spec: {podSelector: {}}}\n";
    for directory in ["k8s", "local", "remote", "out"] {
        fs::create_dir_all(at.join(directory)).unwrap();
    }
    fs::write(at.join("k8s/all.yaml"), manifests).unwrap();
    fs::write(at.join("local/all.yaml"), manifests).unwrap();
    fs::write(at.join("local/kustomization.yaml"), "resources: [all.yaml]\n").unwrap();
    let bases = "resources: ['https://example.invalid/x.yaml', 'git@example.invalid:a/b']\n\
                 components: ['ssh://example.invalid/a']\n";
    fs::write(at.join("remote/kustomization.yaml"), bases).unwrap();
    fs::copy(root().join(FLOWS), at.join("flows.jsonl")).unwrap();
    git(at, &["init", "--quiet", "--initial-branch=main"]);
    git(at, &["add", "--all"]);
    git(at, &["commit", "--quiet", "--message=one"]);
    git(at, &["commit", "--quiet", "--message=two", "--allow-empty"]);

    for (name, target) in [("everything", Path::new("/")), ("secret.yaml", secret)] {
        symlink(target, at.join("k8s").join(name)).unwrap();
    }
    symlink("/etc/passwd", at.join("passwd.yaml")).unwrap();
    symlink("/etc", at.join("out/x")).unwrap();
    let evil = at.join("evil");
    fs::write(&evil, "#!/bin/sh\ntouch /tmp/evil\n").unwrap();
    let evil = evil.to_str().unwrap();
    let mut config = fs::read_to_string(at.join(".git/config")).unwrap();
    let _ = write!(
        config,
        "[core]\n\tfsmonitor = {evil}\n\thooksPath = {evil}\n\tsshCommand = {evil}\n\tpager = {evil}\n\
         \teditor = {evil}\n\taskPass = {evil}\n\tgitProxy = {evil}\n\tattributesFile = {secret}\n\
         [diff]\n\texternal = {evil}\n[credential]\n\thelper = {evil}\n\
         [alias]\n\tls-tree = !{evil}\n\tcat-file = !{evil}\n\trev-parse = !{evil}\n\
         [extensions]\n\tpartialClone = origin\n\
         [remote \"origin\"]\n\turl = https://example.invalid/a\n\tpromisor = true\n\
         \tuploadpack = {evil}\n[filter \"x\"]\n\tsmudge = {evil}\n\tclean = {evil}\n\
         [gpg]\n\tprogram = {evil}\n[trace2]\n\teventTarget = {trace}\n",
        secret = secret.display(),
        trace = at.join("../trace").display(),
    );
    fs::write(at.join(".git/config"), config).unwrap();
    fs::write(at.join(".gitattributes"), "* filter=x diff=x\n").unwrap();
}

/// A call of the kernel that succeeded: its name, its arguments and its result.
fn calls(trace: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    trace.lines().filter_map(|line| {
        let line = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        let (name, rest) = line.split_once('(')?;
        let (arguments, result) = rest.rsplit_once(" = ")?;
        (!result.starts_with('-')).then_some((name, arguments, result))
    })
}

/// The path in `3</path>`, as the kernel knows it after links.
fn opened(result: &str) -> Option<&str> {
    Some(result.split_once('<')?.1.trim_end_matches(|c| c != '>').trim_end_matches('>'))
}

/// The first text in quotes.
fn quoted(arguments: &str) -> &str {
    arguments.split('"').nth(1).unwrap_or_default()
}

/// A kubectl. Google's package has a dispatcher in its place, which asks a server for its version first.
fn kubectl() -> Option<PathBuf> {
    which::which_all("kubectl").ok()?.find(|program| {
        let version = Command::new(program).args(["version", "--client"]).output();
        version.is_ok_and(|it| !String::from_utf8_lossy(&it.stdout).contains("dispatcher"))
    })
}

#[test]
fn nothing_outside_is_opened_nobody_is_asked_and_nothing_else_runs() {
    let Ok(strace) = which::which("strace") else {
        skip(Outside::Strace, "there is no strace on PATH");
        return;
    };
    let own = |word: &str| which::which(word).ok();
    let Some(git) = own("git") else {
        skip(Outside::Strace, "there is no git on PATH");
        return;
    };
    let area = tempfile::tempdir().unwrap();
    let area_path = area.path().canonicalize().unwrap();
    let [repository_at, home, temporary, bin] =
        ["repository", "home", "temporary", "bin"].map(|name| area_path.join(name));
    for directory in [&repository_at, &home, &temporary, &bin] {
        fs::create_dir(directory).unwrap();
    }
    let secret = area_path.join("secret.yaml");
    fs::write(&secret, "{apiVersion: v1, kind: Pod, metadata: {name: planted}}\n").unwrap();
    repository(&repository_at, &secret);
    symlink(git, bin.join("git")).unwrap();
    match kubectl() {
        Some(kubectl) => symlink(kubectl, bin.join("kubectl")).unwrap(),
        None => drop(skip(Outside::Strace, "no kubectl on PATH builds kustomizations by itself")),
    }
    let front: PathBuf = Path::new(FRONT).canonicalize().unwrap();
    let file = area_path.join("calls");
    // A program may look at itself.
    let programs: Vec<PathBuf> =
        ["git", "kubectl"].iter().filter_map(|name| bin.join(name).canonicalize().ok()).collect();
    let may_read = [&repository_at, &home, &temporary];
    let mut ran = BTreeSet::new();
    for (_, words, codes) in TRACED {
        let mut traced = Command::new(&strace);
        traced
            .args(["-f", "-y", "-qq", "-s", "4096", "-o"])
            .arg(&file)
            .args(["-e", "trace=open,openat,openat2,creat,execve,connect,sendto,bind"])
            .arg(&front)
            .args(*words)
            .current_dir(&repository_at)
            .env_clear()
            .env("PATH", &bin)
            .env("HOME", &home)
            .env("TMPDIR", &temporary)
            .env("KUBECONFIG", "/dev/null");
        let done = run(&mut traced, b"");
        let trace = fs::read_to_string(&file).unwrap();
        if trace.is_empty() || done.stderr.contains("ptrace") {
            skip(Outside::Strace, "strace may not trace here");
            return;
        }
        assert!(codes.contains(&done.code), "{words:?}: {done:?}");
        assert!(!format!("{done:?}").contains("planted"), "{words:?}: {done:?}");
        let mut opens = 0;
        for (call, arguments, result) in calls(&trace) {
            let at = || format!("{words:?}: {call}({arguments}) = {result}");
            match call {
                "execve" => {
                    let program = Path::new(quoted(arguments));
                    let name = program.file_name().unwrap().to_str().unwrap();
                    let ours = program == front || program.starts_with(&bin);
                    assert!(ours && PROGRAMS.contains(&name), "{}", at());
                    ran.insert(name.to_owned());
                }
                // A process that was ended before it could be asked what it calls.
                "???" => {}
                "connect" | "sendto" | "bind" => {
                    let local = arguments.contains("AF_NETLINK") || arguments.contains("<UNIX");
                    panic!("{} (local: {local})", at());
                }
                _ => {
                    let path = opened(result).unwrap_or_else(|| panic!("{}", at()));
                    opens += 1;
                    let writes = ["O_WRONLY", "O_RDWR", "O_CREAT"];
                    let writes = writes.iter().any(|flag| arguments.contains(flag));
                    let below = |directory: &&PathBuf| Path::new(path).starts_with(directory);
                    if writes {
                        let exported = Path::new(path).starts_with(repository_at.join("out"));
                        let may = exported || below(&&home) || below(&&temporary);
                        assert!(may || path == "/dev/null", "{}", at());
                    } else {
                        let system = SYSTEM.iter().any(|start| path.starts_with(start));
                        assert!(
                            system
                                || path == bin.to_str().unwrap()
                                || programs.iter().any(|program| Path::new(path) == program)
                                || may_read.iter().any(below),
                            "{}",
                            at()
                        );
                    }
                }
            }
        }
        assert!(opens > 0, "{words:?}: {trace}");
    }
    assert!(ran.contains("git"), "{ran:?}");
    assert!(!Path::new("/tmp/evil").exists());
}
