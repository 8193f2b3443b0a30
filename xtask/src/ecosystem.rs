//! What two builds answer on real inputs, side by side: every command that only reads, as text and as
//! JSON, over directories of manifests.
//!
//! In: two programs and directories. Out: a unified diff for each answer that is not the same, and how
//! many there are. Only a difference counts: what both refuse in the same words is the same answer.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::child::{self, Limits};
use crate::progress;
use crate::tools::workspace;

/// Directories whose members are compared where none is given.
const DEFAULT: [&str; 2] = ["examples", "tests/regressions"];

/// How many flows of a directory are explained, each in both directions.
const EXPLAINED: usize = 4;

/// How much an answer may have.
const MOST_BYTES: u64 = 1 << 30;

/// An address that no one has (RFC 5737), for whoever is outside.
const OUTSIDE: &str = "203.0.113.250";

/// Flags of `cargo xtask ecosystem`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The program as it was.
    #[arg(long, value_name = "BINARY")]
    old: PathBuf,

    /// The program as it is.
    #[arg(long, value_name = "BINARY")]
    new: PathBuf,

    /// How long one command may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    limit: u64,

    /// How many lines of a difference are shown.
    #[arg(long, value_name = "LINES", default_value_t = 40)]
    lines: usize,

    /// Directories of manifests (default: those in examples/ and tests/regressions/).
    #[arg(value_name = "DIR")]
    directories: Vec<PathBuf>,
}

/// What came of it.
pub(crate) struct Compared {
    /// The differences, and a last line that counts.
    pub(crate) text: String,
    /// Whether there is none.
    pub(crate) same: bool,
}

/// Runs everything twice and compares.
pub(crate) fn run(options: &Options) -> Result<Compared> {
    let [old, new] = [&options.old, &options.new].map(|binary| program(binary));
    let (old, new) = (old?, new?);
    let directories = if options.directories.is_empty() {
        let members = DEFAULT.map(|parent| members(&workspace().join(parent)));
        members.into_iter().collect::<Result<Vec<_>>>()?.concat()
    } else {
        let absolute = options.directories.iter().map(std::path::absolute);
        absolute.collect::<Result<Vec<_>, _>>().context("finding the directories")?
    };
    let scratch = Scratch::new(Duration::from_secs(options.limit))?;
    let (mut text, mut differing, mut answers) = (String::new(), 0, 0);
    for (i, directory) in directories.iter().enumerate() {
        progress(&format!("{} of {}: {}", i + 1, directories.len(), directory.display()));
        let next = directories.get(i + 1).filter(|next| next.parent() == directory.parent());
        for words in questions(&scratch, &old, directory, next.map(PathBuf::as_path))? {
            for format in [&[][..], &["-o", "json"]] {
                let words: Vec<&str> =
                    words.iter().map(String::as_str).chain(format.iter().copied()).collect();
                answers += 1;
                let [before, after] = [scratch.ask(&old, &words)?, scratch.ask(&new, &words)?];
                if before != after {
                    differing += 1;
                    let diff = scratch.difference(&before, &after, options.lines)?;
                    let _ = write!(text, "$ kubectl netpol {}\n{diff}\n", words.join(" "));
                }
            }
        }
    }
    let _ =
        write!(text, "{differing} of {answers} answers differ; directories: {}", directories.len());
    Ok(Compared { text, same: differing == 0 })
}

fn program(path: &Path) -> Result<PathBuf> {
    let path = fs::canonicalize(path).with_context(|| format!("finding {}", path.display()))?;
    ensure!(path.is_file(), "{} is no program", path.display());
    Ok(path)
}

/// The directories in a directory, by name.
fn members(parent: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(parent).with_context(|| format!("reading {}", parent.display()))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let paths = paths.collect::<Result<Vec<_>, _>>();
    let mut paths = paths.with_context(|| format!("reading {}", parent.display()))?;
    paths.retain(|path| path.is_dir());
    paths.sort();
    Ok(paths)
}

/// The commands that a directory is asked, without their format.
fn questions(
    scratch: &Scratch,
    old: &Path,
    directory: &Path,
    next: Option<&Path>,
) -> Result<Vec<Vec<String>>> {
    let text = |path: &Path| path.display().to_string();
    let this = text(directory);
    let mut all = Vec::new();
    let mut add = |words: &[&str]| all.push(words.iter().map(|&word| word.to_owned()).collect());
    for flag in ["-f", "-k"] {
        if flag == "-k" && !directory.join("kustomization.yaml").is_file() {
            continue;
        }
        add(&["list", flag, &this]);
        add(&["list", "--exposed", flag, &this]);
        add(&["summary", flag, &this]);
    }
    let (before, after) = (text(&directory.join("old")), text(&directory.join("new")));
    if directory.join("old").is_dir() && directory.join("new").is_dir() {
        add(&["diff", &before, &after]);
    }
    if let Some(next) = next {
        add(&["diff", &this, &text(next)]);
    }
    let empty = text(&scratch.empty());
    add(&["diff", &this, &empty]);
    add(&["diff", &empty, &this]);
    for (from, to) in flows(&scratch.ask(old, &["list", "-f", &this, "-o", "csv"])?) {
        add(&["explain", "-f", &this, &from, &to]);
        add(&["explain", "-f", &this, &to, &from]);
    }
    Ok(all)
}

