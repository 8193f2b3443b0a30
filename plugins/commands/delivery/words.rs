//! How far Flux has brought what decides, in words.
//!
//! In: [`Delivery`]s and the policies of an answer that each makes, or should have made. Out:
//! [`DeliveryReport`]s, complete by themselves.

use netpol::answer::{DeliveryReport, DeliverySource, DeliveryState};
use netpol::cluster::ObjectRef;
use netpol::prose::list;
use netpol_sources::flux::{Delivery, Hindrance, Presence, SourceState, resume, short, title};

/// What is to be told of one [`Delivery`].
#[derive(Clone, Debug)]
pub(super) struct Delivered {
    /// The delivery.
    pub(super) delivery: Delivery,
    /// The policies of the answer that it has made, each with whoever last wrote it.
    pub(super) policies: Vec<(ObjectRef, Option<String>)>,
    /// The policies of the answer that it should make.
    pub(super) missing: Vec<MissingPolicy>,
}

/// A policy that is in files and not, or not so, in the cluster.
#[derive(Clone, Debug)]
pub(super) struct MissingPolicy {
    /// The policy.
    pub(super) object: ObjectRef,
    /// The file.
    pub(super) file: String,
    /// The cluster has it, but otherwise.
    pub(super) differs: bool,
    /// How the revision that the source has fetched has it, where that can be told.
    pub(super) presence: Option<Presence>,
}

/// Puts a delivery into words.
pub(super) fn told(delivered: &Delivered) -> DeliveryReport {
    let Delivered { delivery, policies, missing } = delivered;
    let mut sentences: Vec<String> =
        missing.iter().map(|it| missing_sentence(it, delivery)).collect();
    sentences.push(sentence(delivery));
    sentences.extend(drift(delivery, policies));
    let mut next = next(delivery, missing);
    if next.is_none() && delivery.state() == DeliveryState::UpToDate {
        let (why, what) = unmade(delivered);
        sentences.extend(why);
        next = what;
    }
    let text = |name: &str| name.to_owned();
    DeliveryReport {
        kind: delivery.object.kind.to_string(),
        namespace: delivery.object.namespace.as_deref().map(text),
        name: delivery.object.name.to_string(),
        state: delivery.state(),
        revision: delivery.applied.clone(),
        source: delivery.source.as_ref().map(|source| DeliverySource {
            kind: source.object.kind.to_string(),
            namespace: source.object.namespace.as_deref().map(text),
            name: source.object.name.to_string(),
            revision: source.revision.clone(),
        }),
        policies: policies.iter().map(|(object, _)| object.to_string()).collect(),
        missing: missing.iter().map(|it| it.object.to_string()).collect(),
        message: sentences.join(" "),
        next,
    }
}

/// How far it is, and why no further.
fn sentence(delivery: &Delivery) -> String {
    let object = title(&delivery.object);
    let cause = cause(delivery);
    if delivery.hindrances.contains(&Hindrance::Gone) {
        return format!("There is no {object} any more.");
    }
    let behind = delivery.is_behind();
    let applied = delivery.applied.as_deref().map(short);
    let fetched = delivery.source.as_ref().and_then(|source| source.revision.as_deref());
    let source = delivery.source.as_ref().map(|source| title(&source.object));
    let effect = match (behind, applied, fetched.map(short), source) {
        (Some(true), Some(applied), Some(fetched), Some(source)) => {
            format!("last applied {applied} and not yet {fetched} of {source}")
        }
        (Some(true), None, Some(fetched), Some(source)) => {
            format!("has applied nothing yet of {source}, which is at {fetched}")
        }
        (Some(false), Some(applied), _, Some(source)) => {
            format!("has applied {applied}, all that {source} has")
        }
        (_, Some(applied), ..) => format!("last applied {applied}"),
        (_, None, _, Some(_)) => "tells no revision that it has applied".to_owned(),
        (_, None, _, None) if cause.is_none() => "is ready".to_owned(),
        (_, None, _, None) => String::new(),
    };
    let elsewhere = if delivery.remote { ", in another cluster than this" } else { "" };
    // What a source fails at is no reason not to apply what it has.
    let because = behind == Some(true) && !delivery.hindrances.is_empty();
    match (effect.as_str(), cause) {
        ("", Some(cause)) => format!("Of {object}: {cause}."),
        (effect, Some(cause)) if because => {
            format!("{object} {effect}{elsewhere}, because {cause}.")
        }
        (effect, Some(cause)) => format!("{object} {effect}{elsewhere}; {cause}."),
        (effect, None) => format!("{object} {effect}{elsewhere}."),
    }
}

/// What holds it up, the nearest first: itself, else its source.
fn cause(delivery: &Delivery) -> Option<String> {
    let own = delivery.hindrances.first().map(|it| hindrance("it", it));
    let of_source = |source: &SourceState| {
        source.hindrances.first().map(|it| hindrance(&title(&source.object), it))
    };
    own.or_else(|| of_source(delivery.source.as_ref()?))
}

fn hindrance(what: &str, hindrance: &Hindrance) -> String {
    let with = |message: &str| {
        let message = message.trim_end_matches('.');
        if message.is_empty() { String::new() } else { format!(": {message}") }
    };
    match hindrance {
        Hindrance::Gone => format!("{what} does not exist"),
        Hindrance::Unread(why) => format!("{what} could not be read{}", with(why)),
        Hindrance::Going => format!("{what} is being deleted"),
        Hindrance::Suspended => format!("{what} is suspended"),
        Hindrance::Failing { reason, message } if reason.is_empty() => {
            format!("{what} fails{}", with(message))
        }
        Hindrance::Failing { reason, message } => {
            format!("{what} fails with {reason}{}", with(message))
        }
        Hindrance::Underway(message) => format!("{what} is at work{}", with(message)),
        Hindrance::Unobserved => {
            format!("{what} was changed, which its controller has not seen yet")
        }
        Hindrance::Unreported => format!("{what} was never looked at: its controller may not run"),
        Hindrance::Empty => format!("{what} has fetched nothing"),
    }
}

