//! What the documentation says, held to the program: links lead somewhere, and every command in it is one
//! that the program understands. `transcripts.rs` runs the commands that have an answer.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::harness::{expect_success, root, xtask};
use crate::run::netpol;
use crate::transcripts::words;

/// Every page of the repository, as Git has it or will have it.
fn pages() -> Vec<PathBuf> {
    let directories = [
        "",
        "docs",
        "docs/decisions",
        "docs/lint",
        "docs/semantics",
        "examples",
        "fuzz",
        "tests/cases",
        "tests/regressions",
        "tests/transcripts",
    ];
    let mut found = Vec::new();
    for directory in directories.map(|name| root().join(name)) {
        let Ok(entries) = fs::read_dir(directory) else { continue };
        let paths = entries.map(|entry| entry.unwrap().path());
        found.extend(paths.filter(|path| path.extension().is_some_and(|it| it == "md")));
    }
    found.sort();
    found
}

/// A fenced block: the words behind its fence, and its lines.
struct Block {
    words: String,
    lines: Vec<String>,
}

/// A page as its blocks, and everything else.
fn parts(text: &str) -> (Vec<Block>, String) {
    let (mut blocks, mut prose) = (Vec::new(), String::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(words) = line.strip_prefix("```") {
            let inside = lines.by_ref().take_while(|line| *line != "```").map(ToOwned::to_owned);
            blocks.push(Block { words: words.to_owned(), lines: inside.collect() });
        } else {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    (blocks, prose)
}

/// The blocks of a page: the words behind each fence, and its lines.
pub(crate) fn blocks(text: &str) -> Vec<(String, Vec<String>)> {
    parts(text).0.into_iter().map(|block| (block.words, block.lines)).collect()
}

/// The block of a page that begins with these words behind its fence, as a text with a test of its own
/// compares it with what the program says.
pub(crate) fn documented(page: &str, words: &str) -> String {
    let (blocks, _) = parts(&fs::read_to_string(root().join(page)).unwrap());
    let mut found = blocks.into_iter().filter(|block| block.words == words);
    let block = found.next().unwrap_or_else(|| panic!("{page} has no block {words:?}"));
    assert!(found.next().is_none(), "{page} has two blocks {words:?}");
    block.lines.join("\n") + "\n"
}

/// The targets of `[text](target)`, code left out.
fn links(prose: &str) -> Vec<String> {
    let spans = prose.split('`').step_by(2).collect::<Vec<_>>().join("code");
    let targets = spans.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.map(ToOwned::to_owned).collect()
}

/// The anchors that a page's headings make.
pub(crate) fn anchors(text: &str) -> BTreeSet<String> {
    let (_, prose) = parts(text);
    let titles = prose.lines().filter(|line| line.starts_with('#'));
    let anchor = |title: &str| {
        let title = title.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|it| it.is_alphanumeric() || matches!(it, ' ' | '-' | '_'));
        kept.map(|it| if it == ' ' { '-' } else { it }).collect()
    };
    titles.map(anchor).collect()
}

#[test]
fn links_lead_somewhere() {
    let mut followed = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for link in links(&parts(&text).1) {
            if link.starts_with("https://") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() { page.clone() } else { page.with_file_name(path) };
            assert!(target.exists(), "{}: {link}", page.display());
            if !anchor.is_empty() {
                let there = anchors(&fs::read_to_string(&target).unwrap());
                assert!(there.contains(anchor), "{}: {link}: {there:?}", page.display());
            }
            followed += 1;
        }
    }
    assert!(followed >= 10, "only {followed} links found");
}

/// Each `kubectl netpol …` of a page, in shell blocks and in code within a sentence.
fn commands(text: &str) -> Vec<String> {
    let (blocks, prose) = parts(text);
    let shell = blocks.into_iter().filter(|block| block.words == "sh");
    let lines = shell.flat_map(|block| block.lines);
    let spans = prose.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " "));
    let whole = lines.chain(spans).filter(|line| line.starts_with("kubectl netpol "));
    // Up to a pipe; what stands for something else is no command.
    let first = whole.map(|line| line.split(" | ").next().unwrap_or_default().to_owned());
    first.filter(|line| !line.contains(['<', '…'])).collect()
}

/// Help is printed only once everything before it was understood.
#[test]
fn commands_that_are_not_run_are_understood() {
    let mut understood = 0;
    for page in pages() {
        for line in commands(&fs::read_to_string(&page).unwrap()) {
            let words = words(&line);
            let words: Vec<&str> = words.iter().map(String::as_str).skip(2).collect();
            let done = netpol(&[&words[..], &["--help"]].concat());
            let place = page.display();
            assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{place}: {line}");
            understood += 1;
        }
    }
    assert!(understood >= 10, "only {understood} commands found");
}

/// Lines for a shell that are not for the plugin: tasks are understood by `cargo xtask`, and files stand
/// where those tasks put them.
#[test]
fn other_commands_are_what_the_project_has() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let dist = expect_success(&mut xtask(&["dist", "--help"]));
    let out = dist.split_once("--out <DIR>").unwrap().1.split_once("[default: ").unwrap().1;
    let out = out.split(']').next().unwrap();
    let install = format!(
        "kubectl krew install --manifest={out}/netpol.yaml \
         --archive={out}/kubectl-netpol-linux-amd64.tar.gz"
    );
    for page in pages() {
        let (blocks, _) = parts(&fs::read_to_string(&page).unwrap());
        let shell = blocks.into_iter().filter(|block| block.words == "sh");
        for line in shell.flat_map(|block| block.lines) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let held = match words[..] {
                ["kubectl", "netpol", ..] => true,
                ["kubectl", "krew", ..] => line == install,
                ["cargo", "xtask", ..] => {
                    expect_success(&mut xtask(&[&words[2..], &["--help"]].concat()));
                    true
                }
                ["cargo", "test", ..] => read(".ci/run").contains(&line),
                ["cargo", "run", "--quiet", "--", ..] => {
                    netpol(&[&words[4..], &["--help"]].concat()).code == 0
                }
                ["cargo", "install", "--locked", "--path", ".", "--bin", name] => {
                    read("Cargo.toml").contains(&format!("name = \"{name}\""))
                }
                [program] => root().join(program).is_file(),
                _ => false,
            };
            assert!(held, "{}: {line}", page.display());
        }
    }
}

/// A block is of a kind that some test runs or compares. The picture of the rooms is the one exception.
#[test]
fn every_block_is_held_to_something() {
    for page in pages() {
        let name = page.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        let (blocks, _) = parts(&fs::read_to_string(&page).unwrap());
        for block in blocks {
            let held = match block.words.as_str() {
                "console" | "sh" => true,
                // Generated, or compared by `documented`.
                "text" => name == "docs/reference.md",
                "text live" => ["docs/explain.md", "docs/flux.md"].contains(&&*name),
                // Read by `intent`.
                "yaml tests" => name == "docs/test.md",
                "yaml baseline" | "sh gke" | "sh vpc" => name == "docs/bootstrap.md",
                "yaml action compare"
                | "yaml action check"
                | "yaml action comment"
                | "yaml gitlab"
                | "yaml pre-commit" => name == "docs/ci.md",
                words if words.starts_with("yaml lint") => name == "docs/lint/README.md",
                "yaml settings" | "yaml allowed" => name == "docs/lint/README.md",
                "" => name == "docs/architecture.md",
                _ => false,
            };
            assert!(held, "{name}: no test holds a block {:?}: {:?}", block.words, block.lines);
        }
    }
}
