//! The smallest NetworkPolicies that would let flows pass.
//!
//! In: an explanation. Out: one [`Suggestion`] for each namespace and direction in which a policy is
//! missing, already tried: with all of them in force the same question is answered Allowed. They open
//! the ports of the explained cases between the two ends and nothing else.

use super::explain::{Case, Explanation, Question, explain};
use super::ports::CasePorts;
use super::trace::{Endpoint, Reason, Verdict};
use crate::cluster::{Labels, Name, Operator, Origin, PodId, Port, Snapshot};
use crate::policy::rule::{Direction, Tier};
use crate::policy::{PolicyId, Ruleset, networkpolicy};
use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer,
    NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// A policy that is missing.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// The side on which it is missing.
    pub direction: Direction,
    /// The policy, ready to apply.
    pub policy: NetworkPolicy,
}

/// Why no policy can be suggested.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSuggestion {
    /// Everything is allowed.
    #[error("every flow that was asked about is allowed")]
    AllAllowed,
    /// A NetworkPolicy cannot name the other end.
    #[error("no NetworkPolicy can name {0}, only pods by labels and addresses: use its address")]
    Unnameable(String),
    /// The pods have no labels to select them by.
    #[error("{0} has no labels, so no policy can select it alone: give it a label")]
    NoLabels(String),
    /// A rule denies the flow, and no rule that allows overrules it.
    #[error("{0} {1} denies it, and no policy that allows overrules that: change it there")]
    Refused(String, Box<str>),
    /// Allowing rules were tried and the flow stayed denied.
    #[error("no NetworkPolicy that only allows would let the flow pass")]
    NotEnough,
}

/// Suggests what is missing for every case about a port that was asked for or declared and is not
/// certainly allowed.
///
/// `explanation` must be the answer to `question`.
pub fn suggest(
    snapshot: &Snapshot,
    rules: &Ruleset,
    question: &Question<'_>,
    explanation: &Explanation,
) -> Result<Vec<Suggestion>, NoSuggestion> {
    // A Baseline policy comes after NetworkPolicies, so that one of these can overrule it.
    let mut refusals = not_allowed(explanation).filter_map(refused);
    let is_final =
        |(policy, _): &(PolicyId, usize)| !matches!(rules.policy(*policy).tier, Tier::Baseline(_));
    if let Some((policy, entry)) = refusals.find(is_final) {
        let policy = rules.policy(policy);
        let path = policy.entries.get(entry).map_or_else(Box::default, |e| e.path.clone());
        return Err(NoSuggestion::Refused(policy.object.to_string(), path));
    }
    let builder = Builder { snapshot, rules };
    let mut suggestions: Vec<Suggestion> = Vec::new();
    for direction in [Direction::Egress, Direction::Ingress] {
        let mut openings: Vec<Opening> = Vec::new();
        for case in not_allowed(explanation) {
            builder.collect(case, direction, &mut openings)?;
        }
        for opening in openings {
            let policy = builder.policy(direction, &opening);
            suggestions.push(Suggestion { direction, policy });
        }
    }
    if suggestions.is_empty() {
        return Err(NoSuggestion::AllAllowed);
    }
    let mut with = rules.clone();
    for suggestion in &suggestions {
        let written = as_written(&suggestion.policy).ok_or(NoSuggestion::NotEnough)?;
        with.add_network_policy(&written);
    }
    match explain(snapshot, &with, question) {
        Ok(then) if with.rejected == rules.rejected && not_allowed(&then).next().is_none() => {
            Ok(suggestions)
        }
        _ => Err(NoSuggestion::NotEnough),
    }
}

/// The rule that denies a case.
fn refused(case: &Case) -> Option<(PolicyId, usize)> {
    let directions = [&case.judgement.egress, &case.judgement.ingress];
    directions.into_iter().find(|trace| trace.reason == Reason::Refused)?.decided_by
}

fn not_allowed(explanation: &Explanation) -> impl Iterator<Item = &Case> {
    explanation
        .cases
        .iter()
        .filter(|case| case.judgement.verdict != Verdict::Allowed && !case.ports.is_undeclared())
}

