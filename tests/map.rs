//! The map: its page is what its sources make, a real Chromium looks at it, and `map` writes and opens it.
//!
//! What the browser checks is in `map/test/browser/`, run by node; here the pages are made, and what
//! `explain` says to compare them with.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{
    Outside, Skip, expect_success, hermetic, homekube as cluster, root, skip, xtask,
};
use crate::read_back::{html, html_beside};
use crate::run::{FRONT, command, list, netpol, run, text};

/// The packages that map/package-lock.json pins, or the word that there are none.
fn packages() -> Result<(), Skip> {
    let why = if hermetic() {
        "NETPOL_TESTS_HERMETIC is set"
    } else if which::which("node").is_err() || which::which("npm").is_err() {
        "no `node` and `npm` on PATH"
    } else {
        return Ok(());
    };
    Err(skip(Outside::Node, why))
}

/// The browser, with the packages that drive it.
fn browser() -> Result<PathBuf, Skip> {
    packages()?;
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let why = "no Chromium on PATH; `cargo xtask browser` installs Debian's";
    let there = names.iter().find_map(|name| which::which(name).ok());
    there.ok_or_else(|| skip(Outside::Browser, why))
}

/// Runs one file of `map/test/browser/` over the pages of a directory; so many tests at least pass.
fn look(browser: &Path, file: &str, pages: &Path, least: usize) {
    // Installs the packages, where nobody has.
    expect_success(&mut xtask(&["map", "--out", pages.join("fresh.html").to_str().unwrap()]));
    let output = Command::new("node")
        .args(["--test", "--test-reporter=tap", &format!("test/browser/{file}")])
        .current_dir(root().join("map"))
        .env("NETPOL_BROWSER", browser)
        .env("NETPOL_PAGES", pages)
        .stdin(Stdio::null())
        .output()
        .expect("node runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let passed = said.lines().find_map(|line| line.strip_prefix("# pass ")?.trim().parse().ok());
    assert!(passed.is_some_and(|passed: usize| passed >= least), "{said}");
}

/// Writes what a command answers into a file.
fn page(directory: &Path, name: &str, words: &[&str], code: i32) {
    let done = netpol(words);
    assert_eq!(done.code, code, "{words:?}: {}", done.stderr);
    fs::write(directory.join(name), done.stdout).unwrap();
}

/// HomeKube, its repair and what is between them, with what else is said of them.
fn homekube() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let (old, new) = ("examples/homekube", "examples/homekube-fixed");
    page(at, "homekube.html", &["list", "-f", old, "-o", "html"], 0);
    page(at, "fixed.html", &["list", "-f", new, "-o", "html"], 0);
    page(at, "diff.html", &["diff", old, new, "-o", "html"], 1);
    let mut explained = Vec::new();
    for (name, input) in [("homekube.html", old), ("fixed.html", new)] {
        let flows = netpol(&["list", "-f", input, "-o", "json"]).json();
        for flow in list(&flows, "/flows") {
            let [source, destination] = ["/source", "/destination"].map(|end| {
                let known = flow.pointer(&format!("{end}/name")).is_some();
                known.then(|| text(flow, &format!("{end}/label")))
            });
            let (Some(source), Some(destination)) = (source, destination) else { continue };
            let port = &list(flow, "/ports")[0];
            let (number, protocol) = (&port["port"], text(port, "/protocol"));
            let asked = format!("{destination}:{number}/{protocol}");
            let said = netpol(&["explain", "-f", input, source, &asked]);
            assert_eq!(said.code, 0, "{asked}: {}", said.stderr);
            let ports = format!("{number}/{protocol}");
            explained.push(json!({
                "page": name, "source": source, "destination": destination, "ports": ports,
                "text": said.stdout,
            }));
        }
    }
    let changes = netpol(&["diff", old, new, "-o", "json"]).json();
    let facts = json!({"explained": explained, "changes": list(&changes, "/changes").len()});
    fs::write(at.join("facts.json"), facts.to_string()).unwrap();
    directory
}

