//! The programs of others that tests run, in one table: which of them a test may go without, and when.
//!
//! A test whose program cannot be had passes, but says on the real stderr that it was left out and
//! why; `cargo test` captures what a passing test prints, but not this. With `NETPOL_TESTS_MUST_RUN=1`,
//! as in `.ci/run`, a test that binds fails instead.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Something that tests run and that is not part of this project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outside {
    /// etcd, kube-apiserver and kubectl.
    ControlPlane,
    /// The Flux CLI, and the kinds of its controllers.
    Flux,
    /// flate.
    Flate,
    /// Files of Go modules: the kinds of Cilium.
    GoModule,
    /// The Helm CLI.
    Helm,
    /// Hubble's CLI.
    Hubble,
    /// krew, and the validator of its index.
    Krew,
    /// Programs of ours around the engines of others: tests/oracles.
    Oracle,
    /// `script` of util-linux, which gives a program a terminal.
    Script,
    /// A shell that may read its completions, but whose absence is no failure anywhere.
    Shell,
    /// `strace`, which shows what a program asks of the kernel; and a machine that lets it.
    Strace,
    /// Node.js with npm, and the packages that map/package-lock.json pins.
    Node,
    /// A Chromium.
    Browser,
    /// A table of verdicts or other input that the caller may lend.
    Lent,
}

/// When a test that needs it may not be left out although every test must run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Binds {
    /// Where Go is, since it is built or fetched from what tests/tools pins.
    WithGo,
    /// The same, on Unix only.
    WithGoOnUnix,
    /// Where npm is, which fetches the packages.
    WithNpm,
    /// Nowhere: a machine has it or not.
    Nowhere,
}

impl Outside {
    const fn binds(self) -> Binds {
        match self {
            Self::ControlPlane | Self::Flux => Binds::WithGoOnUnix,
            Self::Flate
            | Self::GoModule
            | Self::Helm
            | Self::Hubble
            | Self::Krew
            | Self::Oracle => Binds::WithGo,
            Self::Node => Binds::WithNpm,
            Self::Browser | Self::Script | Self::Shell | Self::Strace | Self::Lent => {
                Binds::Nowhere
            }
        }
    }

    /// Whether this machine, as it is, must have it.
    fn must_be_here(self) -> bool {
        let go = !hermetic() && which::which("go").is_ok();
        match self.binds() {
            Binds::WithGo => go,
            Binds::WithGoOnUnix => go && cfg!(unix),
            Binds::WithNpm => !hermetic() && which::which("npm").is_ok(),
            Binds::Nowhere => false,
        }
    }
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|set| !set.is_empty())
}

/// Whether nothing is to be built or fetched: `NETPOL_TESTS_HERMETIC` is set.
pub(crate) fn hermetic() -> bool {
    is_set("NETPOL_TESTS_HERMETIC")
}

/// The proof that a test said why it does not run; only [`skip`] gives it out.
#[derive(Debug)]
pub(crate) struct Skip(());

/// Says that the current test, or a part of it, does not run, and why.
///
/// # Panics
/// If `NETPOL_TESTS_MUST_RUN` is set and the program binds on this machine.
pub(crate) fn skip(outside: Outside, why: &str) -> Skip {
    static COUNT: AtomicUsize = AtomicUsize::new(1);
    let must_run = is_set("NETPOL_TESTS_MUST_RUN") && outside.must_be_here();
    assert!(!must_run, "cannot run, but NETPOL_TESTS_MUST_RUN is set: {outside:?}: {why}");
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // Not `eprintln!`, which is captured. `.ci/run` finds these lines by their first two words.
    let line = format!("left out ({count} so far): {test}: {why}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
    Skip(())
}
