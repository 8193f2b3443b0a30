//! Ends of a question that nothing written is, made into pods.
//!
//! In: a question, a snapshot and its rules. Out: the same question with ends that are looked up, and
//! pods for them in the snapshot. Of a whole namespace, and of anyone, these are besides the known ones
//! any other pod and, proved by the search, one for each thing that can become of the flow.

use super::flows::Who;
use super::homes::{Side, homes};
use super::outside::{OUTSIDE, Outside, internet, outside};
use super::search::Search;
use super::shape::{Place, Shape};
use crate::cluster::{
    Bringer, Labels, Name, ObjectRef, Pod, Port, Protocol, Representative, Snapshot,
};
use crate::effort::Effort;
use crate::ends::{
    Asked, EndName, Endpoint, Named, PortText, ResolveError, Resolved, asked, reached, resolve,
};
use crate::policy::{PolicyId, Ruleset};
use crate::verdict::{Judgement, Passage, Question, classes};
use std::collections::BTreeMap;

/// A question whose ends are there.
#[derive(Clone, Debug)]
pub struct Supplied {
    /// The source, looked up if it need not be written.
    pub source: EndName,
    /// The destination, likewise.
    pub destination: EndName,
    /// What was not looked at to the end.
    pub missing: Vec<String>,
}

/// Pairs of places and ends that one question looks at.
const MOST_PAIRS: usize = 2000;

/// What an end asks for, if it is nothing written.
fn of(end: &EndName, snapshot: &Snapshot, namespace: &str) -> Option<Asked> {
    match &end.names {
        Named::Pods(wanted) => Some(Asked::Pods(wanted.clone())),
        Named::Path(parts) => {
            let asked = asked(&parts.join("/"))?.ok()?;
            let word = matches!(asked, Asked::Anyone | Asked::Internet);
            // What is called so is meant.
            let written = word && resolve(snapshot, end, namespace).is_ok();
            (!written).then_some(asked)
        }
        Named::Host(_) | Named::Address(_) | Named::Found(_) => None,
    }
}

/// Makes pods of the ends that nothing written is; `None` where both are.
pub fn supply(
    snapshot: &mut Snapshot,
    rules: &Ruleset,
    question: &Question<'_>,
    effort: Effort,
) -> Result<Option<Supplied>, ResolveError> {
    let ends = [question.source, question.destination];
    let asked = ends.map(|end| of(end, snapshot, question.namespace));
    if asked.iter().all(Option::is_none) {
        return Ok(None);
    }
    let mut found: [Option<Resolved>; 2] = [None, None];
    for (role, asked) in asked.iter().enumerate() {
        found[role] = match asked {
            Some(asked) => Some(meant(snapshot, rules, asked, question.namespace)?),
            None => None,
        };
    }
    let mut missing = Vec::new();
    if asked.iter().flatten().any(|asked| matches!(asked, Asked::Anyone | Asked::Namespace(_))) {
        let others = others(snapshot, rules, question, &asked, &found, (&mut missing, effort))?;
        for (role, shape, of) in others {
            let id = shape.add_to(snapshot, of);
            if let Some(found) = &mut found[role] {
                found.endpoints.push(Endpoint::Pod(id));
            }
        }
    }
    // What is said of both is said once.
    if let [Some(source), Some(destination)] = &mut found {
        destination.notes.retain(|note| !source.notes.contains(note));
    }
    let [source, destination] = [0, 1].map(|role| match found[role].take() {
        Some(found) => {
            let (port, path) = (ends[role].port.clone(), ends[role].path.clone());
            EndName { names: Named::Found(Box::new(found)), port, path }
        }
        None => ends[role].clone(),
    });
    Ok(Some(Supplied { source, destination, missing }))
}

/// A pod that was asked for, as answers name it.
fn representative(shape: &Shape, brought_by: Vec<Bringer>) -> Representative {
    let mut words = shape.words();
    if !shape.ports.is_empty() {
        let ports = shape.ports.iter().map(|(name, port)| format!("{name}={}", port.number));
        words = format!("{words} ({})", ports.collect::<Vec<_>>().join(", "));
    }
    Representative {
        asked: shape.asked().into(),
        group: words.as_str().into(),
        words: words.into(),
        any_port_names: false,
        brought_by,
    }
}

