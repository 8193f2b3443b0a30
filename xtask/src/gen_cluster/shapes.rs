//! Clusters of any size, in shapes measured on real ones, always the same for one seed.
//!
//! In: a [`Case`] and a seed. Out: every namespace, workload and policy in turn. The benchmarks make
//! a snapshot of them, `cargo xtask gen-cluster` writes them down; both compile this file.

use serde_json::{Value, json};
use std::fmt;

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
    /// Labels at random, as Kano's clusters are made.
    Kano,
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

/// Something that exists or is written.
pub(crate) enum Made<'m> {
    Namespace { name: &'m str, labels: &'m [(&'m str, &'m str)] },
    Workload { namespace: &'m str, app: &'m str, labels: &'m [(&'m str, &'m str)], pods: usize },
    Policy { namespace: &'m str, name: String, spec: Value },
}

/// Makes a cluster with at least the pods that are wanted: namespaces are never cut short.
pub(crate) fn generate(case: Case, seed: u64, made: &mut dyn FnMut(Made<'_>)) {
    let Case { shape, pods: wanted } = case;
    let mut r = Random(seed);
    if shape == Shape::Kano {
        return kano(&mut r, wanted, made);
    }
    let mut pods = 0;
    for (namespace, app, count) in
        [("kube-system", "kube-dns", 3), ("monitoring", "prometheus", 2), ("ingress", "proxy", 4)]
    {
        made(Made::Namespace { name: namespace, labels: &[("team", "infra"), ("env", "prod")] });
        let labels = &[("app.kubernetes.io/name", app)];
        made(Made::Workload { namespace, app, labels, pods: count });
        pods += count;
    }
    let mut n = 0;
    while pods < wanted {
        n += 1;
        let namespace = format!("ns-{n}");
        let (team, env) = (r.skewed(&TEAMS), ENVS[r.below(3)]);
        made(Made::Namespace { name: &namespace, labels: &[("team", team), ("env", env)] });
        let size = if shape == Shape::Largest { 15 } else { r.namespace_size() };
        let (mut here, mut apps) = (0, Vec::new());
        while here < size {
            let app = format!("app-{}", apps.len());
            let (tier, part) = (r.skewed(&TIERS), format!("part-{}", r.below(3)));
            let count = r.replicas().min(size - here);
            let hash = format!("{:08x}", r.below(usize::MAX));
            let labels = &[
                ("app.kubernetes.io/name", app.as_str()),
                ("app.kubernetes.io/part-of", &part),
                ("tier", tier),
                ("pod-template-hash", &hash),
            ];
            made(Made::Workload { namespace: &namespace, app: &app, labels, pods: count });
            here += count;
            apps.push(app);
        }
        pods += here;
        let mut policy = |namespace: &str, name: String, spec: Value| {
            made(Made::Policy { namespace, name, spec });
        };
        namespace_policies(&mut r, shape, &namespace, &mut policy);
        let own: Vec<&String> = match shape {
            Shape::Monolith | Shape::Kano => Vec::new(),
            Shape::Largest => apps.iter().take(1).collect(),
            Shape::Micro | Shape::Openshift => apps.iter().collect(),
        };
        for app in own {
            workload_policies(&mut r, shape, n, &namespace, app, &apps, &mut policy);
        }
    }
}

/// The ports of a workload's pods: name, protocol and number.
pub(crate) fn ports(app: &str) -> &'static [(&'static str, &'static str, u16)] {
    match app {
        "kube-dns" => &[("dns", "UDP", 53), ("dns-tcp", "TCP", 53)],
        _ => &[("http", "TCP", 8080)],
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
        Shape::Kano => {}
    }
}

/// Kano's evaluation (Li et al., 2020) has five namespaces and half as many policies as pods, each pod with a
/// value of ten for each of five keys; a policy selects by up to three of them, and so do its peers.
fn kano(r: &mut Random, wanted: usize, made: &mut dyn FnMut(Made<'_>)) {
    const KEYS: [&str; 5] = ["key0", "key1", "key2", "key3", "key4"];
    const NAMESPACES: usize = 5;
    let values: Vec<String> = (0..10).map(|value| format!("value{value}")).collect();
    for n in 0..NAMESPACES {
        let namespace = format!("ns-{n}");
        let labels: Vec<(&str, &str)> =
            KEYS.iter().map(|key| (*key, values[r.below(2)].as_str())).collect();
        made(Made::Namespace { name: &namespace, labels: &labels });
        for pod in 0..wanted.div_ceil(NAMESPACES) {
            let app = format!("app-{pod}");
            let mut labels = vec![("app.kubernetes.io/name", app.as_str())];
            labels.extend(KEYS.iter().map(|key| (*key, values[r.below(10)].as_str())));
            made(Made::Workload { namespace: &namespace, app: &app, labels: &labels, pods: 1 });
        }
        let some = |r: &mut Random, of: usize| {
            let (first, count) = (r.below(KEYS.len()), 1 + r.below(3));
            let keys = (first..first + count).map(|key| KEYS[key % KEYS.len()]);
            let labels = keys.map(|key| (key.to_owned(), json!(values[r.below(of)])));
            json!({"matchLabels": labels.collect::<serde_json::Map<_, _>>()})
        };
        for policy in 0..wanted.div_ceil(2 * NAMESPACES) {
            let peers = json!([{"namespaceSelector": some(r, 2), "podSelector": some(r, 10)}]);
            let mut spec = json!({"podSelector": some(r, 10), "policyTypes": ["Ingress"]});
            if r.percent(50) {
                spec["ingress"] = json!([{"from": peers}]);
            } else {
                spec["policyTypes"] = json!(["Egress"]);
                spec["egress"] = json!([{"to": peers}]);
            }
            let name = format!("policy-{policy}");
            made(Made::Policy { namespace: &namespace, name, spec });
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
