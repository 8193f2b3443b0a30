//! The versions of Cilium and of Calico that differ in what they enforce.

use std::fmt;

/// A minor version of Cilium. What differs between them is in
/// docs/semantics/cilium-objects.md#versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CiliumVersion {
    /// 1.18 and before.
    V1_18,
    /// 1.19.
    V1_19,
    /// 1.20 and later.
    V1_20,
}

impl CiliumVersion {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::V1_18, Self::V1_19, Self::V1_20];

    /// The version of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.to_string() == name)
    }

    /// The version of a release such as `v1.19.4` or `1.20.0-rc.1`: the nearest that is known.
    pub fn of_release(release: &str) -> Option<Self> {
        Some(match minor_of(release)? {
            (0, _) | (1, 0..=18) => Self::V1_18,
            (1, 19) => Self::V1_19,
            _ => Self::V1_20,
        })
    }
}

impl fmt::Display for CiliumVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1_18 => "1.18",
            Self::V1_19 => "1.19",
            Self::V1_20 => "1.20",
        })
    }
}

/// A minor version of Calico. What differs between them is in docs/semantics/calico.md#versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CalicoVersion {
    /// 3.31 and before.
    V3_31,
    /// 3.32 and later.
    V3_32,
}

impl CalicoVersion {
    /// All of them.
    pub(super) const ALL: [Self; 2] = [Self::V3_31, Self::V3_32];

    /// The version of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.to_string() == name)
    }

    /// The version of a release such as `v3.31.5`: the nearest that is known.
    pub fn of_release(release: &str) -> Option<Self> {
        Some(if minor_of(release)? < (3, 32) { Self::V3_31 } else { Self::V3_32 })
    }
}

impl fmt::Display for CalicoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V3_31 => "3.31",
            Self::V3_32 => "3.32",
        })
    }
}

/// The first two numbers of a release.
fn minor_of(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.strip_prefix('v').unwrap_or(release).split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
