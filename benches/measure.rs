//! What a process and a thread have used, and the sizes at which it is asked.

use crate::shapes::{Case, Shape};
use std::time::Duration;

/// The pods of a small, a large and the largest cluster.
pub(crate) const SIZES: [usize; 3] = [1_000, 10_000, 150_000];

/// Small and large clusters with rules for each workload, and the largest that Kubernetes allows.
pub(crate) fn cases() -> impl Iterator<Item = Case> {
    let shape = |pods| if pods > 10_000 { Shape::Largest } else { Shape::Micro };
    SIZES.into_iter().map(move |pods| Case { shape: shape(pods), pods })
}

/// The most memory that the process has had at a time, all cases until now together.
pub(crate) fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default().to_owned()
}

/// What this thread has used of a processor, which other programs do not lengthen.
pub(crate) fn cpu_time() -> Duration {
    let spent = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = spent.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}
