//! What is read for one flow: manifests, or the little of the live cluster that it needs; and the
//! changes to it that are only supposed, by `--with` and `--without`.

use super::input::{Input, InputArgs};
use super::{GlobalArgs, Progress, Session, output};
use anyhow::{anyhow, bail, ensure};
use clap::Args;
use netpol::cluster::{ObjectRef, kind_word};
use netpol::ends::EndName;
use netpol::kinds::Kind;
use netpol::objects::Objects;
use netpol_sources::live::{self, Connection, Needs};
use netpol_sources::manifests::{Loaded, Locator};
use std::collections::BTreeMap;
use std::str::FromStr;

/// So many similar names an error lists.
const NEAREST: usize = 5;

/// The heading of these flags in help.
const HEADING: &str = "What if";

/// What is supposed to be otherwise.
#[derive(Args, Clone, Debug, Default)]
pub struct WhatIfArgs {
    /// Lay what -f and -k name over the live cluster, as if it were applied
    #[arg(long, help_heading = HEADING)]
    pub with: bool,

    /// Leave out a policy: netpol/NAME or NAMESPACE/netpol/NAME; repeatable
    #[arg(long, value_name = "POLICY", help_heading = HEADING)]
    pub without: Vec<PolicyName>,
}

/// A policy by kind and name, in the namespace of names that come without one if need be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyName {
    namespace: Option<String>,
    kind: Kind,
    name: String,
}

impl FromStr for PolicyName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        let (namespace, kind, name) = match parts.as_slice() {
            [kind, name] => (None, kind, name),
            [namespace, kind, name] => (Some((*namespace).to_owned()), kind, name),
            _ => return Err("give netpol/NAME or NAMESPACE/netpol/NAME".to_owned()),
        };
        let Some(kind) = Kind::of_word(kind).filter(|kind| kind.is_policy()) else {
            return Err(format!(
                "{kind:?} is no kind of policy: give netpol/NAME or NAMESPACE/netpol/NAME"
            ));
        };
        if kind.is_cluster_scoped() && namespace.is_some() {
            return Err(format!(
                "{kind}s have no namespace: give {}/{name}",
                kind_word(kind.as_str())
            ));
        }
        if name.is_empty() || namespace.as_deref() == Some("") {
            return Err("an empty name: give netpol/NAME or NAMESPACE/netpol/NAME".to_owned());
        }
        Ok(Self { namespace, kind, name: (*name).to_owned() })
    }
}

impl PolicyName {
    fn object(&self, namespace: &str) -> ObjectRef {
        if self.kind.is_cluster_scoped() {
            return ObjectRef::cluster(self.kind.name(), self.name.as_str());
        }
        let namespace = self.namespace.as_deref().unwrap_or(namespace);
        ObjectRef::namespaced(self.kind.name(), namespace, self.name.as_str())
    }
}

impl InputArgs {
    /// Reads what one flow needs: all of the manifests where some are named, else of the live
    /// cluster the two ends, their namespaces and the policies there.
    pub fn read_flow(
        &self,
        global: &GlobalArgs,
        what_if: &WhatIfArgs,
        source: &EndName,
        destination: &EndName,
    ) -> anyhow::Result<Input> {
        let manifests = self.names_manifests();
        ensure!(
            manifests || !what_if.with,
            "--with lays manifests over the live cluster: name them with -f FILE or -k DIR"
        );
        if manifests && !what_if.with {
            let namespace = global.namespace();
            let Loaded { objects, locator, .. } = self.load(global, &namespace)?;
            return self.supposed(what_if, objects, locator, namespace, Vec::new());
        }
        let session = Session::start(global);
        let session = if what_if.with { session.map_err(over_nothing) } else { session };
        self.read_flow_again(global, what_if, session?, (source, destination))
    }

    /// Reads what one flow needs over a connection that is there already.
    pub fn read_flow_again(
        &self,
        global: &GlobalArgs,
        what_if: &WhatIfArgs,
        mut session: Session,
        ends: (&EndName, &EndName),
    ) -> anyhow::Result<Input> {
        let mut notes = Vec::new();
        let namespace = session.connection.namespace().to_owned();
        let overlay = what_if.with.then(|| self.load(global, &namespace)).transpose()?;
        let over = overlay.as_ref().map(|loaded| &loaded.objects);
        let read = self.read_live(&session.connection, what_if, ends, over);
        let progress = Progress::slow(global.color, "reading the cluster");
        let mut objects = session.block_on(read)??;
        drop(progress);
        let mut locator = Locator::default();
        if let Some(loaded) = overlay {
            notes.push(self.laid_over(&loaded.objects));
            session.beneath = objects.clone();
            session.overlay = loaded.objects.clone();
            objects.overlay(loaded.objects);
            locator = loaded.locator;
        }
        let mut input = self.supposed(what_if, objects, locator, namespace, notes)?;
        input.session = Some(session);
        Ok(input)
    }

