//! What of a repository of Flux is in force: which sources are the repository, at which revision, what they
//! leave out, what is not applied, and what is encrypted.

use super::repository::{PODS, POLICY, kustomization, simple};
use crate::harness::Files;

/// Pods that nothing closes but for what the tests add.
fn pods() -> String {
    PODS.replace("{name: db}\n", "{name: db, namespace: shop}\n")
}

/// A policy that closes them.
fn closing() -> String {
    POLICY.replace("${LAN}", "198.51.100.0/24").replace("{name: db}", "{name: db, namespace: shop}")
}

/// What is said of a flow that the policy would deny.
fn said(files: &[(&str, &str)], more: &[&str]) -> String {
    ask(&Files::new(files), "flux:.#clusters/prod", more)
}

fn ask(files: &Files, repository: &str, more: &[&str]) -> String {
    let words = ["explain", "-f", repository, "192.0.2.7", "shop/db:5432"];
    files.said(&[&words[..], more].concat())
}

/// A source in YAML.
fn source(kind: &str, name: &str, spec: &str) -> String {
    format!(
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: {kind}\n\
         metadata: {{name: {name}, namespace: flux-system}}\nspec: {{{spec}}}\n"
    )
}

const URL: &str = "url: 'https://git.example.org/shop/fleet'";

/// A Kustomization of a source.
fn of_source(name: &str, kind: &str, source: &str, path: &str) -> String {
    kustomization(name, &format!("path: {path}")).replace(
        "{kind: GitRepository, name: flux-system}",
        &format!("{{kind: {kind}, name: {source}}}"),
    )
}

/// A source with another address, or none that is written, is not this repository because its path is here.
///
/// Source: docs/semantics/flux.md#own-repository.
#[test]
fn which_sources_are_the_repository() {
    let own = source("GitRepository", "flux-system", URL);
    let pods = pods();
    let policy = closing();
    let closed = "DENIED ";
    let another = "is another repository";
    for (sources, of, expected, code) in [
        (own.clone(), ("GitRepository", "flux-system", "./p"), closed, 1),
        // One address, however it is written.
        (
            format!(
                "{own}---\n{}",
                source("GitRepository", "alias", "url: 'ssh://git@git.example.org/shop/fleet.git'")
            ),
            ("GitRepository", "alias", "./p"),
            closed,
            1,
        ),
        (
            format!(
                "{own}---\n{}",
                source("GitRepository", "it", "url: 'https://git.example.org/x'")
            ),
            ("GitRepository", "it", "./p"),
            another,
            3,
        ),
        (
            format!(
                "{own}---\n{}",
                source("GitRepository", "it", "url: 'https://git.example.org/x'")
            ),
            ("GitRepository", "it", "./"),
            another,
            3,
        ),
        (
            format!("{own}---\n{}", source("OCIRepository", "it", "url: 'oci://example.org/x'")),
            ("OCIRepository", "it", "./p"),
            another,
            3,
        ),
        (
            format!("{own}---\n{}", source("Bucket", "it", "bucketName: x")),
            ("Bucket", "it", "./p"),
            another,
            3,
        ),
        (own.clone(), ("GitRepository", "it", "./p"), "is written nowhere here", 3),
    ] {
        let of = of_source("p", of.0, of.1, of.2);
        let said = said(
            &[
                ("clusters/prod/src.yaml", &sources),
                ("clusters/prod/a.yaml", &kustomization("a", "path: ./a")),
                ("clusters/prod/p.yaml", &of),
                ("a/pods.yaml", &pods),
                ("p/policy.yaml", &policy),
            ],
            &[],
        );
        assert!(said.contains(expected), "{of}: {said}");
        assert!(said.ends_with(&format!("({code})")), "{of}: {said}");
    }
}

/// Of two sources neither of which is the repository by its name or place, the clone's remote may say which.
///
/// Source: docs/semantics/flux.md#own-repository.
#[test]
fn sources_of_which_one_may_be_the_repository() {
    let sources = [
        source("GitRepository", "one", URL),
        source("GitRepository", "two", "url: 'https://git.example.org/x'"),
    ];
    let files = Files::new(&[
        ("clusters/prod/src.yaml", &sources.join("---\n")),
        ("clusters/prod/a.yaml", &of_source("a", "GitRepository", "one", "./a")),
        ("clusters/prod/p.yaml", &of_source("p", "GitRepository", "two", "./p")),
        ("a/pods.yaml", &pods()),
        ("p/policy.yaml", &closing()),
    ]);
    for repository in ["flux:.#clusters/prod", "flux:."] {
        let said = files.said(&["summary", "-f", repository]);
        let which = "which of GitRepository flux-system/one and GitRepository flux-system/two this one is, \
                     nothing here says";
        assert!(said.contains(which) && said.ends_with("(3)"), "{repository}: {said}");
    }
    files.git(&["init", "--quiet", "--initial-branch=main"]);
    files.git(&["remote", "add", "origin", "git@git.example.org:shop/fleet.git"]);
    let said = ask(&files, "flux:.#clusters/prod", &[]);
    let told = "Kustomization flux-system/p: its source GitRepository flux-system/two is another repository";
    assert!(said.contains("ALLOWED ") && said.contains(told) && said.ends_with("(3)"), "{said}");
}

