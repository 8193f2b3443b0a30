//! Tests that are judged again as a cluster changes, with what was kept, against tests judged anew.

use super::properties::tests_of;
use crate::oracles::text;
use crate::random::rules::changed_rules;
use crate::random::{
    Generator, Random, before_and_after, build, hold, hold_where, with_administrators, with_cilium,
    with_network_policies,
};
use crate::reach_kept::{chosen, versions};
use netpol::cluster::Snapshot;
use netpol::effort::Effort;
use netpol::intent::{judge, judge_again};
use netpol::kinds::Kind;
use netpol::objects::{Objects, decode_text};
use netpol::policy::Written;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Changes of one cluster.
const STEPS: usize = 5;

/// Snapshots that were kept, and those that were linked anew.
static LINKED: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];

fn again(cluster: &[Value], seed: u64) -> Option<String> {
    let mut r = Random::new(!seed);
    let versions = versions(cluster);
    let mut choice = vec![0; versions.len()];
    let first = chosen(&versions, &choice);
    let world = build(&first)?;
    let (_, tests) = tests_of(&mut r, &world);
    let mut kept = None;
    for step in 0..STEPS {
        let at = r.below(versions.len());
        let last = choice[at];
        choice[at] = (last + r.below(2)) % (versions[at].len() + 1);
        let objects = chosen(&versions, &choice);
        let Some(world) = build(&objects) else {
            choice[at] = last;
            continue;
        };
        let (rules, effort) = (&world.rules, Effort::default());
        let [mut one, mut other] = [&world.snapshot, &world.snapshot].map(Snapshot::clone);
        let anew = judge(&mut one, rules, &tests, "n1", effort);
        let again = judge_again(&mut other, rules, (&tests, "n1"), effort, &mut kept);
        let (Ok(anew), Ok(again)) = (&anew, &again) else {
            if anew.is_err() != again.is_err() {
                return Some(format!("{again:?}, not {anew:?}, step {step}"));
            }
            continue;
        };
        for (anew, again) in anew.iter().zip(again) {
            if anew.holds != again.holds {
                return Some(format!("{again:?}, not {anew:?}, step {step}"));
            }
        }
    }
    None
}

#[test]
fn tests_follow_changes() {
    hold(40, before_and_after, again);
    hold(60, changed_rules, again);
}

fn read(cluster: &[Value]) -> Objects {
    decode_text(text(cluster).into(), Path::new("in.yaml"), "default").0
}

/// All of it in words, without what is in no order.
fn told((snapshot, written): &(Snapshot, Written)) -> String {
    let namespaces: Vec<_> = snapshot.namespaces().collect();
    let all = (
        namespaces,
        (snapshot.pods(), &snapshot.workloads, &snapshot.services, &snapshot.endpoint_slices),
        (&snapshot.entrances, &snapshot.calls, &snapshot.nodes, &snapshot.pod_cidrs),
        (&snapshot.gaps, &snapshot.written_twice, &snapshot.settings),
        written,
    );
    format!("{all:#?}")
}

/// Policies beside what was linked before, against all of it linked anew.
fn links(cluster: &[Value], seed: u64) -> Option<String> {
    let mut r = Random::new(!seed);
    let (policies, others): (Vec<_>, Vec<_>) = cluster.iter().cloned().partition(|object| {
        object["kind"].as_str().and_then(Kind::named).is_some_and(Kind::is_policy)
    });
    let [before, after] = [(); 2].map(|()| {
        let some = policies.iter().filter(|_| r.below(3) > 0).cloned();
        read(&others.iter().cloned().chain(some).collect::<Vec<_>>())
    });
    let (last, _) = before.assemble();
    let may = after.may_link_to(&last);
    LINKED[usize::from(!may)].fetch_add(1, Ordering::Relaxed);
    if !may {
        return None;
    }
    let (anew, kept) = (told(&after.clone().assemble()), told(&after.linked_to(last)));
    let mut lines = anew.lines().zip(kept.lines());
    lines.find(|(anew, kept)| anew != kept).map(|(anew, kept)| format!("{kept}, not {anew}"))
}

#[test]
fn policies_are_put_beside_what_is_linked() {
    for generate in [with_network_policies, with_administrators, with_cilium] as [Generator; 3] {
        hold_where(150, generate, |_| true, links, &|_, _, _| {});
    }
    let [kept, anew] = LINKED.each_ref().map(|count| count.load(Ordering::Relaxed));
    assert!(kept > 10 * anew && kept > 100, "{kept} kept, {anew} linked anew");
}

/// Where ServiceAccounts were read, pods have their labels only if there is a policy of Calico.
#[test]
fn labels_of_service_accounts_hang_on_policies() {
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": "default", "namespace": "n", "labels": {"a": "x"}}});
    let policy = json!({"apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkPolicy",
        "metadata": {"name": "p"}, "spec": {"serviceAccountSelector": "a == 'x'"}});
    let (last, _) = read(std::slice::from_ref(&account)).assemble();
    assert!(!read(&[account, policy]).may_link_to(&last));
    assert!(read(&[]).may_link_to(&Snapshot::default()));
}
