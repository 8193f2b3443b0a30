//! The cells of a list, in a table of whatever format.

use netpol::answer::{Because, Entrance, FlowPorts, ListedFlow, OnwardHop, Unprotected};
use netpol::policy::rule::Direction;
use netpol::prose::list;
use netpol::verdict::Verdict;
use std::borrow::Cow;

/// What [`fields`] are called.
pub(in crate::render) const FIELDS: [&str; 8] =
    ["source", "destination", "ports", "verdict", "family", "reason", "conditions", "by"];

/// All of a row.
pub(in crate::render) fn fields(flow: &ListedFlow) -> [Cow<'_, str>; 8] {
    let in_part = if flow.in_part { " (in part)" } else { "" };
    [
        (&*flow.source.label).into(),
        (&*flow.destination.label).into(),
        (port_words(flow, usize::MAX).join(", ") + in_part).into(),
        flow.verdict.as_str().into(),
        flow.family.map_or(String::new(), |family| family.to_string()).into(),
        why(flow).into(),
        flow.conditions.join("; ").into(),
        flow.by.as_deref().map_or(String::new(), by_words).into(),
    ]
}

/// Rows for those of a namespace that no policy isolates, whose other end anyone is; a namespace that
/// nothing isolates is one row, as `ns/NAME`.
pub(in crate::render) fn unprotected_fields(open: &Unprotected) -> Vec<[String; 8]> {
    let row = |name: &str, perhaps: &str| {
        let reason = format!("{} {perhaps}not isolated", open.direction);
        let mut fields = <[String; 8]>::default();
        name.clone_into(&mut fields[usize::from(open.direction == Direction::Ingress)]);
        fields[5] = reason;
        fields
    };
    let all = open.whole.then(|| row(&format!("ns/{}", open.namespace), ""));
    let ends = open.ends.iter().filter(|_| !open.whole).map(|end| row(&end.label, ""));
    let perhaps = open.perhaps.iter().map(|end| row(&end.label, "perhaps "));
    all.into_iter().chain(ends).chain(perhaps).collect()
}

/// The row of a way in from outside.
pub(in crate::render) fn entrance_fields(entrance: &Entrance) -> [String; 8] {
    let mut fields = <[String; 8]>::default();
    "internet".clone_into(&mut fields[0]);
    fields[1].clone_from(&entrance.destination.label);
    fields[2] = entrance.ports.iter().copied().map(port_word).collect::<Vec<_>>().join(", ");
    entrance.verdict.as_str().clone_into(&mut fields[3]);
    fields[5] = entrance.message.clone().unwrap_or_default();
    fields[7].clone_from(&entrance.by);
    fields
}

/// What stands above the ways in.
pub(in crate::render) const ENTRANCES: &str = "Ways in from outside:";

/// A way in, and where it leads.
pub(in crate::render) fn entrance_ends(entrance: &Entrance) -> String {
    let ports: Vec<String> = entrance.ports.iter().copied().map(port_word).collect();
    let ports = if ports.is_empty() { String::new() } else { format!(" {}", ports.join(", ")) };
    format!("{} → {}{ports}", entrance.by, entrance.destination.label)
}

/// A way in with all that is said of it.
pub(in crate::render) fn entrance_words(entrance: &Entrance) -> String {
    let verdict = entrance.verdict.as_str().to_lowercase();
    let why = entrance.message.as_ref().map_or(String::new(), |why| format!(". {why}"));
    format!("{verdict}: {}{why}", entrance_ends(entrance))
}

/// The ports of a hop, and what leads in.
pub(in crate::render) fn hop_words(hop: &OnwardHop) -> String {
    let ports: Vec<String> = hop.ports.iter().copied().map(port_word).collect();
    let ports = if hop.any_port { "any port".to_owned() } else { ports.join(", ") };
    let mark = if hop.certain { "" } else { "?" };
    match &hop.by {
        Some(by) => format!("{ports}{mark}, {by}"),
        None => format!("{ports}{mark}"),
    }
}

/// What leads from outside to who is open to it.
pub(in crate::render) fn by_words(by: &[String]) -> String {
    if by.is_empty() { "nothing known".to_owned() } else { by.join("; ") }
}

/// What says that a row does not simply hold; the notes tell what it means.
pub(in crate::render) fn mark(flow: &ListedFlow) -> &'static str {
    match (flow.verdict, flow.conditions.as_slice()) {
        (Verdict::Unknown, _) => "?",
        (_, []) => "",
        _ => "*",
    }
}

/// Each range of ports in words, so many at the most.
pub(in crate::render) fn port_words(flow: &ListedFlow, most: usize) -> Vec<String> {
    if flow.any_port {
        return vec!["any port".to_owned()];
    }
    let names = flow.port_names.iter().cloned();
    flow.ports.iter().copied().map(port_word).chain(names).take(most).collect()
}

/// A range of ports in words.
pub(in crate::render) fn port_word(ports: FlowPorts) -> String {
    match ports {
        FlowPorts { protocol, port: 1, end_port: Some(u16::MAX) } => format!("any {protocol} port"),
        FlowPorts { protocol, port, end_port: Some(end) } => format!("{port}-{end}/{protocol}"),
        FlowPorts { protocol, port, end_port: None } => format!("{port}/{protocol}"),
    }
}

/// Why a row is there, part by part.
pub(in crate::render) fn why(flow: &ListedFlow) -> String {
    why_by(flow, &flow.rules)
}

/// The same with the rules called otherwise.
pub(in crate::render) fn why_by(flow: &ListedFlow, rules: &[String]) -> String {
    let rules = rules.join(", ");
    if flow.verdict == Verdict::Unknown {
        let on = list(&flow.not_known, "or");
        let by = if rules.is_empty() { String::new() } else { format!(" ({rules})") };
        return if on.is_empty() { String::new() } else { format!("depends on {on}{by}") };
    }
    let part = |reason: &Because| match reason {
        Because::NotIsolated => "not isolated".to_owned(),
        Because::HostNetwork => "on its node's network".to_owned(),
        Because::NotEnforced => "no policy is enforced".to_owned(),
        Because::OwnNode => "its own node".to_owned(),
        Because::SamePod => "the pod itself".to_owned(),
        _ if rules.is_empty() => "admitted".to_owned(),
        _ => rules.clone(),
    };
    let parts: Vec<String> = flow.reason.iter().chain(&flow.also).map(part).collect();
    parts.join("; ")
}
