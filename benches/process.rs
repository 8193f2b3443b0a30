//! Whole processes, from start to exit: `cargo bench --bench process`.

use std::path::Path;
use std::process::{Command, Stdio};

fn main() {
    divan::main();
}

fn run(arguments: &[&str]) -> Option<i32> {
    let status = Command::new(env!("CARGO_BIN_EXE_kubectl-netpol"))
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .env("KUBECONFIG", "/dev/null")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.expect("the binary starts").code()
}

/// Starting any process at all, to compare with.
#[divan::bench]
fn nothing() {
    let status = Command::new("true").status().expect("true starts");
    assert!(status.success());
}

#[divan::bench]
fn help() {
    assert_eq!(run(&["--help"]), Some(0));
}

#[divan::bench]
fn explain_homekube() {
    let code = run(&[
        "explain",
        "-f",
        "examples/homekube",
        "-n",
        "monitoring",
        "deploy/grafana",
        "http://keycloak.identity.svc.cluster.local/realms/home",
    ]);
    assert_eq!(code, Some(1));
}

#[divan::bench]
fn summary_homekube() {
    assert_eq!(run(&["summary", "-f", "examples/homekube"]), Some(0));
}

#[divan::bench]
fn list_homekube() {
    assert_eq!(run(&["list", "-f", "examples/homekube"]), Some(0));
}

#[divan::bench]
fn diff_homekube() {
    assert_eq!(run(&["diff", "examples/homekube", "examples/homekube-fixed"]), Some(1));
}
