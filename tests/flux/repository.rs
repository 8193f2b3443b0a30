//! A repository of Flux read without a cluster: what it makes beside what the real Flux CLI makes, and what
//! is said of one that is not in order.

use crate::harness::{Files, Outside, Unprovided, provided, root, skip, with_helm};
use crate::run::{FRONT, Run, command, run};
use netpol::yaml::{self, Node};
use netpol_sources::flux::follow::{How, Repository};
use netpol_sources::limits::{Budget, Limits};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
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

pub(super) fn value(text: &str) -> Value {
    let node = yaml::parse(&yaml::Document::whole(text)).unwrap().unwrap();
    yaml::from_node(&node).unwrap()
}

/// An object without what is written beside it: its origin, and who owns it.
pub(super) fn bare(mut object: Value) -> String {
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
pub(super) fn is_followed(object: &Value) -> bool {
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
        let name = format!("flux:{}#clusters/{cluster}", root().join(EXAMPLE).display());
        let repository: Repository = name.parse().unwrap();
        let followed = repository.follow(How::default(), &Budget::new(Limits::default())).unwrap();
        // Those with a namespace of their own are of a chart.
        let of_flux = followed.documents.iter().filter(|it| it.namespace.is_none());
        let ours: BTreeSet<String> = of_flux
            .map(|it| value(&it.rendered.text))
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

/// A Kustomization of Flux in YAML.
pub(super) fn kustomization(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n\
         metadata: {{name: {name}, namespace: flux-system}}\n\
         spec: {{sourceRef: {{kind: GitRepository, name: flux-system}}, {spec}}}\n"
    )
}

pub(super) const POLICY: &str = "\
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
pub(super) const PODS: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: db}
spec: {containers: [{name: db, image: db}]}
";

pub(super) fn simple(spec: &str) -> Files {
    Files::new(&[
        ("ks.yaml", &kustomization("db", &format!("path: ./db, targetNamespace: shop, {spec}"))),
        ("db/policy.yaml", POLICY),
        ("db/pod.yaml", PODS),
    ])
}

pub(super) const ASK: [&str; 5] = ["explain", "-f", "flux:.", "192.0.2.7", "shop/db:5432"];

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
    let before = fs::read_dir(files.path("")).unwrap().count();
    let run = files.run(&["explain", "-f", "flux:git:main", "192.0.2.7", "shop/db:5432"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("main:db/policy.yaml: "), "{run:?}");
    let run = files.run(&["diff", "flux:git:main", "flux:.", "--summary"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stdout.contains("shop/pod/db") || run.stdout.contains("shop/db"), "{run:?}");
    assert_eq!(fs::read_dir(files.path("")).unwrap().count(), before);
    files.git(&["clone", "--quiet", "--bare", ".", "bare.git"]);
    let mut command = command(FRONT, &["summary", "-f", "flux:git:main"]);
    let run = run_in(&mut command, &files.path("bare.git"));
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("shop"), "{run:?}");
}

pub(super) fn run_in(command: &mut Command, directory: &Path) -> Run {
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

/// The same chart makes the same on both sides, whatever it makes: only another one may change flows.
#[test]
fn a_chart_that_is_not_here_in_a_diff() {
    let release = |version: &str| {
        format!(
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: cache, namespace: shop}}\n\
             spec:\n  chart: {{spec: {{chart: cache, version: {version}, sourceRef: {{kind: HelmRepository, name: x}}}}}}\n"
        )
    };
    let files = Files::new(&[
        ("ks.yaml", &kustomization("db", "path: ./db")),
        ("db/release.yaml", &release("1.0.0")),
        (
            "db/policy.yaml",
            &POLICY
                .replace("${LAN}", "192.0.2.0/24")
                .replace("{name: db}", "{name: db, namespace: shop}"),
        ),
        ("db/pod.yaml", &PODS.replace("{name: db}\n", "{name: db, namespace: shop}\n")),
    ]);
    files.commit_all("");
    let said = |old: &str| files.said(&["diff", old, "flux:git:main"]);
    files.write(
        "db/note.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: note, namespace: shop}\n",
    );
    files.commit_all("");
    let same = said("flux:git:main~1");
    assert!(same.starts_with("no flow changes ") && same.ends_with("(0)"), "{same}");
    assert!(same.contains("not read, and the same on both sides"), "{same}");
    files.write("db/release.yaml", &release("1.1.0"));
    files.commit_all("");
    let other = said("flux:git:main~1");
    assert!(other.contains("what is not read may change flows: main:db/release.yaml"), "{other}");
    assert!(other.ends_with("(3)"), "{other}");
    let words = ["diff", "flux:git:main~1", "flux:git:main", "--accept-unread=HelmRelease"];
    let accepted = files.said(&words);
    assert!(accepted.contains("as accepted") && accepted.ends_with("(0)"), "{accepted}");
}

