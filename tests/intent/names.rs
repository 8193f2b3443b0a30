//! Names outside the cluster as ends: what is denied to a name may pass to an address that it shares.

use super::is;

/// A client whose egress is what these rules say.
fn client(kind: &str, rules: &str) -> String {
    format!(
        "
apiVersion: v1
kind: Pod
metadata: {{name: web, namespace: shop, labels: {{app: web}}}}
spec: {{containers: [{{name: c, image: i}}]}}
---
{kind}
{rules}
"
    )
}

fn cilium(rules: &str) -> String {
    let kind = "apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: web}}";
    client(kind, rules)
}

fn admin(rules: &str) -> String {
    let kind = "apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: web}
spec:
  tier: Admin
  priority: 1
  subject: {namespaces: {}}
  egress:";
    client(kind, rules)
}

fn deny(name: &str, ports: &str) -> String {
    format!("- name: a\n  deny: {{from: shop/web, to: {name}, ports: [{ports}]}}\n")
}

/// docs/semantics/cilium-rules.md#shared-addresses: rules for names let addresses pass.
#[test]
fn a_name_may_share_its_address_with_one_that_passes() {
    const SHARES: &[&str] = &["www.example.net may share an address with a name"];
    let named = "  egress:
  - toFQDNs: [{matchPattern: \"*.example.com\"}]
    toPorts: [{ports: [{port: \"443\"}]}]";
    let some = cilium(named);
    is(&some, &deny("www.example.net", "443"), "NotKnown", SHARES);
    is(&some, &deny("www.example.net", ""), "NotKnown", SHARES);
    is(&some, &deny("www.example.net", "80"), "Proved", &[]);
    let lookups = cilium(&format!(
        "{named}
  - toEndpoints: [{{matchLabels: {{k8s-app: kube-dns, io.kubernetes.pod.namespace: kube-system}}}}]
    toPorts: [{{ports: [{{port: \"53\"}}], rules: {{dns: [{{matchPattern: \"*.example.com\"}}]}}}}]"
    ));
    is(&lookups, &deny("www.example.net", "443"), "NotKnown", SHARES);
    is(&lookups, &deny("www.example.com", "443"), "Broken", &[]);
    // Whatever the name, nothing leaves.
    let shut = cilium(&format!("{named}\n  egressDeny: [{{toEntities: [world]}}]"));
    is(&shut, &deny("www.example.net", "443"), "Proved", &[]);
    let inside = cilium("  egress: [{toEndpoints: [{}]}]");
    is(&inside, &deny("www.example.net", ""), "Proved", &[]);
}

/// docs/semantics/admin.md#domain-names: likewise.
#[test]
fn so_may_one_beside_the_domain_names_of_administrators() {
    let all = "
  - {name: out, action: Deny, to: [{networks: [0.0.0.0/0, \"::/0\"]}]}";
    let name = "
  - {name: a, action: Accept, to: [{domainNames: [\"*.example.com\"]}], protocols: [{tcp: {destinationPort: {number: 443}}}]}";
    let both = admin(&format!("{name}{all}"));
    is(&both, &deny("www.example.net", "443"), "NotKnown", &["may share an address"]);
    is(&both, &deny("www.example.net", "80"), "Proved", &[]);
    is(&admin(all), &deny("www.example.net", ""), "Proved", &[]);
}
