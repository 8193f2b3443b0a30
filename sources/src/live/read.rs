//! Reading what one question needs, a handful of requests at a time, into objects.
//!
//! In: a [`Needs`]. Out: [`Objects`] with what was read, and what could not be read as gaps:
//! policies and labels of namespaces are marked as not known, so that an answer that depends on them
//! is not known either. What leaves no way to an answer, such as pods that may not be read, is an
//! error.

use super::error::Error;
use super::list::Managed;
use super::plan::{self, Answers, Needs};
use super::provenance;
use super::request::{Answer, Request};
use super::{Connection, Extent};
use netpol::cluster::{Gap, ObjectRef, Origin};
use netpol::kinds::Kind;
use netpol::objects::{Body, CALLING, Found, Objects, api, fact_from_json, policy_from_json};
use netpol::policy::Fault;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::task::JoinSet;

/// Each round of requests needs the one before; no question has so many.
const MOST_ROUNDS: usize = 8;

impl Connection {
    /// Reads what a question needs, and no more.
    pub async fn read(&self, needs: Needs<'_>) -> Result<Objects, Error> {
        let (answers, served) = tokio::join!(self.rounds(needs), self.served());
        let answers = answers?;
        let namespaces = answers.keys().filter_map(|request| match request {
            Request::All(Kind::NetworkPolicy, namespace) => Some(namespace.to_string()),
            _ => None,
        });
        let namespaces = namespaces.collect();
        let mut objects = objects(answers);
        self.add_dialects(served, Some(&namespaces), &mut objects).await?;
        // What is laid over the cluster may ask for what nothing in it does.
        let laid_over = needs.overlay.is_some_and(Objects::ask_for_accounts);
        if laid_over && !objects.ask_for_accounts() {
            self.add_accounts(Some(&namespaces), &mut objects).await?;
        }
        Ok(objects)
    }

    async fn rounds(&self, needs: Needs<'_>) -> Result<Answers, Error> {
        let mut answers = Answers::new();
        for _ in 0..MOST_ROUNDS {
            let missing = match plan::missing(needs, &answers) {
                Ok(missing) if missing.is_empty() => break,
                Ok(missing) => missing,
                Err(error) => return Err(error),
            };
            let mut running = JoinSet::new();
            for request in missing {
                let connection = self.clone();
                running.spawn(async move {
                    let answer = connection.answer(&request).await;
                    (request, answer)
                });
            }
            while let Some(joined) = running.join_next().await {
                let (request, answer) = match joined {
                    Ok(joined) => joined,
                    Err(error) => match error.try_into_panic() {
                        Ok(panic) => std::panic::resume_unwind(panic),
                        // Nobody cancels these.
                        Err(_) => continue,
                    },
                };
                if let Answer::Failed(error) = &answer
                    && is_fatal(error)
                {
                    return Err(error.clone());
                }
                answers.insert(request, answer);
            }
        }
        Ok(answers)
    }

    async fn answer(&self, request: &Request) -> Answer {
        match request.kind() {
            Kind::Namespace => self.read_as::<api::Namespace>(request).await,
            Kind::Node => self.read_as::<api::Node>(request).await,
            Kind::Pod => self.read_as::<api::Pod>(request).await,
            Kind::Deployment => self.read_as::<api::Deployment>(request).await,
            Kind::ReplicaSet => self.read_as::<api::ReplicaSet>(request).await,
            Kind::StatefulSet => self.read_as::<api::StatefulSet>(request).await,
            Kind::DaemonSet => self.read_as::<api::DaemonSet>(request).await,
            Kind::Job => self.read_as::<api::Job>(request).await,
            Kind::CronJob => self.read_as::<api::CronJob>(request).await,
            Kind::ReplicationController => {
                self.read_as::<api::ReplicationController>(request).await
            }
            Kind::Service => self.read_as::<api::Service>(request).await,
            Kind::Endpoints => self.read_as::<api::Endpoints>(request).await,
            Kind::EndpointSlice => self.read_as::<api::EndpointSlice>(request).await,
            Kind::Ingress => self.read_as::<api::Ingress>(request).await,
            kind if CALLING.contains(&kind) => {
                let item = |text: Box<RawValue>| read_by(kind, &text, fact_from_json);
                self.read_each(request, Managed::Kept, item).await
            }
            kind => {
                let item = |text: Box<RawValue>| policy(kind, &text);
                self.read_each(request, Managed::Kept, item).await
            }
        }
    }

    async fn read_as<T: DeserializeOwned + Into<Item>>(&self, request: &Request) -> Answer {
        self.read_each(request, Managed::LeftOut, T::into).await
    }

