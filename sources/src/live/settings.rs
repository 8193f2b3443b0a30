//! What pods of a live cluster are configured with.
//!
//! In: a connection, what was read of the cluster. Out: [`Settings`]: the environment and arguments of
//! one pod of each that are alike and of workloads without pods, the ConfigMaps that these refer to,
//! ServiceMonitors and `PodMonitors`. Secrets are never asked for.

use super::read::{Item, reason};
use super::{Connection, Error, Extent, Selection, Target};
use netpol::cluster::{Gap, Snapshot};
use netpol::kinds::Kind;
use netpol::learn::config::{ConfigMap, Configured, Monitor, Settings};
use netpol::objects::{Objects, api};
use netpol::prose;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

/// The version of monitors, and their kinds.
const MONITORING: &str = "monitoring.coreos.com/v1";
const MONITORS: [(&str, &str); 2] =
    [("ServiceMonitor", "servicemonitors"), ("PodMonitor", "podmonitors")];

/// What may have a template and no pods: a Job without pods is done.
const WITHOUT_PODS: [Kind; 5] = [
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::CronJob,
    Kind::ReplicationController,
];

/// ConfigMaps of more namespaces than this are asked for all at once.
const MOST_NAMESPACES: usize = 8;

impl Connection {
    /// Reads how the pods of a snapshot are configured, or those of one namespace.
    ///
    /// Errors: pods could not be read. What else could not is among what was not read.
    pub async fn settings(
        &self,
        snapshot: &Snapshot,
        only: Option<&str>,
    ) -> Result<Settings, Error> {
        let mut settings = Settings::default();
        let of = |target: Target| match only {
            Some(namespace) => target.within(namespace),
            None => target,
        };
        let pods = of(Target::kind(Kind::Pod));
        let pods = self.list_facts::<Configured>(&pods, &Selection::default()).await?;
        if let Extent::Partial(why) = pods.extent {
            settings.unread.push(format!("pods: {why}"));
        }
        settings.take_pods(snapshot, pods.items);
        for kind in WITHOUT_PODS {
            // What may not be read was told with the cluster.
            let target = of(Target::kind(kind));
            match self.list_facts::<Configured>(&target, &Selection::default()).await {
                Ok(list) => settings.take_workloads(snapshot, &kind.name(), list.items),
                Err(error) if error.is_of_server() => return Err(error),
                Err(_) => {}
            }
        }
        let referred = settings.referred();
        let namespaces: BTreeSet<&str> =
            referred.iter().map(|(namespace, _)| &**namespace).collect();
        let maps = || Target::of("v1", "configmaps");
        let asked: Vec<Target> = if namespaces.len() > MOST_NAMESPACES {
            vec![maps()]
        } else {
            namespaces.into_iter().map(|namespace| maps().within(namespace)).collect()
        };
        for target in asked {
            let read = self.part::<ConfigMap>(&target, "ConfigMaps", &mut settings).await?;
            settings.take_config_maps(read);
        }
        for (kind, plural) in MONITORS {
            let target = of(Target::of(MONITORING, plural));
            let read = self.part::<Monitor>(&target, &format!("{kind}s"), &mut settings).await?;
            settings.take_monitors(kind, read);
        }
        Ok(settings)
    }

    /// Reads workloads whose templates stand for pods that are not there, such as those of a CronJob.
    ///
    /// Errors: the server could not be asked at all.
    pub async fn add_without_pods(
        &self,
        only: Option<&str>,
        objects: &mut Objects,
    ) -> Result<(), Error> {
        let mut unread: Vec<(Kind, String)> = Vec::new();
        for kind in WITHOUT_PODS {
            let target = match only {
                Some(namespace) => Target::kind(kind).within(namespace),
                None => Target::kind(kind),
            };
            let read = match kind {
                Kind::Deployment => self.templates::<api::Deployment>(&target).await,
                Kind::StatefulSet => self.templates::<api::StatefulSet>(&target).await,
                Kind::DaemonSet => self.templates::<api::DaemonSet>(&target).await,
                Kind::CronJob => self.templates::<api::CronJob>(&target).await,
                _ => self.templates::<api::ReplicationController>(&target).await,
            };
            match read {
                Ok((items, extent)) => {
                    for Item(found, origin) in items {
                        objects.insert(found, origin);
                    }
                    if let Extent::Partial(why) = extent {
                        unread.push((kind, why));
                    }
                }
                Err(error) if error.is_of_server() => return Err(error),
                Err(error) => unread.push((kind, reason(&error))),
            }
        }
        if let Some((_, why)) = unread.first() {
            let kinds: Vec<&str> = unread.iter().map(|(kind, _)| kind.plural()).collect();
            objects.gaps.push(Gap::new(prose::list(&kinds, "and"), why.clone()));
        }
        Ok(())
    }

    async fn templates<T: DeserializeOwned + Into<Item>>(
        &self,
        target: &Target,
    ) -> Result<(Vec<Item>, Extent), Error> {
        let list = self.list_facts::<T>(target, &Selection::default()).await?;
        Ok((list.items.into_iter().map(Into::into).collect(), list.extent))
    }

    /// What may be missing: a kind that is not served has no objects.
    async fn part<T: DeserializeOwned>(
        &self,
        target: &Target,
        words: &str,
        settings: &mut Settings,
    ) -> Result<Vec<T>, Error> {
        match self.list_facts::<T>(target, &Selection::default()).await {
            Ok(list) => {
                if let Extent::Partial(why) = list.extent {
                    settings.unread.push(format!("{words}: {why}"));
                }
                Ok(list.items)
            }
            Err(Error::NotFound { .. } | Error::NoSuchResource { .. }) => Ok(Vec::new()),
            Err(error) if error.is_of_server() => Err(error),
            Err(error) => {
                settings.unread.push(format!("{words}: {}", reason(&error)));
                Ok(Vec::new())
            }
        }
    }
}
