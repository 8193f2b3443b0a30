//! Objects without the API server's account of who set which field, which often is most of an object.
//!
//! In: JSON of which nobody reads `managedFields`. Out: the same without them. A parser that skips goes
//! through them byte by byte; here sixty-four bytes are looked at together, as simdjson does (Langdale
//! and Lemire, "Parsing Gigabytes of JSON per Second", 2019): where strings begin and end, and where
//! brackets stand outside of them. Nothing inside them is looked at further; all else is left to the parser.

use memchr::memmem::Finder;

/// A key with a list, as Go writes it: without a space. In a string its quotes would be escaped.
const KEY: &[u8] = br#""managedFields":["#;

/// Takes out every `managedFields` that is a list. What has no end stays, for the parser to say so.
pub(super) fn without(mut json: Vec<u8>) -> Vec<u8> {
    let finder = Finder::new(KEY);
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
    let mut depth: u32 = 1;
    let mut strings = Strings::default();
    let (blocks, rest) = json.as_chunks::<BLOCK>();
    let mut last = [b' '; BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    for (number, block) in blocks.iter().chain([&last]).enumerate() {
        let outside = !strings.within(mask(block, b'"'), mask(block, b'\\'));
        // `[` and `{` differ in one bit, and so do `]` and `}`; no other byte becomes one of them.
        let folded = block.map(|byte| byte | 0x20);
        let opened = mask(&folded, b'{') & outside;
        let mut closed = mask(&folded, b'}') & outside;
        if closed.count_ones() < depth {
            depth = depth - closed.count_ones() + opened.count_ones();
            continue;
        }
        let mut before = 0;
        while closed != 0 {
            let place = closed.trailing_zeros();
            let up_to = opened & !(u64::MAX << place);
            depth = depth + (up_to.count_ones() - before) - 1;
            before = up_to.count_ones();
            if depth == 0 {
                return Some(number * BLOCK + place as usize + 1);
            }
            closed &= closed - 1;
        }
        depth += opened.count_ones() - before;
    }
    None
}

/// Bytes that are looked at together, a bit of a word each.
const BLOCK: usize = 64;

/// Where a byte stands in a block.
fn mask(block: &[u8; BLOCK], byte: u8) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let wanted = u64::from_ne_bytes([byte; 8]);
    let mut mask = 0;
    for (number, eight) in block.as_chunks::<8>().0.iter().enumerate() {
        let differs = u64::from_le_bytes(*eight) ^ wanted;
        // The highest bit of each byte is set where the byte is zero.
        let zero = !(((differs & LOW) + LOW) | differs | LOW);
        // Those eight bits next to each other.
        let bits = (zero >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        mask |= bits << (8 * number);
    }
    mask
}

/// Where strings are, from block to block.
#[derive(Default)]
struct Strings {
    /// Whether the block before ended within one: all bits or none.
    open: u64,
    /// Whether the block before ended with a backslash that escapes.
    escaping: u64,
}

impl Strings {
    /// The bytes of a block that are within a string, its first quote included.
    fn within(&mut self, quotes: u64, backslashes: u64) -> u64 {
        let mut inside = quotes & !self.escaped(backslashes);
        for shift in [1, 2, 4, 8, 16, 32] {
            inside ^= inside << shift;
        }
        inside ^= self.open;
        self.open = 0_u64.wrapping_sub(inside >> 63);
        inside
    }

    /// The bytes that a backslash before them escapes.
    fn escaped(&mut self, mut backslashes: u64) -> u64 {
        let mut escaped = std::mem::take(&mut self.escaping);
        backslashes &= !escaped;
        while backslashes != 0 {
            let place = backslashes.trailing_zeros();
            if place == 63 {
                self.escaping = 1;
                break;
            }
            escaped |= 2 << place;
            // The next one does not count if this one escapes it.
            backslashes &= !(3 << place);
        }
        escaped
    }
}

#[cfg(test)]
mod tests {
    use super::{list_length, without};
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
            r#" "managedFields":[1]"#,
            "",
        ] {
            assert_eq!(cut(text), text);
        }
    }

    #[test]
    fn the_end_is_found_at_every_place_of_a_block() {
        let texts =
            [r#"{"a":[1,{"b":[]}]}"#, r#""]\\\"]","#, r#""\\","#, "[[]],{}", r#""\\\\\"""#, "}"];
        for before in 0..140 {
            for text in texts {
                let json = format!("{}{text}", " ".repeat(before));
                let whole = format!("[{json}] ]");
                let mut parsed = serde_json::Deserializer::from_str(&whole).into_iter::<Value>();
                let well = parsed.next().is_some_and(|value| value.is_ok());
                if well {
                    assert_eq!(list_length(&whole.as_bytes()[1..]), Some(parsed.byte_offset() - 1));
                }
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
