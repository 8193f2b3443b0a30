//! From the monitors of the Prometheus Operator to connections.
//!
//! In: a ServiceMonitor or a `PodMonitor`. Out: from each pod of the one Prometheus that the operator runs to
//! each pod that the monitor has scraped, at the port there; where it is not known which Prometheus that is,
//! or a port is nowhere, a sentence.

use super::called;
use super::guess::{Finder, Guess, Place};
use super::wire::{Monitor, MonitorSpec, NamespaceSelector, Scraped, Text};
use crate::cluster::{
    ObjectRef, Origin, Pod, PodId, Port, Protocol, Service, ServicePort, TargetPort,
};
use crate::ends::{PortText, PortWanted};
use crate::objects::selector_of;
use crate::prose;

/// Pods that the Prometheus Operator makes, by the labels that it gives them.
///
/// Source: Prometheus Operator, pkg/prometheus/server/statefulset.go, makeStatefulSetSpec.
const PROMETHEUS: [(&str, &str); 2] = [
    ("app.kubernetes.io/name", "prometheus"),
    ("app.kubernetes.io/managed-by", "prometheus-operator"),
];

impl<'a> Finder<'a> {
    /// What a monitor has scraped, by the one Prometheus that the operator runs.
    pub(super) fn monitor(&mut self, object: &ObjectRef, origin: &'a Origin, monitor: &Monitor) {
        let (Some(namespace), Some(spec)) = (&object.namespace, &monitor.spec) else { return };
        let by = format!("{} {namespace}/{}", object.kind, object.name);
        let path = "spec.selector".to_owned();
        let file = self.file(&Place { words: by.clone(), origin, path });
        let (readers, owners) = self.prometheus();
        let of_asked = |id: &PodId| self.is_asked(&self.snapshot.pod(*id).namespace);
        let all = readers.iter().any(of_asked);
        let is_asked = |namespace: &str| all || self.is_asked(namespace);
        let of_pods = &*object.kind == "PodMonitor";
        let (mut services, mut pods) = (Vec::new(), Vec::new());
        if of_pods {
            pods = self.selected(namespace, spec);
            pods.retain(|id| is_asked(&self.snapshot.pod(*id).namespace));
        } else {
            services = self.scraped(namespace, spec);
            services.retain(|service| is_asked(&service.namespace));
        }
        if services.is_empty() && pods.is_empty() {
            return;
        }
        match &owners[..] {
            [_] => {}
            [] => {
                return self
                    .leave(format!("{by}: no pod of the Prometheus Operator is known here"));
            }
            several => {
                let several = prose::list(several, "and");
                return self.leave(format!("{by}: which of {several} reads it is not known"));
            }
        }
        for service in services {
            for endpoint in spec.endpoints.iter().flatten() {
                self.of_service(service, endpoint, &readers, (&by, file.as_deref()));
            }
        }
        for endpoint in spec.pod_metrics_endpoints.iter().flatten() {
            self.of_pods(&pods, endpoint, &readers, (&by, file.as_deref()));
        }
    }

    /// What an endpoint of a ServiceMonitor has scraped.
    fn of_service(
        &mut self,
        service: &Service,
        endpoint: &Scraped,
        readers: &[PodId],
        (by, file): (&str, Option<&str>),
    ) {
        for reader in readers {
            let done = match port_of(endpoint, service) {
                Some(port) => {
                    let wanted = PortWanted { port, protocol: Some(Protocol::Tcp) };
                    self.behind(*reader, service, Some(&wanted), (by, file.map(Into::into)))
                }
                None => Err("it has no such port".to_owned()),
            };
            if let Err(why) = done {
                let at = format!("{}/svc/{}", service.namespace, service.name);
                self.leave(format!("{by} selects {at}: {why}"));
                return;
            }
        }
    }

    /// What an endpoint of a `PodMonitor` has scraped.
    fn of_pods(
        &mut self,
        pods: &[PodId],
        endpoint: &Scraped,
        readers: &[PodId],
        (by, file): (&str, Option<&str>),
    ) {
        for destination in pods.iter().copied() {
            let ports = ports_of(endpoint, self.snapshot.pod(destination));
            if ports.is_empty() {
                let who = called(self.snapshot, destination);
                self.leave(format!("{by} selects {who}: it declares no such port"));
            }
            for port in ports {
                for source in readers.iter().copied() {
                    let (by, file) = (by.into(), file.map(Into::into));
                    self.found.all.insert(Guess { source, destination, port, by, file });
                }
            }
        }
    }

