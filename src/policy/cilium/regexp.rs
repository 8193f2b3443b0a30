//! Regular expressions as Go's `regexp.Compile` takes them.
//!
//! In: an expression. Out: why Go does not read it; nothing where it does, or where that hangs on a table
//! of Unicode's or on how large the compiled expression is. Source: `parse` in Go's
//! src/regexp/syntax/parse.go.

use std::iter::Peekable;
use std::str::Chars;

/// The largest count of a repetition.
const MOST_REPEATED: u32 = 1000;
/// The deepest nesting.
const DEEPEST: usize = 1000;

/// The names of classes between `[:` and `:]`.
const CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// Why Go does not read an expression, as the end of a sentence.
pub(super) fn fault(expression: &str) -> Option<&'static str> {
    Reader { rest: expression.chars().peekable(), open: 0, no_names: false }.whole().err()
}

struct Reader<'e> {
    rest: Peekable<Chars<'e>>,
    /// Groups that are open.
    open: usize,
    /// There is no `:]` ahead.
    no_names: bool,
}

type Read<T = ()> = Result<T, &'static str>;

/// What an item of a class, or what follows a backslash, means.
enum Item {
    /// Several characters.
    Class,
    /// One character.
    Character(char),
    /// One that is not looked at more closely.
    SomeCharacter,
}

/// What stands before a repetition.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    Nothing,
    Something,
    Repetition,
}

const REPEATS_NOTHING: &str = "repeats nothing";
const REPEATS_A_REPETITION: &str = "repeats a repetition";
const FOREIGN: &str = "has (? with something that Go does not know";
const BAD_ESCAPE: &str = "has an escape that Go does not know";
const BAD_RANGE: &str = "has a range of characters that is none";
const NO_END_OF_CLASS: &str = "has [ without ]";

