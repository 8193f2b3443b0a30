//! The Go programs that the tests run: built once from pinned sources and kept outside the tree.
//!
//! In: a [`Kit`], one row of a table: the Go module that pins the sources, and the programs to
//! build from it. Out: the directory that holds the programs, ready to run.
//!
//! A further program is a further row of tools/kits.rs, with a module of its own where its requirements
//! disagree with those that are here. One program around several versions has a `NAME.mod` and `NAME.sum`
//! beside `go.mod` for each of the others, and Go files with the build tag NAME. A kit's directory is named by its version and by a digest of all that
//! decides its content, so a change of `go.mod` builds anew and an old checkout finds its own.
//!
//! Some modules do not build as they are published, since files that their releases generate are
//! missing, or do not export what a program of ours is to ask. Such files, or that program, stand in
//! `generated/` beside `go.mod`; the programs are then built in a copy of the module with these files,
//! from the pins of its own `go.mod` and `go.sum`.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, ensure};

use crate::progress;

mod kits;

pub(crate) use kits::*;

/// Files that are put beside those that upstream publishes.
const GENERATED: &str = "generated";

/// Programs that are built from one Go module and live in one directory.
#[derive(Debug)]
pub(crate) struct Kit {
    /// What the directory is called.
    name: &'static str,
    /// The directory of `go.mod` and `go.sum`, or another `.mod` file with a `.sum` beside it, seen from
    /// the workspace.
    module: &'static str,
    /// The required module whose version is the kit's.
    version_of: &'static str,
    /// A variable that names a directory which already holds the programs.
    given_by: Option<&'static str>,
    tools: &'static [Tool],
}

/// One program.
#[derive(Debug)]
struct Tool {
    name: &'static str,
    /// The main package to build.
    package: &'static str,
    /// The module whose version the program reports.
    version_of: &'static str,
    /// Arguments with which it reports that version; none where it reports none.
    probe: &'static [&'static str],
    /// Go variables to set, with `{version}`, `{number}` (without its `v`), `{major}` and `{minor}`
    /// filled in.
    stamps: &'static [&'static str],
}

/// The directory that holds the kit's programs; builds them if nobody has.
pub(crate) fn provide(kit: &Kit) -> Result<PathBuf> {
    if let Some(directory) = given(kit)? {
        return Ok(directory);
    }
    let module = Module::of(kit);
    let pins = Pins::read(&module)?;
    let cache = cache_home()?.join("kubectl-netpol");
    let name = format!("{}-{}-{:016x}", kit.name, pins.version(kit.version_of)?, pins.digest(kit));
    let directory = cache.join(&name);
    if directory.is_dir() {
        return Ok(directory);
    }

    let go = which::which("go").map_err(|_| {
        let instead = kit.given_by.map_or(String::new(), |variable| {
            format!(", or set {variable} to a directory that holds {}", names(kit))
        });
        anyhow!("cannot build {}: no `go` on PATH; install Go{instead}", names(kit))
    })?;
    fs::create_dir_all(&cache).with_context(|| format!("creating {}", cache.display()))?;
    let _lock = lock(&cache.join(format!("{name}.lock")), kit)?;
    if directory.is_dir() {
        return Ok(directory); // Another process built it while this one waited.
    }

    // Built beside and renamed: whoever sees the directory sees all of it.
    let unfinished = cache.join(format!("{name}.unfinished"));
    if unfinished.exists() {
        remove(&unfinished)?;
    }
    fs::create_dir(&unfinished).with_context(|| format!("creating {}", unfinished.display()))?;
    let generated = module.directory.join(GENERATED);
    let sources = cache.join(format!("{name}.sources"));
    let copied = generated.is_dir();
    if copied {
        if sources.exists() {
            remove(&sources)?;
        }
        let published = download(&go, &module.directory, kit.version_of)?;
        copy(&published, &sources)?;
        copy(&generated, &sources)?;
    }
    let built_in = if copied { Module { directory: sources.clone(), other: None } } else { module };
    for tool in kit.tools {
        build(tool, &go, &built_in, pins.version(tool.version_of)?, &unfinished)?;
    }
    if copied {
        remove(&sources)?;
    }
    fs::rename(&unfinished, &directory)
        .with_context(|| format!("renaming {} to {name}", unfinished.display()))?;
    Ok(directory)
}

