//! Calico: what is certain without its version holds in every version.

use super::super::{BASE, enforced};
use super::{global, policy};
use crate::random::Random;

const NAMES: [&str; 5] = ["a", "aa", "aa-b", "m", "z"];
const SOURCES: [&str; 4] = [
    "",
    "selector: app == 'web'",
    "namespaceSelector: all(), selector: has(app)",
    "namespaceSelector: projectcalico.org/name == 'other'",
];
const FLOWS: [&str; 4] =
    ["web → api:80", "other/client → api:80", "192.0.2.1 → api:80", "web → other/client:80"];

/// Some policies of which many have one order.
fn policies(r: &mut Random) -> String {
    let mut all = String::new();
    for kind in 0..r.between(2, 5) {
        let name = format!("{}{kind}", r.pick(&NAMES));
        let order = r.pick(&["order: 1000,", "order: 1000,", "", "order: 5,"]).to_owned();
        let rules: Vec<String> = (0..r.between(1, 2))
            .map(|_| {
                let action = r.pick(&["Allow", "Deny", "Pass"]).to_owned();
                format!("{{action: {action}, source: {{{}}}}}", r.pick(&SOURCES))
            })
            .collect();
        let rules = rules.join(", ");
        let written = match r.below(3) {
            0 => policy(&name, &format!("selector: app == 'api', {order} ingress: [{rules}]")),
            1 => {
                let who = r.pick(&["app == 'api' || app == 'client'", "has(app)"]).to_owned();
                global(&name, &format!("selector: {who}, {order} ingress: [{rules}]"))
            }
            _ => format!(
                "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {name}, \
                 namespace: shop}}\nspec: {{podSelector: {{}}, ingress: [{{from: [{{podSelector: \
                 {{matchLabels: {{app: web}}}}}}]}}]}}\n"
            ),
        };
        all.push_str(&written);
    }
    all
}

/// docs/semantics/calico.md#order.
#[test]
fn what_is_certain_without_a_version_holds_in_each() {
    let (mut certain, mut open) = (0, 0);
    for seed in 0..150 {
        let manifests = format!("{BASE}{}", policies(&mut Random::new(seed)));
        let [earlier, newer, any] = ["calico-3.31", "calico-3.32", "calico"]
            .map(|version| enforced(&manifests, &version.parse().unwrap()));
        // Names of this tier are right in all of them.
        assert_eq!(earlier.rejected(), [""; 0], "{manifests}");
        for flow in FLOWS {
            let [earlier, newer, any] =
                [&earlier, &newer, &any].map(|cluster| cluster.ask(flow).verdict().to_owned());
            if any == "Unknown" {
                open += usize::from(earlier != newer);
            } else {
                certain += 1;
                assert_eq!([&earlier, &newer], [&any, &any], "seed {seed}, {flow}: {manifests}");
            }
        }
    }
    assert!(certain > 300 && open > 10, "{certain} {open}");
}
