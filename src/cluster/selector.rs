//! Label selectors as `metav1.LabelSelector` defines them.

use super::{
    ANY_ACCOUNT_LABEL, Labels, Name, SERVICE_ACCOUNT_LABEL, Truth, is_account_label, may_be_set,
};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What a requirement asks of its key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// The key is there and its value is one of these.
    In(Vec<Name>),
    /// The key is absent, or its value is none of these.
    NotIn(Vec<Name>),
    /// The key is there.
    Exists,
    /// The key is absent.
    DoesNotExist,
    /// The key is there and its value has a text in it. Only Calico's selectors ask for this.
    Has(TextMatch, Name),
    /// The key is absent, or its value has no such text in it.
    HasNot(TextMatch, Name),
}

/// Where in a value a text is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TextMatch {
    /// Anywhere.
    Contains,
    /// At its beginning.
    StartsWith,
    /// At its end.
    EndsWith,
}

impl TextMatch {
    /// Whether a value has a text there.
    pub fn is_in(self, value: &str, text: &str) -> bool {
        match self {
            Self::Contains => value.contains(text),
            Self::StartsWith => value.starts_with(text),
            Self::EndsWith => value.ends_with(text),
        }
    }

    /// As Calico writes it: `contains`, `starts with` or `ends with`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::StartsWith => "starts with",
            Self::EndsWith => "ends with",
        }
    }
}

/// Where a requirement is written. There are many, so those of one selector share its path.
#[derive(Clone, Debug, Default)]
pub struct FieldPath {
    /// The field path of the selector, or of the requirement itself; `None` where it is not written.
    path: Option<Arc<str>>,
    within: Within,
}

/// Which part of a selector.
#[derive(Clone, Copy, Debug, Default)]
enum Within {
    /// The path is that of the requirement itself.
    #[default]
    Whole,
    /// The entry of `matchLabels` with its key.
    Label,
    /// This item of `matchExpressions`.
    Expression(u32),
}

impl FieldPath {
    /// As an entry of `matchLabels` of the selector at a path.
    pub fn label(selector: Arc<str>) -> Self {
        Self { path: Some(selector), within: Within::Label }
    }

    /// In a selector that is one text, at this path.
    pub fn text(selector: Arc<str>) -> Self {
        Self { path: Some(selector), within: Within::Whole }
    }

    /// As an item of `matchExpressions` of the selector at a path.
    pub fn expression(selector: Arc<str>, index: usize) -> Self {
        let within = u32::try_from(index).map_or(Within::Whole, Within::Expression);
        Self { path: Some(selector), within }
    }
}

/// One condition of a selector. Those that ask for the same are equal, wherever they are written.
#[derive(Clone, Debug)]
pub struct Requirement {
    /// The label key.
    pub key: Name,
    /// What is asked of it.
    pub operator: Operator,
    /// Where that is written.
    pub written: FieldPath,
}

impl PartialEq for Requirement {
    fn eq(&self, other: &Self) -> bool {
        let Self { key, operator, written: _ } = self;
        *key == other.key && *operator == other.operator
    }
}

impl Eq for Requirement {}

impl Hash for Requirement {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { key, operator, written: _ } = self;
        key.hash(state);
        operator.hash(state);
    }
}

impl Requirement {
    /// One that is written nowhere.
    pub fn new(key: impl Into<Name>, operator: Operator) -> Self {
        Self { key: key.into(), operator, written: FieldPath::default() }
    }

    /// The field path, such as `spec.podSelector.matchExpressions[0]`; `None` where it is not written.
    pub fn path(&self) -> Option<String> {
        let FieldPath { path, within } = &self.written;
        let path = path.as_deref()?;
        Some(match within {
            Within::Whole => path.to_owned(),
            Within::Label => format!("{path}.matchLabels[{}]", self.key),
            Within::Expression(index) => format!("{path}.matchExpressions[{index}]"),
        })
    }

    /// The same about another key than the one that is written.
    #[must_use]
    pub fn about(self, key: impl Into<Name>) -> Self {
        let key = key.into();
        let written = match self.written.within {
            Within::Label if key != self.key => {
                FieldPath { path: self.path().map(Into::into), within: Within::Whole }
            }
            _ => self.written,
        };
        Self { key, operator: self.operator, written }
    }