/// Where Flux did not write what it owns, it will do so again.
fn drift(delivery: &Delivery, policies: &[(ObjectRef, Option<String>)]) -> Option<String> {
    let (changed, by): (Vec<String>, Vec<&String>) = policies
        .iter()
        .filter_map(|(object, by)| Some((object.to_string(), by.as_ref()?)))
        .filter(|(_, by)| *by != controller(delivery))
        .unzip();
    let by = *by.first()?;
    let (changed, were) = (list(&changed, "and"), if changed.len() > 1 { "were" } else { "was" });
    Some(format!("{changed} {were} changed by {by} since, which reconciling takes back."))
}

/// What a policy that is only in files is to Git.
fn missing_sentence(missing: &MissingPolicy, delivery: &Delivery) -> String {
    let MissingPolicy { object, file, differs, presence } = missing;
    let cluster = if *differs { "the cluster has it otherwise" } else { "not in the cluster" };
    let revision = delivery.source.as_ref().and_then(|source| source.revision.as_deref());
    let revision = revision.map_or_else(|| "the source's revision".to_owned(), short);
    match presence {
        Some(Presence::Same) if *differs => format!("{object} is in Git at {revision}; {cluster}."),
        Some(Presence::Same) => format!("{object} is in Git at {revision} but {cluster}."),
        Some(Presence::Other) if *differs => {
            format!("Both Git at {revision} and the cluster have {object} otherwise than {file}.")
        }
        Some(Presence::Other) => {
            format!("{object} is {cluster}, and Git has it at {revision} otherwise than {file}.")
        }
        Some(Presence::Absent) if *differs => {
            format!("{object} is not in Git at {revision}; {cluster}.")
        }
        Some(Presence::Absent) => {
            format!("{object} is neither in the cluster nor in Git at {revision}.")
        }
        Some(Presence::NoCommit) | None => {
            let unknown = if presence.is_some() {
                format!(
                    " Whether Git has it at {revision} is not known, since this clone does not have \
                     that commit."
                )
            } else {
                String::new()
            };
            if *differs {
                format!("The cluster has {object} otherwise than {file}.{unknown}")
            } else {
                format!("{object} is {cluster}.{unknown}")
            }
        }
    }
}

/// What to do about it.
fn next(delivery: &Delivery, missing: &[MissingPolicy]) -> Option<String> {
    let with = |presence: Presence| missing.iter().find(|it| it.presence == Some(presence));
    if let Some(it) = with(Presence::Absent).or_else(|| with(Presence::Other)) {
        return Some(format!("Commit and push {}.", it.file));
    }
    if with(Presence::NoCommit).is_some() {
        return Some("`git fetch` brings that commit here.".to_owned());
    }
    let suspended = |all: &[Hindrance]| all.contains(&Hindrance::Suspended);
    if suspended(&delivery.hindrances) {
        return Some(format!("`{}` lets it go on.", resume(&delivery.object)));
    }
    match delivery.state() {
        DeliveryState::Behind => {
            if let Some(source) = delivery.source.as_ref().filter(|it| suspended(&it.hindrances)) {
                return Some(format!("`{}` lets its source go on.", resume(&source.object)));
            }
            Some("Add --reconcile to have Flux apply it now.".to_owned())
        }
        DeliveryState::SourceNotReady => {
            let source = delivery.source.as_ref().filter(|it| suspended(&it.hindrances))?;
            Some(format!("`{}` lets its source go on.", resume(&source.object)))
        }
        _ => None,
    }
}

/// Why what Git has is not in the cluster although all of Git was applied, and what to do.
fn unmade(delivered: &Delivered) -> (Option<String>, Option<String>) {
    let Delivered { delivery, policies, missing } = delivered;
    let back = || Some("Add --reconcile to have Flux put it back now.".to_owned());
    let Some(it) = missing.iter().find(|it| it.presence == Some(Presence::Same)) else {
        return (None, drift(delivery, policies).and_then(|_| back()));
    };
    let MissingPolicy { object, file, differs, .. } = it;
    let labelled = policies.iter().find(|(policy, _)| policy == object);
    match labelled {
        // Another's hand was told of already.
        Some((_, Some(by))) if *differs && by != controller(delivery) => (None, back()),
        Some(_) => {
            let path = delivery.path.as_deref().unwrap_or("./");
            (
                Some(format!("It makes {object} otherwise than {file}.")),
                Some(format!(
                    "Does its path, {path}, lead to that file, and do its patches and variables \
                     leave the policy as it is?"
                )),
            )
        }
        None if delivery.made.contains(object) && !differs => {
            (Some(format!("{object} was deleted since.")), back())
        }
        None => (
            Some(format!("It makes no {object} of it.")),
            Some(format!("Is {file} among the resources of its kustomization.yaml?")),
        ),
    }
}

/// Who writes what an object of Flux makes.
fn controller(delivery: &Delivery) -> &'static str {
    match &*delivery.object.kind {
        "Kustomization" => "kustomize-controller",
        _ => "helm-controller",
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
