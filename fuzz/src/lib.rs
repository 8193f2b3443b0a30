//! What each fuzz target does with its bytes: a panic is a finding.
//!
//! The targets themselves, in `fuzz_targets/`, are a call each; `corpus.rs` calls the same functions
//! with what is kept in `corpus/`.

mod api;
mod cluster;
#[cfg(test)]
mod corpus;
mod dice;
mod diff;
mod hubble;
mod inputs;
mod manifests;
mod probe;
mod reach;
#[allow(dead_code, unreachable_pub, reason = "shared with the tests of the workspace")]
#[path = "../../tests/read_back.rs"]
mod read_back;
mod render;
mod repositories;
mod selectors;
mod tests;
mod yaml;

#[cfg(feature = "libfuzzer")]
pub use libfuzzer_sys;

/// The program of a target: libFuzzer's, or without it one that runs the files that are named.
#[macro_export]
macro_rules! target {
    ($name:literal) => {
        #[cfg(feature = "libfuzzer")]
        $crate::libfuzzer_sys::fuzz_target!(|bytes: &[u8]| $crate::run($name, bytes));

        #[cfg(not(feature = "libfuzzer"))]
        fn main() -> std::io::Result<()> {
            $crate::run_files($name)
        }
    };
}

/// A target by its name.
pub type Target = (&'static str, fn(&[u8]));

/// Every target. None has the name of a program that tests look for beside our own.
pub const TARGETS: [Target; 12] = [
    ("api", api::api),
    ("diff", diff::diff),
    ("hubble", hubble::hubble),
    ("inputs", inputs::inputs),
    ("manifests", manifests::manifests),
    ("probe", probe::probe),
    ("reach", reach::reach),
    ("render", render::render_all),
    ("repositories", repositories::repositories),
    ("selectors", selectors::selectors),
    ("tests", tests::tests),
    ("yaml", yaml::yaml),
];

/// Gives bytes to a target.
pub fn run(target: &str, bytes: &[u8]) {
    let found = TARGETS.iter().find(|(name, _)| *name == target);
    let (_, target) = found.expect("a name of TARGETS");
    target(bytes);
}

/// Gives a target each file that the command line names.
///
/// # Errors
/// Of the first file that cannot be read.
pub fn run_files(target: &str) -> std::io::Result<()> {
    for file in std::env::args_os().skip(1) {
        run(target, &std::fs::read(file)?);
    }
    Ok(())
}
