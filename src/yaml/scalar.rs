//! What a plain scalar means: YAML 1.1 as goyaml.v2 resolves it, and then JSON.
//!
//! In goes the text of a scalar that is not quoted, out comes a [`Resolved`] value.

use std::borrow::Cow;

/// The value that kubectl sees in a plain scalar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Resolved<'a> {
    /// Nothing, `~`, `null`, `Null` or `NULL`.
    Null,
    /// `true`, `yes`, `on`, `y` and their opposites.
    Bool(bool),
    /// A whole number; `80.0` and `1e3` are whole numbers too, since JSON prints them as such.
    Int(i64),
    /// A whole number beyond the range of `i64`.
    Uint(u64),
    /// Any other number, `.inf` and `.nan`.
    Float(f64),
    /// Everything else: dates, `=`, `1:30`, `tRUE` and ordinary text.
    Text(&'a str),
}

impl Resolved<'_> {
    /// The kind with its article, for messages.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Uint(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
        }
    }
}

/// Resolve a plain scalar.
pub(super) fn resolve(text: &str) -> Resolved<'_> {
    match resolve_yaml(text) {
        Resolved::Float(value) => as_json_number(value),
        value => value,
    }
}

/// Resolve a plain scalar as YAML alone does, before JSON makes whole numbers of some floats.
pub(super) fn resolve_yaml(text: &str) -> Resolved<'_> {
    let Some(&first) = text.as_bytes().first() else {
        return Resolved::Null;
    };
    // The first byte tells nearly always that it is ordinary text.
    match first {
        b'~' | b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' => word(text),
        b'.' => match word(text) {
            // goyaml takes no underscores here.
            Resolved::Text(_) => float(text, text),
            value => value,
        },
        b'0'..=b'9' => number(text),
        b'+' | b'-' => match word(text) {
            Resolved::Text(_) => number(text),
            value => value,
        },
        _ => Resolved::Text(text),
    }
}

/// The words that stand for a value, and `Text` for all others.
fn word(text: &str) -> Resolved<'_> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Resolved::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Resolved::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => Resolved::Null,
        ".nan" | ".NaN" | ".NAN" => Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Resolved::Float(f64::NEG_INFINITY),
        _ => Resolved::Text(text),
    }
}

/// A scalar that starts with a digit or a sign.
fn number(text: &str) -> Resolved<'_> {
    // Addresses, dates and versions are the common case: they hold a byte that no number has.
    let possible = |b: u8| {
        b.is_ascii_hexdigit() || matches!(b, b'_' | b'+' | b'-' | b'.' | b'x' | b'X' | b'o' | b'O')
    };
    if !text.bytes().all(possible) {
        return Resolved::Text(text);
    }
    let digits =
        if text.contains('_') { Cow::Owned(text.replace('_', "")) } else { Cow::Borrowed(text) };
    let (negative, unsigned) = match digits.as_bytes() {
        [b'-', ..] => (true, &digits[1..]),
        [b'+', ..] => (false, &digits[1..]),
        _ => (false, &digits[..]),
    };
    if let Some(magnitude) = whole(unsigned) {
        if negative && magnitude <= i64::MIN.unsigned_abs() {
            return Resolved::Int(0i64.wrapping_sub_unsigned(magnitude));
        }
        if !negative && let Ok(value) = i64::try_from(magnitude) {
            return Resolved::Int(value);
        }
        // Go's ParseUint takes no sign.
        if !digits.starts_with(['+', '-']) {
            return Resolved::Uint(magnitude);
        }
    }
    // A slip of goyaml that kubectl shares: a sign is read after `0b`.
    if let Some(signed) = digits.strip_prefix("0b").filter(|s| s.starts_with(['+', '-']))
        && let Ok(value) = i64::from_str_radix(signed, 2)
    {
        return Resolved::Int(value);
    }
    if is_decimal_float(unsigned) {
        return float(text, &digits);
    }
    Resolved::Text(text)
}

/// A whole number without a sign, in the base that its prefix names.
fn whole(text: &str) -> Option<u64> {
    let (base, digits) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &text[2..]),
        [b'0', b'o' | b'O', ..] => (8, &text[2..]),
        [b'0', b'b' | b'B', ..] => (2, &text[2..]),
        [b'0', _, ..] => (8, &text[1..]),
        _ => (10, text),
    };
    // Rust would take one more sign here.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(digits, base).ok()
}

/// Whether this is `1.5`, `5.`, `.5`, `1e3` and the like, without a sign.
fn is_decimal_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some((whole, fraction)) => {
            digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty())
        }
        None => !mantissa.is_empty() && digits(mantissa),
    };
    mantissa_fits
        && exponent.is_none_or(|exponent| {
            let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            !unsigned.is_empty() && digits(unsigned)
        })
}

/// A decimal float: `digits` as Rust reads it, `text` as it was written.
fn float<'a>(text: &'a str, digits: &str) -> Resolved<'a> {
    match digits.parse::<f64>() {
        // Too large for a double: goyaml leaves it a string.
        Ok(value) if value.is_finite() => Resolved::Float(value),
        _ => Resolved::Text(text),
    }
}

/// A float without a fraction becomes a whole number on its way through JSON.
fn as_json_number(value: f64) -> Resolved<'static> {
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    if value.fract() == 0.0 && (-BOUND..BOUND).contains(&value) {
        #[allow(clippy::cast_possible_truncation)] // Whole and within range.
        return Resolved::Int(value as i64);
    }
    Resolved::Float(value)
}

/// The string that a plain scalar gives as a mapping key; `None` where kubectl refuses it.
///
/// JSON has only strings for keys, so `yes: 1` sets the field `true` and `0x10: 1` the field `16`.
pub(super) fn key(text: &str) -> Option<Cow<'_, str>> {
    Some(match resolve_yaml(text) {
        Resolved::Text(text) => Cow::Borrowed(text),
        Resolved::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
        Resolved::Int(value) => Cow::Owned(value.to_string()),
        Resolved::Float(value) => Cow::Owned(float_key(value)),
        Resolved::Null | Resolved::Uint(_) => return None,
    })
}

/// A float as a key: what Go's `%g` prints for it in single precision.
fn float_key(value: f64) -> String {
    #[allow(clippy::cast_possible_truncation)] // sigs.k8s.io/yaml does just this.
    let value = value as f32;
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}
