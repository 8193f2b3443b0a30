//! The GitHub action: its scripts run as its steps run them, in a repository of our own and with a `gh`
//! that answers from files, and docs/ci.md says what it has.

use crate::documents::documented;
use crate::harness::{Files, Outside, root, skip};
use crate::read_back;
use crate::run::{FRONT, Run, netpol, run};
use crate::transcripts::words;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A policy that admits a namespace to all pods of `shop`.
fn policy(from: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p, namespace: shop}}\n\
         spec:\n  podSelector: {{}}\n  policyTypes: [Ingress]\n  ingress:\n  - from:\n    \
         - namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {from}}}}}\n"
    )
}

/// A repository with a commit before and one after, and what a step finds beside it.
struct Steps(Files);

impl Steps {
    fn new() -> Self {
        let steps = Self(Files::new(&[]));
        for from in ["office", "anybody"] {
            steps.0.write("repository/k8s/policy.yaml", &policy(from));
            steps.0.commit_all("repository");
        }
        steps
    }

    /// A script of the action, with what action.yml gives it.
    fn script(&self, name: &str, directory: &str, variables: &[(&str, &str)]) -> Run {
        let mut command = Command::new(root().join("action").join(name));
        command.current_dir(self.0.path(directory)).envs(variables.iter().copied());
        command.env("HOME", "/nonexistent").env("GIT_CONFIG_GLOBAL", "/dev/null");
        run(&mut command, b"")
    }

    fn compare(&self, directory: &str, more: &[(&str, &str)]) -> Run {
        let (out, summary) = (self.0.path("out"), self.0.path("summary"));
        let _ = fs::remove_dir_all(&out);
        let _ = fs::remove_file(&summary);
        let mut variables = vec![
            ("NETPOL", FRONT),
            ("NETPOL_COMPARE", "git:{}:k8s"),
            ("NETPOL_BASE", "HEAD^1"),
            ("NETPOL_HEAD", "HEAD"),
            ("NETPOL_FAIL_ON", "opened"),
            ("NETPOL_UNKNOWN", "fail"),
            ("NETPOL_ARGUMENTS", "--policies-complete\n"),
            ("NETPOL_OUT", out.to_str().unwrap()),
            ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()),
        ];
        variables.extend(more);
        self.script("compare", directory, &variables)
    }
}

#[test]
fn what_a_pull_request_opens() {
    let steps = Steps::new();
    let done = steps.compare("repository", &[]);
    assert_eq!(done.code, 1, "{done:?}");
    let report = steps.0.read("out/report.md");
    assert!(report.starts_with("### Network policies: 1 opened, 1 closed\n"), "{report}");
    assert!(report.contains("any other pod of anybody"), "{report}");
    assert_eq!(report, steps.0.read("summary"));
    for (more, code) in [
        ([("NETPOL_FAIL_ON", "closed"), ("NETPOL_UNKNOWN", "fail")], 1),
        ([("NETPOL_BASE", "HEAD"), ("NETPOL_UNKNOWN", "fail")], 0),
        // Without every policy, what opens is not known to have been closed.
        (
            [("NETPOL_ARGUMENTS", "--accept-unread=x\n\n--known-only"), ("NETPOL_UNKNOWN", "fail")],
            3,
        ),
        ([("NETPOL_ARGUMENTS", "--known-only"), ("NETPOL_UNKNOWN", "pass")], 0),
    ] {
        let done = steps.compare("repository", &more);
        assert_eq!(done.code, code, "{more:?}: {done:?}\n{}", steps.0.read("out/report.md"));
    }
}

