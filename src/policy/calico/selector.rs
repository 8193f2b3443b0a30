//! Calico's selector language: `has(role) && env in {'prod', "dev"} || !(app starts with 'x')`.
//!
//! In: a text. Out: an [`Expr`], or the place where it stops making sense. Source:
//! docs/semantics/calico.md#selectors.

use crate::cluster::{Name, TextMatch};

/// What a selector asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expr {
    /// `all()`, and the empty text.
    All,
    /// `global()`.
    Global,
    /// `!`.
    Not(Box<Self>),
    /// `&&`.
    And(Vec<Self>),
    /// `||`.
    Or(Vec<Self>),
    /// Something of one label.
    Ask(Name, Ask),
}

/// What is asked of a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// `has(key)`.
    Has,
    /// `key == 'a'`, and `key in {'a', 'b'}`.
    In(Vec<Name>),
    /// `key != 'a'`, and `key not in {'a', 'b'}`.
    NotIn(Vec<Name>),
    /// `key contains 'a'`, `key starts with 'a'` or `key ends with 'a'`.
    Text(TextMatch, Name),
}

/// Where a text is no selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misread {
    /// The character, from 1.
    pub(super) column: usize,
    pub(super) message: String,
}

/// The most characters of a label key.
const LONGEST_KEY: usize = 512;

/// So deep expressions may be nested: no author goes so far, and a parser must not.
const DEEPEST: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Key(Name),
    Text(Name),
    Has(Name),
    All,
    Global,
    In,
    NotIn,
    Match(TextMatch),
    Equal,
    NotEqual,
    Not,
    And,
    Or,
    Open,
    Close,
    OpenSet,
    CloseSet,
    Comma,
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Self::Key(key) => key.to_string(),
            Self::Text(text) => format!("'{text}'"),
            Self::Has(key) => format!("has({key})"),
            Self::All => "all()".into(),
            Self::Global => "global()".into(),
            Self::In => "in".into(),
            Self::NotIn => "not in".into(),
            Self::Match(how) => how.as_str().into(),
            Self::Equal => "==".into(),
            Self::NotEqual => "!=".into(),
            Self::Not => "!".into(),
            Self::And => "&&".into(),
            Self::Or => "||".into(),
            Self::Open => "(".into(),
            Self::Close => ")".into(),
            Self::OpenSet => "{".into(),
            Self::CloseSet => "}".into(),
            Self::Comma => ",".into(),
        }
    }
}

/// Reads a selector.
pub(super) fn parse(text: &str) -> Result<Expr, Misread> {
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        return Ok(Expr::All);
    }
    let mut parser = Parser { text, tokens: &tokens, at: 0 };
    let expr = parser.or(0)?;
    match parser.peek() {
        None => Ok(expr),
        Some(token) => {
            let message = format!("{} is left over: join with && or ||", token.shown());
            Err(parser.misread(message))
        }
    }
}

fn column(text: &str, at: usize) -> usize {
    text.get(..at).map_or(1, |before| before.chars().count() + 1)
}

fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_./-".contains(&byte)
}

/// Skips blanks, which are spaces and tabs only.
fn blanks(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.bytes().take_while(|byte| b" \t".contains(byte)).count()
}

/// The tokens of a text, each with where it begins.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Misread> {
    let misread = |at, message: String| Misread { column: column(text, at), message };
    let mut all: Vec<(usize, Token)> = Vec::new();
    let mut at = blanks(text, 0);
    while let Some(first) = text.as_bytes().get(at).copied() {
        let rest = text.get(at..).unwrap_or_default();
        let (token, length) = match first {
            b'(' => (Token::Open, 1),
            b')' => (Token::Close, 1),
            b'{' => (Token::OpenSet, 1),
            b'}' => (Token::CloseSet, 1),
            b',' => (Token::Comma, 1),
            b'\'' | b'"' => {
                let inner = rest.get(1..).unwrap_or_default();
                let Some(end) = inner.find(char::from(first)) else {
                    return Err(misread(at, "the text in quotes does not end".to_owned()));
                };
                (Token::Text(inner.get(..end).unwrap_or_default().into()), end + 2)
            }
            b'=' if rest.starts_with("==") => (Token::Equal, 2),
            b'!' if rest.starts_with("!=") => (Token::NotEqual, 2),
            b'!' => (Token::Not, 1),
            b'&' if rest.starts_with("&&") => (Token::And, 2),
            b'|' if rest.starts_with("||") => (Token::Or, 2),
            b'=' => return Err(misread(at, "write == for equal".to_owned())),
            b'&' => return Err(misread(at, "write && for and".to_owned())),
            b'|' => return Err(misread(at, "write || for or".to_owned())),
            byte if is_key(byte) => {
                let after_key = matches!(all.last(), Some((_, Token::Key(_))));
                word(text, at, after_key).map_err(|message| misread(at, message))?
            }
            _ => {
                let found = rest.chars().next().unwrap_or_default();
                return Err(misread(at, format!("{found:?} is no part of a selector")));
            }
        };
        all.push((at, token));
        at = blanks(text, at + length);
    }
    Ok(all)
}

