//! One file: its objects, and its problems as warnings that a reader can bear.
//!
//! In: bytes. Out: a [`File`]. A template of Helm, a values file or a patch gives one warning for
//! the whole file, however many documents of it fail.

use super::decode::{Decoded, Decoder, Problem, ProblemKind};
use super::found::{Body, Found};
use super::set::{Objects, Replaced, Shared};
use super::warning::{Severity, Warning, shown};
use super::{kustomization, text};
use crate::cluster::{Name, ObjectRef, Origin, Rendered};
use crate::kinds::{self, Does};
use crate::lints::Lint;
use crate::policy::Fault;
use crate::printable::printable;
use crate::yaml::Mark;
use foldhash::{HashMap, HashMapExt as _};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The end of the groups of Flux.
const FLUX: &str = ".toolkit.fluxcd.io";

/// What is said of a template.
const TEMPLATE: &str = "looks like a template and is not read: render it first, as with \
                        `helm template . | … -f -`";

/// How it begins what is said of a file without objects.
const NO_OBJECT: &str = "not read: ";

/// How it begins what is said of a kustomization.
const NOT_APPLIED: &str = "not applied: ";

/// The directory of a chart in which its templates are.
const TEMPLATES: &str = "templates";

/// Whether the text can be read again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It can.
    OnDisk,
    /// It has to be kept.
    Kept,
}

/// What one file gave.
#[derive(Clone, Debug)]
pub struct File {
    pub(super) path: Arc<Path>,
    /// Its text, where it has to be kept.
    pub(super) kept: Option<String>,
    pub(super) found: Vec<(Found, Origin)>,
    pub(super) warnings: Vec<Warning>,
    pub(super) other_policies: Vec<(String, Does, Option<Mark>, Arc<str>)>,
    /// The namespace of objects that name none.
    home: Option<Name>,
    /// Objects that say whom pods call, and where they stand.
    pub(super) settings: Vec<(ObjectRef, Origin)>,
}

/// Decodes a text as the content of a file, without a file: objects and warnings.
pub fn decode_text(bytes: Vec<u8>, path: &Path, namespace: &str) -> (Objects, Vec<Warning>) {
    let mut reading = Reading::default();
    reading.add(File::read(bytes, path.into(), Kind::OnDisk, &namespace.into()));
    let (objects, warnings, _) = reading.finish();
    (objects, warnings)
}

/// What is said of an object that replaces another.
const ALSO: &str = " is also written at ";

/// Texts that cannot be read again, by what stands for their file.
pub type Kept = Vec<(Arc<Path>, String)>;

/// What files give together, one after the other.
#[derive(Debug, Default)]
pub struct Reading {
    objects: Objects,
    warnings: Vec<Warning>,
    /// Notes that were given already, by what they say, with how many there are like them.
    notes: HashMap<String, (usize, usize)>,
    kept: Kept,
    tally: Tally,
}

impl Reading {
    /// Takes a warning, with the gap that it leaves.
    pub fn warn(&mut self, warning: Warning) {
        self.objects.gaps.extend(warning.gap());
        if warning.severity == Severity::Note {
            // Of an object that is written often the places are not what matters.
            let said = warning.message.split(ALSO).next().unwrap_or_default().to_owned();
            let (_, more) = self.notes.entry(said).or_insert((self.warnings.len(), 0));
            *more += 1;
            if *more > 1 {
                return;
            }
        }
        self.warnings.push(warning);
    }

    /// Takes what one file gave; of two objects with one name the later counts.
    pub fn add(&mut self, file: File) {
        let File { path, kept, found, warnings, other_policies, home, settings } = file;
        self.objects.settings.extend(settings);
        self.tally.other_policies(&path, other_policies);
        for warning in warnings {
            if let Some(warning) = self.tally.once(&path, warning) {
                self.warn(warning);
            }
        }
        for (found, origin) in found {
            let replaced = self.objects.insert(found, origin);
            if let Some(Replaced { object, .. }) = &replaced
                && object.namespace == home
                && kinds::Kind::named(&object.kind).is_some_and(kinds::Kind::is_policy)
            {
                self.objects.written_twice.extend(home.clone());
            }
            match replaced {
                Some(replaced) if replaced.identical => self.tally.same(replaced),
                Some(replaced) => self.warn(twice(&replaced)),
                None => {}
            }
        }
        self.kept.extend(kept.map(|text| (path, text)));
    }

