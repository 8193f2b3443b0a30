//! The cluster: whether it answers, what we may read there, which kinds it has, who enforces policies.

use super::report::{Area, Check};
use crate::cli::GlobalArgs;
use crate::cluster::Gap;
use crate::policy::{Enforcement, Enforcer};
use crate::source::live::{Connection, Right};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Nobody waits longer to hear that a cluster does not answer.
const LIMIT: Duration = Duration::from_secs(20);

/// A right: verb, group and resource.
type Asked = (&'static str, &'static str, &'static str);

/// What is read.
const READ: &[Asked] = &[
    ("list", "", "namespaces"),
    ("list", "", "pods"),
    ("list", "", "services"),
    ("list", "networking.k8s.io", "networkpolicies"),
    ("list", "discovery.k8s.io", "endpointslices"),
    ("list", "", "nodes"),
    ("list", "apps", "deployments"),
    ("list", "apps", "replicasets"),
    ("list", "apps", "statefulsets"),
    ("list", "apps", "daemonsets"),
    ("list", "batch", "jobs"),
    ("list", "batch", "cronjobs"),
    ("list", "", "replicationcontrollers"),
];

/// Resources of no namespace.
const CLUSTER_WIDE: &[&str] = &["namespaces", "nodes"];

/// What `bootstrap` writes.
const WRITE: &[Asked] = &[
    ("create", "", "namespaces"),
    ("patch", "", "namespaces"),
    ("create", "networking.k8s.io", "networkpolicies"),
    ("patch", "networking.k8s.io", "networkpolicies"),
    ("delete", "networking.k8s.io", "networkpolicies"),
];

/// Groups of kinds that may be there, with what is read of them.
const GROUPS: &[(&str, &str, &[&str])] = &[
    (
        "policy.networking.k8s.io",
        "policies of administrators",
        &["clusternetworkpolicies", "adminnetworkpolicies", "baselineadminnetworkpolicies"],
    ),
    (
        "cilium.io",
        "policies of Cilium",
        &["ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies"],
    ),
    ("kustomize.toolkit.fluxcd.io", "Kustomizations of Flux", &["kustomizations"]),
];

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
    rights(&connection, global.namespace.as_deref(), checks).await;
    kinds(&connection, checks).await;
}

async fn rights(connection: &Connection, only: Option<&str>, checks: &mut Vec<Check>) {
    let own = connection.namespace();
    let place = only.map_or("in all namespaces".to_owned(), |only| format!("in {only}"));
    let (mut denied, mut own_only) = (Vec::new(), Vec::new());
    let missing = match lacking(connection, READ, only).await {
        Ok(missing) => missing,
        Err(why) => {
            let says = format!("rights cannot be asked for: {why}");
            return checks.push(Check::note(Area::Rights, says, None));
        }
    };
    for right in missing {
        let here = only.is_none() && !CLUSTER_WIDE.contains(&right.2);
        if here && may(connection.clone(), right, Some(own.to_owned())).await == Ok(true) {
            own_only.push(right.2);
        } else {
            denied.push(right.2);
        }
    }
    let of_namespaces = |name: &&str| only.is_none() || !CLUSTER_WIDE.contains(name);
    if own_only.is_empty() && !denied.iter().any(of_namespaces) {
        let says = format!("all that is read may be listed {place}");
        checks.push(Check::ok(Area::Rights, says));
    }
    if !own_only.is_empty() {
        checks.push(Check::wrong(
            Area::Rights,
            format!("only in {own} you may list {}", own_only.join(", ")),
            "ask for the right in all namespaces, which list and diff need; or give -n",
        ));
    }
    // Who asks for one namespace may well do without these.
    let (outside, denied): (Vec<_>, Vec<_>) =
        denied.into_iter().partition(|name| only.is_some() && CLUSTER_WIDE.contains(name));
    if !outside.is_empty() {
        let says = format!("you may not list {}", outside.join(", "));
        let advice = "ask for these rights for list and diff, which look at the whole cluster";
        checks.push(Check::note(Area::Rights, says, Some(advice.to_owned())));
    }
    if !denied.is_empty() {
        checks.push(Check::wrong(
            Area::Rights,
            format!("you may not list {} {place}", denied.join(", ")),
            "ask for these rights; without them answers are Unknown or errors",
        ));
    }
    let Ok(missing) = lacking(connection, WRITE, only).await else { return };
    checks.push(if missing.is_empty() {
        Check::ok(Area::Rights, format!("bootstrap may write {place}"))
    } else {
        let missing: Vec<_> =
            missing.iter().map(|(verb, _, resource)| format!("{verb} {resource}")).collect();
        let says = format!("bootstrap may not {} {place}", missing.join(", "));
        Check::note(Area::Rights, says, Some("ask for these rights, or use --export".to_owned()))
    });
}

/// The rights of these that we do not have, all asked for at once.
async fn lacking(
    connection: &Connection,
    rights: &[Asked],
    namespace: Option<&str>,
) -> Result<Vec<Asked>, String> {
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
    (verb, group, resource): Asked,
    namespace: Option<String>,
) -> Result<bool, String> {
    let namespace = namespace.as_deref().filter(|_| !CLUSTER_WIDE.contains(&resource));
    let right = Right { verb, group, resource, namespace };
    connection.may(right).await.map_err(|error| error.to_string())
}

async fn kinds(connection: &Connection, checks: &mut Vec<Check>) {
    let served = match connection.served_kinds().await {
        Ok(served) => served,
        Err(error) => return checks.push(Check::error(Area::Kinds, &error)),
    };
    for (group, what, resources) in GROUPS {
        let versions = served.versions(group);
        if versions.is_empty() {
            let says = format!("{group} is not served: no {what}");
            checks.push(Check::ok(Area::Kinds, says));
            continue;
        }
        let lists: Vec<Asked> = resources.iter().map(|name| ("list", *group, *name)).collect();
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
    checks.extend(network(connection.enforcer(&served).await));
}

fn network(enforcer: Option<(Enforcer, Option<Gap>)>) -> Vec<Check> {
    let Some((enforcer, gap)) = enforcer else {
        let says = "the cluster names none; policies are read as the specifications have them";
        let advice = "--enforcer names one";
        return vec![Check::note(Area::Network, says, Some(advice.to_owned()))];
    };
    let mut checks = vec![match gap {
        None => Check::ok(Area::Network, format!("policies are read as by {enforcer}")),
        Some(gap) => {
            Check::note(Area::Network, format!("{} are not known: {}", gap.what, gap.why), None)
        }
    }];
    if let Some(cilium) = enforcer.cilium() {
        if cilium.audit {
            checks.push(Check::wrong(
                Area::Network,
                "policy-audit-mode is on: what policies deny is let through",
                "turn it off once nothing is denied that should pass",
            ));
        }
        if cilium.enforcement == Enforcement::Never {
            checks.push(Check::wrong(
                Area::Network,
                "enable-policy is never: Cilium enforces no policy",
                "set it to default or always",
            ));
        }
    }
    checks
}