/// An artifact that is a part of the repository is followed from the part's top.
///
/// Source: docs/semantics/flux.md#artifacts.
#[test]
fn artifacts_of_the_repository() {
    let of = |artifact: &str| {
        kustomization("db", "path: ./prod, targetNamespace: shop").replace(
            "{kind: GitRepository, name: flux-system}",
            &format!("{{kind: ExternalArtifact, name: {artifact}}}"),
        )
    };
    let generator = "apiVersion: source.extensions.fluxcd.io/v1beta1\nkind: ArtifactGenerator\n\
        metadata: {name: g, namespace: flux-system}\nspec:\n  \
        sources: [{alias: it, kind: GitRepository, name: flux-system}]\n  artifacts:\n  \
        - {name: apps, copy: [{from: '@it/apps/**', to: '@artifact/'}]}\n  \
        - {name: other, copy: [{from: '@it/apps/*.yaml', to: '@artifact/'}]}\n";
    let policy = POLICY.replace("${LAN}", "192.0.2.0/24");
    for (artifact, expected) in [
        ("apps", "ALLOWED"),
        ("other", "its source ExternalArtifact flux-system/other is another repository"),
    ] {
        let files = Files::new(&[
            ("clusters/a/sync.yaml", &kustomization("flux-system", "path: ./clusters/a")),
            ("clusters/a/generator.yaml", generator),
            ("clusters/a/db.yaml", &of(artifact)),
            ("apps/prod/kustomization.yaml", "resources: [../base]\n"),
            ("apps/base/kustomization.yaml", "resources: [policy.yaml, pod.yaml]\n"),
            ("apps/base/policy.yaml", &policy),
            ("apps/base/pod.yaml", PODS),
        ]);
        let words = if artifact == "apps" { &ASK[..] } else { &["summary", "-f", "flux:."] };
        let said = files.said(words);
        assert!(said.contains(expected), "{artifact}: {said}");
    }
}

/// What was built is built again only where something that goes in has changed, from that alone, and no
/// Secret is kept.
#[test]
fn what_was_built_before() {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(real) = which::which("kubectl") else { return };
    let ks = |name: &str| kustomization(name, &format!("path: ./{name}, targetNamespace: shop"));
    let secret =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {LAN: very-secret}\n";
    let policy = POLICY.replace("${LAN}", "192.0.2.0/24");
    let files = Files::new(&[
        ("r/ks.yaml", &[ks("db"), ks("web")].join("---\n")),
        ("r/db/policy.yaml", &policy),
        ("r/db/pod.yaml", PODS),
        ("r/db/secret.yaml", secret),
        ("r/web/kustomization.yaml", "resources: [../base]\n"),
        ("r/base/kustomization.yaml", "resources: [note.yaml]\n"),
        ("r/base/note.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: n}\n"),
        ("r/beside.yaml", "a: b\n"),
    ]);
    let log = files.path("log");
    // One line a build, and one more where it has a file that it cannot need.
    let script = format!(
        "#!/bin/sh\nif [ -e \"$3/../beside.yaml\" ]; then echo beside >>{log}; fi\necho >>{log}\n\
         exec {real} \"$@\"\n",
        log = log.display(),
        real = real.display(),
    );
    files.write("bin/kubectl", &script);
    fs::set_permissions(files.path("bin/kubectl"), fs::Permissions::from_mode(0o755)).unwrap();
    let ask = |more: &[&str]| {
        let _ = fs::remove_file(&log);
        let mut command = command(FRONT, &[&ASK[..], more].concat());
        command.env("PATH", files.path("bin")).env("XDG_CACHE_HOME", files.path("cache"));
        let run = run_in(&mut command, &files.path("r"));
        (run.code, run.stdout, files.read("log").lines().count())
    };
    let (code, first, built) = ask(&[]);
    assert_eq!((code, built), (0, 2), "{first}");
    assert_eq!(ask(&[]), (0, first.clone(), 0));
    assert_eq!(ask(&["--no-cache"]), (0, first.clone(), 2));
    // A file that nothing is made of, one of a base, one of a directory.
    for (name, text, built) in [
        ("r/beside.yaml", "a: c\n", 0),
        ("r/base/note.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n", 1),
        ("r/db/more.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n", 1),
    ] {
        files.write(name, text);
        assert_eq!(ask(&[]).2, built, "{name}");
        assert_eq!(ask(&[]), (0, first.clone(), 0), "{name}");
    }
    files.write("r/db/policy.yaml", &policy.replace("5432", "5433"));
    let (code, _, built) = ask(&[]);
    assert_eq!((code, built), (1, 1));
    let kept = files.path("cache/kubectl-netpol/rendered");
    let mut entries = 0;
    for entry in fs::read_dir(kept).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("very-secret"), "{text}");
        // What is not whole is made again.
        fs::write(&path, &text[..text.len() - 1]).unwrap();
        entries += 1;
    }
    assert_eq!(entries, 5);
    assert_eq!(ask(&[]).2, 2);
}

pub(super) fn release(chart: &str, more: &str) -> String {
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
        assert!(said.contains("its chart is not here"), "{said}");
    }
    for unknown in ["app: cache", "app.kubernetes.io/name: cache"] {
        let said = ask(unknown);
        assert!(said.contains("UNKNOWN") && said.contains("may isolate"), "{unknown}: {said}");
    }
}

