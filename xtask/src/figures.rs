//! What commands take: processor time, memory and time by the clock, of builds in turn.
//!
//! In: programs, the first of which is asked for everything; how often. Out: a table, and every single run as a
//! line of a file, so that figures of docs/performance.md can be looked at again. Inputs are made once, in
//! `target/figures`. GNU `time` counts for each process alone.

use crate::gen_cluster::manifests::write;
use crate::gen_cluster::shapes::{Case, Shape};
use crate::progress;
use crate::tools::workspace;
use anyhow::{Context as _, Result, bail, ensure};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Arguments of `figures`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A build of kubectl-netpol; more than one are run in turn
    #[arg(long, value_name = "BINARY", required = true)]
    program: Vec<PathBuf>,

    /// Another program that lists all connections: its name, `=`, and its words, with {dir} for the manifests
    #[arg(long, value_name = "NAME=WORDS")]
    beside: Vec<String>,

    /// Only commands or inputs with this in their line
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,

    /// How often each is run
    #[arg(long, value_name = "N", default_value_t = 3)]
    runs: usize,

    /// How long one run may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    limit: u64,

    /// File that every run is added to, as tab-separated values
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Cluster sizes and shapes, by what they are called; as in the benchmarks.
const INPUTS: [(&str, Shape, usize); 9] = [
    ("micro-1000", Shape::Micro, 1_000),
    ("micro-10000", Shape::Micro, 10_000),
    ("openshift-1000", Shape::Openshift, 1_000),
    ("openshift-10000", Shape::Openshift, 10_000),
    ("monolith-1000", Shape::Monolith, 1_000),
    ("monolith-10000", Shape::Monolith, 10_000),
    ("kano-1000", Shape::Kano, 1_000),
    ("kano-10000", Shape::Kano, 10_000),
    ("largest-150000", Shape::Largest, 150_000),
];

/// What is asked of each of them, `{dir}` being its manifests.
const QUESTIONS: [&[&str]; 4] = [
    &["summary", "-f", "{dir}"],
    &["list", "--exposed", "-f", "{dir}"],
    &["list", "-o", "csv", "-f", "{dir}"],
    &["diff", "{dir}", "{dir}"],
];

/// How long whoever waits for nothing else gives a program to end after it was told to.
const GRACE: &str = "5";

/// With which `timeout` says that it ended a program.
const TIMED_OUT: i32 = 124;

/// What one run took.
struct Run {
    wall: f64,
    user: f64,
    system: f64,
    kilobytes: u64,
    code: i32,
}

/// One question to one program.
struct Question {
    input: &'static str,
    /// What the program is called in the table.
    name: String,
    program: String,
    words: Vec<String>,
    /// Its words as they are shown, without the path of what is read.
    shown: String,
}

/// Runs everything and says what it took.
pub(crate) fn run(options: &Options) -> Result<String> {
    let time = which::which("time").context("GNU time is needed (Debian: time)")?;
    let timeout = which::which("timeout").context("coreutils' timeout is needed")?;
    let mut out = match &options.out {
        Some(path) => Some(opened(path)?),
        None => None,
    };
    let mut table = format!(
        "{:<16} {:<46} {:<14} {:>9} {:>9} {:>8} {:>8}\n",
        "INPUT", "COMMAND", "PROGRAM", "CPU LEAST", "MEDIAN", "WALL", "MB"
    );
    for (input, shape, pods) in INPUTS {
        let wanted =
            |words: &[&str]| format!("{input} {}", words.join(" ")).contains(&options.only);
        let asked: Vec<&[&str]> = QUESTIONS.into_iter().filter(|words| wanted(words)).collect();
        if asked.is_empty() {
            continue;
        }
        let directory = made(input, Case { shape, pods })?;
        for words in asked {
            let mut questions = Vec::new();
            for program in &options.program {
                let program = program.display().to_string();
                let name = program.rsplit('/').next().unwrap_or(&program).to_owned();
                questions.push(question(input, &name, &program, words, &directory));
            }
            ask(&questions, options, [&time, &timeout], &mut out, &mut table)?;
        }
        let mut questions = Vec::new();
        for other in &options.beside {
            let (name, words) = other.split_once('=').context("--beside is NAME=WORDS")?;
            let words: Vec<&str> = words.split_whitespace().collect();
            let (program, words) = words.split_first().context("--beside is NAME=WORDS")?;
            questions.push(question(input, name, program, words, &directory));
        }
        ask(&questions, options, [&time, &timeout], &mut out, &mut table)?;
    }
    // A table without a row would look as if all of it had been measured.
    ensure!(
        table.lines().count() > 1,
        "nothing has {:?} in its line; leave --only out",
        options.only
    );
    Ok(table.trim_end().to_owned())
}

/// The manifests of an input, which are made where they are not there.
fn made(input: &str, case: Case) -> Result<PathBuf> {
    let directory = workspace().join("target/figures").join(input);
    if !directory.exists() {
        progress(&format!("making {input}"));
        // Under its name only once it is whole.
        let unfinished = directory.with_extension("unfinished");
        let _ = fs::remove_dir_all(&unfinished);
        fs::create_dir_all(&unfinished).context("making a directory in target/figures")?;
        write(case, 42, false, &unfinished).with_context(|| format!("making {input}"))?;
        fs::rename(&unfinished, &directory).with_context(|| format!("making {input}"))?;
    }
    Ok(directory)
}

