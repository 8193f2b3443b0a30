//! From a test to what is asked of the engines.
//!
//! In: a [`Test`] and a snapshot, to which pods with exactly the labels of an end are added where flows with it
//! are to pass. Out: a [`Question`], or why it cannot be asked.

use super::asks::{Asks, Test};
use super::ports::{numbers, singly};
use super::regions::{Part, Regions};
use super::words::{EndText, Ends, PortWords, TestScope};
use crate::cluster::{PodId, Snapshot};
use crate::ends::{EndName, Endpoint, Named, PortWanted, Resolved};
use crate::policy::rule::{Direction, Entry, Namespaces, PeerKind, PodSet, Policy};
use crate::prose::list;
use crate::reach::PortSet;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Some ends without others.
#[derive(Clone, Debug, Default)]
pub(super) struct Set {
    pub(super) parts: Vec<Rc<Part>>,
    pub(super) except: Vec<Rc<Part>>,
}

impl Set {
    /// Whether nobody is left, since all that the ends name is taken out again.
    fn is_taken_out(&self) -> bool {
        let sure = |id: &PodId| {
            self.except.iter().any(|it| it.pods.contains(id) && !it.doubtful.contains(id))
        };
        let other =
            |end: &Endpoint| self.except.iter().any(|it| it.whole && it.others.contains(end));
        let within = |set: &PodSet| {
            self.except.iter().flat_map(|it| &it.sets).any(|wide| {
                let pods = wide.pods.is_everything() || wide.pods == set.pods;
                let namespaces = match &wide.namespaces {
                    Namespaces::Matching(selector) if selector.is_everything() => true,
                    namespaces => *namespaces == set.namespaces,
                };
                pods && namespaces && wide.doubt.is_none()
            })
        };
        let gone = |part: &Rc<Part>| {
            self.except.iter().any(|it| Rc::ptr_eq(it, part))
                || (part.single.is_none()
                    && part.perhaps.is_empty()
                    && part.pods.iter().all(sure)
                    && part.others.iter().all(other)
                    && part.sets.iter().all(within))
        };
        !self.except.is_empty() && !self.parts.is_empty() && self.parts.iter().all(gone)
    }
}

/// All flows between two sets, of which every one is to pass or none.
#[derive(Clone, Debug)]
pub(super) struct Flows {
    pub(super) from: Set,
    pub(super) to: Set,
    pub(super) ports: PortSet,
    pub(super) pass: bool,
}

/// One flow at a time: to a name outside, or by a way in.
#[derive(Clone, Debug)]
pub(super) struct Single {
    pub(super) from: Set,
    pub(super) to: EndName,
    pub(super) words: String,
    pub(super) port: Option<PortWanted>,
    pub(super) pass: bool,
}

/// Where a walk begins.
#[derive(Clone, Debug)]
pub(super) enum Start {
    Pods(Vec<PodId>),
    Internet,
}

/// What is asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Question {
    pub(super) flows: Vec<Flows>,
    pub(super) singles: Vec<Single>,
    /// Pods that are to be isolated.
    pub(super) closed: Option<(Set, &'static [Direction])>,
    /// Where a walk begins, where it must not lead, and how far it goes.
    pub(super) walk: Option<(Start, Vec<PodId>, usize)>,
    /// What alone may be reached from outside by what leads in.
    pub(super) entered: Option<Vec<PodId>>,
    /// Why it cannot be known.
    pub(super) unclear: Vec<String>,
    /// What else is to be said.
    pub(super) notes: Vec<String>,
}

/// Why a test holds of nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// An end is nothing here.
    Nothing(String),
    /// It cannot be asked like this, which is a mistake in the file.
    Wrong(String),
}

impl From<String> for Refusal {
    fn from(why: String) -> Self {
        Self::Wrong(why)
    }
}

/// Makes questions of tests.
pub(super) struct Asker<'q, 'r> {
    pub(super) snapshot: &'q mut Snapshot,
    pub(super) regions: &'q mut Regions<'r>,
    pub(super) namespace: &'q str,
    /// Which ends of the test at hand are nothing, and may be.
    pub(super) nothing: BTreeSet<String>,
}