/// A word: behind a key an operator, else a function or a key.
fn word(text: &str, at: usize, after_key: bool) -> Result<(Token, usize), String> {
    let rest = text.get(at..).unwrap_or_default();
    let length = rest.bytes().take_while(|byte| is_key(*byte)).count();
    let word = rest.get(..length).unwrap_or_default();
    if after_key {
        let next = blanks(text, at + length);
        let second = text.get(next..).unwrap_or_default();
        let second = &second[..second.bytes().take_while(|byte| is_key(*byte)).count()];
        let with = next + second.len() - at;
        return Ok(match (word, second) {
            ("in", _) => (Token::In, length),
            ("notin", _) => (Token::NotIn, length),
            ("contains", _) => (Token::Match(TextMatch::Contains), length),
            ("startswith", _) => (Token::Match(TextMatch::StartsWith), length),
            ("endswith", _) => (Token::Match(TextMatch::EndsWith), length),
            ("not", "in") => (Token::NotIn, with),
            ("starts", "with") => (Token::Match(TextMatch::StartsWith), with),
            ("ends", "with") => (Token::Match(TextMatch::EndsWith), with),
            _ => return Err(format!("{word} is no operator: {OPERATORS}")),
        });
    }
    let behind = rest.get(length..).unwrap_or_default();
    if let ("has" | "all" | "global", true) = (word, behind.starts_with('(')) {
        let inside = blanks(text, at + length + 1);
        let key = text.get(inside..).unwrap_or_default();
        let key = &key[..key.bytes().take_while(|byte| is_key(*byte)).count()];
        let end = blanks(text, inside + key.len());
        let closed = text.as_bytes().get(end) == Some(&b')');
        return match (word, key.is_empty(), closed) {
            ("has", false, true) => Ok((Token::Has(key.into()), end + 1 - at)),
            ("all", true, true) => Ok((Token::All, end + 1 - at)),
            ("global", true, true) => Ok((Token::Global, end + 1 - at)),
            ("has", ..) => Err("has( wants a label key and )".to_owned()),
            _ => Err(format!("{word}( wants ) and nothing before it")),
        };
    }
    if length > LONGEST_KEY {
        return Err(format!("a label key has at most {LONGEST_KEY} characters"));
    }
    Ok((Token::Key(word.into()), length))
}

