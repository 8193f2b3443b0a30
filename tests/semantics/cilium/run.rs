//! What running Cilium 1.18.0, 1.19.4 and 1.20.2 beside this program found; each test cites the rule.

use super::entities::api_server;
use super::{
    ccnp, cnp, egress, group, holds, holds_with, ingress, lint, rejected_with, settings, with,
};
use crate::semantics::{self, policy};
use netpol::policy::{Cilium, CiliumVersion};

const EVERY_VERSION: [CiliumVersion; 3] =
    [CiliumVersion::V1_18, CiliumVersion::V1_19, CiliumVersion::V1_20];

fn of(version: CiliumVersion) -> Cilium {
    Cilium { cluster_name: Some("home".into()), ..Cilium::new(version) }
}

/// docs/semantics/cilium-objects.md#patterns-of-text.
#[test]
fn patterns_of_text() {
    for version in EVERY_VERSION {
        for (elements, path, part) in [
            ("[{fromCIDR: [010.0.0.0/8]}]", "spec.ingress[0].fromCIDR[0]", "a zero before it"),
            ("[{fromCIDR: [10.0.0.0/08]}]", "spec.ingress[0].fromCIDR[0]", "a zero before it"),
            (
                "[{fromCIDRSet: [{cidrGroupRef: A_b}]}]",
                "spec.ingress[0].fromCIDRSet[0].cidrGroupRef",
                "is not a DNS subdomain",
            ),
            (
                "[{toPorts: [{ports: [{port: \"80\", protocol: TCP}], rules: {http: [{path: \"(\"}]}}]}]",
                "spec.ingress[0].toPorts[0].rules.http[0].path",
                "is no regular expression: it has ( without )",
            ),
            (
                "[{toPorts: [{ports: [{port: \"80\", protocol: TCP}], rules: {http: [{method: \"*\"}]}}]}]",
                "spec.ingress[0].toPorts[0].rules.http[0].method",
                "it repeats nothing",
            ),
            (
                "[{toPorts: [{ports: [{port: \"443\", protocol: TCP}], serverNames: [a..b]}]}]",
                "spec.ingress[0].toPorts[0].serverNames[0]",
                "single dots",
            ),
            (
                "[{toPorts: [{ports: [{port: \"443\", protocol: TCP}], serverNames: []}]}]",
                "spec.ingress[0].toPorts[0].serverNames",
                "is empty",
            ),
        ] {
            rejected_with(of(version), &ingress(elements), path, part);
        }
        let listener = "[{toPorts: [{ports: [{port: \"443\", protocol: TCP}], listener: {name: a, envoyConfig: \
                        {kind: Other, name: b}}}]}]";
        let path = "spec.egress[0].toPorts[0].listener.envoyConfig.kind";
        rejected_with(of(version), &egress(listener), path, "is not CiliumEnvoyConfig or");
    }
    // Stars may stand anywhere from 1.20 on, before that in front of all.
    let star =
        ingress("[{toPorts: [{ports: [{port: \"443\", protocol: TCP}], serverNames: [a.*.b]}]}]");
    let path = "spec.ingress[0].toPorts[0].serverNames[0]";
    rejected_with(of(CiliumVersion::V1_19), &star, path, "before all of it");
    assert_eq!(with(of(CiliumVersion::V1_20), &star).rejected(), [""; 0]);
    // Up to 1.19 the key is looked at with its source before it.
    let key = cnp("in", "endpointSelector: {matchLabels: {\"-a\": b}}, ingress: [{}]");
    let path = "spec.endpointSelector.matchLabels[-a]";
    rejected_with(of(CiliumVersion::V1_20), &key, path, "label key");
    assert_eq!(with(of(CiliumVersion::V1_19), &key).rejected(), [""; 0]);
    let null =
        "[{fromEndpoints: [{matchExpressions: [{key: a, operator: Exists, values: null}]}]}]";
    let path = "spec.ingress[0].fromEndpoints[0].matchExpressions[0].values";
    rejected_with(of(CiliumVersion::V1_19), &ingress(null), path, "is null");
    assert_eq!(with(of(CiliumVersion::V1_20), &ingress(null)).rejected(), [""; 0]);
}

