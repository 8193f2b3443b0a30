//! `bootstrap`: closes namespaces, in a cluster or as files for Git, and takes it back.
//!
//! In: [`BootstrapArgs`]. Out: objects in the cluster or files on disk, and on stdout what was done,
//! what it means and what comes next. One namespace that fails does not stop the others, unless it
//! is the server that fails.

mod account;
mod apply;
mod args;
mod export;
mod facts;
mod learn;
mod others;
mod output;
mod owner;
mod preview;
mod remove;
mod system;
mod tests;
mod wanted;
mod whole;

pub use args::BootstrapArgs;

use crate::cli::{Exit, GlobalArgs, Progress, answer, error, for_people, note, warn};
use crate::render::Format;
use account::Account;
use anyhow::bail;
use args::{Action, DryRun, Namespaces, Plan};
use netpol::baseline::{self, AllowedEnd, BaselinePolicy, Dns, DnsFacts, Keep};
use netpol::draft::Dialect;
use netpol::ends::{EndName, Named};
use netpol::kinds::Kind;
use netpol::objects::{Found, api};
use netpol::printable::printable;
use netpol_sources::live::{self, Connection, Selection, Survey, Target};
use output::{json_of, yaml_of};
use serde::Serialize;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;
use std::time::Instant;

/// Namespaces that the cluster itself runs in; a selector is not enough to close them.
const SYSTEM: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];

/// What was done to one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Created,
    Applied,
    Unchanged,
    Removed,
    Released,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Applied => "serverside-applied",
            Self::Unchanged => "unchanged",
            Self::Removed => "deleted",
            Self::Released => "labels removed",
        }
    }
}

/// One object and what was done to it.
#[derive(Clone, Debug)]
struct Deed {
    /// Kind with group, and name, as kubectl prints them.
    name: String,
    /// Its namespace, where that is not the one in hand.
    elsewhere: Option<String>,
    state: State,
    /// The object as it is wanted.
    object: Value,
}

/// What was done in one namespace, and what there is to say of it.
#[derive(Debug, Default)]
struct Outcome {
    deeds: Vec<Deed>,
    /// Lines of the answer.
    words: Vec<String>,
    /// Lines beside it.
    notes: Vec<String>,
}

/// Why a namespace was not done.
#[derive(Debug)]
struct Failure {
    /// One sentence, with what was done nevertheless.
    why: String,
    /// Asking the server for more is in vain.
    of_server: bool,
}

impl From<live::Error> for Failure {
    fn from(error: live::Error) -> Self {
        Self { of_server: error.is_of_server(), why: error.to_string() }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { of_server: false, why: format!("{error:#}") }
    }
}

impl BootstrapArgs {
    /// Runs the command.
    pub fn run(&self, global: &GlobalArgs) -> anyhow::Result<Exit> {
        if self.schema {
            let schema = serde_json::to_string_pretty(&baseline::schema())?;
            answer(global.color, &(schema + "\n"))?;
            return Ok(Exit::Success);
        }
        let plan = self.plan(global)?;
        let progress = Progress::start(global.color);
        let run = Run {
            plan: &plan,
            global,
            progress,
            later: RefCell::default(),
            learned: BTreeMap::new(),
            account: RefCell::default(),
            dialects: RefCell::default(),
            survey: RefCell::default(),
            several: Cell::new(false),
            kept: RefCell::default(),
            told: RefCell::default(),
        };
        if self.learn.is_wanted() {
            return self.learn.run(run);
        }
        global.block_on(run.until_stopped())?
    }
}

/// One run of the command.
struct Run<'a> {
    plan: &'a Plan,
    global: &'a GlobalArgs,
    progress: Progress,
    /// Warnings that matter only once something is written.
    later: RefCell<Vec<String>>,
    /// By namespace, the policies that observed flows need.
    learned: BTreeMap<String, Vec<BaselinePolicy>>,
    /// What is written so far.
    account: RefCell<Account>,
    /// The dialects that the cluster serves, once they were asked for.
    dialects: RefCell<Option<Vec<Dialect>>>,
    /// The cluster as it was read for the namespaces before, and when.
    survey: RefCell<Option<(Instant, Survey)>>,
    /// There are several namespaces to be written.
    several: Cell<bool>,
    /// By namespace, what is kept of that which would be cut.
    kept: RefCell<BTreeMap<String, Vec<Keep>>>,
    /// Flags of which it was looked up whom they admit.
    told: RefCell<BTreeSet<String>>,
}

/// What came of the namespaces so far.
#[derive(Default)]
struct Done {
    failed: usize,
    /// The last that went well.
    last: Option<String>,
    objects: Vec<Value>,
}

