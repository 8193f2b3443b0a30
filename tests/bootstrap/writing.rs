//! What is written, shown and taken back.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::connection::Own;
use super::{bootstrap, get, kubectl, names, plugin, pod, policies, run};
use crate::documents::documented;
use crate::harness::{ControlPlane, control_plane, homekube};

#[test]
fn a_new_namespace_is_closed_and_a_second_run_changes_nothing() {
    let Ok(cluster) = control_plane() else { return };
    let said = bootstrap(cluster, &["boot-new", "--label", "team=a"]).done();
    assert_eq!(
        said.lines().take(4).collect::<Vec<_>>(),
        [
            "namespace/boot-new created",
            "networkpolicy.networking.k8s.io/allow-dns-egress serverside-applied",
            "networkpolicy.networking.k8s.io/default-deny-ingress serverside-applied",
            "boot-new: ingress is now denied, egress is now DNS only, unless another policy allows more",
        ]
    );
    assert!(said.contains("Next: kubectl netpol explain -n boot-new "), "{said}");
    assert_eq!(names(cluster, "boot-new"), ["allow-dns-egress", "default-deny-ingress"]);
    let labels = &get(cluster, &["namespace", "boot-new"])["metadata"]["labels"];
    assert_eq!(labels["team"], "a");

    let before = policies(cluster, "boot-new");
    let version = |object: Value| object["metadata"]["resourceVersion"].clone();
    let namespace = version(get(cluster, &["namespace", "boot-new"]));
    let again = bootstrap(cluster, &["boot-new", "--label", "team=a"]).done();
    assert_eq!(again.lines().filter(|line| line.ends_with(" unchanged")).count(), 3, "{again}");
    assert_eq!(policies(cluster, "boot-new"), before);
    assert_eq!(version(get(cluster, &["namespace", "boot-new"])), namespace);
}

#[test]
fn a_dry_run_changes_nothing() {
    let Ok(cluster) = control_plane() else { return };
    for who in ["server", "client"] {
        let said = bootstrap(cluster, &["boot-dry", &format!("--dry-run={who}")]).done();
        assert!(said.contains("namespace/boot-dry created ("), "{said}");
        let there = cluster.kubectl(cluster.admin()).args(["get", "ns", "boot-dry"]).output();
        assert!(!there.expect("kubectl runs").status.success());
    }
    let namespace = cluster.namespace("boot-dry");
    let said = bootstrap(cluster, &[&namespace, "--dry-run=server"]).done();
    assert!(said.contains("allow-dns-egress serverside-applied (server dry run)"), "{said}");
    assert_eq!(names(cluster, &namespace), Vec::<String>::new());
}