impl Reader<'_> {
    fn whole(&mut self) -> Read {
        let mut before = Before::Nothing;
        while let Some(character) = self.rest.next() {
            before = match character {
                '(' => {
                    self.open += 1;
                    if self.open > DEEPEST {
                        return Err("nests too deep");
                    }
                    match (self.group()?, before) {
                        (true, _) => Before::Nothing,
                        (false, Before::Repetition) => Before::Something,
                        (false, before) => before,
                    }
                }
                '|' => Before::Nothing,
                ')' => {
                    self.open = self.open.checked_sub(1).ok_or("has ) without (")?;
                    Before::Something
                }
                '[' => {
                    self.class()?;
                    Before::Something
                }
                '*' | '+' | '?' => self.repeated(before)?,
                '{' if self.counted()? => self.repeated(before)?,
                '\\' if self.rest.next_if_eq(&'Q').is_some() => {
                    if self.quoted() {
                        Before::Something
                    } else {
                        before
                    }
                }
                '\\' if self.rest.next_if(|next| "AbBz".contains(*next)).is_some() => {
                    Before::Something
                }
                '\\' => {
                    self.escaped()?;
                    Before::Something
                }
                _ => Before::Something,
            };
        }
        if self.open > 0 { Err("has ( without )") } else { Ok(()) }
    }

    fn repeated(&mut self, before: Before) -> Read<Before> {
        match before {
            Before::Nothing => return Err(REPEATS_NOTHING),
            Before::Repetition => return Err(REPEATS_A_REPETITION),
            Before::Something => {}
        }
        self.rest.next_if_eq(&'?');
        Ok(Before::Repetition)
    }

    /// What follows `(`; false where it was flags for the rest of the group around it.
    fn group(&mut self) -> Read<bool> {
        if self.rest.next_if_eq(&'?').is_none() {
            return Ok(true);
        }
        let mut name = self.rest.clone();
        name.next_if_eq(&'P');
        if name.next_if_eq(&'<').is_some() {
            self.rest = name;
            let mut named = false;
            while let Some(character) = self.rest.next_if(|it| it.is_alphanumeric() || *it == '_') {
                named |= character != '>';
            }
            return if named && self.rest.next() == Some('>') { Ok(true) } else { Err(FOREIGN) };
        }
        let (mut negative, mut any) = (false, false);
        for character in self.rest.by_ref() {
            match character {
                'i' | 'm' | 's' | 'U' => any = true,
                '-' if !negative => (negative, any) = (true, false),
                ':' | ')' if negative && !any => return Err(FOREIGN),
                ':' => return Ok(true),
                ')' => {
                    self.open -= 1;
                    return Ok(false);
                }
                _ => return Err(FOREIGN),
            }
        }
        Err(FOREIGN)
    }

    /// Takes the rest of `{2}`, `{2,}` or `{2,3}`, if it is one.
    fn counted(&mut self) -> Read<bool> {
        let mut ahead = self.rest.clone();
        let Some(least) = number(&mut ahead) else { return Ok(false) };
        let mut most = Some(least);
        if ahead.next_if_eq(&',').is_some() {
            most = if ahead.peek() == Some(&'}') { None } else { number(&mut ahead) };
            if most.is_none() && ahead.peek() != Some(&'}') {
                return Ok(false);
            }
        }
        if ahead.next() != Some('}') {
            return Ok(false);
        }
        self.rest = ahead;
        if least > MOST_REPEATED || most.is_some_and(|most| most > MOST_REPEATED || most < least) {
            return Err("repeats more than 1000 times, or at least more often than at most");
        }
        Ok(true)
    }

    /// What follows `[`.
    fn class(&mut self) -> Read {
        self.rest.next_if_eq(&'^');
        let mut first = true;
        loop {
            let character = self.rest.next().ok_or(NO_END_OF_CLASS)?;
            if character == ']' && !first {
                return Ok(());
            }
            first = false;
            if character == '[' && self.rest.peek() == Some(&':') && self.named_class()? {
                continue;
            }
            let low = match self.of_class(character)? {
                Item::Class => continue,
                Item::Character(low) => Some(low),
                Item::SomeCharacter => None,
            };
            let mut ahead = self.rest.clone();
            if ahead.next() == Some('-') && ahead.peek().is_some_and(|next| *next != ']') {
                self.rest = ahead;
                let character = self.rest.next().ok_or(NO_END_OF_CLASS)?;
                match (low, self.of_class(character)?) {
                    (_, Item::Class) => return Err(BAD_RANGE),
                    (Some(low), Item::Character(high)) if high < low => return Err(BAD_RANGE),
                    _ => {}
                }
            }
        }
    }

    /// `[:digit:]`; false where it is none, and `[` is a character like others.
    fn named_class(&mut self) -> Read<bool> {
        if self.no_names {
            return Ok(false);
        }
        let (mut name, mut last, mut found) = (String::new(), ' ', false);
        for character in self.rest.clone().skip(1) {
            found = (last, character) == (':', ']');
            if found {
                break;
            }
            name.push(character);
            last = character;
        }
        self.no_names = !found;
        let Some(name) = name.strip_suffix(':').filter(|_| found) else { return Ok(false) };
        if !CLASSES.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return Err(BAD_RANGE);
        }
        for _ in 0..name.chars().count() + 3 {
            self.rest.next();
        }
        Ok(true)
    }

    /// An item of a class.
    fn of_class(&mut self, character: char) -> Read<Item> {
        if character == '\\' { self.escaped() } else { Ok(Item::Character(character)) }
    }

    /// What follows `\Q`, up to `\E`; whether that is anything.
    fn quoted(&mut self) -> bool {
        let (mut last, mut length) = (' ', 0);
        for character in self.rest.by_ref() {
            length += 1;
            if (last, character) == ('\\', 'E') {
                return length > 2;
            }
            last = character;
        }
        length > 0
    }

    /// What follows a backslash.
    fn escaped(&mut self) -> Read<Item> {
        let character = self.rest.next().ok_or("ends in a backslash")?;
        Ok(match character {
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => Item::Class,
            'p' | 'P' => {
                if self.rest.next().ok_or(BAD_RANGE)? == '{' {
                    self.rest.by_ref().find(|it| *it == '}').ok_or(BAD_RANGE)?;
                }
                Item::Class
            }
            '1'..='7' if !self.rest.peek().is_some_and(|next| ('0'..='7').contains(next)) => {
                return Err("goes back to a group, which Go does not do");
            }
            '0'..='7' => {
                for _ in 0..2 {
                    self.rest.next_if(|next| ('0'..='7').contains(next));
                }
                Item::SomeCharacter
            }
            'x' => {
                if self.rest.next_if_eq(&'{').is_some() {
                    let mut digits = String::new();
                    loop {
                        match self.rest.next() {
                            Some('}') => break,
                            Some(digit) if digit.is_ascii_hexdigit() => digits.push(digit),
                            _ => return Err(BAD_ESCAPE),
                        }
                    }
                    let number = u32::from_str_radix(&digits, 16).map_err(|_| BAD_ESCAPE)?;
                    let known = number <= u32::from(char::MAX);
                    if !known {
                        return Err(BAD_ESCAPE);
                    }
                    char::from_u32(number).map_or(Item::SomeCharacter, Item::Character)
                } else {
                    for _ in 0..2 {
                        self.rest.next_if(char::is_ascii_hexdigit).ok_or(BAD_ESCAPE)?;
                    }
                    Item::SomeCharacter
                }
            }
            'a' | 'f' | 'n' | 'r' | 't' | 'v' => Item::SomeCharacter,
            other if other.is_ascii() && !other.is_ascii_alphanumeric() => Item::Character(other),
            _ => return Err(BAD_ESCAPE),
        })
    }
}

