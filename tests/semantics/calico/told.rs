//! Calico: what is refused, odd, not judged or read otherwise by versions, and that it is told.

use super::super::{BASE, enforced};
use super::{cluster, global, holds, ingress, object, policy, tier};
use netpol::policy::Enforcer;

/// docs/semantics/calico.md#order and docs/semantics/calico.md#network-sets: what is odd and no fault.
#[test]
fn odd_and_no_fault() {
    let deny = "selector: app == 'api', ingress: [{action: Deny}]";
    let allow = "selector: app == 'api', ingress: [{action: Allow}]";
    let in_tier = |spec: &str| format!("tier: platform, {spec}");
    let platform = tier("platform", "order: 10");
    let of_set =
        ingress("{action: Allow, source: {namespaceSelector: global(), selector: set == 'x'}}");
    for (manifests, verdict) in [
        // A name need not begin with that of the tier.
        (format!("{platform}{}", policy("p", &in_tier(deny))), "Denied"),
        (format!("{platform}{}", policy("platform.p", &in_tier(deny))), "Denied"),
        // Equal orders, the same name in a namespace and for all.
        (
            policy("p", &format!("order: 5, {deny}")) + &global("p", &format!("order: 5, {allow}")),
            "Allowed",
        ),
        // Which addresses a set has that was not read is not known; where sets were read, one that is not there
        // has none.
        (of_set.clone(), "Unknown"),
        (of_set + &object("GlobalNetworkSet", "none", "nets: []"), "Denied"),
    ] {
        holds(&manifests, &[&format!("web → api:80 is {verdict}")]);
    }
}

/// docs/semantics/calico.md#refusals: what is refused counts as if it were not there, and is told.
#[test]
fn what_is_refused_is_not_there() {
    let deny = "selector: app == 'api', ingress: [{action: Deny}";
    let text = policy("p", &format!("{deny}, {{action: Allow, destination: {{ports: [80]}}}}]"));
    let cluster = cluster(&text);
    cluster.holds(&["web → api:80 is Allowed"]);
    assert!(cluster.rejected()[0].contains("needs protocol"), "{:?}", cluster.rejected());
}

/// docs/semantics/calico.md#http.
#[test]
fn what_is_not_judged_is_told() {
    let http = ingress("{action: Allow, http: {methods: [GET], paths: [{prefix: /public}]}}");
    let cluster = cluster(&http);
    let answer = cluster.ask("web → api:80");
    assert_eq!(answer.verdict(), "Allowed");
    let words = &answer.ingress().conditions[0].words;
    assert!(words.starts_with("HTTP GET /public…"), "{words}");
}

/// docs/semantics/calico.md#refusals: each line is one thing that Calico refuses, with its place.
#[test]
fn refusals() {
    for (spec, path, says) in [
        ("selector: app = 'a'", "spec.selector", "at character 5"),
        ("selector: global()", "spec.selector", "global()"),
        ("types: [Ingress, Ingress]", "spec.types[1]", "twice"),
        ("types: [Inward]", "spec.types[0]", "Inward"),
        ("ingress: [{action: Permit}]", "spec.ingress[0].action", "Permit"),
        ("ingress: [{}]", "spec.ingress[0].action", "missing"),
        (
            "ingress: [{action: Allow, destination: {ports: [80]}}]",
            "spec.ingress[0].destination.ports[0]",
            "needs protocol",
        ),
        (
            "ingress: [{action: Allow, source: {nets: [10.0.1.7/24]}}]",
            "spec.ingress[0].source.nets[0]",
            "10.0.1.0/24",
        ),
        (
            "ingress: [{action: Allow, source: {nets: [x]}}]",
            "spec.ingress[0].source.nets[0]",
            "no network",
        ),
        (
            "ingress: [{action: Allow, source: {nets: [10.0.0.0/8, 2001:db8::/32]}}]",
            "spec.ingress[0]",
            "both IP families",
        ),
        (
            "ingress: [{action: Allow, source: {notNets: [0.0.0.0/0]}}]",
            "spec.ingress[0].source.notNets",
            "leaves no one",
        ),
        ("ingress: [{action: Allow, icmp: {type: 8}}]", "spec.ingress[0].icmp", "needs protocol"),
        (
            "ingress: [{action: Allow, protocol: ICMP, icmp: {code: 8}}]",
            "spec.ingress[0].icmp.code",
            "needs a type",
        ),
        (
            "ingress: [{action: Allow, source: {namespaceSelector: \"global() && all()\"}}]",
            "spec.ingress[0].source.namespaceSelector",
            "cannot be combined",
        ),
        (
            "egress: [{action: Allow, http: {methods: [GET]}}]",
            "spec.egress[0].http",
            "ingress rules",
        ),
        ("doNotTrack: true", "spec.doNotTrack", "GlobalNetworkPolicy"),
        ("namespaceSelector: all()", "spec.namespaceSelector", "GlobalNetworkPolicy"),
    ] {
        let rejected = cluster(&policy("p", spec)).rejected();
        let found = rejected.iter().any(|fault| fault.contains(path) && fault.contains(says));
        assert!(found, "{spec}: {rejected:?}");
    }
}

