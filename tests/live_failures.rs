//! What cannot be asked or may not be read: one sentence each, and never a guess.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::harness::{
    Answer, ControlPlane, control_plane, control_plane_of_its_own, homekube, plugin,
};

const WORDS: &str = "monitoring/deploy/grafana identity/svc/keycloak";

/// Lets the user of a name read some resources in some namespaces of HomeKube.
pub(crate) fn allow(cluster: &ControlPlane, user: &str, rights: &[(&str, &[&str])]) {
    for (namespace, resources) in rights {
        let rules: Vec<_> = resources
            .iter()
            .map(|resource| {
                let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
                json!({"apiGroups": [group], "resources": [resource], "verbs": ["get", "list"]})
            })
            .collect();
        let metadata = json!({"name": user});
        let role = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata,
            "rules": rules,
        });
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
        });
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [role, binding]});
        cluster.apply(namespace, &list.to_string());
    }
}

const EVERYTHING: &[&str] = &[
    "pods",
    "services",
    "deployments.apps",
    "statefulsets.apps",
    "networkpolicies.networking.k8s.io",
];
const NO_POLICIES: &[&str] = &["pods", "services", "deployments.apps", "statefulsets.apps"];

#[test]
fn nobody_is_told_which_right_is_missing() {
    let Ok(homekube) = homekube() else { return };
    let answer = homekube.explain_as(&homekube.cluster.nobody(), WORDS);
    assert_eq!((answer.stdout.as_str(), answer.code), ("", 2), "{}", answer.all());
    assert!(
        answer.stderr.starts_with(
            "error: reading deployments/grafana in monitoring: not allowed for \"nobody\"; "
        ) && answer.stderr.ends_with("; ask for the right to get deployments.apps in monitoring\n"),
        "{}",
        answer.all()
    );
    assert_eq!(answer.stderr.lines().count(), 1);
}

/// Without the policies of one end's namespace its direction is not known; the other still is.
#[test]
fn policies_that_may_not_be_read_leave_the_answer_open() {
    let Ok(homekube) = homekube() else { return };
    let user = "no-ingress-policies";
    allow(&homekube.cluster, user, &[("monitoring", EVERYTHING), ("identity", NO_POLICIES)]);
    let dns = "monitoring/deploy/grafana identity/sts/keycloak:53/UDP";
    let answer = homekube.explain(&format!("{dns} --as {user}"));
    assert_eq!(answer.code, 1, "{}", answer.all());

    let fixed = "--with -f examples/homekube-fixed/observability";
    let answer = homekube.explain(&format!("{WORDS} {fixed} --as {user}"));
    assert_eq!((answer.code, answer.stderr.as_str()), (3, ""), "{}", answer.all());
    for part in [
        "UNKNOWN monitoring/deploy/grafana → identity/svc/keycloak port 80/TCP",
        "? ingress of identity/pod/keycloak-0: not known: not all policies of its",
    ] {
        assert!(answer.stdout.contains(part), "{part}: {}", answer.all());
    }
    let said = answer.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let warning = "warning: not read: the NetworkPolicies of identity: \"no-ingress-policies\" may \
                   not; ask for the right to list networkpolicies.networking.k8s.io in identity";
    assert!(said.contains(warning), "{}", answer.all());

    let answer = homekube.explain(&format!("{WORDS} {fixed} --as {user} -o json"));
    let json: serde_json::Value = serde_json::from_str(&answer.stdout).expect("JSON");
    assert_eq!(json["verdict"], "Unknown");
    assert_eq!(json["flows"][0]["ingress"]["isolated"], "Unknown");
    assert_eq!(json["flows"][0]["egress"]["verdict"], "Allowed");
    let messages = json["warnings"].as_array().expect("warnings");
    assert!(messages.iter().any(|warning| {
        let message = warning["message"].as_str().expect("a message");
        message.contains("the NetworkPolicies of identity")
    }));

    let answer = homekube.explain(&format!("{WORDS} --strict --as {user}"));
    assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{}", answer.all());

    let without = "--without identity/netpol/default-deny-ingress";
    let answer = homekube.explain(&format!("{WORDS} {without} --as {user}"));
    assert!(answer.stderr.contains("not all policies of identity could be read"));
    assert_eq!(answer.code, 2, "{}", answer.all());
}

