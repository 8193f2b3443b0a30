//! What a pod that is not written is like: its namespace, its labels, the names of its ports.
//!
//! In: what a search or a question asks for. Out: a [`Shape`], with the pod and the namespace that it
//! becomes in a snapshot, and its words.

use crate::cluster::{
    ANY_OTHER_NAMESPACE, ContainerPort, Labels, NAMESPACE_NAME_LABEL, Name, Origin, Pod, Port,
    Representative, SERVICE_ACCOUNT_LABEL, Snapshot, supposed_namespace,
};
use std::fmt::Write as _;

/// A label of a pod or a namespace that is not written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label {
    /// Its key.
    pub key: Name,
    /// Its value.
    pub value: Name,
    /// Any value would do that no rule mentions.
    pub any: bool,
}

/// Where a pod is that is not written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// In a namespace as the snapshot has it, written or not.
    AsIs(Name),
    /// In one that is not, or not on both sides, which has these labels.
    Named {
        /// Its name.
        name: Name,
        /// Those that are supposed of it.
        supposed: Vec<Label>,
        /// Those that are known of it.
        known: Labels,
    },
    /// In any other, which has these labels.
    Other {
        /// A name that nothing else has.
        name: Name,
        /// Its labels.
        supposed: Vec<Label>,
    },
}

/// A pod that is not written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shape {
    /// Where it is.
    pub place: Place,
    /// Its labels, by key. Cilium's label of the ServiceAccount stands for that.
    pub labels: Vec<Label>,
    /// What it calls its ports.
    pub ports: Vec<(Name, Port)>,
}

/// `a=b,c`: a selector that pods with these labels match.
fn selector(labels: &[Label]) -> String {
    let mut out = String::new();
    for label in labels {
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str(&label.key);
        if !label.any {
            let _ = write!(out, "={}", label.value);
        }
    }
    out
}

fn labels(all: &[Label]) -> Labels {
    all.iter().map(|label| (label.key.clone(), label.value.clone())).collect()
}

impl Shape {
    /// The name of its namespace in a snapshot.
    pub fn namespace(&self) -> Name {
        match &self.place {
            Place::AsIs(name) | Place::Other { name, .. } => name.clone(),
            Place::Named { name, supposed, .. } => supposed_namespace(name, &selector(supposed)),
        }
    }