/// The directory that the environment names, once it is known to hold every program.
fn given(kit: &Kit) -> Result<Option<PathBuf>> {
    let Some(variable) = kit.given_by else {
        return Ok(None);
    };
    let Some(directory) = std::env::var_os(variable).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let directory = std::path::absolute(&directory)
        .with_context(|| format!("reading {variable}={}", directory.display()))?;
    for tool in kit.tools {
        ensure!(
            directory.join(tool.name).is_file(),
            "{variable} is {}, which holds no {}; it must hold {}, or be unset to build them",
            directory.display(),
            tool.name,
            names(kit),
        );
    }
    Ok(Some(directory))
}

/// Holds the file locked until it is dropped; the system lets go if this process dies.
fn lock(path: &Path, kit: &Kit) -> Result<File> {
    let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {
            progress(&format!("{}: waiting for another process that builds it", kit.name));
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("locking {}", path.display()));
        }
    }
    file.lock().with_context(|| format!("locking {}", path.display()))?;
    Ok(file)
}

/// Where a kit's programs are built.
struct Module {
    directory: PathBuf,
    /// The name of the `.mod` file that stands for `go.mod`, and of the build tag that goes with it.
    other: Option<&'static str>,
}

impl Module {
    fn of(kit: &Kit) -> Self {
        let other = kit.module.strip_suffix(".mod").and_then(|file| file.rsplit_once('/'));
        let (directory, other) =
            other.map_or((kit.module, None), |(directory, name)| (directory, Some(name)));
        Self { directory: workspace().join(directory), other }
    }

    fn flags(&self) -> Vec<String> {
        let of = |name: &str| vec![format!("-modfile={name}.mod"), format!("-tags={name}")];
        self.other.map_or_else(Vec::new, of)
    }
}

/// Fetches a required module; its sources as published, checked against `go.sum`.
fn download(go: &Path, module: &Path, path: &str) -> Result<PathBuf> {
    let output = Command::new(go)
        .current_dir(module)
        .args(["mod", "download", "-json", path])
        .env("GOFLAGS", "-mod=readonly")
        .env("GOWORK", "off")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("running {}", go.display()))?;
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let said = answer["Error"].as_str().unwrap_or("Go's own words are above");
    let directory = answer["Dir"].as_str().filter(|_| output.status.success());
    let directory = directory.with_context(|| {
        format!("fetching {path} for {} failed ({}): {said}", module.display(), output.status)
    })?;
    Ok(directory.into())
}

/// Copies the files of a directory and all below into another, over what is there.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("creating {}", to.display()))?;
    let entries = fs::read_dir(from).with_context(|| format!("reading {}", from.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("reading {}", from.display()))?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to)?;
        } else {
            fs::copy(&from, &to).with_context(|| format!("copying {}", from.display()))?;
        }
    }
    Ok(())
}

fn build(tool: &Tool, go: &Path, module: &Module, version: &str, into: &Path) -> Result<()> {
    progress(&format!("building {} {version} (once, with Go; takes minutes)", tool.name));
    let started = Instant::now();
    // Each compiler that runs beside another may take a gigabyte.
    let at_once = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(4);
    let program = into.join(tool.name);
    let status = Command::new(go)
        .current_dir(&module.directory)
        .args(["build", "-mod=readonly", "-trimpath", "-buildvcs=false"])
        .args(module.flags())
        .args(["-p", &at_once.to_string()])
        .args(["-ldflags", &linker_flags(tool.stamps, version)])
        .arg("-o")
        .args([program.as_os_str(), OsStr::new(tool.package)])
        .env("CGO_ENABLED", "0")
        // What the user has set for other Go code must not reach this build.
        .env("GOFLAGS", "-mod=readonly")
        // A module that wants a newer Go has it fetched, checked like any module.
        .env("GOTOOLCHAIN", "auto")
        .env("GOWORK", "off")
        .env_remove("GOOS")
        .env_remove("GOARCH")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("running {}", go.display()))?;
    ensure!(
        status.success(),
        "building {} {version} from {} failed ({status}); Go's own words are above. \
         The first build needs the Go module proxy",
        tool.name,
        module.directory.display(),
    );
    probe(tool, &program, version)?;
    let size = fs::metadata(&program).map_or(0, |file| file.len()) / 1_000_000;
    let seconds = started.elapsed().as_secs();
    progress(&format!("built {} {version}: {size} MB in {seconds} s", tool.name));
    Ok(())
}

