//! What Cilium's identities show of pods, namespaces and addresses.
//!
//! In: a label key. Out: whether identities have it, so that selectors can see it. Source:
//! docs/semantics/cilium-labels.md#label-filter; `filterLabels` and `defaultLabelPrefixCfg` in
//! Cilium's pkg/labelsfilter, 1.18 to 1.20.

use super::CiliumVersion;
use super::rule::{Namespaces, PodSet, Scope};
use crate::cluster::{AddressBlock, Requirement, Truth};
use std::net::{IpAddr, Ipv4Addr};

/// Where `NodeLocal` `DNSCache` listens, on each pod's own node, whose identity the address has.
///
/// Source: docs/semantics/cilium-networkpolicy.md#nodelocal-dns.
pub const NODE_LOCAL_DNS: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 20, 10));

/// The shortest prefix of a network that is meant for it, as 169.254.0.0/16.
const LINK_LOCAL: u8 = 16;

/// What a network means that somebody wrote for the DNS on each node; `None` for others.
pub(super) fn not_for_dns(block: &AddressBlock, scope: Scope) -> Option<String> {
    let meant = block.cidr.prefix_len() >= LINK_LOCAL && block.contains(NODE_LOCAL_DNS);
    (meant && !scope.nodes).then(|| {
        format!(
            "has {NODE_LOCAL_DNS}, where NodeLocal DNSCache listens on each node: Cilium takes it \
             for the node, which no network means; write the entity host in a CiliumNetworkPolicy"
        )
    })
}

/// What comes before the keys of a namespace's labels.
pub(super) const NAMESPACE_LABELS: &str = "io.cilium.k8s.namespace.labels.";

/// What Cilium keeps and leaves out unless it is told more.
const DEFAULTS: &[&str] = &[
    "reserved:.*",
    r"io\.kubernetes\.pod\.namespace",
    r"io\.cilium\.k8s\.namespace\.labels",
    r"app\.kubernetes\.io",
    r"io\.cilium\.k8s\.policy\.cluster",
    r"io\.cilium\.k8s\.policy\.serviceaccount",
    r"!io\.kubernetes",
    r"!kubernetes\.io",
    r"!statefulset\.kubernetes\.io/pod-name",
    r"!apps\.kubernetes\.io/pod-index",
    r"!batch\.kubernetes\.io/job-completion-index",
    r"!batch\.kubernetes\.io/controller-uid",
    r"!.*beta\.kubernetes\.io",
    r"!k8s\.io",
    "!pod-template-generation",
    "!pod-template-hash",
    "!controller-revision-hash",
    "!controller-uid",
    "!annotation.*",
    "!etcd_node",
];

/// Left out besides from 1.19 on.
const NEWER: &str = r"!topology\.kubernetes\.io";

/// The agent's options `labels` and `label-prefix-file`, over its defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelFilter {
    /// `None` where what is configured is not understood, or is in a file that cannot be read.
    patterns: Option<Vec<Pattern>>,
    /// Only what a pattern keeps is kept.
    only_kept: bool,
}

/// One pattern of the filter.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    leaves_out: bool,
    /// Empty: any.
    source: String,
    tokens: Vec<Token>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Is(u8),
    /// Any character.
    Any,
    /// Any run of characters, as long as can be.
    Run,
}

impl LabelFilter {
    /// What a version does unless it is told more.
    pub fn new(version: CiliumVersion) -> Self {
        let newer = (version >= CiliumVersion::V1_19).then_some(NEWER);
        let defaults = DEFAULTS.iter().copied().chain(newer);
        Self { patterns: defaults.map(Pattern::parse).collect(), only_kept: false }
    }

    /// With the options `labels`, which is added to the defaults, and `label-prefix-file`, which
    /// takes their place.
    pub fn configured(version: CiliumVersion, labels: &str, file: &str) -> Self {
        let mut filter = Self::new(version);
        if !file.is_empty() {
            filter.patterns = None;
        }
        for text in labels.split_ascii_whitespace() {
            let pattern = Pattern::parse(text);
            filter.only_kept |= pattern.as_ref().is_some_and(|pattern| !pattern.leaves_out);
            match (&mut filter.patterns, pattern) {
                (Some(all), Some(pattern)) => all.push(pattern),
                _ => filter.patterns = None,
            }
        }
        filter
    }

