//! What the rules of Cilium's policies are read against: settings, groups of networks, pods, and whose
//! lookups Cilium sees.

use super::super::dialect::{Around, Placed};
use super::super::{Cilium, Enforcer};
use super::dns::SeenLookups;
use super::written::{Group, Rule, Rules, Spec};
use crate::cluster::Snapshot;
use std::cell::OnceCell;
use std::net::IpAddr;

/// A CiliumNetworkPolicy or CiliumClusterwideNetworkPolicy as written.
pub(super) type CiliumPolicy<'a> = Placed<'a, Rules>;

/// A CiliumCIDRGroup as written.
pub(super) type CidrGroup<'a> = Placed<'a, Group>;

/// What the rules of Cilium's policies are read against.
pub(super) struct Known<'a> {
    /// Cilium's settings, where it enforces the policies.
    pub(super) settings: Option<&'a Cilium>,
    pub(super) enforcer: &'a Enforcer,
    pub(super) groups: Vec<CidrGroup<'a>>,
    pub(super) snapshot: &'a Snapshot,
    /// Whose answers of DNS Cilium sees.
    pub(super) lookups: SeenLookups,
    families: OnceCell<Option<bool>>,
}

impl<'a> Known<'a> {
    pub(super) fn new(
        policies: &[(Placed<'a, Spec>, CiliumPolicy<'a>)],
        groups: &[(Placed<'a, Spec>, CidrGroup<'a>)],
        around: &Around<'a>,
    ) -> Self {
        let Around { snapshot, enforcer, beside } = *around;
        let alone = beside.is_some();
        let lookups = if alone { SeenLookups::of_every_pod() } else { SeenLookups::default() };
        let groups = groups.iter().map(|(_, group)| *group).collect();
        let settings = enforcer.cilium();
        let families = OnceCell::new();
        let mut known = Self { settings, enforcer, groups, snapshot, lookups, families };
        if !alone {
            let policies: Vec<_> = policies.iter().map(|(_, policy)| *policy).collect();
            known.lookups = SeenLookups::new(&policies, &known);
        }
        known
    }

    /// Whether the cluster has both families: as Cilium is told, else as pods and nodes have addresses.
    pub(super) fn dual_stack(&self) -> Option<bool> {
        if let Some(told) = self.settings.and_then(|cilium| cilium.dual_stack) {
            return Some(told);
        }
        *self.families.get_or_init(|| {
            let pods = self.snapshot.pods().iter().map(|pod| &pod.ips);
            let all = pods.chain(self.snapshot.nodes.iter().map(|node| &node.ips));
            let (mut any, mut both) = (false, false);
            for ips in all {
                any |= !ips.is_empty();
                both |= ips.iter().any(IpAddr::is_ipv4) && ips.iter().any(IpAddr::is_ipv6);
            }
            any.then_some(both)
        })
    }
}

impl<'a> CiliumPolicy<'a> {
    /// Each rule with its path.
    pub(super) fn rules(&self) -> impl Iterator<Item = (String, &'a Rule)> + use<'a> {
        let spec = self.spec.spec.iter().map(|rule| ("spec".to_owned(), rule));
        let specs = self.spec.specs.iter().flatten().enumerate();
        spec.chain(specs.map(|(i, rule)| (format!("specs[{i}]"), rule)))
    }
}
