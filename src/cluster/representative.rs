//! Pods that are written nowhere: what is kept of them besides the pod itself.
//!
//! `unwritten/` says which are needed; here is only what every answer that names an end must know.

use super::{Name, ObjectRef};

/// What stands between the name of a namespace that is not written and the labels that one of its
/// representatives supposes. No namespace has it in its name, and it sorts before all that one can have.
const SUPPOSED: char = ' ';

/// The words of a pod in a namespace that nothing mentions, of which nothing is supposed.
pub const ANY_OTHER_NAMESPACE: &str = "any other namespace";

/// A pod that stands for all pods which no rule tells apart, and of which none need be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Representative {
    /// As answers name it: `pods[app=db] in shop`, `any other pod of shop`, `any other namespace`.
    pub words: Box<str>,
    /// As a question names it: `shop/pods[app=db]`.
    pub asked: Box<str>,
    /// Equal for representatives that differ in nothing but their namespaces, which rules and labels
    /// treat alike.
    pub group: Box<str>,
    /// The rules that are the reason for it, in the order of reading.
    pub brought_by: Vec<Bringer>,
    /// What it calls its ports is not known, since nobody has said so.
    pub any_port_names: bool,
}

/// A rule that is the reason for a representative.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bringer {
    /// The policy.
    pub object: ObjectRef,
    /// Field path of its rule, such as `spec.ingress[0]`; empty for the policy as a whole.
    pub path: Box<str>,
}

/// The name that a namespace has in the cluster: representatives suppose labels of one that is not
/// written, and each supposition has a namespace of its own here, as `shop (team=a)`.
pub fn real_namespace(name: &str) -> &str {
    name.split_once(SUPPOSED).map_or(name, |(real, _)| real)
}

/// The name here of a namespace that is not written, with what is supposed of its labels.
pub fn supposed_namespace(real: &str, labels: &str) -> Name {
    format!("{real}{SUPPOSED}({labels})").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suppositions_have_names_of_their_own() {
        let name = supposed_namespace("shop", "team=a");
        assert_eq!(
            (&*name, real_namespace(&name), real_namespace("shop")),
            ("shop (team=a)", "shop", "shop")
        );
        // All of one namespace stand together in order.
        assert!(*"shop" < *name && *name < *"shop-2");
    }
}
