//! Where a snapshot comes from: the only rooms that touch the outside world.

pub mod live;
