//! A server that means no good: whatever it sends ends in a sentence, in time and in bounded memory.

use super::super::{ConnectOptions, Connection, Environment, Selection, Target, connect};
use super::{Files, Server, kubeconfig, quiet, reply, run, with_file};
use crate::limits::Limits;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::de::IgnoredAny;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

/// What the server does after what it has said.
#[derive(Clone, Copy)]
enum Then {
    /// It hangs up.
    Close,
    /// It says nothing more.
    Silence,
    /// It says the same for ever.
    Repeat(&'static [u8]),
    /// It says a byte now and then.
    Drip,
}

/// A server that says `first` to everyone, and its address.
fn raw(first: Vec<u8>, then: Then) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Its threads end with the process.
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let first = first.clone();
            thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                stream.write_all(&first).ok()?;
                match then {
                    Then::Close => {}
                    Then::Silence => thread::sleep(Duration::from_secs(30)),
                    Then::Repeat(more) => while stream.write_all(more).is_ok() {},
                    Then::Drip => {
                        while stream.write_all(b"x").is_ok() {
                            thread::sleep(Duration::from_millis(20));
                        }
                    }
                }
                Some(())
            });
        }
    });
    format!("http://{address}")
}

/// With a time limit of two seconds; a build without optimisation works off a flood slowly.
const LONG: Duration = Duration::from_secs(20);

/// Limits under which a test stays small.
fn small() -> Limits {
    Limits { bytes: 4 << 20, objects: 1000, ..Limits::default() }
}

async fn asking(options: ConnectOptions) -> Connection {
    let options = ConnectOptions {
        request_timeout: Some(Duration::from_secs(2)),
        limits: small(),
        ..options
    };
    connect(&options, &Environment::default(), quiet()).await.unwrap()
}

fn at(server: &str) -> ConnectOptions {
    ConnectOptions { server: Some(server.to_owned()), ..ConnectOptions::default() }
}

/// What listing pods comes to.
async fn listing(connection: &Connection) -> String {
    let pods = Target::of("v1", "pods");
    let list = connection.list::<IgnoredAny>(&pods, &Selection::default()).await;
    list.map_or_else(|error| error.to_string(), |list| format!("{:?}", list.extent))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn answer(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[test]
fn whatever_it_says_ends_in_a_sentence() {
    let late = "no complete answer from ";
    let broken = "listing pods: ";
    let bomb = answer("Content-Encoding: gzip\r\n", &gzip(&vec![b' '; 64 << 20]));
    let flood = format!("{{\"metadata\":{{}},\"items\":[{}1]}}", "1,".repeat(5000));
    let deep = format!("{{\"items\":{}", "[".repeat(100_000));
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(4096)).into_bytes().leak();
    let rows: Vec<(&str, Vec<u8>, Then, &str)> = vec![
        ("nothing", Vec::new(), Then::Close, broken),
        ("silence", Vec::new(), Then::Silence, late),
        ("no HTTP", b"hello\r\n\r\n".to_vec(), Then::Close, broken),
        ("HTTP/2", b"\0\0\0\x04\0\0\0\0\0".to_vec(), Then::Silence, broken),
        ("TLS", b"\x15\x03\x01\0\x02\x02\x28".to_vec(), Then::Close, broken),
        ("half a head", b"HTTP/1.1 200 OK\r\nA: ".to_vec(), Then::Silence, late),
        ("a head by drops", b"HTTP/1.1 200 OK\r\nA: ".to_vec(), Then::Drip, late),
        ("a head without end", b"HTTP/1.1 200 OK\r\n".to_vec(), Then::Repeat(b"A: b\r\n"), broken),
        (
            "one header without end",
            b"HTTP/1.1 200 OK\r\nA: ".to_vec(),
            Then::Repeat(b"xxxxxxxx"),
            broken,
        ),
        ("100 for ever", Vec::new(), Then::Repeat(b"HTTP/1.1 100 Continue\r\n\r\n"), late),
        (
            "half a body",
            b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{".to_vec(),
            Then::Silence,
            late,
        ),
        (
            "a body cut off",
            b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{".to_vec(),
            Then::Close,
            broken,
        ),
        ("a body by drops", b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), Then::Drip, late),
        (
            "a body without end",
            b"HTTP/1.1 200 OK\r\n\r\n".to_vec(),
            Then::Repeat(&[b'x'; 4096]),
            "more than",
        ),
        (
            "chunks without end",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(),
            Then::Repeat(chunk),
            "more than",
        ),
        (
            "no chunk",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec(),
            Then::Silence,
            broken,
        ),
        (
            "two lengths",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}".to_vec(),
            Then::Silence,
            broken,
        ),
        (
            "a length beyond reason",
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}".to_vec(),
            Then::Silence,
            broken,
        ),
        ("a bomb", bomb, Then::Close, "more than"),
        ("no gzip", answer("Content-Encoding: gzip\r\n", b"hello"), Then::Close, broken),
        ("too many objects", answer("", flood.as_bytes()), Then::Close, "more than 1000 objects"),
        ("nested", answer("", deep.as_bytes()), Then::Close, broken),
        ("text", answer("", b"<html>"), Then::Close, broken),
        ("a list of nothing", answer("", b"{\"items\": 7}"), Then::Close, broken),
    ];
    for (name, first, then, expected) in rows {
        let started = Instant::now();
        let server = raw(first, then);
        let said = run(async { listing(&asking(at(&server)).await).await });
        assert!(said.starts_with("listing pods: ") && said.contains(expected), "{name}: {said}");
        assert!(!said.contains(char::is_control), "{name}: {said}");
        assert!(started.elapsed() < LONG, "{name}: {:?}", started.elapsed());
    }
}

