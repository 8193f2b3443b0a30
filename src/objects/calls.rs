//! What the API server calls, from its wire form.
//!
//! In: a deserializer over a configuration of webhooks, an APIService or a CustomResourceDefinition. Out:
//! a [`Call`] for each that they name. Source: docs/semantics/system.md#calls-of-the-api-server.

use super::wire::Metadata;
use crate::cluster::{Call, CallKind, Callee, Name, ObjectRef};
use crate::kinds::Kind;
use crate::prose;
use serde::{Deserialize, Deserializer};

/// The kinds that say what the API server calls.
pub const CALLING: &[Kind] = &[
    Kind::ValidatingWebhookConfiguration,
    Kind::MutatingWebhookConfiguration,
    Kind::ApiService,
    Kind::CustomResourceDefinition,
];

/// Reads an object of one of these kinds.
pub(super) fn read<'de, D: Deserializer<'de>>(
    kind: Kind,
    source: D,
    place: impl Fn(&Metadata) -> ObjectRef,
) -> Result<(ObjectRef, Vec<Call>), D::Error> {
    Ok(match kind {
        Kind::ApiService => {
            let written = ApiService::deserialize(source)?;
            let object = place(&written.metadata.unwrap_or_default());
            let spec = written.spec.unwrap_or_default();
            let about = format!("{}/{}", spec.group, spec.version);
            // One without a Service is served by the API server itself.
            let to = spec.service.and_then(ServiceRef::callee);
            let call = |to| one(&object, CallKind::Aggregate, None, (to, about));
            let calls = to.map(call).into_iter().collect();
            (object, calls)
        }
        Kind::CustomResourceDefinition => {
            let written = CustomResource::deserialize(source)?;
            let object = place(&written.metadata.unwrap_or_default());
            let conversion = written.spec.unwrap_or_default().conversion.unwrap_or_default();
            let by_webhook = conversion.strategy.as_deref() == Some("Webhook");
            let webhook = conversion.webhook.unwrap_or_default();
            let client = webhook.client_config.or(conversion.webhook_client_config);
            let to = client.filter(|_| by_webhook).and_then(ClientConfig::callee);
            let about = object.name.to_string();
            let call = |to| one(&object, CallKind::Convert, None, (to, about));
            let calls = to.map(call).into_iter().collect();
            (object, calls)
        }
        _ => {
            let written = Configuration::deserialize(source)?;
            let object = place(&written.metadata.unwrap_or_default());
            let of = match kind {
                Kind::MutatingWebhookConfiguration => CallKind::Mutate,
                _ => CallKind::Validate,
            };
            let call = |webhook: Webhook| {
                let to = webhook.client_config?.callee()?;
                let about = resources(webhook.rules.unwrap_or_default());
                let goes_on = webhook.failure_policy.as_deref() == Some("Ignore");
                Some(Call { goes_on, ..one(&object, of, webhook.name, (to, about)) })
            };
            let calls = written.webhooks.unwrap_or_default().into_iter().filter_map(call);
            let calls = calls.collect();
            (object, calls)
        }
    })
}

fn one(
    object: &ObjectRef,
    kind: CallKind,
    part: Option<Name>,
    (to, about): (Callee, String),
) -> Call {
    Call { object: object.clone(), kind, part, to, goes_on: false, about }
}

/// More resources than this are counted only.
const MOST_NAMED: usize = 3;

/// The resources that rules name, in words.
fn resources(rules: Vec<Rule>) -> String {
    let mut names: Vec<String> = Vec::new();
    for name in rules.into_iter().flat_map(|rule| rule.resources.unwrap_or_default()) {
        let name = if name.starts_with('*') { "every resource".to_owned() } else { name };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.iter().any(|name| name == "every resource") {
        return "every resource".to_owned();
    }
    if names.len() > MOST_NAMED + 1 {
        let more = names.len() - MOST_NAMED;
        names.truncate(MOST_NAMED);
        names.push(format!("{more} more"));
    }
    prose::list(&names, "and")
}

/// A ValidatingWebhookConfiguration or a MutatingWebhookConfiguration.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Configuration {
    metadata: Option<Metadata>,
    webhooks: Option<Vec<Webhook>>,
}

/// One of its `webhooks`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Webhook {
    name: Option<Name>,
    client_config: Option<ClientConfig>,
    rules: Option<Vec<Rule>>,
    failure_policy: Option<String>,
}

/// One of a webhook's `rules`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Rule {
    resources: Option<Vec<String>>,
}

