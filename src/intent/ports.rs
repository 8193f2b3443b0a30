//! Ports of tests as numbers, or as what one flow is asked for.

use super::questions::Refusal;
use super::words::{EndText, PortWords};
use crate::cluster::{PortRange, Protocol};
use crate::ends::{PortText, PortWanted};
use crate::reach::PortSet;

pub(super) fn one(protocol: Protocol, number: u16) -> PortSet {
    PortSet::of([(protocol, number.into())])
}

/// Ports by number; none are all.
pub(super) fn numbers(ports: &[PortWords]) -> Result<PortSet, String> {
    if ports.is_empty() || ports.contains(&PortWords::Any) {
        return Ok(PortSet::all());
    }
    let each = ports.iter().map(|port| match port {
        PortWords::Range(protocol, range) => Ok((*protocol, *range)),
        PortWords::Protocol(protocol) => Ok((*protocol, PortRange { first: 1, last: u16::MAX })),
        PortWords::Any => Ok((Protocol::Tcp, PortRange { first: 1, last: u16::MAX })),
        PortWords::Name(wanted) => {
            Err(format!("which port {wanted} is, each pod says for itself: give numbers here"))
        }
    });
    Ok(PortSet::of(each.collect::<Result<Vec<_>, _>>()?))
}

pub(super) fn of_wanted(port: &PortWanted) -> PortWords {
    match &port.port {
        PortText::Number(number) => {
            PortWords::Range(port.protocol.unwrap_or(Protocol::Tcp), (*number).into())
        }
        PortText::Name(_) => PortWords::Name(port.clone()),
    }
}

/// A port as one that a Service, or a name outside, is asked for.
pub(super) fn single_port(port: &PortWords, words: &str) -> Result<PortWanted, String> {
    match port {
        PortWords::Range(protocol, range) if range.first == range.last => {
            Ok(PortWanted { port: PortText::Number(range.first), protocol: Some(*protocol) })
        }
        PortWords::Name(wanted) => Ok(wanted.clone()),
        other => Err(format!("{words} is asked for port by port: name them instead of {other}")),
    }
}

pub(super) fn singly(
    end: &EndText,
    ports: &[PortWords],
) -> Result<Vec<Option<PortWanted>>, Refusal> {
    if let Some(port) = &end.port {
        return Ok(vec![Some(port.clone())]);
    }
    if ports.is_empty() {
        return Ok(vec![None]);
    }
    let each = ports.iter().map(|port| single_port(port, &end.text).map(Some));
    each.collect::<Result<_, _>>().map_err(Refusal::Wrong)
}
