//! Who is isolated by no policy.
//!
//! In: groups of pods. Out: for each namespace and direction the workloads and representatives that no
//! policy isolates, and whether that is everyone there who is or may come.

use super::collect::{Families, Part, Party};
use super::group::Groups;
use super::lister::Lister;
use super::said::is_like;
use super::{By, Unprotected};
use crate::answer::end::EndReport;
use crate::cluster::{PodId, Truth, real_namespace};
use crate::policy::rule::{Direction, Namespaces};
use crate::reach::End;
use crate::verdict::{Closed, closed};
use foldhash::{HashMap, HashMapExt as _, HashSet};
use std::collections::BTreeMap;

/// What is found of a namespace.
#[derive(Default)]
struct Here {
    ends: Vec<(EndReport, Option<PodId>)>,
    perhaps: Vec<(EndReport, Option<PodId>)>,
    /// Known pods that are told of.
    told: Vec<PodId>,
    /// Someone is isolated, or may be.
    closed: bool,
    /// Someone who is not isolated is denied something.
    denied_in_part: bool,
}

/// Everyone who was asked about and is isolated by no policy.
pub(super) fn unprotected(lister: &Lister<'_>) -> Vec<Unprotected> {
    let mut all = Vec::new();
    for direction in Direction::ALL {
        let (own, other) = match direction {
            Direction::Ingress => (lister.asked.to.is_some(), lister.asked.from.is_some()),
            Direction::Egress => (lister.asked.from.is_some(), lister.asked.to.is_some()),
        };
        if !other {
            all.extend(of_direction(lister, direction, own));
        }
    }
    all.sort_by(|a, b| (&a.namespace, a.direction).cmp(&(&b.namespace, b.direction)));
    all
}

fn of_direction(lister: &Lister<'_>, direction: Direction, some: bool) -> Vec<Unprotected> {
    let asked = lister.asked;
    // A namespace as a whole hides who in it is not isolated.
    let by = if asked.by == By::Namespace { By::Workload } else { asked.by };
    let by_workload;
    let groups = if by == asked.by {
        lister.groups(direction)
    } else {
        let only: Option<HashSet<End>> = match direction {
            Direction::Ingress => asked.to.as_ref().map(|to| to.keys().copied().collect()),
            Direction::Egress => asked.from.clone(),
        };
        by_workload = Groups::new(lister.snapshot, lister.connectivity, by, only.as_ref());
        &by_workload
    };
    let mut of_class: HashMap<u32, Closed> = HashMap::new();
    let mut found: BTreeMap<String, Here> = BTreeMap::new();
    for (at, group) in (0..).zip(&groups.all) {
        let mut open: Vec<End> = Vec::new();
        let mut perhaps: Vec<End> = Vec::new();
        let mut place = None;
        let mut denied_in_part = false;
        for (class, ends) in group.members.by_class() {
            let Some(End::Pod(id)) = ends.first() else { continue };
            let pod = lister.snapshot.pod(*id);
            if pod.host_network || lister.is_elsewhere(*id) {
                continue;
            }
            place = Some(real_namespace(&pod.namespace));
            let closed = of_class
                .entry(class)
                .or_insert_with(|| closed(lister.snapshot, lister.rules, *id, direction));
            denied_in_part |= closed.denied && !closed.isolated.is_yes();
            match closed.isolated {
                Truth::No => open.extend(ends),
                Truth::Unknown => perhaps.extend(ends),
                Truth::Yes => {}
            }
        }
        let Some(place) = place.filter(|name| asked.namespace.as_ref().is_none_or(|n| n == name))
        else {
            continue;
        };
        let here = found.entry(place.to_owned()).or_default();
        here.denied_in_part |= denied_in_part;
        here.closed |= open.len() < group.members.ends().count();
        for (ends, told) in [(open, &mut here.ends), (perhaps, &mut here.perhaps)] {
            if ends.is_empty() {
                continue;
            }
            if group.representative.is_none() {
                here.told.extend(ends.iter().filter_map(|end| match end {
                    End::Pod(id) => Some(*id),
                    _ => None,
                }));
            }
            let part = if ends.len() == group.total { Part::Whole } else { Part::Pods(ends) };
            let end = lister.called(groups, &(Party::Group(at), part), Families::default());
            told.push((end, group.representative));
        }
    }
    let whole = |namespace: &str, here: &Here| {
        let mut policies = lister.rules.candidates(namespace, direction);
        let place = lister.snapshot.namespace(namespace);
        let isolates = policies.any(|(_, policy)| {
            policy.isolates
                && match &policy.subject.namespaces {
                    Namespaces::Own(own) => **own == *namespace,
                    Namespaces::Matching(selector) => {
                        place.is_none_or(|place| !place.matches(selector).is_no())
                    }
                }
        });
        !some && !here.closed && !isolates
    };
    let one = |(namespace, here): (String, Here)| {
        let whole = whole(&namespace, &here);
        let Here { ends, perhaps, told, denied_in_part, .. } = here;
        // Of a pod that is written nowhere nothing is said that is said of one like it.
        let like = |id: PodId| {
            let is = |known: &PodId| is_like(lister.snapshot.pod(*known), lister.snapshot.pod(id));
            told.iter().any(is)
        };
        let new = |all: Vec<(EndReport, Option<PodId>)>| -> Vec<EndReport> {
            let new = all.into_iter().filter(|(_, id)| !id.is_some_and(like));
            new.map(|(end, _)| end).collect()
        };
        let (ends, perhaps) = (new(ends), new(perhaps));
        Unprotected { namespace, direction, whole, ends, perhaps, denied_in_part }
    };
    let all = found.into_iter().map(one);
    all.filter(|one| !one.ends.is_empty() || !one.perhaps.is_empty()).collect()
}
