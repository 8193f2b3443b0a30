//! Kinds that are not judged: docs/semantics/other-kinds.md.

use super::{BASE, Cluster, ingress};
use netpol::objects::{Severity, decode_text};
use netpol::policy::{Enforcer, Ruleset};
use std::path::Path;

/// The base with these manifests after it, some of which are not judged, and what is said of them.
fn cluster(manifests: &str) -> (Cluster, Vec<(Severity, String)>) {
    let text = format!("{BASE}---\n{manifests}");
    let (objects, warnings) = decode_text(text.into(), Path::new("in.yaml"), "shop");
    let (snapshot, written) = objects.assemble();
    let rules = Ruleset::compile(&written, &snapshot, &Enforcer::default());
    let told = warnings.into_iter().map(|it| (it.severity, it.message)).collect();
    (Cluster { snapshot, rules }, told)
}

fn object(api_version: &str, kind: &str, namespace: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: it, namespace: {namespace}}}, \
         spec: {{{spec}}}}}\n"
    )
}

const OPEN: &[&str] = &[
    "web → api:8080 is Allowed",
    "web → 203.0.113.9:443 is Allowed",
    "other/client → api:8080 is Allowed",
    "api → other/client:80 is Allowed",
];

/// A row for each kind: what is asked beside an object of it in namespace shop.
#[test]
fn what_each_can_do() {
    let unknown = &[
        "web → api:8080 is Unknown",
        "web → 203.0.113.9:443 is Unknown",
        "other/client → api:8080 is Unknown",
        "api → other/client:80 is Unknown",
    ];
    let of_shop = unknown;
    let elsewhere = &["other/client → 203.0.113.9:443 is Allowed"];
    let everywhere = &["other/client → 203.0.113.9:443 is Unknown"];
    let sent = &[
        "web → api:8080 is Unknown",
        "web → 203.0.113.9:443 is Unknown",
        "other/client → api:8080 is Allowed",
        "api → other/client:80 is Unknown",
    ];
    let sent_out = &[
        "web → api:8080 is Allowed",
        "web → 203.0.113.9:443 is Unknown",
        "web → 192.168.0.1:22 is Unknown",
        "other/client → api:8080 is Allowed",
        "api → other/client:80 is Allowed",
    ];
    let tenant = "networkPolicies: {items: [{podSelector: {}}]}";
    let generate = "rules: [{name: a, generate: {kind: NetworkPolicy, name: deny}}]";
    let validate = "rules: [{name: a, validate: {message: no}}]";
    for (api_version, kind, spec, own, other) in [
        // docs/semantics/other-kinds.md#before-everything-else
        ("crd.antrea.io/v1beta1", "NetworkPolicy", "", &of_shop[..], &elsewhere[..]),
        ("crd.antrea.io/v1beta1", "ClusterNetworkPolicy", "", of_shop, everywhere),
        ("networking.k8s.aws/v1alpha1", "ClusterNetworkPolicy", "", of_shop, everywhere),
        ("cilium.io/v3", "CiliumNetworkPolicy", "", of_shop, elsewhere),
        ("policy.networking.k8s.io/v9", "ClusterNetworkPolicy", "", of_shop, everywhere),
        // docs/semantics/other-kinds.md#never-heard-of
        ("security.example.org/v1", "NetworkPolicy", "", of_shop, elsewhere),
        ("security.example.org/v1", "ClusterNetworkPolicy", "", of_shop, everywhere),
        // docs/semantics/other-kinds.md#as-a-networkpolicy-does
        ("networking.k8s.aws/v1alpha1", "ApplicationNetworkPolicy", "", of_shop, elsewhere),
        ("networking.gke.io/v1alpha1", "FQDNNetworkPolicy", "", sent, elsewhere),
        // docs/semantics/other-kinds.md#out-of-the-cluster
        ("k8s.ovn.org/v1", "EgressFirewall", "", sent_out, elsewhere),
        ("network.openshift.io/v1", "EgressNetworkPolicy", "", sent_out, elsewhere),
        // docs/semantics/other-kinds.md#networks-apart
        ("k8s.ovn.org/v1", "UserDefinedNetwork", "", of_shop, elsewhere),
        ("k8s.ovn.org/v1", "ClusterUserDefinedNetwork", "", of_shop, everywhere),
        ("network.openshift.io/v1", "NetNamespace", "", of_shop, everywhere),
        // docs/semantics/other-kinds.md#made-by-others
        ("capsule.clastix.io/v1beta2", "Tenant", tenant, of_shop, everywhere),
        ("capsule.clastix.io/v1beta2", "Tenant", "owners: []", OPEN, elsewhere),
        ("kyverno.io/v1", "ClusterPolicy", generate, of_shop, everywhere),
        ("kyverno.io/v1", "Policy", generate, of_shop, everywhere),
        ("kyverno.io/v1", "ClusterPolicy", validate, OPEN, elsewhere),
        // docs/semantics/other-kinds.md#within-a-mesh
        ("security.istio.io/v1", "AuthorizationPolicy", "", OPEN, elsewhere),
        ("policy.linkerd.io/v1beta3", "Server", "", OPEN, elsewhere),
        // docs/semantics/other-kinds.md#led-elsewhere
        ("cilium.io/v2", "CiliumLocalRedirectPolicy", "", OPEN, elsewhere),
        // docs/semantics/other-kinds.md#ways-in
        ("traefik.io/v1alpha1", "IngressRoute", "", OPEN, elsewhere),
        ("networking.istio.io/v1", "Gateway", "", OPEN, elsewhere),
        ("networking.istio.io/v1", "VirtualService", "", OPEN, elsewhere),
        ("projectcontour.io/v1", "HTTPProxy", "", OPEN, elsewhere),
        ("k8s.nginx.org/v1", "VirtualServer", "", OPEN, elsewhere),
        // docs/semantics/other-kinds.md#nothing-by-themselves
        ("k8s.cni.cncf.io/v1beta1", "MultiNetworkPolicy", "", OPEN, elsewhere),
        ("cilium.io/v2", "CiliumEgressGatewayPolicy", "", OPEN, elsewhere),
    ] {
        let (cluster, told) = cluster(&object(api_version, kind, "shop", spec));
        cluster.holds(own);
        cluster.holds(other);
        let told: Vec<_> = told.iter().filter(|(_, it)| it.contains("is not judged")).collect();
        let makes_nothing = spec == validate || spec.starts_with("owners");
        assert_eq!(told.len(), usize::from(!makes_nothing), "{api_version} {kind}: {told:?}");
        let decides = own != OPEN;
        let severity = if decides { Severity::OtherDialect } else { Severity::Note };
        assert!(told.iter().all(|(it, _)| *it == severity), "{api_version} {kind}: {told:?}");
    }
}