/// What may stand behind a label key.
const OPERATORS: &str = "==, !=, in, not in, contains, starts with or ends with";

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [(usize, Token)],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.at += 1;
        token
    }

    fn takes(&mut self, token: &Token) -> bool {
        let is = self.peek() == Some(token);
        self.at += usize::from(is);
        is
    }

    /// What is wrong at the token that comes next.
    fn misread(&self, message: String) -> Misread {
        let at = self.tokens.get(self.at).map_or(self.text.len(), |(at, _)| *at);
        Misread { column: column(self.text, at), message }
    }

    /// What is wrong where something else is wanted.
    fn wants<T>(&mut self, wanted: &str) -> Result<T, Misread> {
        let found = match self.peek() {
            Some(token) => format!("here is {}", token.shown()),
            None => "here it ends".to_owned(),
        };
        Err(self.misread(format!("{found}; wanted {wanted}")))
    }

    fn or(&mut self, depth: usize) -> Result<Expr, Misread> {
        let mut all = vec![self.and(depth)?];
        while self.takes(&Token::Or) {
            all.push(self.and(depth)?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Expr::Or(all) })
    }

    fn and(&mut self, depth: usize) -> Result<Expr, Misread> {
        let mut all = vec![self.operation(depth)?];
        while self.takes(&Token::And) {
            all.push(self.operation(depth)?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Expr::And(all) })
    }

    fn operation(&mut self, depth: usize) -> Result<Expr, Misread> {
        let mut negated = false;
        while self.takes(&Token::Not) {
            negated = !negated;
        }
        if depth > DEEPEST {
            return Err(self.misread(format!("is nested more than {DEEPEST} deep")));
        }
        let expr = match self.peek() {
            Some(Token::Open) => {
                self.at += 1;
                let inner = self.or(depth + 1)?;
                if !self.takes(&Token::Close) {
                    return self.wants(")");
                }
                inner
            }
            Some(Token::All) => {
                self.at += 1;
                Expr::All
            }
            Some(Token::Global) => {
                self.at += 1;
                Expr::Global
            }
            Some(Token::Has(key)) => {
                let key = key.clone();
                self.at += 1;
                Expr::Ask(key, Ask::Has)
            }
            Some(Token::Key(key)) => {
                let key = key.clone();
                self.at += 1;
                self.ask(key)?
            }
            _ => return self.wants("a label key, has(), all() or ("),
        };
        Ok(if negated { Expr::Not(Box::new(expr)) } else { expr })
    }

    fn ask(&mut self, key: Name) -> Result<Expr, Misread> {
        let ask = match self.peek() {
            Some(Token::Equal) => {
                self.at += 1;
                Ask::In(vec![self.text()?])
            }
            Some(Token::NotEqual) => {
                self.at += 1;
                Ask::NotIn(vec![self.text()?])
            }
            Some(Token::In) => {
                self.at += 1;
                Ask::In(self.set()?)
            }
            Some(Token::NotIn) => {
                self.at += 1;
                Ask::NotIn(self.set()?)
            }
            Some(Token::Match(how)) => {
                let how = *how;
                self.at += 1;
                Ask::Text(how, self.text()?)
            }
            _ => return self.wants(OPERATORS),
        };
        Ok(Expr::Ask(key, ask))
    }

    fn text(&mut self) -> Result<Name, Misread> {
        match self.peek() {
            Some(Token::Text(text)) => {
                let text = text.clone();
                self.at += 1;
                Ok(text)
            }
            _ => self.wants("a text in quotes"),
        }
    }

    fn set(&mut self) -> Result<Vec<Name>, Misread> {
        if !self.takes(&Token::OpenSet) {
            return self.wants("{");
        }
        let mut all = Vec::new();
        if self.takes(&Token::CloseSet) {
            return Ok(all);
        }
        loop {
            all.push(self.text()?);
            match self.take() {
                Some(Token::CloseSet) => return Ok(all),
                Some(Token::Comma) => {}
                _ => {
                    self.at -= 1;
                    return self.wants(", or }");
                }
            }
        }
    }
}

impl Expr {
    /// The same of the labels that pods inherit of their namespaces, where `all()` means what has a
    /// namespace and `global()` what has none.
    ///
    /// Source: docs/semantics/calico.md#rules.
    pub(super) fn of_namespaces(self) -> Self {
        let has = Self::Ask(NAMESPACE.into(), Ask::Has);
        let none = Self::Not(Box::new(has.clone()));
        self.inherited(OF_NAMESPACE, &[has, none])
    }

    /// The same of the labels that pods inherit of their ServiceAccounts.
    pub(super) fn of_accounts(self) -> Self {
        self.inherited(OF_ACCOUNT, &[Self::All, Self::Global])
    }

    fn inherited(self, prefix: &str, all_and_global: &[Self; 2]) -> Self {
        let each = |all: Vec<Self>| {
            all.into_iter().map(|expr| expr.inherited(prefix, all_and_global)).collect()
        };
        match self {
            Self::All => all_and_global[0].clone(),
            Self::Global => all_and_global[1].clone(),
            Self::Not(expr) => Self::Not(Box::new(expr.inherited(prefix, all_and_global))),
            Self::And(all) => Self::And(each(all)),
            Self::Or(all) => Self::Or(each(all)),
            Self::Ask(key, ask) => Self::Ask(format!("{prefix}{key}").into(), ask),
        }
    }

    /// Whether `global()` is in it, beside anything else or alone.
    pub(super) fn has_global(&self) -> bool {
        match self {
            Self::Global => true,
            Self::All | Self::Ask(..) => false,
            Self::Not(expr) => expr.has_global(),
            Self::And(all) | Self::Or(all) => all.iter().any(Self::has_global),
        }
    }
}

