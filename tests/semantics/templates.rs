//! Workloads that are known by their template only, and pods behind one name.

use super::{cluster, holds, ingress, peer_miss, pod, policy};
use netpol::verdict::{PeerMiss, Reason, UnknownWhy};

fn workload(kind: &str, more: &str) -> String {
    let api = if kind == "Job" { "batch/v1" } else { "apps/v1" };
    format!(
        "---\napiVersion: {api}\nkind: {kind}\nmetadata: {{name: app, namespace: shop}}\n\
         spec: {{template: {{metadata: {{labels: {{app: app}}}}, spec: {{{more}}}}}}}\n"
    )
}

fn from(key: &str, value: &str) -> String {
    ingress(&format!("[{{from: [{{podSelector: {{matchLabels: {{{key}: \"{value}\"}}}}}}]}}]"))
}

/// docs/semantics/kubernetes.md#templates: a label that a controller sets when it makes the pod has
/// no value in the template.
#[test]
fn labels_set_at_run_time_are_not_known() {
    for (kind, key) in [
        ("Deployment", "pod-template-hash"),
        ("StatefulSet", "statefulset.kubernetes.io/pod-name"),
        ("StatefulSet", "apps.kubernetes.io/pod-index"),
        ("DaemonSet", "controller-revision-hash"),
        ("Job", "batch.kubernetes.io/controller-uid"),
    ] {
        holds(
            &(workload(kind, "") + &from(key, "abc")),
            &["app → api:80 is Unknown", "web → api:80 is Denied"],
        );
    }
    let cluster = cluster(&(workload("Deployment", "") + &from("pod-template-hash", "abc")));
    let answer = cluster.ask("app → api:80");
    let PeerMiss::PodLabels(mismatch) = peer_miss(answer.ingress()) else { panic!() };
    assert!(mismatch.unknown);
    assert!(answer.text().contains("is known only once the pod is made"), "{}", answer.text());
}

/// docs/semantics/kubernetes.md#templates: that it will be there is known.
#[test]
fn labels_set_at_run_time_are_there() {
    let by = |operator: &str| {
        ingress(&format!(
            "[{{from: [{{podSelector: {{matchExpressions: [{{key: pod-template-hash, operator: {operator}}}]}}}}]}}]"
        ))
    };
    holds(&(workload("Deployment", "") + &by("Exists")), &["app → api:80 is Allowed"]);
    holds(&(workload("Deployment", "") + &by("DoesNotExist")), &["app → api:80 is Denied"]);
}

/// A Job labels its pods with its own name, which is known.
#[test]
fn a_job_labels_its_pods_with_its_name() {
    let job = workload("Job", "");
    holds(
        &(job.clone() + &from("batch.kubernetes.io/job-name", "app")),
        &["job/app → api:80 is Allowed"],
    );
    holds(&(job + &from("job-name", "other")), &["job/app → api:80 is Denied"]);
}

/// Whether such a policy isolates is not known either, and is said.
#[test]
fn a_subject_that_may_select_may_isolate() {
    let maybe = policy("maybe", "podSelector: {matchLabels: {pod-template-hash: abc}}");
    let cluster = cluster(&(workload("Deployment", "") + &maybe));
    let answer = cluster.ask("web → app:80");
    assert_eq!(
        (answer.verdict(), answer.ingress().reason),
        ("Unknown", Reason::Unknown(UnknownWhy::Rules))
    );
    assert!(answer.text().contains("may isolate shop/deploy/app"), "{}", answer.text());
    // Another policy that isolates for certain and admits decides.
    let open = policy("open", "podSelector: {matchLabels: {app: app}}, ingress: [{}]");
    holds(&(workload("Deployment", "") + &maybe + &open), &["web → app:80 is Allowed"]);
}

/// docs/semantics/kubernetes.md#templates: which node the pods of a template run on is not known.
#[test]
fn a_node_to_a_template_is_not_known() {
    let cluster = cluster(&(workload("Deployment", "") + &policy("p", "podSelector: {}")));
    let answer = cluster.ask("node/n1 → app:80");
    assert_eq!(answer.ingress().reason, Reason::Unknown(UnknownWhy::PerhapsOwnNode));
    assert_eq!(answer.verdict(), "Unknown");
}

/// docs/semantics/kubernetes.md#templates: the same for a template to a node: it may be its own.
#[test]
fn a_template_to_a_node_is_not_known() {
    let shut = policy("p", "podSelector: {}, policyTypes: [Egress]");
    let cluster = cluster(&(workload("Deployment", "") + &shut));
    let answer = cluster.ask("app → node/n1:10250");
    assert_eq!(answer.egress().reason, Reason::Unknown(UnknownWhy::ToOwnNode));
}

