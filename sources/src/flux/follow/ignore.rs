//! What a source leaves out of its artifact: it is not there for whoever builds of it.
//!
//! In: the files of a tree, and what a source says in `ignore`. Out: whether a file is left out. The
//! patterns are those of .gitignore as Flux reads them: what a directory's pattern leaves out a later one
//! may take in again.
//!
//! Source: docs/semantics/flux.md#what-a-source-leaves-out.

use crate::tree::Tree;

/// The file that says so, in any directory.
const FILE: &str = ".sourceignore";

/// What is left out unless something says otherwise.
const DEFAULTS: &[&str] = &[
    ".git/",
    ".gitignore",
    ".gitmodules",
    ".gitattributes",
    "*.jpg",
    "*.jpeg",
    "*.gif",
    "*.png",
    "*.wmv",
    "*.flv",
    "*.tar.gz",
    "*.zip",
    ".github/",
    ".circleci/",
    ".travis.yml",
    ".gitlab-ci.yml",
    "appveyor.yml",
    ".drone.yml",
    "cloudbuild.yaml",
    "codeship-services.yml",
    "codeship-steps.yml",
    "**/.goreleaser.yml",
    "**/.sops.yaml",
    "**/.flux.yaml",
];

/// The patterns of a source, later ones over earlier ones.
#[derive(Debug, Default)]
pub(super) struct Ignored {
    patterns: Vec<Pattern>,
}

/// One line.
#[derive(Debug)]
struct Pattern {
    /// The directory that it is for.
    below: Vec<String>,
    /// Its parts between slashes.
    parts: Vec<String>,
    /// It takes in again.
    keeps: bool,
    /// It is for directories.
    of_directories: bool,
}

impl Ignored {
    /// What Flux leaves out of any source.
    pub(super) fn by_default() -> Self {
        Self { patterns: DEFAULTS.iter().map(|line| Pattern::of(line, "")).collect() }
    }

    /// The same with what is written in the tree, and what the source says.
    pub(super) fn of(tree: &Tree, ignore: Option<&str>) -> Self {
        let mut all = Self::by_default();
        let is = |name: &&str| name.rsplit('/').next() == Some(FILE);
        let mut files: Vec<&str> = tree.below("").filter(is).collect();
        // What is said deeper counts more.
        files.sort_by_key(|name| name.matches('/').count());
        for file in files {
            let directory = file.rsplit_once('/').map_or("", |(directory, _)| directory);
            all.add(&tree.text(file).unwrap_or_default(), directory);
        }
        all.add(ignore.unwrap_or_default(), "");
        all
    }

    fn add(&mut self, text: &str, directory: &str) {
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        self.patterns.extend(lines.map(|line| Pattern::of(line, directory)));
    }

    /// Whether a file is left out.
    pub(super) fn leaves_out(&self, name: &str) -> bool {
        let path: Vec<&str> = name.split('/').collect();
        let last = self.patterns.iter().rev().find(|pattern| pattern.is_for(&path));
        last.is_some_and(|pattern| !pattern.keeps)
    }
}

impl Pattern {
    fn of(line: &str, directory: &str) -> Self {
        let (keeps, line) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let line = if line.ends_with("\\ ") { line } else { line.trim_end_matches(' ') };
        let (of_directories, line) =
            line.strip_suffix('/').map_or((false, line), |rest| (true, rest));
        let split = |text: &str| text.split('/').map(str::to_owned).collect();
        let below = if directory.is_empty() { Vec::new() } else { split(directory) };
        Self { below, parts: split(line), keeps, of_directories }
    }

    /// Whether a file is what it names, or below that.
    fn is_for(&self, path: &[&str]) -> bool {
        let Some((above, path)) = path.split_at_checked(self.below.len()) else { return false };
        if path.is_empty() || above != self.below.as_slice() {
            return false;
        }
        match self.parts.as_slice() {
            // A name alone is one at any depth.
            [name] => {
                let found = path.iter().position(|part| is_like(name, part));
                found.is_some_and(|at| !self.of_directories || at + 1 < path.len())
            }
            _ => self.leads_to(path),
        }
    }

