//! Variables of `postBuild`, filled in as Flux fills them in.
//!
//! In: the text of an object as kustomize printed it, and what is known of the variables. Out: the text
//! with their values. What may have a value that nobody here knows stays as it is written, `${NAME}`, and
//! whoever reads the text takes it for not known.
//!
//! Source: docs/semantics/flux.md#variables.

use std::collections::BTreeMap;

/// Defaults within defaults are not followed deeper than this.
const MAX_DEPTH: usize = 16;

/// What is known of the variables of a Kustomization.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Variables {
    /// Their values; `None`: it has one, which is not known.
    pub(super) values: BTreeMap<String, Option<String>>,
    /// Any other may have a value too.
    pub(super) open: bool,
    /// They are filled in even where there are none.
    pub(super) always: bool,
}

/// What the value of a variable is.
enum Value<'a> {
    Known(&'a str),
    Unknown,
}

impl Variables {
    /// Whether anything is filled in at all.
    pub(super) fn apply(&self) -> bool {
        !self.values.is_empty() || self.open || self.always
    }

    fn get(&self, name: &str) -> Value<'_> {
        match self.values.get(name) {
            Some(Some(value)) => Value::Known(value),
            Some(None) => Value::Unknown,
            None if self.open => Value::Unknown,
            // Only in strict mode this is an error.
            None => Value::Known(""),
        }
    }
}

