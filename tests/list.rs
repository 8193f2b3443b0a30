//! `list`: its rows say what `explain` says, and every format stays what it is.

use crate::random::rules::{complete_rules, partial_rules};
use crate::random::{Ends as RandomEnds, Random, build, complete_cluster, hold, partial_cluster};
use crate::run::{explain, list, netpol, netpol_with, text};
use netpol::cluster::Family;
use netpol::effort::Effort;
use netpol::reach::{Connectivity, End, Ends, Narrow, PortSet, Reach, RowEnd, Wanted};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;

const WORKLOADS: [&str; 6] = [
    "default/deploy/whoami",
    "identity/sts/keycloak",
    "ingress-nginx/deploy/ingress-nginx-controller",
    "kube-system/deploy/coredns",
    "monitoring/deploy/grafana",
    "monitoring/sts/prometheus",
];

fn listed(words: &[&str]) -> Value {
    let run = netpol(&[&["list", "-o", "json"][..], words].concat());
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{words:?}");
    run.json()
}

/// Whether the rows let a flow pass, read as their notes say.
fn passes(flows: &[Value], from: &str, to: &str, protocol: &str, port: u64) -> bool {
    let row = |source: &str, destination: &str| {
        flows.iter().any(|flow| {
            text(flow, "/source/label") == source
                && text(flow, "/destination/label") == destination
                && list(flow, "/ports").iter().any(|ports| {
                    let first = ports["port"].as_u64().unwrap();
                    let last = ports.get("endPort").map_or(first, |end| end.as_u64().unwrap());
                    ports["protocol"] == protocol && (first..=last).contains(&port)
                })
        })
    };
    row(from, to) || (row(from, "anyone") && row("anyone", to))
}

#[test]
fn rows_agree_with_explain_for_every_pair_and_port() {
    for example in ["examples/homekube", "examples/homekube-fixed"] {
        let answer = listed(&["-f", example]);
        let flows = list(&answer, "/flows");
        let mut ports = BTreeSet::from([("TCP".to_owned(), 80), ("TCP".to_owned(), 12345)]);
        for port in flows.iter().filter(|flow| flow["anyPort"] == false) {
            for port in list(port, "/ports") {
                let number = port["port"].as_u64().unwrap();
                ports.insert((text(port, "/protocol").to_owned(), number));
            }
        }
        assert!(ports.len() > 4, "{ports:?}");
        for from in WORKLOADS {
            for to in WORKLOADS {
                for (protocol, port) in &ports {
                    let asked = format!("{port}/{protocol}");
                    let (code, _) = explain(&["-f", example, from, to, "--port", &asked]);
                    let expected = passes(flows, from, to, protocol, *port);
                    assert_eq!(code == 0, expected, "{example}: {from} → {to} {asked}");
                }
            }
        }
    }
}

/// The rows of a family, read as the documentation of `reach::rows` says.
struct Read {
    rows: HashMap<(RowEnd, RowEnd), Reach>,
}

impl Read {
    fn new(connectivity: &Connectivity<'_>, family: Family, wanted: &Wanted) -> Self {
        let mut rows: HashMap<(RowEnd, RowEnd), Reach> = HashMap::new();
        let _ = connectivity.rows(family, wanted, &mut |row| {
            assert!(!row.ports.is_empty());
            for source in each(row.source) {
                for destination in each(row.destination) {
                    let reach = rows.entry((source, destination)).or_default();
                    let twice = reach.possible.intersection(row.ports);
                    assert!(twice.is_empty(), "said twice: {row:?}");
                    reach.possible = reach.possible.union(row.ports);
                    assert!(row.certain || !row.conditional, "{row:?}");
                    if row.certain {
                        reach.certain = reach.certain.union(row.ports);
                    }
                    if row.certain && !row.conditional {
                        reach.unconditional = reach.unconditional.union(row.ports);
                    }
                }
            }
            ControlFlow::Continue(())
        });
        Self { rows }
    }

