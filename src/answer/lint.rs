//! The answer of `lint` as a versioned type: what policies do not do that they seem to.
//!
//! In: a snapshot and its rules, a team's settings, a [`Locate`] and what comments stand at a field. Out: a
//! [`LintReport`], complete without any of them. How bad a finding is, whether it is off and whether a
//! comment takes it is decided here; what is found, in [`lint`](crate::lint).

use super::findings::{Finding, FindingRule, Findings, ToFindings};
use super::missing::{MissingReport, missing};
use super::place::{Locate, Location};
use super::vocabulary::{ApiVersion, LintKind, Missing};
use super::words;
use crate::cluster::{ObjectRef, Origin, Snapshot};
use crate::effort::Effort;
use crate::lint::{self, Settings};
use crate::lints::{Lint, Severity};
use crate::policy::Ruleset;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;

/// The answer of `lint`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LintReport {
    /// Always `netpol/v1alpha1`.
    pub api_version: ApiVersion,
    /// Always `LintReport`.
    pub kind: LintKind,
    /// How many policies were asked about.
    pub policies: usize,
    /// What was found, by file and line.
    pub findings: Vec<LintFinding>,
    /// What comments in the manifests take, each with its reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<AllowedFinding>,
    /// How many findings the settings turn off.
    #[serde(skip_serializing_if = "is_zero")]
    pub turned_off: usize,
    /// Whether everything was looked at, so that what is not told is not there.
    pub complete: bool,
    /// What was not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingReport>,
    /// How it was understood.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LintFinding {
    /// Which lint it is.
    pub lint: Lint,
    /// How bad it is, by the settings or else by the lint.
    pub severity: Severity,
    /// What it is, in a sentence.
    pub message: String,
    /// What it is about: `shop/netpol/web ingress[0]`.
    pub about: String,
    /// The namespace of that, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Where that is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// What it is about besides, such as the other one of two that say the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<RelatedPlace>,
    /// Where the lint is explained, in the repository of this program.
    pub page: String,
}

/// Something that a finding is about besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RelatedPlace {
    /// The object, with the field.
    pub about: String,
    /// Where it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

/// A finding that a comment takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AllowedFinding {
    /// Why, as the comment says.
    pub reason: String,
    /// What was found.
    pub finding: LintFinding,
}

/// The comments that stand at a field, each from behind its `#`.
pub type Comments<'a> = dyn Fn(&Origin, &str) -> Vec<String> + 'a;

/// What is asked for.
pub struct LintAsked<'a> {
    /// Only what is about this namespace.
    pub namespace: Option<&'a str>,
    /// How bad things are.
    pub settings: &'a Settings,
    /// How far the engines go.
    pub effort: Effort,
}

impl LintReport {
    /// Looks at everything.
    pub fn new(
        snapshot: &Snapshot,
        rules: &Ruleset,
        asked: &LintAsked<'_>,
        locate: &Locate<'_>,
        comments: &Comments<'_>,
    ) -> Self {
        let found = lint::lint(snapshot, rules, asked.namespace, asked.effort);
        let mut report = Self::empty(snapshot, rules, asked.namespace);
        for message in found.not_looked_at {
            report.missing.push(MissingReport::new(Missing::NotAsked, message));
        }
        for finding in found.all {
            report.take(&finding, asked.settings, locate, comments);
        }
        let place = |it: &LintFinding| {
            let place = it.location.as_ref().map(|it| (it.file.clone(), it.line, it.column));
            (place.is_none(), place, it.about.clone(), it.lint)
        };
        report.findings.sort_by_cached_key(place);
        report.findings.dedup();
        report.complete = report.missing.is_empty();
        report
    }

