//! The same objects as files for Git.

use std::fs;

use serde_json::Value;

use super::{bootstrap, get, kubectl};
use crate::harness::{control_plane, expect_success, root};

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
    let flags = ["default", "--dns", "namespace", "--export", path];
    bootstrap(cluster, &flags).failed(&["was not written by kubectl netpol", "--overwrite"]);
    assert_eq!(fs::read_to_string(at("kustomization.yaml")).expect("a file"), ours);
    assert_eq!(fs::read_to_string(at("network-policies.yaml")).expect("a file"), "# by hand\n");

    bootstrap(cluster, &[&flags[..], &["--overwrite"]].concat()).done();
    let text = fs::read_to_string(at("kustomization.yaml")).expect("a file");
    assert_eq!(text, ours.replace("# big\n", "# big\n- network-policies.yaml\n"));
    assert!(!at("namespace.yaml").exists(), "the cluster has it");
    let left = fs::read_dir(directory.path()).expect("a directory").count();
    assert_eq!(left, 2, "nothing is left beside the files");
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
