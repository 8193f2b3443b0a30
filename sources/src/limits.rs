//! How much is read and worked out at most, whatever the input says of itself.
//!
//! In: what `--limits` says, or the machine. Out: [`Limits`], and a [`Budget`] that everything read at
//! once shares. What goes beyond stops with one sentence that says what was too much.

use netpol::effort::{Deadline, Effort};
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Where the machine does not tell its memory.
const SUPPOSED_MEMORY: u64 = 8 << 30;

/// Less than this is no fraction worth a name.
const LEAST_BYTES: u64 = 1 << 30;

/// A cluster of 150,000 pods has no more objects that are read.
const LEAST_OBJECTS: u64 = 500_000;

/// Of the memory one part in so many is for what is kept of all flows, at eight bytes a cell.
const CELLS_OF_MEMORY: u64 = 8 * 64;
const LEAST_CELLS: u64 = 24_000_000;
const MOST_CELLS: u64 = 48_000_000;

/// Bounds of what waits to be understood.
const LEAST_HELD: u64 = 256 << 20;
const MOST_HELD: u64 = 1 << 30;

/// Reading takes so long at most, and working out: a cluster of 150,000 pods takes some ten seconds.
const SECONDS: u64 = 600;

/// So much is read and worked out at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Files, of all that was named together.
    pub files: u64,
    /// Bytes, of all files or answers together.
    pub bytes: u64,
    /// Objects, of all kinds together.
    pub objects: u64,
    /// Seconds that pass meanwhile.
    pub time: u64,
    /// How far the engines go.
    pub effort: Effort,
}

/// Generous, and a fraction of the machine's memory: half of it in bytes, and an object for every 8 KiB.
impl Default for Limits {
    fn default() -> Self {
        let memory = memory().unwrap_or(SUPPOSED_MEMORY);
        Self {
            files: 200_000,
            time: SECONDS,
            bytes: (memory / 2).max(LEAST_BYTES),
            objects: (memory >> 13).max(LEAST_OBJECTS),
            effort: Effort {
                cells: (memory / CELLS_OF_MEMORY).clamp(LEAST_CELLS, MOST_CELLS),
                ..Effort::default()
            },
        }
    }
}

impl Limits {
    /// The same, with the time beginning now.
    #[must_use]
    pub fn from_now(mut self) -> Self {
        self.effort.until = Some(Deadline::after(Instant::now(), self.time));
        self
    }

    /// Of the bytes so many may wait to be understood, all answers of a server together: what is made
    /// of a byte may be ten.
    pub(crate) fn held(&self) -> u64 {
        (self.bytes / 16).clamp(LEAST_HELD, MOST_HELD).min(self.bytes)
    }
}

/// `files=1000,bytes=200Mi,cells=50000000`, each of them or not; what is not named stays as it is.
impl FromStr for Limits {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut limits = Self::default();
        for part in text.split(',') {
            let (name, value) = part.split_once('=').ok_or_else(|| refused(part))?;
            let value = number(value).ok_or_else(|| refused(part))?;
            let limit = match name {
                "files" => &mut limits.files,
                "bytes" => &mut limits.bytes,
                "objects" => &mut limits.objects,
                "steps" => &mut limits.effort.steps,
                "cells" => &mut limits.effort.cells,
                "rows" => &mut limits.effort.rows,
                "changes" => &mut limits.effort.changes,
                "search" => &mut limits.effort.search,
                "time" => &mut limits.time,
                _ => return Err(refused(part)),
            };
            *limit = value;
        }
        Ok(limits)
    }
}

fn refused(part: &str) -> String {
    format!(
        "{part:?} is no limit: give files=1000, bytes=200Mi, objects=50000, steps=NUMBER, cells=NUMBER, \
         rows=NUMBER, changes=NUMBER, search=NUMBER or time=NUMBER (of seconds), or several with commas"
    )
}

/// A number as Kubernetes writes quantities: plain, or with Ki, Mi or Gi.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let factor = match unit {
        "" => 1,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// The memory of this machine, as the kernel tells it.
