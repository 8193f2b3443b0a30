//! Label selectors of Cilium, and whom they mean.
//!
//! In: a selector whose keys may have a source. Out: pods by their own labels and those of their
//! namespaces, and entities by their reserved labels. Source: docs/semantics/cilium-labels.md.

use super::super::enforcer::OTHER_CLUSTERS;
use super::super::identity::{NAMESPACE_LABELS, not_looked_at, perhaps_looked_at};
use super::super::rule::{Entities, Namespaces, PeerKind, PodSet, Scope};
use super::super::selector::{Unfilled, label_key_fault};
use super::super::variables::variable;
use super::super::{CiliumVersion, Fault};
use super::lower::Lowering;
use super::written::WrittenSelector;
use crate::cluster::{
    AddressBlock, NAMESPACE_NAME_LABEL, Name, Operator, Requirement, Selector, Truth,
};
use crate::lints::Lint;

/// The key by which selectors see the namespace of a pod.
const NAMESPACE: &str = "io.kubernetes.pod.namespace";
/// The key by which selectors see the cluster of a pod.
const CLUSTER: &str = "io.cilium.k8s.policy.cluster";

/// What labels of Cilium's own begin with, which no CIDR group hands on.
const OF_CILIUM: &str = "io.cilium";

/// The source of a key and the key without it; no source is as good as `any`.
fn split(key: &str) -> (&str, &str) {
    key.split_once(':').unwrap_or(("any", key))
}

fn bare(key: &str) -> &str {
    split(key).1
}

/// What is wrong with a key: up to 1.19 the agent looks at it with its source before a dot.
///
/// Source: docs/semantics/cilium-objects.md#patterns-of-text; `EndpointSelector.Sanitize` in Cilium's
/// pkg/policy/api/selector.go.
fn key_fault(version: CiliumVersion, key: &str) -> Option<String> {
    if version >= CiliumVersion::V1_20 {
        return label_key_fault(bare(key));
    }
    let (source, bare) = split(key);
    label_key_fault(&format!("{source}.{bare}"))
}

/// A selector taken apart by what its requirements ask about.
#[derive(Clone, Debug, Default)]
pub(super) struct Terms {
    /// About the pod's own labels.
    pods: Vec<Requirement>,
    /// About its namespace.
    namespaces: Vec<Requirement>,
    /// About reserved labels, which pods do not have.
    reserved: Vec<Requirement>,
    /// It says itself which namespace.
    pub(super) has_namespace: bool,
    has_namespace_labels: bool,
    has_cluster: bool,
    /// A namespace or cluster was asked for on its behalf, so that only pods can match.
    pods_only: bool,
    /// No pod can match.
    no_pods: bool,
    /// Nothing that has no labels of pods can match.
    only_labelled: bool,
    /// Only pods have a label that must be there, since its key names that source.
    only_of_pods: bool,
    /// Keys that labels of any source may have.
    pub(super) of_any_source: Vec<Name>,
    /// What cannot be told, as the end of a sentence.
    doubt: Option<String>,
    /// Others whom it perhaps means, and why that is not told here.
    others: Option<(String, Scope)>,
}

/// A non-pod identity, by its reserved labels.
const HOST: &[&str] = &["host"];
const REMOTE_NODE: &[&str] = &["remote-node"];
pub(super) const WORLD: &[&str] = &["world"];
pub(super) const WORLD_IPV4: &[&str] = &["world-ipv4"];
pub(super) const WORLD_IPV6: &[&str] = &["world-ipv6"];
pub(super) const API_SERVER: &[&str] = &["kube-apiserver"];
const INGRESS: &[&str] = &["ingress"];

impl Terms {
    /// Whether the requirements hold for whatever has only these reserved labels.
    pub(super) fn holds_for(&self, labels: &[&str]) -> bool {
        !self.pods_only
            && !self.only_labelled
            && self.reserved.iter().all(|requirement| {
                requirement.holds_for(labels.contains(&&*requirement.key).then_some(""))
            })
    }

