//! A file of intentions.
//!
//! In: YAML of `apiVersion: netpol/v1alpha1`, `kind: Test`. Out: a [`TestFile`], or the line and column of
//! what is wrong. A test that is not understood would be one that holds of nothing, so nothing is skipped:
//! no field, no word, no document.

use super::asks::{Asks, Test, TestFile};
use super::words::{
    Directions, EndText, Ends, PortWords, PortsSchema, TestScope, WordsSchema, one_or_more,
};
use crate::printable::printable;
use crate::yaml;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The version of the file that is read.
const API_VERSION: &str = "netpol/v1alpha1";

/// What is wrong with a file of tests.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// YAML, a type or a field.
    #[error("{error}{}", asked(hint.as_deref()))]
    Yaml {
        /// What is wrong.
        error: yaml::Error,
        /// What may be meant.
        hint: Option<String>,
    },
    /// Not the kind of file that it should be.
    #[error(
        "it is no file of tests: each document must begin with apiVersion: netpol/v1alpha1 and kind: Test, or the \
         file be one of NetAssert 2"
    )]
    NotTests,
    /// Nothing in it.
    #[error("it has no tests: a file that asks nothing would hold of anything")]
    Empty,
    /// A test that cannot be asked.
    #[error("line {line}, column {column}: {}: {}", printable(test), printable(why))]
    Test {
        /// The line, from 1.
        line: u32,
        /// The column, from 1.
        column: u32,
        /// The name of the test, or which it is.
        test: String,
        /// What is wrong with it.
        why: String,
    },
}

impl FileError {
    pub(super) fn of(error: yaml::Error, text: &str) -> Self {
        let near = || nearest_field(&error.to_string()).map(|it| format!("did you mean {it}?"));
        let hint = near().or_else(|| brackets(&error, text));
        Self::Yaml { error, hint }
    }
}

fn asked(hint: Option<&str>) -> String {
    hint.map_or(String::new(), |hint| format!("; {hint}"))
}

/// A hint where brackets, which end a word within braces, stand without quotes.
fn brackets(error: &yaml::Error, text: &str) -> Option<String> {
    let at = usize::try_from(error.line()).ok()?;
    let near = text.lines().take(at).skip(at.saturating_sub(2));
    let open = |line: &str| {
        let words = line.split(['{', ',', ' ']);
        let mut ends = words.filter(|word| !word.starts_with(['\'', '"']));
        line.contains('{')
            && ends.any(|word| word.contains("pods[") || word.contains("namespaces["))
    };
    near.into_iter().any(open).then(|| {
        "within braces an end with brackets needs quotes, as in {from: 'shop/pods[app=db]'}"
            .to_owned()
    })
}

/// What is meant to hold of a cluster's policies.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "Test")]
struct File {
    /// netpol/v1alpha1
    #[serde(rename = "apiVersion")]
    _api_version: String,
    /// Test
    #[serde(rename = "kind")]
    _kind: String,
    /// The namespace of names that come without one
    namespace: Option<String>,
    /// For which pods tests hold, unless one says otherwise; any by default
    scope: Option<TestScope>,
    /// The tests
    tests: Vec<Item>,
}

/// One test: a name, and one thing that is to hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Item {
    /// What the test is called; no two of a file are called the same
    name: String,
    /// Why it is meant so, which is shown where it does not hold
    reason: Option<String>,
    /// For which pods it holds: any that could be, any in namespaces that are written, or known ones
    scope: Option<TestScope>,
    /// Whether what passes on a condition, such as an HTTP path, counts as passing; the strict side by default
    on_condition: Option<Condition>,
    /// An end may match nothing; otherwise the test does not hold then
    #[serde(default)]
    may_be_empty: bool,
    /// Every flow from the one to the other passes
    allow: Option<Flow>,
    /// No flow from the one to the other passes
    deny: Option<Flow>,
    /// Nobody but from reaches to
    only: Option<Flow>,
    /// From reaches nobody but to
    only_to: Option<Flow>,
    /// Nothing passes between the two, in neither direction
    isolated: Option<Isolated>,
    /// Policies isolate every pod of these namespaces
    default_deny: Option<DefaultDeny>,
    /// From can ask the cluster's DNS
    dns: Option<Dns>,
    /// Nothing but these may be reached from the internet
    exposed: Option<Exposed>,
    /// From does not get to, however many pods are taken over on the way
    unreachable: Option<Unreachable>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Condition {
    Counts,
    DoesNotCount,
}

/// Two ends and ports.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Flow {
    /// Who opens connections
    from: Ends,
    /// Who takes them
    to: Ends,
    /// The ports of to; any by default
    #[serde(default, deserialize_with = "one_or_more")]
    #[schemars(with = "Option<PortsSchema>")]
    ports: Vec<PortWords>,
}

/// Two ends in both directions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Isolated {
    /// The one
    between: Ends,
    /// The other
    and: Ends,
    /// The ports of either; any by default
    #[serde(default, deserialize_with = "one_or_more")]
    #[schemars(with = "Option<PortsSchema>")]
    ports: Vec<PortWords>,
}

/// Namespaces that are closed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct DefaultDeny {
    /// Namespaces, by name, or as ends: namespaces[KEY=VALUE], anyone for all
    #[serde(deserialize_with = "one_or_more")]
    #[schemars(with = "WordsSchema")]
    namespaces: Vec<String>,
    /// In which directions; both by default
    #[serde(default)]
    directions: Directions,
    /// Pods of which it need not hold
    #[serde(default, deserialize_with = "one_or_more")]
    #[schemars(with = "Option<WordsSchema>")]
    except: Vec<EndText>,
}

