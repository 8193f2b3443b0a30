//! Whether what a directory builds to is what would have been applied.
//!
//! In: the objects that were to be written, and a copy of the directory with the files in it. Out: nothing,
//! or one sentence that says what is in the way. The real kustomize builds the copy, as it stands and as each
//! Kustomization of Flux in the repository would have it.

use super::kustomization;
use crate::commands::bootstrap::dialect_of;
use crate::commands::bootstrap::export::ours::called;
use anyhow::{Context as _, bail};
use netpol::baseline::{MANAGED_BY, MANAGER};
use netpol::printable::printable;
use netpol::prose::list;
use netpol_sources::trial::{Delivery, Trial};
use serde_json::{Map, Value, json};
use std::path::Path;

/// Fields of a kustomization that change resources of it.
const CHANGING: &[&str] = &[
    "commonLabels",
    "labels",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "patches",
    "patchesStrategicMerge",
    "patchesJson6902",
    "replacements",
    "vars",
    "components",
    "transformers",
    "configurations",
];

/// What keeps the directory from meaning what was asked for is the error.
pub(super) fn prove(
    trial: &Trial,
    directory: &Path,
    kustomization: (&str, &str),
    names: &[String],
    wanted: &[Value],
) -> anyhow::Result<()> {
    let (file, text) = kustomization;
    let changed = trial.deliveries().iter().any(|by| !by.fields.is_empty());
    if !trial.can_build() && !changed && is_plain(text, names)? {
        return Ok(());
    }
    let built = trial.build().context(NOTHING)?;
    let shown = directory.join(file).display().to_string();
    let shown = printable(&shown);
    if let Some(difference) = difference(wanted, &built) {
        let fields = in_the_way(trial, file, text, wanted)?;
        let because = if fields.is_empty() {
            String::new()
        } else {
            format!("with its {} ", list(&fields, "and"))
        };
        bail!("{shown}: {because}{difference}; {ELSEWHERE}");
    }
    for by in delivering(trial, kustomization)? {
        let plain = trial.delivered(by, false).context(NOTHING)?;
        let (by_itself, on_the_way) = (&by.fields, difference(wanted, &plain));
        let built = trial.delivered(by, true).context(NOTHING)?;
        let Some(difference) = on_the_way.clone().or_else(|| difference(wanted, &built)) else {
            continue;
        };
        let what = match on_the_way {
            Some(_) => "kustomizations above it".to_owned(),
            None => list(by_itself, "and"),
        };
        bail!(
            "{} ({}) delivers this directory, and with its {what} {difference}; {ELSEWHERE}",
            printable(&by.name),
            printable(&by.file),
        );
    }
    Ok(())
}

/// What shows in what a Kustomization of Flux makes whether the directory is part of it.
const MARK: &str = "kubectl-netpol-mark";

/// The Kustomizations of Flux that deliver the directory.
fn delivering<'t>(
    trial: &'t Trial,
    (file, text): (&str, &str),
) -> anyhow::Result<Vec<&'t Delivery>> {
    let mark = format!("{MARK}.yaml");
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": MARK}});
    let with = kustomization::edit(text, std::slice::from_ref(&mark), &[]).context(NOTHING)?;
    trial.write(Path::new(&mark), &object.to_string()).context(NOTHING)?;
    trial.write(Path::new(file), &with).context(NOTHING)?;
    let is_mark = |object: &Value| {
        object["metadata"]["name"].as_str().is_some_and(|name| name.contains(MARK))
    };
    let delivers =
        |by: &&Delivery| trial.delivered(by, false).is_ok_and(|built| built.iter().any(is_mark));
    let found = trial.deliveries().iter().filter(delivers).collect();
    trial.write(Path::new(file), text).context(NOTHING)?;
    trial.remove(Path::new(&mark)).context(NOTHING)?;
    Ok(found)
}

/// Whether a kustomization names files of ours and nothing else, so that what comes out is what is in them.
fn is_plain(text: &str, names: &[String]) -> anyhow::Result<bool> {
    let rest = kustomization::rest(text)?;
    let head = |key: &String| matches!(key.as_str(), "apiVersion" | "kind" | "metadata");
    Ok(rest.keys().all(head) && kustomization::resources(text)?.iter().all(|it| names.contains(it)))
}

/// What is said where no file was written.
const NOTHING: &str = "no file was written";
const ELSEWHERE: &str = "no file was written: give a directory of which nothing changes them";

