//! The words of a file of tests: ends and sets of them, ports, scopes and directions.
//!
//! In: scalars, lists and mappings of YAML. Out: the types that [`file`](super::file) is made of. An end is
//! what `explain` takes for one.

use crate::cluster::{Name, PortRange, Protocol};
use crate::ends::{Asked, EndName, Named, PortWanted, WantedPods, asked};
use crate::policy::dns_label_fault;
use crate::policy::rule::Direction;
use ipnet::IpNet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{
    self, DeserializeOwned, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// For which pods a test holds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum TestScope {
    /// Those that are known, and any that could be, in whatever namespace.
    #[default]
    Any,
    /// Those that are known, and any that could be in namespaces that are written.
    WrittenNamespaces,
    /// Those that are known.
    Known,
}

impl TestScope {
    /// Its word in a file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::WrittenNamespaces => "written-namespaces",
            Self::Known => "known",
        }
    }
}

/// What an end names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndWord {
    /// Whoever there is, unless something is called so.
    Anyone,
    /// All that is outside but for private networks, unless something is called so.
    Internet,
    /// All nodes, unless something is called so.
    Nodes,
    /// Every pod of a namespace.
    Namespace(Name),
    /// Pods by labels.
    Pods(WantedPods),
    /// Every address of a block.
    Block(IpNet),
    /// Anything else that `explain` takes.
    Name(EndName),
}

/// How all nodes are asked for.
pub(super) const NODES: &str = "nodes";

/// One end as written.
#[derive(Clone, Debug)]
pub struct EndText {
    /// The text.
    pub text: String,
    /// What it names.
    pub word: EndWord,
    /// The port behind it.
    pub port: Option<PortWanted>,
}

impl PartialEq for EndText {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl EndText {
    /// Reads an end.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let of = |word| Ok(Self { text: text.to_owned(), word, port: None });
        if text == NODES {
            return of(EndWord::Nodes);
        }
        match asked(text) {
            Some(Ok(Asked::Anyone)) => return of(EndWord::Anyone),
            Some(Ok(Asked::Internet)) => return of(EndWord::Internet),
            Some(Ok(Asked::Namespace(name))) => return of(EndWord::Namespace(name)),
            Some(Err(error)) => return Err(error.to_string()),
            Some(Ok(Asked::Pods(_))) | None => {}
        }
        if let Some((net, port)) = block(text) {
            if net.addr() != net.network() {
                let whole = net.trunc();
                return Err(format!("{net} is no block: its first address is that of {whole}"));
            }
            let port = port.map(|port| port.parse().map_err(|error| format!("{error}")));
            let port = port.transpose()?;
            return Ok(Self { text: text.to_owned(), word: EndWord::Block(net), port });
        }
        let name: EndName = text.parse().map_err(|error| format!("{error}"))?;
        let port = name.port.clone();
        let word = match name.names {
            Named::Pods(wanted) => EndWord::Pods(wanted),
            names => EndWord::Name(EndName { names, ..name }),
        };
        Ok(Self { text: text.to_owned(), word, port })
    }
}

impl<'de> Deserialize<'de> for EndText {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        Self::read(&String::deserialize(source)?).map_err(de::Error::custom)
    }
}

/// A block of addresses, with what is behind its colon: `10.0.0.0/8:443`, `[fd00::/8]:443`.
fn block(text: &str) -> Option<(IpNet, Option<&str>)> {
    let (net, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((net, "")) => (net, None),
        Some((net, rest)) => (net, Some(rest.strip_prefix(':')?)),
        None => match text.split_once(':') {
            Some((net, port)) if net.contains('.') => (net, Some(port)),
            _ => (text, None),
        },
    };
    Some((net.parse().ok()?, port))
}

/// A set of ends.
#[derive(Clone, Debug, Default)]
pub struct Ends {
    /// Its ends, all of them together.
    pub ends: Vec<EndText>,
    /// None of these.
    pub except: Vec<EndText>,
}

impl Ends {
    /// One end.
    pub(super) fn of_one(end: EndText) -> Self {
        Self { ends: vec![end], except: Vec::new() }
    }