#[test]
fn what_is_printed_is_what_is_written() {
    let Ok(cluster) = control_plane() else { return };
    let flags = ["--allow-same-namespace", "--allow-ingress-controller", "--ingress-port", "8080"];
    for format in ["yaml", "json"] {
        let (ours, theirs) = (format!("boot-ours-{format}"), format!("boot-theirs-{format}"));
        let arguments = [&[&*theirs, "--dry-run=client", "-o", format][..], &flags].concat();
        let printed = bootstrap(cluster, &arguments).done();
        let mut child = cluster
            .kubectl(cluster.admin())
            .args(["apply", "-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("kubectl starts");
        child.stdin.take().expect("a pipe").write_all(printed.as_bytes()).expect("kubectl reads");
        assert!(child.wait().expect("kubectl ends").success());
        bootstrap(cluster, &[&[&*ours][..], &flags].concat()).done();
        let seen = |namespace: &str| {
            let list = get(cluster, &["networkpolicies", "-n", namespace]);
            let items = list["items"].as_array().expect("items").iter();
            let parts = items.map(|item| {
                let metadata = &item["metadata"];
                (metadata["name"].clone(), metadata["labels"].clone(), item["spec"].clone())
            });
            parts.collect::<Vec<_>>()
        };
        assert_eq!(seen(&ours).len(), 4);
        assert_eq!(seen(&ours), seen(&theirs));
    }
    let names = bootstrap(cluster, &["boot-name", "-o", "name"]).done();
    assert!(names.starts_with("namespace/boot-name\nnetworkpolicy.networking.k8s.io/"), "{names}");
}

/// The baseline of docs/bootstrap.md, on HomeKube, whose Keycloak it names.
#[test]
fn the_documentation_shows_a_baseline() {
    let Ok(homekube) = homekube() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("baseline.yaml");
    std::fs::write(&file, documented("docs/bootstrap.md", "yaml baseline")).expect("a file");
    let words = format!("team-a --baseline {} --dry-run client -o name", file.display());
    let answer = homekube.ask("bootstrap", &words);
    assert_eq!(answer.code, 0, "{}", answer.all());
    let mut made: Vec<&str> = answer.stdout.lines().collect();
    made.sort_unstable();
    let policy = |name: &str| format!("networkpolicy.networking.k8s.io/{name}");
    let names = [
        "allow-database",
        "allow-dns-egress",
        "allow-egress-to-identity-keycloak",
        "allow-ingress-nginx",
        "allow-monitoring-scrape",
        "allow-same-namespace",
        "allow-team-a-to-keycloak",
        "default-deny-egress",
        "default-deny-ingress",
    ];
    let mut expected = vec!["namespace/team-a".to_owned()];
    expected.extend(names.map(policy));
    assert_eq!(made, expected);
}

#[test]
fn a_teams_own_baseline_and_both_sides() {
    let Ok(cluster) = control_plane() else { return };
    let (namespace, identity) = (cluster.namespace("boot-own"), cluster.namespace("boot-idp"));
    cluster.apply(&identity, &pod("keycloak", 8080));
    cluster.apply(
        &identity,
        "apiVersion: v1\n\
         kind: Service\n\
         metadata: {name: keycloak}\n\
         spec: {selector: {app: keycloak}, ports: [{port: 80, targetPort: main}]}\n",
    );
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("baseline.yaml");
    let text = format!(
        "apiVersion: netpol/v1alpha1\n\
         kind: Baseline\n\
         deny: all\n\
         dns: none\n\
         allow:\n\
         \x20 egress: [{identity}/svc/keycloak]\n\
         policies:\n\
         - name: allow-db\n\
         \x20 spec: {{podSelector: {{}}, policyTypes: [Egress], egress: [{{ports: [{{port: 5432}}]}}]}}\n"
    );
    std::fs::write(&file, &text).expect("a file");
    let path = file.to_str().expect("UTF-8");
    // The other side is the first to isolate whom it selects, which is told and asked about.
    let flags = [&*namespace, "--baseline", path, "--both-sides"];
    let asked = bootstrap(cluster, &flags).failed(&["give --yes"]);
    assert!(asked.err.contains("pod/keycloak 8080/TCP ← outside the cluster"), "{}", asked.err);
    let said = bootstrap(cluster, &[&flags[..], &["--yes"]].concat()).done();
    let out = format!("allow-egress-to-{identity}-keycloak");
    assert_eq!(
        names(cluster, &namespace),
        ["allow-db", &out, "default-deny-egress", "default-deny-ingress"]
    );
    let inn = format!("allow-{namespace}-to-keycloak");
    assert!(said.contains(&format!("{inn} serverside-applied in namespace {identity}")), "{said}");
    let policy = get(cluster, &["networkpolicy", "-n", &namespace, &out]);
    assert_eq!(
        policy["spec"]["egress"][0]["ports"][0]["port"], 8080,
        "the pod's, not the Service's"
    );
    assert_eq!(names(cluster, &identity), [&*inn]);

    let said = bootstrap(cluster, &[&namespace, "--remove"]).done();
    assert!(said.contains(&format!("{inn} deleted in namespace {identity}")), "{said}");
    assert_eq!(names(cluster, &namespace).len() + names(cluster, &identity).len(), 0);

    std::fs::write(&file, text.replace("deny:", "denny:")).expect("a file");
    let refused = bootstrap(cluster, &[&namespace, "--baseline", path]);
    refused.failed(&["baseline.yaml", "line 3, column 1: unknown field denny"]);
    // The front binary has the command inside, too.
    let front = env!("CARGO_BIN_EXE_kubectl-netpol");
    let schema = run(Command::new(front).args(["bootstrap", "--schema"])).done();
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    assert_eq!(schema["title"], "Baseline");
}

#[test]
fn only_what_was_written_is_taken_back() {
    let Ok(cluster) = control_plane() else { return };
    let namespace = cluster.namespace("boot-back");
    let policy = |name: &str, labels: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\n\
             kind: NetworkPolicy\n\
             metadata: {{name: {name}, labels: {{{labels}}}}}\n\
             spec: {{podSelector: {{}}}}\n"
        )
    };
    let ours = "app.kubernetes.io/managed-by: kubectl-netpol";
    cluster.apply(&namespace, &policy("theirs", ""));
    let by = ["--field-manager=argocd", "-n", &*namespace];
    cluster.apply_with(&by, &policy("claims-to-be-ours", ours));
    bootstrap(cluster, &[&namespace, "--label", "team=a", "--allow-same-namespace"]).done();
    let edit = r#"{"spec":{"ingress":[{}]}}"#;
    let patch = ["patch", "networkpolicy", "default-deny-ingress", "--type=merge", "-p", edit];
    kubectl(cluster, &[&["-n", &*namespace][..], &patch].concat());

    let dry = bootstrap(cluster, &[&namespace, "--remove", "--dry-run=server"]).done();
    assert!(dry.contains("allow-dns-egress deleted (server dry run)"), "{dry}");
    assert_eq!(names(cluster, &namespace).len(), 5);
    let ran = bootstrap(cluster, &[&namespace, "--remove", "--wait"]);
    let left: Vec<_> = ran.err.lines().filter(|line| line.starts_with("left: ")).collect();
    assert!(left.len() == 2 && left[0].contains("claims-to-be-ours"), "{left:?}");
    assert!(left[1].contains("default-deny-ingress") && left[1].contains("kubectl-patch"));
    let said = ran.done();
    assert!(said.contains(&format!("namespace/{namespace} labels removed")), "{said}");
    assert_eq!(names(cluster, &namespace), ["claims-to-be-ours", "default-deny-ingress", "theirs"]);
    assert!(get(cluster, &["ns", &namespace])["metadata"]["labels"]["team"].is_null());
    bootstrap(cluster, &[&namespace, "--remove", "--force-conflicts"]).done();
    assert_eq!(names(cluster, &namespace), ["claims-to-be-ours", "theirs"]);
}

