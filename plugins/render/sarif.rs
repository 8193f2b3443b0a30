//! SARIF, which code scanning takes.
//!
//! In: [`Findings`]. Out: one log of one run, in version 2.1.0. Files are named relative to where the
//! command ran, as they were named to it, so that the uploader finds them in the repository.
//!
//! Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0.

use super::escape::uri;
use super::json;
use netpol::answer::{Finding, FindingRule, Findings, Location};
use netpol::objects::shown;
use netpol::printable::printable;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::Path;

/// The version that is written, and the schema of it.
const VERSION: &str = "2.1.0";
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Writes findings as a SARIF log.
pub(super) fn findings(all: &Findings, out: &mut dyn Write) -> io::Result<()> {
    let results = all.findings.iter().map(|finding| result(&all.rules, finding));
    let notes = all.notes.iter().map(|note| {
        json!({"level": if all.complete { "note" } else { "warning" }, "message": message(note)})
    });
    let log = json!({
        "$schema": SCHEMA,
        "version": VERSION,
        "runs": [{
            "tool": {"driver": {
                "name": "kubectl-netpol",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": all.rules.iter().map(rule).collect::<Vec<Value>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": notes.collect::<Vec<Value>>(),
            }],
            "results": results.collect::<Vec<Value>>(),
        }],
    });
    json::document(&log, out)
}

/// Text in which nothing is a link, as `[…](…)` would be.
fn message(text: &str) -> Value {
    json!({"text": printable(text).replace("](", "] (")})
}

fn rule(rule: &FindingRule) -> Value {
    let mut value = json!({
        "id": printable(&rule.id),
        "shortDescription": message(&rule.summary),
        "defaultConfiguration": {"level": rule.severity.as_str()},
    });
    if let Some(help) = &rule.help {
        value["help"] = message(help);
    }
    if let Some(page) = &rule.page {
        value["helpUri"] = json!(page);
    }
    value
}

fn result(rules: &[FindingRule], finding: &Finding) -> Value {
    let text = match &finding.help {
        Some(help) => format!("{} {help}", finding.message),
        None => finding.message.clone(),
    };
    let mut value = json!({
        "ruleId": printable(&finding.id),
        "level": finding.severity.as_str(),
        "message": message(&text),
    });
    if let Some(index) = rules.iter().position(|rule| rule.id == finding.id) {
        value["ruleIndex"] = json!(index);
    }
    if let Some(place) = finding.place.as_ref().and_then(physical) {
        value["locations"] = json!([{"physicalLocation": place}]);
    }
    let related = finding.related.iter().enumerate().filter_map(|(id, (place, what))| {
        let place = physical(place)?;
        Some(json!({"id": id, "physicalLocation": place, "message": message(what)}))
    });
    let related: Vec<Value> = related.collect();
    if !related.is_empty() {
        value["relatedLocations"] = json!(related);
    }
    value
}

/// A place in a file; what came by stdin or from a revision is in no file.
fn physical(place: &Location) -> Option<Value> {
    if place.file.is_empty() || place.file == shown(Path::new("-")) {
        return None;
    }
    let mut value = json!({"artifactLocation": {"uri": uri(&place.file)}});
    if let Some(line) = place.line.filter(|line| *line > 0) {
        let mut region = json!({"startLine": line});
        if let Some(column) = place.column.filter(|column| *column > 0) {
            region["startColumn"] = json!(column);
        }
        value["region"] = region;
    }
    Some(value)
}
