//! What was not read of two sides, and whether it can turn what is said of them.
//!
//! In: the gaps of both snapshots, and the objects that are refused. Out: [`Unread`]: what only one side
//! has makes the comparison incomplete, unless it is accepted; what is the same on both is one line.

use super::DiffReport;
use super::asked::{Compared, DiffAsked};
use crate::answer::missing::{ACCEPT_UNREAD, MissingReport, named};
use crate::answer::vocabulary::Missing;
use crate::answer::warnings::{self, Warning};
use crate::cluster::{Gap, ObjectRef, Origin, named_by};
use crate::policy::{RefusedBy, Remark};
use foldhash::{HashMap, HashMapExt as _, HashSet};
use std::collections::BTreeSet;

/// What was not read, by what it means for a comparison.
#[derive(Default)]
pub(super) struct Unread {
    /// The side and what it is, where the other side does not have the same.
    one_sided: Vec<(usize, Gap)>,
    same: Vec<Gap>,
    accepted: Vec<Gap>,
    /// Objects that only one side would have refused.
    refused: Vec<ObjectRef>,
}

impl Unread {
    pub(super) fn of(sides: &[Compared<'_>; 2], asked: &DiffAsked) -> Self {
        let mut unread = Self::default();
        let mut old: HashMap<Key<'_>, Vec<&Gap>> = HashMap::new();
        let keyed = |i: usize| sides[i].snapshot.gaps.iter().map(move |gap| (key(gap), gap));
        let mut alone: Vec<(usize, &Gap)> = Vec::new();
        for (key, gap) in keyed(0) {
            old.entry(key).or_default().push(gap);
        }
        for (key, gap) in keyed(1) {
            // What has no text may say something else on either side.
            let comparable = gap.text.is_some() || asked.one_reading;
            match old.get_mut(&key).filter(|_| comparable).and_then(Vec::pop) {
                Some(_) => unread.same.push(gap.clone()),
                None => alone.push((1, gap)),
            }
        }
        alone.extend(old.into_values().flatten().map(|gap| (0, gap)));
        alone.sort_by(|(a, x), (b, y)| (b, &x.what).cmp(&(a, &y.what)));
        for (side, gap) in alone {
            if gap.is_among(&asked.accepted) {
                unread.accepted.push(gap.clone());
            } else {
                unread.one_sided.push((side, gap.clone()));
            }
        }
        unread.same.retain(|gap| {
            let accepted = gap.is_among(&asked.accepted);
            if accepted {
                unread.accepted.push(gap.clone());
            }
            !accepted
        });
        let refused = |i: usize| {
            let all = sides[i].rules.rejected.iter();
            all.filter(|remark| remark.refused_by == Some(RefusedBy::ApiServer))
        };
        for i in [1, 0] {
            let others: HashSet<&ObjectRef> = refused(1 - i).map(|it| &it.object).collect();
            let only = refused(i).filter(|it| !others.contains(&it.object));
            let only =
                only.filter(|it| !named_by(&asked.accepted, Some(&it.object.kind), &file(it)));
            unread.refused.extend(only.map(|remark| remark.object.clone()));
        }
        unread
    }

    /// Whether it may hold a policy that isolates, on both sides alike.
    pub(super) fn may_isolate(&self) -> bool {
        self.same.iter().any(|gap| gap.text.is_some())
    }
}

/// What says whether two are the same.
type Key<'a> = (Option<&'a str>, &'a str, Option<&'a str>);

/// By its text wherever it is, or else by its name.
fn key(gap: &Gap) -> Key<'_> {
    match &gap.text {
        Some(text) => (Some(text), &gap.why, None),
        None => (None, &gap.why, Some(&gap.what)),
    }
}

fn file(remark: &Remark) -> String {
    match &remark.origin {
        Origin::Manifest { file, .. } => file.display().to_string(),
        Origin::Rendered { of, .. } => of.file.display().to_string(),
        Origin::Live { .. } | Origin::Synthetic => String::new(),
    }
}

/// The first with its reason.
fn line(how: &str, gaps: &[Gap]) -> Option<Warning> {
    let first = gaps.first()?;
    let more = match gaps.len() - 1 {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let message = format!("not read, {how}: {}: {}{more}", first.what, first.why);
    Some(Warning::new(message, None))
}

impl DiffReport {
    /// Tells what was not read; `something` differs of what was.
    pub(super) fn tell_unread(
        &mut self,
        unread: &Unread,
        something: impl Fn() -> bool,
        sides: &[Compared<'_>; 2],
    ) {
        let says = ACCEPT_UNREAD;
        if !unread.one_sided.is_empty() {
            let names = unread.one_sided.iter().map(|(_, gap)| gap.what.clone());
            let message = format!("what is not read may change flows: {}; {says}", named(names));
            self.incomplete(MissingReport { why: Missing::Unread, message, brought_by: None });
        }
        for (side, gap) in &unread.one_sided {
            let (name, Gap { what, why, .. }) = (sides[*side].name, gap);
            let message = format!("in {name}: not read: {what}: {why}");
            let like = Some(format!("{name}: {why}"));
            self.warnings.push(Warning { message, lint: None, location: None, like });
        }
        // A rule of an ordered tier may send a flow on to where something differs.
        let ordered = sides.iter().any(|side| side.rules.traits().denies);
        if ordered && unread.may_isolate() && something() {
            let names = unread.same.iter().map(|gap| gap.what.clone());
            let message = format!(
                "what is not read may decide before what differs: {}; {says}",
                named(names)
            );
            self.incomplete(MissingReport { why: Missing::Unread, message, brought_by: None });
        }
        if !unread.refused.is_empty() {
            let names = unread.refused.iter().map(ToString::to_string);
            let message = format!(
                "what is refused may stay as it was, or not come to be: {}; {says}",
                named(names)
            );
            self.incomplete(MissingReport { why: Missing::Refused, message, brought_by: None });
        }
        self.warnings.extend(line("and the same on both sides", &unread.same));
        self.warnings.extend(line("as accepted", &unread.accepted));
    }

    /// Tells of selectors that nothing can match, where the old side does not have them.
    pub(super) fn tell_dead(&mut self, new: &Compared<'_>, old: &Compared<'_>) {
        let known: BTreeSet<_> = crate::unwritten::dead(old.rules).into_iter().collect();
        for dead in crate::unwritten::dead(new.rules) {
            if known.contains(&dead) {
                continue;
            }
            let policies = new.rules.policies().iter();
            let mut of = policies.filter(|policy| policy.object == dead.at.object);
            let location = of.next().and_then(|policy| (new.locate)(&policy.origin, &dead.at.path));
            let message = format!("in {}: {}", new.name, warnings::dead(&dead));
            self.warnings.push(Warning::new(message, location));
        }
    }
}
