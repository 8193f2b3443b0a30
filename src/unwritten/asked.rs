//! Ends that nothing written is, as a question names them.
//!
//! In: `shop/pods[app=db]`, `pods[app=prometheus] in namespaces[role=monitoring]`, `namespaces[team=a]`,
//! `ns/shop`, `anyone`. Out: an [`Asked`], and for one of pods the [`Shape`] that it means in a snapshot.
//! A label without a value has one that no rule mentions; one that is not named is not there.

use super::homes::{free_name, sets};
use super::shape::{Label, Place, Shape};
use crate::cluster::{NAMESPACE_NAME_LABEL, Name, Operator, Snapshot};
use crate::policy::Ruleset;
use crate::policy::rule::Namespaces;
use crate::policy::{dns_label_fault, label_key_fault, label_value_fault};
use std::collections::BTreeSet;

/// An end that nothing written need be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Whoever there is, inside and outside.
    Anyone,
    /// Every pod of a namespace: those that are known, and any other.
    Namespace(Name),
    /// A pod with these labels and no others.
    Pods(Wanted),
}

/// A pod that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    namespaces: Where,
    pods: Vec<Pair>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Where {
    /// The namespace of the question.
    Here,
    Of(Name),
    With(Vec<Pair>),
}

/// A label; any value that no rule mentions where none is given.
type Pair = (Name, Option<Name>);

/// What is wrong with an end of these forms.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskedError {
    /// No such form.
    #[error(
        "cannot read {0:?}: give NAMESPACE/pods[KEY=VALUE,…], namespaces[KEY=VALUE,…] or pods[…] in namespaces[…]"
    )]
    Form(String),
    /// Not a name or a label.
    #[error("{0}")]
    Invalid(String),
    /// A namespace that is written has other labels than it is asked for with.
    #[error("namespace {name} is written, with {key}={found}")]
    OtherLabels {
        /// The namespace.
        name: Name,
        /// The label.
        key: Name,
        /// Its value there.
        found: String,
    },
}

/// Reads an end; `None` where it is of no such form and may be one that is written.
pub fn asked(text: &str) -> Option<Result<Asked, AskedError>> {
    let text = text.trim();
    if text == "anyone" {
        return Some(Ok(Asked::Anyone));
    }
    if let Some(name) = text.strip_prefix("ns/") {
        return Some(namespace(name).map(Asked::Namespace));
    }
    let within = |text: &str, word: &str| {
        text == word || text.strip_prefix(word).is_some_and(|rest| rest.starts_with('['))
    };
    let (spaces, pods) = match text.split_once(" in ") {
        Some((pods, spaces)) if within(pods.trim(), "pods") => (spaces.trim(), Some(pods.trim())),
        _ if within(text, "namespaces") => (text, None),
        _ if within(text, "pods") => ("", Some(text)),
        _ => {
            let (name, pods) = text.split_once('/')?;
            if !within(pods, "pods") {
                return None;
            }
            (name, Some(pods))
        }
    };
    Some(read(text, spaces, pods).map(Asked::Pods))
}

fn read(text: &str, spaces: &str, pods: Option<&str>) -> Result<Wanted, AskedError> {
    let form = || AskedError::Form(text.to_owned());
    let inner = |text: &str, word: &str| -> Result<Vec<Pair>, AskedError> {
        let rest = text.strip_prefix(word).ok_or_else(form)?;
        if rest.is_empty() {
            return Ok(Vec::new());
        }
        let inner = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        pairs(inner.ok_or_else(form)?)
    };
    let namespaces = match spaces {
        "" => Where::Here,
        _ if spaces.starts_with("namespaces") => Where::With(inner(spaces, "namespaces")?),
        _ if spaces == "any other namespace" => Where::With(Vec::new()),
        name => Where::Of(namespace(name)?),
    };
    let pods = pods.map_or(Ok(Vec::new()), |pods| inner(pods, "pods"))?;
    Ok(Wanted { namespaces, pods })
}

fn namespace(name: &str) -> Result<Name, AskedError> {
    match dns_label_fault(name) {
        Some(fault) => Err(AskedError::Invalid(fault)),
        None => Ok(name.into()),
    }
}

fn pairs(text: &str) -> Result<Vec<Pair>, AskedError> {
    let invalid = |fault: Option<String>| fault.map_or(Ok(()), |f| Err(AskedError::Invalid(f)));
    let mut all: Vec<Pair> = Vec::new();
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let (key, value) = match item.split_once('=') {
            Some((key, value)) => (key.trim(), Some(value.trim_start_matches('=').trim())),
            None => (item, None),
        };
        invalid(label_key_fault(key))?;
        invalid(value.and_then(label_value_fault))?;
        all.push((key.into(), value.map(Into::into)));
    }
    all.sort_unstable();
    all.dedup();
    if let Some(twice) = all.windows(2).find(|two| two[0].0 == two[1].0) {
        let key = &twice[0].0;
        return Err(AskedError::Invalid(format!("a pod has one value for {key}, not two")));
    }
    Ok(all)
}

