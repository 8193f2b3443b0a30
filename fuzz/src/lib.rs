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
mod reach;
#[allow(dead_code, unreachable_pub, reason = "shared with the tests of the workspace")]
#[path = "../../tests/read_back.rs"]
mod read_back;
mod render;
mod yaml;

/// A target by its name.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 8] = [
    ("api", api::api),
    ("diff", diff::diff),
    ("hubble", hubble::hubble),
    ("inputs", inputs::inputs),
    ("manifests", manifests::manifests),
    ("reach", reach::reach),
    ("render", render::render_all),
    ("yaml", yaml::yaml),
];

/// Gives bytes to a target.
pub fn run(target: &str, bytes: &[u8]) {
    let found = TARGETS.iter().find(|(name, _)| *name == target);
    let (_, target) = found.expect("a name of TARGETS");
    target(bytes);
}
