//! Where the requirement that decides is written: file, line and column, in every dialect.

use crate::run::{list, netpol_with, text};

/// shop/web asks shop/api; the node that both run on, and what is outside, have names too.
const CLUSTER: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: a}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {}}
---
{apiVersion: v1, kind: Pod, metadata: {name: api, namespace: shop, labels: {app: api}}, spec: {}}
---
";

/// Asks whether a source reaches shop/api on 80/TCP, and holds the place of the policy to the line of
/// its text that has a mark: the column is that of the first character of what is before it.
fn is_at_mark(source: &str, enforcer: &str, policy: &str, path: &str) {
    let all = format!("{CLUSTER}{policy}");
    let (line, marked) = all.lines().enumerate().find(|(_, l)| l.contains("# here")).unwrap();
    let words = [
        "explain",
        "-f",
        "-",
        "-o",
        "json",
        "--enforcer",
        enforcer,
        source,
        "shop/api",
        "--port",
        "80",
    ];
    let answer = netpol_with(&words, all.as_bytes()).json();
    let policies = list(&answer, "/flows/0/ingress/policies");
    let policy = policies.first().unwrap_or_else(|| panic!("{all}\n{answer:#}"));
    assert_eq!(text(policy, "/field"), path, "{policy:#}");
    let place = (&policy["location"]["line"], &policy["location"]["column"]);
    let written = marked.split_once("# here").unwrap().0.trim_end();
    let indent = written.len() - written.trim_start_matches([' ', '-']).len();
    assert_eq!(place, (&(line + 1).into(), &(indent + 1).into()), "{written}\n{policy:#}");
}

fn network_policy(from: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: p, namespace: shop}}
spec:
  podSelector: {{}}
  ingress:
  - from:
{from}
"
    )
}

#[test]
fn network_policies() {
    for (from, path) in [
        (
            "    - podSelector:
        matchLabels:
          app.kubernetes.io/name: other # here",
            "podSelector.matchLabels[app.kubernetes.io/name]",
        ),
        (
            "    - podSelector:
        matchLabels: {app: web}
        matchExpressions:
        - {key: app, operator: Exists}
        - key: tier # here
          operator: In
          values: [front]",
            "podSelector.matchExpressions[1]",
        ),
        (
            "    - namespaceSelector:
        matchExpressions:
        - key: team # here
          operator: NotIn
          values: [a]
      podSelector: {}",
            "namespaceSelector.matchExpressions[0]",
        ),
        (
            "    - namespaceSelector:
        matchLabels:
          team: b # here",
            "namespaceSelector.matchLabels[team]",
        ),
    ] {
        let path = format!("spec.ingress[0].from[0].{path}");
        is_at_mark("shop/web", "kubernetes", &network_policy(from), &path);
    }
}

/// The network that does not have the address, or the exception that has it.
#[test]
fn blocks() {
    let block = "    - ipBlock:
        cidr: 10.0.0.0/8
        except:
        - 10.1.0.0/16
        - 10.2.0.0/16";
    for (address, line, path) in
        [("192.0.2.1", "cidr: 10.0.0.0/8", "cidr"), ("10.2.0.1", "- 10.2.0.0/16", "except[1]")]
    {
        let from = block.replace(line, &format!("{line} # here"));
        let path = format!("spec.ingress[0].from[0].ipBlock.{path}");
        is_at_mark(address, "kubernetes", &network_policy(&from), &path);
    }
    let cilium = "    - cidr: 10.0.0.0/8
      except:
      - 10.2.0.0/16 # here";
    let cilium = cilium_policy(&format!("fromCIDRSet:\n{cilium}"));
    is_at_mark("10.2.0.1", "cilium", &cilium, "spec.ingress[0].fromCIDRSet[0].except[0]");
    let cilium = cilium_policy("fromCIDR:\n    - 10.0.0.0/8 # here");
    is_at_mark("192.0.2.1", "cilium", &cilium, "spec.ingress[0].fromCIDR[0]");
}

fn cilium_policy(element: &str) -> String {
    format!(
        "apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {{name: p, namespace: shop}}
spec:
  endpointSelector:
    matchExpressions:
    - {{key: \"k8s:app\", operator: Exists}}
  ingress:
  - {element}
"
    )
}

/// Keys are told as they are written, whatever stands before them.
#[test]
fn policies_of_cilium() {
    for (endpoints, path) in [
        (
            "    - matchLabels:
        app: other # here",
            "matchLabels[app]",
        ),
        (
            "    - matchLabels:
        k8s:app: other # here",
            "matchLabels[k8s:app]",
        ),
        (
            "    - matchLabels:
        any:app: other # here",
            "matchLabels[any:app]",
        ),
        (
            "    - matchLabels:
        k8s:io.kubernetes.pod.namespace: ops # here",
            "matchLabels[k8s:io.kubernetes.pod.namespace]",
        ),
        (
            "    - matchLabels:
        io.cilium.k8s.namespace.labels.team: b # here",
            "matchLabels[io.cilium.k8s.namespace.labels.team]",
        ),
        (
            "    - matchExpressions:
        - {key: app, operator: Exists}
        - key: k8s:app # here
          operator: NotIn
          values: [web]",
            "matchExpressions[1]",
        ),
    ] {
        let policy = cilium_policy(&format!("fromEndpoints:\n{endpoints}"));
        let path = format!("spec.ingress[0].fromEndpoints[0].{path}");
        is_at_mark("shop/web", "cilium", &policy, &path);
    }
    let ports = "toPorts:
    - ports:
      - port: \"90\" # here
        protocol: TCP";
    let path = "spec.ingress[0].toPorts[0].ports[0].port";
    is_at_mark("shop/web", "cilium", &cilium_policy(ports), path);
    let icmp = "icmps:
    - fields:
      - family: IPv4 # here
        type: EchoRequest";
    let path = "spec.ingress[0].icmps[0].fields[0].family";
    is_at_mark("shop/web", "cilium", &cilium_policy(icmp), path);
}

fn cluster_policy(rule: &str) -> String {
    format!(
        "apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {{name: p}}
spec:
  tier: Admin
  priority: 1
  subject: {{namespaces: {{}}}}
  ingress:
  - action: Deny
    from:
{rule}
"
    )
}

#[test]
fn policies_of_administrators() {
    for (rule, path) in [
        (
            "    - namespaces:
        matchLabels:
          team: b # here",
            "from[0].namespaces.matchLabels[team]",
        ),
        (
            "    - pods:
        namespaceSelector: {}
        podSelector:
          matchExpressions:
          - key: tier # here
            operator: Exists",
            "from[0].pods.podSelector.matchExpressions[0]",
        ),
        (
            "    - namespaces: {}
    protocols:
    - tcp:
        destinationPort: {number: 90} # here",
            "protocols[0].tcp.destinationPort",
        ),
        (
            "    - namespaces: {}
    protocols:
    - udp: # here
        destinationPort: {number: 80}",
            "protocols[0].udp",
        ),
    ] {
        let path = format!("spec.ingress[0].{path}");
        is_at_mark("shop/web", "kubernetes", &cluster_policy(rule), &path);
    }
}
