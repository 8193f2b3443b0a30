//! Whom a selector means: pods as sets of the one rule form, and other things by labels that are known.
//!
//! In: an [`Expr`]. Out: a union of [`PodSet`]s, which have conjunctions only; and of anything else
//! with labels whether it is meant. Source: docs/semantics/calico.md#labels.

use super::super::rule::{Namespaces, PodSet};
use super::selector::{Ask, Expr, NAMESPACE, OF_ACCOUNT, OF_NAMESPACE};
use crate::cluster::{
    FieldPath, NAMESPACE_NAME_LABEL, Name, Operator, Requirement, SERVICE_ACCOUNT_LABEL, Selector,
    Truth,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The label with the name of the ServiceAccount.
pub(super) const ACCOUNT: &str = "projectcalico.org/serviceaccount";
/// The label that tells pods of Kubernetes from everything else.
const ORCHESTRATOR: &str = "projectcalico.org/orchestrator";
/// The label with the name of a namespace or ServiceAccount among its own.
const OWN_NAME: &str = "projectcalico.org/name";

/// A selector that would be more unions than this is not taken apart.
const MOST_TERMS: usize = 256;

/// A selector is too large to be taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// What is asked of a pod and of its namespace, all of which must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Term {
    namespace: Vec<Requirement>,
    pod: Vec<Requirement>,
}

/// The pods that a selector means, as a union of sets.
pub(super) fn pods(expr: &Expr, path: &Arc<str>) -> Result<Vec<PodSet>, TooLarge> {
    let terms = terms(expr, false, path)?;
    Ok(terms.into_iter().map(Term::set).collect())
}

/// Whether something with labels is meant, which are as `label` has them; Unknown: not known whether
/// there is one, or which.
pub(super) fn means(expr: &Expr, label: &dyn Fn(&str) -> Result<Option<String>, ()>) -> Truth {
    match expr {
        Expr::All | Expr::Global => Truth::Yes,
        Expr::Not(expr) => means(expr, label).not(),
        Expr::And(all) => Truth::all(all.iter().map(|expr| means(expr, label))),
        Expr::Or(all) => Truth::any(all.iter().map(|expr| means(expr, label))),
        Expr::Ask(key, ask) => match label(key) {
            Ok(value) => operator(ask, false).holds(key, value.as_deref()).into(),
            Err(()) => Truth::Unknown,
        },
    }
}

trait Holds {
    fn holds(self, key: &Name, value: Option<&str>) -> bool;
}

impl Holds for Operator {
    fn holds(self, key: &Name, value: Option<&str>) -> bool {
        Requirement::new(key.clone(), self).holds_for(value)
    }
}

fn operator(ask: &Ask, negated: bool) -> Operator {
    match (ask, negated) {
        (Ask::Has, false) => Operator::Exists,
        (Ask::Has, true) => Operator::DoesNotExist,
        (Ask::In(values), false) | (Ask::NotIn(values), true) => Operator::In(values.clone()),
        (Ask::In(values), true) | (Ask::NotIn(values), false) => Operator::NotIn(values.clone()),
        (Ask::Text(how, text), false) => Operator::Has(*how, text.clone()),
        (Ask::Text(how, text), true) => Operator::HasNot(*how, text.clone()),
    }
}

/// A union of conjunctions.
fn terms(expr: &Expr, negated: bool, path: &Arc<str>) -> Result<Vec<Term>, TooLarge> {
    match (expr, negated) {
        (Expr::All | Expr::Global, false) => Ok(vec![Term::default()]),
        (Expr::All | Expr::Global, true) => Ok(Vec::new()),
        (Expr::Not(expr), _) => terms(expr, !negated, path),
        (Expr::Or(all), false) | (Expr::And(all), true) => {
            let mut union = Vec::new();
            for expr in all {
                union.extend(terms(expr, negated, path)?);
                union = absorbed(union);
                if union.len() > MOST_TERMS {
                    return Err(TooLarge);
                }
            }
            Ok(union)
        }
        (Expr::And(all), false) | (Expr::Or(all), true) => {
            let mut product = vec![Term::default()];
            for expr in all {
                let more = terms(expr, negated, path)?;
                if product.len() * more.len() > MOST_TERMS * MOST_TERMS {
                    return Err(TooLarge);
                }
                let each = product.iter().flat_map(|a| more.iter().map(move |b| a.and(b)));
                product = absorbed(each.flatten().collect());
                if product.len() > MOST_TERMS {
                    return Err(TooLarge);
                }
            }
            Ok(product)
        }
        (Expr::Ask(key, ask), _) => Ok(literal(key, &operator(ask, negated), path)),
    }
}

