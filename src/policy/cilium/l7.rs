//! What must hold on a port besides its number: rules for HTTP, DNS and Kafka, names of TLS
//! servers, listeners.
//!
//! In: an item of `toPorts`. Out: a condition in words, and every fault for which the agent rejects
//! it. Source: docs/semantics/cilium-objects.md#layer-7-rules-that-are-rejected,
//! docs/semantics/cilium-ports.md#layer-7 and docs/semantics/cilium-ports.md#server-names.

use super::super::CiliumVersion;
use super::super::rule::{Condition, Direction, Reads};
use super::lower::{At, Lowering, both};
use super::ports::{is_range, is_zero};
use super::regexp;
use super::written::{Fqdn, HttpRule, KafkaRule, L7Rules, Listener, PortRules};
use crate::lints::Lint;
use std::collections::BTreeSet;
use std::fmt::Debug;

/// More items than these are counted, not told.
const MOST_WORDS: usize = 4;

/// The most characters of a server's name.
const MOST_CHARACTERS: usize = 255;

impl L7Rules {
    /// Whether it has no rule, so that the agent neither checks it nor asks the proxy.
    ///
    /// Source: `L7Rules.IsEmpty` in Cilium's pkg/policy/api/l4.go.
    fn is_empty(&self) -> bool {
        let Self { http, kafka, dns, l7, .. } = self;
        let [http, kafka] = [http.as_ref().map(Vec::len), kafka.as_ref().map(Vec::len)];
        let [dns, l7] = [dns.as_ref().map(Vec::len), l7.as_ref().map(Vec::len)];
        [http, kafka, dns, l7].into_iter().all(|len| len.is_none_or(|len| len == 0))
    }

    fn proto(&self) -> Option<&str> {
        self.l7proto.as_deref().filter(|name| !name.is_empty())
    }

    /// The rules that a version knows.
    fn known_to(&self, version: CiliumVersion) -> Self {
        match version {
            CiliumVersion::V1_18 | CiliumVersion::V1_19 => self.clone(),
            CiliumVersion::V1_20 => {
                Self { http: self.http.clone(), dns: self.dns.clone(), ..Self::default() }
            }
        }
    }
}