/// docs/semantics/calico.md#objects: both forms of one object are one.
#[test]
fn both_forms_of_one_object() {
    let deny = "selector: app == 'api', ingress: [{action: Deny}], types: [Ingress]";
    let stored =
        policy("default.p", deny).replace("projectcalico.org/v3", "crd.projectcalico.org/v1");
    holds(&stored, &["web → api:80 is Denied"]);
    let allow = policy("p", "selector: app == 'api', ingress: [{action: Allow}]");
    let cluster = cluster(&(stored + &allow));
    cluster.holds(&["web → api:80 is Allowed"]);
    let [lint] = &cluster.lints()[..] else { panic!("{:?}", cluster.lints()) };
    assert!(lint.contains("it counts once"), "{lint}");
}

/// docs/semantics/calico.md#objects: an object with a field that nobody knows may do anything.
#[test]
fn what_cannot_be_read_makes_unknown() {
    let cluster = cluster(&policy("p", "ingress: [{action: Allow, newer: 1}]"));
    cluster.holds(&["web → api:80 is Unknown"]);
    assert_eq!(cluster.rejected().len(), 1);
}

/// Whoever enforces else never reads them, and says so.
#[test]
fn only_calico_reads_them() {
    let text = format!("{BASE}{}", policy("p", "types: [Ingress]"));
    let cluster = enforced(&text, &Enforcer::Kubernetes);
    cluster.holds(&["web → api:80 is Allowed"]);
    assert!(cluster.lints()[0].contains("NOT ENFORCED"), "{:?}", cluster.lints());
}

/// docs/semantics/calico.md#versions: which policies of administrators count, and how policies of a tier
/// are called.
#[test]
fn what_versions_read_otherwise() {
    let newer = "---\napiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\n\
        metadata: {name: c}\nspec: {tier: Admin, priority: 5, subject: {namespaces: {}}, \
        ingress: [{action: Deny, from: [{namespaces: {}}]}]}\n";
    let older = "---\napiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\n\
        metadata: {name: a}\nspec: {priority: 5, subject: {namespaces: {}}, \
        ingress: [{action: Deny, from: [{namespaces: {}}]}]}\n";
    let under = |version: &str, manifests: &str| {
        let enforcer: Enforcer = version.parse().unwrap();
        enforced(&format!("{BASE}{manifests}"), &enforcer)
    };
    for (version, manifests, verdict) in [
        ("calico", newer, "Denied"),
        ("calico", older, "Denied"),
        ("calico-3.31", newer, "Allowed"),
        ("calico-3.31", older, "Denied"),
        ("calico-3.32", newer, "Denied"),
        ("calico-3.32", older, "Allowed"),
    ] {
        let cluster = under(version, manifests);
        cluster.holds(&[&format!("web → api:80 is {verdict}")]);
        let told = cluster.lints().iter().any(|lint| lint.contains("NOT ENFORCED"));
        assert_eq!(told, verdict == "Allowed", "{version}: {:?}", cluster.lints());
    }
    let closed = "tier: platform, selector: app == 'api', ingress: [{action: Deny}]";
    let named = |name: &str| tier("platform", "order: 1") + &policy(name, closed);
    for (version, name, refused, told) in [
        ("calico", "close", false, true),
        ("calico-3.31", "close", true, false),
        ("calico-3.32", "close", false, false),
        ("calico", "platform.close", false, false),
        ("calico-3.31", "platform.close", false, false),
        ("calico-3.31", "platforms.close", true, false),
    ] {
        let cluster = under(version, &named(name));
        let says =
            |all: Vec<String>| all.iter().any(|it| it.contains("does not begin with platform."));
        assert_eq!(says(cluster.rejected()), refused, "{version} {name}");
        assert_eq!(says(cluster.lints()), told, "{version} {name}");
        let verdict = if refused { "Allowed" } else { "Denied" };
        cluster.holds(&[&format!("web → api:80 is {verdict}")]);
    }
    // In the default tier a dot is that behind the tier, too.
    for (name, refused) in [("close", false), ("default.close", false), ("team.close", true)] {
        let deny = "selector: app == 'api', ingress: [{action: Deny}]";
        let cluster = under("calico-3.31", &policy(name, deny));
        let verdict = if refused { "Allowed" } else { "Denied" };
        cluster.holds(&[&format!("web → api:80 is {verdict}")]);
        assert_eq!(cluster.rejected().len(), usize::from(refused), "{name}");
    }
}