#[test]
fn who_stops_reading_does_not_stop_the_writing() {
    let Ok(cluster) = control_plane() else { return };
    let spaces = ["boot-pipe", "boot-pipe"].map(|prefix| cluster.namespace(prefix));
    let mut child = plugin(cluster.kubectl(cluster.admin()))
        .args(&spaces)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("kubectl starts");
    drop(child.stdout.take());
    assert!(child.wait().expect("it ends").success());
    assert_eq!(spaces.map(|namespace| names(cluster, &namespace).len()), [2, 2]);
}

#[test]
fn namespaces_by_label_and_one_that_fails() {
    let Ok(cluster) = control_plane() else { return };
    let spaces = ["boot-many", "boot-many", "boot-many"].map(|prefix| cluster.namespace(prefix));
    for namespace in &spaces {
        kubectl(cluster, &["label", "ns", namespace, "boot-many=yes"]);
    }
    owned_by_flux(cluster, &spaces[1]);
    let ran = bootstrap(cluster, &["-l", "boot-many=yes"]).failed(&[&spaces[1], "Flux"]);
    assert_eq!(ran.err.lines().filter(|line| line.starts_with("error:")).count(), 1);
    let counts = spaces.each_ref().map(|namespace| names(cluster, namespace).len());
    assert_eq!(counts, [2, 0, 2]);
    let none = bootstrap(cluster, &["-l", "boot-many=no"]);
    assert!(none.err.contains("No namespaces found"), "{}", none.err);
    none.done();
}

/// The labels that the kustomize-controller gives to what it applies.
pub(super) fn owned_by_flux(cluster: &ControlPlane, namespace: &str) {
    let labels = ["name=apps", "namespace=flux-system"]
        .map(|label| format!("kustomize.toolkit.fluxcd.io/{label}"));
    kubectl(cluster, &["label", "ns", namespace, &labels[0], &labels[1]]);
}