    /// Whether a value (`None`: the key is absent) fulfils the requirement.
    ///
    /// Source: `LabelSelectorRequirement` in k8s.io/apimachinery/pkg/apis/meta/v1/types.go: `NotIn`
    /// and `DoesNotExist` hold when the key is absent.
    pub fn holds_for(&self, value: Option<&str>) -> bool {
        let one_of = |values: &[Name]| value.is_some_and(|v| values.iter().any(|w| **w == *v));
        match &self.operator {
            Operator::In(values) => one_of(values),
            Operator::NotIn(values) => !one_of(values),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::Has(how, text) => value.is_some_and(|value| how.is_in(value, text)),
            Operator::HasNot(how, text) => !value.is_some_and(|value| how.is_in(value, text)),
        }
    }
}

/// As kubectl writes a selector: `a=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match &self.operator {
            Operator::In(values) if values.len() == 1 => write!(f, "{key}={}", values[0]),
            Operator::In(values) => write!(f, "{key} in ({})", values.join(",")),
            Operator::NotIn(values) => write!(f, "{key} notin ({})", values.join(",")),
            Operator::Exists => write!(f, "{key}"),
            Operator::DoesNotExist => write!(f, "!{key}"),
            Operator::Has(how, text) => write!(f, "{key} {} {text:?}", how.as_str()),
            Operator::HasNot(how, text) => write!(f, "not {key} {} {text:?}", how.as_str()),
        }
    }
}

/// A conjunction of requirements; empty selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selector {
    /// All must hold. `matchLabels` come first, as `In` with one value.
    pub requirements: Vec<Requirement>,
}

/// Why labels do not (or perhaps do not) match a selector.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mismatch {
    /// The requirement that fails.
    pub wanted: Requirement,
    /// The value found; `None` when the key is absent.
    pub found: Option<Name>,
    /// The label is set when the pod is made, so manifests cannot tell.
    pub unknown: bool,
}

impl Mismatch {
    /// Why labels, all of which are known, do not match.
    pub fn of(selector: &Selector, labels: &Labels) -> Option<Self> {
        selector.mismatch(|key| labels.get(key), &[])
    }
}

impl Selector {
    /// A selector that asks for exactly these labels.
    pub fn labels<K: Into<Name>, V: Into<Name>>(labels: impl IntoIterator<Item = (K, V)>) -> Self {
        let requirements = labels
            .into_iter()
            .map(|(k, v)| Requirement::new(k, Operator::In(vec![v.into()])))
            .collect();
        Self { requirements }
    }

    /// Whether it selects everything.
    pub fn is_everything(&self) -> bool {
        self.requirements.is_empty()
    }

    /// A label that is among those of whatever it selects, or not known there, if it asks for one value of
    /// some key.
    pub fn one_label(&self) -> Option<(&str, &str)> {
        // What a pod has by its ServiceAccount is not among its labels.
        let own = |key: &str| key != SERVICE_ACCOUNT_LABEL && !is_account_label(key);
        self.requirements.iter().find_map(|one| match &one.operator {
            Operator::In(values) if values.len() == 1 && own(&one.key) => {
                Some((&*one.key, &*values[0]))
            }
            _ => None,
        })
    }

