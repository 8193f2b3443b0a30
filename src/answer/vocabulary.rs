//! The words of answers that come from closed lists, where no engine has the list.
//!
//! Verdicts, directions, actions, protocols, families and truth values are the engines' own types.

use crate::hubble::Layer4;
use crate::intent::Holds;
use crate::observed::Agreement;
use crate::policy::rule::Tier;
use crate::verdict::{Reason, Verdict};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// Types of one word each, which is always the same.
macro_rules! constants {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name;

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($word)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "const": $word })
            }
        }
    )*};
}

constants! {
    /// The version of every machine-readable answer.
    ApiVersion = "netpol/v1alpha1";
    /// The kind of the answer of `explain`.
    ExplanationKind = "Explanation";
    /// The kind of the answer of `reach`.
    OnwardKind = "Reach";
    /// The kind of the answer of `probe`.
    ProbeKind = "Probe";
    /// The kind of the answer of `test`.
    TestReportKind = "TestReport";
    /// The kind of the answer of `list`.
    FlowListKind = "FlowList";
    /// The kind of the answer of `list --system`.
    SystemTrafficKind = "SystemTraffic";
    /// The kind of the answer of `diff`.
    DiffKind = "Diff";
    /// The kind of the answer of `summary`.
    SummaryKind = "Summary";
    /// The kind of the answer of `lint`.
    LintKind = "LintReport";
    /// The kind of the answer of `doctor`.
    CheckupKind = "Checkup";
    /// The kind of a line of `observe` that is a flow.
    ObservedFlowKind = "ObservedFlow";
    /// The kind of a line of `observe` on lost events.
    LostEventsKind = "LostEvents";
    /// The kind of the answer of `observe --summary`.
    ObservedSummaryKind = "ObservedSummary";
}