#[test]
fn what_cannot_be_compared() {
    let steps = Steps::new();
    let done = steps.compare("repository", &[("NETPOL_COMPARE", "k8s")]);
    assert_eq!(done.code, 2, "{done:?}");
    assert!(done.stderr.contains("with {} where its revision stands"), "{done:?}");
    // The program's own error is told in the report, and is no command of the runner.
    let done = steps.compare("repository", &[("NETPOL_COMPARE", "git:{}:::set-x::y")]);
    assert_eq!(done.code, 2, "{done:?}");
    assert!(!done.stderr.contains("::") && !done.stdout.contains("::"), "{done:?}");
    let report = steps.0.read("out/report.md");
    assert!(report.starts_with("### Network policies: not compared\n\n    error: "), "{report}");
    // A clone without what was before.
    let from = format!("file://{}", steps.0.path("repository").display());
    steps.0.git(&["clone", "--quiet", "--depth=1", &from, "shallow"]);
    let done = steps.compare("shallow", &[]);
    assert_eq!(done.code, 2, "{done:?}");
    assert!(done.stderr.contains("check out with `fetch-depth: 2`"), "{done:?}");
}

/// Whole lines of a large answer, with all of it in the summary.
#[test]
fn a_large_answer_is_cut_at_a_line() {
    let steps = Steps::new();
    let program = "#!/bin/sh\necho '### Network policies: 9 opened'\necho\n\
        for i in $(seq 3000); do echo \"| a row of a table that is long enough | $i |\"; done\nexit 1\n";
    steps.0.write("netpol", program);
    set_executable(&steps.0.path("netpol"));
    let program = steps.0.path("netpol");
    let done = steps.compare("repository", &[("NETPOL", program.to_str().unwrap())]);
    assert_eq!(done.code, 1, "{done:?}");
    let report = steps.0.read("out/report.md");
    assert!(report.len() < 61_000, "{}", report.len());
    let ends = report.ends_with(" |\n\nThere is more: the summary of the run has it.\n");
    assert!(ends, "{}", &report[report.len() - 200..]);
    assert!(steps.0.read("summary").contains("| 3000 |"));
}

impl Steps {
    /// The step of `test` or `lint`.
    fn check(&self, step: &str, arguments: &str, more: &[(&str, &str)]) -> Run {
        let (out, output) = (self.0.path("out"), self.0.path("output"));
        let _ = fs::remove_dir_all(&out);
        let _ = fs::remove_file(&output);
        let mut variables = vec![
            ("NETPOL", FRONT),
            ("NETPOL_STEP", step),
            ("NETPOL_ARGUMENTS", arguments),
            ("NETPOL_UNKNOWN", "fail"),
            ("NETPOL_OUT", out.to_str().unwrap()),
            ("GITHUB_OUTPUT", output.to_str().unwrap()),
        ];
        variables.extend(more);
        self.script("check", "repository", &variables)
    }
}

/// What is found is beside its line, and in a file whose path the step gives.
#[test]
fn tests_and_lints_of_a_pull_request() {
    let steps = Steps::new();
    let tests = "apiVersion: netpol/v1alpha1\nkind: Test\ntests:\n- name: closed\n  deny: {from: ns/anybody, to: ns/shop}\n- \
                 name: nodes\n  deny: {from: nodes, to: ns/shop}\n";
    steps.0.write("repository/k8s/netpol-test.yaml", tests);
    let done = steps.check("test", "--filename=k8s\n", &[]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.stdout.starts_with("::error file=k8s/policy.yaml,line="), "{done:?}");
    let sarif = steps.0.path("out/netpol.sarif");
    assert_eq!(steps.0.read("output"), format!("sarif={}\n", sarif.display()));
    let log: Value = serde_json::from_str(&steps.0.read("out/netpol.sarif")).unwrap();
    assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), 2, "{log:#}");
    let nodes = "--filename=k8s\n--only=nodes";
    assert_eq!(steps.check("test", nodes, &[]).code, 3);
    assert_eq!(steps.check("test", nodes, &[("NETPOL_UNKNOWN", "pass")]).code, 0);

    let done = steps.check("lint", "--filename=k8s", &[]);
    assert_eq!((done.code, done.stdout.as_str()), (0, ""), "{done:?}");
    let log: Value = serde_json::from_str(&steps.0.read("out/netpol.sarif")).unwrap();
    assert_eq!(log["runs"][0]["results"], json!([]));
    let open = policy("x").replace("  - from:", "  - {}\n  - from:");
    steps.0.write("repository/k8s/policy.yaml", &open);
    let done = steps.check("lint", "--filename=k8s\n--fail-on=note", &[]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.stdout.contains("::notice file=k8s/policy.yaml,line="), "{done:?}");

    // What is said of an error is no command, and there is no file of it.
    let done = steps.check("lint", "--filename=::set-output::x", &[]);
    assert_eq!(done.code, 2, "{done:?}");
    assert!(!done.stderr.contains("::") && done.stdout.is_empty(), "{done:?}");
    assert!(!sarif.exists() && !steps.0.path("output").exists());
    let done = steps.check("explain", "", &[]);
    assert_eq!(done.code, 2, "{done:?}");
    assert!(done.stderr.contains("compare, comment, test or lint"), "{done:?}");
}

