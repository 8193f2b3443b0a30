//! Flows of other logs, in the plain form of docs/bootstrap.md#flows-of-other-plugins.

use super::Fake;
use crate::documents::documented;
use crate::harness::Files;
use crate::run::{FRONT, Run, command, run};
use std::process::{Command, Stdio};

const PODS: &str = "\
{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {containers: [{name: c, ports: [{containerPort: 80}]}]}, status: {phase: Running, podIP: 10.0.0.1}}
---
{apiVersion: v1, kind: Pod, metadata: {name: db, namespace: shop, labels: {app: db}}, spec: {containers: [{name: c, ports: [{containerPort: 5432}]}]}, status: {phase: Running, podIP: 10.0.0.2}}
";

fn learned(flows: &str) -> Run {
    let files = Files::new(&[("pods.yaml", PODS), ("flows", flows)]);
    let mut learn = command(FRONT, &["bootstrap", "shop", "--dns=namespace", "-f", "pods.yaml"]);
    let fake = Fake::hubble("v1.19.4", "exit 0");
    learn.args(["--input-file", "flows"]).env("HUBBLE_BIN", &fake.program);
    run(learn.current_dir(files.path("")), b"")
}

#[test]
fn json_lines_and_commas_teach_the_same() {
    let json = "\
        {\"time\":\"2026-01-31T12:00:00Z\",\"source\":\"shop/web\",\"destination\":\"shop/db\",\"port\":5432,\"verdict\":\"allowed\"}\n\
        {\"time\":\"2026-01-31T12:00:01Z\",\"source\":\"shop/web\",\"destination\":\"192.0.2.7\",\"port\":\"443\",\"verdict\":\"allowed\"}\n\
        {\"time\":\"2026-01-31T12:00:02Z\",\"source\":\"shop/db\",\"destination\":\"shop/web\",\"port\":80,\"verdict\":\"denied\"}\n";
    let commas = "\
        time,source,destination,port,verdict\n\
        2026-01-31T12:00:00Z,10.0.0.1,10.0.0.2,5432,ACCEPT\n\
        2026-01-31T12:00:01Z,shop/web,192.0.2.7,443/TCP,ACCEPT\n\
        2026-01-31T12:00:02Z,\"shop/db\",shop/web,80,DROP\n";
    let (json, commas) = (learned(json), learned(commas));
    assert_eq!((json.code, commas.code), (0, 0), "{json:?}{commas:?}");
    assert_eq!(json.stdout, commas.stdout);
    for name in ["allow-db-from-web", "allow-web-to-db", "allow-web-to-outside"] {
        assert!(json.stdout.contains(&format!("name: {name}\n")), "{name}: {json:?}");
    }
    assert!(!json.stdout.contains("allow-web-from-db"), "what was denied is not learned: {json:?}");
    let wrong = learned("2026-01-31T12:00:00Z,shop/web,shop,80,allowed\n");
    assert!(wrong.code == 2 && wrong.stderr.contains("is no end"), "{wrong:?}");
}

/// The recipes of the documentation, on lines of the form that these logs have.
#[test]
fn recipes_make_that_form() {
    let gke = r#"{"timestamp":"2026-01-31T12:00:00.5Z","jsonPayload":{"connection":{"src_ip":"10.0.0.1","dest_ip":"10.0.0.2","src_port":40000,"dest_port":5432,"protocol":"tcp","direction":"ingress"},"disposition":"allow"}}"#;
    let vpc = "2 123456789010 eni-1235b8ca123456789 10.0.0.1 10.0.0.2 40000 5432 6 20 4249 1769860800 1769860860 ACCEPT OK";
    for (name, program, line) in [("sh gke", "jq", gke), ("sh vpc", "awk", vpc)] {
        if which::which(program).is_err() {
            continue;
        }
        let recipe = documented("docs/bootstrap.md", name);
        let files = Files::new(&[("log", &format!("{line}\n"))]);
        let made = Command::new("sh")
            .args(["-c", recipe.trim()])
            .current_dir(files.path(""))
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        let made = String::from_utf8(made.stdout).unwrap();
        let learned = learned(&made);
        assert!(learned.stdout.contains("name: allow-web-to-db\n"), "{made}{learned:?}");
    }
}