/// docs/semantics/cilium-rules.md#cidr-groups.
#[test]
fn groups_selected_by_what_is_absent() {
    let groups = group("office", "[203.0.113.0/24]");
    let everyone = [
        "web → api:80 is Allowed",
        "node/n2 → api:80 is Allowed",
        "198.51.100.7 → api:80 is Allowed",
    ];
    let but_office = ["203.0.113.7 → api:80 is Denied", "198.51.100.7 → api:80 is Allowed"];
    for version in EVERY_VERSION {
        let all = groups.clone() + &ingress("[{fromCIDRSet: [{cidrGroupSelector: {}}]}]");
        holds_with(of(version), &all, &everyone);
        holds_with(of(version), &all, &["203.0.113.7 → api:80 is Allowed"]);
        lint(&with(of(version), &all), "asks for no label that must be there");
        let without = "{matchExpressions: [{key: kind, operator: NotIn, values: [office]}]}";
        let elements = format!("[{{fromCIDRSet: [{{cidrGroupSelector: {without}}}]}}]");
        let but = groups.clone() + &ingress(&elements);
        holds_with(of(version), &but, &but_office);
        let inside = if version < CiliumVersion::V1_20 { "Allowed" } else { "Denied" };
        let lines = [format!("web → api:80 is {inside}"), format!("node/n2 → api:80 is {inside}")];
        holds_with(of(version), &but, &lines.each_ref().map(String::as_str));
        // Which groups there are is not known where none was read, and which labels an address of several
        // has; pods and nodes have none of them.
        holds_with(of(version), &ingress(&elements), &["198.51.100.7 → api:80 is Unknown"]);
        holds_with(of(version), &ingress(&elements), &lines.each_ref().map(String::as_str));
        let deny = |elements: &str| {
            ingress("[{fromEntities: [all]}]")
                + &ccnp("deny", &format!("endpointSelector: {{}}, ingressDeny: {elements}"))
        };
        let several = groups.clone() + &group("inner", "[203.0.113.0/28]");
        let two = "[{key: kind, operator: DoesNotExist}, {key: tier, operator: DoesNotExist}]";
        let two =
            format!("[{{fromCIDRSet: [{{cidrGroupSelector: {{matchExpressions: {two}}}}}]}}]");
        let denied = if version < CiliumVersion::V1_20 { "Denied" } else { "Allowed" };
        let lines = ["web → api:80", "node/n1 → api:80", "node/n2 → api:80"];
        let lines = lines.map(|flow| format!("{flow} is {denied}"));
        holds_with(of(version), &(several + &deny(&two)), &lines.each_ref().map(String::as_str));
        let outside = elements.replace("NotIn, values: [office]", "In, values: [office]");
        holds_with(
            of(version),
            &(groups.clone() + &ingress(&outside)),
            &["203.0.113.7 → api:80 is Allowed", "web → api:80 is Denied"],
        );
    }
}

/// docs/semantics/cilium-ports.md#named-ports: of a name that a pod has several times the last port
/// counts, whatever its protocol, and names of init containers do not.
#[test]
fn names_of_ports_that_a_pod_has_twice() {
    let pod = |containers: &str| {
        semantics::pod("shop", "two", "api", "10.0.1.12", "")
            .replace("spec: {", &format!("spec: {{{containers}, "))
    };
    let named = |number: u16, protocol: &str| {
        format!("{{ports: [{{name: http, containerPort: {number}, protocol: {protocol}}}]}}")
    };
    let [first, last, udp] = [named(81, "TCP"), named(82, "TCP"), named(83, "UDP")];
    let twice = format!("containers: [{first}, {last}]");
    let both = format!("containers: [{first}, {udp}]");
    let sidecar =
        "initContainers: [{restartPolicy: Always, ports: [{name: http, containerPort: 84}]}]";
    let cilium = ingress("[{toPorts: [{ports: [{port: http, protocol: TCP}]}]}]");
    let letter = semantics::ingress("[{ports: [{port: http}]}]");
    for policy in [cilium, letter] {
        for version in EVERY_VERSION {
            for (containers, lines) in [
                (&*twice, ["web → two:81 is Denied", "web → two:82 is Allowed"]),
                (&both, ["web → two:81 is Denied", "web → two:83/UDP is Denied"]),
                (sidecar, ["web → two:84 is Denied", "web → two:83/UDP is Denied"]),
            ] {
                holds_with(of(version), &(pod(containers) + &policy), &lines);
            }
        }
    }
}

