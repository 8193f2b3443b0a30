//! Formats with room for flows only say beside them what is not known: an exit code of 3 has its reason.

use crate::run::netpol;

#[test]
fn what_is_not_known_is_said_beside_formats_that_have_no_room() {
    // Neither a workload nor a policy.
    let directory = tempfile::tempdir().unwrap();
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: a}\n";
    std::fs::write(directory.path().join("c.yaml"), text).unwrap();
    let empty = directory.path().to_str().unwrap();
    for words in [
        &["list", "-f", empty, "-o", "csv"][..],
        &["list", "-f", empty, "-o", "dot"],
        &["list", "-f", empty, "-o", "mermaid"],
        &["list", "-f", empty, "--exposed", "-o", "csv"],
        &["list", "--system", "-f", empty, "-o", "csv"],
        &["diff", empty, empty, "-o", "csv"],
        &["diff", empty, empty, "-o", "dot"],
    ] {
        let run = netpol(words);
        assert_eq!(run.code, 3, "{words:?}: {run:?}");
        assert!(run.stderr.starts_with("not known: "), "{words:?}: {run:?}");
    }
    // Others have it in the answer, and it is said once.
    for words in [&["list", "-f", empty, "-o", "json"][..], &["diff", empty, empty]] {
        let run = netpol(words);
        assert_eq!((run.code, &*run.stderr), (3, ""), "{words:?}: {run:?}");
        assert!(run.stdout.contains("policy"), "{words:?}: {run:?}");
    }
}
