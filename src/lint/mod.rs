//! What policies do not do that they seem to.
//!
//! In: a snapshot and its rules. Out: [`AllFound`]: each with the row of the one table of lints
//! ([`lints`](crate::lints)), the object and field that it is about, and the others that it is about too.
//! What the lowering of each dialect tells is among them. `dead.rs` finds what may be taken away without
//! any flow changing: what one other rule covers by what both ask for (`cover.rs`, `within.rs`), and what several do
//! together by the engines (`proved.rs`). `known.rs` compares rules with the pods, Services and namespaces
//! that are known, `written.rs` looks at what is written alone and `versions.rs` at what other
//! versions read otherwise, and `closed.rs` asks for rules of which the
//! other side lets nothing through. `config.rs` reads a team's own settings. What was not looked at to the
//! end is in the answer, and what is not known is no finding.

mod closed;
mod config;
mod cover;
mod dead;
mod found;
mod known;
mod pods;
mod proved;
mod versions;
mod within;
mod written;

pub use config::{Allow, ConfigError, Settings, allow, settings, settings_schema};
pub use found::{AllFound, Found, Place};

use crate::cluster::{Name, ObjectRef, Origin, Snapshot};
use crate::effort::Effort;
use crate::lints::Lint;
use crate::policy::{Remark, Ruleset};
use crate::system::{self, System};
use crate::verdict::Verdict;

/// Everything that is found in the rules of one side. `only` is a namespace.
pub fn lint(snapshot: &Snapshot, rules: &Ruleset, only: Option<&str>, effort: Effort) -> AllFound {
    let mut found = AllFound::default();
    remarks(rules, &mut found);
    dead::contradictions(rules, &mut found);
    let index = cover::Index::new(snapshot, rules);
    dead::dead(snapshot, rules, &index, effort, &mut found);
    written::written(snapshot, rules, &index, &mut found);
    versions::versions(rules, &mut found);
    let pods = pods::Pods::new(snapshot);
    known::known(snapshot, rules, &pods, &mut found);
    closed::closed(snapshot, rules, &pods, effort, &mut found);
    cut(snapshot, rules, &mut found);
    if let Some(only) = only {
        found.all.retain(|it| it.about.object.namespace.as_deref() == Some(only));
    }
    let key = |it: &Found| (it.about.object.clone(), it.about.path.clone(), it.lint);
    found.all.sort_by_cached_key(key);
    found.all.dedup();
    found
}

/// What the lowering of the dialects tells.
fn remarks(rules: &Ruleset, found: &mut AllFound) {
    for remark in rules.rejected.iter().chain(&rules.lints) {
        let Remark { object, origin, faults, .. } = remark;
        for fault in faults {
            let (object, origin) = (object.clone(), origin.clone());
            let about = Place { object, origin, path: fault.path.clone() };
            let (lint, message) = (remark.lint(fault), fault.message.clone());
            found.all.push(Found { lint, message, about, others: Vec::new() });
        }
    }
}

/// What the cluster depends on and policies cut. Who may not ask DNS is told of the policies themselves.
fn cut(snapshot: &Snapshot, rules: &Ruleset, found: &mut AllFound) {
    let mut all = System::default();
    system::calls(snapshot, rules, &mut all);
    system::probes(snapshot, rules, &mut all);
    system::metrics(snapshot, rules, &mut all);
    found.not_looked_at.append(&mut all.missing);
    for flow in all.flows.into_iter().filter(|it| it.verdict == Some(Verdict::Denied)) {
        let ports = flow.ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let mut message = format!("{} to {} {ports} is cut", flow.source, flow.destination);
        for more in flow.why.iter().chain(&flow.then) {
            message.push_str("; ");
            message.push_str(more);
        }
        let (kind, name) = flow.by.split_once('/').unwrap_or(("", &flow.by));
        let namespace = flow.namespaces.last().cloned();
        let object = ObjectRef { kind: kind.into(), namespace, name: Name::from(name) };
        let about = Place { object, origin: Origin::Synthetic, path: String::new() };
        found.all.push(Found { lint: Lint::SystemCut, message, about, others: Vec::new() });
    }
}
