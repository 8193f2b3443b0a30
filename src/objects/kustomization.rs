//! A description for kustomize among plain files: how it is known, and what it would change.

use std::path::Path;

/// Whether kustomize would take this file for the description of its directory.
pub fn is_kustomization(path: &Path) -> bool {
    path.file_name().is_some_and(|name| {
        name == "kustomization.yaml" || name == "kustomization.yml" || name == "Kustomization"
    })
}

/// What in a kustomization changes the files beside it, so that they alone are not the truth.
pub(super) fn changes(text: &str) -> Vec<&'static str> {
    const FIELDS: &[&str] = &[
        "namespace",
        "namePrefix",
        "nameSuffix",
        "labels",
        "commonLabels",
        "patches",
        "patchesStrategicMerge",
        "patchesJson6902",
        "components",
        "replacements",
        "vars",
        "transformers",
        "generators",
        "helmCharts",
        "helmChartInflationGenerator",
        "replicas",
    ];
    // Fields of the top level stand at the start of a line; nothing finer is needed for a note.
    let has = |field: &str| {
        text.lines().any(|line| line.strip_prefix(field).is_some_and(|rest| rest.starts_with(':')))
    };
    FIELDS.iter().copied().filter(|field| has(field)).collect()
}
