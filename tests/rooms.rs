//! The layers of the core: no room imports one that imports it, by whatever way, and within a room few
//! files do.
//!
//! A room is a directory or file of `src/`. Items that a `mod.rs` hands on count for the file that has
//! them; what is under `#[cfg(test)]` counts for nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// How many imports within a room may stand in a circle: what would have to go for none to be left.
const MOST_BACK: usize = 5;

/// A module by its path from the root of the crate: `["policy", "rule"]`.
type Module = Vec<String>;

struct Core {
    /// What is imported or named in each module, by path from the root of the crate.
    named: BTreeMap<Module, Vec<Module>>,
    /// What each module hands on or has from elsewhere: the name here, and where it is.
    handed_on: BTreeMap<Module, BTreeMap<String, Module>>,
}

impl Core {
    fn read() -> Self {
        let mut texts = BTreeMap::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        collect(&root, &Vec::new(), &mut texts);
        assert!(texts.len() > 100, "{}", texts.len());
        let mut core = Self { named: BTreeMap::new(), handed_on: BTreeMap::new() };
        for (module, text) in &texts {
            let (mut named, mut here) = (Vec::new(), BTreeMap::new());
            let (uses, rest) = uses(text);
            for (public, path, name) in uses {
                let Some(path) = absolute(&texts, module, &path) else { continue };
                if !public {
                    named.push(path.clone());
                }
                here.insert(name, path);
            }
            named.extend(paths(&rest).filter_map(|path| absolute(&texts, module, &path)));
            core.named.insert(module.clone(), named);
            core.handed_on.insert(module.clone(), here);
        }
        core
    }

    /// The module that has what a path names.
    fn home(&self, path: &[String], depth: usize) -> Option<Module> {
        let length = (0..=path.len()).rev().find(|n| self.named.contains_key(&path[..*n]))?;
        let (module, rest) = path.split_at(length);
        let further = rest.first().and_then(|name| self.handed_on[module].get(name));
        match further {
            Some(further) if depth < 8 && further != path => {
                let path = [further.as_slice(), &rest[1..]].concat();
                self.home(&path, depth + 1).or_else(|| Some(module.to_vec()))
            }
            _ => Some(module.to_vec()),
        }
    }

    /// Which module needs which, but itself.
    fn edges(&self) -> BTreeSet<(Module, Module)> {
        let edges = self.named.iter().flat_map(|(module, named)| {
            let homes = named.iter().filter_map(|path| self.home(path, 0));
            homes.filter(move |home| home != module).map(move |home| (module.clone(), home))
        });
        edges.collect()
    }
}

/// Reads every file below a directory, without comments and tests.
fn collect(directory: &Path, module: &Module, into: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut inner = module.clone();
        if !matches!(name.as_str(), "mod" | "lib") {
            inner.push(name.clone());
        }
        if path.is_dir() {
            collect(&path, &inner, into);
        } else if path.extension().is_some_and(|it| it == "rs") && name != "tests" {
            let text = fs::read_to_string(&path).unwrap();
            let without_comments = text.lines().map(|line| line.split("//").next().unwrap_or(""));
            let text: String = without_comments.map(|line| line.to_owned() + "\n").collect();
            // A module of tests in the same file is the last item of it.
            let tests = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
            into.insert(inner, text[..tests].replace("#[cfg(test)]\nmod tests;", ""));
        }
    }
}

/// An import: whether it hands on, the path, and the name that it has here.
type Import = (bool, Vec<String>, String);

/// The imports of a file, and the rest of it.
fn uses(text: &str) -> (Vec<Import>, String) {
    let (mut all, mut rest) = (Vec::new(), String::new());
    for statement in text.split_inclusive(';') {
        let of_paths = |it: char| it.is_alphanumeric() || "_:{},*; \n".contains(it);
        let line = statement.rmatch_indices("use ").find(|(at, _)| {
            let before = statement[..*at].rsplit('\n').next().unwrap_or("").trim();
            // In a text that goes on in the next line there is more than paths.
            (before.is_empty() || before.starts_with("pub"))
                && statement[*at..].chars().all(of_paths)
        });
        let Some((at, _)) = line else {
            rest.push_str(statement);
            continue;
        };
        let public = statement[..at].rsplit('\n').next().is_some_and(|it| it.contains("pub"));
        rest.push_str(&statement[..at]);
        let tree = statement[at + 4..].trim_end_matches(';').replace(char::is_whitespace, " ");
        branches(&[], &tree, &mut |path, name| all.push((public, path, name)));
    }
    (all, rest)
}

/// Every path of a tree of imports.
fn branches(before: &[String], tree: &str, add: &mut dyn FnMut(Vec<String>, String)) {
    let split = |path: &str| -> Vec<String> {
        path.split("::").map(str::trim).filter(|it| !it.is_empty()).map(ToOwned::to_owned).collect()
    };
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let (path, name) = tree.split_once(" as ").unwrap_or((tree, ""));
        let mut path = [before, &split(path)].concat();
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let last = path.last().cloned().unwrap_or_default();
        add(path, if name.is_empty() { last } else { name.trim().to_owned() });
        return;
    };
    let before = [before, &split(&tree[..open])].concat();
    let (mut depth, mut start) = (0, open + 1);
    let end = tree.rfind('}').unwrap_or(tree.len());
    for (at, character) in tree[..end].char_indices().skip_while(|(at, _)| *at <= open) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                branches(&before, &tree[start..at], add);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !tree[start..end].trim().is_empty() {
        branches(&before, &tree[start..end], add);
    }
}

