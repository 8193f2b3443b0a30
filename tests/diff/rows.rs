//! Which rows there are, in which order, and how many are shown.

use super::*;

/// A policy that admits some peers of the pods `app: a`.
fn admits(name: &str, peers: &str) -> String {
    format!(
        "---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: {name}, namespace: default}}
spec: {{podSelector: {{matchLabels: {{app: a}}}}, ingress: [{{from: [{peers}]}}]}}
"
    )
}

/// The outside first, then other namespaces, then the same; known ends before others.
#[test]
fn the_farthest_comes_first() {
    let old = format!("{PODS}{}", admits("none", "{podSelector: {matchLabels: {not: one}}}"));
    let new = [
        &*old,
        &admits("near", "{podSelector: {matchLabels: {app: b}}}"),
        &admits("strange", "{podSelector: {matchLabels: {app: x}}}"),
        &admits("far", "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: other}}}"),
        &admits("farther", "{namespaceSelector: {matchLabels: {team: red}}}"),
        &admits("outside", "{ipBlock: {cidr: 192.0.2.0/24}}"),
    ];
    // No pod has one of these addresses.
    let words = ["--pod-cidr", "10.0.0.0/8", "-o", "json"];
    let run = between(&old, &new.concat(), &words);
    let (code, answer) = (run.code, run.json());
    let from: Vec<String> = rows(&answer).into_iter().map(|[_, from, ..]| from).collect();
    let expected = [
        "192.0.2.0/24",
        "other/pod/c and any other pod of other",
        "namespaces[team=red]",
        "default/pod/b",
        "pods[app=x] in default",
    ];
    assert_eq!((code, from), (1, expected.map(str::to_owned).to_vec()));
}

/// Twenty rows at the most, unless all are asked for.
#[test]
fn twenty_rows_are_shown() {
    let old = format!("{PODS}{}", admits("none", "{podSelector: {matchLabels: {not: one}}}"));
    let each = (0..25)
        .map(|i| admits(&format!("p{i}"), &format!("{{ipBlock: {{cidr: 192.0.2.{i}/32}}}}")));
    let new = format!("{old}{}", each.collect::<String>());
    let shown = |words: &[&str]| {
        // No pod has one of these addresses.
        let run = between(&old, &new, &[words, &["--pod-cidr", "10.0.0.0/8"]].concat());
        let lines = run.stdout.lines().filter(|line| line.starts_with("+ "));
        (lines.count(), run.stdout.contains("5 more; -o wide shows all."))
    };
    assert_eq!(shown(&["--summary"]), (20, true));
    assert_eq!(shown(&["--summary", "-o", "wide"]), (25, false));
}

/// One row for a rule, whatever pods it means that are written nowhere.
#[test]
fn one_row_for_a_rule() {
    let deny = "
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
";
    let open =
        deny.replace("name: deny", "name: open").replace("[Ingress]", "[Ingress], ingress: [{}]");
    let run = between(deny, &format!("{deny}{open}"), &["--summary"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stdout.starts_with("1 opened\n"), "{run:?}");
    assert_eq!(run.stdout.lines().filter(|line| line.starts_with("+ ")).count(), 1, "{run:?}");
}

/// That every pod of a namespace has a change is said only where no rule tells its pods apart.
#[test]
fn every_pod_is_said_of_what_is_proved() {
    let pods = "
{apiVersion: v1, kind: Namespace, metadata: {name: front}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: front, labels: {app: web}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: db, namespace: default, labels: {app: a}}}
";
    let old = format!("{pods}{}", admits("none", "{podSelector: {matchLabels: {not: one}}}"));
    let front = "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: front}}}";
    let from = |more: &str| {
        let [old, new] =
            [String::new(), admits("front", front)].map(|new| format!("{old}{more}{new}"));
        let (_, answer) = json(&old, &new);
        rows(&answer).swap_remove(0)[1].clone()
    };
    assert_eq!(from(""), "every pod of front");
    // A pod with this label may do less, and is not among those that are told of.
    let guarded = "
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: guarded, namespace: front}
spec: {podSelector: {matchLabels: {guarded: full}}, policyTypes: [Egress]}
";
    assert_eq!(from(guarded), "front/pod/web and any other pod of front");
}

