//! Adding and taking away resources of a kustomization.yaml as a careful person would: everything else stays
//! as it is.
//!
//! In: the text and the names of files. Out: the text with the names that were missing at the end of
//! its `resources`, and without those that go. The result is read again, and anything but the old list with
//! that change, and all else as before, is refused, so that no odd layout can be damaged.

use netpol::yaml::{self, Mark, Node};
use serde_json::{Map, Value};

/// Why a kustomization cannot be edited.
#[derive(Debug, thiserror::Error)]
pub(super) enum KustomizationError {
    #[error(transparent)]
    Yaml(#[from] yaml::Error),
    #[error("it holds {0} documents, and should hold one")]
    Documents(usize),
    #[error(
        "it is a Kustomization of Flux ({0}), not kustomize's own: give that another name, such as \
         sync.yaml, or give another directory"
    )]
    Flux(String),
    #[error("it is none of kustomize's: its apiVersion is {0}")]
    Other(String),
    #[error("its resources are no list of names: write them as one, or add the files by hand: {0}")]
    Layout(String),
}

/// What of a kustomization matters here.
#[derive(PartialEq)]
struct Seen {
    resources: Vec<String>,
    /// Everything else.
    rest: Map<String, Value>,
}

/// A kustomization with these resources alone.
pub(super) fn new(names: &[String]) -> String {
    const HEAD: &str =
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n";
    let items = names.iter().flat_map(|name| ["- ", name, "\n"]);
    std::iter::once(HEAD).chain(items).collect()
}

/// Everything but the resources, in JSON.
pub(super) fn rest(text: &str) -> Result<Map<String, Value>, KustomizationError> {
    Ok(see(text)?.rest)
}

/// The resources.
pub(super) fn resources(text: &str) -> Result<Vec<String>, KustomizationError> {
    Ok(see(text)?.resources)
}

/// Takes away the names that go, and adds those that are not there yet.
pub(super) fn edit(
    text: &str,
    names: &[String],
    gone: &[String],
) -> Result<String, KustomizationError> {
    let layout = || KustomizationError::Layout(names.join(", "));
    let mut text = text.to_owned();
    let before = see(&text)?;
    let goes = |known: &String| gone.iter().any(|name| plain(known) == name);
    let mut expected: Vec<String> = before.resources.clone();
    expected.retain(|known| !goes(known));
    while let Some(at) = see(&text)?.resources.iter().position(goes) {
        text = without(&text, at).ok_or_else(layout)?;
    }
    let missing: Vec<String> = names
        .iter()
        .filter(|name| !expected.iter().any(|known| plain(known) == *name))
        .cloned()
        .collect();
    if !missing.is_empty() {
        text = with(&text, &missing).ok_or_else(layout)?;
        expected.extend(missing);
    }
    let after = see(&text).map_err(|_| layout())?;
    if after != (Seen { resources: expected, rest: before.rest }) {
        return Err(layout());
    }
    Ok(text)
}

fn plain(name: &str) -> &str {
    name.trim_start_matches("./")
}

fn see(text: &str) -> Result<Seen, KustomizationError> {
    let mut roots = Vec::new();
    let documents: Vec<_> = yaml::split(text).collect();
    for document in &documents {
        roots.extend(yaml::parse(document)?);
    }
    let root = match &roots[..] {
        [] => return Ok(Seen { resources: Vec::new(), rest: Map::new() }),
        [root] => root,
        more => return Err(KustomizationError::Documents(more.len())),
    };
    let word = |key: &str| root.get(key).and_then(Node::as_str).unwrap_or_default();
    let version = word("apiVersion");
    if version.starts_with("kustomize.toolkit.fluxcd.io/") {
        return Err(KustomizationError::Flux(version.to_owned()));
    }
    if !version.is_empty() && !version.starts_with("kustomize.config.k8s.io/") {
        return Err(KustomizationError::Other(version.to_owned()));
    }
    let resources = match root.get("resources").filter(|node| !node.is_null()) {
        None => Vec::new(),
        Some(node) => yaml::from_node(node)?,
    };
    let mut rest: Map<String, Value> = yaml::from_node(root)?;
    rest.remove("resources");
    Ok(Seen { resources, rest })
}

/// Where a place is in the text, in bytes.
fn offset(text: &str, mark: Mark) -> Option<usize> {
    let line = usize::try_from(mark.line).ok()?.checked_sub(1)?;
    let column = usize::try_from(mark.column).ok()?.checked_sub(1)?;
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let within =
        text.get(start..)?.char_indices().nth(column).map_or(text.len() - start, |(at, _)| at);
    Some(start + within)
}

