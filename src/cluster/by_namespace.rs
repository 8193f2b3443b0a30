//! Objects in the order in which they were added, with those of one namespace found at once.
//!
//! In: objects, one by one. Out: a slice of them all, and for each namespace where its own are.

use super::{EndpointSlice, Name, Service, Workload};
use foldhash::{HashMap, HashMapExt as _};
use std::collections::BTreeSet;
use std::ops::Deref;

/// What may be in a namespace.
pub trait Placed {
    /// Its namespace; `None` for a cluster-scoped object.
    fn namespace(&self) -> Option<&Name>;

    /// Its kind, where objects of several kinds are kept together.
    fn kind(&self) -> Option<&Name> {
        None
    }
}

impl Placed for Workload {
    fn namespace(&self) -> Option<&Name> {
        self.object.namespace.as_ref()
    }

    fn kind(&self) -> Option<&Name> {
        Some(&self.object.kind)
    }
}

impl Placed for Service {
    fn namespace(&self) -> Option<&Name> {
        Some(&self.namespace)
    }
}

impl Placed for EndpointSlice {
    fn namespace(&self) -> Option<&Name> {
        Some(&self.namespace)
    }
}

/// Objects by index, and by namespace.
#[derive(Clone, Debug)]
pub struct ByNamespace<T> {
    all: Vec<T>,
    within: HashMap<Name, Vec<usize>>,
    kinds: BTreeSet<Name>,
}

impl<T> Default for ByNamespace<T> {
    fn default() -> Self {
        Self { all: Vec::new(), within: HashMap::new(), kinds: BTreeSet::new() }
    }
}

impl<T> Deref for ByNamespace<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.all
    }
}

impl<'a, T> IntoIterator for &'a ByNamespace<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.iter()
    }
}

impl<T: Placed> ByNamespace<T> {
    /// Adds an object at the end.
    pub fn push(&mut self, object: T) {
        if let Some(namespace) = object.namespace() {
            self.within.entry(namespace.clone()).or_default().push(self.all.len());
        }
        if let Some(kind) = object.kind().filter(|kind| !self.kinds.contains(*kind)) {
            self.kinds.insert(kind.clone());
        }
        self.all.push(object);
    }

    /// An object to be changed in place; where it is and what kind it is must stay.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        self.all.get_mut(index)
    }

    /// The objects of a namespace with their indices, in order.
    pub fn within(&self, namespace: &str) -> impl Iterator<Item = (usize, &T)> {
        let indices = self.within.get(namespace).map_or(&[][..], Vec::as_slice);
        indices.iter().filter_map(|index| Some((*index, self.all.get(*index)?)))
    }

    /// Every kind that some object has.
    pub fn kinds(&self) -> impl Iterator<Item = &Name> {
        self.kinds.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{ObjectRef, Origin};

    #[test]
    fn objects_are_found_by_namespace_in_order() {
        let mut all = ByNamespace::default();
        for object in [
            ObjectRef::namespaced("Deployment", "a", "one"),
            ObjectRef::namespaced("Prometheus", "b", "two"),
            ObjectRef::namespaced("Deployment", "a", "three"),
            ObjectRef::cluster("Fleet", "four"),
        ] {
            all.push(Workload {
                object,
                selector: None,
                replicas: None,
                origin: Origin::Synthetic,
            });
        }
        let within = |namespace| -> Vec<(usize, &str)> {
            all.within(namespace).map(|(index, known)| (index, &*known.object.name)).collect()
        };
        assert_eq!(within("a"), [(0, "one"), (2, "three")]);
        assert_eq!(within("b"), [(1, "two")]);
        assert_eq!(within("c"), []);
        assert_eq!((all.len(), &*all[3].object.name), (4, "four"));
        let kinds: Vec<&str> = all.kinds().map(|kind| &**kind).collect();
        assert_eq!(kinds, ["Deployment", "Fleet", "Prometheus"]);
    }
}