fn question(
    input: &'static str,
    name: &str,
    program: &str,
    words: &[&str],
    directory: &Path,
) -> Question {
    let directory = directory.display().to_string();
    let shown = words.join(" ").replace("{dir}", input);
    let words = words.iter().map(|word| word.replace("{dir}", &directory)).collect();
    Question { input, name: name.to_owned(), program: program.to_owned(), words, shown }
}

/// Runs questions in turn, as often as is wanted.
fn ask(
    questions: &[Question],
    options: &Options,
    [time, timeout]: [&Path; 2],
    out: &mut Option<File>,
    table: &mut String,
) -> Result<()> {
    let mut taken: Vec<Vec<Run>> = questions.iter().map(|_| Vec::new()).collect();
    for number in 0..options.runs {
        for (question, taken) in questions.iter().zip(&mut taken) {
            // What once took too long does so again.
            if taken.last().is_some_and(|run: &Run| run.code == TIMED_OUT) {
                continue;
            }
            progress(&format!("{}: {}", question.name, question.shown));
            let run = one(question, options.limit, [time, timeout])?;
            if let Some(out) = out {
                let Run { wall, user, system, kilobytes, code } = &run;
                let Question { input, name, shown, .. } = question;
                writeln!(
                    out,
                    "{input}\t{name}\t{shown}\t{number}\t{wall:.2}\t{user:.2}\t{system:.2}\t{kilobytes}\t{code}"
                )
                .context("writing a run")?;
            }
            taken.push(run);
        }
    }
    for (question, mut runs) in questions.iter().zip(taken) {
        runs.sort_by(|a, b| (a.user + a.system).total_cmp(&(b.user + b.system)));
        let (Some(least), Some(median)) = (runs.first(), runs.get(runs.len() / 2)) else {
            continue;
        };
        let most = runs.iter().map(|run| run.kilobytes).max().unwrap_or_default();
        let code = if least.code > 1 { format!(" (exit {})", least.code) } else { String::new() };
        writeln!(
            table,
            "{:<16} {:<46} {:<14} {:>8.2}s {:>8.2}s {:>7.2}s {:>8}{code}",
            question.input,
            question.shown.chars().take(46).collect::<String>(),
            question.name,
            least.user + least.system,
            median.user + median.system,
            median.wall,
            most / 1000,
        )?;
    }
    Ok(())
}

fn one(question: &Question, limit: u64, [time, timeout]: [&Path; 2]) -> Result<Run> {
    let counted = tempfile::NamedTempFile::new().context("making a file")?;
    let status = Command::new(timeout)
        .args(["-k", GRACE, &limit.to_string()])
        .arg(time)
        .args(["-q", "-f", "%e %U %S %M", "-o"])
        .arg(counted.path())
        .arg(&question.program)
        .args(&question.words)
        .current_dir(workspace())
        .env("KUBECONFIG", "/dev/null")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .with_context(|| format!("running {}", question.program))?;
    let text = fs::read_to_string(counted.path()).context("reading what a run took")?;
    let Some(code) = status.code() else { bail!("{} was ended by a signal", question.program) };
    if text.trim().is_empty() {
        // It did not end in time, and what it took is at least this.
        #[expect(clippy::cast_precision_loss, reason = "seconds of a limit")]
        let wall = limit as f64;
        return Ok(Run { wall, user: wall, system: 0.0, kilobytes: 0, code });
    }
    ensure!(code != 127, "{} cannot be run", question.program);
    parsed(&text, code).with_context(|| format!("reading what a run took: {text:?}"))
}

/// What `time` writes: seconds by the clock, of the processor for the program and for the system, and memory.
fn parsed(text: &str, code: i32) -> Option<Run> {
    let mut words = text.split_whitespace();
    let mut next = || words.next()?.parse().ok();
    let (wall, user, system) = (next()?, next()?, next()?);
    let kilobytes = words.next()?.parse().ok()?;
    Some(Run { wall, user, system, kilobytes, code })
}

/// The file of runs, with a head if it is new: what the columns are, and on what machine.
fn opened(path: &Path) -> Result<File> {
    let new = !path.exists();
    let file = File::options().create(true).append(true).open(path);
    let mut file = file.with_context(|| format!("opening {}", path.display()))?;
    if new {
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let models = processors.lines().filter_map(|line| line.strip_prefix("model name"));
        let models: Vec<&str> =
            models.map(|line| line.trim_start_matches([' ', '\t', ':'])).collect();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let memory =
            memory.lines().next().unwrap_or_default().split_whitespace().nth(1).unwrap_or("?");
        writeln!(file, "# {} x {}, {memory} kB", models.len(), models.first().unwrap_or(&"?"))
            .and_then(|()| {
                writeln!(
                    file,
                    "input\tprogram\tcommand\trun\twall_s\tuser_s\tsystem_s\tpeak_kB\texit"
                )
            })
            .context("writing the head")?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::parsed;

    #[test]
    fn what_time_writes_is_read() {
        let run = parsed("1.25 0.50 0.75 12345\n", 0).unwrap();
        assert!((run.wall - 1.25).abs() < 1e-9 && (run.user + run.system - 1.25).abs() < 1e-9);
        assert_eq!((run.kilobytes, run.code), (12345, 0));
        assert!(parsed("Command exited with non-zero status 1", 1).is_none());
    }
}
