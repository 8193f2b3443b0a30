//! What arrives at the pods of an end: the ports of tests as those of pods.
//!
//! In: an end that was looked up, and the ports of a test. Out: its pods by the ports at which they are asked
//! about: those that Services lead to, and those that each container calls by a name.

use super::ports::{numbers, of_wanted, one, single_port};
use super::questions::{Asker, Flows, Question, Refusal, Set, unclear};
use super::regions::Part;
use super::words::{EndText, PortWords, TestScope};
use crate::cluster::{PodId, PortRange, Protocol};
use crate::ends::{Endpoint, PortText, PortWanted, Resolved, reached};
use crate::reach::PortSet;
use crate::system::{dns_server, suppose_dns};
use std::collections::BTreeMap;
use std::rc::Rc;

impl Asker<'_, '_> {
    /// The ports that arrive at the pods of an end, which may not be the same at all of them.
    pub(super) fn arrivals(
        &self,
        question: &mut Question,
        part: &Rc<Part>,
        end: &EndText,
        ports: &[PortWords],
        (pass, scope): (bool, TestScope),
    ) -> Result<Vec<(PortSet, Rc<Part>)>, Refusal> {
        let own = end.port.as_ref().map(|port| vec![of_wanted(port)]);
        let ports = own.as_deref().unwrap_or(ports);
        let any = ports.is_empty() || ports.contains(&PortWords::Any);
        if let Some(service) = &part.service {
            // Whoever is closed is so at every port of the pods.
            if any && !(pass && ports.is_empty()) {
                return Ok(vec![(PortSet::all(), part.clone())]);
            }
            return self.behind(part, service, ports);
        }
        if any {
            return Ok(vec![(PortSet::all(), part.clone())]);
        }
        let named: Vec<&PortWanted> = ports
            .iter()
            .filter_map(|port| match port {
                PortWords::Name(wanted) => Some(wanted),
                _ => None,
            })
            .collect();
        let numbered: Vec<PortWords> =
            ports.iter().filter(|port| !matches!(port, PortWords::Name(_))).cloned().collect();
        let fixed = if numbered.is_empty() {
            PortSet::default()
        } else {
            numbers(&numbered).map_err(Refusal::Wrong)?
        };
        if named.is_empty() {
            return Ok(vec![(fixed, part.clone())]);
        }
        let called: Vec<String> = named.iter().map(ToString::to_string).collect();
        let called = crate::prose::list(&called, "and");
        if scope != TestScope::Known && !part.sets.is_empty() {
            question.unclear.push(format!(
                "which port a pod that nobody has written calls {called} is not known: give its number, or \
                 scope: known"
            ));
        }
        let mut by_ports: BTreeMap<PortSet, Vec<PodId>> = BTreeMap::new();
        for id in &part.pods {
            let mut all = fixed.clone();
            for wanted in &named {
                let PortText::Name(name) = &wanted.port else { continue };
                for declared in self.snapshot.pod(*id).ports.iter() {
                    let same = declared.name.as_deref() == Some(name.as_str())
                        && wanted.protocol.is_none_or(|it| it == declared.port.protocol);
                    if same {
                        all = all.union(&one(declared.port.protocol, declared.port.number));
                    }
                }
            }
            if !all.is_empty() {
                by_ports.entry(all).or_default().push(*id);
            }
        }
        if by_ports.is_empty() {
            let why = format!("no container of {} calls a port {called}", part.words);
            return Err(Refusal::Nothing(why));
        }
        Ok(by_ports
            .into_iter()
            .map(|(ports, pods)| {
                let part = Part { words: part.words.clone(), pods, ..Part::default() };
                (ports, Rc::new(part))
            })
            .collect())
    }

    /// What arrives at the pods of a Service.
    fn behind(
        &self,
        part: &Part,
        service: &Resolved,
        ports: &[PortWords],
    ) -> Result<Vec<(PortSet, Rc<Part>)>, Refusal> {
        let wanted: Vec<Option<PortWanted>> = if ports.is_empty() {
            vec![None]
        } else {
            let each = ports.iter().map(|port| single_port(port, &part.words).map(Some));
            each.collect::<Result<_, _>>().map_err(Refusal::Wrong)?
        };
        let mut by_end: BTreeMap<Endpoint, PortSet> = BTreeMap::new();
        for wanted in &wanted {
            let all = reached(self.snapshot, service, wanted.as_ref());
            for (end, at) in all.map_err(|error| Refusal::Nothing(error.to_string()))? {
                let Some(at) = at else { continue };
                let known = by_end.entry(end).or_default();
                *known = known.union(&one(at.protocol, at.number));
            }
        }
        let mut by_ports: BTreeMap<PortSet, Part> = BTreeMap::new();
        for (end, ports) in by_end {
            let of = by_ports
                .entry(ports)
                .or_insert_with(|| Part { words: part.words.clone(), ..Part::default() });
            match end {
                Endpoint::Pod(id) => of.pods.push(id),
                other => of.others.push(other),
            }
        }
        if by_ports.is_empty() {
            return Err(Refusal::Nothing(format!("nothing is known behind {}", part.words)));
        }
        Ok(by_ports.into_iter().map(|(ports, part)| (ports, Rc::new(part))).collect())
    }

    /// Asks of flows to the cluster's DNS.
    pub(super) fn dns(
        &mut self,
        question: &mut Question,
        from: &Set,
        ports: &[PortWords],
    ) -> Result<(), Refusal> {
        unclear(question, &from.parts);
        let before = self.snapshot.pods().len();
        suppose_dns(self.snapshot, self.regions.rules());
        if self.snapshot.pods().len() > before {
            question.notes.push(
                "the cluster's DNS is not known here: supposed is a pod of kube-system with \
                 k8s-app=kube-dns"
                    .to_owned(),
            );
        }
        let Some(server) = dns_server(self.snapshot) else {
            question.unclear.push("where the cluster's DNS is, is not known here".to_owned());
            return Ok(());
        };
        let wanted = [Protocol::Udp, Protocol::Tcp].map(|protocol| {
            let range = PortRange { first: 53, last: 53 };
            PortWords::Range(protocol, range)
        });
        let wanted = if ports.is_empty() { &wanted[..] } else { ports };
        let mut part = Part { words: server.label.clone(), ..Part::default() };
        part.pods = server.endpoints.iter().filter_map(Endpoint::pod).collect();
        let all = if server.service.is_some() {
            self.behind(&part, &server, wanted)?
        } else {
            vec![(numbers(wanted).map_err(Refusal::Wrong)?, Rc::new(part.clone()))]
        };
        for (ports, part) in all {
            // Servers need not ask themselves.
            let to = Set { parts: vec![part.clone()], except: Vec::new() };
            let mut from = from.clone();
            from.except.push(part);
            question.flows.push(Flows { from, to, ports, pass: true });
        }
        Ok(())
    }
}
