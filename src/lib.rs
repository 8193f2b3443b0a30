//! The core of kubectl netpol.
pub mod baseline;
pub mod cli;
pub mod cluster;
pub mod commands;
pub mod files;
pub mod policy;
pub mod printable;
pub mod report;
pub mod source;
pub mod verdict;
