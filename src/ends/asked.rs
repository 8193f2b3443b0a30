//! Ends that nothing written is, as a question names them.
//!
//! In: `shop/pods[app=db]`, `pods[app=prometheus] in namespaces[role=monitoring]`, `namespaces[team=a]`,
//! `ns/shop`, `anyone`, `internet`. Out: an [`Asked`], which `unwritten/` makes pods of. A label without
//! a value has one that no rule mentions; one that is not named is not there.

use crate::cluster::{Name, kind_from_word};
use crate::policy::{dns_label_fault, label_key_fault, label_value_fault};
use std::fmt;

/// An end that nothing written need be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Whoever there is, inside and outside.
    Anyone,
    /// Whoever is outside, but for private networks.
    Internet,
    /// Every pod of a namespace: those that are known, and any other.
    Namespace(Name),
    /// A pod with these labels and no others.
    Pods(WantedPods),
}

/// A pod that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedPods {
    pub(crate) namespaces: Where,
    pub(crate) pods: Vec<Pair>,
}

/// In which namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    /// The namespace of the question.
    Here,
    Of(Name),
    With(Vec<Pair>),
}

/// A label; any value that no rule mentions where none is given.
pub(crate) type Pair = (Name, Option<Name>);

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
    match text {
        "anyone" => return Some(Ok(Asked::Anyone)),
        super::INTERNET => return Some(Ok(Asked::Internet)),
        _ => {}
    }
    if let Some((kind, name)) = text.split_once('/')
        && kind_from_word(kind) == Some("Namespace")
        && !name.contains('/')
    {
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

fn read(text: &str, spaces: &str, pods: Option<&str>) -> Result<WantedPods, AskedError> {
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
    Ok(WantedPods { namespaces, pods })
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

/// In the form in which it is asked for.
impl fmt::Display for WantedPods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let selector = |pairs: &[Pair]| {
            let label = |(key, value): &Pair| match value {
                Some(value) => format!("{key}={value}"),
                None => key.to_string(),
            };
            pairs.iter().map(label).collect::<Vec<_>>().join(",")
        };
        let pods = match self.pods.as_slice() {
            [] => "pods".to_owned(),
            pairs => format!("pods[{}]", selector(pairs)),
        };
        match &self.namespaces {
            Where::Here => f.write_str(&pods),
            Where::Of(name) => write!(f, "{name}/{pods}"),
            Where::With(pairs) => write!(f, "{pods} in namespaces[{}]", selector(pairs)),
        }
    }
}

impl WantedPods {
    /// The namespace that it is in by name, for a question from this one.
    pub fn namespace<'a>(&'a self, here: &'a str) -> Option<&'a str> {
        match &self.namespaces {
            Where::Here => Some(here),
            Where::Of(name) => Some(name),
            Where::With(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What no label and no namespace can be is refused with a sentence.
    #[test]
    fn refusals() {
        for text in [
            "shop/pods[app=\u{1b}[31m]",
            "shop/pods[a b=c]",
            "shop/pods[app=db",
            "namespaces[=x]",
            "pods[app=x] in namespaces[y=z",
            "SHOP/pods[app=db]",
            "ns/..",
            "ns/",
            "shop/pods[app=a\nb]",
            &format!("shop/pods[app={}]", "x".repeat(300)),
            &format!("{}/pods[app=x]", "x".repeat(300)),
            "pods[app=x] in namespaces[]]",
            "pods[app=a,app=b]",
            "pods[] in a b",
        ] {
            let asked = asked(text).unwrap_or_else(|| panic!("{text:?} is of no form"));
            let error = asked.expect_err(text).to_string();
            assert!(!error.contains('\u{1b}') && error.len() > 10, "{error:?}");
        }
        for written in
            ["shop/x/pods[a=b]", "shop/db", "pods/db", "10.0.0.7", "https://a.example/[x]"]
        {
            assert_eq!(asked(written), None, "{written}");
        }
    }
}
