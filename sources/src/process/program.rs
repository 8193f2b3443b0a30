//! Which programs there are, where they are found, and what each finds in its environment.
//!
//! In: the [`Program`]. Out: its path, and a command to add arguments to.

use super::home::Home;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The programs that may be started. There are no others, and this is the only room that starts any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// git, which reads objects of a repository that is there.
    Git,
    /// kubectl or kustomize, which builds what a directory holds.
    Kustomize {
        /// It may fetch what a kustomization names elsewhere.
        pull: bool,
    },
    /// helm, which makes manifests of a chart.
    Helm {
        /// It may fetch the chart.
        pull: bool,
    },
    /// A program that is asked for its version only.
    Version,
    /// The Flux CLI, which asks the cluster, and builds what a directory holds.
    Flux {
        /// It may fetch what a kustomization names elsewhere.
        pull: bool,
    },
    /// The Hubble CLI, which asks the relay.
    Hubble,
    /// The Cilium CLI, which opens Hubble's UI.
    Cilium,
    /// kubectl, which runs a program in a pod that is there.
    Kubectl,
    /// The credential plugin of a kubeconfig.
    Credentials,
    /// Another command of this suite, in a binary of its own.
    Sibling,
    /// What opens a file with the program that its user has for such files.
    Opener,
}

/// What a program finds in its environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Surroundings {
    /// Ours: it logs in to a cluster as its user does, by whatever variables that takes.
    Ours,
    /// Only these of ours, besides what a process needs to run at all. A name that ends in `*` is a
    /// beginning.
    Only(&'static [&'static str]),
    /// The same, and a home of its own, where it finds nothing and leaves nothing.
    Alone(&'static [&'static str]),
}

/// What any process needs to run, and to say something that can be read.
const ANY: &[&str] = &[
    "LANG",
    "LC_*",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
];

/// Where a repository is, and whose configuration says that it is to be trusted.
const OF_GIT: &[&str] = &[
    "HOME",
    "USERPROFILE",
    "XDG_CONFIG_HOME",
    "GIT_DIR",
    "GIT_COMMON_DIR",
    "GIT_WORK_TREE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
    "GIT_CEILING_DIRECTORIES",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_CONFIG_*",
];

/// The way to the outside, where it was asked for.
const OF_FETCHING: &[&str] = &[
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
];

/// git neither locks nor refreshes, asks nobody, and fetches nothing.
const GIT_READS: &[(&str, &str)] = &[
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_ALLOW_PROTOCOL", ""),
];

/// Nothing gets out: there is no way for git, and the only proxy is nobody.
const OFFLINE: &[(&str, &str)] = &[
    ("GIT_ALLOW_PROTOCOL", ""),
    ("HTTP_PROXY", "http://127.0.0.1:1"),
    ("HTTPS_PROXY", "http://127.0.0.1:1"),
];

/// git fetches what anyone may, and asks nobody for a password.
const PULLING: &[(&str, &str)] =
    &[("GIT_ALLOW_PROTOCOL", "https"), ("GIT_TERMINAL_PROMPT", "0"), ("GIT_CONFIG_NOSYSTEM", "1")];

/// What a base would be fetched with is not for it.
const NO_GIT: &[(&str, &str)] = &[("GIT_ALLOW_PROTOCOL", ""), ("GIT_TERMINAL_PROMPT", "0")];

impl Program {
    /// What it finds in its environment, and what is set there.
    fn surroundings(self) -> (Surroundings, &'static [(&'static str, &'static str)]) {
        match self {
            Self::Git => (Surroundings::Only(OF_GIT), GIT_READS),
            Self::Kustomize { pull: false } | Self::Helm { pull: false } => {
                (Surroundings::Alone(&[]), OFFLINE)
            }
            Self::Helm { pull: true } => (Surroundings::Alone(OF_FETCHING), NO_GIT),
            Self::Kustomize { pull: true } => (Surroundings::Alone(OF_FETCHING), PULLING),
            Self::Version => (Surroundings::Alone(&[]), NO_GIT),
            Self::Flux { pull: false } => (Surroundings::Ours, NO_GIT),
            Self::Flux { pull: true } => (Surroundings::Ours, PULLING),
            Self::Hubble
            | Self::Cilium
            | Self::Kubectl
            | Self::Credentials
            | Self::Sibling
            | Self::Opener => (Surroundings::Ours, &[]),
        }
    }

