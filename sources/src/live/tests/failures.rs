//! What cannot be read, and what is said about it.

use super::super::classify::{Scene, of_chain};
use super::super::{ConnectOptions, Environment, Selection, Target, connect};
use super::{Reply, Server, quiet, reply, run, to};
use rustls::CertificateError;
use serde::de::IgnoredAny;
use std::io;
use std::net::TcpListener;
use std::time::{Duration, Instant};

async fn listing(connection: &super::Connection, target: &Target) -> String {
    let list = connection.list::<IgnoredAny>(target, &Selection::default()).await;
    list.map(|_| ()).unwrap_err().to_string()
}

#[test]
fn refusals_are_sentences() {
    let forbidden = r#"{"kind":"Status","reason":"Forbidden","code":403,"details":{"kind":"pods"},
        "message":"pods is forbidden: User \"jane\" cannot list resource \"pods\" in API group \"\" in the namespace \"shop\""}"#;
    let more = r#"{"kind":"Status","reason":"Forbidden","code":403,"details":{"kind":"pods"},
        "message":"pods is forbidden: User \"jane\" cannot list resource \"pods\" in API group \"\" in the namespace \"shop\": RBAC: role not found"}"#;
    let policies = Target::of("cilium.io/v2", "ciliumnetworkpolicies");
    let pods = Target::of("v1", "pods").within("shop");
    for (target, status, body, expected) in [
        (
            &pods,
            401,
            r#"{"kind":"Status","message":"Unauthorized","reason":"Unauthorized","code":401}"#,
            "listing pods in shop: SERVER did not accept a request without credentials: \
             Unauthorized; the credentials may have expired or belong to another cluster: log in \
             again, or choose another --context or --user",
        ),
        (
            &pods,
            403,
            forbidden,
            "listing pods in shop: not allowed for \"jane\"; ask for the right to list pods in shop",
        ),
        (
            &pods,
            403,
            more,
            "listing pods in shop: not allowed for \"jane\": pods is forbidden: User \"jane\" cannot \
             list resource \"pods\" in API group \"\" in the namespace \"shop\": RBAC: role not found; \
             ask for the right to list pods in shop",
        ),
        (
            &policies,
            403,
            "no\u{1b}[31m",
            "listing ciliumnetworkpolicies: not allowed: no\\u{1b}[31m; ask for the right to list \
             ciliumnetworkpolicies.cilium.io in the whole cluster",
        ),
        (
            &policies,
            404,
            "404 page not found\n",
            "listing ciliumnetworkpolicies: SERVER serves no ciliumnetworkpolicies in cilium.io/v2; \
             its CustomResourceDefinition is not installed there, or only in another version",
        ),
        (&pods, 418, "", "listing pods in shop: SERVER answered 418: no reason given"),
    ] {
        let server = Server::start(move |_, _| reply(status, body));
        let said = run(async { listing(&to(&server.url()).await, target).await });
        assert_eq!(said.replace(&server.url(), "SERVER"), expected);
        assert_eq!(server.served().len(), 1);
    }
}

#[test]
fn a_missing_object_is_no_missing_resource() {
    let body = r#"{"kind":"Status","reason":"NotFound","code":404,"details":{"name":"web","kind":"pods"},
        "message":"pods \"web\" not found"}"#;
    let server = Server::start(move |_, _| reply(404, body));
    let pod = Target::of("v1", "pods").within("shop").named("web");
    let said = run(async { to(&server.url()).await.get::<IgnoredAny>(&pod).await.map(|_| ()) });
    assert_eq!(said.unwrap_err().to_string(), "reading pods/web in shop: pods \"web\" not found");
}

