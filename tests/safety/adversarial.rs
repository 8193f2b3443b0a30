//! Manifests of somebody who wants a command to take all memory and time: pods times labels times ports
//! times blocks times tiers. Every command answers, or says in one sentence that it is too much.

use crate::random::Random;
use crate::run::{FRONT, command};
use std::fmt::Write as _;
use std::fs;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// What a command may take: bytes of memory, and seconds of processor time.
#[derive(Clone, Copy)]
pub(super) struct Most {
    memory: u64,
    seconds: f64,
}

/// What any command may take, for two hundred thousand bytes of manifests.
pub(super) const MOST: Most = Most { memory: 1 << 30, seconds: 30.0 };

/// How much is tried: seeds, and bytes of manifests; `NETPOL_ADVERSARIAL=SEEDS` tries that many at the
/// full size, with the program `NETPOL_ADVERSARIAL_WITH`, if it is set.
const SEEDS: u64 = 6;
const SMALL: usize = 9_000;
pub(super) const FULL: usize = 200_000;

/// Who writes what, and how much of it.
struct Shape {
    namespaces: usize,
    /// Every pod has labels of its own, or shares them with so many others.
    alike: usize,
    /// In a hundred bytes so many are pods.
    pods: usize,
    /// Values that a requirement lists.
    values: usize,
    /// From one rule's port to the next one's, so that ports do not merge; 0: ranges that overlap.
    step: usize,
    /// In a hundred peers so many are blocks.
    blocks: usize,
    /// In a hundred rules of a NetworkPolicy so many are for anyone.
    anyone: usize,
    dialect: Dialect,
    egress: bool,
    conditions: bool,
    /// Requirements ask for other things than not to have some values.
    mixed: bool,
}

/// Pods that every policy tells apart, each policy with a port of its own.
const APART: Shape = Shape {
    namespaces: 1,
    alike: 1,
    pods: 39,
    values: 20,
    step: 1,
    blocks: 0,
    anyone: 0,
    dialect: Dialect::Plain,
    egress: false,
    conditions: false,
    mixed: false,
};
/// Of 500 pods and 150 policies the program that is released takes no more than this.
const APART_MOST: Most = Most { memory: 500 << 20, seconds: 5.0 };
const APART_BYTES: usize = 118_000;
const APART_COMMANDS: &[&[&str]] = &[
    &["list", "-f", "A"],
    &["list", "-f", "A", "-o", "json"],
    &["list", "-f", "A", "-o", "md"],
    &["list", "-f", "A", "--from", "n0/p0"],
    &["diff", "A", "B"],
];

#[derive(Clone, Copy, PartialEq, Debug)]
enum Dialect {
    Plain,
    Admin,
    Cilium,
}

impl Shape {
    fn of(r: &mut Random) -> Self {
        Self {
            namespaces: *r.pick(&[1, 1, 2, 20]),
            alike: *r.pick(&[1, 1, 1, 3, 20]),
            pods: *r.pick(&[20, 40, 60, 85]),
            values: *r.pick(&[1, 1, 3, 20]),
            step: *r.pick(&[0, 1, 2, 7]),
            blocks: *r.pick(&[0, 0, 20, 90]),
            anyone: *r.pick(&[0, 0, 30]),
            dialect: *r.pick(&[Dialect::Plain, Dialect::Plain, Dialect::Admin, Dialect::Cilium]),
            egress: r.percent(50),
            conditions: r.percent(30),
            mixed: true,
        }
    }

    fn requirement(&self, r: &mut Random, pods: usize) -> String {
        let mut values = String::new();
        for i in 0..self.values {
            let comma = if i == 0 { "" } else { "," };
            let _ = write!(values, "{comma}v{}", r.below(pods / self.alike + 1));
        }
        match if self.mixed { r.below(10) } else { 9 } {
            0 => "{matchLabels: {g: g1}}".to_owned(),
            1 => "{matchExpressions: [{key: l, operator: DoesNotExist}]}".to_owned(),
            2 => format!("{{matchExpressions: [{{key: k, operator: In, values: [{values}]}}]}}"),
            _ => format!("{{matchExpressions: [{{key: k, operator: NotIn, values: [{values}]}}]}}"),
        }
    }

    /// The first and the last port of a rule.
    fn ports(&self, r: &mut Random, rule: usize) -> (usize, usize) {
        if self.step == 0 {
            let first = r.between(1, 60_000);
            return (first, first + r.below(5_000));
        }
        let port = 1 + (rule * self.step) % 60_000;
        (port, port)
    }