/// What a source leaves out is not there.
///
/// Source: docs/semantics/flux.md#what-a-source-leaves-out.
#[test]
fn what_a_source_leaves_out() {
    let (pods, policy) = (pods(), closing());
    let told = "./a/policy.yaml: is left out of its source by .sourceignore or the source's ignore";
    for (ignored, ignore, left_out) in [
        ("# nothing\n", "", false),
        ("a/policy.yaml\n", "", true),
        ("a/policy.yaml\n", "'!a/policy.yaml'", false),
        ("# nothing\n", "/a/policy.yaml", true),
        ("# nothing\n", "\"/*\\n!/a\\n/a/policy.yaml\"", true),
    ] {
        let ignore = if ignore.is_empty() { String::new() } else { format!(", ignore: {ignore}") };
        let source = source("GitRepository", "flux-system", &format!("{URL}{ignore}"));
        let said = said(
            &[
                (".sourceignore", ignored),
                ("clusters/prod/src.yaml", &source),
                ("clusters/prod/a.yaml", &kustomization("a", "path: ./a")),
                ("a/pods.yaml", &pods),
                ("a/policy.yaml", &policy),
            ],
            &[],
        );
        assert_eq!(said.contains(told), left_out, "{ignored}{ignore}: {said}");
        let verdict = if left_out { ("ALLOWED ", "(0)") } else { ("DENIED ", "(1)") };
        assert!(
            said.starts_with(verdict.0) || said.contains(verdict.0),
            "{ignored}{ignore}: {said}"
        );
        assert!(said.ends_with(verdict.1), "{ignored}{ignore}: {said}");
    }
    // A directory that is left out as a whole.
    let source = source("GitRepository", "flux-system", &format!("{URL}, ignore: /p/"));
    let said = said(
        &[
            ("clusters/prod/src.yaml", &source),
            ("clusters/prod/a.yaml", &kustomization("a", "path: ./a")),
            ("clusters/prod/p.yaml", &kustomization("p", "path: ./p")),
            ("a/pods.yaml", &pods),
            ("p/policy.yaml", &policy),
        ],
        &[],
    );
    assert!(said.contains("its source leaves out all of its path ./p"), "{said}");
    assert!(said.ends_with("(3)"), "{said}");
}

/// Whether a policy is in force that Flux may not have applied is not known, unless somebody says that it is.
///
/// Source: docs/semantics/flux.md#what-is-not-in-force-for-sure and #revision-of-a-source.
#[test]
fn what_is_not_in_force_for_sure() {
    let (pods, policy) = (pods(), closing());
    let missing = "depends on Kustomization flux-system/gone, which nothing here makes";
    for (source_spec, spec, expected) in [
        ("", "suspend: true", "Kustomization flux-system/p is suspended"),
        ("", "dependsOn: [{name: gone}]", missing),
        // Neither is what depends on such a one.
        ("", "dependsOn: [{name: waits}]", missing),
        ("", "dependsOn: [{name: a}]", ""),
        ("ref: {branch: main}", "", ""),
        ("ref: {branch: release}", "", ""),
        ("ref: {name: refs/heads/main}", "", ""),
        ("ref: {tag: v0.1}", "", "is at tag v0.1, which need not be what is read here"),
        ("ref: {commit: 5e3c2f1a}", "", "is at 5e3c2f1a, which need not be"),
        ("ref: {semver: 1.x}", "", "is at the newest version of 1.x, which need not be"),
        ("ref: {name: refs/pull/1/head}", "", "is at refs/pull/1/head, which need not be"),
        ("suspend: true", "", "its source GitRepository flux-system/flux-system is suspended"),
    ] {
        let files = Files::new(&[
            (
                "clusters/prod/src.yaml",
                &source("GitRepository", "flux-system", &format!("{URL}, {source_spec}")),
            ),
            ("clusters/prod/a.yaml", &kustomization("a", "path: ./a")),
            (
                "clusters/prod/waits.yaml",
                &kustomization("waits", "path: ./w, dependsOn: [{name: gone}]"),
            ),
            ("clusters/prod/p.yaml", &kustomization("p", &format!("path: ./p, {spec}"))),
            ("a/pods.yaml", &pods),
            (
                "w/note.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: n, namespace: shop}\n",
            ),
            ("p/policy.yaml", &policy),
        ]);
        let said = ask(&files, "flux:.#clusters/prod", &[]);
        if expected.is_empty() {
            assert!(
                said.contains("DENIED ") && said.ends_with("(1)"),
                "{source_spec} {spec}: {said}"
            );
            continue;
        }
        assert!(
            said.starts_with("UNKNOWN ") && said.ends_with("(3)"),
            "{source_spec} {spec}: {said}"
        );
        assert!(said.contains(expected), "{source_spec} {spec}: {said}");
        assert!(said.contains("shop/netpol/db: may not be in force as it is here"), "{said}");
        let accepted = ask(&files, "flux:.#clusters/prod", &["--accept-unread=Kustomization"]);
        assert!(accepted.contains("DENIED ") && accepted.ends_with("(1)"), "{accepted}");
        // The same holds on both sides, whatever is here.
        files.commit_all("");
        files.write("p/policy.yaml", &policy.replace("5432", "5433"));
        let sides = ["diff", "flux:git:main#clusters/prod", "flux:.#clusters/prod"];
        let diff = files.said(&sides);
        assert!(diff.starts_with("no flow changes "), "{source_spec} {spec}: {diff}");
    }
}

