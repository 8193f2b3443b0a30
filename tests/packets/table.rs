//! What was predicted and what was seen, as a table.

use netpol::cluster::{Family, Protocol};
use std::collections::BTreeMap;
use std::fmt;

/// How one kind of connections went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: usize,
    denied: usize,
    excused: usize,
    differs: usize,
}

/// How a run went.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) clusters: usize,
    /// Pairs of classes in the covers, and connections that these come to.
    pub(super) pairs: usize,
    pub(super) cover: usize,
    /// Flows of which nothing is predicted.
    pub(super) not_known: usize,
    /// Packets that daemons judged.
    pub(super) judged: usize,
    /// Connections that waited longer once more, since the first answer differed.
    pub(super) again: usize,
    /// Clusters that were tried once more, since a packet got no verdict.
    pub(super) repeated: usize,
    /// Whether nftables took the daemon's own rules.
    pub(super) own_rules: bool,
    /// Differences that have a name.
    deviations: BTreeMap<String, usize>,
    counts: BTreeMap<(&'static str, Family, Protocol), Counts>,
}

/// What became of a connection.
pub(super) enum Seen {
    /// What was predicted: it passed, or nothing came.
    AsPredicted(bool),
    /// Not that, for a reason that has a name.
    Excused(String),
    /// Not that.
    Differs,
}

impl Tally {
    /// Before anything was tried.
    pub(super) fn new() -> Self {
        Self { own_rules: true, ..Self::default() }
    }

    /// Counts one connection of a cluster with these policies.
    pub(super) fn count(
        &mut self,
        policies: &'static str,
        family: Family,
        protocol: Protocol,
        seen: Seen,
    ) {
        let counts = self.counts.entry((policies, family, protocol)).or_default();
        match seen {
            Seen::AsPredicted(true) => counts.passed += 1,
            Seen::AsPredicted(false) => counts.denied += 1,
            Seen::Differs => counts.differs += 1,
            Seen::Excused(name) => {
                counts.excused += 1;
                *self.deviations.entry(name).or_default() += 1;
            }
        }
    }

    /// How many connections were tried.
    pub(super) fn tried(&self) -> usize {
        let all = self.counts.values();
        all.map(|it| it.passed + it.denied + it.excused + it.differs).sum()
    }

    /// How many differ.
    pub(super) fn differs(&self) -> usize {
        self.counts.values().map(|it| it.differs).sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["POLICIES", "FAMILY", "PORT", "TRIED", "PASS", "DENIED", "EXCUSED", "DIFFER"];
        let row = |f: &mut fmt::Formatter<'_>, cells: [String; 8]| {
            let [policies, family, port, tried, passed, denied, excused, differs] = cells;
            writeln!(
                f,
                "{policies:<15}{family:<8}{port:<6}{tried:>7}{passed:>8}{denied:>8}{excused:>9}\
                 {differs:>8}"
            )
        };
        row(f, head.map(str::to_owned))?;
        let mut all = Counts::default();
        let cells = |names: [String; 3], it: Counts| {
            let [policies, family, port] = names;
            let tried = it.passed + it.denied + it.excused + it.differs;
            let [tried, passed, denied, excused, differs] =
                [tried, it.passed, it.denied, it.excused, it.differs].map(|it| it.to_string());
            [policies, family, port, tried, passed, denied, excused, differs]
        };
        for ((policies, family, protocol), counts) in &self.counts {
            all.passed += counts.passed;
            all.denied += counts.denied;
            all.excused += counts.excused;
            all.differs += counts.differs;
            let names = [policies.to_string(), family.to_string(), protocol.to_string()];
            row(f, cells(names, *counts))?;
        }
        row(f, cells(["all".into(), String::new(), String::new()], all))?;
        let Self { clusters, pairs, cover, not_known, judged, again, repeated, .. } = self;
        writeln!(
            f,
            "\n{clusters} clusters, {pairs} pairs of classes. All of their cover is {cover} \
             connections;\nof {not_known} more the answer is not known, so they were not tried."
        )?;
        let rules = if self.own_rules { "its own nftables rules" } else { "rules of iptables" };
        writeln!(
            f,
            "The daemon judged {judged} packets, by {rules}; {again} connections\nwere tried twice, \
             {repeated} clusters once more since a packet got no verdict."
        )?;
        for (name, count) in &self.deviations {
            writeln!(f, "Excused, {count}: {name}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_adds_up_and_fits_80_columns() {
        let mut tally = Tally { clusters: 2, pairs: 12345, cover: 40000, ..Tally::default() };
        tally.count("NetworkPolicy", Family::V4, Protocol::Tcp, Seen::AsPredicted(true));
        tally.count("NetworkPolicy", Family::V4, Protocol::Tcp, Seen::AsPredicted(false));
        tally.count("NetworkPolicy", Family::V6, Protocol::Udp, Seen::Differs);
        tally.count("administrators", Family::V6, Protocol::Udp, Seen::Excused("a name".into()));
        assert_eq!((tally.tried(), tally.differs()), (4, 1));
        let text = tally.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.iter().all(|line| line.len() <= 80), "{text}");
        let cells = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(cells(lines[1]), ["NetworkPolicy", "IPv4", "TCP", "2", "1", "1", "0", "0"]);
        assert_eq!(cells(lines[4]), ["all", "4", "1", "1", "1", "1"]);
        assert!(text.contains("Excused, 1: a name"), "{text}");
    }
}
