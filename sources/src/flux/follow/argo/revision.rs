//! Revisions of Applications: whether what is read is what a source has.
//!
//! In: the `targetRevision` of sources of this repository. Out: the branch that most of them follow, which
//! is taken for the one that is read, and why of any other it is not known what it has.
//!
//! Source: docs/semantics/argocd.md#revision.

use super::super::own::is_version;
use crate::tree::Tree;
use netpol::printable::printable;
use std::collections::BTreeMap;

/// What a source follows that says nothing else.
const HEAD: &str = "HEAD";

/// What the first branch of a repository is called.
const FIRST: &[&str] = &["", HEAD, "main", "master"];

/// A hash has as many digits at least where it is cut.
const DIGITS: usize = 7;

/// A revision without what is the same in other words.
fn plain(revision: &str) -> &str {
    let revision = revision.strip_prefix("refs/heads/").unwrap_or(revision);
    if FIRST.contains(&revision) { HEAD } else { revision }
}

/// Whether a revision is a tag, a range of them or a commit, and no branch.
fn is_pinned(revision: &str) -> bool {
    let is_hash = revision.len() >= DIGITS
        && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
        && revision.bytes().any(|byte| byte.is_ascii_digit());
    let is_range = revision.contains(['*', '^', '~', '>', '<', '=']);
    is_hash || is_range || is_version(revision) || revision.starts_with("refs/tags/")
}

/// The branch that most follow; of as many the one that is the repository's first.
pub(super) fn most<'a>(revisions: impl Iterator<Item = &'a str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for revision in revisions.filter(|revision| !is_pinned(revision)) {
        *counts.entry(plain(revision)).or_default() += 1;
    }
    let most = counts.iter().max_by_key(|(branch, count)| (**count, **branch == HEAD));
    most.map_or(HEAD, |(branch, _)| branch).to_owned()
}

/// Why it is not known whether a revision is what is read.
pub(super) fn doubt(revision: &str, most: &str, tree: &Tree) -> Option<String> {
    let is_read =
        if is_pinned(revision) { tree.is_of(revision) } else { plain(revision) == plain(most) };
    (!is_read).then(|| {
        let revision = printable(revision);
        format!("its targetRevision is {revision}, which need not be what is read here")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: docs/semantics/argocd.md#revision.
    #[test]
    fn branches_tags_and_commits() {
        for (revision, pinned) in [
            ("", false),
            ("HEAD", false),
            ("main", false),
            ("release-1.2", false),
            ("deadbeef", false),
            ("5e3c2f1", true),
            ("v0.1", true),
            ("1.2.*", true),
            (">=1", true),
            ("refs/tags/x", true),
        ] {
            assert_eq!(is_pinned(revision), pinned, "{revision}");
        }
        assert_eq!(most(["dev", "dev", "HEAD", "v1.0"].into_iter()), "dev");
        assert_eq!(most(["dev", "main"].into_iter()), HEAD);
        assert_eq!(most(["v1.0"].into_iter()), HEAD);
    }
}