/// That anyone has a change is said only where no rule tells pods apart for it.
#[test]
fn anyone_is_said_of_what_is_proved() {
    let open = admits("open", "").replace("{from: []}", "{}");
    let guarded = |selector: &str| {
        format!(
            "
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: guarded, namespace: other}}
spec: {{podSelector: {selector}, policyTypes: [Egress]}}
"
        )
    };
    let deny = admits("none", "").replace(", ingress: [{from: []}]", "");
    let pod = |namespace| {
        format!(
            "---\n{{apiVersion: v1, kind: Pod, metadata: {{name: d, namespace: {namespace}}}}}\n"
        )
    };
    let deny = [pod("default"), pod("third"), deny].concat();
    let told = |more: &str| {
        let (_, answer) =
            json(&format!("{PODS}{deny}{more}"), &format!("{PODS}{deny}{more}{open}"));
        rows(&answer).swap_remove(0)[1].clone()
    };
    assert_eq!(told(""), "anyone else");
    // A namespace that opens no connection is left out as a whole.
    assert_eq!(told(&guarded("{}")), "anyone else but every pod of other");
    // Pods with this label are not told of.
    let some = told(&guarded("{matchLabels: {guarded: full}}"));
    assert_eq!(some, "default/pod/b, default/pod/d, other/pod/c, 2 more and any address outside");
}

/// The name that a pod of any other namespace has while it is judged is told to nobody.
#[test]
fn any_other_namespace_has_no_name() {
    let front = "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: front}}}";
    let policies = [front, "{namespaceSelector: {matchLabels: {team: b}}}", "{podSelector: {}}"];
    let told = [
        "namespace is any other namespace, not front",
        "its namespace has no label team; wanted team=b",
        "so it means pods of default; any other namespace is in another",
    ];
    for (peers, told) in policies.into_iter().zip(told) {
        let directory = directory(&[("all.yaml", &format!("{PODS}{}", admits("some", peers)))]);
        let file = directory.path().join("all.yaml");
        let run =
            netpol(&["explain", "-f", name(&file), "pods in namespaces[]", "default/pod/a:80"]);
        let words = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(run.code, 1, "{run:?}");
        assert!(words.contains(told) && !words.contains("other-namespace"), "{words}");
    }
}

/// With the two pods beside the input, `explain` says of either side what the change says.
#[test]
fn witnesses_are_judged_as_the_change_says() {
    let old = [
        admits("none", "{podSelector: {matchLabels: {not: one}}}"),
        admits("labels", "{podSelector: {matchLabels: {app: x}}}"),
    ];
    let new = [
        admits("none", "{podSelector: {matchLabels: {not: one}}}"),
        admits("more", "{podSelector: {matchLabels: {app: x, tier: red}}}"),
        admits("team", "{namespaceSelector: {matchLabels: {team: red}}}"),
        admits("any", "{namespaceSelector: {matchExpressions: [{key: t, operator: Exists}]}}"),
    ];
    let directory = directory(&[("old.yaml", &old.concat()), ("new.yaml", &new.concat())]);
    let path = |file: &str| name(&directory.path().join(file)).to_owned();
    let (old, new, pods) = (path("old.yaml"), path("new.yaml"), path("pods.json"));
    let answer = netpol(&["diff", &old, &new, "--witness", "-o", "json"]).json();
    let mut judged = 0;
    for change in list(&answer, "/changes") {
        let all = list(change, "/witness/manifests");
        let documents: Vec<String> = all.iter().map(ToString::to_string).collect();
        fs::write(&pods, documents.join("\n---\n")).unwrap();
        let named = all.iter().filter(|manifest| manifest["kind"] == "Pod").map(|pod| {
            let metadata = &pod["metadata"];
            format!("{}/{}", text(metadata, "/namespace"), text(metadata, "/name"))
        });
        let [source, destination] = named.collect::<Vec<_>>().try_into().unwrap();
        let port = &change["witness"]["port"];
        let destination = format!("{destination}:{port}");
        for (side, passage) in [(&old, "/before"), (&new, "/after")] {
            let run = netpol(&["explain", "-f", side, "-f", &pods, &source, &destination]);
            let code = i32::from(text(change, passage) == "Denied");
            assert_eq!(run.code, code, "{change:#} {run:?}");
            judged += 1;
        }
    }
    assert!(judged >= 6, "{answer:#}");
    let text = netpol(&["diff", &old, &new, "--witness"]).stdout;
    assert!(text.contains("    --- {\"apiVersion\":\"v1\",\"kind\":\"Namespace\""), "{text}");
}

/// The same policy by another name changes nothing.
#[test]
fn a_policy_by_another_name_is_the_same() {
    let [old, new] = ["first", "second"]
        .map(|name| format!("{PODS}{}", admits(name, "{podSelector: {matchLabels: {app: b}}}")));
    let run = between(&old, &new, &[]);
    assert_eq!((run.code, run.stdout.lines().next()), (0, Some("no flow changes")), "{run:?}");
    // One that is renamed and changed is told of by what it admits.
    let changed = new.replace("app: b", "app: c");
    let (code, answer) = json(&old, &changed);
    let kinds: Vec<String> = rows(&answer).into_iter().map(|[change, ..]| change).collect();
    assert_eq!((code, kinds), (1, vec!["Opened".to_owned(), "Closed".to_owned()]));
}
