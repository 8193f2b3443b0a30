//! `netpol-analyzer list -o csv`, which lists every connection that is allowed.
//!
//! In: the list. Out: of each flow whether one of its rows has it. Its rows are
//! `src,dst,conn[,network]`: pods are `NAMESPACE/NAME[Pod]`, addresses ranges of IPv4 such as
//! `192.0.2.0-192.0.2.255`, connections `All Connections` or `TCP 1-80,443,UDP 53`.

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use super::programs::Said;
use super::tables::{Flow, Table};

pub(super) fn arguments(_: &Table, manifests: &Path) -> Vec<OsString> {
    let words = ["list", "--quiet", "--output", "csv", "--dirpath"];
    words.into_iter().map(OsString::from).chain([manifests.into()]).collect()
}

/// What its list has no place for.
pub(super) fn not_asked(flow: &Flow) -> Option<&'static str> {
    let node = |end: &str| end.starts_with("node:");
    if node(&flow.from) || node(&flow.to) {
        Some("its list has no nodes")
    } else if flow.is_icmp() {
        Some("its list has no ICMP")
    } else if flow.family != "IPv4" {
        Some("its list has no IPv6")
    } else if flow.from == flow.to {
        Some("its list leaves a pod's flows to itself out")
    } else {
        None
    }
}

pub(super) fn read(flows: &[&Flow], stdout: &str) -> Result<Vec<Said>> {
    let mut lines = stdout.lines();
    let head = lines.next().context("it printed nothing")?;
    ensure!(head.starts_with("src,dst,conn"), "its list begins with {head:?}");
    let rows = lines.map(|line| {
        let [from, to, connections] = columns(line).with_context(|| format!("in {line:?}"))?;
        anyhow::Ok((end(&from)?, end(&to)?, Connections::read(&connections)?))
    });
    let rows = rows.collect::<Result<Vec<_>>>()?;
    let letter = |flow: &&Flow| {
        let has = |(from, to, connections): &(End, End, Connections)| {
            from.is(&flow.from) && to.is(&flow.to) && connections.has(&flow.protocol, flow.port)
        };
        if rows.iter().any(has) { "a" } else { "d" }
    };
    Ok(flows.iter().map(|flow| Ok(letter(flow).to_owned())).collect())
}

/// The first three columns of a row, any of which may be in quotes.
fn columns(line: &str) -> Option<[String; 3]> {
    let mut all = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => all.push(String::new()),
            _ => all.last_mut()?.push(letter),
        }
    }
    all.truncate(3);
    all.try_into().ok()
}

/// An end of a row.
#[derive(Debug, PartialEq)]
enum End {
    Pod(String),
    Addresses(Ipv4Addr, Ipv4Addr),
    /// What no flow here has, such as a controller of Ingresses.
    Other,
}

impl End {
    /// Whether a flow's end is this one.
    fn is(&self, end: &str) -> bool {
        match (self, end.split_once(':')) {
            (Self::Pod(name), Some(("pod", asked))) => name == asked,
            (Self::Addresses(first, last), Some(("address", ip))) => {
                ip.parse().is_ok_and(|ip: Ipv4Addr| *first <= ip && ip <= *last)
            }
            _ => false,
        }
    }
}

fn end(word: &str) -> Result<End> {
    let (name, kind) = match word.strip_suffix(']').and_then(|it| it.rsplit_once('[')) {
        Some((name, kind)) => (name, kind),
        None => (word, ""),
    };
    if kind == "Pod" {
        return Ok(End::Pod(name.to_owned()));
    }
    if !matches!(kind, "" | "External") || name.starts_with('{') {
        return Ok(End::Other);
    }
    let range = || {
        let (first, last) = name.split_once('-')?;
        Some(End::Addresses(first.parse().ok()?, last.parse().ok()?))
    };
    range().with_context(|| format!("{word:?} is no end"))
}

/// The connections of a row.
enum Connections {
    All,
    /// Protocols with their ports, from the first to the last.
    Of(Vec<(String, u64, u64)>),
}

