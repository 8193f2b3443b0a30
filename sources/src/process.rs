//! Outside programs, run with a time limit and bounded output.
//!
//! In: a program and its arguments, never a shell. Out: what it wrote and how it ended, or why it
//! could not be run to its end. Its stdin has what it is given and then ends, so it cannot wait for
//! anyone.

use netpol::printable::printable;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Of stderr only so much is kept: it goes into an error message.
const MAX_STDERR: u64 = 64 * 1024;

/// How long to wait for a program, and how much of its output to take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// It is killed after this time.
    pub time: Duration,
    /// It is killed when it writes more bytes than this.
    pub output: u64,
}

/// What a program wrote and how it ended.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to stdout.
    pub stdout: Vec<u8>,
    /// What it wrote to stderr, line by line fit to be shown; the beginning if it was long.
    pub stderr: String,
}

/// Why a program was not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be started, or its output not be read.
    #[error("cannot run {}: {source}", printable(&program.to_string_lossy()))]
    Run {
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It took too long.
    #[error("{} was stopped: it did not end within {} s", printable(&program.to_string_lossy()), time.as_secs())]
    TimedOut {
        /// The program.
        program: PathBuf,
        /// The limit.
        time: Duration,
    },
    /// It wrote too much.
    #[error("{} was stopped: it wrote more than {limit} bytes", printable(&program.to_string_lossy()))]
    TooMuch {
        /// The program.
        program: PathBuf,
        /// The limit.
        limit: u64,
    },
}

/// What a program finds when it starts.
#[derive(Clone, Debug, Default)]
pub struct Given<'a> {
    /// Added to our own environment.
    pub environment: &'a [(&'a str, &'a str)],
    /// What it reads from stdin.
    pub input: Vec<u8>,
    /// Where it runs, if not where we do.
    pub directory: Option<&'a Path>,
}

/// Runs a program to its end. A failure that it reports itself is an [`Output`] like any other.
pub fn run<I>(program: &Path, arguments: I, limits: Limits) -> Result<Output, Error>
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    run_with(program, arguments, Given::default(), limits)
}

/// Runs a program with an environment and an input to its end.
pub fn run_with<I>(
    program: &Path,
    arguments: I,
    given: Given<'_>,
    limits: Limits,
) -> Result<Output, Error>
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    let failed = |source| Error::Run { program: program.to_owned(), source };
    let Given { environment, input, directory } = given;
    let mut command = Command::new(program);
    if let Some(directory) = directory {
        command.current_dir(directory);
    }
    let mut child = command
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // It may write before it has read all, so both go on at once. That it reads no more of
        // its input is its own choice.
        thread::spawn(move || drop(stdin.write_all(&input)));
    }
    let result = finish(&mut child, program, limits);
    if result.is_err() {
        // Its own children may live on and hold the pipes; the readers are left to end with them.
        let _ = child.kill();
        let _ = child.wait();
    }
    result
}

fn finish(child: &mut Child, program: &Path, limits: Limits) -> Result<Output, Error> {
    let failed = |source| Error::Run { program: program.to_owned(), source };
    let timed_out = || Error::TimedOut { program: program.to_owned(), time: limits.time };
    let deadline = Instant::now() + limits.time;
    let stdout = read_in_background(child.stdout.take(), limits.output.saturating_add(1), false);
    let stderr = read_in_background(child.stderr.take(), MAX_STDERR, true);
    let receive = |from: &Receiver<std::io::Result<Vec<u8>>>| {
        let left = deadline.saturating_duration_since(Instant::now());
        match from.recv_timeout(left) {
            Ok(read) => read.map_err(failed),
            Err(RecvTimeoutError::Timeout) => Err(timed_out()),
            Err(RecvTimeoutError::Disconnected) => Ok(Vec::new()),
        }
    };
    let stdout = receive(&stdout)?;
    if stdout.len() as u64 > limits.output {
        return Err(Error::TooMuch { program: program.to_owned(), limit: limits.output });
    }
    let stderr = receive(&stderr)?;
    let mut pause = Duration::from_millis(1);
    let status = loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
        if Instant::now() >= deadline {
            return Err(timed_out());
        }
        // Both pipes are closed, so it is about to end.
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    };
    let lines: Vec<_> = String::from_utf8_lossy(&stderr)
        .lines()
        .map(|line| printable(line.trim_end()).into_owned())
        .collect();
    Ok(Output { status, stdout, stderr: lines.join("\n") })
}

