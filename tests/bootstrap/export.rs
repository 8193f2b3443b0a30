//! The same objects as files for Git.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{bootstrap, get, kubectl};
use crate::harness::{Files, Outside, control_plane, expect_success, root, skip};

#[test]
fn the_exported_files_build_to_what_is_applied() {
    let Ok(cluster) = control_plane() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    for layout in ["one", "many"] {
        let namespace = format!("boot-export-{layout}");
        let files = directory.path().join(layout);
        let path = files.to_str().expect("UTF-8");
        let flags = [&*namespace, "--label=team=a", "--allow-same-namespace", "--deny=all"];
        let export = ["--export", path, "--export-layout", layout];
        let said = bootstrap(cluster, &[&flags[..], &export].concat()).done();
        assert!(said.contains(&format!("{path}/kustomization.yaml written\n")), "{said}");
        assert_eq!(files.join("network-policies.yaml").exists(), layout == "one");
        assert_eq!(files.join("default-deny-ingress.yaml").exists(), layout == "many");

        let built = kubectl(cluster, &["kustomize", path]);
        let file = directory.path().join("built.yaml");
        fs::write(&file, built).expect("a file");
        let dry = ["apply", "--server-side", "--dry-run=server", "-o", "json", "-f"];
        bootstrap(cluster, &flags).done();
        let built = kubectl(cluster, &[&dry[..], &[file.to_str().expect("UTF-8")]].concat());
        let built: Value = serde_json::from_str(&built).expect("JSON");
        let built = built["items"].as_array().expect("items");
        assert_eq!(built.len(), 5);
        for object in built {
            let kind = object["kind"].as_str().expect("a kind");
            let name = object["metadata"]["name"].as_str().expect("a name");
            let live = get(cluster, &[kind, name, "-n", &namespace]);
            assert_eq!(object["spec"], live["spec"], "{kind}/{name}");
            assert_eq!(object["metadata"]["labels"], live["metadata"]["labels"], "{kind}/{name}");
        }
        let again = bootstrap(cluster, &[&flags[..], &export].concat()).done();
        let files = again.lines().filter(|line| line.starts_with(path));
        assert!(files.clone().all(|line| line.ends_with(" unchanged")), "{again}");
    }
}

#[test]
fn files_of_others_stay_as_they_are() {
    let Ok(cluster) = control_plane() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let (path, at) =
        (directory.path().to_str().expect("UTF-8"), |name| directory.path().join(name));
    let ours = "# ours\nresources:\n# the database first\n- db.yaml # big\n\n# later\nimages: []\n";
    fs::write(at("kustomization.yaml"), ours).expect("a file");
    fs::write(at("network-policies.yaml"), "# by hand\n").expect("a file");
    let db = "{apiVersion: v1, kind: ConfigMap, metadata: {name: db}}\n";
    fs::write(at("db.yaml"), db).expect("a file");
    let flags = ["default", "--dns", "namespace", "--export", path];
    bootstrap(cluster, &flags).failed(&["was not written by kubectl netpol", "--overwrite"]);
    assert_eq!(fs::read_to_string(at("kustomization.yaml")).expect("a file"), ours);
    assert_eq!(fs::read_to_string(at("network-policies.yaml")).expect("a file"), "# by hand\n");

    bootstrap(cluster, &[&flags[..], &["--overwrite"]].concat()).done();
    let text = fs::read_to_string(at("kustomization.yaml")).expect("a file");
    assert_eq!(text, ours.replace("# big\n", "# big\n- network-policies.yaml\n"));
    assert!(!at("namespace.yaml").exists(), "the cluster has it");
    let left = fs::read_dir(directory.path()).expect("a directory").count();
    assert_eq!(left, 3, "nothing is left beside the files");
}

/// The example's own files of the namespace `default`, and no cluster to ask.
#[test]
fn the_seeds_layout_is_written_without_a_cluster() {
    let Ok(cluster) = control_plane() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().to_str().expect("UTF-8");
    let mut command = super::plugin(cluster.kubectl("/nonexistent"));
    let flags = ["default", "--dns=namespace", "--export-layout=many", "--export", path];
    expect_success(command.args(flags));
    for name in ["default-deny-ingress", "allow-dns-egress"] {
        let read = |path: std::path::PathBuf| {
            let text = fs::read_to_string(path).expect("a file");
            text.lines()
                .filter(|line| !line.starts_with('#'))
                .map(str::to_owned)
                .collect::<String>()
        };
        let seed = format!("examples/homekube/infrastructure/network-policies/{name}.yaml");
        let root = root();
        let spec = |text: &str| {
            let spec = text.split("spec:").nth(1).expect("a spec").replace([' ', '-'], "");
            spec.replace("[Ingress]", "Ingress").replace("[Egress]", "Egress")
        };
        let written = read(directory.path().join(format!("{name}.yaml")));
        assert_eq!(spec(&written), spec(&read(root.join(seed))));
    }
}