    /// What some rows say together, of one of the three parts of what they say.
    fn ports(&self, rows: &[(RowEnd, RowEnd)], part: Part) -> PortSet {
        let reaches = rows.iter().filter_map(|row| self.rows.get(row));
        reaches.fold(PortSet::default(), |all, reach| all.union(part(reach)))
    }
}

type Part = fn(&Reach) -> &PortSet;

const PARTS: [Part; 3] = [|r| &r.unconditional, |r| &r.certain, |r| &r.possible];

/// Class by class.
fn each(end: RowEnd) -> Vec<RowEnd> {
    match end {
        RowEnd::Outside(first, end) => (first..end).map(RowEnd::Class).collect(),
        one => vec![one],
    }
}

fn rows_say_all(cluster: &[Value], seed: u64) -> Option<String> {
    let world = build(cluster)?;
    let connectivity =
        Connectivity::compute(&world.snapshot, &world.rules, Effort::default()).unwrap();
    let ends = RandomEnds::of(cluster, &world).all;
    let mut r = Random::new(!seed);
    // Their own nodes are exempt, which is no row.
    let on_node = |end: &End| match end {
        End::Pod(id) => world.snapshot.pod(*id).host_network,
        End::Node(_) => true,
        End::Address(_) => false,
    };
    let mut pairs = Vec::new();
    for source in ends.iter().map(|it| it.end().unwrap()) {
        for destination in ends.iter().map(|it| it.end().unwrap()) {
            let outside = |end| matches!(end, End::Address(_));
            let exempt = source == destination || on_node(&source) != on_node(&destination);
            let elsewhere = outside(source) && outside(destination);
            if !exempt && !elsewhere {
                pairs.push((source, destination));
            }
        }
    }
    for family in Family::ALL {
        let whole = Read::new(&connectivity, family, &Wanted::default());
        for (source, destination) in r.sample(pairs.clone(), 60) {
            let of_other = |end| matches!(end, End::Address(ip) if Family::of(ip) != family);
            let classes = (connectivity.class(source), connectivity.class(destination));
            let (Some(from), Some(to)) = classes else { continue };
            let there = connectivity.has(from, family) && connectivity.has(to, family);
            if of_other(source) || of_other(destination) || !there {
                continue;
            }
            let expected = connectivity.allowed(source, destination, family);
            let (x, y) = (RowEnd::Class(from), RowEnd::Class(to));
            let selectable = |end: End| matches!(end, End::Pod(_)) && !on_node(&end);
            let is_pod = |end: End| matches!(end, End::Pod(_));
            for (kind, part) in PARTS.into_iter().enumerate() {
                // Nodes and the outside are open without saying so.
                let side = |end: End, other: End, wide: [(RowEnd, RowEnd); 2]| {
                    let wide = if selectable(other) { &wide[..] } else { &wide[..1] };
                    if is_pod(end) { whole.ports(wide, part) } else { PortSet::all() }
                };
                let out = side(source, destination, [(x, RowEnd::Anyone), (x, RowEnd::EveryPod)]);
                let into = side(destination, source, [(RowEnd::Anyone, y), (RowEnd::EveryPod, y)]);
                let got = whole.ports(&[(x, y)], part).union(&out.intersection(&into));
                let wanted = part(&expected);
                if got != *wanted {
                    return Some(format!(
                        "{family} {source:?} → {destination:?}, part {kind}: {got}, not {wanted}"
                    ));
                }
            }
            // Asked for alone, a pair is told in full.
            let wanted =
                Wanted { from: Some([from].into()), to: Some([to].into()), ..Wanted::default() };
            let alone = Read::new(&connectivity, family, &wanted);
            let got = alone.rows.get(&(x, y)).cloned().unwrap_or_default();
            if got != expected {
                return Some(format!("{family} {source:?} → {destination:?} alone: {got:?}"));
            }
        }
        // What is worked out for a question alone says the same of it.
        let (source, destination) = *r.pick(pairs.get(..).filter(|all| !all.is_empty())?);
        let [from, to] = [[source], [destination]].map(|end| end.into_iter().collect());
        let namespace = world.snapshot.namespaces().map(|known| known.name.to_string()).next();
        let asked = [
            Narrow { from: Some(&from), ..Narrow::default() },
            Narrow { to: Some(&to), ..Narrow::default() },
            Narrow { from: Some(&from), to: Some(&to), ..Narrow::default() },
            Narrow { namespace: namespace.as_deref(), ..Narrow::default() },
            Narrow { exposed: true, ..Narrow::default() },
            Narrow { exposed: true, to: Some(&to), ..Narrow::default() },
        ];
        for narrow in asked {
            let (snapshot, rules) = (&world.snapshot, &world.rules);
            let narrowed = Connectivity::narrowed(snapshot, rules, narrow, Effort::default());
            let (narrowed, wanted) = narrowed.unwrap();
            let [rows, all] =
                [&narrowed, &connectivity].map(|it| Read::new(it, family, &wanted).rows);
            if rows != all {
                return Some(format!("{family} {narrow:?}: {rows:?}, not {all:?}"));
            }
        }
    }
    None
}

