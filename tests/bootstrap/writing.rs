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
fn what_would_be_cut_is_shown_and_agreed_to() {
    let Ok(cluster) = control_plane() else { return };
    let (shop, other) = (cluster.namespace("boot-shop"), cluster.namespace("boot-client"));
    cluster.apply(&shop, &pod("web", 8080));
    cluster.apply(&other, &pod("client", 9999));
    let ran = bootstrap(cluster, &[&shop, "--v", "1"]).failed(&["--yes", "nothing was written"]);
    for line in [
        format!("pod/web 8080/TCP ← {other}: pod/client  --allow-ingress={other}/pod/client:8080"),
        "pod/web 8080/TCP ← outside the cluster  --allow-ingress=internet:8080".to_owned(),
        format!("pod/web → {other}: pod/client 9999/TCP  --allow-egress={other}/pod/client:9999"),
        "pod/web → outside the cluster  --allow-egress=internet".to_owned(),
    ] {
        assert!(ran.err.lines().any(|it| it.trim() == line), "{line} in {}", ran.err);
    }
    assert_eq!(names(cluster, &shop), Vec::<String>::new());
    let dry = bootstrap(cluster, &[&shop, "--dry-run=server"]);
    assert!(dry.err.contains("would be cut"), "{}", dry.err);
    dry.done();
    bootstrap(cluster, &[&shop, "--yes"]).done();
    assert_eq!(names(cluster, &shop).len(), 2);
    // What is closed already is not asked about again.
    let again = bootstrap(cluster, &[&shop]);
    assert!(!again.err.contains("would be cut"), "{}", again.err);
    again.done();
}

/// Most pods declare no ports, and those who need them may not run yet.
#[test]
fn undeclared_ports_are_asked_about() {
    let Ok(cluster) = control_plane() else { return };
    let shop = cluster.namespace("boot-bare");
    let redis = "{apiVersion: v1, kind: Pod, metadata: {name: redis, labels: {app: redis}}, \
                 spec: {containers: [{name: c, image: i}]}}\n";
    cluster.apply(&shop, redis);
    let alone = bootstrap(cluster, &[&shop]).failed(&["--yes", "nothing was written"]);
    assert!(alone.err.contains("pod/redis any port ← anyone in the cluster"), "{}", alone.err);
    assert!(
        alone.err.contains("anyone in the cluster  --allow-ingress=cluster\n"),
        "{}",
        alone.err
    );
    cluster.apply(
        &shop,
        "apiVersion: v1\n\
         kind: Service\n\
         metadata: {name: cache}\n\
         spec: {selector: {app: redis}, ports: [{port: 80, targetPort: 6379}]}\n",
    );
    let ran = bootstrap(cluster, &[&shop]).failed(&["--yes", "nothing was written"]);
    let line =
        "pod/redis 6379/TCP of svc/cache ← anyone in the cluster  --allow-ingress=cluster:6379";
    assert!(ran.err.lines().any(|it| it.trim() == line), "{}", ran.err);
    assert_eq!(names(cluster, &shop), Vec::<String>::new());
}