impl Lowering<'_> {
    /// What must hold on these ports.
    pub(super) fn l7(&mut self, at: At<'_>, path: &str, item: &PortRules) -> Option<Condition> {
        if at.denies() {
            for (field, present) in [
                ("rules", item.rules.is_some()),
                ("listener", item.listener.is_some()),
                ("serverNames", item.server_names.is_some()),
            ] {
                if present {
                    self.dropped(format!("{path}.{field}"), "so the ports are denied as a whole");
                }
            }
            return None;
        }
        let known = item.rules.as_ref().map(|rules| rules.known_to(self.settings.version));
        if let (Some(written), Some(known)) = (&item.rules, &known) {
            self.one_kind(&format!("{path}.rules"), written, known);
        }
        let rules = known.as_ref().filter(|rules| !rules.is_empty());
        let l7 = known.as_ref().and_then(|rules| self.rules(at, path, item, rules));
        let names = self.server_names(path, item, rules.is_some());
        let listener = item.listener.as_ref().map(|listener| {
            let name = listener.name.as_deref().unwrap_or_default();
            self.listener(&format!("{path}.listener"), listener);
            if at.direction == Direction::Ingress {
                self.fault(format!("{path}.listener"), "is not for ingress");
            }
            if rules.is_some() {
                self.fault(format!("{path}.listener"), "cannot stand with L7 rules");
            }
            let words = format!("what the Envoy listener {name} lets through");
            let asks = format!("{listener:?}").into();
            Condition { asks, ..Condition::new(format!("{path}.listener"), words) }
        });
        both(both(names, l7), listener)
    }

    fn server_names(&mut self, path: &str, item: &PortRules, l7: bool) -> Option<Condition> {
        let names = item.server_names.as_deref()?;
        let path = format!("{path}.serverNames");
        if names.is_empty() && !self.live {
            self.refuse(path.clone(), "is empty: leave it out, or give a name");
        }
        if names.is_empty() {
            return None;
        }
        if l7 && item.terminating_tls.is_none() {
            self.fault(path.clone(), "cannot stand with L7 rules unless terminatingTLS is there");
        }
        let anywhere = self.settings.version >= CiliumVersion::V1_20;
        for (i, name) in names.iter().enumerate() {
            if !is_server_name(name, anywhere) {
                let stars = if anywhere { "anywhere" } else { "as *. or **. before all of it" };
                let message = format!(
                    "{name:?} is not at most {MOST_CHARACTERS} letters, digits, - and _, with single dots \
                     between them and stars {stars}"
                );
                self.refuse(format!("{path}[{i}]"), message);
            }
        }
        let words = format!("TLS to {}", some(names.iter().cloned(), ", "));
        Some(Condition { asks: all_of(names), ..Condition::new(path, words) })
    }

    /// What the CRD takes of a listener.
    fn listener(&mut self, path: &str, listener: &Listener) {
        let kinds = ["CiliumEnvoyConfig", "CiliumClusterwideEnvoyConfig"];
        let given = |name: &Option<String>| name.as_ref().is_some_and(|name| !name.is_empty());
        if !given(&listener.name) {
            self.refuse(format!("{path}.name"), "is missing");
        }
        let Some(config) = &listener.envoy_config else {
            self.refuse(format!("{path}.envoyConfig"), "is missing");
            return;
        };
        if !given(&config.name) {
            self.refuse(format!("{path}.envoyConfig.name"), "is missing");
        }
        if let Some(kind) = config.kind.as_deref().filter(|kind| !kinds.contains(kind)) {
            let message = format!("{kind:?} is not {}", kinds.join(" or "));
            self.refuse(format!("{path}.envoyConfig.kind"), message);
        }
    }

    /// What the agent takes of a rule for HTTP.
    ///
    /// Source: `PortRuleHTTP.Sanitize` in Cilium's pkg/policy/api/http.go; the host is not compiled.
    fn http(&mut self, path: &str, rule: &HttpRule) {
        for (field, text) in [("path", &rule.path), ("method", &rule.method)] {
            let path = format!("{path}.{field}");
            let Some(text) = text.as_deref() else { continue };
            if self.unfilled(&path, text).is_none()
                && let Some(why) = regexp::fault(text)
            {
                self.fault(path, format!("{text:?} is no regular expression: it {why}"));
            }
        }
    }

    /// What the CRD takes: exactly one kind of rules. From 1.20 on it knows neither kafka nor l7proto,
    /// so the API server drops them before it looks.
    ///
    /// Source: docs/semantics/cilium-objects.md#layer-7-rules-that-are-rejected and
    /// docs/semantics/cilium-objects.md#versions; the CRDs of 1.18 to 1.20.
    fn one_kind(&mut self, field: &str, written: &L7Rules, known: &L7Rules) {
        let kinds: Vec<&str> = [
            ("http", known.http.is_some()),
            ("kafka", known.kafka.is_some()),
            ("dns", known.dns.is_some()),
            ("l7proto", known.l7proto.is_some()),
        ]
        .into_iter()
        .filter_map(|(kind, present)| present.then_some(kind))
        .collect();
        let gone = [
            ("kafka", written.kafka.is_some() && known.kafka.is_none()),
            ("l7proto", written.l7proto.is_some() && known.l7proto.is_none()),
        ];
        let gone = gone.into_iter().find_map(|(kind, gone)| gone.then_some(kind));
        match (kinds.as_slice(), gone) {
            ([], Some(kind)) if self.live => {
                let message = "was removed in Cilium 1.20: the API server drops it, so the port is \
                               open to every request";
                self.lint(Lint::OldForm, format!("{field}.{kind}"), message);
            }
            ([], Some(kind)) => {
                let message = "was removed in Cilium 1.20: the API server drops it, and takes no \
                               rules without http or dns";
                self.refuse(format!("{field}.{kind}"), message);
            }
            ([], None) if written.l7.is_some() => {
                self.refuse(format!("{field}.l7"), "needs l7proto beside it");
            }
            ([], None) => {
                self.refuse(field, "is empty: leave it out to let every request pass");
            }
            ([_], Some(kind)) => {
                let message = "was removed in Cilium 1.20: the API server drops it";
                self.lint(Lint::OldForm, format!("{field}.{kind}"), message);
            }
            ([_], None) => {}
            (several, _) => {
                let message = format!("has {}: give one", several.join(" and "));
                self.refuse(field, message);
            }
        }
    }

    fn rules(
        &mut self,
        at: At<'_>,
        path: &str,
        item: &PortRules,
        rules: &L7Rules,
    ) -> Option<Condition> {
        let field = format!("{path}.rules");
        let parser = rules.proto().map(|name| format!("what the L7 parser {name} takes"));
        if rules.is_empty() {
            let parser = parser.map(|words| Condition::new(format!("{field}.l7proto"), words));
            if parser.is_none() {
                self.lint(
                    Lint::MeansAnyone,
                    field,
                    "has no rule, so the ports are open to every request",
                );
            }
            return parser;
        }
        if rules.l7.is_some() && parser.is_none() {
            self.fault(format!("{field}.l7"), "needs l7proto beside it");
        }
        if !self.settings.l7_proxy {
            self.fault(field.clone(), "needs the option enable-l7-proxy, which is off");
        }
        self.ports_of_l7(at, path, item, rules);
        for (i, fqdn) in rules.dns.iter().flatten().enumerate() {
            let path = format!("{field}.dns[{i}]");
            if fqdn.texts().find_map(|text| self.unfilled(&path, text)).is_none() {
                self.fqdn(&path, fqdn);
            }
        }
        for (i, rule) in rules.http.iter().flatten().enumerate() {
            self.http(&format!("{field}.http[{i}]"), rule);
        }
        let mut names = Vec::new();
        let (kind, words, asks, reads) = match (&rules.dns, &rules.http, &rules.kafka) {
            (Some(dns), ..) if !dns.is_empty() => {
                names = dns.iter().flat_map(|fqdn| fqdn.patterns(self.settings.version)).collect();
                ("dns", dns_words(dns), all_of(dns), Reads::Dns)
            }
            (_, Some(http), _) if http.contains(&HttpRule::default()) => {
                let any = Condition::ANY_HTTP;
                ("http", any.to_owned(), any.into(), Reads::Http)
            }
            (_, Some(http), _) if !http.is_empty() => {
                ("http", http_words(http), all_of(http), Reads::Http)
            }
            (.., Some(kafka)) if !kafka.is_empty() => {
                ("kafka", kafka_words(kafka), all_of(kafka), Reads::Else)
            }
            _ => ("l7proto", parser?, format!("{rules:?}").into(), Reads::Else),
        };
        let path = format!("{field}.{kind}").into();
        Some(Condition { path, words: words.into(), asks, names: names.into(), reads })
    }

    /// Whether L7 rules can stand on these ports in this place.
    fn ports_of_l7(&mut self, at: At<'_>, path: &str, item: &PortRules, rules: &L7Rules) {
        let ports = item.ports.as_deref().unwrap_or_default();
        let dns = rules.dns.as_ref().is_some_and(|dns| !dns.is_empty());
        if dns && at.direction == Direction::Ingress {
            self.fault(format!("{path}.rules.dns"), "is not for ingress");
        }
        if rules.dns.is_some() && ports.is_empty() {
            self.fault(format!("{path}.ports"), "is missing: rules for DNS need port 53");
        }
        if at.of_nodes {
            let egress_dns = dns && at.direction == Direction::Egress;
            if !egress_dns {
                self.fault(format!("{path}.rules"), "cannot stand in a rule with nodeSelector");
            }
        }
        for (i, port) in ports.iter().enumerate() {
            let path = format!("{path}.ports[{i}]");
            if is_zero(port) {
                self.fault(format!("{path}.port"), "is 0, which cannot stand with L7 rules");
            }
            if dns && is_range(port) {
                self.fault(
                    format!("{path}.endPort"),
                    "makes a range, which rules for DNS take not",
                );
            }
            if !dns && port.protocol.as_deref() != Some("TCP") {
                let found = port.protocol.as_deref().unwrap_or("ANY");
                let message = format!("is {found}: L7 rules other than for DNS need TCP");
                self.fault(format!("{path}.protocol"), message);
            }
        }
    }
}

