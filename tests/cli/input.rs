//! Bad input: one sentence with what and where, exit 2 or a warning, never a panic.

use super::{PODS, is_error, name, over_pods, with_file};
use crate::run::{Run, explain, netpol, netpol_with, text};
use std::fs;

/// A question about a file with something bad beside the three pods: answered, with one warning,
/// with the answer where it depends on it.
fn is_warning(run: &Run, parts: &[&str]) {
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stdout.starts_with("DENIED"), "{run:?}");
    let said = told(run);
    assert_eq!(said.matches("warning: ").count(), 1, "{run:?}");
    for part in parts {
        assert!(said.contains(part), "{part}: {run:?}");
    }
}

/// Everything that was said, without its line breaks.
fn told(run: &Run) -> String {
    let all = format!("{} {}", run.stdout, run.stderr);
    all.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn ask(file: &str) -> Run {
    netpol(&["explain", "-f", file, "a", "b", "--port", "80"])
}

fn ask_text(text: impl AsRef<[u8]>) -> Run {
    netpol_with(&["explain", "-f", "-", "a", "b", "--port", "80"], text.as_ref())
}

#[test]
fn malformed_yaml_takes_no_other_document_with_it() {
    let run = ask_text(format!("{PODS}---\nkind: Pod\nmetadata: {{name: [\n"));
    let line = PODS.lines().count() + 2;
    is_warning(&run, &["standard input:"]);
    let said = told(&run);
    let (_, place) = said.split_once("not read: standard input:").unwrap();
    let place = place.split(':').next().unwrap();
    assert!(place.parse::<usize>().unwrap() >= line, "{run:?}");
}

#[test]
fn deep_nesting_is_refused() {
    for open in ["[", "{a: ", "- ", "? "] {
        let deep = format!("{PODS}---\n{}", open.repeat(100_000));
        is_warning(&ask_text(deep), &["standard input:"]);
    }
    let json = format!("{{\"kind\": \"List\", \"items\": {}", "[".repeat(100_000));
    let run = netpol_with(&["explain", "-f", "-", "a", "b"], json.as_bytes());
    assert_eq!(run.code, 2, "{run:?}");
}

#[test]
fn lists_within_lists_end() {
    let open = "{apiVersion: v1, kind: List, items: [".repeat(30);
    let close = "]}".repeat(30);
    is_warning(&ask_text(format!("{PODS}---\n{open}{close}\n")), &["flatten"]);
}

#[cfg(unix)]
#[test]
fn a_loop_of_links_is_entered_once() {
    let (directory, _) = with_file("pods.yaml", PODS);
    let below = directory.path().join("below");
    fs::create_dir(&below).unwrap();
    std::os::unix::fs::symlink(directory.path(), below.join("up")).unwrap();
    std::os::unix::fs::symlink(&below, below.join("self")).unwrap();
    let run = ask(name(directory.path()));
    assert_eq!((run.code, run.stderr.as_str()), (1, ""), "{run:?}");
}

#[test]
fn what_is_not_utf8_is_told() {
    let mut bytes = PODS.as_bytes().to_vec();
    bytes.extend(b"---\nkind: \xff\n");
    let (directory, path) = with_file("bad.yaml", &bytes);
    fs::write(directory.path().join("pods.yaml"), PODS).unwrap();
    let run = ask(name(directory.path()));
    is_warning(&run, &["bad.yaml:", "is not UTF-8: byte 0xff"]);
    // Alone there is nothing to answer from, and that is an error after the warning.
    let alone = ask(name(&path));
    assert_eq!(alone.code, 2, "{alone:?}");
    assert!(alone.stderr.contains("is not UTF-8"), "{alone:?}");
}

#[test]
fn of_two_objects_of_one_name_the_later_counts() {
    let open = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
                metadata: {name: closed, namespace: default}\nspec: {podSelector: {}, ingress: [{}]}\n";
    let run = ask_text(format!("{PODS}{open}"));
    assert_eq!(run.code, 0, "{run:?}");
    assert!(
        run.stderr.contains("default/netpol/closed is also written at standard input:"),
        "{run:?}"
    );
    assert!(run.stderr.contains("only the later"), "{run:?}");
    // Twice the same changes nothing, and is told once for all.
    let twice = ask_text(format!("{PODS}---\n{PODS}"));
    is_warning(&twice, &["default/pod/a is the same as at standard input:", "(and 4 more)"]);
}

#[test]
fn a_directory_may_be_called_like_a_file() {
    let (directory, _) = with_file("pods.yaml", PODS);
    let inner = directory.path().join("x.yaml");
    fs::create_dir(&inner).unwrap();
    let run = ask(name(directory.path()));
    assert_eq!((run.code, run.stderr.as_str()), (1, ""), "{run:?}");
    is_error(&ask(name(&inner)), &["no .yaml, .yml or .json file in", "x.yaml"]);
}

#[test]
fn an_empty_directory_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    is_error(
        &ask(name(directory.path())),
        &["no .yaml, .yml or .json file in", name(directory.path())],
    );
}

