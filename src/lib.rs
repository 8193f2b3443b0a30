//! The core of kubectl netpol: what a cluster's network policies allow, and why.
//!
//! Everything is a pure function of a [`cluster::Snapshot`], what exists, and a
//! [`policy::Ruleset`], what is written, lowered to one rule form:
//!
//! ```text
//! texts, API ─▶ Objects ─▶ Snapshot ─▶ Ruleset ─▶ one flow · every flow
//!            objects      cluster     policy     verdict    reach
//! ```
//!
//! Nothing here reads a file, starts a program, talks to a server or prints; nothing lower imports
//! anything higher.
//!
//! ```
//! use netpol::objects::decode_text;
//! use netpol::policy::{Enforcer, Ruleset};
//! use netpol::verdict::{Question, Verdict, explain};
//! use std::path::Path;
//!
//! let manifests = r"
//! apiVersion: v1
//! kind: Pod
//! metadata: { namespace: shop, name: db, labels: { app: db } }
//! ---
//! apiVersion: v1
//! kind: Pod
//! metadata: { namespace: shop, name: web, labels: { app: web } }
//! ---
//! apiVersion: networking.k8s.io/v1
//! kind: NetworkPolicy
//! metadata: { namespace: shop, name: default-deny }
//! spec: { podSelector: {}, policyTypes: [Ingress] }
//! ";
//! let (objects, warnings) = decode_text(manifests.into(), Path::new("shop.yaml"), "default");
//! assert!(warnings.is_empty());
//! let (snapshot, written) = objects.assemble();
//! let rules = Ruleset::compile(&written, &snapshot, &Enforcer::default());
//!
//! let question = Question {
//!     source: &"shop/web".parse()?,
//!     destination: &"shop/db:5432".parse()?,
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

pub mod answer;
pub mod baseline;
pub mod cluster;
pub mod draft;
pub mod effort;
pub mod ends;
pub mod entry;
pub mod hubble;
pub mod intent;
pub mod kinds;
pub mod learn;
pub mod lint;
pub mod lints;
pub mod objects;
pub mod observed;
pub mod onward;
pub mod policy;
pub mod printable;
pub mod probe;
pub mod prose;
pub mod reach;
pub mod system;
pub mod unwritten;
pub mod verdict;
pub mod yaml;