/// A count, if one follows; not with zeros before it.
fn number(rest: &mut Peekable<Chars<'_>>) -> Option<u32> {
    let mut digits = String::new();
    while let Some(digit) = rest.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    if digits.is_empty() || digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    Some(digits.parse().unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::fault;

    /// Go's `regexp.Compile` was given these and takes them.
    #[rustfmt::skip]
    const TAKEN: &[&str] = &[
        "", "/api/.*", "^/v[12]/[^/]+$", "GET|POST", "(?i)get", "(?P<a>x)", "(?<a>x)", "(?P<1a>x)",
        "(?:a)+?", "a{2}", "a{2}?", "a{2,}", "a{,3}", "a{x", "{", "x{02}", "x{1,2,3}", "[]a]", "[^]a]",
        "[a-]", "[a-b-c]", "[[:alpha:]_]", "[[:alpha]", r"\d+\.\w", r"[\d\-a]", r"[\d-z]", r"\Qa(*\E",
        r"\Q*\E*", r"a\Q\E*", r"\x41\x{10FFFF}", r"\pL\p{Greek}", r"\012", r"\b*", "$*", "^*", "()*",
        "(|a)*", "a||b", r"\.", r"\/", r"\_", "ä+", "(?i-s:x)", "(?-i)", "(?)", "(?:)", "(?s).", "a{1000}",
        "(?i)", "a(?i)b", "a(?i)*", r"\Q\E", r"[\x41-\x5a]", "[+--]", "[--a]",
    ];

    /// Go's `regexp.Compile` was given these and refuses them.
    #[rustfmt::skip]
    const REFUSED: &[&str] = &[
        "(", ")", "(a", "a)", "*", "+a", "?", "a**", "a+*", "a???", "a??*", "a{2}{3}", "a{2}*", "(*)", "|*",
        "(?i)*", "a{1001}", "a{3,2}", "{2}", "[", "[a", "[]", "[z-a]", "[a--]", "[a--b]", r"[a-\d]",
        r"[\Qa]\E]", r"[\b]", "[[:foo:]]", "\\", r"\1", r"\8", r"\C", r"\E", r"\Z", r"\e", r"\ä", r"\xg",
        r"\x{}", r"\x{110000}", r"\p", "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?x)a", "(?", "(?i", "(?P=a)",
        "(?P<>a)", "(?P<a", "(?i-)", "(?-)a",
    ];

    /// docs/semantics/cilium-objects.md#patterns-of-text.
    #[test]
    fn as_go_reads_them() {
        for expression in TAKEN {
            assert_eq!(fault(expression), None, "{expression}");
        }
        for expression in REFUSED {
            assert!(fault(expression).is_some(), "{expression}");
        }
    }

    /// Long expressions end in good time.
    #[test]
    fn long_ones_end() {
        assert_eq!(fault(&"(".repeat(100_000)), Some("nests too deep"));
        assert_eq!(fault(&"[[:".repeat(3_000)), Some("has [ without ]"));
    }
}
