//! `lint`: each lint is documented with an example that has it, and what it calls dead changes no verdict.

mod known;

use crate::documents::blocks;
use crate::harness::{Files, root};
use crate::open_world::population::{coexist, flow, has_address, passage, populate};
use crate::open_world::{some_pods, some_pods_and_rules};
use crate::random::{Random, boundary_addresses, boundary_ports, build, hold};
use crate::run::{command, netpol, netpol_with, run};
use netpol::cluster::Family;
use netpol::effort::Effort;
use netpol::lint::{Found, lint};
use netpol::lints::{Lint, Severity};
use netpol::policy::Ruleset;
use netpol::policy::rule::{Peers, Policy};
use netpol::verdict::Endpoint;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The page of all lints.
const PAGE: &str = "docs/lint/README.md";

/// What one lint's section has.
struct Section {
    id: String,
    text: String,
    /// Who enforces, and the manifests.
    examples: Vec<(String, String)>,
}

fn sections() -> Vec<Section> {
    let page = fs::read_to_string(root().join(PAGE)).unwrap();
    let mut all = page.split("\n## ");
    all.next();
    let section = |text: &str| {
        let examples = blocks(text).into_iter().filter_map(|(words, lines)| {
            let enforcer = words.strip_prefix("yaml lint")?.trim().to_owned();
            Some((enforcer, lines.join("\n") + "\n"))
        });
        let examples = examples.collect();
        let id = text.lines().next().unwrap().to_owned();
        Section { id, text: text.to_owned(), examples }
    };
    all.map(section).collect()
}

/// The findings of some manifests, as JSON.
fn found(manifests: &str, words: &[&str]) -> Vec<Value> {
    let all = [&["lint", "-f", "-", "-o", "json", "--fail-on", "never"], words].concat();
    let ran = netpol_with(&all, manifests.as_bytes());
    assert!([0, 3].contains(&ran.code), "{ran:?}\n{manifests}");
    ran.json()["findings"].as_array().unwrap().clone()
}

#[test]
fn every_lint_has_a_section_and_an_example_that_has_it() {
    let sections = sections();
    let ids: Vec<&str> = sections.iter().map(|section| section.id.as_str()).collect();
    let wanted: Vec<&str> = Lint::ALL.iter().map(|lint| lint.id()).collect();
    assert_eq!(ids, wanted);
    let page = fs::read_to_string(root().join(PAGE)).unwrap();
    for (section, lint) in sections.iter().zip(Lint::ALL) {
        let head = format!("*{}* · {}.", lint.severity(), lint.title());
        assert!(section.text.contains(&head), "{head}");
        assert!(section.text.contains("**Mend:** "), "{lint}");
        let row = format!("| [{lint}](#{lint}) | {} | {} |", lint.severity(), lint.title());
        assert!(page.contains(&row), "{row}");
        assert!(!section.examples.is_empty(), "{lint} has no example");
        for (enforcer, manifests) in &section.examples {
            let words = ["--enforcer", enforcer.as_str()];
            let words = if enforcer.is_empty() { &[][..] } else { &words[..] };
            let found = found(manifests, words);
            let one = found.iter().find(|it| it["lint"] == lint.id());
            let one =
                one.unwrap_or_else(|| panic!("{lint} is not found in:\n{manifests}{found:#?}"));
            assert_eq!(one["severity"], lint.severity().as_str());
            assert_eq!(one["page"], format!("{PAGE}#{lint}"));
            let placed = *lint == Lint::SystemCut || one["location"]["line"].is_number();
            assert!(placed, "{one:#}");
        }
    }
}