    /// The objects, what is to be told, and the texts that have to be kept.
    pub fn finish(mut self) -> (Objects, Vec<Warning>, Kept) {
        for warning in self.tally.alike() {
            self.warn(warning);
        }
        for warning in std::mem::take(&mut self.tally).warnings() {
            self.warn(warning);
        }
        for (at, count) in self.notes.into_values().filter(|(_, count)| *count > 1) {
            if let Some(first) = self.warnings.get_mut(at) {
                let _ = write!(first.message, " (and {} more like it)", count - 1);
            }
        }
        (self.objects, self.warnings, self.kept)
    }
}

impl File {
    /// A file that could not be read.
    pub fn unread(path: &Path, message: String) -> Self {
        let warnings = vec![Warning::new(path, Severity::Unread, message)];
        Self::without_objects(path.into(), warnings)
    }

    /// Whether it gave the same as another time, at the same places, but for policies and what they name.
    pub fn differs_in_policies_only(&self, before: Option<&Self>) -> bool {
        let before = before.into_iter().flat_map(|file| &file.found);
        let others = |found: &&(Found, Origin)| !found.0.is_of_policies();
        self.found.iter().filter(others).eq(before.filter(others))
    }

    /// How many objects it gave.
    pub fn count(&self) -> usize {
        self.found.len()
    }

    /// The same of a file in a hidden place: tools keep their settings there, and that one has no
    /// object is nothing to tell.
    #[must_use]
    pub fn of_hidden(mut self) -> Self {
        if self.found.is_empty() && !kustomization::is_kustomization(&self.path) {
            self.warnings.retain(|warning| warning.severity != Severity::Note);
        }
        self
    }

    /// The same where it is not known whether what it holds is in force: nothing is known of its policies.
    #[must_use]
    pub fn perhaps(mut self, why: &str) -> Self {
        for (found, _) in &mut self.found {
            if matches!(found.body, Body::Policy(_)) {
                let message = format!("may not be in force as it is here: {why}");
                found.body = Body::NotKnown(vec![Fault::told(Lint::NotJudged, "", message)]);
            }
        }
        self
    }

    fn without_objects(path: Arc<Path>, warnings: Vec<Warning>) -> Self {
        let (found, other_policies, settings) = (Vec::new(), Vec::new(), Vec::new());
        Self { path, kept: None, found, warnings, other_policies, home: None, settings }
    }

    /// Decodes the content of a file.
    pub fn read(bytes: Vec<u8>, path: Arc<Path>, kind: Kind, namespace: &Name) -> Self {
        let text = match text::decode(bytes, &path) {
            Ok(text) => text,
            Err(not_text) => {
                let mut file = Self::unread(&path, not_text.message);
                file.warnings.iter_mut().for_each(|warning| warning.at = not_text.at);
                return file;
            }
        };
        if kustomization::is_kustomization(&path) {
            let warnings = of_kustomization(&path, &text).into_iter().collect();
            return Self::without_objects(path, warnings);
        }
        let decoded = Decoder { text: &text, file: &path, namespace, rendered: None }.decode();
        let mut documents = Documents::of(&text);
        let warnings = warnings(&path, &mut documents, &decoded);
        let Decoded { mut found, other_policies, settings, .. } = decoded;
        // Files wait for one another, and most of what stands in one is the same many times.
        let mut shared = Shared::default();
        for (found, _) in &mut found {
            shared.found(found);
        }
        let with_text =
            |(kind, does, mark): (String, Does, Mark)| (kind, does, Some(mark), documents.at(mark));
        let other_policies = other_policies.into_iter().map(with_text).collect();
        let kept = (kind == Kind::Kept).then_some(text);
        Self {
            path,
            kept,
            found,
            warnings,
            other_policies,
            home: Some(namespace.clone()),
            settings,
        }
    }

