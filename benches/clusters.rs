//! Clusters of any size in memory, in the shapes that `cargo xtask gen-cluster` writes.
//!
//! In: a [`Case`]. Out: a snapshot of its pods and workloads, and its policies as read.

use crate::shapes::{self, Case, Made, generate};
use netpol::cluster::{ContainerPort, Labels, ObjectRef, Origin, Pod, Port, Snapshot, Workload};
use netpol::policy::networkpolicy::Spec;
use netpol::policy::{Enforcer, Ruleset, Written};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// What exists and what is written.
pub(crate) fn cluster(case: Case) -> (Snapshot, Written) {
    let mut snapshot = Snapshot::default();
    let mut written = Written::default();
    let mut address = u32::from(Ipv4Addr::new(10, 0, 0, 0));
    generate(case, 42, &mut |made| match made {
        Made::Namespace { name, labels } => {
            snapshot.add_namespace(name, &labels.iter().copied().collect(), None);
        }
        Made::Workload { namespace, app, labels, pods } => {
            add(&mut snapshot, &mut address, (namespace, app), labels, pods);
        }
        Made::Policy { namespace, name, spec } => {
            let spec: Spec = serde_json::from_value(spec).unwrap();
            written.objects.push(spec.named(namespace, name, Origin::Synthetic));
        }
    });
    (snapshot, written)
}

/// The policies in force, all of which are valid.
pub(crate) fn rules(snapshot: &Snapshot, written: &Written) -> Ruleset {
    enforced(snapshot, written, &Enforcer::default())
}

/// The same as an enforcer reads them.
pub(crate) fn enforced(snapshot: &Snapshot, written: &Written, enforcer: &Enforcer) -> Ruleset {
    let rules = Ruleset::compile(written, snapshot, enforcer);
    assert!(rules.rejected.is_empty(), "{:?}", rules.rejected.first());
    rules
}

fn add(
    snapshot: &mut Snapshot,
    address: &mut u32,
    (namespace, app): (&str, &str),
    labels: &[(&str, &str)],
    count: usize,
) {
    let labels: Labels = labels.iter().copied().collect();
    let ports: Arc<[ContainerPort]> = shapes::ports(app)
        .iter()
        .map(|(name, protocol, number)| ContainerPort {
            name: Some((*name).into()),
            port: Port { protocol: protocol.parse().unwrap(), number: *number },
            host_port: None,
            sidecar: false,
        })
        .collect();
    let owner = snapshot.workloads.len();
    snapshot.workloads.push(Workload {
        object: ObjectRef::namespaced("Deployment", namespace, app),
        selector: None,
        replicas: None,
        origin: Origin::Synthetic,
    });
    for replica in 0..count {
        *address += 1;
        snapshot.add_pod(Pod {
            namespace: namespace.into(),
            name: format!("{app}-{replica}").into(),
            labels: labels.clone(),
            unknown_labels: &[],
            service_account: "default".into(),
            ips: vec![IpAddr::from(Ipv4Addr::from(*address))],
            ports: ports.clone(),
            probes: None,
            host_network: false,
            node: Some(format!("node-{}", *address % 5000).into()),
            owner: Some(owner),
            template: false,
            ready: true,
            finished: false,
            origin: Origin::Synthetic,
        });
    }
}
