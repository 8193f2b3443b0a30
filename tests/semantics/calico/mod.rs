//! Calico's policies, line by line: each test cites the rule of docs/semantics/calico.md that it holds
//! the answer to.

mod beside;
mod ends;
mod ports;
mod told;
mod versions;

use super::{BASE, Cluster, enforced};
use netpol::policy::{Calico, CalicoVersion, Enforcer};
use netpol::verdict::Reason;

/// The base with these manifests after it, under Calico.
fn cluster(manifests: &str) -> Cluster {
    enforced(&format!("{BASE}{manifests}"), &Enforcer::Calico(Calico::default()))
}

/// Checks lines `SOURCE → DESTINATION is VERDICT` over the base with these manifests.
fn holds(manifests: &str, lines: &[&str]) {
    let cluster = cluster(manifests);
    assert_eq!(cluster.rejected(), [""; 0], "{manifests}");
    cluster.holds(lines);
}

/// An object of a cluster-wide kind, or of one in namespace shop.
fn object(kind: &str, name: &str, spec: &str) -> String {
    let global = kind.contains("Global") || kind == "Tier";
    let namespace = if global { "" } else { ", namespace: shop" };
    format!(
        "---\napiVersion: projectcalico.org/v3\nkind: {kind}\n\
         metadata: {{name: \"{name}\"{namespace}}}\nspec: {{{spec}}}\n"
    )
}

fn tier(name: &str, spec: &str) -> String {
    object("Tier", name, spec)
}

/// A NetworkPolicy of namespace shop.
fn policy(name: &str, spec: &str) -> String {
    object("NetworkPolicy", name, spec)
}

fn global(name: &str, spec: &str) -> String {
    object("GlobalNetworkPolicy", name, spec)
}

/// The NetworkPolicy `in` with these ingress rules for shop/api.
fn ingress(rules: &str) -> String {
    policy("in", &format!("selector: app == 'api', ingress: [{rules}]"))
}

/// The NetworkPolicy `out` with these egress rules for shop/web.
fn egress(rules: &str) -> String {
    policy("out", &format!("selector: app == 'web', egress: [{rules}]"))
}

/// docs/semantics/calico.md#one-direction: the first rule that matches, then the end of the tier;
/// docs/semantics/calico.md#profiles: what nobody says anything of passes;
/// docs/semantics/calico.md#actions: Log decides nothing.
#[test]
fn the_first_rule_that_matches_decides() {
    let rules = "{action: Log}, {action: Deny, protocol: TCP, destination: {ports: [22]}}, \
                 {action: Allow, source: {selector: app == 'web'}}";
    holds(
        &ingress(rules),
        &[
            "web → api:80 is Allowed",
            "web → api:22 is Denied",
            // The namespace of the rule is the policy's own.
            "other/client → api:80 is Denied",
            "api → web:80 is Allowed",
            "api → other/client:80 is Allowed",
        ],
    );
    let cluster = cluster(&ingress(rules));
    let answer = cluster.ask("other/client → api:80");
    assert_eq!(answer.ingress().reason, Reason::NoneAdmits);
    assert_eq!(answer.ingress().dropped_by().map(|tier| &*tier.name), Some("default"));
    assert!(answer.text().contains("dropped at the end of tier default"), "{}", answer.text());
}

/// docs/semantics/calico.md#tiers: by order, without one last; Pass leaves a tier; one whose default
/// action is Pass drops nothing.
#[test]
fn tiers_in_their_order() {
    let deny =
        "selector: app == 'api', ingress: [{action: Deny, source: {selector: app == 'web'}}]";
    let allow = "selector: app == 'api', ingress: [{action: Allow}]";
    let pass = "selector: app == 'api', ingress: [{action: Pass}]";
    for (manifests, verdict) in [
        // The lower order decides, whatever the names.
        (
            tier("a", "order: 20")
                + &tier("b", "order: 10")
                + &policy("x", &format!("tier: a, {deny}"))
                + &policy("y", &format!("tier: b, {allow}")),
            "Allowed",
        ),
        (
            tier("a", "")
                + &tier("b", "order: 10")
                + &policy("x", &format!("tier: b, {deny}"))
                + &policy("y", &format!("tier: a, {allow}")),
            "Denied",
        ),
        // Equal orders go by name.
        (
            tier("b", "order: 10")
                + &tier("a", "order: 10")
                + &policy("x", &format!("tier: b, {deny}"))
                + &policy("y", &format!("tier: a, {allow}")),
            "Allowed",
        ),
        // Pass goes on to the next tier, and behind the last one everything passes.
        (
            tier("a", "order: 10") + &policy("x", &format!("tier: a, {pass}")) + &policy("y", deny),
            "Denied",
        ),
        (tier("a", "order: 10") + &policy("x", &format!("tier: a, {pass}")), "Allowed"),
        (policy("x", pass), "Allowed"),
        // The end of a tier is Deny unless it is told otherwise.
        (tier("a", "order: 10") + &policy("x", "tier: a, selector: app == 'api'"), "Denied"),
        (
            tier("a", "order: 10, defaultAction: Pass")
                + &policy("x", "tier: a, selector: app == 'api'"),
            "Allowed",
        ),
        // A tier whose policies select others is passed over.
        (tier("a", "order: 10") + &policy("x", "tier: a, selector: app == 'nobody'"), "Allowed"),
    ] {
        holds(&manifests, &[&format!("web → api:80 is {verdict}")]);
    }
}

