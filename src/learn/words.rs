//! What was learned, and what was not, in lines for people.

use super::collect::{Collector, Left, MOST_CONNECTIONS, Trouble};
use super::evidence::Who;
use super::judge::{Fate, Lesson, Lost, Seen};
use super::policies::{MOST_BLOCKS, MOST_PORTS};
use crate::cluster::ObjectRef;
use crate::draft::Dialect;
use crate::prose;
use std::fmt;

/// Lines of one list, unless all are asked for.
const LINES: usize = 20;

/// What guesses are worth.
const GUESSED: &str = "guesses are from configuration: what it names need not be used, and what is used \
                       need not be named there; values of Secrets are not read";

/// What to call an end.
pub(super) fn end(collector: &Collector<'_>, who: Who) -> String {
    match who {
        Who::Unit(id) => collector.units.get(id).object.to_string(),
        Who::Address(ip) => match collector.names.get(&ip) {
            Some(name) => format!("{ip} ({})", name.trim_end_matches('.')),
            None => ip.to_string(),
        },
    }
}

/// What became of the connections of a namespace.
pub fn lesson_text(collector: &Collector<'_>, lesson: &Lesson, all: bool) -> Vec<String> {
    let text = Text { collector, lesson, all };
    let mut lines = Vec::new();
    let guesses = lesson.seen.iter().filter(|seen| seen.is_guess()).count();
    let connections = some(count(lesson.seen.len() - guesses), "connection");
    let named = some(count(guesses), "connection");
    let named = format!("{named} named in configuration");
    let told = match (&collector.guessed, collector.flows) {
        (None, _) => format!("{connections} seen"),
        (Some(_), 0) => named,
        (Some(_), _) => format!("{connections} seen, and {named} that nobody saw"),
    };
    lines.push(format!("{}: {told}", lesson.namespace));
    let learned = text.of(|seen| matches!(seen.fate, Fate::Learned(_)));
    let policies = some(count(lesson.policies.len()), "policy");
    text.list(&mut lines, &format!("learned, for {policies}:"), &learned, |seen| text.passed(seen));
    let covered = text.of(|seen| seen.fate == Fate::Covered);
    if all {
        let head = "allowed without, by the baseline or by what is there:";
        text.list(&mut lines, head, &covered, |seen| text.passed(seen));
    } else if !covered.is_empty() {
        let covered = some(count(covered.len()), "connection");
        lines.push(format!("  allowed without, by the baseline or by what is there: {covered}"));
    }
    let denied = text.of(|seen| matches!(seen.fate, Fate::Denied { .. }));
    let head = "denied by policies and not learned (explain --suggest writes what allows one):";
    text.list(&mut lines, head, &denied, Text::denied);
    let other = text.of(|seen| seen.fate == Fate::OtherSide);
    let head = "allowed here, and denied by the policies of the other end's namespace:";
    text.list(&mut lines, head, &other, |seen| text.passed(seen));
    let cut = text.of(|seen| matches!(seen.fate, Fate::Cut(_)));
    let lost: u64 = cut.iter().map(|seen| Text::flows(seen)).sum();
    let connections = some(count(cut.len()), "connection");
    let unseen = collector.guessed.is_some() && collector.flows == 0;
    let head = if unseen {
        format!("{connections} would be cut:")
    } else {
        format!("{connections} in {} would be cut:", some(lost, "observed flow"))
    };
    text.list(&mut lines, &head, &cut, |seen| text.passed(seen));
    if cut.is_empty() && !(learned.is_empty() && covered.is_empty()) {
        let what = if unseen { "of these connections" } else { "observed flows" };
        lines.push(format!("  0 {what} would be cut"));
    }
    for object in &lesson.replaced {
        let name = ObjectRef { namespace: None, ..object.clone() };
        lines.push(format!(
            "  {name} is there already: applying the answer puts this one in its place"
        ));
    }
    lines
}

