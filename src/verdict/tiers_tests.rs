//! The walk through the tiers, with everything that may be unknown.
//! docs/semantics/kubernetes.md#tiers.

use super::super::trace::EntryTrace;
use super::*;
use Action::{Allow, Deny, Pass};
use Truth::{No, Unknown, Yes};
use proptest::prelude::*;
use std::collections::BTreeSet;

const NOTHING: Circumstances =
    Circumstances { implied: No, always: false, exempt: None, by_cilium: false };

fn trace(tier: Tier, selects: Truth, entries: &[(Action, Truth)]) -> PolicyTrace {
    let entries: Vec<EntryTrace> = entries
        .iter()
        .enumerate()
        .map(|(place, (action, peer))| EntryTrace {
            place,
            action: *action,
            peer: *peer,
            peer_item: None,
            peer_miss: None,
            port: Yes,
            port_item: None,
            port_miss: None,
        })
        .collect();
    let any = |action: Action| {
        Truth::any(entries.iter().filter(|e| e.action == action).map(EntryTrace::matches))
    };
    let (admits, denies) = (any(Allow), any(Deny));
    let isolates = tier == Tier::Normal;
    PolicyTrace { policy: 0, tier, isolates, selects, doubt: None, admits, denies, entries }
}

/// Numbers the policies, which stand by tier already.
fn decided(mut policies: Vec<PolicyTrace>, about: Circumstances) -> Decision {
    for (id, policy) in policies.iter_mut().enumerate() {
        policy.policy = id;
    }
    decide(&policies, about)
}

fn walk(policies: Vec<PolicyTrace>) -> (Verdict, Reason, Option<(PolicyId, usize)>) {
    let Decision { verdict, reason, by, .. } = decided(policies, NOTHING);
    (verdict, reason, by)
}

fn admin(priority: i32, entries: &[(Action, Truth)]) -> PolicyTrace {
    trace(Tier::Admin(priority), Yes, entries)
}

fn netpol(entries: &[(Action, Truth)]) -> PolicyTrace {
    trace(Tier::Normal, Yes, entries)
}

fn baseline(priority: i32, entries: &[(Action, Truth)]) -> PolicyTrace {
    trace(Tier::Baseline(priority), Yes, entries)
}

/// docs/semantics/kubernetes.md#tiers: each tier decides before the next, and names what decides.
#[test]
fn tiers_in_their_order() {
    use Verdict::{Allowed, Denied};
    let refused = |policy, entry| (Denied, Reason::Refused, Some((policy, entry)));
    let admitted = |policy, entry| (Allowed, Reason::Admitted, Some((policy, entry)));
    let (open, shut) = (|| netpol(&[(Allow, Yes)]), || netpol(&[]));
    for (policies, expected) in [
        (vec![], (Allowed, Reason::NotIsolated, None)),
        (vec![admin(1, &[(Deny, Yes)]), open(), baseline(1, &[(Allow, Yes)])], refused(0, 0)),
        (vec![admin(1, &[(Allow, Yes)]), shut(), baseline(1, &[(Deny, Yes)])], admitted(0, 0)),
        (vec![admin(1, &[(Pass, Yes)]), admin(2, &[(Deny, Yes)]), open()], admitted(2, 0)),
        (vec![admin(1, &[(Deny, No)]), shut()], (Denied, Reason::NoneAdmits, None)),
        (vec![shut(), baseline(1, &[(Allow, Yes)])], (Denied, Reason::NoneAdmits, None)),
        (vec![open(), baseline(1, &[(Deny, Yes)])], admitted(0, 0)),
        (vec![admin(1, &[(Pass, Yes)]), baseline(1, &[(Deny, Yes)])], refused(1, 0)),
        (vec![baseline(1, &[(Deny, No), (Allow, Yes), (Deny, Yes)])], admitted(0, 1)),
        (
            vec![baseline(1, &[(Pass, Yes)]), baseline(2, &[(Deny, Yes)])],
            (Allowed, Reason::NotIsolated, None),
        ),
    ] {
        assert_eq!(walk(policies.clone()), expected, "{policies:?}");
    }
}