fn set_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// An archive that is not the one of the release is not unpacked.
#[test]
fn a_release_is_held_to_its_sums() {
    if which::which("curl").is_err() || cfg!(not(target_os = "linux")) {
        let _ = skip(Outside::Shell, "no curl, or not Linux");
        return;
    }
    let steps = Steps::new();
    let platform = if cfg!(target_arch = "x86_64") { "linux-amd64" } else { "linux-arm64" };
    let archive = format!("releases/v1.2.3/kubectl-netpol-{platform}.tar.gz");
    steps.0.write("kubectl-netpol", "#!/bin/sh\n");
    fs::create_dir_all(steps.0.path("releases/v1.2.3")).unwrap();
    let mut tar = Command::new("tar");
    tar.args(["-czf", &archive, "kubectl-netpol"]).current_dir(steps.0.path(""));
    assert_eq!(run(&mut tar, b"").code, 0);
    let mut sum = Command::new("sha256sum");
    let sum = run(sum.arg(steps.0.path(&archive)), b"").stdout;
    let sum = sum.split(' ').next().unwrap();
    let releases = format!("file://{}", steps.0.path("releases").display());
    let install = |version: &str, sums: &str| {
        steps.0.write("releases/v1.2.3/SHA256SUMS", sums);
        let bin = steps.0.path("bin");
        let _ = fs::remove_dir_all(&bin);
        let variables = [
            ("NETPOL_VERSION", version),
            ("NETPOL_RELEASES", &releases),
            ("NETPOL_BIN", bin.to_str().unwrap()),
        ];
        let done = steps.script("install", "", &variables);
        (done.code, bin.join("kubectl-netpol").exists(), done.stderr)
    };
    let name = format!("kubectl-netpol-{platform}.tar.gz");
    let right = format!("{sum}  {name}\n");
    let wrong = format!("{}  {name}\n", "0".repeat(64));
    let other = format!("{sum}  another.tar.gz\n");
    for (version, sums, there) in [
        ("v1.2.3", &right, true),
        ("v1.2.3", &wrong, false),
        ("v1.2.3", &other, false),
        ("v1.2.4", &right, false),
        ("1.2.3", &right, false),
        ("v1.2.3/../v1.2.3", &right, false),
    ] {
        let (code, is_there, said) = install(version, sums);
        assert_eq!((code == 0, is_there), (there, there), "{version} {sums}: {said}");
    }
}

/// A `gh` that answers from files, and keeps what it is asked.
const GH: &str = r#"#!/usr/bin/env bash
set -euo pipefail
here="$(cd "$(dirname "$0")/.." && pwd)"
printf '%s\n' "$*" >>"$here/calls"
for last; do :; done
case "$*" in
  'api --method GET repos/o/r/pulls '*) cat "$here/pulls" ;;
  'api --method GET repos/o/r/actions/runs/77/artifacts '*) cat "$here/artifacts" ;;
  'run download 77 --repo o/r --name netpol-diff --dir '*) cp -P "$here/left/report.md" "$last/" ;;
  'api --method GET --paginate repos/o/r/issues/5/comments '*) cat "$here/comments" ;;
  'api --method P'*' --input '*) cp "$last" "$here/posted" ;;
  *) exit 9 ;;