#[test]
fn the_page_is_what_its_sources_make() {
    let Ok(()) = packages() else { return };
    let directory = tempfile::tempdir().unwrap();
    let fresh = directory.path().join("map.html");
    expect_success(&mut xtask(&["map", "--out", fresh.to_str().unwrap()]));
    let kept = fs::read(root().join("plugins/assets/map.html")).unwrap();
    assert!(fs::read(fresh).unwrap() == kept, "`cargo xtask map` makes another page");
    assert!(kept.len() < 600_000, "{}", kept.len());
}

#[test]
fn the_sources_are_as_they_should_be() {
    let Ok(()) = packages() else { return };
    expect_success(&mut xtask(&["map", "--check"]));
}

#[test]
fn homekube_in_the_browser() {
    let Ok(browser) = browser() else { return };
    let pages = homekube();
    look(&browser, "homekube.test.mjs", pages.path(), 11);
}

#[test]
fn a_change_in_the_browser() {
    let Ok(browser) = browser() else { return };
    let pages = homekube();
    look(&browser, "diff.test.mjs", pages.path(), 2);
}

/// The recording of HomeKube's flows.
const FLOWS: &str = "examples/flows/homekube.jsonl";

#[test]
fn tests_in_the_browser() {
    let Ok(browser) = browser() else { return };
    let pages = tempfile::tempdir().unwrap();
    let at = pages.path();
    let (old, new) = ("examples/homekube", "examples/homekube-fixed");
    page(at, "tests.html", &["test", "-f", old, "-o", "html"], 1);
    page(at, "fixed.html", &["test", "-f", new, "-o", "html"], 0);
    let tests = &format!("{old}/netpol-test.yaml");
    page(at, "diff.html", &["diff", new, old, "--tests", tests, "-o", "html"], 1);
    // What nothing isolates, and a way from outside.
    let open = at.join("open.yaml");
    fs::write(
        &open,
        "apiVersion: netpol/v1alpha1\nkind: Test\ntests:\n\
         - name: all is closed\n  default-deny: {namespaces: [ingress-nginx, identity]}\n  scope: known\n\
         - name: nothing leads in\n  unreachable: {from: internet, to: ns/monitoring}\n\
         - name: nobody reaches the proxy\n  deny: {from: ns/default, to: ns/ingress-nginx}\n",
    )
    .unwrap();
    page(at, "open.html", &["test", open.to_str().unwrap(), "-f", old, "-o", "html"], 1);
    look(&browser, "tests.test.mjs", at, 6);
}

#[test]
fn what_was_seen_in_the_browser() {
    let Ok(browser) = browser() else { return };
    let pages = tempfile::tempdir().unwrap();
    let words =
        ["observe", "-f", "examples/homekube", "--input-file", FLOWS, "--summary", "-o", "html"];
    page(pages.path(), "seen.html", &words, 0);
    let narrowed = [&words[..], &["--verdict", "dropped"]].concat();
    page(pages.path(), "narrowed.html", &narrowed, 0);
    look(&browser, "seen.test.mjs", pages.path(), 4);
}

/// A cluster of so many namespaces that each let the next one in.
fn ring(namespaces: usize) -> String {
    let mut out = String::new();
    for at in 0..namespaces {
        let before = (at + namespaces - 1) % namespaces;
        let _ = write!(
            out,
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: web, namespace: n{at}, labels: {{app: web, team: t{at}}}}}\n\
             spec: {{containers: [{{name: a, image: a}}]}}\n\
             ---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
             metadata: {{name: next, namespace: n{at}}}\nspec:\n  podSelector: {{}}\n  policyTypes: [Ingress, Egress]\n  \
             ingress: [{{from: [{{namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: n{before}}}}}}}]}}]\n  \
             egress: [{{to: [{{namespaceSelector: {{}}}}]}}]\n"
        );
    }
    out
}

#[test]
fn large_pictures_are_laid_out_aside() {
    let Ok(browser) = browser() else { return };
    let pages = tempfile::tempdir().unwrap();
    let input = pages.path().join("ring.yaml");
    fs::write(&input, ring(60)).unwrap();
    let words = ["list", "-f", input.to_str().unwrap(), "--known-only", "-o", "html"];
    page(pages.path(), "ring.html", &words, 0);
    look(&browser, "aside.test.mjs", pages.path(), 2);
}

