//! Clusters of any size in memory, in shapes measured on real ones, always the same for one seed.

use netpol::cluster::{ContainerPort, Labels, Origin, Pod, Port, Protocol, Snapshot};
use netpol::policy::networkpolicy::NetworkPolicy;
use netpol::policy::{Ruleset, Written};
use serde_json::{Value, json};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// How policies are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    /// Zero trust: each namespace denies by default, each workload has rules of its own.
    Micro,
    /// As micro, with blocks of addresses in two of five peers and a quarter of stale policies.
    Openshift,
    /// Whole namespaces, ingress only.
    Monolith,
    /// As large as Kubernetes goes: fifteen pods and three policies a namespace.
    Largest,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) shape: Shape,
    pub(crate) pods: usize,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}-{}", self.shape, self.pods)
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) >> 33).unwrap() % end
    }

    fn percent(&mut self, of_hundred: usize) -> bool {
        self.below(100) < of_hundred
    }

    fn skewed<'a>(&mut self, all: &[&'a str]) -> &'a str {
        let most = self.below(all.len()) + 1;
        all[self.below(most)]
    }

    /// Pods of a namespace: as Pareto with exponent 1.6, a third are twice as large as the rest.
    fn namespace_size(&mut self) -> usize {
        let mut least = 8;
        while least < 2000 && self.percent(33) {
            least *= 2;
        }
        (least + self.below(least)).min(3000)
    }

    fn replicas(&mut self) -> usize {
        match self.below(100) {
            0..45 => 1,
            45..70 => 2,
            70..85 => 3,
            85..97 => 4 + self.below(7),
            97 | 98 => 11 + self.below(40),
            _ => 51 + self.below(200),
        }
    }
}

const TEAMS: [&str; 12] =
    ["core", "shop", "data", "mobile", "web", "infra", "ml", "pay", "ads", "risk", "ops", "lab"];
const ENVS: [&str; 3] = ["dev", "prod", "stage"];
const TIERS: [&str; 5] = ["api", "web", "worker", "cache", "db"];
const PORTS: [u16; 8] = [8080, 80, 443, 5432, 6379, 9090, 9092, 3306];

pub(crate) struct Cluster {
    pub(crate) snapshot: Snapshot,
    pub(crate) rules: Ruleset,
    pub(crate) workloads: usize,
}

pub(crate) fn cluster(case: Case) -> Cluster {
    let Case { shape, pods: wanted } = case;
    let mut r = Random(42);
    let mut snapshot = Snapshot::default();
    let mut written = Written::default();
    let mut policy = |namespace: &str, name: String, spec: Value| {
        written.network_policies.push(NetworkPolicy {
            namespace: namespace.into(),
            name: name.into(),
            origin: Origin::Synthetic,
            spec: serde_json::from_value(spec).unwrap(),
        });
    };
    let mut address = u32::from(Ipv4Addr::new(10, 0, 0, 0));
    let mut workloads = 0;
    for (namespace, app, count) in
        [("kube-system", "kube-dns", 3), ("monitoring", "prometheus", 2), ("ingress", "proxy", 4)]
    {
        let labels = [("team", "infra"), ("env", "prod")].into_iter().collect();
        snapshot.add_namespace(namespace, &labels, None);
        add(&mut snapshot, &mut address, namespace, app, &[("app.kubernetes.io/name", app)], count);
    }
    let mut n = 0;
    while snapshot.pods().len() < wanted {
        n += 1;
        let namespace = format!("ns-{n}");
        let (team, env) = (r.skewed(&TEAMS), ENVS[r.below(3)]);
        let labels = [("team", team), ("env", env)].into_iter().collect();
        snapshot.add_namespace(namespace.as_str(), &labels, None);
        let size = if shape == Shape::Largest { 15 } else { r.namespace_size() };
        let (mut here, mut apps) = (0, Vec::new());
        while here < size {
            let app = format!("app-{}", apps.len());
            let (tier, part) = (r.skewed(&TIERS), format!("part-{}", r.below(3)));
            let count = r.replicas().min(size - here);
            let hash = format!("{:08x}", r.below(usize::MAX));
            let labels = [
                ("app.kubernetes.io/name", app.as_str()),
                ("app.kubernetes.io/part-of", &part),
                ("tier", tier),
                ("pod-template-hash", &hash),
            ];
            add(&mut snapshot, &mut address, &namespace, &app, &labels, count);
            here += count;
            apps.push(app);
        }
        workloads += apps.len();
        namespace_policies(&mut r, shape, &namespace, &mut policy);
        let own: Vec<&String> = match shape {
            Shape::Monolith => Vec::new(),
            Shape::Largest => apps.iter().take(1).collect(),
            Shape::Micro | Shape::Openshift => apps.iter().collect(),
        };
        for app in own {
            workload_policies(&mut r, shape, n, &namespace, app, &apps, &mut policy);
        }
    }
    let rules = Ruleset::compile(&written);
    assert!(rules.rejected.is_empty(), "{:?}", rules.rejected.first());
    Cluster { snapshot, rules, workloads }
}

fn add(
    snapshot: &mut Snapshot,
    address: &mut u32,
    namespace: &str,
    app: &str,
    labels: &[(&str, &str)],
    count: usize,
) {
    let labels: Labels = labels.iter().copied().collect();
    let port = |name: &str, protocol, number| ContainerPort {
        name: Some(name.into()),
        port: Port { protocol, number },
        sidecar: false,
    };
    let ports: Arc<[ContainerPort]> = match app {
        "kube-dns" => [port("dns", Protocol::Udp, 53), port("dns-tcp", Protocol::Tcp, 53)].into(),
        _ => [port("http", Protocol::Tcp, 8080)].into(),
    };
    for replica in 0..count {
        *address += 1;
        snapshot.add_pod(Pod {
            namespace: namespace.into(),
            name: format!("{app}-{replica}").into(),
            labels: labels.clone(),
            unknown_labels: &[],
            ips: vec![IpAddr::from(Ipv4Addr::from(*address))],
            ports: ports.clone(),
            host_network: false,
            node: Some(format!("node-{}", *address % 5000).into()),
            owner: None,
            template: false,
            ready: true,
            finished: false,
            origin: Origin::Synthetic,
        });
    }
}

