//! Kustomizations of which it is not known whether what is here of them is in force.
//!
//! In: those that were followed, and who made them. Out: what is told of each, and of all that it makes the
//! same. What is here is read, so that its pods are there; but of its policies nothing is known.
//!
//! Source: docs/semantics/flux.md#what-is-not-in-force-for-sure.

use super::object::{Kustomization, title};
use super::own::same;
use super::rounds::{KIND, named, not_made};
use crate::tree::Named;
use netpol::cluster::Gap;
use netpol::objects::Warning;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is told of those that make objects, by what these are called.
pub(super) type Doubts = BTreeMap<Arc<str>, Gap>;

/// Looks for them. `met` are all that were met, followed or not; `of_source` says what is not known of a
/// source; `circle` are those that depend on one another, of which it is told already.
pub(super) fn doubts(
    followed: &[Kustomization],
    met: &[Named],
    makers: &BTreeMap<Named, Named>,
    circle: (&[Named], Option<&Warning>),
    of_source: &dyn Fn(&Kustomization) -> Option<String>,
) -> (Vec<Warning>, Doubts) {
    let (mut warnings, mut all) = (Vec::new(), BTreeMap::<&Named, Gap>::new());
    // Those of which Flux applies nothing, so that it applies nothing of what depends on them.
    let mut blocked = Vec::new();
    for it in followed {
        if circle.0.contains(&it.named) {
            all.extend(circle.1.and_then(Warning::gap).map(|gap| (&it.named, gap)));
            blocked.push(&it.named);
            continue;
        }
        let missing = it.spec.depends_on.iter();
        let missing =
            missing.filter(|wanted| !met.iter().any(|met| wanted.means(&it.named.0, met)));
        let missing: Vec<String> =
            missing.map(|wanted| title("Kustomization", &wanted.from(&it.named.0))).collect();
        let why = if it.spec.suspend {
            " is suspended: what Flux applied before is in force, which need not be what is here"
                .to_owned()
        } else if !missing.is_empty() {
            blocked.push(&it.named);
            format!(
                " depends on {}, which nothing here makes: Flux applies nothing of it before that is there",
                named(&missing)
            )
        } else if let Some(why) = of_source(it) {
            format!(": {why}")
        } else {
            continue;
        };
        let mut warning = not_made(&it.place, KIND, format!("{}{why}", it.title()));
        // For the same reason the same is in force, whatever is here.
        warning.text = Some(warning.message.as_str().into());
        all.extend(warning.gap().map(|gap| (&it.named, gap)));
        warnings.push(warning);
    }
    while let Some(next) = followed.iter().find_map(|it| {
        let on = |other: &&&Named| it.spec.depends_on.iter().any(|on| on.means(&it.named.0, other));
        let is_new = !blocked.iter().any(|done| same(done, &it.named));
        let on = blocked.iter().find(on).filter(|_| is_new)?;
        Some((&it.named, *on))
    }) {
        let (it, on) = next;
        blocked.push(it);
        if let Some(gap) = all.get(on).cloned() {
            all.entry(it).or_insert(gap);
        }
    }
    // Whoever makes another one was followed before it.
    for it in followed {
        let maker = makers.get(&it.named).filter(|maker| **maker != it.named);
        if let Some(gap) = maker.and_then(|maker| all.get(maker)).cloned() {
            all.entry(&it.named).or_insert(gap);
        }
    }
    let titles = all.into_iter().map(|(it, gap)| (title("Kustomization", it).into(), gap));
    (warnings, titles.collect())
}
