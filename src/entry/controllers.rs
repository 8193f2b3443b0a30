//! Who serves a class: the one table of controllers, and where their pods are.
//!
//! In: a [`Lead`]. Out: its [`Front`]. A controller is found by the name that an IngressClass or a
//! GatewayClass gives it, by the usual name of its class where that is not written, and its pods by the
//! labels that its own manifests and charts have. Source: docs/semantics/entries.md#controllers.

use super::Lead;
use super::attached::attached;
use crate::cluster::{Class, Gateway, Pod, PodId, Served, Snapshot};
use crate::prose;
use std::collections::BTreeMap;

/// Who takes the traffic of a route and passes it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Front {
    /// Pods, which policies select as any other.
    Pods(Vec<PodId>),
    /// Cilium's own proxy on each node, which pods see as the entity `ingress`.
    Envoy,
    /// What is outside the cluster, such as a cloud's load balancer.
    Outside(&'static str),
    /// It is not known: why.
    Unknown(String),
}

/// Where the pods of a controller are.
enum Place {
    /// They have one of these sets of labels.
    Labels(&'static [Marks]),
    /// They are made for each Gateway, with labels that name it.
    OfGateway(&'static [Mark]),
    /// Each node has it, as a part of the network plugin.
    Node,
    /// Not in the cluster.
    Cloud,
}

/// Labels, each with its value; without one, any.
type Marks = &'static [(&'static str, Option<&'static str>)];
type Mark = (&'static str, OfGateway);

/// What the value of a label says of a Gateway.
#[derive(Clone, Copy)]
enum OfGateway {
    Name,
    Namespace,
}

/// A controller.
struct Row {
    /// What classes call it; one that goes on with `/…` or `-…` is the same.
    names: &'static [&'static str],
    /// What its classes are mostly called.
    classes: &'static [&'static str],
    words: &'static str,
    place: Place,
}

const NAME: &str = "app.kubernetes.io/name";
const COMPONENT: &str = "app.kubernetes.io/component";
const GATEWAY: &str = "gateway.networking.k8s.io/gateway-name";

/// Source: docs/semantics/entries.md#controllers.
const CONTROLLERS: &[Row] = &[
    Row {
        names: &["k8s.io/ingress-nginx"],
        classes: &["nginx"],
        words: "ingress-nginx",
        place: Place::Labels(&[
            &[(NAME, Some("ingress-nginx"))],
            &[("app", Some("ingress-nginx"))],
        ]),
    },
    Row {
        names: &["nginx.org/ingress-controller"],
        classes: &[],
        words: "NGINX Ingress Controller",
        place: Place::Labels(&[
            &[(NAME, Some("nginx-ingress"))],
            &[("app", Some("nginx-ingress"))],
        ]),
    },
    Row {
        names: &["haproxy.org/ingress-controller"],
        classes: &["haproxy"],
        words: "HAProxy's controller",
        place: Place::Labels(&[
            &[(NAME, Some("kubernetes-ingress"))],
            &[("run", Some("haproxy-ingress"))],
        ]),
    },
    Row {
        names: &["haproxy-ingress.github.io/controller"],
        classes: &[],
        words: "HAProxy Ingress",
        place: Place::Labels(&[&[(NAME, Some("haproxy-ingress"))]]),
    },
    Row {
        names: &["projectcontour.io"],
        classes: &["contour"],
        words: "Contour's Envoy",
        place: Place::Labels(&[
            &[(NAME, Some("contour")), (COMPONENT, Some("envoy"))],
            &[("app", Some("envoy"))],
        ]),
    },
    Row {
        names: &["traefik.io"],
        classes: &["traefik"],
        words: "Traefik",
        place: Place::Labels(&[&[(NAME, Some("traefik"))], &[("app", Some("traefik"))]]),
    },
    Row {
        names: &["ingress-controllers.konghq.com/kong", "konghq.com/kic-gateway-controller"],
        classes: &["kong"],
        words: "Kong",
        place: Place::Labels(&[
            &[("app", Some("proxy-kong"))],
            &[(NAME, Some("kong")), (COMPONENT, Some("app"))],
            &[(NAME, Some("gateway")), (COMPONENT, Some("app"))],
        ]),
    },
    Row {
        names: &["istio.io/ingress-controller"],
        classes: &[],
        words: "Istio's ingress gateway",
        place: Place::Labels(&[&[("istio", Some("ingressgateway"))]]),
    },
    Row {
        names: &["istio.io/gateway-controller"],
        classes: &["istio"],
        words: "Istio's gateway",
        place: Place::OfGateway(&[(GATEWAY, OfGateway::Name)]),
    },
    Row {
        names: &["gateway.nginx.org/nginx-gateway-controller"],
        classes: &[],
        words: "NGINX Gateway Fabric",
        place: Place::OfGateway(&[(GATEWAY, OfGateway::Name)]),
    },
    Row {
        names: &["gateway.envoyproxy.io/gatewayclass-controller"],
        classes: &["eg"],
        words: "Envoy Gateway",
        place: Place::OfGateway(&[
            ("gateway.envoyproxy.io/owning-gateway-name", OfGateway::Name),
            ("gateway.envoyproxy.io/owning-gateway-namespace", OfGateway::Namespace),
        ]),
    },
    Row {
        names: &["openshift.io/ingress-to-route"],
        classes: &["openshift-default"],
        words: "OpenShift's router",
        place: Place::Labels(&[&[(
            "ingresscontroller.operator.openshift.io/deployment-ingresscontroller",
            None,
        )]]),
    },
    Row {
        names: &["cilium.io/ingress-controller", "io.cilium/gateway-controller"],
        classes: &["cilium"],
        words: "Cilium's Envoy",
        place: Place::Node,
    },
    Row {
        names: &["ingress.k8s.aws/alb", "eks.amazonaws.com/alb", "gateway.k8s.aws"],
        classes: &["alb"],
        words: "a load balancer of AWS",
        place: Place::Cloud,
    },
    Row {
        names: &["application-networking.k8s.aws/gateway-api-controller"],
        classes: &["amazon-vpc-lattice"],
        words: "VPC Lattice of AWS",
        place: Place::Cloud,
    },
    Row {
        names: &["networking.gke.io", "k8s.io/ingress-gce"],
        classes: &["gce", "gce-internal"],
        words: "a load balancer of Google Cloud",
        place: Place::Cloud,
    },
    Row {
        names: &["azure/application-gateway", "alb.networking.azure.io/alb-controller"],
        classes: &["azure-application-gateway", "azure-alb-external"],
        words: "an Application Gateway of Azure",
        place: Place::Cloud,
    },
];

impl Row {
    fn is_called(&self, controller: &str) -> bool {
        self.names.iter().any(|name| {
            let rest = controller.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '-']))
        })
    }
}

