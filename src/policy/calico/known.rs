//! What policies refer to: tiers, and sets of addresses with labels.
//!
//! In: all objects of Calico, and what exists. Out: [`Known`].

use super::super::dialect::{Around, Dialect, Placed};
use super::super::rule::{NamedTier, Order, PeerKind, Scope, TierEnd};
use super::super::{Calico, Fault, Lowered, WrittenObject};
use super::meaning::means;
use super::selector::{Expr, NAMESPACE, OF_NAMESPACE};
use super::tiers::built_in;
use super::written::{Body, Set, Spec, Tier};
use crate::cluster::{AddressBlock, Labels, Name, Snapshot, Truth};
use foldhash::HashMap;
use ipnet::IpNet;
use std::net::IpAddr;

/// What policies refer to.
pub(super) struct Known<'a> {
    /// Calico, where it enforces the policies.
    pub(super) settings: Option<&'a Calico>,
    pub(super) snapshot: &'a Snapshot,
    tiers: HashMap<&'a str, NamedTier>,
    sets: Vec<NamedSet<'a>>,
}

/// A set of addresses with labels: a NetworkSet, or a host.
struct NamedSet<'a> {
    called: String,
    namespace: Option<&'a Name>,
    /// `None`: they are not told.
    labels: Option<&'a Labels>,
    /// `None`: they are not told.
    nets: Option<Vec<IpNet>>,
}

