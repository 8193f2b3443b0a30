//! Files of NetAssert, version 2, read as tests.
//!
//! In: a list of its probes. Out: a test each: what is to connect (`exitCode: 0`) is `allow`, and what is not is
//! `deny`. NetAssert tries one pod of each workload; here it is asked of every one of them. What a probe asks
//! besides is told and not looked at.
//! Source: docs/test.md#netassert.

use super::asks::{Asks, Test, TestFile};
use super::file::FileError;
use super::words::{EndText, EndWord, Ends, PortWords, TestScope};
use crate::cluster::{PortRange, Protocol};
use crate::policy::{dns_label_fault, dns_subdomain_fault};
use crate::yaml::{self, Node};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What of every probe is not looked at.
const NOT_LOOKED_AT: &str = "is a file of NetAssert: asked is whether policies let each connection pass, of \
    every pod of its workloads; timeoutSeconds, attempts and whether anything answers are not looked at";

/// Kinds that a probe names, with their word in an end.
const KINDS: [(&str, &str); 4] =
    [("deployment", "deploy"), ("statefulset", "sts"), ("daemonset", "ds"), ("pod", "pod")];

/// Fields of a probe that NetAssert reads; it passes over any other.
const FIELDS: [&str; 11] = [
    "name",
    "type",
    "protocol",
    "targetPort",
    "timeoutSeconds",
    "attempts",
    "exitCode",
    "src",
    "dst",
    "pass",
    "failureReason",
];

