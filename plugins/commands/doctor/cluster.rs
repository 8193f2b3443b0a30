//! The cluster: whether it answers, what we may read there, which kinds it has, who enforces policies.

use crate::cli::GlobalArgs;
use netpol::answer::{Area, Check};
use netpol::kinds::{EnforcedBy, Kind, Role, group as group_of};
use netpol::policy::{Calico, Cilium, Enforcement, Enforcer};
use netpol_sources::live::{Connection, Error, Right, Selection, ServedKinds, Target};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Nobody waits longer to hear that a cluster does not answer.
const LIMIT: Duration = Duration::from_secs(20);

/// Of one list nobody waits longer.
const STORED: Duration = Duration::from_secs(8);

/// A right: verb, group and resource.
type Access = (&'static str, &'static str, &'static str);

/// What is read.
const READ: &[Kind] = &[
    Kind::Namespace,
    Kind::Pod,
    Kind::Service,
    Kind::NetworkPolicy,
    Kind::EndpointSlice,
    Kind::Node,
    Kind::Deployment,
    Kind::ReplicaSet,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::Job,
    Kind::CronJob,
    Kind::ReplicationController,
];

/// What `bootstrap` writes.
const WRITE: &[(&str, Kind)] = &[
    ("create", Kind::Namespace),
    ("patch", Kind::Namespace),
    ("create", Kind::NetworkPolicy),
    ("patch", Kind::NetworkPolicy),
    ("delete", Kind::NetworkPolicy),
];

/// A right to do something to all objects of a kind.
fn right(verb: &'static str, kind: Kind) -> Access {
    (verb, kind.group(), kind.plural())
}

/// Whether a resource is of no namespace.
fn is_cluster_wide(resource: &str) -> bool {
    Kind::all().any(|kind| kind.plural() == resource && kind.is_cluster_scoped())
}

/// Groups of kinds that may be there, with what is read of them.
fn groups() -> Vec<(&'static str, &'static str, Vec<&'static str>)> {
    let mut groups: Vec<(&str, &str, Vec<&str>)> = Vec::new();
    let judged = Kind::policies().filter(|kind| matches!(kind.role(), Role::Policy(..)));
    for kind in judged.filter(|kind| !READ.contains(kind)) {
        let what = match kind.enforced_by() {
            Some(EnforcedBy::Cilium) => "policies of Cilium",
            Some(EnforcedBy::Calico) => "policies of Calico",
            _ => "policies of administrators",
        };
        let mut of_kind: Vec<&str> = kind.versions().iter().map(|it| group_of(it)).collect();
        of_kind.dedup();
        for group in of_kind {
            match groups.iter_mut().find(|(known, ..)| *known == group) {
                Some((.., resources)) => resources.push(kind.plural()),
                None => groups.push((group, what, vec![kind.plural()])),
            }
        }
    }
    groups.push(("kustomize.toolkit.fluxcd.io", "Kustomizations of Flux", vec!["kustomizations"]));
    groups
}

/// Everything about the cluster.
pub(super) async fn checks(global: &GlobalArgs) -> Vec<Check> {
    let mut checks = Vec::new();
    if timeout(LIMIT, all(global, &mut checks)).await.is_err() {
        let says = format!("the cluster has not answered everything in {} s", LIMIT.as_secs());
        checks.push(Check::wrong(Area::Cluster, says, "try again, or check the network"));
    }
    checks
}

async fn all(global: &GlobalArgs, checks: &mut Vec<Check>) {
    let connection = match global.connect().await {
        Ok(connection) => connection,
        Err(error) => return checks.push(Check::error(Area::Cluster, &error)),
    };
    let version = match connection.version().await {
        Ok(version) => version,
        Err(error) => return checks.push(Check::error(Area::Cluster, &error)),
    };
    let context = connection.context().map_or(String::new(), |name| format!(", context {name}"));
    let server = connection.server();
    checks.push(Check::ok(Area::Cluster, format!("Kubernetes {version} at {server}{context}")));
    if let Some(check) = storage(&connection, global.namespace.as_deref()).await {
        return checks.push(check);
    }
    rights(&connection, global.namespace.as_deref(), checks).await;
    kinds(&connection, checks).await;
}

/// What is wrong with what the API server keeps its objects in: it answers without, as long as it is not asked
/// for any.
async fn storage(connection: &Connection, only: Option<&str>) -> Option<Check> {
    let target = Target::kind(Kind::NetworkPolicy).within(only.unwrap_or(connection.namespace()));
    let selection = Selection::default();
    let listed = connection.list::<serde::de::IgnoredAny>(&target, &selection);
    match timeout(STORED, listed).await {
        Err(_) => Some(Check::wrong(
            Area::Cluster,
            format!(
                "the API server answers, but has listed no NetworkPolicies in {} s",
                STORED.as_secs()
            ),
            "see whether its etcd is up; until then every command waits or fails",
        )),
        Ok(Err(error)) if error.is_of_server() || matches!(error, Error::Status { .. }) => {
            Some(Check::error(Area::Cluster, &error))
        }
        // Rights are asked for below.
        Ok(_) => None,
    }
}

async fn rights(connection: &Connection, only: Option<&str>, checks: &mut Vec<Check>) {
    match reading(connection, only).await {
        Ok(found) => checks.extend(found),
        Err(why) => {
            let says = format!("rights cannot be asked for: {why}");
            return checks.push(Check::note(Area::Rights, says, None));
        }
    }
    let place = only.map_or("in all namespaces".to_owned(), |only| format!("in {only}"));
    let write: Vec<Access> = WRITE.iter().map(|(verb, kind)| right(verb, *kind)).collect();
    let Ok(missing) = lacking(connection, &write, only).await else { return };
    checks.push(if missing.is_empty() {
        Check::ok(Area::Rights, format!("bootstrap may write {place}"))
    } else {
        let missing: Vec<_> =
            missing.iter().map(|(verb, _, resource)| format!("{verb} {resource}")).collect();
        let says = format!("bootstrap may not {} {place}", missing.join(", "));
        Check::note(Area::Rights, says, Some("ask for these rights, or use --export".to_owned()))
    });
}

/// What may be read in all namespaces; what only in one, that of -n or of the context; and what not.
async fn reading(connection: &Connection, only: Option<&str>) -> Result<Vec<Check>, String> {
    let own = only.unwrap_or(connection.namespace());
    let read: Vec<Access> = READ.iter().map(|kind| right("list", *kind)).collect();
    let missing = lacking(connection, &read, None).await?;
    let namespaced = |(_, _, resource): &Access| !is_cluster_wide(resource);
    let asked: Vec<Access> = missing.iter().copied().filter(namespaced).collect();
    let not_here = lacking(connection, &asked, Some(own)).await?;
    let only_here: Vec<&Access> = asked.iter().filter(|right| !not_here.contains(right)).collect();
    // Who asks for one namespace may well do without what is of none.
    let beside = |right: &&Access| only.is_some() && !namespaced(right);
    let (beside, denied): (Vec<_>, Vec<_>) =
        missing.iter().filter(|right| !only_here.contains(right)).partition(beside);
    let list = |rights: Vec<&Access>| {
        rights.into_iter().map(|(_, _, resource)| *resource).collect::<Vec<_>>().join(", ")
    };
    let mut checks = Vec::new();
    let place = match only {
        Some(only) if !missing.is_empty() => format!("in {only}"),
        _ => "in all namespaces".to_owned(),
    };
    if denied.is_empty() && (only_here.is_empty() || only.is_some()) {
        let says = format!("all that is read may be listed {place}");
        checks.push(Check::ok(Area::Rights, says));
    }
    if !only_here.is_empty() {
        let says = format!("only in {own} you may list {}", list(only_here));
        let advice = "ask for the right in all namespaces, which list and diff need";
        checks.push(match only {
            Some(_) => Check::note(Area::Rights, says, advice.to_owned()),
            None => Check::wrong(Area::Rights, says, format!("{advice}; or give -n {own}")),
        });
    }
    if !beside.is_empty() {
        let says = format!("you may not list {}", list(beside));
        let advice = "ask for these rights for list and diff, which look at the whole cluster";
        checks.push(Check::note(Area::Rights, says, advice.to_owned()));
    }
    if !denied.is_empty() {
        checks.push(Check::wrong(
            Area::Rights,
            format!("you may not list {} {place}", list(denied)),
            "ask for these rights; without them answers are Unknown or errors",
        ));
    }
    Ok(checks)
}

/// The rights of these that we do not have, all asked for at once.
async fn lacking(
    connection: &Connection,
    rights: &[Access],
    namespace: Option<&str>,
) -> Result<Vec<Access>, String> {
    let mut running = JoinSet::new();
    for (order, right) in rights.iter().copied().enumerate() {
        let (connection, namespace) = (connection.clone(), namespace.map(ToOwned::to_owned));
        running.spawn(async move { (order, right, may(connection, right, namespace).await) });
    }
    let mut missing = Vec::new();
    while let Some(joined) = running.join_next().await {
        let (order, right, allowed) = joined.map_err(|error| error.to_string())?;
        if !allowed? {
            missing.push((order, right));
        }
    }
    missing.sort_unstable();
    Ok(missing.into_iter().map(|(_, right)| right).collect())
}

async fn may(
    connection: Connection,
    (verb, group, resource): Access,
    namespace: Option<String>,
) -> Result<bool, String> {
    let namespace = namespace.as_deref().filter(|_| !is_cluster_wide(resource));
    let right = Right { verb, group, resource, namespace };
    connection.may(right).await.map_err(|error| error.to_string())
}

async fn kinds(connection: &Connection, checks: &mut Vec<Check>) {
    let served = match connection.served_kinds().await {
        Ok(served) => served,
        Err(error) => return checks.push(Check::error(Area::Kinds, &error)),
    };
    // Calico's are in one of two groups, and the first that is served counts.
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let all = groups();
    let is_served = |wanted: &str| {
        all.iter().any(|(group, what, _)| *what == wanted && !served.versions(group).is_empty())
    };
    for (group, what, resources) in &all {
        let versions = served.versions(group);
        if told.contains(what) || (versions.is_empty() && is_served(what)) {
            continue;
        }
        told.insert(*what);
        if versions.is_empty() {
            let says = format!("{group} is not served: no {what}");
            checks.push(Check::ok(Area::Kinds, says));
            continue;
        }
        let lists: Vec<Access> = resources.iter().map(|name| ("list", *group, *name)).collect();
        // Where rights cannot be asked for, that was said already.
        let denied = lacking(connection, &lists, None).await.unwrap_or_default();
        let denied: Vec<&str> = denied.into_iter().map(|(_, _, resource)| resource).collect();
        let versions = versions.join(", ");
        checks.push(if denied.is_empty() {
            Check::ok(Area::Kinds, format!("{group} {versions}: {what} are read"))
        } else {
            Check::wrong(
                Area::Kinds,
                format!("{group} {versions}: you may not list {}", denied.join(", ")),
                format!("ask for these rights; {what} are not known without them"),
            )
        });
    }
    checks.extend(network(connection, &served).await);
}

/// Who enforces the policies, and what of its settings changes what they mean.
async fn network(connection: &Connection, served: &ServedKinds) -> Vec<Check> {
    let Some((enforcer, gap)) = connection.enforcer(served).await else {
        let says = "the cluster names none; policies are read as the specifications have them";
        let advice = "--enforcer names one";
        return vec![Check::note(Area::Network, says, Some(advice.to_owned()))];
    };
    if let Enforcer::Calico(Calico { version }) = &enforcer {
        return vec![match version {
            Some(_) => {
                Check::ok(Area::Network, format!("Calico enforces policies, read as by {enforcer}"))
            }
            None => Check::note(
                Area::Network,
                "Calico enforces policies; its version is not known: neither what it tells of itself nor \
                 the image of calico-node could be read",
                Some("--enforcer calico-3.31 or calico-3.32 says which it is".to_owned()),
            ),
        }];
    }
    let mut checks = Vec::new();
    match gap {
        None => {
            let release = connection.cilium_release().await.unwrap_or_default();
            let says = format!("Cilium {release} enforces policies, read as by {enforcer}");
            checks.push(Check::ok(Area::Network, says));
        }
        Some(gap) => {
            let says = format!("{} are not known: {}", gap.what, gap.why);
            checks.push(Check::note(Area::Network, says, None));
        }
    }
    checks.extend(enforcer.cilium().map(|cilium| settings(cilium, served)).unwrap_or_default());
    checks
}

/// The settings of Cilium's agent that make policies mean less than they say, or more.
fn settings(cilium: &Cilium, served: &ServedKinds) -> Vec<Check> {
    let wrong = |says: &str, advice: &str| Check::wrong(Area::Network, says, advice);
    let note = |says: &str, advice: &str| Check::note(Area::Network, says, advice.to_owned());
    let mut checks = Vec::new();
    checks.push(match cilium.enforcement {
        Enforcement::Default => Check::ok(
            Area::Network,
            "enable-policy is default: what policies select is isolated, and nothing else",
        ),
        Enforcement::Always => Check::ok(
            Area::Network,
            "enable-policy is always: every pod is isolated, whether a policy selects it or not",
        ),
        Enforcement::Never => wrong(
            "enable-policy is never: Cilium enforces no policy",
            "set it to default or always",
        ),
    });
    if cilium.audit {
        checks.push(wrong(
            "policy-audit-mode is on: what policies deny is let through",
            "turn it off once nothing is denied that should pass",
        ));
    }
    if !cilium.network_policies {
        checks.push(wrong(
            "enable-k8s-networkpolicy is false: Cilium enforces no NetworkPolicy",
            "set it to true; those of bootstrap do nothing until then",
        ));
    }
    if !cilium.non_default_deny {
        checks.push(note(
            "enable-non-default-deny-policies is false: policies isolate whatever their enableDefaultDeny",
            "set it to true if policies are to allow without isolating",
        ));
    }
    if !cilium.l7_proxy {
        checks.push(note(
            "enable-l7-proxy is false: policies with rules for HTTP or DNS are rejected",
            "set it to true if there are any",
        ));
    }
    let versions = served.versions(Kind::ClusterNetworkPolicy.group());
    if versions.iter().any(|version| version == "v1alpha2") && !cilium.cluster_network_policies {
        checks.push(note(
            "Cilium enforces no ClusterNetworkPolicy here, although the cluster has that kind",
            "Cilium 1.20 does with enable-k8s-cluster-network-policy",
        ));
    }
    checks
}
