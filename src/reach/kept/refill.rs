//! The same classes with other pods in them.
//!
//! In: the classes of one side, and another snapshot. Out: the same classes, in which each pod that is new or
//! otherwise than before is with one of its namespace that is just like it, as the replicas of a workload are.
//! Where some pod has none, or a class would have nobody left, classes have to be made anew.

use super::super::classes::{NO_CLASS, Space};
use super::super::side::family_index;
use super::same;
use crate::cluster::{Addresses, Family, Pod, PodId, Snapshot};

/// So many pods for each pod there is are looked at for one that is just like another.
const MOST_LOOKS: usize = 2;

/// Whether that can be; if not, the classes are as they were.
pub(super) fn refill(space: &mut Space<'_>, before: &Snapshot, after: &Snapshot) -> bool {
    classes(space, before, after).is_some_and(|classes| space.refill(classes))
}

/// The class of each pod.
fn classes(space: &Space<'_>, before: &Snapshot, after: &Snapshot) -> Option<Vec<u32>> {
    let pods = same::pods(before, after)?;
    let was = |id: PodId| pods[id].map(|old| space.class_of_pod[0][old]);
    let mut looks = MOST_LOOKS * pods.len();
    let of = |id: PodId| {
        let pod = after.pod(id);
        if pod.finished {
            return Some(NO_CLASS);
        }
        was(id).or_else(|| {
            let all = after.pods_in(&pod.namespace);
            let mut others = all.map(|(id, _)| id).take_while(|_| {
                looks = looks.saturating_sub(1);
                looks > 0
            });
            others.find_map(|other| {
                let class = was(other).filter(|class| *class != NO_CLASS)?;
                are_alike(space, after, id, other).then_some(class)
            })
        })
    };
    (0..pods.len()).map(of).collect()
}

/// Whether rules see the same of two pods of one namespace, whatever they ask for.
fn are_alike(space: &Space<'_>, snapshot: &Snapshot, a: PodId, b: PodId) -> bool {
    fn seen(pod: &Pod) -> impl PartialEq + '_ {
        let Pod { labels, unknown_labels, service_account, ports, host_network, node, .. } = pod;
        (labels, *unknown_labels, service_account, ports, *host_network, node)
    }
    let alike = |family: Family| {
        let [a, b] = [a, b].map(|id| snapshot.pod_address(id, family));
        match (a, b) {
            (Addresses::Known(a), Addresses::Known(b)) => {
                let atoms = &space.atoms[family_index(family)];
                atoms.of(a) == atoms.of(b)
            }
            (a, b) => a == b,
        }
    };
    let [one, other] = [a, b].map(|id| snapshot.pod(id));
    // All addresses of one on its node's network say whether it is the API server.
    let as_node = !one.host_network || one.ips == other.ips;
    seen(one) == seen(other) && as_node && Family::ALL.into_iter().all(alike)
}

#[cfg(test)]
mod tests {
    use super::super::super::side::Side;
    use super::*;
    use crate::cluster::Origin;
    use crate::policy::Ruleset;

    fn pod(name: &str, app: &str) -> Pod {
        Pod {
            namespace: "n".into(),
            name: name.into(),
            labels: [("app", app)].into_iter().collect(),
            unknown_labels: &[],
            service_account: "default".into(),
            ips: Vec::new(),
            ports: [].into(),
            probes: None,
            host_network: false,
            node: None,
            owner: None,
            template: false,
            ready: true,
            finished: false,
            origin: Origin::Synthetic,
        }
    }

    fn snapshot_of(pods: impl IntoIterator<Item = Pod>) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for pod in pods {
            snapshot.add_pod(pod);
        }
        snapshot
    }

    fn snapshot(pods: &[(&str, &str)]) -> Snapshot {
        snapshot_of(pods.iter().map(|(name, app)| pod(name, app)))
    }

    fn refilled(before: &Snapshot, after: &Snapshot) -> Option<Vec<u32>> {
        let rules = Ruleset::default();
        let mut space = Space::new(vec![Side { snapshot: before, rules: &rules }]);
        if !refill(&mut space, before, after) {
            return None;
        }
        let of = |class| space.members(class).len();
        assert_eq!((0..space.inside).map(of).sum::<usize>(), after.pods().len());
        Some(space.class_of_pod[0].clone())
    }

    #[test]
    fn pods_join_those_that_are_just_like_them() {
        let before = snapshot(&[("a-1", "a"), ("b-1", "b"), ("b-2", "b")]);
        let more = snapshot(&[("a-1", "a"), ("a-2", "a"), ("b-1", "b"), ("b-2", "b")]);
        let fewer = snapshot(&[("a-1", "a"), ("b-2", "b")]);
        let (new, none) = (snapshot(&[("a-1", "a"), ("c-1", "c")]), snapshot(&[]));
        // No rule tells them apart.
        assert_eq!(refilled(&before, &more), Some(vec![0; 4]));
        assert_eq!(refilled(&before, &fewer), Some(vec![0; 2]));
        assert_eq!(refilled(&before, &new), None, "nobody is like c-1");
        assert_eq!(refilled(&before, &none), None, "a class would be empty");
    }

    #[test]
    fn a_pod_on_its_nodes_network_joins_those_with_all_its_addresses() {
        let on_node = |name: &str, ips: &[&str]| Pod {
            host_network: true,
            ips: ips.iter().map(|ip| ip.parse().unwrap()).collect(),
            ..pod(name, "a")
        };
        let first = || on_node("a-1", &["10.0.0.1", "10.0.0.2"]);
        let before = snapshot_of([first()]);
        let with = |ips: &[&str]| {
            let after = snapshot_of([first(), on_node("a-2", ips)]);
            refilled(&before, &after)
        };
        assert_eq!(with(&["10.0.0.1", "10.0.0.2"]), Some(vec![0; 2]));
        assert_eq!(with(&["10.0.0.1"]), None, "the other may be the API server's");
        assert_eq!(with(&["10.0.0.1", "10.0.0.3"]), None);
        assert_eq!(with(&[]), None, "nothing is known of its node");
    }
}
