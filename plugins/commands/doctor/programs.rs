//! What is on PATH: the plugin's own binaries, which may shadow one another, and outside programs, which
//! are looked for as the commands that run them do.
//!
//! kubectl runs the longest plugin name that PATH has, wherever it is: an old
//! `kubectl-netpol-explain` answers in the place of a new `kubectl-netpol`.

use crate::commands::NAMES;
use crate::commands::completion::completer_name;
use netpol::answer::{Area, Check};
use netpol_sources::hubble::{self, Capability, Hubble};
use netpol_sources::process::{self, Given, Limits};
use serde_json::Value;
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What Google's kubectl has in its version, which runs that kubectl whose version is the server's, and is
/// one itself where it finds none.
///
/// Source: `GoogleCloudPlatform/kubectl-dispatcher`.
const DISPATCHER: &str = "-dispatcher";

/// Stands in the place of a version in programs that were built without one.
const NO_VERSION: &str = "$Format";

/// A version is not long in coming, nor long.
const LIMITS: Limits = Limits { time: Duration::from_secs(5), output: 1 << 16 };

/// A program that commands run, or people beside them.
struct Program {
    name: &'static str,
    /// Arguments with which it tells its version, without asking a cluster.
    asked: &'static [&'static str],
    /// What does not go without it.
    need: &'static str,
}

const PROGRAMS: &[Program] = &[
    Program { name: "kubectl", asked: &["version", "--client", "-o", "json"], need: "-k" },
    Program { name: "kustomize", asked: &["version"], need: "-k where kubectl is not there" },
    Program { name: "flux", asked: &["version", "--client", "-o", "json"], need: "diff --flux" },
];

/// The Cilium CLI, which is found in another way.
const CILIUM: Program =
    Program { name: "cilium", asked: &["version", "--client"], need: "observe --ui" };

/// The plugin and the programs.
pub(super) fn checks() -> Vec<Check> {
    let mut checks = plugins();
    checks.extend(PROGRAMS.iter().map(|program| match process::find(program.name) {
        Some(path) => check(program, &path),
        None => missing(program.name, program.need),
    }));
    checks.push(hubble());
    checks.push(match hubble::Cilium::find() {
        Ok(cilium) => check(&CILIUM, &cilium.program),
        Err(hubble::Error::NoCilium) => missing(CILIUM.name, CILIUM.need),
        Err(error) => Check::error(Area::Programs, &error),
    });
    checks
}

/// The Hubble CLI, as `observe` finds it.
fn hubble() -> Check {
    match Hubble::find() {
        Ok(Hubble { program, version }) => {
            let says = format!("hubble v{version} ({})", program.display());
            if version.has(Capability::PortForward) {
                return Check::ok(Area::Programs, says);
            }
            let since = Capability::PortForward.since();
            let says =
                format!("{says} does not find the relay by itself, which it does from v{since} on");
            Check::note(
                Area::Programs,
                says,
                "give observe --hubble-server, or update it".to_owned(),
            )
        }
        Err(hubble::Error::NoHubble) => missing("hubble", "observe"),
        Err(error) => Check::error(Area::Programs, &error),
    }
}

fn missing(name: &str, need: &str) -> Check {
    let says = format!("{name} is not on PATH");
    Check::note(Area::Programs, says, format!("install it for {need}"))
}

fn check(program: &Program, path: &Path) -> Check {
    let Program { name, asked, .. } = program;
    let place = path.display();
    match said(path, asked) {
        Ok(said) => match version(&said) {
            Some(version) if version.contains(DISPATCHER) => Check::note(
                Area::Programs,
                format!(
                    "{name} {version} ({place}) is Google's, which asks a server before it works"
                ),
                format!("put another {name} before it on PATH for a -k that asks nobody"),
            ),
            Some(version) => Check::ok(Area::Programs, format!("{name} {version} ({place})")),
            None => Check::note(Area::Programs, format!("{name} tells no version ({place})"), None),
        },
        Err(why) => Check::wrong(
            Area::Programs,
            format!("{name} does not run: {why}"),
            format!("install it anew, or remove {place}"),
        ),
    }
}

