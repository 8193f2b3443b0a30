//! Exit codes, flags, and the binaries beside one another.

use super::{is_error, over_pods};
use crate::harness::root;
use crate::run::{FRONT, command, netpol, run};
use std::fs;
use std::io::Read;
use std::process::Stdio;

const ALONE: &str = env!("CARGO_BIN_EXE_kubectl-netpol-explain");

/// Contracts: `explain` 0 allowed, 1 denied, 2 error, 3 unknown.
#[test]
fn exit_codes() {
    for (words, code) in [
        (&["b", "a", "--port", "80"][..], 0),
        (&["a", "b", "--port", "80"], 1),
        (&["a", "nobody"], 2),
        (&["a", "c", "--port", "80"], 3),
        (&["a", "c", "--port", "80", "--pod-cidr", "10.0.0.0/16"], 0),
        (&["a", "c", "--port", "80", "--pod-cidr", "192.168.0.0/16"], 1),
        (&["a", "b", "--nonsense"], 2),
        (&["--schema"], 0),
        (&["--help"], 0),
        (&["--version"], 0),
    ] {
        assert_eq!(over_pods(words).code, code, "{words:?}");
    }
}

/// Contracts: flags may stand before or after the subcommand and its arguments.
#[test]
fn flags_before_and_after() {
    let after = netpol(&[
        "explain",
        "deploy/grafana",
        "prometheus",
        "-f",
        "examples/homekube",
        "-n",
        "monitoring",
    ]);
    let before = netpol(&[
        "-n",
        "monitoring",
        "explain",
        "-f",
        "examples/homekube",
        "deploy/grafana",
        "prometheus",
    ]);
    let between = netpol(&[
        "--color=never",
        "explain",
        "deploy/grafana",
        "-n=monitoring",
        "-f=examples/homekube",
        "prometheus",
    ]);
    assert_eq!(after.code, 1, "{after:?}");
    assert!(
        after.stdout.contains("monitoring/deploy/grafana → monitoring/sts/prometheus"),
        "{after:?}"
    );
    assert_eq!(before.stdout, after.stdout);
    assert_eq!(between.stdout, after.stdout);
}

/// `kubectl-netpol-explain` is `kubectl-netpol explain`.
#[test]
fn the_single_plugin_answers_alike() {
    let base = [
        "-f",
        "examples/homekube",
        "-n",
        "monitoring",
        "deploy/grafana",
        "http://keycloak.identity/",
    ];
    let forms: [&[&str]; 7] = [
        &base,
        &["-o", "wide"],
        &["-o", "json"],
        &["-o", "yaml"],
        &["--suggest"],
        &["--color=always"],
        &["--help"],
    ];
    for form in forms {
        let words = if form == base { base.to_vec() } else { [&base[..], form].concat() };
        let alone = run(&mut command(ALONE, &words), b"");
        let front = netpol(&[&["explain"][..], &words].concat());
        assert_eq!(
            (alone.code, alone.stdout, alone.stderr),
            (front.code, front.stdout, front.stderr),
            "{words:?}"
        );
    }
}

#[test]
fn unknown_commands_are_one_sentence() {
    let unknown = netpol(&["frobnicate", "x"]);
    is_error(&unknown, &["unknown command \"frobnicate\"; see kubectl netpol --help"]);
    is_error(&netpol(&["explian"]), &["unknown command \"explian\", did you mean explain?"]);
    // What others have as commands are none to ask for help about.
    for words in [&["help"][..], &["help", "help"], &["help", "version"]] {
        let help = netpol(words);
        assert_eq!((help.code, &*help.stdout), (0, &*netpol(&["--help"]).stdout), "{words:?}");
    }
    let version = netpol(&["version"]);
    assert_eq!((version.code, &*version.stdout), (0, &*netpol(&["--version"]).stdout));
    // Nothing beside the binary is reached by a path.
    is_error(&netpol(&["../../../bin/true"]), &["unknown command"]);
}

#[test]
fn a_file_behind_with_is_one_for_f() {
    let run = netpol(&["explain", "a", "b", "--with", "new.yaml"]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("tip: --with takes no file: give '-f new.yaml --with'"), "{run:?}");
}

#[test]
fn no_command_is_help_and_an_error() {
    let run = netpol(&[]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("Usage:"), "{run:?}");
}

/// Design: unknown subcommands run `kubectl-netpol-WORD` beside the real path of the binary.
///
/// Nothing here is opened for writing by this process: a child that another test starts meanwhile
/// would hold it open, and what is open for writing cannot be run.
#[cfg(unix)]
#[test]
fn a_sibling_beside_the_real_binary_is_run() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (real, links) = (directory.path().join("real"), directory.path().join("links"));
    fs::create_dir(&real).unwrap();
    fs::create_dir(&links).unwrap();
    fs::hard_link(FRONT, real.join("kubectl-netpol")).unwrap();
    let script = real.join("kubectl-netpol-hello");
    let write = ["-c", "cat > \"$1\" && chmod +x \"$1\"", "sh", super::name(&script)];
    let written = run(&mut command("sh", &write), b"#!/bin/sh\necho \"hello $*\"\nexit 7\n");
    assert_eq!(written.code, 0, "{written:?}");
    let link = links.join("kubectl-netpol");
    std::os::unix::fs::symlink(real.join("kubectl-netpol"), &link).unwrap();
    for program in [real.join("kubectl-netpol"), link] {
        let done = run(&mut command(program.to_str().unwrap(), &["hello", "-f", "x y"]), b"");
        assert_eq!((done.code, done.stdout.as_str()), (7, "hello -f x y\n"), "{done:?}");
    }
}