/// Comes back when somebody asks the program to end.
async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut end) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = end.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        // Then nobody can.
        std::future::pending::<()>().await;
    }
}

/// What is known before the first namespace.
struct Begun {
    connection: Option<Connection>,
    namespaces: Vec<String>,
    dns: Option<DnsFacts>,
}

impl Run<'_> {
    /// Everything, or as much as there is time for until somebody stops it.
    async fn until_stopped(&self) -> anyhow::Result<Exit> {
        tokio::select! {
            biased;
            () = stopped() => {
                let why = self.interrupted();
                self.progress.aside(|| error(self.global.color, &why));
                Ok(Exit::Error)
            }
            done = self.all() => done,
        }
    }

    async fn all(&self) -> anyhow::Result<Exit> {
        if let Namespaces::Whole { left_out } = &self.plan.namespaces {
            return self.whole_cluster(left_out).await;
        }
        let connection = self.connection().await?;
        let namespaces = self.namespaces(connection.as_ref()).await?;
        if let Action::Export { .. } = self.plan.action {
            return self.export(connection.as_ref(), &namespaces).await;
        }
        self.check_dialect(connection.as_ref()).await?;
        let dns = match self.plan.action {
            Action::Remove => None,
            _ => self.dns(connection.as_ref()).await?,
        };
        let dns = dns.as_ref();
        let mut done = Done::default();
        match (&connection, &self.plan.action) {
            (Some(connection), Action::Remove) => {
                self.each(&namespaces, &mut done, async |name| self.remove(connection, name).await)
                    .await?;
            }
            (Some(connection), _) => {
                self.apply_all(connection, &namespaces, dns, &mut done).await?;
            }
            (None, _) => {
                self.each(&namespaces, &mut done, async |name| self.imagine(None, name, dns).await)
                    .await?;
            }
        }
        if self.plan.format.is_some() {
            self.print_objects(done.objects)?;
        } else {
            let last = done.last.filter(|_| self.plan.action == Action::Apply);
            self.answer_lines(&last.map_or_else(Vec::new, |namespace| {
                let next = match self.plan.dry_run {
                    DryRun::None => {
                        let next = "Next: kubectl netpol explain -n";
                        format!("{next} {namespace} WORKLOAD DESTINATION")
                    }
                    DryRun::Client | DryRun::Server => {
                        "Next: the same without --dry-run, which writes it".to_owned()
                    }
                };
                let mut lines = baseline::dns(&self.plan.baseline, dns);
                lines.push(next);
                lines
            }))?;
        }
        Ok(if done.failed == 0 { Exit::Success } else { Exit::Error })
    }

    /// The objects, in the format that was asked for; as text they are told already.
    fn print_objects(&self, objects: Vec<Value>) -> anyhow::Result<()> {
        match self.plan.format {
            Some(Format::Json) => self.answer(&json_of(objects)?),
            Some(Format::Name) | None => Ok(()),
            Some(_) => self.answer(&yaml_of(&objects)?),
        }
    }

    /// Tries everything in every namespace, and then writes one after the other.
    async fn apply_all(
        &self,
        connection: &Connection,
        namespaces: &[String],
        dns: Option<&DnsFacts>,
        done: &mut Done,
    ) -> anyhow::Result<()> {
        self.account.borrow_mut().expect(namespaces);
        let mut ready = Vec::new();
        for (at, namespace) in namespaces.iter().enumerate() {
            self.progress.say(&format!("trying {namespace} ({} of {})", at + 1, namespaces.len()));
            match self.prepare(connection, namespace, dns).await {
                Ok(prepared) => ready.push(prepared),
                Err(failure) if failure.of_server => {
                    let before: Vec<_> = ready.into_iter().map(|it| it.namespace).collect();
                    let rest = [&before[..], &namespaces[at + 1..]].concat();
                    self.failed(namespace, &failure, &rest, done);
                    return Ok(());
                }
                Err(failure) => self.failed(namespace, &failure, &[], done),
            }
        }
        let names: Vec<String> = ready.iter().map(|it| it.namespace.clone()).collect();
        self.account.borrow_mut().expect(&names);
        self.several.set(names.len() > 1);
        for (at, prepared) in ready.into_iter().enumerate() {
            let namespace = &names[at];
            self.progress.say(&format!("{namespace} ({} of {})", at + 1, names.len()));
            match self.apply(connection, prepared, dns).await {
                Ok(outcome) => {
                    done.last = Some(namespace.clone());
                    self.tell(outcome, &mut done.objects)?;
                }
                Err(failure) => {
                    let of_server = failure.of_server;
                    self.failed(namespace, &failure, &names[at + 1..], done);
                    if of_server {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Does the same for each namespace; a server that fails ends it.
    async fn each(
        &self,
        namespaces: &[String],
        done: &mut Done,
        mut work: impl AsyncFnMut(&str) -> Result<Outcome, Failure>,
    ) -> anyhow::Result<()> {
        for (at, namespace) in namespaces.iter().enumerate() {
            self.progress.say(&format!("{namespace} ({} of {})", at + 1, namespaces.len()));
            match work(namespace).await {
                Ok(outcome) => {
                    done.last = Some(namespace.clone());
                    self.tell(outcome, &mut done.objects)?;
                }
                Err(failure) => {
                    let of_server = failure.of_server;
                    self.failed(namespace, &failure, &namespaces[at + 1..], done);
                    if of_server {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Says that a namespace was not done, and which were not even tried.
    fn failed(&self, namespace: &str, failure: &Failure, rest: &[String], done: &mut Done) {
        done.failed += 1;
        let mut why = format!("{namespace}: {}", failure.why);
        if failure.of_server {
            why += &account::rest("not tried", rest);
        }
        self.progress.aside(|| error(self.global.color, &why));
    }

    /// Looks up what is the same for all namespaces; of a cluster only if there is one.
    async fn begin(&self, online: bool) -> anyhow::Result<Begun> {
        let connection = if online { self.connection().await? } else { None };
        let namespaces = self.namespaces(connection.as_ref()).await?;
        let dns = self.dns(connection.as_ref()).await?;
        Ok(Begun { connection, namespaces, dns })
    }

    /// Policies of a kind that the cluster does not have are not written.
    async fn check_dialect(&self, connection: Option<&Connection>) -> anyhow::Result<()> {
        let dialect = self.plan.baseline.dialect;
        let writes = self.plan.action == Action::Apply && self.plan.dry_run != DryRun::Client;
        let Some(connection) = connection.filter(|_| writes && dialect != Dialect::NetworkPolicy)
        else {
            return Ok(());
        };
        self.progress.say("asking which kinds the cluster serves");
        if connection.serves(dialect.kind()).await? {
            return Ok(());
        }
        let why = match dialect {
            Dialect::Calico => "Calico's API server is not",
            Dialect::NetworkPolicy | Dialect::Cilium => "Cilium is not",
        };
        bail!(
            "--dialect {}: the cluster has no kind {} ({}), so {why} installed there, or keeps its \
             policies elsewhere; nothing was written; leave --dialect out, or write files with \
             --export DIR",
            dialect.word(),
            dialect.kind(),
            dialect.kind().api_version()
        )
    }

    /// What can do without a cluster goes on without it, with a word.
    async fn connection(&self) -> anyhow::Result<Option<Connection>> {
        let plan = self.plan;
        let offline = plan.action != Action::Remove
            && (plan.dry_run == DryRun::Client || plan.action != Action::Apply);
        let asks = !matches!(plan.baseline.dns, Dns::Namespace | Dns::None)
            || plan.baseline.egress.iter().any(is_inside)
            || plan
                .baseline
                .allowed
                .iter()
                .any(|it| matches!(it.1.who, AllowedEnd::Workload { .. }))
            || matches!(plan.namespaces, Namespaces::Labelled(_));
        if matches!(plan.action, Action::Export { .. }) && !asks {
            return Ok(None);
        }
        match self.global.connect().await {
            Ok(connection) => Ok(Some(connection)),
            Err(live::Error::NoCluster { .. } | live::Error::NoContext { .. })
                if offline && !asks =>
            {
                Ok(None)
            }
            Err(error) if offline => {
                self.warn(&format!("going on without a cluster: {error}"));
                Ok(None)
            }
            // Manifests say nothing here: what is written would go to a cluster, or to files.
            Err(live::Error::NoCluster { looked }) if plan.action == Action::Apply => bail!(
                "no cluster to write to: {looked} and this is not a pod with \
                 a service account; give --kubeconfig or --server, or write files with --export DIR"
            ),
            Err(error) => Err(error.into()),
        }
    }

    async fn namespaces(&self, connection: Option<&Connection>) -> anyhow::Result<Vec<String>> {
        let selector = match &self.plan.namespaces {
            Namespaces::Named(names) => return Ok(names.clone()),
            Namespaces::Whole { .. } => return Ok(Vec::new()),
            Namespaces::Labelled(selector) => selector,
        };
        let Some(connection) = connection else { bail!("-l needs a cluster") };
        self.progress.say("listing namespaces");
        let labels = Some(selector.clone());
        let target = Target::kind(Kind::Namespace);
        let selection = Selection { labels, ..Selection::default() };
        let list = connection.list::<api::Namespace>(&target, &selection).await?;
        if let live::Extent::Partial(why) = list.extent {
            bail!("not all namespaces were read: {why}");
        }
        let names = list.items.into_iter().map(|item| Found::from(item).object.name.to_string());
        let (system, names): (Vec<_>, Vec<_>) = names.partition(|n| SYSTEM.contains(&&**n));
        if !system.is_empty() {
            let names = system.join(", ");
            self.warn(&format!(
                "left out, since the cluster runs there: {names}; name it if meant"
            ));
        }
        if names.is_empty() {
            note(&[format!("No namespaces found with labels {selector}.")]);
        }
        Ok(names)
    }

    fn tell(&self, outcome: Outcome, objects: &mut Vec<Value>) -> anyhow::Result<()> {
        let mut lines = Vec::new();
        let dry = match self.plan.dry_run {
            DryRun::None => "",
            DryRun::Client => " (dry run)",
            DryRun::Server => " (server dry run)",
        };
        for deed in &outcome.deeds {
            let Deed { name, elsewhere, state, .. } = deed;
            lines.push(match (self.plan.format, elsewhere) {
                (Some(Format::Name), _) => name.clone(),
                (Some(_), _) => continue,
                (None, Some(there)) => {
                    format!("{name} {}{dry} in namespace {there}", state.word())
                }
                (None, None) => format!("{name} {}{dry}", state.word()),
            });
        }
        if self.plan.format.is_none() {
            lines.extend(outcome.words);
        }
        self.warn_later();
        self.progress.aside(|| note(&outcome.notes));
        self.answer_lines(&lines)?;
        // Only a format has use for them, and there may be very many.
        if self.plan.format.is_some() {
            let all = outcome.deeds.into_iter().map(|deed| deed.object);
            objects.extend(all.filter(|object| !object.is_null()));
        }
        Ok(())
    }

    fn answer_lines(&self, lines: &[String]) -> anyhow::Result<()> {
        let terminal = std::io::stdout().is_terminal();
        let lines = lines.iter().map(|line| for_people(&printable(line), terminal) + "\n");
        self.answer(&lines.collect::<String>())
    }

    fn answer(&self, text: &str) -> anyhow::Result<()> {
        // Whoever stops reading does not stop what is being written.
        self.progress.aside(|| answer(self.global.color, text))?;
        Ok(())
    }

    fn warn_later(&self) {
        for text in self.later.take() {
            self.warn(&text);
        }
    }

    fn warn(&self, text: &str) {
        self.progress.aside(|| warn(self.global.color, text));
    }
}

impl Deed {
    fn of(object: Value, home: &str, state: State) -> Self {
        let metadata = &object["metadata"];
        let name = metadata["name"].as_str().unwrap_or_default();
        let kind = match dialect_of(&object) {
            Some(Dialect::NetworkPolicy) => "networkpolicy.networking.k8s.io",
            Some(Dialect::Cilium) => "ciliumnetworkpolicy.cilium.io",
            Some(Dialect::Calico) => "networkpolicy.projectcalico.org",
            None => "namespace",
        };
        let there = metadata["namespace"].as_str().unwrap_or(home);
        let elsewhere = (there != home).then(|| there.to_owned());
        Self { name: format!("{kind}/{name}"), elsewhere, state, object }
    }
}

/// The dialect of a policy; `None`: it is none.
fn dialect_of(object: &Value) -> Option<Dialect> {
    Dialect::of_object(object)
}

/// A typed object as the API writes it.
fn to_value<T: Serialize>(object: &T) -> anyhow::Result<Value> {
    Ok(serde_json::to_value(object)?)
}

/// Whether a destination is one that only the cluster knows.
fn is_inside(target: &EndName) -> bool {
    match &target.names {
        Named::Address(_) | Named::Pods(_) | Named::Found(_) => false,
        Named::Host(host) => in_cluster(host).is_some(),
        Named::Path(_) => true,
    }
}

fn is_service(kind: &str) -> bool {
    netpol::cluster::kind_from_word(kind) == Some("Service")
}

/// Namespace and name of a Service in `name.namespace.svc[.cluster.local]`.
fn in_cluster(host: &str) -> Option<(&str, &str)> {
    let mut parts = host.split('.');
    let (name, namespace) = (parts.next()?, parts.next()?);
    (parts.next() == Some("svc")).then_some((namespace, name))
}
