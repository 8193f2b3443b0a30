//! Flows as Hubble records them: of a policy of Cilium's for the whole cluster, and of a pod that the
//! manifests do not have. What they say is read, and none of their ends is guessed.

use super::{lent, own};
use crate::run::{Run, netpol, text};
use serde_json::Value;
use std::path::Path;

fn observed(recording: &Path) -> Vec<Value> {
    let recording = recording.to_str().expect("a path of text");
    let files = ["-f", "examples/homekube", "--input-file", recording, "-o", "json"];
    let Run { code, stdout, stderr } = netpol(&[&["observe"][..], &files].concat());
    assert_eq!((code, stderr.as_str()), (0, ""));
    stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn flows_of_others_are_read() {
    let flows = observed(&own("flows.jsonl"));
    let [denied, audited] = &flows[..] else { panic!("{flows:?}") };
    assert_eq!(text(denied, "/observed/policies/0/kind"), "CiliumClusterwideNetworkPolicy");
    assert_eq!(text(denied, "/observed/policies/0/name"), "no-internet");
    assert_eq!(text(denied, "/asPredicted"), "Yes");
    assert!(text(audited, "/message").contains("payroll/payroll-1 is not known here"));
}

#[test]
fn lent_flows_are_read() {
    let Some(path) = lent("hubble-canonical.jsonl") else { return };
    let flows = observed(&path);
    // Six lines: of the denied packet's two events one is left.
    assert_eq!(flows.len(), 5);
    // It was let in, and the policies of its source let it nowhere.
    assert_eq!(text(&flows[0], "/asPredicted"), "No");
    assert_eq!(text(&flows[1], "/asPredicted"), "Yes");
    let deny = &flows[2];
    assert_eq!(text(deny, "/observed/policies/0/kind"), "CiliumClusterwideNetworkPolicy");
    assert_eq!(text(deny, "/asPredicted"), "Yes");
    assert!(text(&flows[3], "/message").contains("shop/shop-1 is not known here"));
    assert_eq!(text(&flows[4], "/kind"), "LostEvents");
}