    /// Whether identities have labels of Kubernetes with this key.
    pub(super) fn keeps(&self, key: &str) -> Truth {
        let Some(patterns) = &self.patterns else { return Truth::Unknown };
        let (mut kept, mut left_out) = (0, 0);
        for pattern in patterns.iter().filter(|p| p.source.is_empty() || p.source == "k8s") {
            let Some(length) = pattern.matches(key) else { continue };
            if !pattern.leaves_out {
                kept = kept.max(length);
            } else if left_out == 0 || length < left_out {
                left_out = length;
            }
        }
        ((!self.only_kept && left_out == 0) || kept > left_out).into()
    }

    /// What of a selector identities can show: requirements about labels that they do not have always
    /// hold and are left out, or never do. `told` is given each of them.
    pub(super) fn seen(
        &self,
        mut set: PodSet,
        of_namespaces: bool,
        told: &mut dyn FnMut(&Requirement, String),
    ) -> Option<PodSet> {
        let mut doubt = None;
        let mut possible = true;
        let mut visible = |all: &mut Vec<Requirement>, keeps: &dyn Fn(&str) -> Truth| {
            all.retain(|requirement| {
                let absent = requirement.holds_for(None);
                let key = &*requirement.key;
                match keeps(key) {
                    Truth::Yes => return true,
                    Truth::No => {
                        told(requirement, not_looked_at(key, absent));
                        possible &= absent;
                        return false;
                    }
                    Truth::Unknown => {
                        doubt.get_or_insert_with(|| perhaps_looked_at(key));
                    }
                }
                !absent
            });
        };
        visible(&mut set.pods.requirements, &|key| self.keeps(key));
        if let Namespaces::Matching(selector) = &mut set.namespaces
            && of_namespaces
        {
            visible(&mut selector.requirements, &|key| self.keeps_of_namespace(key));
        }
        set.doubt = set.doubt.or(doubt.map(Into::into));
        possible.then_some(set)
    }

    /// As [`LabelFilter::keeps`], for a label of a namespace.
    pub(super) fn keeps_of_namespace(&self, key: &str) -> Truth {
        self.keeps(&format!("{NAMESPACE_LABELS}{key}"))
    }
}

/// What becomes of a requirement about a label that identities do not have.
pub(super) fn not_looked_at(key: &str, always: bool) -> String {
    let then = if always { "so this always holds" } else { "so this never matches" };
    format!(
        "asks for label {key}, which Cilium does not look at unless its option labels says so: {then}"
    )
}

/// Why a requirement is only perhaps looked at, as the end of a sentence.
pub(super) fn perhaps_looked_at(key: &str) -> String {
    format!(
        "whether Cilium looks at label {key} depends on its option labels, which is not understood"
    )
}

impl Pattern {
    /// `[SOURCE:][!]PATTERN`, where the pattern is a regular expression; `None` for one that is more
    /// than characters, `.` and `.*`.
    fn parse(text: &str) -> Option<Self> {
        let (source, rest) = text.split_once(':').unwrap_or(("", text));
        let (leaves_out, rest) = rest.strip_prefix('!').map_or((false, rest), |rest| (true, rest));
        let mut tokens = Vec::new();
        // Only a match at the start of the key counts.
        let rest = rest.strip_prefix('^').unwrap_or(rest);
        let mut bytes = rest.bytes().peekable();
        while let Some(byte) = bytes.next() {
            tokens.push(match byte {
                b'\\' => Token::Is(bytes.next().filter(u8::is_ascii_punctuation)?),
                b'.' if bytes.next_if_eq(&b'*').is_some() => Token::Run,
                b'.' => Token::Any,
                b'*' | b'+' | b'?' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'|' | b'^'
                | b'$' => {
                    return None;
                }
                other => Token::Is(other),
            });
        }
        (!tokens.is_empty()).then(|| Self { leaves_out, source: source.to_owned(), tokens })
    }

