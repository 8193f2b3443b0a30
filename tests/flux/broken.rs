//! Repositories of Flux that are not in order: a sentence each, and an exit code that is not that of an
//! answer.

use super::repository::{ASK, POLICY, kustomization, release, run_in, simple};
use crate::harness::{Files, with_helm};
use crate::run::{FRONT, Run, command};
use std::fs;

/// The selector of the pods of a release.
const INSTANCE: &str = "podSelector: {matchLabels: {app.kubernetes.io/instance: cache}}";

/// A file that may be run.
fn script(files: &Files, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    files.write(name, text);
    fs::set_permissions(files.path(name), fs::Permissions::from_mode(0o755)).unwrap();
}

/// What is for another cluster is told, and is nothing of this one.
#[test]
fn what_is_for_another_cluster() {
    let remote = kustomization("db", "path: ./db, kubeConfig: {secretRef: {name: s}}");
    let other = kustomization("other", "path: ./other, targetNamespace: shop");
    let policy = POLICY.replace("${LAN}", "192.0.2.0/24");
    let told = "Kustomization flux-system/db applies to another cluster, and is not followed";
    let said = |files: &[(&str, &str)]| Files::new(files).said(&["summary", "-f", "flux:."]);
    let alone = said(&[("ks.yaml", &remote)]);
    assert!(alone.contains(told) && alone.ends_with("(3)"), "{alone}");
    let beside =
        said(&[("ks.yaml", &remote), ("other.yaml", &other), ("other/policy.yaml", &policy)]);
    assert!(beside.contains(told) && beside.ends_with("(0)"), "{beside}");
    assert!(!beside.contains("nothing that is followed makes"), "{beside}");
}

/// A sentence each.
#[test]
fn repositories_that_are_not_in_order() {
    let said = |files: &[(&str, &str)]| Files::new(files).said(&["summary", "-f", "flux:."]);
    let policy = POLICY.replace("${LAN}", "192.0.2.0/24");
    let of = |spec: &str| kustomization("db", spec);
    for (files, expected, code) in [
        (vec![("a.yaml", policy.clone())], "error: there is no Kustomization of Flux in flux:.", 2),
        (
            vec![("ks.yaml", of("path: {}"))],
            "error: cannot follow flux:.: ./ks.yaml: Kustomization db is not read: path",
            2,
        ),
        (vec![("ks.yaml", of("path: ./gone"))], "its path ./gone is not in the repository", 3),
        (
            vec![("ks.yaml", of("path: ../../etc"))],
            "its path ../../etc is not in the repository",
            3,
        ),
        (
            vec![("ks.yaml", of("path: ./db")), ("db/values.yaml", "a: b\n".to_owned())],
            "db/values.yaml is no manifest",
            3,
        ),
        (
            vec![
                ("ks.yaml", of("path: ./db")),
                (
                    "db/kustomization.yaml",
                    "resources: [../../../../../../../../etc/hostname]\n".to_owned(),
                ),
            ],
            "which is not in the repository",
            3,
        ),
        (
            vec![
                ("ks.yaml", of("path: ./db")),
                ("db/kustomization.yaml", "resources: ['https://example.org/x.yaml']\n".to_owned()),
            ],
            "takes https://example.org/x.yaml from elsewhere, and nothing is fetched unless asked for",
            3,
        ),
        (
            vec![
                ("a.yaml", kustomization("a", "path: ./db, dependsOn: [{name: b}]")),
                ("b.yaml", kustomization("b", "path: ./db, dependsOn: [{name: a}]")),
                ("db/a.yaml", policy.clone()),
            ],
            "depend on one another in a circle",
            3,
        ),
        (
            vec![
                ("ks.yaml", of("path: ./db, postBuild: {substitute: {A: b}}")),
                ("db/a.yaml", policy.replace("db", "'${A[0]}'")),
            ],
            "Flux refuses ${A[0]}",
            3,
        ),
        (
            vec![
                ("ks.yaml", of("path: ./db, postBuild: {substitute: {A: '\"'}}")),
                ("db/a.yaml", policy.replace("{name: db}", "{name: \"${A}\"}")),
            ],
            "its variables make what is no YAML",
            3,
        ),
        (
            vec![
                ("clusters/a/ks.yaml", kustomization("flux-system", "path: ./clusters/a")),
                ("clusters/b/ks.yaml", kustomization("flux-system", "path: ./clusters/b")),
            ],
            "flux:. has several clusters",
            2,
        ),
    ] {
        let mut files: Vec<(&str, &str)> =
            files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let check = |said: &str, code: i32| {
            assert!(said.contains(expected), "{expected}: {said}");
            assert!(said.ends_with(&format!("({code})")), "{expected}: {said}");
            assert!(!said.contains("kubectl-netpol-"), "{said}");
        };
        check(&said(&files), code);
        // Beside what is in order it is no less so.
        if code == 3 {
            let other = kustomization("other", "path: ./other, targetNamespace: shop");
            files.extend([("other.yaml", other.as_str()), ("other/policy.yaml", &policy)]);
            check(&said(&files), code);
        }
    }
    let files = simple("");
    let said = files.said(&["summary", "-f", "flux:.#gone"]);
    assert!(said.contains("has no directory gone") && said.ends_with("(2)"), "{said}");
    let mut command = command(FRONT, &["summary", "-f", "flux:."]);
    let run = run_in(command.env("PATH", "/nonexistent"), &files.path(""));
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("neither kubectl nor kustomize is on PATH"), "{run:?}");
}

