//! Flags that say where objects come from.

use super::{GlobalArgs, KeptInput, Progress, Session, output};
use anyhow::{Context as _, bail, ensure};
use clap::Args;
use ipnet::IpNet;
use netpol::answer::{Comments, Locate, Location};
use netpol::cluster::{Gap, Origin, Snapshot};
use netpol::ends::{self, EndName, PortText, PortWanted};
use netpol::kinds::Kind;
use netpol::objects::Objects;
use netpol::policy::{Cilium, Enforcer, Ruleset, Written};
use netpol_sources::address::without_user;
use netpol_sources::flux::follow::Repository;
use netpol_sources::helm::Chart;
use netpol_sources::live;
use netpol_sources::manifests::{Loaded, Locator, Manifests, Severity};
use netpol_sources::revision::Revision;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The heading of these flags in help.
const HEADING: &str = "Input";

/// How the name of a Git revision begins.
pub(super) const GIT: &str = "git:";

/// How the name of a chart begins.
pub(super) const HELM: &str = "helm:";

/// Where objects come from.
#[derive(Args, Clone, Debug, Default)]
pub struct InputArgs {
    /// Manifests instead of the live cluster: a file, a directory with all below it, - for stdin,
    /// git:REV[:PATH], helm:CHART for a chart's directory, or what Flux or Argo CD makes of a repository:
    /// flux:DIR or flux:git:REV[:PATH], argocd: likewise, with #PLACE for one directory of it; repeatable
    #[arg(short, long = "filename", value_name = "FILE", help_heading = HEADING)]
    pub filename: Vec<PathBuf>,

    /// Values for helm:CHART, a file as helm takes it; repeatable
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    pub values: Vec<PathBuf>,

    /// A value for helm:CHART, KEY=VALUE as helm takes it; repeatable
    #[arg(long, value_name = "KEY=VALUE", help_heading = HEADING)]
    pub set: Vec<String>,

    /// Directory with a kustomization, or git:REV:PATH for one at a Git revision, built by kubectl or
    /// kustomize; repeatable
    #[arg(short, long, value_name = "DIR", help_heading = HEADING)]
    pub kustomize: Vec<PathBuf>,

    /// Directories are always read with all below them; taken since kubectl has it
    #[arg(short = 'R', long, hide = true, help_heading = HEADING)]
    pub recursive: bool,

    /// Make everything that cannot be read an error
    #[arg(long, help_heading = HEADING)]
    pub strict: bool,

    /// Let kustomize fetch what a kustomization takes from elsewhere, which is an error otherwise, and
    /// helm the charts of a repository of Flux or Argo CD
    #[arg(long, help_heading = HEADING)]
    pub pull: bool,

    /// Let kustomize inflate charts that a kustomization names, with helm
    #[arg(long, help_heading = HEADING)]
    pub enable_helm: bool,

    /// Build repositories of Flux and Argo CD anew: do not use or keep what was built before
    #[arg(long, help_heading = HEADING)]
    pub no_cache: bool,

    /// What need not have been read: a path, or a kind that is not judged; repeatable
    #[arg(long, value_name = "PATH|KIND", help_heading = HEADING)]
    pub accept_unread: Vec<String>,

    /// Who enforces the policies: kubernetes, calico, calico-3.31, calico-3.32, cilium or cilium-1.18 to
    /// cilium-1.20; unless it is given, the cluster or the kinds of the policies tell
    #[arg(long, value_name = "PLUGIN", help_heading = HEADING)]
    pub enforcer: Option<Enforcer>,

    /// Who enforces them where neither the flag nor the cluster tells; else their kinds do.
    #[arg(skip)]
    pub supposed: Option<Enforcer>,

    /// Count Calico's staged policies as if they were in force
    #[arg(long, help_heading = HEADING)]
    pub with_staged: bool,
    /// Of a live cluster, what leads in from outside is read too.
    #[arg(skip)]
    pub entrances: bool,