/// Every field of a kustomization that would make other policies of ours, and one that does not.
#[test]
fn what_is_in_the_way_is_named_and_nothing_is_written() {
    if !buildable() {
        return;
    }
    let policy = "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: x}}";
    let component =
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: p-\n";
    let patch = r#"patches: [{target: {kind: NetworkPolicy}, patch: '[{"op": "add", "path": "/spec/podSelector/matchLabels", "value": {"app": "x"}}]'}]"#;
    let replacement = "replacements: [{source: {kind: ConfigMap, name: other, fieldPath: data.a}, \
                       targets: [{select: {kind: NetworkPolicy, name: allow-dns-egress}, fieldPaths: [metadata.name]}]}]";
    let cases: &[(&str, &[&str])] = &[
        (
            "commonLabels: {team: a}",
            &["its commonLabels", "allow-monitoring-scrape would not mean"],
        ),
        ("labels: [{pairs: {team: a}, includeSelectors: true}]", &["its labels"]),
        ("namePrefix: dev-", &["its namePrefix", "becomes dev-allow-dns-egress of team-a"]),
        ("namespace: other", &["its namespace", "of team-a becomes", "of other"]),
        (patch, &["its patches", "spec.podSelector.matchLabels differs"]),
        (replacement, &["its replacements"]),
        ("components: [../part]", &["its components"]),
        ("commonLabels: {team: a}\nnamePrefix: dev-", &["its commonLabels and namePrefix"]),
        ("resources: [other.yaml, missing.yaml]", &["cannot build", "there is no", "missing.yaml"]),
    ];
    for (text, parts) in cases {
        let files = Files::new(&[
            ("part/kustomization.yaml", component),
            (
                "git/other.yaml",
                "{apiVersion: v1, kind: ConfigMap, metadata: {name: other}, data: {a: b}}",
            ),
        ]);
        let rest = if text.contains("resources") { "" } else { "\nresources: [other.yaml]" };
        let text = format!("{text}{rest}\n");
        files.write("git/kustomization.yaml", &text);
        let flags = ["bootstrap", "team-a", "--dns=namespace", "--allow-monitoring"];
        let said = files.said(&[&flags[..], &["--export", "git"]].concat());
        for part in parts.iter().chain(&["no file was written", "(2)"]) {
            assert!(said.contains(part), "{text}: {part} in {said}");
        }
        assert_eq!(files.read("git/kustomization.yaml"), text);
        assert_eq!(fs::read_dir(files.path("git")).unwrap().count(), 2, "{text}");
    }
    for text in [
        "labels: [{pairs: {team: a}}]",
        "commonAnnotations: {a: b}",
        "namespace: team-a",
        r#"patches: [{target: {kind: ConfigMap}, patch: '[{"op": "add", "path": "/data", "value": {"b": "c"}}]'}]"#,
        "resources: [../base]",
    ] {
        let files = Files::new(&[
            ("base/kustomization.yaml", "resources: [x.yaml]\n"),
            ("base/x.yaml", policy),
            ("git/other.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: other}}"),
        ]);
        let rest = if text.contains("resources") { "" } else { "\nresources: [other.yaml]" };
        files.write("git/kustomization.yaml", &format!("{text}{rest}\n"));
        let said = files.said(&["bootstrap", "team-a", "--dns=namespace", "--export", "git"]);
        assert!(
            said.contains("git/network-policies.yaml written") && said.ends_with("(0)"),
            "{said}"
        );
    }
}

