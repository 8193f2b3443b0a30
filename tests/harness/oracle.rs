//! Programs of ours around the engines of others, which judge clusters: a question a line, an answer a
//! line. docs/oracles.md has the forms.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use netpol::policy::CiliumVersion;
use serde_json::Value;

use super::{Outside, Skip, Unprovided, provided, skip};

/// One such program, while it runs. It ends when its stdin closes.
pub(crate) struct Oracle {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    fn start(program: &PathBuf) -> Self {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("running {}: {error}", program.display()));
        let questions = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, questions, answers }
    }

    /// What it says of a cluster, or why it cannot.
    ///
    /// # Panics
    /// If it says nothing.
    pub(crate) fn ask(&mut self, question: &Value) -> Result<Value, String> {
        let questions = self.questions.as_mut().expect("a pipe");
        writeln!(questions, "{question}").expect("it takes the question");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        let answer: Value = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("{error} in {line:?} to {question}"));
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer),
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        self.questions = None;
        let _ = self.child.wait();
    }
}

/// The policy engine of a version of Cilium; a test that gets none has said so and returns.
///
/// # Panics
/// If building it went wrong.
pub(crate) fn cilium_oracle(version: CiliumVersion) -> Result<Oracle, Skip> {
    static SHARED: [OnceLock<Result<PathBuf, Unprovided>>; 3] =
        [OnceLock::new(), OnceLock::new(), OnceLock::new()];
    let index = match version {
        CiliumVersion::V1_18 => 0,
        CiliumVersion::V1_19 => 1,
        CiliumVersion::V1_20 => 2,
    };
    oracle("oracle-cilium", &format!("oracle-cilium {version}"), &SHARED[index])
}

/// The policy engine of kube-network-policies; a test that gets none has said so and returns.
///
/// # Panics
/// If building it went wrong.
pub(crate) fn kube_network_policies_oracle() -> Result<Oracle, Skip> {
    static SHARED: OnceLock<Result<PathBuf, Unprovided>> = OnceLock::new();
    let name = "oracle-kube-network-policies";
    oracle(name, name, &SHARED)
}

fn oracle(
    program: &str,
    task: &str,
    shared: &OnceLock<Result<PathBuf, Unprovided>>,
) -> Result<Oracle, Skip> {
    match shared.get_or_init(|| provided(task).map(|directory| directory.join(program))) {
        Ok(program) => Ok(Oracle::start(program)),
        Err(Unprovided::Cannot(why)) => Err(skip(Outside::Oracle, why)),
        Err(Unprovided::Broken(why)) => panic!("{why}"),
    }
}