fn said(path: &Path, asked: &[&str]) -> Result<String, String> {
    let output = process::run(process::Program::Version, path, asked, Given::default(), LIMITS)
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        let why = output.stderr.lines().next().unwrap_or_default();
        return Err(format!("{}{}{why}", output.status, if why.is_empty() { "" } else { ": " }));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The first thing in what a program says that looks like a version.
fn version(said: &str) -> Option<String> {
    if let Ok(json) = serde_json::from_str::<Value>(said) {
        let known = ["/clientVersion/gitVersion", "/flux"];
        let found = known.iter().find_map(|place| json.pointer(place)?.as_str());
        return found.filter(|it| !it.contains(NO_VERSION)).map(ToOwned::to_owned);
    }
    let mut words = said.split(|c: char| c.is_whitespace() || matches!(c, ':' | ',' | '(' | '@'));
    let looks = |word: &&str| {
        let number = word.strip_prefix('v').unwrap_or(word);
        number.starts_with(|c: char| c.is_ascii_digit()) && number.contains('.')
    };
    words.find(looks).map(ToOwned::to_owned)
}

/// Our own binaries.
fn plugins() -> Vec<Check> {
    let own = env::current_exe().and_then(fs::canonicalize).ok();
    let mut found: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let names: Vec<String> = std::iter::once("kubectl-netpol".to_owned())
        .chain(NAMES.iter().map(|command| format!("kubectl-netpol-{command}")))
        .collect();
    for name in names {
        let mut places: Vec<PathBuf> = Vec::new();
        let mut real: Vec<PathBuf> = Vec::new();
        for place in process::find_all(&name) {
            // A directory may be on PATH twice, and a link may lead to another place of it.
            let there = fs::canonicalize(&place).unwrap_or_else(|_| place.clone());
            if !real.contains(&there) {
                real.push(there);
                places.push(place);
            }
        }
        if !places.is_empty() {
            found.insert(name, places);
        }
    }
    let mut checks = Vec::new();
    if !found.contains_key("kubectl-netpol") {
        let place = own.as_deref().and_then(Path::parent).map(|own| own.display().to_string());
        let advice = match place {
            Some(place) => format!("add {place} to it, or `kubectl netpol` is not found"),
            None => "put it there, or `kubectl netpol` is not found".to_owned(),
        };
        checks.push(Check::wrong(Area::Plugin, "kubectl-netpol is not on PATH", advice));
    }
    for (name, places) in &found {
        checks.extend(plugin(name, places));
    }
    if !found.is_empty() {
        checks.push(completer(&found));
    }
    checks
}

/// One of our binaries: the first on PATH is run, and should be of this version.
fn plugin(name: &str, places: &[PathBuf]) -> Vec<Check> {
    let Some((first, later)) = places.split_first() else { return Vec::new() };
    let version_of = |path: &Path| said(path, &["--version"]).map(|said| version(&said));
    let place = first.display();
    let own = env!("CARGO_PKG_VERSION");
    let mut checks = Vec::new();
    match version_of(first) {
        Ok(Some(version)) if version == own => {
            checks.push(Check::ok(Area::Plugin, format!("{name} {version} ({place})")));
        }
        Ok(version) => {
            let version = version.map_or("of no known version".to_owned(), |v| v.clone());
            checks.push(Check::wrong(
                Area::Plugin,
                format!("{name} {version} ({place}) is not of this version, {own}"),
                "kubectl runs it nevertheless; install it anew, or remove it",
            ));
        }
        Err(why) => checks.push(Check::wrong(
            Area::Plugin,
            format!("{name} does not run: {why}"),
            format!("install it anew, or remove {place}"),
        )),
    }
    checks.extend(later.iter().map(|shadowed| {
        Check::wrong(
            Area::Plugin,
            format!("{} is never run: {place} comes before it on PATH", shadowed.display()),
            "remove one of them",
        )
    }));
    checks
}

/// Whether kubectl can complete our words.
fn completer(found: &BTreeMap<String, Vec<PathBuf>>) -> Check {
    let missing = |name: &&String| process::find(&completer_name(name)).is_none();
    let missing: Vec<&str> = found.keys().filter(missing).map(String::as_str).collect();
    if missing.is_empty() {
        return Check::ok(Area::Plugin, "kubectl completes what it is given");
    }
    Check::note(
        Area::Plugin,
        format!("kubectl completes no words of {}", missing.join(", ")),
        Some("`kubectl netpol completion --install` mends that".to_owned()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_in_what_programs_say() {
        for (said, expected) in [
            ("{\"clientVersion\": {\"gitVersion\": \"v1.34.1\"}}", Some("v1.34.1")),
            ("{\"flux\": \"v2.7.0\"}", Some("v2.7.0")),
            ("{\"clientVersion\": {\"gitVersion\": \"v0.0.0-master+$Format:%H$\"}}", None),
            ("v5.7.1\n", Some("v5.7.1")),
            ("hubble v1.18.3@HEAD-fbc6aff compiled with go1.25.3 on linux/amd64", Some("v1.18.3")),
            ("cilium-cli: v0.18.8 compiled with go1.25.3", Some("v0.18.8")),
            ("kubectl netpol explain 0.1.0\n", Some("0.1.0")),
            ("{}", None),
            ("nothing of the sort", None),
        ] {
            assert_eq!(version(said).as_deref(), expected, "{said}");
        }
    }
}
