//! What the ends of tests are in a snapshot.
//!
//! In: ends as written. Out: [`Part`]s: known pods, the sets that pods nobody has written may be in, nodes
//! and addresses; and what of it matches nothing. Names are looked up before anything is added, so that a
//! pod which stands for others is never one of those that are known.

use super::words::{EndText, EndWord, TestScope};
use crate::cluster::{
    NAMESPACE_NAME_LABEL, NOT_INTERNET, Name, Operator, PodId, Requirement, Selector, Snapshot,
    Truth,
};
use crate::ends::asked::{Pair, Where};
use crate::ends::{
    Asked, EndName, Endpoint, INTERNET, Named, ResolveError, Resolved, WantedPods, pods_in_path,
    resolve,
};
use crate::policy::Ruleset;
use crate::policy::rule::{Namespaces, PodSet};
use crate::policy::sight::pod_sets;
use crate::unwritten::{Outside, meant, outside_and};
use foldhash::{HashMap, HashMapExt as _, HashSet};
use ipnet::IpNet;
use std::net::IpAddr;
use std::rc::Rc;

/// What one end is.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    /// What it is called.
    pub(super) words: String,
    /// Its known pods, those on their nodes' networks among them.
    pub(super) pods: Vec<PodId>,
    /// Those of which it is not known whether they are meant.
    pub(super) doubtful: Vec<PodId>,
    /// Pods, whether they are written or not; none where it names known pods.
    pub(super) sets: Vec<PodSet>,
    /// Pods that may come to have its addresses, where it is a block: they are asked about, and let off nothing.
    pub(super) perhaps: Vec<PodSet>,
    /// It is a block of addresses, so that pods like its own need not be in it.
    pub(super) block: bool,
    /// Nodes and addresses.
    pub(super) others: Vec<Endpoint>,
    /// These are all that rules tell apart of all that is outside, of the internet or of nodes.
    pub(super) whole: bool,
    /// Pods with exactly its labels, which are in the snapshot.
    pub(super) exact: Vec<PodId>,
    /// The Service that it is.
    pub(super) service: Option<Resolved>,
    /// It is a name outside, or a way in: only one flow can be judged at a time.
    pub(super) single: Option<EndName>,
    /// Why it is nothing here.
    pub(super) nothing: Option<String>,
    /// What cannot be known of it.
    pub(super) unclear: Option<String>,
}

/// Looks ends up, each once.
pub(super) struct Regions<'r> {
    rules: &'r Ruleset,
    known: HashMap<(String, String, bool), Rc<Part>>,
    internet: Vec<Endpoint>,
    private: Vec<Endpoint>,
    /// Everyone, and every pod that policies can hold.
    everyone: [Option<Rc<Part>>; 2],
    /// How many pods there were before anything was added, and which namespaces.
    pods: usize,
    namespaces: HashSet<Name>,
}

impl<'r> Regions<'r> {
    /// `blocks` are those that tests name.
    pub(super) fn new(snapshot: &Snapshot, rules: &'r Ruleset, blocks: &[IpNet]) -> Self {
        Self {
            rules,
            known: HashMap::new(),
            internet: outside_and(snapshot, rules, Outside::Internet, blocks),
            private: outside_and(snapshot, rules, Outside::Private, blocks),
            everyone: [None, None],
            pods: snapshot.pods().len(),
            namespaces: snapshot.namespaces().map(|space| space.name.clone()).collect(),
        }
    }