    async fn read_each<T: DeserializeOwned>(
        &self,
        request: &Request,
        managed: Managed,
        item: impl Fn(T) -> Item,
    ) -> Answer {
        let target = request.target();
        if let Request::One(..) = request {
            return match self.get::<T>(&target).await {
                Ok(object) => {
                    let Item(found, origin) = item(object);
                    Answer::Read { found: vec![(found, origin)], partial: None }
                }
                Err(Error::NotFound { .. }) => Answer::Missing,
                Err(error) => Answer::Failed(error),
            };
        }
        let list = match request {
            Request::Names(..) => self.list_metadata::<T>(&target).await,
            _ => self.list_with::<T>(&target, &request.selection(), managed).await,
        };
        match list {
            Ok(list) => {
                let read = list.items.into_iter().map(|object| {
                    let Item(found, origin) = item(object);
                    (found, origin)
                });
                let partial = match list.extent {
                    Extent::Complete => None,
                    Extent::Partial(why) => Some(why),
                };
                Answer::Read { found: read.collect(), partial }
            }
            Err(error) => Answer::Failed(error),
        }
    }
}

/// Failures that every other request would meet too.
fn is_fatal(error: &Error) -> bool {
    matches!(
        error,
        Error::Refused { .. }
            | Error::Dns { .. }
            | Error::Tls { .. }
            | Error::Unauthorized { .. }
            | Error::TooMuch { .. }
    )
}

/// What was answered, as objects and gaps.
fn objects(answers: Answers) -> Objects {
    let mut objects = Objects::default();
    let mut unread = Vec::new();
    for (request, answer) in answers {
        match answer {
            Answer::Missing => {}
            Answer::Read { found, partial } => {
                for (found, origin) in found {
                    if let Body::Undecodable(faults) = &found.body {
                        let said = faults.iter().map(|f| format!("{} {}", f.path, f.message));
                        let said = said.collect::<Vec<_>>().join(", ");
                        let object = match &*found.object.name {
                            "" => String::new(),
                            name => format!("{name}: "),
                        };
                        let why = format!(
                            "{object}{}; a newer version of this program may know it",
                            said.trim()
                        );
                        leave_out(&mut objects, &request, why);
                    } else if !matches!(request, Request::Names(..))
                        || objects.origin(&found.object).is_none()
                    {
                        objects.insert(found, origin);
                    }
                }
                if let Some(why) = partial {
                    leave_out(&mut objects, &request, why);
                }
            }
            Answer::Failed(error) => match &request {
                Request::One(Kind::Namespace, _, name) => {
                    unread.push((name.clone(), request.words(), reason(&error)));
                }
                _ => leave_out(&mut objects, &request, reason(&error)),
            },
        }
    }
    for (name, what, why) in unread {
        // A namespace that may not be read need not exist.
        if objects.iter().any(|(object, ..)| object.namespace.as_ref() == Some(&name)) {
            objects.gaps.push(Gap::new(what, why));
            objects.unread_labels.insert(name);
        }
    }
    objects
}

/// Marks what could not be read, where an answer may depend on it.
fn leave_out(objects: &mut Objects, request: &Request, why: String) {
    match request {
        Request::All(Kind::NetworkPolicy, namespace) => {
            objects.unread.network_policies.insert(namespace.clone());
        }
        Request::All(Kind::Pod, _)
        | Request::PodsBy(..)
        | Request::PodsAt(_)
        | Request::PodsOn(_)
        | Request::ServicesAt(_)
        | Request::Slices(..)
        | Request::Nodes => {}
        // Of these only a hint is missing, or an end that is not found is an error anyway.
        Request::All(..) | Request::Names(..) | Request::One(..) => return,
    }
    objects.gaps.push(Gap::new(request.words(), why));
}

/// Why something could not be read, in a few words.
pub(super) fn reason(error: &Error) -> String {
    match error {
        Error::Forbidden(forbidden) => {
            let user = forbidden.user.as_ref().map_or("you".to_owned(), |u| format!("{u:?}"));
            let place = match &forbidden.namespace {
                Some(namespace) => format!("in {namespace}"),
                None => "in the whole cluster".to_owned(),
            };
            let (verb, resource) = (&forbidden.verb, &forbidden.resource);
            format!("{user} may not; ask for the right to {verb} {resource} {place}")
        }
        error => error.to_string(),
    }
}

/// An object with its place.
pub(super) struct Item(pub(super) Found, pub(super) Origin);

impl<T: Into<Found>> From<T> for Item {
    fn from(object: T) -> Self {
        Self(object.into(), provenance::unasked())
    }
}

/// A policy with whoever applied it.
pub(super) fn policy(kind: Kind, text: &RawValue) -> Item {
    read_by(kind, text, policy_from_json)
}

/// What a reader makes of a text.
fn read_by(kind: Kind, text: &RawValue, read: fn(Kind, &str) -> Result<Found, String>) -> Item {
    let text = text.get();
    let found = read(kind, text).unwrap_or_else(|message| {
        let object = ObjectRef::cluster(kind.name(), "");
        Found { object, body: Body::Undecodable(vec![Fault::new("", message)]) }
    });
    Item(found, provenance::of_json(text))
}