    /// A command for it, and its home where it has one of its own, which must live as long as it
    /// runs.
    pub(super) fn command(self, path: &Path) -> io::Result<(Command, Option<Home>)> {
        let mut command = Command::new(path);
        let (surroundings, set) = self.surroundings();
        let (passed, home) = match surroundings {
            Surroundings::Ours => (None, None),
            Surroundings::Only(passed) => (Some(passed), None),
            Surroundings::Alone(passed) => (Some(passed), Some(Home::new()?)),
        };
        let searched = match self {
            // What it would run is what it would fetch with.
            Self::Kustomize { pull: false } | Self::Helm { .. } => {
                home.as_ref().map(|home| home.path().into())
            }
            _ => searched(),
        };
        if let Some(passed) = passed {
            command.env_clear();
            let ours = std::env::vars_os();
            command.envs(ours.filter(|(name, _)| is_among(name, ANY) || is_among(name, passed)));
        }
        match searched {
            Some(searched) => command.env("PATH", searched),
            // An empty one would mean the working directory.
            None => command.env_remove("PATH"),
        };
        command.envs(set.iter().copied());
        if let Some(home) = &home {
            for name in ["HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP"] {
                command.env(name, home.path());
            }
        }
        Ok((command, home))
    }

    /// The same for a runtime that waits for it, which is for those that log in.
    pub(crate) fn awaited(self, path: &Path) -> io::Result<tokio::process::Command> {
        Ok(self.command(path)?.0.into())
    }
}

fn is_among(name: &OsStr, list: &[&str]) -> bool {
    let Some(name) = name.to_str() else { return false };
    // Windows does not tell the case of names apart.
    let same = |a: &str, b: &str| if cfg!(windows) { a.eq_ignore_ascii_case(b) } else { a == b };
    list.iter().any(|known| match known.strip_suffix('*') {
        Some(beginning) => name.get(..beginning.len()).is_some_and(|start| same(start, beginning)),
        None => same(name, known),
    })
}

/// The directories of `PATH`. An empty entry and a relative one mean the working directory, or what is
/// below it, which a stranger may have written: no program is looked for there.
pub fn directories() -> Vec<PathBuf> {
    absolute(std::env::var_os("PATH").as_deref())
}

fn absolute(path: Option<&OsStr>) -> Vec<PathBuf> {
    let entries = path.map(|path| std::env::split_paths(path).collect()).unwrap_or_default();
    Vec::into_iter(entries).filter(|entry: &PathBuf| entry.is_absolute()).collect()
}

fn searched() -> Option<OsString> {
    joined(directories())
}

fn joined(directories: Vec<PathBuf>) -> Option<OsString> {
    let some = !directories.is_empty();
    std::env::join_paths(directories).ok().filter(|_| some)
}

/// Finds a program by its name on `PATH`.
pub fn find(name: &str) -> Option<PathBuf> {
    find_on(name, std::env::var_os("PATH").as_deref())
}

/// The same on a `PATH` that is given.
pub(crate) fn find_on(name: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    // A name with a separator would be a path from where we are.
    let plain = Path::new(name).file_name() == Some(OsStr::new(name));
    let path = joined(absolute(path)).filter(|_| plain)?;
    which::which_in(name, Some(path), "/").ok()
}

/// Every program of the name, in the order in which they are found.
pub fn find_all(name: &str) -> Vec<PathBuf> {
    let Some(path) = searched() else { return Vec::new() };
    which::which_in_all(name, Some(path), "/").into_iter().flatten().collect()
}