    /// What was read, without what `--without` names.
    fn supposed(
        &self,
        what_if: &WhatIfArgs,
        mut objects: Objects,
        locator: Locator,
        namespace: String,
        mut notes: Vec<String>,
    ) -> anyhow::Result<Input> {
        for policy in &what_if.without {
            let object = policy.object(&namespace);
            take_away(&mut objects, &object)?;
            notes.push(format!("What if {object} were not there"));
        }
        self.with_controller(self.input(objects, locator, namespace, notes))
    }

    async fn read_live(
        &self,
        connection: &Connection,
        what_if: &WhatIfArgs,
        (source, destination): (&EndName, &EndName),
        overlay: Option<&Objects>,
    ) -> anyhow::Result<Objects> {
        let namespace = connection.namespace();
        let policies_of: Vec<String> = what_if
            .without
            .iter()
            .map(|policy| policy.namespace.clone().unwrap_or_else(|| namespace.to_owned()))
            .collect();
        let needs = Needs { source, destination, namespace, policies_of: &policies_of, overlay };
        let objects = connection.read(needs).await?;
        tracing::debug!("{} requests to {}", connection.requests(), connection.server());
        if self.strict
            && let Some(gap) = objects.gaps.first()
        {
            bail!("{}: {}", gap.what, gap.why);
        }
        Ok(objects)
    }

    /// What was laid over the cluster, in words.
    fn laid_over(&self, objects: &Objects) -> String {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for (object, ..) in objects.iter() {
            *kinds.entry(&object.kind).or_default() += 1;
        }
        let counts: Vec<String> = kinds
            .into_iter()
            .map(|(kind, count)| match (count, kind.strip_suffix('y')) {
                (1, _) => format!("1 {kind}"),
                (_, Some(stem)) => format!("{count} {stem}ies"),
                (_, None) => format!("{count} {kind}s"),
            })
            .collect();
        let files: Vec<String> = self
            .filename
            .iter()
            .chain(&self.kustomize)
            .map(|path| output::shown_path(path))
            .collect();
        let what = if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") };
        format!("What if {} were applied: {what} laid over the cluster", files.join(" and "))
    }
}

/// Says what `--with` is for where there is no cluster: the manifests are named already.
fn over_nothing(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref() {
        Some(live::Error::NoCluster { looked }) => anyhow!(
            "--with lays the manifests over a live cluster, and {looked}: leave --with out to read them \
             alone, or give --kubeconfig or --server"
        ),
        _ => error,
    }
}

/// Takes a policy away, or says which there are.
fn take_away(objects: &mut Objects, object: &ObjectRef) -> anyhow::Result<()> {
    if objects.remove(object) {
        return Ok(());
    }
    if let Some(namespace) = &object.namespace
        && objects.unread.network_policies.contains(namespace)
    {
        let gap = objects.gaps.iter().find(|gap| gap.what.ends_with(&**namespace));
        let why = gap.map_or(String::new(), |gap| format!(": {}", gap.why));
        bail!("--without {object}: not all policies of {namespace} could be read{why}");
    }
    let mut near: Vec<(f64, String)> = objects
        .iter()
        .filter(|(known, ..)| known.kind == object.kind)
        .map(|(known, ..)| {
            let likeness = strsim::jaro_winkler(&known.name, &object.name);
            let here = if known.namespace == object.namespace { 0.1 } else { 0.0 };
            (likeness + here, known.to_string())
        })
        .filter(|(likeness, _)| *likeness > 0.7)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let near: Vec<String> = near.into_iter().take(NEAREST).map(|(_, name)| name).collect();
    let hint = match near.as_slice() {
        [] => String::new(),
        [one] => format!("; there is {one}"),
        [first @ .., last] => format!("; there are {} and {last}", first.join(", ")),
    };
    bail!("--without {object}: not found{hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_by_name() {
        let parse = |text: &str| text.parse::<PolicyName>();
        let object = |text: &str| parse(text).unwrap().object("here").to_string();
        assert_eq!(object("netpol/a"), "here/netpol/a");
        assert_eq!(object("networkpolicies.networking.k8s.io/a"), "here/netpol/a");
        assert_eq!(object("there/networkpolicy/a"), "there/netpol/a");
        assert_eq!(object("anp/a"), "anp/a");
        assert!(parse("there/anp/a").unwrap_err().contains("have no namespace"));
        for text in ["a", "deploy/a", "a/b/c/d", "netpol/", "/netpol/a"] {
            assert!(parse(text).unwrap_err().contains("give netpol/NAME"), "{text}");
        }
    }
}