    fn policy(&self, r: &mut Random, at: usize, pods: usize) -> String {
        let namespace = format!("n{}", r.below(self.namespaces));
        let (subject, peer) = (self.requirement(r, pods), self.requirement(r, pods));
        let (first, last) = self.ports(r, at);
        let block = r.percent(self.blocks).then(|| {
            let (a, b, length) = (r.below(256), r.below(256), r.between(9, 24));
            (format!("10.{a}.{b}.0/{length}"), format!("10.{a}.{b}.{}/32", r.below(256)))
        });
        let egress = self.egress && at % 2 == 1;
        match self.dialect {
            Dialect::Plain => {
                let peer = match &block {
                    _ if r.percent(self.anyone) => String::new(),
                    Some((cidr, _)) => format!("{{ipBlock: {{cidr: {cidr}}}}}"),
                    None if self.namespaces > 1 => {
                        format!("{{namespaceSelector: {{}}, podSelector: {peer}}}")
                    }
                    None => format!("{{podSelector: {peer}}}"),
                };
                let (rules, peers, kind) = if egress {
                    ("egress", "to", "Egress")
                } else {
                    ("ingress", "from", "Ingress")
                };
                format!(
                    "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: \
                     p{at}, namespace: {namespace}}}, spec: {{podSelector: {subject}, policyTypes: \
                     [{kind}], {rules}: [{{{peers}: [{peer}], ports: [{{port: {first}, endPort: \
                     {last}}}]}}]}}}}"
                )
            }
            Dialect::Admin => {
                let (rules, peers) = if egress { ("egress", "to") } else { ("ingress", "from") };
                let action = r.pick(&["Allow", "Deny", "Pass"]);
                let of =
                    |pods: &str| format!("pods: {{namespaceSelector: {{}}, podSelector: {pods}}}");
                let peer = match &block {
                    Some((cidr, _)) if egress => format!("networks: [{cidr}]"),
                    _ => of(&peer),
                };
                format!(
                    "{{apiVersion: policy.networking.k8s.io/v1alpha1, kind: AdminNetworkPolicy, \
                     metadata: {{name: p{at}}}, spec: {{priority: {}, subject: {{{}}}, {rules}: \
                     [{{action: {action}, {peers}: [{{{peer}}}], ports: [{{portRange: {{protocol: \
                     TCP, start: {first}, end: {last}}}}}]}}]}}}}",
                    at % 1000,
                    of(&subject)
                )
            }
            Dialect::Cilium => {
                let deny = r.percent(20);
                let (rules, peers) = match (egress, deny) {
                    (false, false) => ("ingress", "from"),
                    (false, true) => ("ingressDeny", "from"),
                    (true, false) => ("egress", "to"),
                    (true, true) => ("egressDeny", "to"),
                };
                let peers = match &block {
                    Some((cidr, except)) => {
                        format!("{peers}CIDRSet: [{{cidr: {cidr}, except: [{except}]}}]")
                    }
                    None => format!("{peers}Endpoints: [{peer}]"),
                };
                let bound = self.conditions && !deny && r.percent(50);
                let bound = if bound {
                    format!(", rules: {{http: [{{path: /{at}}}]}}")
                } else {
                    String::new()
                };
                format!(
                    "{{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {{name: p{at}, \
                     namespace: {namespace}}}, spec: {{endpointSelector: {subject}, {rules}: \
                     [{{{peers}, toPorts: [{{ports: [{{port: \"{first}\", protocol: TCP}}]{bound}}}]}}]}}}}"
                )
            }
        }
    }

    /// Manifests of so many bytes.
    fn manifests(&self, r: &mut Random, bytes: usize) -> String {
        let mut text = String::new();
        let mut pods = 0;
        while text.len() < bytes * self.pods / 100 {
            let _ = writeln!(
                text,
                "{{apiVersion: v1, kind: Pod, metadata: {{name: p{pods}, namespace: n{}, labels: {{k: \
                 v{}, g: g{}}}}}}}\n---",
                pods % self.namespaces,
                pods / self.alike,
                pods % 3
            );
            pods += 1;
        }
        let mut at = 0;
        while text.len() < bytes {
            let _ = writeln!(text, "{}\n---", self.policy(r, at, pods));
            at += 1;
        }
        text
    }
}

/// The commands that work over all pods, `A` being the manifests and `B` an edited copy.
const COMMANDS: &[&[&str]] = &[
    &["list", "-f", "A"],
    &["list", "-f", "A", "-o", "json"],
    &["list", "-f", "A", "-o", "csv", "--known-only"],
    &["list", "-f", "A", "-o", "md"],
    &["list", "-f", "A", "-o", "yaml"],
    &["list", "-f", "A", "--from", "n0/p0"],
    &["list", "-f", "A", "--to", "n0/p0", "-o", "wide"],
    &["list", "-f", "A", "--exposed"],
    &["list", "-f", "A", "--by", "namespace"],
    &["diff", "A", "B"],
    &["diff", "A", "B", "-o", "json"],
    &["summary", "-f", "A"],
    &["summary", "-f", "A", "-o", "json"],
    &["lint", "-f", "A"],
    &["reach", "-f", "A", "n0/p0"],
    &["reach", "-f", "A", "internet", "--to", "n0/p0", "-o", "json"],
    &["explain", "-f", "A", "n0/p0", "10.1.2.3:80"],
    &["explain", "-f", "A", "ns/n0", "ns/n0"],
];

/// What became of a run.
struct Outcome {
    code: Option<i32>,
    stderr: String,
    memory: u64,
    seconds: f64,
}

