//! Charts in a directory, inflated by the real `helm template`.
//!
//! In: the directory of a chart, a release and its values; or a [`Chart`], as in `helm:charts/web`. Out:
//! what Helm makes of it, each object with the template that it is from, or a sentence on why there is
//! none. No hook, no plugin and no post-renderer runs, no cluster is looked at, and nothing is fetched.

use crate::manifests::{read_file, said};
use crate::process::{self, Given, Limits, Program};
use netpol::cluster::Rendered;
use netpol::objects::shown;
use netpol::yaml;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// No chart takes longer, or makes more.
const LIMITS: Limits = Limits { time: Duration::from_mins(1), output: 256 << 20 };

/// No file of values is larger.
const LARGEST: u64 = 16 << 20;

/// How Helm says which template an object is from.
const SOURCE: &str = "# Source: ";

/// The program.
#[derive(Clone, Debug)]
pub(crate) struct Helm(pub(crate) PathBuf);

/// A release of a chart.
#[derive(Debug)]
pub(crate) struct Inflated<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// Its namespace; empty where none is known.
    pub(crate) namespace: &'a str,
    /// The directory of the chart.
    pub(crate) chart: &'a Path,
    /// Its values.
    pub(crate) values: &'a Value,
    /// What the API server would serve besides Kubernetes' own.
    pub(crate) apis: &'a BTreeSet<String>,
    /// Values that are set besides.
    pub(crate) set: &'a [Set],
}

/// A value that is set besides, as `--set` has it.
#[derive(Clone, Debug)]
pub(crate) struct Set {
    /// `KEY=VALUE`.
    pub(crate) pair: String,
    /// The value is text, whatever it looks like.
    pub(crate) text: bool,
}

/// An object of a chart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Object {
    /// The template, from the directory of the chart.
    pub(crate) template: Option<String>,
    /// Its text.
    pub(crate) text: String,
}

impl Helm {
    /// Finds it.
    pub(crate) fn find() -> Option<Self> {
        process::find("helm").map(Self)
    }

    /// Inflates a chart; what it prints.
    pub(crate) fn template(&self, of: &Inflated<'_>) -> Result<String, String> {
        let mut words: Vec<OsString> =
            ["template", "--no-hooks", "--skip-tests", "--values", "-"].map(OsString::from).into();
        if !of.namespace.is_empty() {
            words.extend(["--namespace", of.namespace].map(OsString::from));
        }
        for api in of.apis {
            words.extend(["--api-versions", api].map(OsString::from));
        }
        for Set { pair, text } in of.set {
            let flag = if *text { "--set-string" } else { "--set" };
            words.extend([flag, pair].map(OsString::from));
        }
        // A name that starts with a dash would be taken for a flag.
        words.extend(["--".into(), of.name.into(), of.chart.into()]);
        let given = Given { input: of.values.to_string().into_bytes(), ..Given::default() };
        let output = process::run(Program::Helm, &self.0, words, given, LIMITS)
            .map_err(|error| error.to_string())?;
        if !output.status.success() {
            let place = format!("{}/", of.chart.display());
            let said = said(&output).trim_start_matches("Error: ").replace(&place, "");
            return Err(format!("helm says: {}", said.split('\n').next().unwrap_or_default()));
        }
        String::from_utf8(output.stdout).map_err(|_| "what helm made is no text".to_owned())
    }
}

/// A chart in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    directory: PathBuf,
}

/// Why a chart made nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No name.
    #[error("helm: names no chart: give its directory, as in helm:charts/web")]
    Form,
    /// There is no helm.
    #[error(
        "cannot inflate {}: helm is not on PATH; install it (https://helm.sh/docs/intro/install/)",
        shown(.0)
    )]
    NoHelm(PathBuf),
    /// There is no chart.
    #[error("cannot inflate {}: it has no Chart.yaml; charts of a registry are not fetched", shown(.0))]
    NoChart(PathBuf),
    /// A file of values.
    #[error("cannot read values in {}: {why}", shown(file))]
    Values {
        /// The file.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// helm failed.
    #[error("cannot inflate {}: {why}", shown(directory))]
    Failed {
        /// The chart.
        directory: PathBuf,
        /// Why.
        why: String,
    },
}

