//! `projectcalico.org`: Calico's policies, tiers and sets of addresses.
//!
//! In: one object as written, in the form of Calico's API or in that in which it is kept, and what its
//! rules refer to ([`Known`]). Out: one [`Policy`](super::rule::Policy) for each direction and each
//! part of its selector, in the tier that it names, or every fault for which Calico refuses it. Source:
//! docs/semantics/calico.md.

mod accounts;
mod known;
mod lower;
mod meaning;
mod placed;
mod ports;
mod selector;
mod services;
mod staged;
mod tiers;
mod ties;
mod written;

pub use written::Spec;

pub(super) use placed::{placed, widened};
pub(super) use staged::enforce;
pub(super) use tiers::is_after_default;
pub(super) use ties::{Ties, ties};

use super::dialect::{Around, Dialect, Metadata, Placed};
use super::rule::{Direction, Order, Policy, TierEnd};
use super::{CalicoVersion, Fault, Lowered};
use crate::cluster::ObjectRef;
use crate::kinds::Kind;
use crate::lints::Lint;
use foldhash::HashSet;
use known::{Known, check};
use lower::Lowering;
use serde::de::Deserializer;
use written::Body;

impl From<Spec> for super::Spec {
    fn from(spec: Spec) -> Self {
        Self::Calico(Box::new(spec))
    }
}

impl Dialect for Spec {
    const KINDS: &'static [Kind] = &[
        Kind::CalicoNetworkPolicy,
        Kind::CalicoGlobalNetworkPolicy,
        Kind::CalicoStagedNetworkPolicy,
        Kind::CalicoStagedGlobalNetworkPolicy,
        Kind::CalicoStagedKubernetesNetworkPolicy,
        Kind::CalicoTier,
        Kind::CalicoNetworkSet,
        Kind::CalicoGlobalNetworkSet,
        Kind::CalicoHostEndpoint,
    ];

    fn read<'de, M: Metadata<'de>, D: Deserializer<'de>>(
        kind: Kind,
        source: D,
    ) -> Result<(M, Self), D::Error> {
        Self::read(kind, source)
    }

    fn of(spec: &super::Spec) -> Option<&Self> {
        match spec {
            super::Spec::Calico(spec) => Some(spec),
            _ => None,
        }
    }

    fn lower<'a>(
        all: &[Placed<'a, Self>],
        around: &Around<'a>,
    ) -> Vec<(Placed<'a, Self>, Lowered)> {
        let known = Known::new(all, around);
        let in_api: HashSet<ObjectRef> =
            all.iter().filter(|it| !it.spec.stored).map(|it| it.object.clone()).collect();
        all.iter()
            .map(|object| {
                let lowered = match &object.spec.body {
                    _ if object.spec.stored && in_api.contains(&object.in_api()) => object.twice(),
                    Body::Policy(policy) => object.policy(policy, &known),
                    Body::Staged(_) => Lowered::default(),
                    Body::Tier(_) | Body::Set(_) | Body::Host(_) => check(object),
                };
                (*object, lowered)
            })
            .collect()
    }
}