/// docs/semantics/admin.md#order-and-ties: policies of one priority that disagree are ambiguous only
/// if the ends differ.
#[test]
fn ties() {
    let tie = (Verdict::Ambiguous, Reason::Tie, None);
    let (accept, deny) = (|| admin(5, &[(Allow, Yes)]), || admin(5, &[(Deny, Yes)]));
    let pass = || admin(5, &[(Pass, Yes)]);
    assert_eq!(walk(vec![accept(), deny()]), tie);
    assert_eq!(walk(vec![deny(), deny()]).0, Verdict::Denied);
    assert_eq!(walk(vec![pass(), accept()]).0, Verdict::Allowed);
    assert_eq!(walk(vec![pass(), accept(), netpol(&[])]), tie);
    assert_eq!(walk(vec![pass(), deny(), netpol(&[])]).0, Verdict::Denied);
    assert_eq!(walk(vec![pass(), deny()]), tie);
    assert_eq!(walk(vec![accept(), admin(6, &[(Deny, Yes)])]).0, Verdict::Allowed);
    assert_eq!(walk(vec![accept(), admin(5, &[(Deny, No)])]).0, Verdict::Allowed);
    let (low, high) = (baseline(1, &[(Allow, Yes)]), baseline(1, &[(Deny, Yes)]));
    assert_eq!(walk(vec![low, high]), tie);
    // A third that may join in changes nothing about it; one that may come before does.
    assert_eq!(walk(vec![accept(), deny(), admin(5, &[(Deny, Unknown)])]), tie);
    let before = vec![admin(4, &[(Deny, Unknown)]), accept(), deny()];
    assert_eq!(walk(before).1, Reason::Unknown(UnknownWhy::Rules));
    assert_eq!(walk(vec![accept(), admin(5, &[(Deny, Unknown)])]).0, Verdict::Unknown);
}

/// What is not known matters only where the ends differ.
#[test]
fn unknown_entries_and_subjects() {
    let unknown = (Verdict::Unknown, Reason::Unknown(UnknownWhy::Rules), None);
    let (deny, accept) = (admin(5, &[(Deny, Unknown)]), admin(5, &[(Allow, Unknown)]));
    let perhaps = trace(Tier::Admin(5), Unknown, &[(Deny, Yes)]);
    assert_eq!(walk(vec![deny.clone()]), unknown);
    assert_eq!(walk(vec![perhaps.clone()]), unknown);
    assert_eq!(walk(vec![accept.clone()]).0, Verdict::Allowed);
    assert_eq!(walk(vec![accept.clone(), netpol(&[])]), unknown);
    assert_eq!(walk(vec![deny.clone(), netpol(&[])]).1, Reason::NoneAdmits);
    assert_eq!(walk(vec![perhaps.clone(), netpol(&[])]).0, Verdict::Denied);
    assert_eq!(walk(vec![admin(5, &[(Deny, Unknown), (Deny, Yes)])]).0, Verdict::Denied);
    assert_eq!(walk(vec![admin(5, &[(Deny, Unknown), (Allow, Yes)])]), unknown);
    assert_eq!(walk(vec![admin(5, &[(Pass, Unknown), (Allow, Yes)])]).0, Verdict::Allowed);
    let isolates = trace(Tier::Normal, Unknown, &[]);
    assert_eq!(walk(vec![isolates.clone(), baseline(1, &[(Deny, Yes)])]).0, Verdict::Denied);
    assert_eq!(walk(vec![isolates, baseline(1, &[(Allow, Yes)])]), unknown);
    let admits = trace(Tier::Normal, Unknown, &[(Allow, Yes)]);
    assert_eq!(walk(vec![admits.clone()]).0, Verdict::Allowed);
    assert_eq!(walk(vec![admits, baseline(1, &[(Deny, Yes)])]), unknown);
}

/// docs/semantics/cilium-verdicts.md#allow-localhost and
/// docs/semantics/cilium-verdicts.md#enforcement-mode: the implied rule of the own node, and
/// isolation without a policy.
#[test]
fn implied_rules_and_isolation_of_all() {
    let with = |policies: Vec<PolicyTrace>, implied, always| {
        let Decision { verdict, reason, by, .. } =
            decided(policies, Circumstances { implied, always, ..NOTHING });
        (verdict, reason, by)
    };
    let own_node = (Verdict::Allowed, Reason::OwnNode, None);
    assert_eq!(with(vec![netpol(&[])], Yes, false), own_node);
    assert_eq!(with(vec![], Yes, true), own_node);
    assert_eq!(with(vec![netpol(&[(Deny, Yes)])], Yes, false).1, Reason::Refused);
    assert_eq!(with(vec![admin(1, &[(Deny, Yes)])], Yes, false).1, Reason::Refused);
    let perhaps = Reason::Unknown(UnknownWhy::PerhapsOwnNode);
    assert_eq!(with(vec![netpol(&[])], Unknown, false).1, perhaps);
    assert_eq!(with(vec![], No, true), (Verdict::Denied, Reason::NoneAdmits, None));
    let denied = vec![baseline(1, &[(Deny, Yes)])];
    assert_eq!(with(denied, No, true), (Verdict::Denied, Reason::NoneAdmits, None));
    assert_eq!(with(vec![admin(1, &[(Allow, Yes)])], No, true).1, Reason::Admitted);
}

