//! What a list of one side cannot do without.
//!
//! In: one side. Out: for each rule that no known pods show a flow that it allows or refuses, and for
//! each place a pod that nothing isolates. Where there are too many rules, less is asked, and that is said.

use super::super::flows::Who;
use super::super::parts::{Part, What, all};
use super::shown::{is_clear, is_inhabited, is_shown};
use super::{Also, Goal, Group, How, Search};
use crate::policy::rule::{Action, Direction};

/// What takes a search is asked in each place: where there are more questions, rules that known pods
/// answer in part are left out.
const MOST_ASKED: usize = 4_000;

/// Where rules laid side by side bring more pods, their rows among each other would be millions.
const MOST_FOUND: usize = 1_000;

/// Where as many are left, none is asked.
const MOST_LEFT: usize = 20_000;

impl Search<'_> {
    /// Looks for what rules of one side allow and refuse. A pod that no policy isolates the other way
    /// shows what a rule does for every pod it speaks for; only where there is none such are rules of
    /// both ends looked at in pairs. What known pods show is not looked for.
    /// Where rules times places are more than `each`, that is done by laying rules side by side, as
    /// far as they only isolate and allow.
    pub(in crate::unwritten) fn effects(&mut self, each: u64) {
        let [side] = self.sides else { return };
        let parts = all(0, side.rules);
        let parts: Vec<Part> = parts.into_iter().filter(|p| p.what != What::Isolation).collect();
        let (allow, refuse): (Vec<Part>, Vec<Part>) =
            parts.iter().partition(|part| self.action(**part) == Some(Action::Allow));
        let rules = self.rules();
        let questions = |parts: &[Part]| parts.len().saturating_mul(self.homes.len());
        let many = questions(&allow) as u64 > each;
        let asked = if many { self.by_rules(&allow) } else { allow.clone() };
        if many && self.found.len() > MOST_FOUND {
            self.found.clear();
            self.give_up_all();
            return;
        }
        let few = asked.len().saturating_mul(self.homes.len()) <= MOST_ASKED;
        let new = |part: &&Part| {
            let is_there = if few { is_shown } else { is_inhabited };
            !is_there(side, part.policy(&rules), **part)
        };
        let unshown: Vec<Part> = asked.iter().filter(new).copied().collect();
        self.coarse = !few && unshown.len() < asked.len();
        if unshown.len().saturating_mul(self.homes.len()) > MOST_LEFT {
            // What would be found, too, would be more than anybody reads.
            self.give_up_all();
            return;
        }
        let goal = |part: &Part, also| Goal { also, ..Goal::new(Some(*part), How::More(0)) };
        for direction in Direction::ALL {
            for (place, home) in self.homes.iter().enumerate() {
                let who = Who::Unwritten(home, home.name.clone());
                let unshown = self.relevant(&unshown, direction, home);
                let free = unshown.iter().map(|part| goal(part, Also::Free));
                let refuse = self.relevant(&refuse, direction, home);
                let refuse = refuse.iter().map(|part| goal(part, Also::Whatever));
                let open = Goal { open: Some((direction, place)), ..Goal::new(None, How::More(0)) };
                let open = (!is_clear(side, home, direction)).then_some(open);
                let goals: Vec<Goal> = free.chain(refuse).chain(open).collect();
                self.subject(direction, (place, &who), &goals, &[], &[]);
            }
        }
        for direction in Direction::ALL {
            let others: Vec<Part> =
                allow.iter().filter(|part| part.direction(&rules) != direction).copied().collect();
            for home in self.homes {
                let who = Who::Unwritten(home, home.name.clone());
                let mut open = self.relevant(&unshown, direction, home);
                let done = &self.done;
                open.retain(|p| {
                    !done.contains(&(Goal::new(Some(*p), How::More(0)), Group::Unwritten))
                });
                for part in open {
                    if self.is_over() {
                        break;
                    }
                    let goals = others.iter().map(|other| goal(&part, Also::Part(*other)));
                    let goals: Vec<Goal> = goals.collect();
                    for other in self.homes {
                        self.pair(
                            direction,
                            &who,
                            &Who::Unwritten(other, other.name.clone()),
                            &goals,
                            Group::Unwritten,
                        );
                    }
                }
            }
        }
        self.finish();
    }
}
