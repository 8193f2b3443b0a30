//! What a baseline has to know of a cluster: where DNS is served, and where a Service leads.
//!
//! In: a connection. Out: labels and ports of pods, since policies judge the pod and its port after
//! any Service has translated.

use netpol::baseline::{
    Allowed, AllowedEnd, Destination, DnsFacts, Known, LabelMap, NodeLocal, Who,
};
use netpol::cluster::{Labels, Pod, Port, Service, ServicePort, TargetPort};
use netpol::ends::{PortText, PortWanted};
use netpol::kinds::Kind;
use netpol::objects::{Body, Found, api};
use netpol::policy::rule::Direction;
use netpol::printable::printable;
use netpol::prose;
use netpol_sources::live::{Connection, Error, Selection, Target};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Where clusters have their DNS Service: nearly all of them, OpenShift, and some that name it so.
const DNS_SERVICES: [(&str, &str); 3] =
    [("kube-system", "kube-dns"), ("openshift-dns", "dns-default"), ("kube-system", "coredns")];
/// The label of DNS Services with other names (RKE2).
const DNS_LABEL: &str = "k8s-app=kube-dns";
/// Where NodeLocal DNSCache is installed, and its name.
const NODE_LOCAL: (&str, &str) = ("kube-system", "node-local-dns");

/// Where the cluster serves DNS, and whether that is in the networks of nodes, which no selector means;
/// `None`: there is no such Service.
pub(super) async fn dns_facts(connection: &Connection) -> Result<Option<(DnsFacts, bool)>, Error> {
    let (service, node_local) = tokio::join!(dns_service(connection), node_local_dns(connection));
    let Some(service) = service? else { return Ok(None) };
    let Some(labels) = service.selector.as_ref().filter(|labels| !labels.is_empty()) else {
        return Ok(None);
    };
    let dns = |port: &&ServicePort| {
        port.port.number == 53 || port.name.as_deref().is_some_and(|name| name.starts_with("dns"))
    };
    let ports: Vec<_> = service.ports.iter().filter(dns).collect();
    let ports = target_ports(connection, &service, &ports).await?;
    let pods = pods_behind(connection, &service).await.unwrap_or_default();
    let on_nodes = pods.iter().any(|pod| pod.host_network && !pod.finished);
    let facts = DnsFacts {
        service: format!("{}/{}", service.namespace, service.name),
        namespace: service.namespace.to_string(),
        labels: map(labels),
        ports,
        // Without it DNS works as it always did.
        node_local: node_local.ok().flatten(),
    };
    Ok(Some((facts, on_nodes)))
}

async fn dns_service(connection: &Connection) -> Result<Option<Service>, Error> {
    for (namespace, name) in DNS_SERVICES {
        if let Some(service) = service(connection, namespace, name).await? {
            return Ok(Some(service));
        }
    }
    let target = Target::kind(Kind::Service).within("kube-system");
    let selection = Selection { labels: Some(DNS_LABEL.to_owned()), ..Selection::default() };
    let list = connection.list::<api::Service>(&target, &selection).await?;
    Ok(list.items.into_iter().find_map(|item| body(item.into())))
}

