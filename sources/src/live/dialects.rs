//! Policies besides NetworkPolicies: which kinds the cluster serves, those that count for a question,
//! and who enforces them.
//!
//! In: a connection and the namespaces that matter. Out: more [`Objects`], with the
//! [`Enforcer`] where the cluster tells. A cluster that serves none of these kinds costs the one
//! request that finds this out. What could not be read makes answers unknown, since these policies
//! may deny.

use super::error::Error;
use super::read::reason;
use super::target::{Selection, Target};
use super::{Connection, Extent, provenance};
use netpol::cluster::Gap;
use netpol::kinds::{self, EnforcedBy, Kind, Other, Role};
use netpol::objects::{Objects, api, policy_from_json};
use netpol::policy::{Calico, CalicoVersion, Cilium, CiliumVersion, Enforcer};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use tokio::task::JoinSet;

/// Where Cilium's agent runs and has its settings.
const AGENT_NAMESPACE: &str = "kube-system";
/// The agent's ConfigMap.
const AGENT_CONFIG: &str = "cilium-config";
/// The agent's DaemonSet, whose image names the version, and its container.
const AGENT: &str = "cilium";
const AGENT_CONTAINER: &str = "cilium-agent";
/// The same of Calico, and where it may run.
const NODE: &str = "calico-node";
const NODE_NAMESPACES: [&str; 2] = ["calico-system", "kube-system"];

/// The groups and versions that the API server serves.
pub(super) struct Served(BTreeSet<String>);