struct Text<'a, 'b> {
    collector: &'a Collector<'b>,
    lesson: &'a Lesson,
    all: bool,
}

impl Text<'_, '_> {
    fn of(&self, wanted: impl Fn(&Seen) -> bool) -> Vec<&Seen> {
        self.lesson.seen.iter().filter(|seen| wanted(seen)).collect()
    }

    fn flows(seen: &Seen) -> u64 {
        seen.counts[0]
    }

    fn list(
        &self,
        lines: &mut Vec<String>,
        head: &str,
        seen: &[&Seen],
        detail: impl Fn(&Seen) -> String,
    ) {
        if seen.is_empty() {
            return;
        }
        lines.push(format!("  {head}"));
        let shown = if self.all { seen.len() } else { LINES };
        for seen in seen.iter().take(shown) {
            let [from, to] =
                [seen.connection.source, seen.connection.destination].map(|who| self.end(who));
            let port = seen.connection.port;
            let port = if port.protocol.has_ports() {
                port.to_string()
            } else {
                format!("{} type {}", port.protocol, port.number)
            };
            lines.push(format!("    {from} → {to} {port}: {}", detail(seen)));
        }
        if seen.len() > shown {
            lines.push(format!("    and {} more; --v 1 shows them all", seen.len() - shown));
        }
    }

    /// An end, without the namespace in hand.
    fn end(&self, who: Who) -> String {
        if let Who::Unit(id) = who {
            let unit = self.collector.units.get(id);
            if unit.namespace.as_deref() == Some(&*self.lesson.namespace) {
                return ObjectRef { namespace: None, ..unit.object.clone() }.to_string();
            }
        }
        end(self.collector, who)
    }

    fn passed(&self, seen: &Seen) -> String {
        let mut text = if seen.is_guess() {
            format!("a guess from {}", Self::named(seen))
        } else {
            some(Self::flows(seen), "flow")
        };
        if !seen.is_guess() && !seen.named.is_empty() {
            text += &["; also named by ", &Self::named(seen)].concat();
        }
        if seen.audited {
            text += ", only in audit mode";
        }
        match seen.fate {
            Fate::Cut(Lost::Node) => {
                text += match self.lesson.dialect {
                    Dialect::NetworkPolicy | Dialect::Calico => {
                        "; no NetworkPolicy can name a node"
                    }
                    Dialect::Cilium => {
                        "; an end is a node, and only entities name these, all of them"
                    }
                };
            }
            Fate::Cut(Lost::NoLabels) => text += "; an end has no label to name it by",
            Fate::Cut(Lost::TooMany) => {
                let most = format!("{MOST_BLOCKS} blocks of addresses or {MOST_PORTS} ports");
                text += &["; more than ", &most, ": name a block or a range yourself"].concat();
            }
            Fate::Cut(Lost::Refused) => text += "; a rule denies it, or may",
            Fate::Learned(_) if self.all => {
                if let Fate::Learned(names) = &seen.fate {
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    text += &[" (", &names.join(", "), ")"].concat();
                }
            }
            _ => {}
        }
        text
    }

    /// What in configuration names a connection.
    fn named(seen: &Seen) -> String {
        let places = seen.named.iter().map(|(by, file)| match file {
            Some(file) => format!("{by} ({file})"),
            None => by.to_string(),
        });
        prose::list(&places.collect::<Vec<_>>(), "and")
    }

    fn denied(seen: &Seen) -> String {
        if seen.is_guess() {
            return format!("named by {}", Self::named(seen));
        }
        if let Fate::Denied { predicted: true } = seen.fate {
            return "let through on one side, and the policies deny it on the other".to_owned();
        }
        let [passed, egress, ingress] = seen.counts;
        let sides = [(egress, "egress"), (ingress, "ingress")];
        let sides = sides.into_iter().filter(|(count, _)| *count > 0);
        let sides: Vec<String> =
            sides.map(|(count, side)| format!("{count} dropped at {side}")).collect();
        let before = if passed > 0 { format!(", {passed} passed") } else { String::new() };
        sides.join(", ") + &before
    }
}

