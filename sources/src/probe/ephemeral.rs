//! Connections that are tried from an ephemeral container, which is added to a pod that is there.
//!
//! In: a [`Trial`] and an [`Ephemeral`]. Out: what became of each. The container says it in its termination
//! message, so nobody need attach to it; it ends when all is tried, and stays in the pod's spec until the
//! pod is gone, since Kubernetes removes none.

use super::{NAME, SCRIPT, Tool, Trial};
use crate::live::{Connection, Error, Target};
use netpol::kinds::Kind;
use netpol::printable::printable;
use netpol::probe::{Outcome, Why};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The container that is added.
#[derive(Clone, Debug)]
pub struct Ephemeral {
    /// Its image.
    pub image: String,
    /// Its name, which no other container of the pod has.
    pub name: String,
}

/// How often the pod is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// How long an image may take to be pulled.
const PULL: Duration = Duration::from_mins(1);

/// Whatever is printed goes where the kubelet reads what a container leaves.
const INTO_MESSAGE: &str = "exec >/dev/termination-log\n";

/// The user and group nobody.
const NOBODY: u32 = 65534;

impl Ephemeral {
    /// More connections do not fit into a termination message, of which 4,096 bytes are kept.
    pub const MOST: usize = 25;

    /// The container, which may do nothing but open connections.
    fn container(&self, trial: &Trial<'_>) -> Value {
        let script = format!("{INTO_MESSAGE}{SCRIPT}");
        let mut command = ["sh", "-c", &script, NAME].map(ToOwned::to_owned).to_vec();
        command.extend(trial.arguments(Tool::Any));
        json!({
            "name": self.name,
            "image": self.image,
            "imagePullPolicy": "IfNotPresent",
            "command": command,
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "capabilities": { "drop": ["ALL"] },
                "runAsNonRoot": true,
                "runAsUser": NOBODY,
                "runAsGroup": NOBODY,
                "seccompProfile": { "type": "RuntimeDefault" },
            },
        })
    }
}

/// Adds the container, and waits until it has ended.
pub async fn run_in_ephemeral(
    connection: &Connection,
    trial: &Trial<'_>,
    ephemeral: &Ephemeral,
) -> Vec<Outcome> {
    let pod = Target::kind(Kind::Pod).within(trial.namespace).named(trial.pod);
    let container = ephemeral.container(trial);
    if let Err(error) = connection.add_ephemeral(&pod, &container).await {
        return trial.all(&Why::Failed(not_added(&error, trial.namespace)));
    }
    let started = Instant::now();
    let most = trial.longest() + PULL;
    let mut last = "it has not started".to_owned();
    while started.elapsed() < most {
        match connection.find(&pod).await {
            Ok(Some(pod)) => match state(&pod, &ephemeral.name) {
                State::Ended(message) => return trial.answers(message.as_bytes()),
                State::Waiting(why) => last = why,
            },
            Ok(None) => return trial.all(&Why::Failed("the pod is gone".to_owned())),
            Err(error) => return trial.all(&Why::Failed(error.to_string())),
        }
        tokio::time::sleep(LOOK).await;
    }
    let why = format!("the ephemeral container did not end within {} s: {last}", most.as_secs());
    trial.all(&Why::Failed(why))
}

fn not_added(error: &Error, namespace: &str) -> String {
    match error {
        Error::Forbidden(_) => {
            format!(
                "not allowed: ask for the right to patch pods/ephemeralcontainers in {namespace}"
            )
        }
        error => error.to_string(),
    }
}

/// How far the container is.
#[derive(Debug, PartialEq, Eq)]
enum State {
    /// It has ended, and left this.
    Ended(String),
    /// It has not, in words.
    Waiting(String),
}

fn state(pod: &Value, name: &str) -> State {
    let all = pod["status"]["ephemeralContainerStatuses"].as_array();
    let own = all.into_iter().flatten().find(|it| it["name"] == name);
    let Some(state) = own.map(|it| &it["state"]) else {
        return State::Waiting("it has not started".to_owned());
    };
    if let Some(ended) = state["terminated"].as_object() {
        let message = ended.get("message").and_then(Value::as_str).unwrap_or_default();
        return State::Ended(message.to_owned());
    }
    let reason = state["waiting"]["reason"].as_str();
    let words = reason.map_or("it runs".to_owned(), |reason| printable(reason).into_owned());
    State::Waiting(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use netpol::cluster::Port;

    #[test]
    fn it_may_do_nothing_but_open_connections() {
        let targets = [super::super::Target::new("10.0.0.7".to_owned(), Port::tcp(80)).unwrap()];
        let second = Duration::from_secs(1);
        let trial =
            Trial { namespace: "shop", pod: "web", targets: &targets, wait: second, pause: second };
        let ephemeral =
            Ephemeral { image: "busybox".to_owned(), name: "netpol-probe-1".to_owned() };
        let container = ephemeral.container(&trial);
        let command = container["command"].as_array().unwrap();
        assert_eq!(command[3..], ["netpol-probe", "any", "1", "1.00", "tcp", "10.0.0.7", "80"]);
        assert_eq!(container["securityContext"]["capabilities"]["drop"], json!(["ALL"]));
        assert_eq!(container["securityContext"]["runAsNonRoot"], true);
    }

    #[test]
    fn how_far_it_is() {
        let pod = |state: Value| {
            json!({"status": {"ephemeralContainerStatuses": [
                {"name": "other", "state": {"terminated": {"message": "netpol-probe 0 nc connected"}}},
                {"name": "own", "state": state},
            ]}})
        };
        let words = |state| match super::state(&pod(state), "own") {
            State::Waiting(words) | State::Ended(words) => words,
        };
        assert_eq!(
            words(json!({"waiting": {"reason": "ErrImagePull\u{1b}"}})),
            "ErrImagePull\\u{1b}"
        );
        assert_eq!(words(json!({"running": {}})), "it runs");
        assert_eq!(words(json!({"terminated": {"message": "x"}})), "x");
        assert_eq!(words(json!({"terminated": {}})), "");
        assert_eq!(super::state(&json!(1), "own"), State::Waiting("it has not started".to_owned()));
    }
}
