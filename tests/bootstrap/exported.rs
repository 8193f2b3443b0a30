//! Random namespaces, flags, layouts and kustomizations that are there already: what kustomize makes of an
//! export is what applying would have written, or the export was refused and changed nothing. Two exports
//! mean the same in either order.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use netpol::effort::Effort;
use netpol::objects::Objects;
use netpol::policy::{Enforcer, Ruleset};
use netpol::yaml;
use serde_json::Value;

use super::export::buildable;
use crate::harness::{Files, expect_success};
use crate::random::Random;

/// So many sequences of exports.
const CASES: u64 = 16;

/// Whose policies of ours a field changes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Harms {
    Nobodys,
    /// The label that the namespace is given.
    Label,
    /// Those with labels in a selector: kustomize adds to these, and only to NetworkPolicies.
    Labelled,
    Everyones,
    /// Those of `team-b`.
    Others,
    /// The NetworkPolicy `default-deny-ingress` of `team-b`.
    One,
}

/// Fields that kustomizations have.
const FIELDS: &[(&str, Harms)] = &[
    ("commonLabels: {team: a}", Harms::Labelled),
    ("labels: [{pairs: {team: a}, includeSelectors: true}]", Harms::Labelled),
    ("labels: [{pairs: {team: a}}]", Harms::Label),
    ("commonAnnotations: {team: a}", Harms::Nobodys),
    ("namePrefix: p-", Harms::Everyones),
    ("nameSuffix: -s", Harms::Everyones),
    ("namespace: team-a", Harms::Others),
    ("components: [part]", Harms::Everyones),
    (
        r#"patches: [{target: {kind: ConfigMap}, patch: '[{"op": "add", "path": "/data", "value": {"b": "c"}}]'}]"#,
        Harms::Nobodys,
    ),
    (
        r#"patches: [{target: {kind: NetworkPolicy, name: default-deny-ingress, namespace: team-b}, patch: '[{"op": "add", "path": "/spec/ingress", "value": [{}]}]'}]"#,
        Harms::One,
    ),
    ("images: [{name: a, newTag: b}]", Harms::Nobodys),
];

/// Whether an export changes nothing that is asked for.
fn is_harmed(fields: &[&(&str, Harms)], namespace: usize, flags: &[&str]) -> bool {
    let plain = flags.contains(&"--dialect=networkpolicy");
    fields.iter().any(|(_, harms)| match harms {
        Harms::Nobodys => false,
        Harms::Label => flags.contains(&"--label=team=x"),
        Harms::Labelled => {
            let selects = flags.iter().any(|flag| flag.starts_with("--allow-monitoring"));
            (plain && selects) || flags.contains(&"--label=team=x")
        }
        Harms::Everyones => true,
        Harms::Others => namespace == 1,
        // Calico's kind has the same name.
        Harms::One => {
            let one = namespace == 1 && !flags.contains(&"--deny=egress");
            one && !flags.contains(&"--dialect=cilium")
        }
    })
}

/// How the list of resources is written that is there.
const LISTS: &[&str] = &[
    "resources:\n- other.yaml\n",
    "resources: # ours\n  # the first\n  - other.yaml # big\n",
    "resources: [other.yaml]\n",
    "resources: [\n  other.yaml, # big\n]\n",
    "resources: ['other.yaml',\n  \"more.yaml\"]\n",
];

const OTHER: &str =
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: NAME, namespace: team-a}}\n";

fn flags(random: &mut Random) -> Vec<&'static str> {
    let mut flags = vec!["--dns=namespace"];
    for (flag, of_hundred) in [
        ("--allow-same-namespace", 40),
        ("--allow-ingress-controller", 30),
        ("--allow-monitoring=obs/app=prom", 30),
        ("--allow-egress=192.0.2.7:5432", 30),
        ("--allow-egress=2001:db8::1", 20),
        ("--label=team=x", 30),
        ("--export-layout=many", 50),
    ] {
        if random.percent(of_hundred) {
            flags.push(flag);
        }
    }
    flags.push(*random.pick(&["--deny=ingress", "--deny=egress", "--deny=all"]));
    flags.push(*random.pick(&["--dialect=networkpolicy", "--dialect=cilium", "--dialect=calico"]));
    flags
}

type Named = BTreeMap<(String, String, String), Value>;

/// Policies by kind, namespace and name; those that are not ours are left out.
fn named(objects: Vec<Value>) -> Named {
    let ours = |object: &Value| {
        object["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "kubectl-netpol"
    };
    let key = |object: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let metadata = &object["metadata"];
        (text(&object["apiVersion"]), text(&metadata["namespace"]), text(&metadata["name"]))
    };
    objects.into_iter().filter(ours).map(|object| (key(&object), object["spec"].clone())).collect()
}

/// What applying would write.
fn applied(files: &Files, namespaces: &[&str], flags: &[&str]) -> Named {
    let flags = flags.iter().copied().filter(|flag| !flag.starts_with("--export"));
    let words: Vec<&str> =
        ["bootstrap", "--dry-run=client", "-o", "json"].into_iter().chain(flags).collect();
    let run = files.run(&[&words[..], namespaces].concat());
    assert_eq!(run.code, 0, "{run:?}");
    match run.json()["items"].take() {
        Value::Array(items) => named(items),
        _ => named(vec![run.json()]),
    }
}

fn built(directory: &Path) -> Vec<Value> {
    let text = expect_success(Command::new("kubectl").arg("kustomize").arg(directory));
    let documents: Vec<_> = yaml::split(&text).collect();
    documents.iter().filter_map(|it| yaml::from_document(it).unwrap()).collect()
}

