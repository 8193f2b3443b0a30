//! `bootstrap --learn=config`: what configuration names, in files and in a live cluster.

use super::{bootstrap, plugin, run};
use crate::harness::{control_plane, root};
use crate::live_failures::allow;
use std::fs;

/// A shop whose pods are configured in every way that is read, and in one that must not be.
const SHOP: &str = "tests/transcripts/learn/shop.yaml";

/// The policies that are printed, without those that close.
fn learned(names: &str) -> Vec<&str> {
    let names = names.lines().filter_map(|line| line.split_once('/'));
    names
        .map(|(_, name)| name)
        .filter(|name| name.starts_with("allow-") && *name != "allow-dns-egress")
        .collect()
}

/// Of a live cluster the same is learned as of its manifests, and no Secret is asked for.
#[test]
fn a_live_cluster_is_read_as_its_manifests() {
    let Ok(cluster) = control_plane() else { return };
    let namespace = cluster.namespace("configured");
    let shop = fs::read_to_string(root().join(SHOP)).unwrap();
    let shop = shop.replace("namespace: shop", &format!("namespace: {namespace}"));
    let shop = shop.replace(".shop.", &format!(".{namespace}."));
    // There are no controllers, so each template is a pod of its own.
    cluster.apply(&namespace, &shop);
    let words = [&*namespace, "--dns", "namespace", "--learn=config", "-o", "name"];
    let live = bootstrap(cluster, &words);
    let expected =
        ["allow-db-from-web", "allow-queue-from-web", "allow-web-to-db", "allow-web-to-queue"];
    assert_eq!(learned(&live.out), expected, "{}{}", live.out, live.err);
    assert!(live.err.contains("a guess from env DB_HOST"), "{}", live.err);
    assert!(live.err.contains("a guess from queue.conf of ConfigMap settings"), "{}", live.err);
    let secrets = |uri: &str| uri.contains("/secrets");
    let asked = cluster.requests();
    let ours = asked.iter().filter(|request| request.user_agent.contains("netpol"));
    assert_eq!(ours.filter(|request| secrets(&request.uri)).count(), 0);

    let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    fs::write(file.path(), &shop).unwrap();
    let file = file.path().to_str().unwrap();
    let of_files = bootstrap(cluster, &[&words[..], &["-f", file]].concat());
    assert_eq!(learned(&of_files.out), expected, "{}{}", of_files.out, of_files.err);
    assert!(
        of_files.err.contains(&format!("a guess from env DB_HOST ({file}:")),
        "{}",
        of_files.err
    );
}

/// A workload without pods is configured, too: one of no replicas, a CronJob between two runs.
const IDLE: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: report, namespace: idle}
spec:
  replicas: 0
  selector: {matchLabels: {app: report}}
  template:
    metadata: {labels: {app: report}}
    spec: {containers: [{name: x, image: x, env: [{name: DB_HOST, value: db}]}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: backup, namespace: idle}
spec:
  schedule: 0 3 * * *
  jobTemplate:
    spec:
      template:
        metadata: {labels: {app: backup}}
        spec:
          restartPolicy: Never
          containers: [{name: x, image: x, args: ['--from', 'postgres://db.idle.svc.home.arpa']}]
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: idle}
spec: {selector: {app: db}, ports: [{port: 5432}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: idle}
spec:
  replicas: 0
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: x, image: x, ports: [{containerPort: 5432}]}]}
";

#[test]
fn workloads_without_pods_are_read() {
    let Ok(cluster) = control_plane() else { return };
    let namespace = cluster.namespace("idle");
    let idle = IDLE.replace("namespace: idle", &format!("namespace: {namespace}"));
    let idle = idle.replace("db.idle.", &format!("db.{namespace}."));
    cluster.apply(&namespace, &idle);
    let words = [&*namespace, "--dns", "namespace", "--learn=config", "-o", "name"];
    let live = bootstrap(cluster, &words);
    let expected = [
        "allow-backup-to-db",
        "allow-db-from-backup",
        "allow-db-from-report",
        "allow-report-to-db",
    ];
    assert_eq!(learned(&live.out), expected, "{}{}", live.out, live.err);
    assert!(
        live.err.contains("a guess from the args of container x in zone home.arpa"),
        "{}",
        live.err
    );
    // Who may not list them is told so once, for all of their kinds.
    let rights = ["pods", "services", "networkpolicies.networking.k8s.io", "replicasets.apps"];
    allow(cluster, "nobody", &[(&namespace, &rights[..])]);
    let ran = run(plugin(cluster.kubectl(cluster.nobody())).args(words));
    assert!(learned(&ran.out).is_empty(), "{}{}", ran.out, ran.err);
    let kinds =
        "not read: deployments, statefulsets, daemonsets, cronjobs and replicationcontrollers: ";
    assert!(ran.err.contains(kinds), "{}", ran.err);
}

/// Who may read one namespace learns from that, and is told what could not be read.
#[test]
fn a_user_of_one_namespace() {
    let Ok(cluster) = control_plane() else { return };
    let namespace = cluster.namespace("configured");
    let shop = fs::read_to_string(root().join(SHOP)).unwrap();
    cluster.apply(&namespace, &shop.replace("namespace: shop", &format!("namespace: {namespace}")));
    let rights = ["pods", "services", "networkpolicies.networking.k8s.io", "replicasets.apps"];
    allow(cluster, "nobody", &[(&namespace, &rights[..])]);
    let words = [&*namespace, "--dns", "namespace", "--learn=config", "-o", "name"];
    let ran = run(plugin(cluster.kubectl(cluster.nobody())).args(words));
    let expected = ["allow-db-from-web", "allow-web-to-db"];
    assert_eq!(learned(&ran.out), expected, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("not read: ConfigMaps: "), "{}", ran.err);
}