    /// Of a live cluster, what the API server calls is read too.
    #[arg(skip)]
    pub calls: bool,

    /// Of a live cluster, workloads that have no pods at the moment are read too.
    #[arg(skip)]
    pub without_pods: bool,

    /// What was read before, where it is read again and again.
    #[arg(skip)]
    pub kept: Option<Arc<KeptInput>>,

    /// Network of the pods whose addresses manifests do not tell; repeatable
    #[arg(long, value_name = "CIDR", help_heading = HEADING)]
    pub pod_cidr: Vec<IpNet>,

    /// Where the API server is, which manifests do not tell: ADDRESS or ADDRESS:PORT, 6443 by default
    #[arg(long, value_name = "ADDRESS", value_parser = api_server, help_heading = HEADING)]
    pub api_server: Option<SocketAddr>,

    /// Where the pods of an Ingress or Gateway controller are that its class and labels do not tell:
    /// NAMESPACE/WORKLOAD
    #[arg(long, value_name = "NAME", help_heading = HEADING)]
    pub ingress_controller: Option<String>,
}

/// The address of an API server, if need be with its port.
fn api_server(text: &str) -> Result<SocketAddr, String> {
    let name: EndName = text.parse().map_err(|error| format!("{error}"))?;
    match (name.names, name.port) {
        (ends::Named::Address(ip), None) => Ok(SocketAddr::new(ip, 6443)),
        (ends::Named::Address(ip), Some(PortWanted { port: PortText::Number(port), .. })) => {
            Ok(SocketAddr::new(ip, port))
        }
        _ => Err("give its address, if need be with :PORT".to_owned()),
    }
}

/// How much of a live cluster is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// All of it.
    Everything,
    /// The namespace of `-n`, where it is given.
    Own,
}

/// What was read, ready to be judged.
pub struct Input {
    /// What exists.
    pub snapshot: Snapshot,
    /// What is written.
    pub written: Written,
    /// What is in force.
    pub rules: Ruleset,
    /// The namespace of names that come without one.
    pub namespace: String,
    /// What is only supposed of it, in words.
    pub notes: Vec<String>,
    /// The cluster that it was read from, as far as one flow needs it.
    pub session: Option<Session>,
    /// Who enforces is only a guess by the kinds of the policies.
    guessed: bool,
    locator: Locator,
}

impl InputArgs {
    /// Reads the manifests that the flags name, or else the live cluster. What is to be told about
    /// the input goes to stderr.
    pub fn read(&self, global: &GlobalArgs) -> anyhow::Result<Input> {
        self.read_or(global, Scope::Everything)
    }

    /// The same, but of a live cluster only the namespace of `-n`, where it is given: for answers
    /// that are not about flows, whose other end may be anywhere.
    pub fn read_own(&self, global: &GlobalArgs) -> anyhow::Result<Input> {
        self.read_or(global, Scope::Own)
    }

    fn read_or(&self, global: &GlobalArgs, scope: Scope) -> anyhow::Result<Input> {
        if self.names_manifests() {
            let namespace = global.namespace();
            let Loaded { objects, locator, .. } = self.load(global, &namespace)?;
            return self.with_controller(self.input(objects, locator, namespace, Vec::new()));
        }
        let (objects, namespace) = self.live_objects(global, scope)?;
        self.with_controller(self.input(objects, Locator::default(), namespace, Vec::new()))
    }

    /// Reads the live cluster as it is, and as it would be with the manifests that the flags name.
    pub fn read_change(&self, global: &GlobalArgs) -> anyhow::Result<[Input; 2]> {
        let (objects, namespace) = self.live_objects(global, Scope::Everything)?;
        let Loaded { objects: over, locator, .. } = self.load(global, &namespace)?;
        let mut after = objects.clone();
        after.overlay(over);
        let before = self.input(objects, Locator::default(), namespace.clone(), Vec::new());
        Ok([before, self.input(after, locator, namespace, Vec::new())])
    }