/// The settings and the comment that the page shows do what it says.
#[test]
fn settings_and_comments_of_the_page() {
    let page = fs::read_to_string(root().join(PAGE)).unwrap();
    let of = |wanted: &str| {
        let all = blocks(&page).into_iter().find(|(words, _)| words == wanted);
        all.unwrap_or_else(|| panic!("no block {wanted}")).1.join("\n") + "\n"
    };
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let config = file("settings.yaml", &of("yaml settings"));
    let open = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {namespace: shop, name: web}\nspec: {podSelector: {}, ingress: [{}]}\n";
    let path = file("open.yaml", open);
    let ran = netpol(&["lint", "-f", &path, "--config", &config, "-o", "json"]);
    assert_eq!((ran.code, ran.json()["turnedOff"].as_u64()), (0, Some(1)), "{ran:?}");
    assert_eq!(ran.json()["findings"], json!([]));

    let ran = netpol_with(&["lint", "-f", "-", "-o", "json"], of("yaml allowed").as_bytes());
    assert_eq!(ran.json()["allowed"][0]["reason"], "it is the public front", "{ran:?}");
    assert_eq!((ran.code, &ran.json()["findings"]), (0, &json!([])));

    // What lies in the working directory counts, and is told.
    file("netpol-lint.yaml", &of("yaml settings"));
    let mut here = command(crate::run::FRONT, &["lint", "-f", "open.yaml"]);
    let ran = run(here.current_dir(directory.path()), b"");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        ran.stdout,
        "Nothing found in 1 policy. 1 finding turned off.\nsettings of netpol-lint.yaml count.\n"
    );
}

#[test]
fn exit_codes_and_errors() {
    let page = sections();
    let of = |lint: Lint| &page.iter().find(|it| it.id == lint.id()).unwrap().examples[0].1;
    let code = |lint: Lint, words: &[&str]| {
        netpol_with(&[&["lint", "-f", "-"], words].concat(), of(lint).as_bytes()).code
    };
    assert_eq!(code(Lint::ServicePort, &[]), 1);
    assert_eq!(code(Lint::ServicePort, &["--fail-on", "never"]), 0);
    assert_eq!(code(Lint::DeadRule, &[]), 0);
    assert_eq!(code(Lint::DeadRule, &["--fail-on", "warning"]), 1);
    assert_eq!(code(Lint::OpenToAnyone, &["--fail-on", "warning"]), 0);
    assert_eq!(code(Lint::OpenToAnyone, &["--fail-on", "note"]), 1);
    let empty = netpol_with(&["lint", "-f", "-"], b"a: b\n");
    assert_eq!(empty.code, 3, "{empty:?}");
    assert!(!empty.stdout.contains("Nothing found in 0 policies.\n"), "{empty:?}");
    let missing = netpol(&["lint", "-f", "examples/homekube", "--config", "no-such.yaml"]);
    assert_eq!(missing.code, 2, "{missing:?}");
    assert!(missing.stderr.contains("no-such.yaml"), "{missing:?}");
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("c.yaml");
    let text = "apiVersion: netpol/v1alpha1\nkind: Lint\nrules: {dead-rul: off}\n";
    fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let ran = netpol(&["lint", "-f", "examples/homekube", "--config", config]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("line 3") && ran.stderr.contains("did you mean dead-rule?"));
    let other = netpol(&["lint", "-f", "examples/homekube", "-n", "nowhere"]);
    assert_eq!(other.code, 2, "{other:?}");
}

/// A gap is never nothing: what was not read makes the answer incomplete, and the exit code says so.
#[test]
fn what_was_not_read_is_not_clean() {
    let manifests = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {namespace: shop, name: web}\nspec: {chart: {spec: {chart: web, sourceRef: {kind: HelmRepository, name: charts}}}}\n";
    let ran = netpol_with(&["lint", "-f", "-", "-o", "json"], manifests.as_bytes());
    assert_eq!((ran.code, &ran.json()["complete"]), (3, &json!(false)), "{ran:?}");
}

