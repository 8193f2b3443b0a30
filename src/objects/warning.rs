//! What is to be told about the input: a sentence with its place, and what it means for the answers.

use crate::cluster::Gap;
use crate::printable::printable;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A path, fit to be shown.
pub fn shown(path: &Path) -> String {
    if path.as_os_str() == "-" {
        return "standard input".to_owned();
    }
    printable(&path.to_string_lossy()).into_owned()
}

/// What a warning means for the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Something was not read: answers may be wrong for it, so it is a gap in the snapshot.
    Unread,
    /// What a repository makes was not made. Nobody knows what that is, so it is a gap besides of which no
    /// answer is sure.
    NotMade,
    /// Policies of a dialect that is not read: a gap too, but nothing is wrong with the text.
    OtherDialect,
    /// Everything was read; this may not be what was meant.
    Note,
}

/// Something to tell about the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The file, fit to be shown.
    pub file: String,
    /// Line and column, from 1, where there is one.
    pub at: Option<(u32, u32)>,
    /// What is wrong, and what to do. Fit to be shown.
    pub message: String,
    /// What it means for the answers.
    pub severity: Severity,
    /// The kind, where it is about one that is not judged.
    pub kind: Option<String>,
    /// The text that could not be understood.
    pub text: Option<Arc<str>>,
}

impl Warning {
    /// A warning on a whole file.
    pub fn new(file: &Path, severity: Severity, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { file: shown(file), at: None, message, severity, kind: None, text: None }
    }

    /// The gap that it leaves in the snapshot.
    pub fn gap(&self) -> Option<Gap> {
        let gap = || Gap {
            kind: self.kind.clone(),
            text: self.text.clone(),
            anywhere: self.severity == Severity::NotMade,
            ..Gap::new(self.place(), &*self.message)
        };
        (self.severity != Severity::Note).then(gap)
    }

    fn place(&self) -> String {
        match self.at {
            Some((line, column)) => format!("{}:{line}:{column}", self.file),
            None => self.file.clone(),
        }
    }
}

/// `file:line:column: message`.
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place(), self.message)
    }
}
