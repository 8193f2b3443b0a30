//! From the names of the command line to what Hubble's filters know.
//!
//! In: a [`EndName`] and the snapshot. Out: an [`EndFilter`]. Flows of a moment ago may be of pods that are
//! gone, so a name that is not found is taken at its word, with a note.

use anyhow::bail;
use netpol::cluster::{Name, Port, Snapshot, kind_from_word};
use netpol::ends::{EndName, Named, PortWanted, ResolveError, reached, resolve};
use netpol::hubble::{EndFilter, Pods, PodsOf};
use netpol::verdict::Endpoint;

/// What names are looked up in.
pub(in crate::commands) struct Lookup<'a> {
    pub(in crate::commands) snapshot: &'a Snapshot,
    /// Where names without a namespace are.
    pub(in crate::commands) namespace: &'a str,
}

impl Lookup<'_> {
    /// The end that a name means; of a Service with a port, the port of its pods too.
    pub(in crate::commands) fn end(
        &self,
        target: &EndName,
        port: Option<&PortWanted>,
        notes: &mut Vec<String>,
    ) -> anyhow::Result<(EndFilter, Option<Port>)> {
        let found = resolve(self.snapshot, target, self.namespace);
        let word = self.at_its_word(target);
        let end = match (found, word) {
            (Ok(found), word) => {
                let plain = found.service.is_none().then_some(word).flatten();
                if let Some(end) = plain {
                    return Ok((end, None));
                }
                notes.extend(found.notes.iter().cloned());
                found
            }
            (Err(ResolveError::NotFound { asked, .. }), Some(end)) => {
                notes.push(format!(
                    "{asked} is not there now: flows of pods of that name are shown"
                ));
                return Ok((end, None));
            }
            (Err(ResolveError::Finished(_)), Some(end)) => return Ok((end, None)),
            (Err(error), _) => return Err(error.into()),
        };
        let mut pods: Vec<Pods> = Vec::new();
        let (mut addresses, mut domain) = (Vec::new(), None);
        let mut ports = Vec::new();
        for (endpoint, port) in reached(self.snapshot, &end, port)? {
            ports.extend(port);
            match endpoint {
                Endpoint::Pod(id) => {
                    let pod = self.known_as(id);
                    if !pods.contains(&pod) {
                        pods.push(pod);
                    }
                }
                Endpoint::Node(at) => {
                    addresses.extend(self.snapshot.nodes.get(at).iter().flat_map(|n| &n.ips));
                }
                Endpoint::Address(address) | Endpoint::NodeAddress(_, address) => {
                    addresses.push(address);
                }
                Endpoint::Name(name) => domain = Some(name),
                Endpoint::Unseen(unseen) => {
                    bail!("where {} is is not known: give its address", unseen.as_str());
                }
            }
        }
        ports.sort_unstable();
        ports.dedup();
        let port = port.and(match ports.as_slice() {
            [one] => Some(*one),
            [] => None,
            _ => bail!("{} leads to different ports of its pods: name the workload", end.label),
        });
        Ok(match (pods.is_empty(), addresses.is_empty(), domain) {
            (false, true, None) => (EndFilter::Pods(pods), port),
            (true, false, None) => (EndFilter::Addresses(addresses), port),
            (true, true, Some(name)) => (EndFilter::Domain(name), port),
            (true, true, None) => bail!("{} has no pods: nothing would be observed", end.label),
            _ => bail!("{} leads to pods and to addresses outside: name one of them", end.label),
        })
    }

    /// A name that means pods or a namespace, whether they are there or not.
    fn at_its_word(&self, target: &EndName) -> Option<EndFilter> {
        let pods = |namespace: &str, name: &str, of| {
            EndFilter::Pods(vec![Pods { namespace: namespace.into(), name: name.into(), of }])
        };
        let typed = |namespace: &str, kind: &str, name: &str| match kind {
            "Pod" => Some(pods(namespace, name, PodsOf::Pod)),
            "Namespace" => Some(EndFilter::Namespace(name.into())),
            "Service" | "Node" => None,
            kind => Some(pods(namespace, name, PodsOf::Workload(kind.into()))),
        };
        match &target.names {
            Named::Address(address) => Some(EndFilter::Addresses(vec![*address])),
            Named::Host(_) | Named::Pods(_) | Named::Found(_) => None,
            Named::Path(parts) => match parts.as_slice() {
                [name] => Some(pods(self.namespace, name, PodsOf::Either)),
                [first, name] => match kind_from_word(first) {
                    Some(kind) => typed(self.namespace, kind, name),
                    None => Some(pods(first, name, PodsOf::Either)),
                },
                [namespace, kind, name] => typed(namespace, kind_from_word(kind)?, name),
                _ => None,
            },
        }
    }

    /// A pod by its workload, which outlives it.
    fn known_as(&self, id: usize) -> Pods {
        let pod = self.snapshot.pod(id);
        let namespace: Name = pod.namespace.clone();
        match pod.owner.and_then(|owner| self.snapshot.workloads.get(owner)) {
            Some(owner) => Pods {
                namespace,
                name: owner.object.name.clone(),
                of: PodsOf::Workload(owner.object.kind.clone()),
            },
            None => Pods { namespace, name: pod.name.clone(), of: PodsOf::Pod },
        }
    }
}
