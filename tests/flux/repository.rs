//! A repository of Flux read without a cluster: what it makes beside what the real Flux CLI makes, and what
//! is said of one that is not in order.

use crate::harness::{Outside, Unprovided, helm, provided, root, skip};
use crate::run::{FRONT, Run, command, run};
use netpol::yaml::{self, Node};
use netpol_sources::flux::follow::Repository;
use netpol_sources::limits::{Budget, Limits};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const EXAMPLE: &str = "examples/flux";

/// The Kustomizations of a cluster of the example, with the directory and what Flux has of variables.
fn kustomizations(cluster: &str) -> [(&'static str, String, Value); 3] {
    let (office, partner) = match cluster {
        "prod" => ("192.0.2.0/24", "${PARTNER}"),
        _ => ("198.51.100.0/24", "203.0.113.0/24"),
    };
    [
        ("flux-system", format!("clusters/{cluster}"), Value::Null),
        ("infrastructure", "infrastructure".to_owned(), Value::Null),
        (
            "apps",
            format!("apps/{cluster}"),
            // In a dry run the CLI leaves substituteFrom out, so the ConfigMap is written here.
            json!({"substitute": {"OFFICE": office, "PARTNER": partner}}),
        ),
    ]
}

fn value(text: &str) -> Value {
    let node = yaml::parse(&yaml::Document::whole(text)).unwrap().unwrap();
    yaml::from_node(&node).unwrap()
}

/// An object without what is written beside it: its origin, and who owns it.
fn bare(mut object: Value) -> String {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in ["annotations", "labels"] {
            let Some(map) = metadata.get_mut(field).and_then(Value::as_object_mut) else {
                continue;
            };
            map.retain(|key, _| {
                !key.starts_with("config.kubernetes.io/")
                    && !key.starts_with("kustomize.toolkit.fluxcd.io/")
            });
            if map.is_empty() {
                metadata.remove(field);
            }
        }
    }
    serde_json::to_string_pretty(&object).unwrap()
}

/// Whether an object is left to what follows it.
fn is_followed(object: &Value) -> bool {
    matches!(object["kind"].as_str(), Some("Kustomization" | "HelmRelease"))
}

/// What `flux build kustomization` makes of all.
fn built_by_flux(flux: &Path, cluster: &str) -> BTreeSet<String> {
    let directory = tempfile::tempdir().unwrap();
    let mut all = BTreeSet::new();
    for (name, path, post_build) in kustomizations(cluster) {
        let files = [
            format!("clusters/{cluster}/flux-system/sync.yaml"),
            format!("clusters/{cluster}/infrastructure.yaml"),
            format!("clusters/{cluster}/apps.yaml"),
        ];
        let texts = files.map(|file| fs::read_to_string(root().join(EXAMPLE).join(file)).unwrap());
        let texts = texts.join("---\n");
        let mut found = yaml::split(&texts)
            .map(|document| value(document.text))
            .find(|it| it["kind"] == "Kustomization" && it["metadata"]["name"] == name)
            .unwrap();
        if !post_build.is_null() {
            found["spec"]["postBuild"] = post_build;
        }
        let file = directory.path().join("kustomization.json");
        fs::write(&file, found.to_string()).unwrap();
        let output = Command::new(flux.join("flux"))
            .args(["build", "kustomization", name, "--dry-run", "--in-memory-build"])
            .args(["--namespace", "flux-system", "--path"])
            .arg(root().join(EXAMPLE).join(path))
            .arg("--kustomization-file")
            .arg(&file)
            .current_dir("/")
            .env("KUBECONFIG", "/dev/null")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {said}");
        let text = String::from_utf8(output.stdout).unwrap();
        let objects = yaml::split(&text).map(|document| value(document.text));
        all.extend(objects.filter(|object| !is_followed(object)).map(bare));
    }
    all
}