/// The pattern of the CRD: whole labels, with stars in front or, from 1.20 on, anywhere.
///
/// Source: `ServerName` in Cilium's pkg/policy/api/l4.go.
fn is_server_name(name: &str, anywhere: bool) -> bool {
    let stars = |name| ["**.", "*."].iter().find_map(|stars| str::strip_prefix(name, stars));
    let rest = if anywhere { name } else { stars(name).unwrap_or(name) };
    let known = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b) || anywhere && b == b'*';
    let mut labels = rest.strip_suffix('.').unwrap_or(rest).split('.');
    name.len() <= MOST_CHARACTERS
        && labels.all(|label| !label.is_empty() && label.bytes().all(known))
}

/// Rules of which one is enough, whatever their order.
fn all_of(rules: &[impl Debug]) -> Box<str> {
    let rules: BTreeSet<String> = rules.iter().map(|rule| format!("{rule:?}")).collect();
    rules.into_iter().collect::<Vec<_>>().join(" or ").into()
}

/// The first items, and how many more there are.
fn some(items: impl Iterator<Item = String>, between: &str) -> String {
    let items: Vec<String> = items.collect();
    let (shown, more) = items.split_at(items.len().min(MOST_WORDS));
    let shown = shown.join(between);
    if more.is_empty() { shown } else { format!("{shown} and {} more", more.len()) }
}