/// A program that never stops is stopped, and what it makes is not waited for.
#[test]
fn a_build_that_never_ends() {
    let files = simple("");
    script(&files, "bin/kubectl", "#!/bin/sh\nexec /usr/bin/yes 'a: b'\n");
    let path = [files.path("bin"), "/usr/bin".into(), "/bin".into()];
    let mut command = command(FRONT, &["summary", "-f", "flux:."]);
    let run = run_in(command.env("PATH", std::env::join_paths(path).unwrap()), &files.path(""));
    assert_eq!(run.code, 3, "{run:?}");
    let said = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("Kustomization flux-system/db: it is not built: "), "{said}");
    assert!(said.contains("bin/kubectl was stopped: it wrote more than"), "{said}");
}

/// What is missing of the history is told with the command that fetches it.
#[test]
fn a_clone_without_the_revision() {
    let files = Files::new(&[]);
    for lan in ["192.0.2.0/24", "198.51.100.0/24"] {
        let spec = format!("path: ./db, postBuild: {{substitute: {{LAN: {lan}}}}}");
        files.write("all/ks.yaml", &kustomization("db", &spec));
        files.write("all/db/policy.yaml", POLICY);
        files.commit_all("all");
    }
    let from = format!("file://{}", files.path("all").display());
    files.git(&["clone", "--quiet", "--depth=1", &from, "shallow"]);
    let words = ["diff", "flux:git:HEAD~1", "flux:git:HEAD"];
    let run = run_in(&mut command(FRONT, &words), &files.path("shallow"));
    assert_eq!(run.code, 2, "{run:?}");
    let said = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("git knows no revision HEAD~1 here"), "{said}");
    assert!(said.contains("`git fetch --unshallow`"), "{said}");
}

/// A link out of the repository is in no copy of it, and what it would bring below a directory that is built
/// is not known.
#[test]
fn a_link_that_leads_out() {
    for (link, code) in [("db/link.yaml", 3), ("result", 0)] {
        let files = simple("postBuild: {substitute: {LAN: 192.0.2.0/24}}");
        std::os::unix::fs::symlink("/etc/hostname", files.path(link)).unwrap();
        let said = files.said(&ASK);
        let told = format!(
            "./{link}: is a link that leads out of the repository or nowhere and is not followed"
        );
        assert!(said.contains(&told), "{said}");
        assert!(said.contains("ALLOWED") && said.ends_with(&format!("({code})")), "{said}");
    }
}

/// Of an answer beside a Kustomization that is not built nobody is sure, unless somebody says that it does not
/// matter.
#[test]
fn beside_what_is_not_made() {
    let files = simple("postBuild: {substitute: {LAN: 192.0.2.0/24}}");
    files.write("gone.yaml", &kustomization("gone", "path: ./gone"));
    let with = |words: &[&str], more: &[&str]| files.said(&[words, more].concat());
    let explained = with(&ASK, &[]);
    let told = "What is not made of ./gone.yaml may have a policy that decides; \
                --accept-unread=PATH says that it does not matter";
    assert!(explained.starts_with("ALLOWED ") && explained.contains(told), "{explained}");
    assert!(explained.ends_with("(3)"), "{explained}");
    for words in [&["list", "-f", "flux:."][..], &["summary", "-f", "flux:."], &ASK] {
        assert!(with(words, &[]).ends_with("(3)"), "{words:?}");
        for word in [
            "gone.yaml",
            "./gone.yaml",
            "Kustomization",
            "kustomization.kustomize.toolkit.fluxcd.io",
        ] {
            let accepted = with(words, &["--accept-unread", word]);
            assert!(accepted.ends_with("(0)"), "{words:?} {word}: {accepted}");
            assert!(accepted.contains("its path ./gone is not in the repository"), "{accepted}");
        }
        for other in ["db", "HelmRelease", "one.yaml"] {
            assert!(with(words, &["--accept-unread", other]).ends_with("(3)"), "{words:?} {other}");
        }
        let strict = with(words, &["--strict"]);
        assert!(strict.contains("its path ./gone") && strict.ends_with("(2)"), "{strict}");
    }
    let missing = files.run(&["summary", "-f", "flux:.", "-o", "json"]).json();
    assert_eq!(missing["missing"][0]["why"], "NotMade", "{missing:#}");
    // What is denied is denied, whatever else there is.
    let denied = with(&["explain", "-f", "flux:.", "198.51.100.7", "shop/db:5432"], &[]);
    assert!(denied.starts_with("DENIED ") && denied.ends_with("(1)"), "{denied}");
}

