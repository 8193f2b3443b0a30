//! Pods that come to the network of their node, or leave it.

use super::between;

/// A pod that comes to its node's network is held by no policy, and reaches the pods of its node; both are told by
/// why they pass, whatever policies are there still.
#[test]
fn who_comes_to_the_network_of_its_node_is_told_with_why() {
    let all = |host: bool, isolated: &str| {
        format!(
            "
apiVersion: v1
kind: Pod
metadata: {{name: a, namespace: shop, labels: {{app: a}}}}
spec: {{nodeName: n1, containers: [{{name: c, image: i}}]}}
---
apiVersion: v1
kind: Pod
metadata: {{name: b, namespace: shop, labels: {{app: b}}}}
spec: {{nodeName: n1, hostNetwork: {host}, containers: [{{name: c, image: i}}]}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: p, namespace: shop}}
spec: {{podSelector: {{matchLabels: {{app: {isolated}}}}}, policyTypes: [Ingress]}}
"
        )
    };
    for (isolated, row, why) in [
        ("b", "shop/pod/b", "ingress: on its node's network, where NetworkPolicy does not"),
        ("a", "shop/pod/b → shop/pod/a", "is its own node, which always reaches it"),
    ] {
        let (inside, on_node) = (all(false, isolated), all(true, isolated));
        let opened = between(&inside, &on_node, &["--fail-on", "opened"]);
        let said = opened.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(opened.code, 1, "{opened:?}");
        assert!(said.contains("1 opened") && said.contains(row) && said.contains(why), "{said}");
        let closed = between(&on_node, &inside, &["--fail-on", "closed"]);
        assert!(closed.code == 1 && closed.stdout.contains("1 closed"), "{closed:?}");
    }
}