/// Where a name ends that begins here.
fn end_of_name(text: &str, start: usize) -> Option<usize> {
    let rest = text.get(start..)?;
    let quoted = |quote: char| {
        let mut chars = rest.char_indices().skip(1).peekable();
        while let Some((at, one)) = chars.next() {
            if one == quote {
                if quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == quote) {
                    chars.next();
                    continue;
                }
                return Some(start + at + 1);
            }
            if one == '\\' && quote == '"' {
                chars.next();
            }
        }
        None
    };
    if let quote @ ('"' | '\'') = rest.chars().next()? {
        return quoted(quote);
    }
    let end = rest.find([',', ']', '\n', '\r']).unwrap_or(rest.len());
    let end = rest[..end].find(" #").unwrap_or(end);
    Some(start + rest[..end].trim_end().len())
}

/// The list of resources, the place of its key, and of each of its items in bytes.
fn places(text: &str) -> Option<(Option<Mark>, Vec<usize>)> {
    let documents: Vec<_> = yaml::split(text).collect();
    let root = documents.iter().find_map(|document| yaml::parse(document).ok()?);
    let root = root.as_ref();
    let Some(entry) = root.and_then(|root| root.entry("resources")) else {
        return Some((None, Vec::new()));
    };
    let items = entry.value.items().unwrap_or_default();
    let items: Option<Vec<usize>> = items.iter().map(|item| offset(text, item.mark())).collect();
    Some((Some(entry.key_mark), items?))
}

/// Where the line begins that has this place, and what of it stands before the place.
fn line_before(text: &str, at: usize) -> (usize, &str) {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    (start, &text[start..at])
}

/// The text without one of its resources.
fn without(text: &str, at: usize) -> Option<String> {
    let (_, items) = places(text)?;
    let start = *items.get(at)?;
    let (line, before) = line_before(text, start);
    if before.trim() == "-" {
        let end = text[start..].find('\n').map_or(text.len(), |end| start + end + 1);
        return Some([&text[..line], &text[end..]].concat());
    }
    let (from, to) = match (items.get(at + 1), at.checked_sub(1).and_then(|at| items.get(at))) {
        (Some(next), _) => (start, *next),
        (None, Some(previous)) => (end_of_name(text, *previous)?, end_of_name(text, start)?),
        (None, None) => (start, end_of_name(text, start)?),
    };
    Some([text.get(..from)?, text.get(to..)?].concat())
}

/// The text with names put in at the end; `None`: its layout is not one that is known.
fn with(text: &str, names: &[String]) -> Option<String> {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let items_at = |indent: &str| -> String {
        names.iter().flat_map(|name| [indent, "- ", name, end]).collect()
    };
    let (key, items) = places(text)?;
    let Some(key) = key else {
        let gap = if text.is_empty() || text.ends_with('\n') { "" } else { end };
        return Some([text, gap, "resources:", end, &items_at("")].concat());
    };
    let put = |at: usize, more: &str| Some([text.get(..at)?, more, text.get(at..)?].concat());
    let Some(last) = items.last() else {
        return instead_of_nothing(text, offset(text, key)?, end, &items_at);
    };
    let (_, before) = line_before(text, *last);
    if before.trim() == "-" {
        let indent = &before[..before.len() - before.trim_start().len()];
        return match text[*last..].find('\n') {
            Some(at) => put(last + at + 1, &items_at(indent)),
            None => Some([text, end, &items_at(indent)].concat()),
        };
    }
    // `[a, b]`, on one line or on several.
    let after = end_of_name(text, *last)?;
    let gap =
        if before.trim().is_empty() && !before.is_empty() || last == &line_before(text, *last).0 {
            format!(",{end}{before}")
        } else {
            ", ".to_owned()
        };
    let more: String = names.iter().flat_map(|name| [&*gap, name]).collect();
    put(after, &more)
}

