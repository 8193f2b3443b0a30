//! What is written: one directory a dialect, each lowered to the one form in [`rule`].
//!
//! In: policy objects as their authors wrote them ([`Written`]). Out: a [`Ruleset`] that the engines
//! read without asking which dialect a rule came from, and the objects that the API server or
//! Cilium's agent would refuse, which are reported and never silently skipped. The dialects are named
//! here and nowhere else: [`Spec`] has one of each.

pub mod admin;
pub mod calico;
pub mod cilium;
mod condition;
mod dialect;
mod enforcer;
mod identity;
mod lowered;
mod names;
pub mod networkpolicy;
mod others;
pub mod rule;
mod ruleset;
mod selector;
pub(crate) mod sight;
mod tier;
mod variables;
mod version;

pub use dialect::{Metadata, WrittenObject};
pub use enforcer::{Calico, Cilium, Enforcement, Enforcer};
pub use identity::LabelFilter;
pub use identity::NODE_LOCAL_DNS;
pub use lowered::{Fault, Lowered, RefusedBy, Remark};
pub use names::NamePattern;
pub(crate) use networkpolicy::port_name_fault;
pub use others::OtherObject;
pub use ruleset::{PolicyId, Ruleset, Traits, Unread, Written};
pub use selector::LabelSelector;
pub(crate) use selector::{
    dns_label_fault, dns_subdomain_fault, label_key_fault, label_value_fault,
};
pub use sight::{Labelling, Sight, peers};
pub use version::{CalicoVersion, CiliumVersion};

use crate::cluster::{ObjectRef, Origin};
use crate::kinds::Kind;
use dialect::{Around, Dialect, lower_all};
use serde::de::{Deserializer, Error};

/// What an object says, in its dialect.
#[derive(Clone, Debug, PartialEq)]
pub enum Spec {
    /// Of `networking.k8s.io`.
    NetworkPolicy(networkpolicy::Spec),
    /// Of `policy.networking.k8s.io`.
    Admin(Box<admin::Spec>),
    /// Of `cilium.io`.
    Cilium(cilium::Spec),
    /// Of `projectcalico.org`.
    Calico(Box<calico::Spec>),
}

impl Spec {
    /// Reads an object of a kind that is a policy, or that policies name.
    ///
    /// Errors: a field has the wrong type, or one is not known where the API server refuses that.
    pub fn read<'de, M: Metadata<'de>, D: Deserializer<'de>>(
        kind: Kind,
        source: D,
    ) -> Result<(M, Self), D::Error> {
        fn of<'de, S: Dialect, M: Metadata<'de>, D: Deserializer<'de>>(
            kind: Kind,
            source: D,
        ) -> Result<(M, Spec), D::Error> {
            S::read(kind, source).map(|(metadata, spec): (M, S)| (metadata, spec.into()))
        }
        match kind {
            _ if networkpolicy::Spec::KINDS.contains(&kind) => {
                of::<networkpolicy::Spec, M, D>(kind, source)
            }
            _ if admin::Spec::KINDS.contains(&kind) => of::<admin::Spec, M, D>(kind, source),
            _ if cilium::Spec::KINDS.contains(&kind) => of::<cilium::Spec, M, D>(kind, source),
            _ if calico::Spec::KINDS.contains(&kind) => of::<calico::Spec, M, D>(kind, source),
            _ => Err(D::Error::custom(format!("{kind} is no policy"))),
        }
    }

    /// Whether it asks for labels of ServiceAccounts.
    pub fn asks_for_accounts(&self) -> bool {
        match self {
            Self::Calico(spec) => spec.asks_for_accounts(),
            Self::NetworkPolicy(_) | Self::Admin(_) | Self::Cilium(_) => false,
        }
    }
}

/// Lowers objects, dialect by dialect; what is returned is to be said of several together.
fn lower(
    all: &[WrittenObject],
    around: &Around<'_>,
    add: &mut dyn FnMut((&ObjectRef, &Origin), Lowered),
) -> Vec<Remark> {
    let names = cilium::NamedPorts::of(around.enforcer, around.snapshot);
    let requires = cilium::Requires::of(all, around);
    let add: &mut dyn FnMut((&ObjectRef, &Origin), Lowered) = &mut |object, mut lowered| {
        if let Some(names) = &names {
            names.settle(&mut lowered);
        }
        requires.settle(&mut lowered);
        add(object, lowered);
    };
    [
        lower_all::<networkpolicy::Spec>(all, around, add),
        lower_all::<admin::Spec>(all, around, add),
        lower_all::<cilium::Spec>(all, around, add),
        lower_all::<calico::Spec>(all, around, add),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of kinds and the dialects know the same policies.
    #[test]
    fn every_kind_of_policy_has_one_dialect() {
        let dialects = [
            networkpolicy::Spec::KINDS,
            admin::Spec::KINDS,
            cilium::Spec::KINDS,
            calico::Spec::KINDS,
        ]
        .concat();
        for kind in Kind::all() {
            let of_it = dialects.iter().filter(|known| **known == kind).count();
            assert_eq!(of_it, usize::from(kind.is_policy()), "{kind}");
        }
    }
}
