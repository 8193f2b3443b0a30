//! Labels of a pod, a namespace or a node.

use super::Name;
use std::fmt;
use std::sync::Arc;

/// Labels that change with every release or that a controller sets: no policy should select on them.
const VOLATILE: &[&str] = &[
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/version",
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/controller-uid",
    "controller-revision-hash",
    "controller-uid",
    "helm.sh/chart",
    "kubevirt.io/created-by",
    "kubevirt.io/nodeName",
    "pod-template-generation",
    "pod-template-hash",
    "rollouts-pod-template-hash",
    "statefulset.kubernetes.io/pod-name",
];

/// An immutable set of labels, sorted by key. Cloning shares it, so the pods of one workload hold one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Labels(Arc<[(Name, Name)]>);

impl Labels {
    /// The value of `key`, if the key is there.
    pub fn get(&self, key: &str) -> Option<&str> {
        // Mostly there are few, and keys of other lengths need not be looked into.
        const FEW: usize = 12;
        let at = if self.0.len() <= FEW {
            self.0.iter().position(|(k, _)| **k == *key)?
        } else {
            self.0.binary_search_by(|(k, _)| (**k).cmp(key)).ok()?
        };
        Some(&self.0[at].1)
    }

    /// Every label, sorted by key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (&**k, &**v))
    }

    /// Those by which a policy may select: without labels that change with every release or pod.
    #[must_use]
    pub fn lasting(&self) -> Self {
        self.iter().filter(|(key, _)| !VOLATILE.contains(key)).collect()
    }

    /// Whether there is no label at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These labels with one added or replaced.
    #[must_use]
    pub fn with(&self, key: &str, value: &str) -> Self {
        self.iter().chain([(key, value)]).collect()
    }
}

/// Of two labels with one key, the later wins.
impl<K: Into<Name>, V: Into<Name>> FromIterator<(K, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(labels: I) -> Self {
        let mut all: Vec<(Name, Name)> =
            labels.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        all.reverse();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all.dedup_by(|later, earlier| later.0 == earlier.0);
        Self(all.into())
    }
}

/// As kubectl prints them: `a=b,c=d`, or `<none>`.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("<none>");
        }
        for (i, (key, value)) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            write!(f, "{key}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_key_wins() {
        let labels: Labels = [("b", "1"), ("a", "x"), ("b", "2")].into_iter().collect();
        assert_eq!(labels.get("b"), Some("2"));
        assert_eq!(labels.get("c"), None);
        assert_eq!(labels.to_string(), "a=x,b=2");
        assert_eq!(labels.with("a", "y").get("a"), Some("y"));
        assert_eq!(Labels::default().to_string(), "<none>");
    }
}