/// Manifests in which every name is as hostile as a file can make it.
fn hostile() -> String {
    let markup = "</script><script>globalThis.hit=1</script>";
    let long = "l".repeat(63);
    let mut out = String::new();
    let mut pod = |namespace: &str, name: &str, labels: &str| {
        let _ = write!(
            out,
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {namespace}, labels: {labels}}}\n\
             spec: {{containers: [{{name: a, image: a}}]}}\n"
        );
    };
    pod("shop", "web", "{app: web, note: \"</script><script>globalThis.hit=1</script>\"}");
    pod("shop", &long, "{app: long}");
    pod("shop", "\"a</title><img src=x onerror=globalThis.hit=1>\"", "{app: odd}");
    pod("shop", "\"turned-\\u202egnp.exe\"", "{app: turned}");
    pod(&long, "db", "{app: db}");
    for name in ["shop", &long] {
        let _ = write!(out, "---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n");
    }
    let ports: Vec<String> =
        (0..10_000).map(|at| format!("{{port: {}}}", 10_000 + 2 * at - at % 2)).collect();
    let _ = write!(
        out,
        "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
         metadata: {{name: many, namespace: {long}}}\nspec:\n  podSelector: {{}}\n  ingress:\n  - from: \
         [{{namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: shop}}}}, podSelector: \
         {{matchLabels: {{app: web}}}}}}]\n    ports: [{}]\n\
         ---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n\
         metadata: {{name: paths, namespace: shop}}\nspec:\n  endpointSelector: {{}}\n  ingress:\n  - \
         fromEndpoints: [{{}}]\n    toPorts:\n    - ports: [{{port: \"80\", protocol: TCP}}]\n      \
         rules: {{http: [{{path: \"{markup}\"}}, {{path: \"/\\u202etxt\"}}]}}\n",
        ports.join(", "),
    );
    out
}

#[test]
fn hostile_names_in_the_browser() {
    let Ok(browser) = browser() else { return };
    let pages = tempfile::tempdir().unwrap();
    // Its own name is one of them.
    let input = pages.path().join("<img src=x onerror=globalThis.hit=1>.yaml");
    fs::write(&input, hostile()).unwrap();
    page(pages.path(), "hostile.html", &["list", "-f", input.to_str().unwrap(), "-o", "html"], 0);
    // Of tests too, and of what was seen.
    let tests = pages.path().join("tests.yaml");
    fs::write(
        &tests,
        "apiVersion: netpol/v1alpha1\nkind: Test\ntests:\n\
         - name: \"</script><img src=x onerror=globalThis.hit=1>\\u202e\"\n  \
           reason: \"<script>globalThis.hit=1</script>\"\n  deny: {from: anyone, to: anyone}\n",
    )
    .unwrap();
    let flow = r#"{"flow":{"verdict":"DROPPED","drop_reason":133,"event_type":{"type":5},"traffic_direction":"EGRESS","IP":{"source":"10.0.0.1","destination":"10.0.0.2","ipVersion":"IPv4"},"l4":{"TCP":{"source_port":1,"destination_port":80}},"source":{"identity":900,"namespace":"<img src=x onerror=globalThis.hit=1>","pod_name":"</script><script>globalThis.hit=1</script>"},"destination":{"identity":901,"namespace":"shop","pod_name":"web"},"egress_denied_by":[{"name":"<b>","kind":"\u202eK"}]}}"#;
    let flows = pages.path().join("flows.jsonl");
    fs::write(&flows, format!("{flow}\n")).unwrap();
    let [input, tests, flows] = [&input, &tests, &flows].map(|path| path.to_str().unwrap());
    let out = pages.path().join("beside.html");
    let out = out.to_str().unwrap();
    let words = ["map", "-f", input, "--tests", tests, "--input-file", flows, "--no-open"];
    let done = netpol(&[&words[..], &["--output", out]].concat());
    assert_eq!(done.code, 0, "{}", done.stderr);
    drop(html_beside(&fs::read_to_string(out).unwrap()));
    look(&browser, "hostile.test.mjs", pages.path(), 4);
}

/// `map` in an empty directory, with these programs and a display or none.
fn map(at: &Path, words: &[&str], display: &str) -> crate::run::Run {
    let examples = root().join("examples/homekube");
    let mut all = vec!["map", "-f", examples.to_str().unwrap()];
    all.extend(words);
    let mut command = command(FRONT, &all);
    command.current_dir(at).env("PATH", at).env("DISPLAY", display).env_remove("WAYLAND_DISPLAY");
    run(&mut command, b"")
}

const NOT_OPENED: &str = "There is no display, or nothing to open it with: open it in a browser.\n";

#[test]
fn the_page_is_written_and_said_where() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let done = map(at, &[], "");
    assert_eq!((done.code, done.stdout.as_str()), (0, "netpol-map.html\n"), "{}", done.stderr);
    if cfg!(not(any(target_os = "macos", windows))) {
        assert_eq!(done.stderr, NOT_OPENED);
    }
    let written = fs::read_to_string(at.join("netpol-map.html")).unwrap();
    assert!(written.starts_with("<!doctype html>") && written.ends_with("</html>\n"));
    // What is there is replaced, in one step.
    let done = map(at, &["--no-open", "--output", "netpol-map.html"], "");
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    assert_eq!(fs::read_dir(at).unwrap().count(), 1);
    let done = map(at, &["--no-open", "--output", "no/such/place.html"], "");
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("writing no/such/place.html"), "{}", done.stderr);
}