/// A Service; `None`: there is none.
async fn service(
    connection: &Connection,
    namespace: &str,
    name: &str,
) -> Result<Option<Service>, Error> {
    let target = Target::kind(Kind::Service).within(namespace).named(name);
    match connection.get::<api::Service>(&target).await {
        Ok(service) => Ok(body(service.into())),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where a Service leads, by the port that clients dial or by all of its ports.
pub(super) async fn destination(
    connection: &Connection,
    namespace: &str,
    name: &str,
    port: Option<&PortWanted>,
) -> Result<Destination, String> {
    let label = format!("{namespace}/svc/{name}");
    let service = service(connection, namespace, name).await.map_err(|error| error.to_string())?;
    let Some(service) = service else {
        let near = nearest(connection, &Target::kind(Kind::Service).within(namespace), name).await;
        return Err(format!("there is no Service {label}{near}"));
    };
    if let Some(external) = &service.external_name {
        return Err(format!(
            "{label} stands for {external}, which is outside the cluster: NetworkPolicy knows no \
             names"
        ));
    }
    let Some(labels) = service.selector.as_ref().filter(|labels| !labels.is_empty()) else {
        return Err(format!("{label} selects no pods, so no policy can name what is behind it"));
    };
    let matches = |at: &&ServicePort| {
        port.is_none_or(|wanted| {
            wanted.protocol.is_none_or(|protocol| protocol == at.port.protocol)
                && match &wanted.port {
                    PortText::Number(number) => *number == at.port.number,
                    PortText::Name(name) => at.name.as_deref() == Some(name),
                }
        })
    };
    let chosen: Vec<_> = service.ports.iter().filter(matches).collect();
    if let Some(port) = port.filter(|_| chosen.is_empty()) {
        let known: Vec<_> = service.ports.iter().map(|port| port.port.to_string()).collect();
        return Err(format!("{label} has no port {port}; it has {}", known.join(", ")));
    }
    let ports = if service.headless {
        // Clients dial the pods, so no port is translated.
        chosen.iter().map(|port| number(port.port)).collect()
    } else {
        target_ports(connection, &service, &chosen).await.map_err(|error| error.to_string())?
    };
    let (namespace, name) = (namespace.to_owned(), name.to_owned());
    Ok(Destination { label, who: Who::Service { namespace, name, labels: map(labels) }, ports })
}

/// So many similar names an error lists.
const NEAREST: usize = 3;

/// The names that are most like one that is not there, by one list of names; nothing where none is, or
/// where they may not be listed.
pub(super) async fn nearest(connection: &Connection, of: &Target, name: &str) -> String {
    let Ok(list) = connection.list_metadata::<Head>(of).await else { return String::new() };
    let known = list.items.into_iter().filter_map(|head| head.metadata.name);
    let mut near: Vec<(f64, String)> = known
        .map(|known| (strsim::jaro_winkler(&known, name), known))
        .filter(|(likeness, _)| *likeness > 0.7)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let near: Vec<String> =
        near.into_iter().take(NEAREST).map(|(_, name)| printable(&name).into_owned()).collect();
    match near.len() {
        0 => String::new(),
        1 => format!("; there is {}", near[0]),
        _ => format!("; there are {}", prose::list(&near, "and")),
    }
}

/// An object of which only the name is read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    metadata: HeadMetadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct HeadMetadata {
    name: Option<String>,
}

/// Who is meant by an allow: for a workload, the labels of its pods that last.
pub(super) async fn known(
    connection: Option<&Connection>,
    (direction, asked): &(Direction, Allowed),
) -> Result<Known, String> {
    let mut labels = None;
    if let AllowedEnd::Workload { namespace, kind, name } = &asked.who {
        let Some(connection) = connection else {
            return Err(format!("{asked}: there is no cluster to ask for its pods"));
        };
        let kind = Kind::named(kind).ok_or_else(|| format!("{asked}: there is no such kind"))?;
        let target = Target::kind(kind).within(&**namespace).named(&**name);
        let object = connection.find(&target).await.map_err(|error| error.to_string())?;
        let Some(object) = object else {
            let near = nearest(connection, &Target::kind(kind).within(&**namespace), name).await;
            return Err(format!("{asked}: it is not there{near}"));
        };
        labels = lasting_labels(&object);
        if labels.is_none() {
            return Err(format!("{asked}: its pods have no labels that last: name them by labels"));
        }
    }
    Ok(Known { direction: *direction, asked: asked.clone(), peers: asked.peers(labels) })
}

/// Labels that a controller gives to each of its pods, or for one rollout only.
const PASSING: [&str; 8] = [
    "pod-template-hash",
    "pod-template-generation",
    "controller-revision-hash",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-completion-index",
    "controller-uid",
];

/// The labels of a workload's pods: those that it selects them by, else those that it gives to them.
fn lasting_labels(object: &Value) -> Option<LabelMap> {
    let spec = &object["spec"];
    let given = [
        &spec["selector"]["matchLabels"],
        // A ReplicationController.
        &spec["selector"],
        &spec["template"]["metadata"]["labels"],
        &spec["jobTemplate"]["spec"]["template"]["metadata"]["labels"],
        &object["metadata"]["labels"],
    ];
    given.into_iter().find_map(|labels| {
        let labels = labels.as_object()?.iter();
        let lasting = labels.filter(|(key, _)| !PASSING.contains(&key.as_str()));
        let lasting: Option<LabelMap> =
            lasting.map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
        lasting.filter(|labels| !labels.is_empty())
    })
}

/// What of a cluster itself is in a namespace, so that closing it may harm all others.
pub(super) async fn needed_by_all(
    connection: &Connection,
    namespace: &str,
) -> Result<Option<String>, Error> {
    const PLUGINS: [&str; 10] = [
        "cilium",
        "calico-node",
        "canal",
        "kube-flannel-ds",
        "antrea-agent",
        "aws-node",
        "weave-net",
        "kube-router",
        "azure-npm",
        "ovnkube-node",
    ];
    if super::SYSTEM.contains(&namespace) {
        return Ok(Some("the cluster itself runs there".to_owned()));
    }
    let sets = Target::kind(Kind::DaemonSet).within(namespace);
    let sets = connection.list::<Value>(&sets, &Selection::default()).await?;
    let mut names = sets.items.iter().filter_map(|set| set["metadata"]["name"].as_str());
    if let Some(name) = names.find(|name| PLUGINS.contains(name)) {
        return Ok(Some(format!("the network plugin runs there (daemonset/{name})")));
    }
    let flux = Target::of("apps/v1", "deployments").within(namespace);
    let part = Some("app.kubernetes.io/part-of=flux".to_owned());
    let selection = Selection { labels: part, ..Selection::default() };
    if !connection.list::<Value>(&flux, &selection).await?.items.is_empty() {
        return Ok(Some("Flux runs there".to_owned()));
    }
    for resource in ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"] {
        let all = Target::of("admissionregistration.k8s.io/v1", resource);
        let all = connection.list::<Value>(&all, &Selection::default()).await?;
        let served = |hook: &Value| hook["clientConfig"]["service"]["namespace"] == namespace;
        let has =
            |item: &&Value| item["webhooks"].as_array().is_some_and(|all| all.iter().any(served));
        if let Some(item) = all.items.iter().find(has) {
            let name = item["metadata"]["name"].as_str().unwrap_or_default();
            return Ok(Some(format!("the API server asks a webhook there ({name})")));
        }
    }
    Ok(None)
}