/// Where git says that the tag is what is read, it is known.
///
/// Source: docs/semantics/flux.md#revision-of-a-source.
#[test]
fn a_tag_that_is_what_is_read() {
    let spec = format!("{URL}, ref: {{tag: v0.1}}");
    let files = Files::new(&[
        ("clusters/prod/src.yaml", &source("GitRepository", "flux-system", &spec)),
        ("clusters/prod/a.yaml", &kustomization("a", "path: ./a")),
        ("a/pods.yaml", &pods()),
        ("a/policy.yaml", &closing()),
    ]);
    files.commit_all("");
    files.git(&["tag", "v0.1"]);
    for repository in
        ["flux:git:main#clusters/prod", "flux:git:v0.1#clusters/prod", "flux:.#clusters/prod"]
    {
        let said = ask(&files, repository, &[]);
        assert!(said.starts_with("DENIED ") && said.ends_with("(1)"), "{repository}: {said}");
    }
    files.write(
        "a/note.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: n, namespace: shop}\n",
    );
    let said = ask(&files, "flux:.#clusters/prod", &[]);
    assert!(said.starts_with("UNKNOWN ") && said.ends_with("(3)"), "{said}");
}

/// What is encrypted is there, and not known.
///
/// Source: docs/semantics/flux.md#encrypted-objects.
#[test]
fn what_sops_has_encrypted() {
    let hidden = "ENC[AES256_GCM,data:CwE4O1s=,iv:2k=,aad:o=,tag:w==,type:str]";
    let sops = format!("sops: {{version: 3.9.0, mac: '{hidden}'}}\n");
    let policy = closing().replace("198.51.100.0/24", hidden) + &sops;
    let files = Files::new(&[
        ("clusters/prod/a.yaml", &kustomization("a", "path: ./a, decryption: {provider: sops}")),
        ("a/pods.yaml", &pods()),
        ("a/policy.yaml", &policy),
    ]);
    for repository in ["flux:.#clusters/prod", "a", "git:main:a"] {
        if repository.starts_with("git:") {
            files.commit_all("");
        }
        let said = ask(&files, repository, &[]);
        assert!(said.starts_with("UNKNOWN ") && said.ends_with("(3)"), "{repository}: {said}");
        assert!(
            said.contains("shop/netpol/db: sops says that it is encrypted"),
            "{repository}: {said}"
        );
    }
    // A value of a ConfigMap that is encrypted is no known variable.
    let files = simple("postBuild: {substituteFrom: [{kind: ConfigMap, name: settings}]}");
    let map = |value: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings, namespace: flux-system}}\n\
             data: {{LAN: '{value}'}}\n"
        )
    };
    let settings = kustomization("settings", "path: ./settings");
    files.write("settings.yaml", &settings);
    files.write("settings/map.yaml", &(map(hidden) + &sops));
    let said = files.said(&super::repository::ASK);
    assert!(said.starts_with("UNKNOWN ") && said.ends_with("(3)"), "{said}");
    files.write("settings/map.yaml", &map("192.0.2.0/24"));
    let said = files.said(&super::repository::ASK);
    assert!(said.starts_with("ALLOWED ") && said.ends_with("(0)"), "{said}");
}

/// A HelmRelease that is suspended, or waits for one that is nowhere.
///
/// Source: docs/semantics/flux.md#what-is-not-in-force-for-sure.
#[test]
fn releases_that_are_not_applied() {
    for (spec, told) in [
        ("  suspend: true\n", "HelmRelease shop/cache is suspended"),
        (
            "  dependsOn: [{name: gone}]\n",
            "depends on HelmRelease shop/gone, which nothing here makes",
        ),
        ("  dependsOn: []\n", ""),
    ] {
        let files = Files::new(&[
            ("ks.yaml", &kustomization("db", "path: ./db")),
            ("db/release.yaml", &super::repository::release("./cache", spec)),
            ("db/pods.yaml", &pods()),
        ]);
        let said = files.said(&["summary", "-f", "flux:."]);
        assert_eq!(
            said.contains(told) && said.ends_with("(3)"),
            !told.is_empty(),
            "{spec}: {said}"
        );
    }
}
