//! How an object is named, and where it was written.

use crate::kinds::Kind;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A name, a label key or value: shared, since clusters repeat them thousands of times.
pub type Name = Arc<str>;

/// The word for a kind on the command line and in answers: `deploy`, `svc`, or the kind in lower case.
pub fn kind_word(kind: &str) -> String {
    let word = Kind::named(kind).and_then(Kind::word);
    word.map_or_else(|| kind.to_ascii_lowercase(), ToOwned::to_owned)
}

/// The kind that a word of the command line means (`deploy`, `deployments`, `deployments.apps`), if
/// it is a built-in one.
pub fn kind_from_word(word: &str) -> Option<&'static str> {
    Kind::of_word(word).map(Kind::as_str)
}

/// An object by kind, namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectRef {
    /// The kind as the API writes it, such as `Deployment`.
    pub kind: Name,
    /// The namespace; `None` for a cluster-scoped object.
    pub namespace: Option<Name>,
    /// The object's name.
    pub name: Name,
}

impl ObjectRef {
    /// A namespaced object.
    pub fn namespaced(
        kind: impl Into<Name>,
        namespace: impl Into<Name>,
        name: impl Into<Name>,
    ) -> Self {
        Self { kind: kind.into(), namespace: Some(namespace.into()), name: name.into() }
    }

    /// A cluster-scoped object.
    pub fn cluster(kind: impl Into<Name>, name: impl Into<Name>) -> Self {
        Self { kind: kind.into(), namespace: None, name: name.into() }
    }
}

/// `namespace/kind/name` with kubectl's short kind, which the command line takes back.
impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        write!(f, "{}/{}", kind_word(&self.kind), self.name)
    }
}

/// Where an object was written. Lines are found only when asked for (`source::Locator`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// One document of a file, of stdin or of what kustomize printed.
    Manifest {
        /// The file's path, `-` for stdin, or the kustomization's directory.
        file: Arc<Path>,
        /// First byte of the document in the file.
        offset: usize,
        /// First line of the document, from 1.
        line: usize,
        /// Field path of the object in its document: empty, or `items[3]` in a List.
        within: Option<Box<str>>,
    },
    /// One document that a program made of files: kustomize, or Helm.
    Rendered {
        /// What was made, and of what.
        of: Arc<Rendered>,
        /// Field path of the object in what was made, as that in a file.
        within: Option<Box<str>>,
    },
    /// The live cluster, where kind, namespace and name are the place.
    Live {
        /// Who last wrote it, where the API server tells.
        applied: Option<Arc<Applied>>,
        /// The object of Flux that it is made from.
        owner: Option<Arc<ObjectRef>>,
    },
    /// Made by this program or by a test; it has no place.
    Synthetic,
}

/// A document that was made of files.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rendered {
    /// The file that it was made of, or that says how it was made.
    pub file: Arc<Path>,
    /// First byte and first line, from 1, of the document of that file which it was made of; `None`: of
    /// no single one.
    pub from: Option<(usize, usize)>,
    /// What was made.
    pub text: Arc<str>,
}

/// Who last wrote a live object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The field manager, such as `kustomize-controller`.
    pub manager: Name,
    /// When, in RFC 3339.
    pub time: Option<Name>,
}