/// Words that are taken for the name of a namespace, and hardly meant so.
const NO_NAMESPACES: [&str; 4] = ["all", "any", "anyone", "everyone"];

/// Why pods of a namespace are nobody at all now; `None`: somebody is there.
pub(super) async fn nobody(
    connection: &Connection,
    namespace: &str,
    labels: &LabelMap,
) -> Result<Option<String>, Error> {
    let at = Target::kind(Kind::Namespace).named(namespace);
    if connection.find(&at).await?.is_none() {
        let meant = if NO_NAMESPACES.contains(&namespace) {
            "; cluster is every pod, internet every address"
        } else {
            ""
        };
        let near = match meant {
            "" => nearest(connection, &Target::kind(Kind::Namespace), namespace).await,
            _ => String::new(),
        };
        return Ok(Some(format!("there is no namespace {namespace}{meant}{near}")));
    }
    let pairs: Vec<_> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let target = Target::kind(Kind::Pod).within(namespace);
    let labels = (!pairs.is_empty()).then(|| pairs.join(","));
    let selection = Selection { labels, ..Selection::default() };
    let pods = connection.list::<serde::de::IgnoredAny>(&target, &selection).await?;
    let of =
        if pairs.is_empty() { String::new() } else { format!(" with labels {}", pairs.join(",")) };
    Ok(pods.items.is_empty().then(|| format!("no pod runs in {namespace}{of}")))
}

/// A sentence for each port that is a Service's and leads to another on the pods.
pub(super) async fn service_ports(
    connection: &Connection,
    namespace: &str,
    given: &[&PortWanted],
) -> Result<Vec<String>, Error> {
    let target = Target::kind(Kind::Service).within(namespace);
    let list = connection.list::<api::Service>(&target, &Selection::default()).await?;
    let services: Vec<_> = list.items.into_iter().filter_map(|item| body(item.into())).collect();
    let all =
        || services.iter().flat_map(|service| service.ports.iter().map(move |p| (service, p)));
    let is_target = |number| all().any(|(_, port)| port.target == TargetPort::Number(number));
    let mut lines = Vec::new();
    for wanted in given {
        let PortText::Number(number) = wanted.port else { continue };
        for (service, port) in all().filter(|(_, port)| port.port.number == number) {
            if is_target(number) {
                continue;
            }
            let target = match &port.target {
                TargetPort::Number(number) => number.to_string(),
                TargetPort::Name(name) => name.to_string(),
            };
            lines.push(format!(
                "port {number} is that of Service {}; policies judge the port on the pod, which is \
                 {target}",
                service.name
            ));
        }
    }
    Ok(lines)
}

