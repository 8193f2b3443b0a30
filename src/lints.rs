//! The lints: the one table of what may be said of a policy that does not do what it seems to.
//!
//! In: a lint, or its id as people write it. Out: what the table says of it: how much it weighs, and
//! what it is in a line. What, why, an example and how to mend it stand in `docs/lint/README.md`, a
//! section each. Whatever tells of a policy refers to a row here: the lowering of each dialect, and
//! the room `lint/`, which asks the engines.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It is good to know.
    Note,
    /// It should be looked at.
    Warning,
    /// It has to be mended.
    Error,
}

impl Severity {
    /// All of them, the lightest first.
    pub const ALL: [Self; 3] = [Self::Note, Self::Warning, Self::Error];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// From lines `/// about` and `Variant = "id", Severity, "title"` to the lints.
macro_rules! lints {
    ($($(#[$doc:meta])* $variant:ident = $id:literal, $severity:ident, $title:literal;)*) => {
        /// One lint.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Lint {
            $($(#[$doc])* $variant,)*
        }

        impl Lint {
            /// All of them, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// What it is called in answers, in settings and in comments.
            pub fn id(self) -> &'static str {
                match self {
                    $(Self::$variant => $id,)*
                }
            }

            /// How much it weighs unless settings say otherwise.
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$variant => Severity::$severity,)*
                }
            }

            /// What it is, in a line.
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)*
                }
            }
        }
    };
}

lints! {
    /// The API server would refuse the object, so that it is in force nowhere.
    Refused = "refused", Error, "The API server refuses the policy";
    /// Cilium's agent rejects the object, so that nothing of it is enforced.
    RejectedByAgent = "rejected-by-agent", Error, "Cilium's agent rejects the policy";
    /// Whoever enforces policies here does not enforce this.
    NotEnforced = "not-enforced", Error, "Nothing enforces it here";
    /// Rules of a direction that `policyTypes` does not list.
    DirectionNotListed = "direction-not-listed", Error, "Rules of a direction that policyTypes does not list";
    /// A field that nobody knows.
    UnknownField = "unknown-field", Error, "A field that is not known";
    /// A field that counts for nothing.
    IgnoredField = "ignored-field", Warning, "A field that is ignored";
    /// A variable that nobody filled in.
    UnfilledVariable = "unfilled-variable", Warning, "A variable that is not filled in";
    /// What cannot be told from here, or is not judged.
    NotJudged = "not-judged", Note, "What it means is not judged here";
    /// A form that newer versions refuse or have given up.
    OldForm = "old-form", Warning, "A form that newer versions do not take";
    /// What versions, settings or dataplanes read differently.
    VersionDependent = "version-dependent", Warning, "Versions or dataplanes read it differently";
    /// A block of addresses with bits beyond its length.
    HostBits = "host-bits", Note, "A block whose address is not its first";
    /// A rule that matches nobody or nothing.
    EmptyRule = "empty-rule", Warning, "A rule or policy that does nothing";
    /// A selector that nothing can match.
    MatchesNothing = "matches-nothing", Warning, "A selector that nothing can match";
    /// A label that Cilium's identities do not have.
    LabelNotSeen = "label-not-seen", Error, "A label that Cilium does not look at";
    /// A selector that matches more than pods.
    MatchesMore = "matches-more", Warning, "A selector that matches more than pods";
    /// A field that seems to close, and leaves everyone.
    MeansAnyone = "means-anyone", Error, "An empty list that means anyone";
    /// Names that Cilium does not learn.
    NamesNotLearned = "names-not-learned", Error, "Names whose addresses Cilium never learns";
    /// A block that has addresses which Cilium does not look up in blocks.
    BlockOfOthers = "block-of-pods", Error, "A block of addresses that Cilium takes for pods or nodes";
    /// Taking a policy away changes no flow.
    DeadPolicy = "dead-policy", Warning, "A policy without which no flow changes";
    /// Taking a rule away changes no flow.
    DeadRule = "dead-rule", Warning, "A rule without which no flow changes";
    /// Taking a peer of a rule away changes no flow.
    DeadPeer = "dead-peer", Note, "A peer without which no flow changes";
    /// A rule that says what another one says.
    SameRule = "same-rule", Warning, "Two rules that say the same";
    /// A rule behind others that decide all of its flows.
    ShadowedRule = "shadowed-rule", Warning, "A rule in the shadow of others";
    /// A condition that another rule makes void.
    VoidCondition = "void-condition", Warning, "A condition that another rule makes void";
    /// One side of a flow is opened, and the other is closed for everyone that is known.
    OtherSideClosed = "other-side-closed", Warning, "A rule whose other side is closed";
    /// The port of a Service where the pod's is meant.
    ServicePort = "service-port", Error, "The Service's port where the pod's is meant";
    /// A name that no selected pod has for a port.
    PortName = "port-name", Error, "A name that no selected pod has for a port";
    /// A number that no selected pod declares among its ports.
    PortNumber = "port-number", Note, "A port that no selected pod declares";
    /// Port 53 without UDP.
    DnsWithoutUdp = "dns-without-udp", Error, "DNS by TCP alone";
    /// Egress that is closed without a way to DNS.
    NoDns = "no-dns", Warning, "Egress without a way to DNS";
    /// `from` and `ports` in two rules.
    SplitRule = "split-rule", Warning, "Peers and ports in two rules";
    /// A namespaceSelector and a podSelector in two peers.
    SplitPeer = "split-peer", Warning, "Namespace and pods in two peers";
    /// A block of everything in one family only.
    OneFamily = "one-family", Warning, "Everything in one family of addresses only";
    /// Blocks that together are everything.
    InternetInPieces = "internet-in-pieces", Warning, "Blocks that together are the internet";
    /// An exception that another rule opens.
    ExceptionOpened = "exception-opened", Warning, "An exception that another rule opens";
    /// Open to whoever there is.
    OpenToAnyone = "open-to-anyone", Note, "Open to anyone, the outside included";
    /// Open to every pod of the cluster.
    OpenToAllNamespaces = "open-to-all-namespaces", Note, "Open to all namespaces";
    /// The port of an ambient mesh, by which every port is carried, open to everyone.
    HboneOpen = "hbone-open", Warning, "HBONE open to everyone";
    /// A label that changes with each release.
    ReleaseLabel = "release-label", Warning, "A label that changes with each release";
    /// A label that a namespace of that name does not have.
    NamespaceLabel = "namespace-label", Warning, "A label that no namespace has";
    /// Known pods, none of which a selector means.
    NoKnownPod = "no-known-pod", Note, "A selector that means no pod that is known";
    /// A kind that a newer one replaces.
    OldKind = "old-kind", Note, "A kind that a newer one replaces";
    /// Pods on their nodes' networks.
    HostNetwork = "host-network", Warning, "Pods on their nodes' networks only";
    /// Two policies of one priority that disagree.
    PriorityTie = "priority-tie", Warning, "Two policies of one priority that disagree";
    /// Traffic that the cluster depends on is cut.
    SystemCut = "system-cut", Error, "What the cluster depends on is cut";
    /// A comment that is to allow a finding and does not.
    BadAllow = "bad-allow", Warning, "A comment that allows nothing";
}