fn named(namespace: &str) -> Value {
    json!({"matchLabels": {"kubernetes.io/metadata.name": namespace}})
}

fn namespace_policies(
    r: &mut Random,
    shape: Shape,
    namespace: &str,
    policy: &mut impl FnMut(&str, String, Value),
) {
    let dns = json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{
        "to": [{"namespaceSelector": named("kube-system"),
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": "kube-dns"}}}],
        "ports": [{"port": "dns", "protocol": "UDP"}, {"port": "dns-tcp"}],
    }]});
    let deny = json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]});
    let monitoring = json!({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{
        "from": [{"namespaceSelector": named("monitoring")}], "ports": [{"port": 9090}],
    }]});
    match shape {
        Shape::Micro | Shape::Openshift => {
            policy(namespace, "default-deny".into(), deny);
            policy(namespace, "dns".into(), dns);
            policy(namespace, "monitoring".into(), monitoring);
        }
        Shape::Largest => {
            let mut out = dns;
            let rules = out["egress"].as_array_mut().unwrap();
            rules.push(json!({"to": [{"podSelector": {}}]}));
            if r.percent(50) {
                rules.push(json!({"to": [peer(r, shape, 1, &[])]}));
            }
            policy(namespace, "out".into(), out);
            policy(namespace, "monitoring".into(), monitoring);
        }
        Shape::Monolith => {
            let own = json!({"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]});
            policy(namespace, "own".into(), own);
            if r.percent(90) {
                let from = json!([{"namespaceSelector": named("ingress")}]);
                let web = json!({"podSelector": {}, "ingress": [{"from": from}]});
                policy(namespace, "ingress".into(), web);
            }
            if r.percent(20) {
                policy(namespace, "monitoring".into(), monitoring);
            }
        }
    }
}

fn peer(r: &mut Random, shape: Shape, n: usize, apps: &[String]) -> Value {
    if shape == Shape::Openshift && r.percent(40) {
        let (a, b) = (20 + r.below(180), r.below(40));
        let cidr = match r.below(20) {
            0 => format!("{a}.{b}.0.0/16"),
            1..6 => format!("{a}.{b}.{}.0/24", r.below(4)),
            _ => format!("{a}.{b}.0.{}/32", r.below(8)),
        };
        return json!({"ipBlock": {"cidr": cidr}});
    }
    match r.below(100) {
        0..25 => json!({"namespaceSelector": {"matchLabels": {
            "team": r.skewed(&TEAMS), "env": ENVS[r.below(3)],
        }}, "podSelector": {"matchLabels": {"tier": r.skewed(&TIERS)}}}),
        25..40 => {
            let other = 1 + r.below(n);
            json!({"namespaceSelector": named(&format!("ns-{other}"))})
        }
        40..45 => json!({"namespaceSelector": {"matchExpressions": [
            {"key": "env", "operator": "In", "values": ["prod", "stage"]},
        ]}, "podSelector": {"matchLabels": {"tier": "web"}}}),
        45 => json!({"namespaceSelector": {}}),
        46..56 => json!({"ipBlock": {"cidr": "0.0.0.0/0",
            "except": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]}}),
        _ if apps.is_empty() => json!({"namespaceSelector": {"matchLabels": {
            "team": r.skewed(&TEAMS),
        }}}),
        _ => json!({"podSelector": {"matchLabels": {
            "app.kubernetes.io/name": apps[r.below(apps.len())],
        }}}),
    }
}

fn workload_policies(
    r: &mut Random,
    shape: Shape,
    n: usize,
    namespace: &str,
    app: &str,
    apps: &[String],
    policy: &mut impl FnMut(&str, String, Value),
) {
    let subject = |app: &str| json!({"matchLabels": {"app.kubernetes.io/name": app}});
    let ports = |r: &mut Random| match r.below(100) {
        0 => json!([{"port": 30000, "endPort": 32767}]),
        1..11 => json!([{"port": "http"}]),
        _ => json!([{"port": PORTS[r.below(PORTS.len())]}]),
    };
    let peers = |r: &mut Random| -> Vec<Value> {
        (0..=r.below(2)).map(|_| peer(r, shape, n, apps)).collect()
    };
    let (from, of) = (peers(r), ports(r));
    let ingress = json!({"podSelector": subject(app), "policyTypes": ["Ingress"],
        "ingress": [{"from": from, "ports": of}]});
    policy(namespace, format!("{app}-in"), ingress);
    if shape == Shape::Largest {
        return;
    }
    // Half of them leave the choice within the namespace to the ingress rules there.
    let (to, of) = (peers(r), ports(r));
    let mut rules = vec![json!({"to": to, "ports": of})];
    if r.percent(50) {
        rules.push(json!({"to": [{"podSelector": {}}]}));
    }
    let egress = json!({"podSelector": subject(app), "policyTypes": ["Egress"], "egress": rules});
    policy(namespace, format!("{app}-out"), egress);
    if shape == Shape::Openshift && r.percent(70) {
        let from = peers(r);
        let stale = json!({"podSelector": subject(&format!("{app}-gone")),
            "policyTypes": ["Ingress"], "ingress": [{"from": from}]});
        policy(namespace, format!("{app}-stale"), stale);
    }
}
