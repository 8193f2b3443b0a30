//! An API server of the tests' own, on loopback: it has little, answers at once and writes down what it
//! was asked.

use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The server. It ends with the process.
pub(crate) struct Loopback {
    /// Its address, without a scheme.
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Loopback {
    pub(crate) fn start() -> Self {
        Self::slow(Duration::ZERO)
    }

    /// One that takes its time for every answer.
    pub(crate) fn slow(delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let log = Arc::clone(&log);
                thread::spawn(move || converse(&stream, &log, delay));
            }
        });
        Self { address, asked }
    }

    /// Method and path of every request since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn converse(stream: &TcpStream, log: &Mutex<Vec<String>>, delay: Duration) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let header = header.trim_end().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        reader.by_ref().take(length).read_to_end(&mut Vec::new()).ok()?;
        let mut words = line.split(' ');
        let (method, path) = (words.next()?, words.next()?);
        log.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{method} {path}"));
        let path = path.split('?').next()?;
        thread::sleep(delay);
        let (status, body) = if method == "POST" { review() } else { answer(path) };
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = stream;
        stream.write_all((head + &body).as_bytes()).ok()?;
    }
}

/// Everything is allowed.
fn review() -> (u16, Value) {
    (201, json!({"kind": "SelfSubjectAccessReview", "status": {"allowed": true}}))
}

fn answer(path: &str) -> (u16, Value) {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let rest = match parts.as_slice() {
        ["apis"] => return (200, groups()),
        ["version"] => return (200, json!({"major": "1", "minor": "34", "gitVersion": "v1.34.1"})),
        ["api", "v1", rest @ ..]
        | ["apis", "apps" | "batch" | "networking.k8s.io" | "discovery.k8s.io", "v1", rest @ ..] => {
            rest
        }
        _ => return missing("", path),
    };
    let rest = match rest {
        ["namespaces", _, rest @ ..] if !rest.is_empty() => rest,
        rest => rest,
    };
    match rest {
        [resource] => (200, json!({"kind": "List", "metadata": {}, "items": items(resource)})),
        [resource, name] => {
            let found = items(resource).into_iter().find(|item| item["metadata"]["name"] == *name);
            found.map_or_else(|| missing(name, path), |found| (200, found))
        }
        _ => missing("", path),
    }
}

/// The groups that are served, of which what leads in from outside is asked.
fn groups() -> Value {
    let group = |name: &str| {
        let version = json!({"groupVersion": format!("{name}/v1"), "version": "v1"});
        json!({"name": name, "versions": [version], "preferredVersion": version})
    };
    let all = ["apps", "batch", "discovery.k8s.io", "networking.k8s.io"].map(group);
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": all})
}

fn missing(name: &str, path: &str) -> (u16, Value) {
    let details = json!({"name": name});
    let message = format!("{path} not found");
    (
        404,
        json!({"kind": "Status", "reason": "NotFound", "code": 404, "message": message, "details": details}),
    )
}

/// What there is of a resource: two pods in a namespace that is closed.
fn items(resource: &str) -> Vec<Value> {
    let pod = |name: &str, address: &str| {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "x", "labels": {"app": name}},
            "spec": {"containers": [{"name": "c", "env": [{"name": "E", "value": "planted-pod-variable"}]}]},
            "status": {"podIP": address, "phase": "Running"},
        })
    };
    match resource {
        "pods" => vec![pod("a", "10.0.0.1"), pod("b", "10.0.0.2")],
        "namespaces" => vec![json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": "x", "labels": {"kubernetes.io/metadata.name": "x"}},
        })],
        "networkpolicies" => vec![json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": "closed", "namespace": "x"}, "spec": {"podSelector": {}},
        })],
        _ => Vec::new(),
    }
}