/// Enums whose words are written once, for text and for programs.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema,
        )]
        pub enum $name {
            $($(#[$of])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// Its word in answers.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}

words! {
    /// What became of a test.
    TestOutcome {
        /// It holds for everyone that its scope has.
        Proved = "Proved",
        /// It does not, and something shows that.
        Broken = "Broken",
        /// What is known does not decide, or not all of it was looked at.
        NotKnown = "NotKnown",
    }
    /// Why an answer is not complete.
    Missing {
        /// A flow may differ, and neither side is known.
        NotKnown = "NotKnown",
        /// It was not looked at to the end.
        GivenUp = "GivenUp",
        /// There were too many rules to ask what else pods with further labels could do.
        NotAsked = "NotAsked",
        /// There is neither a workload nor a policy.
        NothingToJudge = "NothingToJudge",
        /// No side has a pod or a policy, or no end is on both.
        NothingToCompare = "NothingToCompare",
        /// It depends on policies that are not in the input.
        OtherPolicies = "OtherPolicies",
        /// Something was not read, or is of a kind that is not judged.
        Unread = "Unread",
        /// Something was not made of what is written, and could bring a policy for anyone.
        NotMade = "NotMade",
        /// An object would be refused on one side only.
        Refused = "Refused",
    }
    /// Where the peers of a workload are.
    Scope {
        /// Addresses outside the cluster.
        Outside = "Outside",
        /// Nodes, and pods on their network.
        Nodes = "Nodes",
        /// Pods of other namespaces.
        OtherNamespaces = "OtherNamespaces",
        /// Pods of the same namespace.
        SameNamespace = "SameNamespace",
    }
    /// What is done to cut a way.
    CutKind {
        /// A rule is taken out, and its policy isolates as before.
        WithoutRule = "WithoutRule",
        /// Pods that nothing isolates are closed.
        Close = "Close",
    }
    /// What leads in from outside.
    EntranceKind {
        /// An Ingress.
        Ingress = "Ingress",
        /// A route of a Gateway.
        Gateway = "Gateway",
        /// A Route of OpenShift.
        Route = "Route",
        /// The load balancer of a Service.
        LoadBalancer = "LoadBalancer",
        /// An address of `externalIPs`.
        ExternalIp = "ExternalIP",
        /// A port of every node.
        NodePort = "NodePort",
        /// A port of the pod's own node.
        HostPort = "HostPort",
    }
    /// What becomes of all that was asked.
    Outcome {
        /// All of it passes.
        Allowed = "Allowed",
        /// None of it does.
        Denied = "Denied",
        /// Policies of one priority disagree.
        Ambiguous = "Ambiguous",
        /// What is known does not decide.
        Unknown = "Unknown",
        /// Some of it passes and some does not.
        Mixed = "Mixed",
    }

    /// What decides a direction.
    Because {
        /// Outside the cluster, where no policy judges.
        Outside = "Outside",
        /// A node, which no NetworkPolicy selects.
        Node = "Node",
        /// On its node's network, where NetworkPolicy does not apply.
        HostNetwork = "HostNetwork",
        /// A pod always reaches itself.
        SamePod = "SamePod",
        /// A node always reaches its own pods.
        OwnNode = "OwnNode",
        /// No policy isolates it.
        NotIsolated = "NotIsolated",
        /// A rule admits the flow.
        Admitted = "Admitted",
        /// A rule denies the flow.
        Refused = "Refused",
        /// Policies isolate, and no rule of them admits the flow.
        NoneAdmits = "NoneAdmits",
        /// Policies of one tier and priority disagree.
        Tie = "Tie",
        /// The network plugin is told to enforce no policy.
        NotEnforced = "NotEnforced",
        /// What is known does not decide.
        Unknown = "Unknown",
    }

    /// A tier in which the first rule that matches decides.
    OrderedTier {
        /// Before all others.
        Admin = "Admin",
        /// After all others.
        Baseline = "Baseline",
    }

    /// Whether what was observed is what is predicted.
    AsPredicted {
        /// It is.
        Yes = "Yes",
        /// It is not.
        No = "No",
        /// The prediction is not known.
        Unknown = "Unknown",
        /// The event says nothing that could be compared.
        NotCompared = "NotCompared",
    }

    /// What became of flows, as far as two ends are concerned.
    Fate {
        /// They went on.
        Forwarded = "forwarded",
        /// They did not.
        Dropped = "dropped",
        /// They would have been dropped, but for audit mode.
        Audited = "audited",
        /// They were seen on their way.
        Seen = "seen",
    }

    /// What a change does.
    ChangeKind {
        /// More gets through than before.
        Opened = "Opened",
        /// Less gets through.
        Closed = "Closed",
        /// It is on a condition as before, but another one.
        Conditions = "Conditions",
        /// It is not known any more.
        Unknown = "Unknown",
    }

    /// The protocol of an observed flow.
    ObservedProtocol {
        /// TCP.
        Tcp = "TCP",
        /// UDP.
        Udp = "UDP",
        /// SCTP.
        Sctp = "SCTP",
        /// ICMP for IPv4.
        IcmpV4 = "ICMPv4",
        /// ICMP for IPv6.
        IcmpV6 = "ICMPv6",
    }
}

impl From<Option<Verdict>> for Outcome {
    fn from(verdict: Option<Verdict>) -> Self {
        match verdict {
            Some(Verdict::Allowed) => Self::Allowed,
            Some(Verdict::Denied) => Self::Denied,
            Some(Verdict::Ambiguous) => Self::Ambiguous,
            Some(Verdict::Unknown) => Self::Unknown,
            None => Self::Mixed,
        }
    }
}

impl From<Reason> for Because {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Outside => Self::Outside,
            Reason::Node => Self::Node,
            Reason::HostNetwork => Self::HostNetwork,
            Reason::SamePod => Self::SamePod,
            Reason::OwnNode => Self::OwnNode,
            Reason::NotIsolated => Self::NotIsolated,
            Reason::Admitted => Self::Admitted,
            Reason::Refused => Self::Refused,
            Reason::NoneAdmits => Self::NoneAdmits,
            Reason::Tie => Self::Tie,
            Reason::NotEnforced => Self::NotEnforced,
            Reason::Unknown(_) => Self::Unknown,
        }
    }
}

impl OrderedTier {
    /// The tier, where it is one of these.
    pub(super) fn of(tier: &Tier) -> Option<Self> {
        match tier {
            Tier::Admin(_) => Some(Self::Admin),
            Tier::Normal | Tier::Named(_) => None,
            Tier::Baseline(_) => Some(Self::Baseline),
        }
    }
}

impl From<Holds> for TestOutcome {
    fn from(holds: Holds) -> Self {
        match holds {
            Holds::Proved => Self::Proved,
            Holds::NotKnown => Self::NotKnown,
            Holds::Broken => Self::Broken,
        }
    }
}

impl From<&Agreement> for AsPredicted {
    fn from(agreement: &Agreement) -> Self {
        match agreement {
            Agreement::AsPredicted => Self::Yes,
            Agreement::Differs(_) | Agreement::Arrived(_) => Self::No,
            Agreement::NotKnown => Self::Unknown,
            Agreement::NotCompared => Self::NotCompared,
        }
    }
}

impl ObservedProtocol {
    /// The protocol of a flow, where Hubble names one.
    pub(super) fn of(l4: Layer4) -> Option<Self> {
        use crate::cluster::Protocol;
        let protocol = match l4 {
            Layer4::Ports { protocol, .. } => protocol,
            Layer4::Icmp { v6: false, .. } => Protocol::Icmp,
            Layer4::Icmp { v6: true, .. } => Protocol::IcmpV6,
            Layer4::Other => return None,
        };
        Some(match protocol {
            Protocol::Tcp => Self::Tcp,
            Protocol::Udp => Self::Udp,
            Protocol::Sctp => Self::Sctp,
            Protocol::Icmp => Self::IcmpV4,
            Protocol::IcmpV6 => Self::IcmpV6,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cluster::{Family, Protocol};
    use crate::hubble;
    use crate::policy::rule::{Action, Direction};
    use crate::verdict::{Passage, Verdict};
    use serde::Serialize;

    fn says(word: impl Serialize, text: &(impl ToString + ?Sized)) {
        assert_eq!(serde_json::to_value(word).unwrap(), text.to_string());
    }

    /// Words that engines have for text are the same for programs.
    #[test]
    fn programs_and_people_read_the_same_words() {
        for word in [Verdict::Allowed, Verdict::Denied, Verdict::Ambiguous, Verdict::Unknown] {
            says(word, word.as_str());
        }
        for word in [Passage::Denied, Passage::Unknown, Passage::OnCondition, Passage::Allowed] {
            says(word, word.as_str());
        }
        for word in [Action::Allow, Action::Deny, Action::Pass] {
            says(word, word.as_str());
        }
        for word in Direction::ALL {
            says(word, &word);
        }
        for word in Family::ALL {
            says(word, &word);
        }
        for word in hubble::Verdict::ALL {
            says(word, word.as_str());
        }
        for word in [Protocol::Tcp, Protocol::Udp, Protocol::Sctp, Protocol::Icmp, Protocol::IcmpV6]
        {
            says(word, &word);
        }
    }
}
