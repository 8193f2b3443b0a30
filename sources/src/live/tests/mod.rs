//! The client against servers and programs of the tests' own, on loopback.

mod calico;
mod failures;
mod hostile;
mod kubeconfigs;
mod logins;
mod plugins;
mod questions;
mod reading;
mod writing;

use super::{ConnectOptions, Connection, Environment, Error, Sink, connect};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// A request as the server got it.
#[derive(Clone, Debug)]
pub(super) struct Served {
    pub(super) line: String,
    pub(super) headers: Vec<(String, String)>,
}

impl Served {
    pub(super) fn header(&self, name: &str) -> Vec<&str> {
        let headers = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        headers.map(|(_, value)| value.as_str()).collect()
    }
}

/// What the server answers.
#[derive(Clone, Default)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// Before the answer.
    pub(super) before: Duration,
    /// Between head and body.
    pub(super) between: Duration,
}

pub(super) fn reply(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    Reply { status, body: body.into(), ..Reply::default() }
}

/// An HTTP server that answers from a function of the request's number and the request.
pub(super) struct Server {
    address: SocketAddr,
    served: Arc<Mutex<Vec<Served>>>,
}

impl Server {
    pub(super) fn start(answer: impl Fn(usize, &Served) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let served = Arc::new(Mutex::new(Vec::new()));
        let answer = Arc::new(answer);
        let log = Arc::clone(&served);
        // Its threads end with the process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                thread::spawn(move || converse(stream, &*answer, &log));
            }
        });
        Self { address, served }
    }

    /// One that speaks TLS, answers all the same, and says as a header `certificates` how many its
    /// client showed.
    pub(super) fn secure(config: rustls::ServerConfig, answer: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let served = Arc::new(Mutex::new(Vec::<Served>::new()));
        let (config, log) = (Arc::new(config), Arc::clone(&served));
        thread::spawn(move || {
            for mut tcp in listener.incoming().flatten() {
                let mut tls = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
                if tls.complete_io(&mut tcp).is_err() {
                    continue;
                }
                let shown = tls.peer_certificates().map_or(0, <[_]>::len).to_string();
                let shown = ("certificates".to_owned(), shown);
                let answer = |number: usize, _: &Served| {
                    log.lock().unwrap()[number].headers.push(shown.clone());
                    answer.clone()
                };
                converse(rustls::StreamOwned::new(tls, tcp), &answer, &log);
            }
        });
        Self { address, served }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn served(&self) -> Vec<Served> {
        self.served.lock().unwrap().clone()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.served().into_iter().map(|served| served.line).collect()
    }
}

fn converse(
    mut stream: impl Read + Write,
    answer: &(dyn Fn(usize, &Served) -> Reply + Send + Sync),
    log: &Mutex<Vec<Served>>,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let served = Served { line, headers };
    let number = {
        let mut log = log.lock().unwrap();
        log.push(served.clone());
        log.len() - 1
    };
    let reply = answer(number, &served);
    thread::sleep(reply.before);
    let length = ("Content-Length", reply.body.len().to_string());
    let mut out = format!("HTTP/1.1 {} x\r\nConnection: close\r\n", reply.status);
    for (key, value) in reply.headers.into_iter().chain([length]) {
        out.extend([key, ": ", &value, "\r\n"]);
    }
    out.push_str("\r\n");
    stream.write_all(out.as_bytes()).ok()?;
    thread::sleep(reply.between);
    stream.write_all(&reply.body).ok()
}

/// Runs a future as the command line will, and never for ever.
pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bounded = async { tokio::time::timeout(Duration::from_secs(30), future).await };
    let output = runtime.block_on(bounded).expect("the test is stuck");
    runtime.shutdown_background();
    output
}

pub(super) fn quiet() -> Sink {
    Arc::new(|_| {})
}

/// Connects without a kubeconfig.
pub(super) async fn to(server: &str) -> Connection {
    let options = ConnectOptions { server: Some(server.to_owned()), ..ConnectOptions::default() };
    connect(&options, &Environment::default(), quiet()).await.unwrap()
}

/// Files of one test.
pub(super) struct Files(TempDir);

impl Files {
    pub(super) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }
}

/// A kubeconfig with one of each entry, all named `name`, and `user` in YAML's flow form.
pub(super) fn kubeconfig(name: &str, server: &str, user: &str) -> String {
    format!(
        "current-context: {name}\n\
         contexts: [{{name: {name}, context: {{cluster: {name}, user: {name}, namespace: ns-{name}}}}}]\n\
         clusters: [{{name: {name}, cluster: {{server: '{server}'}}}}]\n\
         users: [{{name: {name}, user: {user}}}]\n"
    )
}

pub(super) fn with_file(file: &Path) -> ConnectOptions {
    ConnectOptions { kubeconfig: Some(file.to_owned()), ..ConnectOptions::default() }
}

pub(super) fn error(connection: Result<Connection, Error>) -> String {
    connection.err().expect("it should fail").to_string()
}