/// Labels of a namespace that may not be read decide only what does not ask for its name.
#[test]
fn labels_that_may_not_be_read_matter_only_where_they_are_asked_for() {
    let Ok(homekube) = homekube() else { return };
    let user = "no-namespaces";
    let all = ["monitoring", "identity"].map(|namespace| (namespace, EVERYTHING));
    allow(&homekube.cluster, user, &all);
    let words = "monitoring/sts/prometheus identity/sts/keycloak:8080";
    let answer = homekube.explain(&format!("{words} --as {user}"));
    assert_eq!(answer.code, 1, "{}", answer.all());
    assert!(answer.stdout.contains("admitted by allow-prometheus-scrape"), "{}", answer.all());
    let said = answer.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("not read: the labels of namespace identity: \"no-namespaces\" may not; ask")
    );

    // A name that may be a Service's in a namespace, or the world's.
    for (host, code, part) in [
        ("keycloak.identity:80", 1, "→ identity/svc/keycloak port 80/TCP"),
        ("example.com:443", 1, "example.com is outside the cluster"),
    ] {
        let answer = homekube.explain(&format!("monitoring/deploy/grafana {host} --as {user}"));
        assert_eq!(answer.code, code, "{}", answer.all());
        assert!(answer.stdout.contains(part), "{}", answer.all());
        assert!(!answer.stdout.contains("namespace com"), "{}", answer.all());
    }

    let policy = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "by-team", "namespace": "monitoring"},
        "spec": {
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
            "policyTypes": ["Egress"],
            "egress": [{"to": [{"namespaceSelector": {"matchLabels": {"team": "x"}}}]}],
        },
    });
    let files = tempfile::tempdir().expect("a directory");
    let file = files.path().join("by-team.json");
    fs::write(&file, policy.to_string()).expect("a file");
    let words = format!("{words} --with -f {}", file.display());
    let answer = homekube.explain(&format!("{words} --as {user}"));
    assert_eq!(answer.code, 3, "{}", answer.all());
    let said = answer.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let why = "the labels of namespace identity are not known; wanted team=x";
    assert!(said.contains(why), "{}", answer.all());
    // Whoever may read them knows.
    assert_eq!(homekube.explain(&words).code, 1);
}

/// Of a Service that may not be listed it is enough that it may be read, and the other way round.
#[test]
fn pods_that_may_not_be_read_are_an_error() {
    let Ok(homekube) = homekube() else { return };
    let user = "no-pods";
    let rights: &[&str] = &["services", "networkpolicies.networking.k8s.io"];
    allow(&homekube.cluster, user, &[("monitoring", EVERYTHING), ("identity", rights)]);
    let answer = homekube.explain(&format!("{WORDS} --as {user}"));
    assert_eq!(answer.code, 2, "{}", answer.all());
    assert!(answer.stderr.starts_with("error: listing pods in identity: not allowed for"));
    assert!(answer.stderr.ends_with("; ask for the right to list pods in identity\n"));
    // An address that may be a pod's is not judged as outside without looking.
    let answer = homekube.explain(&format!("monitoring/deploy/grafana 10.1.2.3:80 --as {user}"));
    assert_eq!(answer.code, 2, "{}", answer.all());
    assert!(answer.stderr.ends_with("ask for the right to list pods in the whole cluster\n"));
    let answer = homekube.explain(&format!("monitoring/deploy/grafana 8.8.8.8:80 --as {user}"));
    assert_eq!(answer.code, 1, "{}", answer.all());
    assert!(answer.stdout.contains("not read: the Pod with the address 8.8.8.8"));
}

/// A kubeconfig of our own, with its user in YAML's flow form.
struct Config {
    files: TempDir,
}

impl Config {
    fn new() -> Self {
        Self { files: tempfile::tempdir().expect("a directory") }
    }

    fn write(&self, server: &str, cluster: &str, user: &str) -> PathBuf {
        let file = self.files.path().join("config");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
             contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n\
             clusters: [{{name: a, cluster: {{server: '{server}'{cluster}}}}}]\n\
             users: [{{name: a, user: {user}}}]\n"
        );
        fs::write(&file, text).expect("a file");
        file
    }
}

/// Runs the plugin once and gives what it said in its one sentence.
fn refused(cluster: &ControlPlane, kubeconfig: &Path, flags: &[&str]) -> String {
    let output = plugin(cluster, kubeconfig)
        .args(["netpol", "explain"])
        .args(WORDS.split_whitespace())
        .args(flags)
        .output()
        .expect("kubectl runs");
    let answer = Answer::new(&output, Vec::new());
    assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{}", answer.all());
    assert_eq!(answer.stderr.lines().count(), 1, "{}", answer.all());
    answer.stderr
}