/// Reads up to `limit` bytes; with `drain` the rest is read too and thrown away, so that the
/// program is not held up.
fn read_in_background<R: Read + Send + 'static>(
    pipe: Option<R>,
    limit: u64,
    drain: bool,
) -> Receiver<std::io::Result<Vec<u8>>> {
    let (done, result) = channel();
    if let Some(mut pipe) = pipe {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let mut read = pipe.by_ref().take(limit).read_to_end(&mut bytes).map(|_| ());
            if drain && read.is_ok() {
                read = std::io::copy(&mut pipe, &mut std::io::sink()).map(|_| ());
            }
            // Nobody listens any more once the time is up.
            let _ = done.send(read.map(|()| bytes));
        });
    }
    result
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(script: &str, time: Duration, output: u64) -> Result<Output, Error> {
        run(Path::new("/bin/sh"), ["-c", script], Limits { time, output })
    }

    #[test]
    fn what_it_writes_and_how_it_ends() {
        let minute = Duration::from_mins(1);
        let output = sh("cat; printf out; printf 'a\\033[1mb\\nc' >&2; exit 3", minute, 100);
        let output = output.unwrap();
        assert_eq!((output.stdout.as_slice(), output.status.code()), (&b"out"[..], Some(3)));
        assert_eq!(output.stderr, "a\\u{1b}[1mb\nc");
        let long = sh("yes | head -c 1000000 >&2; printf done", minute, 100).unwrap();
        assert_eq!(long.stdout, b"done");
        assert!(long.stderr.len() as u64 <= MAX_STDERR);
    }

    #[test]
    fn what_it_is_given() {
        let limits = Limits { time: Duration::from_mins(1), output: 1 << 22 };
        let input = vec![b'x'; 1 << 20];
        let environment = [("GREETING", "hello")];
        let given = Given { environment: &environment, input: input.clone(), directory: None };
        let script = ["-c", "printf $GREETING; cat"];
        let output = run_with(Path::new("/bin/sh"), script, given.clone(), limits).unwrap();
        assert_eq!(output.stdout, [b"hello".as_slice(), &input].concat());
        let output = run_with(Path::new("/bin/sh"), ["-c", "exit 3"], given, limits).unwrap();
        assert_eq!(output.status.code(), Some(3));
        let given = Given { directory: Some(Path::new("/")), ..Given::default() };
        let output = run_with(Path::new("/bin/sh"), ["-c", "pwd"], given, limits).unwrap();
        assert_eq!(output.stdout, b"/\n");
    }

    #[test]
    fn limits_hold_even_for_what_it_leaves_behind() {
        let minute = Duration::from_mins(1);
        assert!(matches!(sh("yes", minute, 1000), Err(Error::TooMuch { .. })));
        let start = Instant::now();
        let short = Duration::from_millis(100);
        assert!(matches!(sh("sleep 20 & sleep 20", short, 1000), Err(Error::TimedOut { .. })));
        assert!(matches!(sh("exec >&- 2>&-; sleep 20", short, 9), Err(Error::TimedOut { .. })));
        assert!(start.elapsed() < Duration::from_secs(10));
        let missing = run(Path::new("/no/such"), [""; 0], Limits { time: minute, output: 1 });
        assert!(missing.unwrap_err().to_string().starts_with("cannot run /no/such: "));
    }
}