#[test]
fn a_missing_file_is_an_error() {
    is_error(&ask("no/such.yaml"), &["cannot read no/such.yaml", "No such file"]);
    is_error(
        &netpol(&["explain", "a", "b"]),
        &["no cluster: nothing is in the kubeconfig (/dev/null)", "read manifests with -f"],
    );
    // The manifests are named already.
    is_error(
        &netpol(&["explain", "a", "b", "--with", "-f", "examples/homekube"]),
        &["--with lays the manifests over a live cluster, and nothing is", "leave --with out"],
    );
}

#[test]
fn an_empty_file_has_nobody() {
    for text in ["", "---\n", "# nothing\n", "\u{feff}"] {
        is_error(&ask_text(text), &["namespace \"default\" not found"]);
    }
}

#[test]
fn urls_are_not_fetched() {
    is_error(
        &ask("https://example.com/x.yaml"),
        &["cannot read https://example.com/x.yaml: files are not fetched"],
    );
}

#[test]
fn standard_input_is_read_once() {
    let run = netpol_with(&["explain", "-f", "-", "-f", "-", "a", "b"], PODS.as_bytes());
    is_error(&run, &["-f - is given twice"]);
}

#[cfg(unix)]
#[test]
fn devices_are_not_opened() {
    is_error(&ask("/dev/zero"), &["cannot read /dev/zero: it is neither a file"]);
}

#[test]
fn two_ports_are_an_error_unless_they_agree() {
    is_error(
        &over_pods(&["a", "b:80", "--port", "81"]),
        &["two different ports: 80 with the destination and 81 with --port"],
    );
    assert_eq!(over_pods(&["a", "b:80", "--port", "80/TCP"]).code, 1);
    is_error(&over_pods(&["a", "http://b.default/", "--port", "443"]), &["two different ports"]);
}

#[test]
fn words_that_are_no_name_or_port_are_refused() {
    for (words, part) in [
        (["a", "b", "--port", "70000"], "is not a port"),
        (["a", "b", "--port", "80/ICMP"], "is not a port"),
        (["a", "10.0.0.0/8", "--port", "80"], "block of addresses"),
        (["a", "x/y/z/w", "--port", "80"], "too many parts"),
        (["", "b", "--port", "80"], "empty name"),
    ] {
        let run = over_pods(&words);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:?}");
        assert!(run.stderr.contains(part), "{run:?}");
    }
}

#[test]
fn strict_makes_warnings_errors() {
    let words = ["explain", "--strict", "-f", "-", "a", "b"];
    let run = netpol_with(&words, format!("{PODS}---\n{{kind: [\n").as_bytes());
    is_error(&run, &["standard input:"]);
    assert_eq!(netpol_with(&words, PODS.as_bytes()).code, 1);
}

