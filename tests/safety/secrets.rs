//! Nothing secret is told, by any command at any level of `-v`.

use super::{LIVE, at, server};
use crate::run::{FRONT, Run, command, netpol, run};
use std::fs;
use std::path::Path;

/// All that is planted begins so.
const PLANTED: &str = "planted-";

/// Every level, or the ones between which something changes.
const LEVELS: [&str; 5] = ["0", "1", "4", "7", "9"];

fn tells_nothing(run: &Run, words: &[&str]) {
    for text in [&run.stdout, &run.stderr] {
        let line = text.lines().find(|line| line.contains(PLANTED));
        assert!(line.is_none(), "{words:?}: {line:?}");
    }
}

/// Runs a command in an environment with secrets of its own.
fn surrounded(words: &[&str], kubeconfig: &Path) -> Run {
    let mut command = command(FRONT, words);
    command.env("KUBECONFIG", kubeconfig);
    command.env("SOME_TOKEN", "planted-variable");
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
        command.env(name, "http://me:planted-proxy@127.0.0.1:1");
    }
    run(&mut command, b"")
}

#[test]
fn no_command_tells_a_secret() {
    let (server, url) = server();
    let secret = url.replace("//", "//me:planted-address@");
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = directory.path().join("config");
    fs::write(&kubeconfig, "").unwrap();
    for (_, words) in LIVE {
        for level in LEVELS {
            let mut words = at(&secret, words);
            let last = words.pop().unwrap();
            words.extend(["--token", "planted-token", "-v", level, last]);
            // `--server` stands before the address.
            if last == secret {
                let flag = words.iter().rposition(|word| *word == "--server").unwrap();
                words.remove(flag);
                words.insert(words.len() - 1, "--server");
            }
            let run = surrounded(&words, &kubeconfig);
            assert!(run.code != 2, "{words:?}: {run:?}");
            assert!(!server.asked().is_empty(), "{words:?}: {run:?}");
            tells_nothing(&run, &words);
        }
    }
}

/// Whatever is wrong with a kubeconfig, its secrets are not in the sentence.
#[test]
fn no_error_tells_a_secret() {
    let (_server, url) = server();
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = directory.path().join("config");
    let login = directory.path().join("login");
    let script =
        "#!/bin/sh\necho 'cannot reach https://me:planted-stderr@login.example/' >&2\nexit 1\n";
    fs::write(&login, script).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&login, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let exec = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: {}, interactiveMode: Never, \
         env: [{{name: A, value: planted-exec-variable}}]}}}}",
        login.display()
    );
    let (at, gone) = (url.clone(), "https://me:planted-address@127.0.0.1:1".to_owned());
    for (server, cluster, user) in [
        (&at, "", "{token: \"planted-token\\n\"}".to_owned()),
        (&at, "", "{username: me, password: \"planted-password\\n\"}".to_owned()),
        (&at, "", exec),
        (
            &gone,
            "",
            "{client-certificate-data: cGxhbnRlZC0=, client-key-data: planted-key}".to_owned(),
        ),
        (
            &gone,
            "",
            "{client-certificate-data: planted-certificate, client-key-data: cGxhbnRlZC0=}"
                .to_owned(),
        ),
        (&gone, ", certificate-authority-data: planted-authority", "{}".to_owned()),
        (&gone, ", proxy-url: 'ftp://me:planted-proxy@p'", "{}".to_owned()),
        (&gone, ", proxy-url: 'http://me:planted-proxy@127.0.0.1:1'", "{}".to_owned()),
        (&gone, "", "{token: [planted-token]}".to_owned()),
        (&"https://me:planted address@host".to_owned(), "", "{}".to_owned()),
        (&"https://me:planted-address@".to_owned(), "", "{}".to_owned()),
    ] {
        let text = format!(
            "current-context: a\n\
             contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n\
             clusters: [{{name: a, cluster: {{server: '{server}'{cluster}}}}}]\n\
             users: [{{name: a, user: {user}}}]\n"
        );
        fs::write(&kubeconfig, text).unwrap();
        for level in LEVELS {
            let words = ["list", "-v", level];
            let run = surrounded(&words, &kubeconfig);
            tells_nothing(&run, &[server, cluster, &user, level]);
        }
    }
}

/// Of a Secret nothing but that it is there matters, and of a pod's variables nothing at all; broken
/// documents are not quoted either.
#[test]
fn no_manifest_s_secret_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.yaml");
    let pods = "\
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: x, annotations: {a: planted-annotation}}
spec: {containers: [{name: c, env: [{name: E, value: planted-pod-variable}]}]}
---
apiVersion: v1
kind: Secret
metadata: {name: s, namespace: x}
stringData: {a: planted-secret}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: x}
spec: {podSelector: {}}
---
";
    for broken in [
        "kind: Secret\nstringData: {a: [planted-secret\n",
        "kind: Secret\nstringData: {a: planted-secret, planted-secret\n",
        "kind: Secret\ndata:\n  a: planted-secret\n b: planted-secret\n",
        "kind: Secret\ndata: !!binary planted-secret\n  x\n",
        "apiVersion: v1\nkind: Secret\nmetadata: planted-secret\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s, labels: planted-secret}\ndata: *planted-secret\n",
        "{\"kind\": \"Secret\", \"data\": {\"a\": \"planted-secret\"",
    ] {
        fs::write(&file, format!("{pods}{broken}")).unwrap();
        let path = file.to_str().unwrap();
        for words in [
            &["list", "-f", path][..],
            &["list", "-f", path, "-o", "json", "--strict"],
            &["summary", "-f", path, "-o", "wide"],
            &["explain", "-f", path, "-n", "x", "a", "10.0.0.1", "-o", "wide"],
            &["explain", "-f", path, "-n", "x", "10.0.0.1", "a", "-o", "yaml"],
            &["diff", path, "examples/homekube"],
        ] {
            for level in LEVELS {
                let words = [words, &["-v", level]].concat();
                tells_nothing(&netpol(&words), &[words[0], broken]);
            }
        }
    }
}

/// Addresses that are named on the command line, in Git and in kustomizations.
#[test]
fn no_address_s_password_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let base = "resources: ['https://me:planted-base@example.invalid/x']\n";
    fs::write(directory.path().join("kustomization.yaml"), base).unwrap();
    let path = directory.path().to_str().unwrap();
    for words in [
        &["list", "-f", "https://me:planted-address@example.com/x.yaml"][..],
        &["list", "-k", path],
        &["list", "-k", path, "--pull"],
        &["list", "-k", "https://me:planted-address@example.com/x"],
        &[
            "observe",
            "-f",
            "examples/homekube",
            "--hubble-server",
            "tls://me:planted-address@127.0.0.1:1",
        ],
    ] {
        let run = netpol(words);
        assert_eq!(run.code, 2, "{run:?}");
        tells_nothing(&run, words);
    }
}
