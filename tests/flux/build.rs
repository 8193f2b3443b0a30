//! `diff --flux`: what Flux would open and close, built by its real CLI.

use super::{json as json_of, says};
use crate::harness::{
    FIRST, FluxKube, expect_success, fluxkube, fluxkube_of_its_own, homekube, plugin, root,
};
use crate::live_dialects::{KINDS, definition};
use serde_json::{Value, json};
use std::path::Path;

const DIFF: &str = "diff --flux observability --path examples/homekube-fixed/observability";

#[test]
fn what_the_repair_opens() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    let answer = kube.netpol(&format!("{DIFF} --summary"));
    assert_eq!((answer.code, answer.stderr.as_str()), (1, ""), "{}", answer.all());
    // Grafana's way to Keycloak stays closed on the other side, which is another Kustomization's.
    assert_eq!(
        answer.stdout,
        "2 opened\n\n\
         + monitoring/sts/prometheus → every pod of default on 8080/TCP, 9090/TCP\n\
         + monitoring/sts/prometheus → identity/sts/keycloak on 8080/TCP\n"
    );
    let same = kube.netpol("diff --flux observability --path examples/homekube/observability");
    assert_eq!((same.code, same.stderr.as_str()), (0, ""), "{}", same.all());
    assert!(same.stdout.contains("no flow changes"), "{}", same.all());
}

/// A Kustomization that the cluster does not have yet is in a file.
#[test]
fn what_a_new_kustomization_opens() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("new.yaml");
    let kustomization = |name: &str| {
        format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n\
             metadata: {{name: {name}, namespace: flux-system}}\n\
             spec:\n  interval: 10m\n  prune: true\n  \
             sourceRef: {{kind: GitRepository, name: homekube}}\n  \
             patches:\n  - target: {{kind: NetworkPolicy, name: allow-prometheus-scrape}}\n    \
             patch: |\n      - {{op: remove, path: /spec/egress/1}}\n"
        )
    };
    for (name, text) in [("new", "new"), ("observability", "observability")] {
        std::fs::write(&file, kustomization(text)).expect("a file");
        let path = "examples/homekube-fixed/observability";
        let file = file.display();
        let words =
            format!("diff --flux {name} --path {path} --kustomization-file {file} --summary");
        let answer = kube.netpol(&words);
        assert_eq!((answer.code, answer.stderr.as_str()), (1, ""), "{}", answer.all());
        // The patch has taken the other rule away.
        assert_eq!(
            answer.stdout,
            "1 opened\n\n\
             + monitoring/sts/prometheus → identity/sts/keycloak on 8080/TCP\n"
        );
    }
}

/// The real CLI leaves no trace in the directory, and gets the kubeconfig, the context and the right
/// namespace.
#[test]
fn the_cli_is_told_what_we_were_told() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let (bin, path) = (directory.path().join("bin"), directory.path().join("k8s"));
    for directory in [&bin, &path] {
        std::fs::create_dir(directory).expect("a directory");
    }
    let recorded = directory.path().join("words");
    script(&bin, &format!("printf '%s\\n' \"$KUBECONFIG\" \"$@\" > '{}'", recorded.display()));
    let kubeconfig = kube.homekube.cluster.admin();
    let words = format!(
        "diff --flux=-odd --path k8s --kustomization-file new.yaml -n apps --kubeconfig {} --context \
         admin --as a --as-group system:masters",
        kubeconfig.display()
    );
    let answer = kube.netpol_in(directory.path(), &bin, &words);
    let words = std::fs::read_to_string(&recorded).unwrap_or_else(|_| panic!("{}", answer.all()));
    let kubeconfig = kubeconfig.display().to_string();
    let lines: Vec<&str> = words.lines().collect();
    assert_eq!(
        lines,
        [
            &kubeconfig,
            "build",
            "kustomization",
            "--namespace",
            "apps",
            "--path",
            &path.display().to_string(),
            "--kustomization-file",
            &directory.path().join("new.yaml").display().to_string(),
            "--in-memory-build",
            "--dry-run",
            &format!("--kubeconfig={kubeconfig}"),
            "--context=admin",
            "--as=a",
            "--as-group=system:masters",
            "--",
            "-odd",
        ]
    );
}

/// An executable `flux`.
fn script(directory: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let file = directory.join("flux");
    std::fs::write(&file, format!("#!/bin/sh\n{text}\n")).expect("a file");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("permissions");
}