/// `clientConfig` of a webhook.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ClientConfig {
    service: Option<ServiceRef>,
    url: Option<Name>,
}

impl ClientConfig {
    fn callee(self) -> Option<Callee> {
        let service = self.service.and_then(ServiceRef::callee);
        service.or_else(|| Some(Callee::Url(self.url.filter(|url| !url.is_empty())?)))
    }
}

/// A Service that is called, at 443 unless it says otherwise.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ServiceRef {
    namespace: Option<Name>,
    name: Option<Name>,
    port: Option<u16>,
}

impl ServiceRef {
    fn callee(self) -> Option<Callee> {
        let (namespace, name) = (self.namespace?, self.name?);
        Some(Callee::Service { namespace, name, port: self.port.unwrap_or(443) })
    }
}

/// An APIService.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ApiService {
    metadata: Option<Metadata>,
    spec: Option<ApiServiceSpec>,
}

/// Its `spec`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ApiServiceSpec {
    group: String,
    version: String,
    service: Option<ServiceRef>,
}

/// A CustomResourceDefinition.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CustomResource {
    metadata: Option<Metadata>,
    spec: Option<CustomResourceSpec>,
}

/// Its `spec`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CustomResourceSpec {
    conversion: Option<Conversion>,
}

/// `spec.conversion`, also as `v1beta1` had it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Conversion {
    strategy: Option<String>,
    webhook: Option<ConversionWebhook>,
    webhook_client_config: Option<ClientConfig>,
}

/// `spec.conversion.webhook`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ConversionWebhook {
    client_config: Option<ClientConfig>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::fact_from_json;
    use crate::objects::found::Body;

    fn calls(kind: Kind, text: &str) -> Vec<Call> {
        match fact_from_json(kind, text).unwrap().body {
            Body::Calls(calls) => calls,
            other => panic!("{other:?}"),
        }
    }

    /// docs/semantics/system.md#calls-of-the-api-server.
    #[test]
    fn what_is_called() {
        let webhooks = calls(
            Kind::ValidatingWebhookConfiguration,
            r#"{"metadata":{"name":"guard"},"webhooks":[
                {"name":"a.example.org","clientConfig":{"service":{"namespace":"n","name":"s"}},
                 "rules":[{"resources":["pods","pods/exec"]},{"resources":["pods"]}]},
                {"name":"b.example.org","failurePolicy":"Ignore",
                 "clientConfig":{"url":"https://guard.example.org:8443/x"},
                 "rules":[{"resources":["*/*"]}]},
                {"name":"nothing"}]}"#,
        );
        let service = Callee::Service { namespace: "n".into(), name: "s".into(), port: 443 };
        let told = |call: &Call| (call.to.clone(), call.goes_on, call.about.clone());
        assert_eq!(told(&webhooks[0]), (service, false, "pods and pods/exec".to_owned()));
        let url = Callee::Url("https://guard.example.org:8443/x".into());
        assert_eq!(told(&webhooks[1]), (url, true, "every resource".to_owned()));
        assert_eq!(webhooks.len(), 2);

        let at = |port| Callee::Service { namespace: "n".into(), name: "s".into(), port };
        let aggregated = calls(
            Kind::ApiService,
            r#"{"metadata":{"name":"v1.g"},"spec":{"group":"g","version":"v1",
                "service":{"namespace":"n","name":"s","port":4443}}}"#,
        );
        assert_eq!(told(&aggregated[0]), (at(4443), false, "g/v1".to_owned()));
        assert!(calls(Kind::ApiService, r#"{"metadata":{"name":"v1."},"spec":{}}"#).is_empty());

        for conversion in [
            r#""strategy":"Webhook","webhook":{"clientConfig":{"service":{"namespace":"n","name":"s"}}}"#,
            r#""strategy":"Webhook","webhookClientConfig":{"service":{"namespace":"n","name":"s"}}"#,
        ] {
            let text = format!(
                r#"{{"metadata":{{"name":"xs.g"}},"spec":{{"conversion":{{{conversion}}}}}}}"#
            );
            let found = calls(Kind::CustomResourceDefinition, &text);
            assert_eq!(told(&found[0]), (at(443), false, "xs.g".to_owned()));
        }
        let none = r#"{"metadata":{"name":"xs.g"},"spec":{"conversion":{"strategy":"None"}}}"#;
        assert!(calls(Kind::CustomResourceDefinition, none).is_empty());
    }
}