/// Some flows of a list, spread over it. Its ends are those of `explain`, but for whoever may be anyone.
fn flows(csv: &str) -> Vec<(String, String)> {
    let end = |word: &str| match word {
        "anyone" | "outside" | "everyone in the cluster" => Some(OUTSIDE.to_owned()),
        word => (!word.contains(char::is_whitespace)).then(|| word.to_owned()),
    };
    // The first two columns; a name in quotes is none that can be asked about.
    let row = |line: &str| {
        let mut columns = line.split(',');
        let (from, to) = (columns.next()?, columns.next()?);
        (!from.contains('"') && !to.contains('"') && from != to)
            .then(|| Some((end(from)?, end(to)?)))?
    };
    // Each pair once, whichever way.
    let mut seen = BTreeSet::new();
    let mut new = |(from, to): &(String, String)| {
        seen.insert((from.clone().min(to.clone()), from.clone().max(to.clone())))
    };
    let rows: Vec<_> = csv.lines().skip(1).filter_map(row).filter(|row| new(row)).collect();
    let apart = (rows.len() / EXPLAINED).max(1);
    rows.into_iter().step_by(apart).take(EXPLAINED).collect()
}

/// A directory for what has to lie in files, and how long a command may take.
struct Scratch {
    directory: tempfile::TempDir,
    limits: Limits,
}

impl Scratch {
    fn new(time: Duration) -> Result<Self> {
        let directory = tempfile::tempdir().context("making a directory")?;
        let scratch = Self { directory, limits: Limits { time, bytes: MOST_BYTES } };
        fs::create_dir(scratch.empty())
            .and_then(|()| {
                let list = "{apiVersion: v1, kind: List, items: []}\n";
                fs::write(scratch.empty().join("empty.yaml"), list)
            })
            .context("writing an empty cluster")?;
        Ok(scratch)
    }

    /// Manifests of nothing.
    fn empty(&self) -> PathBuf {
        self.directory.path().join("empty")
    }

    /// Everything that a command says: stdout, stderr, and how it ends.
    fn ask(&self, program: &Path, words: &[&str]) -> Result<String> {
        let path = |name| self.directory.path().join(name);
        let create = |name| File::create(path(name)).with_context(|| format!("creating {name}"));
        let mut child = Command::new(program)
            .args(words)
            .current_dir(workspace())
            .env("KUBECONFIG", "/dev/null")
            .env("HOME", "/nonexistent")
            .env("COLUMNS", "100")
            .env("NO_COLOR", "1")
            .env_remove("KUBERNETES_SERVICE_HOST")
            .stdin(Stdio::null())
            .stdout(create("stdout")?)
            .stderr(create("stderr")?)
            .spawn()
            .with_context(|| format!("running {}", program.display()))?;
        let end = child::wait(&mut child, self.limits, &[&path("stdout"), &path("stderr")])?;
        let read = |name| {
            let bytes = fs::read(path(name)).with_context(|| format!("reading {name}"))?;
            anyhow::Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        Ok(format!("{}{}[{end}]\n", read("stdout")?, read("stderr")?))
    }

    /// The real git's unified diff, cut off after so many lines.
    fn difference(&self, old: &str, new: &str, most: usize) -> Result<String> {
        for (name, text) in [("old", old), ("new", new)] {
            let path = self.directory.path().join(name);
            fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        }
        let output = Command::new("git")
            .args(["diff", "--no-index", "--no-color", "--unified=2", "old", "new"])
            .current_dir(self.directory.path())
            .output()
            .context("running git diff")?;
        let said = String::from_utf8_lossy(&output.stdout);
        // git's own words about files that are none of the reader's.
        let mut lines = said.lines().skip_while(|line| !line.starts_with("@@"));
        let mut shown: Vec<&str> = lines.by_ref().take(most).collect();
        let more = format!("… {} more lines", lines.clone().count());
        if lines.next().is_some() {
            shown.push(&more);
        }
        Ok(shown.join("\n") + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::flows;

    #[test]
    fn ends_are_taken_from_a_list() {
        let csv = "source,destination,ports\nanyone,a/deploy/b,any port\n\
                   a/deploy/b,a/deploy/b,any port\n\"x,y\",a/deploy/b,80/TCP\n\
                   a/deploy/b,two words,80/TCP\na/deploy/b,outside,\"53/TCP, 53/UDP\"\n";
        let found = flows(csv);
        assert_eq!(found, [("203.0.113.250".to_owned(), "a/deploy/b".to_owned())]);
        assert_eq!(flows(""), []);
    }

    #[test]
    fn few_of_many_flows_are_explained() {
        let rows: Vec<String> = (0..100).map(|i| format!("a,b{i},x")).collect();
        let found = flows(&format!("source,destination\n{}\n", rows.join("\n")));
        let names: Vec<&str> = found.iter().map(|(_, to)| to.as_str()).collect();
        assert_eq!(names, ["b0", "b25", "b50", "b75"]);
    }
}
