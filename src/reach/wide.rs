//! Rules that admit anyone, or every pod: what is said of them needs no list of ends.
//!
//! In: what the rules of an end admit, as sets. Out: [`Wide`], the ports at which they admit everyone.

use super::port_table::{PortTable, PortsId};
use super::region::Parts;
use super::sets::{SetId, SetTable};
use super::tables::Tables;

/// The ports at which the rules of one end, in one direction, admit everyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Wide {
    /// Anyone in the cluster or outside.
    pub(super) anyone: PortsId,
    /// Every pod that policies can select; what admits anyone admits these.
    pub(super) pods: PortsId,
}

impl Wide {
    /// No policy isolates.
    pub(super) const OPEN: Self = Self { anyone: PortTable::ALL, pods: PortTable::ALL };
}

/// Who everyone is.
#[derive(Clone, Copy)]
pub(super) struct Everyone {
    pub(super) anyone: SetId,
    /// Every pod that policies can select, where more than one namespace has any: in a single
    /// namespace a rule for its own pods is not meant for the cluster.
    pub(super) pods: Option<SetId>,
}

impl Everyone {
    /// What each class's profile of parts admits.
    pub(super) fn admitted(
        self,
        tables: &mut Tables,
        profiles: &[Parts],
        profile_of: &[u32],
    ) -> Vec<Wide> {
        let wide: Vec<Wide> = profiles.iter().map(|parts| self.of(tables, parts)).collect();
        profile_of.iter().map(|profile| wide[*profile as usize]).collect()
    }

    /// Parts may overlap; those that cover everyone only together do not count.
    pub(super) fn of(self, tables: &mut Tables, parts: &Parts) -> Wide {
        let mut wide = Wide { anyone: PortTable::NONE, pods: PortTable::NONE };
        for (set, ports) in parts.iter().copied() {
            if tables.sets.and(set, self.anyone) == self.anyone {
                wide.anyone = tables.ports.or(wide.anyone, ports);
            }
            if let Some(pods) = self.pods.filter(|pods| *pods != SetTable::EMPTY)
                && tables.sets.and(set, pods) == pods
            {
                wide.pods = tables.ports.or(wide.pods, ports);
            }
        }
        wide.pods = tables.ports.or(wide.pods, wide.anyone);
        wide
    }
}