#[test]
fn what_keeps_it_from_being_built() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    let root = root();
    let empty = tempfile::tempdir().expect("a directory");
    let answer = kube.netpol_in(root, empty.path(), DIFF);
    let error = "error: building Kustomization flux-system/observability: the Flux CLI is not on PATH; \
                 install flux (https://fluxcd.io/flux/installation/#install-the-flux-cli), or compare \
                 what kustomize alone makes of a directory with -k DIR\n";
    assert_eq!((answer.code, answer.stderr.as_str()), (2, error), "{}", answer.all());
    // What does not need it goes on.
    let answer = kube.netpol_in(root, empty.path(), super::GRAFANA_TO_KEYCLOAK);
    assert_eq!(answer.code, 1, "{}", answer.all());

    for (words, error) in [
        (
            "diff --flux nobody --path examples/homekube/observability",
            "error: comparing Kustomization flux-system/nobody: there is none of that name\n",
        ),
        (
            "diff --flux observability --path examples/nowhere",
            "error: building Kustomization flux-system/observability: examples/nowhere is not a \
             directory\n",
        ),
    ] {
        let answer = kube.netpol(words);
        assert_eq!((answer.code, answer.stderr.as_str()), (2, error), "{}", answer.all());
    }
    for words in ["diff --flux observability", "diff --path x", "diff --flux a --path b -f c"] {
        assert_eq!(kube.netpol(words).code, 2, "{words}");
    }

    // An older one, one that says what it likes, and one that fails without a word.
    for (text, said) in [
        (
            "case \"$*\" in *in-memory*) echo '✗ unknown flag: --in-memory-build' >&2; exit 1;; esac",
            "",
        ),
        ("printf 'a\\033[31mb: [\\n'", "error: reading what flux has built"),
        ("exit 3", "flux says: exit status: 3"),
        ("printf '► x\\n✗ first\\n✗ \\033[31mlast\\n' >&2; exit 1", "flux says: \\u{1b}[31mlast\n"),
    ] {
        script(empty.path(), text);
        let answer = kube.netpol_in(root, empty.path(), &format!("{DIFF} --strict"));
        assert!(answer.stderr.contains(said), "{text}: {}", answer.all());
        assert_eq!(answer.code, if said.is_empty() { 0 } else { 2 }, "{}", answer.all());
        assert!(!answer.all().contains('\u{1b}'), "{}", answer.all());
    }
}

/// Where Flux is not installed the CLI is not even run.
#[test]
fn without_flux_in_the_cluster() {
    let Ok(homekube) = homekube() else { return };
    let bin = tempfile::tempdir().expect("a directory");
    script(bin.path(), "exit 3");
    let mut command = plugin(&homekube.cluster, &homekube.cluster.admin());
    let ours = Path::new(env!("CARGO_BIN_EXE_kubectl-netpol")).parent().expect("a directory");
    command.env("PATH", std::env::join_paths([ours, bin.path()]).expect("a PATH"));
    let answer = homekube.ask_with(command.arg("netpol"), DIFF);
    assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{}", answer.all());
    let doing = "error: reading kustomizations/observability in flux-system: https://127.0.0.1:";
    assert!(answer.stderr.starts_with(doing), "{}", answer.all());
    assert!(answer.stderr.contains("its CustomResourceDefinition is not installed there"));
    assert_eq!(answer.requests.len(), 1, "{}", answer.all());
}

/// What a Kustomization made and does not make any more is removed, unless it is told not to.
#[test]
fn what_is_pruned() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    let cluster = &kube.homekube.cluster;
    let namespace = cluster.namespace("pruned");
    let pod = |name: &str| {
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"containers": [{"name": "a", "image": "a", "ports": [{"containerPort": 80}]}]},
        })
    };
    let deny = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "deny", "labels": {
            "kustomize.toolkit.fluxcd.io/name": "observability",
            "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
        }},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
    });
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [pod("a"), pod("b"), deny]});
    cluster.apply(&namespace, &list.to_string());
    let empty = tempfile::tempdir().expect("a directory");
    let file = empty.path().join("namespace.yaml");
    let name = "apiVersion: v1\nkind: Namespace\nmetadata: {name: monitoring}\n";
    std::fs::write(file, name).expect("a file");
    let words = format!("diff --flux observability --path {}", empty.path().display());
    let made = format!("{namespace}_deny");
    let policy = ["netpol", "deny", "-n", &namespace];

    assert_eq!(kube.netpol(&words).code, 0);
    kube.applied("observability", FIRST, &[&made]);
    let answer = kube.netpol(&words);
    assert_eq!((answer.code, answer.stderr.as_str()), (1, ""), "{}", answer.all());
    assert!(
        says(&answer, &format!("→ every pod of {namespace} on every port")),
        "{}",
        answer.all()
    );
    assert!(says(&answer, "no policy isolates its ingress any more, as deny did"));
    let json = json_of(&kube.netpol(&format!("{words} -o json")));
    let after = json["changes"][0]["witness"]["explainAfter"].as_str().unwrap_or_default();
    let command = format!(
        "flux build kustomization --namespace flux-system --path {} observability | kubectl netpol \
         explain --with -f - --without {namespace}/netpol/deny ",
        empty.path().display()
    );
    assert!(after.starts_with(&command), "{json:#}");

    // It is told not to; and it does not say that it prunes at all.
    let disabled = "kustomize.toolkit.fluxcd.io/prune=disabled";
    kube.kubectl(&[&["annotate"], &policy[..], &[disabled]].concat());
    assert_eq!(kube.netpol(&words).code, 0);
    kube.kubectl(&[&["annotate"], &policy[..], &["kustomize.toolkit.fluxcd.io/prune-"]].concat());
    let keep = r#"{"spec":{"prune":false}}"#;
    let own =
        ["patch", "kustomization", "observability", "-n", "flux-system", "--type=merge", "-p"];
    kube.kubectl(&[&own[..], &[keep]].concat());
    assert_eq!(kube.netpol(&words).code, 0);
    kube.kubectl(&[&own[..], &[&keep.replace("false", "true")]].concat());
    assert_eq!(kube.netpol(&words).code, 1);
    // Of what labels call another's nothing is removed.
    let others = "kustomize.toolkit.fluxcd.io/name=identity";
    kube.kubectl(&[&["label", "--overwrite"], &policy[..], &[others]].concat());
    assert_eq!(kube.netpol(&words).code, 0);
    kube.kubectl(&[&["delete"], &policy[..]].concat());
}