    /// Whether the labels that `value` gives match; Unknown only where a key of `unknown_keys`
    /// would decide.
    pub(super) fn matches<'l>(
        &self,
        value: impl Fn(&str) -> Option<&'l str>,
        unknown_keys: &[&str],
    ) -> Truth {
        let judge = |requirement: &Requirement| {
            Self::judge(requirement, value(&requirement.key), unknown_keys)
        };
        Truth::all(self.requirements.iter().map(judge))
    }

    /// Whether `labels`, all of which are known, match.
    pub fn selects(&self, labels: &Labels) -> bool {
        self.requirements
            .iter()
            .all(|requirement| requirement.holds_for(labels.get(&requirement.key)))
    }

    /// The first requirement that fails, or else the first that is not known to hold.
    pub(super) fn mismatch<'l>(
        &self,
        value: impl Fn(&str) -> Option<&'l str>,
        unknown_keys: &[&str],
    ) -> Option<Mismatch> {
        let with = |truth: Truth| {
            let judge = |requirement: &&Requirement| {
                Self::judge(requirement, value(&requirement.key), unknown_keys) == truth
            };
            self.requirements.iter().find(judge).map(|requirement| Mismatch {
                wanted: requirement.clone(),
                found: value(&requirement.key).map(Into::into),
                unknown: truth == Truth::Unknown,
            })
        };
        with(Truth::No).or_else(|| with(Truth::Unknown))
    }

    fn judge(requirement: &Requirement, value: Option<&str>, unknown_keys: &[&str]) -> Truth {
        if value.is_none() && unknown_keys.contains(&&*requirement.key) {
            // The controller will set some value: presence is known, the value is not.
            return match &requirement.operator {
                Operator::Exists => Truth::Yes,
                Operator::DoesNotExist => Truth::No,
                Operator::In(_) | Operator::NotIn(_) | Operator::Has(..) | Operator::HasNot(..) => {
                    Truth::Unknown
                }
            };
        }
        let seen = |key: &str| unknown_keys.contains(&key);
        if value.is_none()
            && (may_be_set(unknown_keys, &requirement.key)
                || (seen(ANY_ACCOUNT_LABEL) && is_account_label(&requirement.key)))
        {
            return Truth::Unknown;
        }
        requirement.holds_for(value).into()
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_everything() {
            return f.write_str("<all>");
        }
        for (i, requirement) in self.requirements.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            write!(f, "{requirement}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requirement(key: &str, operator: Operator) -> Selector {
        Selector { requirements: vec![Requirement::new(key, operator)] }
    }

    /// docs/semantics/networkpolicy.md#label-selectors: In needs the key; NotIn and DoesNotExist
    /// match when the key is absent.
    #[test]
    fn operators_against_present_other_and_absent_keys() {
        let values = vec![Name::from("x"), Name::from("y")];
        let present: Labels = [("k", "x")].into_iter().collect();
        let other: Labels = [("k", "z")].into_iter().collect();
        let absent = Labels::default();
        for (operator, expected) in [
            (Operator::In(values.clone()), [true, false, false]),
            (Operator::NotIn(values), [false, true, true]),
            (Operator::Exists, [true, true, false]),
            (Operator::DoesNotExist, [false, false, true]),
        ] {
            let selector = requirement("k", operator.clone());
            for (labels, expected) in [&present, &other, &absent].into_iter().zip(expected) {
                assert_eq!(
                    selector.matches(|k| labels.get(k), &[]),
                    expected.into(),
                    "{operator:?} {labels}"
                );
                assert_eq!(selector.mismatch(|k| labels.get(k), &[]).is_none(), expected);
            }
        }
    }

    #[test]
    fn requirements_are_a_conjunction_and_none_selects_everything() {
        let selector = Selector::labels([("a", "1"), ("b", "2")]);
        let labels: Labels = [("a", "1"), ("b", "3")].into_iter().collect();
        assert_eq!(selector.matches(|k| labels.get(k), &[]), Truth::No);
        let miss = selector.mismatch(|k| labels.get(k), &[]).unwrap();
        assert_eq!((miss.wanted.to_string().as_str(), miss.found.as_deref()), ("b=2", Some("3")));
        assert_eq!(Selector::default().matches(|k| labels.get(k), &[]), Truth::Yes);
        assert_eq!(Selector::default().to_string(), "<all>");
    }

    /// Labels that a controller sets when it makes the pod are not in its template: their presence
    /// is known, their value is not.
    #[test]
    fn labels_set_at_run_time_are_unknown_not_absent() {
        let labels = Labels::default();
        let keys = ["pod-template-hash"];
        let of =
            |operator| requirement("pod-template-hash", operator).matches(|k| labels.get(k), &keys);
        assert_eq!(of(Operator::In(vec!["abc".into()])), Truth::Unknown);
        assert_eq!(of(Operator::NotIn(vec!["abc".into()])), Truth::Unknown);
        assert_eq!(of(Operator::Exists), Truth::Yes);
        assert_eq!(of(Operator::DoesNotExist), Truth::No);
    }

    /// Engines hold selectors together that ask for the same, so places must not tell them apart.
    #[test]
    fn places_are_no_part_of_what_is_asked() {
        let is = || Operator::In(vec!["1".into()]);
        let of = |written| Requirement { written, ..Requirement::new("a.b/c", is()) };
        let nowhere = Requirement::new("a.b/c", is());
        let label = of(FieldPath::label("spec.podSelector".into()));
        let item = of(FieldPath::expression("spec.podSelector".into(), 2));
        let hash = |requirement: &Requirement| {
            let mut state = std::hash::DefaultHasher::new();
            requirement.hash(&mut state);
            state.finish()
        };
        for (requirement, path) in [
            (&nowhere, None),
            (&label, Some("spec.podSelector.matchLabels[a.b/c]")),
            (&item, Some("spec.podSelector.matchExpressions[2]")),
        ] {
            assert_eq!(requirement.path().as_deref(), path);
            assert_eq!((requirement, hash(requirement)), (&nowhere, hash(&nowhere)));
            let about = requirement.clone().about("c");
            assert_eq!((about.path().as_deref(), &*about.key), (path, "c"));
        }
    }
}