impl Placed<'_, Spec> {
    /// What it is called in the form of Calico's API.
    fn in_api(&self) -> ObjectRef {
        ObjectRef { name: self.spec.plain_name(&self.object.name).into(), ..self.object.clone() }
    }

    /// Of an object that is there in both forms that of Calico's API counts.
    ///
    /// Source: docs/semantics/calico.md#objects.
    fn twice(&self) -> Lowered {
        let message =
            format!("is {} in the form in which it is kept: it counts once", self.in_api());
        let lints = vec![Fault::told(Lint::IgnoredField, "metadata.name", message)];
        Lowered { lints, ..Lowered::default() }
    }

    /// One policy for each direction in force and each part of the selector, or why it is refused.
    fn policy(&self, written: &written::Policy, known: &Known<'_>) -> Lowered {
        let fault = |path: &str, message: String| vec![Fault::new(path, message)];
        let told = |lint, path: &str, message: &str| vec![Fault::told(lint, path, message)];
        let Some(calico) = known.settings.copied() else {
            let message = format!(
                "{} is NOT ENFORCED: only Calico reads it, so nothing of it counts here",
                self.object.kind
            );
            return Lowered {
                lints: told(Lint::NotEnforced, "kind", &message),
                ..Lowered::default()
            };
        };
        let mut lowering = Lowering::new(known, self.object.namespace.clone());
        let subject = lowering.subject(written);
        let directions = self.directions(written, &mut lowering);
        let entries = Direction::ALL.map(|direction| {
            let rules = match direction {
                Direction::Ingress => &written.ingress,
                Direction::Egress => &written.egress,
            };
            (direction, lowering.rules(direction, rules.as_deref().unwrap_or_default()))
        });
        self.check(written, &mut lowering);
        let tier_name = written.tier.as_deref().filter(|name| !name.is_empty());
        let tier_name = tier_name.unwrap_or(tiers::DEFAULT);
        let tier = known.tier(tier_name);
        if tier.is_none() && lowering.faults.is_empty() {
            let message = format!(
                "tier {tier_name} is not among what was read, so where this policy stands is not known"
            );
            lowering.not_told("spec.tier", message);
        }
        let Lowering { faults, mut lints, unread, .. } = lowering;
        if !faults.is_empty() || unread {
            return Lowered { faults, lints, unread, ..Lowered::default() };
        }
        let Some(tier) = tier else { return Lowered { lints, unread, ..Lowered::default() } };
        if let Some(message) = self.not_of_its_tier(&tier.name) {
            let fault = fault("metadata.name", message);
            match calico.version {
                Some(CalicoVersion::V3_31) => {
                    return Lowered { faults: fault, ..Lowered::default() };
                }
                Some(CalicoVersion::V3_32) => {}
                None => {
                    let told = |it: Fault| Fault::told(Lint::VersionDependent, it.path, it.message);
                    lints.extend(fault.into_iter().map(told));
                }
            }
        }
        if written.do_not_track == Some(true) || written.pre_dnat == Some(true) {
            let message =
                "is for host endpoints only, which are not judged: it says nothing of pods";
            lints.extend(told(Lint::NotJudged, "spec", message));
            return Lowered { lints, ..Lowered::default() };
        }
        let called = tiers::Called {
            kind: Kind::named(&self.object.kind),
            namespace: self.object.namespace.as_deref(),
            name: self.spec.plain_name(&self.object.name),
        };
        let order = Order::from(written.order);
        if subject.is_empty() {
            lints.extend(told(Lint::MatchesNothing, "spec.selector", "can select no pod"));
        }
        let mut policies = Vec::new();
        for (direction, entries) in entries.into_iter().filter(|(it, _)| directions.contains(it)) {
            for (part, subject) in (0..).zip(&subject) {
                policies.push(Policy {
                    object: self.object.clone(),
                    origin: self.origin.clone(),
                    direction,
                    tier: tiers::place(tier.clone(), order, called, part, calico),
                    subject: subject.clone(),
                    isolates: tier.end == TierEnd::Deny,
                    entries: entries.clone(),
                });
            }
        }
        Lowered { policies, lints, ..Lowered::default() }
    }

    /// What is wrong with its name for releases that ask for that of its tier in it.
    ///
    /// Source: docs/semantics/calico.md#versions.
    fn not_of_its_tier(&self, tier: &str) -> Option<String> {
        let name = &*self.object.name;
        let plain = self.spec.stored || (tier == tiers::DEFAULT && !name.contains('.'));
        let begins = || name.strip_prefix(tier).is_some_and(|it| it.starts_with('.'));
        (!plain && !begins()).then(|| {
            format!("does not begin with {tier}., as names of this tier must before Calico 3.32")
        })
    }

    /// The directions that it governs.
    ///
    /// Source: docs/semantics/calico.md#types.
    fn directions(&self, written: &written::Policy, lowering: &mut Lowering<'_>) -> Vec<Direction> {
        let types = written.types.as_deref().unwrap_or_default();
        let mut directions = Vec::new();
        for (i, name) in types.iter().enumerate() {
            let direction = match name.as_str() {
                "Ingress" => Direction::Ingress,
                "Egress" => Direction::Egress,
                other => {
                    let message = format!("{other:?} is not Ingress or Egress");
                    lowering.fault(format!("spec.types[{i}]"), message);
                    continue;
                }
            };
            if directions.contains(&direction) {
                lowering.fault(format!("spec.types[{i}]"), "is there twice");
            }
            directions.push(direction);
        }
        let has =
            |rules: &Option<Vec<written::Rule>>| rules.as_ref().is_some_and(|it| !it.is_empty());
        let (ingress, egress) = (has(&written.ingress), has(&written.egress));
        if !types.is_empty() {
            for (direction, given) in [(Direction::Ingress, ingress), (Direction::Egress, egress)] {
                if given && !directions.contains(&direction) {
                    let message = "are ignored: types does not list their direction";
                    lowering.lint(Lint::DirectionNotListed, format!("spec.{direction}"), message);
                }
            }
            return directions;
        }
        if self.spec.stored {
            let message = "is missing: in this form, which Calico's API does not fill in, both \
                           directions are meant";
            lowering.lint(Lint::VersionDependent, "spec.types", message);
            return Direction::ALL.to_vec();
        }
        match (ingress, egress) {
            (_, false) => vec![Direction::Ingress],
            (false, true) => vec![Direction::Egress],
            (true, true) => Direction::ALL.to_vec(),
        }
    }

    /// What else Calico refuses.
    ///
    /// Source: docs/semantics/calico.md#refusals.
    fn check(&self, written: &written::Policy, lowering: &mut Lowering<'_>) {
        let hosts = [
            ("spec.doNotTrack", written.do_not_track),
            ("spec.preDNAT", written.pre_dnat),
            ("spec.applyOnForward", written.apply_on_forward),
        ];
        if self.object.namespace.is_some() {
            for (path, _) in hosts.iter().filter(|(_, given)| given.is_some()) {
                lowering.fault(*path, "is a field of GlobalNetworkPolicy");
            }
        }
        let [tracked, early, forwarded] = hosts.map(|(_, given)| given == Some(true));
        if tracked && early {
            lowering.fault("spec.preDNAT", "cannot be given with doNotTrack");
        }
        if (tracked || early) && !forwarded {
            lowering.fault("spec.applyOnForward", "must be true with doNotTrack and preDNAT");
        }
        let egress = written.egress.as_ref().is_some_and(|rules| !rules.is_empty());
        if early && (egress || written.types.iter().flatten().any(|name| name == "Egress")) {
            lowering.fault("spec.preDNAT", "is for ingress only");
        }
    }
}
