//! The usual form, read without granit: the same trees, or none.

use super::super::usual::usual;
use super::super::{Document, MAX_DEPTH, parse_in_full, split};

/// A random number generator that needs no crate: xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or_default() % bound
    }

    fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }
}

const KEYS: &[&str] = &[
    "a",
    "b",
    "metadata",
    "app.kubernetes.io/name",
    "\"q\"",
    "'s'",
    "yes",
    "0x10",
    "1.5",
    "~",
    "a b",
    "<<",
    "-x",
    "x-",
    "\"\\n\"",
    "é",
    "? k",
    "null",
    "''",
    "\"a:b\"",
    "k#",
];

const SCALARS: &[&str] = &[
    "x",
    "80",
    "10.0.0.0/8",
    "\"text\"",
    "'text'",
    "\"a # b\"",
    "a # c",
    "a#b",
    "~",
    "-1",
    "--x",
    "- x",
    "a: b",
    "a:b",
    "http://x/",
    "{}",
    "[]",
    "[a, b]",
    "{a: b}",
    "{a: [b, {c: d}], \"e\": 'f'}",
    "[a,b]",
    "{a: }",
    "[a, ]",
    "[a b]",
    "[é]",
    "{a}",
    "[a: b]",
    "|",
    "|-",
    "|+",
    ">",
    "|2",
    "*x",
    "&x y",
    "!!str 1",
    "\"\\t\"",
    "'it''s'",
    "é",
    "\"é\"",
    "@x",
    "`x",
    "%x",
    "a, b]",
    "a :b",
    "a  b",
    "",
    "",
    "#c",
    "x:",
    "=",
    "<<",
    "$(X)",
    "\\d+",
    "(a)",
    "^a$",
    "a\u{85}b",
    "\"x\" y",
    "[a] b",
    "{a: b} # c",
    "[a]#c",
    "\"open",
    "{a: b",
    "2020-01-01",
    "1e3",
    "...",
    "---",
    "\u{feff}x",
    "a\u{a0}b",
    "[-a]",
    "[a-]",
    "{-a: b}",
    "{a: -1}",
    "[\"a\"]",
    "{\"a\":1}",
    "{a:1}",
    "[.5, _x, /y]",
];

/// Something like a manifest, with lines that are not quite.
fn text(random: &mut Random) -> String {
    let mut all = String::new();
    let mut column = 0_usize;
    // The first of each are usual.
    let tame = random.below(2) == 0;
    let keys = if tame { &KEYS[..8] } else { KEYS };
    let scalars = if tame { &SCALARS[..9] } else { SCALARS };
    for _ in 0..=random.below(if tame { 7 } else { 14 }) {
        column = match random.below(9) {
            0..=2 => column,
            3 | 4 => column + 2,
            5 => column + random.below(5),
            6 => column.saturating_sub(2),
            7 => random.below(7),
            _ => 0,
        };
        let blanks = " ".repeat(column);
        let (key, scalar) = (random.pick(keys), random.pick(scalars));
        let line = match random.below(16) {
            0..=6 => format!("{blanks}{key}: {scalar}"),
            7 | 8 => format!("{blanks}{key}:"),
            9 => format!("{blanks}- {scalar}"),
            10 | 11 => format!("{blanks}- {key}: {scalar}"),
            12 => format!("{blanks}-"),
            13 => format!("{blanks}- - {scalar}"),
            14 => blanks,
            _ => format!("{blanks}{scalar}"),
        };
        all.push_str(&line);
        all.push_str(match random.below(40) {
            0 => " ",
            1 => " # é",
            2 => "\r",
            3 => "\t",
            _ => "",
        });
        all.push('\n');
    }
    if random.below(12) == 0 {
        all.pop();
    }
    all
}

/// Whether it has characters that `parse` refuses first.
fn is_hidden(text: &str) -> bool {
    text.contains(|c: char| (c.is_control() && c != '\n') || matches!(c, '\u{2028}' | '\u{2029}'))
}

