//! The same policies, said otherwise: no flow changes.

use crate::random::{Random, World, build, complete_cluster, hold};
use netpol::answer::{Compared, DiffAsked, DiffReport, Missing};
use netpol::effort::Effort;
use netpol::reach::diff;
use netpol::unwritten::of_two;
use serde_json::{Value, json};

fn policies_alone(r: &mut Random) -> Vec<Value> {
    let mut all = complete_cluster(r);
    all.retain(|object| matches!(object["kind"].as_str(), Some("Namespace" | "NetworkPolicy")));
    all
}

/// The policies of a cluster in another order and under other names, with their rules, peers and ports
/// in another order or in policies of their own, and some of them twice.
fn again(r: &mut Random, cluster: &[Value]) -> Vec<Value> {
    let mut all = Vec::new();
    for object in cluster {
        if object["kind"] != "NetworkPolicy" {
            all.push(object.clone());
            continue;
        }
        let mut parts = vec![object.clone()];
        for field in ["ingress", "egress"] {
            let rules = object["spec"][field].as_array().cloned().unwrap_or_default();
            if rules.len() > 1 && r.percent(60) {
                parts = parts.into_iter().flat_map(|part| apart(&part, field, &rules)).collect();
            }
        }
        if r.percent(20) {
            parts.push(object.clone());
        }
        for (i, mut part) in parts.into_iter().enumerate() {
            let name = format!("{}-{i}", object["metadata"]["name"].as_str().unwrap());
            part["metadata"]["name"] = json!(name);
            shuffle(r, &mut part["spec"]);
            all.push(part);
        }
    }
    let most = all.len();
    r.sample(all, most)
}

/// A policy for each rule of a field, each of which isolates as before.
fn apart(part: &Value, field: &str, rules: &[Value]) -> Vec<Value> {
    let types = part["spec"]["policyTypes"].as_array().cloned().unwrap_or_default();
    let types = if types.is_empty() {
        let egress = part["spec"]["egress"].as_array().is_some_and(|rules| !rules.is_empty());
        if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) }
    } else {
        Value::Array(types)
    };
    let one = |rule: &Value| {
        let mut one = part.clone();
        one["spec"][field] = json!([rule]);
        one["spec"]["policyTypes"] = types.clone();
        one
    };
    rules.iter().map(one).collect()
}

fn shuffle(r: &mut Random, value: &mut Value) {
    match value {
        Value::Array(items) => {
            for item in items.iter_mut() {
                shuffle(r, item);
            }
            let most = items.len();
            *items = r.sample(std::mem::take(items), most);
        }
        Value::Object(fields) => fields.values_mut().for_each(|field| shuffle(r, field)),
        _ => {}
    }
}

fn unchanged(cluster: &[Value], seed: u64) -> Option<String> {
    if !cluster.iter().any(|object| object["kind"] == "NetworkPolicy") {
        return None;
    }
    let mut r = Random::new(!seed);
    let objects = again(&mut r, cluster);
    let (mut old, mut new) = (build(cluster)?, build(&objects)?);
    let effort = Effort::default();
    let manifests: Vec<String> = objects.iter().map(Value::to_string).collect();
    // In every world that the input leaves open.
    let sides = [&mut old, &mut new].map(|built| Compared {
        name: "side",
        arguments: &[],
        piped_from: &[],
        snapshot: &mut built.snapshot,
        rules: &built.rules,
        locate: &|_, _| None,
    });
    let report = DiffReport::compare(sides, &DiffAsked { effort, ..DiffAsked::default() }).unwrap();
    let refused = old.rules.rejected.len() + new.rules.rejected.len() > 0;
    let complete = report.complete || refused || is_nothing_there(&report, &old);
    if !(report.changes.is_empty() && report.elsewhere.is_empty() && complete) {
        return Some(format!("{:?}\n{}", report.missing, manifests.join("\n")));
    }
    let told = of_two((&mut old.snapshot, &old.rules), (&mut new.snapshot, &new.rules), effort);
    let diff = diff((&old.snapshot, &old.rules), (&new.snapshot, &new.rules), effort).unwrap();
    let wrong = !told.is_complete()
        || !diff.changes().is_empty()
        || old.snapshot.representatives().len() > 0;
    wrong.then(|| format!("{told:?} {:?}\n{}", diff.changes(), manifests.join("\n")))
}

/// Whether all that is not known is that there was nothing to compare, and so there was.
fn is_nothing_there(report: &DiffReport, side: &World<'_>) -> bool {
    let nothing = side.snapshot.pods().is_empty() && side.rules.policies().is_empty();
    nothing && report.missing.iter().all(|missing| missing.why == Missing::NothingToCompare)
}

#[test]
fn the_same_said_again_changes_nothing() {
    hold(200, policies_alone, unchanged);
}

/// Compared with itself nothing is even looked at.
#[test]
fn the_same_costs_nothing() {
    hold(60, complete_cluster, |cluster, _| {
        let (mut old, mut new) = (build(cluster)?, build(cluster)?);
        let effort = Effort::default();
        let told = of_two((&mut old.snapshot, &old.rules), (&mut new.snapshot, &new.rules), effort);
        (told.steps > 0).then(|| format!("{told:?}"))
    });
}