impl FromStr for Chart {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        if name.is_empty() { Err(Error::Form) } else { Ok(Self { directory: name.into() }) }
    }
}

impl Chart {
    /// What it makes, as a release of its own name in a namespace.
    pub fn inflate(
        &self,
        values: &[PathBuf],
        set: &[String],
        namespace: &str,
    ) -> Result<Vec<Arc<Rendered>>, Error> {
        let directory = || self.directory.clone();
        let described = self.directory.join("Chart.yaml");
        if !described.is_file() {
            return Err(Error::NoChart(directory()));
        }
        let helm = Helm::find().ok_or_else(|| Error::NoHelm(directory()))?;
        let mut all = json!({});
        for file in values {
            merge(&mut all, of_file(file)?);
        }
        let name = of_file(&described)?["name"].as_str().unwrap_or("release").to_owned();
        let chart = std::path::absolute(&self.directory).unwrap_or_else(|_| directory());
        let apis = BTreeSet::new();
        let set: Vec<Set> =
            set.iter().map(|pair| Set { pair: pair.clone(), text: false }).collect();
        let (name, values) = (&name, &all);
        let of = Inflated { name, namespace, chart: &chart, values, apis: &apis, set: &set };
        let text =
            helm.template(&of).map_err(|why| Error::Failed { directory: directory(), why })?;
        let made = objects(&text).into_iter().map(|Object { template, text }| {
            let file = template.map(|template| self.directory.join(template));
            let file = file.filter(|file| file.is_file()).unwrap_or_else(directory);
            Arc::new(Rendered { file: file.into(), from: None, text: text.into() })
        });
        Ok(made.collect())
    }
}

/// The values in a file.
fn of_file(file: &Path) -> Result<Value, Error> {
    let failed = |why: String| Error::Values { file: file.to_owned(), why };
    let bytes = read_file(file, LARGEST).map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| failed("it is no text".to_owned()))?;
    parsed(&text).map_err(failed)
}

/// Values as they are in a text.
pub(crate) fn parsed(text: &str) -> Result<Value, String> {
    let node = yaml::parse(&yaml::Document::whole(text)).map_err(|error| error.to_string())?;
    let value = node.map(|node| yaml::from_node(&node)).transpose();
    Ok(value.map_err(|error| error.to_string())?.unwrap_or_else(|| json!({})))
}

/// Lays values over others, as Helm does: mappings into one another, all else as a whole.
pub(crate) fn merge(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                match under.get_mut(&key) {
                    Some(below) => merge(below, value),
                    None => {
                        under.insert(key, value);
                    }
                }
            }
        }
        (_, Value::Null) => {}
        (under, over) => *under = over,
    }
}

/// Takes what Helm printed apart.
pub(crate) fn objects(text: &str) -> Vec<Object> {
    let mut all = Vec::new();
    for document in yaml::split(text) {
        let source = document.lines().find_map(|line| line.strip_prefix(SOURCE));
        // The first directory is the chart's name; charts within it are in `charts/`.
        let template = source.and_then(|source| source.trim().split_once('/'));
        let template = template.map(|(_, template)| template.to_owned());
        all.push(Object { template, text: document.text.to_owned() });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_an_object_of_a_chart_is_from() {
        let text = "---\n# Source: web/templates/a.yaml\nkind: A\n---\n\
                    # Source: web/charts/db/templates/b.yaml\nkind: B\n---\nkind: C\n";
        let found: Vec<_> = objects(text).into_iter().map(|object| object.template).collect();
        let expected = [Some("templates/a.yaml"), Some("charts/db/templates/b.yaml"), None];
        assert_eq!(found, expected.map(|it| it.map(str::to_owned)));
    }
}
