//! Conflicts, missing rights and what Flux owns: refused in a sentence, with nothing half done unsaid.

use super::writing::owned_by_flux;
use super::{bootstrap, get, kubectl, names, plugin, run};
use crate::harness::{control_plane, control_plane_of_its_own};

#[test]
fn a_conflict_names_field_and_manager_until_it_is_forced() {
    let Ok(cluster) = control_plane() else { return };
    let namespace = cluster.namespace("boot-conflict");
    // As `kubectl apply --server-side` writes it: with a rule that would make the denial void.
    cluster.apply(
        &namespace,
        "apiVersion: networking.k8s.io/v1\n\
         kind: NetworkPolicy\n\
         metadata: {name: default-deny-ingress}\n\
         spec: {podSelector: {matchLabels: {app: x}}, policyTypes: [Ingress], ingress: [{}]}\n",
    );
    let refused = bootstrap(cluster, &[&namespace]).failed(&[
        "spec.podSelector is managed by \"kubectl\"",
        "spec.ingress is managed by \"kubectl\"",
        "--force-conflicts",
        "nothing was written",
    ]);
    assert_eq!(refused.out, "");
    assert_eq!(names(cluster, &namespace), ["default-deny-ingress"]);
    bootstrap(cluster, &[&namespace, "--force-conflicts"]).done();
    let policy = get(cluster, &["networkpolicy", "-n", &namespace, "default-deny-ingress"]);
    assert_eq!(
        policy["spec"],
        serde_json::json!({ "podSelector": {}, "policyTypes": ["Ingress"] })
    );
    assert_eq!(names(cluster, &namespace).len(), 2);
}

#[test]
fn a_missing_right_is_one_sentence() {
    let Ok(cluster) = control_plane() else { return };
    let namespace = cluster.namespace("boot-rights");
    let ran = run(plugin(cluster.kubectl(cluster.nobody())).arg(&namespace));
    let parts =
        format!("get networkpolicies.networking.k8s.io in {namespace}; nothing was written");
    let ran = ran.failed(&["not allowed for \"nobody\"", "ask for the right to ", &parts]);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    assert_eq!(ran.out, "");
}

#[test]
fn a_namespace_that_may_not_be_closed_is_not_made() {
    let Ok(cluster) = control_plane() else { return };
    let role = ["create", "clusterrole", "boot-spaces", "--verb=get,create,patch"];
    kubectl(cluster, &[&role[..], &["--resource=namespaces"]].concat());
    let binding = ["create", "clusterrolebinding", "boot-spaces", "--clusterrole=boot-spaces"];
    kubectl(cluster, &[&binding[..], &["--user=boot-half"]].concat());
    let ran = bootstrap(cluster, &["boot-half", "--as", "boot-half"]).failed(&[
        "ask for the right to patch networkpolicies.networking.k8s.io in boot-half",
        "nothing was written",
    ]);
    assert_eq!(ran.out, "");
    let there = cluster.kubectl(cluster.admin()).args(["get", "ns", "boot-half"]).output();
    assert!(!there.expect("kubectl runs").status.success(), "the namespace is not made either");
    // Where the namespace is there, everything is tried before anything is written.
    let namespace = cluster.namespace("boot-rehearsed");
    let verbs = ["create", "role", "reader", "--verb=get", "--resource=networkpolicies"];
    kubectl(cluster, &[&["-n", &*namespace][..], &verbs].concat());
    let binding = ["create", "rolebinding", "reader", "--role=reader", "--user=boot-half"];
    kubectl(cluster, &[&["-n", &*namespace][..], &binding].concat());
    bootstrap(cluster, &[&namespace, "--label=a=b", "--as", "boot-half"])
        .failed(&["ask for the right to patch networkpolicies", "nothing was written"]);
    assert!(get(cluster, &["ns", &namespace])["metadata"]["labels"]["a"].is_null());
}

