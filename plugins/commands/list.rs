//! `list`: who may talk to whom on what.

use crate::cli::{
    Exit, GlobalArgs, Input, InputArgs, OutputArgs, Progress, not_known, show, warn, written,
};
use crate::render::{CsvList, Format, Formats as _, weight};
use anyhow::{anyhow, bail, ensure};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use netpol::answer::{By, FlowList, ListAsked, ListedFlow, MissingReport, SystemReport};
use netpol::cluster::Snapshot;
use netpol::effort::{Effort, TooMuch, Work};
use netpol::ends::{self, End, EndName, Endpoint, INTERNET, Named, PortWanted};
use netpol::policy::Written;
use netpol::reach::PortSet;
use netpol::system::suppose_dns;
use netpol::unwritten::{self, Unwritten};
use std::collections::HashMap;
use std::mem::ManuallyDrop;
use std::ops::ControlFlow;

/// Arguments of `list`.
#[derive(Args, Clone, Debug)]
#[command(override_usage = "kubectl netpol list [-n NAMESPACE | -A] [OPTIONS]", after_help = AFTER_HELP)]
pub struct ListArgs {
    /// All namespaces, which is what goes without -n
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,

    /// Only from this workload, pod, namespace, node or address, or from the internet
    #[arg(long, value_name = "SOURCE")]
    from: Option<EndName>,

    /// Only to this workload, pod, namespace, Service, node or address
    #[arg(long, value_name = "DESTINATION")]
    to: Option<EndName>,

    /// Only rows with this port, by number or name: 80, 53/UDP, http
    #[arg(long, value_name = "PORT")]
    port: Option<PortWanted>,

    /// Only what is open to the whole cluster or to the outside, with the reason
    #[arg(long)]
    exposed: bool,

    /// Instead, what the cluster itself depends on: webhooks, aggregated APIs, conversions, probes, DNS
    /// and metrics-server, with what policies cut of it
    #[arg(long, conflicts_with_all = ["from", "to", "port", "exposed", "by", "known_only"])]
    system: bool,

    /// What stands in a row: workload, pod or namespace
    #[arg(
        long,
        value_name = "WHAT",
        value_parser = by(),
        default_value = By::Workload.as_str(),
        hide_default_value = true,
        hide_possible_values = true
    )]
    by: By,

    /// Only the pods that are known: no others that policies may meet, such as those of charts
    #[arg(long)]
    known_only: bool,

    #[command(flatten)]
    output: OutputArgs<FlowList>,

    #[command(flatten)]
    input: InputArgs,
}

/// An answer of more bytes than this makes a page that no browser likes.
const MOST_PICTURED: u64 = 20_000_000;

/// No more rows fit into a page: one takes 250 bytes and more.
const MOST_ROWS: u64 = 80_000;

/// Of rows that are written and let go so many times as many are told.
const PASSING: u64 = 4;

/// What takes its time.
const WORKING: &str = "working out who reaches whom";

/// The end of `list --help`.
const AFTER_HELP: &str = "\
Examples:
  # Who may talk to whom, by the manifests of a repository
  kubectl netpol list -f k8s/

  # What is open to the whole cluster or to the outside, and why
  kubectl netpol list -f k8s/ --exposed

  # What the internet can reach, by which load balancer, Ingress or Gateway
  kubectl netpol list -f k8s/ --exposed --from internet

  # Which webhooks, probes and names policies cut
  kubectl netpol list -f k8s/ --system

  # Who reaches the database
  kubectl netpol list -f k8s/ --to prod/db --port 5432

  # A picture for the documentation
  kubectl netpol list -f k8s/ -n prod -o mermaid

  # A map for the browser; `kubectl netpol map` opens it at once
  kubectl netpol list -f k8s/ -o html > map.html

Ports are those of the pods, after any Service. That a pod reaches itself, and a
node the pods on it, goes without saying and is not listed.

