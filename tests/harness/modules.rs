//! Files of the Go modules that the directories below tests/tools pin.

use super::{hermetic, root};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Where a module that `tests/tools/DIRECTORY` pins is, or why it is not here.
pub(crate) fn module(directory: &str, name: &str) -> Result<PathBuf, String> {
    if hermetic() {
        return Err(format!("NETPOL_TESTS_HERMETIC is set, so {name} is not fetched"));
    }
    let go = which::which("go").map_err(|_| format!("no `go` on PATH to fetch {name} with"))?;
    let pins = root().join("tests/tools").join(directory);
    let output = Command::new(go)
        .args(["mod", "download", "-json", name])
        .current_dir(pins)
        .env("GOFLAGS", "-mod=readonly")
        .env("GOWORK", "off")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("running go: {error}"))?;
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let directory = answer["Dir"].as_str().map(PathBuf::from);
    directory.ok_or_else(|| format!("cannot fetch {name}: {}", answer["Error"]))
}