#[test]
fn rows_of_complete_clusters_say_all_that_is_allowed() {
    hold(200, complete_cluster, rows_say_all);
}

#[test]
fn rows_of_partial_clusters_say_all_that_is_allowed() {
    hold(200, partial_cluster, rows_say_all);
}

#[test]
fn rows_of_complete_rules_say_all_that_is_allowed() {
    hold(200, complete_rules, rows_say_all);
}

#[test]
fn rows_of_partial_rules_say_all_that_is_allowed() {
    hold(200, partial_rules, rows_say_all);
}

/// Where a Deny takes something away, a row from anyone says what is left for all of them.
#[test]
fn rows_from_anyone_stand_only_where_they_hold() {
    let pod = |name: &str, namespace: &str| {
        serde_json::json!({"kind": "Pod", "metadata": {"name": name, "namespace": namespace,
            "labels": {"app": name}}, "spec": {}, "status": {}})
    };
    let from_b = serde_json::json!({"set": {"namespaceSelector": {},
        "podSelector": {"matchLabels": {"app": "b"}}}});
    let cluster = [
        pod("a", "n1"),
        pod("b", "n2"),
        pod("c", "n2"),
        serde_json::json!({"kind": "Rules", "metadata": {"name": "r"}, "direction": "Ingress",
        "isolates": true, "subject": {"own": "n1"}, "entries": [
            {"action": "Deny", "peers": [from_b], "ports": [{"port": 22}]},
            {"action": "Allow", "ports": [{"port": 22, "endPort": 80}], "condition": "GET /"},
            {"action": "Allow", "peers": [{"set": {"namespaceSelector": {}}}],
             "ports": [{"port": 80}]},
        ]}),
    ];
    let world = build(&cluster).unwrap();
    let connectivity =
        Connectivity::compute(&world.snapshot, &world.rules, Effort::default()).unwrap();
    let name = |end: RowEnd| match end {
        RowEnd::Class(class) => match connectivity.ends(class, Family::V4).next() {
            Some(Ends::One(End::Pod(id))) => world.snapshot.pod(id).name.to_string(),
            other => panic!("{other:?}"),
        },
        other => format!("{other:?}"),
    };
    let mut rows = Vec::new();
    let _ = connectivity.rows(Family::V4, &Wanted::default(), &mut |row| {
        if !matches!(row.destination, RowEnd::Anyone | RowEnd::EveryPod) {
            let bound = if row.conditional { " on condition" } else { "" };
            let (from, to) = (name(row.source), name(row.destination));
            rows.push(format!("{from} → {to} {}{bound}", row.ports));
        }
        ControlFlow::Continue(())
    });
    rows.sort();
    // That nobody isolates b and c is said of each.
    assert_eq!(
        rows,
        [
            "Anyone → a 23-80/TCP on condition",
            "Anyone → b all",
            "Anyone → c all",
            "Outside(3, 4) → a 22/TCP on condition",
            "a → a 22/TCP on condition",
            "c → a 22/TCP on condition",
        ]
    );
}

