//! Flows to names outside, and by ways in, one at a time.
//!
//! In: a [`Single`]. Out: what `explain` says of it, as what became of a test.

use super::asks::Test;
use super::judged::{Holds, Judged, Witness};
use super::prove::Tester;
use super::questions::{Single, found};
use super::regions::Part;
use super::words::TestScope;
use crate::ends::Endpoint;
use crate::verdict::{Case, Passage, Question, Verdict, explain};
use std::rc::Rc;

impl Tester<'_> {
    /// One flow at a time, from known pods.
    pub(super) fn single(&self, test: &Test, single: &Single) -> Judged {
        let part = |part: &Rc<Part>| {
            let exact = if test.scope == TestScope::Known { &[][..] } else { &part.exact };
            let pods = part.pods.iter().chain(exact).map(|id| Endpoint::Pod(*id));
            pods.chain(part.others.iter().cloned()).collect::<Vec<_>>()
        };
        let gone: Vec<Endpoint> = single.from.except.iter().flat_map(part).collect();
        let mut sources: Vec<Endpoint> = single.from.parts.iter().flat_map(part).collect();
        sources.retain(|end| !gone.contains(end));
        if single.from.parts.iter().any(|part| part.single.is_some()) {
            return Judged::not_known(format!(
                "{} is asked about from pods, nodes and addresses only",
                single.words
            ));
        }
        let source = found("these".to_owned(), sources);
        let namespace = test.namespace.as_deref().unwrap_or("default");
        let asked = Question {
            source: &source,
            destination: &single.to,
            port: single.port.as_ref(),
            namespace,
        };
        let explained = match explain(self.snapshot, self.rules, &asked) {
            Ok(explained) => explained,
            Err(error) => return Judged::not_known(error.to_string()),
        };
        let mut all: Vec<_> = explained.parts().flat_map(|part| &part.cases).collect();
        all.retain(|case| !case.sources.is_empty());
        let wanted = |case: &&&Case| {
            let passage = case.judgement.passage();
            let passes = if test.on_condition {
                passage >= Passage::OnCondition
            } else {
                passage == Passage::Allowed
            };
            let fails = if test.on_condition {
                passage == Passage::Denied
            } else {
                matches!(passage, Passage::Denied | Passage::OnCondition)
            };
            if single.pass { fails } else { passes }
        };
        let several_hops = !explained.ways.is_empty();
        let flow = |case: &Case| {
            let source = case.flow.source.clone();
            Witness::Single(source, single.words.clone(), Some(case.flow.port))
        };
        if let Some(case) = all.iter().find(wanted).filter(|_| !several_hops) {
            return Judged {
                on_condition: case.judgement.passage() == Passage::OnCondition,
                ..Judged::with(Holds::Broken, flow(case))
            };
        }
        let verdict = explained.verdict();
        let holds = match (single.pass, verdict) {
            (true, Some(Verdict::Allowed)) | (false, Some(Verdict::Denied)) => true,
            _ => verdict.is_none() && !several_hops && !all.is_empty(),
        };
        let unclear = all
            .iter()
            .any(|case| matches!(case.judgement.verdict, Verdict::Unknown | Verdict::Ambiguous));
        if !holds || unclear || explained.unsettled || explained.lost {
            let why = format!("what becomes of flows to {} is not known or differs", single.words);
            return Judged::not_known(why);
        }
        let possible = single.from.parts.iter().any(|part| !part.sets.is_empty());
        if possible && test.scope != TestScope::Known && !single.pass {
            return Judged::not_known(format!(
                "beside {} pods that nobody has written are not looked at: give scope: known",
                single.words
            ));
        }
        Judged::proved()
    }
}
