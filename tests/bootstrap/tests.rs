//! `bootstrap --tests`: what a namespace's policies would break is said, and not written.

use super::{bootstrap, names, pod};
use crate::harness::{Files, control_plane};

#[test]
fn what_would_break_a_test_is_not_written() {
    let Ok(cluster) = control_plane() else { return };
    let (shop, other) = (cluster.namespace("boot-tests"), cluster.namespace("boot-tester"));
    cluster.apply(&shop, &pod("web", 8080));
    cluster.apply(&other, &pod("client", 9999));
    let files = Files::new(&[(
        "t.yaml",
        &format!(
            "apiVersion: netpol/v1alpha1\nkind: Test\nscope: known\ntests:\n- name: the client reaches the web\n  reason: \
             it is its only user\n  allow: {{from: {other}/pod/client, to: {shop}/pod/web, ports: 8080}}\n- name: closed\n  \
             default-deny: {{namespaces: {shop}, directions: ingress}}\n"
        ),
    )]);
    let path = files.path("t.yaml");
    let tests = path.to_str().unwrap();
    let told = |err: &str| {
        for part in [
            "broken: the client reaches the web: ",
            "because: it is its only user",
            "t.yaml:5:3",
            "mended: closed",
        ] {
            assert!(err.contains(part), "{part} in {err}");
        }
    };
    // Whoever agrees to what is cut does not agree to that.
    let broken = ["it would break the test \"the client reaches the web\"", "nothing was written"];
    for more in ["--yes", "--dry-run=server"] {
        told(&bootstrap(cluster, &[&shop, more, "--tests", tests]).failed(&broken).err);
    }
    assert_eq!(names(cluster, &shop), Vec::<String>::new());
    let allow = format!("--allow-ingress={other}/pod/client:8080");
    let ran = bootstrap(cluster, &[&shop, "--yes", &allow, "--tests", tests]);
    assert!(ran.err.contains("2 tests: 1 mended"), "{}", ran.err);
    ran.done();
    assert_eq!(names(cluster, &shop).len(), 3);
    // What is broken already stays so, and is told.
    let gone = bootstrap(cluster, &[&shop, "--yes", "--prune", "--tests", tests]);
    gone.failed(&broken);
    assert_eq!(names(cluster, &shop).len(), 3);
}
