//! Artifacts that Flux puts together of sources.
//!
//! In: an ArtifactGenerator as it is written. Out: of each of its artifacts that is a part of one source,
//! as that has it, the source and the directory; of any other nothing, so that it counts as elsewhere.
//!
//! Source: docs/semantics/flux.md#artifacts.

use super::object::Reference;
use crate::tree::{Head, Named, joined};
use netpol::yaml::{self, Node};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The group.
pub(super) const EXTENSIONS: &str = "source.extensions.fluxcd.io";

/// How a file of the artifact is named.
const ARTIFACT: &str = "@artifact/";

/// A part of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// The source, by its kind, namespace and name.
    pub(super) of: (String, Named),
    /// The directory that is the artifact's top.
    pub(super) top: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    sources: Vec<Source>,
    artifacts: Vec<Artifact>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Source {
    alias: String,
    #[serde(flatten)]
    reference: Reference,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Artifact {
    name: String,
    copy: Vec<Copied>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Copied {
    from: String,
    to: String,
    exclude: Vec<String>,
    strategy: String,
}

/// The artifacts of one, by their names.
pub(super) fn parts(head: &Head<'_>, node: &Node<'_>) -> BTreeMap<Named, Part> {
    let spec = node.get("spec").and_then(|spec| yaml::from_node::<Spec>(spec).ok());
    let Spec { sources, artifacts } = spec.unwrap_or_default();
    let part = |artifact: Artifact| {
        let mut all = artifact.copy.iter().map(|it| it.part(head, &sources));
        let first = all.next()??;
        let same = all.all(|it| it.as_ref() == Some(&first));
        same.then(|| ((head.namespace.to_owned(), artifact.name), first))
    };
    artifacts.into_iter().filter_map(part).collect()
}

impl Copied {
    /// What the artifact is a part of, if it has these files where the source has them.
    fn part(&self, head: &Head<'_>, sources: &[Source]) -> Option<Part> {
        let (alias, from) = self.from.strip_prefix('@')?.split_once('/')?;
        let from = if from == "**" { "" } else { from.strip_suffix("/**")? };
        let to = joined("", self.to.strip_prefix(ARTIFACT)?);
        let glob = |path: &str| path.contains(['*', '?', '[', '{']);
        if glob(from) || !self.exclude.is_empty() || !matches!(&*self.strategy, "" | "Overwrite") {
            return None;
        }
        let from = joined("", from);
        let top = match from.strip_suffix(&*to)? {
            "" => "",
            _ if to.is_empty() => &from,
            above => above.strip_suffix('/')?,
        };
        let source = sources.iter().find(|source| source.alias == alias)?;
        let of = (source.reference.kind.clone(), source.reference.from(head.namespace));
        Some(Part { of, top: top.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_source() {
        let found = |copies: &str| {
            let text = format!(
                "{{apiVersion: {EXTENSIONS}/v1beta1, kind: ArtifactGenerator, metadata: {{name: g, namespace: n}}, \
                 spec: {{sources: [{{alias: repo, kind: GitRepository, name: r}}], \
                 artifacts: [{{name: a, copy: [{copies}]}}]}}}}"
            );
            let document = yaml::Document::whole(&text);
            let node = yaml::parse(&document).unwrap().unwrap();
            let mut all = parts(&Head::of(&node).unwrap(), &node);
            all.remove(&("n".to_owned(), "a".to_owned())).map(|part| {
                assert_eq!(part.of, ("GitRepository".to_owned(), ("n".to_owned(), "r".to_owned())));
                part.top
            })
        };
        for (copies, top) in [
            ("{from: '@repo/apps/**', to: '@artifact/'}", Some("apps")),
            ("{from: '@repo/**', to: '@artifact/'}", Some("")),
            ("{from: '@repo/apps/**', to: '@artifact/apps/'}", Some("")),
            (
                "{from: '@repo/apps/base/**', to: '@artifact/base/'}, \
                 {from: '@repo/apps/prod/**', to: '@artifact/prod/'}",
                Some("apps"),
            ),
            // Elsewhere than the source has it, or not all of it.
            ("{from: '@repo/apps/base/**', to: '@artifact/other/'}", None),
            ("{from: '@repo/myapps/**', to: '@artifact/apps/'}", None),
            (
                "{from: '@repo/a/x/**', to: '@artifact/x/'}, {from: '@repo/b/y/**', to: '@artifact/y/'}",
                None,
            ),
            ("{from: '@repo/apps/*.yaml', to: '@artifact/'}", None),
            ("{from: '@repo/apps/**', to: '@artifact/', exclude: ['*.md']}", None),
            ("{from: '@repo/apps/**', to: '@artifact/', strategy: Merge}", None),
            ("{from: '@other/apps/**', to: '@artifact/'}", None),
        ] {
            assert_eq!(found(copies).as_deref(), top, "{copies}");
        }
    }
}
