//! What is told beside the flows.

use super::*;

/// What a change brings that does not do what it seems to is told; what was there before is not.
#[test]
fn remarks_on_what_a_change_brings() {
    let silent =
        POLICY.replace("only-b", "silent").replace("spec:", "spec:\n  policyTypes: [Egress]");
    let (old, new) = (format!("{PODS}{POLICY}"), format!("{PODS}{POLICY}{silent}"));
    let told = |answer: &Value| -> Vec<String> {
        let warnings = answer["warnings"].as_array().map_or(&[][..], Vec::as_slice);
        warnings.iter().map(|warning| text(warning, "/message").to_owned()).collect()
    };
    let (_, answer) = json(&old, &new);
    let [message] = told(&answer).try_into().unwrap();
    assert!(message.starts_with("in ") && message.contains("new.yaml: default/netpol/silent: "));
    assert!(
        message.ends_with(
            "spec.ingress has no effect: policyTypes does not list Ingress; add it there"
        )
    );
    assert_eq!(told(&json(&new, &new).1), [""; 0]);
}

/// One sentence of a policy, however much is wrong with it.
#[test]
fn a_refused_policy_is_one_warning() {
    let faulty =
        POLICY.replace("{port: 80}, {port: 81}", "{port: 0}, {port: -1}, {port: 70000}, {port: A}");
    let (_, answer) = json(&format!("{PODS}{POLICY}"), &format!("{PODS}{faulty}"));
    let warnings = list(&answer, "/warnings");
    assert_eq!(warnings.len(), 1, "{answer}");
    let message = text(&warnings[0], "/message");
    assert!(message.contains("is left out: spec.ingress[0].ports[0].port"), "{message}");
    assert!(message.ends_with("; and 1 more"), "{message}");
}
