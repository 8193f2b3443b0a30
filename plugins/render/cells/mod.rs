//! What stands in the rows of answers, whatever the format.

pub(super) mod alike;
pub(super) mod diff;
pub(super) mod list;
pub(super) mod summary;
pub(super) mod system;
pub(super) mod unprotected;
