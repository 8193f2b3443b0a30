//! docs/semantics/services.md#ports-of-a-service: Services and their ports.

use super::{Cluster, cluster, egress, holds, ingress, pod};

fn service(name: &str, spec: &str) -> String {
    format!(
        "---\n{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: shop}}, spec: {{{spec}}}}}\n"
    )
}

/// The Service `api`, port 80 → `target` of app=api.
fn api(target: &str) -> String {
    service(
        "api",
        &format!(
            "clusterIP: 10.96.0.10, selector: {{app: api}}, ports: [{{name: web, port: 80, targetPort: {target}}}]"
        ),
    )
}

fn port_8080() -> String {
    egress("[{ports: [{port: 8080}]}]")
}

fn cases(cluster: &Cluster, question: &str) -> Vec<String> {
    cluster.ask(question).cases()
}

/// docs/semantics/services.md#ports-of-a-service: Service port → targetPort by number; policies judge
/// the targetPort.
#[test]
fn a_service_port_is_the_target_port_on_the_pod() {
    let cluster = cluster(&(api("8080") + &port_8080()));
    assert_eq!(cases(&cluster, "web → svc/api:80"), ["shop/pod/api 8080/TCP Allowed"]);
    let answer = cluster.ask("web → svc/api:80");
    assert_eq!(answer.report().flows[0].service_port, Some(80));
    assert!(
        answer.notes().contains("shop/svc/api port 80 is port 8080 on its pods"),
        "{}",
        answer.notes()
    );
}

/// docs/semantics/services.md#ports-of-a-service: writing the Service port in a rule is a top error,
/// so it is named.
#[test]
fn a_rule_on_the_service_port_is_named_as_the_mistake() {
    let cluster = cluster(&(api("8080") + &egress("[{ports: [{port: 80}]}]")));
    let answer = cluster.ask("web → svc/api:80");
    assert_eq!(answer.verdict(), "Denied");
    assert!(answer.report().flows[0].egress.policies[0].service_port_mistake);
    assert!(
        answer.text().contains("port is 80, that of shop/svc/api; policies judge the pod's: 8080"),
        "{}",
        answer.text()
    );
}

/// docs/semantics/services.md#ports-of-a-service: a targetPort that is not given is the port itself.
#[test]
fn without_a_target_port_the_port_is_kept() {
    let plain = service("api", "selector: {app: api}, ports: [{port: 8080}]");
    holds(&(plain + &port_8080()), &["web → svc/api:8080 is Allowed"]);
}

/// docs/semantics/services.md#ports-of-a-service: a named targetPort is resolved per pod.
#[test]
fn a_named_target_port_is_resolved_on_each_pod() {
    let other = pod(
        "shop",
        "api2",
        "api",
        "10.0.1.61",
        "nodeName: n2, containers: [{ports: [{name: http, containerPort: 9090}]}]",
    );
    let cluster = cluster(&(api("http") + &other + &port_8080()));
    let answer = cluster.ask("web → svc/api:80");
    assert_eq!(answer.cases(), ["shop/pod/api 8080/TCP Allowed", "shop/pod/api2 9090/TCP Denied"]);
    assert_eq!(answer.verdict(), "Mixed");
}

/// docs/semantics/services.md#ports-of-a-service: a pod without the name is not reached, and that is
/// told.
#[test]
fn a_pod_without_the_named_port_is_not_reached() {
    let cluster = cluster(&(api("metrics") + &port_8080()));
    let answer = cluster.ask("web → svc/api:80");
    assert_eq!((answer.verdict(), answer.cases().len()), ("Unknown", 0));
    let notes = answer.notes();
    assert!(notes.contains("no container of shop/pod/api calls a TCP port \"metrics\""), "{notes}");
    assert!(notes.contains("shop/svc/api has no endpoint here"), "{notes}");
}

/// docs/semantics/services.md#ports-of-a-service: the Service port asked for by its name.
#[test]
fn a_service_port_by_name() {
    let cluster = cluster(&(api("http") + &port_8080()));
    assert_eq!(cases(&cluster, "web → svc/api:web"), ["shop/pod/api 8080/TCP Allowed"]);
}

/// docs/semantics/services.md#ports-of-a-service: without a port every port of the Service is judged.
#[test]
fn all_ports_of_a_service() {
    let two = service(
        "api",
        "selector: {app: api}, ports: [{name: web, port: 80, targetPort: http}, {name: dns, port: 53, protocol: UDP, targetPort: dns}]",
    );
    let cluster = cluster(&(two + &port_8080()));
    assert_eq!(
        cases(&cluster, "web → svc/api"),
        ["shop/pod/api 8080/TCP Allowed", "shop/pod/api 5353/UDP Denied"]
    );
}

/// docs/semantics/services.md#ports-of-a-service: of one number for two protocols the protocol
/// decides.
#[test]
fn a_port_of_two_protocols() {
    let two = service(
        "api",
        "selector: {app: api}, ports: [{name: t, port: 53, targetPort: 5353}, {name: u, port: 53, protocol: UDP, targetPort: 5353}]",
    );
    let cluster = cluster(&(two + &egress("[{ports: [{port: 5353, protocol: UDP}]}]")));
    cluster.holds(&["web → svc/api:53/UDP is Allowed", "web → svc/api:53/TCP is Denied"]);
    assert_eq!(cases(&cluster, "web → svc/api:53").len(), 2);
}

/// docs/semantics/services.md#ports-of-a-service: a port that the Service does not have is an error
/// with those that it has.
#[test]
fn a_port_that_the_service_does_not_have() {
    let cluster = cluster(&api("http"));
    assert_eq!(
        cluster.refusal("web → svc/api:8080"),
        "shop/svc/api has no port 8080; there is 80/TCP (web) → http"
    );
    assert!(cluster.refusal("web → svc/api:metrics").contains("has no port metrics"));
}

