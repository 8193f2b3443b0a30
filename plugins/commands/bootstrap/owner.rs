//! Whose an object is: Flux's, ours, or somebody else's.
//!
//! In: objects as the API sends them. Out: names of owners, for sentences and for what may be touched.

use netpol::baseline::{MANAGED_BY, MANAGER};
use serde_json::Value;

/// What of Flux delivers the object: `Kustomization flux-system/apps`.
pub(super) fn flux(object: &Value) -> Option<String> {
    let label = |key: String| object["metadata"]["labels"][key].as_str().map(ToOwned::to_owned);
    [("kustomize", "Kustomization"), ("helm", "HelmRelease")].into_iter().find_map(|(of, kind)| {
        let name = label(format!("{of}.toolkit.fluxcd.io/name"))?;
        let namespace = label(format!("{of}.toolkit.fluxcd.io/namespace"))?;
        Some(format!("{kind} {namespace}/{name}"))
    })
}

/// Whether it carries our label.
pub(super) fn is_labelled(object: &Value) -> bool {
    object["metadata"]["labels"][MANAGED_BY].as_str() == Some(MANAGER)
}

/// The fields that we applied.
pub(super) fn applied(object: &Value) -> Option<&Value> {
    managers(object)
        .find(|entry| {
            entry["manager"].as_str() == Some(MANAGER)
                && entry["operation"].as_str() == Some("Apply")
        })
        .map(|entry| &entry["fieldsV1"])
}

/// Who writes when kubectl is given what was printed here: `apply`, by the server or not, and `create`.
const KUBECTL: [&str; 3] = ["kubectl", "kubectl-client-side-apply", "kubectl-create"];

/// The manager of kubectl that wrote a policy as it was printed here: our label with it, and its spec.
fn printed(object: &Value) -> Option<&str> {
    let label = format!("f:{MANAGED_BY}");
    let wrote = |entry: &&Value| {
        let fields = &entry["fieldsV1"];
        let spec = !fields["f:spec"].is_null() || !fields["f:specs"].is_null();
        spec && !fields["f:metadata"]["f:labels"][&label].is_null()
    };
    let ours = managers(object).filter(wrote).filter_map(|entry| entry["manager"].as_str());
    ours.into_iter().find(|name| is_labelled(object) && KUBECTL.contains(name))
}

/// Whether we wrote it: applied it, or printed what was applied.
pub(super) fn is_ours(object: &Value) -> bool {
    applied(object).is_some() || printed(object).is_some()
}

/// Whether we gave it labels.
pub(super) fn labelled_by_us(object: &Value) -> bool {
    applied(object).is_some_and(|fields| !fields["f:metadata"]["f:labels"].is_null())
}

/// The other managers that wrote a part of the spec.
pub(super) fn others(object: &Value) -> Vec<String> {
    let printed = printed(object);
    let others = managers(object).filter(|entry| {
        let wrote = |key: &str| !entry["fieldsV1"][key].is_null();
        let manager = entry["manager"].as_str();
        let ours = manager == Some(MANAGER) || (manager.is_some() && manager == printed);
        !ours && (wrote("f:spec") || wrote("f:specs"))
    });
    others.map(name).collect()
}

/// Fields of a live policy that are not wanted and that others wrote, with who: applying leaves them
/// as they are, and a rule more makes another policy of it. Cilium's have rules in `specs`, too.
pub(super) fn foreign(live: &Value, wanted: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for field in live["spec"].as_object().into_iter().flat_map(|spec| spec.keys()) {
        if wanted["spec"][field].is_null() {
            let key = format!("f:{field}");
            let by = foreign_field(live, |fields| !fields["f:spec"][&key].is_null());
            found.extend(by.map(|by| (format!("spec.{field}"), by)));
        }
    }
    if !live["specs"].is_null() && wanted["specs"].is_null() {
        let by = foreign_field(live, |fields| !fields["f:specs"].is_null());
        found.extend(by.map(|by| ("specs".to_owned(), by)));
    }
    found
}

/// Who besides us wrote a field; `None`: only we did.
fn foreign_field(live: &Value, has: impl Fn(&Value) -> bool) -> Option<String> {
    let is_ours = applied(live).is_some_and(&has);
    let owner = managers(live)
        .find(|entry| entry["manager"].as_str() != Some(MANAGER) && has(&entry["fieldsV1"]));
    let owner = owner.map(name);
    if is_ours { owner } else { Some(owner.unwrap_or_else(|| "another manager".to_owned())) }
}

fn managers(object: &Value) -> impl Iterator<Item = &Value> {
    object["metadata"]["managedFields"].as_array().into_iter().flatten()
}

fn name(entry: &Value) -> String {
    entry["manager"].as_str().unwrap_or("another manager").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn managed(manager: &str, operation: &str, fields: &Value) -> Value {
        json!({ "manager": manager, "operation": operation, "fieldsV1": fields })
    }

    #[test]
    fn flux_says_what_it_delivers() {
        let labels = |of: &str| {
            let (name, namespace) = (
                format!("{of}.toolkit.fluxcd.io/name"),
                format!("{of}.toolkit.fluxcd.io/namespace"),
            );
            json!({ "metadata": { "labels": { name: "apps", namespace: "flux-system" } } })
        };
        assert_eq!(flux(&labels("kustomize")).unwrap(), "Kustomization flux-system/apps");
        assert_eq!(flux(&labels("helm")).unwrap(), "HelmRelease flux-system/apps");
        assert_eq!(flux(&json!({ "metadata": {} })), None);
    }

    #[test]
    fn what_others_added_to_a_spec_is_foreign() {
        let wanted = json!({ "spec": { "podSelector": {}, "policyTypes": ["Ingress"] } });
        let live = |managers: Value| {
            json!({
                "metadata": { "managedFields": managers },
                "spec": { "podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}] },
            })
        };
        let rule = json!({ "f:spec": { "f:ingress": {} } });
        let edited = live(json!([managed("kubectl-edit", "Update", &rule)]));
        assert_eq!(
            foreign(&edited, &wanted),
            [("spec.ingress".to_owned(), "kubectl-edit".to_owned())]
        );
        assert_eq!(others(&edited), ["kubectl-edit"]);
        // What we applied ourselves goes when it is no longer applied.
        let ours = live(json!([managed(MANAGER, "Apply", &rule)]));
        assert_eq!(foreign(&ours, &wanted), []);
        assert!(others(&ours).is_empty());
    }

    /// What was printed here and applied by kubectl is ours as long as nobody else wrote in it.
    #[test]
    fn what_kubectl_applied_of_ours() {
        let label = format!("f:{MANAGED_BY}");
        let whole =
            json!({ "f:metadata": { "f:labels": { label: {} } }, "f:spec": { "f:ingress": {} } });
        let of = |managers: Value, labels: Value| json!({ "metadata": { "managedFields": managers, "labels": labels } });
        let ours = json!({ MANAGED_BY: MANAGER });
        let by = |manager: &str| of(json!([managed(manager, "Update", &whole)]), ours.clone());
        assert!(is_ours(&by("kubectl-client-side-apply")) && is_ours(&by("kubectl")));
        assert!(!is_ours(&by("argocd-controller")));
        let bare = of(json!([managed("kubectl", "Apply", &whole)]), json!({}));
        assert!(!is_ours(&bare));
        let rule = json!({ "f:spec": { "f:ingress": {} } });
        let edited =
            json!([managed("kubectl", "Apply", &whole), managed("kubectl-edit", "Update", &rule)]);
        assert_eq!(others(&of(edited, ours)), ["kubectl-edit"]);
    }
}