/// What stands before the labels that a pod inherits of its namespace.
pub(super) const OF_NAMESPACE: &str = "pcns.";
/// What stands before the labels that it inherits of its ServiceAccount.
pub(super) const OF_ACCOUNT: &str = "pcsa.";
/// The label that has the namespace of pods and of sets in one.
pub(super) const NAMESPACE: &str = "projectcalico.org/namespace";

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(key: &str, ask: Ask) -> Expr {
        Expr::Ask(key.into(), ask)
    }

    fn is(key: &str, value: &str) -> Expr {
        ask(key, Ask::In(vec![value.into()]))
    }

    /// docs/semantics/calico.md#selectors, a row for each form.
    #[test]
    fn every_form() {
        let not = |expr| Expr::Not(Box::new(expr));
        let names = |all: &[&str]| all.iter().map(|name| Name::from(*name)).collect::<Vec<_>>();
        for (text, expr) in [
            ("", Expr::All),
            (" \t", Expr::All),
            ("all()", Expr::All),
            ("all( )", Expr::All),
            ("global()", Expr::Global),
            ("a=='b'", is("a", "b")),
            ("a == \"it's\"", is("a", "it's")),
            ("a != 'b'", ask("a", Ask::NotIn(names(&["b"])))),
            ("has(a/b.c-d)", ask("a/b.c-d", Ask::Has)),
            ("has( a )", ask("a", Ask::Has)),
            ("a in {'b',\"c\"}", ask("a", Ask::In(names(&["b", "c"])))),
            ("a in {}", ask("a", Ask::In(vec![]))),
            ("a not in {'b'}", ask("a", Ask::NotIn(names(&["b"])))),
            ("a notin {'b'}", ask("a", Ask::NotIn(names(&["b"])))),
            ("a contains 'b'", ask("a", Ask::Text(TextMatch::Contains, "b".into()))),
            ("a starts with 'b'", ask("a", Ask::Text(TextMatch::StartsWith, "b".into()))),
            ("a startswith 'b'", ask("a", Ask::Text(TextMatch::StartsWith, "b".into()))),
            ("a ends  with 'b'", ask("a", Ask::Text(TextMatch::EndsWith, "b".into()))),
            ("a endswith 'b'", ask("a", Ask::Text(TextMatch::EndsWith, "b".into()))),
            // Keys that are words of the language.
            ("in in {'b'}", ask("in", Ask::In(names(&["b"])))),
            ("has == 'b'", is("has", "b")),
            // `!` binds to what comes next, `&&` before `||`.
            ("! a == 'b'", not(is("a", "b"))),
            ("!!a == 'b'", is("a", "b")),
            ("!(a == 'b')", not(is("a", "b"))),
            (
                "a == '1' || b == '2' && !has(c)",
                Expr::Or(vec![
                    is("a", "1"),
                    Expr::And(vec![is("b", "2"), not(ask("c", Ask::Has))]),
                ]),
            ),
        ] {
            assert_eq!(parse(text), Ok(expr), "{text}");
        }
    }

    #[test]
    fn where_a_text_stops_making_sense() {
        for (text, column, says) in [
            ("a = 'b'", 3, "write =="),
            ("a == b", 6, "a text in quotes"),
            ("a == 'b", 6, "does not end"),
            ("é == 'b'", 1, "'é' is no part"),
            ("a == 'é' & b", 10, "write &&"),
            ("a like 'b'", 3, "like is no operator"),
            ("a in 'b'", 6, "wanted {"),
            ("a in {'b' 'c'}", 11, ", or }"),
            ("a in {'b',}", 11, "a text in quotes"),
            ("(a == 'b'", 10, "here it ends; wanted )"),
            ("a == 'b')", 9, ") is left over"),
            ("a == 'b' c == 'd'", 10, "c is left over"),
            ("a", 2, "=="),
            ("&& a == 'b'", 1, "a label key"),
            ("has(", 1, "has( wants"),
            ("all(a)", 1, "all( wants"),
            ("a == 'b' ||", 12, "here it ends"),
            ("a\n== 'b'", 2, "is no part"),
        ] {
            let misread = parse(text).unwrap_err();
            assert_eq!(misread.column, column, "{text}: {misread:?}");
            assert!(misread.message.contains(says), "{text}: {misread:?}");
        }
        let deep = format!("{}a == 'b'{}", "(".repeat(5000), ")".repeat(5000));
        assert!(parse(&deep).unwrap_err().message.contains("nested"));
    }
}
