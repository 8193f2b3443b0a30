//! What is to be read for one question: as little as answers it.
//!
//! In: the two ends as people name them, and what was read so far. Out: the requests that are still
//! missing; none when the question can be answered. The rules are those by which `verdict` then
//! resolves the same names. Peers of a policy in other namespaces than these two cannot be an end of
//! the flow, so no other namespace, policy or pod is ever read.

use super::error::Error;
use super::request::{Answer, Read, Request};
use super::told::{home, pods, top};
use netpol::cluster::{Call, Callee, ObjectRef, Pod, Service, kind_from_word};
use netpol::ends::{self, EndName, Named};
use netpol::kinds::Kind;
use netpol::objects::Objects;
use netpol::objects::owner_of_replica_set;
use netpol::objects::{Body, Owner};
use std::collections::{BTreeMap, BTreeSet};

/// Names that stand for names: more than this is a circle.
const MOST_ALIASES: usize = 8;
/// Of a Service's endpoints that no slice calls a pod, so many are looked up by address.
const MOST_ADDRESSES: usize = 4;
/// Of so many owners it is asked who owns them in turn.
const MOST_OWNERS: usize = 4;
/// The workloads that a name without a kind may mean, if no pod is known of them.
const WORKLOADS: [Kind; 5] =
    [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::CronJob, Kind::Job];

/// The kind of this name, if it makes pods.
fn workload(name: &str) -> Option<Kind> {
    Kind::named(name).filter(|kind| kind.is_workload())
}

/// What a question needs to have read.
#[derive(Clone, Copy, Debug)]
pub struct Needs<'a> {
    /// Who opens the connection.
    pub source: &'a EndName,
    /// Who is to take it.
    pub destination: &'a EndName,
    /// The namespace of names that come without one.
    pub namespace: &'a str,
    /// Further namespaces whose policies are named in the question.
    pub policies_of: &'a [String],
    /// What will be laid over the cluster.
    pub overlay: Option<&'a Objects>,
}

/// What was read so far.
pub(super) type Answers = BTreeMap<Request, Answer>;

/// The requests that are still missing. An error is one that leaves no way to an answer.
pub(super) fn missing(needs: Needs<'_>, answers: &Answers) -> Result<BTreeSet<Request>, Error> {
    let mut planner =
        Planner { needs, answers, requests: BTreeSet::new(), aliases_left: MOST_ALIASES };
    planner.plan()?;
    planner.requests.retain(|request| !answers.contains_key(request));
    Ok(planner.requests)
}

pub(super) struct Planner<'a> {
    needs: Needs<'a>,
    answers: &'a Answers,
    pub(super) requests: BTreeSet<Request>,
    /// Names that stand for names: more are a circle.
    pub(super) aliases_left: usize,
}

/// Why a step goes no further.
pub(super) enum Stop {
    /// Something must be read first.
    Pending,
    /// Something cannot be read without which there is no answer.
    Failed(Error),
}

pub(super) type Step<T> = Result<T, Stop>;

impl<'a> Planner<'a> {
    fn plan(&mut self) -> Result<(), Error> {
        let Needs { source, destination, namespace, .. } = self.needs;
        for namespace in self.needs.policies_of {
            self.requests.insert(Request::policies(namespace));
        }
        let from = match self.end(source, namespace) {
            Ok(namespace) => namespace,
            Err(Stop::Pending) => None,
            Err(Stop::Failed(error)) => return Err(error),
        };
        // A host name is completed by the resolver of the pod that uses it.
        let from = from.or_else(|| home(source, namespace));
        let namespace = match (&destination.names, &from) {
            (Named::Host(_), Some(from)) => from,
            _ => namespace,
        };
        match self.end(destination, namespace) {
            // Which Service port a rule may have meant is told by the Services there.
            Ok(Some(namespace)) => _ = self.requests.insert(Request::services(&namespace)),
            Ok(None) | Err(Stop::Pending) => {}
            Err(Stop::Failed(error)) => return Err(error),
        }
        if let Some(namespace) = home(destination, namespace) {
            self.requests.insert(Request::services(&namespace));
        }
        Ok(())
    }

