//! The naive evaluator's part for rules of all tiers: one subject, one direction, one flow.
//!
//! Written from docs/semantics/kubernetes.md, docs/semantics/admin.md, docs/semantics/cilium-rules.md,
//! docs/semantics/cilium-verdicts.md and docs/semantics/calico.md.

use super::naive::{
    NaiveFlow, Who, address, allows_peer, in_cidr, is_host_network, is_isolating, items, label,
    namespace_label, namespace_of, port_matches, rules_of, selector_matches,
};
use super::rules::{ACCOUNT, TIERS};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// One direction of a flow.
pub(super) struct Case<'c> {
    pub(super) cluster: &'c [Value],
    pub(super) flow: &'c NaiveFlow<'c>,
    pub(super) direction: &'c str,
    /// The pod that policies select.
    pub(super) pod: &'c Value,
    pub(super) peer: Who<'c>,
    /// The peer is the pod's own node.
    pub(super) own_node: bool,
    /// Whether isolation holds here is not defined.
    pub(super) spared: bool,
}

/// What may become of it: more than one thing only where policies of one priority disagree.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outcomes {
    pub(super) allow: bool,
    pub(super) deny: bool,
    /// A condition must hold besides, if it is allowed.
    pub(super) conditional: bool,
}

/// What becomes of a flow behind the normal tier.
enum After {
    /// It is decided.
    Nothing,
    /// The next tier is asked; isolation, where it is still to be asked, is behind that.
    Next { isolated: bool },
}

/// `None`: the letter of the specifications. Else Cilium's enforcement mode.
pub(super) fn cilium(cluster: &[Value]) -> Option<&str> {
    let enforcer = cluster.iter().find(|object| object["kind"] == "Enforcer")?;
    Some(enforcer["enforcement"].as_str().unwrap_or("Default"))
}

/// Whether Calico enforces.
pub(super) fn calico(cluster: &[Value]) -> bool {
    cluster.iter().any(|object| object["kind"] == "Calico")
}

impl<'c> Case<'c> {
    /// docs/semantics/calico.md#one-direction, docs/semantics/calico.md#order and
    /// docs/semantics/calico.md#policies-of-kubernetes.
    fn named(&self) -> Outcomes {
        let mut all = Outcomes { allow: self.spared, ..Outcomes::default() };
        for (tier, _, end) in TIERS {
            // Those that select, with what they say: its action and whether it has a condition.
            type Said = Option<(String, bool)>;
            let mut policies: Vec<((bool, i64, String), Said)> = Vec::new();
            for object in self.cluster {
                let name = object["metadata"]["name"].as_str().unwrap_or_default();
                if object["kind"] == "Rules"
                    && object["in"] == tier
                    && object["direction"] == self.direction
                    && self.in_set(&object["subject"], self.pod)
                {
                    let first = items(&object["entries"]).iter().find(|e| self.matches(e));
                    let said = first.map(|entry| {
                        let action = entry["action"].as_str().unwrap().to_owned();
                        (action, !entry["condition"].is_null())
                    });
                    let order = object["order"].as_i64();
                    let key = (order.is_none(), order.unwrap_or(0), format!("{name}//Rules"));
                    policies.push((key, said));
                } else if object["kind"] == "NetworkPolicy"
                    && tier == "default"
                    && is_isolating(object, self.pod, self.direction, false)
                {
                    let v6 = self.flow.v6;
                    let admits = rules_of(object, self.direction).iter().any(|rule| {
                        allows_peer(self.cluster, object, rule, self.peer, v6)
                            && port_matches(self.cluster, &rule["ports"], self.flow)
                    });
                    let kind = "KubernetesNetworkPolicy";
                    let key = format!("{name}/{}/{kind}", namespace_of(object));
                    let said = admits.then(|| ("Allow".to_owned(), false));
                    policies.push(((false, 1000, key), said));
                }
            }
            if policies.is_empty() {
                continue;
            }
            policies.sort();
            let said = policies.into_iter().find_map(|(_, said)| said);
            let (action, conditional) = said.unwrap_or((end.to_owned(), false));
            match action.as_str() {
                "Pass" => {}
                "Allow" => {
                    all.allow = true;
                    all.conditional |= conditional;
                    return all;
                }
                _ => {
                    all.deny = true;
                    return all;
                }
            }
        }
        all.allow = true;
        all
    }

    /// Admin, NetworkPolicies and Cilium's, Baseline, in this order; at the end it is allowed.
    pub(super) fn outcomes(&self) -> Outcomes {
        if calico(self.cluster) {
            return self.named();
        }
        let mut all = Outcomes::default();
        if !self.ordered("Admin", &mut all) {
            return all;
        }
        let isolated = match self.normal(&mut all) {
            After::Nothing => return all,
            After::Next { isolated } => isolated,
        };
        if self.ordered("Baseline", &mut all) {
            // docs/semantics/cilium-verdicts.md#baseline-behind-isolation.
            all.deny |= isolated;
            all.allow |= !isolated || self.spared;
        }
        all
    }