/// What is meant, without the pods that only the search knows.
pub(crate) fn meant(
    snapshot: &mut Snapshot,
    rules: &Ruleset,
    asked: &Asked,
    namespace: &str,
) -> Result<Resolved, ResolveError> {
    let mut meant = Resolved {
        object: None,
        label: String::new(),
        service: None,
        endpoints: Vec::new(),
        ways: Vec::new(),
        notes: Vec::new(),
    };
    let add = |snapshot: &mut Snapshot, shape: &Shape| {
        let any = Representative { any_port_names: true, ..representative(shape, Vec::new()) };
        Endpoint::Pod(shape.add_to(snapshot, any))
    };
    match asked {
        Asked::Pods(wanted) => {
            let shape = wanted.shape(snapshot, &[rules], namespace)?;
            if let Place::AsIs(name) = &shape.place {
                note_unread(snapshot, name, &mut meant.notes);
            }
            meant.label = shape.words();
            meant.endpoints.push(add(snapshot, &shape));
            if !shape.labels.is_empty() {
                let label = &meant.label;
                meant.notes.push(format!("{label}: a pod with these labels and no others"));
            }
        }
        Asked::Namespace(name) => {
            let object = ObjectRef::cluster("Namespace", name.clone());
            meant.label = object.to_string();
            meant.object = Some(object);
            let there =
                |(id, pod): &(usize, &Pod)| !pod.finished && snapshot.representative(*id).is_none();
            let pods = snapshot.pods_in(name).filter(there);
            meant.endpoints.extend(pods.map(|(id, _)| Endpoint::Pod(id)));
            note_unread(snapshot, name, &mut meant.notes);
            let place = place(snapshot, name);
            meant.endpoints.push(add(snapshot, &any(place)));
        }
        Asked::Internet => return Ok(internet(snapshot, rules)),
        Asked::Anyone => {
            "anyone".clone_into(&mut meant.label);
            let pods = snapshot.pods().iter().enumerate();
            let there =
                |(id, pod): &(usize, &Pod)| !pod.finished && snapshot.representative(*id).is_none();
            meant.endpoints = pods.filter(there).map(|(id, _)| Endpoint::Pod(id)).collect();
            meant.endpoints.extend((0..snapshot.nodes.len()).map(Endpoint::Node));
            meant.endpoints.extend(outside(snapshot, rules, Outside::All));
            meant.notes.push(OUTSIDE.to_owned());
            let name = other(snapshot, rules);
            let place = Place::Other { name, supposed: Vec::new() };
            meant.endpoints.push(add(snapshot, &any(place)));
        }
    }
    Ok(meant)
}

/// Any pod of a place, without labels.
fn any(place: Place) -> Shape {
    Shape { place, labels: Vec::new(), ports: Vec::new() }
}

/// A namespace, without any more labels than are known of it.
fn place(snapshot: &Snapshot, name: &Name) -> Place {
    if snapshot.namespace(name).is_some_and(|known| !known.labels_unread) {
        return Place::AsIs(name.clone());
    }
    Place::Named { name: name.clone(), supposed: Vec::new(), known: Labels::default() }
}

/// Makes sure that a namespace is there, and says what is not known of it.
fn note_unread(snapshot: &mut Snapshot, name: &Name, notes: &mut Vec<String>) {
    snapshot.mention_namespace(name);
    if snapshot.namespace(name).is_some_and(|namespace| namespace.labels_unread) {
        notes.push(format!("The labels of namespace {name} are not known here"));
    }
}

/// The name of any other namespace.
fn other(snapshot: &Snapshot, rules: &Ruleset) -> Name {
    let homes = homes(&[Side { snapshot, rules }]);
    homes.first().map(|home| home.name.clone()).unwrap_or_default()
}