Of files, pods that nobody has written are listed too: pods[app=db] in shop, any
other pod of shop, any other namespace. Where a known pod of the namespace has
the same row, theirs is left out.

Exit codes:
  0 done   2 error   3 what was asked for could not be told whole";

fn by() -> impl clap::builder::TypedValueParser<Value = By> {
    let named = |word: String| By::ALL.into_iter().find(|by| by.as_str() == word);
    PossibleValuesParser::new(By::ALL.map(By::as_str))
        .map(move |word| named(word).unwrap_or_default())
}

impl ListArgs {
    /// Runs the command.
    pub fn run(&self, global: &GlobalArgs) -> anyhow::Result<Exit> {
        match (self.output.schema, self.system) {
            (true, false) => return super::print_schema::<FlowList>(global),
            (true, true) => return super::print_schema::<SystemReport>(global),
            (false, true) => return self.system(global),
            (false, false) => {}
        }
        let format = self.output.format();
        if format == Format::Csv {
            return self.rows(global);
        }
        let (list, exit) = self.list(global, format == Format::Html, |input| {
            if format.is_bare() {
                input.tell_gaps(global);
            }
        })?;
        not_known(global.color, format, list.missing.iter().filter(|it| it.decides()));
        show(global.color, &list, format)?;
        Ok(exit)
    }