/// A program that somebody named by its path; a name alone means no other program than it seems.
pub fn named(path: &OsStr) -> Result<PathBuf, which::Error> {
    which::which_in(path, None::<OsString>, ".")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn program(path: &Path) {
        std::fs::write(path, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Go's `exec.LookPath` refuses these too. Source: <https://go.dev/blog/path-security>
    #[test]
    fn the_working_directory_is_never_searched() {
        let directory = tempfile::tempdir().unwrap();
        let here = std::env::current_dir().unwrap();
        let up = "../".repeat(here.iter().count());
        let relative = format!("{up}{}", directory.path().strip_prefix("/").unwrap().display());
        program(&directory.path().join("tool"));
        assert!(Path::new(&relative).join("tool").is_file());
        let found = |path: &str| find_on("tool", Some(OsStr::new(path)));
        for path in ["", ":", ".", "./", &relative, &format!("{relative}:/nonexistent")] {
            assert_eq!(found(path), None, "{path}");
        }
        let absolute = format!(".::{relative}:{}", directory.path().display());
        assert_eq!(found(&absolute), Some(directory.path().join("tool")));
        let below = format!("{}/tool", directory.path().display());
        assert_eq!(find_on(&below, Some(OsStr::new("/bin"))), None);
        assert_eq!(find_on("./tool", Some(directory.path().as_os_str())), None);
    }

    #[test]
    fn what_each_finds() {
        let names = |program: Program| {
            let (command, home) = program.command(Path::new("/x")).unwrap();
            let set: Vec<(String, String)> = command
                .get_envs()
                .filter_map(|(name, value)| {
                    let text = |text: &OsStr| text.to_string_lossy().into_owned();
                    Some((text(name), text(value?)))
                })
                .collect();
            (set, home)
        };
        let (offline, home) = names(Program::Kustomize { pull: false });
        let place = home.as_ref().unwrap().path().to_string_lossy().into_owned();
        let value = |set: &[(String, String)], name: &str| {
            set.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        for name in ["HOME", "PATH", "TMPDIR"] {
            assert_eq!(value(&offline, name).as_deref(), Some(&*place), "{name}");
        }
        assert_eq!(value(&offline, "GIT_ALLOW_PROTOCOL").as_deref(), Some(""));
        let (pulling, _home) = names(Program::Kustomize { pull: true });
        assert_eq!(value(&pulling, "GIT_ALLOW_PROTOCOL").as_deref(), Some("https"));
        let (git, none) = names(Program::Git);
        assert_eq!(value(&git, "GIT_ALLOW_PROTOCOL").as_deref(), Some(""));
        assert!(none.is_none());
        for secret in ["SSH_AUTH_SOCK", "GIT_ASKPASS", "AWS_SECRET_ACCESS_KEY", "KUBECONFIG"] {
            for list in [ANY, OF_GIT, OF_FETCHING] {
                assert!(!is_among(OsStr::new(secret), list), "{secret}");
            }
        }
        assert!(is_among(OsStr::new("GIT_CONFIG_KEY_0"), OF_GIT));
        drop(home);
        assert!(!Path::new(&place).exists());
    }

    /// Everything that is started is started here.
    #[test]
    fn nobody_else_starts_programs() {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut directories = vec![top.join("src"), top.join("sources/src"), top.join("plugins")];
        let mut read = 0;
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                // Tests run what they like.
                let product = text.split("#[cfg(test)]").next().unwrap();
                let product = product.split("#[cfg(all(test").next().unwrap();
                let is_test = path.iter().any(|part| part == "tests" || part == "tests.rs");
                let here = path.ends_with("sources/src/process/program.rs");
                for word in ["Command::new", "which::", "fork("] {
                    assert!(
                        is_test || here || !product.contains(word),
                        "{}: {word}",
                        path.display()
                    );
                }
                read += 1;
            }
        }
        assert!(read > 200, "{read}");
    }
}
