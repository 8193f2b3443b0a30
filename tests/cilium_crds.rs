//! Who refuses a policy of Cilium: the real API server with the real CRDs of the Cilium that
//! tests/tools/hubble pins, beside what this project says.

use crate::harness::{
    ControlPlane, Outside, control_plane_of_its_own, expect_success, module, skip,
};
use netpol::objects::decode_text;
use netpol::policy::{Cilium, CiliumVersion, Enforcer, RefusedBy, Ruleset};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

const WEB: &str = "endpointSelector: {matchLabels: {app: web}}";

/// Rules: selectors and sections.
const WHOLE: &[&str] = &[
    "ingress: [{}]",
    "endpointSelector: {}, nodeSelector: {}, ingress: [{}]",
    "nodeSelector: {}, ingress: [{}]",
    "endpointSelector: null, ingress: [{}]",
    WEB,
    "endpointSelector: {}, ingress: []",
    "endpointSelector: {}, ingress: null",
    "endpointSelector: {}, egress: [], ingressDeny: []",
    "endpointSelector: {}, ingress: [{}]",
    "endpointSelector: {}, order: 1, ingress: [{}]",
    "endpointSelector: {}, log: {value: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}, ingress: [{}]",
    "endpointSelector: {}, log: {value: \"a\\tb\"}, ingress: [{}]",
    "endpointSelector: {matchLabels: {app: \"a b\"}}, ingress: [{}]",
    "endpointSelector: {matchExpressions: [{key: a, operator: Is}]}, ingress: [{}]",
    "endpointSelector: {}, egressDeny: [{toFQDNs: [{matchName: a.b}]}]",
];

/// Elements of egress, but for ports.
const ELEMENTS: &[&str] = &[
    "toFQDNs: []",
    "toFQDNs: [{}]",
    "toFQDNs: [{matchName: a.b, matchPattern: \"*.b\"}]",
    "toFQDNs: [{matchName: \"*.b\"}]",
    "toFQDNs: [{matchName: \"\"}]",
    "toFQDNs: [{matchName: a..b}]",
    "toFQDNs: [{matchName: .a}]",
    "toFQDNs: [{matchName: a.b.}]",
    "toFQDNs: [{matchName: a_b-c.D}]",
    "toFQDNs: [{matchPattern: \"a/b\"}]",
    "toFQDNs: [{matchPattern: \"**.b\"}]",
    "toFQDNs: [{matchPattern: \"*\"}]",
    "toEndpoints: [], toCIDR: []",
    "toEndpoints: [{}], toEntities: [world]",
    "toEntities: [internet]",
    "toEntities: [cluster-mesh]",
    "toEntities: [kube-apiserver, ingress, none]",
    "toCIDR: [203.0.113.7]",
    "toCIDR: [203.0.113.0/24, \"2001:db8::/32\"]",
    "toCIDR: [203.0.113.7/24]",
    "toCIDR: [example.com]",
    "toCIDR: [\"${CIDR}\"]",
    "toCIDRSet: [{}]",
    "toCIDRSet: [{cidr: 10.0.0.1}]",
    "toCIDRSet: [{cidr: 10.0.0.0/8, cidrGroupRef: a}]",
    "toCIDRSet: [{cidrGroupRef: a, cidrGroupSelector: {}}]",
    "toCIDRSet: [{cidrGroupSelector: {}}]",
    "toCIDRSet: [{cidr: 10.0.0.0/8, except: [192.168.0.0/16]}]",
    "toCIDRSet: [{cidr: 10.0.0.0/8, except: [192.168.0.1]}]",
    "toRequires: []",
    "toRequires: [{}]",
    "toServices: [{}]",
    "toServices: [{k8sServiceSelector: {selector: {}}}]",
    "toServices: [{k8sServiceSelector: {}}]",
    "toGroups: [{aws: {}}]",
    "toNodes: [{}]",
    "authentication: {mode: maybe}",
    "authentication: {mode: required}",
    "icmps: [{fields: [{type: 8}]}], toPorts: [{ports: [{port: \"80\"}]}]",
    "icmps: [{fields: [{type: 256}]}]",
    "icmps: [{fields: [{type: \"256\"}]}]",
    "icmps: [{fields: [{type: -1}]}]",
    "icmps: [{fields: [{type: EchoRequest}]}]",
    "icmps: [{fields: [{type: Ping}]}]",
    "icmps: [{fields: [{}]}]",
    "icmps: [{fields: [{type: 8, family: IPv5}]}]",
];

/// Items of ports.
const PORTS: &[&str] = &[
    "port: \"80\"",
    "port: 80",
    "port: \"\"",
    "protocol: TCP",
    "port: \"080\"",
    "port: http",
    "port: \"65536\"",
    "port: \"-1\"",
    "port: a--b",
    "port: \"8 0\"",
    "port: a-",
    "port: \"-\"",
    "port: \"é1\"",
    "port: way-too-long-for-a-port",
    "port: \"80\", protocol: tcp",
    "port: \"80\", protocol: \"\"",
    "port: \"8\", protocol: ICMP",
    "port: \"8\", protocol: ICMPV6",
    "port: \"0\", protocol: VRRP",
    "port: \"80\", protocol: IGMP",
    "port: \"0\", protocol: GRE",
    "port: \"80\", endPort: 70",
    "port: \"80\", endPort: 70000",
    "port: \"80\", endPort: -1",
];