/// Pages that never end, each of another name.
#[test]
fn pages_without_end_are_too_many_objects() {
    let server = Server::start(|number, _| {
        let items = ["{}"; 100].join(",");
        reply(200, format!("{{\"metadata\":{{\"continue\":\"{number}\"}},\"items\":[{items}]}}"))
    });
    let said = run(async { listing(&asking(at(&server.url())).await).await });
    assert!(said.contains("more than 1000 objects"), "{said}");
    assert!(server.served().len() < 20);
}

/// Parallel answers share one limit: each alone would fit.
#[test]
fn parallel_answers_share_their_limit() {
    let body = format!("{{\"metadata\":{{}},\"items\":[]{}}}", " ".repeat(1 << 20));
    let server = Server::start(move |_, _| reply(200, body.clone()));
    let lists = run(async {
        let connection = asking(at(&server.url())).await;
        let (pods, all) = (Target::of("v1", "pods"), Selection::default());
        let list = || connection.list::<IgnoredAny>(&pods, &all);
        let lists = futures_util::future::join_all((0..5).map(|_| list())).await;
        let said = |list: Result<_, super::Error>| list.map(|_| ()).map_err(|e| e.to_string());
        lists.into_iter().map(said).collect::<Vec<_>>()
    });
    let failed: Vec<String> = lists.into_iter().filter_map(Result::err).collect();
    assert!(!failed.is_empty());
    assert!(failed.iter().all(|said| said.contains("more than")), "{failed:?}");
}

/// Nobody is led elsewhere with what was meant for this server.
#[test]
fn redirects_are_not_followed() {
    let elsewhere = Server::start(|_, _| reply(200, r#"{"metadata":{},"items":[]}"#));
    for status in [301, 302, 303, 307, 308] {
        let location = vec![("Location", elsewhere.url())];
        let server = Server::start(move |_, _| super::Reply {
            headers: location.clone(),
            ..reply(status, "")
        });
        let options = ConnectOptions { token: Some("s3cret".into()), ..at(&server.url()) };
        let said = run(async { listing(&asking(options).await).await });
        assert!(said.contains(&format!("answered {status}")), "{said}");
        assert_eq!(server.served().len(), 1);
    }
    assert_eq!(elsewhere.served().len(), 0);
}

/// A proxy may be hostile too: what it says to CONNECT ends as well.
#[test]
fn proxies_are_input_too() {
    for (name, first, then) in [
        (
            "no tunnel",
            &b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"[..],
            Then::Close,
        ),
        ("nothing", b"", Then::Close),
        ("silence", b"", Then::Silence),
        ("a head without end", b"HTTP/1.1 200 OK\r\n", Then::Repeat(b"A: b\r\n")),
        ("a tunnel to nobody", b"HTTP/1.1 200 OK\r\n\r\n", Then::Silence),
        ("a tunnel to rubbish", b"HTTP/1.1 200 OK\r\n\r\n", Then::Repeat(b"hello\r\n")),
    ] {
        let started = Instant::now();
        let files = Files::new();
        let proxy = raw(first.to_vec(), then).replace("//", "//me:s3cret@");
        let text = kubeconfig("a", "https://cluster.invalid:6443", "{token: t0ken}")
            .replace("server:", &format!("proxy-url: '{proxy}', server:"));
        let options = with_file(&files.write("config", &text));
        let said = run(async { listing(&asking(options).await).await });
        assert!(said.starts_with("listing pods: "), "{name}: {said}");
        assert!(!said.contains("s3cret") && !said.contains("t0ken"), "{name}: {said}");
        assert!(started.elapsed() < LONG, "{name}: {:?}", started.elapsed());
    }
}
