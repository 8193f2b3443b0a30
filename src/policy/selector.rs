//! `metav1.LabelSelector` as it is written, with the API server's validation.

use super::Fault;
use super::variables::variable;
use crate::cluster::{FieldPath, Operator, Requirement, Selector};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A label selector as written. Empty selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct LabelSelector {
    pub(super) match_labels: Option<BTreeMap<String, String>>,
    pub(super) match_expressions: Option<Vec<MatchExpression>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(super) struct MatchExpression {
    pub(super) key: String,
    pub(super) operator: String,
    pub(super) values: Option<Vec<String>>,
}

/// A requirement with a variable that nobody filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unfilled {
    /// The label key, which may be the variable.
    pub(super) key: String,
    /// What has the variable.
    pub(super) text: String,
    /// Without such a label the requirement fails.
    pub(super) must_be_there: bool,
}

impl LabelSelector {
    /// Takes out the requirements that have variables.
    pub(super) fn take_unfilled(&mut self) -> Vec<Unfilled> {
        let has = |text: &String| variable(text).is_some();
        let mut all = Vec::new();
        if let Some(labels) = &mut self.match_labels {
            labels.retain(|key, value| {
                let text = [key, &*value].into_iter().find(|text| has(text)).cloned();
                all.extend(text.iter().map(|text| Unfilled {
                    key: key.clone(),
                    text: text.clone(),
                    must_be_there: true,
                }));
                text.is_none()
            });
        }
        if let Some(expressions) = &mut self.match_expressions {
            expressions.retain(|expression| {
                let values = expression.values.iter().flatten();
                let texts = [&expression.key, &expression.operator].into_iter().chain(values);
                let text = texts.into_iter().find(|text| has(text)).cloned();
                all.extend(text.iter().map(|text| Unfilled {
                    key: expression.key.clone(),
                    text: text.clone(),
                    must_be_there: matches!(&*expression.operator, "In" | "Exists"),
                }));
                text.is_none()
            });
        }
        all
    }

    /// The selector, or what the API server refuses in it.
    ///
    /// Source: `ValidateLabelSelector` in k8s.io/apimachinery/pkg/apis/meta/v1/validation: In and
    /// `NotIn` need values, Exists and `DoesNotExist` take none, keys and values must be label syntax.
    pub fn lower(&self, path: &str, faults: &mut Vec<Fault>) -> Selector {
        self.lower_keys(path, &label_key_fault, faults)
    }

    /// As [`LabelSelector::lower`], where this says what is wrong with a key. The requirements keep the
    /// keys as written.
    pub(super) fn lower_keys(
        &self,
        path: &str,
        key_fault: &dyn Fn(&str) -> Option<String>,
        faults: &mut Vec<Fault>,
    ) -> Selector {
        let at: Arc<str> = path.into();
        let mut requirements = Vec::new();
        for (key, value) in self.match_labels.iter().flatten() {
            let path = || format!("{path}.matchLabels[{key}]");
            check(key_fault(key), path, faults);
            check(label_value_fault(value), path, faults);
            let operator = Operator::In(vec![value.as_str().into()]);
            let key = key.as_str().into();
            requirements.push(Requirement { key, operator, written: FieldPath::label(at.clone()) });
        }
        for (i, expression) in self.match_expressions.iter().flatten().enumerate() {
            let path = |field: &str| format!("{path}.matchExpressions[{i}]{field}");
            check(key_fault(&expression.key), || path(".key"), faults);
            let values = expression.values.as_deref().unwrap_or_default();
            for (j, value) in values.iter().enumerate() {
                check(label_value_fault(value), || path(&format!(".values[{j}]")), faults);
            }
            let names = || values.iter().map(|value| value.as_str().into()).collect();
            let (operator, takes_values) = match expression.operator.as_str() {
                "In" => (Operator::In(names()), true),
                "NotIn" => (Operator::NotIn(names()), true),
                "Exists" => (Operator::Exists, false),
                "DoesNotExist" => (Operator::DoesNotExist, false),
                other => {
                    let message =
                        format!("operator {other:?} is not In, NotIn, Exists or DoesNotExist");
                    faults.push(Fault::new(path(".operator"), message));
                    continue;
                }
            };
            if takes_values == values.is_empty() {
                let needs = if takes_values { "needs values" } else { "takes no values" };
                let message = format!("operator {} {needs}", expression.operator);
                faults.push(Fault::new(path(".values"), message));
            }
            let key = expression.key.as_str().into();
            let written = FieldPath::expression(at.clone(), i);
            requirements.push(Requirement { key, operator, written });
        }
        Selector { requirements }
    }
}

