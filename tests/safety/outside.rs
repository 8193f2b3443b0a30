//! A directory is what lies below it, and what is read has a limit.

use super::{at, server};
use crate::run::netpol;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

#[test]
fn a_link_out_of_a_directory_is_told_with_the_answer() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("passwd"), "root: planted-line\n").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    fs::copy("examples/homekube/kustomization.yaml", directory.path().join("a.txt")).ok();
    fs::write(
        directory.path().join("a.yaml"),
        "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x}}\n",
    )
    .unwrap();
    symlink("/", directory.path().join("everything")).unwrap();
    symlink(outside.path().join("passwd"), directory.path().join("b.yaml")).unwrap();
    let run = netpol(&["list", "-f", path]);
    let said = format!("{} {}", run.stdout, run.stderr);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains(
            "2 links that lead out of the directory are not followed: b.yaml, everything"
        ),
        "{said}"
    );
    assert!(!said.contains("planted"), "{said}");
    assert_eq!(netpol(&["list", "-f", path, "--strict"]).code, 2);
    // Named, it is meant.
    let link = directory.path().join("b.yaml");
    let run = netpol(&["list", "-f", link.to_str().unwrap()]);
    assert!(!run.stderr.contains("lead out"), "{run:?}");
}

/// A namespace that only `.archive` has is one of the answer.
#[test]
fn hidden_directories_are_read_as_kubectl_does() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join(".archive")).unwrap();
    let pod = |name: &str, namespace: &str| {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, namespace: {namespace}}}}}\n"
        )
    };
    fs::write(directory.path().join("a.yaml"), pod("a", "x")).unwrap();
    fs::write(directory.path().join(".archive/b.yaml"), pod("b", "old")).unwrap();
    let run = netpol(&["summary", "-f", directory.path().to_str().unwrap()]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run:?}");
    assert!(run.stdout.contains("old"), "{run:?}");
}

/// What is exported stays below the directory that was named.
#[test]
fn an_export_follows_no_link_and_waits_for_no_pipe() {
    let (_server, url) = server();
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name);
    fs::create_dir(place("elsewhere")).unwrap();
    fs::write(place("elsewhere/kept"), "# Written by kubectl netpol bootstrap, kept\n").unwrap();
    for (name, target) in [
        ("network-policies.yaml", Some("../elsewhere/kept")),
        ("kustomization.yaml", Some("../elsewhere/kept")),
        ("kustomization.yaml", Some("../elsewhere/new")),
        ("network-policies.yaml", None),
        ("kustomization.yaml", None),
    ] {
        let files = place("files");
        fs::create_dir(&files).unwrap();
        match target {
            Some(target) => symlink(target, files.join(name)).unwrap(),
            None => {
                assert!(Command::new("mkfifo").arg(files.join(name)).status().unwrap().success());
            }
        }
        let export = ["bootstrap", "x", "--dns", "namespace", "--overwrite", "--export"];
        let words = [&export[..], &[files.to_str().unwrap()]].concat();
        let run = netpol(&at(&url, &words));
        assert_eq!(run.code, 2, "{name}: {run:?}");
        let part = if target.is_some() { "is a link that leads out of" } else { "is no file" };
        assert!(run.stderr.contains(part) && run.stderr.contains("no file was written"), "{run:?}");
        assert_eq!(fs::read_dir(&files).unwrap().count(), 1);
        fs::remove_dir_all(&files).unwrap();
    }
    assert!(!place("elsewhere/new").exists());
    assert!(fs::read_to_string(place("elsewhere/kept")).unwrap().ends_with("kept\n"));
    // The directory itself may be a link: it was named.
    fs::create_dir(place("real")).unwrap();
    symlink("real", place("files")).unwrap();
    let files = place("files");
    let export = ["bootstrap", "x", "--dns", "namespace", "--export", files.to_str().unwrap()];
    let run = netpol(&at(&url, &export));
    assert_eq!(run.code, 0, "{run:?}");
    assert!(place("real/network-policies.yaml").is_file());
}

#[test]
fn what_is_read_has_a_limit() {
    let (_server, url) = server();
    for (limits, counted) in
        [("files=1", "1 files"), ("bytes=1Ki", "1024 bytes"), ("objects=2", "2 objects")]
    {
        let run = netpol(&["list", "-f", "examples/homekube", "--limits", limits]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:?}");
        let said = format!("error: too much to read: more than {counted}; ");
        assert!(run.stderr.starts_with(&said), "{run:?}");
    }
    for (limits, counted) in [("objects=2", "2 objects"), ("bytes=1Ki", "more than")] {
        let run = netpol(&at(&url, &["list", "--limits", limits]));
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:?}");
        assert!(run.stderr.contains(counted), "{run:?}");
    }
    let run = netpol(&["list", "-f", "examples/homekube", "--limits", "lines=1"]);
    assert!(run.code == 2 && run.stderr.contains("is no limit"), "{run:?}");
}
