//! What the rules of Cilium's policies are read against: settings, groups of networks, pods, and whose
//! lookups Cilium sees.

use super::super::dialect::{Around, Placed};
use super::super::{Cilium, Enforcer};
use super::dns::SeenLookups;
use super::written::{Group, Rule, Rules, Spec};
use crate::cluster::Snapshot;

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
        let mut known = Self { settings, enforcer, groups, snapshot, lookups };
        if !alone {
            let policies: Vec<_> = policies.iter().map(|(_, policy)| *policy).collect();
            known.lookups = SeenLookups::new(&policies, &known);
        }
        known
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