/// The pods that a Service selects.
async fn pods_behind(connection: &Connection, service: &Service) -> Result<Vec<Pod>, Error> {
    let target = Target::kind(Kind::Pod).within(&*service.namespace);
    let labels = service.selector.as_ref().map(ToString::to_string);
    let selection = Selection { labels, ..Selection::default() };
    let list = connection.list::<api::Pod>(&target, &selection).await?;
    let pod = |item: api::Pod| match Found::from(item).body {
        Body::Pod { pod, .. } => Some(*pod),
        _ => None,
    };
    Ok(list.items.into_iter().filter_map(pod).collect())
}

/// The ports on the pods. A named one has the numbers that the pods give it, since plugins
/// disagree on names in egress rules; without pods it stays a name.
async fn target_ports(
    connection: &Connection,
    service: &Service,
    ports: &[&ServicePort],
) -> Result<Vec<PortWanted>, Error> {
    let is_named = |port: &&&ServicePort| matches!(port.target, TargetPort::Name(_));
    let mut pods = Vec::new();
    if ports.iter().any(|port| is_named(&port)) {
        pods = pods_behind(connection, service).await?;
    }
    let mut found = Vec::new();
    for port in ports {
        let protocol = port.port.protocol;
        match &port.target {
            TargetPort::Number(target) => {
                found.push(number(Port { protocol, number: *target }));
            }
            TargetPort::Name(name) => {
                let numbers = pods.iter().flat_map(|pod| pod.named_ports(name, protocol));
                let numbers: BTreeSet<u16> = numbers.collect();
                if numbers.is_empty() {
                    let port = PortText::Name(name.to_string());
                    found.push(PortWanted { port, protocol: Some(protocol) });
                }
                found.extend(numbers.into_iter().map(|n| number(Port { protocol, number: n })));
            }
        }
    }
    let mut seen: Vec<PortWanted> = Vec::new();
    found.retain(|port| {
        !seen.contains(port) && {
            seen.push(port.clone());
            true
        }
    });
    Ok(found)
}

async fn node_local_dns(connection: &Connection) -> Result<Option<NodeLocal>, Error> {
    let (namespace, name) = NODE_LOCAL;
    let target = Target::kind(Kind::DaemonSet).within(namespace).named(name);
    match connection.get::<DaemonSet>(&target).await {
        Ok(found) => Ok(Some(found.node_local())),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn body(found: Found) -> Option<Service> {
    match found.body {
        Body::Service(service) => Some(*service),
        _ => None,
    }
}

fn map(labels: &Labels) -> LabelMap {
    labels.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn number(port: Port) -> PortWanted {
    PortWanted { port: PortText::Number(port.number), protocol: Some(port.protocol) }
}

/// The fields of NodeLocal DNSCache that say where it listens.
#[derive(Deserialize)]
struct DaemonSet {
    spec: Spec,
}

#[derive(Deserialize)]
struct Spec {
    template: Template,
}

#[derive(Deserialize)]
struct Template {
    #[serde(default)]
    metadata: Metadata,
    spec: PodSpec,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    labels: LabelMap,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodSpec {
    #[serde(default)]
    host_network: bool,
    #[serde(default)]
    containers: Vec<Container>,
}

#[derive(Deserialize)]
struct Container {
    #[serde(default)]
    args: Vec<String>,
}

impl DaemonSet {
    fn node_local(self) -> NodeLocal {
        let Template { metadata, spec } = self.spec.template;
        if !spec.host_network {
            return NodeLocal { addresses: Vec::new(), labels: metadata.labels };
        }
        let args: Vec<String> = spec.containers.into_iter().flat_map(|it| it.args).collect();
        let mut addresses = Vec::new();
        for (at, arg) in args.iter().enumerate() {
            let Some(rest) = arg.trim_start_matches('-').strip_prefix("localip") else { continue };
            let value = rest.strip_prefix('=').or_else(|| args.get(at + 1).map(String::as_str));
            let listed = value.unwrap_or_default().split(',');
            // The others are the DNS Service's own.
            addresses.extend(listed.filter_map(|ip| ip.parse().ok()).filter(is_link_local));
        }
        NodeLocal { addresses, labels: LabelMap::new() }
    }
}

fn is_link_local(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local() || address.is_unique_local(),
    }
}