/// The objects that both make of each cluster are the same.
///
/// Source: docs/semantics/flux.md#generated-kustomization and #variables.
#[test]
fn what_flux_builds() {
    let flux = match provided("flux") {
        Ok(directory) => directory,
        Err(Unprovided::Cannot(why)) => {
            let _ = skip(Outside::Flux, &why);
            return;
        }
        Err(Unprovided::Broken(why)) => panic!("{why}"),
    };
    for cluster in ["prod", "staging"] {
        let name = format!("{}#clusters/{cluster}", root().join(EXAMPLE).display());
        let repository: Repository = name.parse().unwrap();
        let followed = repository.follow(false, &Budget::new(Limits::default())).unwrap();
        // Those with a namespace of their own are of a chart.
        let of_flux = followed.documents.iter().filter(|(_, own)| own.is_none());
        let ours: BTreeSet<String> = of_flux
            .map(|(document, _)| value(&document.text))
            .filter(|object| !is_followed(object))
            .map(bare)
            .collect();
        let theirs = built_by_flux(&flux, cluster);
        assert!(theirs.len() > 10, "{}", theirs.len());
        let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| {
            a.difference(b).cloned().collect::<Vec<_>>().join("\n")
        };
        assert_eq!(
            ours,
            theirs,
            "only ours:\n{}\nonly Flux's:\n{}",
            only(&ours, &theirs),
            only(&theirs, &ours)
        );
    }
}

