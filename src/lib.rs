//! kubectl netpol.
