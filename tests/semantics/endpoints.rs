//! docs/semantics/services.md#endpoints: endpoints: ready ones, and those written out in
//! `EndpointSlices`.

use super::{cluster, egress, pod, policy};

const SELECTORLESS: &str = "---\n{apiVersion: v1, kind: Service, metadata: {name: db, namespace: shop}, \
                            spec: {ports: [{name: sql, port: 5432}]}}\n";

fn slice(name: &str, ports: &str, endpoints: &str) -> String {
    format!(
        "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
         metadata: {{name: {name}, namespace: shop, labels: {{kubernetes.io/service-name: db}}}}\n\
         addressType: IPv4\nports: [{ports}]\nendpoints: [{endpoints}]\n"
    )
}

/// docs/semantics/services.md#endpoints: selectorless: external IPs of its `EndpointSlices`, with
/// their port.
#[test]
fn a_selectorless_service_leads_to_written_addresses() {
    let slice = slice("db-1", "{name: sql, port: 15432}", "{addresses: [198.51.100.5]}");
    let cluster = cluster(
        &(SELECTORLESS.to_owned()
            + &slice
            + &egress("[{to: [{ipBlock: {cidr: 198.51.100.0/24}}], ports: [{port: 15432}]}]")),
    );
    let answer = cluster.ask("web → svc/db:5432");
    assert_eq!(answer.cases(), ["198.51.100.5 15432/TCP Allowed"]);
}

/// docs/semantics/services.md#endpoints: an address of a slice that is a pod's is that pod.
#[test]
fn a_written_address_may_be_a_pod() {
    let slice = slice("db-1", "{name: sql, port: 8080}", "{addresses: [10.0.1.10]}");
    let cluster =
        cluster(&(SELECTORLESS.to_owned() + &slice + &policy("closed", "podSelector: {}")));
    assert_eq!(cluster.ask("other/client → svc/db:5432").cases(), ["shop/pod/api 8080/TCP Denied"]);
}

/// docs/semantics/services.md#endpoints: ready endpoints only; a slice that says nothing means ready.
#[test]
fn endpoints_that_are_not_ready_are_left_out() {
    let slice = slice(
        "db-1",
        "{name: sql, port: 5432}",
        "{addresses: [198.51.100.5], conditions: {ready: false}}, {addresses: [198.51.100.6], conditions: {ready: true}}, {addresses: [198.51.100.7]}",
    );
    let cluster = cluster(&(SELECTORLESS.to_owned() + &slice));
    let cases = cluster.ask("web → svc/db:5432").cases();
    assert_eq!(cases, ["198.51.100.6 198.51.100.7 5432/TCP Allowed"]);
}

/// docs/semantics/services.md#ports-of-a-service: a slice's port belongs to the Service port of its
/// name.
#[test]
fn slice_ports_are_matched_by_name() {
    let slice = slice(
        "db-1",
        "{name: metrics, port: 9187}, {name: sql, port: 5433}",
        "{addresses: [198.51.100.5]}",
    );
    let cluster = cluster(&(SELECTORLESS.to_owned() + &slice));
    assert_eq!(cluster.ask("web → svc/db:sql").cases(), ["198.51.100.5 5433/TCP Allowed"]);
}

/// docs/semantics/services.md#endpoints: several slices add up, of both families.
#[test]
fn slices_add_up() {
    let one = slice("db-1", "{name: sql, port: 5432}", "{addresses: [198.51.100.5]}");
    let two = slice("db-2", "{name: sql, port: 5432}", "{addresses: [\"2001:db8::5\"]}")
        .replace("IPv4", "IPv6");
    let cluster = cluster(&(SELECTORLESS.to_owned() + &one + &two));
    let answer = cluster.ask("node/n1 → svc/db:5432");
    // n1 has an IPv4 address only.
    assert_eq!(answer.cases(), ["198.51.100.5 5432/TCP Allowed"]);
}

/// docs/semantics/services.md#endpoints: without slices there is nothing to judge.
#[test]
fn a_selectorless_service_without_slices_is_not_known() {
    let cluster = cluster(SELECTORLESS);
    let answer = cluster.ask("web → svc/db:5432");
    assert_eq!(answer.verdict(), "Unknown");
    assert!(answer.notes().contains("has no endpoint"), "{}", answer.notes());
}

/// docs/semantics/services.md#endpoints: ready endpoints of a selector; the others are told.
#[test]
fn pods_that_are_not_ready_get_no_traffic() {
    let service = "---\n{apiVersion: v1, kind: Service, metadata: {name: api, namespace: shop}, \
                   spec: {selector: {app: api}, ports: [{port: 8080}]}}\n";
    let slow = pod("shop", "slow", "api", "10.0.1.62", "nodeName: n2")
        .replace("podIPs", "conditions: [{type: Ready, status: \"False\"}], podIPs");
    let shut = policy("shut", "podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress]");
    let manifests = format!("{service}{slow}{shut}");
    let with = cluster(&manifests);
    let answer = with.ask("web → svc/api:8080");
    assert_eq!(answer.cases(), ["shop/pod/api 8080/TCP Allowed"]);
    assert!(answer.notes().contains("1 of its pods not ready"), "{}", answer.notes());
    // publishNotReadyAddresses lists them all the same.
    let all = cluster(
        &manifests.replace("spec: {selector", "spec: {publishNotReadyAddresses: true, selector"),
    );
    assert_eq!(
        all.ask("web → svc/api:8080").cases(),
        ["shop/pod/api shop/pod/slow 8080/TCP Allowed"]
    );
}

/// docs/semantics/services.md#headless-services: a headless Service without a selector leads to the
/// addresses written for it.
#[test]
fn a_headless_service_without_a_selector() {
    let headless = SELECTORLESS.replace("spec: {", "spec: {clusterIP: None, ");
    let slice = slice("db-1", "{name: sql, port: 5432}", "{addresses: [198.51.100.5]}");
    let cluster = cluster(&(headless + &slice));
    assert_eq!(cluster.ask("web → svc/db:5432").cases(), ["198.51.100.5 5432/TCP Allowed"]);
}
