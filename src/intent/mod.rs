//! What is meant to hold of policies, proved for every pod that there is and could be.
//!
//! In: a file of tests ([`from_yaml`]), a snapshot and its rules. Out: of each test whether it is proved,
//! broken or not known, with what shows it ([`judge`]). Sets of ends are looked up as `explain` does; who
//! reaches whom is worked out once for all tests, and pods that nobody has written are looked for as in
//! docs/open-world.md. What no policy judges, a pod to itself and a node to its own pods, is left out.

mod arrivals;
mod asks;
mod draft;
mod file;
mod judged;
mod known;
mod mesh;
mod netassert;
mod nodes;
mod ports;
mod prove;
mod questions;
mod read;
mod regions;
mod single;
mod walks;
mod words;

pub use asks::{Asks, Test, TestFile};
pub use draft::{Draft, draft};
pub use file::{FileError, schema};
pub use judged::{Holds, Judged, Witness};
pub use read::from_yaml;
pub use words::{Directions, EndText, EndWord, Ends, PortWords, TestScope};

use crate::cluster::Snapshot;
use crate::effort::{Effort, TooMuch};
use crate::policy::Ruleset;
use crate::printable::printable;
use crate::reach::{Connectivity, Kept};
use crate::unwritten::Places;
use ipnet::IpNet;
use prove::Tester;
use questions::{Asker, Question, Refusal};
use regions::Regions;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Why a test cannot be asked of anything: a mistake in its file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {}: {}", printable(test), printable(why))]
pub struct Mistake {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// The test.
    pub test: String,
    /// What is wrong with it.
    pub why: String,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JudgeError {
    /// With a test.
    #[error(transparent)]
    Mistake(#[from] Mistake),
    /// All flows are too much to work out.
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
}

/// Judges every test; pods with exactly the labels of an end are added to the snapshot where flows with it
/// are to pass. `namespace` is where names without one are.
pub fn judge(
    snapshot: &mut Snapshot,
    rules: &Ruleset,
    tests: &[Test],
    namespace: &str,
    effort: Effort,
) -> Result<Vec<Judged>, JudgeError> {
    judge_with(snapshot, rules, (tests, namespace), effort, None)
}

/// The same for whoever judges again and again, and gives what was kept each time: of who reaches whom only
/// what changed is worked out.
pub fn judge_again(
    snapshot: &mut Snapshot,
    rules: &Ruleset,
    asked: (&[Test], &str),
    effort: Effort,
    kept: &mut Option<Kept>,
) -> Result<Vec<Judged>, JudgeError> {
    judge_with(snapshot, rules, asked, effort, Some(kept))
}

fn judge_with(
    snapshot: &mut Snapshot,
    rules: &Ruleset,
    (tests, namespace): (&[Test], &str),
    effort: Effort,
    kept: Option<&mut Option<Kept>>,
) -> Result<Vec<Judged>, JudgeError> {
    let mut regions = Regions::new(snapshot, rules, &blocks(tests));
    let nothing = BTreeSet::new();
    let mut asker = Asker { snapshot: &mut *snapshot, regions: &mut regions, namespace, nothing };
    let mut questions: Vec<Result<Question, Refusal>> = Vec::with_capacity(tests.len());
    for test in tests {
        let question = asker.question(test);
        if let Err(Refusal::Wrong(why)) = question {
            let ((line, column), test) = (test.at, test.name.clone());
            return Err(Mistake { line, column, test, why }.into());
        }
        questions.push(question);
    }
    let all = tests.iter().zip(questions);
    let judge = |snapshot: &Snapshot, connectivity: &Connectivity<'_>| {
        let places = Places::new(snapshot, rules);
        let mut tester = Tester::new((snapshot, rules), connectivity, &places, effort);
        let all = all.map(|(test, question)| match question {
            Ok(question) => tester.judge(test, &question),
            Err(refusal) => Judged::refused(refusal),
        });
        all.collect()
    };
    let Some(kept) = kept else {
        return Ok(judge(snapshot, &Connectivity::compute(snapshot, rules, effort)?));
    };
    let side = (Arc::new(snapshot.clone()), Arc::new(rules.clone()));
    let mut flows = match kept.take() {
        Some(mut flows) => {
            flows.update(side.0, side.1)?;
            flows
        }
        None => Kept::new(side.0, side.1, effort)?,
    };
    let judged = flows.with(|connectivity| judge(snapshot, connectivity))?;
    *kept = Some(flows);
    Ok(judged)
}

/// The blocks of addresses that tests name.
fn blocks(tests: &[Test]) -> Vec<IpNet> {
    let sets = tests.iter().flat_map(|test| test.asks.sets());
    let ends = sets.flat_map(|set| set.ends.iter().chain(&set.except));
    let nets = ends.filter_map(|end| match end.word {
        EndWord::Block(net) => Some(net),
        _ => None,
    });
    let each: BTreeSet<IpNet> = nets.collect();
    each.into_iter().collect()
}