/// docs/semantics/cilium-ports.md#named-ports: in egress one number for the whole cluster, up to 1.19.
#[test]
fn names_of_ports_in_egress() {
    let other = semantics::pod("shop", "other", "other", "10.0.1.12", "")
        .replace("spec: {", "spec: {containers: [{ports: [{name: http, containerPort: 80}]}], ");
    let cilium = egress("[{toPorts: [{ports: [{port: HTTP, protocol: TCP}]}]}]");
    let letter = semantics::egress("[{ports: [{port: http}]}]");
    for manifests in [cilium, letter] {
        for version in [CiliumVersion::V1_18, CiliumVersion::V1_19] {
            holds_with(
                of(version),
                &manifests,
                &[
                    "web → api:8080 is Allowed",
                    "web → other/client:8080 is Allowed",
                    "web → 203.0.113.7:8080 is Allowed",
                    "web → node/n1:8080 is Allowed",
                    "web → api:80 is Denied",
                ],
            );
            lint(&with(of(version), &manifests), "means 8080 for every destination");
            let two = other.clone() + &manifests;
            holds_with(
                of(version),
                &two,
                &["web → api:8080 is Denied", "web → other:80 is Denied"],
            );
            lint(&with(of(version), &two), "is 80 in some pods and 8080 in others");
        }
        holds_with(
            of(CiliumVersion::V1_20),
            &(other.clone() + &manifests),
            &[
                "web → api:8080 is Allowed",
                "web → other:80 is Allowed",
                "web → 203.0.113.7:80 is Denied",
            ],
        );
    }
    // A denial is dropped too, and ingress goes by the pod.
    let deny = cnp(
        "out",
        "endpointSelector: {matchLabels: {app: web}}, egress: [{toEntities: [all]}], \
                           egressDeny: [{toPorts: [{ports: [{port: http, protocol: TCP}]}]}]",
    );
    holds_with(of(CiliumVersion::V1_19), &deny, &["web → 203.0.113.7:8080 is Denied"]);
    holds_with(of(CiliumVersion::V1_19), &(other + &deny), &["web → api:8080 is Allowed"]);
    let named = ingress("[{toPorts: [{ports: [{port: http, protocol: TCP}]}]}]");
    holds_with(of(CiliumVersion::V1_19), &named, &["web → api:8080 is Allowed"]);
    lint(
        &with(
            of(CiliumVersion::V1_19),
            &egress("[{toPorts: [{ports: [{port: nobody, protocol: TCP}]}]}]"),
        ),
        "no pod calls a port nobody/TCP",
    );
}

/// docs/semantics/cilium-labels.md#reserved-labels: on a cluster of both families what is outside has the
/// label of its own family.
#[test]
fn the_world_by_its_label() {
    let world = ingress("[{fromEndpoints: [{matchLabels: {\"reserved:world\": \"\"}}]}]");
    let four = ingress("[{fromEndpoints: [{matchLabels: {\"reserved:world-ipv4\": \"\"}}]}]");
    let entity = ingress("[{fromEntities: [world]}]");
    let (allowed, denied) =
        (["203.0.113.7 → api:80 is Allowed"], ["203.0.113.7 → api:80 is Denied"]);
    for version in EVERY_VERSION {
        holds_with(of(version), &world, &allowed);
        holds_with(of(version), &four, &denied);
        let both = Cilium { dual_stack: Some(true), ..of(version) };
        holds_with(both.clone(), &world, &denied);
        lint(&with(both.clone(), &world), "Write the entity world");
        holds_with(both.clone(), &four, &allowed);
        holds_with(both, &entity, &allowed);
    }
    // As pods have addresses, where nothing else tells.
    let six = semantics::pod("shop", "six", "six", "10.0.1.13", "")
        .replace("podIPs: [", "podIPs: [{ip: \"fd00::13\"}, ");
    holds_with(settings(), &(six + &world), &denied);
}

