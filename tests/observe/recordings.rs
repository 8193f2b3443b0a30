//! Recorded flows of HomeKube, directly and through the real CLI.

use super::{FLOWS, lines, observe, recorded};
use crate::harness::{hubble, root};
use crate::run::{list, run, text};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// The recording through the real CLI and a pipe gives what the recording itself gives.
#[test]
fn through_the_real_cli_nothing_changes() {
    let Ok(mut command) = hubble() else { return };
    let output = command.args(["observe", "--input-file", FLOWS, "-o", "jsonpb"]).output().unwrap();
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        fs::read_to_string(root().join(FLOWS)).unwrap()
    );
    for words in [&["-o", "json"][..], &[], &["--summary"], &["--trace"]] {
        let base = ["-f", "examples/homekube", "--input-file", "-"];
        let piped = run(&mut observe(&[&base, words].concat(), None), &output.stdout);
        let direct = recorded(words);
        assert_eq!((piped.code, &piped.stdout), (0, &direct.stdout), "{words:?}");
    }
}

/// `hubble observe -o json` writes each flow without what it comes in.
#[test]
fn flows_alone_are_read_as_well() {
    let recording = fs::read_to_string(root().join(FLOWS)).unwrap();
    let flows = recording.lines().filter_map(|line| {
        let flow = serde_json::from_str::<Value>(line).unwrap()["flow"].take();
        flow.is_object().then(|| format!("{flow}\n"))
    });
    let alone: String = flows.collect();
    let base = ["-f", "examples/homekube", "--input-file", "-", "-o", "json"];
    let read = run(&mut observe(&base, None), alone.as_bytes());
    let mut direct = lines(&recorded(&["-o", "json"]));
    direct.retain(|line| line.get("observed").is_some());
    assert_eq!((read.code, direct.len()), (0, 17));
    assert_eq!(lines(&read), direct);
}

/// The first line of a flow is the line that Hubble's users know.
#[test]
fn a_flow_reads_as_hubble_prints_it() {
    let Ok(mut command) = hubble() else { return };
    let output =
        command.args(["observe", "--input-file", FLOWS, "--print-policy-names"]).output().unwrap();
    let theirs = String::from_utf8(output.stdout).unwrap();
    // Of the two events of one denied packet, the second is not shown.
    let theirs: Vec<&str> = theirs
        .lines()
        .filter(|line| !line.contains("EVENTS LOST") && !line.contains("Policy denied DROPPED"))
        .collect();
    let ours = recorded(&["--trace"]);
    let ours: Vec<&str> = ours.stdout.lines().filter(|line| line.starts_with("Nov ")).collect();
    assert_eq!(ours, theirs);
    assert_eq!(ours.len(), 18);
}

