//! Many namespaces, and two people at once.

use std::process::Stdio;

use super::{Ran, bootstrap, kubectl, names, plugin};
use crate::harness::control_plane;

/// Both end well, whoever was first, and nothing is written twice.
#[test]
fn two_people_close_thirty_namespaces_at_once() {
    let Ok(cluster) = control_plane() else { return };
    let spaces: Vec<String> = (0..30).map(|at| format!("boot-crowd-{at}")).collect();
    // Half of them are there already.
    for namespace in &spaces[..15] {
        kubectl(cluster, &["create", "ns", namespace]);
    }
    let start = |order: Vec<&String>| {
        plugin(cluster.kubectl(cluster.admin()))
            .args(order)
            .args([
                "--dns=namespace",
                "--label",
                "crowd=yes",
                "--allow-same-namespace",
                "--deny=all",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kubectl starts")
    };
    let children = [start(spaces.iter().collect()), start(spaces.iter().rev().collect())];
    for child in children {
        let ran = Ran::of(&child.wait_with_output().expect("it ends"));
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
        assert_eq!(ran.out.lines().filter(|line| line.contains(" egress is now ")).count(), 30);
    }
    let expected =
        ["allow-dns-egress", "allow-same-namespace", "default-deny-egress", "default-deny-ingress"];
    for namespace in &spaces {
        assert_eq!(names(cluster, namespace), expected, "{namespace}");
    }
    let again = bootstrap(
        cluster,
        &[
            "-l",
            "crowd=yes",
            "--dns=namespace",
            "--label",
            "crowd=yes",
            "--allow-same-namespace",
            "--deny=all",
        ],
    )
    .done();
    assert_eq!(again.lines().filter(|line| line.ends_with(" unchanged")).count(), 150, "{again}");
}