/// Whoever sees one namespace alone can close it, and is told what could not be looked at.
#[test]
fn a_tenant_closes_its_own_namespace() {
    let Ok(cluster) = control_plane() else { return };
    let namespace = cluster.namespace("boot-tenant");
    cluster.apply(&namespace, &super::pod("web", 8080));
    for (name, verbs, resource) in [
        ("policies", "get,list,create,patch,delete", "networkpolicies"),
        ("pods", "get,list", "pods"),
    ] {
        let (verbs, resource) = (format!("--verb={verbs}"), format!("--resource={resource}"));
        kubectl(cluster, &["-n", &*namespace, "create", "role", name, &verbs, &resource]);
        let role = format!("--role={name}");
        let binding = ["create", "rolebinding", name, &role, "--user=boot-tenant"];
        kubectl(cluster, &[&["-n", &*namespace][..], &binding].concat());
    }
    let user = [&*namespace, "--as", "boot-tenant"];
    let ran = bootstrap(cluster, &user).failed(&["give --yes", "nothing was written"]);
    let told = "connections with other namespaces are not looked at";
    assert!(ran.err.contains(told) && ran.err.contains("pod/web → outside"), "{}", ran.err);
    let said = bootstrap(cluster, &[&user[..], &["--yes", "--wait"]].concat()).done();
    assert!(!said.contains("namespace/"), "{said}");
    assert_eq!(names(cluster, &namespace).len(), 2);
    bootstrap(cluster, &[&user[..], &["--remove"]].concat()).done();
    assert!(names(cluster, &namespace).is_empty());
}

#[test]
fn what_flux_owns_is_not_applied_over() {
    let Ok(cluster) = control_plane() else { return };
    let namespace = cluster.namespace("boot-flux");
    cluster.apply(
        &namespace,
        "apiVersion: networking.k8s.io/v1\n\
         kind: NetworkPolicy\n\
         metadata:\n\
         \x20 name: allow-dns-egress\n\
         \x20 labels:\n\
         \x20   helm.toolkit.fluxcd.io/name: base\n\
         \x20   helm.toolkit.fluxcd.io/namespace: flux-system\n\
         spec: {podSelector: {}, policyTypes: [Egress]}\n",
    );
    let offer = format!("kubectl netpol bootstrap {namespace} --export DIR");
    bootstrap(cluster, &[&namespace]).failed(&[
        "networkpolicy.networking.k8s.io/allow-dns-egress",
        "HelmRelease flux-system/base",
        &offer,
    ]);
    owned_by_flux(cluster, &namespace);
    let parts = [&format!("namespace/{namespace}"), "Kustomization flux-system/apps", &offer];
    bootstrap(cluster, &[&namespace, "--force-conflicts"]).failed(&parts);
    assert_eq!(names(cluster, &namespace), ["allow-dns-egress"]);
}

/// Where there is no such kind, not even the namespace is made.
#[test]
fn policies_of_cilium_need_its_kind() {
    let Ok(cluster) = control_plane() else { return };
    for dry in ["--dry-run=none", "--dry-run=server"] {
        let refused = bootstrap(cluster, &["boot-no-cilium", "--dialect", "cilium", dry]);
        refused.failed(&["no kind CiliumNetworkPolicy (cilium.io/v2)", "nothing was written"]);
    }
    let there = cluster.kubectl(cluster.admin()).args(["get", "ns", "boot-no-cilium"]).output();
    assert!(!there.expect("kubectl runs").status.success());
    // It can be shown and written as files all the same, and there is nothing to take back.
    let flags = ["boot-no-cilium", "--dialect", "cilium", "--dry-run=client", "-o", "yaml"];
    let shown = bootstrap(cluster, &flags).done();
    assert!(shown.contains("kind: CiliumNetworkPolicy"), "{shown}");
    let namespace = cluster.namespace("boot-no-cilium");
    bootstrap(cluster, &[&namespace, "--remove"]).done();
}

#[test]
fn flags_of_cilium_without_its_dialect() {
    let Ok(cluster) = control_plane() else { return };
    let alone = bootstrap(cluster, &["boot-flags", "--dns-proxy"]);
    alone.failed(&["--dns-proxy is Cilium's: give --dialect cilium too"]);
    let none = ["boot-flags", "--dialect", "cilium", "--dns-proxy", "--dns", "none"];
    bootstrap(cluster, &none).failed(&["with --dns none it is not"]);
    let name = ["boot-flags", "--dry-run=client", "--allow-egress", "https://login.example.com"];
    bootstrap(cluster, &name).failed(&["NetworkPolicy knows no names", "--dialect cilium"]);
    let unseen = [&name[..], &["--dialect", "cilium"]].concat();
    bootstrap(cluster, &unseen).failed(&["learns the addresses of names", "give --dns-proxy"]);
}

