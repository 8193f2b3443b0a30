//! Outside programs: the one place that finds and starts them, with a time limit and bounded output.
//!
//! In: a [`Program`] and its arguments, never a shell. Out: what it wrote and how it ended, or why it
//! could not be run to its end. Its stdin has what it is given and then ends, so it cannot wait for
//! anyone; what it finds in its environment is a matter of which program it is.

mod home;
mod program;

pub(crate) use home::Home;
pub(crate) use program::find_on;
pub use program::{Program, directories, find, find_all, named};

use crate::address::without_user;
use netpol::printable::printable;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Of stderr only so much is kept: it goes into an error message.
const MAX_STDERR: u64 = 64 * 1024;

/// More memory no program needs that is run for an answer.
#[cfg(target_os = "linux")]
const MOST_MEMORY: u64 = 8 << 30;

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
    /// Set whatever its surroundings have.
    pub environment: &'a [(&'a str, &'a str)],
    /// What it reads from stdin.
    pub input: Vec<u8>,
    /// Where it runs, if not where we do.
    pub directory: Option<&'a Path>,
}

/// Runs a program to its end. A failure that it reports itself is an [`Output`] like any other.
pub fn run<I>(
    program: Program,
    path: &Path,
    arguments: I,
    given: Given<'_>,
    limits: Limits,
) -> Result<Output, Error>
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    let failed = |source| Error::Run { program: path.to_owned(), source };
    let Given { environment, input, directory } = given;
    let (mut command, _home) = program.command(path).map_err(failed)?;
    if let Some(directory) = directory {
        command.current_dir(directory);
    }
    command
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(failed)?;
    bound(&child, limits);
    if let Some(mut stdin) = child.stdin.take() {
        // It may write before it has read all, so both go on at once. That it reads no more of
        // its input is its own choice.
        thread::spawn(move || drop(stdin.write_all(&input)));
    }
    let result = finish(&mut child, path, limits);
    if result.is_err() {
        // Whatever it has started itself ends with it. Until it is waited for, its id is its own.
        kill_group(&child);
        let _ = child.kill();
        let _ = child.wait();
    }
    result
}

/// Starts a program whose output is read as it comes. It is in our own process group, so that Ctrl-C
/// ends it with us; whoever started it ends it.
pub fn start<I>(program: Program, path: &Path, arguments: I) -> std::io::Result<Child>
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    let (mut command, _) = program.command(path)?;
    let command = command.args(arguments).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
}

/// Runs a program in our place, with our terminal; `None` for its exit code where it has none. On Unix
/// this returns only where it could not be started.
pub fn become_program<I>(
    program: Program,
    path: &Path,
    arguments: I,
    environment: &[(&str, &OsStr)],
) -> std::io::Result<Option<i32>>
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    let (mut command, _) = program.command(path)?;
    command.args(arguments).envs(environment.iter().copied());
    #[cfg(unix)]
    return Err(std::os::unix::process::CommandExt::exec(&mut command));
    #[cfg(not(unix))]
    return Ok(command.status()?.code());
}

/// Has a file opened with the program that its user has for such files, and does not wait for it;
/// `false` where there is nobody to ask, or nothing to show it on.
pub fn open(file: &Path) -> std::io::Result<bool> {
    let name = match std::env::consts::OS {
        "macos" => "open",
        "windows" => "explorer.exe",
        _ => "xdg-open",
    };
    let is_set = |name| std::env::var_os(name).is_some_and(|set| !set.is_empty());
    let shown = name != "xdg-open" || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
    let Some(path) = find(name).filter(|_| shown) else { return Ok(false) };
    let (mut command, _) = Program::Opener.command(&path)?;
    command.arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Ctrl-C here is not for the browser.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().map(|_| true)
}

/// What a program may use: no more processor time than it has time, no file larger than its output,
/// no core dump, and an honest share of memory. Only Linux sets limits of another process.
#[cfg(target_os = "linux")]
fn bound(child: &Child, limits: Limits) {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return };
    let most = |limit| Rlimit { current: Some(limit), maximum: Some(limit) };
    // Programs in Go compute on several cores at once.
    let seconds = limits.time.as_secs().saturating_mul(8).max(8);
    for (resource, limit) in [
        (Resource::Cpu, seconds),
        (Resource::Fsize, limits.output.max(1 << 30)),
        (Resource::Data, MOST_MEMORY),
        (Resource::Core, 0),
    ] {
        // One that has ended already needs none.
        let _ = prlimit(Some(pid), resource, most(limit));
    }
}

#[cfg(not(target_os = "linux"))]
fn bound(_: &Child, _: Limits) {}

#[cfg(unix)]
fn kill_group(child: &Child) {
    use rustix::process::{Pid, Signal, kill_process_group};
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // Mostly nobody is left.
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

#[cfg(not(unix))]
fn kill_group(_: &Child) {}

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
        .map(|line| printable(&without_user(line.trim_end())).into_owned())
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
        let limits = Limits { time, output };
        run(Program::Hubble, Path::new("/bin/sh"), ["-c", script], Given::default(), limits)
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
        let run = |script: [&str; 2], given| {
            run(Program::Hubble, Path::new("/bin/sh"), script, given, limits).unwrap()
        };
        let output = run(script, given.clone());
        assert_eq!(output.stdout, [b"hello".as_slice(), &input].concat());
        let output = run(["-c", "exit 3"], given);
        assert_eq!(output.status.code(), Some(3));
        let given = Given { directory: Some(Path::new("/")), ..Given::default() };
        let output = run(["-c", "pwd"], given);
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
        let limits = Limits { time: minute, output: 1 };
        let missing = run(Program::Git, Path::new("/no/such"), [""; 0], Given::default(), limits);
        assert!(missing.unwrap_err().to_string().starts_with("cannot run /no/such: "));
    }

    /// A grandchild that closed the pipes is no longer there when the time is up.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_whole_group_ends() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pid");
        let script = format!("sleep 30 >&- 2>&- & echo $! > {}; sleep 30", file.display());
        let short = Duration::from_millis(300);
        assert!(matches!(sh(&script, short, 9), Err(Error::TimedOut { .. })));
        let pid = std::fs::read_to_string(&file).unwrap();
        let stat = std::path::PathBuf::from(format!("/proc/{}/stat", pid.trim()));
        let alive = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
        let deadline = Instant::now() + Duration::from_secs(10);
        while alive() {
            assert!(Instant::now() < deadline, "it is still there");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// They are set just after it has started, so it waits a moment.
    #[cfg(target_os = "linux")]
    #[test]
    fn it_has_limits() {
        let output = sh("sleep 0.3; ulimit -c; ulimit -t", Duration::from_mins(1), 100).unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "0\n480\n");
    }
}