    /// The value of one of its labels.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|label| *label.key == *key).map(|label| &*label.value)
    }

    /// The same in another namespace that is like its own.
    #[must_use]
    pub(super) fn moved(mut self, to: &Name) -> Self {
        match &mut self.place {
            Place::AsIs(name) | Place::Named { name, .. } => name.clone_from(to),
            Place::Other { .. } => {}
        }
        self
    }

    /// The ServiceAccount that it runs as.
    fn service_account(&self) -> Name {
        let account = self.labels.iter().find(|label| *label.key == *SERVICE_ACCOUNT_LABEL);
        account.map_or_else(|| "default".into(), |label| label.value.clone())
    }

    fn own_labels(&self) -> Labels {
        let own = self.labels.iter().filter(|label| *label.key != *SERVICE_ACCOUNT_LABEL);
        labels(&own.cloned().collect::<Vec<_>>())
    }

    /// The labels that its namespace has; `None` where that is written.
    fn namespace_labels(&self) -> Option<Labels> {
        let (name, supposed, known) = match &self.place {
            Place::AsIs(_) => return None,
            Place::Named { name, supposed, known } => (name, supposed, Some(known)),
            Place::Other { name, supposed } => (name, supposed, None),
        };
        let known = known.into_iter().flat_map(Labels::iter);
        let known = known.map(|(k, v)| (Name::from(k), Name::from(v)));
        let supposed = supposed.iter().map(|label| (label.key.clone(), label.value.clone()));
        let all: Labels = known.chain(supposed).collect();
        Some(all.with(NAMESPACE_NAME_LABEL, name))
    }

    fn pods(&self) -> String {
        match self.labels.as_slice() {
            [] => "pods".into(),
            labels => format!("pods[{}]", selector(labels)),
        }
    }

    /// As answers name it.
    pub fn words(&self) -> String {
        let any = self.labels.is_empty();
        match &self.place {
            Place::AsIs(name) if any => format!("any other pod of {name}"),
            Place::AsIs(name) => format!("{} in {name}", self.pods()),
            Place::Named { name, supposed, .. } => {
                let wanted = if supposed.is_empty() {
                    name.to_string()
                } else {
                    format!("{name}[{}]", selector(supposed))
                };
                if any {
                    format!("any other pod of {wanted}")
                } else {
                    format!("{} in {wanted}", self.pods())
                }
            }
            Place::Other { supposed, .. } => {
                let spaces = if supposed.is_empty() {
                    ANY_OTHER_NAMESPACE.to_owned()
                } else {
                    format!("namespaces[{}]", selector(supposed))
                };
                if any { spaces } else { format!("{} in {spaces}", self.pods()) }
            }
        }
    }

    /// As a question names it.
    pub fn asked(&self) -> String {
        match &self.place {
            Place::AsIs(name) => format!("{name}/{}", self.pods()),
            Place::Named { name, known, .. } if !known.is_empty() => {
                format!("{name}/{}", self.pods())
            }
            Place::Named { name, supposed, .. } => {
                let more = if supposed.is_empty() { "" } else { "," };
                let wanted = format!("{NAMESPACE_NAME_LABEL}={name}{more}{}", selector(supposed));
                format!("{} in namespaces[{wanted}]", self.pods())
            }
            Place::Other { supposed, .. } => {
                format!("{} in namespaces[{}]", self.pods(), selector(supposed))
            }
        }
    }

    /// The pod, as it stands in a snapshot.
    pub fn pod(&self) -> Pod {
        let mut name = if self.labels.is_empty() { "any other pod".into() } else { self.pods() };
        for (port, number) in &self.ports {
            let _ = write!(name, " {port}={number}");
        }
        let ports = self.ports.iter().map(|(name, port)| ContainerPort {
            name: Some(name.clone()),
            port: *port,
            host_port: None,
            sidecar: false,
        });
        Pod {
            namespace: self.namespace(),
            name: name.into(),
            labels: self.own_labels(),
            unknown_labels: &[],
            service_account: self.service_account(),
            ips: Vec::new(),
            ports: ports.collect(),
            probes: None,
            host_network: false,
            node: None,
            owner: None,
            // It stands for more than one, so one of them may be the peer of another.
            template: true,
            ready: true,
            finished: false,
            origin: Origin::Synthetic,
        }
    }

    /// Adds it to a snapshot, with its namespace where that is not there.
    pub fn add_to(&self, snapshot: &mut Snapshot, of: Representative) -> usize {
        if let Some(labels) = self.namespace_labels() {
            snapshot.suppose_namespace(&self.namespace(), labels);
        }
        snapshot.add_representative(self.pod(), of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(key: &str, value: &str) -> Label {
        Label { key: key.into(), value: value.into(), any: value.is_empty() }
    }

    #[test]
    fn words_of_every_place() {
        let shape = |place, labels| Shape { place, labels, ports: Vec::new() };
        let named = |supposed: &[Label]| Place::Named {
            name: "shop".into(),
            supposed: supposed.to_vec(),
            known: Labels::default(),
        };
        let other = |supposed: &[Label]| Place::Other {
            name: "other-namespace".into(),
            supposed: supposed.to_vec(),
        };
        let db = || vec![label("app", "db")];
        let monitoring = [label("role", "monitoring")];
        for (place, labels, words, asked) in [
            (Place::AsIs("shop".into()), db(), "pods[app=db] in shop", "shop/pods[app=db]"),
            (Place::AsIs("shop".into()), vec![], "any other pod of shop", "shop/pods"),
            (
                named(&[]),
                db(),
                "pods[app=db] in shop",
                "pods[app=db] in namespaces[kubernetes.io/metadata.name=shop]",
            ),
            (
                named(&monitoring),
                vec![],
                "any other pod of shop[role=monitoring]",
                "pods in namespaces[kubernetes.io/metadata.name=shop,role=monitoring]",
            ),
            (other(&[]), vec![], "any other namespace", "pods in namespaces[]"),
            (
                other(&monitoring),
                vec![label("app", "prometheus"), label("tier", "")],
                "pods[app=prometheus,tier] in namespaces[role=monitoring]",
                "pods[app=prometheus,tier] in namespaces[role=monitoring]",
            ),
            (
                other(&monitoring),
                vec![],
                "namespaces[role=monitoring]",
                "pods in namespaces[role=monitoring]",
            ),
        ] {
            let shape = shape(place, labels);
            assert_eq!((&*shape.words(), &*shape.asked()), (words, asked));
        }
    }

    /// The same pods of one namespace, of which more labels are supposed.
    #[test]
    fn narrower_suppositions() {
        let shape = |supposed: &[Label], value: &str| Shape {
            place: Place::Named {
                name: "prod".into(),
                supposed: supposed.to_vec(),
                known: Labels::default(),
            },
            labels: vec![label("role", value)],
            ports: Vec::new(),
        };
        let mut snapshot = Snapshot::default();
        let project = [label("project", "x")];
        let mut add = |shape: Shape| {
            let words = shape.words();
            let of = Representative {
                words: words.as_str().into(),
                asked: shape.asked().into(),
                group: words.into(),
                brought_by: Vec::new(),
                any_port_names: false,
            };
            shape.add_to(&mut snapshot, of)
        };
        let [wide, narrow, other] =
            [shape(&[], "db"), shape(&project, "db"), shape(&[], "web")].map(&mut add);
        assert!(snapshot.is_narrower(narrow, wide));
        for (a, b) in [(wide, narrow), (wide, wide), (narrow, other), (other, wide)] {
            assert!(!snapshot.is_narrower(a, b), "{a} {b}");
        }
    }
}