    /// How long a match at the start of a key is, where there is one.
    fn matches(&self, key: &str) -> Option<usize> {
        let key = key.as_bytes();
        // Most patterns differ in what they begin with.
        let differs = |(at, token): (usize, &Token)| match token {
            Token::Is(byte) => Some(key.get(at) != Some(byte)),
            Token::Any | Token::Run => None,
        };
        if self.tokens.iter().enumerate().map_while(differs).any(|differs| differs) {
            return None;
        }
        // From each place, where a match of the tokens that follow ends.
        let mut ends: Vec<Option<usize>> = (0..=key.len()).map(Some).collect();
        for token in self.tokens.iter().rev() {
            let after = |at: usize| ends.get(at + 1).copied().flatten();
            ends = match token {
                Token::Is(byte) => {
                    let is = |at: usize| key.get(at) == Some(byte);
                    (0..=key.len()).map(|at| after(at).filter(|_| is(at))).collect()
                }
                Token::Any => (0..=key.len()).map(after).collect(),
                // The longest run from which the rest matches.
                Token::Run => {
                    let mut last = None;
                    let mut all: Vec<Option<usize>> = (0..=key.len())
                        .rev()
                        .map(|at| {
                            last = last.or(ends.get(at).copied().flatten());
                            last
                        })
                        .collect();
                    all.reverse();
                    all
                }
            };
        }
        ends.first().copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(filter: &LabelFilter, key: &str) -> Truth {
        filter.keeps(key)
    }

    /// docs/semantics/cilium-labels.md#label-filter: by what a key begins with, and what is kept wins
    /// where it says more.
    #[test]
    fn defaults() {
        let filter = LabelFilter::new(CiliumVersion::V1_19);
        for (key, keeps) in [
            ("app", true),
            ("app.kubernetes.io/name", true),
            ("io.kubernetes.pod.namespace", true),
            ("io.kubernetes.pod.name", false),
            ("io.cilium.k8s.policy.serviceaccount", true),
            ("kubernetes.io/arch", false),
            ("example.com/kubernetes.io", true),
            ("statefulset.kubernetes.io/pod-name", false),
            ("apps.kubernetes.io/pod-index", false),
            ("batch.kubernetes.io/job-completion-index", false),
            ("batch.kubernetes.io/controller-uid", false),
            ("batch.kubernetes.io/job-name", true),
            ("failure-domain.beta.kubernetes.io/zone", false),
            ("k8s.io/x", false),
            ("pod-template-generation", false),
            ("pod-template-hash", false),
            ("controller-revision-hash", false),
            ("controller-uid", false),
            ("annotations", false),
            ("etcd_node", false),
            ("topology.kubernetes.io/zone", false),
        ] {
            assert_eq!(filter.keeps(key), keeps.into(), "{key}");
        }
        let older = LabelFilter::new(CiliumVersion::V1_18);
        assert_eq!(older.keeps("topology.kubernetes.io/zone"), Truth::Yes);
        assert_eq!(filter.keeps_of_namespace("kubernetes.io/metadata.name"), Truth::Yes);
        assert_eq!(filter.keeps_of_namespace("zone.beta.kubernetes.io/x"), Truth::No);
    }

    /// `labels` is added to the defaults; one that keeps makes it a list of what is kept.
    #[test]
    fn configured() {
        let of = |labels: &str| LabelFilter::configured(CiliumVersion::V1_19, labels, "");
        assert_eq!(of(" "), LabelFilter::new(CiliumVersion::V1_19));
        let some = of(r"k8s:app k8s:team\.example\.com/.*");
        for (key, keeps) in [
            ("app", true),
            ("apple", true),
            ("tier", false),
            ("team.example.com/a", true),
            ("app.kubernetes.io/name", true),
            ("pod-template-hash", false),
            ("io.kubernetes.pod.namespace", true),
        ] {
            assert_eq!(some.keeps(key), keeps.into(), "{key}");
        }
        let fewer = of("k8s:!tier !a.b");
        for (key, keeps) in
            [("tier", false), ("app", true), ("axb", false), ("pod-template-hash", false)]
        {
            assert_eq!(fewer.keeps(key), keeps.into(), "{key}");
        }
        assert_eq!(of("k8s:pod-template-hash-.*").keeps("pod-template-hash-x"), Truth::Yes);
        assert_eq!(of("k8s:pod-template-hash").keeps("pod-template-hash"), Truth::No);
        assert_eq!(of("container:app").keeps("app"), Truth::No);
        for unknown in ["k8s:(a|b)", "k8s:", r"k8s:\d", "a+"] {
            assert_eq!(kept(&of(unknown), "app"), Truth::Unknown, "{unknown}");
        }
        let file = LabelFilter::configured(CiliumVersion::V1_19, "", "/etc/prefixes");
        assert_eq!(file.keeps("app"), Truth::Unknown);
    }
}
