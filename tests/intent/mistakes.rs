//! Files of tests that are wrong, and ends that are nothing.

use super::{HEAD, at, is, tested};
use crate::harness::Files;
use crate::run::{netpol, netpol_with};

const POD: &str = "
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: shop, labels: {app: a}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: twin, namespace: shop}
spec:
  selector: {matchLabels: {app: t}}
  template: {metadata: {labels: {app: t}}, spec: {containers: [{name: c, image: i}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: twin, namespace: shop}
spec:
  selector: {matchLabels: {app: u}}
  template: {metadata: {labels: {app: u}}, spec: {containers: [{name: c, image: i}]}}
";

/// Each is an error, which says where it is and what is wrong.
#[test]
fn files_that_are_wrong() {
    for (tests, parts) in [
        ("", &["no tests"][..]),
        ("- name: a\n", &["line 4, column 3", "it asks nothing"]),
        ("- {allow: {from: a, to: b}}\n", &["line 4", "name"]),
        ("- name: ' '\n  allow: {from: a, to: b}\n", &["line 4", "needs a name"]),
        (
            "- name: a\n  allow: {from: a, to: b}\n  deny: {from: a, to: b}\n",
            &["a test asks one thing", "allow and deny"],
        ),
        (
            "- name: a\n  dns: {from: anyone}\n- name: a\n  dns: {from: anyone}\n",
            &["line 6", "the test on line 4 has this name too"],
        ),
        (
            "- name: a\n  alow: {from: a, to: b}\n",
            &["line 5, column 3", "unknown field alow", "did you mean allow?"],
        ),
        (
            "- name: a\n  allow: {from: a, to: b, port: 1}\n",
            &["unknown field port", "did you mean ports?"],
        ),
        ("- name: a\n  allow: {from: a, to: b, ports: 0}\n", &["line 5", "is not a port"]),
        ("- name: a\n  allow: {from: a, to: b, ports: 90-80}\n", &["is no range of ports"]),
        ("- name: a\n  allow: {from: a/b/c/d, to: b}\n", &["too many parts"]),
        ("- name: a\n  allow: {from: 'x/pods[a=', to: b}\n", &["cannot read"]),
        (
            "- name: a\n  deny: {from: shop/pods[app=a], to: shop/a}\n",
            &["line 5", "needs quotes, as in {from: 'shop/pods[app=db]'}"],
        ),
        ("- name: a\n  dns: {from: anyone}\n  scope: all\n", &["line 6", "scope"]),
        ("- name: a\n  isolated: {between: ns/x, and: ns/x}\n", &["both ends are the same"]),
        ("- name: a\n  only: {from: ns/x, to: []}\n", &["of nobody"]),
        ("- name: a\n  default-deny: {namespaces: shop, directions: sideways}\n", &["sideways"]),
        (
            "- name: a\n  deny: {from: 'shop/a:80', to: ns/shop}\n",
            &["only who is reached has a port"],
        ),
        (
            "- name: a\n  deny: {from: anyone, to: 'shop/a:80', ports: 81}\n",
            &["has a port already"],
        ),
        (
            "- name: a\n  deny: {from: anyone, to: shop/twin}\n",
            &["shop/deploy/twin and shop/sts/twin", "name its kind"],
        ),
        ("- name: a\n  unreachable: {from: shop/a, to: internet}\n", &["from pod to pod"]),
        (
            "- name: a\n  unreachable: {from: shop/a, to: shop/sts/twin, max-hops: 0}\n",
            &["line 4", "by no hop"],
        ),
        // The first one would not be asked.
        (
            "- name: a\n  deny: {from: shop/a, to: shop/a}\n  deny: {from: anyone, to: shop/a}\n",
            &["line 6, column 3", "deny is given twice"],
        ),
    ] {
        let run = tested(POD, tests, &[]);
        assert_eq!(run.code, 2, "{tests}: {run:?}");
        for part in parts {
            assert!(run.stderr.contains(part), "{tests}: {:?} has no {part:?}", run.stderr);
        }
        assert!(run.stdout.is_empty(), "{run:?}");
    }
}

#[test]
fn a_file_of_something_else() {
    for (text, part) in [
        ("", "it has no tests"),
        ("apiVersion: v1\nkind: ConfigMap\n", "it is no file of tests"),
        ("apiVersion: netpol/v1alpha1\nkind: Baseline\n", "it is no file of tests"),
        ("[1, 2]\n", "it is no file of tests"),
        (
            "apiVersion: cli.kyverno.io/v1alpha1\nkind: Test\nmetadata: {name: a}\n",
            "it is no file of tests",
        ),
        ("\u{1}\n", "the tests"),
        (&format!("{HEAD}- [\n"), "line"),
    ] {
        let files = Files::new(&[("t.yaml", text), ("k8s/a.yaml", POD)]);
        let run = netpol(&["test", &at(&files, "t.yaml"), "-f", &at(&files, "k8s")]);
        assert_eq!(run.code, 2, "{text:?}: {run:?}");
        assert!(run.stderr.contains(part), "{text:?}: {:?}", run.stderr);
    }
    let nothing = Files::new(&[("k8s/a.yaml", POD)]);
    let run = netpol(&["test", "-f", &at(&nothing, "k8s")]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("no tests: name a file"), "{run:?}");
}

/// An end that is nothing makes no test hold, unless it may be nothing.
#[test]
fn ends_that_are_nothing() {
    for end in [
        "shop/deploy/b",
        "ns/nowhere",
        "'nowhere/pods[app=a]'",
        "'shop/pods[app=b]'",
        "'namespaces[x=y]'",
    ] {
        let test = format!("- name: a\n  deny: {{from: anyone, to: {end}}}\n");
        is(POD, &test, "Broken", &[]);
    }
    let typed = "- name: a\n  deny: {from: anyone, to: shop/deploy/twim}\n";
    is(POD, typed, "Broken", &["shop/deploy/twin"]);
    is(POD, &format!("{typed}  may-be-empty: true\n"), "Proved", &[]);
    is(
        POD,
        "- name: a\n  deny: {from: anyone, to: 'shop/pods[app=b]'}\n",
        "Broken",
        &["matches no known pod"],
    );
    is(
        POD,
        "- name: a\n  deny: {from: anyone, to: shop/a, ports: nope}\n",
        "Broken",
        &["no container of shop/a"],
    );
    is(
        POD,
        "- name: a\n  deny: {from: nodes, to: shop/a}\n",
        "NotKnown",
        &["no node is known here"],
    );
}

/// Of nobody nothing holds, however he came to be nobody.
#[test]
fn sets_of_which_except_leaves_nobody() {
    for from in [
        "{ends: anyone, except: anyone}",
        "{ends: ns/shop, except: ns/shop}",
        "{ends: [ns/shop, shop/a], except: [ns/shop]}",
        "{ends: 'shop/pods[app=a]', except: ns/shop}",
        "{ends: shop/a, except: shop/a}",
        "{ends: shop/a, except: anyone}",
        "{ends: internet, except: internet}",
    ] {
        let test = format!("- name: a\n  deny: {{from: {from}, to: shop/deploy/twin}}\n");
        is(POD, &test, "Broken", &["except leaves nobody"]);
        is(POD, &format!("{test}  may-be-empty: true\n"), "Proved", &[]);
        let test = format!("- name: a\n  deny: {{from: shop/sts/twin, to: {from}}}\n");
        is(POD, &test, "Broken", &["except leaves nobody"]);
    }
    let closed = "- name: a\n  default-deny: {namespaces: anyone, except: anyone}\n";
    is(POD, closed, "Broken", &["except leaves nobody"]);
    // Somebody is left of these.
    for from in ["{ends: ns/shop, except: 'shop/pods[app=a]'}", "{ends: ns/shop, except: shop/a}"] {
        let test = format!("- name: a\n  deny: {{from: {from}, to: shop/a}}\n");
        is(POD, &test, "Broken", &["reaches"]);
    }
}

/// No policy is between addresses outside, so what passes there passes.
#[test]
fn between_addresses_outside() {
    for (from, to) in [("internet", "internet"), ("192.0.2.1", "198.51.100.1")] {
        let test = format!("- name: a\n  deny: {{from: {from}, to: {to}}}\n");
        is(POD, &test, "Broken", &["reaches"]);
    }
}

/// Tests by stdin, some of them, and exit codes.
#[test]
fn words_of_the_command_line() {
    let files = Files::new(&[("k8s/a.yaml", POD)]);
    let k8s = at(&files, "k8s");
    let tests = format!(
        "{HEAD}- name: open\n  allow: {{from: shop/a, to: shop/deploy/twin}}\n- name: closed\n  deny: {{from: shop/a, to: shop/deploy/twin}}\n- name: nodes\n  deny: {{from: nodes, to: shop/a}}\n"
    );
    let run = |more: &[&str]| {
        let mut words = vec!["test", "-", "-f", &k8s];
        words.extend(more);
        netpol_with(&words, tests.as_bytes())
    };
    assert_eq!(run(&[]).code, 1);
    assert_eq!(run(&["--only", "open"]).code, 0);
    assert_eq!(run(&["--only", "nodes"]).code, 3);
    assert_eq!(run(&["--only", "nodes", "--allow-unknown"]).code, 0);
    assert_eq!(run(&["--only", "none"]).code, 2);
    let schema = netpol(&["test", "--file-schema"]);
    assert_eq!(schema.code, 0);
    assert_eq!(schema.json()["title"], "Test");
    assert_eq!(netpol(&["test", "-", "-f", "-"]).code, 2);
}