/// A variable that is to come from what is not here is not known, and neither is what hangs on it.
///
/// Source: docs/semantics/flux.md#variables.
#[test]
fn a_variable_without_a_value() {
    let files = simple("postBuild: {substituteFrom: [{kind: ConfigMap, name: settings}]}");
    let said = files.said(&ASK);
    assert!(said.starts_with("UNKNOWN ") && said.ends_with("(3)"), "{said}");
    let told = "ConfigMap flux-system/settings of its variables is not in the repository";
    assert!(said.contains(told), "{said}");
    assert!(said.contains("the variable ${LAN} is not filled in"), "{said}");
}

#[test]
fn charts_that_are_not_in_order() {
    let Ok(path) = with_helm() else { return };
    let chart = "apiVersion: v2\nname: cache\nversion: 1.0.0\n";
    let said = |files: &[(&str, &str)]| {
        let ks = kustomization("db", "path: ./db");
        let files = Files::new(&[&[("ks.yaml", ks.as_str())], files].concat());
        let words = ["explain", "-f", "flux:.", "192.0.2.7", "shop/cache", "--port", "80"];
        let mut command = command(FRONT, &words);
        let Run { stdout, stderr, code } = run_in(command.env("PATH", &path), &files.path(""));
        format!("{stdout} {stderr} ({code})").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let release = release("./cache", "");
    let gone = said(&[("db/a.yaml", &release)]);
    assert!(gone.contains("HelmRelease shop/cache: there is no chart in cache"), "{gone}");
    assert!(gone.ends_with("(3)"), "{gone}");
    let files = Files::new(&[
        ("ks.yaml", &kustomization("db", "path: ./db")),
        ("db/a.yaml", &release),
        ("cache/Chart.yaml", chart),
    ]);
    let kubectl = which::which("kubectl").or_else(|_| which::which("kustomize")).unwrap();
    let name = kubectl.file_name().unwrap().to_str().unwrap().to_owned();
    fs::create_dir(files.path("bin")).unwrap();
    std::os::unix::fs::symlink(kubectl, files.path("bin").join(name)).unwrap();
    let words = ["explain", "-f", "flux:.", "192.0.2.7", "shop/cache", "--port", "80"];
    let run = run_in(command(FRONT, &words).env("PATH", files.path("bin")), &files.path(""));
    assert_eq!(run.code, 3, "{run:?}");
    let all = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        all.contains("HelmRelease shop/cache: ") && all.contains("helm is not on PATH"),
        "{all}"
    );
    let broken = [
        ("db/a.yaml", release.as_str()),
        ("cache/Chart.yaml", chart),
        ("cache/templates/a.yaml", "{{ fail \"no way\" }}"),
    ];
    let broken = said(&broken);
    assert!(
        broken.contains("its chart is not inflated: helm says") && broken.contains("no way"),
        "{broken}"
    );
    assert!(!broken.contains("kubectl-netpol-"), "{broken}");
    assert!(broken.ends_with("(3)"), "{broken}");
    let endless = Files::new(&[
        ("ks.yaml", &kustomization("db", "path: ./db")),
        ("db/a.yaml", &release),
        ("cache/Chart.yaml", chart),
    ]);
    script(&endless, "bin/helm", "#!/bin/sh\nexec /usr/bin/yes 'a: b'\n");
    let all = [endless.path("bin")].into_iter().chain(std::env::split_paths(&path));
    let mut command = command(FRONT, &words);
    let run = run_in(command.env("PATH", std::env::join_paths(all).unwrap()), &endless.path(""));
    let said = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("HelmRelease shop/cache: its chart is not inflated: "), "{said}");
    assert!(said.contains("bin/helm was stopped: it wrote more than") && run.code == 3, "{said}");
}

/// Somebody who knows that a chart brings no policies may say so.
///
/// Source: docs/semantics/flux.md#stand-ins.
#[test]
fn a_chart_that_need_not_be_here() {
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n\
        metadata: {name: cache, namespace: shop}\n\
        spec: {chart: {spec: {chart: cache, sourceRef: {kind: HelmRepository, name: x}}}}\n";
    let policy = POLICY.replace("${LAN}", "192.0.2.0/24").replace("podSelector: {}", INSTANCE);
    let policy = policy.replace("{name: db}", "{name: db, namespace: shop}");
    let files = Files::new(&[
        ("ks.yaml", &kustomization("db", "path: ./db")),
        ("db/release.yaml", release),
        ("db/policy.yaml", &policy),
    ]);
    let words = ["explain", "-f", "flux:.", "192.0.2.7", "shop/cache", "--port", "5432"];
    let said = files.said(&words);
    assert!(said.starts_with("UNKNOWN ") && said.ends_with("(3)"), "{said}");
    let accepted = files.said(&[&words[..], &["--accept-unread=HelmRelease"]].concat());
    assert!(accepted.starts_with("ALLOWED ") && accepted.ends_with("(0)"), "{accepted}");
    assert!(accepted.contains("its chart is not here"), "{accepted}");
}
