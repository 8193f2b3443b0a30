//! Adding resources to a kustomization.yaml as a careful person would: everything else stays as it is.
//!
//! In: the text and the names of files. Out: the text with the names that were missing, at the end of
//! its `resources`. The result is read again, and anything but the old list with the new names is
//! refused, so that no odd layout can be damaged.

use netpol::yaml::{self, Node};

/// The names under which kustomize looks for its file.
pub(super) const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Why a kustomization cannot be edited.
#[derive(Debug, thiserror::Error)]
pub(super) enum KustomizationError {
    #[error(transparent)]
    Yaml(#[from] yaml::Error),
    #[error("it holds {0} documents, and should hold one")]
    Documents(usize),
    #[error("its resources are no list of names: write them as one, or add the files by hand: {0}")]
    Layout(String),
}

/// What of a kustomization matters here.
struct Seen {
    resources: Vec<String>,
    /// The namespace that it gives to everything.
    namespace: Option<String>,
}

/// A kustomization with these resources alone.
pub(super) fn new(names: &[String]) -> String {
    const HEAD: &str =
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n";
    let items = names.iter().flat_map(|name| ["- ", name, "\n"]);
    std::iter::once(HEAD).chain(items).collect()
}

/// The namespace that the kustomization puts everything in.
pub(super) fn namespace(text: &str) -> Result<Option<String>, KustomizationError> {
    Ok(see(text)?.namespace)
}

/// Adds the names that are not there yet.
pub(super) fn add(text: &str, names: &[String]) -> Result<String, KustomizationError> {
    let before = see(text)?.resources;
    let plain = |name: &str| name.trim_start_matches("./").to_owned();
    let missing: Vec<&String> =
        names.iter().filter(|name| !before.iter().any(|known| plain(known) == **name)).collect();
    if missing.is_empty() {
        return Ok(text.to_owned());
    }
    let layout = || KustomizationError::Layout(names.join(", "));
    let added = inserted(text, &missing).ok_or_else(layout)?;
    let expected: Vec<&String> = before.iter().chain(missing).collect();
    let after = see(&added).map_err(|_| layout())?.resources;
    if after.iter().collect::<Vec<_>>() != expected {
        return Err(layout());
    }
    Ok(added)
}

fn see(text: &str) -> Result<Seen, KustomizationError> {
    let mut roots = Vec::new();
    let documents: Vec<_> = yaml::split(text).collect();
    for document in &documents {
        roots.extend(yaml::parse(document)?);
    }
    let root = match &roots[..] {
        [] => return Ok(Seen { resources: Vec::new(), namespace: None }),
        [root] => root,
        more => return Err(KustomizationError::Documents(more.len())),
    };
    let resources = match root.get("resources").filter(|node| !node.is_null()) {
        None => Vec::new(),
        Some(node) => yaml::from_node(node)?,
    };
    let namespace = root.get("namespace").and_then(Node::as_str).map(ToOwned::to_owned);
    Ok(Seen { resources, namespace })
}

/// The text with the names put in; `None`: its layout is not one that is known.
fn inserted(text: &str, names: &[&String]) -> Option<String> {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut lines: Vec<String> = text.split_inclusive('\n').map(ToOwned::to_owned).collect();
    let item = |indent: usize, name: &str| format!("{:indent$}- {name}{end}", "");
    let documents: Vec<_> = yaml::split(text).collect();
    let root = documents.iter().find_map(|document| yaml::parse(document).ok()?);
    let entry = root.as_ref().and_then(|root| root.entry("resources"));
    let Some(entry) = entry else {
        if let Some(last) = lines.last_mut().filter(|last| !last.ends_with('\n')) {
            last.push_str(end);
        }
        lines.push(format!("resources:{end}"));
        lines.extend(names.iter().map(|name| item(0, name)));
        return Some(lines.concat());
    };
    let line_of = |mark: yaml::Mark| usize::try_from(mark.line).ok()?.checked_sub(1);
    let at = match entry.value.items().and_then(<[Node<'_>]>::last) {
        Some(last) => {
            let at = line_of(last.mark())?;
            let line = lines.get_mut(at)?;
            let rest = line.trim_start_matches(' ');
            if !rest.starts_with("- ") {
                return in_brackets(&mut lines, at, names);
            }
            let indent = line.len() - rest.len();
            if !line.ends_with('\n') {
                line.push_str(end);
            }
            let items: Vec<_> = names.iter().map(|name| item(indent, name)).collect();
            put_after(&mut lines, at, items);
            return Some(lines.concat());
        }
        None => line_of(entry.key_mark)?,
    };
    // `resources:` or `resources: []`, perhaps with a comment behind it.
    let line = lines.get_mut(at)?;
    let (key, rest) = line.split_once(':')?;
    let rest = rest.trim_end_matches(['\r', '\n']);
    let comment = rest.trim_start().trim_start_matches("[]").trim_start();
    if !comment.is_empty() && !comment.starts_with('#') {
        return None;
    }
    let gap = if comment.is_empty() { "" } else { " " };
    *line = format!("{key}:{gap}{comment}{end}");
    let indent = line.len() - line.trim_start().len();
    let items: Vec<_> = names.iter().map(|name| item(indent, name)).collect();
    put_after(&mut lines, at, items);
    Some(lines.concat())
}

fn put_after(lines: &mut Vec<String>, at: usize, items: Vec<String>) {
    let rest = lines.split_off(at + 1);
    lines.extend(items);
    lines.extend(rest);
}

/// `[a, b]`, closed on the line of its last item.
fn in_brackets(lines: &mut [String], at: usize, names: &[&String]) -> Option<String> {
    let line = lines.get_mut(at)?;
    let close = line.find(']')?;
    let before = line[..close].trim_end().trim_end_matches(',').len();
    let names: String = names.iter().flat_map(|name| [", ", name]).collect();
    line.replace_range(before..close, &names);
    Some(lines.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(text: &str) -> String {
        add(text, &["network-policies.yaml".to_owned(), "b.yaml".to_owned()]).unwrap()
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
                "resources: [ a, b.yaml, network-policies.yaml] # two\n",
            ),
            (
                "kind: Kustomization",
                "kind: Kustomization\nresources:\n- network-policies.yaml\n- b.yaml\n",
            ),
            ("resources:\nx: 1\n", "resources:\n- network-policies.yaml\n- b.yaml\nx: 1\n"),
            ("", "resources:\n- network-policies.yaml\n- b.yaml\n"),
        ] {
            assert_eq!(added(text), expected);
            assert_eq!(added(&added(text)), expected);
        }
    }

    #[test]
    fn an_odd_layout_is_refused_and_not_damaged() {
        for text in [
            "resources: a.yaml\n",
            "resources:\n- a: b\n",
            "resources:\n- >-\n  a\n  b\nx: 1\n",
            "a: 1\n---\nb: 2\n",
            "resources: &x [\na\n]\n",
            "resources: [\"a]b\"]\n",
        ] {
            assert!(add(text, &["b.yaml".to_owned()]).is_err(), "{text}");
        }
    }
}