/// docs/semantics/services.md#headless-services: a headless Service is a list of pods; no port is
/// translated.
#[test]
fn a_headless_service_translates_no_port() {
    let headless = service(
        "db",
        "clusterIP: None, selector: {app: api}, ports: [{port: 80, targetPort: 8080}]",
    );
    let cluster = cluster(&(headless + &port_8080()));
    assert_eq!(cases(&cluster, "web → svc/db:8080"), ["shop/pod/api 8080/TCP Allowed"]);
    assert_eq!(cases(&cluster, "web → svc/db:80"), ["shop/pod/api 80/TCP Denied"]);
    let notes = cluster.ask("web → svc/db:8080").notes();
    assert!(notes.contains("is headless: clients dial its pods"), "{notes}");
}

/// docs/semantics/services.md#external-names: ExternalName: an outside name.
#[test]
fn an_external_name_is_outside() {
    let external = service("db", "type: ExternalName, externalName: db.example.com");
    let cluster = cluster(&(external + &egress("[{to: [{namespaceSelector: {}}]}]")));
    let answer = cluster.ask("web → svc/db:5432");
    assert_eq!(answer.verdict(), "Denied");
    assert_eq!(answer.cases(), ["db.example.com 5432/TCP Denied"]);
    assert!(
        answer.notes().contains("ExternalName: it stands for db.example.com"),
        "{}",
        answer.notes()
    );
}

/// docs/semantics/services.md#external-names: an ExternalName that is a Service of the cluster stands
/// for that Service.
#[test]
fn an_external_name_may_be_a_service_of_the_cluster() {
    let alias = service("alias", "type: ExternalName, externalName: api.shop.svc.cluster.local");
    let cluster = cluster(&(alias + &api("8080") + &port_8080()));
    assert_eq!(cases(&cluster, "web → svc/alias:80"), ["shop/pod/api 8080/TCP Allowed"]);
    assert_eq!(cases(&cluster, "web → http://alias/"), ["shop/pod/api 8080/TCP Allowed"]);
}

/// docs/semantics/services.md#external-names: names that stand for one another in a circle end in an
/// answer, not in a loop.
#[test]
fn external_names_in_a_circle_end() {
    let one = service("one", "type: ExternalName, externalName: two.shop.svc.cluster.local");
    let two = service("two", "type: ExternalName, externalName: one.shop.svc.cluster.local");
    let cluster = cluster(&(one + &two));
    let refusal = cluster.refusal("web → svc/one:80");
    assert!(refusal.contains("circle"), "{refusal}");
}

/// docs/semantics/services.md#external-names: an ExternalName of the cluster that is not there is
/// told.
#[test]
fn an_external_name_that_is_missing_is_an_error() {
    let alias = service("alias", "type: ExternalName, externalName: apj.shop.svc.cluster.local");
    let refusal = cluster(&(alias + &api("8080"))).refusal("web → svc/alias:80");
    assert!(
        refusal.contains("svc/apj in namespace shop not found; there are shop/svc/api"),
        "{refusal}"
    );
}

/// docs/semantics/services.md#endpoints: a Service whose selector selects nothing has no endpoint:
/// nothing can be said.
#[test]
fn a_service_without_endpoints_is_not_known() {
    let empty = service("empty", "selector: {app: nothing}, ports: [{port: 80}]");
    let cluster = cluster(&empty);
    let answer = cluster.ask("web → svc/empty:80");
    assert_eq!(answer.verdict(), "Unknown");
    assert!(
        answer
            .notes()
            .contains("shop/svc/empty has no endpoint here: what is behind it is not known"),
        "{}",
        answer.notes()
    );
}

/// docs/semantics/services.md#endpoints: the same for a Service as the source.
#[test]
fn a_source_without_endpoints_is_not_known() {
    let empty = service("empty", "selector: {app: nothing}, ports: [{port: 80}]");
    let cluster = cluster(&empty);
    let answer = cluster.ask("svc/empty → api:80");
    assert_eq!(answer.verdict(), "Unknown");
    let notes = answer.notes();
    assert!(notes.contains("shop/svc/empty has no pods: nothing would connect"), "{notes}");
}

/// docs/semantics/services.md#cluster-addresses: the Service's address is the Service.
#[test]
fn a_cluster_ip_is_its_service() {
    let cluster = cluster(&(api("http") + &port_8080()));
    let answer = cluster.ask("web → 10.96.0.10:80");
    assert_eq!(answer.cases(), ["shop/pod/api 8080/TCP Allowed"]);
    assert!(answer.notes().contains("10.96.0.10 is shop/svc/api"), "{}", answer.notes());
}

/// docs/semantics/services.md#cluster-addresses: ipBlock on a `ClusterIP`: undefined.
#[test]
fn a_block_with_the_services_own_address_is_told() {
    let cluster = cluster(&(api("http") + &egress("[{to: [{ipBlock: {cidr: 10.96.0.10/32}}]}]")));
    let notes = cluster.ask("web → svc/api:80").notes();
    let note = "shop/netpol/out spec.egress[0] has the Service's own address 10.96.0.10";
    assert!(notes.contains(note), "{notes}");
}

/// docs/semantics/services.md#expansion: the pods' ingress is judged by the pod that calls, not by
/// the Service.
#[test]
fn ingress_sees_the_caller_through_a_service() {
    holds(
        &(api("http")
            + &ingress(
                "[{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: http}]}]",
            )),
        &["web → svc/api:80 is Allowed", "other/client → svc/api:80 is Denied"],
    );
}
