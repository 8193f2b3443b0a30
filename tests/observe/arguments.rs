//! Every argument list that a filter makes goes through the real CLI.

use super::FLOWS;
use crate::harness::hubble;
use jiff::Timestamp;
use netpol::cluster::Protocol;
use netpol::hubble::{
    EndFilter, Events, Filter, Flow, Pods, PodsOf, Record, Verdict, Window, read,
};
use serde_json::{Value, json};
use std::fs::File;

fn pods(namespace: &str, name: &str, of: PodsOf) -> EndFilter {
    EndFilter::Pods(vec![Pods { namespace: namespace.into(), name: name.into(), of }])
}

fn all_events() -> Filter {
    Filter { events: Events::All, ..Filter::default() }
}

/// What the CLI understands: the allow list, one filter a line, and no deny list.
fn understood(arguments: &[String]) -> Result<Option<Vec<Value>>, String> {
    let Ok(mut command) = hubble() else { return Ok(None) };
    let output = command.args(["observe", "--print-raw-filters"]).args(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    assert!(!text.contains("denylist"), "{text}");
    let filter = |line: &str| {
        let quoted = line.trim().strip_prefix("- '")?.strip_suffix('\'')?;
        Some(serde_json::from_str(quoted).unwrap())
    };
    Ok(Some(text.lines().filter_map(filter).collect()))
}

/// docs/semantics/hubble.md#filters, `--print-raw-filters`: the filter intended, flag by flag.
#[test]
fn filters_mean_to_the_cli_what_they_mean_here() {
    let home = |name: &str| Some(EndFilter::Namespace(name.into()));
    let addresses = |list: &[&str]| {
        Some(EndFilter::Addresses(list.iter().map(|ip| ip.parse().unwrap()).collect()))
    };
    let grafana = Some(pods("monitoring", "grafana", PodsOf::Workload("Deployment".into())));
    let keycloak = Some(pods("identity", "keycloak-0", PodsOf::Pod));
    let cases = [
        (all_events(), json!([])),
        (
            Filter { namespace: Some("identity".into()), ..all_events() },
            json!([{"source_pod": ["identity/"]}, {"destination_pod": ["identity/"]}]),
        ),
        (
            // The documentation's `--namespace monitoring --to-namespace identity`, which the CLI
            // refuses.
            Filter { namespace: Some("monitoring".into()), to: home("identity"), ..all_events() },
            json!([{"source_pod": ["monitoring/"], "destination_pod": ["identity/"]}]),
        ),
        (
            Filter { namespace: Some("identity".into()), from: grafana.clone(), ..all_events() },
            json!([{"source_pod": ["monitoring/grafana"], "destination_pod": ["identity/"]}]),
        ),
        (
            // The named end is in the namespace already.
            Filter { namespace: Some("identity".into()), to: keycloak.clone(), ..all_events() },
            json!([{"destination_pod": ["identity/keycloak-0"]}]),
        ),
        (
            Filter {
                from: grafana,
                to: keycloak,
                to_port: Some(8080),
                protocol: Some(Protocol::Tcp),
                verdicts: vec![Verdict::Dropped, Verdict::Audit],
                ..Filter::default()
            },
            json!([{
                "source_pod": ["monitoring/grafana"], "destination_pod": ["identity/keycloak-0"],
                "verdict": ["DROPPED", "AUDIT"], "event_type": [{"type": 5}, {"type": 1}, {"type": 129}],
                "protocol": ["tcp"], "destination_port": ["8080"],
            }]),
        ),
        (
            Filter {
                from: addresses(&["10.244.1.20", "fd00::7"]),
                to: Some(EndFilter::Domain("login.example.com".into())),
                verdicts: vec![Verdict::Forwarded, Verdict::Redirected],
                ..all_events()
            },
            json!([{
                "source_ip": ["10.244.1.20", "fd00::7"], "destination_fqdn": ["login.example.com"],
                "verdict": ["FORWARDED", "REDIRECTED"],
            }]),
        ),
        (
            Filter {
                namespace: Some("identity".into()),
                to: Some(EndFilter::Domain("login.example.com".into())),
                ..all_events()
            },
            json!([{"source_pod": ["identity/"], "destination_fqdn": ["login.example.com"]}]),
        ),
    ];
    for (filter, expected) in cases {
        let arguments = filter.arguments(&Window::default());
        match understood(&arguments) {
            Ok(None) => return,
            Ok(Some(filters)) => assert_eq!(json!(filters), expected, "{arguments:?}"),
            Err(said) => panic!("{arguments:?}: {said}"),
        }
    }
}

/// Whatever stands on either side, the CLI never refuses it.
#[test]
fn no_combination_is_refused() {
    let ends = [
        None,
        Some(EndFilter::Namespace("identity".into())),
        Some(EndFilter::Namespace("monitoring".into())),
        Some(pods("identity", "keycloak", PodsOf::Either)),
        Some(EndFilter::Addresses(vec![
            "10.0.0.1".parse().unwrap(),
            "2001:db8::1".parse().unwrap(),
        ])),
        Some(EndFilter::Domain("example.com".into())),
    ];
    let windows = [
        Window::default(),
        Window { since: Some(Timestamp::UNIX_EPOCH), last: None, follow: true },
        Window {
            since: "2026-01-01T00:00:00.123456789Z".parse().ok(),
            last: Some(5),
            follow: false,
        },
    ];
    for namespace in [None, Some("identity")] {
        for from in &ends {
            for to in &ends {
                let filter = Filter {
                    namespace: namespace.map(Into::into),
                    from: from.clone(),
                    to: to.clone(),
                    to_port: Some(53),
                    protocol: Some(Protocol::Udp),
                    verdicts: vec![Verdict::Forwarded],
                    events: Events::Decisions,
                };
                let arguments = filter.arguments(&Window::default());
                match understood(&arguments) {
                    Ok(None) => return,
                    Ok(Some(filters)) => assert!(!filters.is_empty(), "{arguments:?}"),
                    Err(said) => panic!("{arguments:?}: {said}"),
                }
            }
        }
    }
    for window in windows {
        let arguments = Filter::default().arguments(&window);
        assert!(understood(&arguments).is_ok(), "{arguments:?}: {:?}", understood(&arguments));
    }
}

fn flows(source: impl std::io::Read) -> Vec<Flow> {
    let mut flows = Vec::new();
    read(source, |batch| {
        flows.extend(batch.into_iter().filter_map(|record| match record {
            Record::Flow(flow) => Some(*flow),
            _ => None,
        }));
        true
    })
    .unwrap();
    flows
}

/// Hubble may send more than what is asked for, and never less: what is left of it after asking each
/// flow once more is what asking every flow of the recording gives.
#[test]
fn the_cli_sends_every_flow_that_is_wanted() {
    let all = flows(File::open(FLOWS).unwrap());
    let kind = |kind: &str| PodsOf::Workload(kind.into());
    let filters = [
        Filter::default(),
        all_events(),
        Filter { namespace: Some("identity".into()), ..Filter::default() },
        Filter { verdicts: vec![Verdict::Audit, Verdict::Redirected], ..Filter::default() },
        Filter {
            from: Some(pods("monitoring", "grafana", kind("Deployment"))),
            ..Filter::default()
        },
        Filter { to: Some(pods("identity", "keycloak", kind("StatefulSet"))), ..Filter::default() },
        Filter { to: Some(pods("identity", "keycloak-0", PodsOf::Either)), ..all_events() },
        Filter { to: Some(pods("identity", "key", PodsOf::Prefix)), ..all_events() },
        Filter { to: Some(EndFilter::Domain("login.example.com".into())), ..Filter::default() },
        Filter {
            to: Some(EndFilter::Addresses(vec!["203.0.113.10".parse().unwrap()])),
            ..Filter::default()
        },
        Filter { to_port: Some(53), protocol: Some(Protocol::Udp), ..Filter::default() },
        Filter { to_port: Some(53), protocol: Some(Protocol::Tcp), ..Filter::default() },
        Filter {
            namespace: Some("ingress-nginx".into()),
            to: Some(EndFilter::Namespace("identity".into())),
            ..Filter::default()
        },
    ];
    let mut matched = 0;
    for filter in filters {
        let Ok(mut command) = hubble() else { return };
        let arguments = filter.arguments(&Window::default());
        let output = command
            .args(["observe", "--input-file", FLOWS, "-o", "jsonpb"])
            .args(&arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}");
        let sent: Vec<Flow> =
            flows(&*output.stdout).into_iter().filter(|flow| filter.has(flow)).collect();
        let wanted: Vec<Flow> = all.iter().filter(|flow| filter.has(flow)).cloned().collect();
        assert_eq!(sent, wanted, "{arguments:?}");
        matched += wanted.len();
    }
    assert!(matched > 60, "{matched}");
}