impl<'a> Known<'a> {
    pub(super) fn new(
        all: &[Placed<'a, Spec>],
        Around { snapshot, enforcer, beside }: &Around<'a>,
    ) -> Self {
        let positions = beside.iter().copied().flatten().filter_map(|it| it.tier.position());
        let tiers = positions.map(|position| (&*position.tier.name, position.tier.clone()));
        let mut known = Self {
            settings: enforcer.calico(),
            snapshot,
            tiers: tiers.collect(),
            sets: Vec::new(),
        };
        for object in all {
            match &object.spec.body {
                Body::Tier(tier) => {
                    let name = &object.object.name;
                    known.tiers.insert(name, named(name, tier));
                }
                Body::Set(set) => known.sets.push(NamedSet {
                    called: object.object.to_string(),
                    namespace: object.object.namespace.as_ref(),
                    labels: (!object.spec.stored).then_some(&object.spec.labels),
                    nets: Some(networks(set).0),
                }),
                Body::Host(host) => {
                    let ips = host.expected_ips.iter().flatten();
                    let ips: Option<Vec<IpNet>> =
                        ips.map(|ip| ip.parse::<IpAddr>().ok().map(IpNet::from)).collect();
                    known.sets.push(NamedSet {
                        called: object.object.to_string(),
                        namespace: None,
                        labels: (!object.spec.stored).then_some(&object.spec.labels),
                        nets: ips.filter(|ips| !ips.is_empty()),
                    });
                }
                Body::Policy(_) | Body::Staged(_) => {}
            }
        }
        known
    }

    /// The tier of this name, if it is written or always there.
    pub(super) fn tier(&self, name: &str) -> Option<NamedTier> {
        built_in(name).or_else(|| self.tiers.get(name).cloned())
    }

    /// Nothing is told of sets without a namespace, so that what asks for these alone is not known.
    pub(super) fn has_no_sets(&self) -> bool {
        self.sets.iter().all(|set| set.namespace.is_some())
    }

    /// The addresses of sets that a selector means.
    ///
    /// Source: docs/semantics/calico.md#network-sets: matching is by address, whoever has it.
    pub(super) fn addresses(&self, expr: &Expr) -> Vec<PeerKind> {
        let mut all = Vec::new();
        for set in &self.sets {
            let meant = means(expr, &|key| self.label(set, key));
            match (meant, &set.nets) {
                (Truth::No, _) => {}
                (Truth::Yes, Some(nets)) => all.extend(nets.iter().map(|net| block(*net))),
                (Truth::Unknown, Some(nets)) => {
                    let why = format!("the labels of {} are not told here", set.called);
                    let doubt = PeerKind::Unresolved(why.into(), Scope::EVERYONE);
                    let nets = nets.iter().map(|net| block(*net)).collect();
                    all.push(PeerKind::all(vec![PeerKind::any(nets), doubt]));
                }
                (_, None) => {
                    let why = format!("the addresses of {} are not told", set.called);
                    all.push(PeerKind::Unresolved(why.into(), Scope::NODES));
                }
            }
        }
        all
    }

    /// The label of a set: its own, and in a namespace that and the namespace's.
    fn label(&self, set: &NamedSet<'_>, key: &str) -> Result<Option<String>, ()> {
        let own = set.labels.ok_or(())?.get(key);
        let Some(namespace) = set.namespace.filter(|_| own.is_none()) else {
            return Ok(own.map(ToOwned::to_owned));
        };
        if key == NAMESPACE {
            return Ok(Some(namespace.to_string()));
        }
        let Some(of_namespace) = key.strip_prefix(OF_NAMESPACE) else { return Ok(None) };
        if of_namespace == "projectcalico.org/name" {
            return Ok(Some(namespace.to_string()));
        }
        let labels = self.snapshot.namespace_labels(namespace).ok_or(())?;
        Ok(labels.get(of_namespace).map(ToOwned::to_owned))
    }
}

/// The addresses of all sets that are written.
pub(super) fn sets(objects: &[WrittenObject]) -> impl Iterator<Item = PeerKind> {
    let of = |object: &WrittenObject| match Spec::of(&object.spec) {
        Some(Spec { body: Body::Set(set), .. }) => networks(set).0,
        _ => Vec::new(),
    };
    objects.iter().flat_map(of).map(block)
}

fn block(net: IpNet) -> PeerKind {
    PeerKind::Addresses(AddressBlock { cidr: net, except: [].into() }, Scope::EVERYONE)
}

/// Source: docs/semantics/calico.md#tiers: whatever is not Pass is Deny.
fn named(name: &Name, tier: &Tier) -> NamedTier {
    let passes = tier.default_action.as_deref() == Some("Pass");
    let end = if passes { TierEnd::Pass } else { TierEnd::Deny };
    NamedTier { order: Order::from(tier.order), name: name.clone(), end }
}

/// The networks of a set, and what is wrong with the others.
fn networks(set: &Set) -> (Vec<IpNet>, Vec<Fault>) {
    let (mut nets, mut faults) = (Vec::new(), Vec::new());
    for (i, text) in set.nets.iter().flatten().enumerate() {
        let one = || text.parse::<IpAddr>().ok().map(IpNet::from);
        match text.parse::<IpNet>().ok().or_else(one) {
            Some(net) => nets.push(net.trunc()),
            None => faults.push(Fault::new(
                format!("spec.nets[{i}]"),
                format!("{text:?} is no network such as 10.0.0.0/8"),
            )),
        }
    }
    (nets, faults)
}

/// What is to be said of an object that policies refer to.
pub(super) fn check(object: &Placed<'_, Spec>) -> Lowered {
    let mut faults = Vec::new();
    match &object.spec.body {
        Body::Set(set) => {
            faults.extend(networks(set).1);
            if object.spec.labels.get(NAMESPACE).is_some() {
                let path = "metadata.labels".to_owned();
                faults.push(Fault::new(path, format!("{NAMESPACE} is Calico's own label")));
            }
        }
        Body::Tier(tier) => {
            let name = &object.object.name;
            let other = built_in(name).filter(|fixed| {
                let written = named(name, tier);
                (tier.order.is_some() && written.order != fixed.order)
                    || (tier.default_action.is_some() && written.end != fixed.end)
            });
            if let Some(fixed) = other {
                let order = fixed.order.number().unwrap_or_default();
                let message = format!(
                    "tier {name} has order {order} and default action {}: Calico takes no other",
                    fixed.end.as_str()
                );
                faults.push(Fault::new("spec", message));
            }
            if let Some(other) = tier.default_action.as_deref()
                && !["Pass", "Deny"].contains(&other)
            {
                let path = "spec.defaultAction".to_owned();
                faults.push(Fault::new(path, format!("{other:?} is not Pass or Deny")));
            }
        }
        Body::Policy(_) | Body::Staged(_) | Body::Host(_) => {}
    }
    Lowered { faults, ..Lowered::default() }
}
