//! Blocks of addresses as ends: proved for all addresses of the block, and for whoever may have one.

use super::{is, outcome, tested};
use crate::run::{list, text};

/// A database that an office reaches, but for one of its networks, and that pods of the shop reach.
fn shop(cidr: &str, except: &str) -> String {
    format!(
        "
apiVersion: v1
kind: Pod
metadata: {{name: db, namespace: shop, labels: {{app: db}}}}
spec: {{containers: [{{name: c, image: i}}]}}
status: {{phase: Running, podIPs: [{{ip: 10.244.0.5}}]}}
---
apiVersion: v1
kind: Pod
metadata: {{name: web, namespace: shop, labels: {{app: web}}}}
spec: {{containers: [{{name: c, image: i}}]}}
status: {{phase: Running, podIPs: [{{ip: 10.244.0.6}}]}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: db, namespace: shop}}
spec:
  podSelector: {{matchLabels: {{app: db}}}}
  ingress:
  - from:
    - ipBlock: {{cidr: {cidr}, except: [{except}]}}
    - podSelector: {{matchLabels: {{app: web}}}}
"
    )
}

fn deny(block: &str) -> String {
    format!("- name: a\n  deny: {{from: {block}, to: shop/db}}\n")
}

#[test]
fn every_address_of_a_block_is_asked_about() {
    let shop = shop("203.0.113.0/24", "203.0.113.128/25");
    is(&shop, &deny("203.0.113.128/25"), "Proved", &[]);
    is(&shop, &deny("203.0.113.192/26"), "Proved", &[]);
    is(&shop, &deny("198.51.100.0/24"), "Proved", &[]);
    is(&shop, &deny("203.0.113.0/24"), "Broken", &["reaches shop/pod/db"]);
    is(&shop, &deny("203.0.113.127/32"), "Broken", &["203.0.113.127 reaches"]);
    // Half of it is let in: what lies within is found whatever begins before it.
    is(&shop, &deny("203.0.112.0/23"), "Broken", &["203.0.113."]);
    is(&shop, &deny("'2001:db8::/32'"), "Proved", &[]);
    let allow = |block: &str| format!("- name: a\n  allow: {{from: {block}, to: shop/db}}\n");
    is(&shop, &allow("203.0.113.0/25"), "Proved", &[]);
    is(&shop, &allow("203.0.113.0/24"), "Broken", &["203.0.113."]);
}

/// The outcome of a test where the network of pods is known.
#[track_caller]
fn within(cidr: &str, shop: &str, test: &str, expected: &str) {
    let run = tested(shop, test, &["-o", "json", "--pod-cidr", cidr]);
    assert_eq!(text(&list(&run.json(), "/tests")[0], "/outcome"), expected, "{test}: {run:?}");
}

/// What may is a block: whoever is beside it is not let off, though no rule tells it from the block.
#[test]
fn a_block_that_may_lets_off_its_own_addresses_alone() {
    let shop = shop("203.0.113.0/24", "203.0.113.128/25");
    let only = |from: &str, expected: &str| {
        let test = format!("- name: a\n  only: {{to: shop/db, from: [{from}]}}\n");
        within("10.244.0.0/16", &shop, &test, expected);
    };
    only("203.0.113.0/25, shop/web", "Proved");
    only("203.0.113.0/24, shop/web", "Proved");
    only("203.0.113.0/26, shop/web", "Broken");
    only("203.0.113.0/25", "Broken");
    // A pod like the one that is known may have another address.
    only("10.244.0.6/32, 203.0.113.0/25", "Broken");
    let to = "- name: a\n  only-to: {from: shop/web, to: 203.0.113.0/25}\n";
    is(&shop, to, "Broken", &[]);
    let but = |except: &str| {
        format!(
            "- name: a\n  deny: {{from: {{ends: 203.0.113.0/24, except: {except}}}, to: shop/db}}\n"
        )
    };
    is(&shop, &but("203.0.113.0/25"), "Proved", &[]);
    is(&shop, &but("203.0.113.0/26"), "Broken", &["203.0.113."]);
}

/// A block that has addresses of pods means them: those that are known, and any that may come to have one.
#[test]
fn pods_that_have_an_address_of_a_block() {
    let shop = shop("203.0.113.0/24", "203.0.113.128/25");
    let deny = deny("10.0.0.0/8");
    let (_, message) = outcome(&shop, &deny);
    assert!(message.contains("web reaches shop/pod/db"), "{message}");
    // The known one may not be meant; another one may come to be.
    let other = "- name: a\n  deny: {from: {ends: 10.0.0.0/8, except: shop/web}, to: shop/db}\n";
    let run = tested(&shop, other, &["-o", "json"]);
    assert_eq!(run.code, 3, "{run:?}");
    let message = text(&list(&run.json(), "/tests")[0], "/message").to_owned();
    assert!(message.contains("--pod-cidr"), "{message}");
    // Nobody else is let in, and in another network no pod is.
    within("10.244.0.0/16", &shop, other, "Proved");
    within("172.16.0.0/12", &shop, other, "Proved");
}

#[test]
fn blocks_that_are_wrong() {
    let shop = shop("203.0.113.0/24", "203.0.113.128/25");
    for (test, part) in [
        (deny("203.0.113.7/24"), "its first address is that of 203.0.113.0/24"),
        (deny("203.0.113.0/40"), "203.0.113.0/40"),
        (deny("203.0.113.0/24:80"), "only who is reached has a port"),
        (
            "- name: a\n  default-deny: {namespaces: 10.0.0.0/8}\n".to_owned(),
            "is a block of addresses: name namespaces",
        ),
        (
            "- name: a\n  unreachable: {from: shop/web, to: 203.0.113.0/24}\n".to_owned(),
            "from pod to pod",
        ),
    ] {
        let run = tested(&shop, &test, &[]);
        assert_eq!(run.code, 2, "{test}: {run:?}");
        assert!(run.stderr.contains(part), "{test}: {run:?}");
    }
    let at = "- name: a\n  deny: {from: shop/web, to: '203.0.113.0/24:443'}\n";
    is(&shop, at, "Broken", &["443/TCP"]);
    let at = "- name: a\n  deny: {from: shop/web, to: '[2001:db8::]/32:443'}\n";
    assert_eq!(tested(&shop, at, &[]).code, 2);
}

/// Of a pod whose namespace's labels were not read nothing is broken for certain, nor where addresses may be
/// pods' and the other end is a pod that nobody has written.
#[test]
fn who_is_only_perhaps_meant_breaks_nothing() {
    let manifests = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\n---\n\
                     apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
                     metadata: {name: p, namespace: shop}\n\
                     spec: {podSelector: {matchLabels: {x: z}}, egress: [{to: [{ipBlock: \
                     {cidr: \"::/0\"}}]}]}\n";
    let of = |from: &str| {
        let test = format!(
            "- name: t\n  only-to: {{from: {from}, to: 203.0.113.0/25, ports: [53/UDP]}}\n  \
             may-be-empty: true\n"
        );
        outcome(manifests, &test).0
    };
    let nobody = "{ends: [\"namespaces[a=y]\"], except: [\"namespaces[a=y]\"]}";
    assert_eq!(of(nobody), "NotKnown");
    assert_eq!(of("ns/shop"), "Broken");
}
