//! docs/semantics/cilium-rules.md#services, and what an element without anyone behind its Services
//! means.

use super::{WEB, cluster, cnp, egress, holds, holds_with, lint, settings};
use netpol::policy::{Cilium, CiliumVersion};

fn services(items: &str) -> String {
    egress(&format!("[{{toServices: [{items}]}}]"))
}

const SERVICES: &str = "---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop, labels: {tier: back}}
spec: {selector: {app: api}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: client, namespace: other}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: legacy, namespace: shop}
spec: {ports: [{port: 443}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: legacy-1, namespace: shop, labels: {kubernetes.io/service-name: legacy}}
addressType: IPv4
ports: [{port: 443}]
endpoints: [{addresses: [203.0.113.7]}, {addresses: [10.0.1.10]}]
";

/// toServices: with a selector its pods, in its namespace.
#[test]
fn services_with_a_selector() {
    let api = services("{k8sService: {serviceName: api, namespace: shop}}");
    holds(
        &format!("{SERVICES}{api}"),
        &[
            "web → api:8080 is Allowed",
            "web → other/client:80 is Denied",
            "web → svc/api:80 is Allowed",
        ],
    );
    let client = services("{k8sService: {serviceName: client, namespace: other}}");
    holds(
        &format!("{SERVICES}{client}"),
        &["web → other/client:80 is Allowed", "web → api:80 is Denied"],
    );
    let elsewhere = services("{k8sService: {serviceName: api, namespace: other}}");
    holds(&format!("{SERVICES}{elsewhere}"), &["web → api:8080 is Denied"]);
    // Without a namespace any.
    let any = services("{k8sService: {serviceName: client}}");
    holds(&format!("{SERVICES}{any}"), &["web → other/client:80 is Allowed"]);
}

/// toServices: without a selector the addresses of its EndpointSlices, as CIDRs.
#[test]
fn services_without_a_selector() {
    let legacy = services("{k8sService: {serviceName: legacy, namespace: shop}}");
    holds(
        &format!("{SERVICES}{legacy}"),
        &[
            "web → 203.0.113.7:443 is Allowed",
            "web → 203.0.113.8:443 is Denied",
            // A network means no pod.
            "web → api:443 is Denied",
        ],
    );
}

/// toServices: k8sServiceSelector selects Services by their own labels.
#[test]
fn services_by_labels() {
    let policy =
        services("{k8sServiceSelector: {selector: {matchLabels: {tier: back}}, namespace: shop}}");
    holds(
        &format!("{SERVICES}{policy}"),
        &["web → api:8080 is Allowed", "web → other/client:80 is Denied"],
    );
}

/// toServices: backend ports may be combined.
#[test]
fn services_with_ports() {
    let ports = "[{toServices: [{k8sService: {serviceName: api, namespace: shop}}], \
                 toPorts: [{ports: [{port: \"8080\"}]}]}]";
    holds(
        &format!("{SERVICES}{}", egress(ports)),
        &["web → api:8080 is Allowed", "web → api:80 is Denied"],
    );
}

/// toServices: a Service that was not read may have any pods of its namespace and any address.
#[test]
fn services_that_were_not_read() {
    let missing = services("{k8sService: {serviceName: nothing, namespace: shop}}");
    holds(
        &missing,
        &[
            "web → api:80 is Unknown",
            "web → 203.0.113.7:443 is Unknown",
            "web → other/client:80 is Denied",
            "web → node/n1:22 is Denied",
        ],
    );
    lint(&cluster(&missing), "the Services that it names were not all read");
    // One that was read counts all the same.
    let two = "{k8sService: {serviceName: nothing}}, {k8sService: {serviceName: api}}";
    holds(&format!("{SERVICES}{}", services(two)), &["web → api:80 is Allowed"]);
}

/// toServices: both forms in one item are the selector alone (`processRule` in pkg/policy/k8s).
#[test]
fn the_selector_of_services_wins() {
    let both = "{k8sService: {serviceName: client, namespace: other}, \
                k8sServiceSelector: {selector: {matchLabels: {tier: back}}}}";
    holds(
        &format!("{SERVICES}{}", services(both)),
        &["web → api:80 is Allowed", "web → other/client:80 is Denied"],
    );
}

const EVERY_VERSION: [CiliumVersion; 3] =
    [CiliumVersion::V1_18, CiliumVersion::V1_19, CiliumVersion::V1_20];

const PORT_80: &str = "toPorts: [{ports: [{port: \"80\", protocol: TCP}]}]";

/// toServices with toPorts: where the Services lead to no one the element has no peers, so its ports
/// are open to anyone (`mergeEndpointSelectors` in pkg/policy/utils; rule.go in 1.18). Whether a
/// Service that was not read leads to someone is not known.
#[test]
fn ports_beside_services_that_were_not_read() {
    let element =
        format!("[{{toServices: [{{k8sService: {{serviceName: nothing}}}}], {PORT_80}}}]");
    for version in EVERY_VERSION {
        holds_with(
            Cilium::new(version),
            &egress(&element),
            &[
                "web → api:80 is Unknown",
                "web → node/n1:80 is Unknown",
                "web → 203.0.113.7:80 is Unknown",
                "web → api:81 is Denied",
            ],
        );
    }
    // An item that names nothing leads to no one for certain.
    let nothing = format!("[{{toServices: [{{}}], {PORT_80}}}]");
    holds(&egress(&nothing), &["web → node/n1:80 is Allowed", "web → api:81 is Denied"]);
    holds(&egress("[{toServices: [{}]}]"), &["web → api:80 is Denied"]);
    // Nobody else is let in where one Service leads to someone.
    let found = "{k8sService: {serviceName: nothing}}, {k8sService: {serviceName: api}}";
    let found = format!("{SERVICES}{}", egress(&format!("[{{toServices: [{found}], {PORT_80}}}]")));
    holds(&found, &["web → api:80 is Allowed", "web → node/n1:80 is Denied"]);
}

/// egressDeny.toServices: Cilium looks Services up for `egress` only (`processRule` in
/// pkg/policy/k8s, 1.18 to 1.20), so alone it denies nothing, and with ports everyone on them. It
/// isolates in both cases, as docs/semantics/cilium-verdicts.md#rules-that-only-deny has it.
#[test]
fn services_are_not_denied() {
    let policy = |deny: &str, more: &str| {
        let api = "toServices: [{k8sService: {serviceName: api, namespace: shop}}]";
        let spec = format!("{WEB}, egressDeny: [{{{api}{deny}}}]{more}");
        format!("{SERVICES}{}", cnp("p", &spec))
    };
    let open = ", egress: [{toEntities: [all]}]";
    for version in EVERY_VERSION {
        let alone = policy("", open);
        let settings = Cilium::new(version);
        holds_with(settings.clone(), &alone, &["web → api:8080 is Allowed"]);
        let ports = policy(&format!(", {PORT_80}"), open);
        holds_with(
            settings,
            &ports,
            &[
                "web → api:80 is Denied",
                "web → other/client:80 is Denied",
                "web → 203.0.113.7:80 is Denied",
                "web → api:8080 is Allowed",
            ],
        );
    }
    holds(&policy("", ""), &["web → 203.0.113.7:443 is Denied"]);
    lint(&cluster(&policy("", open)), "Cilium looks up no Services to deny, so it denies nothing");
    let with_ports = cluster(&policy(&format!(", {PORT_80}"), open));
    lint(&with_ports, "Cilium looks up no Services to deny, so it denies everyone on these ports");
}

/// `toFQDNs: []`, `toServices: []` and `toGroups: []` are as good as absent: with ports anyone on
/// them, else no one (`mergeEndpointSelectors` in pkg/policy/utils; egress.go in 1.18).
#[test]
fn empty_lists_that_do_not_close_the_element() {
    for version in EVERY_VERSION {
        for list in ["toFQDNs", "toServices", "toGroups"] {
            let settings = Cilium::new(version);
            let anyone = egress(&format!("[{{{list}: [], {PORT_80}}}]"));
            holds_with(
                settings.clone(),
                &anyone,
                &[
                    "web → api:80 is Allowed",
                    "web → node/n1:80 is Allowed",
                    "web → 203.0.113.7:80 is Allowed",
                    "web → 203.0.113.7:81 is Denied",
                ],
            );
            lint(&cluster(&anyone), "is an empty list, which is as good as none");
            let alone = egress(&format!("[{{{list}: []}}]"));
            holds_with(settings.clone(), &alone, &["web → api:80 is Denied"]);
            // Another list that is empty still closes it.
            let closed = egress(&format!("[{{{list}: [], toCIDR: [], {PORT_80}}}]"));
            holds_with(settings, &closed, &["web → api:80 is Denied"]);
        }
    }
    let groups = super::ingress(&format!("[{{fromGroups: [], {PORT_80}}}]"));
    holds(&groups, &["203.0.113.7 → api:80 is Allowed", "203.0.113.7 → api:81 is Denied"]);
}

/// toServices: of a live cluster not every Service is read, so those that are not may match.
#[test]
fn services_of_a_live_cluster() {
    let of = |items: &str| super::live(settings(), &services(items));
    for items in [
        "{k8sService: {serviceName: api, namespace: shop}}",
        "{k8sServiceSelector: {selector: {}, namespace: shop}}",
    ] {
        of(items).holds(&[
            "web → api:80 is Unknown",
            "web → other/client:80 is Denied",
            "web → 203.0.113.7:443 is Unknown",
        ]);
    }
}