impl Asker<'_, '_> {
    /// The question of a test.
    pub(super) fn question(&mut self, test: &Test) -> Result<Question, Refusal> {
        self.nothing.clear();
        let mut question = Question { notes: test.notes.clone(), ..Question::default() };
        if let Some(why) = &test.unclear {
            question.unclear.push(why.clone());
            return Ok(question);
        }
        let scope = test.scope;
        match &test.asks {
            Asks::Allow { from, to, ports } => {
                let from = self.set(test, from, true)?;
                self.flows(&mut question, test, &from, to, ports, true)?;
            }
            Asks::Deny { from, to, ports } => {
                let from = self.set(test, from, false)?;
                self.flows(&mut question, test, &from, to, ports, false)?;
            }
            Asks::Isolated { between, and, ports } => {
                for (from, to) in [(between, and), (and, between)] {
                    let from = self.set(test, from, false)?;
                    self.flows(&mut question, test, &from, to, ports, false)?;
                }
            }
            Asks::Only { from, to, ports } => {
                let may = self.may(test, from)?;
                let all = self.regions.anyone(self.snapshot, false);
                let others = Set { parts: vec![all], except: may.parts };
                self.flows(&mut question, test, &others, to, ports, false)?;
                // Who is taken out of those that may is one of the others.
                if !may.except.is_empty() {
                    unclear(&mut question, &may.except);
                    let taken = Set { parts: may.except, except: Vec::new() };
                    self.flows(&mut question, test, &taken, to, ports, false)?;
                }
            }
            Asks::OnlyTo { from, to, ports } => {
                let from = self.set(test, from, false)?;
                let all = self.regions.anyone(self.snapshot, false);
                self.nothing_else(&mut question, test, &from, &all, to, ports)?;
            }
            Asks::Exposed { only, ports } => {
                let pods = self.regions.anyone(self.snapshot, true);
                let from = Set { parts: vec![self.regions.internet()], except: Vec::new() };
                let may = self.may(test, only)?;
                if scope != TestScope::Known {
                    self.nothing_else(&mut question, test, &from, &pods, only, ports)?;
                }
                question.entered = Some(pods_of(&may));
            }
            Asks::DefaultDeny { namespaces, directions } => {
                let set = self.set(test, namespaces, false)?;
                question.closed = Some((set, directions.0));
            }
            Asks::Dns { from, ports } => {
                let from = self.set(test, from, true)?;
                self.dns(&mut question, &from, ports)?;
            }
            Asks::Unreachable { from, to, max_hops } => {
                self.walk(&mut question, test, from, to, *max_hops)?;
            }
        }
        question.notes.extend(std::mem::take(&mut self.nothing));
        Ok(question)
    }

    fn here<'t>(&'t self, test: &'t Test) -> &'t str {
        test.namespace.as_deref().unwrap_or(self.namespace)
    }

    fn part(&mut self, test: &Test, end: &EndText, exact: bool) -> Result<Rc<Part>, Refusal> {
        let here = self.here(test).to_owned();
        let exact = exact && test.scope != TestScope::Known;
        let part = self.regions.part(self.snapshot, end, (&here, exact))?;
        match part.nothing(test.scope) {
            Some(why) if !test.may_be_empty => Err(Refusal::Nothing(why)),
            Some(why) => {
                self.nothing.insert(why);
                Ok(part)
            }
            None => Ok(part),
        }
    }

    /// A set of which something is asked.
    fn set(&mut self, test: &Test, ends: &Ends, exact: bool) -> Result<Set, Refusal> {
        if ends.ends.is_empty() {
            return Err(Refusal::Wrong("a set of ends has none: name one".to_owned()));
        }
        if let Some(end) = ends.ends.iter().find(|end| end.port.is_some()) {
            let name = &end.text;
            return Err(Refusal::Wrong(format!("{name}: only who is reached has a port")));
        }
        let set = self.those(test, ends, exact)?;
        self.left(test, &set)?;
        Ok(set)
    }