#[test]
fn dns_is_allowed_as_the_cluster_serves_it() {
    let Ok(cluster) = control_plane() else { return };
    let own = Own::start(cluster);
    own.apply(
        "apiVersion: v1\n\
         kind: Namespace\n\
         metadata: {name: openshift-dns}\n\
         ---\n\
         apiVersion: v1\n\
         kind: Service\n\
         metadata: {name: dns-default, namespace: openshift-dns}\n\
         spec:\n\
         \x20 selector: {dns.operator.openshift.io/daemonset-dns: default}\n\
         \x20 ports:\n\
         \x20 - {name: dns, port: 53, protocol: UDP, targetPort: dns}\n\
         \x20 - {name: dns-tcp, port: 53, protocol: TCP, targetPort: 5353}\n\
         \x20 - {name: metrics, port: 9154}\n\
         ---\n\
         apiVersion: v1\n\
         kind: ServiceAccount\n\
         metadata: {name: default, namespace: openshift-dns}\n\
         ---\n\
         apiVersion: v1\n\
         kind: Pod\n\
         metadata:\n\
         \x20 name: dns-default-x\n\
         \x20 namespace: openshift-dns\n\
         \x20 labels: {dns.operator.openshift.io/daemonset-dns: default}\n\
         spec:\n\
         \x20 automountServiceAccountToken: false\n\
         \x20 containers: [{name: dns, image: x, ports: [{name: dns, containerPort: 5353, protocol: UDP}]}]\n",
    );
    let shown = |own: &Own<'_>, arguments: &[&str]| {
        let mut command: Command = plugin(own.kubectl());
        let ran = run(command.args(arguments).args(["--dry-run=client", "-o", "json"]));
        let list: Value = serde_json::from_str(&ran.done()).expect("JSON");
        let items = list["items"].as_array().expect("items").iter();
        let dns = items.filter(|item| item["metadata"]["name"] == "allow-dns-egress");
        dns.map(|item| item["spec"]["egress"].clone()).next().expect("a DNS policy")
    };
    let egress = shown(&own, &["team-a"]);
    let ports: Vec<_> = egress[0]["ports"].as_array().expect("ports").iter().collect();
    assert!(ports.len() == 2 && ports.iter().all(|port| port["port"] == 5353), "{egress}");
    let peer = &egress[0]["to"][0];
    assert_eq!(
        peer["podSelector"]["matchLabels"]["dns.operator.openshift.io/daemonset-dns"],
        "default"
    );

    own.apply(
        "apiVersion: apps/v1\n\
         kind: DaemonSet\n\
         metadata: {name: node-local-dns, namespace: kube-system}\n\
         spec:\n\
         \x20 selector: {matchLabels: {k8s-app: node-local-dns}}\n\
         \x20 template:\n\
         \x20   metadata: {labels: {k8s-app: node-local-dns}}\n\
         \x20   spec:\n\
         \x20     hostNetwork: true\n\
         \x20     containers: [{name: c, image: x, args: [-localip, '169.254.20.10,10.96.0.10']}]\n",
    );
    let egress = shown(&own, &["team-a", "--dns", "strict"]);
    assert_eq!(egress[1]["to"][0]["ipBlock"]["cidr"], "169.254.20.10/32");
    assert_eq!(egress[1]["to"].as_array().map(Vec::len), Some(1), "{egress}");
    let said = run(plugin(own.kubectl()).args(["team-a", "--dry-run=client"])).done();
    assert!(said.contains("NodeLocal DNSCache is here: 169.254.20.10 is allowed too"), "{said}");
}

/// What stands of an earlier run counts, and is named until it is taken away.
#[test]
fn a_second_run_with_fewer_flags_says_what_is_in_force() {
    let Ok(cluster) = control_plane() else { return };
    let (namespace, other) = (cluster.namespace("boot-less"), cluster.namespace("boot-else"));
    cluster.apply(&other, &pod("keycloak", 8080));
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: keycloak}\n\
                   spec: {selector: {app: keycloak}, ports: [{port: 8080}]}\n";
    cluster.apply(&other, service);
    cluster.apply(
        &namespace,
        "apiVersion: networking.k8s.io/v1\n\
         kind: NetworkPolicy\n\
         metadata: {name: theirs}\n\
         spec: {podSelector: {matchLabels: {app: web}}, ingress: [{}]}\n",
    );
    let target = format!("{other}/svc/keycloak");
    let more = ["--allow-ingress-controller", "--allow-egress", &target, "--both-sides", "--yes"];
    bootstrap(cluster, &[&[&*namespace][..], &more].concat()).done();
    let inn = format!("allow-{namespace}-to-keycloak");
    assert_eq!(names(cluster, &other), [&*inn]);
    // The other side is asked for by the namespace that it was written for.
    let there = bootstrap(cluster, &[&other, "--yes"]).done();
    assert!(!there.contains("not asked for now"), "{there}");

    let said = bootstrap(cluster, &[&namespace]).done();
    let out = format!("allow-egress-to-{other}-keycloak");
    let meaning = format!(
        "{namespace}: ingress is now allow-ingress-nginx and theirs only, egress is now DNS and {out} \
         only, unless a policy of the whole cluster allows more"
    );
    let sorted = |text: &str| {
        let mut words: Vec<String> = text.split([' ', ',']).map(ToOwned::to_owned).collect();
        words.sort();
        words
    };
    let line = said.lines().find(|line| line.contains("ingress is now")).unwrap();
    assert_eq!(sorted(line), sorted(&meaning));
    let stale = said.lines().find(|line| line.contains("not asked for now")).unwrap();
    assert!(stale.contains("not asked for now: allow-"), "{stale}");
    assert!(
        stale.contains("allow-ingress-nginx")
            && stale.contains(&out)
            && stale.contains("--prune takes them away"),
        "{stale}"
    );
    assert_eq!(names(cluster, &namespace).len(), 5);

    let dry = bootstrap(cluster, &[&namespace, "--prune", "--dry-run=server"]).done();
    assert!(dry.contains("allow-ingress-nginx deleted (server dry run)"), "{dry}");
    assert!(dry.contains("ingress would be theirs only, egress would be DNS only"), "{dry}");
    assert_eq!(names(cluster, &namespace).len(), 5);
    let said = bootstrap(cluster, &[&namespace, "--prune"]).done();
    assert!(said.contains(&format!("{inn} deleted in namespace {other}")), "{said}");
    assert!(said.contains("ingress is now theirs only, egress is now DNS only"), "{said}");
    assert_eq!(names(cluster, &namespace), ["allow-dns-egress", "default-deny-ingress", "theirs"]);
    assert!(!names(cluster, &other).contains(&inn));
}