    /// Whether an end that is no pod may match by labels of its own.
    pub(super) fn may_mean_others(&self) -> bool {
        !self.pods_only && !self.only_of_pods
    }

    /// The same but for the keys that labels of any source may have.
    pub(super) fn of_reserved(&self) -> Self {
        Self { reserved: self.reserved.clone(), ..Self::default() }
    }

    /// Both must hold.
    pub(super) fn and(&mut self, other: &Self) {
        self.pods.extend(other.pods.iter().cloned());
        self.namespaces.extend(other.namespaces.iter().cloned());
        self.reserved.extend(other.reserved.iter().cloned());
        self.pods_only |= other.pods_only;
        self.no_pods |= other.no_pods;
        self.only_labelled |= other.only_labelled;
        self.only_of_pods |= other.only_of_pods;
        self.of_any_source.extend(other.of_any_source.iter().cloned());
        self.doubt = self.doubt.take().or_else(|| other.doubt.clone());
        self.others = self.others.take().or_else(|| other.others.clone());
    }

    /// Whether it asks about a reserved label, be it that it is not there.
    pub(super) fn has_reserved(&self) -> bool {
        !self.reserved.is_empty()
    }

    /// Whether it speaks of endpoints whose labels are not known yet.
    pub(super) fn has_init(&self) -> bool {
        self.reserved.iter().any(|requirement| &*requirement.key == "init")
    }

    fn require_name(&mut self, name: &Name) {
        let operator = Operator::In(vec![name.clone()]);
        self.namespaces.push(Requirement::new(NAMESPACE_NAME_LABEL, operator));
    }

    /// The pods it means; `None` where no pod can match.
    fn pods(&self, own: Option<&Name>) -> Option<PodSet> {
        if self.no_pods || self.reserved.iter().any(|requirement| !requirement.holds_for(None)) {
            return None;
        }
        let is_own = |requirement: &Requirement| {
            let Operator::In(names) = &requirement.operator else { return false };
            *requirement.key == *NAMESPACE_NAME_LABEL
                && own.is_some_and(|own| *names == [own.clone()])
        };
        let namespaces = match (own, self.namespaces.as_slice()) {
            (Some(own), [only]) if is_own(only) => Namespaces::Own(own.clone()),
            (_, all) => Namespaces::Matching(Selector { requirements: all.to_vec() }),
        };
        let mut set = PodSet::new(namespaces, Selector { requirements: self.pods.clone() });
        set.doubt = self.doubt.as_deref().map(Into::into);
        Some(set)
    }
}

/// Of a key that is asked for with two values makes one requirement of either; nothing is asked of it where a
/// value is not filled in.
fn either(requirements: &mut Vec<Requirement>, key: &str, values: &[String; 2]) {
    let [bare, any] = values.each_ref().map(|value| Operator::In(vec![Name::from(&**value)]));
    let with_source = format!("any:{key}");
    let mut take = |key: &str, operator: &Operator| {
        let found = requirements.iter().position(|it| *it.key == *key && it.operator == *operator);
        found.map(|at| requirements.remove(at))
    };
    if let (Some(one), Some(_)) = (take(key, &bare), take(&with_source, &any)) {
        let values = values.iter().map(|value| Name::from(&**value)).collect();
        requirements.push(Requirement { operator: Operator::In(values), ..one });
    }
}

