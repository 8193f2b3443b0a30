//! `toServices`: the pods and addresses behind Services.
//!
//! In: the items of an element that allows. Out: whom they mean, and how far that is known. Source:
//! docs/semantics/cilium-rules.md#services; `resolveToServices` in Cilium's pkg/policy/k8s and
//! `mergeEndpointSelectors` in its pkg/policy/utils, 1.18 to 1.20.

use super::super::rule::{BlockFields, Namespaces, Peer, PeerKind, PodSet, Scope};
use super::super::variables::{unknown_peer, variable};
use super::lower::Lowering;
use super::written::ServiceRef;
use crate::cluster::{NAMESPACE_NAME_LABEL, Selector, Service};
use crate::lints::Lint;
use ipnet::IpNet;
use std::net::IpAddr;

/// Whether the Services of an element lead to anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lead {
    /// To no one, so that they are as good as not written.
    Nowhere,
    /// That is not known.
    Perhaps,
    /// To someone.
    Somewhere,
}

impl Lowering<'_> {
    /// Adds whoever is behind the Services, certainly or perhaps.
    pub(super) fn services(
        &mut self,
        field: &str,
        written: &[ServiceRef],
        peers: &mut Vec<Peer>,
    ) -> Lead {
        let mut lead = Lead::Nowhere;
        for (i, reference) in written.iter().enumerate() {
            lead = lead.max(self.reference(&format!("{field}[{i}]"), reference, peers));
        }
        lead
    }

    fn reference(&mut self, path: &str, reference: &ServiceRef, peers: &mut Vec<Peer>) -> Lead {
        let all = || self.known.snapshot.services.iter();
        // Of a live cluster only those Services were read that a flow needs.
        let (found, unread): (Vec<&Service>, bool) = match reference {
            ServiceRef { k8s_service_selector: Some(wanted), .. } => {
                let field = format!("{path}.k8sServiceSelector.selector");
                let Some(selector) = wanted.selector.clone() else {
                    self.refuse(field, "is missing: {} selects every Service");
                    return Lead::Perhaps;
                };
                let namespace = wanted.namespace.as_deref();
                let Some(selector) = self.plain_labels(&field, &selector) else {
                    self.perhaps_service(path, namespace, peers);
                    return Lead::Perhaps;
                };
                let chosen = self.known.snapshot.services.iter().filter(|service| {
                    selector.selects(&service.labels) && is_in(service, namespace)
                });
                (chosen.collect(), self.live)
            }
            ServiceRef { k8s_service: Some(wanted), .. } => {
                let name = wanted.service_name.as_deref().unwrap_or_default();
                let chosen = all().filter(|service| {
                    *service.name == *name && is_in(service, wanted.namespace.as_deref())
                });
                (chosen.collect(), false)
            }
            ServiceRef { .. } => {
                self.lint(Lint::EmptyRule, path, "names no Service, so it matches nothing");
                return Lead::Nowhere;
            }
        };
        let mut lead = Lead::Nowhere;
        if unread || found.is_empty() {
            let by_name = reference.k8s_service.as_ref().and_then(|w| w.namespace.as_deref());
            let by_labels = reference.k8s_service_selector.as_ref();
            let by_labels = by_labels.and_then(|wanted| wanted.namespace.as_deref());
            self.perhaps_service(path, by_labels.or(by_name), peers);
            lead = Lead::Perhaps;
        }
        for service in found {
            lead = lead.max(self.service(path, service, peers));
        }
        lead
    }

    fn service(&mut self, path: &str, service: &Service, peers: &mut Vec<Peer>) -> Lead {
        if let Some(labels) = &service.selector {
            let namespace = Selector::labels([(NAMESPACE_NAME_LABEL, service.namespace.clone())]);
            let set = PodSet::new(Namespaces::Matching(namespace), Selector::labels(labels.iter()));
            peers.push(Peer::new(path, PeerKind::Pods(set)));
            return Lead::Somewhere;
        }
        let slices =
            self.known.snapshot.endpoint_slices.iter().filter(|slice| {
                slice.namespace == service.namespace && slice.service == service.name
            });
        let addresses: Vec<IpAddr> = slices
            .flat_map(|slice| &slice.endpoints)
            .flat_map(|endpoint| endpoint.addresses.iter().copied())
            .collect();
        if addresses.is_empty() {
            let why = format!(
                "the addresses of the Service {}/{} are not known",
                service.namespace, service.name
            );
            self.unresolved(path, &why, peers);
            return Lead::Perhaps;
        }
        for address in addresses {
            self.block(path, &BlockFields::ITSELF, (IpNet::from(address), &[]), peers);
        }
        Lead::Somewhere
    }

    /// Whoever may be behind a Service that was not read.
    fn perhaps_service(&mut self, path: &str, namespace: Option<&str>, peers: &mut Vec<Peer>) {
        let why = "the Services that it names were not all read";
        self.lint(Lint::NotJudged, path, format!("cannot be told: {why}"));
        let namespace = namespace.filter(|name| !name.is_empty() && variable(name).is_none());
        let namespace = namespace.map(|name| (NAMESPACE_NAME_LABEL, name));
        let every = Namespaces::Matching(Selector::labels(namespace));
        let pods = PodSet::new(every, Selector::default());
        let admits = PeerKind::Pods(PodSet { doubt: Some(why.into()), ..pods });
        peers.push(Peer::new(path, admits));
        peers.push(unknown_peer(path, why, self.scope));
    }
}

/// Everyone, where what the Services lead to is not known and ports stand beside them: Services that
/// lead to no one leave the ports open to anyone.
pub(super) fn perhaps_anyone(path: &str) -> Peer {
    let why = "the Services that it names were not all read, and where they lead to no one Cilium \
               lets anyone pass on these ports";
    unknown_peer(path, why, Scope::EVERYONE)
}

/// Whether a Service is in a namespace; none means any.
fn is_in(service: &Service, namespace: Option<&str>) -> bool {
    namespace.is_none_or(|name| name.is_empty() || *service.namespace == *name)
}
