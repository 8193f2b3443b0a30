//! Commands about a whole cluster against a real API server, driven by the real kubectl.

use crate::harness::homekube;
use crate::live_failures::allow;
use crate::run::netpol;
use serde_json::Value;

/// What a namespace's row says, without what only one of the two sources can know.
fn row<'a>(summary: &'a Value, namespace: &str) -> &'a Value {
    let mut rows = summary["namespaces"].as_array().unwrap().iter();
    rows.find(|row| row["name"] == *namespace)
        .unwrap_or_else(|| panic!("no row {namespace} in {summary}"))
}

#[test]
fn a_live_summary_is_that_of_the_manifests() {
    let Ok(homekube) = homekube() else { return };
    let live = homekube.ask("summary", "-o json");
    assert_eq!(live.code, 0, "{}", live.all());
    let live_rows: Value = serde_json::from_str(&live.stdout).unwrap();
    let written = netpol(&["summary", "-f", "examples/homekube", "-o", "json"]).json();
    for namespace in ["default", "identity", "ingress-nginx", "kube-system", "monitoring"] {
        for direction in ["ingress", "egress"] {
            let of = |summary: &Value| {
                let side = &row(summary, namespace)[direction];
                let mut words: Vec<&Value> = Vec::new();
                for policy in side["policies"].as_array().into_iter().flatten() {
                    words.push(&policy["name"]);
                    let rules = policy["rules"].as_array().into_iter().flatten();
                    words.extend(rules.map(|rule| &rule["words"]));
                }
                assert!(!side["isolation"].is_null(), "{summary}");
                (side["isolation"].clone(), side["dnsOnly"].clone(), format!("{words:?}"))
            };
            assert_eq!(of(&live_rows), of(&written), "{namespace} {direction}");
        }
    }
    // Every list once, in pages, for the whole cluster.
    assert!(live.requests.len() <= 9, "{}", live.all());
}

#[test]
fn a_live_summary_of_one_namespace_reads_one_namespace() {
    let Ok(homekube) = homekube() else { return };
    let live = homekube.ask("summary", "-n monitoring");
    assert_eq!(live.code, 0, "{}", live.all());
    assert!(live.stdout.contains("allow-grafana-to-keycloak"), "{}", live.all());
    assert!(!live.stdout.contains("allow-prometheus-scrape"), "{}", live.all());
    let whole = |uri: &str| uri.starts_with("/api/v1/pods") || uri.contains("v1/networkpolicies");
    assert!(!live.requests.iter().any(|request| whole(&request.uri)), "{}", live.all());
}

/// What the repaired HomeKube opens and closes, whoever the pods are.
#[test]
fn a_diff_against_the_live_cluster_names_what_the_fix_opens() {
    let Ok(homekube) = homekube() else { return };
    let live = homekube.ask("diff", "-f examples/homekube-fixed -o json");
    assert_eq!(live.code, 1, "{}", live.all());
    let changes = |text: &str| -> Vec<String> {
        let report: Value = serde_json::from_str(text).unwrap();
        let all = report["changes"].as_array().unwrap();
        let mut all: Vec<String> = all
            .iter()
            .map(|c| {
                format!(
                    "{} {} {} {}",
                    c["change"], c["from"]["label"], c["to"]["label"], c["ports"]
                )
            })
            .collect();
        all.sort();
        all
    };
    let written = netpol(&["diff", "examples/homekube", "examples/homekube-fixed", "-o", "json"]);
    // The labels of default are read there, and none of them has its pods told apart.
    let [here, there] =
        ["default/deploy/whoami and any other pod of default", "every pod of default"];
    let expected: Vec<String> =
        changes(&written.stdout).iter().map(|change| change.replace(here, there)).collect();
    assert_eq!(changes(&live.stdout), expected, "{}", live.all());
    assert_eq!(expected.len(), 5);
    // Its pods under the policies of the files.
    let laid = changes(&homekube.ask("diff", "live examples/homekube-fixed -o json").stdout);
    let told = expected.iter().all(|change| laid.contains(change));
    assert!(told, "{laid:#?}");
    // As they are, those of the cluster are not those of the files, and the same is told of pods that
    // are written nowhere.
    let as_is = homekube.ask("diff", "live examples/homekube-fixed --as-is -o json");
    let [nginx, keycloak, default] = [
        "\"any other pod of ingress-nginx\"",
        "\"pods[app.kubernetes.io/name=keycloak] in identity\"",
        "\"any other pod of default\"",
    ];
    let [grafana, prometheus] = ["grafana", "prometheus"]
        .map(|name| format!("\"pods[app.kubernetes.io/name={name}] in monitoring\""));
    let expected = [
        format!("\"Closed\" {nginx} {keycloak} [\"80/TCP\"]"),
        format!("\"Opened\" {nginx} {keycloak} [\"8080/TCP\"]"),
        format!("\"Opened\" {grafana} {keycloak} [\"8080/TCP\"]"),
        format!("\"Opened\" {prometheus} {default} [\"8080/TCP\",\"9090/TCP\"]"),
        format!("\"Opened\" {prometheus} {keycloak} [\"8080/TCP\"]"),
    ];
    assert_eq!((as_is.code, changes(&as_is.stdout)), (1, expected.to_vec()), "{}", as_is.all());
    assert!(as_is.stdout.contains("not compared, since live and "), "{}", as_is.all());
    // The cluster against itself, and against what it runs already.
    let same = homekube.ask("diff", "-f examples/homekube");
    assert_eq!((same.code, same.stdout.contains("no flow changes")), (0, true), "{}", same.all());
    let itself = homekube.ask("diff", "live live");
    assert_eq!(itself.code, 0, "{}", itself.all());
}

