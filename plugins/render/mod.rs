//! Answers as people and programs read them.
//!
//! In: an answer of the core ([`netpol::answer`]) and a [`Format`]. Out: text, with styles as escape
//! sequences where it is for a terminal. A file here is a format; `answers.rs` says which answer comes
//! in which. Nothing here prints.

mod answers;
mod cells;
mod columns;
mod csv;
mod dot;
mod escape;
mod format;
mod github;
mod html;
mod json;
mod junit;
mod markdown;
mod mermaid;
mod picture;
mod sarif;
mod screen;
mod text;
mod wrap;
mod yaml;

pub use answers::{Answer, Formats, Offered, Page, render, weight};
pub use csv::CsvList;
pub use format::Format;
pub use html::{Pictured, pictured};
pub use json::json_line;
pub use text::{lost_text, observation_text, observed_summary_text};
pub(crate) use wrap::wrapped;