/// Every file of a directory, with its text.
fn state(directory: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut open = vec![directory.to_owned()];
    while let Some(place) = open.pop() {
        for entry in std::fs::read_dir(place).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let text = std::fs::read_to_string(&path).unwrap();
                all.insert(path.display().to_string(), text);
            }
        }
    }
    all
}

/// All flows are the same under two sets of policies.
fn same_flows(one: &Named, other: &Named) -> bool {
    let rules = |named: &Named| {
        let mut objects = Objects::default();
        for ((version, namespace, name), spec) in named {
            let kind =
                if version.starts_with("cilium") { "CiliumNetworkPolicy" } else { "NetworkPolicy" };
            let policy = serde_json::json!({
                "apiVersion": version, "kind": kind, "spec": spec,
                "metadata": {"namespace": namespace, "name": name},
            });
            assert!(objects.insert_policy(&policy), "{policy}");
        }
        for namespace in ["team-a", "team-b", "obs", "other"] {
            for app in ["prom", "web"] {
                let pod = serde_json::json!({
                    "metadata": {"name": app, "namespace": namespace, "labels": {"app": app}},
                    "spec": {"containers": []}, "status": {"phase": "Running"},
                });
                let pod: netpol::objects::api::Pod = serde_json::from_value(pod).unwrap();
                objects.insert(pod.into(), netpol::cluster::Origin::Synthetic);
            }
        }
        objects.assemble()
    };
    let (a, b) = (rules(one), rules(other));
    let enforcer = Enforcer::default();
    let (before, after) =
        (Ruleset::compile(&a.1, &a.0, &enforcer), Ruleset::compile(&b.1, &b.0, &enforcer));
    let diff = netpol::reach::diff((&a.0, &before), (&b.0, &after), Effort::default()).unwrap();
    diff.changes().is_empty()
}

#[test]
fn what_is_built_is_what_would_be_applied() {
    if !buildable() {
        return;
    }
    for seed in 1..=CASES {
        let mut random = Random::new(seed);
        let files = Files::new(&[]);
        let mut fields: Vec<&(&str, Harms)> = Vec::new();
        if random.percent(75) {
            let list = random.pick(LISTS);
            let wanted = random.below(3);
            // Each of them once, and others beside it.
            let turn = &FIELDS[usize::try_from(seed).unwrap() % FIELDS.len()];
            let more = random.sample(FIELDS.iter().collect(), wanted);
            for field in std::iter::once(turn).chain(more) {
                let key = |text: &str| text.split(':').next().unwrap().to_owned();
                if !fields.iter().any(|known| key(known.0) == key(field.0)) {
                    fields.push(field);
                }
            }
            let text: String = fields.iter().flat_map(|(text, _)| [text, "\n"]).collect();
            for way in ["one", "other"] {
                files.write(&format!("{way}/kustomization.yaml"), &format!("{list}{text}"));
                files.write(&format!("{way}/other.yaml"), &OTHER.replace("NAME", "other"));
                files.write(&format!("{way}/more.yaml"), &OTHER.replace("NAME", "more"));
                let component = "{apiVersion: kustomize.config.k8s.io/v1alpha1, kind: Component, \
                                 nameSuffix: -c}\n";
                files.write(&format!("{way}/part/kustomization.yaml"), component);
            }
        }
        let exports: Vec<(usize, Vec<&str>)> =
            (0..3).map(|at| (at % 2, flags(&mut random))).collect();
        // The third is of the first's namespace again, so only the first two change places.
        let orders = [("one", [0, 1, 2]), ("other", [1, 0, 2])];
        let mut results = Vec::new();
        for (way, order) in orders {
            let mut expected: [Named; 2] = [Named::new(), Named::new()];
            let mut outcome = [false; 3];
            for at in order {
                let (namespace, flags) = &exports[at];
                let name = ["team-a", "team-b"][*namespace];
                let before = files.path(way).exists().then(|| state(&files.path(way)));
                let words = [&["bootstrap", name, "--export", way][..], flags].concat();
                let run = files.run(&words);
                let harmed = is_harmed(&fields, *namespace, flags);
                let said = format!("{words:?} with {fields:?}: {run:?}");
                if run.code == 2 {
                    assert!(harmed, "refused for nothing: {said}");
                    assert!(run.stderr.contains("no file was written"), "{said}");
                    assert_eq!(
                        before,
                        files.path(way).exists().then(|| state(&files.path(way))),
                        "{said}"
                    );
                    continue;
                }
                assert!(run.code == 0 && !harmed, "{said}");
                outcome[at] = true;
                expected[*namespace] = applied(&files, &[name], flags);
                let made = named(built(&files.path(way)));
                let wanted: Named =
                    expected.iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
                assert_eq!(made, wanted, "{said}");
                assert!(same_flows(&made, &wanted), "{said}");
            }
            let made = files.path(way).join("kustomization.yaml").exists();
            results.push((outcome, made.then(|| named(built(&files.path(way))))));
        }
        assert_eq!(results[0], results[1], "{exports:?} with {fields:?}");
    }
}

/// Of several namespaces at once, too.
#[test]
fn several_at_once_are_as_one_after_the_other() {
    if !buildable() {
        return;
    }
    for seed in 1..=3 {
        let mut random = Random::new(seed);
        let files = Files::new(&[]);
        let flags = flags(&mut random);
        let namespaces = ["team-a", "team-b", "team-c"];
        let words = [&["bootstrap", "--export", "one"][..], &flags, &namespaces].concat();
        assert_eq!(files.run(&words).code, 0);
        for namespace in namespaces {
            let words = [&["bootstrap", "--export", "other", namespace][..], &flags].concat();
            assert_eq!(files.run(&words).code, 0);
        }
        let (one, other) = (named(built(&files.path("one"))), named(built(&files.path("other"))));
        assert_eq!(one, other);
        assert_eq!(one, applied(&files, &namespaces, &flags));
    }
}