    /// Reads the live cluster as it is, and its pods under the policies of the manifests that the flags
    /// name and no others.
    pub fn read_laid_under(&self, global: &GlobalArgs) -> anyhow::Result<[Input; 2]> {
        let (objects, namespace) = self.live_objects(global, Scope::Everything)?;
        let Loaded { objects: over, locator, .. } = self.load(global, &namespace)?;
        let mut after = objects.clone();
        after.remove_policies();
        after.overlay(over);
        let before = self.input(objects, Locator::default(), namespace.clone(), Vec::new());
        Ok([before, self.input(after, locator, namespace, Vec::new())])
    }

    /// Reads what the flags name, or the live cluster, as it is and as it would be with what is staged in
    /// force.
    pub fn read_staged(&self, global: &GlobalArgs) -> anyhow::Result<[Input; 2]> {
        let (objects, locator, namespace) = if self.names_manifests() {
            let namespace = global.namespace();
            let Loaded { objects, locator, .. } = self.load(global, &namespace)?;
            (objects, locator, namespace)
        } else {
            let (objects, namespace) = self.live_objects(global, Scope::Everything)?;
            (objects, Locator::default(), namespace)
        };
        let staged = Self { with_staged: true, ..self.clone() };
        let before = self.input(objects.clone(), locator.clone(), namespace.clone(), Vec::new());
        Ok([before, staged.input(objects, locator, namespace, Vec::new())])
    }

    /// Whether manifests are named.
    pub(crate) fn names_manifests(&self) -> bool {
        !self.filename.is_empty() || !self.kustomize.is_empty()
    }

    /// Manifests of nothing yet, read as the flags say.
    pub(crate) fn manifests(&self, global: &GlobalArgs) -> Manifests {
        let limits = global.limits();
        let (pull, enable_helm, cache) = (self.pull, self.enable_helm, !self.no_cache);
        let (strict, accepted) = (self.strict, self.accept_unread.clone());
        let how = Manifests { strict, accepted, limits, ..Manifests::default() };
        Manifests { pull, enable_helm, cache, ..how }
    }

    /// The flags that name manifests, in words again.
    pub(crate) fn named_by(&self) -> Vec<String> {
        let flags = [("-f", &self.filename), ("-k", &self.kustomize)];
        let each = flags.into_iter().flat_map(|(flag, paths)| {
            paths.iter().flat_map(move |path| {
                let path = path.to_string_lossy();
                [flag.to_owned(), without_user(&path).into_owned()]
            })
        });
        each.collect()
    }