    /// Namespaces by their names, or as ends.
    pub(super) fn of_namespaces(names: &[String], except: Vec<EndText>) -> Result<Self, String> {
        let one = |name: &String| {
            let name = name.trim();
            if name.contains(['[', '/']) || name == "anyone" {
                let end = EndText::read(name)?;
                return match end.word {
                    EndWord::Block(_) => {
                        Err(format!("{name} is a block of addresses: name namespaces"))
                    }
                    _ => Ok(end),
                };
            }
            match dns_label_fault(name) {
                Some(fault) => Err(fault),
                None => EndText::read(&format!("ns/{name}")),
            }
        };
        Ok(Self { ends: names.iter().map(one).collect::<Result<_, _>>()?, except })
    }

    /// In words.
    pub fn words(&self) -> String {
        let list =
            |all: &[EndText]| -> Vec<String> { all.iter().map(|end| end.text.clone()).collect() };
        let all = match self.ends.as_slice() {
            [] => "nobody".to_owned(),
            ends => crate::prose::list(&list(ends), "and"),
        };
        match self.except.as_slice() {
            [] => all,
            except => format!("{all} except {}", crate::prose::list(&list(except), "and")),
        }
    }
}

/// An end, a list of them, or both lists of a set.
impl<'de> Deserialize<'de> for Ends {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct Set;
        impl<'de> Visitor<'de> for Set {
            type Value = Ends;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an end, a list of ends, or a mapping of ends and except")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Ends, E> {
                let end = EndText::read(text).map_err(E::custom)?;
                Ok(Ends { ends: vec![end], except: Vec::new() })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Ends, A::Error> {
                let mut ends = Vec::new();
                while let Some(end) = all.next_element::<EndText>()? {
                    ends.push(end);
                }
                Ok(Ends { ends, except: Vec::new() })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut all: A) -> Result<Ends, A::Error> {
                let (mut ends, mut except) = (None, Vec::new());
                while let Some(key) = all.next_key::<String>()? {
                    match key.as_str() {
                        "ends" => ends = Some(all.next_value::<Several<EndText>>()?.0),
                        "except" => except = all.next_value::<Several<EndText>>()?.0,
                        other => return Err(de::Error::unknown_field(other, &["ends", "except"])),
                    }
                }
                let ends = ends.ok_or_else(|| de::Error::missing_field("ends"))?;
                Ok(Ends { ends, except })
            }
        }
        source.deserialize_any(Set)
    }
}

impl JsonSchema for Ends {
    fn schema_name() -> Cow<'static, str> {
        "Ends".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = json_schema!({ "type": "string" });
        let list = json_schema!({ "type": "array", "items": one });
        json_schema!({
            "description": "Ends as explain takes them, such as shop/deploy/web, ns/shop, shop/pods[app=db], \
                            10.0.0.7, 10.0.0.0/8, anyone, internet or nodes: one, several, or several except some",
            "oneOf": [one, list, {
                "type": "object",
                "properties": { "ends": { "oneOf": [one, list] }, "except": { "oneOf": [one, list] } },
                "required": ["ends"],
                "additionalProperties": false,
            }],
        })
    }
}

/// One of something, or a list.
struct Several<T>(Vec<T>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Several<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        one_or_more(source).map(Self)
    }
}

/// One of something, or a list of it.
pub(super) fn one_or_more<'de, T, D>(source: D) -> Result<Vec<T>, D::Error>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    struct OneOrMore<T>(PhantomData<T>);
    impl<'de, T: DeserializeOwned> Visitor<'de> for OneOrMore<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a word or a list of words")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<T>, E> {
            Ok(vec![T::deserialize(text.into_deserializer())?])
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<Vec<T>, E> {
            Ok(vec![T::deserialize(number.into_deserializer())?])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Vec<T>, A::Error> {
            let mut found = Vec::new();
            while let Some(one) = all.next_element()? {
                found.push(one);
            }
            Ok(found)
        }
    }
    source.deserialize_any(OneOrMore(PhantomData))
}

