//! Staged policies, as if they were in force.
//!
//! In: the objects that are written. Out: the same, with each staged policy in the place of the one for
//! which it stands, and without those whose removal is staged. Source:
//! docs/semantics/calico.md#staged-policies.

use super::super::dialect::Dialect as _;
use super::super::{Fault, Remark, WrittenObject, networkpolicy};
use super::written::{Body, Policy, Spec};
use crate::cluster::ObjectRef;
use crate::kinds::Kind;
use crate::lints::Lint;
use serde::Deserialize;
use serde_json::Value;

/// The field that says what becomes of the policy.
pub(super) const ACTION: &str = "stagedAction";

/// What is staged: a kind, and the kind of what it stands for.
const STAGED: &[(Kind, Kind)] = &[
    (Kind::CalicoStagedNetworkPolicy, Kind::CalicoNetworkPolicy),
    (Kind::CalicoStagedGlobalNetworkPolicy, Kind::CalicoGlobalNetworkPolicy),
    (Kind::CalicoStagedKubernetesNetworkPolicy, Kind::NetworkPolicy),
];

/// Puts what is staged in force; what cannot be read joins what is undecodable, and what is to be said of
/// the others is given back.
pub(in crate::policy) fn enforce(
    objects: &mut Vec<WrittenObject>,
    undecodable: &mut Vec<Remark>,
) -> Vec<Remark> {
    let (staged, others): (Vec<_>, Vec<_>) =
        std::mem::take(objects).into_iter().partition(|it| body(it).is_some());
    *objects = others;
    let mut told = Vec::new();
    for object in staged {
        let Some(text) = body(&object).cloned() else { continue };
        let mut tell = |path: &str, message: String| {
            let fault = Fault::told(Lint::IgnoredField, path, message);
            told.extend(Remark::of(object.object.clone(), &object.origin, None, vec![fault]));
        };
        let stands_for = stands_for(&object);
        let mut remove = || {
            let before = objects.len();
            objects.retain(|it| !is(it, stands_for.as_ref()));
            before != objects.len()
        };
        match text.get(ACTION).and_then(Value::as_str) {
            None | Some("Set") => match enforced(&object, text) {
                Ok(enforced) => {
                    remove();
                    objects.push(enforced);
                }
                Err(message) => {
                    let fault = Fault::new("spec", message);
                    let remark = Remark::of(object.object, &object.origin, None, vec![fault]);
                    undecodable.extend(remark);
                }
            },
            Some("Delete") => {
                if !remove() {
                    let name = stands_for.map_or_else(String::new, |it| it.to_string());
                    tell(PATH, format!("removes {name}, which is not among what was read"));
                }
            }
            Some(other) => {
                let message = format!("{other:?} puts nothing in force: only Set and Delete do");
                tell(PATH, message);
            }
        }
    }
    told
}

const PATH: &str = "spec.stagedAction";

/// What a staged policy says.
fn body(object: &WrittenObject) -> Option<&Value> {
    match &Spec::of(&object.spec)?.body {
        Body::Staged(text) => Some(text),
        _ => None,
    }
}

/// Its name in the form of Calico's API.
fn plain_name(object: &WrittenObject) -> &str {
    let name = &*object.object.name;
    Spec::of(&object.spec).map_or(name, |spec| spec.plain_name(name))
}

/// The object in whose place it comes.
fn stands_for(object: &WrittenObject) -> Option<ObjectRef> {
    let kind = object.kind()?;
    let (_, kind) = STAGED.iter().find(|(staged, _)| *staged == kind)?;
    let namespace = object.object.namespace.clone();
    Some(ObjectRef { kind: kind.name(), namespace, name: plain_name(object).into() })
}

fn is(object: &WrittenObject, other: Option<&ObjectRef>) -> bool {
    other.is_some_and(|other| {
        object.object.kind == other.kind
            && object.object.namespace == other.namespace
            && plain_name(object) == &*other.name
    })
}

/// The policy that it would be.
fn enforced(object: &WrittenObject, mut text: Value) -> Result<WrittenObject, String> {
    if let Some(fields) = text.as_object_mut() {
        fields.remove(ACTION);
    }
    let text = if text.is_null() { Value::Object(serde_json::Map::new()) } else { text };
    let misread = |error: serde_json::Error| error.to_string();
    let spec = if object.kind() == Some(Kind::CalicoStagedKubernetesNetworkPolicy) {
        networkpolicy::Spec::deserialize(text).map_err(misread)?.into()
    } else {
        let Some(written) = Spec::of(&object.spec) else { return Err(String::new()) };
        let policy = Policy::deserialize(text).map_err(misread)?;
        let body = Body::Policy(Box::new(policy));
        Spec { body, labels: written.labels.clone(), stored: written.stored }.into()
    };
    Ok(WrittenObject { spec, ..object.clone() })
}
