//! docs/semantics/kubernetes.md#pods-that-count.

use super::{cluster, holds, ingress, policy};

/// A pod of shop with this status and these fields of its metadata.
fn pod(name: &str, metadata: &str, status: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: shop, labels: {{app: web}}{metadata}}}\n\
         spec: {{nodeName: n2}}\nstatus: {{{status}}}\n"
    )
}

fn from_web() -> String {
    ingress("[{from: [{podSelector: {matchLabels: {app: web}}}]}]")
}

fn from_block(cidr: &str) -> String {
    ingress(&format!("[{{from: [{{ipBlock: {{cidr: \"{cidr}\"}}}}]}}]"))
}

const SERVICE: &str = "---\n{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, \
                       spec: {selector: {app: web}, ports: [{port: 80}]}}\n";

/// docs/semantics/kubernetes.md#readiness: policies apply regardless of readiness.
#[test]
fn a_pod_that_is_not_ready_is_selected() {
    let slow = pod(
        "slow",
        "",
        "phase: Running, podIP: 10.0.1.70, conditions: [{type: Ready, status: \"False\"}]",
    );
    holds(&(slow.clone() + &policy("p", "podSelector: {}")), &["web → slow:80 is Denied"]);
    holds(&(slow + &from_web()), &["slow → api:80 is Allowed"]);
}

/// docs/semantics/kubernetes.md#finished-pods: phase Succeeded or Failed: drop from subjects.
#[test]
fn a_finished_pod_cannot_be_asked_about() {
    for phase in ["Succeeded", "Failed"] {
        let done = pod("done", "", &format!("phase: {phase}, podIP: 10.0.1.71"));
        let cluster = cluster(&done);
        for question in ["done → api:80", "web → done:80"] {
            let refusal = cluster.refusal(question);
            assert!(refusal.contains("shop/pod/done has finished"), "{refusal}");
        }
    }
}

/// docs/semantics/kubernetes.md#finished-pods: … and from peers; the IP may be reused.
#[test]
fn the_address_of_a_finished_pod_is_anothers() {
    let done = pod("done", "", "phase: Succeeded, podIP: 10.0.1.71");
    holds(&(done.clone() + &from_web()), &["10.0.1.71 → api:80 is Denied"]);
    let heir = pod("heir", "", "phase: Running, podIP: 10.0.1.71");
    let cluster = cluster(&(done + &heir + &from_web()));
    assert_eq!(cluster.ask("10.0.1.71 → api:80").report().source.label, "shop/pod/heir");
}

/// docs/semantics/kubernetes.md#finished-pods: a finished pod is no endpoint of a Service.
#[test]
fn a_finished_pod_gets_no_traffic_from_a_service() {
    let done = pod("done", "", "phase: Failed, podIP: 10.0.1.71");
    let cluster = cluster(&(done + SERVICE));
    assert_eq!(cluster.ask("api → svc/web:80").cases(), ["shop/pod/web 80/TCP Allowed"]);
}

/// docs/semantics/kubernetes.md#terminating-pods: deletionTimestamp set, containers running: still
/// selected, keeps its access.
#[test]
fn a_terminating_pod_is_still_selected() {
    let leaving = pod(
        "leaving",
        ", deletionTimestamp: \"2026-01-01T00:00:00Z\"",
        "phase: Running, podIP: 10.0.1.72",
    );
    holds(&(leaving.clone() + &from_web()), &["leaving → api:80 is Allowed"]);
    holds(&(leaving.clone() + &policy("p", "podSelector: {}")), &["web → leaving:80 is Denied"]);
    // A Service sends it nothing any more.
    let cluster = cluster(&(leaving + SERVICE));
    let answer = cluster.ask("api → svc/web:80");
    assert_eq!(answer.cases(), ["shop/pod/web 80/TCP Allowed"]);
    assert!(answer.notes().contains("1 of its pods not ready"), "{}", answer.notes());
}

/// docs/semantics/kubernetes.md#pods-without-an-address: Pending without podIP: selector matching
/// works, ipBlock is Unknown.
#[test]
fn a_pod_without_an_address_is_matched_by_labels_only() {
    let waiting = pod("waiting", "", "phase: Pending");
    holds(&(waiting.clone() + &from_web()), &["waiting → api:80 is Allowed"]);
    holds(&(waiting.clone() + &policy("p", "podSelector: {}")), &["web → waiting:80 is Denied"]);
    holds(&(waiting.clone() + &from_block("10.0.1.0/24")), &["waiting → api:80 is Unknown"]);
    let cluster = cluster(&(waiting + &from_block("10.0.1.0/24")));
    let text = cluster.ask("waiting → api:80").text();
    assert!(text.contains("say where pods are with --pod-cidr"), "{text}");
}

/// docs/semantics/kubernetes.md#pods-without-an-address: … unless the pods' networks decide it.
#[test]
fn pod_cidrs_decide_about_a_pod_without_an_address() {
    let waiting = pod("waiting", "", "phase: Pending");
    let of =
        |block: &str| cluster(&(waiting.clone() + &from_block(block))).pod_cidrs(&["10.0.0.0/16"]);
    of("10.0.0.0/8").holds(&["waiting → api:80 is Allowed"]);
    of("192.168.0.0/16").holds(&["waiting → api:80 is Denied"]);
    of("10.0.1.0/24").holds(&["waiting → api:80 is Unknown"]);
}

/// docs/semantics/kubernetes.md#pods-without-an-address: the nodes' podCIDRs do the same.
#[test]
fn the_nodes_pod_networks_decide_too() {
    let waiting = pod("waiting", "", "phase: Pending");
    let node = "---\n{apiVersion: v1, kind: Node, metadata: {name: n9}, spec: {podCIDRs: [10.0.0.0/16]}}\n";
    let of = |block: &str| format!("{waiting}{node}{}", from_block(block));
    holds(&of("10.0.0.0/8"), &["waiting → api:80 is Allowed"]);
    holds(&of("192.168.0.0/16"), &["waiting → api:80 is Denied"]);
}

/// docs/semantics/kubernetes.md#pods-without-an-address: … but not where running pods have addresses
/// from elsewhere.
#[test]
fn pod_networks_that_running_pods_disprove_decide_nothing() {
    let waiting = pod("waiting", "", "phase: Pending");
    let node = "---\n{apiVersion: v1, kind: Node, metadata: {name: n9}, spec: {podCIDRs: [10.99.0.0/16]}}\n";
    holds(
        &format!("{waiting}{node}{}", from_block("10.99.0.0/16")),
        &["waiting → api:80 is Unknown"],
    );
}

/// docs/semantics/kubernetes.md#dual-stack: dual stack: podIPs, not podIP.
#[test]
fn all_addresses_of_a_pod_count() {
    let both =
        pod("both", "", "podIP: 10.0.1.73, podIPs: [{ip: 10.0.1.73}, {ip: \"2001:db8:1::73\"}]");
    let cluster = cluster(&both);
    let answer = cluster.ask("api → 2001:db8:1::73");
    assert_eq!(answer.report().destination.label, "shop/pod/both");
}

/// docs/semantics/kubernetes.md#dual-stack: an old status has podIP alone.
#[test]
fn a_single_pod_ip_counts_where_there_are_no_others() {
    let old = pod("old", "", "podIP: 10.0.1.74");
    holds(
        &(old + &from_block("10.0.1.74/32")),
        &["old → api:80 is Allowed", "web → api:80 is Denied"],
    );
}