/// Pods of one workload with and without a label that a policy asks for.
const DIFFERING: &str = "
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, namespace: prod}, spec: {selector: {matchLabels: {app: db}}, serviceName: db, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: x}]}}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: db-0, namespace: prod, labels: {app: db, role: primary}, ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: db, uid: u, controller: true}]}, spec: {containers: [{name: db, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: db-1, namespace: prod, labels: {app: db, role: replica}, ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: db, uid: u, controller: true}]}, spec: {containers: [{name: db, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: prod, labels: {app: web}}, spec: {containers: [{name: web, image: x}]}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: primary, namespace: prod}
spec: {podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: prod}
spec: {podSelector: {matchLabels: {role: primary}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]}
";

#[test]
fn pods_of_one_workload_that_differ_are_shown_apart() {
    let run = netpol_with(&["list", "-f", "-", "-o", "csv"], DIFFERING.as_bytes());
    let rows: Vec<&str> = run.stdout.lines().collect();
    assert!(rows.contains(&"prod/pod/web,prod/sts/db (db-0),5432/TCP,Allowed,,,,"), "{run:?}");
    assert!(rows.contains(&"prod/sts/db,anyone,any port,Allowed,,not isolated,,"), "{run:?}");
    let run = netpol_with(&["list", "-f", "-", "-o", "csv", "--by", "pod"], DIFFERING.as_bytes());
    assert!(run.stdout.contains("prod/pod/web,prod/pod/db-0,5432/TCP,Allowed,,,,\n"), "{run:?}");
}

/// Names that try to end the string, the cell or the line that they stand in.
const HOSTILE: [&str; 5] = [
    "a\"];x->y;//",
    "b|c,\"d\"\n--> e",
    "=cmd()\\",
    "\"]\nclick n0 \"javascript:x\"%%",
    "e\u{1b}[31m\u{202e}}subgraph",
];

fn hostile() -> String {
    let pods = HOSTILE.map(|name| {
        serde_json::json!({"apiVersion": "v1", "kind": "Pod", "metadata":
            {"name": name, "namespace": format!("n{name}"), "labels": {"app": "x"}}, "spec": {}})
        .to_string()
    });
    pods.join("\n---\n")
}

/// Fields of each line of CSV.
fn csv(text: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for line in text.lines() {
        let (mut fields, mut quoted) = (vec![String::new()], false);
        let mut characters = line.chars().peekable();
        while let Some(c) = characters.next() {
            match c {
                '"' if quoted && characters.next_if_eq(&'"').is_some() => {
                    fields.last_mut().unwrap().push('"');
                }
                '"' => quoted = !quoted,
                ',' if !quoted => fields.push(String::new()),
                c => fields.last_mut().unwrap().push(c),
            }
        }
        assert!(!quoted, "{line}");
        rows.push(fields);
    }
    rows
}

/// The text with strings of DOT or Mermaid taken out.
fn without_strings(text: &str, escapes: bool) -> String {
    let (mut out, mut quoted) = (String::new(), false);
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' if quoted && escapes => drop(characters.next()),
            '"' => quoted = !quoted,
            c if !quoted => out.push(c),
            '\n' => panic!("a string over lines: {text}"),
            _ => {}
        }
    }
    assert!(!quoted, "{text}");
    out
}

