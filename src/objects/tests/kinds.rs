//! Every kind, field by field, and how objects are linked.

use super::*;
use crate::cluster::{ANY_OTHER_LABEL, Pod, Port, Protocol, TargetPort, Workload};

fn pods(text: &str) -> Vec<Pod> {
    assemble(text).0.pods().to_vec()
}

fn workloads(snapshot: &Snapshot) -> Vec<String> {
    snapshot.workloads.iter().map(|workload: &Workload| workload.object.to_string()).collect()
}

#[test]
fn a_pod_as_it_runs() {
    let pods = pods(
        "apiVersion: v1
kind: Pod
metadata: {name: p, namespace: a, labels: {app: web, none: null}}
spec:
  nodeName: n1
  containers:
  - ports: [{name: http, containerPort: 8080}, {containerPort: 53, protocol: UDP}]
  - ports: null
  initContainers:
  - {restartPolicy: Always, ports: [{name: metrics, containerPort: 9090}]}
  - {ports: [{name: gone, containerPort: 1}]}
status:
  phase: Running
  podIP: 10.0.0.1
  podIPs: [{ip: 10.0.0.1}, {ip: 2001:db8::1}]
  conditions: [{type: Ready, status: 'True'}]
",
    );
    let [pod] = pods.as_slice() else { panic!("{pods:?}") };
    assert_eq!(pod.object().to_string(), "a/pod/p");
    assert_eq!(pod.labels.to_string(), "app=web,none=");
    assert_eq!(pod.ips.len(), 2);
    let ports: Vec<_> = pod.ports.iter().map(|p| (p.name.as_deref(), p.port, p.sidecar)).collect();
    let dns = Port { protocol: Protocol::Udp, number: 53 };
    assert_eq!(
        ports,
        [
            (Some("http"), Port::tcp(8080), false),
            (None, dns, false),
            (Some("metrics"), Port::tcp(9090), true)
        ]
    );
    assert!(pod.ready && !pod.finished && !pod.template && !pod.host_network);
    assert_eq!((pod.node.as_deref(), pod.owner), (Some("n1"), None));
}

/// docs/semantics/kubernetes.md#pods-that-count.
#[test]
fn the_life_of_a_pod() {
    let pod = |metadata: &str, rest: &str| {
        let text = format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: p{metadata}}}, spec: {{containers: [{{}}]}}{rest}}}"
        );
        pods(&text).remove(0)
    };
    let written = pod("", "");
    assert!(written.ready && written.ips.is_empty() && &*written.namespace == "default");
    for phase in ["Succeeded", "Failed"] {
        let done = pod("", &format!(", status: {{phase: {phase}, podIP: 10.0.0.1}}"));
        assert!(done.finished && !done.ready);
    }
    let ready = ", status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}";
    assert!(pod("", ready).ready);
    let terminating = pod(", deletionTimestamp: '2026-01-01T00:00:00Z'", ready);
    assert!(!terminating.finished && !terminating.ready);
    assert!(pod(", deletionTimestamp: null", ready).ready);
    assert!(!pod("", ", status: {phase: Pending}").ready);
}

#[test]
fn a_pod_of_the_host_network_has_the_addresses_of_its_node() {
    let text = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {hostNetwork: true, containers: []},
 status: {hostIP: 192.0.2.1}}";
    let pod = pods(text).remove(0);
    assert!(pod.host_network);
    assert_eq!(pod.ips, ["192.0.2.1".parse::<std::net::IpAddr>().unwrap()]);
}

