//! Which cluster is meant, and as whom.

use super::super::{ConnectOptions, Environment, connect, default_namespace};
use super::{Files, error, kubeconfig, quiet, run, with_file};
use std::env::join_paths;

fn connected(options: &ConnectOptions, environment: &Environment) -> [String; 3] {
    let connection = run(async { connect(options, environment, quiet()).await.unwrap() });
    let context = connection.context().unwrap_or("-").to_owned();
    [connection.server().to_owned(), connection.namespace().to_owned(), context]
}

fn refused(options: &ConnectOptions, environment: &Environment) -> String {
    error(run(async { connect(options, environment, quiet()).await }))
}

#[test]
fn several_files_are_one() {
    let files = Files::new();
    let first = files.write("first", &kubeconfig("a", "https://one:6443", "{token: t}"));
    let second = kubeconfig("a", "https://never:1", "{}").replace("current-context: a", "")
        + "kind: Config\n---\n"
        + &kubeconfig("b", "two:6443", "{}");
    let second = files.write("second", &second);
    let list = join_paths([files.path("missing"), "".into(), first, second]).unwrap();
    let environment = Environment { kubeconfig: Some(list), ..Environment::default() };

    let none = ConnectOptions::default();
    assert_eq!(connected(&none, &environment), ["https://one:6443", "ns-a", "a"]);
    assert_eq!(default_namespace(&none, &environment).as_deref(), Some("ns-a"));
    let other = ConnectOptions { context: Some("b".into()), ..none.clone() };
    assert_eq!(connected(&other, &environment), ["http://two:6443", "ns-b", "b"]);
    let mixed = ConnectOptions {
        cluster: Some("b".into()),
        user: Some("b".into()),
        namespace: Some("n".into()),
        ..none.clone()
    };
    assert_eq!(connected(&mixed, &environment), ["http://two:6443", "n", "a"]);
    let server = ConnectOptions { server: Some("https://u:p@three".into()), ..none };
    assert_eq!(connected(&server, &environment), ["https://three", "ns-a", "a"]);
}

#[test]
fn names_that_do_not_exist() {
    let files = Files::new();
    let text = kubeconfig("a", "https://one:6443", "{}");
    let options = with_file(&files.write("config", &text));
    let none = Environment::default();
    for (options, expected) in [
        (
            ConnectOptions { context: Some("x".into()), ..options.clone() },
            "--context names the context \"x\", which the kubeconfig does not have; it has a",
        ),
        (
            ConnectOptions { cluster: Some("x".into()), ..options.clone() },
            "--cluster names the cluster \"x\", which the kubeconfig does not have; it has a",
        ),
        (
            ConnectOptions { user: Some("x".into()), ..options.clone() },
            "--user names the user \"x\", which the kubeconfig does not have; it has a",
        ),
        (
            with_file(&files.write("user", &text.replace("user: a,", "user: gone,"))),
            "the context \"a\" names the user \"gone\", which the kubeconfig does not have; it has a",
        ),
        (
            with_file(&files.write("current", &text.replace("current-context: a", "kind: Config"))),
            "the kubeconfig has no current context; choose one with --context: a",
        ),
        (
            with_file(&files.write("server", &kubeconfig("a", "", "{}"))),
            "the cluster \"a\" of the kubeconfig: it has no server; set one in the kubeconfig, or \
             give --server",
        ),
        (
            with_file(
                &files.write(
                    "key",
                    &kubeconfig("a", "https://one", "{client-certificate-data: YQ==}"),
                ),
            ),
            "the connection to https://one as the user \"a\" of the kubeconfig: a client \
             certificate needs its key: give client-key or client-key-data",
        ),
        (
            ConnectOptions { as_groups: vec!["g".into()], ..options.clone() },
            "--as-group and --as-uid: they need --as, the user whose groups or uid these are",
        ),
        (
            ConnectOptions { server: Some("ftp://x".into()), ..options },
            "the server \"ftp://x\": it is not a URL such as https://10.0.0.1:6443",
        ),
    ] {
        assert_eq!(refused(&options, &none), expected);
    }
    // With a token, the user that the context names is not needed.
    let text = text.replace("user: a,", "user: gone,");
    let token = ConnectOptions { token: Some("t".into()), ..with_file(&files.write("t", &text)) };
    assert_eq!(connected(&token, &none), ["https://one:6443", "ns-a", "a"]);
}

