//! The kustomization.yaml that kustomize-controller builds: what is written with what a Kustomization of
//! Flux has besides, or all manifests below the directory where there is none.
//!
//! In: a Kustomization, the tree and the directory. Out: the text of it, in JSON, which is YAML too, and
//! the file that it stands for.
//!
//! Source: docs/semantics/flux.md#generated-kustomization.

use super::object::Spec;
use crate::manifests::KUSTOMIZATION_NAMES;
use crate::tree::{Tree, joined, within};
use netpol::yaml::{self, Node};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// What is built.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Generated {
    /// The file, from the top.
    pub(super) file: String,
    /// Its text; `None`: there is nothing to build.
    pub(super) text: Option<String>,
}

/// The file that describes a directory for kustomize.
fn description(tree: &Tree, directory: &str) -> Option<String> {
    KUSTOMIZATION_NAMES.iter().map(|name| joined(directory, name)).find(|name| tree.has(name))
}

/// Makes it; the error is a sentence.
pub(super) fn generate(tree: &Tree, directory: &str, spec: &Spec) -> Result<Generated, String> {
    let written = description(tree, directory);
    let mut all = if let Some(file) = &written {
        let text = tree.text(file).unwrap_or_default();
        let value = yaml::split(&text)
            .find_map(|document| yaml::parse(&document).transpose())
            .transpose()
            .and_then(|node| node.map(|node| yaml::from_node(&node)).transpose());
        match value {
            Ok(Some(Value::Object(fields))) => fields,
            Ok(_) => Map::new(),
            Err(error) => return Err(format!("{file} is not understood: {}", error.message())),
        }
    } else {
        let resources = manifests(tree, directory)?;
        if resources.is_empty() && spec.components.is_empty() {
            let file = joined(directory, "kustomization.yaml");
            return Ok(Generated { file, text: None });
        }
        Map::from_iter([("resources".to_owned(), json!(resources))])
    };
    all.insert("apiVersion".to_owned(), json!("kustomize.config.k8s.io/v1beta1"));
    all.insert("kind".to_owned(), json!("Kustomization"));
    // So that each object says where it was written.
    all.insert("buildMetadata".to_owned(), json!(["originAnnotations"]));
    let words = [
        ("namespace", &spec.target_namespace),
        ("namePrefix", &spec.name_prefix),
        ("nameSuffix", &spec.name_suffix),
    ];
    for (field, value) in words {
        if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
            all.insert(field.to_owned(), json!(value));
        }
    }
    if !spec.common_labels.is_empty() {
        let selectors = !spec.label_without_selector;
        let labels = json!({"pairs": spec.common_labels, "includeSelectors": selectors});
        push(&mut all, "labels", [labels]);
    }
    push(&mut all, "patches", spec.patches.iter().cloned());
    for component in &spec.components {
        if component.starts_with('/') || component.contains("://") {
            return Err(format!("its component {component} is not in the repository"));
        }
        let there = tree.has_directory(&joined(directory, component));
        if there || !spec.ignore_missing_components {
            push(&mut all, "components", [json!(component)]);
        }
    }
    let merges = spec.patches_strategic_merge.iter().map(|patch| json!(patch.to_string()));
    push(&mut all, "patchesStrategicMerge", merges);
    let patches = spec.patches_json6902.iter();
    let patches = patches.map(|it| json!({"patch": it.patch.to_string(), "target": it.target}));
    push(&mut all, "patchesJson6902", patches);
    images(&mut all, &spec.images);
    let file = written.unwrap_or_else(|| joined(directory, "kustomization.yaml"));
    Ok(Generated { file, text: Some(Value::Object(all).to_string()) })
}

/// Adds to a list.
fn push(all: &mut Map<String, Value>, field: &str, more: impl IntoIterator<Item = Value>) {
    let mut more = more.into_iter().peekable();
    if more.peek().is_none() {
        return;
    }
    match all.get_mut(field) {
        Some(Value::Array(items)) => items.extend(more),
        _ => {
            all.insert(field.to_owned(), Value::Array(more.collect()));
        }
    }
}

/// Lays images over those that are written: of one name the fields that are given, tag and digest
/// together.
fn images(all: &mut Map<String, Value>, images: &[Value]) {
    for image in images {
        let entry = all.entry("images").or_insert_with(|| json!([]));
        let Some(items) = entry.as_array_mut() else { continue };
        let Some(known) = items.iter_mut().find(|known| known["name"] == image["name"]) else {
            items.push(image.clone());
            continue;
        };
        let given = |field: &str| image[field].as_str().filter(|value| !value.is_empty());
        if let Some(name) = given("newName") {
            known["newName"] = json!(name);
        }
        if given("newTag").is_some() || given("digest").is_some() {
            for field in ["newTag", "digest"] {
                let Some(known) = known.as_object_mut() else { continue };
                match given(field) {
                    Some(value) => known.insert(field.to_owned(), json!(value)),
                    None => known.remove(field),
                };
            }
        }
    }
}

