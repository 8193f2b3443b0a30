//! The ends of a question that are no names of objects: addresses and host names.
//!
//! In: an address or a host name. Out: requests, as in [`plan`](super::plan), and the namespace that
//! the end is in.

use super::plan::{Planner, Step, Stop};
use super::request::{Answer, Read, Request};
use super::told::{is_global, running};
use netpol::cluster::ObjectRef;
use netpol::kinds::Kind;
use netpol::objects::Body;
use std::net::IpAddr;

impl<'a> Planner<'a> {
    /// An address: of a pod, a Service or a node, or of none of them.
    pub(super) fn address(&mut self, address: IpAddr) -> Step<Option<String>> {
        self.requests.insert(Request::ServicesAt(address));
        let at = self.look_up(address, Request::PodsAt(address))?;
        if let Some((pod, controller)) = at.and_then(|read| running(read, address)) {
            self.namespace(&pod.namespace);
            self.owners(&pod.namespace, std::iter::once((pod, controller)))?;
            return Ok(Some(pod.namespace.to_string()));
        }
        let service = self.look_up(address, Request::ServicesAt(address))?;
        let service = service.and_then(<[_]>::first).map(|(found, _)| &found.object);
        if let Some(ObjectRef { namespace: Some(namespace), name, .. }) = service {
            self.namespace(namespace);
            self.service(namespace, name)?;
            return Ok(Some(namespace.to_string()));
        }
        // Pods can be asked for by their first address only; the second is in a node's network.
        let nodes = self.look_up(address, Request::Nodes)?.unwrap_or_default();
        let node = nodes.iter().find(|(found, _)| match &found.body {
            Body::Node { pod_cidrs, .. } => pod_cidrs.iter().any(|net| net.contains(&address)),
            _ => false,
        });
        let Some((node, _)) = node else { return Ok(None) };
        let read = self.must(Request::PodsOn(node.object.name.clone()))?.unwrap_or_default();
        let Some((pod, _)) = running(read, address) else { return Ok(None) };
        self.namespace(&pod.namespace);
        Ok(Some(pod.namespace.to_string()))
    }

    /// A look-up across the cluster, which not everybody may do. An address that only the world at
    /// large can have is judged as outside all the same.
    fn look_up(&mut self, address: IpAddr, request: Request) -> Step<Option<&'a [Read]>> {
        match self.ask(request)? {
            Answer::Failed(error) if !is_global(address) => Err(Stop::Failed(error.clone())),
            Answer::Read { found, .. } => Ok(Some(found)),
            Answer::Failed(_) | Answer::Missing => Ok(None),
        }
    }

    /// A host name as a pod's resolver sees it; see `verdict` for where the forms come from.
    pub(super) fn host(&mut self, host: &str, namespace: &str) -> Step<Option<String>> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let parts: Vec<&str> = host.split('.').collect();
        match parts.as_slice() {
            [service] => {
                self.namespace(namespace);
                self.service(namespace, service)?;
                Ok(Some(namespace.to_owned()))
            }
            [ip, _, "pod", ..] => {
                let address = ip.replace('-', ".").parse();
                match address.or_else(|_| ip.replace('-', ":").parse()) {
                    Ok(address) => self.address(address),
                    Err(_) => Ok(None),
                }
            }
            [service, namespace, "svc", ..] => {
                self.namespace(namespace);
                self.service(namespace, service)?;
                Ok(Some((*namespace).to_owned()))
            }
            [hostname, service, namespace, "svc", ..] => {
                self.namespace(namespace);
                self.service(namespace, service)?;
                if self.must(Request::pod(namespace, hostname))?.is_none()
                    && let Some((set, _)) = hostname.rsplit_once('-')
                {
                    self.workload(Kind::StatefulSet, namespace, set)?;
                }
                Ok(Some((*namespace).to_owned()))
            }
            [service, first] if self.is_namespace(first, service)? => {
                self.namespace(first);
                self.service(first, service)?;
                Ok(Some((*first).to_owned()))
            }
            // The short form of a pod of a headless Service.
            [hostname, service, first] if self.is_namespace(first, service)? => {
                self.namespace(first);
                self.service(first, service)?;
                if self.must(Request::pod(first, hostname))?.is_none()
                    && let Some((set, _)) = hostname.rsplit_once('-')
                {
                    self.workload(Kind::StatefulSet, first, set)?;
                }
                Ok(Some((*first).to_owned()))
            }
            // Static pods have dots in their names.
            _ => match self.must(Request::pod(namespace, &host))? {
                Some(_) => {
                    self.namespace(namespace);
                    Ok(Some(namespace.to_owned()))
                }
                None => Ok(None),
            },
        }
    }

    /// The name that a Service stands for, which may be a Service of this cluster again.
    pub(super) fn alias(&mut self, name: &str) -> Step<()> {
        let parts: Vec<&str> = name.split('.').collect();
        let here = matches!(parts.as_slice(), [_, _, "svc" | "pod", ..] | [_, _, _, "svc", ..]);
        if here && self.aliases_left > 0 {
            self.aliases_left -= 1;
            self.host(name, "")?;
        }
        Ok(())
    }

    /// Whether a name of two parts is a Service's in a namespace. Who may not read namespaces knows
    /// it by the Service.
    fn is_namespace(&mut self, name: &str, service: &str) -> Step<bool> {
        if self.overlaid_namespace(name) {
            return Ok(true);
        }
        Ok(match self.ask(Request::namespace(name))? {
            Answer::Read { .. } => true,
            Answer::Missing => false,
            Answer::Failed(_) => {
                let service = Request::One(Kind::Service, Some(name.into()), service.into());
                matches!(self.ask(service)?, Answer::Read { .. })
            }
        })
    }
}
