//! How much of a namespace is isolated, and what is said of its rules.

use super::*;
use crate::objects::decode_text;
use crate::policy::{Cilium, Enforcement, Enforcer, Ruleset};
use std::path::Path;

/// Deployments `web` and `db` of namespace `shop`, on host network what is listed after them.
const SHOP: &str = "
{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, spec: {replicas: 2, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: i, ports: [{containerPort: 8080}]}]}}}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: db, namespace: shop}, spec: {replicas: 1, selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: i}]}}}}
---
{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: exporter, namespace: shop}, spec: {selector: {matchLabels: {app: exporter}}, template: {metadata: {labels: {app: exporter}}, spec: {hostNetwork: true, containers: [{name: c, image: i}]}}}}
---
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}}
---
";

fn policy(name: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, \
         metadata: {{name: {name}, namespace: shop}}, spec: {spec}}}\n---\n"
    )
}

fn report(text: &str) -> SummaryReport {
    enforced(text, &Enforcer::default())
}

fn enforced(text: &str, by: &Enforcer) -> SummaryReport {
    let (objects, _) = decode_text(text.into(), Path::new("in.yaml"), "default");
    let (snapshot, written) = objects.assemble();
    SummaryReport::new(
        &snapshot,
        &Ruleset::compile(&written, &snapshot, by),
        None,
        false,
        &|_, _| None,
    )
}

fn shop(policies: &[String]) -> NamespaceSummary {
    report(&(SHOP.to_owned() + &policies.concat())).namespaces.remove(0)
}

