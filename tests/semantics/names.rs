//! docs/semantics/services.md#names-in-the-cluster and docs/semantics/services.md#addresses as they
//! are asked: URLs, DNS names, addresses, and names that are not there.

use super::{Cluster, cluster, pod};

/// Services shop/api (80 → 8080), other/api (80 → 9000, of other/client), and a `StatefulSet` shop/db
/// with its headless Service.
fn manifests() -> String {
    let service = |namespace: &str, app: &str, target: u16| {
        format!(
            "---\n{{apiVersion: v1, kind: Service, metadata: {{name: api, namespace: {namespace}}}, \
             spec: {{selector: {{app: {app}}}, ports: [{{name: web, port: 80, targetPort: {target}}}, {{name: tls, port: 443, targetPort: {target}}}]}}}}\n"
        )
    };
    let database = "---\n{apiVersion: v1, kind: Service, metadata: {name: db, namespace: shop}, \
                    spec: {clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}}\n\
                    ---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db, namespace: shop}\n\
                    spec: {serviceName: db, template: {metadata: {labels: {app: db}}, spec: {}}}\n";
    service("shop", "api", 8080) + &service("other", "web", 9000) + database
}

fn asked(destination: &str) -> (String, Vec<String>) {
    from("web", destination)
}

fn from(source: &str, destination: &str) -> (String, Vec<String>) {
    let cluster = cluster(&manifests());
    let answer = cluster.ask(&format!("{source} → {destination}"));
    (answer.report().destination.label, answer.cases())
}

/// docs/semantics/services.md#names-in-the-cluster: the forms in which a Service's URL is found in a
/// log.
#[test]
fn urls_of_a_service() {
    for (url, port) in [
        ("http://api.shop.svc.cluster.local/x/y?q=1#z", "8080/TCP"),
        ("https://api.shop.svc.cluster.local", "8080/TCP"),
        ("http://api.shop.svc:80", "8080/TCP"),
        ("http://api.shop/", "8080/TCP"),
        ("http://api/", "8080/TCP"),
        ("HTTP://API.shop.SVC.cluster.local./", "8080/TCP"),
        ("http://user:password@api.shop.svc.cluster.local/", "8080/TCP"),
        ("api.shop.svc.cluster.local:80", "8080/TCP"),
        ("api.shop.svc:web", "8080/TCP"),
        ("tcp://api.shop.svc:80", "8080/TCP"),
    ] {
        let expected = vec![format!("shop/pod/api {port} Allowed")];
        assert_eq!(asked(url), ("shop/svc/api".to_owned(), expected), "{url}");
    }
}

/// docs/semantics/services.md#names-in-the-cluster: the zone need not be cluster.local.
#[test]
fn another_cluster_domain() {
    assert_eq!(asked("http://api.shop.svc.k8s.example.org/").0, "shop/svc/api");
}

/// docs/semantics/services.md#names-in-the-cluster: a short DNS name is completed in the source's
/// namespace.
#[test]
fn a_short_name_is_of_the_sources_namespace() {
    assert_eq!(from("other/client", "http://api/").0, "other/svc/api");
    assert_eq!(from("other/client", "http://api/").1, ["other/pod/client 9000/TCP Allowed"]);
    assert_eq!(from("web", "http://api/").0, "shop/svc/api");
    // A name that is no DNS name is of the namespace of the command line.
    assert_eq!(from("other/client", "svc/api:80").0, "shop/svc/api");
}

/// docs/semantics/services.md#names-in-the-cluster: `svc.ns`.
#[test]
fn a_name_with_its_namespace() {
    assert_eq!(asked("http://api.other/").0, "other/svc/api");
    assert_eq!(asked("api.other:80").0, "other/svc/api");
}

/// docs/semantics/services.md#names-in-the-cluster: other dotted names are outside.
#[test]
fn a_dotted_name_that_is_no_service_is_outside() {
    let (label, cases) = asked("https://api.example.com/");
    assert_eq!(
        (label.as_str(), cases.as_slice()),
        ("api.example.com", &["api.example.com 443/TCP Allowed".to_owned()][..])
    );
}

/// docs/semantics/services.md#names-in-the-cluster: pod DNS names, of both families.
#[test]
fn a_pods_dns_name() {
    assert_eq!(asked("http://10-0-1-10.shop.pod.cluster.local:8080/").0, "shop/pod/api");
    let six = pod("shop", "six", "six", "2001:db8::6", "nodeName: n1");
    let cluster = cluster(&six);
    let answer = cluster.ask("2001:db8::7 → http://2001-db8--6.shop.pod.cluster.local:8080/");
    assert_eq!(answer.report().destination.label, "shop/pod/six");
}

