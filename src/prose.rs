//! Parts of sentences that every room makes.

use std::borrow::Borrow;

/// `a, b and c`, with the word before the last.
pub fn list(items: &[impl Borrow<str>], last: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.borrow().to_owned(),
        [first @ .., end] => format!("{} {last} {}", first.join(", "), end.borrow()),
    }
}
