//! Commands in the documentation and in tests/regressions, run and compared: every ```` ```console ````
//! block.
//!
//! A command that has helm or kustomize run gets the real helm, and is left out where they cannot be had.
//!
//! A line `$ kubectl netpol …` is run with our binary in the project's directory, or in that of the
//! regression; what follows up to the next `$` is what stdout and then stderr must say, and a last line
//! `? N` the exit code (0 when it is not there). `NETPOL_TRANSCRIPTS=overwrite` writes down what was
//! said instead; read it.

use crate::harness::{Outside, root, skip, with_helm};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The environment in which the documentation was written.
const COLUMNS: &str = "80";

#[test]
fn every_console_block_says_what_the_program_says() {
    let mut files = vec![root().join("README.md")];
    for directory in ["docs", "tests/transcripts"] {
        files.extend(markdown_in(&root().join(directory)));
    }
    let commands = hold(&files, |_| root());
    assert!(commands > 0, "no command found in the documentation");
}

/// Faults of the past: tests/regressions/README.md says how a case is made.
#[test]
fn every_regression_is_answered_rightly() {
    let entries = std::fs::read_dir(root().join("tests/regressions")).unwrap();
    let cases = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let mut files: Vec<PathBuf> = cases.map(|case| case.join("case.md")).collect();
    files.sort();
    for file in &files {
        let text = std::fs::read_to_string(file)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let titled = text.starts_with("# ") && text.contains("\n$ kubectl netpol ");
        assert!(titled, "{}: a case has a heading and a command", file.display());
    }
    let commands = hold(&files, |file| file.parent().unwrap());
    assert!(commands >= files.len() && !files.is_empty(), "{commands} in {files:?}");
}

/// Runs the commands of these files, each in the directory for it, and compares; gives back how many.
fn hold<'a>(files: &'a [PathBuf], directory: impl Fn(&'a Path) -> &'a Path) -> usize {
    let overwrite = std::env::var("NETPOL_TRANSCRIPTS").is_ok_and(|word| word == "overwrite");
    let (mut run, mut differing) = (0, Vec::new());
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        let (rewritten, commands) = replay(directory(file), &text);
        run += commands;
        if rewritten == text {
            continue;
        }
        if overwrite {
            std::fs::write(file, rewritten).unwrap();
        } else {
            let name = file.strip_prefix(root()).unwrap().display().to_string();
            differing.push(format!("{name}:\n{}", difference(&text, &rewritten)));
        }
    }
    assert!(
        differing.is_empty(),
        "what is written down differs from the program (- written, + program):\n{}",
        differing.join("\n")
    );
    run
}

fn markdown_in(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    files.sort();
    files
}

/// The text with every answer replaced by the real one, and how many commands were run.
fn replay(root: &Path, text: &str) -> (String, usize) {
    let mut out = String::new();
    let mut commands = 0;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        if line != "```console" {
            continue;
        }
        while let Some(line) = lines.next_if(|line| *line != "```") {
            let Some(command) = line.strip_prefix("$ ") else { continue };
            let mut command = command.to_owned();
            let _ = writeln!(out, "$ {command}");
            while command.ends_with('\\') {
                command.pop();
                let more = lines.next().unwrap_or_default();
                let _ = writeln!(out, "{more}");
                command.push_str(more.trim_start_matches("> "));
            }
            let written = {
                let mut written = String::new();
                while let Some(line) =
                    lines.next_if(|line| *line != "```" && !line.starts_with("$ "))
                {
                    written.push_str(line);
                    written.push('\n');
                }
                written
            };
            out.push_str(&answer(root, &command).unwrap_or(written));
            commands += 1;
        }
    }
    (out, commands)
}

/// The words of a command line as a shell has them: in quotes, spaces belong to a word.
pub(crate) fn words(line: &str) -> Vec<String> {
    let (mut words, mut quote) = (Vec::new(), None);
    let mut word: Option<String> = None;
    for char in line.chars() {
        match (quote, char) {
            (Some(open), _) if char == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            (None, _) if char.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(char),
        }
    }
    assert_eq!(quote, None, "{line:?}: an open quote");
    words.extend(word);
    words
}

/// The programs that a command needs besides ours, as a `PATH`; `None`: they cannot be had.
fn programs(command: &str) -> Option<OsString> {
    let ours = std::env::var_os("PATH").unwrap_or_default();
    if !["flux:", "helm:", "kustomize:"].iter().any(|name| command.contains(name)) {
        return Some(ours);
    }
    if ["kubectl", "kustomize"].iter().all(|name| which::which(name).is_err()) {
        let _ = skip(Outside::ControlPlane, "neither kubectl nor kustomize is on PATH");
        return None;
    }
    with_helm().ok()
}

/// What it says; `None`: it cannot be run here.
fn answer(root: &Path, command: &str) -> Option<String> {
    let path = programs(command)?;
    let arguments = command.strip_prefix("kubectl netpol");
    let arguments =
        arguments.unwrap_or_else(|| panic!("{command:?}: only `kubectl netpol …` is run"));
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-netpol"))
        .args(words(arguments))
        .current_dir(root)
        .env("COLUMNS", COLUMNS)
        .env("NO_COLOR", "1")
        .env("KUBECONFIG", "/dev/null")
        .env("HOME", "/nonexistent")
        .env("PATH", path)
        .env_remove("XDG_CACHE_HOME")
        .output()
        .unwrap();
    let mut text = String::from_utf8(output.stdout).unwrap();
    text.push_str(&String::from_utf8(output.stderr).unwrap());
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    match output.status.code() {
        Some(0) => {}
        Some(code) => {
            let _ = writeln!(text, "? {code}");
        }
        None => text.push_str("? killed\n"),
    }
    Some(text)
}

fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    let first = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let last = old[first..]
        .iter()
        .rev()
        .zip(new[first..].iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let mut shown = format!("@@ line {}\n", first + 1);
    for line in &old[first..old.len() - last] {
        let _ = writeln!(shown, "- {line}");
    }
    for line in &new[first..new.len() - last] {
        let _ = writeln!(shown, "+ {line}");
    }
    shown
}