#[test]
fn templates_of_every_workload() {
    let template = "template: {metadata: {labels: {app: w}}, spec: {containers: [{ports: [{containerPort: 80}]}]}}";
    for (api_version, kind, spec, unknown) in [
        ("apps/v1", "Deployment", template.to_owned(), vec!["pod-template-hash"]),
        ("apps/v1", "ReplicaSet", template.to_owned(), vec![]),
        (
            "apps/v1",
            "StatefulSet",
            template.to_owned(),
            vec![
                "controller-revision-hash",
                "statefulset.kubernetes.io/pod-name",
                "apps.kubernetes.io/pod-index",
            ],
        ),
        (
            "apps/v1",
            "DaemonSet",
            template.to_owned(),
            vec!["controller-revision-hash", "pod-template-generation"],
        ),
        ("v1", "ReplicationController", format!("selector: {{app: w}}, {template}"), vec![]),
        (
            "batch/v1",
            "Job",
            template.to_owned(),
            vec!["batch.kubernetes.io/controller-uid", "controller-uid"],
        ),
        (
            "batch/v1",
            "CronJob",
            format!("jobTemplate: {{spec: {{completionMode: Indexed, {template}}}}}"),
            vec![
                "batch.kubernetes.io/controller-uid",
                "controller-uid",
                "batch.kubernetes.io/job-name",
                "job-name",
                "batch.kubernetes.io/job-completion-index",
            ],
        ),
        (
            "argoproj.io/v1alpha1",
            "Rollout",
            template.to_owned(),
            vec!["rollouts-pod-template-hash"],
        ),
        (
            "keda.sh/v1alpha1",
            "ScaledJob",
            format!("jobTargetRef: {{{template}}}"),
            vec![
                "batch.kubernetes.io/controller-uid",
                "batch.kubernetes.io/job-name",
                "controller-uid",
                "job-name",
            ],
        ),
        // Of another operator nothing is known, so it may set any label.
        ("example.com/v1", "Thing", format!("pool: {{{template}}}"), vec![ANY_OTHER_LABEL]),
    ] {
        let text = format!(
            "{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: w, namespace: a}}, \
             spec: {{replicas: 0, {spec}}}}}"
        );
        let (snapshot, _) = assemble(&text);
        let [pod] = snapshot.pods() else { panic!("{kind}: {:?}", snapshot.pods()) };
        assert!(pod.template, "{kind}");
        assert_eq!(pod.labels.get("app"), Some("w"), "{kind}");
        assert_eq!(pod.labels.get("job-name"), (kind == "Job").then_some("w"), "{kind}");
        assert_eq!(pod.unknown_labels, unknown, "{kind}");
        assert_eq!(pod.ports[0].port, Port::tcp(80), "{kind}");
        assert_eq!(pod.owner, Some(0), "{kind}");
        let workload = &snapshot.workloads[0];
        assert_eq!((&*workload.object.kind, workload.replicas), (kind, Some(0)));
        // JSON goes another way and must lead to the same.
        let node = yaml::parse(&yaml::Document::whole(&text)).unwrap().unwrap();
        let json = to_json(&node);
        assert_eq!(pods(&json)[0].unknown_labels, unknown, "{json}");
        assert_eq!(pods(&json)[0].labels, pod.labels, "{json}");
    }
}

/// A tree as JSON, for what is written in these tests.
fn to_json(node: &yaml::Node<'_>) -> String {
    if let Some(entries) = node.entries() {
        let field = |e: &yaml::Entry<'_>| format!("{:?}: {}", e.key, to_json(&e.value));
        return format!("{{{}}}", entries.iter().map(field).collect::<Vec<_>>().join(",\n"));
    }
    if let Some(items) = node.items() {
        return format!("[{}]", items.iter().map(to_json).collect::<Vec<_>>().join(", "));
    }
    node.as_str()
        .map_or_else(|| node.scalar().unwrap().text.to_string(), |text| format!("{text:?}"))
}

use crate::yaml;

#[test]
fn services_of_other_projects_and_virtual_machines() {
    let (snapshot, _) = assemble(
        "apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: hello}
spec: {template: {spec: {containers: [{image: x}]}}}
---
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: vm}
spec: {template: {metadata: {labels: {os: linux}}, spec: {domain: {devices: {}}}}}
---
apiVersion: v1
kind: Service
metadata: {name: hello}
spec: {selector: {a: b}}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: c}
spec: {secretTemplate: {labels: {a: b}}, template: text}
",
    );
    assert_eq!(
        workloads(&snapshot),
        ["default/service.serving.knative.dev/hello", "default/virtualmachine/vm"]
    );
    let labels: Vec<_> = snapshot.pods().iter().map(|pod| pod.labels.to_string()).collect();
    assert_eq!(
        labels,
        [
            "serving.knative.dev/service=hello",
            "kubevirt.io=virt-launcher,os=linux,vm.kubevirt.io/name=vm"
        ]
    );
    assert_eq!(snapshot.services.len(), 1);
}