    /// Decodes a document that a program made of a file. No line of it is one of that file, so none is
    /// told here.
    pub fn rendered(of: &Arc<Rendered>, namespace: &Name) -> Self {
        let path = of.file.clone();
        let decoded =
            Decoder { text: &of.text, file: &path, namespace, rendered: Some(of) }.decode();
        let mut documents = Documents::of(&of.text);
        let mut warnings = warnings(&path, &mut documents, &decoded);
        for warning in &mut warnings {
            warning.at = None;
        }
        let Decoded { found, other_policies, settings, .. } = decoded;
        let with_text = |(kind, does, _): (String, Does, Mark)| (kind, does, None, of.text.clone());
        let other_policies = other_policies.into_iter().map(with_text).collect();
        let home = Some(namespace.clone());
        Self { path, kept: None, found, warnings, other_policies, home, settings }
    }
}

/// What to tell of a kustomization among plain files.
fn of_kustomization(path: &Path, text: &str) -> Option<Warning> {
    let changes = kustomization::changes(text);
    let listed = match changes.as_slice() {
        [] => return None,
        [one] => (*one).to_owned(),
        [many @ .., last] => format!("{} and {last}", many.join(", ")),
    };
    let message =
        format!("{NOT_APPLIED}its {listed}; the files are read as they are, use -k for it");
    Some(Warning::new(path, Severity::Note, message))
}

fn warnings(path: &Path, documents: &mut Documents<'_>, decoded: &Decoded) -> Vec<Warning> {
    let text = documents.text;
    let whole: OnceCell<Arc<str>> = OnceCell::new();
    let mut warnings = Vec::new();
    let mut warn = |severity, mark: Mark, message: String, all: bool| {
        let mut warning = Warning::new(path, severity, message);
        warning.at = Some((mark.line, mark.column));
        if matches!(severity, Severity::Unread | Severity::NotMade) {
            let whole = || whole.get_or_init(|| text.into()).clone();
            warning.text = Some(if all { whole() } else { documents.at(mark) });
        }
        warnings.push(warning);
    };
    let lost = |problem: &&Problem| problem.kind == ProblemKind::Lost;
    let variable = |problem: &&Problem| problem.kind == ProblemKind::Variable;
    let no_object = |problem: &&Problem| problem.kind == ProblemKind::NoObject;
    let refused = |problem: &&Problem| problem.kind == ProblemKind::Refused;
    let encrypted = |problem: &&Problem| problem.kind == ProblemKind::Encrypted;
    for problem in decoded.problems.iter().filter(encrypted) {
        warn(Severity::NotMade, problem.mark, problem.message.clone(), false);
    }
    if let Some(first) = decoded.problems.iter().find(lost)
        && memchr::memmem::find(text.as_bytes(), b"{{").is_some()
    {
        warn(Severity::Unread, first.mark, TEMPLATE.to_owned(), true);
    } else {
        if let Some(first) = decoded.problems.iter().find(variable) {
            warn(Severity::Unread, first.mark, first.message.clone(), true);
        }
        for problem in decoded.problems.iter().filter(lost) {
            warn(Severity::Unread, problem.mark, problem.message.clone(), false);
        }
        if let Some(first) = decoded.problems.iter().find(no_object) {
            warn(Severity::Note, first.mark, format!("{NO_OBJECT}{}", first.message), false);
        }
        let mut refused = decoded.problems.iter().filter(refused);
        if let Some(first) = refused.next() {
            let more = match refused.count() {
                0 => String::new(),
                more => format!(", and those of {more} more here"),
            };
            warn(Severity::Note, first.mark, format!("{}{more}", first.message), false);
        }
    }
    warnings
}