/// `-s -w` leaves out what only a debugger reads.
fn linker_flags(stamps: &[&str], version: &str) -> String {
    let mut numbers = version.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or(""), numbers.next().unwrap_or(""));
    let stamps = stamps.iter().map(|stamp| {
        let stamp = stamp.replace("{version}", version);
        let stamp = stamp.replace("{number}", version.trim_start_matches('v'));
        format!(" -X {}", stamp.replace("{major}", major).replace("{minor}", minor))
    });
    format!("-s -w{}", stamps.collect::<String>())
}

/// Refuses a program that runs but is not what was asked for.
fn probe(tool: &Tool, program: &Path, version: &str) -> Result<()> {
    if tool.probe.is_empty() {
        return Ok(());
    }
    let asked = format!("{} {}", tool.name, tool.probe.join(" "));
    // krew makes its directories whatever it is asked.
    let home = tempfile::tempdir().context("making a directory")?;
    let output = Command::new(program)
        .args(tool.probe)
        .env("HOME", home.path())
        .env_remove("KREW_ROOT")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("running {asked}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success() && said.contains(version.trim_start_matches('v')),
        "`{asked}` should report {version} but says ({}): {}",
        output.status,
        said.trim(),
    );
    Ok(())
}

/// What a Go module requires, word for word.
struct Pins {
    file: PathBuf,
    requirements: String,
    checksums: String,
    /// The names and texts of the files in `generated/`, and of programs of our own beside `go.mod`.
    generated: String,
}

impl Pins {
    fn read(module: &Module) -> Result<Self> {
        let read = |path: &Path| {
            fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
        };
        let directory = &module.directory;
        let file = directory.join(format!("{}.mod", module.other.unwrap_or("go")));
        let (requirements, checksums) = (read(&file)?, read(&file.with_extension("sum"))?);
        let mut generated = String::new();
        if directory.join(GENERATED).is_dir() {
            texts(&directory.join(GENERATED), &mut generated)?;
        }
        programs(directory, &mut generated)?;
        Ok(Self { file, requirements, checksums, generated })
    }

    /// The version of a module in a line `path version`, perhaps after the word `require`.
    fn version(&self, module: &str) -> Result<&str> {
        let found = self.requirements.lines().find_map(|line| {
            let mut words = line.split_whitespace().skip_while(|word| *word == "require");
            let version = (words.next() == Some(module)).then(|| words.next()).flatten();
            version.filter(|version| version.starts_with('v'))
        });
        found.ok_or_else(|| anyhow!("{} requires no version of {module}", self.file.display()))
    }

    /// A digest of all that decides what is built: the pins, the recipe and the machine's kind.
    /// FNV-1a, since its value must outlive a release of Rust, and nobody attacks a cache of ours.
    fn digest(&self, kit: &Kit) -> u64 {
        let machine = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
        let recipe = format!("{kit:?}");
        let generated = Some(&self.generated).filter(|texts| !texts.is_empty());
        let parts = [&self.requirements, &self.checksums, &recipe, &machine];
        parts
            .into_iter()
            .chain(generated)
            .flat_map(|part| part.bytes().chain([0]))
            .fold(0xcbf2_9ce4_8422_2325, |digest, byte| {
                (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            })
    }
}

/// The names and texts of the Go files in a directory, in the order of their names.
fn programs(directory: &Path, into: &mut String) -> Result<()> {
    let pattern = directory.display();
    let entries = fs::read_dir(directory).with_context(|| format!("reading {pattern}"))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("reading {pattern}"))?;
    paths.retain(|path| path.extension().is_some_and(|it| it == "go"));
    paths.sort();
    for path in paths {
        into.push_str(&path.file_name().unwrap_or_default().to_string_lossy());
        let text = fs::read_to_string(&path);
        into.push_str(&text.with_context(|| format!("reading {}", path.display()))?);
    }
    Ok(())
}

