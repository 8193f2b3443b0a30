//! Any bytes as what the API server sends: the items of a list of each kind, and policies.

use netpol::cluster::{Origin, Snapshot};
use netpol::kinds::Kind;
use netpol::objects::{Found, Objects, api, policy_from_json};
use netpol::policy::{Cilium, Enforcer, Ruleset};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::path::Path;
use std::sync::Arc;

/// The kinds of policies that are judged.
const POLICIES: [Kind; 4] = [
    Kind::NetworkPolicy,
    Kind::ClusterNetworkPolicy,
    Kind::CiliumNetworkPolicy,
    Kind::CiliumClusterwideNetworkPolicy,
];

/// A page of a list, as far as it is read.
#[derive(Deserialize)]
struct Page<T> {
    #[serde(default = "Vec::new")]
    items: Vec<T>,
}

fn origin() -> Origin {
    Origin::Manifest { file: Arc::from(Path::new("api")), offset: 0, line: 1, within: None }
}

fn read<T: DeserializeOwned + Into<Found>>(json: &str, into: &mut Objects) {
    let Ok(page) = serde_json::from_str::<Page<T>>(json) else { return };
    for item in page.items {
        into.insert(item.into(), origin());
    }
}

/// See above.
pub fn api(bytes: &[u8]) {
    let json = String::from_utf8_lossy(bytes);
    let mut objects = Objects::default();
    read::<api::Namespace>(&json, &mut objects);
    read::<api::Node>(&json, &mut objects);
    read::<api::Pod>(&json, &mut objects);
    read::<api::Deployment>(&json, &mut objects);
    read::<api::ReplicaSet>(&json, &mut objects);
    read::<api::StatefulSet>(&json, &mut objects);
    read::<api::DaemonSet>(&json, &mut objects);
    read::<api::Job>(&json, &mut objects);
    read::<api::CronJob>(&json, &mut objects);
    read::<api::ReplicationController>(&json, &mut objects);
    read::<api::Service>(&json, &mut objects);
    read::<api::EndpointSlice>(&json, &mut objects);
    for kind in POLICIES {
        if let Ok(found) = policy_from_json(kind, &json) {
            objects.insert(found, origin());
        }
    }
    let (snapshot, written): (Snapshot, _) = objects.assemble();
    for enforcer in [Enforcer::Kubernetes, Enforcer::Cilium(Cilium::default())] {
        Ruleset::compile(&written, &snapshot, &enforcer);
    }
}
