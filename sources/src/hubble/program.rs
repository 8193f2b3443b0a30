//! The programs `hubble` and `cilium`: found, and asked for what they can do.

use super::error::Error;
use super::version::{Capability, Version};
use crate::process::{self, Given, Limits, Program};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// For `hubble version`, which only prints.
const PROBE: Limits = Limits { time: Duration::from_secs(10), output: 64 << 10 };

/// Of a wrong answer so much is shown.
const SHOWN: usize = 80;

/// The Hubble CLI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hubble {
    /// The program.
    pub program: PathBuf,
    /// Its version.
    pub version: Version,
}

impl Hubble {
    /// Finds it, in `HUBBLE_BIN` or on PATH, and asks for its version.
    pub fn find() -> Result<Self, Error> {
        let program = find("hubble", "HUBBLE_BIN", Error::NoHubble)?;
        let output = process::run(Program::Hubble, &program, ["version"], Given::default(), PROBE)
            .map_err(|source| Error::Probe { program: program.clone(), source })?;
        let said = String::from_utf8_lossy(&output.stdout);
        let Some(version) = Version::find(&said).filter(|_| output.status.success()) else {
            let said = if said.trim().is_empty() { output.stderr } else { said.into_owned() };
            let said = said.lines().next().unwrap_or_default().chars().take(SHOWN).collect();
            return Err(Error::NoVersion { program, said });
        };
        if !version.has(Capability::Observe) {
            return Err(Error::TooOld { program, version });
        }
        Ok(Self { program, version })
    }
}

/// The Cilium CLI, which opens the Hubble UI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cilium {
    /// The program.
    pub program: PathBuf,
}

impl Cilium {
    /// Finds it, in `CILIUM_BIN` or on PATH.
    pub fn find() -> Result<Self, Error> {
        find("cilium", "CILIUM_BIN", Error::NoCilium).map(|program| Self { program })
    }
}

fn find(name: &str, variable: &'static str, missing: Error) -> Result<PathBuf, Error> {
    let named: Option<OsString> = std::env::var_os(variable).filter(|path| !path.is_empty());
    match named {
        Some(path) => process::named(&path).map_err(|error| Error::Named {
            variable,
            path: path.into(),
            why: error.to_string(),
        }),
        None => process::find(name).ok_or(missing),
    }
}
