//! A source of an Application that is a chart.
//!
//! In: the source, and its directory where it is in this repository. Out: a release among those that are yet to
//! be made, with the values that Argo CD would give it.
//!
//! Source: docs/semantics/argocd.md#helm.

use super::super::release::Release;
use super::application::{Application, Helm, Source, plain};
use super::{KIND, Rounds};
use crate::helm::{Set, merge, parsed};
use crate::tree::joined;
use netpol::cluster::Rendered;
use netpol::objects::{Severity, Warning};
use netpol::printable::printable;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::sync::Arc;

impl Rounds<'_> {
    /// Takes a chart, of this repository or of a registry.
    ///
    /// Source: docs/semantics/argocd.md#helm.
    pub(super) fn chart(&mut self, of: &Application, source: &Source, directory: Option<&str>) {
        let options = source.helm.clone().unwrap_or_default();
        let (values, missing) = self.values(of, &options, directory);
        if !missing.is_empty() {
            let missing = missing.join(" and ");
            let title = of.title();
            let message =
                format!("{title}: values of {missing} are not known, so what it makes may differ");
            let mut warning = Warning::new(&of.place, Severity::Unread, message);
            warning.kind = Some(KIND.to_owned());
            self.out.warnings.push(warning);
        }
        let word = |given: &str, otherwise: &str| {
            let given = if given.is_empty() { otherwise } else { given };
            given.to_owned()
        };
        let namespace = word(&options.namespace, &of.spec.destination.namespace);
        let kind = if directory.is_some() { "GitRepository" } else { "HelmRepository" };
        let chart = directory.unwrap_or(&source.chart);
        let address = crate::address::without_user(&source.repo_url);
        let spec = json!({
            "releaseName": word(&options.release_name, &of.named.1),
            "chart": {"spec": {
                "chart": chart,
                "version": source.target_revision,
                "sourceRef": {"kind": kind, "name": address},
                "url": address,
            }},
            "values": values,
        });
        let written: Arc<str> = "".into();
        let written = Arc::new(Rendered { file: of.place.clone(), from: None, text: written });
        let set = options.parameters.iter().map(|it| {
            // A comma would begin another value.
            let value = it.value.replace(',', "\\,");
            Set { pair: format!("{}={value}", it.name), text: it.force_string }
        });
        let set = set.collect();
        self.cluster(&of.spec.destination);
        let named = (namespace, of.named.1.clone());
        let title = of.title();
        let number = self.charts;
        self.charts += 1;
        let by = of.title().into();
        let release =
            Release { named, title, spec, written, set, kind: KIND, by, encrypted: false };
        self.releases.add(number, release);
    }

    /// The values of a chart, and the files that are not here.
    fn values(
        &self,
        of: &Application,
        options: &Helm,
        directory: Option<&str>,
    ) -> (Value, Vec<String>) {
        let (mut values, mut missing) = (json!({}), Vec::new());
        for file in &options.value_files {
            let path = match file.strip_prefix('$').and_then(|rest| rest.split_once('/')) {
                // Of another source, from its top.
                Some((name, path)) => {
                    let sources = of.sources();
                    let source = sources.iter().find(|source| source.r#ref == name);
                    let here = source.is_some_and(|it| plain(&it.repo_url) == self.own);
                    here.then(|| joined("", path))
                }
                None => directory.map(|directory| {
                    joined(if file.starts_with('/') { "" } else { directory }, file)
                }),
            };
            let text = path.and_then(|path| self.tree.text(&path).map(Cow::into_owned));
            match text.and_then(|text| parsed(&text).ok()) {
                Some(more) => merge(&mut values, more),
                None if options.ignore_missing_value_files => {}
                None => missing.push(printable(file).into_owned()),
            }
        }
        match (&options.values_object, parsed(&options.values)) {
            // Where it is given the text does not count.
            (Some(object), _) => merge(&mut values, object.clone()),
            (None, Ok(more)) => merge(&mut values, more),
            (None, Err(_)) => missing.push("its own text".to_owned()),
        }
        missing.extend((!options.file_parameters.is_empty()).then(|| "fileParameters".to_owned()));
        (values, missing)
    }
}
