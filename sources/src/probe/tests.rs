//! The script with the programs that are here, and what kubectl says.

use super::*;
use netpol::probe::Seen;
use std::net::{TcpListener, UdpSocket};
use std::process::Command;

const WAIT: Duration = Duration::from_secs(1);

fn target(host: &str, port: u16) -> Target {
    Target::new(host.to_owned(), Port::tcp(port)).unwrap()
}

fn trial(targets: &[Target]) -> Trial<'_> {
    Trial { namespace: "shop", pod: "web", targets, wait: WAIT, pause: Duration::from_millis(10) }
}

/// Runs the script as a container's shell would, with so much of a PATH.
fn tried(tool: Tool, targets: &[Target]) -> Vec<Outcome> {
    let trial = trial(targets);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", SCRIPT, NAME]).args(trial.arguments(tool));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    trial.answers(&output.stdout)
}

fn is_here(program: &str) -> bool {
    Command::new("/bin/sh")
        .args(["-c", "command -v \"$0\" >/dev/null", program])
        .status()
        .is_ok_and(|status| status.success())
}

/// A port of this machine at which nothing listens.
fn closed() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A listener that takes nobody: its backlog is full, so that Linux drops what comes.
#[cfg(target_os = "linux")]
fn full() -> (TcpListener, Vec<std::net::TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    for _ in 0..400 {
        let short = Duration::from_millis(300);
        let Ok(stream) = std::net::TcpStream::connect_timeout(&address, short) else { break };
        waiting.push(stream);
    }
    (listener, waiting)
}

#[test]
fn each_program_sees_what_becomes_of_a_connection() {
    let open = TcpListener::bind("127.0.0.1:0").unwrap();
    let open_port = open.local_addr().unwrap().port();
    let mut tools = vec![Tool::Any];
    let all = [Tool::Python3, Tool::Bash, Tool::Nc, Tool::Curl];
    tools.extend(all.into_iter().filter(|tool| is_here(tool.as_str())));
    for tool in tools {
        let targets = [
            target("127.0.0.1", open_port),
            target("127.0.0.1", closed()),
            target("no-such-host.invalid", 80),
        ];
        let outcomes = tried(tool, &targets);
        let seen: Vec<_> = outcomes
            .iter()
            .map(|it| match it {
                Outcome::Seen { seen, .. } => Ok(*seen),
                Outcome::NotKnown(why) => Err(why.clone()),
            })
            .collect();
        let expected = [Ok(Seen::Connected), Ok(Seen::Refused), Err(Why::Unresolved)];
        assert_eq!(seen, expected, "{tool:?}: {outcomes:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_nobody_answers_is_silent() {
    let (listener, waiting) = full();
    let port = listener.local_addr().unwrap().port();
    for tool in [Tool::Python3, Tool::Bash, Tool::Nc, Tool::Curl] {
        if is_here(tool.as_str()) {
            let outcomes = tried(tool, &[target("127.0.0.1", port)]);
            let silent = Outcome::Seen { seen: Seen::Silent, by: tool.as_str().to_owned() };
            assert_eq!(outcomes, [silent], "{tool:?}");
        }
    }
    drop(waiting);
}

#[test]
fn datagrams() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let udp = |number| {
        Target::new("127.0.0.1".to_owned(), Port { protocol: Protocol::Udp, number }).unwrap()
    };
    let answering = std::thread::spawn(move || {
        let mut bytes = [0; 8];
        // Those of the first port are answered until nobody asks any more.
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        while let Ok((_, from)) = socket.recv_from(&mut bytes) {
            let _ = socket.send_to(b"x", from);
        }
    });
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    for tool in [Tool::Python3, Tool::Bash] {
        if is_here(tool.as_str()) {
            let outcomes = tried(tool, &[udp(port), udp(silent_port), udp(closed())]);
            let by = tool.as_str();
            let seen = |seen| Outcome::Seen { seen, by: by.to_owned() };
            let expected = [Seen::Connected, Seen::Silent, Seen::Refused].map(seen);
            assert_eq!(outcomes, expected, "{tool:?}");
        }
    }
    drop(answering);
}

#[test]
fn other_protocols_are_not_tried() {
    let port = Port { protocol: Protocol::Sctp, number: 80 };
    let why = Target::new("127.0.0.1".to_owned(), port).unwrap_err();
    assert!(why.to_string().contains("SCTP"), "{why}");
}

#[test]
fn without_a_program_nothing_is_known() {
    let targets = [target("127.0.0.1", 80)];
    let trial = trial(&targets);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", SCRIPT, NAME]).args(trial.arguments(Tool::Any)).env("PATH", "/nonexistent");
    let output = command.output().unwrap();
    assert_eq!(trial.answers(&output.stdout), [Outcome::NotKnown(Why::NoProgram)], "{output:?}");
}

#[test]
fn what_kubectl_says_is_a_reason() {
    let why = |stderr: &str| refused(stderr, "shop").to_string();
    let forbidden = "Error from server (Forbidden): pods \"web\" is forbidden: User \"me\" cannot create \
                     resource \"pods/exec\" in API group \"\" in the namespace \"shop\"";
    assert_eq!(why(forbidden), "not allowed: ask for the right to create pods/exec in shop");
    let missing = "error: Internal error occurred: OCI runtime exec failed: exec failed: unable to start \
                   container process: exec: \"sh\": executable file not found in $PATH";
    assert_eq!(refused(missing, "shop"), Why::NoShell);
    let gone = "Defaulted container \"a\" out of: a, b\nError from server (NotFound): pods \"web\" not found";
    assert_eq!(
        why(gone),
        "kubectl exec failed: Error from server (NotFound): pods \"web\" not found"
    );
    assert!(why(&"x".repeat(10_000)).len() < 300);
    assert_eq!(why(""), "kubectl exec failed: no reason given");
}
