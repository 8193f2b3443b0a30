//! What operators make of their objects: labels of the pods that are in no template.
//!
//! In: a custom resource. Out: its [`Operator`], if it is one of those that people run everywhere, and
//! the pod template of objects that have none. Of every other operator is known that it may set any
//! label. What is here holds for every version that was read; what only some do may be there or not.

use super::wire::{self, Container, ContainerPort, LabelMap, Metadata, PodSpec, WireProtocol};
use crate::cluster::{ANY_OTHER_LABEL, Labels, Name, Protocol};
use crate::yaml::{self, Node};

/// The value of a label that an operator sets.
#[derive(Clone, Copy, Debug)]
enum Value {
    /// This one.
    Is(&'static str),
    /// The name of the object.
    Name,
    /// The name of the object and this.
    NameAnd(&'static str),
}

/// What an operator gives the pods of a kind.
#[derive(Debug)]
pub(super) struct Operator {
    group: &'static str,
    kind: &'static str,
    /// Labels whose values are known.
    labels: &'static [(&'static str, Value)],
    /// Labels whose values are not known; [`ANY_OTHER_LABEL`] where there may be more.
    pub(super) unknown: &'static [&'static str],
    /// How its pods are found where the object has no pod template.
    pods: Option<Pods>,
}

/// Pods of objects that have no template.
#[derive(Debug)]
struct Pods {
    /// Where in the object labels of the pods are written; nowhere that is known without it.
    labels: &'static [&'static str],
    /// Fields of `spec` that bring containers of their own, whose ports are not known.
    more: &'static [&'static str],
    /// How many there are, a field of `spec`.
    replicas: &'static str,
    /// What follows the object's name in that of the ServiceAccount; without it, and without a
    /// `spec.serviceAccountName`, it is `default`.
    own_account: Option<&'static str>,
    /// The ports of its containers; the first is called as `spec.portName` has it, if it does.
    ports: &'static [(&'static str, Protocol, u16)],
}