/// Flux builds what a Kustomization names, with what that has besides.
#[test]
fn what_flux_adds_is_in_the_way_too() {
    if !buildable() {
        return;
    }
    let flux = |spec: &str| {
        format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\n\
             kind: Kustomization\n\
             metadata: {{name: apps, namespace: flux-system}}\n\
             spec: {{{spec}}}\n"
        )
    };
    let files = Files::new(&[("apps/kustomization.yaml", "resources: [team-a]\n")]);
    let flags = ["bootstrap", "team-a", "--dns=namespace", "--export", "apps/team-a"];
    let cm = "{apiVersion: v1, kind: ConfigMap, metadata: {name: other}}";
    files.write("apps/team-a/other.yaml", cm);
    files.write("apps/team-a/kustomization.yaml", "resources: [other.yaml]\n");
    files.write("clusters/apps.yaml", &flux("path: ./apps, targetNamespace: shop"));
    files.commit_all("");
    let said = files.said(&flags);
    let parts = [
        "Kustomization flux-system/apps (clusters/apps.yaml) delivers this directory",
        "its targetNamespace networkpolicy/allow-dns-egress of team-a becomes",
        "no file was written",
    ];
    for part in parts {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert_eq!(files.read("apps/team-a/kustomization.yaml"), "resources: [other.yaml]\n");
    // What does not deliver the directory, or changes nothing of it, is in no way.
    for spec in ["path: ./apps, targetNamespace: team-a", "path: ./clusters, targetNamespace: shop"]
    {
        files.write("clusters/apps.yaml", &flux(spec));
        let said = files.said(&flags);
        assert!(said.ends_with("(0)"), "{spec}: {said}");
    }
    // What it builds on the way changes it too.
    files.write("clusters/apps.yaml", &flux("path: ./apps"));
    files.write("apps/kustomization.yaml", "namespace: shop\nresources: [team-a]\n");
    let said = files.said(&flags);
    let parts = [
        "delivers this directory, and with its kustomizations above it networkpolicy/",
        "of team-a becomes",
        "of shop",
        "no file was written",
    ];
    for part in parts {
        assert!(said.contains(part), "{part} in {said}");
    }
    files.write("apps/kustomization.yaml", "resources: [team-a]\n");
    let said = files.said(&flags);
    assert!(said.ends_with("(0)") && !said.contains("kubectl-netpol-mark"), "{said}");
    assert!(!files.read("apps/team-a/kustomization.yaml").contains("mark"));
    // A Kustomization of Flux may be called as kustomize's is; it stays as it is.
    let own = flux("path: ./apps");
    files.write("flux/kustomization.yaml", &own);
    let said = files.said(&["bootstrap", "team-a", "--dns=namespace", "--export", "flux"]);
    assert!(said.contains("it is a Kustomization of Flux") && said.ends_with("(2)"), "{said}");
    assert_eq!(files.read("flux/kustomization.yaml"), own);
}

/// Where there is no kustomization.yaml Flux takes every manifest, and with one only what it lists.
#[test]
fn what_is_delivered_without_a_kustomization_stays_delivered() {
    let cm = "{apiVersion: v1, kind: ConfigMap, metadata: {name: other}}";
    let export = ["bootstrap", "team-a", "--dns=namespace", "--export", "git"];
    for other in ["git/other.yaml", "git/below/other.yml", "git/other.json"] {
        let files = Files::new(&[(other, cm)]);
        let said = files.said(&export);
        let name = other.strip_prefix("git/").unwrap();
        let part = format!(
            "git has no kustomization.yaml, so Flux and kubectl take every manifest below it, and with \
                            one only what it lists, without {name}: write one"
        );
        assert!(said.contains(&part) && said.ends_with("(2)"), "{said}");
        assert!(!files.path("git/network-policies.yaml").exists());
    }
    let files = Files::new(&[("git/README.md", "none")]);
    let said = files.said(&export);
    assert!(said.contains("team-a: ingress would be denied, egress would be DNS only"), "{said}");
    // Our own files are no others, whatever became of the kustomization.
    std::fs::remove_file(files.path("git/kustomization.yaml")).unwrap();
    let again = files.said(&export);
    assert!(again.contains("git/kustomization.yaml written") && again.ends_with("(0)"), "{again}");
}

/// Of two policies with one name the second would take the place of the first.
#[test]
fn no_two_policies_have_one_name() {
    let files = Files::new(&[]);
    for flags in [
        &["--allow-ingress-controller=dns-egress"][..],
        &["--allow-ingress-controller=same-namespace", "--allow-same-namespace"],
        &["--allow-ingress-controller=from-monitoring", "--allow-ingress=monitoring"],
    ] {
        let words =
            [&["bootstrap", "a", "--dns=namespace", "--dry-run=client"][..], flags].concat();
        let said = files.said(&words);
        let part = "two of the policies that were asked for are called allow-";
        assert!(said.contains(part) && said.ends_with("(2)"), "{flags:?}: {said}");
    }
}

