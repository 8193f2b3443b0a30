//! What pods of a live cluster are configured with.
//!
//! In: a connection, what was read of the cluster. Out: [`Settings`]: the environment and arguments of
//! one pod of each that are alike, the ConfigMaps that these refer to, and ServiceMonitors. Secrets are
//! never asked for.

use super::read::reason;
use super::{Connection, Error, Extent, Selection, Target};
use netpol::cluster::Snapshot;
use netpol::kinds::Kind;
use netpol::learn::config::{ConfigMap, Configured, ServiceMonitor, Settings};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

/// The version of ServiceMonitors.
const MONITORS: &str = "monitoring.coreos.com/v1";

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
        let pods = self.list::<Configured>(&pods, &Selection::default()).await?;
        if let Extent::Partial(why) = pods.extent {
            settings.unread.push(format!("pods: {why}"));
        }
        settings.take_pods(snapshot, pods.items);
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
        let target = of(Target::of(MONITORS, "servicemonitors"));
        let read = self.part::<ServiceMonitor>(&target, "ServiceMonitors", &mut settings).await?;
        settings.take_monitors(read);
        Ok(settings)
    }

    /// What may be missing: a kind that is not served has no objects.
    async fn part<T: DeserializeOwned>(
        &self,
        target: &Target,
        words: &str,
        settings: &mut Settings,
    ) -> Result<Vec<T>, Error> {
        match self.list::<T>(target, &Selection::default()).await {
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