/// Each with where it was read.
const OPERATORS: &[Operator] = &[
    // Argo Rollouts, utils/replicaset and rollout/sync.go: the hash goes into the template that its
    // ReplicaSets have.
    Operator {
        group: "argoproj.io",
        kind: "Rollout",
        labels: &[],
        unknown: &["rollouts-pod-template-hash"],
        pods: None,
    },
    // Knative Serving, pkg/reconciler/revision/resources/meta.go and deploy.go.
    Operator {
        group: "serving.knative.dev",
        kind: "Service",
        labels: &[("serving.knative.dev/service", Value::Name)],
        unknown: &[
            "app",
            "pod-template-hash",
            "serving.knative.dev/configuration",
            "serving.knative.dev/configurationGeneration",
            "serving.knative.dev/configurationUID",
            "serving.knative.dev/revision",
            "serving.knative.dev/revisionUID",
            "serving.knative.dev/serviceUID",
        ],
        pods: None,
    },
    // KubeVirt, pkg/virt-controller/services/template.go.
    Operator {
        group: "kubevirt.io",
        kind: "VirtualMachine",
        labels: &[
            ("kubevirt.io", Value::Is("virt-launcher")),
            ("vm.kubevirt.io/name", Value::Name),
        ],
        unknown: &["kubevirt.io/created-by", "kubevirt.io/nodeName"],
        pods: None,
    },
    // KEDA, pkg/scaling/executor/scale_jobs.go, generateJobs: one label into the template of Jobs,
    // whose own labels their controller adds.
    Operator {
        group: "keda.sh",
        kind: "ScaledJob",
        labels: &[("scaledjob.keda.sh/name", Value::Name)],
        unknown: &[
            "batch.kubernetes.io/controller-uid",
            "batch.kubernetes.io/job-name",
            "controller-uid",
            "job-name",
        ],
        pods: None,
    },
    // CloudNativePG, pkg/specs/pgbouncer/deployments.go, Deployment: what newer versions add besides
    // (cnpg.io/cluster, cnpg.io/podRole, app.kubernetes.io/…) older ones do not.
    Operator {
        group: "postgresql.cnpg.io",
        kind: "Pooler",
        labels: &[("cnpg.io/poolerName", Value::Name)],
        unknown: &["pod-template-hash", ANY_OTHER_LABEL],
        pods: None,
    },
    // CloudNativePG, pkg/specs/pods.go, buildInstance, and api/v1/cluster_funcs.go for what is
    // inherited.
    Operator {
        group: "postgresql.cnpg.io",
        kind: "Cluster",
        labels: &[("cnpg.io/cluster", Value::Name)],
        unknown: &["role", ANY_OTHER_LABEL],
        pods: Some(Pods {
            labels: &["spec", "inheritedMetadata", "labels"],
            more: &["plugins"],
            replicas: "instances",
            own_account: Some(""),
            ports: &[
                ("postgresql", Protocol::Tcp, 5432),
                ("metrics", Protocol::Tcp, 9187),
                ("status", Protocol::Tcp, 8000),
            ],
        }),
    },
    // Prometheus Operator, pkg/prometheus/server/statefulset.go, makeStatefulSetSpec, and for the ports
    // pkg/operator/config_reloader.go; its flag --labels may add any.
    Operator {
        group: "monitoring.coreos.com",
        kind: "Prometheus",
        labels: &[
            ("app.kubernetes.io/instance", Value::Name),
            ("app.kubernetes.io/managed-by", Value::Is("prometheus-operator")),
            ("app.kubernetes.io/name", Value::Is("prometheus")),
            ("operator.prometheus.io/name", Value::Name),
            ("prometheus", Value::Name),
        ],
        unknown: &["operator.prometheus.io/shard", ANY_OTHER_LABEL],
        pods: Some(Pods {
            labels: &["spec", "podMetadata", "labels"],
            more: &["containers", "initContainers", "thanos", "listenLocal"],
            replicas: "replicas",
            own_account: None,
            ports: &[("web", Protocol::Tcp, 9090), ("reloader-web", Protocol::Tcp, 8080)],
        }),
    },
    // Prometheus Operator, pkg/alertmanager/statefulset.go, makeStatefulSetSpec, and operator.go,
    // makeSelectorLabels.
    Operator {
        group: "monitoring.coreos.com",
        kind: "Alertmanager",
        labels: &[
            ("alertmanager", Value::Name),
            ("app.kubernetes.io/instance", Value::Name),
            ("app.kubernetes.io/managed-by", Value::Is("prometheus-operator")),
            ("app.kubernetes.io/name", Value::Is("alertmanager")),
        ],
        unknown: &[ANY_OTHER_LABEL],
        pods: Some(Pods {
            labels: &["spec", "podMetadata", "labels"],
            more: &["containers", "initContainers", "listenLocal"],
            replicas: "replicas",
            own_account: None,
            ports: &[
                ("web", Protocol::Tcp, 9093),
                ("mesh-tcp", Protocol::Tcp, 9094),
                ("mesh-udp", Protocol::Udp, 9094),
                ("reloader-web", Protocol::Tcp, 8080),
            ],
        }),
    },
    // Strimzi, cluster-operator KafkaConnectCluster.java and operator-common Labels.java,
    // generateDefaultLabels: the object's own labels are copied, and those of spec.template.pod added,
    // which may be any but `strimzi.io/…`. A Kafka has pods of several kinds, and what ports these have
    // is said of its listeners, so those are not known.
    Operator {
        group: "kafka.strimzi.io",
        kind: "KafkaConnect",
        labels: &[
            ("strimzi.io/cluster", Value::Name),
            ("strimzi.io/kind", Value::Is("KafkaConnect")),
            ("strimzi.io/name", Value::NameAnd("-connect")),
        ],
        unknown: &[ANY_OTHER_LABEL],
        pods: Some(Pods {
            labels: &[],
            more: &["metricsConfig", "jmxOptions", "template"],
            replicas: "replicas",
            own_account: Some("-connect"),
            ports: &[("rest-api", Protocol::Tcp, 8083)],
        }),
    },
];