/// Whether a document is a list of probes.
pub(super) fn is_of_it(root: &Node<'_>) -> bool {
    let probe = |item: &Node<'_>| {
        let has = |key: &str| item.get(key).is_some();
        item.get("type").and_then(Node::as_str) == Some("k8s") || (has("src") && has("dst"))
    };
    root.items().is_some_and(|items| !items.is_empty() && items.iter().all(probe))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Probe {
    #[serde(default)]
    name: String,
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    protocol: String,
    #[serde(default)]
    target_port: i64,
    #[serde(default)]
    exit_code: i64,
    src: Option<Side>,
    dst: Option<Side>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Side {
    k8s_resource: Option<Resource>,
    host: Option<Host>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    namespace: String,
}

#[derive(Deserialize)]
struct Host {
    #[serde(default)]
    name: String,
}

/// The tests of a list of probes; `more`: the file has another document.
pub(super) fn read(root: &Node<'_>, more: bool) -> Result<TestFile, FileError> {
    let mut all = TestFile { tests: Vec::new(), note: Some(NOT_LOOKED_AT) };
    let mut names: BTreeMap<String, u32> = BTreeMap::new();
    for (at, item) in root.items().unwrap_or_default().iter().enumerate() {
        let mark = item.mark();
        let fault = |test: &str, why: String| FileError::Test {
            line: mark.line,
            column: mark.column,
            test: test.to_owned(),
            why,
        };
        let unnamed = format!("[{at}]");
        let probe: Probe =
            yaml::from_node(item).map_err(|error| FileError::Yaml { error, hint: None })?;
        if probe.name.trim().is_empty() {
            return Err(fault(&unnamed, "a probe needs a name".to_owned()));
        }
        if let Some(line) = names.insert(probe.name.clone(), mark.line) {
            let why = format!("the test on line {line} has this name too");
            return Err(fault(&probe.name, why));
        }
        let name = probe.name.clone();
        let mut test = probe.test((mark.line, mark.column)).map_err(|why| fault(&name, why))?;
        let entries = item.entries().unwrap_or_default().iter();
        let others = entries.filter(|entry| !FIELDS.contains(&&*entry.key));
        test.notes.extend(others.map(|entry| format!("{} is not looked at", entry.key)));
        all.tests.push(test);
    }
    if more {
        let why = "NetAssert reads the first document of a file only: leave the others out";
        return Err(fault_of_file(why));
    }
    Ok(all)
}

fn fault_of_file(why: &str) -> FileError {
    FileError::Test { line: 1, column: 1, test: "the file".to_owned(), why: why.to_owned() }
}

impl Probe {
    fn test(self, at: (u32, u32)) -> Result<Test, String> {
        if self.r#type != "k8s" {
            return Err(format!("type {:?} is none that NetAssert has: it is k8s", self.r#type));
        }
        let protocol = match self.protocol.as_str() {
            "" | "tcp" => Protocol::Tcp,
            "udp" => Protocol::Udp,
            other => {
                return Err(format!("protocol {other:?} is none that NetAssert has: tcp or udp"));
            }
        };
        let port = u16::try_from(self.target_port).ok().filter(|port| *port > 0);
        let port = port.ok_or_else(|| {
            format!("targetPort {} is no port: give one from 1 to 65535", self.target_port)
        })?;
        let (from, home) = match self.src {
            Some(Side { k8s_resource: Some(resource), host: None }) => {
                (resource.end("src")?, resource.namespace)
            }
            _ => return Err("src needs a k8sResource, and nothing else sends".to_owned()),
        };
        let mut unclear = None;
        let to = match self.dst {
            Some(Side { k8s_resource: Some(resource), host: None }) => resource.end("dst")?,
            Some(Side { k8s_resource: None, host: Some(host) }) if protocol == Protocol::Tcp => {
                unclear = host.is_own().then(|| {
                    format!("{} is the sender itself, which no policy judges", host.name.trim())
                });
                host.end(&home)?
            }
            Some(Side { k8s_resource: None, host: Some(_) }) => {
                return Err("over udp dst needs a k8sResource: NetAssert listens there".to_owned());
            }
            Some(Side { k8s_resource: Some(_), host: Some(_) }) => {
                return Err("dst has a k8sResource and a host: leave one of them out".to_owned());
            }
            _ => return Err("dst needs a k8sResource or a host".to_owned()),
        };
        let ports = vec![PortWords::Range(protocol, PortRange::from(port))];
        let (from, to) = (Ends::of_one(from), Ends::of_one(to));
        let passes = self.exit_code == 0;
        let asks =
            if passes { Asks::Allow { from, to, ports } } else { Asks::Deny { from, to, ports } };
        let mut notes = Vec::new();
        if !matches!(self.exit_code, 0 | 1) {
            notes.push(format!(
                "exitCode {} is read as not connecting, and which it is, is not looked at",
                self.exit_code
            ));
        }
        Ok(Test {
            name: self.name,
            reason: None,
            scope: TestScope::default(),
            on_condition: !passes,
            may_be_empty: false,
            namespace: None,
            asks,
            unclear,
            notes,
            at,
        })
    }
}

impl Resource {
    fn end(&self, side: &str) -> Result<EndText, String> {
        let word = KINDS.iter().find(|(kind, _)| *kind == self.kind).map(|(_, word)| word);
        let word = word.ok_or_else(|| {
            let known: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
            format!("{side}: kind {:?} is none of {}", self.kind, crate::prose::list(&known, "and"))
        })?;
        if let Some(fault) = dns_label_fault(&self.namespace) {
            return Err(format!("{side}: namespace: {fault}"));
        }
        if let Some(fault) = dns_subdomain_fault(&self.name) {
            return Err(format!("{side}: name: {fault}"));
        }
        named(&format!("{}/{word}/{}", self.namespace, self.name))
    }
}

impl Host {
    /// What a pod of a namespace finds by it: a single label is a Service there.
    fn end(&self, home: &str) -> Result<EndText, String> {
        let name = self.name.trim();
        if name.parse::<IpAddr>().is_err()
            && let Some(fault) = dns_subdomain_fault(&name.to_ascii_lowercase())
        {
            return Err(format!("dst: host: {fault}"));
        }
        if !self.is_own() && !name.contains(['.', ':']) {
            return named(&format!("{home}/svc/{name}"));
        }
        named(name)
    }

    /// Whether who connects there reaches itself.
    fn is_own(&self) -> bool {
        let name = self.name.trim();
        match name.parse::<IpAddr>() {
            Ok(ip) => ip.is_unspecified() || ip.is_loopback(),
            Err(_) => name.eq_ignore_ascii_case("localhost"),
        }
    }
}

/// An end by its name, whatever words mean elsewhere.
fn named(text: &str) -> Result<EndText, String> {
    let name = text.parse().map_err(|error| format!("{error}"))?;
    Ok(EndText { text: text.to_owned(), word: EndWord::Name(name), port: None })
}

#[cfg(test)]
mod tests {
    use super::super::from_yaml;
    use super::*;

    fn probe(more: &str) -> String {
        format!(
            "- name: a\n  type: k8s\n  targetPort: 80\n  {more}\n  src: {{k8sResource: {{kind: deployment, name: web, \
             namespace: shop}}}}\n"
        )
    }

    const TO: &str = "dst: {k8sResource: {kind: statefulset, name: db, namespace: shop}}";

    /// Source: types.go of NetAssert 2: the protocol is tcp, and the exit code 0, unless they are given.
    #[test]
    fn what_connects_is_allow_and_what_does_not_is_deny() {
        let of = |more: &str| {
            let file = from_yaml(&probe(&format!("{more}{TO}"))).unwrap();
            assert!(file.note.unwrap().contains("timeoutSeconds"));
            let [test] = file.tests.as_slice() else { panic!("{file:?}") };
            test.clone()
        };
        let test = of("");
        let Asks::Allow { from, to, ports } = &test.asks else { panic!("{test:?}") };
        assert_eq!((from.words(), to.words()), ("shop/deploy/web".into(), "shop/sts/db".into()));
        assert_eq!(ports, &[PortWords::Range(Protocol::Tcp, 80.into())]);
        assert!(!test.on_condition && test.notes.is_empty());
        let test = of("exitCode: 1\n  protocol: udp\n  ");
        let Asks::Deny { ports, .. } = &test.asks else { panic!("{test:?}") };
        assert_eq!(ports, &[PortWords::Range(Protocol::Udp, 80.into())]);
        assert!(test.on_condition && test.notes.is_empty());
        let test = of("exitCode: 7\n  note: x\n  ");
        assert!(matches!(test.asks, Asks::Deny { .. }));
        assert_eq!(test.notes.len(), 2, "{:?}", test.notes);
        assert!(test.notes[0].contains("exitCode 7") && test.notes[1] == "note is not looked at");
    }

    #[test]
    fn hosts_are_names_and_addresses_and_no_words() {
        let of = |host: &str| from_yaml(&probe(&format!("dst: {{host: {{name: {host}}}}}")));
        let end = |host: &str| {
            let test = of(host).unwrap().tests.remove(0);
            let Asks::Allow { to, .. } = test.asks else { panic!() };
            (to.ends[0].word.clone(), test.unclear)
        };
        for host in ["control-plane.io", "1.1.1.1", "internet", "nodes", "anyone"] {
            let (word, unclear) = end(host);
            assert!(matches!(word, EndWord::Name(_)) && unclear.is_none(), "{host}: {word:?}");
        }
        let service = of("web").unwrap().tests.remove(0);
        let Asks::Allow { to, .. } = service.asks else { panic!() };
        assert_eq!(to.words(), "shop/svc/web", "DNS looks in the sender's own namespace");
        for host in ["0.0.0.0", "127.0.0.1", "'::1'", "localhost"] {
            assert!(end(host).1.unwrap().contains("the sender itself"), "{host}");
        }
        for host in ["''", "'a b'", "10.0.0.0/8", "'https://x.io'"] {
            assert!(of(host).unwrap_err().to_string().contains("dst: host"), "{host}");
        }
    }

    #[test]
    fn what_netassert_refuses_is_refused() {
        let other = "dst: {k8sResource: {kind: replicaset, name: db, namespace: shop}}";
        let both = "dst: {host: {name: a.io}, k8sResource: {kind: pod, name: db, namespace: shop}}";
        for (text, why) in [
            (probe(other), "kind \"replicaset\" is none of"),
            (probe(both), "leave one of them out"),
            (probe("dst: {}"), "dst needs"),
            (probe("protocol: udp\n  dst: {host: {name: a.io}}"), "over udp"),
            (probe(&format!("protocol: TCP\n  {TO}")), "protocol \"TCP\""),
            (probe(TO).replace("targetPort: 80", "targetPort: 100000"), "targetPort 100000"),
            (probe(TO).replace("type: k8s", "type: vm"), "type \"vm\""),
            (probe(TO).replace("name: a", "name: ''"), "needs a name"),
            (probe(TO).repeat(2), "the test on line 1 has this name too"),
            (format!("{}---\n[]\n", probe(TO)), "the first document"),
            (probe(TO).replace("namespace: shop}}\n", "namespace: A}}\n"), "namespace:"),
            (probe(TO).replace("src: {k8sResource", "src: {host"), "src needs a k8sResource"),
        ] {
            let error = from_yaml(&text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}{error}");
        }
        let hidden = probe("dst: {}").replace("name: a", "name: \"a\\t\\u202e\"");
        let error = from_yaml(&hidden).unwrap_err().to_string();
        assert!(
            error.contains("dst needs") && !error.contains(crate::printable::unseen),
            "{error:?}"
        );
    }
}
