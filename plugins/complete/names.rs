//! The names that exist: in the manifests on the line, else in the cluster that its flags choose.
//!
//! In: a [`Line`] and a deadline. Out: candidates. What has not come by then is left out; whatever
//! fails leaves nothing, and nobody is told.

use super::candidate;
use super::line::Line;
use super::plan::{Ask, Sort, plan};
use clap_complete::CompletionCandidate;
use netpol::cluster::Name;
use netpol_sources::live::{self, Connection, Entries, Environment, Target};
use netpol_sources::manifests::Manifests;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinSet;
use tokio::time::timeout_at;

/// Where Kustomizations are unless `-n` says otherwise.
const FLUX: &str = "flux-system";

/// Where names come from.
pub(super) struct Names {
    line: Line,
    deadline: Instant,
}

/// Of an object only its name.
#[derive(Deserialize)]
struct Named {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

impl Names {
    pub(super) fn new(line: Line, deadline: Instant) -> Self {
        Self { line, deadline }
    }

    /// What the kubeconfig has to choose from.
    pub(super) fn entries(&self) -> Entries {
        live::entries(&self.line.connect.options(None), &unattended())
    }

    /// The names of a sort that begin with what was typed.
    pub(super) fn of(&self, sort: Sort, typed: &str) -> Vec<CompletionCandidate> {
        let found = if self.line.manifests && sort != Sort::Kustomization {
            self.in_manifests(sort, typed)
        } else {
            self.in_cluster(sort, typed)
        };
        // Bare names of different kinds may be the same.
        let mut seen = BTreeSet::new();
        found
            .into_iter()
            .filter(|(value, _)| value.starts_with(typed) && seen.insert(value.clone()))
            .map(|(value, help)| candidate(&value, &help))
            .collect()
    }

    fn own_namespace(&self, sort: Sort, of_context: impl FnOnce() -> Option<String>) -> String {
        let own = self.line.namespace.clone();
        if sort == Sort::Kustomization {
            return own.unwrap_or_else(|| FLUX.to_owned());
        }
        own.or_else(of_context).unwrap_or_else(|| "default".to_owned())
    }

    fn in_manifests(&self, sort: Sort, typed: &str) -> Vec<(String, String)> {
        let options = self.line.connect.options(None);
        let own = self.own_namespace(sort, || live::default_namespace(&options, &unattended()));
        let files = self.line.files.clone();
        let manifests = Manifests { files, namespace: own.clone(), ..Manifests::default() };
        let Ok(loaded) = manifests.load() else { return Vec::new() };
        let mut found = Vec::new();
        for ask in plan(sort, typed, &own) {
            let namespaces = ask.resource.kind == "Namespace";
            let names: BTreeSet<&Name> = loaded
                .objects
                .iter()
                .filter_map(|(object, ..)| match (namespaces, &object.namespace) {
                    // A namespace need not be written to be known.
                    (true, Some(namespace)) => Some(namespace),
                    _ => (*object.kind == *ask.resource.kind
                        && object.namespace.as_deref() == ask.namespace.as_deref())
                    .then_some(&object.name),
                })
                .collect();
            found.extend(names.into_iter().map(|name| ask.named(name)));
        }
        found
    }

    fn in_cluster(&self, sort: Sort, typed: &str) -> Vec<(String, String)> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return Vec::new() };
        let mut found = Vec::new();
        let read = self.read(sort, typed, &mut found);
        // Dropping what is unfinished also ends a credential plugin.
        let _ = runtime.block_on(async { timeout_at(self.deadline.into(), read).await });
        runtime.shutdown_background();
        found.sort_by_key(|(order, _)| *order);
        found.into_iter().flat_map(|(_, named)| named).collect()
    }

    /// Adds what each list has as it comes.
    async fn read(&self, sort: Sort, typed: &str, found: &mut Vec<(usize, Vec<(String, String)>)>) {
        let options = self.line.connect.options(self.line.namespace.as_deref());
        let silent = Arc::new(|_: &str| {});
        let connection = live::connect(&options, &unattended(), silent).await;
        let Ok(connection) = connection else { return };
        let own = self.own_namespace(sort, || Some(connection.namespace().to_owned()));
        let mut running = JoinSet::new();
        for (order, ask) in plan(sort, typed, &own).into_iter().enumerate() {
            let connection = connection.clone();
            running.spawn(async move { (order, list(&connection, &ask).await) });
        }
        while let Some(joined) = running.join_next().await {
            found.extend(joined);
        }
    }
}

async fn list(connection: &Connection, ask: &Ask) -> Vec<(String, String)> {
    let mut target = Target::of(ask.resource.api, ask.resource.plural);
    if let Some(namespace) = &ask.namespace {
        target = target.within(namespace);
    }
    let list = connection.list_metadata::<Named>(&target).await;
    let items = list.map(|list| list.items).unwrap_or_default();
    items.iter().map(|object| ask.named(&object.metadata.name)).collect()
}

impl Ask {
    /// A name as it stands on the command line, and what it is.
    fn named(&self, name: &str) -> (String, String) {
        let Self { resource, namespace, before, after } = self;
        let place = namespace.as_ref().map_or(String::new(), |place| format!(" in {place}"));
        (format!("{before}{name}{after}"), format!("{}{place}", resource.kind))
    }
}

/// The surroundings of this process, but that nobody is to be asked.
fn unattended() -> Environment {
    Environment {
        stdin_is_terminal: false,
        stderr_is_terminal: false,
        unattended: true,
        ..Environment::of_process()
    }
}
