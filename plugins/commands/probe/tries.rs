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

/// One that can be tried.
struct Job {
    /// Its place among the attempts.
    at: usize,
    source: PodId,
    namespace: String,
    pod: String,
    target: Target,
}

impl ProbeArgs {
    /// Tries all of it.
    pub(super) fn tried(
        &self,
        global: &GlobalArgs,
        input: &Input,
        attempts: &[Attempt],
    ) -> anyhow::Result<Vec<Outcome>> {
        let progress = Progress::start(global.color);
        let mut outcomes = vec![Outcome::NotKnown(Why::NotSaid); attempts.len()];
        let mut jobs = Vec::new();
        for (at, attempt) in attempts.iter().enumerate() {
            let pod = input.snapshot.pod(attempt.source);
            match Target::new(attempt.dial.to_string(), attempt.port) {
                Ok(target) => jobs.push(Job {
                    at,
                    source: attempt.source,
                    namespace: pod.namespace.to_string(),
                    pod: pod.name.to_string(),
                    target,
                }),
                Err(why) => outcomes[at] = Outcome::NotKnown(why),
            }
        }
        if self.via.enters() {
            let kubectl = Kubectl::find(global.connect.words());
            let kubectl =
                kubectl.context("kubectl is not on PATH, and runs what is tried in pods")?;
            for (job, outcome) in jobs.iter().zip(self.entered(&progress, &jobs, &kubectl)) {
                outcomes[job.at] = outcome;
            }
        }
        if self.via.adds() {
            let lacks = |job: &&Job| {
                matches!(outcomes[job.at], Outcome::NotKnown(Why::NoShell | Why::NoProgram))
            };
            let all = !self.via.enters();
            let mut by_pod: BTreeMap<PodId, Vec<&Job>> = BTreeMap::new();
            for job in jobs.iter().filter(|job| all || lacks(job)) {
                by_pod.entry(job.source).or_default().push(job);
            }
            if !by_pod.is_empty() {
                self.added(global, &progress, &by_pod, &mut outcomes)?;
            }
        }
        Ok(outcomes)
    }

    fn pause(&self) -> Duration {
        Duration::from_secs(1) / u32::from(self.rate)
    }

    /// Tries each in the container that kubectl enters.
    fn entered(&self, progress: &Progress, jobs: &[Job], kubectl: &Kubectl) -> Vec<Outcome> {
        let (wait, pause, tool) = (self.connect_timeout, self.pause(), self.via.tool());
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let may_begin = Mutex::new(Instant::now());
        let outcomes = Mutex::new(vec![Outcome::NotKnown(Why::NotSaid); jobs.len()]);
        let work = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(Job { namespace, pod, target, .. }) = jobs.get(at) else { return };
                let targets = std::slice::from_ref(target);
                sleep_until_next(&may_begin, pause);
                let trial = Trial { namespace, pod, targets, wait, pause };
                let outcome = kubectl.exec(&trial, tool).pop();
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

    /// Adds a container to each pod, one after another, which tries what begins there; more than one only
    /// where it would have more to say than is kept.
    fn added(
        &self,
        global: &GlobalArgs,
        progress: &Progress,
        by_pod: &BTreeMap<PodId, Vec<&Job>>,
        outcomes: &mut [Outcome],
    ) -> anyhow::Result<()> {
        let session = Session::start(global)?;
        let suffix = suffix();
        let pieces = by_pod.values().flat_map(|jobs| jobs.chunks(Ephemeral::MOST).enumerate());
        for (number, jobs) in pieces {
            let Some(Job { namespace, pod, .. }) = jobs.first() else { continue };
            progress.say(&format!("an ephemeral container in {pod}"));
            let targets: Vec<Target> = jobs.iter().map(|job| job.target.clone()).collect();
            let (wait, pause) = (self.connect_timeout, self.pause());
            let trial = Trial { namespace, pod, targets: &targets, wait, pause };
            let name = format!("netpol-probe-{suffix}-{number}");
            let ephemeral = Ephemeral { image: self.image.clone(), name };
            let tried = run_in_ephemeral(&session.connection, &trial, &ephemeral);
            for (job, outcome) in jobs.iter().zip(session.block_on(tried)?) {
                outcomes[job.at] = outcome;
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

/// What tells the containers of one run from those of another.
fn suffix() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{:08x}", since.as_millis() & 0xffff_ffff)
}
