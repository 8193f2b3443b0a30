//! Small clusters that bytes choose: manifests of every kind that is judged, with words that meet.
//!
//! In: bytes and the words for names and labels. Out: objects as they stand in manifests, which a
//! cluster might refuse.

use crate::dice::{Dice, object};
use netpol::cluster::Snapshot;
use netpol::objects::{Warning, decode_text};
use netpol::policy::{Calico, Cilium, CiliumVersion, Enforcer, Ruleset};
use serde_json::{Value, json};
use std::path::Path;

/// Words that API servers take.
pub(crate) const PLAIN: [&str; 3] = ["a", "b", "kube-system"];

/// A byte from here on is about Calico, so that what other bytes mean stays what it was.
const CALICO: u8 = 240;

const KEYS: [&str; 4] = ["app", "t", "kubernetes.io/metadata.name", "k8s-app"];
const BLOCKS: [&str; 8] = [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.0.0.0/30",
    "10.0.0.2/32",
    "192.0.2.0/24",
    "::/0",
    "fd00::/64",
    "fd00::2/128",
];
const PORTS: [u16; 5] = [53, 80, 81, 443, 8080];
const NAMES: [&str; 3] = ["http", "dns", "x"];

/// The objects of a cluster, at most so many.
pub(crate) struct Words<'w>(pub(crate) &'w [&'w str]);

/// What exists and what is in force.
pub(crate) struct World {
    pub(crate) snapshot: Snapshot,
    pub(crate) rules: Ruleset,
    pub(crate) warnings: Vec<Warning>,
}

/// Reads objects as a file of them would be read.
pub(crate) fn world(objects: &[Value], enforcer: &Enforcer) -> World {
    let texts: Vec<String> = objects.iter().map(Value::to_string).collect();
    let text = texts.join("\n---\n").into_bytes();
    let (objects, warnings) = decode_text(text, Path::new("f.yaml"), "a");
    let (snapshot, written) = objects.assemble();
    let rules = Ruleset::compile(&written, &snapshot, enforcer);
    World { snapshot, rules, warnings }
}

pub(crate) fn enforcer(dice: &mut Dice<'_>) -> Enforcer {
    match dice.byte() {
        CALICO.. => Enforcer::Calico(Calico::default()),
        byte if byte % 4 == 0 => Enforcer::Kubernetes,
        byte if byte % 4 == 1 => Enforcer::Cilium(Cilium::new(CiliumVersion::V1_18)),
        byte if byte % 4 == 2 => Enforcer::Cilium(Cilium::new(CiliumVersion::V1_19)),
        _ => Enforcer::Cilium(Cilium::new(CiliumVersion::V1_20)),
    }
}

impl Words<'_> {
    pub(crate) fn objects(&self, dice: &mut Dice<'_>, most: usize) -> Vec<Value> {
        let mut all = Vec::new();
        while !dice.is_empty() && all.len() < most {
            all.push(self.one(dice));
        }
        all
    }

    fn word(&self, dice: &mut Dice<'_>) -> Value {
        json!(dice.pick(self.0))
    }

    fn labels(&self, dice: &mut Dice<'_>) -> Value {
        let mut labels = serde_json::Map::new();
        for _ in 0..dice.below(3) {
            labels.insert(dice.pick(&KEYS).to_owned(), self.word(dice));
        }
        Value::Object(labels)
    }

    fn metadata(&self, dice: &mut Dice<'_>, namespaced: bool) -> Value {
        object([
            ("name", Some(self.word(dice))),
            ("namespace", namespaced.then(|| self.word(dice))),
            ("labels", dice.chance(5).then(|| self.labels(dice))),
        ])
    }

    fn one(&self, dice: &mut Dice<'_>) -> Value {
        let byte = dice.byte();
        let (api, kind, namespaced) = match byte % 13 {
            _ if byte >= 250 => ("projectcalico.org/v3", "GlobalNetworkPolicy", false),
            _ if byte >= CALICO => ("projectcalico.org/v3", "NetworkPolicy", true),
            0 => ("v1", "Namespace", false),
            1 | 2 => ("v1", "Pod", true),
            3 => ("apps/v1", "Deployment", true),
            4 => ("v1", "Service", true),
            5 => ("v1", "Node", false),
            6..=8 => ("networking.k8s.io/v1", "NetworkPolicy", true),
            9 => ("cilium.io/v2", "CiliumNetworkPolicy", true),
            10 => ("cilium.io/v2", "CiliumClusterwideNetworkPolicy", false),
            _ => ("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", false),
        };
        let metadata = self.metadata(dice, namespaced);
        let (spec, status) = match kind {
            "GlobalNetworkPolicy" | "NetworkPolicy" if api.starts_with("projectcalico") => {
                (Some(self.calico(dice)), None)
            }
            "Namespace" => (None, None),
            "Pod" => (Some(self.pod(dice)), Some(status(dice))),
            "Deployment" => (Some(self.deployment(dice)), None),
            "Service" => (Some(self.service(dice)), None),
            "Node" => {
                (None, Some(json!({"addresses": [{"type": "InternalIP", "address": "192.0.2.7"}]})))
            }
            "NetworkPolicy" => (Some(self.network_policy(dice)), None),
            "ClusterNetworkPolicy" => (Some(self.cluster_policy(dice)), None),
            _ => (Some(self.cilium(dice)), None),
        };
        object([
            ("apiVersion", Some(json!(api))),
            ("kind", Some(json!(kind))),
            ("metadata", Some(metadata)),
            ("spec", spec),
            ("status", status),
        ])
    }

    fn pod(&self, dice: &mut Dice<'_>) -> Value {
        let ports = dice.list(2, |dice| {
            json!({"name": dice.pick(&NAMES), "containerPort": number(dice),
                "protocol": dice.pick(&["TCP", "UDP"])})
        });
        object([
            ("containers", Some(json!([{"name": "c", "ports": ports}]))),
            ("hostNetwork", dice.chance(1).then_some(json!(true))),
            ("nodeName", dice.chance(3).then(|| self.word(dice))),
        ])
    }

    fn deployment(&self, dice: &mut Dice<'_>) -> Value {
        let labels = self.labels(dice);
        json!({"selector": {"matchLabels": labels}, "replicas": dice.below(3),
            "template": {"metadata": {"labels": labels}, "spec": self.pod(dice)}})
    }

    fn service(&self, dice: &mut Dice<'_>) -> Value {
        let port = json!({"port": number(dice), "targetPort": port(dice)});
        json!({"selector": self.labels(dice), "ports": [port]})
    }

    fn selector(&self, dice: &mut Dice<'_>) -> Value {
        object([
            ("matchLabels", dice.chance(4).then(|| self.labels(dice))),
            (
                "matchExpressions",
                dice.chance(3).then(|| {
                    dice.list(2, |dice| {
                        let operator = dice.pick(&["In", "NotIn", "Exists", "DoesNotExist"]);
                        let values = operator.ends_with("In").then(|| {
                            let first = self.word(dice);
                            if dice.chance(3) {
                                json!([first, self.word(dice)])
                            } else {
                                json!([first])
                            }
                        });
                        object([
                            ("key", Some(json!(dice.pick(&KEYS)))),
                            ("operator", Some(json!(operator))),
                            ("values", values),
                        ])
                    })
                }),
            ),
        ])
    }

    fn network_policy(&self, dice: &mut Dice<'_>) -> Value {
        let rules = |dice: &mut Dice<'_>, side: &str| {
            dice.list(2, |dice| {
                let ports = dice.chance(5).then(|| {
                    dice.list(2, |dice| {
                        let from = number(dice);
                        let range = dice.chance(1);
                        object([
                            (
                                "protocol",
                                dice.chance(3).then(|| json!(dice.pick(&["UDP", "SCTP"]))),
                            ),
                            ("port", Some(if range { json!(from) } else { port(dice) })),
                            ("endPort", range.then(|| json!(from + 9))),
                        ])
                    })
                });
                let peers = dice.chance(6).then(|| dice.list(2, |dice| self.peer(dice)));
                object([(side, peers), ("ports", ports)])
            })
        };
        object([
            ("podSelector", Some(self.selector(dice))),
            (
                "policyTypes",
                dice.chance(3).then(|| {
                    json!(*dice.pick(&[&["Ingress"][..], &["Egress"], &["Ingress", "Egress"]]))
                }),
            ),
            ("ingress", dice.chance(5).then(|| rules(dice, "from"))),
            ("egress", dice.chance(4).then(|| rules(dice, "to"))),
        ])
    }

    fn peer(&self, dice: &mut Dice<'_>) -> Value {
        if dice.chance(2) {
            let except = dice.chance(3).then(|| json!([dice.pick(&BLOCKS)]));
            let block = object([("cidr", Some(json!(dice.pick(&BLOCKS)))), ("except", except)]);
            return json!({"ipBlock": block});
        }
        let namespaces = dice.chance(4).then(|| self.selector(dice));
        let pods = (namespaces.is_none() || dice.chance(4)).then(|| self.selector(dice));
        object([("podSelector", pods), ("namespaceSelector", namespaces)])
    }

    fn cluster_policy(&self, dice: &mut Dice<'_>) -> Value {
        let pods = |dice: &mut Dice<'_>| {
            if dice.chance(4) {
                json!({"namespaces": self.selector(dice)})
            } else {
                json!({"pods": {"namespaceSelector": self.selector(dice),
                    "podSelector": self.selector(dice)}})
            }
        };
        let rules = |dice: &mut Dice<'_>, side: &str| {
            dice.list(2, |dice| {
                let peer = if side == "to" && dice.chance(2) {
                    json!({"networks": [dice.pick(&BLOCKS)]})
                } else {
                    pods(dice)
                };
                let protocols = dice
                    .chance(4)
                    .then(|| json!([{"tcp": {"destinationPort": {"number": number(dice)}}}]));
                object([
                    ("action", Some(json!(dice.pick(&["Accept", "Deny", "Pass"])))),
                    (side, Some(json!([peer]))),
                    ("protocols", protocols),
                ])
            })
        };
        json!({"tier": dice.pick(&["Admin", "Baseline"]), "priority": dice.below(3),
            "subject": pods(dice), "ingress": rules(dice, "from"), "egress": rules(dice, "to")})
    }

    fn calico(&self, dice: &mut Dice<'_>) -> Value {
        let peer = |dice: &mut Dice<'_>, ports: bool| {
            object([
                ("selector", dice.chance(4).then(|| json!(expression(dice, self.0)))),
                ("notSelector", dice.chance(1).then(|| json!(expression(dice, self.0)))),
                (
                    "namespaceSelector",
                    dice.chance(2).then(|| {
                        let word = expression(dice, self.0);
                        json!(if dice.chance(2) { "global()".into() } else { word })
                    }),
                ),
                ("nets", dice.chance(2).then(|| json!([dice.pick(&BLOCKS)]))),
                ("notNets", dice.chance(1).then(|| json!([dice.pick(&BLOCKS)]))),
                ("ports", (ports && dice.chance(4)).then(|| json!([port(dice), "80:443"]))),
                ("notPorts", (ports && dice.chance(1)).then(|| json!([number(dice)]))),
            ])
        };
        let rules = |dice: &mut Dice<'_>| {
            dice.list(2, |dice| {
                object([
                    ("action", Some(json!(dice.pick(&["Allow", "Deny", "Pass", "Log"])))),
                    ("protocol", Some(json!(dice.pick(&["TCP", "UDP"])))),
                    ("source", dice.chance(5).then(|| peer(dice, false))),
                    ("destination", dice.chance(5).then(|| peer(dice, true))),
                ])
            })
        };
        object([
            ("selector", dice.chance(5).then(|| json!(expression(dice, self.0)))),
            ("order", dice.chance(5).then(|| json!(dice.below(3)))),
            (
                "types",
                dice.chance(4).then(|| {
                    json!(*dice.pick(&[&["Ingress"][..], &["Egress"], &["Ingress", "Egress"]]))
                }),
            ),
            ("ingress", dice.chance(5).then(|| rules(dice))),
            ("egress", dice.chance(4).then(|| rules(dice))),
        ])
    }

    fn cilium(&self, dice: &mut Dice<'_>) -> Value {
        let rules = |dice: &mut Dice<'_>, side: &str| {
            dice.list(2, |dice| {
                let (what, whom) = match dice.below(4) {
                    0 => ("Entities", json!([dice.pick(&["world", "cluster", "all", "host"])])),
                    1 => ("CIDRSet", json!([{"cidr": dice.pick(&BLOCKS)}])),
                    2 if side == "to" => ("FQDNs", json!([{"matchPattern": "*.example.com"}])),
                    _ => ("Endpoints", json!([self.selector(dice)])),
                };
                let ports = dice.chance(4).then(|| {
                    let number = number(dice).to_string();
                    let port = json!([{"port": number, "protocol": dice.pick(&["TCP", "ANY"])}]);
                    let http = dice.chance(2).then(|| json!({"http": [{"path": "/x"}]}));
                    json!([object([("ports", Some(port)), ("rules", http)])])
                });
                object([(&*format!("{side}{what}"), Some(whom)), ("toPorts", ports)])
            })
        };
        object([
            ("endpointSelector", Some(self.selector(dice))),
            ("ingress", dice.chance(5).then(|| rules(dice, "from"))),
            ("egress", dice.chance(4).then(|| rules(dice, "to"))),
            ("ingressDeny", dice.chance(1).then(|| rules(dice, "from"))),
            ("enableDefaultDeny", dice.chance(1).then(|| json!({"ingress": false}))),
        ])
    }
}