/// Each field that is in the way all by itself; or all, where only some together are.
fn in_the_way(
    trial: &Trial,
    file: &str,
    text: &str,
    wanted: &[Value],
) -> anyhow::Result<Vec<&'static str>> {
    let rest = kustomization::rest(text)?;
    let resources = kustomization::resources(text)?;
    let present: Vec<&str> =
        CHANGING.iter().copied().filter(|field| rest.contains_key(*field)).collect();
    let without = |kept: &dyn Fn(&str) -> bool| {
        let fields = rest.iter().filter(|(key, _)| !CHANGING.contains(&&***key) || kept(key));
        let mut fields: Map<String, Value> =
            fields.map(|(key, value)| (key.clone(), value.clone())).collect();
        fields.insert("resources".to_owned(), json!(resources));
        fields
    };
    let mut guilty = Vec::new();
    for field in &present {
        let fields = without(&|key| key == *field);
        trial.write(Path::new(file), &Value::Object(fields).to_string())?;
        if trial.build().map_or(true, |built| difference(wanted, &built).is_some()) {
            guilty.push(*field);
        }
    }
    trial.write(Path::new(file), text)?;
    let known = |field: &&str| CHANGING.iter().copied().find(|known| known == field);
    let said = if guilty.is_empty() { &present } else { &guilty };
    Ok(said.iter().filter_map(known).collect())
}

/// The first difference between what was to be written and what was built; `None`: it means the same.
fn difference(wanted: &[Value], built: &[Value]) -> Option<String> {
    let name = |object: &Value| object["metadata"]["name"].clone();
    for object in wanted {
        let home = object["metadata"]["namespace"].as_str().unwrap_or_default();
        let kind = |other: &&Value| {
            other["kind"] == object["kind"] && other["apiVersion"] == object["apiVersion"]
        };
        let is_same = |other: &&Value| {
            let there = other["metadata"]["namespace"].as_str().unwrap_or_default();
            kind(other) && name(other) == name(object) && there == home
        };
        let called = called(object, home);
        let Some(found) = built.iter().find(is_same) else {
            let alike = |other: &&Value| {
                kind(other)
                    && other["spec"] == object["spec"]
                    && (name(other) == name(object) || other["metadata"]["namespace"] == home)
            };
            let renamed = built.iter().find(alike).filter(|_| dialect_of(object).is_some());
            return Some(match renamed.map(|other| &other["metadata"]) {
                Some(metadata) => format!(
                    "{called} of {home} becomes {} of {}",
                    metadata["name"].as_str().unwrap_or_default(),
                    metadata["namespace"].as_str().unwrap_or("no namespace"),
                ),
                None => format!("{called} is not what comes out, or not of {home}"),
            });
        };
        let labels = |object: &Value, key: &str| object["metadata"]["labels"][key].clone();
        let kept = object["metadata"]["labels"].as_object().into_iter().flatten();
        if dialect_of(object).is_some() && labels(found, MANAGED_BY) != MANAGER {
            return Some(format!("{called} loses its label {MANAGED_BY}"));
        }
        for (key, value) in kept {
            if labels(found, key) != *value {
                return Some(format!("{called} gets another label {key}"));
            }
        }
        if let Some(path) = differs(&object["spec"], &found["spec"], "spec".to_owned()) {
            return Some(format!("{called} would not mean what was asked for ({path} differs)"));
        }
        if let Some(path) = differs(&object["specs"], &found["specs"], "specs".to_owned()) {
            return Some(format!("{called} would not mean what was asked for ({path} differs)"));
        }
    }
    None
}

/// The path of the first thing that differs.
fn differs(one: &Value, other: &Value, path: String) -> Option<String> {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            keys.into_iter().find_map(|key| {
                let (a, b) = (a.get(key), b.get(key));
                match (a, b) {
                    (Some(a), Some(b)) => differs(a, b, format!("{path}.{key}")),
                    _ => Some(format!("{path}.{key}")),
                }
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let items = a.iter().zip(b).enumerate();
            items.into_iter().find_map(|(at, (a, b))| differs(a, b, format!("{path}[{at}]")))
        }
        (a, b) if a == b => None,
        _ => Some(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(name: &str, namespace: &str, spec: &Value) -> Value {
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": namespace, "labels": {MANAGED_BY: MANAGER}},
            "spec": spec,
        })
    }

    #[test]
    fn what_counts_as_the_same() {
        let spec = json!({"podSelector": {}, "ingress": [{"ports": [{"port": 80}]}]});
        let wanted = [policy("x", "a", &spec)];
        let said = |built: Value| difference(&wanted, &[built]);
        let mut same = wanted[0].clone();
        same["metadata"]["labels"]["team"] = "a".into();
        same["metadata"]["annotations"] = json!({"b": "c"});
        assert_eq!(said(same), None);
        let port = json!({"podSelector": {}, "ingress": [{"ports": [{"port": 81}]}]});
        assert!(said(policy("x", "a", &port)).unwrap().contains("spec.ingress[0].ports[0].port"));
        let more = json!({"podSelector": {}, "ingress": [{"ports": [{"port": 80}]}], "egress": []});
        assert!(said(policy("x", "a", &more)).unwrap().contains("(spec.egress differs)"));
        assert!(said(policy("y-x", "a", &spec)).unwrap().contains("x of a becomes y-x of a"));
        assert!(said(policy("x", "b", &spec)).unwrap().contains("x of a becomes x of b"));
        let mut bare = wanted[0].clone();
        bare["metadata"]["labels"] = json!({"team": "a"});
        assert!(said(bare).unwrap().contains("loses its label"));
        assert!(difference(&wanted, &[]).is_some());
    }
}