    fn empty(snapshot: &Snapshot, rules: &Ruleset, only: Option<&str>) -> Self {
        let judged = rules.policies().iter().filter(|policy| policy.not_judged().is_none());
        let objects: BTreeSet<_> = judged.map(|policy| &policy.object).collect();
        let here =
            |object: &ObjectRef| only.is_none_or(|only| object.namespace.as_deref() == Some(only));
        let refused = rules.rejected.iter().map(|it| &it.object).collect::<BTreeSet<_>>();
        Self {
            api_version: ApiVersion,
            kind: LintKind,
            policies: objects.union(&refused).filter(|object| here(object)).count(),
            findings: Vec::new(),
            allowed: Vec::new(),
            turned_off: 0,
            complete: false,
            missing: missing(snapshot, rules, None, false),
            notes: words::enforcement(rules).into_iter().collect(),
        }
    }

    /// Puts one finding where it belongs.
    fn take(
        &mut self,
        found: &lint::Found,
        settings: &Settings,
        locate: &Locate<'_>,
        comments: &Comments<'_>,
    ) {
        let about = &found.about;
        let location = locate(&about.origin, &about.path);
        let namespace = about.object.namespace.as_deref();
        let file = location.as_ref().map(|it| it.file.as_str());
        let related = found.others.iter().map(|other| RelatedPlace {
            about: other.words(),
            location: locate(&other.origin, &other.path),
        });
        let of = |lint: Lint, message: &str, severity| LintFinding {
            lint,
            severity,
            message: format!("{message}."),
            about: about.words(),
            namespace: namespace.map(ToOwned::to_owned),
            location: location.clone(),
            related: Vec::new(),
            page: lint.page(),
        };
        let Some(severity) = settings.severity(found.lint, file, namespace) else {
            self.turned_off += 1;
            return;
        };
        let mut finding = of(found.lint, &found.message, severity);
        finding.related = related.collect();
        let mut reason = None;
        for comment in comments(&about.origin, &about.path) {
            match lint::allow(&comment) {
                Some(Ok(allow)) if allow.lint == found.lint => reason = Some(allow.reason),
                Some(Err(why)) => {
                    let severity = settings.severity(Lint::BadAllow, file, namespace);
                    let message = format!("the comment {:?} {why}", comment.trim());
                    let bad = severity.map(|severity| of(Lint::BadAllow, &message, severity));
                    self.findings.extend(bad);
                }
                Some(Ok(_)) | None => {}
            }
        }
        match reason {
            Some(reason) => self.allowed.push(AllowedFinding { reason, finding }),
            None => self.findings.push(finding),
        }
    }

    /// How many findings are as bad as this.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Whether any finding is at least as bad as this.
    pub fn has(&self, least: Severity) -> bool {
        self.findings.iter().any(|finding| finding.severity >= least)
    }

    /// Whether something could not be read or known. That a lint did not look at very many things is told,
    /// and is not that.
    pub fn is_unknown(&self) -> bool {
        self.missing.iter().any(|missing| missing.why != Missing::NotAsked)
    }
}

impl ToFindings for LintReport {
    fn findings(&self) -> Findings {
        let used: BTreeSet<Lint> = self.findings.iter().map(|finding| finding.lint).collect();
        let rule = |lint: Lint| FindingRule {
            id: lint.id().to_owned(),
            summary: format!("{}.", lint.title()),
            severity: lint.severity(),
            help: Some(format!("See {} of kubectl netpol.", lint.page())),
            page: None,
        };
        let finding = |it: &LintFinding| {
            let related = it
                .related
                .iter()
                .filter_map(|other| Some((other.location.clone()?, format!("{}.", other.about))));
            Finding {
                id: it.lint.id().to_owned(),
                severity: it.severity,
                message: format!("{}: {}", it.about, it.message),
                place: it.location.clone(),
                related: related.collect(),
                help: None,
            }
        };
        let missing = self.missing.iter().map(|missing| format!("{}.", missing.message));
        let notes = self.notes.iter().map(|note| format!("{note}."));
        Findings {
            rules: used.into_iter().map(rule).collect(),
            findings: self.findings.iter().map(finding).collect(),
            complete: self.complete,
            notes: missing.chain(notes).collect(),
        }
    }
}