/// docs/semantics/calico.md#unknown-tiers.
#[test]
fn a_tier_that_is_not_there_makes_unknown() {
    let cluster = cluster(&policy("x", "tier: lost, selector: app == 'api', ingress: []"));
    cluster.holds(&["web → api:80 is Unknown", "web → other/client:80 is Unknown"]);
    let [lint] = &cluster.lints()[..] else { panic!("{:?}", cluster.lints()) };
    assert!(lint.contains("tier lost is not among what was read"), "{lint}");
}

/// docs/semantics/calico.md#order: lower first, without one last, and equal ones by the bytes of
/// `NAME/NAMESPACE/KIND`.
#[test]
fn policies_in_their_order() {
    let select = "selector: app == 'api'";
    let deny = format!("{select}, ingress: [{{action: Deny}}]");
    let allow = format!("{select}, ingress: [{{action: Allow}}]");
    let with = |order: &str, spec: &str| format!("order: {order}, {spec}");
    for (one, other, verdict) in [
        (policy("a", &with("10", &deny)), policy("b", &with("5", &allow)), "Allowed"),
        (policy("a", &with("-1", &deny)), policy("b", &with("0", &allow)), "Denied"),
        (policy("a", &with("1000.5", &allow)), policy("b", &with("1000.25", &deny)), "Denied"),
        (policy("a", &deny), policy("b", &with("1000000", &allow)), "Allowed"),
        (policy("b", &deny), policy("a", &allow), "Allowed"),
        // `-` comes before `/`.
        (policy("aa-b", &allow), policy("aa", &deny), "Allowed"),
        // The namespace of one for all is empty.
        (policy("a", &deny), global("a", &allow), "Allowed"),
    ] {
        let newer = Enforcer::Calico(Calico { version: Some(CalicoVersion::V3_32) });
        let cluster = enforced(&format!("{BASE}{one}{other}"), &newer);
        cluster.holds(&[&format!("web → api:80 is {verdict}")]);
    }
}

/// docs/semantics/calico.md#whom-a-policy-selects.
#[test]
fn whom_a_policy_selects() {
    for (spec, selected) in [
        ("", [true, true, true]),
        ("selector: all()", [true, true, true]),
        ("selector: app == 'web'", [false, true, true]),
        ("namespaceSelector: team == 'blue'", [false, false, true]),
        (
            "namespaceSelector: projectcalico.org/name == 'shop', selector: has(tier)",
            [true, false, false],
        ),
        ("selector: pcns.team == 'red'", [true, true, false]),
        ("selector: projectcalico.org/namespace != 'shop'", [false, false, true]),
        ("serviceAccountSelector: projectcalico.org/name == 'default'", [true, true, true]),
        ("serviceAccountSelector: projectcalico.org/name != 'default'", [false, false, false]),
    ] {
        let cluster = cluster(&global("g", &format!("types: [Ingress], {spec}")));
        for (pod, selected) in ["shop/api", "shop/web", "other/client"].iter().zip(selected) {
            let verdict = if selected { "Denied" } else { "Allowed" };
            cluster.holds(&[&format!("192.0.2.1 → {pod}:80 is {verdict}")]);
        }
    }
    holds(
        &policy("p", "types: [Ingress]"),
        &[
            "other/client → api:80 is Denied",
            "other/client → web:80 is Denied",
            "web → other/client:80 is Allowed",
        ],
    );
}

/// docs/semantics/calico.md#types.
#[test]
fn types_and_their_default() {
    let (rule, none) = ("[{action: Allow, source: {nets: [192.0.2.0/24]}}]", "[]");
    for (spec, into, out) in [
        ("", "Denied", "Allowed"),
        (&*format!("ingress: {rule}"), "Denied", "Allowed"),
        (&*format!("egress: {rule}"), "Allowed", "Denied"),
        (&*format!("egress: {none}"), "Denied", "Allowed"),
        (&*format!("ingress: {rule}, egress: {rule}"), "Denied", "Denied"),
        ("types: [Egress]", "Allowed", "Denied"),
        (&*format!("types: [Ingress], egress: {rule}"), "Denied", "Allowed"),
    ] {
        holds(
            &policy("p", &format!("selector: app == 'api', {spec}")),
            &[&format!("web → api:80 is {into}"), &format!("api → other/client:80 is {out}")],
        );
    }
    // Past the API nobody fills in types.
    let stored = policy("p", "selector: app == 'api'")
        .replace("projectcalico.org/v3", "crd.projectcalico.org/v1");
    holds(&stored, &["web → api:80 is Denied", "api → other/client:80 is Denied"]);
}
