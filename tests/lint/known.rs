//! Rules beside the pods that are known, and beside how the agent is set.

use super::found;

/// A port that pods do not declare is a note, where all of them declare ports and nothing else leads there.
#[test]
fn ports_that_no_pod_declares() {
    let of = |ports: &str, more: &str, rule: &str| {
        let manifests = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{namespace: shop, name: web, labels: {{app: web}}}}\n\
             spec: {{containers: [{{name: c, image: i, ports: [{ports}]}}]}}\n---\n{more}\
             apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{namespace: shop, name: web}}\n\
             spec: {{podSelector: {{matchLabels: {{app: web}}}}, ingress: [{{from: [{{podSelector: {{matchLabels: \
             {{app: web}}}}}}], ports: [{rule}]}}]}}\n"
        );
        let all = found(&manifests, &[]);
        let all = all.iter().filter(|it| it["lint"] == "port-number");
        all.map(|it| it["message"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (http, service) = (
        "{containerPort: 8080}",
        "apiVersion: v1\nkind: Service\nmetadata: {namespace: shop, name: web}\nspec: {selector: {app: web}, ports: [{port: 80, targetPort: 8008}]}\n---\n",
    );
    let told = of(http, "", "{port: 8008}");
    assert!(told.len() == 1 && told[0].contains("declare 8080/TCP"), "{told:?}");
    let told = of("{containerPort: 53, protocol: UDP}", "", "{port: 53}");
    assert!(told.len() == 1 && told[0].contains("declare 53/UDP"), "{told:?}");
    for (ports, more, rule) in [
        (http, "", "{port: 8080}"),
        // Nothing is declared, so nothing is said by it.
        ("", "", "{port: 8008}"),
        (http, service, "{port: 8008}"),
        (http, "", "{port: 8000, endPort: 8010}"),
        (http, "", "{port: 15008}"),
        // It is probably that of other pods.
        (http, "", "{port: 8008}, {port: 8080}"),
        (http, "", "{protocol: TCP}"),
    ] {
        let told = of(ports, more, rule);
        assert!(told.is_empty(), "{ports} {rule}: {told:?}");
    }
}

/// Which clusters a selector means depends on the version only where there are several, and is told once an object.
#[test]
fn selectors_of_other_clusters() {
    let of = |enforcer: &str, config: &str, peers: &str| {
        let manifests = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{namespace: kube-system, name: cilium-config}}\n\
             data: {{cluster-name: west, {config}}}\n---\n\
             apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{namespace: shop, name: web}}\n\
             spec: {{endpointSelector: {{}}, ingress: [{{fromEndpoints: [{peers}]}}]}}\n---\n\
             apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{namespace: shop, name: plain}}\n\
             spec: {{podSelector: {{}}, ingress: [{{from: [{{podSelector: {{matchLabels: {{app: x}}}}}}]}}]}}\n"
        );
        let all = found(&manifests, &["--enforcer", enforcer]);
        let all = all
            .iter()
            .filter(|it| it["message"].as_str().is_some_and(|it| it.contains("names no cluster")));
        all.count()
    };
    let (two, named) = (
        "{matchLabels: {app: a}}, {matchLabels: {app: b}}",
        "{matchLabels: {app: a, io.cilium.k8s.policy.cluster: east}}",
    );
    assert_eq!(of("cilium-1.18", "cluster-id: \"1\"", two), 2, "each object once");
    assert_eq!(of("cilium-1.18", "cluster-id: \"1\"", named), 1);
    assert_eq!(of("cilium-1.18", "cluster-id: \"0\"", two), 0);
    assert_eq!(of("cilium-1.19", "cluster-id: \"1\"", two), 0);
    let off = "cluster-id: \"1\", policy-default-local-cluster: \"false\"";
    assert_eq!(of("cilium-1.19", off, two), 2);
}