/// The names and texts of all files below a directory, in the order of their names.
fn texts(directory: &Path, into: &mut String) -> Result<()> {
    let entries =
        fs::read_dir(directory).with_context(|| format!("reading {}", directory.display()))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("reading {}", directory.display()))?;
    paths.sort();
    for path in paths {
        into.push_str(&path.file_name().unwrap_or_default().to_string_lossy());
        if path.is_dir() {
            texts(&path, into)?;
        } else {
            let text = fs::read_to_string(&path);
            into.push_str(&text.with_context(|| format!("reading {}", path.display()))?);
        }
    }
    Ok(())
}

fn names(kit: &Kit) -> String {
    kit.tools.iter().map(|tool| tool.name).collect::<Vec<_>>().join(", ")
}

/// The workspace that this program was built from.
pub(crate) fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

fn cache_home() -> Result<PathBuf> {
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    named
        // The specification says to ignore a relative path.
        .filter(|path| path.is_absolute())
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .context("no place for a cache: set HOME or XDG_CACHE_HOME")
}

fn remove(directory: &Path) -> Result<()> {
    fs::remove_dir_all(directory).with_context(|| format!("removing {}", directory.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_pinned() {
        // What is built in a copy of its own module, as that pins it, has no line for the tool.
        let all = [CONTROL_PLANE, HUBBLE, HELM, FLATE, KUBE_NETWORK_POLICIES, KREW];
        for kit in all.iter().chain(&ORACLES_CILIUM) {
            let pins = Pins::read(&Module::of(kit)).unwrap();
            for tool in kit.tools {
                assert!(pins.version(tool.version_of).unwrap().starts_with('v'));
                let named = pins.requirements.contains(tool.package);
                assert!(named, "`tool {}` is missing", tool.package);
            }
        }
    }

    #[test]
    fn what_is_built_in_a_copy_is_pinned_with_its_checksum() {
        for kit in [FLUX, ORACLE_KUBE_NETWORK_POLICIES] {
            let pins = Pins::read(&Module::of(&kit)).unwrap();
            let version = pins.version(kit.version_of).unwrap();
            assert!(pins.checksums.contains(&format!("{} {version} h1:", kit.version_of)));
        }
    }

    #[test]
    fn a_version_is_found_in_a_block_and_on_its_own_line() {
        let pins = Pins {
            file: PathBuf::from("go.mod"),
            requirements: "require a.b/c v1.2.3\nrequire (\n\ta.b/c/d v4.5.6 // indirect\n)\n\
                           replace (\n\ta.b/e => a.b/e v7.8.9\n)\n"
                .into(),
            checksums: String::new(),
            generated: String::new(),
        };
        assert_eq!(pins.version("a.b/c").unwrap(), "v1.2.3");
        assert_eq!(pins.version("a.b/c/d").unwrap(), "v4.5.6");
        let missing = pins.version("a.b/e").unwrap_err().to_string();
        assert_eq!(missing, "go.mod requires no version of a.b/e");
    }

    #[test]
    fn a_version_is_stamped_whole_and_in_parts() {
        let flags = linker_flags(&["p.v={version}", "p.m={major}.{minor}"], "v1.36.4");
        assert_eq!(flags, "-s -w -X p.v=v1.36.4 -X p.m=1.36");
        assert_eq!(linker_flags(&["p.n={number}"], "v2.9.5"), "-s -w -X p.n=2.9.5");
        assert_eq!(linker_flags(&[], "v1.36.4"), "-s -w");
    }
}
