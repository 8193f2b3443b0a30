//! The tables of verdicts in tests/cases, in one form.
//!
//! In: a row of [`TABLES`], and a directory. Out: its clusters as manifests, each with flows and what the table says of
//! them. tests/cases/README.md has the forms of the files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use flate2::read::GzDecoder;
use serde_json::{Value, json};

/// A table.
pub(super) struct Table {
    /// What it is called: its file without endings.
    pub(super) name: &'static str,
    /// The file, seen from tests/cases.
    file: &'static str,
    form: Form,
    /// Who enforces the policies, in the words of `--enforcer`.
    pub(super) enforcer: &'static str,
}

/// What a line is.
enum Form {
    /// A cluster in the form of `networkpolicy-truth`.
    State,
    /// A verdict in the form of `clusternetworkpolicy-truth`, over pods and nodes of this file.
    Row { base: &'static str },
    /// A question with its answer.
    Question,
}

const SPECIFIED: &str = "kubernetes";
const CILIUM: &str = "cilium-1.20";
const CILIUM_1_19: &str = "cilium-1.19";
const CILIUM_1_18: &str = "cilium-1.18";

/// Every table.
pub(super) const TABLES: [Table; 12] = [
    Table {
        name: "networkpolicy-truth",
        file: "networkpolicy-truth.jsonl.gz",
        form: Form::State,
        enforcer: SPECIFIED,
    },
    Table {
        name: "clusternetworkpolicy-truth",
        file: "clusternetworkpolicy-truth.jsonl.gz",
        form: Form::Row { base: "clusternetworkpolicy-base.json" },
        enforcer: SPECIFIED,
    },
    of_engine("kube-network-policies", "verdicts/kube-network-policies.jsonl.gz", SPECIFIED),
    of_engine(
        "kube-network-policies-admin",
        "verdicts/kube-network-policies-admin.jsonl.gz",
        SPECIFIED,
    ),
    of_engine(
        "kube-network-policies-clusternetworkpolicy",
        "verdicts/kube-network-policies-clusternetworkpolicy.jsonl.gz",
        SPECIFIED,
    ),
    of_engine("cilium-networkpolicy", "verdicts/cilium-networkpolicy.jsonl.gz", CILIUM),
    of_engine("cilium", "verdicts/cilium.jsonl.gz", CILIUM),
    of_engine(
        "cilium-clusternetworkpolicy",
        "verdicts/cilium-clusternetworkpolicy.jsonl.gz",
        CILIUM,
    ),
    of_engine(
        "cilium-1.19-networkpolicy",
        "verdicts/cilium-1.19-networkpolicy.jsonl.gz",
        CILIUM_1_19,
    ),
    of_engine("cilium-1.19", "verdicts/cilium-1.19.jsonl.gz", CILIUM_1_19),
    of_engine(
        "cilium-1.18-networkpolicy",
        "verdicts/cilium-1.18-networkpolicy.jsonl.gz",
        CILIUM_1_18,
    ),
    of_engine("cilium-1.18", "verdicts/cilium-1.18.jsonl.gz", CILIUM_1_18),
];

const fn of_engine(name: &'static str, file: &'static str, enforcer: &'static str) -> Table {
    Table { name, file, form: Form::Question, enforcer }
}

/// A cluster, and what is asked of it.
pub(super) struct Case {
    /// The line of the table, or its first one, from 1.
    pub(super) line: usize,
    /// The manifests.
    pub(super) objects: Vec<Value>,
    pub(super) flows: Vec<Flow>,
}

/// A flow in the form of docs/oracles.md, with what the table says.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    /// `pod:NAMESPACE/NAME`, `node:NAME` or `address:IP`.
    pub(super) from: String,
    pub(super) to: String,
    /// `IPv4` or `IPv6`.
    pub(super) family: String,
    /// `TCP`, `UDP`, `SCTP`, `ICMP` or `ICMPv6`.
    pub(super) protocol: String,
    /// Its port, or its type for ICMP.
    pub(super) port: u64,
    /// Two letters for egress and ingress, or one for the flow as a whole: `-` where it is no question.
    pub(super) says: String,
    /// What the engine is known to take otherwise than it is specified, if it is that.
    pub(super) departure: Option<String>,
}

impl Flow {
    /// The flow as a question asks for it.
    pub(super) fn question(&self) -> Value {
        let Self { from, to, family, protocol, port, .. } = self;
        json!({"from": from, "to": to, "family": family, "protocol": protocol, "port": port})
    }

