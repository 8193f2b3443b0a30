//! What a live cluster depends on, before it is cut: `list --system`, `explain webhook/…`, the preview of
//! `bootstrap` and `diff`, against a real API server and through the real kubectl.

use crate::harness::{Answer, ControlPlane, control_plane, plugin};
use crate::live_failures::allow;

/// A webhook that nothing ever calls: no resource has the name that it asks for.
fn webhook(namespace: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: default, namespace: {namespace}}}\n\
         ---\napiVersion: v1\nkind: Pod\n\
         metadata: {{name: gate, namespace: {namespace}, labels: {{app: gate}}}}\n\
         spec:\n  automountServiceAccountToken: false\n  \
         containers: [{{name: c, image: x, ports: [{{containerPort: 9443}}], \
         readinessProbe: {{httpGet: {{port: 8081}}}}}}]\n\
         ---\napiVersion: v1\nkind: Service\nmetadata: {{name: gate, namespace: {namespace}}}\n\
         spec: {{selector: {{app: gate}}, ports: [{{port: 443, targetPort: 9443}}]}}\n\
         ---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\n\
         metadata: {{name: {namespace}}}\n\
         webhooks:\n- name: gate.example.org\n  sideEffects: None\n  admissionReviewVersions: [v1]\n  \
         failurePolicy: Ignore\n  \
         clientConfig: {{service: {{namespace: {namespace}, name: gate}}}}\n  \
         rules: [{{apiGroups: [nobody.example.org], apiVersions: [v1], operations: [CREATE], \
         resources: [nothings]}}]\n"
    )
}

const DENY: &str = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
                    metadata: {name: deny, namespace: NAMESPACE}\n\
                    spec: {podSelector: {}, policyTypes: [Ingress]}\n";

fn ask(cluster: &ControlPlane, words: &str) -> Answer {
    let before = cluster.requests().len();
    let mut command = plugin(cluster, &cluster.admin());
    let output =
        command.arg("netpol").args(words.split_whitespace()).output().expect("kubectl runs");
    let mut requests = cluster.requests();
    requests.drain(..before);
    requests.retain(|request| request.user_agent.starts_with("kubectl-netpol/"));
    Answer::new(&output, requests)
}

/// Spaces and line ends as one.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_webhook_that_would_be_cut_is_told_before_it_is() {
    let Ok(cluster) = control_plane() else { return };
    let namespace = cluster.namespace("live-system");
    cluster.apply_with(&[], &webhook(&namespace));
    let by = format!("webhook/{namespace}");
    let to = format!("kube-apiserver → {namespace}/pod/gate");

    let open = ask(cluster, &format!("list --system -n {namespace}"));
    assert_eq!((open.code, open.stderr.as_str()), (0, ""), "{}", open.all());
    assert!(words(&open.stdout).contains(&format!("allowed: {by}: {to}")), "{}", open.all());
    assert!(open.stdout.contains("allowed: 1 workload\n"), "{}", open.all());
    let asked = |answer: &Answer, what: &str| {
        answer.requests.iter().filter(|request| request.uri.contains(what)).count()
    };
    for what in [
        "validatingwebhookconfigurations",
        "mutatingwebhookconfigurations",
        "apiservices",
        "customresourcedefinitions",
    ] {
        assert_eq!(asked(&open, what), 1, "{}", open.all());
    }

    let explained = ask(cluster, &format!("explain {by}"));
    assert_eq!(explained.code, 0, "{}", explained.all());
    assert!(explained.stdout.starts_with(&format!("ALLOWED kube-apiserver → {by}")));
    // Two configurations may have the name; no list of them is read.
    let narrow = |uri: &str| uri.ends_with(&format!("configurations/{namespace}"));
    let configurations =
        explained.requests.iter().filter(|it| it.uri.contains("webhookconfigurations"));
    // Other tests ask the same server meanwhile.
    assert!(configurations.clone().any(|it| narrow(&it.uri)), "{}", explained.all());

    // Where no node is known it may be that of the pod.
    let cut = format!("{by} may be cut: {to} on 9443/TCP");
    let boot = ask(cluster, &format!("bootstrap {namespace} --dry-run=server"));
    assert_eq!(boot.code, 0, "{}", boot.all());
    let said = words(&boot.stderr);
    assert!(said.contains(&cut), "{}", boot.all());
    assert!(
        said.contains("it passes only where kube-apiserver is on the pod's own node"),
        "{said}"
    );

    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("deny.yaml");
    std::fs::write(&file, DENY.replace("NAMESPACE", &namespace)).expect("a file");
    let diff = ask(cluster, &format!("diff -f {}", file.display()));
    assert_eq!(diff.code, 1, "{}", diff.all());
    assert!(words(&diff.stdout).contains(&cut), "{}", diff.all());
    assert!(diff.stdout.contains("1 cut of what the API server calls"), "{}", diff.all());

    cluster.apply_with(&[], &DENY.replace("NAMESPACE", &namespace));
    let closed = ask(cluster, &format!("list --system -n {namespace} -o json")).json();
    let flows = closed["flows"].as_array().expect("flows");
    let flow = flows.iter().find(|flow| flow["by"] == *by).expect("the webhook");
    assert_eq!(flow["verdict"], "Unknown", "{closed}");
    assert_eq!(closed["complete"], true, "{closed}");
}

/// Who may not read them is told that they were not read, never that there are none.
#[test]
fn calls_that_may_not_be_read_are_not_known() {
    let Ok(cluster) = control_plane() else { return };
    let namespace = cluster.namespace("live-unread");
    cluster.apply_with(&[], &webhook(&namespace));
    let user = format!("reader-of-{namespace}");
    let resources = ["pods", "services", "replicasets.apps", "networkpolicies.networking.k8s.io"];
    allow(cluster, &user, &[(&namespace, &resources)]);
    let list = ask(cluster, &format!("list --system -n {namespace} --as {user}"));
    assert_eq!(list.code, 3, "{}", list.all());
    let said = words(&list.stdout);
    let unread = "ValidatingWebhookConfigurations, MutatingWebhookConfigurations, APIServices and \
                  CustomResourceDefinitions were not read, so the API server may call more";
    assert!(said.starts_with("not known: ") && said.contains(unread), "{}", list.all());
    let explained = ask(cluster, &format!("explain webhook/{namespace} --as {user}"));
    assert_eq!((explained.stdout.as_str(), explained.code), ("", 2), "{}", explained.all());
    let right = "ask for the right to get";
    assert!(explained.stderr.contains(right), "{}", explained.all());
}