/// docs/semantics/services.md#names-in-the-cluster: the host name of a pod of a `StatefulSet`, known
/// by its template or running.
#[test]
fn the_host_name_of_a_stateful_sets_pod() {
    let host = "db-0.db.shop.svc.cluster.local:5432";
    assert_eq!(asked(host).0, "shop/sts/db");
    let running = pod("shop", "db-0", "db", "10.0.1.90", "nodeName: n1");
    let cluster = cluster(&(manifests() + &running));
    assert_eq!(cluster.ask(&format!("web → {host}")).report().destination.label, "shop/pod/db-0");
}

/// docs/semantics/services.md#addresses: addresses of pods and nodes are those; any other is outside.
#[test]
fn addresses() {
    assert_eq!(asked("10.0.1.10:8080").0, "shop/pod/api");
    assert_eq!(asked("192.168.0.1:10250").0, "node/n1");
    assert_eq!(asked("http://10.0.1.10:8080/").0, "shop/pod/api");
    let cluster = cluster(&manifests());
    let notes = cluster.ask("web → 203.0.113.7:80").notes();
    assert!(notes.contains("judged as outside the cluster"), "{notes}");
}

/// An IPv4 address as dual-stack servers log it.
#[test]
fn an_address_mapped_into_ipv6_is_the_ipv4_address() {
    assert_eq!(asked("[::ffff:10.0.1.10]:8080").0, "shop/pod/api");
    assert_eq!(from("::ffff:10.0.2.20", "http://[::ffff:10.0.1.10]:8080/").0, "shop/pod/api");
    let cluster = cluster("");
    assert_eq!(cluster.ask("::ffff:203.0.113.7 → api:80").report().source.label, "203.0.113.7");
}

/// The forms of a name with and without kind and namespace.
#[test]
fn kinds_and_namespaces() {
    for (name, label) in [
        ("api:8080", "shop/pod/api"),
        ("pod/api:8080", "shop/pod/api"),
        ("svc/api:80", "shop/svc/api"),
        ("services/api:80", "shop/svc/api"),
        ("other/client:80", "other/pod/client"),
        ("other/pod/client:80", "other/pod/client"),
        ("other/svc/api:80", "other/svc/api"),
        ("statefulset.apps/db:5432", "shop/sts/db"),
        ("no/n1:22", "node/n1"),
    ] {
        assert_eq!(asked(name).0, label, "{name}");
    }
}

fn refusal(cluster: &Cluster, destination: &str) -> String {
    cluster.refusal(&format!("web → {destination}"))
}

/// Names that are not there list the nearest that are.
#[test]
fn unknown_names_list_the_nearest() {
    let cluster = cluster(&manifests());
    for (name, expected) in [
        (
            "apj:80",
            "apj in namespace shop not found; there are shop/pod/api, shop/svc/api and other/svc/api",
        ),
        (
            "svc/apj:80",
            "svc/apj in namespace shop not found; there are shop/svc/api, other/svc/api and shop/pod/api",
        ),
        (
            "other/svc/db:80",
            "svc/db in namespace other not found; there are shop/svc/db and shop/sts/db",
        ),
        ("node/n11:80", "node/n11 not found; there is node/n1"),
        (
            "http://apii.shop.svc.cluster.local/",
            "svc/apii in namespace shop not found; there are shop/svc/api, other/svc/api and shop/pod/api",
        ),
        ("pod/zzzzzz:80", "pod/zzzzzz in namespace shop not found"),
    ] {
        assert_eq!(refusal(&cluster, name), expected, "{name}");
    }
}

/// A namespace that is not there is named as such.
#[test]
fn unknown_namespaces_are_named() {
    let cluster = cluster(&manifests());
    let refusal = refusal(&cluster, "http://api.shopp.svc.cluster.local/");
    assert!(refusal.starts_with("svc/api: namespace \"shopp\" not found; there are "), "{refusal}");
}

/// A kind without pods is no end of a flow.
#[test]
fn kinds_without_pods_are_refused() {
    let refusal = refusal(&cluster(&manifests()), "shop/configmap/x");
    assert!(refusal.contains("has no pods: name a workload"), "{refusal}");
}