/// A throw-away repository.
struct Files(tempfile::TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let files_ = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            files_.write(name, text);
        }
        files_
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn git(&self, words: &[&str]) {
        let output = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
            .args(words)
            .current_dir(self.0.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn run(&self, words: &[&str]) -> Run {
        let mut command = command(FRONT, words);
        run(command.current_dir(self.0.path()), b"")
    }

    /// Everything that a command says, without its line breaks.
    fn said(&self, words: &[&str]) -> String {
        let Run { stdout, stderr, code } = self.run(words);
        let all = format!("{stdout} {stderr} ({code})");
        all.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// A Kustomization of Flux in YAML.
fn kustomization(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n\
         metadata: {{name: {name}, namespace: flux-system}}\n\
         spec: {{sourceRef: {{kind: GitRepository, name: flux-system}}, {spec}}}\n"
    )
}

const POLICY: &str = "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
  - from: [{ipBlock: {cidr: \"${LAN}\"}}]
    ports: [{port: 5432}]
";
const PODS: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: db}
spec: {containers: [{name: db, image: db}]}
";

fn simple(spec: &str) -> Files {
    Files::new(&[
        ("ks.yaml", &kustomization("db", &format!("path: ./db, targetNamespace: shop, {spec}"))),
        ("db/policy.yaml", POLICY),
        ("db/pod.yaml", PODS),
    ])
}

const ASK: [&str; 5] = ["explain", "-f", "flux:.", "192.0.2.7", "shop/db:5432"];

/// A line is told where it says what is in force, else the file alone, and never a throw-away directory.
#[test]
fn where_it_is_written() {
    let files = simple("postBuild: {substitute: {LAN: 192.0.2.0/24}}");
    let run = files.run(&ASK);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("./db/policy.yaml: "), "{run:?}");
    let json =
        files.run(&["explain", "-f", "flux:.", "192.0.2.7", "shop/db:5432", "-o", "json"]).json();
    let text = json.to_string();
    assert!(!text.contains("kubectl-netpol-"), "{text}");
    let files = simple("postBuild: {substitute: {X: z}}");
    files.write("db/policy.yaml", &POLICY.replace("${LAN}", "192.0.2.0/24"));
    let run = files.run(&ASK);
    assert!(run.stdout.contains("./db/policy.yaml:8:"), "{run:?}");
}

/// The work tree is not looked at, and not touched.
#[test]
fn at_a_revision() {
    let files = simple("postBuild: {substitute: {LAN: 192.0.2.0/24}}");
    files.git(&["init", "--quiet", "--initial-branch=main"]);
    files.git(&["add", "."]);
    files.git(&["commit", "--quiet", "-m", "x"]);
    files.write("db/policy.yaml", &POLICY.replace("5432", "5433"));
    let before = fs::read_dir(files.0.path()).unwrap().count();
    let run = files.run(&["explain", "-f", "flux:git:main", "192.0.2.7", "shop/db:5432"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("main:db/policy.yaml: "), "{run:?}");
    let run = files.run(&["diff", "flux:git:main", "flux:.", "--summary"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stdout.contains("shop/pod/db") || run.stdout.contains("shop/db"), "{run:?}");
    assert_eq!(fs::read_dir(files.0.path()).unwrap().count(), before);
    files.git(&["clone", "--quiet", "--bare", ".", "bare.git"]);
    let mut command = command(FRONT, &["summary", "-f", "flux:git:main"]);
    let run = run_in(&mut command, &files.0.path().join("bare.git"));
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("shop"), "{run:?}");
}

fn run_in(command: &mut Command, directory: &Path) -> Run {
    run(command.current_dir(directory), b"")
}

/// Source: docs/semantics/flux.md#variables and #what-opts-out.
#[test]
fn variables_that_are_not_known() {
    for (spec, annotation, expected) in [
        // A Secret may have any; what nothing sets is nothing, which is no block.
        (
            "postBuild: {substituteFrom: [{kind: Secret, name: s}]}",
            "",
            "the variable ${LAN} is not filled in",
        ),
        ("postBuild: {substitute: {X: z}}", "", "cidr"),
        (
            "postBuild: {substitute: {LAN: 192.0.2.0/24}}",
            "kustomize.toolkit.fluxcd.io/substitute: disabled",
            "${LAN} is not filled in",
        ),
        (
            "suspend: true, postBuild: {substitute: {LAN: 192.0.2.0/24}}",
            "",
            "Kustomization flux-system/db is suspended",
        ),
        (
            "postBuild: {substitute: {LAN: 192.0.2.0/24}}",
            "kustomize.toolkit.fluxcd.io/reconcile: disabled",
            "no policy isolates its ingress",
        ),
    ] {
        let files = simple(spec);
        let named = format!("{{name: db, annotations: {{{annotation}}}}}");
        files.write("db/policy.yaml", &POLICY.replace("{name: db}", &named));
        let said = files.said(&ASK);
        assert!(said.contains(expected), "{spec} {annotation}: {said}");
    }
}

/// A sentence each.
#[test]
fn repositories_that_are_not_in_order() {
    let said = |files: &[(&str, &str)]| Files::new(files).said(&["summary", "-f", "flux:."]);
    let policy = POLICY.replace("${LAN}", "192.0.2.0/24");
    let of = |spec: &str| kustomization("db", spec);
    for (files, expected) in [
        (vec![("a.yaml", policy.clone())], "error: there is no Kustomization of Flux in flux:."),
        (
            vec![("ks.yaml", of("path: {}"))],
            "error: cannot follow Flux in flux:.: ./ks.yaml: Kustomization db is not read: path",
        ),
        (vec![("ks.yaml", of("path: ./gone"))], "its path ./gone is not in the repository"),
        (vec![("ks.yaml", of("path: ../../etc"))], "its path ../../etc is not in the repository"),
        (
            vec![("ks.yaml", of("path: ./db")), ("db/values.yaml", "a: b\n".to_owned())],
            "db/values.yaml is no manifest",
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
        ),
        (
            vec![
                ("ks.yaml", of("path: ./db")),
                ("db/kustomization.yaml", "resources: ['https://example.org/x.yaml']\n".to_owned()),
            ],
            "takes https://example.org/x.yaml from elsewhere, and nothing is fetched unless asked for",
        ),
        (
            vec![
                ("a.yaml", kustomization("a", "path: ./db, dependsOn: [{name: b}]")),
                ("b.yaml", kustomization("b", "path: ./db, dependsOn: [{name: a}]")),
                ("db/a.yaml", policy.clone()),
            ],
            "depend on one another in a circle",
        ),
        (
            vec![
                ("ks.yaml", of("path: ./db, postBuild: {substitute: {A: b}}")),
                ("db/a.yaml", policy.replace("db", "'${A[0]}'")),
            ],
            "Flux refuses ${A[0]}",
        ),
        (
            vec![
                ("clusters/a/ks.yaml", kustomization("flux-system", "path: ./clusters/a")),
                ("clusters/b/ks.yaml", kustomization("flux-system", "path: ./clusters/b")),
            ],
            "flux:. has several clusters",
        ),
    ] {
        let files: Vec<(&str, &str)> =
            files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let said = said(&files);
        assert!(said.contains(expected), "{expected}: {said}");
        assert!(!said.contains("kubectl-netpol-"), "{said}");
    }
    let files = simple("");
    let said = files.said(&["summary", "-f", "flux:.#gone"]);
    assert!(said.contains("has no directory gone") && said.ends_with("(2)"), "{said}");
    let mut command = command(FRONT, &["summary", "-f", "flux:."]);
    let run = run_in(command.env("PATH", "/nonexistent"), files.0.path());
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("neither kubectl nor kustomize is on PATH"), "{run:?}");
}

/// A link out of the repository is in no copy of it.
#[test]
fn a_link_that_leads_out() {
    let files = simple("postBuild: {substitute: {LAN: 192.0.2.0/24}}");
    std::os::unix::fs::symlink("/etc/hostname", files.0.path().join("db/link.yaml")).unwrap();
    let said = files.said(&ASK);
    assert!(
        said.contains("is a link that leads out of the repository or nowhere and is not followed"),
        "{said}"
    );
    assert!(said.contains("ALLOWED"), "{said}");
}

fn release(chart: &str, more: &str) -> String {
    format!(
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: cache, namespace: shop}}\n\
         spec:\n  chart: {{spec: {{chart: {chart}, sourceRef: {{kind: GitRepository, name: flux-system, namespace: flux-system}}}}}}\n{more}"
    )
}

/// Source: docs/semantics/flux.md#stand-ins.
#[test]
fn a_chart_that_is_not_here_has_stand_ins() {
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n\
        metadata: {name: cache, namespace: shop}\n\
        spec:\n  chart: {spec: {chart: cache, sourceRef: {kind: HelmRepository, name: x}}}\n  \
        values: {podLabels: {team: a}}\n";
    let policy = |selector: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
             metadata: {{name: p, namespace: shop}}\n\
             spec: {{podSelector: {{matchLabels: {{{selector}}}}}, policyTypes: [Ingress], \
             ingress: [{{from: [{{ipBlock: {{cidr: 192.0.2.0/24}}}}]}}]}}\n"
        )
    };
    let ask = |selector: &str| {
        let files = Files::new(&[
            ("ks.yaml", &kustomization("db", "path: ./db")),
            ("db/release.yaml", release),
            ("db/policy.yaml", &policy(selector)),
        ]);
        files.said(&["explain", "-f", "flux:.", "192.0.2.7", "shop/cache", "--port", "6379"])
    };
    for known in ["app.kubernetes.io/instance: cache", "team: a"] {
        let said = ask(known);
        // What the chart brings may deny it.
        assert!(
            said.contains("UNKNOWN") && said.contains("p ingress[0] admits the flow"),
            "{said}"
        );
        assert!(!said.contains("may isolate"), "{known}: {said}");
        assert!(said.contains("1 of 1 chart is not here"), "{said}");
    }
    for unknown in ["app: cache", "app.kubernetes.io/name: cache"] {
        let said = ask(unknown);
        assert!(said.contains("UNKNOWN") && said.contains("may isolate"), "{unknown}: {said}");
    }
}

