//! The one policy that closes a whole cluster, which only Calico has.
//!
//! In: a baseline, what the cluster told, and the namespaces that stay as they are. Out: a
//! GlobalNetworkPolicy as the API writes it. It has no order, so that whatever else stands in the default
//! tier comes before it. Source: the guide of Calico, "Enable default deny for Kubernetes pods"
//! (`calico/network-policy/get-started/kubernetes-default-deny.mdx` of `tigera/docs`).

use super::policies::label;
use super::{Baseline, Deny, Dns, Facts};
use crate::draft::{Dialect, Draft};
use crate::kinds::Kind;
use serde_json::Value;

/// What it is called.
pub const WHOLE: &str = "default-deny";

/// Namespaces that Calico's guide leaves out, since the control plane and Calico itself run there.
const SYSTEM: [&str; 3] = ["kube-system", "calico-system", "calico-apiserver"];

/// The namespaces that stay as they are: those of the system, and others that somebody names.
pub fn left_out(others: &[String]) -> Vec<String> {
    let mut all: Vec<String> = SYSTEM.map(ToOwned::to_owned).to_vec();
    for name in others {
        if !all.contains(name) {
            all.push(name.clone());
        }
    }
    all
}

impl Baseline {
    /// The policy of all namespaces but some; `None` where Calico has no words for it.
    pub fn whole_cluster(&self, facts: &Facts, left_out: &[String]) -> Option<Value> {
        let known = facts.dns.as_ref().filter(|_| self.dns != Dns::Namespace);
        let dns = || if self.dns == Dns::None { Vec::new() } else { self.dns_rules(known) };
        let draft = Draft {
            ingress: (self.deny != Deny::Egress).then(Vec::new),
            egress: (self.deny != Deny::Ingress).then(dns),
            labels: label(),
            ..Draft::new("", WHOLE)
        };
        let mut policy = draft.object(Dialect::Calico)?;
        let kind = Kind::CalicoGlobalNetworkPolicy;
        policy["kind"] = kind.api_kind().into();
        policy["metadata"].as_object_mut()?.remove("namespace");
        // Without a selector of namespaces it would be about hosts too.
        let names: Vec<String> = left_out.iter().map(|name| format!("'{name}'")).collect();
        policy["spec"]["namespaceSelector"] = format!(
            "has(projectcalico.org/name) && projectcalico.org/name not in {{{}}}",
            names.join(", ")
        )
        .into();
        Some(policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::DnsFacts;
    use serde_json::json;

    /// Calico's own guide has this policy, but for its name, our label and where DNS is.
    #[test]
    fn as_the_guide_has_it() {
        let facts = Facts {
            dns: Some(DnsFacts {
                service: "kube-system/kube-dns".into(),
                namespace: "kube-system".into(),
                labels: [("k8s-app".into(), "kube-dns".into())].into(),
                ports: vec!["53/UDP".parse().unwrap(), "53/TCP".parse().unwrap()],
                node_local: None,
            }),
            ..Facts::default()
        };
        let of = |deny, dns, others: &[&str]| {
            let others: Vec<String> = others.iter().map(|name| (*name).to_owned()).collect();
            let baseline = Baseline { deny, dns, dialect: Dialect::Calico, ..Baseline::default() };
            baseline.whole_cluster(&facts, &left_out(&others)).unwrap()
        };
        let dns = |protocol: &str| {
            json!({
                "action": "Allow", "protocol": protocol,
                "destination": {
                    "namespaceSelector": "projectcalico.org/name == 'kube-system'",
                    "selector": "k8s-app == 'kube-dns'",
                    "ports": [53],
                },
            })
        };
        let whole = of(Deny::All, Dns::Auto, &[]);
        assert_eq!(whole["kind"], "GlobalNetworkPolicy");
        assert_eq!(
            whole["metadata"],
            json!({"name": "default-deny", "labels": {"app.kubernetes.io/managed-by": "kubectl-netpol"}})
        );
        assert_eq!(
            whole["spec"],
            json!({
                "namespaceSelector": "has(projectcalico.org/name) && projectcalico.org/name not in \
                                      {'kube-system', 'calico-system', 'calico-apiserver'}",
                "selector": "all()",
                "types": ["Ingress", "Egress"],
                "egress": [dns("TCP"), dns("UDP")],
            })
        );
        let ingress = of(Deny::Ingress, Dns::Auto, &["flux-system", "kube-system"]);
        assert_eq!(ingress["spec"]["types"], json!(["Ingress"]));
        assert!(ingress["spec"]["egress"].is_null());
        let names = ingress["spec"]["namespaceSelector"].as_str().unwrap();
        assert!(
            names.ends_with("{'kube-system', 'calico-system', 'calico-apiserver', 'flux-system'}")
        );
        assert!(of(Deny::Egress, Dns::None, &[])["spec"]["egress"].is_null());
    }
}