/// The rows of a list, without the reasons. Other tests may have made namespaces meanwhile, and a
/// cluster has some of its own, of which pods that are written nowhere may be.
fn flows(answer: &str) -> Vec<String> {
    let answer: Value = serde_json::from_str(answer).unwrap();
    let of_homekube = |end: &Value| match end["namespace"].as_str() {
        None => end["representative"] != true,
        Some(name) => {
            ["default", "identity", "ingress-nginx", "kube-system", "monitoring"].contains(&name)
        }
    };
    let flows = answer["flows"].as_array().unwrap().iter();
    let flows =
        flows.filter(|flow| of_homekube(&flow["source"]) && of_homekube(&flow["destination"]));
    // What is exposed of a live cluster is told of pods to come, too.
    let flows = flows.filter(|flow| {
        ["source", "destination"].iter().all(|end| flow[end]["representative"] != true)
    });
    let row = |flow: &Value| {
        let label = |end: &str| flow[end]["label"].as_str().unwrap().to_owned();
        let (from, to) = (label("source"), label("destination"));
        format!("{} {from} → {to} {}", flow["verdict"].as_str().unwrap(), flow["ports"])
    };
    flows.map(row).collect()
}

/// The ways in by Ingresses, with what becomes of them. Ports of nodes are the cluster's own.
fn ingresses(answer: &str) -> Vec<String> {
    let answer: Value = serde_json::from_str(answer).unwrap();
    let all = answer["entrances"].as_array().cloned().unwrap_or_default().into_iter();
    let all = all.filter(|way| way["kind"] == "Ingress");
    all.map(|way| format!("{} {} {}", way["verdict"], way["by"], way["destination"]["label"]))
        .collect()
}

/// Every workload of the cluster, by its owners, as from the manifests.
#[test]
fn a_live_list_is_that_of_the_manifests() {
    let Ok(homekube) = homekube() else { return };
    for words in ["", "--exposed", "--from monitoring/deploy/grafana", "--to identity/svc/keycloak"]
    {
        let live = homekube.ask("list", &format!("{words} -o json"));
        assert_eq!((live.code, live.stderr.as_str()), (0, ""), "{}", live.all());
        let words: Vec<&str> = words.split_whitespace().collect();
        let written = netpol(
            &[&["list", "-f", "examples/homekube", "--known-only", "-o", "json"], &words[..]]
                .concat(),
        );
        assert_eq!(flows(&live.stdout), flows(&written.stdout), "{}", live.all());
        assert!(!flows(&live.stdout).is_empty(), "{}", live.all());
        // Every list once, in pages, for the whole cluster.
        // What leads in is asked for by what is exposed only.
        let most = if words.contains(&"--exposed") { 11 } else { 8 };
        assert!(live.requests.len() <= most, "{}", live.all());
        assert_eq!(ingresses(&live.stdout), ingresses(&written.stdout), "{}", live.all());
    }
}