#[test]
fn servers_and_credentials_that_are_wrong() {
    let Ok(cluster) = control_plane() else { return };
    let config = Config::new();
    let url = cluster.url();

    let kubeconfig = config.write(&url, "", "{token: x}");
    let said = refused(cluster, &kubeconfig, &[]);
    assert!(said.contains("certificate is not signed by the certificate authority"), "{said}");

    let admin = fs::read_to_string(cluster.admin()).expect("a kubeconfig");
    let ca = admin.lines().find(|line| line.contains("certificate-authority")).expect("a CA");
    let ca = format!(", {}", ca.trim());
    let kubeconfig = config.write(&url, &ca, "{token: expired}");
    let said = refused(cluster, &kubeconfig, &[]);
    assert!(said.contains(" did not accept ") && said.contains("log in again"), "{said}");
    assert!(!said.contains("expired\""), "{said}");

    let exec = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/sh, \
                args: ['-c', 'echo no ticket >&2; exit 3'], interactiveMode: Never}}";
    let kubeconfig = config.write(&url, &ca, exec);
    let said = refused(cluster, &kubeconfig, &[]);
    assert!(said.contains("getting credentials for") && said.contains("no ticket"), "{said}");

    let said = refused(cluster, Path::new("/dev/null"), &["--context", "b"]);
    assert!(said.contains("the context \"b\""), "{said}");
}

#[test]
fn a_server_that_never_answers_is_given_up_in_time() {
    let Ok(cluster) = control_plane() else { return };
    // The kernel accepts; nobody ever reads.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let config = Config::new();
    let kubeconfig = config.write(&format!("http://{address}"), "", "{}");
    let started = Instant::now();
    let said = refused(cluster, &kubeconfig, &["--request-timeout", "2s"]);
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    assert!(said.contains("no complete answer from") && said.contains("within 2s"), "{said}");
}

#[test]
fn a_server_that_is_gone() {
    let Ok(mut cluster) = control_plane_of_its_own() else { return };
    let config = Config::new();
    let kubeconfig = config.write(&cluster.url(), ", insecure-skip-tls-verify: true", "{}");
    cluster.stop();
    let said = refused(&cluster, &kubeconfig, &[]);
    assert!(said.contains("refused the connection; is the cluster running"), "{said}");
}

/// The flags by which kubectl is told whom to trust, and as whom to come.
#[test]
fn whom_to_trust() {
    let Ok(cluster) = control_plane() else { return };
    let admin = fs::read_to_string(cluster.admin()).expect("the admin's kubeconfig");
    let value = |key: &str| {
        let line = admin.lines().find_map(|line| line.trim_start().strip_prefix(key));
        line.unwrap_or_else(|| panic!("no {key}")).trim().trim_matches('\'').to_owned()
    };
    let authority = value("certificate-authority:");
    let bare: String = admin
        .lines()
        .filter(|line| !line.contains("certificate-authority"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("bare");
    fs::write(&file, bare).unwrap();
    let beside = cluster.admin();
    let authority = beside.parent().unwrap().join(authority);
    let run = |flags: &[&str]| {
        let mut command = crate::run::command(crate::run::FRONT, &["summary", "-n", "default"]);
        crate::run::run(command.args(flags).env("KUBECONFIG", &file), b"")
    };
    assert!(run(&[]).stderr.contains("no secure connection"), "{:?}", run(&[]));
    let file = format!("--certificate-authority={}", authority.display());
    for flags in [
        &["--insecure-skip-tls-verify"][..],
        &["--insecure-skip-tls-verify=true", "--disable-compression"],
        &[&*file],
        &[&*file, "--tls-server-name=kubernetes.default", "--disable-compression=true"],
    ] {
        let answer = run(flags);
        assert!(answer.code != 2, "{flags:?}: {answer:?}");
    }
    let wrong = run(&[&file, "--tls-server-name=elsewhere.example"]);
    assert!(wrong.stderr.contains("no secure connection"), "{wrong:?}");
    let none = run(&["--insecure-skip-tls-verify", "--client-certificate=/nonexistent"]);
    assert!(none.code == 2 && none.stderr.contains("/nonexistent"), "{none:?}");
}