/// What is to be said of what was read, whichever namespace it is about.
pub fn reading_text(collector: &Collector<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let silence = &collector.silence;
    if let Some((first, last)) = collector.span {
        let from = first.strftime("%Y-%m-%d %H:%M:%S");
        let same_day = first.strftime("%F").to_string() == last.strftime("%F").to_string();
        let to = last.strftime(if same_day { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" });
        lines.push(format!("seen from {from} to {to} UTC; what is rarer is not among it"));
    }
    for (count, what) in [
        (silence.other_drops, "dropped by no policy"),
        (silence.layer7, "denied by an L7 rule, on a connection that was let through"),
        (silence.exempt, "from a pod's own node, such as probes, or a pod to itself"),
    ] {
        if count > 0 {
            lines.push(format!("not learned: {} {what}", some(count, "flow")));
        }
    }
    for (left, count) in &collector.left {
        lines.push(format!("not learned: {}: {left}", some(*count, "flow")));
    }
    if collector.more_left > 0 {
        let more = some(collector.more_left, "flow");
        lines.push(format!("not learned: {more} for further reasons of this kind"));
    }
    if let Some(guesses) = &collector.guessed {
        for why in &guesses.left {
            lines.push(format!("not guessed: {why}"));
        }
        if guesses.more > 0 {
            lines.push(format!("not guessed: {} more of this kind", guesses.more));
        }
        lines.push(GUESSED.to_owned());
    }
    for (one, other) in &collector.units.alike {
        lines.push(format!(
            "{one} and {other} have the same labels: what is learned of one is allowed to both"
        ));
    }
    if silence.beyond > 0 {
        lines.push(format!(
            "only the first {MOST_CONNECTIONS} different connections are kept: {} left out",
            some(silence.beyond, "flow")
        ));
    }
    trouble(&collector.trouble, &mut lines);
    lines
}

/// What was lost on the way.
fn trouble(trouble: &Trouble, lines: &mut Vec<String>) {
    if trouble.lost > 0 {
        let events = some(trouble.lost, "event");
        lines.push(format!("{events} lost by Hubble: what is not listed may have happened"));
    }
    if !trouble.nodes.is_empty() {
        let nodes: Vec<&str> = trouble.nodes.iter().map(|node| &**node).collect();
        lines.push(format!("no flows from these nodes: {}", nodes.join(", ")));
    }
    if let Some(first) = &trouble.first_unreadable {
        let (text, why) = (&first.text, &first.why);
        let count = some(trouble.unreadable, "line");
        lines.push(format!("{count} left out that are no flows; the first: {text:?} ({why})"));
    }
    if trouble.too_long > 0 {
        let count = some(trouble.too_long, "line");
        lines.push(format!("{count} of more than 1 MiB left out"));
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPod(pod) => write!(
                f,
                "the pod {pod} is not known here: it is gone, or newer than what was read"
            ),
            Self::NoOwner(ip) => {
                write!(f, "{ip} is an address in the cluster, and no pod that is known has it")
            }
            Self::Service(name) => write!(
                f,
                "the address of {name}, which was not translated yet; policies see the pods behind it"
            ),
            Self::Special(name) => {
                write!(
                    f,
                    "an end is {name}, which no NetworkPolicy can name (Cilium's entities can)"
                )
            }
            Self::Nameless => f.write_str("Hubble names neither pod nor address"),
            Self::Portless(protocol) => {
                let cilium = if protocol.starts_with("ICMP") {
                    " (those of Cilium and Calico can)"
                } else {
                    ""
                };
                write!(f, "{protocol} has no ports, and no NetworkPolicy names it{cilium}")
            }
        }
    }
}

fn some(count: u64, one: &str) -> String {
    match (count, one) {
        (1, _) => format!("1 {one}"),
        (_, "policy") => format!("{count} policies"),
        _ => format!("{count} {one}s"),
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