fn http_words(rules: &[HttpRule]) -> String {
    some(rules.iter().map(http_rule), " or ")
}

fn http_rule(rule: &HttpRule) -> String {
    let mut words = "HTTP".to_owned();
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    for (before, text) in
        [(" ", given(&rule.method)), (" ", given(&rule.path)), (" at host ", given(&rule.host))]
    {
        if let Some(text) = text {
            words.push_str(before);
            words.push_str(&text);
        }
    }
    let headers = rule.headers.iter().flatten().cloned();
    let matches = rule.header_matches.iter().flatten();
    let headers: Vec<String> =
        headers.chain(matches.filter_map(|header| header.name.clone())).collect();
    if !headers.is_empty() {
        words.push_str(" with header ");
        words.push_str(&some(headers.into_iter(), ", "));
    }
    words
}

fn kafka_words(rules: &[KafkaRule]) -> String {
    if rules.contains(&KafkaRule::default()) {
        return "Kafka".to_owned();
    }
    let words = rules.iter().map(|rule| {
        let action = rule.role.as_deref().or(rule.api_key.as_deref());
        let action = action.map_or(String::new(), |action| format!(" {action}"));
        let topic = rule.topic.as_deref().map_or(String::new(), |t| format!(" on topic {t}"));
        format!("Kafka{action}{topic}")
    });
    some(words, " or ")
}

fn dns_words(rules: &[Fqdn]) -> String {
    let patterns = rules.iter().flat_map(Fqdn::texts).map(ToOwned::to_owned);
    format!("DNS names {}", some(patterns, ", "))
}
