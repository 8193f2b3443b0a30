//! What is wanted of a namespace, and what is known of it.
//!
//! In: the plan, and a cluster where there is one. Out: where DNS is, the facts and the policies that would
//! be written, with what they mean; nothing is written here.

use super::args::{Action, DryRun};
use super::{Deed, Failure, Outcome, Run, State, facts, in_cluster, is_service, to_value};
use anyhow::{anyhow, bail};
use netpol::baseline::{
    self, AllowedEnd, Baseline, BaselinePolicy, Dns, DnsFacts, Facts, Keep, Told, Who,
};
use netpol::draft::Dialect;
use netpol::ends::Named;
use netpol::kinds::Kind;
use netpol::policy::rule::Direction;
use netpol_sources::live::{Connection, Target};

impl Run<'_> {
    /// Where DNS is served, as far as that is to be known.
    pub(super) async fn dns(
        &self,
        connection: Option<&Connection>,
    ) -> anyhow::Result<Option<DnsFacts>> {
        let mode = self.plan.baseline.dns;
        if !matches!(mode, Dns::Auto | Dns::Strict) {
            return Ok(None);
        }
        self.progress.say("looking for the DNS Service");
        let why = match connection {
            None => "there is no cluster to ask".to_owned(),
            Some(connection) => match facts::dns_facts(connection).await {
                Ok(Some((facts, true))) => bail!(
                    "the pods of Service {} use the networks of their nodes, which no policy for pods means: \
                     give --dns none, and --allow-egress=ADDRESS:53/UDP and :53/TCP for each of these nodes; \
                     nothing was written",
                    facts.service
                ),
                Ok(Some((facts, false))) => return Ok(Some(facts)),
                Ok(None) => "the cluster has no DNS Service with pods".to_owned(),
                Err(error) if error.is_of_server() && !self.may_go_offline() => {
                    return Err(error.into());
                }
                Err(error) => error.to_string(),
            },
        };
        if mode == Dns::Strict {
            bail!("--dns strict: {why}; give --dns namespace to allow all of kube-system");
        }
        let why = format!("allowing DNS to every pod of kube-system on port 53, since {why}");
        self.later.borrow_mut().push(why);
        Ok(None)
    }

    pub(super) fn may_go_offline(&self) -> bool {
        self.plan.dry_run == DryRun::Client || matches!(self.plan.action, Action::Export { .. })
    }

    /// What is known of the destinations of one namespace.
    pub(super) async fn facts(
        &self,
        connection: Option<&Connection>,
        namespace: &str,
        dns: Option<&DnsFacts>,
    ) -> anyhow::Result<Facts> {
        let mut facts = Facts { dns: dns.cloned(), ..Facts::default() };
        let wanted = self.baseline(namespace);
        for asked in &wanted.allowed {
            let known = facts::known(connection, asked).await;
            facts.allowed.push(known.map_err(|why| anyhow!(why))?);
        }
        for target in &wanted.egress {
            let service = match &target.names {
                Named::Address(address) => {
                    facts.egress.push(baseline::Destination {
                        label: address.to_string(),
                        who: Who::Address(*address),
                        ports: target.port.clone().into_iter().collect(),
                    });
                    continue;
                }
                Named::Path(parts) => match &parts[..] {
                    [name] => Some((namespace, &**name)),
                    [kind, name] if is_service(kind) => Some((namespace, &**name)),
                    [other, name] | [other, _, name] => Some((&**other, &**name)),
                    _ => None,
                },
                Named::Host(host) => in_cluster(host),
                Named::Pods(_) | Named::Found(_) => None,
            };
            let said = || match &target.names {
                Named::Host(host) => host.clone(),
                Named::Path(parts) => parts.join("/"),
                Named::Address(address) => address.to_string(),
                Named::Pods(wanted) => wanted.to_string(),
                Named::Found(found) => found.label.clone(),
            };
            let own = &wanted;
            if let (None, Named::Host(host), true) = (service, &target.names, own.dns_proxy) {
                facts.egress.push(baseline::Destination {
                    label: host.clone(),
                    who: Who::Name(host.clone()),
                    ports: target.port.clone().into_iter().collect(),
                });
                continue;
            }
            let Some((there, name)) = service else {
                let why = match own.dialect {
                    Dialect::NetworkPolicy | Dialect::Calico => {
                        "NetworkPolicy knows no names: give its address, or --dialect cilium and \
                         --dns-proxy"
                    }
                    Dialect::Cilium => {
                        "Cilium learns the addresses of names from its DNS proxy: give --dns-proxy, or \
                         its address"
                    }
                };
                bail!("--allow-egress {}: it is outside the cluster, and {why}", said());
            };
            let Some(connection) = connection else {
                bail!("--allow-egress {}: there is no cluster to ask for its pods", said());
            };
            let found = facts::destination(connection, there, name, target.port.as_ref()).await;
            let found = found.map_err(|why| anyhow!("--allow-egress {}: {why}", said()))?;
            facts.egress.push(found);
        }
        Ok(facts)
    }

    /// What is wanted of a namespace: the same for all, and what was agreed to besides.
    pub(super) fn baseline(&self, namespace: &str) -> Baseline {
        let mut baseline = self.plan.baseline.clone();
        for keep in self.kept.borrow().get(namespace).into_iter().flatten() {
            match keep {
                Keep::SameNamespace => baseline.same_namespace = true,
                Keep::Allow(direction, allowed) => {
                    let more = (*direction, allowed.clone());
                    if !baseline.allowed.contains(&more) {
                        baseline.allowed.push(more);
                    }
                }
                Keep::Node(_) | Keep::Labels(_) => {}
            }
        }
        baseline
    }

    /// Where a port that was given is a Service's, which no policy sees.
    pub(super) async fn service_ports(
        &self,
        connection: &Connection,
        namespace: &str,
    ) -> Vec<String> {
        let peers = [&self.plan.baseline.ingress_controller, &self.plan.baseline.monitoring];
        let given: Vec<_> = peers.into_iter().flatten().flat_map(|peer| &peer.ports).collect();
        if given.is_empty() {
            return Vec::new();
        }
        // It is a word of advice: who may not list Services goes without.
        facts::service_ports(connection, namespace, &given).await.unwrap_or_default()
    }

    /// Whether the cluster was asked and has no such namespace.
    pub(super) async fn is_missing(
        &self,
        connection: Option<&Connection>,
        namespace: &str,
    ) -> bool {
        let Some(connection) = connection else { return false };
        let at = Target::kind(Kind::Namespace).named(namespace);
        connection.find(&at).await.is_ok_and(|found| found.is_none())
    }

    /// The policies that are wanted of a namespace, in the order in which they are to be written. No two have
    /// one name, since the second would take the place of the first.
    pub(super) fn policies(
        &self,
        namespace: &str,
        facts: &Facts,
    ) -> Result<Vec<BaselinePolicy>, Failure> {
        let mut policies = self.baseline(namespace).policies(namespace, facts);
        policies.extend(self.learned.get(namespace).into_iter().flatten().cloned());
        baseline::in_order(&mut policies);
        match baseline::named_twice(&policies, self.plan.baseline.dialect) {
            None => Ok(policies),
            Some(name) => {
                let why = format!(
                    "two of the policies that were asked for are called {name}, of which only one could \
                     be there: leave one out, or call it otherwise; nothing was written"
                );
                Err(Failure { why, of_server: false })
            }
        }
    }

    /// What would be written, without a word to the server.
    pub(super) async fn imagine(
        &self,
        connection: Option<&Connection>,
        namespace: &str,
        dns: Option<&DnsFacts>,
    ) -> Result<Outcome, Failure> {
        let facts = self.facts(connection, namespace, dns).await?;
        let policies = self.policies(namespace, &facts)?;
        let mut outcome = Outcome::default();
        if !self.plan.baseline.labels.is_empty() {
            let object = to_value(&self.plan.baseline.namespace(namespace))?;
            outcome.deeds.push(Deed::of(object, namespace, State::Applied));
        }
        let dialect = self.plan.baseline.dialect;
        for object in policies.iter().filter_map(|policy| policy.object(dialect)) {
            outcome.deeds.push(Deed::of(object, namespace, State::Applied));
        }
        self.explain(&mut outcome, namespace, &policies, &facts);
        Ok(outcome)
    }

    /// Adds what the policies mean of themselves.
    pub(super) fn explain(
        &self,
        outcome: &mut Outcome,
        namespace: &str,
        policies: &[BaselinePolicy],
        facts: &Facts,
    ) {
        // What is written to files is in force once it is delivered.
        let would =
            self.plan.dry_run != DryRun::None || matches!(self.plan.action, Action::Export { .. });
        let told = Told { would, whole: false };
        let sides = baseline::sides(namespace, policies);
        outcome.words.push(baseline::meaning(namespace, &sides, told));
        self.one_sided(outcome, facts);
    }

    /// Names destinations that are opened at one end only.
    pub(super) fn one_sided(&self, outcome: &mut Outcome, facts: &Facts) {
        let own = &self.plan.baseline;
        for destination in &facts.egress {
            if let (Who::Service { namespace: there, .. }, false) =
                (&destination.who, own.both_sides)
            {
                outcome.words.push(format!(
                    "{} is opened on the egress side only: where {there} denies ingress, \
                     --both-sides opens that, too",
                    destination.label
                ));
            }
        }
    }

    /// Flags that admit somebody who is not there.
    pub(super) async fn nobody_admitted(&self, connection: &Connection) -> Vec<String> {
        let own = &self.plan.baseline;
        let peers = [
            ("--allow-ingress-controller", &own.ingress_controller),
            ("--allow-monitoring", &own.monitoring),
        ];
        let named = peers.into_iter().filter_map(|(flag, peer)| {
            let peer = peer.as_ref()?;
            Some((flag.to_owned(), "admits", &peer.namespace, &peer.labels))
        });
        let allowed = own.allowed.iter().filter_map(|(direction, allowed)| {
            let AllowedEnd::Pods { namespace, labels } = &allowed.who else { return None };
            let (flag, does) = match direction {
                Direction::Ingress => ("--allow-ingress", "admits"),
                Direction::Egress => ("--allow-egress", "leads to"),
            };
            Some((format!("{flag}={allowed}"), does, namespace, labels))
        });
        let mut lines = Vec::new();
        for (flag, does, namespace, labels) in named.chain(allowed) {
            // The same is so of every namespace.
            if !self.told.borrow_mut().insert(flag.clone()) {
                continue;
            }
            // It is a word of advice: who may not look goes without.
            if let Ok(Some(who)) = facts::nobody(connection, namespace, labels).await {
                lines.push(format!("{flag} {does} nobody now: {who}"));
            }
        }
        lines
    }
}