/// What one requirement asks of a pod: nothing, where every pod or none fulfils it.
///
/// Source: docs/semantics/calico.md#labels.
fn literal(key: &Name, operator: &Operator, path: &Arc<str>) -> Vec<Term> {
    let written = FieldPath::text(path.clone());
    let requirement = |key: &str| Requirement {
        key: key.into(),
        operator: operator.clone(),
        written: written.clone(),
    };
    if **key == *ORCHESTRATOR {
        let holds = operator.clone().holds(key, Some("k8s"));
        return if holds { vec![Term::default()] } else { Vec::new() };
    }
    // What every pod has.
    let always = |term: fn(Requirement) -> Term, key: &str| match operator {
        Operator::Exists => vec![Term::default()],
        Operator::DoesNotExist => Vec::new(),
        _ => vec![term(requirement(key))],
    };
    let place = |requirement: Requirement| Term { namespace: vec![requirement], pod: vec![] };
    let pod = |requirement: Requirement| Term { namespace: vec![], pod: vec![requirement] };
    match key.strip_prefix(OF_NAMESPACE) {
        Some(OWN_NAME) => return always(place, NAMESPACE_NAME_LABEL),
        Some(key) => return vec![place(requirement(key))],
        None if **key == *NAMESPACE => return always(place, NAMESPACE_NAME_LABEL),
        None => {}
    }
    match key.strip_prefix(OF_ACCOUNT) {
        Some(OWN_NAME) => always(pod, SERVICE_ACCOUNT_LABEL),
        None if **key == *ACCOUNT => always(pod, SERVICE_ACCOUNT_LABEL),
        _ => vec![pod(requirement(key))],
    }
}

/// Without those that others have in them.
fn absorbed(mut all: Vec<Term>) -> Vec<Term> {
    let mut kept: Vec<Term> = Vec::new();
    all.sort_by_key(|term| term.namespace.len() + term.pod.len());
    for term in all {
        if !kept.iter().any(|wider| wider.is_in(&term)) {
            kept.push(term);
        }
    }
    kept
}

impl Term {
    /// Both; `None` where nothing can be both.
    fn and(&self, other: &Self) -> Option<Self> {
        let both = |a: &[Requirement], b: &[Requirement]| {
            let mut all = a.to_vec();
            all.extend(b.iter().filter(|requirement| !a.contains(requirement)).cloned());
            simplified(all)
        };
        Some(Self {
            namespace: both(&self.namespace, &other.namespace)?,
            pod: both(&self.pod, &other.pod)?,
        })
    }

    /// Whether the other asks for all of this, and perhaps more.
    fn is_in(&self, other: &Self) -> bool {
        let all = |a: &[Requirement], b: &[Requirement]| a.iter().all(|one| b.contains(one));
        all(&self.namespace, &other.namespace) && all(&self.pod, &other.pod)
    }

    fn set(self) -> PodSet {
        let own = match self.namespace.as_slice() {
            [Requirement { key, operator: Operator::In(names), .. }]
                if **key == *NAMESPACE_NAME_LABEL && names.len() == 1 =>
            {
                names.first().cloned()
            }
            _ => None,
        };
        let namespaces = match own {
            Some(name) => Namespaces::Own(name),
            None => Namespaces::Matching(Selector { requirements: self.namespace }),
        };
        PodSet::new(namespaces, Selector { requirements: self.pod })
    }
}

