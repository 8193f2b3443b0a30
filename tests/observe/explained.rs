//! `explain --observe`: what Hubble saw beside the verdict, which never depends on it.

use super::{FLOWS, Fake};
use crate::harness::root;
use crate::run::{FRONT, Run, command, run, text};
use serde_json::Value;
use std::path::Path;

const GRAFANA: &str = "monitoring/deploy/grafana";
const KEYCLOAK: &str = "http://keycloak.identity.svc.cluster.local/realms/home";

fn explain(hubble: &Path, words: &[&str]) -> Run {
    let mut command = command(FRONT, &["explain"]);
    command.args(["-f", "examples/homekube"]).args(words);
    command.env("HUBBLE_BIN", hubble).env_remove("HUBBLE_SERVER").env("COLUMNS", "80");
    run(&mut command, b"")
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}

/// The flows of a recording, as they come from a program too.
#[test]
fn beside_the_verdict() {
    let root = root().display();
    let fake = Fake::hubble("v1.19.4", &format!("cat '{root}/{FLOWS}'"));
    let since = "--observe=2026-11-20T00:00:00Z";
    let live = explain(&fake.program, &[GRAFANA, KEYCLOAK, since, "-o", "json"]);
    assert_eq!(live.code, 1, "{live:?}");
    assert_eq!(
        fake.arguments(),
        "observe -o jsonpb --port-forward --port-forward-port 0 --since 2026-11-20T00:00:00Z \
         --from-pod monitoring/grafana --to-pod identity/keycloak --to-port 8080 --protocol tcp \
         --type policy-verdict --type drop --type l7"
    );
    let observed = &json(&live)["observed"];
    assert_eq!(text(observed, "/source"), "the time since 2026-11-20T00:00:00Z");
    assert_eq!(text(observed, "/asPredicted"), "Yes");
    assert_eq!((observed["flows"].as_u64(), observed["lost"].as_u64()), (Some(2), Some(12)));
    assert_eq!(text(observed, "/last"), "2026-11-20T10:15:30.25Z");
    let counts = observed["counts"].as_array().unwrap().iter();
    let counts: Vec<&str> = counts.map(|count| text(count, "/direction")).collect();
    assert_eq!(counts, ["egress", "ingress"]);

    let recorded =
        explain(&fake.program, &[GRAFANA, KEYCLOAK, "--input-file", FLOWS, "-o", "json"]);
    let recorded = json(&recorded)["observed"].clone();
    assert_eq!(recorded["counts"], observed["counts"]);
    assert_eq!(recorded["rows"], observed["rows"]);
    // In the last five minutes there was none of these, which proves nothing.
    let now = explain(&fake.program, &[GRAFANA, KEYCLOAK, "--observe"]);
    assert!(now.stdout.contains("Observed in the last 5m: nothing between these ends; that is no"));
    assert_eq!(now.code, 1, "{now:?}");
}

/// Words and likely reasons are those of `observe`.
#[test]
fn what_differs_is_told_as_observe_tells_it() {
    let fake = Fake::hubble("v1.19.4", "exit 0");
    let ends = ["ingress-nginx/deploy/ingress-nginx-controller", GRAFANA];
    let flags = ["--port", "3000", "--input-file", FLOWS];
    let differs = explain(&fake.program, &[&ends[..], &flags].concat());
    assert_eq!(differs.code, 0, "{differs:?}");
    for part in [
        "1 forwarded at ingress, 1 dropped at",
        "not all as predicted",
        "ingress denied, predicted allowed: admitted by allow-ingress-nginx",
        "likely: the manifests are not what the cluster has",
    ] {
        assert!(differs.stdout.contains(part), "{part} in {}", differs.stdout);
    }
    // What would be is not compared with what was.
    let without = ["--without", "monitoring/netpol/allow-ingress-nginx"];
    let supposed = explain(&fake.program, &[&ends[..], &flags, &without].concat());
    assert_eq!(supposed.code, 1, "{supposed:?}");
    assert!(supposed.stdout.contains("not compared."), "{}", supposed.stdout);
}

/// Without Hubble the verdict is the same, with its own exit code; stderr says why.
#[test]
fn the_verdict_needs_no_hubble() {
    let plain = explain(Path::new("/nonexistent"), &[GRAFANA, KEYCLOAK]);
    let old = Fake::hubble("v0.11.0", "exit 0");
    let refused = "echo 'rpc error: code = Unavailable desc = connection refused' >&2; exit 1";
    let refused = Fake::hubble("v1.19.4", refused);
    let rubbish = Fake::hubble("v1.19.4", "echo no flows at all");
    for (program, why) in [
        (Path::new("/nonexistent"), "HUBBLE_BIN is /nonexistent"),
        (&old.program, "is Hubble 0.11.0, and observe needs 0.12.0 or newer"),
        (&refused.program, "hubble cannot reach the relay"),
        (&rubbish.program, "has no flows in it"),
    ] {
        let answer = explain(program, &[GRAFANA, KEYCLOAK, "--observe"]);
        assert_eq!((answer.code, &answer.stdout), (1, &plain.stdout), "{why}");
        assert!(answer.stderr.contains("warning: what was observed is not known:"), "{answer:?}");
        assert!(answer.stderr.contains(why), "{why}: {answer:?}");
        assert_eq!(answer.stderr.lines().count(), 1, "{answer:?}");
    }
}