/// A policy of ours as if it had been read, to try it.
pub(crate) fn as_written(policy: &NetworkPolicy) -> Option<networkpolicy::NetworkPolicy> {
    let NetworkPolicy { metadata, spec } = policy;
    Some(networkpolicy::NetworkPolicy {
        namespace: metadata.namespace.as_deref()?.into(),
        name: metadata.name.as_deref()?.into(),
        origin: Origin::Synthetic,
        spec: serde_json::from_value(serde_json::to_value(spec).ok()?).ok()?,
    })
}

/// What one policy is to open.
#[derive(PartialEq, Eq)]
struct Opening {
    namespace: Name,
    subject: Who,
    peer: Who,
    ports: BTreeSet<Port>,
}

/// One side of an opening.
#[derive(Clone, PartialEq, Eq)]
enum Who {
    Pods { namespace: Name, name: Name, labels: Labels },
    Address(IpAddr),
}

struct Builder<'a> {
    snapshot: &'a Snapshot,
    rules: &'a Ruleset,
}

impl Builder<'_> {
    fn collect(
        &self,
        case: &Case,
        direction: Direction,
        openings: &mut Vec<Opening>,
    ) -> Result<(), NoSuggestion> {
        let CasePorts::One(port) = case.ports else { return Ok(()) };
        let (subjects, peers, trace) = match direction {
            Direction::Egress => (&case.sources, &case.destinations, &case.judgement.egress),
            Direction::Ingress => (&case.destinations, &case.sources, &case.judgement.ingress),
        };
        if trace.verdict == Verdict::Allowed {
            return Ok(());
        }
        for subject in self.whos(subjects)? {
            let Who::Pods { namespace, .. } = &subject else { continue };
            for peer in self.whos(peers)? {
                let known = openings.iter_mut().find(|o| o.subject == subject && o.peer == peer);
                match known {
                    Some(opening) => {
                        opening.ports.insert(port);
                    }
                    None => openings.push(Opening {
                        namespace: namespace.clone(),
                        subject: subject.clone(),
                        peer,
                        ports: [port].into(),
                    }),
                }
            }
        }
        Ok(())
    }

    fn whos(&self, endpoints: &[Endpoint]) -> Result<Vec<Who>, NoSuggestion> {
        let mut whos: Vec<Who> = Vec::new();
        for endpoint in endpoints {
            let who = match endpoint {
                Endpoint::Pod(id) if self.snapshot.pod(*id).host_network => {
                    let pod = self.snapshot.pod(*id);
                    let address = pod.ips.first().copied();
                    address.map(Who::Address).ok_or_else(|| {
                        NoSuggestion::Unnameable(format!("{} on its node's network", pod.object()))
                    })?
                }
                Endpoint::Pod(id) => self.pods(*id)?,
                Endpoint::Address(address) => Who::Address(*address),
                Endpoint::Node(node) => {
                    let node = &self.snapshot.nodes[*node];
                    let address = node.ips.first().copied();
                    let name = || NoSuggestion::Unnameable(format!("node {}", node.name));
                    Who::Address(address.ok_or_else(name)?)
                }
                Endpoint::Name(name) => return Err(NoSuggestion::Unnameable(name.to_string())),
            };
            if !whos.contains(&who) {
                whos.push(who);
            }
        }
        Ok(whos)
    }

    /// The labels by which a workload knows its pods, else those of the pod that last.
    fn pods(&self, id: PodId) -> Result<Who, NoSuggestion> {
        let pod = self.snapshot.pod(id);
        let workload = pod.owner.map(|owner| &self.snapshot.workloads[owner]);
        let name = workload.map_or(&pod.name, |workload| &workload.object.name).clone();
        let selector = workload.and_then(|workload| workload.selector.as_ref());
        let by_selector: Option<Labels> = selector.and_then(|selector| {
            let pairs = selector.requirements.iter().map(|r| match &r.operator {
                Operator::In(values) if values.len() == 1 => {
                    Some((r.key.clone(), values[0].clone()))
                }
                _ => None,
            });
            pairs.collect::<Option<Vec<_>>>().map(Labels::from_iter)
        });
        let labels = by_selector.filter(|labels| !labels.is_empty());
        let labels = labels.unwrap_or_else(|| pod.labels.lasting());
        if labels.is_empty() {
            return Err(NoSuggestion::NoLabels(pod.object().to_string()));
        }
        Ok(Who::Pods { namespace: pod.namespace.clone(), name, labels })
    }

    fn policy(&self, direction: Direction, opening: &Opening) -> NetworkPolicy {
        let Opening { namespace, subject, peer, ports } = opening;
        let peer_item = vec![peer.item(namespace)];
        let ports = Some(ports.iter().copied().map(port_item).collect());
        let (ingress, egress) = match direction {
            Direction::Ingress => {
                (Some(vec![NetworkPolicyIngressRule { from: Some(peer_item), ports }]), None)
            }
            Direction::Egress => {
                (None, Some(vec![NetworkPolicyEgressRule { to: Some(peer_item), ports }]))
            }
        };
        let (kind, from, to) = match direction {
            Direction::Ingress => ("Ingress", peer, subject),
            Direction::Egress => ("Egress", subject, peer),
        };
        let name = format!("allow-{}-to-{}", from.name(namespace), to.name(namespace));
        let name = self.free_name(namespace, &name);
        NetworkPolicy {
            metadata: ObjectMeta {
                name: Some(name),
                namespace: Some(namespace.to_string()),
                ..ObjectMeta::default()
            },
            spec: Some(NetworkPolicySpec {
                pod_selector: subject.selector(),
                policy_types: Some(vec![kind.to_owned()]),
                ingress,
                egress,
            }),
        }
    }

    /// A name that no policy of the namespace has, since applying must not replace one.
    fn free_name(&self, namespace: &Name, wanted: &str) -> String {
        const LONGEST: usize = 240;
        let wanted: String = wanted
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .take(LONGEST)
            .collect();
        let wanted = wanted.trim_matches('-');
        let taken =
            |name: &str| {
                let rejected = self.rules.rejected.iter().map(|remark| &remark.object);
                self.rules.policies().iter().map(|policy| &policy.object).chain(rejected).any(
                    |object| object.namespace.as_ref() == Some(namespace) && *object.name == *name,
                )
            };
        let mut name = wanted.to_owned();
        let mut n = 1;
        while taken(&name) {
            n += 1;
            name = format!("{wanted}-{n}");
        }
        name
    }
}