fn check(message: Option<String>, path: impl Fn() -> String, faults: &mut Vec<Fault>) {
    faults.extend(message.map(|message| Fault::new(path(), message)));
}

/// What is wrong with a label key: `name` or `dns.subdomain/name`.
pub(crate) fn label_key_fault(key: &str) -> Option<String> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let valid = !name.is_empty()
        && is_label_text(name)
        && prefix.is_none_or(|prefix| dns_subdomain_fault(prefix).is_none());
    (!valid).then(|| {
        format!(
            "{key:?} is not a label key: [prefix/]name of at most 63 letters, digits, -, _ and ."
        )
    })
}

pub(crate) fn label_value_fault(value: &str) -> Option<String> {
    (!is_label_text(value)).then(|| {
        format!(
            "{value:?} is not a label value: at most 63 letters, digits, -, _ and ., \
             starting and ending with a letter or digit"
        )
    })
}

fn is_label_text(text: &str) -> bool {
    text.len() <= 63
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && text.bytes().next().is_none_or(|b| b.is_ascii_alphanumeric())
        && text.bytes().last().is_none_or(|b| b.is_ascii_alphanumeric())
}

/// What is wrong with a DNS-1123 subdomain, which names of most objects must be.
pub(crate) fn dns_subdomain_fault(name: &str) -> Option<String> {
    let part_ok = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let valid = name.len() <= 253 && name.split('.').all(part_ok);
    (!valid).then(|| {
        format!(
            "{name:?} is not a DNS subdomain: at most 253 lower-case letters, digits, - and ., \
             each part starting and ending with a letter or digit"
        )
    })
}

/// What is wrong with a DNS-1123 label, which names of namespaces must be.
pub(crate) fn dns_label_fault(name: &str) -> Option<String> {
    let valid = name.len() <= 63 && !name.contains('.') && dns_subdomain_fault(name).is_none();
    (!valid).then(|| {
        format!(
            "{name:?} is not a DNS label: at most 63 lower-case letters, digits and -, starting and \
             ending with a letter or digit"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lower(json: &str) -> (String, Vec<String>) {
        let written: LabelSelector = serde_json::from_str(json).unwrap();
        let mut faults = Vec::new();
        let selector = written.lower("s", &mut faults);
        (selector.to_string(), faults.into_iter().map(|fault| fault.path).collect())
    }

    #[test]
    fn labels_and_expressions_are_one_conjunction() {
        let (selector, faults) = lower(
            r#"{"matchLabels":{"a":"1"},"matchExpressions":[
                {"key":"b","operator":"In","values":["x","y"]},
                {"key":"c","operator":"NotIn","values":["z"]},
                {"key":"d","operator":"Exists"},
                {"key":"e.io/f","operator":"DoesNotExist","values":[]}]}"#,
        );
        assert_eq!(selector, "a=1,b in (x,y),c notin (z),d,!e.io/f");
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(lower("{}").0, "<all>");
        assert_eq!(lower(r#"{"matchLabels":null,"matchExpressions":null}"#).0, "<all>");
    }

    /// `ValidateLabelSelector`: each line is one thing that the API server refuses.
    #[test]
    fn refusals() {
        for (json, path) in [
            (r#"{"matchLabels":{"a b":"1"}}"#, "s.matchLabels[a b]"),
            (r#"{"matchLabels":{"a":"-1"}}"#, "s.matchLabels[a]"),
            (r#"{"matchLabels":{"A_b/c":"1"}}"#, "s.matchLabels[A_b/c]"),
            (
                r#"{"matchExpressions":[{"key":"a","operator":"Equals"}]}"#,
                "s.matchExpressions[0].operator",
            ),
            (
                r#"{"matchExpressions":[{"key":"a","operator":"In"}]}"#,
                "s.matchExpressions[0].values",
            ),
            (
                r#"{"matchExpressions":[{"key":"a","operator":"Exists","values":["x"]}]}"#,
                "s.matchExpressions[0].values",
            ),
            (r#"{"matchExpressions":[{"operator":"Exists"}]}"#, "s.matchExpressions[0].key"),
            (
                r#"{"matchExpressions":[{"key":"a","operator":"In","values":["é"]}]}"#,
                "s.matchExpressions[0].values[0]",
            ),
        ] {
            assert_eq!(lower(json).1, [path], "{json}");
        }
    }
}
