//! Rules that let none of the known pods through which they name, and others.
//!
//! In: what was found of pods that are written nowhere, and what is asked. Out: an [`OnlyOthers`] for
//! each such rule, and a note that says how many there are. They are no rows: where there are very many
//! rules there are thousands, of which each says what a pod could do that nobody has.

use super::{FlowPorts, ListAsked, OnlyOthers};
use crate::answer::end::BroughtBy;
use crate::answer::place::short;
use crate::cluster::{Name, Snapshot, real_namespace};
use crate::reach::End;
use crate::unwritten::{self, Shape, Unwritten};
use crate::verdict::{Passage, Verdict};
use foldhash::HashSet;

/// Those that are asked for: none of what is exposed, since a rule that names pods exposes none.
pub(super) fn only_others(
    snapshot: &Snapshot,
    unwritten: Option<&Unwritten>,
    asked: &ListAsked,
) -> Vec<OnlyOthers> {
    if asked.exposed {
        return Vec::new();
    }
    let spaces = |ends: &mut dyn Iterator<Item = &End>| -> HashSet<Name> {
        let pods = ends.filter_map(|end| match end {
            End::Pod(id) => Some(snapshot.pod(*id).namespace.clone()),
            End::Node(_) | End::Address(_) => None,
        });
        pods.collect()
    };
    let from = asked.from.as_ref().map(|from| spaces(&mut from.iter()));
    let to = asked.to.as_ref().map(|to| spaces(&mut to.keys()));
    let is_asked = |found: &&unwritten::OnlyOthers| {
        let [source, destination] = [&found.source, &found.destination].map(Shape::namespace);
        let [source, destination] = [&source, &destination].map(|name| real_namespace(name));
        let here = |only: &String| *only == *source || *only == *destination;
        from.as_ref().is_none_or(|from| from.contains(source))
            && to.as_ref().is_none_or(|to| to.contains(destination))
            && asked.namespace.as_ref().is_none_or(here)
    };
    let all = unwritten.into_iter().flat_map(|unwritten| &unwritten.only_others);
    all.filter(is_asked).map(OnlyOthers::of).collect()
}

impl OnlyOthers {
    fn of(found: &unwritten::OnlyOthers) -> Self {
        let port = found.port;
        Self {
            brought_by: BroughtBy::of(&found.brought_by),
            source: found.source.words(),
            destination: found.destination.words(),
            port: FlowPorts { protocol: port.protocol, port: port.number, end_port: None },
            verdict: match found.passage {
                Passage::OnCondition | Passage::Allowed => Verdict::Allowed,
                Passage::Unknown | Passage::Denied => Verdict::Unknown,
            },
            rule: format!("{} {}", found.brought_by.object, short(&found.brought_by.path)),
        }
    }
}

/// How many there are, with one of them.
pub(super) fn note(all: &[OnlyOthers]) -> Option<String> {
    let certain = all.iter().filter(|one| one.verdict == Verdict::Allowed).count();
    let one = all.iter().find(|one| one.verdict == Verdict::Allowed).or(all.first())?;
    let perhaps = all.len() - certain;
    let perhaps = match (certain, perhaps) {
        (0, _) => " perhaps".to_owned(),
        (_, 0) => String::new(),
        (_, perhaps) => format!(", {perhaps} of them perhaps,"),
    };
    let rules = if all.len() == 1 { "1 rule lets" } else { &format!("{} rules let", all.len()) };
    let OnlyOthers { source, destination, rule, .. } = one;
    Some(format!(
        "{rules}{perhaps} none of the known pods through that they name, only others, such as {source} \
         to {destination} ({rule}); -o json has them all"
    ))
}