#[test]
fn no_kubeconfig_at_all() {
    let files = Files::new();
    let environment = Environment { home: Some(files.path("home")), ..Environment::default() };
    let looked = files.path("home/.kube/config").display().to_string();
    assert_eq!(
        refused(&ConnectOptions::default(), &environment),
        format!(
            "no cluster: there is no kubeconfig ({looked}) and this is not a pod with a service \
             account; give --kubeconfig or --server, or read manifests with -f"
        )
    );
    assert_eq!(default_namespace(&ConnectOptions::default(), &environment), None);
    let server = ConnectOptions { server: Some("localhost:8080".into()), ..Default::default() };
    assert_eq!(connected(&server, &environment), ["http://localhost:8080", "default", "-"]);
    let missing = with_file(&files.path("missing"));
    assert!(refused(&missing, &environment).contains("missing: No such file"));
    files.write("home/.kube/config", &kubeconfig("h", "https://home", "{}"));
    assert_eq!(connected(&ConnectOptions::default(), &environment), ["https://home", "ns-h", "h"]);
}

/// A file that is there and names nothing is not missing.
#[test]
fn kubeconfigs_with_nothing_in_them() {
    let files = Files::new();
    let none = Environment::default();
    for text in
        ["", "\n", "{}", "null", "---\n", "# none yet\n", "kind: Config\n", "contexts: null\n"]
    {
        let file = files.write("empty", text);
        let expected = format!(
            "no cluster: nothing is in the kubeconfig ({}) and this is not a pod with a service \
             account; give --kubeconfig or --server, or read manifests with -f",
            file.display()
        );
        assert_eq!(refused(&with_file(&file), &none), expected, "{text:?}");
        // Of several, those that are there are named.
        let list = join_paths([&files.path("missing"), &file]).unwrap();
        let environment = Environment { kubeconfig: Some(list), ..Environment::default() };
        assert_eq!(refused(&ConnectOptions::default(), &environment), expected, "{text:?}");
    }
    let null = refused(&with_file(std::path::Path::new("/dev/null")), &none);
    assert!(null.starts_with("no cluster: nothing is in the kubeconfig (/dev/null)"), "{null}");
    let unset = refused(&ConnectOptions::default(), &none);
    let expected = "no cluster: there is no kubeconfig (KUBECONFIG is not set, nor HOME) and";
    assert!(unset.starts_with(expected), "{unset}");
    let bare = kubeconfig("a", "https://one:6443", "{}");
    let begin = bare.find("contexts:").unwrap();
    let end = begin + bare[begin..].find("\nusers").map_or(bare.len() - begin, |at| at + 1);
    let bare = bare.replace(&bare[begin..end], "").replace("current-context: a", "");
    let said = refused(&with_file(&files.write("bare", &bare)), &none);
    let expected =
        "the kubeconfig has no context; give --cluster or --server, or read manifests with -f";
    assert_eq!(said, expected, "{bare}");
}

#[test]
fn inside_a_pod() {
    let files = Files::new();
    files.write("sa/token", "t0ken\n");
    files.write("sa/namespace", "shop\n");
    let environment = Environment {
        service_host: Some("fd00::1".into()),
        service_port: Some("443".into()),
        service_account: files.path("sa"),
        ..Environment::default()
    };
    let none = ConnectOptions::default();
    assert_eq!(connected(&none, &environment), ["https://[fd00::1]:443", "shop", "in-cluster"]);
    let environment = Environment { service_port: None, ..environment };
    assert!(refused(&none, &environment).starts_with("no cluster"));
}

/// The library's own error shows the lines around, which may hold a token.
#[test]
fn a_broken_kubeconfig_keeps_its_secrets() {
    let files = Files::new();
    for text in [
        "users:\n- name: a\n  user: hunter2\n",
        "users:\n- name: a\n  user: {token: hunter2\nclusters: [",
        "users:\n- name: a\n  user:\n    exec: {args: hunter2}\n",
        "current-context: [hunter2]\n",
    ] {
        let file = files.write("config", text);
        let said = refused(&with_file(&file), &Environment::default());
        assert!(
            said.starts_with(&format!("reading the kubeconfig {}: line ", file.display())),
            "{said}"
        );
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn paths_are_relative_to_their_file() {
    let files = Files::new();
    files.write("dir/token", "  from-file \n");
    let text = kubeconfig("a", "https://one", "{tokenFile: token}")
        .replace("server:", "certificate-authority: ca.crt, server:");
    let options = with_file(&files.write("dir/config", &text));
    let said = refused(&options, &Environment::default());
    assert!(said.contains(&format!("reading {}", files.path("dir/ca.crt").display())), "{said}");
    files.write("dir/ca.crt", "not PEM");
    let said = refused(&options, &Environment::default());
    assert_eq!(said, "the certificate authority for https://one: it holds no certificate in PEM");
    let options = with_file(&files.write("other/config", &text));
    let said = refused(&options, &Environment::default());
    let token = files.path("other/token").display().to_string();
    assert!(said.starts_with(&format!("the token file {token} of the user \"a\"")), "{said}");
}