/// The pods that only the search knows, by role.
fn others(
    snapshot: &Snapshot,
    rules: &Ruleset,
    question: &Question<'_>,
    asked: &[Option<Asked>; 2],
    found: &[Option<Resolved>; 2],
    (missing, effort): (&mut Vec<String>, Effort),
) -> Result<Vec<(usize, Shape, Representative)>, ResolveError> {
    let twice = [Side { snapshot, rules }; 2];
    let all_homes = homes(&twice[..1]);
    let ports = known(snapshot, rules, question, found)?;
    let places = |role: usize| -> Vec<Who<'_>> {
        let homes = all_homes.iter();
        match &asked[role] {
            Some(Asked::Namespace(name)) => {
                let home = homes.filter(|home| home.members.contains(name));
                home.map(|home| Who::Unwritten(home, name.clone())).collect()
            }
            Some(Asked::Anyone) => {
                homes.map(|home| Who::Unwritten(home, home.name.clone())).collect()
            }
            _ => Vec::new(),
        }
    };
    let one = |end: &Endpoint| Who::One([[end.clone(), end.clone()]].into());
    let port = port(question);
    let mut pairs: Vec<([Who<'_>; 2], Option<Port>)> = Vec::new();
    for place in places(0) {
        for (end, port) in &ports[1] {
            pairs.push(([place.clone(), one(end)], *port));
        }
        for other in places(1) {
            pairs.push(([place.clone(), other], port));
        }
    }
    for place in places(1) {
        pairs.extend(ports[0].iter().map(|(end, _)| ([one(end), place.clone()], port)));
    }
    if pairs.len() > MOST_PAIRS {
        missing.push(format!(
            "{} of {} pairs of places and ends were not looked at for pods that nobody has written",
            pairs.len() - MOST_PAIRS,
            pairs.len()
        ));
        pairs.truncate(MOST_PAIRS);
    }
    let bases: [Option<Shape>; 2] = std::array::from_fn(|role| {
        let place = match asked[role].as_ref()? {
            Asked::Namespace(name) => place(snapshot, name),
            Asked::Anyone => Place::Other { name: other(snapshot, rules), supposed: Vec::new() },
            _ => return None,
        };
        Some(any(place))
    });
    let mut search = Search::new(&twice[..1], &all_homes, effort.search);
    let mut all: BTreeMap<(usize, Shape), Vec<Bringer>> = BTreeMap::new();
    for (ends, port) in &pairs {
        let Some(shown) = search.between([&ends[0], &ends[1]], *port, &twice) else {
            missing.push(format!("pods of {} were not looked at to the end", words(ends)));
            continue;
        };
        for shown in shown {
            let refs = [&ends[0], &ends[1]];
            let Some(judged) = search.judged(refs, &shown.shapes, &shown, false) else { continue };
            // Of anyone, those are told of whom more or less becomes than of just any pod.
            let plain: [Option<Shape>; 2] = std::array::from_fn(|role| {
                let shape = shown.shapes[role].as_ref()?;
                Some(bases[role].clone().unwrap_or_else(|| shape.clone()))
            });
            let differs = |other: &Judgement| other.passage() != judged.passage();
            let told = |asked: &Option<Asked>| matches!(asked, Some(Asked::Namespace(_)));
            // Of a pod whose port names are not known a condition is told that only a name may bring.
            let on_condition = |any: &Judgement| any.passage() == Passage::OnCondition;
            let nameless = judged.passage() == Passage::Allowed
                && shown.shapes[1].is_some()
                && bases[1] == shown.shapes[1]
                && search
                    .judged(refs, &shown.shapes, &shown, true)
                    .as_ref()
                    .is_some_and(on_condition);
            let seldom = !nameless
                && !asked.iter().any(told)
                && !search.judged(refs, &plain, &shown, false).as_ref().is_some_and(differs);
            if seldom {
                continue;
            }
            let brought_by = bringers(rules, &judged);
            for (role, shape) in shown.shapes.into_iter().enumerate() {
                let Some(shape) = shape else { continue };
                if bases[role].as_ref() == Some(&shape) && !(nameless && role == 1) {
                    continue;
                }
                let of = all.entry((role, shape)).or_default();
                for one in &brought_by {
                    if !of.contains(one) {
                        of.push(one.clone());
                    }
                }
            }
        }
    }
    let with_words = |((role, shape), brought_by): ((usize, Shape), Vec<Bringer>)| {
        let mut of = representative(&shape, brought_by);
        if bases[role].as_ref() == Some(&shape) {
            of.words = format!("{} (no port names)", of.words).into();
            of.group.clone_from(&of.words);
        }
        (role, shape, of)
    };
    Ok(all.into_iter().map(with_words).collect())
}

/// The rules that decide.
fn bringers(rules: &Ruleset, judged: &Judgement) -> Vec<Bringer> {
    let decided = [&judged.egress, &judged.ingress].into_iter().filter_map(|it| it.decided_by);
    let bringer = |(policy, entry): (PolicyId, usize)| {
        let policy = rules.policy(policy);
        let path = policy.entries.get(entry).map_or_else(Box::default, |entry| entry.path.clone());
        Bringer { object: policy.object.clone(), path }
    };
    decided.map(bringer).collect()
}

/// The port that is asked for by number.
fn port(question: &Question<'_>) -> Option<Port> {
    let wanted = question.port.or(question.destination.port.as_ref())?;
    let PortText::Number(number) = wanted.port else { return None };
    Some(Port { protocol: wanted.protocol.unwrap_or(Protocol::Tcp), number })
}

/// An end, with the port at which flows arrive there.
type Arriving = (Endpoint, Option<Port>);

/// The ends of each side that are there, one of those that no rule tells apart, with the ports at which
/// flows arrive.
fn known(
    snapshot: &Snapshot,
    rules: &Ruleset,
    question: &Question<'_>,
    found: &[Option<Resolved>; 2],
) -> Result<[Vec<Arriving>; 2], ResolveError> {
    let end = |role: usize, name: &EndName| match &found[role] {
        Some(found) => Ok(found.clone()),
        None => resolve(snapshot, name, question.namespace),
    };
    let source = end(0, question.source)?;
    let destination = end(1, question.destination)?;
    let wanted = question.port.or(question.destination.port.as_ref());
    let arrivals = reached(snapshot, &destination, wanted)?;
    let one_of = |ends: Vec<Arriving>| -> Vec<Arriving> {
        let classes = classes(snapshot, rules, ends.into_iter());
        classes
            .into_iter()
            .filter_map(|(all, port)| Some((all.into_iter().next()?, port)))
            .collect()
    };
    let sources = source.endpoints.into_iter().map(|end| (end, None)).collect();
    Ok([one_of(sources), one_of(arrivals)])
}

fn words(ends: &[Who<'_>; 2]) -> String {
    let places = ends.iter().filter_map(|who| match who {
        Who::Unwritten(home, _) if home.other => Some("any other namespace".to_owned()),
        Who::Unwritten(_, name) => Some(name.to_string()),
        Who::One(_) => None,
    });
    places.collect::<Vec<_>>().join(" and ")
}