/// A server of files, until the process ends; its address.
fn serve(files: Vec<(&'static str, Vec<u8>)>) -> String {
    use std::io::{BufRead as _, BufReader, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let first = lines.next().and_then(Result::ok).unwrap_or_default();
            let _ = lines.by_ref().map_while(Result::ok).find(String::is_empty);
            let found = files.iter().find(|(name, _)| first.contains(name));
            let (status, body) =
                found.map_or(("404 Not Found", &b""[..]), |(_, body)| ("200 OK", body));
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        }
    });
    address
}

/// With `--pull` helm fetches a chart, and only then.
///
/// Source: docs/semantics/flux.md#charts-of-registries and #post-renderers.
#[test]
fn a_chart_of_a_repository_of_charts() {
    let Ok(path) = with_helm() else { return };
    let chart = Files::new(&[
        ("cache/Chart.yaml", "apiVersion: v2\nname: cache\nversion: 1.2.0\n"),
        (
            "cache/templates/all.yaml",
            &format!("{}---\n{PODS}", POLICY.replace("${LAN}", "{{ .Values.lan }}")),
        ),
    ]);
    let packed = Command::new("tar")
        .args(["-czf", "cache.tgz", "cache"])
        .current_dir(chart.path(""))
        .status();
    assert!(packed.unwrap().success());
    let index = "apiVersion: v1\nentries:\n  cache:\n  - {apiVersion: v2, name: cache, version: 1.2.0, \
                 urls: [cache.tgz]}\n  - {apiVersion: v2, name: cache, version: 2.0.0, urls: [gone.tgz]}\n";
    let address = serve(vec![
        ("/index.yaml", index.into()),
        ("/cache.tgz", fs::read(chart.path("cache.tgz")).unwrap()),
    ]);
    let release = |version: &str, more: &str| {
        format!(
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\n\
             metadata: {{name: charts, namespace: shop}}\nspec: {{url: 'http://{address}'}}\n---\n\
             apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n\
             metadata: {{name: cache, namespace: shop}}\nspec:\n  \
             chart: {{spec: {{chart: cache, version: {version}, sourceRef: {{kind: HelmRepository, name: charts}}}}}}\n  \
             values: {{lan: 192.0.2.0/24}}\n{more}"
        )
    };
    let ask = |release: &str, more: &[&str]| {
        let files = Files::new(&[
            ("ks.yaml", &kustomization("db", "path: ./db")),
            ("db/release.yaml", release),
        ]);
        let mut command = command(FRONT, &[&ASK[..], more].concat());
        let run = run_in(command.env("PATH", &path), &files.path(""));
        let all = format!("{} {} ({})", run.stdout, run.stderr, run.code);
        all.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let plain = release("1.x", "");
    let pulled = ask(&plain, &["--pull"]);
    assert!(pulled.starts_with("ALLOWED ") && pulled.ends_with("(0)"), "{pulled}");
    assert!(pulled.contains("./db/release.yaml: - from"), "{pulled}");
    let not = ask(&plain, &[]);
    assert!(not.contains("not found") && not.ends_with("(2)"), "{not}");
    // What a post-renderer makes of it is what is applied.
    let patched = release(
        "1.x",
        "  postRenderers:\n  - kustomize:\n      patches:\n      - target: {kind: NetworkPolicy}\n        \
         patch: '[{\"op\": \"replace\", \"path\": \"/spec/ingress/0/ports/0/port\", \"value\": 5433}]'\n",
    );
    let said = ask(&patched, &["--pull"]);
    assert!(
        said.starts_with("DENIED ") && said.contains("port is 5433/TCP, not 5432/TCP"),
        "{said}"
    );
    let words = ["list", "-f", "flux:.", "--pull"];
    let gone = Files::new(&[
        ("ks.yaml", &kustomization("db", "path: ./db")),
        ("db/release.yaml", &release("2.x", "")),
    ]);
    let run = run_in(command(FRONT, &words).env("PATH", &path), &gone.path(""));
    let said = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("HelmRelease shop/cache: its chart is not inflated: helm says: "),
        "{said}"
    );
    assert!(said.contains("shop/helmrelease/cache"), "{said}");
}

/// The whole example answers as its documentation says; every local chart is inflated.
#[test]
fn only_the_chart_of_a_registry_has_a_stand_in() {
    let Ok(path) = with_helm() else { return };
    let mut command =
        command(FRONT, &["list", "-f", "flux:examples/flux#clusters/prod", "-o", "json"]);
    let run = run(command.env("PATH", path), b"");
    let text = run.json().to_string();
    assert!(text.contains("blog-server") && text.contains("queue"), "{text}");
    assert_eq!(text.matches("its chart is not here").count(), 2, "{text}");
    let node = yaml::parse(&yaml::Document::whole(&text)).unwrap().unwrap();
    assert_eq!(node.get("complete").and_then(Node::as_str), None);
}