/// What the controller takes where nothing is described: each manifest below, and each directory that
/// is described itself, which it does not go into.
fn manifests(tree: &Tree, directory: &str) -> Result<Vec<String>, String> {
    let (mut found, mut described) = (Vec::new(), BTreeSet::<String>::new());
    for name in tree.below(directory) {
        let own = name.get(directory.len()..).unwrap_or_default().trim_start_matches('/');
        if described.iter().any(|directory| within(name, directory)) {
            continue;
        }
        // The topmost directory on the way that is described.
        let mut way = directory.to_owned();
        let mut parts: Vec<&str> = own.split('/').collect();
        parts.pop();
        let on_way = parts.into_iter().find_map(|part| {
            way = joined(&way, part);
            description(tree, &way).is_some().then(|| way.clone())
        });
        if let Some(on_way) = on_way {
            found.push(relative(&on_way, directory));
            described.insert(on_way);
            continue;
        }
        if !Path::new(own).extension().is_some_and(|ext| ext == "yaml" || ext == "yml") {
            continue;
        }
        let text = tree.text(name).ok_or_else(|| format!("{name} is no text"))?;
        if let Some(why) = no_manifest(&text) {
            return Err(format!(
                "{name} is no manifest ({why}), and without a kustomization.yaml Flux reads every file \
                 of the directory"
            ));
        }
        found.push(relative(name, directory));
    }
    Ok(found)
}

fn relative(name: &str, directory: &str) -> String {
    format!("./{}", name.get(directory.len()..).unwrap_or_default().trim_start_matches('/'))
}

/// Why kustomize would not take a text for manifests.
fn no_manifest(text: &str) -> Option<String> {
    for document in yaml::split(text) {
        match yaml::parse(&document) {
            Err(error) => return Some(error.message().to_owned()),
            Ok(None) => {}
            Ok(Some(node)) => {
                let has = |key| node.get(key).and_then(Node::as_str).is_some();
                if !has("kind") || !has("apiVersion") {
                    return Some("it has no kind and apiVersion".to_owned());
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{Budget, Limits};
    use crate::tree::Top;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Tree) {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let top = Top::Directory(directory.path().to_owned());
        let tree = Tree::read(&top, &Budget::new(Limits::default())).unwrap();
        (directory, tree)
    }

    fn built(tree: &Tree, directory: &str, spec: Value) -> Value {
        let spec = serde_json::from_value(spec).unwrap();
        let made = generate(tree, directory, &spec).unwrap();
        serde_json::from_str(&made.text.unwrap()).unwrap()
    }

    const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

    /// Source: docs/semantics/flux.md#generated-kustomization.
    #[test]
    fn without_a_kustomization_all_manifests_below() {
        let (_directory, tree) = tree(&[
            ("apps/b.yaml", OBJECT),
            ("apps/deep/a.yml", OBJECT),
            ("apps/deep/note.txt", "x"),
            ("apps/json/a.json", "{}"),
            ("apps/over/kustomization.yaml", "resources: [deeper]\n"),
            ("apps/over/deeper/kustomization.yaml", ""),
            ("apps/over/x.yaml", OBJECT),
            ("apps2/c.yaml", OBJECT),
        ]);
        let made = built(&tree, "apps", json!({}));
        assert_eq!(made["resources"], json!(["./b.yaml", "./deep/a.yml", "./over"]));
        let made = generate(&tree, "apps/json", &Spec::default()).unwrap();
        assert_eq!(made.text, None);
        let (_directory, tree) = self::tree(&[("apps/values.yaml", "a: b\n")]);
        let why = generate(&tree, "apps", &Spec::default()).unwrap_err();
        assert!(why.starts_with("apps/values.yaml is no manifest"), "{why}");
    }

    /// Source: docs/semantics/flux.md#generated-kustomization.
    #[test]
    fn what_flux_adds_to_what_is_written() {
        let (_directory, tree) = tree(&[(
            "apps/kustomization.yml",
            "namespace: own\nresources: [a.yaml]\npatches: [{path: p.yaml}]\n\
             images: [{name: web, newTag: '1', newName: other}, {name: db, digest: x}]\n",
        )]);
        let made = built(
            &tree,
            "apps",
            json!({"targetNamespace": "shop", "namePrefix": "x-", "nameSuffix": "",
                "patches": [{"patch": "- op: remove", "target": {"kind": "Pod"}}],
                "components": ["../missing", "../part"], "ignoreMissingComponents": false,
                "images": [{"name": "web", "newTag": "2"}, {"name": "db", "newTag": "3"}, {"name": "new"}]}),
        );
        assert_eq!(
            made,
            json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
                "buildMetadata": ["originAnnotations"], "namespace": "shop", "namePrefix": "x-",
                "resources": ["a.yaml"], "components": ["../missing", "../part"],
                "patches": [{"path": "p.yaml"}, {"patch": "- op: remove", "target": {"kind": "Pod"}}],
                "images": [{"name": "web", "newTag": "2", "newName": "other"},
                    {"name": "db", "newTag": "3"}, {"name": "new"}]})
        );
        let made =
            built(&tree, "apps", json!({"components": ["../x"], "ignoreMissingComponents": true}));
        assert!(made.get("components").is_none());
    }
}
