//! Pod templates of custom resources, found by their shape.
//!
//! In: the tree of an object of any kind. Out: the pod template in it, if there is one: a mapping
//! under `template` or `podTemplate` somewhere in `spec`, whose own `spec` lists containers. The
//! first one counts.

use crate::objects::wire;
use crate::yaml::{self, Node};

/// How far below `spec` a template may stand, as in `spec.jobTemplate.spec.template`.
const MAX_STEPS: usize = 5;

/// Values of charts, as those of a HelmRelease and an Application: what looks like a template there is one
/// of the chart's own, whose pods are not known.
const VALUES: [&str; 2] = ["values", "valuesObject"];

/// A pod template.
pub(super) enum Template<'n, 'a> {
    /// As Kubernetes defines it.
    Pod(&'n Node<'a>),
    /// Of a `KubeVirt` virtual machine, whose pod carries the labels and nothing else of it.
    VirtualMachine(&'n Node<'a>),
}

/// The pod template of an object.
pub(super) fn find<'n, 'a>(object: &'n Node<'a>) -> Option<Template<'n, 'a>> {
    below(object.get("spec")?, MAX_STEPS)
}

fn below<'n, 'a>(node: &'n Node<'a>, steps: usize) -> Option<Template<'n, 'a>> {
    let entries = node.entries().filter(|_| steps > 0)?;
    entries.iter().filter(|entry| !VALUES.contains(&&*entry.key)).find_map(|entry| {
        let is_template = matches!(&*entry.key, "template" | "podTemplate");
        let template = is_template.then(|| shape(&entry.value)).flatten();
        template.or_else(|| below(&entry.value, steps - 1))
    })
}

fn shape<'n, 'a>(node: &'n Node<'a>) -> Option<Template<'n, 'a>> {
    let spec = node.get("spec")?;
    if spec.get("containers").is_some_and(|containers| containers.items().is_some()) {
        Some(Template::Pod(node))
    } else if spec.get("domain").is_some_and(|domain| domain.entries().is_some()) {
        Some(Template::VirtualMachine(node))
    } else {
        None
    }
}

impl Template<'_, '_> {
    /// Reads it.
    pub(super) fn read(&self) -> Result<wire::Template, yaml::Error> {
        match self {
            Self::Pod(node) => yaml::from_node(node),
            Self::VirtualMachine(node) => {
                let metadata = node.get("metadata").map(yaml::from_node).transpose()?;
                Ok(wire::Template { metadata, spec: None })
            }
        }
    }
}
