//! Whether labels of ServiceAccounts matter to a policy, which are listed for nothing else.
//!
//! In: an object as written. Out: whether a selector of it asks for one. Source:
//! docs/semantics/calico.md#labels.

use super::selector::{Expr, OF_ACCOUNT, parse};
use super::written::{Body, Entity, Policy, Spec};
use serde::Deserialize;

impl Spec {
    /// Whether it asks for labels of ServiceAccounts, if only once it is in force.
    pub(in crate::policy) fn asks_for_accounts(&self) -> bool {
        match &self.body {
            Body::Policy(policy) => policy.asks_for_accounts(),
            Body::Staged(text) => Policy::deserialize(without_action(text.clone()))
                .is_ok_and(|policy| policy.asks_for_accounts()),
            Body::Tier(_) | Body::Set(_) | Body::Host(_) => false,
        }
    }
}

/// What is staged has one field more.
fn without_action(mut text: serde_json::Value) -> serde_json::Value {
    if let Some(fields) = text.as_object_mut() {
        fields.remove(super::staged::ACTION);
    }
    text
}

impl Policy {
    fn asks_for_accounts(&self) -> bool {
        let rules = [&self.ingress, &self.egress].into_iter().flatten().flatten();
        let sides = rules.flat_map(|rule| [&rule.source, &rule.destination]).flatten();
        asks(self.selector.as_ref(), false)
            || asks(self.service_account_selector.as_ref(), true)
            || sides.into_iter().any(Entity::asks_for_accounts)
    }
}

impl Entity {
    fn asks_for_accounts(&self) -> bool {
        let of_accounts = self.service_accounts.as_ref().and_then(|it| it.selector.as_ref());
        asks(self.selector.as_ref(), false)
            || asks(self.not_selector.as_ref(), false)
            || asks(of_accounts, true)
    }
}

/// Whether a selector asks for such a label; `of_accounts`: all that it asks for are ones. The name is
/// known without them.
fn asks(written: Option<&String>, of_accounts: bool) -> bool {
    let Some(Ok(expr)) = written.map(|text| parse(text)) else { return false };
    let expr = if of_accounts { expr.of_accounts() } else { expr };
    expr.asks_for(&|key| key.strip_prefix(OF_ACCOUNT).is_some_and(|it| it != NAME))
}

/// The label with the name of a ServiceAccount among its own.
const NAME: &str = "projectcalico.org/name";

impl Expr {
    fn asks_for(&self, is: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::All | Self::Global => false,
            Self::Not(expr) => expr.asks_for(is),
            Self::And(all) | Self::Or(all) => all.iter().any(|expr| expr.asks_for(is)),
            Self::Ask(key, _) => is(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::kinds::Kind;
    use crate::objects::{Objects, policy_from_json};
    use serde_json::json;

    #[test]
    fn labels_of_accounts_are_listed_only_where_they_are_asked_for() {
        for (spec, asks) in [
            (json!({}), false),
            (json!({"selector": "app == 'a'"}), false),
            (json!({"serviceAccountSelector": "team == 'red'"}), true),
            (json!({"serviceAccountSelector": "projectcalico.org/name == 'web'"}), false),
            (json!({"selector": "app == 'a' && !has(pcsa.team)"}), true),
            (
                json!({"ingress": [{"action": "Allow", "source": {"serviceAccounts": {"names": ["web"]}}}]}),
                false,
            ),
            (
                json!({"ingress": [{"action": "Allow", "source": {"serviceAccounts": {"selector": "has(team)"}}}]}),
                true,
            ),
            (
                json!({"egress": [{"action": "Deny", "destination": {"notSelector": "pcsa.team == 'red'"}}]}),
                true,
            ),
            (json!({"serviceAccountSelector": "team = 'red'"}), false),
        ] {
            for kind in [Kind::CalicoNetworkPolicy, Kind::CalicoStagedNetworkPolicy] {
                let metadata = json!({"name": "p", "namespace": "shop"});
                let policy = json!({
                    "apiVersion": "projectcalico.org/v3", "kind": kind.api_kind(),
                    "metadata": metadata, "spec": spec,
                });
                let mut objects = Objects::default();
                let found = policy_from_json(kind, &policy.to_string()).unwrap();
                objects.insert(found, crate::cluster::Origin::Synthetic);
                assert_eq!(objects.ask_for_accounts(), asks, "{kind}: {spec}");
            }
        }
    }
}