    /// Plans one end and gives its namespace, where it has one.
    fn end(&mut self, target: &EndName, namespace: &str) -> Step<Option<String>> {
        match &target.names {
            Named::Address(address) => self.address(*address),
            Named::Host(host) => self.host(host, namespace),
            Named::Path(parts) => match ends::called(target) {
                Some((kinds, name)) => match (self.called(kinds, name)?, parts.first()) {
                    ((true, found), _) => Ok(found),
                    // A namespace may be called so too.
                    (_, Some(first))
                        if matches!(self.ask(Request::namespace(first))?, Answer::Read { .. }) =>
                    {
                        self.path(parts, namespace)
                    }
                    _ => Ok(None),
                },
                None => self.path(parts, namespace),
            },
            Named::Pods(wanted) => {
                let namespace = wanted.namespace(namespace);
                if let Some(namespace) = namespace {
                    self.namespace(namespace);
                }
                Ok(namespace.map(ToOwned::to_owned))
            }
            Named::Found(_) => Ok(None),
        }
    }

    /// What the API server calls: whether something has the name, and the namespace of whom it calls, with
    /// the pods there.
    fn called(&mut self, kinds: &[Kind], name: &str) -> Step<(bool, Option<String>)> {
        let mut pending = false;
        let mut calls: Vec<&Call> = Vec::new();
        for kind in kinds {
            let object = ObjectRef::cluster(kind.name(), name);
            let over = self.needs.overlay.and_then(|overlay| overlay.body(&object));
            if let Some(Body::Calls(over)) = over {
                calls.extend(over);
                continue;
            }
            match self.must(Request::One(*kind, None, name.into())) {
                Ok(Some(read)) => {
                    calls.extend(read.iter().flat_map(|(found, _)| match &found.body {
                        Body::Calls(calls) => calls.as_slice(),
                        _ => &[][..],
                    }));
                }
                Ok(None) => {}
                Err(Stop::Pending) => pending = true,
                Err(failed) => return Err(failed),
            }
        }
        let (mut namespace, there) = (None, !calls.is_empty());
        for call in calls {
            let Callee::Service { namespace: of, name, .. } = &call.to else { continue };
            self.namespace(of);
            namespace.get_or_insert_with(|| of.to_string());
            match self.service(of, name) {
                Err(Stop::Pending) => pending = true,
                other => other?,
            }
        }
        if pending { Err(Stop::Pending) } else { Ok((there, namespace)) }
    }

    /// The API server: where its Service says that it is, which without the nodes says too little, since
    /// one of them may be its own.
    fn api_server(&mut self) -> Step<Option<String>> {
        let slices = Request::Slices("default".into(), "kubernetes".into());
        match self.ask(Request::Nodes)? {
            Answer::Read { found, .. } if !found.is_empty() => self.ask(slices).map(|_| None),
            _ => Ok(None),
        }
    }

    fn path(&mut self, parts: &[String], namespace: &str) -> Step<Option<String>> {
        match parts {
            [name] if name == "kube-apiserver" => self.api_server(),
            [name] => self.bare(namespace, name),
            [first, name] => {
                if let Some(kind) = kind_from_word(first) {
                    return self.typed(namespace, kind, name);
                }
                let own = self.ask(Request::namespace(first));
                if matches!(own, Ok(Answer::Missing)) && !self.overlaid_namespace(first) {
                    // Not a namespace, so perhaps the kind of a custom workload.
                    self.namespace(first);
                    return self.custom(namespace);
                }
                self.bare(first, name)
            }
            [namespace, kind, name] => match kind_from_word(kind) {
                Some(kind) => self.typed(namespace, kind, name),
                None => self.custom(namespace),
            },
            _ => Ok(None),
        }
    }

    fn typed(&mut self, namespace: &str, kind: &str, name: &str) -> Step<Option<String>> {
        match kind {
            "Namespace" => {
                self.namespace(name);
                self.must(Request::pods(name))?;
                return Ok(None);
            }
            "Node" => {
                if self.must(Request::One(Kind::Node, None, name.into()))?.is_none() {
                    self.ask(Request::Names(Kind::Node, None))?;
                }
                return Ok(None);
            }
            _ => self.namespace(namespace),
        }
        match (kind, workload(kind)) {
            ("Pod", _) => match self.must(Request::pod(namespace, name))? {
                Some(read) => self.owners(namespace, pods(read))?,
                None => self.names(Kind::Pod, namespace, name)?,
            },
            ("Service", _) => self.service(namespace, name)?,
            (_, Some(kind)) => _ = self.workload(kind, namespace, name)?,
            _ => {}
        }
        Ok(Some(namespace.to_owned()))
    }

