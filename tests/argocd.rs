//! A repository of Argo CD read without a cluster.

use crate::harness::{Files, Outside, skip, with_helm};
use crate::run::{FRONT, command, run};

const URL: &str = "https://git.example.org/shop/fleet";

/// An Application with these sources, which apply to a namespace.
fn application(name: &str, namespace: &str, sources: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}, namespace: argocd}}\n\
         spec:\n  destination: {{server: https://kubernetes.default.svc, namespace: {namespace}}}\n  {sources}\n"
    )
}

/// A source in the repository.
fn path(path: &str, more: &str) -> String {
    format!("source: {{repoURL: {URL}.git, path: {path}{more}}}")
}

/// A database that a block may reach.
fn database(block: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: db}}\nspec:\n  \
         podSelector: {{matchLabels: {{app: db}}}}\n  policyTypes: [Ingress]\n  ingress:\n  \
         - from: [{{ipBlock: {{cidr: {block}}}}}]\n    ports: [{{port: 5432}}]\n---\n\
         apiVersion: v1\nkind: Pod\nmetadata: {{name: db, labels: {{app: db}}}}\n\
         spec: {{containers: [{{name: db, image: db}}]}}\n"
    )
}

/// What a command says of a repository, and its exit code.
fn said(files: &[(&str, &str)], words: &[&str]) -> Option<String> {
    let path = with_helm().ok()?;
    if ["kubectl", "kustomize"].iter().all(|name| which::which(name).is_err()) {
        let _ = skip(Outside::ControlPlane, "neither kubectl nor kustomize is on PATH");
        return None;
    }
    let files = Files::new(files);
    let mut command = command(FRONT, words);
    let done = run(command.env("PATH", path).current_dir(files.path("")), b"");
    let all = format!("{} {} ({})", done.stdout, done.stderr, done.code);
    assert!(!all.contains("kubectl-netpol-"), "{all}");
    Some(all.split_whitespace().collect::<Vec<_>>().join(" "))
}

const ASK: [&str; 5] = ["explain", "-f", "argocd:.", "192.0.2.7", "shop/db:5432"];

/// Each kind of source, in the namespace of the destination, with the file that decides.
///
/// Source: docs/semantics/argocd.md#tool, #directory, #kustomize, #helm and #namespace.
#[test]
fn sources_of_each_kind() {
    let db = database("192.0.2.0/24");
    let chart = "apiVersion: v2\nname: db\nversion: 1.0.0\n";
    let template = db.replace("192.0.2.0/24", "{{ .Values.lan.block }}");
    let values = "lan: {block: 198.51.100.0/24}\n";
    let directory = [("db/a.yaml", &*db)];
    let inflated = [
        ("db/Chart.yaml", chart),
        ("db/values.yaml", values),
        ("db/prod.yaml", "lan: {block: 192.0.2.0/24}\n"),
        ("db/templates/all.yaml", &template),
    ];
    for (source, files, place) in [
        (path("db", ""), &directory[..], "./db/a.yaml:8:5: - from"),
        // Only with recurse what is below.
        (path(".", ", directory: {recurse: true}"), &directory[..], "./db/a.yaml:8:5: - from"),
        (
            path("over", ", kustomize: {namespace: shop}"),
            &[
                ("over/kustomization.yaml", "resources: [../db]\nnamespace: other\n"),
                ("db/kustomization.yaml", "resources: [a.yaml]\n"),
                ("db/a.yaml", &*db),
            ],
            "./db/a.yaml:8:5: - from",
        ),
        (
            path("db", ", helm: {valueFiles: [prod.yaml]}"),
            &inflated[..],
            "./db/templates/all.yaml: ",
        ),
        (
            path("db", ", helm: {valuesObject: {lan: {block: 192.0.2.0/24}}}"),
            &inflated[..],
            "./db/templates/all.yaml: ",
        ),
        (
            path("db", ", helm: {parameters: [{name: lan.block, value: 192.0.2.0/24}]}"),
            &inflated[..],
            "./db/templates/all.yaml: ",
        ),
        (
            format!(
                "sources: [{{repoURL: {URL}, path: db, helm: {{valueFiles: [$own/db/prod.yaml]}}}}, \
                 {{repoURL: {URL}, ref: own}}]"
            ),
            &inflated[..],
            "./db/templates/all.yaml: ",
        ),
    ] {
        let application = application("db", "shop", &source);
        let files = [&[("argocd/db.yaml", application.as_str())], files].concat();
        let Some(said) = said(&files, &ASK) else { return };
        assert!(said.starts_with("ALLOWED ") && said.ends_with("(0)"), "{source}: {said}");
        assert!(said.contains(place), "{source}: {said}");
    }
    // The chart's own values admit somebody else.
    let application = application("db", "shop", &path("db", ""));
    let files = [&[("argocd/db.yaml", application.as_str())], &inflated[..]].concat();
    let Some(said) = said(&files, &ASK) else { return };
    assert!(said.starts_with("DENIED "), "{said}");
}

