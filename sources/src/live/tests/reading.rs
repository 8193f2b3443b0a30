//! Lists, objects and what is said around them.

use super::super::{ConnectOptions, Environment, Extent, List, Selection, Target, connect};
use super::{Reply, Server, quiet, reply, run, to};
use serde::Deserialize;
use std::io::Write as _;
use std::sync::{Arc, Mutex};

#[derive(Debug, Deserialize, PartialEq)]
struct Named {
    metadata: Meta,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Meta {
    name: String,
}

fn page(names: &[&str], next: &str) -> Reply {
    let items: Vec<_> = names
        .iter()
        .map(|name| serde_json::json!({"metadata": {"name": name}, "spec": {}}))
        .collect();
    let list =
        serde_json::json!({"kind": "PodList", "metadata": {"continue": next}, "items": items});
    reply(200, list.to_string())
}

fn names(list: &List<Named>) -> Vec<&str> {
    list.items.iter().map(|item| item.metadata.name.as_str()).collect()
}

fn pods() -> Target {
    Target::of("v1", "pods").within("shop")
}

#[test]
fn a_list_is_read_page_by_page() {
    let server = Server::start(|number, _| match number {
        0 => page(&["a", "b"], "t=1"),
        1 => page(&["c"], "t2"),
        _ => page(&[], ""),
    });
    let (list, sent) = run(async {
        let connection = to(&server.url()).await;
        let selection = Selection { labels: Some("app=x".into()), fields: None };
        (connection.list::<Named>(&pods(), &selection).await, connection.requests())
    });
    let list = list.unwrap();
    assert_eq!((names(&list), &list.extent), (vec!["a", "b", "c"], &Extent::Complete));
    let path = "GET /api/v1/namespaces/shop/pods?limit=500";
    assert_eq!(
        server.lines(),
        [
            format!("{path}&labelSelector=app%3Dx"),
            format!("{path}&continue=t%3D1&labelSelector=app%3Dx"),
            format!("{path}&continue=t2&labelSelector=app%3Dx"),
        ]
    );
    assert_eq!(sent, 3);
    let first = &server.served()[0];
    let agent = first.header("user-agent");
    assert!(agent[0].starts_with("kubectl-netpol/") && agent[0].ends_with(')'), "{agent:?}");
    assert_eq!(first.header("accept"), ["application/json"]);
    assert_eq!(first.header("accept-encoding"), ["gzip"]);
    assert!(first.header("authorization").is_empty());
}

/// Source: client-go's `tools/pager`: an expired token means one full list.
#[test]
fn an_expired_token_starts_anew_without_pages() {
    let server = Server::start(|number, _| match number {
        0 => page(&["a"], "old"),
        1 => reply(410, r#"{"kind":"Status","reason":"Expired","code":410,"message":"too old"}"#),
        _ => page(&["a", "b"], ""),
    });
    let list = run(async {
        to(&server.url()).await.list::<Named>(&pods(), &Selection::default()).await.unwrap()
    });
    assert_eq!((names(&list), &list.extent), (vec!["a", "b"], &Extent::Complete));
    assert_eq!(server.lines()[2], "GET /api/v1/namespaces/shop/pods");
}

#[test]
fn what_fails_midway_is_a_partial_list() {
    let server = Server::start(|number, _| match number {
        0 => page(&["a"], "t"),
        _ => reply(500, "etcd is gone"),
    });
    let list = run(async {
        to(&server.url()).await.list::<Named>(&pods(), &Selection::default()).await.unwrap()
    });
    assert_eq!(names(&list), ["a"]);
    let why = format!("listing pods in shop: {} answered 500: etcd is gone", server.url());
    assert_eq!(list.extent, Extent::Partial(why));
}

#[test]
fn one_odd_object_does_not_cost_the_others() {
    let body = r#"{"metadata":{},"items":[{"metadata":{"name":"a"}},{"metadata":7},{"metadata":{"name":"b"}}]}"#;
    let server = Server::start(move |_, _| reply(200, body));
    let list = run(async {
        to(&server.url()).await.list::<Named>(&pods(), &Selection::default()).await.unwrap()
    });
    assert_eq!(names(&list), ["a", "b"]);
    let Extent::Partial(why) = &list.extent else { panic!("{:?}", list.extent) };
    assert!(
        why.starts_with("listing pods in shop: 1 of them cannot be read: invalid type"),
        "{why}"
    );
}

#[test]
fn odd_lists() {
    for (body, expected) in [
        (r#"{"metadata":{},"items":null}"#, Ok(Extent::Complete)),
        (r#"{"kind":"Pod"}"#, Err("cannot be read: it is no list")),
        ("<html>Log in</html>", Err("is this a Kubernetes API server")),
        (
            r#"{"metadata":{"continue":"same"},"items":[]}"#,
            Ok(Extent::Partial("listing pods in shop: the server's pages never end".into())),
        ),
    ] {
        let server = Server::start(move |_, _| reply(200, body));
        let list = run(async {
            to(&server.url()).await.list::<Named>(&pods(), &Selection::default()).await
        });
        match (list, expected) {
            (Ok(list), Ok(extent)) => assert_eq!(list.extent, extent, "{body}"),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (list, _) => panic!("{body}: {list:?}"),
        }
    }
}

#[test]
fn one_object() {
    let server = Server::start(|_, _| reply(200, r#"{"metadata":{"name":"web"}}"#));
    let pod: Named =
        run(async { to(&server.url()).await.get(&pods().named("web")).await.unwrap() });
    assert_eq!(pod.metadata.name, "web");
    assert_eq!(server.lines(), ["GET /api/v1/namespaces/shop/pods/web"]);
}

#[test]
fn answers_may_be_compressed() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&page(&["a"], "").body).unwrap();
    let body = gzip.finish().unwrap();
    let server = Server::start(move |_, _| Reply {
        headers: vec![("Content-Encoding", "gzip".into())],
        ..reply(200, body.clone())
    });
    let list = run(async {
        to(&server.url()).await.list::<Named>(&pods(), &Selection::default()).await.unwrap()
    });
    assert_eq!(names(&list), ["a"]);
}

#[test]
fn warnings_are_passed_on_once() {
    let server = Server::start(|_, _| Reply {
        headers: vec![("Warning", r#"299 - "v1beta1 is deprecated""#.into())],
        ..page(&["a"], "")
    });
    let heard = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&heard);
    run(async {
        let options = ConnectOptions { server: Some(server.url()), ..ConnectOptions::default() };
        let sink = Arc::new(move |text: &str| sink.lock().unwrap().push(text.to_owned()));
        let connection = connect(&options, &Environment::default(), sink).await.unwrap();
        let (pods, all) = (pods(), Selection::default());
        let lists = tokio::join!(
            connection.list::<Named>(&pods, &all),
            connection.list::<Named>(&pods, &all)
        );
        lists.0.and(lists.1).unwrap();
    });
    assert_eq!(*heard.lock().unwrap(), ["v1beta1 is deprecated"]);
}

#[test]
fn identity_and_impersonation_are_sent() {
    let server = Server::start(|_, _| page(&[], ""));
    run(async {
        let options = ConnectOptions {
            server: Some(format!("{}/clusters/c1/", server.url())),
            token: Some("s3cret".into()),
            as_user: Some("jane".into()),
            as_groups: vec!["dev".into(), "ops".into()],
            as_uid: Some("u1".into()),
            ..ConnectOptions::default()
        };
        assert!(!format!("{options:?}").contains("s3cret"));
        let connection = connect(&options, &Environment::default(), quiet()).await.unwrap();
        connection.list::<Named>(&pods(), &Selection::default()).await.unwrap();
    });
    let request = &server.served()[0];
    assert_eq!(request.line, "GET /clusters/c1/api/v1/namespaces/shop/pods?limit=500");
    assert_eq!(request.header("authorization"), ["Bearer s3cret"]);
    assert_eq!(request.header("impersonate-user"), ["jane"]);
    assert_eq!(request.header("impersonate-group"), ["dev", "ops"]);
    assert_eq!(request.header("impersonate-uid"), ["u1"]);
}

/// A tunnel is asked for with the login of the proxy's URL, decoded.
#[test]
fn a_proxy_of_the_kubeconfig_is_used() {
    let proxy = Server::start(|_, _| reply(407, ""));
    let files = super::Files::new();
    let url = proxy.url().replace("//", "//me:a%40b@");
    let text = super::kubeconfig("a", "https://cluster.invalid:6443", "{}")
        .replace("server:", &format!("proxy-url: '{url}', server:"));
    let options = super::with_file(&files.write("config", &text));
    let error = run(async {
        let connection = connect(&options, &Environment::default(), quiet()).await.unwrap();
        connection.list::<Named>(&pods(), &Selection::default()).await.unwrap_err().to_string()
    });
    assert_eq!(proxy.lines(), ["CONNECT cluster.invalid:6443"]);
    // me:a@b
    assert_eq!(proxy.served()[0].header("proxy-authorization"), ["Basic bWU6YUBi"]);
    assert!(error.contains(&format!("(through the proxy {})", proxy.url())), "{error}");
    assert!(!error.contains("a%40b"), "{error}");
}

/// As in Go, where `http.Client` sets it before anyone else sets the header.
/// Source: <https://github.com/golang/go/blob/go1.25.3/src/net/http/client.go>, `send`.
#[test]
fn the_user_of_the_server_s_address_logs_in() {
    let server = Server::start(|_, _| page(&[], ""));
    run(async {
        let options = ConnectOptions {
            server: Some(server.url().replace("//", "//me:a%40b@")),
            token: Some("t0ken".into()),
            ..ConnectOptions::default()
        };
        let connection = connect(&options, &Environment::default(), quiet()).await.unwrap();
        connection.list::<Named>(&pods(), &Selection::default()).await.unwrap();
        assert_eq!(connection.server(), server.url());
    });
    // me:a@b
    assert_eq!(server.served()[0].header("authorization"), ["Basic bWU6YUBi"]);
    assert!(server.served()[0].header("host")[0].starts_with("127.0.0.1:"));
}