    fn selecting(&self, tier: &'c str) -> impl Iterator<Item = &'c Value> {
        self.cluster.iter().filter(move |object| {
            object["kind"] == "Rules"
                && object["tier"].as_str().unwrap_or("Normal") == tier
                && object["direction"] == self.direction
                && self.in_set(&object["subject"], self.pod)
        })
    }

    /// docs/semantics/admin.md#order-and-ties: lower priorities first; in each policy the first rule
    /// that matches. Of policies of one priority any may be followed. Says whether the flow may go on
    /// to the next tier. docs/semantics/cilium-verdicts.md#ties-of-clusternetworkpolicy: Cilium asks by
    /// the place in the policy, and of one place those that deny first.
    fn ordered(&self, tier: &'c str, all: &mut Outcomes) -> bool {
        let of = |policy: &Value| policy["priority"].as_i64().unwrap_or(0);
        let priorities: BTreeSet<i64> = self.selecting(tier).map(of).collect();
        for priority in priorities {
            if cilium(self.cluster).is_some() {
                let rules = self.selecting(tier).filter(|policy| of(policy) == priority);
                let rules = rules.flat_map(|policy| items(&policy["entries"]).iter().enumerate());
                let mut said: Vec<(usize, usize, bool)> = rules
                    .filter(|(_, entry)| self.matches(entry))
                    .map(|(place, entry)| {
                        let action = entry["action"].as_str().unwrap();
                        let rank = ["Deny", "Allow", "Pass"].iter().position(|it| *it == action);
                        (place, rank.unwrap(), !entry["condition"].is_null())
                    })
                    .collect();
                said.sort_unstable();
                let Some((_, rank, conditional)) = said.first() else { continue };
                all.conditional |= conditional;
                all.deny |= *rank == 0;
                all.allow |= *rank == 1;
                return *rank == 2;
            }
            let first: Vec<&Value> = self
                .selecting(tier)
                .filter(|policy| of(policy) == priority)
                .filter_map(|policy| items(&policy["entries"]).iter().find(|e| self.matches(e)))
                .collect();
            let said: Vec<&str> = first.iter().map(|e| e["action"].as_str().unwrap()).collect();
            if !said.is_empty() {
                all.conditional |= first.iter().any(|entry| !entry["condition"].is_null());
                all.allow |= said.contains(&"Allow");
                all.deny |= said.contains(&"Deny");
                return said.contains(&"Pass");
            }
        }
        true
    }

    /// docs/semantics/cilium-verdicts.md#one-direction: a Deny, else an Allow, else isolation;
    /// NetworkPolicies are among them.
    fn normal(&self, all: &mut Outcomes) -> After {
        let matching: Vec<&Value> = self
            .selecting("Normal")
            .flat_map(|policy| items(&policy["entries"]))
            .filter(|entry| self.matches(entry))
            .collect();
        if matching.iter().any(|entry| entry["action"] == "Deny") {
            all.deny = true;
            return After::Nothing;
        }
        let v6 = self.flow.v6;
        let mut isolated = cilium(self.cluster) == Some("Always");
        // docs/semantics/cilium-verdicts.md#allow-localhost.
        let localhost =
            |object: &Value| object["kind"] == "Enforcer" && object["allowLocalhost"] != "policy";
        let implied =
            self.cluster.iter().any(localhost) && self.own_node && self.direction == "Ingress";
        let mut plain = false;
        for policy in self.cluster.iter().filter(|object| object["kind"] == "NetworkPolicy") {
            if !is_isolating(policy, self.pod, self.direction, cilium(self.cluster).is_some()) {
                continue;
            }
            isolated = true;
            plain |= rules_of(policy, self.direction).iter().any(|rule| {
                allows_peer(self.cluster, policy, rule, self.peer, v6)
                    && port_matches(self.cluster, &rule["ports"], self.flow)
            });
        }
        isolated |= self.selecting("Normal").any(|policy| policy["isolates"] == true);
        if plain || !matching.is_empty() {
            all.allow = true;
            // docs/semantics/cilium-ports.md#layer-7-beside-plain-rules: a plain rule leaves the proxy in
            // the way.
            all.conditional |= matching.iter().any(|entry| !entry["condition"].is_null());
            return After::Nothing;
        }
        if cilium(self.cluster).is_some() {
            return After::Next { isolated: isolated && !implied };
        }
        all.deny |= isolated;
        all.allow |= isolated && self.spared;
        if isolated { After::Nothing } else { After::Next { isolated } }
    }

    fn matches(&self, entry: &Value) -> bool {
        let peers = &entry["peers"];
        let itself = Case { peer: Who::Pod(self.pod), ..*self };
        let speaks = entry["speaksFor"].is_null() || itself.is_peer(&entry["speaksFor"]);
        let ports = items(&entry["ports"]);
        let has = |port: &Value| {
            let left_out = items(&port["but"]);
            port_matches(self.cluster, &json!([port]), self.flow)
                && !left_out
                    .iter()
                    .any(|port| port_matches(self.cluster, &json!([port]), self.flow))
        };
        (peers.is_null() || items(peers).iter().any(|peer| self.is_peer(peer)))
            && speaks
            && (ports.is_empty() || ports.iter().any(has))
    }

    /// Pods of the pod network only.
    fn in_set(&self, set: &Value, pod: &Value) -> bool {
        let namespace = namespace_of(pod);
        let of_namespace = match set["own"].as_str() {
            Some(own) => own == namespace,
            None => selector_matches(&set["namespaceSelector"], |key| {
                namespace_label(self.cluster, namespace, key)
            }),
        };
        let label = |key: &str| {
            if key == ACCOUNT {
                return Some(pod["spec"]["serviceAccountName"].as_str().unwrap_or("default"));
            }
            label(pod, key)
        };
        let seen = set["only"].is_null() || items(&set["only"]).contains(&pod["metadata"]["name"]);
        of_namespace
            && !is_host_network(pod)
            && selector_matches(&set["podSelector"], label)
            && seen
    }

    /// The node that the peer is, or whose network it uses.
    fn node(&self) -> Option<&'c Value> {
        match self.peer {
            Who::Node(node) => Some(node),
            Who::Pod(pod) if is_host_network(pod) => self.cluster.iter().find(|object| {
                object["kind"] == "Node" && object["metadata"]["name"] == pod["spec"]["nodeName"]
            }),
            Who::Pod(_) | Who::Outside(_) => None,
        }
    }