/// Requirements of one label that can be told as one, or `None` where no labels fulfil them all.
fn simplified(all: Vec<Requirement>) -> Option<Vec<Requirement>> {
    let mut keys: BTreeMap<Name, Vec<Requirement>> = BTreeMap::new();
    let mut order: Vec<Name> = Vec::new();
    for requirement in all {
        if !keys.contains_key(&requirement.key) {
            order.push(requirement.key.clone());
        }
        keys.entry(requirement.key.clone()).or_default().push(requirement);
    }
    let mut kept = Vec::new();
    for key in order {
        let of_key = keys.remove(&key).unwrap_or_default();
        let absent = of_key.iter().all(|requirement| requirement.holds_for(None));
        let listed = of_key.iter().find_map(|requirement| match &requirement.operator {
            Operator::In(values) => Some((requirement, values)),
            _ => None,
        });
        if let Some((first, values)) = listed {
            let fits =
                |value: &&Name| of_key.iter().all(|requirement| requirement.holds_for(Some(value)));
            let mut left: Vec<Name> = values.iter().filter(fits).cloned().collect();
            left.dedup();
            if left.is_empty() {
                return None;
            }
            kept.push(Requirement { operator: Operator::In(left), ..first.clone() });
        } else if !absent && of_key.iter().any(|it| it.operator == Operator::DoesNotExist) {
            return None;
        } else {
            kept.extend(of_key);
        }
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::super::selector::parse;
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let sets = pods(&parse(text).unwrap(), &"spec.selector".into()).unwrap();
        let one = |set: PodSet| match set.namespaces {
            Namespaces::Own(name) => format!("{} of {name}", set.pods),
            Namespaces::Matching(spaces) => format!("{} in {spaces}", set.pods),
        };
        sets.into_iter().map(one).collect()
    }

    /// docs/semantics/calico.md#labels: whose labels a key means, and that of absent ones.
    #[test]
    fn sets_of_pods() {
        for (text, sets) in [
            ("", &["<all> in <all>"][..]),
            ("app == 'a'", &["app=a in <all>"]),
            ("app != 'a'", &["app notin (a) in <all>"]),
            ("!(app != 'a')", &["app=a in <all>"]),
            ("a == '1' && (b == '2' || has(c))", &["a=1,b=2 in <all>", "a=1,c in <all>"]),
            ("!(a == '1' || b == '2')", &["a notin (1),b notin (2) in <all>"]),
            ("pcns.team == 'red'", &["<all> in team=red"]),
            ("projectcalico.org/namespace == 'shop'", &["<all> of shop"]),
            ("has(projectcalico.org/namespace)", &["<all> in <all>"]),
            ("projectcalico.org/orchestrator == 'k8s'", &["<all> in <all>"]),
            ("projectcalico.org/orchestrator != 'k8s'", &[]),
            (
                "projectcalico.org/serviceaccount == 'web'",
                &["io.cilium.k8s.policy.serviceaccount=web in <all>"],
            ),
            ("pcsa.team == 'red'", &["pcsa.team=red in <all>"]),
            ("projectcalico.org/name == 'shop'", &["projectcalico.org/name=shop in <all>"]),
            ("a == '1' && a == '2'", &[]),
            ("a in {'1','2'} && a != '2'", &["a=1 in <all>"]),
            ("has(a) && !has(a)", &[]),
            ("a == '1' || a == '1' && b == '2'", &["a=1 in <all>"]),
            ("a in {}", &["a in () in <all>"]),
            ("a contains 'x'", &["a contains \"x\" in <all>"]),
        ] {
            assert_eq!(shown(text), sets, "{text}");
        }
    }

    #[test]
    fn a_selector_of_too_many_unions_is_given_up() {
        let pairs: Vec<String> = (0..9).map(|i| format!("(a{i} == '1' || b{i} == '1')")).collect();
        let expr = parse(&pairs.join(" && ")).unwrap();
        assert_eq!(pods(&expr, &"spec.selector".into()), Err(TooLarge));
    }
}
