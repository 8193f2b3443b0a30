//! `--schema`: it is JSON, and the answers conform to it.

use crate::run::{explain, netpol};
use serde_json::{Map, Value};

/// What of JSON Schema schemars writes for our types: a fault, or none.
fn fault(root: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target =
            root.pointer(reference.trim_start_matches('#')).expect("a reference that leads on");
        return fault(root, target, value, at);
    }
    for choice in ["anyOf", "oneOf"] {
        if let Some(any) = schema.get(choice).and_then(Value::as_array) {
            let fits = any.iter().any(|schema| fault(root, schema, value, at).is_none());
            return (!fits).then(|| format!("{at}: {value} fits none of {choice}"));
        }
    }
    let words = schema.get("enum").and_then(Value::as_array);
    let other_word = words.is_some_and(|words| !words.contains(value));
    if other_word || schema.get("const").is_some_and(|word| word != value) {
        return Some(format!("{at}: {value} is another word"));
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let wanted = match schema.get("type") {
        None => return None,
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        Some(one) => vec![one.as_str().unwrap()],
    };
    if !wanted.contains(&kind) {
        return Some(format!("{at}: {value} is not {wanted:?}"));
    }
    let none = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    let missing = required.filter_map(Value::as_str).find(|name| value.get(*name).is_none());
    if let Some(name) = missing {
        return Some(format!("{at}: {name} is missing"));
    }
    match value {
        Value::Object(fields) if !properties.is_empty() => {
            fields.iter().find_map(|(name, value)| match properties.get(name) {
                Some(schema) => fault(root, schema, value, &format!("{at}.{name}")),
                None => Some(format!("{at}: {name} is not in the schema")),
            })
        }
        Value::Array(items) => {
            let schema = schema.get("items").unwrap_or(&Value::Bool(true));
            items
                .iter()
                .enumerate()
                .find_map(|(i, item)| fault(root, schema, item, &format!("{at}[{i}]")))
        }
        _ => None,
    }
}

#[test]
fn answers_conform_to_the_schema() {
    let schema = netpol(&["explain", "--schema"]).json();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let keycloak = "http://keycloak.identity.svc.cluster.local/";
    let questions: [&[&str]; 8] = [
        &["-n", "monitoring", "grafana", keycloak],
        &["-n", "monitoring", "grafana", keycloak, "--suggest"],
        &["monitoring/prometheus", "identity/keycloak"],
        &["ns/monitoring", "ns/identity"],
        &["default/whoami", "kube-system/svc/kube-dns"],
        &["default/whoami", "https://example.com"],
        &["203.0.113.7", "identity/keycloak:8080"],
        &["monitoring/grafana", "monitoring/grafana:3000", "--pod-cidr", "10.0.0.0/8"],
    ];
    for question in questions {
        let (_, answer) = explain(&[&["-f", "examples/homekube"], question].concat());
        assert_eq!(fault(&schema, &schema, &answer, "answer"), None, "{question:?}");
    }
}

#[test]
fn summaries_conform_to_their_schema() {
    let schema = netpol(&["summary", "--schema"]).json();
    for files in ["examples/homekube", "examples/homekube-fixed"] {
        let answer = netpol(&["summary", "-f", files, "-o", "json"]).json();
        assert_eq!(fault(&schema, &schema, &answer, "answer"), None, "{files}");
    }
}

#[test]
fn lists_conform_to_the_schema() {
    let schema = netpol(&["list", "--schema"]).json();
    for words in [&[][..], &["--exposed"], &["--by", "namespace"], &["--to", "203.0.113.7"]] {
        let base = ["list", "-f", "examples/homekube", "-o", "json"];
        let answer = netpol(&[&base[..], words].concat()).json();
        assert_eq!(fault(&schema, &schema, &answer, "answer"), None, "{words:?}");
        let base = ["list", "-f", "examples/homekube", "-o", "html"];
        let page = netpol(&[&base[..], words].concat());
        let answer = crate::read_back::html(&page.stdout);
        assert_eq!(fault(&schema, &schema, &answer, "answer"), None, "{words:?}");
    }
}

#[test]
fn diffs_conform_to_the_schema() {
    let schema = netpol(&["diff", "--schema"]).json();
    let (broken, fixed) = ("examples/homekube", "examples/homekube-fixed");
    let sides: [&[&str]; 4] = [
        &[broken, fixed],
        &[broken, fixed, "--summary"],
        &["examples/homekube/identity", fixed],
        &[fixed, "examples/homekube/observability"],
    ];
    for words in sides {
        let run = netpol(&[&["diff", "-o", "json"], words].concat());
        assert_eq!(fault(&schema, &schema, &run.json(), "answer"), None, "{words:?}");
    }
}