#[test]
fn hostile_names_break_no_format() {
    let input = hostile();
    let run = |format: &str| {
        let run = netpol_with(&["list", "-f", "-", "--known-only", "-o", format], input.as_bytes());
        assert_eq!(run.code, 0, "{run:?}");
        let mark = |c| c == '\u{202e}' && format != "yaml";
        let steers = |c: char| (c.is_control() && c != '\n') || mark(c);
        assert!(!run.stdout.contains(steers), "{format}: {run:?}");
        run
    };
    let rows = csv(&run("csv").stdout);
    // From anyone to each and from each to anyone, below the header.
    assert_eq!(rows.len(), 2 * HOSTILE.len() + 1, "{rows:?}");
    assert!(rows.iter().all(|row| row.len() == 8), "{rows:?}");
    let dot = without_strings(&run("dot").stdout, true);
    let count = |text: &str, c: char| text.chars().filter(|found| *found == c).count();
    assert_eq!((count(&dot, '{'), count(&dot, '}')), (1 + HOSTILE.len(), 1 + HOSTILE.len()));
    assert_eq!(dot.matches("->").count(), 2 * HOSTILE.len(), "{dot}");
    let mermaid = without_strings(&run("mermaid").stdout, false);
    for line in mermaid.lines().map(str::trim).skip(1) {
        let known = line.starts_with("subgraph s") || line == "end" || line.starts_with('n');
        assert!(known && !line.contains("click"), "{line}");
    }
    for line in run("md").stdout.lines().skip(2).take(2 * HOSTILE.len()) {
        let bars = line.replace("\\\\", "").replace("\\|", "").matches('|').count();
        assert_eq!(bars, 5, "{line}");
    }
    run("table");
    run("wide");
    run("yaml");
    assert_eq!(list(&run("json").json(), "/flows").len(), 2 * HOSTILE.len());
}

#[test]
fn filters_and_refusals() {
    let homekube = ["-f", "examples/homekube", "--known-only"];
    let labels = |words: &[&str]| -> Vec<String> {
        let answer = listed(&[&homekube[..], words].concat());
        let flows = list(&answer, "/flows").iter();
        let ends = |flow| [text(flow, "/source/label"), text(flow, "/destination/label")];
        flows.map(|flow| ends(flow).join(" → ")).collect()
    };
    assert_eq!(
        labels(&["--from", "monitoring/grafana"]),
        ["monitoring/deploy/grafana → kube-system/deploy/coredns"]
    );
    assert_eq!(
        labels(&["--from", "203.0.113.7"]),
        [
            "outside → ingress-nginx/deploy/ingress-nginx-controller",
            "outside → kube-system/deploy/coredns"
        ]
    );
    assert_eq!(labels(&["-n", "identity", "--port", "53/UDP"]).len(), 1);
    assert_eq!(labels(&["-A"]).len(), 10);
    assert_eq!(labels(&["--exposed"]).len(), 2);
    for (words, part) in [
        (&["--from", "monitoring/grafana:80"][..], "give --port"),
        (&["--to", "nobody"], "not found"),
        (&["-n", "nowhere"], "not in the input"),
    ] {
        let run = netpol(&[&["list"][..], &homekube, words].concat());
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:?}");
        assert!(run.stderr.contains(part), "{run:?}");
    }
    assert_eq!(netpol(&["list", "-A", "-n", "x", "-f", "examples/homekube"]).code, 2);
}