/// What opens it is given the whole path, and is no shell.
#[cfg(target_os = "linux")]
#[test]
fn the_page_is_opened() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::{Duration, Instant};
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let opener = at.join("xdg-open");
    fs::write(
        &opener,
        "#!/bin/sh\nprintf '%s\\n' \"$#\" \"$1\" > opened.tmp\n/bin/mv opened.tmp opened\n",
    )
    .unwrap();
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    let done = map(at, &["--output=-a $(id).html"], ":0");
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    let deadline = Instant::now() + Duration::from_secs(20);
    while !at.join("opened").exists() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    let given = fs::read_to_string(at.join("opened")).unwrap();
    assert_eq!(given, format!("1\n{}\n", at.join("-a $(id).html").display()));
    fs::remove_file(at.join("opened")).unwrap();
    assert_eq!(map(at, &["--no-open"], ":0").code, 0);
    assert_eq!(map(at, &[], "").stderr, NOT_OPENED);
    assert!(!at.join("opened").exists());
}

#[test]
fn a_change_is_mapped_too() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("map.html");
    let out = out.to_str().unwrap();
    let sides = ["examples/homekube", "examples/homekube-fixed"];
    let words = ["map", "--no-open", "--output", out, "--diff", sides[0], sides[1]];
    let done = netpol(&words);
    assert_eq!((done.code, done.stdout.trim()), (0, out), "{}", done.stderr);
    let same = netpol(&["diff", sides[0], sides[1], "-o", "html"]).stdout;
    assert_eq!(fs::read_to_string(out).unwrap(), same);
    assert_eq!(netpol(&["map", "--diff", sides[0]]).code, 2);
    assert_eq!(netpol(&["map", "--diff", sides[0], sides[1], "-f", sides[0]]).code, 2);
}

/// The page has the answer of `-o json`, and besides only what a picture needs.
#[test]
fn the_answer_is_that_of_json() {
    for input in ["examples/homekube", "examples/calico"] {
        let done = netpol(&["list", "-f", input, "-o", "html"]);
        let mut shown = html(&done.stdout);
        let plain = netpol(&["list", "-f", input, "-o", "json"]).json();
        let known: BTreeSet<&str> =
            list(&shown, "/workloads").iter().map(|end| text(end, "/label")).collect();
        for flow in list(&plain, "/flows") {
            for end in ["/source", "/destination"] {
                let workload = flow.pointer(end).unwrap();
                let pods = workload.get("namespace").is_some() && workload.get("name").is_some();
                assert!(!pods || known.contains(text(workload, "/label")), "{workload}");
            }
        }
        assert!(!list(&shown, "/namespaces").is_empty());
        let top = shown.as_object_mut().unwrap();
        for more in ["workloads", "namespaces", "entrances"] {
            top.remove(more);
        }
        for flow in top["flows"].as_array_mut().unwrap() {
            let flow = flow.as_object_mut().unwrap();
            assert!(flow.contains_key("witness"), "{flow:?}");
            flow.remove("witness");
            flow.remove("by");
        }
        assert_eq!(shown, plain);
    }
}