#[test]
fn services_endpoints_nodes_and_namespaces() {
    let (snapshot, _) = assemble(
        "apiVersion: v1
kind: Service
metadata: {name: web, namespace: a}
spec:
  selector: {app: web}
  clusterIP: 10.96.0.1
  ports:
  - {port: 80}
  - {name: x, port: 443, targetPort: https, protocol: TCP}
  - {port: 53, targetPort: 5353, protocol: UDP}
---
{apiVersion: v1, kind: Service, metadata: {name: less}, spec: {clusterIP: None, selector: {}}}
---
{apiVersion: v1, kind: Service, metadata: {name: out}, spec: {type: ExternalName, externalName: example.com}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: a, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: '', port: 8080}]
endpoints:
- {addresses: [10.0.0.9], targetRef: {kind: Pod, name: p}}
- {addresses: [10.0.0.8], conditions: {ready: false}}
---
apiVersion: v1
kind: Node
metadata: {name: n1, labels: {zone: z}}
spec: {podCIDR: 10.244.0.0/24, podCIDRs: [10.244.0.0/24, 'fd00::/64']}
status: {addresses: [{type: InternalIP, address: 192.0.2.1}, {type: Hostname, address: n1}]}
---
{apiVersion: v1, kind: Namespace, metadata: {name: b, labels: {team: x}}}
",
    );
    let [web, less, out] = &snapshot.services[..] else { panic!() };
    assert!(less.headless && less.selector.is_none() && less.cluster_ips.is_empty());
    assert_eq!(out.external_name.as_deref(), Some("example.com"));
    let targets: Vec<_> = web.ports.iter().map(|port| port.target.clone()).collect();
    assert_eq!(
        targets,
        [TargetPort::Number(80), TargetPort::Name("https".into()), TargetPort::Number(5353)]
    );
    assert!(!web.headless && web.cluster_ips.len() == 1);
    let slice = &snapshot.endpoint_slices[0];
    assert_eq!((&*slice.service, slice.ports[0].1), ("web", Some(8080)));
    assert_eq!(slice.endpoints[0].pod.as_deref(), Some("p"));
    assert!(slice.endpoints[0].ready && !slice.endpoints[1].ready);
    assert_eq!((snapshot.nodes[0].ips.len(), snapshot.pod_cidrs.len()), (1, 2));
    let namespaces: Vec<_> =
        snapshot.namespaces().map(|n| (&*n.name, n.origin.is_some())).collect();
    assert_eq!(namespaces, [("a", false), ("b", true), ("default", false)]);
}

/// Cilium and Calico may hand out addresses that the nodes' pod networks do not have.
#[test]
fn pod_networks_are_not_believed_against_the_pods() {
    let node = "{apiVersion: v1, kind: Node, metadata: {name: n1}, spec: {podCIDRs: [10.244.0.0/24, 'fd00::/64']}}";
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: p}, status: {podIP: 10.0.0.1}}";
    let (snapshot, _) = assemble(&format!("{node}\n---\n{pod}"));
    let nets: Vec<_> = snapshot.pod_cidrs.iter().map(ToString::to_string).collect();
    assert_eq!(nets, ["fd00::/64"]);
}

const DEPLOYMENT: &str = "
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: []}}}
";

fn owned(kind: &str, name: &str, pod: &str, labels: &str, status: &str) -> String {
    format!(
        "
---
apiVersion: v1
kind: Pod
metadata:
  name: {pod}
  labels: {{app: web{labels}}}
  ownerReferences: [{{apiVersion: x/v1, kind: {kind}, name: {name}, controller: true}}]
status: {{{status}}}
"
    )
}

#[test]
fn pods_belong_to_the_top_of_their_owners() {
    let hash = ", pod-template-hash: 5d4f";
    let pod = owned("ReplicaSet", "web-5d4f", "web-5d4f-x", hash, "podIP: 10.0.0.1");
    let set = "
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-5d4f, ownerReferences: [{kind: Deployment, name: web, controller: true}]}
spec: {replicas: 1, template: {metadata: {labels: {app: web}}}}
";
    // However much of the chain was read, the pod is the Deployment's.
    for text in [
        format!("{DEPLOYMENT}{set}{pod}"),
        format!("{DEPLOYMENT}{pod}"),
        format!("{set}{pod}"),
        pod.clone(),
    ] {
        let (snapshot, _) = assemble(&text);
        assert_eq!(workloads(&snapshot), ["default/deploy/web"], "{text}");
        let [pod] = snapshot.pods() else { panic!("{text}") };
        assert_eq!((&*pod.name, pod.owner, pod.template), ("web-5d4f-x", Some(0), false));
    }
    // A ReplicaSet without its Deployment and without pods still says what its pods are.
    let (snapshot, _) = assemble(set);
    assert_eq!(workloads(&snapshot), ["default/deploy/web"]);
    assert!(snapshot.pods()[0].template && &*snapshot.pods()[0].name == "web");
    // One that has no Deployment stands for itself, as does any unknown owner.
    let lone = owned("ReplicaSet", "lone", "lone-x", hash, "");
    assert_eq!(workloads(&assemble(&lone).0), ["default/rs/lone"]);
    let node = owned("Node", "n1", "etcd-n1", "", "");
    assert_eq!(workloads(&assemble(&node).0), [""; 0]);
    let cron = "---\n{apiVersion: batch/v1, kind: CronJob, metadata: {name: c}, spec: {jobTemplate: {spec: {template: {spec: {containers: []}}}}}}";
    let job = owned("Job", "c-29384710", "c-29384710-x", "", "phase: Succeeded");
    let (snapshot, _) = assemble(&format!("{cron}{job}"));
    assert_eq!(workloads(&snapshot), ["default/cj/c"]);
    // The pod is done, and the next one is as the template says.
    let shown: Vec<_> = snapshot.pods().iter().map(|pod| (pod.finished, pod.template)).collect();
    assert_eq!(shown, [(true, false), (false, true)]);
}

