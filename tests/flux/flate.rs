//! What is made of a repository of Flux beside what flate makes of it, which follows Kustomizations and
//! HelmReleases as ours does and has kustomize's, Helm's and Flux' own libraries linked in.

use super::random::{Made, repository};
use super::repository::{bare, is_followed, value};
use crate::harness::{Files, Outside, Unprovided, provided, root, skip, with_helm};
use crate::random::Random;
use netpol::yaml;
use netpol_sources::flux::follow::{Followed, How, Repository};
use netpol_sources::limits::{Budget, Limits};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// So many repositories are made.
const REPOSITORIES: u64 = 16;

fn flate() -> Option<PathBuf> {
    match provided("flate") {
        Ok(directory) => Some(directory.join("flate")),
        Err(Unprovided::Cannot(why)) => {
            let _ = skip(Outside::Flate, &why);
            None
        }
        Err(Unprovided::Broken(why)) => panic!("{why}"),
    }
}

/// What flate makes of a place, and what it says besides.
fn by_flate(flate: &Path, files: &Files, place: &str) -> (BTreeSet<String>, String) {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(flate)
        .args(["build", "all", "-o", "json", "--no-progress", "--source-retry-attempts", "1"])
        .arg("--path")
        .arg(files.path(place))
        .arg("--cache-dir")
        .arg(home.path())
        .env("HOME", home.path())
        // Whatever it would fetch it does not get.
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let all: Vec<Value> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}: {said}", output.status));
    let all = all.into_iter().filter(|object| !is_followed(object)).filter_map(of_release);
    (all.map(bare).collect(), said)
}

/// An object as the chart makes it: flate puts the name of its HelmRelease into its labels. A HelmRelease
/// that gets its namespace from a kustomization it inflates a second time as it stands in its file, without
/// one, which nobody applies.
fn of_release(mut object: Value) -> Option<Value> {
    let labels = object["metadata"]["labels"].as_object_mut();
    let Some(labels) = labels else { return Some(object) };
    let namespace = labels.remove("helm.toolkit.fluxcd.io/namespace");
    labels.remove("helm.toolkit.fluxcd.io/name");
    if labels.is_empty()
        && let Some(metadata) = object["metadata"].as_object_mut()
    {
        metadata.remove("labels");
    }
    (namespace != Some(json!(""))).then_some(object)
}

/// What ours makes of it. Objects of a chart without a namespace are in that of their release; of others flate
/// says that they are in that of their Kustomization, where Flux refuses to apply them.
fn by_us(files: &Files, place: &str, path: &OsStr) -> (BTreeSet<String>, Followed) {
    let name = format!("flux:{}#{place}", files.path("").display());
    let repository: Repository = name.parse().unwrap();
    let how = How { path: Some(path), ..How::default() };
    let followed = repository.follow(how, &Budget::new(Limits::default())).unwrap();
    let objects = followed.documents.iter().map(|it| {
        let mut object = value(&it.rendered.text);
        if object["metadata"]["namespace"].is_null() && object["kind"] != "Namespace" {
            object["metadata"]["namespace"] =
                json!(it.namespace.as_deref().unwrap_or("flux-system"));
        }
        object
    });
    let objects = objects.filter(|object| !is_followed(object)).map(bare).collect();
    (objects, followed)
}

fn only(a: &BTreeSet<String>, b: &BTreeSet<String>) -> String {
    a.difference(b).cloned().collect::<Vec<_>>().join("\n")
}

/// A repository whose own address flate knows, so that it fetches nothing.
fn cloned(files: &Files) {
    files.git(&["init", "--quiet", "--initial-branch=main"]);
    files.git(&["remote", "add", "origin", "https://git.example.org/shop/fleet"]);
}

/// Two things are taken out of the example: the chart of a registry, which flate would fetch, and the
/// Secret, whose values it fills in where ours has them not known.
///
/// Source: docs/semantics/flux.md#generated-kustomization, #variables and #name-of-a-release.
#[test]
fn what_flate_makes_of_the_example() {
    let (Some(flate), Ok(path)) = (flate(), with_helm()) else { return };
    let files = Files::new(&[]);
    let top = root().join("examples/flux");
    let mut open = vec![top.clone()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(&top).unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let secret = "    - {kind: Secret, name: cluster-secrets}\n";
            if !name.ends_with("grafana.yaml") {
                files.write(&name, &text.replace(secret, ""));
            }
        }
    }
    cloned(&files);
    for cluster in ["clusters/prod", "clusters/staging"] {
        let (ours, followed) = by_us(&files, cluster, &path);
        let (theirs, said) = by_flate(&flate, &files, cluster);
        assert!(theirs.len() > 15, "{cluster}: {} of {said}", theirs.len());
        assert!(
            ours == theirs,
            "{cluster}: only ours:\n{}\nonly flate's:\n{}\n{said}\n{:?}",
            only(&ours, &theirs),
            only(&theirs, &ours),
            followed.warnings
        );
    }
}

/// Where random repositories begin.
const PLACE: &str = "clusters/home";

