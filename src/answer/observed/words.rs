//! The sentences on observation and prediction.

use crate::hubble::{DropReason, Flow, PolicyName};
use crate::observed::{Agreement, Likely, NotJudged, Observed, Unjoined};
use crate::policy::rule::Direction;

/// Why nothing is predicted.
pub(super) fn not_judged(why: &NotJudged) -> String {
    let end = |end: &str, why: &Unjoined| match why {
        Unjoined::NoPod { namespace, pod } => format!(
            "the {end} {namespace}/{pod} is not known here: it is gone, newer than what was read, \
             or of no workload that was"
        ),
        Unjoined::NoNode => format!("the {end} is a node that is not known here"),
        Unjoined::Nameless => format!("Hubble names neither pod nor address of the {end}"),
    };
    match why {
        NotJudged::Reply => "a reply, which passes where its connection does".to_owned(),
        NotJudged::OwnNode => "from the pod's own node, which always reaches it".to_owned(),
        NotJudged::NoAddress => "Hubble names no address, so the IP family is not known".to_owned(),
        NotJudged::Source(why) => end("source", why),
        NotJudged::Destination(why) => end("destination", why),
    }
}

/// What the comparison comes to.
pub(super) fn agreement(flow: &Flow, observed: Observed, agreement: &Agreement) -> String {
    match (agreement, observed) {
        (Agreement::AsPredicted, Observed::Audited) => {
            "as predicted (in audit mode, else it would be dropped)".to_owned()
        }
        (Agreement::AsPredicted, _) => "as predicted".to_owned(),
        (Agreement::Differs(_), Observed::Allowed) => {
            "not as predicted, which is denied".to_owned()
        }
        (Agreement::Differs(_), _) => "not as predicted, which is allowed".to_owned(),
        (Agreement::Arrived(_), _) => "not as predicted, since it arrived".to_owned(),
        (Agreement::NotKnown, _) => "the prediction is not known".to_owned(),
        (Agreement::NotCompared, Observed::DroppedOtherwise) => {
            format!("dropped by no policy but {}", dropped_by(flow))
        }
        (Agreement::NotCompared, Observed::Unclear) => {
            format!("dropped, perhaps by no policy: {}", dropped_by(flow))
        }
        (Agreement::NotCompared, _) => "not compared".to_owned(),
    }
}

fn dropped_by(flow: &Flow) -> String {
    flow.drop_reason.as_ref().map_or("no reason given", DropReason::as_str).to_owned()
}

/// A guess, in words.
pub(super) fn likely(flow: &Flow, likely: &Likely) -> String {
    match likely {
        Likely::WrittenLater(policy) => format!("{policy} was written after this flow"),
        Likely::NamedElsewhere(policy) => unread(policy),
        Likely::NotInForce(policy) => format!(
            "Hubble names {}, which is refused as it was read, so that it should not be in force",
            named(policy)
        ),
        Likely::DenyRule => {
            "a deny rule dropped it, and none of those that were read matches it".to_owned()
        }
        Likely::Authentication => "the two ends had to authenticate each other, and no rule that \
                                   was read asks for it"
            .to_owned(),
        Likely::Layer7 => {
            "an L7 rule dropped the request, and no rule that was read looks at it".to_owned()
        }
        Likely::BlockOfCluster => {
            "only an ipBlock admits it, and Cilium matches those with addresses outside the \
             cluster only"
                .to_owned()
        }
        Likely::Translated => {
            "an address was translated (NAT): by what was read it is another's".to_owned()
        }
        Likely::NotReady => "Cilium had no identity for the pod yet".to_owned(),
        Likely::AuditMode => "the policies of its source are in audit mode".to_owned(),
        Likely::OtherLabel(key, value) => {
            format!("the pod had {key}={value} then, and has not in what was read")
        }
        Likely::Manifests => "the manifests are not what the cluster has".to_owned(),
        Likely::NotRealised if flow.node.is_empty() => {
            "a policy that its node had not applied yet, or a connection older than it".to_owned()
        }
        Likely::NotRealised => format!(
            "a policy that node {} had not applied yet, or a connection older than it",
            flow.node
        ),
        Likely::Stale => {
            "policies or labels changed since, or a policy that was not read".to_owned()
        }
    }
}

/// A policy that Hubble names and that was not read.
pub(super) fn unread(policy: &PolicyName) -> String {
    format!("Hubble names {}, which is not among the policies that were read", named(policy))
}

fn named(policy: &PolicyName) -> String {
    let kind = if policy.kind.is_empty() { "policy" } else { &policy.kind };
    match &*policy.namespace {
        "" => format!("{kind} {}", policy.name),
        namespace => format!("{kind} {namespace}/{}", policy.name),
    }
}

/// What became of a flow in a direction, in few words.
pub fn seen(direction: Option<Direction>, observed: Observed) -> String {
    let direction = direction.map_or(String::new(), |direction| format!("{direction} "));
    let what = match observed {
        Observed::Allowed => "allowed",
        Observed::Denied => "denied",
        Observed::Audited => "audited",
        Observed::DroppedOtherwise | Observed::Unclear => "dropped",
        Observed::Seen => "seen",
    };
    format!("{direction}{what}")
}