/// What is wanted of a flow: direction, Hubble's verdict, source, destination and port; whether it is
/// as predicted, the prediction, and the policy that admits or comes nearest.
type Expected = [&'static str; 8];

const EXPECTED: [Expected; 17] = [
    [
        "egress",
        "DROPPED",
        "grafana",
        "keycloak",
        "8080",
        "Yes",
        "Denied",
        "allow-grafana-to-keycloak",
    ],
    [
        "ingress",
        "DROPPED",
        "grafana",
        "keycloak",
        "8080",
        "Yes",
        "Denied",
        "allow-prometheus-scrape",
    ],
    ["egress", "FORWARDED", "grafana", "coredns", "53", "Yes", "Allowed", "allow-dns-egress"],
    ["ingress", "FORWARDED", "grafana", "coredns", "53", "Yes", "Allowed", ""],
    ["egress", "REDIRECTED", "prometheus", "coredns", "53", "Yes", "Allowed", "allow-dns-egress"],
    ["ingress", "FORWARDED", "ingress", "grafana", "3000", "Yes", "Allowed", "allow-ingress-nginx"],
    ["egress", "FORWARDED", "ingress", "keycloak", "8080", "Yes", "Allowed", ""],
    ["ingress", "AUDIT", "ingress", "keycloak", "8080", "Yes", "Denied", "allow-ingress-nginx"],
    ["egress", "AUDIT", "prometheus", "keycloak", "8080", "Yes", "Denied", "allow-dns-egress"],
    [
        "ingress",
        "FORWARDED",
        "prometheus",
        "keycloak",
        "8080",
        "Yes",
        "Allowed",
        "allow-prometheus-scrape",
    ],
    ["egress", "DROPPED", "grafana", "keycloak", "", "Yes", "Denied", "allow-grafana-to-keycloak"],
    ["egress", "DROPPED", "keycloak", "", "443", "Yes", "Denied", "allow-dns-egress"],
    ["egress", "DROPPED", "whoami", "", "8080", "NotCompared", "Denied", "allow-dns-egress"],
    ["ingress", "FORWARDED", "", "keycloak", "8080", "Yes", "", ""],
    ["egress", "FORWARDED", "grafana", "prometheus", "9090", "No", "Denied", "allow-dns-egress"],
    ["ingress", "DROPPED", "ingress", "grafana", "3000", "No", "Allowed", "allow-ingress-nginx"],
    ["ingress", "DROPPED", "batch", "whoami", "8080", "NotCompared", "", ""],
];

/// The issue: right decisions on HomeKube, both directions, in all four verdicts.
#[test]
fn every_flow_of_homekube_is_judged_rightly() {
    let answer = recorded(&["-o", "json"]);
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
    let answers = lines(&answer);
    let (lost, flows): (Vec<Value>, Vec<Value>) =
        answers.into_iter().partition(|line| text(line, "/kind") == "LostEvents");
    assert_eq!(lost.len(), 1);
    assert_eq!((&lost[0]["count"], text(&lost[0], "/node")), (&12.into(), "worker-2"));
    assert_eq!(flows.len(), EXPECTED.len());
    for (flow, expected) in flows.iter().zip(EXPECTED) {
        let direction = text(flow, "/direction");
        let pod = |pointer: &str| text(flow, pointer).split('-').next().unwrap().to_owned();
        let predicted = &flow["predicted"][direction];
        let port = flow["port"].as_u64().map_or(String::new(), |port| port.to_string());
        let found = [
            direction,
            text(flow, "/observed/verdict"),
            &pod("/source/pod"),
            &pod("/destination/pod"),
            &port,
            text(flow, "/asPredicted"),
            text(predicted, "/verdict"),
            text(predicted, "/policies/0/name"),
        ];
        assert_eq!(found, expected, "{flow:#}");
        // What explains says of the same flow is the same.
        assert_eq!(flow["likely"].is_array(), expected[5] == "No");
    }
    let verdicts: BTreeMap<(&str, &str), usize> =
        flows.iter().fold(BTreeMap::new(), |mut verdicts, flow| {
            let key = (text(flow, "/direction"), text(flow, "/observed/verdict"));
            *verdicts.entry(key).or_default() += 1;
            verdicts
        });
    for verdict in ["DROPPED", "FORWARDED", "AUDIT"] {
        assert!(
            verdicts.contains_key(&("egress", verdict))
                && verdicts.contains_key(&("ingress", verdict))
        );
    }
    assert!(verdicts.contains_key(&("egress", "REDIRECTED")));
}

/// With the repaired manifests the drops of Grafana are against the prediction.
#[test]
fn against_the_repair_the_drops_are_not_as_predicted() {
    let words = ["-f", "examples/homekube-fixed", "--input-file", FLOWS, "-o", "json"];
    let answer = run(&mut observe(&words, None), b"");
    let flows = lines(&answer);
    let grafana: Vec<&Value> = flows
        .iter()
        .filter(|flow| {
            text(flow, "/source/pod").starts_with("grafana")
                && text(flow, "/destination/pod") == "keycloak-0"
                && flow["port"] == 8080
        })
        .collect();
    assert_eq!(grafana.len(), 2);
    for flow in grafana {
        assert_eq!(text(flow, "/asPredicted"), "No", "{flow:#}");
        let likely = list(flow, "/likely");
        assert_eq!(likely, ["the manifests are not what the cluster has"]);
    }
}

#[test]
fn filters_are_applied_to_recordings_too() {
    let count = |words: &[&str]| {
        let answer = recorded(&[words, &["-o", "json"]].concat());
        assert_eq!(answer.code, 0, "{answer:?}");
        lines(&answer).iter().filter(|line| text(line, "/kind") == "ObservedFlow").count()
    };
    let two = recorded(&["--to-port", "53/TCP", "--protocol", "udp"]);
    assert!(two.code == 2 && two.stderr.contains("two protocols: TCP"), "{two:?}");
    for (words, expected) in [
        (&[][..], 17),
        (&["--trace"], 18),
        (&["-n", "identity"], 9),
        (&["-n", "monitoring", "--to", "ns/identity"], 5),
        (&["--from", "monitoring/deploy/grafana", "--to", "identity/svc/keycloak"], 3),
        (&["--from", "monitoring/deploy/grafana", "--to", "identity/svc/keycloak:80"], 2),
        (&["-n", "monitoring", "--from", "grafana"], 6),
        (&["--to", "http://keycloak.identity.svc.cluster.local/"], 7),
        (&["--to", "203.0.113.10"], 1),
        (&["--to", "https://login.example.com"], 1),
        (&["--port", "53/UDP"], 3),
        (&["--port", "53/TCP"], 0),
        (&["--verdict", "audit", "--verdict", "redirected"], 3),
        // The words of Hubble's own CLI.
        (&["--verdict", "AUDIT", "--verdict", "REDIRECTED", "-A"], 3),
        (&["--from-namespace", "monitoring", "--to-namespace", "identity"], 5),
        (&["--from-pod", "monitoring/grafana", "--to-pod", "identity/keycloak"], 3),
        (&["--to-ip", "203.0.113.10"], 1),
        (&["--to-port", "53", "--protocol", "udp"], 3),
        (&["--protocol", "UDP"], 3),
        (&["--to-fqdn", "https://login.example.com"], 1),
        (&["--verdict", "forwarded", "--last", "2"], 2),
        (&["--since", "2026-11-20T10:15:31Z"], 6),
        (&["--since", "2026-11-20T10:15:31Z", "--last", "1"], 1),
        (&["--since", "2099-01-01T00:00:00Z"], 0),
    ] {
        assert_eq!(count(words), expected, "{words:?}");
    }
}

/// Nothing to show is no answer by itself: it says whether the recording is too old or the filter too
/// narrow.
#[test]
fn an_empty_answer_says_why() {
    let old = "warning: none of 20 flows is that new: the last is of 2026-11-20T10:15:31.6Z, and --since \
               asks for what came after 2099-01-01T00:00:00Z\n";
    let narrow = "warning: none of 20 flows is of what is asked for: --from, --to, --port, --verdict and -n \
                  leave nothing of them\n";
    for (words, why) in [
        (&["--since", "2099-01-01T00:00:00Z"][..], old),
        (&["--port", "53/TCP"], narrow),
        (&["-n", "monitoring", "--verdict", "audit", "--port", "1"], narrow),
        (&["--since", "2026-11-20T10:15:31Z", "--port", "53/TCP"], narrow),
    ] {
        for form in [&[][..], &["--summary"], &["-o", "json"]] {
            let answer = recorded(&[words, form].concat());
            assert_eq!(answer.code, 0, "{answer:?}");
            assert!(answer.stderr.ends_with(why), "{words:?} {form:?}: {why} in {answer:?}");
        }
    }
}

/// docs/semantics/cilium-ports.md#icmp: two types of ICMP are two flows, as two ports are.
#[test]
fn types_of_icmp_are_told_apart() {
    let flow = |kind: u8| {
        format!(
            "{{\"flow\":{{\"time\":\"2026-11-20T10:15:30Z\",\"verdict\":\"FORWARDED\",\"event_type\":\
             {{\"type\":5}},\"traffic_direction\":\"EGRESS\",\"IP\":{{\"source\":\"10.0.0.1\",\
             \"destination\":\"10.0.0.2\"}},\"l4\":{{\"ICMPv4\":{{\"type\":{kind}}}}},\"source\":\
             {{\"namespace\":\"a\",\"pod_name\":\"b\"}},\"destination\":{{\"namespace\":\"c\",\
             \"pod_name\":\"d\"}}}}}}\n"
        )
    };
    let both = [flow(8), flow(13)].concat();
    let words = ["-f", "examples/homekube", "--input-file", "-"];
    let ask = |more: &[&str]| run(&mut observe(&[&words, more].concat(), None), both.as_bytes());
    let summary = ask(&["--summary", "-o", "json"]).json();
    let rows = list(&summary, "/rows");
    let ports: BTreeSet<&str> = rows.iter().map(|row| text(row, "/port")).collect();
    assert_eq!(ports, ["ICMPv4 type 8", "ICMPv4 type 13"].into(), "{summary:#}");
    let each = ask(&["-o", "json"]);
    let kinds: Vec<Value> = lines(&each).iter().map(|line| line["icmpType"].clone()).collect();
    assert_eq!(kinds, [8, 13], "{each:?}");
}

#[test]
fn equal_flows_are_counted() {
    let many = fs::read_to_string(root().join(FLOWS)).unwrap().repeat(3);
    let words = ["-f", "examples/homekube", "--input-file", "-", "--summary", "-o", "json"];
    let answer = run(&mut observe(&words, None), many.as_bytes());
    let summary = answer.json();
    assert_eq!(text(&summary, "/kind"), "ObservedSummary");
    let totals = ["flows", "notAsPredicted", "lost", "notListed"].map(|name| &summary[name]);
    assert_eq!(totals, [51, 6, 36, 0]);
    let rows = list(&summary, "/rows");
    assert_eq!(rows.len(), 17);
    assert!(rows.iter().all(|row| row["count"] == 3));
    let first: Vec<&str> = rows.iter().take(2).map(|row| text(row, "/asPredicted")).collect();
    assert_eq!(first, ["No", "No"]);
    assert_eq!(text(&rows[9], "/from"), "monitoring/deploy/grafana");
}

#[test]
fn names_of_flows_cannot_steer_a_terminal() {
    let hostile = concat!(
        r#"{"flow":{"verdict":"DROPPED","event_type":{"type":5},"traffic_direction":"EGRESS","#,
        r#""drop_reason_desc":"\u001b]0;x\u0007","Summary":"\u001b[2J\n\u202e","#,
        r#""source":{"namespace":"a\u001b[31m","pod_name":"b\r\n"},"#,
        r#""destination":{"namespace":"c","pod_name":"d\u009b"},"#,
        r#""IP":{"source":"10.0.0.1","destination":"10.0.0.2"},"node_name":"\u001b","#,
        r#""egress_denied_by":[{"name":"\u001b[1m","kind":"\u202eK"}]}}"#,
        "\n",
        r#"{"lost_events":{"source":"\u001b[31m","num_events_lost":"1"},"node_name":"\u001b"}"#,
        "\n\u{1b}[31m rubbish\n",
    );
    for words in [&[][..], &["-o", "json"], &["--summary"], &["--summary", "-o", "json"]] {
        let base = ["-f", "examples/homekube", "--input-file", "-", "--color", "never"];
        let answer = run(&mut observe(&[&base, words].concat(), None), hostile.as_bytes());
        assert_eq!(answer.code, 0, "{answer:?}");
        for said in [&answer.stdout, &answer.stderr] {
            let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!said.contains(steers), "{words:?}: {said:?}");
        }
    }
}
