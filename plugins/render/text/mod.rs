//! Text for a terminal, a file for each answer.

mod checkup;
mod delivery;
mod diff;
mod explanation;
mod hubble;
mod intent;
mod lint;
mod list;
mod observed;
mod onward;
mod probe;
mod summary;
mod system;
#[cfg(test)]
mod tests;

pub(super) use checkup::checkup;
pub(super) use diff::diff;
pub(super) use explanation::explanation;
pub(super) use intent::intent;
pub(super) use lint::lint;
pub(super) use list::list;
pub use observed::{lost_text, observation_text, observed_summary_text};
pub(super) use onward::onward;
pub(super) use probe::probe;
pub(super) use summary::summary;
pub(super) use system::system;
