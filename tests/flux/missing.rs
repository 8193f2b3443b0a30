//! A policy that files have and the cluster has not: where on the way it is.

use super::{json, says};
use crate::harness::{FluxKube, expect_success, fluxkube, root};
use std::path::{Path, PathBuf};
use std::process::Command;

/// HomeKube, repaired, in a Git checkout: the policy that admits Grafana is not in the cluster.
struct Checkout {
    directory: tempfile::TempDir,
}

const WORDS: &str = "explain -n monitoring deploy/grafana identity/svc/keycloak --with -f identity";
const POLICY: &str = "identity/netpol/allow-grafana-ingress";

impl Checkout {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let checkout = Self { directory };
        checkout.git(&["init", "--quiet"]);
        std::fs::create_dir(checkout.path().join("identity")).expect("a directory");
        checkout
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn git(&self, words: &[&str]) -> String {
        let mut command = Command::new("git");
        command.current_dir(self.path()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.args(["-c", "user.name=a", "-c", "user.email=a@example.com"]).args(words);
        expect_success(&mut command).trim().to_owned()
    }

    /// Commits what there is; the revision as Flux writes it.
    fn commit(&self) -> String {
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", "x"]);
        format!("main@sha1:{}", self.git(&["rev-parse", "HEAD"]))
    }

    fn write(&self, port: u16) -> PathBuf {
        let file = self.path().join("identity/grafana.yaml");
        let policy = format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
             metadata: {{name: allow-grafana-ingress, namespace: identity}}\n\
             spec:\n  podSelector: {{}}\n  policyTypes: [Ingress]\n  ingress:\n  \
             - ports: [{{port: {port}}}]\n"
        );
        std::fs::write(&file, policy).expect("a file");
        file
    }

    fn ask(&self, kube: &FluxKube, more: &str) -> crate::harness::Answer {
        kube.netpol_in(self.path(), self.path(), &format!("{WORDS} {more}"))
    }
}

#[test]
fn where_a_missing_policy_is() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    let checkout = Checkout::new();
    let without = checkout.commit();
    let short = |revision: &str| revision[..18].to_owned();

    // Written and not committed.
    checkout.write(8080);
    kube.fetched(&without);
    kube.applied("identity", &without, &[]);
    let answer = checkout.ask(kube, "");
    let sentence = format!(
        "Flux: {POLICY} is neither in the cluster nor in Git at {0}. Kustomization \
         flux-system/identity has applied {0}, all that GitRepository flux-system/homekube has. \
         Commit and push identity/grafana.yaml.",
        short(&without)
    );
    assert!(says(&answer, &sentence), "{}", answer.all());

    // Pushed and fetched, and not applied since.
    let with = checkout.commit();
    kube.fetched(&with);
    kube.suspend("kustomization", "identity");
    let answer = checkout.ask(kube, "");
    let sentence = format!(
        "Flux: {POLICY} is in Git at {1} but not in the cluster. Kustomization flux-system/identity \
         last applied {0} and not yet {1} of GitRepository flux-system/homekube, because it is \
         suspended. `flux resume kustomization identity -n flux-system` lets it go on.",
        short(&without),
        short(&with)
    );
    assert!(says(&answer, &sentence), "{}", answer.all());
    let answer = json(&checkout.ask(kube, "-o json"));
    let deliveries = answer["deliveries"].as_array().expect("deliveries");
    let identity = deliveries.iter().find(|it| it["name"] == "identity").expect("identity");
    assert_eq!(identity["missing"], serde_json::json!([POLICY]), "{answer:#}");
    assert_eq!(identity["revision"], without.as_str());
    assert_eq!(identity["source"]["revision"], with.as_str());

    // Another version of it is on the way.
    checkout.write(8443);
    let answer = checkout.ask(kube, "");
    let sentence =
        format!("and Git has it at {} otherwise than identity/grafana.yaml.", short(&with));
    assert!(says(&answer, &sentence), "{}", answer.all());
}

#[test]
fn what_is_applied_and_not_there() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    let checkout = Checkout::new();
    checkout.write(8080);
    let with = checkout.commit();
    kube.fetched(&with);
    // Not among what the kustomization lists.
    kube.applied("identity", &with, &[]);
    let answer = checkout.ask(kube, "");
    let sentence = format!(
        "It makes no {POLICY} of it. Is identity/grafana.yaml among the resources of its \
         kustomization.yaml?"
    );
    assert!(says(&answer, &sentence), "{}", answer.all());
    // Made, and deleted by somebody.
    kube.applied("identity", &with, &["identity_allow-grafana-ingress"]);
    let answer = checkout.ask(kube, "");
    let sentence =
        format!("{POLICY} was deleted since. Add --reconcile to have Flux put it back now.");
    assert!(says(&answer, &sentence), "{}", answer.all());
    // Of a commit that is not here nothing is known.
    kube.fetched("main@sha1:3333333333333333333333333333333333333333");
    let answer = checkout.ask(kube, "");
    let sentence = "Whether Git has it at main@sha1:33333333 is not known, since this clone does not \
                    have that commit.";
    assert!(says(&answer, sentence), "{}", answer.all());
    // Outside a checkout there is the inventory alone.
    std::fs::remove_dir_all(checkout.path().join(".git")).expect("a repository");
    let answer = checkout.ask(kube, "");
    let sentence =
        format!("Flux: {POLICY} is not in the cluster. Kustomization flux-system/identity");
    assert!(says(&answer, &sentence), "{}", answer.all());
}

/// What is laid over the cluster and is there already is nothing that is missing.
#[test]
fn what_is_there_is_not_missing() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    let words =
        "explain -n monitoring deploy/grafana identity/svc/keycloak --with -f examples/homekube";
    let answer = json(&kube.netpol(&format!("{words} -o json")));
    let deliveries = answer["deliveries"].as_array().expect("deliveries");
    assert_eq!(deliveries.len(), 1, "{answer:#}");
    assert_eq!(deliveries[0]["name"], "observability");
    assert_eq!(deliveries[0].get("missing"), None);
}

/// The cluster's own is from somewhere else than the file.
#[test]
fn what_is_made_otherwise() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    let checkout = Checkout::new();
    let policies = "examples/homekube-fixed/observability/network-policies.yaml";
    let policies = root().join(policies);
    std::fs::copy(policies, checkout.path().join("identity/fixed.yaml")).expect("a file");
    let head = checkout.commit();
    kube.fetched(&head);
    kube.applied("observability", &head, &[]);
    let answer = checkout.ask(kube, "");
    let sentence = format!(
        "monitoring/netpol/allow-grafana-to-keycloak is in Git at {}; the cluster has it otherwise.",
        &head[..18]
    );
    assert!(says(&answer, &sentence), "{}", answer.all());
    let sentence = "It makes monitoring/netpol/allow-grafana-to-keycloak otherwise than \
                    identity/fixed.yaml. Does its path, ./observability, lead to that file, and do \
                    its patches and variables leave the policy as it is?";
    assert!(says(&answer, sentence), "{}", answer.all());
}
