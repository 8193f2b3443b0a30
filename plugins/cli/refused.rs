//! What clap says of a command line that it does not understand, safe to show.
//!
//! In: the arguments of the process. Out: what a command takes of them, or the end of the process with a
//! sentence. Clap repeats the words as they are, and a script may have taken them from a stranger.

use clap::Parser;
use clap::error::{ContextKind, ContextValue};
use netpol::printable::{printable, unseen};
use std::ffi::OsString;
use std::io::Write as _;

/// The command line, or the end.
pub fn parsed<P: Parser>() -> P {
    parsed_of(&std::env::args_os().collect::<Vec<_>>())
}

/// The same of other words than those of the process.
pub fn parsed_of<P: Parser>(words: &[OsString]) -> P {
    P::try_parse_from(words).unwrap_or_else(|error| {
        let words: Vec<String> =
            words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let error = with_a_file(error, &words);
        // Help has nothing of them, and colours.
        if !error.use_stderr() || !words.iter().any(|word| word.contains(unseen)) {
            error.exit();
        }
        let said = spelled_out(error.render().to_string(), &words);
        let _ = write!(std::io::stderr(), "{said}");
        std::process::exit(error.exit_code())
    })
}

/// A file behind `--with`, which takes none, is one that `-f` names.
fn with_a_file(mut error: clap::Error, words: &[String]) -> clap::Error {
    let Some(ContextValue::String(file)) = error.get(ContextKind::InvalidArg) else { return error };
    let is_its = |pair: &[String]| pair[0] == "--with" && pair[1] == *file;
    if words.windows(2).any(is_its) {
        let tip = format!("--with takes no file: give '-f {file} --with'");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// A message of several lines with all that is not seen in these words spelled out.
fn spelled_out(message: String, words: &[String]) -> String {
    // A line may end within a word, or within the value of an option.
    let values = words.iter().filter_map(|word| Some(word.split_once('=')?.1));
    let short = words.iter().filter_map(|word| word.strip_prefix('-')?.get(1..));
    let mut parts: Vec<&str> =
        words.iter().map(String::as_str).chain(values).chain(short).collect();
    parts.retain(|part| part.contains('\n'));
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    let message = parts.into_iter().fold(message, |all, part| all.replace(part, &printable(part)));
    let lines: Vec<_> = message.split('\n').map(printable).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_within_their_line() {
        let words = ["a\u{1b}[31m\nerror: b", "--out=x\ny", "-oz\n\u{202e}"].map(str::to_owned);
        let message =
            "error: a\u{1b}[31m\nerror: b and 'x\ny' and 'z\n\u{202e}'\n\nUsage: \u{9b}\n";
        assert_eq!(
            spelled_out(message.to_owned(), &words),
            "error: a\\u{1b}[31m\\nerror: b and 'x\\ny' and 'z\\n\\u{202e}'\n\nUsage: \\u{9b}\n"
        );
    }
}
