//! Objects without the API server's account of who set which field, which often is most of an object.
//!
//! In: JSON of which nobody reads `managedFields`. Out: the same without them. A parser that skips goes
//! through them string by string; here their end is looked for, as fast as bytes can be, and what is inside
//! is not looked at further. All else is left to the parser.

use memchr::memmem;

/// A key with a list, as Go writes it: without a space. In a string its quotes would be escaped.
const KEY: &[u8] = br#""managedFields":["#;

/// Takes out every `managedFields` that is a list. What has no end stays, for the parser to say so.
pub fn without(mut json: Vec<u8>) -> Vec<u8> {
    let finder = memmem::Finder::new(KEY);
    // Up to `kept` all is in place; `from` is where what is not yet moved begins.
    let (mut kept, mut from, mut at) = (0_usize, 0, 0);
    while let Some(found) = finder.find(&json[at..]) {
        let key = at + found;
        let list = key + KEY.len();
        let Some(length) = list_length(&json[list..]) else { break };
        let (end, next) = (list + length, json.get(list + length));
        at = end;
        // What stands before it, once all before it is taken out.
        let before = if key > from { Some(key - 1) } else { kept.checked_sub(1) };
        // With the comma before or after it, so that commas stay between two.
        let cut = match (before.map(|before| json[before]), next) {
            (Some(b','), _) if key > from => key - 1..end,
            (Some(b'{'), Some(b',')) => key..end + 1,
            (Some(b'{'), Some(b'}')) => key..end,
            _ => continue,
        };
        json.copy_within(from..cut.start, kept);
        kept += cut.start - from;
        (from, at) = (cut.end, cut.end);
    }
    let rest = json.len() - from;
    json.copy_within(from.., kept);
    json.truncate(kept + rest);
    json
}

/// How many bytes there are until the bracket is closed that was opened just before these.
fn list_length(json: &[u8]) -> Option<usize> {
    let end = memchr::memchr(b']', json)?;
    let within = &json[..end];
    // A list of objects without lists, whose strings escape quotes alone: what the API server writes. The
    // bracket closes it where all strings are closed.
    let plain = memchr::memchr(b'[', within).is_none() && memmem::find(within, br"\\").is_none();
    if plain {
        let quotes = memchr::memchr_iter(b'"', within).count();
        let escaped = memmem::find_iter(within, br#"\""#).count();
        if (quotes - escaped).is_multiple_of(2) {
            return Some(end + 1);
        }
    }
    list_length_of_any(json)
}

/// The same, byte by byte.
fn list_length_of_any(json: &[u8]) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (1_usize, false, false);
    for (at, byte) in json.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => {
                depth -= 1;
                if depth == 0 {
                    // What a brace closes is no list; and so every search goes on behind the next bracket.
                    return (*byte == b']').then_some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{list_length, list_length_of_any, without};
    use serde_json::{Value, json};

    fn cut(text: &str) -> String {
        String::from_utf8(without(text.as_bytes().to_vec())).unwrap()
    }

    /// All that a parser keeps, but for lists of that name.
    fn slowly(value: Value) -> Value {
        match value {
            Value::Object(map) => map
                .into_iter()
                .filter(|(key, value)| key != "managedFields" || !value.is_array())
                .map(|(key, value)| (key, slowly(value)))
                .collect(),
            Value::Array(items) => items.into_iter().map(slowly).collect(),
            value => value,
        }
    }

    #[test]
    fn they_are_taken_out_wherever_they_stand() {
        for (text, kept) in [
            (r#"{"managedFields":[],"name":"a"}"#, r#"{"name":"a"}"#),
            (r#"{"name":"a","managedFields":[{"f:a":{}}]}"#, r#"{"name":"a"}"#),
            (r#"{"a":1,"managedFields":[1,[2]],"b":2}"#, r#"{"a":1,"b":2}"#),
            (r#"{"managedFields":[1],"managedFields":[2],"managedFields":[],"b":2}"#, r#"{"b":2}"#),
            (r#"{"managedFields":[1],"managedFields":[2]}"#, "{}"),
            (r#"{"a":1,"managedFields":[1],"managedFields":[2]}"#, r#"{"a":1}"#),
            (r#"{"managedFields":["]"]}"#, "{}"),
            (r#"[{"managedFields":["\\"]},{"managedFields":["\"]"]}]"#, "[{},{}]"),
        ] {
            assert_eq!(cut(text), kept, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_them_stays() {
        for text in [
            r#"{"a":"\"managedFields\":[1]"}"#,
            r#"{"a":"{\"managedFields\":[1]}","b":[]}"#,
            r#"{"managedFields":null}"#,
            r#"{"managedFields":{"a":[]}}"#,
            r#"["managedFields",["a"]]"#,
            // Never closed, or not JSON: the parser's to say.
            r#"{"managedFields":[{"a":1}"#,
            r#"{"managedFields":["]}"#,
            r#"{"managedFields":[1] 2}"#,
            r#"{"managedFields":[},"managedFields":[]}"#,
            r#" "managedFields":[1]"#,
            "",
        ] {
            assert_eq!(cut(text), text);
        }
    }

    #[test]
    fn the_end_is_the_same_either_way() {
        let mut random = 11_u64;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..12 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let parts = [
                    "\"",
                    "\\\"",
                    "\\",
                    "]",
                    "[",
                    "{",
                    "}",
                    "a",
                    "\\n",
                    "\"f:a\":{}",
                    ",",
                    "\"k:{\\\"\":{}",
                ];
                text.push_str(parts[usize::try_from(random >> 33).unwrap() % parts.len()]);
            }
            let ends = [list_length(text.as_bytes()), list_length_of_any(text.as_bytes())];
            // What is no JSON may end otherwise: it is refused with and without what is cut out.
            let whole = format!("[{text}");
            let mut parsed = serde_json::Deserializer::from_str(&whole).into_iter::<Value>();
            if parsed.next().is_some_and(|value| value.is_ok()) {
                assert_eq!(ends, [Some(parsed.byte_offset() - 1); 2], "{text}");
            }
        }
    }

    #[test]
    fn random_objects_keep_all_else() {
        let mut random = 7_u64;
        let mut next = move |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) % below
        };
        for _ in 0..2_000 {
            let object = any(&mut next, 5);
            let read: Value =
                serde_json::from_slice(&without(object.to_string().into_bytes())).unwrap();
            assert_eq!(read, slowly(object));
        }
    }

    fn any(next: &mut dyn FnMut(u64) -> u64, depth: u64) -> Value {
        const TEXTS: [&str; 8] = [
            "managedFields",
            "a",
            "\"",
            "\\",
            "\"managedFields\":[",
            "]}",
            "k:{\"ip\":\"1\"}",
            "\u{e9}[{",
        ];
        let text = |at: u64| TEXTS[usize::try_from(at).unwrap()];
        match next(if depth == 0 { 2 } else { 6 }) {
            0 => json!(text(next(8))),
            1 => json!(next(1000)),
            2 | 3 => (0..next(4)).map(|_| any(next, depth - 1)).collect(),
            _ => {
                let pairs = (0..next(4)).map(|_| (text(next(8)).to_owned(), any(next, depth - 1)));
                Value::Object(pairs.collect())
            }
        }
    }
}