/// The documents of a text, each held once.
struct Documents<'a> {
    text: &'a str,
    /// The line and the offset at which each begins, once that is asked for.
    starts: Vec<(u32, usize)>,
    held: HashMap<usize, Arc<str>>,
}

impl<'a> Documents<'a> {
    fn of(text: &'a str) -> Self {
        Self { text, starts: Vec::new(), held: HashMap::new() }
    }

    /// The one in which a place is.
    fn at(&mut self, mark: Mark) -> Arc<str> {
        if self.starts.is_empty() {
            self.starts.push((1, 0));
            let mut at = 0;
            for (line, this) in (1..).zip(self.text.split_inclusive('\n')) {
                if this.starts_with("---") {
                    self.starts.push((line, at));
                }
                at += this.len();
            }
        }
        let next = self.starts.partition_point(|(line, _)| *line <= mark.line);
        let start = self.starts.get(next.saturating_sub(1)).map_or(0, |(_, at)| *at);
        let end = self.starts.get(next).map_or(self.text.len(), |(_, at)| *at);
        self.held.entry(start).or_insert_with(|| self.text[start..end].into()).clone()
    }
}

/// What is told once for all files.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Objects that bear on traffic and are not judged, by kind.
    others: BTreeMap<String, Others>,
    /// How many objects are the same as one before, and the first of them.
    same: Option<(usize, Replaced)>,
    /// Templates, by chart or else by directory: how many, and what is said of the first.
    templates: BTreeMap<PathBuf, (usize, Warning)>,
    /// Files without objects.
    no_objects: Option<(usize, Warning)>,
    /// Kustomizations of which something is not applied.
    not_applied: Option<(usize, Warning)>,
}

/// Objects of one kind that is not judged: the documents that they are in, and where the first stands.
#[derive(Debug)]
struct Others {
    does: Does,
    count: usize,
    texts: Vec<Arc<str>>,
    path: Arc<Path>,
    mark: Option<Mark>,
}

impl Tally {
    /// Counts the objects in one file that bear on traffic and are not judged.
    pub(super) fn other_policies(
        &mut self,
        path: &Arc<Path>,
        found: Vec<(String, Does, Option<Mark>, Arc<str>)>,
    ) {
        for (kind, does, mark, text) in found {
            let of = self.others.entry(kind).or_insert_with(|| Others {
                does,
                count: 0,
                texts: Vec::new(),
                path: path.clone(),
                mark,
            });
            of.count += 1;
            // A list is one document, however many stand in it.
            if of.texts.last().is_none_or(|last| !Arc::ptr_eq(last, &text)) {
                of.texts.push(text);
            }
        }
    }

    /// Takes a warning that many files may give alike; gives back any other.
    fn once(&mut self, path: &Path, warning: Warning) -> Option<Warning> {
        if warning.message == TEMPLATE {
            let (count, first) =
                self.templates.entry(of_chart(path)).or_insert_with(|| (0, warning.clone()));
            *count += 1;
            if *count > 1 {
                let texts =
                    [&first.text, &warning.text].map(|it| it.as_deref().unwrap_or_default());
                first.text = Some(texts.concat().into());
            }
            return None;
        }
        let alike = match &warning.message {
            message if message.starts_with(NO_OBJECT) => &mut self.no_objects,
            message if message.starts_with(NOT_APPLIED) => &mut self.not_applied,
            _ => return Some(warning),
        };
        alike.get_or_insert((0, warning)).0 += 1;
        None
    }

