//! What is known of the variables of a Kustomization: of ConfigMaps in the repository their values, of
//! Secrets their names, and of either that is not here nothing.
//!
//! In: ConfigMaps and Secrets as they are made. Out: [`Variables`], or the ConfigMaps that are waited
//! for. No value of a Secret is looked at, encrypted or not.

use super::object::{Kustomization, Reference, title};
use super::substitute::Variables;
use crate::tree::{Head, Named};
use netpol::objects::{is_encrypted, is_encrypted_value};
use netpol::yaml::{self, Node};
use std::collections::BTreeMap;

/// The strategy that fills in defaults where there is no variable.
const ALWAYS: &str = "Always";

/// ConfigMaps and Secrets that are known.
#[derive(Debug, Default)]
pub(super) struct Known {
    maps: BTreeMap<Named, BTreeMap<String, Option<String>>>,
    secrets: BTreeMap<Named, Vec<String>>,
}

impl Known {
    /// Takes what an object has.
    pub(super) fn take(&mut self, head: &Head<'_>, node: &Node<'_>) {
        if head.is("", "ConfigMap") {
            let data = node.get("data").and_then(|data| yaml::from_node(data).ok());
            let data: BTreeMap<String, String> = data.unwrap_or_default();
            // What is encrypted is not known.
            let is_known = |value: &String| !is_encrypted(node) || !is_encrypted_value(value);
            let data = data.into_iter().map(|(key, value)| (key, Some(value).filter(is_known)));
            self.maps.insert(head.named(), data.collect());
        } else if head.is("", "Secret") {
            let fields = ["data", "stringData"].into_iter().filter_map(|field| node.get(field));
            let entries = fields.flat_map(|map| map.entries().unwrap_or_default());
            let keys = entries.map(|entry| entry.key.clone().into_owned()).collect();
            self.secrets.insert(head.named(), keys);
        }
    }

    /// The values of a ConfigMap, none of what is encrypted.
    pub(super) fn map(&self, named: &Named) -> Option<&BTreeMap<String, Option<String>>> {
        self.maps.get(named)
    }

    /// The variables of a Kustomization, and the ConfigMaps that it wants and that are not known.
    pub(super) fn variables(&self, of: &Kustomization) -> (Variables, Vec<String>) {
        let (mut all, mut missing) = (Variables::default(), Vec::new());
        let Some(post_build) = &of.spec.post_build else { return (all, missing) };
        all.always = post_build.substitute_strategy == ALWAYS;
        for reference in &post_build.substitute_from {
            let Reference { kind, name, .. } = reference;
            let named = (of.named.0.clone(), name.clone());
            if kind == "Secret" {
                match self.secrets.get(&named) {
                    Some(keys) => all.values.extend(keys.iter().map(|key| (key.clone(), None))),
                    None => all.open = true,
                }
            } else if let Some(map) = self.maps.get(&named) {
                let values = map.iter();
                let values =
                    values.map(|(key, value)| (key.clone(), value.as_deref().map(one_line)));
                all.values.extend(values);
            } else {
                all.open = true;
                missing.push(title(kind, &named));
            }
        }
        let own = post_build.substitute.iter();
        all.values.extend(own.map(|(key, value)| (key.clone(), Some(one_line(value)))));
        (all, missing)
    }
}

/// Flux takes the ends of lines out of values.
fn one_line(value: &str) -> String {
    value.replace('\n', "")
}