esac
"#;

const GOOD: &str = "### Network policies: 1 opened\n\n`git:a` → `git:b`\n\n\
    | | From | To | Ports | Why |\n|---|---|---|---|---|\n\
    | 🟢 opened | `a/@b` | any other pod of shop | `80/TCP` | ingress: p `ingress[0]` admits it |\n\n\
    <details><summary>Explain one flow of each</summary>\n\n    kubectl netpol explain -f 'a#b' @x y\n\n</details>\n";

impl Steps {
    /// Posts a report; what was posted, and how.
    fn comment(&self, report: &str, more: &[(&str, Value)]) -> (Run, String, String) {
        let event = json!({"workflow_run": {
            "event": "pull_request", "id": 77, "head_sha": COMMIT, "head_branch": "a b\"$(x)",
            "head_repository": {"owner": {"login": "stranger"}},
        }});
        self.0.write("bin/gh", GH);
        set_executable(&self.0.path("bin/gh"));
        self.0.write("left/report.md", report);
        let pull = |number: u32, sha: &str| json!({"number": number, "head": {"sha": sha}});
        let pulls = json!([pull(4, "f00"), pull(5, COMMIT)]);
        let artifacts = json!({"artifacts": [{"size_in_bytes": 100}]});
        for (name, value) in
            [("event", event), ("pulls", pulls), ("artifacts", artifacts), ("comments", json!([]))]
        {
            let given = more.iter().find(|(other, _)| *other == name).map(|(_, value)| value);
            self.0.write(name, &given.unwrap_or(&value).to_string());
        }
        for name in ["calls", "posted"] {
            let _ = fs::remove_file(self.0.path(name));
        }
        let path = std::env::join_paths(
            [self.0.path("bin")]
                .into_iter()
                .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        );
        let path = path.unwrap();
        let variables = [
            ("PATH", path.to_str().unwrap()),
            ("GITHUB_EVENT_PATH", &self.0.path("event").display().to_string()),
            ("GITHUB_REPOSITORY", "o/r"),
            ("GH_TOKEN", "secret-token"),
            ("NETPOL_NAME", "netpol-diff"),
        ];
        let done = self.script("comment", "", &variables);
        let posted = self.0.read("posted");
        let body = serde_json::from_str::<Value>(&posted).ok();
        let body = body.map_or(String::new(), |it| it["body"].as_str().unwrap().to_owned());
        (done, body, self.0.read("calls"))
    }
}

/// Whether the script can run here.
fn has_jq() -> bool {
    let there = which::which("jq").is_ok() && which::which("iconv").is_ok();
    if !there {
        let _ = skip(Outside::Shell, "no jq or no iconv, which GitHub's runners have");
    }
    there
}

