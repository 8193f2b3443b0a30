//! Flux beside the answer: the real CLI, its `CustomResourceDefinitions` in a real API server, and a
//! stand-in for the controllers that handles requests to reconcile as they do.

mod broken;
mod build;
mod explain;
mod flate;
mod missing;
mod random;
mod reconcile;
mod repository;
mod source;

use crate::harness::Answer;
use serde_json::Value;

/// The question of HomeKube.
const GRAFANA_TO_KEYCLOAK: &str =
    "explain -n monitoring deploy/grafana http://keycloak.identity.svc.cluster.local/realms/home";

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.stdout).unwrap_or_else(|error| panic!("{error}: {}", answer.all()))
}

/// A sentence of an answer, whatever its line breaks.
fn says(answer: &Answer, sentence: &str) -> bool {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    words(&answer.stdout).contains(&words(sentence))
}