/// docs/semantics/cilium-labels.md#keys: one key with and without its source.
#[test]
fn one_key_twice() {
    for version in EVERY_VERSION {
        let twice = ccnp(
            "x",
            "endpointSelector: {matchLabels: {\"any:app\": api, app: web}}, ingress: [{}]",
        );
        holds_with(of(version), &twice, &["web → api:80 is Unknown", "api → web:80 is Unknown"]);
        lint(&with(of(version), &twice), "which are one key");
        let same = ccnp(
            "x",
            "endpointSelector: {matchLabels: {\"any:app\": api, app: api}}, ingress: [{}]",
        );
        holds_with(of(version), &same, &["web → api:80 is Denied", "api → web:80 is Allowed"]);
        // Whoever has neither value is not meant, be it a pod or outside.
        let neither = twice.replace("app: web", "app: web, \"any:tier\": a, tier: b");
        holds_with(of(version), &neither, &["web → api:80 is Allowed"]);
        let elsewhere = "{key: io.kubernetes.pod.namespace, operator: NotIn, values: [shop]}";
        let peer =
            format!("{{matchLabels: {{\"any:b\": x, b: z}}, matchExpressions: [{elsewhere}]}}");
        let deny = format!("endpointSelector: {{}}, ingressDeny: [{{fromEndpoints: [{peer}]}}]");
        let denied = ingress("[{fromEntities: [all]}]") + &ccnp("deny", &deny);
        holds_with(
            of(version),
            &denied,
            &["web → api:80 is Allowed", "node/n2 → api:80 is Allowed"],
        );
    }
}

/// docs/semantics/cilium-labels.md#keys: the API server outside has labels of CIDR groups, too.
#[test]
fn the_api_server_may_have_labels_of_groups() {
    let groups = group("office", "[203.0.113.0/24]") + &api_server("203.0.113.7");
    let from = |more: &str| {
        ingress(&format!(
            "[{{fromEndpoints: [{{matchLabels: {{\"reserved:kube-apiserver\": \"\"}}{more}}}]}}]"
        ))
    };
    let not = "matchExpressions: [{key: kind, operator: DoesNotExist}]";
    let with_one = from("").replace("\"\"}", "\"\", kind: office}");
    for version in EVERY_VERSION {
        holds_with(
            of(version),
            &(groups.clone() + &from("")),
            &["203.0.113.7 → api:80 is Allowed"],
        );
        for policy in [&with_one, &from(&format!(", {not}"))] {
            let lines = ["203.0.113.7 → api:80 is Unknown", "203.0.113.8 → api:80 is Denied"];
            holds_with(of(version), &(groups.clone() + policy), &lines);
            lint(&with(of(version), &(groups.clone() + policy)), "an API server outside");
        }
    }
    // On a node it has none.
    let on_node = group("office", "[203.0.113.0/24]") + &api_server("192.168.0.2");
    holds(&(on_node.clone() + &with_one), &["node/n2 → api:80 is Denied"]);
    let without = from(&format!(", {not}"));
    holds(
        &(on_node + &without),
        &["node/n2 → api:80 is Allowed", "203.0.113.8 → api:80 is Denied"],
    );
}