    /// The flags that say how what is read is judged, in words again.
    pub(crate) fn judged_by(&self) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(enforcer) = &self.enforcer {
            words.extend(["--enforcer".to_owned(), enforcer.to_string()]);
        }
        if self.with_staged {
            words.push("--with-staged".to_owned());
        }
        for cidr in &self.pod_cidr {
            words.extend(["--pod-cidr".to_owned(), cidr.to_string()]);
        }
        if let Some(address) = &self.api_server {
            words.extend(["--api-server".to_owned(), address.to_string()]);
        }
        if let Some(name) = &self.ingress_controller {
            words.extend(["--ingress-controller".to_owned(), name.clone()]);
        }
        words
    }

    /// Reads the manifests and tells what is to be told about them.
    pub(crate) fn load(&self, global: &GlobalArgs, namespace: &str) -> anyhow::Result<Loaded> {
        let (mut files, mut revisions) = (Vec::new(), Vec::new());
        let (mut repositories, mut charts) = (Vec::new(), Vec::new());
        for path in &self.filename {
            match Named::of(path)? {
                Named::Repository(repository) => repositories.push(repository),
                Named::Chart(chart) => charts.push(chart),
                Named::Revision(revision) => revisions.push(revision),
                Named::File => files.push(path.clone()),
            }
        }
        let progress = Progress::slow(global.color, "reading manifests");
        let loaded = Manifests {
            files,
            revisions,
            repositories,
            charts,
            values: (self.values.clone(), self.set.clone()),
            kustomizations: self.kustomize.clone(),
            namespace: namespace.to_owned(),
            kept: self.kept.as_ref().and_then(|kept| kept.files.clone()),
            ..self.manifests(global)
        }
        .load()?;
        drop(progress);
        // Whatever was not read is told with the answer, which depends on it.
        for warning in loaded.warnings.iter().filter(|w| w.severity == Severity::Note) {
            output::warn(global.color, &warning.to_string());
        }
        Ok(loaded)
    }

    /// The live cluster and the namespace of names without one.
    fn live_objects(&self, global: &GlobalArgs, scope: Scope) -> anyhow::Result<(Objects, String)> {
        let _progress = Progress::slow(global.color, "reading the cluster");
        let only = global.namespace.as_deref();
        let read = async {
            let connection = global.connect().await?;
            let mut within = only.filter(|_| scope == Scope::Own);
            let mut objects = match connection.whole(within).await {
                // A user of one namespace sees at least what is in it.
                Err(live::Error::Forbidden(why))
                    if scope == Scope::Everything && only.is_some() =>
                {
                    within = only;
                    let mut objects = connection.whole(only).await?;
                    let what = "other namespaces".to_owned();
                    objects.gaps.push(Gap::new(what, why.to_string()));
                    objects
                }
                read => read?,
            };
            if self.entrances {
                connection.add_entrances(&mut objects).await?;
            }
            if self.calls {
                connection.add_calls(&mut objects).await?;
            }
            if self.without_pods {
                connection.add_without_pods(within, &mut objects).await?;
            }
            Ok::<_, live::Error>((objects, connection.namespace().to_owned()))
        };
        let (objects, namespace) = global.block_on(read)??;
        if self.strict
            && let Some(gap) = objects.gaps.first()
        {
            bail!("{}: {}", gap.what, gap.why);
        }
        Ok((objects, namespace))
    }

    /// Links objects and lowers policies.
    pub(crate) fn input(
        &self,
        mut objects: Objects,
        locator: Locator,
        namespace: String,
        notes: Vec<String>,
    ) -> Input {
        if let Some(address) = &self.api_server {
            objects.put_api_server(address.ip(), address.port());
        }
        let found = objects.enforcer.clone();
        let config = objects.agent_config().cloned();
        let configured = |version| {
            let config = config.as_ref()?;
            Some(Enforcer::Cilium(Cilium::configured(version, config)))
        };
        let (mut snapshot, mut written) = match &self.kept {
            Some(kept) => kept.link(objects),
            None => objects.assemble(),
        };
        if self.with_staged {
            written.enforce_staged();
        } else {
            let staged = |gap: &Gap| gap.kind.as_deref().and_then(Kind::named);
            snapshot.gaps.retain(|gap| !staged(gap).is_some_and(Kind::is_staged));
        }
        if !self.pod_cidr.is_empty() {
            snapshot.pod_cidrs = self.pod_cidr.iter().map(IpNet::trunc).collect();
        }
        let mut guessed = false;
        let enforcer = match (&self.enforcer, found, &self.supposed) {
            // Which Cilium it is the flag says, and how it is set the ConfigMap.
            (Some(told), ..) => {
                let version = told.cilium().map(|cilium| cilium.version);
                version.and_then(configured).unwrap_or_else(|| told.clone())
            }
            (None, Some((enforcer, gap)), _) => {
                snapshot.gaps.extend(gap);
                enforcer
            }
            (None, None, _) if config.is_some() => {
                configured(Cilium::default().version).unwrap_or_else(|| written.enforcer())
            }
            (None, None, Some(supposed)) => supposed.clone(),
            (None, None, None) => {
                guessed = true;
                snapshot.gaps.extend(written.contested());
                written.enforcer()
            }
        };
        let rules = Ruleset::compile(&written, &snapshot, &enforcer);
        Input { snapshot, written, rules, namespace, notes, session: None, guessed, locator }
    }

    /// The same with the controller that the flag names.
    pub(crate) fn with_controller(&self, mut input: Input) -> anyhow::Result<Input> {
        let Some(name) = &self.ingress_controller else { return Ok(input) };
        let name: EndName = name.parse().context("--ingress-controller")?;
        let found = ends::resolve(&input.snapshot, &name, &input.namespace)
            .context("--ingress-controller")?;
        let pods: Vec<_> = found
            .endpoints
            .iter()
            .filter_map(|end| match end {
                ends::Endpoint::Pod(id) => Some(*id),
                _ => None,
            })
            .collect();
        ensure!(!pods.is_empty(), "--ingress-controller: {} has no pods", found.label);
        input.snapshot.entrances.controller = Some((found.label, pods));
        Ok(input)
    }
}

