//! Objects as the API sends them: types of one kind each, for lists whose items do not name theirs.
//!
//! In: any serde deserializer over one object. Out: a [`Found`] inside a type that stands for its
//! kind, so that a reader of lists that is generic over its items can be told what it reads. Policies
//! are read by [`policy_from_json`](super::policy_from_json).

use super::found::{self, Found};
use crate::kinds::Kind;
use serde::{Deserialize, Deserializer};

macro_rules! kinds {
    ($($kind:ident)*) => {$(
        #[doc = concat!("A ", stringify!($kind), ".")]
        #[derive(Clone, Debug, PartialEq)]
        pub struct $kind(pub Found);

        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
                // The API always says the namespace.
                found::read(Kind::$kind, source, &"".into()).map(Self)
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
    ReplicationController Service ServiceAccount Endpoints EndpointSlice Ingress IngressClass
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