/// docs/semantics/kubernetes.md#templates: nor which node a template on the host network has, and so
/// whether it is the pod's own.
#[test]
fn a_host_network_template_may_be_the_pods_own_node() {
    let daemon = workload("DaemonSet", "hostNetwork: true");
    let cluster = cluster(&(daemon + &policy("p", "podSelector: {}")));
    let answer = cluster.ask("ds/app → api:80");
    assert_eq!(
        answer.reasons(),
        (Reason::HostNetwork, Reason::Unknown(UnknownWhy::PerhapsOwnNode))
    );
}

/// docs/semantics/kubernetes.md#templates: two replicas of one template are two pods, so self traffic
/// is not exempt.
#[test]
fn replicas_of_a_template_do_not_count_as_one_pod() {
    let deploy = workload("Deployment", "");
    holds(&(deploy.clone() + &policy("p", "podSelector: {}")), &["app → app:80 is Denied"]);
    let own = policy(
        "p",
        "podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: app}}}]}]",
    );
    holds(&(deploy + &own), &["app → app:80 is Allowed"]);
}

/// docs/semantics/kubernetes.md#templates: the address of a template's pods is not known.
#[test]
fn a_template_has_no_address() {
    let block = ingress("[{from: [{ipBlock: {cidr: 10.0.1.0/24}}]}]");
    holds(&(workload("Deployment", "") + &block), &["app → api:80 is Unknown"]);
    let of = |cidr: &str| cluster(&(workload("Deployment", "") + &block)).pod_cidrs(&[cidr]);
    of("10.0.1.0/25").holds(&["app → api:80 is Allowed"]);
    of("10.244.0.0/16").holds(&["app → api:80 is Denied"]);
}

/// A workload with running pods stands by these, not by its template.
#[test]
fn running_pods_stand_for_their_workload() {
    let running = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: app-abc-x, namespace: shop, \
                   labels: {app: app, pod-template-hash: abc}, ownerReferences: [{apiVersion: apps/v1, \
                   kind: ReplicaSet, name: app-abc, controller: true}]}\nspec: {nodeName: n1}\n\
                   status: {phase: Running, podIP: 10.0.1.80}\n";
    let cluster =
        cluster(&(workload("Deployment", "") + running + &from("pod-template-hash", "abc")));
    let answer = cluster.ask("deploy/app → api:80");
    assert_eq!(answer.verdict(), "Allowed");
    assert_eq!(answer.report().flows[0].from, ["shop/pod/app-abc-x"]);
}

/// docs/semantics/services.md#expansion: several pods behind one name with different verdicts: mixed
/// results are a result.
#[test]
fn pods_of_one_name_are_judged_each() {
    let three = pod("shop", "a", "many", "10.0.1.91", "nodeName: n1")
        + &pod("shop", "b", "many", "10.0.1.92", "nodeName: n1")
        + &pod("shop", "c", "many", "10.0.1.93", "nodeName: n1")
            .replace("app: many", "app: many, shut: \"yes\"");
    let service = "---\n{apiVersion: v1, kind: Service, metadata: {name: many, namespace: shop}, \
                   spec: {selector: {app: many}, ports: [{port: 80}]}}\n";
    let shut = policy("shut", "podSelector: {matchLabels: {shut: \"yes\"}}");
    let cluster = cluster(&(three + service + &shut));
    let answer = cluster.ask("web → svc/many:80");
    assert_eq!(answer.verdict(), "Mixed");
    assert_eq!(
        answer.cases(),
        ["shop/pod/a shop/pod/b 80/TCP Allowed", "shop/pod/c 80/TCP Denied"]
    );
    assert!(answer.text().contains("Allowed to 2 of 3 pods."), "{}", answer.text());
}

/// The same for the pods of a source.
#[test]
fn sources_of_one_name_are_judged_each() {
    let block = ingress("[{from: [{ipBlock: {cidr: 10.0.1.11/32}}]}]");
    let second = pod("shop", "web2", "web", "10.0.1.12", "nodeName: n2");
    let service = "---\n{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, \
                   spec: {selector: {app: web}, ports: [{port: 80}]}}\n";
    let cluster = cluster(&(second + service + &block));
    let answer = cluster.ask("svc/web → api:80");
    assert_eq!(answer.verdict(), "Mixed");
    assert!(answer.text().contains("Allowed from 1 of 2 pods."), "{}", answer.text());
}
