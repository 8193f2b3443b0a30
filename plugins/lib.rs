//! kubectl netpol: the commands, their flags, and how answers are shown.
//!
//! In: raw arguments. Out: text on the terminal and an exit code. What policies mean is the core's
//! ([`netpol`]), what is read comes from [`netpol_sources`]; only [`cli`] and [`commands`] print, colour
//! and decide exit codes.

// What is read is hostile, so nothing outside of tests may panic on it.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)
)]

pub mod cli;
pub mod commands;
pub mod complete;
pub mod render;
