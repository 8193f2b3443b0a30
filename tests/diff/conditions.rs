//! Flows that pass on a condition, such as an HTTP path, before a change or after it.

use super::*;

/// Who is let in to 80 under Cilium, with these L7 rules.
fn policy(rules: &str) -> String {
    format!(
        "{PODS}---\n{{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, \
         metadata: {{name: only-b, namespace: default}}, spec: {{endpointSelector: \
         {{matchLabels: {{app: a}}}}, ingress: [{{fromEndpoints: [{{matchLabels: {{app: b}}}}], \
         toPorts: [{{ports: [{{port: \"80\", protocol: TCP}}]{rules}}}]}}]}}}}\n"
    )
}

fn http(rules: &str) -> String {
    policy(&format!(", rules: {{http: [{rules}]}}"))
}

/// What changes from b to a, what got through and does now, and why; `None` where nothing changes.
fn told(old: &str, new: &str) -> Option<[String; 4]> {
    let (code, answer) = json(old, new);
    let changes = list(&answer, "/changes");
    assert_eq!(code, i32::from(!changes.is_empty()), "{answer}");
    let [change] = changes else {
        assert!(changes.is_empty(), "{answer}");
        return None;
    };
    assert_eq!(
        ["/from/label", "/to/label", "/portsLabel"].map(|part| text(change, part)),
        ["default/pod/b", "default/pod/a", "80/TCP"]
    );
    let reasons = list(change, "/reasons");
    assert_eq!(reasons.len(), 1, "{answer}");
    let [what, before, after] =
        ["/change", "/before", "/after"].map(|part| text(change, part).to_owned());
    Some([what, before, after, text(&reasons[0], "/message").to_owned()])
}

/// More gets through without a condition than with one, and more with one than not at all.
#[test]
fn conditions_open_and_close() {
    let (open, get) = (policy(""), http("{method: GET}"));
    let closed = format!("{PODS}{}", POLICY.replace("{port: 80}, ", ""));
    for (old, new, expected) in [
        (&open, &get, ["Closed", "Allowed", "OnCondition", "only HTTP GET gets through now"]),
        (
            &get,
            &open,
            [
                "Opened",
                "OnCondition",
                "Allowed",
                "every request gets through now, and before only HTTP GET",
            ],
        ),
    ] {
        assert_eq!(told(old, new).unwrap(), expected);
    }
    // The other policy lets b in to 81 only, so more than one row changes.
    let (_, answer) = json(&closed, &get);
    let opened = &list(&answer, "/changes")[0];
    assert_eq!(["/change", "/after"].map(|p| text(opened, p)), ["Opened", "OnCondition"]);
    assert_eq!(
        text(opened, "/reasons/0/message"),
        "cnp/only-b ingress[0] admits it, only HTTP GET"
    );
    let (_, answer) = json(&get, &closed);
    let rows = list(&answer, "/changes");
    let closed = rows.iter().find(|row| text(row, "/change") == "Closed").unwrap();
    assert_eq!(["/before", "/after"].map(|p| text(closed, p)), ["OnCondition", "Denied"]);
}

/// On a condition before and after: whether it is the same is what counts, not how it is written.
#[test]
fn other_conditions_are_a_change() {
    let both = http("{method: GET}, {method: PUT}");
    let header = |value: &str| {
        http(&format!("{{method: GET, headerMatches: [{{name: X-Key, value: {value}}}]}}"))
    };
    for (old, new, message) in [
        (
            http("{method: GET}"),
            http("{method: PUT}"),
            "only HTTP PUT gets through now, and before only HTTP GET",
        ),
        (
            http("{method: GET}"),
            both.clone(),
            "only HTTP GET or HTTP PUT gets through now, and before only HTTP GET",
        ),
        // Values may be secrets, so they are not shown.
        (
            header("one"),
            header("two"),
            "HTTP GET with header X-Key gets through with other values than before",
        ),
    ] {
        let expected = ["Conditions", "OnCondition", "OnCondition", message];
        assert_eq!(told(&old, &new).unwrap(), expected);
        for fail_on in ["any", "opened", "closed"] {
            assert_eq!(between(&old, &new, &["--fail-on", fail_on]).code, 1, "{message}");
        }
    }
    assert_eq!(told(&both, &both), None);
    assert_eq!(told(&both, &http("{method: PUT}, {method: GET}, {method: GET}")), None);
    // Another policy that asks for the same.
    assert_eq!(told(&both, &both.replace("only-b", "renamed")), None);
}

/// The same conditions for other peers, and pods that other rules select since their labels changed.
#[test]
fn conditions_that_change_hands() {
    let c =
        "{apiVersion: v1, kind: Pod, metadata: {name: c, namespace: default, labels: {app: c}}}";
    let of = |app: &str, method: &str| {
        format!(
            "{{fromEndpoints: [{{matchLabels: {{app: {app}}}}}], toPorts: [{{ports: [{{port: \"80\", \
             protocol: TCP}}], rules: {{http: [{{method: {method}}}]}}}}]}}"
        )
    };
    let policy = |rules: [String; 2]| {
        format!(
            "{PODS}---\n{c}\n---\n{{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: \
             {{name: both, namespace: default}}, spec: {{endpointSelector: {{matchLabels: {{app: a}}}}, \
             ingress: [{}]}}}}\n",
            rules.join(", ")
        )
    };
    let old = policy([of("b", "GET"), of("c", "PUT")]);
    let swapped = policy([of("b", "PUT"), of("c", "GET")]);
    let sources = |new: &str| -> Vec<String> {
        let (_, answer) = json(&old, new);
        let changes = list(&answer, "/changes");
        assert!(changes.iter().all(|it| text(it, "/change") == "Conditions"), "{answer}");
        changes.iter().map(|it| text(it, "/from/label").to_owned()).collect()
    };
    assert_eq!(sources(&swapped), ["default/pod/b", "default/pod/c"]);
    assert_eq!(sources(&policy([of("c", "PUT"), of("b", "GET")])), [""; 0]);
    assert_eq!(sources(&old.replace("labels: {app: b}", "labels: {app: c}")), ["default/pod/b"]);
}

/// An exit code for what opens only, and one for what closes only.
#[test]
fn narrowing_is_no_opening() {
    let (open, get) = (policy(""), http("{method: GET}"));
    for (old, new, fail_on, code) in [
        (&open, &get, "opened", 0),
        (&open, &get, "closed", 1),
        (&get, &open, "opened", 1),
        (&get, &open, "closed", 0),
    ] {
        assert_eq!(between(old, new, &["--fail-on", fail_on]).code, code, "{fail_on}");
    }
}

#[test]
fn conditions_as_people_read_them() {
    let (get, put) = (http("{method: GET}"), http("{method: PUT}"));
    let run = between(&get, &put, &[]);
    for line in [
        "1 on other conditions\n",
        "~ default/pod/b → default/pod/a on 80/TCP on another condition\n",
        "    ingress: only HTTP PUT gets through now, and before only HTTP GET\n",
    ] {
        assert!(run.stdout.contains(line), "{line}{}", run.stdout);
    }
    let run = between(&get, &policy(""), &["--summary"]);
    let line = "+ default/pod/b → default/pod/a on 80/TCP before on a condition\n";
    assert!(run.stdout.contains(line), "{}", run.stdout);
}