/// docs/semantics/cilium-networkpolicy.md#negative-namespaceselector.
#[test]
fn namespaces_that_lack_a_label() {
    let without =
        "{namespaceSelector: {matchExpressions: [{key: team, operator: NotIn, values: [red]}]}}";
    let manifests = semantics::ingress(&format!("[{{from: [{without}]}}]"));
    let besides = |manifests: &str, settings: Cilium, verdict: &str| {
        let lines = ["203.0.113.7", "node/n2"].map(|from| format!("{from} → api:80 is {verdict}"));
        holds_with(settings, manifests, &lines.each_ref().map(String::as_str));
    };
    besides(&manifests, of(CiliumVersion::V1_18), "Allowed");
    besides(&manifests, of(CiliumVersion::V1_19), "Denied");
    let any = Cilium { default_local_cluster: false, ..of(CiliumVersion::V1_19) };
    besides(&manifests, any, "Allowed");
    for version in EVERY_VERSION {
        let pods = ["web → api:80 is Denied", "other/client → api:80 is Allowed"];
        holds_with(of(version), &manifests, &pods);
    }
    // A label that must be there, of the namespace or of the pod, is none of theirs.
    for peer in [
        "{namespaceSelector: {}}",
        &without.replace("}]}}", "}]}, podSelector: {matchLabels: {app: web}}}"),
    ] {
        let manifests = semantics::ingress(&format!("[{{from: [{peer}]}}]"));
        besides(&manifests, of(CiliumVersion::V1_18), "Denied");
    }
}

/// docs/semantics/cilium-rules.md#requires: they narrow other policies for the same pods.
#[test]
fn requires_of_other_policies() {
    let narrow = |subject: &str| {
        ccnp(
            "narrow",
            &format!(
                "endpointSelector: {subject}, ingress: [{{fromRequires: [{{matchLabels: {{app: db}}}}]}}]"
            ),
        )
    };
    let allow = ingress("[{fromEndpoints: [{}]}]");
    let letter = policy("in", "podSelector: {}, ingress: [{}]");
    let version = CiliumVersion::V1_18;
    for manifests in [&allow, &letter] {
        holds_with(of(version), manifests, &["web → api:80 is Allowed"]);
        holds_with(of(version), &(narrow("{}") + manifests), &["web → api:80 is Unknown"]);
    }
    // Entities and networks are narrowed by nothing.
    for elements in ["[{fromEntities: [cluster]}]", "[{fromEntities: [all]}]"] {
        holds_with(of(version), &(narrow("{}") + &ingress(elements)), &["web → api:80 is Allowed"]);
    }
    // They are about pods of the own namespace, whether or not they ask about a reserved label.
    let own = ingress(
        "[{fromEndpoints: [{matchExpressions: [{key: io.kubernetes.pod.namespace, operator: Exists}]}]}, \
         {fromRequires: [{matchExpressions: [{key: reserved:host, operator: DoesNotExist}]}]}]",
    );
    holds_with(of(version), &own, &["web → api:80 is Allowed", "other/client → api:80 is Denied"]);
    // Selectors of what is outside are narrowed as those of pods.
    let world = ingress("[{fromEndpoints: [{matchLabels: {\"reserved:world-ipv4\": \"\"}}]}]");
    let dual = || Cilium { dual_stack: Some(true), ..of(version) };
    holds_with(dual(), &world, &["203.0.113.7 → api:80 is Allowed"]);
    holds_with(dual(), &(narrow("{}") + &world), &["203.0.113.7 → api:80 is Unknown"]);
    // Another rule of the same object is another rule, for the same pods too.
    let rules = "{endpointSelector: {}, ingress: [{fromEndpoints: [{}]}]}, \
                 {endpointSelector: {}, ingress: [{fromRequires: [{matchLabels: {app: db}}]}]}";
    let both = ccnp("both", "").replace("spec: {}", &format!("specs: [{rules}]"));
    holds_with(of(version), &both, &["web → api:80 is Unknown"]);
    let elsewhere = narrow("{matchLabels: {k8s:io.kubernetes.pod.namespace: other}}");
    assert_eq!(with(of(version), &(elsewhere + &allow)).rejected(), [""; 0]);
}