impl Lowering<'_> {
    /// Takes a selector apart.
    pub(super) fn terms(&mut self, path: &str, written: &WrittenSelector) -> Terms {
        let mut faults = Vec::new();
        self.no_values(path, written);
        let twice = written.twice();
        let mut written = written.plain();
        let unfilled = written.take_unfilled();
        let version = self.settings.version;
        let selector = written.lower_keys(path, &|key| key_fault(version, key), &mut faults);
        self.refused.append(&mut faults);
        let mut terms = Terms::default();
        let mut requirements = selector.requirements;
        for (key, values) in twice {
            let why = format!("whether the value of {key} or that of any:{key} counts is chance");
            self.lint(
                Lint::VersionDependent,
                path,
                format!("asks for {key} and for any:{key}, which are one key: {why}"),
            );
            terms.doubt = Some(why);
            terms.only_labelled = true;
            either(&mut requirements, &key, &values);
        }
        for asked in &unfilled {
            self.unfilled_label(path, asked, &mut terms);
        }
        for requirement in requirements {
            let (source, key) = split(&requirement.key);
            let stripped = requirement.clone().about(key);
            let absent = requirement.holds_for(None);
            match source {
                "any" | "" | "k8s" => {
                    terms.only_labelled |= !absent;
                    if source == "k8s" || key.starts_with(OF_CILIUM) || key == NAMESPACE {
                        terms.only_of_pods |= !absent;
                    } else {
                        terms.of_any_source.push(key.into());
                    }
                    self.label(path, stripped, &mut terms);
                }
                "reserved" => terms.reserved.push(stripped),
                "cidr" | "cidrgroup" | "fqdn" => {
                    terms.no_pods |= !absent;
                    if !absent {
                        terms.only_labelled = true;
                        let why =
                            format!("which addresses have the label {requirement} is not known");
                        terms.others = Some((why, self.scope));
                    }
                }
                _ => {
                    terms.only_labelled |= !absent;
                    terms.only_of_pods |= !absent;
                    let why = format!("labels of the source {source} cannot be seen from here");
                    terms.doubt.get_or_insert(why);
                }
            }
        }
        terms
    }

    /// Up to 1.19 the CRD does not take `values: null`.
    ///
    /// Source: docs/semantics/cilium-objects.md#patterns-of-text.
    fn no_values(&mut self, path: &str, written: &WrittenSelector) {
        if self.settings.version >= CiliumVersion::V1_20 {
            return;
        }
        for i in written.null_values() {
            self.refuse(format!("{path}.matchExpressions[{i}].values"), "is null: leave it out");
        }
    }

    /// A requirement in which a variable is not filled in.
    fn unfilled_label(&mut self, path: &str, asked: &Unfilled, terms: &mut Terms) {
        let Some(why) = self.unfilled(path, &asked.text) else { return };
        let (source, key) = split(&asked.key);
        terms.has_namespace |= key == NAMESPACE;
        terms.has_namespace_labels |= key.starts_with(NAMESPACE_LABELS);
        terms.has_cluster |= key == CLUSTER;
        if variable(&asked.key).is_some() || !matches!(source, "any" | "" | "k8s") {
            terms.others = Some((why.clone(), Scope::EVERYONE));
        }
        terms.only_labelled |= asked.must_be_there;
        terms.doubt.get_or_insert(why);
    }

    /// A requirement about a label of Kubernetes.
    fn label(&mut self, path: &str, requirement: Requirement, terms: &mut Terms) {
        let key = requirement.key.clone();
        if *key == *NAMESPACE {
            terms.has_namespace = true;
            terms.namespaces.push(requirement.about(NAMESPACE_NAME_LABEL));
        } else if let Some(label) = key.strip_prefix(NAMESPACE_LABELS) {
            terms.has_namespace_labels = true;
            if self.is_seen(path, &requirement, terms) {
                terms.namespaces.push(requirement.about(label));
            }
        } else if *key == *CLUSTER {
            terms.has_cluster = true;
            self.cluster(path, &requirement, terms);
        } else if self.is_seen(path, &requirement, terms) {
            terms.pods.push(requirement);
        }
    }

    /// Whether the pods' labels decide about a requirement; else it always holds, or never does.
    ///
    /// Source: docs/semantics/cilium-labels.md#label-filter.
    fn is_seen(&mut self, path: &str, requirement: &Requirement, terms: &mut Terms) -> bool {
        let (key, absent) = (&*requirement.key, requirement.holds_for(None));
        match self.settings.labels.keeps(key) {
            Truth::Yes => true,
            Truth::No => {
                let path = requirement.path().unwrap_or_else(|| path.to_owned());
                self.lint(Lint::LabelNotSeen, path, not_looked_at(key, absent));
                terms.no_pods |= !absent;
                false
            }
            Truth::Unknown => {
                terms.doubt.get_or_insert_with(|| perhaps_looked_at(key));
                !absent
            }
        }
    }

    /// Every pod here is of this cluster.
    fn cluster(&mut self, path: &str, requirement: &Requirement, terms: &mut Terms) {
        let holds = match (&self.settings.cluster_name, &requirement.operator) {
            (_, Operator::Exists) => Some(true),
            (_, Operator::DoesNotExist) => Some(false),
            (Some(name), _) => Some(requirement.holds_for(Some(name))),
            (None, _) => None,
        };
        match holds {
            Some(true) => {}
            Some(false) => {
                terms.no_pods = true;
                let path = requirement.path().unwrap_or_else(|| path.to_owned());
                let message = format!("asks for {requirement}, which no pod of this cluster has");
                self.lint(Lint::MatchesNothing, path, message);
            }
            None => {
                let why = format!("whether this cluster has {requirement} is not known");
                terms.doubt.get_or_insert(why);
            }
        }
    }

    /// The pods that a rule speaks for; `None` where it speaks for none.
    ///
    /// Source: docs/semantics/cilium-labels.md#subject-of-a-ciliumnetworkpolicy and
    /// docs/semantics/cilium-labels.md#subject-of-a-ciliumclusterwidenetworkpolicy.
    pub(super) fn subject(
        &mut self,
        path: &str,
        written: &WrittenSelector,
    ) -> (Terms, Option<PodSet>) {
        let Some(own) = self.namespace else {
            let terms = self.terms(path, written);
            let set = terms.pods(None);
            self.of_proxy |= terms.holds_for(INGRESS);
            if set.is_none() {
                self.lint(
                    Lint::MatchesNothing,
                    path,
                    "selects no pod, so the rule does nothing here",
                );
            }
            return (terms, set);
        };
        // The namespace under the source k8s is overwritten; under any other it must hold as well.
        let forced = format!("k8s:{NAMESPACE}");
        let mut written = written.clone();
        if let Some(user) = written.take_label(&forced)
            && *user != **own
        {
            let message = format!(
                "{user:?} is ignored: a CiliumNetworkPolicy speaks for its own namespace {own} only"
            );
            self.lint(Lint::IgnoredField, format!("{path}.matchLabels[{forced}]"), message);
        }
        let mut terms = self.terms(path, &written);
        let is_name = |requirement: &Requirement| *requirement.key == *NAMESPACE_NAME_LABEL;
        let others = terms.namespaces.iter().filter(|requirement| is_name(requirement));
        let own_fails = others.clone().any(|requirement| !requirement.holds_for(Some(own)));
        terms.namespaces.retain(|requirement| !is_name(requirement));
        terms.no_pods |= own_fails;
        terms.require_name(own);
        let set = terms.pods(Some(own));
        if set.is_none() {
            self.lint(
                Lint::MatchesNothing,
                path,
                format!("selects no pod of namespace {own}, so the rule does nothing"),
            );
        }
        (terms, set)
    }

    /// Adds what Cilium adds to a selector of peers that does not say its namespace or cluster.
    ///
    /// Source: docs/semantics/cilium-labels.md#peer-of-a-ciliumnetworkpolicy,
    /// docs/semantics/cilium-labels.md#peer-of-a-ciliumclusterwidenetworkpolicy and
    /// docs/semantics/cilium-labels.md#cluster-of-a-peer.
    pub(super) fn inject(&mut self, path: &str, terms: &mut Terms, for_init: bool) {
        if !terms.has_reserved() {
            self.inject_always(path, terms, for_init);
        }
    }

    /// The same, whether or not it asks about a reserved label: so it is of `fromRequires` and `toRequires`.
    ///
    /// Source: docs/semantics/cilium-rules.md#requires.
    pub(super) fn inject_always(&mut self, path: &str, terms: &mut Terms, for_init: bool) {
        if !terms.has_namespace {
            match self.namespace {
                Some(own) if !terms.has_namespace_labels => {
                    terms.require_name(own);
                    terms.pods_only = true;
                }
                Some(_) => {}
                None => terms.pods_only |= !for_init,
            }
        }
        if terms.has_cluster {
            return;
        }
        terms.pods_only |= self.settings.default_local_cluster;
        if self.settings.means_other_clusters() && !self.told_of_clusters {
            self.told_of_clusters = true;
            self.lint(Lint::VersionDependent, path, OTHER_CLUSTERS);
        }
    }

    /// Whom a selector of `fromEndpoints` or `toEndpoints` means; `named`: beside names of their ports.
    pub(super) fn endpoints(&mut self, path: &str, terms: &Terms, named: bool) -> Vec<PeerKind> {
        let mut kinds: Vec<PeerKind> =
            terms.pods(self.namespace).map(PeerKind::Pods).into_iter().collect();
        let others = terms.others.as_ref();
        kinds.extend(others.map(|(why, scope)| PeerKind::Unresolved(why.as_str().into(), *scope)));
        let positive: Vec<&Requirement> =
            terms.reserved.iter().filter(|requirement| !requirement.holds_for(None)).collect();
        let asks_not =
            terms.reserved.iter().any(|r| r.holds_for(None) && &*r.key == "kube-apiserver");
        if positive.len() > 1 || asks_not {
            let why = "which endpoints have these reserved labels cannot be told";
            self.lint(Lint::NotJudged, path, format!("is not judged: {why}"));
            kinds.push(PeerKind::Unresolved(why.into(), Scope::NODES));
            // What is outside is not known already.
            self.summed_up(terms, true, named, &mut kinds);
            return kinds;
        }
        let outside = match self.by_groups(terms) {
            Some((why, scope)) => {
                self.lint(Lint::NotJudged, path, format!("is not judged outside: {why}"));
                kinds.push(PeerKind::Unresolved(why.into(), scope));
                if scope.nodes {
                    return kinds;
                }
                false
            }
            None => self.outside(path, terms, &mut kinds),
        };
        self.summed_up(terms, outside, named, &mut kinds);
        let asks = |key: &str| positive.iter().any(|requirement| &*requirement.key == key);
        let server = asks("kube-apiserver").then(|| self.server_of_groups(terms)).flatten();
        let is_server = asks("kube-apiserver") && server.is_none();
        let entities = Entities {
            pods: false,
            own_node: terms.holds_for(HOST),
            other_nodes: terms.holds_for(REMOTE_NODE),
            outside,
            // Wherever it runs, it has one of the labels above besides.
            api_server: is_server && terms.holds_for(API_SERVER),
            proxy: terms.holds_for(INGRESS),
            written: Vec::new(),
        };
        if let Some(server) = server {
            let why = "CIDR groups may give it labels";
            self.lint(
                Lint::NotJudged,
                path,
                format!("is not judged for an API server outside: {why}"),
            );
            kinds.extend(server);
        }
        let matched = [
            ("host", entities.own_node),
            ("remote-node", entities.other_nodes),
            ("world", entities.outside),
        ];
        let matched: Vec<Name> = matched
            .iter()
            .filter(|(_, matches)| *matches)
            .map(|(name, _)| (*name).into())
            .collect();
        if !matched.is_empty() || !positive.is_empty() {
            let written = if positive.is_empty() {
                let them = matched.join(", ");
                let message =
                    format!("asks for no label that must be there, so it matches {them} too");
                self.lint(Lint::MatchesMore, path, message);
                matched
            } else {
                positive.iter().map(|r| format!("reserved:{}", r.key).into()).collect()
            };
            kinds.push(PeerKind::Entities(Entities { written, ..entities }));
        }
        kinds
    }

    /// Whom a selector means besides because it holds for what 1.20 sums identities up in, which has no
    /// label that a policy could ask for.
    ///
    /// Source: docs/semantics/cilium-labels.md#reserved-labels.
    fn summed_up(&self, terms: &Terms, outside: bool, named: bool, kinds: &mut Vec<PeerKind>) {
        let mut asked = terms.pods.iter().chain(&terms.namespaces).chain(&terms.reserved);
        if self.settings.version < CiliumVersion::V1_20
            || !terms.has_reserved()
            || !terms.holds_for(&[])
            || !asked.all(|requirement| requirement.holds_for(None))
        {
            return;
        }
        let leaves_out = !terms.pods.is_empty() || !terms.namespaces.is_empty();
        if leaves_out && named {
            let why = "in 1.20 a selector that says only what must not be there also means the pods that it \
                       leaves out, but for their names of ports";
            let scope = Scope { pods: true, nodes: false };
            kinds.push(PeerKind::Unresolved(why.into(), scope));
        } else if leaves_out {
            let written = vec!["cluster".into()];
            kinds.push(PeerKind::Entities(Entities { pods: true, written, ..Entities::default() }));
        }
        if !outside {
            let why = "in 1.20 a selector that says only what must not be there also means addresses in blocks \
                       of any policy or CIDR group";
            kinds.push(PeerKind::Unresolved(why.into(), Scope::OUTSIDE));
        }
    }

    /// Whether a selector means all that is outside. On a cluster of both families an address there has the
    /// label of its own family, and not `reserved:world`.
    ///
    /// Source: docs/semantics/cilium-labels.md#reserved-labels.
    fn outside(&mut self, path: &str, terms: &Terms, kinds: &mut Vec<PeerKind>) -> bool {
        let one = terms.holds_for(WORLD);
        let both = [WORLD_IPV4, WORLD_IPV6].map(|labels| terms.holds_for(labels));
        if both == [one, one] {
            return one;
        }
        match self.known.dual_stack() {
            Some(false) => one,
            Some(true) => {
                for (family, holds) in ["0.0.0.0/0", "::/0"].into_iter().zip(both) {
                    if let (true, Ok(cidr)) = (holds, family.parse()) {
                        let block = AddressBlock { cidr, except: [].into() };
                        kinds.push(PeerKind::Addresses(block, Scope::OUTSIDE));
                    }
                }
                if both == [false, false] {
                    let message = "matches nothing outside: on a cluster of both families that has \
                                   reserved:world-ipv4 or reserved:world-ipv6. Write the entity world";
                    self.lint(Lint::MatchesNothing, path, message);
                }
                false
            }
            None => {
                let why = "whether the cluster has both families is not known, and with both what is \
                           outside does not have reserved:world";
                kinds.push(PeerKind::Unresolved(why.into(), Scope::OUTSIDE));
                false
            }
        }
    }

    /// Labels of nodes or of other objects: only keys of Kubernetes count. `None` where a variable
    /// is not filled in, which is told.
    pub(super) fn plain_labels(
        &mut self,
        path: &str,
        written: &WrittenSelector,
    ) -> Option<Selector> {
        self.no_values(path, written);
        let mut written = written.plain();
        if let Some(asked) = written.take_unfilled().first() {
            self.unfilled(path, &asked.text);
            return None;
        }
        let mut faults: Vec<Fault> = Vec::new();
        let version = self.settings.version;
        let mut selector = written.lower_keys(path, &|key| key_fault(version, key), &mut faults);
        self.refused.append(&mut faults);
        let about_bare = |requirement: Requirement| {
            let key = Name::from(bare(&requirement.key));
            requirement.about(key)
        };
        selector.requirements = selector.requirements.into_iter().map(about_bare).collect();
        Some(selector)
    }
}