/// Ports as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortWords {
    /// Every port of every protocol.
    Any,
    /// Every port of a protocol.
    Protocol(Protocol),
    /// From one number to another.
    Range(Protocol, PortRange),
    /// By the name that containers or Services have for it.
    Name(PortWanted),
}

impl PortWords {
    fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("any") {
            return Ok(Self::Any);
        }
        if let Ok(protocol) = text.parse::<Protocol>() {
            return Ok(Self::Protocol(protocol));
        }
        let (numbers, protocol) = match text.split_once('/') {
            Some((numbers, protocol)) => (numbers, protocol.parse::<Protocol>()?),
            None => (text, Protocol::Tcp),
        };
        let number = |text: &str| text.parse::<u16>().ok().filter(|number| *number > 0);
        if let Some(number) = number(numbers) {
            return Ok(Self::Range(protocol, number.into()));
        }
        if let Some((first, last)) = numbers.split_once('-')
            && first.bytes().chain(last.bytes()).all(|byte| byte.is_ascii_digit())
        {
            return match (number(first), number(last)) {
                (Some(first), Some(last)) if first <= last => {
                    Ok(Self::Range(protocol, PortRange { first, last }))
                }
                _ => {
                    Err(format!("{text:?} is no range of ports: give FIRST-LAST, from 1 to 65535"))
                }
            };
        }
        text.parse().map(Self::Name).map_err(|error| format!("{error}"))
    }
}

impl fmt::Display for PortWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any port"),
            Self::Protocol(protocol) => write!(f, "any port/{protocol}"),
            Self::Range(protocol, range) => write!(f, "{range}/{protocol}"),
            Self::Name(wanted) => write!(f, "{wanted}"),
        }
    }
}

impl<'de> Deserialize<'de> for PortWords {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct Words;
        impl Visitor<'_> for Words {
            type Value = PortWords;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a port such as 8080, 53/UDP, 8000-8080, http, UDP or any")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<PortWords, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<PortWords, E> {
                PortWords::read(text).map_err(E::custom)
            }
        }
        source.deserialize_any(Words)
    }
}

/// Ports in the schema: a number, or words such as 53/UDP and http; one, or a list.
pub(super) struct PortsSchema;

impl JsonSchema for PortsSchema {
    fn schema_name() -> Cow<'static, str> {
        "Ports".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let number = json_schema!({ "type": "integer", "minimum": 1, "maximum": 65535 });
        let words = json_schema!({ "type": "string" });
        let items = json_schema!({ "anyOf": [number, words] });
        json_schema!({ "anyOf": [number, words, { "type": "array", "items": items }] })
    }
}

/// Words in the schema: one, or a list.
pub(super) struct WordsSchema;

impl JsonSchema for WordsSchema {
    fn schema_name() -> Cow<'static, str> {
        "Words".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = json_schema!({ "type": "string" });
        json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}

/// Directions of flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Directions(pub &'static [Direction]);

impl Default for Directions {
    fn default() -> Self {
        Self(&Direction::ALL)
    }
}

impl<'de> Deserialize<'de> for Directions {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let words: Vec<String> = one_or_more(source)?;
        let mut found = [false; 2];
        for word in &words {
            let at = Direction::ALL.iter().position(|direction| direction.as_str() == word);
            match at {
                Some(at) => found[at] = true,
                None => {
                    return Err(de::Error::custom(format!(
                        "unknown direction {word:?}: use ingress or egress"
                    )));
                }
            }
        }
        Ok(match found {
            [true, false] => Self(&[Direction::Ingress]),
            [false, true] => Self(&[Direction::Egress]),
            [true, true] => Self::default(),
            [false, false] => {
                return Err(de::Error::custom("name a direction: ingress or egress"));
            }
        })
    }
}

impl JsonSchema for Directions {
    fn schema_name() -> Cow<'static, str> {
        "Directions".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = json_schema!({ "enum": ["ingress", "egress"] });
        json_schema!({ "oneOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}