/// What stands beside the flows is the answer of `-o json` too, from whichever command it comes.
#[test]
fn the_answers_beside_are_those_of_json() {
    let files = ["-f", "examples/homekube"];
    let tested = netpol(&[&["test", "-o", "json"][..], &files].concat()).json();
    let (list, own, none) =
        html_beside(&netpol(&[&["test", "-o", "html"][..], &files].concat()).stdout);
    assert_eq!((own.as_ref(), none), (Some(&tested), None));
    let plain = netpol(&[&["list", "-o", "html"][..], &files].concat());
    assert_eq!(list, html(&plain.stdout));

    let observe = [&["observe", "--summary", "--input-file", FLOWS][..], &files].concat();
    let seen = netpol(&[&observe[..], &["-o", "json"]].concat()).json();
    let page = netpol(&[&observe[..], &["-o", "html"]].concat());
    assert_eq!(page.code, 0, "{}", page.stderr);
    let (judged, none, own) = html_beside(&page.stdout);
    assert_eq!((own.as_ref(), none), (Some(&seen), None));
    // Where there is Hubble there is Cilium, and what `explain` is asked says so.
    let commands = judged["flows"].as_array().unwrap().iter();
    let commands: Vec<&str> = commands.map(|flow| text(flow, "/witness/explain")).collect();
    assert!(commands.iter().all(|it| it.contains("--enforcer cilium")), "{commands:?}");

    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("map.html");
    let out = out.to_str().unwrap();
    let tests = "examples/homekube/netpol-test.yaml";
    let words = ["map", "--no-open", "--output", out, "--tests", tests, "--input-file", FLOWS];
    let done = netpol(&[&words[..], &files].concat());
    assert_eq!((done.code, done.stdout.trim()), (0, out), "{}", done.stderr);
    let (both, all, also) = html_beside(&fs::read_to_string(out).unwrap());
    assert_eq!((&both, also.as_ref()), (&judged, Some(&seen)));
    // Both were judged by Cilium's reading here, which is none of the tests' business.
    let outcomes = |report: &Value| -> Vec<String> {
        let tests = report["tests"].as_array().unwrap().iter();
        tests.map(|test| format!("{} {}", text(test, "/name"), text(test, "/outcome"))).collect()
    };
    assert_eq!(outcomes(&all.unwrap()), outcomes(&tested));
}

#[test]
fn a_map_of_what_was_seen_wants_counts() {
    let files = ["-f", "examples/homekube", "--input-file", FLOWS];
    let done = netpol(&[&["observe", "-o", "html"][..], &files].concat());
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("-o html shows counts: add --summary"), "{}", done.stderr);
    let words = ["observe", "--summary", "-o", "html", "-n", "nowhere"];
    let done = netpol(&[&words[..], &files].concat());
    assert_eq!(done.code, 2);
    assert!(done.stderr.contains("namespace \"nowhere\" is not in the input"), "{}", done.stderr);
    let sides = ["examples/homekube", "examples/homekube-fixed"];
    let done = netpol(&["map", "--diff", sides[0], sides[1], "--input-file", FLOWS]);
    assert_eq!(done.code, 2, "{}", done.stdout);
}

/// Everyone who is known is there with the labels that all of its pods have.
#[test]
fn labels_are_in_the_page() {
    let page = html(&netpol(&["list", "-f", "examples/homekube", "-o", "html"]).stdout);
    let of = |label: &str| {
        let mut all = list(&page, "/workloads").iter();
        all.find(|end| text(end, "/label") == label).unwrap()["labels"].clone()
    };
    assert_eq!(of("identity/sts/keycloak"), json!({"app.kubernetes.io/name": "keycloak"}));
}