#[test]
fn observed_flows_conform_to_the_schema() {
    let schema = netpol(&["observe", "--schema"]).json();
    let flows = "examples/flows/homekube.jsonl";
    let base = ["observe", "-f", "examples/homekube", "--input-file", flows, "-o", "json"];
    for words in [&["--trace"][..], &["--summary"]] {
        let answer = netpol(&[&base[..], words].concat());
        assert_eq!(answer.code, 0, "{answer:?}");
        for line in answer.stdout.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(fault(&schema, &schema, &line, "line"), None, "{words:?}");
        }
    }
}

#[test]
fn the_checker_finds_faults() {
    let schema = netpol(&["explain", "--schema"]).json();
    let (_, answer) =
        explain(&["-f", "examples/homekube", "default/whoami", "identity/keycloak:80"]);
    let check = |change: &dyn Fn(&mut Value)| {
        let mut changed = answer.clone();
        change(&mut changed);
        fault(&schema, &schema, &changed, "answer")
    };
    assert_eq!(check(&|_| {}), None);
    assert!(check(&|v| v["flows"][0]["port"] = "80".into()).is_some());
    assert!(check(&|v| v["flows"][0]["egress"] = Value::Null).is_some());
    assert!(check(&|v| drop(v.as_object_mut().unwrap().remove("verdict"))).is_some());
    assert!(check(&|v| v["surprise"] = 1.into()).is_some());
    assert!(check(&|v| v["kind"] = "Explanations".into()).is_some());
    assert!(check(&|v| v["verdict"] = "allowed".into()).is_some());
    assert!(check(&|v| v["flows"][0]["egress"]["reason"] = "Perhaps".into()).is_some());
    assert!(check(&|v| v["flows"][0]["protocol"] = "tcp".into()).is_some());
}

/// The words that a field may have, wherever a schema lists them.
fn words<'s>(root: &'s Value, schema: &'s Value) -> Vec<&'s str> {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        return words(root, root.pointer(reference.trim_start_matches('#')).unwrap());
    }
    let list = |key: &str| schema.get(key).and_then(Value::as_array).into_iter().flatten();
    let choices = list("anyOf").chain(list("oneOf")).flat_map(|choice| words(root, choice));
    let named = list("enum").chain(schema.get("const")).filter_map(Value::as_str);
    choices.chain(named).collect()
}

/// Closed vocabularies are in the schemas word by word.
#[test]
fn schemas_list_every_word() {
    let explain = netpol(&["explain", "--schema"]).json();
    let list = netpol(&["list", "--schema"]).json();
    let diff = netpol(&["diff", "--schema"]).json();
    let observe = netpol(&["observe", "--schema"]).json();
    for (schema, field, expected) in [
        (&explain, "/properties/apiVersion", &["netpol/v1alpha1"][..]),
        (&explain, "/properties/verdict", &["Allowed", "Denied", "Ambiguous", "Unknown", "Mixed"]),
        (
            &explain,
            "/$defs/DirectionReport/properties/reason",
            &[
                "Outside",
                "Node",
                "HostNetwork",
                "SamePod",
                "OwnNode",
                "NotIsolated",
                "Admitted",
                "Refused",
                "NoneAdmits",
                "Tie",
                "NotEnforced",
                "Unknown",
            ],
        ),
        (&explain, "/$defs/DirectionReport/properties/isolated", &["Yes", "Unknown", "No"]),
        (&explain, "/$defs/RuleReport/properties/action", &["Allow", "Deny", "Pass"]),
        (&explain, "/$defs/PolicyReport/properties/tier", &["Admin", "Baseline"]),
        (&explain, "/$defs/FlowReport/properties/family", &["IPv4", "IPv6"]),
        (&list, "/properties/by", &["Workload", "Pod", "Namespace"]),
        (&list, "/$defs/EndReport/properties/kind", &["Anyone", "EveryPod", "Outside"]),
        (&diff, "/$defs/ReasonReport/properties/direction", &["ingress", "egress"]),
        (
            &diff,
            "/$defs/ChangeReport/properties/change",
            &["Opened", "Closed", "Conditions", "Unknown"],
        ),
        (
            &diff,
            "/$defs/ChangeReport/properties/before",
            &["Denied", "Unknown", "OnCondition", "Allowed"],
        ),
        (
            &observe,
            "/$defs/ObservedVerdict/properties/meaning",
            &["Allowed", "Denied", "Audited", "DroppedOtherwise", "Unclear", "Seen"],
        ),
        (
            &observe,
            "/$defs/ObservedFlow/properties/protocol",
            &["TCP", "UDP", "SCTP", "ICMPv4", "ICMPv6"],
        ),
    ] {
        let found = words(schema, schema.pointer(field).unwrap_or_else(|| panic!("{field}")));
        assert_eq!(found, expected, "{field}");
    }
}

#[test]
fn the_schema_needs_no_input() {
    let run = netpol(&["explain", "--schema"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}