#[test]
fn a_live_list_as_text() {
    let Ok(homekube) = homekube() else { return };
    let live = homekube.ask("list", "--from monitoring/deploy/grafana");
    assert_eq!((live.code, live.stderr.as_str()), (0, ""), "{}", live.all());
    let rows: Vec<Vec<&str>> =
        live.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["FROM", "TO", "PORTS"], "{}", live.all());
    assert_eq!(
        rows[1],
        ["monitoring/deploy/grafana", "kube-system/deploy/coredns", "53/TCP,", "53/UDP"],
        "{}",
        live.all()
    );
    let exposed = homekube.ask("list", "--exposed");
    let open =
        "Not isolated by any policy, so open to anyone:\n  ingress and egress of every pod of";
    assert!(exposed.stdout.starts_with(open), "{}", exposed.all());
    let wide = homekube.ask("list", "--exposed -o wide");
    assert!(wide.stdout.lines().next().unwrap().ends_with("WHY"), "{}", wide.all());
    let missing = homekube.ask("list", "--from monitoring/deploy/grafanna");
    assert_eq!((missing.code, missing.stdout.as_str()), (2, ""), "{}", missing.all());
    assert!(missing.stderr.contains("there are monitoring/deploy/grafana, "), "{}", missing.all());
}

/// A namespace's flows have their other ends anywhere, so all of the cluster is read where it may be.
#[test]
fn a_live_list_of_one_namespace_knows_the_others() {
    let Ok(homekube) = homekube() else { return };
    let words =
        ["list", "-f", "examples/homekube", "--known-only", "-n", "monitoring", "-o", "json"];
    let written = netpol(&words);
    let live = homekube.ask("list", "-n monitoring -o json");
    assert_eq!((live.code, live.stderr.as_str()), (0, ""), "{}", live.all());
    assert_eq!(flows(&live.stdout), flows(&written.stdout), "{}", live.all());
    assert_eq!(flows(&live.stdout).len(), 3, "{}", live.all());
    let diff = homekube.ask("diff", "-n monitoring -f examples/homekube-fixed --summary");
    assert_eq!(diff.code, 1, "{}", diff.all());
    assert!(diff.stdout.contains("monitoring/deploy/grafana → identity"), "{}", diff.all());

    // One who may read no other is told so.
    let user = "reader-of-monitoring";
    let resources = ["pods", "services", "replicasets.apps", "networkpolicies.networking.k8s.io"];
    allow(&homekube.cluster, user, &[("monitoring", &resources)]);
    let own = homekube.ask("list", &format!("-n monitoring --from deploy/grafana --as {user}"));
    assert_eq!(own.code, 0, "{}", own.all());
    let words = own.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("warning: not read: other namespaces: listing pods"), "{}", own.all());
    assert!(words.contains("no known pod matches"), "{}", own.all());
    let strict = homekube.ask("list", &format!("-n monitoring --strict --as {user}"));
    assert_eq!((strict.code, strict.stdout.as_str()), (2, ""), "{}", strict.all());
}

/// A host outside is asked for among the routes of the cluster, and one that they lead in is answered hop
/// by hop, whoever asks.
#[test]
fn a_host_that_is_led_in_is_answered_hop_by_hop() {
    let Ok(homekube) = homekube() else { return };
    let ask =
        |host: &str| homekube.explain(&format!("default/deploy/whoami https://{host}/ -o json"));
    let words = |host: &str| {
        ["explain", "default/whoami", host, "-f", "examples/homekube", "-o", "json"]
            .map(str::to_owned)
    };
    let led = ask("grafana.homekube.example");
    let written = words("https://grafana.homekube.example/");
    let written = netpol(&written.each_ref().map(String::as_str)).json();
    let by = |answer: &Value| -> Vec<String> {
        let ways = answer["ways"].as_array().cloned().unwrap_or_default();
        ways.iter().map(|way| format!("{} {}", way["by"], way["verdict"])).collect()
    };
    assert_eq!(by(&led.json()), by(&written), "{}", led.all());
    assert_eq!(by(&led.json()).len(), 1, "{}", led.all());
    // What no route leads in costs the lists of routes and no more.
    let outside = ask("login.example.com");
    assert!(outside.json()["ways"].is_null(), "{}", outside.all());
    let narrow =
        |uri: &str| uri.contains("/namespaces/") || uri.contains("ingress") || uri == "/apis";
    assert!(outside.requests.iter().all(|request| narrow(&request.uri)), "{}", outside.all());
}
