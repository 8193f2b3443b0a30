//! The commands of HomeKube's page, and their equivalents in the README: each one is run.

use crate::harness::{Answer, Controllers, FIRST, FluxKube, fluxkube, hubble, plugin, root};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

const FLOWS: &str = "examples/flows/homekube.jsonl";
const SECOND: &str = "main@sha1:2222222222222222222222222222222222222222";

/// The page's commands as they stand in the README, each with ours.
fn table() -> Vec<(String, String)> {
    let root = root();
    let text = fs::read_to_string(root.join("README.md")).unwrap();
    let section = text.split("## HomeKube's commands\n").nth(1).expect("the section");
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [page, ours] = cells[..] else { panic!("{line}") };
        let code = |cell: &str| cell.split('`').nth(1).map(str::to_owned);
        let known = code(page).filter(|_| page.starts_with('`'));
        (known.unwrap_or_else(|| page.to_owned()), code(ours).expect("a command"))
    };
    rows.map(row).collect()
}

/// Programs that stand for the real ones: hubble is the real CLI on the recording.
struct Programs {
    directory: tempfile::TempDir,
}

impl Programs {
    fn new(hubble: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let flows = fs::canonicalize(root().join(FLOWS)).unwrap();
        let hubble = hubble.display();
        let recording = format!(
            "[ \"$1\" = version ] && exec '{hubble}' version\n\
             exec '{hubble}' \"$@\" --input-file '{}'",
            flows.display()
        );
        for (name, script) in [("hubble", recording), ("cilium", "echo cilium \"$@\"".to_owned())] {
            let path = directory.path().join(name);
            fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// A line of the table as its reader types it, in a directory of its own.
fn ask(kube: &FluxKube, programs: &Programs, line: &str) -> Answer {
    let words = line.strip_prefix("kubectl netpol ").expect("one of ours");
    let cluster = &kube.homekube.cluster;
    let mut command = plugin(cluster, &cluster.admin());
    command
        .current_dir(programs.directory.path())
        .env("HUBBLE_BIN", programs.path("hubble"))
        .env("CILIUM_BIN", programs.path("cilium"))
        // With an address no port is forwarded, which does not go with a recording.
        .env("HUBBLE_SERVER", "localhost:1")
        .arg("netpol");
    kube.homekube.ask_with(&mut command, words)
}

/// The flows of an answer: Hubble's own lines.
fn flows(answer: &Answer) -> Vec<&str> {
    answer.stdout.lines().filter(|line| line.starts_with("Nov ")).collect()
}

#[test]
fn every_line_of_the_table_is_run() {
    let Ok(real) = hubble() else { return };
    let Ok((kube, _turn)) = fluxkube() else { return };
    let programs = Programs::new(Path::new(real.get_program()));
    let table = table();
    assert_eq!(table.len(), 8, "{table:?}");
    for (page, line) in table {
        let answer = match page.split_whitespace().next().unwrap() {
            "flux" => reconciled(kube, &programs, &page, &line),
            _ => ask(kube, &programs, &line),
        };
        let all = answer.all();
        match page.as_str() {
            "cilium hubble ui" => {
                assert_eq!(answer.stdout, "cilium hubble ui\n", "{all}");
            }
            "hubble observe --namespace identity --follow" => {
                assert_eq!(answer.code, 0, "{all}");
                assert!(flows(&answer).len() > 5, "{all}");
                assert!(flows(&answer).iter().all(|flow| flow.contains(" identity/")), "{all}");
                assert!(all.contains("as predicted: ingress of identity/pod/keycloak-0"), "{all}");
            }
            verdict if verdict.starts_with("hubble observe --namespace monitoring") => {
                refused_by_hubble(&page);
                let forwarded = verdict.ends_with("FORWARDED");
                assert_eq!(answer.code, 0, "{all}");
                assert_eq!(flows(&answer).len(), if forwarded { 1 } else { 3 }, "{all}");
                let ours = |flow: &&&str| {
                    flow.contains(": monitoring/")
                        && flow.contains(" identity/keycloak-0")
                        && flow.contains(if forwarded { "ALLOWED" } else { "DENIED" })
                };
                assert_eq!(flows(&answer).iter().filter(ours).count(), flows(&answer).len());
            }
            "flux reconcile kustomization identity --with-source"
            | "flux reconcile kustomization observability --with-source" => {
                let name = page.split_whitespace().nth(3).unwrap();
                let done =
                    format!("reconciled: Kustomization flux-system/{name} is at main@sha1:2222");
                assert!(answer.stderr.contains(&done), "{all}");
                assert!(answer.stderr.contains("reconciled: GitRepository flux-system/homekube"));
            }
            "the table of namespaces" => {
                assert_eq!(answer.code, 0, "{all}");
                assert!(answer.stdout.contains("DNS only"), "{all}");
                assert!(answer.stdout.contains("Default deny: ingress in 3 of"), "{all}");
            }
            "the files of `infrastructure/network-policies`" => {
                assert_eq!(answer.code, 0, "{all}");
                let there = programs.path("infrastructure/network-policies");
                // The three files of the page.
                for name in ["default-deny-ingress", "allow-dns-egress", "allow-monitoring-scrape"]
                {
                    assert!(there.join(format!("{name}.yaml")).exists(), "{name}: {all}");
                }
            }
            _ => panic!("{page} is not run"),
        }
    }
}

/// docs/semantics/hubble.md#filters-that-exclude-each-other: the page's own line fails.
fn refused_by_hubble(page: &str) {
    let Ok(mut real) = hubble() else { return };
    let words = page.split_whitespace().skip(1);
    let output = real.args(words).args(["--input-file", FLOWS]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("cannot be combined"), "{said}");
}

/// The line with controllers that take up what it asks for; the Kustomization has made a policy that
/// decides.
fn reconciled(kube: &'static FluxKube, programs: &Programs, page: &str, line: &str) -> Answer {
    if page.contains(" identity ") {
        kube.applied("identity", FIRST, &["identity_allow-ingress-nginx"]);
    }
    let controllers = Controllers::start(kube, SECOND, |_| Ok(()));
    let answer = ask(kube, programs, line);
    drop(controllers);
    answer
}