    /// Nothing holds of a set of which `except` leaves nobody, unless it may be empty.
    fn left(&mut self, test: &Test, set: &Set) -> Result<(), Refusal> {
        if !set.is_taken_out() {
            return Ok(());
        }
        let words = |parts: &[Rc<Part>]| {
            let words: Vec<String> = parts.iter().map(|part| part.words.clone()).collect();
            list(&words, "and")
        };
        let why =
            format!("except leaves nobody: {} without {}", words(&set.parts), words(&set.except));
        if test.may_be_empty {
            self.nothing.insert(why);
            return Ok(());
        }
        Err(Refusal::Nothing(why))
    }

    /// A set of which nothing need be there to be asked of.
    fn may(&mut self, test: &Test, ends: &Ends) -> Result<Set, Refusal> {
        self.those(test, ends, false)
    }

    fn those(&mut self, test: &Test, ends: &Ends, exact: bool) -> Result<Set, Refusal> {
        let each = ends.ends.iter().map(|end| self.part(test, end, exact));
        let parts = each.collect::<Result<Vec<_>, _>>()?;
        Ok(Set { parts, except: self.except(test, ends)? })
    }

    fn except(&mut self, test: &Test, ends: &Ends) -> Result<Vec<Rc<Part>>, Refusal> {
        if let Some(end) = ends.except.iter().find(|end| end.port.is_some()) {
            return Err(Refusal::Wrong(format!("{}: except takes no port", end.text)));
        }
        ends.except.iter().map(|end| self.part(test, end, false)).collect()
    }

    /// Asks of flows to each end.
    fn flows(
        &mut self,
        question: &mut Question,
        test: &Test,
        from: &Set,
        to: &Ends,
        ports: &[PortWords],
        pass: bool,
    ) -> Result<(), Refusal> {
        if to.ends.is_empty() {
            return Err(Refusal::Wrong("a set of ends has none: name one".to_owned()));
        }
        unclear(question, &from.parts);
        let except = self.except(test, to)?;
        let all = to.ends.iter().map(|end| self.part(test, end, pass));
        let whole = Set { parts: all.collect::<Result<_, _>>()?, except: except.clone() };
        self.left(test, &whole)?;
        let mut by_ports: BTreeMap<PortSet, Vec<Rc<Part>>> = BTreeMap::new();
        for end in &to.ends {
            if end.port.is_some() && !ports.is_empty() {
                let name = &end.text;
                return Err(Refusal::Wrong(format!("{name} has a port already: leave out ports")));
            }
            let part = self.part(test, end, pass)?;
            unclear(question, std::slice::from_ref(&part));
            let everyone = from.parts.iter().any(|part| part.whole && !part.sets.is_empty());
            if !pass && everyone && self.is_proxied(&part) {
                let why = "who comes by Cilium's own proxy of Ingresses is not looked at, and a rule lets it in";
                question.unclear.push(why.to_owned());
            }
            if let Some(name) = &part.single {
                let wanted = singly(end, ports)?;
                question.singles.extend(wanted.into_iter().map(|port| Single {
                    from: from.clone(),
                    to: EndName { port: None, ..name.clone() },
                    words: part.words.clone(),
                    port,
                    pass,
                }));
                continue;
            }
            for (ports, part) in self.arrivals(question, &part, end, ports, (pass, test.scope))? {
                by_ports.entry(ports).or_default().push(part);
            }
        }
        for (ports, parts) in by_ports {
            let to = Set { parts, except: except.clone() };
            question.flows.push(Flows { from: from.clone(), to, ports, pass });
        }
        Ok(())
    }

    /// Whether a rule for some of these pods lets in what comes by Cilium's own proxy.
    fn is_proxied(&self, part: &Part) -> bool {
        let rules = self.regions.rules();
        let lets = |policy: &Policy| {
            policy.direction == Direction::Ingress
                && policy
                    .entries
                    .iter()
                    .flat_map(Entry::others)
                    .any(|kind| matches!(kind, PeerKind::Entities(entities) if entities.proxy))
        };
        let is_of = |policy: &Policy| match &policy.subject.namespaces {
            Namespaces::Matching(_) => true,
            Namespaces::Own(own) => {
                part.pods.iter().any(|id| self.snapshot.pod(*id).namespace == *own)
                    || part.sets.iter().any(|set| match &set.namespaces {
                        Namespaces::Own(name) => name == own,
                        Namespaces::Matching(_) => true,
                    })
            }
        };
        rules.policies().iter().any(|policy| lets(policy) && is_of(policy))
    }