    /// A name without a kind: a pod, else a workload, else a Service.
    fn bare(&mut self, namespace: &str, name: &str) -> Step<Option<String>> {
        self.namespace(namespace);
        self.requests.insert(Request::services(namespace));
        let read = self.must(Request::pods(namespace))?.unwrap_or_default();
        let found = Ok(Some(namespace.to_owned()));
        let of_name = |pod: &Pod, controller: Option<&Owner>| {
            *pod.name == *name || top(pod, controller).is_some_and(|(_, top)| *top == *name)
        };
        if pods(read).any(|(pod, controller)| of_name(pod, controller)) {
            self.owners(namespace, pods(read).filter(|(pod, owner)| of_name(pod, *owner)))?;
            return found;
        }
        let own = format!("{name}-");
        self.owners(
            namespace,
            pods(read).filter(|(_, owner)| {
                owner.is_some_and(|owner| {
                    *owner.kind == *"ReplicaSet" && owner.name.starts_with(&own)
                })
            }),
        )?;
        let service = self.find_service(namespace, name)?;
        if service.is_some_and(|service| pods(read).any(|(pod, _)| service.selects(&pod.labels))) {
            self.service(namespace, name)?;
            return found;
        }
        let mut refused = None;
        let mut pending = false;
        let mut workload = false;
        for kind in WORKLOADS {
            match self.workload(kind, namespace, name) {
                Ok(there) => workload |= there,
                Err(Stop::Pending) => pending = true,
                Err(Stop::Failed(error)) => refused = Some(error),
            }
        }
        match refused {
            _ if pending => Err(Stop::Pending),
            _ if service.is_some() && !workload => self.service(namespace, name).and(found),
            Some(error) if !workload => Err(Stop::Failed(error)),
            _ => found,
        }
    }

    /// A workload of some kind of which only the pods are known here.
    fn custom(&mut self, namespace: &str) -> Step<Option<String>> {
        self.namespace(namespace);
        let read = self.must(Request::pods(namespace))?.unwrap_or_default();
        self.owners(namespace, pods(read))?;
        Ok(Some(namespace.to_owned()))
    }

    /// A workload with its pods; whether it is there.
    pub(super) fn workload(&mut self, kind: Kind, namespace: &str, name: &str) -> Step<bool> {
        let request = Request::One(kind, Some(namespace.into()), name.into());
        let Some(read) = self.must(request)? else {
            let object = ObjectRef::namespaced(kind.name(), namespace, name);
            // A bare name has its own list of what there is.
            if !self.answers.contains_key(&Request::pods(namespace)) && !self.overlaid(&object) {
                self.ask(Request::Names(kind, Some(namespace.into())))?;
            }
            return Ok(false);
        };
        let selector = read.iter().find_map(|(found, _)| match &found.body {
            Body::Workload(workload) => workload.selector.clone(),
            _ => None,
        });
        // A CronJob finds its Jobs by owner only.
        let labels = selector.filter(|selector| !selector.is_everything());
        let read = self.pods_by(namespace, labels.map(|labels| labels.to_string()))?;
        self.owners(namespace, pods(read))?;
        Ok(true)
    }

    pub(super) fn service(&mut self, namespace: &str, name: &str) -> Step<()> {
        let Some(service) = self.find_service(namespace, name)? else { return Ok(()) };
        if let Some(name) = &service.external_name {
            return self.alias(name);
        }
        if let Some(labels) = service.selector.as_ref().filter(|labels| !labels.is_empty()) {
            let labels = labels.to_string();
            let read = self.pods_by(namespace, Some(labels))?;
            self.owners(namespace, pods(read))?;
            if pods(read).next().is_none() {
                self.templates(namespace)?;
            }
            return Ok(());
        }
        let slices = Request::Slices(namespace.into(), name.into());
        let read = self.must(slices)?.unwrap_or_default();
        let endpoints = read.iter().filter_map(|(found, _)| match &found.body {
            Body::EndpointSlice(slice) => Some(slice.endpoints.iter()),
            _ => None,
        });
        let (known, others): (Vec<_>, Vec<_>) =
            endpoints.flatten().partition(|endpoint| endpoint.pod.is_some());
        if !known.is_empty() {
            self.must(Request::pods(namespace))?;
        }
        let addresses = others.iter().filter_map(|endpoint| endpoint.addresses.first());
        for address in addresses.take(MOST_ADDRESSES) {
            self.must(Request::PodsAt(*address))?;
        }
        Ok(())
    }

    /// The workloads of a namespace, one of which may be behind a Service without pods.
    fn templates(&mut self, namespace: &str) -> Step<()> {
        let mut pending = false;
        for kind in [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet] {
            pending |= self.ask(Request::All(kind, namespace.into())).is_err();
        }
        if pending { Err(Stop::Pending) } else { Ok(()) }
    }