    /// The Services that a ServiceMonitor selects.
    fn scraped(&self, namespace: &str, spec: &MonitorSpec) -> Vec<&'a Service> {
        let Some(selector) = selector_of(&spec.selector) else { return Vec::new() };
        let within = |service: &&Service| is_within(spec, namespace, &service.namespace);
        let services = self.snapshot.services.iter().filter(within);
        services.filter(|service| selector.selects(&service.labels)).collect()
    }

    /// The pods that a `PodMonitor` selects.
    fn selected(&self, namespace: &str, spec: &MonitorSpec) -> Vec<PodId> {
        let Some(selector) = selector_of(&spec.selector) else { return Vec::new() };
        let pods = self.snapshot.pods().iter().enumerate().filter(|(id, pod)| {
            self.snapshot.representative(*id).is_none()
                && !pod.finished
                && is_within(spec, namespace, &pod.namespace)
                && selector.selects(&pod.labels)
        });
        pods.map(|(id, _)| id).collect()
    }

    /// The pods of the Prometheus Operator's, and what they are called.
    fn prometheus(&self) -> (Vec<PodId>, Vec<String>) {
        let is = |(id, pod): &(usize, &Pod)| {
            !pod.finished
                && self.snapshot.representative(*id).is_none()
                && PROMETHEUS.iter().all(|(key, value)| pod.labels.get(key) == Some(*value))
        };
        let pods: Vec<PodId> =
            self.snapshot.pods().iter().enumerate().filter(is).map(|(id, _)| id).collect();
        let mut owners: Vec<String> =
            pods.iter().map(|id| called(self.snapshot, *id).to_string()).collect();
        owners.sort();
        owners.dedup();
        (pods, owners)
    }
}

/// Whether a monitor of a namespace looks into another.
fn is_within(spec: &MonitorSpec, own: &str, namespace: &str) -> bool {
    match &spec.namespace_selector {
        Some(NamespaceSelector { any: true, .. }) => true,
        Some(NamespaceSelector { match_names: Some(names), .. }) if !names.is_empty() => {
            names.iter().any(|name| **name == *namespace)
        }
        _ => own == namespace,
    }
}

/// The port of a Service that is scraped: by its name, or as the one that leads to a port of its pods.
fn port_of(endpoint: &Scraped, service: &Service) -> Option<PortText> {
    let number = |port: &ServicePort| PortText::Number(port.port.number);
    if let Some(name) = endpoint.port.0.as_deref().filter(|name| !name.is_empty()) {
        let mut ports = service.ports.iter();
        return ports.find(|port| port.name.as_deref() == Some(name)).map(number);
    }
    let wanted = endpoint.target_port.as_str();
    let leads = |port: &&ServicePort| match &port.target {
        TargetPort::Number(number) => number.to_string() == wanted,
        TargetPort::Name(name) => **name == *wanted,
    };
    (!wanted.is_empty()).then(|| service.ports.iter().find(leads).map(number))?
}

/// The ports of a pod that are scraped, of those that its containers declare: others are never found.
///
/// Source: Prometheus Operator, pkg/prometheus/promcfg.go, generatePodMonitorConfig.
fn ports_of(endpoint: &Scraped, pod: &Pod) -> Vec<Port> {
    let [port, number, target] =
        [&endpoint.port, &endpoint.port_number, &endpoint.target_port].map(Text::as_str);
    let declared = pod.ports.iter().filter(|declared| {
        let is_name = |name: &str| declared.name.as_deref() == Some(name);
        let is_number = |number: &str| declared.port.number.to_string() == number;
        declared.port.protocol == Protocol::Tcp
            && match (port, number, target) {
                ("", "", "") => true,
                ("", "", either) => is_name(either) || is_number(either),
                ("", number, _) => is_number(number),
                (name, ..) => is_name(name),
            }
    });
    declared.map(|declared| declared.port).collect()
}