/// Whom a route asks for.
struct Wanted<'a> {
    /// What asks for it, and for whom, in words.
    words: String,
    row: Option<&'static Row>,
    gateway: Option<&'a Gateway>,
}

/// Who takes the traffic, of many leads: it is the same for all of one class or Gateway.
#[derive(Debug, Default)]
pub struct Fronts(BTreeMap<String, Front>);

impl Fronts {
    /// Who takes the traffic of a lead.
    pub fn of(&mut self, snapshot: &Snapshot, lead: Lead) -> &Front {
        let key = match lead.listener {
            Some((gateway, _)) => format!("gateway {gateway}"),
            None => server(snapshot, lead),
        };
        self.0.entry(key).or_insert_with(|| front(snapshot, lead))
    }
}

/// Who serves a lead, in a form that is the same for all that one serves.
pub(super) fn server(snapshot: &Snapshot, lead: Lead) -> String {
    match (lead.listener, lead.route(snapshot)) {
        (Some(listener), _) => format!("listener {listener:?}"),
        // Each of those that are not known serves its own.
        (None, Some(route)) if matches!(route.served, Served::Gateways(_)) => {
            format!("route {}", lead.route)
        }
        (None, route) => format!("{:?}", route.map(|route| &route.served)),
    }
}

/// Whether ingress-nginx serves a lead.
pub fn is_of_ingress_nginx(snapshot: &Snapshot, lead: Lead) -> bool {
    let row = wanted(snapshot, lead).ok().and_then(|wanted| wanted.row);
    row.is_some_and(|row| row.is_called("k8s.io/ingress-nginx"))
}

/// Who takes the traffic of a lead.
pub fn front(snapshot: &Snapshot, lead: Lead) -> Front {
    let wanted = match wanted(snapshot, lead) {
        Ok(wanted) => wanted,
        Err(why) => return given(snapshot).unwrap_or(Front::Unknown(why)),
    };
    let Some(row) = wanted.row else {
        return given(snapshot).unwrap_or_else(|| Front::Unknown(say_where(&wanted.words)));
    };
    let pods = match &row.place {
        Place::Node => return Front::Envoy,
        Place::Cloud => return Front::Outside(row.words),
        Place::Labels(sets) => pods(snapshot, |pod| sets.iter().any(|marks| has(pod, marks))),
        Place::OfGateway(marks) => {
            let Some(gateway) = wanted.gateway else { return Front::Unknown(wanted.words) };
            pods(snapshot, |pod| marks.iter().all(|mark| names(pod, *mark, gateway)))
        }
    };
    if pods.is_empty() {
        let why = format!("{}, and no pod of {} is here", wanted.words, row.words);
        return given(snapshot).unwrap_or_else(|| Front::Unknown(say_where(&why)));
    }
    Front::Pods(pods)
}

