//! Writing objects: server-side apply, removal, and what the server says of both.
//!
//! In: a [`Target`] that names one object, and the fields that are to be ours. Out: the object as it
//! stands afterwards, or a sentence; of a conflict it names the fields and whose they are.

use super::Connection;
use super::classify;
use super::error::Error;
use super::target::Target;
use super::text::clean;
use http::{Method, Request, header};
use kube::client::Body;
use netpol::cluster::ObjectRef;
use netpol::kinds::Kind;
use serde::Serialize;
use serde_json::{Value, json};

/// Server-side apply; JSON is YAML.
const APPLY: &str = "application/apply-patch+yaml";
const MERGE: &str = "application/merge-patch+json";
/// Lists of objects with names are joined by these.
const STRATEGIC: &str = "application/strategic-merge-patch+json";

/// Whose the ephemeral containers of `probe` are.
const PROBE: &str = "kubectl-netpol-probe";

/// How to write.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// Who the fields will belong to.
    pub manager: &'a str,
    /// Fields of others are taken over.
    pub force: bool,
    /// The server does everything but keep it.
    pub dry_run: bool,
}

/// An object after it was applied.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The object as the server has it.
    pub object: Value,
    /// Whether it was changed or made.
    pub changed: bool,
}

impl Connection {
    /// Reads an object as it is; `None`: there is none.
    pub async fn find(&self, target: &Target) -> Result<Option<Value>, Error> {
        match self.get(target).await {
            Ok(object) => Ok(Some(object)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a policy of any kind that is judged, in whichever of its versions the server has;
    /// `None`: there is none, or it is no policy.
    pub async fn find_policy(&self, object: &ObjectRef) -> Result<Option<Value>, Error> {
        let Some(kind) = Kind::named(&object.kind).filter(|kind| kind.is_policy()) else {
            return Ok(None);
        };
        for version in kind.versions() {
            let target = Target::of(*version, kind.plural()).named(&*object.name);
            let target = match &object.namespace {
                Some(namespace) => target.within(&**namespace),
                None => target,
            };
            match self.find(&target).await {
                Err(Error::NoSuchResource { .. }) => {}
                found => return found,
            }
        }
        Ok(None)
    }

    /// Makes the fields of `object` those of the manager. `before` is the object as it was read.
    pub async fn apply<T: Serialize + Sync>(
        &self,
        target: &Target,
        object: &T,
        before: Option<&Value>,
        how: Write<'_>,
    ) -> Result<Applied, Error> {
        let query = format!("?fieldManager={}&force={}", how.manager, how.force);
        let object = self.patch(target, ("applying", APPLY), &query, object, how.dry_run).await?;
        let changed = before.is_none_or(|before| differ(before, &object));
        Ok(Applied { object, changed })
    }

    /// Takes fields away, such as `spec.ingress`, whoever wrote them.
    pub async fn clear(
        &self,
        target: &Target,
        fields: &[&String],
        how: Write<'_>,
    ) -> Result<(), Error> {
        let mut none = json!({});
        for field in fields {
            match field.split_once('.') {
                Some((outer, inner)) => none[outer][inner] = Value::Null,
                None => none[field.as_str()] = Value::Null,
            }
        }
        let query = format!("?fieldManager={}", how.manager);
        self.patch(target, ("applying", MERGE), &query, &none, how.dry_run).await?;
        Ok(())
    }

    /// Writes an annotation.
    pub async fn annotate(
        &self,
        target: &Target,
        (key, value): (&str, &str),
        how: Write<'_>,
    ) -> Result<(), Error> {
        let query = format!("?fieldManager={}", how.manager);
        let annotations = serde_json::Map::from_iter([(key.to_owned(), value.into())]);
        let body = json!({ "metadata": { "annotations": annotations } });
        self.patch(target, ("annotating", MERGE), &query, &body, how.dry_run).await?;
        Ok(())
    }

    /// Adds an ephemeral container to a pod.
    pub async fn add_ephemeral(&self, pod: &Target, container: &Value) -> Result<(), Error> {
        let uri = format!("{pod}/ephemeralcontainers?fieldManager={PROBE}");
        let body = json!({ "spec": { "ephemeralContainers": [container] } });
        let adding = "adding an ephemeral container to";
        self.write(pod, adding, Method::PATCH, &uri, STRATEGIC, &body).await?;
        Ok(())
    }

    /// Deletes an object, if it is still the one that was read.
    pub async fn delete(&self, target: &Target, read: &Value, dry_run: bool) -> Result<(), Error> {
        let metadata = &read["metadata"];
        // Where there is a body, the server reads nothing from the query.
        let options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": { "uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"] },
            "dryRun": if dry_run { vec!["All"] } else { Vec::new() },
        });
        let (uri, kind) = (target.to_string(), "application/json");
        match self.write(target, "deleting", Method::DELETE, &uri, kind, &options).await {
            // Someone else was quicker.
            Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn patch<T: Serialize + Sync>(
        &self,
        target: &Target,
        (verb, kind): (&str, &str),
        query: &str,
        body: &T,
        dry: bool,
    ) -> Result<Value, Error> {
        let uri = format!("{target}{query}{}", dry_run(dry));
        let answer = self.write(target, verb, Method::PATCH, &uri, kind, body).await?;
        serde_json::from_slice(&answer).map_err(|error| Error::Unreadable {
            doing: target.described(verb),
            server: self.server.clone(),
            why: clean(&error.to_string()),
        })
    }

    pub(super) async fn write<T: Serialize + Sync>(
        &self,
        target: &Target,
        verb: &str,
        method: Method,
        uri: &str,
        kind: &str,
        body: &T,
    ) -> Result<Vec<u8>, Error> {
        let doing = target.described(verb);
        let scene = self.scene(&doing, None);
        let body = serde_json::to_vec(body).map_err(|error| classify::of_chain(scene, &error))?;
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(body))
            .map_err(|error| classify::of_chain(scene, &error))?;
        self.exchange(scene, request).await
    }
}

fn dry_run(dry: bool) -> &'static str {
    if dry { "&dryRun=All" } else { "" }
}

/// Whether two states of an object differ in more than when they were written. A dry run leaves the
/// version as it was, so that it does not tell.
fn differ(before: &Value, after: &Value) -> bool {
    let stable = |object: &Value| {
        let mut object = object.clone();
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("resourceVersion");
            metadata.remove("generation");
            let managers = metadata.get_mut("managedFields").and_then(Value::as_array_mut);
            for manager in managers.into_iter().flatten().filter_map(Value::as_object_mut) {
                manager.remove("time");
            }
        }
        object
    };
    let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
    version(before) != version(after) || stable(before) != stable(after)
}