/// Applications that make Applications, from a directory and from a chart.
#[test]
fn applications_of_applications() {
    let db = database("192.0.2.0/24");
    let child = application("db", "shop", &path("db", ""));
    let directory = application("root", "argocd", &path("apps", ""));
    for apps in ["apps/db.yaml", "apps/templates/db.yaml"] {
        let files = [
            ("root.yaml", directory.as_str()),
            (apps, &child),
            ("db/a.yaml", &db),
            ("apps/Chart.yaml", "apiVersion: v2\nname: apps\nversion: 1.0.0\n"),
        ];
        let files = if apps == "apps/db.yaml" { &files[..3] } else { &files[..] };
        let Some(said) = said(files, &ASK) else { return };
        assert!(said.starts_with("ALLOWED "), "{apps}: {said}");
        assert!(said.contains("./db/a.yaml:8:5"), "{apps}: {said}");
        assert!(!said.contains("warning"), "{apps}: {said}");
    }
}

/// A sentence each.
///
/// Source: docs/semantics/argocd.md#own-repository.
#[test]
fn what_is_not_followed() {
    let db = database("192.0.2.0/24");
    let own = application("db", "shop", &path("db", ""));
    let other = |sources: &str| application("other", "shop", sources);
    let set =
        "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: all}\nspec: {}\n";
    let elsewhere = own.replace("https://kubernetes.default.svc", "https://192.0.2.1:6443");
    for (file, expected, code) in [
        (set.to_owned(), "ApplicationSet all is not followed: what it makes is not known", 3),
        (
            other("source: {repoURL: 'https://u:secret@git.example.org/x', path: db}"),
            "Application argocd/other: its source https://git.example.org/x is another repository",
            3,
        ),
        (other(&path("gone", "")), "its path gone is not in the repository", 3),
        (other(&path("db", ", plugin: {name: x}")), "plugins are not followed", 3),
        (other(&path("db", ", directory: {include: '*.yaml'}")), "include and exclude", 3),
        (other("sourceHydrator: {}"), "its source hydrator is not followed", 3),
        (other("project: x"), "it names no source", 3),
        (
            other(
                "source: {repoURL: 'https://charts.example.org', chart: cache, targetRevision: 1.0.0}",
            ),
            "its chart is not here",
            0,
        ),
        (other("source: []"), "Application argocd/other is not read", 3),
        (
            elsewhere.replace("name: db", "name: far"),
            "has Applications for several clusters: https://192.0.2.1:6443, https://kubernetes.default.svc",
            2,
        ),
    ] {
        let again = own.replace("{name: db,", "{name: again,");
        let files = [
            ("argocd/db.yaml", own.as_str()),
            ("argocd/again.yaml", &again),
            ("argocd/other.yaml", &file),
            ("db/a.yaml", &db),
        ];
        let Some(said) = said(&files, &["summary", "-f", "argocd:."]) else { return };
        assert!(
            said.contains(expected) && said.ends_with(&format!("({code})")),
            "{expected}: {said}"
        );
        assert!(!said.contains("secret"), "{said}");
    }
    let foreign = own.replace("name: db", "name: x").replace("shop/fleet", "shop/x");
    for (files, expected) in [
        (
            vec![("a.yaml", own.as_str()), ("b.yaml", &foreign), ("db/a.yaml", &db)],
            "which of them it is cannot be told: https://git.example.org/shop/fleet, \
             https://git.example.org/shop/x",
        ),
        (vec![("a.yaml", db.as_str())], "there is no Application of Argo CD in argocd:."),
        (vec![("a.yaml", set)], "cannot follow argocd:.: ./a.yaml: ApplicationSet all"),
    ] {
        let Some(said) = said(&files, &["summary", "-f", "argocd:."]) else { return };
        assert!(said.contains(expected) && said.ends_with("(2)"), "{expected}: {said}");
    }
}

