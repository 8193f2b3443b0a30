//! Hooks of Argo CD: when in a sync an object is applied, if it is.
//!
//! In: the tree of an object. Out: a [`Hook`].
//!
//! Source: docs/semantics/argocd.md#hooks.

use netpol::yaml::Node;

/// When an object is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hook {
    /// After each sync.
    Stays,
    /// While a sync goes on.
    Passes,
    /// In no sync that succeeds.
    Never,
}

/// Annotations of Argo CD, and Helm's, which count where there is none of its own.
const HOOK: [&str; 2] = ["argocd.argoproj.io/hook", "helm.sh/hook"];
const DELETED: [(&str, &str); 2] = [
    ("argocd.argoproj.io/hook-delete-policy", "HookSucceeded"),
    ("helm.sh/hook-delete-policy", "hook-succeeded"),
];

/// Hooks that are applied by a sync that succeeds, in the words of either.
const APPLIED: [&[&str]; 2] = [
    &["PreSync", "Sync", "PostSync"],
    &["pre-install", "pre-upgrade", "post-upgrade", "post-install"],
];

/// Those of Argo CD besides that a sync knows.
const OTHERS: &[&str] = &["Skip", "SyncFail"];

/// What Helm calls a hook and Argo CD does not.
const NO_HOOK: &str = "crd-install";

impl Hook {
    /// Reads what an object says.
    pub(super) fn of(node: &Node<'_>) -> Self {
        let annotation = |key: &str| {
            let annotations = node.get("metadata")?.get("annotations")?;
            annotations.get(key)?.as_str()
        };
        let [own, helm] = HOOK.map(annotation);
        let words = |text: Option<&'_ str>| -> Vec<String> {
            let words = text.unwrap_or_default().split(',').map(|word| word.trim().to_owned());
            words.filter(|word| !word.is_empty()).collect()
        };
        let known =
            |word: &String| APPLIED[0].contains(&word.as_str()) || OTHERS.contains(&word.as_str());
        let own_types: Vec<String> = words(own).into_iter().filter(known).collect();
        let is_hook = own.is_some() || helm.is_some_and(|helm| helm != NO_HOOK);
        if !is_hook {
            return Self::Stays;
        }
        let (types, applied) =
            if own_types.is_empty() { (words(helm), APPLIED[1]) } else { (own_types, APPLIED[0]) };
        if !types.iter().any(|word| applied.contains(&word.as_str())) {
            return Self::Never;
        }
        let policy = DELETED.iter().find_map(|(key, word)| Some((annotation(key)?, word)));
        let passes =
            policy.is_some_and(|(policy, word)| words(Some(policy)).iter().any(|it| it == word));
        if passes { Self::Passes } else { Self::Stays }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netpol::yaml::{Document, parse};

    /// Source: docs/semantics/argocd.md#hooks.
    #[test]
    fn which_hooks_are_applied() {
        for (annotations, expected) in [
            ("x: y", Hook::Stays),
            ("argocd.argoproj.io/hook: Skip", Hook::Never),
            ("argocd.argoproj.io/hook: PostDelete", Hook::Never),
            ("argocd.argoproj.io/hook: PreDelete", Hook::Never),
            ("argocd.argoproj.io/hook: SyncFail", Hook::Never),
            ("argocd.argoproj.io/hook: 'Sync, Skip'", Hook::Stays),
            ("argocd.argoproj.io/hook: PreSync", Hook::Stays),
            ("argocd.argoproj.io/hook: 'PostSync,SyncFail'", Hook::Stays),
            (
                "argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/hook-delete-policy: HookSucceeded",
                Hook::Passes,
            ),
            (
                "argocd.argoproj.io/hook: Sync, argocd.argoproj.io/hook-delete-policy: BeforeHookCreation",
                Hook::Stays,
            ),
            ("helm.sh/hook: post-install", Hook::Stays),
            ("helm.sh/hook: 'pre-delete,test'", Hook::Never),
            ("helm.sh/hook: crd-install", Hook::Stays),
            ("helm.sh/hook: pre-upgrade, helm.sh/hook-delete-policy: hook-succeeded", Hook::Passes),
            // Argo CD's own count.
            ("helm.sh/hook: test, argocd.argoproj.io/hook: Sync", Hook::Stays),
        ] {
            let text = format!("metadata: {{annotations: {{{annotations}}}}}");
            let document = Document::whole(&text);
            let node = parse(&document).unwrap().unwrap();
            assert_eq!(Hook::of(&node), expected, "{annotations}");
        }
    }
}