fn memory() -> Option<u64> {
    let told = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kib = told.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    kib.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1 << 10)
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Files.
    Files,
    /// Bytes.
    Bytes,
    /// Objects.
    Objects,
    /// Seconds.
    Seconds,
}

/// More was read than is allowed, or for longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "too much to read: more than {limit} {counted}; read less, or raise it with --limits {}=NUMBER",
    counted.name()
)]
pub struct Exceeded {
    /// Of what.
    pub counted: Counted,
    /// How many are allowed.
    pub limit: u64,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Seconds { "seconds" } else { self.name() })
    }
}

impl Counted {
    /// What `--limits` calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Bytes => "bytes",
            Self::Objects => "objects",
            Self::Seconds => "time",
        }
    }
}

/// What is left of the limits, for all that reads at once.
#[derive(Debug, Default)]
pub struct Budget {
    limits: Limits,
    files: AtomicU64,
    bytes: AtomicU64,
    objects: AtomicU64,
}

impl Budget {
    /// Nothing is taken of it yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Takes some of it, if there is time.
    pub fn take(&self, counted: Counted, amount: u64) -> Result<(), Exceeded> {
        if let Some(until) = self.limits.effort.until
            && until.is_over()
        {
            return Err(Exceeded { counted: Counted::Seconds, limit: until.seconds });
        }
        let (taken, limit) = match counted {
            Counted::Files => (&self.files, self.limits.files),
            Counted::Bytes => (&self.bytes, self.limits.bytes),
            Counted::Objects => (&self.objects, self.limits.objects),
            Counted::Seconds => return Ok(()),
        };
        let before = taken.fetch_add(amount, Ordering::Relaxed);
        if before.saturating_add(amount) > limit {
            return Err(Exceeded { counted, limit });
        }
        Ok(())
    }

    /// How much it was at first.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The bytes that are left.
    pub fn bytes_left(&self) -> u64 {
        self.limits.bytes.saturating_sub(self.bytes.load(Ordering::Relaxed))
    }

    /// Nothing is taken any more: what was read before is replaced by what comes.
    pub fn renew(&self) {
        for taken in [&self.files, &self.bytes, &self.objects] {
            taken.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_as_they_are_written() {
        let default = Limits::default();
        assert!(default.bytes >= LEAST_BYTES);
        let parsed = "files=10,bytes=2Mi,cells=5".parse::<Limits>().unwrap();
        let effort = Effort { cells: 5, ..default.effort };
        assert_eq!(parsed, Limits { files: 10, bytes: 2 << 20, effort, ..default });
        for wrong in
            ["", "files", "files=", "files=-1", "lines=1", "bytes=1MB", "bytes=99999999999Gi"]
        {
            assert!(wrong.parse::<Limits>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_budget_is_one_for_all() {
        let budget = Budget::new(Limits { files: 2, bytes: 10, objects: 1, ..Limits::default() });
        budget.take(Counted::Files, 2).unwrap();
        assert!(budget.take(Counted::Bytes, 11).is_err());
        let exceeded = budget.take(Counted::Files, 1).unwrap_err();
        assert_eq!(
            exceeded.to_string(),
            "too much to read: more than 2 files; read less, or raise it with --limits files=NUMBER"
        );
        budget.renew();
        budget.take(Counted::Files, 2).unwrap();
    }

    #[test]
    fn time_is_a_limit() {
        let limits = "time=0".parse::<Limits>().unwrap();
        let budget = Budget::new(limits.from_now());
        let exceeded = budget.take(Counted::Files, 1).unwrap_err();
        assert_eq!(
            exceeded.to_string(),
            "too much to read: more than 0 seconds; read less, or raise it with --limits time=NUMBER"
        );
        Budget::new(limits).take(Counted::Files, 1).unwrap();
        Budget::new(Limits::default().from_now()).take(Counted::Files, 1).unwrap();
        assert!("time=1m".parse::<Limits>().is_err());
    }
}