/// Runs a command to its end, or until it has taken too much.
fn watched(program: &str, words: &[&str], most: Most) -> Outcome {
    let stderr = tempfile::NamedTempFile::new().unwrap();
    let mut command = command(program, words);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::from(stderr.reopen().unwrap()));
    let mut child = command.spawn().unwrap();
    let (mut memory, mut seconds) = (0, 0.0);
    let code = loop {
        if let Some((bytes, time)) = taken(&child) {
            (memory, seconds) = (bytes.max(memory), time);
        }
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        if memory > most.memory || seconds > most.seconds {
            child.kill().unwrap();
            child.wait().unwrap();
            break None;
        }
        sleep(Duration::from_millis(5));
    };
    let stderr = fs::read_to_string(stderr.path()).unwrap();
    Outcome { code, stderr, memory, seconds }
}

/// The most memory that a process had so far, and its processor time.
fn taken(child: &Child) -> Option<(u64, f64)> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let peak = peak.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10;
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
    // After the name come the state and ten numbers, then the ticks of a hundredth of a second.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = fields[11].parse::<u32>().ok()? + fields[12].parse::<u32>().ok()?;
    Some((peak, f64::from(ticks) / 100.0))
}

/// Runs commands over manifests of a shape, and says what was wrong.
fn held(
    (shape, seed, bytes): (&Shape, u64, usize),
    commands: &[&[&str]],
    program: &str,
    most: Most,
) -> Vec<String> {
    let text = shape.manifests(&mut Random::new(seed), bytes);
    // Every second policy has another port, and every third is gone.
    let edited = text.split("\n---\n").enumerate().filter_map(|(i, document)| {
        let pod = document.contains("kind: Pod,");
        let other = document.replace("ort: 1", "ort: 2").replace("start: 1", "start: 2");
        match i % 6 {
            _ if pod => Some(document.to_owned()),
            0 | 2 => Some(other),
            3 => None,
            _ => Some(document.to_owned()),
        }
    });
    let edited = edited.collect::<Vec<_>>().join("\n---\n");
    let more: &[&str] =
        if shape.dialect == Dialect::Cilium { &["--enforcer", "cilium"] } else { &[] };
    let title = format!("seed {seed} {:?}", shape.dialect);
    tried_on((&title, [&text, &edited]), (commands, more), program, most)
}

/// Runs commands over two texts of manifests, `A` and `B`; what took too much, or neither answered nor
/// said that it is too much.
#[allow(clippy::print_stdout, reason = "cargo shows it when a test is run with --nocapture")]
pub(super) fn tried_on(
    (title, texts): (&str, [&str; 2]),
    (commands, more): (&[&[&str]], &[&str]),
    program: &str,
    most: Most,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let directory = tempfile::tempdir().unwrap();
    let [a, b] =
        ["a.yaml", "b.yaml"].map(|name| directory.path().join(name).to_str().unwrap().to_owned());
    for (file, text) in [&a, &b].into_iter().zip(texts) {
        fs::write(file, text).unwrap();
    }
    for words in commands {
        let mut words: Vec<&str> = words
            .iter()
            .map(|word| match *word {
                "A" => a.as_str(),
                "B" => b.as_str(),
                other => other,
            })
            .collect();
        words.extend(more);
        let outcome = watched(program, &words, most);
        let Outcome { code, stderr, memory, seconds } = &outcome;
        let mib = memory >> 20;
        println!("{title} {code:?} {mib} MiB {seconds} s {}", words.join(" "));
        let refused = *code == Some(2);
        let sentence = stderr.contains("too much to ") || stderr.contains("too many");
        let much = *memory > most.memory || *seconds > most.seconds;
        if much || code.is_none() || (refused && !sentence) {
            wrong.push(format!(
                "{title}: {code:?}, {mib} MiB, {seconds} s of {}: {stderr}",
                words.join(" ")
            ));
        }
    }
    wrong
}

/// The program to be tried, and whether it is tried at the full size.
pub(super) fn tried() -> (String, bool) {
    let program = std::env::var("NETPOL_ADVERSARIAL_WITH").unwrap_or_else(|_| FRONT.to_owned());
    (program, std::env::var_os("NETPOL_ADVERSARIAL").is_some())
}

#[cfg(target_os = "linux")]
#[test]
fn every_command_answers_or_says_that_it_is_too_much() {
    let told = std::env::var("NETPOL_ADVERSARIAL").ok();
    let (seeds, bytes) = match &told {
        Some(seeds) => (seeds.parse().expect("a number of seeds"), FULL),
        None => (SEEDS, SMALL),
    };
    let (program, _) = tried();
    let first = std::env::var("NETPOL_RANDOM_SEED").map_or(1, |seed| seed.parse().unwrap());
    let wrong = (first..first + seeds).flat_map(|seed| {
        let shape = Shape::of(&mut Random::new(seed));
        held((&shape, seed, bytes), COMMANDS, &program, MOST)
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Sets of ports that differ for every two pods.
#[cfg(target_os = "linux")]
#[test]
fn pods_that_all_differ_take_no_more_than_others() {
    let (program, full) = tried();
    let (bytes, most) = if full { (APART_BYTES, APART_MOST) } else { (SMALL, MOST) };
    let wrong = held((&APART, 1, bytes), APART_COMMANDS, &program, most);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