#[test]
fn what_was_printed_and_applied_is_taken_back() {
    let Ok(cluster) = control_plane() else { return };
    for way in
        [&["apply", "-f", "-"][..], &["apply", "--server-side", "-f", "-"], &["create", "-f", "-"]]
    {
        let namespace = cluster.namespace("boot-printed");
        let flags = ["--dry-run=client", "-o", "yaml", "--allow-same-namespace"];
        let printed = bootstrap(cluster, &[&[&*namespace][..], &flags].concat()).done();
        let mut child = cluster
            .kubectl(cluster.admin())
            .args(way)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("kubectl starts");
        child.stdin.take().expect("a pipe").write_all(printed.as_bytes()).expect("it reads");
        assert!(child.wait().expect("kubectl ends").success());
        assert_eq!(names(cluster, &namespace).len(), 3);
        bootstrap(cluster, &[&namespace, "--remove"]).done();
        assert_eq!(names(cluster, &namespace), Vec::<String>::new(), "{way:?}");
    }
    let missing = bootstrap(cluster, &["boot-not-there", "--remove"]);
    missing.failed(&["there is no namespace boot-not-there", "nothing to take back"]);
}

/// Ends of every form, and what has no words in the dialect.
#[test]
fn who_comes_in_and_where_it_goes() {
    let Ok(cluster) = control_plane() else { return };
    let (namespace, other) = (cluster.namespace("boot-ends"), cluster.namespace("boot-far"));
    cluster.apply(&other, &pod("client", 9999));
    let from = format!("{other}/pod/client:http");
    let spec =
        |name: &str| get(cluster, &["networkpolicy", "-n", &namespace, name])["spec"].clone();
    let labelled = format!("{other}/app=client:8080");
    let flags = [
        "--allow-ingress",
        &from,
        "--allow-ingress",
        &labelled,
        "--allow-ingress",
        "cluster:80",
        "--allow-egress",
        "10.0.0.0/8:5432",
        "--allow-egress",
        "internet:443",
        "--allow-egress",
        "[2001:db8::/32]:53/UDP",
    ];
    bootstrap(cluster, &[&[&*namespace][..], &flags].concat()).done();
    let of_pod = format!("allow-from-{other}-pod-client-http");
    let peer = &spec(&of_pod)["ingress"][0];
    assert_eq!(peer["from"][0]["podSelector"]["matchLabels"]["app"], "client", "{peer}");
    assert_eq!(peer["ports"][0]["port"], "http");
    let any = &spec("allow-from-cluster-80")["ingress"][0];
    assert_eq!(any["from"], serde_json::json!([{"namespaceSelector": {}}]));
    let net = &spec("allow-egress-to-10.0.0.0-8-5432")["egress"][0];
    assert_eq!(net["to"][0]["ipBlock"]["cidr"], "10.0.0.0/8");
    let world = &spec("allow-egress-to-internet-443")["egress"][0]["to"];
    assert_eq!(world.as_array().map(Vec::len), Some(2), "{world}");
    bootstrap(cluster, &[&namespace, "--allow-ingress", "host:80"])
        .failed(&["host:80 is an entity of Cilium", "--dialect cilium"]);
    let missing = format!("{other}/deploy/nobody");
    bootstrap(cluster, &[&namespace, "--allow-ingress", &missing]).failed(&["it is not there"]);
}
