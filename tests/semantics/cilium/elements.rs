//! docs/semantics/cilium-rules.md#elements.

use super::{API, cnp, egress, holds, ingress};

const PORT_80: &str = "toPorts: [{ports: [{port: \"80\"}]}]";

/// One L3 member AND the ports.
#[test]
fn peers_and_ports_must_both_match() {
    holds(
        &ingress(&format!("[{{fromEndpoints: [{{}}], {PORT_80}}}]")),
        &[
            "web → api:80 is Allowed",
            "web → api:81 is Denied",
            "other/client → api:80 is Denied",
            "203.0.113.7 → api:80 is Denied",
        ],
    );
}

/// One element that matches is enough.
#[test]
fn one_element_is_enough() {
    let elements = format!("[{{fromEndpoints: [{{}}], {PORT_80}}}, {{fromEntities: [world]}}]");
    holds(
        &ingress(&elements),
        &[
            "web → api:80 is Allowed",
            "web → api:81 is Denied",
            "203.0.113.7 → api:81 is Allowed",
            "other/client → api:80 is Denied",
        ],
    );
}

/// One item that matches is enough, of an L3 list, of toPorts and of their ports.
#[test]
fn items_are_ored() {
    let peers = "{matchLabels: {app: web}}, {matchLabels: {io.kubernetes.pod.namespace: other}}";
    let ports = "{ports: [{port: \"80\"}, {port: \"81\"}]}, {ports: [{port: \"82\"}]}";
    let policy = ingress(&format!("[{{fromEndpoints: [{peers}], toPorts: [{ports}]}}]"));
    for source in ["web", "other/client"] {
        for (port, verdict) in [(80, "Allowed"), (81, "Allowed"), (82, "Allowed"), (83, "Denied")] {
            holds(&policy, &[&format!("{source} → api:{port} is {verdict}")]);
        }
    }
    holds(&policy, &["203.0.113.7 → api:80 is Denied"]);
}

/// L3 members of ingress and egress, each in its own words; those of the other direction are not
/// known there.
#[test]
fn fields_are_called_after_their_direction() {
    let cluster = super::cluster(&ingress("[{toEndpoints: [{}]}]"));
    super::lint(&cluster, "spec.ingress[0].toEndpoints is not a field that the CRD knows");
    cluster.holds(&["web → api:80 is Denied"]);
    let cluster = super::cluster(&egress("[{fromEntities: [world]}]"));
    super::lint(&cluster, "spec.egress[0].fromEntities is not a field that the CRD knows");
    cluster.holds(&["web → 203.0.113.7:80 is Denied"]);
}

/// fromGroups and toGroups: nothing here can tell their addresses, and pods are none of them.
#[test]
fn groups_of_the_cloud() {
    holds(
        &ingress("[{fromGroups: [{aws: {labels: {env: prod}}}]}]"),
        &["203.0.113.7 → api:80 is Unknown", "web → api:80 is Denied"],
    );
    holds(
        &egress("[{toGroups: [{aws: {securityGroupsIds: [sg-1]}}]}]"),
        &["web → 203.0.113.7:443 is Unknown", "web → api:80 is Denied"],
    );
    let deny = format!(
        "{API}, ingress: [{{fromEntities: [all]}}], ingressDeny: [{{fromGroups: [{{aws: {{}}}}]}}]"
    );
    holds(&cnp("p", &deny), &["203.0.113.7 → api:80 is Unknown", "web → api:80 is Allowed"]);
}
