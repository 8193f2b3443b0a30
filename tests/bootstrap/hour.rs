//! A first hour with the tool, on a terminal of 80 columns that `script` provides.
//!
//! In: a cluster of its own with a shop in it. Out: what stands on the terminal in the end, compared with
//! `tests/transcripts/terminal/first-hour.txt`; `NETPOL_TRANSCRIPTS=overwrite` records it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use super::connection::Own;
use crate::harness::{Outside, control_plane, root, skip};

const WIDTH: usize = 80;

const SHOP: &str = "\
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: monitoring}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: monitoring}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  automountServiceAccountToken: false
  containers: [{name: web, image: x, ports: [{name: http, containerPort: 8080}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec:
  automountServiceAccountToken: false
  containers: [{name: db, image: x, ports: [{name: sql, containerPort: 5432}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: prometheus, namespace: monitoring, labels: {app: prometheus}}
spec:
  automountServiceAccountToken: false
  containers: [{name: prometheus, image: x, ports: [{name: http, containerPort: 9090}]}]
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {selector: {app: db}, ports: [{port: 5432}]}
";

const FLOWS: &str = "\
time,source,destination,port,verdict
2026-01-31T12:00:00Z,shop/web,shop/db,5432,allowed
2026-01-31T12:00:05Z,monitoring/prometheus,shop/web,8080,allowed
";

/// What is typed, in turn, and what is answered where it asks.
const TYPED: &[(&str, &str)] = &[
    ("kubectl netpol bootstrap shop --dry-run=server", ""),
    ("kubectl netpol bootstrap shop", "n\n"),
    ("kubectl netpol bootstrap shop --learn --input-file flows.csv -o name", ""),
    ("kubectl netpol bootstrap shop --allow-same-namespace", "a\n"),
    ("kubectl netpol explain -n shop pod/web pod/db:5432", ""),
    ("kubectl netpol explain monitoring/pod/prometheus shop/pod/web:8080", ""),
    ("kubectl netpol observe --input-file flows.csv --summary", ""),
    ("kubectl netpol bootstrap shop --prune", "y\n"),
    ("kubectl netpol explain monitoring/pod/prometheus shop/pod/web:8080", ""),
    ("kubectl netpol bootstrap shop --remove", ""),
];

/// The lines that a terminal has in the end: a line that is drawn again counts once.
fn on_screen(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    let mut chars = text.chars().peekable();
    let mut back = false;
    while let Some(one) = chars.next() {
        match one {
            '\n' => {
                lines.push(std::mem::take(&mut line));
                back = false;
            }
            '\r' => back = true,
            '\u{1b}' => {
                let mut code = String::new();
                for next in chars.by_ref() {
                    code.push(next);
                    if next.is_ascii_alphabetic() {
                        break;
                    }
                }
                if code.ends_with('K') {
                    line.clear();
                }
            }
            one => {
                if std::mem::take(&mut back) {
                    line.clear();
                }
                line.push(one);
            }
        }
    }
    lines.push(line);
    // How long ago it was is no part of the answer.
    for line in &mut lines {
        if let Some((before, rest)) = line.split_once("kubectl-netpol ")
            && let Some((_, after)) = rest.split_once("s ago")
        {
            *line = format!("{before}kubectl-netpol 1s ago{after}");
        }
    }
    lines.iter().flat_map(|line| [line.trim_end(), "\n"]).collect::<String>().trim_end().to_owned()
        + "\n"
}

/// Runs a line on a terminal and answers as soon as it asks.
fn typed(own: &Own<'_>, directory: &Path, line: &str, answer: &str) -> (String, i32) {
    let mut command = super::plugin(own.kubectl());
    let path = command.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, path)| path);
    let path = path.unwrap().to_owned();
    command = Command::new("script");
    let line = format!("stty cols {WIDTH} rows 40; {line}");
    let mut child = command
        .args(["-qec", &line, "/dev/null"])
        .current_dir(directory)
        .env("PATH", path)
        .env("KUBECONFIG", own.kubeconfig())
        .env("TERM", "xterm")
        .env_remove("COLUMNS")
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take();
    let mut stdout = child.stdout.take().unwrap();
    let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let read = stdout.read(&mut buffer).unwrap();
        if read == 0 {
            break;
        }
        all.extend(&buffer[..read]);
        let seen = String::from_utf8_lossy(&all);
        if seen.contains("[y/N") && seen.ends_with(") ") || seen.ends_with("[y/N] ") {
            stdin.as_mut().unwrap().write_all(answer.as_bytes()).unwrap();
        }
    }
    let code = child.wait().unwrap().code().unwrap();
    (on_screen(&String::from_utf8(all).unwrap()), code)
}

#[test]
fn a_first_hour() {
    let Ok(cluster) = control_plane() else { return };
    let version = Command::new("script").arg("--version").output();
    // Others of that name have other flags.
    if !version.is_ok_and(|it| String::from_utf8_lossy(&it.stdout).contains("util-linux")) {
        let _ = skip(Outside::Script, "no terminal without the script of util-linux");
        return;
    }
    let own = Own::start(cluster);
    own.apply(SHOP);
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("flows.csv"), FLOWS).unwrap();
    let mut seen = String::new();
    for (line, answer) in TYPED {
        let (screen, code) = typed(&own, directory.path(), line, answer);
        for shown in screen.lines() {
            // A name is not broken.
            let fits = shown.chars().count() <= WIDTH || !shown.trim().contains(' ');
            assert!(fits, "{line}: wider than the terminal: {shown:?}");
        }
        seen.extend(["$ ", line, "\n", &screen]);
        if code != 0 {
            seen.extend(["[", &code.to_string(), "]\n"]);
        }
        seen.push('\n');
    }
    let file = root().join("tests/transcripts/terminal/first-hour.txt");
    if std::env::var("NETPOL_TRANSCRIPTS").is_ok_and(|it| it == "overwrite") {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &seen).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(seen, expected);
}
