//! The core of kubectl netpol.
pub mod cluster;
pub mod policy;
mod printable;
pub mod report;
pub mod verdict;
