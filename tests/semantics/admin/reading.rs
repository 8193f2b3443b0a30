//! From text to policy: kinds, versions and places.

use super::{EVERY_POD, admin, cluster, from};
use netpol::cluster::{kind_from_word, kind_word};
use netpol::objects::decode_text;
use netpol::policy::{Enforcer, Ruleset};
use std::path::Path;

/// docs/semantics/admin.md#short-name: the short name `cnp` is CiliumNetworkPolicy's too, so it means
/// neither here.
#[test]
fn words_of_kubectl() {
    for (word, kind) in [
        ("anp", "AdminNetworkPolicy"),
        ("adminnetworkpolicies.policy.networking.k8s.io", "AdminNetworkPolicy"),
        ("banp", "BaselineAdminNetworkPolicy"),
        ("baselineadminnetworkpolicy", "BaselineAdminNetworkPolicy"),
        ("clusternetworkpolicies", "ClusterNetworkPolicy"),
        ("ClusterNetworkPolicy.policy.networking.k8s.io", "ClusterNetworkPolicy"),
    ] {
        assert_eq!(kind_from_word(word), Some(kind), "{word}");
    }
    assert_ne!(kind_from_word("cnp"), Some("ClusterNetworkPolicy"));
    assert_eq!(kind_word("ClusterNetworkPolicy"), "clusternetworkpolicy");
}

/// A cluster-scoped object has no namespace, whatever is written.
#[test]
fn a_namespace_does_not_count() {
    let text = admin(1, &from("Deny", EVERY_POD)).replace("name: admin-1", "name: p, namespace: x");
    let cluster = cluster(&text);
    assert_eq!(cluster.rules.policies()[0].object.to_string(), "clusternetworkpolicy/p");
    assert!(cluster.snapshot.namespace("x").is_none());
}

/// v1beta1 is written just so; of any other version it is said that it is not judged.
#[test]
fn versions() {
    let deny = admin(1, &from("Deny", EVERY_POD));
    cluster(&deny.replace("v1alpha2", "v1beta1")).holds(&["web → api:80 is Denied"]);
    let (_, warnings) =
        decode_text(deny.replace("v1alpha2", "v2").into(), Path::new("in.yaml"), "shop");
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    let text = warning.to_string();
    assert!(text.contains("ClusterNetworkPolicy.policy.networking.k8s.io is not judged"), "{text}");
}

/// JSON, as kubectl prints it, is read as strictly and as leniently as YAML.
#[test]
fn json_and_yaml_alike() {
    let deny = admin(1, &from("Deny", "{newer: {}}"));
    let json = r#"{"apiVersion": "v1", "kind": "List", "items": [{
        "apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy",
        "metadata": {"name": "admin-1", "uid": "u"}, "status": {"conditions": []},
        "spec": {"tier": "Admin", "priority": 1, "subject": {"namespaces": {}},
                 "ingress": [{"action": "Deny", "from": [{"newer": {}}]}]}}]}"#;
    let compiled = |text: &str| {
        let (objects, warnings) = decode_text(text.into(), Path::new("in"), "shop");
        assert!(warnings.is_empty(), "{warnings:?}");
        let (snapshot, written) = objects.assemble();
        assert_eq!((written.len(), written.objects.len()), (1, 1));
        let rules = Ruleset::compile(&written, &snapshot, &Enforcer::default());
        (rules.policies()[0].entries.clone(), rules.lints[0].faults.clone())
    };
    assert_eq!(compiled(json), compiled(&deny));
}

/// A null is as good as absent.
#[test]
fn nulls() {
    let rules = "ingress: [{name: null, action: Deny, to: null, protocols: null, \
                 from: [{pods: null, namespaces: {matchLabels: null}, networks: null}]}]";
    cluster(&admin(1, rules)).holds(&["web → api:80 is Denied"]);
}