    /// The rules that they are told apart by.
    pub(super) fn rules(&self) -> &'r Ruleset {
        self.rules
    }

    /// The internet.
    pub(super) fn internet(&self) -> Rc<Part> {
        let (others, words) = (self.internet.clone(), INTERNET.to_owned());
        Rc::new(Part { words, others, whole: true, ..Part::default() })
    }

    /// Every pod that policies can hold, or everyone.
    pub(super) fn anyone(&mut self, snapshot: &Snapshot, only_pods: bool) -> Rc<Part> {
        let at = usize::from(only_pods);
        if let Some(known) = &self.everyone[at] {
            return known.clone();
        }
        let part = Rc::new(self.everyone(snapshot, only_pods));
        self.everyone[at] = Some(part.clone());
        part
    }

    fn everyone(&self, snapshot: &Snapshot, only_pods: bool) -> Part {
        let mut part = Part {
            words: if only_pods { "every pod" } else { "anyone" }.to_owned(),
            pods: self.living(snapshot, |_| true),
            sets: vec![everywhere()],
            ..Part::default()
        };
        if only_pods {
            part.pods.retain(|id| !snapshot.pod(*id).host_network);
        } else {
            part.others.extend((0..snapshot.nodes.len()).map(Endpoint::Node));
            part.others.extend(self.internet.iter().chain(&self.private).cloned());
            part.whole = true;
        }
        part
    }

    /// What an end is; with a pod that has exactly its labels, where flows with it are to pass.
    pub(super) fn part(
        &mut self,
        snapshot: &mut Snapshot,
        end: &EndText,
        (namespace, exact): (&str, bool),
    ) -> Result<Rc<Part>, String> {
        let key = (namespace.to_owned(), end.text.clone(), exact);
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let part = if end.word == EndWord::Anyone && !is_called(snapshot, end, namespace) {
            self.anyone(snapshot, false)
        } else {
            Rc::new(self.read(snapshot, end, (namespace, exact))?)
        };
        self.known.insert(key, part.clone());
        Ok(part)
    }

    fn read(
        &self,
        snapshot: &mut Snapshot,
        end: &EndText,
        (namespace, exact): (&str, bool),
    ) -> Result<Part, String> {
        let mut part = Part { words: end.text.clone(), ..Part::default() };
        let is_word = matches!(end.word, EndWord::Anyone | EndWord::Internet | EndWord::Nodes);
        if is_word && is_called(snapshot, end, namespace) {
            Self::named(snapshot, &called(end), namespace, &mut part)?;
            return Ok(part);
        }
        match &end.word {
            EndWord::Anyone => part = self.everyone(snapshot, false),
            EndWord::Internet => {
                part.others.clone_from(&self.internet);
                part.whole = true;
            }
            EndWord::Nodes => {
                part.others = (0..snapshot.nodes.len()).map(Endpoint::Node).collect();
                part.whole = true;
                if part.others.is_empty() {
                    part.unclear = Some("no node is known here".to_owned());
                }
            }
            EndWord::Namespace(name) => {
                let asked = Asked::Namespace(name.clone());
                self.namespace(snapshot, name, &mut part);
                self.exact(snapshot, exact, &asked, namespace, &mut part)?;
            }
            EndWord::Pods(wanted) => {
                self.set(snapshot, wanted, namespace, &mut part);
                let asked = Asked::Pods(wanted.clone());
                self.exact(snapshot, exact, &asked, namespace, &mut part)?;
            }
            EndWord::Block(net) => self.block(snapshot, *net, &mut part),
            EndWord::Name(name) => Self::named(snapshot, name, namespace, &mut part)?,
        }
        Ok(part)
    }

    /// The addresses of a block: those outside, and whoever has one of them or may come to have it.
    fn block(&self, snapshot: &Snapshot, net: IpNet, part: &mut Part) {
        part.block = true;
        part.whole = true;
        let has = |ips: &[IpAddr]| ips.iter().any(|ip| net.contains(ip));
        part.pods = self.living(snapshot, |_| true);
        part.pods.retain(|id| has(&snapshot.pod(*id).ips));
        let nodes = snapshot.nodes.iter().enumerate().filter(|(_, node)| has(&node.ips));
        part.others.extend(nodes.map(|(at, _)| Endpoint::Node(at)));
        let outside = self.internet.iter().chain(&self.private);
        let own = |end: &&Endpoint| matches!(end, Endpoint::Address(ip) if net.contains(ip));
        part.others.extend(outside.filter(own).cloned());
        let meets = |own: &IpNet| own.contains(&net) || net.contains(own);
        if snapshot.pod_cidrs.iter().any(meets) {
            part.perhaps.push(everywhere());
        } else if snapshot.pod_cidrs.is_empty() && has_private(net) {
            part.unclear = Some(format!(
                "whether pods have addresses of {net} is not known here (--pod-cidr says which are theirs)"
            ));
        }
    }

    /// The known pods of some namespaces.
    fn living(&self, snapshot: &Snapshot, there: impl Fn(&str) -> bool) -> Vec<PodId> {
        let pods = snapshot.pods().iter().enumerate().take(self.pods);
        pods.filter(|(_, pod)| !pod.finished && there(&pod.namespace)).map(|(id, _)| id).collect()
    }

    fn namespace(&self, snapshot: &mut Snapshot, name: &Name, part: &mut Part) {
        let there = self.is_there(name);
        snapshot.mention_namespace(name);
        let pods = snapshot.pods_in(name).filter(|(id, pod)| *id < self.pods && !pod.finished);
        part.pods = pods.map(|(id, _)| id).collect();
        part.sets.push(PodSet::new(Namespaces::Own(name.clone()), Selector::default()));
        if !there {
            part.nothing = Some(format!("namespace {name} is not in the input"));
        }
    }

    /// Whether something is in a namespace, or rules name it.
    fn is_there(&self, name: &str) -> bool {
        self.namespaces.contains(name)
            || is_asked(self.rules, NAMESPACE_NAME_LABEL, Some(name), true)
    }

    fn set(&self, snapshot: &mut Snapshot, wanted: &WantedPods, here: &str, part: &mut Part) {
        let namespaces = match &wanted.namespaces {
            Where::Here => Namespaces::Own(here.into()),
            Where::Of(name) => Namespaces::Own(name.clone()),
            Where::With(pairs) => Namespaces::Matching(selector(pairs)),
        };
        let set = PodSet::new(namespaces, selector(&wanted.pods));
        let mut found: Vec<(PodId, Truth)> = Vec::new();
        let mut inhabited = false;
        let mut look = |name: &str| {
            let space = snapshot.namespace(name);
            for (id, pod) in snapshot.pods_in(name) {
                if id < self.pods && !pod.finished {
                    inhabited = true;
                    found.push((id, set.has(pod, space)));
                }
            }
        };
        let there = match &set.namespaces {
            Namespaces::Own(name) => {
                look(name);
                self.is_there(name)
            }
            Namespaces::Matching(selector) => {
                let spaces = snapshot.namespaces().filter(|space| !space.supposed);
                let spaces: Vec<&str> = spaces
                    .filter(|space| !space.matches(selector).is_no())
                    .map(|space| &*space.name)
                    .collect();
                for name in &spaces {
                    look(name);
                }
                !spaces.is_empty() || all_asked(self.rules, &selector.requirements, true)
            }
        };
        found.retain(|(_, truth)| !truth.is_no());
        part.doubtful =
            found.iter().filter(|(_, truth)| *truth == Truth::Unknown).map(|(id, _)| *id).collect();
        part.pods = found.into_iter().map(|(id, _)| id).collect();
        if let Namespaces::Own(name) = &set.namespaces {
            snapshot.mention_namespace(name);
        }
        if !there {
            part.nothing = Some(format!("no namespace of {} is in the input", part.words));
        } else if part.pods.is_empty()
            && inhabited
            && !all_asked(self.rules, &set.pods.requirements, false)
        {
            part.nothing =
                Some(format!("{} matches no known pod, and no rule asks for it", part.words));
        }
        part.sets.push(set);
    }

    /// Adds the pod that has exactly these labels.
    fn exact(
        &self,
        snapshot: &mut Snapshot,
        wanted: bool,
        asked: &Asked,
        namespace: &str,
        part: &mut Part,
    ) -> Result<(), String> {
        if !wanted || part.nothing.is_some() {
            return Ok(());
        }
        let before = snapshot.pods().len();
        meant(snapshot, self.rules, asked, namespace).map_err(|error| error.to_string())?;
        part.exact = (before..snapshot.pods().len()).collect();
        Ok(())
    }

    fn named(
        snapshot: &Snapshot,
        name: &EndName,
        namespace: &str,
        part: &mut Part,
    ) -> Result<(), String> {
        if let Some(both) = pods_in_path(snapshot, name, namespace) {
            return Err(format!("{} is {both}: name its kind", part.words));
        }
        let found = match resolve(snapshot, name, namespace) {
            Ok(found) => found,
            Err(
                error @ (ResolveError::NotFound { .. }
                | ResolveError::NoPods(_)
                | ResolveError::Finished(_)),
            ) => {
                part.nothing = Some(error.to_string());
                return Ok(());
            }
            Err(error) => return Err(error.to_string()),
        };
        let single = !found.ways.is_empty()
            || found.endpoints.iter().any(|end| end.end().is_err())
            || (found.service.is_some() && found.endpoints.is_empty());
        if single {
            part.single = Some(name.clone());
            return Ok(());
        }
        for end in &found.endpoints {
            match end {
                Endpoint::Pod(id) => part.pods.push(*id),
                other => part.others.push(other.clone()),
            }
        }
        if part.pods.is_empty() && part.others.is_empty() {
            part.nothing = Some(format!("{} has no pods", found.label));
        }
        part.service = found.service.is_some().then_some(found);
        Ok(())
    }
}