    fn is_peer(&self, peer: &Value) -> bool {
        let each = |list: &'static str| items(&peer[list]).iter().map(|one| self.is_peer(one));
        if !peer["not"].is_null() {
            return !self.is_peer(&peer["not"]);
        }
        if !peer["all"].is_null() {
            return each("all").all(|is| is);
        }
        if !peer["any"].is_null() {
            return each("any").any(|is| is);
        }
        let outside = matches!(self.peer, Who::Outside(_));
        let of_pod_network = matches!(self.peer, Who::Pod(pod) if !is_host_network(pod));
        let on_node = !outside && !of_pod_network;
        let among = |cidrs: &Value, ip: IpAddr| {
            items(cidrs).iter().any(|cidr| in_cidr(ip, cidr.as_str().unwrap()))
        };
        if !peer["set"].is_null() {
            return matches!(self.peer, Who::Pod(pod) if self.in_set(&peer["set"], pod));
        }
        if !peer["block"].is_null() {
            let meant = outside
                || (of_pod_network && peer["pods"] == true)
                || (on_node && peer["nodes"] == true);
            let block = &peer["block"];
            return meant
                && address(self.peer, self.flow.v6).is_some_and(|ip| {
                    in_cidr(ip, block["cidr"].as_str().unwrap()) && !among(&block["except"], ip)
                });
        }
        if !peer["nodes"].is_null() {
            let other = peer["own"] == true || !self.own_node;
            let selected = |node| selector_matches(&peer["nodes"], |key| label(node, key));
            return other && self.node().is_some_and(selected);
        }
        if !peer["entities"].is_null() {
            return items(&peer["entities"]).iter().any(|entity| match entity.as_str().unwrap() {
                "pods" => of_pod_network,
                "own" => self.own_node,
                "other" => on_node && !self.own_node,
                "outside" => outside,
                _ => self.is_api_server(),
            });
        }
        // A name or something else that only a cluster resolves, mostly to addresses outside.
        match self.peer {
            Who::Outside(ip) => among(&peer["settled"], ip),
            Who::Pod(pod) if of_pod_network => {
                items(&peer["somePods"]).contains(&pod["metadata"]["name"])
            }
            Who::Pod(_) | Who::Node(_) => peer["everyNode"] == true,
        }
    }

    fn is_api_server(&self) -> bool {
        let servers: Vec<IpAddr> = self
            .cluster
            .iter()
            .filter(|object| object["kind"] == "ApiServer")
            .flat_map(|object| items(&object["cidrs"]))
            .map(|cidr| cidr.as_str().unwrap().split_once('/').unwrap().0.parse().unwrap())
            .collect();
        // What a pod on its node's network has are addresses of the node.
        let own = match self.peer {
            Who::Outside(ip) => return servers.contains(&ip),
            Who::Pod(pod) if is_host_network(pod) => items(&pod["status"]["podIPs"]),
            Who::Pod(_) => return false,
            Who::Node(_) => &[],
        };
        let of_node = self.node().map_or(&[][..], |node| items(&node["status"]["addresses"]));
        let texts = own.iter().map(|item| &item["ip"]);
        texts
            .chain(of_node.iter().map(|item| &item["address"]))
            .filter_map(|text| text.as_str()?.parse::<IpAddr>().ok())
            .any(|ip| servers.contains(&ip))
    }
}