/// What comes before NetworkPolicies may allow what they do not; what only denies may not.
#[test]
fn denied_flows() {
    let closed = ingress("[]");
    for (api_version, kind, expected) in [
        // docs/semantics/other-kinds.md#before-everything-else
        ("crd.antrea.io/v1beta1", "ClusterNetworkPolicy", "web → api:8080 is Unknown"),
        // docs/semantics/other-kinds.md#as-a-networkpolicy-does
        ("networking.k8s.aws/v1", "ApplicationNetworkPolicy", "web → api:8080 is Unknown"),
        // docs/semantics/other-kinds.md#networks-apart
        ("network.openshift.io/v1", "NetNamespace", "web → api:8080 is Unknown"),
        // docs/semantics/other-kinds.md#out-of-the-cluster
        ("k8s.ovn.org/v1", "EgressFirewall", "web → api:8080 is Denied"),
    ] {
        let (cluster, _) = cluster(&format!("{}{closed}", object(api_version, kind, "shop", "")));
        cluster.holds(&[expected]);
    }
}

/// Wherever a variable leads, and whoever it is that has no name.
#[test]
fn names_that_are_not_known() {
    let kind = "crd.antrea.io/v1beta1, kind: NetworkPolicy";
    for metadata in ["{name: it, namespace: '${NS}'}", "{namespace: '${NS}'}"] {
        let (cluster, told) = cluster(&format!("{{apiVersion: {kind}, metadata: {metadata}}}"));
        cluster.holds(&["other/client → 203.0.113.9:443 is Unknown"]);
        assert_eq!(told.len(), 1, "{told:?}");
    }
    let (cluster, _) = cluster(&format!("{{apiVersion: {kind}}}"));
    cluster.holds(&["web → api:8080 is Unknown", "other/client → 203.0.113.9:443 is Allowed"]);
}
