//! `kubectl netpol observe`, which judges every flow of a recording by manifests.
//!
//! In: flows. Out: the same as Hubble records them, and what is predicted of each. It asks the evaluator
//! that `explain` asks, with all flows of a cluster in one process.

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::programs::{Said, addresses};
use super::tables::{Case, Flow, Table};

pub(super) fn arguments(table: &Table, manifests: &Path) -> Vec<OsString> {
    let words = ["observe", "--input-file", "-", "-o", "json", "--enforcer", table.enforcer, "-f"];
    let words = words.into_iter().map(OsString::from);
    words.chain([manifests.into()]).collect()
}

/// The flows as `hubble observe -o jsonpb` prints them.
pub(super) fn input(case: &Case, flows: &[&Flow]) -> String {
    let addresses = addresses(case);
    let of_family = |end: &str, v6: bool| {
        let known = addresses.get(end).into_iter().flatten();
        known.copied().find(|it| it.contains(':') == v6).map(str::to_owned)
    };
    let end = |end: &str, v6: bool| match end.split_once(':') {
        Some(("address", ip)) => (Some(ip.to_owned()), json!({})),
        Some(("pod", name)) => {
            let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
            (of_family(end, v6), json!({"namespace": namespace, "pod_name": name}))
        }
        _ => (of_family(end, v6), json!({})),
    };
    let mut text = String::new();
    for flow in flows {
        let v6 = flow.family == "IPv6";
        let ((source_ip, source), (destination_ip, destination)) =
            (end(&flow.from, v6), end(&flow.to, v6));
        let layer_4 = match flow.protocol.as_str() {
            "ICMP" => json!({"ICMPv4": {"type": flow.port}}),
            "ICMPv6" => json!({"ICMPv6": {"type": flow.port}}),
            protocol => json!({protocol: {"source_port": 40000, "destination_port": flow.port}}),
        };
        let line = json!({"flow": {
            "time": "2026-01-01T00:00:00Z", "Type": "L3_L4", "verdict": "FORWARDED",
            "event_type": {"type": 5}, "traffic_direction": "EGRESS",
            "IP": {"source": source_ip, "destination": destination_ip, "ipVersion": flow.family},
            "l4": layer_4, "source": source, "destination": destination,
        }});
        text.push_str(&line.to_string());
        text.push('\n');
    }
    text
}

/// What was predicted, a line a flow.
pub(super) fn read(flows: &[&Flow], stdout: &str) -> Result<Vec<Said>> {
    let lines: Vec<&str> = stdout.lines().collect();
    ensure!(lines.len() == flows.len(), "it gave more or fewer lines than flows");
    lines.iter().map(|line| said(line)).collect()
}

fn said(line: &str) -> Result<Said> {
    let value: Value = serde_json::from_str(line).context("a line of it is no JSON")?;
    let predicted = &value["predicted"];
    if predicted.is_null() {
        return Ok(Err(value["message"].as_str().unwrap_or("nothing is predicted").to_owned()));
    }
    let letter = |direction: &str| {
        let side = &predicted[direction];
        let bound = side["conditions"].as_array().is_some_and(|it| !it.is_empty());
        match side["verdict"].as_str() {
            Some("Allowed") if bound => Ok('c'),
            Some("Allowed") => Ok('a'),
            Some("Denied") => Ok('d'),
            Some("Ambiguous") => Ok('!'),
            Some("Unknown") => Ok('?'),
            other => Err(format!("{other:?} is no verdict")),
        }
    };
    let letters = ["egress", "ingress"].map(letter);
    Ok(letters.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_written_with_the_addresses_of_its_family() {
        let flow = Flow {
            from: "pod:a/b".into(),
            to: "node:n".into(),
            family: "IPv6".into(),
            protocol: "UDP".into(),
            port: 53,
            says: "a".into(),
            departure: None,
        };
        let pod = json!({"kind": "Pod", "metadata": {"namespace": "a", "name": "b"},
            "status": {"podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}]}});
        let node = json!({"kind": "Node", "metadata": {"name": "n"},
            "status": {"addresses": [{"type": "InternalIP", "address": "192.168.0.1"}]}});
        let case = Case { line: 1, objects: vec![pod, node], flows: vec![flow] };
        let written: Value = serde_json::from_str(&input(&case, &[&case.flows[0]])).unwrap();
        let flow = &written["flow"];
        assert_eq!(
            flow["IP"],
            json!({"source": "fd00::1", "destination": null, "ipVersion": "IPv6"})
        );
        assert_eq!(flow["l4"], json!({"UDP": {"source_port": 40000, "destination_port": 53}}));
        assert_eq!(flow["source"], json!({"namespace": "a", "pod_name": "b"}));
    }

    #[test]
    fn a_prediction_is_two_letters() {
        let line = |egress: &Value, ingress: &Value| {
            said(&json!({"predicted": {"egress": egress, "ingress": ingress}}).to_string()).unwrap()
        };
        let (open, closed) = (json!({"verdict": "Allowed"}), json!({"verdict": "Denied"}));
        let bound = json!({"verdict": "Allowed", "conditions": ["only HTTP"]});
        assert_eq!(line(&open, &closed), Ok("ad".into()));
        assert_eq!(line(&bound, &json!({"verdict": "Unknown"})), Ok("c?".into()));
        let reply = said("{\"message\":\"a reply\"}").unwrap();
        assert_eq!(reply, Err("a reply".into()));
    }
}
