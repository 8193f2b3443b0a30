//! Trying what was agreed to.
//!
//! In: attempts. Out: what became of each, in the same order. Few run side by side, since a denied one is
//! waited for; no two begin sooner after each other than the rate says.

use super::ProbeArgs;
use crate::cli::{GlobalArgs, Input, Progress, Session};
use anyhow::Context as _;
use netpol::cluster::PodId;
use netpol::probe::{Attempt, Outcome, Why};
use netpol_sources::probe::{Ephemeral, Kubectl, Target, Trial, run_in_ephemeral};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// So many pods are entered at once.
const SIDE_BY_SIDE: usize = 4;

impl ProbeArgs {
    /// Tries all of it.
    pub(super) fn tried(
        &self,
        global: &GlobalArgs,
        input: &Input,
        attempts: &[Attempt],
    ) -> anyhow::Result<Vec<Outcome>> {
        let progress = Progress::start(global.color);
        let not_yet = Outcome::NotKnown(Why::NotSaid);
        let mut outcomes = vec![not_yet; attempts.len()];
        if self.via.enters() {
            let kubectl = Kubectl::find(global.connect.words());
            let kubectl =
                kubectl.context("kubectl is not on PATH, and runs what is tried in pods")?;
            outcomes = self.entered(&progress, input, attempts, &kubectl);
        }
        if self.via.adds() {
            let lacks = |outcome: &Outcome| {
                matches!(outcome, Outcome::NotKnown(Why::NoShell | Why::NoProgram))
            };
            let all = !self.via.enters();
            let wanted = |at: &usize| all || outcomes.get(*at).is_some_and(lacks);
            let mut by_pod: BTreeMap<PodId, Vec<usize>> = BTreeMap::new();
            for at in (0..attempts.len()).filter(wanted) {
                by_pod.entry(attempts[at].source).or_default().push(at);
            }
            if !by_pod.is_empty() {
                self.added(global, &progress, input, (attempts, &by_pod), &mut outcomes)?;
            }
        }
        Ok(outcomes)
    }

    fn pause(&self) -> Duration {
        Duration::from_secs(1) / u32::from(self.rate)
    }

    /// Tries each in the container that kubectl enters.
    fn entered(
        &self,
        progress: &Progress,
        input: &Input,
        attempts: &[Attempt],
        kubectl: &Kubectl,
    ) -> Vec<Outcome> {
        let jobs: Vec<(String, String, Target)> = attempts
            .iter()
            .map(|attempt| {
                let pod = input.snapshot.pod(attempt.source);
                (pod.namespace.to_string(), pod.name.to_string(), target(attempt))
            })
            .collect();
        let (wait, pause, tool) = (self.connect_timeout, self.pause(), self.via.tool());
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let may_begin = Mutex::new(Instant::now());
        let outcomes = Mutex::new(vec![Outcome::NotKnown(Why::NotSaid); jobs.len()]);
        let work = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some((namespace, pod, target)) = jobs.get(at) else { return };
                let targets = std::slice::from_ref(target);
                sleep_until_next(&may_begin, pause);
                let outcome =
                    kubectl.exec(&Trial { namespace, pod, targets, wait, pause }, tool).pop();
                let mut all = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
                if let (Some(place), Some(outcome)) = (all.get_mut(at), outcome) {
                    *place = outcome;
                }
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                progress.say(&format!("{done} of {} tried", jobs.len()));
            }
        };
        thread::scope(|scope| {
            for _ in 0..SIDE_BY_SIDE.min(jobs.len()) {
                scope.spawn(work);
            }
        });
        outcomes.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a container to each pod, one after another, which tries all that begins there.
    fn added(
        &self,
        global: &GlobalArgs,
        progress: &Progress,
        input: &Input,
        (attempts, by_pod): (&[Attempt], &BTreeMap<PodId, Vec<usize>>),
        outcomes: &mut [Outcome],
    ) -> anyhow::Result<()> {
        let session = Session::start(global)?;
        let name = format!("netpol-probe-{}", suffix());
        for (id, places) in by_pod {
            let pod = input.snapshot.pod(*id);
            progress.say(&format!("an ephemeral container in {}", pod.name));
            let targets: Vec<Target> = places.iter().map(|at| target(&attempts[*at])).collect();
            let (wait, pause) = (self.connect_timeout, self.pause());
            let (namespace, name_of_pod) = (&*pod.namespace, &*pod.name);
            let trial = Trial { namespace, pod: name_of_pod, targets: &targets, wait, pause };
            let ephemeral = Ephemeral { image: self.image.clone(), name: name.clone() };
            let tried = run_in_ephemeral(&session.connection, &trial, &ephemeral);
            for (at, outcome) in places.iter().zip(session.block_on(tried)?) {
                outcomes[*at] = outcome;
            }
        }
        Ok(())
    }
}

/// Waits until the next may begin.
fn sleep_until_next(may_begin: &Mutex<Instant>, pause: Duration) {
    let mut next = may_begin.lock().unwrap_or_else(PoisonError::into_inner);
    let begins = (*next).max(Instant::now());
    *next = begins + pause;
    drop(next);
    thread::sleep(begins.saturating_duration_since(Instant::now()));
}

fn target(attempt: &Attempt) -> Target {
    Target { host: attempt.dial.to_string(), port: attempt.port }
}

/// What tells the containers of one run from those of another.
fn suffix() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{:08x}", since.as_millis() & 0xffff_ffff)
}