/// Fills in the variables; the error is the expression that Flux refuses.
pub(super) fn substitute(text: &str, variables: &Variables) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let from = &rest[at..];
        if let Some(after) = from.strip_prefix("$$") {
            out.push('$');
            rest = after;
        } else if let Some(inner) = from.strip_prefix("${") {
            let (filled, after) = expression(inner, variables, 0).ok_or_else(|| said(from))?;
            match filled {
                Some(filled) => out.push_str(&filled),
                None => out.push_str(&from[..from.len() - after.len()]),
            }
            rest = after;
        } else {
            out.push('$');
            rest = &from[1..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// The beginning of what is refused.
fn said(from: &str) -> String {
    let line = from.lines().next().unwrap_or_default();
    line.chars().take(40).collect()
}

/// What follows `${`: its value and what comes after it; a value of `None` is not known. `None` for all:
/// Flux refuses it.
fn expression<'t>(
    inner: &'t str,
    variables: &Variables,
    depth: usize,
) -> Option<(Option<String>, &'t str)> {
    if depth > MAX_DEPTH {
        return None;
    }
    if let Some(counted) = inner.strip_prefix('#') {
        let (name, rest) = name(counted)?;
        let after = rest.strip_prefix('}')?;
        let length = match variables.get(name) {
            Value::Known(value) => Some(value.len().to_string()),
            Value::Unknown => None,
        };
        return Some((length, after));
    }
    let (name, rest) = name(inner)?;
    let value = variables.get(name);
    if let Some(after) = rest.strip_prefix('}') {
        let value = match value {
            Value::Known(value) => Some(value.to_owned()),
            Value::Unknown => None,
        };
        return Some((value, after));
    }
    let (operator, argument) = operator(rest)?;
    let (given, after) = arguments(argument, variables, depth)?;
    let (Value::Known(value), Some(given)) = (value, given) else { return Some((None, after)) };
    Some((operator.apply(value, &given), after))
}

/// Letters, digits and `_`.
fn name(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// What is done with a value.
#[derive(Clone, Copy)]
enum Operator {
    Default,
    LowerFirst,
    Lower,
    UpperFirst,
    Upper,
    Part,
    ReplaceFirst,
    ReplaceAll,
    ReplaceStart,
    ReplaceEnd,
    /// Without what matches at its start or end, which only Flux knows where that is a pattern.
    WithoutStart,
    WithoutEnd,
}

/// The operator at the beginning, longer ones first.
fn operator(text: &str) -> Option<(Operator, &str)> {
    const ALL: &[(&str, Operator)] = &[
        (":=", Operator::Default),
        (":-", Operator::Default),
        (":?", Operator::Default),
        (":+", Operator::Default),
        ("=", Operator::Default),
        (":", Operator::Part),
        (",,", Operator::Lower),
        (",", Operator::LowerFirst),
        ("^^", Operator::Upper),
        ("^", Operator::UpperFirst),
        ("//", Operator::ReplaceAll),
        ("/#", Operator::ReplaceStart),
        ("/%", Operator::ReplaceEnd),
        ("/", Operator::ReplaceFirst),
        ("##", Operator::WithoutStart),
        ("#", Operator::WithoutStart),
        ("%%", Operator::WithoutEnd),
        ("%", Operator::WithoutEnd),
    ];
    ALL.iter().find_map(|(word, operator)| Some((*operator, text.strip_prefix(word)?)))
}

/// Everything up to the brace that closes, with what stands in braces itself filled in.
fn arguments<'t>(
    text: &'t str,
    variables: &Variables,
    depth: usize,
) -> Option<(Option<String>, &'t str)> {
    let (mut all, mut known) = (String::new(), true);
    let mut rest = text;
    loop {
        let at = rest.find(['}', '$'])?;
        all.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix('}') {
            return Some((known.then_some(all), after));
        }
        if let Some(inner) = rest.strip_prefix("${") {
            let (filled, after) = expression(inner, variables, depth + 1)?;
            known &= filled.is_some();
            all.push_str(&filled.unwrap_or_default());
            rest = after;
        } else {
            all.push('$');
            rest = &rest[1..];
        }
    }
}

impl Operator {
    /// What becomes of a value; `None` where only Flux can tell.
    fn apply(self, value: &str, given: &str) -> Option<String> {
        let first = |change: fn(char) -> String| {
            let mut all = value.chars();
            all.next().map_or(String::new(), |c| change(c) + all.as_str())
        };
        let pattern = given.contains(['*', '?', '[', '\\']);
        let plain = |changed: &str| (!pattern).then(|| changed.to_owned());
        Some(match self {
            // `${A:+b}` and `${A:?b}` are what `${A:-b}` is.
            Self::Default if value.is_empty() => given.to_owned(),
            Self::Default => value.to_owned(),
            Self::Lower => value.to_lowercase(),
            Self::Upper => value.to_uppercase(),
            Self::LowerFirst => first(|c| c.to_lowercase().collect()),
            Self::UpperFirst => first(|c| c.to_uppercase().collect()),
            Self::Part => return part(value, given),
            Self::WithoutStart => return plain(value.strip_prefix(given).unwrap_or(value)),
            Self::WithoutEnd => return plain(value.strip_suffix(given).unwrap_or(value)),
            Self::ReplaceFirst | Self::ReplaceAll | Self::ReplaceStart | Self::ReplaceEnd => {
                // An escaped slash may be part of either.
                let (from, to) = given.split_once('/').filter(|_| !given.contains('\\'))?;
                match self {
                    Self::ReplaceAll => value.replace(from, to),
                    Self::ReplaceStart if value.starts_with(from) => value.replacen(from, to, 1),
                    Self::ReplaceEnd => match value.strip_suffix(from) {
                        Some(start) => format!("{start}{to}"),
                        None => value.to_owned(),
                    },
                    Self::ReplaceStart => value.to_owned(),
                    _ => value.replacen(from, to, 1),
                }
            }
        })
    }
}

/// `${A:position}` or `${A:position:length}`, counted in bytes; what is negative is left to Flux.
fn part(value: &str, given: &str) -> Option<String> {
    let (position, length) = match given.split_once(':') {
        Some((position, length)) => (position, Some(length)),
        None => (given, None),
    };
    let position = position.parse::<usize>().ok()?;
    let length = match length {
        Some(length) => length.parse::<usize>().ok()?,
        None => usize::MAX,
    };
    let end = position.saturating_add(length).min(value.len());
    Some(value.get(position.min(end)..end)?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        let known = [("LAN", "192.0.2.0/24"), ("NAME", "web"), ("EMPTY", "")];
        let known = known.map(|(name, value)| (name.to_owned(), Some(value.to_owned())));
        let values = known.into_iter().chain([("SECRET".to_owned(), None)]).collect();
        Variables { values, ..Variables::default() }
    }

    /// Source: docs/semantics/flux.md#variables.
    #[test]
    fn values_as_flux_fills_them_in() {
        let variables = variables();
        for (text, expected) in [
            ("cidr: ${LAN}", "cidr: 192.0.2.0/24"),
            ("a ${NAME}-${NAME} b", "a web-web b"),
            ("$NAME $ $$NAME", "$NAME $ $NAME"),
            ("$${NAME}", "${NAME}"),
            ("${EMPTY}${MISSING}|", "|"),
            ("${MISSING:=10.0.0.0/8}", "10.0.0.0/8"),
            ("${MISSING:-${NAME}-x}", "web-x"),
            ("${NAME:=no}", "web"),
            ("${EMPTY:=yes}", "yes"),
            ("${MISSING=yes}", "yes"),
            ("${NAME^} ${NAME^^} ${#NAME}", "Web WEB 3"),
            ("${NAME:1} ${NAME:0:2} ${NAME:9}", "eb we "),
            ("${NAME/e/o} ${NAME//[/x} ${NAME/#w/l}", "wob web leb"),
            ("${NAME%b} ${NAME#w} ${NAME%x}", "we eb web"),
            // What may be anything stays as it is written.
            (
                "${SECRET} ${SECRET:=x} ${MISSING:=${SECRET}}",
                "${SECRET} ${SECRET:=x} ${MISSING:=${SECRET}}",
            ),
            // So does what only Flux knows.
            ("${NAME%%*b}", "${NAME%%*b}"),
        ] {
            let said = substitute(text, &variables);
            assert_eq!(said.as_deref(), Ok(expected), "{text}");
        }
        for refused in ["${NAME", "${}", "${NAME[@]}", "${NAME-x}", "a ${ b }"] {
            assert!(substitute(refused, &variables).is_err(), "{refused}");
        }
    }

    /// A Secret that is not here may have any variable.
    #[test]
    fn what_may_come_from_elsewhere() {
        let variables = Variables { open: true, ..variables() };
        let said = substitute("${LAN} ${MISSING} ${MISSING:=x}", &variables);
        assert_eq!(said.as_deref(), Ok("192.0.2.0/24 ${MISSING} ${MISSING:=x}"));
        assert!(!Variables::default().apply());
    }
}