    /// Asks that nothing of `all` is reached but some ends, each at its own port where it has one.
    fn nothing_else(
        &mut self,
        question: &mut Question,
        test: &Test,
        from: &Set,
        all: &Rc<Part>,
        may: &Ends,
        ports: &[PortWords],
    ) -> Result<(), Refusal> {
        unclear(question, &from.parts);
        let wanted = numbers(ports).map_err(Refusal::Wrong)?;
        let taken = self.except(test, may)?;
        if !taken.is_empty() {
            unclear(question, &taken);
            let to = Set { parts: taken, except: Vec::new() };
            let ports = wanted.clone();
            question.flows.push(Flows { from: from.clone(), to, ports, pass: false });
        }
        // Ports at which the same ends may be reached are asked about together.
        let mut regions: Vec<(PortSet, Vec<Rc<Part>>)> = vec![(wanted, Vec::new())];
        for end in &may.ends {
            let part = self.part(test, end, false)?;
            let open = if end.port.is_none() {
                vec![(PortSet::all(), part)]
            } else {
                self.arrivals(question, &part, end, &[], (false, test.scope))?
            };
            for (ports, part) in open {
                let split = |(region, parts): (PortSet, Vec<Rc<Part>>)| {
                    let inside = (
                        region.intersection(&ports),
                        [&parts[..], std::slice::from_ref(&part)].concat(),
                    );
                    let outside = (region.difference(&ports), parts);
                    [inside, outside].into_iter().filter(|(region, _)| !region.is_empty())
                };
                regions = regions.into_iter().flat_map(split).collect();
            }
        }
        for (ports, except) in regions {
            let to = Set { parts: vec![all.clone()], except };
            question.flows.push(Flows { from: from.clone(), to, ports, pass: false });
        }
        Ok(())
    }

    /// Asks how far one gets.
    fn walk(
        &mut self,
        question: &mut Question,
        test: &Test,
        from: &Ends,
        to: &Ends,
        max_hops: Option<usize>,
    ) -> Result<(), Refusal> {
        let begin = self.set(test, from, false)?;
        let internet = matches!(begin.parts.as_slice(), [one] if one.words == crate::ends::INTERNET
            && one.whole && one.pods.is_empty());
        let start = if internet {
            Start::Internet
        } else {
            only_pods(&begin, "where it begins")?;
            Start::Pods(pods_of(&begin))
        };
        let end = self.set(test, to, false)?;
        only_pods(&end, "where it must not lead")?;
        question.walk = Some((start, pods_of(&end), max_hops.unwrap_or(usize::MAX)));
        Ok(())
    }
}

/// A walk is between known pods.
fn only_pods(set: &Set, what: &str) -> Result<(), Refusal> {
    let other = set.parts.iter().find(|part| !part.others.is_empty() || part.single.is_some());
    match other {
        Some(part) => Err(Refusal::Wrong(format!(
            "{}: unreachable goes from pod to pod, and {what} is to be pods",
            part.words
        ))),
        None => Ok(()),
    }
}

/// The known pods of a set.
fn pods_of(set: &Set) -> Vec<PodId> {
    let gone = |id: &PodId| {
        let mut except = set.except.iter();
        except.any(|part| part.pods.contains(id) && !part.doubtful.contains(id))
    };
    let mut all: Vec<PodId> = set.parts.iter().flat_map(|part| part.pods.iter().copied()).collect();
    all.sort_unstable();
    all.dedup();
    all.retain(|id| !gone(id));
    all
}

pub(super) fn unclear(question: &mut Question, parts: &[Rc<Part>]) {
    for why in parts.iter().filter_map(|part| part.unclear.as_ref()) {
        let why = format!("{why}, so that nothing can be said of it");
        if !question.unclear.contains(&why) {
            question.unclear.push(why);
        }
    }
}

/// Known pods of a set as an end that was looked up.
pub(super) fn found(label: String, endpoints: Vec<Endpoint>) -> EndName {
    let resolved = Resolved {
        object: None,
        label,
        service: None,
        endpoints,
        ways: Vec::new(),
        notes: Vec::new(),
    };
    EndName { names: Named::Found(Box::new(resolved)), port: None, path: None }
}