/// A chart of a registry has stand-ins, and is no difference where both sides have it.
#[test]
fn a_chart_that_is_not_here() {
    let cache = application(
        "cache",
        "shop",
        "source: {repoURL: 'https://charts.example.org', chart: cache, targetRevision: 1.0.0, \
         helm: {valuesObject: {podLabels: {team: a}}}}",
    );
    let db = application("db", "shop", &path("db", ""));
    let files = [
        ("a/cache.yaml", cache.as_str()),
        ("a/db.yaml", &db),
        ("db/a.yaml", &database("192.0.2.0/24")),
    ];
    let Some(list) = said(&files, &["list", "-f", "argocd:.#a"]) else { return };
    assert!(list.contains("shop/helmrelease/cache"), "{list}");
    let Some(diff) = said(&files, &["diff", "argocd:.", "argocd:.#a"]) else { return };
    assert!(diff.starts_with("no flow changes"), "{diff}");
    assert!(diff.contains("not read, and the same on both sides"), "{diff}");
}

/// What no sync applies is not there, and of policies that a sync deletes again nothing is known.
///
/// Source: docs/semantics/argocd.md#hooks, #directory, #overrides and #revision.
#[test]
fn what_is_not_in_force() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: db, labels: {app: db}}\n\
               spec: {containers: [{name: db, image: db}]}\n";
    let policy = |annotations: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
             metadata: {{name: db, annotations: {{{annotations}}}}}\n\
             spec: {{podSelector: {{}}, policyTypes: [Ingress]}}\n"
        )
    };
    let plain = policy("");
    let skipped = format!("# +argocd:skip-file-rendering\n{plain}");
    let hook = |word: &str| policy(&format!("argocd.argoproj.io/hook: {word}"));
    let deleted = policy(
        "argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/hook-delete-policy: HookSucceeded",
    );
    let kustomization = ("p/kustomization.yaml", "resources: [policy.yaml]\n");
    let elsewhere = "kustomize: {namespace: other}\n";
    let (open, closed, unknown) = (("ALLOWED ", 0), ("DENIED ", 1), ("UNKNOWN ", 3));
    for (revision, policy, more, (verdict, code), told) in [
        ("HEAD", &plain, &[][..], closed, ""),
        ("HEAD", &hook("Skip"), &[], open, ""),
        ("HEAD", &hook("PostDelete"), &[], open, ""),
        ("HEAD", &hook("SyncFail"), &[], open, ""),
        ("HEAD", &hook("PostSync"), &[], closed, ""),
        (
            "HEAD",
            &deleted,
            &[],
            unknown,
            "policies that are its hooks are there only while it is synced",
        ),
        ("HEAD", &skipped, &[], open, ""),
        ("HEAD", &plain, &[kustomization, ("p/.argocd-source.yaml", elsewhere)], open, ""),
        ("HEAD", &plain, &[kustomization, ("p/.argocd-source-p.yaml", elsewhere)], open, ""),
        ("HEAD", &plain, &[kustomization, ("p/.argocd-source-x.yaml", elsewhere)], closed, ""),
        // What it is a source of stays.
        ("HEAD", &plain, &[("p/.argocd-source.yaml", "path: elsewhere\n")], closed, ""),
        ("main", &plain, &[], closed, ""),
        (
            "v0.1",
            &plain,
            &[],
            unknown,
            "its targetRevision is v0.1, which need not be what is read here",
        ),
        ("staging", &plain, &[], unknown, "its targetRevision is staging, which need not be"),
    ] {
        let p = application("p", "shop", &path("p", &format!(", targetRevision: {revision}")));
        let a = application("a", "shop", &path("a", ", targetRevision: HEAD"));
        let files = [
            ("root/a.yaml", a.as_str()),
            ("root/p.yaml", &p),
            ("a/pod.yaml", pod),
            ("p/policy.yaml", policy),
        ];
        let files = [&files[..], more].concat();
        let Some(all) = said(&files, &ASK) else { return };
        let case = format!("{revision} {policy} {more:?}: {all}");
        assert!(all.starts_with(verdict) && all.ends_with(&format!("({code})")), "{case}");
        assert!(all.contains(told), "{case}");
        if code == 3 {
            let words = [&ASK[..], &["--accept-unread=Application"]].concat();
            let Some(accepted) = said(&files, &words) else { return };
            assert!(accepted.starts_with("DENIED ") && accepted.ends_with("(1)"), "{accepted}");
        }
    }
}
