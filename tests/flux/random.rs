//! Random repositories of Flux: what is made of each is what the real Flux CLI makes of every Kustomization.

use super::repository::{bare, is_followed, value};
use crate::harness::{Files, Outside, Unprovided, provided, skip};
use crate::random::Random;
use netpol::yaml;
use netpol_sources::flux::follow::{How, Repository};
use netpol_sources::limits::{Budget, Limits};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// So many repositories are made; the CLI takes a third of a second for a Kustomization.
const REPOSITORIES: u64 = 24;

/// Variables that Kustomizations set, or do not.
const VARIABLES: [&str; 4] = ["LAN", "PORT", "NAME", "NOBODY"];

/// A repository: its files, and its Kustomizations.
pub(super) struct Made {
    pub(super) files: BTreeMap<String, String>,
    pub(super) kustomizations: Vec<Value>,
}

fn expression(r: &mut Random, plain: &str) -> String {
    let name = *r.pick(&VARIABLES);
    match r.below(8) {
        0 => format!("${{{name}}}"),
        1 => format!("${{{name}:={plain}}}"),
        2 => format!("${{{name}:-{plain}}}"),
        3 => format!("${name}"),
        4 => format!("$${{{name}}}"),
        _ => plain.to_owned(),
    }
}

fn object(r: &mut Random, number: usize) -> Value {
    let mut metadata = json!({"name": format!("it-{number}")});
    if r.percent(40) {
        metadata["namespace"] = json!(*r.pick(&["shop", "office"]));
    }
    if r.percent(40) {
        metadata["labels"] = json!({"app": expression(r, "web")});
    }
    if r.percent(15) {
        metadata["annotations"] = json!({"kustomize.toolkit.fluxcd.io/substitute": "disabled"});
    }
    match r.below(4) {
        0 => json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata,
            "data": {"a": expression(r, "one"), "b": "two\nlines\n"}}),
        1 => json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [
            {"name": "web", "image": *r.pick(&["web", "registry.example.org/web:1", "db@sha256:00"])}
        ]}}}}),
        2 => {
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": format!("ns-{number}")}})
        }
        _ => {
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata,
            "spec": {"podSelector": {"matchLabels": {"app": expression(r, "web")}}, "policyTypes": ["Ingress"],
                "ingress": [{"from": [{"ipBlock": {"cidr": expression(r, "192.0.2.0/24")}}]}]}})
        }
    }
}

/// Files of one directory, and of some below; every object has another name.
fn directory(r: &mut Random, path: &str, number: &mut usize, files: &mut BTreeMap<String, String>) {
    let mut resources = Vec::new();
    for i in 0..r.between(1, 3) {
        let mut texts = Vec::new();
        for _ in 0..r.between(1, 2) {
            *number += 1;
            texts.push(yaml::to_string(&object(r, *number)).unwrap());
        }
        let name = format!("{i}.{}", r.pick(&["yaml", "yml"]));
        files.insert(format!("{path}/{name}"), texts.join("---\n"));
        resources.push(name);
    }
    if r.percent(30) {
        *number += 1;
        let below = format!("{path}/below");
        let text = yaml::to_string(&object(r, *number)).unwrap();
        files.insert(format!("{below}/a.yaml"), text);
        if r.percent(50) {
            files.insert(format!("{below}/kustomization.yaml"), "resources: [a.yaml]\n".to_owned());
            resources.push("below".to_owned());
        } else {
            resources.push("below/a.yaml".to_owned());
        }
    }
    // Without one all files count.
    if r.percent(60) {
        let mut described = json!({"resources": resources});
        if r.percent(30) {
            described["namespace"] = json!("inner");
        }
        if r.percent(20) {
            described["namePrefix"] = json!("inner-");
        }
        if r.percent(20) {
            described["images"] = json!([{"name": "web", "newTag": "2"}]);
        }
        if r.percent(20) {
            described["patches"] = json!([patch(r)]);
        }
        let name = *r.pick(&["kustomization.yaml", "kustomization.yml", "Kustomization"]);
        files.insert(format!("{path}/{name}"), yaml::to_string(&described).unwrap());
    }
}

