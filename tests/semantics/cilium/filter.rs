//! docs/semantics/cilium-labels.md#label-filter: labels that identities do not have, in every
//! dialect, and the options `labels` and `label-prefix-file`.

use super::{cluster, cnp, holds, holds_with, ingress, lint, settings, with};
use crate::semantics::{self, policy};
use netpol::policy::{Cilium, CiliumVersion, LabelFilter};

/// The pod web-0 of shop, with one label more.
fn labelled(label: &str) -> String {
    semantics::pod("shop", "web-0", "web", "10.0.1.12", "")
        .replace("{app: web}", &format!("{{app: web, {label}: x}}"))
}

/// A NetworkPolicy for shop/api that admits pods with this expression.
fn network_policy(expression: &str) -> String {
    semantics::ingress(&format!(
        "[{{from: [{{podSelector: {{matchExpressions: [{{{expression}}}]}}}}]}}]"
    ))
}

const LEFT_OUT: [&str; 7] = [
    "pod-template-hash",
    "controller-uid",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-completion-index",
    "apps.kubernetes.io/pod-index",
    "statefulset.kubernetes.io/pod-name",
    "topology.kubernetes.io/zone",
];

/// A selector of a NetworkPolicy on such a label never matches, and one that asks that it is not there
/// always does; both are told.
#[test]
fn network_policies() {
    for label in LEFT_OUT {
        let key = format!("key: {label}, operator:");
        for (operator, letter, cilium, told) in [
            ("In, values: [x]", "Allowed", "Denied", "so this never matches"),
            ("Exists", "Allowed", "Denied", "so this never matches"),
            ("NotIn, values: [x]", "Denied", "Allowed", "so this always holds"),
            ("DoesNotExist", "Denied", "Allowed", "so this always holds"),
        ] {
            let manifests = labelled(label) + &network_policy(&format!("{key} {operator}"));
            semantics::holds(&manifests, &[&format!("web-0 → api:80 is {letter}")]);
            holds(&manifests, &[&format!("web-0 → api:80 is {cilium}")]);
            lint(
                &cluster(&manifests),
                &format!(
                    "from[0].podSelector.matchExpressions[0] asks for label {label}, which Cilium \
                     does"
                ),
            );
            let text = cluster(&manifests).ask("web-0 → api:80").text();
            assert!(text.contains(told), "{text}");
        }
    }
}

/// Nor does a subject on such a label select any pod, so nothing is isolated.
#[test]
fn subjects() {
    let np = policy("p", "podSelector: {matchLabels: {pod-template-hash: x}}, ingress: []");
    let np = labelled("pod-template-hash") + &np;
    semantics::holds(&np, &["api → web-0:80 is Denied"]);
    holds(&np, &["api → web-0:80 is Allowed"]);
    let at = "spec.podSelector.matchLabels[pod-template-hash] asks for label pod-template-hash";
    lint(&cluster(&np), at);
    let own = "endpointSelector: {matchLabels: {pod-template-hash: x}}, ingress: [{}]";
    holds(&(labelled("pod-template-hash") + &cnp("p", own)), &["api → web-0:80 is Allowed"]);
}

/// Labels of namespaces are looked at, but for those with beta.kubernetes.io in them.
#[test]
fn namespaces() {
    let from = |key: &str| {
        semantics::ingress(&format!(
            "[{{from: [{{namespaceSelector: {{matchLabels: {{{key}}}}}}}]}}]"
        ))
    };
    holds(
        &(from("team: blue")
            + &from("kubernetes.io/metadata.name: other").replace("name: in,", "name: too,")),
        &["other/client → api:80 is Allowed", "web → api:80 is Denied"],
    );
    let beta = from("zone.beta.kubernetes.io/x: z");
    holds(&beta, &["other/client → api:80 is Denied"]);
    lint(&cluster(&beta), "so this never matches");
}

/// The selector of a Service counts for toServices as far as identities show it.
#[test]
fn selectors_of_services() {
    let service = "---\n{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop}, \
                   spec: {selector: {pod-template-hash: x}, ports: [{port: 80}]}}\n";
    let policy = super::cnp(
        "p",
        "endpointSelector: {matchLabels: {app: api}}, egress: [{toServices: [{k8sService: \
         {serviceName: s, namespace: shop}}]}]",
    );
    let all = labelled("pod-template-hash") + service + &policy;
    holds(&all, &["api → web-0:80 is Denied"]);
}

/// 1.18 looks at topology.kubernetes.io, later versions do not.
#[test]
fn versions() {
    let manifests = labelled("topology.kubernetes.io/zone")
        + &network_policy("key: topology.kubernetes.io/zone, operator: Exists");
    for (version, verdict) in [
        (CiliumVersion::V1_18, "Allowed"),
        (CiliumVersion::V1_19, "Denied"),
        (CiliumVersion::V1_20, "Denied"),
    ] {
        let line = format!("web-0 → api:80 is {verdict}");
        holds_with(Cilium::new(version), &manifests, &[&line]);
    }
}

/// The option `labels` adds to the filter: one that keeps makes it a list of what is kept.
#[test]
fn the_option_labels() {
    let by_tier = |labels: &str, file: &str| Cilium {
        labels: LabelFilter::configured(CiliumVersion::V1_19, labels, file),
        ..settings()
    };
    let from = |label: &str| {
        let peer = format!("[{{fromEndpoints: [{{matchLabels: {{{label}}}}}]}}]");
        labelled("tier") + &ingress(&peer)
    };
    let line = |is: &str| format!("web-0 → api:80 is {is}");
    for (labels, file, tier, app) in [
        ("", "", "Allowed", "Allowed"),
        ("k8s:app", "", "Denied", "Allowed"),
        ("k8s:app k8s:tier", "", "Allowed", "Allowed"),
        ("k8s:!tier", "", "Denied", "Allowed"),
        // A pattern that is not understood, and a file that cannot be read.
        ("k8s:(tier|app)", "", "Unknown", "Unknown"),
        ("", "/etc/config/prefixes.json", "Unknown", "Unknown"),
    ] {
        let settings = by_tier(labels, file);
        holds_with(settings.clone(), &from("tier: x"), &[&line(tier)]);
        holds_with(settings.clone(), &from("app: web"), &[&line(app)]);
        // NetworkPolicies are read by the same filter.
        let np = labelled("tier") + &network_policy("key: tier, operator: In, values: [x]");
        holds_with(settings.clone(), &np, &[&line(tier)]);
        // Whether anything is isolated is not known either, where no label is sure to be seen.
        let other = if tier == "Unknown" { "Unknown" } else { "Denied" };
        holds_with(settings, &from("tier: z"), &[&line(other)]);
    }
    let unknown = with(by_tier("k8s:(tier|app)", ""), &from("tier: x"));
    let text = unknown.ask("web-0 → api:80").text();
    assert!(text.contains("depends on its option labels, which is not understood"), "{text}");
}