/// Where the pages are, in the repository.
const PAGES: &str = "docs/lint/README.md";

impl Lint {
    /// Where it is explained, in the repository.
    pub fn page(self) -> String {
        format!("{PAGES}#{}", self.id())
    }

    /// The id that a word was probably to be, if one is near.
    pub fn nearest(word: &str) -> Option<Self> {
        let likeness = |lint: &Self| strsim::jaro_winkler(lint.id(), word);
        let best = Self::ALL.iter().copied().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        best.filter(|best| likeness(best) > 0.7)
    }
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// No lint has this id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no lint {word:?}{}", .nearest.map_or(String::new(), |it| format!("; did you mean {it}?")))]
pub struct NoSuchLint {
    word: String,
    nearest: Option<Lint>,
}

impl FromStr for Lint {
    type Err = NoSuchLint;

    fn from_str(word: &str) -> Result<Self, NoSuchLint> {
        let found = Self::ALL.iter().copied().find(|lint| lint.id() == word);
        found.ok_or_else(|| NoSuchLint { word: word.to_owned(), nearest: Self::nearest(word) })
    }
}

impl Serialize for Lint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

impl JsonSchema for Lint {
    fn schema_name() -> Cow<'static, str> {
        "Lint".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let ids: Vec<&str> = Self::ALL.iter().map(|lint| lint.id()).collect();
        json_schema!({ "type": "string", "enum": ids, "description": "What is found, by its id." })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_words_that_are_read_again() {
        let ids: BTreeSet<&str> = Lint::ALL.iter().map(|lint| lint.id()).collect();
        assert_eq!(ids.len(), Lint::ALL.len());
        for lint in Lint::ALL {
            assert_eq!(lint.id().parse(), Ok(*lint));
            assert!(lint.id().bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{lint}");
            assert!(!lint.title().ends_with('.'), "{lint}");
        }
        let error = "dead-rul".parse::<Lint>().unwrap_err().to_string();
        assert_eq!(error, "there is no lint \"dead-rul\"; did you mean dead-rule?");
        assert_eq!("?".parse::<Lint>().unwrap_err().to_string(), "there is no lint \"?\"");
    }
}