/// Paths in code that begin at the crate or a neighbour.
fn paths(text: &str) -> impl Iterator<Item = Vec<String>> {
    let word = |it: char| it.is_alphanumeric() || matches!(it, '_' | ':');
    text.split(move |it| !word(it)).filter_map(|path| {
        let parts: Vec<String> = path.split("::").map(ToOwned::to_owned).collect();
        let first = parts.first().map(String::as_str);
        (parts.len() > 1 && matches!(first, Some("crate" | "super" | "self"))).then_some(parts)
    })
}

/// A path from the root of the crate; none for another crate's.
fn absolute(
    texts: &BTreeMap<Module, String>,
    module: &Module,
    path: &[String],
) -> Option<Vec<String>> {
    let mut from = module.clone();
    let mut rest = path;
    match rest.first()?.as_str() {
        "crate" => return Some(rest[1..].to_vec()),
        "self" => rest = &rest[1..],
        "super" => {
            while rest.first().is_some_and(|it| it == "super") {
                from.pop();
                rest = &rest[1..];
            }
        }
        first => {
            let inner = [from.as_slice(), &[first.to_owned()]].concat();
            if !texts.contains_key(&inner) {
                return None;
            }
        }
    }
    from.extend(rest.iter().cloned());
    Some(from)
}

/// A least set of edges without which there is no circle: none where there is none, else as far as
/// moving one node at a time finds it.
fn back<N: Ord + Clone>(edges: &BTreeSet<(N, N)>) -> Vec<(N, N)> {
    let nodes: BTreeSet<&N> = edges.iter().flat_map(|(from, to)| [from, to]).collect();
    let index: BTreeMap<&N, usize> = nodes.iter().copied().zip(0..).collect();
    let count = nodes.len();
    let mut has = vec![vec![false; count]; count];
    for (from, to) in edges {
        has[index[from]][index[to]] = true;
    }
    let against = |order: &[usize]| -> Vec<(N, N)> {
        let place = |node: &N| order.iter().position(|it| *it == index[node]);
        edges.iter().filter(|(from, to)| place(from) > place(to)).cloned().collect()
    };
    let orders = (0..count.clamp(1, 12)).map(|turn| {
        // Who needs nothing that is left comes last, until only circles are left.
        let mut left: Vec<usize> = (0..count).collect();
        left.rotate_left(turn);
        let mut end = Vec::new();
        while let Some(at) =
            left.iter().position(|node| left.iter().all(|other| !has[*node][*other]))
        {
            end.insert(0, left.remove(at));
        }
        let mut order = [left, end].concat();
        let mut least_of_all = usize::MAX;
        loop {
            for node in order.clone() {
                order.retain(|it| *it != node);
                // What stands against the order with the node first, and how that changes on its way.
                let mut cost = order.iter().filter(|it| has[**it][node]).count();
                let (mut least, mut place) = (cost, 0);
                for (at, other) in order.iter().enumerate() {
                    cost += usize::from(has[node][*other]);
                    cost -= usize::from(has[*other][node]);
                    if cost < least {
                        (least, place) = (cost, at + 1);
                    }
                }
                order.insert(place, node);
            }
            let left = against(&order);
            if left.len() >= least_of_all {
                break left;
            }
            least_of_all = left.len();
        }
    });
    orders.min_by_key(Vec::len).unwrap_or_default()
}

#[test]
fn no_room_is_in_a_circle() {
    let room = |module: &Module| module.first().cloned();
    let edges = Core::read().edges().into_iter().filter_map(|(from, to)| {
        let (from, to) = (room(&from)?, room(&to)?);
        (from != to).then_some((from, to))
    });
    let edges: BTreeSet<_> = edges.collect();
    assert!(edges.len() > 30, "{edges:?}");
    let back = back(&edges);
    assert!(back.is_empty(), "rooms in a circle: {back:?}");
}

#[test]
fn few_files_of_a_room_are_in_a_circle() {
    let mut rooms: BTreeMap<String, BTreeSet<(Module, Module)>> = BTreeMap::new();
    for (from, to) in Core::read().edges() {
        if let (Some(a), Some(b)) = (from.first(), to.first())
            && a == b
        {
            rooms.entry(a.clone()).or_default().insert((from, to));
        }
    }
    for (room, edges) in rooms {
        let back = back(&edges);
        assert!(back.len() <= MOST_BACK, "{room}: {back:#?}");
    }
}

#[test]
fn circles_are_found() {
    let edges = [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "c")];
    assert_eq!(back(&BTreeSet::from(edges)).len(), 2);
    assert!(back(&BTreeSet::from([("a", "b"), ("a", "c"), ("b", "c")])).is_empty());
}