    /// What is said once of warnings that are alike.
    fn alike(&mut self) -> Vec<Warning> {
        let mut all = Vec::new();
        for (directory, (count, mut first)) in std::mem::take(&mut self.templates) {
            if count > 1 {
                let directory = shown(&directory);
                first.message = format!(
                    "{count} files below {directory} look like templates and are not read: render them \
                     first, as with `helm template {directory} | … -f -`"
                );
                first.file = directory;
                first.at = None;
            }
            all.push(first);
        }
        for alike in [self.not_applied.take(), self.no_objects.take()] {
            let Some((count, mut first)) = alike else { continue };
            let more = match count {
                1 => "",
                2 => " (and 1 more file like it)",
                _ => &format!(" (and {} more files like it)", count - 1),
            };
            first.message.push_str(more);
            all.push(first);
        }
        all
    }

    /// Counts an object that says the same as the one that it replaces. The same place read twice
    /// is nobody's mistake.
    pub(super) fn same(&mut self, replaced: Replaced) {
        if replaced.earlier != replaced.later {
            self.same.get_or_insert((0, replaced)).0 += 1;
        }
    }

    /// One warning for each kind, and one for the objects that are the same.
    pub(super) fn warnings(self) -> impl Iterator<Item = Warning> {
        let others = self.others.into_iter().map(|(kind, of)| {
            let Others { does, count, texts, path, mark } = of;
            let (shown, may) = (printable(&kind), does.words());
            let message = match count {
                // What its objects make is in no file here.
                _ if kind.ends_with(FLUX) => {
                    let verb = if count == 1 { "is" } else { "are" };
                    format!(
                        "{} {kind} {verb} not followed: what Flux makes of it is not here; read the \
                         repository with -f flux:DIR",
                        if count == 1 { "a".to_owned() } else { count.to_string() }
                    )
                }
                1 => format!("{shown} is not judged: it {may}"),
                _ => format!("{count} {shown} are not judged: they {may}"),
            };
            let severity = if does.decides() { Severity::OtherDialect } else { Severity::Note };
            let mut warning = Warning::new(&path, severity, message);
            warning.at = mark.map(|mark| (mark.line, mark.column));
            warning.text = Some(texts.concat().into());
            warning.kind = Some(kind);
            warning
        });
        let same = self.same.map(|(count, first)| {
            let object = first.object.to_string();
            let (object, earlier) = (printable(&object), place(&first.earlier));
            let more =
                if count == 1 { String::new() } else { format!(" (and {} more)", count - 1) };
            let message = format!(
                "{object} is the same as at {earlier} and counts once{more}; should they be in \
                 several namespaces, read what renders them"
            );
            at_origin(&first.later, message)
        });
        others.chain(same)
    }
}

/// The chart that a template belongs to, or else its directory.
fn of_chart(path: &Path) -> PathBuf {
    let chart =
        path.ancestors().skip(1).find(|it| it.file_name().is_some_and(|it| it == TEMPLATES));
    let directory = chart.unwrap_or(path).parent().unwrap_or(Path::new(""));
    if directory.as_os_str().is_empty() { Path::new(".").into() } else { directory.into() }
}

/// Of two objects with one name that differ.
fn twice(replaced: &Replaced) -> Warning {
    let object = replaced.object.to_string();
    let (object, earlier) = (printable(&object), place(&replaced.earlier));
    at_origin(&replaced.later, format!("{object}{ALSO}{earlier}; only the later of the two counts"))
}

/// `file:line` of an object.
fn place(origin: &Origin) -> String {
    match origin {
        Origin::Manifest { file, line, .. } => format!("{}:{line}", shown(file)),
        Origin::Rendered { of, .. } => shown(&of.file),
        Origin::Live { .. } | Origin::Synthetic => String::new(),
    }
}

/// A note on one object.
pub fn at_origin(origin: &Origin, message: String) -> Warning {
    let (file, line) = match origin {
        Origin::Manifest { file, line, .. } => (file, line),
        Origin::Rendered { of, .. } => return Warning::new(&of.file, Severity::Note, message),
        Origin::Live { .. } | Origin::Synthetic => {
            return Warning::new(Path::new(""), Severity::Note, message);
        }
    };
    let mut warning = Warning::new(file, Severity::Note, message);
    warning.at = u32::try_from(*line).ok().map(|line| (line, 1));
    warning
}