/// Policies without a namespace that are written once for each directory are for several namespaces: none of them
/// decides for another.
#[test]
fn policies_of_several_namespaces_do_not_kill_one_another() {
    let policy = |name: &str, space: &str, labels: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {name}{space}}}\nspec:\n  \
             podSelector: {{matchLabels: {{{labels}}}}}\n  ingress: [{{from: [{{podSelector: {{}}}}]}}]\n"
        )
    };
    let (wide, narrow) = ("team: a", "team: a, app: b");
    let of = |space: &str| {
        let files = Files::new(&[
            ("a/wide.yaml", &policy("wide", space, wide)),
            ("b/wide.yaml", &policy("wide", space, wide)),
            ("b/narrow.yaml", &policy("narrow", space, narrow)),
        ]);
        let ran = netpol(&["lint", "-f", files.path("").to_str().unwrap(), "-o", "json"]);
        (ran.code, ran.json())
    };
    let (code, unnamed) = of("");
    assert_eq!((code, &unnamed["findings"]), (0, &json!([])), "{unnamed:#}");
    assert_eq!(unnamed["complete"], false);
    assert!(unnamed["missing"].to_string().contains("as if for several namespaces"), "{unnamed:#}");
    let (code, named) = of(", namespace: shop");
    assert_eq!((code, &named["findings"][0]["lint"]), (0, &json!("dead-policy")), "{named:#}");
}