/// Items of toPorts.
const ITEMS: &[&str] = &[
    "rules: null",
    "rules: {}",
    "rules: {http: []}",
    "rules: {http: [{}]}",
    "rules: {http: [{}], kafka: [{}]}",
    "rules: {http: [{}], l7proto: x}",
    "rules: {http: [{}], l7: [{}]}",
    "rules: {l7: [{}]}",
    "rules: {l7proto: x, l7: [{}]}",
    "rules: {l7proto: \"\"}",
    "rules: {kafka: [{}]}",
    "rules: {dns: [{}]}",
    "rules: {dns: [{matchName: a.b, matchPattern: a.b}]}",
    "rules: {dns: [{matchPattern: \"*\"}]}",
    "serverNames: [\"\"]",
    "serverNames: [a.b]",
    "listener: {envoyConfig: {name: e}, name: l}",
];

/// Rules as they are written, by whether the policy is clusterwide.
fn rules() -> Vec<(bool, String)> {
    let mut all: Vec<String> = WHOLE.iter().map(|rule| (*rule).to_owned()).collect();
    let mut egress = |element: &str| all.push(format!("{WEB}, egress: [{{{element}}}]"));
    for element in ELEMENTS {
        egress(element);
    }
    let many = |item: &str| vec![item; 41].join(", ");
    egress(&format!("icmps: [{{fields: [{}]}}]", many("{type: 8}")));
    let many = many("{port: \"80\"}");
    egress(&format!("toPorts: [{{ports: [{many}]}}]"));
    for port in PORTS {
        egress(&format!("toPorts: [{{ports: [{{{port}}}]}}]"));
    }
    let tcp = "ports: [{port: \"80\", protocol: TCP}]";
    for item in ITEMS {
        egress(&format!("toPorts: [{{{tcp}, {item}}}]"));
    }
    egress("toPorts: [{}]");
    egress("toPorts: [{ports: []}]");
    all.push(format!("{WEB}, egressDeny: [{{toPorts: [{{ports: [{many}]}}]}}]"));
    all.push(format!("{WEB}, ingressDeny: [{{toPorts: [{{{tcp}, rules: {{}}}}]}}]"));
    let clusterwide = ["nodeSelector: {}, ingress: [{}]", "ingress: [{}]"];
    let namespaced = all.into_iter().map(|rule| (false, rule));
    namespaced.chain(clusterwide.map(|rule| (true, rule.to_owned()))).collect()
}

/// Waits for the kinds. While a definition has no conditions at all kubectl does not wait but fails.
fn established(cluster: &ControlPlane) {
    let wait = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"];
    let mut kubectl = cluster.kubectl(cluster.admin());
    let kubectl = kubectl.args(wait).stdout(Stdio::null()).stderr(Stdio::null());
    let done = (0..100).any(|_| {
        let status = kubectl.status().expect("kubectl runs");
        if !status.success() {
            sleep(Duration::from_millis(200));
        }
        status.success()
    });
    assert!(done, "the kinds are not established");
}

/// What the API server refuses, and nothing else, is said to be refused by it; what else is faulty is
/// the agent's to reject.
#[test]
fn the_api_server_refuses_what_is_said_to_be_refused() {
    let cilium = match module("hubble", "github.com/cilium/cilium") {
        Ok(cilium) => cilium,
        Err(why) => {
            skip(Outside::GoModule, &why);
            return;
        }
    };
    let Ok(cluster) = control_plane_of_its_own() else { return };
    let definitions = cilium.join("pkg/k8s/apis/cilium.io/client/crds/v2");
    for kind in ["ciliumnetworkpolicies", "ciliumclusterwidenetworkpolicies"] {
        let file = definitions.join(kind).with_extension("yaml");
        let mut kubectl = cluster.kubectl(cluster.admin());
        expect_success(kubectl.args(["apply", "--server-side", "-f"]).arg(file));
    }
    established(&cluster);

    let rules = rules();
    let mut manifests = String::new();
    for (i, (clusterwide, rule)) in rules.iter().enumerate() {
        let (kind, namespace) = if *clusterwide {
            ("CiliumClusterwideNetworkPolicy", "")
        } else {
            ("CiliumNetworkPolicy", ", namespace: default")
        };
        writeln!(
            manifests,
            "---\napiVersion: cilium.io/v2\nkind: {kind}\nmetadata: {{name: p{i}{namespace}}}\n\
             spec: {{{rule}}}"
        )
        .expect("a string");
    }
    let file = cluster.admin().with_file_name("policies.yaml");
    std::fs::write(&file, &manifests).expect("a file in the cluster's directory");
    // It goes on after what is refused.
    let created = cluster
        .kubectl(cluster.admin())
        .args(["create", "--dry-run=server", "--validate=ignore", "-o", "name", "-f"])
        .arg(&file)
        .output()
        .expect("kubectl runs");
    let created = String::from_utf8(created.stdout).expect("names");
    let taken: BTreeSet<usize> =
        created.lines().filter_map(|name| name.rsplit_once("/p")?.1.parse().ok()).collect();
    assert!(!taken.is_empty(), "{created}");

    let (objects, _) = decode_text(manifests.into_bytes(), Path::new("in.yaml"), "default");
    let (snapshot, written) = objects.assemble();
    let enforcer = Enforcer::Cilium(Cilium::new(CiliumVersion::V1_19));
    let compiled = Ruleset::compile(&written, &snapshot, &enforcer);
    let mut wrong = Vec::new();
    for (i, (_, rule)) in rules.iter().enumerate() {
        let remark = compiled.rejected.iter().find(|r| *r.object.name == *format!("p{i}"));
        let by = remark.and_then(|remark| remark.refused_by);
        // Of a variable nobody knows what the API server will say.
        let said = by != Some(RefusedBy::ApiServer);
        if said != taken.contains(&i) && !rule.contains("${") {
            let told = remark.map_or("", |remark| &remark.faults[0].message);
            wrong.push(format!("taken: {}, said: {by:?} {told}: {rule}", taken.contains(&i)));
        }
    }
    assert!(wrong.is_empty(), "of {} rules:\n{}", rules.len(), wrong.join("\n"));
}