/// Every pod that there could be.
fn everywhere() -> PodSet {
    PodSet::new(Namespaces::Matching(Selector::default()), Selector::default())
}

/// Whether a block has addresses that are none of the internet, so that pods may have them.
fn has_private(net: IpNet) -> bool {
    let special = NOT_INTERNET.iter().filter_map(|special| special.parse::<IpNet>().ok());
    special.into_iter().any(|special| special.contains(&net) || net.contains(&special))
}

/// A word as a name.
fn called(end: &EndText) -> EndName {
    EndName { names: Named::Path(vec![end.text.clone()]), port: None, path: None }
}

/// Whether something is called as a word is: then that is meant.
fn is_called(snapshot: &Snapshot, end: &EndText, namespace: &str) -> bool {
    resolve(snapshot, &called(end), namespace).is_ok()
}

impl Part {
    /// Why it is nothing, for tests of this scope.
    pub(super) fn nothing(&self, scope: TestScope) -> Option<String> {
        self.nothing.clone().or_else(|| {
            let none = scope == TestScope::Known
                && self.pods.is_empty()
                && self.others.is_empty()
                && self.single.is_none();
            none.then(|| format!("{} has no known pod", self.words))
        })
    }
}

/// A selector of labels, with any value where none is given.
fn selector(pairs: &[Pair]) -> Selector {
    let requirement = |(key, value): &Pair| {
        let operator = match value {
            Some(value) => Operator::In(vec![value.clone()]),
            None => Operator::Exists,
        };
        Requirement::new(key.clone(), operator)
    };
    Selector { requirements: pairs.iter().map(requirement).collect() }
}

/// Whether rules ask for each of some labels.
fn all_asked(rules: &Ruleset, requirements: &[Requirement], of_namespaces: bool) -> bool {
    requirements.iter().all(|requirement| match &requirement.operator {
        Operator::In(values) => {
            values.iter().any(|value| is_asked(rules, &requirement.key, Some(value), of_namespaces))
        }
        _ => is_asked(rules, &requirement.key, None, of_namespaces),
    })
}

/// Whether some rule asks for a label, with this value where one is given.
fn is_asked(rules: &Ruleset, key: &str, value: Option<&str>, of_namespaces: bool) -> bool {
    pod_sets(rules).any(|set| {
        let requirements = match (&set.namespaces, of_namespaces) {
            (Namespaces::Own(name), true) => {
                return key == NAMESPACE_NAME_LABEL && value.is_none_or(|value| **name == *value);
            }
            (Namespaces::Matching(selector), true) => &selector.requirements,
            (_, false) => &set.pods.requirements,
        };
        requirements.iter().filter(|own| *own.key == *key).any(|own| match &own.operator {
            Operator::In(values) => value.is_none_or(|value| values.iter().any(|v| **v == *value)),
            _ => true,
        })
    })
}