    /// Whether the protocol has types instead of ports.
    pub(super) fn is_icmp(&self) -> bool {
        self.protocol.starts_with("ICMP")
    }
}

impl Table {
    /// Whether a directory of tables has it.
    pub(super) fn is_there(&self, directory: &Path) -> bool {
        directory.join(self.file).is_file()
    }

    /// Reads it from such a directory.
    pub(super) fn read(&self, directory: &Path) -> Result<Vec<Case>> {
        let path = directory.join(self.file);
        let said = || format!("reading {}", path.display());
        let file = File::open(&path).with_context(said)?;
        let base = match self.form {
            Form::Row { base } => Some(base_of(&directory.join(base))?),
            Form::State | Form::Question => None,
        };
        let mut cases: Vec<Case> = Vec::new();
        let mut before = None;
        for (i, line) in BufReader::new(GzDecoder::new(file)).lines().enumerate() {
            let line = line.with_context(said)?;
            let value: Value = serde_json::from_str(&line).with_context(said)?;
            let (objects, flows) = match (&self.form, &base) {
                (Form::State, _) => state(&value),
                (Form::Row { .. }, base) => {
                    // Rows on the same policies are one cluster.
                    let policies = ["namespaces", "cnps", "nps"].map(|field| value[field].clone());
                    let flow = row(&value).with_context(|| format!("{}, {}", said(), i + 1))?;
                    if before.as_ref() == Some(&policies)
                        && let Some(last) = cases.last_mut()
                    {
                        last.flows.push(flow);
                        continue;
                    }
                    let objects = over(base.as_deref().unwrap_or_default(), &policies);
                    before = Some(policies);
                    Some((objects, vec![flow]))
                }
                (Form::Question, _) => question(&value),
            }
            .with_context(|| format!("{}: line {} is not of its form", path.display(), i + 1))?;
            cases.push(Case { line: i + 1, objects, flows });
        }
        ensure!(!cases.is_empty(), "{} has no line", path.display());
        Ok(cases)
    }
}

type Read = (Vec<Value>, Vec<Flow>);

/// A question with its answer.
fn question(value: &Value) -> Option<Read> {
    let objects = value["objects"].as_array()?.clone();
    let verdicts = value["answer"]["verdicts"].as_array()?;
    let asked = value["flows"].as_array()?;
    let mut departures = BTreeMap::new();
    for (name, places) in value["departures"].as_object().into_iter().flatten() {
        for place in places.as_array()? {
            departures.insert(usize::try_from(place.as_u64()?).ok()?, name.clone());
        }
    }
    let flows = asked.iter().zip(verdicts).enumerate().map(|(place, (flow, says))| {
        let text = |field: &str| flow[field].as_str().map(str::to_owned);
        Some(Flow {
            from: text("from")?,
            to: text("to")?,
            family: text("family")?,
            protocol: text("protocol")?,
            port: flow["port"].as_u64()?,
            says: says.as_str()?.to_owned(),
            departure: departures.get(&place).cloned(),
        })
    });
    let flows = flows.collect::<Option<Vec<_>>>()?;
    (asked.len() == verdicts.len()).then_some((objects, flows))
}

/// A flow between pods, as both other tables have them.
fn between(from: &Value, to: &Value, value: [&Value; 2], says: String) -> Option<Flow> {
    let end = |end: &Value| Some(format!("pod:{}", end.as_str()?));
    let [protocol, port] = value;
    Some(Flow {
        from: end(from)?,
        to: end(to)?,
        family: "IPv4".into(),
        protocol: protocol.as_str()?.into(),
        port: port.as_u64()?,
        says,
        departure: None,
    })
}