fn patch(r: &mut Random) -> Value {
    let kind = *r.pick(&["NetworkPolicy", "ConfigMap", "Deployment"]);
    match r.below(2) {
        0 => json!({"target": {"kind": kind},
            "patch": "- {op: add, path: /metadata/annotations, value: {patched: \"yes\"}}\n"}),
        _ => json!({"target": {"kind": "Deployment"},
            "patch": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: any}\nspec: {replicas: 2}\n"}),
    }
}

pub(super) fn repository(r: &mut Random) -> Made {
    let mut made = Made { files: BTreeMap::new(), kustomizations: Vec::new() };
    let mut number = 0;
    made.files.insert(
        "components/more/kustomization.yaml".to_owned(),
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nlabels: [{pairs: {more: \"yes\"}}]\n"
            .to_owned(),
    );
    for i in 0..r.between(1, 3) {
        let path = format!("apps/{i}");
        directory(r, &path, &mut number, &mut made.files);
        let mut spec = json!({
            "path": format!("./{path}"),
            "prune": true,
            "interval": "1h",
            "sourceRef": {"kind": "GitRepository", "name": "flux-system"},
        });
        for (field, value) in [
            ("targetNamespace", json!("target")),
            ("namePrefix", json!("pre-")),
            ("nameSuffix", json!("-post")),
            ("commonMetadata", json!({"labels": {"team": "a"}, "annotations": {"by": "flux"}})),
            ("images", json!([{"name": "web", "newName": "registry.example.org/other"}])),
            ("components", json!(["../../components/more"])),
        ] {
            if r.percent(30) {
                spec[field] = value;
            }
        }
        if r.percent(30) {
            spec["patches"] = json!([patch(r)]);
        }
        if r.percent(70) {
            let mut values = json!({});
            for (name, value) in [("LAN", "198.51.100.0/24"), ("PORT", "8080"), ("NAME", "blog")] {
                if r.percent(60) {
                    values[name] = json!(value);
                }
            }
            spec["postBuild"] = json!({"substitute": values});
        }
        made.kustomizations.push(json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": {"name": format!("app-{i}"), "namespace": "flux-system"},
            "spec": spec,
        }));
    }
    let all: Vec<String> =
        made.kustomizations.iter().map(|it| yaml::to_string(it).unwrap()).collect();
    made.files.insert("clusters/home/apps.yaml".to_owned(), all.join("---\n"));
    made
}

/// What the CLI makes of one; the error is what it says.
fn by_flux(flux: &Path, files: &Files, of: &Value) -> Result<BTreeSet<String>, String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("kustomization.json");
    std::fs::write(&file, of.to_string()).unwrap();
    let path = of["spec"]["path"].as_str().unwrap();
    let output = Command::new(flux.join("flux"))
        .args(["build", "kustomization", of["metadata"]["name"].as_str().unwrap()])
        .args(["--dry-run", "--in-memory-build", "--namespace", "flux-system", "--path"])
        .arg(files.path(path))
        .arg("--kustomization-file")
        .arg(&file)
        .current_dir("/")
        .env("KUBECONFIG", "/dev/null")
        .output()
        .unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8(output.stdout).unwrap();
    let objects = yaml::split(&text).map(|document| value(document.text));
    Ok(objects.filter(|object| !is_followed(object)).map(bare).collect())
}

/// Source: docs/semantics/flux.md#generated-kustomization, #variables and #what-opts-out.
#[test]
fn what_flux_builds_of_any_repository() {
    let flux = match provided("flux") {
        Ok(directory) => directory,
        Err(Unprovided::Cannot(why)) => {
            let _ = skip(Outside::Flux, &why);
            return;
        }
        Err(Unprovided::Broken(why)) => panic!("{why}"),
    };
    let (mut compared, mut refused) = (0, 0);
    for seed in 0..REPOSITORIES {
        let made = repository(&mut Random::new(seed));
        let texts: Vec<(&str, &str)> =
            made.files.iter().map(|(name, text)| (&**name, &**text)).collect();
        let files = Files::new(&texts);
        let name = format!("flux:{}", files.path("").display());
        let repository: Repository = name.parse().unwrap();
        let followed = repository.follow(How::default(), &Budget::new(Limits::default())).unwrap();
        let ours: BTreeSet<String> = followed
            .documents
            .iter()
            .map(|it| value(&it.rendered.text))
            .filter(|object| !is_followed(object))
            .map(bare)
            .collect();
        let mut theirs = BTreeSet::new();
        for of in &made.kustomizations {
            match by_flux(&flux, &files, of) {
                Ok(objects) => theirs.extend(objects),
                Err(said) => {
                    // What it does not build we do not either, and say so.
                    let name = of["metadata"]["name"].as_str().unwrap();
                    let told = followed.warnings.iter().any(|it| it.message.contains(name));
                    assert!(
                        told,
                        "seed {seed}: {name}: only Flux refuses it: {said}\n{:#?}",
                        made.files
                    );
                    refused += 1;
                }
            }
        }
        let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| {
            a.difference(b).cloned().collect::<Vec<_>>().join("\n")
        };
        assert!(
            ours == theirs,
            "seed {seed}: only ours:\n{}\nonly Flux's:\n{}\n{:#?}\n{:?}",
            only(&ours, &theirs),
            only(&theirs, &ours),
            made.files,
            followed.warnings
        );
        compared += theirs.len();
    }
    assert!(compared > 60 && refused < 12, "{compared} objects, {refused} refused");
}
