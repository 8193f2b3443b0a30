//! What tests ask, for whom, and what decides, in words.

use crate::answer::explanation::PolicyReport;
use crate::answer::place::short;
use crate::intent::{Asks, PortWords, Test, TestScope};
use crate::prose;

/// A rule by its policy.
pub(super) fn rule_words(policy: &PolicyReport) -> String {
    let rule = policy.rule.as_deref().map_or(String::new(), |rule| format!(" {}", short(rule)));
    format!("{}{rule}", policy.label())
}

/// What a test asks, in words.
pub(super) fn says(asks: &Asks) -> String {
    let at = |ports: &[PortWords]| {
        if ports.is_empty() {
            return String::new();
        }
        let words: Vec<String> = ports.iter().map(ToString::to_string).collect();
        format!(" on {}", prose::list(&words, "and"))
    };
    match asks {
        Asks::Allow { from, to, ports } => {
            format!("every flow from {} to {}{} passes", from.words(), to.words(), at(ports))
        }
        Asks::Deny { from, to, ports } => {
            format!("no flow from {} to {}{} passes", from.words(), to.words(), at(ports))
        }
        Asks::Only { from, to, ports } => {
            format!("only {} may reach {}{}", from.words(), to.words(), at(ports))
        }
        Asks::OnlyTo { from, to, ports } => {
            format!("{} may reach only {}{}", from.words(), to.words(), at(ports))
        }
        Asks::Isolated { between, and, ports } => {
            format!("nothing passes between {} and {}{}", between.words(), and.words(), at(ports))
        }
        Asks::DefaultDeny { namespaces, directions } => {
            let directions: Vec<String> = directions.0.iter().map(ToString::to_string).collect();
            let directions = prose::list(&directions, "and");
            format!("every pod of {} is isolated for {directions}", namespaces.words())
        }
        Asks::Dns { from, ports } => {
            format!("{} may ask the cluster's DNS{}", from.words(), at(ports))
        }
        Asks::Exposed { only, ports } => {
            format!("only {} may be reached from the internet{}", only.words(), at(ports))
        }
        Asks::Unreachable { from, to, .. } => {
            format!("no way leads from {} to {}", from.words(), to.words())
        }
    }
}

/// For whom a test is asked, in words.
pub(super) fn scope_words(test: &Test) -> &'static str {
    match (&test.asks, test.scope) {
        (Asks::Unreachable { .. }, _) => "for known pods, over known pods",
        (_, TestScope::Known) => "for known pods",
        (Asks::Allow { .. } | Asks::Dns { .. }, _) => {
            "for known pods, and one with exactly the labels of each end"
        }
        (_, TestScope::WrittenNamespaces) => {
            "for known pods and any that could be in namespaces that are written"
        }
        (_, TestScope::Any) => "for known pods and any that could be",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tests_say() {
        let text = "apiVersion: netpol/v1alpha1\nkind: Test\ntests:\n- name: a\n  only: {to: shop/db, from: [shop/api], ports: [5432, 53/UDP]}\n- name: b\n  default-deny: {namespaces: shop, directions: ingress, except: shop/x}\n";
        let file = crate::intent::from_yaml(text).unwrap();
        let said: Vec<String> = file.tests.iter().map(|test| says(&test.asks)).collect();
        assert_eq!(
            said,
            [
                "only shop/api may reach shop/db on 5432/TCP and 53/UDP",
                "every pod of ns/shop except shop/x is isolated for ingress"
            ]
        );
    }
}