/// Who can resolve names.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Dns {
    /// Who asks
    from: Ends,
    /// At which ports; 53/UDP and 53/TCP by default
    #[serde(default, deserialize_with = "one_or_more")]
    #[schemars(with = "Option<PortsSchema>")]
    ports: Vec<PortWords>,
}

/// What the internet may reach.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Exposed {
    /// What may be reached; an empty list is nothing
    only: Ends,
    /// At which ports nothing else may be; any by default
    #[serde(default, deserialize_with = "one_or_more")]
    #[schemars(with = "Option<PortsSchema>")]
    ports: Vec<PortWords>,
}

/// Who gets nowhere near whom.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Unreachable {
    /// Where it begins: known pods, or internet
    from: Ends,
    /// Where it must not lead
    to: Ends,
    /// Within so many hops; any number by default
    max_hops: Option<usize>,
}

/// Reads a file of tests of our own: one document or several.
pub(super) fn own(text: &str) -> Result<TestFile, FileError> {
    let mut all = TestFile::default();
    let mut names: BTreeMap<String, u32> = BTreeMap::new();
    let documents: Vec<_> = yaml::split(text).collect();
    for document in &documents {
        let of = |error| FileError::of(error, text);
        let Some(root) = yaml::parse_strictly(document).map_err(of)? else { continue };
        let head = |key: &str| root.get(key).and_then(|node| yaml::from_node::<String>(node).ok());
        if head("apiVersion").as_deref() != Some(API_VERSION)
            || head("kind").as_deref() != Some("Test")
        {
            return Err(FileError::NotTests);
        }
        let file: File = yaml::from_node(&root).map_err(of)?;
        for (at, item) in file.tests.into_iter().enumerate() {
            let path = format!("tests[{at}]");
            let mark = yaml::locate_in(&root, &path);
            let place = (mark.line, mark.column);
            let fault = |why: String| FileError::Test {
                line: place.0,
                column: place.1,
                test: if item.name.trim().is_empty() { path.clone() } else { item.name.clone() },
                why,
            };
            if item.name.trim().is_empty() {
                return Err(fault("a test needs a name, by which it is told".to_owned()));
            }
            if let Some(line) = names.insert(item.name.clone(), place.0) {
                return Err(fault(format!("the test on line {line} has this name too")));
            }
            let read = item.read(file.namespace.as_ref(), file.scope, place);
            all.tests.push(read.map_err(|(name, why)| FileError::Test {
                line: place.0,
                column: place.1,
                test: name,
                why,
            })?);
        }
    }
    if all.tests.is_empty() { Err(FileError::Empty) } else { Ok(all) }
}

impl Item {
    /// One test, or what is wrong with it beside its name.
    fn read(
        self,
        namespace: Option<&String>,
        scope: Option<TestScope>,
        at: (u32, u32),
    ) -> Result<Test, (String, String)> {
        let mut asks: Vec<Asks> = Vec::new();
        asks.extend(self.allow.map(|Flow { from, to, ports }| Asks::Allow { from, to, ports }));
        asks.extend(self.deny.map(|Flow { from, to, ports }| Asks::Deny { from, to, ports }));
        asks.extend(self.only.map(|Flow { from, to, ports }| Asks::Only { from, to, ports }));
        asks.extend(self.only_to.map(|Flow { from, to, ports }| Asks::OnlyTo { from, to, ports }));
        asks.extend(self.isolated.map(|Isolated { between, and, ports }| Asks::Isolated {
            between,
            and,
            ports,
        }));
        if let Some(DefaultDeny { namespaces, directions, except }) = self.default_deny {
            let namespaces =
                Ends::of_namespaces(&namespaces, except).map_err(|why| (self.name.clone(), why))?;
            asks.push(Asks::DefaultDeny { namespaces, directions });
        }
        asks.extend(self.dns.map(|Dns { from, ports }| Asks::Dns { from, ports }));
        asks.extend(self.exposed.map(|Exposed { only, ports }| Asks::Exposed { only, ports }));
        asks.extend(self.unreachable.map(|Unreachable { from, to, max_hops }| Asks::Unreachable {
            from,
            to,
            max_hops,
        }));
        let mut asks = asks.into_iter();
        let asks = match (asks.next(), asks.next()) {
            (Some(one), None) => one,
            (Some(one), Some(other)) => {
                let (one, other) = (one.as_str(), other.as_str());
                let why = format!("a test asks one thing, and this one has {one} and {other}");
                return Err((self.name, why));
            }
            (None, _) => {
                let why = "it asks nothing: give it allow, deny, only, only-to, isolated, \
                           default-deny, dns, exposed or unreachable";
                return Err((self.name, why.to_owned()));
            }
        };
        if let Some(why) = asks.contradiction() {
            return Err((self.name, why));
        }
        // What passes on a condition breaks what is to be closed, and is not enough for what is to be open.
        let on_condition = match self.on_condition {
            Some(condition) => condition == Condition::Counts,
            None => !asks.is_of_passing(),
        };
        Ok(Test {
            name: self.name,
            reason: self.reason,
            scope: self.scope.or(scope).unwrap_or_default(),
            on_condition,
            may_be_empty: self.may_be_empty,
            namespace: namespace.cloned(),
            asks,
            unclear: None,
            notes: Vec::new(),
            at,
        })
    }
}

/// The known field that is most like one that is not known, from the sentence that says both.
fn nearest_field(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("unknown field ")?;
    let (field, known) = rest.split_once("; known are ")?;
    let likeness = |known: &str| strsim::jaro_winkler(known, field);
    let best = known.split(", ").max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(best) > 0.7).then(|| best.to_owned())
}

/// The JSON Schema of a file of tests.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(File)
}
