//! The texts that people write: lists, JSON, templates, and what is wrong in them.

use super::*;
use crate::policy::{Enforcer, Ruleset};
use proptest::prelude::*;

const A: &str = "{apiVersion: v1, kind: Namespace, metadata: {name: a}}";
const B: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: b}\n";

#[test]
fn documents_lists_and_lists_of_lists() {
    let all = ["ns/a", "ns/b"];
    let list = |kind: &str, items: &[&str]| {
        format!("{{apiVersion: v1, kind: {kind}, items: [{}]}}", items.join(", "))
    };
    let b = "{apiVersion: v1, kind: Namespace, metadata: {name: b}}";
    let kindless = ["{metadata: {name: a}}", "{metadata: {name: b}}"];
    for text in [
        format!("{A}\n---\n{B}"),
        format!("# first\n---\n---\n# nothing\n---\n{A}\n---\n{B}---\n"),
        format!("\u{feff}{}", format!("{B}---\n{A}\n").replace('\n', "\r\n")),
        list("List", &[A, b]),
        list("List", &[A, &list("NamespaceList", &kindless[1..])]),
        list("NamespaceList", &kindless),
        format!("x: &m {{name: a}}\n{}", B.replace("{name: b}", "*m")) + "---\n" + B,
    ] {
        assert_eq!(names(&text), all, "{text}");
        assert_eq!(decode(&text).1, [""; 0], "{text}");
    }
    assert_eq!(names(""), [""; 0]);
    assert_eq!(names(&list("List", &[])), [""; 0]);
}