    /// Writes rows as they are made.
    fn rows(&self, global: &GlobalArgs) -> anyhow::Result<Exit> {
        let mut input = ManuallyDrop::new(self.read(global, false)?);
        let asked = self.asked(global, &input)?;
        let mut progress = Some(Progress::slow(global.color, WORKING));
        let effort = global.limits().effort;
        let effort = Effort { rows: effort.rows.saturating_mul(PASSING), ..effort };
        let unwritten = self.unwritten(global, &mut input);
        let (locate, mut exit) = (input.locate(), Exit::Success);
        let (snapshot, rules) = (&input.snapshot, &input.rules);
        written(global.color, |out| {
            let (mut rows, mut failed) = (CsvList::new(out), None);
            let mut row = |flow: ListedFlow| {
                drop(progress.take());
                failed = rows.row(&flow).err();
                if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let how = (&*locate, effort);
            let list = FlowList::told(snapshot, rules, &asked, unwritten.as_ref(), how, &mut row)?;
            exit = Self::exit(global, &input, &list);
            if let Some(error) = failed {
                return Err(error.into());
            }
            drop(progress.take());
            input.tell_gaps(global);
            not_known(global.color, Format::Csv, list.missing.iter().filter(|it| it.decides()));
            Ok(rows.end(&list)?)
        })?;
        Ok(exit)
    }

    /// All that is in some input, as `map` shows it.
    pub(super) fn of(input: InputArgs) -> Self {
        Self {
            all_namespaces: false,
            from: None,
            to: None,
            port: None,
            exposed: false,
            system: false,
            by: By::default(),
            known_only: false,
            output: OutputArgs::default(),
            input,
        }
    }

    /// The answer, as a picture has it or without what only a picture shows.
    pub(super) fn list(
        &self,
        global: &GlobalArgs,
        picture: bool,
        tell: impl FnOnce(&Input),
    ) -> anyhow::Result<(FlowList, Exit)> {
        // The process ends with the answer, and to give back all that was read takes half a second.
        let mut input = ManuallyDrop::new(self.read(global, picture)?);
        self.answer(global, &mut input, picture, tell)
    }

    /// Reads what the answer is made from.
    pub(super) fn read(&self, global: &GlobalArgs, picture: bool) -> anyhow::Result<Input> {
        let internet = self.from.as_ref().is_some_and(names_internet);
        let entrances = self.exposed || internet || picture;
        let mut input = InputArgs { entrances, ..self.input.clone() }.read(global)?;
        // The rules have all that is asked for of it.
        input.written = Written::default();
        Ok(input)
    }

    /// The answer of what was read, to which pods are added that nobody has written.
    pub(super) fn answer(
        &self,
        global: &GlobalArgs,
        input: &mut Input,
        picture: bool,
        tell: impl FnOnce(&Input),
    ) -> anyhow::Result<(FlowList, Exit)> {
        let mut asked = self.asked(global, input)?;
        if picture {
            let mut words = self.input.named_by();
            words.extend(self.input.judged_by());
            // What is only supposed here is told to `explain`.
            if self.input.supposed.is_some() && self.input.enforcer.is_none() {
                words.extend(["--enforcer".to_owned(), input.rules.enforcer().to_string()]);
            }
            asked.picture = Some(words);
        }
        let progress = Progress::slow(global.color, WORKING);
        let effort = global.limits().effort;
        let unwritten = self.unwritten(global, input);
        let locate = input.locate();
        let mut folded: Vec<String> = Vec::new();
        let list = loop {
            let rows = if picture { effort.rows.min(MOST_ROWS) } else { effort.rows };
            let (snapshot, rules) = (&input.snapshot, &input.rules);
            let effort = Effort { rows, ..effort };
            let told = FlowList::new(snapshot, rules, &asked, unwritten.as_ref(), &*locate, effort);
            let smallest = asked.by == By::Namespace && asked.exposed;
            let many = match told {
                Ok(list) if !picture || smallest || weight(&list)? <= MOST_PICTURED => break list,
                Ok(list) => list.flows.len().to_string(),
                Err(TooMuch { work: Work::Rows, limit }) if picture && !smallest => {
                    format!("more than {limit}")
                }
                Err(error) => return Err(error.into()),
            };
            folded.push(fold(&mut asked, &many));
        };
        let list = FlowList { notes: [list.notes, folded.clone()].concat(), ..list };
        drop(progress);
        for told in &folded {
            warn(global.color, told);
        }
        tell(input);
        let exit = Self::exit(global, input, &list);
        Ok((list, exit))
    }

    /// Adds the pods that nobody has written, where they are looked for.
    fn unwritten(&self, global: &GlobalArgs, input: &mut Input) -> Option<Unwritten> {
        // A live cluster has its pods; what else may come is asked of it by what is exposed.
        let open = !self.known_only && (self.input.names_manifests() || self.exposed);
        let effort = global.limits().effort;
        open.then(|| unwritten::of_one(&mut input.snapshot, &input.rules, effort))
    }

    fn exit(global: &GlobalArgs, input: &Input, list: &FlowList) -> Exit {
        let unread = global.namespace.as_deref().is_some_and(|only| input.rules.is_unread(only));
        let decides = list.missing.iter().any(MissingReport::decides);
        if unread || decides { Exit::Unknown } else { Exit::Success }
    }

    /// What the cluster depends on.
    fn system(&self, global: &GlobalArgs) -> anyhow::Result<Exit> {
        let format = self.output.format();
        let offered = SystemReport::FORMATS.iter().any(|(offered, _)| *offered == format);
        ensure!(offered, "list --system is no picture: leave out -o {}", format.word());
        let reads = InputArgs { calls: true, ..self.input.clone() };
        let mut input = reads.read(global)?;
        is_there(global, &input)?;
        let progress = Progress::slow(global.color, "working out what the cluster depends on");
        suppose_dns(&mut input.snapshot, &input.rules);
        let (snapshot, rules) = (&input.snapshot, &input.rules);
        let (only, written) = (global.namespace.as_deref(), self.input.names_manifests());
        let mut report = SystemReport::new(snapshot, rules, only, written, &*input.locate());
        report.notes.splice(0..0, input.notes.iter().cloned());
        drop(progress);
        not_known(global.color, format, &report.missing);
        show(global.color, &report, format)?;
        let decides = report.missing.iter().any(MissingReport::decides);
        Ok(if decides { Exit::Unknown } else { Exit::Success })
    }

    fn asked(&self, global: &GlobalArgs, input: &Input) -> anyhow::Result<ListAsked> {
        let Input { snapshot, namespace, .. } = input;
        let mut notes = input.notes.clone();
        is_there(global, input)?;
        let mut from = None;
        let internet = self.from.as_ref().is_some_and(|from| is_internet(from, input));
        if let Some(target) = self.from.as_ref().filter(|_| !internet) {
            if target.port.is_some() {
                bail!("--from takes no port: policies judge the destination's; give --port");
            }
            let end = ends::resolve(snapshot, target, namespace)?;
            notes.extend(end.notes.iter().cloned());
            let ends = end.endpoints.iter().map(|endpoint| known("--from", endpoint));
            from = Some(ends.collect::<anyhow::Result<_>>()?);
        }
        let mut to = None;
        if let Some(target) = &self.to {
            let end = ends::resolve(snapshot, target, namespace)?;
            notes.extend(end.notes.iter().cloned());
            let mut ends: HashMap<End, Option<PortSet>, _> = HashMap::default();
            for (endpoint, port) in ends::reached(snapshot, &end, target.port.as_ref())? {
                let ports = ends.entry(known("--to", &endpoint)?).or_default();
                // Without a port of its own a Service means its pods.
                if let Some(port) = port.filter(|_| target.port.is_some()) {
                    let one = PortSet::of([(port.protocol, port.number.into())]);
                    *ports = Some(ports.take().unwrap_or_default().union(&one));
                }
            }
            to = Some(ends);
        }
        Ok(ListAsked {
            by: self.by,
            from,
            to,
            port: self.port.clone(),
            // With --from or --to it is where their names are.
            namespace: global
                .namespace
                .clone()
                .filter(|_| self.from.is_none() && self.to.is_none()),
            exposed: self.exposed,
            internet,
            notes,
            picture: None,
        })
    }
}

/// Asks for less of what is too much for a page, and says so: for rows between namespaces, then for those that
/// are open to everyone or to the outside.
fn fold(asked: &mut ListAsked, many: &str) -> String {
    let (of, instead) = if asked.by == By::Namespace {
        asked.exposed = true;
        ("namespaces", "those that are open to the whole cluster or to the outside")
    } else {
        asked.by = By::Namespace;
        ("workloads", "those between namespaces")
    };
    format!(
        "{many} rows between {of} are too many for one page: it has {instead}; -n, --from, --to or --port of \
         `list -o html` ask for fewer"
    )
}

/// The namespace that is asked for must be there.
pub(super) fn is_there(global: &GlobalArgs, input: &Input) -> anyhow::Result<()> {
    if let Some(only) = &global.namespace
        && input.snapshot.namespace(only).is_none()
    {
        bail!("namespace {only:?} is not in the input{}", nearest(&input.snapshot, only));
    }
    Ok(())
}

/// Whether all that is outside is meant: what is called so goes before.
fn is_internet(from: &EndName, input: &Input) -> bool {
    names_internet(from) && ends::resolve(&input.snapshot, from, &input.namespace).is_err()
}

fn names_internet(name: &EndName) -> bool {
    name.names == Named::Path(vec![INTERNET.to_owned()])
}

fn known(flag: &str, endpoint: &Endpoint) -> anyhow::Result<End> {
    endpoint.end().map_err(|name| anyhow!("{flag}: the address of {name} is not known: give it"))
}

fn nearest(snapshot: &Snapshot, name: &str) -> String {
    let likeness = |known: &str| strsim::jaro_winkler(known, name);
    let known = snapshot.namespaces().filter(|namespace| !namespace.supposed);
    let names = known.map(|namespace| &*namespace.name);
    let best = names.max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    best.filter(|best| likeness(best) > 0.7)
        .map_or(String::new(), |best| format!("; there is {best:?}"))
}