/// docs/semantics/networkpolicy.md#validation: a policy that would be refused is told with its place.
#[test]
fn a_refused_policy_is_told_with_its_place() {
    let bad = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: bad, namespace: default}\n\
               spec:\n  ingress:\n  - from:\n    - podSelector: {}\n      ipBlock: {cidr: 10.0.0.0/8}\n";
    let (_directory, path) = with_file("bad.yaml", format!("{PODS}{bad}"));
    let line = PODS.lines().count() + 8;
    let (code, answer) = explain(&["-f", name(&path), "a", "b"]);
    let warning = &answer["warnings"][0];
    let told = "default/netpol/bad would be refused by the API server and is left out: \
                spec.ingress[0].from[0] ipBlock cannot stand with";
    assert!(text(warning, "/message").starts_with(told), "{warning:#}");
    assert_eq!((code, &warning["location"]["line"]), (1, &line.into()));
    assert_eq!(text(warning, "/location/file"), name(&path));
    assert_eq!(text(warning, "/location/text"), "    - podSelector: {}");
}

#[test]
fn other_dialects_are_told() {
    let antrea = "---\n{apiVersion: crd.antrea.io/v1beta1, kind: NetworkPolicy, metadata: {name: x, namespace: default}}\n";
    let run = ask_text(format!("{PODS}{antrea}"));
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.stdout.starts_with("UNKNOWN"), "{run:?}");
    let told = run.stdout.replace("\n  ", " ");
    let warning = "NetworkPolicy.crd.antrea.io is not judged: it may allow or deny more";
    assert!(told.contains(warning), "{run:?}");
}

/// Who writes Calico's policies has Calico.
#[test]
fn calico_policies_tell_who_enforces() {
    let calico = "---\n{apiVersion: projectcalico.org/v3, kind: NetworkPolicy, metadata: {name: x, namespace: default}, spec: {types: [Ingress]}}\n";
    let run = ask_text(format!("{PODS}{calico}"));
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stdout.contains("Judged as Calico enforces policies"), "{run:?}");
    assert!(run.stdout.contains("dropped at the end of tier default"), "{run:?}");
}

/// Only one of two enforces its own, and which of them no file tells.
#[test]
fn policies_of_two_enforcers_are_not_guessed() {
    let both = "---\n{apiVersion: projectcalico.org/v3, kind: NetworkPolicy, metadata: {name: x, namespace: default}, spec: {types: [Ingress], ingress: [{action: Deny}]}}\n\
                ---\n{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: open, namespace: default}, spec: {endpointSelector: {}, ingress: [{fromEndpoints: [{}]}]}}\n";
    let ask = |words: &[&str]| {
        let words = [&["explain", "-f", "-", "a", "b:80"], words].concat();
        netpol_with(&words, format!("{PODS}{both}").as_bytes())
    };
    let run = ask(&[]);
    assert_eq!(run.code, 3, "{run:?}");
    let told = run.stdout.replace("\n  ", " ");
    assert!(told.contains("only one of the two enforces its own: give --enforcer"), "{run:?}");
    assert_eq!(ask(&["--enforcer", "cilium"]).code, 0);
    assert_eq!(ask(&["--enforcer", "calico"]).code, 1);
}

/// Who writes Cilium's policies has Cilium.
#[test]
fn cilium_policies_tell_who_enforces() {
    let cilium = "---\n{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: x, namespace: default}, spec: {endpointSelector: {}, ingress: [{}]}}\n";
    let run = ask_text(format!("{PODS}{cilium}"));
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stdout.contains("Judged as Cilium 1.19"), "{run:?}");
    assert!(run.stdout.contains("cnp/x ingress[0]"), "{run:?}");
}

#[test]
fn a_template_is_told_as_one() {
    let run = ask_text(format!(
        "{PODS}---\nkind: Pod\nmetadata:\n  name: {{{{ .Values.name }}}}\n  {{{{- if x }}}}\n"
    ));
    is_warning(&run, &["looks like a template", "render it first"]);
}