#[test]
fn json_of_every_form() {
    let a = r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}"#;
    let b = r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"b","labels":{"x":null}}}"#;
    let custom = r#"{"apiVersion":"x.io/v1","kind":"ThingList","items":{"a":1}}"#;
    for text in [
        format!("{a}{b}"),
        format!("{a}\n{b}\n"),
        format!("\u{feff}{a}{custom}{b}"),
        format!("{a}\n---\n{b}\n---\n{custom}"),
        format!(r#"{{"kind":"List","apiVersion":"v1","items":[{a},{b}]}}"#),
        format!(r#"{{"items":[{{"kind":"List","apiVersion":"v1","items":[{a}]}},{b}],"kind":"List","apiVersion":"v1"}}"#),
        r#"{"kind":"NamespaceList","apiVersion":"v1","items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}"#.to_owned(),
        // Go takes the last of two equal keys.
        format!("{a}{}", b.replace(r#""name":"b""#, r#""name":"x","name":"b""#)),
    ] {
        assert_eq!(names(&text), ["ns/a", "ns/b"], "{text}");
        assert_eq!(decode(&text).1, [""; 0], "{text}");
    }
    let nested = r#"{"kind":"List","items":["#.repeat(50) + &"]}".repeat(50);
    assert!(decode(&nested).1[0].contains("flatten"), "{:?}", decode(&nested).1);
}

#[test]
fn places_of_json_are_those_of_the_file() {
    let text = r#"{"kind": "List", "apiVersion": "v1", "items": [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}},
    {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "w"},
     "spec": {"replicas": "two"}}, {"apiVersion": "v1", "kind": "Pod", "spec": 7, "metadata": {"name": "p"}}
]}"#;
    let (objects, warnings) = decode(text);
    assert_eq!(
        warnings,
        [
            "in.yaml:4:27: Deployment w is not read: spec.replicas: invalid type: string \"two\", expected u32",
            "in.yaml:4:80: Pod p is not read: spec: invalid type: integer `7`, expected struct PodSpec"
        ]
        .map(|text| text.replace("invalid type: string \"two\", expected u32", TWO).replace(
            "invalid type: integer `7`, expected struct PodSpec", SEVEN))
    );
    assert_eq!(objects.gaps.len(), 2);
    let line = objects.iter().map(|(_, origin, _)| match origin {
        Origin::Manifest { line, offset, .. } => (*line, &text[*offset..*offset + 14]),
        Origin::Rendered { .. } | Origin::Live { .. } | Origin::Synthetic => (0, ""),
    });
    assert_eq!(line.collect::<Vec<_>>(), [(2, r#"{"apiVersion":"#)]);
}

const TWO: &str = "expected u32, found string \"two\"";
const SEVEN: &str = "expected struct PodSpec, found integer `7`";

#[test]
fn one_malformed_document_takes_no_other_with_it() {
    let text = format!(
        "{A}\n---\nkind: [\n---\n{B}---\nkind: \"x\n---\nkind: Pod\n---\napiVersion: v1\nkind: Pod\n"
    );
    let (objects, warnings) = decode(&text);
    assert_eq!(objects.len(), 2);
    let places: Vec<_> = warnings.iter().map(|w| w.split(' ').next().unwrap()).collect();
    assert_eq!(places, ["in.yaml:3:7:", "in.yaml:9:7:", "in.yaml:11:1:", "in.yaml:13:1:"]);
    assert!(warnings[2].ends_with("Pod has no apiVersion"), "{warnings:?}");
    assert!(warnings[3].ends_with("Pod is not read: it has no metadata.name"), "{warnings:?}");
    assert_eq!(objects.gaps.len(), 4);
}

#[test]
fn what_is_no_manifest_is_told_once_a_file() {
    let (objects, warnings) = decode(
        "{{- if .Values.on }}\napiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}\n{{- end }}\n---\n{{ x }}\n",
    );
    assert_eq!((objects.len(), warnings.len(), objects.gaps.len()), (0, 1, 1), "{warnings:?}");
    assert!(warnings[0].contains("helm template"), "{warnings:?}");
    let (objects, warnings) = decode("replicas: 1\n---\n- op: add\n---\njust text\n");
    assert_eq!((warnings.len(), objects.gaps.len()), (1, 0), "{warnings:?}");
    assert_eq!(warnings[0], "in.yaml:1:1: not read: has no kind, so it is not a Kubernetes object");
    let (objects, warnings) = decode(
        "{apiVersion: v1, kind: Pod, metadata: {name: '${APP}'}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: '${NS}'}}\n",
    );
    assert_eq!((objects.len(), warnings.len()), (0, 1), "{warnings:?}");
    // Braces in a value are no template.
    let rule = "{apiVersion: monitoring.coreos.com/v1, kind: PrometheusRule, spec: {summary: '{{ $labels.pod }}'}}";
    assert_eq!(decode(rule).1, [""; 0]);
}

#[test]
fn kinds_that_are_not_ours() {
    let (objects, warnings) = decode(
        "{apiVersion: extensions/v1beta1, kind: NetworkPolicy, metadata: {name: old}}
---
{apiVersion: crd.antrea.io/v1, kind: NetworkPolicy, metadata: {name: c}}
---
{apiVersion: crd.antrea.io/v1, kind: NetworkPolicy, metadata: {name: d}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}
---
{apiVersion: cert-manager.io/v1, kind: Issuer, metadata: {name: c}}
",
    );
    assert_eq!(
        warnings,
        [
            "in.yaml:1:1: NetworkPolicy old is not read: API servers no longer serve \
             extensions/v1beta1; write apiVersion: networking.k8s.io/v1",
            "in.yaml:3:1: 2 NetworkPolicy.crd.antrea.io are not judged: they may allow or \
             deny more"
        ]
    );
    assert_eq!((objects.len(), objects.gaps.len()), (2, 2));
}

#[test]
fn policies_that_do_not_decode_are_kept_with_the_reason() {
    let policy =
        |rest: &str| format!("{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, {rest}}}");
    for (rest, object, path, message) in [
        (
            "metadata: {name: p, namespace: a}, spec: {ingres: []}",
            "a/netpol/p",
            "spec.ingres",
            "unknown field \"ingres\"; did you mean \"ingress\"?",
        ),
        (
            "metadata: {name: p}, spec: {ingress: [{from: [{podSelektor: {}}]}]}",
            "default/netpol/p",
            "spec.ingress[0].from[0].podSelektor",
            "unknown field \"podSelektor\"; did you mean \"podSelector\"?",
        ),
        (
            "metadata: {name: p}, spec: {egress: [{from: []}]}",
            "default/netpol/p",
            "spec.egress[0].from",
            "unknown field \"from\"; known are to, ports",
        ),
        (
            "metadata: {name: p}, spec: {podSelector: {matchLabels: {on: yes}}}",
            "default/netpol/p",
            "spec.podSelector.matchLabels.true",
            "expected a string, found a boolean in YAML (yes): quote it",
        ),
        (
            "metadata: {name: p}, specs: {}",
            "default/netpol/p",
            "specs",
            "unknown field \"specs\"; did you mean \"spec\"?",
        ),
        ("spec: {}", "default/netpol/", "metadata.name", "is missing"),
    ] {
        let (_, written) = assemble(&policy(rest));
        let remark =
            &Ruleset::compile(&written, &Snapshot::default(), &Enforcer::default()).rejected[0];
        assert_eq!(remark.object.to_string(), object, "{rest}");
        let fault = &remark.faults[0];
        assert_eq!((fault.path.as_str(), fault.message.as_str()), (path, message), "{rest}");
        assert!(matches!(remark.origin, Origin::Manifest { .. }));
    }
}

#[test]
fn nothing_that_a_file_says_steers_the_terminal() {
    let (_, warnings) = decode(
        "{apiVersion: v1, kind: \"P\\e[31mList\", items: 1}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: \"a\\e[2J\"}, spec: 1}\n---\n{kind: \"a\\e\"}\n",
    );
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings.iter().all(|w| !w.contains(char::is_control)), "{warnings:?}");
}

#[test]
fn depth_has_an_end() {
    for (open, close) in
        [("[", "]"), ("{a: ", "}"), ("- ", ""), ("{\"kind\":\"List\",\"items\":[", "]}")]
    {
        let text = open.repeat(20_000) + &close.repeat(20_000);
        let (objects, _) = decode(&text);
        assert!(objects.is_empty());
    }
}

/// Pieces of manifests in any order and indentation, which come further than random bytes do.
fn any_text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "apiVersion: ",
        "v1\n",
        "apps/v1\n",
        "networking.k8s.io/v1\n",
        "kind: ",
        "List\n",
        "PodList\n",
        "Pod\n",
        "Deployment\n",
        "NetworkPolicy\n",
        "items:\n",
        "- ",
        "  ",
        "\n",
        "---\n",
        "metadata:\n",
        "name: a\n",
        "spec:\n",
        "template:\n",
        "containers: []\n",
        "ports:\n",
        "port: 80\n",
        "ingress:\n",
        "from:\n",
        "{",
        "}",
        "[",
        "]",
        "\"",
        ",",
        ": ",
        "&a ",
        "*a ",
        "{{ x }}",
        "${X}",
        "null\n",
        "\"kind\":\"List\",\"items\":[",
        "\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"}",
        "\u{feff}",
        "\r",
        "\u{1b}",
        "é",
        "!!",
        "|\n",
        "# ",
    ]);
    let texts = prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat().into_bytes());
    prop_oneof![texts, prop::collection::vec(any::<u8>(), 0..200)]
}

proptest! {
    #[test]
    fn any_text_ends_in_a_snapshot(bytes in any_text()) {
        let (objects, warnings) = decode_text(bytes, Path::new("in.yaml"), "default");
        prop_assert!(warnings.iter().all(|w| !w.to_string().contains(char::is_control)));
        let mut twice = objects.clone();
        twice.overlay(objects);
        let (_, written) = twice.assemble();
        Ruleset::compile(&written, &Snapshot::default(), &Enforcer::default());
    }
}
