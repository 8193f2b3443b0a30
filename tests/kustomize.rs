//! `-k` and `kustomize:` through the real program: where objects are written, revisions, and what is said
//! of a directory that cannot be built.

use crate::harness::{Files, Outside, control_plane, skip, with_helm};
use crate::run::{FRONT, Run, command, run};
use std::ffi::OsStr;

const POLICY: &str = "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: db
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
  - from: [{ipBlock: {cidr: 192.0.2.0/24}}]
    ports: [{port: 5432}]
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop}
spec: {containers: [{name: db, image: db}]}
";

/// Whether something builds kustomizations here.
fn kustomize() -> bool {
    let there = ["kubectl", "kustomize"].iter().any(|name| which::which(name).is_ok());
    if !there {
        let _ = skip(Outside::ControlPlane, "neither kubectl nor kustomize is on PATH");
    }
    there
}

fn overlay() -> Files {
    Files::new(&[
        ("k8s/over/kustomization.yaml", "resources: [../base]\nnamespace: prod\n"),
        ("k8s/base/kustomization.yaml", "resources: [app.yaml]\n"),
        ("k8s/base/app.yaml", POLICY),
    ])
}

/// A place is a file of the directory or of a base of it, with the line where that says what is in force.
#[test]
fn places_are_files() {
    if !kustomize() {
        return;
    }
    let files = overlay();
    let ask = |at: &str, directory: &str| {
        let mut command =
            command(FRONT, &["explain", "-k", directory, "192.0.2.7", "prod/db:5432"]);
        let done = run(command.current_dir(files.path(at)), b"");
        assert_eq!(done.code, 0, "{done:?}");
        assert!(!done.stdout.contains("kubectl-netpol-"), "{done:?}");
        done.stdout
    };
    let full = files.path("k8s/over").canonicalize().unwrap();
    let base = full.with_file_name("base").join("app.yaml:10:5: - from:");
    for (at, directory, place) in [
        ("", "k8s/over", "k8s/base/app.yaml:10:5: - from:"),
        ("k8s", "./over/", "base/app.yaml:10:5: - from:"),
        ("k8s/over", ".", "../base/app.yaml:10:5: - from:"),
        ("k8s/base", "../over", "../base/app.yaml:10:5: - from:"),
        ("", full.to_str().unwrap(), base.to_str().unwrap()),
    ] {
        let said = ask(at, directory);
        assert!(said.contains(&format!(" {place}")), "{directory}: {said}");
    }
    // What a patch has changed is written nowhere so.
    files.write(
        "k8s/over/kustomization.yaml",
        "resources: [../base]\nnamespace: prod\npatches:\n- target: {kind: NetworkPolicy}\n  \
         patch: '[{\"op\": \"replace\", \"path\": \"/spec/ingress/0/from/0/ipBlock/cidr\", \"value\": \"192.0.2.0/28\"}]'\n",
    );
    let said = ask("", "k8s/over");
    assert!(said.contains("k8s/base/app.yaml: - from:"), "{said}");
}

/// Bases may be anywhere in the revision, and the work tree is not looked at.
#[test]
fn at_a_revision() {
    if !kustomize() {
        return;
    }
    let files = overlay();
    files.commit_all("");
    files.write("k8s/base/app.yaml", &POLICY.replace("5432", "5433"));
    let ask = |at: &str, directory: &str| {
        let words = ["explain", "-k", directory, "192.0.2.7", "prod/db", "--port", "5432"];
        run(command(FRONT, &words).current_dir(files.path(at)), b"")
    };
    for (at, directory) in
        [("", "git:main:k8s/over"), ("k8s", "git:HEAD:./over"), ("k8s/base", "git:HEAD:../over")]
    {
        let Run { code, stdout, .. } = ask(at, directory);
        assert_eq!(code, 0, "{stdout}");
        let revision = directory.split(':').nth(1).unwrap();
        let place = format!(" {revision}:k8s/base/app.yaml:10:5: - from:");
        assert!(stdout.contains(&place), "{directory}: {stdout}");
    }
    let diff = ["diff", "kustomize:git:main:k8s/over", "kustomize:k8s/over", "--summary"];
    let done = files.run(&diff);
    assert_eq!(done.code, 1, "{done:?}");
    for change in
        ["+ 192.0.2.0/24 → prod/pod/db and any other pod of prod on 5433/TCP", "- 192.0.2.0/24"]
    {
        assert!(done.stdout.contains(change), "{done:?}");
    }
    let gone = files.said(&["list", "-k", "git:main:gone"]);
    assert!(gone.contains("revision main has no gone") && gone.ends_with("(2)"), "{gone}");
}

/// A sentence each, with the cause and no name of a throw-away directory.
#[test]
fn what_cannot_be_built() {
    if !kustomize() {
        return;
    }
    for (kustomization, expected) in [
        ("resources: [nothing.yaml]\n", "there is no k8s/nothing.yaml"),
        ("resources: [a.yaml]\n", "a.yaml: "),
        ("helmCharts: [{name: web, releaseName: web}]\n", "with --enable-helm only"),
        (
            "helmCharts: [{name: web, repo: 'https://charts.example.org'}]\n",
            "takes https://charts.example.org from elsewhere",
        ),
        ("resources: [../../../../etc/hostname]\n", "is not in or below"),
    ] {
        let files =
            Files::new(&[("k8s/kustomization.yaml", kustomization), ("k8s/a.yaml", "kind: [\n")]);
        files.commit_all("");
        for directory in ["k8s", "git:main:k8s"] {
            let said = files.said(&["list", "-k", directory]);
            // At a revision nothing of that name is in the repository.
            let outside = kustomization.contains("etc") && directory != "k8s";
            let own = if outside { "" } else { expected };
            assert!(said.contains(own) && said.ends_with("(2)"), "{directory}: {said}");
            assert!(said.starts_with("error: cannot build "), "{directory}: {said}");
            assert!(!said.contains("kubectl-netpol-"), "{directory}: {said}");
            assert!(!said.contains("\\n") && said.len() < 400, "{directory}: {said}");
        }
    }
}

/// Source: <https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/helmcharts/>
#[test]
fn charts_beside_a_kustomization() {
    let Ok(path) = with_helm() else { return };
    let Ok(cluster) = control_plane() else { return };
    let files = Files::new(&[
        (
            "k8s/kustomization.yaml",
            "namespace: shop\nhelmCharts: [{name: web, releaseName: web}]\n",
        ),
        ("k8s/charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
        ("k8s/charts/web/values.yaml", "{}\n"),
        ("k8s/charts/web/templates/all.yaml", POLICY),
    ]);
    let ask = |path: &OsStr| {
        let words = ["explain", "-k", "k8s", "--enable-helm", "192.0.2.7", "shop/db:5432"];
        run(command(FRONT, &words).env("PATH", path).current_dir(files.path("")), b"")
    };
    let all = [cluster.programs().to_owned()].into_iter().chain(std::env::split_paths(&path));
    let done = ask(&std::env::join_paths(all).unwrap());
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.stdout.contains("ALLOWED"), "{done:?}");
    // What is installed here may be older than Helm 4.
    let done = ask(&path);
    let old = "error: cannot build k8s: kubectl says: it runs Helm 4 as if that were Helm 3";
    assert!(done.stdout.contains("ALLOWED") || done.stderr.starts_with(old), "{done:?}");
}
