//! Clusters of any size in memory, in the shapes that `cargo xtask gen-cluster` writes.

#[path = "../xtask/src/gen_cluster/shapes.rs"]
mod shapes;

use netpol::cluster::{ContainerPort, Labels, Origin, Pod, Port, Snapshot};
use netpol::policy::networkpolicy::NetworkPolicy;
use netpol::policy::{Enforcer, Ruleset, Written};
pub(crate) use shapes::{Case, Shape};
use shapes::{Made, generate};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}-{}", self.shape, self.pods)
    }
}

pub(crate) struct Cluster {
    pub(crate) snapshot: Snapshot,
    pub(crate) rules: Ruleset,
    pub(crate) workloads: usize,
}

pub(crate) fn cluster(case: Case) -> Cluster {
    let mut snapshot = Snapshot::default();
    let mut written = Written::default();
    let mut address = u32::from(Ipv4Addr::new(10, 0, 0, 0));
    let mut workloads = 0;
    generate(case, 42, &mut |made| match made {
        Made::Namespace { name, labels } => {
            snapshot.add_namespace(name, &labels.iter().copied().collect(), None);
        }
        Made::Workload { namespace, app, labels, pods } => {
            add(&mut snapshot, &mut address, namespace, app, labels, pods);
            workloads += 1;
        }
        Made::Policy { namespace, name, spec } => written.network_policies.push(NetworkPolicy {
            namespace: namespace.into(),
            name: name.into(),
            origin: Origin::Synthetic,
            spec: serde_json::from_value(spec).unwrap(),
        }),
    });
    let rules = Ruleset::compile(&written, &snapshot, &Enforcer::default());
    assert!(rules.rejected.is_empty(), "{:?}", rules.rejected.first());
    Cluster { snapshot, rules, workloads }
}

fn add(
    snapshot: &mut Snapshot,
    address: &mut u32,
    namespace: &str,
    app: &str,
    labels: &[(&str, &str)],
    count: usize,
) {
    let labels: Labels = labels.iter().copied().collect();
    let ports: Arc<[ContainerPort]> = shapes::ports(app)
        .iter()
        .map(|(name, protocol, number)| ContainerPort {
            name: Some((*name).into()),
            port: Port { protocol: protocol.parse().unwrap(), number: *number },
            sidecar: false,
        })
        .collect();
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
            host_network: false,
            node: Some(format!("node-{}", *address % 5000).into()),
            owner: None,
            template: false,
            ready: true,
            finished: false,
            origin: Origin::Synthetic,
        });
    }
}
