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
use crate::policy::rule::{Action, PeerKind};
use crate::unwritten::{Outside, outside};
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
        if !single.pass && self.may_pass_by_address(&all, &asked) {
            return Judged::not_known(format!(
                "{} may share an address with a name that a rule lets pass: rules for names go by \
                 the addresses of these",
                single.words
            ));
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

    /// Whether what is denied to a name may pass to an address that it shares with another one.
    ///
    /// Source: docs/semantics/cilium-rules.md#shared-addresses.
    fn may_pass_by_address(&self, cases: &[&Case], asked: &Question<'_>) -> bool {
        let lets_names = |case: &&Case| {
            let named = matches!(case.flow.destination, Endpoint::Name(_));
            let policies = case.judgement.egress.policies.iter();
            let mut rules = policies.flat_map(|it| &self.rules.policy(it.policy).entries);
            named
                && rules.any(|rule| {
                    rule.action == Action::Allow
                        && rule.others().any(|peer| matches!(peer, PeerKind::Names(_)))
                })
        };
        if !cases.iter().any(lets_names) {
            return false;
        }
        let addresses = outside(self.snapshot, self.rules, Outside::All);
        let addresses = found("addresses outside".to_owned(), addresses);
        let explained =
            explain(self.snapshot, self.rules, &Question { destination: &addresses, ..*asked });
        explained.map_or(true, |it| it.verdict() != Some(Verdict::Denied))
    }
}