/// How many of the documents have the usual form, each of which granit reads to the same tree.
fn agree(file: &str) -> usize {
    let same = |document: Document<'_>| {
        // What is refused before is refused in either way.
        let Some(short) = usual(&document).ok().filter(|_| !is_hidden(document.text)) else {
            return false;
        };
        let short = format!("{short:?}");
        let long = parse_in_full(&document)
            .map_or_else(|error| error.to_string(), |long| format!("{long:?}"));
        let differ = short.bytes().zip(long.bytes()).position(|(short, long)| short != long);
        let from = differ.unwrap_or(short.len().min(long.len())).saturating_sub(60);
        let [short, long] =
            [short, long].map(|it| it.chars().skip(from).take(160).collect::<String>());
        assert_eq!(short, long, "{}", document.text);
        true
    };
    split(file).map(same).filter(|read| *read).count()
}

#[test]
fn what_is_read_in_the_short_way_is_read_so_in_the_long_one() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut texts, mut read) = (0, 0);
    let most = std::env::var("NETPOL_RANDOM_TEXTS").ok().and_then(|most| most.parse().ok());
    for _ in 0..most.unwrap_or(60_000) {
        texts += 1;
        read += agree(&text(&mut random));
    }
    // Were it none, nothing would have been compared.
    assert!(read > texts / 20, "{read} of {texts}");
}

/// Every byte of a manifest replaced by every other that means something to YAML.
#[test]
fn a_byte_elsewhere_makes_no_other_tree() {
    let manifest = "apiVersion: v1 # one\nkind: Pod\nmetadata:\n  labels: {app: web, \"t\": 'x'}\n  \
        name: a\nspec:\n  containers:\n  - name: c\n    args: [a, -b]\n    command:\n      - sh\n      - -c\n      \
        - |\n        echo\n\n          a\n        b\n    ports:\n    - containerPort: 80\n  nodes: []\n";
    assert_eq!(agree(manifest.replace(", -b", "").as_str()), 1);
    for at in 0..manifest.len() {
        for byte in " \n:-#'\"{}[],|>&*!%@`?\\~<=a0.\t\r".chars() {
            let mut changed = manifest.to_owned();
            changed.replace_range(at..=at, byte.encode_utf8(&mut [0; 4]));
            agree(&changed);
            let mut longer = manifest.to_owned();
            longer.insert(at, byte);
            agree(&longer);
        }
        let mut shorter = manifest.to_owned();
        shorter.remove(at);
        agree(&shorter);
        agree(&manifest[..at]);
    }
}

#[test]
fn manifests_have_the_usual_form() {
    for text in [
        "kind: A\nspec:\n  podSelector: {}\n  policyTypes: [Ingress, Egress]\n",
        "items:\n- a: 1\n  b:\n  - c\n- d: \"x\"\n",
        "a:\n  b: |\n    x\n\n     y\n  c: z\n",
        "# nothing\n",
        "a: b # c\n# d\n\n'e': 'f'\n",
    ] {
        assert_eq!(agree(text), split(text).count(), "{text}");
    }
    // What is deep, long or has no value is read by granit.
    let lines = (0..MAX_DEPTH).map(|at| format!("{}a:\n", " ".repeat(at)));
    let deep = lines.collect::<Vec<_>>().concat();
    let long = format!("{}: 1\n", "a".repeat(300));
    let unusual = ["a:\nb: 1\n", "a: \"\\n\"\n", "a: &x 1\n", "a:\t1\n"];
    let no_characters = ["# \u{ffff}\n", "a: |\n  \u{feff}\n", "a: 'x' # \u{fffe}\n"];
    for text in unusual.into_iter().chain(no_characters).chain([deep.as_str(), long.as_str()]) {
        assert_eq!(agree(text), 0, "{text}");
    }
}