impl Connections {
    fn read(text: &str) -> Result<Self> {
        if text == "All Connections" {
            return Ok(Self::All);
        }
        let mut all = Vec::new();
        let mut protocol = None;
        for part in text.split(',').filter(|_| text != "No Connections") {
            let ports = match part.split_once(' ') {
                Some((name, ports)) => {
                    protocol = Some(name);
                    ports
                }
                None => part,
            };
            let protocol = protocol.with_context(|| format!("{text:?} has no protocol"))?;
            let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
            match (first.parse(), last.parse()) {
                (Ok(first), Ok(last)) => all.push((protocol.to_owned(), first, last)),
                // A name of a port that it could not make a number of.
                _ if !ports.starts_with(|it: char| it.is_ascii_digit()) => {}
                _ => bail!("{part:?} is no port"),
            }
        }
        Ok(Self::Of(all))
    }

    fn has(&self, protocol: &str, port: u64) -> bool {
        match self {
            Self::All => true,
            Self::Of(all) => all
                .iter()
                .any(|(name, first, last)| name == protocol && (*first..=*last).contains(&port)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "src,dst,conn,network\n\
        0.0.0.0-203.0.113.7[External],n2/a[Pod],All Connections,pod-network\n\
        n2/a[Pod],n3/b[Pod],\"SCTP 80-9090,UDP 53,81\",pod-network\n\
        {ingress-controller},n3/b[Pod],TCP 80,pod-network\n\
        n2/a[Pod],192.0.2.1-192.0.2.1,\"TCP 1-79,81-90,http\",pod-network\n";

    fn flow(from: &str, to: &str, protocol: &str, port: u64) -> Flow {
        Flow {
            from: from.into(),
            to: to.into(),
            family: "IPv4".into(),
            protocol: protocol.into(),
            port,
            says: "a".into(),
            departure: None,
        }
    }

    #[test]
    fn a_flow_is_allowed_where_a_row_has_it() {
        for (from, to, protocol, port, expected) in [
            ("address:203.0.113.7", "pod:n2/a", "TCP", 1, "a"),
            ("address:203.0.113.8", "pod:n2/a", "TCP", 1, "d"),
            ("pod:n2/a", "pod:n3/b", "UDP", 81, "a"),
            ("pod:n2/a", "pod:n3/b", "UDP", 80, "d"),
            ("pod:n2/a", "pod:n3/b", "SCTP", 81, "a"),
            ("pod:n3/b", "pod:n2/a", "SCTP", 81, "d"),
            ("pod:n2/a", "address:192.0.2.1", "TCP", 85, "a"),
            ("pod:n2/a", "address:192.0.2.1", "TCP", 80, "d"),
        ] {
            let flow = flow(from, to, protocol, port);
            let said = read(&[&flow], LIST).unwrap();
            assert_eq!(said, [Ok(expected.to_owned())], "{flow:?}");
        }
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        let flow = flow("pod:n2/a", "pod:n3/b", "TCP", 80);
        for text in ["", "Error: no\n", "src,dst,conn\na\n", "src,dst,conn\nx,y,TCP 80\n"] {
            assert!(read(&[&flow], text).is_err(), "{text}");
        }
        let none = read(&[&flow], "src,dst,conn\n").unwrap();
        assert_eq!(none, [Ok("d".to_owned())]);
    }

    #[test]
    fn what_has_no_place_in_the_list_is_not_asked() {
        let pods = flow("pod:n2/a", "pod:n3/b", "TCP", 80);
        assert_eq!(not_asked(&pods), None);
        for (flow, why) in [
            (flow("node:n", "pod:n3/b", "TCP", 80), "no nodes"),
            (flow("pod:n2/a", "pod:n3/b", "ICMP", 8), "no ICMP"),
            (flow("pod:n2/a", "pod:n2/a", "TCP", 80), "to itself"),
            (Flow { family: "IPv6".into(), ..pods }, "no IPv6"),
        ] {
            assert!(not_asked(&flow).is_some_and(|it| it.contains(why)), "{why}");
        }
    }
}