const CHART: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec: {containers: [{name: it, image: it}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: {{ .Release.Name }}, namespace: {{ .Values.namespace | default .Release.Namespace }}}
spec:
  podSelector: {matchLabels: {app: {{ .Release.Name }}}}
  ingress: [{from: [{podSelector: {matchLabels: {app: {{ .Values.client | quote }}}}}]}]
";

/// Where Flux begins; flate wants to be told which repository it is in.
const SYNC: &str = "\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: flux-system, namespace: flux-system}
spec: {interval: 5m, url: https://git.example.org/shop/fleet}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: flux-system, namespace: flux-system}
spec:
  interval: 10m
  path: ./clusters/home
  prune: true
  sourceRef: {kind: GitRepository, name: flux-system}
";

/// Adds the beginning, and a Kustomization with HelmReleases of a chart of the repository.
fn releases(r: &mut Random, made: &mut Made) {
    // What Flux does with these its own CLI shows, and ours does the same. flate differs: where a variable
    // makes of a label what is no text, it keeps the others beside those of commonMetadata, and images of a
    // Kustomization take the place of written ones, whose tag Flux keeps.
    for it in &mut made.kustomizations {
        let spec = it["spec"].as_object_mut().unwrap();
        spec.retain(|field, _| field != "commonMetadata" && field != "images");
    }
    let all = made.kustomizations.iter().map(|it| yaml::to_string(it).unwrap());
    let all: Vec<String> = all.collect();
    made.files.insert("clusters/home/apps.yaml".to_owned(), all.join("---\n"));
    let mut write = |name: &str, text: &str| made.files.insert(name.to_owned(), text.to_owned());
    write("clusters/home/sync.yaml", SYNC);
    write("charts/it/Chart.yaml", "apiVersion: v2\nname: it\nversion: 1.0.0\n");
    write("charts/it/values.yaml", "client: nobody\n");
    write("charts/it/templates/all.yaml", CHART);
    for i in 0..r.between(1, 2) {
        let source =
            json!({"kind": "GitRepository", "name": "flux-system", "namespace": "flux-system"});
        let mut spec = json!({
            "interval": "1h",
            "chart": {"spec": {"chart": "./charts/it", "sourceRef": source}},
        });
        if r.percent(60) {
            spec["values"] = json!({"client": *r.pick(&["web", "${NAME}"])});
        }
        if r.percent(30) {
            spec["values"]["namespace"] = json!("elsewhere");
        }
        if r.percent(40) {
            spec["targetNamespace"] = json!("target");
        }
        // Without one Flux puts that of the namespace before the name, and flate does not.
        if r.percent(40) || !spec["targetNamespace"].is_null() {
            spec["releaseName"] = json!(format!("named-{i}"));
        }
        if r.percent(40) {
            spec["valuesFrom"] = json!([{"kind": "ConfigMap", "name": "values"}]);
        }
        if r.percent(30) {
            let patch = "- {op: add, path: /metadata/labels, value: {rendered: \"yes\"}}\n";
            let patches = json!([{"target": {"kind": "Deployment"}, "patch": patch}]);
            spec["postRenderers"] = json!([{"kustomize": {"patches": patches}}]);
        }
        let release = json!({
            "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
            "metadata": {"name": format!("it-{i}"), "namespace": "releases"}, "spec": spec,
        });
        write(&format!("releases/{i}.yaml"), &yaml::to_string(&release).unwrap());
    }
    let values = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: values, namespace: releases}\n\
                  data: {values.yaml: \"client: somebody\\n\"}\n";
    write("releases/values.yaml", values);
    let mut spec = json!({
        "path": "./releases", "prune": true, "interval": "1h",
        "sourceRef": {"kind": "GitRepository", "name": "flux-system"},
    });
    if r.percent(50) {
        spec["postBuild"] = json!({"substitute": {"NAME": "blog"}});
    }
    let kustomization = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": "releases", "namespace": "flux-system"}, "spec": spec,
    });
    write("clusters/home/releases.yaml", &yaml::to_string(&kustomization).unwrap());
    made.kustomizations.push(kustomization);
}

/// Source: docs/semantics/flux.md#generated-kustomization, #variables, #what-opts-out,
/// #name-of-a-release and #post-renderers.
#[test]
fn what_flate_makes_of_any_repository() {
    let (Some(flate), Ok(path)) = (flate(), with_helm()) else { return };
    let mut compared = 0;
    for seed in 0..REPOSITORIES {
        let r = &mut Random::new(seed);
        let mut made = repository(r);
        releases(r, &mut made);
        let texts: Vec<(&str, &str)> =
            made.files.iter().map(|(name, text)| (&**name, &**text)).collect();
        let files = Files::new(&texts);
        cloned(&files);
        let (ours, followed) = by_us(&files, PLACE, &path);
        let (theirs, said) = by_flate(&flate, &files, PLACE);
        assert!(
            ours == theirs,
            "seed {seed}: only ours:\n{}\nonly flate's:\n{}\n{:#?}\n{said}\n{:?}",
            only(&ours, &theirs),
            only(&theirs, &ours),
            made.files,
            followed.warnings
        );
        compared += theirs.len();
    }
    assert!(compared > 100, "{compared} objects");
}