#[derive(Deserialize)]
struct GroupList {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    versions: Vec<Version>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    group_version: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ConfigMap {
    data: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Agent {
    spec: AgentSpec,
}

/// What Calico tells of itself.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ClusterInformation {
    spec: ClusterInformationSpec,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ClusterInformationSpec {
    calico_version: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AgentSpec {
    template: AgentTemplate,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AgentTemplate {
    spec: AgentPod,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AgentPod {
    containers: Vec<Container>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Container {
    name: String,
    image: String,
}

impl Served {
    /// The version in which a kind is served, if it is.
    fn version(&self, kind: Kind) -> Option<&'static str> {
        self.each_version(kind).next()
    }

    /// The versions of a kind that its group serves, the one to be preferred first.
    pub(super) fn each_version(&self, kind: Kind) -> impl Iterator<Item = &'static str> {
        kind.versions().iter().copied().filter(|version| self.0.contains(*version))
    }

    /// The version in which a kind that is not judged is served, if it is.
    pub(super) fn version_of(&self, other: &Other) -> Option<&str> {
        self.0.iter().map(|version| &**version).find(|it| other.is_of(kinds::group(it)))
    }

    fn has_group(&self, group: &str) -> bool {
        self.0.iter().any(|version| kinds::group(version) == group)
    }

    /// Whether Cilium's own kinds are served.
    pub(super) fn has_cilium(&self) -> bool {
        self.has_group(Kind::CiliumNetworkPolicy.group())
    }

    /// Whether Calico's kinds are served, in either form.
    pub(super) fn has_calico(&self) -> bool {
        let versions = Kind::CalicoNetworkPolicy.versions();
        versions.iter().any(|version| self.has_group(kinds::group(version)))
    }

    /// The versions of a group.
    pub(super) fn versions_of(&self, group: &str) -> Vec<String> {
        let of_group = |version: &&String| kinds::group(version) == group;
        let version = |version: &String| version.rsplit('/').next().unwrap_or_default().to_owned();
        self.0.iter().filter(of_group).map(version).collect()
    }
}

/// One list that was asked for.
pub(super) struct Listing {
    pub(super) kind: Kind,
    namespace: Option<String>,
    pub(super) target: Target,
}

type Items = Result<(Vec<Box<RawValue>>, Extent), Error>;

impl Connection {
    /// Asks which groups the API server serves.
    pub(super) async fn served(&self) -> Result<Served, Error> {
        let target = Target::of("v1", "API groups");
        let list: GroupList = self.get_at(&target, "/apis").await?;
        let versions = list.groups.into_iter().flat_map(|group| group.versions);
        Ok(Served(versions.map(|version| version.group_version).collect()))
    }

    /// Reads the policies of other dialects for these namespaces, or for all, and finds out who
    /// enforces them.
    ///
    /// Errors: the server could not be asked at all.
    pub(super) async fn add_dialects(
        &self,
        served: Result<Served, Error>,
        namespaces: Option<&BTreeSet<String>>,
        objects: &mut Objects,
    ) -> Result<(), Error> {
        let served = match served {
            Ok(served) => served,
            Err(Error::NotFound { .. } | Error::NoSuchResource { .. }) => return Ok(()),
            Err(error) if error.is_of_server() => return Err(error),
            Err(error) => {
                let what = "which kinds of policies the cluster has".to_owned();
                objects.gaps.push(Gap::new(what, reason(&error)));
                objects.unread.cluster_wide = true;
                return Ok(());
            }
        };
        let mut running = JoinSet::new();
        for asked in asked(&served, namespaces) {
            let connection = self.clone();
            running.spawn(async move {
                let list = connection.list(&asked.target, &Selection::default()).await;
                let items: Items = list.map(|list| (list.items, list.extent));
                (asked, items)
            });
        }
        let enforcer = if served.has_cilium() { Some(self.cilium().await) } else { None };
        while let Some(joined) = running.join_next().await {
            let (asked, items) = match joined {
                Ok(joined) => joined,
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // Nobody cancels these.
                    Err(_) => continue,
                },
            };
            add(objects, &asked, items)?;
        }
        if objects.ask_for_accounts() {
            self.add_accounts(namespaces, objects).await?;
        }
        self.add_others(&served, namespaces, objects).await?;
        if enforcer.is_some() {
            objects.enforcer = enforcer;
            self.add_api_server(objects).await;
        } else if served.has_calico() {
            let version = self.calico(&served).await;
            objects.enforcer = Some((Enforcer::Calico(Calico { version }), None));
        }
        Ok(())
    }

    /// Reads the labels of ServiceAccounts, for policies that ask for them. Where they may not be read, what
    /// asks for them is not known.
    ///
    /// Errors: the server could not be asked at all.
    pub(super) async fn add_accounts(
        &self,
        namespaces: Option<&BTreeSet<String>>,
        objects: &mut Objects,
    ) -> Result<(), Error> {
        let all = || Target::kind(Kind::ServiceAccount);
        let targets = match namespaces {
            None => vec![all()],
            Some(names) => names.iter().map(|name| all().within(name)).collect(),
        };
        for target in targets {
            let why = match self.list_metadata::<api::ServiceAccount>(&target).await {
                Ok(list) => {
                    for account in list.items {
                        objects.insert(account.into(), provenance::unasked());
                    }
                    match list.extent {
                        Extent::Complete => continue,
                        Extent::Partial(why) => why,
                    }
                }
                Err(error) if error.is_of_server() => return Err(error),
                Err(error) => reason(&error),
            };
            let place = target.namespace.map_or_else(String::new, |name| format!(" of {name}"));
            objects.gaps.push(Gap::new(format!("the labels of the ServiceAccounts{place}"), why));
        }
        Ok(())
    }

    /// The addresses of the API server, which Cilium's policies name by an entity. Without them
    /// rules for that entity are not known to match.
    pub(super) async fn add_api_server(&self, objects: &mut Objects) {
        let slices = Target::kind(Kind::EndpointSlice).within("default");
        let of_api_server = Some("kubernetes.io/service-name=kubernetes".to_owned());
        let selection = Selection { labels: of_api_server, fields: None };
        if let Ok(list) = self.list::<api::EndpointSlice>(&slices, &selection).await {
            for slice in list.items {
                objects.insert(slice.into(), provenance::unasked());
            }
        }
    }

    /// The release of Cilium that its agent's image names, as it is written there.
    pub(super) async fn agent_release(&self) -> Option<String> {
        let agent = Target::kind(Kind::DaemonSet).within(AGENT_NAMESPACE).named(AGENT);
        let agent = self.get::<Agent>(&agent).await.ok()?;
        release(&agent, AGENT_CONTAINER).map(ToOwned::to_owned)
    }

    /// The version of Calico, by what it tells of itself or else by its image; where neither may be read
    /// it is not known, and what any version reads counts.
    pub(super) async fn calico(&self, served: &Served) -> Option<CalicoVersion> {
        let api = served.version(Kind::CalicoNetworkPolicy)?;
        let told = Target::of(api, "clusterinformations").named("default");
        if let Ok(ClusterInformation { spec }) = self.get(&told).await
            && let Some(version) = CalicoVersion::of_release(&spec.calico_version)
        {
            return Some(version);
        }
        for namespace in NODE_NAMESPACES {
            let node = Target::kind(Kind::DaemonSet).within(namespace).named(NODE);
            if let Ok(node) = self.get::<Agent>(&node).await {
                return release(&node, NODE).and_then(CalicoVersion::of_release);
            }
        }
        None
    }

    /// Cilium as its agent's ConfigMap and image have it; where these may not be read, as it is
    /// unless told otherwise.
    pub(super) async fn cilium(&self) -> (Enforcer, Option<Gap>) {
        let config = Target::of("v1", "configmaps").within(AGENT_NAMESPACE).named(AGENT_CONFIG);
        let agent = Target::kind(Kind::DaemonSet).within(AGENT_NAMESPACE).named(AGENT);
        let (config, agent) =
            tokio::join!(self.get::<ConfigMap>(&config), self.get::<Agent>(&agent));
        let release = agent.as_ref().ok().and_then(|agent| release(agent, AGENT_CONTAINER));
        let version = release.and_then(CiliumVersion::of_release);
        let enforcer = Enforcer::Cilium(match &config {
            Ok(ConfigMap { data }) => {
                let data = data.clone().unwrap_or_default();
                Cilium::configured(version.unwrap_or(CiliumVersion::V1_19), &data)
            }
            Err(_) => Cilium::new(version.unwrap_or(CiliumVersion::V1_19)),
        });
        let unread = match (config, agent) {
            (Err(error), _) => Some(("the settings of Cilium", reason(&error))),
            (_, Err(error)) => Some(("the version of Cilium", reason(&error))),
            _ if version.is_none() => {
                Some(("the version of Cilium", "its image does not tell".to_owned()))
            }
            _ => None,
        };
        let gap = unread.map(|(what, why)| {
            Gap::new(what, format!("{why}; taken as {enforcer}, which --enforcer overrules"))
        });
        (enforcer, gap)
    }
}

/// The release that the image of a container of the agent names.
fn release<'a>(agent: &'a Agent, container: &str) -> Option<&'a str> {
    let mut containers = agent.spec.template.spec.containers.iter();
    let image = &containers.find(|it| it.name == container)?.image;
    let image = image.split_once('@').map_or(&**image, |(image, _digest)| image);
    image.rsplit_once(':').map(|(_, tag)| tag)
}

/// The lists to read: those of namespaces one by one, unless all are wanted.
pub(super) fn asked(served: &Served, namespaces: Option<&BTreeSet<String>>) -> Vec<Listing> {
    let mut all = Vec::new();
    for kind in Kind::policies().filter(|kind| *kind != Kind::NetworkPolicy) {
        let Some(version) = served.version(kind) else { continue };
        let target = Target::of(version, kind.plural());
        match namespaces.filter(|_| !kind.is_cluster_scoped()) {
            None => all.push(Listing { kind, namespace: None, target }),
            Some(namespaces) => all.extend(namespaces.iter().map(|namespace| Listing {
                kind,
                namespace: Some(namespace.clone()),
                target: target.clone().within(namespace),
            })),
        }
    }
    all
}

fn add(objects: &mut Objects, asked: &Listing, items: Items) -> Result<(), Error> {
    let why = match items {
        Ok((items, extent)) => {
            for item in items {
                let text = item.get();
                match policy_from_json(asked.kind, text) {
                    Ok(found) => _ = objects.insert(found, provenance::of_json(text)),
                    Err(error) => leave_out(objects, asked, error),
                }
            }
            match extent {
                Extent::Complete => return Ok(()),
                Extent::Partial(why) => why,
            }
        }
        // The group is there without this kind.
        Err(Error::NoSuchResource { .. }) => return Ok(()),
        Err(error) if error.is_of_server() => return Err(error),
        Err(error) => reason(&error),
    };
    leave_out(objects, asked, why);
    Ok(())
}

/// Marks policies that could not be read.
fn leave_out(objects: &mut Objects, asked: &Listing, why: String) {
    // What is staged decides nothing, and counts for nothing unless that is asked for.
    let staged = asked.kind.is_staged();
    let place = if let Some(namespace) = &asked.namespace {
        if !staged {
            objects.unread.denials.insert(namespace.as_str().into());
        }
        format!(" of {namespace}")
    } else {
        // Of a group that is missing only the rules that name it are not known; tiers and sets of Calico
        // may change what any of its rules means.
        let of_calico = !staged && asked.kind.enforced_by() == Some(EnforcedBy::Calico);
        objects.unread.cluster_wide |= of_calico || matches!(asked.kind.role(), Role::Policy(..));
        String::new()
    };
    let what = format!("the {}{place}", asked.kind.plural_words());
    let kind = staged.then(|| asked.kind.as_str().to_owned());
    objects.gaps.push(Gap { kind, ..Gap::new(what, why) });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_images() {
        let of = |image: &str| {
            let container = Container { name: "cilium-agent".into(), image: image.into() };
            let spec = AgentPod { containers: vec![container] };
            let agent = Agent { spec: AgentSpec { template: AgentTemplate { spec } } };
            let version = release(&agent, AGENT_CONTAINER).and_then(CiliumVersion::of_release);
            version.map(|version| version.to_string())
        };
        for (image, version) in [
            ("quay.io/cilium/cilium:v1.19.4@sha256:abc", Some("1.19")),
            ("registry:5000/cilium/cilium:v1.20.2", Some("1.20")),
            ("registry:5000/cilium/cilium", None),
            ("quay.io/cilium/cilium@sha256:abc", None),
            ("", None),
        ] {
            assert_eq!(of(image).as_deref(), version, "{image}");
        }
    }

    #[test]
    fn only_what_is_served_is_asked_for() {
        let served = |versions: &[&str]| Served(versions.iter().map(|v| (*v).into()).collect());
        let paths = |served: &Served, namespaces: Option<&BTreeSet<String>>| -> Vec<String> {
            asked(served, namespaces).iter().map(|asked| asked.target.to_string()).collect()
        };
        assert!(paths(&served(&["apps/v1", "networking.k8s.io/v1"]), None).is_empty());
        let admin = served(&["policy.networking.k8s.io/v1alpha1"]);
        let two = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
        assert_eq!(
            paths(&admin, Some(&two)),
            [
                "/apis/policy.networking.k8s.io/v1alpha1/adminnetworkpolicies",
                "/apis/policy.networking.k8s.io/v1alpha1/baselineadminnetworkpolicies",
            ]
        );
    }
}
