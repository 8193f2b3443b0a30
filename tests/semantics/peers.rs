//! docs/semantics/networkpolicy.md#address-blocks: ipBlock, and addresses of both families.

use super::{cluster, egress, holds, ingress, peer_miss, policy};
use netpol::verdict::{PeerMiss, Reason};

fn from_block(block: &str) -> String {
    ingress(&format!("[{{from: [{{ipBlock: {{{block}}}}}]}}]"))
}

/// A dual-stack pair in shop: `both` (app=api) and `caller` (app=both).
fn dual_stack() -> String {
    let pod = |name: &str, app: &str, last: u8| {
        format!(
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: shop, labels: {{app: {app}}}}}\n\
             spec: {{nodeName: n2}}\nstatus: {{podIP: 10.0.1.{last}, podIPs: [{{ip: 10.0.1.{last}}}, {{ip: \"2001:db8:1::{last}\"}}]}}\n"
        )
    };
    pod("both", "api", 40) + &pod("caller", "both", 41)
}

/// docs/semantics/networkpolicy.md#address-blocks: ipBlock matches the peer's IP, whatever it is:
/// pods too.
#[test]
fn a_block_admits_whoever_has_the_address() {
    holds(
        &from_block("cidr: 10.0.0.0/8"),
        &[
            "web → api:80 is Allowed",
            "other/client → api:80 is Allowed",
            "10.9.9.9 → api:80 is Allowed",
            "203.0.113.7 → api:80 is Denied",
            "node/n2 → api:80 is Denied",
        ],
    );
}

/// The same for egress.
#[test]
fn a_block_of_an_egress_rule_is_matched_with_the_destination() {
    holds(
        &egress("[{to: [{ipBlock: {cidr: 10.0.1.0/24}}]}]"),
        &[
            "web → api:80 is Allowed",
            "web → other/client:80 is Denied",
            "web → 203.0.113.7:80 is Denied",
        ],
    );
}

/// docs/semantics/networkpolicy.md#address-blocks: except is taken from its block.
#[test]
fn except_is_left_out() {
    let block = from_block("cidr: 10.0.0.0/8, except: [10.0.2.0/24]");
    holds(&block, &["web → api:80 is Allowed", "other/client → api:80 is Denied"]);
    let cluster = cluster(&block);
    let answer = cluster.ask("other/client → api:80");
    assert!(matches!(peer_miss(answer.ingress()), PeerMiss::Excepted { .. }));
    let text = answer.text();
    assert!(text.contains("10.0.2.20 is in the except of 10.0.0.0/8 except 10.0.2.0/24"), "{text}");
}

/// docs/semantics/networkpolicy.md#address-blocks: except is subtracted only within its own item;
/// another item may re-allow.
#[test]
fn another_item_may_admit_what_one_excepts() {
    let rules = "[{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.2.0/24]}}, {ipBlock: {cidr: 10.0.2.20/32}}]}]";
    holds(&ingress(rules), &["other/client → api:80 is Allowed", "10.0.2.21 → api:80 is Denied"]);
}

/// docs/semantics/networkpolicy.md#address-blocks: another policy may re-allow too.
#[test]
fn another_policy_may_admit_what_one_excepts() {
    let all = from_block("cidr: 0.0.0.0/0, except: [203.0.113.0/24]");
    let one =
        policy("one", "podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 203.0.113.7/32}}]}]");
    holds(&(all + &one), &["203.0.113.7 → api:80 is Allowed", "203.0.113.8 → api:80 is Denied"]);
}

/// docs/semantics/networkpolicy.md#address-blocks: ipBlock matches by family.
#[test]
fn a_block_of_one_family_has_no_address_of_the_other() {
    let block = from_block("cidr: \"::/0\"");
    let lines = ["203.0.113.7 → api:80 is Denied", "web → api:80 is Denied"];
    holds(&block, &lines);
    let cluster = cluster(&block);
    let answer = cluster.ask("web → api:80");
    assert!(matches!(peer_miss(answer.ingress()), PeerMiss::OtherFamily(_)));
}

/// docs/semantics/networkpolicy.md#address-blocks: IPv6 blocks with except.
#[test]
fn blocks_of_ipv6() {
    let block = from_block("cidr: \"2001:db8::/32\", except: [\"2001:db8:bad::/48\"]");
    holds(
        &(dual_stack() + &block),
        &[
            "2001:db8::7 → both:80 is Allowed",
            "2001:db8:bad::7 → both:80 is Denied",
            "2001:db9::7 → both:80 is Denied",
            "203.0.113.7 → both:80 is Denied",
        ],
    );
}

/// docs/semantics/kubernetes.md#dual-stack: judge per family; use status.podIPs. Different verdicts
/// are two cases.
#[test]
fn families_with_different_verdicts_are_two_cases() {
    let cluster = cluster(&(dual_stack() + &from_block("cidr: 10.0.0.0/8")));
    let answer = cluster.ask("caller → both:80");
    assert_eq!(answer.verdict(), "Mixed");
    assert_eq!(
        answer.cases(),
        ["shop/pod/both 80/TCP IPv4 Allowed", "shop/pod/both 80/TCP IPv6 Denied"]
    );
}

/// docs/semantics/kubernetes.md#dual-stack: equal verdicts are one case without a family.
#[test]
fn families_with_equal_verdicts_are_one_case() {
    let both = ingress(
        "[{from: [{ipBlock: {cidr: 10.0.0.0/8}}, {ipBlock: {cidr: \"2001:db8:1::/48\"}}]}]",
    );
    let cluster = cluster(&(dual_stack() + &both));
    assert_eq!(cluster.ask("caller → both:80").cases(), ["shop/pod/both 80/TCP Allowed"]);
}

/// docs/semantics/kubernetes.md#dual-stack: a pod of one family meets a dual-stack pod in that family
/// only.
#[test]
fn only_families_that_both_ends_have_are_judged() {
    let cluster = cluster(&(dual_stack() + &from_block("cidr: 10.0.0.0/8")));
    assert_eq!(cluster.ask("web → both:80").cases(), ["shop/pod/both 80/TCP Allowed"]);
    let answer = cluster.ask("2001:db8::7 → api:80");
    assert_eq!(answer.verdict(), "Unknown");
    assert!(answer.notes().contains("no IP family in common"), "{}", answer.notes());
}

/// docs/semantics/kubernetes.md#verdict: an external source is judged at ingress only, an external
/// destination at egress only.
#[test]
fn outside_addresses_have_no_direction_of_their_own() {
    let cluster = cluster(&(ingress("[{}]") + &egress("[{}]")));
    assert_eq!(cluster.ask("203.0.113.7 → api:80").reasons(), (Reason::Outside, Reason::Admitted));
    assert_eq!(cluster.ask("web → 203.0.113.7:80").reasons(), (Reason::Admitted, Reason::Outside));
}

/// docs/semantics/networkpolicy.md#address-blocks: ipBlock on a name whose address is not known
/// decides nothing, but for a whole family.
#[test]
fn a_block_does_not_decide_about_a_host_name() {
    holds(
        &egress("[{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}]"),
        &["web → https://example.com is Unknown"],
    );
    holds(
        &egress("[{to: [{ipBlock: {cidr: 0.0.0.0/0}}, {ipBlock: {cidr: \"::/0\"}}]}]"),
        &["web → https://example.com is Allowed"],
    );
    holds(&egress("[{to: [{namespaceSelector: {}}]}]"), &["web → https://example.com is Denied"]);
}

/// docs/semantics/networkpolicy.md#address-blocks: a node with several addresses may use any of them,
/// and docs/semantics/services.md#addresses: one that is asked about is the one.
#[test]
fn a_node_with_several_addresses_is_decided_only_if_they_agree() {
    let node = "---\n{apiVersion: v1, kind: Node, metadata: {name: n3}, \
                status: {addresses: [{address: 192.168.0.3}, {address: 198.51.100.3}]}}\n";
    let one = from_block("cidr: 198.51.100.0/24");
    holds(
        &(node.to_owned() + &one),
        &[
            "node/n3 → api:80 is Unknown",
            "198.51.100.3 → api:80 is Allowed",
            "192.168.0.3 → api:80 is Denied",
        ],
    );
    let neither = from_block("cidr: 203.0.113.0/24");
    holds(&(node.to_owned() + &neither), &["node/n3 → api:80 is Denied"]);
    let whole = from_block("cidr: 0.0.0.0/0");
    holds(&(node.to_owned() + &whole), &["node/n3 → api:80 is Allowed"]);
}

/// docs/semantics/networkpolicy.md#pods-as-peers: `from` of a selector never means an address, even
/// one that a pod could have.
#[test]
fn a_selector_does_not_admit_an_address() {
    let cluster = cluster(&ingress("[{from: [{namespaceSelector: {}}]}]"));
    let answer = cluster.ask("203.0.113.7 → api:80");
    assert_eq!(peer_miss(answer.ingress()), &PeerMiss::NotAPod);
}