/// `resources:` or `resources: []`, perhaps with a comment behind it.
fn instead_of_nothing(
    text: &str,
    key: usize,
    end: &str,
    list: &dyn Fn(&str) -> String,
) -> Option<String> {
    let (start, indent) = line_before(text, key);
    let stop = text[key..].find('\n').map_or(text.len(), |at| key + at + 1);
    let (word, rest) = text.get(key..stop)?.split_once(':')?;
    let rest = rest.trim_end_matches(['\r', '\n']);
    let comment = rest.trim_start().trim_start_matches("[]").trim_start();
    if !comment.is_empty() && !comment.starts_with('#') || !indent.trim().is_empty() {
        return None;
    }
    let gap = if comment.is_empty() { "" } else { " " };
    let line = [indent, word, ":", gap, comment, end, &list(indent)].concat();
    Some([&text[..start], &line, &text[stop..]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn added(text: &str) -> String {
        edit(text, &names(&["network-policies.yaml", "b.yaml"]), &[]).unwrap()
    }

    #[test]
    fn comments_and_order_stay() {
        for (text, expected) in [
            (
                "# ours\nresources:\n  # first\n  - a.yaml   # why\n\n# images\nimages: []\n",
                "# ours\nresources:\n  # first\n  - a.yaml   # why\n  - network-policies.yaml\n  - b.yaml\n\n# images\nimages: []\n",
            ),
            (
                "resources:\r\n- ./b.yaml\r\n",
                "resources:\r\n- ./b.yaml\r\n- network-policies.yaml\r\n",
            ),
            ("resources:\n- b.yaml", "resources:\n- b.yaml\n- network-policies.yaml\n"),
            (
                "resources: [] # none\nx: 1\n",
                "resources: # none\n- network-policies.yaml\n- b.yaml\nx: 1\n",
            ),
            (
                "resources: [ a, b.yaml ] # two\n",
                "resources: [ a, b.yaml, network-policies.yaml ] # two\n",
            ),
            (
                "kind: Kustomization",
                "kind: Kustomization\nresources:\n- network-policies.yaml\n- b.yaml\n",
            ),
            ("resources:\nx: 1\n", "resources:\n- network-policies.yaml\n- b.yaml\nx: 1\n"),
            ("", "resources:\n- network-policies.yaml\n- b.yaml\n"),
            // Lists over several lines.
            (
                "resources: [\n  a.yaml, # why\n  'b.yaml', # too\n]\nx: 1\n",
                "resources: [\n  a.yaml, # why\n  'b.yaml',\n  network-policies.yaml, # too\n]\nx: 1\n",
            ),
            (
                "resources: [a.yaml,\n  \"b,]c\"\n  ]\n",
                "resources: [a.yaml,\n  \"b,]c\",\n  network-policies.yaml,\n  b.yaml\n  ]\n",
            ),
            ("resources: &x [\na\n]\n", "resources: &x [\na,\nnetwork-policies.yaml,\nb.yaml\n]\n"),
            ("{resources: [a]}\n", "{resources: [a, network-policies.yaml, b.yaml]}\n"),
        ] {
            assert_eq!(added(text), expected);
            assert_eq!(added(&added(text)), expected);
        }
    }

    #[test]
    fn names_are_taken_away() {
        for (text, expected) in [
            (
                "resources:\n- a.yaml\n- ./b.yaml # ours\n- c.yaml\n",
                "resources:\n- a.yaml\n- c.yaml\n",
            ),
            ("resources: [a.yaml, b.yaml, c.yaml]\n", "resources: [a.yaml, c.yaml]\n"),
            ("resources: [a.yaml, 'b.yaml' ]\n", "resources: [a.yaml ]\n"),
            ("resources: [b.yaml]\nx: 1\n", "resources: []\nx: 1\n"),
            ("resources:\n- b.yaml\nx: 1\n", "resources:\nx: 1\n"),
            ("resources: [\n  a.yaml,\n  b.yaml,\n]\n", "resources: [\n  a.yaml,\n]\n"),
            ("resources:\n- a.yaml\n", "resources:\n- a.yaml\n"),
        ] {
            assert_eq!(edit(text, &[], &names(&["b.yaml"])).unwrap(), expected);
        }
        let both = edit("resources:\n- b.yaml\n", &names(&["c/b.yaml"]), &names(&["b.yaml"]));
        assert_eq!(both.unwrap(), "resources:\n- c/b.yaml\n");
    }

    #[test]
    fn an_odd_layout_is_refused_and_not_damaged() {
        for text in [
            "resources: a.yaml\n",
            "resources:\n- a: b\n",
            "resources:\n- >-\n  a\n  b\nx: 1\n",
            "a: 1\n---\nb: 2\n",
            // What is added would be added in the other place, too.
            "resources: &x [\na\n]\nother: *x\n",
        ] {
            assert!(edit(text, &names(&["b.yaml"]), &[]).is_err(), "{text}");
        }
    }

    /// docs/semantics/flux.md#generated-kustomization: it is not what kustomize reads.
    #[test]
    fn a_kustomization_of_flux_is_not_kustomizes() {
        let text = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec: {}\n";
        let refused = edit(text, &names(&["b.yaml"]), &[]).unwrap_err();
        assert!(matches!(refused, KustomizationError::Flux(_)), "{refused}");
    }
}