#[test]
fn one_comment_that_is_kept_up_to_date() {
    if !has_jq() {
        return;
    }
    let steps = Steps::new();
    let (done, body, calls) = steps.comment(GOOD, &[]);
    assert_eq!((done.code, done.stdout.as_str()), (0, "commented on pull request 5\n"), "{done:?}");
    assert!(
        body.starts_with(&format!("<!-- kubectl-netpol: netpol-diff -->\n{GOOD}\n<sub>")),
        "{body}"
    );
    assert!(body.contains("https://github.com/o/r/actions/runs/77"), "{body}");
    assert!(calls.contains("-f head=stranger:a b\"$(x)"), "{calls}");
    let comments = json!([
        {"id": 1, "body": body, "user": {"login": "stranger"}},
        {"id": 2, "body": "something else", "user": {"login": "github-actions[bot]"}},
        {"id": 3, "body": body, "user": {"login": "github-actions[bot]"}},
    ]);
    let (done, again, calls) = steps.comment(GOOD, &[("comments", comments)]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(again, body);
    assert!(calls.contains("--method PATCH repos/o/r/issues/comments/3 "), "{calls}");
    assert!(!calls.contains("POST"), "{calls}");
}

/// What could be more than words and code is shown as text.
#[test]
fn what_a_stranger_left_is_inert() {
    if !has_jq() {
        return;
    }
    let steps = Steps::new();
    let (_, whole, _) = steps.comment(GOOD, &[]);
    assert!(!whole.contains("```"), "{whole}");
    for hostile in [
        "ask @octocat",
        "`a``@octocat`",
        "```@octocat`",
        "| `a | @octocat` |",
        "text\n    @octocat",
        "- a\n\n    @octocat",
        "- a\nb\n\n    @octocat",
        "<details>\n`@octocat`\n</details>",
        "<details><summary>x</summary>\n`@octocat`",
        "<br>\n`@octocat`",
        "<img src=x>",
        "[here](javascript:x)",
        "![](x)",
        "https://example.org",
        "www.example.org",
        "fixes #1",
        "GH-1",
        "o/r",
        "deadbeef0",
        "&#64;octocat",
        "\\`@octocat\\`",
        "````\n</details>",
    ] {
        let (done, body, _) =
            steps.comment(&format!("### Network policies: x\n\n{hostile}\n"), &[]);
        assert_eq!(done.code, 0, "{hostile}: {done:?}");
        let ticks = if hostile.contains("````") { "`````" } else { "```" };
        let ticks = if hostile.starts_with("```@") { "````" } else { ticks };
        let fenced =
            format!("-->\n{ticks}text\n### Network policies: x\n\n{hostile}\n{ticks}\n\n<sub>");
        assert!(body.contains(&fenced), "{hostile}: {body}");
        // What it left is in no log, where it could be a command.
        assert!(!done.stdout.contains("octocat") && !done.stderr.contains("octocat"), "{done:?}");
    }
}

#[test]
fn what_is_not_posted() {
    if !has_jq() {
        return;
    }
    let steps = Steps::new();
    let large = "x".repeat(60_001);
    for (report, more, said, code) in [
        (large.as_str(), vec![], "the report is too large", 2),
        ("a\u{202e}b", vec![], "the report is no text", 2),
        ("a\u{200b}b", vec![], "the report is no text", 2),
        ("a\u{1b}[2Jb", vec![], "the report is no text", 2),
        (GOOD, vec![("artifacts", json!({"artifacts": []}))], "that run left no report", 0),
        (
            GOOD,
            vec![("artifacts", json!({"artifacts": [{"size_in_bytes": 2_000_000}]}))],
            "too large",
            2,
        ),
        (GOOD, vec![("pulls", json!([]))], "no open pull request has that commit", 0),
        (
            GOOD,
            vec![("pulls", json!([{"number": "5; x", "head": {"sha": COMMIT}}]))],
            "no open pull request has that commit",
            0,
        ),
        (
            GOOD,
            vec![("event", json!({"workflow_run": {"event": "push"}}))],
            "that run was not of a pull request",
            0,
        ),
        (
            GOOD,
            vec![(
                "event",
                json!({"workflow_run": {"event": "pull_request", "id": 77, "head_sha": "$(x)"}}),
            )],
            "the event is not in the form",
            2,
        ),
    ] {
        let (done, body, calls) = steps.comment(report, &more);
        assert_eq!((done.code, body.as_str()), (code, ""), "{said}: {done:?}");
        let told = format!("{}{}", done.stdout, done.stderr);
        assert!(told.contains(said), "{said}: {told}");
        assert!(!calls.contains("--method P"), "{calls}");
    }
    // A link would lead to a file of the runner.
    steps.comment(GOOD, &[]);
    fs::remove_file(steps.0.path("left/report.md")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", steps.0.path("left/report.md")).unwrap();
    let variables = [
        ("PATH", &*format!("{}:{}", steps.0.path("bin").display(), std::env::var("PATH").unwrap())),
        ("GITHUB_EVENT_PATH", &steps.0.path("event").display().to_string()),
        ("GITHUB_REPOSITORY", "o/r"),
        ("NETPOL_NAME", "netpol-diff"),
    ];
    let done = steps.script("comment", "", &variables);
    assert_eq!(done.code, 2, "{done:?}");
    assert!(done.stderr.contains("is no report"), "{done:?}");
}

/// What is given to the action is never part of a script, and what it runs of others is pinned.
#[test]
fn inputs_are_no_script() {
    let text = fs::read_to_string(root().join("action.yml")).unwrap();
    let action = read_back::yaml(&text);
    let mut used = BTreeSet::new();
    for step in action["runs"]["steps"].as_array().unwrap() {
        let run = step["run"].as_str().unwrap_or_default();
        assert!(!run.contains("${{"), "{run}");
        if let Some(uses) = step["uses"].as_str() {
            let (_, commit) = uses.split_once('@').unwrap();
            assert!(
                commit.len() == 40 && commit.bytes().all(|it| it.is_ascii_hexdigit()),
                "{uses}"
            );
        }
        let script = run.trim_matches('"').strip_prefix("$GITHUB_ACTION_PATH/");
        if let Some(script) = script {
            let script = fs::read_to_string(root().join(script)).unwrap();
            // A script has what it asks for.
            let asked: BTreeSet<&str> = script
                .split(|c: char| !(c.is_ascii_uppercase() || c == '_'))
                .filter(|word| word.starts_with("NETPOL") && !word.ends_with('_'))
                .collect();
            let given: BTreeSet<&str> = step["env"]
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .filter(|name| name.starts_with("NETPOL"))
                .collect();
            assert_eq!(asked, given, "{run}");
        }
        for part in step.to_string().split("inputs.").skip(1) {
            let name: String =
                part.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
            used.insert(name);
        }
    }
    let declared = action["inputs"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(used, declared);
}

#[test]
fn the_documentation_uses_what_there_is() {
    let action = read_back::yaml(&fs::read_to_string(root().join("action.yml")).unwrap());
    let inputs = action["inputs"].as_object().unwrap();
    for (words, rights) in [
        ("yaml action compare", json!({"contents": "read"})),
        ("yaml action comment", json!({"actions": "read", "pull-requests": "write"})),
        ("yaml action check", json!({"contents": "read", "security-events": "write"})),
    ] {
        let workflow = read_back::yaml(&documented("docs/ci.md", words));
        assert_eq!(workflow["permissions"], rights);
        let steps = workflow["jobs"].as_object().unwrap().values();
        for step in steps.flat_map(|job| job["steps"].as_array().unwrap()) {
            let uses = step["uses"].as_str().unwrap();
            if uses.starts_with("OWNER/kubectl-netpol@") {
                for name in step["with"].as_object().unwrap().keys() {
                    assert!(inputs.contains_key(name), "{name}");
                }
            } else if uses.starts_with("github/codeql-action/upload-sarif@") {
                assert_eq!(step["with"]["sarif_file"], "${{ steps.netpol.outputs.sarif }}");
                assert!(action["outputs"]["sarif"].is_object());
            } else {
                assert!(rights["contents"] == "read" && uses.starts_with("actions/checkout@"));
                assert_eq!(step["with"]["persist-credentials"], false);
                // Only what is compared needs what was before.
                let depth = &step["with"]["fetch-depth"];
                assert!(if words.ends_with("compare") { depth == 2 } else { depth.is_null() });
            }
        }
    }
    let gitlab = read_back::yaml(&documented("docs/ci.md", "yaml gitlab"));
    let hooks = read_back::yaml(&documented("docs/ci.md", "yaml pre-commit"));
    let lines = [
        gitlab["network-policies"]["script"][0].as_str().unwrap(),
        hooks["repos"][0]["hooks"][0]["entry"].as_str().unwrap(),
    ];
    for line in lines {
        let words = words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).skip(2).collect();
        let done = netpol(&[&words[..], &["--help"]].concat());
        assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{line}");
    }
}
