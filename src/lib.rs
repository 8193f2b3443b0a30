//! The core of kubectl netpol.
pub mod cluster;
pub mod policy;
pub mod reach;
pub mod verdict;
