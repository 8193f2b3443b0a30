//! A random change of a random cluster: both sides in one list of objects.

use super::Random;
use super::generate::{KEYS, generate, labels, spec};
use serde_json::{Value, json};

/// A cluster before and after a change: objects of one side alone say so in `side`. Some pods are of
/// a workload, which may have replaced them by pods of other names.
pub(crate) fn before_and_after(r: &mut Random) -> Vec<Value> {
    let partial = r.percent(30);
    let cluster = generate(r, partial);
    two_sided(r, cluster, |_, object| object.clone())
}

/// A random change of a cluster; `change` changes what is neither a NetworkPolicy nor has labels.
pub(super) fn two_sided(
    r: &mut Random,
    cluster: Vec<Value>,
    change: impl Fn(&mut Random, &Value) -> Value,
) -> Vec<Value> {
    let mut all = Vec::new();
    for mut object in cluster {
        let template = object["metadata"]["annotations"]["template"] == "true";
        if object["kind"] == "Pod" && !template && r.percent(40) {
            object["metadata"]["annotations"]["workload"] = json!(r.pick(&["w1", "w2"]));
            if r.percent(50) {
                let mut next = object.clone();
                let name = format!("{}-next", object["metadata"]["name"].as_str().unwrap());
                next["metadata"]["name"] = json!(name);
                if r.percent(30) {
                    next["metadata"]["labels"] = labels(r, &KEYS[..2], 60);
                }
                all.extend([with_side(object, "old"), with_side(next, "new")]);
                continue;
            }
        }
        // Who enforces is the same before and after, since its rules go with it.
        if object["kind"] == "Calico" {
            all.push(object);
            continue;
        }
        match r.below(100) {
            0..10 => all.push(with_side(object, "old")),
            10..20 => all.push(with_side(object, "new")),
            20..35 => {
                let mut changed = object.clone();
                match object["kind"].as_str() {
                    Some("NetworkPolicy") => changed["spec"] = spec(r),
                    Some("Namespace" | "Node" | "Pod") => {
                        changed["metadata"]["labels"] = labels(r, &KEYS[..2], 60);
                    }
                    _ => changed = change(r, &object),
                }
                all.extend([with_side(object, "old"), with_side(changed, "new")]);
            }
            _ => all.push(object),
        }
    }
    all
}

fn with_side(mut object: Value, side: &str) -> Value {
    object["side"] = json!(side);
    object
}

/// The objects of each side.
pub(crate) fn two_sides(cluster: &[Value]) -> [Vec<Value>; 2] {
    ["new", "old"].map(|other| cluster.iter().filter(|o| o["side"] != other).cloned().collect())
}