/// Without a cluster the way out is files to write; manifests to read would be of no use.
#[test]
fn no_cluster_to_write_to() {
    let mut command = crate::run::command(crate::run::FRONT, &["bootstrap", "team-a"]);
    let output = command.env("KUBECONFIG", "/dev/null").output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("no cluster to write to") && told.contains("--export DIR"), "{told}");
    assert!(!told.contains("-f"), "{told}");
}

#[test]
fn flags_that_mean_nothing_together() {
    for (words, part) in [
        (&["a", "-n", "b"][..], "-n b: the namespaces are named already"),
        (&["-l", "a=b", "-n", "b"], "the namespaces are named already"),
        (&["a", "--export", "x", "-o", "yaml"], "-o says nothing with --export"),
        (&["a", "--export", "x", "--yes"], "--export writes files, so --yes says nothing"),
        (&["a", "--export", "x", "--dry-run=server"], "so --dry-run=server says nothing"),
        (&["a", "--export", "x", "--prune"], "so --prune says nothing"),
        (
            &["a", "--remove", "--allow-same-namespace"],
            "--allow-same-namespace says nothing with --remove",
        ),
        (&["a", "--remove", "--deny=all"], "--deny says nothing with --remove"),
        (&["a", "--dry-run=client", "--prune"], "--prune says nothing with --dry-run"),
        (
            &["a", "--dry-run=client", "--tests", "examples/homekube/netpol-test.yaml"],
            "--tests says nothing with --dry-run=client",
        ),
        (
            &["a", "--remove", "--tests", "examples/homekube/netpol-test.yaml"],
            "--tests says nothing with --remove",
        ),
        (
            &["a", "--export", "x", "--tests", "examples/homekube/netpol-test.yaml"],
            "--tests says nothing",
        ),
        (
            &["a", "--learn", "--tests", "examples/homekube/netpol-test.yaml"],
            "--tests says nothing",
        ),
        (&["a", "--tests", "examples/homekube/none.yaml"], "reading the tests"),
        (&["a", "--dry-run=server", "--wait"], "--wait says nothing with --dry-run"),
    ] {
        let run = crate::run::netpol(&[&["bootstrap"][..], words].concat());
        assert!(run.code == 2 && run.stderr.contains(part), "{words:?}: {run:?}");
    }
}

/// Of two policies with one name the second would take the place of the first.
#[test]
fn no_two_policies_of_one_name_are_applied() {
    let Ok(cluster) = control_plane() else { return };
    let namespace = cluster.namespace("one-name");
    let flags = ["--dns=namespace", "--allow-ingress-controller=dns-egress"];
    bootstrap(cluster, &[&[&*namespace][..], &flags].concat()).failed(&[
        "two of the policies that were asked for are called allow-dns-egress",
        "nothing was written",
    ]);
    assert_eq!(names(cluster, &namespace), [""; 0]);
}

/// DNS that listens in the networks of nodes is allowed by no policy for pods, so nothing is closed.
#[test]
fn dns_on_nodes_is_no_dns_for_pods() {
    let Ok(cluster) = control_plane_of_its_own() else { return };
    cluster.apply(
        "kube-system",
        "{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}\n---\n\
         {apiVersion: v1, kind: Service, metadata: {name: kube-dns}, spec: {selector: {k8s-app: kube-dns}, \
         ports: [{name: dns, port: 53, protocol: UDP}]}}\n---\n\
         {apiVersion: v1, kind: Pod, metadata: {name: dns, labels: {k8s-app: kube-dns}}, spec: {hostNetwork: \
         true, automountServiceAccountToken: false, containers: [{name: c, image: x}]}}\n",
    );
    let namespace = cluster.namespace("dns-on-nodes");
    bootstrap(&cluster, &[&namespace]).failed(&[
        "the pods of Service kube-system/kube-dns use the networks of their nodes",
        "--allow-egress=ADDRESS:53/UDP",
        "nothing was written",
    ]);
    assert_eq!(names(&cluster, &namespace), [""; 0]);
}
