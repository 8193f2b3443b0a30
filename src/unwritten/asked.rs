//! What an end that nothing written is means in a snapshot.
//!
//! In: a [`WantedPods`] of a question. Out: the [`Shape`] of the pod that it is about. And of a name that
//! nothing has, the forms in which such pods are asked for.

use super::homes::{free_name, sets};
use super::shape::{Label, Place, Shape};
use crate::cluster::{NAMESPACE_NAME_LABEL, Name, Operator, Snapshot};
use crate::ends::asked::{Pair, Where};
use crate::ends::{AskedError, WantedPods};
use crate::policy::rule::Namespaces;
use crate::policy::{Ruleset, dns_label_fault, label_value_fault};
use std::collections::BTreeSet;

/// In which forms pods that nobody has written can be asked for, with a namespace and a name that were
/// typed and not found: by the label that policies have with this value, if they do.
pub fn forms(
    (namespace, name): (&str, &str),
    snapshot: &Snapshot,
    rules: &Ruleset,
) -> Option<String> {
    if dns_label_fault(namespace).is_some() {
        return None;
    }
    let value = if label_value_fault(name).is_some() { "NAME" } else { name };
    let (home, pods) = match label_with(rules, namespace, value) {
        Some((home, key)) => (home.unwrap_or(namespace), format!("pods[{key}={value}]")),
        None => (namespace, format!("pods[app={value}]")),
    };
    let is_namespace = mentioned(&[rules], NAMESPACE_NAME_LABEL, true).contains(name)
        || snapshot.namespace(name).is_some();
    let space = if is_namespace { name } else { home };
    Some(format!(
        "Pods that nobody has written can be asked for too: {home}/{pods} by their labels, \
         ns/{space} for any pod there, {pods} in namespaces[KEY=VALUE], anyone, internet"
    ))
}

/// A label that policies want with this value, and their namespace where it is that of their own pods:
/// this one first.
fn label_with<'a>(
    rules: &'a Ruleset,
    namespace: &str,
    value: &str,
) -> Option<(Option<&'a str>, &'a str)> {
    let all = rules.policies().iter().flat_map(sets).flat_map(|set| {
        let own = match &set.namespaces {
            Namespaces::Own(name) => Some(&**name),
            Namespaces::Matching(_) => None,
        };
        let has = |values: &[Name]| values.iter().any(|wanted| **wanted == *value);
        let wanted = set.pods.requirements.iter().filter(
            move |requirement| matches!(&requirement.operator, Operator::In(values) if has(values)),
        );
        wanted.map(move |requirement| (own, &*requirement.key))
    });
    all.min_by_key(|(own, key)| (*own != Some(namespace), own.is_none(), *own, *key))
}

impl WantedPods {
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
    use crate::ends::{Asked, asked};

    fn words(text: &str, snapshot: &Snapshot) -> String {
        match asked(text) {
            None => "written".into(),
            Some(Err(error)) => error.to_string(),
            Some(Ok(Asked::Anyone)) => "anyone".into(),
            Some(Ok(Asked::Internet)) => "internet".into(),
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
}