/// Installs the kinds of a group.
fn install(kube: &FluxKube, group: &str) {
    let cluster = &kube.homekube.cluster;
    let kinds = KINDS.iter().filter(|(of, ..)| *of == group);
    let items: Vec<Value> = kinds.map(definition).collect();
    cluster
        .apply_with(&[], &json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string());
    let established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"];
    expect_success(cluster.kubectl(cluster.admin()).args(established));
}

/// Policies of administrators and of Cilium are pruned as NetworkPolicies are, and what that opens is
/// told.
#[test]
fn other_kinds_are_pruned_too() {
    let Ok(kube) = fluxkube_of_its_own() else { return };
    let cluster = &kube.homekube.cluster;
    let namespace = cluster.namespace("pruned-kinds");
    let labels = json!({
        "kustomize.toolkit.fluxcd.io/name": "observability",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    });
    let pod = |name: &str| {
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"containers": [{"name": "a", "image": "a", "ports": [{"containerPort": 80}]}]},
        })
    };
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [pod("a"), pod("b")]});
    cluster.apply(&namespace, &list.to_string());
    let admin = json!({
        "apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy",
        "metadata": {"name": "closed", "labels": labels},
        "spec": {
            "tier": "Admin", "priority": 1,
            "subject": {"namespaces": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}},
            "ingress": [{"action": "Deny", "from": [{"namespaces": {}}]}],
        },
    });
    let cilium = json!({
        "apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy",
        "metadata": {"name": "closed", "namespace": namespace, "labels": labels},
        "spec": {
            "endpointSelector": {},
            "ingress": [{"fromEndpoints": [{"matchLabels": {"app": "nobody"}}]}],
        },
    });
    let empty = tempfile::tempdir().expect("a directory");
    let name = "apiVersion: v1\nkind: Namespace\nmetadata: {name: monitoring}\n";
    std::fs::write(empty.path().join("namespace.yaml"), name).expect("a file");
    let words = format!("diff --flux observability --path {}", empty.path().display());
    for (group, policy, id, without) in [
        (
            "policy.networking.k8s.io",
            admin,
            "_closed_policy.networking.k8s.io_ClusterNetworkPolicy".to_owned(),
            "--without clusternetworkpolicy/closed".to_owned(),
        ),
        (
            "cilium.io",
            cilium,
            format!("{namespace}_closed_cilium.io_CiliumNetworkPolicy"),
            format!("--without {namespace}/cnp/closed"),
        ),
    ] {
        install(&kube, group);
        cluster.apply_with(&[], &policy.to_string());
        let made = |entries: Value| {
            let status = json!({
                "lastAppliedRevision": FIRST, "lastAttemptedRevision": FIRST,
                "conditions": [], "inventory": {"entries": entries},
            });
            kube.status("kustomization", "observability", status);
        };
        made(json!([]));
        let before = kube.netpol(&words);
        assert_eq!(before.code, 0, "{}", before.all());
        made(json!([{"id": id, "v": "v1"}]));
        let answer = kube.netpol(&words);
        assert_eq!(answer.code, 1, "{group}: {}", answer.all());
        assert!(answer.stdout.contains(&namespace), "{}", answer.all());
        let json = json_of(&kube.netpol(&format!("{words} -o json")));
        let after = json["changes"][0]["witness"]["explainAfter"].as_str().unwrap_or_default();
        assert!(after.contains(&without), "{after}");
        // It is told not to.
        let kind = policy["kind"].as_str().unwrap().to_lowercase();
        let disabled = "kustomize.toolkit.fluxcd.io/prune=disabled";
        kube.kubectl(&["annotate", &kind, "closed", "-n", &namespace, disabled]);
        let kept = kube.netpol(&words);
        assert_eq!(kept.code, 0, "{}", kept.all());
        kube.kubectl(&["delete", &kind, "closed", "-n", &namespace]);
    }
}