#[test]
fn owners_in_a_loop_come_to_an_end() {
    let text = "
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: a, ownerReferences: [{kind: ReplicaSet, name: b, controller: true}]}
spec: {template: {spec: {containers: []}}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: b, ownerReferences: [{kind: ReplicaSet, name: a, controller: true}]}
";
    let pod = owned("ReplicaSet", "a", "p", "", "");
    assert!(!assemble(&format!("{text}{pod}")).0.pods().is_empty());
}

/// Objects whose operators have pod templates of their own, and one whose pods are not known in full.
#[test]
fn pods_of_operators() {
    let (snapshot, _) = assemble(
        "apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata: {name: k8s, namespace: monitoring}
spec: {replicas: 2, serviceAccountName: prometheus-k8s, podMetadata: {labels: {team: a}}}
---
apiVersion: monitoring.coreos.com/v1
kind: Alertmanager
metadata: {name: main, namespace: monitoring}
spec: {portName: http}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: shop-db, namespace: shop}
spec: {instances: 3, inheritedMetadata: {labels: {team: b}}}
---
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata: {name: with-thanos, namespace: monitoring}
spec: {thanos: {}}
---
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaConnect
metadata: {name: sink, namespace: stream}
spec: {replicas: 1, bootstrapServers: kafka:9092}
---
apiVersion: example.com/v1
kind: Prometheus
metadata: {name: other, namespace: monitoring}
spec: {}
",
    );
    let pods: Vec<String> = snapshot
        .pods()
        .iter()
        .map(|pod| {
            let ports = pod
                .ports
                .iter()
                .map(|port| format!("{}={}", port.name.as_deref().unwrap_or_default(), port.port));
            let ports: Vec<String> = ports.collect();
            format!("{} {} as {} {}", pod.name, pod.labels, pod.service_account, ports.join(" "))
        })
        .collect();
    assert_eq!(
        pods,
        [
            "main alertmanager=main,app.kubernetes.io/instance=main,\
             app.kubernetes.io/managed-by=prometheus-operator,app.kubernetes.io/name=alertmanager \
             as default http=9093/TCP mesh-tcp=9094/TCP mesh-udp=9094/UDP reloader-web=8080/TCP",
            "shop-db cnpg.io/cluster=shop-db,team=b as shop-db \
             postgresql=5432/TCP metrics=9187/TCP status=8000/TCP",
            "sink strimzi.io/cluster=sink,strimzi.io/kind=KafkaConnect,strimzi.io/name=sink-connect \
             as sink-connect rest-api=8083/TCP",
            "k8s app.kubernetes.io/instance=k8s,\
             app.kubernetes.io/managed-by=prometheus-operator,app.kubernetes.io/name=prometheus,\
             operator.prometheus.io/name=k8s,prometheus=k8s,team=a as prometheus-k8s \
             web=9090/TCP reloader-web=8080/TCP",
        ]
    );
    assert!(snapshot.pods().iter().all(|pod| pod.unknown_labels.contains(&ANY_OTHER_LABEL)));
}

/// What looks like a pod template in the values of a chart is no workload.
#[test]
fn values_of_charts_are_no_templates() {
    let (objects, warnings) = decode(
        "apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: runner, namespace: ci}
spec:
  values:
    template: {metadata: {labels: {runner: a}}, spec: {containers: [{name: r, image: r}]}}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: runner, namespace: ci}
spec:
  source:
    helm:
      valuesObject:
        template: {metadata: {labels: {runner: a}}, spec: {containers: [{name: r, image: r}]}}
",
    );
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let (snapshot, _) = objects.assemble();
    assert_eq!((snapshot.pods().len(), snapshot.workloads.len()), (0, 0));
}