/// docs/semantics/cilium-verdicts.md#ties-of-clusternetworkpolicy and
/// docs/semantics/cilium-verdicts.md#baseline-behind-isolation.
#[test]
fn as_cilium_decides() {
    let with = |policies: Vec<PolicyTrace>, implied| {
        let about = Circumstances { implied, by_cilium: true, ..NOTHING };
        let Decision { verdict, reason, by, .. } = decided(policies, about);
        (verdict, reason, by)
    };
    let refused = |by| (Verdict::Denied, Reason::Refused, Some(by));
    let admitted = |by| (Verdict::Allowed, Reason::Admitted, Some(by));
    let unknown = (Verdict::Unknown, Reason::Unknown(UnknownWhy::Rules), None);
    let (accept, deny) = (|| admin(5, &[(Allow, Yes)]), || admin(5, &[(Deny, Yes)]));
    assert_eq!(with(vec![accept(), deny()], No), refused((1, 0)));
    assert_eq!(with(vec![admin(5, &[(Pass, Yes)]), accept()], No), admitted((1, 0)));
    let later = || admin(5, &[(Deny, No), (Deny, Yes)]);
    assert_eq!(with(vec![later(), accept()], No), admitted((1, 0)));
    assert_eq!(with(vec![accept(), admin(5, &[(Deny, Unknown)])], No), unknown);
    assert_eq!(with(vec![deny(), admin(5, &[(Allow, Unknown)])], No), refused((0, 0)));
    // Of a policy that perhaps selects nothing behind its first match is ever asked.
    let perhaps = trace(Tier::Admin(5), Unknown, &[(Allow, Yes), (Deny, Yes)]);
    assert_eq!(with(vec![perhaps, admin(5, &[(Allow, No)])], No).0, Verdict::Allowed);
    assert_eq!(with(vec![netpol(&[]), baseline(1, &[(Allow, Yes)])], No), admitted((1, 0)));
    assert_eq!(with(vec![netpol(&[]), baseline(1, &[(Deny, Yes)])], Yes), refused((1, 0)));
    assert_eq!(
        with(vec![netpol(&[(Allow, Yes)]), baseline(1, &[(Deny, Yes)])], No).0,
        Verdict::Allowed
    );
    let none = (Verdict::Denied, Reason::NoneAdmits, None);
    assert_eq!(with(vec![netpol(&[]), baseline(1, &[(Pass, Yes)])], No), none);
    assert_eq!(with(vec![netpol(&[])], Yes), (Verdict::Allowed, Reason::OwnNode, None));
    let itself = trace(Tier::Normal, Unknown, &[(Allow, Yes)]);
    assert_eq!(with(vec![itself], No).0, Verdict::Allowed);
}

/// docs/semantics/kubernetes.md#own-address-through-a-service and
/// docs/semantics/kubernetes.md#pod-to-own-node: a pod to itself through a Service and to its own
/// node: NetworkPolicy is silent, the policies of administrators are not.
#[test]
fn exemptions_are_from_isolation() {
    let with = |policies: Vec<PolicyTrace>, why| {
        let about = Circumstances { exempt: Some(why), ..NOTHING };
        decided(policies, about).reason
    };
    for why in [UnknownWhy::ToOwnNode, UnknownWhy::SelfThroughService] {
        assert_eq!(with(vec![netpol(&[])], why), Reason::Unknown(why));
        assert_eq!(with(vec![netpol(&[(Allow, Yes)])], why), Reason::Admitted);
        assert_eq!(with(vec![admin(1, &[(Deny, Yes)]), netpol(&[])], why), Reason::Refused);
        assert_eq!(with(vec![baseline(1, &[(Deny, Yes)])], why), Reason::Refused);
        assert_eq!(with(vec![admin(1, &[(Pass, Yes)]), netpol(&[])], why), Reason::Unknown(why));
        assert_eq!(
            with(vec![admin(1, &[(Deny, Unknown)])], why),
            Reason::Unknown(UnknownWhy::Rules)
        );
    }
    let why = UnknownWhy::PerhapsOwnNode;
    assert_eq!(with(vec![admin(1, &[(Deny, Yes)])], why), Reason::Unknown(why));
    assert_eq!(with(vec![admin(1, &[(Allow, Yes)])], why), Reason::Admitted);
}