impl Wanted {
    /// What it means beside these rules, for a question from a namespace.
    pub fn shape(
        &self,
        snapshot: &Snapshot,
        rules: &[&Ruleset],
        namespace: &str,
    ) -> Result<Shape, AskedError> {
        let labels = |pairs: &[Pair], spaces: bool| -> Vec<Label> {
            let label = |(key, value): &Pair| {
                let free = || {
                    let taken = mentioned(rules, key, spaces);
                    free_name("other", |name| taken.contains(name))
                };
                let any = value.is_none();
                Label { key: key.clone(), value: value.clone().unwrap_or_else(free), any }
            };
            pairs.iter().map(label).collect()
        };
        let place = match &self.namespaces {
            Where::Here => Place::AsIs(namespace.into()),
            Where::Of(name) => Place::AsIs(name.clone()),
            Where::With(pairs) => {
                let mut supposed = labels(pairs, true);
                let at = supposed.iter().position(|label| *label.key == *NAMESPACE_NAME_LABEL);
                match at.map(|at| supposed.remove(at)).filter(|label| !label.any) {
                    None => {
                        let taken = mentioned(rules, NAMESPACE_NAME_LABEL, true);
                        let free =
                            |name: &str| taken.contains(name) || snapshot.namespace(name).is_some();
                        Place::Other { name: free_name("other-namespace", free), supposed }
                    }
                    Some(Label { value: name, .. }) => of_name(snapshot, name, supposed)?,
                }
            }
        };
        Ok(Shape { place, labels: labels(&self.pods, false), ports: Vec::new() })
    }
}

/// A namespace by name, with labels that are supposed of it unless it is written.
fn of_name(snapshot: &Snapshot, name: Name, supposed: Vec<Label>) -> Result<Place, AskedError> {
    let written = snapshot.namespace(&name).filter(|namespace| !namespace.labels_unread);
    let Some(written) = written else {
        return Ok(Place::Named { name, supposed, known: crate::cluster::Labels::default() });
    };
    for label in supposed {
        let found = written.labels.get(&label.key);
        if found != Some(&*label.value) {
            let found = found.unwrap_or("no such label").to_owned();
            return Err(AskedError::OtherLabels { name, key: label.key, found });
        }
    }
    Ok(Place::AsIs(name))
}

/// The values that rules mention for a label of pods, or of namespaces.
fn mentioned<'a>(rules: &[&'a Ruleset], key: &str, spaces: bool) -> BTreeSet<&'a str> {
    let policies = rules.iter().flat_map(|rules| rules.policies());
    let mut all = BTreeSet::new();
    for set in policies.flat_map(sets) {
        let requirements = match (&set.namespaces, spaces) {
            (Namespaces::Own(name), true) => {
                all.extend((key == NAMESPACE_NAME_LABEL).then_some(&**name));
                continue;
            }
            (Namespaces::Matching(selector), true) => &selector.requirements,
            (_, false) => &set.pods.requirements,
        };
        for requirement in requirements.iter().filter(|r| *r.key == *key) {
            if let Operator::In(values) | Operator::NotIn(values) = &requirement.operator {
                all.extend(values.iter().map(|value| &**value));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Labels;

    fn words(text: &str, snapshot: &Snapshot) -> String {
        match asked(text) {
            None => "written".into(),
            Some(Err(error)) => error.to_string(),
            Some(Ok(Asked::Anyone)) => "anyone".into(),
            Some(Ok(Asked::Namespace(name))) => format!("all of {name}"),
            Some(Ok(Asked::Pods(wanted))) => match wanted.shape(snapshot, &[], "here") {
                Ok(shape) => shape.words(),
                Err(error) => error.to_string(),
            },
        }
    }

    #[test]
    fn forms() {
        let mut snapshot = Snapshot::default();
        snapshot.add_namespace("shop", &[("team", "a")].into_iter().collect::<Labels>(), None);
        for (text, expected) in [
            ("anyone", "anyone"),
            ("ns/shop", "all of shop"),
            ("shop/pods[app=db]", "pods[app=db] in shop"),
            ("shop/pods[app == db, tier]", "pods[app=db,tier] in shop"),
            ("shop/pods", "any other pod of shop"),
            ("pods[app=db]", "pods[app=db] in here"),
            ("namespaces[team=a]", "namespaces[team=a]"),
            ("pods[app=x] in namespaces[y=z]", "pods[app=x] in namespaces[y=z]"),
            ("pods[app=x] in shop", "pods[app=x] in shop"),
            ("any other namespace", "written"),
            ("pods in namespaces[]", "any other namespace"),
            (
                "pods in namespaces[kubernetes.io/metadata.name=web,t=x]",
                "any other pod of web[t=x]",
            ),
            (
                "pods in namespaces[kubernetes.io/metadata.name=shop,team=a]",
                "any other pod of shop",
            ),
            (
                "pods in namespaces[kubernetes.io/metadata.name=shop,team=b]",
                "namespace shop is written, with team=a",
            ),
            ("shop/db", "written"),
            ("shop/deploy/db", "written"),
            ("pods", "any other pod of here"),
        ] {
            assert_eq!(words(text, &snapshot), expected, "{text}");
        }
    }

    /// What no label and no namespace can be is refused with a sentence.
    #[test]
    fn refusals() {
        let snapshot = Snapshot::default();
        for text in [
            "shop/pods[app=\u{1b}[31m]",
            "shop/pods[a b=c]",
            "shop/pods[app=db",
            "namespaces[=x]",
            "pods[app=x] in namespaces[y=z",
            "SHOP/pods[app=db]",
            "ns/../etc",
            "pods[app=a,app=b]",
            "pods[] in a b",
        ] {
            let asked = asked(text).unwrap_or_else(|| panic!("{text:?} is of no form"));
            let error = asked.expect_err(text).to_string();
            assert!(!error.contains('\u{1b}') && error.len() > 10, "{error:?}");
        }
        assert_eq!(words("shop/x/pods[a=b]", &snapshot), "written");
    }
}