    fn find_service(&mut self, namespace: &str, name: &str) -> Step<Option<&'a Service>> {
        let object = ObjectRef::namespaced("Service", namespace, name);
        if let Some(Body::Service(service)) =
            self.needs.overlay.and_then(|overlay| overlay.body(&object))
        {
            return Ok(Some(service));
        }
        // The list serves the nearest names too; who may not list may perhaps get.
        let read = match self.ask(Request::services(namespace))? {
            Answer::Read { found, .. } => Some(found.as_slice()),
            Answer::Missing => None,
            Answer::Failed(_) => {
                self.must(Request::One(Kind::Service, Some(namespace.into()), name.into()))?
            }
        };
        Ok(read.unwrap_or_default().iter().find_map(|(found, _)| match &found.body {
            Body::Service(service) if *service.name == *name => Some(&**service),
            _ => None,
        }))
    }

    /// The pods with these labels, out of all the namespace's where those were read.
    fn pods_by(&mut self, namespace: &str, labels: Option<String>) -> Step<&'a [Read]> {
        let all = Request::pods(namespace);
        let request = match labels {
            Some(labels) if !matches!(self.answers.get(&all), Some(Answer::Read { .. })) => {
                Request::PodsBy(namespace.into(), labels)
            }
            _ => all,
        };
        Ok(self.must(request)?.unwrap_or_default())
    }

    /// Who owns pods, where neither they nor their names tell; and the live form of workloads that
    /// are to be replaced, since one whose template changes loses these pods.
    pub(super) fn owners(
        &mut self,
        namespace: &str,
        pods: impl Iterator<Item = (&'a Pod, Option<&'a Owner>)>,
    ) -> Step<()> {
        let mut asked = BTreeSet::new();
        for (pod, controller) in pods {
            let Some(owner) = controller else { continue };
            let replica_set = *owner.kind == *"ReplicaSet";
            if replica_set && owner_of_replica_set(&owner.name, &pod.labels).is_none() {
                asked.insert((Kind::ReplicaSet, owner.name.clone()));
            }
            let Some((kind, name)) = top(pod, controller) else { continue };
            let object = ObjectRef::namespaced(kind, namespace, name);
            if let (Some(kind), true) = (workload(kind), self.overlaid(&object)) {
                self.requests.insert(Request::One(kind, Some(namespace.into()), object.name));
            }
        }
        let mut pending = false;
        for (kind, name) in asked.into_iter().take(MOST_OWNERS) {
            let answer = self.ask(Request::One(kind, Some(namespace.into()), name));
            pending |= answer.is_err();
        }
        if pending { Err(Stop::Pending) } else { Ok(()) }
    }

    /// The namespace of an end: its labels and its policies.
    pub(super) fn namespace(&mut self, namespace: &str) {
        self.requests.insert(Request::policies(namespace));
        if let Ok(Answer::Missing) = self.ask(Request::namespace(namespace))
            && !self.overlaid_namespace(namespace)
        {
            self.requests.insert(Request::Names(Kind::Namespace, None));
        }
    }

    fn names(&mut self, kind: Kind, namespace: &str, name: &str) -> Step<()> {
        if !self.overlaid(&ObjectRef::namespaced(kind.name(), namespace, name)) {
            self.ask(Request::Names(kind, Some(namespace.into())))?;
        }
        Ok(())
    }

    fn overlaid(&self, object: &ObjectRef) -> bool {
        self.needs.overlay.is_some_and(|overlay| overlay.body(object).is_some())
    }

    pub(super) fn overlaid_namespace(&self, namespace: &str) -> bool {
        self.needs.overlay.is_some_and(|overlay| {
            overlay.iter().any(|(object, ..)| match &object.namespace {
                Some(of) => **of == *namespace,
                None => *object.kind == *"Namespace" && *object.name == *namespace,
            })
        })
    }

    /// The answer to a request, once there is one.
    pub(super) fn ask(&mut self, request: Request) -> Step<&'a Answer> {
        if let Some(answer) = self.answers.get(&request) {
            return Ok(answer);
        }
        self.requests.insert(request);
        Err(Stop::Pending)
    }

    /// The same where nothing can be said without it; `None`: there is no such object.
    pub(super) fn must(&mut self, request: Request) -> Step<Option<&'a [Read]>> {
        match self.ask(request)? {
            Answer::Read { found, .. } => Ok(Some(found)),
            Answer::Missing => Ok(None),
            Answer::Failed(error) => Err(Stop::Failed(error.clone())),
        }
    }
}