/// Policies, and the isolation, number of isolated workloads, isolating policies and open workloads.
type Case<'a> = (&'a [&'a String], Isolation, usize, &'a [&'a str], &'a [&'a str]);

#[test]
fn isolation_counts_workloads_on_the_pod_network() {
    let row = shop(&[]);
    assert_eq!((row.policies, row.workloads, row.pods), (0, 2, Some(3)));
    assert_eq!(row.host_network, ["shop/ds/exporter"]);

    let web = policy("web", "{podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress]}");
    let db = policy("db", "{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress]}");
    let all = policy("all", "{podSelector: {}, policyTypes: [Ingress]}");
    let typo = policy("typo", "{podSelector: {matchLabels: {app: wbe}}, policyTypes: [Ingress]}");
    let cases: [Case<'_>; 5] = [
        (&[], Isolation::None, 0, &[], &["shop/deploy/db", "shop/deploy/web"]),
        (&[&web], Isolation::Partial, 1, &["web"], &["shop/deploy/db"]),
        (&[&web, &db], Isolation::AllWorkloads, 2, &["db", "web"], &[]),
        (&[&web, &all, &typo], Isolation::All, 2, &["all"], &[]),
        (&[&typo], Isolation::None, 0, &[], &["shop/deploy/db", "shop/deploy/web"]),
    ];
    for (policies, isolation, isolated, by, open) in cases {
        let policies: Vec<String> = policies.iter().map(|text| (*text).clone()).collect();
        let row = shop(&policies).ingress;
        assert_eq!((row.isolation, row.isolated), (isolation, isolated), "{policies:?}");
        assert_eq!(
            (row.isolated_by.as_slice(), row.open.as_slice()),
            (&own(by)[..], &own(open)[..])
        );
        let closed = matches!(isolation, Isolation::All | Isolation::AllWorkloads);
        assert_eq!(row.default_deny, closed, "{policies:?}");
    }
    let row = shop(&[all, typo]);
    let idle: Vec<bool> = row.ingress.policies.iter().map(|p| p.selects_no_pod).collect();
    assert_eq!((row.egress.isolation, idle), (Isolation::None, vec![false, true]));
}

fn own(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// Source: docs/semantics/cilium-verdicts.md#enforcement-mode.
#[test]
fn cilium_may_isolate_every_pod_or_none() {
    let web = policy("web", "{podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress]}");
    let shop = |enforcement, policies: &str| {
        let cilium = Cilium { enforcement, ..Cilium::default() };
        let mut report = enforced(&(SHOP.to_owned() + policies), &Enforcer::Cilium(cilium));
        (report.namespaces.remove(0), report.notes.join(". "))
    };
    let (row, notes) = shop(Enforcement::Always, "");
    for side in [&row.ingress, &row.egress] {
        assert_eq!((side.isolation, side.isolated), (Isolation::All, 2));
        assert!(side.default_deny && side.open.is_empty() && side.isolated_by.is_empty());
    }
    assert!(notes.contains("isolates every pod"), "{notes}");
    let (row, notes) = shop(Enforcement::Never, &web);
    assert_eq!((row.ingress.isolation, row.ingress.isolated), (Isolation::NotEnforced, 0));
    assert_eq!(row.ingress.open, own(&["shop/deploy/db", "shop/deploy/web"]));
    assert!(!row.ingress.default_deny && row.ingress.isolated_by.is_empty());
    assert!(notes.contains("enforces no policy"), "{notes}");
    let (row, _) = shop(Enforcement::Default, &web);
    assert_eq!(row.ingress.isolation, Isolation::Partial);
}

/// What administrators deny does not pass though nothing isolates.
#[test]
fn what_is_denied_without_isolation_is_not_anything() {
    let deny = "{apiVersion: policy.networking.k8s.io/v1alpha1, kind: BaselineAdminNetworkPolicy, \
         metadata: {name: default}, spec: {subject: {pods: {namespaceSelector: {}, podSelector: \
         {matchLabels: {app: db}}}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}}";
    let report = report(&(SHOP.to_owned() + deny));
    let row = &report.namespaces[0].ingress;
    assert_eq!(row.isolation, Isolation::None);
    assert_eq!(row.open, own(&["shop/deploy/db", "shop/deploy/web"]));
    assert_eq!(row.partly_denied, own(&["shop/deploy/db"]));
}

/// A label that a controller sets is not in a template: whether it is selected is not known.
#[test]
fn isolation_by_labels_of_a_controller_is_not_known() {
    let hashed = "{podSelector: {matchLabels: {app: web, pod-template-hash: abc}}}";
    let row = shop(&[policy("hashed", hashed)]).ingress;
    assert_eq!(row.isolation, Isolation::Unknown);
    assert_eq!((row.unknown, row.default_deny), (own(&["shop/deploy/web"]), false));
}

#[test]
fn dns_only_needs_every_pod_isolated_and_nothing_else_open() {
    let to = "to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]";
    let dns = |pods: &str| {
        let ports = "ports: [{port: 53, protocol: UDP}]";
        policy(
            "dns",
            &format!("{{podSelector: {pods}, policyTypes: [Egress], egress: [{{{to}, {ports}}}]}}"),
        )
    };
    assert!(shop(&[dns("{}")]).egress.dns_only);
    assert!(!shop(&[dns("{matchLabels: {app: web}}")]).egress.dns_only, "db may reach anything");
    let more = policy(
        "more",
        "{podSelector: {matchLabels: {app: db}}, policyTypes: [Egress], egress: [{}]}",
    );
    assert!(!shop(&[dns("{}"), more]).egress.dns_only);
    assert!(!shop(&[policy("deny", "{policyTypes: [Egress]}")]).egress.dns_only, "not even DNS");
}

#[test]
fn a_services_port_in_a_rule_is_noted_on_both_sides() {
    let at = |port: u16| {
        let ports = format!("ports: [{{port: {port}}}]");
        let peer = "[{podSelector: {matchLabels: {app: web}}}]";
        let row = shop(&[policy(
            "p",
            &format!(
                "{{policyTypes: [Ingress, Egress], ingress: [{{{ports}}}], egress: [{{to: {peer}, {ports}}}]}}"
            ),
        )]);
        [row.ingress, row.egress].map(|mut side| side.policies.remove(0).rules.remove(0).notes)
    };
    let note = "port is 80, that of shop/svc/web; policies judge the pod's: 8080";
    assert_eq!(at(80), [own(&[note]), own(&[note])]);
    assert_eq!(at(8080), [own(&[]), own(&[])]);
    assert_eq!(at(9090), [own(&[]), own(&[])]);
}