/// Every verdict over every completion of what is not known and every choice between policies of one
/// priority.
fn every_end(policies: &[PolicyTrace]) -> BTreeSet<Vec<Verdict>> {
    let doubt = policies.iter().position(|policy| policy.selects == Unknown);
    if let Some(at) = doubt {
        let with = |truth| {
            let mut policies = policies.to_vec();
            policies[at].selects = truth;
            if truth == No {
                policies.remove(at);
            }
            every_end(&policies)
        };
        return with(Yes).into_iter().chain(with(No)).collect();
    }
    let open = policies.iter().enumerate().find_map(|(at, policy)| {
        Some((at, policy.entries.iter().position(|entry| entry.matches() == Unknown)?))
    });
    if let Some((at, entry)) = open {
        let with = |truth| {
            let mut policies = policies.to_vec();
            policies[at].entries[entry].peer = truth;
            every_end(&policies)
        };
        return with(Yes).into_iter().chain(with(No)).collect();
    }
    let first = |policy: &PolicyTrace| {
        policy.entries.iter().find(|entry| entry.matches().is_yes()).map(|entry| entry.action)
    };
    let tier = |is: fn(&Tier) -> bool| -> BTreeSet<Action> {
        let of_tier = policies.iter().filter(|policy| is(&policy.tier));
        let speak: Vec<_> = of_tier.filter_map(|p| Some((p.tier.clone(), first(p)?))).collect();
        let top = speak.iter().map(|(tier, _)| tier).min();
        let picked: BTreeSet<Action> =
            speak.iter().filter(|(tier, _)| Some(tier) == top).map(|(_, action)| *action).collect();
        if picked.is_empty() { [Pass].into() } else { picked }
    };
    let said = |action| {
        let entries = policies.iter().filter(|p| p.tier == Tier::Normal).flat_map(|p| &p.entries);
        entries.filter(|e| e.action == action).any(|e| e.matches().is_yes())
    };
    let middle = match (said(Deny), said(Allow), policies.iter().any(|p| p.isolates)) {
        (false, true, _) => Allow,
        (true, ..) | (false, false, true) => Deny,
        (false, false, false) => Pass,
    };
    let baseline = tier(|tier| matches!(tier, Tier::Baseline(_)));
    let mut ends = BTreeSet::new();
    for first in tier(|tier| matches!(tier, Tier::Admin(_))) {
        for last in &baseline {
            let decisive = [first, middle, *last].into_iter().find(|action| *action != Pass);
            let denied = decisive == Some(Deny);
            ends.insert(if denied { Verdict::Denied } else { Verdict::Allowed });
        }
    }
    [ends.into_iter().collect()].into()
}

fn any_policy() -> impl Strategy<Value = PolicyTrace> {
    let tier = prop_oneof![
        (1..3).prop_map(Tier::Admin),
        Just(Tier::Normal),
        (1..3).prop_map(Tier::Baseline)
    ];
    let truth = || prop_oneof![Just(Yes), Just(Unknown), Just(No)];
    let action = prop_oneof![Just(Allow), Just(Deny), Just(Pass)];
    let entries = prop::collection::vec((action, truth()), 0..3);
    let selects = prop_oneof![3 => Just(Yes), 1 => Just(Unknown)];
    (tier, selects, entries).prop_map(|(tier, selects, entries)| {
        let normal = tier == Tier::Normal;
        let entries: Vec<_> =
            entries.into_iter().filter(|(action, _)| !normal || *action == Allow).collect();
        trace(tier, selects, &entries)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) })]

    /// The verdict is exactly what all completions and choices have in common.
    #[test]
    fn as_every_completion(mut policies in prop::collection::vec(any_policy(), 0..5)) {
        policies.sort_by_key(|policy| policy.tier.clone());
        let ends = every_end(&policies);
        let expected = match ends.iter().map(Vec::as_slice).collect::<Vec<_>>().as_slice() {
            [[one]] => *one,
            [[_, _]] => Verdict::Ambiguous,
            _ => Verdict::Unknown,
        };
        let Decision { verdict, by, .. } = decided(policies.clone(), NOTHING);
        prop_assert_eq!(verdict, expected);
        if let Some((policy, entry)) = by {
            let entry = &policies[policy].entries[entry];
            let says = if verdict == Verdict::Denied { Deny } else { Allow };
            prop_assert_eq!((policies[policy].selects, entry.matches()), (Yes, Yes));
            prop_assert_eq!(entry.action, says);
        }
    }
}