/// Every command of a page is answered as the row says.
#[test]
fn commands_of_the_page_are_answered_as_its_rows_are() {
    let mut asked = 0;
    for input in ["examples/homekube", "examples/calico"] {
        let page = html(&netpol(&["list", "-f", input, "-o", "html"]).stdout);
        for flow in list(&page, "/flows") {
            let command = text(flow, "/witness/explain");
            let words = crate::transcripts::words(command);
            let words: Vec<&str> = words.iter().map(String::as_str).skip(2).collect();
            let done = netpol(&[&words[..], &["-o", "json"]].concat());
            assert_eq!(done.json()["verdict"], flow["verdict"], "{command}: {}", done.stdout);
            asked += 1;
        }
    }
    assert!(asked >= 20, "{asked}");
}

/// Rows that would make a page too large are told by namespace, and that is said.
#[test]
fn what_is_too_large_is_folded() {
    let directory = tempfile::tempdir().unwrap();
    let long = "n".repeat(50);
    let mut manifests = String::new();
    for at in 0..190 {
        let name = format!("{long}-{at}");
        let _ = write!(
            manifests,
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: shop, labels: {{app: a{at}}}}}\n\
             spec: {{containers: [{{name: a, image: a}}]}}\n\
             ---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
             metadata: {{name: p{at}, namespace: shop}}\nspec:\n  podSelector: {{matchLabels: {{app: a{at}}}}}\n  \
             ingress: [{{from: [{{podSelector: {{}}}}], ports: [{{port: {}}}]}}]\n",
            1000 + at
        );
    }
    let input = directory.path().join("in.yaml");
    fs::write(&input, manifests).unwrap();
    let done = netpol(&["list", "-f", input.to_str().unwrap(), "-o", "html"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(
        done.stderr.contains("rows between workloads are too many for one page"),
        "{}",
        done.stderr
    );
    let page = html(&done.stdout);
    assert_eq!(text(&page, "/by"), "Namespace");
    let notes = list(&page, "/notes");
    assert!(notes.iter().any(|note| note.as_str().unwrap().contains("too many for one page")));
}

/// What has more rows than a page has room for is folded once more: whoever is open to everyone.
#[test]
fn what_is_larger_still_is_folded_twice() {
    let directory = tempfile::tempdir().unwrap();
    let input = directory.path().join("ring.yaml");
    fs::write(&input, ring(5)).unwrap();
    let words = ["list", "-f", input.to_str().unwrap(), "--known-only", "--limits", "rows=4"];
    let done = netpol(&[&words[..], &["-o", "html"]].concat());
    assert_eq!(done.code, 0, "{}", done.stderr);
    for of in ["workloads", "namespaces"] {
        let told = format!("more than 4 rows between {of} are too many for one page");
        assert!(done.stderr.contains(&told), "{told} in {}", done.stderr);
    }
    let page = html(&done.stdout);
    assert_eq!((text(&page, "/by"), &page["exposed"]), ("Namespace", &json!(true)));
    assert_eq!(list(&page, "/namespaces").len(), 5);
    let said = "Only what is open to the whole cluster or to the outside has rows</bdi>.";
    assert!(done.stdout.contains(said));
    // Nothing but a page is folded.
    assert_eq!(netpol(&[&words[..], &["-o", "json"]].concat()).code, 2);
}

/// A live cluster is read for it once, with what leads in from outside.
#[test]
fn a_cluster_is_mapped() {
    let Ok(homekube) = cluster() else { return };
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("map.html");
    let live = homekube.ask("map", &format!("--no-open --output {}", out.display()));
    assert_eq!(live.code, 0, "{}", live.all());
    let page = html(&fs::read_to_string(out).unwrap());
    let entrances = list(&page, "/entrances");
    assert!(
        entrances.iter().any(|it| text(it, "/by").contains("Ingress monitoring/grafana")),
        "{page}"
    );
    let witness = |flow: &Value| text(flow, "/witness/explain").to_owned();
    let commands: Vec<String> = list(&page, "/flows").iter().map(witness).collect();
    // Of the cluster itself: no manifests are named.
    assert!(
        commands.iter().all(|it| it.starts_with("kubectl netpol explain ") && !it.contains(" -f ")),
        "{commands:?}"
    );
}
