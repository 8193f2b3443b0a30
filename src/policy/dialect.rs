//! What every dialect of policies does, each in a directory of its own.
//!
//! In: one object of a kind that the dialect has. Out: its [`Spec`] as it is written, and of all
//! objects together what is made of each: policies in the one form, with the path of everything that
//! can decide, or why the API server or an agent refuses it.

use super::lowered::{Lowered, Remark};
use super::rule::Policy;
use super::{Enforcer, Spec};
use crate::cluster::{Labels, ObjectRef, Origin, Snapshot};
use crate::kinds::Kind;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

/// One dialect: how the objects of its kinds are written.
pub(super) trait Dialect: Sized + Into<Spec> {
    /// Its kinds.
    const KINDS: &'static [Kind];

    /// Reads an object of one of its kinds, as strictly as the API server does.
    fn read<'de, M: Metadata<'de>, D: Deserializer<'de>>(
        kind: Kind,
        source: D,
    ) -> Result<(M, Self), D::Error>;

    /// What is written in this dialect.
    fn of(spec: &Spec) -> Option<&Self>;

    /// What becomes of each object. All are given together, since some name others.
    fn lower<'a>(all: &[Placed<'a, Self>], around: &Around<'a>)
    -> Vec<(Placed<'a, Self>, Lowered)>;

    /// What is to be said of all of them together.
    fn remarks(_all: &[Placed<'_, Self>], _around: &Around<'_>) -> Vec<Remark> {
        Vec::new()
    }
}

/// `metadata` of an object, of which a dialect wants no more than this.
pub trait Metadata<'de>: Deserialize<'de> + Default {
    /// Its labels.
    fn labels(&self) -> Labels;
}

/// A policy, or what policies name, as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenObject {
    /// Its kind, namespace and name, with the default namespace already filled in.
    pub object: ObjectRef,
    /// Where it was written.
    pub origin: Origin,
    /// What it says.
    pub spec: Spec,
}

impl WrittenObject {
    /// Its kind.
    pub fn kind(&self) -> Option<Kind> {
        Kind::named(&self.object.kind)
    }

    /// What becomes of it by itself: it names nothing else that is written.
    pub fn lower(&self, snapshot: &Snapshot, enforcer: &Enforcer) -> Lowered {
        self.lower_beside(snapshot, enforcer, &[])
    }

    /// The same beside policies that are in force, which tell of tiers.
    pub(super) fn lower_beside(
        &self,
        snapshot: &Snapshot,
        enforcer: &Enforcer,
        others: &[Policy],
    ) -> Lowered {
        let mut lowered = Lowered::default();
        let around = Around { snapshot, enforcer, beside: Some(others) };
        super::lower(std::slice::from_ref(self), &around, &mut |_, own| lowered = own);
        lowered
    }
}

/// An object of one dialect.
#[derive(Debug)]
pub(super) struct Placed<'a, S> {
    pub(super) object: &'a ObjectRef,
    pub(super) origin: &'a Origin,
    pub(super) spec: &'a S,
}

impl<S> Clone for Placed<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Placed<'_, S> {}

impl<'a, S> Placed<'a, S> {
    /// The same object, of what it says this part.
    pub(super) fn saying<T>(&self, spec: &'a T) -> Placed<'a, T> {
        Placed { object: self.object, origin: self.origin, spec }
    }

    /// Whether it is stored in a cluster, so that its API server took it.
    pub(super) fn is_live(&self) -> bool {
        matches!(self.origin, Origin::Live { .. })
    }
}

/// What objects are read against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'a> {
    /// What exists.
    pub(super) snapshot: &'a Snapshot,
    /// Who enforces the policies.
    pub(super) enforcer: &'a Enforcer,
    /// A policy is tried by itself, beside these: what other objects are needed for is not asked.
    pub(super) beside: Option<&'a [Policy]>,
}

/// Lowers what is written in one dialect.
pub(super) fn lower_all<S: Dialect>(
    all: &[WrittenObject],
    around: &Around<'_>,
    add: &mut dyn FnMut((&ObjectRef, &Origin), Lowered),
) -> Vec<Remark> {
    let placed = all.iter().filter_map(|WrittenObject { object, origin, spec }| {
        Some(Placed { object, origin, spec: S::of(spec)? })
    });
    let placed: Vec<_> = placed.collect();
    for (Placed { object, origin, .. }, lowered) in S::lower(&placed, around) {
        add((object, origin), lowered);
    }
    S::remarks(&placed, around)
}

/// An object whose fields are checked strictly, as kubectl does: a misspelt one changes what the
/// policy means.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Strict<M, S> {
    #[serde(rename = "apiVersion")]
    _api_version: Option<IgnoredAny>,
    #[serde(rename = "kind")]
    _kind: Option<IgnoredAny>,
    metadata: Option<M>,
    spec: Option<S>,
    #[serde(rename = "status")]
    _status: Option<IgnoredAny>,
}

/// Reads an object that has `metadata` and `spec` and no other fields.
pub(super) fn strict<'de, M, S, D>(source: D) -> Result<(M, S), D::Error>
where
    M: Deserialize<'de> + Default,
    S: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    let Strict { metadata, spec, .. } = Strict::<M, S>::deserialize(source)?;
    Ok((metadata.unwrap_or_default(), spec.unwrap_or_default()))
}