/// docs/semantics/calico.md#order: by which text equal orders go is a matter of the release; where it is
/// not known, and releases disagree, neither is what both policies match.
#[test]
fn what_equal_orders_go_by() {
    let rule = |action: &str| {
        format!("ingress: [{{action: {action}, source: {{selector: app == 'web'}}}}]")
    };
    let of = |name: &str, action: &str| {
        policy(name, &format!("selector: app == 'api', order: 1000, {}", rule(action)))
    };
    let all = |name: &str, action: &str| {
        let rule = "namespaceSelector: all()";
        let rule = format!("ingress: [{{action: {action}, source: {{{rule}}}}}]");
        global(name, &format!("selector: app == 'api', order: 1000, {rule}"))
    };
    let kubernetes = super::super::ingress("[{from: [{podSelector: {matchLabels: {app: web}}}]}]");
    for (manifests, earlier, newer) in [
        // By name in both, but that the namespace came before the name.
        (of("a", "Deny") + &of("b", "Allow"), "Denied", "Denied"),
        (of("aa", "Deny") + &of("aa-b", "Allow"), "Denied", "Allowed"),
        // `default.z` comes before `shop/default.a`, and `a/` before `z/`.
        (of("a", "Deny") + &all("z", "Allow"), "Allowed", "Denied"),
        (of("z", "Deny") + &all("a", "Allow"), "Allowed", "Allowed"),
        // Those of Kubernetes begin with `knp.`; this one is called `in`.
        (kubernetes.clone() + &of("z", "Deny"), "Denied", "Allowed"),
        (kubernetes + &of("a", "Deny"), "Denied", "Denied"),
    ] {
        let unknown = if earlier == newer { earlier } else { "Unknown" };
        for (version, verdict) in
            [("calico-3.31", earlier), ("calico-3.32", newer), ("calico", unknown)]
        {
            let enforcer: Enforcer = version.parse().unwrap();
            let cluster = enforced(&format!("{BASE}{manifests}"), &enforcer);
            let answer = cluster.ask("web → api:80");
            assert_eq!(answer.verdict(), verdict, "{version}: {manifests}");
            let lints = cluster.lints();
            let told = |words: &str| lints.iter().filter(|it| it.contains(words)).count();
            assert_eq!(told("they disagree"), 1, "{version}: {manifests}{lints:?}");
            let open = usize::from(verdict == "Unknown");
            assert_eq!(told("up to Calico 3.31"), open, "{version}: {manifests}{lints:?}");
        }
    }
    // What only one of them matches is known all the same.
    let tied = of("a", "Deny") + &all("z", "Allow");
    holds(&tied, &["other/client → api:80 is Allowed", "192.0.2.1 → api:80 is Denied"]);
    // The name of a policy that was read as Calico keeps it is the same one.
    let stored =
        of("default.z", "Deny").replace("projectcalico.org/v3", "crd.projectcalico.org/v1");
    holds(&(stored + &all("a", "Allow")), &["web → api:80 is Allowed"]);
}

/// docs/semantics/calico.md#order: where two policies that disagree have one order, names decide, and
/// that is told.
#[test]
fn equal_orders_are_told() {
    let of = |name: &str, spec: &str| policy(name, &format!("selector: app == 'api', {spec}"));
    let allow = "ingress: [{action: Allow}]";
    let deny = "ingress: [{action: Deny}]";
    let with = |order: &str, rules: &str| format!("order: {order}, {rules}");
    let elsewhere = of("b", &with("7", deny)).replace("namespace: shop", "namespace: other");
    for (one, other, told) in [
        (of("a", &with("7", allow)), of("b", &with("7", deny)), true),
        (of("a", allow), of("b", deny), true),
        (of("a", &with("7", allow)), global("b", &with("7", deny)), true),
        (of("a", &with("7", allow)), of("b", &with("8", deny)), false),
        (of("a", &with("7", allow)), of("b", &with("7", allow)), false),
        (of("a", &with("7", allow)), of("b", &with("7", "egress: [{action: Deny}]")), false),
        (of("a", &with("7", allow)), elsewhere, false),
    ] {
        let lints = cluster(&(one.clone() + &other)).lints();
        let found =
            lints.iter().any(|it| it.contains("spec.order") && it.contains("they disagree"));
        assert_eq!(found, told, "{one}{other}{lints:?}");
    }
}
