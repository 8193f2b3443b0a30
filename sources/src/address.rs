//! Addresses without what is secret in them.

use netpol::objects::shown;
use std::borrow::Cow;
use std::path::Path;

/// A path, or an address in its place, fit to be shown.
pub fn shown_path(path: &Path) -> String {
    shown(Path::new(&*without_user(&path.to_string_lossy())))
}

/// The text without user information in its addresses: `https://user:password@host/` is
/// `https://host/`.
///
/// A password may itself have an `@`, so all up to the last before the path goes; what has none stays
/// as it is. Programs that take an address for a path leave one slash of two.
pub fn without_user(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(":/") {
        let slashes = rest[at + 1..].bytes().take_while(|byte| *byte == b'/').count();
        let (scheme, after) = rest.split_at(at + 1 + slashes);
        let ends = |c: char| {
            matches!(c, '/' | '?' | '#' | '"' | '\'' | '`' | ')' | ',') || c.is_whitespace()
        };
        let end = after.find(ends).unwrap_or(after.len());
        out.push_str(scheme);
        let (authority, behind) = after.split_at(end);
        let shown = match authority.rsplit_once('@') {
            // A path may have an `@`, but hardly a colon before it.
            Some((user, host)) if slashes > 1 || user.contains(':') => host,
            _ => authority,
        };
        out.push_str(shown);
        rest = behind;
    }
    if out.is_empty() {
        return Cow::Borrowed(text);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::without_user;

    #[test]
    fn users_and_passwords_are_left_out() {
        for (text, shown) in [
            ("https://u:p@host:6443/x?y=a@b", "https://host:6443/x?y=a@b"),
            (
                "ssh://git@host/a and https://u:p@q@host, both",
                "ssh://host/a and https://host, both",
            ),
            ("\"socks5h://me:x@p:1080\"", "\"socks5h://p:1080\""),
            ("https://host/a@b", "https://host/a@b"),
            ("me@example.com", "me@example.com"),
            ("://", "://"),
            ("lstat /tmp/https:/me:x@host/x", "lstat /tmp/https:/host/x"),
            ("C:/Users/a@b", "C:/Users/a@b"),
            ("x:/a@b", "x:/a@b"),
        ] {
            assert_eq!(without_user(text), shown);
        }
    }
}
