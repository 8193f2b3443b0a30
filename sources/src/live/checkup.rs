//! What a cluster can be asked of itself: its version, the kinds that it serves, who enforces its
//! policies, and what we may do there.
//!
//! In: a connection. Out: plain facts, for `doctor`.

use super::dialects::Served;
use super::error::Error;
use super::target::Target;
use super::{Connection, text::clean};
use http::Method;
use netpol::cluster::Gap;
use netpol::kinds::Kind;
use netpol::policy::{Calico, Enforcer};
use serde::Deserialize;
use serde_json::json;

/// A right, as the API server is asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Right<'a> {
    /// The verb: `list`, `get`, `patch` and so on.
    pub verb: &'a str,
    /// The API group; empty for the core.
    pub group: &'a str,
    /// The plural name of the resource, with that of a part of it behind a slash: `pods/exec`.
    pub resource: &'a str,
    /// Where; `None` is the whole cluster.
    pub namespace: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    git_version: String,
}

#[derive(Deserialize)]
struct ResourceList {
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
}

#[derive(Deserialize)]
struct Review {
    status: ReviewStatus,
}

#[derive(Deserialize)]
struct ReviewStatus {
    #[serde(default)]
    allowed: bool,
}

/// The kinds that a cluster serves besides Kubernetes' own.
pub struct ServedKinds(Served);

impl ServedKinds {
    /// The versions of a group, oldest name first; none where it is not served.
    pub fn versions(&self, group: &str) -> Vec<String> {
        self.0.versions_of(group)
    }
}

impl Connection {
    /// The version of the API server.
    pub async fn version(&self) -> Result<String, Error> {
        let target = Target::of("v1", "versions of the API server");
        let version: Version = self.get_at(&target, "/version").await?;
        Ok(clean(&version.git_version))
    }

    /// Which kinds the cluster serves.
    pub async fn served_kinds(&self) -> Result<ServedKinds, Error> {
        Ok(ServedKinds(self.served().await?))
    }

    /// Whether the cluster serves a kind in the version that is to be preferred. Everyone who is logged
    /// in may ask for that.
    pub async fn serves(&self, kind: Kind) -> Result<bool, Error> {
        let api = kind.api_version();
        let target = Target::of(api, "API resources");
        match self.get_at::<ResourceList>(&target, &format!("/apis/{api}")).await {
            Ok(list) => Ok(list.resources.iter().any(|it| it.name == kind.plural())),
            Err(Error::NotFound { .. } | Error::NoSuchResource { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Who enforces the policies, where the cluster tells, and what of it could not be read.
    pub async fn enforcer(&self, served: &ServedKinds) -> Option<(Enforcer, Option<Gap>)> {
        if served.0.has_cilium() {
            return Some(self.cilium().await);
        }
        if !served.0.has_calico() {
            return None;
        }
        let version = self.calico(&served.0).await;
        Some((Enforcer::Calico(Calico { version }), None))
    }

    /// The release of Cilium that runs, such as `v1.19.4`, where the image of its agent tells.
    pub async fn cilium_release(&self) -> Option<String> {
        self.agent_release().await.map(|release| clean(&release))
    }

    /// Whether we may do something, by the API server's own word.
    pub async fn may(&self, right: Right<'_>) -> Result<bool, Error> {
        let target = Target::of("authorization.k8s.io/v1", "selfsubjectaccessreviews");
        let (resource, part) = right.resource.split_once('/').unwrap_or((right.resource, ""));
        let body = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": {
                "verb": right.verb,
                "group": right.group,
                "resource": resource,
                "subresource": part,
                "namespace": right.namespace.unwrap_or_default(),
            } },
        });
        let (uri, kind) = (target.to_string(), "application/json");
        let answer = self.write(&target, "asking for", Method::POST, &uri, kind, &body).await?;
        let review: Review =
            serde_json::from_slice(&answer).map_err(|error| Error::Unreadable {
                doing: "asking for our rights".to_owned(),
                server: self.server().to_owned(),
                why: clean(&error.to_string()),
            })?;
        Ok(review.status.allowed)
    }
}