#[test]
fn an_overloaded_server_is_asked_again() {
    let server = Server::start(|number, _| match number {
        0 => Reply { headers: vec![("Retry-After", "0".into())], ..reply(429, "") },
        1 => reply(503, ""),
        _ => reply(200, r#"{"metadata":{},"items":[]}"#),
    });
    let sent = run(async {
        let connection = to(&server.url()).await;
        let pods = Target::of("v1", "pods");
        connection.list::<IgnoredAny>(&pods, &Selection::default()).await.unwrap();
        connection.requests()
    });
    assert_eq!(sent, 3);
}

#[test]
fn but_not_for_ever() {
    let busy = Reply { headers: vec![("Retry-After", "0".into())], ..reply(503, "busy") };
    let server = Server::start(move |_, _| busy.clone());
    let said = run(async { listing(&to(&server.url()).await, &Target::of("v1", "pods")).await });
    assert_eq!(said, format!("listing pods: {} answered 503: busy", server.url()));
    assert_eq!(server.served().len(), 5);
}

#[test]
fn the_library_s_own_calls_are_explained() {
    let body = r#"{"kind":"Status","reason":"Forbidden","code":403,"message":"forbidden: User \"jane\" cannot patch path \"/x\""}"#;
    let server = Server::start(move |_, _| reply(403, body));
    let said = run(async {
        let connection = to(&server.url()).await;
        let error = connection.client().apiserver_version().await.unwrap_err();
        connection.explain("applying netpol/x in shop", &error).to_string()
    });
    assert_eq!(
        said,
        "applying netpol/x in shop: not allowed for \"jane\": forbidden: User \"jane\" cannot patch \
         path \"/x\"; ask for the right to patch it in the whole cluster"
    );
}

/// `--request-timeout` is about the whole request: head, body and all retries.
#[test]
fn the_timeout_holds() {
    let second = Duration::from_secs(10);
    for slow in [
        Reply { before: second, ..reply(200, "{}") },
        Reply { between: second, ..reply(200, "{}") },
        Reply { headers: vec![("Retry-After", "20".into())], ..reply(429, "") },
    ] {
        let server = Server::start(move |_, _| slow.clone());
        let started = Instant::now();
        let said = run(async {
            let options = ConnectOptions {
                server: Some(server.url()),
                request_timeout: Some(Duration::from_millis(300)),
                ..ConnectOptions::default()
            };
            let connection = connect(&options, &Environment::default(), quiet()).await.unwrap();
            listing(&connection, &Target::of("v1", "pods")).await
        });
        assert!(started.elapsed() < Duration::from_secs(8));
        assert_eq!(
            said,
            format!(
                "listing pods: no complete answer from {} within 300ms; check the network, or raise \
                 --request-timeout where it is given",
                server.url()
            )
        );
    }
}

#[test]
fn no_server_there() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let pods = Target::of("v1", "pods");
    let said = run(async { listing(&to(&format!("http://{free}")).await, &pods).await });
    assert_eq!(
        said,
        format!(
            "listing pods: http://{free} refused the connection; is the cluster running, and is this \
             its address?"
        )
    );
    let said = run(async { listing(&to("https://no-such-host.invalid:6443").await, &pods).await });
    assert_eq!(
        said,
        "listing pods: the name of https://no-such-host.invalid:6443 cannot be resolved; check the \
         server's address in the kubeconfig, and the network or VPN"
    );
    let hello = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = hello.local_addr().unwrap();
    std::thread::spawn(move || {
        use std::io::Write as _;
        let (mut stream, _) = hello.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let said = run(async { listing(&to(&format!("https://{address}")).await, &pods).await });
    assert!(said.contains("it does not speak TLS; check the port"), "{said}");
}

#[test]
fn certificates() {
    let scene = Scene { doing: "listing pods", server: "S", login: "", target: None };
    let says = |error: rustls::Error| {
        let io = io::Error::new(io::ErrorKind::InvalidData, error);
        of_chain(scene, &io::Error::other(io)).to_string()
    };
    let at =
        |days: u64| rustls::pki_types::UnixTime::since_unix_epoch(Duration::from_hours(24 * days));
    let invalid = rustls::Error::InvalidCertificate;
    for (error, expected) in [
        (invalid(CertificateError::UnknownIssuer), "not signed by the certificate authority"),
        (
            invalid(CertificateError::ExpiredContext { time: at(12), not_after: at(10) }),
            "has expired 2 days ago; renew",
        ),
        (invalid(CertificateError::Expired), "has expired; renew"),
        (invalid(CertificateError::NotValidForName), "for other names; use one"),
        (
            invalid(CertificateError::NotValidForNameContext {
                expected: "example.com".try_into().unwrap(),
                presented: vec!["DnsName(\"kubernetes\")".into(), "IpAddress(10.0.0.1)".into()],
            }),
            "for other names (kubernetes, 10.0.0.1); use one",
        ),
        (
            rustls::Error::AlertReceived(rustls::AlertDescription::CertificateExpired),
            "does not accept our client certificate",
        ),
    ] {
        let said = says(error);
        let start = "listing pods: no secure connection to S: it";
        assert!(said.starts_with(start) && said.contains(expected), "{said}");
    }
}