/// An expression of Calico's language.
fn expression(dice: &mut Dice<'_>, words: &[&str]) -> String {
    let (key, word) = (dice.pick(&KEYS[..2]), dice.pick(words));
    let word = word.replace('\'', "");
    match dice.below(6) {
        0 => "all()".into(),
        1 => format!("has({key})"),
        2 => format!("{key} != '{word}'"),
        3 => format!("!({key} in {{'{word}', 'b'}})"),
        4 => format!("{key} == '{word}' || has(t) && {key} starts with 'a'"),
        _ => format!("{key} == '{word}'"),
    }
}

fn number(dice: &mut Dice<'_>) -> u16 {
    PORTS[dice.below(PORTS.len())]
}

fn port(dice: &mut Dice<'_>) -> Value {
    if dice.chance(3) { json!(dice.pick(&NAMES)) } else { json!(number(dice)) }
}

fn status(dice: &mut Dice<'_>) -> Value {
    match dice.below(4) {
        0 => json!({}),
        1 => json!({"podIPs": [{"ip": "10.0.0.2"}, {"ip": "fd00::2"}]}),
        2 => json!({"podIPs": [{"ip": format!("10.0.0.{}", dice.below(8))}]}),
        _ => json!({"podIPs": [{"ip": format!("fd00::{}", dice.below(8))}], "phase": "Running"}),
    }
}