/// Policies judge the port on the pod: the seed's page writes the Service's.
#[test]
fn a_services_port_is_remarked_upon() {
    let Ok(cluster) = control_plane() else { return };
    let namespace = cluster.namespace("boot-port");
    cluster.apply(
        &namespace,
        "apiVersion: v1\n\
         kind: Service\n\
         metadata: {name: keycloak}\n\
         spec: {selector: {app: keycloak}, ports: [{port: 80, targetPort: 8080}]}\n",
    );
    let flags = [&*namespace, "--dry-run=server", "--allow-ingress-controller", "--ingress-port"];
    let ran = bootstrap(cluster, &[&flags[..], &["80"]].concat());
    assert!(ran.err.contains("port 80 is that of Service keycloak"), "{}", ran.err);
    assert!(ran.err.contains("the port on the pod, which is 8080"), "{}", ran.err);
    let ran = bootstrap(cluster, &[&flags[..], &["8080"]].concat());
    assert!(!ran.err.contains("Service keycloak"), "{}", ran.err);
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

#[test]
fn who_admits_nobody_is_told() {
    let Ok(cluster) = control_plane() else { return };
    let namespace = cluster.namespace("boot-typo");
    let run = |flag: &str| bootstrap(cluster, &[&namespace, "--dry-run=server", flag]).err;
    let said = run("--allow-monitoring=boot-typing-error/app=x");
    let line = "--allow-monitoring admits nobody now: there is no namespace boot-typing-error";
    assert!(said.contains(line), "{said}");
    for (flag, line) in [
        (
            "--allow-ingress=anyone:80",
            "--allow-ingress=ns/anyone:80 admits nobody now: there is no namespace anyone; cluster is every \
             pod, internet every address",
        ),
        (
            "--allow-egress=boot-typing-error/app=x",
            "--allow-egress=boot-typing-error/app=x leads to nobody now: there is no namespace \
             boot-typing-error",
        ),
    ] {
        let said = run(flag);
        let said: Vec<_> = said.split_whitespace().collect();
        assert!(said.join(" ").contains(line), "{said:?}");
    }
    let monitoring = cluster.namespace("boot-mon");
    cluster.apply(&monitoring, &pod("prometheus", 9090));
    let said = run(&format!("--allow-monitoring={monitoring}/app=promteheus"));
    let line = format!("admits nobody now: no pod runs in {monitoring} with labels app=promteheus");
    assert!(said.contains(&line), "{said}");
    let said = run(&format!("--allow-monitoring={monitoring}/app=prometheus"));
    assert!(!said.contains("admits nobody"), "{said}");
}

/// Every flag of the preview keeps what its line says, and all of them together leave nothing to cut.
#[test]
fn the_flags_of_the_preview_keep_what_they_say() {
    let Ok(cluster) = control_plane() else { return };
    let (shop, other) = (cluster.namespace("boot-keep"), cluster.namespace("boot-kept"));
    cluster.apply(&shop, &pod("web", 8080));
    cluster.apply(&shop, &pod("db", 5432));
    cluster.apply(&other, &pod("client", 9999));
    let preview = |flags: &[&str]| {
        let all = [&[&*shop, "--dry-run=server", "--v", "1"][..], flags].concat();
        let ran = bootstrap(cluster, &all);
        assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
        let cuts = ran.err.lines().filter(|line| line.starts_with("  pod/"));
        cuts.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let all = preview(&[]);
    assert!(all.len() > 6, "{all:?}");
    let flags = |line: &str| {
        let words: Vec<String> = line.split_whitespace().map(ToOwned::to_owned).collect();
        let first = words.iter().position(|word| word.starts_with("--allow-"));
        words[first.unwrap_or_else(|| panic!("no flag: {line}"))..].to_vec()
    };
    let mut together: Vec<String> = Vec::new();
    for line in &all {
        let own = flags(line);
        let left = preview(&own.iter().map(String::as_str).collect::<Vec<_>>());
        let same = |other: &String| other.split("  --").next() == line.split("  --").next();
        assert!(!left.iter().any(same), "{own:?} does not keep {line}: {left:?}");
        together.extend(own);
    }
    let together: Vec<&str> = together.iter().map(String::as_str).collect();
    assert_eq!(preview(&together), Vec::<String>::new());
}

/// A namespace that others need is not closed by agreeing once.
#[test]
fn what_the_cluster_itself_needs_is_asked_about_twice() {
    let Ok(cluster) = control_plane() else { return };
    let parts = ["the cluster itself runs there", "give --yes twice", "nothing was written"];
    bootstrap(cluster, &["kube-system", "--yes"]).failed(&parts);
    let flux = cluster.namespace("boot-fluxed");
    cluster.apply(
        &flux,
        "apiVersion: apps/v1\n\
         kind: Deployment\n\
         metadata: {name: source-controller, labels: {app.kubernetes.io/part-of: flux}}\n\
         spec:\n\
         \x20 selector: {matchLabels: {app: source-controller}}\n\
         \x20 template:\n\
         \x20   metadata: {labels: {app: source-controller}}\n\
         \x20   spec: {containers: [{name: c, image: x}]}\n",
    );
    bootstrap(cluster, &[&flux, "--yes"]).failed(&["Flux runs there", "give --yes twice"]);
    assert_eq!(names(cluster, &flux), Vec::<String>::new());
    bootstrap(cluster, &[&flux, "--yes", "--yes"]).done();
    let hooked = cluster.namespace("boot-hooked");
    // It asks of nothing that there is, so that it is in nobody's way.
    cluster.apply_with(
        &[],
        &format!(
            "apiVersion: admissionregistration.k8s.io/v1\n\
             kind: ValidatingWebhookConfiguration\n\
             metadata: {{name: {hooked}}}\n\
             webhooks:\n\
             - name: a.example.org\n\
             \x20 admissionReviewVersions: [v1]\n\
             \x20 sideEffects: None\n\
             \x20 clientConfig: {{service: {{namespace: {hooked}, name: hook}}}}\n\
             \x20 rules:\n\
             \x20 - {{apiGroups: [none.example.org], apiVersions: [v1], operations: [CREATE], resources: [nothing]}}\n"
        ),
    );
    let asked = format!("the API server asks a webhook there ({hooked})");
    bootstrap(cluster, &[&hooked, "--yes"]).failed(&[&asked, "give --yes twice"]);
    let plain = cluster.namespace("boot-plain");
    bootstrap(cluster, &[&plain, "--yes"]).done();
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
