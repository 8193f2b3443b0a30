//! What SOPS has encrypted: its values are there, and cannot be read here.
//!
//! In: the tree of an object. Out: whether it is encrypted, and whether what is hidden bears on traffic.
//!
//! Source: docs/semantics/flux.md#encrypted-objects.

use crate::yaml::Node;

/// The field in which SOPS keeps what it needs to decrypt the rest.
const SOPS: &str = "sops";

/// How a value begins that it has encrypted.
const VALUE: &str = "ENC[";

/// Fields in which whatever is hidden says nothing of traffic.
const ASIDE: &[&str] =
    &[SOPS, "annotations", "data", "stringData", "binaryData", "env", "command", "args", "image"];

/// Whether an object is encrypted, as a whole or in part.
pub fn is_encrypted(node: &Node<'_>) -> bool {
    node.get(SOPS).and_then(Node::entries).is_some_and(|entries| !entries.is_empty())
}

/// Whether a text is a value that is encrypted.
pub fn is_encrypted_value(text: &str) -> bool {
    text.starts_with(VALUE)
}

/// Whether something is hidden of an object that bears on traffic: a name, a label, a port.
pub(super) fn hides(node: &Node<'_>) -> bool {
    if let Some(entries) = node.entries() {
        return entries.iter().any(|it| !ASIDE.contains(&&*it.key) && hides(&it.value));
    }
    if let Some(items) = node.items() {
        return items.iter().any(hides);
    }
    node.as_str().is_some_and(is_encrypted_value)
}

#[cfg(test)]
mod tests {
    use crate::objects::decode_text;
    use crate::objects::{Severity, Warning};
    use crate::policy::{Enforcer, Ruleset};
    use std::path::Path;

    fn read(text: &str) -> (Ruleset, Vec<Warning>) {
        let (objects, warnings) = decode_text(text.into(), Path::new("a.yaml"), "shop");
        let (snapshot, written) = objects.assemble();
        (Ruleset::compile(&written, &snapshot, &Enforcer::default()), warnings)
    }

    const VALUE: &str = "ENC[AES256_GCM,data:CwE=,iv:2k=,aad:o=,tag:w==,type:str]";

    /// A policy that is decrypted before it is applied is not one that the API server refuses.
    ///
    /// Source: docs/semantics/flux.md#encrypted-objects.
    #[test]
    fn a_policy_that_is_encrypted_is_not_known() {
        let policy = format!(
            "{{\"apiVersion\": \"networking.k8s.io/v1\", \"kind\": \"NetworkPolicy\", \
             \"metadata\": {{\"name\": \"a\"}}, \"spec\": {{\"podSelector\": {{}}, \
             \"ingress\": [{{\"from\": [{{\"ipBlock\": {{\"cidr\": \"{VALUE}\"}}}}]}}]}}, \
             \"sops\": {{\"mac\": \"{VALUE}\"}}}}"
        );
        let list = format!("{{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{policy}]}}");
        // The whole list is one document that is encrypted.
        let whole = list.replace(&format!(", \"sops\": {{\"mac\": \"{VALUE}\"}}}}]}}"), "}]")
            + ", \"sops\": {\"mac\": \"x\"}}";
        for text in [policy.clone(), format!("---\n{policy}\n"), list, whole] {
            let (rules, warnings) = read(&text);
            assert!(rules.is_unread("shop"), "{text}");
            assert!(rules.rejected.is_empty() && warnings.is_empty(), "{text} {warnings:?}");
            assert!(rules.lints[0].faults[0].message.contains("encrypted"), "{:?}", rules.lints);
        }
        let plain = policy.replace("\"sops\"", "\"soups\"");
        assert!(!read(&plain).0.is_unread("shop"));
    }

    /// Of what is hidden besides, nobody knows for whom it is.
    ///
    /// Source: docs/semantics/flux.md#encrypted-objects.
    #[test]
    fn other_objects_that_are_encrypted() {
        let sops = format!("sops: {{mac: '{VALUE}'}}\n");
        let pod = |label: &str, variable: &str| {
            format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: a, labels: {{app: '{label}'}}}}\n\
                 spec: {{containers: [{{name: a, image: a, env: [{{name: A, value: '{variable}'}}]}}]}}\n{sops}"
            )
        };
        let secret = format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\ndata: {{a: '{VALUE}'}}\n{sops}"
        );
        let whole = format!(
            "apiVersion: '{VALUE}'\nkind: '{VALUE}'\nmetadata: {{name: '{VALUE}'}}\n{sops}"
        );
        let named = format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
             metadata: {{name: a, namespace: '{VALUE}'}}\nspec: {{podSelector: {{}}}}\n{sops}"
        );
        let deployment = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: a}}\nspec: {{template: \
             {{metadata: {{labels: {{app: '{VALUE}'}}}}, spec: {{containers: [{{name: a}}]}}}}}}\n{sops}"
        );
        for (text, hidden) in [
            (pod("web", VALUE), false),
            (pod(VALUE, "x"), true),
            (secret, false),
            (whole, true),
            (named, true),
            (deployment, true),
        ] {
            let (_, warnings) = read(&text);
            let told = warnings.iter().any(|it| {
                it.severity == Severity::NotMade && it.message.contains("encrypted with SOPS")
            });
            assert_eq!(told, hidden, "{text} {warnings:?}");
            assert_eq!(warnings.len(), usize::from(hidden), "{text} {warnings:?}");
        }
    }
}