impl Who {
    fn selector(&self) -> Option<LabelSelector> {
        let Self::Pods { labels, .. } = self else { return None };
        let match_labels = labels.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        Some(LabelSelector { match_labels: Some(match_labels), ..LabelSelector::default() })
    }

    fn item(&self, home: &Name) -> NetworkPolicyPeer {
        match self {
            Self::Pods { namespace, .. } => {
                let other = (namespace != home).then(|| LabelSelector {
                    match_labels: Some(
                        [("kubernetes.io/metadata.name".to_owned(), namespace.to_string())].into(),
                    ),
                    ..LabelSelector::default()
                });
                NetworkPolicyPeer {
                    namespace_selector: other,
                    pod_selector: self.selector(),
                    ip_block: None,
                }
            }
            Self::Address(address) => {
                let length = if address.is_ipv4() { 32 } else { 128 };
                let block = IPBlock { cidr: format!("{address}/{length}"), except: None };
                NetworkPolicyPeer { ip_block: Some(block), ..NetworkPolicyPeer::default() }
            }
        }
    }

    fn name(&self, home: &Name) -> String {
        match self {
            Self::Pods { namespace, name, .. } if namespace == home => name.to_string(),
            Self::Pods { namespace, name, .. } => format!("{namespace}-{name}"),
            Self::Address(address) => address.to_string(),
        }
    }
}

fn port_item(port: Port) -> NetworkPolicyPort {
    NetworkPolicyPort {
        protocol: Some(port.protocol.to_string()),
        port: Some(IntOrString::Int(port.number.into())),
        end_port: None,
    }
}