fn say_where(why: &str) -> String {
    format!("{why}: name them with --ingress-controller NAMESPACE/WORKLOAD")
}

/// The pods that the question names.
fn given(snapshot: &Snapshot) -> Option<Front> {
    let (_, pods) = snapshot.entrances.controller.as_ref()?;
    Some(Front::Pods(pods.clone()))
}

/// Errors: nobody is known to be asked for, and why.
fn wanted(snapshot: &Snapshot, lead: Lead) -> Result<Wanted<'_>, String> {
    let entrances = &snapshot.entrances;
    let Some(route) = lead.route(snapshot) else { return Err(String::new()) };
    let by = lead.by(snapshot);
    match &route.served {
        Served::Routers => {
            let words = format!("{by} is served by OpenShift's router");
            Ok(Wanted { words, row: called("openshift.io/ingress-to-route"), gateway: None })
        }
        Served::Gateways(parents) => {
            let gateway = lead.listener.and_then(|(at, _)| entrances.gateways.get(at));
            let Some(gateway) = gateway else {
                let why = attached(snapshot, route, parents).perhaps;
                let why = why.unwrap_or_else(|| format!("no Gateway takes {by}"));
                return Err(format!(
                    "{why}: name the pods of its controller with --ingress-controller NAMESPACE/WORKLOAD"
                ));
            };
            let (words, row) = of_class(&by, &entrances.gateway_classes, &gateway.class);
            Ok(Wanted { words, row, gateway: Some(gateway) })
        }
        Served::Class(Some(class)) => {
            let (words, row) = of_class(&by, &entrances.ingress_classes, class);
            Ok(Wanted { words, row, gateway: None })
        }
        Served::Class(None) => {
            let mut classes = entrances.ingress_classes.iter();
            let Some(class) = classes.find(|class| class.default) else {
                let why = format!("{by} names no class, and no IngressClass here is the default");
                return Err(say_where(&why));
            };
            let (words, row) = of_class(&by, &entrances.ingress_classes, &class.name);
            Ok(Wanted { words, row, gateway: None })
        }
    }
}

fn of_class(by: &str, classes: &[Class], name: &str) -> (String, Option<&'static Row>) {
    if let Some(class) = classes.iter().find(|class| *class.name == *name) {
        let words = format!("{by} has class {name}, which {} serves", class.controller);
        let row = called(&class.controller);
        let unknown = if row.is_none() { ", whose pods are not known here" } else { "" };
        return (words + unknown, row);
    }
    let usual = CONTROLLERS.iter().find(|row| row.classes.contains(&name));
    // Where others are written and it is not even a usual one, it is rather a typing error.
    let words = if usual.is_some() {
        format!("{by} has class {name}, which is not written here")
    } else if !classes.is_empty() {
        let names: Vec<String> = classes.iter().map(|class| class.name.to_string()).collect();
        let there = prose::list(&names, "and");
        let is = if names.len() == 1 { "is" } else { "are" };
        format!("{by} has class {name}, which nothing here serves (there {is} {there})")
    } else {
        format!("{by} has class {name}, which is not written here, and whose pods are not known")
    };
    (words, usual)
}

fn called(controller: &str) -> Option<&'static Row> {
    CONTROLLERS.iter().find(|row| row.is_called(controller))
}

fn pods(snapshot: &Snapshot, is: impl Fn(&Pod) -> bool) -> Vec<PodId> {
    let pods = snapshot.pods().iter().enumerate();
    let there = |(id, pod): &(PodId, &Pod)| {
        !pod.finished && snapshot.representative(*id).is_none() && is(pod)
    };
    pods.filter(there).map(|(id, _)| id).collect()
}

/// Whether a pod has these labels, and is no part of it that takes no traffic.
fn has(pod: &Pod, marks: Marks) -> bool {
    const OTHER_PARTS: &[&str] = &["admission-webhook", "default-backend", "defaultbackend"];
    let part = pod.labels.get(COMPONENT);
    let says = |(key, value): &(&str, Option<&str>)| {
        pod.labels.get(key).is_some_and(|found| value.is_none_or(|value| value == found))
    };
    marks.iter().all(says) && !part.is_some_and(|part| OTHER_PARTS.contains(&part))
}

/// Whether a label of a pod names the Gateway. One that is named only is in the pod's namespace.
fn names(pod: &Pod, (key, what): Mark, gateway: &Gateway) -> bool {
    let value = match what {
        OfGateway::Name => &gateway.name,
        OfGateway::Namespace => &gateway.namespace,
    };
    pod.labels.get(key) == Some(value) && (key != GATEWAY || pod.namespace == gateway.namespace)
}
