//! What the code rests on: every rule of docs/semantics that it cites is there, under the heading that it
//! names, and nothing is cited that a clone does not have.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::documents::anchors;

const PAGES: &str = "docs/semantics";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below the directories at the top level, by its path from there.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![PathBuf::new()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(root().join(&directory)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = directory.join(&name);
            if entry.file_type().unwrap().is_dir() {
                if name != "target" && !name.starts_with('.') {
                    directories.push(path);
                }
            } else if path.extension().is_some_and(|it| it == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The comments of a file: line and text.
fn comments(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate();
    lines.filter_map(|(i, line)| Some((i + 1, line.trim_start().strip_prefix("//")?)))
}

/// The paths of pages in a comment, each with its anchor.
fn cited(comment: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let words = comment.split(|it: char| !(it.is_ascii_alphanumeric() || "-_./#".contains(it)));
    words.filter_map(|word| {
        let (path, rest) = word.split_at(word.find(".md")? + ".md".len());
        let anchor = rest.strip_prefix('#').map(|anchor| anchor.trim_end_matches(['.', '-']));
        let ends = rest.is_empty() || rest.starts_with(['#', '.']);
        (ends && path != ".md").then_some((path, anchor))
    })
}

/// The rules of each page, by its path: a heading each, but for the title.
fn rules() -> BTreeMap<String, BTreeSet<String>> {
    let mut pages = BTreeMap::new();
    for entry in fs::read_dir(root().join(PAGES)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let path = format!("{PAGES}/{name}");
        let text = fs::read_to_string(root().join(&path)).unwrap();
        let mut headings = anchors(&text);
        let all = text.lines().filter(|line| line.starts_with('#')).count();
        assert_eq!(headings.len(), all, "{path}: two headings of one name have one anchor");
        assert!(text.lines().count() < 300, "{path} is too long to be read: split it");
        if name != "README.md" {
            let how = format!("Cite a rule as `{path}#anchor`");
            assert!(text.contains(&how), "{path} does not say: {how}");
            let index = fs::read_to_string(root().join(PAGES).join("README.md")).unwrap();
            assert!(index.contains(&format!("| [{name}]({name}) |")), "{path} is not in the index");
        }
        let title = text.lines().next().unwrap();
        headings.retain(|it| !anchors(title).contains(it));
        pages.insert(path, headings);
    }
    pages
}

#[test]
fn citations_lead_to_a_rule() {
    let pages = rules();
    let (mut followed, mut used, mut wrong) = (0, BTreeSet::new(), Vec::new());
    for file in sources() {
        let text = fs::read_to_string(root().join(&file)).unwrap();
        for (line, comment) in comments(&text) {
            for (page, anchor) in cited(comment) {
                let place = format!("{}:{line}: {page}", file.display());
                if !root().join(page).is_file() {
                    wrong.push(format!("{place} is not in this repository"));
                }
                let Some(rules) = pages.get(page) else { continue };
                if let Some(anchor) = anchor
                    && !rules.contains(anchor)
                {
                    wrong.push(format!("{place} has no heading #{anchor}"));
                }
                used.extend(anchor.map(|anchor| format!("{page}#{anchor}")));
                followed += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(followed >= 500, "only {followed} citations found");
    if std::env::var_os("NETPOL_CITATIONS").is_some_and(|it| it == "list") {
        // Not `println!`, which is captured.
        let mut out = std::io::stdout().lock();
        let all = pages.iter().flat_map(|(page, rules)| rules.iter().map(move |it| (page, it)));
        let all = all.map(|(page, rule)| format!("{page}#{rule}"));
        for rule in all.filter(|rule| !used.contains(rule) && !rule.contains("README.md#")) {
            writeln!(out, "{rule}").unwrap();
        }
    }
}

/// Sections by number are of documents that nobody has; a standard is named before its section.
#[test]
fn no_section_is_cited_by_number() {
    let mut wrong = Vec::new();
    for file in sources() {
        let text = fs::read_to_string(root().join(&file)).unwrap();
        for (line, comment) in comments(&text) {
            let words: Vec<&str> = comment.split_whitespace().collect();
            let numbered = |i: usize| {
                let next = words.get(i + 1).and_then(|it| it.chars().next());
                next.is_some_and(|it| it.is_ascii_digit())
                    && !(i >= 2 && words[i - 2].trim_start_matches('(') == "RFC")
            };
            let section = |i: usize| {
                let word = words[i].trim_matches('(').to_ascii_lowercase();
                ["section", "sections", "deviation", "deviations"].contains(&word.as_str())
            };
            if (0..words.len()).any(|i| section(i) && numbered(i)) {
                wrong.push(format!("{}:{line}:{comment}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "cite a heading of {PAGES} instead:\n{}", wrong.join("\n"));
}

#[test]
fn what_counts_as_a_citation() {
    let of = |comment| cited(comment).collect::<Vec<_>>();
    assert_eq!(of("/ Source: docs/a.md#b-c."), [("docs/a.md", Some("b-c"))]);
    assert_eq!(of("/ (docs/a.md): docs/b.md#c"), [("docs/a.md", None), ("docs/b.md", Some("c"))]);
    assert_eq!(of(" see semantics/a.md section 3"), [("semantics/a.md", None)]);
    assert_eq!(of(" ../other/b.md"), [("../other/b.md", None)]);
    assert_eq!(of(" of a.mdx and of a file `.md`"), []);
}