    /// Follows a pattern with slashes from the directory that it is for.
    fn leads_to(&self, mut path: &[&str]) -> bool {
        let (mut found, mut anywhere) = (false, false);
        for (i, part) in self.parts.iter().enumerate() {
            match part.as_str() {
                "" => anywhere = false,
                // At the end it is whatever there is.
                "**" if i + 1 == self.parts.len() => break,
                "**" => anywhere = true,
                part if part.contains("**") => return false,
                part => {
                    let at = if anywhere {
                        path.iter().position(|name| is_like(part, name))
                    } else {
                        path.first().is_some_and(|name| is_like(part, name)).then_some(0)
                    };
                    let Some(at) = at else { return false };
                    path = &path[at + 1..];
                    (found, anywhere) = (true, false);
                }
            }
        }
        found && !(self.of_directories && path.is_empty())
    }
}

/// Whether a name is like a pattern of one part: `*`, `?`, `[a-z]` and `\` before what stands for itself.
fn is_like(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // The last star, and up to where it has taken the name.
    let mut star = None;
    loop {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, n));
            p += 1;
            continue;
        }
        if n == name.len() {
            return p == pattern.len();
        }
        if let Some(next) = one(&pattern, p, name[n]) {
            (p, n) = (next, n + 1);
            continue;
        }
        let Some((at, taken)) = star else { return false };
        star = Some((at, taken + 1));
        (p, n) = (at + 1, taken + 1);
    }
}

/// Where the pattern goes on behind what stands for one character; `None`: it is for another.
fn one(pattern: &[char], at: usize, c: char) -> Option<usize> {
    match pattern.get(at)? {
        '?' => Some(at + 1),
        '\\' => (*pattern.get(at + 1)? == c).then_some(at + 2),
        '[' => {
            let end = at + 2 + pattern.get(at + 2..)?.iter().position(|it| *it == ']')?;
            let inner = &pattern[at + 1..end];
            let (not, inner) = match inner.split_first() {
                Some(('^', rest)) => (true, rest),
                _ => (false, inner),
            };
            let (mut i, mut is) = (0, false);
            while i < inner.len() {
                let to = if inner.get(i + 1) == Some(&'-') { inner.get(i + 2) } else { None };
                is |= (inner[i]..=*to.unwrap_or(&inner[i])).contains(&c);
                i += if to.is_some() { 3 } else { 1 };
            }
            (is != not).then_some(end + 1)
        }
        other => (*other == c).then_some(at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: docs/semantics/flux.md#what-a-source-leaves-out.
    #[test]
    fn what_patterns_leave_out() {
        for (lines, below, left_out, kept) in [
            (
                "",
                "",
                &[".github/a.yaml", "a/.sops.yaml", "b/c.png", "a/cloudbuild.yaml"][..],
                &["a.yaml"][..],
            ),
            ("!.sops.yaml", "", &[], &["a/.sops.yaml"]),
            ("apps/a/pol.yaml", "", &["apps/a/pol.yaml"], &["x/apps/a/pol.yaml", "apps/a/pol.yml"]),
            ("pol.yaml", "", &["pol.yaml", "apps/a/pol.yaml"], &["apps/pol.yaml.txt"]),
            ("pol.yaml", "apps", &["apps/a/pol.yaml"], &["pol.yaml", "apps2/pol.yaml"]),
            ("# pol.yaml\n\n", "", &[], &["pol.yaml"]),
            ("/*\n!/deploy\n/deploy/**/*.md", "", &["a.yaml", "deploy/x/a.md"], &["deploy/a.yaml"]),
            ("a/", "", &["a/b.yaml", "c/a/b.yaml"], &["a", "c/a"]),
            ("/a/", "", &["a/b.yaml"], &["a", "c/a/b.yaml"]),
            ("*.md\n!b.md", "", &["a.md", "x/a.md"], &["b.md", "x/b.md"]),
            ("[ab]?.yaml", "", &["ax.yaml"], &["cx.yaml", "a.yaml"]),
            ("[^a-c].yaml", "", &["d.yaml"], &["b.yaml"]),
            ("**/test", "", &["a/b/test", "test/a.yaml"], &["a/tests"]),
            ("a/**", "", &["a/b/c.yaml"], &["b/a/c.yaml"]),
            ("a/**/z.yaml", "", &["a/b/c/z.yaml", "a/z.yaml"], &["z.yaml"]),
            ("a**b/c", "", &[], &["aXb/c"]),
            ("x*y*z.yaml", "", &["xaybz.yaml", "xyyz.yaml"], &["xaz.yaml"]),
        ] {
            let mut all = Ignored::by_default();
            all.add(lines, below);
            for name in left_out {
                assert!(all.leaves_out(name), "{lines:?} {name}");
            }
            for name in kept {
                assert!(!all.leaves_out(name), "{lines:?} {name}");
            }
        }
    }
}
