//! What was not read of two sides, and whether it can turn what is said of them.
//!
//! In: the gaps of both snapshots, and the objects that are refused. Out: [`Unread`]: what only one side
//! has makes the comparison incomplete, unless it is accepted; what is the same on both is one line.

use super::DiffReport;
use super::asked::{Compared, DiffAsked};
use crate::answer::missing::MissingReport;
use crate::answer::vocabulary::Missing;
use crate::answer::warnings::{self, Warning};
use crate::cluster::{Gap, ObjectRef, Origin};
use crate::policy::{RefusedBy, Remark};
use crate::prose::list;
use std::collections::{BTreeSet, HashMap, HashSet};

/// More are counted only.
const MOST_NAMED: usize = 3;

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
            if is_accepted(&asked.accepted, gap.kind.as_deref(), path(&gap.what)) {
                unread.accepted.push(gap.clone());
            } else {
                unread.one_sided.push((side, gap.clone()));
            }
        }
        unread.same.retain(|gap| {
            let accepted = is_accepted(&asked.accepted, gap.kind.as_deref(), path(&gap.what));
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
                only.filter(|it| !is_accepted(&asked.accepted, Some(&it.object.kind), &file(it)));
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

/// The path of `file:line:column`.
fn path(what: &str) -> &str {
    let mut path = what;
    for _ in 0..2 {
        match path.rsplit_once(':') {
            Some((head, tail)) if !tail.is_empty() && tail.bytes().all(|b| b.is_ascii_digit()) => {
                path = head;
            }
            _ => break,
        }
    }
    path
}

fn file(remark: &Remark) -> String {
    match &remark.origin {
        Origin::Manifest { file, .. } => file.display().to_string(),
        Origin::Rendered { of, .. } => of.file.display().to_string(),
        Origin::Live { .. } | Origin::Synthetic => String::new(),
    }
}

/// Whether one of these is the kind, with or without its group, or the path, as a whole or from some
/// directory on.
fn is_accepted(accepted: &[String], kind: Option<&str>, path: &str) -> bool {
    accepted.iter().any(|word| {
        let of_kind = kind.is_some_and(|kind| {
            let short = kind.split('.').next().unwrap_or_default();
            word.eq_ignore_ascii_case(kind) || word.eq_ignore_ascii_case(short)
        });
        let wanted: Vec<&str> = parts(word).collect();
        let there: Vec<&str> = parts(path).collect();
        of_kind || (!wanted.is_empty() && there.windows(wanted.len()).any(|some| some == wanted))
    })
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".")
}

/// The first of them, and how many more there are.
fn named(all: impl Iterator<Item = String>) -> String {
    let mut seen = HashSet::new();
    let mut all: Vec<String> = all.filter(|name| seen.insert(name.clone())).collect();
    if all.len() > MOST_NAMED + 1 {
        let more = all.len() - MOST_NAMED;
        all.truncate(MOST_NAMED);
        all.push(format!("{more} more"));
    }
    list(&all, "and")
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
        let says = "--accept-unread=PATH says that it does not matter";
        if !unread.one_sided.is_empty() {
            let names = unread.one_sided.iter().map(|(_, gap)| gap.what.clone());
            let message = format!("what is not read may change flows: {}; {says}", named(names));
            self.incomplete(MissingReport { why: Missing::Unread, message, brought_by: None });
        }
        for (side, gap) in &unread.one_sided {
            let (name, Gap { what, why, .. }) = (sides[*side].name, gap);
            let message = format!("in {name}: not read: {what}: {why}");
            let like = Some(format!("{name}: {why}"));
            self.warnings.push(Warning { message, location: None, like });
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_accepted() {
        let accepted = |word: &str, kind, path| is_accepted(&[word.to_owned()], kind, path);
        for (word, wanted) in [
            ("charts", true),
            ("./charts/", true),
            ("new/charts/web", true),
            ("charts/web/deny.yaml", true),
            ("chart", false),
            ("web/charts", false),
            ("", false),
            ("networkpolicy", true),
            ("NetworkPolicy.projectcalico.org", true),
            ("projectcalico.org", false),
        ] {
            let kind = Some("NetworkPolicy.projectcalico.org");
            assert_eq!(accepted(word, kind, "new/charts/web/deny.yaml"), wanted, "{word}");
        }
        assert_eq!(path("a/b.yaml:12:3"), "a/b.yaml");
        assert_eq!(path("git:HEAD:k8s/b.yaml"), "git:HEAD:k8s/b.yaml");
        assert_eq!(path("nodes"), "nodes");
    }
}
