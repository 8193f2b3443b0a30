//! Objects as the API sends them: types of one kind each, for lists whose items do not name theirs.
//!
//! In: any serde deserializer over one object. Out: a [`Found`] inside a type that stands for its
//! kind, so that a reader of lists that is generic over its items can be told what it reads.

use super::found::{self, Found};
use super::kind::BuiltIn;
use super::policy;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

macro_rules! kinds {
    ($($kind:ident)*) => {$(
        #[doc = concat!("A ", stringify!($kind), ".")]
        #[derive(Clone, Debug, PartialEq)]
        pub struct $kind(pub Found);

        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
                // The API always says the namespace.
                found::read(BuiltIn::$kind, source, &"".into()).map(Self)
            }
        }

        impl From<$kind> for Found {
            fn from(object: $kind) -> Self {
                object.0
            }
        }
    )*};
}

kinds! {
    Namespace Node Pod Deployment ReplicaSet StatefulSet DaemonSet Job CronJob
    ReplicationController Service EndpointSlice
}

macro_rules! policies {
    ($($kind:ident)*) => {$(
        #[doc = concat!("A ", stringify!($kind), ".")]
        ///
        /// One with a field that is not known, which a newer API server may send, is kept with the
        /// reason rather than lost. Only `serde_json` can read it.
        #[derive(Clone, Debug, PartialEq)]
        pub struct $kind(pub Found);

        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
                let text = Box::<RawValue>::deserialize(source)?;
                let found = policy::from_json(BuiltIn::$kind, text.get());
                found.map(Self).map_err(serde::de::Error::custom)
            }
        }

        impl From<$kind> for Found {
            fn from(object: $kind) -> Self {
                object.0
            }
        }
    )*};
}

policies! {
    NetworkPolicy ClusterNetworkPolicy AdminNetworkPolicy BaselineAdminNetworkPolicy
    CiliumNetworkPolicy CiliumClusterwideNetworkPolicy CiliumCidrGroup
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Body;

    #[test]
    fn items_of_a_list_need_no_kind() {
        let pods: Vec<Pod> =
            serde_json::from_str(r#"[{"metadata":{"name":"p","namespace":"a"},"spec":null}]"#)
                .unwrap();
        assert_eq!(pods[0].0.object.to_string(), "a/pod/p");
        assert!(
            serde_json::from_slice::<Service>(br#"{"spec":{"ports":[{"port":"x"}]}}"#).is_err()
        );
    }

    #[test]
    fn a_policy_of_a_newer_api_is_not_lost() {
        let read = |text: &str| serde_json::from_str::<NetworkPolicy>(text).map(Found::from);
        let newer = r#"{"metadata":{"name":"p","namespace":"a"},"spec":{"newer":1}}"#;
        let found = read(newer).unwrap();
        assert_eq!(found.object.to_string(), "a/netpol/p");
        assert!(matches!(found.body, Body::Undecodable(_)));
        let found = read(&newer.replace(r#""newer":1"#, "")).unwrap();
        assert!(matches!(found.body, Body::NetworkPolicy(_)));
    }

    /// Policies of administrators have no namespace, and peers of a newer API are theirs to judge.
    #[test]
    fn policies_of_administrators() {
        let read = |text: &str| serde_json::from_str::<ClusterNetworkPolicy>(text).map(Found::from);
        let text = r#"{"metadata":{"name":"p"},"spec":{"egress":[{"to":[{"newer":1}]}]}}"#;
        let found = read(text).unwrap();
        assert_eq!(found.object.to_string(), "clusternetworkpolicy/p");
        assert!(matches!(found.body, Body::AdminPolicy(..)));
        let found = read(&text.replace("to\":", "with\":")).unwrap();
        assert_eq!(found.object.to_string(), "clusternetworkpolicy/p");
        assert!(matches!(found.body, Body::Undecodable(_)));
    }

    /// Cilium's kinds; what their CRD does not know is kept by its path.
    #[test]
    fn policies_of_cilium() {
        let text = r#"{"metadata":{"name":"p","namespace":"a","uid":"1"},"status":{"newer":1},
            "spec":{"endpointSelector":{"newer":1},"ingress":[{"toPorts":[{"newer":1}]}]}}"#;
        let found = serde_json::from_str::<CiliumNetworkPolicy>(text).map(Found::from).unwrap();
        assert_eq!(found.object.to_string(), "a/cnp/p");
        let Body::CiliumPolicy(spec) = found.body else { panic!("{found:?}") };
        let unknown = ["spec.endpointSelector.newer", "spec.ingress[0].toPorts[0].newer"];
        assert_eq!(spec.unknown, unknown);
        let text = r#"{"metadata":{"name":"p"},"specs":[{"newer":1}]}"#;
        let found = serde_json::from_str::<CiliumClusterwideNetworkPolicy>(text);
        let found = found.map(Found::from).unwrap();
        assert_eq!(found.object.to_string(), "ccnp/p");
        let Body::CiliumPolicy(spec) = found.body else { panic!("{found:?}") };
        assert_eq!(spec.unknown, ["specs[0].newer"]);
        let text = r#"{"metadata":{"name":"g","labels":{"a":"b"}},"spec":{"externalCIDRs":[]}}"#;
        let found = serde_json::from_str::<CiliumCidrGroup>(text).map(Found::from).unwrap();
        assert_eq!(found.object.to_string(), "ccg/g");
        assert!(matches!(found.body, Body::CidrGroup { labels, .. } if !labels.is_empty()));
        let text = r#"{"metadata":{"name":"p","namespace":"a"},"spec":[]}"#;
        let found = serde_json::from_str::<CiliumNetworkPolicy>(text).map(Found::from).unwrap();
        assert!(matches!(found.body, Body::Undecodable(_)));
    }
}
