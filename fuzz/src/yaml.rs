//! Any bytes go through the YAML reader: cut, parsed, made into a typed value, and searched for a
//! path. What is read must come back when it is written and read again.

use std::collections::BTreeMap;

use netpol::printable::unseen;
use netpol::yaml;
use serde::{Deserialize, Serialize};

/// Something like a manifest: a field of each kind.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
struct Manifest {
    a: Option<String>,
    #[serde(default)]
    b: BTreeMap<String, String>,
    #[serde(default)]
    c: Vec<Port>,
    #[serde(default)]
    d: bool,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
enum Port {
    Number(u16),
    Name(String),
}

/// See above.
pub fn yaml(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for document in yaml::split(&text) {
        assert!(text[document.offset..].starts_with(document.text));
        // The short way is the long one.
        assert_eq!(yaml::parse(&document), yaml::parse_in_full(&document));
        let Ok(Some(root)) = yaml::parse(&document) else {
            continue;
        };
        yaml::locate_in(&root, "c[0].b[a].d");
        yaml::locate_in(&root, &text);
        let value = yaml::from_node::<Manifest>(&root);
        // The shorter way for JSON must lead to the same value.
        assert_eq!(yaml::from_document(&document), value.clone().map(Some));
        match value {
            Ok(manifest) => {
                let written = yaml::to_string(&manifest).expect("what was read can be written");
                let document = yaml::Document::whole(&written);
                let again = yaml::parse(&document).expect("what was written can be parsed");
                let again = again.expect("what was written is not empty");
                assert_eq!(yaml::from_node(&again), Ok(manifest), "{written:?}");
            }
            Err(error) => assert!(!error.to_string().contains(unseen)),
        }
    }
}