/// What a name stands for; a file may have such a name too, and goes before.
enum Named {
    Repository(Repository),
    Chart(Chart),
    Revision(Revision),
    File,
}

impl Named {
    fn of(path: &Path) -> anyhow::Result<Self> {
        let Some(name) = path.to_str().filter(|_| !path.exists()) else { return Ok(Self::File) };
        if Repository::is_named(name) {
            return Ok(Self::Repository(name.parse()?));
        }
        if let Some(name) = name.strip_prefix(HELM) {
            return Ok(Self::Chart(name.parse()?));
        }
        match name.strip_prefix(GIT) {
            Some(name) => Ok(Self::Revision(name.parse()?)),
            None => Ok(Self::File),
        }
    }
}

impl Input {
    /// Counts nothing that is not judged.
    pub fn forget_others(&mut self) {
        if !self.written.others.is_empty() {
            self.written.others.clear();
            let enforcer = self.rules.enforcer().clone();
            self.judge_as(&enforcer);
        }
    }

    /// Of two sides of one cluster, judges the one of which no policy tells who enforces as the other, and
    /// says which.
    pub fn judge_alike([one, other]: &mut [Self; 2]) -> Option<usize> {
        let tells_nothing =
            |input: &Self| input.guessed && *input.rules.enforcer() == Enforcer::Kubernetes;
        match (tells_nothing(one), tells_nothing(other)) {
            (true, false) => {
                one.judge_as(other.rules.enforcer());
                Some(0)
            }
            (false, true) => {
                other.judge_as(one.rules.enforcer());
                Some(1)
            }
            _ => None,
        }
    }

    fn judge_as(&mut self, enforcer: &Enforcer) {
        self.rules = Ruleset::compile(&self.written, &self.snapshot, enforcer);
    }

    /// Tells on stderr what was not read, where no answer tells it.
    pub fn tell_gaps(&self, global: &GlobalArgs) {
        for gap in &self.snapshot.gaps {
            output::warn(global.color, &format!("not read: {}: {}", gap.what, gap.why));
        }
    }

    /// An object as it is written, read again.
    pub fn object<T: serde::de::DeserializeOwned>(&self, origin: &Origin) -> Option<T> {
        self.locator.object(origin)
    }

    /// Finds the comments on fields.
    pub fn comments(&self) -> Box<Comments<'_>> {
        Box::new(|origin, path| self.locator.comments(origin, path))
    }

    /// Finds the places of fields.
    pub fn locate(&self) -> Box<Locate<'_>> {
        Box::new(|origin, path| {
            let place = self.locator.locate(origin, path)?;
            Some(Location {
                file: place.file,
                line: place.at.map(|(line, _)| line),
                column: place.at.map(|(_, column)| column),
                text: place.text,
            })
        })
    }
}
