//! Tests as a file has them.
//!
//! In: [`Item`]s. Out: YAML that [`from_yaml`](crate::intent::from_yaml) reads.

use crate::cluster::{Name, PortRange, Protocol};
use crate::intent::{JudgeError, Mistake, TestScope};
use crate::reach::PortSet;
use crate::yaml;
use serde::{Serialize, Serializer};

/// More ranges of ports than this are no test that anybody reads.
const MOST_RANGES: usize = 8;

/// What stands above the tests.
const HEAD: &str = "\
# What holds now, as a first file of tests, each of them proved: cut down what is not meant, say why the
# rest is meant with `reason`, and keep it with the policies as netpol-test.yaml.
";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct File<'f> {
    api_version: &'f str,
    kind: &'f str,
    tests: &'f [Item],
}

/// One test.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Item {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<TestScope>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_deny: Option<DefaultDeny>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dns: Option<Dns>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exposed: Option<Exposed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    only: Option<Sides>,
    #[serde(skip_serializing_if = "Option::is_none")]
    only_to: Option<Sides>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow: Option<Sides>,
}

/// What a test asks.
#[derive(Clone, Debug)]
pub(super) enum What {
    Closed(DefaultDeny),
    Dns(Dns),
    Exposed(Exposed),
    Only(Sides),
    OnlyTo(Sides),
    Allow(Sides),
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct DefaultDeny {
    namespaces: OneOrMore,
    #[serde(skip_serializing_if = "Option::is_none")]
    directions: Option<OneOrMore>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Dns {
    from: OneOrMore,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Exposed {
    pub(super) only: OneOrMore,
}

/// Two ends and ports.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Sides {
    pub(super) from: OneOrMore,
    pub(super) to: OneOrMore,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) ports: Vec<PortOut>,
}

/// A word, or a list of none or several.
#[derive(Clone, Debug)]
pub(super) struct OneOrMore(pub(super) Vec<String>);

impl Serialize for OneOrMore {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => serializer.serialize_str(one),
            all => all.serialize(serializer),
        }
    }
}

/// A port as it is written.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum PortOut {
    Number(u16),
    Words(String),
}

impl Item {
    pub(super) fn new(name: String, scope: TestScope, what: What) -> Self {
        let scope = (scope != TestScope::Any).then_some(scope);
        let mut item = Self {
            name,
            scope,
            default_deny: None,
            dns: None,
            exposed: None,
            only: None,
            only_to: None,
            allow: None,
        };
        match what {
            What::Closed(it) => item.default_deny = Some(it),
            What::Dns(it) => item.dns = Some(it),
            What::Exposed(it) => item.exposed = Some(it),
            What::Only(it) => item.only = Some(it),
            What::OnlyTo(it) => item.only_to = Some(it),
            What::Allow(it) => item.allow = Some(it),
        }
        item
    }
}

impl Item {
    /// The same by another name.
    pub(super) fn called(&self, name: String) -> Self {
        Self { name, ..self.clone() }
    }
}

impl What {
    pub(super) fn closed(names: &[Name], ways: &[&str]) -> Self {
        let directions = (ways.len() == 1)
            .then(|| OneOrMore(ways.iter().map(|way| (*way).to_owned()).collect()));
        let namespaces = OneOrMore(names.iter().map(ToString::to_string).collect());
        Self::Closed(DefaultDeny { namespaces, directions })
    }

    pub(super) fn dns(names: &[Name]) -> Self {
        Self::Dns(Dns { from: OneOrMore(names.iter().map(|name| of_namespace(name)).collect()) })
    }
}

/// A namespace as an end.
pub(super) fn of_namespace(name: &str) -> String {
    format!("ns/{name}")
}

/// Ports as a test has them, none for any; `None` where they are too many.
pub(super) fn ports(set: &PortSet) -> Option<Vec<PortOut>> {
    if set.is_all() {
        return Some(Vec::new());
    }
    let ranges = set.ranges();
    if ranges.len() == 0 || ranges.len() > MOST_RANGES {
        return None;
    }
    let one = |(protocol, range): (Protocol, PortRange)| {
        let (first, last) = (range.first, range.last);
        match (first == last, protocol) {
            _ if (first, last) == (1, u16::MAX) => PortOut::Words(protocol.to_string()),
            (true, Protocol::Tcp) => PortOut::Number(first),
            (true, _) => PortOut::Words(format!("{first}/{protocol}")),
            (false, Protocol::Tcp) => PortOut::Words(format!("{first}-{last}")),
            (false, _) => PortOut::Words(format!("{first}-{last}/{protocol}")),
        }
    };
    Some(ranges.map(one).collect())
}

/// A file of some tests.
pub(super) fn file(tests: &[Item]) -> Result<String, JudgeError> {
    let file = File { api_version: "netpol/v1alpha1", kind: "Test", tests };
    match yaml::to_string(&file) {
        Ok(text) => Ok(format!("{HEAD}{text}")),
        Err(error) => {
            let (test, why) = ("the draft".to_owned(), error.to_string());
            Err(Mistake { line: 0, column: 0, test, why }.into())
        }
    }
}