/// SARIF for code scanning, as OASIS has it, and commands for a workflow, whatever names say.
#[test]
fn sarif_and_workflow_commands() {
    let page = sections();
    let example = &page.iter().find(|it| it.id == "same-rule").unwrap().examples[0].1;
    let ran = netpol_with(&["lint", "-f", "-", "-o", "sarif"], example.as_bytes());
    assert_eq!(ran.code, 0, "{ran:?}");
    let log = ran.json();
    assert_eq!(log["version"], "2.1.0");
    let results = log["runs"][0]["results"].as_array().unwrap();
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(["note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
    }
    // What comes from stdin is in no file.
    assert!(results.iter().all(|result| result["locations"].is_null()));
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a b.yaml"), example).unwrap();
    let mut here = command(crate::run::FRONT, &["lint", "-f", "a b.yaml", "-o", "sarif"]);
    let log = run(here.current_dir(directory.path()), b"").json();
    let result = &log["runs"][0]["results"][0];
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "a%20b.yaml", "{result:#}");
    assert!(place["region"]["startLine"].as_u64() > Some(1), "{result:#}");
    assert!(result["relatedLocations"][0]["physicalLocation"].is_object(), "both are named");
    let mut here = command(crate::run::FRONT, &["lint", "-f", "a b.yaml", "-o", "github"]);
    let ran = run(here.current_dir(directory.path()), b"");
    assert!(ran.stdout.starts_with("::warning file=a b.yaml,line="), "{ran:?}");
    let hostile = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {namespace: shop, name: \"x\\n::error::y\\e[31m\"}\nspec: {podSelector: {}}\n";
    for format in ["sarif", "github", "text", "json", "yaml"] {
        let ran = netpol_with(&["lint", "-f", "-", "-o", format], hostile.as_bytes());
        assert!(!ran.stdout.contains('\u{1b}') && !ran.stdout.contains("\n::error::y"), "{ran:?}");
    }
}

/// Nodes need not be in the input for a rule to mean them: nothing covers the second one.
#[test]
fn rules_for_nodes_that_are_not_written_are_not_dead() {
    let manifests = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {namespace: shop, name: web}\nspec:\n  endpointSelector: {}\n  ingress:\n  - fromEntities: [world]\n    toPorts: [{ports: [{port: \"80\", protocol: TCP}]}]\n  - fromEntities: [remote-node]\n    toPorts: [{ports: [{port: \"80\", protocol: TCP}]}]\n  - fromEndpoints: [{}]\n    toPorts: [{ports: [{port: \"80\", protocol: TCP}]}]\n";
    let found = found(manifests, &[]);
    assert!(found.is_empty(), "{found:#?}");
}

/// Two rules together decide all of a third: the engines prove it, and the third alone is told.
#[test]
fn several_rules_together_decide_one() {
    let manifests = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {namespace: shop, name: web}\nspec:\n  podSelector: {}\n  ingress:\n  - from: [{podSelector: {matchExpressions: [{key: app, operator: Exists}]}}]\n  - from: [{podSelector: {matchExpressions: [{key: app, operator: DoesNotExist}]}}]\n  - from: [{podSelector: {matchLabels: {team: a}}}]\n";
    let found = found(manifests, &[]);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(
        (&found[0]["lint"], &found[0]["location"]["line"]),
        (&json!("dead-rule"), &json!(9))
    );
    assert_eq!(found[0]["related"].as_array().unwrap().len(), 2, "both are named");
}

/// How many findings the properties saw, by what they say.
static SEEN: [AtomicUsize; 4] = [const { AtomicUsize::new(0) }; 4];

/// The lints that say that something may be taken away.
fn takes_away(found: &Found) -> Option<usize> {
    match found.lint {
        Lint::DeadPolicy => Some(0),
        Lint::DeadRule | Lint::SameRule | Lint::ShadowedRule => {
            let several = found.message.contains("the rules beside it");
            Some(if several { 3 } else { 1 })
        }
        Lint::DeadPeer => Some(2),
        _ => None,
    }
}

/// The rules without what is told.
fn without(rules: &Ruleset, told: &[&Found]) -> Ruleset {
    let mut left = rules.without_policies();
    for policy in rules.policies() {
        let of_it = || told.iter().filter(|it| it.about.object == policy.object);
        if of_it().any(|it| it.lint == Lint::DeadPolicy) {
            continue;
        }
        let mut policy: Policy = policy.clone();
        for entry in &mut policy.entries {
            let whole = |it: &&&Found| it.lint != Lint::DeadPeer && it.about.path == *entry.path;
            if of_it().any(|it| whole(&it)) {
                entry.peers = Peers::Of(Vec::new());
            }
            if let Peers::Of(items) = &mut entry.peers {
                items.retain(|item| {
                    !of_it().any(|it| it.lint == Lint::DeadPeer && it.about.path == *item.path)
                });
            }
        }
        left.add_policy(policy);
    }
    left
}

const STRANGERS: usize = 40;
const FLOWS: usize = 1_200;

/// Without what is called dead, all of it or one thing, every flow of a population is judged as before.
fn dead(cluster: &[Value], seed: u64) -> Option<String> {
    let world = build(cluster)?;
    let effort = Effort { search: 2_000_000, ..Effort::default() };
    let findings = lint(&world.snapshot, &world.rules, None, effort);
    let told: Vec<&Found> = findings.all.iter().filter(|it| takes_away(it).is_some()).collect();
    if told.is_empty() {
        return None;
    }
    for kind in told.iter().filter_map(|it| takes_away(it)) {
        SEEN[kind].fetch_add(1, Ordering::Relaxed);
    }
    let mut r = Random::new(!seed);
    let one = [*r.pick(&told)];
    let sides = [without(&world.rules, &told), without(&world.rules, &one)];
    let population = populate(&mut r, cluster, &[&world], STRANGERS);
    let side = &population.sides[0];
    let ports = boundary_ports(cluster);
    let mut ends: Vec<Endpoint> =
        population.strangers.iter().map(|id| Endpoint::Pod(*id)).collect();
    ends.extend((0..world.pods.len()).map(Endpoint::Pod));
    ends.extend(boundary_addresses(cluster).into_iter().map(Endpoint::Address));
    for _ in 0..FLOWS {
        let pair = [r.pick(&ends).clone(), r.pick(&ends).clone()];
        let pods = pair.iter().filter(|end| matches!(end, Endpoint::Pod(_))).count();
        if let [Endpoint::Pod(a), Endpoint::Pod(b)] = pair
            && (a == b || !coexist(side, a, b))
        {
            continue;
        }
        let family = *r.pick(&Family::ALL);
        if pods == 0 || pair.iter().any(|end| !has_address(side, end, family)) {
            continue;
        }
        let [source, destination] = pair;
        let flow = flow(source, destination, *r.pick(&ports), family);
        let before = passage(side, &world.rules, &flow);
        for (rules, told) in sides.iter().zip([&told[..], &one]) {
            let after = passage(side, rules, &flow);
            if before != after {
                return Some(format!("{before:?} became {after:?}: {flow:?}\nwithout {told:#?}"));
            }
        }
    }
    None
}

/// Policies, and copies of some of them that say a little less, or the same.
fn with_copies(r: &mut Random, mut all: Vec<Value>) -> Vec<Value> {
    let mut copies = Vec::new();
    for object in &all {
        // Of Calico's some say the same at another place of their tier, or of another one.
        if object["tier"] == "Named" && r.percent(60) {
            let mut copy = object.clone();
            let name = object["metadata"]["name"].as_str().unwrap();
            copy["metadata"]["name"] = json!(format!("{name}-copy"));
            if r.percent(40) {
                copy["order"] = json!(r.pick(&[0, 5, 1000, 2000]));
            }
            if r.percent(30) {
                copy["in"] = json!(r.pick(&["t1", "t2", "default", "t3"]));
            }
            copies.push(copy);
        }
        if object["kind"] != "NetworkPolicy" || r.percent(40) {
            continue;
        }
        let mut copy = object.clone();
        copy["metadata"]["name"] =
            json!(format!("{}-copy", copy["metadata"]["name"].as_str().unwrap()));
        for side in ["ingress", "egress"] {
            if let Some(rules) = copy["spec"][side].as_array_mut()
                && r.percent(50)
                && !rules.is_empty()
            {
                let at = r.below(rules.len());
                let ports = ["from", "to"].iter().any(|it| !rules[at][*it].is_null());
                if ports && rules[at]["ports"].is_null() {
                    rules[at]["ports"] = json!([{"port": 80}]);
                } else {
                    rules.remove(at);
                }
            }
        }
        copies.push(copy);
    }
    all.extend(copies);
    all
}

fn copied_policies(r: &mut Random) -> Vec<Value> {
    let all = some_pods(r);
    with_copies(r, all)
}

fn copied_rules(r: &mut Random) -> Vec<Value> {
    let all = some_pods_and_rules(r);
    with_copies(r, all)
}

#[test]
fn what_is_called_dead_changes_no_verdict() {
    hold(220, copied_policies, dead);
    hold(160, copied_rules, dead);
    let seen: Vec<usize> = SEEN.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

/// What Calico's policies do not do that they seem to: by its tiers and orders, in each other's shadow too.
#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn what_is_found_in_policies_of_calico() {
    let object = |kind: &str, name: &str, spec: &str| {
        let place =
            if kind.starts_with("Global") || kind == "Tier" { "" } else { ", namespace: shop" };
        format!(
            "---\napiVersion: projectcalico.org/v3\nkind: {kind}\nmetadata: {{name: {name}{place}}}\nspec: {{{spec}}}\n"
        )
    };
    let own = |name: &str, spec: &str| {
        object("NetworkPolicy", name, &format!("selector: app == 'api', {spec}"))
    };
    let all = |name: &str, spec: &str| {
        object("GlobalNetworkPolicy", name, &format!("selector: app == 'api', {spec}"))
    };
    let from = |action: &str, who: &str| {
        format!("ingress: [{{action: {action}, source: {{selector: {who}}}}}]")
    };
    let web = "app == 'web'";
    let few = "app == 'web' && team == 'red'";
    let platform = object("Tier", "platform", "order: 10, defaultAction: Pass");
    let deny_web =
        "ingress: [{action: Deny, source: {namespaceSelector: all(), selector: app == 'web'}}]";
    let pods = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: api, namespace: shop, labels: {app: api}}\n\
                ---\napiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop, labels: {app: web, team: red}}\n";
    for (manifests, id, about) in [
        // By order within a tier, whatever the later one does.
        (
            own("a", &format!("order: 1, {}", from("Allow", web)))
                + &own("b", &format!("order: 2, {}", from("Deny", few))),
            "shadowed-rule",
            "b",
        ),
        (
            own("a", &format!("order: 1, {}", from("Allow", web)))
                + &own("b", &format!("order: 2, {}", from("Allow", few))),
            "dead-rule",
            "b",
        ),
        // Where all do the same the order does not count.
        (
            own("a", &format!("order: 1, {}", from("Allow", few)))
                + &own("b", &format!("order: 2, {}", from("Allow", web))),
            "dead-rule",
            "a",
        ),
        // Behind a tier that decides.
        (
            platform.clone()
                + &all("platform.web", &format!("tier: platform, {deny_web}"))
                + &own("b", &from("Allow", web)),
            "shadowed-rule",
            "b",
        ),
        // Within one policy.
        (
            own(
                "a",
                &format!(
                    "ingress: [{{action: Deny, source: {{selector: {web}}}}}, {{action: Allow, source: \
                     {{selector: {few}}}}}]"
                ),
            ),
            "shadowed-rule",
            "a",
        ),
        (
            own("a", &format!("order: 1, {}", from("Allow", web)))
                + &own("b", &format!("order: 1, {}", from("Deny", web))),
            "priority-tie",
            "b",
        ),
        (
            own("a", &format!("order: 1, {}", from("Allow", web)))
                + &all("z", &format!("order: 1, {deny_web}")),
            "version-dependent",
            "z",
        ),
        (own("a", "types: [Ingress], egress: [{action: Allow}]"), "direction-not-listed", "a"),
        (
            own(
                "a",
                "egress: [{action: Allow, protocol: TCP, destination: {selector: app == 'web'}}]",
            ),
            "no-dns",
            "a",
        ),
        (own("a", &from("Allow", "app == 'ghost'")), "no-known-pod", "a"),
        (object("NetworkPolicy", "a", "selector: app == 'ghost'"), "no-known-pod", "a"),
        (own("a", &from("Allow", "app == 'a' && app == 'b'")), "matches-nothing", "a"),
        // A set of addresses that is not there.
        (
            own(
                "a",
                "ingress: [{action: Allow, source: {namespaceSelector: global(), selector: set == 'x'}}]",
            ),
            "matches-nothing",
            "a",
        ),
        (own("a", "tier: lost"), "not-judged", "a"),
        (platform + &own("a", "tier: platform"), "version-dependent", "a"),
        (
            own("a", "selector: app = 'a'").replacen("selector: app == 'api', ", "", 1),
            "refused",
            "a",
        ),
    ] {
        let found = found(&(manifests.clone() + pods), &["--enforcer", "calico"]);
        let about_it = |it: &Value| {
            let words = format!("{} ", it["about"].as_str().unwrap());
            words.contains(&format!("/{about} "))
        };
        let is = |it: &&Value| it["lint"] == id && about_it(it);
        assert!(found.iter().any(|it| is(&it)), "{id} of {about} in {manifests}{found:#?}");
    }
    // A tier that passes some on decides nothing of them, and an order that is not known neither.
    let pass = "ingress: [{action: Pass, source: {namespaceSelector: all(), selector: app == 'web'}}, \
                {action: Deny}]";
    for manifests in [
        object("Tier", "platform", "order: 10")
            + &all("platform.web", &format!("tier: platform, {pass}"))
            + &own("b", &from("Allow", web)),
        own("z", &format!("order: 1, {}", from("Deny", web)))
            + &all("a", &format!("order: 1, {}", from("Allow", few))),
    ] {
        let found = found(&(manifests.clone() + pods), &["--enforcer", "calico"]);
        let dead = ["dead-rule", "shadowed-rule", "same-rule"];
        let is = |it: &Value| dead.iter().any(|id| it["lint"] == **id);
        assert!(!found.iter().any(is), "{manifests}{found:#?}");
    }
}

/// Of a lint the ids are the only words: SARIF's levels are its severities.
#[test]
fn severities_are_levels_of_sarif() {
    let words: BTreeSet<&str> = Severity::ALL.into_iter().map(Severity::as_str).collect();
    assert_eq!(words, BTreeSet::from(["error", "note", "warning"]));
}