/// What the reader of a pipe does changes no exit code: neither one that reads nothing nor one that goes
/// in the middle of an answer.
#[test]
fn a_closed_pipe_changes_no_exit_code() {
    // More than a pipe holds, so that the program is still writing when the reader goes.
    let pod = |i| {
        format!(
            "---\n{{apiVersion: v1, kind: Pod, metadata: {{name: p{i}, labels: {{n: \"{i}\"}}}}, \
             spec: {{containers: [{{ports: [{{containerPort: 80}}, {{containerPort: 81}}]}}]}}}}\n"
        )
    };
    let pods: Vec<String> = (0..40).map(pod).collect();
    let pods = pods.concat();
    let (_directory, path) = super::with_file("pods.yaml", &pods);
    let closed = "---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: d}, \
                  spec: {podSelector: {}}}\n";
    let (_directory, denied) = super::with_file("pods.yaml", pods + closed);
    let (open, denied) = (super::name(&path), super::name(&denied));
    let flows = root().join("examples/flows/homekube.jsonl");
    let flows = super::name(&flows);
    let known = "examples/homekube";
    for words in [
        &["explain", "-o", "json", "-f", open, "ns/default", "ns/default"][..],
        &["explain", "-o", "json", "-f", denied, "ns/default", "ns/default"],
        &["explain", "-f", denied, "p1", "p2"],
        &["diff", "-o", "json", open, denied],
        &["diff", open, denied],
        &["diff", open, open],
        &["list", "--by", "pod", "-f", open],
        &["list", "-o", "csv", "-f", known],
        &["summary", "-f", known, "-o", "yaml"],
        &["observe", "-f", known, "--input-file", flows],
        &["observe", "-f", known, "--input-file", flows, "--summary"],
        &["bootstrap", "x", "--dns", "namespace", "--dry-run=client", "-o", "yaml"],
        &["doctor"],
        &["list", "--schema"],
        &["list", "--help"],
        &["completion", "bash"],
        &["list", "-f", "/nonexistent"],
    ] {
        let whole = netpol(words);
        for read in [0, 1, 16] {
            let mut child = command(FRONT, words)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut stdout = child.stdout.take().unwrap();
            let mut some = vec![0; read.min(whole.stdout.len())];
            stdout.read_exact(&mut some).unwrap();
            drop(stdout);
            let output = child.wait_with_output().unwrap();
            assert_eq!(
                (output.status.code(), &*String::from_utf8_lossy(&output.stderr)),
                (Some(whole.code), &*whole.stderr),
                "{words:?}, {read} bytes read"
            );
        }
    }
    let codes =
        [netpol(&["explain", "-f", denied, "p1", "p2"]).code, netpol(&["diff", open, denied]).code];
    assert_eq!(codes, [1, 1]);
}

#[test]
fn help_names_the_plugin_as_kubectl_does() {
    let run = netpol(&["explain", "--help"]);
    assert!(run.stdout.contains("kubectl netpol explain SOURCE DESTINATION"), "{}", run.stdout);
    assert!(!run.stdout.contains("kubectl-netpol"), "{}", run.stdout);
}

/// The project's root is where the other tests run; an answer does not depend on it.
#[test]
fn paths_are_of_the_working_directory() {
    let mut elsewhere =
        command(FRONT, &["explain", "-f", "homekube", "default/whoami", "identity/keycloak:8080"]);
    elsewhere.current_dir(root().join("examples"));
    let run = run(&mut elsewhere, b"");
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stdout.contains("homekube/identity/network-policies.yaml:"), "{run:?}");
}

/// Every command says in one line what it is for, shows examples and names its exit codes.
#[test]
fn help_has_a_purpose_examples_and_exit_codes() {
    let front = netpol(&["--help"]).stdout;
    let (_, commands) = front.split_once("Commands:\n").unwrap();
    let (commands, _) = commands.split_once("\n\n").unwrap();
    // A name stands at the second column; what goes on from the line above does not.
    let names: Vec<&str> = commands
        .lines()
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.len() >= 7, "{names:?}");
    for name in names {
        let help = netpol(&[name, "--help"]);
        assert_eq!(help.code, 0, "{help:?}");
        for part in ["\nUsage: kubectl netpol ", "\nExamples:\n", "\nExit codes:\n  0 ", "2 error"]
        {
            assert!(help.stdout.contains(part), "{name}: {part:?}");
        }
        let (purpose, _) = help.stdout.split_once("\n\n").unwrap();
        let one_sentence = !purpose.ends_with('.') && purpose.len() < 160;
        assert!(one_sentence, "{name}: {purpose:?}");
    }
}

/// Flags of input are declared once, so that they say the same of every command that has them.
#[test]
fn flags_of_input_say_the_same_everywhere() {
    let page = |name: &str| fs::read_to_string(format!("man/kubectl-netpol-{name}.1")).unwrap();
    let said = |page: &str, flag: &str| {
        let at = page.lines().position(|line| line.contains(&format!("\\fB{flag}\\fR")))?;
        page.lines().nth(at + 1).map(ToOwned::to_owned)
    };
    let explain = page("explain");
    for flag in ["\\-f", "\\-k", "\\-\\-strict", "\\-\\-enforcer", "\\-\\-pod\\-cidr"] {
        let expected = said(&explain, flag);
        assert!(expected.is_some(), "{flag}");
        for command in ["bootstrap", "diff", "list", "observe", "summary"] {
            let own = said(&page(command), flag);
            // Over the live cluster instead of in its place.
            let other = command == "diff" && matches!(flag, "\\-f" | "\\-k");
            assert_eq!(own == expected, !other, "{command} {flag}: {own:?}");
        }
    }
}
