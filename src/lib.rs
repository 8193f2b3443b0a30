//! kubectl netpol.

pub mod source;