/// An operator makes `monitoring/prometheus` of a custom resource, so manifests do not have it.
const OPERATED: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: monitoring}}
---
{apiVersion: v1, kind: Pod, metadata: {name: exporter, namespace: monitoring, labels: {app: exporter}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: exporter, namespace: monitoring}
spec:
  podSelector: {matchLabels: {app: exporter}}
  policyTypes: [Ingress, Egress]
  ingress:
  - from: [{podSelector: {matchLabels: {app: prometheus}}}]
    ports: [{port: 9443}]
  - from: [{ipBlock: {cidr: 192.0.2.0/24}}, {podSelector: {matchLabels: {app: exporter}}}]
  egress:
  - to: [{namespaceSelector: {matchLabels: {team: none}}}]
";

/// Rules for pods that are not there do not go unsaid where one end is asked for.
#[test]
fn rules_that_no_known_pod_matches_are_named() {
    let run = |words: &[&str]| {
        let list = ["list", "-f", "-", "--known-only"];
        let run = netpol_with(&[&list[..], words].concat(), OPERATED.as_bytes());
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run:?}");
        run
    };
    // Unless only what is known counts, those that nobody has written have rows themselves.
    let words = ["list", "-f", "-", "--to", "monitoring/exporter", "-o", "csv"];
    let open = netpol_with(&words, OPERATED.as_bytes()).stdout;
    assert!(open.contains("pods[app=prometheus] in monitoring,"), "{open}");
    let to = ["--to", "monitoring/exporter"];
    let said = "monitoring/netpol/exporter ingress[0] allows monitoring/prometheus on 9443/TCP, \
                but no known pod matches";
    let table = run(&to).stdout;
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    // Beside the rows that there are.
    assert!(table.contains("outside 192.0.2.0/24"), "{table}");
    assert!(words(&table).contains(said), "{table}");
    let only = run(&[&to[..], &["--port", "9443", "--from", "monitoring/exporter"]].concat());
    assert!(!only.stdout.contains("no known pod"), "both ends are asked for: {only:?}");
    let other = run(&[&to[..], &["--port", "80"]].concat()).stdout;
    assert!(!other.contains("no known pod"), "another port: {other}");

    let from = run(&["--from", "monitoring/exporter"]).stdout;
    assert!(from.starts_with("No flow is allowed between what is known here"), "{from}");
    let said = "monitoring/netpol/exporter egress[0] allows namespaces[team=none] on any port, \
                but no known pod matches.";
    assert!(words(&from).contains(said), "{from}");
    let json = run(&["--from", "monitoring/exporter", "-o", "json"]).json();
    assert_eq!(list(&json, "/flows").len(), 0);
    assert_eq!(text(&json, "/unmatched/0/rule"), "monitoring/netpol/exporter egress[0]");
    assert_eq!(text(&json, "/unmatched/0/peers/0"), "namespaces[team=none]");
    assert!(run(&["--from", "monitoring/exporter", "-o", "md"]).stdout.contains("no known pod"));
    assert!(!run(&[]).stdout.contains("no known pod"));
}

/// What passes only on a condition is a row of its own, marked in every format.
#[test]
fn conditional_rows_are_marked() {
    let pod = |name: &str| {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, namespace: shop, \
             labels: {{app: {name}}}}}}}\n---\n"
        )
    };
    let policy = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n\
                  metadata: {name: api, namespace: shop}\nspec:\n  \
                  endpointSelector: {matchLabels: {app: api}}\n  ingress:\n  \
                  - fromEndpoints: [{matchLabels: {app: web}}]\n    toPorts:\n    \
                  - {ports: [{port: \"80\", protocol: TCP}], rules: {http: [{method: GET}]}}\n    \
                  - {ports: [{port: \"81\", protocol: TCP}]}\n  \
                  - toPorts: [{ports: [{port: \"82\", protocol: TCP}], rules: {http: [{method: PUT}]}}]\n";
    let input = pod("web") + &pod("api") + policy;
    let ask = |words: &[&str]| {
        netpol_with(
            &[&["list", "-f", "-", "--to", "shop/pod/api"], words].concat(),
            input.as_bytes(),
        )
    };
    let answer = ask(&["-o", "json"]).json();
    let rows: Vec<_> = list(&answer, "/flows")
        .iter()
        .map(|flow| {
            let conditions = flow["conditions"].as_array().map_or(&[][..], Vec::as_slice);
            let words: Vec<&str> = conditions.iter().filter_map(Value::as_str).collect();
            let from = text(flow, "/source/label");
            (from, flow["ports"][0]["port"].as_u64().unwrap(), text(flow, "/verdict"), words)
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("anyone", 82, "Allowed", vec!["HTTP PUT"]),
            ("shop/pod/web", 80, "Allowed", vec!["HTTP GET"]),
            ("shop/pod/web", 81, "Allowed", vec![]),
        ],
        "{answer}"
    );
    let table = ask(&[]).stdout;
    for part in ["80/TCP*\n", "81/TCP\n", "*: not all of it passes, only HTTP GET or HTTP PUT."] {
        assert!(table.contains(part), "{part}: {table}");
    }
    assert!(
        ask(&["-o", "csv"])
            .stdout
            .contains("shop/pod/web,shop/pod/api,80/TCP,Allowed,,,HTTP GET,\n")
    );
    assert!(ask(&["-o", "md"]).stdout.contains("`80/TCP*`"));
    assert!(ask(&["-o", "mermaid"]).stdout.contains("-.->"));
}