#[test]
fn charts_that_are_not_in_order() {
    let Ok(helm) = helm() else { return };
    let chart = "apiVersion: v2\nname: cache\nversion: 1.0.0\n";
    let said = |files: &[(&str, &str)]| {
        let ks = kustomization("db", "path: ./db");
        let files = Files::new(&[&[("ks.yaml", ks.as_str())], files].concat());
        let mut command = command(FRONT, &["list", "-f", "flux:."]);
        let path = std::env::join_paths(
            [helm.to_owned()]
                .into_iter()
                .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        );
        let Run { stdout, stderr, .. } = run_in(command.env("PATH", path.unwrap()), files.0.path());
        format!("{stdout} {stderr}").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let release = release("./cache", "");
    let gone = said(&[("db/a.yaml", &release)]);
    assert!(gone.contains("HelmRelease shop/cache: there is no chart in cache"), "{gone}");
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
}

/// The whole example answers as its documentation says; every local chart is inflated.
#[test]
fn only_the_chart_of_a_registry_has_a_stand_in() {
    let Ok(helm) = helm() else { return };
    let path: Vec<PathBuf> = [helm.to_owned()]
        .into_iter()
        .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap()))
        .collect();
    let mut command =
        command(FRONT, &["list", "-f", "flux:examples/flux#clusters/prod", "-o", "json"]);
    let run = run(command.env("PATH", std::env::join_paths(path).unwrap()), b"");
    let text = run.json().to_string();
    assert!(text.contains("blog-server") && text.contains("queue"), "{text}");
    assert!(text.contains("1 of 3 charts is not here"), "{text}");
    let node = yaml::parse(&yaml::Document::whole(&text)).unwrap().unwrap();
    assert_eq!(node.get("complete").and_then(Node::as_str), None);
}
