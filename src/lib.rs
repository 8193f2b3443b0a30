//! The core of kubectl netpol: what a cluster's network policies allow, and why.
//!
//! Everything is a pure function of a [`cluster::Snapshot`], what exists, and a
//! [`policy::Ruleset`], what is written, lowered to one rule form:
//!
//! ```text
//! files, live API ─▶ Snapshot ─▶ Ruleset ─▶ judgement of one flow ─▶ report
//!     source          cluster     policy          verdict             report
//! ```
//!
//! Only [`source`] and [`flux`] touch the outside world; only [`cli`] and [`commands`] print, colour
//! and decide exit codes; nothing lower imports anything higher.
//!
//! ```
//! use netpol::policy::{Enforcer, Ruleset};
//! use netpol::source::manifests::Manifests;
//! use netpol::verdict::{Question, Verdict, explain};
//!
//! # std::env::set_current_dir(env!("CARGO_MANIFEST_DIR"))?;
//! let files = vec!["examples/homekube".into()];
//! let loaded = Manifests { files, ..Manifests::default() }.load()?;
//! let (snapshot, written) = loaded.objects.assemble();
//! let rules = Ruleset::compile(&written, &snapshot, &Enforcer::default());
//!
//! let question = Question {
//!     source: &"monitoring/deploy/grafana".parse()?,
//!     destination: &"http://keycloak.identity.svc.cluster.local/realms/home".parse()?,
//!     port: None,
//!     namespace: "default",
//! };
//! let answer = explain(&snapshot, &rules, &question)?;
//! assert_eq!(answer.verdict(), Some(Verdict::Denied));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// What is read is hostile, so nothing outside of tests may panic on it.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)
)]

pub mod baseline;
pub mod cli;
pub mod cluster;
pub mod commands;
pub mod complete;
pub mod draft;
pub mod files;
pub mod flux;
pub mod hubble;
pub mod learn;
pub mod observed;
pub mod policy;
mod printable;
pub mod reach;
pub mod report;
pub mod source;
pub mod verdict;
