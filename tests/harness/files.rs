//! A throw-away directory of files, which may be a Git repository.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::run::{FRONT, Run, command, run};

/// The directory; it goes when this is dropped.
pub(crate) struct Files(tempfile::TempDir);

impl Files {
    /// Writes these files, each with its path and text.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let all = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            all.write(name, text);
        }
        all
    }

    /// A path in it; it itself for an empty name.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.0.path().to_owned() } else { self.0.path().join(name) }
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The text of a file; empty where there is none.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Runs git in it.
    pub(crate) fn git(&self, words: &[&str]) {
        self.git_in("", words);
    }

    /// Runs git in a directory of it.
    pub(crate) fn git_in(&self, directory: &str, words: &[&str]) {
        let output = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
            .args(words)
            .current_dir(self.path(directory))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Makes a repository of it, with all files in one commit on `main`.
    pub(crate) fn commit_all(&self, directory: &str) {
        if !self.path(directory).join(".git").exists() {
            self.git_in(directory, &["init", "--quiet", "--initial-branch=main"]);
        }
        self.git_in(directory, &["add", "."]);
        self.git_in(directory, &["commit", "--quiet", "-m", "x"]);
    }

    /// Runs our binary in it.
    pub(crate) fn run(&self, words: &[&str]) -> Run {
        let mut command = command(FRONT, words);
        run(command.current_dir(self.path("")), b"")
    }

    /// Everything that a command says, without its line breaks, and its exit code.
    pub(crate) fn said(&self, words: &[&str]) -> String {
        let Run { stdout, stderr, code } = self.run(words);
        let all = format!("{stdout} {stderr} ({code})");
        all.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}