/// What is set by operators of which nothing is known.
const ANY: &[&str] = &[ANY_OTHER_LABEL];

/// The operator of a kind.
pub(super) fn operator(group: &str, kind: &str) -> Option<&'static Operator> {
    OPERATORS.iter().find(|operator| operator.group == group && operator.kind == kind)
}

/// The groups of operators whose objects have no pod template, as a text has them that is worth a
/// closer look.
pub(super) fn groups_without_template() -> impl Iterator<Item = &'static str> {
    OPERATORS.iter().filter(|operator| operator.pods.is_some()).map(|operator| operator.group)
}

/// The labels of a template with what the operator of a kind sets, and those that are not known.
pub(super) fn labelled(
    operator: Option<&Operator>,
    name: &Name,
    mut labels: Labels,
) -> (Labels, &'static [&'static str]) {
    let Some(operator) = operator else { return (labels, ANY) };
    for (key, value) in operator.labels {
        let value: Name = match value {
            Value::Is(value) => (*value).into(),
            Value::Name => name.clone(),
            Value::NameAnd(more) => format!("{name}{more}").into(),
        };
        labels = labels.with(key, &value);
    }
    (labels, operator.unknown)
}

/// The template that an operator has for an object without one; `None` where its pods are not known.
pub(super) fn template(
    operator: &Operator,
    object: &Node<'_>,
    name: &Name,
) -> Result<Option<(wire::Template, Option<u32>)>, yaml::Error> {
    let (Some(pods), Some(spec)) = (&operator.pods, object.get("spec")) else { return Ok(None) };
    let given = |field: &&&str| spec.get(field).is_some_and(|value| !value.is_null());
    if pods.more.iter().any(|field| given(&field)) {
        return Ok(None);
    }
    let written = (!pods.labels.is_empty()).then_some(object);
    let labels = written
        .and_then(|object| pods.labels.iter().try_fold(object, |node, field| node.get(field)));
    let labels = labels.map(yaml::from_node::<LabelMap>).transpose()?;
    let text = |field: &str| spec.get(field).and_then(Node::as_str).map(Name::from);
    let first = text("portName");
    let ports = pods.ports.iter().enumerate().map(|(i, (port, protocol, number))| ContainerPort {
        name: Some(first.clone().filter(|_| i == 0).unwrap_or_else(|| (*port).into())),
        number: *number,
        protocol: Some(WireProtocol(*protocol)),
        host_port: None,
    });
    let container = Container { ports: Some(ports.collect()), ..Container::default() };
    let account = text("serviceAccountName")
        .or_else(|| pods.own_account.map(|more| format!("{name}{more}").into()));
    let host_network = spec.get("hostNetwork").map(yaml::from_node).transpose()?;
    let template = wire::Template {
        metadata: Some(Metadata { labels, ..Metadata::default() }),
        spec: Some(PodSpec {
            containers: Some(vec![container]),
            host_network,
            service_account_name: account,
            ..PodSpec::default()
        }),
    };
    let replicas = spec.get(pods.replicas).and_then(|replicas| yaml::from_node(replicas).ok());
    Ok(Some((template, replicas)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kind stands here once, and what is known of its labels is not unknown besides.
    #[test]
    fn each_kind_once() {
        for (i, one) in OPERATORS.iter().enumerate() {
            let again = OPERATORS[..i].iter().any(|o| (o.group, o.kind) == (one.group, one.kind));
            assert!(!again, "{one:?}");
            for (key, _) in one.labels {
                assert!(!one.unknown.contains(key), "{key} of {one:?}");
            }
        }
    }
}