#[test]
fn a_second_namespace_has_its_own_files() {
    if !buildable() {
        return;
    }
    let files = Files::new(&[]);
    let export = |words: &[&str]| {
        let flags = ["bootstrap", "--dns=namespace", "--export", "git"];
        let run = files.run(&[&flags[..], words].concat());
        assert_eq!(run.code, 0, "{run:?}");
        run.stdout
    };
    export(&["team-a"]);
    let said = export(&["team-b"]);
    assert!(said.contains("git/team-b/network-policies.yaml written"), "{said}");
    assert_eq!(built(&files.path("git")), pairs(&["team-a", "team-b"], &BASE));
    // Layouts change, there and back, and what is no longer needed goes.
    let said = export(&["team-b", "--export-layout=many"]);
    assert!(said.contains("git/team-b/network-policies.yaml deleted"), "{said}");
    assert!(!files.path("git/team-b/network-policies.yaml").exists());
    assert_eq!(built(&files.path("git")), pairs(&["team-a", "team-b"], &BASE));
    let said = export(&["team-a", "team-b", "--allow-same-namespace"]);
    assert!(said.contains("git/team-b/allow-dns-egress.yaml deleted"), "{said}");
    let three = ["allow-dns-egress", "allow-same-namespace", "default-deny-ingress"];
    assert_eq!(built(&files.path("git")), pairs(&["team-a", "team-b"], &three));
    // Fewer flags, of fewer namespaces.
    let said = export(&["team-a", "--export-layout=many"]);
    let lost = "team-a: no longer asked for, and taken away: networkpolicy/allow-same-namespace";
    assert!(said.contains(lost), "{said}");
    let mut left = pairs(&["team-a"], &BASE);
    left.extend(pairs(&["team-b"], &three));
    assert_eq!(built(&files.path("git")), left);
    assert!(
        export(&["team-a", "--export-layout=many"])
            .lines()
            .take(3)
            .all(|line| line.ends_with(" unchanged"))
    );
}

/// The file of a Namespace that is there stays: without it Flux would take the namespace away.
#[test]
fn a_namespace_is_not_taken_away() {
    if !buildable() {
        return;
    }
    let files = Files::new(&[]);
    let flags = ["bootstrap", "team-a", "--dns=namespace", "--export", "git"];
    assert!(files.said(&[&flags[..], &["--label=team=a"]].concat()).ends_with("(0)"));
    assert!(files.said(&flags).ends_with("(0)"));
    let namespace = files.read("git/namespace.yaml");
    assert!(namespace.contains("kind: Namespace") && !namespace.contains("team: a"), "{namespace}");
    assert!(files.read("git/kustomization.yaml").contains("namespace.yaml"));
}

/// The names of the baseline's policies.
const BASE: [&str; 2] = ["allow-dns-egress", "default-deny-ingress"];

fn pairs(namespaces: &[&str], names: &[&str]) -> BTreeSet<(String, String)> {
    let of = |namespace: &&str| {
        let namespace = (*namespace).to_owned();
        names.iter().map(move |name| (namespace.clone(), (*name).to_owned()))
    };
    namespaces.iter().flat_map(of).collect()
}

/// Namespace and name of every policy that a directory makes.
fn built(directory: &Path) -> BTreeSet<(String, String)> {
    let text = expect_success(Command::new("kubectl").arg("kustomize").arg(directory));
    let documents: Vec<_> = netpol::yaml::split(&text).collect();
    let objects =
        documents.iter().filter_map(|it| netpol::yaml::from_document::<Value>(it).unwrap());
    let of = |object: Value| {
        let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default().to_owned();
        (object["kind"] == "NetworkPolicy").then(|| (text("namespace"), text("name")))
    };
    objects.filter_map(of).collect()
}

/// Whether kubectl is there, which builds.
pub(super) fn buildable() -> bool {
    let there = which::which("kubectl").is_ok();
    if !there {
        let _ = skip(Outside::ControlPlane, "kubectl is not on PATH");
    }
    there
}