/// A cluster of `networkpolicy-truth`, whose pods are all on one node.
fn state(value: &Value) -> Option<Read> {
    let mut objects = namespaces(&value["Namespaces"])?;
    objects.push(node("node-1", &json!({}), &json!(["192.168.0.1"]))?);
    for written in value["Pods"].as_array()? {
        let ports = written["Containers"].as_array()?.iter();
        let ports = ports.map(|it| port(&it["PortName"], &it["Port"], &it["Protocol"]));
        objects.push(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "namespace": written["Namespace"], "name": written["Name"],
                "labels": written["Labels"],
            },
            "spec": {"nodeName": "node-1", "containers": containers(ports)},
            "status": running(&written["IP"]),
        }));
    }
    for policy in value["Policies"].as_array().into_iter().flatten() {
        let (metadata, spec) = (&policy["metadata"], &policy["spec"]);
        objects.push(json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata,
            "spec": spec,
        }));
    }
    let flows = value["Results"].as_array().into_iter().flatten().map(|row| {
        let letter = |field: &str| match row[field].as_str()? {
            "allowed" => Some('a'),
            "blocked" => Some('d'),
            _ => None,
        };
        // Simulators differ on what a pod says to itself, so such rows are not read.
        let says = if row["From"] == row["To"] {
            "-".into()
        } else {
            [letter("Egress")?, letter("Ingress")?].iter().collect()
        };
        between(&row["From"], &row["To"], [&row["Protocol"], &row["Port"]], says)
    });
    Some((objects, flows.collect::<Option<_>>()?))
}

/// A row of `clusternetworkpolicy-truth`.
fn row(value: &Value) -> Option<Flow> {
    let says = match value["expect"].as_str()? {
        "allow" => "a",
        "deny" => "d",
        _ => return None,
    };
    between(&value["src"], &value["dst"], [&value["protocol"], &value["port"]], says.into())
}

/// The cluster of such rows.
fn over(base: &[Value], [written, cluster_wide, plain]: &[Value; 3]) -> Vec<Value> {
    let mut objects = namespaces(written).unwrap_or_default();
    objects.extend_from_slice(base);
    let policies = [cluster_wide, plain].into_iter().filter_map(Value::as_array);
    objects.extend(policies.flatten().cloned());
    objects
}

/// Pods and nodes of a base, as manifests.
fn base_of(path: &Path) -> Result<Vec<Value>> {
    let said = || format!("reading {}", path.display());
    let text = fs::read_to_string(path).with_context(said)?;
    let base: Value = serde_json::from_str(&text).with_context(said)?;
    let objects = || {
        let nodes = base["nodes"].as_array()?;
        // Of a pod on its node's network a base may say only the address.
        let of = |pod: &Value| {
            let has =
                |node: &&Value| node["ips"].as_array().is_some_and(|it| it.contains(&pod["ip"]));
            let by_address = nodes.iter().find(has).map(|it| it["name"].clone());
            Some(pod["node"].clone()).filter(Value::is_string).or(by_address)
        };
        let nodes = nodes.iter().map(|it| node(it["name"].as_str()?, &it["labels"], &it["ips"]));
        let pods = base["pods"].as_object()?.values().map(|pod| {
            let ports = pod["ports"].as_array()?.iter();
            let ports = ports.map(|it| port(&it["name"], &it["port"], &it["protocol"]));
            Some(json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"namespace": pod["ns"], "name": pod["name"], "labels": pod["labels"]},
                "spec": {
                    "hostNetwork": pod["host"], "nodeName": of(pod),
                    "containers": containers(ports),
                },
                "status": running(&pod["ip"]),
            }))
        });
        nodes.chain(pods).collect::<Option<Vec<_>>>()
    };
    objects().with_context(|| format!("{} is not of its form", path.display()))
}

fn namespaces(written: &Value) -> Option<Vec<Value>> {
    let one = |(name, labels): (&String, &Value)| {
        json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "labels": labels},
        })
    };
    Some(written.as_object()?.iter().map(one).collect())
}

fn node(name: &str, labels: &Value, ips: &Value) -> Option<Value> {
    let addresses = ips.as_array()?.iter();
    let addresses = addresses.map(|ip| json!({"type": "InternalIP", "address": ip}));
    Some(json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels},
        "status": {"addresses": addresses.collect::<Vec<_>>()},
    }))
}

fn port(name: &Value, number: &Value, protocol: &Value) -> Value {
    let mut port = json!({"containerPort": number, "protocol": protocol});
    if name.is_string() {
        port["name"] = name.clone();
    }
    port
}

/// A container for each port, since within one a name is given once.
fn containers(ports: impl Iterator<Item = Value>) -> Vec<Value> {
    let one = |ports: Vec<Value>, i: usize| {
        let name = format!("c{i}");
        json!({"name": name, "image": "registry.example/app", "ports": ports})
    };
    let mut all: Vec<Value> = ports.enumerate().map(|(i, port)| one(vec![port], i)).collect();
    if all.is_empty() {
        all.push(one(Vec::new(), 0));
    }
    all
}

fn running(ip: &Value) -> Value {
    json!({"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}]})
}
