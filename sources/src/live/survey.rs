//! Everything that says who may talk to whom in a cluster: namespaces, pods, Services and NetworkPolicies.
//!
//! In: a connection. Out: [`Objects`] ready to be linked; what may not be read is among their gaps.
//! A user who sees only one namespace gets that one.

use super::read::policy;
use super::{Connection, Error, Extent, Selection, Target};
use netpol::cluster::{Gap, Origin};
use netpol::kinds::Kind;
use netpol::objects::{Found, Objects, api};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::collections::BTreeSet;

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// The objects.
    pub objects: Objects,
    /// What the API server calls, and the nodes, on one of which it may run.
    pub system: Objects,
    /// Why other namespaces could not be read, if so.
    pub only_own: Option<String>,
}

impl Connection {
    /// The pods of one namespace: what runs there.
    pub async fn has_pods(&self, namespace: &str) -> Result<bool, Error> {
        let target = Target::kind(Kind::Pod).within(namespace);
        let fields = "status.phase!=Succeeded,status.phase!=Failed".to_owned();
        let selection = Selection { fields: Some(fields), ..Selection::default() };
        Ok(!self.list::<serde::de::IgnoredAny>(&target, &selection).await?.items.is_empty())
    }

    /// Reads namespaces, pods, Services and policies of the cluster, or of `namespace` where no more is
    /// allowed.
    pub async fn survey(&self, namespace: &str) -> Result<Survey, Error> {
        let mut survey = Survey::default();
        let policies = || Target::kind(Kind::NetworkPolicy);
        let pods = || Target::kind(Kind::Pod);
        let namespaces = Target::kind(Kind::Namespace);
        let (system, served, all_pods, all_policies, all_namespaces) = tokio::join!(
            self.system(),
            self.served(),
            self.found::<api::Pod>(pods()),
            self.found_policies(policies()),
            self.found::<api::Namespace>(namespaces),
        );
        survey.system = system?;
        match (all_pods, all_policies) {
            (Ok(pods), Ok(policies)) => {
                survey.add(pods);
                survey.add(policies);
            }
            (Err(error), _) | (_, Err(error)) if error.is_of_server() => return Err(error),
            (Err(error), _) | (_, Err(error)) => {
                survey.only_own = Some(error.to_string());
                survey.add(self.found::<api::Pod>(pods().within(namespace)).await?);
                let policies = policies().within(namespace);
                survey.add(self.found_policies(policies).await?);
            }
        }
        match all_namespaces {
            Ok(namespaces) => survey.add(namespaces),
            Err(error) => {
                survey.objects.gaps.push(Gap::new("the labels of namespaces", error.to_string()));
            }
        }
        // Where containers declare no ports, Services tell those that are likely.
        let services = || Target::kind(Kind::Service);
        let of = if survey.only_own.is_some() { services().within(namespace) } else { services() };
        match self.found::<api::Service>(of).await {
            Ok(services) => survey.add(services),
            Err(error) if error.is_of_server() => return Err(error),
            Err(error) => survey.objects.gaps.push(Gap::new("Services", error.to_string())),
        }
        let own = BTreeSet::from([namespace.to_owned()]);
        let only = survey.only_own.as_ref().map(|_| &own);
        self.add_dialects(served, only, &mut survey.objects).await?;
        Ok(survey)
    }

    /// What the API server calls, and the nodes; where they are not known, neither is where it runs.
    async fn system(&self) -> Result<Objects, Error> {
        let mut system = Objects::default();
        match self.found::<api::Node>(Target::kind(Kind::Node)).await {
            Ok((nodes, _)) => {
                for node in nodes {
                    system.insert(node, Origin::Synthetic);
                }
            }
            Err(error) if error.is_of_server() => return Err(error),
            Err(_) => {}
        }
        self.add_calls(&mut system).await?;
        Ok(system)
    }

    async fn found<T: DeserializeOwned + Into<Found>>(
        &self,
        target: Target,
    ) -> Result<(Vec<Found>, Extent), Error> {
        let list = self.list_facts::<T>(&target, &Selection::default()).await?;
        tracing::info!("{}: {}", target.described("read"), list.items.len());
        Ok((list.items.into_iter().map(Into::into).collect(), list.extent))
    }
}

impl Connection {
    async fn found_policies(&self, target: Target) -> Result<(Vec<Found>, Extent), Error> {
        let list = self.list::<Box<RawValue>>(&target, &Selection::default()).await?;
        tracing::info!("{}: {}", target.described("read"), list.items.len());
        let found = list.items.iter().map(|text| policy(Kind::NetworkPolicy, text).0);
        Ok((found.collect(), list.extent))
    }
}

impl Survey {
    fn add(&mut self, (found, extent): (Vec<Found>, Extent)) {
        for found in found {
            self.objects.insert(found, Origin::Synthetic);
        }
        if let Extent::Partial(why) = extent {
            self.objects.gaps.push(Gap::new("a list", why));
        }
    }
}
