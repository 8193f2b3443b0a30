//! What is known of policies that are not judged: that they may decide.
//!
//! In: an object and what its kind can do. Out: policies in the one form that only perhaps select or
//! match, so that each verdict that the object could change is not known, and says by what.

use super::rule::{
    Action, Direction, Entry, Namespaces, Peer, PeerKind, Peers, PodSet, Policy, Ports, Scope, Tier,
};
use crate::cluster::{ObjectRef, Origin, Selector};
use crate::kinds::Does;

/// An object of a kind that bears on traffic and is not judged.
#[derive(Clone, Debug, PartialEq)]
pub struct OtherObject {
    /// Its kind with its group, namespace and name.
    pub object: ObjectRef,
    /// Where it was written.
    pub origin: Origin,
    /// What it can do.
    pub does: Does,
}

impl OtherObject {
    /// Policies that only perhaps do what it can do.
    ///
    /// Source: docs/semantics/other-kinds.md.
    pub(super) fn policies(&self) -> Vec<Policy> {
        use Direction::{Egress, Ingress};
        // Two of one tier, so that whichever of the two it does comes before everything else.
        let first = |direction, action, nth| {
            self.policy(direction, Tier::Admin(i32::MIN + nth), false, action, Peers::Any)
        };
        let anyone = || self.peers(Scope::EVERYONE);
        let isolating =
            |direction| self.policy(direction, Tier::Normal, true, Action::Allow, anyone());
        match self.does {
            Does::Rule => Direction::ALL
                .into_iter()
                .flat_map(|it| {
                    [first(it, Action::Deny, 0), first(it, Action::Allow, 1), isolating(it)]
                })
                .collect(),
            Does::Separate => Direction::ALL
                .into_iter()
                .flat_map(|it| [first(it, Action::Deny, 0), isolating(it)])
                .collect(),
            Does::Isolate | Does::Make => vec![isolating(Ingress), isolating(Egress)],
            Does::IsolateEgress => vec![isolating(Egress)],
            Does::DenyOutside => {
                let outside = self.peers(Scope::NODES);
                vec![self.policy(Egress, Tier::Admin(i32::MIN), false, Action::Deny, outside)]
            }
            Does::Condition | Does::Redirect | Does::LeadIn | Does::Nothing => Vec::new(),
        }
    }

    fn policy(
        &self,
        direction: Direction,
        tier: Tier,
        isolates: bool,
        action: Action,
        peers: Peers,
    ) -> Policy {
        let namespaces = match &self.object.namespace {
            // What is made lies where whoever makes it says.
            Some(own) if self.does != Does::Make => Namespaces::Own(own.clone()),
            _ => Namespaces::Matching(Selector::default()),
        };
        let path = "spec".into();
        let (only, ports, condition) = (None, Ports::Any, None);
        let entry = Entry { path, place: 0, action, only, peers, ports, condition };
        Policy {
            object: self.object.clone(),
            origin: self.origin.clone(),
            direction,
            tier,
            subject: PodSet {
                doubt: Some(self.why()),
                ..PodSet::new(namespaces, Selector::default())
            },
            isolates,
            entries: vec![entry],
        }
    }

    fn peers(&self, scope: Scope) -> Peers {
        Peers::Of(vec![Peer::new("spec", PeerKind::Unresolved(self.why(), scope))])
    }

    fn why(&self) -> Box<str> {
        format!("{} is not judged", self.object.kind).into()
    }
}
