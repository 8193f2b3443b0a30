//! Pods that are not written, with the fewest labels that rules ask for.
//!
//! In: a rule, or two of both directions. Out: the pods that they mean, if what they ask for does not
//! contradict itself; and of one rule a pod at its other end that no policy isolates.

use super::known::at;
use super::place;
use super::ports::{At, meet};
use super::table::{Free, Places, Rules, Whom};
use crate::cluster::{NAMESPACE_NAME_LABEL, Name, Port, Requirement, Selector};
use crate::policy::Sight;
use crate::policy::rule::{Direction, Namespaces, PodSet, Policy};
use crate::unwritten::flows::{Who, subject};
use crate::unwritten::homes::Home;
use crate::unwritten::labels::{fewest, implies};
use crate::unwritten::search::{Also, FoundEnd, Goal, Group, How, Search, opposite};
use crate::unwritten::shape::{Label, Shape};
use crate::verdict::Endpoint;

impl<'a> Rules<'a> {
    /// A pod at the other end of a rule that no policy isolates there.
    pub(super) fn free(
        &mut self,
        search: &mut Search<'a>,
        half: usize,
        places: &Places,
    ) -> Option<Free> {
        let Whom::Pods(set, _) = &self.halves[half].whom else {
            // Nothing isolates the pods of any other namespace.
            let shape = self.shape(search, 0, [&[], &[]], [None, None])?;
            return Some(Free::Shape(shape, 0));
        };
        let (set, part) = (*set, self.halves[half].part);
        let direction = self.halves[half].policy.direction;
        let key = (set, direction);
        if let Some(known) = self.free.get(&key) {
            return known.clone();
        }
        let mut found = None;
        for (place, _) in places {
            found = self.free_in(search, set, opposite(direction), *place);
            if let Some(Free::Perhaps(place)) = found {
                // Labels besides might keep it out of a policy, which is a question for a search.
                let (before, home) = (search.found.len(), &self.homes[self.halves[half].home]);
                let other = &self.homes[place];
                let goal = Goal { also: Also::Free, ..Goal::new(Some(part), How::More(0)) };
                let whom = |home: &'a Home| Who::Unwritten(home, home.name.clone());
                search.pair(direction, &whom(home), &whom(other), &[goal], Group::Unwritten);
                let shape = search.found[before..].first().and_then(|found| {
                    let role = 1 - subject(direction);
                    match &found.ends[role] {
                        FoundEnd::Shape(shape, home) => Some((shape.clone(), *home)),
                        FoundEnd::Known(_) => None,
                    }
                });
                found = shape.map(|(shape, home)| Free::Shape(shape, home));
            }
            if found.is_some() {
                break;
            }
        }
        self.free.insert(key, found.clone());
        found
    }

    fn free_in(
        &self,
        search: &mut Search<'a>,
        set: &'a PodSet,
        direction: Direction,
        place: usize,
    ) -> Option<Free> {
        if self.closed[at(direction)][place] {
            return None;
        }
        let home = &self.homes[place];
        let asked = &set.pods.requirements;
        let policies = self.side.rules.candidates(&home.name, direction);
        let isolating: Vec<&Policy> = policies
            .map(|(_, policy)| policy)
            .filter(|p| p.isolates && matches!(p.subject.namespaces, Namespaces::Own(_)))
            .collect();
        let all = |policy: &&Policy| {
            policy.subject.pods.requirements.iter().all(|one| implies(asked, one))
        };
        if isolating.iter().any(all) {
            return None;
        }
        let selector = match &set.namespaces {
            Namespaces::Matching(selector) => Some(selector),
            Namespaces::Own(_) => None,
        };
        let shape = self.shape(search, place, [asked, &[]], [selector, None])?;
        let selects = |policy: &&Policy| {
            policy.subject.pods.requirements.iter().all(|one| one.holds_for(shape.label(&one.key)))
        };
        Some(if isolating.iter().any(selects) {
            Free::Perhaps(place)
        } else {
            Free::Shape(shape, place)
        })
    }

    /// The pods that two rules of both directions mean, the source first.
    pub(super) fn both(
        &self,
        search: &mut Search<'a>,
        half: usize,
        other: usize,
    ) -> Option<([(Shape, usize); 2], Port)> {
        let (one, two) = (&self.halves[half], &self.halves[other]);
        let port = meet(one.want, two.want, None, self.number)?;
        let of = [&one.policy.subject.pods.requirements, &two.policy.subject.pods.requirements];
        // In one namespace of which little is known both suppose the same of its labels.
        let spaces = [self.asked_of_spaces(other), self.asked_of_spaces(half)];
        let spaces = if one.home == two.home { [spaces; 2] } else { spaces.map(|one| [one, None]) };
        let here = self.shape(search, one.home, [of[0], self.asked_of_peers(other)], spaces[0])?;
        let there = self.shape(search, two.home, [of[1], self.asked_of_peers(half)], spaces[1])?;
        let arrives = self.arrives(half);
        let here = (with_ports(here, port, arrives), one.home);
        let there = (with_ports(there, port, !arrives), two.home);
        Some((if arrives { [there, here] } else { [here, there] }, port.0))
    }

    /// The subject of a rule as a pod that is not written, with its place.
    pub(super) fn subject(
        &self,
        search: &mut Search<'a>,
        half: usize,
        port: At<'a>,
    ) -> Option<(Shape, usize)> {
        let one = &self.halves[half];
        let asked = [&one.policy.subject.pods.requirements[..], &[]];
        let shape = self.shape(search, one.home, asked, [None, None])?;
        Some((with_ports(shape, port, self.arrives(half)), one.home))
    }

    /// A pod of a place that has the fewest labels of those that are asked for.
    pub(super) fn shape(
        &self,
        search: &mut Search<'a>,
        place: usize,
        asked: [&[Requirement]; 2],
        spaces: [Option<&Selector>; 2],
    ) -> Option<Shape> {
        let sight = || self.sight.get_or_init(|| Sight::of(self.side.rules));
        let mentions = |key: &str, value: &str| sight().mentions(key, value);
        let labels = fewest(asked.into_iter().flatten(), mentions)?;
        let home = &self.homes[place];
        let supposed: Vec<Label> = if home.labels.is_some() {
            Vec::new()
        } else {
            let asked = spaces.into_iter().flatten().flat_map(|one| &one.requirements);
            let named = |one: &&Requirement| *one.key != *NAMESPACE_NAME_LABEL;
            fewest(asked.filter(named), |key, value| place::mentions(self.side, key, value))?
        };
        let place = search.place(home, &home.name, supposed);
        Some(Shape { place, labels, ports: Vec::new() })
    }

    pub(super) fn known(&self, class: usize) -> FoundEnd {
        FoundEnd::Known(Endpoint::Pod(self.classes[class].ids[0]))
    }
}

/// A pod that calls its ports what two rules call them, where flows arrive at it.
pub(super) fn with_ports(mut shape: Shape, (port, names): At<'_>, arrives: bool) -> Shape {
    if arrives {
        let mut names: Vec<Name> = names.into_iter().flatten().cloned().collect();
        names.sort_unstable();
        names.dedup();
        shape.ports = names.into_iter().map(|name| (name, port)).collect();
    }
    shape
}
