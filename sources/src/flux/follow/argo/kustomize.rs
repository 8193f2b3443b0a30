//! A source of an Application that is a kustomization.
//!
//! In: the source and its options. Out: the Kustomization of Flux that would change the same.
//!
//! Source: docs/semantics/argocd.md#kustomize.

use super::super::object::{Kustomization, Spec};
use super::application::{Application, Source};
use serde_json::{Value, json};

/// Source: docs/semantics/argocd.md#kustomize.
pub(super) fn kustomization(of: &Application, source: &Source) -> Kustomization {
    let options = source.kustomize.clone().unwrap_or_default();
    let spec = Spec {
        path: source.path.clone(),
        target_namespace: options.namespace,
        name_prefix: options.name_prefix,
        name_suffix: options.name_suffix,
        patches: options.patches,
        components: options.components,
        ignore_missing_components: options.ignore_missing_components,
        images: options.images.iter().map(|image| of_image(image)).collect(),
        common_labels: options.common_labels,
        label_without_selector: options.label_without_selector,
        ..Spec::default()
    };
    let (named, file, place) = (of.named.clone(), of.file.clone(), of.place.clone());
    Kustomization { named, file, place, spec, foreign: false }
}

/// An image as `kustomize edit set image` takes it: `[NAME=]NEW[:TAG][@DIGEST]`.
fn of_image(text: &str) -> Value {
    let (name, new) = text.split_once('=').unwrap_or(("", text));
    let (new, digest) = new.split_once('@').unwrap_or((new, ""));
    let colon = new.rfind(':').filter(|at| !new[*at..].contains('/'));
    let (new, tag) = colon.map_or((new, ""), |at| (&new[..at], &new[at + 1..]));
    let mut image = json!({"name": if name.is_empty() { new } else { name }});
    for (field, value) in
        [("newName", if name.is_empty() { "" } else { new }), ("newTag", tag), ("digest", digest)]
    {
        if !value.is_empty() {
            image[field] = json!(value);
        }
    }
    image
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_by_name() {
        for (text, image) in [
            ("web:2", json!({"name": "web", "newTag": "2"})),
            ("web=registry:5000/x", json!({"name": "web", "newName": "registry:5000/x"})),
            ("web=r/x:1", json!({"name": "web", "newName": "r/x", "newTag": "1"})),
            ("web@sha256:00", json!({"name": "web", "digest": "sha256:00"})),
        ] {
            assert_eq!(of_image(text), image, "{text}");
        }
    }
}
